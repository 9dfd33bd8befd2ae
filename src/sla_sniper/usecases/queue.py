"""sniper queue: the kill list as of a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.instants import MICROSECOND
from sla_sniper.core.progress import Progress, silent
from sla_sniper.escalation import candidates_from
from sla_sniper.escalation.policies import expected_saving
from sla_sniper.escalation.slots import LEAST_DAYS, Arrivals
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.model.bundle import read_manifest
from sla_sniper.usecases.backtest import latest_pool
from sla_sniper.usecases.bundles import known_bundle
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import overwrite_table, require_ending, write_table
from sla_sniper.usecases.kept import latest_backtest
from sla_sniper.usecases.kill_list import Terms, keep_queue
from sla_sniper.usecases.lost import parted
from sla_sniper.usecases.ranking import Ranking, moment_of, rank, running_now
from sla_sniper.usecases.results import header, records
from sla_sniper.usecases.train import train_on
from sla_sniper.usecases.verdicts import holds_for, in_force

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.leaks import Leak


@dataclass(frozen=True, slots=True)
class QueueReport:
    """The kill list.

    Attributes
    ----------
    frame : DataFrame
        Schema `core.schema.PREDICTIONS`: every running clock before its deadline, by rank;
        `recommended` marks those to escalate.
    as_of, why : datetime, str
        The instant it speaks for, and why this one.
    capacity : int
        Slots today.
    policy, sentence : str
        What it is ranked by, and what the honesty gate lets it claim.
    currency : str
        Of costs and savings.
    timezone : str
        IANA name of the desk's zone.
    lost : DataFrame
        `lost.LOST`: clocks past their point of no return, then those past their deadline and
        still open; never ranked.
    overdue, paused : int
        Clocks past their deadline and still open; clocks that stand, which nobody ranks.
    slot_price : float or None
        What one more ticket would have to save above its cost to take a slot now rather than
        leave it to those expected later today; None where no slot is held back.
    leaks : tuple of Leak
        Warnings of the leak scanner, where a model had to be trained.
    """

    frame: pl.DataFrame
    as_of: datetime
    why: str
    capacity: int
    policy: str
    sentence: str
    currency: str
    timezone: str
    model_version: str
    lost: pl.DataFrame
    overdue: int = 0
    paused: int = 0
    slot_price: float | None = None
    leaks: tuple[Leak, ...] = ()

    @property
    def recommended(self) -> pl.DataFrame:
        """The clocks of the tickets to escalate."""
        return self.frame.filter("recommended")

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper queue`."""
        return header("queue", self.as_of) | {
            "why": self.why,
            "capacity": self.capacity,
            "policy": self.policy,
            "verdict": self.sentence,
            "currency": self.currency,
            "model_version": self.model_version,
            "slot_price": self.slot_price,
            "eligible": self.frame.height,
            "leaks": [leak.as_dict() for leak in self.leaks],
            "queue": records(self.recommended.drop("as_of").to_dicts()),
            "lost": records(self.lost.to_dicts()),
            "overdue": self.overdue,
            "paused": self.paused,
        }


def make_queue(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    capacity: int | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> QueueReport:
    """Rank every ticket whose clock runs, and say which to escalate.

    The model is the newest bundle that knew nothing later than `as_of`; where there is none,
    one is trained as of then.

    Parameters
    ----------
    capacity : int, optional
        Slots today; that of `sla.toml` where not given.
    out : Path, optional
        Where the list is written.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NotEnoughHistoryError
        If there is no bundle, and too little history to train one.
    """
    if out is not None:
        require_ending(out)
    report = queue_of(open_desk(folder, asked=as_of, now=now, progress=progress), capacity=capacity)
    if out is not None:
        write_table(report.recommended, out)
    return report


def queue_of(desk: Desk, *, capacity: int | None = None) -> QueueReport:
    """Rank the tickets of an opened desk; see `make_queue`."""
    desk.workspace.sla.require_costs()
    slots = desk.workspace.sla.capacity_per_day if capacity is None else capacity
    bundle = known_bundle(desk)
    leaks: tuple[Leak, ...] = ()
    if bundle is None:
        trained = train_on(desk, name="lightgbm")
        bundle, leaks = trained.folder, trained.leaks
    cycles = desk.cycles(as_of=desk.as_of)
    found = parted(desk, running_now(desk, cycles), cycles)
    verdict = in_force(desk.workspace, slots, as_of=desk.as_of, manifest=read_manifest(bundle))
    desk.progress("ranking the tickets")
    prices = _prices(desk, slots) if verdict.is_claimed else None
    frame = rank(desk, found.alive, bundle, Ranking(verdict.policy, slots, prices))
    report = QueueReport(
        frame=frame,
        lost=found.lost,
        overdue=found.n_overdue,
        paused=cycles.filter(pl.col("state") == "paused").height,
        slot_price=_next_price(prices, frame),
        as_of=desk.as_of,
        why=desk.why,
        capacity=slots,
        policy=verdict.policy,
        sentence=verdict.sentence,
        currency=desk.workspace.sla.costs.currency,
        timezone=desk.workspace.landmarks.timezone,
        model_version=bundle.name,
        leaks=leaks,
    )
    _keep(report, desk)
    return report


def _prices(desk: Desk, capacity: int) -> NDArray[np.float64] | None:
    """Shadow price of each slot that is left today; None where holding back did not pay.

    Read from the days of the latest backtest that lie before today: what could have been saved
    on each, by the forecasts of that day.
    """
    found, pool = latest_backtest(desk.workspace.outputs), latest_pool(desk.workspace.outputs)
    if found is None or pool is None or not holds_for(found, desk.workspace, desk.as_of):
        return None
    today = moment_of(desk)["day"][0]
    past = pool.filter(pl.col("day") < today)
    if capacity not in found.get("held_back", ()) or past["day"].n_unique() < LEAST_DAYS:
        return None
    costs = desk.workspace.sla.costs
    candidates = candidates_from(past, costs.effectiveness)
    end = desk.as_of + timedelta(days=1)
    ahead = desk.landmarks(desk.as_of + MICROSECOND, end, "hour").filter(pl.col("day") == today)
    arrivals = Arrivals.of(candidates, expected_saving(candidates, costs))
    return arrivals.prices(candidates.n_days, landmarks_left=ahead.height, slots=capacity)


def _next_price(prices: NDArray[np.float64] | None, frame: pl.DataFrame) -> float | None:
    """Price of the first slot that is left; None where none is left, or it is free."""
    taken = frame.filter("recommended")["rank"].n_unique()
    if prices is None or taken >= prices.size or prices[taken] <= 0:
        return None
    return float(prices[taken])


def _keep(report: QueueReport, desk: Desk) -> None:
    """Keep the predictions where the command center and Tableau find them."""
    terms = Terms(
        desk.workspace.sla.stakes, report.capacity, report.slot_price, report.model_version
    )
    with workspace_lock(desk.workspace.folder):
        overwrite_table(report.frame, desk.workspace.tables / "predictions")
        keep_queue(report.frame, desk.workspace, terms)
