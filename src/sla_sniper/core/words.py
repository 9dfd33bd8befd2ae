"""Counts, shares and commands in words, for every layer that writes a sentence."""

from __future__ import annotations

import math
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


def percent(share: float) -> str:
    """Write a share in whole per cents, or with one decimal below ten.

    Examples
    --------
    >>> percent(0.5), percent(0.0301), percent(float("nan")), percent(0.07)
    ('50 %', '3.0 %', 'unknown', '7 %')
    """
    if not math.isfinite(share):
        return "unknown"
    is_whole = math.isclose(100 * share, round(100 * share), abs_tol=1e-9)
    digits = 0 if is_whole or abs(share) >= 0.0995 else 1  # noqa: PLR2004
    return f"{100 * share:.{digits}f} %"


def percents(estimate: float, low: float, high: float) -> str:
    """Write a share with its interval; see `percent`.

    Examples
    --------
    >>> percents(0.41, 0.4, 0.42)
    '41 % [40 %, 42 %]'
    """
    return f"{percent(estimate)} [{percent(low)}, {percent(high)}]"


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
