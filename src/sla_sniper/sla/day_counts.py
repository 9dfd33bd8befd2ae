"""Working days counted from many instants at once, by the rules of four peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from sla_sniper.core.instants import DAY_US
from sla_sniper.sla.compiled import FAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.sla.compiled import CompiledCalendar
    from sla_sniper.sla.compiling import WorkingDays

    Instants = NDArray[np.int64]

DaysRule: TypeAlias = Literal["biz", "keep", "business_time", "working_hours"]
"""As github.com/zendesk/biz; without its move into hours; as github.com/bokmann/business_time; as
github.com/Intrepidd/working_hours."""


@dataclass(frozen=True, slots=True, eq=False)
class DayCount:
    """What is asked for; see `Calendar.add_days_us`.

    Attributes
    ----------
    start, days : ndarray of int64 of shape (n,)
        Microseconds since 1970; how many working days, negative for back.
    is_end_of_day : bool
    rule : DaysRule
    """

    start: Instants
    days: Instants
    is_end_of_day: bool
    rule: DaysRule


def count_days(compiled: CompiledCalendar, working: WorkingDays, asked: DayCount) -> Instants:
    """Instant that many working days after each start; `FAR` where not enough are known."""
    if not len(working.days):
        return np.full(len(asked.start), FAR)
    wall = working.offsets.to_wall(asked.start)
    before = np.searchsorted(working.days, wall // DAY_US)
    works = working.days.take(before, mode="clip") == wall // DAY_US
    place = _place(before, works, asked)
    if asked.is_end_of_day:
        place += (asked.days == 0) & (working.closes.take(place, mode="clip") < asked.start)
        found = working.closes.take(place, mode="clip")
    else:
        local = working.days.take(place, mode="clip") * DAY_US + wall % DAY_US
        found = np.where(asked.days == 0, asked.start, working.offsets.to_utc(local))
        if asked.rule == "business_time":
            opening = working.opens.take(place, mode="clip")
            found = np.where(works | (asked.days == 0), found, opening)
        found = _into_hours(compiled, working, found, asked)
    is_known = (place >= 0) & (place < len(working.days))
    is_here = (asked.days == 0) & (not asked.is_end_of_day)
    return np.where(is_known | is_here, found, FAR)


def _place(before: NDArray[np.intp], works: NDArray[np.bool_], asked: DayCount) -> NDArray[np.intp]:
    """Position among the working days of the day that is meant; of today or the next for none.

    The n-th working day after a closed one: ``biz`` and ``keep`` go on from the closed day, the
    other two from the working day next to it. So one of the two directions has one step less.
    """
    is_strict = asked.rule in {"biz", "keep"}
    is_nearer = asked.days > 0 if is_strict else asked.days < 0
    return before + asked.days - (is_nearer & ~works)


def _into_hours(
    compiled: CompiledCalendar, working: WorkingDays, found: Instants, asked: DayCount
) -> Instants:
    if asked.rule in {"keep", "working_hours"}:
        return found
    if asked.rule == "biz":
        return np.where(asked.days < 0, compiled.prev_close(found), compiled.next_open(found))
    is_kept = compiled.is_open(found) | (compiled.prev_close(found) == found)
    opened = np.searchsorted(working.opens, found) - 1
    back = np.where(opened < 0, FAR, working.opens.take(opened))
    moved = np.where(asked.days < 0, back, compiled.next_open(found))
    return np.where(is_kept, found, moved)
