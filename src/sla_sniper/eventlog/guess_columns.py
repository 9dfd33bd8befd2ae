"""Which column of an unknown file is what, by its name and by how its values behave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import polars as pl

from sla_sniper.core.words import count
from sla_sniper.eventlog.guess_values import log_format, null_tokens, time_formats, truth_value
from sla_sniper.eventlog.stored_columns import CONSTANT_AT_LEAST, LATER_AT_LEAST
from sla_sniper.eventlog.suspicion import PersonalKind, names_an_ending, personal_kind, words
from sla_sniper.eventlog.times import read_instants

if TYPE_CHECKING:
    from collections.abc import Iterable

Confidence: TypeAlias = Literal["sure", "likely", "a guess"]

MANY_ROWS: Final = 1.2
"""Rows a ticket from which a file has a row a change."""

_RARE, _FROM_THE_START = 0.2, 0.6
_FEW_VERDICTS: Final = 4
_ID_NAMES: Final = (
    r"^(ticket|case|incident|request|issue|task) ?(id|number|no|key|nr)$|case concept name",
    r"^(number|id|key)$",
    r"\b(ticket|case|incident|request|enquiry|issue)\b.*\b(id|number|key)$",
    r"\b(id|number|key)$",
)
_TIME_NAMES: Final = {
    "created_at": (
        r"^(opened|open|created|creation|submitted|reported|requested) ?(at|dt|date|time|on)?$",
        r"^(ticket|case|sys) (created|creation|opened)|creat|\bopen(ed)?\b|\bsubmitted|\breported",
    ),
    "first_response_at": (r"first (response|reply|replied|responded|answer)",),
    "resolved_at": (r"resol|\bsolved|fixed",),
    "closed_at": (r"\bclos|complet(ed|ion) (at|on|date)",),
    "due_at": (r"\bdue\b|deadline|target|breach(es)? at",),
}
_EVENT_NAMES: Final = (
    r"^time timestamp$|complete timestamp|^(occurred|changed|event) ?(at|time|date)$",
    r"timestamp|updated (at|on)|modified|changed|occurred",
    r"time|date|\bat\b|\bdt\b",
)
_VALUE_NAMES: Final = {
    "status": (r"^(ticket|case|incident|issue)? ?(status|state)$", r"\b(status|state)$"),
    "priority": (r"^(ticket|case|issue)? ?priority$", r"^(severity|seriousness|urgency)$"),
    "group": (
        r"^(assignment|assigned|ticket|support)? ?group$",
        r"^(queue|team|workgroup|department)$",
        r"\b(group|queue|team)$",
    ),
    "assignee": (
        r"^assigned to$|^assignee( name| id)?$|^org resource$",
        r"^(agent|owner|resource)\b",
    ),
    "channel": (r"^(ticket)? ?channel$|^contact type$", r"^(source|via|origin)$"),
    "category": (
        r"^category$",
        r"^(ticket|case|request|issue)? ?type$",
        r"^(service type|reason|subject)$",
    ),
    "product": (r"^product\b(?!.*date)",),
    "organization": (r"organi[sz]ation|^company$|^account( name)?$",),
    "requester": (
        r"^(caller|requester|requestor|customer|user)( id| name)?$",
        r"^(submitter|reporter)( id| name)?$",
    ),
}
_SEQUENCE_NAMES: Final = r"mod count|sequence|\bseq\b|\bversion\b|change (number|count)"
_VERDICT_NAMES: Final = {
    "met": r"made sla|sla met|within sla|on ?time\b",
    "breached": r"\b(is )?(sla )?(breach|breached|violated|missed)$",
}
_ACTIVITY_NAMES: Final = r"^(activity|concept name|event|action)$"


@dataclass(frozen=True, slots=True)
class Role:
    """One canonical column, the file's column for it, and why."""

    name: str
    column: str
    confidence: Confidence
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a file, cleaned, and what its columns look like.

    Attributes
    ----------
    frame : DataFrame
        Columns of text, null tokens made null.
    nulls : dict
        Null tokens and how often they occurred.
    times : dict
        Time columns and the formats in which they read.
    people : dict
        Columns with personal data, and of which kind.
    """

    frame: pl.DataFrame
    nulls: dict[str, int]
    times: dict[str, tuple[str | None, ...]]
    people: dict[str, PersonalKind]

    def named(
        self, patterns: Iterable[str], columns: Iterable[str]
    ) -> tuple[str, Confidence] | None:
        """Find the first column that the earliest possible pattern names."""
        texts = {column: re.sub(r" \d+$", "", " ".join(words(column))) for column in columns}
        grades: tuple[Confidence, ...] = ("sure", "likely", "likely", "a guess")
        for pattern, grade in zip(patterns, grades, strict=False):
            for column, text in texts.items():
                if re.search(pattern, text):
                    return column, grade
        return None


def read_table(frame: pl.DataFrame) -> Table:
    """Clean the first rows of a file and look at each column's values."""
    nulls = null_tokens(frame)
    clean = frame.with_columns(
        pl.when(~pl.all().str.strip_chars().is_in([*nulls, ""])).then(pl.all())
    )
    times = {column.name: time_formats(column) for column in clean.iter_columns()}
    times = {name: formats for name, formats in times.items() if formats}
    others = [name for name in clean.columns if name not in times]
    people = {name: personal_kind(name, clean[name].unique()) for name in others}
    return Table(clean, nulls, times, {name: kind for name, kind in people.items() if kind})


