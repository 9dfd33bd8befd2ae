"""Gradient-boosted trees, the default forecast."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sla_sniper.model.booster import Booster
from sla_sniper.model.encoding import Encoding
from sla_sniper.model.probability import expit

if TYPE_CHECKING:
    from typing import Self

    import lightgbm
    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

ROUNDS = 160
MODEL_FILE, STATE_FILE = "model.txt", "encoding.json"


class LightGBMEstimator:
    """LightGBM with few leaves, small steps and trees that each see a part of rows and features.

    Categories are native: no encoder could leak a ticket's own label. Classes are not
    reweighted, so that the probabilities mean what they say. The rounds are fixed: chosen by
    early stopping on the newest days they jump from week to week, and the forecast with them
    (docs/decisions/0014).

    Parameters
    ----------
    features : tuple of Feature
    seed : int
        Of the draw of rows and features for each tree.
    num_threads : int
        Threads of fit and prediction; results do not depend on it beyond rounding.
    """

    learns_from_censored = False

    def __init__(
        self, features: tuple[Feature, ...], *, seed: int = 0, num_threads: int = 2
    ) -> None:
        self.features = features
        self.seed = seed
        self.num_threads = num_threads

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Fit on all rows; their order decides which rows each tree sees."""
        self.encoding_ = Encoding.fit(X, self.features)
        booster = self._train(self.encoding_.transform(X), y)
        # One way in for fitted and loaded models alike: what predicts is what gets saved.
        self._adopt(booster.model_to_string(num_iteration=-1))
        return self

    def predict_proba(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Return the uncalibrated probability of a breach, of shape (n_snapshots,)."""
        matrix = self.encoding_.transform(X)
        return expit(self._booster.log_odds(matrix, num_threads=self.num_threads))

    def contributions(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Exact SHAP values of the trees [1]_, in log-odds, of shape (n_snapshots, n_features).

        References
        ----------
        .. [1] S. M. Lundberg et al. (2020), "From local explanations to global understanding
           with explainable AI for trees", Nature Machine Intelligence 2, 56-67.
           doi:10.1038/s42256-019-0138-9
        """
        matrix = self.encoding_.transform(X)
        return self._booster.contributions(matrix, num_threads=self.num_threads)[:, :-1]

    @property
    def bias(self) -> float:
        """Mean log-odds of the training rows, from which contributions are counted."""
        blank = np.full((1, len(self.features)), np.nan)
        return float(self._booster.contributions(blank, num_threads=1)[0, -1])

    def save(self, folder: Path) -> None:
        """Write LightGBM's own text and the encoding as JSON."""
        (folder / MODEL_FILE).write_text(self._text, encoding="utf-8")
        state = {
            "encoding": self.encoding_.state(),
            "seed": self.seed,
        }
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        encoding = Encoding.from_state(state["encoding"])
        estimator = cls(encoding.features, seed=state["seed"])
        estimator.encoding_ = encoding
        estimator._adopt((folder / MODEL_FILE).read_text(encoding="utf-8"))
        return estimator

    def _adopt(self, text: str) -> None:
        self._text = text
        self._booster = Booster(text)

    def _train(self, matrix: NDArray[np.float64], y: NDArray[np.bool_]) -> lightgbm.Booster:
        import lightgbm  # noqa: PLC0415 - seconds to import, and only training needs it

        parameters = self._parameters(len(y))
        data = lightgbm.Dataset(
            matrix,
            label=y.astype(np.float64),
            feature_name=[f"f{at}" for at in range(len(self.features))],  # any name is allowed here
            categorical_feature=self.encoding_.category_columns,
            params=parameters,
        )
        return lightgbm.train(parameters, data, num_boost_round=ROUNDS)

    def _parameters(self, n_rows: int) -> dict[str, Any]:
        return {
            "objective": "binary",
            "learning_rate": 0.04,
            "num_leaves": 15,
            "min_child_samples": min(200, max(5, n_rows // 40)),
            "feature_fraction": 0.3,
            "bagging_fraction": 0.5,
            "bagging_freq": 1,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.num_threads,
            "verbosity": -1,
        }
