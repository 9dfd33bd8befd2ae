"""Days on which a calendar is closed, by list, by rule and by country."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache


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
    recurring : tuple of (date, date)
        First and last date of what is closed that year and in every later one.

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
    recurring: tuple[tuple[date, date], ...] = ()

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """Every holiday from `first` to `last`, both included, in order."""
        found = set(self.dates)
        for start, end in self.ranges:
            found |= set(_dates(max(start, first), min(end, last)))
        for year in range(first.year, last.year + 1):
            found |= self._of_year(year)
        return tuple(sorted(day for day in found if first <= day <= last))

    def _of_year(self, year: int) -> set[date]:
        found = {date(year, m, d) for m, d in self.yearly if exists(year, m, d)}
        for start, end in self.recurring:
            # What began in the old year may reach into this one.
            found |= _repeated(start, end, year - 1) | _repeated(start, end, year)
        return found.union(_of_country(self.country, self.subdivision, year))


@lru_cache(maxsize=4096)
def _of_country(country: str, subdivision: str, year: int) -> frozenset[date]:
    if not country:
        return frozenset()
    # A heavy import that most calendars do not need.
    from holidays import country_holidays  # noqa: PLC0415

    return frozenset(country_holidays(country, subdiv=subdivision or None, years=[year]))


def exists(year: int, month: int, day: int) -> bool:
    """Whether a year has a month and day, such as 29 February.

    Examples
    --------
    >>> exists(2023, 2, 29)
    False
    """
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _repeated(start: date, end: date, year: int) -> set[date]:
    """Dates of a span that begins on the same day of another year, none before its first."""
    if year < start.year or not exists(year, start.month, start.day):
        return set()
    begin = start.replace(year=year)
    return set(_dates(begin, begin + (end - start)))


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
