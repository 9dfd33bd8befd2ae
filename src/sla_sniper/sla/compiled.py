"""A calendar as sorted openings and closings, and the two functions everything else is made of.

Open time up to an instant is a monotone function made of straight pieces; a deadline is its
inverse. Both first find the piece. On sorted breakpoints that is a binary search; here it is one
look into a table of equally long bins, corrected by the few breakpoints inside the bin, and done
block by block so that everything stays in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Instants = NDArray[np.int64]

FAR: Final = 2**61
"""At or beyond it, in either direction, an instant is outside what was compiled."""

_BLOCK: Final = 1 << 15
_FEW: Final = 1 << 9
_MOST_BINS: Final = 1 << 19
_MOST_IN_BIN: Final = 3
_BEYOND: Final = 2 * FAR - 1
_LONG_BEFORE: Final = -FAR - FAR // 2


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Position of values among sorted keys, faster than a binary search.

    Attributes
    ----------
    keys : ndarray of int64 of shape (n_keys + 1,)
        Sorted, without repetition; the last is one that no value reaches.
    table : ndarray of int64 of shape (n_bins,), optional
        How many keys lie before each bin; none where a binary search is better.
    bits : int
        Length of a bin, as a power of two.
    most : int
        Most keys in any bin.

    Examples
    --------
    >>> lookup(np.array([10, 20, 30])).count(np.array([5, 20, 35])).tolist()
    [0, 2, 3]
    """

    keys: Instants
    table: Instants | None = None
    bits: int = 0
    most: int = 0

    def count(self, values: Instants) -> NDArray[np.intp]:
        """How many keys are at or before each value, of the same shape."""
        if self.table is None or values.size < _FEW:
            return np.searchsorted(self.keys, values, side="right")
        found = self.table.take((values - self.keys[0]) >> self.bits, mode="clip")
        for _ in range(self.most):
            found += self.keys.take(found) <= values
        return np.asarray(found)


