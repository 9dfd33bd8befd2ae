"""Logistic regression, the forecast for small desks and the yardstick for the others."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.model.encoding import Encoding
from sla_sniper.model.probability import expit

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

STATE_FILE = "logistic.json"
INVERSE_PENALTY = 0.1
"""scikit-learn's C: modest shrinking of standardised effects, not tuned."""

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


class LogisticEstimator:
    """Ridge-penalised logistic regression on standardised numbers and one-hot levels.

    Its state is small and readable JSON, and it predicts without scikit-learn. Prediction
    adds one contribution a feature, so a row's result does not depend on its neighbours.

    Parameters
    ----------
    features : tuple of Feature
    seed, num_threads : int
        Part of the contract; this estimator is not random and uses the BLAS it finds.
    """

    def __init__(
        self, features: tuple[Feature, ...], *, seed: int = 0, num_threads: int = 2
    ) -> None:
        self.features = features
        self.seed = seed
        self.num_threads = num_threads

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Learn scales and weights from all rows."""
        self.encoding_ = Encoding.fit(X, self.features)
        matrix = self.encoding_.transform(X)
        self._learn_scales(matrix)
        weights, self._intercept = _fit_weights(self._design(matrix), y)
        self._take_weights(matrix, weights)
        return self

    def predict_proba(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Return the uncalibrated probability of a breach, of shape (n_snapshots,)."""
        return expit(self.bias + self.contributions(X).sum(axis=1))

    def contributions(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Weight times distance from the training mean, of shape (n_snapshots, n_features)."""
        matrix = self.encoding_.transform(X)
        added = np.empty_like(matrix)
        for at, feature in enumerate(self.features):
            if feature.kind == "number":
                added[:, at] = self._numbers[feature.name].contribution(matrix[:, at])
            else:
                table = np.array(self._levels[feature.name])
                added[:, at] = table[_level_index(matrix[:, at], len(table))]
        return added

    @property
    def bias(self) -> float:
        """Log-odds of a ticket that is average in everything."""
        return self._intercept

    def save(self, folder: Path) -> None:
        """Write everything as one JSON file; floats keep every bit."""
        state = {
            "encoding": self.encoding_.state(),
            "intercept": self._intercept,
            "numbers": {name: asdict(effect) for name, effect in self._numbers.items()},
            "levels": self._levels,
        }
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        encoding = Encoding.from_state(state["encoding"])
        estimator = cls(encoding.features)
        estimator.encoding_ = encoding
        estimator._intercept = state["intercept"]
        estimator._numbers = {k: NumberEffect(**one) for k, one in state["numbers"].items()}
        estimator._levels = state["levels"]
        return estimator

    def _learn_scales(self, matrix: NDArray[np.float64]) -> None:
        self._numbers: dict[str, NumberEffect] = {}
        self._levels: dict[str, list[float]] = {}
        least = max(MIN_LEVEL_ROWS, MIN_LEVEL_SHARE * len(matrix))
        for at, feature in enumerate(self.features):
            if feature.kind == "number":
                self._numbers[feature.name] = NumberEffect.fit(matrix[:, at])
            else:
                # Codes run from the most frequent level down, so the frequent ones come first;
                # the last entry serves the rare, the unseen and the missing.
                codes = matrix[:, at][~np.isnan(matrix[:, at])].astype(np.int64)
                n_frequent = int((np.bincount(codes) >= least).sum()) if codes.size else 0
                self._levels[feature.name] = [0.0] * (n_frequent + 1)

    def _design(self, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
        """Everything standardised or one-hot, of shape (n_snapshots, n_weights).

        Single precision halves the memory of the largest array of a training run.
        """
        widths = [self._width(feature) for feature in self.features]
        design = np.zeros((len(matrix), sum(widths)), dtype=np.float32)
        starts = np.cumsum([0, *widths])
        rows = np.arange(len(matrix))
        for at, feature in enumerate(self.features):
            values, start = matrix[:, at], starts[at]
            if feature.kind == "category":
                design[rows, start + _level_index(values, widths[at])] = 1.0
                continue
            design[:, start] = self._numbers[feature.name].standardise(values)
            if self._numbers[feature.name].is_flagged:
                design[:, start + 1] = np.isnan(values)
        return design

    def _width(self, feature: Feature) -> int:
        if feature.kind == "category":
            return len(self._levels[feature.name])
        return 1 + self._numbers[feature.name].is_flagged

    def _take_weights(self, matrix: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Give each feature its weights, in the order of the design, and centre the effects."""
        left = iter(weights.tolist())
        for at, feature in enumerate(self.features):
            if feature.kind == "number":
                effect = self._numbers[feature.name]
                effect.weight = next(left)
                effect.missing_weight = next(left) if effect.is_flagged else 0.0
                self._intercept += effect.missing_weight * effect.missing_share
            else:
                n_levels = len(self._levels[feature.name])
                table = np.array([next(left) for _ in range(n_levels)])
                index = _level_index(matrix[:, at], n_levels)
                centre = float(np.bincount(index, minlength=n_levels) @ table) / len(index)
                self._levels[feature.name] = (table - centre).tolist()
                self._intercept += centre


def _fit_weights(
    design: NDArray[np.float32], y: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    regression = LogisticRegression(
        C=INVERSE_PENALTY, solver="newton-cholesky", tol=1e-6, max_iter=50
    )
    with warnings.catch_warnings():
        # Fifty Newton steps of a penalised convex problem are near enough in any case.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(design, y)
    return regression.coef_[0].astype(np.float64), float(regression.intercept_[0])


def _level_index(codes: NDArray[np.float64], n_levels: int) -> NDArray[np.int64]:
    """Position of each code in a table whose last entry stands for all that is rare."""
    return np.where(codes < n_levels - 1, codes, n_levels - 1).astype(np.int64)


def _is_skewed(known: NDArray[np.float64]) -> bool:
    spread = float(known.std())
    if spread == 0 or known.min() < 0:
        return False
    return float((((known - known.mean()) / spread) ** 3).mean()) > SKEWED
