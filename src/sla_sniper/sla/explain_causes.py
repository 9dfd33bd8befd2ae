"""Why a clock starts, stands still and stops: the key of `sla.toml`, and a clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sla_sniper.core.schema import STATUSES
from sla_sniper.sla.explain_values import Rule
from sla_sniper.sla.explain_words import quoted, rule_of, status, toml
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.stages import IS_WORK

if TYPE_CHECKING:
    from sla_sniper.sla.explain_case import Course
    from sla_sniper.sla.segments import Segments


class Cause(NamedTuple):
    """A key of `sla.toml` and why it applied, as a clause; and why it no longer does."""

    rule: Rule
    reason: str
    over: str = ""


def status_of(course: Course, row: int) -> str:
    """Canonical status after a row; empty for none of them."""
    code = int(course.case.facts.status[row])
    return STATUSES[code] if code >= 0 else ""


def begin_cause(course: Course, part: Segments, row: int) -> Cause:
    """Say what starts a cycle."""
    rule, facts = part.rule, course.case.facts
    if rule.metric == "next_reply_time" and facts.is_request[row]:
        is_first = rule.include_first and not facts.is_reply[:row].any()
        found = rule_of(rule, "include_first") if is_first else metric_rule(part)
        return Cause(found, "a message of the requester waits for an answer")
    if rule.metric == "periodic_update_time" and _is_contact(course, part, row):
        return Cause(rule_of(rule, "reset_by"), "the next update is due from this message on")
    if rule.metric == "periodic_update_time" and rule.start == "created":
        return Cause(rule_of(rule, "starts_at_creation"), "the first update is due from here on")
    if rule.metric in IS_WORK and rule.on_reopen == "restart" and course.cycle > 1:
        return Cause(rule_of(rule, "on_reopen"), "the ticket was opened again")
    if rule.start == "attached":
        return Cause(rule_of(rule, "start"), f"policy {quoted(part.policy.name)} covers it now")
    return Cause(rule_of(rule, "start"), "the ticket begins")


def pause_cause(course: Course, part: Segments, row: int) -> Cause:
    """Say what makes a clock stand still."""
    rule = part.rule
    name = status_of(course, row)
    told = status(name)
    if rule.pause_until and int(part.resumes[row]) not in {NEVER, course.begins(row)}:
        until = course.case.when(int(part.resumes[row]))
        field = quoted(rule.pause_until)
        return Cause(
            rule_of(rule, "pause_until"), f"{field} holds it until {until}", f"{field} is over"
        )
    if name in rule.pause_in:
        over = f"the status is no longer {told}"
        return Cause(rule_of(rule, "pause_in"), f"the status is {told}", over)
    if rule.pause_awaiting_requester and course.case.facts.is_awaiting[row]:
        why = "the last public message came from the desk"
        return Cause(rule_of(rule, "pause_awaiting_requester"), why, "the requester has written")
    return Cause(
        rule_of(rule, "on_close"), f"the status is {told}", f"the status is no longer {told}"
    )


def stop_cause(course: Course, part: Segments, rows: range) -> Cause:
    """Say what stops a clock in one of some rows of the same instant."""
    rule = part.rule
    found = (_work if rule.metric in IS_WORK else _answer)(course, part, rows)
    if found is not None:
        return found
    left = f"policy {quoted(part.policy.name)} no longer covers the ticket"
    return Cause(rule_of(rule, "on_leave"), left)


def metric_rule(part: Segments) -> Rule:
    """Name the metric as the rule: what it times is its meaning."""
    return Rule("metric", toml(part.rule.metric))


def _work(course: Course, part: Segments, rows: range) -> Cause | None:
    name = status_of(course, rows[-1])
    if name not in part.rule.stop_in:
        return None
    return Cause(rule_of(part.rule, "stop_in"), f"the status is {status(name)}")


def _answer(course: Course, part: Segments, rows: range) -> Cause | None:
    rule, facts, among = part.rule, course.case.facts, slice(rows[0], rows[-1] + 1)
    if rule.metric == "ownership_time" and facts.is_assigned[among].any():
        return Cause(metric_rule(part), "somebody is assigned")
    waits = rule.metric in {"first_reply_time", "next_reply_time"}
    if waits and facts.is_reply[among].any():
        return Cause(rule_of(course.case.levels.replies, "roles"), "the desk has replied")
    name = status_of(course, rows[-1])
    if rule.metric != "ownership_time" and name in rule.reply_statuses:
        return Cause(rule_of(rule, "reply_statuses"), f"the status {status(name)} is a reply")
    if rule.until and facts.is_request[among].any():
        return Cause(rule_of(rule, "until"), "the requester has written")
    if name in rule.stop_in:
        return Cause(rule_of(rule, "on_close"), f"the status is {status(name)}")
    return None


def _is_contact(course: Course, part: Segments, row: int) -> bool:
    rule, facts = part.rule, course.case.facts
    by_desk = facts.is_reply[row] or status_of(course, row) in rule.reply_statuses
    by_requester = bool(facts.is_request[row]) and "requester" in rule.reset_by
    return by_requester or (by_desk and "agent" in rule.reset_by)
