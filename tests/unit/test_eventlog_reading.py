"""What is derived on reading: creation, activities, what was known."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from sla_sniper.core.schema import EVENTS
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.reading import log_end, read_events
from sla_sniper.eventlog.store import EventStore


def at(hour: int) -> datetime:
    return datetime(2024, 1, 1, hour, tzinfo=UTC)


def stored(*rows: dict) -> pl.DataFrame:
    """Rows of ticket 1 at the given hours; what is not named is null."""
    whole = []
    for number, row in enumerate(rows):
        hour = row.pop("hour")
        base = dict.fromkeys(EVENTS) | {"event_id": f"{number:032}", "source": "desk"}
        base |= {"ticket_id": "1", "sequence": 0, "attributes": []}
        whole.append(base | {"occurred_at": at(hour), "recorded_at": at(hour)} | row)
    return pl.DataFrame(whole, schema=dict(EVENTS))


def test_a_ticket_gets_its_creation_once():
    events = derive(
        stored(
            {"hour": 2, "status": "open", "group": "a", "created_at": at(1), "requester": "x"},
            {"hour": 3, "status": "resolved", "group": "b", "created_at": at(1)},
        )
    )

    created = events.row(0, named=True)
    assert events["activity"].to_list() == ["created", "status", "group+resolved"]
    assert (created["occurred_at"], created["recorded_at"]) == (at(1), at(2))
    assert (created["sequence"], created["status"], created["group"]) == (-1, "new", "a")
    assert (created["requester"], created["created_at"]) == ("x", at(1))


def test_creation_is_the_first_row_where_unknown():
    events = derive(stored({"hour": 2, "status": "new"}, {"hour": 3, "status": "new"}))

    assert events["occurred_at"].to_list() == [at(2), at(2), at(3)]
    assert events["activity"].to_list() == ["created", "attribute", "attribute"]


def test_rows_before_the_creation_keep_their_word():
    events = derive(
        stored(
            {"hour": 2, "status": "resolved", "group": "a", "created_at": at(3)},
            {"hour": 4, "status": "closed", "group": "a", "created_at": at(3)},
        )
    )

    assert events["activity"].to_list() == ["resolved", "created", "closed"]
    assert events["status"].to_list() == ["resolved", "resolved", "closed"]


def test_a_told_creation_is_not_derived():
    events = derive(
        stored({"hour": 1, "status": "new", "activity": "created"}, {"hour": 2, "status": "open"})
    )

    assert events["activity"].to_list() == ["created", "status"]


def test_a_second_creation_is_a_change():
    events = derive(
        stored(
            {"hour": 1, "status": "new", "activity": "created", "group": "a"},
            {"hour": 1, "status": "new", "activity": "created", "group": "b", "sequence": 1},
        )
    )

    assert events["activity"].to_list() == ["created", "group"]


def test_a_late_row_cannot_change_what_was_known():
    first = {"hour": 3, "status": "open", "group": "a", "created_at": at(1)}
    late = {"hour": 2, "status": "open", "group": "b", "created_at": at(0), "recorded_at": at(5)}

    whole = derive(stored(dict(first), late)).filter(pl.col("recorded_at") <= at(4))
    known = derive(stored(first))

    assert whole.select(known.columns).drop("activity").equals(known.drop("activity"))


@pytest.mark.parametrize(
    ("before", "after", "activity"),
    [
        ("open", "resolved", "resolved"),
        ("resolved", "closed", "closed"),
        ("resolved", "open", "reopened"),
        ("closed", "waiting_requester", "reopened"),
        ("closed", "resolved", "resolved"),
        ("resolved", "cancelled", "status"),
        ("open", "waiting_vendor", "status"),
        ("resolved", None, "attribute"),
        ("open", "open", "attribute"),
    ],
)
def test_activities_follow_from_the_status(before, after, activity):
    events = derive(stored({"hour": 1, "status": before}, {"hour": 2, "status": after}))

    assert events["activity"].to_list()[-1] == activity


def test_several_changes_are_named_in_order():
    events = derive(
        stored(
            {"hour": 1, "status": "open", "priority": "low", "group": "a", "assignee": "x"},
            {"hour": 2, "status": "closed", "priority": "high", "group": None, "assignee": "y"},
        )
    )

    assert events["activity"].to_list()[-1] == "priority+group+assignee+closed"


def test_a_told_activity_is_kept():
    events = derive(stored({"hour": 1, "status": "open", "activity": "public_reply"}))

    assert events["activity"].to_list() == ["created", "public_reply"]


def test_changes_are_never_told_across_tickets():
    events = derive(
        stored(
            {"hour": 1, "status": "new", "group": "a"},
            {"hour": 1, "status": "new", "group": "b", "ticket_id": "2"},
        )
    )

    assert events["activity"].to_list() == ["created", "attribute"] * 2


@pytest.fixture
def store(tmp_path):
    store = EventStore(tmp_path)
    rows = stored(
        {
            "hour": 1,
            "status": "open",
            "vendor_resolved_at": at(3),
            "vendor_closed_at": at(4),
            "vendor_due_at": at(3),
            "vendor_breached": True,
        },
        {"hour": 3, "status": "resolved", "vendor_resolved_at": at(3), "vendor_breached": True},
        {"hour": 1, "status": "closed", "recorded_at": at(5)},
    )
    with store.writing():
        store.append([rows])
    return store


def test_reading_as_of_is_inclusive(store):
    assert read_events(store, as_of=at(3)).height == 3
    assert read_events(store, as_of=at(2)).height == 2


def test_later_instants_of_the_vendor_are_hidden(store):
    told = read_events(store, as_of=at(3)).filter(activity="status")

    assert told.select(
        "vendor_resolved_at", "vendor_closed_at", "vendor_due_at", "vendor_breached"
    ).rows() == [(at(3), None, at(3), True)]


def test_an_early_verdict_is_hidden(store):
    assert read_events(store, as_of=at(2))["vendor_breached"].to_list() == [None, None]


def test_the_log_ends_at_its_last_record(store):
    assert log_end(store) == at(5)
