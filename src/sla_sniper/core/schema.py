"""The canonical tables: one definition of every column, Arrow-typed.

Times are UTC with microseconds, durations are Int64 microseconds of business or wall time
as the name says. Everything that reads or writes a table takes its schema from here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANT: Final = pl.Datetime("us", "UTC")
ATTRIBUTES: Final = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))

STATUSES: Final = (
    "new",
    "open",
    "waiting_requester",
    "waiting_vendor",
    "on_hold",
    "resolved",
    "closed",
    "cancelled",
)
STOPPED_STATUSES: Final = ("resolved", "closed")
ACTIVITIES: Final = (
    "created",
    "status",
    "priority",
    "group",
    "assignee",
    "public_reply",
    "internal_note",
    "requester_message",
    "resolved",
    "reopened",
    "closed",
    "sla",
    "attribute",
)
METRICS: Final = (
    "first_reply_time",
    "next_reply_time",
    "periodic_update_time",
    "requester_wait_time",
    "agent_work_time",
    "resolution_time",
    "ownership_time",
)

TICKET_KEY: Final = ("source", "ticket_id")
"""What names one ticket in a workspace that several help desks may share."""

CLOCK_KEY: Final = (*TICKET_KEY, "metric", "policy", "cycle")
"""What names one run of one clock of a ticket."""

VALUE_COLUMNS: Final = (
    "status",
    "priority",
    "group",
    "assignee",
    "channel",
    "category",
    "product",
    "organization",
    "requester",
)

EVENTS: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "event_id": pl.String(),
        "source": pl.String(),
        "ticket_id": pl.String(),
        "occurred_at": INSTANT,
        "recorded_at": INSTANT,
        "sequence": pl.Int64(),
        "activity": pl.String(),
        "actor_role": pl.String(),
        **{column: pl.String() for column in VALUE_COLUMNS},
        "attributes": ATTRIBUTES,
        "created_at": INSTANT,
        "vendor_due_at": INSTANT,
        "vendor_breached": pl.Boolean(),
        "vendor_resolved_at": INSTANT,
        "vendor_closed_at": INSTANT,
    }
)
"""One row a change of a ticket. `vendor_*` serve reconciliation alone, never a feature."""

CYCLES: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "source": pl.String(),
        "ticket_id": pl.String(),
        "policy": pl.String(),
        "metric": pl.String(),
        "cycle": pl.Int64(),
        "applied_at": INSTANT,
        "target_us": pl.Int64(),
        "calendar": pl.String(),
        "state": pl.String(),
        "elapsed_us": pl.Int64(),
        "paused_us": pl.Int64(),
        "due_at": INSTANT,
        "breached_at": INSTANT,
        "fulfilled_at": INSTANT,
        "priority_applied": pl.String(),
        "recorded_breach_at": INSTANT,
        "next_warning_at": INSTANT,
        "next_warning": pl.String(),
    }
)
"""One row for each activation of one target on one ticket, as of an instant.

`state` is running, paused, overdue (open, over time), met, missed or cancelled. `breached_at`
goes by the target in force; `recorded_breach_at` is the ledger: the first breach of any target
that was in force in the cycle, which no later target undoes. `next_warning` is the point of
`warn_at` that comes next if the clock runs on.
"""

PREDICTIONS: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "as_of": INSTANT,
        "source": pl.String(),
        "ticket_id": pl.String(),
        "metric": pl.String(),
        "priority": pl.String(),
        "group": pl.String(),
        "p_breach": pl.Float64(),
        "due_at": INSTANT,
        "slack_s": pl.Int64(),
        "wall_slack_s": pl.Int64(),
        "cost": pl.Float64(),
        "expected_saving": pl.Float64(),
        "rank": pl.Int64(),
        "recommended": pl.Boolean(),
        "reason_1": pl.String(),
        "reason_2": pl.String(),
        "reason_3": pl.String(),
        "model_version": pl.String(),
        "policy": pl.String(),
        "act_by": INSTANT,
        "advice": pl.String(),
    }
)
"""The public contract that Tableau and others read; seconds of business time in `slack_s`.

`act_by` is the last instant at which escalating the ticket still pays, by the present forecast.
"""
