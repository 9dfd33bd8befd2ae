"""The diagnosis in detail: where, how strongly, when and why, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.diagnosis.cells import Stakes
from sla_sniper.diagnosis.coding import encode
from sla_sniper.diagnosis.conditions import Conditional, conditions
from sla_sniper.diagnosis.conduct import Conduct, conduct
from sla_sniper.diagnosis.curves import (
    CENSORED,
    MET,
    MISSED,
    Curves,
    bins,
    cumulative_incidence,
    hazard,
)
from sla_sniper.diagnosis.findings import Finding, habits, ranked, waits, where_and_who
from sla_sniper.diagnosis.flow import Hour, Recovery, Week, by_hour, by_week, recovery
from sla_sniper.diagnosis.invented import invented
from sla_sniper.diagnosis.legs import Cut, Leg, cut, legs
from sla_sniper.diagnosis.ranks import RankDifference, rank_difference
from sla_sniper.diagnosis.regression import regress
from sla_sniper.diagnosis.strata import ChiSquare, explained, independence
from sla_sniper.diagnosis.summary import DECIDED
from sla_sniper.diagnosis.summary import MISSED as MISSED_STATES
from sla_sniper.diagnosis.tried import PERSON, WHO, try_all
from sla_sniper.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.case_mix import Compared
    from sla_sniper.diagnosis.coding import Coded

    Floats = NDArray[np.float64]

CALENDAR: Final = ("hour", "weekday", "month")
"""Dimensions that follow from when a clock started, local time."""
_MOST_LEVELS: Final = 20
_MOST_CURVES: Final = 6
_LEAST_CURVE: Final = 30
_HOUR: Final = 3_600_000_000
_SETS_TARGET: Final = 0.9
"""Share of the spread of a vendor's targets that a dimension explains if it sets them."""
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Question:
    """What the diagnosis is asked.

    Attributes
    ----------
    dimensions, numbers : sequence of str
        Columns with levels, and with numbers, that were known as each clock started.
    mechanical : collection of str
        Those of the dimensions that set the target by the policies.
    timezone : str
        IANA zone of hours and days.
    as_of : datetime
        Where the log is read.
    amount : callable
        Writes an amount of `price`: in currency, or in misses where nothing is priced.
    has_vendor_targets : bool
        Whether the help desk sets targets by rules of its own, which nobody wrote down here.
    """

    dimensions: Sequence[str]
    numbers: Sequence[str]
    mechanical: Collection[str]
    timezone: str
    as_of: datetime
    amount: Callable[[float], str]
    has_vendor_targets: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """A dimension's chi-square test, and its p among all that were tested."""

    name: str
    test: ChiSquare
    p_adjusted: float


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """Everything that `sniper diagnose` says beyond the overview.

    Attributes
    ----------
    cells : DataFrame
        As of `tried.Tried`: every level and pair of levels, by money.
    mechanical : tuple of str
        Dimensions that set the target, by the policies or by the targets themselves.
    tests : tuple of Tested
    numbers : tuple of (RankDifference, float)
        With the p adjusted as those of `tests`: all are one family.
    conditions : tuple of Conditional
    compared : mapping of str to tuple of Compared
        Groups and agents.
    curves : tuple of Curves
        By priority, the most frequent first.
    legs : tuple of Leg
    cut : Cut
        What of their time has no end yet.
    hours, weeks : tuple of Hour, of Week
    recovery : Recovery
    conduct : tuple of Conduct
    invented : tuple of str
        Why the times look made up; empty where they do not.
    findings : tuple of Finding
        By money.
    keys : DataFrame
        `source, ticket_id` of the clocks that the findings' rows count.
    """

    cells: pl.DataFrame
    mechanical: tuple[str, ...]
    tests: tuple[Tested, ...]
    numbers: tuple[tuple[RankDifference, float], ...]
    conditions: tuple[Conditional, ...]
    compared: Mapping[str, tuple[Compared, ...]]
    curves: tuple[Curves, ...]
    legs: tuple[Leg, ...]
    cut: Cut
    hours: tuple[Hour, ...]
    weeks: tuple[Week, ...]
    recovery: Recovery
    conduct: tuple[Conduct, ...]
    invented: tuple[str, ...]
    findings: tuple[Finding, ...]
    keys: pl.DataFrame

    def tickets(self, finding: Finding) -> pl.DataFrame:
        """Tickets of one of the findings, each once, in order."""
        return self.keys[finding.rows].unique().sort("source", "ticket_id")


