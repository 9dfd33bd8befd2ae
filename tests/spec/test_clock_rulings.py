"""Rulings of the clock, each by one worked example in minutes from the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.core.schema import STATUSES
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import (
    OFF,
    CalendarChoice,
    Replies,
    ServiceLevels,
    SlaPolicy,
    Target,
    UnknownTargetError,
    WorkingDays,
)

START = datetime(2024, 4, 1, 9, tzinfo=UTC)
MINUTE_US = 60_000_000
TARGETS = {"high": 60 * MINUTE_US, "low": 240 * MINUTE_US}


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture
def clock(make_event, make_events):
    """Read the clock of one ticket from its changes; durations come back in minutes."""

    def read(*changes, as_of, ticket="1", **rule) -> list[dict]:
        target = Target(
            "resolution_time",
            "always",
            **{"by_priority": TARGETS, "pause_in": ("waiting_requester",), **rule},
        )
        levels = ServiceLevels(
            {"always": Calendar("always", is_always_open=True)}, (SlaPolicy("only", (target,)),)
        )
        last, rows = {"priority": "low", "status": "new"}, []
        for number, (minute, change) in enumerate(changes):
            last |= change
            activity = last.pop("activity", "status" if number else "created")
            rows.append(make_event(ticket, at(minute), activity, **last))
        found = cycles(make_events(rows), levels, as_of=at(as_of)).to_dicts()
        for row in found:
            for name in ("elapsed", "paused", "target"):
                row[name] = row[f"{name}_us"] // MINUTE_US
        return found

    return read


def test_exactly_at_target_is_met(clock):
    (row,) = clock((0, {}), (240, {"status": "resolved"}), as_of=900)

    assert (row["state"], row["elapsed"], row["breached_at"]) == ("met", 240, None)


def test_a_minute_over_target_is_missed(clock):
    (row,) = clock((0, {}), (241, {"status": "resolved"}), as_of=900)

    assert (row["state"], row["breached_at"], row["fulfilled_at"]) == ("missed", at(240), at(241))


def test_exactly_at_target_and_open_still_runs(clock):
    (row,) = clock((0, {}), as_of=240)

    assert (row["state"], row["due_at"]) == ("running", at(240))


def test_open_over_target_is_overdue(clock):
    (row,) = clock((0, {}), as_of=300)

    assert (row["state"], row["due_at"], row["breached_at"]) == ("overdue", at(240), at(240))


def test_time_resolved_before_a_reopening_is_excluded(clock):
    (row,) = clock((0, {}), (100, {"status": "resolved"}), (500, {"status": "open"}), as_of=550)

    assert (row["state"], row["elapsed"], row["due_at"]) == ("running", 150, at(640))


def test_resolution_is_where_it_stays_resolved(clock):
    (row,) = clock(
        (0, {}),
        (30, {"status": "resolved"}),
        (60, {"status": "open"}),
        (90, {"status": "resolved"}),
        (400, {"status": "closed"}),
        as_of=900,
    )

    assert (row["state"], row["fulfilled_at"], row["elapsed"]) == ("met", at(90), 60)


@pytest.mark.parametrize(
    ("on_reopen", "cycle", "state", "elapsed"),
    [("count", 1, "overdue", 550), ("restart", 2, "running", 50), ("final", 1, "met", 100)],
)
def test_reopening_follows_its_rule(clock, on_reopen, cycle, state, elapsed):
    rows = clock(
        (0, {}), (100, {"status": "resolved"}), (500, {"status": "open"}), as_of=550,
        on_reopen=on_reopen,
    )  # fmt: skip

    row = rows[-1]
    assert (row["cycle"], row["state"], row["elapsed"]) == (cycle, state, elapsed)


def test_a_raised_priority_measures_from_the_start(clock):
    (row,) = clock((0, {}), (30, {"priority": "high"}), as_of=40)

    assert (row["target"], row["due_at"], row["state"]) == (60, at(60), "running")


def test_a_raised_priority_may_be_late_at_once(clock):
    (row,) = clock((0, {}), (100, {"priority": "high"}), as_of=120)

    assert (row["state"], row["breached_at"], row["elapsed"]) == ("overdue", at(100), 120)


def test_a_lowered_priority_ends_the_breach(clock):
    (row,) = clock((0, {"priority": "high"}), (100, {"priority": "low"}), as_of=120)

    assert (row["state"], row["breached_at"], row["due_at"]) == ("running", None, at(240))


@pytest.mark.parametrize(("rule", "target", "due"), [("restart", 60, 160), ("keep", 240, 240)])
def test_priority_changes_follow_their_rule(clock, rule, target, due):
    (row,) = clock((0, {}), (100, {"priority": "high"}), as_of=120, on_priority_change=rule)

    assert (row["target"], row["due_at"]) == (target, at(due))


def test_a_stopped_cycle_keeps_its_verdict(clock):
    (row,) = clock((0, {}), (100, {"status": "resolved"}), (200, {"priority": "high"}), as_of=300)

    assert (row["state"], row["target"], row["priority_applied"]) == ("met", 240, "low")


def test_a_reopened_cycle_takes_the_new_target(clock):
    (row,) = clock(
        (0, {}), (100, {"status": "resolved"}), (200, {"priority": "high"}),
        (300, {"status": "open"}), as_of=310,
    )  # fmt: skip

    assert (row["state"], row["target"], row["breached_at"]) == ("overdue", 60, at(300))


def test_a_kept_target_names_its_priority(clock):
    (row,) = clock((0, {}), (100, {"priority": "high"}), as_of=120, on_priority_change="keep")

    assert row["priority_applied"] == "low"


def test_paused_has_no_deadline(clock):
    (row,) = clock((0, {}), (30, {"status": "waiting_requester"}), as_of=90)

    assert (row["state"], row["due_at"]) == ("paused", None)
    assert (row["elapsed"], row["paused"]) == (30, 60)


def test_a_pause_moves_the_deadline(clock):
    (row,) = clock(
        (0, {}), (30, {"status": "waiting_requester"}), (90, {"status": "open"}), as_of=100
    )

    assert (row["state"], row["due_at"]) == ("running", at(300))


def test_a_cancelled_ticket_is_neither(clock):
    (row,) = clock((0, {}), (300, {"status": "cancelled"}), as_of=400)

    assert (row["state"], row["fulfilled_at"]) == ("cancelled", None)


@pytest.mark.parametrize(("priority", "name"), [("urgent", "urgent"), (None, "")])
def test_an_unknown_priority_is_named_with_counts(clock, priority, name):
    with pytest.raises(UnknownTargetError, match=rf"'{name}' \(1 tickets\)") as caught:
        clock((0, {"priority": priority}), as_of=10)

    assert caught.value.args == ("only", "resolution_time", ((name, 1),))
    assert caught.value.counts == ((name, 1),)
    assert caught.value.exit_code == 21


@pytest.mark.parametrize("priority", ["urgent", None])
def test_other_priorities_take_the_default(clock, priority):
    (row,) = clock((0, {"priority": priority}), as_of=10, default=90 * MINUTE_US)

    assert (row["target"], row["due_at"]) == (90, at(90))


def test_a_vendor_target_takes_its_deadline(clock):
    (row,) = clock(
        (0, {"vendor_due_at": at(75)}), (30, {"status": "waiting_requester"}),
        (40, {"status": "open"}), as_of=50, is_vendor=True,
    )  # fmt: skip

    assert (row["target"], row["due_at"]) == (75, at(75))


# Some help desks write "none" as the first instant of computers.
@pytest.mark.parametrize("told", [{}, {"vendor_due_at": datetime(1970, 1, 1, tzinfo=UTC)}])
def test_without_a_vendor_deadline_no_clock(clock, told):
    assert clock((0, told), as_of=50, is_vendor=True) == []


def test_a_vendor_deadline_told_later_starts_then(clock):
    told = {"vendor_due_at": at(75)}

    (row,) = clock((0, {}), (30, told), as_of=50, is_vendor=True)

    assert (row["target"], row["elapsed"]) == (75, 50)


def test_creation_after_the_first_row_starts_the_clock(clock):
    (row,) = clock((0, {"activity": "status"}), (20, {"activity": "created"}), as_of=50)

    assert (row["applied_at"], row["elapsed"], row["due_at"]) == (at(20), 30, at(260))


def test_creation_before_the_first_row_starts_the_clock(clock):
    (row,) = clock((-20, {}), (0, {"status": "open"}), as_of=50)

    assert (row["applied_at"], row["elapsed"]) == (at(-20), 70)


def test_a_ticket_that_begins_resolved_is_met(clock):
    (row,) = clock((0, {"status": "resolved"}), as_of=500)

    assert (row["state"], row["elapsed"], row["fulfilled_at"]) == ("met", 0, at(0))


# Keys that need more than one calendar, policy or kind of message


@pytest.fixture
def desk(make_event, make_events):
    """Read the clocks of one ticket under any service levels; durations in minutes."""

    def read(*changes, as_of, policies, calendars=None, **levels) -> list[dict]:
        levels = ServiceLevels(calendars or CALENDARS, tuple(policies), **levels)
        last, rows = {"priority": "low", "status": "new", "group": "a"}, []
        for number, (minute, change) in enumerate(changes):
            last |= change
            activity = last.pop("activity", "status" if number else "created")
            rows.append(make_event("1", at(minute), activity, **last))
        found = cycles(make_events(rows), levels, as_of=at(as_of)).to_dicts()
        return [
            row | {name: row[f"{name}_us"] // MINUTE_US for name in ("elapsed", "paused", "target")}
            for row in found
        ]

    return read


# Open from Monday to Friday, 9 to 17; `START` is a Monday at 9.
OFFICE = Calendar("office", hours=(((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
# From noon on.
LATE = Calendar("late", hours=(((12 * 3600, 17 * 3600),),) * 5 + ((), ()))
CALENDARS = {
    "always": Calendar("always", is_always_open=True),
    "office": OFFICE,
    "late": LATE,
}
DAY = 24 * 60


def promise(minutes: int = 240, **rule) -> Target:
    rule = {"metric": "resolution_time", "calendar": "always", **rule}
    return Target(**{"default": minutes * MINUTE_US, **rule})


def of_group(name: str) -> Conditions:
    return Conditions((Condition("group", "is", (name,)),))


def held_until(minutes: int) -> dict:
    return {"attributes": [{"key": "hold_until", "value": at(minutes).isoformat()}]}


@pytest.mark.parametrize(
    ("as_of", "state", "elapsed", "paused", "due"),
    [
        (60, "paused", 30, 30, None), (90, "running", 30, 60, 300), (100, "running", 40, 60, 300),
    ],
)  # fmt: skip
def test_a_hold_ends_at_its_instant(desk, as_of, state, elapsed, paused, due):
    (row,) = desk(
        (0, {}), (30, {"activity": "attribute", **held_until(90)}), as_of=as_of,
        policies=[SlaPolicy("only", (promise(pause_until="hold_until"),))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["paused"]) == (state, elapsed, paused)
    assert row["due_at"] == (due and at(due))


@pytest.mark.parametrize(("unit", "due"), [("working", DAY + 60), ("wall", 9 * 60)])
def test_a_pause_costs_working_or_wall_time(desk, unit, due):
    """ERPNext moves deadlines by wall-clock seconds, GLPI and Frappe by working ones."""
    rule = promise(480, calendar="office", pause_in=("waiting_requester",), pause_unit=unit)

    (row,) = desk(
        # Eight hours from 9:00, away from 10:00 to 11:00: Tuesday 10:00, or Monday 18:00.
        (0, {}), (60, {"status": "waiting_requester"}), (120, {"status": "open"}),
        as_of=130, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert row["due_at"] == at(due)


@pytest.mark.parametrize(("is_end_of_day", "due"), [(False, 4 * DAY + 60), (True, 4 * DAY + 480)])
def test_working_days_end_by_the_hour_or_the_day(desk, is_end_of_day, due):
    # From Wednesday 10:00, two working days: Friday.
    rule = promise(calendar="office", default=WorkingDays(2, is_end_of_day=is_end_of_day))

    (row,) = desk((2 * DAY + 60, {}), as_of=2 * DAY + 70, policies=[SlaPolicy("only", (rule,))])

    assert row["due_at"] == at(due)


@pytest.mark.parametrize(
    ("on_leave", "shown"),
    [("cancel", []), ("satisfy", [("met", 60, at(100))])],
)
def test_leaving_a_policy_follows_its_rule(desk, on_leave, shown):
    rule = promise(start="attached", on_leave=on_leave)

    rows = desk(
        (0, {"group": "b"}), (40, {"group": "a"}), (100, {"group": "b"}), as_of=120,
        policies=[SlaPolicy("level 1", (rule,), of_group("a"))],
    )  # fmt: skip

    assert [(row["state"], row["elapsed"], row["fulfilled_at"]) for row in rows] == shown


@pytest.mark.parametrize(
    ("keeps_ledger", "state", "breached"), [(False, "running", None), (True, "overdue", 60)]
)
def test_a_ledger_keeps_the_breach(desk, keeps_ledger, state, breached):
    rule = promise(480, by_priority={"high": 60 * MINUTE_US}, keeps_ledger=keeps_ledger)

    (row,) = desk(
        (0, {"priority": "high"}), (120, {"priority": "low"}), as_of=130,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["breached_at"]) == (state, breached and at(breached))
    assert row["recorded_breach_at"] == at(60)


@pytest.mark.parametrize(
    ("role", "channel", "replies", "state"),
    [
        ("agent", "email", Replies(), "met"),
        (None, "email", Replies(), "met"),
        ("system", "email", Replies(), "running"),
        ("system", "email", Replies(roles=("agent", "system")), "met"),
        ("agent", "auto", Replies(unless=Conditions((Condition("channel", "is", ("auto",)),))),
         "running"),
    ],
)  # fmt: skip
def test_replies_count_by_role_and_exception(desk, role, channel, replies, state):
    """Chatwoot counted bots as first responses: chatwoot/chatwoot#6409."""
    message = {"activity": "public_reply", "actor_role": role, "channel": channel}

    (row,) = desk(
        (0, {}), (30, message), as_of=60, replies=replies,
        policies=[SlaPolicy("only", (promise(metric="first_reply_time"),))],
    )  # fmt: skip

    assert row["state"] == state


