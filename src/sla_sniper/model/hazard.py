"""The hazard of being fulfilled, in working time: one model for every horizon and metric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.model.linear import LinearEffects
from sla_sniper.model.probability import FLOOR, logit
from sla_sniper.snapshots.features import Feature

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import NDArray

    from sla_sniper.model.encoding import Encoding

    Floats = NDArray[np.float64]

STATE_FILE = "hazard.json"
HORIZON: Final = "slack_h"
_NOT_LINEAR: Final = (HORIZON, "wall_slack_h")
EDGES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 40.0, 64.0, 100.0, 160.0, 250.0, 400.0)
"""Working hours from the landmark at which the baseline hazard may change; the last goes on."""
PENALTY = 10.0
_MAX_STEPS = 25
_SETTLED = 1e-8
_LEAST = 1e-9


class HazardEstimator:
    """P(not fulfilled within the working time left), from a proportional hazard by interval [1]_.

    A logistic regression on "breached" needs clocks whose outcome is decided and forgets how
    long the others ran. This learns from every clock for as long as it was watched, also from
    the ones still running, and answers for any horizon: within an interval of `EDGES` the
    hazard is a baseline times what the features make of it, found by penalised maximum
    likelihood (Poisson counts with the hours watched as exposure [2]_).

    Parameters
    ----------
    features : tuple of Feature
        `slack_h` is the horizon, it and the wall-time slack have no effect of their own.
    seed, num_threads : int
        Part of the contract; this estimator is not random and uses the BLAS it finds.

    References
    ----------
    .. [1] G. Tutz, M. Schmid (2016), "Modeling Discrete Time-to-Event Data", Springer.
       doi:10.1007/978-3-319-28158-2
    .. [2] N. Laird, D. Olivier (1981), "Covariance analysis of censored survival data using
       log-linear analysis techniques", JASA 76, 231-240. doi:10.1080/01621459.1981.10477634
    """

    learns_from_censored = True

    def __init__(
        self, features: tuple[Feature, ...], *, seed: int = 0, num_threads: int = 2
    ) -> None:
        self.features = features
        self.seed = seed
        self.num_threads = num_threads

    @property
    def encoding_(self) -> Encoding:
        """How the columns with an effect are read."""
        return self._effects.encoding

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Learn baseline and effects from all rows.

        `X` has `observed_h`, the working hours from the landmark to the fulfilment, the
        deadline or the end of what is known, and `is_censored` where some are still running.
        """
        linear = tuple(one for one in self.features if one.name not in _NOT_LINEAR)
        self._effects, design = LinearEffects.fit(X, linear)
        fulfilled = ~y
        if "is_censored" in X.columns:
            fulfilled &= ~X["is_censored"].to_numpy()
        watched = np.maximum(X["observed_h"].cast(pl.Float64).to_numpy(), 0.0)
        weights, self._rates = _fit(design, _spread(watched), watched, fulfilled)
        shift = self._effects.take(design, weights)
        self._rates = self._rates * np.exp(shift)
        self._middle = float(self._log_baseline(X).mean())
        return self

    def predict_proba(self, X: pl.DataFrame) -> Floats:
        """Return the uncalibrated probability of a breach, of shape (n_snapshots,)."""
        return _breach(self._effects.contributions(X).sum(axis=1) + self._log_baseline(X))

    def p_running(self, X: pl.DataFrame, *, hours: float) -> Floats:
        """P(not fulfilled `hours` working hours after the landmark), of shape (n_snapshots,)."""
        at = X.with_columns(pl.lit(float(hours)).alias(HORIZON))
        return self.predict_proba(at)

    def hours_to_fulfilment(
        self, X: pl.DataFrame, *, shares: Sequence[float] = (0.1, 0.5, 0.9)
    ) -> Floats:
        """Working hours by which each share of such tickets is fulfilled.

        Parameters
        ----------
        shares : sequence of float
            In (0, 1); the default is a median with an 80 % interval.

        Returns
        -------
        hours : ndarray of shape (n_snapshots, n_shares)
            From the landmark on. A ticket breaches where these lie behind its slack.
        """
        strength = np.exp(self._effects.contributions(X).sum(axis=1))
        needed = -np.log1p(-np.asarray(shares, dtype=np.float64))
        known = np.asarray(EDGES)
        used = np.r_[0.0, np.cumsum(self._rates[:-1] * np.diff(known))]
        total = needed[None, :] / strength[:, None]
        at = np.searchsorted(used, total, side="right") - 1
        return np.asarray(known[at] + (total - used[at]) / self._rates[at])

    def contributions(self, X: pl.DataFrame) -> Floats:
        """What each feature adds to the log-odds, of shape (n_snapshots, n_features).

        The features add up in log of the cumulative hazard; what they add there is scaled by how
        much the log-odds move on the straight way from the average to the ticket, which are the
        integrated gradients of an additive model [1]_.

        References
        ----------
        .. [1] M. Sundararajan, A. Taly, Q. Yan (2017), "Axiomatic attribution for deep
           networks", ICML. arXiv:1703.01365
        """
        column = {one.name: at for at, one in enumerate(self.features)}
        if HORIZON not in column:
            raise ValueError(f"The hazard can only be explained with the feature {HORIZON!r}.")
        added = np.zeros((X.height, len(self.features)))
        places = [column[one.name] for one in self._effects.features]
        added[:, places] = self._effects.contributions(X)
        added[:, column[HORIZON]] = self._log_baseline(X) - self._middle
        moved = added.sum(axis=1)
        far = np.abs(moved) > _LEAST**0.5
        ends = logit(_breach(self._middle + np.where(far, moved, 1e-4)))
        slope = (ends - self.bias) / np.where(far, moved, 1e-4)
        return added * slope[:, None]

    @property
    def bias(self) -> float:
        """Log-odds of a ticket that is average in everything."""
        return float(logit(_breach(np.array([self._middle])))[0])

    def save(self, folder: Path) -> None:
        """Write everything as one JSON file; floats keep every bit."""
        state = {
            "features": [[one.name, one.kind, one.cause] for one in self.features],
            "effects": self._effects.state(),
            "rates": self._rates.tolist(),
            "middle": self._middle,
        }
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        effects = LinearEffects.from_state(state["effects"])
        estimator = cls(tuple(Feature(*one) for one in state["features"]))
        estimator._effects, estimator._middle = effects, state["middle"]
        estimator._rates = np.array(state["rates"])
        return estimator

    def _log_baseline(self, X: pl.DataFrame) -> Floats:
        """Log of the cumulative baseline hazard up to each horizon; the mean where unknown."""
        slack = X[HORIZON].cast(pl.Float64).fill_null(np.nan).to_numpy()
        # Sums, not a matrix product: a row must not depend on how many others there are.
        hazard = (_spread(np.nan_to_num(slack)) * self._rates).sum(axis=1)
        found = np.log(np.maximum(hazard, _LEAST))
        return np.where(np.isnan(slack), getattr(self, "_middle", 0.0), found)


