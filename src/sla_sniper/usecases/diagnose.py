"""sniper diagnose: where targets are missed, what goes with it, when and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from sla_sniper.config.documents import nearest
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import command, count
from sla_sniper.diagnosis import Detail, Diagnosis, Question, diagnose, look_closer
from sla_sniper.diagnosis.conduct import histories
from sla_sniper.diagnosis.courses import courses
from sla_sniper.diagnosis.ripeness import are_ripe
from sla_sniper.engine.local import in_buckets
from sla_sniper.escalation import money
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.outages import find_outages
from sla_sniper.sla.conditions import value_of
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import require_table, write_table
from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.diagnosis.findings import Finding
    from sla_sniper.eventlog.outages import Outage
    from sla_sniper.sla.policy import ServiceLevels
    from sla_sniper.usecases.desk import Desk

_ORDER = (*TICKET_KEY, "cycle", "policy")
_NOT_ASKED = (
    "metric", "paused_us", "due_at", "recorded_breach_at", "next_warning_at", "next_warning",
)  # fmt: skip
DIMENSIONS = ("priority", "group", "category", "channel", "product", "organization", "assignee")
_SHOWN_CELLS = 200
_MANY_VALUES = 20
"""Distinct numbers from which on a kept attribute is a number rather than a code."""


class UnknownFindingError(SlaSniperError):
    """A finding was asked for that the diagnosis does not have."""

    exit_code: ClassVar[int] = 47

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return (
            f"The diagnosis has no finding {self.name!r}{nearest(self.name, self.known)}; "
            "`sniper diagnose` lists them."
        )


@dataclass(frozen=True, slots=True)
class DiagnosisReport:
    """The diagnosis of one metric, as of an instant.

    Attributes
    ----------
    diagnosis : Diagnosis
        The overview.
    detail : Detail
        Everything else.
    outages : tuple of str
        Spans in which an end stalled, a sentence each.
    """

    diagnosis: Diagnosis
    detail: Detail
    outages: tuple[str, ...]
    metric: str
    currency: str
    as_of: datetime
    why: str

    def amount(self, value: float) -> str:
        """Write an amount of money, or of misses where nothing is priced."""
        return money(value, self.currency) if self.currency else _misses(value)

    def sentences(self) -> tuple[str, ...]:
        """The overview, what matters beside the rest, and what to doubt."""
        doubts = [f"The times look invented: {each}." for each in self.detail.invented]
        matters = (each.sentence for each in self.detail.conditions)
        return (*doubts, *self.diagnosis.sentences(), *matters, *self.outages)

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper diagnose`."""
        facts = {"why": self.why, "metric": self.metric, "currency": self.currency}
        told = self.diagnosis.as_dict() | {"sentences": list(self.sentences())}
        return as_json(header("diagnose", self.as_of) | facts | told | _detail(self))


