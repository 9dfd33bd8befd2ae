"""One ticket explained: every clock on it, every transition, and the rule that caused it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.instants import from_us
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.sla.clock import cycles, read_clocks
from sla_sniper.sla.explain_changes import Course
from sla_sniper.sla.explain_clock import Teller
from sla_sniper.sla.explain_happenings import SHOWN, History
from sla_sniper.sla.explain_policies import check_policies, why_untimed
from sla_sniper.sla.explain_values import Explanation, Tick
from sla_sniper.sla.facts import read_facts
from sla_sniper.sla.matching import NO_POLICY, match

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sla_sniper.sla.clock import Reading
    from sla_sniper.sla.explain_values import ClockStory, Untimed
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import ServiceLevels
    from sla_sniper.sla.segments import Segments

_MOST_PERIODS: Final = 400


def explain(
    events: pl.DataFrame, levels: ServiceLevels, *, as_of: datetime, timezone: str
) -> Explanation:
    """Explain the clocks of one ticket.

    Parameters
    ----------
    events : DataFrame
        Canonical events of the one ticket that were recorded by `as_of`, in order; at least one.
    levels : ServiceLevels
        Calendars and policies.
    as_of : datetime
        Aware instant of the reading.
    timezone : str
        IANA zone in which instants are told.

    Returns
    -------
    Explanation
        Legs of a clock add up to its wall time exactly; figures are those of `clock.cycles`.
    """
    events = _whole_seconds(events, levels, as_of)
    facts = read_facts(events, levels, TICKET_KEY)
    history = History.of(events, levels.fields)
    policies = _in_force(events, facts, levels)
    read = read_clocks(events, levels, as_of=as_of)
    stories = _stories(read, history, facts, levels, policies=policies, timezone=timezone)
    covering = policies[-1]
    checks = check_policies(events, history, facts, levels, covering=covering, timezone=timezone)
    last = len(history.rows) - 1
    return Explanation(
        source=str(history.rows[0]["source"]),
        ticket_id=str(history.rows[0]["ticket_id"]),
        as_of=as_of,
        timezone=timezone,
        opened_at=from_us(int(facts.start[0])),
        values={name: value for name in SHOWN if (value := history.value(last, name))},
        policy=covering,
        clocks=tuple(stories),
        untimed=_untimed(history, facts, levels, covering, stories),
        policies=checks,
        ticks=_ticks(history, facts),
        hours=_hours(levels, stories),
    )


def _whole_seconds(events: pl.DataFrame, levels: ServiceLevels, as_of: datetime) -> pl.DataFrame:
    """Cut instants to seconds, so that what is told adds up, unless that changes a verdict."""
    cut = events.with_columns(pl.col("occurred_at").dt.truncate("1s"))
    states = [cycles(each, levels, as_of=as_of)["state"] for each in (events, cut)]
    return cut if states[0].equals(states[1]) else events


def _in_force(events: pl.DataFrame, facts: Facts, levels: ServiceLevels) -> tuple[str, ...]:
    """Name of the policy in force after each row, empty for none."""
    numbers = match(events, facts, levels).tolist()
    return tuple("" if n == NO_POLICY else levels.policies[n].name for n in numbers)


def _stories(
    read: Sequence[tuple[Segments, Reading]],
    history: History,
    facts: Facts,
    levels: ServiceLevels,
    *,
    policies: tuple[str, ...],
    timezone: str,
) -> list[ClockStory]:
    tellers = []
    for segments, reading in read:
        metric = segments.rule.metric
        others = (s for s, _ in read if s is not segments and s.rule.metric == metric)
        course = Course(
            history=history,
            facts=facts,
            segments=segments,
            levels=levels,
            policies=policies,
            others=tuple(others),
            timezone=timezone,
        )
        tellers += [Teller(course, reading, place) for place in range(len(reading.chosen))]
    n_cycles: Counter[str] = Counter()
    for teller in tellers:
        n_cycles[teller.metric] = max(n_cycles[teller.metric], teller.cycle)
    stories = [teller.story(n_cycles[teller.metric]) for teller in tellers]
    order = {metric: place for place, metric in enumerate(levels.metrics)}
    return sorted(stories, key=lambda story: (order[story.metric], story.cycle))


def _untimed(
    history: History,
    facts: Facts,
    levels: ServiceLevels,
    covering: str,
    stories: Sequence[ClockStory],
) -> tuple[Untimed, ...]:
    timed = {story.metric for story in stories}
    policy = next((each for each in levels.policies if each.name == covering), None)
    return tuple(
        why_untimed(history, facts, levels, policy, metric)
        for metric in levels.metrics
        if metric not in timed
    )


def _ticks(history: History, facts: Facts) -> tuple[Tick, ...]:
    moments = enumerate(facts.begins.tolist())
    return tuple(Tick(from_us(at), " ".join(history.told(row, row))) for row, at in moments)


def _hours(
    levels: ServiceLevels, stories: Sequence[ClockStory]
) -> dict[str, tuple[tuple[datetime, datetime], ...]]:
    """Open hours of the calendars in use, over what the clocks cover and their deadlines."""
    found: dict[str, tuple[tuple[datetime, datetime], ...]] = {}
    for name in dict.fromkeys(story.calendar for story in stories):
        mine = [story for story in stories if story.calendar == name]
        start = min(story.totals.start for story in mine)
        ends = [story.totals.end for story in mine]
        ends += [story.due_at for story in mine if story.due_at is not None]
        periods = (
            levels.calendars[name].periods(start, until=max(ends)) if max(ends) > start else []
        )
        found[name] = tuple(periods[:_MOST_PERIODS])
    return found
