"""How much room a text takes, by the widths of Helvetica: enough to choose a size that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LEADING: Final = 1.2
"""Height of a line as a multiple of the size of its letters."""
_NARROW: Final = frozenset("iljtfrI.,;:'|!()[] -\u00a0\u2011")
_BROAD: Final = frozenset("mwMW%@")
_WIDE_FROM: Final = 0x1100
"""First code point of scripts whose letters are as wide as high."""


def width(text: str, size: float) -> float:
    """Return the width of a line in points, rather too much than too little.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Of the letters, in points.

    Examples
    --------
    >>> width("iii", 10) < width("mmm", 10)
    True
    """
    return size * sum(map(_share, text))


def height(texts: Iterable[str], size: float, room: float, *, gap: float = 0.0) -> float:
    """Return the height of paragraphs in points if lines break at words.

    Parameters
    ----------
    texts : iterable of str
        Paragraphs.
    size, room : float
        Of the letters; width of a line; in points.
    gap : float
        After each paragraph, in points.
    """
    return sum(n_lines(text, size, room) * size * LEADING + gap for text in texts)


def n_lines(text: str, size: float, room: float) -> int:
    """Count the lines of a paragraph.

    Examples
    --------
    >>> n_lines("one two three", size=10, room=45)
    2
    """
    lines, used = 1, 0.0
    for word in text.split(" "):
        long = width(word, size)
        step = long if used == 0 else used + width(" ", size) + long
        if step <= room or used == 0:
            # A word longer than a line is broken.
            lines += int(long // room) if used == 0 and long > room else 0
            used = step if step <= room else long % room
        else:
            lines, used = lines + 1 + int(long // room), long % room
    return lines


def largest(
    texts: Iterable[str], sizes: Iterable[float], box: tuple[float, float], *, gap: float = 0.0
) -> float:
    """Return the largest size at which paragraphs fit into a box of (width, height) in points.

    The smallest one where none fits.
    """
    told, tried = tuple(texts), sorted(sizes, reverse=True)
    fitting = (size for size in tried if height(told, size, box[0], gap=gap) <= box[1])
    return next(fitting, tried[-1])


def _share(char: str) -> float:
    if char in _NARROW:
        return 0.32
    if char in _BROAD or char.isupper():
        return 0.86 if char in _BROAD else 0.7
    return 1.05 if ord(char) >= _WIDE_FROM else 0.56
