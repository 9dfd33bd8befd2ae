"""Proposals for map.toml: small made-up files, and the real logs where they are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.core.errors import EmptyFileError
from sla_sniper.core.schema import STATUSES
from sla_sniper.eventlog.guess import guess_mapping
from sla_sniper.eventlog.guess_values import canonical_value, log_format, time_formats
from sla_sniper.eventlog.mapping import read_mapping
from sla_sniper.eventlog.suspicion import names_people, personal_kind
from sla_sniper.sources import RawBatch, open_source

DATA = Path(__file__).parents[3] / "shared" / "data"
with_real_logs = pytest.mark.skipif(
    not DATA.exists(), reason=f"{DATA} is absent: no proposal was tried on a real log"
)


@dataclass
class FakeSource:
    """A source of rows in memory."""

    frame: pl.DataFrame
    path: Path = Path("tickets.csv")

    def columns(self):
        return tuple(self.frame.columns)

    def batches(self, *, rows=200_000):
        numbered = self.frame.with_row_index("_row", offset=1)
        for start in range(0, self.frame.height, rows):
            yield RawBatch(numbered.slice(start, rows))


@pytest.fixture
def accepted(tmp_path):
    """The mapping that the reader makes of a proposal."""

    def read(guess):
        path = tmp_path / "map.toml"
        path.write_text(guess.text, encoding="utf-8")
        return read_mapping(path)

    return read


def changes(**columns):
    """A small log of changes: two tickets of three rows."""
    table = {
        "number": ["T1"] * 3 + ["T2"] * 3,
        "updated_at": [f"{day}/2/2024 10:00" for day in (1, 2, 13, 14, 15, 16)],
        "state": ["New", "Awaiting Vendor", "Closed"] * 2,
    }
    return FakeSource(pl.DataFrame(table | columns))


def test_repeated_ids_make_a_log_of_events(accepted):
    mapping = accepted(guess_mapping(changes()))

    assert (mapping.shape, mapping.columns["occurred_at"]) == ("events", "updated_at")
    assert mapping.columns["ticket_id"] == "number"


def test_unique_ids_make_a_log_of_tickets(accepted):
    source = FakeSource(
        pl.DataFrame({"id": ["1", "2"], "created": ["2024-04-01 10:00", "2024-04-02 11:00"]})
    )

    mapping = accepted(guess_mapping(source))

    assert (mapping.shape, mapping.columns) == (
        "tickets",
        {"ticket_id": "id", "created_at": "created"},
    )


def test_day_above_twelve_decides_the_order():
    guess = guess_mapping(changes())

    assert guess.timestamp_format == "%d/%m/%Y %H:%M"
    assert "# day first: values above 12 decide it" in guess.text


def test_undecided_order_is_called_ambiguous():
    source = changes(updated_at=[f"{day}/2/2024 10:00" for day in (1, 2, 3, 4, 5, 6)])

    guess = guess_mapping(source)

    assert "No day is above 12, so day and month may be swapped." in guess.doubts
    assert "AMBIGUOUS" in guess.text


def test_null_tokens_are_found_and_counted(accepted):
    guess = guess_mapping(changes(assignment_group=["?", "A", "?", "B", "N/A", "A"]))

    assert accepted(guess).null_values == ("?", "N/A")
    assert "# ? 2 times, N/A 1 time" in guess.text


def test_statuses_get_canonical_names(accepted):
    mapping = accepted(guess_mapping(changes()))

    expected = {"New": "new", "Awaiting Vendor": "waiting_vendor", "Closed": "closed"}
    assert mapping.values["status"] == expected


def test_unknown_status_is_left_to_a_person(accepted):
    guess = guess_mapping(changes(state=["New", "-100", "Closed"] * 2))

    assert "-100" not in accepted(guess).values["status"]
    assert '# "-100" = "..."  # no proposal' in guess.text
    assert "1 value of status without a proposal." in guess.doubts


def test_rare_status_after_the_first_rows_is_seen(accepted):
    n_rows = 30_000
    source = FakeSource(
        pl.DataFrame(
            {
                "number": [f"T{row // 2}" for row in range(n_rows)],
                "updated_at": ["2024-04-01 10:00", "2024-04-01 11:00"] * (n_rows // 2),
                "state": ["New"] * (n_rows - 1) + ["Awaiting User Info"],
            }
        )
    )

    mapping = accepted(guess_mapping(source))

    assert mapping.values["status"]["Awaiting User Info"] == "waiting_requester"


def test_later_constant_times_are_stamped(accepted):
    source = changes(
        closed_at=["13/2/2024 10:00"] * 3 + ["16/2/2024 10:00"] * 3,
        opened_at=["1/2/2024 09:00"] * 3 + ["14/2/2024 09:00"] * 3,
        closed_code=["5"] * 3 + ["6"] * 3,
    )

    mapping = accepted(guess_mapping(source))

    assert mapping.stamped == ("closed_at", "closed_code")
    assert mapping.columns["created_at"] == "opened_at"


def test_people_are_hashed_or_dropped(accepted):
    source = changes(
        caller_id=["Ada"] * 3 + ["Bob"] * 3,
        contact=["ada@example.com"] * 3 + ["bob@example.com"] * 3,
    )

    mapping = accepted(guess_mapping(source))

    assert (mapping.hash, mapping.drop) == (("requester",), ("contact",))


def test_own_verdict_is_mapped_with_its_values(accepted):
    source = FakeSource(
        pl.DataFrame(
            {
                "ticket_id": ["1", "2"],
                "open_dt": ["2024-04-01 10:00:00", "2024-04-02 11:00:00"],
                "ontime": ["ONTIME", "OVERDUE"],
            }
        )
    )

    mapping = accepted(guess_mapping(source))

    assert mapping.columns["met"] == "ontime"
    assert mapping.values["met"] == {"ONTIME": "true", "OVERDUE": "false"}


def test_missing_creation_time_is_said_loudly(accepted):
    source = FakeSource(
        pl.DataFrame({"Ticket ID": ["1", "2"], "First Response Time": ["2024-04-01 9:05"] * 2})
    )

    guess = guess_mapping(source)

    assert accepted(guess).columns["created_at"] == "First Response Time"
    assert "NO CREATION TIME FOUND" in guess.text


def test_delimiter_is_written_where_it_is_no_comma(accepted):
    assert accepted(guess_mapping(changes(), delimiter=";")).delimiter == ";"


def test_one_wide_column_suggests_another_delimiter():
    guess = guess_mapping(FakeSource(pl.DataFrame({"id;state": ["1;New", "2;Closed"]})))

    assert "The file has one column: another delimiter may be needed." in guess.doubts


def test_empty_file_is_refused():
    with pytest.raises(EmptyFileError):
        guess_mapping(FakeSource(pl.DataFrame({"id": []}, schema={"id": pl.String})))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.text(max_size=8), st.sampled_from(["New", "?", "\n#"])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(['na"me\n', "Ticket = ID", "[x]", "é"]),
)
def test_any_table_yields_an_accepted_mapping(tmp_path_factory, rows, name):
    frame = pl.DataFrame(rows, schema=[name, "other \\ column", "status"], orient="row")

    guess = guess_mapping(FakeSource(frame))

    path = tmp_path_factory.mktemp("guess") / "map.toml"
    path.write_text(guess.text, encoding="utf-8")
    assert read_mapping(path).columns == guess.columns


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Awaiting User Info", "waiting_requester"),
        ("Pending Customer Response", "waiting_requester"),
        ("pending", "waiting_requester"),
        ("Awaiting Vendor", "waiting_vendor"),
        ("Awaiting Problem", "on_hold"),
        ("In Progress", "open"),
        ("Re-opened", "open"),
        ("solved", "resolved"),
        ("Closed", "closed"),
        ("Cancelled", "cancelled"),
        ("-100", None),
    ],
)
def test_status_words_become_canonical(text, status):
    assert canonical_value("status", text) == status


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("1 - Critical", "critical"),
        ("2 - High", "high"),
        ("3", "moderate"),
        ("P4", "low"),
        ("urgent", "critical"),
        ("Normal", "moderate"),
        ("Medium", "moderate"),
        ("Value 1", None),
    ],
)
def test_priority_words_become_canonical(text, priority):
    assert canonical_value("priority", text) == priority


@given(st.text())
def test_status_proposals_are_always_canonical(text):
    assert canonical_value("status", text) in {*STATUSES, None}


def test_numbers_and_names_are_no_times():
    assert time_formats(pl.Series(["101000295613", "7.5", "1.8.3"])) == ()


def test_iso_wins_where_it_reads_everything():
    formats = time_formats(pl.Series(["2023-08-02 18:24:05.000000"]))

    assert log_format([formats])[0] is None


@pytest.mark.parametrize("name", ["Customer Name", "E-mail", "assigned_to", "org:resource", "age"])
def test_names_of_people_are_recognised(name):
    assert names_people(name)


@pytest.mark.parametrize(
    "name", ["contact_type", "requester_wait_time", "storage", "page", "metric"]
)
def test_names_of_things_are_left_alone(name):
    assert not names_people(name)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["+31 20 123 4567", "(020) 123-4567"], "phone numbers"),
        (["write to a.b@example.org please"], "e-mail addresses"),
        (["2024-04-01", "101000295613", "10-20"], None),
    ],
)
def test_values_give_personal_data_away(values, kind):
    assert personal_kind("field", pl.Series(values)) == kind


EXPECTED = {
    "servicenow_incidents_2016.csv.gz": (
        "events",
        "%d/%m/%Y %H:%M",
        {
            "ticket_id": "number",
            "occurred_at": "sys_updated_at",
            "created_at": "opened_at",
            "status": "incident_state",
            "group": "assignment_group",
            "met": "made_sla",
            "sequence": "sys_mod_count",
        },
    ),
    "italian_helpdesk.csv.gz": (
        "events",
        "%Y/%m/%d %H:%M:%S.%f",
        {"ticket_id": "Case ID", "occurred_at": "Complete Timestamp", "status": "Activity"},
    ),
    "italian_helpdesk.xes.gz": (
        "events",
        None,
        {
            "ticket_id": "case:concept:name",
            "occurred_at": "time:timestamp",
            "status": "concept:name",
            "assignee": "org:resource",
        },
    ),
    "boston311_2011h2.csv.gz": (
        "tickets",
        None,
        {"created_at": "open_dt", "closed_at": "closed_dt", "due_at": "target_dt", "met": "ontime"},
    ),
    "fivetran_zendesk_ticket_metrics.csv.gz": (
        "tickets",
        None,
        {
            "created_at": "created_at",
            "resolved_at": "first_solved_at",
            "priority": "ticket_priority",
        },
    ),
    "synthetic_support_tickets.csv.gz": (
        "tickets",
        "%Y-%m-%d %H:%M",
        {
            "ticket_id": "Ticket ID",
            "resolved_at": "Time to Resolution",
            "channel": "Ticket Channel",
        },
    ),
}


@with_real_logs
@pytest.mark.parametrize("name", EXPECTED)
def test_real_logs_get_sensible_proposals(name, accepted):
    guess = guess_mapping(open_source(DATA / name))

    shape, form, columns = EXPECTED[name]
    mapping = accepted(guess)
    assert (mapping.shape, mapping.timestamp_format) == (shape, form)
    assert columns.items() <= mapping.columns.items()


@with_real_logs
def test_servicenow_stamps_are_found():
    guess = guess_mapping(open_source(DATA / "servicenow_incidents_2016.csv.gz"))

    assert set(guess.stamped) == {"resolved_at", "closed_at", "closed_code", "resolved_by"}


@with_real_logs
def test_invented_customers_count_as_personal():
    guess = guess_mapping(open_source(DATA / "synthetic_support_tickets.csv.gz"))

    assert {"Customer Name", "Customer Email"} <= set(guess.personal)
