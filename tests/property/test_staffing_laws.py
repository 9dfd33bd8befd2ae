"""Capacity of several kinds: the exact assignment against every way there is."""

import itertools
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import (
    CostTable,
    Effectiveness,
    Kind,
    SlotRule,
    Staffing,
    backtest,
    rank_now,
    replay,
)
from sla_sniper.escalation.staffing import assign

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)  # a Monday
FULL = Effectiveness(1.0, 0.3, 1.0)
COSTS = CostTable("USD", {"high": 1}, effectiveness=FULL)


def small_instance(seed):
    rng = np.random.default_rng(seed)
    n_tickets, n_kinds = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    effort = rng.choice([10.0, 15.0, 20.0, 30.0, np.inf], (n_tickets, n_kinds))
    left = rng.choice([0.0, 15.0, 30.0, 45.0, 60.0], n_kinds)
    saving = -np.sort(-rng.integers(1, 9, n_tickets).astype(float))
    return effort, left, int(rng.integers(0, n_tickets + 1)), saving


def brute_force(effort, left, most, saving):
    """Try every way to give each ticket to a kind or to nobody."""
    best = 0.0
    for choice in itertools.product(range(-1, effort.shape[1]), repeat=effort.shape[0]):
        pairs = [(ticket, kind) for ticket, kind in enumerate(choice) if kind >= 0]
        spent = np.zeros(effort.shape[1])
        for ticket, kind in pairs:
            spent[kind] += effort[ticket, kind]
        if len(pairs) <= most and (spent <= left).all():
            best = max(best, sum(saving[ticket] for ticket, _ in pairs))
    return best


def test_assignment_equals_brute_force_on_small_desks():
    gaps = []
    for seed in range(300):
        effort, left, most, saving = small_instance(seed)
        places, kinds = assign(effort, left, most=most, saving=saving)
        spent = np.bincount(kinds, weights=effort[places, kinds], minlength=left.size)
        assert (spent <= left + 1e-9).all()
        assert places.size <= most
        gaps.append(saving[places].sum() - brute_force(effort, left, most, saving))

    assert np.abs(gaps).max() < 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_rules_serve_in_their_order(seed):
    effort, left, most, _ = small_instance(seed)

    places, kinds = assign(effort, left, most=most)

    room, expected = left.copy(), []
    for ticket, minutes in enumerate(effort):
        fits = [kind for kind in range(left.size) if minutes[kind] <= room[kind]]
        if fits and len(expected) < most:
            kind = min(fits, key=lambda k: minutes[k])
            room[kind] -= minutes[kind]
            expected.append((ticket, kind))
    assert list(zip(places.tolist(), kinds.tolist(), strict=True)) == expected


def clocks(*rows):
    frame = pl.DataFrame(rows)
    landmark = pl.Series([START + timedelta(hours=h) for h in frame["hour"]]).dt.cast_time_unit(
        "us"
    )
    return frame.with_columns(
        landmark=landmark, day=landmark.dt.date(), source=pl.lit("desk"),
        metric=pl.lit("resolution_time"), slack_us=4 * HOUR, age_us=HOUR, target_us=8 * HOUR,
        cost=pl.col("cost").cast(pl.Float64), breached=True, p_breach=1.0, p_logistic=1.0,
        p_edf=1.0,
    )  # fmt: skip


def kind(name, minutes, **values):
    return Kind(name, float(minutes), values.pop("when", {}), **values)


def chosen(pool, staffing, policy, capacity=9):
    result = replay(
        pool, COSTS, capacities=[capacity], policies=[policy], rule=SlotRule(staffing=staffing)
    )
    rows = result.chosen[policy, capacity]
    return sorted(result.candidates.clocks["ticket_id"].gather(rows).to_list())


