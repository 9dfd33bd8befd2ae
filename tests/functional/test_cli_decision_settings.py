"""What settings of the decision change: lost tickets, act by, kinds of capacity, contracts."""

from __future__ import annotations

import json
import re
from datetime import datetime

import polars as pl
import pytest

from sla_sniper.config.workspace import open_workspace
from sla_sniper.usecases.kill_list import Terms, stored_queue

from .conftest import never_resolved_after, sniper, succeed, write_desk

pytestmark = pytest.mark.slow

DAY = ("--epoch", "day", "--from", "2025-10-20", "--to", "2025-10-29")
SHORT = ("backtest", "--model", "logistic", "--capacity", "5", *DAY)
EFFECT = "effectiveness = { value = 0.5, low = 0.3, high = 0.7 }"
CAPACITY = "[capacity]\nper_day = 10\n"
KINDS = """
[[capacity]]
name = "network"
when = { group = ["network"] }
minutes = 60
effort = { critical = 40, default = 20 }

[[capacity]]
name = "others"
when = { group = ["desk", "apps", "field"] }
per_day = 2
"""
CONTRACT = """
[[costs.attainment]]
by = "channel"
period = "month"
at_least = 0.68
credit = 100000
"""


def edit(folder, before, after):
    path = folder / "sla.toml"
    told = path.read_text()
    assert before in told
    path.write_text(told.replace(before, after))


def test_queue_says_until_when_to_act(trained):
    facts = succeed("queue", "--capacity", "30", "-w", trained, "--json").json

    now = datetime.fromisoformat(facts["as_of"])
    assert facts["slot_price"] is None
    assert all(row["slack_s"] <= 0 for row in facts["lost"])
    for row in facts["queue"]:
        due = datetime.fromisoformat(row["due_at"])
        # The effect is constant: what pays now pays until the deadline.
        assert row["act_by"] is None or datetime.fromisoformat(row["act_by"]) == due > now
    assert any(row["act_by"] for row in facts["queue"])
    workspace = open_workspace(trained)
    found = stored_queue(workspace)
    assert found.terms == Terms(workspace.sla.stakes, 30, None, found.model_in_use)
    assert found.outdated_by == ""


def test_falling_effect_brings_act_by_forward(trained):
    edit(trained, EFFECT, EFFECT.replace("}", ', falls_over = "24h" }'))

    facts = succeed("queue", "--capacity", "30", "-w", trained, "--json").json

    pays = [row for row in facts["queue"] if row["act_by"]]
    assert pays
    assert all(facts["as_of"] <= row["act_by"] < row["due_at"] for row in pays)
    assert all(row["expected_saving"] > 0 for row in pays)


def test_lost_tickets_are_listed_apart(trained):
    before = succeed("queue", "--capacity", "999", "-w", trained, "--json").json
    edit(trained, EFFECT, EFFECT.replace("}", ', point_of_no_return = "3h" }'))

    facts = succeed("queue", "--capacity", "999", "-w", trained, "--json").json
    words = succeed("queue", "-w", trained)

    late = [row for row in facts["lost"] if row["slack_s"] >= 0]
    lost = {row["ticket_id"] for row in facts["lost"]}
    assert late
    assert all(row["slack_s"] < 3 * 3600 for row in late)
    assert lost.isdisjoint(row["ticket_id"] for row in facts["queue"])
    assert facts["eligible"] == before["eligible"] - len(late)
    ranked = pl.read_parquet(trained / "outputs" / "queue.parquet")
    assert lost.isdisjoint(ranked["ticket_id"])
    assert "past the point of no return" in words.out


def test_overdue_tickets_are_listed_after_those_just_lost(trained):
    edit(trained, EFFECT, EFFECT.replace("}", ', point_of_no_return = "3h" }'))
    cycles = trained / "cycles.parquet"
    succeed("clock", "--out", cycles, "-w", trained)
    standing = pl.read_parquet(cycles)
    over = standing.filter(pl.col("state") == "overdue")

    facts = succeed("queue", "--json", "-w", trained).json
    words = succeed("queue", "-w", trained).out

    slack = [row["slack_s"] for row in facts["lost"]]
    n_late = len(slack) - over.height
    assert slack == sorted(slack[:n_late]) + sorted(slack[n_late:], reverse=True)
    assert slack[n_late - 1] >= 0 > slack[n_late]
    assert {row["ticket_id"] for row in facts["lost"][n_late:]} == set(over["ticket_id"])
    assert facts["overdue"] == over.height > 0
    assert facts["paused"] == standing.filter(pl.col("state") == "paused").height > 0
    assert f"{over.height} clocks of theirs overdue and still open" in words
    assert re.search(r"\d (h|min) over", words)


