"""From what a person wrote to breakpoints: weekly hours, special days, holidays, closures.

Local days are whole days since 1970 in the calendar's zone, instants microseconds in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import DAY_US, SECOND_US, from_us, to_us
from sla_sniper.sla.compiled import CompiledCalendar, compile_spans
from sla_sniper.sla.spans import as_spans, intersect, subtract, union
from sla_sniper.sla.zones import Offsets, offsets_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar, LocalSpan
    from sla_sniper.sla.spans import Spans

    Instants = NDArray[np.int64]

FIRST_US: Final = to_us(datetime(2, 1, 2, tzinfo=UTC))
LAST_US: Final = to_us(datetime(9997, 12, 31, tzinfo=UTC))
_FIRST_YEAR: Final = 2
_LAST_YEAR: Final = 9996
_SOME_YEARS: Final = 5
# A few years are enough for most, and holidays of a country take their time.
_TRIED_YEARS: Final = ((2020, 2024), (2000, 2050))
_DAY: Final = 86_400
_DAY_ZERO: Final = date(1970, 1, 1)
_THURSDAY: Final = 3


class NoWorkingTimeError(ValueError):
    """A calendar that is never open, or not open long enough to reach an instant."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkingDays:
    """The local dates that have working time of their own.

    Attributes
    ----------
    days : ndarray of int64 of shape (n_days,)
        Days since 1970, sorted.
    opens, closes : ndarray of int64 of shape (n_days,)
        First opening and last closing of each; the closing of a night shift is on the next date.
    offsets : Offsets
        Of the calendar's zone.
    """

    days: Instants
    opens: Instants
    closes: Instants
    offsets: Offsets


@dataclass(frozen=True, slots=True, eq=False)
class _Shifts:
    """Spans of wall time and the local day that each belongs to."""

    days: Instants
    walls: Spans


def some_years(first_us: int, last_us: int) -> tuple[int, int]:
    """First and last year to compile so that two instants are covered, with a margin.

    Examples
    --------
    >>> some_years(0, 0)
    (1965, 1974)
    """
    first, last = from_us(first_us).year - 1, from_us(last_us).year + 1
    first, last = first // _SOME_YEARS * _SOME_YEARS, last // _SOME_YEARS * _SOME_YEARS
    return max(_FIRST_YEAR, first), min(_LAST_YEAR, last + _SOME_YEARS - 1)


def compiled_years(calendar: Calendar, first_us: int, last_us: int) -> CompiledCalendar:
    """Compile a calendar so that two instants are covered."""
    return _compiled(calendar, *some_years(first_us, last_us))


def working_days(calendar: Calendar, first_us: int, last_us: int) -> WorkingDays:
    """Find the working days around two instants."""
    return _working(calendar, *some_years(first_us, last_us))


def break_spans(calendar: Calendar, first_us: int, last_us: int) -> Spans:
    """Spans in which a calendar has breaks, around two instants, in any order."""
    years = some_years(first_us, last_us)
    offsets = _offsets(calendar, *years)
    found = _real(_joined(_dated(calendar.breaks, _days(*years))), offsets)
    return offsets.to_utc(found.walls)


def days_since_1970(day: date) -> int:
    """Whole days from 1970-01-01 to a date."""
    return (day - _DAY_ZERO).days


def date_of(days: int) -> date:
    """Date of whole days since 1970; the inverse of `days_since_1970`."""
    return _DAY_ZERO + timedelta(days=days)


@lru_cache(maxsize=256)
def is_ever_open(calendar: Calendar) -> bool:
    """Whether any time at all is open from 2000 to 2050."""
    return any(len(_open_spans(calendar, *years)) for years in _TRIED_YEARS)


@lru_cache(maxsize=256)
def _compiled(calendar: Calendar, first_year: int, last_year: int) -> CompiledCalendar:
    spans = _open_spans(calendar, first_year, last_year)
    if not len(spans) and not is_ever_open(calendar):
        raise NoWorkingTimeError(f"Calendar {calendar.name!r} is never open.")
    midnights = _days(first_year, last_year)[[0, -1]] + np.array([0, 1])
    first, last = _offsets(calendar, first_year, last_year).to_utc(midnights * DAY_US)
    return compile_spans(spans, (int(first), int(last)))


