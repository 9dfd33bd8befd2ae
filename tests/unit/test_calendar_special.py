"""Calendars: special days, closures, versions, edges and working days, by worked examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from sla_sniper.core.instants import from_us, to_us
from sla_sniper.sla.calendar import Calendar, Holidays, NoWorkingTimeError

H = 3600
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NINE_TO_FIVE = ((9 * H, 17 * H),)
SPLIT = ((9 * H, 12 * H), (13 * H, 17 * H))
NIGHT = ((22 * H, 6 * H),)
OFFICE = Calendar("office", "UTC", (NINE_TO_FIVE,) * 5 + ((), ()))
NIGHTS = Calendar("nights", "UTC", (NIGHT,) * 5 + ((), ()))
DAY_AND_NIGHT = Calendar("always", is_always_open=True)
MONDAY = date(2024, 3, 4)
ONCE = replace(OFFICE, hours=((),) * 7, shifts=((MONDAY, NINE_TO_FIVE),))
CHRISTMAS = Holidays(yearly=((12, 25),))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def hours_on(calendar: Calendar, day: date) -> float:
    start = datetime.combine(day, time(), UTC)
    return calendar.elapsed(start, start + DAY) / HOUR


@pytest.mark.parametrize(
    ("changes", "monday_hours"),
    [
        ({"shifts": ((MONDAY, ((9 * H, 12 * H),)),)}, 3),
        ({"shifts": ((MONDAY, ()),)}, 0),
        ({"shifts": ((MONDAY, ((9 * H, 9 * H),)),)}, 0),
        ({"shifts": ((MONDAY - DAY, NIGHT),)}, 8 + 6),
        ({"shifts": ((MONDAY, NINE_TO_FIVE),), "holidays": Holidays(dates=(MONDAY,))}, 0),
        ({"breaks": ((MONDAY, ((8 * H, 10 * H), (16 * H, 18 * H))),)}, 6),
        ({"breaks": ((MONDAY - DAY, ((22 * H, 10 * H),)),)}, 7),
        ({"breaks": ((MONDAY, ((9 * H, 9 * H),)),)}, 8),
        ({"closures": ((at("2024-03-03T10:00"), at("2024-03-04T10:30")),)}, 6.5),
        ({"versions": ((MONDAY, (SPLIT,) * 7),)}, 7),
        ({"versions": ((MONDAY + DAY, (SPLIT,) * 7),)}, 8),
        ({"versions": ((MONDAY - DAY, (SPLIT,) * 7), (MONDAY, ((),) * 7))}, 0),
        ({"is_always_open": True}, 24),
        ({"is_always_open": True, "holidays": Holidays(dates=(MONDAY,))}, 0),
        ({"is_always_open": True, "breaks": ((MONDAY, ((0, H),)),)}, 23),
        ({"is_always_open": True, "shifts": ((MONDAY, ((0, H),)),)}, 1),
        ({"is_always_open": True, "versions": ((MONDAY, (SPLIT,) * 7),)}, 7),
    ],
)
def test_special_days_change_the_hours(changes, monday_hours):
    assert hours_on(replace(OFFICE, **changes), MONDAY) == monday_hours


def test_an_end_equal_to_its_start_is_nothing():
    calendar = Calendar("odd", "UTC", (((9 * H, 9 * H), (10 * H, 11 * H)),) * 7)

    assert hours_on(calendar, MONDAY) == 1


def test_both_must_be_open_in_an_intersection():
    new_york = Calendar("west", "America/New_York", (NINE_TO_FIVE,) * 5 + ((), ()))
    berlin = replace(OFFICE, timezone="Europe/Berlin", boundary="next_open")

    both = berlin & new_york

    # Berlin 09-17 is 08-16 UTC; New York 09-17 is 14-22 UTC.
    assert both.periods(at("2024-03-04T00:00"), count=1) == [
        (at("2024-03-04T14:00"), at("2024-03-04T16:00"))
    ]
    assert (both.timezone, both.boundary) == ("Europe/Berlin", "next_open")
    assert both.name == "office & west"


def test_an_intersection_has_the_exceptions_of_all():
    closed = replace(OFFICE, holidays=Holidays(dates=(MONDAY,)))
    resting = replace(OFFICE, breaks=((MONDAY + DAY, ((12 * H, 13 * H),)),))
    both = replace(closed & resting, closures=((at("2024-03-06T00:00"), at("2024-03-07T00:00")),))

    assert [hours_on(both, MONDAY + n * DAY) for n in range(4)] == [0, 7, 0, 8]
    assert both.is_holiday(MONDAY)
    assert both.on_holiday(at("2024-03-04T23:00"))
    assert both.on_break(at("2024-03-05T12:59"))
    assert [both.working_day(MONDAY + n * DAY) for n in range(4)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("boundary", "due"), [("close", "2024-03-04T17:00"), ("next_open", "2024-03-05T09:00")]
)
def test_a_deadline_at_closing_follows_the_boundary(boundary, due):
    calendar = replace(OFFICE, boundary=boundary)
    start = at("2024-03-04T09:00")

    assert calendar.add(start, 8 * HOUR) == at(due)
    assert calendar.elapsed(start, at(due)) == 8 * HOUR
    unsettled = calendar.add_us(np.array([to_us(start)]), np.array([8 * 3600_000_000]))
    assert from_us(int(unsettled[0])) == at("2024-03-04T17:00")


@pytest.mark.parametrize(
    ("edge", "inside", "between", "opening", "closing"),
    [
        ("next_open", "10:00", "13:00", "13:00", "13:00"),
        ("next_close", "12:00", "17:00", "17:00", "17:00"),
        ("prev_open", "09:00", "09:00", "09:00", "09:00"),
        ("prev_close", "10:00", "12:00", "12:00", "12:00"),
        ("next_period_start", "13:00", "13:00", None, "13:00"),
    ],
)
def test_edges_of_a_split_day(edge, inside, between, opening, closing):
    calendar = replace(OFFICE, hours=(SPLIT,) * 7)
    asked = ("10:00", "12:30", "13:00", "12:00")

    found = [getattr(calendar, edge)(at(f"2024-03-04T{text}")) for text in asked]

    told = [text and at(f"2024-03-04T{text}") for text in (inside, between, opening, closing)]
    assert found == [each or at("2024-03-05T09:00") for each in told]


def test_far_edges_are_found_however_far():
    yearly = Calendar("christmas", "UTC", versions=((date(2031, 1, 1), (NINE_TO_FIVE,) * 7),))

    assert yearly.next_open(at("2024-03-04T00:00")) == at("2031-01-01T09:00")
    assert yearly.add(at("1999-03-04T00:00"), HOUR) == at("2031-01-01T10:00")
    assert yearly.prev_close(at("2180-01-01T00:00")) == at("2179-12-31T17:00")


def test_the_end_of_what_is_compiled_is_no_closing():
    outage = (at("2041-05-01T10:00"), at("2041-05-01T12:00"))
    calendar = replace(DAY_AND_NIGHT, closures=(outage,))

    assert calendar.periods(at("2024-03-04T00:00"), count=1) == [
        (at("2024-03-04T00:00"), outage[0])
    ]
    assert calendar.next_close(at("2024-03-04T00:00")) == outage[0]
    assert calendar.prev_open(at("2071-03-04T00:00")) == outage[1]
    assert calendar.periods(at("2024-03-04T00:00"), count=2) == [
        (at("2024-03-04T00:00"), outage[0]),
        (outage[1], at("9997-12-31T00:00")),
    ]


@pytest.mark.parametrize(
    "calendar",
    [
        DAY_AND_NIGHT,
        replace(DAY_AND_NIGHT, closures=((at("2023-05-01T10:00"), at("2023-05-01T12:00")),)),
    ],
)
def test_a_desk_that_never_closes_says_so(calendar):
    now = at("2024-03-04T10:00")

    assert calendar.next_close(now) == at("9997-12-31T00:00")
    assert calendar.next_open(now) == calendar.prev_close(now) == now
    with pytest.raises(NoWorkingTimeError, match="not open long enough"):
        calendar.next_period_start(now)


def test_only_the_last_stretch_never_closes():
    outage = (at("2024-05-01T10:00"), at("2024-05-01T12:00"))
    calendar = replace(DAY_AND_NIGHT, closures=(outage,))
    instants = np.array([to_us(at(f"2024-05-0{text}")) for text in ("1T09:00", "1T13:00")])

    found = calendar.edge_us(instants, "next_close")

    assert [from_us(us) for us in found.tolist()] == [outage[0], at("9997-12-31T00:00")]


def test_periods_are_cut_at_both_ends():
    found = OFFICE.periods(at("2024-03-04T10:00"), until=at("2024-03-05T11:00"))

    assert found == [
        (at("2024-03-04T10:00"), at("2024-03-04T17:00")),
        (at("2024-03-05T09:00"), at("2024-03-05T11:00")),
    ]
    assert OFFICE.periods(at("2024-03-04T17:00"), until=at("2024-03-05T09:00")) == []


def test_periods_go_back_from_the_newest():
    found = OFFICE.periods(at("2024-03-05T10:00"), direction="back", count=2)

    assert found == [
        (at("2024-03-05T09:00"), at("2024-03-05T10:00")),
        (at("2024-03-04T09:00"), at("2024-03-04T17:00")),
    ]
    until = at("2024-03-04T16:00")
    assert OFFICE.periods(at("2024-03-05T09:00"), direction="back", until=until) == [
        (until, at("2024-03-04T17:00"))
    ]


def test_periods_reach_an_end_centuries_away():
    mondays = replace(OFFICE, hours=(NINE_TO_FIVE, *((),) * 6))
    ends = at("2024-03-04T10:00"), at("2628-03-06T10:00")

    forward = mondays.periods(ends[0], until=ends[1])
    back = mondays.periods(ends[1], until=ends[0], direction="back")

    assert forward == back[::-1]
    assert len(forward) == (ends[1] - ends[0]).days // 7 + 1


def test_an_unknown_direction_is_refused():
    with pytest.raises(KeyError, match="sideways"):
        OFFICE.periods(at("2024-03-04T10:00"), direction="sideways", count=1)


def test_periods_need_an_end():
    with pytest.raises(ValueError, match=r"^Open periods need a count or an end\.$"):
        OFFICE.periods(at("2024-03-04T10:00"))


# Friday to Monday: Saturday and Sunday are closed.
@pytest.mark.parametrize(
    ("rule", "start", "days", "found"),
    [
        ("biz", "2024-03-01T10:00", 1, "2024-03-04T10:00"),
        ("biz", "2024-03-01T18:00", 1, "2024-03-05T09:00"),
        ("biz", "2024-03-01T17:00", 1, "2024-03-05T09:00"),
        ("biz", "2024-03-02T08:00", 1, "2024-03-04T09:00"),
        ("biz", "2024-03-04T08:00", -1, "2024-02-29T17:00"),
        ("biz", "2024-03-02T10:00", -1, "2024-03-01T10:00"),
        ("biz", "2024-03-02T10:00", 0, "2024-03-04T09:00"),
        ("biz", "2024-03-04T10:00", 0, "2024-03-04T10:00"),
        ("keep", "2024-03-01T18:00", 1, "2024-03-04T18:00"),
        ("keep", "2024-03-02T10:00", 1, "2024-03-04T10:00"),
        ("keep", "2024-03-02T10:00", -1, "2024-03-01T10:00"),
        ("keep", "2024-03-02T10:00", 0, "2024-03-02T10:00"),
        ("working_hours", "2024-03-02T18:00", 1, "2024-03-05T18:00"),
        ("working_hours", "2024-03-02T18:00", -1, "2024-02-29T18:00"),
        ("working_hours", "2024-03-02T18:00", 0, "2024-03-02T18:00"),
        ("business_time", "2024-03-02T18:00", 1, "2024-03-05T09:00"),
        ("business_time", "2024-03-02T18:00", -1, "2024-02-29T09:00"),
        ("business_time", "2024-03-01T18:00", 1, "2024-03-05T09:00"),
        ("business_time", "2024-03-04T18:00", -1, "2024-03-01T09:00"),
        ("business_time", "2024-03-04T08:00", -1, "2024-02-29T09:00"),
        ("business_time", "2024-03-01T17:00", 1, "2024-03-04T17:00"),
        ("business_time", "2024-03-02T18:00", 0, "2024-03-04T09:00"),
    ],
)
def test_working_days_are_counted_by_rule(rule, start, days, found):
    assert OFFICE.add_days(at(start), days, days_rule=rule) == at(found)


@pytest.mark.parametrize(
    ("calendar", "start", "days", "found"),
    [
        (OFFICE, "2024-03-01T10:00", 1, "2024-03-04T17:00"),
        (OFFICE, "2024-03-02T10:00", 1, "2024-03-04T17:00"),
        (OFFICE, "2024-03-04T10:00", -1, "2024-03-01T17:00"),
        (OFFICE, "2024-03-04T10:00", 0, "2024-03-04T17:00"),
        (OFFICE, "2024-03-04T17:00", 0, "2024-03-04T17:00"),
        (OFFICE, "2024-03-04T17:01", 0, "2024-03-05T17:00"),
        (OFFICE, "2024-03-02T10:00", 0, "2024-03-04T17:00"),
        (NIGHTS, "2024-03-01T23:00", 1, "2024-03-05T06:00"),
        (DAY_AND_NIGHT, "2024-03-01T23:00", 1, "2024-03-03T00:00"),
        (
            replace(OFFICE, breaks=((MONDAY, ((12 * H, 18 * H),)),)),
            "2024-03-01T10:00",
            1,
            "2024-03-04T12:00",
        ),
    ],
)
def test_the_end_of_a_working_day_is_its_closing(calendar, start, days, found):
    assert calendar.add_days(at(start), days, is_end_of_day=True) == at(found)


def test_each_ticket_may_have_its_own_days():
    starts = np.array(
        [to_us(at(f"2024-03-{text}")) for text in ("01T10:00", "01T10:00", "02T08:00")]
    )

    found = OFFICE.add_days_us(starts, [-1, 0, 1])

    assert [from_us(us) for us in found.tolist()] == [
        at("2024-02-29T10:00"),
        at("2024-03-01T10:00"),
        at("2024-03-04T09:00"),
    ]


def test_working_days_may_lie_years_away():
    rare = Calendar("rare", "UTC", versions=((date(2040, 1, 2), (NINE_TO_FIVE,) * 7),))

    assert rare.add_days(at("2024-03-01T10:00"), 2) == at("2040-01-03T10:00")
    assert rare.next_working_dates(date(2024, 3, 1), 2) == (date(2040, 1, 2), date(2040, 1, 3))
    with pytest.raises(NoWorkingTimeError):
        rare.add_days(at("2040-01-02T10:00"), -1)


def test_dates_beyond_the_last_working_day_are_refused():
    with pytest.raises(
        NoWorkingTimeError, match=r"^Calendar 'office' has not so many working days\.$"
    ):
        ONCE.next_working_dates(MONDAY, 1)
    assert len(ONCE.periods(at("2024-03-01T10:00"), count=3)) == 1


@pytest.mark.parametrize(
    ("start", "days"), [("2024-03-01T10:00", 2), ("2024-03-04T18:00", -1), ("2024-03-05T10:00", 1)]
)
@pytest.mark.parametrize(
    "rule",
    [{"days_rule": "biz"}, {"days_rule": "business_time"}, {"is_end_of_day": True}],
    ids=str,
)
def test_too_many_working_days_are_refused(rule, start, days):
    with pytest.raises(
        NoWorkingTimeError, match=r"^The calendar is not open long enough to reach this deadline\.$"
    ):
        ONCE.add_days(at(start), days, **rule)


@pytest.mark.parametrize(
    ("rule", "start", "days", "found"),
    [
        ({"days_rule": "biz"}, "2024-03-01T10:00", 1, "2024-03-04T10:00"),
        ({"days_rule": "biz"}, "2024-03-05T10:00", -1, "2024-03-04T10:00"),
        ({"days_rule": "keep"}, "2024-03-05T10:00", 0, "2024-03-05T10:00"),
        ({"is_end_of_day": True}, "2024-03-01T10:00", 0, "2024-03-04T17:00"),
        (
            {"is_end_of_day": True, "days_rule": "working_hours"},
            "2024-03-01T10:00",
            0,
            "2024-03-04T17:00",
        ),
    ],
)
def test_the_only_working_day_is_found(rule, start, days, found):
    assert ONCE.add_days(at(start), days, **rule) == at(found)


def test_a_day_counted_back_begins_with_its_opening():
    twice = replace(ONCE, shifts=((MONDAY, NINE_TO_FIVE), (MONDAY + DAY, NINE_TO_FIVE)))

    found = twice.add_days(at("2024-03-05T18:00"), -1, days_rule="business_time")

    assert found == at("2024-03-04T09:00")
    with pytest.raises(NoWorkingTimeError):
        twice.add_days(at("2024-03-05T08:00"), -1, days_rule="business_time")


@pytest.mark.parametrize("year", range(2020, 2025))
@pytest.mark.parametrize("has_breaks", [False, True])
def test_a_year_may_be_closed_from_end_to_end(year, has_breaks):
    first, last = date(year, 1, 1), date(year, 12, 31)
    all_day = ((0, 24 * H),)
    calendar = replace(
        OFFICE,
        hours=(NINE_TO_FIVE,) * 7,
        holidays=Holidays(ranges=((first + DAY, last - DAY) if has_breaks else (first, last),)),
        breaks=((first, all_day), (last, all_day)) if has_breaks else (),
    )
    eve, new_year = at(f"{year - 1}-12-31T17:00"), at(f"{year + 1}-01-01T09:00")

    assert calendar.next_open(eve) == new_year
    assert calendar.prev_close(new_year) == eve


@pytest.mark.parametrize("year", range(2020, 2025))
def test_nights_of_holidays_are_skipped_over_a_year(year):
    first, last = date(year, 1, 1), date(year, 12, 31)
    nights = tuple((day, NIGHT) for day in (first - DAY, first, last, last + DAY))
    calendar = replace(ONCE, shifts=nights, holidays=Holidays(dates=(first, last)))
    eve, new_year = at(f"{year - 1}-12-31T12:00"), at(f"{year + 1}-01-01T12:00")

    assert calendar.add_days(eve, 1, days_rule="keep") == new_year
    assert calendar.add_days(new_year, -1, days_rule="keep") == eve


def test_an_intersection_opens_with_its_days():
    weekend = Holidays(dates=(date(2024, 3, 2), date(2024, 3, 3)))
    both = DAY_AND_NIGHT & replace(DAY_AND_NIGHT, holidays=weekend)

    # From Saturday on to Monday, and one more day.
    assert both.add_days(at("2024-03-02T18:00"), 1, days_rule="business_time") == at(
        "2024-03-05T00:00"
    )


def test_a_night_shift_belongs_to_the_day_it_starts():
    saturday = date(2024, 3, 2)

    assert NIGHTS.opens_on(saturday)
    assert not NIGHTS.working_day(saturday)
    assert NIGHTS.add_days(at("2024-03-01T23:00"), 1) == at("2024-03-04T23:00")


@pytest.mark.parametrize(
    "closed",
    [
        {"holidays": Holidays(dates=(MONDAY,))},
        {"breaks": ((MONDAY, ((0, 24 * H),)),)},
        {"closures": ((at("2024-03-04T09:00"), at("2024-03-04T17:00")),)},
        {"shifts": ((MONDAY, ()),)},
    ],
)
def test_a_day_closed_all_day_is_no_working_day(closed):
    calendar = replace(OFFICE, **closed)

    assert not calendar.working_day(MONDAY)
    assert calendar.next_working_dates(date(2024, 3, 1), 2) == (date(2024, 3, 5), date(2024, 3, 6))


def test_a_night_after_a_holiday_makes_no_working_day():
    calendar = replace(NIGHTS, holidays=Holidays(dates=(MONDAY,)))

    # Monday's shift goes on after midnight, yet Monday is a holiday.
    assert hours_on(calendar, MONDAY + DAY) == 8
    assert not calendar.working_day(MONDAY)


def test_holidays_and_breaks_follow_local_time():
    calendar = Calendar(
        "la",
        "America/Los_Angeles",
        (NINE_TO_FIVE,) * 7,
        Holidays(dates=(MONDAY,)),
        breaks=((MONDAY + DAY, ((22 * H, 2 * H),)),),
    )

    holidays = [calendar.on_holiday(at(f"2024-03-{each}")) for each in ("04T07:59", "04T08:00")]
    breaks = [
        calendar.on_break(at(f"2024-03-06T{each}")) for each in ("05:59", "06:00", "09:59", "10:00")
    ]

    assert holidays == [False, True]
    assert breaks == [False, True, True, False]
    assert not calendar.is_holiday(MONDAY + DAY)


def test_local_times_become_instants():
    berlin = Calendar("berlin", "Europe/Berlin")

    gap = berlin.localize(date(2024, 3, 31), time(2, 30))
    first = berlin.localize(date(2024, 10, 27), time(2, 30))

    assert (gap, first) == (at("2024-03-31T01:30"), at("2024-10-27T00:30"))


def test_a_closed_decade_is_not_never_open():
    holidays = Holidays(ranges=((date(2020, 1, 1), date(2032, 12, 31)),))
    calendar = replace(OFFICE, holidays=holidays)

    assert calendar.is_ever_open()
    assert calendar.elapsed(at("2025-03-03T00:00"), at("2025-03-08T00:00")) == timedelta(0)
    assert calendar.next_open(at("2025-03-03T00:00")) == at("2033-01-03T09:00")


def test_recurring_holidays_begin_with_their_first_year():
    fair = (date(2024, 12, 30), date(2025, 1, 2))
    holidays = Holidays(recurring=(fair,))

    found = holidays.between(date(2023, 1, 1), date(2026, 1, 31))

    assert len(found) == 8
    assert found[0] == fair[0]
    assert found[-1] == date(2026, 1, 2)


def test_equal_calendars_hash_alike():
    twin = replace(OFFICE, holidays=Holidays(yearly=((12, 25),)))

    assert hash(twin) == hash(replace(OFFICE, holidays=CHRISTMAS))
    assert twin == replace(OFFICE, holidays=CHRISTMAS)
    assert twin != OFFICE
    assert hash(OFFICE) != hash(NIGHTS)
