"""The clock as a fold over whole tickets: one segment for each event of each timed ticket.

A segment is the stretch between one event of a ticket and the next. In it status, priority
and policy stand still, so the clock runs, is paused or has stopped, and everything the clock
can show at any instant inside is its reading at the start plus open time since. Cycles and
snapshots both read segments; nothing here knows an `as_of`.

A change of priority, policy or calendar is counted as if the new rule had always held: each
target is folded in each of its calendars over all rows of the tickets it ever covers, and the
rows under its rule are the ones that have a target. A stopped clock keeps the rule under which
it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.sla.account import keep_account
from sla_sniper.sla.coverage import coverages
from sla_sniper.sla.facts import NEVER, read_facts
from sla_sniper.sla.matching import match
from sla_sniper.sla.runs import latest
from sla_sniper.sla.stages import CANCELLED, IDLE, PAUSED, RUNNING, STOPPED
from sla_sniper.sla.targets import NO_TARGET, open_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from sla_sniper.sla.account import Account
    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.coverage import Coverage
    from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "CANCELLED",
    "IDLE",
    "NEVER",
    "NO_TARGET",
    "PAUSED",
    "RUNNING",
    "STOPPED",
    "Segments",
    "fold",
]


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Segments of one target's clock in one calendar, in the order of the events given.

    All arrays have shape (n_segments,); instants and durations are microseconds.

    Attributes
    ----------
    row : ndarray of int
        Row of the event, in the events frame, that began the segment.
    applied : ndarray of int
        Row of the event whose values set the target in force.
    cycle : ndarray of int
        1 for the first activation of the target on the ticket; 0 before it.
    start : ndarray of int
        When the clock of the cycle started.
    begins, ends : ndarray of int
        The segment, cut at the start; `ends` is `NEVER` for the last one of a ticket.
    state : ndarray of int
        `RUNNING`, `PAUSED`, `STOPPED`, `CANCELLED` or `IDLE`.
    resumes : ndarray of int
        From when on the clock runs within the segment: at once while running, at a known
        instant if it is held until then, else `NEVER`.
    hidden_until : ndarray of int
        Until when the clock runs without showing its deadline; 0 where it shows it.
    elapsed, paused : ndarray of int
        Open time used, and lost to pauses, when the segment begins.
    target : ndarray of int
        Target in force; `NO_TARGET` where there is none.
    deadline : ndarray of int
        Where the deadline is an instant rather than working time: the help desk's own, or
        one that pauses move by wall time; else `NEVER`.
    due : ndarray of int
        When the target is used up if the clock runs on from here; once it has stopped, when
        it would have been. `NEVER` while paused, nobody knows for how long.
    over_since : ndarray of int
        Since when more than the target has been used; `NEVER` where it is not yet when the
        segment begins.
    missed_since : ndarray of int
        The same for any target that was in force in the cycle: a longer one that came later
        does not undo it.
    stopped_since : ndarray of int
        When the present standstill by answering, resolving or closing began; `NEVER` before.
    """

    policy: SlaPolicy
    rule: Target
    calendar: Calendar
    row: Ints
    applied: Ints
    cycle: Ints
    start: Ints
    begins: Ints
    ends: Ints
    state: Ints
    resumes: Ints
    hidden_until: Ints
    elapsed: Ints
    paused: Ints
    target: Ints
    deadline: Ints
    due: Ints
    over_since: Ints
    missed_since: Ints
    stopped_since: Ints

    @property
    def ends_ticket(self) -> Flags:
        """Whether each segment is the last one of its ticket."""
        return np.asarray(self.ends == NEVER)

    @property
    def ends_cycle(self) -> Flags:
        """Whether each segment is the last one of its cycle."""
        return np.asarray(self.ends_ticket | np.r_[self.cycle[1:] != self.cycle[:-1], True])

    @property
    def is_cut(self) -> Flags:
        """Whether each segment ends with the beginning of the ticket's next cycle."""
        return np.asarray(self.ends_cycle & ~self.ends_ticket)

    @property
    def is_hidden(self) -> Flags:
        """Whether each segment begins without showing its deadline."""
        return np.asarray(self.hidden_until > self.begins)

    def elapsed_at(self, at: Ints, chosen: Ints) -> Ints:
        """Open time used at instants `at` inside segments `chosen`, both of shape (n,)."""
        resumes = self.resumes[chosen]
        since = np.minimum(resumes, at)
        counted = self.elapsed[chosen] + self._open(since, at, self.state[chosen] <= PAUSED)
        if self.rule.pause_unit == "wall":
            # What a pause takes until the clock runs again has moved the deadline by then.
            deadline, moved = self.deadline[chosen], since - self.begins[chosen]
            runs = (self.state[chosen] <= PAUSED) & (resumes <= at) & (deadline != NEVER)
            left = open_between(at, np.where(runs, deadline + moved, NEVER), self.calendar)
            used = np.maximum(self.target[chosen] - left, 0)
            return np.where(runs, used, counted)
        return counted

    def paused_at(self, at: Ints, chosen: Ints) -> Ints:
        """Open time lost to pauses at instants `at` inside segments `chosen`."""
        is_paused = self.state[chosen] == PAUSED
        begins, until = self.begins[chosen], np.minimum(at, self.resumes[chosen])
        if self.rule.pause_unit == "wall":
            return self.paused[chosen] + np.where(is_paused, np.maximum(until - begins, 0), 0)
        return self.paused[chosen] + self._open(begins, until, is_paused)

    def is_over_at(self, at: Ints, chosen: Ints, elapsed: Ints) -> Flags:
        """Whether more than the target has been used, given the `elapsed_at` of the same."""
        if not self.rule.is_vendor:
            return np.asarray(elapsed > self.target[chosen])
        is_past = (self.state[chosen] <= PAUSED) & (at > self.deadline[chosen])
        return np.asarray((self.over_since[chosen] != NEVER) | is_past)

    def is_undone_at(self, at: Ints, chosen: Ints) -> Flags:
        """Whether a hold that ended by `at` moved a deadline that had passed beyond its end."""
        found = np.zeros(len(chosen), dtype=bool)
        if self.rule.pause_unit != "wall" or not self.rule.pause_until:
            return found
        is_held = (self.state[chosen] == PAUSED) & (self.resumes[chosen] <= at)
        place = np.flatnonzero(is_held & (self.over_since[chosen] != NEVER))
        rows = chosen[place]
        due = self.deadline[rows] + self.resumes[rows] - self.begins[rows]
        found[place] = open_between(self.resumes[rows], due, self.calendar) >= 0
        return found

    def _open(self, since: Ints, until: Ints, counts: Flags) -> Ints:
        if not len(since):
            return since
        until = np.maximum(since, until)
        compiled = self.calendar.compiled(int(since.min()), int(until.max()))
        return np.where(counts, compiled.open_until(until) - compiled.open_until(since), 0)


