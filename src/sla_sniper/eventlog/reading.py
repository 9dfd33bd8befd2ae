"""The event log as it was known at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.core.schema import INSTANT
from sla_sniper.eventlog.deriving import derive

if TYPE_CHECKING:
    from datetime import datetime

    from sla_sniper.eventlog.store import EventStore


def read_events(store: EventStore, *, as_of: datetime | None = None) -> pl.DataFrame:
    """Read the event log with what was recorded by `as_of`, inclusive; all of it for None.

    Returns
    -------
    events : DataFrame of shape (n_events, n_columns)
        In the columns of `core.schema.EVENTS`, sorted by source, ticket, `occurred_at` and
        `sequence`, with one `created` a ticket and an activity in every row. The vendor's
        instants that lie after `as_of` are null, and so is a verdict whose deadline does.
    """
    stored = store.scan()
    if as_of is None:
        return derive(stored.collect())
    now = pl.lit(as_of, INSTANT)
    return derive(stored.filter(pl.col("recorded_at") <= now).collect()).with_columns(
        *(
            pl.when(pl.col(name) <= now).then(pl.col(name))
            for name in ("vendor_resolved_at", "vendor_closed_at")
        ),
        _verdict(now),
    )


def log_end(store: EventStore) -> datetime | None:
    """Return the last instant at which anything was recorded; None for an empty log."""
    end: datetime | None = store.scan().select(pl.col("recorded_at").max()).collect().item()
    return end


def count(store: EventStore) -> int:
    """Return the number of stored rows."""
    n_rows: int = store.scan().select(pl.len()).collect().item()
    return n_rows


def _verdict(now: pl.Expr) -> pl.Expr:
    """Hide a verdict on an open ticket that the file tells before its deadline has passed."""
    is_open = ~pl.col("status").is_in(("resolved", "closed", "cancelled")).fill_null(value=False)
    is_early = (is_open & (pl.col("vendor_due_at") > now)).fill_null(value=False)
    return pl.when(~is_early).then(pl.col("vendor_breached"))
