"""Rulings of the clock, each by one worked example in minutes from the start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target, UnknownTargetError

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


def test_an_unknown_priority_is_named_with_counts(clock):
    with pytest.raises(UnknownTargetError, match=r"'urgent' \(1 tickets\)") as caught:
        clock((0, {"priority": "urgent"}), as_of=10)

    assert caught.value.counts == (("urgent", 1),)
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


def test_without_a_vendor_deadline_no_clock(clock):
    assert clock((0, {}), as_of=50, is_vendor=True) == []


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