@dataclass(frozen=True, slots=True)
class FindingTickets:
    """The tickets of one finding: `source, ticket_id`, in order.

    Attributes
    ----------
    has_sources : bool
        Whether the log has several, so that an id alone names no ticket.
    """

    finding: Finding
    tickets: pl.DataFrame
    as_of: datetime
    has_sources: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper diagnose --tickets`."""
        facts = {"finding": self.finding.as_dict(), "tickets": self.tickets.to_dicts()}
        return as_json(header("diagnose_tickets", self.as_of) | facts)


def diagnose_log(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    metric: str | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> DiagnosisReport:
    """Say where targets are missed, by what was known of each ticket at its creation.

    Parameters
    ----------
    metric : str, optional
        What is timed; the first one of the policies if not given.
    out : Path, optional
        A table of every cell is written here.

    Raises
    ------
    UnknownMetricError
        If no policy times it.
    UnknownEndingError, NotWritableError
        If `out` cannot be written; told before any work is done.
    """
    require_table(out)
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    report = diagnose_desk(desk, metric)
    if out is not None:
        write_table(report.detail.cells, out)
    return report


def list_tickets(  # noqa: PLR0913 - one argument an option
    folder: Path,
    name: str,
    *,
    as_of: datetime | None,
    now: datetime,
    metric: str | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> FindingTickets:
    """List the tickets of one finding of the diagnosis; see `diagnose_log`.

    Parameters
    ----------
    name : str
        Id of the finding.
    out : Path, optional
        The list is written here as well.

    Raises
    ------
    UnknownFindingError
        If the diagnosis has no such finding.
    """
    require_table(out)
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    detail = diagnose_desk(desk, metric).detail
    found = next((each for each in detail.findings if each.id == name), None)
    if found is None:
        raise UnknownFindingError(name, tuple(each.id for each in detail.findings))
    tickets = detail.tickets(found)
    if out is not None:
        write_table(tickets, out)
    return FindingTickets(found, tickets, desk.as_of, detail.keys["source"].n_unique() > 1)


def diagnose_desk(desk: Desk, metric: str | None = None) -> DiagnosisReport:
    """Diagnose an opened desk; see `diagnose_log`."""
    metric = metric or desk.workspace.sla.levels.metrics[0]
    desk.require_timed(metric)
    dimensions = _dimensions(desk)
    clocks = _clocks(desk, metric, dimensions)
    costs, calendars = desk.workspace.sla.breach_costs, desk.workspace.sla.levels.calendars
    price = pl.lit(1.0).alias("price") if costs is None else _prices(desk, clocks)
    clocks = clocks.with_columns(price, are_ripe(clocks, calendars, as_of=desk.as_of))
    numbers = [name for name in desk.keep if _is_number(clocks[name])]
    levels = [*dimensions, *(name for name in desk.keep if name not in numbers)]
    known = clocks.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in numbers)
    desk.progress("looking for what goes with misses")
    asked = Question(
        dimensions=levels,
        numbers=numbers,
        mechanical=_mechanical(desk.workspace.sla.levels),
        timezone=desk.workspace.landmarks.timezone,
        as_of=desk.as_of,
        has_vendor_targets=any(
            target.is_vendor
            for policy in desk.workspace.sla.levels.policies
            for target in policy.targets
            if target.metric == metric
        ),
        amount=_misses if costs is None else lambda amount: money(amount, costs.currency),
    )
    detail = _with_checks(
        look_closer(known.filter(pl.col("state") != "cancelled"), asked), desk, metric
    )
    # Who missed is compared with the mix of their tickets alone, never as a place by itself.
    overview = diagnose(
        known,
        [name for name in levels if name != "assignee"],
        mechanical=detail.mechanical,
        timezone=asked.timezone,
    )
    ends = [name for name in ("resolved", "closed") if (desk.stored["status"] == name).any()]
    return DiagnosisReport(
        diagnosis=overview,
        detail=detail,
        outages=tuple(
            outage_told(each, known, metric)
            for end in ends
            for each in find_outages(desk.stored, end)
        ),
        metric=metric,
        currency="" if costs is None else costs.currency,
        as_of=desk.as_of,
        why=desk.why,
    )


def _with_checks(detail: Detail, desk: Desk, metric: str) -> Detail:
    """Give each finding the command that lists its tickets: of this metric, as of this instant."""
    options = [] if metric == desk.workspace.sla.levels.metrics[0] else ["--metric", metric]
    if desk.as_of not in (desk.log_end, desk.workspace.as_of):
        options += ["--as-of", desk.as_of.isoformat()]
    # Clocks come by ticket, so that a number for each run of equal keys is one for each ticket.
    ticket = detail.keys.select(pl.struct(TICKET_KEY).rle_id()).to_series().to_numpy()
    findings = (
        replace(
            each,
            check=command(["sniper", "diagnose", "--tickets", each.id, *options]),
            n_tickets=len(np.unique(ticket[each.rows])),
        )
        for each in detail.findings
    )
    return replace(detail, findings=tuple(findings))


def _clocks(desk: Desk, metric: str, dimensions: Sequence[str]) -> pl.DataFrame:
    """Every clock of a metric with its course, and what was known of its ticket at the start."""
    levels = desk.workspace.sla.levels
    assigning = {each.source for each in desk.mappings if "assignee" in each.columns}

    def read(rows: pl.DataFrame) -> pl.DataFrame:
        events = derive(rows)
        found = courses(events, levels, metric, as_of=desk.as_of, assigning=assigning)
        found = found.drop(_NOT_ASKED).rename({"priority_applied": "priority"})
        opened = events.group_by(TICKET_KEY).agg(
            *(pl.col(name).drop_nulls().first() for name in dimensions if name != "priority"),
            *(value_of(name).drop_nulls().first().alias(name) for name in desk.keep),
        )
        return found.join(opened, on=TICKET_KEY, how="left").join(
            histories(events), on=TICKET_KEY, how="left"
        )

    parts = in_buckets(desk.stored, read, progress=desk.progress, step="reading the clocks")
    return _numbered(pl.concat(parts).filter(~_is_excluded(desk)).sort(*_ORDER))


def _numbered(clocks: pl.DataFrame) -> pl.DataFrame:
    """Call agents by a number, the one with the most, then the earliest clocks first: no name."""
    if "assignee" not in clocks.columns:
        return clocks
    agents = (
        clocks.select("applied_at", *TICKET_KEY, "assignee")
        .sort("applied_at", *TICKET_KEY)
        .with_row_index("place")
        .drop_nulls("assignee")
        .group_by("assignee")
        .agg(n=pl.len(), first=pl.col("place").min())
        .sort("n", "first", descending=[True, False])
    )
    names = agents.select(pl.format("agent {}", pl.int_range(1, pl.len() + 1))).to_series()
    return clocks.with_columns(
        pl.col("assignee").replace_strict(agents["assignee"], names, return_dtype=pl.String)
    )


def _prices(desk: Desk, clocks: pl.DataFrame) -> pl.Series:
    """What a miss of each clock costs, by the priority that it was measured by."""
    kept = clocks.with_columns(pl.col(name).alias(f"attr_{name}") for name in desk.keep)
    return desk.breach_costs(kept).alias("price")


def outage_told(outage: Outage, clocks: pl.DataFrame, metric: str) -> str:
    """Tell an outage, and how many of these clocks its status ended: with none it is no matter.

    Parameters
    ----------
    clocks : DataFrame
        Courses of the metric, with `fulfilled_at` and `ended_by`.
    """
    day = pl.col("fulfilled_at").dt.date()
    is_in = day.is_between(outage.start, outage.spike_on) & (pl.col("ended_by") == outage.status)
    n = clocks.filter(is_in).height
    if not n:
        return f"{outage.words}, but no clock of {metric} was ended by it: it changes nothing here."
    return (
        f"{outage.words} and ended {count(n, 'clock')} of {metric}: their breaches say nothing "
        "about people; consider excluding it."
    )


def _misses(amount: float) -> str:
    return count(amount, "miss") if round(amount) == 1 else f"{count(amount)} misses"


def _is_number(column: pl.Series) -> bool:
    """Whether an attribute holds numbers, and more of them than a code would."""
    values = column.drop_nulls()
    if values.n_unique() < _MANY_VALUES:
        return False
    return bool(values.cast(pl.Float64, strict=False).is_not_null().all())


def _mechanical(levels: ServiceLevels) -> tuple[str, ...]:
    """Dimensions by which the policies set targets, calendars or themselves."""
    targets = [target for policy in levels.policies for target in policy.targets]
    by_priority = any(len(set(target.by_priority.values())) > 1 for target in targets)
    conditions = [name for policy in levels.policies for name in policy.when.fields]
    calendars = [
        name
        for target in targets
        if not isinstance(target.calendar, str)
        for name, _ in target.calendar.by
    ]
    return tuple(dict.fromkeys([*["priority"] * by_priority, *conditions, *calendars]))


def _dimensions(desk: Desk) -> list[str]:
    """Dimensions that no source stamps at the end: a stamp tells who ended, not why late."""
    return [name for name in DIMENSIONS if not any(m.is_stamped(name) for m in desk.mappings)]


def _is_excluded(desk: Desk) -> pl.Expr:
    spans = [
        pl.col("applied_at").is_between(each.start, each.end, closed="left")
        for each in desk.workspace.exclusions
        if "diagnosis" in each.use
    ]
    return pl.any_horizontal(*spans) if spans else pl.lit(value=False)


def _detail(report: DiagnosisReport) -> dict[str, Any]:
    found = report.detail
    return {
        "mechanical": found.mechanical,
        "findings": [each.as_dict() for each in found.findings],
        "cells": found.cells.head(_SHOWN_CELLS).to_dicts(),
        "n_cells": found.cells.height,
        "tests": [
            {"dimension": each.name, "statistic": each.test.statistic, "df": each.test.df,
             "p": each.test.p, "p_adjusted": each.p_adjusted}
            for each in found.tests
        ],
        "numbers": [each.as_dict() | {"p_adjusted": p} for each, p in found.numbers],
        "conditions": [each.as_dict() for each in found.conditions],
        "compared": {
            name: [each.as_dict() for each in levels] for name, levels in found.compared.items()
        },
        "curves": [each.as_dict() | {"sentence": each.sentence} for each in found.curves],
        "legs": [each.as_dict() for each in found.legs],
        "cut": found.cut.as_dict(),
        "hours": [asdict(each) for each in found.hours],
        "weeks": [asdict(each) | {"monday": each.monday.isoformat()} for each in found.weeks],
        "recovery": found.recovery.as_dict(),
        "conduct": [each.as_dict() for each in found.conduct],
        "invented": list(found.invented),
        "outages": list(report.outages),
    }  # fmt: skip
