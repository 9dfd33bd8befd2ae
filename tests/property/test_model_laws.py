from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sla_sniper.model.calibration import isotonic_knots
from sla_sniper.model.encoding import Encoding
from sla_sniper.model.metrics import auc, auc_within, average_precision, brier, ece, mass_bins
from sla_sniper.model.probability import expit, logit
from sla_sniper.model.reasons import by_cause
from sla_sniper.snapshots.features import FEATURES, Feature
from sla_sniper.stats import day_weights, percentile_interval, wilson_interval

unit = st.floats(0, 1, width=32)


@st.composite
def scored(draw):
    """Outcomes of both kinds, scores with many ties, and landmarks."""
    n = draw(st.integers(2, 40))
    y = draw(hnp.arrays(bool, n))
    y[0], y[-1] = True, False
    score = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 6))).astype(float)
    landmark = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))
    return y, score, landmark


def slow_auc(y, score, landmark):
    """Count every pair within a landmark."""
    pairs = [
        (score[i] > score[j]) + 0.5 * (score[i] == score[j])
        for i in np.flatnonzero(y)
        for j in np.flatnonzero(~y)
        if landmark[i] == landmark[j]
    ]
    return np.mean(pairs) if pairs else np.nan


@settings(deadline=None)
@given(scored())
def test_auc_counts_pairs_like_its_slow_twin(case):
    y, score, landmark = case

    assert np.isclose(auc_within(y, score, landmark), slow_auc(*case), equal_nan=True)
    assert np.isclose(auc(y, score), slow_auc(y, score, np.zeros_like(landmark)))


@settings(deadline=None)
@given(scored())
def test_auc_of_the_reverse_is_the_rest(case):
    y, score, _ = case

    assert np.isclose(auc(y, score) + auc(y, -score), 1)


@settings(deadline=None)
@given(scored())
def test_ranking_metrics_ignore_the_scale(case):
    y, score, _ = case

    assert auc(y, np.exp(score)) == auc(y, score)
    assert average_precision(y, np.exp(score)) == average_precision(y, score)


@settings(deadline=None)
@given(scored(), st.randoms(use_true_random=False))
def test_metrics_ignore_row_order(case, random):
    y, score, landmark = case
    order = list(range(len(y)))
    random.shuffle(order)

    for metric in (auc, average_precision):
        assert np.isclose(metric(y[order], score[order]), metric(y, score))
    for metric in (brier, ece):
        assert np.isclose(metric(y[order], score[order] / 6), metric(y, score / 6))
    within = auc_within(y[order], score[order], landmark[order])
    assert np.isclose(within, auc_within(y, score, landmark), equal_nan=True)


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 60), elements=unit), st.integers(1, 12))
def test_bins_follow_the_order_of_values(values, n_bins):
    bins = mass_bins(values, n_bins)
    order = np.argsort(values)

    assert (np.diff(bins[order]) >= 0).all()
    assert 0 <= bins.min() <= bins.max() < n_bins


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(1e-5, 1 - 1e-5)))
def test_log_odds_and_probabilities_are_inverse(p):
    assert np.allclose(expit(logit(p)), p, rtol=1e-9)


@settings(deadline=None)
@given(scored(), st.booleans())
def test_isotonic_curves_are_monotone(case, rising):
    y, score, _ = case

    knots_x, knots_y = isotonic_knots(score, y, rising=rising)

    assert (np.diff(knots_x) > 0).all()
    assert (np.diff(knots_y) * (1 if rising else -1) >= 0).all()


@settings(deadline=None)
@given(st.integers(0, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_stays_inside_and_covers_its_share(case):
    successes, total = case

    share = wilson_interval(successes, total)

    assert 0 <= share.low <= share.high <= 1
    assert total == 0 or share.low - 1e-12 <= share.estimate <= share.high + 1e-12


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-1e6, 1e6)), st.integers(1, 99)
)
def test_wider_levels_and_fewer_units_contain_narrower_ones(draws, n_units):
    narrow = percentile_interval(0.0, draws, n_units=n_units + 1, level=0.8)
    wide = percentile_interval(0.0, draws, n_units=n_units, level=0.95)

    assert wide.low <= narrow.low <= narrow.high <= wide.high


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 1000))
def test_resamples_always_draw_all_their_days(n_days, seed):
    weights = day_weights(n_days, n_resamples=5, seed=seed)

    assert (weights.sum(axis=1) == n_days).all()


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=40))
def test_codes_name_their_levels(words):
    frame = pl.DataFrame({"group": words}, schema={"group": pl.String})
    encoding = Encoding.fit(frame, [Feature("group", "category", "group")])

    codes = encoding.transform(frame)[:, 0]

    levels = encoding.levels["group"]
    assert [None if np.isnan(code) else levels[int(code)] for code in codes] == words


@settings(deadline=None)
@given(hnp.arrays(np.float64, (3, len(FEATURES)), elements=st.floats(-5, 5)))
def test_causes_keep_the_total(contributions):
    _, summed = by_cause(contributions, FEATURES)

    assert np.allclose(summed.sum(axis=1), contributions.sum(axis=1))
