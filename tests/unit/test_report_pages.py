"""Pages of the report, from a small made-up backtest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from sla_sniper.diagnosis import Diagnosis, diagnose
from sla_sniper.panels.capacities import by_capacity, capacity_bars, not_shown, own_capacity
from sla_sniper.panels.decision_pages import decision_page, summary_page
from sla_sniper.panels.diagnosis_pages import diagnosis_pages, months_chart
from sla_sniper.panels.drawings import Range
from sla_sniper.panels.facts import Facts, LogFacts
from sla_sniper.panels.footnotes import figures_of, words
from sla_sniper.panels.hinges_page import hinges_page, swing_range
from sla_sniper.panels.moved import Moved
from sla_sniper.panels.year_page import projection_page

CYCLES = pl.DataFrame({"state": ["met", "missed"] * 50, "group": ["A", "B"] * 50})


def interval(estimate: float, low: float, high: float) -> dict[str, float]:
    return {"estimate": estimate, "low": low, "high": high}


def result(policy: str, capacity: int, net: float) -> dict[str, Any]:
    """A policy that spends 100 on its escalations and prevents half of what it treats."""
    return {
        "policy": policy,
        "capacity": capacity,
        "n_chosen": 50.0,
        "net_saving": interval(net, net - 200, net + 200),
        "net_saving_range": [0.6 * (net + 100) - 100, 1.4 * (net + 100) - 100],
        "rescued_cost": interval(net + 100, net - 100, net + 300),
        "captured_share": interval(0.5, 0.4, 0.6),
        "precision": interval(0.5, 0.4, 0.6),
        "break_even_effectiveness": interval(100 / (2 * (net + 100)), 0.02, 0.2),
        "one_more_slot": {"saving": interval(10, 5, 15), "tickets": interval(1, 0, 2)},
    }


def verdict(capacity: int, low: float, *, rule: str = "edf") -> dict[str, Any]:
    advantage = {
        "capacity": capacity, "rule": rule, "difference": low + 100, "low": low,
        "high": low + 200, "claimed": low > 0,
    }  # fmt: skip
    policy = "sniper" if low > 0 else rule
    return {"advantage": advantage, "policy": policy, "chosen_on": "training days"}


def facts(*verdicts: dict[str, Any], capacity: int = 50, per_day: int = 50) -> Facts:
    told = verdicts or (verdict(50, 75.0),)
    slots = [each["advantage"]["capacity"] for each in told]
    names = ("sniper", "edf", "oracle", "nuke", "nobody")
    nets = dict(zip(names, (1000.0, 900.0, 1500.0, 700.0, 0.0), strict=True))
    backtest = {
        "verdicts": list(told),
        "capacities": slots,
        "policies": [result(name, each, nets[name]) for each in slots for name in names],
        "assumptions": {
            "currency": "USD", "intervention": 2, "breach": {"high": 200}, "unlisted_breach": 10,
            "effectiveness": 0.5, "effectiveness_low": 0.3, "effectiveness_high": 0.7,
            "falls_over_us": None, "n_resamples": 1000, "n_seeds": 30,
            "point_of_no_return_us": 0, "contracts": [],
        },
        "sensitivity": {"capacity": 50, "rule": "edf", "swings": []},
        "from": "2016-04-01", "to": "2016-05-01", "epoch": "hour", "model_asked": "lightgbm",
        "refit": "weekly", "n_days": 21, "first_day": "2016-04-01", "last_day": "2016-04-29",
    }  # fmt: skip
    shown = next(each for each in told if each["advantage"]["capacity"] == capacity)
    return Facts(
        backtest=backtest,
        diagnosis=diagnose(CYCLES, ["group"]),
        metric="resolution_time",
        capacity=capacity,
        as_of="2016-04-30T23:10:00+00:00",
        policy=shown["policy"],
        sentence="sniper saves more",
        log=LogFacts(1, 1, "0"),
        per_day=per_day,
    )


MIXED = (verdict(10, -400.0), verdict(25, -550.0), verdict(50, 75.0), verdict(100, -2179.0))


def test_every_replayed_capacity_is_told_with_its_interval():
    text = by_capacity(facts(*MIXED))
    told = words(text)

    assert len({figure.footnote.id for figure in figures_of(text)}) == 4
    assert told == (
        "Forecast minus the best simple rule: at 10 a day -$300 [-$400, -$200]; at 25 a day -$450 "
        "[-$550, -$350]; at 50 a day $175 [$75, $275]; at 100 a day -$2,079 [-$2,179, -$1,979]."
    )


def test_a_claim_names_where_no_advantage_is_shown():
    told = facts(*MIXED)

    assert words(not_shown(told)) == "At 10, 25 and 100 a day no advantage is shown."
    for page in (summary_page(told), decision_page(told)):
        assert any("10, 25 and 100 a day" in words(each.text) for each in page.sentences)


def test_an_advantage_everywhere_needs_no_exception():
    assert not_shown(facts(verdict(10, 5.0), verdict(50, 75.0))) == ()


def test_without_a_claim_nothing_is_excepted():
    assert not_shown(replace(facts(*MIXED), policy="edf")) == ()


def test_a_bar_names_the_rule_where_it_is_another():
    told = facts(verdict(10, -5.0, rule="priority"), verdict(50, 75.0))

    assert [row.label for row in capacity_bars(told).rows] == [
        "10 a day, minus priority",
        "50 a day",
    ]


def test_another_capacity_than_the_own_is_said_on_the_page():
    told = facts(*MIXED, per_day=40)

    assert words(own_capacity(told)).startswith("sla.toml has 40 escalations a day; told is 50")
    assert any("has 40" in words(each.text) for each in decision_page(told).sentences)
    assert own_capacity(facts(*MIXED)) == ()


LARGE_AND_GOOD = pl.DataFrame(
    {
        "state": ["missed"] * 300 + ["met"] * 700 + ["missed"] * 90 + ["met"] * 10,
        "group": ["large"] * 1000 + ["bad"] * 100,
    }
)


def test_the_largest_group_is_not_blamed_for_its_size():
    page = diagnosis_pages(replace(facts(), diagnosis=diagnose(LARGE_AND_GOOD, ["group"])))[0]
    told = [words(each.text) for each in page.sentences]

    assert words(page.title) == "bad (group) missed 55 targets more than at the average rate"
    assert told[0] == "bad: 23.1 % of all misses on 9.1 % of the targets."
    assert page.exhibit.title == "Share of targets missed, by group as first recorded"
    assert told[1] == "large: 76.9 % of all misses on 90.9 % of the targets."


def test_where_most_misses_are_is_said_also_where_they_are_usual():
    small = [frame(f"group {n}", 30, 5) for n in range(4)]
    page = diagnosis_pages(replace(
        facts(), diagnosis=diagnose(pl.concat([frame("large", 100, 900), *small]), ["group"])
    ))[0]  # fmt: skip

    told = [words(each.text) for each in page.sentences]
    assert told[3] == "large: 45.5 % of all misses on 87.7 % of the targets: the most misses."


def frame(group: str, n_missed: int, n_met: int) -> pl.DataFrame:
    n = n_missed + n_met
    return pl.DataFrame({"state": ["missed"] * n_missed + ["met"] * n_met, "group": [group] * n})


def test_the_year_in_the_title_moves_every_assumption_at_once():
    page = projection_page(facts())
    year = 250 / 21
    # 1,100 rescued at an effect of 0.5, 900 to 1,300 over days; 100 spent.
    least, most = 0.6 * 0.5 * 900 - 2 * 100, 1.4 * 2 * 1300 - 0.5 * 100

    assert [figure.value for figure in figures_of(page.title)[:2]] == pytest.approx(
        [year * least, year * most]
    )
    bars = {row.figure.row: row.figure for row in page.exhibit.rows}
    assert (bars["prices"].low, bars["prices"].high) == pytest.approx((450 * year, 2100 * year))
    assert all(bars["together"].low <= bar.low and bar.high <= bars["together"].high
               for bar in bars.values())  # fmt: skip


def test_the_year_in_the_title_names_what_the_forecast_adds():
    assert words(projection_page(facts()).title).endswith(
        ", as assumed $2,083 more than a simple rule"
    )
    closed = projection_page(replace(facts(), policy="edf"))
    assert words(closed.title).endswith(", by a simple rule")


def test_no_effect_at_the_best_guess_leaves_the_range_of_effects():
    told = facts()
    told.backtest["assumptions"]["effectiveness"] = 0.0
    mine = next(each for each in told.backtest["policies"] if each["policy"] == "sniper")
    mine["rescued_cost"] = interval(0.0, 0.0, 0.0)

    assert Moved.of(told, "sniper").net(0.7) == pytest.approx(mine["net_saving_range"][1])


def test_too_few_days_for_an_interval_leave_the_estimate():
    told = facts()
    mine = next(each for each in told.backtest["policies"] if each["policy"] == "sniper")
    mine["rescued_cost"] = {"estimate": 1100.0, "low": None, "high": None}

    assert Moved.of(told, "sniper").net(0.5, end="low") == 1000.0


def test_a_weak_property_is_negligible_and_not_unmeasurable():
    rng = pl.Series([n % 2 for n in range(2000)])
    weak = pl.DataFrame({
        "state": ["missed" if n % 2 else "met" for n in range(2000)],
        "channel": ["a" if n % 27 < 13 + (n % 2) else "b" for n in range(2000)],
        "group": ["A" if each else "B" for each in rng],
    })  # fmt: skip
    told = replace(facts(), diagnosis=diagnose(weak, ["group", "channel"]))
    channel = told.diagnosis.associations[1]
    assert channel.dimension == "channel"
    assert 0 < channel.v.estimate < 0.05

    text = " ".join(words(each.text) for each in diagnosis_pages(told)[1].sentences)

    assert "Negligible (V below 0.05): channel." in text
    assert "easurabl" not in text
    assert "Channel goes negligibly with missing" in " ".join(told.diagnosis.sentences())


def months(*spans: tuple[str, str]) -> Diagnosis:
    """Diagnose a clock a day over spans of days, every third of them missed."""
    days = [day for first, last in spans for day in
            pl.datetime_range(datetime.fromisoformat(first), datetime.fromisoformat(last), "1d",
                              time_zone="UTC", eager=True)]  # fmt: skip
    states = ["missed" if n % 3 == 0 else "met" for n in range(len(days))]
    return diagnose(pl.DataFrame({"state": states, "applied_at": days}), ["group"])


@pytest.mark.parametrize(
    ("first", "last", "partial"),
    [
        ("2016-02-29", "2016-04-29", ["2016-02"]),
        ("2016-02-03", "2016-03-12", ["2016-03"]),
        ("2016-02-04", "2016-03-31", []),
        ("2016-02-05", "2016-03-31", ["2016-02"]),
    ],
)
def test_a_month_that_the_log_cuts_is_told_apart(first, last, partial):
    assert [each.month for each in months((first, last)).months if each.is_partial] == partial


def test_a_quiet_month_within_the_log_is_whole():
    found = months(("2016-01-01", "2016-01-31"), ("2016-02-20", "2016-02-21"),
                   ("2016-03-01", "2016-03-31"))  # fmt: skip

    assert not any(each.is_partial for each in found.months)


def test_a_bar_of_a_month_says_how_many_and_whether_it_is_cut():
    found = months(("2016-02-29", "2016-04-29"))
    chart = months_chart(replace(facts(), diagnosis=found))

    assert [row.label for row in chart.rows] == [
        "2016-02, part of it: 1 target", "2016-03: 31 targets", "2016-04: 29 targets"
    ]  # fmt: skip
    assert chart.rows[0].colour != chart.rows[1].colour
    assert not any("2016-02" in told for told in found.sentences())


def test_the_line_of_savings_crosses_zero_where_escalating_begins_to_pay():
    chart = hinges_page(facts()).exhibit
    ours = {point.figure.row: point for point in chart.lines[0].points}

    begins = ours["sniper.break_even_sniper"]
    assert begins.x == pytest.approx(50 / 1100)
    assert begins.figure.value == pytest.approx(0.0)
    steps = [ours[f"sniper.{n / 10}"].figure.value for n in range(11)]
    assert steps == pytest.approx([220.0 * n - 100 for n in range(11)])
    assert (ours["sniper.0.5"].figure.low, ours["sniper.0.5"].figure.high) == (800.0, 1200.0)


def test_what_is_assumed_and_where_it_pays_are_drawn_behind_the_lines():
    chart = hinges_page(facts()).exhibit
    drawn = chart.chart().to_dict()["layer"]

    assert chart.ranges == (Range("break-even", 0.02, 0.2), Range("assumed", 0.3, 0.7))
    assert [layer["mark"]["type"] for layer in drawn[:4]] == ["rect", "text"] * 2


def test_a_policy_that_never_pays_has_no_break_even_on_the_chart():
    told = facts()
    for each in told.backtest["policies"]:
        each["break_even_effectiveness"] = dict.fromkeys(("estimate", "low", "high"))

    chart = hinges_page(told).exhibit

    assert [each.name for each in chart.ranges] == ["assumed"]
    assert len(chart.lines[0].points) == 11


@pytest.mark.parametrize(
    ("name", "ends", "told"),
    [
        ("effectiveness", ("0.3", "0.7"), "30 % to 70 %"),
        ("intervention", ("1.25", "5"), "$1.25 to $5"),
        ("breach.high", ("half", "double"), "half to double"),
        ("falls_over", ("24 h", "never"), "24 h, or never"),
    ],
)
def test_the_ends_of_an_assumption_have_their_unit(name, ends, told):
    assert swing_range(facts(), {"name": name, "low": ends[0], "high": ends[1]}) == told


def test_a_name_from_right_to_left_turns_no_number_of_the_diagnosis():
    name = "\u05e6\u05e4\u05d5\u05df"
    found = diagnose(pl.concat([frame(name, 30, 5), frame("B", 5, 30)]), ["group"])

    told = " ".join(found.sentences())
    assert f"{name}\u200e: 86 % of the misses" in told
    assert "B: 14 % of the misses" in told
