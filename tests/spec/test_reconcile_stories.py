"""A whole reconciliation, compared with a text that was checked by hand: one ticket a cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sla_sniper.cli.reconcile import show
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from sla_sniper.sla.reconcile import Comparison, compare
from sla_sniper.usecases.reconcile import ReconcileReport

GOLDEN = Path(__file__).parents[1] / "golden" / "reconcile"
MONDAY = datetime(2024, 1, 8, 8, tzinfo=UTC)
"""9:00 in Amsterdam; hours below count from here, so 24 is Tuesday 9:00, 96 Friday 9:00."""
AS_OF = MONDAY + timedelta(days=9, hours=3)
HOUR_US = 3_600_000_000
MINUTE = 1 / 60
ZONE = "Europe/Amsterdam"
OFFICE = Calendar("office", ZONE, (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
EVENINGS = Calendar("evenings", ZONE, (((9 * 3600, 20 * 3600),),) * 5 + ((), ()))
ALWAYS = Calendar("always", ZONE, is_always_open=True)
HOURS = {"high": 4, "mid": 8, "low": 16, "slow": 24}
TARGETS = {name: hours * HOUR_US for name, hours in HOURS.items()} | {"chat": 90_000_000}
USUAL = Target("resolution_time", "office", TARGETS, pause_in=("waiting_requester",))
REPLY = Target("first_reply_time", "office", default=HOUR_US)


def covers(group: str) -> Conditions:
    return Conditions((Condition("group", "is", (group,)),))


LEVELS = ServiceLevels(
    {"office": OFFICE, "evenings": EVENINGS, "always": ALWAYS},
    (
        SlaPolicy("by deadline", (Target("resolution_time", "office", is_vendor=True),),
                  when=covers("carrier")),
        SlaPolicy("to the end", (Target("resolution_time", "office", default=4 * HOUR_US,
                                        stop_in=("closed",)),), when=covers("back")),
        SlaPolicy("first priority", (Target("resolution_time", "office", TARGETS,
                                            on_priority_change="keep"),), when=covers("kept")),
        SlaPolicy("all", (REPLY, USUAL)),
    ),
)  # fmt: skip

MET, LATE = {"vendor_breached": False}, {"vendor_breached": True}


def due(hours: float) -> dict:
    return {"vendor_due_at": MONDAY + timedelta(hours=hours)}


def stamp(**hours: float) -> dict:
    return {f"vendor_{name}_at": MONDAY + timedelta(hours=at) for name, at in hours.items()}


NEW, OPEN, WAITS = {"status": "new"}, {"status": "open"}, {"status": "waiting_requester"}
RESOLVED, CLOSED = {"status": "resolved"}, {"status": "closed"}
LOW, CHAT = {"priority": "low"}, {"priority": "chat"}
BACK, KEPT, CARRIER = ({"group": name} for name in ("back", "kept", "carrier"))
DESK = {
    # Both sides say the same.
    "met in time": [(0, NEW), (3, RESOLVED | MET | due(4))],
    "late on both sides": [(0, NEW | due(4)), (24, RESOLVED | LATE)],
    "deadline a minute apart": [(0, NEW), (3, RESOLVED | due(4 + MINUTE))],
    "two hours of pause": [(0, NEW), (1, WAITS), (3, OPEN), (5, RESOLVED | MET)],
    "over the weekend": [(103, NEW), (169, RESOLVED | MET)],
    "closed a day later": [(0, NEW), (3, RESOLVED), (27, CLOSED | MET)],
    "still in time": [(218, NEW | MET | due(222))],
    "over time and open": [(192, NEW | due(196)), (197, OPEN | LATE)],
    "deadline is the help desk's": [(0, CARRIER | NEW | due(9)), (3, RESOLVED | MET)],
    "closed at once": [(0, BACK | NEW), (3, RESOLVED), (3.5, CLOSED | MET)],
    "not counted from the start": [(0, KEPT | NEW | LOW), (1, {"priority": "high"}),
                                   (6, RESOLVED | MET)],
    # Nothing to compare.
    "nothing told": [(0, NEW), (3, RESOLVED)],
    "cancelled": [(0, NEW | MET), (3, {"status": "cancelled"})],
    "stamp still to come": [(0, NEW), (3, RESOLVED | stamp(closed=999))],
    # One single change makes both sides agree.
    "rounding: 30 seconds late": [(0, NEW), (4 + MINUTE / 2, RESOLVED | MET)],
    "rounding: 75 of 90 seconds": [(0, NEW | CHAT), (1.25 * MINUTE, RESOLVED | LATE)],
    "rounding: exactly at target": [(0, NEW), (4, RESOLVED | LATE)],
    "pause: counted as work": [(0, NEW), (1, WAITS), (3, OPEN), (5, RESOLVED | LATE)],
    "wall: a weekend counts": [(103, NEW | LOW), (169, RESOLVED | LATE | due(119))],
    "wall: a night in a pause counts": [(7, NEW | due(11)), (7.5, WAITS), (24, OPEN),
                                        (25, RESOLVED | LATE)],
    "wall: a pause moves by the night": [(7, NEW), (7.5, WAITS), (24.5, OPEN | due(44)),
                                         (25, RESOLVED)],
    "calendar: nights, no weekends": [(103, NEW | LOW), (104, RESOLVED | due(167))],
    "calendar: evenings": [(7, NEW | LOW), (8, RESOLVED | due(49))],
    "priority: the last one": [(0, KEPT | NEW | LOW), (2, {"priority": "high"}),
                               (3, RESOLVED | due(4))],
    "priority: the first one": [(0, NEW | due(4)), (1, LOW), (6, RESOLVED | LATE)],
    "closure: at closed": [(0, NEW), (3, RESOLVED), (7, CLOSED | LATE)],
    "closure: at resolved": [(0, BACK | NEW), (3, RESOLVED), (7, CLOSED | MET)],
    "stamp: resolved before the event": [(0, NEW), (5, RESOLVED | MET | stamp(resolved=3))],
    "closure or stamp: reopened": [(0, NEW), (2, RESOLVED), (24, OPEN),
                                   (25, RESOLVED | LATE | stamp(resolved=25))],
    "stamp: resolved before created": [(0, NEW), (5, RESOLVED | MET | stamp(resolved=-1))],
    "stamp: closed after its event": [
        (0, NEW), (3, RESOLVED), (3.5, CLOSED | LATE | stamp(closed=6))],
    "stale: deadline of the second priority": [
        (0, NEW | LOW), (1, {"priority": "mid"} | due(8)), (2, {"priority": "high"}),
        (3, OPEN | due(8)), (6, RESOLVED | MET)],
    "stale: deadline alone": [(0, NEW | LOW | due(32)), (1, {"priority": "mid"} | due(8)),
                              (2, {"priority": "high"}), (6, RESOLVED)],
    "stale: deadline, but a fresh verdict": [
        (0, NEW | LOW), (1, {"priority": "mid"} | due(8)), (2, {"priority": "high"}),
        (6, RESOLVED | LATE)],
    "stale: met when it was told": [(0, NEW | MET), (6, RESOLVED)],
    "stale: met at the last moment": [(0, NEW), (4, OPEN | MET), (6, RESOLVED)],
    "stale: open, deadline of the second priority": [
        (192, NEW | LOW), (193, {"priority": "mid"} | due(200)), (194, {"priority": "slow"}),
        (216, OPEN | LATE)],
    "stale: met, and its deadline agrees": [(0, NEW | MET | due(4)), (6, RESOLVED)],
    "stale: late when it was told": [(0, NEW | LOW), (1, {"priority": "high"}), (5, OPEN | LATE),
                                     (6, LOW), (7, RESOLVED), (7.5, CLOSED)],
    "stale: within its deadline's minute": [
        (0, NEW | due(4 + MINUTE)), (4 + MINUTE, RESOLVED | MET)],
    "stale: not judged while open": [(192, NEW), (216, OPEN | MET)],
    # Nothing that is tried makes both sides agree.
    "unexplained: 61 seconds": [(0, NEW), (3, RESOLVED | due(4 + 61 * MINUTE / 60))],
    "unexplained: met, and a day late": [(0, NEW), (24, RESOLVED | MET)],
    "unexplained: late, within its deadline": [
        (0, NEW | due(4)), (3, RESOLVED), (3.5, CLOSED | LATE)],
    "unexplained: a verdict of neither": [
        (0, NEW | LOW), (1, {"priority": "mid"} | due(8)), (2, {"priority": "slow"}),
        (3, RESOLVED | LATE)],
    "unexplained: open, other deadline": [(192, NEW), (216, OPEN | MET | due(201))],
}  # fmt: skip


def rows_of(make_event, name: str, changes: list, *, source: str = "desk") -> list[dict]:
    values, rows = {"priority": "high"}, []
    for number, (hours, changed) in enumerate(changes):
        values |= {key: value for key, value in changed.items() if not key.startswith("vendor_")}
        told = {key: value for key, value in changed.items() if key.startswith("vendor_")}
        activity = "created" if number == 0 else "status"
        at = MONDAY + timedelta(hours=hours)
        made = make_event(name, at, activity, sequence=number, **values, **told)
        rows.append(made | {"source": source})
    return rows


@pytest.fixture
def desk(make_event):
    """Rows of every ticket, and of one of another help desk with a name that is taken."""
    rows = [row for name, changes in DESK.items() for row in rows_of(make_event, name, changes)]
    return rows + rows_of(make_event, "met in time", DESK["met in time"], source="branch")


def line(ticket: dict) -> str:
    """One ticket in words: who says what, and why they part."""
    name = f"{ticket['source']}/{ticket['ticket_id']} ({ticket['priority']})"
    if ticket["standing"] != "compared":
        return f"{name}: {ticket['standing']}"
    told = [f"{name}: {ticket['state']}, agrees: {ticket['agrees']}"]
    for key, side in (("verdict", "breached"), ("due", "due_at")):
        ours, theirs = ticket[f"our_{side}"], ticket[f"their_{side}"]
        told.append(f"    {side}: ours {ours}, theirs {theirs}, agrees: {ticket[f'{key}_agrees']}")
    told.append(f"    {ticket['cause']}: {ticket['detail']}; of {ticket['explained_by']}")
    return "\n".join(told)


def text_of(found: Comparison) -> str:
    """What the command prints, every ticket, and everything that was tried."""
    report = ReconcileReport(found.tickets, found.tried, AS_OF, "asked for", "resolution_time")
    printed = StringIO()
    show(report, Console(file=printed, width=200))
    tickets = [line(each) for each in found.tickets.to_dicts()]
    tried = [
        f"{cause}, {detail}: mends {explains}, breaks {breaks}"
        for cause, detail, explains, breaks in found.tried.rows()
    ]
    return "\n".join([printed.getvalue(), *tickets, "", *tried, ""])


def test_every_cause_is_told_word_for_word(make_events, desk):
    found = compare(make_events(desk), LEVELS, as_of=AS_OF)

    assert text_of(found) == (GOLDEN / "desk.txt").read_text(encoding="utf-8")
