"""The command center's numbers: a stored replay walked again at any capacity and cost.

`sniper backtest` stores every running clock at every landmark with its forecasts, so a page
can ask "and at 80 a day, with an escalation at $5?" without training anything. What does not
depend on the question is ordered once; a question is then a few walks over the landmarks.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.errors import UnreadableFileError
from sla_sniper.escalation.candidates import CREDIT, Candidates, candidates_from
from sla_sniper.escalation.gate import take_back, withhold
from sla_sniper.escalation.oracle import best_escalations
from sla_sniper.escalation.policies import RULES, Ordering, ordering, policy_named
from sla_sniper.escalation.replay import (
    DayTotals,
    Replay,
    SlotRule,
    Work,
    day_totals,
    walk,
    worth_pricing,
)
from sla_sniper.escalation.slots import Paced
from sla_sniper.escalation.staffing import Staffing
from sla_sniper.escalation.summary import catchable, summarise
from sla_sniper.eventlog.reading import log_end
from sla_sniper.eventlog.store import EventStore
from sla_sniper.stats.bootstrap import day_weights
from sla_sniper.stats.intervals import Interval, percentile_interval
from sla_sniper.usecases.bundles import model_in_use
from sla_sniper.usecases.files import read_table
from sla_sniper.usecases.kept import latest_backtest, require_whole
from sla_sniper.usecases.kill_list import list_path
from sla_sniper.usecases.verdicts import (
    closed_since,
    denied_by_training,
    is_of_another_model,
    listing_model,
    withdrawn,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.escalation.candidates import Ints
    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.gate import Advantage, Verdict
    from sla_sniper.escalation.results import ReplaySummary
    from sla_sniper.usecases.verdicts import Denial

MOST: Final = 200
"""The largest capacity that the page offers."""
CAPACITIES: Final = (5, 10, 20, 30, 40, 50, 75, 100, 125, 150, 175, MOST)
"""Capacities of the capture curve."""
CURVED: Final = ("random", *RULES, "sniper", "oracle")


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """The candidates of a period and the orders that no scenario changes."""

    work: Work
    orders: Mapping[str, Ordering]

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""
        return self.work.candidates

    def rows(self, policy: str, capacity: int) -> Ints:
        """Choose by a policy at a capacity."""
        rule = policy_named(policy)
        if policy == "oracle":
            saving = rule.keys(self.candidates, self.work.costs)[0]
            return best_escalations(self.candidates, saving, capacity, self.work.staff)
        slots = (
            self.work.slots(rule, capacity)
            if rule.has_limit
            else Paced(self.candidates, self.candidates.landmark.size)
        )
        return walk(self.candidates, self.orders[policy], slots)

    def totals(self, policy: str, capacity: int) -> DayTotals:
        """Add up, by day, what a policy's choices came to."""
        return day_totals(self.candidates, self.rows(policy, capacity))


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """A stored replay.

    Attributes
    ----------
    test : Walks
        The replayed days.
    training : Walks or None
        Earlier days, on which the gate's rule is chosen.
    about : mapping
        `summary.json` of the backtest.
    own : int
        The capacity that the desk has.
    model : mapping or None
        Manifest of the model that made the kill list, else of the one in use; None where there is
        neither.
    closed : Verdict or None
        By which a `monitor` since the backtest has closed the gate; None where none has.
    log_end : datetime or None
        The last instant recorded by now; None for an empty log.
    denial : Denial or None
        By which the training of the model in use takes claims back; None where it does not.
    """

    test: Walks
    training: Walks | None
    about: Mapping[str, Any]
    own: int
    model: Mapping[str, Any] | None = None
    closed: Verdict | None = None
    denial: Denial | None = None
    log_end: datetime | None = None

    def holds_for(self, workspace: Workspace) -> bool:
        """Whether the pool was priced by what `sla.toml` says now."""
        return bool(self.about.get("stakes") == workspace.sla.stakes)

    @property
    def is_of_another_model(self) -> bool:
        """Whether another estimator than that of the model was replayed."""
        return is_of_another_model(self.about, self.model)


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """A period under one cost table: what does not depend on the capacity.

    Attributes
    ----------
    curve : polars.DataFrame
        ``policy, capacity, captured_share``; null where nothing could be caught.
    own : Advantage
        At the capacity that the desk has, where the gate asks first.
    """

    period: Period
    costs: CostTable
    walks: Walks
    curve: pl.DataFrame
    own: Advantage


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A scenario's outcome.

    Attributes
    ----------
    summary : ReplaySummary
        Every policy at the scenario's capacity.
    prevented : Interval
        Breaches prevented by the policy that the gate lets rank, with its 95 % interval.
    """

    summary: ReplaySummary
    prevented: Interval


def stamp(workspace: Workspace) -> tuple[int, ...]:
    """Return when each file was written: what was computed from them holds until this changes."""
    settings = (workspace.folder / name for name in ("sla.toml", "sniper.toml"))
    monitored = workspace.outputs / "monitor" / "summary.json"
    models = sorted(workspace.models.glob("*/manifest.json"))
    paths = (*_backtest_files(workspace), list_path(workspace), monitored, *settings, *models)
    return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)


def stored_period(workspace: Workspace) -> Period | None:
    """Read the latest backtest; None where there is none.

    Raises
    ------
    UnreadableFileError
        If its files are damaged, empty, of another kind, or not of one backtest.
    """
    predictions, training, _ = _backtest_files(workspace)
    if not predictions.is_file():
        return None
    about = latest_backtest(workspace.outputs) or {}
    require_whole(workspace.outputs, about)
    model = listing_model(workspace) or model_in_use(workspace)
    return Period(
        test=_walks(predictions, workspace, ("random", *RULES, "risk", "alarm", "nobody", "nuke")),
        training=_walks(training, workspace, RULES) if training.is_file() else None,
        about=about,
        own=workspace.sla.capacity_per_day,
        model=model,
        closed=closed_since(workspace, about, model),
        denial=denied_by_training(workspace, about, model),
        log_end=log_end(EventStore(workspace.folder)),
    )


def price(period: Period, costs: CostTable) -> Priced:
    """Order by the models and draw the capture curve under a cost table."""
    work = dataclasses.replace(period.test.work, costs=costs)
    candidates = work.candidates
    models = ("sniper", *(["logistic"] if _has_logistic(candidates) else []))
    orders = {name: ordering(policy_named(name), candidates, costs) for name in models}
    walks = Walks(work, {**period.test.orders, **orders})
    own = _replayed(period, costs, walks, period.own)[1].verdict(period.own).advantage
    return Priced(period, costs, walks, _curve(walks), own)


def evaluate(priced: Priced, capacity: int) -> Evaluation:
    """Replay every policy at one capacity and judge the model against the best simple rule.

    A `monitor` that has closed the gate since the backtest closes it here, whatever is set.
    """
    costs = priced.costs
    tested, alone = _replayed(priced.period, costs, priced.walks, capacity)
    verdict = withhold(alone.verdict(capacity), priced.own, costs.currency)
    period = priced.period
    if period.closed is not None:
        is_same = costs == period.test.work.costs
        verdict = withdrawn(verdict, period.closed, costs.currency, is_same=is_same)
    elif period.denial is not None and (reason := period.denial.at(capacity)):
        verdict = take_back(verdict, reason, costs.currency)
    summary = dataclasses.replace(alone, verdicts=(verdict,))
    chosen = tested.totals[verdict.policy, capacity]
    per_day = costs.effectiveness.value * chosen.preventable
    draws = day_weights(per_day.size, n_resamples=summary.assumptions.n_resamples) @ per_day
    return Evaluation(
        summary, percentile_interval(float(per_day.sum()), draws, n_units=per_day.size)
    )


def _backtest_files(workspace: Workspace) -> tuple[Path, Path, Path]:
    folder = workspace.outputs / "backtest"
    return folder / "predictions.parquet", folder / "training.parquet", folder / "summary.json"


def _walks(path: Path, workspace: Workspace, policies: Sequence[str]) -> Walks:
    """Order the candidates of a stored pool by the policies that know no cost."""
    costs, kinds = workspace.sla.costs, workspace.sla.kinds
    needed = ("landmark", "day", "p_edf", *((CREDIT,) if costs.attainment else ()))
    pool = read_table(path, needed, command="sniper backtest")
    if pool.is_empty():
        raise UnreadableFileError(
            str(path), "it holds no running clock", "run `sniper backtest` again"
        )
    staffing = Staffing(kinds, workspace.landmarks.timezone) if kinds else None
    try:
        candidates = candidates_from(pool, costs.effectiveness)
        work = Work.of(candidates, costs, SlotRule(staffing=staffing))
        orders = {name: ordering(policy_named(name), candidates, costs) for name in policies}
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise UnreadableFileError(
            str(path), "it is not the pool of a replay", "run `sniper backtest` again"
        ) from error
    return Walks(work, orders)


def _has_logistic(candidates: Candidates) -> bool:
    return not bool(np.isnan(candidates.stake_logistic).any())


def _replayed(
    period: Period, costs: CostTable, walks: Walks, capacity: int
) -> tuple[Replay, ReplaySummary]:
    """Replay every policy at one capacity, and sum that up."""
    training, trained = period.training, None
    if training is not None:
        trained = _replay(training, costs, RULES, capacity)
        if walks.work.staff is None and worth_pricing(training.candidates, costs, [capacity]):
            # One more slot is worth what the same rule makes of it: held back there, too.
            held = frozenset([capacity, capacity + 1])
            walks = Walks(dataclasses.replace(walks.work, priced=held), walks.orders)
    tested = _replay(walks, costs, (*walks.orders, "oracle"), capacity)
    return tested, summarise(tested, training=trained)


def _replay(walks: Walks, costs: CostTable, policies: Sequence[str], capacity: int) -> Replay:
    """Walk as `escalation.replay` does, with the orders that are there."""
    chosen = {(name, capacity): walks.rows(name, capacity) for name in policies}
    totals = {key: day_totals(walks.candidates, rows) for key, rows in chosen.items()}
    by_chance = totals.get(("random", capacity))
    return Replay(
        candidates=walks.candidates,
        costs=costs,
        capacities=(capacity,),
        chosen=chosen,
        totals=totals,
        one_more={(name, capacity): walks.totals(name, capacity + 1) for name in policies},
        captured_by_seed={}
        if by_chance is None
        else {capacity: by_chance.captured.sum(keepdims=True)},
        priced=walks.work.priced & {capacity},
        staff=walks.work.staff,
    )


def _curve(walks: Walks) -> pl.DataFrame:
    could_catch = float(catchable(walks.candidates)[0].sum())
    rows = [
        (name, capacity, float(walks.candidates.loss[rows].sum()))
        for name in CURVED
        for capacity in CAPACITIES
        for rows in [walks.rows(name, capacity)]
    ]
    rows += [(name, 0, 0.0) for name in CURVED]
    schema = {"policy": pl.String, "capacity": pl.Int64, "captured": pl.Float64}
    share = pl.col("captured") / could_catch if could_catch else pl.lit(None, pl.Float64)
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .select("policy", "capacity", share.alias("captured_share"))
        .sort("policy", "capacity")
    )
