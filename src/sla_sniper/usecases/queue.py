"""sniper queue: the kill list as of a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.instants import SECOND_US, zone
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.escalation import rank_now
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.model.advice import advise
from sla_sniper.model.bundle import load_bundle, read_manifest
from sla_sniper.model.reasons import reasons, with_peers
from sla_sniper.usecases.backtest import latest_backtest, latest_summary
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import overwrite_table, require_ending, write_table
from sla_sniper.usecases.forecasting import POOL_COLUMNS, features_of, rule_chance
from sla_sniper.usecases.results import header, records
from sla_sniper.usecases.train import train_on

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.model.forecast import BreachModel
    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.leaks import Leak

MOST_TOLD = 1_000
"""Rows of the queue, best first, that get their reasons and advice in words."""


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
    model_version: str
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
            "eligible": self.frame.height,
            "leaks": [leak.as_dict() for leak in self.leaks],
            "queue": records(self.recommended.drop("as_of").to_dicts()),
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
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    desk.workspace.sla.require_costs()
    slots = desk.workspace.sla.capacity_per_day if capacity is None else capacity
    bundle = known_bundle(desk)
    leaks: tuple[Leak, ...] = ()
    if bundle is None:
        trained = train_on(desk, name="lightgbm")
        bundle, leaks = trained.folder, trained.leaks
    snapshots = desk.snapshots_at(moment_of(desk))
    policy, sentence = _gate(desk, slots, read_manifest(bundle))
    progress("ranking the tickets")
    frame = rank(desk, snapshots, bundle, policy=policy, capacity=slots)
    report = QueueReport(
        frame=frame,
        as_of=desk.as_of,
        why=desk.why,
        capacity=slots,
        policy=policy,
        sentence=sentence,
        currency=desk.workspace.sla.costs.currency,
        model_version=bundle.name,
        leaks=leaks,
    )
    _keep(report, desk)
    if out is not None:
        write_table(report.recommended, out)
    return report


def known_bundle(desk: Desk) -> Path | None:
    """Newest bundle that knows nothing after `as_of` and forecasts today's promises.

    Of several with the same cut the one trained last counts.

    A bundle trained under other calendars or policies, or on columns that the log no longer
    keeps, does not count.
    """
    manifests = [
        (read_manifest(path.parent), path.parent)
        for path in sorted(desk.workspace.models.glob("*/manifest.json"))
    ]
    features = {feature.name for feature in features_of(desk)}
    known = [
        (
            datetime.fromisoformat(manifest["training"]["cut"]),
            (folder / "manifest.json").stat().st_mtime_ns,
            folder,
        )
        for manifest, folder in manifests
        if manifest["evaluation"]["verdict"].get("promise") == desk.workspace.sla.promise
        and {name for name, *_ in manifest["features"]} <= features
    ]
    return max((each for each in known if each[0] <= desk.as_of), default=(None,))[-1]


def _gate(desk: Desk, capacity: int, manifest: dict[str, Any]) -> tuple[str, str]:
    """Policy to rank by and the claim that stands.

    A verdict counts if it was known by `as_of` and measured with this estimator, these
    costs and promises, at this capacity. Without one the best simple rule ranks.
    """
    stakes, own = desk.workspace.sla.stakes, manifest["evaluation"]["verdict"]
    for found in _known_verdicts(desk, manifest):
        for verdict in found["verdicts"]:
            if verdict["advantage"]["capacity"] == capacity:
                return verdict["policy"], verdict["sentence"]
    if (own["stakes"], own["capacity"]) == (stakes, capacity):
        return own["policy"], own["sentence"]
    return own["rule"], (
        f"no advantage over {own['rule']} was measured at {capacity} a day with these settings: "
        f"sniper backtest --capacity {capacity} measures it"
    )


def _known_verdicts(desk: Desk, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What the latest backtest and the latest `monitor` of this model found, the newer first."""
    outputs = desk.workspace.outputs
    kept = (latest_backtest(outputs), latest_summary(outputs, "monitor"))
    measured = (desk.workspace.sla.stakes, manifest["estimator"])
    known = [
        found
        for found in kept
        if found is not None
        and (found.get("stakes"), found.get("model")) == measured
        and found.get("version", manifest["version"]) == manifest["version"]
        and datetime.fromisoformat(found["as_of"]) <= desk.as_of
    ]
    return sorted(known, key=lambda found: datetime.fromisoformat(found["as_of"]), reverse=True)


