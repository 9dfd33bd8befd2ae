"""sniper report: the executive report, written into the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import UnreadableFileError, WorkspaceError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.outputs.markdown import Facts, executive_report, nearest_capacity
from sla_sniper.usecases.backtest import latest_backtest
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.diagnose import diagnose_desk
from sla_sniper.usecases.files import write_text
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from pathlib import Path


class NoBacktestError(WorkspaceError):
    """Nothing was replayed yet, so that there is nothing to report."""

    exit_code = 37

    def __init__(self, folder: str, as_of: str) -> None:
        super().__init__(folder, as_of)
        self.folder, self.as_of = folder, as_of

    def __str__(self) -> str:
        return (
            f"The workspace {self.folder} has no backtest that was known by {self.as_of}; "
            "run `sniper backtest` first."
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Where the report is."""

    path: Path
    as_of: datetime
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper report`."""
        return header("report", self.as_of) | {"file": str(self.path), "verdict": self.verdict}


def write_report(
    folder: Path, *, now: datetime, out: Path | None = None, progress: Progress = silent
) -> Report:
    """Write the executive report from the latest backtest and the diagnosis.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NoBacktestError
        If nothing was replayed yet.
    UnreadableFileError
        If what was replayed is of an older version, without what the report tells.
    """
    desk = open_desk(folder, asked=None, now=now, progress=progress)
    desk.workspace.sla.require_costs()
    backtest = latest_backtest(desk.workspace.outputs)
    if backtest is None or datetime.fromisoformat(backtest["as_of"]) > desk.as_of:
        raise NoBacktestError(str(folder), desk.as_of.isoformat())
    if "sensitivity" not in backtest:
        raise UnreadableFileError(
            str(desk.workspace.outputs / "backtest" / "summary.json"),
            "an older version wrote it",
            "run `sniper backtest` again",
        )
    found = diagnose_desk(desk)
    facts = Facts(
        backtest=backtest,
        diagnosis=found.diagnosis,
        metric=found.metric,
        capacity=nearest_capacity(backtest, desk.workspace.sla.capacity_per_day),
        as_of=desk.as_of.isoformat(),
    )
    path = out or desk.workspace.outputs / "executive_slides.md"
    write_text(executive_report(facts), path)
    return Report(path, desk.as_of, str(facts.verdict["sentence"]))
