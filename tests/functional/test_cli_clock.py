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
