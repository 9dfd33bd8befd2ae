"""`whatif` and `policy test`: a promise is tried before anybody makes it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from .conftest import SLA, fingerprint, sniper, succeed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "policy-lab.md"
LONGER = SLA.replace('moderate = "24h"', 'moderate = "60h"')
SHORTER = SLA.replace('moderate = "24h"', 'moderate = "12h"')
EXAMPLE = """
[[examples]]
name = "Four hours for what is critical"
ticket = {{ priority = "critical" }}
events = [{{ at = 2025-09-01T09:00:00, status = "open" }}]
expect = {{ resolution_time = {{ target = "{target}" }} }}
"""


@pytest.fixture
def policy_file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "other.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_longer_target_takes_breaches_away(ingested, policy_file):
    told = succeed("whatif", policy_file(LONGER), "--json", "-w", ingested).json

    assert told["schema"] == "sniper.whatif/1"
    assert told["breaches"]["after"] < told["breaches"]["before"]
    assert {(row["before"], row["after"]) for row in told["changes"]} == {
        ("breached", "met"),
        ("breached", "open"),
    }


def test_shorter_target_is_the_opposite(ingested, policy_file):
    told = succeed("whatif", policy_file(SHORTER), "--json", "-w", ingested).json

    assert told["breaches"]["after"] > told["breaches"]["before"]
    assert {row["after"] for row in told["changes"]} == {"breached"}


@pytest.mark.parametrize("name", ["by_metric", "by_priority", "by_group", "by_month"])
def test_every_table_adds_up(ingested, policy_file, name):
    told = succeed("whatif", policy_file(LONGER), "--json", "-w", ingested).json

    for end in ("before", "after"):
        assert sum(row[f"breaches_{end}"] for row in told[name]) == told["breaches"][end]
        assert sum(row[f"clocks_{end}"] for row in told[name]) == told["clocks"][end]


def test_both_readings_agree_with_the_clock(workspace, policy_file):
    told = succeed("whatif", policy_file(LONGER), "--json", "-w", workspace).json

    breaches = {}
    for end, text in (("before", SLA), ("after", LONGER)):
        (workspace / "sla.toml").write_text(text, encoding="utf-8")
        states = succeed("clock", "--json", "-w", workspace).json["states"]
        late = (row["cycles"] for row in states if row["state"] in {"missed", "overdue"})
        breaches[end] = sum(late)
    assert told["breaches"] == breaches


def test_money_is_breaches_times_costs(ingested, policy_file):
    told = succeed("whatif", policy_file(LONGER), "--json", "-w", ingested).json
    costs = {"critical": 500, "high": 200, "moderate": 50, "low": 10}

    (bill,) = told["money"]

    assert bill["currency"] == "EUR"
    assert bill["after"] == sum(
        costs[row["priority"]] * row["breaches_after"] for row in told["by_priority"]
    )


def test_out_has_every_clock_that_changes(ingested, policy_file, tmp_path):
    out = tmp_path / "changes.parquet"

    told = succeed("whatif", policy_file(SHORTER), "--out", out, "--json", "-w", ingested).json

    assert pl.read_parquet(out).height == sum(row["clocks"] for row in told["changes"])
    assert len(told["examples"]["met_to_breached"]) == 20


def test_workspace_stays_as_it_was(ingested, policy_file):
    before = fingerprint(ingested)

    succeed("whatif", policy_file(SHORTER), "-w", ingested)

    assert fingerprint(ingested) == before


def test_sentences_come_before_tables(ingested, policy_file):
    told = " ".join(succeed("whatif", policy_file(SHORTER), "-w", ingested).out.split())

    assert told.index("behaviour is held fixed") < told.index("Priority")
    assert "assuming that a breach costs, by priority, critical €500" in told
    assert re.search(r"From met to breached: T\d+, .* and \d+ more", told, re.DOTALL)


def test_later_events_change_nothing(ingested, policy_file):
    words = ("whatif", policy_file(LONGER), "--json", "-w", ingested)

    early = succeed(*words, "--as-of", "2025-09-15").json

    assert early["as_of"] == "2025-09-14T22:00:00+00:00"
    assert {row["month"] for row in early["by_month"]} == {"2025-09"}


def test_impossible_policy_file_is_refused(ingested, policy_file):
    outcome = sniper("whatif", policy_file(SLA.replace("office", "offise", 1)), "-w", ingested)

    assert outcome.code == 20
    assert outcome.err.count("error:") == 1
    assert outcome.out == ""


def test_examples_of_the_page_hold(policy_file):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    told = succeed("policy", "test", policy_file(example), "--strict").out

    assert told.count("ok ") == example.count("[[examples]]")


def test_workspace_file_is_the_default(workspace):
    with (workspace / "sla.toml").open("a", encoding="utf-8") as file:
        file.write(EXAMPLE.format(target="4h"))

    told = succeed("policy", "test", "--json", "-w", workspace).json

    assert (told["n_examples"], told["n_failed"]) == (1, 0)


def test_failing_example_has_its_own_code(policy_file):
    path = policy_file(SLA + EXAMPLE.format(target="5h"))

    outcome = sniper("policy", "test", path)

    assert outcome.code == 24
    assert "resolution_time.target: expected 5h, got 4h" in outcome.out
    assert outcome.err.startswith("error:")


def test_failing_example_is_still_one_object(policy_file):
    outcome = sniper("policy", "test", policy_file(SLA + EXAMPLE.format(target="5h")), "--json")

    assert outcome.code == 24
    assert json.loads(outcome.out)["n_failed"] == 1


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--strict",), 24)])
def test_file_without_examples_says_so(policy_file, words, code):
    outcome = sniper("policy", "test", policy_file(SLA), *words)

    assert outcome.code == code
    assert "has no examples" in outcome.out


def test_unreadable_example_is_a_configuration_error(policy_file):
    example = EXAMPLE.format(target="4h").replace("events", "evnets")

    outcome = sniper("policy", "test", policy_file(SLA + example))

    assert outcome.code == 20
    assert "Four hours for what is critical" in outcome.err
