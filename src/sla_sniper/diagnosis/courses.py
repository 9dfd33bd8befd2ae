"""What happened on the way: where the time of each clock went, and how it was handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.instants import HOUR_US
from sla_sniper.core.schema import CYCLES, STATUSES, TICKET_KEY
from sla_sniper.sla.clock import read_clocks, tabulate
from sla_sniper.sla.facts import read_facts
from sla_sniper.sla.runs import latest
from sla_sniper.sla.segments import NEVER, NO_TARGET, PAUSED, STOPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import ServiceLevels
    from sla_sniper.sla.segments import Segments

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]

LEGS: Final = (
    "in_work",
    "unassigned",
    "between_groups",
    "waiting_requester",
    "waiting_vendor",
    "on_hold",
    "after_hours",
    "resolved",
)
"""Where the time of a clock goes; every microsecond of wall time belongs to one of them.

`in_work`, `unassigned` and `between_groups`: somebody has the ticket, nobody has, or a group has
passed it on and nothing has been done since. Waiting and `on_hold` go by the ticket's status,
whatever the clock makes of it; `resolved` is the time between an end and a reopening. All these
are open hours of the clock's calendar; `after_hours` is what of any of them falls outside.
"""
ON_CLOCK: Final = tuple(leg for leg in LEGS if leg != "after_hours")
"""Legs in which a clock may run: outside open hours none does."""
SHORT_PAUSE_US: Final = 15 * 60_000_000
_IN_WORK, _UNASSIGNED, _BETWEEN, _REQUESTER, _VENDOR, _HOLD, _AFTER, _RESOLVED = range(len(LEGS))
_WAITING: Final = {"waiting_requester": _REQUESTER, "waiting_vendor": _VENDOR, "on_hold": _HOLD}
_STATUS_NAMES: Final = pl.Series([*STATUSES, None], dtype=pl.String)
_ENDED: Final = ("resolved", "closed", "cancelled")


def courses(
    events: pl.DataFrame,
    levels: ServiceLevels,
    metric: str,
    *,
    as_of: datetime,
    assigning: Collection[str],
) -> pl.DataFrame:
    """Read the clocks of one metric, each with where its time went and how it was handled.

    Parameters
    ----------
    events : DataFrame
        Canonical events of whole tickets that were recorded by `as_of`, sorted.
    metric : str
        What is timed.
    assigning : collection of str
        Sources that tell who works on a ticket; of others one that is "new" counts as unassigned.

    Returns
    -------
    DataFrame
        Schema `core.schema.CYCLES`; `wall_us` from the start of the clock to its end or `as_of`,
        and the `LEGS` as `<leg>_us`, which sum to it to the microsecond; what of the legs
        `ON_CLOCK` the clock counted as `<leg>_ran_us`, which sum to `elapsed_us` likewise: from
        the last instant on at which it stood at zero, and below zero where `pause_unit` is
        "wall" and a pause moved the deadline by more open time than it took. `n_pauses`,
        `n_short_pauses` (under a quarter of an hour); `paused_at` and `relaxed_at`, the share of
        the target used when the last pause began, and when a target was replaced by a longer
        one; `reopened_after`, the fewest hours of wall time after which an end of the ticket that
        stopped this clock was undone. Null where that never happened. `ended_by`, the status of the
        ticket that stopped the clock last, null for another reason.
    """
    read = [
        each for each in read_clocks(events, levels, as_of=as_of) if each[0].rule.metric == metric
    ]
    facts = read_facts(events, levels, TICKET_KEY) if read else None
    replaced = _replaced([segments for segments, _ in read], events.height)
    parts = [
        tabulate(segments, reading, events).hstack(
            _course(
                segments,
                reading,
                _Rows(events, facts, assigning),
                replaced[_clock(segments)],
            )
        )
        for segments, reading in read
        if facts is not None
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema={**CYCLES, **_SCHEMA})


def _clock(segments: Segments) -> str:
    """What the targets of one clock share; one that starts with its policy is its own."""
    return segments.policy.name if segments.rule.start == "attached" else ""


def _replaced(folds: Sequence[Segments], n_rows: int) -> dict[str, tuple[Ints, Floats]]:
    """Target in force until each row of the events, whichever rule set it, and its part used."""
    found = {_clock(each): (np.full(n_rows, NO_TARGET), np.full(n_rows, np.nan)) for each in folds}
    for each in folds:
        target, share = found[_clock(each)]
        at = np.flatnonzero((each.target != NO_TARGET) & ~each.ends_ticket)
        following = each.row[at + 1]
        target[following] = each.target[at]
        share[following] = each.elapsed_at(each.ends[at], at) / np.maximum(each.target[at], 1)
    return found


_SCHEMA: Final = {
    "wall_us": pl.Int64(),
    **{f"{leg}_us": pl.Int64() for leg in LEGS},
    **{f"{leg}_ran_us": pl.Int64() for leg in ON_CLOCK},
    "n_pauses": pl.Int64(),
    "n_short_pauses": pl.Int64(),
    "paused_at": pl.Float64(),
    "relaxed_at": pl.Float64(),
    "reopened_after": pl.Float64(),
    "ended_by": pl.String(),
}


class _Rows:
    """What holds after each row of the events."""

    def __init__(self, events: pl.DataFrame, facts: Facts, assigning: Collection[str]) -> None:
        self.facts = facts
        self.leg = _leg_of_status(facts)
        tells = events["source"].is_in(list(assigning)).to_numpy()
        is_free = np.where(tells, ~facts.is_assigned, facts.status == STATUSES.index("new"))
        groups, agents = (_changes(events[name], facts.first) for name in ("group", "assignee"))
        is_passed_on = groups & ~agents
        self.leg = np.where((self.leg == _IN_WORK) & is_free, _UNASSIGNED, self.leg)
        active = (self.leg == _IN_WORK) | (self.leg == _UNASSIGNED)
        self.leg = np.where(active & is_passed_on, _BETWEEN, self.leg)


def _leg_of_status(facts: Facts) -> Ints:
    """Leg by the status alone; the last place is for any other."""
    legs = np.full(len(STATUSES) + 1, _IN_WORK)
    for status, leg in _WAITING.items():
        legs[STATUSES.index(status)] = leg
    for status in _ENDED:
        legs[STATUSES.index(status)] = _RESOLVED
    return legs[facts.status]


def _changes(column: pl.Series, first: Flags) -> Flags:
    """Rows whose value differs from the ticket's last known one; the first value is no change."""
    is_known = column.is_not_null().to_numpy()
    last = np.r_[0, latest(is_known | first)][: len(first)]
    differs = (column != column.gather(last)).fill_null(value=False).to_numpy()
    return np.asarray(differs & ~first)