def fold(
    events: pl.DataFrame, levels: ServiceLevels, *, keys: Sequence[str] = TICKET_KEY
) -> list[Segments]:
    """Fold events into segments, one `Segments` for each target of each policy and calendar.

    Parameters
    ----------
    events : DataFrame of n_events rows
        Canonical events of whole tickets, sorted as `eventlog.read_events` returns them.
    levels : ServiceLevels
        Calendars, policies and what counts as a reply.
    keys : sequence of str
        Columns that name one ticket; rows of one ticket are together.

    Raises
    ------
    UnknownTargetError
        If a policy covers a priority it has no target for.
    """
    if events.is_empty():
        return []
    facts = read_facts(events, levels, keys)
    policy = match(events, facts, levels)
    folded = [
        _segments(keep_account(rows, rule, levels.calendars[name]), rows)
        for rows, rule, name in coverages(events, facts, policy, levels)
    ]
    # A clock may pass from rule to rule, and back: each takes over from the one before.
    earlier: list[Segments] = []
    while any(a is not b for a, b in zip_longest(earlier, folded)):
        earlier, folded = folded, [_taken_over(each, folded) for each in folded]
    return folded


def _taken_over(mine: Segments, folded: Sequence[Segments]) -> Segments:
    """Let a clock that is over time since its rule came be so since the rule before it."""
    has_target = mine.target != NO_TARGET
    goes_on = np.r_[False, (mine.cycle[1:] == mine.cycle[:-1]) & ~mine.ends_ticket[:-1]]
    begins = has_target & ~np.r_[False, has_target[:-1]] & goes_on
    came = np.flatnonzero(begins & (mine.over_since <= mine.begins))
    if not len(came):
        return mine
    earlier = np.full(len(mine.row), NEVER)
    for other in folded:
        if other is not mine and other.rule.metric == mine.rule.metric:
            earlier[came] = np.minimum(earlier[came], _over_at_end(other, mine.row[came - 1]))
    taken = earlier < mine.over_since
    if not taken.any():
        return mine
    last = latest(taken | np.r_[True, mine.ends_ticket[:-1]])
    is_same = mine.over_since == mine.over_since[last]
    since = np.where(taken[last] & is_same, earlier[last], mine.over_since)
    return replace(mine, over_since=since)


def _over_at_end(other: Segments, rows: Ints) -> Ints:
    """Since when a clock is over time as rows of the events end, `NEVER` where it is not."""
    found = np.full(len(rows), NEVER)
    place = np.minimum(np.searchsorted(other.row, rows), len(other.row) - 1)
    is_there = (other.row[place] == rows) & (other.target[place] != NO_TARGET)
    there = np.flatnonzero(is_there & (other.state[place] <= PAUSED))
    place = place[there]
    ends, since = other.ends[place], other.over_since[place]
    ran_out = other.is_over_at(ends, place, other.elapsed_at(ends, place))
    found[there] = np.where(since != NEVER, since, np.where(ran_out, other.due[place], NEVER))
    return found


def _segments(account: Account, rows: Coverage) -> Segments:
    """Read one target's segments out of its account."""
    facts, stages = account.facts, account.stages
    over = account.over()
    used_up = account.used_up(over)
    over_since = account.over_since(over, used_up)
    return Segments(
        policy=rows.policy,
        rule=account.rule,
        calendar=account.calendar,
        row=facts.row,
        applied=facts.row[account.applied],
        cycle=_ordinal(stages.opens, facts.first),
        start=facts.begins[latest(account.activated)],
        begins=facts.begins,
        ends=facts.ends,
        state=stages.state,
        resumes=stages.resumes,
        hidden_until=stages.hidden_until,
        elapsed=account.elapsed,
        paused=account.paused,
        target=account.target,
        deadline=account.deadline,
        due=account.due(used_up),
        over_since=over_since,
        missed_since=account.missed_since(over, over_since, used_up),
        stopped_since=np.where(stages.is_stopped, facts.begins[account.held], NEVER),
    )


def _ordinal(opens: Flags, first: Flags) -> Ints:
    """Count of cycles begun by each row; 0 before the first."""
    count = np.cumsum(opens)
    return np.asarray(count - (count - opens)[latest(first)])
