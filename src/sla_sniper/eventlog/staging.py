"""Rows on their way into the log: staged on disk, read back a bucket of tickets at a time.

Numbering and deduplicating need all rows of a ticket at once, never all tickets; so memory is
bounded by a bucket and not by the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import EVENTS, VALUE_COLUMNS
from sla_sniper.eventlog.identity import as_ids, row_words
from sla_sniper.eventlog.shapes import ATTRIBUTE, attribute_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sla_sniper.eventlog.mapping import Mapping

_BUCKET_ROWS: Final = 200_000
_GROUP_ROWS: Final = 16_384
_SPREAD: Final = 2**64
_ORDER: Final = ("ticket_id", "occurred_at", "_file", "_row", "_stage")
_MOMENT: Final = ("ticket_id", "occurred_at")


@dataclass(slots=True)
class Staging:
    """Typed rows in a folder, findable by ticket."""

    folder: Path
    n_rows: int = 0
    n_files: int = 0
    n_bytes: int = 0

    def add(self, rows: pl.DataFrame, *, file: int) -> None:
        """Put aside rows of the `file`-th file of this call."""
        spread = rows.with_columns(
            _file=pl.lit(file, pl.Int64), _bucket=pl.col("ticket_id").hash()
        ).sort("_bucket")
        path = self.folder / f"{self.n_files:06}.parquet"
        spread.write_parquet(path, compression="lz4", row_group_size=_GROUP_ROWS)
        self.n_files += 1
        self.n_bytes += path.stat().st_size
        self.n_rows += rows.height

    def buckets(self, *, rows: int = _BUCKET_ROWS) -> Iterator[pl.DataFrame]:
        """Yield all rows, about `rows` at a time, each ticket whole and in order."""
        n_buckets = -(-self.n_rows // rows)
        for number in range(n_buckets):
            low, high = (_SPREAD * edge // n_buckets for edge in (number, number + 1))
            edges = pl.lit(low, pl.UInt64), pl.lit(high - 1, pl.UInt64)
            staged = pl.scan_parquet(self.folder / "*.parquet")
            yield staged.filter(pl.col("_bucket").is_between(*edges)).collect().sort(_ORDER)


@dataclass(slots=True)
class NewRows:
    """Finds among staged rows those that the log does not have, and counts them.

    Attributes
    ----------
    stored
        The log's rows of this source.
    n_file_rows
        New rows of the files; in the tickets shape several stored rows come from one of them.
    n_rows, n_tickets, n_created
        New rows to store, tickets that were unknown, and their events of creation.
    """

    mapping: Mapping
    stored: pl.LazyFrame
    n_file_rows: int = 0
    n_rows: int = 0
    n_tickets: int = 0
    n_created: int = 0

    def among(self, bucket: pl.DataFrame) -> pl.DataFrame:
        """Return the new rows of whole tickets, in the columns of `core.schema.EVENTS`."""
        known = self._known(bucket)
        numbered = self._identified(bucket)
        new = numbered.unique("event_id", keep="first", maintain_order=True).join(
            known, on="event_id", how="anti", maintain_order="left"
        )
        self._count(new, known)
        return self._events(_sequenced(new, known))

    def _known(self, bucket: pl.DataFrame) -> pl.DataFrame:
        tickets = bucket.lazy().select("ticket_id").unique()
        return (
            self.stored.filter(pl.col("source") == self.mapping.source)
            .select("event_id", *_MOMENT, "sequence")
            .join(tickets, on="ticket_id", how="semi")
            .collect(engine="streaming")
        )

    def _identified(self, bucket: pl.DataFrame) -> pl.DataFrame:
        """Drop rows that repeat their predecessor and give the rest their identity."""
        repeats = pl.all_horizontal(
            pl.col(name) == pl.col(name).shift(1) for name in (*_MOMENT, "_file", "_raw", "_stage")
        )
        rows = bucket.filter(~repeats.fill_null(value=False))
        words = row_words(self._identity(rows))
        ordinal = rows.select(
            "_file", "sequence", pl.Series("low", words[:, 0]), pl.Series("high", words[:, 1])
        ).select(ordinal=self._ordinal())
        return rows.with_columns(as_ids(words + row_words(ordinal)).alias("event_id"))

    def _identity(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Columns that make an event what it is: all but the stamped and the vendor's."""
        names = [name for name in VALUE_COLUMNS if not self.mapping.is_stamped(name)]
        names += [
            name
            for name in attribute_columns(rows)
            if not self.mapping.is_stamped(name.removeprefix(ATTRIBUTE))
        ]
        return rows.select(
            pl.lit(self.mapping.source).alias("source"), *_MOMENT, "activity", *names
        )

    def _ordinal(self) -> pl.Expr:
        """Tell apart equal events of one moment: by the mapped sequence, else by counting.

        Counting within a file makes it the same number each time the file comes, alone or
        after another that ends in the same moment.
        """
        if self.mapping.shape == "tickets":
            return pl.col("_file") * 0
        counted = pl.int_range(pl.len(), dtype=pl.Int64).over("_file", "low", "high")
        return pl.coalesce("sequence", counted)

    def _count(self, new: pl.DataFrame, known: pl.DataFrame) -> None:
        unknown = new.join(known, on="ticket_id", how="anti")
        self.n_rows += new.height
        self.n_file_rows += new.select("_file", "_row").n_unique()
        self.n_tickets += unknown["ticket_id"].n_unique()
        is_created = pl.col("activity").str.split("+").list.contains("created")
        if self.mapping.shape == "tickets":
            self.n_created += new.filter(is_created).height
        else:
            untold = unknown.group_by("ticket_id").agg(is_told=is_created.any())
            self.n_created += untold.filter(pl.col("is_told").is_null() | ~pl.col("is_told")).height

    def _events(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select(
            pl.lit(self.mapping.source).alias("source"),
            pl.all(),
            _attributes(rows).alias("attributes"),
        ).select(list(EVENTS))


def _attributes(rows: pl.DataFrame) -> pl.Expr:
    """Gather the attributes that are not null as one list of pairs."""
    pairs = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(key=pl.lit(name.removeprefix(ATTRIBUTE)), value=pl.col(name))
        )
        for name in attribute_columns(rows)
    ]
    gathered = pl.concat_list(pairs).list.drop_nulls() if pairs else pl.lit([])
    return gathered.cast(EVENTS["attributes"])


def _sequenced(new: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Continue the numbers of a moment after its stored rows, unless the file numbers them."""
    stored = known.group_by(_MOMENT).agg(after=pl.col("sequence").max() + 1)
    order = pl.int_range(pl.len(), dtype=pl.Int64).over(_MOMENT)
    joined = new.join(stored, on=_MOMENT, how="left", maintain_order="left")
    numbered = pl.coalesce("sequence", order + pl.col("after").fill_null(0))
    return joined.with_columns(sequence=numbered)
