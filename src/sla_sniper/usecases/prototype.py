"""Reproduce the prototype's figures, then say what they are worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from scipy.special import stdtrit

from sla_sniper.core.errors import EmptyFileError, MissingColumnError
from sla_sniper.core.words import count
from sla_sniper.diagnosis import diagnose
from sla_sniper.diagnosis.invented import invented
from sla_sniper.sources import open_source
from sla_sniper.stats import Interval
from sla_sniper.usecases import prototype_recipe as recipe
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PER_DAY: Final = 50
N_SPLITS, N_REPEATS = 5, 3
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class OwnSplit:
    """Forest and sort by priority on the prototype's one random test set.

    AUC between 0 and 1; losses in dollars. `over_ties` is what sorting by priority
    captures over all orders of tickets of equal priority.
    """

    n_tickets: int
    n_days: int
    loss: float
    forest_auc: float
    forest_captured: float
    priority_auc: float
    priority_captured: float
    over_ties: recipe.TieRange


@dataclass(frozen=True, slots=True)
class Folds:
    """Forest minus priority over repeated stratified folds, paired by fold.

    `captured` is the difference in the share of the test loss that the top 50 of each day
    catch, ties of priority averaged over all their orders. `auc_without_times` is the
    difference in AUC of a forest that never sees the invented creation times.
    """

    forest_auc: float
    priority_auc: float
    auc: Interval
    auc_without_times: Interval
    captured: Interval

    @property
    def has_advantage(self) -> bool:
        """Whether the interval of the captured share lies above zero."""
        return self.captured.is_above(0)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the comparison: what was published, and what the recipe gives here."""

    name: str
    published: str
    reproduced: str


