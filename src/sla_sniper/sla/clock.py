"""Cycles: what every clock shows as of an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
import polars as pl

from sla_sniper.core.instants import to_us
from sla_sniper.core.schema import CYCLES, INSTANT, TICKET_KEY
from sla_sniper.sla.policy import ServiceLevels
from sla_sniper.sla.segments import CANCELLED, NEVER, NO_TARGET, PAUSED, STOPPED, Segments, fold
from sla_sniper.sla.warnings import next_warnings

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

Verdict: TypeAlias = Literal["running", "paused", "overdue", "met", "missed", "cancelled"]
STATE_NAMES: Final[tuple[Verdict, ...]] = (
    "running",
    "paused",
    "overdue",
    "met",
    "missed",
    "cancelled",
)
IS_RUNNING, IS_PAUSED, OVERDUE, MET, MISSED, IS_CANCELLED = range(len(STATE_NAMES))
_MOST_CYCLES: Final = 1 << 32
_STATES: Final = np.array(STATE_NAMES, dtype=object)


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
    parts = [tabulate(*each, events) for each in read_clocks(events, levels, as_of=as_of)]
    if not parts:
        return pl.DataFrame(schema=dict(CYCLES))
    return pl.concat(parts).sort("source", "ticket_id", "metric", "policy", "cycle")


def read_clocks(
    events: pl.DataFrame, levels: ServiceLevels, *, as_of: datetime
) -> list[tuple[Segments, Reading]]:
    """Fold events and read every clock: each target in each calendar with its reading.

    Parameters are those of `cycles`.
    """
    if events.is_empty():
        return []
    as_of_us, folded = to_us(as_of), fold(events, levels)
    number = events.select(pl.struct(TICKET_KEY).rle_id()).to_series()
    ticket = number.to_numpy().astype(np.int64)
    ledgers = {
        clock: _ledger([each for each in folded if _clock(each) == clock], ticket, as_of_us)
        for clock in set(map(_clock, folded))
    }
    return [
        (segments, read_cycles(segments, as_of_us, ledgers[_clock(segments)], ticket))
        for segments in folded
    ]


def _clock(segments: Segments) -> tuple[str, str]:
    """What the folds that count the same cycles share: one that starts by its policy is its own."""
    is_own = segments.rule.start == "attached"
    return segments.rule.metric, segments.policy.name if is_own else ""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """First breaches of each ticket's cycles under any of the rules that counted them.

    Attributes
    ----------
    keys : ndarray of int of shape (n_entries,)
        Ticket and cycle in one number, ascending.
    since : ndarray of int of shape (n_entries,)
        The first breach, microseconds.
    """

    keys: Ints
    since: Ints

    def first(self, keys: Ints) -> Ints:
        """First breach of each key of shape (n,); `NEVER` where there is none."""
        if not len(self.keys):
            return np.full(len(keys), NEVER)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.since[place], NEVER)


_NO_LEDGER: Final = Ledger(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def _ledger(folded: list[Segments], ticket: Ints, as_of_us: int) -> Ledger:
    """Join what different policies and calendars wrote down about the same cycles."""
    if len(folded) <= 1:
        return _NO_LEDGER
    keys, since = [], []
    for segments in folded:
        ends = np.flatnonzero(segments.ends_cycle & (segments.missed_since <= as_of_us))
        keys.append(_keys(segments, ends, ticket))
        since.append(segments.missed_since[ends])
    unique, place = np.unique(np.concatenate(keys), return_inverse=True)
    earliest = np.full(len(unique), NEVER)
    np.minimum.at(earliest, place, np.concatenate(since))
    return Ledger(unique, earliest)


def _keys(segments: Segments, chosen: Ints, ticket: Ints) -> Ints:
    return np.asarray(ticket[segments.row[chosen]] * _MOST_CYCLES + segments.cycle[chosen])


def tabulate(segments: Segments, reading: Reading, events: pl.DataFrame) -> pl.DataFrame:
    """Write down what the clocks of one target show, one row each in the order of `reading`.

    Parameters
    ----------
    segments, reading
        As `read_clocks` returns them.
    events : DataFrame
        The events that they were read from.

    Returns
    -------
    DataFrame
        Schema `core.schema.CYCLES`.
    """
    chosen = reading.chosen
    row, applied = segments.row[chosen], segments.applied[chosen]
    is_over = reading.since != NEVER
    return events.select("source", "ticket_id")[row].select(
        "source",
        "ticket_id",
        pl.lit(segments.policy.name).alias("policy"),
        pl.lit(segments.rule.metric).alias("metric"),
        pl.Series("cycle", segments.cycle[chosen]),
        _instants("applied_at", segments.start[chosen]),
        pl.Series("target_us", segments.target[chosen]),
        pl.lit(segments.calendar.name).alias("calendar"),
        pl.Series("state", _STATES[reading.state], dtype=pl.String),
        pl.Series("elapsed_us", reading.elapsed),
        pl.Series("paused_us", reading.paused),
        _instants("due_at", np.where(reading.is_shown, reading.due, NEVER)),
        _instants("breached_at", np.where(is_over, reading.since, NEVER)),
        _instants("fulfilled_at", reading.fulfilled),
        events["priority"][applied].alias("priority_applied"),
        _instants("recorded_breach_at", reading.recorded),
        *_next_warnings(segments, reading),
    )  # fmt: skip


def _next_warnings(segments: Segments, reading: Reading) -> tuple[pl.Series, pl.Series]:
    """When each open clock is to be warned about next, and by which point of its target."""
    if not segments.rule.warn_at:
        none = [None] * len(reading.chosen)
        return (
            pl.Series("next_warning_at", none, dtype=INSTANT),
            pl.Series("next_warning", none, dtype=pl.String),
        )
    is_open = reading.state <= OVERDUE
    when, point = next_warnings(
        segments, reading.chosen, at=reading.at, elapsed=reading.elapsed, is_open=is_open
    )
    labels = np.array([*(each.label for each in segments.rule.warn_at), None])
    return _instants("next_warning_at", when), pl.Series(
        "next_warning", labels[point].tolist(), dtype=pl.String
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What clocks show at an instant; arrays of shape (n_cycles,), microseconds.

    Attributes
    ----------
    chosen : ndarray of int
        Segment that each cycle is read in: its last one.
    at : ndarray of int
        The instant, or the end of the cycle where that is earlier.
    state : ndarray of int
        Index into running, paused, overdue, met, missed, cancelled.
    elapsed, paused : ndarray of int
        Open time used, and lost to pauses.
    due : ndarray of int
        The deadline; `NEVER` while nobody can know it.
    is_shown : ndarray of bool
        Whether the deadline is shown: not while paused or hidden.
    since, recorded : ndarray of int
        Since when the clock is over time; the same by any target that was ever in force.
    fulfilled : ndarray of int
        When the cycle ended; `NEVER` before.
    """

    chosen: Ints
    at: Ints
    state: Ints
    elapsed: Ints
    paused: Ints
    due: Ints
    is_shown: Flags
    since: Ints
    recorded: Ints
    fulfilled: Ints


