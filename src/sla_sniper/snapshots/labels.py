"""Labels: whether a clock breached before it was fulfilled, and when one could know."""

from __future__ import annotations

from typing import Final

import polars as pl

from sla_sniper.core.instants import HOUR_US
from sla_sniper.core.schema import TICKET_KEY

LABEL_KEY: Final = (*TICKET_KEY, "metric", "cycle")
"""Without the policy: a ticket that moves to another one keeps its clock, by that one's target."""


def with_labels(snapshots: pl.DataFrame, cycles: pl.DataFrame) -> pl.DataFrame:
    """Add the label of each snapshot, as far as it is known by the reading in `cycles`.

    Parameters
    ----------
    snapshots : DataFrame
        See `build.assemble`.
    cycles : DataFrame
        Schema `core.schema.CYCLES`, read as of the instant whose knowledge counts.

    Returns
    -------
    DataFrame
        With `breached` (null where it is not known), `label_known_at`, `is_censored` and
        `decidable_at`: when the clock runs out if it runs on from the landmark. Training on
        labels known at a cut takes only snapshots decidable by then; that choice does not
        depend on the outcome, so quick tickets are not preferred. `observed_h` is the working
        time from the landmark to the fulfilment, the deadline or the reading.
    """
    outcome = outcomes(cycles).with_columns((cycles["elapsed_us"] / HOUR_US).alias("_used_h"))
    return (
        snapshots.join(outcome, on=LABEL_KEY, how="left", maintain_order="left", validate="m:1")
        .with_columns(
            pl.col("breached").is_null().alias("is_censored"),
            pl.col("due_at").alias("decidable_at"),
            pl.min_horizontal(pl.col("_used_h") - pl.col("elapsed_h"), "slack_h")
            .clip(lower_bound=0.0)
            .alias("observed_h"),
        )
        .drop("_used_h")
    )


def outcomes(cycles: pl.DataFrame) -> pl.DataFrame:
    """How each clock ended and when that was known, a row a cycle in their order.

    Parameters
    ----------
    cycles : DataFrame
        Schema `core.schema.CYCLES`, read as of the instant whose knowledge counts.

    Returns
    -------
    DataFrame
        `LABEL_KEY`, `breached` and `label_known_at`, which are null for a clock still open
        before its deadline and for a cancelled one.
    """
    missed = pl.col("state").is_in(["missed", "overdue"])
    met = pl.col("state") == "met"
    return cycles.select(
        *LABEL_KEY,
        pl.when(missed).then(True).when(met).then(False).alias("breached"),  # noqa: FBT003
        pl.when(missed).then("breached_at").when(met).then("fulfilled_at").alias("label_known_at"),
    )
