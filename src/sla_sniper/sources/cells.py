"""From typed values and unequal rows to batches of text: what all formats share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.errors import EmptyFileError
from sla_sniper.sources.interface import ROW, RawBatch, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

EXAMPLE_LENGTH: Final = 120
MAX_EXACT_FLOAT: Final = 2**53  # above this a float no longer tells one integer from the next


@dataclass(frozen=True, slots=True)
class Row:
    """One row as text: its number in the file, and a cell for each column."""

    number: int
    cells: Sequence[str | None]


def refusal(row: int, reason: str, text: str) -> Refusal:
    """Refuse a row, keeping the start of its `text` as an example."""
    return Refusal(row, reason, text[:EXAMPLE_LENGTH])


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Strip column names, name the nameless, and tell equal ones apart.

    A repeated name gets the first free number; a name that the header itself holds is never
    taken from the column that has it. ``_row`` belongs to `RawBatch`.

    Examples
    --------
    >>> unique_names(["Variant", " Variant", "", "Variant_2"])
    ('Variant', 'Variant_3', 'column_3', 'Variant_2')
    """
    stripped = [name.strip() for name in names]
    reserved, given = {*stripped, ROW}, {ROW}
    unique: list[str] = []
    for n, name in enumerate(stripped, start=1):
        wanted = name or f"column_{n}"
        is_taken = wanted in (given if name else reserved)
        unique.append(_free_name(wanted, reserved) if is_taken else wanted)
        given.add(unique[-1])
        reserved.add(unique[-1])
    return tuple(unique)


def _free_name(name: str, taken: set[str]) -> str:
    """Return `name` with the lowest number from 2 that makes it new."""
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def text_of(value: object) -> str | None:
    """Write one typed value as text.

    Instants, dates and times are ISO 8601, durations too; booleans ``true`` and ``false``;
    whole numbers have no ``.0``; lists and objects are JSON; None and NaN are None.

    Examples
    --------
    >>> [text_of(value) for value in (7.0, 2.5, True, datetime(2024, 3, 31), [1, {"a": "ü"}])]
    ['7', '2.5', 'true', '2024-03-31T00:00:00', '[1, {"a": "ü"}]']
    """
    match value:
        case None | str():
            return value
        case float():
            return _float_text(value)
        case bool() | list() | dict():
            return json.dumps(value, ensure_ascii=False, default=text_of)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return f"PT{text_of(value.total_seconds())}S"
        case _:
            return str(value)


def _float_text(value: float) -> str | None:
    """Write a number; NaN, which files use for missing, is None."""
    if value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return None
    if value.is_integer() and abs(value) < MAX_EXACT_FLOAT:
        return str(int(value))
    return repr(value)


def nulled(frame: pl.DataFrame, null_values: Sequence[str]) -> pl.DataFrame:
    """Make the empty string and every one of `null_values` null, in all (String) columns.

    Examples
    --------
    >>> nulled(pl.DataFrame({"group": ["?", "", " ?"]}), ["?"])["group"].to_list()
    [None, None, ' ?']
    """
    missing = pl.all().is_in(["", *null_values])
    return frame.with_columns(pl.when(missing.not_()).then(pl.all()))


def text_batches(
    records: Iterable[Row | Refusal],
    columns: Sequence[str],
    *,
    rows: int,
    null_values: Sequence[str],
) -> Iterator[RawBatch]:
    """Collect rows that come one by one into batches of `rows`, the refused among them."""
    upcoming = iter(records)
    while chunk := list(islice(upcoming, rows)):
        accepted = [record for record in chunk if isinstance(record, Row)]
        frame = pl.DataFrame(
            [record.cells for record in accepted],
            schema=dict.fromkeys(columns, pl.String),
            orient="row",
        )
        numbers = pl.Series(ROW, [record.number for record in accepted], dtype=pl.Int64)
        refused = tuple(record for record in chunk if isinstance(record, Refusal))
        yield RawBatch(nulled(frame, null_values).with_columns(numbers), refused)


def rebatched(pieces: Iterable[RawBatch], rows: int) -> Iterator[RawBatch]:
    """Cut and join pieces of any size into batches of `rows`; only the last may be smaller."""
    held: list[pl.DataFrame] = []
    refused: list[Refusal] = []
    for piece in pieces:
        held.append(piece.frame)
        refused += piece.refused
        if sum(frame.height for frame in held) < rows:
            continue
        whole = pl.concat(held)
        n_full = whole.height // rows * rows
        for start in range(0, n_full, rows):
            yield RawBatch(whole[start : start + rows], tuple(refused))
            refused = []
        held = [whole[n_full:]]
    if refused or any(frame.height for frame in held):
        yield RawBatch(pl.concat(held), tuple(refused))


def not_empty(path: Path, batches: Iterable[RawBatch]) -> Iterator[RawBatch]:
    """Pass batches on, and raise where there was not a single row.

    Raises
    ------
    EmptyFileError
        If no batch came.
    """
    is_empty = True
    for batch in batches:
        is_empty = False
        yield batch
    if is_empty:
        raise EmptyFileError(str(path))
