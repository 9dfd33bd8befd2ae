"""sniper demo: the whole job on the bundled log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.core.progress import Progress, silent
from sla_sniper.data import demo_files
from sla_sniper.usecases.backtest import Plan, run_backtest
from sla_sniper.usecases.check import check_log
from sla_sniper.usecases.clock import read_clocks
from sla_sniper.usecases.ingest import ingest_files
from sla_sniper.usecases.init import init_workspace
from sla_sniper.usecases.queue import make_queue
from sla_sniper.usecases.report import write_report
from sla_sniper.usecases.results import header
from sla_sniper.usecases.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.usecases.backtest import BacktestReport
    from sla_sniper.usecases.check import CheckReport
    from sla_sniper.usecases.clock import ClockReport
    from sla_sniper.usecases.ingest import Ingested
    from sla_sniper.usecases.queue import QueueReport
    from sla_sniper.usecases.report import Report
    from sla_sniper.usecases.train import TrainReport

APRIL: Final = Plan(datetime(2016, 4, 1, tzinfo=UTC), datetime(2016, 5, 1, tzinfo=UTC))
"""The days replayed: April, by a model that knows March."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What each step of the main job gave."""

    folder: Path
    ingested: Ingested
    check: CheckReport
    clock: ClockReport
    backtest: BacktestReport
    trained: TrainReport
    queue: QueueReport
    report: Report

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper demo`."""
        return header("demo", self.queue.as_of) | {
            "workspace": str(self.folder),
            "ingest": self.ingested.as_dict(),
            "check": self.check.as_dict(),
            "clock": self.clock.as_dict(),
            "backtest": self.backtest.as_dict(),
            "train": self.trained.as_dict(),
            "queue": self.queue.as_dict(),
            "report": self.report.as_dict(),
        }


def run_demo(folder: Path, *, now: datetime, progress: Progress = silent) -> DemoReport:
    """Do the whole job in `folder`; a second run adds nothing and does the rest again."""
    if not (folder / "sla.toml").is_file():
        init_workspace(folder, package="servicenow")
    return DemoReport(
        folder=folder,
        ingested=ingest_files(folder, [demo_files().log], mapping=None, progress=progress),
        check=check_log(folder, as_of=None, now=now, progress=progress),
        clock=read_clocks(folder, as_of=None, now=now, progress=progress),
        backtest=run_backtest(folder, APRIL, now=now, progress=progress),
        trained=train(folder, as_of=None, now=now, progress=progress),
        queue=make_queue(folder, as_of=None, now=now, progress=progress),
        report=write_report(folder, now=now, progress=progress),
    )
