"""Counts in words, for every layer that writes a sentence."""

from __future__ import annotations


def count(number: float, noun: str = "") -> str:
    """Write a whole number with its noun.

    Examples
    --------
    >>> count(1234.4), count(1, "day"), count(21, "day")
    ('1,234', '1 day', '21 days')
    """
    whole = round(number)
    if not noun:
        return f"{whole:,}"
    return f"{whole:,} {noun}{'' if whole == 1 else 's'}"
