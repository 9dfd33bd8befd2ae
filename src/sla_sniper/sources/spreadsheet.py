"""Excel workbooks: the first sheet, its first filled row as the header.

A workbook cannot be read front to back, so that a sheet is held in memory whole; Excel's own
limit (1,048,576 rows) and the one below bound it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile, ZipFile

import python_calamine as calamine

from sla_sniper.core.errors import EmptyFileError, UnreadableFileError
from sla_sniper.sources.cells import Row, not_empty, text_batches, text_of, unique_names
from sla_sniper.sources.compression import plain_file, reading
from sla_sniper.sources.interface import BATCH_ROWS, RawBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_UNPACKED_BYTES: Final = 2 << 30
REASON: Final = "it is no sound .xlsx workbook, or has a password"


@dataclass(frozen=True, slots=True)
class SpreadsheetSource:
    """Rows of the first sheet of an ``.xlsx``; blank rows are left out but counted.

    Dates and times become ISO 8601, numbers lose a trailing ``.0``, cells with an Excel error
    are null.

    Attributes
    ----------
    path : Path
        The file; gzip or zstd by its ending.
    null_values : tuple of str
        Values that mean "missing", besides the empty cell.
    """

    path: Path
    null_values: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Return the cells of the first filled row; see `Source.columns`."""
        return self._columns(self._rows())

    def batches(self, *, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Yield the rows; none is ever refused."""
        records = self._rows()
        columns = self._columns(records)
        batches = text_batches(records, columns, rows=rows, null_values=self.null_values)
        yield from not_empty(self.path, batches)

    def _columns(self, rows: Iterator[Row]) -> tuple[str, ...]:
        """Take the header off `rows`."""
        for header in islice(rows, 1):
            return unique_names(cell or "" for cell in header.cells)
        raise EmptyFileError(str(self.path))

    def _rows(self) -> Iterator[Row]:
        """Yield the rows that are not blank, the header with number 0."""
        header_at = None
        for at, values in enumerate(self._sheet_rows()):
            cells = [text_of(value) for value in values]
            if any(cells):
                header_at = at if header_at is None else header_at
                yield Row(at - header_at, cells)

    def _sheet_rows(self) -> Iterator[Sequence[object]]:
        errors = (calamine.CalamineError, BadZipFile)
        with reading(self.path, REASON, *errors), plain_file(self.path) as plain:
            _refuse_giants(self.path, plain)
            with calamine.load_workbook(plain) as workbook:
                yield from workbook.get_sheet_by_index(0).iter_rows()


def _refuse_giants(path: Path, plain: Path) -> None:
    """Refuse a workbook that unpacks to more than memory should hold."""
    with ZipFile(plain) as packed:
        n_bytes = sum(member.file_size for member in packed.infolist())
    if n_bytes > MAX_UNPACKED_BYTES:
        raise UnreadableFileError(
            str(path), f"it unpacks to {n_bytes >> 20:,} MiB", "export it as CSV or Parquet"
        )
