"""The forecast of a desk: estimator, calibration and the value of the deadline alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from sla_sniper.core.schema import CLOCK_KEY, TICKET_KEY
from sla_sniper.model.calibration import Calibrator, Origin, choose_calibrator, isotonic_knots
from sla_sniper.model.estimators import BreachEstimator, make_estimator
from sla_sniper.model.probability import levelled
from sla_sniper.model.split import older_and_newer, require_labels, training_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

CALIBRATION_SHARE = 0.25
"""Share of the training days, the newest, on which calibrators compete."""
JUDGED_SHARES = (0.25, 0.5, 0.75)
"""Shares of those days after each rolling origin, the latest origin first."""
THREADED_ROWS = 100_000
"""Rows from which a second thread for each fit saves more than its waiting for the first costs."""
CALIBRATION_ROWS = 200_000
"""Older snapshots that are enough for the fit whose forecasts the calibrators are tried on."""

_ORDER = ("landmark", *CLOCK_KEY)


@dataclass(frozen=True, slots=True)
class EdfValue:
    """P(breach given working time left) and nothing else: the strongest simple rule's p.

    Attributes
    ----------
    slack_us : tuple of float
        Working time left in microseconds, rising.
    p_breach : tuple of float
        Never rising.
    """

    slack_us: tuple[float, ...]
    p_breach: tuple[float, ...]

    @classmethod
    def fit(cls, slack_us: NDArray[np.float64], breached: NDArray[np.bool_]) -> Self:
        """Fit the falling isotonic curve to training rows, arrays of shape (n_snapshots,).

        Examples
        --------
        >>> hours = np.array([1.0, 2.0, 3.0, 4.0])
        >>> EdfValue.fit(hours, np.array([True, False, True, False])).predict(hours)
        array([1. , 0.5, 0.5, 0. ])
        """
        return cls(*isotonic_knots(slack_us, breached, rising=False))

    def predict(self, slack_us: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of a breach at each working slack, of shape (n_snapshots,)."""
        return np.interp(slack_us, self.slack_us, self.p_breach)

    def state(self) -> dict[str, Any]:
        """Return the state as JSON can hold it; `from_state` reads it back."""
        return {"slack_us": list(self.slack_us), "p_breach": list(self.p_breach)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the curve from what `state` returned."""
        return cls(tuple(state["slack_us"]), tuple(state["p_breach"]))


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What a model was trained on, as its card and manifest tell it.

    Attributes
    ----------
    cut : datetime
        Nothing recorded later was used.
    seed : int
    n_rows, n_tickets, n_embargoed : int
        Snapshots learnt from, their tickets, and the labelled or not yet labelled snapshots
        before the cut that the embargo left out.
    first_landmark, last_landmark : datetime
        Of the snapshots learnt from.
    breach_share : float
        Of the snapshots learnt from.
    data_hash : str
        SHA-256 of keys, features and labels in canonical order.
    """

    cut: datetime
    seed: int
    n_rows: int
    n_tickets: int
    n_embargoed: int
    first_landmark: datetime
    last_landmark: datetime
    breach_share: float
    data_hash: str


@dataclass(frozen=True, slots=True)
class BreachModel:
    """A fitted forecast: what `sniper train` saves and everything else reads.

    Attributes
    ----------
    name : str
        Of the estimator.
    features : tuple of Feature
    estimator : BreachEstimator
    calibrator : Calibrator
    edf_value : EdfValue
        Fitted on the same rows, as the rival it has to beat.
    training : TrainingFacts
    """

    name: str
    features: tuple[Feature, ...]
    estimator: BreachEstimator
    calibrator: Calibrator
    edf_value: EdfValue
    training: TrainingFacts

    def predict(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return p_breach of each snapshot: calibrated, in [0, 1], of shape (n_snapshots,)."""
        return self.calibrator.apply(self.estimator.predict_proba(frame))

    def contributions(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return what each feature adds to the uncalibrated log-odds.

        Of shape (n_snapshots, n_features). Calibration is monotone: what pushes the
        uncalibrated probability up never pushes p_breach down.
        """
        return self.estimator.contributions(frame)


def train_model(
    snapshots: pl.DataFrame,
    *,
    name: str,
    features: Sequence[Feature],
    as_of: datetime,
    seed: int = 0,
    num_threads: int = 2,
) -> BreachModel:
    """Fit a forecast to what was known at `as_of`, and calibrate it if that helps.

    Parameters
    ----------
    snapshots : DataFrame
        The snapshots table; rows of any order, those not yet knowable left out here.
    name : {"lightgbm", "logistic", "random_forest", "hazard"}
    features : sequence of Feature
        Columns to learn from: `FEATURES` and the kept attributes.
    as_of : datetime
        The cut. Rows are learnt from only if their label was due and known by then.
    seed, num_threads : int

    Raises
    ------
    NotEnoughHistoryError
        If too few tickets have a known outcome, or too few of one outcome.
    """
    chosen = training_rows(snapshots, cut=as_of)
    training = snapshots.filter(pl.Series(chosen)).sort(_ORDER)
    require_labels(training)
    breached = training["breached"].to_numpy()
    n_before = snapshots.select((pl.col("landmark") < as_of).sum()).item()

    # One number for both fits: LightGBM keeps it for the whole process.
    threads = num_threads if training.height >= THREADED_ROWS else 1

    def unfitted() -> BreachEstimator:
        """Make one more estimator of the same kind."""
        return make_estimator(name, features, seed=seed, num_threads=threads)

    learnt, outcome = training, breached
    if unfitted().learns_from_censored:
        is_watched = (pl.col("landmark") < as_of) & pl.col("observed_h").is_not_null()
        learnt = snapshots.filter(is_watched).sort(_ORDER)
        outcome = learnt["breached"].fill_null(value=False).to_numpy()
    slack = training["slack_us"].cast(pl.Float64).to_numpy()
    # Neither fit needs the other, and both let go of the interpreter while they compute.
    with ThreadPoolExecutor(1) as pool:
        calibrating = pool.submit(_calibrate, training, unfitted)
        estimator = unfitted().fit(learnt, outcome)
        calibrator = calibrating.result()
    return BreachModel(
        name,
        tuple(features),
        estimator,
        calibrator,
        EdfValue.fit(slack, breached),
        _facts(training, features, as_of, seed=seed, n_before=n_before),
    )


def _calibrate(training: pl.DataFrame, unfitted: Callable[[], BreachEstimator]) -> Calibrator:
    """Choose a calibrator on forecasts for the newest days by a model that ends before them.

    Only the shape is calibrated. How often tickets breach moves from week to week; the final
    fit has seen the newest days, so that correcting the earlier fit's level would count their
    move twice (docs/decisions/0014).
    """
    breached = training["breached"].to_numpy()
    older, newer = older_and_newer(training, share=CALIBRATION_SHARE)
    if not _is_two_sided(breached[older]) or not _is_two_sided(breached[newer]):
        return Calibrator()
    later = training.filter(pl.Series(newer))
    step = -(-int(older.sum()) // CALIBRATION_ROWS)
    learnt = training.filter(pl.Series(older)).gather_every(max(step, 1))
    earlier = unfitted().fit(learnt, learnt["breached"].to_numpy())
    p = levelled(earlier.predict_proba(later), share=float(breached[newer].mean()))
    return choose_calibrator(p, breached[newer], _origins(later))


def _origins(later: pl.DataFrame) -> list[Origin]:
    """Rolling origins in the days that the earlier fit has not seen, each judged up to the next."""
    found, after = list[Origin](), np.zeros(later.height, dtype=bool)
    for share in JUDGED_SHARES:
        known, newer = older_and_newer(later, share=share)
        found.append(Origin(known, newer & ~after))
        after = newer
    return found


def _is_two_sided(breached: NDArray[np.bool_]) -> bool:
    return bool(breached.any()) and not bool(breached.all())


def _facts(
    training: pl.DataFrame,
    features: Sequence[Feature],
    as_of: datetime,
    *,
    seed: int,
    n_before: int,
) -> TrainingFacts:
    landmarks = training["landmark"]
    first, last = landmarks.min(), landmarks.max()
    if not (isinstance(first, datetime) and isinstance(last, datetime)):
        raise TypeError(f"Landmarks must be instants, got {landmarks.dtype}.")
    return TrainingFacts(
        cut=as_of,
        seed=seed,
        n_rows=training.height,
        n_tickets=training.select(TICKET_KEY).unique().height,
        n_embargoed=n_before - training.height,
        first_landmark=first,
        last_landmark=last,
        breach_share=float(training["breached"].to_numpy().mean()),
        data_hash=_data_hash(training, [*_ORDER, *(one.name for one in features), "breached"]),
    )


def _data_hash(training: pl.DataFrame, columns: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for name in dict.fromkeys(columns):
        series = training[name]
        digest.update(f"{name}\x1e".encode())
        if series.dtype == pl.String:
            joined = series.fill_null("\x00").str.join("\x1f").item()
            digest.update(joined.encode())
        else:
            numbers = series.to_physical().cast(pl.Float64).fill_null(np.nan)
            digest.update(np.ascontiguousarray(numbers.to_numpy()).tobytes())
    return digest.hexdigest()
