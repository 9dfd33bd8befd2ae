"""Measure the diagnosis of a synthetic desk of a million tickets: seconds and memory.

``python -m tools.bench_diagnose`` writes the desk's log, takes it in with `sniper ingest` and runs
`sniper diagnose`, each run a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from tools.bench import SNIPER, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

TICKETS: Final = 1_000_000
RUNS: Final = 3
MOST_SECONDS: Final = 60
MOST_MIB: Final = 4096
HOUR: Final = 3600
# What happens to every ticket: taken up, sent back to the requester for a while, resolved.
STATUSES: Final = ("new", "open", "waiting_requester", "open", "resolved")
PRIORITIES: Final = ("low", "normal", "high", "urgent")
LEVELS: Final = {
    "group": 12, "category": 40, "channel": 5, "product": 8, "organization": 2000, "assignee": 300,
}  # fmt: skip
MAP: Final = """[log]
source = "desk"
shape = "events"
timezone = "UTC"

[columns]
ticket_id = "ticket_id"
occurred_at = "occurred_at"
status = "status"
priority = "priority"
group = "group"
category = "category"
channel = "channel"
product = "product"
organization = "organization"
assignee = "assignee"

[personal]
hash = ["assignee"]
"""
SLA: Final = """[calendars.office]
timezone = "Europe/Berlin"
hours = { mon-fri = ["08:00-12:00", "13:00-18:00"] }

[[policies]]
name = "all"
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "office"
  target = { urgent = "4h", high = "8h", normal = "16h", low = "40h" }
  pause_in = ["waiting_requester"]

[costs]
currency = "EUR"
breach = { urgent = 200, high = 100, normal = 50, low = 20 }
intervention = 5
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }
"""


def desk(n_tickets: int) -> pl.DataFrame:
    """Events of tickets over three years, five each; the same every time."""
    draw = np.random.default_rng(7)
    n_events = len(STATUSES)
    start = draw.integers(1_577_836_800, 1_672_531_200, n_tickets)
    priority = draw.integers(0, len(PRIORITIES), n_tickets)
    group = draw.integers(0, LEVELS["group"], n_tickets)
    # The lower groups are slower.
    mean = (2 + group) * HOUR * (1 + (3 - priority))
    gaps = draw.exponential(mean[:, None] / 2, (n_tickets, n_events)).astype(np.int64)
    gaps[:, 0] = 0
    at = start[:, None] + np.cumsum(gaps, axis=1)
    by_ticket = {
        "ticket_id": pl.Series(np.arange(n_tickets)).cast(pl.String),
        "priority": pl.Series(PRIORITIES)[priority],
        "group": _named("group", group),
    } | {
        name: _named(name, draw.integers(0, n, n_tickets))
        for name, n in LEVELS.items()
        if name != "group"
    }
    rows = np.repeat(np.arange(n_tickets), n_events)
    events = pl.DataFrame(by_ticket)[rows].with_columns(
        pl.Series("occurred_at", at.ravel() * 1_000_000).cast(pl.Datetime("us", "UTC")),
        pl.Series("status", list(STATUSES))[np.tile(np.arange(n_events), n_tickets)],
    )
    return events.sort("occurred_at")


def _named(name: str, code: NDArray[np.int64]) -> pl.Series:
    words = pl.Series(name, [f"{name} {number}" for number in range(LEVELS[name])])
    return words[code]


def main() -> None:
    """Take the desk in, diagnose it several times and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "desk"
        folder.mkdir()
        (folder / "map.toml").write_text(MAP, encoding="utf-8")
        (folder / "sla.toml").write_text(SLA, encoding="utf-8")
        log = Path(name) / "log.parquet"
        desk(TICKETS).write_parquet(log)
        ingest = [
            str(SNIPER),
            "ingest",
            str(log),
            "--map",
            str(folder / "map.toml"),
            "--workspace",
            str(folder),
        ]
        subprocess.run(ingest, check=True, capture_output=True)  # noqa: S603 - the constants above
        log.unlink()
        command = ("diagnose", "--workspace", str(folder), "--json")
        codes, times, sizes = zip(*(measure(command) for _ in range(RUNS)), strict=True)
    seconds, mib = median(times), median(sizes)
    told = f"{seconds:.1f} | {MOST_SECONDS} | {mib:,.0f} | {MOST_MIB:,} |"
    sys.stdout.write("| tickets | seconds | limit | MiB | limit |\n|---|---|---|---|---|\n")
    sys.stdout.write(f"| {TICKETS:,} | {told}\n")
    raise SystemExit(max(codes) != 0 or seconds > MOST_SECONDS or mib > MOST_MIB)


if __name__ == "__main__":
    main()
