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
        found = set(self.dates) | self._by_country(first.year, last.year)
        for year in range(first.year, last.year + 1):
            found |= {date(year, m, d) for m, d in self.yearly if exists(year, m, d)}
        for start, end in self.ranges:
            found |= set(_dates(max(start, first), min(end, last)))
        for start, end in self.recurring:
            found |= _every_year(start, end, (first.year, last.year))
        return tuple(sorted(day for day in found if first <= day <= last))

    def _by_country(self, first_year: int, last_year: int) -> set[date]:
        if not self.country:
            return set()
        # Observed days may belong to a neighbouring year.
        years = range(first_year - 1, last_year + 2)
        return set().union(*(_of_year(self.country, self.subdivision, year) for year in years))


@lru_cache(maxsize=4096)
def _of_year(country: str, subdivision: str, year: int) -> frozenset[date]:
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


def _every_year(start: date, end: date, years: tuple[int, int]) -> set[date]:
    found: set[date] = set()
    # What began in the old year may reach into the first one.
    for year in range(max(start.year, years[0] - 1), years[1] + 1):
        if exists(year, start.month, start.day):
            begin = start.replace(year=year)
            found |= set(_dates(begin, begin + (end - start)))
    return found


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
