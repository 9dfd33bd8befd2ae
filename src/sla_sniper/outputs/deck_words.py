"""What in a sentence is a number, however it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from unicodedata import category

from sla_sniper.outputs.deck_reading import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS: Final = frozenset(
    {
        *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
        *("twelve", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
        *("zero", "dozen", "hundred", "hundreds", "thousand", "thousands", "million", "millions"),
        *("billion", "billions", "trillion", "k", "m", "mn", "bn", "half", "twice", "double"),
        *("doubled", "triple", "tripled", "percent", "percentage", "minus", "plus", "negative"),
        *("dollar", "dollars", "euro", "euros", "pound", "pounds", "usd", "eur", "gbp"),
    }
)
"""Words that say how much. "No" and "one" are not among them: most often they do not."""
_SIGNS: Final = "-+±~\u2010\u2011\u2012\u2013\u2014\u2212"
_EDGES: Final = ".,;:()[]\"'!?\u201c\u201d\u2018\u2019"


def plain(text: str) -> str:
    """Return a text without the ids of its footnotes."""
    return MARKS.sub("", text)


def amounts(text: str) -> list[str]:
    """Return every word of a text that says how much, with the signs that stand before it.

    Examples
    --------
    >>> amounts("It saves $900, or \u2212 3.5 % of a million (at 10 a day).")
    ['$900', '\u22123.5', '%', 'million', '10']
    """
    found, sign = [], ""
    for word in plain(text).split():
        bare = word.strip(_EDGES)
        if bare and all(char in _SIGNS for char in bare):
            sign = bare
            continue
        if _says_how_much(bare):
            found.append(sign + bare)
        sign = ""
    return found


def _says_how_much(word: str) -> bool:
    parts = re.split(r"[-\u2010-\u2014/]", word.casefold())
    return any(part in _WORDS for part in parts) or any(
        char.isnumeric() or category(char) in {"Sc", "Sm"} or char in "%\u2030\u2031"
        for char in word
    )


def names_in(text: str, names: Iterable[str]) -> list[str]:
    """Return which of some names a text mentions, each as often as it does.

    Examples
    --------
    >>> names_in("The oracle beats the oldest first.", ["oracle", "oldest first", "random"])
    ['oldest first', 'oracle']
    """
    told = plain(text).casefold()
    return sorted(
        name
        for name in names
        for _ in re.finditer(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", told)
    )


def reads(before: str, told: str) -> bool:
    """Whether a text ends with a number, and not with a longer one that ends like it.

    Examples
    --------
    >>> reads("It saves $900", "$900"), reads("It saves -$900", "$900"), reads("9'492", "492")
    (True, False, False)
    """
    if not before.endswith(told):
        return False
    rest = before.removesuffix(told)
    return not rest or rest[-1].isspace() or rest[-1] in '([\u201c\u2018"/'
