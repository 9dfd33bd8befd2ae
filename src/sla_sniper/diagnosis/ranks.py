"""How strongly missing goes with a number: the rank-biserial correlation."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from sla_sniper.stats import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankDifference:
    """Whether tickets that missed tend to have larger numbers.

    Attributes
    ----------
    name : str
    r : Interval
        Rank-biserial correlation: chance that a missed ticket has the larger number, minus the
        chance that a met one has, with a 95 % interval. Positive: larger numbers miss more.
    p : float
        Of the Mann-Whitney test with its correction for ties.
    n, n_missed : int
        Tickets that have the number.
    median_missed, median_met : float
        NaN where there are none.
    """

    name: str
    r: Interval
    p: float
    n: int
    n_missed: int
    median_missed: float
    median_met: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object; NaN is left to the writer of the answer."""
        return {
            "name": self.name,
            "rank_biserial": {
                "estimate": self.r.estimate,
                "low": self.r.low,
                "high": self.r.high,
            },
            "p": self.p,
            "n": self.n,
            "n_missed": self.n_missed,
            "median_missed": self.median_missed,
            "median_met": self.median_met,
        }


def rank_difference(name: str, values: Floats, missed: Floats) -> RankDifference:
    """Compare a number between missed and met targets [1]_, [2]_.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        NaN where a ticket has none.
    missed : ndarray of shape (n_rows,)
        1 for a missed target, 0 for a met one.

    References
    ----------
    .. [1] E. E. Cureton (1956), "Rank-biserial correlation", Psychometrika 21(3), 287-290.
       doi:10.1007/BF02289138
    .. [2] E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson (1988), "Comparing the areas under
       two or more correlated receiver operating characteristic curves", Biometrics 44(3),
       837-845. doi:10.2307/2531595

    Examples
    --------
    >>> found = rank_difference("backlog", np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 1, 1]))
    >>> found.r.estimate, found.median_missed
    (1.0, 3.5)
    """
    there = np.isfinite(values)
    x, is_missed = values[there], missed[there] > 0
    above, below = x[is_missed], x[~is_missed]
    n, m = len(above), len(below)
    medians = tuple(float(np.median(part)) if len(part) else np.nan for part in (above, below))
    if n == 0 or m == 0:
        nothing = Interval(np.nan, np.nan, np.nan)
        return RankDifference(name, nothing, np.nan, n + m, n, *medians)
    ranks, ties = _midranks(x)
    auc = (ranks[is_missed].sum() - n * (n + 1) / 2) / (n * m)
    half = NormalDist().inv_cdf(0.975) * _spread(x, is_missed, ranks)
    r = Interval(
        float(2 * auc - 1),
        float(max(-1.0, 2 * (auc - half) - 1)),
        float(min(1.0, 2 * (auc + half) - 1)),
    )
    return RankDifference(name, r, _p(auc, n, m, ties), n + m, n, *medians)


def _midranks(x: Floats) -> tuple[Floats, Floats]:
    """Rank of each value from 1, ties sharing theirs, and how many share each value."""
    _, place, shared = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(shared)
    return (ends - (shared - 1) / 2)[place], shared.astype(np.float64)


def _spread(x: Floats, is_missed: NDArray[np.bool_], ranks: Floats) -> float:
    """Standard error of the chance, from how its parts scatter over tickets."""
    n, m = int(is_missed.sum()), int((~is_missed).sum())
    of_missed = (ranks[is_missed] - _midranks(x[is_missed])[0]) / m
    of_met = 1 - (ranks[~is_missed] - _midranks(x[~is_missed])[0]) / n
    parts = [
        (each.var(ddof=1) / len(each)) if len(each) > 1 else 0.0 for each in (of_missed, of_met)
    ]
    return float(np.sqrt(sum(parts)))


def _p(auc: float, n: int, m: int, ties: Floats) -> float:
    """Two-sided p of the Mann-Whitney test, normal with ties and continuity."""
    total = n + m
    shared = (ties**3 - ties).sum() / (total * (total - 1)) if total > 1 else 0.0
    spread = np.sqrt(n * m / 12 * (total + 1 - shared))
    if spread == 0:
        return 1.0
    beyond = max(0.0, abs(auc - 0.5) * n * m - 0.5) / spread
    return float(2 * NormalDist().cdf(-beyond))
