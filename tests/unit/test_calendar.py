"""Calendars: zones, daylight saving, night shifts and holidays, by worked examples."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sla_sniper.core.instants import HOUR_US, to_us
from sla_sniper.sla.calendar import Calendar, Holidays

HOUR = timedelta(hours=1)
H = 3600
NINE_TO_FIVE = ((9 * H, 17 * H),)
NIGHT = ((22 * H, 6 * H),)


NO_HOLIDAYS = Holidays()


def week(*days, holidays=NO_HOLIDAYS, zone="UTC") -> Calendar:
    return Calendar("tested", zone, (*days, *((),) * (7 - len(days))), holidays)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Berlin", "2024-03-31T00:00", "2024-04-01T00:00", 23),
        ("Europe/Berlin", "2024-10-27T00:00", "2024-10-28T00:00", 25),
        ("America/New_York", "2024-03-10T00:00", "2024-03-11T00:00", 23),
        ("America/New_York", "2024-11-03T00:00", "2024-11-04T00:00", 25),
        ("Australia/Lord_Howe", "2024-04-07T00:00", "2024-04-08T00:00", 24.5),
        ("Australia/Lord_Howe", "2024-10-06T00:00", "2024-10-07T00:00", 23.5),
        ("Asia/Kathmandu", "2024-03-31T00:00", "2024-04-01T00:00", 24),
    ],
)
def test_a_day_on_which_clocks_change_is_real_time(zone, start, end, hours):
    whole_days = Calendar("whole", zone, (((0, 86_400),),) * 7)

    assert whole_days.elapsed(local(start, zone), local(end, zone)) == hours * HOUR


def test_a_night_over_the_autumn_change_is_longer():
    sundays = week((), (), (), (), (), NIGHT, zone="Europe/Berlin")
    evening = local("2024-10-26T20:00", "Europe/Berlin")

    assert sundays.elapsed(evening, evening + 24 * HOUR) == 9 * HOUR


def test_half_hour_zones_open_on_the_half():
    office = week(NINE_TO_FIVE, zone="Asia/Kathmandu")

    due = office.add(datetime(2024, 4, 1, 0, 0, tzinfo=UTC), HOUR)

    assert due == datetime(2024, 4, 1, 4, 15, tzinfo=UTC)


def test_a_holiday_closes_the_tail_of_a_night_shift():
    nights = week(NIGHT, NIGHT, NIGHT, holidays=Holidays(dates=(date(2024, 4, 2),)))
    monday = datetime(2024, 4, 1, 12, tzinfo=UTC)

    # Monday 22-24 is open, the whole of Tuesday is not, and Tuesday's shift goes on after it.
    assert nights.elapsed(monday, monday + 24 * HOUR) == 2 * HOUR
    assert nights.elapsed(monday + 24 * HOUR, monday + 36 * HOUR) == timedelta(0)
    assert nights.add(monday, 3 * HOUR) == datetime(2024, 4, 3, 1, tzinfo=UTC)


def test_midnight_joins_two_days():
    joined = week(((12 * H, 86_400),), ((0, 2 * H),))

    due = joined.add(datetime(2024, 4, 1, 23, tzinfo=UTC), 2 * HOUR)

    assert due == datetime(2024, 4, 2, 1, tzinfo=UTC)


def test_overlapping_spans_count_once():
    overlapping = week(((9 * H, 13 * H), (12 * H, 17 * H), (10 * H, 11 * H)))
    monday = datetime(2024, 4, 1, tzinfo=UTC)

    assert overlapping.elapsed(monday, monday + 24 * HOUR) == 8 * HOUR


def test_the_closing_instant_may_be_a_deadline():
    office = week(NINE_TO_FIVE, NINE_TO_FIVE)
    closing = datetime(2024, 4, 1, 17, tzinfo=UTC)

    instant = timedelta(microseconds=1)
    assert office.add(closing - HOUR, HOUR) == office.add(closing - instant, instant) == closing
    assert office.add(closing, timedelta(0)) == datetime(2024, 4, 2, 9, tzinfo=UTC)
    assert not office.compiled(to_us(closing), to_us(closing)).is_open(to_us(closing))


def test_a_deadline_is_exact_however_far():
    always = Calendar("always", is_always_open=True)
    start, target = datetime(2024, 4, 1, tzinfo=UTC), timedelta(days=366 * 300, microseconds=1)

    assert always.add(start, target) == start + target


def test_counting_back_undoes_adding():
    office = week(NINE_TO_FIVE)
    monday = datetime(2024, 4, 8, 10, tzinfo=UTC)

    assert office.add(monday, -HOUR) == monday - HOUR
    assert office.add(monday, -9 * HOUR) == datetime(2024, 4, 1, 9, tzinfo=UTC)


def test_mondays_centuries_apart_are_answered_together():
    mondays = [datetime(1901, 3, 4, 10, tzinfo=UTC), datetime(2180, 3, 6, 10, tzinfo=UTC)]
    starts = np.array([to_us(monday) for monday in mondays])

    due = week(NINE_TO_FIVE).add_us(starts, np.array([HOUR_US, 8 * HOUR_US]))

    assert (due - starts).tolist() == [HOUR_US, 7 * 24 * HOUR_US]


def test_a_calendar_that_is_never_open_refuses():
    closed = week(NINE_TO_FIVE, holidays=Holidays(ranges=((date(2000, 1, 1), date(2099, 1, 1)),)))

    with pytest.raises(ValueError, match="never open"):
        closed.elapsed(datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 4, 2, tzinfo=UTC))
    assert not closed.is_ever_open()
    with pytest.raises(ValueError, match="never open"):
        week().add(datetime(2024, 4, 1, tzinfo=UTC), HOUR)


def test_a_deadline_beyond_the_horizon_refuses():
    yearly = week(((0, 1),))

    with pytest.raises(ValueError, match="not open long enough"):
        yearly.add(datetime(2024, 4, 1, tzinfo=UTC), timedelta(days=30))


def test_country_holidays_close_their_days():
    dutch = Holidays("NL", dates=(date(2024, 12, 24),))

    found = dutch.between(date(2024, 12, 1), date(2024, 12, 31))

    assert found == (date(2024, 12, 24), date(2024, 12, 25), date(2024, 12, 26))


def test_subdivisions_have_holidays_of_their_own():
    epiphany = date(2024, 1, 6)

    assert epiphany in Holidays("DE", "BY").between(epiphany, epiphany)
    assert epiphany not in Holidays("DE", "BE").between(epiphany, epiphany)


def test_yearly_holidays_skip_years_without_the_date():
    leap = Holidays(yearly=((2, 29),))

    found = leap.between(date(2023, 1, 1), date(2025, 1, 1))

    assert found == (date(2024, 2, 29),)


def test_every_kind_of_holiday_adds_to_the_others():
    holidays = Holidays(
        "NL",
        dates=(date(2024, 12, 24),),
        yearly=((12, 31),),
        ranges=((date(2024, 12, 28), date(2024, 12, 29)),),
        recurring=((date(2020, 12, 30), date(2020, 12, 30)),),
    )

    found = holidays.between(date(2024, 12, 20), date(2024, 12, 31))

    assert [day.day for day in found] == [24, 25, 26, 28, 29, 30, 31]


@pytest.mark.parametrize(("year", "closed"), [(2024, []), (2025, [1, 2]), (2026, [1, 2])])
def test_what_recurs_reaches_into_the_new_year(year, closed):
    holidays = Holidays(recurring=((date(2024, 12, 30), date(2025, 1, 2)),))

    found = holidays.between(date(year, 1, 1), date(year, 1, 31))

    assert [day.day for day in found] == closed


def test_ranges_close_their_first_and_last_day():
    office = week(
        *(NINE_TO_FIVE,) * 5, holidays=Holidays(ranges=((date(2024, 4, 2), date(2024, 4, 4)),))
    )

    opened = [office.opens_on(date(2024, 4, day)) for day in range(1, 8)]

    assert opened == [True, False, False, False, True, False, False]


def test_a_date_that_a_zone_skipped_has_no_hours():
    office = week(*(NINE_TO_FIVE,) * 5, zone="Pacific/Apia")

    assert not office.opens_on(date(2011, 12, 30))
    assert office.elapsed(
        datetime(2011, 12, 30, 3, tzinfo=UTC), datetime(2012, 1, 1, 19, tzinfo=UTC)
    ) == timedelta(0)


def test_elapsed_backwards_is_zero():
    office = week(NINE_TO_FIVE)
    monday = datetime(2024, 4, 1, 10, tzinfo=UTC)

    assert office.elapsed(monday + HOUR, monday) == timedelta(0)


def test_adding_to_nothing_gives_nothing():
    none = np.zeros(0, dtype=np.int64)

    assert len(week(NINE_TO_FIVE).add_us(none, none)) == 0