def look_closer(clocks: pl.DataFrame, asked: Question) -> Detail:
    """Diagnose the clocks of one metric in detail.

    Parameters
    ----------
    clocks : DataFrame
        One metric's courses (`courses.courses`) joined with `conduct.histories`, the columns
        that `asked` names, `is_ripe` (see `ripeness.are_ripe`), and `price`: what a miss of each
        costs, missed or not. Without those that were cancelled.
    asked : Question

    Returns
    -------
    Detail
    """
    clocks = _with_calendar(clocks, asked.timezone)
    clocks = clocks.with_columns(is_missed=pl.col("state").is_in(MISSED_STATES))
    place = np.flatnonzero((clocks["state"].is_in(DECIDED) & clocks["is_ripe"]).to_numpy())
    decided = clocks[place]
    missed = decided["is_missed"].to_numpy().astype(np.float64)
    price = decided["price"].to_numpy()
    names = [name for name in (*asked.dimensions, *CALENDAR) if _has_any(decided, name)]
    fine, coarse = (
        [encode(decided, name, most=most) for name in names] if decided.height else []
        for most in (50, _MOST_LEVELS)
    )
    mechanical = _mechanical(coarse, decided, asked)
    setting = [each for each in coarse if each.dimension in mechanical]
    stakes = Stakes(missed, price, _expected(setting, missed))
    tests, numbers = _tested(fine, decided, missed, asked.numbers)
    mix = [each for each in coarse if each.dimension not in (*WHO, *CALENDAR)]
    tried = try_all(fine, mix, stakes, mechanical)
    habitual = conduct(clocks, as_of=asked.as_of)
    of_decided = [
        *where_and_who(tried, asked.amount),
        *waits(decided, price),
    ]
    found = [replace(each, rows=place[each.rows]) for each in of_decided]
    found += habits(habitual, clocks)
    return Detail(
        cells=tried.cells,
        mechanical=mechanical,
        tests=tests,
        numbers=numbers,
        conditions=conditions(coarse, missed, mechanical),
        compared=tried.compared,
        curves=curves_by_priority(clocks),
        legs=legs(decided),
        cut=cut(decided),
        hours=by_hour(clocks, timezone=asked.timezone, end=asked.as_of),
        weeks=by_week(clocks, timezone=asked.timezone),
        recovery=recovery(decided, end=asked.as_of),
        conduct=habitual,
        invented=invented(*_local(decided, asked.timezone)),
        findings=ranked(found),
        keys=clocks.select("source", "ticket_id"),
    )


def _with_calendar(clocks: pl.DataFrame, timezone: str) -> pl.DataFrame:
    started = pl.col("applied_at").dt.convert_time_zone(timezone)
    days = pl.Series(list(_WEEKDAYS))
    return clocks.with_columns(
        hour=started.dt.strftime("%H"),
        weekday=(started.dt.weekday().cast(pl.Int64) - 1).replace_strict(
            pl.Series(range(len(days)), dtype=pl.Int64), days, return_dtype=pl.String
        ),
        month=started.dt.strftime("%Y-%m"),
    )


def _has_any(frame: pl.DataFrame, name: str) -> bool:
    return name in frame.columns and frame[name].null_count() < frame.height


