"""Test a recipe on days it has not seen: the same table for train and backtest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError
from sla_sniper.core.instants import localize, zone
from sla_sniper.core.schema import CLOCK_KEY, TICKET_KEY
from sla_sniper.escalation import Replay, ReplaySummary, backtest
from sla_sniper.model.clusters import ticket_intervals
from sla_sniper.model.evaluation import EvaluationRows, evaluate
from sla_sniper.model.split import newest_days_cut
from sla_sniper.snapshots.labels import with_labels
from sla_sniper.usecases.forecasting import decided, fit, fit_model, learnable, scores
from sla_sniper.usecases.leaks import refuse, refuse_split, scan_features
from sla_sniper.usecases.results import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_sniper.usecases.desk import Desk
    from sla_sniper.usecases.forecasting import Forecasters
    from sla_sniper.usecases.leaks import Leak

REFIT_EVERY = timedelta(days=7)
FORESEEN_SHARE = 0.5
"""Share of the training days, the newest, on which holding slots back is tried."""
PROBABILITIES = ("edf_value", "logistic", "sniper")


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """A fit and the days it is tested on.

    Attributes
    ----------
    fitted : Forecasters
        On what was known at the cut.
    outcomes : DataFrame
        Clocks whose outcome was learnt: `CLOCK_KEY` and ``label_known_at``.
    moments : DataFrame
        ``landmark`` of the test days.
    """

    fitted: Forecasters
    outcomes: pl.DataFrame
    moments: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe fitted at one cut or at several, each tested on the days from there to the next.

    Attributes
    ----------
    fits : tuple of Forecasters
        Each fitted on what was known at its cut, oldest first.
    training, pool : DataFrame
        Training days as the first cut knew them, the newer half with forecasts of a fit that
        ends before it, and test days, as replay reads them.
    metrics : DataFrame
        See `model.evaluation.evaluate`; differences are against `edf`.
    replay, summary : Replay, ReplaySummary
        Every decision of every policy, and what they came to.
    leaks : tuple of Leak
        Warnings about the features that the first fit learnt from; empty where they were
        scanned before.
    """

    fits: tuple[Forecasters, ...]
    training: pl.DataFrame
    pool: pl.DataFrame
    metrics: pl.DataFrame
    replay: Replay
    summary: ReplaySummary
    leaks: tuple[Leak, ...] = ()

    def metric_records(self) -> list[dict[str, Any]]:
        """Metrics as JSON-safe rows."""
        return records(self.metrics.to_dicts())

    def fit_records(self) -> list[dict[str, Any]]:
        """What each fit learnt from, and how it was calibrated."""
        return [
            {
                "cut": fitted.model.training.cut,
                "snapshots": fitted.model.training.n_rows,
                "tickets": fitted.model.training.n_tickets,
                "first_landmark": fitted.model.training.first_landmark,
                "last_landmark": fitted.model.training.last_landmark,
                "model": fitted.model.name,
                "calibrator": fitted.model.calibrator.name,
            }
            for fitted in self.fits
        ]


def run_trial(  # noqa: PLR0913 - one keyword a choice
    desk: Desk,
    snapshots: pl.DataFrame,
    tests: pl.DataFrame,
    *,
    cuts: Sequence[datetime],
    name: str,
    capacities: Sequence[int],
    is_scanned: bool = False,
) -> Trial:
    """Fit at each cut on snapshots from before it, test on the landmarks up to the next.

    Snapshots show what was known at their landmark, so that they are taken once for all cuts;
    only which labels were known by then, and which rows count, depends on the cut.

    Parameters
    ----------
    snapshots : DataFrame
        Of training landmarks; for each cut the later ones are left out.
    tests : DataFrame
        Landmarks, none of them before the first cut.
    cuts : sequence of datetime
        Rising, see `refit_cuts`; a cut without a landmark before the next one is passed over.
    capacities : sequence of int
        Slots a day.
    is_scanned : bool
        Whether the features of all that is learnt have been scanned for leaks; else those of
        the first cut are, before anything is fitted.

    Raises
    ------
    NotEnoughHistoryError
        If there is too little to learn from, or nothing to test on.
    LeakError
        If a feature knows how tickets ended, or a clock is tested whose outcome was known at
        the cut before.
    """
    training, weeks = pl.DataFrame(), list[Week]()
    leaks: tuple[Leak, ...] = ()
    for cut, moments in weeks_of(tests, cuts):
        learnt = learnable(desk, snapshots, cut=cut)
        known = decided(learnt, cut=cut)
        if not weeks and not is_scanned:
            leaks = refuse(scan_features(desk, known))
        fitted = fit(desk, learnt, cut=cut, name=name)
        if not weeks:
            foreseen = _foreseen(desk, snapshots, known, name=name)
            training = fitted.pool(known).with_columns(foreseen)
        outcomes = known.select(*CLOCK_KEY, "label_known_at")
        weeks.append(Week(fitted, outcomes, moments.select("landmark")))
    pool = _tested(_pools(desk, tests, weeks))
    desk.progress("measuring the forecast")
    metrics = measure(pool)
    desk.progress("replaying every policy")
    result, summary = backtest(
        pool,
        desk.workspace.sla.costs,
        capacities=capacities,
        training=training,
        own=desk.workspace.sla.capacity_per_day,
        staffing=desk.staffing,
    )
    fits = tuple(week.fitted for week in weeks)
    return Trial(fits, training, pool, metrics, result, summary, leaks)


