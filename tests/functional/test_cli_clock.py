"""The clock on the command line: cycles, one ticket explained, vectors, presets and bad rules."""

from __future__ import annotations

import json
import re
import shutil

import polars as pl
import pytest

from .conftest import sniper

VECTOR = {
    "id": "own-001",
    "op": "elapsed",
    "calendar": {"tz": "UTC", "hours": {"mon": [["09:00", "17:00"]]}},
    "input": {"from": "2024-03-04T08:00:00Z", "to": "2024-03-04T10:00:00Z"},
    "expected": {"seconds": 1},
}
NEVER_OPEN = {
    **VECTOR,
    "id": "own-002",
    "op": "add",
    "calendar": {"tz": "UTC", "hours": {}},
    "input": {"from": "2024-03-04T08:00:00Z", "seconds": 60},
}


@pytest.fixture
def vectors(tmp_path):
    def write(*told, name="vectors.json"):
        path = tmp_path / name
        path.write_text(json.dumps({"schema": "sla-vectors/1", "vectors": told}))
        return path

    return write


@pytest.fixture
def changed(ingested, tmp_path):
    """Copy the workspace and change its sla.toml."""

    def change(pattern, replacement):
        folder = tmp_path / "desk"
        shutil.copytree(ingested, folder)
        path = folder / "sla.toml"
        path.write_text(re.sub(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL))
        return folder

    return change


def test_vectors_are_answered_a_line_each(vectors):
    result = sniper("conformance", vectors(VECTOR, NEVER_OPEN))

    assert [json.loads(line) for line in result.out.splitlines()] == [
        {"id": "own-001", "actual": {"seconds": 3600.0, "hours_floor": 1}},
        {"id": "own-002", "error": "no_working_time"},
    ]


def test_vectors_come_as_one_object_on_request(vectors):
    facts = sniper("conformance", vectors(VECTOR), "--json").json

    assert facts["schema"] == "sniper.conformance/1"
    assert [answer["id"] for answer in facts["answers"]] == ["own-001"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({**VECTOR, "op": "guess"}, "no operation is called 'guess'"),
        ({**VECTOR, "input": {}}, "own-001"),
        ({**VECTOR, "calendar": {"tz": "UTC", "hours": 3}}, "own-001"),
    ],
)
def test_an_odd_vector_is_named_in_one_line(vectors, told, words):
    result = sniper("conformance", vectors(told))

    assert result.code == 10
    assert words in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("text", ["not json", "[]", '{"vectors": 3}'])
def test_a_file_without_vectors_is_refused(tmp_path, text):
    path = tmp_path / "vectors.json"
    path.write_text(text)

    result = sniper("conformance", path)

    assert (result.code, "error:" in result.err) == (11, True)


def test_a_file_of_vectors_that_is_not_there_is_refused(tmp_path):
    assert sniper("conformance", tmp_path / "none.json").code == 11


def test_clock_writes_every_column_it_promises(workspace, tmp_path):
    out = tmp_path / "cycles.parquet"

    facts = sniper("clock", "--json", "--out", out, "-w", workspace).json

    table = pl.read_parquet(out)
    assert {"recorded_breach_at", "next_warning_at", "next_warning"} < set(table.columns)
    assert facts["cycles"] == table.height
    assert facts["untimed"] == len(facts["untimed_tickets"])


def test_a_ticket_is_explained_as_the_clock_has_it(workspace, tmp_path):
    out = tmp_path / "cycles.parquet"
    sniper("clock", "--out", out, "-w", workspace)
    row = pl.read_parquet(out).filter(state="missed").row(0, named=True)

    facts = sniper("explain", row["ticket_id"], "--json", "-w", workspace).json

    (clock,) = facts["clocks"]
    assert (clock["state"], clock["policy"]) == ("missed", row["policy"])
    assert clock["target_us"] == row["target_us"]
    assert clock["elapsed_us"] == row["elapsed_us"] // 1_000_000 * 1_000_000
    legs = [moment["leg"] for moment in clock["moments"] if moment["leg"]]
    assert sum(leg["open_us"] + leg["closed_us"] for leg in legs) == sum(
        clock["totals"][name] for name in ("running_us", "paused_us", "stopped_us", "closed_us")
    )


