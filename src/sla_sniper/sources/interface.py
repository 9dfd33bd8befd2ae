"""What every source speaks: raw rows as text, in batches, with what was refused.

A source knows nothing of tickets. It turns one file into text columns, so that one mapping
and one set of rules for times and numbers serve every format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

ROW: Final = "_row"
"""Column of a batch with the number of the row in its file."""

BATCH_ROWS: Final = 200_000
"""Rows of one batch unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that could not become text columns.

    Attributes
    ----------
    row : int
        1-based number of the data row, in the same count as `_row`.
    reason : str
        Stable key: ``wrong_column_count``, ``not_json`` or ``not_an_object``.
    example : str
        The start of the row as it stands in the file, at most 120 characters.
    """

    row: int
    reason: str
    example: str


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Some rows of one file, in the order of the file.

    Attributes
    ----------
    frame : DataFrame
        The file's columns as String, and `_row` as Int64: the 1-based number of the data row,
        the header not counted. Refused rows leave a gap in it. Lines without anything in them
        are no rows; they are counted in JSON lines and workbooks, where a row has a number
        that the user sees, and not in delimited text, where a row may run over several lines.
    refused : tuple of Refusal
        The rows left out. Over all batches, rows in the file = rows in frames + refused.
    """

    frame: pl.DataFrame
    refused: tuple[Refusal, ...] = ()


class Source(Protocol):
    """One file of one format, read as often as asked and never written."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns, stripped, unique and in the order of the file.

        Raises
        ------
        UnreadableFileError
            If the file is corrupt, cut off, or of another format than its ending says.
        EmptyFileError
            If there is nothing in it.
        """
        ...

    def batches(self, *, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """Yield the rows, at most `rows` (one or more) in a batch.

        Raises
        ------
        UnreadableFileError
            As `columns`, and as soon as the reading meets the damage.
        EmptyFileError
            If there is a header at most.
        """
        ...
