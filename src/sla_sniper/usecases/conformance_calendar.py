"""Vectors about calendars, told as `sla.calendar.Calendar` and read back."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from sla_sniper.core.instants import localize, parse_instant, zone
from sla_sniper.sla.calendar import WEEKDAYS, Calendar, Holidays
from sla_sniper.usecases.conformance_faces import by_member

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Told = Mapping[str, Any]
    Spans = tuple[tuple[int, int], ...]

ALWAYS: Final = Calendar("always", is_always_open=True)
_DAY: Final = 86_400
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


class NotConformingError(ValueError):
    """A vector asks for something that is to be refused; its text is the reason."""


def read_calendar(told: Told | None) -> Calendar:
    """Read a vector's calendar; none is always open.

    Raises
    ------
    NotConformingError
        ``bad_time``, ``unknown_zone`` or ``no_hours``.
    """
    if told is None:
        return ALWAYS
    try:
        zone(told["tz"])
    except ValueError as error:
        raise NotConformingError("unknown_zone") from error
    return Calendar(
        "vector",
        told["tz"],
        tuple(_spans(told["hours"].get(day, ())) for day in WEEKDAYS),
        _holidays(told.get("holidays", ())),
        shifts=_by_date(told.get("shifts", {})),
        breaks=_by_date(told.get("breaks", {})),
        closures=tuple((parse_instant(a), parse_instant(b)) for a, b in told.get("closures", ())),
    )


def answer(vector: Told) -> dict[str, Any]:
    """Do the vector's operation; every key that the operation can have.

    Raises
    ------
    NotConformingError
        If the operation is to be refused.
    """
    told, profile, operation = vector["calendar"], vector.get("profile") or {}, vector["op"]
    if operation == "validate":
        return _validate(told)
    calendar = _read(told, profile)
    if operation not in _OF_DATES and not _is_usable(calendar):
        if profile.get("empty_calendar") != "24x7" and operation in _NEVER_OPEN:
            return dict(_NEVER_OPEN[operation])
        calendar = usable_calendar(told, profile)
    boundary = profile.get("boundary", "close")
    return _OPERATIONS[operation](replace(calendar, boundary=boundary), vector["input"], profile)


def usable_calendar(told: Told | None, profile: Told) -> Calendar:
    """Read a calendar that is open at some time; what one never open means is the profile's.

    Raises
    ------
    NotConformingError
        ``no_working_time``, and as `read_calendar`.
    """
    calendar = _read(told, profile)
    if _is_usable(calendar):
        return calendar
    if profile.get("empty_calendar", "error") != "24x7":
        raise NotConformingError("no_working_time")
    return ALWAYS


def _read(told: Told | None, profile: Told) -> Calendar:
    calendar = read_calendar(told)
    return by_member(calendar) if profile.get("dst") == "member" else calendar


def _is_usable(calendar: Calendar) -> bool:
    return calendar.is_always_open or calendar.is_ever_open()


def _spans(told: Sequence[Sequence[str]]) -> Spans:
    return tuple((_seconds(begin), _seconds(end)) for begin, end in told)


def _seconds(text: str) -> int:
    """Seconds since midnight of a time of day; 24:00 is the end of the day."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise NotConformingError("bad_time")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if not (0 <= minutes < 60 and 0 <= seconds < 60 and 0 <= total <= _DAY):  # noqa: PLR2004
        raise NotConformingError("bad_time")
    return total


def _by_date(told: Told) -> tuple[tuple[date, Spans], ...]:
    return tuple((date.fromisoformat(day), _spans(spans)) for day, spans in sorted(told.items()))


def _holidays(listed: Sequence[str]) -> Holidays:
    yearly = [day for day in listed if day.startswith("*-")]
    ranges = [day.split("/") for day in listed if "/" in day]
    single = [day for day in listed if day not in yearly and "/" not in day]
    return Holidays(
        dates=tuple(map(date.fromisoformat, single)),
        yearly=tuple((int(day[2:4]), int(day[5:7])) for day in yearly),
        ranges=tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in ranges),
    )


