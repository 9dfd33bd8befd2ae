from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.escalation import (
    POLICIES,
    CostTable,
    Effectiveness,
    candidates_from,
    decisions_frame,
    rank_now,
    replay,
)

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
HALF = Effectiveness(0.5, 0.3, 0.7)
COSTS = CostTable("USD", breach={"high": 100}, intervention=2, effectiveness=HALF)
CLOCK = {
    "hour": 0,
    "source": "desk",
    "ticket_id": "A",
    "metric": "resolution_time",
    "slack_us": 4 * HOUR,
    "age_us": HOUR,
    "target_us": 8 * HOUR,
    "cost": 100.0,
    "p_breach": 0.5,
    "p_logistic": 0.5,
    "p_edf": 0.5,
    "breached": False,
}


def clocks(*rows):
    """Build a pool; `hour` counts from 08:00 on the first day."""
    frame = pl.DataFrame([CLOCK | row for row in rows])
    landmark = pl.Series([START + timedelta(hours=hour) for hour in frame["hour"]])
    return frame.with_columns(landmark=landmark.dt.cast_time_unit("us"), day=landmark.dt.date())


def chosen(result, policy, capacity):
    rows = result.chosen[policy, capacity]
    clock = result.candidates.clocks.unique("candidate").sort("candidate")
    return clock["ticket_id"].gather(rows).to_list()


TRIO = clocks(
    {"ticket_id": "old", "age_us": 90 * HOUR, "cost": 10.0, "p_edf": 0.2, "slack_us": 6 * HOUR},
    {"ticket_id": "late", "slack_us": HOUR, "cost": 20.0, "p_breach": 0.9, "p_edf": 0.9},
    {"ticket_id": "dear", "cost": 500.0, "p_breach": 0.4, "p_logistic": 0.1, "p_edf": 0.3},
    {"ticket_id": "dear2", "cost": 500.0, "p_breach": 0.3, "slack_us": 3 * HOUR, "p_edf": 0.2},
)


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        pytest.param("oldest", ["old", "late", "dear2", "dear"], id="oldest, ties by slack"),
        pytest.param("priority", ["dear2", "dear", "late", "old"], id="priority"),
        pytest.param("edf", ["late", "dear2", "dear", "old"], id="edf"),
        pytest.param("priority_edf", ["dear2", "dear", "late", "old"], id="priority_edf"),
        pytest.param("edf_value", ["dear", "dear2", "late", "old"], id="edf_value"),
        pytest.param("logistic", ["dear2", "dear", "late", "old"], id="logistic"),
        pytest.param("risk", ["late", "old", "dear", "dear2"], id="risk"),
        pytest.param("sniper", ["dear", "dear2", "late", "old"], id="sniper"),
    ],
)
def test_each_policy_has_its_order(policy, order):
    result = replay(TRIO, COSTS, capacities=[4], policies=[policy])

    assert chosen(result, policy, 4) == order


def test_shorter_target_is_the_higher_priority():
    pool = clocks({"ticket_id": "a"}, {"ticket_id": "b", "target_us": 4 * HOUR})

    result = replay(pool, COSTS, capacities=[1], policies=["priority"])

    assert chosen(result, "priority", 1) == ["b"]


def test_ties_go_to_slack_then_text_id():
    pool = clocks({"ticket_id": "10"}, {"ticket_id": "9"}, {"ticket_id": "x", "slack_us": 3 * HOUR})

    result = replay(pool, COSTS, capacities=[3], policies=["sniper"])

    assert chosen(result, "sniper", 3) == ["x", "10", "9"]


def test_same_id_of_two_sources_are_two_tickets():
    pool = clocks({"source": "north"}, {"source": "south"})

    result = replay(pool, COSTS, capacities=[2], policies=["edf"])

    assert result.candidates.n_tickets == 2
    assert chosen(result, "edf", 2) == ["A", "A"]


def test_constant_probability_orders_by_cost():
    pool = clocks(*({"ticket_id": str(cost), "cost": float(cost)} for cost in (20, 500, 10, 90)))

    result = replay(pool, COSTS, capacities=[4], policies=["sniper"])

    assert chosen(result, "sniper", 4) == ["500", "90", "20", "10"]


