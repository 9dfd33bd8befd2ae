"""The rows that one target is folded over: whole tickets, and what of them it covers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.sla.matching import choose_calendar
from sla_sniper.sla.stages import read_stages
from sla_sniper.sla.targets import first_in_force

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.matching import Matches
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
        Rows from which a new policy or calendar counts anew.
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


def coverages(
    events: pl.DataFrame, facts: Facts, matches: Matches, levels: ServiceLevels
) -> Iterator[tuple[Coverage, Target, str]]:
    """Give each target of each policy, with each calendar it is counted in and its rows."""
    for index, policy in enumerate(levels.policies):
        covered = matches.policy == index
        if covered.any():
            whole = Coverage(policy, events, facts, covered, covered, matches.restarts).narrowed()
            for rule in policy.targets:
                for name, part in _by_calendar(whole, rule):
                    yield part, rule, name


def _by_calendar(whole: Coverage, rule: Target) -> Iterator[tuple[str, Coverage]]:
    """Split what is covered by the calendar it is counted in."""
    if isinstance(rule.calendar, str):
        yield rule.calendar, whole
        return
    facts = whole.facts
    chosen = choose_calendar(whole.events, rule.calendar)
    if rule.on_calendar_change == "keep":
        activated = read_stages(whole.events, facts, whole.attached, rule).opens | facts.first
        chosen = chosen[first_in_force(whole.attached, activated)]
    changed = ~facts.first & (chosen != np.r_[chosen[:1], chosen[:-1]])
    restarts = whole.restarts | (changed & (rule.on_calendar_change == "restart"))
    for place, name in enumerate(rule.calendar.names):
        covered = whole.covered & (chosen == place)
        if covered.any():
            yield name, replace(whole, covered=covered, restarts=restarts).narrowed()
