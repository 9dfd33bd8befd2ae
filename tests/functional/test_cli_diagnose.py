"""`diagnose` as an analyst runs it: findings, their tickets, and what cannot be asked."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime

import polars as pl
import pytest

from sla_sniper.core.words import command
from sla_sniper.usecases.desk import open_desk

from .conftest import MAP, SLA, sniper, succeed, write_desk

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(ingested):
    return succeed("diagnose", "-w", ingested, "--json").json


def test_findings_come_by_money_with_interval_and_check(told):
    money = [each["money"]["estimate"] for each in told["findings"]]

    assert money == sorted(money, reverse=True)
    assert told["currency"] == "EUR"
    for each in told["findings"]:
        assert each["money"]["low"] <= each["money"]["estimate"] <= each["money"]["high"]
        assert shlex.split(each["check"]) == ["sniper", "diagnose", "--tickets", each["id"]]
        assert each["meaning"]


def test_tickets_of_each_finding_can_be_listed(told, ingested, tmp_path):
    for each in [*told["findings"][:3], *told["findings"][-3:]]:
        listed = succeed("diagnose", "--tickets", each["id"], "-w", ingested, "--json").json

        assert listed["schema"] == "sniper.diagnose_tickets/1"
        assert listed["finding"] == each
        assert 0 < len(listed["tickets"]) == each["tickets"] <= each["clocks"]
    out = tmp_path / "tickets.csv"
    words = succeed("diagnose", "--tickets", each["id"], "--out", out, "-w", ingested).out
    assert pl.read_csv(out)["ticket_id"].to_list() == words.splitlines()[-len(listed["tickets"]) :]


def test_the_tickets_of_a_finding_are_those_that_it_is_about(told, ingested):
    desk = open_desk(ingested, asked=None, now=datetime(2026, 1, 1, tzinfo=UTC))
    clocks = desk.cycles(as_of=desk.as_of)
    missed = set(clocks.filter(pl.col("state").is_in(["missed", "overdue"]))["ticket_id"])
    conduct = {each["name"]: each for each in told["conduct"]}
    assert clocks["state"].is_in(["running", "paused"]).any()

    for each in told["findings"]:
        tickets = [row["ticket_id"] for row in run_check(each, ingested)]

        kind, _, name = each["id"].partition(":")
        if kind == "conduct":
            assert tickets[:5] == conduct[name]["examples"]
            assert each["clocks"] == conduct[name]["n"]
        else:
            assert missed >= set(tickets)


def run_check(finding, folder):
    """Tickets that the finding's own command lists, read as a shell reads it."""
    _, *words = shlex.split(finding["check"])
    return succeed(*words, "--json", "-w", folder).json["tickets"]


TWO_METRICS = """  pause_in = ["waiting_requester"]

  [[policies.targets]]
  metric = "agent_work_time"
  calendar = "office"
  target = { default = "2h" }
  pause_in = ["waiting_requester"]
"""


def test_the_check_of_another_metric_lists_the_tickets_of_that_metric(rows, tmp_path):
    folder = write_desk(tmp_path / "desk", rows)
    (folder / "sla.toml").write_text(
        SLA.replace('  pause_in = ["waiting_requester"]\n', TWO_METRICS)
    )

    told = succeed("diagnose", "--metric", "agent_work_time", "--json", "-w", folder).json

    finding = next(each for each in told["findings"] if each["id"] == "leg:unassigned")
    assert finding["check"].endswith("--metric agent_work_time")
    assert len(run_check(finding, folder)) == finding["tickets"]
    main = succeed("diagnose", "--json", "-w", folder).json["findings"]
    same = next(each for each in main if each["id"] == "leg:unassigned")
    assert same["tickets"] != finding["tickets"]


def test_the_check_of_an_earlier_instant_lists_what_was_known_then(ingested):
    told = succeed("diagnose", "--as-of", "2025-10-10T12:00", "--json", "-w", ingested).json

    finding = next(each for each in told["findings"] if each["id"] == "leg:unassigned")
    assert finding["check"].endswith("--as-of 2025-10-10T10:00:00+00:00")
    assert len(run_check(finding, ingested)) == finding["tickets"]


@pytest.mark.parametrize("name", ["O'Brien", " $(id)", "a\nb", "\x1b[31m\u202eab\\'"])
def test_any_name_comes_through_a_shell_and_can_be_read(name):
    typed = command(["printf", "%s", f"where:group={name}"])

    assert typed.isprintable()
    heard = subprocess.run(["bash", "-c", typed], capture_output=True, check=True)
    assert heard.stdout.decode() == f"where:group={name}"


def test_every_cell_is_written_and_counts_every_clock(told, ingested, tmp_path):
    succeed("diagnose", "--out", tmp_path / "cells.parquet", "-w", ingested)

    cells = pl.read_parquet(tmp_path / "cells.parquet")
    assert cells.height == told["n_cells"]
    is_person = pl.any_horizontal(
        pl.col("dimension", "dimension_2").eq("assignee").fill_null(value=False)
    )
    assert cells.filter(is_person)["n"].min() >= 30
    cells = cells.filter(~is_person)
    sums = cells.group_by("dimension", "dimension_2").agg(pl.col("n", "n_missed").sum())
    assert set(sums["n"]) == {told["n"]}
    assert set(sums["n_missed"]) == {told["n_missed"]}


