"""Which dimensions are said to set the target, and which only go with what does."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from sla_sniper.diagnosis.coding import encode
from sla_sniper.diagnosis.detail import Question, _mechanical

HOUR = 3_600_000_000
N = 400
RNG = np.random.default_rng(0)
DUTY = pl.DataFrame(
    {
        "priority": ["critical", "low", "low", "moderate"] * (N // 4),
        "group": ["duty", "a", "b", "c"] * (N // 4),
        "hour": [f"{k:02}" for k in RNG.integers(0, 24, N)],
        "assignee": [f"agent {k % 4}" for k in range(N)],
        "target_us": [4 * HOUR, 40 * HOUR, 40 * HOUR, 24 * HOUR] * (N // 4),
    }
)


def mechanical(frame, named=(), *, is_vendor=False):
    coded = [encode(frame, name) for name in frame.columns if name != "target_us"]
    as_of = datetime(2024, 4, 1, tzinfo=UTC)
    asked = Question([], [], named, "UTC", as_of, str, has_vendor_targets=is_vendor)
    return _mechanical(coded, frame, asked)


@pytest.mark.parametrize("is_vendor", [False, True])
def test_a_team_that_gets_what_is_critical_does_not_set_the_target(is_vendor):
    assert mechanical(DUTY, ("priority",), is_vendor=is_vendor) == ("priority",)


def test_a_dimension_that_no_policy_names_is_not_mechanical():
    assert mechanical(DUTY.drop("priority")) == ()


def test_what_a_policy_names_is_mechanical_also_where_all_targets_are_one():
    same = DUTY.with_columns(target_us=pl.lit(4 * HOUR))

    assert mechanical(same, ("group", "absent")) == ("group",)
    assert mechanical(same, is_vendor=True) == ()


def test_what_the_vendors_targets_follow_is_mechanical():
    assert mechanical(DUTY, is_vendor=True) == ("priority",)
    assert mechanical(DUTY.drop("priority"), is_vendor=True) == ("group",)
    noisy = DUTY.with_columns(target_us=pl.Series(RNG.integers(1, 100, N) * HOUR))
    assert mechanical(noisy, is_vendor=True) == ()
