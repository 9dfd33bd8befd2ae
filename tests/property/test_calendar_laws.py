"""Laws of calendars that hold for all hours, zones, holidays and instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sla_sniper.core.instants import from_us, to_us
from sla_sniper.sla.calendar import WEEKDAYS, Calendar, NoWorkingTimeError
from tests.property.calendar_twin import DAY, MINUTE, N_DAYS, Twin, random_calendars, some_spans

RULES = ("biz", "keep", "business_time", "working_hours")
EDGES = ("next_open", "next_close", "prev_open", "prev_close", "next_period_start")
law = settings(max_examples=40, deadline=None)
amounts = st.integers(1, 6000)


@st.composite
def cases(draw, n_moments=1):
    """A calendar, and some instants, as minutes of its twin, in order."""
    calendar, first = draw(random_calendars())
    assume(calendar.is_ever_open())
    twin = Twin(calendar, first)
    minutes = st.integers(twin.at(datetime.combine(first, time(), UTC)), len(twin.minutes) - 2000)
    moments = sorted(draw(st.lists(minutes, min_size=n_moments, max_size=n_moments)))
    return twin, moments


# Against the slow twin


@law
@given(case=cases(n_moments=2))
def test_elapsed_is_the_number_of_open_minutes(case):
    twin, (start, end) = case

    spent = twin.calendar.elapsed(twin.instant(start), twin.instant(end))

    assert spent == twin.elapsed(start, end) * MINUTE


@law
@given(case=cases(), amount=st.integers(0, 3000))
def test_a_deadline_is_where_the_minutes_end(case, amount):
    twin, (start,) = case
    expected = twin.add(start, amount)
    assume(expected is not None)

    due = replace(twin.calendar, boundary="close").add(twin.instant(start), amount * MINUTE)

    assert due == twin.instant(expected)


@law
@given(case=cases())
def test_edges_are_where_minutes_change(case):
    twin, (at,) = case
    flags, calendar, instant = twin.minutes, twin.calendar, twin.instant
    changes = [n for n in range(1, len(flags)) if flags[n] != flags[n - 1]]
    opens, closes = ([n for n in changes if flags[n] == kind] for kind in (1, 0))
    later, earlier = [n for n in opens if n > at], [n for n in opens if n < at]
    ends, ended = [n for n in closes if n > at], [n for n in closes if n <= at]
    assume(later and earlier and ends and ended)

    found = [getattr(calendar, edge)(instant(at)) for edge in EDGES]

    assert found == [
        instant(at if flags[at] else later[0]),
        instant(ends[0]),
        instant(earlier[-1]),
        instant(at if flags[at - 1] else ended[-1]),
        instant(later[0]),
    ]


@law
@given(case=cases())
def test_working_days_have_minutes_of_their_own(case):
    twin, _ = case
    assume(not twin.calendar.all_of)
    days = [twin.first + n * DAY for n in range(N_DAYS)]

    found = [day for day in days if twin.calendar.working_day(day)]

    assert found == [day for day in days if twin.works(day)]


@law
@given(case=cases(), n=st.integers(-4, 4).filter(bool))
def test_days_are_counted_one_by_one(case, n):
    twin, (at,) = case
    assume(not twin.calendar.all_of)
    local = twin.instant(at).astimezone(twin.tz)
    step, day, left = (DAY if n > 0 else -DAY), local.date(), abs(n)
    while left and day in twin.days:
        day += step
        left -= twin.works(day)
    assume(day in twin.days[4:-4])
    seconds = (local.hour * 60 + local.minute) * 60

    found = twin.calendar.add_days(twin.instant(at), n, days_rule="keep")

    assert found == twin.local(day, seconds)


@law
@given(case=cases(n_moments=2), is_back=st.booleans())
def test_periods_are_runs_of_open_minutes(case, is_back):
    twin, (start, end) = case
    assume(start < end)
    ends = (end, start) if is_back else (start, end)

    found = twin.calendar.periods(
        twin.instant(ends[0]),
        direction="back" if is_back else "forward",
        until=twin.instant(ends[1]),
    )

    painted = [n for a, b in found for n in range(twin.at(a), twin.at(b))]
    assert sorted(painted) == [n for n in range(start, end) if twin.minutes[n]]
    assert found == sorted(found, reverse=is_back)
    assert all(a[1] < b[0] for a, b in zip(sorted(found), sorted(found)[1:], strict=False))


# Laws


@law
@given(case=cases(n_moments=3))
def test_elapsed_adds_up_over_a_cut(case):
    twin, moments = case
    start, cut, end = map(twin.instant, moments)

    whole = twin.calendar.elapsed(start, end)

    assert whole == twin.calendar.elapsed(start, cut) + twin.calendar.elapsed(cut, end)
    assert timedelta(0) <= whole <= end - start


@law
@given(case=cases(), amount=amounts, boundary=st.sampled_from(["close", "next_open"]))
def test_elapsed_until_the_deadline_is_the_target(case, amount, boundary):
    twin, (start,) = case
    calendar, begin = replace(twin.calendar, boundary=boundary), twin.instant(start)
    duration = amount * MINUTE
    assume(twin.add(start, amount + 1))

    due = calendar.add(begin, duration)

    assert calendar.elapsed(begin, due) == duration
    assert (calendar.next_open(due) == due) or boundary == "close"


@law
@given(case=cases(), amount=amounts)
def test_a_deadline_is_the_first_such_instant(case, amount):
    twin, (start,) = case
    calendar, begin = replace(twin.calendar, boundary="close"), twin.instant(start)
    assume(twin.add(start, amount))

    due = calendar.add(begin, amount * MINUTE)

    assert calendar.elapsed(begin, due - timedelta(microseconds=1)) < amount * MINUTE


@law
@given(case=cases(), amount=st.integers(1, 1000))
def test_counting_back_spends_the_same(case, amount):
    twin, (end,) = case
    assume(twin.elapsed(0, end) > amount)
    at = twin.instant(end)

    start = twin.calendar.add(at, -amount * MINUTE)

    assert twin.calendar.elapsed(start, at) == amount * MINUTE
    assert twin.calendar.next_open(start) == start


@law
@given(case=cases(n_moments=2), amount=amounts, more=amounts)
def test_deadlines_never_go_backwards(case, amount, more):
    twin, (start, later) = case
    assume(twin.add(later, amount + more))
    moments = np.array([to_us(twin.instant(n)) for n in (start, later, start)])

    due = twin.calendar.add_us(moments, np.array([amount, amount, amount + more]) * 60_000_000)

    assert due[1] >= due[0]
    assert due[2] > due[0]


@law
@given(case=cases(), amount=amounts, more=st.data())
def test_closing_more_never_brings_a_deadline_nearer(case, amount, more):
    twin, (start,) = case
    calendar, begin, duration = twin.calendar, twin.instant(start), amount * MINUTE
    day = twin.first + more.draw(st.integers(0, N_DAYS)) * DAY
    holidays = replace(calendar.holidays, dates=(*calendar.holidays.dates, day))
    closed = (
        replace(calendar, holidays=holidays),
        replace(calendar, breaks=(*calendar.breaks, (day, more.draw(some_spans)))),
        replace(calendar, closures=(*calendar.closures, (begin, begin + DAY))),
    )
    assume(twin.add(start, amount) and all(each.is_ever_open() for each in closed))

    due = calendar.add(begin, duration)

    for each in closed:
        try:
            assert each.add(begin, duration) >= due
        except NoWorkingTimeError:
            assert not each.is_always_open


@law
@given(case=cases(n_moments=6), seed=st.integers(0, 9))
def test_one_instant_equals_many(case, seed):
    twin, moments = case
    calendar, at = twin.calendar, np.array([to_us(twin.instant(n)) for n in moments])
    draw = np.random.default_rng(seed)
    minutes, days = draw.integers(-500, 1500, len(at)) * 60_000_000, draw.integers(-2, 4, len(at))
    assume(twin.add(moments[-1], 1501) and twin.elapsed(0, moments[0]) > 500)

    due = calendar.settled(calendar.add_us(at, minutes))
    edges = [calendar.edge_us(at, edge) for edge in ("next_open", "prev_close")]
    counted = [calendar.add_days_us(at, days, days_rule=rule) for rule in RULES]

    instants = [from_us(int(us)) for us in at]
    pairs = list(zip(instants, days.tolist(), strict=True))
    durations = [timedelta(microseconds=int(us)) for us in minutes]
    assert list(map(from_us, due.tolist())) == [
        calendar.add(*each) for each in zip(instants, durations, strict=True)
    ]
    assert [list(map(from_us, found.tolist())) for found in edges] == [
        [calendar.next_open(each) for each in instants],
        [calendar.prev_close(each) for each in instants],
    ]
    assert [list(map(from_us, found.tolist())) for found in counted] == [
        [calendar.add_days(start, n, days_rule=rule) for start, n in pairs] for rule in RULES
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
def test_far_apart_instants_agree_with_near_ones(zone):
    hours = dict.fromkeys(WEEKDAYS[:5], ((9 * 3600, 17 * 3600),))
    office = Calendar("office", zone, tuple(hours.get(day, ()) for day in WEEKDAYS))
    starts = np.array([to_us(datetime(year, 3, 5, 11, tzinfo=UTC)) for year in (1901, 1999, 2180)])
    target = np.array([20 * 3600_000_000] * 3)

    together = office.add_us(starts, target)

    alone = [int(office.add_us(starts[i : i + 1], target[i : i + 1])[0]) for i in range(3)]
    first, middle, last = (from_us(int(us)) for us in starts)
    assert together.tolist() == alone
    assert office.elapsed(first, last) == office.elapsed(first, middle) + office.elapsed(
        middle, last
    )
