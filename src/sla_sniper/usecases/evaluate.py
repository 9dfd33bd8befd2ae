"""sniper evaluate: the recipe on rolling origins, by segment, and without each of its causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import CLOCK_KEY, TICKET_KEY
from sla_sniper.escalation import SlotRule, replay
from sla_sniper.escalation.policies import RULES
from sla_sniper.escalation.summary import summarise
from sla_sniper.model.estimators import make_estimator
from sla_sniper.model.evaluation import EvaluationRows, evaluate
from sla_sniper.model.hazard import HORIZON
from sla_sniper.model.split import rolling_origins
from sla_sniper.snapshots.labels import with_labels
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.evaluating import (
    Trial,
    measure,
    run_trial,
    weeks_of,
    with_ticket_intervals,
)
from sla_sniper.usecases.forecasting import decided, features_of, learnable, require_openings
from sla_sniper.usecases.leaks import refuse, scan_columns
from sla_sniper.usecases.results import as_json, header, records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sla_sniper.model.split import Origin
    from sla_sniper.snapshots.features import Feature
    from sla_sniper.snapshots.landmarks import Epoch
    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.leaks import Leak

SEGMENTS = ("metric", "priority", "group")
MIN_SEGMENT_TICKETS = 200
"""Tickets with a known outcome below which a segment is not measured."""
SEGMENT_RESAMPLES = 200
ABLATED = ("auc", "auc_within_landmark", "brier_skill")


@dataclass(frozen=True, slots=True)
class Folds:
    """How the newest days are cut into tests.

    Attributes
    ----------
    n_folds, test_days : int
        Origins, and days with a landmark that each is tested on.
    epoch : {"hour", "day"}
        How often a decision is taken.
    model : str
        The estimator.
    is_ablated : bool
        Whether the features of each cause are also left out in turn.
    """

    n_folds: int = 4
    test_days: int = 5
    epoch: Epoch = "day"
    model: str = "lightgbm"
    is_ablated: bool = False


@dataclass(frozen=True, slots=True)
class EvaluateReport:
    """The folds, what they come to together, and where the forecast is good or bad.

    Attributes
    ----------
    folds : DataFrame
        One row a fold: days, rows, AUC of the model and of `edf`, their difference, Brier
        skill, calibration error and captured share of the model and the simple rules. Where
        no clock ran on any of its days the counts are zero and the measures null.
    metrics : DataFrame
        All folds together; see `model.evaluation.evaluate`, with intervals over tickets too.
    segments : DataFrame
        The same within each value of `SEGMENTS` that has enough tickets.
    ablation : DataFrame
        Without each cause: the difference to all features, with its interval over days;
        empty where it was not asked for. With the estimator of each fit; the hazard is not
        tried without the deadline, which is its horizon and no mere feature.
    leaks : tuple of Leak
        Warnings about the columns of the log and about the features first learnt from.
    """

    as_of: datetime
    why: str
    asked: Folds
    folds: pl.DataFrame
    metrics: pl.DataFrame
    segments: pl.DataFrame
    ablation: pl.DataFrame
    leaks: tuple[Leak, ...] = ()

    @property
    def empty_folds(self) -> pl.DataFrame:
        """Folds on whose days no clock ran, as in a shutdown: they say nothing."""
        return self.folds.filter(pl.col("n_days") == 0)

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper evaluate`."""
        facts = {
            "why": self.why,
            "epoch": self.asked.epoch,
            "model": self.asked.model,
            "folds": records(self.folds.to_dicts()),
            "empty_folds": self.empty_folds.height,
            "metrics": records(self.metrics.to_dicts()),
            "segments": records(self.segments.to_dicts()),
            "ablation": records(self.ablation.to_dicts()),
            "leaks": [leak.as_dict() for leak in self.leaks],
        }
        return as_json(header("evaluate", self.as_of) | facts)


