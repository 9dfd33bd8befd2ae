"""Where each metric's clock begins, runs, stands still and stops, row by row.

One function a metric, and nothing about time: a row either opens a cycle or not, and after it
the clock is in one state. What that costs in open time is the business of `segments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.schema import INSTANT
from sla_sniper.sla.conditions import value_of
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.runs import any_since, before, latest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import Target

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

RUNNING, PAUSED, STOPPED, CANCELLED, IDLE = range(5)
"""States of a clock; `IDLE`: no cycle has begun yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """The course of one clock over the rows of its tickets; arrays of shape (n_rows,).

    Attributes
    ----------
    opens : ndarray of bool
        The row begins a cycle.
    state : ndarray of int
        `RUNNING`, `PAUSED`, `STOPPED`, `CANCELLED` or `IDLE` after the row.
    is_stopped : ndarray of bool
        The clock has stopped, whether or not the ticket was cancelled since.
    resumes : ndarray of int
        From when on the clock runs within the row's segment; `NEVER` if it does not.
    hidden_until : ndarray of int
        Until when it runs without showing a deadline; 0 where it shows one.
    still_until : ndarray of int
        Until when a rule makes it stand still, whether or not it has stopped anyway: `NEVER` by
        its status, an instant while it is held, 0 where none does.
    is_reopened : ndarray of bool
        It goes on after it had stopped, in the same cycle or a new one.
    """

    opens: Flags
    state: Ints
    is_stopped: Flags
    resumes: Ints
    hidden_until: Ints
    still_until: Ints
    is_reopened: Flags