POOL = clocks(
    {"hour": 0, "ticket_id": "big", "cost": 90, "priority": "critical", "group": "net"},
    {"hour": 0, "ticket_id": "mid", "cost": 60, "priority": "high", "group": "net"},
    {"hour": 0, "ticket_id": "low", "cost": 50, "priority": "high", "group": "net"},
    {"hour": 0, "ticket_id": "app", "cost": 10, "priority": "high", "group": "apps"},
)
EFFORT = {"critical": 40.0, "high": 20.0}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("sniper", ["app", "low", "mid"]),
        ("priority", ["app", "big"]),
        ("alarm", ["app", "big"]),
        ("oracle", ["app", "low", "mid"]),
    ],
)
def test_replay_obeys_groups_and_minutes(policy, expected):
    staffing = Staffing(
        (
            kind("network", 40, when={"group": frozenset({"net"})}, effort=EFFORT),
            kind("apps", 20, when={"group": frozenset({"apps"})}, effort=EFFORT),
        ),
        "UTC",
    )

    assert chosen(POOL, staffing, policy) == expected


def test_slots_a_day_stay_the_most_in_all():
    staffing = Staffing((kind("all", 999, effort=EFFORT),), "UTC")

    assert chosen(POOL, staffing, "sniper", capacity=2) == ["big", "mid"]


def test_shifts_work_in_local_time_on_their_days():
    row = {"ticket_id": "t", "cost": 9, "priority": "high", "group": "net"}
    hours = [0, 5, 24]
    pool = clocks(*(row | {"hour": h, "ticket_id": f"t{h}"} for h in hours))
    staffing = Staffing(
        (kind("early", 9, weekdays=frozenset({1}), opens=9 * 3600, closes=12 * 3600),),
        "Europe/Amsterdam",  # 08:00 UTC is 10:00 there
    )

    assert pool["day"].unique().sort().to_list() == [date(2016, 4, 4), date(2016, 4, 5)]
    assert chosen(pool, staffing, "edf") == ["t0"]


def test_kill_list_obeys_the_kinds_at_work():
    staffing = Staffing((kind("apps", 1, when={"group": frozenset({"apps"})}),), "UTC")

    ranked = rank_now(POOL, "sniper", capacity=4, costs=COSTS, staffing=staffing)

    assert ranked.filter("recommended")["ticket_id"].to_list() == ["app"]
    assert ranked["rank"].to_list() == [1, 2, 3, 4]


def test_kill_list_serves_what_has_no_savings_in_order():
    staffing = Staffing((kind("all", 60, effort=EFFORT),), "UTC")

    ranked = rank_now(POOL, "alarm", capacity=4, costs=COSTS, staffing=staffing)

    assert ranked.filter("recommended")["ticket_id"].to_list() == ["app", "big"]


def test_most_that_can_be_captured_is_what_the_kinds_can_do():
    staffing = Staffing((kind("apps", 20, when={"group": frozenset({"apps"})}),), "UTC")

    _, summary = backtest(POOL, COSTS, capacities=[4], staffing=staffing)

    best = summary.result("oracle", 4)
    assert best.captured_cost == 10.0
    assert best.oracle_share.estimate == 1.0


def test_staffed_oracle_is_at_least_as_good_as_anyone():
    rng = np.random.default_rng(3)
    rows = [
        {"hour": int(h), "ticket_id": f"t{n}", "cost": int(rng.integers(1, 30)),
         "priority": str(rng.choice(["critical", "high"])),
         "group": str(rng.choice(["net", "apps"]))}
        for n in range(40) for h in sorted(rng.choice([0, 1, 2, 24, 25], 2, replace=False))
    ]  # fmt: skip
    staffing = Staffing(
        (
            kind("network", 100, when={"group": frozenset({"net"})}, effort=EFFORT),
            kind("anyone", 70, effort={"critical": 30.0, "high": 25.0}),
        ),
        "UTC",
    )

    result = replay(
        clocks(*rows), COSTS, capacities=[6], rule=SlotRule(staffing=staffing), n_seeds=2
    )

    net = {
        n: result.totals[n, 6].net(COSTS).sum() for n, k in result.totals if n != "nuke" and k == 6
    }
    assert max(net.values()) == pytest.approx(net["oracle"])
    assert net["oracle"] > net["random"] > 0
