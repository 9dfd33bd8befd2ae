"""Measure training: a million snapshots of forty features, and hourly snapshots of a real log.

``python -m tools.bench_model WORKSPACE`` takes the hourly snapshots of a workspace's whole log,
trains the default forecast on synthetic snapshots and prints what both took.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from sla_sniper.core.schema import INSTANT
from sla_sniper.model.forecast import train_model
from sla_sniper.snapshots.features import FEATURES
from sla_sniper.usecases.desk import open_desk

N_SNAPSHOTS: Final = 1_000_000
MOST_TRAINING_S: Final = 60
MOST_SNAPSHOTS_S: Final = 30
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
DAYS: Final = 90


def snapshots(n: int, *, seed: int = 0) -> pl.DataFrame:
    """Labelled snapshots whose breaches depend on slack and silence, and on chance."""
    rng = np.random.default_rng(seed)
    numbers = {one.name: rng.gamma(2.0, 4.0, n) for one in FEATURES if one.kind == "number"}
    words = {
        one.name: pl.Series(["a", "b", "c", "d", "e"])[rng.integers(0, 5, n)]
        for one in FEATURES
        if one.kind == "category"
    }
    log_odds = 1.0 - 0.35 * numbers["slack_h"] + 0.12 * numbers["hours_since_event"]
    hours = np.sort(rng.integers(0, DAYS * 24, n))
    due = hours + np.ceil(numbers["slack_h"]).astype(np.int64)
    facts = {
        "landmark": _instants(hours),
        "decidable_at": _instants(due),
        "label_known_at": _instants(due),
        "slack_us": (numbers["slack_h"] * 3.6e9).astype(np.int64),
        "breached": rng.random(n) < 1 / (1 + np.exp(-log_odds)),
        "ticket_id": pl.Series(np.arange(n) // 4).cast(pl.String),
    }
    same = {"source": "desk", "metric": "resolution_time", "policy": "standard", "cycle": 1}
    named = [pl.lit(value).alias(name) for name, value in same.items()]
    return pl.DataFrame({**numbers, **words, **facts}).with_columns(named)


def _instants(hours: np.ndarray) -> pl.Series:
    return pl.Series(hours * 3_600_000_000).cast(pl.Duration("us")) + pl.Series(
        [START], dtype=INSTANT
    )


def training_seconds(n: int = N_SNAPSHOTS) -> float:
    """Seconds to fit and calibrate the default forecast."""
    drawn = snapshots(n)
    started = time.perf_counter()
    train_model(drawn, name="lightgbm", features=FEATURES, as_of=START + timedelta(days=DAYS + 9))
    return time.perf_counter() - started


def snapshot_seconds(workspace: Path) -> tuple[int, float]:
    """Snapshots at every hourly landmark of a workspace's log, and the seconds they took."""
    desk = open_desk(workspace, asked=None, now=START)
    moments = desk.landmarks(desk.stored["occurred_at"].min(), desk.as_of, "hour")  # type: ignore[arg-type]
    started = time.perf_counter()
    found = desk.snapshots(moments)
    return found.height, time.perf_counter() - started


def main() -> None:
    """Measure both and print a table."""
    n_taken, taking = snapshot_seconds(Path(sys.argv[1]))
    training = training_seconds()
    sys.stdout.write("| what | seconds | limit |\n|---|---|---|\n")
    rows = (
        (f"hourly snapshots of the demo log ({n_taken:,})", taking, MOST_SNAPSHOTS_S),
        (
            f"training on {N_SNAPSHOTS:,} snapshots x {len(FEATURES)} features",
            training,
            MOST_TRAINING_S,
        ),
    )
    for what, seconds, limit in rows:
        sys.stdout.write(f"| {what} | {seconds:.1f} | {limit} |\n")
    raise SystemExit(any(seconds > limit for _, seconds, limit in rows))


if __name__ == "__main__":
    main()