@pytest.mark.parametrize(("are_notes", "state"), [(False, "running"), (True, "met")])
def test_notes_count_as_replies_if_told(desk, are_notes, state):
    (row,) = desk(
        (0, {}), (30, {"activity": "internal_note", "actor_role": "agent"}), as_of=60,
        replies=Replies(are_notes=are_notes),
        policies=[SlaPolicy("only", (promise(metric="first_reply_time"),))],
    )  # fmt: skip

    assert row["state"] == state


def test_a_void_ticket_is_cancelled(desk):
    spam = Conditions((Condition("category", "is", ("spam",)),))

    (row,) = desk(
        (0, {}), (30, {"status": "resolved"}), (50, {"category": "spam"}), as_of=60, void=spam,
        policies=[SlaPolicy("only", (promise(),))],
    )  # fmt: skip

    assert (row["state"], row["fulfilled_at"]) == ("cancelled", None)


@pytest.mark.parametrize(
    ("on_change", "calendar", "elapsed", "due"),
    [
        # From 9:00, in hours from noon on: 60 minutes at 13:00.
        ("recompute", "late", 60, 420),
        # From the change at 11:00.
        ("restart", "late", 60, 420),
        ("keep", "office", 240, 240),
    ],
)
def test_calendar_changes_follow_their_rule(desk, on_change, calendar, elapsed, due):
    by_group = CalendarChoice((("group", {"b": "late"}),), "office")
    rule = promise(calendar=by_group, on_calendar_change=on_change)

    (row,) = desk((0, {}), (120, {"group": "b"}), as_of=240, policies=[SlaPolicy("only", (rule,))])

    assert (row["calendar"], row["elapsed"], row["due_at"]) == (calendar, elapsed, at(due))


@pytest.mark.parametrize(
    ("on_change", "policy", "elapsed", "due"),
    [("recompute", "second", 130, 60), ("restart", "second", 30, 160), ("keep", "first", 130, 240)],
)
def test_policy_changes_follow_their_rule(desk, on_change, policy, elapsed, due):
    first = SlaPolicy("first", (promise(240),), of_group("a"), on_policy_change=on_change)
    second = SlaPolicy("second", (promise(60),), of_group("b"))

    (row,) = desk((0, {}), (100, {"group": "b"}), as_of=130, policies=[first, second])

    assert (row["policy"], row["elapsed"], row["due_at"]) == (policy, elapsed, at(due))


def test_a_restart_holds_in_the_calendar_that_comes_with_it(desk):
    by_category = CalendarChoice((("category", {"x": "office"}),), "late")
    first = SlaPolicy("first", (promise(60),), of_group("a"), on_policy_change="restart")
    second = SlaPolicy("second", (promise(60, calendar=by_category),), of_group("b"))

    # The second policy begins in late hours and moves to the office's in the same instant.
    (row,) = desk(
        (0, {}), (100, {"group": "b"}), (100, {"category": "x"}), as_of=130,
        policies=[first, second],
    )  # fmt: skip

    assert (row["calendar"], row["elapsed"], row["due_at"]) == ("office", 30, at(160))


def test_a_priority_that_changed_under_another_policy_restarts_that_clock(desk):
    rule = promise(by_priority=TARGETS, on_priority_change="restart")
    policies = [SlaPolicy("first", (rule,), of_group("a")), SlaPolicy("rest", (rule,))]

    (row,) = desk(
        (0, {}), (20, {"priority": "high"}), (30, {"group": "b"}), as_of=40, policies=policies
    )  # fmt: skip

    assert (row["policy"], row["elapsed"], row["due_at"]) == ("rest", 20, at(80))


