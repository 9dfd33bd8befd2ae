"""Open hours and calendars as people write them, read without a whole sla.toml."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sla_sniper.config.calendars import CalendarSpec, read_calendars
from sla_sniper.config.documents import KeyProblemsError
from sla_sniper.config.hours import overlaps, read_dated, read_hours
from sla_sniper.config.values import span_seconds

NINE_TO_FIVE = {"mon-fri": ["09:00-17:00"]}


def calendars(folder, **tables):
    specs = {name: CalendarSpec.model_validate(table) for name, table in tables.items()}
    return read_calendars(specs, folder=folder)


@pytest.mark.parametrize(
    ("hours", "open_days"),
    [
        ({"mon-fri": ["09:00-17:00"]}, [0, 1, 2, 3, 4]),
        ({"fri-mon": ["09:00-17:00"]}, [0, 4, 5, 6]),
        ({"sun-sun": ["09:00-17:00"]}, [6]),
        ({"sat": ["09:00-17:00"], "sun": []}, [5]),
    ],
)
def test_days_are_named_alone_or_as_ranges(hours, open_days):
    assert [day for day, spans in enumerate(read_hours(hours)) if spans] == open_days


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ({"mon-fry": ["09:00-17:00"]}, [("mon-fry",)]),
        ({"mon-fri": ["09:00-17:00"], "tue": ["10:00-12:00"]}, [("tue",)]),
        ({"mon": ["9"], "someday": ["09:00-17:00"]}, [("mon",), ("someday",)]),
    ],
)
def test_every_wrong_day_is_told(hours, told):
    with pytest.raises(KeyProblemsError) as caught:
        read_hours(hours)

    assert [path for path, _ in caught.value.problems] == told


def test_dates_have_spans_of_their_own():
    found = read_dated({"2024-12-31": [], "2024-12-24": ["09:00-12:00"]})

    assert found == ((date(2024, 12, 24), ((32_400, 43_200),)), (date(2024, 12, 31), ()))


def test_every_wrong_date_is_told():
    with pytest.raises(KeyProblemsError) as caught:
        read_dated({"2024-13-24": [], "2024-12-24": ["25:00-26:00"]})

    assert [path for path, _ in caught.value.problems] == [("2024-13-24",), ("2024-12-24",)]


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ({"mon": ["09:00-12:00", "12:00-17:00"]}, []),
        (
            {"mon": ["08:00-18:00", "09:00-10:00", "17:00-19:00"]},
            [
                "mon 08:00-18:00 and mon 09:00-10:00 overlap and count once",
                "mon 08:00-18:00 and mon 17:00-19:00 overlap and count once",
            ],
        ),
        (
            {"mon": ["22:00-06:00"], "tue": ["05:00-12:00"]},
            ["mon 22:00-06:00 and tue 05:00-12:00 overlap and count once"],
        ),
        (
            {"sun": ["22:00-06:00"], "mon": ["05:00-12:00"]},
            ["sun 22:00-06:00 and mon 05:00-12:00 overlap and count once"],
        ),
    ],
)
def test_overlapping_hours_are_said(hours, told):
    assert overlaps(read_hours(hours)) == told


@pytest.mark.parametrize("text", ["24:00-06:00", "09:60-10:00", "09:00-24:01", "9-17", ""])
def test_no_span_is_refused(text):
    with pytest.raises(ValueError, match=r"time of day|write open hours"):
        span_seconds(text)


def test_notes_name_hours_a_holiday_closes():
    spec = CalendarSpec.model_validate(
        {
            "hours": NINE_TO_FIVE,
            "holidays": {"dates": ["*-12-25"], "ics": "not read for notes"},
            "shifts": {"2024-12-25": ["09:00-12:00"], "2024-12-24": ["09:00-12:00"]},
        }
    )

    assert spec.notes() == [
        "the hours of 2024-12-25 have no effect: it is a holiday, which closes the whole date"
    ]


def test_closures_without_an_offset_are_local(tmp_path):
    ends = [["2025-05-02T10:00", "2025-05-02T14:00Z"], [date(2025, 6, 1), date(2025, 6, 2)]]
    table = {"timezone": "Europe/Berlin", "hours": NINE_TO_FIVE, "closures": ends}

    found = calendars(tmp_path, office=table)["office"].closures

    assert found == (
        (datetime(2025, 5, 2, 8, tzinfo=UTC), datetime(2025, 5, 2, 14, tzinfo=UTC)),
        (datetime(2025, 5, 31, 22, tzinfo=UTC), datetime(2025, 6, 1, 22, tzinfo=UTC)),
    )


def test_versions_are_put_in_order(tmp_path):
    versions = [
        {"from": date(2025, 7, 1), "hours": {}},
        {"from": "2024-07-01", "hours": {"sat": ["10:00-12:00"]}},
    ]

    found = calendars(tmp_path, office={"hours": NINE_TO_FIVE, "versions": versions})["office"]

    assert [since for since, _ in found.versions] == [date(2024, 7, 1), date(2025, 7, 1)]
    assert not any(found.versions[1][1])


def test_an_intersection_takes_the_first_zone(tmp_path):
    found = calendars(
        tmp_path,
        both={"all_of": ["east", "west"]},
        told={"all_of": ["east", "west"], "timezone": "UTC", "boundary": "next_open"},
        east={"timezone": "Europe/Berlin", "hours": NINE_TO_FIVE},
        west={"timezone": "America/New_York", "hours": NINE_TO_FIVE},
    )

    assert [*found] == ["both", "told", "east", "west"]
    assert (found["both"].timezone, found["told"].timezone) == ("Europe/Berlin", "UTC")
    assert [part.name for part in found["both"].all_of] == ["east", "west"]


@pytest.mark.parametrize(
    ("tables", "path", "told"),
    [
        (
            {"a": {"all_of": ["b", "c"]}, "b": {"hours": "24x7"}},
            ("a", "all_of", 1),
            "no calendar is called 'c'",
        ),
        (
            {
                "a": {"all_of": ["b", "c"]},
                "b": {"hours": {"mon": ["09:00-12:00"]}},
                "c": {"hours": {"tue": ["09:00-12:00"]}},
            },
            ("a",),
            "its parts share no hours",
        ),
        (
            {"a": {"hours": "24x7", "holidays": {"ics": "latin.ics"}}},
            ("a", "holidays", "ics"),
            "'latin.ics' is no UTF-8 text",
        ),
        (
            {"a": {"hours": "24x7", "holidays": {"ics": "list.ics"}}},
            ("a", "holidays", "ics"),
            "'list.ics' is no iCalendar file",
        ),
    ],
)
def test_what_is_wrong_between_calendars_is_told(tmp_path, tables, path, told):
    (tmp_path / "latin.ics").write_bytes(b"BEGIN:VCALENDAR\nSUMMARY:\xe9\n")
    (tmp_path / "list.ics").write_text("2024-12-25\n", encoding="utf-8")

    with pytest.raises(KeyProblemsError) as caught:
        calendars(tmp_path, **tables)

    ((where, sentence),) = caught.value.problems
    assert where == path
    assert told in sentence


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"all_of": ["a", "a"]}, "two different calendars"),
        ({"all_of": ["a", "b"], "hours": "24x7"}, "made of others"),
        ({"all_of": ["a", "b"], "shifts": {"2024-12-24": []}}, "made of others"),
        ({"hours": "24x7", "versions": {}}, "versions are a list"),
        (
            {"hours": "24x7", "versions": [{"from": date(2024, 1, 1), "hours": {}}] * 2},
            "two versions start on 2024-01-01",
        ),
        ({"hours": "24x7", "versions": [{"from": "soon", "hours": {}}]}, "'soon' is no date"),
        ({"hours": "24x7", "breaks": []}, "a table of dates"),
        ({"hours": "24x7", "closures": [["soon", "later"]]}, "'soon' is no instant"),
    ],
)
def test_a_calendar_cannot_contradict_itself(table, told):
    with pytest.raises(ValueError, match=r"CalendarSpec") as caught:
        CalendarSpec.model_validate(table)

    causes = [error.get("ctx", {}).get("error") for error in caught.value.errors()]
    assert told in " ".join(map(str, causes))
