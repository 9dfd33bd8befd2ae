"""Instants, durations and rules in words that can be read aloud."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import SECOND_US, from_us, to_us, zone
from sla_sniper.sla.explain_values import Rule
from sla_sniper.sla.facts import NEVER
from sla_sniper.sla.policy import OFF, CalendarChoice, Target, WorkingDays
from sla_sniper.sla.zones import offsets_between

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sla_sniper.sla.policy import SlaPolicy

METRIC_WORDS: Final[Mapping[str, str]] = {
    "first_reply_time": "First reply",
    "next_reply_time": "Next reply",
    "periodic_update_time": "Periodic update",
    "requester_wait_time": "Requester wait",
    "agent_work_time": "Agent work",
    "resolution_time": "Resolution",
    "ownership_time": "Ownership",
}
STATUS_WORDS: Final[Mapping[str, str]] = {
    "waiting_requester": "waiting for the requester",
    "waiting_vendor": "waiting for the vendor",
    "on_hold": "on hold",
}
_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_SHORT: Final = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def working(us: int) -> str:
    """Write working time: hours, because a working day has no fixed length.

    Examples
    --------
    >>> working(130_000_000_000), working(-60_000_000), working(0)
    ('36 hours 6 minutes 40 seconds', '1 minute', 'no time')
    """
    return _parts(us, _UNITS[1:])


def time_left(us: int) -> str:
    """Write the working time that is left.

    Examples
    --------
    >>> time_left(60_000_000), time_left(0)
    ('1 minute of working time', 'no working time')
    """
    return f"{working(us)} of working time" if us else "no working time"


def wall(us: int) -> str:
    """Write wall time; a day is 24 hours.

    Examples
    --------
    >>> wall(90_000_000_000)
    '1 day 1 hour'
    """
    return _parts(us, _UNITS)


def when(at: datetime, timezone: str) -> str:
    """Write an instant in a zone, the weekday named.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> when(datetime(2024, 3, 28, 14, tzinfo=UTC), "Europe/Berlin")
    'Thursday 28 March 2024, 15:00'
    """
    local = at.astimezone(zone(timezone))
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    again = " for the second time that night" if local.fold else ""
    return f"{day(local)}, {clock}{again}"


def day(local: datetime) -> str:
    """Write the date of a local time, the weekday named."""
    return f"{local:%A} {local.day} {local:%B %Y}"


def status(name: str | None) -> str:
    """Write a status as people say it."""
    return STATUS_WORDS.get(name, name) if name else "unknown"


def toml(value: object) -> str:
    """Write a value as `sla.toml` does.

    Examples
    --------
    >>> toml(("a", "b")), toml(True), toml("")
    ('["a", "b"]', 'true', '""')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, WorkingDays):
        end = ", end_of_day = true" if value.is_end_of_day else ""
        return f"{{ days = {value.days}{end} }}"
    return f'"{value}"'


def rule_of(target: Target | SlaPolicy, key: str) -> Rule:
    """Name a key of a target or a policy, its value, and whether that is the default."""
    value = getattr(target, key)
    default = {f.name: f.default for f in fields(target)}[key]
    return Rule(key, toml(value), is_default=value == default)


def target_rule(target: Target, priority: str | None) -> Rule:
    """Name the entry of `target` that applies to a priority."""
    if target.is_vendor:
        return Rule("target", '"vendor"')
    if not target.by_priority:
        return Rule("target", _allowance(target.default))
    name, allowed = _entry(target, priority)
    return Rule("target", f"{{ {name} = {_allowance(allowed)} }}")


def calendar_rule(target: Target, name: str) -> Rule:
    """Name the calendar, and what chose it."""
    if isinstance(target.calendar, CalendarChoice):
        by = {
            field: ", ".join(f"{value} = {toml(chosen)}" for value, chosen in named.items())
            for field, named in target.calendar.by
        }
        chosen = ", ".join(f"{field} = {{ {named} }}" for field, named in by.items())
        return Rule("calendar", f"{{ {chosen}, default = {toml(target.calendar.default)} }}")
    return Rule("calendar", toml(name))


