"""The prototype's file, reproduced to the last figure and judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sla_sniper.core.errors import MissingColumnError
from sla_sniper.usecases.prototype import judge_prototype

DATA = Path(__file__).parents[3] / "shared" / "data"
FILE = DATA / "synthetic_support_tickets.csv.gz"
OTHER_SHAPE = DATA / "italian_helpdesk.csv.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not FILE.exists(), reason=f"the prototype's file is not in {DATA}: nothing was verified"
    ),
]


@pytest.fixture(scope="module")
def report():
    return judge_prototype(FILE)


def test_recipe_keeps_and_drops_the_same_rows(report):
    kept = (report.n_timed, report.n_negative, report.n_tickets)

    assert kept == (2_769, 1_048, 1_721)


def test_loss_matches_the_published_figures(report):
    losses = (report.loss, report.own_split.loss, f"{report.breach_rate:.3f}")

    assert losses == (213_100, 44_200, "0.328")


def test_forest_matches_the_published_figures(report):
    split = report.own_split

    assert (f"{split.forest_auc:.3f}", split.forest_captured) == ("0.893", 29_700)
    assert f"{split.forest_captured / split.loss:.3f}" == "0.672"


def test_priority_alone_catches_more_than_forest(report):
    split = report.own_split

    assert (f"{split.priority_auc:.3f}", split.priority_captured) == ("0.874", 30_700)
    assert f"{split.priority_captured / split.loss:.3f}" == "0.695"


def test_ties_of_priority_contain_reproduced_figure(report):
    ties = report.own_split.over_ties

    assert ties.low < ties.mean < report.own_split.priority_captured < ties.high


def test_auc_gain_vanishes_without_invented_times(report):
    assert report.folds.auc.is_above(0)
    assert not report.folds.auc_without_times.is_above(0)


def test_verdict_is_no_measurable_advantage(report):
    last_line = report.as_text().splitlines()[-1]

    assert last_line.startswith("Verdict: no measurable advantage over priority")


def test_text_tells_what_the_recipe_hides(report):
    text = report.as_text()

    assert "1,048 of 2,769 rows with both times dropped: a duration of zero or less" in text
    assert "Creation times were invented" in text


def test_report_is_one_json_object(report):
    answer = json.loads(json.dumps(report.as_dict()))

    assert (answer["schema"], answer["has_advantage"]) == ("sniper.prototype/1", False)


def test_file_of_another_shape_is_refused():
    with pytest.raises(MissingColumnError, match="has no column 'Ticket Type'"):
        judge_prototype(OTHER_SHAPE)