def read_cycles(
    segments: Segments, as_of_us: int, ledger: Ledger = _NO_LEDGER, ticket: Ints | None = None
) -> Reading:
    """Read every cycle of one target as of an instant.

    Parameters
    ----------
    ledger : Ledger
        What other rules wrote down about the same cycles.
    ticket : ndarray of int of shape (n_events,), optional
        Number of the ticket of each row of the events; needed with a ledger.
    """
    chosen = np.flatnonzero(segments.ends_cycle & (segments.target != NO_TARGET))
    at = np.minimum(np.int64(as_of_us), segments.ends[chosen])
    elapsed = segments.elapsed_at(at, chosen)
    is_over = segments.is_over_at(at, chosen, elapsed)
    due, late_since = _ended_due(segments, chosen, at, elapsed)
    recorded = _recorded(segments, chosen, np.where(is_over, late_since, NEVER), at)
    if ticket is not None:
        recorded = np.minimum(recorded, ledger.first(_keys(segments, chosen, ticket)))
    is_missed = is_over | (recorded != NEVER) if segments.rule.keeps_ledger else is_over
    state = _state(segments, chosen, is_missed, at)
    since = np.where(is_over, late_since, NEVER)
    if segments.rule.keeps_ledger:
        since = np.where(is_missed, recorded, NEVER)
    stops = (state == MET) | (state == MISSED)
    is_paused = (segments.state[chosen] == PAUSED) & (segments.resumes[chosen] > at)
    is_hidden = (is_paused & ~is_over) | (segments.hidden_until[chosen] > at)
    return Reading(
        chosen=chosen,
        at=at,
        state=state,
        elapsed=elapsed,
        paused=segments.paused_at(at, chosen),
        due=due,
        is_shown=stops | ~is_hidden,
        since=since,
        recorded=recorded,
        fulfilled=np.where(stops, np.minimum(segments.stopped_since[chosen], at), NEVER),
    )


