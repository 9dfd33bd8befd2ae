"""Tables that leave the workspace: the public contract of their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import CYCLES, PREDICTIONS, TICKET_KEY
from sla_sniper.snapshots.labels import LABEL_KEY, outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

PREDICTION_COLUMNS: Final = (
    "as_of",
    "ticket_id",
    "metric",
    "p_breach",
    "due_at",
    "slack_s",
    "cost",
    "expected_saving",
    "rank",
    "recommended",
    "reason_1",
    "reason_2",
    "reason_3",
    "model_version",
    "policy",
    "source",
    "priority",
    "group",
    "wall_slack_s",
    "act_by",
    "advice",
)
"""The contract's columns in its order, then what was added since; none is ever taken away."""

DIMENSIONS: Final = (
    "status",
    "priority",
    "group",
    "channel",
    "category",
    "product",
    "organization",
)
"""What a ticket is, as last known."""
PEOPLE: Final = ("assignee", "requester")
"""Personal data: in an export only where it was asked for."""

CYCLE_COLUMNS: Final = (
    "as_of",
    *CYCLES,
    "is_breach",
    "decided_at",
    "decided_on",
    "applied_on",
    "applied_month",
    "applied_weekday",
    "applied_hour",
    "cost",
    "cost_incurred",
    "currency",
    "p_breach",
)
"""Columns of exported clocks, before those of the ticket."""

BACKTEST: Final = {
    "landmark": PREDICTIONS["as_of"],
    "day": pl.Date(),
    "source": pl.String(),
    "ticket_id": pl.String(),
    "metric": pl.String(),
    "policy": pl.String(),
    "cycle": pl.Int64(),
    "priority": pl.String(),
    "group": pl.String(),
    "channel": pl.String(),
    "category": pl.String(),
    "product": pl.String(),
    "due_at": PREDICTIONS["as_of"],
    "slack_s": pl.Int64(),
    "cost": pl.Float64(),
    "p_breach": pl.Float64(),
    "risk_bucket": pl.String(),
    "is_first": pl.Boolean(),
    "breached": pl.Boolean(),
    "label_known_at": PREDICTIONS["as_of"],
}
"""Forecasts that a replay made of days their model had not seen, with what became of them."""

_TENTHS: Final = 10
_SECOND_US: Final = 1_000_000


def predictions_table(predictions: pl.DataFrame) -> pl.DataFrame:
    """Predictions in the public order: by rank, then ticket and metric.

    Parameters
    ----------
    predictions : DataFrame
        Schema `core.schema.PREDICTIONS`.
    """
    return predictions.select(PREDICTION_COLUMNS).sort("rank", "ticket_id", "metric")


def cycles_table(
    cycles: pl.DataFrame, tickets: pl.DataFrame, predictions: pl.DataFrame, *, timezone: str
) -> pl.DataFrame:
    """Clocks with their outcome, their money, their ticket and, while they run, the forecast.

    Parameters
    ----------
    cycles : DataFrame
        Schema `core.schema.CYCLES` with `as_of`, `cost` (of one breach) and `currency`.
    tickets : DataFrame
        One row a ticket: its key and the columns to add, `DIMENSIONS` and maybe `PEOPLE`.
    predictions : DataFrame
        Schema `core.schema.PREDICTIONS`.
    timezone : str
        IANA name of the zone of local days and hours.

    Returns
    -------
    DataFrame
        `CYCLE_COLUMNS` and those of the ticket. `is_breach`, `decided_at` and `cost_incurred`
        are null until the outcome is known; a cancelled clock has none. `applied_weekday` is 1
        on a Monday.
    """
    is_breach, known_at = pl.col("is_breach"), pl.col("decided_at")
    known = outcomes(cycles).select(is_breach="breached", decided_at="label_known_at")
    applied = pl.col("applied_at").dt.convert_time_zone(timezone)
    decided = known_at.dt.convert_time_zone(timezone)
    forecasts = predictions.group_by(*TICKET_KEY, "metric", "due_at").agg(pl.col("p_breach").max())
    return (
        pl.concat([cycles, known], how="horizontal")
        .join(tickets, on=TICKET_KEY, how="left", maintain_order="left", validate="m:1")
        .join(forecasts, on=[*TICKET_KEY, "metric", "due_at"], how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("state") == "running").then("p_breach").alias("p_breach"),
            decided.dt.date().alias("decided_on"),
            applied.dt.date().alias("applied_on"),
            applied.dt.strftime("%Y-%m").alias("applied_month"),
            applied.dt.weekday().cast(pl.Int64).alias("applied_weekday"),
            applied.dt.hour().cast(pl.Int64).alias("applied_hour"),
            pl.when(is_breach).then("cost").when(~is_breach).then(0.0).alias("cost_incurred"),
        )
        .select(*CYCLE_COLUMNS, *_added(tickets))
    )


def ranked_with_tickets(predictions: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    """Predictions of the public contract with what their ticket is, and their risk bucket."""
    known = set(PREDICTION_COLUMNS)
    added = [name for name in _added(tickets) if name not in known]
    return (
        predictions_table(predictions)
        .join(tickets.select(*TICKET_KEY, *added), on=TICKET_KEY, how="left", maintain_order="left")
        .with_columns(risk_bucket())
    )


def backtest_table(pool: pl.DataFrame | None, cycles: pl.DataFrame) -> pl.DataFrame:
    """Forecasts of a replay with the outcomes that the clocks know.

    Parameters
    ----------
    pool : DataFrame or None
        What `sniper backtest` keeps, of landmarks that the clocks know; None where there is none.
    cycles : DataFrame
        Schema `core.schema.CYCLES`, as of the instant whose knowledge counts.

    Returns
    -------
    DataFrame
        `BACKTEST`. `is_first` marks the first forecast of each clock: over those a clock counts
        once. `breached` is null where the outcome is not known.
    """
    if pool is None:
        return pl.DataFrame(schema=BACKTEST)
    clock = (*TICKET_KEY, "metric", "cycle")
    return (
        pool.drop("breached", "label_known_at")
        .join(outcomes(cycles), on=LABEL_KEY, how="left", maintain_order="left", validate="m:1")
        .with_columns(
            risk_bucket(),
            (pl.col("slack_us") // _SECOND_US).alias("slack_s"),
            (pl.col("landmark") == pl.col("landmark").min().over(clock)).alias("is_first"),
        )
        .select(pl.col(name).cast(kind) for name, kind in BACKTEST.items())
        .sort("landmark", *clock)
    )


def risk_bucket() -> pl.Expr:
    """Tenth of the range of `p_breach` that a forecast lies in, as a text that sorts.

    Examples
    --------
    >>> forecasts = pl.DataFrame({"p_breach": [0.0, 0.1, 0.999, 1.0]})
    >>> forecasts.select(risk_bucket()).to_series().to_list()
    ['00-10 %', '10-20 %', '90-100 %', '90-100 %']
    """
    tenth = (pl.col("p_breach") * _TENTHS).floor().clip(0, _TENTHS - 1).cast(pl.Int64)
    names = [f"{10 * n:02d}-{10 * (n + 1)} %" for n in range(_TENTHS)]
    return tenth.replace_strict(
        list(range(_TENTHS)), names, default=None, return_dtype=pl.String
    ).alias("risk_bucket")


def _added(tickets: pl.DataFrame) -> Sequence[str]:
    return [name for name in (*DIMENSIONS, *PEOPLE) if name in tickets.columns]
