"""The rows that one target is folded over: whole tickets, and what of them it covers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.sla.matching import choose_calendar
from sla_sniper.sla.restarts import find_restarts
from sla_sniper.sla.stages import read_stages
from sla_sniper.sla.targets import first_in_force

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """All rows of the tickets that a rule covers at some time; arrays of shape (n_rows,).

    Attributes
    ----------
    policy : SlaPolicy
    events : DataFrame
    facts : Facts
        Of the same rows.
    attached : ndarray of bool
        Where the policy is in force.
    covered : ndarray of bool
        The same, in the calendar that is looked at.
    restarts : ndarray of bool
        Rows from which the clock counts anew, whichever rule is in force there.
    open_times : dict
        Open time up to the beginning of each row, for each calendar that was asked for: every
        target of a policy needs the same.
    """

    policy: SlaPolicy
    events: pl.DataFrame
    facts: Facts
    attached: Flags
    covered: Flags
    restarts: Flags
    open_times: dict[str, Ints] = field(default_factory=dict)

    def open_until_begin(self, calendar: Calendar) -> Ints:
        """Open time of a calendar up to the beginning of each row, from some instant on."""
        if calendar.name not in self.open_times:
            begins = self.facts.begins
            compiled = calendar.compiled(int(begins.min()), int(begins.max()))
            self.open_times[calendar.name] = compiled.open_until(begins)
        return self.open_times[calendar.name]

    def narrowed(self) -> Coverage:
        """Leave out tickets without a covered row."""
        first = self.facts.first
        number = np.cumsum(first) - 1
        is_ever = np.zeros(int(number[-1]) + 1, dtype=bool)
        is_ever[number[self.covered]] = True
        if is_ever.all():
            return self
        kept = is_ever[number]
        return Coverage(
            self.policy,
            self.events.filter(kept),
            self.facts.take(kept),
            self.attached[kept],
            self.covered[kept],
            self.restarts[kept],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """One target of one policy over the rows of the tickets that the policy ever covers.

    Attributes
    ----------
    rows : Coverage
    rule : Target
    calendar : ndarray of int of shape (n_rows,)
        Place of each row's calendar among those the target may be counted in.
    """

    rows: Coverage
    rule: Target
    calendar: Ints


def coverages(
    events: pl.DataFrame, facts: Facts, policy: Ints, levels: ServiceLevels
) -> Iterator[tuple[Coverage, Target, str]]:
    """Give each target of each policy, with each calendar it is counted in and its rows.

    Parameters
    ----------
    policy : ndarray of int of shape (n_rows,)
        The policy in force; see `matching.match`.
    """
    shares = list(_shares(events, facts, policy, levels))
    for metric in levels.metrics:
        own = [each for each in shares if each.rule.metric == metric]
        restarts = find_restarts(own, facts)
        for share in own:
            yield from _by_calendar(share, restarts[share.rows.facts.row])


def _shares(
    events: pl.DataFrame, facts: Facts, policy: Ints, levels: ServiceLevels
) -> Iterator[Share]:
    never = np.zeros(len(facts.row), dtype=bool)
    for index, each in enumerate(levels.policies):
        covered = policy == index
        if covered.any():
            rows = Coverage(each, events, facts, covered, covered, never).narrowed()
            for rule in each.targets:
                yield Share(rows, rule, _calendar(rows, rule))


def _calendar(rows: Coverage, rule: Target) -> Ints:
    if isinstance(rule.calendar, str):
        return np.zeros(len(rows.attached), dtype=np.int64)
    chosen = choose_calendar(rows.events, rule.calendar)
    if rule.on_calendar_change == "keep":
        opens = read_stages(rows.events, rows.facts, rows.attached, rule).opens
        chosen = chosen[first_in_force(rows.attached, opens | rows.facts.first)]
    return chosen


def _by_calendar(share: Share, restarts: Flags) -> Iterator[tuple[Coverage, Target, str]]:
    """Split what is covered by the calendar it is counted in."""
    rows, rule = replace(share.rows, restarts=restarts), share.rule
    if isinstance(rule.calendar, str):
        yield rows, rule, rule.calendar
        return
    for place, name in enumerate(rule.calendar.names):
        covered = rows.covered & (share.calendar == place)
        if covered.any():
            yield replace(rows, covered=covered).narrowed(), rule, name
