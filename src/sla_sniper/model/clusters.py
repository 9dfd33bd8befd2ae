"""Intervals over tickets: a ticket is in many snapshots, so that whole tickets are drawn.

Days resemble themselves in the desk's state, tickets in their own; neither bootstrap covers the
other. Where the two intervals differ, the wider one is to be believed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sla_sniper.model.metrics import sum_by
from sla_sniper.stats import percentile_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

N_RESAMPLES = 200


def ticket_intervals(
    breached: NDArray[np.bool_],
    ticket: NDArray[Any],
    scores: Mapping[str, Floats],
    *,
    probabilities: Collection[str],
    reference: str,
    seed: int = 0,
) -> pl.DataFrame:
    """Give AUC, Brier score and Brier skill intervals that resample whole tickets [1]_.

    Parameters
    ----------
    breached, ticket : ndarray of shape (n_snapshots,)
        Outcome, and anything sortable that names the ticket.
    scores : mapping of str to ndarray of shape (n_snapshots,)
        Higher means more likely to breach; finite.
    probabilities : collection of str
        Names of the scores that are probabilities.
    reference : str
        The score that the others are compared with, on the same resamples.
    seed : int

    Returns
    -------
    table : DataFrame
        `score`, `metric`, `ticket_low`, `ticket_high` (95 %), and for the paired difference to
        the reference `ticket_difference_low`, `ticket_difference_high`, NaN where it has none.

    References
    ----------
    .. [1] C. A. Field, A. H. Welsh (2007), "Bootstrapping clustered data", JRSS B 69(3),
       369-390. doi:10.1111/j.1467-9868.2007.00593.x

    Examples
    --------
    >>> y, ticket = np.tile([True, False], 30), np.repeat(np.arange(30), 2)
    >>> table = ticket_intervals(y, ticket, {"edf": y * 0.0, "model": y * 0.5 + 0.25},
    ...                          probabilities={"model"}, reference="edf")
    >>> table.filter(score="model", metric="auc").select("ticket_low", "ticket_high").row(0)
    (1.0, 1.0)
    """
    _, index = np.unique(ticket, return_inverse=True)
    n_tickets = int(index.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(
        n_tickets, np.full(n_tickets, 1 / n_tickets), size=N_RESAMPLES
    )
    draws = {
        (name, metric): np.array([measure(row[index].astype(np.float64)) for row in drawn])
        for name, values in scores.items()
        for metric, measure in _measures(breached, values, has_p=name in probabilities).items()
    }
    rows = []
    for (name, metric), found in draws.items():
        own = percentile_interval(0.0, found, n_units=n_tickets)
        against = found - draws.get((reference, metric), np.full(N_RESAMPLES, np.nan))
        paired = percentile_interval(0.0, against, n_units=n_tickets)
        rows.append((name, metric, own.low, own.high, paired.low, paired.high))
    columns = ("ticket_low", "ticket_high", "ticket_difference_low", "ticket_difference_high")
    schema = {"score": pl.String, "metric": pl.String, **dict.fromkeys(columns, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _measures(breached: NDArray[np.bool_], values: Floats, *, has_p: bool) -> dict[str, Any]:
    """Each metric as a function of the weights of the rows."""
    levels, rank = np.unique(values, return_inverse=True)
    outcome = breached.astype(np.float64)

    def auc(weights: Floats) -> float:
        """Weighted share of the pairs that are ordered right, ties counting one half."""
        above = sum_by(rank, weights * outcome, len(levels))
        below = sum_by(rank, weights * (1 - outcome), len(levels))
        pairs = above.sum() * below.sum()
        won = float(above @ (np.cumsum(below) - below / 2))
        return won / float(pairs) if pairs > 0 else np.nan

    squares = (values - outcome) ** 2

    def brier(weights: Floats) -> float:
        return float(weights @ squares / weights.sum())

    def brier_skill(weights: Floats) -> float:
        share = float(weights @ outcome / weights.sum())
        constant = share * (1 - share)
        return 1 - brier(weights) / constant if constant > 0 else np.nan

    return {"auc": auc, **({"brier": brier, "brier_skill": brier_skill} if has_p else {})}