def lookup(keys: Instants) -> Lookup:
    """Prepare the lookup of sorted keys: the longest bins with at most one key, if affordable."""
    ahead = np.r_[keys, _BEYOND]
    if not len(keys):
        return Lookup(ahead)
    reach = int(np.ptp(keys))
    fewest = max(reach.bit_length() - _MOST_BINS.bit_length() + 1, 0)
    bits = max(int(np.diff(ahead).min()).bit_length() - 1, fewest)
    starts = keys[0] + (np.arange((reach >> bits) + 2) << bits)
    table = np.searchsorted(keys, starts)
    most = int(np.diff(table).max())
    return Lookup(ahead, table, bits, most) if most <= _MOST_IN_BIN else Lookup(ahead)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCalendar:
    """Openings, closings and the open time before each opening, in microseconds.

    What lies outside the compiled years is answered with an instant of `FAR` or more (after
    them), or `-FAR` or less (before them).

    Attributes
    ----------
    opens, closes, before : ndarray of int64 of shape (n_stretches,)
        Disjoint and sorted; `before[i]` is the open time before `opens[i]`.

    Examples
    --------
    >>> morning = compile_spans(np.array([[9, 12], [33, 36]]))
    >>> morning.open_until([10, 20, 34]).tolist()
    [1, 3, 4]
    """

    opens: Instants
    closes: Instants
    before: Instants
    # The same with one more stretch before the first (and after the last) one.
    _after: Instants = field(repr=False)
    _shift: Instants = field(repr=False)
    _edges: tuple[Instants, Instants] = field(repr=False)
    _by_opening: Lookup = field(repr=False)
    _by_time: Lookup = field(repr=False)

    def open_until(self, at: ArrayLike) -> Instants:
        """Open time up to each instant: monotone, exact, of the shape of `at`."""
        return _blockwise(self._open_until, np.asarray(at, dtype=np.int64))

    def instant(self, open_time: ArrayLike) -> Instants:
        """First instant at which `open_time` has passed; the inverse of `open_until`."""
        return _blockwise(self._instant, np.asarray(open_time, dtype=np.int64))

    def latest(self, open_time: ArrayLike) -> Instants:
        """Last instant at which no more than `open_time` has passed and it is open."""
        passed = np.asarray(open_time, dtype=np.int64)
        return passed + self._shift.take(np.searchsorted(self.before, passed, side="right"))

    def is_open(self, at: ArrayLike) -> NDArray[np.bool_]:
        """Whether each instant is in hours; the closing instant is not."""
        us = np.asarray(at)
        return np.asarray(us < self._edges[1].take(self._by_opening.count(us)))

    def next_open(self, at: ArrayLike) -> Instants:
        """Each instant itself where open, else the next opening."""
        us = np.asarray(at, dtype=np.int64)
        i = self._by_opening.count(us)
        is_open = us < self._edges[1].take(i)
        return np.where(is_open, us, self._edges[0].take(i + 1))

    def next_close(self, at: ArrayLike) -> Instants:
        """End of the running stretch, or else of the next one."""
        return self._edges[1].take(np.searchsorted(self.closes, at, side="right") + 1)

    def prev_close(self, at: ArrayLike) -> Instants:
        """Each instant itself where it was open just before, else the last closing."""
        us = np.asarray(at, dtype=np.int64)
        return np.minimum(us, self._edges[1].take(np.searchsorted(self.opens, us)))

    def prev_open(self, at: ArrayLike) -> Instants:
        """Last opening before each instant."""
        return self._edges[0].take(np.searchsorted(self.opens, at))

    def next_period_start(self, at: ArrayLike) -> Instants:
        """First opening after each instant."""
        return self._edges[0].take(self._by_opening.count(np.asarray(at)) + 1)

    def between(self, first: int, last: int) -> Instants:
        """Open stretches from one instant to another, cut there, of shape (n_stretches, 2)."""
        begin = np.searchsorted(self.closes, first, side="right")
        end = np.searchsorted(self.opens, last)
        inside = slice(begin + 1, end + 1)
        return np.column_stack([edges[inside] for edges in self._edges]).clip(first, last)

    def _open_until(self, us: Instants) -> Instants:
        i = self._by_opening.count(us)
        found: Instants = np.minimum(us - self._shift.take(i), self._after.take(i))
        return found

    def _instant(self, open_time: Instants) -> Instants:
        i = self._by_time.count(open_time - 1)
        return open_time + self._shift.take(i + 1)


def compile_spans(spans: Instants, known: tuple[int, int] = (-FAR, FAR)) -> CompiledCalendar:
    """Compile sorted disjoint open spans, of shape (n_stretches, 2).

    Nothing is known before the first and after the last instant of `known`: a stretch that reaches
    it may go on, so its end is not told as a closing, nor its start as an opening.
    """
    opens, closes = spans[:, 0].copy(), spans[:, 1].copy()
    after = np.cumsum(closes - opens)
    before = np.r_[np.int64(0), after][:-1]
    return CompiledCalendar(
        opens,
        closes,
        before,
        _after=np.r_[np.int64(0), after],
        _shift=np.r_[_LONG_BEFORE, opens - before, FAR],
        _edges=(
            np.r_[-FAR, np.where(opens > known[0], opens, -FAR), FAR],
            np.r_[-FAR, np.where(closes < known[1], closes, FAR), FAR],
        ),
        _by_opening=lookup(opens),
        _by_time=lookup(after),
    )


def _blockwise(function: Callable[[Instants], Instants], values: Instants) -> Instants:
    """Apply `function` to parts that fit the processor's cache."""
    if values.size <= _BLOCK:
        return function(values)
    flat = values.ravel()
    found = np.empty_like(flat)
    for start in range(0, len(flat), _BLOCK):
        found[start : start + _BLOCK] = function(flat[start : start + _BLOCK])
    return np.asarray(found.reshape(values.shape))
