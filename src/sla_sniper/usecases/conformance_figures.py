"""Figures of a clock's cycles as the vectors name them, in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sla_sniper.core.instants import SECOND_US, from_us, parse_instant, to_us
from sla_sniper.sla.facts import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.segments import Segments

STATES: Final = ("running", "paused", "overdue", "met", "missed", "none")
NO_CLOCK: Final[Mapping[str, Any]] = {
    "state": "none",
    "deadline": None,
    "counting_from": None,
    "elapsed_seconds": None,
    "paused_seconds": None,
    "remaining_seconds": None,
    "late_seconds": 0,
    "breached": False,
    "breaches": 0,
    "worst_elapsed_seconds": None,
    "mean_elapsed_seconds": None,
    "at_risk": False,
}


def figures_of(segments: Segments, reading: Reading, place: int) -> dict[str, Any]:
    """Figures of one cycle, in seconds; `due_us` as if a pause ended at the reading."""
    chosen = reading.chosen[place]
    at = reading.at[place : place + 1]
    target, elapsed = int(segments.target[chosen]), int(reading.elapsed[place])
    start = segments.start[chosen : chosen + 1]
    opened = segments.calendar.compiled(int(start[0]), int(start[0])).next_open(start)
    due = int(reading.due[place])
    if due == NEVER:
        left = np.array([target - elapsed])
        due = int(segments.calendar.settled(segments.calendar.add_us(at, left))[0])
    state = STATES[reading.state[place]]
    return {
        "cycle": int(segments.cycle[chosen]),
        "state": state,
        "calendar": segments.calendar,
        "due_us": due,
        "is_hidden": bool(segments.hidden_until[chosen] > reading.at[place])
        and state in {"running", "overdue"},
        "is_still": _is_still(segments, reading, place),
        "counting_from": instant_text(int(opened[0])),
        "target_seconds": target / SECOND_US,
        "elapsed_seconds": elapsed / SECOND_US,
        "paused_seconds": int(reading.paused[place]) / SECOND_US,
        "remaining_seconds": (target - elapsed) / SECOND_US,
        "late_seconds": max(0, elapsed - target) / SECOND_US,
    }


def _is_still(segments: Segments, reading: Reading, place: int) -> bool:
    """Whether an open clock stands still at the reading, over time or not."""
    chosen = reading.chosen[place]
    is_open = STATES[reading.state[place]] in {"paused", "overdue"}
    return bool(is_open and segments.resumes[chosen] > reading.at[place])


def status_of(states: Mapping[str, set[str]], *, is_failed: bool) -> str:
    """One word for the ticket, from the states of its first reply and resolution clocks.

    Of several clocks of one kind those count that are open; the work is paused where all are.
    """
    is_open = {"running", "paused", "overdue"}
    work, reply = (states.get(kind, set()) & is_open for kind in ("resolution", "first_response"))
    if is_failed:
        return "failed"
    if work == {"paused"}:
        return "paused"
    if reply:
        return "first_response_due"
    return "resolution_due" if work else "fulfilled"


def instant_us(text: str) -> int:
    """Microseconds of an ISO 8601 instant."""
    return to_us(parse_instant(text))


def instant_text(us: int) -> str:
    """ISO 8601 text of an instant in microseconds."""
    return from_us(int(us)).isoformat().replace("+00:00", "Z")
