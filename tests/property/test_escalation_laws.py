"""Laws of the replay, and slow obvious twins of its kernels."""

import itertools
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.escalation import (
    POLICIES,
    CostTable,
    Effectiveness,
    candidates_from,
    decisions_frame,
    rank_now,
    replay,
)
from sla_sniper.escalation.oracle import _assignment, _edges, _greedy, best_escalations

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
LANDMARKS_A_DAY = 3
SCHEMA = {
    "number": pl.Int64,
    "ticket_id": pl.String,
    "source": pl.String,
    "metric": pl.String,
    "slack_us": pl.Int64,
    "age_us": pl.Int64,
    "target_us": pl.Int64,
    "cost": pl.Float64,
    "p_breach": pl.Float64,
    "p_logistic": pl.Float64,
    "p_edf": pl.Float64,
    "breached": pl.Boolean,
}
# Every number is a small multiple of a power of two: sums are exact in any order.
EIGHTHS = st.integers(0, 8).map(lambda n: n / 8)
HOURS = st.integers(1, 8).map(lambda n: n * HOUR)
CLOCKS = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from(["1", "10", "2", "b"]),
        st.sampled_from(["north", "south"]),
        st.sampled_from(["first_reply_time", "resolution_time"]),
        HOURS,
        HOURS,
        HOURS,
        st.integers(0, 8).map(float),
        EIGHTHS,
        EIGHTHS,
        EIGHTHS,
        st.sampled_from([True, False, None]),
    ),
    unique_by=lambda clock: clock[:4],
    max_size=40,
)
COSTS = st.builds(
    lambda intervention, value, falls: CostTable(
        "USD",
        {"high": 8},
        intervention=intervention,
        effectiveness=Effectiveness(value, 0, 1, falls),
    ),
    st.integers(0, 2).map(float),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([None, 8 * HOUR]),
)
LIMITED = [name for name in POLICIES if POLICIES[name].has_limit]


def pool_of(clocks):
    frame = pl.DataFrame(clocks, schema=SCHEMA, orient="row")
    day, hour = frame["number"] // LANDMARKS_A_DAY, frame["number"] % LANDMARKS_A_DAY
    landmark = pl.lit(START) + pl.duration(days=day, hours=hour)
    return frame.with_columns(landmark=landmark.dt.cast_time_unit("us")).with_columns(
        day=pl.col("landmark").dt.date()
    )


@settings(deadline=None)
@given(CLOCKS, COSTS, st.integers(0, 5))
def test_capacity_and_tickets_are_never_exceeded(clocks, costs, capacity):
    decisions = decisions_frame(replay(pool_of(clocks), costs, capacities=[capacity], n_seeds=2))

    slots = decisions.unique(["policy", "landmark", "source", "ticket_id"])
    per_day = slots.group_by("policy", pl.col("landmark").dt.date()).len()
    assert (per_day.filter(pl.col("policy").is_in(LIMITED))["len"] <= capacity).all()
    assert slots.height == slots.unique(["policy", "source", "ticket_id"]).height


@settings(deadline=None)
@given(CLOCKS, COSTS, st.integers(0, 5))
def test_oracle_saves_at_least_as_much_as_anyone(clocks, costs, capacity):
    result = replay(pool_of(clocks), costs, capacities=[capacity], n_seeds=2)

    net = {name: result.totals[name, capacity].net(costs).sum() for name in LIMITED}
    assert max(net.values()) <= net["oracle"] + 1e-9


