"""Tickets that policies cover in turn, in one calendar and another, or do not cover."""

from __future__ import annotations

from dataclasses import replace

from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import (
    OFF,
    CalendarChoice,
    ServiceLevels,
    SlaPolicy,
    Target,
    WorkingDays,
)

from .explained import CALENDARS, HOUR, Story, at, kept, levels

FIRST_REPLY = Target("first_reply_time", "office", {"high": HOUR, "low": 8 * HOUR})
RESOLUTION = Target(
    "resolution_time",
    "office",
    {"high": 4 * HOUR, "low": 16 * HOUR},
    pause_in=("waiting_requester",),
)
CREATED = (at(0, 9), "created", {})
TO_VIPS = ("group", {"group": "VIP"})
BACK = ("group", {"group": "L1"})
FOR_VIPS = Conditions((Condition("group", "is", ("VIP",)),))
VIP = SlaPolicy("vip", (Target("resolution_time", "office", default=6 * HOUR),), when=FOR_VIPS)
BY_GROUP = CalendarChoice(
    (("organization", {"Acme": "office"}), ("group", {"L2": "nights", "L3": "always"})), "office"
)


def asking(name: str, *all_of: Condition, any_of: tuple[Condition, ...] = ()) -> SlaPolicy:
    return SlaPolicy(name, (RESOLUTION,), when=Conditions(all_of, any_of))


