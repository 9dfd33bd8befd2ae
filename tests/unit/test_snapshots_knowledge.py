"""What snapshots may know, by worked examples of rows told late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.schema import INSTANT
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from sla_sniper.snapshots.build import assemble, bucket_part

START = datetime(2024, 4, 1, 9, tzinfo=UTC)
HOUR_US = 3_600_000_000
EIGHT_HOURS = Target("resolution_time", "always", default=8 * HOUR_US)
VENDOR = Target("resolution_time", "always", is_vendor=True)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.fixture
def take(make_event, make_events):
    """Take snapshots at hours of rows given as (ticket, hour, hour told, values)."""

    def taking(*rows, hours, target=EIGHT_HOURS, conditions=()) -> pl.DataFrame:
        made = [
            make_event(ticket, at(hour), **{"activity": None, "event_id": f"{n}", **values})
            | {"recorded_at": at(told)}
            for n, (ticket, hour, told, values) in enumerate(rows)
        ]
        moments = [at(hour) for hour in hours]
        landmarks = pl.DataFrame(
            {
                "landmark": pl.Series(moments, dtype=INSTANT),
                "day": [moment.date() for moment in moments],
                "hour_of_day": [moment.hour for moment in moments],
                "day_of_week": [moment.isoweekday() for moment in moments],
            }
        )
        levels = ServiceLevels(
            {"always": Calendar("always", is_always_open=True)},
            (SlaPolicy("only", (target,), Conditions(conditions)),),
        )
        return assemble([bucket_part(make_events(made), levels, landmarks, keep=())])

    return taking


def test_a_late_row_counts_from_when_it_was_told(take):
    rows = [("1", 0, 0, {}), ("1", 3, 3, {}), ("1", 1, 5, {"status": "open", "group": "a"})]

    found = take(*rows, hours=[4, 5])

    assert found["n_events"].to_list() == [2, 3]
    assert found["landmark"].to_list() == [at(4), at(5)]


def test_a_creation_told_late_does_not_move_the_clock(take):
    rows = [("1", 0, 0, {}), ("1", 4, 4, {"activity": "created", "status": "open"})]

    found = take(*rows, hours=[2, 5])

    assert found["slack_us"].to_list() == [6 * HOUR_US, 7 * HOUR_US]


def test_a_creation_in_the_future_makes_no_double(take):
    rows = [("1", 0, 0, {"created_at": at(3)}), ("1", 2, 2, {"status": "open"})]

    found = take(*rows, hours=[1, 2.5, 4])

    assert found["landmark"].to_list() == [at(4)]


def test_a_vendor_deadline_is_unknown_before_told(take):
    rows = [
        ("1", 0, 0, {"activity": "created"}),
        ("1", 2, 2, {"status": "open", "vendor_due_at": at(9)}),
    ]

    found = take(*rows, hours=[1, 3], target=VENDOR)

    assert found.select("landmark", "due_at").rows() == [(at(3), at(9))]


def test_policies_by_source_cover_late_tickets(take):
    rows = [("1", 0, 0, {}), ("1", 3, 3, {}), ("1", 1, 5, {"status": "open"})]

    found = take(*rows, hours=[4, 6], conditions=(Condition("source", "is", ("desk",)),))

    assert found["source"].to_list() == ["desk", "desk"]


@pytest.mark.parametrize(
    ("hour", "status", "breaches"),
    [(7, "open", 0), (8, "open", 0), (8.5, "open", 1), (8.5, "cancelled", 0), (8.5, "resolved", 1)],
)
def test_a_rate_knows_breaches_once_they_happened(take, hour, status, breaches):
    rows = [("1", 0, 0, {}), ("1", 8.25, 8.25, {"status": status}), ("2", 5, 5, {})]

    found = take(*rows, hours=[hour]).filter(ticket_id="2")

    overall = (breaches + 1) / (breaches + 2)
    expected = (breaches + 20 * overall) / (breaches + 20)
    assert found["priority_breach_rate"].item() == pytest.approx(expected)


def test_a_ticket_arrives_when_first_heard_of(take):
    rows = [("1", 0, 0, {"activity": "created"}), ("1", -2, 30, {"status": "open"})]
    slow = Target("resolution_time", "always", default=90 * HOUR_US)

    found = take(*rows, hours=[20, 40], target=slow)

    assert found["group_arrivals_24h"].to_list() == [1, 0]


def test_no_running_clock_gives_no_snapshot(take):
    assert take(("1", 0, 0, {"status": "resolved"}), hours=[1]).is_empty()
