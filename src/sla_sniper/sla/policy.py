"""SLA policies as data: which tickets, which target, which calendar, which pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import polars as pl

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.schema import STOPPED_STATUSES
from sla_sniper.sla.conditions import EVERY_TICKET, Conditions, value_of

if TYPE_CHECKING:
    from datetime import datetime

    from sla_sniper.sla.calendar import Calendar

OnReopen = Literal["exclude", "count", "restart", "final"]
OnChange = Literal["recompute", "restart", "keep"]
OnClose = Literal["satisfy", "pause", "ignore"]

OFF: Final = 0
"""Working time of a target that is switched off: there is no clock."""


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
class WorkingDays:
    """A target in working days rather than in working time.

    Attributes
    ----------
    days : int
        The clock may run until the same time of day, that many working days later, moved into
        open hours.
    is_end_of_day : bool
        Until the last closing of that day instead.
    """

    days: int
    is_end_of_day: bool = False


@dataclass(frozen=True, slots=True)
class CalendarChoice:
    """A calendar that depends on the ticket: the first field with a known value decides.

    Attributes
    ----------
    by : tuple of (str, mapping of str to str)
        Field of the ticket, and the calendar for each of its values.
    default : str
        Calendar of all other tickets.
    """

    by: tuple[tuple[str, Mapping[str, str]], ...]
    default: str

    @property
    def names(self) -> tuple[str, ...]:
        """Every calendar it may choose."""
        named = (name for _, calendars in self.by for name in calendars.values())
        return tuple(dict.fromkeys((*named, self.default)))

    def expression(self) -> pl.Expr:
        """Name of the calendar of each event row."""
        chain = [
            value_of(field).replace_strict(dict(calendars), default=None)
            for field, calendars in self.by
        ]
        return pl.coalesce(*chain, pl.lit(self.default))


@dataclass(frozen=True, slots=True)
class WarningPoint:
    """A moment to warn at, while a clock has not stopped.

    Attributes
    ----------
    label : str
        As `sla.toml` writes it, such as ``"75%"`` or ``"-60m"``.
    percent : int or None
        Share of the target that is used; None if it is an offset.
    offset_us : int
        Working time after the deadline, in microseconds; negative before it.
    repeat_us : int
        Again after each such working time; 0 for once.
    is_only_in_hours : bool
        Moved to the next opening where it falls outside open hours.
    """

    label: str
    percent: int | None = None
    offset_us: int = 0
    repeat_us: int = 0
    is_only_in_hours: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """How long one metric may take, and when its clock runs, stands still and stops.

    Attributes
    ----------
    metric : str
        What is timed, one of `core.schema.METRICS`.
    calendar : str or CalendarChoice
        Name of the calendar it is counted in, or how the ticket chooses it.
    by_priority : mapping of str to int or WorkingDays
        Working time allowed, in microseconds, or working days; `OFF` for no clock.
    default : int or WorkingDays or None
        For any other priority; None means that there must be none.
    is_vendor : bool
        The deadline is the help desk's own `due_at` instead.
    start : {"created", "attached"}
        Whether the clock starts with the ticket, or when the policy came to cover it.
    pause_in : tuple of str
        Statuses in which the clock stands still.
    pause_awaiting_requester : bool
        It also stands still while the last public message is the desk's.
    pause_until : str
        Attribute that holds an instant up to which the clock stands still; empty for none.
    pause_mode : {"stop", "hide"}
        Stand still, or go on and only show no deadline.
    pause_unit : {"working", "wall"}
        Whether a pause moves the deadline by working or by wall time.
    stop_in : tuple of str
        Statuses that end the work.
    on_close : {"satisfy", "pause", "ignore"}
        What these statuses do to a clock that waits for a reply.
    on_reopen : {"exclude", "count", "restart", "final"}
        What happens to time spent resolved when a ticket is opened again.
    on_priority_change, on_calendar_change : {"recompute", "restart", "keep"}
        Measure the new target from the start, from the change, or keep the first one.
    include_first : bool
        Next replies: the wait for the first reply counts as well.
    reset_by : tuple of {"agent", "requester"}
        Periodic updates: whose public messages start the next period.
    starts_at_creation : bool
        Periodic updates: the first period starts with the clock, not with a message.
    until : {"", "requester"}
        Periodic updates: a message of the requester ends the period.
    reply_statuses : tuple of str
        Statuses that count as a reply.
    warn_at : tuple of WarningPoint
        When to warn.
    on_leave : {"cancel", "satisfy"}
        What it means to a clock that starts at attachment when the policy ceases to cover the
        ticket.
    keeps_ledger : bool
        A breach once recorded stands, also where a longer target comes into force later.

    Examples
    --------
    >>> hours = 3600 * 1_000_000
    >>> Target("resolution_time", "office", {"high": 8 * hours}, default=40 * hours).pause_in
    ()
    """

    metric: str
    calendar: str | CalendarChoice
    by_priority: Mapping[str, int | WorkingDays] = field(default_factory=dict)
    default: int | WorkingDays | None = None
    is_vendor: bool = False
    start: Literal["created", "attached"] = "created"
    pause_in: tuple[str, ...] = ()
    pause_awaiting_requester: bool = False
    pause_until: str = ""
    pause_mode: Literal["stop", "hide"] = "stop"
    pause_unit: Literal["working", "wall"] = "working"
    stop_in: tuple[str, ...] = STOPPED_STATUSES
    on_close: OnClose = "satisfy"
    on_reopen: OnReopen = "exclude"
    on_priority_change: OnChange = "recompute"
    on_calendar_change: OnChange = "recompute"
    include_first: bool = False
    reset_by: tuple[str, ...] = ("agent",)
    starts_at_creation: bool = True
    until: Literal["", "requester"] = ""
    reply_statuses: tuple[str, ...] = ()
    warn_at: tuple[WarningPoint, ...] = ()
    on_leave: Literal["cancel", "satisfy"] = "cancel"
    keeps_ledger: bool = False

    @property
    def calendars(self) -> tuple[str, ...]:
        """Names of every calendar it may be counted in."""
        return (self.calendar,) if isinstance(self.calendar, str) else self.calendar.names


@dataclass(frozen=True, slots=True)
class SlaPolicy:
    """Conditions on tickets and their targets; the first policy that matches wins.

    Attributes
    ----------
    on_policy_change : {"recompute", "restart", "keep"}
        When a ticket under this policy comes to match another one, or none: that counts from
        the start, from the change, or not at all.

    Examples
    --------
    >>> from sla_sniper.sla.conditions import Condition
    >>> gold = Conditions((Condition("organization", "is", ("Acme",)),))
    >>> SlaPolicy("gold", (Target("resolution_time", "office"),), when=gold).name
    'gold'
    """

    name: str
    targets: tuple[Target, ...]
    when: Conditions = EVERY_TICKET
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    on_policy_change: OnChange = "recompute"

    def expression(self, started_at: pl.Expr) -> pl.Expr:
        """Boolean column: whether the policy covers each row, given when its clock started."""
        chosen = self.when.expression()
        if self.valid_from is not None:
            chosen &= started_at >= self.valid_from
        if self.valid_to is not None:
            chosen &= started_at < self.valid_to
        return chosen


@dataclass(frozen=True, slots=True)
class Replies:
    """Which public messages of the desk count as a reply.

    Attributes
    ----------
    roles : tuple of str
        Values of `actor_role` that may answer. A message of nobody known counts; one of
        ``system`` (robots, automatic answers) does not, unless it is listed.
    are_notes : bool
        Internal notes count as well.
    unless : Conditions
        Messages that do not count, by any attribute, such as a channel or a tag.
    """

    roles: tuple[str, ...] = ("agent",)
    are_notes: bool = False
    unless: Conditions = EVERY_TICKET


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """Everything a clock needs: the calendars and the ordered policies that name them.

    Attributes
    ----------
    calendars : mapping of str to Calendar
    policies : tuple of SlaPolicy
        In the order in which they are tried.
    replies : Replies
        What counts as a reply.
    void : Conditions
        Tickets that leave every rate: spam, tests, deleted ones. Empty for none.
    merged_into : str
        Field that names the ticket into which one was merged; from then on it counts there.
        Empty for none.

    Examples
    --------
    >>> target = Target("resolution_time", "office", {"high": 1}, default=2)
    >>> ServiceLevels({}, (SlaPolicy("all", (target,)),)).priorities
    ('high',)
    """

    calendars: Mapping[str, Calendar]
    policies: tuple[SlaPolicy, ...]
    replies: Replies = Replies()
    void: Conditions = EVERY_TICKET
    merged_into: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that any policy times, in order of first mention."""
        return tuple(dict.fromkeys(t.metric for p in self.policies for t in p.targets))

    @property
    def priorities(self) -> tuple[str, ...]:
        """Every priority that has a target of its own."""
        names = (name for p in self.policies for t in p.targets for name in t.by_priority)
        return tuple(dict.fromkeys(names))

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of a ticket that any rule looks at."""
        found = [*self.void.fields, *self.replies.unless.fields]
        found += [self.merged_into] if self.merged_into else []
        for policy in self.policies:
            found += policy.when.fields
            for target in policy.targets:
                if not isinstance(target.calendar, str):
                    found += [name for name, _ in target.calendar.by]
                found += [target.pause_until] if target.pause_until else []
        return tuple(dict.fromkeys(found))
