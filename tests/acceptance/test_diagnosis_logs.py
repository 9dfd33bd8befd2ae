"""The diagnosis of real logs, read side by side with independent calculations."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import chi2_contingency
from statsmodels.duration.survfunc import CumIncidenceRight

from sla_sniper.diagnosis.courses import LEGS
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.diagnose import diagnose_desk
from sla_sniper.usecases.ingest import ingest_files
from sla_sniper.usecases.prototype import judge_prototype

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000
STARTS = ("applied_at", "target_us", "calendar")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(demo_april):
    return open_desk(demo_april.folder, asked=None, now=NOW)


@pytest.fixture(scope="module")
def boston(tmp_path_factory):
    log = DATA / "boston311_2011h2.csv.gz"
    if not log.exists():
        pytest.skip(f"{log.name} is not here: it may not be copied into the project")
    folder = shutil.copytree(
        ROOT / "examples" / "boston311", tmp_path_factory.mktemp("boston") / "desk"
    )
    ingest_files(folder, [log], mapping=folder / "map.toml")
    return open_desk(folder, asked=None, now=NOW)


@pytest.fixture(scope="module", params=["demo", "boston"])
def told(request):
    """A desk, its diagnosis, and the decided clocks of it, read another way."""
    desk = request.getfixturevalue(request.param)
    report = diagnose_desk(desk)
    clocks = desk.cycles(as_of=desk.as_of).filter(pl.col("metric") == report.metric)
    first = (
        desk.stored.sort("occurred_at", "sequence", maintain_order=True)
        .group_by("ticket_id")
        .agg(pl.col("channel").drop_nulls().first())
    )
    clocks = clocks.join(first, on="ticket_id", how="left").filter(pl.col("state") != "cancelled")
    is_ripe = [_is_ripe(desk, *row) for row in clocks.select(STARTS).iter_rows()]
    return report, clocks.with_columns(
        missed=pl.col("state").is_in(["missed", "overdue"]),
        decided=pl.col("state").is_in(["met", "missed", "overdue"]) & pl.Series(is_ripe),
    )


def _is_ripe(desk, start, target_us, name):
    """Whether a clock that ran on would be over time, one by one."""
    calendar = desk.workspace.sla.levels.calendars[name]
    return calendar.elapsed(start, desk.as_of) > timedelta(microseconds=target_us)


def table(frame, name):
    counts = frame.group_by(pl.col(name).fill_null("(none)"), "missed").len()
    return counts.pivot("missed", index=name, values="len").fill_null(0).drop(name).to_numpy()


@pytest.mark.parametrize(("name", "column"), [("priority", "priority_applied"), ("channel",) * 2])
def test_tests_of_independence_equal_scipys(told, name, column):
    report, clocks = told
    found = {each.name: each.test for each in report.detail.tests}
    if name not in found:
        pytest.skip("this log has no such dimension")

    expected = chi2_contingency(table(clocks.filter("decided"), column), correction=False)

    assert found[name].statistic == pytest.approx(expected.statistic, rel=1e-9)
    assert found[name].p == pytest.approx(expected.pvalue, abs=1e-9)


def test_curves_equal_statsmodels(told):
    report, clocks = told
    for curve in report.detail.curves:
        level = None if curve.level == "(none)" else curve.level
        mine = clocks.filter(pl.col("priority_applied").eq_missing(pl.lit(level)))
        hours = np.maximum(mine["elapsed_us"].to_numpy() / HOUR, 0)
        late = mine["missed"].to_numpy()
        hours = np.where(late, np.minimum(hours, mine["target_us"].to_numpy() / HOUR), hours)
        is_met = (mine["state"] == "met").to_numpy()
        end = np.where(late, 2, np.where(is_met, 1, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = CumIncidenceRight(hours, end)
        for kind, ours in ((0, curve.met), (1, curve.missed)):
            theirs = expected.cinc[kind][np.isin(expected.times, ours.at)]
            np.testing.assert_allclose(ours.estimate, theirs, atol=1e-9)


def test_legs_sum_to_the_elapsed_wall_time(told):
    report, clocks = told
    decided = clocks.filter("decided")
    end = pl.coalesce("fulfilled_at", pl.lit(report.as_of))
    wall = decided.with_columns(
        wall=pl.max_horizontal((end - pl.col("applied_at")).dt.total_microseconds(), 0) / HOUR
    )

    for is_missed, of in ((True, "missed"), (False, "met")):
        expected = wall.filter(pl.col("missed") == is_missed)["wall"].mean()
        assert sum(getattr(leg, of) for leg in report.detail.legs) == pytest.approx(
            expected, rel=1e-9
        )
    assert {leg.leg for leg in report.detail.legs} <= set(LEGS)


def test_what_channel_adds_to_priority_equals_a_regression(demo):
    report = diagnose_desk(demo)
    clocks = demo.cycles(as_of=demo.as_of).filter(
        pl.col("state").is_in(["met", "missed", "overdue"])
    )
    is_ripe = [_is_ripe(demo, *row) for row in clocks.select(STARTS).iter_rows()]
    clocks = clocks.filter(pl.Series(is_ripe))
    channel = demo.stored.group_by("ticket_id").agg(pl.col("channel").drop_nulls().first())
    both = clocks.join(channel, on="ticket_id", how="left")
    found = next(each for each in report.detail.conditions if each.dimension == "channel")
    both = both.with_columns(missed=pl.col("state") != "met")
    strata = (
        [
            [each.filter(channel=name, missed=is_missed).height for is_missed in (False, True)]
            for name in ("Phone", "Email")
        ]
        for each in both.partition_by("priority_applied")
    )
    tables = np.stack([np.array(each, dtype=float) for each in strata], axis=2)

    expected = sm.stats.StratifiedTable(tables).test_null_odds(correction=False)

    assert found.given_mechanical.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert not found.matters


def test_the_outage_of_march_is_told_of_the_demo_log(demo):
    report = diagnose_desk(demo)

    (told,) = report.outages
    assert "became closed where about 3,106 usually do" in told
    # The metric ends with `resolved`; the closures that stalled ended none of its clocks.
    assert told.endswith("no clock of resolution_time was ended by it: it changes nothing here.")
    assert report.detail.mechanical == ("priority",)
    assert report.detail.invented == ()
    money = [each.money.estimate for each in report.detail.findings]
    assert money == sorted(money, reverse=True)
    for each in report.detail.findings:
        assert report.detail.tickets(each).height > 0


def test_of_the_noise_file_it_says_that_there_is_nothing_to_find():
    log = DATA / "synthetic_support_tickets.csv.gz"
    if not log.exists():
        pytest.skip(f"{log.name} is not here: it may not be copied into the project")

    told = judge_prototype(log).diagnosis

    assert any(each.startswith("Ticket priority goes with missing (V 0.69 ") for each in told)
    assert any("mechanical, no cause" in each for each in told)
    assert any(
        each.startswith("Ticket channel goes negligibly with missing (V 0.00") for each in told
    )
    for name in ("Ticket type", "Product purchased"):
        assert any(each.startswith(f"{name} goes negligibly") for each in told)
    assert sum("look invented" in each for each in told) == 2
