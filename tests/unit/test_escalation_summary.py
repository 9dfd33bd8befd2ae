import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import (
    POLICIES,
    RULES,
    CostTable,
    Effectiveness,
    backtest,
    capture_curve,
    replay,
    summarise,
)
from sla_sniper.escalation.gate import best_rule, judge, paired_net, total_interval
from sla_sniper.escalation.summary import N_RESAMPLES
from sla_sniper.stats.bootstrap import day_weights

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
N_DAYS, N_TICKETS = 20, 30


def costs(*, intervention=2.0, value=0.5, low=0.3, high=0.7):
    return CostTable("USD", {"high": 100}, "priority", None, intervention,
                     Effectiveness(value, low, high))  # fmt: skip


def pool(*, forecast, n_days=N_DAYS, censored=0.0, seed=0):
    """Build one ticket a row and landmark; `forecast` mixes truth (1) with a constant (0)."""
    rng = np.random.default_rng(seed)
    size = n_days * N_TICKETS
    breached = rng.random(size) < 0.3
    day = np.repeat(np.arange(n_days), N_TICKETS)
    p_breach = 0.3 + forecast * (breached - 0.3)
    landmark = pl.Series([START + timedelta(days=int(d)) for d in day])
    return pl.DataFrame(
        {
            "landmark": landmark.dt.cast_time_unit("us"),
            "day": landmark.dt.date(),
            "source": "desk",
            "ticket_id": [f"T{n:04}" for n in range(size)],
            "metric": "resolution_time",
            "slack_us": rng.integers(1, 40, size) * HOUR,
            "age_us": rng.integers(1, 40, size) * HOUR,
            "target_us": 40 * HOUR,
            "cost": rng.choice([10.0, 50.0, 200.0], size),
            "p_breach": p_breach,
            "p_logistic": p_breach,
            "p_edf": 0.3,
            "breached": pl.Series(breached).set(pl.Series(rng.random(size) < censored), None),
        }
    )


SHARP, BLIND = pool(forecast=0.6), pool(forecast=0.0)
# Four tickets a day that a robot will break, far from their deadline; the rest is noise.
LOST = pl.int_range(pl.len()) % N_TICKETS < 4
LOST_AND_NOISE = BLIND.with_columns(
    p_breach=pl.when(LOST).then(0.99).otherwise(0.2 + 0.2 * pl.Series(
        np.random.default_rng(1).random(BLIND.height))),
    breached=LOST | pl.col("breached"),
    slack_us=pl.when(LOST).then(80 * HOUR).otherwise("slack_us"),
    age_us=pl.when(LOST).then(HOUR).otherwise("age_us"),
    cost=pl.lit(200.0),
)  # fmt: skip
# Knows something of every tenth ticket: an advantage, but not at 99 %.
DOUBTFUL = SHARP.with_columns(
    p_breach=pl.when(pl.Series(np.random.default_rng(0).random(SHARP.height) < 0.1))
    .then("p_breach")
    .otherwise(0.3)
)


def test_sharp_forecast_may_claim_its_advantage():
    _, summary = backtest(SHARP, costs(), capacities=[5], training=pool(forecast=0.0, seed=1))

    verdict = summary.verdict(5)
    assert (verdict.policy, verdict.advantage.claimed, verdict.chosen_on) == (
        "sniper", True, "training days",
    )  # fmt: skip
    assert verdict.sentence.startswith("sniper saves $")
    assert verdict.sentence.endswith(f"more than {verdict.advantage.rule} at 5 a day")


def test_blind_forecast_yields_to_the_rule():
    _, summary = backtest(BLIND, costs(), capacities=[5])

    verdict = summary.verdict(5)
    assert (verdict.policy, verdict.chosen_on) == (verdict.advantage.rule, "test days")
    assert verdict.sentence.startswith("no measurable advantage over ")


def test_sentence_states_difference_and_bounds():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    found = summary.advantage[0]
    assert summary.verdict(5).sentence == (
        f"sniper saves ${found.difference:,.0f} [{found.low:,.0f}, {found.high:,.0f}] "
        f"more than {found.rule} at 5 a day"
    )


def claims(capacities, own=None):
    _, summary = backtest(DOUBTFUL, costs(), capacities=capacities, own=own)
    return [row.claimed for row in summary.advantage]


