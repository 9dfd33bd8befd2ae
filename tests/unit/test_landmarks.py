"""Landmarks: full hours and days on which the desk opens, in its own zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sla_sniper.sla.calendar import Calendar
from sla_sniper.snapshots.landmarks import LandmarkRule, landmarks

WEEKDAYS = Calendar("weekdays", "Europe/Berlin", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
ALWAYS = Calendar("always", is_always_open=True)


def utc(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def take(start, end, *, epoch="hour", calendar=WEEKDAYS, **rule):
    return landmarks(
        LandmarkRule("Europe/Berlin", **rule), calendar, start=start, end=end, epoch=epoch
    )


def test_hours_begin_included_and_end_excluded():
    found = take(utc(2024, 4, 2), utc(2024, 4, 3))

    assert found["landmark"].to_list() == [utc(2024, 4, 2, hour) for hour in range(6, 16)]
    assert found["hour_of_day"].to_list() == list(range(8, 18))


def test_days_have_one_landmark_when_open():
    found = take(utc(2024, 3, 29), utc(2024, 4, 2), epoch="day")

    # Summer time begins between Friday and Monday.
    assert found["landmark"].to_list() == [utc(2024, 3, 29, 7), utc(2024, 4, 1, 6)]
    assert found["day"].to_list() == [date(2024, 3, 29), date(2024, 4, 1)]
    assert found["day_of_week"].to_list() == [5, 1]


@pytest.mark.parametrize(("end_hour", "count"), [(7, 1), (8, 2)])
def test_the_period_is_half_open(end_hour, count):
    found = take(utc(2024, 4, 2, 6), utc(2024, 4, 2, end_hour))

    assert found.height == count


def test_part_hours_round_up_to_full_ones():
    found = take(utc(2024, 4, 2), utc(2024, 4, 3), opens=8 * 3600 + 900, closes=10 * 3600 + 60)

    assert found["hour_of_day"].to_list() == [9, 10]


def test_a_skipped_hour_makes_no_double():
    start, end = utc(2024, 3, 30, 23), utc(2024, 3, 31, 22)  # one local day, of 23 hours

    found = take(start, end, calendar=ALWAYS, opens=0, closes=86_400)

    assert found["landmark"].to_list() == [start + timedelta(hours=n) for n in range(23)]


def test_no_landmark_where_it_never_opens():
    found = take(utc(2024, 4, 6), utc(2024, 4, 8))

    assert found.is_empty()
    assert found.columns == ["landmark", "day", "hour_of_day", "day_of_week"]
