"""Numbers in words, the same on every chart, page and slide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sla_sniper.core.instants import zone
from sla_sniper.escalation.costs import money

if TYPE_CHECKING:
    from datetime import date, datetime

    from sla_sniper.stats.intervals import Interval

DASH: Final = "-"
OLD_DAYS: Final = 90
"""Days after the last replayed one from which on a reader is told how old a claim is."""
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR


def age_of_claim(last_day: date, today: date) -> int:
    """Days since the last replayed one, where these are more than `OLD_DAYS`; else 0.

    Examples
    --------
    >>> from datetime import date
    >>> age_of_claim(date(2016, 4, 29), date(2016, 7, 28))
    0
    >>> age_of_claim(date(2016, 4, 29), date(2016, 7, 29))
    91
    """
    days = (today - last_day).days
    return days if days > OLD_DAYS else 0


def working_time(seconds: int) -> str:
    """Write a business duration in hours and minutes: a working day has no fixed length.

    Examples
    --------
    >>> working_time(22_800), working_time(45 * 60), working_time(130_000)
    ('6 h 20 min', '45 min', '36 h 6 min')
    """
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    return " ".join(part for part in (_part(hours, "h"), _part(minutes, "min")) if part) or "0 min"


def wall_time(seconds: int) -> str:
    """Write a wall-clock duration in its two largest units.

    Examples
    --------
    >>> wall_time(22_800), wall_time(130_000), wall_time(172_800)
    ('6 h 20 min', '1 d 12 h', '2 d')
    """
    if seconds < _DAY:
        return working_time(seconds)
    days, rest = divmod(seconds, _DAY)
    return " ".join(part for part in (_part(days, "d"), _part(rest // _HOUR, "h")) if part)


def amounts(interval: Interval, currency: str) -> str:
    """Write the bounds of an amount of money.

    Examples
    --------
    >>> from sla_sniper.stats import Interval
    >>> amounts(Interval(5.0, -1200.0, 2300.0), "USD")
    '-$1,200 to $2,300'
    """
    return between(money_or_dash(interval.low, currency), money_or_dash(interval.high, currency))


def money_or_dash(amount: float, currency: str) -> str:
    """Write an amount, or a dash where it is undefined."""
    return money(amount, currency) if math.isfinite(amount) else DASH


def times(ratio: float) -> str:
    """Write a multiple: two digits that matter.

    Examples
    --------
    >>> times(6.234), times(0.5), times(-0.25), times(41.2)
    ('6.2', '0.5', '-0.25', '41')
    """
    if not math.isfinite(ratio):
        return DASH
    if abs(ratio) < 1:
        return f"{ratio:.2f}".rstrip("0").rstrip(".")
    return f"{ratio:.1f}".removesuffix(".0") if abs(ratio) < 10 else f"{ratio:,.0f}"  # noqa: PLR2004


def between(low: str, high: str) -> str:
    """Join two bounds; one where they read the same."""
    return low if low == high else f"{low} to {high}"


def moment(instant: datetime, timezone: str) -> str:
    """Write an instant in a zone, and the zone.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> moment(datetime(2016, 3, 28, 8, tzinfo=UTC), "Europe/Amsterdam")
    '28 Mar 2016, 10:00 Europe/Amsterdam'
    """
    local = instant.astimezone(zone(timezone))
    return f"{day(local.date())}, {local:%H:%M} {timezone}"


def short_moment(instant: datetime | None, timezone: str) -> str:
    """Write an instant in a zone for a column that names the zone; nothing where there is none.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> short_moment(datetime(2016, 3, 28, 8, tzinfo=UTC), "Europe/Amsterdam")
    '28 Mar, 10:00'
    """
    if instant is None:
        return ""
    local = instant.astimezone(zone(timezone))
    return f"{local.day} {local:%b, %H:%M}"


def day(date: date) -> str:
    """Write a date.

    Examples
    --------
    >>> from datetime import date
    >>> day(date(2016, 4, 1))
    '1 Apr 2016'
    """
    return f"{date.day} {date:%b %Y}"


def period(first: date, last: date) -> str:
    """Write a period, both days included, without saying a month or a year twice.

    Examples
    --------
    >>> from datetime import date
    >>> period(date(2016, 4, 1), date(2016, 4, 29))
    '1 to 29 Apr 2016'
    """
    if (first.year, first.month) == (last.year, last.month):
        return between(str(first.day), str(last.day)) + f" {last:%b %Y}"
    begin = f"{first.day} {first:%b}" if first.year == last.year else day(first)
    return f"{begin} to {day(last)}"


def _part(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number else ""
