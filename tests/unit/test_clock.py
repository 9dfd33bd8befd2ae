"""The clock over many tickets and policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sla_sniper.core.schema import CYCLES
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target, UnknownTargetError

START = datetime(2024, 4, 1, 9, tzinfo=UTC)
HOUR_US = 3_600_000_000
ALWAYS = {"always": Calendar("always", is_always_open=True)}


def promise(hours: int) -> tuple[Target, ...]:
    return (Target("resolution_time", "always", default=hours * HOUR_US),)


def only(field: str, value: str) -> Conditions:
    return Conditions((Condition(field, "is", (value,)),))


def test_no_events_give_the_schema(make_events):
    found = cycles(
        make_events([]), ServiceLevels(ALWAYS, (SlaPolicy("p", promise(1)),)), as_of=START
    )

    assert found.schema == dict(CYCLES)


def test_cycles_have_the_schema(make_event, make_events):
    events = make_events([make_event("1", START, "created", status="new")])

    found = cycles(events, ServiceLevels(ALWAYS, (SlaPolicy("p", promise(1)),)), as_of=START)

    assert found.schema == dict(CYCLES)


def test_the_first_matching_policy_wins(make_event, make_events):
    events = make_events(
        [
            make_event("1", START, "created", status="new", group="vip"),
            make_event("2", START, "created", status="new", group="other"),
        ]
    )
    policies = (SlaPolicy("vip", promise(1), only("group", "vip")), SlaPolicy("rest", promise(8)))

    found = cycles(events, ServiceLevels(ALWAYS, policies), as_of=START)

    assert found["policy"].to_list() == ["vip", "rest"]


def test_a_ticket_that_changes_policy_changes_clock(make_event, make_events):
    later = START + timedelta(hours=2)
    events = make_events(
        [
            make_event("1", START, "created", status="new", group="other"),
            make_event("1", later, "group", status="new", group="vip"),
        ]
    )
    policies = (SlaPolicy("vip", promise(1), only("group", "vip")), SlaPolicy("rest", promise(8)))

    found = cycles(events, ServiceLevels(ALWAYS, policies), as_of=later)

    assert found.select("policy", "state", "breached_at").rows() == [("vip", "overdue", later)]


@pytest.mark.parametrize(("hours", "policy"), [(-1, "old"), (0, "new"), (1, "new")])
def test_policies_hold_for_tickets_of_their_time(make_event, make_events, hours, policy):
    begun = START + timedelta(hours=hours)
    events = make_events([make_event("1", begun, "created", status="new")])
    policies = (
        SlaPolicy("old", promise(1), valid_to=START),
        SlaPolicy("new", promise(1), valid_from=START),
    )

    found = cycles(events, ServiceLevels(ALWAYS, policies), as_of=begun)

    assert found["policy"].to_list() == [policy]


def test_unknown_priorities_are_counted_by_ticket(make_event, make_events):
    rows = [
        make_event(str(number), START + timedelta(hours=hour), priority=priority)
        for number, priority in enumerate(["urgent", "urgent", "odd"])
        for hour in (0, 1)
    ]
    target = Target("resolution_time", "always", {"low": HOUR_US})

    with pytest.raises(UnknownTargetError) as caught:
        cycles(make_events(rows), ServiceLevels(ALWAYS, (SlaPolicy("p", (target,)),)), as_of=START)

    assert caught.value.counts == (("urgent", 2), ("odd", 1))


def test_equal_numbers_of_two_sources_stay_apart(make_event, make_events):
    rows = [
        make_event("1", START, "created", status="new", source="a"),
        make_event("1", START, "created", status="resolved", source="b"),
    ]
    levels = ServiceLevels(ALWAYS, (SlaPolicy("p", promise(1)),))

    found = cycles(make_events(rows), levels, as_of=START)

    assert found.select("source", "state").rows() == [("a", "running"), ("b", "met")]


def test_other_tickets_do_not_matter(make_event, make_events):
    rows = [make_event(str(n), START + timedelta(minutes=n), status="open") for n in range(5)]
    levels = ServiceLevels(ALWAYS, (SlaPolicy("p", promise(1)),))
    as_of = START + timedelta(hours=1, minutes=2)

    together = cycles(make_events(rows), levels, as_of=as_of)
    alone = pl.concat([cycles(make_events([row]), levels, as_of=as_of) for row in rows])

    assert_frame_equal(together, alone)


VENDOR = (SlaPolicy("vendor", (Target("resolution_time", "always", is_vendor=True),)),)


@pytest.mark.parametrize(
    ("told", "hours", "expected"),
    [
        ({0: 4}, 3, "running"),
        ({0: 4}, 5, "overdue"),
        ({0: 4, 2: 8}, 5, "running"),
        ({0: 8, 2: 4}, 5, "overdue"),
        ({2: 4}, 5, "overdue"),
        ({0: 4, 2: None}, 5, "overdue"),
        ({0: 24 * 365 * 177}, 5, None),
        ({0: None}, 5, None),
    ],
)
def test_a_vendors_deadline_holds_until_it_is_told_anew(
    make_event, make_events, told, hours, expected
):
    rows = [make_event("1", START, "created", status="new"), make_event("2", START, "created")]
    for hour in (0, 2):
        due = told.get(hour)
        at = START + timedelta(hours=hour)
        deadline = None if due is None else START + timedelta(hours=due)
        rows.append(make_event("1", at, status="open", sequence=1, vendor_due_at=deadline))

    found = cycles(
        make_events(rows), ServiceLevels(ALWAYS, VENDOR), as_of=START + timedelta(hours=hours)
    )

    assert found["state"].to_list() == ([] if expected is None else [expected])


def test_a_vendors_deadline_stays_known_once_it_has_passed(make_event, make_events):
    due = START + timedelta(hours=4)
    rows = [
        make_event("1", START, "created", status="new", vendor_due_at=due),
        make_event("1", due + timedelta(hours=1), "internal_note", status="new"),
    ]

    found = cycles(make_events(rows), ServiceLevels(ALWAYS, VENDOR), as_of=due + timedelta(hours=2))

    assert found.select("state", "due_at", "breached_at").rows() == [("overdue", due, due)]


def test_a_vendors_deadline_judges_the_end(make_event, make_events):
    due = START + timedelta(hours=4)
    rows = [
        make_event("1", START, "created", status="new", vendor_due_at=due),
        make_event("1", due + timedelta(minutes=1), status="resolved", vendor_due_at=due),
        make_event("2", START, "created", status="new", vendor_due_at=due),
        make_event("2", due, status="resolved", vendor_due_at=due),
    ]

    found = cycles(make_events(rows), ServiceLevels(ALWAYS, VENDOR), as_of=due + timedelta(hours=1))

    assert found.select("state", "breached_at", "target_us").rows() == [
        ("missed", due, 4 * 3_600_000_000),
        ("met", None, 4 * 3_600_000_000),
    ]
