"""The demo workspace, replayed once for every test that judges its figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from sla_sniper.config.workspace import open_workspace
from sla_sniper.data import demo_files
from sla_sniper.usecases.backtest import Plan, run_backtest
from sla_sniper.usecases.ingest import ingest_files
from sla_sniper.usecases.init import init_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.escalation import CostTable
    from sla_sniper.snapshots.landmarks import Epoch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
APRIL = datetime(2016, 4, 1, tzinfo=UTC), datetime(2016, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Replayed:
    """A workspace with a backtest of April, and what that left behind."""

    folder: Path
    costs: CostTable
    facts: dict
    pool: pl.DataFrame
    training: pl.DataFrame


def replay_april(folder: Path, capacities: tuple[int, ...], epoch: Epoch = "day") -> Replayed:
    """Ingest the bundled log and replay April, 08:00 each day or each full hour."""
    ingest_files(folder, [demo_files().log], mapping=None)
    report = run_backtest(folder, Plan(*APRIL, capacities, epoch), now=NOW)
    kept = folder / "outputs" / "backtest"
    return Replayed(
        folder,
        open_workspace(folder).sla.costs,
        report.as_dict(),
        pl.read_parquet(kept / "predictions.parquet"),
        pl.read_parquet(kept / "training.parquet"),
    )


@pytest.fixture(scope="session")
def demo_april(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "desk"
    init_workspace(folder, package="servicenow")
    return replay_april(folder, (25, 50, 100))


@pytest.fixture(scope="session")
def demo_april_by_hour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hourly") / "desk"
    init_workspace(folder, package="servicenow")
    return replay_april(folder, (50,), "hour")


@pytest.fixture(scope="session")
def closure_april(tmp_path_factory):
    """The same log under the promise that `made_sla` keeps: until closed, robot and all."""
    folder = tmp_path_factory.mktemp("closure") / "desk"
    init_workspace(folder, package="servicenow")
    edits = {
        "map.toml": ('"Resolved" = "resolved"', '"Resolved" = "open"'),
        "sla.toml": ('moderate = "40h", low = "80h"', 'moderate = "153h24m", low = "345h36m"'),
    }
    for name, (before, after) in edits.items():
        told = (folder / name).read_text()
        assert before in told
        (folder / name).write_text(told.replace(before, after))
    return replay_april(folder, (25, 50))
