"""One row a ticket: what its first row told, and what came of the ticket afterwards.

What a first row tells was known when the ticket began. A column whose first values foretell how
the ticket went on was filled in later, whatever its name is; `foretelling` looks for such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import STOPPED_STATUSES, TICKET_KEY, VALUE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_sniper.eventlog.mapping import Mapping

ATTRIBUTE: Final = "attribute:"
MOVING: Final = ("group", "assignee")
"""Columns that people change in the course of a ticket."""

_OVER: Final = list(TICKET_KEY)
_ENDS: Final = [*STOPPED_STATUSES, "cancelled"]


def first_rows(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Put the first row of each ticket beside what came of it.

    Parameters
    ----------
    rows : DataFrame
        Canonical events of one source, without the derived ones, sorted by ticket and time.
    mapping : Mapping
        How that source was read; stamped columns are left out.

    Returns
    -------
    DataFrame of n_tickets rows
        Sorted by `first_at`. A column for each value and attribute of the first row
        (`attribute:NAME`), `n_after` (rows still to come), `has_ended`, `hours_left` (wall hours
        from the first row to the stop that lasted; null for tickets without one), and
        `last_group`, `last_assignee`. Tickets whose first row has stopped already are left out.
    """
    names = [name for name in VALUE_COLUMNS if name != "status" and not mapping.is_stamped(name)]
    is_over = pl.col("status").is_in(_ENDS).fill_null(value=False)
    run = is_over.rle_id().over(_OVER)
    marked = rows.with_columns(is_over.alias("_over"), run.alias("_run"))
    last_run = pl.col("_run") == pl.col("_run").max()
    tickets = marked.group_by(_OVER, maintain_order=True).agg(
        pl.col("occurred_at").first().alias("first_at"),
        (pl.len() - 1).alias("n_after"),
        pl.col("_over").first().alias("_began_over"),
        pl.col("_over").last().alias("has_ended"),
        pl.col("occurred_at").filter(last_run).first().alias("_stopped_at"),
        *(pl.col(name).drop_nulls().last().alias(f"last_{name}") for name in MOVING),
        *(pl.col(name).first() for name in names),
        pl.col("attributes").first(),
    )
    attributes = [name for name in mapping.attributes() if not mapping.is_stamped(name)]
    left = (pl.col("_stopped_at") - pl.col("first_at")).dt.total_seconds() / 3600
    return (
        tickets.filter(~pl.col("_began_over"))
        .with_columns(
            pl.when("has_ended").then(left).alias("hours_left"),
            *(_attribute(name).alias(f"{ATTRIBUTE}{name}") for name in attributes),
        )
        .drop("attributes", "_began_over", "_stopped_at")
        .sort("first_at", *TICKET_KEY)
    )


def told_columns(tickets: pl.DataFrame) -> tuple[str, ...]:
    """Columns of `first_rows` that the first rows told, those without any value left out."""
    told = [name for name in tickets.columns if name in VALUE_COLUMNS or name.startswith(ATTRIBUTE)]
    return tuple(name for name in told if tickets[name].null_count() < tickets.height)


def column_name(name: str, mapping: Mapping) -> str:
    """Name that the file gives to a column of `first_rows`."""
    return mapping.columns.get(name, name.removeprefix(ATTRIBUTE))


def level_means(
    older: pl.DataFrame, newer: pl.DataFrame, column: str, outcome: str, *, weight: float = 3.0
) -> pl.DataFrame:
    """Mean outcome of each value of a column on older tickets, put to the newer ones.

    Returns
    -------
    DataFrame of the rows of `newer`
        `foretold` (shrunk towards the mean of all by `weight` tickets) and `n_seen`, the older
        tickets with that value.
    """
    overall = float(older[outcome].cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]
    levels = older.group_by(column).agg(
        pl.col(outcome).cast(pl.Float64).sum().alias("_sum"), pl.len().alias("n_seen")
    )
    mean = (pl.col("_sum") + weight * overall) / (pl.col("n_seen") + weight)
    return (
        newer.select(column)
        .join(levels, on=column, how="left", maintain_order="left", nulls_equal=True)
        .select(
            mean.fill_null(overall).alias("foretold"), pl.col("n_seen").fill_null(0).cast(pl.Int64)
        )
    )


def older_and_newer(tickets: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut in time: the older three fifths to learn from, the newer to test on."""
    n_older = tickets.height * 3 // 5
    return tickets.head(n_older), tickets.slice(n_older)


def constant_share(rows: pl.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """Share of tickets with several rows in which each column never changes.

    `names` are columns of `first_rows`.
    """
    several = rows.filter(pl.len().over(_OVER) > 1)
    parts = [
        several.select(*_OVER, pl.col(name).alias("_value"))
        if not name.startswith(ATTRIBUTE)
        else several.select(*_OVER, _attribute(name.removeprefix(ATTRIBUTE)).alias("_value"))
        for name in names
    ]
    shares = {}
    for name, part in zip(names, parts, strict=True):
        changes = part.group_by(_OVER).agg(pl.col("_value").n_unique() > 1)["_value"]
        shares[name] = 1.0 - float(changes.mean() or 0.0) if len(changes) else 0.0  # type: ignore[arg-type]
    return shares


def _attribute(name: str) -> pl.Expr:
    pair = pl.element().struct
    value = pl.when(pair.field("key") == name).then(pair.field("value"))
    return pl.col("attributes").list.eval(value).list.drop_nulls().list.first()
