"""One contract for every way to forecast a breach, and the four that keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from sla_sniper.model.forest import RandomForestEstimator
from sla_sniper.model.hazard import HazardEstimator
from sla_sniper.model.lightgbm_estimator import LightGBMEstimator
from sla_sniper.model.logistic import LogisticEstimator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    import polars as pl
    from numpy.typing import NDArray

    from sla_sniper.model.encoding import Encoding
    from sla_sniper.snapshots.features import Feature


class BreachEstimator(Protocol):
    """What an estimator of p_breach promises, in scikit-learn's manner.

    Rows may come in any order; a fit that needs time takes it from the `landmark` column.
    A saved and loaded estimator predicts the same to the bit.
    """

    features: tuple[Feature, ...]
    learns_from_censored: bool

    @property
    def encoding_(self) -> Encoding:
        """How the columns are read."""
        ...

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Learn from snapshots of shape (n_snapshots, ...) and whether each breached."""
        ...

    def predict_proba(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Return the uncalibrated probability of a breach, of shape (n_snapshots,)."""
        ...

    def contributions(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Return what each feature adds to the log-odds, of shape (n_snapshots, n_features).

        With `bias` added, a row sums to the log-odds of `predict_proba`.
        """
        ...

    @property
    def bias(self) -> float:
        """Log-odds before any feature has spoken."""
        ...

    def save(self, folder: Path) -> None:
        """Write the estimator as text, JSON or skops, never pickle, into `folder`."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...


ESTIMATORS: dict[
    str, type[LightGBMEstimator | LogisticEstimator | RandomForestEstimator | HazardEstimator]
] = {
    "hazard": HazardEstimator,
    "lightgbm": LightGBMEstimator,
    "logistic": LogisticEstimator,
    "random_forest": RandomForestEstimator,
}
"""By the name that ``sniper train --model`` takes."""


def make_estimator(
    name: str, features: Sequence[Feature], *, seed: int = 0, num_threads: int = 2
) -> BreachEstimator:
    """Build the estimator called `name`, unfitted.

    Examples
    --------
    >>> from sla_sniper.snapshots.features import FEATURES
    >>> type(make_estimator("logistic", FEATURES)).__name__
    'LogisticEstimator'
    """
    if name not in ESTIMATORS:
        raise ValueError(f"No estimator is called {name!r}; there are {', '.join(ESTIMATORS)}.")
    return ESTIMATORS[name](tuple(features), seed=seed, num_threads=num_threads)