def rank(
    desk: Desk, snapshots: pl.DataFrame, bundle: Path, *, policy: str, capacity: int
) -> pl.DataFrame:
    """Rank the running clocks of one landmark by a policy, with reasons and advice.

    Returns
    -------
    DataFrame
        Schema `core.schema.PREDICTIONS`, by rank.
    """
    if snapshots.is_empty():
        return pl.DataFrame(schema=dict(PREDICTIONS))
    model = load_bundle(bundle)
    pool = snapshots.with_columns(
        pl.Series("p_breach", model.predict(snapshots)),
        pl.Series("p_edf", rule_chance(model.edf_value, snapshots)),
        pl.lit(None, pl.Boolean).alias("breached"),
        pl.lit(value=True).alias("is_censored"),
    )
    # A list needs few of the columns; sorting all of them takes most of the time on large desks.
    read = [name for name in (*POOL_COLUMNS, "p_breach", "p_edf") if name in pool.columns]
    slim = pool.select(read).with_row_index("_at")
    ranked = rank_now(slim, policy, capacity=capacity, costs=desk.workspace.sla.costs)
    told = _told(ranked, pool, model, before=before(desk))
    return told.with_columns(
        pl.lit(desk.as_of).cast(PREDICTIONS["as_of"]).alias("as_of"),
        (pl.col("slack_us") // SECOND_US).alias("slack_s"),
        (pl.col("wall_slack_us") // SECOND_US).alias("wall_slack_s"),
        pl.lit(bundle.name).alias("model_version"),
    ).select(pl.col(name).cast(dtype) for name, dtype in PREDICTIONS.items())


def _told(
    ranked: pl.DataFrame, pool: pl.DataFrame, model: BreachModel, *, before: str
) -> pl.DataFrame:
    """Add reasons and advice in words to the first `MOST_TOLD` rows; the others have none.

    `_at` of `ranked` is the row of `pool`, which has the features.
    """
    shown = pool[ranked["_at"].head(MOST_TOLD)]
    words = in_words(shown, pool, model, before=before)
    blank = pl.DataFrame(schema=words.schema).clear(n=ranked.height - shown.height)
    return pl.concat([ranked, pl.concat([words, blank])], how="horizontal")


def in_words(
    shown: pl.DataFrame, peers: pl.DataFrame, model: BreachModel, *, before: str
) -> pl.DataFrame:
    """Reasons and advice of the snapshots `shown`, which have their `p_breach`.

    Parameters
    ----------
    peers : DataFrame
        All snapshots of that landmark, to compare with.
    before : str
        Until when an action counts as taken at it.
    """
    told = with_peers(shown, peers)
    words = reasons(told, model.contributions(shown), model.features)
    advice = advise(shown, peers, predict=model.predict, before=before)
    return words.with_columns(advice)


def before(desk: Desk) -> str:
    """The next full hour: what the forecast of this landmark still holds for."""
    local = desk.as_of.astimezone(zone(desk.workspace.landmarks.timezone))
    return f"{(local + timedelta(hours=1)).replace(minute=0):%H:%M}"


def moment_of(desk: Desk) -> pl.DataFrame:
    """The instant of the queue as the one landmark of a table of landmarks."""
    local = desk.as_of.astimezone(zone(desk.workspace.landmarks.timezone))
    return pl.DataFrame(
        {
            "landmark": pl.Series([desk.as_of], dtype=PREDICTIONS["as_of"]),
            "day": [local.date()],
            "hour_of_day": [local.hour],
            "day_of_week": [local.isoweekday()],
        }
    )


def _keep(report: QueueReport, desk: Desk) -> None:
    """Keep the predictions where the command center and Tableau find them."""
    with workspace_lock(desk.workspace.folder):
        overwrite_table(report.frame, desk.workspace.tables / "predictions")
        write_table(report.frame, desk.workspace.outputs / "queue.parquet")
