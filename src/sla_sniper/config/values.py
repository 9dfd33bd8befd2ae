"""Durations, times of day and instants as people write them in configuration."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from sla_sniper.core.instants import SECOND_US, parse_instant

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST: Final = 36_525 * 86_400
_HOUR: Final = 60
_DAY: Final = 86_400
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


def duration_us(text: str) -> int:
    """Microseconds of a duration such as ``"4h"``, ``"1h30m"`` or ``"90s"``; a day is 24 h.

    Raises
    ------
    ValueError
        If it is no duration, not longer than zero or longer than a hundred years.

    Examples
    --------
    >>> duration_us("1h30m") // 60_000_000
    90
    """
    unsigned = text.strip().removeprefix("-")
    if not _PART.sub("", unsigned).strip() and _PART.search(unsigned):
        total = sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(unsigned))
        if total <= 0 or unsigned != text.strip():
            raise ValueError("a duration must be longer than zero")
        if total > _LONGEST:
            raise ValueError("a duration is at most a hundred years")
        return round(total * SECOND_US)
    raise ValueError('write a duration as "4h", "30m" or "1h30m"')


def span_seconds(text: str) -> tuple[int, int]:
    """Seconds since midnight of a span such as ``"09:00-17:00"``.

    Raises
    ------
    ValueError
        If it is no span of two times of day; 24:00 is the end of the day.

    Examples
    --------
    >>> span_seconds("22:00-06:00")
    (79200, 21600)
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError('write open hours as "09:00-17:00"')
    begin_h, begin_m, end_h, end_m = map(int, match.groups())
    begin, end = begin_h * 3600 + begin_m * 60, end_h * 3600 + end_m * 60
    if max(begin_m, end_m) >= _HOUR or begin >= _DAY or end > _DAY:
        raise ValueError(f"{text!r} is no time of day; the last one is 24:00")
    if begin == end:
        raise ValueError(f"{text!r} is empty; write 00:00-24:00 for a whole day")
    return begin, end


def time_seconds(text: str) -> int:
    """Seconds since midnight of a time such as ``"08:00"``.

    Raises
    ------
    ValueError
        If it is no time of day.
    """
    try:
        return span_seconds(f"{text}-24:00")[0]
    except ValueError as error:
        raise ValueError(f'{text!r} is no time of day; write it as "08:00"') from error


def instant(value: str | date | datetime, *, timezone: str = "UTC") -> datetime:
    """Instant of a TOML date, time or text; one without an offset is in `timezone`.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if isinstance(value, datetime):
        return parse_instant(value.isoformat(), timezone=timezone)
    if isinstance(value, date):
        return parse_instant(datetime.combine(value, time()).isoformat(), timezone=timezone)
    try:
        return parse_instant(value, timezone=timezone)
    except (ValueError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"{value!r} is no instant; write 2016-04-01 or 2016-04-01T10:00:00+02:00"
        ) from error


def is_instant(value: Any) -> Any:  # noqa: ANN401 - what a TOML file holds
    """Return the value as it is, if `instant` can read it."""
    instant(value)
    return value


Moment = Annotated[date | datetime | str, BeforeValidator(is_instant)]
"""Field of a configuration model that `instant` reads."""