def allowed_words(target: Target, priority: str | None, target_us: int) -> str:
    """Say what a target allows."""
    if target.is_vendor:
        return "until the help desk's own deadline"
    _, allowed = _entry(target, priority)
    if isinstance(allowed, WorkingDays):
        days = f"{allowed.days} working day{'s' if allowed.days != 1 else ''}"
        until = "the end of that day" if allowed.is_end_of_day else "the same time of day"
        return f"{days}, until {until}: {working(target_us)} of working time"
    return f"{working(target_us)} of working time"


def shifts(start: datetime, end: datetime, timezone: str) -> tuple[str, ...]:
    """Say which changes of the local clocks lie between two instants.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> night = datetime(2024, 3, 30, 20, tzinfo=UTC), datetime(2024, 3, 31, 8, tzinfo=UTC)
    >>> shifts(*night, "Europe/Berlin")[0]
    'the clocks went forward by 1 hour on Sunday 31 March 2024, a day of 23 hours'
    """
    found = offsets_between(timezone, start.year, end.year)
    first, last = np.searchsorted(found.changes, [to_us(start), to_us(end)], side="right")
    return tuple(
        _shift(int(found.changes[n]), int(found.offsets[n + 1] - found.offsets[n]), timezone)
        for n in range(int(first), int(last))
    )


def runs_again(used_us: int) -> str:
    """Say that a clock goes on after a pause."""
    return f"The clock runs again, with {working(used_us)} used so far."


def moved_on(due_us: int, left_us: int, lasted_us: int, timezone: str) -> str:
    """Say that a clock goes on after a pause that moved its deadline by wall time.

    Parameters
    ----------
    due_us : int
        The deadline from now on; `NEVER` for none.
    left_us : int
        Working time until then, negative after it.
    lasted_us : int
        Wall time of the pause.
    timezone : str
        IANA zone in which the deadline is told.
    """
    if due_us == NEVER:
        return f"The clock runs again, after {wall(lasted_us)} of wall time."
    until = f"{working(left_us)} of working time left until then"
    if left_us <= 0:
        over = working(left_us)
        until = f"over time by {over} of working time" if left_us else "no open hours before it"
    moved = f"The pause moved its deadline by {wall(lasted_us)} of wall time"
    return f"The clock runs again. {moved}, to {when(from_us(due_us), timezone)}: {until}."


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop.

    Examples
    --------
    >>> sentence("it stops")
    'It stops.'
    """
    return f"{text[:1].upper()}{text[1:]}."


def listed(parts: list[str] | tuple[str, ...]) -> str:
    """Join with commas and a last "and".

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _shift(at_us: int, change_us: int, timezone: str) -> str:
    local = from_us(at_us).astimezone(zone(timezone))
    way = "forward" if change_us > 0 else "back"
    size = working(change_us)
    length = working(24 * 3600 * SECOND_US - change_us)
    return f"the clocks went {way} by {size} on {day(local)}, a day of {length}"


def _entry(target: Target, priority: str | None) -> tuple[str, int | WorkingDays | None]:
    """The entry of `target` that applies to a priority, and what it allows."""
    if priority is not None and priority in target.by_priority:
        return priority, target.by_priority[priority]
    return "default", target.default


def _allowance(value: int | WorkingDays | None) -> str:
    if value == OFF or value is None:
        return '"off"'
    return toml(value) if isinstance(value, WorkingDays) else f'"{_written(value)}"'


def _written(us: int) -> str:
    """Write a duration as `sla.toml` does: hours rather than days."""
    rest, texts = us // SECOND_US, []
    for unit, size in _SHORT[1:]:
        number, rest = divmod(rest, size)
        texts += [f"{number}{unit}"] if number else []
    return "".join(texts)


def _parts(us: int, units: tuple[tuple[str, int], ...]) -> str:
    rest, texts = abs(us) // SECOND_US, []
    for unit, size in units:
        number, rest = divmod(rest, size)
        texts += [f"{number:,} {unit}{'s' if number != 1 else ''}"] if number else []
    return " ".join(texts) or "no time"
