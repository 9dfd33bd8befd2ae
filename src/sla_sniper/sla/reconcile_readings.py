"""Our verdict and deadline on each ticket, and whether they agree with the help desk's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.sla.clock import cycles

if TYPE_CHECKING:
    from datetime import datetime

    from sla_sniper.sla.policy import ServiceLevels

TOLERANCE: Final = pl.duration(seconds=60)
"""Deadlines this far apart are the same: many help desks keep minutes only."""
_BREACHED: Final = ("missed", "overdue")
_TOLD: Final = (
    "policy",
    "state",
    "priority_applied",
    "target_us",
    "elapsed_us",
    "due_at",
    "breached_at",
    "fulfilled_at",
    "recorded_breach_at",
)


def read_ours(events: pl.DataFrame, levels: ServiceLevels, *, as_of: datetime) -> pl.DataFrame:
    """Read our latest cycle of each ticket.

    Parameters
    ----------
    events : DataFrame
        Canonical events of whole tickets, in order.
    levels : ServiceLevels
        With targets of one metric only.
    as_of : datetime
        Aware instant.

    Returns
    -------
    DataFrame
        One row for each ticket with a cycle that was not cancelled, in any order: the key, what
        the cycle tells (`core.schema.CYCLES`) and `breached`.
    """
    found = cycles(events, levels, as_of=as_of).filter(pl.col("state") != "cancelled")
    latest = found.sort("applied_at", "cycle", "policy").unique(TICKET_KEY, keep="last")
    return latest.select(*TICKET_KEY, *_TOLD, breached=pl.col("state").is_in(_BREACHED))


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Add whether `breached` and `due_at` agree with `their_breached` and `their_due`.

    Returns
    -------
    DataFrame
        With `verdict_agrees` and `due_agrees`, null where one side tells nothing.
    """
    apart = (pl.col("due_at") - pl.col("their_due")).abs()
    return rows.with_columns(
        verdict_agrees=pl.col("breached") == pl.col("their_breached"),
        due_agrees=apart <= TOLERANCE,
    )


def explained(rows: pl.DataFrame) -> pl.Series:
    """Whether another reading of the same tickets agrees in all that ours was compared in.

    Parameters
    ----------
    rows : DataFrame of n_tickets rows
        `judged` rows of the other reading, with `due_compared`: whether ours had a deadline
        to compare. A reading that has none in its place explains nothing.

    Returns
    -------
    Series of bool of length n_tickets
    """
    verdict = pl.col("verdict_agrees").fill_null(pl.col("their_breached").is_null())
    due = pl.col("due_agrees").fill_null(~pl.col("due_compared"))
    return rows.select(found=verdict & due)["found"]