def test_a_change_while_resolved_restarts_at_the_reopening(desk):
    rule = promise(by_priority=TARGETS, on_priority_change="restart")

    (row,) = desk(
        (0, {}), (10, {"status": "resolved"}), (20, {"priority": "high"}), (50, {"status": "open"}),
        as_of=60, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["elapsed"], row["due_at"]) == (10, at(110))


def test_a_breach_lasts_through_a_calendar_and_back(desk):
    by_group = CalendarChoice((("group", {"b": "office"}),), "always")

    (row,) = desk(
        (0, {}), (120, {"group": "b"}), (180, {"group": "a"}), as_of=200,
        policies=[SlaPolicy("only", (promise(60, calendar=by_group),))],
    )  # fmt: skip

    assert (row["state"], row["breached_at"], row["recorded_breach_at"]) == (
        "overdue", at(60), at(60),
    )  # fmt: skip


def test_an_answer_that_cancels_keeps_its_deadline_when_the_ticket_comes_back(desk):
    rule = promise(60, metric="first_reply_time")
    answer = {"activity": "public_reply", "actor_role": "agent", "status": "cancelled"}

    (row,) = desk(
        (0, {}), (10, answer), (500, {"status": "open"}), as_of=510,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["due_at"]) == ("met", 10, at(60))


def test_what_comes_after_its_policy_left_is_not_the_clocks(desk):
    policies = [SlaPolicy("only", (promise(start="attached"),), of_group("a"))]

    (row,) = desk(
        (0, {}), (10, {"status": "resolved"}), (20, {"group": "b"}), (30, {"status": "open"}),
        as_of=600, policies=policies,
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["fulfilled_at"]) == ("met", 10, at(10))


@pytest.mark.parametrize("others", [0, 1])
def test_a_day_without_open_hours_is_due_whatever_tickets_come_before(
    make_event, make_events, others
):
    sunday = 6 * DAY
    rule = promise(calendar="office", default=WorkingDays(1))
    rows = [make_event("0", at(0), "created")] * others + [make_event("1", at(sunday), "created")]
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,)),))

    found = cycles(make_events(rows), levels, as_of=at(sunday + 60)).to_dicts()

    assert found[-1]["due_at"] == at(7 * DAY)


# Standing still in wall time: 8 hours from Monday 9:00 are due at 17:00


@pytest.mark.parametrize(
    ("changes", "as_of", "state", "elapsed", "due"),
    [
        # Resolved from 10:00 to 12:00: due at 19:00.
        ([(60, "resolved"), (180, "open")], 240, "running", 240, 600),
        # Over since Monday 17:00: a pause on Tuesday moves that into closed hours, no more.
        ([(DAY + 60, "waiting_requester"), (DAY + 120, "open")], DAY + 130, "overdue", 610, 480),
        # Resolved straight out of a pause of two hours: due at 19:00, nothing used since 10:00.
        ([(60, "waiting_requester"), (180, "resolved")], 240, "met", 60, 600),
        # A note while it waits changes nothing.
        ([(60, "waiting_requester"), (70, "waiting_requester")], 90, "paused", 60, None),
    ],
)  # fmt: skip
def test_standing_still_moves_the_deadline_by_wall_time(desk, changes, as_of, state, elapsed, due):
    rule = promise(480, calendar="office", pause_in=("waiting_requester",), pause_unit="wall")

    (row,) = desk(
        (0, {}), *((minute, {"status": to}) for minute, to in changes), as_of=as_of,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"]) == (state, elapsed)
    assert row["due_at"] == (due and at(due))


def test_a_hold_in_wall_time_ends_at_its_instant(desk):
    rule = promise(480, calendar="office", pause_until="hold_until", pause_unit="wall")

    (row,) = desk(
        (0, {}), (30, {"activity": "attribute", **held_until(90)}), as_of=100,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    # Due at 18:00: from 10:40 on, six hours and twenty minutes are open until then.
    assert (row["state"], row["elapsed"], row["paused"], row["due_at"]) == (
        "running", 100, 60, at(540),
    )  # fmt: skip


@pytest.mark.parametrize(("as_of", "elapsed"), [(60, 30), (90, 30), (100, 40)])
def test_a_hold_in_wall_time_uses_nothing_in_open_hours(desk, as_of, elapsed):
    rule = promise(240, calendar="office", pause_until="hold_until", pause_unit="wall")

    (row,) = desk(
        (0, {}), (30, {"activity": "attribute", **held_until(90)}), as_of=as_of,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert row["elapsed_us"] == elapsed * MINUTE_US


@pytest.mark.parametrize(("as_of", "due"), [(89, None), (90, 240)])
def test_a_deadline_hidden_until_an_instant_is_shown_from_it_on(desk, as_of, due):
    rule = promise(pause_until="hold_until", pause_mode="hide")

    (row,) = desk(
        (0, {}), (30, {"activity": "attribute", **held_until(90)}), as_of=as_of,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["due_at"]) == ("running", due and at(due))


def test_holds_of_one_log_may_have_different_forms(make_event, make_events):
    told = ("2024-04-01T10:30:00Z", "2024-04-01 10:30", "2024-04-01T10:30:00.000", "2024-04-02")
    rows = [
        make_event(
            str(number), at(0), "created", attributes=[{"key": "hold_until", "value": form}]
        )
        for number, form in enumerate(told)
    ]  # fmt: skip
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (promise(pause_until="hold_until"),)),))

    found = cycles(make_events(rows), levels, as_of=at(120))

    assert (found["elapsed_us"] // MINUTE_US).to_list() == [30, 30, 30, 0]


@pytest.mark.parametrize(
    ("told", "held_for"),
    [
        ("2024-04-01T10:30:00Z", 60),
        ("2024-04-01T12:30:00+02:00", 60),
        ("2024-04-01T10:30:00.250", 60),
        (" 2024-04-01 10:30:00 ", 60),
        ("2024-04-01 10:30", 60),
        # Midnight has passed.
        ("2024-04-01", 0),
        ("2024-04-02", 14 * 60 + 30),
        ("next week", 0),
        (None, 0),
    ],
)
def test_a_hold_is_read_in_any_usual_form(desk, told, held_for):
    hold = {"activity": "attribute", "attributes": [{"key": "hold_until", "value": told}]}
    rule = promise(pause_until="hold_until")

    (row,) = desk((0, {}), (30, hold), as_of=DAY, policies=[SlaPolicy("only", (rule,))])

    assert row["paused"] == held_for


@pytest.mark.parametrize("as_of", [60, 70])
def test_waiting_in_closed_hours_uses_nothing_by_wall_time(desk, as_of):
    rule = promise(480, calendar="late", pause_in=("waiting_requester",), pause_unit="wall")

    # Due on Tuesday at 15:00; half an hour later, with the office still closed.
    (row,) = desk(
        (0, {}), (30, {"status": "waiting_requester"}), (60, {"status": "open"}), as_of=as_of,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["elapsed_us"], row["due_at"]) == (0, at(DAY + 390))


def test_an_overdue_clock_keeps_the_deadline_that_a_pause_had_moved(desk):
    rule = promise(240, calendar="office", pause_in=("waiting_requester",), pause_unit="wall")

    # Four hours from 9:00 and one of waiting: due at 14:00, and still so at later rows.
    (row,) = desk(
        (0, {}), (60, {"status": "waiting_requester"}), (120, {"status": "open"}),
        (330, {"category": "x"}), (340, {"category": "y"}), as_of=350,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["due_at"], row["breached_at"]) == ("overdue", at(300), at(300))
    assert row["elapsed"] == 290


@pytest.mark.parametrize(
    ("reset_by", "until", "who", "shown"),
    [
        (("agent",), "", "agent", [("met", 100), ("running", 60)]),
        (("agent",), "", "requester", [("running", 160)]),
        (("requester",), "", "requester", [("met", 100), ("running", 60)]),
        (("requester",), "", "agent", [("running", 160)]),
        (("agent", "requester"), "", "requester", [("met", 100), ("running", 60)]),
        (("agent",), "requester", "requester", [("met", 100)]),
    ],
)
def test_updates_are_due_from_the_contacts_that_count(desk, reset_by, until, who, shown):
    rule = promise(metric="periodic_update_time", reset_by=reset_by, until=until)
    activity = "public_reply" if who == "agent" else "requester_message"

    rows = desk(
        (0, {}), (100, {"activity": activity, "actor_role": who}), as_of=160,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert [(row["state"], row["elapsed"]) for row in rows] == shown


@pytest.mark.parametrize(
    ("starts", "shown"), [(True, [("met", 100), ("running", 60)]), (False, [("running", 60)])]
)
def test_updates_start_with_the_ticket_or_its_first_contact(desk, starts, shown):
    rule = promise(metric="periodic_update_time", starts_at_creation=starts)
    answer = {"activity": "public_reply", "actor_role": "agent"}

    rows = desk((0, {}), (100, answer), as_of=160, policies=[SlaPolicy("only", (rule,))])

    assert [(row["state"], row["elapsed"]) for row in rows] == shown


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        # The status counts as an answer, and the next update is due from it.
        ({"status": "on_hold"}, [("met", 100), ("running", 60)]),
        # One that ends the work starts nothing, though it is named.
        ({"status": "resolved"}, [("met", 100)]),
        ({"status": "open"}, [("running", 160)]),
    ],
)
def test_a_status_may_count_as_an_update(desk, change, shown):
    rule = promise(metric="periodic_update_time", reply_statuses=("on_hold", "resolved"))

    rows = desk((0, {}), (100, change), as_of=160, policies=[SlaPolicy("only", (rule,))])

    assert [(row["state"], row["elapsed"]) for row in rows] == shown


