"""Tickets whose work is timed: ends and reopenings, targets and deadlines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import OFF, Target, WarningPoint, WorkingDays

from .explained import HOUR, Story, at, kept, levels

WARN = (WarningPoint("75%", percent=75), WarningPoint("-1h", offset_us=-HOUR))
TARGETS = {"high": 4 * HOUR, "low": 16 * HOUR}
RESOLUTION = Target(
    "resolution_time", "office", TARGETS, pause_in=("waiting_requester",), warn_at=WARN
)
FIRST_REPLY = Target("first_reply_time", "office", {"high": HOUR, "low": 8 * HOUR})
NEXT_REPLY = Target("next_reply_time", "office", {"high": 2 * HOUR, "low": 8 * HOUR})
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
    "reopened_thrice_in_vain": Story(
        (
            CREATED,
            (at(0, 10), *RESOLVED),
            (at(0, 10, us=500_000), *OPEN),
            (at(0, 10, 30), *RESOLVED),
            (at(0, 11), *OPEN),
            (at(0, 11, 30), "internal_note", {}),
            (at(0, 12), *RESOLVED),
            (at(0, 12, 30), "closed", {"status": "closed"}),
            (at(0, 13), "status", {"status": "cancelled"}),
            (at(0, 13, 30), *RESOLVED),
            (at(0, 14), *WAITS),
        ),
        levels(replace(RESOLUTION, on_reopen="final")),
        at(0, 14),
    ),
    "closed_as_the_log_begins_and_reopened": Story(
        ((at(0, 9), "created", {"status": "closed"}), (at(0, 10), *OPEN)),
        levels(replace(RESOLUTION, on_reopen="restart")),
        at(0, 11),
    ),
    "resolved_as_the_log_begins": Story(
        ((at(0, 9), "created", {"status": "closed"}),),
        levels(FIRST_REPLY, RESOLUTION),
        at(0, 10),
    ),
    "counted_from_the_new_priority": Story(
        (CREATED, (at(0, 11), *LOW), (at(0, 12), *LOW), (at(0, 16), *HIGH)),
        levels(replace(RESOLUTION, on_priority_change="restart")),
        at(1, 9),
    ),
    "reprioritised_as_it_is_used_up": Story(
        ((at(0, 9), "created", {"priority": "low"}), (at(0, 13), *HIGH)),
        levels(RESOLUTION),
        at(0, 14),
    ),
    "first_priority_kept": Story(
        (
            CREATED,
            (at(0, 10), *LOW),
            (at(0, 11), "internal_note", {}),
            (at(0, 12), *RESOLVED),
            (at(0, 12, 30), *HIGH),
            (at(0, 13), "status+priority", {"status": "open", "priority": "low"}),
        ),
        levels(replace(RESOLUTION, on_priority_change="keep")),
        at(0, 14),
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
        at(4, 13, 30),
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
    "where_the_clocks_change_at_midnight": Story(
        ((at(4, 20), "created", {}),),
        levels(Target("resolution_time", "lebanon", {"high": 48 * HOUR})),
        at(6, 12),
    ),
    "read_as_the_clocks_change": Story(
        ((at(5, 20), "created", {}),),
        levels(Target("resolution_time", "always", {"high": 48 * HOUR})),
        at(6, 3),
    ),
    "read_from_overseas": Story(
        ((at(5, 22), "created", {}),), levels(RESOLUTION), at(6, 10), "America/New_York"
    ),
    "open_for_years": Story((CREATED,), levels(RESOLUTION), at(700, 10)),
    "cancelled": Story(
        (CREATED, (at(0, 10), "status+priority", {"status": "cancelled", "priority": "low"})),
        levels(FIRST_REPLY, RESOLUTION),
        at(0, 11),
    ),
    "cancelled_by_mistake": Story(
        (CREATED, (at(0, 10), "status", {"status": "cancelled"}), (at(0, 11), *OPEN)),
        levels(RESOLUTION),
        at(0, 12),
    ),
    "spam": Story(
        (CREATED, (at(0, 10), "attribute", kept(tag="spam", merged_into="T1"))),
        levels(
            RESOLUTION,
            void=Conditions((Condition("tag", "is", ("spam",)),)),
            merged_into="merged_into",
        ),
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
    "used_up_as_a_note_is_added": Story(
        (CREATED, (at(0, 13), "internal_note", {}), (at(0, 14), *RESOLVED)),
        levels(RESOLUTION),
        at(0, 15),
    ),
}
