"""A slow, obvious calendar: every minute of some weeks, open or closed, painted one span at a time.

Written from the conformance README with the standard library's datetimes; every instant is a whole
minute. `random_calendars` draws calendars whose special days lie inside those weeks.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from sla_sniper.sla.calendar import Calendar, Holidays

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
N_DAYS = 18
MARGIN = 4 * DAY

# The weeks in which each zone changes its clocks, or even its date.
WINDOWS = {
    "UTC": date(2024, 2, 20),
    "Africa/Casablanca": date(2024, 3, 2),
    "America/New_York": date(2024, 10, 26),
    "America/Sao_Paulo": date(2018, 10, 27),
    "America/St_Johns": date(2011, 10, 30),
    "Antarctica/Troll": date(2024, 3, 23),
    "Asia/Kathmandu": date(2023, 12, 22),
    "Australia/Lord_Howe": date(2024, 3, 30),
    "Europe/Berlin": date(2024, 3, 22),
    "Pacific/Apia": date(2011, 12, 22),
}


class Twin:
    """A calendar as minutes from some days before `first` to some days after it."""

    def __init__(self, calendar: Calendar, first: date) -> None:
        self.calendar, self.first = calendar, first
        self.tz = ZoneInfo(calendar.timezone)
        self.zero = datetime.combine(first, time(), UTC) - MARGIN
        self.minutes = bytearray((N_DAYS * DAY + 2 * MARGIN) // MINUTE)
        self.days = [first + n * DAY for n in range(-6, N_DAYS + 6)]
        if calendar.all_of:
            parts = [Twin(part, first).minutes for part in calendar.all_of]
            self.minutes = bytearray(min(flags) for flags in zip(*parts, strict=True))
        else:
            for day in self.days:
                for span in self.hours(day):
                    self._paint(day, span, is_open=True)
        self._close()

    def hours(self, day: date) -> tuple[tuple[int, int], ...]:
        """Spans that start on a date, without what closes them."""
        shifts = dict(self.calendar.shifts)
        if day in shifts:
            return shifts[day]
        week = self.calendar.weekly_hours
        for since, hours in self.calendar.versions:
            if since <= day:
                week = hours
        return week[day.weekday()]

    def at(self, instant: datetime) -> int:
        """Minute of an instant."""
        return (instant - self.zero) // MINUTE

    def instant(self, minute: int) -> datetime:
        """Instant of a minute."""
        return self.zero + minute * MINUTE

    def local(self, day: date, seconds: int) -> datetime:
        """Instant of a wall time; a missing one moves forward, of two it is the first."""
        wall = datetime.combine(day, time()) + timedelta(seconds=seconds)
        return wall.replace(tzinfo=self.tz, fold=0).astimezone(UTC)

    def elapsed(self, start: int, end: int) -> int:
        """Open minutes between two."""
        return sum(self.minutes[start:end])

    def add(self, start: int, amount: int) -> int | None:
        """Minute at which so many open ones are used up; None beyond the weeks it knows."""
        for at in range(start, len(self.minutes)):
            if amount == 0 and self.minutes[at]:
                return at
            amount -= self.minutes[at]
            if amount == 0 and self.minutes[at]:
                return at + 1
        return None

    def works(self, day: date) -> bool:
        """Whether a date has open minutes of its own, and is no holiday."""
        if day in self.calendar.holidays.between(day, day) or not self._exists(day):
            return False
        return any(
            self.elapsed(self.at(start), self.at(end))
            for start, end in (self._ends(day, span) for span in self.hours(day))
        )

    def _ends(self, day: date, span: tuple[int, int]) -> tuple[datetime, datetime]:
        start, end = span
        if end < start:
            end += 86_400
        begin = self.local(day, start)
        return begin, max(begin, self.local(day, end))

    def _exists(self, day: date) -> bool:
        return self.local(day, 0) < self.local(day + DAY, 0)

    def _paint(self, day: date, span: tuple[int, int], *, is_open: bool) -> None:
        if self._exists(day):
            self._fill(*self._ends(day, span), is_open=is_open)

    def _fill(self, start: datetime, end: datetime, *, is_open: bool) -> None:
        for minute in range(max(self.at(start), 0), min(self.at(end), len(self.minutes))):
            self.minutes[minute] = is_open

    def _close(self) -> None:
        breaks = dict(self.calendar.breaks)
        for day in self.days:
            for span in breaks.get(day, ()):
                self._paint(day, span, is_open=False)
            if self.calendar.holidays.between(day, day):
                self._paint(day, (0, 86_400), is_open=False)
        for start, end in self.calendar.closures:
            self._fill(start, end, is_open=False)


quarters = st.integers(0, 95).map(lambda n: n * 900)
spans = st.tuples(quarters, st.integers(1, 96).map(lambda n: n * 900))
some_spans = st.lists(spans, max_size=3).map(tuple)
weeks = st.lists(some_spans, min_size=7, max_size=7).filter(any).map(tuple)


@st.composite
def random_calendars(draw, *, is_part: bool = False, zone: str | None = None, first=None):
    """A calendar and the first day of the weeks in which its zone changes."""
    timezone = zone or draw(st.sampled_from(sorted(WINDOWS)))
    first = first or WINDOWS[timezone]
    days = st.integers(-1, N_DAYS).map(lambda n: first + n * DAY)
    dated = st.dictionaries(days, some_spans, max_size=2).map(lambda table: tuple(table.items()))
    zero = datetime.combine(first, time(), UTC)
    moments = st.integers(0, N_DAYS * 1440).map(lambda n: zero + n * MINUTE)
    closed = st.tuples(moments, st.integers(1, 3000)).map(
        lambda at: (at[0], at[0] + at[1] * MINUTE)
    )
    own = {
        "holidays": Holidays(dates=tuple(draw(st.lists(days, max_size=2)))),
        "breaks": draw(dated),
        "closures": tuple(draw(st.lists(closed, max_size=2))),
        "boundary": draw(st.sampled_from(["close", "next_open"])),
    }
    if not is_part and draw(st.integers(0, 4)) == 0:
        zones = [timezone, draw(st.sampled_from(sorted(WINDOWS)))]
        drawn = [draw(random_calendars(is_part=True, zone=each, first=first)) for each in zones]
        parts = tuple(part for part, _ in drawn)
        return Calendar("both", timezone, all_of=parts, **own), first
    return Calendar(
        "any",
        timezone,
        draw(weeks),
        is_always_open=draw(st.integers(0, 9)) == 0,
        shifts=draw(dated),
        versions=tuple((day, draw(weeks)) for day in sorted(draw(st.sets(days, max_size=2)))),
        **own,
    ), first