def _mechanical(coded: Sequence[Coded], decided: pl.DataFrame, asked: Question) -> tuple[str, ...]:
    """Dimensions that set the target: those that policies name, and what the vendor's follows."""
    named = [each.dimension for each in coded if each.dimension in asked.mechanical]
    if asked.has_vendor_targets:
        target = np.log(np.maximum(decided["target_us"].to_numpy().astype(np.float64), 1.0))
        explains = {
            each.dimension: explained(each, target)
            for each in coded
            if each.dimension not in (PERSON, *CALENDAR)
        }
        # Priority first: what only goes with it, as the group that gets all that is critical, does
        # not set the target.
        best = max(explains, key=lambda name: (name == "priority", explains[name]), default="")
        if explains.get(best, 0.0) < _SETS_TARGET:
            best = max(explains, key=explains.__getitem__, default="")
        if explains.get(best, 0.0) >= _SETS_TARGET:
            named.append(best)
    return tuple(dict.fromkeys(named))


def _tested(
    coded: Sequence[Coded], decided: pl.DataFrame, missed: Floats, numbers: Sequence[str]
) -> tuple[tuple[Tested, ...], tuple[tuple[RankDifference, float], ...]]:
    """Test every dimension and number, and adjust their p values as one family."""
    tests = [independence(each, missed) for each in coded]
    ranks = [
        rank_difference(name, decided[name].to_numpy().astype(np.float64), missed)
        for name in numbers
        if _has_any(decided, name)
    ]
    p = [test.p if test.df else np.nan for test in tests] + [each.p for each in ranks]
    adjusted = benjamini_hochberg(np.array(p, dtype=np.float64)).tolist()
    return (
        tuple(
            Tested(each.dimension, test, q)
            for each, test, q in zip(coded, tests, adjusted, strict=False)
        ),
        tuple(zip(ranks, adjusted[len(tests) :], strict=True)),
    )


def _expected(setting: Sequence[Coded], missed: Floats) -> Floats:
    """Chance of missing by what sets the target alone."""
    if not setting or not len(missed):
        return np.full(len(missed), missed.mean() if len(missed) else 0.0)
    return np.asarray(1 / (1 + np.exp(-regress(setting, missed).logit)))


def _local(decided: pl.DataFrame, timezone: str) -> tuple[pl.Series, pl.Series]:
    both = decided.select(pl.col("applied_at", "fulfilled_at").dt.convert_time_zone(timezone))
    return both["applied_at"], both["fulfilled_at"]


def curves_by_priority(clocks: pl.DataFrame) -> tuple[Curves, ...]:
    """Follow the clocks of each priority from their start; the most frequent first."""
    clocks = clocks.select("priority", "elapsed_us", "target_us", "is_missed", "fulfilled_at")
    sizes = clocks.group_by("priority").len().sort(["len", "priority"], descending=[True, False])
    found = []
    for priority, n in sizes.head(_MOST_CURVES).iter_rows():
        if n >= _LEAST_CURVE:
            mine = clocks.filter(pl.col("priority").eq_missing(pl.lit(priority)))
            found.append(_curves(priority or "(none)", mine))
    return tuple(found)


def _curves(level: str, clocks: pl.DataFrame) -> Curves:
    hours = np.maximum(clocks["elapsed_us"].to_numpy() / _HOUR, 0.0)
    target = clocks["target_us"].to_numpy() / _HOUR
    is_late = clocks["is_missed"].to_numpy()
    is_done = clocks["fulfilled_at"].is_not_null().to_numpy()
    end = np.where(is_late, MISSED, np.where(is_done, MET, CENSORED))
    first = np.where(is_late, np.minimum(hours, target), hours)
    middle = float(np.median(target))
    edges = bins(clocks["elapsed_us"].to_numpy()[is_done], 2 * middle)
    # Once the longest target is used up every miss has happened.
    grid = np.unique(np.r_[np.linspace(0, middle, 5), target.max()])
    return Curves(
        level=level,
        n=len(hours),
        n_met=int((end == MET).sum()),
        n_missed=int((end == MISSED).sum()),
        n_censored=int((end == CENSORED).sum()),
        target_hours=middle,
        targets=(float(target.min()), float(target.max())),
        met=cumulative_incidence(first, end, MET),
        missed=cumulative_incidence(first, end, MISSED),
        done=cumulative_incidence(hours, is_done.astype(np.int64), 1),
        at_risk=tuple((float(at), int((first >= at).sum())) for at in grid),
        hazard=hazard(hours, is_done, edges),
    )
