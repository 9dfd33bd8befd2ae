"""Where, how much and since when targets are missed, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sla_sniper.core.words import apart, count, percent, percents
from sla_sniper.diagnosis.association import (
    Association,
    Level,
    associate,
    interval_dict,
)
from sla_sniper.diagnosis.cells import FEW
from sla_sniper.stats import Interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DECIDED = ("met", "missed", "overdue")
MISSED = ("missed", "overdue")
NEGLIGIBLE, WEAK, STRONG = 0.05, 0.15, 0.3
_MOST = 3
_QUIET = timedelta(days=3)
"""Days at the end of a month that a weekend and a holiday leave without a clock."""


@dataclass(frozen=True, slots=True)
class Month:
    """Share of missed targets among those whose clock started in one month, local time.

    It is partial where it is the first or the last one and more than three days of it are without
    a clock before the first or after the last: the log does not hold the whole month.
    """

    month: str
    n: int
    n_missed: int
    rate: Interval
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What goes with missed targets.

    Attributes
    ----------
    n, n_missed : int
        Ripe targets that are decided (met, missed or overdue), and those missed.
    n_left_out : int
        Rows still running, paused or cancelled: they have no outcome yet.
    n_held_up : int
        Those of them that are ripe and have none because their clock stood still.
    n_early : int
        Decided rows that are not ripe: met so early that those which will be missed are not yet.
    rate : Interval
        Share missed, with Wilson's interval.
    associations : tuple of Association
        By strength; mechanical ones last.
    months : tuple of Month
        Empty where the frame has no `applied_at`.
    """

    n: int
    n_missed: int
    n_left_out: int
    n_held_up: int
    n_early: int
    rate: Interval
    associations: tuple[Association, ...]
    months: tuple[Month, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return the findings in a few sentences of plain words."""
        if self.n == 0:
            if self.n_early:
                early = f"{self.n_early:,} met early say nothing of the rest"
                return (f"No target could have been missed yet, so there is no rate: {early}.",)
            return ("No target has been decided yet, so there is nothing to diagnose.",)
        rate = self.rate
        overall = (
            f"{self.n_missed:,} of {count(self.n, 'target')} missed: {_span(rate)}; "
            f"left out, because without an outcome yet: {self.n_left_out:,}{self._apart()}."
        )
        return (overall, *map(_in_words, self.associations), *_best_and_worst_month(self.months))

    def _apart(self) -> str:
        """What else is not counted, and why."""
        held = f" ({self.n_held_up:,} because they stood still)" if self.n_held_up else ""
        early = (
            f"; met, but too young to have been missed: {self.n_early:,}" if self.n_early else ""
        )
        return held + early

    def strengths(self) -> tuple[str, ...]:
        """How strongly each dimension goes with missing, a sentence each and no more."""
        return tuple(map(_strength, self.associations))

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnosis as a JSON object; shares between 0 and 1, NaN as null."""
        return {
            "n": self.n,
            "n_missed": self.n_missed,
            "n_left_out": self.n_left_out,
            "n_held_up": self.n_held_up,
            "n_early": self.n_early,
            "rate": interval_dict(self.rate),
            "associations": [association.as_dict() for association in self.associations],
            "months": [
                {
                    "month": month.month,
                    "n": month.n,
                    "n_missed": month.n_missed,
                    "rate": interval_dict(month.rate),
                    "is_partial": month.is_partial,
                }
                for month in self.months
            ],
            "sentences": list(self.sentences()),
        }


def diagnose(
    frame: pl.DataFrame,
    dimensions: Sequence[str],
    mechanical: Collection[str] = ("priority",),
    *,
    timezone: str = "UTC",
    seed: int = 0,
) -> Diagnosis:
    """Say where targets are missed and what goes with it.

    Parameters
    ----------
    frame : DataFrame
        Cycles of one metric joined with properties of their tickets: `state`, `is_missed`
        (derived from `state` where absent), `is_ripe` (see `ripeness.are_ripe`; all where absent),
        each of `dimensions`, and, for the months, `applied_at`.
    dimensions : sequence of str
        Columns to look at; those that the frame lacks or that are all null are skipped.
    mechanical : collection of str
        Those of them that set the target.
    timezone : str
        IANA zone of the months.
    seed : int
        Of the bootstrap.

    Examples
    --------
    >>> cycles = pl.DataFrame({"state": ["met", "missed"] * 50, "group": ["A", "B"] * 50})
    >>> diagnosis = diagnose(cycles, ["group"])
    >>> diagnosis.n_missed, round(diagnosis.associations[0].v.estimate, 2)
    (50, 1.0)
    """
    is_ripe = pl.col("is_ripe") if "is_ripe" in frame.columns else pl.lit(value=True)
    ended = frame.filter(pl.col("state").is_in(DECIDED))
    decided = ended.filter(is_ripe)
    is_held_up = is_ripe & pl.col("state").is_in(("running", "paused"))
    if "is_missed" not in decided.columns:
        decided = decided.with_columns(is_missed=pl.col("state").is_in(MISSED))
    present = [name for name in dimensions if name in decided.columns and _has_any(decided[name])]
    found = [
        associate(decided, name, is_mechanical=name in mechanical, seed=seed) for name in present
    ]
    n_missed = int(decided["is_missed"].sum())
    return Diagnosis(
        n=decided.height,
        n_missed=n_missed,
        n_left_out=frame.height - ended.height,
        n_held_up=frame.filter(is_held_up).height if "is_ripe" in frame.columns else 0,
        n_early=ended.height - decided.height,
        rate=wilson_interval(n_missed, decided.height),
        associations=tuple(sorted(found, key=_order)),
        months=_months(decided, timezone),
    )


def _has_any(column: pl.Series) -> bool:
    return column.null_count() < column.len()


def _order(association: Association) -> tuple[bool, float, str]:
    strength = np.nan_to_num(association.v.estimate, nan=-1.0)
    return association.is_mechanical, -float(strength), association.dimension


def _months(decided: pl.DataFrame, timezone: str) -> tuple[Month, ...]:
    if "applied_at" not in decided.columns:
        return ()
    started = decided.drop_nulls("applied_at").select(
        "is_missed", at=pl.col("applied_at").dt.convert_time_zone(timezone)
    )
    begins, ends = pl.col("month_at"), pl.col("month_at").dt.offset_by("1mo")
    by_month = (
        started.group_by(month_at=pl.col("at").dt.truncate("1mo"))
        .agg(pl.len(), pl.col("is_missed").sum(), first=pl.col("at").min(), last=pl.col("at").max())
        .sort("month_at")
        .with_columns(
            is_partial=(
                (pl.col("first") - begins > _QUIET) & (begins == begins.min())
                | (ends - pl.col("last") > _QUIET) & (begins == begins.max())
            ),
            month=begins.dt.strftime("%Y-%m"),
        )
    )
    return tuple(
        Month(month, n, n_missed, wilson_interval(n_missed, n), is_partial)
        for month, n, n_missed, is_partial in by_month.select(
            "month", "len", "is_missed", "is_partial"
        ).iter_rows()
    )


def _in_words(association: Association) -> str:
    told = _strength(association)
    if np.isnan(association.v.estimate):
        return told
    return f"{told} {_most_misses(association.levels)}"


def _strength(association: Association) -> str:
    name, v = association.dimension.capitalize(), association.v
    if np.isnan(v.estimate):
        return f"{name} has one level or one outcome: nothing to compare."
    strength = f"V {v.estimate:.2f} [{v.low:.2f}, {v.high:.2f}]"
    if association.is_mechanical:
        return (
            f"{name} goes with missing ({strength}) because it sets the target: mechanical, no "
            "cause."
        )
    return f"{name} goes {_how_strongly(v)} with missing ({strength})."


def _how_strongly(v: Interval) -> str:
    if not v.is_above(NEGLIGIBLE):
        return "negligibly" if v.estimate < NEGLIGIBLE else "not measurably more than negligibly"
    if v.estimate < WEAK:
        return "weakly"
    return "strongly" if v.estimate >= STRONG else "moderately"


def _most_misses(levels: Sequence[Level]) -> str:
    if not any(level.n_missed for level in levels):
        return "Nothing was missed."
    top = [level for level in levels if level.n_missed and level.n >= FEW][:_MOST]
    parts = [
        f"{apart(level.level)}: {percent(level.share_of_misses)} of the misses "
        f"(rate {_span(level.rate)})"
        for level in top
    ]
    return f"Most: {'; '.join(parts)}." if parts else f"No value of it has {FEW} targets."


def _best_and_worst_month(months: Sequence[Month]) -> tuple[str, ...]:
    months = [month for month in months if not month.is_partial]
    if len(months) < 2:  # noqa: PLR2004 - one month has no worse one
        return ()
    worst = max(months, key=lambda month: month.rate.low)
    best = min(months, key=lambda month: month.rate.high)
    if best is worst:  # one of many tickets between some of a few: nothing ran from here to there
        return ()
    sentence = (
        f"By month of opening the share missed ran from {_span(best.rate)} in {best.month} to "
        f"{_span(worst.rate)} in {worst.month}."
    )
    return (sentence,)


def _span(rate: Interval) -> str:
    return percents(rate.estimate, rate.low, rate.high)
