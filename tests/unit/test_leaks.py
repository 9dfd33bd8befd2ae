"""What knows the future is found by what it does; honest columns are left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.eventlog.first_rows import ATTRIBUTE, first_rows
from sla_sniper.eventlog.foretelling import foretellings
from sla_sniper.eventlog.mapping import Mapping
from sla_sniper.model.leaks import (
    clocks_on_both_sides,
    columns_too_good,
    features_too_good,
    rates_that_know,
)
from sla_sniper.snapshots.features import Feature

MONDAY = datetime(2024, 4, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
N = 600


def mapping(*keep, shape="events", stamped=()):
    columns = {"ticket_id": "number", "occurred_at": "updated", "group": "team"}
    return Mapping(shape, "UTC", columns, source="desk", keep=keep, stamped=stamped)


@pytest.fixture(scope="module")
def course():
    """The course of each ticket: opening, hours it takes, rows, first and last team."""
    rng = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "ticket": [f"T{at:04}" for at in range(N)],
            "opened": [MONDAY + at * HOUR for at in range(N)],
            "hours": rng.lognormal(3, 1, N),
            "rows": rng.integers(2, 9, N),
            "first": rng.choice(["desk", "network", "apps"], N),
            "last": rng.choice(["desk", "network", "apps"], N),
            "is_over": rng.random(N) < 0.8,
            "site": rng.choice(["AMS", "UTR", None], N),
        }
    )


@pytest.fixture
def look(course, make_event, make_events):
    """Findings on tickets whose rows all carry the attribute `x`, by its name."""

    def told(x, **options):
        rows = [
            row
            for ticket, value in zip(course.iter_rows(named=True), x, strict=True)
            for row in _rows(ticket, value, make_event)
        ]
        settings = mapping("x", **options)
        events = make_events(rows)
        found = foretellings(first_rows(events, settings), events, settings)
        return {each.column: (each.kind, each.severity) for each in found}

    return told


def _rows(ticket, value, make_event):
    n = ticket["rows"]
    for at in range(n):
        is_last = at == n - 1
        yield make_event(
            ticket["ticket"],
            ticket["opened"] + at * ticket["hours"] / (n - 1) * HOUR,
            status="resolved" if is_last and ticket["is_over"] else "open",
            group=ticket["first"] if at < n // 2 else ticket["last"],
            sequence=at,
            attributes=[] if value is None else [{"key": "x", "value": value}],
        )


def test_hours_to_the_end_are_found(course, look):
    assert look(f"{hours:.2f}" for hours in course["hours"]) == {"x": ("knows_hours_left", "error")}


def test_bins_of_the_hours_to_the_end_are_found(course, look):
    bins = course["hours"].rank() * 5 // (N + 1)

    assert look(f"speed {at:.0f}" for at in bins) == {"x": ("knows_hours_left", "error")}


def test_the_number_of_rows_to_come_is_found(course, look):
    assert look(f"variant {rows}" for rows in course["rows"]) == {"x": ("knows_n_after", "error")}


def test_a_code_of_ended_tickets_is_found(course, look):
    codes = ["fixed" if is_over else None for is_over in course["is_over"]]

    assert look(codes) == {"x": ("filled_at_the_end", "error")}


def test_the_team_that_ends_it_is_found(course, look):
    assert look(course["last"]) == {"x": ("knows_last_group", "error")}


def test_a_flag_that_never_changes_is_told(course, look):
    flags = ["true" if at % 3 else "false" for at in range(N)]

    assert look(flags) == {"x": ("unchanging_flag", "warning")}


def test_what_is_declared_as_stamped_is_not_found(course, look):
    assert look(course["last"], stamped=("x",)) == {}


@pytest.mark.parametrize("column", ["first", "site"])
def test_honest_attributes_are_left_alone(course, look, column):
    assert look(course[column]) == {}


def test_an_honest_kind_of_work_is_left_alone(course, look):
    noise = np.random.default_rng(0).normal(0, 0.7, N)
    slow = course["hours"].log().to_numpy() + noise > 3

    assert look(np.where(slow, "vpn", "mail").tolist()) == {}


def test_a_column_that_came_into_use_is_left_alone(course, look):
    assert look(["new form" if at > N // 2 else None for at in range(N)]) == {}


def test_first_rows_keep_every_open_ticket(course, make_event, make_events):
    rows = [
        row for ticket in course.iter_rows(named=True) for row in _rows(ticket, "v", make_event)
    ]

    tickets = first_rows(make_events(rows), mapping("x"))

    assert tickets.height == N
    assert tickets["has_ended"].sum() == course["is_over"].sum()
    assert tickets[f"{ATTRIBUTE}x"].unique().to_list() == ["v"]


@pytest.fixture
def tickets():
    """First rows of 3,000 tickets with a kind of work, its usual queue, and the last one."""
    rng = np.random.default_rng(5)
    n = 3000
    kind = rng.choice(["lamp", "tree", "road", "bin"], n)
    is_moved = rng.random(n) < 0.12
    usual = pl.Series(kind).replace_strict({"lamp": "A", "tree": "B", "road": "C", "bin": "A"})
    hours = rng.lognormal(3, 1, n) * np.where(is_moved, 5, 1) * np.where(kind == "road", 3, 1)
    return pl.DataFrame(
        {
            "source": "desk",
            "ticket_id": [f"T{at:05}" for at in range(n)],
            "first_at": [MONDAY + at * HOUR for at in range(n)],
            "category": kind,
            "attribute:queue": np.where(is_moved, "Z", usual),
            "attribute:area": rng.choice(["N", "S"], n),
            "has_ended": True,
            "hours_left": hours,
            "breached": hours > 40,
            "target_h": 40.0,
        }
    )


def kinds(found):
    return {(each.column, each.kind, each.severity) for each in found}


def test_a_final_value_in_a_row_a_ticket_is_found(tickets):
    found = columns_too_good(tickets, is_history=False)

    assert kinds(found) == {("attribute:queue", "final_value", "error")}


def test_honest_columns_of_a_row_a_ticket_are_left_alone(tickets):
    honest = tickets.drop("attribute:queue")

    assert kinds(columns_too_good(honest, is_history=False)) == set()


def test_a_column_that_knows_the_outcome_is_found(tickets):
    planted = tickets.with_columns(
        pl.when("breached").then(pl.lit("late")).otherwise(pl.lit("in time")).alias("category")
    ).drop("attribute:queue")

    found = kinds(columns_too_good(planted, is_history=True))

    assert found == {("category", "too_good_column", "error")}


@pytest.fixture
def learnt():
    """Labelled snapshots of 4,000 clocks, 40 a landmark, of many requesters."""
    rng = np.random.default_rng(7)
    n = 4000
    landmark = [MONDAY + at // 40 * 24 * HOUR for at in range(n)]
    breached = rng.random(n) < 0.4
    return pl.DataFrame(
        {
            "landmark": landmark,
            "source": "desk",
            "ticket_id": [f"T{at:05}" for at in range(n)],
            "metric": "resolution_time",
            "policy": "p",
            "cycle": 1,
            "requester": rng.integers(0, 2000, n).astype(str),
            "breached": breached,
            "label_known_at": [at + 48 * HOUR for at in landmark],
            "requester_breach_rate": np.full(n, 0.4),
            "requester_breach_lift": np.zeros(n),
            "n_updates": rng.poisson(4, n),
            "slack_h": np.where(breached, 1.0, 9.0),
        }
    )


RATE = Feature("requester_breach_rate", "number", "requester history")
LIFT = Feature("requester_breach_lift", "number", "requester history")


@pytest.mark.parametrize("feature", [RATE, LIFT])
def test_a_rate_with_its_own_outcome_is_found(learnt, feature):
    mean = pl.col("breached").mean().over("requester")
    leaky = learnt.with_columns(mean.alias(feature.name))

    found = kinds(rates_that_know(leaky, [RATE, LIFT]))

    assert found == {(feature.name, "label_in_encoder", "error")}


def test_a_rate_of_the_past_is_left_alone(learnt):
    drift = pl.Series(np.linspace(0.3, 0.6, learnt.height).round(2))

    assert kinds(rates_that_know(learnt.with_columns(drift.alias(RATE.name)), [RATE])) == set()


def test_a_planted_feature_is_found(learnt):
    planted = learnt.with_columns(pl.col("breached").cast(pl.Float64).alias("resolution_hours"))
    features = [Feature("resolution_hours", "number", "attributes")]

    found = kinds(features_too_good(planted, features))

    assert found == {("resolution_hours", "too_good_feature", "error")}


def test_honest_features_and_the_clock_are_left_alone(learnt):
    features = [
        Feature("n_updates", "number", "activity"),
        Feature("slack_h", "number", "deadline"),
    ]

    assert kinds(features_too_good(learnt, features)) == set()


def test_a_clock_on_both_sides_is_found(learnt):
    found = list(clocks_on_both_sides(learnt.head(100), learnt.slice(99)))

    assert [(each.kind, each.n_tickets) for each in found] == [("clock_on_both_sides", 1)]


def test_a_clock_whose_known_breach_was_taken_back_is_no_leak(learnt):
    """A new target may begin a breached clock anew: what was learnt was known by then."""
    later = learnt.head(100).with_columns(pl.col("label_known_at").alias("landmark"))

    assert list(clocks_on_both_sides(learnt.head(100), later)) == []


def test_a_ticket_with_another_clock_is_no_leak(learnt):
    again = learnt.head(100).with_columns(pl.lit(2).alias("cycle"))

    assert list(clocks_on_both_sides(learnt.head(100), again)) == []