def test_claim_elsewhere_needs_one_at_the_desks_own_capacity():
    assert claims([5, 0], own=5) == claims([5, 0], own=4) == [True, False]
    assert claims([5, 0], own=0) == [False, False]
    assert claims([5], own=0) == [False]


def test_the_desks_own_capacity_is_judged_though_nobody_asked_for_it():
    result, summary = backtest(SHARP, costs(), capacities=[5], training=BLIND, own=9)
    there = backtest(SHARP, costs(), capacities=[9], training=BLIND)[1].verdict(9)

    assert summary.own_verdict == there
    told = summary.as_dict()
    assert {row["capacity"] for row in told["policies"]} == {5}
    assert {row["capacity"] for row in told["advantage"]} == {5}
    assert {row["capacity"] for row in told["differences"]} == {5}
    assert {capacity for _, capacity in result.chosen} == {5}


def test_at_the_desks_own_capacity_only_what_the_gate_compares_is_replayed():
    result, _ = backtest(SHARP, costs(), capacities=[5], own=9)

    assert {name for name, slots in result.totals if slots == 9} == {"sniper", *RULES}


def test_the_own_capacity_alone_can_withhold_what_was_asked_for():
    held = backtest(DOUBTFUL, costs(), capacities=[5], own=0)[1].verdict(5)

    assert held.withheld == "none is shown at 0 a day, which is asked first"


def test_a_capacity_that_was_not_replayed_is_stood_for_by_the_nearest():
    tested = replay(SHARP, costs(), capacities=[5, 0])

    assert summarise(tested, own=3).own_verdict == summarise(tested, own=5).own_verdict
    assert summarise(tested).own_verdict is None


def test_without_a_capacity_of_the_desk_the_first_is_asked_first():
    assert claims([5, 0]) == [True, False]
    assert claims([0, 5]) == [False, False]


def test_what_99_percent_show_is_claimed_without_the_desks_own_capacity():
    sure = backtest(SHARP, costs(), capacities=[0, 5])[1].verdict(5)

    assert (sure.is_sure, sure.advantage.claimed, sure.policy) == (True, True, "sniper")


@pytest.mark.parametrize(("undecided", "is_sure"), [(0.0, True), (36.0, False)])
def test_beyond_doubt_is_asked_of_the_undecided_tickets_too(undecided, is_sure):
    """The difference of whole days is sure; without the lost it is shown at 95 % alone."""
    swing = undecided * np.resize([1.0, -1.0], N_DAYS)
    tested = replay(SHARP, costs(), capacities=[5], policies=["sniper", "edf"])
    ours, theirs = (tested.totals[name, 5] for name in ("sniper", "edf"))
    moved = replace(theirs, undecided=ours.undecided + swing - 20)
    tested = replace(tested, totals=tested.totals | {("edf", 5): moved})

    (verdict,) = judge(tested, day_weights(N_DAYS))

    assert (verdict.advantage.claimed, verdict.is_sure) == (True, is_sure)


@pytest.mark.parametrize(("n_won", "is_claimed"), [(5, False), (6, True)])
def test_tied_days_prove_nothing(n_won, is_claimed):
    """On every other day forecast and rule escalate the same tickets."""
    known = pl.col("day").rank("dense") <= n_won
    alike = SHARP.with_columns(p_edf=pl.when(known).then("p_edf").otherwise("p_breach"))

    verdict = backtest(alike, costs(), capacities=[5])[1].verdict(5)

    assert (verdict.advantage.rule, verdict.n_days) == ("edf_value", 20)
    assert verdict.advantage.low > 0
    assert verdict.advantage.claimed == is_claimed
    assert verdict.withheld == ("" if is_claimed else "they differ on 5 days alone")


def test_nothing_is_claimed_on_tickets_that_are_lost_already():
    sharper = SHARP.with_columns(p_breach=pl.col("p_breach") ** 0.5)
    certain = SHARP.with_columns(p_breach=0.98 + 0.02 * pl.col("p_breach"))

    for pool_of, is_claimed in ((SHARP, True), (sharper, True), (certain, False)):
        verdict = backtest(pool_of, costs(), capacities=[5])[1].verdict(5)

        assert verdict.advantage.low > 0
        assert verdict.advantage.claimed == is_claimed
    assert verdict.policy == verdict.advantage.rule
    assert verdict.withheld.endswith(" without tickets that are as good as breached")


