"""What will happen to a clock if nobody touches its ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import from_us
from sla_sniper.sla.clock import OVERDUE
from sla_sniper.sla.explain_values import Ahead
from sla_sniper.sla.explain_words import time_left, when, working
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.stages import PAUSED
from sla_sniper.sla.warnings import NO_POINT, next_warnings

if TYPE_CHECKING:
    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.explain_changes import Course


_NEVER_CLOSES: Final = 9000
"""Year of a closing from which on there is none."""


def what_is_ahead(course: Course, reading: Reading, place: int) -> tuple[Ahead, ...]:
    """Say what comes next for one cycle, in order of time; nothing once it has ended."""
    state = int(reading.state[place])
    if state > OVERDUE:
        return ()
    row, at = int(reading.chosen[place]), int(reading.at[place])
    resumes = int(course.segments.resumes[row])
    is_paused = course.state(row) == PAUSED and resumes > at
    if is_paused and resumes == NEVER:
        left = int(course.segments.target[row] - reading.elapsed[place])
        return (_waiting(course, row, left, at=at),)
    found = []
    if is_paused:
        text = f"The clock runs again on {when(from_us(resumes), course.timezone)}."
        found.append(Ahead("resumes", from_us(resumes), text))
    else:
        found.append(_edge(course, at))
    found += _warning(course, reading, place)
    if state != OVERDUE:
        found.append(_deadline(course, at, int(reading.due[place])))
    return tuple(sorted(found, key=lambda each: (each.at is None, each.at)))


def _deadline(course: Course, at: int, due: int) -> Ahead:
    if due > at:
        text = f"If nothing happens, it is over time after {when(from_us(due), course.timezone)}."
        return Ahead("deadline", from_us(due), text)
    opens = course.segments.calendar.next_open(from_us(at))
    text = f"Its time is used up: it is over time right after {when(opens, course.timezone)}."
    return Ahead("deadline", opens, text)


def _waiting(course: Course, row: int, left: int, *, at: int) -> Ahead:
    _, why = course.why_still(row)
    still = f"while {why}"
    if left < 0:
        text = f"The clock stands still {still}; it is over time already by {working(left)}."
    elif course.segments.rule.pause_unit == "wall":
        due = from_us(int(course.segments.deadline[row]) + at - int(course.segments.begins[row]))
        text = (
            f"The clock stands still {still}, so nobody can know its deadline, which moves by the "
            f"wall time of the pause; if that ended now, it would be {when(due, course.timezone)}."
        )
    else:
        text = (
            f"The clock stands still {still}, so nobody can know its deadline; "
            f"{time_left(left)} will be left when it runs again."
        )
    return Ahead("none", None, text)


def _edge(course: Course, at: int) -> Ahead:
    """The next closing of the calendar where it is open, else its next opening."""
    calendar = course.segments.calendar
    now = from_us(at)
    opens = calendar.next_open(now)
    if opens > now:
        opening = when(opens, course.timezone)
        text = f"The desk is closed; it opens on {opening}, and the clock goes on."
        return Ahead("opening", opens, text)
    closes = calendar.next_close(now)
    if closes.year >= _NEVER_CLOSES:
        return Ahead("none", None, "The clock runs day and night.")
    return Ahead("closing", closes, f"The desk closes on {when(closes, course.timezone)}.")


def _warning(course: Course, reading: Reading, place: int) -> list[Ahead]:
    segments, chosen = course.segments, reading.chosen[[place]]
    at, elapsed = reading.at[[place]], reading.elapsed[[place]]
    is_open = np.array([True])
    moments, points = next_warnings(segments, chosen, at=at, elapsed=elapsed, is_open=is_open)
    if points[0] == NO_POINT:
        return []
    moment = from_us(int(moments[0]))
    label = segments.rule.warn_at[int(points[0])].label
    what = f"{label} of the target" if label.endswith("%") else f"{label} from the deadline"
    return [Ahead("warning", moment, f"Warning ({what}) on {when(moment, course.timezone)}.")]
