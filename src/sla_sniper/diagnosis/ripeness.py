"""Which clocks could have been missed by now: only of those is a share of missed ones fair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.core.instants import to_us

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sla_sniper.sla.calendar import Calendar


def are_ripe(
    clocks: pl.DataFrame, calendars: Mapping[str, Calendar], *, as_of: datetime
) -> pl.Series:
    """Tell of which clocks the target would be used up by now, had they run on from their start.

    Of the clocks that began yesterday the quick ones are met, and the slow ones not yet due: the
    share missed of those that are decided is far too low. Who is ripe depends on the start and on
    the target alone, not on how it ended.

    Parameters
    ----------
    clocks : DataFrame
        Has `applied_at`, `target_us` and `calendar` of n_clocks clocks.
    calendars : mapping of str to Calendar
        By the names that `calendar` holds.
    as_of : datetime
        Aware instant that the clocks are read at.

    Returns
    -------
    Series of bool of shape (n_clocks,)
        Whether more open time than the target lies between the start and `as_of`: a clock that
        never stood still is decided by then. It is the inverse of `Calendar.add`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sla_sniper.sla.calendar import Calendar
    >>> start = datetime(2024, 4, 1, tzinfo=UTC)
    >>> clocks = pl.DataFrame({"applied_at": [start] * 2, "target_us": [3_600_000_000 * 4] * 2,
    ...     "calendar": ["always", "morning"]})
    >>> mornings = Calendar("morning", "UTC", (((8 * 3600, 12 * 3600),),) * 7)
    >>> calendars = {"always": Calendar("always", is_always_open=True), "morning": mornings}
    >>> are_ripe(clocks, calendars, as_of=start.replace(hour=11)).to_list()
    [True, False]
    """
    starts = clocks["applied_at"].dt.timestamp("us").to_numpy()
    targets, found = clocks["target_us"].to_numpy(), np.zeros(clocks.height, dtype=bool)
    now = to_us(as_of)
    for name in clocks["calendar"].unique().to_list():
        rows = np.flatnonzero((clocks["calendar"] == name).to_numpy() & (starts < now))
        if len(rows):
            compiled = calendars[name].compiled(int(starts[rows].min()), now)
            until = compiled.open_until(np.array([now]))
            found[rows] = until - compiled.open_until(starts[rows]) > targets[rows]
    return pl.Series("is_ripe", found)
