"""Instants: exact, aware, and placed in their zone by the rulings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_sniper.core.instants import from_us, localize, parse_instant, to_us, zone


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_come_back_exactly(moment):
    assert from_us(to_us(moment)) == moment


def test_an_instant_without_a_zone_refuses():
    with pytest.raises(ValueError, match="needs a zone"):
        to_us(datetime(2024, 1, 1))


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_named(name):
    with pytest.raises(ValueError, match="unknown zone"):
        zone(name)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (datetime(2024, 3, 31, 2, 30), datetime(2024, 3, 31, 1, 30)),  # missing: 03:30
        (datetime(2024, 10, 27, 2, 30), datetime(2024, 10, 27, 0, 30)),  # doubled: the first
    ],
)
def test_odd_local_times_follow_the_ruling(local, utc):
    assert localize(local, ZoneInfo("Europe/Berlin")) == utc.replace(tzinfo=UTC)


def test_an_offset_wins_over_the_zone():
    found = parse_instant(" 2016-04-01T10:00:00+02:00 ", timezone="Asia/Tokyo")

    assert found == datetime(2016, 4, 1, 8, tzinfo=UTC)
    assert found.utcoffset() == timedelta(0)


def test_text_that_is_no_instant_refuses():
    with pytest.raises(ValueError, match="soon"):
        parse_instant("soon")
