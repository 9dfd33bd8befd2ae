"""Our verdicts against the help desk's, and the cause of each disagreement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.schema import EVENTS
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from sla_sniper.sla.reconcile import Comparison, compare
from sla_sniper.sla.reconcile_alternatives import CAUSES, alternatives

HOUR = 3600 * 1_000_000
MONDAY = datetime(2024, 1, 8, 9, tzinfo=UTC)
AS_OF = datetime(2024, 2, 1, tzinfo=UTC)
OFFICE = Calendar("office", "UTC", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
TARGET = Target(
    "resolution_time",
    "office",
    {"high": 4 * HOUR, "low": 16 * HOUR},
    pause_in=("waiting_requester",),
)


def levels_of(target: Target = TARGET, **calendars: Calendar) -> ServiceLevels:
    return ServiceLevels({"office": OFFICE, **calendars}, (SlaPolicy("all", (target,)),))


@pytest.fixture
def ticket(make_event):
    """Rows of one ticket: hours after Monday 9:00, status, and what the help desk says."""

    def rows(*changes, name="1", priority="high", **facts):
        return [
            make_event(
                name,
                MONDAY + timedelta(hours=hours),
                "created" if i == 0 else "status",
                status=status,
                priority=priority,
                sequence=i,
                **facts,
            )
            for i, (hours, status) in enumerate(changes)
        ]

    return rows


@pytest.fixture
def reconciled(make_events):
    def run(rows, levels=None, **options) -> Comparison:
        return compare(make_events(rows), levels or levels_of(), as_of=AS_OF, **options)

    return run


def only(found: Comparison) -> dict:
    return found.tickets.row(0, named=True)


def test_equal_verdict_and_deadline_agree(ticket, reconciled):
    due = MONDAY + timedelta(hours=4)
    rows = ticket((0, "new"), (3, "resolved"), vendor_breached=False, vendor_due_at=due)

    found = only(reconciled(rows))

    assert (found["agrees"], found["cause"], found["explained_by"]) == (True, None, [])


def test_deadline_within_a_minute_agrees(ticket, reconciled):
    due = MONDAY + timedelta(hours=4, seconds=60)

    found = only(reconciled(ticket((0, "new"), (3, "resolved"), vendor_due_at=due)))

    assert (found["verdict_agrees"], found["due_agrees"]) == (None, True)


def test_deadline_beyond_a_minute_disagrees(ticket, reconciled):
    due = MONDAY + timedelta(hours=4, seconds=61)

    found = only(reconciled(ticket((0, "new"), (3, "resolved"), vendor_due_at=due)))

    assert (found["agrees"], found["cause"]) == (False, "unexplained")


def test_equal_verdicts_with_other_deadlines_disagree(ticket, reconciled):
    due = MONDAY + timedelta(hours=6)
    rows = ticket((0, "new"), (3, "resolved"), vendor_breached=False, vendor_due_at=due)

    found = only(reconciled(rows))

    assert (found["verdict_agrees"], found["due_agrees"], found["agrees"]) == (True, False, False)


CASES = {
    "rounding": ((0, "new"), (4 + 1 / 120, "resolved"), False),
    "pause_ignored": ((0, "new"), (1, "waiting_requester"), (3, "open"), (5, "resolved"), True),
    "wall_time": ((7, "new"), (25, "resolved"), True),
    "closure": ((0, "new"), (3, "resolved"), (7, "closed"), True),
}


@pytest.mark.parametrize("cause", CASES)
def test_single_change_names_its_cause(ticket, reconciled, cause):
    *changes, their_breached = CASES[cause]

    found = only(reconciled(ticket(*changes, vendor_breached=their_breached)))

    assert (found["our_breached"], found["cause"]) == (not their_breached, cause)


def test_exactly_at_target_is_a_rounding(ticket, reconciled):
    found = only(reconciled(ticket((0, "new"), (4, "resolved"), vendor_breached=True)))

    assert (found["cause"], found["detail"]) == ("rounding", "exactly at target is late")


def test_longer_hours_name_the_calendar(ticket, reconciled):
    evenings = Calendar("evenings", "UTC", (((9 * 3600, 20 * 3600),),) * 5 + ((), ()))
    due = MONDAY + timedelta(hours=10)
    rows = ticket((6, "new"), (7, "resolved"), vendor_due_at=due)

    found = only(reconciled(rows, levels_of(replace(TARGET, pause_in=()), evenings=evenings)))

    # From 15:00 four hours end at 19:00 in the evening; ours go on tomorrow. So does every hour.
    assert (found["cause"], found["explained_by"]) == ("wall_time", ["wall_time", "other_calendar"])


def test_weekday_nights_are_another_calendar(ticket, reconciled):
    friday = timedelta(days=4)
    opened, due = 4 * 24 + 7, MONDAY + friday + timedelta(hours=7 + 48 + 16)
    rows = ticket((opened, "new"), (opened + 1, "resolved"), priority="low", vendor_due_at=due)

    found = only(reconciled(rows))

    # 16 hours from Friday 16:00 are Monday 8:00 where nights count and weekends do not.
    assert (found["cause"], found["detail"]) == ("other_calendar", "weekdays24h")


def test_raised_priority_names_the_priority(make_event, reconciled):
    changes = [(0, "created", "new", "low"), (2, "priority", "open", "high")]
    rows = [
        make_event(
            "1", MONDAY + timedelta(hours=h), activity, status=s, priority=p, sequence=i,
            vendor_due_at=MONDAY + timedelta(hours=4),
        )
        for i, (h, activity, s, p) in enumerate([*changes, (3, "resolved", "resolved", "high")])
    ]  # fmt: skip
    kept = replace(TARGET, on_priority_change="keep")

    found = only(reconciled(rows, levels_of(kept)))

    assert (found["cause"], found["detail"]) == ("current_priority", "the last one")


def test_own_stamp_explains_later_event(ticket, reconciled):
    stamp = MONDAY + timedelta(hours=3)
    rows = ticket((0, "new"), (5, "resolved"), vendor_breached=False, vendor_resolved_at=stamp)

    found = only(reconciled(rows))

    assert (found["cause"], found["explained_by"]) == ("resolved_stamp", ["resolved_stamp"])


def test_stamp_after_the_instant_is_not_read(ticket, reconciled):
    stamp = AS_OF + timedelta(hours=3)
    rows = ticket((0, "new"), (3, "resolved"), vendor_breached=True, vendor_closed_at=stamp)

    found = only(reconciled(rows))

    assert "closed_stamp" not in found["explained_by"]


def test_deadline_never_refreshed_is_stale(make_event, reconciled):
    low_due = MONDAY + timedelta(days=1, hours=8)
    rows = [
        make_event(
            "1", MONDAY + timedelta(hours=h), activity, status=status, priority=p, sequence=i,
            vendor_due_at=low_due, vendor_breached=False,
        )
        for i, (h, activity, status, p) in enumerate(
            [(0, "created", "new", "low"), (1, "priority", "open", "high"),
             (2, "priority", "open", "critical"), (7, "resolved", "resolved", "critical")]
        )
    ]  # fmt: skip
    target = replace(TARGET, by_priority={**TARGET.by_priority, "critical": HOUR})

    found = only(reconciled(rows, levels_of(target)))

    assert found["our_breached"]
    assert "stale" in found["explained_by"]


def test_verdict_told_before_the_breach_is_stale(make_event, reconciled):
    opened = make_event(
        "1", MONDAY, "created", status="new", priority="high", vendor_breached=False
    )

    found = only(reconciled([opened]))

    assert (found["state"], found["cause"]) == ("overdue", "stale")


def test_open_ticket_is_not_judged_before_its_end(ticket, reconciled):
    found = only(reconciled(ticket((0, "new"), (24, "open"), vendor_breached=False)))

    assert (found["state"], found["cause"], found["detail"]) == (
        "overdue",
        "stale",
        "not judged before the end",
    )


def test_ended_late_ticket_is_not_stale(ticket, reconciled):
    found = only(reconciled(ticket((0, "new"), (24, "resolved"), vendor_breached=False)))

    assert (found["state"], found["cause"]) == ("missed", "unexplained")


def test_vendor_target_compares_the_verdict_alone(ticket, reconciled):
    due = MONDAY + timedelta(hours=9)
    rows = ticket((0, "new"), (3, "resolved"), vendor_breached=False, vendor_due_at=due)

    found = only(reconciled(rows, levels_of(replace(TARGET, is_vendor=True, default=None))))

    assert (found["verdict_agrees"], found["due_agrees"], found["agrees"]) == (True, None, True)


def test_ticket_without_vendor_facts_is_counted_apart(ticket, reconciled):
    rows = ticket((0, "new"), (3, "resolved")) + ticket(
        (0, "new"), (3, "resolved"), name="2", vendor_breached=False
    )

    standings = reconciled(rows).tickets["standing"].to_list()

    assert standings == ["nothing_told", "compared"]


def test_cancelled_ticket_has_no_clock(ticket, reconciled):
    rows = ticket((0, "new"), (3, "cancelled"), vendor_breached=False)

    assert only(reconciled(rows))["standing"] == "no_clock"


def test_agreeing_tickets_that_would_break_are_counted(ticket, reconciled):
    paused = ((0, "new"), (1, "waiting_requester"), (3, "open"), (5, "resolved"))
    rows = ticket(*paused, name="1", vendor_breached=True)
    for name in ("2", "3"):
        rows += ticket(*paused, name=name, vendor_breached=False)

    tried = reconciled(rows).tried.filter(pl.col("cause") == "pause_ignored")

    assert tried.select("explains", "breaks").row(0) == (1, 2)


def test_parts_join_to_the_whole(ticket, make_events):
    rows = ticket((0, "new"), (3, "resolved"), (7, "closed"), name="1", vendor_breached=True)
    more = ticket((0, "new"), (5, "resolved"), name="2", vendor_breached=False)

    whole = compare(make_events(rows + more), levels_of(), as_of=AS_OF)
    parts = [compare(make_events(each), levels_of(), as_of=AS_OF) for each in (rows, more)]

    joined = Comparison.joined(parts)
    assert joined.tickets.equals(whole.tickets)
    assert joined.tried.equals(whole.tried)


def test_other_metric_is_not_compared(ticket, reconciled):
    rows = ticket((0, "new"), (3, "resolved"), vendor_breached=False)

    found = only(reconciled(rows, metric="first_reply_time"))

    assert found["standing"] == "no_clock"


def test_part_in_which_all_agree_counts_what_would_break(ticket, make_events):
    paused = ((0, "new"), (1, "waiting_requester"), (3, "open"), (5, "resolved"))
    agreeing = ticket(*paused, name="1", vendor_breached=False)
    apart = ticket(*paused, name="2", vendor_breached=True)

    whole = compare(make_events(agreeing + apart), levels_of(), as_of=AS_OF)
    parts = [compare(make_events(each), levels_of(), as_of=AS_OF) for each in (agreeing, apart)]

    assert Comparison.joined(parts).tried.equals(whole.tried)


def test_priority_without_target_elsewhere_is_no_error(make_event, reconciled):
    changes = [
        (0, "created", "new", "p9", "L1"),
        (1, "priority", "open", "high", "L2"),
        (3, "resolved", "resolved", "high", "L2"),
    ]
    rows = [
        make_event(
            "1", MONDAY + timedelta(hours=h), activity, status=s, priority=p, group=g, sequence=i,
            vendor_breached=True,
        )
        for i, (h, activity, s, p, g) in enumerate(changes)
    ]  # fmt: skip
    second_line = Conditions((Condition("group", "is", ("L2",)),))
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("all", (TARGET,), when=second_line),))

    found = only(reconciled(rows, levels))

    # Under "p9", the first priority, the policy of L2 has no target.
    assert (found["agrees"], "current_priority" in found["explained_by"]) == (False, False)


def test_no_events_compare_to_nothing():
    found = compare(pl.DataFrame(schema=dict(EVENTS)), levels_of(), as_of=AS_OF)

    assert (found.tickets.height, found.tried["explains"].sum(), found.tried["breaks"].sum()) == (
        0,
        0,
        0,
    )


def test_alternatives_follow_the_order_of_causes():
    places = [CAUSES.index(each.cause) for each in alternatives(levels_of())]

    assert places == sorted(places)