def test_updates_of_the_desk_by_status_are_none_of_the_requesters(desk):
    rule = promise(
        metric="periodic_update_time", reset_by=("requester",), reply_statuses=("on_hold",)
    )

    (row,) = desk(
        (0, {}), (100, {"status": "on_hold"}), as_of=160, policies=[SlaPolicy("only", (rule,))]
    )  # fmt: skip

    assert (row["state"], row["elapsed"]) == ("running", 160)


def test_a_contact_before_the_policy_covers_the_ticket_starts_no_update(desk):
    rule = promise(metric="periodic_update_time", start="attached")
    answer = {"activity": "public_reply", "actor_role": "agent", "group": "b"}

    (row,) = desk(
        (0, {"group": "b"}), (50, answer), (100, {"group": "a"}), (130, {"category": "x"}),
        as_of=160,
        policies=[SlaPolicy("only", (rule,), of_group("a"))],
    )  # fmt: skip

    assert (row["cycle"], row["applied_at"], row["elapsed"]) == (1, at(100), 60)


def test_time_resolved_adds_up_over_reopenings_and_tickets(make_event, make_events):
    told = [(0, "new"), (10, "resolved"), (50, "open"), (60, "resolved"), (100, "open")]
    rows = [
        make_event(ticket, at(minute), "status" if minute else "created", status=to)
        for ticket in ("1", "2")
        for minute, to in told
    ]
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (promise(),)),))

    found = cycles(make_events(rows), levels, as_of=at(110))

    assert (found["elapsed_us"] // MINUTE_US).to_list() == [30, 30]
    assert (found["paused_us"] // MINUTE_US).to_list() == [80, 80]


@pytest.mark.parametrize(
    ("changes", "elapsed"),
    [
        # Reopened at noon to wait for the requester: it stands still since it was resolved.
        ([(60, {"status": "resolved"}), (180, {"status": "waiting_requester"})], 60),
        # A wait that goes on after the reopening is one standstill with the one before the stop.
        (
            [
                (30, {"status": "waiting_requester"}),
                (60, {"status": "resolved"}),
                (180, {"status": "waiting_requester"}),
            ],
            30,
        ),
        # A hold that ended before the wait began was another one: due at 17:30 as the wait begins.
        ([(30, held_until(60)), (90, {"status": "waiting_requester"})], 90),
        # Reopened to be worked on: due at 19:00, five open hours are left at 12:00.
        ([(60, {"status": "resolved"}), (180, {"status": "open"})], 180 + 20),
        # A hold that ends as the wait begins is one standstill, since 9:30.
        ([(30, held_until(90)), (90, {"status": "waiting_requester"})], 30),
    ],
)
def test_a_standstill_in_wall_time_shows_what_was_used_as_it_began(desk, changes, elapsed):
    rule = promise(
        480, calendar="office", pause_in=("waiting_requester",), pause_until="hold_until",
        pause_unit="wall",
    )  # fmt: skip

    (row,) = desk((0, {}), *changes, as_of=200, policies=[SlaPolicy("only", (rule,))])

    state = "running" if changes[-1][1].get("status") == "open" else "paused"
    assert (row["state"], row["elapsed"]) == (state, elapsed)


def test_a_stop_that_counts_is_no_part_of_the_standstill_after_it(desk):
    """With `on_reopen = "count"` the two hours until noon were used."""
    rule = promise(
        480, calendar="office", pause_in=("waiting_requester",), pause_unit="wall",
        on_reopen="count",
    )  # fmt: skip
    changes = [(60, {"status": "resolved"}), (180, {"status": "waiting_requester"})]

    (row,) = desk((0, {}), *changes, as_of=200, policies=[SlaPolicy("only", (rule,))])

    assert (row["state"], row["elapsed"]) == ("paused", 180)


def test_a_longer_target_is_passed_where_the_pauses_had_moved_it_by_then(desk):
    """High is due at 10:20, moved by twenty minutes; low, by thirty, at 11:30."""
    rule = promise(
        calendar="office", pause_in=("waiting_requester",), pause_unit="wall",
        by_priority={"high": 60 * MINUTE_US, "low": 120 * MINUTE_US},
    )  # fmt: skip
    waits, works = {"status": "waiting_requester"}, {"status": "open"}

    (row,) = desk(
        (0, {"priority": "high"}), (20, waits), (40, works), (100, waits), (110, works),
        (160, works), (200, {"priority": "low"}), as_of=210, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["due_at"]) == ("overdue", 180, at(150))
    assert row["breached_at"] == at(80)


def test_a_deadline_that_had_come_but_not_passed_moves_with_time_spent_cancelled(desk):
    """Due at 10:00, cancelled from then on, and answered a minute later: due at 10:01."""
    rule = Target(
        "periodic_update_time", "office", default=60 * MINUTE_US, starts_at_creation=True,
        pause_unit="wall",
    )  # fmt: skip

    first, second = desk(
        (0, {}), (60, {"status": "cancelled"}), (61, {**ANSWERS, "status": "open"}),
        as_of=61, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (first["state"], first["elapsed"], first["due_at"]) == ("met", 60, at(61))
    assert (second["state"], second["due_at"]) == ("running", at(121))


@pytest.mark.parametrize(
    ("changes", "as_of", "shown"),
    [
        # Due at 10:00, held from 10:30 to the next 9:30: late all the same, by what was due then.
        ([(90, held_until(DAY + 30))], DAY + 30, ("overdue", 60, 60)),
        # Held from 10:30 to 17:30: then due at 17:00 and on time, until the desk opens.
        ([(90, held_until(510))], 510, ("running", 480, None)),
        ([(90, held_until(510))], DAY + 30, ("overdue", 480, 480)),
        # Cancelled instead, and a note later on: told by the row as by the agreed moment.
        ([(90, {"status": "cancelled"}), (510, {"status": "new"})], 510, ("running", 480, None)),
        (
            [(90, {"status": "cancelled"}), (510, {"status": "new"}), (DAY + 10, {})],
            DAY + 30,
            ("overdue", 480, 480),
        ),
    ],
)
def test_a_deadline_that_a_standstill_moved_out_of_open_hours_has_yet_to_pass(
    desk, changes, as_of, shown
):
    rule = promise(60, calendar="office", pause_until="hold_until", pause_unit="wall")

    (row,) = desk((0, {}), *changes, as_of=as_of, policies=[SlaPolicy("only", (rule,))])

    state, due, breached = shown
    assert (row["state"], row["due_at"]) == (state, at(due))
    assert row["breached_at"] == (breached and at(breached))
    # The first miss stands in the ledger.
    assert row["recorded_breach_at"] == at(60)


ASKS = {"activity": "requester_message", "actor_role": "requester"}
ANSWERS = {"activity": "public_reply", "actor_role": "agent"}


@pytest.mark.parametrize(
    ("changes", "as_of", "shown"),
    [
        # A question that waits when the policy comes waits from then on.
        ([(0, {"group": "b"}), (20, ASKS), (50, {"group": "a"})], 80, [("running", 50, 30)]),
        (
            [(0, {"group": "b"}), (20, ASKS), (50, {"group": "a"}), (70, ANSWERS)],
            80,
            [("met", 50, 20)],
        ),
        # One that was answered before is none of its business.
        ([(0, {"group": "b"}), (20, ASKS), (30, ANSWERS), (50, {"group": "a"})], 80, []),
        # Nor is one that comes after it has left.
        (
            [(0, {}), (10, ASKS), (20, ANSWERS), (30, {"group": "b"}), (40, ASKS)],
            60,
            [("met", 10, 10)],
        ),
        # It begins anew when it comes back.
        (
            [
                *[(0, {}), (10, ASKS), (20, ANSWERS), (30, {"group": "b"}), (40, ASKS)],
                *[(70, {"group": "a"}), (80, {"category": "x"})],
            ],
            90,
            [("met", 10, 10), ("running", 70, 20)],
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("on_leave", ["cancel", "satisfy"])
def test_a_next_reply_of_a_policy_waits_while_it_covers(desk, changes, as_of, shown, on_leave):
    rule = promise(
        metric="next_reply_time", start="attached", include_first=True, on_leave=on_leave
    )  # fmt: skip

    rows = desk(*changes, as_of=as_of, policies=[SlaPolicy("only", (rule,), of_group("a"))])

    assert [(row["state"], row["applied_at"], row["elapsed"]) for row in rows] == [
        (state, at(begun), elapsed) for state, begun, elapsed in shown
    ]


def test_a_next_reply_that_starts_by_itself_waits_whatever_policy_covers_it(desk):
    rule = promise(metric="next_reply_time", include_first=True)

    (row,) = desk(
        (0, {"group": "b"}), (20, ASKS), (50, {"group": "a"}), as_of=80,
        policies=[SlaPolicy("only", (rule,), of_group("a"))],
    )  # fmt: skip

    assert (row["state"], row["applied_at"], row["elapsed"]) == ("running", at(20), 60)


def test_what_is_final_under_a_policy_begins_anew_when_it_comes_back(desk):
    rule = promise(start="attached", on_reopen="final")

    rows = desk(
        (0, {}), (10, {"status": "resolved"}), (20, {"group": "b"}),
        (30, {"group": "a", "status": "open"}), as_of=40,
        policies=[SlaPolicy("only", (rule,), of_group("a"))],
    )  # fmt: skip

    assert [(row["state"], row["elapsed"]) for row in rows] == [("met", 10), ("running", 10)]


@pytest.mark.parametrize(("on_leave", "states"), [("cancel", []), ("satisfy", ["met"])])
@pytest.mark.parametrize("metric", ["next_reply_time", "periodic_update_time", "first_reply_time"])
def test_a_wait_that_its_policy_leaves_follows_its_rule(desk, metric, on_leave, states):
    rule = promise(metric=metric, start="attached", include_first=True, on_leave=on_leave)

    rows = desk(
        (0, {"activity": "created+requester_message"}), (30, {"group": "b"}), as_of=60,
        policies=[SlaPolicy("only", (rule,), of_group("a"))],
    )  # fmt: skip

    assert [row["state"] for row in rows] == states


@pytest.mark.parametrize(("on_close", "state"), [("satisfy", "met"), ("ignore", "running")])
@pytest.mark.parametrize("metric", ["periodic_update_time", "first_reply_time", "ownership_time"])
def test_a_wait_whose_policy_comes_to_a_closed_ticket_is_over(desk, metric, on_close, state):
    rule = promise(metric=metric, start="attached", on_close=on_close)

    (row,) = desk(
        (0, {"group": "b"}), (30, {"status": "resolved"}),
        (50, {"group": "a", "activity": "attribute"}), as_of=60,
        policies=[SlaPolicy("only", (rule,), of_group("a"))],
    )  # fmt: skip

    assert (row["state"], row["applied_at"]) == (state, at(50))


def test_a_ticket_that_a_policy_left_says_nothing_of_the_next_one(make_event, make_events):
    rule = promise(
        metric="next_reply_time", start="attached", include_first=True, on_leave="satisfy"
    )
    asked = "created+requester_message"
    rows = [
        make_event("1", at(0), asked, group="a"),
        make_event("1", at(10), "attribute", group="b"),
        make_event("2", at(0), "created", group="a"),
        make_event("2", at(20), "requester_message", group="a"),
    ]
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,), of_group("a")),))

    found = cycles(make_events(rows), levels, as_of=at(60))

    assert found.select("ticket_id", "state").rows() == [("1", "met"), ("2", "running")]


@pytest.mark.parametrize("metric", ["first_reply_time", "ownership_time"])
def test_an_answer_before_its_policy_came_is_no_answer_to_it(desk, metric):
    did = ANSWERS if metric == "first_reply_time" else {"assignee": "ann"}

    (row,) = desk(
        (0, {"group": "b"}), (20, did), (30, {"assignee": None}),
        (50, {"group": "a", "activity": "attribute"}), as_of=60,
        policies=[SlaPolicy("only", (promise(metric=metric, start="attached"),), of_group("a"))],
    )  # fmt: skip

    assert (row["state"], row["applied_at"], row["elapsed"]) == ("running", at(50), 10)


@pytest.mark.parametrize("unit", ["working", "wall"])
def test_a_shorter_target_was_used_up_long_ago_for_each_ticket_alone(make_event, make_events, unit):
    # Each waits for the requester from 20 to 30; an hour is used up after 70 minutes.
    told = [
        (0, "low", "new"), (20, "low", "waiting_requester"), (30, "low", "open"),
        (50, "low", "open"), (65, "low", "open"), (100, "low", "open"), (200, "high", "open"),
        (230, "high", "open"),
    ]  # fmt: skip
    starts = {"1": 0, "2": 1000, "3": 400, "4": 400}
    rows = [
        make_event(
            ticket, at(start + minute), "status" if minute else "created",
            priority=priority, status=status,
        )
        for ticket, start in starts.items()
        for minute, priority, status in told
    ]  # fmt: skip
    rule = promise(by_priority=TARGETS, pause_in=("waiting_requester",), pause_unit=unit)
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,)),))

    found = cycles(make_events(rows), levels, as_of=at(2000))

    assert found["due_at"].to_list() == [at(start + 70) for start in starts.values()]
    assert found["breached_at"].to_list() == [at(start + 200) for start in starts.values()]


