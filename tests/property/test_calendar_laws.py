"""Laws of calendars that hold for all hours, zones, holidays and instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.core.instants import from_us, to_us
from sla_sniper.sla.calendar import Calendar, Holidays

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
quarters = st.integers(0, 95).map(lambda n: n * 900)
spans = st.tuples(quarters, quarters.map(lambda seconds: seconds + 900))
weeks = st.lists(st.lists(spans, max_size=3).map(tuple), min_size=7, max_size=7)
dates = st.dates(date(2024, 3, 25), date(2024, 4, 20))
calendars = st.builds(
    Calendar,
    name=st.just("any"),
    timezone=st.sampled_from(ZONES),
    hours=weeks.filter(any).map(tuple),
    holidays=st.builds(Holidays, dates=st.lists(dates, max_size=3).map(tuple)),
)
instants = st.integers(
    to_us(datetime(2024, 3, 25, tzinfo=UTC)), to_us(datetime(2024, 4, 20, tzinfo=UTC))
)
amounts = st.integers(1, 100 * 3600_000_000)
law = settings(max_examples=30, deadline=None)


@law
@given(calendar=calendars, moments=st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_elapsed_adds_up_over_a_cut(calendar, moments):
    start, cut, end = map(from_us, moments)

    whole = calendar.elapsed(start, end)

    assert whole == calendar.elapsed(start, cut) + calendar.elapsed(cut, end)
    assert timedelta(0) <= whole <= end - start


@law
@given(calendar=calendars, start=instants.map(from_us), amount=amounts)
def test_elapsed_until_the_deadline_is_the_target(calendar, start, amount):
    duration = timedelta(microseconds=amount)

    due = calendar.add(start, duration)

    assert calendar.elapsed(start, due) == duration
    assert calendar.elapsed(start, due - timedelta(microseconds=1)) < duration


@law
@given(calendar=calendars, end=instants.map(from_us), amount=amounts)
def test_counting_back_spends_the_same(calendar, end, amount):
    duration = timedelta(microseconds=amount)

    start = calendar.add(end, -duration)

    assert calendar.elapsed(start, end) == duration


@law
@given(calendar=calendars, start=instants, later=amounts, amount=amounts, more=amounts)
def test_deadlines_never_go_backwards(calendar, start, later, amount, more):
    moments = np.array([start, start + later, start])

    due = calendar.add_us(moments, np.array([amount, amount, amount + more]))

    assert due[1] >= due[0]
    assert due[2] > due[0]


@law
@given(calendar=calendars, start=instants.map(from_us), amount=amounts, day=dates)
def test_a_further_holiday_never_makes_earlier(calendar, start, amount, day):
    closed = replace(calendar.holidays, dates=(*calendar.holidays.dates, day))
    duration = timedelta(microseconds=amount)

    due = replace(calendar, holidays=closed).add(start, duration)

    assert due >= calendar.add(start, duration)


@law
@given(calendar=calendars, pairs=st.lists(st.tuples(instants, amounts), min_size=1, max_size=8))
def test_one_instant_equals_many(calendar, pairs):
    starts, durations = map(np.array, zip(*pairs, strict=True))

    due = calendar.add_us(starts, durations)

    alone = [calendar.add(from_us(s), timedelta(microseconds=d)) for s, d in pairs]
    assert [from_us(int(us)) for us in due] == alone


def test_far_apart_instants_agree_with_near_ones():
    office = Calendar("office", "Europe/Berlin", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
    starts = np.array([to_us(datetime(year, 3, 5, 11, tzinfo=UTC)) for year in (1901, 1999, 2180)])
    hours = np.array([20 * 3600_000_000] * 3)

    together = office.add_us(starts, hours)

    alone = [int(office.add_us(starts[i : i + 1], hours[i : i + 1])[0]) for i in range(3)]
    assert together.tolist() == alone
    century = office.elapsed(from_us(int(starts[0])), from_us(int(starts[2])))
    assert century == office.elapsed(from_us(int(starts[0])), from_us(int(starts[1]))) + (
        office.elapsed(from_us(int(starts[1])), from_us(int(starts[2])))
    )
