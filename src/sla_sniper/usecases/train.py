"""sniper train: test the recipe on the newest days, then fit it on all and save it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.instants import zone
from sla_sniper.core.progress import Progress, silent
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.model.bundle import Evidence, read_manifest, save_bundle
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.evaluating import run_trial
from sla_sniper.usecases.files import overwrite_table
from sla_sniper.usecases.forecasting import decided, fit_model, learnable, require_openings
from sla_sniper.usecases.leaks import refuse, scan_columns, scan_features
from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.evaluating import Trial
    from sla_sniper.usecases.leaks import Leak

TEST_SHARE = 0.25
"""Share of the log's time, the newest, on which the recipe is tested."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """A saved bundle and how its recipe did on days it had not seen."""

    folder: Path
    trial: Trial
    as_of: datetime
    why: str
    cut: datetime
    manifest: dict[str, Any]
    leaks: tuple[Leak, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper train`."""
        facts = {
            "why": self.why,
            "version": self.folder.name,
            "bundle": str(self.folder),
            "model": self.manifest["estimator"],
            "training": self.manifest["training"],
            "calibrator": self.manifest["calibrator"]["name"],
            "tested_from": self.cut,
            "metrics": self.trial.metric_records(),
            "advantage": self.trial.summary.as_dict()["advantage"],
            "verdict": self.manifest["evaluation"]["verdict"]["sentence"],
            "leaks": [leak.as_dict() for leak in self.leaks],
        }
        return as_json(header("train", self.as_of) | facts)


def train(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    name: str = "lightgbm",
    progress: Progress = silent,
) -> TrainReport:
    """Fit, calibrate, evaluate and save a bundle from what was known at `as_of`.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NotEnoughHistoryError
        If the log is too short for an honest split in time; there is no random split.
    LeakError
        If a column or feature knows how tickets ended.
    """
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    return train_on(desk, name=name)


def train_on(desk: Desk, *, name: str) -> TrainReport:
    """Train on an opened desk; see `train`."""
    desk.workspace.sla.require_costs()
    require_openings(desk, until=desk.as_of)
    warnings = refuse(scan_columns(desk))
    first, until = desk.active
    cut = until - (until - first) * TEST_SHARE
    cut = cut.replace(minute=0, second=0, microsecond=0)
    moments = desk.thinned(desk.landmarks(first, until, "hour"))
    snapshots = desk.snapshots(moments)
    learnt = learnable(desk, snapshots, cut=desk.as_of)
    warnings += refuse(scan_features(desk, decided(learnt, cut=desk.as_of)))
    capacity = desk.workspace.sla.capacity_per_day
    trial = run_trial(
        desk,
        snapshots,
        moments.filter(pl.col("landmark") >= cut),
        cuts=[cut],
        name=name,
        capacities=[capacity],
        is_scanned=True,
    )
    evidence = Evidence(
        metrics=trial.metrics, cut=cut, until=desk.as_of, verdict=_verdict(trial, desk)
    )
    saved = _save(desk, snapshots, learnt, name=name, evidence=evidence)
    return TrainReport(saved, trial, desk.as_of, desk.why, cut, read_manifest(saved), warnings)


def _save(
    desk: Desk, snapshots: pl.DataFrame, learnt: pl.DataFrame, *, name: str, evidence: Evidence
) -> Path:
    model = fit_model(desk, learnt, cut=desk.as_of, name=name)
    desk.progress("saving the bundle")
    with workspace_lock(desk.workspace.folder):
        overwrite_table(snapshots, desk.workspace.tables / "snapshots")
        saved = save_bundle(model, desk.workspace.models, evidence=evidence)
        # The bundle trained last ranks the queue, also where it was there before.
        (saved / "manifest.json").touch()
        return saved


def _verdict(trial: Trial, desk: Desk) -> dict[str, Any]:
    """What the gate lets the queue say and rank by, and under which settings that holds."""
    sla = desk.workspace.sla
    verdict = trial.summary.verdict(sla.capacity_per_day)
    return {
        "policy": verdict.policy,
        "sentence": verdict.sentence,
        "capacity": sla.capacity_per_day,
        "rule": verdict.advantage.rule,
        "promise": sla.promise,
        "stakes": sla.stakes,
        "last_day": min(trial.summary.last_day, _last_whole_day(desk)),
    }


def _last_whole_day(desk: Desk) -> str:
    """The last day that was over: hours of the next one are no day that a backtest lacks."""
    today = desk.as_of.astimezone(zone(desk.workspace.landmarks.timezone)).date()
    return str(today - timedelta(days=1))
