"""An explained ticket as lines of text, for a terminal, a page or a reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sla_sniper.core.instants import SECOND_US
from sla_sniper.core.words import percent
from sla_sniper.model.hazard import EDGES
from sla_sniper.panels.words import working_time
from sla_sniper.sla.explain_words import (
    METRIC_WORDS,
    listed,
    sentence,
    time_left,
    wall,
    when,
    working,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_sniper.sla.explain_values import ClockStory, Explanation, Leg, Moment, PolicyCheck
    from sla_sniper.sla.merges import Merge

_WHOLE_HOURS: Final = 10
"""Hours from which minutes are left out."""
_STATES: Final = {"running": "runs", "paused": "stands still", "stopped": "is stopped"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and how it is printed: a style of `rich`, empty for plain."""

    text: str
    style: str = ""


def story_lines(explanation: Explanation, clocks: Sequence[ClockStory]) -> Iterator[Line]:
    """Tell an explanation line by line.

    Parameters
    ----------
    clocks : sequence of ClockStory
        Those to tell; the policies and what has no clock are told in any case.
    """
    zone = explanation.timezone
    yield Line(f"Ticket {explanation.ticket_id}", "bold")
    known = ", ".join(f"{name} {value}" for name, value in explanation.values.items())
    opened = when(explanation.opened_at, zone)
    yield Line(f"Opened on {opened}. Now {known or 'nothing is known of it'}.")
    yield Line(f"As of {when(explanation.as_of, zone)} ({zone}).", "italic")
    for clock in clocks:
        yield Line("")
        yield from _clock(clock, zone)
    yield Line("")
    yield from _policies(explanation)


def _clock(clock: ClockStory, zone: str) -> Iterator[Line]:
    name = METRIC_WORDS[clock.metric]
    turn = f", {clock.cycle} of {clock.n_cycles}" if clock.n_cycles > 1 else ""
    yield Line(f"{name}{turn}: {verdict(clock, zone)}", _style(clock))
    is_wall = clock.pause_unit == "wall"
    moved = '; pauses move its deadline by wall time (pause_unit = "wall")' if is_wall else ""
    yield Line(
        f"Allowed: {clock.allowed} ({clock.target_rule}), by policy {clock.policy!r}, counted in "
        f"the hours of calendar {clock.calendar!r}{moved}."
    )
    for moment in clock.moments:
        yield from _moment(moment, zone)
    for move in clock.moves:
        yield Line(
            f"  The deadline moved from {when(move.before, zone)} to {when(move.after, zone)}, "
            f"by {move.cause}."
        )
    yield Line(f"  {totals_words(clock)}")
    for ahead in clock.ahead:
        yield Line(f"  Next: {ahead.sentence}")


def merged_words(merged: Sequence[Merge], timezone: str) -> str:
    """Say which tickets were merged into this one, and when."""
    told = listed([f"{each.ticket_id} at {when(each.merged_at, timezone)}" for each in merged])
    return f"Merged into this ticket: {told}. Their messages stay where they were said."


def verdict(clock: ClockStory, zone: str) -> str:
    """Say how a clock stands, in a sentence."""
    left, wall_left = working(clock.left_us), _wall_left(clock)
    due = "" if clock.due_at is None else f", due {when(clock.due_at, zone)}"
    late = f"{left if clock.left_us else 'less than a second'} of working time late{wall_left}"
    ahead = f"{left} of working time left{wall_left}" if clock.left_us else "its time is used up"
    spare = f"met with {left} to spare{wall_left}" if clock.left_us else "met exactly on time"
    resumed = f"{time_left(clock.left_us)} left when it runs again"
    if clock.pause_unit == "wall":
        resumed = "its deadline moves by the wall time of the pause"
    sentences = {
        "met": f"{spare}{due}.",
        "missed": f"missed, {late}{due}.",
        "overdue": f"over time, {late} so far{due}.",
        "running": f"running, {ahead}{due}.",
        "paused": f"paused, {resumed}.",
        "cancelled": "cancelled; it counts in no rate.",
    }
    return sentences[clock.state]


