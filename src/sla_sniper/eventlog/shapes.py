"""The two shapes of a file: a row a change, or a row a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import EVENTS, VALUE_COLUMNS

if TYPE_CHECKING:
    from sla_sniper.eventlog.mapping import Mapping

ATTRIBUTE: Final = "attribute:"
"""Prefix of the attributes' columns until they are stored as one map."""

_STAGES: Final = {
    "created": "created_at",
    "public_reply": "first_response_at",
    "resolved": "resolved_at",
    "closed": "closed_at",
}
"""Activities of the tickets shape and the columns that hold their instants."""

_FINAL_STATUSES: Final = ("closed", "cancelled")


_KEPT: Final = (
    *("_row", "_raw", "_stage"),
    *(name for name in EVENTS if name not in ("event_id", "source", "attributes")),
)


def event_rows(typed: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Keep one row a row, with the values after it.

    Columns stamped from the end have no instant of their own; they stay on the rows that end
    the ticket and are null on all others, where they would tell the future.
    """
    rows = typed.with_columns(
        vendor_due_at="due_at",
        vendor_resolved_at="resolved_at",
        vendor_closed_at="closed_at",
        # Nothing can be told before it happened, whatever the file says.
        recorded_at=pl.max_horizontal("occurred_at", "recorded_at"),
        _stage=pl.lit(0, pl.Int8),
    )
    is_final = pl.col("status").is_in(_FINAL_STATUSES)
    names = _stamped(rows, mapping)
    return _canonical(rows.with_columns(pl.when(is_final).then(pl.col(name)) for name in names))


def ticket_rows(typed: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Tell a ticket's row as its stages: created, first reply, resolved, closed.

    Each stage that has an instant becomes a row at that instant; `status` follows the stages.
    The vendor's verdict and the stamped columns are on the last one alone.
    """
    told = typed.with_columns(_last_stage=_last_stage(), recorded_by="recorded_at")
    return pl.concat(
        _stage_rows(told, number, activity, mapping) for number, activity in enumerate(_STAGES)
    )


def attribute_columns(rows: pl.DataFrame) -> list[str]:
    """Columns of `rows` that hold an attribute each, by name."""
    return sorted(name for name in rows.columns if name.startswith(ATTRIBUTE))


def _stage_rows(told: pl.DataFrame, number: int, activity: str, mapping: Mapping) -> pl.DataFrame:
    instant = pl.col(_STAGES[activity])
    is_last = pl.col("_last_stage") == number
    rows = told.filter(instant.is_not_null()).with_columns(
        occurred_at=instant,
        recorded_at=pl.max_horizontal(instant, "recorded_by"),
        activity=pl.lit(activity),
        status=_status(activity),
        _stage=pl.lit(number, pl.Int8),
        vendor_due_at="due_at",
        vendor_breached=pl.when(is_last).then("vendor_breached"),
        vendor_resolved_at=pl.when(instant >= pl.col("resolved_at")).then("resolved_at"),
        vendor_closed_at=pl.when(instant >= pl.col("closed_at")).then("closed_at"),
    )
    has_ended = is_last & pl.lit(activity in ("resolved", "closed"))
    names = [name for name in _stamped(rows, mapping) if name != "vendor_breached"]
    return _canonical(rows.with_columns(pl.when(has_ended).then(pl.col(name)) for name in names))


def _status(activity: str) -> pl.Expr:
    """Status after a stage: `resolved` and `closed` hold from their own instants."""
    if activity in ("resolved", "closed"):
        was_cancelled = pl.col("status") == "cancelled"
        return pl.when(was_cancelled).then(pl.col("status")).otherwise(pl.lit(activity))
    if activity == "created":
        # Ended nobody knows when: such a ticket leaves every rate, and is counted.
        is_timeless = pl.col("resolved_at").is_null() & pl.col("closed_at").is_null()
        has_ended = pl.col("status").is_in((*_FINAL_STATUSES, "resolved")) & is_timeless
        return pl.when(has_ended).then(pl.lit("cancelled")).otherwise(pl.lit("new"))
    at = pl.col(_STAGES[activity])
    return (
        pl.when(pl.col("closed_at") <= at)
        .then(pl.lit("closed"))
        .when(pl.col("resolved_at") <= at)
        .then(pl.lit("resolved"))
        .otherwise(pl.lit("new"))
    )


def _last_stage() -> pl.Expr:
    present = [
        pl.when(pl.col(column).is_not_null()).then(number)
        for number, column in enumerate(_STAGES.values())
    ]
    return pl.max_horizontal(present)


def _stamped(rows: pl.DataFrame, mapping: Mapping) -> list[str]:
    """Columns of `rows` that were stamped, but for those that are instants of their own."""
    names = {name: name for name in (*VALUE_COLUMNS, "actor_role") if name != "status"}
    names |= {f"vendor_{name}": name for name in ("due_at", "breached")}
    names |= {name: name.removeprefix(ATTRIBUTE) for name in attribute_columns(rows)}
    stamped = [name for name, mapped in names.items() if mapping.is_stamped(mapped)]
    if mapping.is_stamped("met") and "vendor_breached" not in stamped:
        stamped.append("vendor_breached")
    return stamped


def _canonical(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(*_KEPT, *attribute_columns(rows))
