"""One ticket with everything its explanation is read from: rows, facts, policies, clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.core.instants import SECOND_US, from_us, to_us
from sla_sniper.core.schema import EVENTS, TICKET_KEY
from sla_sniper.sla.clock import read_cycles
from sla_sniper.sla.explain_happenings import History
from sla_sniper.sla.explain_words import when
from sla_sniper.sla.facts import NEVER, read_facts
from sla_sniper.sla.matching import NO_POLICY, match
from sla_sniper.sla.segments import CANCELLED, NO_TARGET, STOPPED, fold

if TYPE_CHECKING:
    from datetime import datetime

    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.matching import Matches
    from sla_sniper.sla.policy import ServiceLevels, SlaPolicy
    from sla_sniper.sla.segments import Segments


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One ticket as of an instant; rows are those of its events.

    Attributes
    ----------
    events : DataFrame
        Canonical events, cut to whole seconds.
    as_of_us : int
        Cut likewise.
    timezone : str
        In which instants are told.
    parts : tuple of Segments
        Each target in each of its calendars; all have one segment a row.
    """

    events: pl.DataFrame
    levels: ServiceLevels
    as_of_us: int
    timezone: str
    history: History
    facts: Facts
    matches: Matches
    parts: tuple[Segments, ...]

    @classmethod
    def of(
        cls, events: pl.DataFrame, levels: ServiceLevels, *, as_of: datetime, timezone: str
    ) -> Case:
        """Read the events of one ticket."""
        rows = in_seconds(events)
        facts = read_facts(rows, levels, TICKET_KEY)
        return cls(
            events=rows,
            levels=levels,
            as_of_us=to_us(as_of) // SECOND_US * SECOND_US,
            timezone=timezone,
            history=History.of(rows, levels.fields),
            facts=facts,
            matches=match(rows, facts, levels),
            parts=tuple(fold(rows, levels)),
        )

    @property
    def last(self) -> int:
        """The last row."""
        return self.events.height - 1

    def policy(self, row: int) -> SlaPolicy | None:
        """Policy in force after a row."""
        index = int(self.matches.policy[row])
        return None if index == NO_POLICY else self.levels.policies[index]

    def when(self, us: int) -> str:
        """Write an instant in words."""
        return when(from_us(us), self.timezone)

    def courses(self, metric: str) -> list[Course]:
        """Every cycle of a metric, as `sniper clock` lists them, in order of their start."""
        parts = tuple(part for part in self.parts if part.rule.metric == metric)
        found = [
            Course(self, part, parts, reading, place)
            for part in parts
            for reading in [read_cycles(part, self.as_of_us)]
            for place in range(len(reading.chosen))
        ]
        return sorted(found, key=lambda course: (course.begins(course.first), course.cycle))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One cycle of one metric, row by row.

    Attributes
    ----------
    final : Segments
        The target and calendar by which it is read in the end.
    parts : tuple of Segments
        Every target of the metric, in every calendar; each held a part of the time.
    reading : Reading
        Of `final`; `place` is this cycle's.
    """

    case: Case
    final: Segments
    parts: tuple[Segments, ...]
    reading: Reading
    place: int

    @property
    def last(self) -> int:
        """Row in which the cycle is read."""
        return int(self.reading.chosen[self.place])

    @property
    def cycle(self) -> int:
        """Number of the cycle, from 1."""
        return int(self.final.cycle[self.last])

    @property
    def first(self) -> int:
        """Row that begins the cycle."""
        return int(np.flatnonzero(self.final.cycle == self.cycle)[0])

    @property
    def ended_us(self) -> int | None:
        """When it was answered, done, cut or cancelled; None while it is open."""
        row, state = self.last, int(self.final.state[self.last])
        if state == STOPPED:
            return int(self.final.stopped_since[row])
        if state == CANCELLED:
            running = np.flatnonzero(self.final.state[: row + 1] != CANCELLED)
            return self.begins(int(running[-1]) + 1 if len(running) else self.first)
        is_cut = bool(self.final.is_cut[row]) and int(self.final.ends[row]) <= self.case.as_of_us
        return int(self.final.ends[row]) if is_cut else None

    @property
    def end_us(self) -> int:
        """End of the cycle, or the instant of the reading."""
        return self.case.as_of_us if self.ended_us is None else self.ended_us

    def begins(self, row: int) -> int:
        """When a row begins."""
        return int(self.case.facts.begins[row])

    def in_force(self, row: int) -> Segments | None:
        """Target in force after a row: the final one where it holds, else the one that did."""
        told = (self.final, *(part for part in self.parts if part is not self.final))
        held = (part for part in told if part.target[row] != NO_TARGET and part.cycle[row])
        return next(held, None)

    def counted(self, row: int) -> Segments:
        """Target by which a row is counted: the final one where none is in force."""
        return self.in_force(row) or self.final


def in_seconds(events: pl.DataFrame) -> pl.DataFrame:
    """Cut every instant of canonical events to whole seconds: so all legs add up exactly."""
    instants = [name for name, kind in EVENTS.items() if isinstance(kind, pl.Datetime)]
    return events.with_columns(pl.col(instants).dt.truncate("1s"))


def used_at(part: Segments, row: int, at: int) -> int:
    """Working time used at an instant in the segment of a row."""
    return int(part.elapsed_at(np.array([at]), np.array([row]))[0])


def open_time(part: Segments, start: int, end: int) -> int:
    """Open time of its calendar between two instants."""
    compiled = part.calendar.compiled(start, end)
    until = compiled.open_until([start, end])
    return int(until[1] - until[0])


def left_at(part: Segments, row: int, at: int) -> int | None:
    """Working time left at an instant in the segment of a row, negative over time."""
    if part.target[row] == NO_TARGET:
        return None
    if part.rule.is_vendor:
        deadline = int(part.deadline[row])
        low, high = sorted((at, deadline))
        return open_time(part, low, high) * (1 if deadline >= at else -1)
    return int(part.target[row]) - used_at(part, row, at)


def known_due(part: Segments, row: int) -> int | None:
    """Deadline that is known in the segment of a row; None where there is none."""
    due = int(part.due[row])
    return None if due == NEVER or part.target[row] == NO_TARGET else due