def _open_spans(calendar: Calendar, first_year: int, last_year: int) -> Spans:
    if calendar.is_simply_always_open:
        return as_spans([(FIRST_US, LAST_US)])
    days = _days(first_year, last_year)
    offsets = _offsets(calendar, first_year, last_year)
    if calendar.all_of:
        parts = (_open_spans(part, first_year, last_year) for part in calendar.all_of)
        spans = reduce(intersect, parts)
    else:
        spans = union(offsets.to_utc(_own(calendar, days, offsets).walls))
    return subtract(spans, _closed(calendar, days, offsets))


@lru_cache(maxsize=64)
def _working(calendar: Calendar, first_year: int, last_year: int) -> WorkingDays:
    days = _days(first_year, last_year)
    offsets = _offsets(calendar, first_year, last_year)
    own = _whole(days, offsets) if calendar.all_of else _own(calendar, days, offsets)
    spans = offsets.to_utc(own.walls)
    compiled = _compiled(calendar, first_year, last_year)
    since, until = compiled.open_until(spans[:, 0]), compiled.open_until(spans[:, 1])
    holidays = _day_numbers(
        calendar.holidays.between(date_of(int(days[0])), date_of(int(days[-1])))
    )
    works = (until > since) & ~np.isin(own.days, holidays)
    found, group = np.unique(own.days[works], return_inverse=True)
    opens, closes = np.full(len(found), LAST_US), np.full(len(found), FIRST_US)
    np.minimum.at(opens, group, compiled.next_open(spans[works, 0]))
    np.maximum.at(closes, group, compiled.prev_close(spans[works, 1]))
    return WorkingDays(found, opens, closes, offsets)


def _own(calendar: Calendar, days: Instants, offsets: Offsets) -> _Shifts:
    """Open spans of the calendar's own hours, by the day that each starts on."""
    versions = _day_numbers(day for day, _ in calendar.versions)
    version = np.searchsorted(versions, days, side="right")
    weekday = (days + _THURSDAY) % 7
    special = np.isin(days, _day_numbers(day for day, _ in calendar.shifts))
    plain = [calendar.weekly_hours, *(hours for _, hours in calendar.versions)]
    parts = [
        _at(days[(version == n) & (weekday == d) & ~special], span)
        for n, hours in enumerate(plain)
        for d, spans in enumerate(hours)
        for span in spans
    ]
    parts += _dated(calendar.shifts, days)
    return _real(_joined(parts), offsets)


def _closed(calendar: Calendar, days: Instants, offsets: Offsets) -> Spans:
    """Instants at which holidays, breaks and closures leave a calendar closed, sorted."""
    first, last = date_of(int(days[0])), date_of(int(days[-1]))
    holidays = _at(_day_numbers(calendar.holidays.between(first, last)), (0, _DAY))
    closed = _real(_joined([holidays, *_dated(calendar.breaks, days)]), offsets)
    between = as_spans([(to_us(start), to_us(end)) for start, end in calendar.closures])
    return union(np.concatenate([offsets.to_utc(closed.walls), between]))


def _dated(table: Iterable[tuple[date, tuple[LocalSpan, ...]]], days: Instants) -> list[_Shifts]:
    numbered = ((days_since_1970(day), spans) for day, spans in table)
    return [
        _at(np.array([day]), span)
        for day, spans in numbered
        if days[0] <= day <= days[-1]
        for span in spans
    ]


def _at(days: Instants, span: LocalSpan) -> _Shifts:
    start, end = span
    seconds = np.array([start, end if end >= start else end + _DAY])
    return _Shifts(days, days[:, np.newaxis] * DAY_US + seconds * SECOND_US)


def _joined(parts: list[_Shifts]) -> _Shifts:
    if not parts:
        return _Shifts(_day_numbers([]), as_spans([]))
    return _Shifts(
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.walls for part in parts]),
    )


def _real(shifts: _Shifts, offsets: Offsets) -> _Shifts:
    """Leave out days a zone never had: Samoa went from 29 to 31 December 2011."""
    midnights = offsets.to_utc(np.stack([shifts.days, shifts.days + 1]) * DAY_US)
    exists = midnights[0] < midnights[1]
    return _Shifts(shifts.days[exists], shifts.walls[exists])


def _whole(days: Instants, offsets: Offsets) -> _Shifts:
    return _real(_at(days, (0, _DAY)), offsets)


def _days(first_year: int, last_year: int) -> Instants:
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    return np.arange(days_since_1970(first), days_since_1970(last) + 1)


def _day_numbers(days: Iterable[date]) -> Instants:
    return np.array([days_since_1970(day) for day in days], dtype=np.int64)


def _offsets(calendar: Calendar, first_year: int, last_year: int) -> Offsets:
    return offsets_between(calendar.timezone, first_year, last_year)
