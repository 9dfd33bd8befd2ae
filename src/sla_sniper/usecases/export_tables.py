"""What an export says, gathered once from the desk for every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.core.schema import INSTANT, TICKET_KEY, VALUE_COLUMNS
from sla_sniper.outputs.marts import SLA_POLICIES, zendesk_sla_policies
from sla_sniper.outputs.tables import (
    BACKTEST,
    DIMENSIONS,
    PEOPLE,
    backtest_table,
    cycles_table,
    predictions_table,
    ranked_with_tickets,
)
from sla_sniper.sla.conditions import value_of
from sla_sniper.usecases.backtest import PREDICTIONS_NAME
from sla_sniper.usecases.files import read_table
from sla_sniper.usecases.fingerprint import is_of_log
from sla_sniper.usecases.kept import latest_backtest, require_whole
from sla_sniper.usecases.verdicts import holds_for

if TYPE_CHECKING:
    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.queue import QueueReport

NO_BACKTEST = (
    "There is no backtest of these promises and costs and of this log, so nothing compares "
    "forecasts with what became of them: run `sniper backtest`, then export again."
)
_POOLED = ("landmark", "slack_us", "breached", "label_known_at")


@dataclass(frozen=True, slots=True)
class Tables:
    """The desk as of an instant, as tables by name.

    Attributes
    ----------
    public : dict of str to DataFrame
        `predictions`, `cycles` and the mart: what csv, parquet and xlsx have.
    extracts : dict of str to DataFrame
        `cycles`, `predictions` with what their ticket is, and `backtest`: what Tableau has.
    notes : tuple of str
        What is missing and how to get it.
    """

    public: dict[str, pl.DataFrame]
    extracts: dict[str, pl.DataFrame]
    notes: tuple[str, ...]


def export_tables(desk: Desk, queue: QueueReport, *, with_names: bool) -> Tables:
    """Gather the tables of an export.

    Parameters
    ----------
    with_names : bool
        Whether assignees and requesters leave the workspace, as it has them: hashed or kept.
    """
    desk.progress("gathering the tables")
    found = desk.cycles(as_of=desk.as_of)
    known = _tickets(desk)
    columns = (*TICKET_KEY, *DIMENSIONS, *(PEOPLE if with_names else ()))
    tickets = known.select(columns)
    timezone = desk.workspace.landmarks.timezone
    cycles = cycles_table(_priced(desk, found, known), tickets, queue.frame, timezone=timezone)
    pool = _pool(desk)
    calendars = desk.workspace.sla.levels.calendars
    closes = {name: not each.is_simply_always_open for name, each in calendars.items()}
    return Tables(
        public={
            "predictions": predictions_table(queue.frame),
            "cycles": cycles,
            SLA_POLICIES: zendesk_sla_policies(found, in_business_hours=closes),
        },
        extracts={
            "cycles": cycles,
            "predictions": ranked_with_tickets(queue.frame, tickets),
            "backtest": backtest_table(pool, found),
        },
        notes=() if pool is not None else (NO_BACKTEST,),
    )


def _tickets(desk: Desk) -> pl.DataFrame:
    """Last known values of each ticket, and of the kept attribute that costs go by."""
    by = desk.workspace.sla.require_prices().by
    names = [*VALUE_COLUMNS, *([by] if by in desk.keep else [])]
    return (
        desk.stored.filter(pl.col("occurred_at") <= desk.as_of)
        .group_by(*TICKET_KEY, maintain_order=True)
        .agg(
            value_of(name)
            .drop_nulls()
            .last()
            .alias(name if name in VALUE_COLUMNS else f"attr_{name}")
            for name in names
        )
    )


def _priced(desk: Desk, cycles: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    """Clocks with what one breach costs: by the priority in force, else by what is known now."""
    facts = cycles.join(tickets, on=TICKET_KEY, how="left", maintain_order="left").with_columns(
        pl.coalesce("priority_applied", "priority").alias("priority")
    )
    currency = desk.workspace.sla.require_prices().currency
    return cycles.with_columns(
        desk.breach_costs(facts),
        pl.lit(desk.as_of).cast(INSTANT).alias("as_of"),
        pl.lit(currency).alias("currency"),
    )


def _pool(desk: Desk) -> pl.DataFrame | None:
    """Forecasts of the kept backtest up to `as_of`; None under other settings or of another log."""
    outputs = desk.workspace.outputs
    path = outputs / "backtest" / PREDICTIONS_NAME
    about = latest_backtest(outputs)
    if about is None or not path.is_file() or not holds_for(about, desk.workspace, None):
        return None
    if not is_of_log(about, desk):
        return None
    made = set(BACKTEST) - {"slack_s", "risk_bucket", "is_first"}
    require_whole(outputs, about)
    pool = read_table(path, (*_POOLED, *made), command="sniper backtest")
    return pool.filter(pl.col("landmark") <= desk.as_of)
