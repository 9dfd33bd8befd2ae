"""What a rule that comes to hold for a ticket, or ceases to, changes for its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sla_sniper.core.instants import from_us
from sla_sniper.sla.explain_values import Change, Rule
from sla_sniper.sla.explain_words import allowed_words, rule_of, toml, when
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.targets import NO_TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_sniper.sla.explain_changes import Course
    from sla_sniper.sla.policy import SlaPolicy, Target
    from sla_sniper.sla.segments import Segments

RECOUNTED: Final[Mapping[str, str]] = {
    "recompute": "It is counted from the start of the clock, as if it had always held.",
    "restart": "The clock counts from here.",
    "keep": "The clock keeps the target it began with.",
}


def covered(course: Course, row: int) -> Iterator[Change]:
    """A rule that comes to hold for the ticket, or ceases to."""
    had, has = (course.segments.target[at] != NO_TARGET for at in (row - 1, row))
    if has and not had:
        yield _covering(course, row)
    elif not has and (had or _in_force(course, row) != _in_force(course, row - 1)):
        yield uncovered(course, row)


def _in_force(course: Course, row: int) -> tuple[str, ...]:
    """Policy that holds at a row where this rule does not, and the calendar if it has one."""
    other = _other_at(course, row)
    if other is None:
        return (course.policies[row],)
    return other.policy.name, other.calendar.name


def _covering(course: Course, row: int) -> Change:
    name = course.segments.policy.name
    if course.policies[row - 1] != name:
        return _new_policy(course, row)
    if _other_at(course, row - 1) is not None:
        mode = course.segments.rule.on_calendar_change
        text = f"The hours of calendar {course.segments.calendar.name!r} count from here on."
        return Change("calendar", course.rule("on_calendar_change"), f"{text} {RECOUNTED[mode]}")
    target = course.segments.rule
    if target.is_vendor:
        text = "From here on the help desk tells a deadline of its own."
        return Change("target", course.target(row), text)
    counted = RECOUNTED[target.on_priority_change]
    text = f"There is a target from here on: {_allowed(course, course.segments, row)}. {counted}"
    return Change("target", course.target(row), text)


def _new_policy(course: Course, row: int) -> Change:
    name, left = course.segments.policy.name, _left(course, row)
    if left is None or left.name == name:
        text = f"Policy {name!r} covers the ticket from here on. {RECOUNTED['recompute']}"
        return Change("policy", course.rule("start"), text)
    text = f"Policy {name!r} follows policy {left.name!r}. {RECOUNTED[left.on_policy_change]}"
    return Change("policy", rule_of(left, "on_policy_change"), text)


def _left(course: Course, row: int) -> SlaPolicy | None:
    """The last policy before a row by which the cycle was counted."""
    cycle = course.segments.cycle
    timed = {each.name: each for each in course.levels.policies if _target_of(each, course)}
    counted = (
        timed[course.policies[at]]
        for at in reversed(range(row))
        if cycle[at] == cycle[row] and course.policies[at] in timed and not course.stays_stopped(at)
    )
    return next(counted, None)


def _target_of(policy: SlaPolicy, course: Course) -> Target | None:
    metric = course.segments.rule.metric
    return next((each for each in policy.targets if each.metric == metric), None)


def _other_at(course: Course, row: int) -> Segments | None:
    """The fold of the same metric that has a target at a row where this one has none."""
    return next((each for each in course.others if each.target[row] != NO_TARGET), None)


def _allowed(course: Course, segments: Segments, row: int) -> str:
    priority = course.history.value(row, "priority")
    return allowed_words(segments.rule, priority, int(segments.target[row]))


def uncovered(course: Course, row: int) -> Change:
    """Say what holds at a row where this rule does not."""
    other, name = _other_at(course, row), course.policies[row]
    if other is None and name == course.segments.policy.name:
        text = f"The target is {_off(course, row)}, so there is no deadline here."
        if course.segments.rule.is_vendor:
            text = "The help desk tells no deadline of its own here."
        return Change("uncovered", course.target(row), text)
    if other is None:
        named = (each for each in course.levels.policies if each.name == name)
        is_timed = any(_target_of(each, course) for each in named)
        lacks = f"whose target is {_off(course, row)}" if is_timed else "which has no such target"
        holds = f"policy {name!r}, {lacks}," if name else "no policy"
        return Change("uncovered", Rule("policy", toml(name)), f"Here {holds} is in force.")
    due = int(other.due[row])
    until = "" if due == NEVER else f", due {when(from_us(due), course.timezone)}"
    text = (
        f"Here policy {other.policy.name!r} is in force, in the hours of calendar "
        f"{other.calendar.name!r}: {_allowed(course, other, row)}{until}. What follows is counted "
        f"by the rule that came later."
    )
    return Change("uncovered", Rule("policy", toml(other.policy.name)), text)


def _off(course: Course, row: int) -> str:
    return f"off for priority {course.history.value(row, 'priority') or 'none'}"
