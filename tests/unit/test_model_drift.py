"""Drift is what lies beyond the usual differences between weeks; calm weeks are quiet."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sla_sniper.model.drift import MOST_TOLD, drifts, jensen_shannon
from sla_sniper.snapshots.features import Feature

FEATURES = (
    Feature("n_updates", "number", "activity"),
    Feature("channel", "category", "channel"),
    Feature("silence_h", "number", "silence"),
)
N_DAYS, PER_DAY = 84, 60


def weeks(seed=0, n_days=N_DAYS):
    rng = np.random.default_rng(seed)
    n = n_days * PER_DAY
    return pl.DataFrame(
        {
            "day": [date(2024, 1, 1) + timedelta(days=at // PER_DAY) for at in range(n)],
            "n_updates": rng.poisson(3, n),
            "channel": rng.choice(["mail", "phone"], n),
            "silence_h": rng.exponential(8, n),
        }
    )


def found(recent, training=None):
    training = weeks() if training is None else training
    return drifts(training, recent, FEATURES, np.full((recent.height, len(FEATURES)), 0.2))


RECENT = weeks(seed=1, n_days=20)


def test_a_calm_desk_is_quiet():
    assert found(RECENT) == ()


def test_a_moved_number_is_told_with_its_medians():
    (drift,) = found(RECENT.with_columns(pl.col("silence_h") + 20))

    assert (drift.cause, drift.feature) == ("silence", "silence_h")
    assert drift.sentence.startswith("median silence h: 5.5")


def test_a_new_channel_is_told_with_its_share():
    (drift,) = found(RECENT.with_columns(pl.lit("chat").alias("channel")))

    assert drift.sentence == "channel chat: 0 % of the tickets in training, 100 % now"


def test_what_became_missing_has_moved():
    gone = RECENT.with_columns(pl.lit(None, pl.Float64).alias("silence_h"))

    assert [drift.cause for drift in found(gone)] == ["silence"]


def test_a_desk_that_always_swings_is_quiet():
    swing = (pl.col("day").dt.ordinal_day() // 20 % 2) * 20
    training = weeks().with_columns(pl.col("silence_h") + swing)

    assert found(RECENT.with_columns(pl.col("silence_h") + 20), training) == ()


def test_what_moves_forecasts_most_comes_first():
    moved = RECENT.with_columns(pl.col("silence_h") + 20, pl.lit("chat").alias("channel"))
    weights = np.tile([0.0, 0.1, 0.9], (moved.height, 1))

    causes = [drift.cause for drift in drifts(weeks(), moved, FEATURES, weights)]

    assert causes == ["silence", "channel"]


def test_what_no_forecast_uses_is_not_told():
    moved = RECENT.with_columns(pl.col("silence_h") + 20)

    assert drifts(weeks(), moved, FEATURES, np.zeros((moved.height, 3))) == ()


def test_few_are_told():
    many = tuple(Feature(f"x{at}", "number", f"cause {at}") for at in range(12))
    calm = weeks().with_columns(pl.col("silence_h").alias(one.name) for one in many)
    moved = RECENT.with_columns((pl.col("silence_h") + 30).alias(one.name) for one in many)

    told = drifts(calm, moved, many, np.ones((moved.height, 12)))

    assert len(told) == MOST_TOLD


def test_no_recent_rows_have_not_moved():
    assert found(RECENT.clear()) == ()


counts = st.lists(st.integers(0, 50), min_size=4, max_size=4).map(lambda n: np.array(n, float))


@given(counts, counts)
def test_the_distance_is_symmetric_and_between_zero_and_one(first, second):
    distance = jensen_shannon(first, second)

    assert 0 <= distance <= 1 + 1e-12
    assert distance == jensen_shannon(second, first)


@given(counts, st.integers(1, 9))
def test_the_distance_does_not_depend_on_the_size(first, times):
    assert jensen_shannon(first, first * times) < 1e-7
