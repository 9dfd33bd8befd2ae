"""The duration that separates breached from met best, found by one sort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import DAY_US, HOUR_US, SECOND_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

NOISE: Final = 2.0
"""Standard errors within which two rules agree with the verdicts equally well."""
_UNITS: Final = (DAY_US, HOUR_US, HOUR_US // 2, HOUR_US // 10, 60 * SECOND_US, SECOND_US)
_UNBOUNDED: Final = 2**62


@dataclass(frozen=True, slots=True)
class Threshold:
    """Best target for some tickets: breached is what used more than it.

    Attributes
    ----------
    target_us : int
        The roundest duration of those that agree best, in microseconds; 0 where every ticket
        counts as breached.
    low_us, high_us : int
        Every target from `low_us` to below `high_us` agrees exactly as well.
    noise_low_us, noise_high_us : int
        Targets from the one to below the other agree as well but for noise.
    n, n_agree, n_constant : int
        Tickets; those it agrees with; those that one and the same verdict agrees with.
    n_other : int
        Tickets on which it says something else than the constant verdict.
    is_mostly_late : bool
        Whether that constant verdict is "breached".
    """

    target_us: int
    low_us: int
    high_us: int
    noise_low_us: int
    noise_high_us: int
    n: int
    n_agree: int
    n_constant: int
    n_other: int
    is_mostly_late: bool

    @property
    def agreement(self) -> float:
        """Share of the tickets it agrees with."""
        return self.n_agree / self.n if self.n else float("nan")

    @property
    def is_better_than_constant(self) -> bool:
        """Whether it beats one and the same verdict for all by far more than chance."""
        return exceeds(self.n_agree - self.n_constant, self.n_other, times=1.5 * NOISE)


def exceeds(difference: int, n_different: int, *, times: float = NOISE) -> bool:
    """Whether one rule is right more often than another beyond noise.

    Parameters
    ----------
    difference : int
        How many more tickets it is right about.
    n_different : int
        Tickets on which only one of the two is right.
    times : float
        Standard errors that count as noise (McNemar's test, without its square) [1]_.

    References
    ----------
    .. [1] Q. McNemar (1947), "Note on the sampling error of the difference between correlated
       proportions or percentages", Psychometrika 12(2), 153-157. doi:10.1007/BF02295996

    Examples
    --------
    >>> exceeds(3, 3), exceeds(30, 40)
    (False, True)
    """
    return difference > times * float(np.sqrt(n_different))


def best_threshold(
    elapsed: Ints, is_breached: Flags, *, within: tuple[int, int] = (0, _UNBOUNDED)
) -> Threshold:
    """Find the target whose verdicts agree with most of those given.

    Parameters
    ----------
    elapsed : ndarray of int of shape (n_tickets,)
        Time used, in microseconds.
    is_breached : ndarray of bool of shape (n_tickets,)
        Verdicts.
    within : (int, int)
        Only targets from the first to below the second are looked at, in microseconds.

    Notes
    -----
    Sorted by time used, a target is a cut: met before it, breached after it. All cuts are
    counted by two cumulative sums; equal times are never cut apart.

    Examples
    --------
    >>> hours = np.array([1, 2, 3, 5, 6]) * HOUR_US
    >>> found = best_threshold(hours, np.array([False, False, False, True, True]))
    >>> found.n_agree, found.low_us // HOUR_US, found.high_us // HOUR_US
    (5, 3, 5)
    >>> found.target_us // HOUR_US
    3
    """
    cuts, right, lows, highs = _cuts(elapsed, is_breached, within)
    first, last = _widest(right == right.max(), highs - lows)
    # A cut that differs from the best one on d tickets is noise up to some square roots of d.
    close = right.max() - right <= NOISE * np.sqrt(np.abs(cuts - cuts[first]))
    noise_first, noise_last = _around(close, first)
    n, n_late, n_before = len(elapsed), int(is_breached.sum()), int(cuts[first])
    is_mostly_late = 2 * n_late >= n
    low, high = int(lows[first]), int(highs[last])
    return Threshold(
        target_us=roundest(low, high),
        low_us=low,
        high_us=high,
        noise_low_us=int(lows[noise_first]),
        noise_high_us=int(highs[noise_last]),
        n=n,
        n_agree=int(right.max()),
        n_constant=max(n_late, n - n_late),
        n_other=n_before if is_mostly_late else n - n_before,
        is_mostly_late=is_mostly_late,
    )


def roundest(low: int, high: int) -> int:
    """Duration in ``[low, high)`` that a person would write: whole days, hours, tenths, minutes.

    Examples
    --------
    >>> roundest(int(39.2 * HOUR_US), int(40.6 * HOUR_US)) // HOUR_US
    40
    """
    for unit in _UNITS:
        multiple = -(-low // unit) * unit
        if multiple < high:
            return multiple
    return low


def _cuts(
    elapsed: Ints, is_breached: Flags, within: tuple[int, int]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Tickets before each cut, tickets it is right about, and the targets that make it."""
    order = np.argsort(elapsed, kind="stable")
    used, late = elapsed[order], is_breached[order]
    cuts = np.flatnonzero(np.r_[True, used[1:] != used[:-1], True][: len(used) + 1])
    met_before = np.r_[0, np.cumsum(~late)][cuts]
    late_after = int(late.sum()) - np.r_[0, np.cumsum(late)][cuts]
    lows = np.maximum(np.r_[0, used][cuts], within[0])
    highs = np.minimum(np.r_[used, _UNBOUNDED][cuts], within[1])
    asked = lows < highs
    return cuts[asked], (met_before + late_after)[asked], lows[asked], highs[asked]


def _widest(is_best: Flags, widths: Ints) -> tuple[int, int]:
    """First and last index of the run of best cuts that spans most time."""
    edges = np.diff(np.r_[0, is_best.astype(np.int8), 0])
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    reach = np.r_[0, np.cumsum(widths // len(widths))]
    chosen = int(np.argmax(reach[ends + 1] - reach[starts]))
    return int(starts[chosen]), int(ends[chosen])


def _around(is_close: Flags, at: int) -> tuple[int, int]:
    """First and last index of the run that holds `at`."""
    far = np.flatnonzero(~is_close)
    before, after = far[far < at], far[far > at]
    return (int(before[-1]) + 1 if len(before) else 0), (
        int(after[0]) - 1 if len(after) else len(is_close) - 1
    )
