"""Calendars that a help desk may count in instead of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sla_sniper.sla.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DAY: Final = 86_400
_HOUR: Final = 3600
_OFFICE: Final = ((7, 19), (8, 16), (8, 17), (8, 18), (8, 20), (9, 17), (9, 18), (9, 21))


def known_calendars(calendars: Mapping[str, Calendar]) -> tuple[Calendar, ...]:
    """Calendars to try, each once: round the clock, Monday to Friday, those of `sla.toml`.

    One of `sla.toml` that is equal to a standard one lends it its name; the zone is that of
    the first one.

    Examples
    --------
    >>> [each.name for each in known_calendars({"always": Calendar("always", is_always_open=True)})]
    ['always', 'weekdays24h']
    """
    timezone = zone_of(calendars)
    standard = (
        Calendar("24x7", timezone, is_always_open=True),
        Calendar("weekdays24h", timezone, _on_workdays(0, _DAY)),
    )
    return _distinct((*standard, *calendars.values()), prefer=calendars.values())


def office_hours(timezone: str) -> dict[str, Calendar]:
    """Usual office hours, Monday to Friday, by name.

    Examples
    --------
    >>> "office_9_to_17" in office_hours("Europe/Amsterdam")
    True
    """
    named = ((f"office_{opens}_to_{closes}", opens, closes) for opens, closes in _OFFICE)
    return {
        name: Calendar(name, timezone, _on_workdays(opens * _HOUR, closes * _HOUR))
        for name, opens, closes in named
    }


def zone_of(calendars: Mapping[str, Calendar]) -> str:
    """Zone of the first calendar; UTC without one."""
    return next((each.timezone for each in calendars.values()), "UTC")


def _on_workdays(opens: int, closes: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    return (((opens, closes),),) * 5 + ((), ())


def _distinct(found: Iterable[Calendar], *, prefer: Iterable[Calendar]) -> tuple[Calendar, ...]:
    """Calendars that differ in more than their name, under a preferred name where there is one."""
    named = {_nameless(each): each for each in reversed(list(prefer))}
    return tuple({_nameless(each): named.get(_nameless(each), each) for each in found}.values())


def _nameless(calendar: Calendar) -> Calendar:
    if calendar.is_always_open:
        return Calendar("", is_always_open=True)
    return replace(calendar, name="")
