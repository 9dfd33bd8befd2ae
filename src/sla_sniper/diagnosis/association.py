"""How strongly missing a target goes with one property of a ticket.

The effect size is Cramer's V with Bergsma's correction of its bias, which matters as soon as a
property has many levels: the plain V of pure noise grows with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.stats import Interval, percentile_interval, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_RESAMPLES: Final = 1000
NO_LEVEL: Final = "(none)"
REST: Final = "(rest)"
MAX_LEVELS: Final = 50
_MIN_LEVELS: Final = 2


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a property: how often its targets are missed, and its part of all misses.

    Attributes
    ----------
    level : str
    n, n_missed : int
        Decided targets, and those of them that were missed.
    rate : Interval
        Share missed, with Wilson's interval.
    share_of_misses : float
        Share of all misses that fall on this level.
    """

    level: str
    n: int
    n_missed: int
    rate: Interval
    share_of_misses: float


@dataclass(frozen=True, slots=True)
class Association:
    """How strongly missing goes with one property.

    Attributes
    ----------
    dimension : str
    is_mechanical : bool
        Whether the property sets the target itself, so that the association is built in.
    v : Interval
        Bias-corrected Cramer's V with a bootstrap interval over tickets; NaN where the
        property has one level, or nothing or everything was missed.
    levels : tuple of Level
        Most misses first; beyond `MAX_LEVELS` the least frequent are put together.
    """

    dimension: str
    is_mechanical: bool
    v: Interval
    levels: tuple[Level, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the association as a JSON object; NaN becomes null."""
        return {
            "dimension": self.dimension,
            "is_mechanical": self.is_mechanical,
            "cramers_v": interval_dict(self.v),
            "levels": [
                {
                    "level": level.level,
                    "n": level.n,
                    "n_missed": level.n_missed,
                    "rate": interval_dict(level.rate),
                    "share_of_misses": level.share_of_misses,
                }
                for level in self.levels
            ],
        }


def cramers_v(tables: NDArray[np.int64], *, n_samplings: int = 1) -> NDArray[np.float64]:
    """Bias-corrected Cramer's V of contingency tables [1]_.

    Parameters
    ----------
    tables : ndarray of shape (..., n_levels, n_outcomes)
        Counts. Rows and columns without a count do not count as levels.
    n_samplings : int
        How often chance has been at work, each time adding the bias that is taken off: once
        in a sample, twice in a resample of a sample.

    Returns
    -------
    v : ndarray of shape (...)
        Between 0 and 1; NaN where fewer than two levels or outcomes occur.

    References
    ----------
    .. [1] W. Bergsma (2013), "A bias-correction for Cramer's V and Tschuprow's T", Journal of
       the Korean Statistical Society 42(3), 323-328. doi:10.1016/j.jkss.2012.10.002

    Examples
    --------
    >>> cramers_v(np.array([[[50, 50], [50, 50]], [[100, 0], [0, 100]]])).round(3)
    array([0., 1.])
    """
    counts = np.asarray(tables, dtype=np.float64)
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    total = rows.sum(axis=-1)
    n_rows = (rows > 0).sum(axis=-1).astype(np.float64)
    n_columns = (columns > 0).sum(axis=-1).astype(np.float64)
    is_defined = (n_rows >= _MIN_LEVELS) & (n_columns >= _MIN_LEVELS)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = rows[..., :, None] * columns[..., None, :] / total[..., None, None]
        parts = np.where(expected > 0, (counts - expected) ** 2 / expected, 0.0)
        phi2 = parts.sum(axis=(-2, -1)) / total
        excess = (n_rows - 1) * (n_columns - 1) / (total - 1)
        few = np.minimum(
            n_rows - (n_rows - 1) ** 2 / (total - 1),
            n_columns - (n_columns - 1) ** 2 / (total - 1),
        )
        v = np.sqrt(np.maximum(0.0, phi2 - n_samplings * excess) / (few - 1))
    return np.where(is_defined & (few > 1), np.minimum(v, 1.0), np.nan)


def associate(
    frame: pl.DataFrame,
    dimension: str,
    *,
    is_mechanical: bool = False,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Association:
    """Measure how missing goes with one column.

    Parameters
    ----------
    frame : DataFrame
        One row a decided target, with `dimension` and the Boolean `is_missed`.
    dimension : str
        A column of text; null is a level of its own.
    is_mechanical : bool
        Whether the column sets the target.
    n_resamples, seed : int
        Of the bootstrap. Tickets are resampled by drawing contingency tables from the
        multinomial with the observed shares, which is the same draw without the rows.

    Notes
    -----
    A ticket with several targets counts several times; filter to one metric first.
    """
    counts = _counts(frame, dimension)
    table = counts.select(pl.col("n") - pl.col("n_missed"), "n_missed").to_numpy()
    return Association(
        dimension=dimension,
        is_mechanical=is_mechanical,
        v=_v_interval(table.astype(np.int64), n_resamples=n_resamples, seed=seed),
        levels=_levels(counts),
    )


def interval_dict(interval: Interval) -> dict[str, float | None]:
    """Return an interval as a JSON object; NaN becomes null."""
    values = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
    return {key: None if np.isnan(value) else value for key, value in values.items()}


def _counts(frame: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """Level, n and n_missed, most misses first, the rare levels put together."""
    by_level = (
        frame.group_by(pl.col(dimension).cast(pl.String).fill_null(NO_LEVEL).alias("level"))
        .agg(n=pl.len().cast(pl.Int64), n_missed=pl.col("is_missed").sum().cast(pl.Int64))
        .sort(["n", "level"], descending=[True, False])
        .with_row_index("place")
    )
    rare = (
        pl.col("place") >= MAX_LEVELS - 1 if by_level.height > MAX_LEVELS else pl.lit(value=False)
    )
    return (
        by_level.group_by(pl.when(rare).then(pl.lit(REST)).otherwise("level").alias("level"))
        .agg(pl.col("n", "n_missed").sum())
        .sort(["n_missed", "n", "level"], descending=[True, True, False])
    )


def _v_interval(table: NDArray[np.int64], *, n_resamples: int, seed: int) -> Interval:
    total = int(table.sum())
    estimate = float(cramers_v(table)) if total else np.nan
    if np.isnan(estimate):
        return Interval(estimate, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(total, table.ravel() / total, size=n_resamples)
    draws = cramers_v(drawn.reshape(-1, *table.shape), n_samplings=2)
    return percentile_interval(estimate, draws, n_units=total)


def _levels(counts: pl.DataFrame) -> tuple[Level, ...]:
    n_missed = max(int(counts["n_missed"].sum()), 1)
    return tuple(
        Level(
            level=level,
            n=n,
            n_missed=missed,
            rate=wilson_interval(missed, n),
            share_of_misses=missed / n_missed,
        )
        for level, n, missed in counts.select("level", "n", "n_missed").iter_rows()
    )
