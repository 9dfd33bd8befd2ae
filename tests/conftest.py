"""Fixtures shared by the test categories."""

from __future__ import annotations

import os
from datetime import datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, settings

from sla_sniper.core.schema import EVENTS

# Read when LightGBM loads OpenMP: threads that spin while they wait slow each other down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The same examples on every machine: what passed here passes in CI, however busy that is.
settings.register_profile(
    "fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")


def event(ticket: str, at: datetime, activity: str = "status", **values: object) -> dict:
    """One canonical event row; what is not named is null."""
    row = dict.fromkeys(EVENTS)
    row |= {"source": "desk", "ticket_id": ticket, "occurred_at": at, "recorded_at": at}
    row |= {"sequence": 0, "activity": activity, "attributes": [], **values}
    return row


def event_frame(rows: list[dict]) -> pl.DataFrame:
    """Rows as the canonical frame, sorted as the reader sorts them."""
    frame = pl.DataFrame(rows, schema=dict(EVENTS))
    return frame.sort("source", "ticket_id", "occurred_at", "sequence", maintain_order=True)


@pytest.fixture(scope="session")
def make_event():
    return event


@pytest.fixture(scope="session")
def make_events():
    return event_frame
