"""Working time used and allowed as each row begins, and since when it is too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.runs import before, latest, sum_since
from sla_sniper.sla.stages import CANCELLED, IDLE, PAUSED, RUNNING, STOPPED, read_stages
from sla_sniper.sla.targets import (
    NO_ALLOWANCE,
    NO_TARGET,
    allowances,
    first_in_force,
    open_between,
    vendor_deadlines,
    working_time,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.coverage import Coverage
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import Target
    from sla_sniper.sla.stages import Stages

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """The books of one target in one calendar; arrays of shape (n_rows,), microseconds.

    Attributes
    ----------
    activated : ndarray of bool
        Rows that begin a cycle, and first rows of tickets.
    resets : ndarray of bool
        Rows from which working time is counted anew.
    held : ndarray of int
        Index of the row at which a present standstill by stopping began, else of the row itself.
    applied : ndarray of int
        Index of the row whose values set the target in force.
    spent : ndarray of int
        Working time that the row's own segment uses; 0 in a ticket's last, it has no end.
    moved : ndarray of int
        Wall time by which standing still has moved the deadline as the row begins, where
        `pause_unit` is "wall"; else 0.
    stands_since : ndarray of int
        Index of the row at which a present standstill of any kind began, else of the row itself.
    target, deadline, elapsed, paused : ndarray of int
        As in `segments.Segments`.
    """

    rule: Target
    calendar: Calendar
    facts: Facts
    stages: Stages
    activated: Flags
    resets: Flags
    held: Ints
    applied: Ints
    target: Ints
    deadline: Ints
    spent: Ints
    moved: Ints
    stands_since: Ints
    elapsed: Ints
    paused: Ints

    def over(self) -> Flags:
        """Whether more than the target has been used as each row begins."""
        has_target = self.target != NO_TARGET
        if self.rule.is_vendor:
            # A clock that has stopped stands where it stopped, whatever is told of it later.
            return np.asarray(has_target & (self.facts.begins[self.held] > self.deadline))
        return np.asarray(has_target & (self.elapsed > self.target))

    def used_up(self, over: Flags) -> Ints:
        """When the present target is used up, or was, if the clock runs on from each row."""
        state, resumes = self.stages.state, self.stages.resumes
        has_target = self.target != NO_TARGET
        if self.rule.is_vendor:
            return np.where(has_target & (state != CANCELLED), self.deadline, NEVER)
        if self.rule.pause_unit == "wall":
            return self._used_up_by_wall(over, has_target)
        # A clock that has stopped: as if it had gone on there.
        since = np.where(state == STOPPED, self.facts.begins[self.held], resumes)
        is_ahead = has_target & (self.elapsed < self.target)
        due = np.full(len(over), NEVER)
        runs_on = np.flatnonzero(is_ahead & (since != NEVER))
        if len(runs_on):
            left = (self.target - self.elapsed)[runs_on]
            due[runs_on] = self.calendar.add_us(since[runs_on], left)
        behind = np.flatnonzero(has_target & ~is_ahead)
        if len(behind):
            due[behind] = self._crossed(behind)
        return _settled(due, self.calendar)

    def _used_up_by_wall(self, over: Flags, has_target: Flags) -> Ints:
        """The same where pauses move the deadline by wall time."""
        goes_on = (self.stages.state == STOPPED) | (self.stages.resumes != NEVER)
        due = np.where(has_target & ~over & goes_on, self._resumed(), NEVER)
        behind = np.flatnonzero(over)
        if len(behind):
            # The deadline that passed is the one that was in force then.
            passed = self.held[self._on_time(over)[behind]]
            due[behind] = (self.deadline - self.moved)[behind]
            due[behind] += (self._resumed() - self.deadline + self.moved)[passed]
        return due

    def _resumed(self) -> Ints:
        """Deadlines as they are once the clock runs again, where it is known when."""
        begins, resumes = self.facts.begins, self.stages.resumes
        return self.deadline + np.where(resumes == NEVER, 0, resumes - begins)

    def _on_time(self, over: Flags) -> Ints:
        """Index of the last row at which each one that is over time was not, by its own target."""
        is_other = np.r_[True, self.target[1:] != self.target[:-1]]
        begun = over & (~before(over, first=self.resets) | is_other)
        rows = np.flatnonzero(begun)
        unmoved, at = (self.deadline - self.moved)[rows], rows - 1
        late = np.arange(len(rows))
        # Nothing is used yet as a count begins.
        while len(late):
            stands = self.stands_since[at[late]]
            due = unmoved[late] + self.moved[stands]
            late = late[open_between(self.facts.begins[stands], due, self.calendar) < 0]
            at[late] -= 1
        found = np.zeros(len(over), dtype=np.int64)
        found[rows] = at
        return found[latest(begun | self.resets)]

    def _at_its_end(self, over: Flags, used_up: Ints) -> tuple[Flags, Ints]:
        """Whether each segment is over time from its beginning to its end, and by which deadline.

        The end of a hold may move a deadline that had passed beyond the present.
        """
        if self.rule.pause_unit != "wall" or not self.rule.pause_until:
            return over, used_up
        ends = np.where(self.facts.last, NEVER, self.facts.ends)
        holds = over & (self.stages.state == PAUSED) & (self.stages.resumes < ends)
        rows = np.flatnonzero(holds)
        due = self._resumed()[rows]
        undone = rows[open_between(self.stages.resumes[rows], due, self.calendar) >= 0]
        over, used_up = over.copy(), used_up.copy()
        over[undone], used_up[undone] = False, self._resumed()[undone]
        return over, used_up

    def _crossed(self, rows: Ints) -> Ints:
        """When the present target of `rows`, all used up, would have been used up."""
        at, left = self._place(self.elapsed, self.target[rows], rows)
        resumes = self.stages.resumes[at]
        since = np.where(resumes == NEVER, self.facts.begins[at], resumes)
        return self.calendar.add_us(since, left)

    def _place(self, used: Ints, amount: Ints, rows: Ints) -> tuple[Ints, Ints]:
        """Row in which each of `rows` had used an amount up, and what it had left as that began.

        `used` never falls within a count.
        """
        ends = np.r_[self.resets[1:], True]
        span = np.where(ends, used + 1, 0)
        # All counts laid end to end, so that one search finds a place in any.
        shift = np.cumsum(span) - span
        at = np.searchsorted(used + shift, amount + shift[rows]) - 1
        # Nothing to use up: it was used up as the count began.
        at = np.maximum(at, latest(self.resets)[rows])
        # Time spent stopped that a reopening counted passed from the standstill's beginning on.
        at = self.held[at]
        return at, amount - used[at]

    def due(self, used_up: Ints) -> Ints:
        """When the target is used up; of the last stretch that ran where the clock has stopped."""
        state = self.stages.state
        due = used_up[latest((used_up != NEVER) | (state == RUNNING) | self.resets)]
        return np.where((state == PAUSED) & (used_up == NEVER), NEVER, due)

    def over_since(self, over: Flags, used_up: Ints) -> Ints:
        """Since when the clock has been over time, as each row begins; else `NEVER`."""
        was_over, used_up = self._at_its_end(over, used_up)
        begun = over & ~before(was_over, first=self.resets)
        # Else over at once, without having run out: a shorter target came into force.
        crossed = begun & before(self._runs_out(used_up), first=self.resets)
        marks = np.where(crossed, np.r_[NEVER, used_up[:-1]], self.facts.begins)
        return np.where(over, marks[latest(begun | self.resets)], NEVER)

    def _runs_out(self, used_up: Ints) -> Flags:
        """Whether more than the target has been used by the end of each segment."""
        has_target = self.target != NO_TARGET
        if self.rule.is_vendor or self.rule.pause_unit == "wall":
            found = has_target & (self.stages.state <= PAUSED) & (used_up < self.facts.ends)
            if self.rule.pause_unit == "wall":
                # Once the deadline has passed, an open hour has to pass too.
                begins = self.facts.begins
                ends = np.where(self.facts.last, begins, self.facts.ends)
                found &= open_between(np.where(found, used_up, begins), ends, self.calendar) > 0
            return np.asarray(found)
        return np.asarray(has_target & (self.elapsed + self.spent > self.target))

    def missed_since(self, over: Flags, over_since: Ints, used_up: Ints) -> Ints:
        """Since when some target of the cycle has been missed; no later target undoes it."""
        # A target that ran out in the segment before, also where the next row changed it.
        is_over, used_up = self._at_its_end(over, used_up)
        ran_out = before(self._runs_out(used_up) & ~is_over, first=self.activated)
        seen = np.where(ran_out, np.r_[NEVER, used_up[:-1]], over_since)
        seen = np.minimum(seen, over_since)
        missed = seen != NEVER
        is_first = missed & ~_any_before(missed, self.activated)
        return seen[latest(is_first | self.activated)]


def _settled(due: Ints, calendar: Calendar) -> Ints:
    """Deadlines as the calendar shows them; what is not known stays so."""
    known = due != NEVER
    if calendar.boundary == "next_open" and known.any():
        due[known] = calendar.settled(due[known])
    return due


def _any_before(flags: Flags, resets: Flags) -> Flags:
    """Whether a flag was up in an earlier row since the latest reset."""
    count = np.cumsum(flags)
    return np.asarray(count - flags - (count - flags)[latest(resets)] > 0)


def keep_account(rows: Coverage, rule: Target, calendar: Calendar) -> Account:
    """Count the working time of one target in one calendar over the rows it is folded over.

    Raises
    ------
    UnknownTargetError
        If the policy covers a priority it has no target for.
    """
    facts = rows.facts
    stages = read_stages(rows.events, facts, rows.attached, rule)
    activated = stages.opens | facts.first
    held = _held(stages, activated)
    covered, attached = _covered(rows, stages, rule, held)
    is_kept = rule.on_priority_change == "keep"
    applied = first_in_force(attached, activated)[held] if is_kept else held
    has_target = covered[held] & (stages.state != IDLE)
    asked = _allowance(rows, rule, attached)
    allowance = np.where(has_target, asked[applied], NO_ALLOWANCE)
    # What another rule restarts where this one holds a stopped clock is not this clock's.
    resets = activated | (rows.restarts & (held == np.arange(len(held))))
    since = facts.begins[latest(resets)]
    spent, elapsed, paused = _used(rows, stages, (rule, calendar), (activated, resets, held))
    if rule.is_vendor:
        told = vendor_deadlines(rows.events, facts)
        deadline = np.where(has_target, told[applied], NEVER)
        target = open_between(since, deadline, calendar)
        target = np.where(target == NEVER, NO_TARGET, target)
    else:
        target = working_time(allowance, since, rule, calendar)
        deadline = np.full(len(held), NEVER)
    moved, stands_since = np.zeros_like(held), held
    if rule.pause_unit == "wall":
        # What is cancelled once the clock has stopped moves nothing: a reopening counts the stop.
        is_void = (stages.state == CANCELLED) & ~stages.is_stopped
        moved = paused + sum_since(_wall(facts, is_void, NEVER), resets)
        stands_since = _stands_since(facts, stages, rule, resets)[held]
        used = (since, target, moved, elapsed)
        deadline, elapsed = _moved(facts.begins, used, stands_since, calendar)
    return Account(
        rule=rule,
        calendar=calendar,
        facts=facts,
        stages=stages,
        activated=activated,
        resets=resets,
        held=held,
        applied=applied,
        target=target,
        deadline=deadline,
        spent=spent,
        moved=moved,
        stands_since=stands_since,
        elapsed=elapsed,
        paused=paused,
    )


def _allowance(rows: Coverage, rule: Target, attached: Flags) -> Ints:
    if rule.is_vendor:
        return np.full(len(attached), NO_ALLOWANCE, dtype=np.int64)
    return allowances(rows.events, rows.facts, attached, policy=rows.policy.name, rule=rule)


def _held(stages: Stages, activated: Flags) -> Ints:
    is_stopped = stages.is_stopped
    begun = activated | ~np.r_[False, is_stopped[:-1]]
    return np.where(is_stopped, latest(begun), np.arange(len(is_stopped)))


def _covered(
    rows: Coverage, stages: Stages, rule: Target, held: Ints
) -> tuple[Flags, Flags]:  # fmt: skip
    """Where target and policy are in force; a clock that leaving stops keeps both in that row."""
    covered, attached = rows.covered, rows.attached
    if rule.start == "created" or rule.on_leave == "cancel":
        return covered, attached
    leaves = before(attached, first=rows.facts.first) & ~attached
    stops = stages.is_stopped & (held == np.arange(len(held)))
    kept = leaves & stops & before(covered, first=rows.facts.first)
    return np.asarray(covered | kept), np.asarray(attached | kept)


def _used(
    rows: Coverage,
    stages: Stages,
    rule: tuple[Target, Calendar],
    counts: tuple[Flags, Flags, Ints],
) -> tuple[Ints, Ints, Ints]:
    """Working time that each row uses; used, and lost to pauses, as it begins."""
    target, calendar = rule
    activated, resets, held = counts
    spent, lost, stood = _spent(rows, stages, calendar)
    if target.pause_unit == "wall":
        lost = _wall(rows.facts, stages.state == PAUSED, stages.resumes)
        stood = _wall(rows.facts, stages.is_stopped, NEVER)
    elapsed, paused = sum_since(spent, resets), sum_since(lost, resets)
    reopens = stages.is_reopened & ~activated
    if reopens.any():
        is_used = target.on_reopen == "count"
        still = _still(rows.facts, stages, target, calendar) if is_used else stood
        elapsed = elapsed + _stood_still(stood - still, reopens, held, resets)
        paused = paused + _stood_still(still, reopens, held, resets)
    return spent, elapsed, paused


def _still(facts: Facts, stages: Stages, target: Target, calendar: Calendar) -> Ints:
    """Time of each stopped segment in which a rule made the clock stand still anyway."""
    ends = np.where(facts.last, facts.begins, facts.ends)
    until = np.clip(np.where(stages.is_stopped, stages.still_until, 0), facts.begins, ends)
    is_wall = target.pause_unit == "wall"
    return until - facts.begins if is_wall else open_between(facts.begins, until, calendar)


def _spent(rows: Coverage, stages: Stages, calendar: Calendar) -> tuple[Ints, Ints, Ints]:
    """Open time run, paused and stopped in each segment; 0 in a ticket's last, it has no end."""
    facts = rows.facts
    at_begin = rows.open_until_begin(calendar)
    at_end = np.where(facts.last, at_begin, np.r_[at_begin[1:], 0])
    whole = at_end - at_begin
    state = stages.state
    stood = np.where(stages.is_stopped, whole, 0)
    is_paused = state == PAUSED
    if not (is_paused & (stages.resumes != NEVER)).any():
        return np.where(state == RUNNING, whole, 0), np.where(is_paused, whole, 0), stood
    ends = np.where(facts.last, facts.begins, facts.ends)
    waited = open_between(facts.begins, np.clip(stages.resumes, facts.begins, ends), calendar)
    run = np.where(state <= PAUSED, whole - waited, 0)
    return run, np.where(is_paused, waited, 0), stood