def test_an_overdue_ticket_is_told_as_it_stands_now(trained, rows):
    states = succeed("queue", "--json", "-w", trained).json["lost"]

    last = {row["number"]: row for row in rows.iter_rows(named=True)}
    costs = {"critical": 500, "high": 200, "moderate": 50, "low": 10}
    assert states
    for row in states:
        assert row["group"] == last[row["ticket_id"]]["team"]
        assert row["cost"] == costs[row["priority"]]


def test_replay_never_counts_the_lost_as_catchable(trained):
    before = succeed(*SHORT, "-w", trained, "--json").json
    edit(trained, EFFECT, EFFECT.replace("}", ', point_of_no_return = "3h" }'))

    words = succeed(*SHORT, "-w", trained).out
    succeed("report", "-w", trained)

    stored = trained / "outputs"
    after = json.loads((stored / "backtest" / "summary.json").read_text())
    assert 0 < after["catchable_tickets"] < before["catchable_tickets"]
    assert after["n_days"] == before["n_days"]
    assumed = "none under 3 h of working time, and costs"
    assert assumed in " ".join(words.split())
    assert (stored / "executive_slides.md").read_text().count(assumed) == 2


def test_queue_and_replay_obey_kinds_of_capacity(trained, tmp_path):
    edit(trained, CAPACITY, KINDS)

    facts = succeed("queue", "-w", trained, "--json").json
    succeed(*SHORT, "--out", tmp_path / "d.parquet", "-w", trained)

    groups = [row["group"] for row in facts["queue"]]
    assert facts["capacity"] == 5
    assert "sniper backtest --capacity 5 measures it" in facts["verdict"]
    assert sum(group != "network" for group in groups) <= 2
    assert 0 < groups.count("network") <= 3
    chosen = pl.read_parquet(tmp_path / "d.parquet").join(
        pl.read_parquet(tmp_path / "predictions.parquet").select(
            "landmark", "ticket_id", "group", "priority"
        ),
        on=["landmark", "ticket_id"],
    )
    chosen = chosen.filter(~pl.col("policy").is_in(["nuke"]))
    minutes = pl.when(pl.col("priority") == "critical").then(40).otherwise(20)
    per_day = chosen.group_by("policy", pl.col("landmark")).agg(
        minutes.filter(pl.col("group") == "network").sum().alias("minutes"),
        (pl.col("group") != "network").sum().alias("others"),
    )
    assert per_day["minutes"].max() <= 60
    assert per_day["others"].max() <= 2
    assert {"sniper", "oracle", "edf", "random"} <= set(per_day["policy"])


def test_contract_makes_breaches_on_the_edge_dear(trained, tmp_path):
    plain = succeed("exposure", "-w", trained, "--json").json
    succeed("queue", "-w", trained)
    before = pl.read_parquet(trained / "outputs" / "queue.parquet")
    edit(trained, "[capacity]", CONTRACT + "\n[capacity]")

    facts = succeed("exposure", "--out", tmp_path / "e.csv", "-w", trained, "--json").json
    succeed("queue", "-w", trained)
    after = pl.read_parquet(trained / "outputs" / "queue.parquet")

    assert (plain["accounts"], plain["expected_credit"]) == ([], 0.0)
    rows = {row["account"]: row for row in facts["accounts"] if row["period"] == "2025-10-01"}
    assert set(rows) == {"mail", "phone", "portal"}
    assert all(row["met"] + row["missed"] > 100 for row in rows.values())
    assert facts["expected_credit"] == pytest.approx(
        sum(row["expected_credit"] for row in facts["accounts"])
    )
    assert pl.read_csv(tmp_path / "e.csv").height == len(facts["accounts"])
    keys = ["ticket_id", "metric"]
    more = after.join(before, on=keys).select(pl.col("cost") - pl.col("cost_right"))["cost"]
    assert more.min() >= 0
    assert more.max() > 0
    assert more.max() <= 100_000


