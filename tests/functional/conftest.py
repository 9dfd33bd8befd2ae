"""A small help desk with a hidden reason for lateness, and the real command to drive on it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from sla_sniper.cli.app import app

ZONE = "Europe/Amsterdam"
FIRST = datetime(2025, 9, 1)
"""A Monday; the log runs over the end of summer time on 26 October."""
LAST = datetime(2025, 10, 31, 18)
N_TICKETS = 1500
TARGET_HOURS = {"P1": 4, "P2": 8, "P3": 24, "P4": 40}
OPENS, CLOSES = 9, 17

MAP = """
[log]
source = "{source}"
shape = "events"
timezone = "Europe/Amsterdam"

[columns]
ticket_id = "number"
occurred_at = "updated"
created_at = "opened"
status = "state"
priority = "prio"
group = "team"
assignee = "agent"
channel = "channel"
category = "category"
requester = "caller"

[attributes]
keep = ["site"]

[values.priority]
P1 = "critical"
P2 = "high"
P3 = "moderate"
P4 = "low"

[values.status]
New = "new"
Work = "open"
"Awaiting caller" = "waiting_requester"
Resolved = "resolved"
Closed = "closed"
"""

SLA = """
[calendars.office]
timezone = "Europe/Amsterdam"
holidays = { country = "NL", dates = ["2025-09-17"] }

[calendars.office.hours]
mon = ["09:00-17:00"]
tue = ["09:00-12:00", "13:00-18:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]

[[policies]]
name = "standard"
when = { priority = ["critical", "high", "moderate", "low"] }

  [[policies.targets]]
  metric = "resolution_time"
  calendar = "office"
  target = { critical = "4h", high = "8h", moderate = "24h", low = "40h" }
  pause_in = ["waiting_requester"]

[costs]
currency = "EUR"
breach = { critical = 500, high = 200, moderate = 50, low = 10 }
intervention = 2
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }

[capacity]
per_day = 10
"""


@dataclass(frozen=True)
class Outcome:
    """What one run of the command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output; anything else there fails."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def sniper(*words: object) -> Outcome:
    """Run the real command in this process."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def succeed(*words: object) -> Outcome:
    """Run the real command and insist on success."""
    outcome = sniper(*words)
    assert outcome.code == 0, outcome.err
    return outcome


def add_work_hours(start: datetime, hours: float) -> datetime:
    """Step through plain 09-17 weekdays; rougher than the product's calendar on purpose."""
    now = start
    while True:
        now = _next_open(now)
        left = (now.replace(hour=CLOSES, minute=0, second=0) - now) / timedelta(hours=1)
        if hours <= left:
            return now + timedelta(hours=hours)
        hours -= left
        now = now.replace(hour=CLOSES, minute=0, second=0)


def _next_open(now: datetime) -> datetime:
    if now.hour >= CLOSES:
        now = (now + timedelta(days=1)).replace(hour=OPENS, minute=0, second=0)
    elif now.hour < OPENS:
        now = now.replace(hour=OPENS, minute=0, second=0)
    while now.isoweekday() > 5:
        now = (now + timedelta(days=1)).replace(hour=OPENS, minute=0, second=0)
    return now


def desk_rows(seed: int = 7, n_tickets: int = N_TICKETS) -> pl.DataFrame:
    """Rows of a log of changes, in order of time.

    Tickets about the VPN, and those of the team `network`, take about three times as long.
    """
    rng = np.random.default_rng(seed)
    rows = [row for number in range(n_tickets) for row in _ticket(number, rng)]
    return pl.DataFrame(rows, orient="row").sort("updated", "number", maintain_order=True)


