"""SLA policies as data: which tickets, which target, which calendar, which pauses."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import polars as pl

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.schema import EVENTS

if TYPE_CHECKING:
    from datetime import datetime

    from sla_sniper.sla.calendar import Calendar

OnReopen = Literal["exclude", "count", "restart", "final"]
OnPriorityChange = Literal["recompute", "restart", "keep"]

OPERATORS: Final = ("is", "is_not", "in", "not_in", "contains", "contains_not", "lt", "gt")


class UnknownTargetError(SlaSniperError):
    """A policy covers a priority for which it sets no target."""

    exit_code: ClassVar[int] = 21

    def __init__(self, policy: str, metric: str, counts: tuple[tuple[str, int], ...]) -> None:
        super().__init__(policy, metric, counts)
        self.policy, self.metric, self.counts = policy, metric, counts

    def __str__(self) -> str:
        listed = ", ".join(f"{name!r} ({n} tickets)" for name, n in self.counts)
        return (
            f"Policy {self.policy!r} has no {self.metric} target for priority {listed}; "
            "add it, or a `default`, to that target in sla.toml, or map the value in map.toml."
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on an attribute of a ticket; a missing value is false."""

    field: str
    operator: str
    values: tuple[str, ...]

    def expression(self) -> pl.Expr:
        """Boolean column: whether each event row satisfies the condition."""
        column = value_of(self.field)
        return _OPERATIONS[self.operator](column, self.values).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class Target:
    """How long one metric may take, and when its clock stands still.

    Attributes
    ----------
    metric : str
        What is timed, one of `core.schema.METRICS`.
    calendar : str
        Name of the calendar it is counted in.
    by_priority : mapping of str to int
        Working time allowed, in microseconds.
    default : int or None
        For any other priority, or none; None means that there is no target then.
    is_vendor : bool
        The deadline is the help desk's own `due_at` instead.
    pause_in : tuple of str
        Statuses in which the clock stands still.
    on_reopen : {"exclude", "count", "restart", "final"}
        What happens to time spent resolved when a ticket is opened again.
    on_priority_change : {"recompute", "restart", "keep"}
        Measure the new target from the start, from the change, or keep the first target.

    Examples
    --------
    >>> hours = 3600 * 1_000_000
    >>> Target("resolution_time", "office", {"high": 8 * hours}, default=40 * hours).pause_in
    ()
    """

    metric: str
    calendar: str
    by_priority: Mapping[str, int] = field(default_factory=dict)
    default: int | None = None
    is_vendor: bool = False
    pause_in: tuple[str, ...] = ()
    on_reopen: OnReopen = "exclude"
    on_priority_change: OnPriorityChange = "recompute"


@dataclass(frozen=True, slots=True)
class SlaPolicy:
    """Conditions on tickets and their targets; the first policy that matches wins.

    Examples
    --------
    >>> gold = Condition("organization", "is", ("Acme",))
    >>> SlaPolicy("gold", (Target("resolution_time", "office"),), all_of=(gold,)).name
    'gold'
    """

    name: str
    targets: tuple[Target, ...]
    all_of: tuple[Condition, ...] = ()
    any_of: tuple[Condition, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def expression(self, started_at: pl.Expr) -> pl.Expr:
        """Boolean column: whether the policy covers each row, given when its clock started."""
        parts = [condition.expression() for condition in self.all_of]
        if self.any_of:
            parts.append(reduce(operator.or_, [c.expression() for c in self.any_of]))
        if self.valid_from is not None:
            parts.append(started_at >= self.valid_from)
        if self.valid_to is not None:
            parts.append(started_at < self.valid_to)
        return reduce(operator.and_, parts, pl.lit(value=True))


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """Everything a clock needs: the calendars and the ordered policies that name them.

    Examples
    --------
    >>> target = Target("resolution_time", "office", {"high": 1}, default=2)
    >>> ServiceLevels({}, (SlaPolicy("all", (target,)),)).priorities
    ('high',)
    """

    calendars: Mapping[str, Calendar]
    policies: tuple[SlaPolicy, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that any policy times, in order of first mention."""
        return tuple(dict.fromkeys(t.metric for p in self.policies for t in p.targets))

    @property
    def priorities(self) -> tuple[str, ...]:
        """Every priority that has a target of its own."""
        names = (name for p in self.policies for t in p.targets for name in t.by_priority)
        return tuple(dict.fromkeys(names))


def value_of(name: str) -> pl.Expr:
    """Column of an event field: a canonical one, or a kept attribute by its name."""
    if name in EVENTS:
        return pl.col(name)
    entry = pl.element().struct
    picked = entry.field("value").filter(entry.field("key") == name)
    return pl.col("attributes").list.eval(picked).list.first().alias(name)


def _number(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64, strict=False)


_OPERATIONS: Final[Mapping[str, Callable[[pl.Expr, tuple[str, ...]], pl.Expr]]] = {
    "is": lambda column, values: column == values[0],
    "is_not": lambda column, values: column != values[0],
    "in": lambda column, values: column.is_in(values),
    "not_in": lambda column, values: ~column.is_in(values),
    "contains": lambda column, values: column.str.to_lowercase().str.contains(
        values[0].lower(), literal=True
    ),
    "contains_not": lambda column, values: (
        ~column.str.to_lowercase().str.contains(values[0].lower(), literal=True)
    ),
    "lt": lambda column, values: _number(column) < float(values[0]),
    "gt": lambda column, values: _number(column) > float(values[0]),
}
