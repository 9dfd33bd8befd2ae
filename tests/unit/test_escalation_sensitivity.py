import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import CostTable, Effectiveness, SlotRule, replay, sensitivity
from sla_sniper.panels.sensitivity import break_even_panel, tornado_panel

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
COSTS = CostTable("USD", {"high": 100, "low": 10}, intervention=4,
                  effectiveness=Effectiveness(0.5, 0.2, 0.8))  # fmt: skip


def pool(size=200, n_days=8):
    rng = np.random.default_rng(0)
    priority = rng.choice(["high", "low"], size)
    p_breach = rng.random(size)
    landmark = pl.Series(
        [START + timedelta(days=int(d)) for d in np.sort(rng.integers(0, n_days, size))]
    )
    return pl.DataFrame(
        {
            "landmark": landmark.dt.cast_time_unit("us"),
            "day": landmark.dt.date(),
            "source": "desk",
            "ticket_id": [f"T{n:03}" for n in range(size)],
            "metric": "resolution_time",
            "priority": priority,
            "slack_us": rng.integers(1, 40, size) * HOUR,
            "age_us": HOUR,
            "target_us": 40 * HOUR,
            "cost": np.where(priority == "high", 100.0, 10.0),
            "p_breach": p_breach,
            "p_logistic": p_breach,
            "p_edf": 0.5,
            "breached": rng.random(size) < p_breach,
        }
    )


POOL = pool()
FOUND = sensitivity(POOL, COSTS, capacity=5, rule="edf", slot_rule=SlotRule())


def drawn(panel, layer):
    """Rows that one layer of a chart is drawn from."""
    chart = panel.chart().to_dict()
    data = chart["layer"][layer]["data"]
    return data["values"] if "values" in data else chart["datasets"][data["name"]]


def net(costs, frame=POOL, policy="sniper"):
    totals = replay(frame, costs, capacities=[5], policies=[policy]).totals
    return totals[policy, 5].net(costs).sum()


def test_credits_at_risk_are_not_scaled_with_breach_costs():
    with_credit = POOL.with_columns(cost=pl.col("cost") + 30, credit=pl.lit(30.0))
    doubled = POOL.with_columns(cost=2 * pl.col("cost") + 30, credit=pl.lit(30.0))

    found = sensitivity(with_credit, COSTS, capacity=5, rule="edf", slot_rule=SlotRule())

    breach = next(swing for swing in found.swings if swing.name == "breach")
    assert breach.net_high == pytest.approx(net(COSTS, doubled))


def swing(name):
    return next(each for each in FOUND.swings if each.name == name)


def test_middle_is_the_replay_as_assumed():
    assert net(COSTS) == FOUND.net
    assert pytest.approx(FOUND.gain) == FOUND.net - net(COSTS, policy="edf")


def test_ends_are_replays_with_that_one_change():
    dear = dataclasses.replace(COSTS, intervention=8.0)
    cheap_highs = POOL.with_columns(
        cost=pl.when(pl.col("priority") == "high").then(50.0).otherwise("cost")
    )

    assert swing("intervention").net_high == net(dear)
    assert swing("breach.high").net_low == net(COSTS, cheap_highs)
    assert swing("effectiveness").high == "0.8"


def test_widest_swing_comes_first():
    widths = [each.width for each in FOUND.swings]

    assert widths == sorted(widths, reverse=True)
    assert {each.name for each in FOUND.swings} == {
        "effectiveness", "intervention", "breach", "breach.high", "breach.low", "falls_over",
    }  # fmt: skip


def test_gate_never_lets_the_forecast_expect_a_loss():
    nothing, full = FOUND.curve[0], FOUND.curve[-1]

    assert (nothing.effectiveness, nothing.sniper) == (0.0, 0.0)
    assert nothing.rule == -4.0 * 5 * 8
    assert full.sniper > full.rule > 0


def test_fall_is_halved_and_doubled_where_there_is_one():
    falling = dataclasses.replace(
        COSTS, effectiveness=dataclasses.replace(COSTS.effectiveness, falls_over_us=10 * HOUR)
    )

    found = sensitivity(POOL, falling, capacity=5, rule="edf", slot_rule=SlotRule())

    ends = next(each for each in found.swings if each.name == "falls_over")
    assert (ends.low, ends.high) == ("5 h", "20 h")
    assert ends.net_low > ends.net_high


def test_tornado_is_drawn_from_the_same_numbers():
    panel = tornado_panel(FOUND, "USD")

    assert [row["net_low"] for row in panel.rows] == [each.net_low for each in FOUND.swings]
    assert drawn(panel, 0)[0]["net_high"] == FOUND.swings[0].net_high
    assert panel.caption.startswith(("Nothing here changes", "sniper minus edf changes"))


def test_break_even_chart_says_from_where_it_pays():
    panel = break_even_panel(FOUND, COSTS.effectiveness, "USD")

    rule = [row for row in panel.rows if row["policy"] == "edf"]
    first = next(row["effectiveness"] for row in rule if row["net"] > 0)
    assert f"edf between {100 * first - 10:.0f} % and {100 * first:.0f} %" in panel.caption
    assert drawn(panel, 0) == [{"low": 0.2, "value": 0.5, "high": 0.8}]
