"""Killed at any moment, the log is as before or as after; repeated, it is whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from sla_sniper.eventlog.ingest import ingest
from sla_sniper.eventlog.mapping import Mapping
from sla_sniper.eventlog.reading import read_events
from sla_sniper.eventlog.store import EventStore

KEY = b"k" * 32
MAPPING = Mapping(
    shape="events",
    timezone="UTC",
    columns={"ticket_id": "id", "occurred_at": "at", "status": "status", "requester": "caller"},
)
FRACTIONS = [round(random.Random(seed).uniform(0, 1.1), 3) for seed in range(20)]
CHILD = """
import sys
from pathlib import Path
from sla_sniper.eventlog.ingest import ingest
from sla_sniper.eventlog.mapping import read_mapping
from sla_sniper.eventlog.store import EventStore
file, mapping, workspace = map(Path, sys.argv[1:])
print("ready", flush=True)
ingest([file], read_mapping(mapping), EventStore(workspace), key=b"k" * 32)
"""


def start(file: Path, mapping: Path, workspace: Path) -> subprocess.Popen:
    """Start an ingest in a process of its own, up to where it begins to read."""
    workspace.mkdir()
    command = [sys.executable, "-c", CHILD, file, mapping, workspace]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A file, its mapping, what the log holds after it, and the seconds that took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    rows = pl.int_range(60_000, eager=True).alias("n").to_frame()
    rows.select(
        id=pl.format("INC{}", pl.col("n") % 9_000),
        at=(pl.datetime(2024, 1, 1) + pl.duration(minutes="n")).dt.strftime("%Y-%m-%dT%H:%M"),
        status=pl.col("n").mod(3).replace_strict({0: "new", 1: "open", 2: "resolved"}),
        caller=pl.format("Caller {}", pl.col("n") % 700),
    ).write_csv(folder / "log.csv")
    (folder / "map.toml").write_text(MAPPING.as_toml(), encoding="utf-8")
    child = start(folder / "log.csv", folder / "map.toml", folder / "workspace")
    began = time.monotonic()
    child.communicate()
    assert child.returncode == 0
    seconds = time.monotonic() - began
    return folder, read_events(EventStore(folder / "workspace")), seconds


@pytest.mark.slow
@pytest.mark.parametrize("fraction", FRACTIONS)
def test_a_killed_ingest_can_be_repeated(undisturbed, tmp_path, fraction):
    folder, whole, seconds = undisturbed
    child = start(folder / "log.csv", folder / "map.toml", tmp_path / "workspace")
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=fraction * seconds)
    child.kill()
    child.communicate()
    store = EventStore(tmp_path / "workspace")
    left = read_events(store)

    ingest([folder / "log.csv"], MAPPING, store, key=KEY)

    assert left.is_empty() or left.equals(whole)
    assert read_events(store).equals(whole)
    assert not (tmp_path / "workspace" / ".staging").exists()
