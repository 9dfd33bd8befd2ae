"""Texts to instants in UTC, whole columns at a time.

The rule for local times is that of `core.instants.localize`: one that does not exist moves
forward by the gap, a doubled one is the first; both are counted.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from sla_sniper.core.instants import localize, zone

_ISO: Final = (
    r"^\s*(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"\s*(?P<offset>[Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?)?\s*$"
)
_AWARE: Final = re.compile(r"%(?:[:#]?z|\+)")
_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Instants:
    """One column of instants and what its local times were like.

    Attributes
    ----------
    at
        Instants in UTC, of shape (n_rows,); null where the text is null or unreadable.
    is_missing
        Whether the local time falls into a gap of the zone, of shape (n_rows,).
    is_doubled
        Whether the local time happens twice, of shape (n_rows,).
    """

    at: pl.Series
    is_missing: pl.Series
    is_doubled: pl.Series


def read_instants(texts: pl.Series, *, timezone: str, timestamp_format: str | None) -> Instants:
    """Read a column of times.

    Parameters
    ----------
    texts : Series of String of shape (n_rows,)
    timezone
        IANA zone of the texts without an offset.
    timestamp_format
        In the style of ``strftime``; None for ISO 8601, with or without an offset.

    Examples
    --------
    >>> day_first = pl.Series(["29/2/2016 01:16", "31/31/2016 01:16"])
    >>> times = read_instants(day_first, timezone="UTC", timestamp_format="%d/%m/%Y %H:%M")
    >>> [at.isoformat() if at else None for at in times.at]
    ['2016-02-29T01:16:00+00:00', None]
    """
    if timestamp_format is None:
        return _read_iso(texts, timezone)
    times = _read_format(texts, timezone, _chrono(timestamp_format))
    # Workbooks and Parquet hold typed times, which arrive as ISO 8601 whatever the format says.
    if times.at.null_count() == texts.null_count() or timestamp_format.startswith("%Y"):
        return times
    rest = _read_iso(texts.set(times.at.is_not_null(), None), timezone)
    return Instants(
        at=times.at.fill_null(rest.at),
        is_missing=times.is_missing | rest.is_missing,
        is_doubled=times.is_doubled | rest.is_doubled,
    )


def is_format(text: str) -> bool:
    """Whether a time survives being written and read in this format.

    Examples
    --------
    >>> is_format("%d/%m/%Y %H:%M"), is_format("%d/%m"), is_format("DD/MM/YYYY")
    (True, False, False)
    """
    chrono = _chrono(text)
    moment = pl.Series(["2016-02-29T13:45:00Z"]).str.to_datetime(time_unit="us", time_zone="UTC")
    try:
        written = moment.dt.to_string(chrono)
        return "%" in text and _parsed(written, chrono).dt.date().item() == date(2016, 2, 29)
    except pl.exceptions.PolarsError:
        return False


def _chrono(text: str) -> str:
    """Python's ``.%f`` is a fraction of a second; polars writes that ``%.f``."""
    return text.replace(".%f", "%.f")


def _read_format(texts: pl.Series, timezone: str, chrono: str) -> Instants:
    parsed = _parsed(texts, chrono)
    if _AWARE.search(chrono):
        nowhere = pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
        return Instants(parsed.dt.convert_time_zone("UTC"), nowhere, nowhere)
    return _placed(parsed, "UTC" if "%s" in chrono else timezone)


def _parsed(texts: pl.Series, chrono: str) -> pl.Series:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # polars doubts `%f` alone; the mapping has decided
        return texts.str.strip_chars().str.to_datetime(chrono, strict=False, time_unit="us")


def _read_iso(texts: pl.Series, timezone: str) -> Instants:
    parts = texts.str.extract_groups(_ISO).struct.unnest().lazy()
    local = pl.concat_str(
        "date", pl.lit("T"), pl.col("time").fill_null("00:00"), pl.lit(":"),
        pl.col("second").fill_null("00"),
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")  # fmt: skip
    micros = pl.col("fraction").fill_null("").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    read = parts.select(
        local=local + pl.duration(microseconds=micros),
        shift=_offset_us(),
        has_offset=pl.col("offset").is_not_null(),
    ).collect()
    placed = _placed(read["local"].set(read["has_offset"], None), timezone)
    aware = read.select(
        pl.col("local").dt.replace_time_zone("UTC") - pl.duration(microseconds="shift")
    ).to_series()
    return Instants(
        aware.zip_with(read["has_offset"], placed.at), placed.is_missing, placed.is_doubled
    )


def _offset_us() -> pl.Expr:
    """Microseconds east of Greenwich of ``+HH``, ``+HHMM``, ``+HH:MM``, ``Z``."""
    digits = pl.col("offset").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64) * 60 + digits.str.slice(2, 2).cast(pl.Int64)
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    return (minutes * sign * _MINUTE_US).fill_null(0)


def _placed(local: pl.Series, timezone: str) -> Instants:
    """Place wall times in a zone."""
    first = local.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    last = local.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    is_missing = first.is_null() & local.is_not_null()
    at = first.dt.convert_time_zone("UTC")
    if is_missing.any():
        at = at.fill_null(_moved_forward(local.set(~is_missing, None), timezone))
    return Instants(at, is_missing, (first != last).fill_null(value=False))


def _moved_forward(local: pl.Series, timezone: str) -> pl.Series:
    distinct = local.unique().drop_nulls()
    tz = zone(timezone)
    moved = pl.Series([localize(moment, tz) for moment in distinct], dtype=pl.Datetime("us", "UTC"))
    return local.replace_strict(distinct, moved, return_dtype=moved.dtype)