def _wall_left(clock: ClockStory) -> str:
    """Wall time until or since the deadline, where it is not the same as working time."""
    left = clock.wall_left_us
    if left is None or abs(abs(left) - abs(clock.left_us)) < SECOND_US:
        return ""
    return f" ({wall(left)} by the clock)"


def _style(clock: ClockStory) -> str:
    bad = {"missed", "overdue"}
    return "bold red" if clock.state in bad else "bold"


def _moment(moment: Moment, zone: str) -> Iterator[Line]:
    happened = " ".join(moment.happened)
    yield Line(f"  {when(moment.at, zone)}. {happened}".rstrip(), "cyan")
    for change in moment.changes:
        yield Line(f"    {change.sentence} [{change.rule}]")
    if moment.leg is not None:
        yield Line(f"    {leg_words(moment.leg)}")


def leg_words(leg: Leg) -> str:
    """Say how long a span is and what it costs."""
    length = wall(leg.wall_us)
    if leg.closed_us == 0:
        inside = "all of it in open hours"
    elif leg.open_us == 0:
        inside = "none of it in open hours"
    else:
        inside = f"{working(leg.open_us)} of it in open hours"
    used = f"{working(leg.used_us)} used"
    if leg.left_us is None:
        left = ""
    elif leg.left_us < 0:
        left = f", {working(leg.left_us)} over"
    else:
        left = f", {working(leg.left_us)} left"
    shifts = f" {sentence(listed(leg.shifts))}" if leg.shifts else ""
    return f"It {_STATES[leg.state]} for {length}, {inside}: {used}{left}.{shifts}"


def totals_words(clock: ClockStory) -> str:
    """Say where the wall time of a clock went; the parts add up to it."""
    totals = clock.totals
    parts = [
        (totals.running_us, "running"),
        (totals.paused_us, "paused"),
        (totals.stopped_us, "stopped"),
        (totals.closed_us, "outside open hours"),
    ]
    told = [f"{wall(us)} {what}" for us, what in parts if us]
    if not told:
        return "No time passed on this clock."
    return f"In all {wall(totals.wall_us)}: {listed(told)}."


def forecast_words(
    metric: str,
    p_breach: float,
    reasons: Sequence[str],
    advice: str = "",
    done_in_h: tuple[float, float, float] | None = None,
) -> str:
    """Say what the model expects of a running clock, and of it after the advised action.

    Examples
    --------
    >>> forecast_words("resolution_time", 0.25, (), done_in_h=(2.0, 6.5, 19.0))
    'Forecast for resolution: 25 % breach. Expected to be done in 6 h 30 min of working time \
(80 % between 2 h and 19 h), by the model alone, not calibrated.'
    """
    why = f": {'; '.join(reasons)}" if reasons else ""
    told = f"Forecast for {METRIC_WORDS[metric].lower()}: {percent(p_breach)} breach{why}."
    if done_in_h is not None:
        low, middle, high = map(_about, done_in_h)
        told += (
            f" Expected to be done in {middle} of working time (80 % between {low} and {high}), "
            "by the model alone, not calibrated."
        )
    return f"{told} If {advice}." if advice else told


def _about(hours: float) -> str:
    """Write a duration no more exactly than a model can know it."""
    if hours > EDGES[-1]:
        return f"more than {EDGES[-1]:.0f} h"
    if hours >= _WHOLE_HOURS:
        return f"{hours:.0f} h"
    return working_time(60 * round(60 * hours))


def _policies(explanation: Explanation) -> Iterator[Line]:
    for missing in explanation.untimed:
        yield Line(f"No clock for {METRIC_WORDS[missing.metric].lower()}: {missing.sentence}")
    yield Line("Why this policy", "bold")
    for check in explanation.policies:
        yield Line(f"  {policy_words(check)}")
        for reason in check.reasons if check.is_tried else ():
            yield Line(f"    {reason}")


def policy_words(check: PolicyCheck) -> str:
    """Say whether a policy covers the ticket."""
    if check.is_covering:
        return f"Policy {check.name!r} covers the ticket as it is now."
    if not check.is_tried:
        return f"Policy {check.name!r} is not asked: one before it covers the ticket."
    return f"Policy {check.name!r} does not cover it."