def read_stages(events: pl.DataFrame, facts: Facts, attached: Flags, rule: Target) -> Stages:
    """Read the course of one target's clock.

    Parameters
    ----------
    events : DataFrame
        The rows that `facts` are about.
    facts : Facts
        Whole tickets.
    attached : ndarray of bool
        Whether the target's policy is in force.
    rule : Target
        What is timed, and how.
    """
    opens, stopped = _COURSES[rule.metric](_Course(facts, attached, rule))
    is_idle = ~any_since(opens, facts.first)
    still = _stands_still(facts, rule)
    is_hidden = still & (rule.pause_mode == "hide")
    state = np.select(
        [is_idle, facts.is_void, stopped, still & ~is_hidden],
        [IDLE, CANCELLED, STOPPED, PAUSED],
        RUNNING,
    ).astype(np.int64)
    resumes = np.where(state == RUNNING, facts.begins, NEVER)
    hidden_until = np.where(is_hidden & (state == RUNNING), NEVER, 0)
    still_until = np.where(still & ~is_hidden, NEVER, 0)
    if rule.pause_until:
        until = _instants(events, rule.pause_until)
        is_held = (until > facts.begins) & (until < NEVER)
        waits = (state == RUNNING) & is_held
        if rule.pause_mode == "hide":
            hidden_until = np.where(waits, np.maximum(hidden_until, until), hidden_until)
        else:
            state, resumes = np.where(waits, PAUSED, state), np.where(waits, until, resumes)
            still_until = np.where(is_held, np.maximum(still_until, until), still_until)
    stopped = stopped & ~is_idle
    return Stages(
        opens=opens,
        state=state,
        is_stopped=stopped,
        resumes=resumes,
        hidden_until=hidden_until,
        still_until=still_until,
        is_reopened=before(stopped, first=facts.first) & ~stopped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """What the course of a clock is read from."""

    facts: Facts
    attached: Flags
    rule: Target

    @property
    def begins(self) -> Flags:
        """Rows at which a clock that starts by itself starts."""
        if self.rule.start == "created":
            return self.facts.first
        return np.asarray(self.attached & ~before(self.attached, first=self.facts.first))

    @property
    def is_done(self) -> Flags:
        """Whether the work is done; being cancelled neither ends it nor opens it again."""
        told = ~self.facts.is_void | self.facts.first
        return np.asarray(self.facts.is_in(self.rule.stop_in)[latest(told)])

    @property
    def closes(self) -> Flags:
        """Rows that end the work and with it the wait for a reply."""
        told = self.facts.is_status_row & self.facts.is_in(self.rule.stop_in)
        return np.asarray(told & (self.rule.on_close == "satisfy"))

    @property
    def is_reply_status(self) -> Flags:
        told = self.facts.is_status_row & self.facts.is_in(self.rule.reply_statuses)
        return np.asarray(told)

    @property
    def answers(self) -> Flags:
        return np.asarray(self.facts.is_reply | self.is_reply_status)

    @property
    def leaves(self) -> Flags:
        """Rows at which the policy ceases to cover the ticket, where that ends the clock."""
        ends = self.rule.start == "attached" and self.rule.on_leave == "satisfy"
        return np.asarray(~self.attached & ends)

    def while_attached(self, flags: Flags) -> Flags:
        """What held last while the policy covered the ticket: what comes after is not its."""
        return np.asarray(flags[latest(self.attached | self.facts.first)])


def _first_reply(course: _Course) -> tuple[Flags, Flags]:
    return _once(course, course.answers | course.closes)


def _ownership(course: _Course) -> tuple[Flags, Flags]:
    return _once(course, course.facts.is_assigned | course.closes)


def _once(course: _Course, done: Flags) -> tuple[Flags, Flags]:
    """Run one cycle from the start until it is done for good."""
    is_done = course.is_done & (course.rule.on_close == "satisfy")
    opens = course.begins
    # A ticket that is closed when the clock starts needs no answer.
    done = done | (is_done & opens) | course.leaves
    return opens, any_since(done, opens | course.facts.first)


def _next_reply(course: _Course) -> tuple[Flags, Flags]:
    """Begin a cycle with the oldest message that waits; end it with the answer."""
    facts = course.facts
    asks = facts.is_request
    if not course.rule.include_first:
        answered = any_since(course.answers, facts.first)
        asks = asks & (before(answered, first=facts.first) | facts.is_reply)
    settles = course.closes | course.is_reply_status
    told = asks | course.answers | settles
    waits = (asks & ~settles)[latest(told | facts.first)]
    was_waiting = before(waits, first=facts.first)
    opens = asks & waits & (~was_waiting | facts.is_reply)
    return _attached(course, opens, ~waits, was_waiting)


def _attached(
    course: _Course, opens: Flags, stopped: Flags, was_running: Flags
) -> tuple[Flags, Flags]:
    """Let a clock that starts at attachment begin anew there, and end when the policy leaves."""
    if course.rule.start == "created":
        return opens, stopped
    opens = (opens & course.attached) | (course.begins & was_running & ~stopped)
    left = any_since(course.leaves, opens | course.facts.first)
    return opens, np.asarray(course.while_attached(stopped) | left)


def _periodic_update(course: _Course) -> tuple[Flags, Flags]:
    """Begin a cycle with each contact; end it with the next one."""
    facts, rule = course.facts, course.rule
    by_agent = course.answers & ("agent" in rule.reset_by)
    contacts = by_agent | (facts.is_request & ("requester" in rule.reset_by))
    ends = course.closes | (facts.is_request & (rule.until == "requester"))
    starts = course.begins & rule.starts_at_creation
    # Within a row the status comes after the messages.
    by_status = course.is_reply_status & ~course.closes & ("agent" in rule.reset_by)
    opens = starts | by_status | (contacts & ~ends)
    ends = ends & ~by_status
    if rule.start == "attached":
        opens &= course.attached
    is_done = course.is_done & starts & (rule.on_close == "satisfy")
    done = ends | is_done | course.leaves
    return opens, any_since(done, opens | facts.first)


def _resolution(course: _Course) -> tuple[Flags, Flags]:
    """Run while the work is not done; what reopening means is a rule."""
    facts, rule = course.facts, course.rule
    is_done = course.is_done
    opens = course.begins
    if rule.start == "attached":
        is_done = course.while_attached(is_done)
    if rule.on_reopen == "restart":
        opens = opens | (before(is_done, first=facts.first) & ~is_done)
    if rule.on_reopen == "final":
        is_done = any_since(is_done, opens | facts.first)
    if rule.start == "attached":
        is_done = is_done | any_since(course.leaves, opens | facts.first)
    return opens, is_done


_COURSES: Final[Mapping[str, Callable[[_Course], tuple[Flags, Flags]]]] = {
    "first_reply_time": _first_reply,
    "next_reply_time": _next_reply,
    "periodic_update_time": _periodic_update,
    "requester_wait_time": _resolution,
    "agent_work_time": _resolution,
    "resolution_time": _resolution,
    "ownership_time": _ownership,
}
IS_WORK: Final = ("requester_wait_time", "agent_work_time", "resolution_time")
"""Metrics that time the work itself: being done stops them, it does not satisfy a wait."""


def _stands_still(facts: Facts, rule: Target) -> Flags:
    still = facts.is_in(rule.pause_in)
    if rule.pause_awaiting_requester:
        still = still | facts.is_awaiting
    if rule.on_close == "pause" and rule.metric not in IS_WORK:
        still = still | facts.is_in(rule.stop_in)
    return np.asarray(still)


def _instants(events: pl.DataFrame, name: str) -> Ints:
    text = value_of(name).str.strip_chars().str.replace(" ", "T")
    forms = ("%+", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
    read = [text.str.to_datetime(form, time_zone="UTC", strict=False) for form in forms]
    found = events.select(pl.coalesce(read).cast(INSTANT).to_physical().fill_null(0))
    return found.to_series().to_numpy()
