"""How a file becomes the event log: ``map.toml``, read and checked as a whole."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.instants import zone
from sla_sniper.core.schema import ACTIVITIES, STATUSES, VALUE_COLUMNS
from sla_sniper.eventlog.times import is_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Shape: TypeAlias = Literal["events", "tickets"]

BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
"""How files write truth, in lower case."""

PEOPLE: Final = ("requester", "assignee")
"""Columns that name people: hashed unless the mapping keeps or drops them."""

_EVENTS_ONLY: Final = ("occurred_at", "sequence", "activity", "actor_role")
_TICKETS_ONLY: Final = ("first_response_at",)
_BOTH: Final = (
    "ticket_id",
    "created_at",
    "resolved_at",
    "closed_at",
    "recorded_at",
    *VALUE_COLUMNS,
    "due_at",
    "breached",
    "met",
)
_COLUMNS: Final = (*_BOTH, *_EVENTS_ONLY, *_TICKETS_ONLY)
_NEEDED: Final = {
    "events": ("ticket_id", "occurred_at"),
    "tickets": ("ticket_id", "created_at"),
}
_KEYS: Final = {
    "log": ("source", "shape", "timezone", "timestamp_format", "null_values", "delimiter"),
    "columns": _COLUMNS,
    "attributes": ("keep",),
    "stamped": ("columns",),
    "values": (),
    "personal": ("hash", "drop", "keep"),
}
_SOURCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column of a file is what, and how its values are read.

    Attributes
    ----------
    source
        Name of the help desk; part of every key.
    shape
        ``"events"``: a row a change; ``"tickets"``: a row a ticket.
    timezone
        IANA zone of times without an offset.
    timestamp_format
        In the style of ``strftime``; None for ISO 8601.
    columns
        Canonical name to the column of the file.
    keep
        Further columns of the file, stored as attributes.
    stamped
        Columns of the file that are written onto every row at the end of a ticket.
    values
        Canonical column to {text in the file: canonical value}.
    hash, drop, keep_personal
        Columns (canonical or of the file) with personal data, and what becomes of it.
    """

    shape: Shape
    timezone: str
    columns: dict[str, str]
    source: str = "default"
    timestamp_format: str | None = None
    null_values: tuple[str, ...] = ()
    delimiter: str = ","
    keep: tuple[str, ...] = ()
    stamped: tuple[str, ...] = ()
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    hash: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep_personal: tuple[str, ...] = ()

    def file_columns(self) -> tuple[str, ...]:
        """Columns that the file must have, each once."""
        return tuple(dict.fromkeys((*self.columns.values(), *self.keep)))

    def attributes(self) -> tuple[str, ...]:
        """Columns of the file that are stored as attributes: kept and not dropped."""
        return tuple(name for name in dict.fromkeys(self.keep) if name not in self.drop)

    def is_stamped(self, column: str) -> bool:
        """Whether the file writes `column` (canonical or attribute) onto all rows at the end."""
        return self.columns.get(column, column) in self.stamped

    def treatment(self, column: str) -> Literal["keep", "hash", "drop"]:
        """Say what becomes of a column, canonical or attribute, at the door.

        Examples
        --------
        >>> people = {"ticket_id": "id", "occurred_at": "at", "requester": "caller"}
        >>> mapping = Mapping("events", "UTC", people, drop=("caller",))
        >>> mapping.treatment("requester"), mapping.treatment("assignee")
        ('drop', 'hash')
        """
        names = {column, self.columns.get(column, column)}
        if names & set(self.drop):
            return "drop"
        if names & set(self.keep_personal):
            return "keep"
        return "hash" if column in PEOPLE or names & set(self.hash) else "keep"

    def identity(self) -> dict[str, object]:
        """What decides which event a row becomes: rows read in two ways are two events."""
        names = (*self.columns, *(f"attribute {name}" for name in self.attributes()))
        told = {name: self.treatment(name.removeprefix("attribute ")) for name in names}
        return {"shape": self.shape, "values": self.values, "columns": told}

    def as_toml(self) -> str:
        """Write the mapping as `read_mapping` reads it."""
        log = {key: getattr(self, key) for key in _KEYS["log"]}
        personal = {"hash": self.hash, "drop": self.drop, "keep": self.keep_personal}
        sections: dict[str, Table[str, Any]] = {
            "log": {key: value for key, value in log.items() if value is not None},
            "columns": self.columns,
            "attributes": {"keep": self.keep},
            "stamped": {"columns": self.stamped},
            **{f"values.{_quoted(name)}": table for name, table in self.values.items()},
            "personal": personal,
        }
        return "\n".join(_section(name, table) for name, table in sections.items())


