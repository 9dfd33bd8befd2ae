"""Vectors about tickets, told as the product's own policies and events, and read back.

A translator and no second engine: statuses become canonical ones, each kind of event a row of
the event log, each clock a target, and every figure comes out of `sla.segments` and `sla.clock`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.instants import SECOND_US, from_us, to_us
from sla_sniper.core.schema import EVENTS
from sla_sniper.sla.clock import read_cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import (
    OFF,
    CalendarChoice,
    ServiceLevels,
    SlaPolicy,
    Target,
    WorkingDays,
)
from sla_sniper.sla.segments import fold
from sla_sniper.usecases.conformance_figures import (
    NO_CLOCK,
    figures_of,
    instant_text,
    instant_us,
    status_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_sniper.sla.calendar import Boundary, Calendar
    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.segments import Segments

    Vector = Mapping[str, Any]

METRICS: Final = {
    "first_response": "first_reply_time",
    "next_response": "next_reply_time",
    "periodic_update": "periodic_update_time",
    "resolution": "resolution_time",
    "ownership": "ownership_time",
}
_CLOSED: Final = ("solved", "closed")
_OPEN_STATUSES: Final = ("open", "waiting_requester", "waiting_vendor", "on_hold", "new")
_DONE_STATUSES: Final = ("resolved", "closed")


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

    def _versions(self) -> list[dict[str, dict[str, Any]]]:
        versions: list[dict[str, dict[str, Any]]] = [dict(self.policy["clocks"])]
        for event in self.told:
            if event["type"] == "policy":
                before = versions[-1]
                changed = {
                    name: None if change is None else {**before.get(name, {}), **change}
                    for name, change in event["set"].items()
                }
                merged = before | changed
                versions.append({k: v for k, v in merged.items() if v is not None})
        return versions

    @property
    def is_closed(self) -> bool:
        """Whether the last status that was told ends the work."""
        told = [event for event in self.told if event["type"] in _TELLS_STATUS]
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


class ClockOf:
    """One clock of a ticket vector in the product's own terms.

    Statuses are told apart only as far as this clock does: the vectors have any number of
    names, the product has few.

    Attributes
    ----------
    events : DataFrame
        Canonical events of the one ticket.
    levels : ServiceLevels
        One policy for each version of the vector's policy that has the clock.
    """

    def __init__(self, ticket: Ticket, name: str) -> None:
        self.ticket, self.name = ticket, name
        self._statuses = self._canonical_statuses()
        self.events = self._events()
        self.levels = self._levels()

    def _canonical_statuses(self) -> dict[str, str]:
        """Give statuses that the clock tells apart different canonical ones."""
        told = (
            e.get("to", e.get("status")) for e in self.ticket.told if e["type"] in _TELLS_STATUS
        )
        known: dict[tuple[bool, ...], str] = {}
        found: dict[str, str] = {}
        free = [*_OPEN_STATUSES, *_DONE_STATUSES]
        for name in dict.fromkeys(filter(None, told)):
            role = self._role(name)
            if role not in known:
                known[role] = free.pop(-1 if role[0] else 0)
            found[name] = known[role]
        return found

    def _role(self, name: str) -> tuple[bool, ...]:
        """What a status means to the clock, in each version of it."""
        keys = ("pause", "status_is_reply")
        versions = [each.get(self.name, {}) for each in self.ticket.versions]
        marks = (name in clock.get(key, ()) for clock in versions for key in keys)
        return (name in self.ticket.closed, *marks)

    def _events(self) -> pl.DataFrame:
        """Tell the ticket as rows of the event log, one an event, with the values after it."""
        told = self.ticket.told
        has_attachment = any(event["type"] == "attach" for event in told)
        values: dict[str, str | None] = {"status": None, "priority": None, "assignee": None}
        facts = {"attached": "no" if has_attachment else "yes", "version": "0", "calendar": "0"}
        rows = []
        for sequence, event in enumerate(told):
            self._apply(event, values, facts)
            at = from_us(instant_us(event["at"]))
            row = dict.fromkeys(EVENTS) | values | _activity(event)
            row |= {"event_id": str(sequence), "source": "vector", "ticket_id": "1"}
            row |= {"occurred_at": at, "recorded_at": at, "sequence": sequence}
            row["attributes"] = [{"key": key, "value": value} for key, value in facts.items()]
            rows.append(row)
        return pl.DataFrame(rows, schema=dict(EVENTS), orient="row")

    def _apply(
        self, event: Vector, values: dict[str, str | None], facts: dict[str, str]
    ) -> None:  # fmt: skip
        kind = event["type"]
        if kind == "created":
            values["status"] = self._statuses.get(event.get("status", ""))
            values["priority"] = event.get("priority")
        elif kind == "status":
            values["status"] = self._statuses[event["to"]]
        elif kind == "priority":
            values["priority"] = event["to"]
        elif kind == "assign":
            values["assignee"] = "owner"
        elif kind in {"attach", "detach"}:
            facts["attached"] = "yes" if kind == "attach" else "no"
        elif kind in {"policy", "calendar"}:
            name = "version" if kind == "policy" else "calendar"
            facts[name] = str(int(facts[name]) + 1)

    def _levels(self) -> ServiceLevels:
        calendars = {f"calendar {place}": told for place, told in enumerate(self.ticket.calendars)}
        having = [
            (n, each[self.name]) for n, each in enumerate(self.ticket.versions) if self.name in each
        ]
        own = {f"own {n}": clock["calendar"] for n, clock in having if "calendar" in clock}
        named = {
            name: replace(self.ticket.calendar(told), name=name, boundary=self.ticket.boundary)
            for name, told in (calendars | own).items()
        }
        policies = tuple(
            SlaPolicy(
                f"version {place}",
                (self._target(place, clock),),
                when=Conditions(
                    (
                        Condition("attached", "is", ("yes",)),
                        Condition("version", "is", (str(place),)),
                    )
                ),
            )
            for place, clock in having
        )
        return ServiceLevels(named, policies)

    def _target(self, version: int, clock: Mapping[str, Any]) -> Target:
        shared = range(len(self.ticket.calendars))
        places = {str(place): f"calendar {place}" for place in shared}
        chosen = CalendarChoice((("calendar", places),), "calendar 0")
        by_priority = {key: _time(value) for key, value in clock.get("by_priority", {}).items()}
        return Target(
            metric=METRICS[clock["kind"]],
            calendar=f"own {version}" if "calendar" in clock else chosen,
            by_priority=by_priority,
            default=_default(clock),
            start=clock.get("start", "created"),
            pause_in=self._named(clock.get("pause", ())),
            pause_awaiting_requester=clock.get("pause_awaiting_requester", False),
            pause_mode=clock.get("pause_mode", "stop"),
            pause_unit=clock.get("pause_unit", "working"),
            stop_in=self._named(self.ticket.closed) or _DONE_STATUSES,
            on_close=clock.get("on_close", "satisfy"),
            on_reopen=clock.get("reopen", "exclude"),
            include_first=clock.get("include_first", False),
            reset_by=tuple(clock.get("reset_by", ("agent",))),
            starts_at_creation=clock.get("start_at_creation", True),
            until=clock.get("until", ""),
            reply_statuses=self._named(clock.get("status_is_reply", ())),
        )

    def _named(self, statuses: Sequence[str]) -> tuple[str, ...]:
        found = (self._statuses[name] for name in statuses if name in self._statuses)
        return tuple(dict.fromkeys(found))

    def figures(self) -> dict[str, Any]:
        """Figures of the latest cycle, and of all of them together."""
        cycles = self._cycles(self.levels)
        if not cycles:
            return dict(NO_CLOCK)
        latest = cycles[-1]
        used = [figures["elapsed_seconds"] for figures in cycles]
        n_breaches = sum(figures["late_seconds"] > 0 for figures in cycles)
        percent = self.ticket.versions[-1][self.name].get("warn_percent")
        shown = self._shown(latest)
        return {
            **{key: latest[key] for key in NO_CLOCK if key in latest},
            "deadline": None if shown is None else instant_text(shown),
            "breached": n_breaches > 0,
            "breaches": n_breaches,
            "worst_elapsed_seconds": max(used),
            "mean_elapsed_seconds": sum(used) / len(used),
            "at_risk": percent is not None
            and latest["state"] in {"running", "paused"}
            and latest["elapsed_seconds"] * 100 >= percent * latest["target_seconds"],
        }

    def _shown(self, latest: Mapping[str, Any]) -> int | None:
        """The deadline, if this peer shows one in this state."""
        state, policy = latest["state"], self.ticket.policy
        if latest["is_hidden"] or (
            latest["is_still"] and policy.get("when_paused", "frozen") == "null"
        ):
            return None
        if state in {"met", "missed"} and policy.get("when_stopped", "keep") == "null":
            return None
        return int(latest["due_us"])

    def _cycles(self, levels: ServiceLevels) -> list[dict[str, Any]]:
        """Figures of every cycle, oldest first."""
        found = [
            figures_of(segments, reading, place)
            for segments, reading in self._read(levels)
            for place in range(len(reading.chosen))
        ]
        ended = [figures for figures in found if figures["state"] != "none"]
        return sorted(ended, key=lambda figures: int(figures["cycle"]))

    def _read(self, levels: ServiceLevels) -> list[tuple[Segments, Reading]]:
        return [(each, read_cycles(each, self.ticket.now)) for each in fold(self.events, levels)]

    def escalation(self, point: Mapping[str, Any]) -> int | None:
        """Instant of an escalation point, in microseconds; None without a deadline."""
        cycles = self._cycles(self.levels)
        if not cycles:
            return None
        latest = cycles[-1]
        if "percent" in point:
            return self._share(latest["target_seconds"] * point["percent"] / 100)
        due, calendar = from_us(int(latest["due_us"])), latest["calendar"]
        if "offset_days" in point:
            return to_us(calendar.add_days(due, point["offset_days"], days_rule="keep"))
        if not point["offset_seconds"]:
            return to_us(due)
        return to_us(calendar.add(due, timedelta(seconds=point["offset_seconds"])))

    def _share(self, seconds: float) -> int | None:
        """When so much of the target is used: the deadline of a target that short."""
        shorter = _time(seconds)
        policies = tuple(
            replace(each, targets=tuple(_shortened(target, shorter) for target in each.targets))
            for each in self.levels.policies
        )
        cycles = self._cycles(replace(self.levels, policies=policies))
        return int(cycles[-1]["due_us"]) if cycles else None


def _shortened(target: Target, us: int) -> Target:
    """The same target with another allowance, off where it was off."""
    by_priority = {name: us if allowed else OFF for name, allowed in target.by_priority.items()}
    return replace(target, by_priority=by_priority, default=us if target.default else OFF)


_TELLS_STATUS: Final = ("created", "status")
_IS_OPEN: Final = ("running", "paused", "overdue")


def read_ticket(vector: Vector, calendar: Callable[[Any], Calendar]) -> dict[str, Any]:
    """All figures of a `ticket` vector."""
    ticket = Ticket(vector, calendar)
    clocks = ticket.readings()
    actual = {"clocks": clocks} | ticket.summary(clocks)
    if "escalations" in vector["input"]:
        actual["escalations"] = ticket.escalations(vector["input"]["escalations"])
    return actual


def _activity(event: Vector) -> dict[str, str]:
    kind = event["type"]
    if kind != "message":
        names = {"created": "created", "status": "status", "priority": "priority"}
        return {"activity": names.get(kind, "assignee" if kind == "assign" else "attribute")}
    if not event.get("public", True):
        return {"activity": "internal_note", "actor_role": event["from"]}
    by_requester = event["from"] == "requester"
    told = "requester_message" if by_requester else "public_reply"
    return {"activity": told, "actor_role": event["from"]}


def _default(clock: Mapping[str, Any]) -> int | WorkingDays:
    if clock.get("target_days"):
        return WorkingDays(clock["target_days"], is_end_of_day=clock.get("end_of_day", False))
    return _time(clock.get("target_seconds"))


def _time(seconds: float | None) -> int:
    return OFF if not seconds else round(seconds * SECOND_US)
