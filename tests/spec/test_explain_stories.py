"""Whole explanations, compared with texts that were read aloud: five tickets a team lead meets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sla_sniper.panels.story import story_lines
from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.explain import explain
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target, WarningPoint

GOLDEN = Path(__file__).parents[1] / "golden" / "explain"
HOUR = 3_600_000_000
NINE_TO_FIVE = (((9 * 3600, 17 * 3600),),) * 5 + ((), ())
OFFICE = Calendar(
    "office", "Europe/Berlin", NINE_TO_FIVE, Holidays(dates=(date(2024, 4, 1),))
)  # Easter Monday, the day after the clocks go forward
NIGHTS = Calendar("nights", "Europe/Berlin", (((22 * 3600, 6 * 3600),),) * 7)
WARN = (WarningPoint("75%", percent=75), WarningPoint("-1h", offset_us=-HOUR))
TARGETS = {"high": 4 * HOUR, "low": 16 * HOUR}
RESOLUTION = Target(
    "resolution_time", "office", TARGETS, pause_in=("waiting_requester",), warn_at=WARN
)
FIRST_REPLY = Target("first_reply_time", "office", {"high": HOUR, "low": 8 * HOUR})
NEXT_REPLY = Target("next_reply_time", "office", {"high": 2 * HOUR, "low": 8 * HOUR})


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant in the week before Easter 2024; Berlin is at +1 until Sunday 31 March."""
    return datetime(2024, 3, 25, hour, minute, tzinfo=UTC) + timedelta(days=day)


def ticket(make_event, make_events, *rows):
    """Rows of instant, activity and what changed; everything else stays as it was."""
    values = {"status": "new", "priority": "high", "group": "L1"}
    told = []
    for moment, activity, changed in rows:
        values |= changed
        told.append(make_event("T1", moment, activity, **values))
        values.pop("actor_role", None)
    return make_events(told)


def levels(*targets: Target, calendar: Calendar = OFFICE, before: tuple = ()) -> ServiceLevels:
    return ServiceLevels({calendar.name: calendar}, (*before, SlaPolicy("standard", targets)))


def paused(event, events):
    rows = (
        (at(0, 8), "created", {"actor_role": "requester"}),
        (at(0, 9), "public_reply+status", {"actor_role": "agent", "status": "waiting_requester"}),
        (at(0, 12), "requester_message+status", {"actor_role": "requester", "status": "open"}),
        (at(0, 15), "public_reply+resolved", {"actor_role": "agent", "status": "resolved"}),
    )
    return ticket(event, events, *rows), levels(FIRST_REPLY, NEXT_REPLY, RESOLUTION), at(1, 9)


def reopened(event, events):
    rows = (
        (at(0, 8), "created", {}),
        (at(0, 10), "resolved", {"status": "resolved"}),
        (at(1, 9), "reopened", {"status": "open"}),
    )
    return ticket(event, events, *rows), levels(RESOLUTION), at(1, 10)


def reprioritised(event, events):
    rows = (
        (at(0, 8), "created", {"priority": "low"}),
        (at(0, 14), "priority", {"priority": "high"}),
    )
    return ticket(event, events, *rows), levels(RESOLUTION), at(0, 15)


def over_easter(event, events):
    rows = (
        (at(4, 14), "created", {"priority": "high"}),
        (at(4, 21, 30), "status", {"status": "open"}),
    )
    by_night = Target("resolution_time", "nights", {"high": 16 * HOUR})
    return ticket(event, events, *rows), levels(by_night, calendar=NIGHTS), at(6, 20)


def another_policy(event, events):
    rows = (
        (at(0, 8), "created", {"priority": "low"}),
        (at(0, 11), "group", {"group": "VIP"}),
    )
    vip = SlaPolicy(
        "vip",
        (Target("resolution_time", "office", default=6 * HOUR),),
        when=Conditions((Condition("group", "is", ("VIP",)),)),
    )
    made = levels(FIRST_REPLY, RESOLUTION, before=(vip,))
    return ticket(event, events, *rows), made, at(0, 12)


@pytest.mark.parametrize(
    "story",
    [paused, reopened, reprioritised, over_easter, another_policy],
    ids=lambda s: s.__name__,
)
def test_a_ticket_is_told_word_for_word(make_event, make_events, story):
    events, promise, as_of = story(make_event, make_events)

    told = explain(events, promise, as_of=as_of, timezone="Europe/Berlin")

    text = "\n".join(line.text for line in story_lines(told, told.clocks)) + "\n"
    assert text == (GOLDEN / f"{story.__name__}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("story", [paused, reopened, reprioritised, over_easter, another_policy])
def test_legs_add_up_to_the_wall_time(make_event, make_events, story):
    events, promise, as_of = story(make_event, make_events)

    told = explain(events, promise, as_of=as_of, timezone="Europe/Berlin")

    for clock in told.clocks:
        legs = [moment.leg for moment in clock.moments if moment.leg is not None]
        assert sum(leg.wall_us for leg in legs) == clock.totals.wall_us
        assert clock.totals.end - clock.totals.start == timedelta(microseconds=clock.totals.wall_us)
