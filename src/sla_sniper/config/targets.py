"""One target of a policy as sla.toml writes it, read into `sla.policy.Target`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, PlainValidator, StrictBool

from sla_sniper.config.documents import Findings, KeyProblemsError, Strict, nearest
from sla_sniper.config.values import duration_us
from sla_sniper.core.schema import METRICS, STATUSES, STOPPED_STATUSES
from sla_sniper.sla.policy import OFF, CalendarChoice, Target, WarningPoint, WorkingDays

Change = Literal["recompute", "restart", "keep"]

WAITS: Final[Mapping[str, tuple[str, ...]]] = {
    "requester_wait_time": ("waiting_requester",),
    "agent_work_time": ("waiting_requester", "waiting_vendor", "on_hold"),
}
"""Statuses in which a metric stands still where `pause_in` is not given, as Zendesk defines
the two: https://support.zendesk.com/hc/en-us/articles/4408829459866
"""

_MOST_DAYS: Final = 36_525
_PERCENT: Final = re.compile(r"(-?\d+)\s*%")
_SIGNED: Final = re.compile(r"([+-])\s*(.+)")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a target allows: for each priority, for any other, or as the help desk says."""

    by_priority: Mapping[str, int | WorkingDays] = field(default_factory=dict)
    default: int | WorkingDays | None = None
    is_vendor: bool = False


def read_allowed(value: object) -> Allowed:
    """Read `target`: one allowance, one for each priority, or ``"vendor"``.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under its priority.

    Examples
    --------
    >>> read_allowed({"high": {"days": 1}, "default": "off"}).by_priority
    {'high': WorkingDays(days=1, is_end_of_day=False)}
    """
    if value == "vendor":
        return Allowed(is_vendor=True)
    if not isinstance(value, dict) or _is_days(value):
        return Allowed(default=_allowance(value))
    if not value:
        raise ValueError("a target needs at least one priority, or a default")
    findings = Findings()
    read = {name: findings.read(name, _allowance, each) for name, each in value.items()}
    findings.settle()
    known = {name: each for name, each in read.items() if each is not None}
    default = known.pop("default", None)
    return Allowed(known, default)


def read_calendar(value: object) -> str | CalendarChoice:
    """Read `calendar`: a name, or a table that says which field of the ticket chooses it.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under its field.

    Examples
    --------
    >>> read_calendar({"group": {"L1": "night"}, "default": "office"}).names
    ('night', 'office')
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004
            'write the name of a calendar, or { group = { L1 = "night" }, default = "..." }'
        )
    findings = Findings()
    default = findings.read("default", _name, value.get("default", ""))
    chain = {
        name: findings.read(name, _names, each) for name, each in value.items() if name != "default"
    }
    findings.settle()
    return CalendarChoice(tuple((name, each or {}) for name, each in chain.items()), default or "")


def read_warnings(value: object) -> tuple[WarningPoint, ...]:
    """Read `warn_at`: one point or a list of them.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under its place in the list.

    Examples
    --------
    >>> [point.label for point in read_warnings([75, "-60m"])]
    ['75%', '-60m']
    """
    if not isinstance(value, list):
        return (_warning(value),)
    findings = Findings()
    read = [findings.read(n, _warning, each) for n, each in enumerate(value)]
    findings.settle()
    points = tuple(point for point in read if point is not None)
    labels = [point.label for point in points]
    twice = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
    if twice:
        raise ValueError(f"warns at {twice[0]!r} twice")
    return points


def known_statuses(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names if each is a canonical status.

    Raises
    ------
    ValueError
        With the first one that is none.
    """
    for name in names:
        if name not in STATUSES:
            known = ", ".join(STATUSES)
            raise ValueError(
                f"no status is called {name!r}{_meant(name, STATUSES)}; known are {known}"
            )
    return names


def _known_metric(name: str) -> str:
    if name not in METRICS:
        known = ", ".join(METRICS)
        raise ValueError(f"no metric is called {name!r}{_meant(name, METRICS)}; known are {known}")
    return name


def _meant(name: str, known: tuple[str, ...]) -> str:
    """Which known name is meant, if one is near."""
    near = nearest(name, known)
    return near if near.startswith(" ") else ""


Statuses = Annotated[tuple[str, ...], AfterValidator(known_statuses)]


