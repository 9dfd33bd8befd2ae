"""Where targets are missed: rate, money and volume of every level and pair of levels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.stats.intervals import wilson_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.coding import Coded

    Floats = NDArray[np.float64]

FEW: Final = 30
"""Tickets below which a rate by itself says little."""
_LEAST_STRENGTH: Final = 1.0
_Z: Final = 1.645


@dataclass(frozen=True, slots=True, eq=False)
class Stakes:
    """What is at stake with each decided clock; arrays of shape (n_rows,).

    Attributes
    ----------
    missed : ndarray
        1 for a missed target, 0 for a met one.
    price : ndarray
        What a miss of each would cost, missed or not.
    expected : ndarray
        Chance of missing by the dimensions alone that set the target.
    """

    missed: Floats
    price: Floats
    expected: Floats


def cells(coded: Sequence[Coded], stakes: Stakes) -> pl.DataFrame:
    """Count every level of every dimension, and every pair of levels of two.

    Parameters
    ----------
    coded : sequence of Coded
        Dimensions over the same n_rows decided clocks.
    stakes : Stakes
        Of the same clocks.

    Returns
    -------
    DataFrame
        A row a cell that occurs: `dimension, level, dimension_2, level_2` (both null for single
        levels), `n, n_missed, rate` with Wilson's `low, high`, `cost` of the misses with
        `cost_low, cost_high`, `excess` of it beyond what was expected with `excess_low,
        excess_high` (see `cost_bounds`), two-sided `p` of the excess, `shrunk` with `shrunk_low,
        shrunk_high` (see `shrunken_rates`), and `is_few` for fewer than `FEW`. By cost, then
        misses; cells of equal money in order of their names.

    Examples
    --------
    >>> from sla_sniper.diagnosis.coding import encode
    >>> frame = pl.DataFrame({"group": ["a", "a", "b"], "channel": ["web", "mail", "web"]})
    >>> both = [encode(frame, name) for name in frame.columns]
    >>> stakes = Stakes(np.array([1.0, 0, 0]), np.full(3, 50.0), np.full(3, 1 / 3))
    >>> found = cells(both, stakes)
    >>> found.select("dimension", "level", "dimension_2", "level_2", "cost").rows()[:2]
    [('channel', 'web', None, None, 50.0), ('channel', 'web', 'group', 'a', 50.0)]
    """
    alone = [_table((each,), stakes) for each in coded]
    pairs = [_table(pair, stakes) for pair in combinations(coded, 2)]
    tables = [table for table in (*alone, *pairs) if table.height]
    if not tables:
        return pl.DataFrame(schema=_SCHEMA)
    names = ["dimension", "level", "dimension_2", "level_2"]
    return pl.concat(tables).sort(
        ["cost", "n_missed", *names], descending=[True, True, *(False,) * len(names)]
    )


_SCHEMA: Final = {
    "dimension": pl.String(),
    "level": pl.String(),
    "dimension_2": pl.String(),
    "level_2": pl.String(),
    "n": pl.Int64(),
    "n_missed": pl.Int64(),
    "rate": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "cost": pl.Float64(),
    "cost_low": pl.Float64(),
    "cost_high": pl.Float64(),
    "excess": pl.Float64(),
    "excess_low": pl.Float64(),
    "excess_high": pl.Float64(),
    "p": pl.Float64(),
    "shrunk": pl.Float64(),
    "shrunk_low": pl.Float64(),
    "shrunk_high": pl.Float64(),
    "is_few": pl.Boolean(),
}


def _table(dimensions: tuple[Coded, ...], stakes: Stakes) -> pl.DataFrame:
    """Cells of one dimension, or of two, that occur."""
    first, second = dimensions[0], dimensions[-1]
    if first.dimension > second.dimension:
        first, second = second, first
    is_pair = len(dimensions) > 1
    code = first.crossed(second) if is_pair else first.code
    size = len(first) * (len(second) if is_pair else 1)
    n = np.bincount(code, minlength=size)
    there = np.flatnonzero(n)
    size_of = n[there].astype(np.float64)
    n_missed, money, price, square, expected, to_expect, spread = (
        np.bincount(code, each, minlength=size)[there].astype(np.float64)
        for each in (
            stakes.missed,
            stakes.missed * stakes.price,
            stakes.price,
            stakes.price**2,
            stakes.expected,
            stakes.expected * stakes.price,
            stakes.expected * (1 - stakes.expected) * stakes.price**2,
        )
    )
    low, high = wilson_bounds(n_missed, size_of)
    cost_low, cost_high = cost_bounds(money, price, square)
    excess = money - to_expect
    shrunk, shrunk_low, shrunk_high = shrunken_rates(n_missed, size_of)
    left, right = np.divmod(there, len(second)) if is_pair else (there, None)
    return pl.DataFrame(
        {
            "dimension": pl.Series([first.dimension] * len(there), dtype=pl.String),
            "level": pl.Series([first.levels[k] for k in left], dtype=pl.String),
            "dimension_2": pl.Series(
                [second.dimension if is_pair else None] * len(there), dtype=pl.String
            ),
            "level_2": pl.Series(
                [None] * len(there) if right is None else [second.levels[k] for k in right],
                dtype=pl.String,
            ),
            "n": n[there],
            "n_missed": n_missed.astype(np.int64),
            "rate": n_missed / size_of,
            "low": low,
            "high": high,
            "cost": money,
            "cost_low": cost_low,
            "cost_high": cost_high,
            "excess": excess,
            "excess_low": cost_low - to_expect,
            "excess_high": cost_high - to_expect,
            "p": _p((n_missed, size_of, expected), excess, spread),
            "shrunk": shrunk,
            "shrunk_low": shrunk_low,
            "shrunk_high": shrunk_high,
            "is_few": size_of < FEW,
        },
        schema=_SCHEMA,
    )


def cost_bounds(
    cost: Floats, total: Floats, square: Floats, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Bounds of what the misses of cells cost: Wilson's, of the share of the money at stake.

    Parameters
    ----------
    cost : ndarray of shape (n_cells,)
        Of the misses, in currency.
    total, square : ndarray of shape (n_cells,)
        Sum, and sum of squares, of what a miss of each clock would cost, missed or not. Unequal
        prices are worth as few tickets as tell their mean as well (Kish's effective size [1]_).

    References
    ----------
    .. [1] L. Kish (1965), "Survey Sampling", section 8.2. ISBN 978-0-471-48900-9

    Examples
    --------
    >>> low, high = cost_bounds(np.array([400.0]), np.array([500.0]), np.array([25_000.0]))
    >>> low.round(0), high.round(0)  # 8 of 10 tickets at 50: 49 to 94 %
    (array([245.]), array([472.]))
    """
    worth = np.divide(total**2, square, out=np.ones(len(total)), where=square > 0)
    share = np.divide(cost, total, out=np.zeros(len(total)), where=total > 0)
    low, high = wilson_bounds(np.minimum(share, 1.0) * worth, worth, level=level)
    # Rounding may not leave the estimate outside of its interval.
    return np.minimum(low * total, cost), np.maximum(high * total, cost)


