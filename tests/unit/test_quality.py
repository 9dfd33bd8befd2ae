"""What `check` finds in canonical events, and what it leaves alone."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.schema import EVENTS
from sla_sniper.eventlog.mapping import Mapping
from sla_sniper.eventlog.quality import check

MONDAY = datetime(2024, 4, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
COLUMNS = {"ticket_id": "number", "occurred_at": "updated", "status": "state"}


def mapping(**changes):
    settings = {"shape": "events", "timezone": "UTC", "columns": COLUMNS, "source": "desk"}
    return Mapping(**(settings | changes))


@pytest.fixture
def rows(make_event):
    """Rows of one sound ticket, changed by keywords that go to all of them."""

    def build(ticket="T1", statuses=("new", "open", "closed"), start=MONDAY, **values):
        return [
            make_event(
                ticket,
                start + hour * HOUR,
                status=status,
                sequence=hour,
                **{"created_at": start, "priority": "high", **values},
            )
            for hour, status in enumerate(statuses)
        ]

    return build


@pytest.fixture
def found(make_events):
    """Findings by key."""

    def look(rows, *mappings, **options):
        report = check(make_events(rows), mappings, **options)
        return {finding.key: finding for finding in report.findings}

    return look


def test_sound_log_yields_only_notes(rows, make_events):
    events = make_events(
        [row for day in range(250) for row in rows(f"T{day:03}", start=MONDAY + day * 24 * HOUR)]
    )

    report = check(events, [mapping()], known_priorities=["high"])

    assert [finding.key for finding in report.findings] == ["time_zone"]
    assert not report.has_errors


def test_row_before_creation_is_a_reversed_time(rows, found):
    late_creation = rows(created_at=MONDAY + HOUR)

    finding = found(late_creation)["reversed_times"]

    assert (finding.count, finding.n_tickets, finding.examples) == (1, 1, ("T1",))
    assert "1 row of 1 ticket before the ticket was created" in finding.sentence


def test_row_at_the_creation_is_not_reversed(rows, found):
    assert "reversed_times" not in found(rows(created_at=MONDAY))


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("vendor_resolved_at", "resolved_at_before_created_at"),
        ("vendor_closed_at", "closed_at_before_created_at"),
        ("vendor_due_at", "due_at_before_created_at"),
    ],
)
def test_negative_durations_are_counted_by_ticket(rows, found, column, key):
    findings = found([*rows("T1", **{column: MONDAY - HOUR}), *rows("T2")])

    assert (findings[key].n_tickets, findings[key].examples) == (1, ("T1",))


def test_ticket_that_begins_resolved_lacks_history(rows, found):
    findings = found([*rows("T1"), *rows("T2", statuses=("resolved", "closed"))])

    assert findings["begins_at_end"].examples == ("T2",)
    assert findings["no_new_row"].examples == ("T2",)


def test_log_without_any_new_row_is_not_blamed(rows, found):
    assert "no_new_row" not in found(rows(statuses=("open", "closed")))


def test_row_a_ticket_has_no_history_to_miss(rows, found):
    findings = found(rows(statuses=("closed",)), mapping(shape="tickets"))

    assert "begins_at_end" not in findings


def test_derived_creation_hides_no_missing_history(rows, make_event, found):
    derived = make_event("T1", MONDAY, "created", status="new", sequence=-1, created_at=MONDAY)

    findings = found([derived, *rows(statuses=("closed",))])

    assert "begins_at_end" in findings


@pytest.mark.parametrize(("is_mapped", "expected"), [(True, 1), (False, None)])
def test_gaps_count_only_in_a_mapped_sequence(rows, found, is_mapped, expected):
    gap = rows()
    gap[2]["sequence"] = 7
    columns = COLUMNS | ({"sequence": "count"} if is_mapped else {})

    finding = found(gap, mapping(columns=columns)).get("sequence_gaps")

    assert (finding.count if finding else None) == expected


def test_unmapped_status_is_an_error_with_its_values(rows, found):
    finding = found(rows(statuses=("new", "-100", "{x}", "-100")))["unmapped_status"]

    assert (finding.severity, finding.count) == ("error", 3)
    assert "'-100' (2), '{x}' (1)" in finding.sentence


def test_priorities_are_checked_only_against_known_ones(rows, found):
    medium = rows(priority="Medium")

    assert "unmapped_priority" not in found(medium)
    assert found(medium, known_priorities=["high"])["unmapped_priority"].count == 3


def test_missing_priorities_are_counted(rows, found):
    findings = found([*rows("T1"), *rows("T2", priority=None)])

    assert findings["missing_priority"].examples == ("T2",)


def test_same_instant_and_values_is_a_duplicate(rows, found):
    attributes = [{"key": "impact", "value": "1"}]
    once = rows(statuses=("open",), attributes=attributes)
    again = [{**once[0], "sequence": 1}]
    other = [{**once[0], "sequence": 2, "attributes": [{"key": "impact", "value": "2"}]}]

    assert found([*once, *again, *other])["duplicated_rows"].count == 1


def test_times_after_the_log_are_counted(rows, found):
    findings = found(rows(vendor_resolved_at=MONDAY + 99 * HOUR))

    assert findings["times_in_future"].count == 3


def test_as_of_moves_the_future(rows, found):
    assert found(rows(), as_of=MONDAY)["times_in_future"].count == 2


def test_undeclared_vendor_stamp_is_an_error(rows, found):
    columns = COLUMNS | {"resolved_at": "resolved"}
    stamped = rows(vendor_resolved_at=MONDAY + 2 * HOUR)

    finding = found(stamped, mapping(columns=columns))["stamped_column"]

    assert (finding.severity, finding.count) == ("error", 2)
    assert "Column 'resolved' names a later instant on 2 of 3 rows" in finding.sentence


def test_declared_vendor_stamp_is_fine(rows, found):
    columns = COLUMNS | {"resolved_at": "resolved"}
    stamped = rows(vendor_resolved_at=MONDAY + 2 * HOUR)

    assert "stamped_column" not in found(stamped, mapping(columns=columns, stamped=("resolved",)))


@pytest.mark.parametrize(
    ("name", "value"),
    [("finish", "1/4/2024 23:00"), ("closed_code", "code 5")],
    ids=["names a later instant", "named after the end"],
)
def test_kept_attribute_that_knows_the_end_is_stamped(rows, found, name, value):
    told = rows(attributes=[{"key": name, "value": value}])
    settings = mapping(keep=(name,), timestamp_format="%d/%m/%Y %H:%M")

    assert repr(name) in found(told, settings)["stamped_column"].sentence


def test_attribute_of_the_past_is_no_stamp(rows, found):
    told = rows(attributes=[{"key": "bought", "value": "1/4/2023 23:00"}])
    settings = mapping(keep=("bought",), timestamp_format="%d/%m/%Y %H:%M")

    assert "stamped_column" not in found(told, settings)


def test_raw_addresses_are_an_error_without_quoting(rows, found):
    told = rows(attributes=[{"key": "contact", "value": "ada@example.com"}])

    finding = found(told, mapping(keep=("contact",)))["personal_data"]

    assert (finding.severity, finding.count) == ("error", 3)
    assert "ada@example.com" not in finding.sentence


@pytest.mark.parametrize(
    ("settings", "severity"),
    [({"keep_personal": ("assignee",)}, "note"), ({"hash": ("assignee",)}, None), ({}, None)],
    ids=["kept on purpose", "hashed", "hashed by default"],
)
def test_assignees_are_reported_only_when_kept(rows, found, settings, severity):
    findings = found(rows(assignee="Ada Lovelace"), mapping(**settings))

    finding = findings.get("personal_data")
    assert (finding.severity if finding else None) == severity


def test_stall_before_a_spike_is_an_outage(rows, found):
    days = [*[20] * 28, *[0] * 10, 180, *[20] * 14]
    log = [
        row
        for day, n_closed in enumerate(days)
        for number in range(n_closed)
        for row in rows(f"{day}-{number}", ("closed",), start=MONDAY + day * 24 * HOUR)
    ]

    finding = found(log)["outage"]

    proposal = tomllib.loads(finding.proposal)["exclusions"][0]
    assert (proposal["from"], proposal["to"]) == (date(2024, 4, 29), date(2024, 5, 10))
    assert "only 0 tickets became closed where about 200 usually do" in finding.sentence


def test_quiet_weekends_are_no_outage(rows, found):
    log = [
        row
        for day in range(56)
        for number in range(0 if day % 7 > 4 else 20 + 5 * (day % 7 == 0))
        for row in rows(f"{day}-{number}", ("closed",), start=MONDAY + day * 24 * HOUR)
    ]

    assert "outage" not in found(log)


def test_few_tickets_are_told_with_their_days(rows, found):
    assert "1 ticket opened on 1 day" in found(rows())["few_tickets"].sentence


def test_errors_come_before_warnings_and_notes(rows, make_events):
    report = check(make_events(rows(statuses=("new", "odd"))), [mapping()])

    assert [finding.severity for finding in report.findings] == ["error", "warning", "note"]
    assert report.sentences()[0].startswith("error: 1 row ")


def test_empty_log_is_reported_not_crashed():
    report = check(pl.DataFrame(schema=dict(EVENTS)), [mapping()], known_priorities=["high"])

    assert (report.n_events, report.n_tickets, report.first_at) == (0, 0, None)


def test_report_is_one_json_object(rows, make_events):
    report = check(make_events(rows()), [mapping()])

    answer = json.loads(json.dumps(report.as_dict()))

    assert answer["counts"] == {"error": 0, "warning": 1, "note": 1}
    assert answer["findings"][0]["key"] == "few_tickets"
