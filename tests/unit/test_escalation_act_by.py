from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.escalation import CostTable, Effectiveness
from sla_sniper.escalation.act_by import act_by
from sla_sniper.sla.calendar import Calendar

HOUR = 3_600_000_000
MINUTE = timedelta(minutes=1)
NOW = datetime(2024, 3, 28, 12, tzinfo=UTC)  # a Thursday; the clocks change on Sunday
OFFICE = Calendar("office", "Europe/Berlin", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
CALENDARS = {"office": OFFICE, "always": Calendar("always", is_always_open=True)}


def costs(*, intervention=10.0, falls_h=None, lost_h=0):
    falls = None if falls_h is None else falls_h * HOUR
    effect = Effectiveness(0.5, 0.3, 0.7, falls, lost_h * HOUR)
    return CostTable("USD", {"high": 1}, intervention=intervention, effectiveness=effect)


def clocks(*rows):
    """Each row: ticket, calendar, hours of working time left, cost, probability."""
    due = [CALENDARS[calendar].add(NOW, timedelta(hours=left)) for _, calendar, left, *_ in rows]
    frame = pl.DataFrame(
        rows, schema=["ticket_id", "calendar", "left", "cost", "p_breach"], orient="row"
    )
    return frame.with_columns(
        source=pl.lit("desk"),
        landmark=pl.lit(NOW).dt.cast_time_unit("us"),
        due_at=pl.Series(due).dt.cast_time_unit("us"),
        slack_us=(pl.col("left") * HOUR).cast(pl.Int64),
        cost=pl.col("cost").cast(pl.Float64),
    )


def one(row, table):
    return act_by(clocks(row), CALENDARS, table)[0]


def test_constant_effect_pays_until_the_deadline():
    assert one(("A", "always", 8.0, 100, 0.5), costs()) == NOW + timedelta(hours=8)


def test_falling_effect_pays_until_it_meets_the_cost():
    # 0.5 x 100 x 0.8 = 40 at full effect; the cost of 10 is met at a quarter of 24 h.
    found = one(("A", "always", 48.0, 100, 0.8), costs(falls_h=24))

    assert found == NOW + timedelta(hours=48 - 6)


def test_act_by_is_counted_in_working_time():
    # Thursday 13:00 in Berlin: 4 h left today, 8 h tomorrow. Six hours before the deadline on
    # Monday 13:00 local time is Friday 15:00, before the clocks change.
    found = one(("A", "office", 16.0, 100, 0.8), costs(falls_h=24))

    assert found == datetime(2024, 3, 29, 14, tzinfo=UTC)


def test_a_ticket_that_never_pays_has_no_act_by():
    assert one(("A", "always", 48.0, 100, 0.2), costs()) is None
    assert one(("A", "always", 5.0, 100, 0.8), costs(falls_h=24)) is None
    assert one(("A", "always", 48.0, 100, 0.0), costs(intervention=0)) is None


def test_point_of_no_return_ends_the_time_to_act():
    assert one(("A", "always", 8.0, 100, 0.9), costs(lost_h=3)) == NOW + timedelta(hours=5)


def test_no_clock_has_no_act_by():
    assert act_by(clocks(("A", "always", 1.0, 1, 0.5)).clear(), CALENDARS, costs()).len() == 0


def slow_twin(frame, table):
    """Step minute by minute through each ticket's time and read every clock on the way."""
    found = {}
    for ticket in frame["ticket_id"].unique(maintain_order=True):
        rows = frame.filter(pl.col("ticket_id") == ticket).to_dicts()
        last, at = None, NOW
        while at < max(row["due_at"] for row in rows):
            saved = 0.0
            for row in rows:
                slack = CALENDARS[row["calendar"]].elapsed(at, row["due_at"])
                left = table.effectiveness.at(np.array([slack // timedelta(microseconds=1)]))[0]
                saved += row["cost"] * row["p_breach"] * left * (at < row["due_at"])
            last = at if saved > table.intervention else last
            at += MINUTE
        found[ticket] = last
    return [found[ticket] for ticket in frame["ticket_id"]]


@pytest.mark.parametrize(
    "table",
    [
        costs(),
        costs(falls_h=6),
        costs(falls_h=6, lost_h=1),
        costs(lost_h=2),
        costs(intervention=30),
    ],
)
def test_act_by_equals_its_slow_twin_to_the_minute(table):
    rng = np.random.default_rng(1)
    rows = [
        (f"T{n // 2 if n < 8 else n}", str(rng.choice(["office", "always"])),
         float(rng.integers(1, 12)), int(rng.integers(5, 150)), float(rng.integers(1, 10)) / 10)
        for n in range(16)
    ]  # fmt: skip
    frame = clocks(*rows)

    found = act_by(frame, CALENDARS, table).to_list()

    expected = slow_twin(frame, table)
    assert [each is None for each in found] == [each is None for each in expected]
    gaps = [a - b for a, b in zip(found, expected, strict=True) if a and b]
    # What ends at a closing hour lasts until the next opening, which both may name.
    assert all(timedelta(0) - timedelta(seconds=1) <= gap <= MINUTE for gap in gaps)
