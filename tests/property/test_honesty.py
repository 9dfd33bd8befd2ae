"""What the product may never claim: chance, an empty forecast and no effect, by simulation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import CostTable, Effectiveness, candidates_from, rank_now, replay
from sla_sniper.escalation.gate import paired_net
from sla_sniper.stats.bootstrap import day_weights

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
COSTS = CostTable("USD", {"high": 1}, effectiveness=Effectiveness(0.5, 0.3, 0.7))
N_DAYS, N_TICKETS = 40, 12


def desk(rng, *, forecast=None, n_days=N_DAYS):
    """Draw days of tickets; the forecast knows nothing of the outcome unless it is given."""
    size = n_days * N_TICKETS
    landmark = pl.Series(
        [START + timedelta(days=int(d)) for d in np.repeat(np.arange(n_days), N_TICKETS)]
    ).dt.cast_time_unit("us")
    chance = rng.random(size) if forecast is None else np.full(size, forecast)
    return pl.DataFrame(
        {
            "landmark": landmark,
            "day": landmark.dt.date(),
            "source": "desk",
            "ticket_id": [f"T{n:04}" for n in range(size)],
            "metric": "resolution_time",
            "slack_us": rng.integers(1, 40, size) * HOUR,
            "age_us": rng.integers(1, 40, size) * HOUR,
            "target_us": 40 * HOUR,
            "cost": rng.choice([10.0, 50.0, 200.0], size),
            "p_breach": chance,
            "p_logistic": chance,
            "p_edf": 0.5,
            "breached": rng.random(size) < 0.4,
        }
    )


def test_random_policy_captures_what_chance_expects():
    pool = desk(np.random.default_rng(0))
    known = candidates_from(pool, COSTS.effectiveness)

    captured = replay(known, COSTS, capacities=[4], policies=["random"]).captured_by_seed[4]

    expected = known.loss.sum() * 4 / N_TICKETS
    error = captured.std(ddof=1) / np.sqrt(captured.size)
    assert abs(captured.mean() - expected) < 2 * error


@pytest.mark.parametrize("p_breach", [0.1, 0.5, 1.0])
def test_constant_forecast_ranks_by_cost_alone(p_breach):
    pool = desk(np.random.default_rng(1), forecast=p_breach, n_days=1)

    ranked = rank_now(pool, "sniper", capacity=5, costs=COSTS)

    assert ranked["cost"].to_list() == sorted(pool["cost"], reverse=True)


@pytest.mark.slow
def test_interval_of_no_effect_covers_zero():
    """A forecast of no effect on who breaches: `risk` against `oldest`, two blind choices.

    Both escalate tickets whose outcomes were drawn apart from everything that they rank by,
    so what one truly saves more than the other is zero in expectation in every run.
    """
    weights = day_weights(N_DAYS, n_resamples=1000, seed=0)
    covers = 0
    for run in range(400):
        pool = candidates_from(desk(np.random.default_rng(run)), COSTS.effectiveness)
        result = replay(pool, COSTS, capacities=[4], policies=["risk", "oldest"])
        gain = paired_net(result, ("risk", "oldest"), 4, weights)
        covers += gain.low <= 0 <= gain.high

    assert covers >= 0.93 * 400
