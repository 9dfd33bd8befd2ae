"""What is wrong with a log, in words and counts, before any number is trusted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import polars as pl

from sla_sniper.core.schema import STATUSES, STOPPED_STATUSES, TICKET_KEY, VALUE_COLUMNS
from sla_sniper.core.words import count
from sla_sniper.eventlog import stored_columns
from sla_sniper.eventlog.outages import find_outages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sla_sniper.eventlog.mapping import Mapping

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final = ("error", "warning", "note")
MIN_TICKETS: Final = 200
MIN_DAYS: Final = 28
_N_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a reader of the numbers should know.

    Attributes
    ----------
    key : str
        Stable name of the check, such as ``reversed_times``.
    severity : {"error", "warning", "note"}
        Whether numbers would be wrong, may be, or are merely to be read with it in mind.
    count, n_tickets : int
        Rows (or tickets, where the sentence says so) and distinct tickets concerned.
    sentence : str
        The finding in words, with its counts.
    examples : tuple of str
        Up to three ticket ids.
    proposal : str
        Configuration that would do something about it; often empty.
    """

    key: str
    severity: Severity
    count: int
    n_tickets: int
    sentence: str
    examples: tuple[str, ...] = ()
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Everything `check` found in one log, the worst first."""

    n_events: int
    n_tickets: int
    first_at: datetime | None
    last_at: datetime | None
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Whether a number computed from this log would be wrong."""
        return any(finding.severity == "error" for finding in self.findings)

    def sentences(self) -> tuple[str, ...]:
        """Return the findings in words, the worst first."""
        return tuple(f"{finding.severity}: {finding.sentence}" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as one JSON object; instants are ISO 8601 in UTC."""
        return {
            "n_events": self.n_events,
            "n_tickets": self.n_tickets,
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "counts": {
                severity: sum(finding.severity == severity for finding in self.findings)
                for severity in SEVERITIES
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class _Log:
    """The frames that the checks share."""

    events: pl.DataFrame
    rows: pl.DataFrame
    """Events that a file told, without the derived `created`, in their order."""

    histories: pl.DataFrame
    """Rows of the sources whose files have a row a change."""

    mappings: Sequence[Mapping]
    known_priorities: frozenset[str]


def check(
    events: pl.DataFrame,
    mappings: Sequence[Mapping] = (),
    *,
    known_priorities: Collection[str] = (),
    as_of: datetime | None = None,
) -> QualityReport:
    """Look for what makes numbers from this log wrong or doubtful.

    Parameters
    ----------
    events : DataFrame
        Canonical events (`core.schema.EVENTS`), derived `created` rows included.
    mappings : sequence of Mapping
        How each source was read; checks that need a mapping skip sources without one.
    known_priorities : collection of str
        Priorities for which some policy or cost has a value; empty: not checked.
    as_of : datetime, optional
        Later events are counted as times in the future; the log's end if omitted.
    """
    log = _log(events, mappings, known_priorities)
    first_at, last_at = _first_and_last(events)
    findings = [finding for finding in _findings(log, as_of or last_at) if finding is not None]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return QualityReport(
        n_events=events.height,
        n_tickets=_n_tickets(events),
        first_at=first_at,
        last_at=last_at,
        findings=tuple(findings),
    )


def _log(
    events: pl.DataFrame, mappings: Sequence[Mapping], known_priorities: Collection[str]
) -> _Log:
    rows = events.filter(pl.col("sequence") >= 0).sort(*TICKET_KEY, "occurred_at", "sequence")
    tickets = [mapping.source for mapping in mappings if mapping.shape == "tickets"]
    histories = rows.filter(~pl.col("source").is_in(tickets))
    return _Log(events, rows, histories, mappings, frozenset(known_priorities))


def _findings(log: _Log, end: datetime | None) -> Iterator[Finding | None]:
    yield _few_tickets(log)
    yield _reversed_times(log)
    yield from _negative_durations(log)
    yield from _missing_history(log)
    yield _sequence_gaps(log)
    yield from _unmapped(log)
    yield _duplicated_rows(log)
    yield _future(log, end)
    yield from _stamped(log)
    yield from _personal(log)
    yield from _outages(log)
    yield from _zones(log)


def _few_tickets(log: _Log) -> Finding | None:
    n_tickets, opened = _n_tickets(log.events), log.events["created_at"].drop_nulls()
    n_days = opened.dt.date().n_unique()
    if n_tickets >= MIN_TICKETS and n_days >= MIN_DAYS:
        return None
    sentence = (
        f"{count(n_tickets, 'ticket')} opened on {count(n_days, 'day')}: an honest forecast needs "
        f"at least {MIN_TICKETS} tickets on {MIN_DAYS} days."
    )
    return Finding("few_tickets", "warning", n_tickets, n_tickets, sentence)


def _reversed_times(log: _Log) -> Finding | None:
    reversed_rows = log.rows.filter(pl.col("occurred_at") < pl.col("created_at"))
    return _finding(
        reversed_rows,
        ("reversed_times", "warning"),
        "{rows} of {tickets} before the ticket was created; the clock starts at the creation "
        "and counts what came earlier as at its start.",
    )


def _negative_durations(log: _Log) -> Iterator[Finding | None]:
    """Vendor times that contradict each other, one line a ticket."""
    tickets = log.rows.group_by(TICKET_KEY, maintain_order=True).last()
    pairs = (
        ("vendor_resolved_at", "created_at", "resolved before being created"),
        ("vendor_closed_at", "created_at", "closed before being created"),
        ("vendor_closed_at", "vendor_resolved_at", "closed before being resolved"),
        ("vendor_due_at", "created_at", "due before being created"),
    )
    for later, earlier, words in pairs:
        wrong = tickets.filter(pl.col(later) < pl.col(earlier))
        key = f"{later.removeprefix('vendor_')}_before_{earlier.removeprefix('vendor_')}"
        yield _finding(wrong, (key, "warning"), f"{{tickets}} {words}, says the help desk.")


def _missing_history(log: _Log) -> Iterator[Finding | None]:
    first = log.histories.filter(pl.col("status").is_not_null()).unique(
        TICKET_KEY, keep="first", maintain_order=True
    )
    total = first.height
    yield _finding(
        first.filter(pl.col("status").is_in(STOPPED_STATUSES)),
        ("begins_at_end", "warning"),
        f"{{n_tickets}} of {count(total, 'ticket')} beginning resolved or closed: the history is "
        "missing, and the clock stops at the first row that there is.",
    )
    is_new = log.histories.group_by(TICKET_KEY, maintain_order=True).agg(
        (pl.col("status") == "new").any().alias("is_new")
    )
    if is_new["is_new"].any():
        yield _finding(
            is_new.filter(~pl.col("is_new").fill_null(value=False)),
            ("no_new_row", "note"),
            f"{{n_tickets}} of {count(total, 'ticket')} without a row in status new; the beginning "
            "is known from the creation time alone.",
        )


def _sequence_gaps(log: _Log) -> Finding | None:
    counted = [mapping.source for mapping in log.mappings if "sequence" in mapping.columns]
    rows = log.rows.filter(pl.col("source").is_in(counted)).sort(*TICKET_KEY, "sequence")
    step = pl.col("sequence").diff().over(TICKET_KEY)
    return _finding(
        rows.filter(step > 1),
        ("sequence_gaps", "warning"),
        f"{{n_rows}} of {count(rows.height, 'row')}, of {{tickets}}, after a gap in the sequence: "
        "changes in between were not exported.",
    )


def _unmapped(log: _Log) -> Iterator[Finding | None]:
    yield _unknown_values(log.rows, "status", STATUSES, "error", "they count as open")
    if log.known_priorities:
        effect = "no policy names them: map them, or give the target a `default`"
        yield _unknown_values(log.rows, "priority", log.known_priorities, "warning", effect)
    if log.rows["priority"].null_count() < log.rows.height:
        yield _finding(
            log.rows.filter(pl.col("priority").is_null()),
            ("missing_priority", "warning"),
            "{rows} of {tickets} without a priority.",
        )


def _unknown_values(
    rows: pl.DataFrame, column: str, known: Iterable[str], severity: Severity, effect: str
) -> Finding | None:
    unknown = rows.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(list(known)))
    counts = unknown[column].value_counts(sort=True).head(5).rows()
    listed = ", ".join(f"{value!r} ({count(number)})" for value, number in counts)
    listed = listed.replace("{", "{{").replace("}", "}}")
    return _finding(
        unknown,
        (f"unmapped_{column}", severity),
        f"{{rows}} of {{tickets}} with a {column} that is not mapped: {listed}; "
        f"{effect}. Map them in [values.{column}].",
    )


def _duplicated_rows(log: _Log) -> Finding | None:
    pair = pl.element().struct
    attributes = pl.col("attributes").list.eval(
        pl.concat_str(pair.field("key"), pair.field("value"), separator="=", ignore_nulls=True)
    )
    same = [*TICKET_KEY, "occurred_at", *VALUE_COLUMNS, "told"]
    rows = log.rows.with_columns(told=attributes.list.join("\x1f"))
    return _finding(
        rows.filter(~pl.struct(same).is_first_distinct()),
        ("duplicated_rows", "note"),
        "{rows} of {tickets} the same as another row of the same instant, in all stored values.",
    )


def _future(log: _Log, end: datetime | None) -> Finding | None:
    if end is None:
        return None
    times = ("occurred_at", "created_at", "vendor_resolved_at", "vendor_closed_at")
    later = log.rows.filter(pl.any_horizontal(pl.col(times) > end))
    return _finding(
        later,
        ("times_in_future", "warning"),
        f"{{rows}} of {{tickets}} with a time after {end:%Y-%m-%d %H:%M} UTC, where the log ends.",
    )


def _stamped(log: _Log) -> Iterator[Finding | None]:
    for mapping in log.mappings:
        rows = log.histories.filter(pl.col("source") == mapping.source)
        for _, suspect in stored_columns.stamped(rows, mapping):
            yield Finding("stamped_column", "error", *suspect)


def _personal(log: _Log) -> Iterator[Finding | None]:
    for mapping in log.mappings:
        rows = log.rows.filter(pl.col("source") == mapping.source)
        for severity, suspect in stored_columns.personal(rows, mapping):
            yield Finding("personal_data", severity, *suspect)


def _outages(log: _Log) -> Iterator[Finding]:
    for status in STOPPED_STATUSES:
        for outage in find_outages(log.rows, status):
            yield Finding(
                "outage",
                "warning",
                outage.n_spike,
                outage.n_spike,
                outage.sentence,
                proposal=outage.proposal,
            )


def _zones(log: _Log) -> Iterator[Finding]:
    for mapping in log.mappings:
        n_tickets = _n_tickets(log.rows.filter(pl.col("source") == mapping.source))
        sentence = (
            f"Times of {mapping.source!r} without an offset are read as {mapping.timezone}; "
            "a wrong zone shifts every deadline that has office hours."
        )
        yield Finding("time_zone", "note", 0, n_tickets, sentence)


def _finding(
    rows: pl.DataFrame, kind: tuple[str, Severity], template: str, *, proposal: str = ""
) -> Finding | None:
    """Count rows into a sentence; None where there are none.

    The template has ``{rows}`` and ``{tickets}``, numbers with their noun, or ``{n_rows}`` and
    ``{n_tickets}``, without one.
    """
    if rows.is_empty():
        return None
    n_tickets = _n_tickets(rows)
    return Finding(
        *kind,
        count=rows.height,
        n_tickets=n_tickets,
        sentence=template.format(
            rows=count(rows.height, "row"),
            tickets=count(n_tickets, "ticket"),
            n_rows=count(rows.height),
            n_tickets=count(n_tickets),
        ),
        examples=examples(rows),
        proposal=proposal,
    )


def examples(rows: pl.DataFrame) -> tuple[str, ...]:
    """Return up to three ticket ids of `rows`, in their order."""
    return tuple(rows["ticket_id"].unique(maintain_order=True).head(_N_EXAMPLES))


def _n_tickets(frame: pl.DataFrame) -> int:
    return frame.select(pl.struct(TICKET_KEY).n_unique()).item() if frame.height else 0


def _first_and_last(events: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    times = events["occurred_at"].drop_nulls().sort()
    return (times[0], times[-1]) if len(times) else (None, None)
