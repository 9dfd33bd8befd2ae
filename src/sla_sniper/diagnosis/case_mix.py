"""Comparing teams and agents that get different tickets: rates as if all had everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sla_sniper.diagnosis.coding import NO_LEVEL, REST, Coded, combine
from sla_sniper.diagnosis.regression import information, null_directions, places, regress
from sla_sniper.stats import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST: Final = 30
"""Decided clocks below which nobody is compared."""
_FARTHEST: Final = 30.0
_N_HALVINGS: Final = 50
_LENT: Final = 2.0
"""Misses, and as many met ones, lent to a level where its precision is asked for."""
_LOOSE: Final = 0.04
"""Precision of log odds that are not known at all: a standard deviation of 5."""
_NEARLY: Final = 1e-3


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
    p : float
        Two-sided: chance of misses so far from the expected ones if it were as everybody.
    p_adjusted : float
        The same among all that was tried; see `tried.try_all`.
    """

    level: str
    n: int
    n_missed: int
    expected: float
    adjusted: Interval
    excess_cost: Interval
    p: float
    p_adjusted: float = np.nan

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "level": self.level,
            "n": self.n,
            "n_missed": self.n_missed,
            "expected": self.expected,
            "adjusted_rate": _as_dict(self.adjusted),
            "excess_cost": _as_dict(self.excess_cost),
            "p": self.p,
            "p_adjusted": self.p_adjusted,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Levels and the mix of their tickets, fitted together; tickets alike are one kind.

    Attributes
    ----------
    who : Coded
        Level of each of n_kinds kinds of tickets.
    mix : tuple of Coded
    size, logit : ndarray of shape (n_kinds,)
        Tickets of the kind, and the log odds of missing one by the mix alone.
    n, hit, dear, shift : ndarray of shape (n_levels,)
        Decided clocks, those missed, what a miss costs on average, and the log odds that the
        level adds to those of the mix.
    """

    who: Coded
    mix: tuple[Coded, ...]
    size: Floats
    logit: Floats
    n: Floats
    hit: Floats
    dear: Floats
    shift: Floats

    def shifts(self, hit: Floats, z: Floats | float = 0.0) -> Floats:
        """Log odds of each level at which `hit` misses lie `z` deviations off what it gives.

        All levels are halved at once; one that missed always, or never, ends at the border.
        """
        low, high = np.full(len(self.n), -_FARTHEST), np.full(len(self.n), _FARTHEST)
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            p = _chance(self.logit + middle[self.who.code])
            spread = np.sqrt(self.who.counts(self.size * p * (1 - p)))
            # Lower bound: misses lie above what it gives; upper bound: below.
            too_high = self.who.counts(self.size * p) - z * spread > hit
            low, high = np.where(too_high, low, middle), np.where(too_high, middle, high)
        return np.asarray((low + high) / 2)

    def misses(self, shift: Floats) -> Floats:
        """Misses of each level among its own tickets, with a shift for each."""
        return self.who.counts(self.size * _chance(self.logit + shift[self.who.code]))

    def rates(self, shift: Floats) -> Floats:
        """Share missed of all tickets under the shift of each level."""
        values, place = np.unique(np.round(self.logit, 9), return_inverse=True)
        share = np.bincount(place, self.size) / self.size.sum()
        return np.array([share @ _chance(values + each) for each in shift])


@dataclass(frozen=True, slots=True, eq=False)
class Precision:
    """How well a fit knows its levels; arrays of shape (n_levels,).

    Attributes
    ----------
    expected : ndarray
        Misses that all levels, by their sizes, would have had with the tickets of one.
    of_rate, of_excess : ndarray
        Times the standard error of the rate, and of the excess, is what it would be if the mix and
        the other levels were known.
    """

    expected: Floats
    of_rate: Floats
    of_excess: Floats


def compare(
    who: Coded, mix: Sequence[Coded], missed: Floats, cost: Floats, *, level: float = 0.95
) -> tuple[Compared, ...]:
    """Compare the levels of one dimension, adjusted for the mix of their tickets.

    Parameters
    ----------
    who : Coded
        Teams or agents, over n_rows decided clocks.
    mix : sequence of Coded
        What they were given and did not choose: priority, category, channel.
    missed, cost : ndarray of shape (n_rows,)
        1 for a missed target; what a miss of each row costs, missed or not, in currency.
    level : float
        Of the intervals.

    Returns
    -------
    tuple of Compared
        Levels with `LEAST` decided clocks or more, the most excess cost first; not those that
        stand for nobody or for many, nor those that share no kind of ticket with most of the desk,
        not even by way of others: nobody can tell what is theirs and what their tickets'.

    Notes
    -----
    A regression on `who` and the mix together says how likely each level was to miss each
    ticket. The adjusted rate is that of a level over all tickets (marginal standardisation [1]_),
    the expected misses are those of all levels, by their sizes, over the tickets of one.
    Bounds are the log odds at which the misses of a level lie at the edge of what chance allows
    (score intervals), taken as much farther as the delta method says that not knowing the mix and
    the other levels makes the rate, or the excess, less certain. There a level is lent two misses
    and two met ones [2]_, since one that missed nothing seems to be known exactly. Levels are
    taken to shift the log odds of all tickets alike. What the log does not tell is not adjusted.

    References
    ----------
    .. [1] P. W. Lane, J. A. Nelder (1982), "Analysis of covariance and standardization as
       instances of prediction", Biometrics 38(3), 613-621. doi:10.2307/2530043
    .. [2] A. Agresti, B. A. Coull (1998), "Approximate is better than 'exact' for interval
       estimation of binomial proportions", The American Statistician 52(2), 119-126.
       doi:10.1080/00031305.1998.10480550

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
    fitted = fit(who, mix, missed, cost)
    return read(fitted, precision(fitted), level=level)


