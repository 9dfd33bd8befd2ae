"""Suspects among the stored columns: stamped at a ticket's end, or personal and left raw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import polars as pl

from sla_sniper.core.schema import TICKET_KEY, VALUE_COLUMNS
from sla_sniper.core.words import count
from sla_sniper.eventlog.suspicion import instants_in, names_an_ending, personal_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_sniper.eventlog.mapping import Mapping

CONSTANT_AT_LEAST: Final = 0.995
"""A column that never changes within this share of the tickets may be a stamp."""

LATER_AT_LEAST: Final = 0.05
"""Share of rows that name a later instant from which a column is a stamp."""

_SAMPLE: Final = 200
_VENDOR_TIMES: Final = {"resolved_at": "vendor_resolved_at", "closed_at": "vendor_closed_at"}

_Severity: TypeAlias = Literal["error", "note"]


class Suspect(NamedTuple):
    """Count of rows, distinct tickets, a sentence, and up to three tickets."""

    n_rows: int
    n_tickets: int
    sentence: str
    examples: tuple[str, ...] = ()


def stamped(rows: pl.DataFrame, mapping: Mapping) -> Iterator[tuple[str, Suspect]]:
    """Find columns that know the end of a ticket and are not declared as stamped, by their name.

    Parameters
    ----------
    rows : DataFrame
        Canonical events of one source in their order, without the derived ones.
    mapping : Mapping
        How that source was read.
    """
    for column, vendor in _VENDOR_TIMES.items():
        if column in mapping.columns and not mapping.is_stamped(column):
            name = mapping.columns[column]
            yield from ((name, found) for found in _vendor_stamp(rows, name, vendor))
    for column, values in _columns(rows):
        if not mapping.is_stamped(column):
            name = mapping.columns.get(column, column)
            yield from ((name, found) for found in _stamp(name, values, mapping))


def personal(rows: pl.DataFrame, mapping: Mapping) -> Iterator[tuple[_Severity, Suspect]]:
    """Find columns with personal data that are stored as they came.

    Columns that the mapping keeps on purpose are notes, others are errors. The sentence never
    quotes a value.
    """
    for name, values in _columns(rows):
        kind = personal_kind(mapping.columns.get(name, name), values["value"].unique())
        if kind is None or mapping.treatment(name) != "keep":
            continue
        column = mapping.columns.get(name, name)
        is_meant = bool({name, column} & set(mapping.keep_personal))
        text = (
            "kept as it is, as [personal] keep says; it leaves in exports only with --with-names."
            if is_meant
            else "stored raw; name it in [personal] hash or drop."
        )
        sentence = f"Column {column!r} seems to hold {kind} and is {text}"
        yield ("note" if is_meant else "error"), _suspect(values, sentence)


def _columns(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each populated value column and attribute: its name, its rows with a `value`."""
    keep = [*TICKET_KEY, "occurred_at"]
    for column in VALUE_COLUMNS:
        values = rows.select(*keep, pl.col(column).alias("value")).drop_nulls("value")
        if values.height:
            yield column, values
    pairs = rows.select(*keep, "attributes").explode("attributes").drop_nulls("attributes")
    if pairs.height:
        attributes = pairs.unnest("attributes").drop_nulls("value")
        for values in attributes.partition_by("key", maintain_order=True):
            yield values["key"][0], values.drop("key")


def _vendor_stamp(rows: pl.DataFrame, column: str, vendor: str) -> Iterator[Suspect]:
    told = rows.drop_nulls(vendor)
    yield from _if_later(column, told.filter(pl.col(vendor) > pl.col("occurred_at")), told.height)


def _stamp(column: str, values: pl.DataFrame, mapping: Mapping) -> Iterator[Suspect]:
    formats = (mapping.timestamp_format, None) if mapping.timestamp_format else (None,)
    sample = values["value"].unique().head(_SAMPLE)
    if instants_in(sample, formats=formats) is not None:
        read = instants_in(values["value"], formats=formats, timezone=mapping.timezone)
        later = values.clear() if read is None else values.filter(read > values["occurred_at"])
        yield from _if_later(column, later, values.height)
    elif names_an_ending(column) and _constant_share(values) >= CONSTANT_AT_LEAST:
        sentence = (
            f"Column {column!r} never changes within a ticket and its name says that it is only "
            "known at the end: declare it in [stamped], or it leaks the outcome."
        )
        yield _suspect(values, sentence)


def _if_later(column: str, later: pl.DataFrame, n_rows: int) -> Iterator[Suspect]:
    if n_rows and later.height >= LATER_AT_LEAST * n_rows:
        sentence = (
            f"Column {column!r} names a later instant on {later.height:,} of "
            f"{count(n_rows, 'row')}: it is written onto all rows at the end. Declare it in "
            "[stamped], or it leaks the outcome."
        )
        yield _suspect(later, sentence)


def _constant_share(values: pl.DataFrame) -> float:
    """Share of tickets with several rows in which the value never changes; 0 for none."""
    tickets = values.group_by(TICKET_KEY).agg(pl.len(), n_values=pl.col("value").n_unique())
    constant = tickets.filter(pl.col("len") > 1)["n_values"] == 1
    return int(constant.sum()) / len(constant) if len(constant) else 0.0


def _suspect(rows: pl.DataFrame, sentence: str) -> Suspect:
    tickets = rows.select(TICKET_KEY).unique(maintain_order=True)
    return Suspect(rows.height, tickets.height, sentence, tuple(tickets["ticket_id"].head(3)))
