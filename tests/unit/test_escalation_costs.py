import math

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import CostTable, Effectiveness, money

TICKETS = pl.DataFrame({"priority": ["critical", "P9", None, "P9", "low"]})
LISTED = {"critical": 500.0, "low": 10.0, "planned": 0.0}


def test_unlisted_values_take_the_lowest_positive_cost():
    costs = CostTable("USD", breach=LISTED)

    priced = costs.breach_cost(TICKETS)

    assert priced.to_list() == [500.0, 10.0, 10.0, 10.0, 10.0]


def test_unlisted_values_take_the_default_if_set():
    costs = CostTable("USD", breach=LISTED, default=75)

    priced = costs.breach_cost(TICKETS)

    assert priced.to_list() == [500.0, 75.0, 75.0, 75.0, 10.0]


def test_unpriced_values_are_counted_most_first():
    costs = CostTable("USD", breach=LISTED)

    unlisted = costs.unpriced(TICKETS)

    assert unlisted.rows() == [("P9", 2), (None, 1)]


def test_costs_may_follow_another_column():
    costs = CostTable("EUR", breach={"vip": 900}, by="category")

    priced = costs.breach_cost(pl.DataFrame({"category": ["vip", "vip"]}))

    assert priced.to_list() == [900.0, 900.0]


def test_missing_cost_column_is_named():
    costs = CostTable("USD", breach=LISTED, by="category")

    with pytest.raises(ValueError, match="'category', but the tickets have no such column"):
        costs.breach_cost(TICKETS)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"breach": {"low": -1.0}}, id="negative breach"),
        pytest.param({"breach": {"low": math.nan}}, id="breach that is no number"),
        pytest.param({"breach": LISTED, "intervention": math.inf}, id="infinite intervention"),
        pytest.param({"breach": LISTED, "default": -2}, id="negative default"),
    ],
)
def test_impossible_costs_are_refused(wrong):
    with pytest.raises(ValueError, match="A cost must be a number of zero or more"):
        CostTable("USD", **wrong)


def test_table_where_every_breach_is_free_is_refused():
    with pytest.raises(ValueError, match="every breach would be free"):
        CostTable("USD", breach={"low": 0.0})


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        pytest.param(0.2, 0.3, 0.7, id="below its interval"),
        pytest.param(0.5, -0.1, 0.7, id="negative"),
        pytest.param(0.5, 0.3, 1.1, id="above one"),
        pytest.param(math.nan, 0.3, 0.7, id="no number"),
    ],
)
def test_impossible_effectiveness_is_refused(value, low, high):
    with pytest.raises(ValueError, match="0 <= low <= value <= high <= 1"):
        Effectiveness(value, low, high)


def test_effectiveness_cannot_fall_over_no_time():
    with pytest.raises(ValueError, match="longer than zero"):
        Effectiveness(0.5, 0.3, 0.7, falls_over_us=0)


def test_constant_effectiveness_ignores_slack():
    constant = Effectiveness(0.5, 0.3, 0.7)

    left = constant.at(np.array([1, 10**12]))

    assert left.tolist() == [0.5, 0.5]


def test_falling_effectiveness_never_leaves_its_bounds():
    falling = Effectiveness(0.5, 0.3, 0.7, falls_over_us=100)

    left = falling.at(np.array([-5, 0, 50, 100, 10**12]))

    assert left.tolist() == [0.0, 0.0, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        pytest.param(12345.0, "USD", "$12,345", id="dollars"),
        pytest.param(-12.0, "EUR", "-€12", id="a loss"),
        pytest.param(-0.2, "GBP", "£0", id="no negative zero"),
        pytest.param(7.0, "SEK", "SEK 7", id="a code without a sign"),
    ],
)
def test_money_is_one_text(amount, currency, text):
    assert money(amount, currency) == text
