"""Landmarks: the instants at which a decision could be taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

from sla_sniper.core.instants import localize, zone
from sla_sniper.core.schema import INSTANT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_sniper.sla.calendar import Calendar

Epoch = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class LandmarkRule:
    """When decisions are taken, in local time.

    Attributes
    ----------
    timezone : str
        Zone of the other two, and of a day of capacity.
    opens, closes : int
        Hourly landmarks lie on each full hour from `opens` on and before `closes`; seconds
        since midnight.
    day_at : int
        The daily landmark; seconds since midnight.
    """

    timezone: str
    opens: int = 8 * 3600
    closes: int = 18 * 3600
    day_at: int = 8 * 3600

    def seconds(self, epoch: Epoch) -> list[int]:
        """Seconds since local midnight of the landmarks of one day."""
        if epoch == "day":
            return [self.day_at]
        first = -(-self.opens // 3600) * 3600
        return list(range(first, self.closes, 3600))


def landmarks(
    rule: LandmarkRule, calendar: Calendar, *, start: datetime, end: datetime, epoch: Epoch
) -> pl.DataFrame:
    """Landmarks from `start` (included) to `end` (excluded) on dates on which it opens.

    Returns
    -------
    DataFrame
        Columns `landmark` (UTC), `day` (the local date, a day of capacity), `hour_of_day`
        and `day_of_week` (1 is Monday), in order of time.
    """
    found = [
        (moment, moment.astimezone(zone(rule.timezone)))
        for day in _days(rule, start, end)
        if calendar.opens_on(day.date())
        for seconds in rule.seconds(epoch)
        if start <= (moment := localize(day + timedelta(seconds=seconds), zone(rule.timezone)))
        if moment < end
    ]
    found = list(dict.fromkeys(found))  # an hour that the clocks skip moves onto the next one
    return pl.DataFrame(
        {
            "landmark": pl.Series([moment for moment, _ in found], dtype=INSTANT),
            "day": pl.Series([local.date() for _, local in found], dtype=pl.Date),
            "hour_of_day": pl.Series([local.hour for _, local in found], dtype=pl.Int64),
            "day_of_week": pl.Series([local.isoweekday() for _, local in found], dtype=pl.Int64),
        }
    )


def _days(rule: LandmarkRule, start: datetime, end: datetime) -> Iterator[datetime]:
    """Local midnights, without a zone, of every date the period touches."""
    tz = zone(rule.timezone)
    day = datetime.combine(start.astimezone(tz).date(), datetime.min.time())
    while day.date() <= end.astimezone(tz).date():
        yield day
        day += timedelta(days=1)
