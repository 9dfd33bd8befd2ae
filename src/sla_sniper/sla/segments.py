"""The clock as a fold over whole tickets: one segment for each event of each timed ticket.

A segment is the stretch between one event of a ticket and the next. In it status, priority
and policy stand still, so the clock runs, is paused or has stopped, and everything the clock
can show at any instant inside is its reading at the start plus open time since. Cycles and
snapshots both read segments; nothing here knows an `as_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.instants import to_us
from sla_sniper.core.schema import STOPPED_STATUSES, TICKET_KEY
from sla_sniper.sla.policy import UnknownTargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

RUNNING, PAUSED, STOPPED, CANCELLED = range(4)
NEVER: Final = np.int64(2**62)
"""Stands for "not yet": later than every instant."""
NO_TARGET: Final = np.int64(-(2**62))
_FAR: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
"""A deadline from here on is a way to write that there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Segments of one target's clock, in the order of the events given.

    All arrays have shape (n_segments,); instants and durations are microseconds.

    Attributes
    ----------
    row : ndarray of int
        Row of the event, in the events frame, that began the segment.
    applied : ndarray of int
        Row of the event whose values set the target in force.
    cycle : ndarray of int
        1 for the first activation of the target on the ticket.
    start : ndarray of int
        When the clock of the ticket started.
    begins, ends : ndarray of int
        The segment, cut at `start`; `ends` is `NEVER` for the last one of a ticket.
    state : ndarray of int
        `RUNNING`, `PAUSED`, `STOPPED` or `CANCELLED`.
    elapsed, paused : ndarray of int
        Open time used, and lost to pauses, when the segment begins.
    target : ndarray of int
        Target in force; `NO_TARGET` where there is none.
    deadline : ndarray of int
        The help desk's own deadline, where the target is `vendor`; else `NEVER`.
    due : ndarray of int
        When the target is used up if the clock runs on from here. While paused or stopped:
        of the last running segment. `NEVER` where unknown.
    over_since : ndarray of int
        Since when more than the target has been used; `NEVER` where it is not yet when the
        segment begins.
    stopped_since : ndarray of int
        When the present standstill by resolving or closing began; `NEVER` while open.
    """

    policy: SlaPolicy
    rule: Target
    calendar: Calendar
    row: Ints
    applied: Ints
    cycle: Ints
    start: Ints
    begins: Ints
    ends: Ints
    state: Ints
    elapsed: Ints
    paused: Ints
    target: Ints
    deadline: Ints
    due: Ints
    over_since: Ints
    stopped_since: Ints

    @property
    def ends_cycle(self) -> Flags:
        """Whether each segment is the last one of its cycle."""
        last: Flags = np.r_[
            (self.row[1:] != self.row[:-1] + 1)
            | (self.cycle[1:] != self.cycle[:-1])
            | (self.ends[:-1] == NEVER),
            True,
        ]
        return last

    def elapsed_at(self, at: Ints, chosen: Ints) -> Ints:
        """Open time used at instants `at` inside segments `chosen`, both of shape (n,)."""
        return self.elapsed[chosen] + self._since(at, chosen, RUNNING)

    def paused_at(self, at: Ints, chosen: Ints) -> Ints:
        """Open time lost to pauses at instants `at` inside segments `chosen`."""
        return self.paused[chosen] + self._since(at, chosen, PAUSED)

    def _since(self, at: Ints, chosen: Ints, state: int) -> Ints:
        if not len(chosen):
            return np.zeros(0, dtype=np.int64)
        begins = self.begins[chosen]
        until = np.maximum(at, begins)
        compiled = self.calendar.compiled(int(begins.min()), int(until.max()))
        spent = compiled.open_until(until) - compiled.open_until(begins)
        return np.where(self.state[chosen] == state, spent, 0)


def fold(
    events: pl.DataFrame, levels: ServiceLevels, *, keys: Sequence[str] = TICKET_KEY
) -> list[Segments]:
    """Fold events into segments, one `Segments` for each target of each policy.

    Parameters
    ----------
    events : DataFrame of n_events rows
        Canonical events of whole tickets, sorted as `eventlog.read_events` returns them.
    levels : ServiceLevels
        Calendars and policies.
    keys : sequence of str
        Columns that name one ticket; rows of one ticket are together.

    Raises
    ------
    UnknownTargetError
        If a policy covers a priority it has no target for.
    """
    if events.is_empty():
        return []
    tickets = _Tickets.of(events, keys)
    matched = _match(events, tickets, levels)
    return [
        _clock(_Rows.of(events, tickets, matched == index), policy, rule, levels)
        for index, policy in enumerate(levels.policies)
        for rule in policy.targets
        if bool((matched == index).any())
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Tickets:
    """Where tickets begin in the events, and when their clocks start."""

    first: Ints
    code: Ints
    occurred: Ints
    start: Ints

    @classmethod
    def of(cls, events: pl.DataFrame, keys: Sequence[str]) -> _Tickets:
        code = events.select(pl.struct(keys).rle_id()).to_series().to_numpy()
        code = code.astype(np.int64)
        first = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
        occurred = events["occurred_at"].to_physical().to_numpy().astype(np.int64)
        created = events["activity"].str.contains("created", literal=True)
        by_ticket = occurred[first].copy()
        rows = np.flatnonzero(created.fill_null(value=False).to_numpy())[::-1]
        by_ticket[code[rows]] = occurred[rows]
        return cls(first, code, occurred, by_ticket[code])


def _match(events: pl.DataFrame, tickets: _Tickets, levels: ServiceLevels) -> Ints:
    """Index of the policy of each row, -1 for none: first match wins."""
    started = pl.Series("started", tickets.start).cast(events["occurred_at"].dtype)
    chain = pl.lit(-1)
    for index, policy in reversed(list(enumerate(levels.policies))):
        chosen = policy.expression(pl.col("_started"))
        chain = pl.when(chosen).then(pl.lit(index)).otherwise(chain)
    frame = events.with_columns(started.alias("_started")).with_columns(chain.alias("_policy"))
    return frame["_policy"].to_numpy().astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The events of the tickets that one policy covers at some time."""

    events: pl.DataFrame
    row: Ints
    first: Flags
    last: Flags
    start: Ints
    begins: Ints
    ends: Ints
    covered: Flags

    @classmethod
    def of(cls, events: pl.DataFrame, tickets: _Tickets, covered: Flags) -> _Rows:
        row = np.flatnonzero(np.isin(tickets.code, tickets.code[covered]))
        code, start = tickets.code[row], tickets.start[row]
        first = np.r_[True, code[1:] != code[:-1]]
        last = np.r_[first[1:], True]
        begins = np.maximum(tickets.occurred[row], start)
        ends = np.where(last, NEVER, np.r_[begins[1:], 0])
        return cls(events[row], row, first, last, start, begins, ends, covered[row])


