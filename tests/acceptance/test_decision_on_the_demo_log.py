"""What the decision is worth on the bundled log, by the figures that the issue asks for."""

from __future__ import annotations

import dataclasses

import pytest

from sla_sniper.core.instants import HOUR_US
from sla_sniper.escalation import backtest
from sla_sniper.panels.facts import nearest_capacity

pytestmark = pytest.mark.slow


def replayed(april, capacity, **changes):
    costs = dataclasses.replace(april.costs, **changes)
    _, summary = backtest(april.pool, costs, capacities=[capacity], training=april.training)
    return summary


def measured(april, metric):
    rows = april.facts["metrics"]
    return next(row for row in rows if (row["score"], row["metric"]) == ("sniper", metric))


def test_forecast_ranks_far_better_than_the_deadline(demo_april):
    auc = measured(demo_april, "auc")

    assert auc["reference"] == "edf"
    assert auc["difference"] >= 0.08


def test_forecast_is_sharp_and_calibrated(demo_april):
    assert measured(demo_april, "brier_skill")["estimate"] >= 0.12
    assert measured(demo_april, "ece_width")["estimate"] <= 0.055


def test_forecast_by_the_hour_is_better_too(demo_april_by_hour):
    auc = measured(demo_april_by_hour, "auc")

    assert (auc["reference"], auc["difference"] >= 0.05) == ("edf", True)
    assert measured(demo_april_by_hour, "brier_skill")["estimate"] >= 0.16
    assert measured(demo_april_by_hour, "ece_width")["estimate"] <= 0.05


@pytest.mark.parametrize("capacity", [25, 50])
@pytest.mark.parametrize("rule", ["priority_edf", "edf_value"])
def test_choice_saves_more_than_the_best_rules(demo_april, rule, capacity):
    key = ("sniper", rule, capacity)
    gain = next(
        row["net_saving"]
        for row in demo_april.facts["differences"]
        if (row["policy"], row["rule"], row["capacity"]) == key
    )

    assert 0 < gain["low"] <= gain["estimate"] <= gain["high"]


def test_half_of_the_gap_to_the_oracle_is_closed(demo_april):
    ours = next(
        row
        for row in demo_april.facts["policies"]
        if (row["policy"], row["capacity"]) == ("sniper", 25)
    )

    assert ours["gap_closed"]["estimate"] >= 0.5


def test_gate_leaves_slots_unused_where_filling_them_loses(demo_april):
    summary = replayed(demo_april, 100, intervention=20.0)

    ours, filled = (summary.result(name, 100) for name in ("sniper", "priority_edf"))
    assert ours.n_chosen < 0.9 * filled.n_chosen
    assert ours.net_saving.estimate > 0 > filled.net_saving.estimate
    assert summary.result("oldest", 100).net_saving.estimate < 0


def test_falling_effect_rescues_more_than_priority(demo_april):
    falling = dataclasses.replace(demo_april.costs.effectiveness, falls_over_us=24 * HOUR_US)

    summary = replayed(demo_april, 25, effectiveness=falling)

    ours, rule = (summary.result(name, 25).rescued_cost for name in ("sniper", "priority_edf"))
    assert ours.estimate >= 1.2 * rule.estimate
    assert ours.low > rule.high


def test_fees_and_falls_are_in_the_tornado(demo_april):
    found = demo_april.facts["sensitivity"]

    assert found["capacity"] == nearest_capacity(demo_april.facts, 50)
    swings = {each["name"]: each for each in found["swings"]}
    assert swings["falls_over"]["net_low"] < swings["falls_over"]["net_high"]
    assert swings["intervention"]["net_high"] < found["net"] < swings["intervention"]["net_low"]


def test_closure_promise_is_as_well_kept_by_priority(closure_april):
    """`made_sla` flips only at Closed, five days after the work; nobody excluded the lost.

    Where every breach is already decided, a forecast has nothing to add to priority first, and
    the product has to say so.
    """
    for verdict in closure_april.facts["verdicts"]:
        assert not verdict["advantage"]["claimed"], verdict["sentence"]
        assert verdict["policy"] in {"priority", "priority_edf", "edf_value"}
        assert verdict["sentence"].startswith("no measurable advantage over ")
    shares = {
        (row["policy"], row["capacity"]): row["oracle_share"]["estimate"]
        for row in closure_april.facts["policies"]
    }
    assert all(shares["priority_edf", capacity] > 0.92 for capacity in (25, 50))
