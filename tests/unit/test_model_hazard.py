from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sla_sniper.model.hazard import HazardEstimator
from sla_sniper.snapshots.features import Feature

FEATURES = (Feature("slack_h", "number", "deadline"), Feature("busy", "number", "load"))
N = 20_000


def desk(*, watched=np.inf, seed=0):
    """Tickets fulfilled at 0.05 an hour, those of a busy group at a third of that.

    Nobody has watched longer than `watched` hours.
    """
    rng = np.random.default_rng(seed)
    busy, slack = rng.integers(0, 2, N).astype(float), rng.uniform(1, 60, N)
    lasts = rng.exponential(20 * np.where(busy == 1, 3, 1))
    until = np.minimum(np.minimum(lasts, slack), watched)
    frame = pl.DataFrame(
        {
            "slack_h": slack,
            "busy": busy,
            "observed_h": until,
            "is_censored": (until < lasts) & (until < slack),
        }
    )
    return frame, (lasts >= slack) & ~frame["is_censored"].to_numpy()


def ask(slack_h, busy):
    return pl.DataFrame({"slack_h": [slack_h], "busy": [busy]})


@pytest.fixture(scope="module")
def model():
    return HazardEstimator(FEATURES).fit(*desk(watched=25.0))


@pytest.mark.parametrize(("busy", "mean_h"), [(0.0, 20), (1.0, 60)])
@pytest.mark.parametrize("hours", [2.0, 10.0, 20.0])
def test_survival_is_found_from_censored_tickets(model, busy, mean_h, hours):
    expected = np.exp(-hours / mean_h)

    assert model.predict_proba(ask(hours, busy)) == pytest.approx(expected, abs=0.03)


def test_dropping_the_censored_would_be_wrong():
    frame, breached = desk(watched=25.0)
    decided = ~frame["is_censored"].to_numpy()
    naive = HazardEstimator(FEATURES).fit(frame.filter(decided), breached[decided])

    assert abs(naive.predict_proba(ask(20.0, 1.0))[0] - np.exp(-20 / 60)) > 0.05


def test_one_model_answers_for_every_horizon(model):
    chances = [model.p_running(ask(8.0, 0.0), hours=hours)[0] for hours in (1, 5, 20, 50)]

    assert chances == sorted(chances, reverse=True)
    assert model.p_running(ask(8.0, 0.0), hours=8)[0] == model.predict_proba(ask(8.0, 0.0))[0]


def test_hours_to_fulfilment_and_chances_are_inverse(model):
    median = model.hours_to_fulfilment(ask(8.0, 0.0), shares=(0.5,))[0, 0]

    assert model.p_running(ask(8.0, 0.0), hours=median)[0] == pytest.approx(0.5)


def test_four_of_five_tickets_end_within_the_interval(model):
    frame, _ = desk(seed=1)
    low, _, high = model.hours_to_fulfilment(frame).T
    done = frame.filter(~pl.col("is_censored"))["observed_h"].to_numpy()
    ended = done < frame["slack_h"].to_numpy()

    within = (low[ended] <= done[ended]).mean()
    assert 0.8 < within < 0.95
    assert (high > low).all()


def test_explaining_needs_the_horizon_among_the_features():
    model = HazardEstimator(FEATURES[1:]).fit(*desk())

    with pytest.raises(ValueError, match="slack_h"):
        model.contributions(ask(8.0, 0.0))
