"""Vectors about tickets, told as the product's own policies and events, and read back.

A translator and no second engine: statuses become canonical ones, each kind of event a row of
the event log, each clock a target, and every figure comes out of `sla.segments` and `sla.clock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sla_sniper.usecases.conformance_clock import METRICS, TELLS_STATUS, ClockOf
from sla_sniper.usecases.conformance_figures import (
    NO_CLOCK,
    instant_text,
    instant_us,
    status_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_sniper.sla.calendar import Boundary, Calendar

    Clocks = dict[str, dict[str, Any]]
    Vector = Mapping[str, Any]

__all__ = ["METRICS", "ClockOf", "Ticket", "read_ticket"]

_CLOSED: Final = ("solved", "closed")


class Ticket:
    """One ticket vector, read.

    Attributes
    ----------
    told : list of dict
        The vector's events up to `now`, in order.
    now : int
        The instant of the reading, in microseconds.
    versions : list of dict
        Clocks by name: those of the policy, and those after each change of it.
    calendars : list
        The vector's calendar, and those that replace it.
    closed : tuple of str
        Statuses that end the work.
    """

    def __init__(self, vector: Vector, calendar: Callable[[Any], Calendar]) -> None:
        given = vector["input"]
        profile = vector.get("profile") or {}
        self.policy: dict[str, Any] = given["policy"]
        self.closed = tuple(self.policy.get("closed", _CLOSED))
        told = sorted(given["events"], key=lambda event: instant_us(event["at"]))
        self.now = instant_us(given.get("now", told[-1]["at"]))
        self.told = [event for event in told if instant_us(event["at"]) <= self.now]
        self.boundary: Boundary = self.policy.get("boundary", profile.get("boundary", "close"))
        self.calendar = calendar
        self.versions = self._versions()
        self.calendars = [vector["calendar"]]
        self.calendars += [e["calendar"] for e in self.told if e["type"] == "calendar"]

    def _versions(self) -> list[Clocks]:
        """Clocks after each change of the policy; one that comes back is as it was last known."""
        known: Clocks = dict(self.policy["clocks"])
        versions = [dict(known)]
        for event in self.told:
            if event["type"] == "policy":
                current = dict(versions[-1])
                for name, change in event["set"].items():
                    current.pop(name, None)
                    if change is not None:
                        known[name] = current[name] = _changed(known.get(name, {}), change)
                versions.append(current)
        return versions

    @property
    def is_closed(self) -> bool:
        """Whether the last status that was told ends the work."""
        told = [event for event in self.told if event["type"] in TELLS_STATUS]
        last = told[-1] if told else {}
        return last.get("to", last.get("status")) in self.closed

    def clock(self, name: str) -> ClockOf:
        """One clock in the product's own terms."""
        return ClockOf(self, name)

    def readings(self) -> dict[str, dict[str, Any]]:
        """Figures of every clock, by its name in the vector."""
        names = dict.fromkeys(name for version in self.versions for name in version)
        return {
            name: self.clock(name).figures() if name in self.versions[-1] else dict(NO_CLOCK)
            for name in names
        }

    def escalations(self, wanted: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Instants of escalation points, in their order; null where there is no such clock."""
        found = [
            self.clock(point["clock"]).escalation(point)
            if point["clock"] in self.versions[-1]
            else None
            for point in wanted
        ]
        return [None if at is None else instant_text(at) for at in found]

    def summary(self, clocks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Outcome, status and next deadline of the whole ticket."""
        is_missed = any(clock["breached"] for clock in clocks.values())
        shown = [
            clock["deadline"]
            for clock in clocks.values()
            if clock["deadline"] is not None and clock["state"] in _IS_OPEN
        ]
        outcome = {
            (True, True): "missed",
            (True, False): "hit",
            (False, True): "active_with_misses",
            (False, False): "active",
        }[self.is_closed, is_missed]
        return {
            "next_deadline": min(shown, key=instant_us) if shown else None,
            "outcome": outcome,
            "status": status_of(self._by_kind(clocks), is_failed=is_missed),
        }

    def _by_kind(self, clocks: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, clock in self.versions[-1].items():
            found.setdefault(clock["kind"], set()).add(clocks[name]["state"])
        return found


_IS_OPEN: Final = ("running", "paused", "overdue")
_ALLOWANCES: Final = ("target_seconds", "by_priority", "target_days")
"""Alternatives: how a clock says what it allows."""
_OF_DAYS: Final = ("target_days", "end_of_day")


def _changed(clock: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Change a clock; another kind of allowance takes the place of the one it had."""
    told = [key for key in _ALLOWANCES if key in change]
    kept = dict(clock)
    if told:
        others = {*_ALLOWANCES, *_OF_DAYS}.difference(_OF_DAYS if "target_days" in told else told)
        kept = {key: value for key, value in kept.items() if key not in others}
    return kept | dict(change)


def read_ticket(vector: Vector, calendar: Callable[[Any], Calendar]) -> dict[str, Any]:
    """All figures of a `ticket` vector."""
    ticket = Ticket(vector, calendar)
    clocks = ticket.readings()
    actual = {"clocks": clocks} | ticket.summary(clocks)
    if "escalations" in vector["input"]:
        actual["escalations"] = ticket.escalations(vector["input"]["escalations"])
    return actual
