"""Signs that times were made up: real desks have days and nights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.words import count, percent
from sla_sniper.diagnosis.strata import chi_square

if TYPE_CHECKING:
    from sla_sniper.diagnosis.strata import ChiSquare

LEAST: Final = 500
"""Tickets below which an even spread over the day proves nothing."""
_EVEN: Final = 0.001
"""p from which on an even spread over the hours of the day is not refuted."""
_REVERSED: Final = 0.1
_HOURS: Final = 24


def even_over_the_day(times: pl.Series) -> ChiSquare:
    """Test whether instants are spread evenly over the hours of the day.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> start = datetime(2024, 3, 25)
    >>> even = pl.Series([start + timedelta(hours=n) for n in range(240)])
    >>> even_over_the_day(even).p
    1.0
    """
    hours = times.drop_nulls().dt.hour().to_numpy()
    n = len(hours)
    if n == 0:
        return chi_square(0.0, 0, 0)
    seen = np.bincount(hours, minlength=_HOURS)
    statistic = ((seen - n / _HOURS) ** 2 / (n / _HOURS)).sum()
    return chi_square(float(statistic), _HOURS - 1, n)


def invented(started: pl.Series, ended: pl.Series) -> tuple[str, ...]:
    """Say why the times of tickets look invented; nothing where they do not.

    Parameters
    ----------
    started, ended : Series of Datetime
        When each ticket began and ended, null where it is not known; local times if they can be
        had, since nights are local.
    """
    both = pl.DataFrame({"started": started, "ended": ended}).drop_nulls()
    if both.height < LEAST:
        return ()
    told = []
    n_reversed = int((both["ended"] < both["started"]).sum())
    if n_reversed > _REVERSED * both.height:
        told.append(
            f"{percent(n_reversed / both.height)} of {count(both.height, 'ticket')} end "
            "before they begin"
        )
    tests = [even_over_the_day(both[name]) for name in both.columns]
    if all(test.p > _EVEN for test in tests):
        told.append(
            "they begin and end as often at night as by day, in every one of the 24 hours "
            f"(p {tests[0].p:.2f} and {tests[1].p:.2f})"
        )
    return tuple(told)
