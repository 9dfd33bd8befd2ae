"""Holidays from iCalendar text: what is understood, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from sla_sniper.config.ics import read_ics


def calendar(*lines: str) -> str:
    event = ["BEGIN:VEVENT", "SUMMARY:Feast", *lines, "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", *event, "END:VCALENDAR", ""])


START = "DTSTART;VALUE=DATE:20240229"
FEAST = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("lines", "closed"),
    [
        ((START,), ["2024-02-29"]),
        (("DTSTART;TZID=Europe/Berlin:20240229T000000", "DTEND:20240301T000000"), ["2024-02-29"]),
        ((START, "DTEND;VALUE=DATE:20240302"), ["2024-02-29", "2024-03-01"]),
        ((START, "DTEND;VALUE=DATE:20240229"), ["2024-02-29"]),
        ((START, "DURATION:P2D"), ["2024-02-29", "2024-03-01"]),
        ((START, "DURATION:P1D"), ["2024-02-29"]),
        ((START, "RRULE:FREQ=YEARLY;COUNT=2"), ["2024-02-29", "2028-02-29"]),
        ((START, "RRULE:FREQ=YEARLY"), ["2024-02-29", "2028-02-29", "2032-02-29"]),
        ((START, "RRULE:FREQ=YEARLY;UNTIL=20280229"), ["2024-02-29", "2028-02-29"]),
        ((START, "RRULE:FREQ=YEARLY;UNTIL=20280228T235959Z"), ["2024-02-29"]),
        ((START, "RRULE:FREQ=YEARLY;INTERVAL=8;COUNT=2"), ["2024-02-29", "2032-02-29"]),
        ((START, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=1"), ["2024-02-29"]),
        ((START, "STATUS:CANCELLED"), []),
        ((START, "BEGIN:VALARM", "DURATION:PT5M", "END:VALARM"), ["2024-02-29"]),
        (("DTST", " ART;VALUE=DATE:202402", "\t29"), ["2024-02-29"]),
        ((START, 'X-NOTE;ALTREP="cid:a:b";LANGUAGE=en:a: b'), ["2024-02-29"]),
    ],
)
def test_all_day_events_are_holidays(lines, closed):
    found = read_ics(calendar(*lines)).between(date(2020, 1, 1), date(2032, 12, 31))

    assert [day.isoformat() for day in found] == closed


def test_a_week_is_seven_days():
    found = read_ics(calendar(START, "DURATION:P1W")).between(FEAST, date(2024, 12, 31))

    assert (len(found), found[-1]) == (7, date(2024, 3, 6))


def test_other_components_are_no_holidays():
    zone = "BEGIN:VTIMEZONE\r\nDTSTART:19700101T020000\r\nRRULE:FREQ=DAILY\r\nEND:VTIMEZONE\r\n"
    text = calendar(START).replace("BEGIN:VEVENT", zone + "BEGIN:VEVENT")

    assert read_ics(text).dates == (FEAST,)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), "'Feast' has no DTSTART"),
        (("DTSTART:20240229T090000",), "'20240229T090000'; a holiday is a whole day"),
        (("DTSTART:20240229T000000Z",), "a holiday is a whole day"),
        (("DTSTART;VALUE=DATE:20240230",), "a holiday is a whole day"),
        ((START, "DTEND;VALUE=DATE:20240227"), "ends before it begins"),
        ((START, "DURATION:PT5H"), "no whole days"),
        ((START, "DURATION:soon"), "no whole days"),
        ((START, "EXDATE;VALUE=DATE:20250101"), "has EXDATE, which is not understood"),
        ((START, "RRULE:FREQ=MONTHLY"), "comes again by 'FREQ=MONTHLY'"),
        ((START, "RRULE:FREQ=YEARLY;BYDAY=-1MO"), "only FREQ=YEARLY on the same date"),
        ((START, "RRULE:FREQ=YEARLY;BYMONTH=3"), "only FREQ=YEARLY on the same date"),
        ((START, "RRULE:FREQ=YEARLY;COUNT=0"), "a whole number from 1 on"),
        ((START, "RRULE:FREQ=YEARLY;COUNT=many"), "COUNT=MANY"),
        ((START, "RRULE:FREQ=YEARLY;INTERVAL=2"), "every 2 years without an end"),
    ],
)
def test_what_is_not_understood_is_refused(lines, told):
    with pytest.raises(ValueError, match="event 'Feast'") as caught:
        read_ics(calendar(*lines))

    assert told in str(caught.value)


def test_another_file_is_no_icalendar():
    with pytest.raises(ValueError, match="is no iCalendar file"):
        read_ics("date,name\n2024-12-25,Christmas\n")
