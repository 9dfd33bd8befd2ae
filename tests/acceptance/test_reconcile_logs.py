"""Real logs: a city's own deadlines to the last ticket, and an SLA found from its verdicts."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from sla_sniper.data import demo_files
from sla_sniper.usecases.desk import UnknownMetricError
from sla_sniper.usecases.ingest import ingest_files
from sla_sniper.usecases.init import init_workspace
from sla_sniper.usecases.reconcile import NothingToReconcileError, reconcile

pytestmark = pytest.mark.slow

BOSTON = Path(__file__).parents[3] / "shared" / "data" / "boston311_2011h2.csv.gz"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

BOSTON_MAP = """
[log]
source = "boston311"
shape = "tickets"
timezone = "America/New_York"

[columns]
ticket_id = "case_enquiry_id"
created_at = "open_dt"
closed_at = "closed_dt"
due_at = "target_dt"
met = "ontime"
channel = "source"
category = "reason"

[stamped]
columns = ["closed_dt", "ontime"]

[values.met]
ONTIME = "true"
OVERDUE = "false"
"""

BOSTON_SLA = """
[calendars.always]
timezone = "America/New_York"
hours = "24x7"

[[policies]]
name = "city"
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "always"
  target = "vendor"

[costs]
breach = { default = 1 }
intervention = 1
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }
"""


@pytest.fixture(scope="module")
def boston(tmp_path_factory):
    if not BOSTON.exists():
        pytest.skip(f"the city's file is not at {BOSTON}: nothing was verified")
    folder = tmp_path_factory.mktemp("boston")
    (folder / "sla.toml").write_text(BOSTON_SLA)
    (folder / "map.toml").write_text(BOSTON_MAP)
    ingest_files(folder, [BOSTON], mapping=None)
    return reconcile(folder, as_of=None, now=NOW)


@pytest.fixture(scope="module")
def city():
    """The file itself, read without any of our code."""
    return pl.read_csv(BOSTON, infer_schema=False, null_values="").with_columns(
        pl.col("open_dt", "target_dt", "closed_dt").str.to_datetime(strict=False)
    )


def test_city_verdicts_agree_to_the_last_ticket(boston):
    n_agree, n_compared, share = boston.agreement("verdict_agrees")

    assert (n_agree, share.estimate) == (n_compared, 1.0)
    assert not boston.causes()


def test_every_closed_ticket_with_both_is_compared(boston, city):
    both = city.drop_nulls(["target_dt", "ontime", "closed_dt"])
    sensible = both.filter(pl.col("target_dt") > pl.col("open_dt"))
    compared = boston.compared.filter(pl.col("state").is_in(["met", "missed"]))

    assert sensible.height <= compared.height <= both.height


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "desk"
    init_workspace(folder, package="servicenow")
    ingest_files(folder, [demo_files().log], mapping=None)
    return folder


@pytest.fixture(scope="module")
def inferred(demo):
    return reconcile(demo, as_of=None, now=NOW, infer=True)


def finding(report, priority: str) -> dict:
    (found,) = [
        each for each in report.as_dict()["inference"]["findings"] if each["priority"] == priority
    ]
    return found


@pytest.mark.parametrize(
    ("priority", "hours", "agreement"), [("moderate", 153.4, 0.99), ("low", 345.6, 0.99)]
)
def test_made_sla_is_a_weekday_closure_clock(inferred, priority, hours, agreement):
    found = finding(inferred, priority)

    rule = (found["calendar"], found["stop"], found["pause_in"], found["identified"])
    assert rule == ("weekdays", "closed", [], True)
    assert found["target_us"] / 3.6e9 == pytest.approx(hours, abs=0.5)
    assert found["agreement"]["estimate"] >= agreement


@pytest.mark.parametrize("priority", ["high", "critical"])
def test_nearly_constant_verdicts_identify_nothing(inferred, priority):
    assert not finding(inferred, priority)["identified"]


def test_outage_of_march_is_warned_of(inferred):
    (warning,) = inferred.inference.warnings

    assert "2016-03-24" in warning
    assert "81 % carry a breach, of all others 29 %" in warning


def test_proposal_pasted_into_the_policy_agrees(demo, inferred, tmp_path):
    folder = tmp_path / "desk"
    shutil.copytree(demo, folder)
    sla = (folder / "sla.toml").read_text()
    policies = re.compile(r"\[\[policies\]\].*?(?=\[costs\])", re.DOTALL)
    (folder / "sla.toml").write_text(policies.sub(inferred.inference.proposal + "\n", sla))

    report = reconcile(folder, as_of=None, now=NOW)

    moderate = report.compared.filter(pl.col("priority") == "moderate")
    finished = moderate.filter(pl.col("state").is_in(["met", "missed"]))
    n_open_apart = (moderate.height - finished.height) - int(
        moderate["agrees"].sum() - finished["agrees"].sum()
    )
    open_apart = moderate.filter(~pl.col("agrees"), pl.col("state") == "overdue")
    n_stale = open_apart.filter(pl.col("explained_by").list.contains("stale")).height
    assert finished.height > 13_000
    assert finished["agrees"].mean() > 0.99
    # The help desk judges at the end alone: on open tickets nothing else keeps us apart.
    assert n_stale == n_open_apart


def test_answer_is_one_json_object(inferred):
    answer = json.loads(json.dumps(inferred.as_dict(), allow_nan=False))

    assert answer["tickets"] == sum(answer[n] for n in ("compared", "nothing_told", "no_clock"))
    assert answer["deadlines"] == {
        "agree": 0,
        "compared": 0,
        "estimate": None,
        "low": 0.0,
        "high": 1.0,
    }


def test_causes_add_up_to_the_disagreements(inferred):
    n_agree, n_compared, _ = inferred.agreement()

    assert sum(each["tickets"] for each in inferred.causes()) == n_compared - n_agree


def test_out_holds_one_row_a_compared_ticket(demo, tmp_path):
    report = reconcile(demo, as_of=None, now=NOW, out=tmp_path / "rows.parquet")

    rows = pl.read_parquet(tmp_path / "rows.parquet")
    assert rows.height == report.compared.height
    assert {"our_breached", "their_breached", "cause"} <= set(rows.columns)


def test_metric_that_nobody_times_is_refused(demo):
    with pytest.raises(UnknownMetricError, match="it times resolution_time") as caught:
        reconcile(demo, as_of=None, now=NOW, metric="first_reply_time")

    assert caught.value.exit_code == 26


@pytest.mark.parametrize(("infer", "columns"), [(False, "`met` or `due_at`"), (True, "`met`")])
def test_log_without_the_desks_word_says_what_to_map(tmp_path, infer, columns):
    folder = tmp_path / "desk"
    init_workspace(folder, package="servicenow")
    told = (folder / "map.toml").read_text()
    (folder / "map.toml").write_text(re.sub(r"(?m)^met = .*$", "", told))
    ingest_files(folder, [demo_files().log], mapping=None)

    with pytest.raises(NothingToReconcileError, match=columns):
        reconcile(folder, as_of=None, now=NOW, infer=infer)