def _foreseen(desk: Desk, snapshots: pl.DataFrame, known: pl.DataFrame, *, name: str) -> pl.Series:
    """Forecast the newer training days by a model that ends before them; null for the others.

    What a model says of days that it learnt is no forecast. By it slots would be held back for
    better tickets at every capacity, and on days it had not seen that loses.
    """
    nothing = pl.Series("p_breach", [None], dtype=pl.Float64).new_from_index(0, known.height)
    cut = newest_days_cut(known["landmark"], share=FORESEEN_SHARE)
    if cut is None or desk.staffing is not None:
        return nothing
    try:
        model = fit_model(desk, learnable(desk, snapshots, cut=cut), cut=cut, name=name)
    except NotEnoughHistoryError:
        return nothing
    rows = (known["landmark"] >= cut).arg_true()
    return nothing.scatter(rows, pl.Series(model.predict(known[rows])))


def refit_cuts(start: datetime, end: datetime, *, timezone: str) -> list[datetime]:
    """Cuts from `start` on, a week apart on the clocks of a zone, all before `end`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> start, end = datetime(2016, 3, 21, tzinfo=UTC), datetime(2016, 4, 4, tzinfo=UTC)
    >>> [cut.isoformat() for cut in refit_cuts(start, end, timezone="Europe/Amsterdam")]
    ['2016-03-21T00:00:00+00:00', '2016-03-27T23:00:00+00:00', '2016-04-03T23:00:00+00:00']
    """
    tz = zone(timezone)
    local = start.astimezone(tz).replace(tzinfo=None)
    cuts = [start]
    while (cut := localize(local + len(cuts) * REFIT_EVERY, tz)) < end:
        cuts.append(cut)
    return cuts


def weeks_of(
    tests: pl.DataFrame, cuts: Sequence[datetime]
) -> Iterator[tuple[datetime, pl.DataFrame]]:
    """Each cut with the landmarks from there to the next one, where there are any."""
    for cut, until in zip_longest(cuts, cuts[1:]):
        is_in = pl.col("landmark") >= cut
        found = tests.filter(is_in if until is None else is_in & (pl.col("landmark") < until))
        if not found.is_empty() or cut == cuts[0]:
            yield cut, found


def _pools(desk: Desk, tests: pl.DataFrame, weeks: Sequence[Week]) -> list[pl.DataFrame]:
    """Test days as replay reads them, from as many snapshots at a time as fit into memory.

    Raises
    ------
    LeakError
        See `run_trial`.
    """
    cycles, pools = desk.cycles(as_of=desk.as_of), list[pl.DataFrame]()
    for part in desk.in_parts(tests):
        snapshots = desk.snapshots_at(part)
        if snapshots.is_empty():
            continue
        labelled = with_labels(snapshots, cycles)
        for week in weeks:
            tested = labelled.join(week.moments, on="landmark", how="semi", maintain_order="left")
            if not tested.is_empty():
                refuse_split(week.outcomes, tested)
                pools.append(week.fitted.pool(tested))
    return pools


def _tested(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    if not parts or pl.concat(p["breached"] for p in parts).drop_nulls().n_unique() < 2:  # noqa: PLR2004
        raise NotEnoughHistoryError(
            "The test days hold no clock with a known outcome, or only one outcome; "
            "ask for an earlier or a longer period."
        )
    return pl.concat(parts)


def measure(
    pool: pl.DataFrame, *, only: Sequence[str] = (), n_resamples: int = 1000
) -> pl.DataFrame:
    """Measure rules and models on labelled rows, all or `only` some, `edf` among them.

    See `model.evaluation.evaluate`.
    """
    known = pool.filter(~pl.col("is_censored"))
    rows = EvaluationRows(
        known["breached"].to_numpy(),
        known["day"].to_numpy(),
        known["landmark"].to_numpy(),
        n_resamples=n_resamples,
    )
    chosen = {name: score for name, score in scores(known).items() if not only or name in only}
    return evaluate(rows, chosen, probabilities=PROBABILITIES, reference="edf")


def with_ticket_intervals(metrics: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Add intervals that resample whole tickets; see `model.clusters.ticket_intervals`."""
    known = pool.filter(~pl.col("is_censored"))
    ticket = known.select(pl.struct(TICKET_KEY).rank("dense")).to_series().to_numpy()
    found = ticket_intervals(
        known["breached"].to_numpy(),
        ticket,
        scores(known),
        probabilities=PROBABILITIES,
        reference="edf",
    )
    return metrics.join(found, on=["score", "metric"], how="left", maintain_order="left")