def test_gate_leaves_losing_tickets_alone():
    pool = clocks({"ticket_id": "worth"}, {"ticket_id": "lost", "cost": 8.0, "p_breach": 0.5})

    result = replay(pool, COSTS, capacities=[2], policies=["sniper", "risk"])

    assert chosen(result, "sniper", 2) == ["worth"]
    assert chosen(result, "risk", 2) == ["lost", "worth"]


def test_falling_effectiveness_prefers_tickets_with_time():
    falling = CostTable("USD", {"high": 1}, effectiveness=Effectiveness(0.5, 0.3, 0.7, 8 * HOUR))
    pool = clocks({"ticket_id": "hurry", "slack_us": HOUR, "p_breach": 0.9}, {"ticket_id": "calm"})

    result = replay(pool, falling, capacities=[1], policies=["sniper"])

    assert chosen(result, "sniper", 1) == ["calm"]


def test_slots_are_released_evenly_over_the_day():
    pool = clocks(*({"ticket_id": f"{h}{n}", "hour": h} for h in range(4) for n in range(5)))

    result = replay(pool, COSTS, capacities=[5], policies=["edf"])

    assert chosen(result, "edf", 5) == ["00", "01", "10", "20", "30"]


def test_unused_slots_carry_on_through_the_day():
    pool = clocks({"ticket_id": "first"}, *({"ticket_id": f"{n}", "hour": 1} for n in range(9)))

    result = replay(pool, COSTS, capacities=[6], policies=["edf"])

    assert chosen(result, "edf", 6) == ["first", "0", "1", "2", "3", "4"]


def test_quiet_landmarks_keep_their_share_of_the_slots():
    hours = (0, 3)
    pool = clocks(*({"ticket_id": f"{h}{n}", "hour": h} for h in hours for n in range(5)))
    placed = pool.with_columns(landmark_number=pl.col("hour") + 1, landmarks_of_day=4)

    result = replay(placed, COSTS, capacities=[4], policies=["edf"])

    assert chosen(result, "edf", 4) == ["00", "30", "31", "32"]


def test_alarm_serves_those_first_that_rang_first():
    pool = clocks(
        {"ticket_id": "early", "p_breach": 0.5},
        {"ticket_id": "silent", "p_breach": 0.49},
        {"ticket_id": "early", "hour": 1, "p_breach": 0.6},
        {"ticket_id": "late", "hour": 1, "p_breach": 0.9, "slack_us": HOUR},
        {"ticket_id": "silent", "hour": 1, "p_breach": 0.4},
    )

    ranked = replay(pool, COSTS, capacities=[0, 2, 9], policies=["alarm"])

    assert chosen(ranked, "alarm", 2) == ["early", "late"]
    assert chosen(ranked, "alarm", 9) == ["early", "late"]


def test_escalating_nobody_saves_and_costs_nothing():
    result = replay(TRIO, COSTS, capacities=[4], policies=["nobody"])

    assert chosen(result, "nobody", 4) == []
    assert result.totals["nobody", 4].net(COSTS).tolist() == [0.0]


def test_lost_tickets_are_neither_chosen_nor_catchable():
    lost = Effectiveness(0.5, 0.3, 0.7, point_of_no_return_us=2 * HOUR)
    costs = CostTable("USD", {"high": 100}, effectiveness=lost)
    rows = [
        {"ticket_id": "gone", "slack_us": 2 * HOUR - 1},
        {"ticket_id": "just", "slack_us": 2 * HOUR},
    ]
    pool = clocks(*(row | {"breached": True} for row in rows))

    result = replay(pool, costs, capacities=[2], policies=["edf", "oracle"])

    assert chosen(result, "edf", 2) == chosen(result, "oracle", 2) == ["just"]
    assert result.candidates.loss.sum() == 100


def test_a_day_of_lost_tickets_stays_a_day():
    lost = Effectiveness(0.5, 0.3, 0.7, point_of_no_return_us=2 * HOUR)
    pool = clocks({"slack_us": HOUR}, {"ticket_id": "B", "hour": 24})

    found = candidates_from(pool, lost)

    assert (found.n_days, found.landmark.size) == (2, 1)


def test_slots_never_carry_over_to_the_next_day():
    pool = clocks({"ticket_id": "mon"}, *({"ticket_id": f"{n}", "hour": 24} for n in range(9)))

    result = replay(pool, COSTS, capacities=[3], policies=["edf"])

    assert chosen(result, "edf", 3) == ["mon", "0", "1", "2"]


