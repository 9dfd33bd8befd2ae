"""Wall times of a zone to instants and back, for whole arrays.

The standard library converts one datetime at a time. Here the offsets of a zone over some years
are a small table, found by asking the standard library: its tz database stays the only one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import EPOCH, SECOND_US, to_us, zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    Instants = NDArray[np.int64]

# No zone ever left an offset and came back to it within less than 95 hours (tz database 2025b).
_STEP: Final = 2 * 86_400
_YEARS: Final = 10
_FIRST_YEAR: Final = 2
_LAST_YEAR: Final = 9998


@dataclass(frozen=True, slots=True, eq=False)
class Offsets:
    """UTC offsets of a zone, in microseconds; east of Greenwich is positive.

    Attributes
    ----------
    changes : ndarray of int64 of shape (n_changes,)
        Instants at which the offset changes, sorted.
    walls : ndarray of int64 of shape (n_changes,)
        Wall times from which the new offset holds.
    offsets : ndarray of int64 of shape (n_changes + 1,)
        Offset before the first change, and after each.

    Examples
    --------
    >>> berlin = offsets_between("Europe/Berlin", 2024, 2024)
    >>> hours = np.array([2, 3]) * 3600 * SECOND_US
    >>> march = to_us(datetime(2024, 3, 31, tzinfo=UTC))
    >>> (berlin.to_utc(march + hours) - march) // SECOND_US  # 02:00 does not exist: it is 03:00
    array([3600, 3600])
    """

    changes: Instants
    walls: Instants
    offsets: Instants

    def to_utc(self, wall: Instants) -> Instants:
        """Instants of wall times (microseconds), of the same shape.

        A time that does not exist moves forward by the gap; one that exists twice is the first.
        """
        return wall - self.offsets[np.searchsorted(self.walls, wall, side="right")]

    def to_wall(self, at: Instants) -> Instants:
        """Wall times of instants (microseconds), of the same shape."""
        return at + self.offsets[np.searchsorted(self.changes, at, side="right")]


@lru_cache(maxsize=256)
def offsets_between(timezone: str, first_year: int, last_year: int) -> Offsets:
    """Offsets of a zone from the first to the last year, both included, and some around them.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    decades = range(first_year // _YEARS, last_year // _YEARS + 1)
    found = [change for decade in decades for change in _changes(timezone, decade)]
    first = _offset(zone(timezone), _start(decades[0]))
    offsets = np.array([first, *(offset for _, offset in found)]) * SECOND_US
    changes = np.array([second for second, _ in found], dtype=np.int64) * SECOND_US
    # Before it, the old offset holds: in a gap, and for the first of two equal times.
    walls = changes + np.maximum(offsets[:-1], offsets[1:])
    return Offsets(changes, walls, offsets)


@lru_cache(maxsize=4096)
def _changes(timezone: str, decade: int) -> tuple[tuple[int, int], ...]:
    """Second since 1970 and new offset in seconds of every change in ten years."""
    tz, end = zone(timezone), _start(decade + 1)
    seconds = [*range(_start(decade), end)[::_STEP], end]
    offsets = [_offset(tz, second) for second in seconds]
    return tuple(
        _first_with(tz, seconds[i], seconds[i + 1])
        for i in range(len(seconds) - 1)
        if offsets[i] != offsets[i + 1]
    )


def _first_with(tz: ZoneInfo, before: int, after: int) -> tuple[int, int]:
    """First second that has the offset of `after`, and that offset."""
    old, new = _offset(tz, before), _offset(tz, after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(tz, middle) == old else (before, middle)
    return after, new


def _offset(tz: ZoneInfo, second: int) -> int:
    local = (EPOCH + timedelta(seconds=second)).astimezone(tz)
    return int((local.utcoffset() or timedelta()).total_seconds())


def _start(decade: int) -> int:
    year = min(max(decade * _YEARS, _FIRST_YEAR), _LAST_YEAR)
    return to_us(datetime(year, 1, 1, tzinfo=UTC)) // SECOND_US