def _wall(facts: Facts, stands: Flags, resumes: Ints | np.int64) -> Ints:
    """Wall time that each segment stands still, until it resumes; 0 in a ticket's last."""
    ends = np.where(facts.last, facts.begins, facts.ends)
    return np.where(stands, np.minimum(resumes, ends) - facts.begins, 0)


def _stands_since(facts: Facts, stages: Stages, rule: Target, resets: Flags) -> Ints:
    """Index of the row at which a present standstill began, else of the row itself."""
    is_paused = (stages.state == PAUSED) | (stages.state == CANCELLED)
    # A stop that a reopening counts as used was no standstill.
    is_lost = stages.is_stopped & ((stages.still_until >= facts.ends) | (rule.on_reopen != "count"))
    stands = is_paused | is_lost
    goes_on = before(stands & (stages.resumes >= facts.ends), first=facts.first)
    return latest(~((stands | stages.is_stopped) & goes_on) | resets)


def _stood_still(stood: Ints, reopens: Flags, held: Ints, resets: Flags) -> Ints:
    """Open time spent stopped, counted from each reopening on: before, nobody could know."""
    earlier = np.cumsum(stood) - stood
    began = np.maximum(np.r_[held[:1], held[:-1]], latest(resets))
    counted = np.cumsum(np.where(reopens, earlier - earlier[began], 0))
    return np.asarray(counted - counted[latest(resets)])


def _moved(
    begins: Ints, used: tuple[Ints, Ints, Ints, Ints], stands_since: Ints, calendar: Calendar
) -> tuple[Ints, Ints]:
    """Deadlines that standing still has moved by wall time, and what was used as it began."""
    since, target, moved, elapsed = used
    known = target != NO_TARGET
    unmoved = np.full(len(since), NEVER)
    if known.any():
        unmoved[known] = calendar.add_us(since[known], target[known])
    deadline = np.where(known, unmoved + moved, NEVER)
    due = np.where(known, unmoved + moved[stands_since], NEVER)
    left = open_between(begins[stands_since], due, calendar)
    # Waiting in closed hours moves a deadline without anything being used.
    return deadline, np.where(known, np.maximum(target - left, 0), elapsed)
