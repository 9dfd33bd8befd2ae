"""One raw batch to typed rows of the event log; what cannot be read is refused with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.errors import BadValueError
from sla_sniper.core.schema import INSTANT, STATUSES, VALUE_COLUMNS
from sla_sniper.eventlog.mapping import BOOLEANS
from sla_sniper.eventlog.personal import hashed
from sla_sniper.eventlog.shapes import ATTRIBUTE, event_rows, ticket_rows
from sla_sniper.eventlog.times import Instants, read_instants
from sla_sniper.sources.interface import ROW

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.eventlog.mapping import Mapping
    from sla_sniper.eventlog.times import Instants

_TIMES: Final = (
    "occurred_at",
    "created_at",
    "first_response_at",
    "resolved_at",
    "closed_at",
    "due_at",
    "recorded_at",
)
_TEXTS: Final = ("ticket_id", "activity", "actor_role", *VALUE_COLUMNS)
_ENDED: Final = ("resolved", "closed", "cancelled")
_LOOK_AT: Final = 1_000
_FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_FEW: Final = 10


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one raw batch.

    Attributes
    ----------
    rows
        Typed rows: `_row`, `_raw` (fingerprint of the whole raw row), `_stage` and the columns
        of the event log but for its keys; in the tickets shape several rows a row of the file.
    refused
        `_row`, `reason`, `example` of each row left out, in the order of the file.
    n_accepted
        Rows of the file that were accepted.
    counts
        What to warn about: accepted rows with a peculiarity, by its key.
    unmapped
        Rows by a status that is no canonical one: the mapping does not name it.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame
    n_accepted: int
    counts: dict[str, int]
    unmapped: dict[str, int]


def convert(frame: pl.DataFrame, mapping: Mapping, *, key: bytes) -> Converted:
    """Turn raw texts into typed rows.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_file_columns + 1)
        The file's columns as String, and `_row`.
    key
        The workspace's key for hashing personal data.
    """
    texts = canonical_texts(frame, mapping)
    times = _times(texts, mapping)
    typed = texts.with_columns(
        *(instants.at.alias(name) for name, instants in times.items()), _sequence()
    )
    refused = _refusals(texts, typed, mapping)
    is_accepted = refused["reason"].is_null()
    accepted = _without_people(typed.filter(is_accepted), mapping, key)
    shaped = event_rows if mapping.shape == "events" else ticket_rows
    rows = shaped(_with_verdict(accepted, texts.filter(is_accepted)), mapping)
    unmapped = rows["status"].filter(~rows["status"].is_in(STATUSES))
    return Converted(
        rows=rows,
        refused=refused.filter(~is_accepted),
        n_accepted=accepted.height,
        counts=_peculiar_times(times, is_accepted) | _peculiar_rows(accepted, texts, mapping),
        unmapped=dict(unmapped.drop_nulls().value_counts().rows()),
    )


def canonical_texts(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Rename to canonical columns, without null values, through the value maps; all text.

    A column that is not mapped is null; an attribute has its prefix.
    """
    named = {name: pl.col(column) for name, column in mapping.columns.items()}
    absent = {
        name: pl.lit(None, pl.String)
        for name in (*_TEXTS, *_TIMES, "sequence", "breached", "met")
        if name not in named
    }
    kept = {name: pl.col(name) for name in mapping.attributes()}
    return frame.select(
        ROW,
        _raw=frame.drop(ROW).hash_rows(),
        **{name: _clean(text, name, mapping) for name, text in named.items()},
        **absent,
        **{ATTRIBUTE + name: _clean(text, name, mapping) for name, text in kept.items()},
    )


def refuse_unreadable(frame: pl.DataFrame, mapping: Mapping, *, path: Path) -> None:
    """Stop at the head of a file whose times all follow another format.

    Raises
    ------
    BadValueError
        If no value of a mapped time column can be read in the first 1,000 rows.
    """
    texts = canonical_texts(frame.head(_LOOK_AT), mapping)
    for name, instants in _times(texts, mapping).items():
        filled = texts.filter(texts[name].is_not_null())
        is_unreadable = filled.height > 0 and instants.at.null_count() == texts.height
        if is_unreadable and (filled.height == texts.height or filled.height >= _FEW):
            row, value = filled.select(ROW, name).row(0)
            raise BadValueError(str(path), row, mapping.columns[name], value, _remedy(mapping))


def _remedy(mapping: Mapping) -> str:
    read_as = mapping.timestamp_format or "ISO 8601"
    return (
        f"no time in this column can be read as {read_as}: set timestamp_format in [log] "
        'of the mapping, such as "%d/%m/%Y %H:%M"'
    )


