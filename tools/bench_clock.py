"""Measure the clock on synthetic desks: cycles a second, memory, and how both grow.

``python -m tools.bench_clock run FOLDER`` computes the cycles of a prepared desk and prints what it
took as JSON; `measure` prepares desks of several sizes and runs each in a process of its own, so
that the memory is that of the clock and not of the preparation.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from math import log
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from sla_sniper.core.schema import EVENTS
from sla_sniper.engine.local import in_threads
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

HOUR: Final = 3_600_000_000
TICKETS_PER_FILE: Final = 50_000
SIZES: Final = (100_000, 300_000, 1_000_000)
RUNS: Final = 3
AS_OF: Final = datetime(2024, 1, 1, tzinfo=UTC)
MIB_PER_KIB: Final = 1 / 1024
MOST_SECONDS: Final = 30
MOST_MIB: Final = 6144
# What happens to every ticket: ten events, with a pause, a change of priority and two waits.
ACTIVITIES: Final = (
    ("created", None, "new"),
    ("requester_message", "requester", "new"),
    ("public_reply", "agent", "open"),
    ("status", None, "waiting_requester"),
    ("requester_message", "requester", "open"),
    ("priority", None, "open"),
    ("public_reply", "agent", "waiting_requester"),
    ("requester_message", "requester", "open"),
    ("public_reply", "agent", "open"),
    ("resolved", None, "resolved"),
)
PRIORITIES: Final = ("low", "normal", "high", "urgent")


class Figures(NamedTuple):
    """What one size took."""

    tickets: int
    events: int
    cycles: int
    seconds: float
    mib: float


def levels() -> ServiceLevels:
    """Four metrics over split office hours in a zone that changes its clocks, with pauses."""
    hours = ((8 * 3600, 12 * 3600), (13 * 3600, 18 * 3600))
    office = Calendar("office", "Europe/Berlin", (hours,) * 5 + ((), ()))
    allowed = {"urgent": HOUR, "high": 4 * HOUR, "normal": 8 * HOUR, "low": 24 * HOUR}
    waits = ("waiting_requester", "waiting_vendor", "on_hold")
    pauses = {
        "first_reply_time": (),
        "next_reply_time": (),
        "agent_work_time": waits,
        "resolution_time": waits[:1],
    }
    targets = tuple(
        Target(metric, "office", allowed, pause_in=still) for metric, still in pauses.items()
    )
    return ServiceLevels({"office": office}, (SlaPolicy("all", targets),))


def desk(n_tickets: int, first: int) -> pl.DataFrame:
    """Canonical events of `n_tickets` tickets, numbered from `first`; the same every time."""
    draw = np.random.default_rng(first)
    n_events = len(ACTIVITIES)
    start = draw.integers(1_577_836_800, 1_672_531_200, n_tickets)
    gaps = draw.exponential(4 * 3600, (n_tickets, n_events)).astype(np.int64)
    gaps[:, 0] = 0
    at = (start[:, None] + np.cumsum(gaps, axis=1)).ravel() * 1_000_000
    before, after = draw.integers(0, len(PRIORITIES), (2, n_tickets))
    places = np.where(np.arange(n_events) < 5, before[:, None], after[:, None])  # noqa: PLR2004
    steps = np.tile(np.arange(n_events), n_tickets)
    activity, role, status = (pl.Series(list(each)) for each in zip(*ACTIVITIES, strict=True))
    known = {
        "source": pl.repeat("desk", len(at), eager=True),
        "ticket_id": pl.Series(np.repeat(np.arange(first, first + n_tickets), n_events)).cast(
            pl.String
        ),
        "occurred_at": pl.Series(at).cast(EVENTS["occurred_at"]),
        "recorded_at": pl.Series(at).cast(EVENTS["recorded_at"]),
        "activity": activity[steps],
        "actor_role": role[steps],
        "status": status[steps],
        "priority": pl.Series(PRIORITIES)[places.ravel()],
    }
    missing = [pl.lit(None, kind).alias(name) for name, kind in EVENTS.items() if name not in known]
    return pl.DataFrame(known).with_columns(missing).select(list(EVENTS))


def prepare(n_tickets: int, folder: Path) -> None:
    """Write a desk as Parquet files of whole tickets."""
    for first in range(0, n_tickets, TICKETS_PER_FILE):
        n = min(TICKETS_PER_FILE, n_tickets - first)
        desk(n, first).write_parquet(folder / f"{first:08}.parquet")


def run(folder: Path) -> Figures:
    """Compute all cycles of a prepared desk."""
    promise = levels()
    files = sorted(folder.glob("*.parquet"))
    started = time.perf_counter()
    found = in_threads(files, lambda file: _cycles(file, promise))
    table = pl.concat([frame for frame, _ in found])
    seconds = time.perf_counter() - started
    events = sum(rows for _, rows in found)
    mib = getrusage(RUSAGE_SELF).ru_maxrss * MIB_PER_KIB
    return Figures(table["ticket_id"].n_unique(), events, table.height, seconds, mib)


def _cycles(file: Path, promise: ServiceLevels) -> tuple[pl.DataFrame, int]:
    events = pl.read_parquet(file)
    return cycles(events, promise, as_of=AS_OF), events.height


def measure(n_tickets: int, runs: int = RUNS) -> Figures:
    """Median of several runs over one size, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(n_tickets, folder)
        command = [sys.executable, "-m", "tools.bench_clock", "run", str(folder)]
        told = [
            Figures(*json.loads(subprocess.run(command, check=True, capture_output=True).stdout))  # noqa: S603
            for _ in range(runs)
        ]
    first = told[0]
    return first._replace(
        seconds=median(each.seconds for each in told), mib=median(each.mib for each in told)
    )


def exponent(small: Figures, large: Figures) -> float:
    """Power of the number of events with which the seconds grow."""
    return log(large.seconds / small.seconds) / log(large.events / small.events)


def main() -> None:
    """Run a prepared desk, or measure all sizes and print a table."""
    if sys.argv[1:2] == ["run"]:
        sys.stdout.write(json.dumps(run(Path(sys.argv[2]))))
        return
    found = [measure(size) for size in SIZES]
    sys.stdout.write("| tickets | events | cycles | seconds | MiB |\n|---|---|---|---|---|\n")
    for each in found:
        counts = f"{each.tickets:,} | {each.events:,} | {each.cycles:,}"
        sys.stdout.write(f"| {counts} | {each.seconds:.1f} | {each.mib:,.0f} |\n")
    grows = exponent(found[0], found[-1])
    sys.stdout.write(f"\nSeconds grow with the events to the power of {grows:.2f}.\n")
    largest = found[-1]
    raise SystemExit(largest.seconds > MOST_SECONDS or largest.mib > MOST_MIB)


if __name__ == "__main__":
    main()