@settings(deadline=None)
@given(CLOCKS, COSTS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(clocks, costs, random):
    shuffled = random.sample(clocks, len(clocks))

    one, two = (replay(pool_of(c), costs, capacities=[2], n_seeds=2) for c in (clocks, shuffled))

    assert decisions_frame(one).equals(decisions_frame(two))


@settings(deadline=None)
@given(CLOCKS, COSTS, st.randoms(use_true_random=False))
def test_order_of_equal_clocks_changes_nothing(clocks, costs, random):
    """Two policies may each run a clock of one metric on the same ticket."""
    twice = [*clocks, *((*clock[:7], clock[7] + 1, *clock[8:]) for clock in clocks)]
    shuffled = random.sample(twice, len(twice))

    one, two = (replay(pool_of(c), costs, capacities=[2], n_seeds=2) for c in (twice, shuffled))

    assert decisions_frame(one).equals(decisions_frame(two))


@settings(deadline=None)
@given(CLOCKS, COSTS, st.integers(0, 5))
def test_kill_list_is_the_replay_of_one_landmark(clocks, costs, capacity):
    now = pool_of([(0, *clock[1:]) for clock in clocks]).unique(
        ["source", "ticket_id", "metric"], maintain_order=True
    )

    ranked = rank_now(now, "sniper", capacity=capacity, costs=costs)
    replayed = decisions_frame(replay(now, costs, capacities=[capacity], policies=["sniper"]))

    columns = ["ticket_id", "source", "metric", "rank", "expected_saving"]
    assert ranked.filter("recommended").select(columns).equals(replayed.select(columns))


def slow_settlement(pool, rows, costs):
    """Add up, clock by clock, what the chosen tickets lost, and what of it could be saved."""
    loss = saved = 0.0
    for landmark, ticket, source in rows:
        for clock in pool.to_dicts():
            if (clock["landmark"], clock["ticket_id"], clock["source"]) == (
                landmark, ticket, source,
            ) and clock["breached"]:  # fmt: skip
                owed = clock["cost"] - clock["credit"]
                loss += owed
                saved += owed * costs.effectiveness.shape(np.array([clock["slack_us"]]))[0]
    return loss, saved


@pytest.mark.parametrize("policy", ["sniper", "priority", "oracle"])
@settings(deadline=None, max_examples=60)
@given(CLOCKS, COSTS, st.integers(0, 5))
def test_credits_at_risk_rank_and_are_never_settled(policy, clocks, costs, capacity):
    pool = pool_of(clocks).with_columns(credit=pl.col("cost") / 4)

    found = replay(pool, costs, capacities=[capacity], policies=[policy])

    rows = decisions_frame(found).select("landmark", "ticket_id", "source").unique().rows()
    days = found.totals[policy, capacity]
    assert (days.captured.sum(), days.exposure.sum()) == slow_settlement(pool, rows, costs)
    if policy != "oracle":
        blind = replay(pool.drop("credit"), costs, capacities=[capacity], policies=[policy])
        assert decisions_frame(found).equals(decisions_frame(blind))


def slow_scores(name, clocks, costs):
    """Score one ticket at one landmark from its clocks, straight from the definitions."""
    effect = costs.effectiveness
    value = [effect.at(np.array([c["slack_us"]]))[0] for c in clocks]

    def saving(p):
        kept = sum(c["cost"] * c[p] * e for c, e in zip(clocks, value, strict=True))
        return kept - costs.intervention

    priority = (max(c["cost"] for c in clocks), -min(c["target_us"] for c in clocks))
    slack = min(c["slack_us"] for c in clocks)
    return {
        "oldest": lambda: (max(c["age_us"] for c in clocks),),
        "priority": lambda: priority,
        "edf": lambda: (-slack,),
        "priority_edf": lambda: (*priority, -slack),
        "edf_value": lambda: (sum(c["cost"] * c["p_edf"] for c in clocks),),
        "logistic": lambda: (saving("p_logistic"),),
        "risk": lambda: (max(c["p_breach"] for c in clocks),),
        "sniper": lambda: (saving("p_breach"),),
    }[name]()


def slow_replay(pool, name, costs, capacity):
    """Walk landmarks with sets and `sorted`, one ticket at a time."""
    rows = pool.to_dicts()
    escalated, used, chosen = set(), {}, []
    landmarks = sorted({(row["landmark"], row["day"]) for row in rows})
    for landmark, day in landmarks:
        of_day = [instant for instant, its_day in landmarks if its_day == day]
        released = -(-capacity * (of_day.index(landmark) + 1) // len(of_day))
        tickets = {}
        for row in rows:
            key = (row["ticket_id"], row["source"])
            if row["landmark"] == landmark and key not in escalated:
                tickets.setdefault(key, []).append(row)
        scored = [
            (*(-s for s in slow_scores(name, c, costs)), min(r["slack_us"] for r in c), key)
            for key, c in tickets.items()
        ]
        allowed = [s for s in sorted(scored) if not POLICIES[name].gates or s[0] < 0]
        for *_, key in allowed[: released - used.get(day, 0)]:
            escalated.add(key)
            used[day] = used.get(day, 0) + 1
            chosen.append((landmark, *key))
    return chosen


@pytest.mark.parametrize("policy", [*POLICIES][1:9])
@settings(deadline=None, max_examples=60)
@given(CLOCKS, COSTS, st.integers(0, 5))
def test_replay_equals_its_slow_twin(policy, clocks, costs, capacity):
    pool = pool_of(clocks)

    result = replay(pool, costs, capacities=[capacity], policies=[policy])

    slots = decisions_frame(result).unique(
        ["landmark", "ticket_id", "source"], keep="first", maintain_order=True
    )
    fast = slots.select("landmark", "ticket_id", "source").rows()
    assert fast == slow_replay(pool, policy, costs, capacity)


def brute_force(candidates, saving, capacity):
    """Try every way to give each ticket one of its candidates or none."""
    ways = [[None] for _ in range(candidates.n_tickets)]
    for row, ticket in enumerate(candidates.ticket):
        ways[ticket].append(row)
    best = 0.0
    for choice in itertools.product(*ways):
        rows = [row for row in choice if row is not None]
        if np.bincount(candidates.day[rows], minlength=1).max(initial=0) <= capacity:
            best = max(best, sum(saving[rows]))
    return best


def small_instance(seed, *, depends_on_day):
    """Draw a few tickets on a few days; savings are whole, so that ties are frequent."""
    rng = np.random.default_rng(seed)
    n_tickets, n_days = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    ticket, day = np.nonzero(rng.random((n_tickets, n_days)) < 0.6)
    cost = rng.integers(0, 6, n_tickets).astype(float)[ticket]
    if depends_on_day:
        cost = rng.integers(0, 6, ticket.size).astype(float)
    clocks = [
        (int(d) * LANDMARKS_A_DAY, str(t), "desk", "resolution_time", HOUR, HOUR, HOUR, c, 1, 1, 1,
         True)
        for t, d, c in zip(ticket, day, cost, strict=True)
    ]  # fmt: skip
    return candidates_from(pool_of(clocks), Effectiveness(0.5, 0, 1)), int(rng.integers(0, 3))


@pytest.mark.parametrize("depends_on_day", [False, True])
def test_oracle_equals_brute_force_on_small_desks(depends_on_day):
    instances = [small_instance(seed, depends_on_day=depends_on_day) for seed in range(500)]

    gaps = [
        pool.loss[best_escalations(pool, pool.loss, capacity)].sum()
        - brute_force(pool, pool.loss, capacity)
        for pool, capacity in instances
    ]

    assert gaps == [0.0] * 500


def test_both_exact_methods_agree_on_larger_desks():
    rng = np.random.default_rng(0)
    clocks = [
        (int(n), f"{t}", "desk", "resolution_time", HOUR, HOUR, HOUR, float(t % 13), 1, 1, 1, True)
        for t in range(300)
        for n in rng.choice(30, size=4, replace=False)
    ]
    pool = candidates_from(pool_of(clocks), Effectiveness(0.5, 0, 1))
    edges = _edges(pool, pool.loss)

    totals = [edges.saving[solve(edges, 10, 12)].sum() for solve in (_greedy, _assignment)]

    assert totals[0] == pytest.approx(totals[1])
