"""`init`, `map`, `ingest`, `check`, `clock` and `diagnose` as a user runs them."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from .conftest import MAP, N_TICKETS, SLA, fingerprint, sniper, succeed, write_desk

TICKETS_MAP = """
[log]
source = "tickets"
shape = "tickets"
timezone = "Europe/Amsterdam"

[columns]
ticket_id = "number"
created_at = "opened"
resolved_at = "solved"
status = "state"
priority = "prio"
group = "team"

[values.priority]
P1 = "critical"
P2 = "high"
P3 = "moderate"
P4 = "low"

[values.status]
Resolved = "resolved"
New = "new"
"""


def test_init_writes_three_commented_files(tmp_path):
    outcome = succeed("init", tmp_path / "new", "--json")

    assert outcome.json["schema"] == "sniper.init/1"
    assert outcome.json["as_of"] is None
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        outcome.json["written"]
    )
    assert all("#" in path.read_text() for path in (tmp_path / "new").iterdir())


def test_init_takes_folder_from_workspace_option(tmp_path):
    succeed("init", "--workspace", tmp_path / "named")

    assert (tmp_path / "named" / "sla.toml").is_file()


def test_init_leaves_existing_configuration_alone(tmp_path):
    succeed("init", tmp_path)
    (tmp_path / "sla.toml").write_text("mine")

    outcome = sniper("init", tmp_path)

    assert outcome.code == 36
    assert (tmp_path / "sla.toml").read_text() == "mine"


def test_fresh_templates_are_valid_configuration(tmp_path):
    succeed("init", tmp_path)

    outcome = sniper("check", "-w", tmp_path)

    assert outcome.code == 40
    assert "no events yet" in outcome.err


def test_ingest_counts_add_up_and_are_documented(tmp_path, rows):
    folder = tmp_path / "desk"
    succeed("init", folder)
    (folder / "map.toml").write_text(MAP.format(source="desk"))
    (folder / "sla.toml").write_text(SLA)
    rows.write_csv(tmp_path / "log.csv")

    facts = succeed("ingest", tmp_path / "log.csv", "-w", folder, "--json").json

    assert facts["schema"] == "sniper.ingest/1"
    assert facts["as_of"].startswith("2025-10-31T")
    assert facts["rows_read"] == facts["events_written"] == rows.height
    assert facts["duplicates"] == 0
    assert facts["refused"] == {}
    assert facts["tickets"] == N_TICKETS


def test_same_file_twice_adds_nothing(workspace, tmp_path, rows):
    rows.write_csv(tmp_path / "again.csv")
    before = fingerprint(workspace / "tables")

    facts = succeed("ingest", tmp_path / "again.csv", "-w", workspace, "--json").json

    assert (facts["events_written"], facts["duplicates"]) == (0, rows.height)
    assert facts["tickets"] == 0
    assert fingerprint(workspace / "tables") == before


def test_grown_file_adds_only_new_rows(tmp_path, rows):
    folder = write_desk(tmp_path / "desk", rows.head(4000))
    rows.write_csv(tmp_path / "grown.csv.gz", compression="gzip")

    facts = succeed("ingest", tmp_path / "grown.csv.gz", "-w", folder, "--json").json

    assert facts["events_written"] == rows.height - 4000
    assert facts["duplicates"] == 4000


def test_refused_rows_are_named_with_reasons(workspace, tmp_path, rows):
    bad = rows.head(30).with_columns(pl.lit("later").alias("site"))
    bad[3, "updated"] = "soon"
    bad[5, "number"] = None
    bad.write_csv(tmp_path / "bad.csv")

    outcome = succeed("ingest", tmp_path / "bad.csv", "-w", workspace, "--json")

    facts = outcome.json
    assert sum(facts["refused"].values()) == 2
    assert facts["rows_read"] == facts["events_written"] + facts["duplicates"] + 2
    examples = json.dumps(facts["examples"])
    assert "row 4" in examples
    assert "soon" in examples


def test_statuses_the_mapping_does_not_name_are_told(workspace, tmp_path, rows):
    states = pl.Series("state", ["Parked", "New", "Lost", "Parked", "Work"])
    rows.head(5).with_columns(states).write_csv(tmp_path / "strange.csv")

    facts = succeed("ingest", tmp_path / "strange.csv", "-w", workspace, "--json").json
    told = succeed("ingest", tmp_path / "strange.csv", "-w", workspace).out

    assert facts["unmapped_statuses"] == {"Parked": 2, "Lost": 1}
    note = "note 3 rows with a status that the mapping does not name: 'Parked' (2), 'Lost' (1);"
    assert note in " ".join(told.split())


def test_one_row_is_no_rows(workspace, tmp_path, rows):
    new = rows.head(1).with_columns(number=pl.lit("T99999"), state=pl.lit("Parked"))
    new.write_csv(tmp_path / "one.csv")

    told = " ".join(succeed("ingest", tmp_path / "one.csv", "-w", workspace).out.split())

    assert told.startswith("Read 1 row of desk: 1 event written, 0 known already, 0 refused.")
    assert "1 new ticket. note 1 row with a status" in told


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "xlsx", "csv.zst", "tsv"])
def test_formats_give_the_same_events(ingested, tmp_path, rows, ending):
    folder = shutil.copytree(ingested, tmp_path / "desk")
    path = tmp_path / f"log.{ending}"
    head = rows.head(200)
    match ending:
        case "parquet":
            head.write_parquet(path)
        case "jsonl":
            head.write_ndjson(path)
        case "xlsx":
            head.write_excel(path)
        case "tsv":
            head.write_csv(path, separator="\t")
        case _:
            head.write_csv(path, compression="zstd")

    facts = succeed("ingest", path, "-w", folder, "--json").json

    assert (facts["rows_read"], facts["events_written"], facts["duplicates"]) == (200, 0, 200)


def test_tickets_shape_reaches_the_clock(tmp_path, rows):
    tickets = rows.group_by("number", maintain_order=True).agg(
        pl.col("opened", "prio", "team").first(),
        solved=pl.col("updated").filter(pl.col("state") == "Resolved").last(),
        state=pl.when((pl.col("state") == "Resolved").any())
        .then(pl.lit("Resolved"))
        .otherwise(pl.lit("New")),
    )
    folder = tmp_path / "desk"
    succeed("init", folder)
    (folder / "map.toml").write_text(TICKETS_MAP)
    (folder / "sla.toml").write_text(SLA)
    tickets.write_csv(tmp_path / "tickets.csv")

    facts = succeed("ingest", tmp_path / "tickets.csv", "-w", folder, "--json").json
    clock = succeed("clock", "-w", folder, "--json").json

    assert facts["rows_read"] == facts["tickets"] == N_TICKETS
    assert clock["tickets"] == clock["cycles"] == N_TICKETS
    assert {"met", "missed", "running"} <= {row["state"] for row in clock["states"]}


def test_two_sources_with_equal_ids_stay_apart(workspace, tmp_path, rows):
    (tmp_path / "other.toml").write_text(MAP.format(source="other"))
    rows.with_columns(prio=pl.lit("P4")).write_csv(tmp_path / "other.csv")

    words = ("--map", tmp_path / "other.toml", "-w", workspace, "--json")
    facts = succeed("ingest", tmp_path / "other.csv", *words).json
    succeed("clock", "-w", workspace, "--out", tmp_path / "cycles.csv")

    assert facts["tickets"] == N_TICKETS
    cycles = pl.read_csv(tmp_path / "cycles.csv")
    assert cycles.height == 2 * N_TICKETS
    assert set(cycles.filter(source="other")["priority_applied"]) == {"low"}
    alone = cycles.filter(source="desk")
    assert set(alone["priority_applied"]) == {"critical", "high", "moderate", "low"}


def test_people_are_stored_only_as_hashes(workspace):
    raw = b"".join(path.read_bytes() for path in (workspace / "tables").rglob("*.parquet"))

    assert b"caller 1" not in raw
    assert b"agent 1" not in raw


def test_check_reports_counts_in_words(workspace):
    facts = succeed("check", "-w", workspace, "--json").json
    words = succeed("check", "-w", workspace)

    assert facts["schema"] == "sniper.check/1"
    assert facts["as_of"].startswith("2025-10-31T")
    assert f"{N_TICKETS:,} tickets" in words.out


def test_check_names_unmapped_values(workspace, tmp_path, rows):
    strange = rows.tail(5).with_columns(pl.lit("Parked").alias("state"), prio=pl.lit("P9"))
    strange.write_csv(tmp_path / "strange.csv")
    succeed("ingest", tmp_path / "strange.csv", "-w", workspace)

    outcome = succeed("check", "-w", workspace)

    assert "Parked" in outcome.out
    assert "P9" in outcome.out


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_clock_writes_cycles_in_each_format(workspace, tmp_path, ending):
    path = tmp_path / f"cycles.{ending}"

    facts = succeed("clock", "--out", path, "-w", workspace, "--json").json

    frame = {"csv": pl.read_csv, "parquet": pl.read_parquet, "json": pl.read_json}[ending](path)
    assert frame.height == facts["cycles"] == N_TICKETS
    assert facts["untimed"] == 0
    assert sum(row["cycles"] for row in facts["states"]) == N_TICKETS


def test_clock_as_of_past_tells_nothing_later(workspace, tmp_path):
    succeed(
        "clock", "--as-of", "2025-09-22T12:00", "--out", tmp_path / "c.parquet", "-w", workspace
    )

    cycles = pl.read_parquet(tmp_path / "c.parquet")
    told = cycles.select(pl.col("applied_at", "breached_at", "fulfilled_at").max()).row(0)
    # 12:00 in Amsterdam, the zone of the first calendar, is 10:00 UTC in summer.
    assert max(moment.isoformat() for moment in told) <= "2025-09-22T10:00:00+00:00"
    assert cycles.filter(pl.col("state") == "running").height > 0


def test_diagnose_finds_the_hidden_reason(workspace):
    facts = succeed("diagnose", "-w", workspace, "--json").json
    words = succeed("diagnose", "-w", workspace).out

    assert facts["schema"] == "sniper.diagnose/1"
    assert "Group goes strongly with missing" in words
    assert "Category goes strongly with missing" in words


def test_map_proposes_mapping_that_ingests(tmp_path, rows):
    folder = tmp_path / "desk"
    succeed("init", folder)
    rows.write_csv(tmp_path / "log.csv")

    told = succeed("map", tmp_path / "log.csv", "--out", tmp_path / "guess.toml", "--json").json
    words = ("--map", tmp_path / "guess.toml", "-w", folder, "--json")
    facts = succeed("ingest", tmp_path / "log.csv", *words).json

    assert told["schema"] == "sniper.map/1"
    assert told["as_of"] is None
    assert facts["events_written"] == rows.height
    assert facts["tickets"] == N_TICKETS


def test_map_without_out_prints_only_toml(tmp_path, rows):
    rows.write_csv(tmp_path / "log.csv")

    outcome = succeed("map", tmp_path / "log.csv")

    assert 'ticket_id = "number"' in outcome.out
    assert outcome.out.lstrip().startswith(("#", "["))
