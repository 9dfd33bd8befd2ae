"""Parquet, batch by batch, every column written out as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from pyarrow import parquet as arrow_parquet

from sla_sniper.sources.cells import MAX_EXACT_FLOAT, not_empty, nulled, text_of, unique_names
from sla_sniper.sources.compression import plain_file, reading
from sla_sniper.sources.interface import BATCH_ROWS, ROW, RawBatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASON: Final = "it is no sound Parquet file, or has a column that cannot be written as text"
INSTANT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f"


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """Rows of a Parquet file; a compressed one is unpacked to a temporary file first.

    Attributes
    ----------
    path : Path
        The file.
    null_values : tuple of str
        Values that mean "missing", besides null and the empty string.
    """

    path: Path
    null_values: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Return the names in the file's schema; see `Source.columns`."""
        with reading(self.path, REASON), plain_file(self.path) as plain:
            return unique_names(arrow_parquet.read_schema(plain).names)

    def batches(self, *, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Yield the rows; none is ever refused."""
        return not_empty(self.path, self._batches(rows))

    def _batches(self, rows: int) -> Iterator[RawBatch]:
        first = 1
        with (
            reading(self.path, REASON, pl.exceptions.PolarsError),
            plain_file(self.path) as plain,
            arrow_parquet.ParquetFile(plain) as file,
        ):
            names = unique_names(file.schema_arrow.names)
            for block in file.iter_batches(batch_size=rows):
                frame = pl.DataFrame(pl.from_arrow(block.rename_columns(names)))
                numbers = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True)
                text = nulled(frame.select(map(as_text, frame)), self.null_values)
                yield RawBatch(text.with_columns(numbers.alias(ROW)))
                first += frame.height


def as_text(column: pl.Series) -> pl.Series:
    """Write one typed column as text, as `text_of` writes one value.

    Instants of a zone carry its offset.

    Examples
    --------
    >>> as_text(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    match column.dtype:
        case pl.Datetime(time_zone=zone):
            return column.dt.strftime(INSTANT_FORMAT + ("%:z" if zone else ""))
        case pl.Duration():
            return column.dt.to_string("iso")
        case pl.Float32() | pl.Float64():
            return _float_text(column)
        case pl.Decimal():
            return column.cast(pl.String).str.replace(r"\.0+$", "")
        case pl.List() | pl.Array() | pl.Struct():
            cells = [text_of(value) for value in column.to_list()]
            return pl.Series(column.name, cells, dtype=pl.String)
        case _:
            return column.cast(pl.String)


def _float_text(column: pl.Series) -> pl.Series:
    """Write whole numbers without ``.0`` and NaN as null."""
    value = pl.col(column.name)
    is_whole = (value == value.round()) & (value.abs() < MAX_EXACT_FLOAT)
    whole = value.cast(pl.Int64, strict=False).cast(pl.String)
    text = pl.when(is_whole).then(whole).when(value.is_not_nan()).then(value.cast(pl.String))
    return column.to_frame().select(text.alias(column.name)).to_series()