@pytest.mark.parametrize("capacity", [4, 8, 10, 20])
def test_lost_tickets_carry_no_claim_however_many_others_are_escalated_with_them(capacity):
    verdict = backtest(LOST_AND_NOISE, costs(), capacities=[capacity])[1].verdict(capacity)

    assert verdict.advantage.low > 0
    assert not verdict.advantage.claimed


def test_losing_less_than_a_rule_that_fills_every_slot_is_no_advantage():
    """Nobody saves by escalating; the forecast only stops earlier, which needs no forecast."""
    losing = SHARP.with_columns(breached=pl.lit(value=False))

    verdict = backtest(losing, costs(), capacities=[25])[1].verdict(25)

    assert 0 < verdict.advantage.low < verdict.advantage.difference
    assert (verdict.advantage.claimed, verdict.policy) == (False, "priority_edf")
    assert verdict.withheld.startswith("escalating by sniper is not shown to pay: net saving -$")
    assert verdict.caveat == (
        "escalating by priority_edf is not shown to pay: net saving -$1,000 [-1,000, -1,000]"
    )
    assert verdict.sentence.endswith(f", {verdict.withheld}); {verdict.caveat}")


def test_a_rule_that_pays_ranks_without_a_caveat():
    verdict = backtest(BLIND, costs(), capacities=[5])[1].verdict(5)

    assert (verdict.policy, verdict.caveat) == (verdict.advantage.rule, "")


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_of_too_few_days_only_a_loss_of_the_rule_is_said(value):
    few = pool(forecast=1.0, n_days=5)

    verdict = backtest(few, costs(value=value, low=0.0), capacities=[5])[1].verdict(5)

    assert (verdict.caveat != "") == (value == 0)
    assert verdict.sentence.endswith(
        "net saving -$50" if value == 0 else "(5 days are too few to tell)"
    )


@pytest.mark.parametrize("seed", [0, 31, 124, 143, 194, 200])
def test_a_marginal_claim_hangs_on_no_seed_of_the_bootstrap(seed):
    """The demo's days; of 1,000 draws the lower bounds of all these seeds but 0 are not above 0."""
    days = [25, -125, 100, 50, 75, 175, 25, 50, 100, 50, 100, 100, 75, 150, 0, 0, 200, -25, -50,
            -100, -75]  # fmt: skip
    weights = day_weights(len(days), n_resamples=N_RESAMPLES, seed=seed)

    assert 0 < total_interval(np.array(days, dtype=np.float64), weights).low <= 100


def test_withheld_claim_says_why():
    held = backtest(DOUBTFUL, costs(), capacities=[0, 5])[1].verdict(5)

    assert held.advantage.low > 0
    assert not held.is_sure
    assert held.policy == held.advantage.rule
    assert held.sentence.startswith(f"no measurable advantage over {held.policy} at 5 a day")
    assert held.sentence.endswith(f", {held.withheld})")
    assert held.withheld == "none is shown at 0 a day, which is asked first"


def test_few_days_never_carry_a_claim():
    _, summary = backtest(pool(forecast=1.0, n_days=5), costs(), capacities=[5])

    assert summary.advantage[0].difference > 0
    assert not summary.advantage[0].claimed
    assert summary.verdict(5).sentence.endswith("(5 days are too few to tell)")


def test_rival_is_chosen_on_training_days():
    training = BLIND.with_columns(p_edf=pl.col("breached").cast(pl.Float64))

    _, summary = backtest(SHARP, costs(), capacities=[5, 9], training=training)

    assert [row.rule for row in summary.advantage] == ["edf_value", "edf_value"]


def test_training_days_need_no_forecast():
    training = BLIND.drop("p_breach", "p_logistic")

    _, summary = backtest(SHARP, costs(), capacities=[5], training=training)

    assert summary.verdict(5).chosen_on == "training days"


def test_equal_rules_go_to_the_first_named():
    equal = BLIND.with_columns(cost=50.0, breached=pl.lit(value=True))

    rule = best_rule(replay(equal, costs(), capacities=[5]), 5)

    assert rule == RULES[0]


