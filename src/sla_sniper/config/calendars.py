"""[calendars] of sla.toml: hours, zones and holidays, read into `sla.calendar`."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import field_validator, model_validator

from sla_sniper.config.documents import Strict
from sla_sniper.config.values import span_seconds
from sla_sniper.core.instants import zone
from sla_sniper.sla.calendar import WEEKDAYS, Calendar, Holidays

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Holidays(Strict):
    country: str = ""
    subdivision: str = ""
    dates: tuple[date | str, ...] = ()

    @field_validator("dates")
    @classmethod
    def _dates(cls, values: tuple[date | str, ...]) -> tuple[date | str, ...]:
        for value in values:
            _holiday(value)
        return values

    @model_validator(mode="after")
    def _known(self) -> _Holidays:
        if self.country:
            from holidays import country_holidays  # noqa: PLC0415

            try:
                country_holidays(self.country, subdiv=self.subdivision or None)
            except NotImplementedError as error:
                where = f"{self.country} {self.subdivision}".strip()
                raise ValueError(
                    f"no holidays are known for {where!r}; use codes such as NL, or DE with BY"
                ) from error
        return self

    def holidays(self) -> Holidays:
        kinds = [_holiday(value) for value in self.dates]
        return Holidays(
            self.country,
            self.subdivision,
            tuple(day for kind, day, _ in kinds if kind == "date"),
            tuple((day.month, day.day) for kind, day, _ in kinds if kind == "yearly"),
            tuple((day, last) for kind, day, last in kinds if kind == "range"),
        )


class CalendarSpec(Strict):
    """One calendar as `sla.toml` writes it."""

    timezone: str = "UTC"
    hours: dict[Weekday, tuple[str, ...]] | str
    holidays: _Holidays = _Holidays()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zone(value)
        return value

    @field_validator("hours", mode="before")
    @classmethod
    def _hours(cls, value: Any) -> Any:  # noqa: ANN401
        if value == "24x7":
            return value
        if not isinstance(value, dict):
            raise ValueError('hours are a table of days, or "24x7"')  # noqa: TRY004
        for day, spans in value.items():
            _check_day(day, spans)
        if not any(value.values()):
            raise ValueError("a calendar needs open hours on some day; this one is never open")
        return value

    def calendar(self, name: str) -> Calendar:
        """Read it into a calendar called `name`."""
        holidays = self.holidays.holidays()
        if isinstance(self.hours, str):
            return Calendar(name, self.timezone, holidays=holidays, is_always_open=True)
        hours = tuple(
            tuple(span_seconds(text) for text in self.hours.get(day, ())) for day in WEEKDAYS
        )
        return Calendar(name, self.timezone, hours, holidays)


def _check_day(day: str, spans: Any) -> None:  # noqa: ANN401
    if day not in WEEKDAYS:
        near = get_close_matches(day, WEEKDAYS, n=1, cutoff=0.0)
        raise ValueError(f"no day is called {day!r} (did you mean {near[0]!r}?)")
    if not isinstance(spans, list) or not all(isinstance(text, str) for text in spans):
        raise ValueError(f'hours of {day} are a list such as ["09:00-17:00"]')
    for text in spans:
        span_seconds(text)


def _holiday(value: date | str) -> tuple[str, date, date]:
    """Kind, first and last day of a date, ``*-MM-DD`` or ``first/last``."""
    if isinstance(value, date):
        return "date", value, value
    try:
        if value.startswith("*-"):
            day = date.fromisoformat(f"2000-{value[2:]}")
            return "yearly", day, day
        first, _, last = value.partition("/")
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError as error:
        raise ValueError(
            f"{value!r} is no date; write 2026-12-24, *-12-25 or 2026-12-24/2026-12-31"
        ) from error
    if end < begin:
        raise ValueError(f"{value!r} ends before it begins")
    return "range" if last else "date", begin, end
