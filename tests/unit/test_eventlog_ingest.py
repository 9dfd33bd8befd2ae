"""Files into the log: shapes, refusals, counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from sla_sniper.core.errors import BadValueError, EmptyFileError, MissingColumnError
from sla_sniper.eventlog.ingest import ingest
from sla_sniper.eventlog.mapping import Mapping
from sla_sniper.eventlog.personal import hashed
from sla_sniper.eventlog.reading import count, read_events
from sla_sniper.eventlog.store import EventStore

KEY = b"k" * 32
EVENTS = Mapping(
    shape="events",
    timezone="UTC",
    columns={
        "ticket_id": "id",
        "occurred_at": "at",
        "created_at": "opened",
        "closed_at": "closed",
        "status": "state",
        "group": "team",
        "requester": "caller",
        "met": "ok",
    },
    keep=("impact",),
    stamped=("closed", "code"),
    values={"status": {"Active": "open", "Done": "closed"}},
)
TICKETS = Mapping(
    shape="tickets",
    timezone="UTC",
    columns={
        "ticket_id": "id",
        "created_at": "opened",
        "first_response_at": "replied",
        "resolved_at": "solved",
        "closed_at": "closed",
        "status": "state",
        "group": "team",
        "breached": "late",
    },
    stamped=("team",),
)
HEAD = "id,at,opened,closed,state,team,caller,ok,impact,code\n"
TICKETS_HEAD = "id,opened,replied,solved,closed,state,team,late\n"


@pytest.fixture
def store(tmp_path):
    return EventStore(tmp_path)


@pytest.fixture
def take(tmp_path, store):
    """Ingest texts, each as one file of one call."""

    def take_texts(*texts: str, mapping: Mapping = EVENTS):
        paths = [tmp_path / f"{number}.csv" for number, _ in enumerate(texts)]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8")
        return ingest(paths, mapping, store, key=KEY)

    return take_texts


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, tzinfo=UTC)


def test_a_row_becomes_one_typed_event(take, store):
    take(HEAD + "1,2024-01-02T09:00,2024-01-01,2024-01-05,Active,a,Ann,no,high,x\n")

    row = store.scan().collect().row(0, named=True)

    assert row | {"event_id": ""} == {
        "event_id": "",
        "source": "default",
        "ticket_id": "1",
        "occurred_at": at(2, 9),
        "recorded_at": at(2, 9),
        "sequence": 0,
        "activity": None,
        "actor_role": None,
        "status": "open",
        "priority": None,
        "group": "a",
        "assignee": None,
        "channel": None,
        "category": None,
        "product": None,
        "organization": None,
        "requester": hashed(pl.Series(["Ann"]), key=KEY).item(),
        "attributes": [{"key": "impact", "value": "high"}],
        "created_at": at(1),
        "vendor_due_at": None,
        "vendor_breached": True,
        "vendor_resolved_at": None,
        "vendor_closed_at": at(5),
    }


def test_refused_rows_are_counted_and_shown(take):
    report = take(
        HEAD + "1,2024-01-02,,,Active,a,,,,\n"
        ",2024-01-02,,,Active,a,,,,\n"
        "2,,,,Active,a,,,,\n"
        "2,31/31/2016,,,Active,a,,,,\n"
        "2,2024-01-02,soon,,Active,a,,,,\n"
        "2,2024-01-02,,,Active\n"
    )

    assert (report.rows_read, report.events_written) == (6, 1)
    assert report.refused == {
        "missing_ticket_id": 1,
        "missing_time": 1,
        "unreadable_time": 2,
        "wrong_column_count": 1,
    }
    assert report.examples["unreadable_time"] == [
        "row 4, at: '31/31/2016'",
        "row 5, opened: 'soon'",
    ]


def test_at_most_three_examples_are_shown(take):
    report = take(HEAD + "1,2024-01-02,,,,,,,,\n" + ",2024-01-02,,,,,,,,\n" * 5)

    assert report.examples == {
        "missing_ticket_id": ["row 2, id: nothing", "row 3, id: nothing", "row 4, id: nothing"]
    }


def test_examples_of_several_files_name_the_file(take):
    report = take(HEAD + "1,2024-01-02,,,,,,,,\n", HEAD + ",2024-01-02,,,,,,,,\n")

    assert report.examples == {"missing_ticket_id": ["1.csv, row 1, id: nothing"]}


def test_unreadable_times_throughout_stop_the_file(take, store):
    with pytest.raises(BadValueError, match=r"row 1, column 'at': '2/1/2024'.*timestamp_format"):
        take(HEAD + "1,2/1/2024,,,,,,,,\n1,3/1/2024,,,,,,,,\n")

    assert count(store) == 0


def test_a_missing_column_stops_before_writing(take, tmp_path):
    with pytest.raises(MissingColumnError, match="'closed', 'ok', 'impact'"):
        take("id,at,opened,state,team,caller\n1,2024-01-02,,,,\n")

    assert not (tmp_path / "tables").exists()


def test_a_file_without_rows_is_refused(take):
    with pytest.raises(EmptyFileError):
        take(HEAD)


def test_one_bad_file_keeps_the_others_out(take, store):
    with pytest.raises(EmptyFileError):
        take(HEAD + "1,2024-01-02,,,,,,,,\n", HEAD)

    assert count(store) == 0


def test_the_same_file_again_adds_nothing(take, store):
    text = HEAD + "1,2024-01-02,,,Active,a,,,,\n1,2024-01-02,,,Done,a,,,,\n"
    take(text)
    before = read_events(store)

    again = take(text)

    assert (again.events_written, again.duplicates, again.tickets) == (0, 2, 0)
    assert read_events(store).equals(before)
    assert len(list(store.table.glob("_delta_log/*.json"))) == 1


def test_the_same_file_twice_in_one_call(take):
    text = HEAD + "1,2024-01-02,,,Active,a,,,,\n1,2024-01-02,,,Done,a,,,,\n"

    report = take(text, text)

    assert (report.events_written, report.duplicates) == (2, 2)


def test_a_repeated_row_is_a_duplicate(take):
    row = "1,2024-01-02,,,Active,a,,,,\n"

    report = take(HEAD + row + row)

    assert (report.events_written, report.duplicates) == (1, 1)


def test_equal_events_of_different_rows_both_count(take, store):
    take(HEAD + "1,2024-01-02,,,Active,a,,,,x\n1,2024-01-02,,,Active,a,,,,y\n")

    assert store.scan().collect()["sequence"].sort().to_list() == [0, 1]


def test_stamped_columns_make_no_new_event(take):
    take(HEAD + "1,2024-01-02,,,Active,a,,,,\n")

    report = take(HEAD + "1,2024-01-02,,2024-01-05,Active,a,,,,solved\n")

    assert (report.events_written, report.duplicates) == (0, 1)


def test_a_grown_file_adds_its_new_rows(take):
    first = HEAD + "1,2024-01-02,,,Active,a,,,,\n"
    take(first)

    report = take(first + "1,2024-01-02,,,Done,a,,,,\n2,2024-01-03,,,Active,a,,,,\n")

    assert (report.events_written, report.duplicates, report.tickets) == (2, 1, 1)


def test_a_mapped_sequence_orders_a_moment(take, store):
    mapping = replace(EVENTS, columns=EVENTS.columns | {"sequence": "code"}, stamped=())

    take(HEAD + "1,2024-01-02,,,Done,a,,,,7\n1,2024-01-02,,,Active,a,,,,3\n", mapping=mapping)

    events = read_events(store)
    assert events["sequence"].to_list() == [-1, 3, 7]
    assert events["status"].to_list() == ["new", "open", "closed"]


def test_an_unreadable_sequence_is_refused(take):
    mapping = replace(EVENTS, columns=EVENTS.columns | {"sequence": "code"}, stamped=())

    report = take(HEAD + "1,2024-01-02,,,Done,a,,,,x7\n", mapping=mapping)

    assert report.examples == {"unreadable_sequence": ["row 1, code: 'x7'"]}


def test_several_help_desks_share_a_workspace(take, store):
    text = HEAD + "1,2024-01-02,,,Active,a,,,,\n"

    reports = [take(text, mapping=replace(EVENTS, source=source)) for source in ("x", "y")]

    assert [report.events_written for report in reports] == [1, 1]
    assert store.scan().collect()["event_id"].n_unique() == 2


def test_dropped_columns_are_never_stored(take, store):
    take(
        HEAD + "1,2024-01-02,,,Active,a,Ann,,high,\n",
        mapping=replace(EVENTS, drop=("caller", "impact")),
    )

    row = store.scan().collect().row(0, named=True)
    assert (row["requester"], row["attributes"]) == (None, [])


def test_hashed_attributes_are_stored_hashed(take, store):
    take(HEAD + "1,2024-01-02,,,Active,a,,,Ann,\n", mapping=replace(EVENTS, hash=("impact",)))

    (pair,) = store.scan().collect()["attributes"].item()
    assert pair == {"key": "impact", "value": hashed(pl.Series(["Ann"]), key=KEY).item()}


def test_stamped_values_stay_on_rows_that_end_the_ticket(take, store):
    mapping = replace(EVENTS, stamped=("team", "ok"))

    take(HEAD + "1,2024-01-02,,,Active,a,,yes,,\n1,2024-01-03,,,Done,a,,yes,,\n", mapping=mapping)

    rows = store.scan().sort("occurred_at").collect()
    assert rows["group"].to_list() == [None, "a"]
    assert rows["vendor_breached"].to_list() == [None, False]


def test_peculiar_times_and_verdicts_are_counted(take):
    report = take(
        HEAD + "1,2024-03-31 02:30,,,Active,a,,maybe,,\n1,2024-10-27 02:30,,,Done,a,,1,,\n",
        mapping=replace(EVENTS, timezone="Europe/Berlin"),
    )

    assert (report.missing_local_times, report.doubled_local_times) == (1, 1)
    assert report.warnings == {"unreadable_verdict": 1}


def test_a_ticket_row_becomes_its_stages(take, store):
    report = take(
        TICKETS_HEAD + "1,2024-01-01,2024-01-02,2024-01-03,2024-01-04,closed,a,true\n",
        mapping=TICKETS,
    )

    rows = store.scan().sort("occurred_at").collect()
    assert (report.events_written, report.derived, report.created) == (1, 3, 1)
    assert rows.select(
        "activity", "status", "group", "vendor_breached", "vendor_resolved_at", "vendor_closed_at"
    ).rows() == [
        ("created", "new", None, None, None, None),
        ("public_reply", "new", None, None, None, None),
        ("resolved", "resolved", None, None, at(3), None),
        ("closed", "closed", "a", True, at(3), at(4)),
    ]
    assert rows["occurred_at"].equals(rows["recorded_at"])


def test_a_closed_ticket_adds_only_its_new_stages(take, store):
    take(TICKETS_HEAD + "1,2024-01-01,,,,open,a,\n", mapping=TICKETS)

    report = take(TICKETS_HEAD + "1,2024-01-01,,,2024-01-04,closed,b,\n", mapping=TICKETS)

    assert (report.events_written, report.duplicates, report.derived) == (1, 0, 0)
    assert read_events(store)["activity"].to_list() == ["created", "closed"]


def test_a_ticket_told_twice_is_a_duplicate(take):
    row = "1,2024-01-01,,,2024-01-04,closed,a,\n"

    report = take(TICKETS_HEAD + row + "2,2024-01-01,,,,open,a,\n" + row, mapping=TICKETS)

    assert (report.events_written, report.duplicates) == (2, 1)


def test_a_cancelled_ticket_stays_cancelled(take, store):
    take(TICKETS_HEAD + "1,2024-01-01,,,2024-01-04,cancelled,a,\n", mapping=TICKETS)

    assert read_events(store)["status"].to_list() == ["new", "cancelled"]


def test_closed_tickets_without_time_are_warned_of(take, store):
    report = take(TICKETS_HEAD + "1,2024-01-01,,,,closed,a,\n", mapping=TICKETS)

    assert report.warnings == {"closed_without_time": 1}
    assert read_events(store)["status"].to_list() == ["cancelled"]


def test_a_ticket_closed_before_it_was_created_stays_closed(take, store):
    take(TICKETS_HEAD + "1,2024-01-05,,,2024-01-04,closed,a,\n", mapping=TICKETS)

    events = read_events(store)
    assert events["activity"].to_list() == ["closed", "created"]
    assert events["status"].to_list() == ["closed", "closed"]


def test_a_ticket_without_creation_is_refused(take):
    report = take(TICKETS_HEAD + "1,,,,,open,a,\n2,2024-01-01,,,,open,a,\n", mapping=TICKETS)

    assert report.examples == {"missing_created_at": ["row 1, opened: nothing"]}


def test_the_mapping_used_is_kept(take, tmp_path):
    take(HEAD + "1,2024-01-02,,,Active,a,,,,\n")

    assert (tmp_path / "maps" / "default.toml").read_text(encoding="utf-8") == EVENTS.as_toml()


def test_nothing_is_left_in_the_workspace(take, tmp_path):
    take(HEAD + "1,2024-01-02,,,Active,a,,,,\n")

    assert not (tmp_path / ".staging").exists()
