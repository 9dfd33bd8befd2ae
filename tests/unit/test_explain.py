"""Explanations of one ticket: the turns of a clock that the whole stories do not take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.panels.story import story_lines
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import EVERY_TICKET, Condition, Conditions
from sla_sniper.sla.explain import explain
from sla_sniper.sla.policy import OFF, CalendarChoice, ServiceLevels, SlaPolicy, Target

HOUR = 3_600_000_000
NINE_TO_FIVE = (((9 * 3600, 17 * 3600),),) * 5 + ((), ())
CALENDARS = {
    "office": Calendar("office", "Europe/Berlin", NINE_TO_FIVE),
    "always": Calendar("always", "Europe/Berlin", is_always_open=True),
}
TARGET = Target(
    "resolution_time", "office", {"high": 2 * HOUR, "low": 16 * HOUR}, pause_in=("on_hold",)
)
WALL = replace(TARGET, pause_unit="wall", by_priority={"high": 4 * HOUR})
VIP = Conditions((Condition("group", "is", ("VIP",)),))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Local time in the week before the clocks of Berlin go forward; Monday is day 0."""
    return datetime(2024, 3, 25, hour - 1, minute, tzinfo=UTC) + timedelta(days=day)


@pytest.fixture
def tell(make_event, make_events):
    """Explain a ticket of rows of instant and changed values."""

    def telling(target, *rows, as_of, when=EVERY_TICKET):
        values = {"status": "new", "priority": "high", "group": "L1"}
        told = []
        for number, (moment, changed) in enumerate(rows):
            values |= changed
            told.append(make_event("T1", moment, "status" if number else "created", **values))
        levels = ServiceLevels(CALENDARS, (SlaPolicy("standard", (target,), when=when),))
        return explain(make_events(told), levels, as_of=as_of, timezone="Europe/Berlin")

    return telling


def changes(clock) -> list[tuple[str, str, str]]:
    """Kind, rule and sentence of every change after the beginning."""
    found = [change for moment in clock.moments for change in moment.changes]
    return [(change.kind, str(change.rule), change.sentence) for change in found[1:]]


def test_leaving_a_policy_may_stop_the_clock(tell):
    target = replace(TARGET, start="attached", on_leave="satisfy")
    rows = (at(0, 9), {"group": "VIP"}), (at(0, 10), {"group": "L1"})

    (clock,) = tell(target, *rows, as_of=at(0, 12), when=VIP).clocks

    text = "The policy no longer covers the ticket: the clock stops."
    assert (clock.state, clock.ended_at) == ("met", at(0, 10))
    assert changes(clock) == [("stops", 'on_leave = "satisfy"', text)]


def test_leaving_every_policy_leaves_no_clock(tell):
    rows = (at(0, 9), {"group": "VIP"}), (at(0, 10), {"group": "L1"})

    told = tell(TARGET, *rows, as_of=at(0, 12), when=VIP)

    assert told.clocks == ()
    assert [each.sentence for each in told.untimed] == ["No policy covers the ticket."]
    assert told.policies[0].reasons == ("No: it asks group to be 'VIP'; it is 'L1'.",)


def test_hours_change_with_the_group(tell):
    choice = CalendarChoice((("group", {"L2": "always"}),), "office")
    target = replace(TARGET, calendar=choice, by_priority={"high": 8 * HOUR})

    (clock,) = tell(target, (at(0, 12), {}), (at(0, 16), {"group": "L2"}), as_of=at(0, 18)).clocks

    text = "The hours of calendar 'always' count from here on. It is counted from the start of the "
    earlier, change = changes(clock)
    assert (clock.calendar, clock.due_at) == ("always", at(0, 20))
    assert "in the hours of calendar 'office': 8 hours of working time, due Tuesday" in earlier[2]
    assert change == (
        "calendar",
        'on_calendar_change = "recompute" (by default)',
        f"{text}clock, as if it had always held.",
    )


def test_a_target_that_is_off_leaves_no_clock(tell):
    target = replace(TARGET, by_priority={"high": 2 * HOUR, "low": OFF})

    told = tell(target, (at(0, 9), {}), (at(0, 10), {"priority": "low"}), as_of=at(0, 12))

    assert told.clocks == ()
    assert [each.sentence for each in told.untimed] == ["Its target is off for priority low."]


def test_a_target_that_was_off_comes_back(tell):
    target = replace(TARGET, by_priority={"high": 2 * HOUR, "low": OFF})
    rows = (at(0, 9), {}), (at(0, 10), {"priority": "low"}), (at(0, 10, 30), {"priority": "high"})

    (clock,) = tell(target, *rows, as_of=at(0, 10, 45)).clocks

    off, on = changes(clock)
    assert off[1:] == (
        'target = { low = "off" }',
        "The target is off for priority low, so there is no deadline here.",
    )
    assert on[2].startswith("There is a target from here on: 2 hours of working time.")
    assert [moment.leg.due_at for moment in clock.moments] == [at(0, 11), None, at(0, 11)]


