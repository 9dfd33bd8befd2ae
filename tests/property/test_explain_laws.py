"""Explanations of tickets under rules that nobody would think of: they add up, and agree."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.explain import explain
from sla_sniper.sla.policy import (
    CalendarChoice,
    ServiceLevels,
    SlaPolicy,
    Target,
    WarningPoint,
)
from tests.spec.explained import BERLIN, CALENDARS, HOUR, at, kept, lines

METRICS = (
    "first_reply_time",
    "next_reply_time",
    "periodic_update_time",
    "resolution_time",
    "ownership_time",
)
BY_GROUP = CalendarChoice((("group", {"L1": "always", "L2": "nights"}),), "office")
VALUES = {
    "status": ("new", "open", "waiting_requester", "on_hold", "resolved", "closed", "cancelled"),
    "priority": ("high", "low"),
    "group": ("L1", "L2", "VIP"),
    "assignee": (None, "a1"),
}


def some_target(random: Random, metric: str) -> Target:
    is_vendor = random.random() < 0.1
    hours = {"high": random.choice((0, 1, 4)) * HOUR, "low": random.choice((0, 3, 16)) * HOUR}
    return Target(
        metric,
        random.choice(("office", "nights", "always", BY_GROUP)),
        {} if is_vendor else hours,
        is_vendor=is_vendor,
        start=random.choice(("created", "attached")),
        pause_in=random.choice(((), ("waiting_requester", "on_hold"))),
        pause_awaiting_requester=random.random() < 0.2,
        pause_until=random.choice(("", "hold_until")),
        pause_mode=random.choice(("stop", "hide")),
        pause_unit="working" if is_vendor else random.choice(("working", "wall")),
        on_close=random.choice(("satisfy", "pause", "ignore")),
        on_reopen=random.choice(("exclude", "count", "restart", "final")),
        on_priority_change=random.choice(("recompute", "restart", "keep")),
        on_calendar_change=random.choice(("recompute", "restart", "keep")),
        include_first=random.random() < 0.5,
        reset_by=random.choice((("agent",), ("agent", "requester"))),
        starts_at_creation=random.random() < 0.5,
        until=random.choice(("", "requester")),
        reply_statuses=random.choice(((), ("waiting_requester",))),
        warn_at=(WarningPoint("75%", percent=75),),
        on_leave=random.choice(("cancel", "satisfy")),
        keeps_ledger=random.random() < 0.2,
    )


def some_levels(random: Random) -> ServiceLevels:
    groups = [("vip", ("VIP",)), ("second", ("L2",)), ("standard", ("L1", "L2", "VIP"))]
    policies = [
        SlaPolicy(
            name,
            tuple(some_target(random, metric) for metric in random.sample(METRICS, 2)),
            when=Conditions((Condition("group", "in", asked),)),
            on_policy_change=random.choice(("recompute", "restart", "keep")),
        )
        for name, asked in groups[: random.randint(1, 3)]
    ]
    return ServiceLevels(CALENDARS, tuple(policies), merged_into="merged_into")


def some_rows(random: Random, make_event) -> list[dict]:
    moment, values, rows = at(0, 8), {"status": "new", "priority": "high", "group": "L1"}, []
    wrote = ("status", "public_reply", "requester_message", "internal_note", "public_reply+status")
    for number in range(random.randint(1, 9)):
        values |= {k: random.choice(v) for k, v in VALUES.items() if random.random() < 0.35}
        if random.random() < 0.3:
            until = moment + timedelta(minutes=random.choice((30, 90, 300)))
            values |= kept(hold_until=until.isoformat())
        if random.random() < 0.1:
            values["vendor_due_at"] = moment + timedelta(minutes=random.choice((-60, 60, 300)))
        activity = random.choice(wrote) if number else "created"
        role = random.choice(("agent", "requester", "system", None))
        rows.append(make_event("T1", moment, activity, actor_role=role, **values))
        moment += timedelta(minutes=random.choice((0, 0.01, 30, 90, 600)))
    return rows


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_every_clock_is_told_and_its_legs_add_up(make_event, make_events, seed):
    random = Random(seed)
    levels, rows = some_levels(random), some_rows(random, make_event)
    events, as_of = (
        make_events(rows),
        rows[-1]["occurred_at"] + timedelta(hours=random.choice((0, 5))),
    )

    told = explain(events, levels, as_of=as_of, timezone=BERLIN)

    found = cycles(events, levels, as_of=as_of).select("metric", "cycle", "state").rows()
    assert sorted((each.metric, each.cycle, each.state) for each in told.clocks) == sorted(found)
    assert "Facts: desk" in "\n".join(lines(told))
    for clock in told.clocks:
        legs = [moment.leg for moment in clock.moments if moment.leg is not None]
        assert sum(leg.wall_us for leg in legs) == clock.totals.wall_us
        assert all(moment.changes for moment in clock.moments)
