"""sniper backtest: replay of all policies over past days."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from sla_sniper.core.errors import InputError
from sla_sniper.core.instants import localize, zone
from sla_sniper.core.progress import Progress, silent
from sla_sniper.escalation import (
    Sensitivity,
    SlotRule,
    decisions_frame,
    sensitivity,
)
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.model.bundle import read_manifest
from sla_sniper.panels.sensitivity import (
    BreakEvenPanel,
    TornadoPanel,
    break_even_panel,
    tornado_panel,
)
from sla_sniper.usecases.bundles import known_bundle
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.evaluating import Trial, refit_cuts, run_trial
from sla_sniper.usecases.files import NotWritableError, require_ending, write_table, write_text
from sla_sniper.usecases.fingerprint import log_facts
from sla_sniper.usecases.forecasting import require_openings
from sla_sniper.usecases.kept import digests, latest_backtest, require_whole
from sla_sniper.usecases.leaks import refuse, scan_columns
from sla_sniper.usecases.results import as_json, header
from sla_sniper.usecases.verdicts import in_force

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sla_sniper.escalation import CostTable
    from sla_sniper.snapshots.landmarks import Epoch
    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.leaks import Leak
    from sla_sniper.usecases.verdicts import InForce

Refit = Literal["weekly", "never"]
CAPACITIES = (10, 25, 50, 100)
DEFAULT_PERIOD = timedelta(days=30)
PREDICTIONS_NAME = "predictions.parquet"


class EmptyPeriodError(InputError):
    """A period that ends before it begins."""

    exit_code = 15

    def __init__(self, start: str, end: str) -> None:
        super().__init__(start, end)
        self.start, self.end = start, end

    def __str__(self) -> str:
        return f"The period from {self.start} to {self.end} is empty; --to must be later."


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay and with which model.

    Attributes
    ----------
    start, end : datetime, optional
        Included and excluded; the last 30 days of the log where not given.
    capacities : tuple of int
        Slots a day.
    epoch : {"hour", "day"}
        How often a decision is taken.
    model : str
        The estimator.
    refit : {"weekly", "never"}
        Whether the model is fitted again each week of the period, or at its start alone.
    """

    start: datetime | None = None
    end: datetime | None = None
    capacities: tuple[int, ...] = CAPACITIES
    epoch: Epoch = "hour"
    model: str = "lightgbm"
    refit: Refit = "weekly"