class TargetSpec(Strict):
    """One target as `sla.toml` writes it."""

    metric: Annotated[str, AfterValidator(_known_metric)]
    calendar: Annotated[str | CalendarChoice, PlainValidator(read_calendar)]
    target: Annotated[Allowed, PlainValidator(read_allowed)]
    start: Literal["created", "attached"] = "created"
    pause_in: Statuses | None = None
    pause_awaiting_requester: StrictBool = False
    pause_until: str = ""
    pause_mode: Literal["stop", "hide"] = "stop"
    pause_unit: Literal["working", "wall"] = "working"
    stop_in: Annotated[Statuses, Field(min_length=1)] = STOPPED_STATUSES
    on_close: Literal["satisfy", "pause", "ignore"] = "satisfy"
    on_reopen: Literal["exclude", "count", "restart", "final"] = "exclude"
    on_priority_change: Change = "recompute"
    on_calendar_change: Change = "recompute"
    include_first: StrictBool = False
    starts_at_creation: StrictBool = True
    reset_by: Annotated[tuple[Literal["agent", "requester"], ...], Field(min_length=1)] = ("agent",)
    until: Literal["", "requester"] = ""
    reply_statuses: Statuses = ()
    on_leave: Literal["cancel", "satisfy"] = "cancel"
    ledger: Literal["recompute", "keep"] = "recompute"
    warn_at: Annotated[tuple[WarningPoint, ...], PlainValidator(read_warnings)] = ()

    def rule(self) -> Target:
        """Read it into the rule of one clock."""
        told = {name: getattr(self, name) for name in _SAME}
        if self.target.is_vendor:
            # Its pauses have moved the help desk's own deadline already.
            told["pause_unit"] = "working"
        pauses = WAITS.get(self.metric, ()) if self.pause_in is None else self.pause_in
        return Target(
            by_priority=self.target.by_priority,
            default=self.target.default,
            is_vendor=self.target.is_vendor,
            pause_in=pauses,
            keeps_ledger=self.ledger == "keep",
            **told,
        )


_SAME: Final = tuple(
    name for name in TargetSpec.model_fields if name not in {"target", "pause_in", "ledger"}
)
"""Keys that mean in `Target` what they mean in the file."""


def _allowance(value: object) -> int | WorkingDays:
    if value == "off":
        return OFF
    if isinstance(value, dict):
        return _days(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        why = "" if value > 0 else "a duration must be longer than zero; "
        raise ValueError(  # noqa: TRY004
            f'{why}write it as text such as "4h", or "off" for no clock, not {value}'
        )
    if not isinstance(value, str):
        raise ValueError(f'write "4h", {{ days = 3 }}, "off" or "vendor", not {value!r}')  # noqa: TRY004
    try:
        return duration_us(value)
    except ValueError as error:
        raise ValueError(f'{error}, got {value!r}; "off" is for no clock') from error


def _is_days(value: dict[str, Any]) -> bool:
    """Whether it is working days rather than a table by priority."""
    is_named = bool(value) and set(value) <= {"days", "end_of_day"}
    return is_named and not isinstance(value.get("days"), str | dict)


def _days(value: dict[str, Any]) -> WorkingDays:
    unknown = [key for key in value if key not in {"days", "end_of_day"}]
    if unknown:
        raise KeyProblemsError(
            tuple(((key,), f"unknown key{nearest(key, ('days', 'end_of_day'))}") for key in unknown)
        )
    days, is_end = value.get("days", "none"), value.get("end_of_day", False)
    is_whole = isinstance(days, int) and not isinstance(days, bool)
    if not is_whole or not 0 < days <= _MOST_DAYS:
        raise ValueError(f"working days are a whole number from 1 to {_MOST_DAYS}, got {days}")
    if not isinstance(is_end, bool):
        raise ValueError(f"end_of_day must be true or false, got {is_end!r}")  # noqa: TRY004
    return WorkingDays(days, is_end)


def _name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("name the calendar of all other tickets")


def _names(value: object) -> dict[str, str]:
    if isinstance(value, dict) and value and all(isinstance(each, str) for each in value.values()):
        return value
    raise ValueError('write which value has which calendar: { L1 = "night" }')


def _warning(value: object) -> WarningPoint:
    if isinstance(value, dict):
        return _repeated(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(  # noqa: TRY004
            f'warn at a whole percentage or an offset, "75%" or "-60m", not {value!r}'
        )
    text = f"{value}%" if isinstance(value, int) else value.strip()
    percent = _PERCENT.fullmatch(text)
    if percent is None:
        return WarningPoint(text, offset_us=_offset_us(text))
    share = int(percent[1])
    if share <= 0:
        raise ValueError(f"{text!r} is no share of a target; warn at more than 0%")
    return WarningPoint(f"{share}%", percent=share)


def _offset_us(text: str) -> int:
    signed = _SIGNED.fullmatch(text)
    if signed is None:
        raise ValueError(f'{text!r} is no moment to warn at; write "75%", "-60m" or "+2d"')
    if not signed[2].strip("0smhdw "):
        return 0
    try:
        return int(f"{signed[1]}{duration_us(signed[2])}")
    except ValueError as error:
        raise ValueError(
            f'{text!r} is no moment to warn at; write "75%", "-60m" or "+2d"'
        ) from error


def _repeated(value: dict[str, Any]) -> WarningPoint:
    known = ("at", "repeat", "only_in_hours")
    unknown = [key for key in value if key not in known]
    if unknown:
        raise KeyProblemsError(
            tuple(((key,), f"unknown key{nearest(key, known)}") for key in unknown)
        )
    findings = Findings()
    point = findings.read("at", _point, value.get("at"))
    repeat = findings.read("repeat", duration_us, value["repeat"]) if "repeat" in value else 0
    is_only_in_hours = findings.read("only_in_hours", _flag, value.get("only_in_hours", False))
    findings.settle()
    if point is None:
        raise ValueError("A warning that cannot be read has problems.")
    return WarningPoint(
        point.label, point.percent, point.offset_us, repeat or 0, bool(is_only_in_hours)
    )


def _point(value: object) -> WarningPoint:
    if value is None or isinstance(value, dict):
        raise ValueError('say when: at = "75%"')
    return _warning(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, got {value!r}")
