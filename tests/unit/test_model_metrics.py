from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from sla_sniper.model.evaluation import EvaluationRows, evaluate
from sla_sniper.model.metrics import (
    METRICS,
    auc,
    auc_within,
    average_precision,
    brier,
    brier_skill,
    calibration_line,
    ece,
    reliability_curve,
)
from sla_sniper.model.probability import expit, logit
from sla_sniper.stats import percentile_interval

GENERATOR = np.random.default_rng(11)
N = 3000
DAY = np.repeat(np.arange(15), 200)
LANDMARK = np.repeat(np.arange(150), 20)
SIGNAL = GENERATOR.normal(size=N) + 0.5 * GENERATOR.normal(size=15)[DAY]
Y = GENERATOR.random(N) < expit(SIGNAL)
P = expit(SIGNAL).round(2).clip(0.01, 0.99)
NOISE = GENERATOR.random(N)


def table(**changes):
    rows = EvaluationRows(Y, DAY, LANDMARK, **{"n_resamples": 300, **changes})
    scores = {"edf": NOISE, "model": P}
    return evaluate(rows, scores, probabilities={"model"}, reference="edf")


def line(metric, score="model", **changes):
    return table(**changes).row(
        by_predicate=(pl.col("metric") == metric) & (pl.col("score") == score), named=True
    )


@pytest.mark.parametrize("score", [P, NOISE, -P, P > 0.5], ids=["p", "noise", "down", "tied"])
def test_auc_agrees_with_scikit_learn(score):
    assert auc(Y, score) == pytest.approx(roc_auc_score(Y, score), abs=1e-12)


@pytest.mark.parametrize("score", [P, NOISE, P > 0.5], ids=["p", "noise", "tied"])
def test_average_precision_agrees_with_scikit_learn(score):
    expected = average_precision_score(Y, score)

    assert average_precision(Y, score) == pytest.approx(expected, abs=1e-12)


def test_brier_agrees_with_scikit_learn():
    assert brier(Y, P) == pytest.approx(brier_score_loss(Y, P), abs=1e-12)


def test_calibration_line_agrees_with_scikit_learn():
    unpenalised = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(P)[:, None], Y)

    intercept, slope = calibration_line(Y, P)

    assert (intercept, slope) == pytest.approx(
        (unpenalised.intercept_[0], unpenalised.coef_[0, 0]), abs=1e-5
    )


def test_auc_within_landmarks_weights_by_pairs():
    wins, pairs = 0.0, 0
    for landmark in np.unique(LANDMARK):
        here = landmark == LANDMARK
        n_pairs = Y[here].sum() * (~Y[here]).sum()
        wins += n_pairs * roc_auc_score(Y[here], P[here]) if n_pairs else 0
        pairs += n_pairs

    assert auc_within(Y, P, LANDMARK) == pytest.approx(wins / pairs, abs=1e-12)


@pytest.mark.parametrize("metric", [auc, average_precision, brier_skill])
def test_one_outcome_alone_is_undefined(metric):
    assert np.isnan(metric(np.zeros(5, dtype=bool), np.linspace(0.1, 0.5, 5)))


def test_separable_outcomes_have_no_calibration_line():
    assert np.isnan(calibration_line([False, False, True, True], [0.1, 0.2, 0.8, 0.9])).all()


def test_the_constant_forecast_has_no_skill():
    assert brier_skill(Y, np.full(N, Y.mean())) == pytest.approx(0, abs=1e-12)


def test_a_calibrated_forecast_has_little_error():
    assert ece(Y, expit(SIGNAL)) < 0.03


def test_reliability_bins_have_equal_mass():
    curve = reliability_curve(Y, SIGNAL)

    assert curve["n"].to_list() == [300] * 10


def test_every_probability_metric_is_reported():
    metrics = table().filter(pl.col("score") == "model")["metric"].to_list()

    assert metrics == [metric.name for metric in METRICS]


def test_mere_ranks_get_no_brier_score():
    metrics = table().filter(pl.col("score") == "edf")["metric"].to_list()

    assert metrics == ["auc", "auc_within_landmark", "average_precision"]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
        ("brier_skill", brier_skill),
        ("calibration_intercept", lambda y, p: calibration_line(y, p)[0]),
        ("calibration_slope", lambda y, p: calibration_line(y, p)[1]),
        ("ece", ece),
    ],
)
def test_intervals_agree_with_resampled_rows(metric, expected):
    """The slow obvious twin: copy the rows of the drawn days, and measure again."""
    rows = EvaluationRows(Y, DAY, LANDMARK, n_resamples=60)
    copies = [
        np.repeat(np.arange(N), weights[rows.day_index].astype(int)) for weights in rows.weights
    ]
    draws = np.array([expected(Y[copy], P[copy]) for copy in copies])
    slow = percentile_interval(0.0, draws, n_units=rows.n_days)

    found = line(metric, n_resamples=60)

    assert found["estimate"] == pytest.approx(expected(Y, P), abs=1e-5)
    assert (found["low"], found["high"]) == pytest.approx((slow.low, slow.high), abs=5e-3)


def test_auc_intervals_are_exact_to_rounding():
    rows = EvaluationRows(Y, DAY, LANDMARK, n_resamples=25)
    copies = [
        np.repeat(np.arange(N), weights[rows.day_index].astype(int)) for weights in rows.weights
    ]
    draws = np.array([roc_auc_score(Y[copy], P[copy]) for copy in copies])
    slow = percentile_interval(0.0, draws, n_units=rows.n_days)

    found = line("auc", n_resamples=25)

    assert (found["low"], found["high"]) == pytest.approx((slow.low, slow.high), abs=1e-12)


def test_a_real_advantage_lies_above_zero():
    found = line("auc")

    assert 0 < found["difference_low"] < found["difference"] < found["difference_high"]


def test_the_reference_differs_by_nothing():
    found = line("auc", score="edf")

    assert (found["difference_low"], found["difference_high"]) == (0.0, 0.0)


def test_metrics_without_a_reference_have_no_difference():
    assert line("brier")["difference"] is None


def test_row_order_does_not_change_an_evaluation():
    shuffled = np.random.default_rng(1).permutation(N)
    rows = EvaluationRows(Y[shuffled], DAY[shuffled], LANDMARK[shuffled], n_resamples=20)

    found = evaluate(rows, {"m": P[shuffled]}, probabilities={"m"}, reference="m")

    straight = EvaluationRows(Y, DAY, LANDMARK, n_resamples=20)
    expected = evaluate(straight, {"m": P}, probabilities={"m"}, reference="m")
    assert np.allclose(found["low"], expected["low"], atol=1e-12)


@pytest.mark.parametrize("score", [np.full(N, np.nan), P[:-1]], ids=["nan", "short"])
def test_unusable_scores_are_refused(score):
    rows = EvaluationRows(Y, DAY, LANDMARK, n_resamples=10)

    with pytest.raises(ValueError, match="finite values"):
        evaluate(rows, {"m": score}, probabilities=(), reference="m")


def test_scores_are_not_taken_for_probabilities():
    rows = EvaluationRows(Y, DAY, LANDMARK, n_resamples=10)

    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        evaluate(rows, {"m": SIGNAL}, probabilities={"m"}, reference="m")


def test_an_evaluation_needs_rows():
    with pytest.raises(ValueError, match="needs rows"):
        EvaluationRows(Y[:0], DAY[:0], LANDMARK[:0])
