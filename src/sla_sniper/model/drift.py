"""Whether what a model reads has changed since it learnt, against how much it always changes.

A desk's weeks differ. A distance between recent weeks and the training ones says nothing until it
is set beside the distance of each stretch of training from the rest: only what lies beyond that
is drift. So no test, no p-value, and silence where nothing happened.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

    Floats = NDArray[np.float64]

LEAST: Final = 0.15
"""Jensen-Shannon distance below which nothing is drift: two halves of one calm log reach 0.1."""

BEYOND: Final = 1.25
"""How many times the largest distance within training a drift exceeds."""

MOST_TOLD: Final = 5
_BINS: Final = 10
_LEVELS: Final = 20
_MISSING: Final = "\x00"


@dataclass(frozen=True, slots=True)
class Drift:
    """One cause whose inputs have moved.

    Attributes
    ----------
    cause : str
        As in reasons; the feature that moved most speaks for it.
    feature : str
    distance, usual : float
        Jensen-Shannon distance of the recent rows from training, and the largest one of a stretch
        of training from the rest, in [0, 1].
    weight : float
        Mean absolute contribution of the cause to recent forecasts, in log-odds.
    sentence : str
    """

    cause: str
    feature: str
    distance: float
    usual: float
    weight: float
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as JSON can hold them."""
        return asdict(self)


def jensen_shannon(first: Floats, second: Floats) -> float:
    """Distance of two distributions: the root of their divergence to base 2 [1]_.

    0 where they are equal, 1 where they share nothing.

    Parameters
    ----------
    first, second : ndarray of shape (n_bins,)
        Counts or shares.

    References
    ----------
    .. [1] D. M. Endres, J. E. Schindelin (2003), "A new metric for probability distributions",
       IEEE Transactions on Information Theory 49(7), 1858-1860. doi:10.1109/TIT.2003.813506

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 1.0]), np.array([3.0, 3.0]))
    0.0
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 2.0]))
    1.0
    """
    if not first.sum() or not second.sum():
        return 0.0
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    halves = (
        np.sum(part[part > 0] * np.log2(part[part > 0] / middle[part > 0])) for part in (p, q)
    )
    return float(np.sqrt(max(0.0, sum(halves) / 2)))


def drifts(
    training: pl.DataFrame,
    recent: pl.DataFrame,
    features: Sequence[Feature],
    contributions: Floats,
) -> tuple[Drift, ...]:
    """Find the causes whose inputs moved further than they ever did in training.

    Parameters
    ----------
    training, recent : DataFrame
        Snapshots with `day` and all feature columns, chosen alike: all clocks that ran.
    features : sequence of Feature
    contributions : ndarray of shape (n_recent, n_features)
        Of the recent snapshots.

    Returns
    -------
    tuple of Drift
        At most five, those first that move forecasts most.
    """
    stretch = _stretches(training["day"], recent["day"])
    weights = np.abs(contributions).mean(axis=0) if len(contributions) else np.zeros(len(features))
    by_cause: dict[str, list[tuple[float, float, Feature]]] = {}
    mass: dict[str, float] = {}
    for feature, weight in zip(features, weights.tolist(), strict=True):
        distance, usual = _moved(training[feature.name], recent[feature.name], feature, stretch)
        by_cause.setdefault(feature.cause, []).append((distance, usual, feature))
        mass[feature.cause] = mass.get(feature.cause, 0.0) + weight
    found = []
    for cause, moved in by_cause.items():
        beyond = [each for each in moved if each[0] >= max(LEAST, BEYOND * each[1])]
        if not beyond or not mass[cause]:
            continue
        distance, usual, feature = max(beyond, key=lambda each: each[0] - BEYOND * each[1])
        said = _sentence(training[feature.name], recent[feature.name], feature)
        found.append(Drift(cause, feature.name, distance, usual, mass[cause], said))
    return tuple(sorted(found, key=lambda each: -each.weight * each.distance)[:MOST_TOLD])


def _stretches(days: pl.Series, recent: pl.Series) -> NDArray[np.int64]:
    """Number of the stretch of training, as long as the recent days, to which each row belongs."""
    if days.is_empty() or recent.is_empty():
        return np.zeros(len(days), dtype=np.int64)
    known = days.unique().sort()
    length = max(1, min(recent.n_unique(), len(known) // 3))
    place = days.rank("dense").cast(pl.Int64).to_numpy() - 1
    stretch: NDArray[np.int64] = np.minimum(place // length, max(len(known) // length - 1, 0))
    return stretch


def _moved(
    training: pl.Series, recent: pl.Series, feature: Feature, stretch: NDArray[np.int64]
) -> tuple[float, float]:
    coded, coded_recent, n_bins = _binned(training, recent, feature)
    whole = np.bincount(coded, minlength=n_bins).astype(np.float64)
    parts = [
        np.bincount(coded[stretch == at], minlength=n_bins).astype(np.float64)
        for at in np.unique(stretch)
    ]
    usual = max((jensen_shannon(part, whole - part) for part in parts), default=0.0)
    now = np.bincount(coded_recent, minlength=n_bins).astype(np.float64)
    return jensen_shannon(now, whole), usual


def _binned(
    training: pl.Series, recent: pl.Series, feature: Feature
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Bins of both: tenths of training for a number, frequent levels for a category."""
    if feature.kind == "category":
        counts = training.cast(pl.String).fill_null(_MISSING).rename("level").value_counts()
        levels = counts.sort(["count", "level"], descending=[True, False])["level"].head(_LEVELS)
        coding = {level: at for at, level in enumerate(levels)}
        coded = [
            each.cast(pl.String)
            .fill_null(_MISSING)
            .replace_strict(coding, default=_LEVELS, return_dtype=pl.Int64)
            .to_numpy()
            for each in (training, recent)
        ]
        return coded[0], coded[1], _LEVELS + 1
    numbers = [
        each.cast(pl.Float64).fill_nan(None).fill_null(np.inf).to_numpy()
        for each in (training, recent)
    ]
    known = numbers[0][np.isfinite(numbers[0])]
    tenths = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.quantile(known, tenths)) if len(known) else known
    coded = [
        np.where(np.isfinite(each), np.searchsorted(edges, each, side="left"), len(edges) + 1)
        for each in numbers
    ]
    return coded[0], coded[1], len(edges) + 2


def _sentence(training: pl.Series, recent: pl.Series, feature: Feature) -> str:
    name = feature.name.removeprefix("attr_").replace("_", " ")
    if feature.kind == "category":
        shares = [
            each.cast(pl.String).fill_null("none").rename("level").value_counts(normalize=True)
            for each in (training, recent)
        ]
        both = shares[0].join(shares[1], on="level", how="full", coalesce=True).fill_null(0.0)
        change = (pl.col("proportion_right") - pl.col("proportion")).abs()
        level, then, now = both.sort(change, "level", descending=[True, False]).row(0)
        return (
            f"{name} {level}: {100 * then:.0f} % of the tickets in training, {100 * now:.0f} % now"
        )
    then, now = (float(each.cast(pl.Float64).median() or 0.0) for each in (training, recent))  # type: ignore[arg-type]
    if round(then, 2) == round(now, 2):
        return f"the spread of {name} has changed around a median of {now:.3g}"
    return f"median {name}: {then:.3g} in training, {now:.3g} now"
