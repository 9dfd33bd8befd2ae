"""`check --leaks` tells what knows the future, and nothing trains on it."""

from __future__ import annotations

import polars as pl
import pytest

from .conftest import MAP, SLA, sniper, succeed


def leaky(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `resolution_hours`, as a report would join them onto every row."""
    at = pl.col("updated").str.to_datetime()
    opened = pl.col("opened").str.to_datetime()
    is_over = pl.col("state") == "Resolved"
    hours = (at - opened).dt.total_minutes() / 60
    last = hours.filter(is_over).max().over("number")
    return rows.with_columns(last.round(2).alias("resolution_hours"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("leaky") / "desk"
    succeed("init", folder)
    text = MAP.format(source="desk").replace('["site"]', '["site", "resolution_hours"]')
    (folder / "map.toml").write_text(text, encoding="utf-8")
    (folder / "sla.toml").write_text(SLA, encoding="utf-8")
    log = folder.with_suffix(".csv")
    leaky(rows).write_csv(log)
    succeed("ingest", log, "--workspace", folder)
    return folder


@pytest.mark.parametrize("verb", [("train",), ("queue",), ("backtest", "--from", "2025-10-13")])
def test_a_planted_column_never_trains_silently(planted, verb):
    outcome = sniper(*verb, "--workspace", planted)

    assert outcome.code == 41
    assert "'resolution_hours' would leak the outcome" in outcome.err
    assert "Declare 'resolution_hours' in [stamped]" in outcome.err


def test_check_tells_the_leak_and_its_evidence(planted):
    found = succeed("check", "--leaks", "--json", "--workspace", planted).json["leaks"]

    assert [(leak["column"], leak["severity"]) for leak in found] == [("resolution_hours", "error")]
    assert found[0]["examples"]


def test_honest_columns_of_a_desk_are_left_alone(ingested):
    assert succeed("check", "--leaks", "--json", "--workspace", ingested).json["leaks"] == []


def test_check_without_the_option_looks_for_no_leak(ingested):
    assert "leaks" not in succeed("check", "--json", "--workspace", ingested).json


def test_no_leak_is_said_in_words(ingested):
    assert "No leak was found" in succeed("check", "--leaks", "--workspace", ingested).out


def test_a_declared_stamp_trains(tmp_path, planted, rows):
    folder = tmp_path / "desk"
    succeed("init", folder)
    text = (planted / "map.toml").read_text(encoding="utf-8")
    text = text.replace(
        "[values.priority]", '[stamped]\ncolumns = ["resolution_hours"]\n\n[values.priority]'
    )
    (folder / "map.toml").write_text(text, encoding="utf-8")
    (folder / "sla.toml").write_text(SLA, encoding="utf-8")
    log = folder.with_suffix(".csv")
    leaky(rows).write_csv(log)
    succeed("ingest", log, "--workspace", folder)

    trained = succeed("train", "--model", "logistic", "--json", "--workspace", folder)

    assert trained.json["leaks"] == []