def _course(
    segments: Segments, reading: Reading, rows: _Rows, replaced: tuple[Ints, Floats]
) -> pl.DataFrame:
    """Legs and handling of each clock, in the order of `reading.chosen`."""
    clock = _clock_of_row(segments, reading, rows.facts)
    inside = np.flatnonzero(clock >= 0)
    clock = clock[inside]
    n = len(reading.chosen)
    starts = segments.start[reading.chosen]
    ends = np.where(reading.fulfilled != NEVER, reading.fulfilled, reading.at)
    ends = np.maximum(ends, starts)
    begin = np.clip(segments.begins[inside], starts[clock], ends[clock])
    end = np.clip(segments.ends[inside], starts[clock], ends[clock])
    leg = rows.leg[segments.row[inside]]
    is_open = _open(segments, begin, end)
    legs = _per_leg(clock, leg, is_open, n)
    legs += _per_leg(clock, np.full(len(clock), _AFTER), end - begin - is_open, n)
    ran = _per_leg(clock, leg, _ran(segments, reading, inside, clock), n)
    columns = {f"{name}_us": legs[:, place] for place, name in enumerate(LEGS)}
    counted = {f"{name}_ran_us": ran[:, LEGS.index(name)] for name in ON_CLOCK}
    return pl.DataFrame(
        {"wall_us": ends - starts}
        | columns
        | counted
        | _handling(segments, inside, clock, (begin, end, n))
        | {"relaxed_at": _relaxed(segments, inside, clock, replaced, n)}
        | _ends(segments, inside, clock, rows.facts, n),
        schema=_SCHEMA,
    )


def _per_leg(clock: Ints, leg: Ints, amount: Ints, n: int) -> Ints:
    """Sum what each segment has by clock and leg, of shape (n_clocks, n_legs)."""
    place, size = clock * len(LEGS) + leg, n * len(LEGS)
    sums = np.bincount(place, amount.astype(np.float64), minlength=size)
    return sums.astype(np.int64).reshape(n, len(LEGS))


def _ran(segments: Segments, reading: Reading, inside: Ints, clock: Ints) -> Ints:
    """What the clock counted in each segment; nothing before it last stood at zero."""
    used = segments.elapsed[inside]
    after = np.r_[used[1:], 0]
    last = np.r_[clock[1:] != clock[:-1], np.ones(min(len(clock), 1), dtype=bool)]
    after[last] = reading.elapsed[clock[last]]
    at = np.arange(len(used))
    zero = np.zeros(len(reading.chosen), dtype=np.int64)
    zero[clock[used == 0]] = at[used == 0]
    return np.where(at >= zero[clock], after - used, 0)


