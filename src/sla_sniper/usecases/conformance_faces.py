"""Vectors of peers that count the clock face, told so that our clock, which counts time, agrees.

With ``clock: wall`` every instant becomes what a clock on the wall shows, in a zone whose clocks
never change, and answers go back. With ``dst: member`` time is open where the clock face says so:
an hour that comes twice is open twice, one that is left out not at all.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sla_sniper.core.instants import localize, parse_instant, zone
from sla_sniper.sla.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from sla_sniper.sla.calendar import LocalSpan

    Told = Mapping[str, Any]

TIMED: Final = ("elapsed", "add", "deadline", "ticket")
"""Operations that count time; all others only look at the calendar."""
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d(:\d\d)?)")
_FIRST, _LAST = date(2000, 1, 1), date(2050, 1, 1)
_DAY: Final = 86_400


def on_the_wall(vector: Told) -> dict[str, Any]:
    """Tell a vector by the clock on the wall, in a zone whose clocks never change."""
    timezone = zone(vector["calendar"]["tz"])
    return {**vector, **_told({k: vector[k] for k in ("calendar", "input")}, timezone)}


def off_the_wall(actual: Any, vector: Told) -> Any:  # noqa: ANN401 - what JSON holds
    """Read instants of an answer back from the clock face.

    Of a time that comes twice it is the first one that is not before the clock started.
    """
    given = vector["input"]
    is_back = given.get("seconds", 0) < 0
    started = given.get("start", given.get("from")) or given["events"][0]["at"]
    return _read(actual, zone(vector["calendar"]["tz"]), None if is_back else started)


def _told(value: Any, timezone: ZoneInfo) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, dict):
        told = {key: _told(each, timezone) for key, each in value.items()}
        return told | {"tz": "UTC"} if "tz" in told else told
    if isinstance(value, list):
        return [_told(each, timezone) for each in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return parse_instant(value).astimezone(timezone).replace(tzinfo=UTC).isoformat()
    return value


def _read(value: Any, timezone: ZoneInfo, started: str | None) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _read(each, timezone, started) for key, each in value.items()}
    if isinstance(value, list):
        return [_read(each, timezone, started) for each in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        naive = parse_instant(value).replace(tzinfo=None)
        found = localize(naive, timezone)
        if started is not None and found < parse_instant(started):
            found = naive.replace(tzinfo=timezone, fold=1).astimezone(UTC)
        return found.isoformat().replace("+00:00", "Z")
    return value


class _Change(NamedTuple):
    """Where clocks change: the faces shown once too seldom or too often, and when they are."""

    day: date
    face: LocalSpan
    shown_at: tuple[datetime, ...]


def by_member(calendar: Calendar) -> Calendar:
    """Open what the clock face says, around each change of the clocks from 2000 to 2049."""
    if calendar.is_always_open:
        return calendar
    shifts, closures = dict(calendar.shifts), list(calendar.closures)
    for change in _changes(calendar.timezone):
        own, tails = (_spans(calendar, change.day - timedelta(days=n)) for n in (0, 1))
        begin, end = change.face
        shown = [*own, *((a - _DAY, b - _DAY) for a, b in tails)]
        member = sorted((max(a, begin), min(b, end)) for a, b in shown if a < end and begin < b)
        if member:
            shifts[change.day] = (*_written(own), change.face)
        for gap in _gaps(member, change.face):
            spans = [
                tuple(at + timedelta(seconds=edge - begin) for edge in gap)
                for at in change.shown_at
            ]
            closures += [(span[0], span[1]) for span in spans]
    return replace(calendar, shifts=tuple(sorted(shifts.items())), closures=tuple(closures))


def _spans(calendar: Calendar, day: date) -> list[LocalSpan]:
    """Open spans that begin on a date, in seconds since its midnight; ends may be past it."""
    told = dict(calendar.shifts).get(day, calendar.hours[day.weekday()])
    return [(begin, end + _DAY if end < begin else end) for begin, end in told]


def _written(spans: list[LocalSpan]) -> list[LocalSpan]:
    return [(begin, end if end <= _DAY else end - _DAY) for begin, end in spans]


def _gaps(spans: list[LocalSpan], whole: LocalSpan) -> Iterator[LocalSpan]:
    """Parts of a span that others leave free."""
    at, end = whole
    for begin, until in spans:
        if begin > at:
            yield at, begin
        at = max(at, until)
    if at < end:
        yield at, end


@lru_cache
def _changes(timezone: str) -> tuple[_Change, ...]:
    local = zone(timezone)
    found = []
    for n in range((_LAST - _FIRST).days):
        begin = datetime.combine(_FIRST + timedelta(days=n), time(), tzinfo=UTC)
        before, after = (_offset(begin + timedelta(days=k), local) for k in (0, 1))
        if before != after:
            found.append(_change(_moment(begin, local), local))
    return tuple(found)


def _offset(at: datetime, local: ZoneInfo) -> timedelta:
    return at.astimezone(local).utcoffset() or timedelta()


def _moment(begin: datetime, local: ZoneInfo) -> datetime:
    """First second of a day in UTC at which the offset is another one than at its beginning."""
    low, high = 0, _DAY
    while high - low > 1:
        middle = (low + high) // 2
        is_same = _offset(begin + timedelta(seconds=middle), local) == _offset(begin, local)
        low, high = (middle, high) if is_same else (low, middle)
    return begin + timedelta(seconds=high)


def _change(at: datetime, local: ZoneInfo) -> _Change:
    step = _offset(at, local) - _offset(at - timedelta(seconds=1), local)
    face = at.astimezone(local).replace(tzinfo=None)
    begin = face - datetime.combine(face.date(), time())
    span = (round(begin.total_seconds()), round((begin + abs(step)).total_seconds()))
    is_twice = step < timedelta()
    return _Change(face.date(), span, (at + step, at) if is_twice else (at,))
