"""One clock of a ticket vector, told as the product's own policies and events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cached_property, partial
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
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.segments import Segments
    from sla_sniper.usecases.conformance_ticket import Ticket

    Vector = Mapping[str, Any]

METRICS: Final = {
    "first_response": "first_reply_time",
    "next_response": "next_reply_time",
    "periodic_update": "periodic_update_time",
    "resolution": "resolution_time",
    "ownership": "ownership_time",
}
TELLS_STATUS: Final = ("created", "status")
_DONE_STATUSES: Final = ("resolved", "closed")
_STATUSES: Final = (
    *("open", "waiting_requester", "waiting_vendor", "on_hold", "new"),
    *_DONE_STATUSES,
)


class ClockOf:
    """One clock of a ticket vector in the product's own terms.

    Statuses are told apart only as far as this clock does: the vectors have any number of
    names, the product has few.

    Parameters
    ----------
    ticket : Ticket
        The vector.
    name : str
        Of the clock.
    places : sequence of int, optional
        Which versions of the vector's policy to tell; all that have the clock where not given.
    asked : int, optional
        The only message of the requester that waits for an answer, by its place among the events;
        every one where not given.

    Attributes
    ----------
    events : DataFrame
        Canonical events of the one ticket.
    levels : ServiceLevels
        One policy for each version of the vector's policy that is told.
    """

    def __init__(
        self,
        ticket: Ticket,
        name: str,
        places: Sequence[int] | None = None,
        *,
        asked: int | None = None,
    ) -> None:
        self.ticket, self.name, self.asked = ticket, name, asked
        having = [n for n, each in enumerate(ticket.versions) if name in each]
        self.places = having if places is None else list(places)

    @cached_property
    def parts(self) -> tuple[ClockOf, ...]:
        """The clock, or several of which each tells a part.

        One for each version where they tell too many statuses apart; one for each message where
        every message counts by itself.
        """
        latest = self.ticket.versions[self.places[-1]][self.name]
        if latest.get("count") == "per_message" and self.asked is None:
            asked = (n for n, event in enumerate(self.ticket.told) if _is_question(event))
            return tuple(ClockOf(self.ticket, self.name, self.places, asked=n) for n in asked)
        if len(self._roles) <= len(_STATUSES) or len(self.places) == 1:
            return (self,)
        each = partial(ClockOf, self.ticket, self.name, asked=self.asked)
        return tuple(each((place,)) for place in self.places)

    @cached_property
    def events(self) -> pl.DataFrame:
        """Tell the ticket as rows of the event log, one an event, with the values after it."""
        return self._events()

    @cached_property
    def levels(self) -> ServiceLevels:
        """Tell the versions of the clock as policies."""
        return self._levels()

    @cached_property
    def _roles(self) -> dict[tuple[bool, ...], list[str]]:
        """Statuses by what they mean to the clock."""
        told = (e.get("to", e.get("status")) for e in self.ticket.told if e["type"] in TELLS_STATUS)
        found: dict[tuple[bool, ...], list[str]] = {}
        for name in dict.fromkeys(filter(None, told)):
            found.setdefault(self._role(name), []).append(name)
        return found

    @cached_property
    def _statuses(self) -> dict[str, str]:
        """Give statuses that the clock tells apart different canonical ones.

        Raises
        ------
        ValueError
            If there are more kinds of them than the product has statuses.
        """
        if len(self._roles) > len(_STATUSES):
            raise ValueError(
                f"clock {self.name!r} tells {len(self._roles)} kinds of status apart, "
                f"of which there are {len(_STATUSES)}"
            )
        free = list(_STATUSES)
        canonical = {role: free.pop(-1 if role[0] else 0) for role in self._roles}
        return {name: canonical[role] for role, names in self._roles.items() for name in names}

    def _role(self, name: str) -> tuple[bool, ...]:
        """What a status means to the clock, in each version of it."""
        keys = ("pause", "status_is_reply")
        versions = [self.ticket.versions[place][self.name] for place in self.places]
        marks = (name in clock.get(key, ()) for clock in versions for key in keys)
        return (name in self.ticket.closed, *marks)

    def _events(self) -> pl.DataFrame:
        told = self.ticket.told
        has_attachment = any(event["type"] == "attach" for event in told)
        values: dict[str, str | None] = {"status": None, "priority": None, "assignee": None}
        facts = {"attached": "no" if has_attachment else "yes", "version": "0", "calendar": "0"}
        rows = []
        for sequence, event in enumerate(told):
            self._apply(event, values, facts)
            at = from_us(instant_us(event["at"]))
            row = dict.fromkeys(EVENTS) | values | _activity(event)
            if self.asked not in {None, sequence} and _is_question(event):
                row["activity"] = "internal_note"
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
        having = [(place, self.ticket.versions[place][self.name]) for place in self.places]
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
        by_priority = {key: _time(value) for key, value in (clock.get("by_priority") or {}).items()}
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
        cycles = self._cycles(None)
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

    def _cycles(self, allowance: int | None) -> list[dict[str, Any]]:
        """Figures of every cycle, oldest first; with another allowance where one is given."""
        found = [
            figures_of(segments, reading, place)
            for part in self.parts
            for segments, reading in part.read(allowance)
            for place in range(len(reading.chosen))
        ]
        ended = [figures for figures in found if figures["state"] != "none"]
        return sorted(ended, key=lambda figures: int(figures["cycle"]))

    def read(self, allowance: int | None) -> list[tuple[Segments, Reading]]:
        """Read the clock, with another allowance (in microseconds) where one is given."""
        levels = self.levels if allowance is None else _shortened(self.levels, allowance)
        return [(each, read_cycles(each, self.ticket.now)) for each in fold(self.events, levels)]

    def escalation(self, point: Mapping[str, Any]) -> int | None:
        """Instant of an escalation point, in microseconds; None without a deadline."""
        cycles = self._cycles(None)
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
        cycles = self._cycles(_time(seconds))
        return int(cycles[-1]["due_us"]) if cycles else None


def _shortened(levels: ServiceLevels, us: int) -> ServiceLevels:
    """The same policies with another allowance, off where it was off."""

    def shortened(target: Target) -> Target:
        by_priority = {name: us if allowed else OFF for name, allowed in target.by_priority.items()}
        return replace(target, by_priority=by_priority, default=us if target.default else OFF)

    policies = (
        replace(each, targets=tuple(map(shortened, each.targets))) for each in levels.policies
    )
    return replace(levels, policies=tuple(policies))


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


def _is_question(event: Vector) -> bool:
    return _activity(event)["activity"] == "requester_message"


def _default(clock: Mapping[str, Any]) -> int | WorkingDays:
    if clock.get("target_days"):
        return WorkingDays(clock["target_days"], is_end_of_day=clock.get("end_of_day", False))
    return _time(clock.get("target_seconds"))


def _time(seconds: float | None) -> int:
    return OFF if not seconds else round(seconds * SECOND_US)
