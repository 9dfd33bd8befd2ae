"""Why a clock changed at a row of its ticket: each transition with the rule that caused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import from_us
from sla_sniper.core.schema import STATUSES
from sla_sniper.sla.explain_values import Change, Rule
from sla_sniper.sla.explain_words import (
    allowed_words,
    rule_of,
    status,
    target_rule,
    toml,
    wall,
    when,
    working,
)
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.stages import CANCELLED, IS_WORK, PAUSED, RUNNING, STOPPED
from sla_sniper.sla.targets import NO_TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_sniper.sla.explain_happenings import History
    from sla_sniper.sla.explain_values import Kind
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import ServiceLevels
    from sla_sniper.sla.segments import Segments

_REOPENED: Final[Mapping[str, str]] = {
    "exclude": "The clock goes on where it stopped; the time in between does not count.",
    "count": "The clock goes on, and the time in between counts as used.",
}
_RECOUNTED: Final[Mapping[str, str]] = {
    "recompute": "It is counted from the start of the clock, as if it had always held.",
    "restart": "The clock counts from here.",
    "keep": "The clock keeps the target it began with.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One target's clock over the rows of one ticket, and what is known about each row.

    Attributes
    ----------
    policies : tuple of str
        Name of the policy in force after each row, empty for none.
    others : tuple of Segments
        The same metric under other policies and in other calendars.
    """

    history: History
    facts: Facts
    segments: Segments
    levels: ServiceLevels
    policies: tuple[str, ...]
    others: tuple[Segments, ...]
    timezone: str

    def changes(self, row: int) -> list[Change]:
        """What a row changes for the clock, in order; empty where it changes nothing."""
        if self._begins(row):
            return [self._beginning(row), *self._standing(row)]
        return [*self._covered(row), *self._stepped(row), *self._retargeted(row)]

    def _begins(self, row: int) -> bool:
        cycle = self.segments.cycle
        return bool(row == 0 or cycle[row] != cycle[row - 1])

    def state(self, row: int) -> int:
        """State of the clock after a row."""
        return int(self.segments.state[row])

    def cut(self) -> Change:
        """The end of a cycle with which the next one begins."""
        text = "The next period begins here, which ends this one."
        return Change("cut", self._rule("reset_by"), text)

    def _rule(self, key: str) -> Rule:
        return rule_of(self.segments.rule, key)

    def _beginning(self, row: int) -> Change:
        target = self.segments.rule
        if target.metric in IS_WORK and row > 0 and target.start == "created":
            text = "The ticket was opened again, and a new clock begins."
            return Change("begins", self._rule("on_reopen"), text)
        if target.metric == "next_reply_time":
            text = "The requester waits for an answer: the clock begins."
            return Change("begins", self._rule("include_first"), text)
        if target.metric == "periodic_update_time" and self._is_contact(row):
            text = "The requester has heard from the desk; the next update is due from here."
            return Change("begins", self._rule("reset_by"), text)
        if target.start == "attached":
            text = f"Policy {self.segments.policy.name!r} covers the ticket: the clock begins."
        else:
            text = "The clock begins with the ticket."
        return Change("begins", self._rule("start"), text)

    def _is_contact(self, row: int) -> bool:
        return bool(self.facts.is_reply[row] or self.facts.is_request[row])

    def _standing(self, row: int) -> Iterator[Change]:
        """What holds from the first moment on."""
        if self.segments.target[row] == NO_TARGET:
            yield self._uncovered(row)
        if self.state(row) == PAUSED:
            yield self._pause(row)
        elif self.state(row) == STOPPED:
            yield self._stop(row)
        elif self.segments.is_hidden[row]:
            yield self._hide()

    def _covered(self, row: int) -> Iterator[Change]:
        """A rule that comes to hold for the ticket, or ceases to."""
        had, has = (self.segments.target[at] != NO_TARGET for at in (row - 1, row))
        if had and not has:
            yield self._uncovered(row)
        elif has and not had:
            yield self._covering(row)

    def _covering(self, row: int) -> Change:
        name = self.segments.policy.name
        if self.policies[row - 1] != name:
            return self._new_policy(row)
        if self._other_at(row - 1) is not None:
            mode = self.segments.rule.on_calendar_change
            text = f"The hours of calendar {self.segments.calendar.name!r} count from here on."
            return Change(
                "calendar", self._rule("on_calendar_change"), f"{text} {_RECOUNTED[mode]}"
            )
        allowed = self._allowed(self.segments, row)
        text = f"There is a target from here on: {allowed}. {_RECOUNTED['recompute']}"
        return Change("target", self.target(row), text)

    def _new_policy(self, row: int) -> Change:
        name = self.segments.policy.name
        # A rule that was left for none still says what the next one counts from.
        left = next((each for each in reversed(self.policies[:row]) if each), "")
        policy = next((each for each in self.levels.policies if each.name == left), None)
        if policy is None or left == name:
            text = f"Policy {name!r} covers the ticket from here on. {_RECOUNTED['recompute']}"
            return Change("policy", self._rule("start"), text)
        way = "restart" if policy.on_policy_change == "restart" else "recompute"
        text = f"Policy {name!r} follows policy {left!r}. {_RECOUNTED[way]}"
        return Change("policy", rule_of(policy, "on_policy_change"), text)

    def _other_at(self, row: int) -> Segments | None:
        """The fold of the same metric that has a target at a row where this one has none."""
        return next((each for each in self.others if self._has_target(each, row)), None)

    @staticmethod
    def _has_target(segments: Segments, row: int) -> bool:
        place = np.searchsorted(segments.row, row)
        is_there = place < len(segments.row) and segments.row[place] == row
        return bool(is_there and segments.target[place] != NO_TARGET)

    def _allowed(self, segments: Segments, row: int) -> str:
        place = int(np.searchsorted(segments.row, row))
        priority = self.history.value(row, "priority")
        return allowed_words(segments.rule, priority, int(segments.target[place]))

    def _uncovered(self, row: int) -> Change:
        """Say what holds at a row where this rule does not."""
        other = self._other_at(row)
        if other is None and self.policies[row] == self.segments.policy.name:
            priority = self.history.value(row, "priority") or "none"
            text = f"The target is off for priority {priority}, so there is no deadline here."
            return Change("uncovered", self.target(row), text)
        if other is None:
            name = self.policies[row]
            holds = f"policy {name!r}, which has no such target" if name else "no policy"
            return Change("uncovered", Rule("policy", toml(name)), f"Here {holds} is in force.")
        place = int(np.searchsorted(other.row, row))
        due = int(other.due[place])
        until = "" if due == NEVER else f", due {when(from_us(due), self.timezone)}"
        text = (
            f"Here policy {other.policy.name!r} is in force, in the hours of calendar "
            f"{other.calendar.name!r}: {self._allowed(other, row)}{until}. What follows is counted "
            f"by the rule that came later."
        )
        return Change("uncovered", Rule("policy", toml(other.policy.name)), text)

    def _stepped(self, row: int) -> Iterator[Change]:
        before, now = self.state(row - 1), self.state(row)
        if before == STOPPED and now <= PAUSED:
            mode = self.segments.rule.on_reopen
            yield Change("reopens", self._rule("on_reopen"), _REOPENED.get(mode, "It goes on."))
            before = RUNNING
        if now == CANCELLED != before:
            yield self._cancelled(row)
        elif now == STOPPED != before:
            yield self._stop(row)
        elif now == PAUSED != before:
            yield self._pause(row)
        elif now == RUNNING and before == PAUSED:
            yield self._resume(row)
        if bool(self.segments.is_hidden[row]) != bool(self.segments.is_hidden[row - 1]):
            yield self._hide() if self.segments.is_hidden[row] else self._show()

    def _cancelled(self, row: int) -> Change:
        field = self.levels.merged_into
        into = self.history.value(row, field) if field else None
        if into is None or into == self.history.rows[row]["ticket_id"]:
            text = "The ticket was cancelled: this clock leaves every rate."
            return Change("cancelled", Rule("void", '"cancelled"'), text)
        text = f"The ticket was merged into {into}: this clock leaves every rate."
        return Change("cancelled", Rule("void.merged_into", toml(field)), text)

    def _hide(self) -> Change:
        text = "The clock goes on, but shows no deadline for now."
        return Change("hides", self._rule("pause_mode"), text)

    def _show(self) -> Change:
        return Change("shows", self._rule("pause_mode"), "The deadline is shown again.")

    def _status_of(self, row: int) -> str:
        place = int(self.facts.status[row])
        return status(STATUSES[place]) if place >= 0 else "unknown"

    def _pause(self, row: int) -> Change:
        kind, rule, why = self._why_still(row)
        return Change(kind, rule, f"The clock stands still, because {why}.")

    def _why_still(self, row: int) -> tuple[Kind, Rule, str]:
        target = self.segments.rule
        if self._is_status(row, target.pause_in):
            return "pauses", self._rule("pause_in"), f"the ticket is {self._status_of(row)}"
        if target.pause_awaiting_requester and self.facts.is_awaiting[row]:
            key = "pause_awaiting_requester"
            return "pauses", self._rule(key), "the last word was the desk's"
        if target.on_close == "pause" and self._is_status(row, target.stop_in):
            return "pauses", self._rule("on_close"), f"the ticket is {self._status_of(row)}"
        return "pauses", self._rule("pause_until"), "it is held until an agreed moment"

    def _is_status(self, row: int, names: tuple[str, ...]) -> bool:
        return bool(self.facts.is_in(names)[row]) if names else False

    def _resume(self, row: int) -> Change:
        if self.segments.rule.pause_unit == "wall":
            return Change("resumes", self._rule("pause_unit"), self._moved_on(row))
        _, rule, _ = self._why_still(row - 1)
        spent = working(int(self.segments.elapsed[row]))
        return Change("resumes", rule, f"The clock runs again, with {spent} used so far.")

    def _moved_on(self, row: int) -> str:
        """Say how a pause that ends at a row has moved the deadline by wall time."""
        segments = self.segments
        first = row - 1
        while not self._begins(first) and self.state(first - 1) == PAUSED:
            first -= 1
        lasted = wall(int(segments.paused[row] - segments.paused[first]))
        due, left = (int(each[row]) for each in (segments.deadline, segments.target))
        left -= int(segments.elapsed[row])
        if due == NEVER:
            return f"The clock runs again, after {lasted} of wall time."
        until = f"{working(left)} of working time left until then"
        if left <= 0:
            over = working(left)
            until = f"over time by {over} of working time" if left else "no open hours before it"
        moved = f"The pause moved its deadline by {lasted} of wall time"
        return f"The clock runs again. {moved}, to {when(from_us(due), self.timezone)}: {until}."

    def _stop(self, row: int) -> Change:  # noqa: PLR0911 - one return a rule
        target, facts = self.segments.rule, self.facts
        if target.metric not in IS_WORK and facts.is_reply[row]:
            return Change(
                "stops", Rule("replies.roles", toml(self.levels.replies.roles)), _ANSWERED
            )
        if self._is_status(row, target.reply_statuses):
            text = f"The status {self._status_of(row)} counts as an answer: the clock stops."
            return Change("stops", self._rule("reply_statuses"), text)
        if target.metric == "ownership_time" and facts.is_assigned[row]:
            text = "Somebody owns the ticket: the clock stops."
            return Change("stops", Rule("metric", toml(target.metric)), text)
        if target.until and facts.is_request[row]:
            text = "The requester wrote: this clock stops, and the next reply is awaited."
            return Change("stops", self._rule("until"), text)
        if target.start == "attached" and self.policies[row] != self.segments.policy.name:
            text = "The policy no longer covers the ticket: the clock stops."
            return Change("stops", self._rule("on_leave"), text)
        done = f"The ticket is {self._status_of(row)}"
        if target.metric in IS_WORK:
            return Change("stops", self._rule("stop_in"), f"{done}: the clock stops.")
        text = f"{done}, which ends the wait: the clock stops."
        return Change("stops", self._rule("on_close"), text)

    def _retargeted(self, row: int) -> Iterator[Change]:
        """A target that changed with the priority, while the clock can still change."""
        now, before = (int(self.segments.target[at]) for at in (row, row - 1))
        if NO_TARGET in (now, before) or self.state(row) >= STOPPED:
            return
        target = self.segments.rule
        mode = target.on_priority_change
        rule = self._rule("on_priority_change")
        priority = self.history.value(row, "priority")
        if now == before:
            is_new = priority != self.history.value(row - 1, "priority")
            if is_new and mode == "keep" and target.by_priority:
                yield Change("target", rule, _RECOUNTED["keep"])
            return
        allowed = allowed_words(target, priority, now)
        over = int(self.segments.elapsed[row]) - now
        late = f" So it is over time at once, by {working(over)}." if over > 0 else ""
        text = f"The target is now {allowed}. {_RECOUNTED[mode]}{late}"
        yield Change("target", rule, text)

    def stands(self, row: int) -> Change | None:
        """A reopening that changes nothing, because the first end of the work is final."""
        target, facts = self.segments.rule, self.facts
        if target.metric not in IS_WORK or target.on_reopen != "final" or row == 0:
            return None
        done = facts.is_in(target.stop_in)
        if not done[row - 1] or done[row] or facts.is_void[row]:
            return None
        text = "The ticket was opened again, but the first end of its work stands."
        return Change("final", self._rule("on_reopen"), text)

    def target(self, row: int) -> Rule:
        """The entry of `target` in force at a row."""
        return target_rule(self.segments.rule, self.history.value(row, "priority"))


_ANSWERED: Final = "That is an answer: the clock stops."