def test_gate_needs_a_simple_rule():
    tested = replay(SHARP, costs(), capacities=[5], policies=["sniper"])

    with pytest.raises(ValueError, match="No simple rule was replayed"):
        summarise(tested)


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_never_differs_from_itself(policy):
    result = replay(SHARP, costs(), capacities=[5])

    gain = paired_net(result, (policy, policy), 5, day_weights(N_DAYS))

    assert (gain.estimate, gain.low, gain.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("policy", [name for name in POLICIES if not POLICIES[name].gates])
def test_useless_escalations_cost_their_intervention(policy):
    _, summary = backtest(SHARP, costs(value=0.0, low=0.0), capacities=[5])

    found = summary.result(policy, 5)
    assert found.net_saving.estimate == -2.0 * found.n_chosen
    assert found.breaches_prevented == 0


@pytest.mark.parametrize("policy", ["sniper", "logistic", "oracle"])
def test_gated_policies_refuse_useless_escalations(policy):
    _, summary = backtest(SHARP, costs(value=0.0, low=0.0), capacities=[5])

    found = summary.result(policy, 5)
    assert (found.n_chosen, found.net_saving.estimate) == (0, 0.0)


def test_nuke_equals_doing_everything():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    found, loss = summary.result("nuke", 5), SHARP.filter("breached")["cost"].sum()
    assert (found.n_chosen, found.captured_cost) == (SHARP.height, loss)
    assert found.captured_share.estimate == 1.0


def test_no_captured_share_is_above_one_where_tickets_run_for_days():
    later = SHARP.with_columns(
        pl.col("landmark") + pl.duration(days=3), pl.col("day") + pl.duration(days=3)
    )
    two_days = pl.concat([SHARP.filter(pl.col("breached")), later.filter(pl.col("breached"))])
    _, summary = backtest(two_days, costs(), capacities=[5])

    found = summary.result("nuke", 5).captured_share
    assert found.estimate == 1.0
    assert found.low < 1.0
    assert found.high == 1.0


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "nuke"])
def test_nobody_saves_more_than_the_oracle(policy):
    _, summary = backtest(SHARP, costs(intervention=20.0), capacities=[5])

    oracle, found = (summary.result(name, 5) for name in ("oracle", policy))
    assert found.net_saving.estimate <= oracle.net_saving.estimate
    assert found.oracle_share.estimate <= 1.0


def test_money_adds_up_from_its_parts():
    _, summary = backtest(SHARP, costs(intervention=4.0), capacities=[5])

    found = summary.result("risk", 5)
    spent = 4.0 * found.n_chosen
    assert found.net_saving.estimate == 0.5 * found.captured_cost - spent
    assert found.roi.estimate == pytest.approx(found.net_saving.estimate / spent)


def test_range_follows_the_ends_of_effectiveness():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    found = summary.result("sniper", 5)
    spent = 2.0 * found.n_chosen
    assert found.net_saving_range == pytest.approx(
        (0.3 * found.captured_cost - spent, 0.7 * found.captured_cost - spent)
    )


def test_break_even_is_where_nothing_is_saved():
    _, summary = backtest(SHARP, costs(intervention=20.0), capacities=[5])

    found = summary.result("edf", 5)
    break_even = found.break_even_effectiveness.estimate
    assert break_even * found.captured_cost == pytest.approx(20.0 * found.n_chosen)


def test_rule_has_closed_none_of_its_own_gap():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    rule = summary.advantage[0].rule
    assert summary.result(rule, 5).gap_closed.estimate == 0.0
    assert summary.result("oracle", 5).gap_closed.estimate == 1.0


def test_one_more_slot_is_the_next_capacity():
    _, summary = backtest(SHARP, costs(), capacities=[5, 6])

    now, then = (summary.result("sniper", capacity) for capacity in (5, 6))
    assert now.one_more_slot.tickets.estimate == then.breaches_caught - now.breaches_caught
    assert now.one_more_slot.saving.estimate == pytest.approx(
        then.net_saving.estimate - now.net_saving.estimate
    )


def test_differences_pair_models_with_every_rule():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    pairs = {(found.policy, found.rule) for found in summary.differences}
    assert pairs == {
        (model, rule) for model in ("sniper", "risk", "logistic") for rule in ("random", *RULES)
    }


