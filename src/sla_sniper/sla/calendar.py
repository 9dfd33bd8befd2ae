"""Business calendars, compiled to breakpoints so that one ticket and ten million are equal.

A `Calendar` is what a person wrote: weekly hours in a zone, special days, holidays. Compiled, it is
sorted UTC openings and closings and the open time accumulated before each. That makes one monotone
function, open time up to an instant, and its inverse; elapsed time and deadlines are two look-ups.
Daylight saving needs no special case: it is in the breakpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from sla_sniper.core.instants import MICROSECOND, from_us, localize, to_us, zone
from sla_sniper.sla.compiled import CompiledCalendar
from sla_sniper.sla.compiling import (
    FIRST_US,
    LAST_US,
    NoWorkingTimeError,
    break_spans,
    compiled_years,
    date_of,
    days_since_1970,
    is_ever_open,
    working_days,
)
from sla_sniper.sla.day_counts import DayCount, DaysRule, count_days
from sla_sniper.sla.holidays import Holidays
from sla_sniper.sla.reaching import reaching, widening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    Instants = NDArray[np.int64]

__all__ = ["WEEKDAYS", "Calendar", "CompiledCalendar", "Holidays", "NoWorkingTimeError"]

LocalSpan: TypeAlias = tuple[int, int]
"""Open or closed span, in seconds of local time since midnight."""
WeeklyHours: TypeAlias = tuple[tuple[LocalSpan, ...], ...]
"""Open spans of Monday to Sunday."""
DatedSpans: TypeAlias = tuple[tuple[date, tuple[LocalSpan, ...]], ...]
"""Spans of single local dates."""
Boundary: TypeAlias = Literal["close", "next_open"]
Direction: TypeAlias = Literal["forward", "back"]
Edge: TypeAlias = Literal["next_open", "next_close", "prev_open", "prev_close", "next_period_start"]

WEEKDAYS: Final[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]] = (
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
)
_NO_HOLIDAYS: Final = Holidays()
_WHOLE_DAYS: Final[WeeklyHours] = (((0, 86_400),),) * 7
_EDGES: Final[Mapping[Edge, Callable[[CompiledCalendar, Instants], Instants]]] = {
    "next_open": CompiledCalendar.next_open,
    "next_close": CompiledCalendar.next_close,
    "prev_open": CompiledCalendar.prev_open,
    "prev_close": CompiledCalendar.prev_close,
    "next_period_start": CompiledCalendar.next_period_start,
}
_DIRECTIONS: Final[Mapping[Direction, tuple[int, int]]] = {
    "forward": (1, LAST_US),
    "back": (-1, FIRST_US),
}
_NEVER: Final[Mapping[Edge, int]] = {"next_close": LAST_US, "prev_open": FIRST_US}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Open hours in a zone: by the week, by the date, and what is closed.

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
        before the start runs past midnight and belongs to the day it starts on, an equal one is
        nothing; overlapping spans count once; 86400 is the end of the day.
    holidays : Holidays
        Each closes its own local date from 00:00 to 24:00, also the tail of a night shift and
        hours that `shifts` gives it.
    is_always_open : bool
        24 hours, 7 days instead of `hours`; the rest still counts.
    shifts : tuple of (date, spans)
        Local dates that have these hours instead of the weekly ones; none for closed.
    breaks : tuple of (date, spans)
        Closed parts of local dates.
    closures : tuple of (datetime, datetime)
        Closed between two aware instants.
    versions : tuple of (date, hours)
        Other weekly hours from a local date on, in order; earlier dates keep the earlier ones.
    boundary : {"close", "next_open"}
        Whether a deadline may be the closing instant, or moves to the next opening.
    all_of : tuple of Calendar
        Open where all of these are, instead of own hours; their zones may differ.

    Examples
    --------
    >>> from datetime import UTC
    >>> office = Calendar("office", "Europe/Berlin", ((((9 * 3600), (17 * 3600)),),) * 5 + ((), ()))
    >>> friday = datetime(2024, 3, 29, 15, 0, tzinfo=UTC)  # the clocks change on Sunday
    >>> office.add(friday, timedelta(hours=2)).isoformat()
    '2024-04-01T08:00:00+00:00'
    >>> office.add_days(friday, 1).isoformat()
    '2024-04-01T14:00:00+00:00'
    """

    name: str
    timezone: str = "UTC"
    hours: WeeklyHours = ((),) * 7
    holidays: Holidays = _NO_HOLIDAYS
    is_always_open: bool = False
    shifts: DatedSpans = ()
    breaks: DatedSpans = ()
    closures: tuple[tuple[datetime, datetime], ...] = ()
    versions: tuple[tuple[date, WeeklyHours], ...] = ()
    boundary: Boundary = "close"
    all_of: tuple[Calendar, ...] = ()

    def __hash__(self) -> int:
        # Cheap: hundreds of holidays would be hashed on every look into a cache.
        return hash((self.name, self.timezone, self.hours))

    def __and__(self, other: Calendar) -> Calendar:
        """Open where both are, with the zone and the boundary of the first."""
        name = f"{self.name} & {other.name}"
        return Calendar(name, self.timezone, boundary=self.boundary, all_of=(self, other))

    @property
    def weekly_hours(self) -> WeeklyHours:
        """Open spans of Monday to Sunday, also where it is always open."""
        return _WHOLE_DAYS if self.is_always_open else self.hours

    @property
    def is_simply_always_open(self) -> bool:
        """Whether it is open without any exception."""
        exceptions = (self.shifts, self.breaks, self.closures, self.versions, self.all_of)
        return self.is_always_open and self.holidays == _NO_HOLIDAYS and not any(exceptions)

    def compiled(self, first_us: int, last_us: int) -> CompiledCalendar:
        """Compile so that `first_us` to `last_us` (microseconds since 1970) are covered.

        Raises
        ------
        NoWorkingTimeError
            If it is never open.
        """
        return compiled_years(self, first_us, last_us)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time between two instants; zero where `end` is before `start`."""
        a, b = to_us(start), max(to_us(start), to_us(end))
        spent = self.compiled(a, b).open_until([a, b])
        return timedelta(microseconds=int(spent[1] - spent[0]))

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Instant at which `duration` of open time after `start` is used up.

        With boundary ``close``, the closing instant itself may be the answer. Adding nothing
        outside hours gives the next opening. A negative duration counts back; then an opening may
        be the answer.

        Raises
        ------
        NoWorkingTimeError
            If the calendar is not open long enough within 400 years.
        """
        amount = np.array([duration // MICROSECOND])
        return from_us(int(self.settled(self.add_us(_one(start), amount))[0]))

    def add_us(self, start: Instants, duration: Instants) -> Instants:
        """Vectorised `add` with boundary ``close``: both of shape (n,), in microseconds.

        Use `settled` on the answer for the boundary of the calendar.

        Raises
        ------
        NoWorkingTimeError
            If the calendar is not open long enough within 400 years.
        """

        def reach(first: int, last: int) -> Instants:
            compiled = self.compiled(first, last)
            passed = compiled.open_until(start) + duration
            due = compiled.instant(passed)
            back = duration <= 0
            if back.any():
                due[back] = compiled.latest(passed[back])
            return due

        return reaching(start, reach)

    def settled(self, at: Instants) -> Instants:
        """Move deadlines (n,) that are not in hours to the next opening, if `boundary` says so."""
        return at if self.boundary == "close" else self.edge_us(at, "next_open")

    def edge_us(self, at: Instants, edge: Edge) -> Instants:
        """Vectorised `next_open` and so on: instants of shape (n,), in microseconds.

        Raises
        ------
        NoWorkingTimeError
            If there is none within 400 years; a desk that never closes does so in 9997.
        """
        return reaching(at, lambda *span: _EDGES[edge](self.compiled(*span), at), _NEVER.get(edge))

    def next_open(self, at: datetime) -> datetime:
        """`at` itself where open, else the next opening."""
        return self._edge(at, "next_open")

    def next_close(self, at: datetime) -> datetime:
        """End of the running, or else of the next, open stretch; the year 9997 for never."""
        return self._edge(at, "next_close")

    def prev_open(self, at: datetime) -> datetime:
        """Last opening before `at`."""
        return self._edge(at, "prev_open")

    def prev_close(self, at: datetime) -> datetime:
        """`at` itself where it was open just before, else the last closing."""
        return self._edge(at, "prev_close")

    def next_period_start(self, at: datetime) -> datetime:
        """First opening after `at`."""
        return self._edge(at, "next_period_start")

    def periods(
        self,
        start: datetime,
        *,
        direction: Direction = "forward",
        count: int | None = None,
        until: datetime | None = None,
    ) -> list[tuple[datetime, datetime]]:
        """Open stretches from `start` on, or back from it, cut there and at `until`.

        Parameters
        ----------
        count : int, optional
            How many; without it, all up to `until`. Fewer where there are not so many within 400
            years; one that never closes does so in 9997.
        until : datetime, optional
            Where to end, after `start`, or before it going back.

        Raises
        ------
        ValueError
            If neither is given.
        """
        if count is None and until is None:
            raise ValueError("Open periods need a count or an end.")
        at, (step, never) = to_us(start), _DIRECTIONS[direction]
        ends = sorted((at, to_us(until) if until else never))
        for span in [ends] if until else widening(at, at):
            stretches = self.compiled(*span).between(*ends)[::step]
            # One more than asked for: the last one may go on beyond what was compiled.
            if count is not None and len(stretches) > count:
                break
        return [(from_us(a), from_us(b)) for a, b in stretches[:count].tolist()]

    def add_days(
        self,
        start: datetime,
        days: int,
        *,
        is_end_of_day: bool = False,
        days_rule: DaysRule = "biz",
    ) -> datetime:
        """Instant that many working days after `start`; see `add_days_us`."""
        found = self.add_days_us(
            _one(start), days, is_end_of_day=is_end_of_day, days_rule=days_rule
        )
        return from_us(int(found[0]))

    def add_days_us(
        self,
        start: Instants,
        days: ArrayLike,
        *,
        is_end_of_day: bool = False,
        days_rule: DaysRule = "biz",
    ) -> Instants:
        """Count working days from each instant; negative ones count back.

        Parameters
        ----------
        start : ndarray of int64 of shape (n,)
            Microseconds since 1970.
        days : int or array of int of shape (n,)
            How many working days: local dates that have working time of their own.
        is_end_of_day : bool
            The last closing of that day; for no days, of the first one not yet over.
        days_rule : {"biz", "keep", "business_time", "working_hours"}
            The same time of day on the n-th working day; ``biz`` then moves it into hours.
            ``business_time`` and ``working_hours`` first go from a closed day to the next working
            one (back: the last one), ``business_time`` to its opening, and into hours afterwards.

        Returns
        -------
        instants : ndarray of int64 of shape (n,)

        Raises
        ------
        NoWorkingTimeError
            If there are not so many within 400 years.
        """
        wanted = np.broadcast_to(days, start.shape)
        return reaching(
            start,
            lambda *span: count_days(
                self.compiled(*span),
                working_days(self, *span),
                DayCount(start, wanted, is_end_of_day, days_rule),
            ),
        )

    def is_ever_open(self) -> bool:
        """Whether any time at all is open from 2000 to 2050."""
        return is_ever_open(self)

    def opens_on(self, day: date) -> bool:
        """Whether any time is open on a local date."""
        start, end = (self.localize(each, time()) for each in (day, day + timedelta(days=1)))
        return self.elapsed(start, end) > timedelta(0)

    def working_day(self, day: date) -> bool:
        """Whether a local date has working time of its own: not only the tail of a night shift."""
        at = to_us(self.localize(day, time()))
        return bool(np.isin(days_since_1970(day), working_days(self, at, at).days))

    def next_working_dates(self, after: date, count: int) -> tuple[date, ...]:
        """The first `count` working days after a local date.

        Raises
        ------
        NoWorkingTimeError
            If there are not so many within 400 years.
        """
        at = to_us(self.localize(after, time()))
        for span in widening(at, at):
            days = working_days(self, *span).days
            found = days[days > days_since_1970(after)][:count]
            if len(found) == count:
                return tuple(map(date_of, found.tolist()))
        raise NoWorkingTimeError(f"Calendar {self.name!r} has not so many working days.")

    def is_holiday(self, day: date) -> bool:
        """Whether a local date is a holiday, of any of the calendars it is made of."""
        parts = any(part.is_holiday(day) for part in self.all_of)
        return parts or bool(self.holidays.between(day, day))

    def on_holiday(self, at: datetime) -> bool:
        """Whether an instant falls on a holiday, of any of the calendars it is made of."""
        parts = any(part.on_holiday(at) for part in self.all_of)
        local = at.astimezone(zone(self.timezone)).date()
        return parts or bool(self.holidays.between(local, local))

    def on_break(self, at: datetime) -> bool:
        """Whether an instant falls in a break, of any of the calendars it is made of."""
        parts = any(part.on_break(at) for part in self.all_of)
        us = to_us(at)
        spans = break_spans(self, us, us)
        return parts or bool(((spans[:, 0] <= us) & (us < spans[:, 1])).any())

    def localize(self, day: date, at: time) -> datetime:
        """Instant of a local date and time: a missing one moves forward, of two it is the first."""
        return localize(datetime.combine(day, at), zone(self.timezone))

    def _edge(self, at: datetime, edge: Edge) -> datetime:
        return from_us(int(self.edge_us(_one(at), edge)[0]))


def _one(at: datetime) -> Instants:
    return np.array([to_us(at)])
