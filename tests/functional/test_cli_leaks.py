"""`check --leaks` tells what knows the future, and nothing trains on it."""

from __future__ import annotations

import shutil

import polars as pl
import pytest

from sla_sniper.usecases.leaks import Leak

from .conftest import MAP, SLA, sniper, succeed

pytestmark = pytest.mark.slow


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


VERBS = [
    ("train",),
    ("queue",),
    ("backtest", "--from", "2025-10-13"),
    ("evaluate", "--folds", "2", "--test-days", "4"),
]


@pytest.mark.parametrize("verb", VERBS)
def test_a_planted_column_never_trains_silently(planted, verb):
    outcome = sniper(*verb, "--workspace", planted)

    assert outcome.code == 41
    assert "'resolution_hours' would leak the outcome" in outcome.err
    assert "Declare 'resolution_hours' in [stamped]" in outcome.err


def foretold(rows: pl.DataFrame, verdicts: pl.DataFrame, *, wrong: float) -> pl.DataFrame:
    """Rows with `forecast`, which tells the outcome from a minute after the opening on.

    The first row of a ticket has no value yet, as an honest column would not: only what the
    model learns from shows the leak. A share of the tickets is told wrongly.
    """
    told = rows.join(verdicts, on="number", how="left", maintain_order="left")
    lies = (pl.col("number").hash(seed=1) % 1000) < 1000 * wrong
    told = told.with_columns(
        pl.when(pl.col("breached") ^ lies)
        .then(pl.lit("red"))
        .otherwise(pl.lit("green"))
        .alias("forecast")
    ).drop("breached")
    first = told.filter(pl.col("state") == "New")
    later = (pl.col("updated").str.to_datetime() + pl.duration(minutes=1)).dt.to_string("%F %T")
    return pl.concat(
        [
            first.with_columns(pl.lit("").alias("forecast")),
            first.with_columns(later.alias("updated")),
            told.filter(pl.col("state") != "New"),
        ]
    ).sort("updated", "number", maintain_order=True)


@pytest.fixture(scope="module")
def make_foretold(tmp_path_factory, rows, ingested):
    """Make a workspace whose kept attribute knows the outcome, but for some of the tickets."""
    work = tmp_path_factory.mktemp("foretold")
    succeed("clock", "--out", work / "cycles.parquet", "-w", shutil.copytree(ingested, work / "a"))
    verdicts = (
        pl.read_parquet(work / "cycles.parquet")
        .group_by("ticket_id")
        .agg(pl.col("state").is_in(["missed", "overdue"]).any().alias("breached"))
        .rename({"ticket_id": "number"})
    )

    def make(wrong):
        folder = work / f"wrong-{wrong}"
        succeed("init", folder)
        text = MAP.format(source="desk").replace('["site"]', '["site", "forecast"]')
        (folder / "map.toml").write_text(text, encoding="utf-8")
        (folder / "sla.toml").write_text(SLA, encoding="utf-8")
        log = folder.with_suffix(".csv")
        foretold(rows, verdicts, wrong=wrong).write_csv(log)
        succeed("ingest", log, "--workspace", folder)
        return folder

    return make


QUICK = ("--model", "logistic", "--epoch", "day")
REPLAYS = [
    ("backtest", "--from", "2025-10-20", "--capacity", "5", *QUICK),
    ("evaluate", "--folds", "2", "--test-days", "4", *QUICK),
]


def test_a_planted_feature_never_trains_silently(make_foretold):
    folder = make_foretold(0.0)
    for verb in REPLAYS:
        outcome = sniper(*verb, "-w", folder)

        assert outcome.code == 41
        assert "'attr_forecast_breach_lift' alone tells the outcome" in outcome.err


def test_a_doubtful_feature_is_told_by_every_replay(make_foretold):
    folder = make_foretold(0.06)
    for verb in REPLAYS:
        found = succeed(*verb, "--json", "-w", folder).json["leaks"]
        words = succeed(*verb, "-w", folder).out

        assert [(leak["column"], leak["severity"]) for leak in found] == [
            ("attr_forecast_breach_lift", "warning")
        ]
        assert "leak warning" in words


def test_monitor_scans_before_it_trains_a_fresh_model(workspace, monkeypatch):
    succeed("train", "--model", "logistic", "--as-of", "2025-10-06", "-w", workspace)
    leak = Leak("too_good_feature", "error", "planted", 300, "It tells the outcome.")
    monkeypatch.setattr("sla_sniper.usecases.monitor.scan_features", lambda *_: (leak,))

    assert sniper("monitor", "--weeks", "9", "-w", workspace).code == 0
    refused = sniper("monitor", "--weeks", "2", "-w", workspace)

    assert (refused.code, "'planted' would leak" in refused.err) == (41, True)


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