def test_words_tell_what_the_json_tells(told, ingested):
    words = " ".join(succeed("diagnose", "-w", ingested).out.split())

    for sentence in told["sentences"]:
        assert sentence in words
    assert told["mechanical"] == ["priority"]
    assert all(curve["sentence"] in words for curve in told["curves"])
    assert all(command([each["id"]]) in words for each in told["findings"])
    assert told["findings"][0]["check"] in words
    for each in told["conduct"]:
        assert each["sentence"] in words
        assert not each["examples"] or ", ".join(each["examples"]) in words
    assert told["cut"]["sentence"] in words
    for title in (
        "Dearest values", "Goes with missing", "Group, with everybody's tickets", "Week of",
        "Where the time went", "In the mean of the weeks most comes in on", "After the breach: of",
    ):  # fmt: skip
        assert title in words, title


def test_the_hidden_reason_matters_once_priority_is_known(told):
    by_name = {each["dimension"]: each for each in told["conditions"]}

    assert by_name["group"]["matters"]
    assert "priority" not in by_name


def test_legs_sum_to_the_wall_time(told):
    assert sum(leg["share_of_missed"] for leg in told["legs"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("--tickets", "leg:betwen_groups"),
            47,
            "The diagnosis has no finding 'leg:betwen_groups'",
        ),
        (("--metric", "first_reply"), 26, "No policy in sla.toml times 'first_reply'"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(ingested, words, code, said):
    outcome = sniper("diagnose", *words, "-w", ingested)

    assert outcome.code == code
    assert said in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("tickets", [(), ("--tickets", "leg:unassigned")])
@pytest.mark.parametrize(
    ("name", "code"), [("cells.xls", 34), ("file/cells.csv", 35), ("folder.csv", 35)]
)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    ingested, tmp_path, name, code, tickets
):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()

    outcome = sniper("diagnose", *tickets, "--out", tmp_path / name, "-w", ingested)

    assert outcome.code == code
    # Not even the log was read.
    assert len(outcome.err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]


def test_without_prices_findings_are_counted_in_misses(rows, tmp_path):
    folder = write_desk(tmp_path / "desk", rows)
    (folder / "sla.toml").write_text(SLA.split("[costs]")[0])

    told = succeed("diagnose", "-w", folder, "--json").json

    assert told["currency"] == ""
    assert any(" they cost " in each["sentence"] and " misses." in each["sentence"]
               for each in told["findings"] if each["id"].startswith("where:"))  # fmt: skip


def test_a_terminal_obeys_no_name_and_shows_every_sign_of_it(rows, tmp_path):
    name = "\x1b[31m\u202ered\nline"
    folder = write_desk(
        tmp_path / "desk",
        rows.with_columns(
            team=pl.when(pl.col("team") == "network").then(pl.lit(name)).otherwise("team"),
            number=pl.lit("\x1b]0;title\x07") + pl.col("number"),
        ),
    )

    told = succeed("diagnose", "--json", "-w", folder).json
    words = succeed("diagnose", "-w", folder).out
    finding = next(each for each in told["findings"] if "red" in each["id"])
    tickets = succeed("diagnose", "--tickets", finding["id"], "-w", folder).out

    for text in (words, tickets):
        assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert r"\x1b[31m\u202ered\nline" in words
    assert tickets.splitlines()[-1].startswith(r"\x1b]0;title\x07T")


def test_tickets_of_several_sources_are_listed_with_theirs(rows, tmp_path):
    folder = write_desk(tmp_path / "desk", rows.head(900), source="east")
    (folder / "map.toml").write_text(MAP.format(source="west"))
    west = tmp_path / "west.csv"
    rows.head(900).write_csv(west)
    succeed("ingest", west, "-w", folder)

    told = succeed("diagnose", "--json", "-w", folder).json
    finding = next(each for each in told["findings"] if each["id"] == "leg:unassigned")
    words = succeed("diagnose", "--tickets", finding["id"], "-w", folder).out.splitlines()

    assert len(words) == 1 + finding["tickets"]
    assert {line.split()[0] for line in words[1:]} == {"east", "west"}


def test_one_ticket_is_diagnosed_in_words(rows, tmp_path):
    first = rows.filter(pl.col("number") == rows["number"][0])
    folder = write_desk(tmp_path / "desk", first)

    assert "nan" not in succeed("diagnose", "-w", folder).out


STRANGE = "<script>alert(1)</script>=cmd()\u202e\U0001f525"


@pytest.mark.parametrize(
    "change",
    [
        pl.lit("L1").alias("team"),
        pl.lit(STRANGE).alias("team"),
        pl.when(pl.col("team") == "network").then(pl.lit(STRANGE)).otherwise("team").alias("team"),
        pl.format("team {}", pl.int_range(pl.len())).alias("team"),
    ],
    ids=["one value", "one strange value", "a strange value", "a value a row"],
)
def test_any_values_of_a_dimension_are_diagnosed(rows, tmp_path, change):
    folder = write_desk(tmp_path / "desk", rows.with_columns(change))

    told = succeed("diagnose", "-w", folder, "--json").json
    succeed("diagnose", "-w", folder)

    groups = [each for each in told["cells"] if each["dimension"] == "group"]
    assert sum(each["n"] for each in groups if each["dimension_2"] is None) <= told["n"]


@pytest.mark.parametrize("target", ["1m", "999d"], ids=["nearly all missed", "none missed"])
def test_a_desk_that_misses_nearly_all_or_nothing_is_diagnosed(rows, tmp_path, target):
    folder = write_desk(tmp_path / "desk", rows)
    text = (folder / "sla.toml").read_text()
    head, _, rest = text.partition("target = {")
    _, _, tail = rest.partition("}")
    (folder / "sla.toml").write_text(f'{head}target = {{ default = "{target}" }}{tail}')

    told = succeed("diagnose", "-w", folder, "--json").json

    assert told["n_missed"] == 0 or told["n"] - told["n_missed"] == 1
    assert (told["conditions"] == []) == (told["n_missed"] == 0)
    succeed("diagnose", "-w", folder)
