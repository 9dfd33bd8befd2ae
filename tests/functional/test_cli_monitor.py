"""`monitor` is quiet on a calm desk, tells a fake drift, waits for labels, and moves the queue."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from .conftest import sniper, succeed, write_desk

TRAINED_AT = "2025-10-10"


def train(folder):
    succeed("train", "--model", "logistic", "--as-of", TRAINED_AT, "--json", "-w", folder)
    return folder


@pytest.fixture(scope="module")
def calm(ingested, tmp_path_factory):
    return train(shutil.copytree(ingested, tmp_path_factory.mktemp("calm") / "desk"))


@pytest.fixture(scope="module")
def drifted(rows, tmp_path_factory):
    """Tickets opened after the training all come in by chat, and from one new site."""
    is_new = pl.col("opened") >= TRAINED_AT
    changed = rows.with_columns(
        pl.when(is_new).then(pl.lit("chat")).otherwise("channel").alias("channel"),
        pl.when(is_new).then(pl.lit("network")).otherwise("team").alias("team"),
    )
    return train(write_desk(tmp_path_factory.mktemp("drifted") / "desk", changed))


@pytest.fixture(scope="module")
def watched(calm):
    return succeed("monitor", "--json", "-w", calm).json


def test_a_calm_desk_is_quiet(watched):
    assert (watched["status"], watched["inputs"], watched["proposal"]) == ("quiet", [], "")


def test_only_ripe_labels_are_measured(watched):
    assert 0 < watched["ripe"] < watched["snapshots"]
    assert watched["from"].startswith("2025-10-09T22:00")


def test_ripe_days_are_measured_in_money(watched):
    outcomes = watched["outcomes"]

    assert outcomes["days"] >= 6
    assert 0 <= outcomes["captured_share"] <= 1
    assert watched["verdicts"][0]["policy"] == watched["policy"]


def test_a_fake_drift_is_told_and_training_proposed(drifted):
    found = succeed("monitor", "--json", "-w", drifted).json

    assert found["status"] in {"drift", "decayed"}
    assert "channel" in {each["cause"] for each in found["inputs"]}
    assert found["proposal"] == "Train again: sniper train"


def test_the_words_tell_what_the_json_tells(drifted):
    said = succeed("monitor", "-w", drifted).out

    assert "Inputs moved, channel: channel chat: 0 % of the tickets in training" in said
    assert "Train again: sniper train" in said


def test_a_fresh_model_waits_for_labels(calm):
    found = succeed("monitor", "--as-of", "2025-10-13", "--json", "-w", calm).json

    assert (found["status"], found["outcomes"]) == ("waiting", None)


def test_nothing_recorded_later_is_read(calm, rows, tmp_path):
    folder = shutil.copytree(calm, tmp_path / "desk")
    early = succeed("monitor", "--as-of", "2025-10-24", "--json", "-w", folder).json
    later = rows.filter(pl.col("updated") > "2025-10-25").with_columns(
        pl.lit("P1").alias("prio"), pl.lit("fax").alias("channel"), pl.lit("agent x").alias("agent")
    )
    later.write_csv(tmp_path / "later.csv")
    succeed("ingest", tmp_path / "later.csv", "--workspace", folder)

    again = succeed("monitor", "--as-of", "2025-10-24", "--json", "-w", folder).json

    assert again == early


def test_the_queue_ranks_by_what_monitor_found(calm, tmp_path):
    folder = shutil.copytree(calm, tmp_path / "desk")
    succeed("monitor", "--json", "-w", folder)
    path = folder / "outputs" / "monitor" / "summary.json"
    found = json.loads(path.read_text())
    found["verdicts"][0] |= {"policy": "oldest", "sentence": "no measurable advantage over oldest"}
    path.write_text(json.dumps(found))

    queue = succeed("queue", "--capacity", "10", "--json", "-w", folder).json

    assert (queue["policy"], queue["verdict"]) == ("oldest", "no measurable advantage over oldest")


def test_without_a_model_there_is_nothing_to_watch(workspace):
    outcome = sniper("monitor", "-w", workspace)

    assert outcome.code == 42
    assert "run `sniper train` first" in outcome.err
