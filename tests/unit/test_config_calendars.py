"""[calendars] of sla.toml: everything they can say, and every way to get it wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sla_sniper.config.calendars import CalendarSpec, read_calendars
from sla_sniper.config.service_levels import read_sla
from sla_sniper.core.errors import ConfigurationError

REST = """
[[policies]]
name = "all"
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "{calendar}"
  target = "4h"
[costs]
breach = {{ default = 100 }}
intervention = 2
effectiveness = {{ value = 0.5, low = 0.3, high = 0.7 }}
"""
WEEK = 'hours = { mon-fri = ["09:00-17:00"] }'
FRIDAY = datetime(2024, 3, 1, 16, tzinfo=UTC)
ICS = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:Founders' day\\, a
 ll closed
DTSTART;VALUE=DATE:20240304
DTEND;VALUE=DATE:20240306
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20230307
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def read(tmp_path):
    """Read an sla.toml that has these calendars; the last one named is used."""

    def reading(*lines: str, calendar: str = "office"):
        path = tmp_path / "sla.toml"
        path.write_text("\n".join(lines) + REST.format(calendar=calendar), encoding="utf-8")
        return read_sla(path)

    return reading


@pytest.fixture
def office(read):
    def reading(*lines: str):
        return read("[calendars.office]", *lines).levels.calendars["office"]

    return reading


@pytest.mark.parametrize(
    ("lines", "hours_to_monday_noon"),
    [
        ((WEEK,), 1 + 3),
        (('hours = { mon-fri = ["09:00-12:00", "13:00-17:00"] }',), 1 + 3),
        (('hours = { mon-thu = ["09:00-12:00"], fri = ["09:00-16:30"] }',), 0.5 + 3),
        (('hours = "24x7"',), 68),
        (('hours = { fri-sat = ["22:00-06:00"] }',), 16),
        ((WEEK, "holidays = { dates = [2024-03-04] }"), 1),
        ((WEEK, 'holidays = { dates = ["*-03-04"] }'), 1),
        ((WEEK, 'holidays = { dates = ["2024-03-03/2024-03-05"] }'), 1),
        ((WEEK, 'shifts = { 2024-03-04 = ["10:00-11:00"] }'), 2),
        ((WEEK, "shifts = { 2024-03-04 = [] }"), 1),
        ((WEEK, 'shifts = { 2024-03-02 = ["10:00-14:00"] }'), 8),
        ((WEEK, 'breaks = { 2024-03-04 = ["09:00-11:30"] }'), 1.5),
        ((WEEK, 'closures = [["2024-03-01T16:30Z", "2024-03-04T10:00Z"]]'), 2.5),
        ((WEEK, 'versions = [{ from = 2024-03-04, hours = { mon = ["11:00-17:00"] } }]'), 2),
    ],
)
def test_a_calendar_says_when_it_is_open(office, lines, hours_to_monday_noon):
    spent = office(*lines).elapsed(FRIDAY, FRIDAY + timedelta(hours=68))

    assert spent == timedelta(hours=hours_to_monday_noon)


def test_a_boundary_moves_the_deadline(office):
    kept = office(WEEK).add(FRIDAY, timedelta(hours=1))
    moved = office(WEEK, 'boundary = "next_open"').add(FRIDAY, timedelta(hours=1))

    assert (kept.isoformat(), moved.isoformat()) == (
        "2024-03-01T17:00:00+00:00",
        "2024-03-04T09:00:00+00:00",
    )


def test_calendars_may_be_intersected(read):
    calendars = read(
        "[calendars.early]",
        'hours = { mon = ["06:00-12:00"] }',
        "[calendars.office]",
        WEEK,
        "[calendars.both]",
        'all_of = ["early", "office"]',
        calendar="both",
    ).levels.calendars

    spent = calendars["both"].elapsed(FRIDAY, FRIDAY + timedelta(days=7))

    assert spent == timedelta(hours=3)


def test_holidays_come_from_an_icalendar_file(office, tmp_path):
    (tmp_path / "days.ics").write_text(ICS.replace("\n", "\r\n"), encoding="utf-8")

    calendar = office(WEEK, 'holidays = { ics = "days.ics" }')

    days = [date(2024, 3, day) for day in range(4, 9)]
    assert [calendar.working_day(day) for day in days] == [False, False, True, False, True]
    assert [calendar.is_holiday(date(year, 3, 7)) for year in (2022, 2031)] == [False, True]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (('timezone = "Mars/Base"', WEEK), "unknown zone 'Mars/Base'"),
        (('hours = { mon = ["25:00-26:00"] }',), "no time of day"),
        (('hours = { mon = ["09:00-09:00"] }',), "is empty"),
        (('hours = { monn = ["09:00-17:00"] }',), "monn"),
        (('hours = { mon = "09:00-17:00" }',), "a list such as"),
        (("hours = {}",), "never open"),
        (("hours = { mon = [] }",), "never open"),
        (("holidays = {}",), "hours"),
        ((WEEK, 'holidays = { dates = ["2024-13-01"] }'), "no date"),
        ((WEEK, 'holidays = { country = "XX" }'), "no holidays are known"),
        ((WEEK, 'holidays = { ics = "none.ics" }'), "cannot be read"),
        ((WEEK, 'shifts = { someday = ["09:00-10:00"] }'), "someday"),
        ((WEEK, 'breaks = { 2024-03-04 = ["9-10"] }'), "09:00-17:00"),
        ((WEEK, 'closures = [["2024-03-04", "2024-03-01"]]'), "not after its start"),
        ((WEEK, 'closures = [["2024-03-04"]]'), "a start and an end"),
        ((WEEK, 'boundary = "sometime"'), "boundary"),
        ((WEEK, "versions = [{ form = 2024-03-04 }]"), "a version is"),
        (('all_of = ["office", "other"]',), "other"),
        ((WEEK, 'opens = "soon"'), "opens"),
        (
            (
                'hours = { mon = ["09:00-17:00"] }',
                'holidays = { dates = ["1900-01-01/2199-12-31"] }',
            ),
            "never open",
        ),
    ],
)
def test_a_wrong_calendar_is_refused_with_its_key(read, lines, told):
    with pytest.raises(ConfigurationError) as caught:
        read("[calendars.office]", *lines)

    assert told in str(caught.value)
    assert "calendars.office" in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            (WEEK, 'closures = [["2024-03-04", "2024-03-01"]]', 'boundary = "sometime"'),
            [
                "line 3, calendars.office.closures[1]: ends at 2024-03-01, which is not after",
                "line 4, calendars.office.boundary: ",
            ],
        ),
        (
            ('boundary = "sometime"', 'holidays = { country = "XX", dates = ["soon"] }'),
            [
                "line 1, calendars.office.hours: is missing",
                "line 2, calendars.office.boundary: ",
                "line 3, calendars.office.holidays.country: no holidays are known for 'XX'",
                "line 3, calendars.office.holidays.dates: 'soon' is no date",
            ],
        ),
        (
            ('timezone = "Mars/Base"', WEEK, 'closures = [["2024-03-04"]]'),
            [
                "line 2, calendars.office.timezone: unknown zone",
                "line 4, calendars.office.closures[1]: a closure has a start and an end",
            ],
        ),
    ],
)
def test_all_mistakes_of_a_calendar_come_in_one_message(read, lines, told):
    with pytest.raises(ConfigurationError) as caught:
        read("[calendars.office]", *lines)

    found = zip(caught.value.problems, told, strict=True)
    assert all(problem.startswith(start) for problem, start in found)


def test_an_icalendar_event_with_a_time_is_refused(office, tmp_path):
    text = ICS.replace("DTSTART;VALUE=DATE:20240304", "DTSTART:20240304T090000Z")
    (tmp_path / "days.ics").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match="a holiday is a whole day"):
        office(WEEK, 'holidays = { ics = "days.ics" }')


def test_a_calendar_made_of_itself_is_refused(read):
    with pytest.raises(ConfigurationError, match="made of itself"):
        read(
            "[calendars.a]",
            'all_of = ["b", "office"]',
            "[calendars.b]",
            'all_of = ["a", "office"]',
            "[calendars.office]",
            WEEK,
        )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('hours = { mon = ["09:00-13:00", "12:00-17:00"] }', "overlap"),
        ('hours = { mon = ["09:00-23:59"] }', "23:59"),
    ],
)
def test_odd_hours_are_accepted_and_said(read, line, told):
    notes = read("[calendars.office]", line).notes

    assert any(told in note for note in notes)


def test_calendars_keep_the_order_of_the_file():
    spec = CalendarSpec.model_validate({"hours": "24x7"})

    assert [*read_calendars({"b": spec, "a": spec}, folder=Path())] == ["b", "a"]
