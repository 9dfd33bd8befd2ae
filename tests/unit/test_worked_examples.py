"""Worked examples: the history that one tells, and every way in which it may not hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.core.schema import EVENTS
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from sla_sniper.sla.worked_examples import (
    Difference,
    Expectation,
    Step,
    WorkedExample,
    events_of,
    play,
)

OPENED = datetime(2024, 4, 1, 9, tzinfo=UTC)
HOUR_US = 3_600_000_000
ALWAYS = Calendar("always", is_always_open=True)
CYCLE = {
    "state": "paused",
    "policy": "all",
    "calendar": "always",
    "priority": "high",
    "target": 4 * HOUR_US,
    "elapsed": HOUR_US,
    "paused": 2 * HOUR_US,
    "remaining": 3 * HOUR_US,
    "applied_at": OPENED,
    "due": None,
    "breached_at": None,
    "fulfilled_at": None,
    "breached": False,
    "cycle": 1,
}


def after(hours: float, *activities: str, role: str | None = None, **values: str | None) -> Step:
    return Step(OPENED + timedelta(hours=hours), values, activities, role)


def promise(metric: str = "resolution_time", **options) -> ServiceLevels:
    by_priority = {"high": 4 * HOUR_US, "low": 8 * HOUR_US}
    target = Target(metric, "always", by_priority, **options)
    return ServiceLevels({"always": ALWAYS}, (SlaPolicy("all", (target,)),))


def example(*steps: Step, expected: tuple[Expectation, ...] = (), until: float = 3):
    return WorkedExample("it", steps, OPENED + timedelta(hours=until), expected)


PAUSED = (
    after(0, priority="high"),
    after(1, status="waiting_requester"),
    after(9, status="resolved"),
)


def test_steps_become_events():
    due = OPENED + timedelta(hours=6)
    told = example(
        after(0, "requester_message", role="requester", priority="high", tier="gold"),
        Step(OPENED + timedelta(hours=1), {"assignee": "ann", "status": "open"}, due_at=due),
        after(2, "public_reply", role="agent", group="L2", tier=None),
        after(3),
        after(4, status="resolved"),
    )

    rows = events_of(told)

    assert dict(rows.schema) == dict(EVENTS)
    assert rows.select("event_id", "sequence", "source", "ticket_id").rows() == [
        (str(number), number, "example", "example") for number in range(4)
    ]
    assert rows.select("occurred_at", "recorded_at", "created_at").rows() == [
        (OPENED + timedelta(hours=hours),) * 2 + (OPENED,) for hours in range(4)
    ]
    assert rows.select("activity", "actor_role", "vendor_due_at").rows() == [
        ("created+requester_message", "requester", None),
        ("status+assignee", None, due),
        ("group+public_reply", "agent", None),
        ("attribute", None, None),
    ]
    assert rows.select("status", "priority", "group", "assignee").rows() == [
        ("new", "high", None, None),
        ("open", "high", None, "ann"),
        ("open", "high", "L2", "ann"),
        ("open", "high", "L2", "ann"),
    ]
    assert rows["attributes"].to_list() == [
        [{"key": "tier", "value": value}] for value in ("gold", "gold", None, None)
    ]


def test_changed_priority_is_told_as_an_activity():
    assert events_of(example(after(0), after(1, priority="low")))["activity"].to_list() == [
        "created",
        "priority",
    ]


def test_every_reading_holds():
    expected = (Expectation("resolution_time", (CYCLE,)),)

    found = play(example(*PAUSED, expected=expected), promise(pause_in=("waiting_requester",)))

    assert found.is_as_expected
    assert found.differences == ()


def test_every_reading_that_differs_is_told():
    other = dict.fromkeys(CYCLE, "other")
    expected = (Expectation("resolution_time", (other,)),)

    found = play(example(*PAUSED, expected=expected), promise(pause_in=("waiting_requester",)))

    assert not found.is_as_expected
    assert found.differences == tuple(
        Difference("resolution_time", 0, key, "other", value) for key, value in CYCLE.items()
    )


@pytest.mark.parametrize(
    ("expected", "differences"),
    [
        pytest.param(
            Expectation(
                "resolution_time", ({"state": "running"}, {"state": "met"}), is_latest=False
            ),
            [Difference("resolution_time", 0, "cycles", 2, 1)],
            id="too few cycles",
        ),
        pytest.param(
            Expectation("resolution_time", (), is_latest=False),
            [Difference("resolution_time", 0, "cycles", 0, 1)],
            id="a clock where none is expected",
        ),
        pytest.param(Expectation("next_reply_time", (), is_latest=False), [], id="no clock"),
        pytest.param(
            Expectation("next_reply_time", ({"state": "met", "due": None},)),
            [Difference("next_reply_time", 0, "state", "met", None)],
            id="another metric",
        ),
        pytest.param(
            Expectation("resolution_time", ({"state": "met", "breached": True},), is_latest=False),
            [
                Difference("resolution_time", 1, "state", "met", "overdue"),
            ],
            id="overdue is breached",
        ),
    ],
)
def test_wrong_expectation_is_told(expected, differences):
    steps = (after(0, priority="high"),)

    found = play(example(*steps, expected=(expected,), until=5), promise())

    assert list(found.differences) == differences


def test_priority_without_target_refuses_the_example():
    found = play(example(after(0, priority="P9")), promise())

    assert not found.is_as_expected
    assert found.refusal.startswith("Policy 'all' has no resolution_time target for priority 'P9'")


def test_cycles_come_in_order_of_time():
    levels = ServiceLevels(
        {"always": ALWAYS},
        tuple(
            SlaPolicy(
                name,
                (Target("next_reply_time", "always", default=HOUR_US, start="attached"),),
                when=Conditions((Condition("group", "is", (name,)),)),
            )
            for name in ("second line", "first line")
        ),
    )
    steps = [after(0, group="second line"), after(1, "public_reply", role="agent")]
    for hours in (2, 3):
        steps.append(after(hours, "requester_message", role="requester"))
        steps.append(after(hours + 0.5, "public_reply", role="agent"))
    steps.append(after(4, group="first line"))
    steps.append(after(5, "requester_message", role="requester"))
    wanted = tuple({"policy": "?", "cycle": 0, "applied_at": None} for _ in range(3))

    found = play(
        example(
            *steps,
            expected=(
                Expectation("next_reply_time", wanted, is_latest=False),
                Expectation("next_reply_time", ({"policy": "?"},)),
            ),
            until=9,
        ),
        levels,
    )

    told = [(each.cycle, each.key, each.actual) for each in found.differences]
    assert told == [
        (1, "policy", "second line"),
        (1, "cycle", 1),
        (1, "applied_at", OPENED + timedelta(hours=2)),
        (2, "policy", "second line"),
        (2, "cycle", 2),
        (2, "applied_at", OPENED + timedelta(hours=3)),
        (3, "policy", "first line"),
        (3, "cycle", 1),
        (3, "applied_at", OPENED + timedelta(hours=5)),
        (0, "policy", "first line"),
    ]
