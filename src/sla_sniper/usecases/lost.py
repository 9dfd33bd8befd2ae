"""Clocks that no escalation can save any more: too late to help, or past their deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from sla_sniper.core.instants import SECOND_US
from sla_sniper.core.schema import CLOCK_KEY, PREDICTIONS, TICKET_KEY
from sla_sniper.sla.conditions import value_of

if TYPE_CHECKING:
    from sla_sniper.usecases.desk import Desk

LOST = {
    name: PREDICTIONS[name]
    for name in (*TICKET_KEY, "metric", "priority", "group", "due_at", "slack_s", "cost")
}
"""Columns of the list of lost tickets; `slack_s` is negative past the deadline."""


class Parted(NamedTuple):
    """What can be helped, and what is lost.

    Attributes
    ----------
    alive : DataFrame
        Snapshots of the running clocks that are not past their point of no return.
    lost : DataFrame
        `LOST`: the other ones, the least time left first; then the clocks that are past their
        deadline and still open, the latest to miss it first.
    n_overdue : int
        How many of `lost` are past their deadline.
    """

    alive: pl.DataFrame
    lost: pl.DataFrame
    n_overdue: int


def parted(desk: Desk, running: pl.DataFrame, cycles: pl.DataFrame) -> Parted:
    """Part what can be helped from what is lost.

    Parameters
    ----------
    running : DataFrame
        Snapshots of the clocks that run before their deadline.
    cycles : DataFrame
        Every clock at the same instant, see `Desk.cycles`.
    """
    over = cycles.filter(pl.col("state") == "overdue")
    if running.is_empty():
        gone = overdue(desk, over)
        return Parted(running, gone, gone.height)
    # A ledger calls a clock overdue whose present target has not run out: it is ranked.
    gone = overdue(desk, over.join(running, on=CLOCK_KEY, how="anti"))
    limit = desk.workspace.sla.costs.effectiveness.point_of_no_return_us
    late = running.filter(pl.col("slack_us") < limit).with_columns(
        slack_s=pl.col("slack_us") // SECOND_US
    )
    chosen = late.select(pl.col(name).cast(dtype) for name, dtype in LOST.items())
    alive = running.filter(pl.col("slack_us") >= limit)
    lost = pl.concat([chosen.sort("slack_s", "ticket_id", "metric"), gone])
    return Parted(alive, lost, gone.height)


def overdue(desk: Desk, over: pl.DataFrame) -> pl.DataFrame:
    """List cycles that are past their deadline and still open, as `LOST`.

    Their breach has happened: `cost` is what it costs, without what it changed of a credit.
    """
    if over.is_empty():
        return pl.DataFrame(schema=LOST)
    return (
        over.join(_as_it_stands(desk, over), on=TICKET_KEY, how="left")
        .with_columns(
            due_at=pl.coalesce("due_at", "breached_at"),
            slack_s=-((pl.col("elapsed_us") - pl.col("target_us")) // SECOND_US),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LOST.items())
        .sort("slack_s", "ticket_id", "metric", descending=[True, False, False])
    )


def _as_it_stands(desk: Desk, over: pl.DataFrame) -> pl.DataFrame:
    """Values of tickets in their last row by now, and what a breach of theirs costs."""
    rows = desk.stored.filter(pl.col("occurred_at") <= desk.as_of).join(
        over.select(TICKET_KEY).unique(), on=TICKET_KEY, how="semi", maintain_order="left"
    )
    last = rows.group_by(TICKET_KEY, maintain_order=True).agg(
        pl.col("priority").drop_nulls().last(),
        pl.exclude(*TICKET_KEY, "priority").last(),
    )
    kept = last.with_columns(value_of(name).alias(f"attr_{name}") for name in desk.keep)
    return kept.select(*TICKET_KEY, "priority", "group", desk.breach_costs(kept).alias("cost"))