def test_escalated_ticket_never_comes_again():
    pool = clocks({"hour": 0}, {"hour": 1}, {"hour": 24}, {"ticket_id": "B", "hour": 24})

    result = replay(pool, COSTS, capacities=[4], policies=["oldest"])

    assert chosen(result, "oldest", 4) == ["A", "B"]


def test_one_slot_covers_all_clocks_of_a_ticket():
    pool = clocks(
        {"metric": "first_reply_time", "cost": 30.0, "breached": True, "slack_us": HOUR},
        {"metric": "resolution_time", "cost": 50.0, "breached": True},
    )

    totals = replay(pool, COSTS, capacities=[1], policies=["sniper"]).totals["sniper", 1]

    assert (totals.chosen.sum(), totals.captured.sum(), totals.caught.sum()) == (1, 80.0, 1)


def test_saving_adds_up_over_a_tickets_clocks():
    pool = clocks({"metric": "first_reply_time", "cost": 30.0}, {"cost": 50.0})

    decisions = decisions_frame(replay(pool, COSTS, capacities=[1], policies=["sniper"]))

    assert decisions["metric"].to_list() == ["first_reply_time", "resolution_time"]
    assert decisions["expected_saving"].to_list() == [18.0, 18.0]


def test_decisions_have_the_public_columns():
    pool = TRIO.with_columns(breached=pl.lit(value=True))

    decisions = decisions_frame(replay(pool, COSTS, capacities=[2]))

    columns = "policy capacity landmark ticket_id metric p_breach expected_saving rank source"
    assert decisions.columns == columns.split()
    named = decisions["policy"].unique(maintain_order=True).to_list()
    assert named == [name for name in POLICIES if name != "nobody"]


def test_decisions_rank_within_their_landmark():
    pool = clocks({"ticket_id": "a"}, {"ticket_id": "b", "hour": 1}, {"ticket_id": "c", "hour": 1})

    decisions = decisions_frame(replay(pool, COSTS, capacities=[9], policies=["edf"]))

    assert decisions.select("ticket_id", "rank").rows() == [("a", 1), ("b", 1), ("c", 2)]


def test_nuke_takes_everything_at_first_sight():
    pool = clocks(*({"ticket_id": f"{n}", "hour": h} for n in range(7) for h in range(n % 3, 4)))

    result = replay(pool, COSTS, capacities=[1], policies=["nuke"])

    assert result.candidates.landmark[result.chosen["nuke", 1]].tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_zero_capacity_chooses_nobody():
    result = replay(TRIO, COSTS, capacities=[0])

    assert [p for p in POLICIES if result.chosen[p, 0].size] == ["nuke"]


def test_random_differs_by_seed_alone():
    pool = clocks(*({"ticket_id": f"{n:02}", "breached": n % 2 == 0} for n in range(40)))

    once, again = (
        replay(pool, COSTS, capacities=[10], policies=["random"], n_seeds=5) for _ in range(2)
    )

    assert once.captured_by_seed[10].tolist() == again.captured_by_seed[10].tolist()
    assert len(set(once.captured_by_seed[10].tolist())) > 1


def test_random_captures_its_expected_share():
    pool = clocks(
        *(
            {"ticket_id": f"{day}-{n}", "hour": 24 * day, "breached": n % 3 == 0}
            for day in range(10)
            for n in range(30)
        )
    )

    captured = replay(pool, COSTS, capacities=[12], policies=["random"]).captured_by_seed[12]

    share, error = captured / (10 * 10 * 100), captured.std(ddof=1) / (10 * 10 * 100 * 30**0.5)
    assert abs(share.mean() - 12 / 30) <= 2 * error


def test_censored_tickets_count_as_not_breached():
    pool = clocks({"breached": None}, {"ticket_id": "B", "breached": True})

    totals = replay(pool, COSTS, capacities=[2], policies=["edf"]).totals["edf", 2]

    assert (totals.censored.sum(), totals.caught.sum()) == (1, 1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(pl.lit(-1.0).alias("cost"), "negative or no number", id="negative cost"),
        pytest.param(pl.lit(1.5).alias("p_breach"), "p_breach that is no prob", id="probability"),
        pytest.param(pl.lit(float("nan")).alias("p_edf"), "p_edf that is no", id="nan"),
        pytest.param(pl.lit(None).alias("slack_us"), "empty values in slack_us", id="null"),
        pytest.param(pl.lit(date(2020, 1, 1)).alias("landmark"), "two capacity days", id="days"),
    ],
)
def test_impossible_pools_are_refused(change, sentence):
    pool = pl.concat([TRIO, clocks({"hour": 24})]).with_columns(change)

    with pytest.raises(ValueError, match=sentence):
        candidates_from(pool, HALF)