def _breach(log_cumulative: Floats) -> Floats:
    p = np.exp(-np.exp(np.minimum(log_cumulative, 50.0)))
    return np.asarray(np.clip(p, FLOOR, 1 - FLOOR), dtype=np.float64)


def _spread(hours: Floats) -> Floats:
    """Hours that fall into each interval of `EDGES`: shape (n_snapshots, n_intervals)."""
    lows = np.asarray(EDGES)
    widths = np.r_[np.diff(lows), np.inf]
    return np.asarray(np.clip(hours[:, None] - lows, 0.0, widths), dtype=np.float64)


def _fit(
    design: NDArray[np.float32], watched: Floats, hours: Floats, fulfilled: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Penalised maximum likelihood: effects by Newton steps, the baseline in closed form.

    Returns
    -------
    weights : ndarray of shape (n_weights,)
    rates : ndarray of shape (n_intervals,)
        Fulfilments an hour of an average ticket; an interval without hours takes the mean.
    """
    at = np.searchsorted(EDGES, hours[fulfilled], side="right") - 1
    counts = np.bincount(at, minlength=len(EDGES)).astype(np.float64)
    mean = (counts.sum() + 0.5) / (hours.sum() + 1.0)
    weights, strength = np.zeros(design.shape[1]), np.ones(len(design))
    rates = np.full(len(EDGES), mean)
    for _ in range(_MAX_STEPS):
        rates = (counts + 0.5) / (strength @ watched + 0.5 / mean)
        expected = strength * (watched @ rates)
        score = design.T @ (fulfilled - expected) - PENALTY * weights
        scaled = design * np.sqrt(expected)[:, None].astype(np.float32)
        curvature = (scaled.T @ scaled).astype(np.float64) + PENALTY * np.eye(len(weights))
        step = np.clip(np.linalg.solve(curvature, score), -1.0, 1.0)
        weights = weights + step
        strength = np.exp(np.clip(design @ weights, -20.0, 20.0))
        if np.abs(step).max() < _SETTLED:
            break
    return weights, (counts + 0.5) / (strength @ watched + 0.5 / mean)