def _ticket(number: int, rng: np.random.Generator) -> list[dict[str, str]]:
    opened = _next_open(FIRST + timedelta(days=rng.uniform(0, 60.3))) + timedelta(
        minutes=int(rng.integers(0, 420))
    )
    opened = opened.replace(microsecond=0)
    prio = str(rng.choice(list(TARGET_HOURS), p=[0.05, 0.2, 0.55, 0.2]))
    facts = {
        "number": f"T{number:05}",
        "opened": f"{opened}",
        "prio": prio,
        "team": str(rng.choice(["desk", "network", "apps", "field"], p=[0.4, 0.2, 0.25, 0.15])),
        "channel": str(rng.choice(["mail", "phone", "portal"])),
        "category": str(rng.choice(["vpn", "mail", "laptop", "access"], p=[0.2, 0.3, 0.3, 0.2])),
        "caller": f"caller {rng.integers(0, 120)}",
        "site": str(rng.choice(["AMS", "UTR", "RTM"])),
    }
    is_slow = facts["category"] == "vpn" or facts["team"] == "network"
    effort = TARGET_HOURS[prio] * rng.lognormal(-0.9, 0.5) * (3 if is_slow else 1)
    taken = add_work_hours(opened, effort * rng.uniform(0.05, 0.3))
    done = add_work_hours(taken, effort)
    steps = [(opened, "New", ""), (taken, "Work", f"agent {rng.integers(0, 15)}")]
    if rng.random() < 0.2:
        asked = taken + (done - taken) * rng.uniform(0.1, 0.9)
        answered = add_work_hours(asked, rng.uniform(1, 20))
        done += answered - asked
        steps += [(asked, "Awaiting caller", steps[1][2]), (answered, "Work", steps[1][2])]
    steps.append((done, "Resolved", steps[1][2]))
    if rng.random() < 0.05:
        again = add_work_hours(done, 3)
        done = add_work_hours(again, effort / 2)
        steps += [(again, "Work", steps[1][2]), (done, "Resolved", steps[1][2])]
    steps.append((done + timedelta(days=5), "Closed", steps[1][2]))
    return [
        {**facts, "updated": f"{at.replace(microsecond=0)}", "state": state, "agent": agent}
        for at, state, agent in steps
        if at <= LAST
    ]


def never_resolved_after(rows: pl.DataFrame, landmark: str) -> pl.DataFrame:
    """Rows of a log in which what ended later never did."""
    is_later = pl.col("updated") > landmark
    return rows.with_columns(
        state=pl.when(is_later & (pl.col("state") == "Resolved"))
        .then(pl.lit("Awaiting caller"))
        .otherwise("state")
    )


def write_desk(folder: Path, rows: pl.DataFrame, *, source: str = "desk") -> Path:
    """Make a workspace by the command itself, put our settings in, ingest `rows`."""
    succeed("init", folder)
    (folder / "map.toml").write_text(MAP.format(source=source), encoding="utf-8")
    (folder / "sla.toml").write_text(SLA, encoding="utf-8")
    log = folder.with_suffix(".csv")
    rows.write_csv(log)
    succeed("ingest", log, "--workspace", folder)
    return folder


def fingerprint(folder: Path) -> dict[str, str]:
    """Hash of every file of a workspace, but the lock, which tells who wrote last."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return desk_rows()


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory, rows: pl.DataFrame) -> Path:
    """A workspace with its log; tests copy it before they write."""
    return write_desk(tmp_path_factory.mktemp("functional") / "desk", rows)


@pytest.fixture(scope="session")
def backtested(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with a backtest, a model and every decision in `decisions.csv`."""
    folder = tmp_path_factory.mktemp("backtested") / "desk"
    shutil.copytree(ingested, folder)
    outcome = succeed(*BACKTEST, "--out", folder.parent / "decisions.csv", "--json", "-w", folder)
    (folder.parent / "backtest.json").write_text(outcome.out, encoding="utf-8")
    (folder.parent / "backtest.err").write_text(outcome.err, encoding="utf-8")
    trained = succeed("train", "--model", "logistic", "--json", "-w", folder)
    (folder.parent / "train.json").write_text(trained.out, encoding="utf-8")
    return folder


BACKTEST = (
    "backtest", "--model", "logistic", "--capacity", "5,10", "--epoch", "day",
    "--from", "2025-10-06", "--to", "2025-10-31",
)  # fmt: skip


@pytest.fixture
def workspace(ingested: Path, tmp_path: Path) -> Path:
    """A fresh copy of the ingested workspace."""
    return shutil.copytree(ingested, tmp_path / "desk")


@pytest.fixture
def trained(backtested: Path, tmp_path: Path) -> Path:
    """A fresh copy of the workspace with a backtest and a model."""
    return shutil.copytree(backtested, tmp_path / "desk")
