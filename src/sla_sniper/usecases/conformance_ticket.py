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
    STATES,
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
    """One ticket vector in the product's own terms.

    Attributes
    ----------
    events : DataFrame
        Canonical events of the one ticket.
    levels : ServiceLevels
        One policy for each version of the vector's policy, with a target for each clock.
    now : int
        The instant of the reading, in microseconds.
    """

    def __init__(self, vector: Vector, calendar: Callable[[Any], Calendar]) -> None:
        given = vector["input"]
        self.policy: dict[str, Any] = given["policy"]
        self.closed = tuple(self.policy.get("closed", _CLOSED))
        told = sorted(given["events"], key=lambda event: instant_us(event["at"]))
        self.now = instant_us(given.get("now", told[-1]["at"]))
        self.told = [event for event in told if instant_us(event["at"]) <= self.now]
        self.boundary: Boundary = self.policy.get("boundary", "close")
        self._calendar = calendar
        self._statuses = self._canonical_statuses()
        self._versions = self._policy_versions()
        self._calendars = [vector["calendar"]]
        self._calendars += [e["calendar"] for e in self.told if e["type"] == "calendar"]
        self.events = self._events()
        self.levels = self._levels()

    def _canonical_statuses(self) -> dict[str, str]:
        """Give statuses that some clock tells apart different canonical ones."""
        names = [e.get("status") or e.get("to") for e in self.told if e["type"] in _TELLS_STATUS]
        names += [name for clock in self._clocks() for name in self._marked(clock)]
        known: dict[tuple[object, ...], str] = {}
        found: dict[str, str] = {}
        free = {False: list(_OPEN_STATUSES), True: list(_DONE_STATUSES)}
        for name in dict.fromkeys(filter(None, names)):
            role = self._role(name)
            if role not in known:
                known[role] = free[name in self.closed].pop(0)
            found[name] = known[role]
        return found

    def _clocks(self) -> list[dict[str, Any]]:
        changed = [e["set"] for e in self.told if e["type"] == "policy"]
        clocks = [self.policy["clocks"], *changed]
        return [clock for each in clocks for clock in each.values()]

    def _marked(self, clock: Mapping[str, Any]) -> tuple[str, ...]:
        return (*clock.get("pause", ()), *clock.get("status_is_reply", ()))

    def _role(self, name: str) -> tuple[object, ...]:
        keys = ("pause", "status_is_reply")
        marks = (name in clock.get(key, ()) for clock in self._clocks() for key in keys)
        return (name in self.closed, *marks)

    def _policy_versions(self) -> list[dict[str, dict[str, Any]]]:
        versions = [dict(self.policy["clocks"])]
        for event in self.told:
            if event["type"] == "policy":
                before = versions[-1]
                changed = {k: {**before.get(k, {}), **v} for k, v in event["set"].items()}
                versions.append(before | changed)
        return versions

    def _events(self) -> pl.DataFrame:
        """Tell the ticket as rows of the event log, one an event, with the values after it."""
        has_attachment = any(event["type"] == "attach" for event in self.told)
        values: dict[str, str | None] = {"status": None, "priority": None, "assignee": None}
        facts = {"attached": "no" if has_attachment else "yes", "version": "0", "calendar": "0"}
        rows = []
        for sequence, event in enumerate(self.told):
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
        shared = {
            f"calendar {place}": replace(self._calendar(told), name=f"calendar {place}")
            for place, told in enumerate(self._calendars)
        }
        own = {
            f"of {name}": replace(self._calendar(clock["calendar"]), name=f"of {name}")
            for version in self._versions
            for name, clock in version.items()
            if "calendar" in clock
        }
        bounded = {
            name: replace(each, boundary=self.boundary) for name, each in (shared | own).items()
        }
        policies = tuple(
            SlaPolicy(
                f"version {place}",
                tuple(self._target(name, clock) for name, clock in version.items()),
                when=Conditions(
                    (
                        Condition("attached", "is", ("yes",)),
                        Condition("version", "is", (str(place),)),
                    )
                ),
            )
            for place, version in enumerate(self._versions)
        )
        return ServiceLevels(bounded, policies)

    def _target(self, name: str, clock: Mapping[str, Any]) -> Target:
        places = {str(place): f"calendar {place}" for place in range(len(self._calendars))}
        chosen = CalendarChoice((("calendar", places),), "calendar 0")
        by_priority = {key: _time(value) for key, value in clock.get("by_priority", {}).items()}
        return Target(
            metric=METRICS[clock["kind"]],
            calendar=f"of {name}" if "calendar" in clock else chosen,
            by_priority=by_priority,
            default=_default(clock),
            start=clock.get("start", "created"),
            pause_in=self._named(clock.get("pause", ())),
            pause_awaiting_requester=clock.get("pause_awaiting_requester", False),
            pause_mode=clock.get("pause_mode", "stop"),
            pause_unit=clock.get("pause_unit", "working"),
            stop_in=self._named(self.closed) or _DONE_STATUSES,
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

    def readings(self) -> dict[str, dict[str, Any]]:
        """Figures of every clock, by its name in the vector."""
        return {name: self._figures(name, clock) for name, clock in self._versions[-1].items()}

    def _figures(self, name: str, clock: Mapping[str, Any]) -> dict[str, Any]:
        cycles = [figures_of(*each) for each in self._read(name, self.levels)]
        if not cycles:
            return dict(NO_CLOCK)
        latest = max(cycles, key=lambda figures: figures["cycle"])
        used = [figures["elapsed_seconds"] for figures in cycles]
        n_breaches = sum(figures["late_seconds"] > 0 for figures in cycles)
        percent = clock.get("warn_percent")
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
        state = latest["state"]
        if latest["is_hidden"] or (
            latest["is_still"] and self.policy.get("when_paused", "frozen") == "null"
        ):
            return None
        if state in {"met", "missed"} and self.policy.get("when_stopped", "keep") == "null":
            return None
        return int(latest["due_us"])

    def _read(self, name: str, levels: ServiceLevels) -> list[tuple[Segments, Reading, int]]:
        """Readings of all cycles of one clock, one by one."""
        single = replace(
            levels,
            policies=tuple(
                replace(policy, targets=(self._target(name, self._versions[place][name]),))
                for place, policy in enumerate(levels.policies)
            ),
        )
        readings = [(each, read_cycles(each, self.now)) for each in fold(self.events, single)]
        return [
            (segments, reading, place)
            for segments, reading in readings
            for place in range(len(reading.chosen))
            if STATES[reading.state[place]] != "none"
        ]

    def escalations(self, wanted: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Instants of escalation points, in their order."""
        found = [self._escalation(point) for point in wanted]
        return [None if at is None else instant_text(at) for at in found]

    def _escalation(self, point: Mapping[str, Any]) -> int | None:
        name = point["clock"]
        levels = self.levels
        if "percent" in point:
            return self._share(name, point["percent"])
        cycles = [(figures_of(*each), each[0]) for each in self._read(name, levels)]
        if not cycles:
            return None
        latest, segments = max(cycles, key=lambda each: each[0]["cycle"])
        due, calendar = from_us(int(latest["due_us"])), segments.calendar
        if "offset_days" in point:
            return to_us(calendar.add_days(due, point["offset_days"], days_rule="keep"))
        return to_us(calendar.add(due, timedelta(seconds=point["offset_seconds"])))

    def _share(self, name: str, percent: float) -> int | None:
        """When a share of the target is used: the deadline of a target that much shorter."""
        versions = self._versions
        self._versions = [
            {**version, name: _scaled(version[name], percent)} for version in versions
        ]
        try:
            cycles = [figures_of(*each) for each in self._read(name, self.levels)]
        finally:
            self._versions = versions
        if not cycles:
            return None
        return int(max(cycles, key=lambda figures: figures["cycle"])["due_us"])

    def summary(self, clocks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Outcome, status and next deadline of the whole ticket."""
        is_closed = self.events["status"][-1] in _DONE_STATUSES
        is_missed = any(clock["breached"] for clock in clocks.values())
        shown = [
            clock["deadline"]
            for clock in clocks.values()
            if clock["deadline"] is not None and clock["state"] in {"running", "paused", "overdue"}
        ]
        outcome = {
            (True, True): "missed",
            (True, False): "hit",
            (False, True): "active_with_misses",
            (False, False): "active",
        }[is_closed, is_missed]
        return {
            "next_deadline": min(shown, key=instant_us) if shown else None,
            "outcome": outcome,
            "status": status_of(self._by_kind(clocks), is_failed=is_missed),
        }

    def _by_kind(self, clocks: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        kinds = {name: clock["kind"] for name, clock in self._versions[-1].items()}
        return {kinds[name]: clock["state"] for name, clock in clocks.items()}


_TELLS_STATUS: Final = ("created", "status")


def read_ticket(vector: Vector, calendar: Callable[[Any], Calendar]) -> dict[str, Any]:
    """All figures of a `ticket` vector."""
    ticket = Ticket(vector, calendar)
    clocks = ticket.readings()
    actual = {"clocks": clocks} | ticket.summary(clocks)
    if "escalations" in vector["input"]:
        actual["escalations"] = ticket.escalations(vector["input"]["escalations"])
    return actual


def _scaled(clock: Mapping[str, Any], percent: float) -> dict[str, Any]:
    def share(value: float | None) -> float | None:
        return None if value is None else value * percent / 100

    scaled = dict(clock)
    if "by_priority" in clock:
        scaled["by_priority"] = {key: share(value) for key, value in clock["by_priority"].items()}
    if "target_seconds" in clock:
        scaled["target_seconds"] = share(clock["target_seconds"])
    return scaled


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