def test_an_explanation_is_told_in_sentences(ingested):
    told = sniper("explain", "T00043", "-w", ingested).out

    assert "Ticket T00043" in told
    assert "The clock begins with the ticket." in told
    assert "Policy 'standard' covers the ticket as it is now." in told


def test_an_unknown_ticket_is_told_with_its_neighbours(ingested):
    result = sniper("explain", "T0004", "-w", ingested)

    assert result.code == 25
    assert "T00043" in result.err or "T0004" in result.err
    assert result.out == ""


def test_explaining_the_past_knows_nothing_later(ingested):
    early = sniper("explain", "T00043", "--json", "--as-of", "2025-09-03T12:00", "-w", ingested)
    late = sniper("explain", "T00043", "--json", "-w", ingested)

    known = early.json["ticks"] if early.code == 0 else []
    assert known == late.json["ticks"][: len(known)]


def test_a_rule_on_an_unknown_attribute_is_refused(changed):
    folder = changed(r"when = \{[^}]*\}", 'when = { sitte = ["x"] }')

    result = sniper("clock", "-w", folder)

    assert result.code == 20
    assert "a rule looks at 'sitte', which no ticket has (did you mean 'site'?)" in result.err
    assert re.search(r"line \d+, policies\[1\]\.when\.sitte: a rule looks", result.err)


@pytest.mark.parametrize("words", [("reconcile",), ("explain", "T00043")])
def test_a_metric_that_nobody_times_is_one_line(ingested, words):
    result = sniper(*words, "--metric", "bogus", "-w", ingested)

    told = "error: No policy in sla.toml times 'bogus'; it times resolution_time."
    assert (result.code, result.out) == (26, "")
    assert result.err.strip().splitlines()[-1] == told


def test_tickets_without_a_clock_are_counted_and_named(changed):
    folder = changed(r"when = \{[^}]*\}", 'when = { priority = ["critical"] }')

    facts = sniper("clock", "--json", "-w", folder).json
    told = sniper("clock", "-w", folder).out

    assert facts["untimed"] > 0
    assert len(facts["untimed_tickets"]) == min(facts["untimed"], 100)
    assert f"{facts['untimed']:,} tickets without a clock" in " ".join(told.split())


def test_void_tickets_leave_every_rate_and_are_counted(changed):
    folder = changed(r"\[costs\]", '[void]\nwhen = { priority = ["critical"] }\n\n[costs]')

    facts = sniper("clock", "--json", "-w", folder).json

    states = {row["state"] for row in facts["states"] if row["priority_applied"] == "critical"}
    assert facts["cancelled_tickets"] > 0
    assert states == {"cancelled"}


def test_a_metric_that_nothing_tells_is_said(changed):
    folder = changed(
        r"\[costs\]",
        "  [[policies.targets]]\n"
        '  metric = "first_reply_time"\n  calendar = "office"\n  target = "1h"\n\n[costs]',
    )

    facts = sniper("clock", "--json", "-w", folder).json

    assert any("no replies and no messages" in note for note in facts["notes"])


def test_a_preset_makes_a_workspace(tmp_path):
    made = sniper("init", tmp_path / "desk", "--preset", "zendesk", "--json").json

    assert made["written"] == ["sniper.toml", "sla.toml", "map.toml"]
    assert "requester_wait_time" in (tmp_path / "desk" / "sla.toml").read_text()


def test_an_unknown_preset_lists_the_known_ones(tmp_path):
    result = sniper("init", tmp_path / "desk", "--preset", "zendes")

    assert result.code == 20
    assert "zendesk" in result.err
    assert not (tmp_path / "desk").exists()


MERGES = """id,at,state,parent
1,2024-03-04T08:00:00Z,open,
1,2024-03-04T14:30:00Z,resolved,
2,2024-03-04T08:10:00Z,open,
2,2024-03-04T08:30:00Z,open,1
3,2024-03-04T08:00:00Z,cancelled,
4,2024-03-04T08:00:00Z,open,99
5,2024-03-04T08:00:00Z,open,5
6,2024-03-04T08:00:00Z,waiting_requester,
"""
MERGED_SLA = """
[calendars.office]
hours = { mon = ["09:00-17:00", "12:00-18:00"] }
[[policies]]
name = "standard"
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "office"
  target = "4h"
  pause_in = ["waiting_requester"]
[void]
merged_into = "parent"
"""
MERGED_MAP = """
[log]
[columns]
ticket_id = "id"
occurred_at = "at"
status = "state"
[attributes]
keep = ["parent"]
"""


