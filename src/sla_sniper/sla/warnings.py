"""When to warn about an open clock: at a share of its target, or some time around its deadline.

All in working time, so a warning two hours before a deadline on Monday at 09:30 comes on Friday.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.stages import PAUSED
from sla_sniper.sla.targets import open_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.sla.policy import WarningPoint
    from sla_sniper.sla.segments import Segments

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

NO_POINT = -1


def next_warnings(
    segments: Segments, chosen: Ints, *, at: Ints, elapsed: Ints, is_open: Flags
) -> tuple[Ints, Ints]:
    """Next warning of every open clock.

    Parameters
    ----------
    segments : Segments
        Of one target; its `rule.warn_at` says when to warn.
    chosen : ndarray of int of shape (n_cycles,)
        Segment in which each clock is read.
    at, elapsed : ndarray of int of shape (n_cycles,)
        The instant of the reading, and the working time used by then; microseconds.
    is_open : ndarray of bool of shape (n_cycles,)
        Clocks that have neither stopped nor been cancelled.

    Returns
    -------
    when : ndarray of int of shape (n_cycles,)
        At or after `at`, if the clock runs on; `NEVER` where nothing is to come, or where the
        clock is paused and nobody knows until when.
    point : ndarray of int of shape (n_cycles,)
        Index into `rule.warn_at`, `NO_POINT` for none. Of several at one instant the first.
    """
    when = np.full(len(chosen), NEVER)
    point = np.full(len(chosen), NO_POINT)
    since = np.maximum(at, segments.resumes[chosen])
    can = is_open & (segments.state[chosen] <= PAUSED) & (since < NEVER)
    left = _left(segments, chosen, at, elapsed)
    for place, each in enumerate(segments.rule.warn_at):
        ahead = _ahead(each, left, segments.target[chosen])
        rows = np.flatnonzero(can & (ahead >= 0))
        if len(rows):
            found = _instants(segments, since[rows], ahead[rows], each)
            sooner = found < when[rows]
            when[rows] = np.where(sooner, found, when[rows])
            point[rows] = np.where(sooner, place, point[rows])
    return when, point


def _left(segments: Segments, chosen: Ints, at: Ints, elapsed: Ints) -> Ints:
    """Working time left until the deadline, negative after it."""
    if segments.rule.is_vendor:
        return open_between(at, segments.deadline[chosen], segments.calendar)
    return segments.target[chosen] - elapsed


def _ahead(point: WarningPoint, left: Ints, target: Ints) -> Ints:
    """Working time until the point, or its next repetition; negative where it is over."""
    if point.percent is None:
        ahead = left + point.offset_us
    else:
        ahead = left - (target - target * point.percent // 100)
    if point.repeat_us:
        times = -np.minimum(ahead, 0) + point.repeat_us - 1
        ahead = ahead + times // point.repeat_us * point.repeat_us
    return np.asarray(ahead)


def _instants(segments: Segments, since: Ints, ahead: Ints, point: WarningPoint) -> Ints:
    calendar = segments.calendar
    # Nothing left to wait for: now, also outside hours.
    when = np.where(ahead > 0, calendar.add_us(since, ahead), since)
    return calendar.edge_us(when, "next_open") if point.is_only_in_hours else when