def test_contract_of_the_past_reads_a_cut_log(trained):
    edit(trained, "[capacity]", CONTRACT + "\n[capacity]")

    early = succeed("exposure", "--as-of", "2025-10-06T12:00", "-w", trained, "--json").json

    october = [row for row in early["accounts"] if row["period"] == "2025-10-01"]
    late = succeed("exposure", "-w", trained, "--json").json
    assert sum(row["met"] for row in october) < sum(row["met"] for row in late["accounts"])
    assert all(row["expected"] > 0 for row in october)


def test_marginal_credit_never_knows_what_comes_later(workspace, tmp_path, rows):
    landmark = "2025-10-22 08:00:00"
    twin = write_desk(tmp_path / "twin" / "desk", never_resolved_after(rows, landmark))
    words = ("--epoch", "day", "--from", "2025-10-22", "--to", "2025-10-23")

    costs = []
    for folder in (workspace, twin):
        edit(folder, "[capacity]", CONTRACT + "\n[capacity]")
        out = folder.parent / "d.parquet"
        succeed(
            "backtest", "--model", "logistic", "--capacity", "5", *words, "--out", out, "-w", folder
        )
        pool = pl.read_parquet(folder.parent / "predictions.parquet")
        costs.append(pool.select("ticket_id", "cost").sort("ticket_id"))
        assert (pool["cost"] - pool["credit"]).round(6).is_in([500.0, 200.0, 50.0, 10.0]).all()
        assert pool["credit"].max() > 0

    assert costs[0].equals(costs[1])
    assert costs[0]["cost"].max() > 500


def test_backtest_leaves_its_charts_behind(backtested):
    stored = backtested / "outputs" / "backtest"
    summary = json.loads((stored / "summary.json").read_text())

    swings = [each["name"] for each in summary["sensitivity"]["swings"]]
    assert {"effectiveness", "intervention", "breach.critical", "falls_over"} <= set(swings)
    assert [point["effectiveness"] for point in summary["sensitivity"]["curve"]][::5] == [0, 0.5, 1]
    for name in ("tornado", "break_even"):
        assert "vega-lite" in json.loads((stored / f"{name}.vl.json").read_text())["$schema"]


def test_words_of_exposure_name_the_accounts(trained):
    without = succeed("exposure", "-w", trained)
    edit(trained, "[capacity]", CONTRACT + "\n[capacity]")

    words = succeed("exposure", "-w", trained)

    assert "No contract pays on attainment: sla.toml has no [[costs.attainment]]." in without.out
    assert "portal" in words.out


def test_exposure_needs_costs_but_no_effectiveness(workspace):
    edit(workspace, EFFECT, "")
    edit(workspace, "[capacity]", CONTRACT + "\n[capacity]")

    facts = succeed("exposure", "-w", workspace, "--json").json

    assert facts["accounts"]
    assert sniper("queue", "-w", workspace).code == 27


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (CAPACITY, '[[capacity]]\nname = "a"\nminutes = 9\n', "minutes need effort"),
        (CAPACITY, '[[capacity]]\nname = "a"\nper_day = 9\nwhen = { mood = ["x"] }\n', "mood"),
        (CAPACITY, '[[capacity]]\nname = "a"\nper_day = 9\nhours = "22:00-06:00"\n', "write two"),
        (CAPACITY, '[[capacity]]\nname = "a"\nper_day = 9\nminutes = 3\neffort = 1\n', "either"),
        ("[capacity]", CONTRACT.replace("0.68", "1.5") + "\n[capacity]", "at_least"),
        ("[capacity]", CONTRACT.replace("channel", "colour") + "\n[capacity]", "goes by one of"),
        (EFFECT, EFFECT.replace("}", ', point_of_no_return = "soon" }'), "duration"),
    ],
)  # fmt: skip
def test_impossible_settings_are_refused_with_their_line(workspace, before, after, said):
    edit(workspace, before, after)

    outcome = sniper("queue", "-w", workspace)

    assert outcome.code == 20
    assert "line " in outcome.err
    assert said in outcome.err
