"""Warning points: when the next one comes, for whom, and for whom none does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.core.schema import CYCLES
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target, WarningPoint

MINUTE_US = 60_000_000
MONDAY = datetime(2024, 4, 8, 9, tzinfo=UTC)
FRIDAY = datetime(2024, 4, 12, 15, tzinfo=UTC)
OFFICE = Calendar("office", "UTC", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
SHARE = WarningPoint("75%", percent=75)
HOUR_BEFORE = WarningPoint("-60m", offset_us=-60 * MINUTE_US)
AT_DEADLINE = WarningPoint("+0m")
HOUR_LATE = WarningPoint("+60m", offset_us=60 * MINUTE_US)
HOURLY = WarningPoint("+60m", offset_us=60 * MINUTE_US, repeat_us=60 * MINUTE_US)


@pytest.fixture
def warned(make_event, make_events):
    """Next warning of one ticket with a target of 240 minutes; None for none."""

    def read(*points, after, start=MONDAY, changes=(), **rule):
        target = Target(
            "resolution_time",
            "office",
            default=240 * MINUTE_US,
            warn_at=points,
            pause_in=("on_hold",),
            **rule,
        )
        levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("all", (target,)),))
        rows = [make_event("1", start, "created", status="new")]
        rows += [
            make_event("1", start + timedelta(minutes=minute), status=status)
            for minute, status in changes
        ]
        as_of = start + timedelta(minutes=after)
        row = cycles(make_events(rows), levels, as_of=as_of).row(0, named=True)
        if row["next_warning_at"] is None:
            return None
        return (row["next_warning_at"] - start) // timedelta(minutes=1), row["next_warning"]

    return read


@pytest.mark.parametrize(
    ("points", "after", "expected"),
    [
        ((SHARE,), 0, (180, "75%")),
        ((SHARE,), 180, (180, "75%")),
        ((SHARE,), 181, None),
        ((HOUR_BEFORE,), 0, (180, "-60m")),
        ((AT_DEADLINE,), 181, (240, "+0m")),
        ((AT_DEADLINE,), 241, None),
        ((HOUR_LATE,), 241, (300, "+60m")),
        ((HOUR_LATE,), 301, None),
        ((AT_DEADLINE, SHARE), 0, (180, "75%")),
        ((AT_DEADLINE, SHARE), 181, (240, "+0m")),
        ((SHARE, HOUR_BEFORE), 0, (180, "75%")),
        ((HOURLY,), 0, (300, "+60m")),
        ((HOURLY,), 300, (300, "+60m")),
        ((HOURLY,), 301, (360, "+60m")),
        ((HOURLY,), 300 + 1 / MINUTE_US, (360, "+60m")),
        ((HOURLY,), 420, (420, "+60m")),
    ],
)
def test_the_next_point_is_the_soonest_to_come(warned, points, after, expected):
    assert warned(*points, after=after) == expected


def test_a_point_reached_as_the_office_closes_is_there_at_once(warned):
    # 240 minutes from 13:00 on; it is 20:00.
    assert warned(AT_DEADLINE, after=420, start=MONDAY + timedelta(hours=4)) == (420, "+0m")


def test_a_clock_held_until_an_instant_is_warned_of_after_it(make_event, make_events):
    rule = Target(
        "resolution_time", "office", default=240 * MINUTE_US, warn_at=(SHARE,),
        pause_until="hold_until",
    )  # fmt: skip
    hold = [{"key": "hold_until", "value": (MONDAY + timedelta(minutes=90)).isoformat()}]
    rows = [
        make_event("1", MONDAY, "created", status="new"),
        make_event("1", MONDAY + timedelta(minutes=30), "attribute", status="new", attributes=hold),
    ]
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("all", (rule,)),))

    row = cycles(make_events(rows), levels, as_of=MONDAY + timedelta(minutes=40)).row(0, named=True)

    assert row["state"] == "paused"
    assert row["next_warning_at"] == MONDAY + timedelta(minutes=240)


def test_a_point_over_the_weekend_waits_for_hours(warned):
    # 120 minutes until Friday 17:00, 60 more on Monday from 09:00.
    assert warned(SHARE, after=60, start=FRIDAY) == (2 * 60 + 64 * 60 + 60, "75%")


def test_a_point_at_closing_time_may_wait_for_opening(warned):
    at_close = WarningPoint("50%", percent=50)
    in_hours = WarningPoint("50%", percent=50, is_only_in_hours=True)

    assert warned(at_close, after=0, start=FRIDAY) == (120, "50%")
    assert warned(in_hours, after=0, start=FRIDAY) == (120 + 64 * 60, "50%")


def test_a_paused_clock_has_no_next_warning(warned):
    assert warned(SHARE, after=60, changes=((30, "on_hold"),)) is None


def test_a_pause_moves_the_next_warning(warned):
    changes = ((30, "on_hold"), (90, "open"))

    assert warned(SHARE, after=100, changes=changes) == (240, "75%")


def test_a_clock_that_stopped_has_no_next_warning(warned):
    assert warned(SHARE, after=60, changes=((30, "resolved"),)) is None


def test_a_cancelled_ticket_has_no_next_warning(warned):
    assert warned(SHARE, after=60, changes=((30, "cancelled"),)) is None


def test_a_closed_ticket_before_an_open_one_changes_no_warning(make_event, make_events):
    target = Target("resolution_time", "office", default=240 * MINUTE_US, warn_at=(SHARE,))
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("all", (target,)),))
    rows = [
        make_event("1", MONDAY, "created", status="closed"),
        make_event("2", MONDAY, "created", status="new"),
    ]

    told = cycles(make_events(rows), levels, as_of=MONDAY)

    assert told["next_warning"].to_list() == [None, "75%"]


def test_the_share_of_a_vendors_deadline_is_open_time(make_event, make_events):
    target = Target("resolution_time", "office", is_vendor=True, warn_at=(SHARE,))
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("all", (target,)),))
    due = MONDAY + timedelta(hours=4)
    events = make_events([make_event("1", MONDAY, "created", status="new", vendor_due_at=due)])

    row = cycles(events, levels, as_of=MONDAY).row(0, named=True)

    assert row["next_warning_at"] == MONDAY + timedelta(hours=3)


def test_where_nobody_is_warned_the_columns_are_the_same(make_event, make_events):
    target = Target("resolution_time", "office", default=240 * MINUTE_US, warn_at=(SHARE,))
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("all", (target,)),))
    events = make_events([make_event("1", MONDAY, "created", status="closed")])

    assert cycles(events, levels, as_of=MONDAY).schema == dict(CYCLES)


def test_a_target_without_points_warns_of_nothing(warned):
    assert warned(after=0) is None
