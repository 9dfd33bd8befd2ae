"""Measure today's list on a million open tickets: forecasts, ranks, act-by times, reasons.

``python -m tools.bench_rank WORKSPACE`` takes the model of a workspace and multiplies its open
tickets; reading the log and taking the snapshots are not in the figure.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import polars as pl

from sla_sniper.usecases.bundles import known_bundle
from sla_sniper.usecases.desk import Desk, open_desk
from sla_sniper.usecases.ranking import Ranking, rank, running_now

N_TICKETS: Final = 1_000_000
RUNS: Final = 3
MOST_SECONDS: Final = 5
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def many(desk: Desk, n_tickets: int) -> pl.DataFrame:
    """Draw the open tickets of a desk until there are `n_tickets`; the same every time."""
    found = running_now(desk, desk.cycles(as_of=desk.as_of))
    draw = np.random.default_rng(0)
    return found[draw.integers(0, found.height, n_tickets)].with_columns(
        pl.int_range(pl.len()).cast(pl.String).alias("ticket_id"),
        pl.col("slack_us") + pl.Series(draw.integers(0, 10**10, n_tickets)),
    )


def seconds(workspace: Path, n_tickets: int = N_TICKETS) -> float:
    """Median of several runs of what `queue` does once it has the snapshots."""
    desk = open_desk(workspace, asked=None, now=NOW)
    bundle = known_bundle(desk)
    if bundle is None:
        raise SystemExit("The workspace has no model.")
    tickets = many(desk, n_tickets)
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        rank(desk, tickets, bundle, Ranking("sniper", 50))
        taken.append(time.perf_counter() - started)
    return median(taken)


def main() -> None:
    """Print the figure beside its limit."""
    taken = seconds(Path(sys.argv[1]))
    sys.stdout.write("| open tickets | seconds | limit |\n|---|---|---|\n")
    sys.stdout.write(f"| {N_TICKETS:,} | {taken:.1f} | {MOST_SECONDS} |\n")
    raise SystemExit(taken > MOST_SECONDS)


if __name__ == "__main__":
    main()