def run_evaluate(
    folder: Path,
    asked: Folds,
    *,
    as_of: datetime | None,
    now: datetime,
    progress: Progress = silent,
) -> EvaluateReport:
    """Test the recipe on rolling origins: fit at each, test on the days up to the next.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NotEnoughHistoryError
        If the log is too short for the folds asked for.
    LeakError
        If a column or feature knows how tickets ended.
    """
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    desk.workspace.sla.require_costs()
    require_openings(desk, until=desk.as_of)
    warnings = refuse(scan_columns(desk))
    moments = desk.landmarks(*desk.active, asked.epoch)
    origins = _origins(moments, asked)
    cuts = [origin.cut for origin in origins]
    known = desk.thinned(moments.filter(pl.col("landmark") < cuts[-1]))
    tests = moments.filter(pl.col("landmark") >= cuts[0])
    snapshots = desk.snapshots(known)
    capacity = desk.workspace.sla.capacity_per_day
    trial = run_trial(desk, snapshots, tests, cuts=cuts, name=asked.model, capacities=[capacity])
    ablation = pl.DataFrame()
    if asked.is_ablated:
        fitted = {each.model.training.cut: each.model.name for each in trial.fits}
        ablation = _ablation(desk, snapshots, tests, cuts=cuts, fitted=fitted)
    return EvaluateReport(
        as_of=desk.as_of,
        why=desk.why,
        asked=asked,
        folds=pl.concat(_fold(desk, trial, origin, capacity) for origin in origins),
        metrics=with_ticket_intervals(trial.metrics, trial.pool),
        segments=segments(trial.pool),
        ablation=ablation,
        leaks=(*warnings, *trial.leaks),
    )


def _origins(moments: pl.DataFrame, asked: Folds) -> tuple[Origin, ...]:
    found = rolling_origins(moments["landmark"], n_origins=asked.n_folds, test_days=asked.test_days)
    if len(found) < asked.n_folds:
        raise NotEnoughHistoryError(
            f"The log has days for {len(found)} of {asked.n_folds} folds of {asked.test_days} "
            "days each; ask for fewer or shorter ones with --folds and --test-days."
        )
    return found


def _fold(desk: Desk, trial: Trial, origin: Origin, capacity: int) -> pl.DataFrame:
    """One row of the table of folds."""
    pool = trial.pool.filter(pl.Series(origin.test_rows(trial.pool)))
    known = pool.filter(~pl.col("is_censored"))
    found = {}
    if known["breached"].n_unique() == 2:  # noqa: PLR2004 - both outcomes
        found = {(row["score"], row["metric"]): row for row in measure(pool).iter_rows(named=True)}
    model, auc = found.get(("sniper", "auc"), {}), "auc"
    captured = _captured(desk, trial, pool, capacity) if pool.height else {}
    numbers = {
        "auc": model.get("estimate"),
        "auc_edf": found.get(("edf", auc), {}).get("estimate"),
        "difference": model.get("difference"),
        "difference_low": model.get("difference_low"),
        "difference_high": model.get("difference_high"),
        "brier_skill": found.get(("sniper", "brier_skill"), {}).get("estimate"),
        "ece_width": found.get(("sniper", "ece_width"), {}).get("estimate"),
        "captured": captured.get("sniper"),
        "captured_priority_edf": captured.get("priority_edf"),
        "captured_edf_value": captured.get("edf_value"),
        "captured_oracle": captured.get("oracle"),
    }
    return pl.DataFrame(
        {
            "cut": [origin.cut],
            "until": [origin.until],
            "n_rows": [known.height],
            "n_days": [pool["day"].n_unique()],
            "breach_share": pl.Series([known["breached"].mean()], dtype=pl.Float64),
            "capacity": [capacity],
            **{name: pl.Series([value], dtype=pl.Float64) for name, value in numbers.items()},
        }
    )


def _captured(desk: Desk, trial: Trial, pool: pl.DataFrame, capacity: int) -> dict[str, float]:
    """Share of the catchable cost that each policy captures on the days of one fold."""
    result = replay(
        pool,
        desk.workspace.sla.costs,
        capacities=[capacity],
        policies=(*RULES, "sniper", "oracle"),
        rule=SlotRule(trial.replay.priced, desk.staffing),
    )
    return {row.policy: row.captured_share.estimate for row in summarise(result).policies}


