"""The honesty gate decides what ranks and what is said, in every place that says it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import UnreadableFileError
from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.usecases import backtest as usecase
from sla_sniper.usecases import verdicts
from sla_sniper.usecases.backtest import Plan
from sla_sniper.usecases.bundles import model_in_use
from sla_sniper.usecases.command_center import stored_period
from sla_sniper.usecases.files import write_table
from sla_sniper.usecases.kill_list import Terms, keep_queue

from .conftest import BACKTEST, sniper, succeed

pytestmark = pytest.mark.slow

RULE = "edf_value"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = Plan(
    datetime(2025, 10, 27, tzinfo=UTC), datetime(2025, 10, 30, tzinfo=UTC), (5,), "day", "logistic"
)


def close_gate(folder, capacity):
    """Store the verdict of a backtest in which the forecast saved no more than a rule."""
    path = folder / "outputs" / "backtest" / "summary.json"
    facts = json.loads(path.read_text())
    for verdict in facts["verdicts"]:
        if verdict["advantage"]["capacity"] == capacity:
            verdict["policy"] = RULE
            verdict["sentence"] = f"no measurable advantage over {RULE} at {capacity} a day"
            verdict["advantage"] |= {"rule": RULE, "low": -9.0, "claimed": False}
    path.write_text(json.dumps(facts))


def claim_at(folder, capacity):
    """Store the verdict of a backtest in which the forecast saved more."""
    path = folder / "outputs" / "backtest" / "summary.json"
    facts = json.loads(path.read_text())
    verdict = next(v for v in facts["verdicts"] if v["advantage"]["capacity"] == capacity)
    verdict |= {"policy": "sniper", "sentence": f"sniper saves €9 at {capacity} a day"}
    verdict["advantage"] |= {"difference": 9.0, "low": 5.0, "high": 13.0, "claimed": True}
    path.write_text(json.dumps(facts))


@pytest.mark.parametrize("is_listed", [True, False], ids=["nobody is listed", "no list"])
def test_page_knows_the_model_in_use_without_a_listed_ticket(trained, is_listed):
    path = trained / "outputs" / "backtest" / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": "hazard"}))
    workspace = open_workspace(trained)
    if is_listed:
        version = model_in_use(workspace)["version"]
        nobody = pl.DataFrame(schema=dict(PREDICTIONS))
        keep_queue(nobody, workspace, Terms(workspace.sla.stakes, 10, None, version))

    period = stored_period(workspace)

    assert period.model == model_in_use(workspace)
    assert period.is_of_another_model


def test_a_backtest_cut_short_is_never_read(trained, monkeypatch):
    def until_training(frame, path, **about):
        if path.name == "training.parquet":
            raise KeyboardInterrupt
        write_table(frame.with_columns(p_breach=0.5), path, **about)

    monkeypatch.setattr(usecase, "write_table", until_training)
    with pytest.raises(KeyboardInterrupt):
        usecase.run_backtest(trained, PLAN, now=NOW)

    for verb in (["queue"], ["export", "csv", trained / "csv"]):
        outcome = sniper(*verb, "-w", trained)
        assert outcome.code == 11
        assert "predictions.parquet cannot be read: it is not of the same backtest" in outcome.err
    with pytest.raises(UnreadableFileError, match="run `sniper backtest` again"):
        stored_period(open_workspace(trained))


def test_a_backtest_that_names_no_files_is_read(trained):
    path = trained / "outputs" / "backtest" / "summary.json"
    facts = json.loads(path.read_text())
    assert set(facts.pop("files")) == {"predictions.parquet", "training.parquet"}
    path.write_text(json.dumps(facts))
    (path.parent / "training.parquet").unlink()

    assert stored_period(open_workspace(trained)).training is None


def test_open_gate_lets_the_forecast_rank(trained):
    facts = succeed("queue", "--capacity", "10", "-w", trained, "--json").json

    assert facts["policy"] == "sniper"
    assert facts["verdict"].startswith("sniper saves")


@pytest.fixture
def closed(trained):
    close_gate(trained, 10)
    return trained


def test_closed_gate_ranks_the_queue_by_the_rule(closed):
    facts = succeed("queue", "--capacity", "10", "-w", closed, "--json").json
    words = succeed("queue", "--capacity", "10", "-w", closed)

    assert facts["policy"] == RULE
    assert {row["policy"] for row in facts["queue"]} == {RULE}
    assert facts["slot_price"] is None
    assert facts["verdict"].startswith(f"no measurable advantage over {RULE}")
    assert f"by {RULE}" in words.out
    assert "no measurable advantage" in " ".join(words.out.split())


def test_closed_gate_exports_the_list_of_the_rule(closed, tmp_path):
    succeed("export", "csv", tmp_path, "-w", closed)

    head, first, *_ = (tmp_path / "predictions.csv").read_text().splitlines()
    assert dict(zip(head.split(","), first.split(","), strict=False))["as_of"]
    assert f",{RULE}," in first


def test_closed_gate_makes_the_report_claim_nothing(closed):
    facts = succeed("report", "-w", closed, "--json").json

    text = (closed / "outputs" / "executive_slides.md").read_text()
    assert facts["verdict"].startswith(f"no measurable advantage over {RULE}")
    assert "No advantage is claimed." in text
    assert f"Escalating by `{RULE}` would have saved" in text
    assert "Escalating by `sniper`" not in text


def test_closed_gate_makes_the_report_project_nothing(closed, backtested):
    for folder in (closed, backtested):
        succeed("report", "--out", closed / f"{folder == closed}.md", "-w", folder)
    told, claimed = ((closed / f"{name}.md").read_text() for name in (True, False))

    assert f"a year against escalating nobody, by `{RULE}`" in told
    assert "No advantage of the forecast is projected, because none is claimed." in told
    assert "Of that, against the simplest rival" not in told
    assert "- Of that, against the simplest rival: €" in claimed


@pytest.mark.parametrize(("last_day", "is_old"), [("2025-08-02", False), ("2025-08-01", True)])
def test_report_says_how_old_a_claim_is(trained, monkeypatch, last_day, is_old):
    monkeypatch.setattr(verdicts, "denied_by_training", lambda *_: None)
    path = trained / "outputs" / "backtest" / "summary.json"
    facts = json.loads(path.read_text()) | {"first_day": "2025-07-01", "last_day": last_day}
    path.write_text(json.dumps(facts))

    succeed("report", "-w", trained)

    text = (trained / "outputs" / "executive_slides.md").read_text()
    assert ("That claim is 91" in text) == is_old


def test_report_under_other_costs_is_refused(trained):
    told = (trained / "sla.toml").read_text()
    (trained / "sla.toml").write_text(told.replace("intervention = 2", "intervention = 3"))

    outcome = sniper("report", "-w", trained)

    assert outcome.code == 37
    assert outcome.err.splitlines()[-1].endswith(
        "has no backtest under the promises and costs that sla.toml has now; "
        "run `sniper backtest` first."
    )
    assert not (trained / "outputs" / "executive_slides.md").exists()


def test_claim_stands_where_the_desks_own_capacity_shows_one_too(trained):
    claim_at(trained, 5)

    assert succeed("queue", "--capacity", "5", "-w", trained, "--json").json["policy"] == "sniper"


def test_claim_is_withheld_where_the_desks_own_capacity_shows_none(closed):
    claim_at(closed, 5)

    facts = succeed("queue", "--capacity", "5", "-w", closed, "--json").json

    assert facts["policy"] != "sniper"
    assert facts["verdict"].endswith(", none is shown at 10 a day, which is asked first)")


def test_claim_is_withheld_where_the_own_capacity_was_not_measured(trained):
    told = (trained / "sla.toml").read_text()
    (trained / "sla.toml").write_text(told.replace("per_day = 10", "per_day = 7"))
    claim_at(trained, 5)

    facts = succeed("queue", "--capacity", "5", "-w", trained, "--json").json

    assert facts["policy"] != "sniper"
    assert facts["verdict"].endswith(", none was measured at 7 a day, which is asked first)")


def test_backtest_at_another_capacity_judges_the_desks_own_too(trained):
    words = ("--from", "2025-10-27", "--to", "2025-10-30")
    facts = succeed(
        "backtest", "--model", "logistic", "--capacity", "5", *words, "-w", trained, "--json"
    ).json

    for name in ("policies", "advantage", "differences"):
        assert {row["capacity"] for row in facts[name]} == {5}
    assert facts["capacities"] == [5]
    assert facts["own_verdict"]["advantage"]["capacity"] == 10
    assert [(each["capacity"], each["policy"]) for each in facts["in_force"]] == [
        (5, facts["verdicts"][0]["policy"])
    ]
    queue = succeed("queue", "-w", trained, "--json").json
    assert queue["verdict"] == facts["own_verdict"]["sentence"]


def test_verdict_of_a_past_backtest_counts_for_its_own_costs_alone(closed):
    told = (closed / "sla.toml").read_text()
    (closed / "sla.toml").write_text(told.replace("intervention = 2", "intervention = 3"))

    facts = succeed("queue", "--capacity", "10", "-w", closed, "--json").json

    assert facts["verdict"].startswith("no advantage over ")
    assert "was measured at 10 a day with these settings" in facts["verdict"]
    assert facts["policy"] != "sniper"


def test_few_days_close_the_gate_by_themselves(trained):
    words = ("--from", "2025-10-27", "--to", "2025-10-30")
    succeed(*BACKTEST[:-4], *words, "-w", trained)

    facts = succeed("queue", "--capacity", "10", "-w", trained, "--json").json

    assert "too few to tell" in facts["verdict"]
    assert facts["policy"] != "sniper"
