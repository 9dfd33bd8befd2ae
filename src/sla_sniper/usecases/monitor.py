"""sniper monitor: whether the desk has moved away from the model, and what that costs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError, SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.escalation import SlotRule, backtest, replay
from sla_sniper.escalation.gate import MIN_DAYS, total_interval
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.model.bundle import load_bundle, read_manifest
from sla_sniper.model.drift import drifts
from sla_sniper.model.metrics import auc, brier_skill
from sla_sniper.model.split import training_rows
from sla_sniper.snapshots.labels import with_labels
from sla_sniper.stats.bootstrap import day_weights, ratio_interval
from sla_sniper.usecases.bundles import known_bundle
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import write_text
from sla_sniper.usecases.forecasting import (
    POOL_COLUMNS,
    decided,
    fit_model,
    learnable,
    rule_chance,
)
from sla_sniper.usecases.kept import latest_monitor
from sla_sniper.usecases.leaks import refuse, scan_columns, scan_features
from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.escalation import Replay, Verdict
    from sla_sniper.model.drift import Drift
    from sla_sniper.model.forecast import BreachModel
    from sla_sniper.stats.intervals import Interval
    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.leaks import Leak

WEEKS: Final = 4
MISCALIBRATED: Final = 0.05
"""Mean forecast minus breach rate from which a model is off, if its interval says so too."""

MIN_CLOSING_DAYS: Final = 15
"""Ripe days from which an interval around zero closes the gate; of fewer only a loss does."""

_SAMPLE: Final = 5_000


class NoModelError(SlaSniperError):
    """There is no model to watch."""

    exit_code = 42

    def __str__(self) -> str:
        return "No model was trained on these promises by then; run `sniper train` first."


@dataclass(frozen=True, slots=True)
class Ripe:
    """What the ripe days say: those whose clocks would have run out by now.

    Attributes
    ----------
    n_days, n_rows : int
    auc, brier_skill : float
        NaN where every clock came to the same: money can be replayed without them.
    forecast, observed : float
        Mean p_breach and share that breached.
    miscalibration : Interval
        Mean p_breach minus the share, over days.
    captured, captured_by_rule : float
        Share of the catchable cost at today's capacity; NaN where nothing could be caught.
    verdict : Verdict
        Of the honesty gate on these days; see `closes`.
    lost : Interval, optional
        Net saving that a model trained when these days began would have had more, in currency.
    leaks : tuple of Leak
        Warnings of the leak scanner about what that model learnt from.
    """

    n_days: int
    n_rows: int
    auc: float
    brier_skill: float
    forecast: float
    observed: float
    miscalibration: Interval
    captured: float
    captured_by_rule: float
    verdict: Verdict
    lost: Interval | None
    leaks: tuple[Leak, ...] = ()

    @property
    def closes(self) -> bool:
        """Whether these days say enough against the forecast to close the gate."""
        says = self.verdict.advantage.difference <= 0 or self.n_days >= MIN_CLOSING_DAYS
        return says and self.verdict.policy != "sniper"


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """How the model in use has fared since it was trained.

    Attributes
    ----------
    status : {"quiet", "waiting", "drift", "decayed"}
        Nothing to say; labels have yet to ripen; inputs moved; the forecast or its value fell.
    sentences : tuple of str
        What was found, the worst first.
    proposal : str
        What to do; empty where there is nothing to do.
    """

    status: str
    sentences: tuple[str, ...]
    proposal: str
    version: str
    estimator: str
    start: datetime
    as_of: datetime
    why: str
    n_recent: int
    n_ripe: int
    inputs: tuple[Drift, ...]
    ripe: Ripe | None
    policy: str
    currency: str
    stakes: str

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper monitor`."""
        facts: dict[str, Any] = {
            "why": self.why,
            "status": self.status,
            "sentences": self.sentences,
            "proposal": self.proposal,
            "version": self.version,
            "model": self.estimator,
            "from": self.start,
            "snapshots": self.n_recent,
            "ripe": self.n_ripe,
            "inputs": [each.as_dict() for each in self.inputs],
            "policy": self.policy,
            "currency": self.currency,
            "stakes": self.stakes,
            "leaks": [leak.as_dict() for leak in self.ripe.leaks] if self.ripe else [],
            "outcomes": None,
            "verdicts": [],
        }
        if self.ripe:
            facts |= _outcomes(self.ripe)
        return as_json(header("monitor", self.as_of) | facts)