@dataclass(frozen=True, slots=True)
class PrototypeReport:
    """What the recipe gives on one file, beside the published figures, and the verdict."""

    path: str
    log_end: datetime
    n_rows: int
    n_timed: int
    n_negative: int
    n_free: int
    n_tickets: int
    breach_rate: float
    loss: float
    own_split: OwnSplit
    folds: Folds
    diagnosis: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The last line: computed from the paired interval, never assumed."""
        gained = self.folds.captured
        span = f"[{gained.low:+.1%}, {gained.high:+.1%}]"
        if not self.folds.has_advantage:
            return (
                f"no measurable advantage over priority: {gained.estimate:+.1%} of the loss {span}"
            )
        return f"the forest beats priority by {gained.estimate:+.1%} of the loss {span}"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The published figures beside those of this file, in the order of the recipe."""
        split = self.own_split
        return (
            Figure("tickets with both times", "2,769", f"{self.n_timed:,}"),
            Figure("dropped, duration <= 0", "not published", f"{self.n_negative:,}"),
            Figure("tickets", "1,721", f"{self.n_tickets:,}"),
            Figure("breached", "32.8 %", _percent(self.breach_rate)),
            Figure("breach cost", "$213,100", _dollars(self.loss)),
            Figure("test loss", "$44,200", _dollars(split.loss)),
            Figure("AUC, forest", "0.89", f"{split.forest_auc:.3f}"),
            Figure("AUC, priority alone", "not published", f"{split.priority_auc:.3f}"),
            Figure("top 50 a day, forest", "$30,000 = 68 %", _of(split.forest_captured, split)),
            Figure(
                "top 50 a day, priority alone",
                "not published",
                _of(split.priority_captured, split),
            ),
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known before any of the figures is believed, one sentence each."""
        return (*_remarks_on_the_data(self), *self.diagnosis, *_remarks_on_the_rival(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as one JSON object; money in dollars, shares between 0 and 1."""
        return {
            **header("prototype", self.log_end),
            **asdict(self),
            "log_end": self.log_end.isoformat(),
            "figures": [asdict(figure) for figure in self.figures],
            "remarks": list(self.remarks),
            "has_advantage": self.folds.has_advantage,
            "verdict": self.verdict,
        }

    def as_text(self) -> str:
        """Return the report as lines for a terminal."""
        head = Figure("", "published", "here")
        width = max(len(figure.name) for figure in self.figures)
        wide = max(len(figure.published) for figure in self.figures)
        table = [
            f"{figure.name:<{width}}  {figure.published:>{wide}}  {figure.reproduced:>16}"
            for figure in (head, *self.figures)
        ]
        return "\n".join([*table, "", *self.remarks, "", f"Verdict: {self.verdict}."])


def judge_prototype(path: Path) -> PrototypeReport:
    """Run the prototype's recipe on a file of its shape and compare it with a plain sort.

    Parameters
    ----------
    path : Path
        The prototype's export, or one with the same columns.

    Raises
    ------
    MissingColumnError
        If the file is of another shape.
    EmptyFileError
        If it has no rows.
    NotEnoughHistoryError
        If fewer than 50 tickets, or only one outcome, remain.

    Notes
    -----
    The forest is compared with sorting by breach cost on the prototype's own random split
    and by 5 x 3 stratified folds. Folds share training tickets, so the paired interval
    takes the variance of Nadeau and Bengio [1]_, which plain folds understate.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio (2003), "Inference for the generalization error", Machine
       Learning 52, 239-281. doi:10.1023/A:1024068626366
    """
    frame = _read(path)
    sample = recipe.read_sample(frame)
    return PrototypeReport(
        path=str(path),
        log_end=_log_end(frame),
        n_rows=sample.n_rows,
        n_timed=sample.n_timed,
        n_negative=sample.n_negative,
        n_free=sample.n_free,
        n_tickets=len(sample.loss),
        breach_rate=float(sample.is_breach.mean()),
        loss=float(sample.loss.sum()),
        own_split=_judge_own_split(sample),
        folds=_judge_folds(sample),
        diagnosis=_diagnosis(frame, sample),
    )


def _read(path: Path) -> pl.DataFrame:
    source = open_source(path)
    missing = tuple(name for name in recipe.COLUMNS if name not in source.columns())
    if missing:
        raise MissingColumnError(str(path), missing, source.columns())
    frames: list[pl.DataFrame] = [batch.frame.select(recipe.COLUMNS) for batch in source.batches()]
    if not sum(frame.height for frame in frames):
        raise EmptyFileError(str(path))
    return pl.concat(frames)


def _diagnosis(frame: pl.DataFrame, sample: recipe.Sample) -> tuple[str, ...]:
    """What breaching goes with, and whether the times can be believed."""
    properties = pl.DataFrame(sample.categories, schema=list(recipe.CATEGORIES), orient="row")
    missed = properties.with_columns(is_missed=pl.Series(sample.is_breach))
    found = diagnose(
        missed.with_columns(
            state=pl.when("is_missed").then(pl.lit("missed")).otherwise(pl.lit("met"))
        ),
        recipe.CATEGORIES,
        mechanical=(recipe.PRIORITY,),
    )
    times = frame.select(recipe.instant(recipe.FIRST_RESPONSE), recipe.instant(recipe.RESOLUTION))
    doubts = invented(times[recipe.FIRST_RESPONSE], times[recipe.RESOLUTION])
    return (
        *(f"The durations look invented: {each}." for each in doubts),
        *found.strengths(),
    )


def _log_end(frame: pl.DataFrame) -> datetime:
    """Return the last time in the file, in UTC for want of a zone."""
    last: datetime = frame.select(recipe.instant(recipe.RESOLUTION).max()).item()
    return last.replace(tzinfo=UTC)


def _judge_own_split(sample: recipe.Sample) -> OwnSplit:
    train, test = recipe.own_split(sample)
    is_breach, loss, day = sample.is_breach[test], sample.loss[test], sample.day[test]
    p_breach, cost = recipe.forest_p_breach(sample, train, test), sample.cost[test]
    return OwnSplit(
        n_tickets=len(test),
        n_days=len(np.unique(day)),
        loss=float(loss.sum()),
        forest_auc=recipe.auc(is_breach, p_breach),
        forest_captured=recipe.captured(p_breach, loss, day, per_day=PER_DAY),
        priority_auc=recipe.auc(is_breach, cost),
        priority_captured=recipe.captured(cost, loss, day, per_day=PER_DAY),
        over_ties=recipe.captured_over_ties(cost, loss, day, per_day=PER_DAY),
    )


def _judge_folds(sample: recipe.Sample) -> Folds:
    splits = list(recipe.folds(sample, n_splits=N_SPLITS, n_repeats=N_REPEATS))
    scores = np.array([_judge_fold(sample, train, test) for train, test in splits])
    forest, priority, without_times, captured = scores.T
    return Folds(
        forest_auc=float(forest.mean()),
        priority_auc=float(priority.mean()),
        auc=_paired_interval(forest - priority),
        auc_without_times=_paired_interval(without_times - priority),
        captured=_paired_interval(captured),
    )


def _judge_fold(
    sample: recipe.Sample, train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[float, float, float, float]:
    """AUC of the forest, of priority, of the forest without times; captured difference."""
    is_breach, loss, day = sample.is_breach[test], sample.loss[test], sample.day[test]
    p_breach, cost = recipe.forest_p_breach(sample, train, test), sample.cost[test]
    without = recipe.forest_p_breach(sample, train, test, with_times=False)
    ours = recipe.captured_over_ties(p_breach, loss, day, per_day=PER_DAY).mean
    theirs = recipe.captured_over_ties(cost, loss, day, per_day=PER_DAY).mean
    return (
        recipe.auc(is_breach, p_breach),
        recipe.auc(is_breach, cost),
        recipe.auc(is_breach, without),
        (ours - theirs) / max(float(loss.sum()), 1.0),
    )


def _paired_interval(difference: NDArray[np.float64]) -> Interval:
    """Corrected resampled t interval of a mean difference over folds."""
    n = len(difference)
    variance = difference.var(ddof=1) * (1 / n + 1 / (N_SPLITS - 1))
    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2) * np.sqrt(variance))
    mean = float(difference.mean())
    return Interval(mean, mean - half, mean + half)


