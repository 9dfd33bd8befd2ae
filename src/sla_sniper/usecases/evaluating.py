"""Test a recipe on days it has not seen: the same table for train and backtest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError
from sla_sniper.escalation import Replay, ReplaySummary, backtest
from sla_sniper.model.evaluation import EvaluationRows, evaluate
from sla_sniper.snapshots.labels import with_labels
from sla_sniper.usecases.forecasting import fit, learnable, scores
from sla_sniper.usecases.results import records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.forecasting import Forecasters

PROBABILITIES = ("edf_value", "logistic", "sniper")


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe fitted at a cut and tested on the days after it.

    Attributes
    ----------
    forecasters : Forecasters
        Fitted on what was known at the cut.
    training, pool : DataFrame
        Training days and test days as replay reads them.
    metrics : DataFrame
        See `model.evaluation.evaluate`; differences are against `edf`.
    replay, summary : Replay, ReplaySummary
        Every decision of every policy, and what they came to.
    """

    forecasters: Forecasters
    training: pl.DataFrame
    pool: pl.DataFrame
    metrics: pl.DataFrame
    replay: Replay
    summary: ReplaySummary

    def metric_records(self) -> list[dict[str, Any]]:
        """Metrics as JSON-safe rows."""
        return records(self.metrics.to_dicts())


def run_trial(
    desk: Desk,
    snapshots: pl.DataFrame,
    tests: pl.DataFrame,
    *,
    cut: datetime,
    name: str,
    capacities: Sequence[int],
) -> Trial:
    """Fit on snapshots from before `cut`, test on the landmarks `tests`.

    Parameters
    ----------
    snapshots : DataFrame
        Of training landmarks; later ones are left out.
    tests : DataFrame
        Landmarks, none of them before the cut.
    capacities : sequence of int
        Slots a day.

    Raises
    ------
    NotEnoughHistoryError
        If there is too little to learn from, or nothing to test on.
    """
    learnt = learnable(desk, snapshots, cut=cut)
    forecasters = fit(desk, learnt, cut=cut, name=name)
    pool = _pool(desk, tests, forecasters)
    training = forecasters.pool(learnt)
    desk.progress("measuring the forecast")
    metrics = measure(pool)
    desk.progress("replaying every policy")
    result, summary = backtest(
        pool, desk.workspace.sla.costs, capacities=capacities, training=training
    )
    return Trial(forecasters, training, pool, metrics, result, summary)


def _pool(desk: Desk, tests: pl.DataFrame, forecasters: Forecasters) -> pl.DataFrame:
    """Test days as replay reads them, from as many snapshots at a time as fit into memory."""
    cycles = desk.cycles(as_of=desk.as_of)
    parts = [
        forecasters.pool(with_labels(snapshots, cycles))
        for part in desk.in_parts(tests)
        if not (snapshots := desk.snapshots_at(part)).is_empty()
    ]
    if not parts or pl.concat(p["breached"] for p in parts).drop_nulls().n_unique() < 2:  # noqa: PLR2004
        raise NotEnoughHistoryError(
            "The test days hold no clock with a known outcome, or only one outcome; "
            "ask for an earlier or a longer period."
        )
    return pl.concat(parts)


def measure(pool: pl.DataFrame) -> pl.DataFrame:
    """Measure every rule and model on labelled rows; see `model.evaluation.evaluate`."""
    known = pool.filter(~pl.col("is_censored"))
    rows = EvaluationRows(
        known["breached"].to_numpy(), known["day"].to_numpy(), known["landmark"].to_numpy()
    )
    return evaluate(rows, scores(known), probabilities=PROBABILITIES, reference="edf")