def read_mapping(path: Path) -> Mapping:
    """Read and check a ``map.toml``.

    Raises
    ------
    ConfigurationError
        With everything that is wrong in the file, not the first problem alone.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), (f"this is not TOML: {error}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), ("this is not UTF-8 text",)) from error
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}; name an existing map.toml"
        raise ConfigurationError(str(path), (problem,)) from error
    return _Reader(document).mapping(str(path))


class _Reader:
    """Collects the problems of one document while it takes the settings out of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.problems: list[str] = []

    def mapping(self, path: str) -> Mapping:
        self._unknown_names()
        shape = self._text("shape", "events")
        mapping = Mapping(
            shape="tickets" if shape == "tickets" else "events",
            timezone=self._text("timezone", "UTC"),
            columns=self._texts("columns", self._section("columns")),
            source=self._text("source", "default"),
            timestamp_format=self._text("timestamp_format", "") or None,
            null_values=self._list("log", "null_values"),
            delimiter=self._text("delimiter", ","),
            keep=self._list("attributes", "keep"),
            stamped=self._list("stamped", "columns"),
            values=self._values(),
            hash=self._list("personal", "hash"),
            drop=self._list("personal", "drop"),
            keep_personal=self._list("personal", "keep"),
        )
        self._check_log(mapping, shape)
        if shape in _NEEDED:
            self._check_columns(mapping)
        self._check_values(mapping)
        self._check_personal(mapping)
        if self.problems:
            raise ConfigurationError(path, tuple(self.problems))
        return mapping

    def _unknown_names(self) -> None:
        for section, table in self.document.items():
            if section not in _KEYS:
                self.problems.append(f"unknown section [{section}]{_nearest(section, _KEYS)}")
            elif not isinstance(table, dict):
                self.problems.append(f"{section} must be a section, [{section}]")
            elif section != "values":
                self._unknown_keys(section, table)

    def _unknown_keys(self, section: str, table: dict[str, Any]) -> None:
        known = _KEYS[section]
        self.problems += [
            f"unknown key {key!r} in [{section}]{_nearest(key, known)}"
            for key in table
            if key not in known
        ]

    def _section(self, name: str) -> dict[str, Any]:
        table = self.document.get(name, {})
        return table if isinstance(table, dict) else {}

    def _text(self, key: str, default: str) -> str:
        value = self._section("log").get(key, default)
        if isinstance(value, str):
            return value
        self.problems.append(f"{key} in [log] must be text, not {value!r}")
        return default

    def _list(self, section: str, key: str) -> tuple[str, ...]:
        value = self._section(section).get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.problems.append(f"{key} in [{section}] must be a list of texts, not {value!r}")
        return ()

    def _texts(self, where: str, table: dict[str, Any]) -> dict[str, str]:
        """Texts by key; true and false count as their names."""
        texts = {}
        for key, value in table.items():
            text = str(value).lower() if isinstance(value, bool) else value
            if isinstance(text, str) and text:
                texts[key] = text
            else:
                self.problems.append(f"{key!r} in [{where}] must be text, not {value!r}")
        return texts

    def _values(self) -> dict[str, dict[str, str]]:
        tables = self._section("values")
        for name, table in tables.items():
            if not isinstance(table, dict):
                self.problems.append(f"values.{name} must be a section, [values.{name}]")
        return {
            name: self._texts(f"values.{name}", table)
            for name, table in tables.items()
            if isinstance(table, dict)
        }

    def _check_log(self, mapping: Mapping, shape: str) -> None:
        if shape not in _NEEDED:
            self.problems.append(f'shape must be "events" or "tickets", not {shape!r}')
        try:
            zone(mapping.timezone)
        except ValueError as error:
            self.problems.append(str(error))
        if not _SOURCE.fullmatch(mapping.source):
            self.problems.append(
                f"source {mapping.source!r} must be letters, digits, '.', '_' and '-'"
            )
        if len(mapping.delimiter) != 1:
            self.problems.append(f"delimiter must be one character, not {mapping.delimiter!r}")
        if mapping.timestamp_format and not is_format(mapping.timestamp_format):
            self.problems.append(
                f"timestamp_format {mapping.timestamp_format!r} cannot be used; "
                'write it like "%d/%m/%Y %H:%M"'
            )

    def _check_columns(self, mapping: Mapping) -> None:
        self.problems += [
            f"[columns] needs {name}: a log of {mapping.shape} cannot be read without it"
            for name in _NEEDED[mapping.shape]
            if name not in mapping.columns
        ]
        foreign = _TICKETS_ONLY if mapping.shape == "events" else _EVENTS_ONLY
        other = "tickets" if mapping.shape == "events" else "events"
        self.problems += [
            f'{name} in [columns] belongs to shape = "{other}"'
            for name in foreign
            if name in mapping.columns
        ]

    def _check_values(self, mapping: Mapping) -> None:
        known = (*mapping.columns, *mapping.keep)
        for name, table in mapping.values.items():
            if name not in known:
                self.problems.append(
                    f"[values.{name}] names no column of [columns]{_nearest(name, known)}"
                )
            allowed = _ALLOWED.get(name)
            if allowed:
                self.problems += _refused_values(name, table, allowed)

    def _check_personal(self, mapping: Mapping) -> None:
        lists = {"hash": mapping.hash, "drop": mapping.drop, "keep": mapping.keep_personal}
        for name in dict.fromkeys(name for names in lists.values() for name in names):
            owners = [owner for owner, names in lists.items() if name in names]
            if len(owners) > 1:
                self.problems.append(f"{name!r} in [personal] is in both {' and '.join(owners)}")
        if "ticket_id" in (*mapping.hash, *mapping.drop):
            self.problems.append(
                "ticket_id in [personal] cannot be hashed or dropped: it is the key"
            )


def _is_activity(text: str) -> bool:
    return all(part in ACTIVITIES for part in text.split("+"))


_ALLOWED: Final[dict[str, tuple[Callable[[str], bool], tuple[str, ...]]]] = {
    "status": (STATUSES.__contains__, STATUSES),
    "activity": (_is_activity, ACTIVITIES),
    "breached": (BOOLEANS.__contains__, ("true", "false")),
    "met": (BOOLEANS.__contains__, ("true", "false")),
}


def _refused_values(
    name: str, table: dict[str, str], allowed: tuple[Callable[[str], bool], tuple[str, ...]]
) -> list[str]:
    is_allowed, known = allowed
    return [
        f"{raw!r} in [values.{name}] becomes {value!r}, which is no {name}"
        f"{_nearest(value, known)}; use one of {', '.join(known)}"
        for raw, value in table.items()
        if not is_allowed(value)
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    match = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {match[0]!r}?)" if match else f"; known are {', '.join(known)}"


def _section(name: str, table: Table[str, Any]) -> str:
    lines = [f"{_quoted(key)} = {_toml(value)}" for key, value in table.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _toml(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return f"[{', '.join(map(_quoted, value))}]"


def _quoted(text: str) -> str:
    # A JSON text is a TOML text, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
