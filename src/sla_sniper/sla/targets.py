"""How much working time each row's target allows, or until which instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.instants import DAY_US
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.policy import OFF, UnknownTargetError, WorkingDays
from sla_sniper.sla.runs import latest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import Target

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

NO_TARGET: Final = np.int64(-(2**62))
NO_ALLOWANCE: Final = -1
_UNKNOWN: Final = -2
_FAR: Final = np.int64(230 * 365.25 * DAY_US)
"""A deadline from here on, about the year 2200, is a way to write that there is none."""


def allowances(
    events: pl.DataFrame, facts: Facts, attached: Flags, *, policy: str, rule: Target
) -> Ints:
    """Index into `table(rule)` of the allowance of each row's priority, covered or not.

    Raises
    ------
    UnknownTargetError
        If the policy covers a priority it has no target for.
    """
    found = allowance_codes(facts, rule)
    unknown = attached & (found == _UNKNOWN)
    if unknown.any():
        rows = events.filter(unknown).unique([*TICKET_KEY, "priority"])
        counts = rows["priority"].fill_null("").value_counts(sort=True).rows()
        raise UnknownTargetError(policy, rule.metric, tuple(counts))
    return found


def allowance_codes(facts: Facts, rule: Target) -> Ints:
    """Index into `table(rule)` for each row's priority, negative where the target has none."""
    places: dict[str | None, int] = {name: place for place, name in enumerate(rule.by_priority)}
    default = _UNKNOWN if rule.default is None else len(places)
    by_code: Ints = np.array([places.get(name, default) for name in facts.priorities])
    return by_code[facts.priority]


def table(rule: Target) -> tuple[int | WorkingDays, ...]:
    """Every allowance of a target; the default comes last."""
    return (*rule.by_priority.values(), OFF if rule.default is None else rule.default)


def working_time(allowance: Ints, since: Ints, rule: Target, calendar: Calendar) -> Ints:
    """Working time allowed to clocks that count from `since`; `NO_TARGET` for none, or off.

    Working days become the open time up to the day's end or the same time of day.
    """
    times = [each if isinstance(each, int) and each != OFF else NO_TARGET for each in table(rule)]
    target = np.array([*times, NO_TARGET, NO_TARGET])[allowance]
    for place, each in enumerate(table(rule)):
        if isinstance(each, WorkingDays) and place in allowance:
            rows = np.flatnonzero(allowance == place)
            starts, which = np.unique(since[rows], return_inverse=True)
            ends = calendar.add_days_us(starts, each.days, is_end_of_day=each.is_end_of_day)
            compiled = calendar.compiled(int(starts.min()), int(ends.max()))
            spans = compiled.open_until(ends) - compiled.open_until(starts)
            target[rows] = spans[which]
    return target


def vendor_deadlines(events: pl.DataFrame, facts: Facts) -> Ints:
    """Read the help desk's own deadline as each row tells it; `NEVER` where there is none."""
    told = events.select(
        pl.Series("ticket", facts.ticket),
        "recorded_at",
        pl.col("vendor_due_at").to_physical().alias("due"),
    )
    # A derived `created` row comes before the row that told the deadline, known with it.
    following = pl.when(pl.col("recorded_at").shift(-1) <= pl.col("recorded_at")).then(
        pl.col("due").shift(-1)
    )
    filled = pl.coalesce(pl.col("due").forward_fill(), following).over("ticket")
    due = told.select(filled.alias("due"))["due"].fill_null(int(NEVER))
    at: Ints = due.to_numpy()
    return np.where((at > 0) & (at < _FAR), at, NEVER)


def open_between(start: Ints, end: Ints, calendar: Calendar) -> Ints:
    """Open time from `start` to `end`, negative where `end` comes first; `NEVER` passes through."""
    known = end != NEVER
    until = np.where(known, end, start)
    if not len(start):
        return np.zeros(0, dtype=np.int64)
    low, high = min(start.min(), until.min()), max(start.max(), until.max())
    compiled = calendar.compiled(int(low), int(high))
    return np.where(known, compiled.open_until(until) - compiled.open_until(start), NEVER)


def first_in_force(attached: Flags, activated: Flags) -> Ints:
    """Index of the first row of each row's cycle that the policy covers.

    Parameters
    ----------
    attached : ndarray of bool of shape (n_rows,)
        Whether the policy covers each row.
    activated : ndarray of bool of shape (n_rows,)
        Rows that begin a cycle, and first rows of tickets.

    Returns
    -------
    ndarray of int of shape (n_rows,)
        The row that began the cycle, as long as the policy has not covered any.
    """
    count: Ints = np.cumsum(attached)
    earlier: Ints = (count - attached)[latest(activated)]
    is_first = attached & (count - earlier == 1)
    return latest(activated | is_first)