def test_a_kept_target_is_said_to_be_kept(tell):
    target = replace(TARGET, on_priority_change="keep")

    (clock,) = tell(
        target, (at(0, 9), {}), (at(0, 10), {"priority": "low"}), as_of=at(0, 10)
    ).clocks

    text = "The clock keeps the target it began with."
    assert changes(clock) == [("target", 'on_priority_change = "keep"', text)]
    assert (clock.priority, clock.due_at, clock.moves) == ("high", at(0, 11), ())


def test_a_final_end_stands_after_a_reopening(tell):
    target = replace(TARGET, on_reopen="final")
    rows = (at(0, 9), {}), (at(0, 10), {"status": "resolved"}), (at(0, 11), {"status": "open"})

    (clock,) = tell(target, *rows, as_of=at(0, 14)).clocks

    text = "The ticket was opened again, but the first end of its work stands."
    assert changes(clock)[-1] == ("final", 'on_reopen = "final"', text)
    assert (clock.state, clock.ended_at) == ("met", at(0, 10))
    assert clock.totals.wall_us == HOUR


def test_a_shorter_target_may_be_over_at_once(tell):
    rows = (at(0, 9), {"priority": "low"}), (at(0, 12), {"priority": "high"})

    (clock,) = tell(TARGET, *rows, as_of=at(0, 14)).clocks

    ((_, rule, sentence),) = changes(clock)
    assert rule == 'on_priority_change = "recompute" (by default)'
    assert sentence.endswith("So it is over time at once, by 1 hour.")
    assert (clock.state, clock.breached_at, clock.left_us) == ("overdue", at(0, 12), -3 * HOUR)
    assert [(move.at, move.after) for move in clock.moves] == [(at(0, 12), at(0, 11))]


def test_a_clock_used_up_at_closing_is_over_after_opening(tell):
    (clock,) = tell(TARGET, (at(0, 15), {}), as_of=at(0, 20)).clocks

    assert (clock.state, clock.left_us, clock.due_at) == ("running", 0, at(0, 17))
    assert [(ahead.kind, ahead.at, ahead.sentence) for ahead in clock.ahead] == [
        (
            "opening",
            at(1, 9),
            "The desk is closed; it opens on Tuesday 26 March 2024, 09:00, and the clock goes on.",
        ),
        (
            "deadline",
            at(1, 9),
            "Its time is used up: it is over time right after Tuesday 26 March 2024, 09:00.",
        ),
    ]


@pytest.mark.parametrize(
    ("until", "moved"),
    [
        (at(1, 10), "23 hours of wall time, to Tuesday 26 March 2024, 12:00: 2 hours of working "),
        (at(0, 21), "10 hours of wall time, to Monday 25 March 2024, 23:00: no open hours before "),
    ],
)
def test_a_pause_moves_a_deadline_by_wall_time(tell, until, moved):
    rows = (at(0, 9), {}), (at(0, 11), {"status": "on_hold"}), (until, {"status": "open"})

    (clock,) = tell(WALL, *rows, as_of=until).clocks

    kind, rule, sentence = changes(clock)[-1]
    assert (kind, rule) == ("resumes", 'pause_unit = "wall"')
    assert sentence.startswith(f"The clock runs again. The pause moved its deadline by {moved}")
    assert clock.moments[1].leg.left_us is None


def test_a_deadline_moved_by_wall_time_says_so(tell):
    rows = (at(0, 9), {}), (at(0, 11), {"status": "on_hold"}), (at(1, 10), {"status": "open"})

    told = tell(WALL, *rows, as_of=at(1, 11))

    lines = [line.text.strip() for line in story_lines(told, told.clocks)]
    assert any(
        line.endswith('pauses move its deadline by wall time (pause_unit = "wall").')
        for line in lines
    )
    assert (
        "The deadline moved from Monday 25 March 2024, 13:00 to Tuesday 26 March 2024, 12:00, by "
        "the wall time of the pause before it." in lines
    )


def test_a_pause_by_wall_time_promises_no_working_time(tell):
    rows = (at(0, 9), {}), (at(0, 11), {"status": "on_hold"}), (at(0, 12), {"priority": "low"})

    told = tell(replace(WALL, by_priority=TARGET.by_priority), *rows, as_of=at(0, 13))

    (clock,) = told.clocks
    lines = [line.text for line in story_lines(told, told.clocks)]
    assert "Resolution: paused, its deadline moves by the wall time of the pause." in lines
    assert clock.ahead[0].sentence.endswith(
        "moves by the wall time of the pause; if that ended now, it would be Tuesday 26 March "
        "2024, 19:00."
    )
