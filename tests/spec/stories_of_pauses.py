"""Tickets whose clocks stand still: in a status, for an answer, until an agreed moment."""

from __future__ import annotations

from dataclasses import replace

from sla_sniper.sla.policy import OFF, Replies, Target

from .explained import HOUR, Story, at, kept, levels
from .stories_of_work import CREATED, HIGH, LOW, OPEN, RESOLUTION, RESOLVED, TARGETS, WAITS

HELD = replace(RESOLUTION, pause_until="hold_until")
WALL = replace(RESOLUTION, pause_unit="wall")

STORIES = {
    "held_until_an_agreed_moment": Story(
        (
            CREATED,
            (at(0, 10), "attribute", kept(hold_until="2024-03-25T11:00:00Z")),
            (at(0, 14), "public_reply", {"actor_role": "agent"}),
            (at(0, 15), "attribute", kept(hold_until="2024-03-26T12:00:00Z")),
            (at(1, 10), "attribute", kept()),
        ),
        levels(HELD),
        at(1, 13),
    ),
    "held_anew_and_resolved": Story(
        (
            CREATED,
            (at(0, 10), "attribute", kept(hold_until="2024-03-25T11:00:00Z")),
            (at(0, 11), "attribute", kept(hold_until="2024-03-25T12:00:00Z")),
            (at(0, 11, 30), *RESOLVED),
            (at(0, 12), *WAITS),
            (at(0, 12, 30), *RESOLVED),
            (at(0, 14), *OPEN),
        ),
        levels(HELD),
        at(0, 15),
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
        at(0, 13),
    ),
    "deadline_passed_while_it_is_hidden": Story(
        (CREATED, (at(0, 12), "attribute", kept(hold_until="2024-03-25T13:00:00Z"))),
        levels(replace(HELD, pause_mode="hide")),
        at(0, 15),
    ),
    "paused_from_the_start": Story(
        ((at(0, 9), "created", {"status": "waiting_requester"}),), levels(RESOLUTION), at(0, 10)
    ),
    "paused_as_it_is_read": Story(
        ((at(0, 10), "created", {"status": "waiting_requester"}),), levels(RESOLUTION), at(0, 10)
    ),
    "paused_in_its_first_second": Story(
        (CREATED, (at(0, 9, us=500_000), *WAITS)), levels(RESOLUTION), at(0, 10)
    ),
    "paused_when_used_up": Story((CREATED, (at(0, 13), *WAITS)), levels(RESOLUTION), at(0, 14)),
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
    "paused_thrice_by_wall_time": Story(
        (
            CREATED,
            (at(0, 10), *WAITS),
            (at(0, 11), *OPEN),
            (at(0, 12), *WAITS),
            (at(0, 13), "internal_note", {}),
            (at(0, 14), *OPEN),
            (at(0, 14, 30), *WAITS),
            (at(0, 15), *OPEN),
        ),
        levels(WALL),
        at(0, 15, 30),
    ),
    "held_by_wall_time_after_a_pause": Story(
        (
            CREATED,
            (at(0, 10), *WAITS),
            (at(0, 11), *OPEN),
            (at(0, 12), "attribute", kept(hold_until="2024-03-25T13:00:00Z")),
        ),
        levels(replace(HELD, pause_unit="wall")),
        at(0, 15),
    ),
    "held_by_wall_time_without_a_target": Story(
        (
            (at(0, 9), "created", {"priority": "low"}),
            (at(0, 10), "attribute", kept(hold_until="2024-03-25T10:00:00Z")),
            (at(0, 12), *HIGH),
        ),
        levels(replace(HELD, pause_unit="wall", by_priority={"high": 4 * HOUR, "low": OFF})),
        at(0, 13),
    ),
    "runs_by_wall_time_without_a_target": Story(
        (CREATED, (at(0, 10), *LOW), (at(0, 11), *WAITS), (at(0, 12), *OPEN), (at(0, 13), *HIGH)),
        levels(replace(WALL, by_priority={"high": 4 * HOUR, "low": OFF})),
        at(0, 14),
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
    "vendor_deadline_moved_too_early": Story(
        (
            (at(0, 9), "created", {"vendor_due_at": at(0, 15)}),
            (at(0, 12), "sla", {"vendor_due_at": at(0, 11)}),
        ),
        levels(Target("resolution_time", "office", is_vendor=True)),
        at(0, 13),
    ),
}