def find_id(table: Table) -> Role:
    """Find the column that names a ticket; the first column where no name says it."""
    candidates = [name for name in table.frame.columns if name not in table.times]
    found = table.named(_ID_NAMES, candidates)
    column, grade = found or (table.frame.columns[0], "a guess")
    n_tickets = table.frame[column].n_unique()
    why = f"{count(n_tickets, 'different value')} in {count(table.frame.height, 'row')}"
    return Role("ticket_id", column, grade, why)


def has_a_row_a_change(table: Table, ticket_id: str) -> bool:
    """Whether ids repeat enough, and some time changes within a ticket."""
    rows_a_ticket = table.frame.height / max(table.frame[ticket_id].n_unique(), 1)
    constant = constant_shares(table, ticket_id)
    changing = any(constant.get(name, 1.0) < CONSTANT_AT_LEAST for name in table.times)
    return rows_a_ticket >= MANY_ROWS and changing


def constant_shares(table: Table, ticket_id: str) -> dict[str, float]:
    """Share of the tickets with several rows in which each column has one value at most."""
    others = [name for name in table.frame.columns if name != ticket_id]
    tickets = (
        table.frame.group_by(pl.col(ticket_id).alias("\x00id"))
        .agg(pl.len().alias("\x00n"), pl.col(others).drop_nulls().n_unique())
        .filter(pl.col("\x00n") > 1)
    )
    if tickets.is_empty():
        return {}
    return tickets.select((pl.col(others) <= 1).mean()).row(0, named=True)


def find_times(table: Table, ticket_id: str, *, is_events: bool) -> list[Role]:
    """Find the instants of a ticket; in a file of changes, the event's own first."""
    roles = [_event_time(table, constant_shares(table, ticket_id))] if is_events else []
    free = [name for name in table.times if name not in {role.column for role in roles}]
    for name, patterns in _TIME_NAMES.items():
        if is_events and name == "first_response_at":
            continue
        found = table.named(patterns, free)
        if found:
            column, grade = found
            free.remove(column)
            roles.append(Role(name, column, grade, f"{_filled(table, column)} filled"))
    return roles


def find_values(table: Table, taken: Iterable[str]) -> list[Role]:
    """Find the columns of `core.schema.VALUE_COLUMNS`.

    Columns with one value only are taken where their name leaves no doubt.
    """
    used = {*table.times, *taken}
    columns = [column for column in table.frame.iter_columns() if column.name not in used]
    n_values = {column.name: column.drop_nulls().n_unique() for column in columns}
    varying = [name for name, n in n_values.items() if n > 1]
    constant = [name for name, n in n_values.items() if n == 1]
    roles = []
    for name, patterns in _VALUE_NAMES.items():
        found = table.named(patterns, varying) or table.named(patterns[:1], constant)
        if found:
            column, grade = found
            (varying if column in varying else constant).remove(column)
            why = f"{_filled(table, column)} filled, {count(n_values[column], 'different value')}"
            roles.append(Role(name, column, grade, why))
    return roles


