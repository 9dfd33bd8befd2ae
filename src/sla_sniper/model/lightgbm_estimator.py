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
from sla_sniper.model.split import older_and_newer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    import lightgbm
    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

MAX_ROUNDS = 200
PATIENCE = 20
DEFAULT_ROUNDS = 100
VALIDATION_SHARE = 0.2
MIN_VALIDATION_ROWS = 100
"""With fewer rows on either side, early stopping is noise and the default is used."""

MODEL_FILE, STATE_FILE = "model.txt", "encoding.json"


class LightGBMEstimator:
    """LightGBM with few leaves, small steps and rounds chosen on the newest training days.

    Categories are native: no encoder could leak a ticket's own label. Classes are not
    reweighted, so that the probabilities mean what they say.

    Parameters
    ----------
    features : tuple of Feature
    seed : int
        Of the draw of features for each tree.
    num_threads : int
        Threads of fit and prediction; results do not depend on it beyond rounding.
    """

    def __init__(
        self, features: tuple[Feature, ...], *, seed: int = 0, num_threads: int = 2
    ) -> None:
        self.features = features
        self.seed = seed
        self.num_threads = num_threads

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Choose the rounds on the newest 20 % of the days, then fit on all rows.

        `X` has a `landmark` column; with `decidable_at` and `label_known_at` too, the older
        part learns only labels known when the newest days began.
        """
        self.encoding_ = Encoding.fit(X, self.features)
        matrix = self.encoding_.transform(X)
        self.rounds_ = self._choose_rounds(X, matrix, y)
        booster = self._train(matrix, y, rounds=self.rounds_)
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
            "rounds": self.rounds_,
            "seed": self.seed,
        }
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        encoding = Encoding.from_state(state["encoding"])
        estimator = cls(encoding.features, seed=state["seed"])
        estimator.encoding_, estimator.rounds_ = encoding, state["rounds"]
        estimator._adopt((folder / MODEL_FILE).read_text(encoding="utf-8"))
        return estimator

    def _adopt(self, text: str) -> None:
        self._text = text
        self._booster = Booster(text)

    def _choose_rounds(
        self, X: pl.DataFrame, matrix: NDArray[np.float64], y: NDArray[np.bool_]
    ) -> int:
        older, newer = older_and_newer(X, share=VALIDATION_SHARE)
        if min(older.sum(), newer.sum()) < MIN_VALIDATION_ROWS or _one_sided(y[older], y[newer]):
            return DEFAULT_ROUNDS
        validation = matrix[newer], y[newer]
        booster = self._train(matrix[older], y[older], rounds=MAX_ROUNDS, validation=validation)
        return max(1, int(booster.best_iteration))

    def _train(
        self,
        matrix: NDArray[np.float64],
        y: NDArray[np.bool_],
        *,
        rounds: int,
        validation: tuple[NDArray[np.float64], NDArray[np.bool_]] | None = None,
    ) -> lightgbm.Booster:
        import lightgbm  # noqa: PLC0415 - seconds to import, and only training needs it

        names = [f"f{at}" for at in range(len(self.features))]  # LightGBM refuses some characters
        data = lightgbm.Dataset(
            matrix,
            label=y.astype(np.float64),
            feature_name=names,
            categorical_feature=self.encoding_.category_columns,
            params=self._parameters(len(y)),
        )
        held_out = [] if validation is None else [data.create_valid(validation[0], validation[1])]
        stopping: list[Callable[..., Any]] = []
        if held_out:
            stopping = [lightgbm.early_stopping(PATIENCE, verbose=False)]
        return lightgbm.train(
            self._parameters(len(y)),
            data,
            num_boost_round=rounds,
            valid_sets=held_out,
            callbacks=stopping,
        )

    def _parameters(self, n_rows: int) -> dict[str, Any]:
        return {
            "objective": "binary",
            "learning_rate": 0.07,
            "num_leaves": 15,
            "min_child_samples": min(200, max(5, n_rows // 40)),
            "feature_fraction": 0.5,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.num_threads,
            "verbosity": -1,
        }


def _one_sided(*outcomes: NDArray[np.bool_]) -> bool:
    return any(part.all() or not part.any() for part in outcomes)
