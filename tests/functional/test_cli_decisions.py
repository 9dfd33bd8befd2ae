"""`train`, `backtest`, `queue`, `export` and `report`: what is decided, and from what knowledge."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.core.words import count
from sla_sniper.model.estimators import make_estimator

from .conftest import BACKTEST, ZONE, never_resolved_after, sniper, succeed, write_desk

pytestmark = pytest.mark.slow

POLICIES = {
    "random", "oldest", "priority", "edf", "priority_edf", "edf_value",
    "logistic", "risk", "sniper", "alarm", "nuke", "oracle",
}  # fmt: skip
COLUMNS = [
    "policy", "capacity", "landmark", "ticket_id", "metric", "p_breach", "expected_saving", "rank",
    "source",
]  # fmt: skip
CONTRACT = [
    "as_of", "ticket_id", "metric", "p_breach", "due_at", "slack_s", "cost", "expected_saving",
    "rank", "recommended", "reason_1", "reason_2", "reason_3", "model_version", "policy",
]  # fmt: skip
MIDWAY = "2025-10-20T11:30"
UNTIL_MIDWAY = pl.col("updated") <= "2025-10-20 11:30:00"
SHORT = ("backtest", "--model", "logistic", "--capacity", "5")


@pytest.fixture(scope="session")
def told(backtested):
    return json.loads((backtested.parent / "backtest.json").read_text())


@pytest.fixture(scope="session")
def decisions(backtested):
    return pl.read_csv(backtested.parent / "decisions.csv", try_parse_dates=True)


@pytest.fixture(scope="session")
def pool(backtested):
    return pl.read_parquet(backtested.parent / "predictions.parquet")


def local(name: str = "landmark") -> pl.Expr:
    return pl.col(name).dt.convert_time_zone(ZONE)


def open_days(first: datetime, last: datetime) -> list[datetime]:
    """Every weekday at 08:00 on the clocks of Amsterdam, `last` excluded."""
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    return [
        day.replace(hour=8, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
        for day in days
        if day.isoweekday() <= 5
    ]


def test_backtest_prints_one_documented_object(told):
    assert told["schema"] == "sniper.backtest/1"
    assert told["as_of"].startswith("2025-10-31T")
    assert {row["policy"] for row in told["policies"]} == {*POLICIES, "nobody"}
    assert {row["capacity"] for row in told["policies"]} == {5, 10}
    assert [row["capacity"] for row in told["advantage"]] == [5, 10]
    assert set(told["advantage"][0]) == {"capacity", "rule", "difference", "low", "high", "claimed"}
    assert told["assumptions"]["effectiveness"] == 0.5
    assert told["assumptions"]["currency"] == "EUR"


def test_replayed_models_are_fitted_again_each_week(told):
    cuts = [fitted["cut"][:10] for fitted in told["fits"]]

    days = ("05", "12", "19", "26")
    assert cuts == [f"2025-10-{day}" for day in days]  # midnights in Amsterdam


def test_a_refit_equals_a_first_fit_at_its_cut(backtested, pool, tmp_path):
    folder = shutil.copytree(backtested, tmp_path / "desk")
    week = ("--from", "2025-10-20", "--to", "2025-10-27", "--epoch", "day", "--refit", "never")

    succeed(*SHORT, *week, "--out", tmp_path / "decisions.csv", "-w", folder)

    alone = pl.read_parquet(tmp_path / "predictions.parquet")
    days = pl.col("day").is_between(date(2025, 10, 20), date(2025, 10, 26))
    assert alone.select("ticket_id", "p_breach", "p_edf").equals(
        pool.filter(days).select("ticket_id", "p_breach", "p_edf")
    )


def test_evaluate_tests_on_rolling_origins(workspace):
    asked = ("--folds", "2", "--test-days", "4", "--model", "logistic", "--ablate", "--json")

    told = json.loads(succeed("evaluate", *asked, "-w", workspace).out)

    assert told["schema"] == "sniper.evaluate/1"
    assert told["folds"][0]["until"] == told["folds"][1]["cut"]
    assert {"ticket_low", "ticket_difference_high"} <= told["metrics"][0].keys()
    assert {row["without"] for row in told["ablation"]} >= {"deadline", "group load"}


def test_report_has_a_dash_for_what_is_undefined(backtested, tmp_path):
    """Landmarks of one outcome each: within none of them is there anything to rank."""
    folder = shutil.copytree(backtested, tmp_path / "desk")
    path = folder / "outputs" / "backtest" / "summary.json"
    found = json.loads(path.read_text())
    for row in found["metrics"]:
        if row["metric"] in {"auc_within_landmark", "brier"}:
            row |= {"estimate": None, "low": None, "high": None, "difference": None}
    path.write_text(json.dumps(found))

    succeed("report", "--out", tmp_path / "slides.md", "-w", folder)

    text = (tmp_path / "slides.md").read_text()
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| oldest first")]
    assert lines[0][2] == "-"
    assert "Brier score of the forecast: -." in text


def test_explain_tells_when_a_hazard_expects_the_end(workspace):
    succeed("train", "--model", "hazard", "-w", workspace)
    ticket = succeed("queue", "--json", "-w", workspace).json["queue"][0]["ticket_id"]

    forecasts = succeed("explain", ticket, "--json", "-w", workspace).json["forecasts"]
    words = succeed("explain", ticket, "-w", workspace).out

    low, middle, high = forecasts[0]["done_in_h"]
    assert 0 < low < middle < high
    assert "Expected to be done in" in words
    assert "by the model alone, not calibrated" in words


def test_explain_tells_no_end_where_the_model_knows_no_time(trained):
    ticket = succeed("queue", "--json", "-w", trained).json["queue"][0]["ticket_id"]

    forecasts = succeed("explain", ticket, "--json", "-w", trained).json["forecasts"]

    assert forecasts[0]["done_in_h"] is None
    assert "Expected to be done" not in succeed("explain", ticket, "-w", trained).out


def test_evaluate_counts_the_folds_of_a_shutdown(tmp_path, rows):
    """Three weeks without a ticket: landmarks there are, and no clock that runs at them."""
    is_shut = pl.col("opened").is_between(pl.lit("2025-09-29"), pl.lit("2025-10-20"))
    folder = write_desk(tmp_path / "desk", rows.filter(~is_shut))
    asked = ("--folds", "3", "--test-days", "6", "--model", "logistic", "-w", folder)

    told = succeed("evaluate", *asked, "--ablate", "--json").json
    words = succeed("evaluate", *asked).out

    empty = [fold for fold in told["folds"] if fold["n_days"] == 0]
    assert told["empty_folds"] == len(empty) > 0
    assert all(fold["auc"] is None and fold["captured"] is None for fold in empty)
    assert any(fold["auc"] for fold in told["folds"])
    assert f"On the days of {count(len(empty), 'fold')} of 3 no clock ran" in words
    assert told["ablation"]


@pytest.mark.parametrize(
    ("asked", "fitted", "has_deadline"),
    [("lightgbm", "logistic", True), ("hazard", "hazard", False)],
)
def test_ablation_leaves_out_of_the_model_that_was_fitted(
    workspace, monkeypatch, asked, fitted, has_deadline
):
    names = set()

    def recorded(name, features):
        names.add(name)
        return make_estimator(name, features)

    monkeypatch.setattr("sla_sniper.usecases.evaluate.make_estimator", recorded)
    few = ("--folds", "1", "--test-days", "4", "--as-of", "2025-10-10", "--model", asked)
    told = succeed("evaluate", *few, "--ablate", "--json", "-w", workspace).json

    assert names == {fitted}
    assert ("deadline" in {row["without"] for row in told["ablation"]}) == has_deadline


def test_evaluate_refuses_more_folds_than_days(workspace):
    refused = sniper("evaluate", "--folds", "40", "-w", workspace)

    assert refused.code != 0
    assert "--folds" in refused.err


def test_claim_needs_an_interval_above_zero(told):
    for row in told["advantage"]:
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["rule"] in POLICIES
    for verdict in told["verdicts"]:
        row, is_withheld = verdict["advantage"], bool(verdict["withheld"])
        assert row["claimed"] == (row["low"] > 0 and not is_withheld)
        assert row["low"] > 0 or not is_withheld


def test_progress_goes_to_standard_error_alone(backtested):
    told = (backtested.parent / "backtest.err").read_text()

    assert "reading the event log" in told
    assert "replaying every policy" in told
    assert "{" not in told


def test_decisions_have_the_documented_columns(decisions):
    assert decisions.columns == COLUMNS
    assert set(decisions["policy"]) == POLICIES
    assert set(decisions["capacity"]) == {5, 10}


def test_no_policy_exceeds_its_daily_capacity(decisions):
    chosen = (
        decisions.filter(pl.col("policy") != "nuke")
        .group_by("policy", "capacity", local().dt.date().alias("day"))
        .agg(pl.col("ticket_id").n_unique().alias("tickets"))
    )

    assert chosen.filter(pl.col("tickets") > pl.col("capacity")).is_empty()
    assert chosen.filter(pl.col("tickets") == pl.col("capacity")).height > 0


def test_a_ticket_is_escalated_at_most_once(decisions):
    keys = ["policy", "capacity", "ticket_id", "metric"]

    assert decisions.filter(pl.struct(keys).is_duplicated()).is_empty()


def test_ranks_count_from_one_at_each_landmark(decisions):
    ranks = decisions.group_by("policy", "capacity", "landmark").agg(pl.col("rank").sort())

    assert all(row == list(range(1, len(row) + 1)) for row in ranks["rank"].to_list())


def test_daily_landmarks_hold_local_time_over_dst(pool):
    found = pool["landmark"].unique().sort().to_list()

    assert found == open_days(datetime(2025, 10, 6), datetime(2025, 10, 31))
    assert {moment.hour for moment in found} == {6, 7}


def test_every_decision_is_among_the_predictions(decisions, pool):
    keys = ["landmark", "ticket_id", "metric"]
    ours = decisions.with_columns(pl.col("landmark").cast(pool.schema["landmark"]))

    assert ours.join(pool, on=keys, how="anti").is_empty()
    joined = ours.filter(policy="sniper").join(pool, on=keys)
    assert (joined["p_breach"] - joined["p_breach_right"]).abs().max() == pytest.approx(0)
    assert pool["p_breach"].is_between(0, 1).all()


@pytest.mark.parametrize("at", ["2025-10-15T08:00", "2025-10-27T08:00"])
def test_predictions_hold_every_running_clock(trained, pool, tmp_path, at):
    succeed("clock", "--as-of", at, "--out", tmp_path / "cycles.parquet", "-w", trained)

    cycles = pl.read_parquet(tmp_path / "cycles.parquet")
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    # A clock that ran out exactly at yesterday's closing time runs still, but has no time left.
    running = cycles.filter(pl.col("due_at") > moment, state="running")
    predicted = pool.filter(pl.col("landmark") == moment)
    columns = ["ticket_id", "metric", "due_at"]
    assert running.height > 20
    assert predicted.select(columns).sort(columns).equals(running.select(columns).sort(columns))


@pytest.mark.parametrize("ending", ["parquet", "json"])
def test_decisions_in_other_formats_agree(trained, decisions, tmp_path, ending):
    path = tmp_path / f"decisions.{ending}"

    succeed(*BACKTEST, "--out", path, "-w", trained)

    again = {"parquet": pl.read_parquet, "json": pl.read_json}[ending](path)
    assert again.columns == COLUMNS
    assert again.height == decisions.height
    assert again["ticket_id"].to_list() == decisions["ticket_id"].to_list()
    assert (tmp_path / "predictions.parquet").is_file()


def test_period_includes_its_start_not_its_end(trained, tmp_path):
    words = ("--epoch", "hour", "--from", "2025-10-13T10:00", "--to", "2025-10-16T10:00")

    facts = succeed(*SHORT, *words, "--out", tmp_path / "d.csv", "-w", trained, "--json").json

    found = pl.read_parquet(tmp_path / "predictions.parquet")["landmark"].unique().sort()
    moments = found.dt.convert_time_zone(ZONE).to_list()
    hours = [
        datetime(2025, 10, day, hour, tzinfo=ZoneInfo(ZONE))
        for day in (13, 14, 15, 16)
        for hour in range(8, 18)
    ]
    assert moments == [each for each in hours if hours[2] <= each < hours[32]]
    assert facts["from"].startswith("2025-10-13T08:00")
    assert facts["to"].startswith("2025-10-16T08:00")


def test_landmarks_leave_out_holidays_and_weekends(trained, tmp_path):
    sla = (trained / "sla.toml").read_text()
    (trained / "sla.toml").write_text(sla.replace("2025-09-17", "2025-10-22"))
    words = ("--epoch", "day", "--from", "2025-10-20", "--to", "2025-10-29")

    succeed(*SHORT, *words, "--out", tmp_path / "d.csv", "-w", trained)

    pool = pl.read_parquet(tmp_path / "predictions.parquet")
    assert [day.day for day in pool["day"].unique().sort()] == [20, 21, 23, 24, 27, 28]


def test_replay_ends_with_the_log(trained, tmp_path):
    words = ("--epoch", "day", "--from", "2025-10-23", "--to", "2199-01-01")

    succeed(*SHORT, *words, "--out", tmp_path / "d.csv", "-w", trained)

    last = pl.read_parquet(tmp_path / "predictions.parquet")["day"].max()
    assert last == date(2025, 10, 31)


def test_train_saves_a_bundle_without_pickle(backtested):
    facts = json.loads((backtested.parent / "train.json").read_text())

    assert facts["schema"] == "sniper.train/1"
    assert facts["as_of"].startswith("2025-10-31T")
    bundle = backtested / "models" / facts["version"]
    assert (bundle / "card.md").is_file()
    assert not [path for path in bundle.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib"}]


def test_model_finds_what_rules_cannot(told):
    auc = {row["score"]: row for row in told["metrics"] if row["metric"] == "auc"}

    assert auc["sniper"]["estimate"] > 0.85
    assert auc["sniper"]["difference_low"] > 0.05


def test_queue_ranks_no_more_than_capacity(trained):
    facts = succeed("queue", "--capacity", "3", "-w", trained, "--json").json
    none = succeed("queue", "--capacity", "0", "-w", trained, "--json").json

    assert facts["schema"] == "sniper.queue/1"
    assert [row["rank"] for row in facts["queue"]] == [1, 2, 3]
    assert facts["eligible"] >= 3
    assert all(row["reason_1"] for row in facts["queue"])
    assert none["queue"] == []


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_queue_writes_what_it_prints(trained, tmp_path, ending):
    path = tmp_path / f"queue.{ending}"

    facts = succeed("queue", "--out", path, "-w", trained, "--json").json

    written = {"csv": pl.read_csv, "parquet": pl.read_parquet, "json": pl.read_json}[ending](path)
    assert written["ticket_id"].to_list() == [row["ticket_id"] for row in facts["queue"]]
    assert written.columns == list(PREDICTIONS)


def test_queue_in_words_shows_the_same_tickets(trained):
    facts = succeed("queue", "-w", trained, "--json").json
    words = succeed("queue", "-w", trained)

    assert all(row["ticket_id"] in words.out for row in facts["queue"])
    assert "as of 2025-10-31" in words.out


def kill_list(folder, *words):
    facts = succeed("queue", *words, "--as-of", MIDWAY, "-w", folder, "--json").json
    export = folder.parent / "export"
    succeed("export", "csv", export, "--as-of", MIDWAY, "-w", folder)
    return facts, pl.read_csv(export / "predictions.csv")


def test_queue_of_the_past_equals_a_cut_log(workspace, tmp_path, rows):
    cut = write_desk(tmp_path / "cut" / "desk", rows.filter(UNTIL_MIDWAY))
    for folder in (workspace, cut):
        succeed("train", "--model", "logistic", "--as-of", MIDWAY, "-w", folder)

    facts, predictions = kill_list(workspace)
    facts_cut, predictions_cut = kill_list(cut)

    assert len(facts["queue"]) == 10
    assert facts == facts_cut
    assert predictions.equals(predictions_cut)


def test_queue_of_the_past_ignores_later_models(trained):
    succeed("train", "--model", "logistic", "--as-of", MIDWAY, "-w", trained)

    facts = succeed("queue", "--as-of", MIDWAY, "-w", trained, "--json").json

    assert facts["as_of"] == "2025-10-20T09:30:00+00:00"
    assert facts["model_version"].startswith("20251020")
    assert "saves" not in facts["verdict"] or "5 a day" not in facts["verdict"]


@pytest.mark.parametrize("verb", ["check", "clock", "diagnose"])
def test_verbs_of_the_past_equal_a_cut_log(workspace, tmp_path, rows, verb):
    cut = write_desk(tmp_path / "cut" / "desk", rows.filter(UNTIL_MIDWAY))

    asked = [
        succeed(verb, "--as-of", MIDWAY, "-w", each, "--json").json for each in (workspace, cut)
    ]

    assert asked[0] == asked[1]


def test_queue_without_a_model_trains_one_of_then(workspace, tmp_path, rows):
    cut = write_desk(tmp_path / "cut" / "desk", rows.filter(UNTIL_MIDWAY))

    facts, predictions = kill_list(workspace)
    facts_cut, predictions_cut = kill_list(cut)

    assert "lightgbm" in facts["model_version"]
    assert facts == facts_cut
    assert predictions.equals(predictions_cut)


def test_backtest_is_blind_to_what_comes_later(trained, tmp_path, rows):
    """Corrupting what was recorded after a landmark changes outcomes, never a forecast."""
    landmark = "2025-10-22 08:00:00"
    twin = write_desk(tmp_path / "twin" / "desk", never_resolved_after(rows, landmark))
    words = (*SHORT, "--epoch", "day", "--from", "2025-10-22", "--to", "2025-10-23")

    pools = []
    for folder in (trained, twin):
        succeed(*words, "--out", folder.parent / "d.parquet", "-w", folder)
        pools.append(pl.read_parquet(folder.parent / "predictions.parquet"))

    known = [
        "landmark",
        "ticket_id",
        "metric",
        "due_at",
        "slack_us",
        "priority",
        "p_breach",
        "p_edf",
    ]
    assert pools[0].select(known).equals(pools[1].select(known))
    assert not pools[0].select("breached").equals(pools[1].select("breached"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_export_keeps_the_public_contract(trained, tmp_path, kind):
    facts = succeed("export", kind, tmp_path / "marts", "-w", trained, "--json").json

    path = tmp_path / "marts" / f"predictions.{kind}"
    frame = pl.read_csv(path) if kind == "csv" else pl.read_parquet(path)
    assert facts["schema"] == "sniper.export/1"
    assert facts["files"][str(path)] == frame.height
    assert frame.columns[:15] == CONTRACT
    assert set(frame.columns) == set(PREDICTIONS)
    assert frame["p_breach"].is_between(0, 1).all()


def test_report_tells_the_whole_story(trained):
    facts = succeed("report", "--format", "md", "-w", trained, "--json").json

    text = (trained / "outputs" / "executive_slides.md").read_text()
    assert facts["schema"] == "sniper.report/1"
    assert facts["file"] == str(trained / "outputs" / "executive_slides.md")
    assert "€" in text
    assert "assum" in text.lower()
    assert facts["verdict"] in text


def test_report_goes_where_it_is_told(trained, tmp_path):
    succeed("report", "--out", tmp_path / "deck" / "slides.md", "-w", trained)

    assert (tmp_path / "deck" / "slides.md").stat().st_size > 1000


def test_report_needs_a_backtest_first(workspace):
    outcome = sniper("report", "-w", workspace)

    assert outcome.code == 37
    assert "sniper backtest" in outcome.err


def test_only_days_that_were_not_learnt_have_a_forecast_in_training(backtested):
    training = pl.read_parquet(backtested / "outputs" / "backtest" / "training.parquet")
    day = training["landmark"].dt.truncate("1d")
    has = training.select(day.alias("day"), pl.col("p_breach").is_not_null().alias("has"))

    by_day = (
        has.group_by("day").agg(pl.col("has").min(), pl.col("has").max().alias("any")).sort("day")
    )

    assert (by_day["has"] == by_day["any"]).all()
    assert by_day["has"].is_sorted()
    assert by_day["has"].sum() == round(by_day.height / 2)
    assert training["p_edf"].null_count() == 0


def test_report_on_an_older_backtest_asks_for_a_new_one(trained):
    path = trained / "outputs" / "backtest" / "summary.json"
    told = json.loads(path.read_text())
    del told["sensitivity"]
    path.write_text(json.dumps(told))

    outcome = sniper("report", "-w", trained)

    assert outcome.code == 11
    assert outcome.err.splitlines()[-1].endswith("run `sniper backtest` again.")
    assert "Traceback" not in outcome.err


def test_repeated_backtests_agree_to_the_byte(trained, backtested, tmp_path):
    shutil.rmtree(trained / "outputs")

    outcome = succeed(*BACKTEST, "--out", tmp_path / "d.csv", "--json", "-w", trained)

    told = outcome.json
    # What is in force is asked of the model in use: before the training there was none.
    assert [each["capacity"] for each in told.pop("in_force")] == [5, 10]
    before = json.loads((backtested.parent / "backtest.json").read_text())
    assert json.dumps(told) == json.dumps(before)
    first = (backtested.parent / "decisions.csv").read_bytes()
    assert (tmp_path / "d.csv").read_bytes() == first