def test_differences_are_those_of_the_results():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    found = next(d for d in summary.differences if (d.policy, d.rule) == ("sniper", "edf"))
    sniper, edf = (summary.result(name, 5) for name in ("sniper", "edf"))
    assert found.net_saving.estimate == pytest.approx(
        sniper.net_saving.estimate - edf.net_saving.estimate
    )
    assert found.captured_share.estimate == pytest.approx(
        sniper.captured_share.estimate - edf.captured_share.estimate
    )


def test_censored_tickets_are_counted():
    some = pool(forecast=0.6, censored=0.2)

    _, summary = backtest(some, costs(), capacities=[5])

    assert summary.censored_tickets == some["breached"].null_count()
    assert summary.result("nuke", 5).n_censored == some["breached"].null_count()


def test_catchable_counts_a_ticket_once():
    twice = pl.concat(
        [SHARP, SHARP.with_columns(pl.col("landmark").dt.offset_by("1h"), cost=pl.lit(1.0))]
    )

    _, summary = backtest(twice, costs(), capacities=[5])

    assert summary.catchable_cost == SHARP.filter("breached")["cost"].sum()
    assert summary.catchable_tickets == SHARP["breached"].sum()


def test_one_credit_is_not_caught_by_every_breach_that_risks_it():
    """On the edge of a contract each of many breaches puts the same 5,000 at risk."""
    edge = SHARP.with_columns(cost=pl.col("cost") + 5000, credit=pl.lit(5000.0))

    _, summary = backtest(edge, costs(), capacities=[5], training=edge)

    own = SHARP.filter("breached")["cost"].sum()
    assert summary.catchable_cost == summary.result("nuke", 5).captured_cost == own
    assert summary.result("sniper", 5).net_saving.estimate < 0.5 * own


@pytest.mark.parametrize("credit", [-1.0, 501.0, None, math.nan])
def test_credit_that_is_no_part_of_its_cost_is_refused(credit):
    with pytest.raises(ValueError, match="no part of its breach cost"):
        replay(SHARP.with_columns(credit=pl.lit(credit, pl.Float64)), costs(), capacities=[5])


def test_nothing_to_catch_is_no_number():
    calm = SHARP.with_columns(breached=pl.lit(value=False))

    _, summary = backtest(calm, costs(), capacities=[5])

    assert math.isnan(summary.result("edf", 5).captured_share.estimate)
    assert math.isnan(summary.result("random", 5).captured_share_sd)


def test_summary_is_plain_json():
    calm = SHARP.with_columns(breached=pl.lit(value=False))

    plain = backtest(calm, costs(), capacities=[5])[1].as_dict()

    again = json.loads(json.dumps(plain, allow_nan=False))
    assert again == plain
    assert again["policies"][0]["captured_share"]["estimate"] is None


def test_summary_has_the_public_keys():
    plain = backtest(SHARP, costs(), capacities=[5, 9])[1].as_dict()

    keys = {"capacity", "rule", "difference", "low", "high", "claimed"}
    assert [set(row) for row in plain["advantage"]] == [keys, keys]
    assert "queue effects of pulling a ticket forward" in plain["assumptions"]["limits"]


def test_summary_of_no_days_is_refused():
    with pytest.raises(ValueError, match="nothing to replay"):
        backtest(SHARP.clear(), costs(), capacities=[5])


@pytest.mark.parametrize("lookup", ["result", "verdict"])
def test_what_was_not_replayed_is_not_found(lookup):
    _, summary = backtest(SHARP, costs(), capacities=[5])
    arguments = {"result": ("sniper", 7), "verdict": (7,)}[lookup]

    with pytest.raises(LookupError, match="capacity of 7"):
        getattr(summary, lookup)(*arguments)


def test_capture_curve_never_falls():
    curve = capture_curve(SHARP, costs(), capacities=[0, 5, 10, 40], policies=["edf", "oracle"])

    shares = curve.filter(pl.col("policy") == "oracle")["captured_share"]
    assert shares.is_sorted()
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_capture_curve_agrees_with_the_summary():
    _, summary = backtest(SHARP, costs(), capacities=[5])

    curve = capture_curve(SHARP, costs(), capacities=[5], policies=["sniper"])

    assert curve["captured_share"][0] == summary.result("sniper", 5).captured_share.estimate
    assert curve["net_saving"][0] == summary.result("sniper", 5).net_saving.estimate
