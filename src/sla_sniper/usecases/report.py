"""sniper report: the executive report, written into the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import UnreadableFileError, WorkspaceError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.model.bundle import read_manifest
from sla_sniper.outputs.markdown import Facts, executive_report, nearest_capacity
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.diagnose import diagnose_desk
from sla_sniper.usecases.files import write_text
from sla_sniper.usecases.queue import known_bundle
from sla_sniper.usecases.results import header
from sla_sniper.usecases.verdicts import (
    InForce,
    in_force,
    is_of_another_model,
    latest_backtest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sla_sniper.usecases.desk import Desk


class NoBacktestError(WorkspaceError):
    """Nothing was replayed yet under the present settings, so that there is nothing to report."""

    exit_code = 37

    def __init__(self, folder: str, lacking: str) -> None:
        super().__init__(folder, lacking)
        self.folder, self.lacking = folder, lacking

    def __str__(self) -> str:
        return (
            f"The workspace {self.folder} has no backtest {self.lacking}; "
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
        If nothing was replayed yet, or under other promises, costs or kinds of capacity, or by
        another estimator than that of the model in use.
    UnreadableFileError
        If what was replayed is of an older version, without what the report tells.
    """
    desk = open_desk(folder, asked=None, now=now, progress=progress)
    desk.workspace.sla.require_costs()
    backtest = latest_backtest(desk.workspace.outputs)
    if backtest is None or datetime.fromisoformat(backtest["as_of"]) > desk.as_of:
        raise NoBacktestError(str(folder), f"that was known by {desk.as_of.isoformat()}")
    if backtest.get("stakes") != desk.workspace.sla.stakes:
        raise NoBacktestError(str(folder), "under the promises and costs that sla.toml has now")
    if "sensitivity" not in backtest:
        raise UnreadableFileError(
            str(desk.workspace.outputs / "backtest" / "summary.json"),
            "an older version wrote it",
            "run `sniper backtest` again",
        )
    bundle = known_bundle(desk)
    manifest = None if bundle is None else read_manifest(bundle)
    if manifest is not None and is_of_another_model(backtest, manifest):
        raise NoBacktestError(str(folder), f"of the model in use, {manifest['estimator']}")
    found = diagnose_desk(desk)
    capacity = nearest_capacity(backtest, desk.workspace.sla.capacity_per_day)
    verdict = _in_force(desk, capacity, manifest)
    facts = Facts(
        backtest=backtest,
        diagnosis=found.diagnosis,
        metric=found.metric,
        capacity=capacity,
        as_of=desk.as_of.isoformat(),
        policy=verdict.policy,
        sentence=verdict.sentence,
        why=verdict.why,
    )
    path = out or desk.workspace.outputs / "executive_slides.md"
    write_text(executive_report(facts), path)
    return Report(path, desk.as_of, verdict.sentence)


def _in_force(desk: Desk, capacity: int, manifest: Mapping[str, Any] | None) -> InForce:
    """The verdict in force; a claim is only that of the backtest, whose numbers are told."""
    verdict = in_force(desk.workspace, capacity, as_of=desk.as_of, manifest=manifest)
    if not verdict.is_claimed:
        return verdict
    return in_force(desk.workspace, capacity, as_of=desk.as_of, manifest=None)
