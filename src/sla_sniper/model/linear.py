"""What each feature adds to a linear predictor: scales, levels and weights, readable as JSON.

Shared by logistic regression and the hazard: they differ in what the sum means.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sla_sniper.model.encoding import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import polars as pl
    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

MIN_LEVEL_SHARE = 0.005
MIN_LEVEL_ROWS = 20
SKEWED = 2.0
"""Skewness above which a number that is never negative is read on a logarithmic scale."""


@dataclass(slots=True)
class NumberEffect:
    """How one number enters: log1p if `is_log`, then (x - mean) / spread, times `weight`.

    A missing value is read as the median and adds `missing_weight`, centred by its share.
    """

    is_log: bool
    median: float
    mean: float
    spread: float
    missing_share: float
    weight: float = 0.0
    missing_weight: float = 0.0

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Self:
        """Learn scale and centre of one column of shape (n_snapshots,), NaN where missing."""
        missing = np.isnan(values)
        known = values[~missing]
        if known.size == 0:
            return cls(is_log=False, median=0.0, mean=0.0, spread=1.0, missing_share=1.0)
        is_log = _is_skewed(known)
        known = np.log1p(known) if is_log else known
        median, share = float(np.median(known)), float(missing.mean())
        mean = (1 - share) * float(known.mean()) + share * median
        variance = (1 - share) * float(((known - mean) ** 2).mean()) + share * (median - mean) ** 2
        spread = float(np.sqrt(variance))
        return cls(is_log, median, mean, spread if spread > 1e-12 else 1.0, share)  # noqa: PLR2004

    @property
    def is_flagged(self) -> bool:
        """Whether being missing has a weight of its own."""
        return 0 < self.missing_share < 1

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as the regression sees them, of shape (n_snapshots,)."""
        scaled = np.log1p(np.maximum(values, 0.0)) if self.is_log else values
        return (np.where(np.isnan(values), self.median, scaled) - self.mean) / self.spread

    def contribution(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds that the column adds, zero on average over the training rows."""
        flag = np.isnan(values) - self.missing_share
        return self.weight * self.standardise(values) + self.missing_weight * flag


class LinearEffects:
    """One effect a feature: a weight for a standardised number, a table for the levels of a word.

    Each effect is zero on average over the rows it was learnt from, so that a row's sum does not
    depend on its neighbours and tells how far it is from the average.

    Parameters
    ----------
    encoding : Encoding
        Of the rows that scales and levels are learnt from.
    """

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.features = encoding.features
        self.numbers: dict[str, NumberEffect] = {}
        self.levels: dict[str, list[float]] = {}

    @classmethod
    def fit(
        cls, X: pl.DataFrame, features: tuple[Feature, ...]
    ) -> tuple[Self, NDArray[np.float32]]:
        """Learn scales and levels; also return the design, of shape (n_snapshots, n_weights).

        Everything in it is standardised or one-hot. Single precision halves the memory of the
        largest array of a training run.
        """
        effects = cls(Encoding.fit(X, features))
        matrix = effects.encoding.transform(X)
        effects._learn_scales(matrix)
        return effects, effects._design(matrix)

    def take(self, design: NDArray[np.float32], weights: NDArray[np.float64]) -> float:
        """Give each feature its weights, in the order of the design, and centre the effects.

        Returns
        -------
        centre : float
            What the centring took away, to be added to the intercept.
        """
        means, centre, at = design.mean(axis=0, dtype=np.float64), 0.0, 0
        for feature in self.features:
            width = self._width(feature)
            own, mean = weights[at : at + width], means[at : at + width]
            if feature.kind == "number":
                effect = self.numbers[feature.name]
                effect.weight = float(own[0])
                effect.missing_weight = float(own[1]) if effect.is_flagged else 0.0
                centre += effect.missing_weight * effect.missing_share
            else:
                middle = float(own @ mean)
                self.levels[feature.name] = (own - middle).tolist()
                centre += middle
            at += width
        return centre

    def contributions(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """What each feature adds, of shape (n_snapshots, n_features)."""
        matrix = self.encoding.transform(X)
        added = np.empty_like(matrix)
        for at, feature in enumerate(self.features):
            if feature.kind == "number":
                added[:, at] = self.numbers[feature.name].contribution(matrix[:, at])
            else:
                table = np.array(self.levels[feature.name])
                added[:, at] = table[_level_index(matrix[:, at], len(table))]
        return added

    def state(self) -> dict[str, Any]:
        """Return the state as JSON can hold it; `from_state` reads it back."""
        return {
            "encoding": self.encoding.state(),
            "numbers": {name: asdict(effect) for name, effect in self.numbers.items()},
            "levels": self.levels,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the effects from what `state` returned."""
        effects = cls(Encoding.from_state(state["encoding"]))
        effects.numbers = {name: NumberEffect(**one) for name, one in state["numbers"].items()}
        effects.levels = state["levels"]
        return effects

    def _learn_scales(self, matrix: NDArray[np.float64]) -> None:
        least = max(MIN_LEVEL_ROWS, MIN_LEVEL_SHARE * len(matrix))
        for at, feature in enumerate(self.features):
            if feature.kind == "number":
                self.numbers[feature.name] = NumberEffect.fit(matrix[:, at])
            else:
                # Codes run from the most frequent level down, so the frequent ones come first;
                # the last entry serves the rare, the unseen and the missing.
                codes = matrix[:, at][~np.isnan(matrix[:, at])].astype(np.int64)
                n_frequent = int((np.bincount(codes) >= least).sum()) if codes.size else 0
                self.levels[feature.name] = [0.0] * (n_frequent + 1)

    def _design(self, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
        widths = [self._width(feature) for feature in self.features]
        design = np.zeros((len(matrix), sum(widths)), dtype=np.float32)
        starts = np.cumsum([0, *widths])
        rows = np.arange(len(matrix))
        for at, feature in enumerate(self.features):
            values, start = matrix[:, at], starts[at]
            if feature.kind == "category":
                design[rows, start + _level_index(values, widths[at])] = 1.0
                continue
            design[:, start] = self.numbers[feature.name].standardise(values)
            if self.numbers[feature.name].is_flagged:
                design[:, start + 1] = np.isnan(values)
        return design

    def _width(self, feature: Feature) -> int:
        if feature.kind == "category":
            return len(self.levels[feature.name])
        return 1 + self.numbers[feature.name].is_flagged


def _level_index(codes: NDArray[np.float64], n_levels: int) -> NDArray[np.int64]:
    """Position of each code in a table whose last entry stands for all that is rare."""
    return np.where(codes < n_levels - 1, codes, n_levels - 1).astype(np.int64)


def _is_skewed(known: NDArray[np.float64]) -> bool:
    spread = float(known.std())
    if spread == 0 or known.min() < 0:
        return False
    return float((((known - known.mean()) / spread) ** 3).mean()) > SKEWED
