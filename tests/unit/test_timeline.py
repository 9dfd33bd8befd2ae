"""One ticket's clocks as a picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.panels.timeline import EVENTS_LANE, timeline_panel
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.explain import explain
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target, WarningPoint

HOUR = 3_600_000_000
OFFICE = Calendar("office", "Europe/Berlin", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
OPENED = datetime(2024, 3, 25, 8, tzinfo=UTC)  # a Monday, 09:00 in Berlin


def at(hours: float) -> datetime:
    return OPENED + timedelta(hours=hours)


@pytest.fixture
def panel(make_event, make_events):
    """The picture of one ticket from its rows of hour, activity and changed values."""

    def draw(*rows, as_of, metric="resolution_time", **rule):
        values, told = {"status": "new", "priority": "high"}, []
        for hours, activity, changed in rows:
            values |= changed
            told.append(make_event("T1", at(hours), activity, **values))
        target = Target(
            metric, "office", {"high": 4 * HOUR, "low": 16 * HOUR}, default=4 * HOUR,
            pause_in=("waiting_requester",), **rule,
        )  # fmt: skip
        levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("standard", (target,)),))
        events = make_events(told)
        return timeline_panel(explain(events, levels, as_of=at(as_of), timezone="Europe/Berlin"))

    return draw


CREATED = (0, "created", {})
WAITS = (1, "status", {"status": "waiting_requester"})
ANSWERED = (3, "status", {"status": "open"})


def spans(drawn):
    return [(row["start"][11:16], row["end"][11:16], row["state"]) for row in drawn.spans]


def marks(drawn, kind):
    return [row["at"][:16] for row in drawn.marks if row["kind"] == kind]


def test_spans_follow_the_clock_in_local_time(panel):
    drawn = panel(CREATED, WAITS, ANSWERED, as_of=4)

    assert spans(drawn) == [
        ("09:00", "10:00", "running"),
        ("10:00", "12:00", "paused"),
        ("12:00", "13:00", "running"),
    ]


def test_time_after_the_deadline_is_told_apart(panel):
    drawn = panel(CREATED, as_of=6)

    assert spans(drawn) == [("09:00", "13:00", "running"), ("13:00", "15:00", "over time")]
    assert marks(drawn, "deadline") == ["2024-03-25T13:00"]


def test_span_that_ends_at_the_target_is_not_over(panel):
    drawn = panel(CREATED, (4, "resolved", {"status": "resolved"}), as_of=5)

    assert {row["state"] for row in drawn.spans} == {"running"}


def test_deadline_that_moved_leaves_its_earlier_mark(panel):
    drawn = panel(CREATED, WAITS, ANSWERED, as_of=4)

    assert marks(drawn, "earlier deadline") == ["2024-03-25T13:00"]
    assert marks(drawn, "deadline") == ["2024-03-25T15:00"]


def test_paused_clock_has_no_deadline_mark(panel):
    drawn = panel(CREATED, WAITS, as_of=2)

    assert marks(drawn, "deadline") == []


def test_next_warning_is_marked(panel):
    drawn = panel(CREATED, as_of=1, warn_at=(WarningPoint("75%", percent=75),))

    assert marks(drawn, "warning") == ["2024-03-25T12:00"]


def test_open_hours_lie_inside_the_picture(panel):
    drawn = panel(CREATED, as_of=30)

    assert drawn.hours[0]["start"] == drawn.first
    assert all(drawn.first <= row["start"] < row["end"] <= drawn.last for row in drawn.hours)
    assert [row["start"][:10] for row in drawn.hours] == ["2024-03-25", "2024-03-26"]


def test_long_picture_leaves_open_hours_out(panel):
    drawn = panel(CREATED, as_of=24 * 120)

    assert drawn.hours == ()
    assert "left out" in drawn.caption


def test_events_have_a_lane_of_their_own(panel):
    drawn = panel(CREATED, WAITS, ANSWERED, as_of=4)

    assert drawn.lanes == (EVENTS_LANE, "Resolution")
    assert [row["at"][11:16] for row in drawn.ticks] == ["09:00", "10:00", "12:00"]


def test_crowded_events_keep_one_label(panel):
    crowd = [(n / 60, "status", {"status": ("open", "new")[n % 2]}) for n in range(1, 9)]
    drawn = panel(CREATED, *crowd, as_of=6)

    assert [row["label"] != "" for row in drawn.ticks] == [True] + [False] * 8
    assert all(row["text"] for row in drawn.ticks)


def test_metric_without_a_clock_leaves_only_events(panel):
    drawn = panel(CREATED, as_of=1, metric="next_reply_time")

    assert drawn.lanes == (EVENTS_LANE,)
    assert drawn.spans == ()


def test_ticket_seen_as_it_opens_has_no_span(panel):
    drawn = panel(CREATED, as_of=0)

    assert drawn.spans == ()
    assert drawn.first < drawn.last


def test_chart_reads_times_as_they_are_written(panel):
    chart = panel(CREATED, WAITS, ANSWERED, as_of=4).chart().to_dict()

    scales = [
        layer["encoding"]["x"]["scale"]["type"]
        for layer in chart["layer"]
        if "scale" in layer["encoding"]["x"]
    ]
    assert scales
    assert set(scales) == {"utc"}
