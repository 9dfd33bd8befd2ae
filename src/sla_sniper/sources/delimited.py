"""CSV, TSV and other delimited text, by Arrow's streaming reader.

Every value is read as text: no number or date is guessed, so an id keeps its leading zeros.
The bytes are checked first (is it UTF-8?), because that answer must come before any row is
used, and Arrow cannot report a refused row that is not UTF-8.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from sla_sniper.core.errors import EmptyFileError, UnreadableFileError
from sla_sniper.sources.cells import not_empty, nulled, rebatched, refusal, unique_names
from sla_sniper.sources.compression import open_stream, reading
from sla_sniper.sources.interface import BATCH_ROWS, ROW, RawBatch, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES: Final = 2 << 20  # the unit of streaming, and the longest row
HEADER_BYTES: Final = 1 << 20
MAX_REFUSED_TOGETHER: Final = 200_000
QUOTE, NEWLINE = ord('"'), ord("\n")
LEADING: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*+")
RECORD: Final = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+')
RECORD_END: Final = re.compile(rb"\r?\n|\r|\Z")
MALFORMED: Final = (
    f"a quote is never closed, a row is longer than {BLOCK_BYTES >> 20} MiB, "
    f"or more than {MAX_REFUSED_TOGETHER:,} rows together do not fit the header"
)


@dataclass(frozen=True)
class DelimitedSource:
    """Rows of delimited text, quoted as in RFC 4180, in UTF-8.

    Attributes
    ----------
    path : Path
        The file; gzip or zstd by its ending.
    delimiter : str
        One ASCII character between two values.
    null_values : tuple of str
        Values that mean "missing", besides the empty one.
    """

    path: Path
    delimiter: str = ","
    null_values: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Return the names in the header; see `Source.columns`."""
        return unique_names(self._header.names)

    def batches(self, *, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Yield the rows; one with too few or too many values is refused."""
        tail = _checked_tail(self.path)
        pieces = rebatched(self._pieces(tail), rows)
        for batch in not_empty(self.path, pieces):
            yield RawBatch(nulled_values(batch.frame, self.null_values), batch.refused)

    @cached_property
    def _header(self) -> _Header:
        return _read_header(self.path, self.delimiter)

    def _pieces(self, tail: bytes) -> Iterator[RawBatch]:
        """Yield the rows a block at a time; `tail` is the end of a file with an odd quote."""
        if self._header.is_all:
            return
        ledger = _Ledger()
        last_cell = ""
        with reading(self.path, MALFORMED, csv.Error), open_stream(self.path) as stream:
            stream.read(self._header.n_bytes)
            for block in self._open_csv(stream, ledger):
                frame = pl.DataFrame(pl.from_arrow(block))
                last_cell = frame.item(-1, -1) or ""
                yield ledger.numbered(frame)
        if ledger.is_open_ended(last_cell, tail):
            raise UnreadableFileError(
                str(self.path),
                f"a quote in row {ledger.last_row} is never closed",
                "export it again",
            )
        if ledger.refused:
            yield RawBatch(self._no_rows(), tuple(ledger.refused))

    def _open_csv(self, stream: pa.NativeFile, ledger: _Ledger) -> Any:  # noqa: ANN401 - untyped
        """Start Arrow's reader behind the header; it numbers data rows from 1."""
        names = list(self.columns())
        return arrow_csv.open_csv(
            stream,
            # One thread: only then does Arrow say which row it refuses.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES, column_names=names
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                invalid_row_handler=ledger.refuse,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), check_utf8=False
            ),
        )

    def _no_rows(self) -> pl.DataFrame:
        """Return a frame without rows, for refusals that no row follows."""
        schema = dict.fromkeys(self.columns(), pl.String) | {ROW: pl.Int64}
        return pl.DataFrame(schema=schema)


def nulled_values(frame: pl.DataFrame, null_values: tuple[str, ...]) -> pl.DataFrame:
    """Apply `nulled` to the file's columns, leaving `_row` alone."""
    return nulled(frame.drop(ROW), null_values).with_columns(frame[ROW])


