"""Labels: breached, met, or not yet known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.schema import CYCLES
from sla_sniper.snapshots.labels import with_labels

START = datetime(2024, 4, 1, 9, tzinfo=UTC)
LATER = START + timedelta(hours=1)
CLOCK = {"elapsed_h": 2.0, "slack_h": 6.0}


@pytest.mark.parametrize(
    ("state", "label", "known_at"),
    [
        ("missed", True, START),
        ("overdue", True, START),
        ("met", False, LATER),
        ("running", None, None),
        ("paused", None, None),
        ("cancelled", None, None),
    ],
)
def test_labels_follow_the_state_of_the_cycle(state, label, known_at):
    key = {"source": "desk", "ticket_id": "1", "policy": "p", "metric": "resolution_time"}
    cycle = dict.fromkeys(CYCLES) | key | {"cycle": 1, "state": state}
    cycle |= {"breached_at": START, "fulfilled_at": LATER}
    snapshot = pl.DataFrame([key | {"cycle": 1, "due_at": START, **CLOCK}])

    (row,) = with_labels(snapshot, pl.DataFrame([cycle], schema=dict(CYCLES))).to_dicts()

    assert (row["breached"], row["label_known_at"]) == (label, known_at)
    assert row["is_censored"] == (label is None)
    assert row["decidable_at"] == START


def test_a_cycle_that_vanished_is_censored():
    key = {"source": "desk", "ticket_id": "1", "policy": "p", "metric": "m", "cycle": 1}
    snapshot = pl.DataFrame(
        [key | {"due_at": START, **CLOCK}], schema_overrides={"cycle": pl.Int64}
    )

    found = with_labels(snapshot, pl.DataFrame(schema=dict(CYCLES)))

    assert found["is_censored"].to_list() == [True]


@pytest.mark.parametrize(
    ("state", "used_h", "observed_h"),
    [("met", 5.0, 3.0), ("missed", 30.0, 6.0), ("running", 2.5, 0.5), ("met", 1.0, 0.0)],
)
def test_a_clock_is_observed_until_it_ends_or_runs_out(state, used_h, observed_h):
    key = {"source": "desk", "ticket_id": "1", "policy": "p", "metric": "m", "cycle": 1}
    cycle = dict.fromkeys(CYCLES) | key | {"state": state, "elapsed_us": int(used_h * 3.6e9)}
    snapshot = pl.DataFrame([key | {"due_at": START, **CLOCK}])

    found = with_labels(snapshot, pl.DataFrame([cycle], schema=dict(CYCLES)))

    assert found["observed_h"].item() == pytest.approx(observed_h)