def _clock_of_row(segments: Segments, reading: Reading, facts: Facts) -> Ints:
    """Place in `reading.chosen` of the clock that each segment belongs to; -1 for none."""
    ticket = facts.ticket[segments.row]
    begins = np.ones(len(ticket), dtype=bool)
    begins[1:] = (ticket[1:] != ticket[:-1]) | (segments.cycle[1:] != segments.cycle[:-1])
    run = np.cumsum(begins) - 1
    place = np.full(int(run[-1]) + 1 if len(run) else 0, -1, dtype=np.int64)
    place[run[reading.chosen]] = np.arange(len(reading.chosen))
    found: Ints = place[run]
    return found


def _open(segments: Segments, begin: Ints, end: Ints) -> Ints:
    if not len(begin):
        return np.zeros(0, dtype=np.int64)
    compiled = segments.calendar.compiled(int(begin.min()), int(end.max()))
    return np.asarray(compiled.open_until(end) - compiled.open_until(begin))


def _handling(
    segments: Segments, inside: Ints, clock: Ints, spans: tuple[Ints, Ints, int]
) -> dict[str, pl.Series]:
    """Pauses of each clock."""
    begin, end, n = spans
    state, target = segments.state[inside], segments.target[inside]
    is_same = np.r_[False, clock[1:] == clock[:-1]]
    is_known = (target != NO_TARGET) & (target > 0)
    share = np.where(is_known, segments.elapsed[inside] / np.maximum(target, 1), np.nan)
    lasts = end > begin
    pauses = (state == PAUSED) & lasts & ~(is_same & np.r_[False, state[:-1] == PAUSED])
    stands = np.where(state == PAUSED, end - begin, 0).astype(np.float64)
    run = np.cumsum(pauses) - 1
    paused = np.flatnonzero((state == PAUSED) & (run >= 0))
    length = np.bincount(run[paused], stands[paused], minlength=int(pauses.sum()))
    first = np.flatnonzero(pauses)
    return {
        "n_pauses": pl.Series(np.bincount(clock[first], minlength=n)),
        "n_short_pauses": pl.Series(
            np.bincount(clock[first[length < SHORT_PAUSE_US]], minlength=n)
        ),
        "paused_at": _last(share[first], clock[first], n),
    }


def _relaxed(
    segments: Segments, inside: Ints, clock: Ints, replaced: tuple[Ints, Floats], n: int
) -> pl.Series:
    """Share used of a target of each clock that a longer one replaced, of any rule."""
    row = segments.row[inside]
    before, share = replaced[0][row], replaced[1][row]
    is_same = np.r_[False, clock[1:] == clock[:-1]]
    grew = (before > 0) & (segments.target[inside] > before) & (segments.state[inside] < STOPPED)
    relaxed = np.flatnonzero(is_same & grew)
    return _last(share[relaxed], clock[relaxed], n)


def _ends(
    segments: Segments, inside: Ints, clock: Ints, facts: Facts, n: int
) -> dict[str, pl.Series]:
    """By which status each clock was stopped last, and when an end that stopped it was undone."""
    ended = facts.is_in(segments.rule.stop_in)
    is_stopped = segments.state[inside] == STOPPED
    went_on = np.r_[False, is_stopped[:-1] & (clock[1:] == clock[:-1])]
    row = segments.row[inside]
    stops = np.flatnonzero(is_stopped & ~went_on)
    status = np.full(n, -1)
    status[clock[stops]] = np.where(ended[row[stops]], facts.status[row[stops]], -1)
    by_status = stops[ended[row[stops]]]
    return {
        "ended_by": _STATUS_NAMES.gather(np.where(status < 0, len(STATUSES), status)),
        "reopened_after": _undone(facts, ended, row[by_status], clock[by_status], n),
    }


def _undone(facts: Facts, ended: Flags, row: Ints, clock: Ints, n: int) -> pl.Series:
    """Fewest hours from the rows that stopped each clock until that was undone; null for never."""
    back = np.flatnonzero(~ended & ~facts.is_void & ~facts.first & np.r_[False, ended[:-1]])
    place = np.searchsorted(back, row)
    is_later = place < len(back)
    row, clock, back = row[is_later], clock[is_later], back[place[is_later]]
    is_same = facts.ticket[back] == facts.ticket[row]
    hours = (facts.begins[back] - facts.begins[row]) / HOUR_US
    found = np.full(n, np.inf)
    np.minimum.at(found, clock[is_same], hours[is_same])
    return pl.Series(np.where(np.isinf(found), np.nan, found)).fill_nan(None)


def _last(values: Floats, clock: Ints, n: int) -> pl.Series:
    """The last value of each clock, null where it has none."""
    found = np.full(n, np.nan)
    found[clock] = values
    return pl.Series(found).fill_nan(None)
