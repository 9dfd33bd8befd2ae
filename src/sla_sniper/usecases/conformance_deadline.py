"""Vectors about one deadline, told as a ticket that is pending at given times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.core.instants import SECOND_US, from_us, to_us
from sla_sniper.usecases.conformance_calendar import NotConformingError
from sla_sniper.usecases.conformance_figures import instant_text, instant_us
from sla_sniper.usecases.conformance_ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sla_sniper.sla.calendar import Calendar

    Vector = Mapping[str, Any]


def read_deadline(vector: Vector, calendar: Callable[[Any], Calendar]) -> dict[str, Any]:
    """All figures of a `deadline` vector: a resolution clock with pauses at given times."""
    given, profile = vector["input"], vector.get("profile") or {}
    seconds = given["target_seconds"]
    is_used_up = seconds is not None and seconds <= 0
    if is_used_up and profile.get("nonpositive_target") == "error":
        raise NotConformingError("invalid_target")
    start = instant_us(given["start"])
    pauses = _merged(
        [(instant_us(begin), instant_us(end)) for begin, end in given.get("pauses", ())]
    )
    is_paused = any(begin <= start < end for begin, end in pauses)
    events = [{"at": given["start"], "type": "created", "status": _PAUSE[is_paused]}]
    for begin, end in pauses:
        turns = ((begin, "pending"), (end, "open"))
        events += [
            {"at": instant_text(at), "type": "status", "to": to} for at, to in turns if at > start
        ]
    clock = {
        "kind": "resolution",
        "target_seconds": _LEAST_US / SECOND_US if is_used_up else seconds,
        "pause": ["pending"],
    }
    # Before the start nothing has happened yet: the clock is as it starts.
    now = instant_text(max(start, instant_us(given["now"])))
    ticket = {
        **vector,
        "input": {"policy": {"clocks": {"the": clock}}, "events": events, "now": now},
    }
    figures = Ticket(ticket, calendar).readings()["the"]
    if is_used_up:
        figures |= _used_up(seconds, figures)
    if is_used_up and seconds < 0:
        own = replace(calendar(vector["calendar"]), boundary=profile.get("boundary", "close"))
        before = own.add(from_us(start), timedelta(seconds=seconds))
        figures["deadline"] = instant_text(to_us(before))
    keys = ("elapsed_seconds", "paused_seconds", "deadline", "remaining_seconds", "breached")
    return {key: figures[key] for key in keys}


_LEAST_US: Final = 1
"""Target that stands in for one of nothing, which for the product means that there is no clock."""


def _used_up(seconds: float, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of a target of nothing or less, from those of the least one there is."""
    elapsed = figures["elapsed_seconds"]
    return {
        "deadline": instant_text(instant_us(figures["deadline"]) - _LEAST_US),
        "remaining_seconds": seconds - elapsed,
        "breached": elapsed > seconds,
    }


_PAUSE: Final = {True: "pending", False: "open"}


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(span for span in spans if span[1] > span[0]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