def _ended_due(
    segments: Segments, chosen: Ints, at: Ints, elapsed: Ints
) -> tuple[Ints, Ints]:  # fmt: skip
    """Deadlines, and since when each clock is over time if it is.

    The deadline of a cycle cut off while it stood still is as if it had gone on there.
    """
    due, earlier = segments.due[chosen].copy(), segments.over_since[chosen]
    if not segments.rule.is_vendor:
        is_cut = segments.is_cut[chosen] & (segments.ends[chosen] <= at)
        # One that has stopped, cancelled since or not, has the deadline that it stopped under.
        stands = (segments.resumes[chosen] > at) & (segments.stopped_since[chosen] == NEVER)
        left = segments.target[chosen] - elapsed
        if segments.rule.pause_unit == "wall":
            undone = segments.is_undone_at(at, chosen)
            earlier = np.where(undone, NEVER, earlier)
            # A deadline that had come when the clock stood still, but had not passed, moves too.
            rows = np.flatnonzero((is_cut & stands & (left >= 0)) | undone)
            resumes = np.minimum(segments.resumes[chosen], at)[rows]
            due[rows] = (segments.deadline - segments.begins)[chosen[rows]] + resumes
        else:
            rows = np.flatnonzero(is_cut & stands & (left > 0))
            ends = segments.calendar.add_us(at[rows], left[rows])
            due[rows] = segments.calendar.settled(ends)
    return due, np.where(earlier != NEVER, earlier, due)


def _recorded(segments: Segments, chosen: Ints, now: Ints, at: Ints) -> Ints:
    """Since when any target of the cycle has been missed; what lies after `at` is unknown."""
    found = np.minimum(now, segments.missed_since[chosen])
    return np.where(found <= at, found, np.where(now != NEVER, at, NEVER))


def _state(segments: Segments, chosen: Ints, is_over: Flags, at: Ints) -> Ints:
    """Index into the states."""
    state = segments.state[chosen]
    is_cancelled = _is_cancelled(segments)[chosen]
    is_stopped = (state == STOPPED) | (segments.is_cut[chosen] & (segments.ends[chosen] <= at))
    is_paused = (state == PAUSED) & (segments.resumes[chosen] > at)
    return np.select(
        [is_cancelled, is_stopped, is_over, is_paused],
        [IS_CANCELLED, np.where(is_over, MISSED, MET), OVERDUE, IS_PAUSED],
        IS_RUNNING,
    )


def _is_cancelled(segments: Segments) -> Flags:
    """Whether each segment belongs to a ticket that was cancelled in the end."""
    last = np.flatnonzero(segments.ends_ticket)
    number: Ints = np.cumsum(segments.ends_ticket) - segments.ends_ticket
    return np.asarray((segments.state[last] == CANCELLED)[number])


def _instants(name: str, us: Ints) -> pl.Series:
    return pl.Series(name, us).set(pl.Series(us == NEVER), None).cast(INSTANT)
