"""What an explanation of one ticket is made of: values, no words of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from sla_sniper.sla.clock import Verdict

Kind = Literal[
    "begins",
    "pauses",
    "resumes",
    "stops",
    "reopens",
    "final",
    "target",
    "policy",
    "calendar",
    "uncovered",
    "overdue",
    "hides",
    "shows",
    "cut",
    "cancelled",
]
State = Literal["running", "paused", "stopped"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A key of `sla.toml` and its value, as the file writes it."""

    key: str
    value: str
    is_default: bool = False

    def __str__(self) -> str:
        return f"{self.key} = {self.value}{' (by default)' if self.is_default else ''}"


@dataclass(frozen=True, slots=True)
class Change:
    """One transition of a clock, the rule that caused it, and both in a sentence."""

    kind: Kind
    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class Leg:
    """A span in which a clock stays in one state; the instants are cut to whole seconds.

    Attributes
    ----------
    state : str
        Running, paused or stopped.
    open_us, closed_us : int
        Time inside and outside the open hours; together exactly the wall time.
    used_us : int
        Working time used when the span ends.
    left_us : int or None
        Working time left then, negative over time; None where no target is in force, or a pause
        is yet to move the deadline by wall time.
    due_at : datetime or None
        The deadline while it lasts; None where nobody can know it, or there is none.
    shifts : tuple of str
        Changes of the local clocks inside the span, a sentence each.
    """

    state: State
    start: datetime
    end: datetime
    open_us: int
    closed_us: int
    used_us: int
    left_us: int | None
    due_at: datetime | None
    shifts: tuple[str, ...] = ()

    @property
    def wall_us(self) -> int:
        """Wall time."""
        return self.open_us + self.closed_us


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant at which something changes for a clock.

    Attributes
    ----------
    happened : tuple of str
        What happened in the ticket; empty where only time went by.
    changes : tuple of Change
        What that means for the clock, in order; never empty.
    leg : Leg or None
        The span that follows; None after the end.
    """

    at: datetime
    happened: tuple[str, ...]
    changes: tuple[Change, ...]
    leg: Leg | None


@dataclass(frozen=True, slots=True)
class Move:
    """A deadline that moved, when, and what moved it."""

    at: datetime
    before: datetime
    after: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Where the wall time of a clock went, under the rule that counts in the end.

    Attributes
    ----------
    running_us, paused_us, stopped_us : int
        Open hours in each state.
    closed_us : int
        Outside open hours. The four add up to the wall time exactly.
    """

    start: datetime
    end: datetime
    running_us: int
    paused_us: int
    stopped_us: int
    closed_us: int

    @property
    def wall_us(self) -> int:
        """Wall time from start to end."""
        return self.running_us + self.paused_us + self.stopped_us + self.closed_us


@dataclass(frozen=True, slots=True)
class Ahead:
    """What will happen if nobody touches the ticket.

    Attributes
    ----------
    kind : str
        ``opening``, ``closing``, ``warning``, ``resumes``, ``deadline`` or ``none``.
    at : datetime or None
        When; None where nobody can know.
    """

    kind: Literal["opening", "closing", "warning", "resumes", "deadline", "none"]
    at: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True)
class ClockStory:
    """One clock of one ticket from its start to the instant of the reading.

    Attributes
    ----------
    cycle, n_cycles : int
        Which activation of the metric it is, from 1, and of how many.
    allowed : str
        What the target allows, in words.
    target_rule, calendar_rule : Rule
        The keys that set target and calendar.
    pause_unit : {"working", "wall"}
        By which time a pause moves the deadline.
    state : str
        As `sniper clock` has it.
    elapsed_us, left_us, paused_us : int
        Working time used, left (negative over time), and lost to pauses.
    wall_left_us : int or None
        Wall time from the reading, or from the end, to the deadline; negative after it.
    due_at : datetime or None
        The deadline, also the one of a clock that has ended; None while paused or hidden.
    ended_at : datetime or None
        When it was answered, resolved or cut; None while open.
    """

    metric: str
    cycle: int
    n_cycles: int
    policy: str
    calendar: str
    priority: str
    allowed: str
    target_rule: Rule
    calendar_rule: Rule
    pause_unit: Literal["working", "wall"]
    target_us: int
    state: Verdict
    elapsed_us: int
    left_us: int
    paused_us: int
    wall_left_us: int | None
    due_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None
    moments: tuple[Moment, ...]
    moves: tuple[Move, ...]
    totals: Totals
    ahead: tuple[Ahead, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it can still change."""
        return self.state in {"running", "paused", "overdue"}


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """Whether a policy covers the ticket as it is now, and why.

    Attributes
    ----------
    reasons : tuple of str
        A sentence for each condition that decided.
    is_tried : bool
        False behind a policy that covered the ticket.
    """

    name: str
    is_covering: bool
    is_tried: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Untimed:
    """A metric without a clock on this ticket, and why."""

    metric: str
    policy: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Tick:
    """An event of the ticket, for the picture."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said about the clocks of one ticket as of an instant.

    Attributes
    ----------
    timezone : str
        In which all instants are told.
    values : mapping of str to str
        The ticket as of then: status, priority, group and so on.
    hours : mapping of str to tuple of (datetime, datetime)
        Open hours of each calendar that a clock uses, over what the clocks cover.
    """

    source: str
    ticket_id: str
    as_of: datetime
    timezone: str
    opened_at: datetime
    values: dict[str, str]
    policy: str
    clocks: tuple[ClockStory, ...]
    untimed: tuple[Untimed, ...]
    policies: tuple[PolicyCheck, ...]
    ticks: tuple[Tick, ...]
    hours: dict[str, tuple[tuple[datetime, datetime], ...]]
