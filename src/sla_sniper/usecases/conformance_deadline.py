"""Vectors about one deadline, told as a ticket that is pending at given times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
    if profile.get("nonpositive_target") == "error" and given["target_seconds"] <= 0:
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
        "target_seconds": given["target_seconds"],
        "pause": ["pending"],
    }
    ticket = {
        **vector,
        "input": {"policy": {"clocks": {"the": clock}}, "events": events, "now": given["now"]},
    }
    figures = Ticket(ticket, calendar).readings()["the"]
    keys = ("elapsed_seconds", "paused_seconds", "deadline", "remaining_seconds", "breached")
    return {key: figures[key] for key in keys}


_PAUSE: Final = {True: "pending", False: "open"}


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(span for span in spans if span[1] > span[0]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
