"""Cramer's V, breach rates and the diagnosis in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sla_sniper.diagnosis import associate, cramers_v, diagnose
from sla_sniper.diagnosis.association import MAX_LEVELS, REST

tables = arrays.arrays(np.int64, (4, 2), elements=st.integers(0, 500))


def cycles(*counts: tuple[str | None, int, int]) -> pl.DataFrame:
    """Decided cycles from (group, met, missed)."""
    rows = [
        {"group": group, "state": state}
        for group, met, missed in counts
        for state in ["met"] * met + ["missed"] * missed
    ]
    return pl.DataFrame(rows, schema={"group": pl.String, "state": pl.String}).with_columns(
        is_missed=pl.col("state") == "missed"
    )


def plain_v(table):
    """The uncorrected V, spelled out cell by cell."""
    n, chi2 = table.sum(), 0.0
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            expected = table[i].sum() * table[:, j].sum() / n
            chi2 += (table[i, j] - expected) ** 2 / expected
    return np.sqrt(chi2 / n / (min(table.shape) - 1))


def test_v_equals_bergsmas_formula_by_hand():
    table = np.array([[30, 10], [20, 40]])
    phi2, n = plain_v(table) ** 2, 100

    v = cramers_v(table)

    expected = np.sqrt((phi2 - 1 / (n - 1)) / (2 - 1 / (n - 1) - 1))
    assert v == pytest.approx(expected, abs=1e-12)


@given(tables)
def test_v_lies_between_zero_and_one(table):
    v = float(cramers_v(table))

    assert np.isnan(v) or 0 <= v <= 1


@given(tables, st.permutations(range(4)))
def test_v_ignores_the_order_of_levels(table, order):
    v, shuffled = cramers_v(table), cramers_v(table[list(order)])

    assert np.allclose(v, shuffled, equal_nan=True)


@given(tables)
def test_levels_without_tickets_change_nothing(table):
    with_empty = np.vstack([table, np.zeros((3, 2), dtype=np.int64)])

    assert np.allclose(cramers_v(table), cramers_v(with_empty), equal_nan=True)


def test_noise_over_many_levels_is_no_association():
    generator = np.random.default_rng(7)
    frame = pl.DataFrame(
        {
            "group": generator.integers(0, 40, 1_700).astype(str),
            "is_missed": generator.random(1_700) < 0.3,
        }
    )

    association = associate(frame, "group")

    assert association.v.low == 0
    assert association.v.high < 0.2


def test_interval_contains_v_of_the_population():
    generator = np.random.default_rng(3)
    group = generator.integers(0, 4, 4_000)
    is_missed = generator.random(4_000) < np.array([0.1, 0.3, 0.5, 0.7])[group]
    population = np.array([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7]])

    association = associate(
        pl.DataFrame({"group": group.astype(str), "is_missed": is_missed}), "group"
    )

    assert association.v.low < plain_v(population) < association.v.high


def test_same_seed_gives_the_same_interval():
    frame = cycles(("A", 60, 40), ("B", 30, 70))

    assert associate(frame, "group", seed=1) == associate(frame, "group", seed=1)


def test_one_level_has_no_v():
    association = associate(cycles(("A", 5, 5)), "group")

    assert np.isnan(association.v.estimate)


def test_levels_tell_rate_and_share_of_misses():
    association = associate(cycles(("A", 90, 10), ("B", 60, 30), (None, 10, 0)), "group")

    told = [(lv.level, lv.n, lv.n_missed, lv.share_of_misses) for lv in association.levels]
    assert told == [("B", 90, 30, 0.75), ("A", 100, 10, 0.25), ("(none)", 10, 0, 0.0)]


def test_rare_levels_are_put_together_not_dropped():
    frame = cycles(*[(f"G{number:03}", 3, 1) for number in range(MAX_LEVELS + 20)])

    association = associate(frame, "group")

    assert len(association.levels) == MAX_LEVELS
    assert sum(level.n for level in association.levels) == frame.height
    assert association.levels[0].level == REST


def test_undecided_clocks_leave_every_rate():
    frame = pl.DataFrame({"state": ["met", "missed", "overdue", "running", "paused", "cancelled"]})

    diagnosis = diagnose(frame, [])

    assert (diagnosis.n, diagnosis.n_missed, diagnosis.n_left_out) == (3, 2, 3)


def test_mechanical_dimension_is_flagged_and_last():
    frame = cycles(("A", 90, 10), ("B", 60, 40)).with_columns(
        priority=pl.when("is_missed").then(pl.lit("critical")).otherwise(pl.lit("low"))
    )

    diagnosis = diagnose(frame, ["priority", "group", "absent"])

    assert [(a.dimension, a.is_mechanical) for a in diagnosis.associations] == [
        ("group", False),
        ("priority", True),
    ]
    assert "because it sets the target: mechanical, no cause" in diagnosis.sentences()[2]


def test_months_follow_the_start_of_the_clock():
    march, april = datetime(2016, 3, 31, 23, 59, tzinfo=UTC), datetime(2016, 4, 1, tzinfo=UTC)
    frame = pl.DataFrame({"state": ["missed", "met", "met"], "applied_at": [march, april, april]})

    diagnosis = diagnose(frame, [])

    assert [(m.month, m.n, m.n_missed) for m in diagnosis.months] == [
        ("2016-03", 1, 1),
        ("2016-04", 2, 0),
    ]


def test_values_of_few_targets_are_not_named():
    frame = cycles(("A", 29, 30), ("B", 0, 29))

    told = diagnose(frame, ["group"]).sentences()[1]

    assert "Most: A: 51 % of the misses" in told
    assert "B" not in told
    few = diagnose(cycles(("A", 1, 3)), ["group"]).sentences()
    assert not any("Most:" in each for each in few)


def test_months_are_those_of_the_desks_own_zone():
    late = datetime(2016, 3, 31, 23, 30, tzinfo=UTC)
    frame = pl.DataFrame({"state": ["missed"], "applied_at": [late]})

    diagnosis = diagnose(frame, [], timezone="Asia/Tokyo")

    assert [month.month for month in diagnosis.months] == ["2016-04"]


def test_one_month_is_not_said_to_run_to_itself():
    many, few = datetime(2016, 3, 1, tzinfo=UTC), datetime(2016, 4, 1, tzinfo=UTC)
    state = ["missed", "met"] * 500 + ["missed", "met"]
    frame = pl.DataFrame({"state": state, "applied_at": [many] * 1000 + [few] * 2})

    diagnosis = diagnose(frame, [])

    assert len(diagnosis.months) == 2
    assert not any("By month" in sentence for sentence in diagnosis.sentences())


def test_diagnosis_of_nothing_says_so():
    frame = pl.DataFrame(
        {"state": [], "group": []}, schema={"state": pl.String, "group": pl.String}
    )

    diagnosis = diagnose(frame, ["group"])

    assert diagnosis.sentences() == (
        "No target has been decided yet, so there is nothing to diagnose.",
    )


def test_diagnosis_is_json_without_nan():
    diagnosis = diagnose(cycles(("A", 5, 5)), ["group"])

    answer = json.loads(json.dumps(diagnosis.as_dict(), allow_nan=False))

    assert answer["associations"][0]["cramers_v"]["estimate"] is None
