"""The vectorised clock against a slow, obvious one that steps through every minute.

Random calendars, policies and histories; the laws of the clock draw from them as well.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.core.schema import METRICS
from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import EVERY_TICKET, Condition, Conditions
from sla_sniper.sla.policy import CalendarChoice, Replies, ServiceLevels, SlaPolicy, Target
from tests.property.twin import MINUTE_US, Reading, minute, read_twin

MINUTE = timedelta(minutes=1)
# The Friday before the clocks change in Berlin; they changed in Havana three weeks before.
START = datetime(2024, 3, 29, 6, 0, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "Africa/Casablanca")
STATUSES = ("new", "open", "waiting_requester", "on_hold", "resolved", "closed")
NAMES = ("one", "two")


# Calendars: spans end on a half hour, may run overnight and may overlap


spans = st.tuples(
    st.integers(0, 23).map(lambda hour: hour * 3600), st.integers(0, 48).map(lambda n: n * 1800)
)
days = st.lists(spans, max_size=2).map(tuple)
closed_dates = st.lists(st.dates(date(2024, 3, 28), date(2024, 4, 8)), max_size=2).map(tuple)


@st.composite
def calendars(draw, name: str) -> Calendar:
    """Open for eight hours a week at least, so that every deadline comes within a year."""
    week = [draw(days) for _ in range(7)]
    week[draw(st.integers(0, 6))] = ((9 * 3600, 17 * 3600),)
    return Calendar(
        name,
        draw(st.sampled_from(ZONES)),
        tuple(week),
        Holidays(dates=draw(closed_dates)),
        is_always_open=draw(st.sampled_from([False, False, False, True])),
    )


# Policies: they share the rules of the metric; times, calendars and conditions differ


on_change = st.sampled_from(["recompute", "recompute", "restart", "keep"])
allowances = st.sampled_from([1, 30, 60, 240, 480, 1440, 4000, 0]).map(lambda n: n * MINUTE_US)
groups = st.sampled_from(["a", "b", "c"])
# A message that both ends a period and starts the next one has no meaning.
periods = st.sampled_from(
    [
        {"reset_by": ("agent",)},
        {"reset_by": ("requester",)},
        {"reset_by": ("agent", "requester"), "reply_statuses": ("on_hold",)},
        {"reset_by": ("agent",), "until": "requester", "reply_statuses": ("on_hold",)},
    ]
)
choices = st.sampled_from(
    [
        *NAMES,
        CalendarChoice((("group", {"a": "one", "b": "two"}),), "one"),
        CalendarChoice((("category", {"x": "two"}), ("group", {"a": "two"})), "one"),
    ]
)


@st.composite
def rules(draw, metric: str) -> Target:
    """Everything but the times and the calendar."""
    return Target(
        metric,
        "one",
        start=draw(st.sampled_from(["created", "created", "attached"])),
        pause_in=draw(st.sampled_from([(), ("waiting_requester",), ("on_hold",)])),
        pause_awaiting_requester=draw(st.booleans()),
        pause_until=draw(st.sampled_from(["", "hold_until"])),
        pause_mode=draw(st.sampled_from(["stop", "stop", "hide"])),
        pause_unit=draw(st.sampled_from(["working", "working", "wall"])),
        stop_in=draw(st.sampled_from([("resolved", "closed"), ("closed",)])),
        on_close=draw(st.sampled_from(["satisfy", "pause", "ignore"])),
        on_reopen=draw(st.sampled_from(["exclude", "count", "restart", "final"])),
        on_priority_change=draw(on_change),
        on_calendar_change=draw(on_change),
        include_first=draw(st.booleans()),
        starts_at_creation=draw(st.booleans()),
        on_leave=draw(st.sampled_from(["cancel", "satisfy"])),
        keeps_ledger=draw(st.booleans()),
        **draw(periods),
    )


@st.composite
def policies(draw, name: str, rule: Target) -> SlaPolicy:
    by_priority = {"high": draw(allowances), "low": draw(allowances)}
    target = replace(
        rule, calendar=draw(choices), by_priority=by_priority, default=draw(allowances)
    )  # fmt: skip
    of_group = Conditions((Condition("group", "is", (draw(groups),)),))
    when = draw(st.sampled_from([EVERY_TICKET, of_group]))
    return SlaPolicy(name, (target,), when, on_policy_change=draw(on_change))


@st.composite
def service_levels(draw, metric: str) -> ServiceLevels:
    rule = draw(rules(metric))
    number = draw(st.integers(1, 3))
    automatic = Conditions((Condition("channel", "is", ("auto",)),))
    replies = Replies(
        draw(st.sampled_from([("agent",), ("agent", "system")])),
        draw(st.booleans()),
        draw(st.sampled_from([EVERY_TICKET, automatic])),
    )
    named = {name: draw(calendars(name)) for name in NAMES}
    covering = tuple(draw(policies(f"policy {n}", rule)) for n in range(number))
    return ServiceLevels(named, covering, replies)


# Histories: what a row tells, and the values that last


gaps = st.one_of(st.just(0), st.integers(1, 90), st.integers(1, 900), st.integers(1, 4000))
statuses = st.sampled_from([*STATUSES, *STATUSES, "cancelled"]).map(lambda to: {"status": to})
messages = st.sampled_from(
    [
        {"activity": "public_reply", "actor_role": "agent"},
        {"activity": "public_reply", "actor_role": None},
        {"activity": "public_reply", "actor_role": "system"},
        {"activity": "public_reply", "actor_role": "agent", "channel": "auto"},
        {"activity": "internal_note", "actor_role": "agent"},
        {"activity": "requester_message", "actor_role": "requester"},
        {"activity": "requester_message", "actor_role": "requester"},
    ]
)
values = st.one_of(
    st.sampled_from(["high", "low"]).map(lambda to: {"priority": to}),
    groups.map(lambda to: {"group": to}),
    st.sampled_from([None, "x"]).map(lambda to: {"category": to}),
    st.sampled_from([None, "ann"]).map(lambda to: {"assignee": to}),
    st.integers(0, 6000).map(lambda at: {"hold": at}),
)
both = st.tuples(messages, statuses).map(lambda pair: {**pair[0], **pair[1]})
changes = st.one_of(statuses, messages, both, values, values)
first_rows = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["new", "new", "new", "open", "waiting_requester", "resolved"]),
        "priority": st.sampled_from(["high", "low", None]),
        "group": groups,
        "activity": st.sampled_from(["created", "created", "created+requester_message"]),
    }
)
LASTING = ("status", "priority", "group", "category", "assignee", "hold")
histories = st.tuples(
    st.integers(0, 4000), first_rows, st.lists(st.tuples(gaps, changes), max_size=11)
)
tickets = st.lists(histories, min_size=1, max_size=3)
moments = st.integers(0, 14_000).map(lambda at: START + at * MINUTE)


def rows_of(history, ticket: str, make_event) -> list[dict]:
    """Canonical rows of one ticket, several at one instant in the order in which they came."""
    begin, now, later = history
    rows, at = [_row(make_event, ticket, (begin, 0), now)], begin
    for number, (gap, change) in enumerate(later, start=1):
        at += gap
        told = [change.get("activity"), "status" if "status" in change else None]
        lasting = {key: value for key, value in now.items() if key in LASTING}
        now = {**lasting, **change, "activity": "+".join(filter(None, told)) or "attribute"}
        rows.append(_row(make_event, ticket, (at, number), now))
    return rows


def _row(make_event, ticket: str, place: tuple[int, int], values: dict) -> dict:
    at, sequence = place
    rest = {key: value for key, value in values.items() if key not in {"activity", "hold"}}
    if "hold" in values:
        hold = (START + values["hold"] * MINUTE).isoformat()
        rest["attributes"] = [{"key": "hold_until", "value": hold}]
    return make_event(
        ticket, START + at * MINUTE, values["activity"], sequence=sequence, **rest
    )  # fmt: skip


# What is compared


def readings_of(frame) -> list[Reading]:
    """Cycles of one ticket, in whole minutes."""

    def at(value):
        return None if value is None else minute(value)

    return [
        Reading(
            policy=row["policy"],
            calendar=row["calendar"],
            started=at(row["applied_at"]),
            target=row["target_us"] // MINUTE_US,
            state=row["state"],
            elapsed=row["elapsed_us"] // MINUTE_US,
            paused=row["paused_us"] // MINUTE_US,
            # Nobody asks for the deadline of what was cancelled.
            due=None if row["state"] == "cancelled" else at(row["due_at"]),
            breached=at(row["breached_at"]),
            fulfilled=at(row["fulfilled_at"]),
            recorded=at(row["recorded_breach_at"]),
        )
        for row in frame.sort("cycle", "applied_at").iter_rows(named=True)
    ]


# The test


def assert_twins_agree(found, rows_by_ticket, levels: ServiceLevels, *, as_of) -> None:
    for ticket, rows in rows_by_ticket.items():
        ours = readings_of(found.filter(ticket_id=ticket))
        twins = read_twin(rows, levels, metric=levels.metrics[0], as_of=as_of)
        if levels.policies[0].targets[0].pause_unit == "wall":
            # What a cancelled clock had used against a moving deadline is nobody's question.
            ours, twins = ([_unused(each) for each in found] for found in (ours, twins))
        # Two rules may begin a cycle at one instant: their order says nothing.
        assert sorted(ours, key=repr) == sorted(twins, key=repr)


def _unused(reading: Reading) -> Reading:
    return replace(reading, elapsed=0) if reading.state == "cancelled" else reading


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_clock_equals_the_minute_stepper(data, metric, make_event, make_events):
    compare(data, metric, make_event, make_events)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=450, deadline=None)
@given(data=st.data())
def test_clock_equals_the_minute_stepper_at_length(data, metric, make_event, make_events):
    compare(data, metric, make_event, make_events)


def compare(data, metric, make_event, make_events) -> None:
    levels, as_of = data.draw(service_levels(metric)), data.draw(moments)
    drawn = enumerate(data.draw(tickets))
    every = {str(number): rows_of(history, str(number), make_event) for number, history in drawn}
    known = {
        ticket: [row for row in rows if row["occurred_at"] <= as_of]
        for ticket, rows in every.items()
        if rows[0]["occurred_at"] <= as_of
    }

    found = cycles(
        make_events([row for rows in known.values() for row in rows]), levels, as_of=as_of
    )

    assert_twins_agree(found, known, levels, as_of=as_of)
