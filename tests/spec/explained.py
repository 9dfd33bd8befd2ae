"""What the stories of explained tickets are written in, and everything an explanation holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sla_sniper.panels.story import story_lines
from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.explain_values import ClockStory, Explanation, Leg, Moment
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

BERLIN = "Europe/Berlin"
HOUR = 3_600_000_000
NINE_TO_FIVE = (((9 * 3600, 17 * 3600),),) * 5 + ((), ())
CALENDARS = {
    "office": Calendar("office", BERLIN, NINE_TO_FIVE, Holidays(dates=(date(2024, 4, 1),))),
    "nights": Calendar("nights", BERLIN, (((22 * 3600, 6 * 3600),),) * 7),
    "always": Calendar("always", BERLIN, is_always_open=True),
    "lebanon": Calendar("lebanon", "Asia/Beirut", is_always_open=True),
}
"""Easter Monday is the day after the clocks go forward."""
_SHOWN_PERIODS = 6


@dataclass(frozen=True)
class Story:
    """Rows of instant, activity and what changed; everything else stays as it was."""

    rows: tuple[tuple[datetime, str, dict], ...]
    levels: ServiceLevels
    as_of: datetime
    timezone: str = BERLIN


def at(day: int, hour: int, minute: int = 0, second: int = 0, us: int = 0) -> datetime:
    """Local time of Berlin, from Monday 25 March 2024, day 0; on day 6 the clocks go forward."""
    moment = datetime(2024, 3, 25, hour, minute, second, us, ZoneInfo(BERLIN)) + timedelta(days=day)
    return moment.astimezone(UTC)


def kept(**values: str) -> dict:
    """Attributes of a ticket that the log keeps by their names."""
    return {"attributes": [{"key": key, "value": value} for key, value in values.items()]}


def levels(*targets: Target, before: tuple[SlaPolicy, ...] = (), **rules) -> ServiceLevels:
    """One policy for every ticket that none `before` it covers."""
    return ServiceLevels(CALENDARS, (*before, SlaPolicy("standard", targets)), **rules)


def ticket(story: Story, make_event, make_events):
    """The events of a story."""
    values = {"status": "new", "priority": "high", "group": "L1"}
    told = []
    for moment, activity, changed in story.rows:
        values |= changed
        told.append(make_event("T1", moment, activity, **values))
        values.pop("actor_role", None)
    return make_events(told)


def lines(told: Explanation) -> Iterator[str]:
    """Tell an explanation as a terminal does, and what that leaves out; instants in UTC."""
    yield from (line.text for line in story_lines(told, told.clocks))
    yield ""
    yield f"Facts: {told.source}, policy {told.policy!r}"
    for check in told.policies:
        untold = "" if check.is_tried else f" untold: {' '.join(check.reasons)}"
        yield f"  {check.name}: covering {check.is_covering}, tried {check.is_tried}{untold}"
    yield from (f"  no {each.metric} under {each.policy!r}" for each in told.untimed)
    for clock in told.clocks:
        yield from _clock(clock)
    yield from (f"  event {_instant(tick.at)}: {tick.text}" for tick in told.ticks)
    for name, periods in told.hours.items():
        shown = [f"{_instant(start)} to {_instant(end)}" for start, end in periods]
        few = shown if len(shown) <= _SHOWN_PERIODS else [shown[0], "...", shown[-1]]
        yield f"  {name} is open in {len(shown)} periods: {', '.join(few) or 'none'}"


def _clock(clock: ClockStory) -> Iterator[str]:
    yield (
        f"  {clock.metric} {clock.cycle} of {clock.n_cycles}: {clock.state}, is open "
        f"{clock.is_open}, priority {clock.priority!r}, {clock.calendar_rule}, pauses by "
        f"{clock.pause_unit} time"
    )
    yield (
        f"    target {_time(clock.target_us)}, used {_time(clock.elapsed_us)}, left "
        f"{_time(clock.left_us)}, paused {_time(clock.paused_us)}, by the clock "
        f"{_time(clock.wall_left_us)}"
    )
    ends = (clock.due_at, clock.breached_at, clock.ended_at)
    yield "    due {}, over since {}, ended {}".format(*map(_instant, ends))
    for moment in clock.moments:
        yield from _moment(moment)
    yield from (f"    moved {_instant(m.at)}: by {m.cause}" for m in clock.moves)
    totals = clock.totals
    yield f"    in all {_instant(totals.start)} to {_instant(totals.end)}: {_time(totals.wall_us)}"
    yield from (f"    ahead {_instant(each.at)}: {each.kind}" for each in clock.ahead)


def _moment(moment: Moment) -> Iterator[str]:
    kinds = ", ".join(change.kind for change in moment.changes)
    yield f"    {_instant(moment.at)} {kinds}{_leg(moment.leg)}"


def _leg(leg: Leg | None) -> str:
    if leg is None:
        return ""
    return (
        f"; {leg.state} {_instant(leg.start)} to {_instant(leg.end)}, open {_time(leg.open_us)}, "
        f"closed {_time(leg.closed_us)}, used {_time(leg.used_us)}, left {_time(leg.left_us)}, "
        f"due {_instant(leg.due_at)}"
    )


def _instant(moment: datetime | None) -> str:
    if moment is None:
        return "-"
    whole = f"{moment.astimezone(UTC):%d %b %H:%M:%S}"
    return f"{whole}.{moment.microsecond:06}" if moment.microsecond else whole


def _time(us: int | None) -> str:
    if us is None:
        return "-"
    return f"{'-' if us < 0 else ''}{timedelta(microseconds=abs(us))}"