def _clock(rows: _Rows, policy: SlaPolicy, rule: Target, levels: ServiceLevels) -> Segments:
    """Fold the rows into the segments of one target."""
    calendar = levels.calendars[rule.calendar]
    state = _states(rows, rule)
    is_stopped = state >= STOPPED
    reopened = ~rows.first & _before(is_stopped) & ~is_stopped
    activated = rows.first | (reopened & (rule.on_reopen == "restart"))
    applied = _applied(rows, is_stopped, activated, rule)
    deadline = _vendor_deadlines(rows) if rule.is_vendor else np.full(len(state), NEVER)
    target = _targets(rows, policy, rule, (calendar, deadline))[applied]
    deadline = deadline[applied]
    resets = activated | _retargeted(target, rows, rule)

    spent = _open_time(rows, calendar)
    elapsed = _since_reset(np.where(state == RUNNING, spent, 0), resets)
    if rule.on_reopen == "count":
        elapsed += _standstills(rows, is_stopped, reopened, np.where(is_stopped, spent, 0))
    if rule.is_vendor:
        over = (target != NO_TARGET) & (rows.begins > deadline)
        can = (state <= PAUSED) & (target != NO_TARGET) & ~over
        used_up = np.where(can, deadline, NEVER)
    else:
        over = (target != NO_TARGET) & (elapsed > target)
        used_up = _used_up(rows.begins, target, elapsed, state == RUNNING, calendar)
    return Segments(
        policy=policy,
        rule=rule,
        calendar=calendar,
        row=rows.row,
        applied=rows.row[applied],
        cycle=_ordinal(activated, rows.first),
        start=np.where(activated & ~rows.first, rows.begins, rows.start)[_latest(activated)],
        begins=rows.begins,
        ends=rows.ends,
        state=state,
        elapsed=elapsed,
        paused=_since_reset(np.where(state == PAUSED, spent, 0), resets),
        target=target,
        deadline=deadline,
        due=used_up[_latest((state == RUNNING) | resets)],
        over_since=_over_since(rows, over, used_up, resets),
        stopped_since=np.where(is_stopped, rows.begins[_standstill(rows, is_stopped)], NEVER),
    )  # fmt: skip