def test_missing_pool_columns_are_named():
    with pytest.raises(ValueError, match="no column day, cost"):
        candidates_from(TRIO.drop("cost", "day"), HALF)


def test_policy_without_its_forecast_refuses():
    with pytest.raises(ValueError, match="logistic needs a probability"):
        replay(TRIO.drop("p_logistic"), COSTS, capacities=[1], policies=["logistic"])


@pytest.mark.parametrize("arguments", [{"capacities": [-1]}, {"capacities": []}])
def test_impossible_capacities_are_refused(arguments):
    with pytest.raises(ValueError, match="zero or more slots a day"):
        replay(TRIO, COSTS, **arguments)


def test_unknown_policies_are_refused_by_name():
    with pytest.raises(ValueError, match="no policy 'lifo'"):
        replay(TRIO, COSTS, capacities=[1], policies=["lifo"])


def test_random_needs_a_seed():
    with pytest.raises(ValueError, match="at least one seed"):
        replay(TRIO, COSTS, capacities=[1], n_seeds=0)


def test_empty_pool_gives_no_decisions():
    decisions = decisions_frame(replay(TRIO.clear(), COSTS, capacities=[5]))

    assert decisions.height == 0


def test_kill_list_recommends_the_best_within_capacity():
    ranked = rank_now(TRIO, "sniper", capacity=2, costs=COSTS)

    recommended = ranked.filter("recommended")
    assert recommended.select("rank", "ticket_id").rows() == [(1, "dear"), (2, "dear2")]
    assert recommended["expected_saving"].to_list() == [98.0, 73.0]


def test_kill_list_ranks_but_never_recommends_a_loss():
    pool = clocks({"ticket_id": "lost", "cost": 1.0}, {"ticket_id": "worth"})

    ranked = rank_now(pool, "sniper", capacity=9, costs=COSTS)

    rows = [("worth", 1, True), ("lost", 2, False)]
    assert ranked.select("ticket_id", "rank", "recommended").rows() == rows


def test_kill_list_of_a_rule_fills_the_capacity():
    pool = clocks({"ticket_id": "lost", "cost": 1.0}, {"ticket_id": "worth"})

    ranked = rank_now(pool, "priority_edf", capacity=2, costs=COSTS)

    assert ranked["recommended"].to_list() == [True, True]
    assert ranked["policy"].unique().to_list() == ["priority_edf"]


def test_kill_list_keeps_the_sla_policy_apart():
    ranked = rank_now(TRIO.with_columns(policy=pl.lit("gold")), "sniper", capacity=1, costs=COSTS)

    assert ranked.select("sla_policy", "policy").unique().rows() == [("gold", "sniper")]


def test_kill_list_ignores_the_order_of_rows():
    forward, backward = (
        rank_now(pool, "sniper", capacity=2, costs=COSTS) for pool in (TRIO, TRIO.reverse())
    )

    assert forward.equals(backward)


def test_kill_list_needs_no_labels():
    ranked = rank_now(TRIO.drop("breached"), "sniper", capacity=2, costs=COSTS)

    assert ranked["rank"].to_list() == [1, 2, 3, 4]


def test_kill_list_of_nobody_is_empty():
    ranked = rank_now(TRIO.clear(), "sniper", capacity=2, costs=COSTS)

    assert ranked.is_empty()


@pytest.mark.parametrize(
    ("pool", "policy", "capacity", "sentence"),
    [
        pytest.param(TRIO, "oracle", 1, "not happened yet", id="oracle"),
        pytest.param(TRIO, "edf", -1, "zero or more slots", id="negative capacity"),
        pytest.param(clocks({}, {"hour": 1}), "edf", 1, "one landmark", id="two landmarks"),
    ],
)
def test_impossible_kill_lists_are_refused(pool, policy, capacity, sentence):
    with pytest.raises(ValueError, match=sentence):
        rank_now(pool, policy, capacity=capacity, costs=COSTS)
