"""Other rules a help desk may follow, each one change away from ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.schema import STOPPED_STATUSES, TICKET_KEY
from sla_sniper.sla.policy import OFF
from sla_sniper.sla.reconcile_calendars import known_calendars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sla_sniper.sla.policy import ServiceLevels, Target

    Rewrite = Callable[[pl.DataFrame], pl.DataFrame]

CAUSES: Final = (
    "rounding",
    "pause_ignored",
    "wall_time",
    "other_calendar",
    "current_priority",
    "closure",
    "resolved_stamp",
    "closed_stamp",
    "stale",
    "unexplained",
)
"""In the order in which they are taken: the less has to be believed, the earlier."""
_OVER: Final = list(TICKET_KEY)
_NO_PAUSES: Final = {"pause_in": (), "pause_awaiting_requester": False, "pause_until": ""}


@dataclass(frozen=True, slots=True)
class Alternative:
    """One other way to read the same tickets.

    Attributes
    ----------
    cause : str
        One of `CAUSES`.
    detail : str
        Which one of its kind, such as the name of a calendar.
    levels : ServiceLevels
        The promise under it.
    rewrite : callable
        The events under it; whole tickets in, whole tickets out.
    """

    cause: str
    detail: str
    levels: ServiceLevels
    rewrite: Rewrite


def only_metric(levels: ServiceLevels, metric: str) -> ServiceLevels:
    """Keep the targets of one metric; every policy stays, for the first match wins."""
    return replace(
        levels,
        policies=tuple(
            replace(policy, targets=tuple(t for t in policy.targets if t.metric == metric))
            for policy in levels.policies
        ),
    )


def alternatives(levels: ServiceLevels) -> Iterator[Alternative]:
    """Every alternative that differs from `levels`, in the order of `CAUSES`.

    Rounding and stale values are no other promise: `reconcile` finds them by itself. Under
    another priority a policy may have no target; then there is no clock, and no error.
    """
    for cause, detail, changed in _promises(levels):
        if changed != levels:
            yield Alternative(cause, detail, changed, _same)
    lenient = _without_gaps(levels)
    yield Alternative("current_priority", "the last one", lenient, _with_priority("last"))
    yield Alternative("current_priority", "the first one", lenient, _with_priority("first"))
    for cause, detail, statuses in (
        ("closure", "stops when closed", ("closed",)),
        ("closure", "stops when resolved", STOPPED_STATUSES),
    ):
        changed = _changed(levels, stop_in=statuses)
        if changed != levels:
            yield Alternative(cause, detail, changed, _same)
    for cause, column in (
        ("resolved_stamp", "vendor_resolved_at"),
        ("closed_stamp", "vendor_closed_at"),
    ):
        yield Alternative(cause, column.removeprefix("vendor_"), lenient, _ended_by(column))


def _promises(levels: ServiceLevels) -> Iterator[tuple[str, str, ServiceLevels]]:
    always, *others = known_calendars(levels.calendars)
    standard = {each.name: each for each in (always, *others)}
    wider = replace(levels, calendars={**levels.calendars, **standard})

    def counted_in(name: str, **changes: Any) -> ServiceLevels:  # noqa: ANN401 - keys of Target
        found = _changed(wider, calendar=name, **changes)
        return levels if found.policies == levels.policies else found

    yield "pause_ignored", "no pauses", _changed(levels, **_NO_PAUSES)
    yield "wall_time", "every hour counts", counted_in(always.name)
    if _changed(levels, **_NO_PAUSES) != levels:
        yield "wall_time", "every hour counts, pauses too", counted_in(always.name, **_NO_PAUSES)
        yield "wall_time", "pauses in wall time", _changed(levels, pause_unit="wall")
    for each in others:
        yield "other_calendar", each.name, counted_in(each.name)


def _changed(levels: ServiceLevels, **changes: Any) -> ServiceLevels:  # noqa: ANN401
    return replace(
        levels,
        policies=tuple(
            replace(policy, targets=tuple(replace(t, **changes) for t in policy.targets))
            for policy in levels.policies
        ),
    )


def _without_gaps(levels: ServiceLevels) -> ServiceLevels:
    """Let priorities without a target have no clock."""
    return replace(
        levels,
        policies=tuple(
            replace(policy, targets=tuple(_with_default(t) for t in policy.targets))
            for policy in levels.policies
        ),
    )


def _with_default(target: Target) -> Target:
    if target.is_vendor or target.default is not None:
        return target
    return replace(target, default=OFF)


def _same(events: pl.DataFrame) -> pl.DataFrame:
    return events


def _with_priority(which: str) -> Rewrite:
    def rewrite(events: pl.DataFrame) -> pl.DataFrame:
        known = pl.col("priority").drop_nulls()
        told = known.last() if which == "last" else known.first()
        return events.with_columns(told.over(_OVER).alias("priority"))

    return rewrite


def _ended_by(column: str) -> Rewrite:
    """Let each ticket with a stamp end at that instant, and by nothing before it.

    The others stay as they are: of them the help desk tells nothing else than the events.
    """

    def rewrite(events: pl.DataFrame) -> pl.DataFrame:
        stamp = pl.col(column).drop_nulls().last().over(_OVER)
        told = events.with_columns(_stamp=stamp)
        stamped = told.filter(pl.col("_stamp").is_not_null())
        others = told.filter(pl.col("_stamp").is_null())
        is_stopped = pl.col("status").is_in(STOPPED_STATUSES)
        is_start = pl.int_range(pl.len()).over(_OVER) == 0
        before = stamped.filter((pl.col("occurred_at") < pl.col("_stamp")) | is_start)
        before = before.with_columns(
            status=pl.when(is_stopped).then(pl.lit("open")).otherwise(pl.col("status"))
        )
        end = before.group_by(_OVER).last().select(before.columns)
        end = end.with_columns(
            occurred_at=pl.max_horizontal("_stamp", "occurred_at"),
            status=pl.lit("closed"),
            activity=pl.lit("closed"),
        )
        # A stable sort keeps the order within a ticket, and its end last.
        every = pl.concat([others, before, end]).sort(_OVER, maintain_order=True)
        return every.drop("_stamp")

    return rewrite
