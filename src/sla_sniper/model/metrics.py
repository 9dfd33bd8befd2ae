"""How good a forecast is: one function a metric, each with its formula, direction and source.

Throughout, `y` says whether each snapshot breached, of shape (n_snapshots,), and `p` or
`score` is of the same shape. A score may be anything that ranks; `p` must be a probability.
Where a metric is undefined (one outcome alone, say) it is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from sla_sniper.model.probability import fit_lines, logit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

N_BINS = 10


@dataclass(frozen=True, slots=True)
class Metric:
    """What a reader needs to know about a metric to read its number.

    Attributes
    ----------
    name : str
    better : {"higher", "lower", "one", "zero"}
        Where the best value lies.
    low, high : float
        Domain.
    needs_probability : bool
        Whether a mere ranking has no such number.
    """

    name: str
    better: Literal["higher", "lower", "one", "zero"]
    low: float
    high: float
    needs_probability: bool


METRICS: Final = (
    Metric("auc", "higher", 0.0, 1.0, needs_probability=False),
    Metric("auc_within_landmark", "higher", 0.0, 1.0, needs_probability=False),
    Metric("average_precision", "higher", 0.0, 1.0, needs_probability=False),
    Metric("brier", "lower", 0.0, 1.0, needs_probability=True),
    Metric("brier_skill", "higher", -math.inf, 1.0, needs_probability=True),
    Metric("calibration_intercept", "zero", -math.inf, math.inf, needs_probability=True),
    Metric("calibration_slope", "one", -math.inf, math.inf, needs_probability=True),
    Metric("ece", "lower", 0.0, 1.0, needs_probability=True),
    Metric("ece_width", "lower", 0.0, 1.0, needs_probability=True),
)


def auc(y: ArrayLike, score: ArrayLike) -> float:
    """P(a breaching snapshot ranks above a met one), ties counting one half [1]_.

    Higher is better, in [0, 1]; 0.5 is chance. (Sum of the breaching ones' midranks -
    n1 (n1 + 1) / 2) / (n1 n0).

    References
    ----------
    .. [1] J. A. Hanley, B. J. McNeil (1982), "The meaning and use of the area under a ROC
       curve", Radiology 143(1), 29-36. doi:10.1148/radiology.143.1.7063747

    Examples
    --------
    >>> auc([False, False, True, True], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return auc_within(y, score, np.zeros(len(np.asarray(y)), dtype=np.int64))


def auc_within(y: ArrayLike, score: ArrayLike, landmark: ArrayLike) -> float:
    """AUC among tickets that compete at one landmark: all such pairs, and no others.

    Higher is better, in [0, 1]. A stratified AUC, each landmark weighted by its pairs of a
    breaching and a met snapshot [1]_. Pooled AUC also rewards telling busy days from quiet
    ones, which never decides between two tickets.

    Parameters
    ----------
    landmark : array of shape (n_snapshots,)
        Anything that is equal within a landmark and can be sorted.

    References
    ----------
    .. [1] H. Janes, M. S. Pepe (2009), "Adjusting for covariate effects on classification
       accuracy using the covariate-adjusted receiver operating characteristic curve",
       Biometrika 96(2), 371-382. doi:10.1093/biomet/asp002

    Examples
    --------
    >>> auc_within([False, True, False, True], [0.1, 0.2, 0.8, 0.9], [1, 1, 2, 2])
    1.0
    >>> auc([False, True, False, True], [0.1, 0.2, 0.8, 0.9])
    0.75
    """
    wins, pairs = concordance(y, score, landmark)
    return float(wins.sum() / pairs.sum()) if pairs.sum() > 0 else math.nan


def concordance(
    y: ArrayLike, score: ArrayLike, group: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count won and all pairs of a breaching and a met snapshot within each group.

    Returns
    -------
    wins, pairs : ndarray of shape (n_groups,)
        In the order of the sorted groups; a tie is half a win.
    """
    breached, values = np.asarray(y, dtype=bool), np.asarray(score, dtype=np.float64)
    _, groups = np.unique(np.asarray(group), return_inverse=True)
    order = np.lexsort((values, groups))
    groups, values, breached = groups[order], values[order], breached[order]
    n_groups = int(groups[-1]) + 1 if len(groups) else 0
    sizes = np.bincount(groups, minlength=n_groups)
    ranks = _midranks(values, groups) - (np.cumsum(sizes) - sizes)[groups]
    positives = sum_by(groups, breached, n_groups)
    rank_sums = sum_by(groups, ranks * breached, n_groups)
    wins = rank_sums - positives * (positives + 1) / 2
    return wins, positives * (sizes - positives)


def sum_by(index: NDArray[Any], values: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Sum `values` for each index from 0 to n - 1.

    Examples
    --------
    >>> sum_by(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 3)
    array([1., 0., 5.])
    """
    return np.asarray(np.bincount(index, weights=values, minlength=n), dtype=np.float64)


def _midranks(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ranks from 1 of rows sorted by group, then value; equal ones share their mean rank."""
    starts = np.ones(len(values), dtype=bool)
    starts[1:] = (values[1:] != values[:-1]) | (groups[1:] != groups[:-1])
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(values))
    shared = (first + 1 + last) / 2
    return np.asarray(shared[np.cumsum(starts) - 1], dtype=np.float64)


def average_precision(y: ArrayLike, score: ArrayLike) -> float:
    """Mean precision over the breaching snapshots, from the top of the ranking down [1]_.

    Higher is better, in (0, 1]; chance is the share of breaches. Sum over thresholds of
    (recall gained) x precision; ties share a threshold, nothing is interpolated.

    References
    ----------
    .. [1] J. Davis, M. Goadrich (2006), "The relationship between precision-recall and ROC
       curves", ICML, 233-240. doi:10.1145/1143844.1143874

    Examples
    --------
    >>> round(average_precision([True, False, True], [0.9, 0.8, 0.7]), 3)
    0.833
    """
    breached = np.asarray(y, dtype=bool)
    values, index = np.unique(-np.asarray(score, dtype=np.float64), return_inverse=True)
    hits = sum_by(index, breached, len(values))
    shown = sum_by(index, np.ones(len(breached)), len(values))
    return float(step_precision(hits[None, :], shown[None, :])[0])


def step_precision(hits: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average precision from counts at each threshold, best first, for many samples at once.

    Parameters
    ----------
    hits, shown : ndarray of shape (n_samples, n_thresholds)
        Breaching snapshots, and all, that each threshold adds.

    Returns
    -------
    precision : ndarray of shape (n_samples,)
        NaN for a sample without a breach.
    """
    found, seen = np.cumsum(hits, axis=1), np.cumsum(shown, axis=1)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    total = found[:, -1]
    gained = (hits * precision).sum(axis=1)
    return safe_ratio(gained, total)


def safe_ratio(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Divide element by element; NaN where the denominator is not positive.

    Examples
    --------
    >>> safe_ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Mean squared distance of p_breach from what happened [1]_; lower is better, in [0, 1].

    References
    ----------
    .. [1] G. W. Brier (1950), "Verification of forecasts expressed in terms of probability",
       Monthly Weather Review 78(1), 1-3.
       doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> brier([True, False], [0.5, 0.5])
    0.25
    """
    outcome, forecast = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    return float(np.mean((forecast - outcome) ** 2)) if len(outcome) else math.nan


def brier_skill(y: ArrayLike, p: ArrayLike) -> float:
    """1 - Brier / Brier of always saying the share of breaches [1]_.

    Higher is better, at most 1; 0 is no better than that constant, which is given the
    advantage of knowing the share of the very days it is tested on.

    References
    ----------
    .. [1] A. H. Murphy (1988), "Skill scores based on the mean square error and their
       relationships to the correlation coefficient", Monthly Weather Review 116, 2417-2424.
       doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2

    Examples
    --------
    >>> brier_skill([True, False], [1.0, 0.0]), brier_skill([True, False], [0.5, 0.5])
    (1.0, 0.0)
    """
    share = np.mean(np.asarray(y, dtype=np.float64)) if len(np.asarray(y)) else math.nan
    constant = float(share * (1 - share))
    return 1 - brier(y, p) / constant if constant > 0 else math.nan


def calibration_line(y: ArrayLike, p: ArrayLike) -> tuple[float, float]:
    """Intercept and slope of the outcome on the log-odds of p_breach [1]_.

    Best are 0 and 1; both are unbounded. A slope below 1: too extreme; with slope 1, an
    intercept below 0: too high. Maximum likelihood of logit P(y) = intercept + slope logit p.

    References
    ----------
    .. [1] D. R. Cox (1958), "Two further applications of a model for binary regression",
       Biometrika 45(3-4), 562-565. doi:10.1093/biomet/45.3-4.562

    Examples
    --------
    >>> y = [True, False, False, False, True, True, True, False]
    >>> intercept, slope = calibration_line(y, [0.25] * 4 + [0.75] * 4)
    >>> round(abs(intercept), 6), round(slope, 6)
    (0.0, 1.0)
    """
    outcome = np.asarray(y, dtype=np.float64)[None, :]
    line = fit_lines(logit(np.asarray(p, dtype=np.float64)), outcome, np.ones_like(outcome))
    return float(line[0, 0]), float(line[0, 1])


def ece(y: ArrayLike, p: ArrayLike, *, n_bins: int = N_BINS) -> float:
    """Mean the distance of forecast and frequency over bins: expected calibration error [1]_.

    Lower is better, in [0, 1]. Bins of equal mass, equal probabilities never parted. Biased
    upwards in small samples: compare it only between forecasts of the same rows.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper, M. Hauskrecht (2015), "Obtaining well calibrated
       probabilities using Bayesian binning", AAAI, 2901-2907. doi:10.1609/aaai.v29i1.9602

    Examples
    --------
    >>> ece([True, False, True, True], [0.5, 0.5, 0.75, 0.75], n_bins=2)
    0.125
    """
    curve = reliability_curve(y, p, n_bins=n_bins)
    gap, n = (curve["p_breach"] - curve["breach_share"]).abs().to_numpy(), curve["n"].to_numpy()
    return float(np.average(gap, weights=n)) if curve.height else math.nan


def ece_width(y: ArrayLike, p: ArrayLike, *, n_bins: int = N_BINS) -> float:
    """`ece` with bins of equal width: [0, 0.1), [0.1, 0.2) and so on [1]_.

    Lower is better, in [0, 1]. The usual form, to be compared with what others print; a bin
    that few forecasts fall into weighs little.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017), "On calibration of modern neural
       networks", ICML, 1321-1330. arXiv:1706.04599

    Examples
    --------
    >>> ece_width([True, False, True, True], [0.5, 0.5, 0.75, 0.75])
    0.125
    """
    outcome, forecast = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    gaps = sum_by(width_bins(forecast, n_bins), forecast - outcome, n_bins)
    return float(np.abs(gaps).sum() / len(outcome)) if len(outcome) else math.nan


def width_bins(p: NDArray[np.float64], n_bins: int) -> NDArray[np.int64]:
    """Bin of equal width that each probability falls into; 1 falls into the last.

    Examples
    --------
    >>> width_bins(np.array([0.0, 0.1, 0.99, 1.0]), 10)
    array([0, 1, 9, 9])
    """
    return np.minimum((p * n_bins).astype(np.int64), n_bins - 1)


def reliability_curve(y: ArrayLike, p: ArrayLike, *, n_bins: int = N_BINS) -> pl.DataFrame:
    """Tabulate what was forecast and what happened, in bins of equal mass.

    Returns
    -------
    curve : DataFrame
        `p_breach` (mean forecast), `breach_share` (what happened) and `n` of each bin that
        holds a snapshot, from the lowest forecast up.

    Examples
    --------
    >>> reliability_curve([False, True], [0.2, 0.7], n_bins=2).rows()
    [(0.2, 0.0, 1), (0.7, 1.0, 1)]
    """
    outcome, forecast = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    frame = pl.DataFrame({"bin": mass_bins(forecast, n_bins), "p": forecast, "y": outcome})
    return (
        frame.group_by("bin")
        .agg(p_breach=pl.col("p").mean(), breach_share=pl.col("y").mean(), n=pl.len())
        .sort("bin")
        .drop("bin")
    )


def mass_bins(values: NDArray[np.float64], n_bins: int) -> NDArray[np.int64]:
    """Sort values into bins of equal mass, 0 the lowest; equal values share a bin.

    Examples
    --------
    >>> mass_bins(np.array([0.1, 0.2, 0.3, 0.3]), 2)
    array([0, 0, 1, 1])
    """
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    bins = (below + (counts - 1) / 2) * n_bins // max(len(values), 1)
    return bins.astype(np.int64)[index]