@dataclass(frozen=True, slots=True)
class Period:
    """What to replay: from `start` (included) to `end` (excluded), and how it is fitted."""

    start: datetime
    end: datetime
    epoch: Epoch
    refit: Refit = "weekly"


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """A trial, the period it covers and when it was known.

    Attributes
    ----------
    asked : str
        The estimator asked for: on a small log another one takes its place.
    leaks : tuple of Leak
        Warnings about the columns of the log and about the features first learnt from.
    in_force : mapping of int to InForce
        By capacity, what may be claimed beside what a monitor or a training has found; empty where
        nothing was kept, or there is no model yet.
    """

    trial: Trial
    period: Period
    as_of: datetime
    why: str
    stakes: str
    sensitivity: Sensitivity
    asked: str
    leaks: tuple[Leak, ...] = ()
    in_force: Mapping[int, InForce] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper backtest`."""
        model = self.trial.fits[0].model
        facts = {
            "why": self.why,
            "from": self.period.start,
            "to": self.period.end,
            "epoch": self.period.epoch,
            "model": model.name,
            "model_asked": self.asked,
            "refit": self.period.refit,
            "fits": self.trial.fit_records(),
            "stakes": self.stakes,
            "trained_on": {
                "snapshots": model.training.n_rows,
                "tickets": model.training.n_tickets,
                "first_landmark": model.training.first_landmark,
                "last_landmark": model.training.last_landmark,
            },
            "metrics": self.trial.metric_records(),
            "sensitivity": dataclasses.asdict(self.sensitivity),
            "leaks": [leak.as_dict() for leak in self.leaks],
        }
        if self.in_force:
            facts["in_force"] = [
                {"capacity": capacity, **dataclasses.asdict(found)}
                for capacity, found in self.in_force.items()
            ]
        return as_json(self.trial.summary.as_dict() | header("backtest", self.as_of) | facts)

    def panels(self, costs: CostTable) -> dict[str, TornadoPanel | BreakEvenPanel]:
        """What the answer hangs on, as charts by name."""
        return {
            "tornado": tornado_panel(self.sensitivity, costs.currency),
            "break_even": break_even_panel(self.sensitivity, costs.effectiveness, costs.currency),
        }


def run_backtest(
    folder: Path,
    plan: Plan,
    *,
    now: datetime,
    out: Path | None = None,
    progress: Progress = silent,
) -> BacktestReport:
    """Replay all policies over past days with models that knew nothing of them.

    Parameters
    ----------
    folder : Path
        The workspace.
    plan : Plan
        Period, capacities, epoch and estimator.
    now : datetime
        The machine's clock.
    out : Path, optional
        Where every decision is written, with `predictions.parquet` beside it.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NotEnoughHistoryError
        If the log is too short for an honest split in time.
    LeakError
        If a column or feature knows how tickets ended.
    """
    if out is not None:
        require_ending(out)
        if out.name == PREDICTIONS_NAME:
            raise NotWritableError(str(out), f"{PREDICTIONS_NAME} is written beside it")
    desk = open_desk(folder, asked=None, now=now, progress=progress)
    report = replay_desk(desk, plan)
    _keep(report, desk)
    report = dataclasses.replace(report, in_force=_in_force(report, desk))
    if out is not None:
        progress("writing every decision")
        write_table(decisions_frame(report.trial.replay), out)
        write_table(report.trial.pool, out.with_name(PREDICTIONS_NAME))
    return report


def replay_desk(desk: Desk, plan: Plan) -> BacktestReport:
    """Replay all policies on an opened desk and keep nothing; see `run_backtest`."""
    desk.workspace.sla.require_costs()
    period = _period(desk, plan)
    require_openings(desk, until=desk.as_of)
    warnings = refuse(scan_columns(desk))
    first, _ = desk.active
    # What comes after `as_of` has not happened, however far ahead the period goes.
    end = min(period.end, desk.as_of + timedelta(microseconds=1))
    cuts = [period.start]
    if plan.refit == "weekly":
        cuts = refit_cuts(period.start, end, timezone=desk.workspace.landmarks.timezone)
    known = desk.thinned(desk.landmarks(first, max(cuts), plan.epoch))
    trial = run_trial(
        desk,
        desk.snapshots(known),
        desk.landmarks(period.start, end, plan.epoch),
        cuts=cuts,
        name=plan.model,
        capacities=plan.capacities,
    )
    desk.progress("moving every assumption")
    return BacktestReport(
        trial=trial,
        period=period,
        as_of=desk.as_of,
        why=desk.why,
        stakes=desk.workspace.sla.stakes,
        sensitivity=_sensitivity(desk, trial),
        asked=plan.model,
        leaks=(*warnings, *trial.leaks),
    )


def _sensitivity(desk: Desk, trial: Trial) -> Sensitivity:
    """Move every assumption at the replayed capacity nearest to the one in force."""
    wanted = desk.workspace.sla.capacity_per_day
    capacity = min(trial.summary.capacities, key=lambda each: abs(each - wanted))
    return sensitivity(
        trial.pool,
        desk.workspace.sla.costs,
        capacity=capacity,
        rule=trial.summary.verdict(capacity).advantage.rule,
        slot_rule=SlotRule(trial.replay.priced, desk.staffing),
    )


def _period(desk: Desk, plan: Plan) -> Period:
    """Period asked for, or the last 30 days to the midnight after the last opening."""
    until = plan.end or _midnight_after(desk)
    begin = plan.start or until - DEFAULT_PERIOD
    if begin >= until:
        raise EmptyPeriodError(begin.isoformat(), until.isoformat())
    return Period(begin, until, plan.epoch, plan.refit)


def _midnight_after(desk: Desk) -> datetime:
    tz = zone(desk.workspace.landmarks.timezone)
    last = (desk.active[1] - timedelta(microseconds=1)).astimezone(tz).date()
    last += timedelta(days=1) if desk.active[1] > desk.as_of else timedelta()
    return localize(datetime.combine(last, datetime.min.time()), tz)


def _keep(report: BacktestReport, desk: Desk) -> None:
    """Keep the latest backtest where the command center and the report find it."""
    folder = desk.workspace.outputs / "backtest"
    with workspace_lock(desk.workspace.folder):
        write_table(report.trial.pool, folder / PREDICTIONS_NAME)
        write_table(report.trial.training, folder / "training.parquet")
        told = report.as_dict() | {"files": digests(folder), "log": log_facts(desk).fingerprint}
        write_text(json.dumps(told, allow_nan=False), folder / "summary.json")
        for name, panel in report.panels(desk.workspace.sla.costs).items():
            write_text(panel.chart().to_json(), folder / f"{name}.vl.json")


def _in_force(report: BacktestReport, desk: Desk) -> dict[int, InForce]:
    """Ask the gate what it lets be claimed now, by capacity; nothing without a model."""
    bundle = known_bundle(desk)
    if bundle is None:
        return {}
    manifest = read_manifest(bundle)
    return {
        capacity: in_force(desk.workspace, capacity, as_of=desk.as_of, manifest=manifest)
        for capacity in report.trial.summary.capacities
    }


def latest_pool(outputs: Path) -> pl.DataFrame | None:
    """Test days of the latest backtest, as replay reads them; None where there is none.

    Raises
    ------
    UnreadableFileError
        If they are not those of its summary; see `kept.require_whole`.
    """
    path = outputs / "backtest" / PREDICTIONS_NAME
    if not path.is_file():
        return None
    require_whole(outputs, latest_backtest(outputs) or {})
    return pl.read_parquet(path)