def test_a_clock_that_met_exactly_has_nothing_in_its_ledger(clock):
    (row,) = clock((0, {}), (240, {"status": "resolved"}), (300, {"status": "closed"}), as_of=900)

    assert (row["state"], row["recorded_breach_at"]) == ("met", None)


@pytest.mark.parametrize(("as_of", "state"), [(75, "paused"), (76, "overdue")])
def test_a_vendor_deadline_is_over_after_it_also_while_the_ticket_waits(clock, as_of, state):
    (row,) = clock(
        (0, {"vendor_due_at": at(75)}), (30, {"status": "waiting_requester"}), as_of=as_of,
        is_vendor=True,
    )  # fmt: skip

    assert row["state"] == state


def test_a_vendor_deadline_passes_while_the_ticket_waits(clock):
    (row,) = clock(
        (0, {"vendor_due_at": at(75)}), (30, {"status": "waiting_requester"}),
        (100, {"status": "open"}), as_of=120, is_vendor=True,
    )  # fmt: skip

    assert (row["state"], row["breached_at"]) == ("overdue", at(75))


@pytest.mark.parametrize("later", [{"status": "closed"}, {"category": "x"}])
def test_a_vendor_deadline_that_was_met_stays_met(clock, later):
    (row,) = clock(
        (0, {"vendor_due_at": at(75)}), (30, {"status": "resolved"}), (90, later),
        as_of=120, is_vendor=True,
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["breached_at"]) == ("met", 30, None)


def test_a_ticket_reopened_after_the_vendor_deadline_is_over_time(clock):
    (row,) = clock(
        (0, {"vendor_due_at": at(75)}), (30, {"status": "resolved"}), (90, {"status": "open"}),
        as_of=120, is_vendor=True,
    )  # fmt: skip

    assert (row["state"], row["breached_at"]) == ("overdue", at(90))


def test_a_clock_that_stops_out_of_a_pause_shows_the_deadline_it_would_have_had(clock):
    (row,) = clock(
        (0, {}), (60, {"status": "waiting_requester"}), (120, {"status": "resolved"}), as_of=900
    )

    assert (row["state"], row["elapsed"], row["due_at"]) == ("met", 60, at(300))


