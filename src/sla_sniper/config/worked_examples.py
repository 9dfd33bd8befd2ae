"""The `[[examples]]` of a policy file, read into worked examples."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.config.documents import (
    Findings,
    KeyProblemsError,
    Problem,
    key_name,
    nearest,
    open_document,
)
from sla_sniper.config.values import duration_us, instant
from sla_sniper.core.instants import EPOCH
from sla_sniper.core.schema import METRICS, STATUSES, VALUE_COLUMNS
from sla_sniper.sla.worked_examples import (
    INSTANTS,
    READINGS,
    SPANS,
    Expectation,
    Step,
    WorkedExample,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.config.service_levels import SlaSettings
    from sla_sniper.sla.worked_examples import Value

NONE: Final = "none"
"""How an example writes that there is no clock, or no deadline."""
STATES: Final = ("running", "paused", "overdue", "met", "missed", "cancelled")
_KEYS: Final = ("name", "ticket", "events", "at", "expect")
_MESSAGES: Final = {"reply": "agent", "note": "agent", "requester": "requester"}
"""Who writes each kind of message, unless `by` says otherwise."""
_ACTIVITIES: Final = {
    "reply": "public_reply",
    "note": "internal_note",
    "requester": "requester_message",
}
_ROLES: Final = ("agent", "requester", "system")
_FLAGS: Final = (*_ACTIVITIES, "by")
_TYPES: Final = {"breached": (bool, "true or false"), "cycle": (int, "a whole number")}
_NEAR: Final = 0.7
"""How alike an unknown name and a known one are before it counts as misspelt."""
_ZERO: Final = re.compile(r"0+(\.0+)?\s*[smhdw]")


def read_examples(path: Path, settings: SlaSettings) -> tuple[WorkedExample, ...]:
    """Read every example of a policy file.

    Parameters
    ----------
    path : Path
        The file, to name the line of every problem.
    settings : SlaSettings
        What it says; times without an offset are in the zone of its first calendar.

    Raises
    ------
    ConfigurationError
        With every problem of every example: its line, key and the example's name.
    """
    priced = () if settings.breach_costs is None else (settings.breach_costs.by,)
    grammar = _Grammar(settings.timezone, (*settings.levels.fields, *priced))
    open_document(path).refuse(
        problem
        for number, raw in enumerate(settings.examples)
        for problem in grammar.problems(raw, number)
    )
    return tuple(grammar.example(raw) for raw in settings.examples)


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How the tables of an example are read.

    Attributes
    ----------
    timezone : str
        Of times without an offset.
    fields : tuple of str
        Fields that the rules of the file look at; others may be misspelt canonical ones.
    """

    timezone: str
    fields: tuple[str, ...]

    def problems(self, raw: Mapping[str, Any], number: int) -> list[Problem]:
        """Everything that keeps an example from being read, with the example's name."""
        findings = Findings()
        findings.read(number, self.example, raw)
        name = raw.get("name", "")
        return [
            Problem(("examples", *path), f"{key_name(('examples', *path))} ({name!r}): {text}")
            for path, text in findings.found
        ]

    def example(self, raw: Mapping[str, Any]) -> WorkedExample:
        findings = Findings()
        for key in raw:
            findings.read(key, _known_in(_KEYS), key)
        findings.read("name", _name, raw.get("name"))
        findings.read("ticket", self._ticket, raw.get("ticket", {}))
        findings.read("events", self._steps, raw.get("events"))
        findings.read("expect", self._expected, raw.get("expect"))
        if "at" in raw:
            findings.read("at", self._moment, raw["at"])
        findings.settle()
        first, *others = self._steps(raw["events"])
        steps = (_created(self._ticket(raw.get("ticket", {})), first), *others)
        as_of = self._moment(raw["at"]) if "at" in raw else steps[-1].at
        if as_of < first.at:
            raise KeyProblemsError(((("at",), "is before the ticket is created"),))
        return WorkedExample(raw["name"], steps, as_of, self._expected(raw["expect"]))

    def _ticket(self, raw: object) -> Step:
        """Read the values at creation; they are of no instant of their own."""
        table = _table(raw)
        misplaced = [key for key in ("at", *_FLAGS) if self._is_flag(table, key)]
        if misplaced:
            raise KeyProblemsError(tuple(((key,), "belongs into `events`") for key in misplaced))
        return self._step({"at": EPOCH} | dict(table))

    def _steps(self, raw: object) -> tuple[Step, ...]:
        if not isinstance(raw, list) or not raw:
            raise ValueError("needs a list of events; the first one creates the ticket")
        findings = Findings()
        steps = [findings.read(number, self._step, each) for number, each in enumerate(raw)]
        findings.settle()
        read = tuple(step for step in steps if step is not None)
        early = [n for n in range(1, len(read)) if read[n].at < read[n - 1].at]
        if early:
            told = "is earlier than the event before it"
            raise KeyProblemsError(tuple(((number, "at"), told) for number in early))
        return read

    def _step(self, raw: object) -> Step:
        table = _table(raw)
        findings = Findings()
        flags = {key: table[key] for key in _FLAGS if self._is_flag(table, key)}
        for key, value in flags.items():
            findings.read(key, _role if key == "by" else _flag, value)
        at = findings.read("at", self._moment, table.get("at", ""))
        due_at = findings.read("due_at", self._moment, table.get("due_at", EPOCH))
        told = {k: v for k, v in table.items() if k not in {"at", "due_at", *flags}}
        values = {key: findings.read(key, self._field(key), value) for key, value in told.items()}
        findings.settle()
        messages = [key for key in _ACTIVITIES if flags.get(key)]
        return Step(
            at=at or EPOCH,
            values=values,
            activities=tuple(_ACTIVITIES[key] for key in messages),
            role=flags.get("by") or (_MESSAGES[messages[0]] if len(messages) == 1 else None),
            due_at=due_at if "due_at" in table else None,
        )

    @staticmethod
    def _is_flag(table: Mapping[str, Any], key: str) -> bool:
        """`requester` alone is both: a message where it is true, else who the requester is."""
        return key in table and (key not in VALUE_COLUMNS or isinstance(table[key], bool))

    def _field(self, name: str) -> Callable[[Any], str | None]:
        def read(value: object) -> str | None:
            known = (*VALUE_COLUMNS, *_FLAGS, "at", "due_at")
            if name not in {*VALUE_COLUMNS, *self.fields}:
                near = get_close_matches(name, known, n=1, cutoff=_NEAR)
                if near:
                    raise ValueError(f"unknown key (did you mean {near[0]!r}?)")
            if name == "status":
                _word(STATUSES, "status", value)
            return self._text(value)

        return read

    def _text(self, value: object) -> str | None:
        """Write a value as the event log would hold it; an empty text clears the field."""
        if isinstance(value, list):
            return ", ".join(self._text(each) or "" for each in value)
        if isinstance(value, dict):
            raise ValueError("must be a single value")  # noqa: TRY004 - a user's value
        if isinstance(value, bool):
            return str(value).lower()
        if hasattr(value, "isoformat"):
            return self._moment(value).isoformat()
        return str(value) or None

    def _expected(self, raw: object) -> tuple[Expectation, ...]:
        findings = Findings()
        told = [findings.read(k, self._expectation(k), v) for k, v in _table(raw).items()]
        if not told:
            raise ValueError("needs at least one metric")
        findings.settle()
        return tuple(each for each in told if each is not None)

    def _expectation(self, metric: str) -> Callable[[Any], Expectation]:
        def read(value: object) -> Expectation:
            _word(METRICS, "metric", metric)
            if value == NONE:
                return Expectation(metric, (), is_latest=False)
            if isinstance(value, list):
                findings = Findings()
                told = [findings.read(n, self._reading, each) for n, each in enumerate(value)]
                findings.settle()
                cycles = tuple(each for each in told if each is not None)
                return Expectation(metric, cycles, is_latest=False)
            return Expectation(metric, (self._reading(value),))

        return read

    def _reading(self, raw: object) -> dict[str, Value]:
        findings = Findings()
        found = {k: findings.read(k, self._value(k), v) for k, v in _table(raw).items()}
        if not found:
            raise ValueError(f"needs a table of {', '.join(READINGS)}, or {NONE!r}")
        findings.settle()
        return found

    def _value(self, key: str) -> Callable[[Any], Value]:
        def read(value: Any) -> Value:  # noqa: ANN401 - what a TOML file holds
            _known_in(READINGS)(key)
            if value == NONE and key not in {"state", *SPANS}:
                return None
            if key in INSTANTS:
                return self._moment(value)
            if key in SPANS:
                return _span_us(value)
            return _plain(key, value)

        return read

    def _moment(self, value: Any) -> datetime:  # noqa: ANN401 - what a TOML file holds
        return instant(value, timezone=self.timezone)