def _applied(rows: _Rows, is_stopped: Flags, activated: Flags, rule: Target) -> Ints:
    """Index of the row whose target is in force: a stopped clock keeps the one it had."""
    here = np.where(is_stopped, _standstill(rows, is_stopped), np.arange(len(rows.row)))
    if rule.on_priority_change != "keep":
        return here
    n_covered: Ints = np.cumsum(rows.covered)
    before: Ints = (n_covered - rows.covered)[_latest(activated)]
    is_first = rows.covered & (n_covered - before == 1)
    return _latest(activated | is_first)[here]


def _standstill(rows: _Rows, is_stopped: Flags) -> Ints:
    """Index of the row with which a present standstill began."""
    return _latest(rows.first | ~_before(is_stopped))


def _standstills(rows: _Rows, is_stopped: Flags, reopened: Flags, spent: Ints) -> Ints:
    """Open time spent stopped, counted from each reopening on: before, nobody could know."""
    before: Ints = np.cumsum(spent) - spent
    began = np.r_[0, _standstill(rows, is_stopped)[:-1]]
    counted: Ints = np.cumsum(np.where(reopened, before - before[began], 0))
    return np.asarray(counted - counted[_latest(rows.first)])


def _targets(
    rows: _Rows, policy: SlaPolicy, rule: Target, vendor: tuple[Calendar, Ints]
) -> Ints:  # fmt: skip
    """Target of each row in microseconds of open time, `NO_TARGET` where there is none."""
    if rule.is_vendor:
        return np.where(rows.covered, _vendor_targets(rows, *vendor), NO_TARGET)
    known = rows.events["priority"].replace_strict(
        dict(rule.by_priority), default=rule.default, return_dtype=pl.Int64
    )
    missing = rows.covered & known.is_null().to_numpy()
    if missing.any():
        tickets = rows.events.filter(missing).unique([*TICKET_KEY, "priority"])
        counts = tickets["priority"].fill_null("").value_counts(sort=True).rows()
        raise UnknownTargetError(policy.name, rule.metric, tuple(counts))
    return np.where(rows.covered, known.fill_null(0).to_numpy(), NO_TARGET)


def _vendor_deadlines(rows: _Rows) -> Ints:
    """The help desk's own deadline as told by each row; `NEVER` where there is none."""
    ticket = pl.Series("ticket", np.cumsum(rows.first))
    told = rows.events.select(
        ticket, "recorded_at", pl.col("vendor_due_at").to_physical().alias("due")
    )
    # A derived `created` row comes before the row that told the deadline, known with it.
    following = pl.when(pl.col("recorded_at").shift(-1) <= pl.col("recorded_at")).then(
        pl.col("due").shift(-1)
    )
    filled = pl.coalesce(pl.col("due").forward_fill(), following).over("ticket")
    due = told.select(filled.alias("due"))["due"].fill_null(int(NEVER))
    at: Ints = due.to_numpy().astype(np.int64)
    return np.where((at > 0) & (at < _FAR), at, NEVER)


