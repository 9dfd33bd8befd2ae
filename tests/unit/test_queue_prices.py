"""The queue's prices of slots, from a stored backtest and nothing later."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import CostTable, Effectiveness
from sla_sniper.usecases.queue import _next_price, _prices

HOUR = 3_600_000_000
MONDAY = datetime(2016, 4, 4, 8, tzinfo=UTC)
COSTS = CostTable("USD", {"high": 1}, effectiveness=Effectiveness(1.0, 0.3, 1.0))


class OneDesk:
    """A desk with two landmarks a day, at 08:00 and at 12:00."""

    def __init__(self, folder, as_of):
        sla = SimpleNamespace(costs=COSTS, stakes="ours")
        rule = SimpleNamespace(timezone="UTC")
        self.workspace = SimpleNamespace(outputs=folder, sla=sla, landmarks=rule)
        self.as_of = as_of

    def landmarks(self, start, end, _):
        moments = [MONDAY + timedelta(days=d, hours=h) for d in range(30) for h in (0, 4)]
        kept = [each for each in moments if start <= each < end]
        return pl.DataFrame(
            {"landmark": kept, "day": [each.date() for each in kept]},
            schema={"landmark": pl.Datetime("us", "UTC"), "day": pl.Date},
        )


def store(folder, *, n_days=6, **changes):
    """Keep a backtest in which a ticket of 90 comes at noon each day."""
    facts = {"as_of": "2016-05-01T00:00:00+00:00", "stakes": "ours", "held_back": [1, 2]}
    facts["verdicts"] = []
    rows = [
        {"day": d, "hour": h, "ticket_id": f"{d}-{h}", "cost": cost}
        for d in range(n_days)
        for h, cost in ((0, 5.0), (4, 90.0))
    ]
    frame = pl.DataFrame(rows)
    landmark = pl.Series(
        [MONDAY + timedelta(days=d, hours=h) for d, h in frame.select("day", "hour").rows()]
    ).dt.cast_time_unit("us")
    pool = frame.with_columns(
        landmark=landmark, day=landmark.dt.date(), source=pl.lit("desk"),
        metric=pl.lit("resolution_time"), slack_us=HOUR, age_us=HOUR, target_us=HOUR,
        p_breach=1.0, breached=True,
    )  # fmt: skip
    (folder / "backtest").mkdir()
    pool.write_parquet(folder / "backtest" / "predictions.parquet")
    (folder / "backtest" / "summary.json").write_text(json.dumps(facts | changes))


AFTER = MONDAY + timedelta(days=27)  # a Sunday's morning after the backtest was known


def test_morning_slots_are_kept_for_noon(tmp_path):
    store(tmp_path)

    prices = _prices(OneDesk(tmp_path, AFTER), 2)

    assert prices.tolist() == [0.0, 90.0]


def test_last_landmark_of_the_day_keeps_nothing(tmp_path):
    store(tmp_path)

    assert _prices(OneDesk(tmp_path, AFTER + timedelta(hours=4)), 2).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"stakes": "of other costs"}, id="other costs"),
        pytest.param({"held_back": [50]}, id="did not pay"),
        pytest.param({"as_of": "2016-06-01T00:00:00+00:00"}, id="not known yet"),
        pytest.param({"n_days": 4}, id="too few days"),
    ],
)
def test_slots_have_no_price_without_its_evidence(tmp_path, changes):
    store(tmp_path, **changes)

    assert _prices(OneDesk(tmp_path, AFTER), 2) is None


def test_slots_have_no_price_without_a_backtest(tmp_path):
    assert _prices(OneDesk(tmp_path, AFTER), 2) is None


@pytest.mark.parametrize(
    ("prices", "n_taken", "price"),
    [(None, 1, None), ([0.0, 9.0], 1, 9.0), ([0.0, 9.0], 2, None), ([0.0, 0.0], 1, None)],
)
def test_queue_names_the_price_of_the_next_slot(prices, n_taken, price):
    frame = pl.DataFrame({"rank": [1, 2, 3], "recommended": [n < n_taken for n in range(3)]})

    assert _next_price(None if prices is None else np.array(prices), frame) == price
