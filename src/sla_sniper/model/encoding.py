"""From a frame of snapshots to the matrix an estimator reads, and nothing learnt elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sla_sniper.snapshots.features import Feature

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

MAX_LEVELS = 250
"""Levels of a category that get a code of their own; rarer ones read as missing."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What was learnt about the columns: their order and the codes of their levels.

    Numbers become float64 and a missing or infinite one NaN. Categories become whole codes,
    0 for the most frequent level; a level that the fit has not seen, or that was too rare
    there, is missing, never a code of its own.

    Attributes
    ----------
    features : tuple of Feature
        In the order of the columns of the matrix.
    levels : mapping of str to tuple of str
        Of each category: its levels in the order of their codes.
    """

    features: tuple[Feature, ...]
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(
        cls, frame: pl.DataFrame, features: Sequence[Feature], *, max_levels: int = MAX_LEVELS
    ) -> Self:
        """Learn the levels of each category from the rows of `frame`, whatever their order.

        Examples
        --------
        >>> frame = pl.DataFrame({"group": ["B", "A", "B", None]})
        >>> encoding = Encoding.fit(frame, [Feature("group", "category", "group")])
        >>> encoding.levels["group"]
        ('B', 'A')
        >>> encoding.transform(pl.DataFrame({"group": ["A", "never seen"]})).ravel()
        array([ 1., nan])
        """
        levels = {
            feature.name: _frequent_levels(frame[feature.name], max_levels)
            for feature in features
            if feature.kind == "category"
        }
        return cls(tuple(features), levels)

    def transform(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Encode `frame`: an array of shape (n_snapshots, n_features), NaN where missing."""
        columns = (
            _codes(pl.col(one.name), self.levels[one.name])
            if one.kind == "category"
            else _finite(pl.col(one.name))
            for one in self.features
        )
        return frame.select(columns).fill_null(np.nan).to_numpy(order="c")

    @property
    def category_columns(self) -> list[int]:
        """Positions of the categories among the columns."""
        return [at for at, feature in enumerate(self.features) if feature.kind == "category"]

    def state(self) -> dict[str, Any]:
        """Return the state as JSON can hold it; `from_state` reads it back."""
        return {
            "features": [[one.name, one.kind, one.cause] for one in self.features],
            "levels": {name: list(levels) for name, levels in self.levels.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild an encoding from what `state` returned."""
        return cls(
            tuple(Feature(*one) for one in state["features"]),
            {name: tuple(levels) for name, levels in state["levels"].items()},
        )


def _frequent_levels(series: pl.Series, max_levels: int) -> tuple[str, ...]:
    counts = (
        series.cast(pl.String)
        .drop_nulls()
        .rename("level")
        .value_counts()
        .sort(["count", "level"], descending=[True, False])
    )
    return tuple(counts["level"].head(max_levels))


def _codes(category: pl.Expr, levels: tuple[str, ...]) -> pl.Expr:
    known = category.cast(pl.String).cast(pl.Enum(levels), strict=False)
    return known.to_physical().cast(pl.Float64)


def _finite(number: pl.Expr) -> pl.Expr:
    value = number.cast(pl.Float64)
    return pl.when(value.is_finite()).then(value)