def _clean(text: pl.Expr, name: str, mapping: Mapping) -> pl.Expr:
    is_null = (text.str.strip_chars() == "") | text.is_in(list(mapping.null_values))
    filled = pl.when(~is_null).then(text)
    table = mapping.values.get(name)
    return filled.replace(list(table), list(table.values())) if table else filled


def _times(texts: pl.DataFrame, mapping: Mapping) -> dict[str, Instants]:
    read = {
        name: read_instants(
            texts[name], timezone=mapping.timezone, timestamp_format=mapping.timestamp_format
        )
        for name in _TIMES
        if name in mapping.columns
    }
    # A deadline may be far away on purpose: that is how some desks write that there is none.
    return {name: at if name == "due_at" else _possible(at) for name, at in read.items()}


def _possible(instants: Instants) -> Instants:
    """Leave out what no ticket has seen: year 1 and year 9999 are ways to write nothing."""
    inside = instants.at.is_between(_FIRST, _LAST, closed="left")
    return replace(instants, at=instants.at.set(~inside.fill_null(value=True), None))


def _sequence() -> pl.Expr:
    number = pl.col("sequence").str.strip_chars().str.replace(r"\.0+$", "")
    return number.cast(pl.Int64, strict=False)


def _refusals(texts: pl.DataFrame, typed: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Reason and example of each row, null where it is accepted; the first reason counts."""
    start = "occurred_at" if mapping.shape == "events" else "created_at"
    rules = [
        _missing("ticket_id", "missing_ticket_id", mapping),
        _missing(start, "missing_time" if start == "occurred_at" else f"missing_{start}", mapping),
        *(_unreadable(name, "unreadable_time", typed, mapping) for name in _TIMES),
        _unreadable("sequence", "unreadable_sequence", typed, mapping),
    ]
    found = pl.coalesce(*rules)
    return texts.select(
        ROW, reason=found.struct.field("reason"), example=found.struct.field("example")
    )


def _missing(name: str, reason: str, mapping: Mapping) -> pl.Expr:
    example = pl.format("row {}, {}: nothing", ROW, pl.lit(mapping.columns[name]))
    refusal = pl.struct(reason=pl.lit(reason), example=example)
    return pl.when(pl.col(name).is_null()).then(refusal)


def _unreadable(name: str, reason: str, typed: pl.DataFrame, mapping: Mapping) -> pl.Expr:
    column = pl.lit(mapping.columns.get(name, name))
    example = pl.format("row {}, {}: '{}'", ROW, column, pl.col(name).str.slice(0, 80))
    refusal = pl.struct(reason=pl.lit(reason), example=example)
    return pl.when(pl.col(name).is_not_null() & typed[name].is_null()).then(refusal)


def _without_people(typed: pl.DataFrame, mapping: Mapping, key: bytes) -> pl.DataFrame:
    columns = [*VALUE_COLUMNS, "actor_role", "activity"]
    named = {name: name for name in columns if name in mapping.columns}
    named |= {ATTRIBUTE + name: name for name in mapping.attributes()}
    changed = []
    for column, name in named.items():
        if mapping.treatment(name) == "hash":
            changed.append(hashed(typed[column], key=key))
        elif mapping.treatment(name) == "drop":
            changed.append(typed[column].clear(typed.height))
    return typed.with_columns(changed)


def _with_verdict(accepted: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Add `vendor_breached`; `met` is its negation."""
    verdict = pl.coalesce(_truth("breached"), ~_truth("met"))
    instants = [pl.col(name).cast(INSTANT) for name in _TIMES]
    return accepted.with_columns(texts.select(vendor_breached=verdict).to_series(), *instants)


def _truth(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars().str.to_lowercase()
    return text.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)


def _peculiar_times(times: dict[str, Instants], is_accepted: pl.Series) -> dict[str, int]:
    nobody = pl.repeat(value=False, n=len(is_accepted), eager=True)
    columns = list(times.values())
    missing = [column.is_missing for column in columns]
    doubled = [column.is_doubled for column in columns]
    return {
        "missing_local_times": int((reduce(or_, missing, nobody) & is_accepted).sum()),
        "doubled_local_times": int((reduce(or_, doubled, nobody) & is_accepted).sum()),
    }


def _peculiar_rows(accepted: pl.DataFrame, texts: pl.DataFrame, mapping: Mapping) -> dict[str, int]:
    verdicts = [pl.col(name).is_not_null() & _truth(name).is_null() for name in ("breached", "met")]
    counts = {"unreadable_verdict": int(texts.select(pl.any_horizontal(verdicts).sum()).item())}
    if mapping.shape == "tickets":
        has_ended = pl.col("status").is_in(_ENDED)
        is_timeless = pl.col("resolved_at").is_null() & pl.col("closed_at").is_null()
        n_timeless = accepted.select((has_ended & is_timeless).sum()).item()
        counts["closed_without_time"] = int(n_timeless)
    return counts
