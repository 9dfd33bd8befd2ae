"""What is told of all that was tried: little that is chance, with intervals that hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sla_sniper.diagnosis.cells import FEW, Stakes
from sla_sniper.diagnosis.coding import encode
from sla_sniper.diagnosis.findings import where_and_who
from sla_sniper.diagnosis.tried import LEVEL, try_all

PRIORITIES = ["critical", "high", "moderate", "low"]
BASE = dict(zip(PRIORITIES, (0.6, 0.45, 0.35, 0.25), strict=True))
PRICE = dict(zip(PRIORITIES, (500.0, 200.0, 50.0, 10.0), strict=True))
LEVELS = {"group": 20, "category": 15, "channel": 4, "product": 10, "assignee": 60, "hour": 24}


def desk(seed, *, n=5_000, dear=()):
    """A desk on which priority matters, and the levels `dear` of group add their log odds."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {"priority": rng.choice(PRIORITIES, n, p=[0.05, 0.15, 0.5, 0.3])}
        | {name: [f"{name} {k}" for k in rng.integers(0, many, n)] for name, many in LEVELS.items()}
    )
    effect = {"": 0.0} | {f"group {k}": float(each) for k, each in enumerate(dear)}
    base, price, odds = (
        frame[name].replace_strict(by, default=0.0).to_numpy()
        for name, by in (("priority", BASE), ("priority", PRICE), ("group", effect))
    )
    chance = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + odds)))
    missed = (rng.random(n) < chance).astype(float)
    coded = [encode(frame, name) for name in frame.columns]
    priority = coded[0]
    rate = (priority.counts(missed) / priority.counts())[priority.code]
    mix = [each for each in coded if each.dimension not in {"group", "assignee", "hour"}]
    found = try_all(coded, mix, Stakes(missed, price, rate), ("priority",))
    return found, frame, chance


def told(seed, **more):
    return where_and_who(desk(seed, **more)[0], "{:.0f}".format)


def test_nothing_is_told_of_a_desk_where_nothing_matters():
    assert [each.id for seed in range(3) for each in told(seed)] == []


@pytest.mark.slow
def test_of_forty_desks_where_nothing_matters_few_have_a_finding():
    with_findings = [seed for seed in range(40) if told(seed)]

    # 5 % of 40 are 2; 5 or fewer with probability 0.99.
    assert len(with_findings) <= 5


def test_a_group_that_matters_is_told_as_a_place_and_as_a_team():
    ids = [each.id for each in told(1, dear=(0, 0, 1.2))]

    assert ids[:2] == ["where:group=group 2", "team:group=group 2"]
    assert not [each for each in ids if "group 2" not in each]


def test_every_cell_and_team_is_tried_but_those_that_are_no_place():
    tried, _, _ = desk(0)

    table = tried.cells
    without = table.filter(pl.col("p_adjusted").is_null())
    alone = without.filter(pl.col("dimension_2").is_null(), pl.col("n") >= FEW)
    assert set(alone["dimension"]) == {"priority", "assignee"}
    n_levels = sum(len(levels) for levels in tried.compared.values())
    assert n_levels == 20 + 49
    assert tried.n_tests == table.height - without.height + n_levels
    p = table.drop_nulls("p_adjusted").select(pl.col("p_adjusted") >= pl.col("p")).to_series()
    assert p.all()


@pytest.mark.slow
def test_intervals_of_what_is_told_hold_as_often_as_said():
    """Chosen for being dear, they look dearer than they are."""
    held = []
    for seed in range(20):
        tried, frame, chance = desk(seed, dear=(0.8, -0.8) * 10)
        expected = pl.DataFrame({"p": frame["priority"], "c": chance}).select(
            pl.col("c").mean().over("p")
        )
        beyond = (chance - expected["c"].to_numpy()) * tried.stakes.price
        for each in where_and_who(tried, "{:.0f}".format):
            if each.id.startswith("where:"):
                parts = [part.split("=") for part in each.id.removeprefix("where:").split(",")]
                at = pl.all_horizontal(pl.col(name) == level for name, level in parts)
                truth = beyond[frame.select(at).to_series().to_numpy()].sum()
                held.append(each.money.low <= truth <= each.money.high)

    assert len(held) > 60
    assert np.mean(held) >= 1 - LEVEL