def _created(ticket: Step, first: Step) -> Step:
    values = dict(ticket.values) | dict(first.values)
    return replace(first, values=values, due_at=first.due_at or ticket.due_at)


def _table(raw: object) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("must be a table")  # noqa: TRY004 - a user's value
    return raw


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("every example needs a name")
    return value


def _known_in(known: tuple[str, ...]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"unknown key{nearest(name, known)}")
        return name

    return check


def _word(known: tuple[str, ...], what: str, value: object) -> str:
    if value not in known:
        raise ValueError(f"no {what} is called {value!r}{nearest(str(value), known)}")
    return str(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, got {value!r}")  # noqa: TRY004
    return value


def _role(value: object) -> str:
    return _word(_ROLES, "role", value)


def _plain(key: str, value: object) -> Value:
    if key == "state":
        return _word(STATES, "state", value)
    wanted, name = _TYPES.get(key, (str, "text"))
    if type(value) is not wanted:
        raise ValueError(f"must be {name}, got {value!r}")
    return value  # type: ignore[return-value]  # of the type just asked for


def _span_us(value: object) -> int:
    """Microseconds of a duration that may be zero or negative."""
    text = str(value).strip()
    size = text.removeprefix("-")
    amount = 0 if _ZERO.fullmatch(size) else duration_us(size)
    return -amount if text.startswith("-") else amount
