"""How work flows: what came in, what got done and what piled up, by the hour and by the week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.diagnosis.curves import cumulative_incidence
from sla_sniper.stats import Interval

if TYPE_CHECKING:
    from datetime import date, datetime

    from sla_sniper.diagnosis.curves import Incidence

_US_HOUR: Final = 3_600_000_000
_HOURS_OF_DAY, _DAYS_OF_WEEK = 24, 7


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one weekday, on average over the weeks of the log.

    Attributes
    ----------
    weekday : int
        1 for Monday to 7 for Sunday.
    hour : int
        0 to 23, local.
    n_hours : int
        How often it occurred.
    came, done, open : float
        Tickets that came in and that were done within it, and that were open as it began.
    """

    weekday: int
    hour: int
    n_hours: int
    came: float
    done: float
    open: float


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the log.

    Attributes
    ----------
    monday : date
    came, done, open : int
        Tickets that came in and that were done in it, and that were open as it ended.
    missed : int
        Of those that came in, those that missed their target.
    """

    monday: date
    came: int
    done: int
    open: int
    missed: int


@dataclass(frozen=True, slots=True, eq=False)
class Recovery:
    """How long a ticket stays open once its target is missed, in days of wall time.

    Attributes
    ----------
    n, n_open : int
        Missed targets, and those of them still open.
    median_days : float
        NaN where less than half have been done.
    after : tuple of (int, Interval)
        Share still open so many days after the breach.
    """

    n: int
    n_open: int
    median_days: float
    after: tuple[tuple[int, Interval], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "n": self.n,
            "n_open": self.n_open,
            "median_days": self.median_days,
            "still_open": [
                {"days": days, "estimate": at.estimate, "low": at.low, "high": at.high}
                for days, at in self.after
            ],
        }


def by_hour(clocks: pl.DataFrame, *, timezone: str, end: datetime) -> tuple[Hour, ...]:
    """Count what came in, got done and was open in every hour of the week.

    Parameters
    ----------
    clocks : DataFrame
        Cycles of one metric, none of them cancelled.
    timezone : str
        IANA zone of the hours.
    end : datetime
        Where the log is read; the hours of the week are counted from its first clock to here.

    Returns
    -------
    tuple of Hour
        168 of them, Monday 00:00 first; empty without clocks.
    """
    if clocks.is_empty():
        return ()
    first, last = clocks["applied_at"].min(), end
    hours: pl.Series = pl.datetime_range(
        pl.lit(first).dt.truncate("1h"), pl.lit(last), "1h", time_zone="UTC", eager=True
    )
    at = hours.to_physical().to_numpy()
    came = np.sort(clocks["applied_at"].drop_nulls().to_physical().to_numpy())
    done = np.sort(clocks["fulfilled_at"].drop_nulls().to_physical().to_numpy())
    edges = np.append(at, at[-1:] + _US_HOUR)
    came_by, done_by = np.searchsorted(came, edges), np.searchsorted(done, edges)
    local = hours.dt.convert_time_zone(timezone)
    place = (local.dt.weekday().cast(pl.Int64) - 1).to_numpy() * _HOURS_OF_DAY
    place = place + local.dt.hour().cast(pl.Int64).to_numpy()
    n = np.bincount(place, minlength=_HOURS_OF_DAY * _DAYS_OF_WEEK)
    sums = [
        np.bincount(place, values.astype(np.float64), minlength=len(n))
        for values in (np.diff(came_by), np.diff(done_by), (came_by - done_by)[:-1])
    ]
    means = [np.divide(total, n, out=np.zeros(len(n)), where=n > 0) for total in sums]
    return tuple(
        Hour(k // _HOURS_OF_DAY + 1, k % _HOURS_OF_DAY, int(n[k]), *(float(m[k]) for m in means))
        for k in range(len(n))
    )


def by_week(clocks: pl.DataFrame, *, timezone: str) -> tuple[Week, ...]:
    """Count what came in, got done and was left open, week by week; weeks without any included."""

    def monday(column: str) -> pl.Expr:
        return pl.col(column).dt.convert_time_zone(timezone).dt.date().dt.truncate("1w")

    came = (
        clocks.drop_nulls("applied_at")
        .group_by(monday=monday("applied_at"))
        .agg(came=pl.len().cast(pl.Int64), missed=pl.col("is_missed").sum().cast(pl.Int64))
    )
    done = (
        clocks.drop_nulls("fulfilled_at")
        .group_by(monday=monday("fulfilled_at"))
        .agg(done=pl.len().cast(pl.Int64))
    )
    if came.is_empty():
        return ()
    both = came.join(done, on="monday", how="full", coalesce=True)
    first, last = both["monday"].min(), both["monday"].max()
    weeks = pl.DataFrame({"monday": pl.date_range(first, last, "1w", eager=True)})  # type: ignore[arg-type]
    table = (
        weeks.join(both, on="monday", how="left")
        .sort("monday")
        .with_columns(pl.col("came", "done", "missed").fill_null(0))
        .with_columns(open=(pl.col("came") - pl.col("done")).cum_sum())
    )
    return tuple(
        Week(*row) for row in table.select("monday", "came", "done", "open", "missed").iter_rows()
    )


def recovery(clocks: pl.DataFrame, *, end: datetime) -> Recovery:
    """Measure how long missed tickets stay open: those still open count as seen until now.

    Parameters
    ----------
    clocks : DataFrame
        Decided cycles of one metric, with `breached_at` and `fulfilled_at`.
    """
    missed = clocks.drop_nulls("breached_at").filter(pl.col("breached_at") <= end)
    until = pl.coalesce("fulfilled_at", pl.lit(end))
    days = missed.select(
        days=(until - pl.col("breached_at")).dt.total_microseconds() / (24 * _US_HOUR),
        is_done=pl.col("fulfilled_at").is_not_null(),
    )
    length = np.maximum(days["days"].to_numpy(), 0.0)
    ended = days["is_done"].to_numpy().astype(np.int64)
    curve = cumulative_incidence(length, ended, 1)
    return Recovery(
        n=missed.height,
        n_open=int((ended == 0).sum()),
        median_days=_median(curve),
        after=tuple((n, _still_open(curve, n)) for n in (1, 7, 30)),
    )


def _median(curve: Incidence) -> float:
    reached = np.flatnonzero(curve.estimate >= 0.5)  # noqa: PLR2004 - what a median is
    return float(curve.at[reached[0]]) if len(reached) else np.nan


def _still_open(curve: Incidence, days: int) -> Interval:
    done = curve.by(days)
    return Interval(1 - done.estimate, 1 - done.high, 1 - done.low)
