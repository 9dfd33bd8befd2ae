"""Open hours as people write them: spans of a day, days of the week, single dates."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from sla_sniper.config.documents import Findings
from sla_sniper.config.values import span_seconds
from sla_sniper.sla.calendar import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sla_sniper.sla.calendar import DatedSpans, LocalSpan, WeeklyHours

ALWAYS: Final = "24x7"
_DAY: Final = 86_400
_LAST_MINUTE: Final = _DAY - 60


def read_hours(value: object) -> WeeklyHours | Literal["24x7"]:
    """Read ``{ mon-thu = ["09:00-12:00", "13:00-17:00"], fri = ["09:00-16:00"] }``, or ``"24x7"``.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under its day.

    Examples
    --------
    >>> read_hours({"sat-sun": ["10:00-12:00"]})[4:]
    ((), ((36000, 43200),), ((36000, 43200),))
    """
    if value == ALWAYS:
        return "24x7"
    hours = read_week(value)
    if not any(hours):
        raise ValueError("a calendar needs open hours on some day; this one is never open")
    return hours


def read_week(value: object) -> WeeklyHours:
    """Read open spans by day of the week, also of a week that is closed."""
    if not isinstance(value, dict):
        raise ValueError('hours are a table of days, or "24x7"')  # noqa: TRY004 - a user's value
    findings = Findings()
    week: dict[int, tuple[LocalSpan, ...]] = {}
    for key, spans in value.items():
        days = findings.read(key, _weekdays, key) or ()
        found = findings.read(key, partial(read_spans, what=f"hours of {key}"), spans)
        twice = [WEEKDAYS[day] for day in days if day in week]
        if twice:
            findings.found.append(((key,), f"{twice[0]} has hours under another key as well"))
        week |= dict.fromkeys(days, found or ())
    findings.settle()
    return tuple(week.get(day, ()) for day in range(7))


def read_spans(value: object, what: str) -> tuple[LocalSpan, ...]:
    """Read a list of spans such as ``["09:00-17:00"]``; `what` names it in an error.

    Raises
    ------
    ValueError
        If it is no list of spans.
    """
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f'{what} are a list such as ["09:00-17:00"]')
    return tuple(span_seconds(text) for text in value)


def read_dated(value: object) -> DatedSpans:
    """Read spans of single dates: ``{ 2024-12-24 = ["09:00-12:00"], 2025-06-19 = [] }``.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under its date.
    """
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - a user's value
            'write a table of dates, such as { 2024-12-24 = ["09:00-12:00"] }'
        )
    findings = Findings()
    read = {
        findings.read(key, _date, key): findings.read(
            key, partial(read_spans, what=f"the spans of {key}"), spans
        )
        for key, spans in value.items()
    }
    findings.settle()
    return tuple(sorted((day, spans or ()) for day, spans in read.items() if day is not None))


def overlaps(hours: WeeklyHours) -> list[str]:
    """Say which spans overlap: they count once.

    Examples
    --------
    >>> overlaps((((32400, 46800), (43200, 61200)), (), (), (), (), (), ()))
    ['mon 09:00-13:00 and mon 12:00-17:00 overlap and count once']
    """
    week = [
        (day * _DAY + start, day * _DAY + (end if end > start else end + _DAY), day, (start, end))
        for day, spans in enumerate(hours)
        for start, end in spans
    ]
    # A night shift of Sunday meets Monday's hours.
    again = [(start + 7 * _DAY, end + 7 * _DAY, day, span) for start, end, day, span in week]
    told, reached = [], (0, 0, 0, (0, 0))
    for each in sorted([*week, *again])[: len(week) + 1]:
        if each[0] < reached[1]:
            pair = " and ".join(
                f"{WEEKDAYS[day]} {_text(span)}" for *_, day, span in (reached, each)
            )
            told.append(f"{pair} overlap and count once")
        reached = max(reached, each, key=lambda span: span[1])
    return told


def last_minutes(spans: Iterable[LocalSpan]) -> list[str]:
    """Say where 23:59 leaves the last minute of a day closed."""
    return [
        f"{_text(span)} leaves the last minute of the day closed; write 24:00 if that is meant"
        for span in dict.fromkeys(spans)
        if span[1] == _LAST_MINUTE
    ]


def _weekdays(key: str) -> tuple[int, ...]:
    """Days of ``mon``, or of ``mon-fri``, which may run over Sunday."""
    first, _, last = key.partition("-")
    for name in (first, last or first):
        if name not in WEEKDAYS:
            near = get_close_matches(name, WEEKDAYS, n=1, cutoff=0.0)
            raise ValueError(f"no day is called {name!r} (did you mean {near[0]!r}?)")
    names: tuple[str, ...] = WEEKDAYS
    start, end = names.index(first), names.index(last or first)
    return tuple((start + n) % 7 for n in range((end - start) % 7 + 1))


def _date(key: str) -> date:
    try:
        return date.fromisoformat(key)
    except ValueError as error:
        raise ValueError(f"{key!r} is no date; write 2024-12-24") from error


def _text(span: LocalSpan) -> str:
    return "-".join(f"{seconds // 3600:02}:{seconds // 60 % 60:02}" for seconds in span)
