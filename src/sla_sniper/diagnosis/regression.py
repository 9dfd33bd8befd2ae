"""Missing explained by several dimensions at once: a logistic regression on their levels.

All that a regression on levels asks of the data are tables of two dimensions, so that a million
tickets cost a few counts a step and no design matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.diagnosis.strata import NEARLY_NOTHING, chi_square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.coding import Coded
    from sla_sniper.diagnosis.strata import ChiSquare

    Floats = NDArray[np.float64]

_MOST_STEPS: Final = 60
_ENOUGH: Final = 1e-12
"""Change of the deviance, as a share of it, that ends the fit."""
_FARTHEST: Final = 30.0
"""Log odds beyond which a chance is 0 or 1: levels that are missed always, or never."""
_NEAR: Final = 5.0
"""How far out an effect may be as a fit begins: farther out the likelihood has no slope."""
_KEEPS: Final = 0.1
"""Part of the gain before that a step may bring and still be followed by one as curved."""


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """A fitted regression.

    Attributes
    ----------
    effects : tuple of ndarray
        For each dimension the log odds ratio of each level against the first, shape (n_levels,).
    intercept : float
        Log odds of a ticket with the first level of each dimension.
    deviance : float
        Twice the log likelihood that is lacking; never negative.
    counts : ndarray of shape (n_parameters, n_parameters)
        Rows that each pair of parameters shares.
    logit : ndarray of shape (n_rows,)
        Fitted log odds of each row.
    """

    effects: tuple[Floats, ...]
    intercept: float
    deviance: float
    counts: Floats
    logit: Floats

    @property
    def rank(self) -> int:
        """Parameters that the data tell apart, the intercept included."""
        return _rank(_scaled(self.counts)[0])


def regress(
    coded: Sequence[Coded],
    missed: Floats,
    *,
    near: Floats | None = None,
    counts: Floats | None = None,
) -> Regression:
    """Fit the log odds of missing as a sum over dimensions, by maximum likelihood [1]_.

    Parameters
    ----------
    coded : sequence of Coded
        Dimensions over the same n_rows decided clocks.
    missed : ndarray of shape (n_rows,)
        1 for a missed target, 0 for a met one.
    near : ndarray of shape (n_parameters,), optional
        Intercept and effects to begin with: fewer steps, the same end.
    counts : ndarray of shape (n_parameters, n_parameters), optional
        Rows of each pair of parameters, where they have been counted before.

    Returns
    -------
    Regression
        Dimensions that tell the same twice share an effect; a level that is missed always, or
        never, has an effect as far out as `_FARTHEST` allows, and the deviance is right.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder (1989), "Generalized Linear Models", 2nd ed., chapter 4.
       doi:10.1201/9780203753736

    Examples
    --------
    >>> import polars as pl
    >>> from sla_sniper.diagnosis.coding import encode
    >>> group = encode(pl.DataFrame({"group": ["a"] * 40 + ["b"] * 40}), "group")
    >>> found = regress([group], np.repeat([0.0, 1.0, 0.0, 1.0], [30, 10, 20, 20]))
    >>> found.effects[0].round(6), round(np.log(3), 6)
    (array([0.      , 1.098612]), np.float64(1.098612))
    """
    spans = places(coded)
    if counts is None:
        counts = information(coded, np.ones(len(missed)))
    if near is None:
        rate = np.clip(missed.mean() if len(missed) else 0.5, 1e-12, 1 - 1e-12)
        near = np.r_[np.log(rate / (1 - rate)), np.zeros(len(counts) - 1)]
    beta, curve = near, None
    logit = _logit(coded, beta, n_rows=len(missed))
    deviance, gained = _deviance(logit, missed), np.inf
    for _ in range(_MOST_STEPS):
        p = _chance(logit)
        # Curvature costs a table for each pair of dimensions, the slope one for each dimension.
        is_own = curve is None
        curve = information(coded, p * (1 - p)) if curve is None else curve
        beta, logit, reached = _stepped(
            coded, beta, _step(curve, _scores(coded, missed - p)), missed, deviance
        )
        before, gained, deviance = gained, deviance - reached, reached
        is_done = gained <= _ENOUGH * max(deviance, 1.0)
        if is_done and is_own:
            break
        if is_done or gained > _KEEPS * before:
            curve = None
    effects = tuple(np.r_[0.0, beta[span]] for span in spans)
    return Regression(effects, float(beta[0]), deviance, counts, logit)


def without(coded: Sequence[Coded], missed: Floats, full: Regression, place: int) -> ChiSquare:
    """Test what one dimension adds to all the others: the likelihood-ratio test.

    Parameters
    ----------
    full : Regression
        On all of `coded`.
    place : int
        Of the dimension in `coded`.
    """
    left = np.delete(np.arange(len(full.counts)), places(coded)[place])
    near = np.r_[full.intercept, *(each[1:] for each in full.effects)]
    near[0] += full.effects[place] @ coded[place].counts() / max(len(missed), 1)
    rest = regress(
        [each for n, each in enumerate(coded) if n != place],
        missed,
        near=np.clip(near[left], -_NEAR, _NEAR),
        counts=full.counts[np.ix_(left, left)],
    )
    added = max(0.0, rest.deviance - full.deviance)
    return chi_square(added, full.rank - rest.rank, len(missed))


def information(coded: Sequence[Coded], weights: Floats) -> Floats:
    """Fisher information of intercept and effects: weighted tables of each pair of dimensions.

    Parameters
    ----------
    coded : sequence of Coded
        Dimensions over the same n_rows rows.
    weights : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_parameters, n_parameters)
        The intercept first, then the levels of each dimension but its first.
    """
    spans = places(coded)
    size = spans[-1].stop if spans else 1
    found = np.empty((size, size))
    found[0, 0] = weights.sum()
    for place, (each, rows) in enumerate(zip(coded, spans, strict=True)):
        alone = each.counts(weights)[1:]
        found[0, rows] = found[rows, 0] = alone
        found[rows, rows] = np.diag(alone)
        for other, columns in zip(coded[:place], spans[:place], strict=True):
            crossed = np.bincount(each.crossed(other), weights, minlength=len(each) * len(other))
            table = crossed.reshape(len(each), len(other))[1:, 1:]
            found[rows, columns], found[columns, rows] = table, table.T
    return found


def places(coded: Sequence[Coded]) -> list[slice]:
    """Columns of each dimension among the parameters, after the intercept."""
    starts = np.cumsum([1, *(len(each) - 1 for each in coded)]).tolist()
    return [slice(first, last) for first, last in pairwise(starts)]


def null_directions(coded: Sequence[Coded], *, n_rows: int) -> tuple[Floats, Floats]:
    """Changes of the parameters that no row notices: what the data cannot tell apart.

    Returns
    -------
    directions : ndarray of shape (n_parameters, n_directions)
        In the units of the parameters, of length one once multiplied by `scale`.
    scale : ndarray of shape (n_parameters,)
        Root of the number of rows of each.
    """
    scaled, scale = _scaled(information(coded, np.ones(n_rows)))
    if _rank(scaled) == len(scale):
        return np.empty((len(scale), 0)), scale
    size, direction = np.linalg.eigh(scaled)
    missing = direction[:, size <= NEARLY_NOTHING * len(scale)]
    return missing / scale[:, None], scale


def _scaled(counts: Floats) -> tuple[Floats, Floats]:
    """How parameters go together over the rows, each of length one, and their lengths."""
    scale = np.sqrt(np.maximum(np.diag(counts), 1.0))
    return counts / np.outer(scale, scale), scale


def _rank(scaled: Floats) -> int:
    return int(np.linalg.matrix_rank(scaled, tol=NEARLY_NOTHING * len(scaled), hermitian=True))


def _step(information: Floats, score: Floats) -> Floats:
    """Newton step, `_FARTHEST` at most; damping picks one where dimensions tell the same."""
    damping = np.diag(1e-9 * np.diag(information) + 1e-12)
    step = np.linalg.solve(information + damping, score)
    return np.asarray(step * min(1.0, _FARTHEST / np.abs(step).max(initial=_FARTHEST)))


def _stepped(
    coded: Sequence[Coded], beta: Floats, step: Floats, missed: Floats, deviance: float
) -> tuple[Floats, Floats, float]:
    """Take the Newton step, or half of it, and again, until it does not make things worse."""
    for _ in range(_MOST_STEPS):
        tried = beta + step
        logit = _logit(coded, tried, n_rows=len(missed))
        reached = _deviance(logit, missed)
        if reached <= deviance:
            return tried, logit, reached
        step = step / 2
    return beta, _logit(coded, beta, n_rows=len(missed)), deviance


def _logit(coded: Sequence[Coded], beta: Floats, *, n_rows: int) -> Floats:
    total = np.full(n_rows, beta[0])
    for each, span in zip(coded, places(coded), strict=True):
        total += np.r_[0.0, beta[span]][each.code]
    return np.asarray(np.clip(total, -_FARTHEST, _FARTHEST))


def _chance(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))


def _deviance(logit: Floats, missed: Floats) -> float:
    return float(2 * (np.logaddexp(0, logit) - missed * logit).sum())


def _scores(coded: Sequence[Coded], residual: Floats) -> Floats:
    return np.asarray(np.r_[residual.sum(), *(each.counts(residual)[1:] for each in coded)])
