"""Tickets whose work is timed: pauses, holds, ends and reopenings, targets and deadlines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import OFF, Replies, Target, WarningPoint, WorkingDays

from .explained import HOUR, Story, at, kept, levels

WARN = (WarningPoint("75%", percent=75), WarningPoint("-1h", offset_us=-HOUR))
TARGETS = {"high": 4 * HOUR, "low": 16 * HOUR}
RESOLUTION = Target(
    "resolution_time", "office", TARGETS, pause_in=("waiting_requester",), warn_at=WARN
)
FIRST_REPLY = Target("first_reply_time", "office", {"high": HOUR, "low": 8 * HOUR})
NEXT_REPLY = Target("next_reply_time", "office", {"high": 2 * HOUR, "low": 8 * HOUR})
HELD = replace(RESOLUTION, pause_until="hold_until")
WALL = replace(RESOLUTION, pause_unit="wall")
DAYS = {"high": WorkingDays(1), "low": WorkingDays(2, is_end_of_day=True)}
CREATED = (at(0, 9), "created", {})
RESOLVED = ("resolved", {"status": "resolved"})
WAITS = ("status", {"status": "waiting_requester"})
OPEN = ("status", {"status": "open"})
LOW = ("priority", {"priority": "low"})
HIGH = ("priority", {"priority": "high"})

STORIES = {
    "paused": Story(
        (
            (at(0, 9), "created", {"actor_role": "requester"}),
            (
                at(0, 10),
                "public_reply+status",
                {"actor_role": "agent", "status": "waiting_requester"},
            ),
            (at(0, 13), "requester_message+status", {"actor_role": "requester", "status": "open"}),
            (at(0, 16), "public_reply+resolved", {"actor_role": "agent", "status": "resolved"}),
        ),
        levels(FIRST_REPLY, NEXT_REPLY, RESOLUTION),
        at(1, 10),
    ),
    "reopened": Story(
        (CREATED, (at(0, 11), *RESOLVED), (at(1, 10), "reopened", {"status": "open"})),
        levels(RESOLUTION),
        at(1, 11),
    ),
    "reprioritised": Story(
        ((at(0, 9), "created", {"priority": "low"}), (at(0, 15), *HIGH)),
        levels(RESOLUTION),
        at(0, 16),
    ),
    "over_easter": Story(
        ((at(4, 15), "created", {}), (at(4, 22, 30), *OPEN)),
        levels(Target("resolution_time", "nights", {"high": 16 * HOUR})),
        at(6, 22),
    ),
    "reopened_and_the_time_between_counts": Story(
        (CREATED, (at(0, 11), *RESOLVED), (at(1, 10), *OPEN), (at(1, 11), *RESOLVED)),
        levels(replace(RESOLUTION, on_reopen="count")),
        at(1, 12),
    ),
    "reopened_into_a_pause": Story(
        (CREATED, (at(0, 11), *RESOLVED), (at(0, 12), *WAITS), (at(0, 14), *OPEN)),
        levels(RESOLUTION),
        at(0, 15),
    ),
    "reopened_with_a_new_clock": Story(
        (
            CREATED,
            (at(0, 11), *RESOLVED),
            (at(1, 10), *OPEN),
            (at(1, 11), *WAITS),
            (at(1, 12), "closed", {"status": "closed"}),
        ),
        levels(replace(RESOLUTION, on_reopen="restart")),
        at(1, 13),
    ),
    "reopened_twice_in_vain": Story(
        (
            CREATED,
            (at(0, 10), *RESOLVED),
            (at(0, 11), *OPEN),
            (at(0, 12), *RESOLVED),
            (at(0, 13), "status", {"status": "cancelled"}),
            (at(0, 13, 30), *RESOLVED),
            (at(0, 14), *WAITS),
        ),
        levels(replace(RESOLUTION, on_reopen="final")),
        at(0, 14),
    ),
    "resolved_as_the_log_begins": Story(
        ((at(0, 9), "created", {"status": "closed"}),),
        levels(FIRST_REPLY, RESOLUTION),
        at(0, 10),
    ),
    "held_until_an_agreed_moment": Story(
        (
            CREATED,
            (at(0, 10), "attribute", kept(hold_until="2024-03-25T11:00:00Z")),
            (at(0, 14), "internal_note", {}),
            (at(0, 15), "attribute", kept(hold_until="2024-03-26T12:00:00Z")),
            (at(1, 10), "attribute", kept()),
        ),
        levels(HELD),
        at(1, 13),
    ),
    "still_held": Story(
        (CREATED, (at(0, 10), "attribute", kept(hold_until="2024-03-25T11:00:00Z"))),
        levels(HELD),
        at(0, 11),
    ),
    "hold_over_as_it_is_read": Story(
        (CREATED, (at(0, 10), "attribute", kept(hold_until="2024-03-25T11:00:00Z"))),
        levels(HELD),
        at(0, 12),
    ),
    "hold_over_as_something_happens": Story(
        (
            CREATED,
            (at(0, 10), "attribute", kept(hold_until="2024-03-25T11:00:00Z")),
            (at(0, 12), *WAITS),
        ),
        levels(HELD),
        at(0, 13),
    ),
    "held_by_wall_time": Story(
        (
            CREATED,
            (at(0, 16), "attribute", kept(hold_until="2024-03-25T18:00:00Z")),
            (at(1, 10), "internal_note", {}),
        ),
        levels(replace(HELD, pause_unit="wall")),
        at(1, 14),
    ),
    "awaiting_the_requester": Story(
        (
            CREATED,
            (at(0, 10), "public_reply", {"actor_role": "agent"}),
            (at(0, 11), "requester_message", {"actor_role": "requester"}),
        ),
        levels(replace(RESOLUTION, pause_awaiting_requester=True)),
        at(0, 12),
    ),
    "deadline_hidden": Story(
        (
            (at(0, 9), "created", {"status": "waiting_requester"}),
            (at(0, 10), *OPEN),
            (at(0, 11), *WAITS),
        ),
        levels(replace(RESOLUTION, pause_mode="hide")),
        at(0, 12),
    ),
    "deadline_hidden_until_an_agreed_moment": Story(
        (
            CREATED,
            (at(0, 10), "attribute", kept(hold_until="2024-03-25T10:00:00Z")),
            (at(0, 12), "internal_note", {}),
            (at(0, 12, 30), "attribute", kept(hold_until="2024-03-25T12:00:00Z")),
        ),
        levels(replace(HELD, pause_mode="hide")),
        at(0, 14),
    ),
    "paused_from_the_start": Story(
        ((at(0, 9), "created", {"status": "waiting_requester"}),), levels(RESOLUTION), at(0, 10)
    ),
    "paused_when_over_time": Story((CREATED, (at(0, 15), *WAITS)), levels(RESOLUTION), at(0, 16)),
    "deadline_moved_by_wall_time": Story(
        (
            CREATED,
            (at(0, 11), *WAITS),
            (at(0, 12), "status", {"status": "waiting_requester"}),
            (at(1, 10), *OPEN),
        ),
        levels(WALL),
        at(1, 11),
    ),
    "deadline_moved_into_the_night": Story(
        (CREATED, (at(0, 11), *WAITS), (at(0, 21), *OPEN)), levels(WALL), at(0, 22)
    ),
    "deadline_moved_too_late": Story(
        (CREATED, (at(0, 15), *WAITS), (at(0, 16), *OPEN)), levels(WALL), at(0, 17)
    ),
    "paused_by_wall_time": Story((CREATED, (at(0, 11), *WAITS)), levels(WALL), at(0, 12)),
    "runs_by_wall_time_without_a_target": Story(
        (CREATED, (at(0, 10), *LOW), (at(0, 11), *WAITS), (at(0, 12), *OPEN), (at(0, 13), *HIGH)),
        levels(replace(WALL, by_priority={"high": 4 * HOUR, "low": OFF})),
        at(0, 14),
    ),
    "counted_from_the_new_priority": Story(
        (CREATED, (at(0, 11), *LOW), (at(0, 12), *LOW), (at(0, 16), *HIGH)),
        levels(replace(RESOLUTION, on_priority_change="restart")),
        at(1, 9),
    ),
    "first_priority_kept": Story(
        (CREATED, (at(0, 10), *LOW), (at(0, 11), "internal_note", {}), (at(0, 12), *RESOLVED)),
        levels(replace(RESOLUTION, on_priority_change="keep")),
        at(0, 13),
    ),
    "one_target_for_all_kept": Story(
        (CREATED, (at(0, 10), *LOW)),
        levels(
            replace(RESOLUTION, by_priority={}, default=90_061_000_000, on_priority_change="keep")
        ),
        at(0, 11),
    ),
    "target_off_and_back": Story(
        (CREATED, (at(0, 10), *LOW), (at(0, 11), *HIGH), (at(0, 12), *RESOLVED), (at(0, 13), *LOW)),
        levels(replace(RESOLUTION, by_priority={"high": 4 * HOUR, "low": OFF})),
        at(0, 14),
    ),
    "target_off_and_counted_from_its_return": Story(
        ((at(0, 9), "created", {"priority": None}), (at(0, 11), *HIGH)),
        levels(
            replace(
                RESOLUTION,
                by_priority={"high": 4 * HOUR},
                default=OFF,
                on_priority_change="restart",
            )
        ),
        at(0, 12),
    ),
    "in_working_days": Story(
        ((at(3, 15), "created", {}), (at(3, 16), *LOW)),
        levels(replace(RESOLUTION, by_priority=DAYS, warn_at=())),
        at(4, 10),
    ),
    "in_one_working_day": Story(
        ((at(3, 15), "created", {}),),
        levels(replace(RESOLUTION, by_priority={}, default=WorkingDays(1))),
        at(3, 16),
    ),
    "vendor_deadline": Story(
        (
            (at(0, 9), "created", {"vendor_due_at": at(0, 15)}),
            (at(0, 11), "sla", {"vendor_due_at": at(0, 13)}),
        ),
        levels(Target("resolution_time", "office", is_vendor=True, warn_at=WARN)),
        at(0, 12),
    ),
    "over_time": Story((CREATED,), levels(RESOLUTION), at(0, 14)),
    "over_time_by_less_than_a_second": Story(
        (
            (at(0, 9, 0, 0, 900_000), "created", {}),
            (at(0, 10, 0, 1, 200_000), "public_reply", {"actor_role": "agent"}),
        ),
        levels(FIRST_REPLY),
        at(0, 11),
    ),
    "to_the_fraction_of_a_second": Story(
        (
            (at(0, 9, 0, 0, 300_000), "created", {}),
            (at(0, 9, 30, 0, 100_000), *LOW),
            (at(0, 9, 45, 0, 500_000), *HIGH),
            (at(0, 10, 0, 0, 900_000), "public_reply", {"actor_role": "agent"}),
        ),
        levels(FIRST_REPLY),
        at(0, 11),
    ),
    "used_up_as_the_desk_closes": Story(
        ((at(0, 13), "created", {}),), levels(RESOLUTION), at(0, 20)
    ),
    "day_and_night_when_the_clocks_go_back": Story(
        ((at(215, 20), "created", {}),),
        levels(Target("resolution_time", "always", {"high": 8 * HOUR}, warn_at=WARN)),
        at(215, 20) + timedelta(hours=7, minutes=30),
    ),
    "read_from_overseas": Story(
        ((at(5, 22), "created", {}),), levels(RESOLUTION), at(6, 10), "America/New_York"
    ),
    "open_for_years": Story((CREATED,), levels(RESOLUTION), at(700, 10)),
    "cancelled": Story(
        (CREATED, (at(0, 10), "status", {"status": "cancelled"})),
        levels(FIRST_REPLY, RESOLUTION),
        at(0, 11),
    ),
    "cancelled_by_mistake": Story(
        (CREATED, (at(0, 10), "status", {"status": "cancelled"}), (at(0, 11), *OPEN)),
        levels(RESOLUTION),
        at(0, 12),
    ),
    "spam": Story(
        (CREATED, (at(0, 10), "attribute", kept(tag="spam"))),
        levels(RESOLUTION, void=Conditions((Condition("tag", "is", ("spam",)),))),
        at(0, 11),
    ),
    "merged": Story(
        (CREATED, (at(0, 10), "attribute", kept(merged_into="T2"))),
        levels(RESOLUTION, merged_into="merged_into"),
        at(0, 11),
    ),
    "cancelled_and_merged_into_itself": Story(
        (CREATED, (at(0, 10), "status", {"status": "cancelled"} | kept(merged_into="T1"))),
        levels(RESOLUTION, merged_into="merged_into"),
        at(0, 11),
    ),
    "of_requester_and_agent": Story(
        (
            CREATED,
            (at(0, 10), "public_reply", {"actor_role": "system"}),
            (at(0, 11), *WAITS),
            (at(0, 12), "status", {"status": "on_hold"}),
            (at(0, 13), *RESOLVED),
        ),
        levels(
            Target("requester_wait_time", "office", TARGETS, pause_in=("waiting_requester",)),
            Target("agent_work_time", "office", TARGETS, pause_in=("waiting_requester", "on_hold")),
            replies=Replies(roles=("agent", "system")),
        ),
        at(0, 14),
    ),
    "the_last_word_is_the_desks": Story(
        (CREATED, (at(0, 10), "public_reply", {"actor_role": "agent"})),
        levels(replace(RESOLUTION, pause_awaiting_requester=True)),
        at(0, 11),
    ),
    "held_when_over_time": Story(
        (CREATED, (at(0, 14), "attribute", kept(hold_until="2024-03-25T15:00:00Z"))),
        levels(HELD),
        at(0, 15),
    ),
    "used_up_as_a_note_is_added": Story(
        (CREATED, (at(0, 13), "internal_note", {}), (at(0, 14), *RESOLVED)),
        levels(RESOLUTION),
        at(0, 15),
    ),
    "vendor_deadline_moved_too_early": Story(
        (
            (at(0, 9), "created", {"vendor_due_at": at(0, 15)}),
            (at(0, 12), "sla", {"vendor_due_at": at(0, 11)}),
        ),
        levels(Target("resolution_time", "office", is_vendor=True)),
        at(0, 13),
    ),
}