def fit(who: Coded, mix: Sequence[Coded], missed: Floats, cost: Floats) -> Fit:
    """Fit the levels of one dimension and the mix of their tickets together; see `compare`."""
    kept = _comparable(who, mix, len(missed))
    rows = np.flatnonzero(np.isin(who.code, kept))
    number = np.zeros(len(who), dtype=np.int64)
    number[kept] = np.arange(len(kept))
    levels = tuple(who.levels[k] for k in kept)
    who = Coded(who.dimension, levels, number[who.code[rows]])
    mix = tuple(Coded(each.dimension, each.levels, each.code[rows]) for each in mix)
    missed, cost = missed[rows], cost[rows]
    found = regress([who, *mix], missed)
    kind, n_kinds = combine([who, *mix], n_rows=len(rows))
    first = np.zeros(n_kinds, dtype=np.int64)
    first[kind[::-1]] = np.arange(len(rows))[::-1]
    n, hit = who.counts(), who.counts(missed)
    dear = who.counts(cost) / np.maximum(n, 1.0)
    who, *rest = (Coded(each.dimension, each.levels, each.code[first]) for each in (who, *mix))
    parts = [effect[each.code] for each, effect in zip(rest, found.effects[1:], strict=True)]
    logit = np.full(n_kinds, found.intercept) + (np.sum(parts, axis=0) if parts else 0.0)
    size = np.bincount(kind, minlength=n_kinds).astype(np.float64)
    loose = Fit(who, tuple(rest), size, logit, n, hit, dear, np.zeros(len(n)))
    return Fit(who, tuple(rest), size, logit, n, hit, dear, loose.shifts(hit))


