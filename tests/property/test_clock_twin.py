"""The vectorised clock against a slow, obvious one that steps through every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.core.schema import METRICS
from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import CalendarChoice, Replies, ServiceLevels, SlaPolicy, Target
from tests.property.twin import MINUTE_US, Reading, minute, read_twin

MINUTE = timedelta(minutes=1)
# The Friday before the clocks change in Berlin; they change in Havana three weeks before.
START = datetime(2024, 3, 29, 6, 0, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "Africa/Casablanca")
STATUSES = ("new", "open", "open", "waiting_requester", "on_hold", "resolved", "closed")
PRIORITIES = ("high", "low", None)
GROUPS = ("a", "b", "c")

# Calendars

days = st.lists(
    st.tuples(st.integers(0, 23), st.integers(0, 48)).map(
        lambda span: (span[0] * 3600, span[1] * 1800)
    ),
    max_size=2,
).map(tuple)


@st.composite
def calendars(draw, name: str) -> Calendar:
    week = [draw(days) for _ in range(7)]
    # At least eight hours a week, so that every deadline comes within a year.
    week[draw(st.integers(0, 6))] = ((9 * 3600, 17 * 3600),)
    closed = st.dates(date(2024, 3, 28), date(2024, 4, 8))
    return Calendar(
        name,
        draw(st.sampled_from(ZONES)),
        tuple(week),
        Holidays(dates=tuple(draw(st.lists(closed, max_size=2)))),
        is_always_open=draw(st.sampled_from([False, False, False, True])),
    )


# Policies

minutes = st.sampled_from([1, 30, 60, 240, 480, 1440, 4000])
allowances = st.one_of(minutes, minutes, minutes, st.just(0)).map(lambda n: n * MINUTE_US)
one_calendar = st.sampled_from(["one", "two"])
choices = st.one_of(
    st.sampled_from(["one", "two"]),
    st.just(CalendarChoice((("group", {"a": "one", "b": "two"}),), "one")),
    st.just(
        CalendarChoice((("category", {"x": "two"}), ("group", {"a": "two", "b": "one"})), "one")
    ),
)


# A message that both ends a period and starts the next one has no meaning.
periods = st.sampled_from(
    [
        {"reset_by": ("agent",)},
        {"reset_by": ("requester",)},
        {"reset_by": ("agent", "requester")},
        {"reset_by": ("agent",), "until": "requester"},
    ]
)


@st.composite
def rules(draw, metric: str) -> Target:
    changes = st.sampled_from(["recompute", "recompute", "restart", "keep"])
    is_attached = draw(st.sampled_from([False, False, True]))
    return Target(
        metric,
        "one",
        start="attached" if is_attached else "created",
        pause_in=draw(st.sampled_from([(), ("waiting_requester",), ("waiting_requester", "on_hold")])),
        pause_awaiting_requester=draw(st.booleans()),
        pause_until=draw(st.sampled_from(["", "hold_until"])),
        pause_mode=draw(st.sampled_from(["stop", "stop", "hide"])),
        stop_in=draw(st.sampled_from([("resolved", "closed"), ("closed",)])),
        on_close=draw(st.sampled_from(["satisfy", "pause", "ignore"])),
        on_reopen=draw(st.sampled_from(["exclude", "count", "restart", "final"])),
        on_priority_change=draw(changes),
        on_calendar_change=draw(changes),
        include_first=draw(st.booleans()),
        **draw(periods),
        starts_at_creation=draw(st.booleans()),
        reply_statuses=draw(st.sampled_from([(), ("on_hold",)])),
        on_leave=draw(st.sampled_from(["cancel", "satisfy"])),
        keeps_ledger=draw(st.booleans()),
    )


@st.composite
def service_levels(draw, metric: str) -> ServiceLevels:
    rule = draw(rules(metric))
    policies = []
    for name, group in (("first", "a"), ("second", "b"), ("third", "c"))[: draw(st.integers(1, 3))]:
        target = replace_times(rule, draw(allowances), draw(allowances), draw(allowances), draw(choices if rule.start == "created" else one_calendar))
        when = draw(st.sampled_from([Conditions(), Conditions((Condition("group", "is", (group,)),))]))
        change = draw(st.sampled_from(["recompute", "recompute", "restart", "keep"]))
        policies.append(SlaPolicy(name, (target,), when, on_policy_change=change))
    unless = Conditions((Condition("channel", "is", ("auto",)),))
    replies = Replies(
        draw(st.sampled_from([("agent",), ("agent", "system")])),
        draw(st.booleans()),
        draw(st.sampled_from([Conditions(), unless])),
    )
    named = {name: draw(calendars(name)) for name in ("one", "two")}
    return ServiceLevels(named, tuple(policies), replies)


def replace_times(rule, high, low, other, calendar):
    from dataclasses import replace

    return replace(rule, calendar=calendar, by_priority={"high": high, "low": low}, default=other)


# Histories

gaps = st.one_of(st.just(0), st.integers(1, 90), st.integers(1, 900), st.integers(1, 4000))
statuses = st.sampled_from((*STATUSES, *STATUSES, "cancelled")).map(lambda to: {"status": to})
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
    st.sampled_from(PRIORITIES[:2]).map(lambda to: {"priority": to}),
    st.sampled_from(GROUPS).map(lambda to: {"group": to}),
    st.sampled_from([None, "x"]).map(lambda to: {"category": to}),
    st.sampled_from(["ann", None]).map(lambda to: {"assignee": to}),
    st.integers(0, 6000).map(lambda at: {"hold": at}),
)
both = st.tuples(messages, statuses).map(lambda pair: {**pair[0], **pair[1]})
changes = st.one_of(statuses, statuses, messages, messages, both, values)
LASTING = ("status", "priority", "group", "category", "assignee", "hold")


@st.composite
def histories(draw) -> list[dict]:
    """Rows of one ticket: when, what is told, and the values after it."""
    now = {
        "status": draw(st.sampled_from(["new", "new", "new", "open", "waiting_requester", "resolved"])),
        "priority": draw(st.sampled_from(PRIORITIES)),
        "group": draw(st.sampled_from(GROUPS)),
        "activity": draw(st.sampled_from(["created", "created", "created+requester_message"])),
    }
    at, found = START + draw(st.integers(0, 4000)) * MINUTE, []
    for change in [{}, *draw(st.lists(changes, max_size=11))]:
        at += draw(gaps) * MINUTE if found else timedelta()
        told = [change.get("activity"), "status" if "status" in change else None]
        told = "+".join(each for each in told if each) or "attribute"
        now = {**{key: now.get(key) for key in LASTING}, **change, "activity": told if found else now["activity"]}
        found.append({"at": at, **now})
    return found


def as_rows(history, make_event, ticket="1"):
    rows = []
    for number, each in enumerate(history):
        each = dict(each)
        at, told, hold = each.pop("at"), each.pop("activity"), each.pop("hold", None)
        rest = [] if hold is None else [{"key": "hold_until", "value": (START + hold * MINUTE).isoformat()}]
        rows.append(make_event(ticket, at, told, sequence=number, attributes=rest, **each))
    return rows


def as_readings(frame) -> list[Reading]:
    def of(value):
        return None if value is None else minute(value)

    return [
        Reading(
            policy=row["policy"],
            calendar=row["calendar"],
            started=of(row["applied_at"]),
            target=row["target_us"] // MINUTE_US,
            state=row["state"],
            elapsed=row["elapsed_us"] // MINUTE_US,
            paused=row["paused_us"] // MINUTE_US,
            due=of(row["due_at"]),
            breached=of(row["breached_at"]),
            fulfilled=of(row["fulfilled_at"]),
            recorded=of(row["recorded_breach_at"]),
        )
        for row in frame.sort("cycle").iter_rows(named=True)
    ]


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_clock_equals_the_minute_stepper(data, metric, make_event, make_events):
    levels = data.draw(service_levels(metric))
    rows = as_rows(data.draw(histories()), make_event)
    as_of = rows[-1]["occurred_at"] + data.draw(st.integers(0, 3000)) * MINUTE

    found = cycles(make_events(rows), levels, as_of=as_of)

    assert as_readings(found) == read_twin(rows, levels, metric=metric, as_of=as_of)
