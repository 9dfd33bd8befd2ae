from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import (
    CostTable,
    Effectiveness,
    SlotRule,
    backtest,
    candidates_from,
    rank_now,
    replay,
)
from sla_sniper.escalation.replay import worth_pricing
from sla_sniper.escalation.slots import LEAST_DAYS, TRAILING_DAYS, Arrivals, n_worth

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
COSTS = CostTable("USD", {"high": 1}, effectiveness=Effectiveness(1.0, 0.3, 1.0))
RULE = SlotRule(priced=frozenset([1, 2]))


def day_of(day, *, morning, noon, is_urgent=True):
    """Two landmarks: what is there in the morning, what only comes at noon."""
    rows = [
        {"hour": 0, "cost": cost, "ticket_id": f"{day:02}m{n}", "slack_us": HOUR}
        for n, cost in enumerate(morning)
    ]
    stays = [] if is_urgent else [row | {"hour": 4} for row in rows]
    come = [
        {"hour": 4, "cost": cost, "ticket_id": f"{day:02}n{n}", "slack_us": 9 * HOUR}
        for n, cost in enumerate(noon)
    ]
    return [row | {"day": day} for row in (*rows, *stays, *come)]


def pool_of(*days):
    frame = pl.DataFrame([row for day in days for row in day])
    landmark = pl.Series(
        [START + timedelta(days=d, hours=h) for d, h in frame.select("day", "hour").rows()]
    ).dt.cast_time_unit("us")
    return frame.with_columns(
        landmark=landmark,
        day=landmark.dt.date(),
        source=pl.lit("desk"),
        metric=pl.lit("resolution_time"),
        age_us=HOUR,
        target_us=8 * HOUR,
        cost=pl.col("cost").cast(pl.Float64),
        breached=True,
        p_breach=1.0,
        p_logistic=1.0,
        p_edf=1.0,
    )


N_DAYS = 12
POOR_MORNINGS = [day_of(day, morning=[5, 4], noon=[90, 80]) for day in range(N_DAYS)]
RICH_MORNINGS = [day_of(day, morning=[90, 80], noon=[5, 4]) for day in range(N_DAYS)]


def captured(days, capacity, rule):
    result = replay(pool_of(*days), COSTS, capacities=[capacity], policies=["sniper"], rule=rule)
    return result.totals["sniper", capacity].captured.tolist()


def test_slots_wait_for_better_tickets_once_days_are_known():
    assert captured(POOR_MORNINGS, 1, RULE) == [5.0] * LEAST_DAYS + [90.0] * (N_DAYS - LEAST_DAYS)
    assert captured(POOR_MORNINGS, 1, SlotRule()) == [5.0] * N_DAYS


def test_slots_are_used_at_once_where_nothing_better_comes():
    assert captured(RICH_MORNINGS, 2, RULE) == [95.0] * LEAST_DAYS + [170.0] * (N_DAYS - LEAST_DAYS)


def test_slots_kept_in_vain_are_used_at_the_last_landmark():
    poor = day_of(N_DAYS, morning=[5, 4], noon=[1], is_urgent=False)

    assert captured([*POOR_MORNINGS, poor], 1, RULE)[-1] == 5.0


def test_price_never_reads_the_day_itself():
    surprise = day_of(8, morning=[5], noon=[1000])
    quiet = day_of(8, morning=[5], noon=[])
    plain = [day_of(day, morning=[5], noon=[3]) for day in range(8)]

    chosen = [
        replay(pool_of(*plain, last), COSTS, capacities=[1], policies=["sniper"], rule=RULE)
        for last in (surprise, quiet)
    ]

    last = [
        each.candidates.clocks["ticket_id"][int(each.chosen["sniper", 1][-1])] for each in chosen
    ]
    assert last == ["08m0", "08m0"]


def test_prices_come_from_trailing_days_alone():
    arrivals = Arrivals(np.array([0, 30]), np.array([0, 0]), np.array([99.0, 1.0]))

    prices = [arrivals.prices(day, landmarks_left=1, slots=1)[0] for day in (1, 20, 31)]

    assert prices == [99.0, 0.0, 0.0]
    assert TRAILING_DAYS == 20


def test_prices_forget_what_came_before_the_landmark():
    arrivals = Arrivals(np.array([0, 0]), np.array([3, 1]), np.array([9.0, 5.0]))

    assert arrivals.prices(1, landmarks_left=2, slots=2).tolist() == [0.0, 5.0]