def segments(pool: pl.DataFrame) -> pl.DataFrame:
    """Measure the forecast within each metric, priority and group with enough tickets.

    Parameters
    ----------
    pool : DataFrame
        Test days; see `forecasting.POOL_COLUMNS`.

    Returns
    -------
    DataFrame
        `by`, `value`, `n_tickets`, then the columns of `model.evaluation.evaluate`.
    """
    known = pool.filter(~pl.col("is_censored"))
    parts = []
    for by in SEGMENTS:
        for (value,), rows in known.drop_nulls(by).sort(by).group_by(by, maintain_order=True):
            n_tickets = rows.select(TICKET_KEY).n_unique()
            if n_tickets < MIN_SEGMENT_TICKETS or rows["breached"].n_unique() < 2:  # noqa: PLR2004
                continue
            table = measure(
                rows, only=("edf", "edf_value", "sniper"), n_resamples=SEGMENT_RESAMPLES
            )
            named = [pl.lit(by).alias("by"), pl.lit(value).alias("value")]
            parts.append(table.select(*named, pl.lit(n_tickets).alias("n_tickets"), pl.all()))
    return pl.concat(parts) if parts else pl.DataFrame()


def _ablation(
    desk: Desk,
    snapshots: pl.DataFrame,
    tests: pl.DataFrame,
    *,
    cuts: Sequence[datetime],
    fitted: Mapping[datetime, str],
) -> pl.DataFrame:
    """Leave the features of each cause out in turn, on the same folds, uncalibrated.

    `fitted` is the estimator that each cut was fitted with, which on a small desk is not the
    one asked for.
    """
    features = features_of(desk)
    causes = dict.fromkeys(one.cause for one in features)
    if "hazard" in fitted.values():
        # Whoever leaves these features out still tells the hazard how far to look ahead.
        causes = dict.fromkeys(c for c in causes if c not in _horizons(features))
    kept = {"": features} | {
        cause: tuple(one for one in features if one.cause != cause) for cause in causes
    }
    cycles = desk.cycles(as_of=desk.as_of)
    found: list[pl.DataFrame] = []
    for cut, moments in weeks_of(tests, cuts):
        snapshots_then = desk.snapshots_at(moments)
        if snapshots_then.is_empty():
            continue
        learnt = decided(learnable(desk, snapshots, cut=cut), cut=cut)
        tested = with_labels(snapshots_then, cycles).filter(~pl.col("is_censored"))
        columns = []
        for cause, rest in kept.items():
            desk.progress(f"fitting without {cause}" if cause else "fitting with all causes")
            p = _forecast(learnt, tested, rest, name=fitted[cut])
            columns.append(pl.Series(cause, p))
        found.append(tested.select("breached", "day", "landmark", *columns))
    rows = pl.concat(found)
    table = evaluate(
        EvaluationRows(
            rows["breached"].to_numpy(), rows["day"].to_numpy(), rows["landmark"].to_numpy()
        ),
        {cause: rows[cause].to_numpy() for cause in kept},
        probabilities=tuple(kept),
        reference="",
    )
    return table.filter(pl.col("metric").is_in(ABLATED), pl.col("score") != "").select(
        pl.col("score").alias("without"),
        "metric",
        pl.col("score").replace_strict({c: len(features) - len(r) for c, r in kept.items()})
        .alias("n_features"),
        "difference", "difference_low", "difference_high",
    )  # fmt: skip


def _horizons(features: Sequence[Feature]) -> set[str]:
    return {one.cause for one in features if one.name == HORIZON}


def _forecast(
    learnt: pl.DataFrame, tested: pl.DataFrame, features: Sequence[Feature], *, name: str
) -> NDArray[np.float64]:
    training = learnt.sort("landmark", *CLOCK_KEY)
    estimator = make_estimator(name, features).fit(training, training["breached"].to_numpy())
    return estimator.predict_proba(tested)
