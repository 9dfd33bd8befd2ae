"""Two promises held against each other: one verdict a clock, what changes, and how many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.schema import CYCLES
from sla_sniper.sla.comparison import changes, tally, verdicts

START = datetime(2024, 4, 1, 9, tzinfo=UTC)
KEY = ("source", "ticket_id", "metric")
TOLD = ("policy", "priority_applied", "target_us", "elapsed_us", "due_at")


def cycle(ticket: str, state: str, *, hour: int = 0, number: int = 1, **values: object) -> dict:
    at = START + timedelta(hours=hour)
    row = {"source": "desk", "ticket_id": ticket, "metric": "next_reply_time", "policy": "all"}
    row |= {"applied_at": at, "cycle": number, "state": state, "priority_applied": "high"}
    row |= {"target_us": 100, "elapsed_us": 10 * hour + number, "due_at": at}
    return dict.fromkeys(CYCLES) | row | values


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(CYCLES))


@pytest.mark.parametrize(
    ("rows", "verdict", "elapsed"),
    [
        pytest.param([("met", 0, 1), ("met", 5, 2)], "met", 52, id="latest"),
        pytest.param([("met", 5, 1), ("met", 2, 3)], "met", 51, id="counted anew by a policy"),
        pytest.param([("met", 5, 1), ("met", 5, 2)], "met", 52, id="one instant"),
        pytest.param([("met", 2, 1), ("cancelled", 5, 2)], "met", 21, id="cancelled behind"),
        pytest.param([("cancelled", 2, 1), ("cancelled", 5, 2)], "cancelled", 52, id="cancelled"),
        pytest.param([("met", 9, 4), ("missed", 3, 2), ("overdue", 6, 3)], "breached", 32,
                     id="first breach"),
        pytest.param([("missed", 6, 1), ("missed", 3, 2)], "breached", 32,
                     id="first breach, counted anew"),
        pytest.param([("missed", 6, 2), ("missed", 6, 1)], "breached", 61,
                     id="first breach of one instant"),
        pytest.param([("met", 0, 1), ("running", 5, 2)], "open", 52, id="running"),
        pytest.param([("paused", 0, 1), ("met", 5, 2)], "open", 52, id="paused"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, -1], ids=["in order", "turned round"])
def test_one_cycle_decides_a_clock(rows, verdict, elapsed, order):
    listed = [cycle("1", state, hour=hour, number=number) for state, hour, number in rows]

    told = verdicts(frame(*listed[::order])).row(0, named=True)

    assert (told["verdict"], told["elapsed_us"]) == (verdict, elapsed)


@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a")])
def test_policies_of_one_instant_come_by_name(names):
    listed = [cycle("1", "met", policy=name) for name in names]

    assert verdicts(frame(*listed))["policy"].to_list() == ["a"]


def test_verdicts_are_sorted_and_tell_the_deciding_cycle():
    rows = [cycle("2", "met"), cycle("1", "missed", hour=1, policy="vip"), cycle("1", "met")]
    rows.append(cycle("1", "running", metric="agent_work_time"))

    told = verdicts(frame(*rows))

    assert told.columns == [*KEY, "verdict", *TOLD]
    assert told.drop("source", "priority_applied", "target_us").rows() == [
        ("1", "agent_work_time", "open", "all", 1, START),
        ("1", "next_reply_time", "breached", "vip", 11, START + timedelta(hours=1)),
        ("2", "next_reply_time", "met", "all", 1, START),
    ]


def test_changes_tell_both_sides():
    before = frame(cycle("1", "met"), cycle("2", "met"), cycle("3", "missed", priority_applied="x"))
    after = frame(
        cycle("4", "running"),
        cycle("3", "met", hour=2, policy="new", target_us=300, priority_applied="y"),
        cycle("1", "met"),
    )

    told = changes(before, after)

    sides = [f"{name}_{end}" for name in TOLD for end in ("before", "after")]
    later = START + timedelta(hours=2)
    assert told.columns == [*KEY, "before", "after", *sides]
    assert told.drop("source", "metric").rows() == [
        ("2", "met", "none", "all", None, "high", None, 100, None, 1, None, START, None),
        ("3", "breached", "met", "all", "new", "x", "y", 100, 300, 1, 21, START, later),
        ("4", "none", "open", None, "all", None, "high", None, 100, None, 1, None, START),
    ]


def test_tally_counts_what_only_one_side_has():
    was = pl.DataFrame({"group": ["L1", "L3", "L3"], "state": ["met", "missed", "cancelled"]})
    new = pl.DataFrame({"group": ["L2", "L1", None], "state": ["overdue", "missed", "running"]})

    told = tally(was, new, by=["group"])

    assert told.columns == [
        "group", "clocks_before", "clocks_after", "breaches_before", "breaches_after",
    ]  # fmt: skip
    assert told.rows() == [
        ("L1", 1, 1, 0, 1),
        ("L2", 0, 1, 0, 1),
        ("L3", 1, 0, 1, 0),
        (None, 0, 1, 0, 0),
    ]
    assert set(told.dtypes[1:]) == {pl.Int64}
