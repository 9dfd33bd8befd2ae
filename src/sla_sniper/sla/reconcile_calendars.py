"""Calendars that a help desk may count in instead of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sla_sniper.sla.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    timezone = _zone_of(calendars)
    standard = (
        Calendar(_free("24x7", calendars), timezone, is_always_open=True),
        Calendar(_free("weekdays24h", calendars), timezone, _on_workdays(0, _DAY)),
    )
    # Equal hours keep the place of the standard ones and take the later name.
    named = {_nameless(each): each for each in (*standard, *calendars.values())}
    return tuple(named.values())


def office_hours(calendars: Mapping[str, Calendar]) -> tuple[Calendar, ...]:
    """Usual office hours, Monday to Friday, in the zone of the first calendar of `sla.toml`.

    Examples
    --------
    >>> [each.name for each in office_hours({})][:2]
    ['office_7_to_19', 'office_8_to_16']
    """
    timezone = _zone_of(calendars)
    named = ((f"office_{opens}_to_{closes}", opens, closes) for opens, closes in _OFFICE)
    return tuple(
        Calendar(_free(name, calendars), timezone, _on_workdays(opens * _HOUR, closes * _HOUR))
        for name, opens, closes in named
    )


def _zone_of(calendars: Mapping[str, Calendar]) -> str:
    """Zone of the first calendar; UTC without one."""
    return next((each.timezone for each in calendars.values()), "UTC")


def _free(name: str, taken: Mapping[str, Calendar]) -> str:
    """Name that `sla.toml` does not give to other hours."""
    return _free(f"plain_{name}", taken) if name in taken else name


def _on_workdays(opens: int, closes: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    return (((opens, closes),),) * 5 + ((), ())


def _nameless(calendar: Calendar) -> Calendar:
    always = Calendar("", is_always_open=True)
    # Its zone makes a difference only to what closes it, such as holidays.
    is_plain = replace(calendar, name="", timezone=always.timezone) == always
    return always if is_plain else replace(calendar, name="")
