"""Laws that every clock keeps, whatever its policy, calendar and history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone
from random import Random

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sla_sniper.core.instants import MICROSECOND, parse_instant
from sla_sniper.core.schema import EVENTS, METRICS
from sla_sniper.eventlog.deriving import derive
from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from tests.property.test_clock_twin import (
    MINUTE,
    calendars,
    closed_dates,
    moments,
    rows_of,
    service_levels,
    tickets,
)

levels_of_any = st.sampled_from(METRICS).flatmap(service_levels)
offices = calendars("one")
lengths = st.integers(0, 6000).map(lambda n: n * MINUTE)
KEY = ("source", "ticket_id", "metric", "cycle")
few = settings(max_examples=40, deadline=None)


def all_rows(drawn, make_event) -> list[dict]:
    return [
        row
        for number, history in enumerate(drawn)
        for row in rows_of(history, str(number), make_event)
    ]


def known_by(rows: list[dict], at) -> list[dict]:
    return [row for row in rows if row["occurred_at"] <= at]


# Calendars


@few
@given(office=offices, start=moments, first=lengths, second=lengths)
def test_open_time_adds_up_over_a_cut(office, start, first, second):
    cut, end = start + first, start + first + second

    assert office.elapsed(start, end) == office.elapsed(start, cut) + office.elapsed(cut, end)


@few
@given(office=offices, start=moments, length=lengths)
def test_adding_open_time_elapses_exactly(office, start, length):
    for boundary in ("close", "next_open"):
        calendar = replace(office, boundary=boundary)

        assert calendar.elapsed(start, calendar.add(start, length)) == length


@few
@given(office=offices, start=moments, length=lengths, more=closed_dates)
def test_a_holiday_never_brings_a_deadline_nearer(office, start, length, more):
    closed = replace(office, holidays=Holidays(dates=(*office.holidays.dates, *more)))

    assert closed.add(start, length) >= office.add(start, length)


# Readings


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments, later=lengths)
def test_a_running_clock_adds_up_over_a_cut(levels, drawn, as_of, later, make_event, make_events):
    rows = known_by(all_rows(drawn, make_event), as_of)
    end = as_of + later
    running = pl.col("state").is_in(["running", "overdue"])

    # No row comes between: what ran at the cut either ran on, or was held by no pause.
    before = cycles(make_events(rows), levels, as_of=as_of).filter(running)
    after = cycles(make_events(rows), levels, as_of=end)

    both = before.join(after, on=KEY, suffix="_after").filter(
        pl.col("paused_us") == pl.col("paused_us_after"),
        pl.col("calendar") == pl.col("calendar_after"),
    )
    for row in both.filter(pl.col("elapsed_us_after") > pl.col("elapsed_us")).iter_rows(named=True):
        spent = levels.calendars[row["calendar"]].elapsed(as_of, end) // MICROSECOND
        assert row["elapsed_us_after"] - row["elapsed_us"] == spent


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments)
def test_breached_is_more_than_the_target(levels, drawn, as_of, make_event, make_events):
    levels = without_ledger(levels)
    rows = known_by(all_rows(drawn, make_event), as_of)

    found = cycles(make_events(rows), levels, as_of=as_of)

    is_over = found["elapsed_us"] > found["target_us"]
    assert (found["breached_at"].is_not_null() == is_over).all()
    late = found["state"].is_in(["missed", "overdue"])
    assert (late == (is_over & (found["state"] != "cancelled"))).all()


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments)
def test_elapsed_and_remaining_make_the_target(levels, drawn, as_of, make_event, make_events):
    rows = known_by(all_rows(drawn, make_event), as_of)
    is_ahead = (pl.col("state") == "running") & pl.col("due_at").is_not_null()

    found = cycles(make_events(rows), levels, as_of=as_of).filter(is_ahead)

    for row in found.iter_rows(named=True):
        remaining = levels.calendars[row["calendar"]].elapsed(as_of, row["due_at"]) // MICROSECOND
        assert row["elapsed_us"] + remaining == row["target_us"]


@few
@given(drawn=tickets, as_of=moments, n_minutes=st.integers(1, 4000))
def test_a_vendor_deadline_is_kept_like_a_target_of_that_length(
    drawn, as_of, n_minutes, make_event, make_events
):
    """Round the clock and without pauses a deadline and the time until it are the same promise."""
    own = Target("resolution_time", "always", default=n_minutes * 60_000_000, on_reopen="count")
    vendor = replace(own, is_vendor=True, default=None)
    always = {"always": Calendar("always", is_always_open=True)}
    told = []
    for row in known_by(all_rows(drawn, make_event), as_of):
        begun = next((each for each in told if each["ticket_id"] == row["ticket_id"]), row)
        due = begun["occurred_at"] + n_minutes * MINUTE
        told.append(row | {"vendor_due_at": due})
    events = make_events(told)

    kept, promised = (
        cycles(events, ServiceLevels(always, (SlaPolicy("all", (target,)),)), as_of=as_of)
        .select(*KEY, "state", "elapsed_us", "fulfilled_at", "due_at")
        for target in (own, vendor)
    )  # fmt: skip

    assert_frame_equal(kept, promised)


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments)
def test_a_wider_pause_never_brings_a_deadline_nearer(
    levels, drawn, as_of, make_event, make_events
):
    # One cycle from creation, counted from there, so that the same deadlines are compared.
    plain = {"on_reopen": "exclude", "on_priority_change": "recompute", "pause_mode": "stop",
             "on_calendar_change": "recompute", "metric": "resolution_time",
             "start": "created", "pause_in": ()}  # fmt: skip
    wide = {**plain, "pause_in": ("waiting_requester", "on_hold")}
    events = make_events(known_by(all_rows(drawn, make_event), as_of))

    narrow, wider = (
        cycles(events, with_rules(levels, **rule), as_of=as_of).drop_nulls("due_at")
        for rule in (plain, wide)
    )

    both = narrow.join(wider, on=KEY, suffix="_wide")
    assert (both["due_at_wide"] >= both["due_at"]).all()


# What may not matter


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments, seed=st.integers(0, 99))
def test_order_of_arrival_never_matters(levels, drawn, as_of, seed, make_event):
    rows = known_by(all_rows(drawn, make_event), as_of)
    shuffled = Random(seed).sample(rows, len(rows))

    frames = (derive(pl.DataFrame(each, schema=dict(EVENTS))) for each in (rows, shuffled))
    first, second = (cycles(events, levels, as_of=as_of) for events in frames)

    assert_frame_equal(first, second)


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments, offset=st.integers(-14 * 4, 14 * 4))
def test_offset_notation_never_matters(levels, drawn, as_of, offset, make_event, make_events):
    zone = timezone(timedelta(minutes=15 * offset))
    rows = known_by(all_rows(drawn, make_event), as_of)

    written = [
        {**row, "occurred_at": parse_instant(row["occurred_at"].astimezone(zone).isoformat())}
        for row in rows
    ]

    assert_frame_equal(
        cycles(make_events(written), levels, as_of=as_of.astimezone(zone)),
        cycles(make_events(rows), levels, as_of=as_of.astimezone(UTC)),
    )


@few
@given(levels=levels_of_any, drawn=tickets, as_of=moments)
def test_a_ticket_alone_reads_as_among_others(levels, drawn, as_of, make_event, make_events):
    rows = known_by(all_rows(drawn, make_event), as_of)

    together = cycles(make_events(rows), levels, as_of=as_of)

    for number in range(len(drawn)):
        own = make_events([row for row in rows if row["ticket_id"] == str(number)])
        alone = cycles(own, levels, as_of=as_of)
        assert_frame_equal(alone, together.filter(ticket_id=str(number)))


# As time goes on


def prefixes(levels, rows, make_events) -> list[pl.DataFrame]:
    """What is read after each event of one ticket, from the rows known by then."""
    moments_told = sorted({row["occurred_at"] for row in rows})
    return [
        cycles(make_events(known_by(rows, at)), levels, as_of=at) for at in moments_told
    ]  # fmt: skip


@few
@given(levels=levels_of_any, drawn=tickets)
def test_a_stopped_cycle_never_changes(levels, drawn, make_event, make_events):
    rows = rows_of(drawn[0], "1", make_event)
    rule = levels.policies[0].targets[0]
    assume("cancelled" not in {row["status"] for row in rows})
    may_reopen = rule.on_reopen in {"exclude", "count"} and rule.metric.endswith(
        ("resolution_time", "wait_time", "work_time")
    )
    stopped: dict[int, dict] = {}

    for found in prefixes(levels, rows, make_events):
        for row in found.drop("recorded_breach_at").iter_rows(named=True):
            was = stopped.pop(row["cycle"], None)
            is_reopened = may_reopen and was and was["fulfilled_at"] != row["fulfilled_at"]
            assert was is None or was == row or is_reopened
            if row["fulfilled_at"] is not None:
                stopped[row["cycle"]] = row


@few
@given(levels=levels_of_any, drawn=tickets)
def test_the_ledger_never_forgets(levels, drawn, make_event, make_events):
    rows = rows_of(drawn[0], "1", make_event)
    recorded: dict[int, object] = {}

    for found in prefixes(levels, rows, make_events):
        is_late = pl.col("breached_at") < pl.col("recorded_breach_at")
        assert found.filter(is_late).is_empty()
        for row in found.iter_rows(named=True):
            before = recorded.setdefault(row["cycle"], row["recorded_breach_at"])
            assert before is None or before == row["recorded_breach_at"]
            recorded[row["cycle"]] = row["recorded_breach_at"]


# Policies with other rules


def with_rules(levels, **rule):
    def changed(target: Target) -> Target:
        return replace(target, **rule)

    policies = tuple(
        replace(policy, targets=tuple(map(changed, policy.targets))) for policy in levels.policies
    )
    return replace(levels, policies=policies)


def without_ledger(levels):
    return with_rules(levels, keeps_ledger=False)
