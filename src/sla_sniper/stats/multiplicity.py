"""Many tests at once: of twenty true nulls one is below 5 % by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p values so that those below a level hold at most that share of false finds [1]_.

    Parameters
    ----------
    p : ndarray of shape (n_tests,)
        In [0, 1]; NaN for a test that could not be made, which stays NaN and does not count.

    Returns
    -------
    adjusted : ndarray of shape (n_tests,)
        Never below `p`, at most 1, in the same order as `p`.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg (1995), "Controlling the false discovery rate", JRSS B
       57(1), 289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3)
    array([0.03, 0.04, 0.04])
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])[::-1]]
    ranks = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum.accumulate(np.minimum(1.0, p[order] * len(order) / ranks))
    return adjusted
