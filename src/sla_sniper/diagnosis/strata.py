"""Whether a dimension still goes with missing once another is known: Cochran, Mantel, Haenszel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.diagnosis.coding import Coded

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_LEAST = 2
_TAIL: Final = 0.025
_FEW_ROWS: Final = 10
_MOST_ROWS: Final = 0.9
NEARLY_NOTHING: Final = 1e-9
"""Share of the spread below which two directions are one, but for rounding."""


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A chi-square test.

    Attributes
    ----------
    statistic : float
    df : int
        Degrees of freedom; 0 where there is nothing to test.
    p : float
        Chance of a statistic at least as large without any association; 1 for `df` 0.
    n : int
        Tickets it rests on.
    """

    statistic: float
    df: int
    p: float
    n: int

    @property
    def v(self) -> float:
        """Bias-corrected effect size between 0 and 1: what chance alone adds is taken off."""
        if self.n == 0 or self.df == 0:
            return 0.0
        return float(np.sqrt(min(1.0, max(0.0, self.statistic - self.df) / self.n)))

    @property
    def v_high(self) -> float:
        """Upper bound of the effect size, of a 95 % interval [1]_; 1 where nothing was tested.

        References
        ----------
        .. [1] M. Smithson (2003), "Confidence Intervals", section 4.
           doi:10.4135/9781412983761
        """
        from scipy.special import chndtrinc  # noqa: PLC0415 - slow to import

        if self.n == 0 or self.df == 0:
            return 1.0
        # Less than chance gives is no sign of less than nothing.
        beyond = float(chndtrinc(max(self.statistic, self.df), self.df, _TAIL))
        return float(np.sqrt(min(1.0, beyond / self.n))) if np.isfinite(beyond) else 1.0


def chi_square(statistic: float, df: int, n: int) -> ChiSquare:
    """Return a test of a chi-square statistic.

    Examples
    --------
    >>> round(chi_square(3.841, 1, 100).p, 3)
    0.05
    """
    from scipy.special import chdtrc  # noqa: PLC0415 - slow to import

    if df == 0:
        return ChiSquare(0.0, 0, 1.0, n)
    return ChiSquare(float(statistic), df, float(chdtrc(df, statistic)), n)


def independence(coded: Coded, missed: Floats) -> ChiSquare:
    """Pearson's chi-square test of a dimension against missing.

    Parameters
    ----------
    coded : Coded
        The dimension over n_rows decided clocks.
    missed : ndarray of shape (n_rows,)
        1 for a missed target, 0 for a met one.

    Examples
    --------
    >>> import polars as pl
    >>> from sla_sniper.diagnosis.coding import encode
    >>> group = encode(pl.DataFrame({"group": ["a"] * 40 + ["b"] * 40}), "group")
    >>> independence(group, np.repeat([0.0, 1.0, 0.0, 1.0], [30, 10, 20, 20])).df
    1
    """
    n, n_missed = coded.counts(), coded.counts(missed)
    total, rate = n.sum(), n_missed.sum() / max(n.sum(), 1.0)
    spread = n * rate * (1 - rate)
    if not spread.any():
        return chi_square(0.0, 0, int(total))
    there = n > 0
    statistic = ((n_missed - n * rate)[there] ** 2 / spread[there]).sum()
    return chi_square(statistic, int(there.sum()) - 1, int(total))


def within(coded: Coded, missed: Floats, stratum: Ints, n_strata: int) -> ChiSquare:
    """Test a dimension against missing within strata: the generalised Mantel-Haenszel test [1]_.

    Parameters
    ----------
    coded, missed
        As of `independence`.
    stratum : ndarray of int of shape (n_rows,)
        Number of each row's stratum, below `n_strata`.

    Returns
    -------
    ChiSquare
        Of association in general, with `n` the rows in strata that say something: those with
        two levels and both outcomes.

    References
    ----------
    .. [1] J. R. Landis, E. R. Heyman, G. G. Koch (1978), "Average partial association in
       three-way contingency tables", International Statistical Review 46(3), 237-254.
       doi:10.2307/1402373

    Examples
    --------
    >>> import polars as pl
    >>> from sla_sniper.diagnosis.coding import encode
    >>> group = encode(pl.DataFrame({"group": ["a", "b"] * 60}), "group")
    >>> missed = np.r_[np.ones(60), np.zeros(60)]
    >>> priority = np.repeat([0, 1], 60)
    >>> within(group, missed, priority, 2).n
    0
    """
    k = len(coded)
    size = n_strata * k
    cell = stratum * k + coded.code
    n = np.bincount(cell, minlength=size).reshape(n_strata, k).astype(np.float64)
    hit = np.bincount(cell, missed, minlength=size).reshape(n_strata, k)
    total, n_missed = n.sum(axis=1), hit.sum(axis=1)
    tells = (n_missed > 0) & (n_missed < total) & ((n > 0).sum(axis=1) >= _LEAST)
    n, hit, total, n_missed = n[tells], hit[tells], total[tells], n_missed[tells]
    beyond = (hit - n * (n_missed / total)[:, None]).sum(axis=0)
    # Hypergeometric variances of the misses, all margins of a stratum given.
    factor = n_missed * (total - n_missed) / (total**2 * (total - 1))
    covariance = np.diag((n * (factor * total)[:, None]).sum(axis=0)) - (n * factor[:, None]).T @ n
    # What one level has too many the others have too few: the first says nothing more.
    statistic, df = _quadratic(beyond[1:], covariance[1:, 1:])
    return chi_square(statistic, df, int(n.sum()))


def explained(coded: Coded, values: Floats) -> float:
    """Share of the spread of a number that a dimension explains, less what chance would.

    Parameters
    ----------
    coded : Coded
        The dimension over n_rows rows.
    values : ndarray of shape (n_rows,)

    Returns
    -------
    float
        Adjusted R squared, at most 1; 0 where the number does not vary but for rounding, and
        where a tenth of the rows or more have levels of fewer than 10.

    Examples
    --------
    >>> import polars as pl
    >>> from sla_sniper.diagnosis.coding import encode
    >>> group = encode(pl.DataFrame({"group": ["a"] * 40 + ["b"] * 40}), "group")
    >>> explained(group, np.repeat([1.0, 5.0], 40)), explained(group, np.full(80, 1.1))
    (1.0, 0.0)
    """
    n = coded.counts()
    rows = n[coded.code] >= _FEW_ROWS
    n_levels, n_rows = int((n >= _FEW_ROWS).sum()), int(rows.sum())
    if n_levels < _LEAST or n_rows < _MOST_ROWS * len(values):
        return 0.0
    means = coded.counts(np.where(rows, values, 0.0)) / np.maximum(n, 1.0)
    within = float(((values - means[coded.code])[rows] ** 2).sum()) / (n_rows - n_levels)
    among = float(values[rows].var(ddof=1))
    nearly_nothing = (NEARLY_NOTHING * max(1.0, float(np.abs(values).max()))) ** 2
    return 0.0 if among <= nearly_nothing else 1 - within / among


def _quadratic(beyond: Floats, covariance: Floats) -> tuple[float, int]:
    """Distance from zero in units of the covariance, and in how many directions it can vary."""
    varies = np.diag(covariance) > 0
    if not varies.any():
        return 0.0, 0
    scale = np.sqrt(np.diag(covariance)[varies])
    correlation = covariance[np.ix_(varies, varies)] / np.outer(scale, scale)
    size, direction = np.linalg.eigh(correlation)
    told = size > NEARLY_NOTHING
    parts = (direction.T @ (beyond[varies] / scale))[told]
    return float((parts**2 / size[told]).sum()), int(told.sum())