def monitor(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    weeks: int = WEEKS,
    progress: Progress = silent,
) -> MonitorReport:
    """Compare the recent weeks with what the model in use was trained on.

    Parameters
    ----------
    weeks : int
        How many to look back at most; never to before the model's cut.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NoModelError
        If no model was trained on these promises by then.
    LeakError
        If what a fresh model would learn from knows how tickets ended.
    UnreadableFileError
        If what the last one kept is damaged: it may hold what closed the gate.
    """
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    desk.workspace.sla.require_costs()
    latest_monitor(desk.workspace.outputs)  # Refused before any work is done.
    bundle = known_bundle(desk)
    if bundle is None:
        raise NoModelError
    model, manifest = load_bundle(bundle), read_manifest(bundle)
    cut = model.training.cut
    first, until = desk.active
    start = max(cut, until - timedelta(weeks=weeks))
    recent = desk.snapshots_at(desk.landmarks(start, until, "day")) if start < until else None
    ripe, n_ripe = None, 0
    moved: tuple[Drift, ...] = ()
    if recent is not None and recent.height:
        progress("comparing with training")
        before = desk.snapshots_at(desk.thinned(desk.landmarks(first, cut, "day")))
        sample = recent.sample(min(_SAMPLE, recent.height), seed=0)
        if before.height:
            moved = drifts(before, recent, model.features, model.contributions(sample))
        labelled = with_labels(recent, desk.cycles(as_of=desk.as_of))
        tested = labelled.filter(pl.Series(training_rows(labelled, cut=_later(desk.as_of))))
        n_ripe = tested.height
        ripe = _measured(desk, model, before, tested, start)
    report = _judged(ripe, moved, desk, model)
    result = MonitorReport(
        **report,
        version=bundle.name,
        estimator=manifest["estimator"],
        start=start,
        as_of=desk.as_of,
        why=desk.why,
        n_recent=0 if recent is None else recent.height,
        n_ripe=n_ripe,
        inputs=moved,
        ripe=ripe,
        currency=desk.workspace.sla.costs.currency,
        stakes=desk.workspace.sla.stakes,
    )
    _keep(result, desk)
    return result


def _later(moment: datetime) -> datetime:
    """The first instant after `moment`: a cut excludes its own landmarks."""
    return moment + timedelta(microseconds=1)


def _measured(
    desk: Desk, model: BreachModel, before: pl.DataFrame, tested: pl.DataFrame, start: datetime
) -> Ripe | None:
    """Measure on ripe days; None where there are too few to say anything."""
    y = tested["breached"].to_numpy().astype(bool)
    if tested["day"].n_unique() < MIN_DAYS:
        return None
    sla = desk.workspace.sla
    pool = _pool(model, tested)
    cut = model.training.cut
    learnt = None
    if before.height:
        # Of days that it learnt the model has no forecasts, by which slots could be priced.
        learnt = _pool(model, decided(learnable(desk, before, cut=cut), cut=cut)).drop("p_breach")
    result, summary = backtest(
        pool,
        sla.costs,
        capacities=[sla.capacity_per_day],
        training=learnt,
        staffing=desk.staffing,
    )
    verdict = summary.verdict(sla.capacity_per_day)
    shares = {each.policy: each.captured_share.estimate for each in summary.policies}
    p = pool["p_breach"].to_numpy()
    lost, leaks = _lost(desk, model, tested, result, start)
    return Ripe(
        n_days=tested["day"].n_unique(),
        n_rows=tested.height,
        auc=auc(y, p),
        brier_skill=brier_skill(y, p),
        forecast=float(p.mean()),
        observed=float(y.mean()),
        miscalibration=_by_day(p - y, tested["day"]),
        captured=shares["sniper"],
        captured_by_rule=shares[verdict.advantage.rule],
        verdict=verdict,
        lost=lost,
        leaks=leaks,
    )


def _lost(
    desk: Desk, model: BreachModel, tested: pl.DataFrame, old: Replay, start: datetime
) -> tuple[Interval | None, tuple[Leak, ...]]:
    """Net saving that a model trained at `start` has more on the same days; None if it cannot be.

    A model that was trained at `start` itself is fresh: it has lost nothing to compare. Before
    another one is trained the leak scanner looks at what it would learn from; its warnings come
    second.
    """
    if start <= model.training.cut:
        return None, ()
    first, _ = desk.active
    leaks = refuse(scan_columns(desk))
    earlier = desk.snapshots_at(desk.thinned(desk.landmarks(first, start, "hour")))
    learnt = learnable(desk, earlier, cut=start)
    leaks += refuse(scan_features(desk, decided(learnt, cut=start)))
    try:
        fresh = fit_model(desk, learnt, cut=start, name=model.name)
    except NotEnoughHistoryError:
        return None, leaks
    costs = desk.workspace.sla.costs
    new = replay(
        _pool(fresh, tested),
        costs,
        capacities=old.capacities,
        policies=["sniper"],
        rule=SlotRule(old.priced, desk.staffing),
    )
    key = ("sniper", old.capacities[0])
    gain = new.totals[key].net(costs) - old.totals[key].net(costs)
    return total_interval(gain, day_weights(len(gain))), leaks


