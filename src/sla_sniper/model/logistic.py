"""Logistic regression, the forecast for small desks and the yardstick for the others."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.model.linear import LinearEffects
from sla_sniper.model.probability import expit

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

STATE_FILE = "logistic.json"
INVERSE_PENALTY = 0.1
"""scikit-learn's C: modest shrinking of standardised effects, not tuned."""


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

    learns_from_censored = False

    def __init__(
        self, features: tuple[Feature, ...], *, seed: int = 0, num_threads: int = 2
    ) -> None:
        self.features = features
        self.seed = seed
        self.num_threads = num_threads

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Learn scales and weights from all rows."""
        self._effects, design = LinearEffects.fit(X, self.features)
        self.encoding_ = self._effects.encoding
        weights, intercept = _fit_weights(design, y)
        self._intercept = intercept + self._effects.take(design, weights)
        return self

    def predict_proba(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Return the uncalibrated probability of a breach, of shape (n_snapshots,)."""
        return expit(self.bias + self.contributions(X).sum(axis=1))

    def contributions(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Weight times distance from the training mean, of shape (n_snapshots, n_features)."""
        return self._effects.contributions(X)

    @property
    def bias(self) -> float:
        """Log-odds of a ticket that is average in everything."""
        return self._intercept

    def save(self, folder: Path) -> None:
        """Write everything as one JSON file; floats keep every bit."""
        state = {**self._effects.state(), "intercept": self._intercept}
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        effects = LinearEffects.from_state(state)
        estimator = cls(effects.features)
        estimator._effects, estimator.encoding_ = effects, effects.encoding
        estimator._intercept = state["intercept"]
        return estimator


_FILTERING = Lock()
"""Filters of warnings belong to the whole process, and models are fitted side by side."""


def _fit_weights(
    design: NDArray[np.float32], y: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    regression = LogisticRegression(
        C=INVERSE_PENALTY, solver="newton-cholesky", tol=1e-6, max_iter=50
    )
    with _FILTERING, warnings.catch_warnings():
        # Fifty Newton steps of a penalised convex problem are near enough in any case.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(design, y)
    return regression.coef_[0].astype(np.float64), float(regression.intercept_[0])
