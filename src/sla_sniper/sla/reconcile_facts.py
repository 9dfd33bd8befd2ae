"""What the help desk itself says of a ticket: its deadline, its verdict, its stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import INSTANT, TICKET_KEY

if TYPE_CHECKING:
    from datetime import datetime

_ENDED: Final = ("resolved", "closed", "cancelled")
_TOLD: Final = ("vendor_breached", "vendor_due_at", "vendor_resolved_at", "vendor_closed_at")


def as_known(events: pl.DataFrame, *, as_of: datetime) -> pl.DataFrame:
    """Hide what the help desk's columns tell before it can have happened.

    Stamps later than `as_of` become null, and so does a verdict on an open ticket whose
    deadline is still to come: a file may be younger than the instant asked for.
    """
    now = pl.lit(as_of, INSTANT)
    is_open = ~pl.col("status").is_in(_ENDED).fill_null(value=False)
    is_early = (is_open & (pl.col("vendor_due_at") > now)).fill_null(value=False)
    stamps = (
        pl.when(pl.col(name) <= now).then(pl.col(name))
        for name in ("vendor_resolved_at", "vendor_closed_at")
    )
    verdict = pl.when(~is_early).then(pl.col("vendor_breached")).alias("vendor_breached")
    return events.with_columns(*stamps, verdict)


def vendor_facts(known: pl.DataFrame) -> pl.DataFrame:
    """Read the help desk's latest word on each ticket.

    Parameters
    ----------
    known : DataFrame
        Canonical events of whole tickets in order, as `as_known` returns them.

    Returns
    -------
    DataFrame
        One row a ticket, in any order: the key, `priority` of its last row, the four `vendor_*`
        columns, each from the latest row that tells it, and `told_at`, when the latest row with
        a verdict or a deadline was recorded.
    """
    tells = pl.col("vendor_breached").is_not_null() | pl.col("vendor_due_at").is_not_null()
    return known.group_by(*TICKET_KEY).agg(
        pl.col("priority").last(),
        *(pl.col(name).drop_nulls().last() for name in _TOLD),
        pl.col("recorded_at").filter(tells).max().alias("told_at"),
    )
