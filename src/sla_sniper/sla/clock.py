"""Cycles: what every clock shows as of an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.core.instants import to_us
from sla_sniper.core.schema import CYCLES, INSTANT
from sla_sniper.sla.policy import ServiceLevels
from sla_sniper.sla.segments import CANCELLED, NEVER, NO_TARGET, PAUSED, STOPPED, Segments, fold

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_STATES = np.array(["running", "paused", "overdue", "met", "missed", "cancelled"], dtype=object)
IS_RUNNING, IS_PAUSED, OVERDUE, MET, MISSED, IS_CANCELLED = range(len(_STATES))


def cycles(events: pl.DataFrame, levels: ServiceLevels, *, as_of: datetime) -> pl.DataFrame:
    """Read every clock as of an instant.

    Parameters
    ----------
    events : DataFrame
        Canonical events of whole tickets that were recorded by `as_of`, sorted; see
        `eventlog.read_events`.
    levels : ServiceLevels
        Calendars and policies.
    as_of : datetime
        Aware instant; elapsed time of open clocks is counted up to it.

    Returns
    -------
    DataFrame
        Schema `core.schema.CYCLES`, one row for each activation of a target on a ticket,
        sorted by source, ticket, metric and cycle.

    Notes
    -----
    A clock is breached when *more* than its target is used, strictly. A cycle that has
    stopped keeps the verdict of the target in force when it stopped. `due_at` is null while
    a clock is paused: nobody can know.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sla_sniper.core.schema import EVENTS
    >>> from sla_sniper.sla.calendar import Calendar
    >>> from sla_sniper.sla.policy import SlaPolicy, Target
    >>> opened = datetime(2016, 2, 29, 9, tzinfo=UTC)
    >>> row = {"source": "desk", "ticket_id": "1", "occurred_at": opened, "activity": "created"}
    >>> events = pl.DataFrame([dict.fromkeys(EVENTS) | row], schema=dict(EVENTS))
    >>> target = Target("resolution_time", "always", default=4 * 3600 * 1_000_000)
    >>> always = Calendar("always", is_always_open=True)
    >>> levels = ServiceLevels({"always": always}, (SlaPolicy("all", (target,)),))
    >>> cycles(events, levels, as_of=opened.replace(hour=14)).row(0, named=True)["state"]
    'overdue'
    """
    as_of_us = to_us(as_of)
    parts = [_read(segments, events, as_of_us) for segments in fold(events, levels)]
    if not parts:
        return pl.DataFrame(schema=dict(CYCLES))
    return pl.concat(parts).sort("source", "ticket_id", "metric", "policy", "cycle")


def _read(segments: Segments, events: pl.DataFrame, as_of_us: int) -> pl.DataFrame:
    chosen = _current(segments)
    at = np.minimum(np.int64(as_of_us), segments.ends[chosen])
    elapsed = segments.elapsed_at(at, chosen)
    state, over_since = _verdict(segments, chosen, elapsed, at)
    due = np.where(over_since != NEVER, over_since, segments.due[chosen])
    due = np.where(state == IS_PAUSED, NEVER, due)
    is_stopped = (state == MET) | (state == MISSED)
    fulfilled = np.where(is_stopped, segments.stopped_since[chosen], NEVER)
    row, applied = segments.row[chosen], segments.applied[chosen]
    return events.select("source", "ticket_id")[row].select(
        "source",
        "ticket_id",
        pl.lit(segments.policy.name).alias("policy"),
        pl.lit(segments.rule.metric).alias("metric"),
        pl.Series("cycle", segments.cycle[chosen]),
        _instants("applied_at", segments.start[chosen]),
        pl.Series("target_us", segments.target[chosen]),
        pl.lit(segments.rule.calendar).alias("calendar"),
        pl.Series("state", _STATES[state], dtype=pl.String),
        pl.Series("elapsed_us", elapsed),
        pl.Series("paused_us", segments.paused_at(at, chosen)),
        _instants("due_at", due),
        _instants("breached_at", over_since),
        _instants("fulfilled_at", fulfilled),
        events["priority"][applied].alias("priority_applied"),
    )  # fmt: skip


def _current(segments: Segments) -> Ints:
    """Last segment of each cycle, where it has a target."""
    return np.flatnonzero(segments.ends_cycle & (segments.target != NO_TARGET))


def _verdict(segments: Segments, chosen: Ints, elapsed: Ints, at: Ints) -> tuple[Ints, Ints]:
    """Index into the states, and since when each clock has been over time."""
    state = segments.state[chosen]
    is_over = elapsed > segments.target[chosen]
    if segments.rule.is_vendor:
        is_open = state <= PAUSED
        is_over = segments.over_since[chosen] != NEVER
        is_over |= is_open & (at > segments.deadline[chosen])
    earlier = segments.over_since[chosen]
    since = np.where(earlier != NEVER, earlier, segments.due[chosen])
    index = np.select(
        [state == CANCELLED, state == STOPPED, is_over, state == PAUSED],
        [IS_CANCELLED, np.where(is_over, MISSED, MET), OVERDUE, IS_PAUSED],
        IS_RUNNING,
    )
    return index, np.where(is_over, since, NEVER)


def _instants(name: str, us: Ints) -> pl.Series:
    known = us != NEVER
    return pl.Series(name, np.where(known, us, 0)).cast(INSTANT).set(pl.Series(~known), None)
