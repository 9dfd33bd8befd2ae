"""Every score beside every other: metrics with intervals over days, and paired differences.

All scores are tested on the same rows and the same resamples of whole days. Nothing is
recomputed row by row for a resample: each metric is a function of sums over days.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sla_sniper.model.metrics import (
    METRICS,
    N_BINS,
    auc,
    average_precision,
    brier_skill,
    calibration_line,
    concordance,
    mass_bins,
    safe_ratio,
    step_precision,
    sum_by,
    width_bins,
)
from sla_sniper.model.probability import fit_lines, logit
from sla_sniper.stats import day_weights, paired_difference, percentile_interval, ratio_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANK_BINS = 4096
"""Bins of equal mass in which average precision is resampled; its estimate is exact."""

LINE_BINS = 256
"""Bins of equal mass in which the calibration line is resampled; its estimate is exact."""

Draws = dict[str, tuple[float, "NDArray[np.float64]"]]


@dataclass(frozen=True, slots=True)
class EvaluationRows:
    """The snapshots that scores are tested on; censored ones do not belong here.

    Attributes
    ----------
    breached : ndarray of bool of shape (n_snapshots,)
    day : ndarray of shape (n_snapshots,)
        The capacity day, of anything sortable; days are what is resampled.
    landmark : ndarray of shape (n_snapshots,)
        Each landmark lies in one day.
    n_resamples, seed : int
        Of the bootstrap.
    day_index : ndarray of int of shape (n_snapshots,)
        Derived: the position of each row's day.
    weights : ndarray of shape (n_resamples, n_days)
        Derived: how often each resample holds each day.
    """

    breached: NDArray[np.bool_]
    day: NDArray[Any]
    landmark: NDArray[Any]
    n_resamples: int = 1000
    seed: int = 0
    day_index: NDArray[np.int64] = field(init=False, repr=False)
    weights: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lengths = {len(self.breached), len(self.day), len(self.landmark)}
        if len(lengths) != 1 or not len(self.breached):
            raise ValueError(f"Evaluation needs rows, equally many of each, got {lengths}.")
        days, index = np.unique(self.day, return_inverse=True)
        weights = day_weights(len(days), n_resamples=self.n_resamples, seed=self.seed)
        object.__setattr__(self, "day_index", index)
        object.__setattr__(self, "weights", weights)

    @property
    def n_days(self) -> int:
        """How many days there are to resample."""
        return int(self.weights.shape[1])

    def per_day(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum values of shape (n_snapshots,) within each day: shape (n_days,)."""
        return sum_by(self.day_index, values, self.n_days)

    def histograms(self, bins: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum values within each day and bin: shape (n_days, n_bins)."""
        n_bins = int(bins.max()) + 1
        cells = self.day_index * n_bins + bins
        return sum_by(cells, values, self.n_days * n_bins).reshape(self.n_days, n_bins)


def evaluate(
    rows: EvaluationRows,
    scores: Mapping[str, NDArray[np.float64]],
    *,
    probabilities: Collection[str],
    reference: str,
) -> pl.DataFrame:
    """Measure every score by every metric it has, beside a reference.

    Parameters
    ----------
    rows : EvaluationRows
    scores : mapping of str to ndarray of shape (n_snapshots,)
        Higher means more likely to breach; finite.
    probabilities : collection of str
        Names of the scores that are probabilities; the others are only ranked.
    reference : str
        The score that the others are compared with.

    Returns
    -------
    table : DataFrame
        `score`, `metric`, `estimate`, `low`, `high` (95 %), then `reference` and the paired
        `difference`, `difference_low`, `difference_high` of score minus reference on the
        same resamples (null where the reference has no such metric), `n_rows` and `n_days`.

    Examples
    --------
    >>> y, day = np.tile([True, False], 20), np.repeat(np.arange(10), 4)
    >>> rows = EvaluationRows(y, day, day, n_resamples=50)
    >>> table = evaluate(rows, {"edf": y * 0.0, "model": y * 0.5 + 0.25},
    ...                  probabilities={"model"}, reference="edf")
    >>> table.filter(pl.col("score") == "model").select("metric", "estimate", "difference").row(0)
    ('auc', 1.0, 0.5)
    """
    measured = {
        name: _measure(rows, values, is_probability=name in probabilities)
        for name, values in scores.items()
    }
    lines = [
        _line(name, metric.name, draws, measured[reference], rows.n_days)
        for name, draws in measured.items()
        for metric in METRICS
        if metric.name in draws
    ]
    table = pl.DataFrame(lines, schema=_TABLE, orient="row")
    return table.with_columns(
        reference=pl.lit(reference), n_rows=len(rows.breached), n_days=rows.n_days
    )


_TABLE = {
    "score": pl.String,
    "metric": pl.String,
    **dict.fromkeys(("estimate", "low", "high"), pl.Float64),
    **dict.fromkeys(("difference", "difference_low", "difference_high"), pl.Float64),
}


def _line(name: str, metric: str, draws: Draws, reference: Draws, n_days: int) -> tuple[Any, ...]:
    estimate, drawn = draws[metric]
    own = percentile_interval(estimate, drawn, n_units=n_days)
    line = (name, metric, own.estimate, own.low, own.high)
    if metric not in reference:
        return (*line, None, None, None)
    estimates = (estimate, reference[metric][0])
    difference = paired_difference(estimates, drawn, reference[metric][1], n_units=n_days)
    return (*line, difference.estimate, difference.low, difference.high)


def _measure(rows: EvaluationRows, values: NDArray[np.float64], *, is_probability: bool) -> Draws:
    if values.shape != rows.breached.shape or not np.isfinite(values).all():
        raise ValueError(f"A score needs {rows.breached.shape} finite values, one a row.")
    draws = _ranking(rows, values)
    return {**draws, **_probability(rows, values)} if is_probability else draws


def _ranking(rows: EvaluationRows, score: NDArray[np.float64]) -> Draws:
    return {
        "auc": (auc(rows.breached, score), _auc_draws(rows, score)),
        "auc_within_landmark": _within_landmark(rows, score),
        "average_precision": (
            average_precision(rows.breached, score),
            _precision_draws(rows, score),
        ),
    }


def _auc_draws(rows: EvaluationRows, score: NDArray[np.float64]) -> NDArray[np.float64]:
    """AUC of each resample, exactly: w' C w / pairs, C the wins of one day over another."""
    weights, breached = rows.weights, rows.breached
    _, rank = np.unique(score, return_inverse=True)
    days, ranks = rows.day_index[breached], rank[breached]
    wins = np.empty((rows.n_days, rows.n_days))
    for day in range(rows.n_days):
        met = np.bincount(rank[(rows.day_index == day) & ~breached], minlength=rank.max() + 1)
        below = np.cumsum(met) - met / 2
        wins[:, day] = sum_by(days, below[ranks], rows.n_days)
    positives, negatives = rows.per_day(breached), rows.per_day(~breached)
    pairs = (weights @ positives) * (weights @ negatives)
    won = ((weights @ wins) * weights).sum(axis=1)
    return safe_ratio(won, pairs)


def _within_landmark(
    rows: EvaluationRows, score: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    _, first = np.unique(rows.landmark, return_index=True)
    wins, pairs = concordance(rows.breached, score, rows.landmark)
    day = rows.day_index[first]
    won, played = sum_by(day, wins, rows.n_days), sum_by(day, pairs, rows.n_days)
    return _sums_ratio(won, played, rows.weights)


def _precision_draws(rows: EvaluationRows, score: NDArray[np.float64]) -> NDArray[np.float64]:
    bins = mass_bins(-score, RANK_BINS)
    _, bins = np.unique(bins, return_inverse=True)  # empty bins would only cost time
    hits = rows.weights @ rows.histograms(bins, rows.breached)
    shown = rows.weights @ rows.histograms(bins, np.ones(len(bins)))
    return step_precision(hits, shown)


def _probability(rows: EvaluationRows, p: NDArray[np.float64]) -> Draws:
    if p.min() < 0 or p.max() > 1:
        raise ValueError(f"Probabilities must be in [0, 1], got {p.min()} to {p.max()}.")
    squares, counts = rows.per_day((p - rows.breached) ** 2), rows.per_day(np.ones(len(p)))
    score = _sums_ratio(squares, counts, rows.weights)
    _, share_draws = _sums_ratio(rows.per_day(rows.breached), counts, rows.weights)
    line = _line_draws(rows, p)
    intercept, slope = calibration_line(rows.breached, p)
    return {
        "brier": score,
        "brier_skill": (brier_skill(rows.breached, p), _skill(score[1], share_draws)),
        "calibration_intercept": (intercept, line[:, 0]),
        "calibration_slope": (slope, line[:, 1]),
        "ece": _calibration_error(rows, p, mass_bins(p, N_BINS)),
        "ece_width": _calibration_error(rows, p, width_bins(p, N_BINS)),
    }


def _skill(score: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    constant = share * (1 - share)
    return 1 - safe_ratio(score, constant)


def _line_draws(rows: EvaluationRows, p: NDArray[np.float64]) -> NDArray[np.float64]:
    bins = mass_bins(p, LINE_BINS)
    _, bins = np.unique(bins, return_inverse=True)
    log_odds = sum_by(bins, logit(p), 0) / np.bincount(bins)
    positives = rows.weights @ rows.histograms(bins, rows.breached)
    totals = rows.weights @ rows.histograms(bins, np.ones(len(p)))
    return fit_lines(log_odds, positives, totals)


def _calibration_error(
    rows: EvaluationRows, p: NDArray[np.float64], bins: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """Bins are those of the whole test; a resample moves only what falls into them."""
    gaps = rows.histograms(bins, p - rows.breached)
    counts = rows.per_day(np.ones(len(p)))
    everything = np.concatenate([np.ones((1, rows.n_days)), rows.weights])
    errors = np.abs(everything @ gaps).sum(axis=1) / (everything @ counts)
    return float(errors[0]), errors[1:]


def _sums_ratio(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    everything = np.concatenate([np.ones((1, weights.shape[1])), weights])
    draws = ratio_draws(numerator, denominator, everything)
    return float(draws[0]), draws[1:]