@dataclass(slots=True)
class _Ledger:
    """The number of every row: Arrow tells those it refuses, the others lie between.

    Arrow reads ahead, so that a refused row may be known before its turn.
    """

    last_row: int = 0
    refused: list[Refusal] = field(default_factory=list)
    last_refused_text: str = ""

    def refuse(self, row: Any) -> str:  # noqa: ANN401 - pyarrow.csv.InvalidRow, untyped
        """Note a row with the wrong number of values; called by Arrow."""
        self.refused.append(
            refusal(
                row.number,
                "wrong_column_count",
                f"{row.actual_columns} values instead of {row.expected_columns}",
            )
        )
        self.last_refused_text = row.text
        return "skip" if len(self.refused) <= MAX_REFUSED_TOGETHER else "error"

    def numbered(self, frame: pl.DataFrame) -> RawBatch:
        """Add `_row` to the next accepted rows, and the refusals up to the last of them."""
        skipped = np.array([refusal.row for refusal in self.refused], dtype=np.int64)
        first = self.last_row + 1
        candidates = np.arange(first, first + frame.height + len(skipped))
        numbers = candidates[~np.isin(candidates, skipped)][: frame.height]
        self.last_row = int(numbers[-1])
        n_due = int(np.searchsorted(skipped, self.last_row))
        due, self.refused = self.refused[:n_due], self.refused[n_due:]
        return RawBatch(frame.with_columns(pl.Series(ROW, numbers)), tuple(due))

    def is_open_ended(self, last_cell: str, tail: bytes) -> bool:
        """Tell whether the last row swallowed the rest of the file after a lone quote.

        Arrow takes the end of the file for the end of a quoted value.
        """
        if not tail:
            return False
        if self.refused:
            self.last_row = self.refused[-1].row
            return "\n" in self.last_refused_text and self.last_refused_text.count('"') % 2 == 1
        raw = b'"' + last_cell.encode().replace(b'"', b'""')
        return last_cell.strip('"') != "" and tail.endswith(raw[-len(tail) :])


@dataclass(frozen=True, slots=True)
class _Header:
    """The first row: its names, its length with what precedes it, and if nothing follows."""

    names: tuple[str, ...]
    n_bytes: int
    is_all: bool


def _read_header(path: Path, delimiter: str) -> _Header:
    """Read the first row that is not blank; quoted names may hold line breaks."""
    with reading(path, MALFORMED), open_stream(path) as stream:
        head = stream.read(HEADER_BYTES)
    start = LEADING.match(head).end()  # type: ignore[union-attr]  # it matches the empty string
    stop = RECORD.match(head, start).end()  # type: ignore[union-attr]
    end = RECORD_END.match(head, stop)
    if start == len(head):
        raise EmptyFileError(str(path))
    if end is None or (end.end() == HEADER_BYTES):
        raise UnreadableFileError(
            str(path), "its header is no line of column names", "export it again"
        )
    rest = head[end.end() :]
    is_all = len(head) < HEADER_BYTES and not rest.strip(b"\r\n")
    return _Header(_names(path, head[start:stop], delimiter), end.end(), is_all)


def _names(path: Path, header: bytes, delimiter: str) -> tuple[str, ...]:
    """Split the header into its names."""
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, 0) from error
    with reading(path, "its header is no line of column names", csv.Error):
        return tuple(next(csv.reader([text], delimiter=delimiter)))


def _checked_tail(path: Path) -> bytes:
    """Read the whole file once, a block at a time; return its end if a quote may be open there.

    Every quote of a whole file has its partner, so with an even number none is open.

    Raises
    ------
    UnreadableFileError
        If it is not UTF-8, with the row.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    n_bytes, n_quotes, tail = 0, 0, b""
    with reading(path, MALFORMED), open_stream(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, _rows_before(path, n_bytes + error.start)) from error
            n_bytes += len(block)
            n_quotes += block.count(b'"')
            tail = (tail + block)[-HEADER_BYTES:]
    if decoder.getstate()[0]:
        raise _not_utf8(path, _rows_before(path, n_bytes))
    return tail if n_quotes % 2 else b""


def _rows_before(path: Path, n_bytes: int) -> int:
    """Count the row ends, header included, in the first bytes: line ends outside quotes."""
    n_rows, n_quotes = 0, 0
    with open_stream(path) as stream:
        while block := stream.read(min(BLOCK_BYTES, n_bytes)):
            n_bytes -= len(block)
            data = np.frombuffer(block, np.uint8)
            quotes = np.cumsum(data == QUOTE) + n_quotes
            n_rows += int(np.count_nonzero((data == NEWLINE) & (quotes % 2 == 0)))
            n_quotes = int(quotes[-1])
    return n_rows


def _not_utf8(path: Path, row: int) -> UnreadableFileError:
    """Build the error of a file in another encoding; row 0 is the header."""
    where = f"near row {row}" if row else "in its header"
    return UnreadableFileError(str(path), f"not UTF-8 {where}", "save it as UTF-8")
