"""Running totals of a ticket's history, one row for each of its events."""

from __future__ import annotations

from typing import Final

import polars as pl

from sla_sniper.core.schema import STOPPED_STATUSES
from sla_sniper.snapshots.knowledge import VERSION_KEY

_TICKET: Final = "_ticket"

PREFIX_FEATURES: Final = (
    "n_group_changes",
    "n_assignee_changes",
    "n_ping_pong",
    "n_reopenings",
    "n_priority_changes",
    "n_pauses",
    "n_events",
    "is_unassigned",
)
LATEST: Final = ("_status_at", "_group_at", "_reply_at", "_requester_at")


def histories(events: pl.DataFrame) -> pl.DataFrame:
    """Add to each canonical event what its ticket's history up to it amounts to.

    Parameters
    ----------
    events : DataFrame of n_events rows
        Of whole tickets and their versions, as `known_histories` returns them.

    Returns
    -------
    DataFrame of n_events rows
        With `PREFIX_FEATURES` (Int64 counts), the instants of `LATEST` and `_ticket`, the
        number of the version of the ticket in this frame.
    """
    numbered = events.with_columns(pl.struct(VERSION_KEY).rle_id().alias(_TICKET))
    return (
        numbered.with_columns(
            _changed(name) for name in ("status", "group", "assignee", "priority")
        )
        .with_columns(
            _count(pl.col("_new_group")).alias("n_group_changes"),
            _count(pl.col("_new_assignee")).alias("n_assignee_changes"),
            _count(pl.col("_new_group") & _was_here_before()).alias("n_ping_pong"),
            _count(pl.col("_new_status") & _was_stopped() & ~is_stopped()).alias("n_reopenings"),
            _count(pl.col("_new_priority")).alias("n_priority_changes"),
            _count(pl.col("_new_status") & _is_waiting()).alias("n_pauses"),
            _count(pl.col("activity") != "created").alias("n_events"),
            pl.col("assignee").is_null().cast(pl.Int64).alias("is_unassigned"),
            _latest(pl.col("_new_status")).alias("_status_at"),
            _latest(pl.col("_new_group")).alias("_group_at"),
            _latest(_names("public_reply")).alias("_reply_at"),
            _latest(_names("requester_message")).alias("_requester_at"),
        )
        .drop("_new_status", "_new_group", "_new_assignee", "_new_priority")
    )


def is_stopped() -> pl.Expr:
    """Whether a row's status stops the clock: resolved, closed or cancelled."""
    return pl.col("status").is_in([*STOPPED_STATUSES, "cancelled"]).fill_null(value=False)


def _changed(name: str) -> pl.Expr:
    before = pl.col(name).shift(1).over(_TICKET)
    changed = pl.col(name).is_not_null() & before.is_not_null() & (pl.col(name) != before)
    return changed.alias(f"_new_{name}")


def _count(flag: pl.Expr) -> pl.Expr:
    return flag.fill_null(value=False).cast(pl.Int64).cum_sum().over(_TICKET)


def _latest(flag: pl.Expr) -> pl.Expr:
    """Instant of the latest flagged row; null before the first."""
    return pl.when(flag).then(pl.col("occurred_at")).forward_fill().over(_TICKET)


def _names(activity: str) -> pl.Expr:
    return pl.col("activity").str.contains(activity, literal=True).fill_null(value=False)


def _was_here_before() -> pl.Expr:
    return pl.int_range(pl.len()).over(_TICKET, "group") > 0


def _was_stopped() -> pl.Expr:
    return is_stopped().shift(1).over(_TICKET).fill_null(value=False)


def _is_waiting() -> pl.Expr:
    waiting = ["waiting_requester", "waiting_vendor", "on_hold"]
    return pl.col("status").is_in(waiting).fill_null(value=False)
