"""Counts and commands in words, for every layer that writes a sentence."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final
from unicodedata import bidirectional

if TYPE_CHECKING:
    from collections.abc import Iterable

TO_THE_RIGHT: Final = "\u200e"
"""Makes numbers behind a Hebrew or Arabic name read from left to right."""


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


def command(words: Iterable[str]) -> str:
    r"""Write a command so that a shell reads the same words, and a person every sign of them.

    What cannot be printed, or turns the reading direction, stands in ``$'...'`` as bytes, as
    bash, zsh, ksh and POSIX.1-2024 take it.

    Examples
    --------
    >>> print(command(["sniper", "diagnose", "--tickets", "where:group=O'Brien"]))
    sniper diagnose --tickets 'where:group=O'"'"'Brien'
    >>> print(command(["a\nb"]))
    $'a\x0ab'
    """
    return " ".join(shlex.quote(word) if word.isprintable() else _in_bytes(word) for word in words)


def visible(text: str) -> str:
    r"""Write the signs of a text that cannot be printed, or turn the reading direction, as escapes.

    A terminal obeys what a ticket's author wrote: colours, a new title, lines moved and erased.

    Examples
    --------
    >>> print(visible("a\x1b[31mb\u202ec"))
    a\x1b[31mb\u202ec
    >>> visible("été 🔥")
    'été 🔥'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == TO_THE_RIGHT else ascii(sign)[1:-1] for sign in text
    )


def _in_bytes(word: str) -> str:
    return f"$'{''.join(map(_sign, word))}'"


def _sign(sign: str) -> str:
    if sign in "'\\":
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return "".join(f"\\x{byte:02x}" for byte in sign.encode(errors="surrogateescape"))


def apart(name: str) -> str:
    """Keep a name of another script from turning the numbers that follow it.

    Examples
    --------
    >>> apart("north"), apart("\u05e6\u05e4\u05d5\u05df").endswith(TO_THE_RIGHT)
    ('north', True)
    """
    is_turned = any(bidirectional(char) in {"R", "AL"} for char in name)
    return f"{name}{TO_THE_RIGHT}" if is_turned else name