def find_verdict(table: Table) -> list[Role]:
    """Find the help desk's own verdict: a column of two values that says met or breached."""
    for name, pattern in _VERDICT_NAMES.items():
        for column in table.frame.columns:
            values = table.frame[column].drop_nulls().unique()
            is_named = re.search(pattern, " ".join(words(column)))
            if is_named and 0 < values.len() < _FEW_VERDICTS and all(map(truth_value, values)):
                return [Role(name, column, "sure", "true or false in each row")]
    return []


def find_sequence(table: Table) -> list[Role]:
    """Find a counter of changes, which orders the rows of one instant and shows gaps."""
    for column in table.frame.columns:
        is_named = re.search(_SEQUENCE_NAMES, " ".join(words(column)))
        numbers = table.frame[column].drop_nulls()
        if is_named and numbers.len() and numbers.str.contains(r"^\d+$").all():
            return [Role("sequence", column, "likely", "whole numbers that count changes")]
    return []


def find_activity(table: Table) -> str | None:
    """Find a column that names what happened, to serve as status where there is none."""
    found = table.named([_ACTIVITY_NAMES], table.frame.columns)
    return found[0] if found else None


def find_stamped(table: Table, ticket_id: str, event_time: str) -> tuple[list[str], list[str]]:
    """Find columns written onto every row at the end: the certain, and the suspicious.

    Certain: a time that never changes within a ticket and lies after the row on 5 % of the
    rows or more, or such a constant whose name says that it ends a ticket. Suspicious: rarely
    filled, but then from the first row on.
    """
    constant = constant_shares(table, ticket_id)
    later = _later_shares(table, event_time)
    sure = [
        name
        for name, share in constant.items()
        if share >= CONSTANT_AT_LEAST
        and (later.get(name, 0.0) >= LATER_AT_LEAST or names_an_ending(name))
    ]
    return sure, [name for name in _filled_from_the_start(table, ticket_id) if name not in sure]


def _event_time(table: Table, constant: dict[str, float]) -> Role:
    changing = [name for name in table.times if constant.get(name, 1.0) < CONSTANT_AT_LEAST]
    found = table.named(_EVENT_NAMES, changing)
    column, grade = found or (min(changing, key=lambda name: constant[name]), "a guess")
    share = 1 - constant[column]
    return Role("occurred_at", column, grade, f"changes within {share:.0%} of the tickets")


def _later_shares(table: Table, event_time: str) -> dict[str, float]:
    """Share of the rows on which each time column lies after the row's own time."""
    form, _ = log_format(table.times.values())
    instants = {
        name: read_instants(table.frame[name], timezone="UTC", timestamp_format=form).at
        for name in table.times
    }
    at = instants.pop(event_time)
    return {name: int((times > at).sum()) / len(at) for name, times in instants.items()}


def _filled_from_the_start(table: Table, ticket_id: str) -> list[str]:
    """Columns that few tickets have, and those that do mostly from their first row on."""
    others = [name for name in table.frame.columns if name != ticket_id]
    tickets = table.frame.group_by(pl.col(ticket_id).alias("\x00id"), maintain_order=True)
    filled = pl.col(others).is_not_null()
    several = tickets.agg(pl.len().alias("\x00n"), filled.any()).filter(pl.col("\x00n") > 1)
    first = tickets.agg(pl.len().alias("\x00n"), filled.first()).filter(pl.col("\x00n") > 1)
    n_any = several.select(pl.col(others).sum()).row(0, named=True)
    n_first = first.select(pl.col(others).sum()).row(0, named=True)
    rare = [name for name in others if 0 < n_any[name] < _RARE * several.height]
    return [name for name in rare if n_first[name] > _FROM_THE_START * n_any[name]]


def _filled(table: Table, column: str) -> str:
    share = 1 - table.frame[column].null_count() / max(table.frame.height, 1)
    return f"{share:.0%}"
