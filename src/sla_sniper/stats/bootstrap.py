"""The bootstrap over days: whole days are drawn, since tickets of one day resemble each other.

A resample is a row of weights: how often each day was drawn. Any statistic made of sums over
days is then one matrix product, ``weights @ per_day``, and two statistics that are given the
same weights are paired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.stats.intervals import Interval, percentile_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def day_weights(n_days: int, *, n_resamples: int = 1000, seed: int = 0) -> NDArray[np.float64]:
    """Draw how often each day occurs in each resample of `n_days` days with replacement [1]_.

    Returns
    -------
    weights : ndarray of shape (n_resamples, n_days)
        Whole numbers; each row sums to `n_days`. The same seed gives the same weights.

    References
    ----------
    .. [1] C. A. Field, A. H. Welsh (2007), "Bootstrapping clustered data", JRSS B 69(3),
       369-390. doi:10.1111/j.1467-9868.2007.00593.x

    Examples
    --------
    >>> weights = day_weights(20, n_resamples=3, seed=1)
    >>> weights.shape, weights.sum(axis=1)
    ((3, 20), array([20., 20., 20.]))
    """
    if n_days < 1:
        raise ValueError(f"A bootstrap needs a day or more, got {n_days}.")
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(n_days, np.full(n_days, 1 / n_days), size=n_resamples)
    return drawn.astype(np.float64)


def ratio_draws(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Ratio of two sums over days on each resample; NaN where the denominator is zero.

    Parameters
    ----------
    numerator, denominator : ndarray of shape (n_days,)
        Sums of each day; `denominator` zero or more.
    weights : ndarray of shape (n_resamples, n_days)

    Examples
    --------
    >>> weights = np.array([[2.0, 0.0], [1.0, 1.0]])
    >>> ratio_draws(np.array([1.0, 3.0]), np.array([2.0, 2.0]), weights)
    array([0.5, 1. ])
    """
    below = weights @ denominator
    draws = np.full(len(weights), np.nan)
    np.divide(weights @ numerator, below, out=draws, where=below > 0)
    return draws


def ratio_interval(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    level: float = 0.95,
) -> Interval:
    """Ratio of two sums over days with its bootstrap interval.

    Examples
    --------
    >>> caught, breached = np.array([3.0, 4.0, 2.0]), np.array([4.0, 8.0, 4.0])
    >>> share = ratio_interval(caught, breached, day_weights(3, seed=0))
    >>> share.estimate, share.low <= share.estimate <= share.high
    (0.5625, True)
    """
    ones = np.ones((1, len(numerator)))
    estimate = float(ratio_draws(numerator, denominator, ones)[0])
    draws = ratio_draws(numerator, denominator, weights)
    return percentile_interval(estimate, draws, n_units=len(numerator), level=level)