def _validate(told: Told | None) -> dict[str, Any]:
    try:
        is_open = read_calendar(told).is_ever_open()
    except NotConformingError as error:
        return {"valid": False, "reason": str(error)}
    return {"valid": is_open, "reason": None if is_open else "no_hours"}


def _elapsed(calendar: Calendar, asked: Told, profile: Told) -> dict[str, Any]:
    start, end = parse_instant(asked["from"]), parse_instant(asked["to"])
    sign = 1
    if end < start and (reverse := profile.get("reverse", "zero")) != "zero":
        start, end, sign = end, start, -1 if reverse == "negate" else 1
    seconds = sign * calendar.elapsed(start, end).total_seconds()
    return {"seconds": seconds + 0.0, "hours_floor": int(seconds / 3600)}


def _add(calendar: Calendar, asked: Told, profile: Told) -> dict[str, Any]:
    start, seconds = parse_instant(asked["from"]), asked["seconds"]
    if profile.get("nonpositive_target") == "error" and seconds <= 0:
        raise NotConformingError("invalid_target")
    if seconds == 0 and profile.get("zero") == "identity":
        return _at(start, calendar)
    if seconds == 0 and asked.get("direction") == "back":
        is_open = calendar.next_open(start) == start
        return _at(start if is_open else calendar.prev_close(start), calendar)
    return _at(calendar.add(start, timedelta(seconds=seconds)), calendar)


def _add_days(calendar: Calendar, asked: Told, profile: Told) -> dict[str, Any]:
    found = calendar.add_days(
        parse_instant(asked["from"]),
        asked["days"],
        is_end_of_day=asked.get("end_of_day", False),
        days_rule=profile.get("days", "biz"),
    )
    return _at(found, calendar)


def _at(found: datetime, calendar: Calendar) -> dict[str, Any]:
    local = found.astimezone(zone(calendar.timezone))
    return {"at": _text(found), "date": local.date().isoformat()}


def _edge(
    name: Literal["next_open", "next_close", "prev_close", "next_period_start"],
) -> Callable[[Calendar, Told, Told], dict[str, Any]]:
    def ask(calendar: Calendar, asked: Told, _: Told) -> dict[str, Any]:
        return {"at": _text(getattr(calendar, name)(parse_instant(asked["at"])))}

    return ask


def _in_hours(calendar: Calendar, asked: Told, profile: Told) -> dict[str, Any]:
    at = parse_instant(asked["at"])
    closes = profile.get("end_inclusive", False) and calendar.prev_close(at) == at
    return {"value": calendar.next_open(at) == at or closes}


def _periods(calendar: Calendar, asked: Told, _: Told) -> dict[str, Any]:
    found = calendar.periods(
        parse_instant(asked["from"]),
        direction="back" if asked.get("direction") == "back" else "forward",
        count=asked.get("count"),
        until=parse_instant(asked["until"]) if "until" in asked else None,
    )
    return {"periods": [[_text(begin), _text(end)] for begin, end in found]}


def _localize(_: Calendar, asked: Told, __: Told) -> dict[str, Any]:
    day = datetime.combine(date.fromisoformat(asked["date"]), time())
    local = day + timedelta(seconds=_seconds(asked["time"]))
    return {"at": _text(localize(local, zone(asked["tz"])))}


