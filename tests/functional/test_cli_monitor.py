"""`monitor` is quiet on a calm desk, tells a fake drift, waits for labels, and moves the queue."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from sla_sniper.escalation import Advantage, Verdict
from sla_sniper.snapshots.labels import with_labels
from sla_sniper.stats import Interval
from sla_sniper.usecases import monitor as usecase
from sla_sniper.usecases.monitored import Ripe

from .conftest import BACKTEST, sniper, succeed, write_desk
from .test_cli_honesty_gate import claim_at

pytestmark = pytest.mark.slow

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


def test_only_days_whose_clocks_are_nearly_all_ripe_are_whole(watched):
    assert 0 < watched["outcomes"]["whole_days"] < watched["outcomes"]["days"]


@pytest.mark.parametrize(("n_whole", "closes"), [(14, False), (15, True)])
def test_an_interval_around_zero_closes_from_whole_days_on(n_whole, closes):
    nothing = Advantage(10, "edf", 5.0, -9.0, 19.0, claimed=False)
    verdict = Verdict(nothing, "edf", "no measurable advantage", "training days", 20)
    flat = Interval(0.0, 0.0, 0.0)

    ripe = Ripe(20, 99, "2025-10-30", 0.6, 0.1, 0.2, 0.2, flat, 0.5, 0.5, verdict, None,
                n_whole_days=n_whole)  # fmt: skip

    assert ripe.closes == closes


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


@pytest.mark.parametrize("breached", [False, True])
def test_days_that_all_end_alike_are_judged_in_money(calm, tmp_path, monkeypatch, breached):
    same = pl.when(pl.col("breached").is_not_null()).then(pl.lit(breached)).alias("breached")
    monkeypatch.setattr(
        usecase, "with_labels", lambda *known: with_labels(*known).with_columns(same)
    )
    folder = shutil.copytree(calm, tmp_path / "desk")

    said = succeed("monitor", "-w", folder).out
    found = succeed("monitor", "--json", "-w", folder).json

    outcomes = found["outcomes"]
    assert (outcomes["auc"], outcomes["brier_skill"]) == (None, None)
    assert (outcomes["captured_share"] is None) == (not breached)
    assert f"{'every' if breached else 'no'} clock breached" in " ".join(said.split())
    if not breached:
        (verdict,) = found["verdicts"]
        assert verdict["policy"] != "sniper"
        assert outcomes["closes"] == (outcomes["whole_days"] >= 15)
        assert "is not shown to pay" in verdict["sentence"]


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


def change(folder, verb, **facts):
    """Change what a verb kept for the gate."""
    path = folder / "outputs" / verb / "summary.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps(found | facts))
    return found


@pytest.fixture(scope="module")
def measured(calm, backtested, tmp_path_factory):
    """A desk whose backtest opens the gate, read as of the same instant as its `monitor`."""
    folder = shutil.copytree(calm, tmp_path_factory.mktemp("measured") / "desk")
    kept = folder / "outputs" / "backtest"
    shutil.copytree(backtested / "outputs" / "backtest", kept, dirs_exist_ok=True)
    found = succeed("monitor", "--json", "-w", folder).json
    assert found["as_of"] == json.loads((kept / "summary.json").read_text())["as_of"]
    assert queue(folder)["policy"] == "sniper"
    return folder


SENTENCE = "no measurable advantage over oldest at 10 a day (difference €1 [-9, 9])"
REASON = "the monitor of 31 Oct 2025 found no measurable advantage in 17 days at 10 a day"


@pytest.fixture
def closed(measured, tmp_path):
    """The same, where `monitor` has found no advantage any more."""
    folder = shutil.copytree(measured, tmp_path / "desk")
    close(folder)
    return folder


def close(folder, **changes):
    """Keep what a `monitor` keeps that closes the gate."""
    found = change(folder, "monitor")
    verdict = found["verdicts"][0] | {"policy": "oldest", "sentence": SENTENCE, "n_days": 17}
    verdict["advantage"] |= {"rule": "oldest", "low": -9.0, "claimed": False}
    facts = {key: found[key] for key in ("as_of", "version", "stakes")}
    facts |= {"verdict": verdict, "last_day": "2025-10-20"} | changes
    change(folder, "monitor", closed=facts, closings=[facts])


def queue(folder, capacity=10):
    return succeed("queue", "--capacity", capacity, "--json", "-w", folder).json


def test_the_queue_ranks_by_what_monitor_found(closed):
    found = queue(closed)

    assert (found["policy"], found["verdict"]) == ("oldest", SENTENCE)
    assert {row["policy"] for row in found["queue"]} == {"oldest"}


def test_what_monitor_found_closes_the_gate_at_every_capacity(closed):
    claim_at(closed, 5)

    found = queue(closed, 5)

    assert found["policy"] != "sniper"
    assert found["verdict"].startswith(f"no measurable advantage over {found['policy']} at 5 a day")
    assert found["verdict"].endswith(f", {REASON})")


def test_a_backtest_that_claims_says_that_the_gate_is_closed(closed):
    words = " ".join(succeed(*BACKTEST, "-w", closed).out.split())

    kept = change(closed, "backtest")
    assert f"claimed {kept['own_verdict']['sentence']}" in words
    assert f"not in force {SENTENCE}: {REASON}" in words
    assert "in_force" not in kept


def test_the_report_says_what_monitor_found(closed):
    facts = succeed("report", "--json", "-w", closed).json

    text = (closed / "outputs" / "executive_slides.md").read_text()
    assert facts["verdict"] == SENTENCE
    assert f"Verdict: {SENTENCE}: {REASON}." in text
    assert f"No advantage is claimed: {REASON}." in text
    assert "Escalating by `oldest` would have saved" in text
    assert "a year against escalating nobody, by `oldest`" in text
    assert "Of that, against the simplest rival" not in text


@pytest.mark.parametrize(
    "other", [{"as_of": "2025-10-30T12:00:00+00:00"}, {"stakes": "x"}],
    ids=["older than the backtest", "under other costs"],
)  # fmt: skip
def test_what_monitor_found_elsewhere_closes_nothing(closed, other):
    close(closed, **other)

    assert queue(closed)["policy"] == "sniper"


@pytest.mark.parametrize("weeks", ["1", "4"])
def test_no_later_monitor_opens_what_one_has_closed(closed, weeks):
    """One of too few ripe days to say anything, and one that may even find an advantage."""
    assert (succeed("monitor", "--weeks", weeks, "--json", "-w", closed).json["outcomes"] is None
            ) == (weeks == "1")  # fmt: skip

    assert queue(closed)["policy"] == "oldest"


def test_monitor_never_opens_the_gate(measured, tmp_path):
    folder = shutil.copytree(measured, tmp_path / "desk")
    verdicts = change(folder, "backtest")["verdicts"]
    for verdict in verdicts:
        verdict |= {"policy": "edf", "sentence": "no measurable advantage over edf"}
        verdict["advantage"]["claimed"] = False
    change(folder, "backtest", verdicts=verdicts)
    claim = change(folder, "monitor")["verdicts"][0]
    claim |= {"policy": "sniper"}
    claim["advantage"] |= {"low": 5.0, "claimed": True}
    change(folder, "monitor", verdicts=[claim], closed=None, closings=[])

    assert queue(folder)["policy"] == "edf"


def test_the_words_of_monitor_say_what_the_gate_does(measured):
    facts = succeed("monitor", "--json", "-w", measured).json
    found, closes = facts["verdicts"][0], facts["outcomes"]["closes"]
    said = " ".join(succeed("monitor", "-w", measured).out.split())

    told = f"is closed, the queue ranks by {found['policy']}" if closes else "stays as it is"
    assert f"The gate {told}: {found['sentence']}." in said


def test_without_a_model_there_is_nothing_to_watch(workspace):
    outcome = sniper("monitor", "-w", workspace)

    assert outcome.code == 42
    assert "run `sniper train` first" in outcome.err
