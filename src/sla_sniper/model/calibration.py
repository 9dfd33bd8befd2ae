"""Calibration: making 30 % happen three times in ten, where the newest days allow it.

Calibration can hurt as well as help when a desk drifts, so that it is never unconditional:
it has to beat leaving the probabilities alone on days later than those it learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from sla_sniper.model.probability import expit, fit_lines, logit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CalibrationName = Literal["none", "platt", "isotonic"]

MIN_ROWS = 200
MIN_EACH_WAY = 20
MIN_GAIN = 0.01
"""Relative gain in Brier score below which the probabilities are left alone."""


class Origin(NamedTuple):
    """Where calibrators are fitted, and the days right after on which they are judged.

    Attributes
    ----------
    fitted_on, judged : ndarray of bool of shape (n_snapshots,)
        Rows whose labels were known when the judged days began; rows of those days.
    """

    fitted_on: NDArray[np.bool_]
    judged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A monotone map from an estimator's probability to p_breach.

    Attributes
    ----------
    name : {"none", "platt", "isotonic"}
    knots_x, knots_y : tuple of float
        For isotonic: probabilities and what becomes of them, straight lines between.
    intercept, slope : float
        For Platt: of the line between log-odds.

    Examples
    --------
    >>> Calibrator().apply(np.array([0.2, 0.7]))
    array([0.2, 0.7])
    >>> Calibrator("isotonic", (0.0, 1.0), (0.1, 0.5)).apply(np.array([0.5]))
    array([0.3])
    """

    name: CalibrationName = "none"
    knots_x: tuple[float, ...] = ()
    knots_y: tuple[float, ...] = ()
    intercept: float = 0.0
    slope: float = 1.0

    def apply(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrate probabilities of shape (n_snapshots,)."""
        if self.name == "platt":
            return expit(self.intercept + self.slope * logit(p))
        if self.name == "isotonic":
            return np.interp(p, self.knots_x, self.knots_y)
        return p

    def state(self) -> dict[str, Any]:
        """Return the state as JSON can hold it; `from_state` reads it back."""
        if self.name == "platt":
            return {"name": self.name, "intercept": self.intercept, "slope": self.slope}
        if self.name == "isotonic":
            knots = {"knots_x": list(self.knots_x), "knots_y": list(self.knots_y)}
            return {"name": self.name, **knots}
        return {"name": self.name}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Calibrator:
        """Rebuild a calibrator from what `state` returned."""
        knots = {key: tuple(state[key]) for key in ("knots_x", "knots_y") if key in state}
        return cls(**{**state, **knots})


def fit_calibrator(
    name: CalibrationName, p: NDArray[np.float64], y: NDArray[np.bool_]
) -> Calibrator:
    """Fit one kind of calibrator to out-of-sample probabilities.

    Parameters
    ----------
    name : {"none", "platt", "isotonic"}
        Platt's line between log-odds [1]_, or isotonic regression [2]_.
    p, y : ndarray of shape (n_snapshots,)
        Probabilities from a model that has not seen these rows, and whether each breached.

    Returns
    -------
    calibrator : Calibrator
        The one called "none" where Platt's line would not rise.

    References
    ----------
    .. [1] J. Platt (1999), "Probabilistic outputs for support vector machines", in Advances
       in Large Margin Classifiers, 61-74.
    .. [2] B. Zadrozny, C. Elkan (2002), "Transforming classifier scores into accurate
       multiclass probability estimates", KDD, 694-699. doi:10.1145/775047.775151

    Examples
    --------
    >>> p, y = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])
    >>> fit_calibrator("isotonic", p, y).knots_y
    (0.0, 0.5, 1.0)
    """
    if name == "isotonic":
        return Calibrator("isotonic", *isotonic_knots(p, y, rising=True))
    if name == "platt":
        ones = np.ones((1, len(p)))
        intercept, slope = fit_lines(logit(p), y[None, :].astype(np.float64), ones)[0]
        if slope > 0:
            return Calibrator("platt", intercept=float(intercept), slope=float(slope))
    return Calibrator()


def choose_calibrator(
    p: NDArray[np.float64], y: NDArray[np.bool_], origins: Sequence[Origin]
) -> Calibrator:
    """Choose the calibrator with the best Brier score over rolling origins, then fit it on all.

    Parameters
    ----------
    p, y : ndarray of shape (n_snapshots,)
        Out-of-sample probabilities and outcomes.
    origins : sequence of Origin
        Where to fit and where to judge. Those with too little to fit on are passed over.

    Returns
    -------
    calibrator : Calibrator
        "none" unless another is better by `MIN_GAIN` of its Brier score, or where the judged
        rows of all origins are too few to tell.
    """
    usable = [one for one in origins if _is_enough(y[one.fitted_on])]
    if not usable or not _is_enough(np.concatenate([y[one.judged] for one in usable])):
        return Calibrator()
    names: tuple[CalibrationName, ...] = ("none", "platt", "isotonic")
    scores = dict.fromkeys(names, 0.0)
    for name, (fitted_on, judged) in product(names, usable):
        calibrated = fit_calibrator(name, p[fitted_on], y[fitted_on]).apply(p[judged])
        scores[name] += float(((calibrated - y[judged]) ** 2).sum())
    best = min(names, key=scores.__getitem__)
    if scores[best] > (1 - MIN_GAIN) * scores["none"]:
        return Calibrator()
    return fit_calibrator(best, p, y)


def isotonic_knots(
    x: NDArray[np.float64], y: NDArray[np.bool_], *, rising: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit the monotone curve nearest to P(y given x), as the corners of its steps.

    Returns
    -------
    knots_x, knots_y : tuples of float of equal length
        `knots_x` rises strictly; between knots the curve is interpolated, beyond them flat.
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - slow to import

    values, index, counts = np.unique(x, return_inverse=True, return_counts=True)
    shares = np.bincount(index, weights=y) / counts
    fitted = isotonic_regression(shares, weights=counts, increasing=rising).x
    corner = np.ones(len(fitted), dtype=bool)
    corner[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
    return tuple(values[corner].tolist()), tuple(fitted[corner].tolist())


def _is_enough(y: NDArray[np.bool_]) -> bool:
    return len(y) >= MIN_ROWS and min(y.sum(), len(y) - y.sum()) >= MIN_EACH_WAY
