"""What the help desk told by then, our latest cycle, and each other way to read a ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import OFF, ServiceLevels, SlaPolicy, Target
from sla_sniper.sla.reconcile import Comparison, compare
from sla_sniper.sla.reconcile_alternatives import alternatives, only_metric
from sla_sniper.sla.reconcile_facts import as_known, vendor_facts
from sla_sniper.sla.reconcile_readings import read_ours

OPENED = datetime(2024, 4, 8, 9, tzinfo=UTC)
"""A Monday."""
AS_OF = OPENED + timedelta(hours=10)
HOUR_US = 3_600_000_000
ALWAYS = Calendar("always", is_always_open=True)
OFFICE = Calendar("office", "UTC", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
STAMPS = ("vendor_resolved_at", "vendor_closed_at")


def at(hours: float) -> datetime:
    return OPENED + timedelta(hours=hours)


def covers(group: str) -> Conditions:
    return Conditions((Condition("group", "is", (group,)),))


def promise(*targets: Target, **calendars: Calendar) -> ServiceLevels:
    return ServiceLevels(calendars or {"office": OFFICE}, (SlaPolicy("all", targets),))


@pytest.fixture
def ticket(make_event):
    """Rows of a ticket: hour and what changed in it; values stay as they were."""

    def rows(name: str, *steps: tuple[float, dict]) -> list[dict]:
        values, told = {"activity": "status"}, []
        for number, (hour, changed) in enumerate(steps):
            values |= {key: value for key, value in changed.items() if "vendor" not in key}
            made = make_event(name, at(hour), **(values | {"sequence": number}))
            told.append(made | {key: changed[key] for key in changed if "vendor" in key})
        return told

    return rows


@pytest.mark.parametrize(
    ("status", "due", "verdict"),
    [
        ("open", 11, None),
        ("open", 10, True),
        ("open", 9, True),
        ("open", None, True),
        (None, 11, None),
        ("resolved", 11, True),
        ("closed", 11, True),
        ("cancelled", 11, True),
    ],
)
def test_no_verdict_on_open_work_before_its_deadline(make_events, ticket, status, due, verdict):
    due_at = None if due is None else at(due)
    rows = ticket("1", (0, {"status": status, "vendor_due_at": due_at, "vendor_breached": True}))

    known = as_known(make_events(rows), as_of=AS_OF)

    assert known["vendor_breached"].to_list() == [verdict]
    assert known["vendor_due_at"].to_list() == [due_at]


@pytest.mark.parametrize(("hour", "is_known"), [(9, True), (10, True), (11, False)])
@pytest.mark.parametrize("name", STAMPS)
def test_a_stamp_is_known_from_its_instant_on(make_events, ticket, name, hour, is_known):
    known = as_known(make_events(ticket("1", (0, {name: at(hour)}))), as_of=AS_OF)

    assert known[name].to_list() == [at(hour) if is_known else None]


def test_facts_are_the_latest_that_were_told(make_events, ticket):
    late, met = {"vendor_breached": True}, {"vendor_breached": False}
    rows = ticket(
        "1",
        (0, {"priority": "low", "vendor_due_at": at(5)} | late),
        (1, {"priority": "high"} | met),
        (2, {"vendor_due_at": at(6), "vendor_resolved_at": at(3)}),
        (3, {"vendor_closed_at": at(4)}),
    )
    rows += ticket("2", (0, {"priority": "low"} | late), (1, {"priority": None}))
    rows += ticket("3", (0, {"priority": "low", "vendor_closed_at": at(4)}))

    facts = vendor_facts(make_events(rows)).sort("ticket_id")

    assert facts.columns == [
        "source", "ticket_id", "priority", "vendor_breached", "vendor_due_at",
        "vendor_resolved_at", "vendor_closed_at", "told_at",
    ]  # fmt: skip
    assert facts.drop("source").rows() == [
        ("1", "high", False, at(6), at(3), at(4), at(2)),
        ("2", None, True, None, None, None, at(0)),
        ("3", "low", None, None, None, at(4), None),
    ]


def test_the_latest_cycle_is_ours(make_events, ticket):
    anew = Target(
        "resolution_time", "always", default=HOUR_US, start="attached", on_reopen="restart"
    )
    levels = ServiceLevels(
        {"always": ALWAYS},
        tuple(SlaPolicy(name, (anew,), when=covers(name)) for name in ("second", "first")),
    )
    opened, reopened, resolved = (
        {"status": status, "activity": activity}
        for status, activity in (
            ("new", "created"),
            ("open", "reopened"),
            ("resolved", "resolved"),
        )
    )
    rows = ticket(
        "reopened", (0, opened | {"group": "second"}), (3, resolved), (4, reopened), (4.5, resolved)
    )
    rows += ticket(
        "moved",
        (0, opened | {"group": "second"}),
        (3, resolved),
        (4, reopened),
        (5, {"group": "first", "activity": "group"}),
    )
    rows += ticket("cancelled", (0, opened | {"group": "first"}), (1, {"status": "cancelled"}))
    rows += ticket("at once", (0, opened | {"group": "first"}), (0, resolved), (0, reopened))
    events = make_events(rows)

    ours = read_ours(events, levels, as_of=AS_OF).sort("ticket_id")

    assert ours.select("ticket_id", "policy", "state", "elapsed_us", "breached").rows() == [
        ("at once", "first", "overdue", 10 * HOUR_US, True),
        ("moved", "first", "overdue", 5 * HOUR_US, True),
        ("reopened", "second", "met", HOUR_US // 2, False),
    ]


def test_only_the_targets_of_the_metric_are_kept():
    reply, work = (Target(name, "office") for name in ("first_reply_time", "agent_work_time"))
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("a", (reply, work)), SlaPolicy("b", ())))

    kept = only_metric(levels, "agent_work_time")

    assert kept == ServiceLevels({"office": OFFICE}, (SlaPolicy("a", (work,)), SlaPolicy("b", ())))


PLAIN = Target("resolution_time", "office", {"high": HOUR_US})
WAITS = Target(
    "resolution_time",
    "office",
    default=HOUR_US,
    pause_in=("on_hold",),
    pause_awaiting_requester=True,
    pause_until="hold_until",
)
VENDOR = Target("resolution_time", "office", is_vendor=True)


def told(levels: ServiceLevels) -> list[tuple]:
    """Each alternative by what it changes on the first target."""
    found = []
    for each in alternatives(levels):
        target = each.levels.policies[0].targets[0]
        assert target.calendar in each.levels.calendars
        pauses = (target.pause_in, target.pause_awaiting_requester, target.pause_until)
        changed = (target.calendar, pauses, target.pause_unit, target.stop_in, target.default)
        found.append((each.cause, each.detail, *changed))
    return found


BOTH = ("resolved", "closed")
NONE, ALL = ((), False, ""), (("on_hold",), True, "hold_until")
ENDS = ("current_priority", "the last one"), ("current_priority", "the first one")
OWN = ("resolved_stamp", "resolved_at"), ("closed_stamp", "closed_at")


def test_a_target_without_pauses_has_no_alternative_to_them():
    assert told(promise(PLAIN)) == [
        ("wall_time", "every hour counts", "24x7", NONE, "working", BOTH, None),
        ("other_calendar", "weekdays24h", "weekdays24h", NONE, "working", BOTH, None),
        *((*names, "office", NONE, "working", BOTH, OFF) for names in ENDS),
        ("closure", "stops when closed", "office", NONE, "working", ("closed",), None),
        *((*names, "office", NONE, "working", BOTH, OFF) for names in OWN),
    ]


def test_every_pause_is_left_out_alone_and_with_the_calendar():
    assert told(promise(WAITS, office=OFFICE, always=ALWAYS)) == [
        ("pause_ignored", "no pauses", "office", NONE, "working", BOTH, HOUR_US),
        ("wall_time", "every hour counts", "always", ALL, "working", BOTH, HOUR_US),
        ("wall_time", "every hour counts, pauses too", "always", NONE, "working", BOTH, HOUR_US),
        ("wall_time", "pauses in wall time", "office", ALL, "wall", BOTH, HOUR_US),
        ("other_calendar", "weekdays24h", "weekdays24h", ALL, "working", BOTH, HOUR_US),
        *((*names, "office", ALL, "working", BOTH, HOUR_US) for names in ENDS),
        ("closure", "stops when closed", "office", ALL, "working", ("closed",), HOUR_US),
        *((*names, "office", ALL, "working", BOTH, HOUR_US) for names in OWN),
    ]


def test_what_equals_the_promise_is_no_alternative():
    ours = Target("resolution_time", "always", stop_in=("closed",), default=HOUR_US)

    found = [(cause, detail) for cause, detail, *_ in told(promise(ours, always=ALWAYS))]

    assert found == [
        ("other_calendar", "weekdays24h"),
        *ENDS,
        ("closure", "stops when resolved"),
        *OWN,
    ]


def test_the_help_desks_own_deadline_needs_no_default():
    assert {default for *_, default in told(promise(VENDOR))} == {None}


def test_a_name_of_other_hours_is_left_to_them():
    levels = promise(PLAIN, office=OFFICE, **{"24x7": OFFICE})

    (wall,) = (each for each in alternatives(levels) if each.cause == "wall_time")

    target = wall.levels.policies[0].targets[0]
    assert wall.levels.calendars[target.calendar].is_always_open


def rewritten(events: pl.DataFrame, detail: str) -> pl.DataFrame:
    (found,) = (each for each in alternatives(promise(PLAIN)) if each.detail == detail)
    return found.rewrite(events)


@pytest.mark.parametrize(("detail", "one", "two"), [
    ("the last one", "mid", "low"), ("the first one", "high", "low"),
])  # fmt: skip
def test_one_priority_holds_from_the_start(make_events, ticket, detail, one, two):
    priorities = ({"priority": name} for name in (None, "high", "mid", None))
    rows = ticket("1", *((hour, changed) for hour, changed in enumerate(priorities)))
    rows += ticket("2", (0, {"priority": "low"}))

    found = rewritten(make_events(rows), detail)

    assert found["priority"].to_list() == [*[one] * 4, two]


def test_a_stamp_is_the_only_end(make_events, ticket):
    stamp = {"vendor_closed_at": at(5)}
    rows = ticket(
        "1",
        (0, {"status": "new", "activity": "created"}),
        (1, {"status": "resolved", "activity": "resolved"}),
        (2, {"status": None, "activity": "reopened"} | {"vendor_closed_at": at(3)}),
        (5, {"status": "on_hold", "activity": "status"} | stamp),
        (6, {"status": "closed", "activity": "closed"}),
    )
    rows += ticket("2", (0, {"status": "new"}), (4, {"status": "closed", "activity": "closed"}))
    rows += ticket("3", (2, {"status": "resolved", "vendor_closed_at": at(1)}))
    rows += ticket("4", (0, {"status": "new"}), (2, {"status": "open"} | stamp))

    found = rewritten(make_events(rows), "closed_at")

    assert found.columns == make_events(rows).columns
    assert found.select("ticket_id", "occurred_at", "status", "activity").rows() == [
        ("1", at(0), "new", "created"),
        ("1", at(1), "open", "resolved"),
        ("1", at(2), None, "reopened"),
        ("1", at(5), "closed", "closed"),
        ("2", at(0), "new", "status"),
        ("2", at(4), "closed", "closed"),
        ("3", at(2), "open", "status"),
        ("3", at(2), "closed", "closed"),
        ("4", at(0), "new", "status"),
        ("4", at(2), "open", "status"),
        ("4", at(5), "closed", "closed"),
    ]


def test_parts_join_in_order_of_tickets(make_events, ticket):
    steps = (0, {"status": "new", "priority": "high", "activity": "created"}), (
        3, {"status": "resolved", "vendor_breached": False},
    )  # fmt: skip
    parts = [
        compare(make_events(ticket(name, *steps)), promise(PLAIN), as_of=AS_OF)
        for name in ("2", "1")
    ]

    joined = Comparison.joined(parts)

    assert joined.tickets["ticket_id"].to_list() == ["1", "2"]
    assert joined.tried.columns == ["cause", "detail", "explains", "breaks"]
    assert joined.tried["detail"].to_list() == parts[0].tried["detail"].to_list()
