"""Cuts in time: what may be learnt from by then, and whether there is enough of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_DAYS = 28
MIN_TICKETS = 200
MIN_TICKETS_EACH_WAY = 30


def training_rows(snapshots: pl.DataFrame, *, cut: datetime) -> NDArray[np.bool_]:
    """Choose the snapshots that a model fitted at `cut` may learn from (label-time embargo).

    A row counts when its landmark lies before the cut, its clock would have run out by the
    cut had it run on (`decidable_at`), and its label was known by then. The second condition
    does not look at the outcome; without it the newest rows would be the tickets that were
    quick to be solved or quick to breach, and the model would learn from a biased sample.

    Parameters
    ----------
    snapshots : DataFrame
        With `landmark`, `decidable_at`, `label_known_at` and `breached`.
    cut : datetime
        Aware; a label known exactly then is known.

    Returns
    -------
    chosen : ndarray of bool of shape (n_snapshots,)
    """
    chosen = snapshots.select(
        (
            (pl.col("landmark") < cut)
            & (pl.col("decidable_at") <= cut)
            & (pl.col("label_known_at") <= cut)
            & pl.col("breached").is_not_null()
        ).fill_null(value=False)
    )
    return chosen.to_series().to_numpy()


def older_and_newer(
    X: pl.DataFrame, *, share: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Split training rows in time: the newest `share` of the days, and what was known before.

    Returns
    -------
    older, newer : ndarray of bool of shape (n_snapshots,)
        Rows before the newest days whose labels were not known when those days began are in
        neither. Both are empty where there is one day alone.
    """
    cut = newest_days_cut(X["landmark"], share=share)
    if cut is None:
        nothing = np.zeros(X.height, dtype=bool)
        return nothing, nothing
    return training_rows(X, cut=cut), (X["landmark"] >= cut).to_numpy()


def newest_days_cut(landmarks: pl.Series, *, share: float) -> datetime | None:
    """Return the midnight (UTC) that leaves the newest `share` of the days after it.

    None where there are fewer than two days: then nothing can be split.

    Examples
    --------
    >>> from datetime import UTC
    >>> days = pl.Series([datetime(2016, 4, day, 9, tzinfo=UTC) for day in range(1, 11)])
    >>> newest_days_cut(days, share=0.2).isoformat()
    '2016-04-09T00:00:00+00:00'
    """
    days = landmarks.dt.truncate("1d").unique().sort()
    if len(days) < 2:  # noqa: PLR2004 - an older and a newer one
        return None
    n_newer = min(max(1, round(len(days) * share)), len(days) - 1)
    cut: datetime = days[-n_newer]
    return cut


def require_history(openings: pl.Series, *, minimum: timedelta = timedelta(days=MIN_DAYS)) -> None:
    """Refuse a log whose tickets were opened within too short a time.

    Parameters
    ----------
    openings : Series of Datetime
        When each ticket was opened; nulls are ignored.
    minimum : timedelta
        Least time from the first to the last opening.

    Raises
    ------
    NotEnoughHistoryError
        In words, with both numbers. There is no random split to fall back on.
    """
    span = _span(openings)
    if span < minimum:
        days = span // timedelta(days=1)
        raise NotEnoughHistoryError(
            f"{count(days, 'day')} of openings: an honest temporal evaluation "
            f"needs at least {minimum // timedelta(days=1)} days; ingest a longer export."
        )


def _span(instants: pl.Series) -> timedelta:
    first, last = instants.min(), instants.max()
    if isinstance(first, datetime) and isinstance(last, datetime):
        return last - first
    return timedelta()


def require_labels(training: pl.DataFrame) -> None:
    """Refuse training rows with too few tickets, or too few of one outcome.

    Parameters
    ----------
    training : DataFrame
        Labelled snapshots, as `training_rows` chose them.

    Raises
    ------
    NotEnoughHistoryError
        With what there is and what it takes. A ticket with two clocks may count both ways.
    """
    tickets = training.select(*TICKET_KEY, "breached").unique()
    n_breached = tickets.filter(pl.col("breached")).height
    n_met = tickets.filter(~pl.col("breached")).height
    n_tickets = tickets.select(TICKET_KEY).unique().height
    enough = min(n_breached, n_met) >= MIN_TICKETS_EACH_WAY
    if n_tickets < MIN_TICKETS or not enough:
        raise NotEnoughHistoryError(
            f"{count(n_tickets, 'ticket')} with a known outcome, {n_breached} breached and "
            f"{n_met} met: a forecast needs at least {MIN_TICKETS}, with "
            f"{MIN_TICKETS_EACH_WAY} of each outcome; ingest a longer export, or train at a "
            "later time."
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """One fold of a rolling origin: train on what was known at `cut`, test after it.

    Attributes
    ----------
    cut : datetime
        When the model is fitted; the first test landmark is at or after it.
    until : datetime
        End of the test days, excluded.
    """

    cut: datetime
    until: datetime

    def test_rows(self, snapshots: pl.DataFrame) -> NDArray[np.bool_]:
        """Choose the snapshots of the test days, censored ones included."""
        tested = snapshots["landmark"].is_between(self.cut, self.until, closed="left")
        return tested.to_numpy()


def rolling_origins(landmarks: pl.Series, *, n_origins: int, test_days: int) -> tuple[Origin, ...]:
    """Cut the newest days into `n_origins` tests of `test_days` landmark days, oldest first.

    Days are UTC dates that have a landmark. Where the log is too short for all, the newest
    origins that leave a training day before them are returned, maybe none.

    Examples
    --------
    >>> from datetime import UTC
    >>> days = pl.Series([datetime(2016, 4, day, 9, tzinfo=UTC) for day in range(1, 11)])
    >>> [origin.cut.day for origin in rolling_origins(days, n_origins=2, test_days=3)]
    [5, 8]
    """
    days = landmarks.dt.truncate("1d").unique().sort().to_list()
    ends = [*days, days[-1] + timedelta(days=1)] if days else []
    starts = range(len(days) - n_origins * test_days, len(days), test_days)
    return tuple(Origin(ends[at], ends[at + test_days]) for at in starts if at > 0)