def test_a_target_used_up_as_the_office_closes_was_due_then(desk):
    (row,) = desk(
        (0, {}), (540, {"category": "x"}), as_of=550,
        policies=[SlaPolicy("only", (promise(480, calendar="office"),))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["due_at"]) == ("running", 480, at(480))


@pytest.mark.parametrize(
    ("minutes", "changes", "elapsed", "due"),
    [
        # From 15:00, due on Tuesday at 11:00; three hours of waiting in the evening: at 14:00.
        (
            240,
            [
                (360, {}),
                (510, {"status": "waiting_requester"}),
                (690, {"status": "open"}),
                (DAY + 270, {"category": "x"}),
                (DAY + 285, {"status": "resolved"}),
            ],
            225,
            DAY + 300,
        ),
        # Due at 17:00, as the office closes.
        (
            480,
            [
                (0, {}),
                (420, {"category": "x"}),
                (540, {"category": "y"}),
                (600, {"status": "resolved"}),
            ],
            480,
            480,
        ),
    ],
)
def test_a_deadline_in_wall_time_is_missed_only_in_open_hours(desk, minutes, changes, elapsed, due):
    rule = promise(minutes, calendar="office", pause_in=("waiting_requester",), pause_unit="wall")

    (row,) = desk(*changes, as_of=3 * DAY, policies=[SlaPolicy("only", (rule,))])

    assert (row["state"], row["elapsed"], row["recorded_breach_at"]) == ("met", elapsed, None)
    assert row["due_at"] == at(due)


def test_a_vendor_deadline_passes_in_closed_hours(desk):
    (row,) = desk(
        (0, {"vendor_due_at": at(540)}), (600, {"category": "x"}), (610, {"status": "resolved"}),
        as_of=700, policies=[SlaPolicy("only", (promise(calendar="office", is_vendor=True),))],
    )  # fmt: skip

    assert (row["state"], row["breached_at"]) == ("missed", at(540))


def test_a_ledger_keeps_the_first_of_several_breaches(desk):
    rule = promise(by_priority=TARGETS, keeps_ledger=True)

    (row,) = desk(
        (0, {"priority": "high"}), (100, {"priority": "low"}), (250, {"category": "x"}),
        (260, {"category": "y"}), as_of=300, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["state"], row["breached_at"]) == ("overdue", at(60))


def test_a_ledger_keeps_a_breach_from_the_first_instant(desk):
    (row,) = desk(
        (0, {"vendor_due_at": at(-10)}), (30, {"vendor_due_at": at(200)}), (250, {"category": "x"}),
        as_of=260, policies=[SlaPolicy("only", (promise(is_vendor=True, keeps_ledger=True),))],
    )  # fmt: skip

    assert row["breached_at"] == at(0)


def test_a_new_cycle_has_a_ledger_of_its_own(desk):
    rule = promise(on_reopen="restart", keeps_ledger=True)

    rows = desk(
        (0, {}), (250, {"status": "resolved"}), (300, {"status": "open"}), (600, {"category": "x"}),
        as_of=700, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert [row["breached_at"] for row in rows] == [at(240), at(540)]
    assert [row["recorded_breach_at"] for row in rows] == [at(240), at(540)]


def test_time_spent_cancelled_moves_the_deadline_by_wall_time(desk):
    rule = promise(480, calendar="office", pause_in=("waiting_requester",), pause_unit="wall")

    (row,) = desk(
        (0, {}), (60, {"status": "cancelled"}), (180, {"status": "open"}), as_of=240,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    # Six hours are left at 11:00, and four of them are open until 17:00.
    assert (row["state"], row["elapsed"], row["due_at"]) == ("running", 240, at(600))


MET_BY_B = [("b", "met", 100, at(240), 60)]


@pytest.mark.parametrize(
    ("start", "on_leave", "shown"),
    [
        ("created", "cancel", MET_BY_B),
        ("created", "satisfy", MET_BY_B),
        ("attached", "cancel", [("b", "met", 0, at(340), None)]),
        (
            "attached",
            "satisfy",
            [("a", "missed", 100, at(60), 60), ("b", "met", 0, at(340), None)],
        ),
    ],
)
def test_a_ticket_resolved_as_it_leaves_is_judged_by_where_it_goes(desk, start, on_leave, shown):
    policies = [
        SlaPolicy(name, (promise(minutes, start=start, on_leave=on_leave),), of_group(name))
        for name, minutes in (("a", 60), ("b", 240))
    ]

    rows = desk((0, {}), (100, {"group": "b", "status": "resolved"}), as_of=240, policies=policies)

    recorded = [row["recorded_breach_at"] for row in rows]
    assert [each and round((each - START).total_seconds() / 60) for each in recorded] == [
        each[-1] for each in shown
    ]
    told = [(row["policy"], row["state"], row["elapsed"], row["due_at"]) for row in rows]
    assert told == [each[:-1] for each in shown]


@pytest.mark.parametrize(
    ("until", "as_of", "state", "elapsed", "paused", "due"),
    [
        (90, 210, "running", 150, 60, 300),
        (300, 210, "paused", 30, 180, None),
        # Told too late.
        (20, 210, "running", 210, 0, 240),
        (90, 301, "overdue", 241, 60, 300),
    ],
)
def test_a_hold_ends_at_its_instant_whatever_comes_after(
    desk, until, as_of, state, elapsed, paused, due
):
    (row,) = desk(
        (0, {}), (30, {"activity": "attribute", **held_until(until)}), (200, {"category": "x"}),
        as_of=as_of, policies=[SlaPolicy("only", (promise(pause_until="hold_until"),))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["paused"]) == (state, elapsed, paused)
    assert row["due_at"] == (due and at(due))


@pytest.mark.parametrize("metric", ["first_reply_time", "resolution_time", "agent_work_time"])
@pytest.mark.parametrize("start", ["created", "attached"])
def test_every_metric_restarts_by_priority(desk, metric, start):
    rule = promise(metric=metric, by_priority=TARGETS, start=start, on_priority_change="restart")

    (row,) = desk(
        (0, {"group": "b"}), (10, {"group": "a"}), (30, {"priority": "high"}), as_of=40,
        policies=[SlaPolicy("only", (rule,), of_group("a"))],
    )  # fmt: skip

    assert (row["state"], row["elapsed"], row["due_at"]) == ("running", 10, at(90))


def test_the_ticket_before_restarts_nothing(make_event, make_events):
    rule = promise(by_priority=TARGETS, on_priority_change="restart")
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,), of_group("a")),))
    rows = [
        make_event("1", at(0), "created", status="new", priority="low", group="a"),
        make_event("2", at(0), "created", status="new", priority="high", group="b"),
        make_event("2", at(30), "status", status="new", priority="high", group="a"),
    ]

    found = cycles(make_events(rows), levels, as_of=at(40))

    assert found["due_at"].to_list() == [at(240), at(60)]


BY_GROUP = CalendarChoice((("group", {"b": "late"}),), "office")


@pytest.mark.parametrize(
    ("on_change", "elapsed", "due"),
    # Four hours from noon on; from 14:00 on: three today, one tomorrow.
    [("recompute", 150, 420), ("restart", 30, DAY + 240)],
)
def test_a_calendar_that_changes_in_open_hours_counts_by_its_rule(desk, on_change, elapsed, due):
    rule = promise(calendar=BY_GROUP, on_calendar_change=on_change)

    (row,) = desk(
        (0, {}), (60, {"category": "x"}), (300, {"group": "b"}), (310, {"category": "y"}),
        as_of=330, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (row["calendar"], row["elapsed"], row["due_at"]) == ("late", elapsed, at(due))


def test_another_calendar_of_another_policy_goes_by_the_policys_rule(desk):
    first = SlaPolicy("first", (promise(calendar="office"),), of_group("a"))
    late = promise(calendar="late", on_calendar_change="restart")

    (row,) = desk(
        (0, {}), (300, {"group": "b"}), as_of=330, policies=[first, SlaPolicy("rest", (late,))]
    )

    assert (row["policy"], row["elapsed"], row["due_at"]) == ("rest", 150, at(420))


def test_without_a_change_nothing_restarts(desk):
    restart = {"on_priority_change": "restart", "on_calendar_change": "restart"}
    rule = promise(by_priority=TARGETS, calendar=BY_GROUP, pause_until="hold_until", **restart)
    only = SlaPolicy("only", (rule,), of_group("a"), on_policy_change="restart")

    (row,) = desk((0, {}), (60, {"category": "x"}), as_of=70, policies=[only])

    assert (row["elapsed"], row["due_at"]) == (70, at(240))


def test_a_vendor_deadline_holds_for_a_ticket_resolved_as_it_comes_back(desk):
    (row,) = desk(
        (0, {"vendor_due_at": at(75)}), (30, {"group": "b"}),
        (60, {"group": "a", "status": "resolved"}), as_of=240,
        policies=[SlaPolicy("only", (promise(is_vendor=True),), of_group("a"))],
    )  # fmt: skip

    assert (row["state"], row["due_at"]) == ("met", at(75))


def test_a_clock_cancelled_as_it_comes_back_has_no_deadline(desk):
    (row,) = desk(
        (0, {}), (30, {"group": "b"}), (60, {"group": "a", "status": "cancelled"}), as_of=240,
        policies=[SlaPolicy("only", (promise(),), of_group("a"))],
    )  # fmt: skip

    assert (row["state"], row["due_at"]) == ("cancelled", None)


def test_a_hold_a_resolution_and_a_reopening_add_up_to_the_microsecond(desk):
    (row,) = desk(
        (0, {}), (30, {"activity": "attribute", **held_until(90)}), (100, {"status": "resolved"}),
        (160, {"status": "open"}), as_of=200,
        policies=[SlaPolicy("only", (promise(pause_until="hold_until"),))],
    )  # fmt: skip

    assert (row["elapsed_us"], row["paused_us"]) == (80 * MINUTE_US, 120 * MINUTE_US)


def test_a_later_cycle_remembers_its_own_breach(desk):
    rule = promise(
        480, by_priority={"high": 240 * MINUTE_US}, on_reopen="restart", keeps_ledger=True
    )

    rows = desk(
        (0, {"priority": "high"}), (250, {"status": "resolved"}), (300, {"status": "open"}),
        (600, {"category": "x"}), (650, {"priority": "low"}), as_of=660,
        policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert [row["recorded_breach_at"] for row in rows] == [at(240), at(540)]


@pytest.mark.parametrize("on_leave", ["cancel", "satisfy"])
def test_an_unknown_priority_is_named_under_a_policy_that_starts_the_clock(desk, on_leave):
    rule = Target(
        "resolution_time", "always", by_priority=TARGETS, start="attached", on_leave=on_leave
    )

    with pytest.raises(UnknownTargetError, match="urgent"):
        desk((0, {"priority": "urgent"}), as_of=10, policies=[SlaPolicy("only", (rule,))])


def test_unknown_priorities_are_told_with_what_would_do():
    caught = UnknownTargetError("gold", "resolution_time", (("urgent", 2), ("weird", 1)))

    assert str(caught) == (
        "Policy 'gold' has no resolution_time target for priority 'urgent' (2 tickets), 'weird' "
        "(1 tickets); add it, or a `default`, to that target in sla.toml, or map the value in "
        "map.toml."
    )


@pytest.mark.parametrize(("recorded", "due"), [(30, 75), (0, None)])
def test_a_vendor_deadline_that_came_with_the_creation_holds_from_it(
    make_event, make_events, recorded, due
):
    """A derived row of the creation is recorded with the row that told the deadline."""
    rule = promise(is_vendor=True, on_priority_change="keep")
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,)),))
    rows = [
        make_event("0", at(0), "created", vendor_due_at=at(40)),
        make_event("1", at(0), "created", recorded_at=at(recorded)),
        make_event("1", at(30), "status", recorded_at=at(30), vendor_due_at=at(75)),
        make_event("1", at(35), "status", recorded_at=at(35), vendor_due_at=at(90)),
    ]

    found = cycles(make_events(rows), levels, as_of=at(50)).filter(ticket_id="1")

    assert found["due_at"].to_list() == ([] if due is None else [at(due)])


