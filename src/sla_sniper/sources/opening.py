"""Choose the source of a file by its ending, and check that the content agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sla_sniper.core.errors import ConfigurationError, EmptyFileError, UnreadableFileError
from sla_sniper.sources.compression import COMPRESSIONS, format_ending, open_stream, reading
from sla_sniper.sources.delimited import DelimitedSource
from sla_sniper.sources.jsonlines import JsonSource
from sla_sniper.sources.parquet import ParquetSource
from sla_sniper.sources.spreadsheet import SpreadsheetSource
from sla_sniper.sources.xes import XesSource

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.sources.interface import Source

DELIMITED: Final = (".csv", ".tsv", ".txt")
JSON: Final = (".jsonl", ".ndjson", ".json")
ENDINGS: Final = (*DELIMITED, ".parquet", *JSON, ".xlsx", ".xes")
"""Endings of the formats; each may be followed by one of the compressions."""

SIGNATURES: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "Parquet"),
    (b"PK\x03\x04", "a zip archive or workbook"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted workbook"),
    (b"%PDF", "PDF"),
)
UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def open_source(path: Path, *, delimiter: str = ",", null_values: tuple[str, ...] = ()) -> Source:
    r"""Return the source that reads `path`, chosen by its ending.

    Parameters
    ----------
    path : Path
        A file with one of `ENDINGS`, which ``.gz`` or ``.zst`` may follow.
    delimiter : str
        One ASCII character; for delimited text alone. ``.tsv`` has tabs unless it is given.
    null_values : tuple of str
        Values that mean "missing", besides the empty one.

    Raises
    ------
    UnreadableFileError
        If there is no such file, its ending is unknown or its content is of another format.
    EmptyFileError
        If there is nothing in it.
    ConfigurationError
        If `delimiter` is not one ASCII character.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "log.csv"
    ...     _ = path.write_text("number,state\nINC1,New\n", encoding="utf-8")
    ...     source = open_source(path)
    ...     source.columns(), next(source.batches()).frame.rows()
    (('number', 'state'), [('INC1', 'New', 1)])
    """
    ending = format_ending(path)
    _check_delimiter(path, delimiter)
    _check_file(path, ending)
    _check_content(path, ending)
    match ending:
        case ".parquet":
            return ParquetSource(path, null_values)
        case ".xlsx":
            return SpreadsheetSource(path, null_values)
        case ".xes":
            return XesSource(path, null_values)
        case _ if ending in JSON:
            return JsonSource(path, null_values)
        case _:
            tabbed = ending == ".tsv" and delimiter == ","
            return DelimitedSource(path, "\t" if tabbed else delimiter, null_values)


def _check_delimiter(path: Path, delimiter: str) -> None:
    """Refuse what cannot stand between two values."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise ConfigurationError(
            str(path), (f"a delimiter is one ASCII character such as ',', got {delimiter!r}",)
        )


def _check_file(path: Path, ending: str) -> None:
    """Refuse what is no file, is empty, or has an ending that nothing reads."""
    with reading(path, "it cannot be opened"):
        _check_exists(path)
        n_bytes = path.stat().st_size
    if ending not in ENDINGS:
        raise UnreadableFileError(
            str(path),
            f"its ending {path.suffix!r} names no format",
            f"use {', '.join(ENDINGS)}, alone or followed by {' or '.join(COMPRESSIONS)}",
        )
    if n_bytes == 0:
        raise EmptyFileError(str(path))


def _check_exists(path: Path) -> None:
    """Refuse a path that leads to no file."""
    if path.is_dir():
        raise UnreadableFileError(str(path), "it is a folder", "name a file in it")
    if not path.exists():
        raise UnreadableFileError(str(path), "there is no such file", "check the name")
    if not path.is_file():
        raise UnreadableFileError(str(path), "it is no regular file", "save it as a file first")


def _check_content(path: Path, ending: str) -> None:
    """Refuse a text format whose first bytes say that it is something else."""
    with reading(path, "it cannot be opened"), open_stream(path) as stream:
        head = stream.read(4096)
    if not head:
        raise EmptyFileError(str(path))
    if ending in (".parquet", ".xlsx"):
        return
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            raise UnreadableFileError(
                str(path), f"its content is {name}", "give it the ending of its content"
            )
    if ending != ".xes":
        _check_text(path, head)


def _check_text(path: Path, head: bytes) -> None:
    """Refuse UTF-16 and binary data; XML may declare another encoding."""
    if head.startswith(UTF16):
        raise UnreadableFileError(str(path), "not UTF-8 near row 1", "save it as UTF-8")
    if b"\x00" in head:
        raise UnreadableFileError(
            str(path), "its content is binary", "give it the ending of its content"
        )