def _p(counts: tuple[Floats, Floats, Floats], excess: Floats, spread: Floats) -> Floats:
    """Two-sided p of the excess if each clock were missed with the chance that was expected.

    The larger one of two: of the money, as normal, and of the number of misses, as binomial,
    which has heavier tails than a sum of unequal chances (Hoeffding 1956,
    doi:10.1214/aoms/1177728178). The first alone takes one dear miss of few for a discovery.
    """
    from scipy.special import betainc, ndtr  # noqa: PLC0415 - slow to import

    n_missed, n, expected = counts
    varies = spread > 0
    z = np.divide(excess, np.sqrt(spread), out=np.zeros(len(n)), where=varies)
    share = np.clip(expected / n, 0.0, 1.0)
    # So many misses or more are as good as so few met ones or fewer.
    told, chance = (np.where(excess > 0, *both) for both in
                    ((n_missed, n - n_missed), (share, 1 - share)))  # fmt: skip
    so_many = np.where(told > 0, betainc(np.maximum(told, 1), n - told + 1, chance), 1.0)
    tail = np.maximum(ndtr(-np.abs(z)), so_many)
    return np.where(varies, np.minimum(1.0, 2 * tail), 1.0)


def shrunken_rates(
    n_missed: Floats, n: Floats, *, level: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Draw rates of small cells towards the rate of all: the beta-binomial empirical Bayes [1]_.

    Parameters
    ----------
    n_missed, n : ndarray of shape (n_cells,)
        Misses and decided clocks of the cells of one table; `n` positive.

    Returns
    -------
    rate, low, high : ndarray of shape (n_cells,)
        Posterior means and equal-tailed intervals. The strength of the prior, in tickets, comes
        from how much the cells differ beyond chance (moments): cells that differ no more than by
        chance all get nearly the rate of all. The intervals take neither that strength nor the
        rate of all for known: they hold the truth of 1 to 30 cells of 20 or 200 tickets in 87 to
        99 of a hundred samples, least where few cells have a handful of misses.

    References
    ----------
    .. [1] J. C. Kleinman (1973), "Proportions with extraneous variance: single and independent
       samples", JASA 68(341), 46-54. doi:10.1080/01621459.1973.10481332

    Examples
    --------
    >>> rate, low, high = shrunken_rates(np.array([1.0, 500, 100]), np.array([1.0, 1000, 1000]))
    >>> bool(0.3 < rate[0] < 0.9), rate[1:].round(2).tolist()
    (True, [0.5, 0.1])
    """
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import

    total = n.sum()
    mean = n_missed.sum() / total
    if mean in (0.0, 1.0):
        # Nothing, or everything, was missed: Jeffreys' prior keeps the intervals honest.
        mean, likely, loose = 0.5, 1.0, 1.0
    else:
        likely, loose = _prior_strength(n_missed, n, mean)
    rate = (n_missed + likely * mean) / (n + likely)
    # The rate of all is itself known as well as so many tickets tell it.
    centre, weight = (n_missed + loose * mean) / (n + loose), loose / (n + loose)
    spread = centre * (1 - centre) / (n + loose + 1) + weight**2 * mean * (1 - mean) / total
    worth = np.maximum(centre * (1 - centre) / spread - 1, 1e-3)
    tail = (1 - level) / 2
    low, high = (betaincinv(centre * worth, (1 - centre) * worth, at) for at in (tail, 1 - tail))
    return rate, np.minimum(low, rate), np.maximum(high, rate)


def _prior_strength(n_missed: Floats, n: Floats, mean: float) -> tuple[float, float]:
    """Tickets that the prior is worth, by the method of moments with weights n.

    The likely number, and one so low that the cells hardly differ more than it says: with few
    cells nobody knows how alike they are. Never more than there are tickets.
    """
    total, spread, n_cells = n.sum(), mean * (1 - mean), len(n)
    most = max(float(total), _LEAST_STRENGTH)
    if n_cells < 2:  # noqa: PLR2004 - one cell does not differ, nor tell how others would
        return most, _LEAST_STRENGTH
    between = (n * (n_missed / n - mean) ** 2).sum()
    scale = spread * (total - (n**2).sum() / total - (n_cells - 1))
    if scale <= 0:
        return most, _LEAST_STRENGTH
    # What cells that are alike would differ by, and how far that number scatters.
    alike, scatter = spread * (n_cells - 1), between * np.sqrt(2 / (n_cells - 1))
    likely, loose = (
        float(np.clip(scale / beyond - 1, _LEAST_STRENGTH, most)) if beyond > 0 else most
        for beyond in (between - alike, between + _Z * scatter - alike)
    )
    return likely, loose
