"""[calendars] of sla.toml: hours, zones and holidays, read into `sla.calendar`."""

from __future__ import annotations

from datetime import date, datetime
from difflib import get_close_matches
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from sla_sniper.config.documents import Findings, KeyProblemsError, Strict
from sla_sniper.config.hours import (
    ALWAYS,
    last_minutes,
    overlaps,
    read_dated,
    read_hours,
    read_week,
)
from sla_sniper.config.ics import read_ics
from sla_sniper.config.values import instant
from sla_sniper.core.instants import zone
from sla_sniper.sla.calendar import Calendar, DatedSpans, Holidays, WeeklyHours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.config.positions import KeyPath

_ENDS = 2
_CLOSED_WEEK: WeeklyHours = ((),) * 7


def _own_hours(value: object) -> WeeklyHours | Literal["24x7"] | None:
    return None if value is None else read_hours(value)


_Hours = Annotated[WeeklyHours | Literal["24x7"] | None, PlainValidator(_own_hours)]
_Dated = Annotated[DatedSpans, PlainValidator(read_dated)]


class HolidaysSpec(Strict):
    """Holidays of a calendar as `sla.toml` writes them."""

    subdivision: str = ""
    country: str = ""
    dates: tuple[date | str, ...] = ()
    ics: str = ""

    @field_validator("dates")
    @classmethod
    def _dates(cls, values: tuple[date | str, ...]) -> tuple[date | str, ...]:
        for value in values:
            _holiday(value)
        return values

    @field_validator("country")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        if value:
            from holidays import country_holidays  # noqa: PLC0415

            subdivision = info.data.get("subdivision", "")
            try:
                country_holidays(value, subdiv=subdivision or None)
            except NotImplementedError as error:
                where = f"{value} {subdivision}".strip()
                raise ValueError(
                    f"no holidays are known for {where!r}; use codes such as NL, or DE with BY"
                ) from error
        return value

    def holidays(self, folder: Path) -> Holidays:
        """Read them, with those of an iCalendar file in `folder`.

        Raises
        ------
        KeyProblemsError
            If that file cannot be read.
        """
        kinds = [_holiday(value) for value in self.dates]
        filed = self._filed(folder)
        return Holidays(
            self.country,
            self.subdivision,
            (*(day for kind, day, _ in kinds if kind == "date"), *filed.dates),
            tuple((day.month, day.day) for kind, day, _ in kinds if kind == "yearly"),
            (*((day, last) for kind, day, last in kinds if kind == "range"), *filed.ranges),
            filed.recurring,
        )

    def _filed(self, folder: Path) -> Holidays:
        if not self.ics:
            return Holidays()
        try:
            return read_ics((folder / self.ics).read_text(encoding="utf-8-sig"))
        except OSError as error:
            told = f"cannot be read: {error.strerror}; its path starts at the folder of sla.toml"
        except UnicodeDecodeError:
            told = "is no UTF-8 text"
        except ValueError as error:
            told = str(error)
        raise KeyProblemsError(((("holidays", "ics"), f"{self.ics!r} {told}"),))


def _read_versions(value: object) -> tuple[tuple[date, WeeklyHours], ...]:
    return _versions(value)