def _intersect(calendar: Calendar, asked: Told, _: Told) -> dict[str, Any]:
    """Hours common to both in the first zone; what closes either closes both."""
    other = read_calendar(asked["with"])
    mine, theirs = (_week(each) for each in (calendar, other))
    hours = {
        day: found for n, day in enumerate(WEEKDAYS) if (found := _common_day(mine, theirs, n))
    }
    by_date = dict(other.shifts)
    shifts = {
        day.isoformat(): _written(_both(spans, by_date[day]))
        for day, spans in calendar.shifts
        if day in by_date
    }
    breaks: dict[str, list[list[str]]] = {}
    for day, spans in sorted((*calendar.breaks, *other.breaks)):
        breaks.setdefault(day.isoformat(), []).extend(_clock(span) for span in spans)
    days = {*calendar.holidays.dates, *other.holidays.dates}
    yearly = {*calendar.holidays.yearly, *other.holidays.yearly}
    ranges = {*calendar.holidays.ranges, *other.holidays.ranges}
    return {
        "tz": other.timezone if calendar.is_always_open else calendar.timezone,
        "hours": hours,
        "shifts": shifts,
        "breaks": {day: sorted(spans) for day, spans in breaks.items()},
        "holidays": [
            *(day.isoformat() for day in sorted(days)),
            *(f"{a}/{b}" for a, b in sorted(ranges)),
            *(f"*-{month:02}-{day:02}" for month, day in sorted(yearly)),
        ],
    }


def _week(calendar: Calendar) -> list[Spans]:
    return [((0, _DAY),)] * 7 if calendar.is_always_open else list(calendar.hours)


def _common_day(mine: list[Spans], theirs: list[Spans], n: int) -> list[list[str]]:
    """Common hours of a day of the week, with what a night before it leaves to its morning."""
    found = _both(mine[n], theirs[n])
    for one, other in ((mine, theirs), (theirs, mine)):
        tails = [(0, end) for begin, end in one[n - 1] if end < begin]
        own = [(begin, _DAY if end < begin else end) for begin, end in other[n]]
        found += _both(tails, own)
    return _written(found)


def _both(
    mine: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    return [
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in map(_past_midnight, mine)
        for b in map(_past_midnight, theirs)
    ]


def _written(spans: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Spans in order, those that overlap or touch as one."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return [_clock(span) for span in merged]


def _past_midnight(span: tuple[int, int]) -> tuple[int, int]:
    begin, end = span
    return begin, end + _DAY if end < begin else end


def _clock(span: tuple[int, int]) -> list[str]:
    shown = [at if at <= _DAY else at - _DAY for at in span]
    return [_time_text(at) for at in shown]


def _time_text(at: int) -> str:
    text = f"{at // 3600:02}:{at % 3600 // 60:02}"
    return f"{text}:{at % 60:02}" if at % 60 else text


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_OPERATIONS: Final[Mapping[str, Callable[[Calendar, Told, Told], dict[str, Any]]]] = {
    "elapsed": _elapsed,
    "add": _add,
    "add_days": _add_days,
    "in_hours": _in_hours,
    "on_holiday": lambda calendar, asked, _: {
        "value": calendar.on_holiday(parse_instant(asked["at"]))
    },
    "on_break": lambda calendar, asked, _: {"value": calendar.on_break(parse_instant(asked["at"]))},
    "working_day": lambda calendar, asked, _: {
        "value": calendar.working_day(date.fromisoformat(asked["date"]))
    },
    "is_holiday": lambda calendar, asked, _: {
        "value": calendar.is_holiday(date.fromisoformat(asked["date"]))
    },
    "next_working_date": lambda calendar, asked, _: {
        "dates": [
            day.isoformat()
            for day in calendar.next_working_dates(
                date.fromisoformat(asked["after"]), asked["count"]
            )
        ]
    },
    "next_open": _edge("next_open"),
    "next_close": _edge("next_close"),
    "prev_close": _edge("prev_close"),
    "next_period_start": _edge("next_period_start"),
    "periods": _periods,
    "localize": _localize,
    "intersect": _intersect,
}
OPERATIONS: Final = (*_OPERATIONS, "validate")
_OF_DATES: Final = ("is_holiday", "on_holiday", "on_break", "localize", "intersect")
"""Operations that need no open hours."""
_NEVER_OPEN: Final[Mapping[str, Told]] = {
    "elapsed": {"seconds": 0.0, "hours_floor": 0},
    "in_hours": {"value": False},
    "working_day": {"value": False},
    "periods": {"periods": []},
}
"""What a calendar without open hours says; only an instant to be found in it is an error."""
