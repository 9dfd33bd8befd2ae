"""Business calendars, compiled to breakpoints so that one ticket and ten million are equal.

A `Calendar` is what a person wrote: weekly hours in a zone, holidays. Compiled, it is sorted
UTC openings and closings and the open time accumulated before each. That makes one monotone
function, open time up to an instant, and its inverse; elapsed time and deadlines are two
binary searches. Daylight saving needs no special case: it is in the breakpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from sla_sniper.core.instants import DAY_US, from_us, localize, to_us, zone

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from numpy.typing import ArrayLike, NDArray

    Instants = NDArray[np.int64]

WEEKDAYS: Final[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]] = (
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
)
_YEARS_AHEAD: Final = 400


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days on which a calendar is closed.

    Attributes
    ----------
    country, subdivision : str
        As the `holidays` package names them; empty for none.
    dates : tuple of date
        Single local dates.
    yearly : tuple of (month, day)
        Closed every year.
    ranges : tuple of (date, date)
        First and last date, both closed.

    Examples
    --------
    >>> Holidays(yearly=((12, 25),)).between(date(2025, 12, 1), date(2025, 12, 31))
    (datetime.date(2025, 12, 25),)
    """

    country: str = ""
    subdivision: str = ""
    dates: tuple[date, ...] = ()
    yearly: tuple[tuple[int, int], ...] = ()
    ranges: tuple[tuple[date, date], ...] = ()

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """Every holiday from `first` to `last`, both included, in order."""
        found = set(self.dates) | self._by_country(first.year, last.year)
        for year in range(first.year, last.year + 1):
            found |= {date(year, m, d) for m, d in self.yearly if _exists(year, m, d)}
        for start, end in self.ranges:
            found |= set(_dates(max(start, first), min(end, last)))
        return tuple(sorted(day for day in found if first <= day <= last))

    def _by_country(self, first_year: int, last_year: int) -> set[date]:
        if not self.country:
            return set()
        # A heavy import that most calendars do not need.
        from holidays import country_holidays  # noqa: PLC0415

        # Observed days may belong to a neighbouring year.
        years = range(first_year - 1, last_year + 2)
        return set(country_holidays(self.country, subdiv=self.subdivision or None, years=years))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Weekly open hours in a zone, with holidays.

    Without it a deadline is a guess: 40 hours that start on a Friday end on the next Friday,
    not on Sunday.

    Attributes
    ----------
    name : str
        As `sla.toml` calls it.
    timezone : str
        IANA zone of all local times.
    hours : tuple of 7 tuples of (int, int)
        For Monday to Sunday the open spans, in seconds of local time since midnight. An end
        at or before the start runs past midnight and belongs to the day it starts on;
        overlapping spans count once; 86400 is the end of the day.
    holidays : Holidays
        Each closes its own local date from 00:00 to 24:00, also the tail of a night shift.
    is_always_open : bool
        24 hours, 7 days; `hours` and `holidays` do not matter then.

    Examples
    --------
    >>> office = Calendar("office", "Europe/Berlin", ((((9 * 3600), (17 * 3600)),),) * 5 + ((), ()))
    >>> friday = datetime(2024, 3, 29, 15, 0, tzinfo=UTC)  # the clocks change on Sunday
    >>> office.add(friday, timedelta(hours=2)).isoformat()
    '2024-04-01T08:00:00+00:00'
    """

    name: str
    timezone: str = "UTC"
    hours: tuple[tuple[tuple[int, int], ...], ...] = ((),) * 7
    holidays: Holidays = Holidays()
    is_always_open: bool = False

    def compiled(self, first_us: int, last_us: int) -> CompiledCalendar:
        """Compile so that `first_us` to `last_us` (microseconds since 1970) are covered."""
        first, last = from_us(first_us).year - 1, from_us(last_us).year + 1
        return _compile(self, max(1, first), min(9998, last))

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time between two instants; zero where `end` is before `start`."""
        a, b = to_us(start), max(to_us(start), to_us(end))
        spent = self.compiled(a, b).open_until([a, b])
        return timedelta(microseconds=int(spent[1] - spent[0]))

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Instant at which `duration` of open time after `start` is used up.

        The closing instant itself may be the answer; adding nothing outside hours gives the
        next opening. A negative duration counts back; then an opening may be the answer.

        Raises
        ------
        ValueError
            If the calendar is not open long enough within 400 years.
        """
        amount = duration // timedelta(microseconds=1)
        if amount < 0:
            return from_us(self._back_us(to_us(start), -amount))
        us = self.add_us(np.array([to_us(start)]), np.array([amount]))
        return from_us(int(us[0]))

    def add_us(self, start: Instants, duration: Instants) -> Instants:
        """Vectorised `add`: both of shape (n,), microseconds; returns instants of shape (n,)."""
        if not len(start):
            return start.astype(np.int64)
        first, last = int(start.min()), int(start.max())
        years = 2
        while True:
            compiled = self.compiled(first, min(last + years * 366 * DAY_US, _LAST_US))
            wanted = compiled.open_until(start) + duration
            if int(wanted.max()) <= compiled.total or years > _YEARS_AHEAD:
                return compiled.instant(wanted, start=start)
            years *= 2

    def _back_us(self, end: int, amount: int) -> int:
        years = 2
        while True:
            compiled = self.compiled(max(end - years * 366 * DAY_US, _FIRST_US), end)
            wanted = int(compiled.open_until(end)) - amount
            if wanted >= 0 or years > _YEARS_AHEAD:
                return compiled.latest(wanted)
            years *= 2

    def is_ever_open(self) -> bool:
        """Whether any time at all is open from 2000 to 2050."""
        try:
            _compile(self, 2000, 2050)
        except ValueError:
            return False
        return True

    def opens_on(self, day: date) -> bool:
        """Whether any time is open on a local date."""
        start, end = self._local(day), self._local(day + timedelta(days=1))
        return self.elapsed(start, end) > timedelta(0)

    def _local(self, day: date) -> datetime:
        return localize(datetime.combine(day, time()), zone(self.timezone))


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCalendar:
    """Openings, closings and the open time before each opening, in microseconds.

    Attributes
    ----------
    opens, closes, before : ndarray of int64 of shape (n_stretches,)
        Disjoint and sorted; `before[i]` is the open time before `opens[i]`.
    total : int
        Open time from the first opening to the last closing.
    """

    opens: Instants
    closes: Instants
    before: Instants
    total: int

    def open_until(self, at: ArrayLike) -> Instants:
        """Open time up to each instant: monotone, exact, of the shape of `at`."""
        us = np.asarray(at, dtype=np.int64)
        i = np.searchsorted(self.opens, us, side="right") - 1
        inside = np.minimum(us, self.closes[i]) - self.opens[i]
        return np.where(i < 0, np.int64(0), self.before[i] + inside)

    def instant(self, open_time: Instants, *, start: Instants | None = None) -> Instants:
        """First instant at which `open_time` has passed; the inverse of `open_until`.

        Where `start` is given and nothing is added to it, the answer is the next opening
        rather than the last closing.
        """
        if len(open_time) and int(open_time.max()) > self.total:
            raise ValueError("The calendar is not open long enough to reach this deadline.")
        after = self.before + (self.closes - self.opens)
        i = np.searchsorted(after, open_time, side="left")
        found = self.opens[i] + (open_time - self.before[i])
        if start is None:
            return found
        return np.where(open_time == self.open_until(start), self.next_open(start), found)

    def latest(self, open_time: int) -> int:
        """Last instant at which no more than `open_time` has passed and it is open."""
        if open_time < 0:
            raise ValueError("The calendar was not open long enough to count back that far.")
        i = int(np.searchsorted(self.before, open_time, side="right")) - 1
        return int(self.opens[i]) + open_time - int(self.before[i])

    def is_open(self, at: ArrayLike) -> NDArray[np.bool_]:
        """Whether each instant is in hours; the closing instant is not."""
        us = np.asarray(at, dtype=np.int64)
        i = np.searchsorted(self.opens, us, side="right") - 1
        return np.asarray((i >= 0) & (us < self.closes[i]))

    def next_open(self, at: ArrayLike) -> Instants:
        """Each instant itself where open, else the next opening."""
        us = np.asarray(at, dtype=np.int64)
        i = np.minimum(np.searchsorted(self.opens, us, side="left"), len(self.opens) - 1)
        return np.where(self.is_open(us), us, self.opens[i])


_FIRST_US: Final = to_us(datetime(1, 1, 2, tzinfo=UTC))
_LAST_US: Final = to_us(datetime(9997, 12, 31, tzinfo=UTC))


@lru_cache(maxsize=64)
def _compile(calendar: Calendar, first_year: int, last_year: int) -> CompiledCalendar:
    if calendar.is_always_open:
        return _stretches(np.array([[_FIRST_US, _LAST_US]], dtype=np.int64))
    tz = zone(calendar.timezone)
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    spans = _union(_weekly(calendar.hours, tz, _dates(first, last)))
    closed = [_day(day, tz) for day in calendar.holidays.between(first, last)]
    spans = _subtract(spans, _union(np.array(closed, dtype=np.int64).reshape(-1, 2)))
    if not len(spans):
        raise ValueError(f"Calendar {calendar.name!r} is never open.")
    return _stretches(spans)


def _stretches(spans: NDArray[np.int64]) -> CompiledCalendar:
    lengths = spans[:, 1] - spans[:, 0]
    ends = np.cumsum(lengths)
    return CompiledCalendar(spans[:, 0].copy(), spans[:, 1].copy(), ends - lengths, int(ends[-1]))


def _weekly(
    hours: tuple[tuple[tuple[int, int], ...], ...], tz: ZoneInfo, days: Iterable[date]
) -> NDArray[np.int64]:
    spans = [
        (_at(day, start, tz), _at(day, end if end > start else end + 86_400, tz))
        for day in days
        for start, end in hours[day.weekday()]
        if _exists_in(day, tz)
    ]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def _at(day: date, seconds: int, tz: ZoneInfo) -> int:
    days, rest = divmod(seconds, 86_400)
    wall = datetime.combine(day + timedelta(days=days), time()) + timedelta(seconds=rest)
    return to_us(localize(wall, tz))


def _day(day: date, tz: ZoneInfo) -> tuple[int, int]:
    return _at(day, 0, tz), _at(day, 86_400, tz)


def _exists_in(day: date, tz: ZoneInfo) -> bool:
    """Whether a zone has the date: Samoa, for one, went from 29 to 31 December 2011."""
    start, end = _day(day, tz)
    return start < end


def _union(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge overlapping and touching spans of shape (n, 2); empty ones vanish."""
    spans = spans[spans[:, 1] > spans[:, 0]]
    if not len(spans):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    starts = np.r_[True, spans[1:, 0] > reach[:-1]]
    return np.column_stack([spans[starts, 0], reach[np.r_[starts[1:], True]]])


def _subtract(spans: NDArray[np.int64], closed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take disjoint sorted `closed` spans out of disjoint sorted `spans`, both (n, 2)."""
    if not len(closed) or not len(spans):
        return spans
    cuts = np.unique(np.r_[spans.ravel(), closed.ravel()])
    pieces = np.column_stack([cuts[:-1], cuts[1:]])
    return _union(pieces[_within(pieces, spans) & ~_within(pieces, closed)])


def _within(pieces: NDArray[np.int64], spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    i = np.searchsorted(spans[:, 0], pieces[:, 0], side="right") - 1
    return np.asarray((i >= 0) & (pieces[:, 0] < spans[i, 1]))


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
