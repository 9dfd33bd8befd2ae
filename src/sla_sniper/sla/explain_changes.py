"""Why a clock changed at a row of its ticket: each transition with the rule that caused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.schema import STATUSES
from sla_sniper.sla.explain_coverage import RECOUNTED, covered, uncovered
from sla_sniper.sla.explain_values import Change, Rule
from sla_sniper.sla.explain_words import (
    allowed_words,
    listed,
    moved_on,
    rule_of,
    runs_again,
    status,
    target_rule,
    toml,
    working,
)
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.stages import CANCELLED, IS_WORK, PAUSED, RUNNING, STOPPED
from sla_sniper.sla.targets import NO_TARGET, open_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_sniper.sla.explain_happenings import History
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import ServiceLevels
    from sla_sniper.sla.segments import Segments

_REOPENED: Final[Mapping[str, str]] = {
    "exclude": "The clock goes on where it stopped; the time in between does not count.",
    "count": "The clock goes on, and the time in between counts as used.",
}
_REVIVED: Final = "The ticket counts again: the clock goes on; the time in between does not count."
_REPLY: Final = ("first_reply_time", "next_reply_time")
"""Metrics that an answer stops."""


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
        return [
            *covered(self, row),
            *self._retargeted(row),
            *self._stepped(row),
            *self._hidden(row),
        ]

    def _begins(self, row: int) -> bool:
        cycle = self.segments.cycle
        return bool(row == 0 or cycle[row] != cycle[row - 1])

    def state(self, row: int) -> int:
        """State of the clock after a row."""
        return int(self.segments.state[row])

    def cut(self, row: int) -> Change:
        """The end of a cycle at the row with which the next one begins."""
        if self.segments.rule.metric in _REPLY:
            return self._answered(row)
        text = "The next period begins here, which ends this one."
        return Change("cut", self.rule("reset_by"), text)

    def rule(self, key: str) -> Rule:
        """Name a key of the target, and its value."""
        return rule_of(self.segments.rule, key)

    def _beginning(self, row: int) -> Change:
        target, name = self.segments.rule, self.segments.policy.name
        if target.start == "attached" and (row == 0 or self.policies[row - 1] != name):
            text = f"Policy {name!r} covers the ticket: the clock begins."
            return Change("begins", self.rule("start"), text)
        if target.metric in IS_WORK and row > 0:
            text = "The ticket was opened again, and a new clock begins."
            return Change("begins", self.rule("on_reopen"), text)
        if target.metric == "next_reply_time":
            text = "The requester waits for an answer: the clock begins."
            return Change("begins", self.rule("include_first"), text)
        contact = self._contact(row) if target.metric == "periodic_update_time" else None
        if contact is not None:
            key, who = contact
            text = f"{who}; the next update is due from here."
            return Change("begins", self.rule(key), text)
        return Change("begins", self.rule("start"), "The clock begins with the ticket.")

    def _contact(self, row: int) -> tuple[str, str] | None:
        """What starts a period of updates at a row: the key that says so, and the words."""
        target, facts = self.segments.rule, self.facts
        if "agent" in target.reset_by and facts.is_reply[row]:
            return "reset_by", "The requester has heard from the desk"
        if "requester" in target.reset_by and facts.is_request[row]:
            return "reset_by", "The requester wrote"
        if facts.is_status_row[row] and self._is_status(row, target.reply_statuses):
            return "reply_statuses", f"The status {self._status_of(row)!r} counts as an update"
        return None

    def _standing(self, row: int) -> Iterator[Change]:
        """What holds from the first moment on."""
        if self.segments.target[row] == NO_TARGET:
            yield uncovered(self, row)
        if self.state(row) == PAUSED:
            yield self._pause(row)
        elif self.state(row) == STOPPED:
            yield self._stop(row)
        elif self.state(row) == CANCELLED:
            yield self._cancelled(row)
        elif self.segments.is_hidden[row]:
            yield self._hide()

    def _stepped(self, row: int) -> Iterator[Change]:
        before, now = self.state_at_end(row - 1), self.state(row)
        if before >= STOPPED and now <= PAUSED:
            yield self._going_on(row)
        if now == CANCELLED != before:
            yield self._cancelled(row)
        if self._stops(row):
            yield self._stop(row)
        elif now == PAUSED and (before != PAUSED or self._is_held_anew(row)):
            yield self._pause(row)
        elif now == RUNNING and before == PAUSED:
            yield self._resume(row)

    def _hidden(self, row: int) -> Iterator[Change]:
        """A deadline that is hidden, or shown again."""
        was_hidden = self.segments.hidden_until[row - 1] > self.segments.begins[row]
        if self.segments.is_hidden[row] and not was_hidden:
            yield self._hide()
        elif was_hidden and not self.segments.is_hidden[row]:
            yield self.shown("The deadline is shown again.")

    def _stops(self, row: int) -> bool:
        """Whether the clock stops at a row, also while the ticket is cancelled."""
        now, before = self.segments.stopped_since[row], self.segments.stopped_since[row - 1]
        return bool(now not in (NEVER, before))

    def _going_on(self, row: int) -> Change:
        """The end of a standstill by stopping, or by having been cancelled."""
        if self.state(row - 1) == CANCELLED:
            return Change("reopens", self._void(row - 1), _REVIVED)
        mode = self.segments.rule.on_reopen
        return Change("reopens", self.rule("on_reopen"), _REOPENED[mode])

    def _is_held_anew(self, row: int) -> bool:
        """Whether a clock that stands still is to run again at another moment."""
        return bool(self.segments.resumes[row] != self.segments.resumes[row - 1])

    def state_at_end(self, row: int) -> int:
        """State of the clock just before the next row: an agreed moment may have come."""
        state = self.state(row)
        runs = state == PAUSED and self.segments.resumes[row] <= self.segments.ends[row]
        return RUNNING if runs else state

    def stays_stopped(self, row: int) -> bool:
        """Whether the clock had stopped before a row, and has not gone on."""
        return not self._begins(row) and self.state(row - 1) == STOPPED == self.state(row)

    def _cancelled(self, row: int) -> Change:
        rule = self._void(row)
        why = {
            "void": "The ticket was cancelled",
            "void.merged_into": f"The ticket was merged into {self._merged_into(row)}",
            "void.when": "The ticket meets the conditions of tickets that do not count",
        }
        return Change("cancelled", rule, f"{why[rule.key]}: this clock leaves every rate.")

    def _void(self, row: int) -> Rule:
        """What cancels the ticket at a row."""
        if self._is_status(row, ("cancelled",)):
            return Rule("void", '"cancelled"')
        if self._merged_into(row) is not None:
            return Rule("void.merged_into", toml(self.levels.merged_into))
        return Rule("void.when", f"{{ {listed(self.levels.void.fields)} }}")

    def _merged_into(self, row: int) -> str | None:
        """The other ticket into which this one was merged; None if it was not."""
        into = self.history.value(row, self.levels.merged_into)
        return None if into == self.history.rows[row]["ticket_id"] else into

    def _hide(self) -> Change:
        text = "The clock goes on, but shows no deadline for now."
        return Change("hides", self.rule("pause_mode"), text)

    def shown(self, text: str) -> Change:
        """The end of a time without a deadline to be seen."""
        return Change("shows", self.rule("pause_mode"), text)

    def _status_of(self, row: int) -> str:
        return status(STATUSES[int(self.facts.status[row])])

    def _pause(self, row: int) -> Change:
        rule, why = self.why_still(row)
        return Change("pauses", rule, f"The clock stands still, because {why}.")

    def why_still(self, row: int) -> tuple[Rule, str]:
        """Why the clock stands still at a row: the rule, and words that follow "because"."""
        target = self.segments.rule
        if self._is_status(row, target.pause_in):
            return self.rule("pause_in"), f"the ticket is {self._status_of(row)}"
        if target.pause_awaiting_requester and self.facts.is_awaiting[row]:
            return self.rule("pause_awaiting_requester"), "the last word is the desk's"
        if target.on_close == "pause" and self._is_status(row, target.stop_in):
            return self.rule("on_close"), f"the ticket is {self._status_of(row)}"
        return self.rule("pause_until"), "it is held until an agreed moment"

    def _is_status(self, row: int, names: tuple[str, ...]) -> bool:
        return bool(self.facts.is_in(names)[row])

    def _resume(self, row: int) -> Change:
        segments = self.segments
        if segments.rule.pause_unit == "wall":
            left = int(segments.target[row] - segments.elapsed[row])
            lasted = int(segments.paused[row]) - self._paused_before(row - 1)
            text = moved_on(int(segments.deadline[row]), left, lasted, self.timezone)
            return Change("resumes", self.rule("pause_unit"), text)
        rule, _ = self.why_still(row - 1)
        return Change("resumes", rule, runs_again(int(segments.elapsed[row])))

    def hold_ends(self, row: int) -> Change:
        """The agreed moment up to which the clock stands still from a row on."""
        segments = self.segments
        text = runs_again(int(segments.elapsed[row]))
        if segments.rule.pause_unit == "wall":
            resumes, begins = int(segments.resumes[row]), int(segments.begins[row])
            due = int(segments.deadline[row])
            due = due if due == NEVER else due + resumes - begins
            left = int(open_between(np.array([resumes]), np.array([due]), segments.calendar)[0])
            lasted = int(segments.paused[row]) + resumes - begins - self._paused_before(row)
            text = moved_on(due, min(left, int(segments.target[row])), lasted, self.timezone)
        text = f"The agreed moment has come: {text[0].lower()}{text[1:]}"
        return Change("resumes", self.rule("pause_until"), text)

    def _paused_before(self, row: int) -> int:
        """Time lost to pauses before the one in which a row lies."""
        while not self._begins(row) and self.state_at_end(row - 1) == PAUSED:
            row -= 1
        return int(self.segments.paused[row])

    def _stop(self, row: int) -> Change:
        return self._satisfied(row) or self._left(row) or self._closed(row)

    def _satisfied(self, row: int) -> Change | None:
        """What the clock waited for."""
        target, facts = self.segments.rule, self.facts
        is_reply = target.metric in _REPLY
        if is_reply and facts.is_reply[row]:
            return self._answered(row)
        if is_reply and self._is_status(row, target.reply_statuses):
            text = f"The status {self._status_of(row)!r} counts as an answer: the clock stops."
            return Change("stops", self.rule("reply_statuses"), text)
        if target.metric == "ownership_time" and facts.is_assigned[row]:
            text = "Somebody owns the ticket: the clock stops."
            return Change("stops", Rule("metric", toml(target.metric)), text)
        if target.metric == "periodic_update_time" and target.until and facts.is_request[row]:
            text = "The requester wrote: this clock stops, and the next reply is awaited."
            return Change("stops", self.rule("until"), text)
        return None

    def _left(self, row: int) -> Change | None:
        """The end of a clock that starts and stops with its policy."""
        if self.segments.rule.start == "created":
            return None
        name = self.segments.policy.name
        if self.policies[row] != name:
            text = "The policy no longer covers the ticket: the clock stops."
            return Change("stops", self.rule("on_leave"), text)
        if self.policies[row - 1] != name and not self._begins(row):
            text = "The wait ended while the policy did not cover the ticket: the clock stops."
            return Change("stops", self.rule("start"), text)
        return None

    def _closed(self, row: int) -> Change:
        done = f"The ticket is {self._status_of(row)}"
        if self.segments.rule.metric in IS_WORK:
            return Change("stops", self.rule("stop_in"), f"{done}: the clock stops.")
        text = f"{done}, which ends the wait: the clock stops."
        return Change("stops", self.rule("on_close"), text)

    def _answered(self, row: int) -> Change:
        replies = self.levels.replies
        rule = Rule("replies.roles", toml(replies.roles))
        if not self.history.tells(row, "public_reply"):
            rule = Rule("replies.notes", toml(replies.are_notes))
        return Change("stops", rule, "That is an answer: the clock stops.")

    def _retargeted(self, row: int) -> Iterator[Change]:
        """A target that changed with the priority, or as the help desk told, before the stop."""
        now, before = (int(self.segments.target[at]) for at in (row, row - 1))
        if NO_TARGET in (now, before) or self.state(row) == self.state(row - 1) >= STOPPED:
            return
        target = self.segments.rule
        mode = target.on_priority_change
        rule = self.rule("on_priority_change")
        priority = self.history.value(row, "priority")
        if now == before:
            is_new = priority != self.history.value(row - 1, "priority")
            if is_new and mode == "keep" and target.by_priority:
                yield Change("target", rule, RECOUNTED["keep"])
            return
        over = int(self.segments.elapsed[row]) - now
        late = f" So it is over time at once, by {working(over)}." if over > 0 else ""
        if target.is_vendor:
            text = f"The help desk has moved its own deadline.{late}"
            yield Change("target", self.target(row), text)
            return
        allowed = allowed_words(target, priority, now)
        text = f"The target is now {allowed}. {RECOUNTED[mode]}{late}"
        yield Change("target", rule, text)

    def stands(self, row: int) -> Change | None:
        """A reopening that changes nothing, because the first end of the work is final."""
        target, facts = self.segments.rule, self.facts
        if target.metric not in IS_WORK or target.on_reopen != "final":
            return None
        done = facts.is_in(target.stop_in)
        if not done[row - 1] or done[row] or facts.is_void[row]:
            return None
        text = "The ticket was opened again, but the first end of its work stands."
        return Change("final", self.rule("on_reopen"), text)

    def target(self, row: int) -> Rule:
        """The entry of `target` in force at a row."""
        return target_rule(self.segments.rule, self.history.value(row, "priority"))
