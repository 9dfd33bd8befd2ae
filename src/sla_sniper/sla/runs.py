"""Numbers that run along the rows of each ticket: the latest mark, what happened since.

Every array has shape (n_rows,); the rows of one ticket are together, oldest first. A row that
resets is marked in `resets`; the first row of every ticket always has to be among them where
nothing may cross from one ticket to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


def latest(marked: Flags) -> Ints:
    """Index of the latest marked row at or before each row; row 0 counts as marked.

    Examples
    --------
    >>> latest(np.array([True, False, False, True, False])).tolist()
    [0, 0, 0, 3, 3]
    """
    index = np.arange(len(marked), dtype=np.int64)
    index *= marked
    return np.maximum.accumulate(index)


def before(flags: Flags, *, first: Flags) -> Flags:
    """The flag of the row before; False for the first row of a ticket.

    Examples
    --------
    >>> before(np.array([True, True, False]), first=np.array([True, False, True])).tolist()
    [False, True, False]
    """
    shifted = np.empty_like(flags)
    shifted[:1] = False
    shifted[1:] = flags[:-1]
    return np.asarray(shifted & ~first)


def any_since(happened: Flags, resets: Flags) -> Flags:
    """Whether it happened at or after the latest reset, up to and with each row.

    Examples
    --------
    >>> any_since(np.array([0, 1, 0, 0], bool), np.array([1, 0, 0, 1], bool)).tolist()
    [False, True, True, False]
    """
    count = np.cumsum(happened)
    return np.asarray(count - (count - happened)[latest(resets)] > 0)


def sum_since(amounts: Ints, resets: Flags) -> Ints:
    """Sum of the amounts of the rows before each one, counted from the latest reset.

    Examples
    --------
    >>> sum_since(np.array([5, 7, 2, 1]), np.array([True, False, True, False])).tolist()
    [0, 5, 0, 2]
    """
    total = np.cumsum(amounts) - amounts
    return np.asarray(total - total[latest(resets)])
