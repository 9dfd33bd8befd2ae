"""The story of one clock: its moments, the spans between them, and where the time went."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import SECOND_US, from_us
from sla_sniper.sla.clock import STATE_NAMES
from sla_sniper.sla.explain_ahead import what_is_ahead
from sla_sniper.sla.explain_values import Change, ClockStory, Leg, Moment, Move, Rule, Totals
from sla_sniper.sla.explain_words import allowed_words, calendar_rule, listed, shifts
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.stages import PAUSED, RUNNING, STOPPED
from sla_sniper.sla.targets import NO_TARGET

if TYPE_CHECKING:
    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.explain_changes import Course
    from sla_sniper.sla.explain_values import State

_STATES: Final[dict[int, State]] = {RUNNING: "running", PAUSED: "paused", STOPPED: "stopped"}
_CAUSES: Final = {
    "pauses": "the hold until an agreed moment",
    "resumes": "the pause before it",
    "stops": "the pause before it",
    "cancelled": "the pause before it",
    "reopens": "the time in between",
    "target": "the new target",
    "policy": "the new policy",
    "calendar": "the new calendar",
}
_KEPT: Final = Rule("on_priority_change", '"keep"')
_USED_UP: Final = "The target is used up: from here on the clock is over time."


@dataclass(frozen=True, slots=True, eq=False)
class Teller:
    """Tells one cycle of one clock as of an instant."""

    course: Course
    reading: Reading
    place: int

    @property
    def metric(self) -> str:
        """What is timed."""
        return self.course.segments.rule.metric

    @property
    def cycle(self) -> int:
        """Which activation of the metric it is, from 1."""
        return int(self.course.segments.cycle[self._last])

    @property
    def _last(self) -> int:
        return int(self.reading.chosen[self.place])

    @property
    def _rows(self) -> list[int]:
        cycle = self.course.segments.cycle
        return np.flatnonzero(cycle == cycle[self._last]).tolist()

    @property
    def _end_us(self) -> int:
        """Where the story ends: when the clock stopped, else the instant of the reading."""
        return whole(self._ended_us)

    @property
    def _ended_us(self) -> int:
        """The same to the microsecond."""
        fulfilled = int(self.reading.fulfilled[self.place])
        return int(self.reading.at[self.place]) if fulfilled == NEVER else fulfilled

    def story(self, n_cycles: int) -> ClockStory:
        """Tell the cycle."""
        segments, last = self.course.segments, self._last
        target, elapsed = int(segments.target[last]), whole(int(self.reading.elapsed[self.place]))
        priority = self.course.history.value(int(segments.applied[last]), "priority")
        due, since = (int(each[self.place]) for each in (self.reading.due, self.reading.since))
        fulfilled = int(self.reading.fulfilled[self.place])
        state = STATE_NAMES[self.reading.state[self.place]]
        moments = self._moments()
        shown = due != NEVER and (bool(self.reading.is_shown[self.place]))
        return ClockStory(
            metric=self.metric,
            cycle=self.cycle,
            n_cycles=n_cycles,
            policy=segments.policy.name,
            calendar=segments.calendar.name,
            priority=priority or "",
            allowed=allowed_words(segments.rule, priority, target),
            target_rule=self.course.target(int(segments.applied[last])),
            calendar_rule=calendar_rule(segments.rule, segments.calendar.name),
            pause_unit=segments.rule.pause_unit,
            target_us=target,
            state=state,
            elapsed_us=elapsed,
            left_us=target - elapsed,
            paused_us=whole(int(self.reading.paused[self.place])),
            wall_left_us=whole(due) - self._end_us if shown else None,
            due_at=from_us(due) if shown else None,
            breached_at=None if since == NEVER else from_us(since),
            ended_at=None if fulfilled == NEVER else from_us(fulfilled),
            moments=moments,
            moves=self._moves(moments),
            totals=self._totals(),
            ahead=what_is_ahead(self.course, self.reading, self.place),
        )

    def _moments(self) -> tuple[Moment, ...]:
        """Every instant at which something changed for this clock, and the span after it."""
        turns = self._turns()
        found = []
        for n, (at, row, changes) in enumerate(turns):
            end = turns[n + 1][0] if n + 1 < len(turns) else self._ended_us
            stays = n + 1 < len(turns) or (whole(end) > whole(at) and self._is_open)
            leg = self._leg(row, at, end) if stays and whole(end) <= self._end_us else None
            told = self._happened(row) if self._began(row) == whole(at) else ()
            found.append(Moment(from_us(whole(at)), told, tuple(changes), leg))
        return tuple(found)

    @property
    def _is_open(self) -> bool:
        return int(self.reading.fulfilled[self.place]) == NEVER

    def _began(self, row: int) -> int:
        return whole(int(self.course.segments.begins[row]))

    def _happened(self, row: int) -> tuple[str, ...]:
        """What happened at the row's instant, also in rows just before that changed nothing."""
        first = row
        begins = self.course.segments.begins
        while first > 0 and whole(int(begins[first - 1])) == whole(int(begins[row])):
            first -= 1
        return self.course.history.told(first, row)

    def _turns(self) -> list[tuple[int, int, list[Change]]]:
        """Instant, row and changes, in order; one row a second where several fall on it."""
        found: list[tuple[int, int, list[Change]]] = []
        for row in self._rows:
            if self._began(row) > self._end_us:
                break
            begins = int(self.course.segments.begins[row])
            found += [(begins, row, self.course.changes(row)), *self._within(row)]
        turns: list[tuple[int, int, list[Change]]] = []
        for at, row, changes in sorted(found + self._cut() + self._after(), key=itemgetter(0)):
            if changes and turns and whole(turns[-1][0]) == whole(at):
                turns[-1] = (turns[-1][0], row, [*turns[-1][2], *changes])
            elif changes:
                turns.append((at, row, changes))
        return turns

    def _after(self) -> list[tuple[int, int, list[Change]]]:
        """Reopenings of a ticket whose clock has stopped for good."""
        stands = ((row, self.course.stands(row)) for row in self._rows)
        return [
            (self._began(row), row, [change])
            for row, change in stands
            if change is not None and self._began(row) >= self._end_us
        ]

    def _within(self, row: int) -> list[tuple[int, int, list[Change]]]:
        """What happens between the row and the next one: the end of a hold, the deadline."""
        segments = self.course.segments
        ends = min(int(segments.ends[row]), self._ended_us)
        found = []
        resumes, until = int(segments.resumes[row]), int(segments.hidden_until[row])
        if segments.state[row] == PAUSED and resumes <= ends:
            found.append((resumes, row, [self.course.hold_ends(row)]))
        if segments.begins[row] < until <= ends:
            text = "The agreed moment has come: the deadline is shown again."
            found.append((until, row, [self.course.shown(text)]))
        used = int(segments.elapsed_at(np.array([ends]), np.array([row]))[0])
        # Time that was used up before a standstill is exceeded only after it.
        since = max(int(segments.due[row]), resumes)
        if segments.over_since[row] == NEVER and used > segments.target[row] and since < ends:
            found.append((since, row, [Change("overdue", self.course.target(row), _USED_UP)]))
        return found

    def _cut(self) -> list[tuple[int, int, list[Change]]]:
        """The end of a cycle with which the next one begins."""
        segments = self.course.segments
        if not segments.is_cut[self._last] or segments.state[self._last] == STOPPED:
            return []
        return [(self._ended_us, self._last + 1, [self.course.cut(self._last + 1)])]

    def _leg(self, row: int, start: int, end: int) -> Leg:
        segments = self.course.segments
        used = whole(int(segments.elapsed_at(np.array([end]), np.array([row]))[0]))
        start, end = whole(start), whole(end)
        target, due = int(segments.target[row]), int(segments.due[row])
        state = int(segments.state[row])
        if state == PAUSED and start >= whole(int(segments.resumes[row])):
            state = RUNNING
        elif state == PAUSED:
            # What the end of a hold does to a deadline shows in the leg after it.
            used = whole(int(segments.elapsed[row]))
        is_open = self._open(start, end)
        # What wall time leaves of the working time shows only once it has moved the deadline.
        is_moving = state == PAUSED and segments.rule.pause_unit == "wall"
        return Leg(
            state=_STATES.get(state, "stopped"),
            start=from_us(start),
            end=from_us(end),
            open_us=is_open,
            closed_us=end - start - is_open,
            used_us=used,
            left_us=None if target == NO_TARGET or is_moving else target - used,
            due_at=None if due == NEVER or target == NO_TARGET else from_us(whole(due)),
            shifts=shifts(from_us(start), from_us(end), segments.calendar.timezone),
        )

    def _open(self, start: int, end: int) -> int:
        compiled = self.course.segments.calendar.compiled(start, end)
        spent = compiled.open_until([start, end])
        return int(spent[1] - spent[0])

    def _moves(self, moments: tuple[Moment, ...]) -> tuple[Move, ...]:
        """Deadlines that moved, and what moved them."""
        moves: list[Move] = []
        known = None
        for moment in moments:
            due = None if moment.leg is None else moment.leg.due_at
            if due is None:
                continue
            if known is not None and due != known:
                moves.append(Move(moment.at, known, due, _cause(moment)))
            known = due
        return tuple(moves)

    def _totals(self) -> Totals:
        segments = self.course.segments
        spent = dict.fromkeys(_STATES.values(), 0)
        start, end = whole(int(segments.start[self._last])), self._end_us
        for row in self._rows:
            begins, ends = min(self._began(row), end), min(whole(int(segments.ends[row])), end)
            resumes = min(max(whole(int(segments.resumes[row])), begins), ends)
            state = int(segments.state[row])
            if state <= PAUSED:
                spent["paused"] += self._open(begins, resumes)
                spent["running"] += self._open(resumes, ends)
            else:
                spent["stopped"] += self._open(begins, ends)
        closed = end - start - sum(spent.values())
        return Totals(
            from_us(start),
            from_us(end),
            spent["running"],
            spent["paused"],
            spent["stopped"],
            closed,
        )


def _cause(moment: Moment) -> str:
    """What moved a deadline, in words that end a sentence."""
    if any(change.rule.key == "pause_unit" for change in moment.changes):
        return "the wall time of the pause before it"
    moved = (each.kind for each in moment.changes if each.rule != _KEPT and each.kind in _CAUSES)
    return listed([*dict.fromkeys(_CAUSES[kind] for kind in moved)])


def whole(us: int) -> int:
    """Cut microseconds to whole seconds, so that what is told adds up as it is told.

    Examples
    --------
    >>> whole(1_999_999)
    1000000
    """
    return us - us % SECOND_US
