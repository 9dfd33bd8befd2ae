"""Instants: always aware, always UTC inside; integers of microseconds in the kernels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone(name: str) -> ZoneInfo:
    """Return the IANA zone `name`.

    Raises
    ------
    ValueError
        If there is no such zone; the caller knows which file to blame.

    Examples
    --------
    >>> zone("Europe/Amsterdam").key
    'Europe/Amsterdam'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"unknown zone {name!r}; use an IANA name such as Europe/Berlin"
        ) from error


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 in UTC of an aware instant, exactly.

    Examples
    --------
    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if instant.tzinfo is None:
        raise ValueError(f"An instant needs a zone, got {instant}.")
    return (instant - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """Return the aware instant of `us` microseconds since 1970; the inverse of `to_us`."""
    return EPOCH + timedelta(microseconds=us)


def parse_instant(text: str, *, timezone: str = "UTC") -> datetime:
    """Read an ISO 8601 instant; one without an offset is in `timezone`.

    Raises
    ------
    ValueError
        If `text` is no ISO 8601 date or time.

    Examples
    --------
    >>> parse_instant("2016-04-01", timezone="Europe/Berlin").isoformat()
    '2016-03-31T22:00:00+00:00'
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = localize(moment, zone(timezone))
    return moment.astimezone(UTC)


def localize(local: datetime, tz: ZoneInfo) -> datetime:
    """Place a wall time in a zone: a missing time moves forward, a doubled one is the first.

    Examples
    --------
    >>> localize(datetime(2024, 3, 31, 2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2024-03-31T01:30:00+00:00'
    """
    # fold=0 takes the offset before a gap, which is the same as moving forward by the gap.
    return local.replace(tzinfo=tz, fold=0).astimezone(UTC)
