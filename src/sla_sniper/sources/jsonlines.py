"""JSON lines and arrays of objects, one object a row, read piece by piece."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader, TextIOWrapper
from typing import TYPE_CHECKING, Any, Final, TextIO

from sla_sniper.core.errors import EmptyFileError, UnreadableFileError
from sla_sniper.sources.cells import Row, not_empty, refusal, text_batches, text_of, unique_names
from sla_sniper.sources.compression import format_ending, open_stream, reading
from sla_sniper.sources.interface import BATCH_ROWS, RawBatch, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK: Final = 1 << 20
MAX_RECORD: Final = 64 << 20
SPACE: Final = re.compile(r"\s*+")
BOM: Final = b"\xef\xbb\xbf"
REASON: Final = "it is no sound JSON"

Record = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class JsonSource:
    """Rows of ``.jsonl`` and ``.ndjson`` (an object a line) and ``.json`` (also one array).

    Objects need not have the same keys: the columns are all keys of the file, in the order in
    which they first come, found by a first pass. Nested values are kept as JSON text.

    Attributes
    ----------
    path : Path
        The file; gzip or zstd by its ending.
    null_values : tuple of str
        Values that mean "missing", besides null and the empty string.
    """

    path: Path
    null_values: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Return all keys of the file; see `Source.columns`."""
        return unique_names(self._keys)

    def batches(self, *, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Yield the rows; a line that is no JSON object is refused."""
        batches = text_batches(
            self._rows(), self.columns(), rows=rows, null_values=self.null_values
        )
        return not_empty(self.path, batches)

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        keys: dict[str, None] = {}
        is_empty = True
        for record in self._records():
            is_empty = False
            if not isinstance(record, Refusal):
                keys.update(dict.fromkeys(record[1]))
        if is_empty:
            raise EmptyFileError(str(self.path))
        if not keys:
            raise UnreadableFileError(
                str(self.path), "it holds no JSON object with a key", "write one object a line"
            )
        return tuple(keys)

    def _rows(self) -> Iterator[Row | Refusal]:
        keys = self._keys
        for record in self._records():
            if isinstance(record, Refusal):
                yield record
            else:
                yield _row(record, keys)

    def _records(self) -> Iterator[Record | Refusal]:
        with reading(self.path, REASON), open_stream(self.path) as stream:
            lines = BufferedReader(stream, CHUNK)
            if format_ending(self.path) == ".json" and _begins_array(lines):
                yield from _array_records(self.path, lines)
            else:
                yield from _line_records(self.path, lines)


def _row(record: Record, keys: tuple[str, ...]) -> Row | Refusal:
    """Write the values of one object as text; null where it lacks a key."""
    number, values = record
    try:
        return Row(number, [text_of(values.get(key)) for key in keys])
    except RecursionError:  # nested as deep as can be read, and too deep to be written
        return refusal(number, "not_json", "")


def _begins_array(lines: BufferedReader) -> bool:
    """Look at the first character that is no space."""
    return lines.peek(CHUNK).removeprefix(BOM).lstrip().startswith(b"[")


def _line_records(path: Path, lines: BufferedReader) -> Iterator[Record | Refusal]:
    """Read one object from each line that is not blank."""
    number = 0
    while line := lines.readline(MAX_RECORD):
        number += 1
        if len(line) == MAX_RECORD:
            raise _too_long(path, number)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise _not_utf8(path, number) from error
        if text:
            yield _parsed(number, text)


def _parsed(number: int, text: str) -> Record | Refusal:
    """Parse one line, or refuse it."""
    try:
        value = DECODER.decode(text)
        _refuse_half_characters(text, value)
    except (ValueError, RecursionError):
        return refusal(number, "not_json", f"{len(text)} characters that are no JSON")
    return _object(number, value, text)


def _object(number: int, value: object, text: str) -> Record | Refusal:
    """Pass an object on; a row cannot be made of anything else."""
    if isinstance(value, dict):
        return number, value
    return refusal(number, "not_an_object", "a value that is no object")


def _refuse_half_characters(text: str, value: object) -> None:
    r"""Raise ValueError for a lone surrogate (``\ud83d`` without its other half)."""
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()


def _array_records(path: Path, lines: BufferedReader) -> Iterator[Record | Refusal]:
    """Read the objects of one array without holding more than one of them and a chunk."""
    with TextIOWrapper(lines, encoding="utf-8-sig") as text:
        elements = _Elements(path, text)
        number = 0
        while (found := elements.next_value()) is not None:
            number += 1
            yield _object(number, found[0], found[1])


class _Elements:
    """A window on the text of an array, moving from element to element."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self.path, self.text = path, text
        self.window, self.at, self.n_found = "", 0, 0
        self._more()
        self.at = self.window.index("[") + 1

    def next_value(self) -> tuple[object, str] | None:
        """Return the next element and its text, or None at the end of the array."""
        while True:
            start = self._after_space(self.at)
            if self.window.startswith("]", start):
                self._refuse_rest(start + 1)
                return None
            found = self._complete(start)
            if found is not None:
                self.n_found += 1
                value, end, self.at = found
                return value, self.window[start : min(end, start + CHUNK)]
            self._more()

    def _complete(self, start: int) -> tuple[object, int, int] | None:
        """Decode at `start`: value, its end, the next start; None if more text is needed."""
        try:
            value, end = DECODER.raw_decode(self.window, start)
            _refuse_half_characters(self.window[start:end], value)
        except (ValueError, RecursionError):
            return None
        follows = self._after_space(end)
        if self.window.startswith(",", follows):
            return value, end, follows + 1
        return (value, end, follows) if self.window.startswith("]", follows) else None

    def _refuse_rest(self, at: int) -> None:
        """Raise where anything but space follows the array."""
        rest = self.window[at:]
        while rest and not rest.strip():
            rest = self.text.read(CHUNK)
        if rest:
            raise self._malformed()

    def _after_space(self, at: int) -> int:
        """Skip white space from `at`."""
        found = SPACE.match(self.window, at)
        return found.end() if found else at

    def _more(self) -> None:
        """Slide the window on, doubling it, so that a long element costs linear time."""
        held = self.window[self.at :]
        try:
            more = self.text.read(max(CHUNK, len(held)))
        except UnicodeDecodeError as error:
            raise _not_utf8(self.path, self.n_found + 1) from error
        if not more or len(held) > MAX_RECORD:
            raise self._malformed()
        self.window, self.at = held + more, 0

    def _malformed(self) -> UnreadableFileError:
        return UnreadableFileError(
            str(self.path),
            f"its JSON array is malformed or cut off after row {self.n_found}",
            "export it again, or as one object a line",
        )


def _constant(name: str) -> str | None:
    """Read what Python writes for floats that JSON has not: NaN is missing."""
    return None if name == "NaN" else name


DECODER: Final = json.JSONDecoder(parse_constant=_constant)


def _too_long(path: Path, number: int) -> UnreadableFileError:
    """Build the error of a line that would not fit into memory."""
    return UnreadableFileError(
        str(path), f"row {number} is longer than {MAX_RECORD >> 20} MiB", "write one object a line"
    )


def _not_utf8(path: Path, number: int) -> UnreadableFileError:
    """Build the error of a file in another encoding."""
    return UnreadableFileError(str(path), f"not UTF-8 near row {number}", "save it as UTF-8")
