"""sniper monitor: whether the desk has moved away from the model, and what that costs."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError, SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.escalation import SlotRule, backtest, replay
from sla_sniper.escalation.gate import MIN_DAYS, total_interval
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.model.bundle import fingerprint, load_bundle, read_manifest
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
from sla_sniper.usecases.kept import Closing, closings_of, latest_monitor, with_closing
from sla_sniper.usecases.leaks import refuse, scan_columns, scan_features
from sla_sniper.usecases.monitored import MonitorReport, Ripe

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.escalation import Replay
    from sla_sniper.model.drift import Drift
    from sla_sniper.model.forecast import BreachModel
    from sla_sniper.stats.intervals import Interval
    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.leaks import Leak

WEEKS: Final = 4
MISCALIBRATED: Final = 0.05
"""Mean forecast minus breach rate from which a model is off, if its interval says so too."""

WHOLE: Final = 0.9
"""Share of a day's clocks that are ripe from which the day counts towards closing the gate."""

_SAMPLE: Final = 5_000


class NoModelError(SlaSniperError):
    """There is no model to watch."""

    exit_code = 42

    def __str__(self) -> str:
        return "No model was trained on these promises by then; run `sniper train` first."


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
        labelled = labelled.with_columns(
            is_ripe=pl.Series(training_rows(labelled, cut=_later(desk.as_of)))
        )
        tested = labelled.filter("is_ripe").drop("is_ripe")
        n_ripe = tested.height
        ripe = _measured(desk, model, before, tested, start)
        if ripe is not None:
            ripe = dataclasses.replace(ripe, n_whole_days=_whole_days(labelled))
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
    _keep(result, desk, model=fingerprint(manifest))
    return result


def _later(moment: datetime) -> datetime:
    """The first instant after `moment`: a cut excludes its own landmarks."""
    return moment + timedelta(microseconds=1)


def _whole_days(labelled: pl.DataFrame) -> int:
    """Count the days nearly all of whose clocks are ripe; of the newest only short ones are."""
    return (
        labelled.group_by("day")
        .agg(pl.col("is_ripe").mean())
        .filter(pl.col("is_ripe") >= WHOLE)
        .height
    )


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
        last_day=str(pool["day"].max()),
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


def _keep(report: MonitorReport, desk: Desk, *, model: str) -> None:
    """Keep the report where the queue finds it, with every verdict that has closed the gate.

    Parameters
    ----------
    model : str
        Fingerprint of the model that was watched.
    """
    outputs, ripe = desk.workspace.outputs, report.ripe
    with workspace_lock(desk.workspace.folder):
        known = closings_of(latest_monitor(outputs))
        if ripe is not None and ripe.closes:
            closing = Closing(
                report.as_of, report.version, report.stakes, ripe.last_day, model, ripe.verdict
            )
            known = with_closing(known, closing)
        told = [each.as_dict() for each in known]
        facts = report.as_dict() | {"closed": told[-1] if told else None, "closings": told}
        write_text(json.dumps(facts, allow_nan=False), outputs / "monitor" / "summary.json")
