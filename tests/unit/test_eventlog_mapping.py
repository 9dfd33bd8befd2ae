"""The mapping: what is read, and every problem of a file at once."""

from __future__ import annotations

import pytest

from sla_sniper.core.errors import ConfigurationError
from sla_sniper.eventlog.mapping import Mapping, read_mapping

NO_STATUS = (
    "'Open' in [values.status] becomes 'opne', which is no status (did you mean 'open'?); use one "
    "of new, open, waiting_requester, waiting_vendor, on_hold, resolved, closed, cancelled"
)
WHOLE = """
[log]
source = "servicenow"
shape = "events"
timezone = "Europe/Berlin"
timestamp_format = "%d/%m/%Y %H:%M"
null_values = ["?"]
delimiter = ";"

[columns]
ticket_id = "number"
occurred_at = "sys_updated_at"
status = "incident_state"
resolved_at = "resolved_at"
requester = "caller_id"
assignee = "assigned_to"
met = "made_sla"

[attributes]
keep = ["impact", "e mail"]

[stamped]
columns = ["resolved_at"]

[values.status]
"Awaiting \\"User\\" Info" = "waiting_requester"

[values.met]
"OK" = true

[personal]
hash = ["requester"]
drop = ["e mail"]
keep = ["assignee"]
"""


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "map.toml"

    def read_text(text: str) -> Mapping:
        path.write_text(text, encoding="utf-8")
        return read_mapping(path)

    return read_text


@pytest.fixture
def problems(read):
    def problems_of(text: str) -> tuple[str, ...]:
        with pytest.raises(ConfigurationError) as caught:
            read(text)
        return caught.value.problems

    return problems_of


def test_every_section_of_a_mapping_is_read(read):
    mapping = read(WHOLE)

    assert mapping == Mapping(
        source="servicenow",
        shape="events",
        timezone="Europe/Berlin",
        timestamp_format="%d/%m/%Y %H:%M",
        null_values=("?",),
        delimiter=";",
        columns={
            "ticket_id": "number",
            "occurred_at": "sys_updated_at",
            "status": "incident_state",
            "resolved_at": "resolved_at",
            "requester": "caller_id",
            "assignee": "assigned_to",
            "met": "made_sla",
        },
        keep=("impact", "e mail"),
        stamped=("resolved_at",),
        values={
            "status": {'Awaiting "User" Info': "waiting_requester"},
            "met": {"OK": "true"},
        },
        hash=("requester",),
        drop=("e mail",),
        keep_personal=("assignee",),
    )


def test_a_written_mapping_reads_back_equal(read):
    mapping = read(WHOLE)

    assert read(mapping.as_toml()) == mapping


def test_a_minimal_mapping_takes_the_defaults(read):
    mapping = read('[columns]\nticket_id = "id"\noccurred_at = "at"\n')

    assert (mapping.source, mapping.shape, mapping.timezone) == ("default", "events", "UTC")


def test_all_problems_of_a_mapping_come_together(problems):
    found = problems(
        '[lgo]\n[log]\ntimezone = "Europe/Berln"\nshap = "events"\n[columns]\nticket_id = "id"\n'
        'occured_at = "at"\n[values.status]\nOpen = "opne"\n'
    )

    assert found == (
        "unknown section [lgo] (did you mean 'log'?)",
        "unknown key 'shap' in [log] (did you mean 'shape'?)",
        "unknown key 'occured_at' in [columns] (did you mean 'occurred_at'?)",
        "unknown zone 'Europe/Berln'; use an IANA name such as Europe/Berlin",
        "[columns] needs occurred_at: a log of events cannot be read without it",
        "[values.status] names no column of [columns]; known are ticket_id, occured_at",
        NO_STATUS,
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param('[log]\nshape = "rows"', 'shape must be "events" or "tickets"', id="shape"),
        pytest.param("[log]\nshape = 3", "shape in [log] must be text", id="not text"),
        pytest.param('[log]\nnull_values = "?"', "must be a list of texts", id="not a list"),
        pytest.param('[log]\ndelimiter = "ab"', "delimiter must be one character", id="delimiter"),
        pytest.param('[log]\nsource = "../up"', "source '../up' must be letters", id="source"),
        pytest.param(
            '[log]\ntimestamp_format = "DD/MM"', "timestamp_format 'DD/MM' cannot", id="format"
        ),
        pytest.param('[log]\nshape = "tickets"', "needs created_at", id="tickets"),
        pytest.param(
            '[columns]\nticket_id = "id"\noccurred_at = "at"\nfirst_response_at = "r"',
            'first_response_at in [columns] belongs to shape = "tickets"',
            id="column of the other shape",
        ),
        pytest.param(
            '[personal]\nhash = ["a"]\nkeep = ["a"]', "'a' in [personal] is in both", id="both"
        ),
        pytest.param('[personal]\nhash = ["ticket_id"]', "it is the key", id="hashed key"),
        pytest.param("[values]\nstatus = 3", "values.status must be a section", id="values"),
        pytest.param('log = "x"', "log must be a section, [log]", id="no section"),
        pytest.param('[log]\nshape = "events"\nshape\n', "line 3", id="no TOML"),
    ],
)
def test_a_wrong_setting_is_named(problems, text, problem):
    found = problems(text)

    assert any(problem in each for each in found), found


def test_a_missing_mapping_is_one_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot be read: No such file"):
        read_mapping(tmp_path / "map.toml")


def test_people_are_hashed_unless_told_otherwise():
    columns = {"ticket_id": "id", "occurred_at": "at", "requester": "caller", "assignee": "agent"}
    mapping = Mapping("events", "UTC", columns, keep_personal=("agent",))

    assert [mapping.treatment(name) for name in ("requester", "assignee")] == ["hash", "keep"]
