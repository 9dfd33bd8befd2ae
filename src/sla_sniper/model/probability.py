"""Probabilities and log-odds, and the one Newton iteration that joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR = 1e-6
"""Probabilities are kept this far from 0 and 1 before their log-odds are taken."""

_HALVINGS = 40
_MAX_STEPS = 40
_DIVERGED = 1e4
_SETTLED = 1e-10


def logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of probabilities, which are first kept `FLOOR` away from 0 and 1.

    Examples
    --------
    >>> logit(np.array([0.5, 0.9])).round(3)
    array([0.   , 2.197])
    """
    kept = np.clip(p, FLOOR, 1 - FLOOR)
    return np.log(kept) - np.log1p(-kept)


def expit(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of log-odds, without overflow.

    Examples
    --------
    >>> expit(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small))


def levelled(p: NDArray[np.float64], *, share: float) -> NDArray[np.float64]:
    """Move all log-odds by one number, so that the probabilities are `share` on average.

    Parameters
    ----------
    p : ndarray of shape (n_snapshots,)
        One at least.
    share : float
        In (0, 1).

    Examples
    --------
    >>> levelled(np.array([0.2, 0.8]), share=0.5).round(3)
    array([0.2, 0.8])
    >>> float(levelled(np.array([0.2, 0.8]), share=0.7).mean().round(6))
    0.7
    """
    log_odds = logit(p)
    low, high = logit(np.array([share])) - log_odds.max(), logit(np.array([share])) - log_odds.min()
    for _ in range(_HALVINGS):  # the mean rises with the shift, which lies between the two
        middle = (low + high) / 2
        is_low = expit(log_odds + middle).mean() < share
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return expit(log_odds + (low + high) / 2)


def fit_lines(
    log_odds: NDArray[np.float64], positives: NDArray[np.float64], totals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit logit P(y) = intercept + slope x log_odds, once for each row of counts.

    Parameters
    ----------
    log_odds : ndarray of shape (n_points,)
    positives, totals : ndarray of shape (n_fits, n_points)
        How many outcomes there are at each point, and how many of them are positive. Many
        fits are solved at once by Newton's method, which is how a bootstrap stays fast.

    Returns
    -------
    lines : ndarray of shape (n_fits, 2)
        Intercept and slope; NaN where the outcomes are separable and no maximum exists.

    Examples
    --------
    >>> p = np.array([0.2, 0.5, 0.8])
    >>> fit_lines(logit(p), 10 * p[None, :], np.full((1, 3), 10.0)).round(6) + 0.0
    array([[0., 1.]])
    """
    lines = np.zeros((len(totals), 2))
    for _ in range(_MAX_STEPS):
        step = _newton_step(lines, log_odds, positives, totals)
        lines += step
        if not (np.abs(step) > _SETTLED).any():  # NaN steps have diverged and count as done
            break
    lines[~(np.abs(lines) < _DIVERGED).all(axis=1)] = np.nan
    return lines


def _newton_step(
    lines: NDArray[np.float64],
    log_odds: NDArray[np.float64],
    positives: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> NDArray[np.float64]:
    fitted = expit(lines[:, :1] + lines[:, 1:] * log_odds)
    residual, curvature = positives - totals * fitted, totals * fitted * (1 - fitted)
    score = np.stack([residual.sum(axis=1), residual @ log_odds], axis=1)
    a, b, c = curvature.sum(axis=1), curvature @ log_odds, curvature @ log_odds**2
    determinant = a * c - b * b
    solvable = determinant > 1e-12 * (1 + a * c)
    inverse = np.where(solvable, 1 / np.where(solvable, determinant, 1.0), np.nan)
    return np.stack(
        [
            (c * score[:, 0] - b * score[:, 1]) * inverse,
            (a * score[:, 1] - b * score[:, 0]) * inverse,
        ],
        axis=1,
    )