class CalendarSpec(Strict):
    """One calendar as `sla.toml` writes it.

    What depends on two keys is checked with the later one, so that it is told together with what
    is wrong in any other key.
    """

    timezone: str = "UTC"
    all_of: tuple[str, ...] = ()
    hours: _Hours = Field(None, validate_default=True)
    holidays: HolidaysSpec = HolidaysSpec()
    shifts: _Dated = ()
    breaks: _Dated = ()
    closures: tuple[tuple[str | datetime | date, ...], ...] = ()
    boundary: Literal["close", "next_open"] = "close"
    versions: Annotated[tuple[tuple[date, WeeklyHours], ...], PlainValidator(_read_versions)] = ()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zone(value)
        return value

    @field_validator("all_of")
    @classmethod
    def _unlike(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and len(set(value)) < _ENDS:
            raise ValueError("needs two different calendars or more")
        return value

    @field_validator("hours", "shifts", "versions")
    @classmethod
    def _own(cls, value: object, info: ValidationInfo) -> object:
        """Refuse open hours in a calendar that is made of others, and none in any other."""
        if "all_of" not in info.data:
            return value
        if info.data["all_of"] and value:
            raise ValueError("is not for a calendar that is made of others; write it in those")
        if info.field_name == "hours" and not (info.data["all_of"] or value):
            told = 'is missing; write them, "24x7" or all_of'
            raise KeyProblemsError(((("hours",), told),))
        return value

    @field_validator("closures")
    @classmethod
    def _forward(
        cls, value: tuple[tuple[str | datetime | date, ...], ...], info: ValidationInfo
    ) -> tuple[tuple[str | datetime | date, ...], ...]:
        findings = Findings()
        timezone = info.data.get("timezone", "UTC")
        for n, ends in enumerate(value):
            findings.read(n, partial(_closure, timezone=timezone), ends)
        findings.settle()
        return value

    def notes(self) -> list[str]:
        """Say what is accepted but may not be meant, a sentence each."""
        weeks = [self._weekly, *(hours for _, hours in self.versions)]
        told = [note for hours in weeks for note in overlaps(hours)]
        dated = [span for _, spans in self.shifts for span in spans]
        told += last_minutes([*(span for week in weeks for day in week for span in day), *dated])
        closed = self._fixed_holidays()
        told += [
            f"the hours of {day} have no effect: it is a holiday, which closes the whole date"
            for day, spans in self.shifts
            if spans and closed.between(day, day)
        ]
        return list(dict.fromkeys(told))

    def calendar(
        self, name: str, *, parts: Mapping[str, Calendar] | None = None, folder: Path = Path()
    ) -> Calendar:
        """Read it into a calendar called `name`.

        Parameters
        ----------
        parts : mapping of str to Calendar, optional
            The calendars that `all_of` names.
        folder : Path
            Where the files of holidays are.

        Raises
        ------
        KeyProblemsError
            If the file of holidays cannot be read.
        """
        made_of = tuple((parts or {})[part] for part in self.all_of)
        timezone = self.timezone
        if made_of and "timezone" not in self.model_fields_set:
            timezone = made_of[0].timezone
        return Calendar(
            name,
            timezone,
            self._weekly,
            self.holidays.holidays(folder),
            is_always_open=self.hours == ALWAYS,
            shifts=self.shifts,
            breaks=self.breaks,
            closures=tuple(_closure(ends, timezone) for ends in self.closures),
            versions=self.versions,
            boundary=self.boundary,
            all_of=made_of,
        )

    @property
    def _weekly(self) -> WeeklyHours:
        return self.hours if isinstance(self.hours, tuple) else _CLOSED_WEEK

    def _fixed_holidays(self) -> Holidays:
        """Holidays without the file, which only `calendar` reads."""
        return self.holidays.model_copy(update={"ics": ""}).holidays(Path())


def read_calendars(specs: Mapping[str, CalendarSpec], *, folder: Path) -> dict[str, Calendar]:
    """Read all calendars of a file that lies in `folder`, in its order.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under the name of its calendar: a part that is unknown
        or made of its own whole, a file that cannot be read, a calendar that is never open.

    Examples
    --------
    >>> hours = {"mon-fri": ["09:00-17:00"]}
    >>> spec = CalendarSpec(hours=hours, timezone="Europe/Berlin")
    >>> read_calendars({"office": spec}, folder=Path())["office"].timezone
    'Europe/Berlin'
    """
    findings = Findings()
    findings.found += _unknown_parts(specs)
    findings.settle()
    read: dict[str, Calendar] = {}
    for name in _in_order(specs):
        parts = specs[name].all_of
        calendar = (
            findings.read(name, partial(_open, name=name, parts=read, folder=folder), specs[name])
            if all(part in read for part in parts)
            else None
        )
        read |= {} if calendar is None else {name: calendar}
    findings.settle()
    return {name: read[name] for name in specs}


def _open(spec: CalendarSpec, name: str, parts: Mapping[str, Calendar], folder: Path) -> Calendar:
    calendar = spec.calendar(name, parts=parts, folder=folder)
    if not calendar.is_ever_open():
        cause = "its parts share no hours" if spec.all_of else "its holidays leave it never open"
        raise KeyProblemsError((((), cause),))
    return calendar


def _unknown_parts(specs: Mapping[str, CalendarSpec]) -> list[tuple[KeyPath, str]]:
    found: list[tuple[KeyPath, str]] = []
    for name, spec in specs.items():
        for n, part in enumerate(spec.all_of):
            if part not in specs:
                near = get_close_matches(part, specs, n=1, cutoff=0.0)
                told = f"no calendar is called {part!r} (did you mean {near[0]!r}?)"
                found.append(((name, "all_of", n), told))
    return found


def _in_order(specs: Mapping[str, CalendarSpec]) -> list[str]:
    """Names of all calendars, parts before what is made of them."""
    done: list[str] = []
    while len(done) < len(specs):
        rest = [name for name in specs if name not in done]
        ready = [name for name in rest if all(part in done for part in specs[name].all_of)]
        if not ready:
            loop = tuple(name for name in rest if _is_in_loop(name, specs))
            told = f"is made of itself, by way of {', '.join(loop)}"
            raise KeyProblemsError(tuple(((name, "all_of"), told) for name in loop))
        done += ready
    return done


def _is_in_loop(name: str, specs: Mapping[str, CalendarSpec]) -> bool:
    seen: set[str] = set()
    ahead = [*specs[name].all_of]
    while ahead:
        part = ahead.pop()
        if part == name:
            return True
        if part not in seen:
            seen.add(part)
            ahead += specs[part].all_of
    return False


def _versions(value: object) -> tuple[tuple[date, WeeklyHours], ...]:
    """Read ``[{ from = 2025-07-01, hours = { ... } }]``, in the order of their dates."""
    if not isinstance(value, list):
        raise ValueError("versions are a list of { from = 2025-07-01, hours = { ... } }")  # noqa: TRY004
    findings = Findings()
    read = [findings.read(n, _version, each) for n, each in enumerate(value)]
    findings.settle()
    found = sorted(version for version in read if version is not None)
    twice = [day for (day, _), (other, _) in pairwise(found) if day == other]
    if twice:
        raise ValueError(f"two versions start on {twice[0]}")
    return tuple(found)


def _version(value: object) -> tuple[date, WeeklyHours]:
    if not isinstance(value, dict) or value.keys() != {"from", "hours"}:
        raise ValueError("a version is { from = 2025-07-01, hours = { ... } }")
    findings = Findings()
    since = findings.read("from", _day, value["from"])
    hours = findings.read("hours", read_week, value["hours"])
    findings.settle()
    return since or date.min, hours or _CLOSED_WEEK


def _day(value: object) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"{str(value)!r} is no date; write 2025-07-01") from error


def _closure(ends: tuple[str | datetime | date, ...], timezone: str) -> tuple[datetime, datetime]:
    """Read a pair of instants; those without an offset are local."""
    if len(ends) != _ENDS:
        raise ValueError(f"a closure has a start and an end, not {len(ends)} instants")
    start, end = (instant(value, timezone=timezone) for value in ends)
    if end <= start:
        raise ValueError(f"ends at {ends[1]}, which is not after its start {ends[0]}")
    return start, end


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