def test_a_kept_target_is_that_of_the_first_row_under_the_policy(make_event, make_events):
    rule = promise(by_priority=TARGETS, on_priority_change="keep")
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,), of_group("a")),))
    rows = [
        row
        for ticket in "12"
        for row in (
            make_event(ticket, at(0), "created", status="new", priority="low", group="b"),
            make_event(ticket, at(10), "status", status="new", priority="high", group="a"),
            make_event(ticket, at(20), "status", status="new", priority="low", group="a"),
        )
    ]

    found = cycles(make_events(rows), levels, as_of=at(30))

    assert found["due_at"].to_list() == [at(60), at(60)]


def test_each_clock_is_over_since_it_was_under_the_policy_before(make_event, make_events):
    """Breached under `a` after an hour and moved to `b` at 11:00, each in its own way."""
    waiting = {"pause_in": ("waiting_requester",)}
    policies = tuple(
        SlaPolicy(name, (promise(by_priority={"low": minutes * MINUTE_US, "high": 60 * MINUTE_US},
                                 **waiting),), of_group(name))
        for name, minutes in (("a", 60), ("b", 60), ("c", 240), ("d", 60))
    )  # fmt: skip
    stories = {
        "moved": ([("a", "open", "low", 0), ("b", "open", "low", 120)], 60),
        "twice": (
            [("a", "open", "low", 0), ("a", "open", "low", 80), ("b", "open", "low", 120)], 60,
        ),
        "waited": (
            [("a", "open", "low", 0), ("a", "waiting_requester", "low", 100),
             ("b", "open", "low", 120)],
            60,
        ),
        "raised": (
            [("c", "open", "low", 0), ("c", "open", "high", 100), ("b", "open", "low", 120)], 100,
        ),
        "late": ([("c", "open", "low", 0), ("b", "open", "low", 120)], 120),
        "there": ([("b", "open", "low", 0), ("b", "open", "low", 120)], 60),
        "young": ([("c", "open", "low", 100), ("b", "open", "low", 120)], None),
        # Of a policy that no other ticket comes under.
        "alone": ([("d", "open", "low", 0)], 60),
    }  # fmt: skip
    rows = [
        make_event(ticket, at(minute), "status" if number else "created", status=status,
                   priority=priority, group=group)
        for ticket, (story, _) in sorted(stories.items())
        for number, (group, status, priority, minute) in enumerate(story)
    ]  # fmt: skip

    found = cycles(make_events(rows), ServiceLevels(CALENDARS, policies), as_of=at(150))

    since = dict(zip(found["ticket_id"], found["breached_at"], strict=True))
    assert since == {ticket: minute and at(minute) for ticket, (_, minute) in stories.items()}


def test_a_status_told_with_a_message_is_the_later_of_the_two(desk):
    rule = promise(metric="periodic_update_time", reply_statuses=("on_hold",), until="requester")
    asks = {"activity": "requester_message", "actor_role": "requester", "status": "on_hold"}

    rows = desk((0, {}), (100, asks), as_of=160, policies=[SlaPolicy("only", (rule,))])

    assert [(row["state"], row["elapsed"]) for row in rows] == [("met", 100), ("running", 60)]


def test_cycles_come_sorted_by_what_names_them(make_event, make_events):
    rules = tuple(
        promise(metric=metric, start="attached", on_reopen="restart")
        for metric in ("resolution_time", "agent_work_time")
    )
    policies = (SlaPolicy("z", rules, of_group("z")), SlaPolicy("a", rules, of_group("a")))
    rows = [
        make_event(ticket, at(minute), "status" if minute else "created", source=source,
                   status=status, priority="low", group=group)
        for source, ticket, group in (("y", "1", "a"), ("x", "2", "z"), ("x", "1", "z"))
        for minute, status, group in (
            (0, "open", group), (10, "resolved", group), (20, "open", "a"), (30, "open", "z"),
            (40, "open", "a"),
        )
    ]  # fmt: skip

    found = cycles(make_events(rows), ServiceLevels(CALENDARS, policies), as_of=at(60))

    keys = found.select("source", "ticket_id", "metric", "policy", "cycle")
    assert keys.n_unique("source") == keys.n_unique("policy") == keys.n_unique("metric") == 2
    assert keys.equals(keys.sort(keys.columns))


def test_each_ticket_and_cycle_has_a_ledger_of_its_own(make_event, make_events):
    policies = tuple(
        SlaPolicy(name, (promise(minutes, on_reopen="restart", keeps_ledger=True),), of_group(name))
        for name, minutes in (("a", 60), ("b", 240))
    )
    stories = {
        # Late under a, resolved under b; its second cycle is young.
        "1": [("a", "open", 0), ("b", "open", 70), ("b", "resolved", 80), ("b", "open", 100)],
        # In time under b; its second cycle is late under a.
        "2": [("b", "open", 0), ("b", "resolved", 10), ("b", "open", 20), ("a", "open", 30)],
        "3": [("b", "open", 0), ("a", "open", 30), ("b", "open", 90)],
        # Never late, and last.
        "4": [("b", "open", 0)],
    }
    rows = [
        make_event(ticket, at(minute), "status" if minute else "created", status=status,
                   priority="low", group=group)
        for ticket, story in stories.items()
        for group, status, minute in story
    ]  # fmt: skip

    found = cycles(make_events(rows), ServiceLevels(CALENDARS, policies), as_of=at(150))

    told = found.sort("ticket_id", "cycle").select("ticket_id", "cycle", "recorded_breach_at")
    assert told.rows() == [
        ("1", 1, at(60)), ("1", 2, None), ("2", 1, None), ("2", 2, at(80)), ("3", 1, at(60)),
        ("4", 1, None),
    ]  # fmt: skip


def test_a_target_used_up_to_the_microsecond_was_not_over_under_the_policy_before(desk):
    policies = [
        SlaPolicy(name, (promise(minutes, calendar="office"),), of_group(name))
        for name, minutes in (("a", 480), ("b", 60))
    ]

    # The office has closed at 480.
    (row,) = desk((0, {}), (600, {"group": "b"}), as_of=610, policies=policies)

    assert (row["policy"], row["state"], row["breached_at"]) == ("b", "overdue", at(600))


@pytest.mark.parametrize(
    ("due", "calendar", "changes"),
    [
        (75, "always", [(30, {"status": "waiting_requester"}), (100, {"status": "open"})]),
        (75, "always", [(30, {"status": "waiting_requester"})]),
        (540, "office", [(560, {"category": "x"})]),
        (540, "office", []),
    ],
)
def test_a_vendor_deadline_was_over_under_the_policy_before(desk, due, calendar, changes):
    """While the ticket waits, and in closed hours: nothing stops the clock on the wall."""
    rule = promise(calendar=calendar, is_vendor=True, pause_in=("waiting_requester",))
    policies = [SlaPolicy(name, (rule,), of_group(name)) for name in "ab"]

    (row,) = desk(
        (0, {"vendor_due_at": at(due)}), *changes, (600, {"group": "b"}), as_of=610,
        policies=policies,
    )  # fmt: skip

    assert (row["policy"], row["state"], row["breached_at"]) == ("b", "overdue", at(due))