STORIES = {
    "another_policy": Story(
        ((at(0, 9), "created", {"priority": "low"}), (at(0, 12), *TO_VIPS)),
        levels(FIRST_REPLY, RESOLUTION, before=(VIP,)),
        at(0, 13),
    ),
    "another_policy_in_working_days": Story(
        (
            (at(0, 9), "created", {"status": "waiting_requester"}),
            (at(0, 10), "status", {"status": "open"}),
            (at(0, 11), *TO_VIPS),
        ),
        levels(replace(RESOLUTION, by_priority={"high": WorkingDays(1)}), before=(VIP,)),
        at(0, 12),
    ),
    "another_policy_counts_from_the_change": Story(
        (CREATED, (at(0, 10), *TO_VIPS), (at(0, 11), *BACK)),
        levels(RESOLUTION, before=(replace(VIP, on_policy_change="restart"),)),
        at(0, 12),
    ),
    "another_policy_while_paused": Story(
        (CREATED, (at(0, 10), "status", {"status": "waiting_requester"}), (at(0, 11), *TO_VIPS)),
        levels(RESOLUTION, before=(VIP,)),
        at(0, 12),
    ),
    "first_policy_kept": Story(
        ((at(0, 9), "created", {"group": "VIP"}), (at(0, 10), *BACK)),
        levels(RESOLUTION, before=(replace(VIP, on_policy_change="keep"),)),
        at(0, 11),
    ),
    "left_and_covered_again": Story(
        (
            (at(0, 9), "created", {"group": "VIP"}),
            (at(0, 10), *BACK),
            (at(0, 11), *TO_VIPS),
            (at(0, 12), "internal_note", {}),
        ),
        levels(before=(VIP,)),
        at(0, 13),
    ),
    "covered_by_none_at_first": Story(
        (CREATED, (at(0, 10), "group", {"group": "L2"}), (at(0, 11), *TO_VIPS)),
        levels(before=(VIP,)),
        at(0, 12),
    ),
    "by_way_of_a_policy_without_the_target": Story(
        (
            (at(0, 9), "created", {"group": "VIP"}),
            (at(0, 10), "group", {"group": "L2"}),
            (at(0, 11), *BACK),
        ),
        levels(
            RESOLUTION,
            before=(
                replace(VIP, on_policy_change="restart"),
                SlaPolicy(
                    "second",
                    (FIRST_REPLY,),
                    when=Conditions((Condition("group", "is", ("L2",)),)),
                ),
            ),
        ),
        at(0, 12),
    ),
    "hours_by_group": Story(
        (CREATED, (at(0, 16), "group", {"group": "L3"})),
        levels(replace(RESOLUTION, calendar=BY_GROUP)),
        at(0, 16, 30),
    ),
    "hours_by_group_counted_from_the_change": Story(
        (CREATED, (at(0, 11), "group", {"group": "L3"}), (at(0, 12), "group", {"group": "L2"})),
        levels(replace(RESOLUTION, calendar=BY_GROUP, on_calendar_change="restart")),
        at(0, 23),
    ),
    "hours_kept": Story(
        (CREATED, (at(0, 11), "group", {"group": "L3"})),
        levels(replace(RESOLUTION, calendar=BY_GROUP, on_calendar_change="keep")),
        at(0, 12),
    ),
    "off_and_not_answered": Story(
        ((at(0, 9), "created", {"priority": None}),),
        levels(
            replace(FIRST_REPLY, default=OFF),
            replace(RESOLUTION, default=OFF),
            Target("next_reply_time", "office", is_vendor=True),
        ),
        at(0, 10),
    ),
    "first_priority_kept_and_off": Story(
        ((at(0, 9), "created", {"priority": "low"}), (at(0, 10), "priority", {"priority": "high"})),
        levels(
            replace(
                RESOLUTION,
                by_priority={"high": 4 * HOUR, "low": OFF},
                on_priority_change="keep",
            )
        ),
        at(0, 11),
    ),
    "cancelled_from_the_start": Story(
        ((at(0, 9), "created", {"status": "cancelled"}),), levels(RESOLUTION), at(0, 10)
    ),
    "vendor_deadline_told_late": Story(
        (CREATED, (at(0, 10), "sla", {"vendor_due_at": at(0, 15)})),
        levels(Target("resolution_time", "office", is_vendor=True)),
        at(0, 11),
    ),
    "one_of_two_is_enough": Story(
        ((at(0, 9), "created", {"organization": "Acme"} | kept(seats="12", tags="vip, beta")),),
        levels(
            RESOLUTION,
            before=(
                asking(
                    "seats", Condition("seats", "gt", ("20",)), Condition("group", "is", ("L1",))
                ),
                asking("few", Condition("seats", "lt", ("10",))),
                asking("none", Condition("shade", "is", ("red",))),
                asking("not", Condition("group", "is_not", ("L1",))),
                asking("not in", Condition("group", "not_in", ("L1", "L2", "L3"))),
                asking("text", Condition("organization", "contains_not", ("acm",))),
                asking(
                    "any",
                    any_of=(
                        Condition("group", "in", ("L2", "L3")),
                        Condition("organization", "contains", ("acm",)),
                        Condition("tags", "has_any", ("vip",)),
                    ),
                ),
                asking("behind", Condition("group", "is", ("L9",))),
            ),
        ),
        at(0, 10),
    ),
    "none_of_any": Story(
        (CREATED,),
        levels(
            before=(
                asking(
                    "any",
                    Condition("group", "is", ("L1",)),
                    any_of=(
                        Condition("priority", "is", ("low",)),
                        Condition("group", "is", ("L2",)),
                    ),
                ),
            )
        ),
        at(0, 10),
    ),
    "within_and_without_its_time": Story(
        (CREATED,),
        levels(
            RESOLUTION,
            before=(
                replace(VIP, name="early", when=Conditions(), valid_to=at(0, 9)),
                replace(VIP, name="late", when=Conditions(), valid_from=at(0, 10)),
                replace(
                    VIP, name="in time", when=Conditions(), valid_from=at(0, 9), valid_to=at(0, 10)
                ),
            ),
        ),
        at(0, 10),
    ),
    "covered_by_nobody": Story(
        (CREATED, (at(0, 10), *TO_VIPS), (at(0, 11), "group", {"group": "L2"})),
        ServiceLevels(CALENDARS, (VIP,)),
        at(0, 12),
    ),
    "covered_at_last": Story(
        (CREATED, (at(0, 10), *TO_VIPS)), ServiceLevels(CALENDARS, (VIP,)), at(0, 12)
    ),
    "off_under_another_policy": Story(
        ((at(0, 9), "created", {"group": "VIP", "priority": "low"}), (at(0, 10), *BACK)),
        levels(
            RESOLUTION,
            before=(
                SlaPolicy(
                    "vip",
                    (replace(RESOLUTION, by_priority={"high": 4 * HOUR, "low": OFF}),),
                    when=FOR_VIPS,
                ),
            ),
        ),
        at(0, 11),
    ),
    "resolved_under_another_policy": Story(
        (
            (at(0, 9), "created", {"group": "VIP"}),
            (at(0, 10), "resolved", {"status": "resolved"}),
            (at(0, 11), *BACK),
            (at(0, 12), "internal_note", {}),
            (at(0, 13), "status+group", {"status": "open", "group": "L2"}),
        ),
        levels(
            RESOLUTION,
            before=(
                replace(VIP, on_policy_change="restart"),
                SlaPolicy(
                    "second",
                    (RESOLUTION,),
                    when=Conditions((Condition("group", "is", ("L2",)),)),
                ),
            ),
        ),
        at(0, 14),
    ),
    "kept_where_an_earlier_one_fits": Story(
        (CREATED, (at(0, 10), *TO_VIPS)),
        levels(
            before=(
                VIP,
                SlaPolicy("first", (RESOLUTION,), on_policy_change="keep"),
            )
        ),
        at(0, 11),
    ),
}