def _pool(model: BreachModel, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Snapshots as replay reads them, the model's own forecast standing in for the plain one."""
    p = pl.Series("p_breach", model.predict(snapshots))
    rule = pl.Series("p_edf", rule_chance(model.edf_value, snapshots))
    return snapshots.select(*POOL_COLUMNS, p, p.alias("p_logistic"), rule)


def _by_day(values: np.ndarray[Any, np.dtype[np.float64]], days: pl.Series) -> Interval:
    at = days.rank("dense").cast(pl.Int64).to_numpy() - 1
    counts = np.bincount(at).astype(np.float64)
    sums = np.bincount(at, values).astype(np.float64)
    return ratio_interval(sums, counts, day_weights(len(counts)))


def _judged(
    ripe: Ripe | None, moved: tuple[Drift, ...], desk: Desk, model: BreachModel
) -> dict[str, Any]:
    currency = desk.workspace.sla.costs.currency
    told = list(_decay(ripe, currency)) if ripe else []
    decayed = bool(told)
    told += [f"Inputs moved, {each.cause}: {each.sentence}." for each in moved]
    status = "decayed" if decayed else "drift" if moved else "quiet" if ripe else "waiting"
    if status == "waiting":
        told.append(
            f"Fewer than {MIN_DAYS} days after {model.training.cut:%Y-%m-%d %H:%M} UTC have ripe "
            "labels: nothing can be measured yet."
        )
    elif status == "quiet":
        told.append("The recent weeks look like training, and the forecast holds.")
    proposal = "Train again: sniper train" if status in {"decayed", "drift"} else ""
    policy = ripe.verdict.policy if ripe else ""
    return {"status": status, "sentences": tuple(told), "proposal": proposal, "policy": policy}


def _decay(ripe: Ripe, currency: str) -> list[str]:
    told = []
    if ripe.lost is not None and ripe.lost.is_above(0):
        told.append(
            f"A model trained when these days began would have saved {ripe.lost.estimate:,.0f} "
            f"[{ripe.lost.low:,.0f}, {ripe.lost.high:,.0f}] {currency} more on {ripe.n_days} days."
        )
    off = ripe.miscalibration
    if abs(off.estimate) >= MISCALIBRATED and (off.low > 0 or off.high < 0):
        told.append(
            f"The forecast says {100 * ripe.forecast:.0f} %, {100 * ripe.observed:.0f} % breached "
            f"(difference {100 * off.estimate:+.0f} points [{100 * off.low:+.0f}, "
            f"{100 * off.high:+.0f}])."
        )
    return told


def _outcomes(ripe: Ripe) -> dict[str, Any]:
    advantage = ripe.verdict.advantage
    return {
        "outcomes": {
            "days": ripe.n_days,
            "auc": ripe.auc,
            "brier_skill": ripe.brier_skill,
            "forecast": ripe.forecast,
            "observed": ripe.observed,
            "closes": ripe.closes,
            "miscalibration": _bounds(ripe.miscalibration),
            "captured_share": ripe.captured,
            "captured_share_of_rule": ripe.captured_by_rule,
            "rule": advantage.rule,
            "lost_by_decay": None if ripe.lost is None else _bounds(ripe.lost),
        },
        "verdicts": [dataclasses.asdict(ripe.verdict)],
    }


def _bounds(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _keep(report: MonitorReport, desk: Desk) -> None:
    """Keep the report where the queue finds it, with the verdict that last closed the gate."""
    outputs = desk.workspace.outputs
    with workspace_lock(desk.workspace.folder):
        kept = latest_monitor(outputs)
        told = report.as_dict()
        told["closed"] = None if kept is None else kept["closed"]
        if report.ripe is not None and report.ripe.closes:
            told["closed"] = {key: told[key] for key in ("as_of", "version", "stakes")} | {
                "verdict": told["verdicts"][0]
            }
        write_text(json.dumps(told, allow_nan=False), outputs / "monitor" / "summary.json")
