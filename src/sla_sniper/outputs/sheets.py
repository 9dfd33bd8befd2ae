"""Tables as one Excel workbook: a sheet a table, every cell with its type."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.outputs.texts import cleaned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its header."""
MOST_CHARACTERS: Final = 32_767
"""Characters of a cell; a longer text is cut, and ends in an ellipsis."""
_NARROWEST, _WIDEST, _INSTANT_WIDTH = 9, 48, 23
_SAMPLED: Final = 200
_FIRST_DAY: Final = datetime(1900, 1, 1, tzinfo=UTC)
_FORMATS: Final = {
    "instant": 'yyyy-mm-dd hh:mm:ss "UTC"',
    "day": "yyyy-mm-dd",
    "share": "0.0%",
    "amount": "#,##0.00",
}
_NUMBERS: Final = {
    "p_breach": "share",
    "cost": "amount",
    "cost_incurred": "amount",
    "expected_saving": "amount",
}
"""Numbers that are shown otherwise than as they are, by column."""
_MADE: Final = datetime(1980, 1, 1)  # noqa: DTZ001 - when a file was made is in no result


class TooManyRowsError(SlaSniperError):
    """A table with more rows than a sheet of a workbook holds."""

    exit_code: ClassVar[int] = 38

    def __init__(self, table: str, rows: int) -> None:
        super().__init__(table, rows)
        self.table, self.rows = table, rows

    def __str__(self) -> str:
        return (
            f"The table {self.table} has {self.rows:,} rows and a sheet of Excel holds "
            f"{MOST_ROWS:,}; use `sniper export parquet` or `csv`."
        )


def require_room(tables: Mapping[str, pl.DataFrame]) -> None:
    """Refuse tables that no sheet holds.

    Raises
    ------
    TooManyRowsError
        Naming the first of them.
    """
    for name, frame in tables.items():
        if frame.height > MOST_ROWS:
            raise TooManyRowsError(name, frame.height)


def write_workbook(tables: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Write a workbook with a sheet for each table, its header frozen.

    Texts are written as texts, never as formulas or links, and `cleaned`. Instants are UTC and are
    shown so, the share of a probability is shown in per cent, and null, NaN and infinity are empty
    cells.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the name of the sheet, at most 31 characters.

    Raises
    ------
    TooManyRowsError
        If a table does not fit into a sheet.
    OSError
        If the file cannot be written.
    """
    require_room(tables)
    # In memory, packed: xlsxwriter leaves a half-written file open where a disk is full.
    packed = BytesIO()
    book = xlsxwriter.Workbook(packed, {"constant_memory": True})
    book.set_properties({"created": _MADE})
    header = book.add_format({"bold": True, "bottom": 1})
    formats = {name: book.add_format({"num_format": code}) for name, code in _FORMATS.items()}
    for name, frame in tables.items():
        _write_sheet(book.add_worksheet(name), cleaned(frame), header, formats)
    try:
        book.close()
    except FileCreateError as error:
        for sheet in book.worksheets():
            sheet._opt_close()  # noqa: SLF001 - else its temporary file stays open
        raise OSError(*error.args[0].args) from error
    path.write_bytes(packed.getbuffer())


def _write_sheet(
    sheet: Worksheet, frame: pl.DataFrame, header: Format, formats: Mapping[str, Format]
) -> None:
    sheet.freeze_panes(1, 0)
    if frame.width:
        sheet.autofilter(0, 0, frame.height, frame.width - 1)
    for column, series in enumerate(frame):
        sheet.set_column(column, column, _width(series))
        sheet.write_string(0, column, series.name, header)
    writers = [_writer(sheet, series, formats) for series in frame]
    told = frame.select(_written(series) for series in frame)
    for row, values in enumerate(told.iter_rows(), start=1):
        for column, value in enumerate(values):
            if value is not None:
                writers[column](row, column, value)


def _writer(
    sheet: Worksheet, series: pl.Series, formats: Mapping[str, Format]
) -> Callable[[int, int, Any], object]:
    """What writes one cell of a column: with its type, whatever the value looks like."""
    kind, form = series.dtype, None
    if kind == pl.Boolean:
        write = sheet.write_boolean
    elif kind.is_numeric():
        write, form = sheet.write_number, formats.get(_NUMBERS.get(series.name, ""))
    elif kind.is_temporal():
        write, form = sheet.write_datetime, formats["day" if kind == pl.Date else "instant"]
    else:
        write = sheet.write_string
    return lambda row, column, value: write(row, column, value, form)


def _written(series: pl.Series) -> pl.Expr:
    """A column as a sheet can hold it."""
    column = pl.col(series.name)
    if series.dtype.is_float():
        return pl.when(column.is_finite()).then(column)
    if isinstance(series.dtype, pl.Datetime):
        # Excel counts from 1900; an instant before it is no date there.
        return pl.when(column >= _FIRST_DAY).then(column).dt.replace_time_zone(None)
    if series.dtype == pl.String:
        cut = column.str.head(MOST_CHARACTERS - 1) + "…"
        return pl.when(column.str.len_chars() > MOST_CHARACTERS).then(cut).otherwise(column)
    return column


def _width(series: pl.Series) -> int:
    """Width of a column in characters, by its header and its first rows."""
    widest = len(series.name) + 2
    if isinstance(series.dtype, pl.Datetime):
        widest = max(widest, _INSTANT_WIDTH)
    elif series.dtype == pl.String:
        longest = series.head(_SAMPLED).str.len_chars().max()
        widest = max(widest, longest if isinstance(longest, int) else 0)
    return min(max(widest, _NARROWEST), _WIDEST)