def test_a_ticket_arrives_once_a_day():
    stays = [day_of(day, morning=[5], noon=[7], is_urgent=False) for day in range(2)]
    candidates = candidates_from(pool_of(*stays), COSTS.effectiveness)

    found = Arrivals.of(candidates, candidates.cost)

    assert sorted(zip(found.day, found.landmarks_left, found.saving, strict=True)) == [
        (0, 0, 7.0), (0, 1, 5.0), (1, 0, 7.0), (1, 1, 5.0),
    ]  # fmt: skip


def test_dearer_slots_are_given_last():
    assert n_worth(np.array([9.0, 9.0]), np.array([0.0, 10.0])) == 1
    assert n_worth(np.array([11.0, 11.0]), np.array([0.0, 10.0])) == 2
    assert n_worth(np.array([1.0, 1.0]), np.array([])) == 0


@pytest.mark.parametrize(
    ("days", "worth"), [(POOR_MORNINGS, frozenset([1, 2])), (RICH_MORNINGS, frozenset([2]))]
)
def test_holding_back_is_on_only_where_it_saved_more(days, worth):
    assert worth_pricing(pool_of(*days), COSTS, [1, 2]) == worth


def test_one_lucky_day_does_not_hold_slots_back():
    quiet = [day_of(day, morning=[5], noon=[5]) for day in range(2 * LEAST_DAYS)]
    lucky = [*quiet, *(POOR_MORNINGS[LEAST_DAYS],)]
    lucky[-1] = [row | {"day": 2 * LEAST_DAYS} for row in lucky[-1]]

    assert worth_pricing(pool_of(*lucky), COSTS, [1]) == frozenset()


def test_days_without_a_forecast_are_no_evidence_for_holding_slots_back():
    pool = pool_of(*POOR_MORNINGS)
    newest = pl.col("day") == pl.col("day").max()

    foreseen = pool.with_columns(pl.when(newest).then("p_breach"))

    assert worth_pricing(foreseen, COSTS, [1]) == frozenset()


def test_price_is_off_without_a_forecast_to_try_it_on():
    assert worth_pricing(pool_of(*POOR_MORNINGS).drop("p_breach"), COSTS, [1]) == frozenset()
    assert backtest(pool_of(*POOR_MORNINGS), COSTS, capacities=[1])[1].held_back == ()


def test_backtest_says_where_slots_were_held_back():
    pool = pool_of(*POOR_MORNINGS)

    result, summary = backtest(pool, COSTS, capacities=[1], training=pool)

    assert summary.held_back == (1,)
    assert result.totals["sniper", 1].captured.sum() == 5 * LEAST_DAYS + 90 * (N_DAYS - LEAST_DAYS)
    assert "held_back" in summary.assumptions.release


def test_slots_are_held_back_at_the_desks_own_capacity_too():
    pool = pool_of(*POOR_MORNINGS)

    result, summary = backtest(pool, COSTS, capacities=[3], training=pool, own=1)

    assert 1 in summary.held_back
    assert result.totals["sniper", 1].captured.sum() == 5 * LEAST_DAYS + 90 * (N_DAYS - LEAST_DAYS)


@pytest.mark.parametrize("priced", [frozenset([1]), frozenset([2])])
def test_one_more_slot_is_given_by_the_same_rule(priced):
    pool, is_priced = pool_of(*POOR_MORNINGS), 1 in priced

    found = replay(pool, COSTS, capacities=[1, 2], rule=SlotRule(priced))

    same = replay(pool, COSTS, capacities=[2], rule=SlotRule(frozenset([2] if is_priced else [])))
    more = found.one_more["sniper", 1].captured.tolist()
    assert more == same.totals["sniper", 2].captured.tolist()
    assert more != found.totals["sniper", 2].captured.tolist()


def test_kill_list_leaves_dear_slots_unused():
    now = pool_of(day_of(0, morning=[50, 40, 30], noon=[]))

    ranked = rank_now(now, "sniper", capacity=3, costs=COSTS, prices=np.array([0.0, 45.0, 60.0]))

    assert ranked["recommended"].to_list() == [True, False, False]
    assert ranked["rank"].to_list() == [1, 2, 3]
