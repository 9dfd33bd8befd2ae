"""What the product may never claim: chance, an empty forecast and no effect, by simulation."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import CostTable, Effectiveness, candidates_from, rank_now, replay
from sla_sniper.escalation.gate import judge, total_interval
from sla_sniper.escalation.policies import RULES
from sla_sniper.escalation.replay import DayTotals
from sla_sniper.stats.bootstrap import day_weights

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
COSTS = CostTable("USD", {"high": 1}, effectiveness=Effectiveness(0.5, 0.3, 0.7))
N_DAYS, N_TICKETS = 40, 12
N_RUNS = 400


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


def saving_per_day(pool, rng, *, effectiveness):
    """Estimate, day by day, what escalating the list saves more than escalating nobody.

    The list of `sniper` is drawn up as in a replay. For each ticket on it a coin decides whether
    it is escalated; an escalated one breaches as it would have, but for those that the true
    `effectiveness` saves. Each side stands for the whole list, at twice its realised loss, as
    an experiment would read it; an escalation costs nothing.
    """
    known = candidates_from(pool, COSTS.effectiveness)
    rows = replay(known, COSTS, capacities=[8], policies=["sniper"]).chosen["sniper", 8]
    is_escalated = rng.random(rows.size) < 0.5
    is_saved = is_escalated & (rng.random(rows.size) < effectiveness)
    loss = np.where(is_saved, 0.0, known.loss[rows])
    sides = np.where(is_escalated, -2.0, 2.0) * loss
    return np.bincount(known.day[rows], weights=sides, minlength=known.n_days)


def share_covering_zero(*, effectiveness, n_runs, n_days=N_DAYS):
    """Of experiments of so many days, the share whose interval of the saving covers zero."""
    rng = np.random.default_rng(0)
    pool = desk(rng, n_days=n_runs * n_days)
    per_day = saving_per_day(pool, rng, effectiveness=effectiveness).reshape(n_runs, n_days)
    weights = day_weights(n_days, n_resamples=1000, seed=0)
    found = [total_interval(run, weights) for run in per_day]
    return sum(each.low <= 0 <= each.high for each in found) / n_runs


@pytest.mark.slow
@pytest.mark.parametrize("n_days", [20, N_DAYS])
def test_interval_of_no_effect_covers_zero(n_days):
    """Tickets breach just the same whether escalated or not: the saving is nothing."""
    assert share_covering_zero(effectiveness=0.0, n_runs=N_RUNS, n_days=n_days) >= 0.93


def test_interval_of_an_effect_seldom_covers_zero():
    """The same experiment sees an effect that is there; else covering zero would mean nothing."""
    assert share_covering_zero(effectiveness=0.5, n_runs=100) <= 0.5


def share_claimed(forecast, *, n_runs):
    """Of replays of `N_DAYS` days, the share in which the gate claims an advantage.

    Costs are equal and slack, age and every probability say nothing of who breaches, so that a
    forecast of noise and each rule escalate by lot. The rule is chosen on earlier days, as a
    backtest does.
    """
    rng = np.random.default_rng(1)
    pool = desk(rng, n_days=2 * n_runs * N_DAYS)
    noise = pl.Series(rng.random(pool.height))
    pool = pool.with_columns(cost=50.0, p_edf=noise, p_breach=forecast)
    result = replay(pool, COSTS, capacities=[4], policies=[*RULES, "sniper"])
    weights = day_weights(N_DAYS, n_resamples=1000, seed=0)
    halves = [days_of(result, half * N_DAYS) for half in range(2 * n_runs)]
    claimed = sum(
        judge(tested, weights, training=training)[0].advantage.claimed
        for training, tested in zip(halves[::2], halves[1::2], strict=True)
    )
    return claimed / n_runs


def days_of(result, start):
    """`N_DAYS` days of a replay, as if they had been replayed alone: no ticket lives longer."""
    span = slice(start, start + N_DAYS)
    fields = DayTotals.__slots__
    return dataclasses.replace(
        result,
        candidates=dataclasses.replace(result.candidates, days=result.candidates.days[span]),
        totals={
            key: DayTotals(*(getattr(days, name)[span] for name in fields))
            for key, days in result.totals.items()
        },
    )


@pytest.mark.slow
def test_gate_seldom_claims_for_a_forecast_of_noise():
    error = np.sqrt(0.05 * 0.95 / N_RUNS)

    assert share_claimed(pl.col("p_breach"), n_runs=N_RUNS) <= 0.05 + 2 * error


def test_gate_claims_what_a_forecast_that_knows_saves():
    knowing = pl.when("breached").then(0.8).otherwise(0.2)

    assert share_claimed(knowing, n_runs=20) == 1.0