@pytest.mark.parametrize("back", [{"priority": "low"}, {"group": "b"}])
def test_a_breach_is_recorded_from_its_very_instant(desk, back):
    policies = [SlaPolicy(name, (promise(by_priority=TARGETS),), of_group(name)) for name in "ab"]

    # Late under the short target, and no more in the same instant.
    (row,) = desk(
        (0, {}), (100, {"priority": "high"}), (100, {"priority": "low", **back}), as_of=100,
        policies=policies,
    )  # fmt: skip

    assert (row["state"], row["breached_at"], row["recorded_breach_at"]) == (
        "running",
        None,
        at(100),
    )


def test_one_target_may_have_working_days_hours_and_none(make_event, make_events):
    rule = promise(
        calendar="office",
        by_priority={"high": WorkingDays(1), "medium": OFF, "odd": WorkingDays(9)},
    )
    levels = ServiceLevels(CALENDARS, (SlaPolicy("only", (rule,)),))
    rows = [
        make_event(name, at(60), "created", priority=name) for name in ("high", "low", "medium")
    ]

    found = cycles(make_events(rows), levels, as_of=at(70))

    assert found.select("ticket_id", "due_at").rows() == [("high", at(DAY + 60)), ("low", at(300))]


WAITS = {"status": "waiting_requester"}


@pytest.mark.parametrize(
    ("rule", "changes", "elapsed", "due"),
    [
        # An hour is used; three are left as the answer at 11:00 begins the next period.
        ({}, [(60, WAITS), (120, ANSWERS)], 60, 300),
        ({}, [(60, {"status": "cancelled"}), (120, {**ANSWERS, "status": "open"})], 60, 300),
        ({}, [(60, held_until(400)), (120, {**ANSWERS, "attributes": []})], 60, 300),
        # That hold is over before: half an hour of it counts.
        ({}, [(60, held_until(90)), (120, {**ANSWERS, "attributes": []})], 90, 270),
        # Until 17:00, and as its calendar shows that.
        (
            {"default": 420 * MINUTE_US, "calendar": "office"},
            [(60, WAITS), (120, ANSWERS)],
            60,
            480,
        ),
        ({"default": 420 * MINUTE_US, "calendar": "next"}, [(60, WAITS), (120, ANSWERS)], 60, DAY),
        # Moved by an hour on the wall: 18:00.
        (
            {"default": 480 * MINUTE_US, "calendar": "office", "pause_unit": "wall"},
            [(60, WAITS), (120, ANSWERS)],
            60,
            540,
        ),
        # Used up as the wait began, or before.
        ({"default": 60 * MINUTE_US}, [(60, WAITS), (120, ANSWERS)], 60, 60),
        ({"default": 50 * MINUTE_US}, [(60, WAITS), (120, ANSWERS)], 60, 50),
        # A help desk's own deadline does not move.
        ({"is_vendor": True}, [(60, WAITS), (120, ANSWERS)], 60, 200),
    ],
)
def test_a_period_that_ends_while_it_stands_still_is_due_as_if_it_went_on(
    desk, rule, changes, elapsed, due
):
    rule = promise(
        **{"metric": "periodic_update_time", "pause_in": ("waiting_requester",),
           "pause_until": "hold_until", **rule}
    )  # fmt: skip
    following = replace(OFFICE, name="next", boundary="next_open")

    ended, _ = desk(
        (0, {"vendor_due_at": at(200)}), *changes, as_of=130,
        policies=[SlaPolicy("only", (rule,))], calendars={**CALENDARS, "next": following},
    )  # fmt: skip

    assert (ended["elapsed"], ended["fulfilled_at"], ended["due_at"]) == (elapsed, at(120), at(due))


@pytest.mark.parametrize("unit", ["working", "wall"])
def test_a_cycle_cancelled_after_it_was_resolved_keeps_the_deadline_it_met(desk, unit):
    rule = promise(60, on_reopen="restart", pause_unit=unit)

    ended, _ = desk(
        (0, {}), (10, {"status": "resolved"}), (20, {"status": "cancelled"}),
        (30, {"status": "open"}), as_of=40, policies=[SlaPolicy("only", (rule,))],
    )  # fmt: skip

    assert (ended["state"], ended["fulfilled_at"], ended["due_at"]) == ("met", at(10), at(60))


# What a row says of the ticket


@pytest.mark.parametrize("told", [None, "unheard of"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_that_nobody_named_is_none_of_those_that_pause(desk, told, status):
    rule = promise(240, pause_in=(status,))

    (row,) = desk((0, {"status": told}), as_of=30, policies=[SlaPolicy("only", (rule,))])

    assert (row["state"], row["elapsed"]) == ("running", 30)


def test_a_ticket_begins_at_the_first_row_that_tells_of_its_creation(desk):
    rows = [(0, {"activity": "attribute"}), *((n, {"activity": "created"}) for n in (10, 20, 30))]

    (row,) = desk(*rows, as_of=60, policies=[SlaPolicy("only", (promise(240),))])

    assert (row["applied_at"], row["elapsed"]) == (at(10), 50)


def test_a_public_reply_of_the_requester_asks_again(desk):
    rule = promise(240, metric="next_reply_time")
    asks = {"activity": "public_reply", "actor_role": "requester"}

    rows = desk((0, {}), (10, ANSWERS), (20, asks), as_of=50, policies=[SlaPolicy("p", (rule,))])

    assert [(row["applied_at"], row["elapsed"]) for row in rows] == [(at(20), 30)]


def test_a_status_that_was_told_before_answers_no_later_question(desk):
    rule = promise(240, metric="next_reply_time", reply_statuses=("on_hold",))
    told = [(5, ANSWERS), (10, {"status": "on_hold", "actor_role": None}), (20, ASKS)]

    rows = desk((0, {}), *told, as_of=50, policies=[SlaPolicy("p", (rule,))])

    assert [(row["state"], row["applied_at"]) for row in rows] == [("running", at(20))]


@pytest.mark.parametrize(
    "times", [{"valid_from": at(-60)}, {"valid_to": at(60)}], ids=["from", "to"]
)  # fmt: skip
def test_a_policy_that_is_valid_still_asks_its_conditions(desk, times):
    policy = SlaPolicy("b only", (promise(240),), of_group("b"), **times)

    assert desk((0, {"group": "a"}), as_of=30, policies=[policy]) == []
    assert len(desk((0, {"group": "b"}), as_of=30, policies=[policy])) == 1


def test_any_of_several_conditions_is_enough(desk):
    either = Conditions(any_of=(of_group("b").all_of[0], of_group("c").all_of[0]))
    policy = SlaPolicy("b or c", (promise(240),), either)

    found = {name: desk((0, {"group": name}), as_of=30, policies=[policy]) for name in "abc"}

    assert {name: len(rows) for name, rows in found.items()} == {"a": 0, "b": 1, "c": 1}


def test_a_hold_exactly_as_long_as_its_row_moves_the_deadline_for_the_next(desk):
    """Overdue at 10:30, held until 17:30, where a note follows: due at 17:00, and on time."""
    rule = promise(60, calendar="office", pause_until="hold_until", pause_unit="wall")
    changes = [(90, held_until(510)), (510, {"activity": "internal_note"})]

    (row,) = desk((0, {}), *changes, as_of=DAY + 30, policies=[SlaPolicy("only", (rule,))])

    assert (row["state"], row["due_at"], row["breached_at"]) == ("overdue", at(480), at(480))


@pytest.mark.parametrize("unit", ["working", "wall"])
def test_time_held_is_paused_as_long_as_it_is_open_or_by_the_wall(desk, unit):
    """Held from 16:30 to 9:30: an hour of it is open."""
    rule = promise(240, calendar="office", pause_until="hold_until", pause_unit=unit)

    (row,) = desk(
        (0, {}), (450, held_until(DAY + 30)), as_of=DAY + 60, policies=[SlaPolicy("p", (rule,))]
    )

    assert row["paused"] == (60 if unit == "working" else 17 * 60)


def test_a_hold_is_no_use_of_a_stop_that_counts(desk):
    """Resolved from 9:00 to 10:00 and held until 9:20 in it: forty minutes of it were used."""
    rule = promise(240, calendar="office", pause_until="hold_until", on_reopen="count")
    changes = [(0, {"status": "resolved", **held_until(20)}), (60, {"status": "open"})]

    (row,) = desk((0, {}), *changes, as_of=90, policies=[SlaPolicy("only", (rule,))])

    assert (row["elapsed"], row["paused"], row["due_at"]) == (70, 20, at(260))
