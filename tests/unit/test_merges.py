"""Merged tickets: who was merged into whom, since when, and what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.merges import Merge, read_merges
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

MONDAY = datetime(2024, 4, 1, 9, tzinfo=UTC)
HOUR = 3_600_000_000
LEVELS = ServiceLevels(
    {"always": Calendar("always", is_always_open=True)},
    (SlaPolicy("all", (Target("resolution_time", "always", default=4 * HOUR),)),),
    merged_into="parent",
)


def hours(number: int) -> datetime:
    return MONDAY + timedelta(hours=number)


@pytest.fixture
def log(make_event, make_events):
    """Events of tickets: the instant in hours, and the parent that each row tells."""

    def logged(**tickets):
        rows = []
        for ticket, told in tickets.items():
            for at, parent in told:
                kept = [{"key": "parent", "value": parent}] if parent else []
                rows.append(make_event(ticket, hours(at), attributes=kept, status="open"))
        return make_events(rows)

    return logged


def states(events) -> dict[str, str]:
    found = cycles(events, LEVELS, as_of=hours(5))
    return dict(found.select("ticket_id", "state").iter_rows())


def test_a_merged_ticket_leaves_and_its_target_stays(log):
    assert states(log(a=[(0, None)], b=[(0, None), (1, "a")])) == {"a": "overdue", "b": "cancelled"}


def test_a_ticket_merged_into_itself_is_not_merged(log):
    events = log(a=[(0, None), (1, "a")])

    assert states(events) == {"a": "overdue"}
    assert read_merges(events, "parent").notes() == (
        "1 ticket (a) names itself in 'parent': that is no merge.",
    )


def test_merges_are_told_from_the_row_that_tells_them(log):
    events = log(a=[(0, None)], b=[(0, None), (2, "a"), (3, "a")], c=[(0, None), (1, "a")])

    found = read_merges(events, "parent").into("desk", "a")

    assert found == (Merge("c", hours(1)), Merge("b", hours(2)))


def test_only_merges_into_the_ticket_itself_are_its_own(make_event, make_events):
    into = {parent: [{"key": "parent", "value": parent}] for parent in "ax"}
    rows = [
        make_event("b", MONDAY, source="desk", attributes=into["a"]),
        make_event("c", MONDAY, source="desk", attributes=into["x"]),
        make_event("d", MONDAY, source="shop", attributes=into["a"]),
    ]

    found = read_merges(make_events(rows), "parent").into("desk", "a")

    assert found == (Merge("b", MONDAY),)


@pytest.mark.parametrize(
    ("tickets", "said"),
    [
        ("ab", "2 tickets (a, b) name themselves in 'parent': that is no merge."),
        ("abc", "3 tickets (a, b, c) name themselves in 'parent': that is no merge."),
        ("abcd", "4 tickets (a, b, c, ...) name themselves in 'parent': that is no merge."),
    ],
)
def test_tickets_that_name_themselves_are_said(log, tickets, said):
    events = log(**{ticket: [(0, ticket)] for ticket in tickets})

    assert read_merges(events, "parent").notes() == (said,)


def test_a_merge_that_is_taken_back_is_none(log):
    events = log(a=[(0, None)], b=[(0, None), (1, "a"), (2, None)])

    assert read_merges(events, "parent").into("desk", "a") == ()
    assert states(events)["b"] != "cancelled"


def test_a_merge_into_a_ticket_that_is_not_there_is_told_apart(log):
    found = read_merges(log(a=[(0, None)], b=[(0, "a")], c=[(0, "x")]), "parent").elsewhere

    assert found.select("ticket_id", "is_known").rows() == [("b", True), ("c", False)]


def test_tickets_merged_into_each_other_are_said(log):
    events = log(a=[(0, "b")], b=[(0, "a")], c=[(0, "a")])

    assert read_merges(events, "parent").notes() == (
        "2 tickets (a, b) were merged into each other: none of them counts.",
    )


@pytest.mark.parametrize("name", ["parent", ""])
def test_without_a_rule_nothing_is_merged(make_event, make_events, name):
    # A column without a name is kept as such.
    events = make_events([make_event("a", MONDAY, attributes=[{"key": name, "value": "b"}])])

    found = read_merges(events, "")

    assert (found.frame.height, found.notes()) == (0, ())
