"""Why a clock changed at a row of its ticket: each transition with the rule that caused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sla_sniper.core.schema import STATUSES
from sla_sniper.sla.explain_values import Change, Rule
from sla_sniper.sla.explain_words import (
    allowed_words,
    rule_of,
    status,
    target_rule,
    toml,
    working,
)
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
    """One target's clock over the rows of one ticket, and what is known about each row."""

    history: History
    facts: Facts
    segments: Segments
    levels: ServiceLevels

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
            yield self._uncovered()
        if self.state(row) == PAUSED:
            yield self._pause(row)
        elif self.state(row) == STOPPED:
            yield self._stop(row)
        elif self.segments.is_hidden[row]:
            yield self._hide()

    def _covered(self, row: int) -> Iterator[Change]:
        """A policy that comes to cover the ticket, or ceases to."""
        had, has = (self.segments.target[at] != NO_TARGET for at in (row - 1, row))
        if has and not had:
            name = self.segments.policy.name
            changed = next(
                (p for p in self.levels.policies if p.on_policy_change == "restart"), None
            )
            way = "recompute" if changed is None else "restart"
            text = f"Policy {name!r} covers the ticket from here on. {_RECOUNTED[way]}"
            yield Change("policy", Rule("on_policy_change", toml(way), way == "recompute"), text)
        elif had and not has:
            yield self._uncovered()

    def _uncovered(self) -> Change:
        name = self.segments.policy.name
        text = f"Policy {name!r} does not cover the ticket here, so this clock shows no deadline."
        return Change("uncovered", Rule("policy", toml(name)), text)

    def _stepped(self, row: int) -> Iterator[Change]:
        before, now = self.state(row - 1), self.state(row)
        if before == STOPPED and now <= PAUSED:
            mode = self.segments.rule.on_reopen
            yield Change("reopens", self._rule("on_reopen"), _REOPENED.get(mode, "It goes on."))
            before = RUNNING
        if now == CANCELLED != before:
            text = "The ticket was cancelled: this clock leaves every rate."
            yield Change("cancelled", Rule("void", '"cancelled"'), text)
        elif now == STOPPED != before:
            yield self._stop(row)
        elif now == PAUSED != before:
            yield self._pause(row)
        elif now == RUNNING and before == PAUSED:
            yield self._resume(row)
        if bool(self.segments.is_hidden[row]) != bool(self.segments.is_hidden[row - 1]):
            yield self._hide() if self.segments.is_hidden[row] else self._show()

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
        _, rule, _ = self._why_still(row - 1)
        spent = working(int(self.segments.elapsed[row]))
        return Change("resumes", rule, f"The clock runs again, with {spent} used so far.")

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
        if target.start == "attached" and self.segments.target[row] == NO_TARGET:
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
        if now == before or NO_TARGET in (now, before) or self.state(row) >= STOPPED:
            return
        target = self.segments.rule
        priority = self.history.value(row, "priority")
        mode = target.on_priority_change
        allowed = allowed_words(target, priority, now)
        text = f"The target is now {allowed}. {_RECOUNTED[mode]}"
        yield Change("target", self._rule("on_priority_change"), text)

    def target(self, row: int) -> Rule:
        """The entry of `target` in force at a row."""
        return target_rule(self.segments.rule, self.history.value(row, "priority"))


_ANSWERED: Final = "That is an answer: the clock stops."