@pytest.fixture
def merged(tmp_path):
    """A workspace without costs, with merged tickets and hours that overlap."""
    folder = tmp_path / "merged"
    folder.mkdir()
    (folder / "sla.toml").write_text(MERGED_SLA)
    (folder / "map.toml").write_text(MERGED_MAP)
    (folder / "log.csv").write_text(MERGES)
    assert sniper("ingest", folder / "log.csv", "-w", folder).code == 0
    return folder


def test_merged_tickets_are_counted_apart(merged):
    facts = sniper("clock", "--json", "-w", merged).json
    told = sniper("clock", "-w", merged).out

    assert facts["cancelled_tickets"] == 3
    assert facts["merged_tickets"] == {"known": 1, "unknown": 1}
    assert (
        "3 tickets whose cycles count in no rate: 1 cancelled, spam or tests, 1 merged into "
        "another ticket of the log, 1 merged into one that it does not have." in told
    )


@pytest.mark.parametrize("words", [("clock",), ("check",)])
def test_a_ticket_that_names_itself_is_said(merged, words):
    facts = sniper(*words, "--json", "-w", merged).json
    told = sniper(*words, "-w", merged).out

    note = "1 ticket (5) names itself in 'parent': that is no merge."
    assert note in facts["notes"]
    assert note in told


def test_a_ticket_tells_what_was_merged_into_it(merged):
    facts = sniper("explain", "1", "--json", "-w", merged).json
    told = sniper("explain", "1", "-w", merged).out

    assert [each["ticket_id"] for each in facts["merged"]] == ["2"]
    assert "Merged into this ticket: 2 at Monday 4 March 2024, 08:30" in told
    assert "Their messages stay where they were said." in told


def test_a_merged_ticket_says_where_it_went(merged):
    told = sniper("explain", "2", "-w", merged).out

    assert "The ticket was merged into 1: this clock leaves every rate." in told


@pytest.mark.parametrize("words", [("clock",), ("check",), ("policy", "test")])
def test_hours_that_overlap_are_said(merged, words):
    facts = sniper(*words, "--json", "-w", merged).json
    told = sniper(*words, "-w", merged).out

    (note,) = [note for note in facts["notes"] if "calendars.office" in note]
    assert note in told


def test_a_log_that_begins_in_the_middle_tells_no_change(merged):
    told = sniper("explain", "6", "-w", merged).out

    assert "The first status in the log is waiting for the requester." in told
    assert "went from new" not in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "--model", "oracle"), "'oracle' is not one of 'lightgbm', 'logistic'"),
        (("backtest", "--epoch", "week"), "'week' is not one of 'hour', 'day'"),
        (("report", "--format", "doc"), "'doc' is not one of 'md'"),
        (("export", "xml", "out"), "'xml' is not one of 'csv', 'parquet'"),
        (("clock", "--as-of", "soon"), "'soon' is no date or time"),
        (("queue", "--capacity", "many"), "it must be a whole number"),
        (("queue", "--capacity", "-1"), "it must be greater than or equal to 0"),
        (("clock", "--as"), "No such option"),
        (("policy", "tst"), "No such command 'tst' (did you mean 'test'?)"),
        (("explain",), "Missing argument"),
        (("clocks",), "No such command 'clocks'"),
    ],
)
def test_a_wrong_command_line_is_one_line(words, said):
    result = sniper(*words)

    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert line.startswith("error: ")
    assert said in line
    assert "Value error" not in line


def test_no_command_at_all_shows_the_help():
    result = sniper()

    assert result.code == 2
    assert "Usage: sniper" in result.out + result.err


def test_ingest_says_its_notes_in_words(tmp_path):
    folder = tmp_path / "desk"
    sniper("init", folder)
    (folder / "map.toml").write_text(
        '[log]\nshape = "tickets"\n[columns]\nticket_id = "id"\ncreated_at = "at"\n'
        'status = "state"\nmet = "met"\nresolved_at = "done"\n'
    )
    (folder / "log.csv").write_text("id,at,state,met,done\n1,2024-03-04T08:00:00Z,closed,maybe,\n")

    told = sniper("ingest", folder / "log.csv", "-w", folder).out

    assert "1 ended tickets of which nothing tells when; they leave every rate" in told
    assert "1 verdicts of the help desk that are neither true nor false, left out" in told
