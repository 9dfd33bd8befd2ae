"""When: how much time it takes until a target is met or missed, and when work gets done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sla_sniper.core.words import count, percents
from sla_sniper.stats import Interval, wilson_interval
from sla_sniper.stats.intervals import wilson_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CENSORED, MET, MISSED = 0, 1, 2
N_BINS: Final = 24
_LEVEL: Final = 0.95
_ROUNDING: Final = 1e-12
_LEAST_EVENTS: Final = 30
_LEAST_BINS: Final = 4
_US_HOUR: Final = 3_600_000_000
_STEPS_US: Final = tuple(
    minutes * 60_000_000 for minutes in (1440, 720, 480, 240, 120, 60, 30, 20, 15, 10, 5, 1)
)
"""Steps in which times are stamped, in microseconds, the coarsest first."""
_NEARLY_ALL: Final = 0.95
_LEAST_RATIO: Final = 1.5
"""Times the hazard of all other hours that an hour needs, by its lower bound, to stand out."""


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """Cumulative incidence of one kind of end, where another kind may come first.

    Attributes
    ----------
    at : ndarray of shape (n_times,)
        Hours of open time, ascending.
    estimate, low, high : ndarray of shape (n_times,)
        Share that has ended this way by then, with a pointwise 95 % interval.
    n_started : int
        Clocks that were followed.
    censored_at : ndarray
        Hours at which clocks went out of sight, ascending.
    """

    at: Floats
    estimate: Floats
    low: Floats
    high: Floats
    n_started: int
    censored_at: Floats

    def n_known(self, hours: Floats) -> Floats:
        """Clocks of which it is known how they stood at some hours."""
        lost = np.searchsorted(self.censored_at, hours, side="left")
        return np.asarray(self.n_started - lost, dtype=np.float64)

    def by(self, hours: float) -> Interval:
        """Share that has ended this way by an hour; at the start itself it is known to be 0."""
        place = int(np.searchsorted(self.at, hours, side="right")) - 1
        if place < 0:
            n = int(self.n_known(np.array([hours]))[0])
            return Interval(0.0, 0.0, wilson_interval(0, n).high if hours > 0 else 0.0)
        values = (float(each[place]) for each in (self.estimate, self.low, self.high))
        return Interval(*values)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The course of the clocks of one priority.

    Attributes
    ----------
    level : str
    n, n_met, n_missed, n_censored : int
        Clocks and how they stand.
    target_hours : float
        Median target, in hours of open time.
    targets : (float, float)
        The shortest and the longest one, where policies give one priority several.
    met, missed : Incidence
        By kind of end (Aalen-Johansen); what is still running is what is left.
    done : Incidence
        Resolved at all, in time or late: what is still open counts as censored.
    at_risk : tuple of (float, int)
        Clocks neither met nor missed yet at some hours.
    hazard : Hazard
        Of being resolved, hour by hour of open time.
    """

    level: str
    n: int
    n_met: int
    n_missed: int
    n_censored: int
    target_hours: float
    targets: tuple[float, float]
    met: Incidence
    missed: Incidence
    done: Incidence
    at_risk: tuple[tuple[float, int], ...]
    hazard: Hazard

    @property
    def sentence(self) -> str:
        """What the curves say, in words."""
        shortest, longest = self.targets
        late = self.missed.by(longest)
        target = f"{longest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
        told = (
            f"{self.level.capitalize()}: {percents(late.estimate, late.low, late.high)} of "
            f"{count(self.n, 'clock')} missed, each in the hour in which its target of "
            f"{target} h is used up, by definition"
        )
        ratio, peak = self.hazard.ratio, self.hazard.peak
        if len(self.hazard.events) < _LEAST_BINS:
            return f"{told}; the times are too coarse to tell hours of work apart."
        if peak < 0:
            return (
                f"{told}; the data show no hour in which work gets done more often than in others."
            )
        first, last = self.hazard.edges[peak], self.hazard.edges[peak + 1]
        return (
            f"{told}; work gets done most between {first:.3g} and {last:.3g} h of open time, "
            f"{ratio.estimate:.1f} [{ratio.low:.1f}, {ratio.high:.1f}] times as often as at others."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object, the curves at a few hours."""
        return {
            "priority": self.level,
            "n": self.n,
            "n_met": self.n_met,
            "n_missed": self.n_missed,
            "n_censored": self.n_censored,
            "target_hours": self.target_hours,
            "targets": list(self.targets),
            "at_risk": [{"hours": hours, "n": n} for hours, n in self.at_risk],
            **{
                name: [{"hours": hours} | _as_dict(curve.by(hours)) for hours, _ in self.at_risk]
                for name, curve in (("met", self.met), ("missed", self.missed), ("done", self.done))
            },
            "hazard": self.hazard.as_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """Ends an hour of open time among what is still open, bin by bin.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Hours of open time.
    events, exposure : ndarray of shape (n_bins,)
        Ends, and hours at risk.
    rate, low, high : ndarray of shape (n_bins,)
        Ends an hour at risk, with exact Poisson intervals; NaN where nothing was at risk.
    peak : int
        Bin whose hazard stands out from all others together; -1 where none does.
    ratio : Interval
        Hazard of the highest bin over that of all others, its interval widened for having been
        chosen among them all.
    """

    edges: Floats
    events: Ints
    exposure: Floats
    rate: Floats
    low: Floats
    high: Floats
    peak: int
    ratio: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "peak": None if self.peak < 0 else self.peak,
            "ratio": _as_dict(self.ratio),
            "bins": [
                {"from": a, "to": b, "events": n, "hours_at_risk": hours, "rate": rate,
                 "low": low, "high": high}
                for a, b, n, hours, rate, low, high in zip(
                    self.edges[:-1].tolist(), self.edges[1:].tolist(), self.events.tolist(),
                    self.exposure.tolist(), self.rate.tolist(), self.low.tolist(),
                    self.high.tolist(), strict=True,
                )
            ],
        }  # fmt: skip


def cumulative_incidence(hours: Floats, end: Ints, kind: int) -> Incidence:
    """Estimate how many have ended in one way by when: the Aalen-Johansen estimator [1]_, [2]_.

    Parameters
    ----------
    hours : ndarray of shape (n_clocks,)
        Until the end, or until the clock was last seen; not negative.
    end : ndarray of int of shape (n_clocks,)
        `CENSORED`, or the kind of end.
    kind : int
        The kind asked for; with one kind alone this is one minus Kaplan and Meier's survival.

    Returns
    -------
    Incidence
        At the hours at which something ended. Of an end and a censoring at one hour the end
        comes first. The interval is normal on the scale of log(-log), variance after Aalen;
        where the share is 0 or 1 it is Wilson's, of the clocks that were not censored before.

    References
    ----------
    .. [1] O. O. Aalen, S. Johansen (1978), "An empirical transition matrix for non-homogeneous
       Markov chains based on censored observations", Scandinavian Journal of Statistics 5(3),
       141-150. https://www.jstor.org/stable/4615704
    .. [2] E. Marubini, M. G. Valsecchi (1995), "Analysing Survival Data from Clinical Trials and
       Observational Studies", chapter 10. ISBN 978-0-470-09341-2

    Examples
    --------
    >>> hours, end = np.array([1.0, 2, 2, 3]), np.array([MET, MISSED, CENSORED, MET])
    >>> cumulative_incidence(hours, end, MET).estimate
    array([0.25, 0.25, 0.75])
    """
    at, place = np.unique(hours, return_inverse=True)
    all_ends = np.bincount(place, end != CENSORED, minlength=len(at))
    of_kind = np.bincount(place, end == kind, minlength=len(at))
    left = np.bincount(place, minlength=len(at)).astype(np.float64)
    risk = len(hours) - np.r_[0.0, np.cumsum(left)[:-1]]
    told = all_ends > 0
    at, (d, k, n) = at[told], (each[told].astype(float) for each in (all_ends, of_kind, risk))
    survival = np.cumprod(1 - d / n) if len(at) else np.empty(0)
    before = np.r_[1.0, survival[:-1]] if len(at) else survival
    estimate = np.minimum(np.cumsum(before * k / n), 1.0)
    spread = np.sqrt(np.maximum(_variance(estimate, before, (d, k, n)), 0.0))
    seen = Incidence(at, estimate, estimate, estimate, len(hours), np.sort(hours[end == CENSORED]))
    low, high = _log_log(estimate, spread, seen.n_known(at))
    return replace(seen, low=low, high=high)


def _variance(estimate: Floats, before: Floats, counts: tuple[Floats, Floats, Floats]) -> Floats:
    """Variance at each hour: the sums over earlier hours, with what depends on it taken out."""
    d, k, n = counts
    alive = np.where(n > d, n - d, np.inf)  # the last one out: nothing is left to vary
    first = d / (n * alive)
    second = before**2 * k * (n - k) / n**3
    third = before * k / n**2
    f = estimate
    return np.asarray(
        f**2 * np.cumsum(first)
        - 2 * f * np.cumsum(f * first)
        + np.cumsum(f**2 * first)
        + np.cumsum(second)
        - 2 * (f * np.cumsum(third) - np.cumsum(f * third))
    )


def _log_log(estimate: Floats, spread: Floats, n_known: Floats) -> tuple[Floats, Floats]:
    """Bounds that stay inside 0 and 1, and leave room at both."""
    z = NormalDist().inv_cdf((1 + _LEVEL) / 2)
    inside = (estimate > 0) & (estimate < 1 - _ROUNDING)
    safe = np.where(inside, estimate, 0.5)
    scale = np.exp(np.minimum(z * spread / (safe * np.abs(np.log(safe))), 50.0))
    low, high = safe**scale, safe ** (1 / scale)
    share = np.where(inside, 0.5, np.round(estimate))
    edge_low, edge_high = wilson_bounds(share * n_known, n_known)
    return np.where(inside, low, edge_low), np.where(inside, high, edge_high)


def bins(ends_us: Ints, until_hours: float) -> Floats:
    """Edges of bins in which a steady hazard looks steady.

    Parameters
    ----------
    ends_us : ndarray of int of shape (n_ends,)
        Open time until each end, in microseconds. Where nearly all are whole days, hours or
        minutes, bins are whole numbers of them: of bins finer than the stamps most are empty and
        the rest seem to stand out.
    until_hours : float
        What the bins have to reach.

    Returns
    -------
    ndarray of shape (n_bins + 1,)
        In hours, from 0; `N_BINS` bins at most, or nearly so.

    Examples
    --------
    >>> whole_hours = np.arange(1, 9) * 3_600_000_000
    >>> bins(whole_hours, 8.0).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    steps = (
        step for step in _STEPS_US if len(ends_us) and (ends_us % step == 0).mean() >= _NEARLY_ALL
    )
    step, until = next(steps, 0), until_hours * _US_HOUR
    if not step:
        return np.linspace(0, until_hours, N_BINS + 1)
    width = step * max(1, round(until / N_BINS / step))
    n_bins = int(np.ceil(until / width - _ROUNDING))
    # Divided as the ends are, so that one on an edge is on it to the last bit.
    return np.asarray(np.arange(n_bins + 1) * width / _US_HOUR)


def hazard(hours: Floats, is_end: NDArray[np.bool_], edges: Floats) -> Hazard:
    """Count ends an hour at risk, bin by bin, and ask whether one bin stands out.

    Parameters
    ----------
    hours : ndarray of shape (n_clocks,)
        Until the end, or until last seen.
    is_end : ndarray of bool of shape (n_clocks,)
        Whether it ended then.
    edges : ndarray of shape (n_bins + 1,)
        Ascending hours; a bin holds its last instant and not its first, but for the first bin.
        What lies beyond the last edge only adds time at risk before it.

    Notes
    -----
    None stands out of fewer than `_LEAST_BINS`. A bin does if it has at least 30 ends and the
    lower bound of its hazard over that of all the others together is above 1.5, at a level divided
    by the number of bins (Bonferroni): the highest of many is always high. The ratio is exact,
    conditional on the sum [1]_.

    References
    ----------
    .. [1] J. Przyborowski, H. Wilenski (1940), "Homogeneity of results in testing samples from
       Poisson series", Biometrika 31(3-4), 313-323. doi:10.1093/biomet/31.3-4.313

    Examples
    --------
    >>> found = hazard(np.array([0.5, 1.5, 1.5]), np.array([True, True, False]), np.arange(3.0))
    >>> found.events, found.exposure
    (array([1, 1]), array([2.5, 1. ]))
    """
    from scipy.special import gammaincinv  # noqa: PLC0415 - slow to import

    n_bins = len(edges) - 1
    place = np.maximum(np.searchsorted(edges, hours, side="left") - 1, 0)
    inside = is_end & (place >= 0) & (place < n_bins)
    events = np.bincount(place[inside], minlength=n_bins).astype(np.int64)
    ordered = np.sort(hours)
    total = np.r_[0.0, np.cumsum(ordered)]
    below = np.searchsorted(ordered, edges, side="right")
    # Time spent below each edge: whole spans of those that ended before, the edge for the others.
    spent = total[below] + (len(hours) - below) * edges
    exposure = np.diff(spent)
    tail = (1 - _LEVEL) / 2
    known = np.where(exposure > 0, exposure, np.nan)
    rate = events / known
    low = np.where(events > 0, gammaincinv(np.maximum(events, 1), tail), 0.0) / known
    high = gammaincinv(events + 1.0, 1 - tail) / known
    peak, ratio = _peak(events, exposure)
    return Hazard(edges, events, exposure, rate, low, high, peak, ratio)


def _peak(events: Ints, exposure: Floats) -> tuple[int, Interval]:
    """Highest bin with enough ends, and its hazard over that of all others."""
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import

    enough = (events >= _LEAST_EVENTS) & (exposure > 0)
    others, rest = events.sum() - events, exposure.sum() - exposure
    if len(events) < _LEAST_BINS or not (enough & (others > 0)).any():
        return -1, Interval(np.nan, np.nan, np.nan)
    rates = np.where(enough, events / np.maximum(exposure, 1e-12), -1.0)
    top = int(rates.argmax())
    a, b, odds = events[top], others[top], rest[top] / exposure[top]
    tail = (1 - _LEVEL) / 2 / len(events)
    low, high = betaincinv(a, b + 1.0, tail), betaincinv(a + 1.0, max(b, 1), 1 - tail)
    bounds = [share / (1 - share) * odds for share in (a / (a + b), low, high)]
    ratio = Interval(*map(float, bounds))
    return (top if ratio.is_above(_LEAST_RATIO) else -1), ratio


def _as_dict(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
