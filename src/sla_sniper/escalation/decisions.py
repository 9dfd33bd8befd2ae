"""Every decision of a replay as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.escalation.policies import expected_saving

if TYPE_CHECKING:
    from sla_sniper.escalation.candidates import Candidates, Floats, Ints
    from sla_sniper.escalation.replay import Replay


def decisions_frame(result: Replay) -> pl.DataFrame:
    """Every decision of a replay, one row for each chosen ticket and running clock.

    Returns
    -------
    decisions : polars.DataFrame
        ``policy, capacity, landmark, ticket_id, metric, p_breach, expected_saving, rank,
        source``. `expected_saving` is that of the ticket, by the model, whichever policy chose
        it, and is repeated on each of its clocks; `rank` counts from 1 within a landmark.
    """
    saving = expected_saving(result.candidates, result.costs)
    clocks = result.candidates.clocks.select(
        "candidate", "landmark", "source", "ticket_id", "metric", "p_breach"
    )
    parts = [
        _ranked(result.candidates, rows, saving)
        .join(clocks, on="candidate", how="left")
        .sort("landmark", "rank", "metric")
        .select(
            pl.lit(policy).alias("policy"),
            pl.lit(capacity, pl.Int64).alias("capacity"),
            "landmark",
            "ticket_id",
            "metric",
            "p_breach",
            "expected_saving",
            "rank",
            "source",
        )
        for (policy, capacity), rows in result.chosen.items()
    ]
    return pl.concat(parts)


def _ranked(candidates: Candidates, rows: Ints, saving: Floats) -> pl.DataFrame:
    """Give the chosen numbers within their landmark, in the order in which they were chosen."""
    landmark = candidates.landmark[rows]
    rank = np.arange(rows.size) - np.searchsorted(landmark, landmark) + 1
    return pl.DataFrame({"candidate": rows, "rank": rank, "expected_saving": saving[rows]})