def _vendor_targets(rows: _Rows, calendar: Calendar, deadline: Ints) -> Ints:
    """Open time from the start of the clock to the help desk's own deadline."""
    known = deadline != NEVER
    at = np.where(known, deadline, rows.start)
    lowest, highest = min(rows.start.min(), at.min()), max(rows.start.max(), at.max())
    compiled = calendar.compiled(int(lowest), int(highest))
    return np.where(known, compiled.open_until(at) - compiled.open_until(rows.start), NO_TARGET)


def _states(rows: _Rows, rule: Target) -> Ints:
    status = rows.events["status"]
    cancelled = (status == "cancelled").fill_null(value=False).to_numpy()
    stopped = status.is_in(STOPPED_STATUSES).fill_null(value=False).to_numpy()
    if rule.on_reopen == "final":
        n_stops = np.cumsum(stopped)
        stopped = n_stops - (n_stops - stopped)[_latest(rows.first)] > 0
    paused = status.is_in(rule.pause_in).fill_null(value=False).to_numpy()
    return np.select([cancelled, stopped, paused], [CANCELLED, STOPPED, PAUSED], RUNNING).astype(
        np.int64
    )


def _retargeted(target: Ints, rows: _Rows, rule: Target) -> Flags:
    if rule.on_priority_change != "restart":
        return np.zeros_like(rows.first)
    return np.asarray(~rows.first & (target != np.r_[target[:1], target[:-1]]))


def _open_time(rows: _Rows, calendar: Calendar) -> Ints:
    """Open time in each segment; 0 in the last of a ticket, which has no end yet."""
    ends = np.where(rows.last, rows.begins, rows.ends)
    compiled = calendar.compiled(int(rows.begins.min()), int(ends.max()))
    return compiled.open_until(ends) - compiled.open_until(rows.begins)


def _used_up(
    begins: Ints, target: Ints, elapsed: Ints, counts: Flags, calendar: Calendar
) -> Ints:  # fmt: skip
    """When the target is used up if the clock runs on from the start of each segment."""
    left = target - elapsed
    can = counts & (target != NO_TARGET) & (left >= 0)
    due = np.full(len(begins), NEVER)
    due[can] = calendar.add_us(begins[can], left[can])
    return due


def _over_since(rows: _Rows, over: Flags, used_up: Ints, resets: Flags) -> Ints:
    """Since when the clock has been over time, as each segment begins; else `NEVER`."""
    crossed = np.r_[False, (used_up < rows.ends)[:-1]] & ~resets & over
    was_over = _before(over) & ~resets
    # Over at once, without having run: a shorter target came into force.
    begun = over & ~crossed & ~was_over
    marks = np.where(crossed, np.r_[NEVER, used_up[:-1]], rows.begins)
    return np.where(over, marks[_latest(crossed | begun | resets)], NEVER)


def _since_reset(amounts: Ints, resets: Flags) -> Ints:
    """Sum of the amounts before each row, counted from the latest reset."""
    before = np.cumsum(amounts) - amounts
    return before - before[_latest(resets)]


def _ordinal(activated: Flags, first: Flags) -> Ints:
    count: Ints = np.cumsum(activated)
    return np.asarray(count - count[_latest(first)] + 1)


def _latest(marked: Flags) -> Ints:
    """Index of the latest marked row at or before each row; row 0 counts as marked."""
    return np.maximum.accumulate(np.where(marked, np.arange(len(marked)), 0))


def _before(flags: Flags) -> Flags:
    return np.asarray(np.r_[False, flags[:-1]])
