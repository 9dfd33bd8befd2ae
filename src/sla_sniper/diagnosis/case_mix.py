"""Comparing teams and agents that get different tickets: rates as if all had everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sla_sniper.diagnosis.coding import NO_LEVEL, REST
from sla_sniper.diagnosis.regression import regress
from sla_sniper.stats import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.coding import Coded

    Floats = NDArray[np.float64]

LEAST: Final = 30
"""Decided clocks below which nobody is compared."""
_FARTHEST: Final = 30.0
_N_HALVINGS: Final = 50


@dataclass(frozen=True, slots=True)
class Compared:
    """One team or agent, adjusted for what it was given.

    Attributes
    ----------
    level : str
    n, n_missed : int
        Decided clocks, and those missed.
    expected : float
        Misses that everybody together would have had with the same tickets.
    adjusted : Interval
        Share missed if it had everybody's tickets, with a 95 % interval.
    excess_cost : Interval
        What its misses cost beyond the expected ones, in currency; negative is less.
    """

    level: str
    n: int
    n_missed: int
    expected: float
    adjusted: Interval
    excess_cost: Interval

    @property
    def is_worse(self) -> bool:
        """Whether it misses more than expected, beyond chance."""
        return self.excess_cost.is_above(0)

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "level": self.level,
            "n": self.n,
            "n_missed": self.n_missed,
            "expected": self.expected,
            "adjusted_rate": _as_dict(self.adjusted),
            "excess_cost": _as_dict(self.excess_cost),
        }


def compare(who: Coded, mix: Sequence[Coded], missed: Floats, cost: Floats) -> tuple[Compared, ...]:
    """Compare the levels of one dimension, adjusted for the mix of their tickets.

    Parameters
    ----------
    who : Coded
        Teams or agents, over n_rows decided clocks.
    mix : sequence of Coded
        What they were given and did not choose: priority, category, channel.
    missed, cost : ndarray of shape (n_rows,)
        1 for a missed target; what a miss of each row costs, missed or not, in currency.

    Returns
    -------
    tuple of Compared
        Levels with `LEAST` decided clocks or more, the most excess cost first; not those that
        stand for nobody or for many.

    Notes
    -----
    A regression without `who` says how likely each ticket was to be missed by anybody. One shift
    of the log odds for each level makes its misses come true; the adjusted rate is what that
    shift gives over all tickets. Bounds are the shifts at which its misses lie at the edge of
    what chance allows (score intervals). Nothing is adjusted for what the log does not tell.

    Examples
    --------
    >>> import polars as pl
    >>> from sla_sniper.diagnosis.coding import encode
    >>> frame = pl.DataFrame({"team": ["a"] * 40 + ["b"] * 40, "priority": ["p"] * 80})
    >>> missed = np.repeat([0.0, 1.0, 0.0, 1.0], [30, 10, 10, 30])
    >>> team, mix = encode(frame, "team"), [encode(frame, "priority")]
    >>> worst, best = compare(team, mix, missed, np.full(80, 10.0))
    >>> worst.level, round(worst.expected), round(worst.adjusted.estimate, 2)
    ('b', 20, 0.75)
    """
    n, hit = who.counts(), who.counts(missed)
    logit = regress(mix, missed).logit if mix else np.full(len(missed), _log_odds(missed.mean()))
    expected = who.counts(_chance(logit))
    shifts = _shifts(who, logit, hit)
    edges = [_shifts(who, logit, hit, z=z) for z in _bounds()]
    dear = np.divide(who.counts(cost), n, out=np.zeros(len(who)), where=n > 0)
    standard = _standard(logit)
    found = []
    for place, level in enumerate(who.levels):
        if n[place] < LEAST or level in {NO_LEVEL, REST}:
            continue
        rates = [standard(shift[place]) for shift in (shifts, *edges)]
        # What it would have missed at the bounds, of its own tickets.
        own = logit[who.code == place]
        at = [float(_chance(own + shift[place]).sum()) for shift in (shifts, *edges)]
        money = [(value - expected[place]) * dear[place] for value in at]
        found.append(
            Compared(
                level=level,
                n=int(n[place]),
                n_missed=int(hit[place]),
                expected=float(expected[place]),
                adjusted=Interval(*rates),
                excess_cost=Interval(*map(float, money)),
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.excess_cost.estimate, each.level)))


def _bounds() -> tuple[float, float]:
    z = NormalDist().inv_cdf(0.975)
    return -z, z


def _log_odds(rate: float) -> float:
    kept = float(np.clip(rate, 1e-9, 1 - 1e-9))
    return float(np.log(kept / (1 - kept)))


def _chance(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))


def _shifts(who: Coded, logit: Floats, hit: Floats, *, z: float = 0.0) -> Floats:
    """Shift of each level's log odds at which its misses lie `z` deviations off what it gives.

    All levels are halved at once; a level that missed always, or never, ends at the border.
    """
    low, high = np.full(len(who), -_FARTHEST), np.full(len(who), _FARTHEST)
    for _ in range(_N_HALVINGS):
        middle = (low + high) / 2
        p = _chance(logit + middle[who.code])
        spread = np.sqrt(who.counts(p * (1 - p)))
        # Lower bound: misses lie z above what it gives; upper bound: below.
        too_high = who.counts(p) - z * spread > hit
        low, high = np.where(too_high, low, middle), np.where(too_high, middle, high)
    return np.asarray((low + high) / 2)


def _standard(logit: Floats) -> Standard:
    """Mean chance over all tickets as a function of a shift; equal log odds are counted once."""
    values, counts = np.unique(np.round(logit, 9), return_counts=True)
    return Standard(values, counts / counts.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """Everybody's tickets."""

    logit: Floats
    share: Floats

    def __call__(self, shift: float) -> float:
        """Share of them missed under a shift of the log odds."""
        return float(self.share @ _chance(self.logit + shift))


def _as_dict(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
