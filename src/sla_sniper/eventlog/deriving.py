"""What is not stored but follows from the stored rows: creation, activities, order.

Deriving on reading keeps late rows from leaving it wrong. Nothing here depends on the order in
which rows were stored.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from sla_sniper.core.schema import ACTIVITIES, EVENTS, STOPPED_STATUSES, TICKET_KEY, VALUE_COLUMNS

_PEOPLE: Final = ("assignee", "requester")
_ORDER: Final = (
    *TICKET_KEY,
    "occurred_at",
    "sequence",
    "recorded_at",
    "activity",
    *(name for name in VALUE_COLUMNS if name not in _PEOPLE),
    "event_id",
)
"""`event_id` comes last: only rows that differ in nothing but people and attributes reach it."""

_OVER: Final = list(TICKET_KEY)
_LASTING: Final = ("status", "priority")
"""A ticket always has these: a row without one, as sparse exports write it, changes nothing."""
_RANK: Final = "_rank"
_WATCHED: Final = ("priority", "group", "assignee")
_ENDED: Final = (*STOPPED_STATUSES, "cancelled")


def derive(stored: pl.DataFrame) -> pl.DataFrame:
    """Complete stored rows: one `created` a ticket, an activity each, in order.

    Parameters
    ----------
    stored : DataFrame of shape (n_rows, n_columns)
        Rows in the columns of `core.schema.EVENTS`, in any order, whole tickets.

    Returns
    -------
    events : DataFrame of shape (n_rows + n_tickets_without_created, n_columns)
        Sorted by source, ticket, `occurred_at` and `sequence`. A derived `created` has
        sequence -1.
    """
    ordered = stored.sort(_ORDER, nulls_last=True).with_columns(
        pl.col(name).forward_fill().over(_OVER) for name in _LASTING
    )
    complete = pl.concat([ordered, _created(ordered)]).sort(_ORDER, nulls_last=True)
    return _with_activities(_settled(complete)).select(list(EVENTS))


def _created(ordered: pl.DataFrame) -> pl.DataFrame:
    """Derive the creation of tickets whose rows do not tell it.

    It happened at `created_at` of the row recorded first, and has the values of the ticket's
    first row, or of the last one before it. Rows that were recorded after both do not count:
    they would change what was known then.
    """
    rows = ordered.with_row_index(_RANK).lazy()
    untold = rows.filter(~_is_created().any().over(_OVER)).select(
        _RANK, *_OVER, "event_id", "occurred_at", "recorded_at", "created_at"
    )
    teller = (
        untold.sort("recorded_at", _RANK)
        .unique(_OVER, keep="first")
        .select(
            *_OVER,
            created=pl.coalesce("created_at", "occurred_at"),
            told_at="recorded_at",
            told_by="event_id",
        )
    )
    known = untold.join(teller, on=_OVER).filter(
        pl.col("recorded_at") <= pl.max_horizontal("created", "told_at")
    )
    is_before = pl.col("occurred_at") < pl.col("created")
    chosen = known.group_by(*_OVER, "created", "told_at", "told_by").agg(
        is_before.any().alias("has_before"),
        pl.coalesce(pl.col(_RANK).filter(is_before).max(), pl.col(_RANK).min()),
    )
    values = rows.drop(*_OVER)
    return chosen.join(values, on=_RANK).select(_created_columns()).collect()


def _created_columns() -> list[pl.Expr]:
    status = pl.when("has_before").then(pl.col("status")).otherwise(pl.lit("new"))
    made = {
        "event_id": pl.col("told_by") + "-created",
        "occurred_at": pl.col("created"),
        "recorded_at": pl.col("told_at"),
        "sequence": pl.lit(-1, pl.Int64),
        "activity": pl.lit("created"),
        "actor_role": pl.lit(None, pl.String),
        "status": status,
        "created_at": pl.col("created"),
    }
    made |= {name: pl.lit(None, EVENTS[name]) for name in EVENTS if name.startswith("vendor_")}
    return [made.get(name, pl.col(name)).alias(name) for name in EVENTS]


def _settled(events: pl.DataFrame) -> pl.DataFrame:
    """Let a ticket be created once, and not undo the status of rows before its creation."""
    is_repeated = _is_created() & (_is_created().cum_sum().over(_OVER) > 1)
    statuses = _status_before_creation(events)
    return (
        events.with_row_index(_RANK)
        .join(statuses, on=_RANK, how="left", maintain_order="left")
        .with_columns(
            status=pl.coalesce("status_before", "status"),
            activity=pl.when(~is_repeated).then(pl.col("activity")),
        )
    )


def _status_before_creation(events: pl.DataFrame) -> pl.DataFrame:
    """Status of the last row before each late creation, as far as it was known by then."""
    rows = events.select(*_OVER, "status", "recorded_at", "occurred_at", "activity")
    rows = rows.with_row_index(_RANK)
    is_first = pl.col(_RANK) == pl.col(_RANK).min().over(_OVER)
    late = rows.filter(_is_created() & (pl.col("status") == "new") & ~is_first).select(
        *_OVER,
        created_rank=_RANK,
        known_by=pl.max_horizontal("occurred_at", "recorded_at"),
    )
    before = rows.filter(~_is_created()).join(late, on=_OVER)
    return (
        before.filter(pl.col(_RANK) < pl.col("created_rank"))
        .filter(pl.col("recorded_at") <= pl.col("known_by"))
        .group_by(pl.col("created_rank").alias(_RANK))
        .agg(status_before=pl.col("status").sort_by(_RANK).last())
    )


def _is_created() -> pl.Expr:
    return pl.col("activity").str.split("+").list.contains("created").fill_null(value=False)


def _with_activities(events: pl.DataFrame) -> pl.DataFrame:
    """Name what changed against the row before, where the source does not say it."""
    is_same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _OVER)
    is_same = is_same.fill_null(value=False)
    happened = {
        name: is_same & pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _WATCHED
    } | _status_changes(is_same)
    names = [pl.when(happened[name]).then(pl.lit(name)) for name in ACTIVITIES if name in happened]
    joined = pl.concat_str(names, separator="+", ignore_nulls=True)
    derived = pl.when(joined == "").then(pl.lit("attribute")).otherwise(joined)
    return events.with_columns(activity=pl.coalesce("activity", derived))


def _status_changes(is_same: pl.Expr) -> dict[str, pl.Expr]:
    now = pl.col("status")
    before = pl.when(is_same).then(now.shift(1)).otherwise(pl.lit("new"))
    has_changed = now.ne_missing(before)
    has_left = before.is_in(STOPPED_STATUSES) & ~now.is_in(_ENDED) & now.is_not_null()
    changes = {
        "resolved": has_changed & (now == "resolved"),
        "reopened": has_changed & has_left,
        "closed": has_changed & (now == "closed"),
    }
    is_named = pl.any_horizontal(change.fill_null(value=False) for change in changes.values())
    return changes | {"status": has_changed & ~is_named}
