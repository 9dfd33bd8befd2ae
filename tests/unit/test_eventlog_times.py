"""Times as files write them."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from sla_sniper.core.instants import parse_instant
from sla_sniper.eventlog.times import read_instants


def read(text: str | None, *, timezone: str = "Europe/Berlin", timestamp_format: str | None = None):
    texts = pl.Series([text], dtype=pl.String)
    return read_instants(texts, timezone=timezone, timestamp_format=timestamp_format)


@pytest.mark.parametrize(
    "text",
    [
        "2016-03-01",
        "2016-03-01 10:00",
        "2016-03-01T10:00:00",
        "2016-03-01T10:00:00.123456",
        "2016-03-01T10:00:00Z",
        "2016-03-01 10:00:00+02:00",
        "2016-03-01T10:00:00.5-05:30",
        "2016-03-27T02:30:00",
        "2016-10-30T02:30:00",
    ],
)
def test_iso_times_read_as_core_reads_them(text):
    assert read(text).at.item() == parse_instant(text, timezone="Europe/Berlin")


@pytest.mark.parametrize("text", [None, "yesterday", "2016-02-30", "2016-01-01T24:00", "2016-1-1"])
def test_what_is_no_time_is_null(text):
    assert read(text).at.item() is None


@pytest.mark.parametrize(
    ("text", "timestamp_format"),
    [
        pytest.param("29/2/2016 01:16", "%d/%m/%Y %H:%M", id="day first, one digit"),
        pytest.param("02/29/16 1:16 AM", "%m/%d/%y %I:%M %p", id="month first"),
        pytest.param("2016/02/29 01:16:00.000", "%Y/%m/%d %H:%M:%S.%f", id="fraction"),
        pytest.param("29.02.2016 03:16 +0200", "%d.%m.%Y %H:%M %z", id="offset"),
        pytest.param("1456708560", "%s", id="seconds since 1970"),
        pytest.param("2016-02-29T01:16:00Z", "%d/%m/%Y %H:%M", id="typed cell"),
    ],
)
def test_formats_of_files_are_read(text, timestamp_format):
    instants = read(text, timezone="UTC", timestamp_format=timestamp_format)

    assert instants.at.item() == datetime(2016, 2, 29, 1, 16, tzinfo=UTC)


def test_missing_local_times_are_told():
    assert read("2016-03-27T02:30:00").is_missing.item()


def test_doubled_local_times_are_told():
    assert read("2016-10-30T02:30:00").is_doubled.item()


def test_a_skipped_day_moves_forward_whole():
    at = read("2011-12-30T10:00:00", timezone="Pacific/Apia").at.item()

    assert at == parse_instant("2011-12-31T10:00:00", timezone="Pacific/Apia")
