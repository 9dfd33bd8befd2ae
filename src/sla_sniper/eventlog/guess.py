"""Propose a commented ``map.toml`` for a file that nobody has described."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.errors import EmptyFileError
from sla_sniper.core.words import count
from sla_sniper.eventlog import guess_columns as columns
from sla_sniper.eventlog.guess_columns import Role, Table
from sla_sniper.eventlog.guess_values import canonical_value, log_format, truth_value
from sla_sniper.eventlog.suspicion import names_an_ending, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_sniper.sources import Source

FIRST_ROWS: Final = 20_000
MORE_BATCHES: Final = 9
_MAX_KEPT, _MAX_LEVELS, _MAX_VALUES = 8, 300, 40
_FINAL_OWNERS: Final = re.compile(r"\b(queue|department|team|group|assign\w*)\b")
_WRONG_DELIMITERS: Final = ";|\t"
_OUTCOMES: Final = (
    r"satisf|touch|elapsed|minutes|hours|seconds|variant|creator|\bcount\b|\bactive\b|transition|"
    r"first |last |final|description|notes?$|comment|title|\bdate\b|lifecycle|knowledge"
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A proposed mapping and what it rests on.

    Attributes
    ----------
    text : str
        A ``map.toml`` with a comment for each guess.
    shape : {"events", "tickets"}
    columns : dict
        Canonical name to column of the file.
    doubts : tuple of str
        What a person should check first, one sentence each; also comments of the text.
    """

    text: str
    shape: str
    columns: dict[str, str]
    timestamp_format: str | None
    null_values: tuple[str, ...]
    stamped: tuple[str, ...]
    personal: tuple[str, ...]
    doubts: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the guess as one JSON object, the text included."""
        return {
            "shape": self.shape,
            "columns": self.columns,
            "timestamp_format": self.timestamp_format,
            "null_values": list(self.null_values),
            "stamped": list(self.stamped),
            "personal": list(self.personal),
            "doubts": list(self.doubts),
            "map_toml": self.text,
        }


@dataclass(slots=True)
class _Draft:
    """The guess while it is being made."""

    table: Table
    shape: str
    roles: list[Role]
    timestamp_format: str | None
    values: dict[str, dict[str, str | None]] = field(default_factory=dict)
    stamped: list[str] = field(default_factory=list)
    perhaps_stamped: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, str]:
        return {role.name: role.column for role in self.roles}


def guess_mapping(source: Source, *, delimiter: str = ",") -> Guess:
    """Look at the first 20,000 rows of a file and propose how to read it.

    Values of status, priority and verdict are looked for in the first 200,000.

    Parameters
    ----------
    source : Source
        Opened without null values, so that they can be found.
    delimiter : str
        With which it was opened; goes into the text unless it is a comma.

    Raises
    ------
    EmptyFileError
        If there is not one row.

    Notes
    -----
    A proposal, never a decision: each line says what it rests on, and `doubts` what to look at
    first. It is accepted by `read_mapping` as it stands.
    """
    batches = (batch.frame for batch in source.batches(rows=FIRST_ROWS))
    first = next(batches, None)
    if first is None or first.is_empty():
        raise EmptyFileError(str(source.path))
    draft = _draft(columns.read_table(first.drop("_row", strict=False)))
    _propose_values(draft, [first, *islice(batches, MORE_BATCHES)])
    _doubt_guesses(draft)
    return Guess(
        text=_text(draft, source.path.name, delimiter),
        shape=draft.shape,
        columns=draft.columns,
        timestamp_format=draft.timestamp_format,
        null_values=tuple(draft.table.nulls),
        stamped=tuple(draft.stamped),
        personal=tuple(draft.table.people),
        doubts=tuple(draft.doubts),
    )


def _draft(table: Table) -> _Draft:
    ticket_id = columns.find_id(table)
    is_events = columns.has_a_row_a_change(table, ticket_id.column)
    roles = [ticket_id, *columns.find_times(table, ticket_id.column, is_events=is_events)]
    roles += columns.find_verdict(table)
    if is_events:
        roles += columns.find_sequence(table)
    roles += columns.find_values(table, [role.column for role in roles])
    form, is_ambiguous = log_format(table.times.values()) if table.times else (None, False)
    draft = _Draft(table, "events" if is_events else "tickets", roles, form)
    if is_ambiguous:
        draft.doubts.append("No day is above 12, so day and month may be swapped.")
    _settle_status(draft)
    _settle_creation(draft)
    _settle_stamps(draft)
    _propose_attributes(draft)
    return draft


def _settle_status(draft: _Draft) -> None:
    activity = columns.find_activity(draft.table)
    if "status" in draft.columns or activity is None:
        return
    why = "no status column: the status after each activity is in [values.status]"
    draft.roles.append(Role("status", activity, "likely", why))


def _settle_creation(draft: _Draft) -> None:
    """Give a row a ticket a creation time, which it cannot be read without."""
    if draft.shape == "events" or "created_at" in draft.columns:
        return
    spare = next(
        (role for role in draft.roles if role.name in {"first_response_at", "due_at"}), None
    )
    names = [name for name in draft.table.times if name not in draft.columns.values()]
    column = spare.column if spare else next(iter(names), draft.table.frame.columns[0])
    draft.roles = [role for role in draft.roles if role is not spare]
    why = "NO CREATION TIME FOUND: this only stands in for it, and no clock can be trusted"
    draft.roles.insert(1, Role("created_at", column, "a guess", why))
    draft.doubts.append(
        f"The file has no creation time; {column!r} stands in for it and no clock can be trusted."
    )


def _settle_stamps(draft: _Draft) -> None:
    names = draft.columns
    if draft.shape == "events":
        draft.stamped, draft.perhaps_stamped = columns.find_stamped(
            draft.table, names["ticket_id"], names["occurred_at"]
        )
        return
    known = {names.get(name) for name in ("ticket_id", "created_at", "resolved_at", "closed_at")}
    draft.stamped = [
        name for name in draft.table.frame.columns if names_an_ending(name) and name not in known
    ]
    verdict = names.get("met") or names.get("breached")
    draft.stamped += [verdict] if verdict and verdict not in draft.stamped else []
    texts = {name: " ".join(words(name)) for name in draft.table.frame.columns}
    draft.perhaps_stamped = [
        name
        for name, text in texts.items()
        if _FINAL_OWNERS.search(text)
        and not re.search(_OUTCOMES, text)
        and name not in draft.stamped
    ]
    if draft.perhaps_stamped:
        listed = _one_line(", ".join(draft.perhaps_stamped))
        draft.doubts.append(f"Values at the end rather than at opening, perhaps: {listed}.")


def _propose_values(draft: _Draft, frames: Sequence[pl.DataFrame]) -> None:
    """Propose canonical values; rare ones often come late, so further rows are read for them."""
    for name in ("status", "priority", "met", "breached"):
        if name not in draft.columns:
            continue
        texts = _distinct(draft, draft.columns[name], frames)
        propose = truth_value if name in {"met", "breached"} else None
        table = {text: propose(text) if propose else canonical_value(name, text) for text in texts}
        draft.values[name] = {text: value for text, value in table.items() if value != text}
        unknown = [text for text, value in table.items() if value is None]
        if unknown:
            draft.doubts.append(f"{count(len(unknown), 'value')} of {name} without a proposal.")


def _propose_attributes(draft: _Draft) -> None:
    left_out = {*draft.columns.values(), *draft.stamped, *draft.perhaps_stamped}
    left_out |= {*draft.table.times, *draft.table.people}
    for column in draft.table.frame.iter_columns():
        texts = column.drop_nulls()
        is_outcome = re.search(_OUTCOMES, " ".join(words(column.name))) is not None
        if column.name in left_out or is_outcome or names_an_ending(column.name):
            continue
        is_copy = any(column.equals(draft.table.frame[taken]) for taken in draft.columns.values())
        most = min(_MAX_LEVELS, texts.len() // 10)
        if not is_copy and 1 < texts.n_unique() <= most and len(draft.keep) < _MAX_KEPT:
            draft.keep.append(column.name)


def _doubt_guesses(draft: _Draft) -> None:
    draft.doubts += [
        f"{role.name} = {role.column!r} is a guess."
        for role in draft.roles
        if role.confidence == "a guess" and role.name != "created_at"
    ]
    names = draft.table.frame.columns
    if len(names) == 1 and any(mark in names[0] for mark in _WRONG_DELIMITERS):
        draft.doubts.append("The file has one column: another delimiter may be needed.")
    if draft.table.times and not _has_offsets(draft):
        draft.doubts.append("Times have no offset: set the zone of the help desk, UTC is assumed.")


def _has_offsets(draft: _Draft) -> bool:
    name = draft.columns.get("occurred_at") or draft.columns["created_at"]
    return bool(draft.table.frame[name].head(100).str.contains(r"(Z|[+-]\d\d:?\d\d)$").all())


def _distinct(draft: _Draft, column: str, frames: Sequence[pl.DataFrame]) -> list[str]:
    """Texts of a column in `frames`, the most frequent first, without the null tokens."""
    texts = pl.concat(frame[column] for frame in frames).drop_nulls()
    filled = texts.filter(~texts.str.strip_chars().is_in(["", *draft.table.nulls]))
    counts = filled.value_counts(sort=True).sort("count", column, descending=[True, False])
    return [str(text) for text in counts.head(_MAX_VALUES)[column]]


def _text(draft: _Draft, file: str, delimiter: str) -> str:
    parts = [
        [f"# Proposed from the first {count(draft.table.frame.height, 'row')} of {file}. Check:"],
        [f"# - {doubt}" for doubt in draft.doubts] or ["# - nothing looked doubtful"],
        ["", *_log_lines(draft, delimiter)],
        ["", "[columns]", *map(_role_line, draft.roles)],
        ["", "[attributes]", "# few-valued columns that are known when a ticket opens"],
        [f"keep = {_quoted_list(draft.keep)}"],
        ["", *_stamped_lines(draft)],
        *(["", *_value_lines(name, table)] for name, table in draft.values.items() if table),
        ["", *_personal_lines(draft)],
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _log_lines(draft: _Draft, delimiter: str) -> list[str]:
    n_rows = draft.table.frame.height
    n_tickets = draft.table.frame[draft.columns["ticket_id"]].n_unique()
    form = draft.timestamp_format
    lines = [
        "[log]",
        f'shape = "{draft.shape}"  # {n_rows / max(n_tickets, 1):.1f} rows a ticket',
        'timezone = "UTC"  # '
        + ("not used: times have an offset" if _has_offsets(draft) else "assumed; set it"),
        f"null_values = {_quoted_list(draft.table.nulls)}" + _null_comment(draft.table.nulls),
    ]
    lines += [f"delimiter = {_quoted(delimiter)}"] if delimiter != "," else []
    if form is None:
        return [*lines, "# timestamp_format: ISO 8601"]
    return [*lines, f"timestamp_format = {_quoted(form)}{_order_comment(draft)}"]


def _null_comment(nulls: dict[str, int]) -> str:
    told = ", ".join(f"{token} {count(number, 'time')}" for token, number in nulls.items())
    return f"  # {told}" if told else ""


def _order_comment(draft: _Draft) -> str:
    form = draft.timestamp_format or ""
    if form.startswith("%Y"):
        return ""
    if any("swapped" in doubt for doubt in draft.doubts):
        return "  # AMBIGUOUS: no day above 12; day first is a guess"
    order = "day" if form.startswith("%d") else "month"
    return f"  # {order} first: values above 12 decide it"


def _role_line(role: Role) -> str:
    return f"{role.name} = {_quoted(role.column)}  # {role.confidence}: {role.why}"


def _stamped_lines(draft: _Draft) -> list[str]:
    comment = (
        "# constant within a ticket and later than the row, or named after its end"
        if draft.shape == "events"
        else "# only known at the end, by their names"
    )
    lines = ["[stamped]", comment, f"columns = {_quoted_list(draft.stamped)}"]
    if draft.perhaps_stamped:
        why = "filled from the first row" if draft.shape == "events" else "final values, perhaps"
        lines.append(f"# perhaps also ({why}): {_one_line(', '.join(draft.perhaps_stamped))}")
    return lines


def _value_lines(name: str, table: dict[str, str | None]) -> list[str]:
    lines = [f"[values.{name}]"]
    for text, value in table.items():
        line = f"{_quoted(text)} = {_quoted(value or '...')}"
        lines.append(line if value else f"# {line}  # no proposal: kept as it is, and reported")
    return lines


def _personal_lines(draft: _Draft) -> list[str]:
    mapped = {column: name for name, column in draft.columns.items()}
    people = draft.table.people
    kept = {"requester", "assignee"}
    hashed = [name for name in draft.columns if name in kept]
    hashed += [mapped[c] for c in people if c in mapped and mapped[c] not in {*kept, "ticket_id"}]
    drop = [column for column in people if column not in mapped]
    found = ", ".join(f"{column} ({kind})" for column, kind in people.items())
    return [
        "[personal]",
        f"# found: {_one_line(found) or 'nothing by name or value'}",
        f"hash = {_quoted_list(hashed)}",
        f"drop = {_quoted_list(drop)}",
    ]


def _quoted_list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    """Text fit for a comment: no line breaks or other control characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
