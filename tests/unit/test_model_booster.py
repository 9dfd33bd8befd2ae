from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from sla_sniper.model.booster import Booster

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 5))
X[::7, 2] = np.nan
X[:, 4] = RNG.integers(0, 6, 400)
Y = (X[:, 0] + (X[:, 4] == 3) + RNG.normal(size=400)) > 0
TRAINED = lightgbm.train(
    {"objective": "binary", "verbosity": -1, "num_threads": 1},
    lightgbm.Dataset(X, Y.astype(float), categorical_feature=[4]),
    num_boost_round=20,
)
BOOSTER = Booster(TRAINED.model_to_string())


def test_log_odds_equal_the_packages_own():
    expected = TRAINED.predict(X, raw_score=True, num_threads=1)

    assert np.array_equal(BOOSTER.log_odds(X, num_threads=1), expected)


def test_contributions_equal_the_packages_own():
    expected = TRAINED.predict(X, pred_contrib=True, num_threads=1)

    assert np.array_equal(BOOSTER.contributions(X, num_threads=1), expected)


def test_no_rows_have_no_predictions():
    assert BOOSTER.log_odds(X[:0], num_threads=1).shape == (0,)
    assert BOOSTER.contributions(X[:0], num_threads=1).shape == (0, 6)


def test_columns_of_a_strided_matrix_are_read_right():
    wide = np.repeat(X, 2, axis=1)

    assert np.array_equal(
        BOOSTER.log_odds(wide[:, ::2], num_threads=1), BOOSTER.log_odds(X, num_threads=1)
    )


def test_text_that_is_no_model_is_refused():
    with pytest.raises(ValueError, match="LightGBM refused"):
        Booster("no model")