def _remarks_on_the_data(report: PrototypeReport) -> tuple[str, ...]:
    share = report.n_negative / max(report.n_timed, 1)
    return (
        (
            f"{report.n_negative:,} of {count(report.n_timed, 'row')} with both times dropped: a "
            f"duration of zero or less ({share:.0%})."
        ),
        "Creation times were invented: first response minus a random 1 to 5 hours.",
        (
            f"{count(report.n_free, 'ticket')} with a priority without a cost in the recipe: "
            "breaches count as $0, and the target as 24 h."
        ),
        "Only resolved tickets are scored and the split is random in time: this is no forecast.",
    )


def _remarks_on_the_rival(report: PrototypeReport) -> tuple[str, ...]:
    split, folds = report.own_split, report.folds
    ties = split.over_ties
    return (
        (
            f"On the prototype's own split, the top {PER_DAY} of each of {split.n_days} days catch "
            f"{_of(split.forest_captured, split)} by the forest and "
            f"{_of(split.priority_captured, split)} by priority alone "
            f"(ties as the prototype's sort leaves them; over all their orders "
            f"{_dollars(ties.mean)} on average, {_dollars(ties.low)} to {_dollars(ties.high)})."
        ),
        (
            f"By {N_REPEATS} x {N_SPLITS} folds the AUC is {folds.forest_auc:.3f} against "
            f"{folds.priority_auc:.3f} by priority alone: {_signed(folds.auc)}; without the "
            f"invented times {_signed(folds.auc_without_times)}."
        ),
    )


def _signed(interval: Interval) -> str:
    return f"{interval.estimate:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _dollars(amount: float) -> str:
    return f"${amount:,.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _of(amount: float, split: OwnSplit) -> str:
    return f"{_dollars(amount)} = {_percent(amount / split.loss)}" if split.loss else "$0"
