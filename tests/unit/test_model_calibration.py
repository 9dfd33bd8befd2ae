from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from sla_sniper.model.calibration import (
    Calibrator,
    Origin,
    choose_calibrator,
    fit_calibrator,
    isotonic_knots,
)
from sla_sniper.model.probability import expit, logit

GENERATOR = np.random.default_rng(5)
TRUTH = expit(1.5 * GENERATOR.normal(size=4000))
Y = GENERATOR.random(4000) < TRUTH
FIRST = np.arange(4000) < 2000


def chosen(p):
    return choose_calibrator(p, Y, [Origin(FIRST, ~FIRST)])


def test_good_probabilities_are_left_alone():
    assert chosen(TRUTH).name == "none"


def test_a_shift_in_log_odds_is_repaired_by_platt():
    calibrator = chosen(expit(2 * logit(TRUTH) + 1))

    assert calibrator.name == "platt"
    assert (calibrator.slope, calibrator.intercept) == pytest.approx((0.5, -0.5), abs=0.06)


def test_a_kink_is_repaired_by_isotonic():
    kinked = np.where(TRUTH < 0.5, TRUTH / 10, 0.9 + TRUTH / 10)

    assert chosen(kinked).name == "isotonic"


@pytest.mark.parametrize("n", [0, 150], ids=["none", "few"])
def test_too_few_rows_are_left_alone(n):
    few = Origin(np.arange(4000) < n, ~FIRST)

    calibrator = choose_calibrator(expit(3 * logit(TRUTH)), Y, [few])

    assert calibrator == Calibrator()


def test_one_outcome_alone_is_left_alone():
    p = expit(3 * logit(TRUTH))

    assert choose_calibrator(p, Y, [Origin(FIRST & Y, ~FIRST)]) == Calibrator()


def test_what_helps_at_one_origin_alone_has_to_pay_over_all():
    """Sharp in the first half and true in the rest: repaired at the first origin, harmed after."""
    quarter = np.arange(4000) // 1000
    p = np.where(quarter < 2, expit(3 * logit(TRUTH)), TRUTH)
    origins = [Origin(quarter < at, quarter == at) for at in (1, 2, 3)]

    assert choose_calibrator(p, Y, origins[:1]).name == "platt"
    assert choose_calibrator(p, Y, origins).name == "none"


def test_an_origin_with_too_little_is_passed_over():
    p = expit(2 * logit(TRUTH) + 1)
    origins = [Origin(np.arange(4000) < 10, ~FIRST), Origin(FIRST, ~FIRST)]

    assert choose_calibrator(p, Y, origins) == chosen(p)


def test_platt_never_turns_the_ranking_round():
    assert fit_calibrator("platt", 1 - TRUTH, Y) == Calibrator()


@pytest.mark.parametrize("rising", [True, False])
def test_isotonic_agrees_with_scikit_learn(rising):
    x = GENERATOR.integers(0, 200, 4000).astype(float)
    reference = IsotonicRegression(increasing=rising, out_of_bounds="clip").fit(x, Y)
    asked = np.linspace(-10, 210, 500)

    found = np.interp(asked, *isotonic_knots(x, Y, rising=rising))

    assert np.allclose(found, reference.predict(asked), atol=1e-12)


@pytest.mark.parametrize("name", ["none", "platt", "isotonic"])
def test_a_calibrator_survives_json_to_the_bit(name):
    calibrator = fit_calibrator(name, TRUTH, Y)

    loaded = Calibrator.from_state(json.loads(json.dumps(calibrator.state())))

    assert np.array_equal(loaded.apply(TRUTH), calibrator.apply(TRUTH))