def read(fitted: Fit, known: Precision, *, level: float = 0.95) -> tuple[Compared, ...]:
    """Read the comparison out of a fit, with intervals of any level; see `compare`."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    shown = [
        k
        for k, name in enumerate(fitted.who.levels)
        if fitted.n[k] >= LEAST and name not in {NO_LEVEL, REST}
    ]
    if not shown:
        return ()
    far = (-z, z)
    rates = [fitted.rates(fitted.shift)]
    rates += [fitted.rates(fitted.shifts(fitted.hit, side * known.of_rate)) for side in far]
    misses = [fitted.hit]
    misses += [fitted.misses(fitted.shifts(fitted.hit, side * known.of_excess)) for side in far]
    p = _p(fitted, known)
    found = (
        Compared(
            level=fitted.who.levels[k],
            n=int(fitted.n[k]),
            n_missed=int(fitted.hit[k]),
            expected=float(known.expected[k]),
            adjusted=Interval(*(float(each[k]) for each in rates)),
            excess_cost=Interval(
                *(float((each[k] - known.expected[k]) * fitted.dear[k]) for each in misses)
            ),
            p=float(p[k]),
        )
        for k in shown
    )
    return tuple(sorted(found, key=lambda each: (-each.excess_cost.estimate, each.level)))


def precision(fitted: Fit) -> Precision:
    """Measure how well the rate and the excess of each level are known, by the delta method."""
    n_levels, coded = len(fitted.who), [fitted.who, *fitted.mix]
    lent = fitted.shifts((fitted.hit + _LENT) * fitted.n / (fitted.n + 2 * _LENT))
    own = fitted.size * _slope(fitted.logit + lent[fitted.who.code])
    known = information(coded, own)
    known[np.diag_indices_from(known)] += np.r_[0.0, np.full(len(known) - 1, _LOOSE)]
    covariance = np.linalg.inv(known)
    rate, excess = np.zeros((2, n_levels, len(known)))
    expected, share = np.zeros(n_levels), fitted.n / fitted.n.sum()
    for k, part in enumerate(share):
        # How the misses of each level, with the shift of this one, follow every parameter.
        moves = _moves(fitted, fitted.size * _slope(fitted.logit + lent[k]))
        if k:
            moves[:, k] = moves[:, 0]
        rate[k] = moves.sum(axis=0)
        excess -= part * moves
        excess[k] += moves[k]
        expected += part * fitted.who.counts(
            fitted.size * _chance(fitted.logit + fitted.shift[k])
        )  # fmt: skip
    alone = np.sqrt(fitted.who.counts(own))
    errors = [np.sqrt(np.einsum("ij,jk,ik->i", each, covariance, each)) for each in (rate, excess)]
    return Precision(expected, errors[0] * alone / rate[:, 0], errors[1] / alone)


def _moves(fitted: Fit, weights: Floats) -> Floats:
    """Weights of the tickets of each level, in all and by the levels of the mix."""
    n_levels, spans = len(fitted.who), places([fitted.who, *fitted.mix])
    found = np.zeros((n_levels, spans[-1].stop))
    found[:, 0] = fitted.who.counts(weights)
    for each, columns in zip(fitted.mix, spans[1:], strict=True):
        table = np.bincount(
            fitted.who.crossed(each), weights, minlength=n_levels * len(each)
        ).reshape(n_levels, len(each))
        found[:, columns] = table[:, 1:]
    return found


def _p(fitted: Fit, known: Precision) -> Floats:
    """Two-sided p of the misses against the expected: the signed root of the likelihood ratio.

    A group of tickets that are not all alike varies less than the binomial one that is taken.
    """
    gap = fitted.hit - known.expected
    hit = np.where(np.abs(gap) > 0.5, fitted.hit - np.sign(gap) / 2, known.expected)  # noqa: PLR2004 - continuity
    expected = np.clip(known.expected, 1e-9, fitted.n - 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            np.where(told > 0, told * np.log(told / of), 0.0)
            for told, of in ((hit, expected), (fitted.n - hit, fitted.n - expected))
        ]
    root = np.sqrt(2 * np.maximum(parts[0] + parts[1], 0.0))
    z = np.divide(root, known.of_excess, out=np.zeros(len(root)), where=known.of_excess > _NEARLY)
    return np.array([2 * NormalDist().cdf(-each) for each in z])


def _comparable(who: Coded, mix: Sequence[Coded], n_rows: int) -> NDArray[np.int64]:
    """Levels of the largest part of the desk whose levels can be told from their tickets."""
    missing, scale = null_directions([who, *mix], n_rows=n_rows)
    mine = np.vstack([np.zeros(missing.shape[1]), missing[1 : len(who)]])
    size = np.r_[0.0, 1 / scale[1 : len(who)]]
    apart = ((mine[:, None] - mine[None]) ** 2).sum(axis=2)
    whole = size[:, None] ** 2 + size[None] ** 2
    is_one = apart <= _NEARLY * np.maximum(whole, 1e-300)
    biggest = int((is_one @ who.counts()).argmax())
    return np.flatnonzero(is_one[biggest])


def _chance(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logit, -2 * _FARTHEST, 2 * _FARTHEST)))


def _slope(logit: Floats) -> Floats:
    p = _chance(logit)
    return p * (1 - p)


def _as_dict(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
