"""Tickets that wait for an answer, an update or an owner."""

from __future__ import annotations

from dataclasses import replace

from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import OFF, Replies, SlaPolicy, Target

from .explained import HOUR, Story, at, kept, levels

FIRST = Target("first_reply_time", "office", default=2 * HOUR)
NEXT = Target("next_reply_time", "office", default=2 * HOUR)
UPDATE = Target("periodic_update_time", "office", default=2 * HOUR)
OWNERSHIP = Target("ownership_time", "office", default=HOUR)
CREATED = (at(0, 9), "created", {})
RESOLVED = ("resolved", {"status": "resolved"})
WAITS = ("status", {"status": "waiting_requester"})
OPEN = ("status", {"status": "open"})
ASKS = ("requester_message", {"actor_role": "requester"})
REPLIES = ("public_reply", {"actor_role": "agent"})
ROBOT = ("public_reply", {"actor_role": "system"})
FOR_VIPS = Conditions((Condition("group", "is", ("VIP",)),))

STORIES = {
    "asked_twice_and_answered_once": Story(
        (
            (at(0, 9), "created+requester_message", {"actor_role": "requester"}),
            (at(0, 9, 30), *ROBOT),
            (at(0, 10), *REPLIES),
            (at(0, 11), *ASKS),
            (at(0, 12), "public_reply", {"actor_role": "requester"}),
            (at(0, 13), *REPLIES),
            (at(0, 14), *ASKS),
        ),
        levels(FIRST, NEXT),
        at(0, 15),
    ),
    "the_first_answer_counts_as_well": Story(
        ((at(0, 9), "created+requester_message", {"actor_role": "requester"}),),
        levels(replace(NEXT, include_first=True)),
        at(0, 10),
    ),
    "nobody_asked": Story(
        ((at(0, 9), "created", {"priority": None, "group": None}),), levels(FIRST, NEXT), at(0, 10)
    ),
    "of_another_priority": Story(
        ((at(0, 9), "created", {"priority": "medium"}),),
        levels(replace(FIRST, by_priority={"high": HOUR})),
        at(0, 10),
    ),
    "not_answered_yet": Story((CREATED, (at(0, 10), *ASKS)), levels(FIRST, NEXT), at(0, 11)),
    "nothing_asked_since_the_answer": Story(
        (
            (at(0, 9), "created+requester_message", {"actor_role": "requester"}),
            (at(0, 10), *REPLIES),
        ),
        levels(FIRST, NEXT),
        at(0, 11),
    ),
    "answered_by_a_robot_or_a_note": Story(
        (CREATED, (at(0, 10), *ROBOT), (at(0, 11), "internal_note", {"actor_role": "agent"})),
        levels(FIRST, replies=Replies(are_notes=True)),
        at(0, 12),
    ),
    "answered_by_a_status": Story(
        ((at(0, 9), "created", {}), (at(0, 10), *WAITS)),
        levels(replace(FIRST, reply_statuses=("waiting_requester",))),
        at(0, 11),
    ),
    "closed_unanswered": Story(
        (CREATED, (at(0, 10), *RESOLVED), (at(0, 11), *OPEN)),
        levels(replace(FIRST, on_reopen="final")),
        at(0, 12),
    ),
    "closed_by_the_requester": Story(
        (CREATED, (at(0, 10), "requester_message+resolved", ASKS[1] | RESOLVED[1])),
        levels(FIRST, Target("resolution_time", "office", default=4 * HOUR)),
        at(0, 11),
    ),
    "answered_while_cancelled_by_mistake": Story(
        (
            CREATED,
            (at(0, 10), "status", {"status": "cancelled"}),
            (at(0, 11), *REPLIES),
            (at(0, 12), *OPEN),
        ),
        levels(FIRST),
        at(0, 13),
    ),
    "answered_as_it_was_created": Story(
        ((at(0, 9), "created+public_reply", {"actor_role": "agent"}),), levels(FIRST), at(0, 10)
    ),
    "answered_and_resolved_in_one_second": Story(
        (
            CREATED,
            (at(0, 10, us=200_000), *REPLIES),
            (at(0, 10, us=500_000), *RESOLVED),
            (at(0, 10, us=900_000), "assignee", {"assignee": "a1"}),
        ),
        levels(FIRST, Target("resolution_time", "office", default=4 * HOUR)),
        at(0, 11),
    ),
    "answered_with_another_priority": Story(
        (
            (at(0, 9), "created", {"priority": "low"}),
            (at(0, 11), "public_reply+priority", {"actor_role": "agent", "priority": "high"}),
        ),
        levels(replace(FIRST, by_priority={"high": HOUR, "low": 4 * HOUR})),
        at(0, 12),
    ),
    "updates_that_begin_while_off": Story(
        (
            (at(0, 9), "created", {"priority": "low"}),
            (at(0, 10), *REPLIES),
            (at(0, 11), "public_reply+priority", {"actor_role": "agent", "priority": "high"}),
        ),
        levels(replace(UPDATE, by_priority={"high": HOUR, "low": OFF})),
        at(0, 12),
    ),
    "wait_paused_while_closed": Story(
        (
            CREATED,
            (at(0, 10), *RESOLVED),
            (at(0, 11), *OPEN),
            (at(0, 11, 30), "attribute", kept(hold_until="2024-03-25T11:00:00Z")),
        ),
        levels(replace(FIRST, on_close="pause", pause_until="hold_until")),
        at(0, 12),
    ),
    "wait_goes_on_while_closed": Story(
        (
            CREATED,
            (at(0, 10), *RESOLVED),
            (at(0, 10, 30), "attribute", kept(hold_until="2024-03-25T10:00:00Z")),
        ),
        levels(replace(FIRST, on_close="ignore", pause_until="hold_until")),
        at(0, 11, 30),
    ),
    "updates_from_the_creation_on": Story(
        (
            CREATED,
            (at(0, 10), *REPLIES),
            (at(0, 11), *WAITS),
            (at(0, 14), *REPLIES),
            (at(0, 15), "public_reply+resolved", {"actor_role": "agent", "status": "resolved"}),
        ),
        levels(UPDATE),
        at(0, 16),
    ),
    "updates_from_the_first_contact_on": Story(
        (CREATED, (at(0, 10), *REPLIES), (at(0, 11), *ASKS)),
        levels(replace(UPDATE, starts_at_creation=False, until="requester")),
        at(0, 12),
    ),
    "no_update_before_the_first_contact": Story(
        (CREATED,), levels(replace(UPDATE, starts_at_creation=False)), at(0, 10)
    ),
    "updates_that_the_requester_restarts": Story(
        (
            (at(0, 9), "created+requester_message", {"actor_role": "requester"}),
            (at(0, 10), *ASKS),
            (at(0, 11), *REPLIES),
            (at(0, 12), *WAITS),
            (at(0, 13), *ASKS),
        ),
        levels(
            replace(UPDATE, reset_by=("agent", "requester"), reply_statuses=("waiting_requester",))
        ),
        at(0, 13, 30),
    ),
    "update_over_time_when_it_is_cut": Story(
        (CREATED, (at(0, 12), *REPLIES), (at(0, 13), *WAITS), (at(0, 14), *REPLIES)),
        levels(replace(UPDATE, pause_in=("waiting_requester",))),
        at(0, 14),
    ),
    "owned_at_last": Story(
        (
            CREATED,
            (at(0, 10), "assignee", {"assignee": "a1"}),
            (at(0, 10, 30), "assignee", {"assignee": "a2"}),
            (at(0, 11), "assignee", {"assignee": None}),
        ),
        levels(OWNERSHIP),
        at(0, 12),
    ),
    "owned_with_the_first_answer": Story(
        (
            CREATED,
            (at(0, 10), "public_reply+assignee", {"actor_role": "agent", "assignee": "a1"}),
        ),
        levels(FIRST, OWNERSHIP),
        at(0, 11),
    ),
    "never_owned": Story((CREATED, (at(0, 10), *RESOLVED)), levels(OWNERSHIP), at(0, 11)),
    "covered_from_attachment_on": Story(
        (
            CREATED,
            (at(0, 10), "group", {"group": "VIP"}),
            (at(0, 11), *RESOLVED),
            (at(0, 12), *OPEN),
            (at(0, 13), "group", {"group": "L2"}),
            (at(0, 14), "group", {"group": "VIP"}),
        ),
        levels(
            before=(
                SlaPolicy(
                    "vip",
                    (
                        replace(FIRST, start="attached"),
                        Target(
                            "resolution_time",
                            "office",
                            default=4 * HOUR,
                            start="attached",
                            on_reopen="restart",
                            on_leave="satisfy",
                        ),
                    ),
                    when=FOR_VIPS,
                ),
            )
        ),
        at(0, 15),
    ),
    "left_by_its_policy": Story(
        (CREATED, (at(0, 10), "group", {"group": "VIP"}), (at(0, 11), "group", {"group": "L2"})),
        levels(
            before=(
                SlaPolicy(
                    "vip",
                    (
                        replace(FIRST, start="attached", on_leave="satisfy"),
                        replace(OWNERSHIP, start="attached"),
                    ),
                    when=FOR_VIPS,
                ),
            )
        ),
        at(0, 12),
    ),
    "answered_before_the_policy_came": Story(
        (
            (at(0, 9), "created", {"priority": "low"}),
            (at(0, 10), *REPLIES),
            (at(0, 11), "group+priority", {"group": "VIP", "priority": "high"}),
        ),
        levels(
            before=(SlaPolicy("vip", (replace(FIRST, by_priority={"low": OFF}),), when=FOR_VIPS),)
        ),
        at(0, 12),
    ),
    "told_by_unusual_rows": Story(
        (
            (at(0, 9), "status", {"status": None, "priority": None, "group": None}),
            (at(0, 10), "internal_note", {}),
            (
                at(0, 11),
                "attribute",
                {"status": "strange", "organization": "Acme", "channel": "mail"}
                | kept(tag="vip", shade="red"),
            ),
            (
                at(0, 11),
                "attribute",
                {"category": "printer", "product": "ink"} | kept(tag="vip"),
            ),
            (at(0, 12), "status+internal_note", {"status": "waiting_vendor", "group": "L2"}),
        ),
        levels(FIRST, void=Conditions((Condition("tag", "is", ("spam",)),))),
        at(0, 13),
    ),
    "told_by_a_derived_creation": Story(
        (
            (at(0, 9), "created", {"event_id": "T1-created"}),
            (at(0, 9), "status", {"event_id": "e2", "status": "open"}),
        ),
        levels(FIRST),
        at(0, 10),
    ),
    "first_status_told_late": Story(
        (
            (at(0, 9), "created", {"event_id": "T1-created", "actor_role": "agent", "group": None}),
            (at(0, 10), "status", {"event_id": "e2", "status": "on_hold"}),
        ),
        levels(FIRST),
        at(0, 11),
    ),
    "answered_and_asked_at_once": Story(
        (
            (at(0, 8), "created", {}),
            (at(0, 9), *ASKS),
            (at(0, 10), "public_reply+requester_message", {"actor_role": "agent"}),
        ),
        levels(replace(NEXT, include_first=True)),
        at(0, 11),
    ),
    "answered_while_another_policy_held": Story(
        (
            (at(0, 9), "created+requester_message", {"group": "VIP", "actor_role": "requester"}),
            (at(0, 10), "group", {"group": "L1"}),
            (at(0, 11), *REPLIES),
            (at(0, 12), "group", {"group": "VIP"}),
        ),
        levels(
            before=(
                SlaPolicy(
                    "vip", (replace(NEXT, include_first=True, start="attached"),), when=FOR_VIPS
                ),
            )
        ),
        at(0, 13),
    ),
    "asked_before_the_policy_came": Story(
        (
            (at(0, 9), "created+requester_message", {"actor_role": "requester"}),
            (at(0, 10), "group", {"group": "VIP"}),
        ),
        levels(
            before=(
                SlaPolicy(
                    "vip", (replace(NEXT, include_first=True, start="attached"),), when=FOR_VIPS
                ),
            )
        ),
        at(0, 11),
    ),
    "updates_of_a_cancelled_ticket": Story(
        (
            (at(0, 9), "created+requester_message", {"actor_role": "requester"}),
            (at(0, 10), *REPLIES),
            (at(0, 11), "status", {"status": "cancelled"}),
        ),
        levels(UPDATE),
        at(0, 12),
    ),
}
