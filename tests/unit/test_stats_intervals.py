from __future__ import annotations

import math

import numpy as np
import pytest

from sla_sniper.stats import (
    Interval,
    day_weights,
    paired_difference,
    percentile_interval,
    ratio_draws,
    ratio_interval,
    wilson_interval,
)


def test_an_interval_refuses_reversed_bounds():
    with pytest.raises(ValueError, match="low <= high"):
        Interval(0.5, 0.6, 0.4)


def test_an_undefined_interval_claims_nothing():
    interval = percentile_interval(1.0, np.array([math.nan, math.nan]), n_units=9)

    assert not interval.is_above(0)
    assert not interval.is_below(2)


def test_undefined_draws_are_left_out():
    draws = np.array([math.nan, 1.0, 2.0, 3.0])

    found = percentile_interval(2.0, draws, n_units=10**6, level=0.5)

    assert (found.low, found.high) == pytest.approx((1.5, 2.5), abs=1e-5)


@pytest.mark.parametrize(("n_days", "least"), [(6, 0.925), (10, 0.935), (20, 0.935), (40, 0.935)])
def test_few_days_are_covered_nearly_as_often_as_said(n_days, least):
    """Days that differ as a normal variable; six days fall short of 95 % by more than chance."""
    days = np.random.default_rng(7).normal(size=(1500, n_days))
    weights = day_weights(n_days, n_resamples=1000, seed=1)

    found = [percentile_interval(0.0, weights @ each, n_units=n_days) for each in days]

    covered = np.mean([each.low <= 0 <= each.high for each in found])
    assert least <= covered <= 0.97


def test_one_day_spans_all_its_resamples():
    assert percentile_interval(1.0, np.arange(5.0), n_units=1) == Interval(1.0, 0.0, 4.0)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_impossible_levels_are_refused(level):
    with pytest.raises(ValueError, match="level"):
        percentile_interval(1.0, np.arange(3.0), n_units=9, level=level)


def test_equal_resamples_have_no_paired_difference():
    draws = np.random.default_rng(0).normal(size=50)

    assert paired_difference((1.0, 1.0), draws, draws, n_units=9) == Interval(0.0, 0.0, 0.0)


def test_pairing_refuses_draws_of_other_resamples():
    with pytest.raises(ValueError, match="one shape"):
        paired_difference((1.0, 1.0), np.ones(3), np.ones(4), n_units=9)


# Newcombe (1998), Statistics in Medicine 17, 857-872, table I: method 3.
@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="large"),
        pytest.param(15, 148, 0.0624, 0.1605, id="rare"),
        pytest.param(0, 20, 0.0, 0.1611, id="none"),
        pytest.param(1, 29, 0.0061, 0.1718, id="one"),
    ],
)
def test_wilson_agrees_with_newcombes_table(successes, total, low, high):
    interval = wilson_interval(successes, total)

    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_is_everything():
    interval = wilson_interval(0, 0)

    assert (interval.low, interval.high) == (0.0, 1.0)


def test_wilson_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="Successes"):
        wilson_interval(3, 2)


def test_the_same_seed_draws_the_same_days():
    assert np.array_equal(day_weights(9, seed=7), day_weights(9, seed=7))


def test_each_resample_has_as_many_days():
    assert set(day_weights(13, n_resamples=40).sum(axis=1)) == {13.0}


def test_a_bootstrap_of_no_days_is_refused():
    with pytest.raises(ValueError, match="a day or more"):
        day_weights(0)


def test_a_ratio_over_nothing_is_undefined():
    draws = ratio_draws(np.zeros(2), np.zeros(2), np.ones((1, 2)))

    assert np.isnan(draws).all()


def test_ratio_interval_covers_the_true_share():
    generator = np.random.default_rng(3)
    shares = [
        ratio_interval(
            generator.binomial(50, 0.3, 40).astype(float),
            np.full(40, 50.0),
            day_weights(40, n_resamples=200, seed=seed),
        )
        for seed in range(100)
    ]

    covered = sum(share.low <= 0.3 <= share.high for share in shares)

    assert covered >= 85
