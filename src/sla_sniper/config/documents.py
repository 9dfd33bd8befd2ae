"""TOML documents, read into checked models with all their problems in one message."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sla_sniper.config.positions import KeyPath, line_of, lines_of
from sla_sniper.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

_SHORT: Final = 60
_PLAIN: Final = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "string_type": "must be text",
    "too_short": "needs at least one entry",
    "tuple_type": "must be a list",
}


class Strict(BaseModel):
    """Base of every configuration model: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Model = TypeVar("Model", bound=Strict)
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a document: the key it is about, and a sentence that names it."""

    path: KeyPath
    sentence: str

    @classmethod
    def at(cls, path: KeyPath, text: str) -> Problem:
        """Make the sentence of a key and what is wrong with it.

        Examples
        --------
        >>> Problem.at(("policies", 0, "name"), "must be text").sentence
        'policies[1].name: must be text'
        """
        return cls(path, f"{key_name(path)}: {text}")


class KeyProblemsError(ValueError):
    """Several things that are wrong inside the value of one key."""

    def __init__(self, problems: tuple[tuple[KeyPath, str], ...]) -> None:
        super().__init__(problems)
        self.problems = problems


class Findings:
    """Collects what is wrong in the parts of one value, so that all of it is told at once.

    Examples
    --------
    >>> findings = Findings()
    >>> findings.read("high", int, "4"), findings.read("low", int, "soon")
    (4, None)
    >>> [path for path, _ in findings.found]
    [('low',)]
    """

    def __init__(self) -> None:
        self.found: list[tuple[KeyPath, str]] = []

    def read(self, key: str | int, reader: Callable[[Any], Read], value: object) -> Read | None:
        """Read the part under a key; None where it cannot be read, which is kept."""
        try:
            return reader(value)
        except KeyProblemsError as error:
            self.found += [((key, *path), text) for path, text in error.problems]
        except ValueError as error:
            self.found.append(((key,), str(error)))
        return None

    def settle(self) -> None:
        """Raise what was found.

        Raises
        ------
        KeyProblemsError
            If anything was.
        """
        if self.found:
            raise KeyProblemsError(tuple(self.found))


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file: its text, and the table it holds."""

    path: Path
    text: str
    table: dict[str, Any]

    def parse(self, model: type[Model]) -> tuple[Model | None, list[Problem]]:
        """Read it into a model; None where it has problems."""
        try:
            return model.model_validate(self.table), []
        except ValidationError as error:
            found = (_problems(each, model, self.table) for each in _causes(error.errors()))
            return None, [problem for problems in found for problem in problems]

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Raise all problems together, each with its line, in the order of the lines.

        Raises
        ------
        ConfigurationError
            If there are any.
        """
        unlike = tuple(dict.fromkeys(problems))
        if unlike:
            lines = lines_of(self.text)
            placed = [(line_of(problem.path, lines) or 0, problem) for problem in unlike]
            placed.sort(key=lambda pair: pair[0])
            told = tuple(f"line {n}, {each.sentence}" if n else each.sentence for n, each in placed)
            raise ConfigurationError(str(self.path), told)


def read_document(path: Path, model: type[Model]) -> Model:
    """Read a TOML file into a model.

    Raises
    ------
    ConfigurationError
        With every problem of the file: its line and key, what came and what would do.
    """
    document = open_document(path)
    read, problems = document.parse(model)
    document.refuse(problems)
    if read is None:
        raise ValueError("A document that cannot be read has problems.")
    return read


def open_document(path: Path) -> Document:
    """Read a TOML file as it is.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Document(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), (f"this is not TOML: {error}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), ("this is not UTF-8 text",)) from error
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}; name an existing file"
        raise ConfigurationError(str(path), (problem,)) from error


def key_name(path: Sequence[int | str]) -> str:
    """Write a path as people count: ``policies[1].targets[2].metric``.

    Examples
    --------
    >>> key_name(("policies", 0, "name")), key_name(())
    ('policies[1].name', 'the file')
    """
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def nearest(name: str, known: Sequence[str]) -> str:
    """Say which known name is meant, or which there are.

    Examples
    --------
    >>> nearest("prioriti", ["priority", "group"])
    " (did you mean 'priority'?)"
    """
    match = get_close_matches(name, known, n=1, cutoff=0.5)
    if match:
        return f" (did you mean {match[0]!r}?)"
    return f"; known are {', '.join(known)}" if known else ""


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out lists that are only too short because their items are wrong."""
    paths = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(path[: len(detail["loc"])] == detail["loc"] != path for path in paths)
    ]


def _problems(detail: ErrorDetails, model: type[Strict], table: dict[str, Any]) -> list[Problem]:
    path = _path_in(table, detail)
    if detail["type"] == "extra_forbidden":
        name = str(path[-1])
        told = f"unknown key {key_name(path)}{nearest(name, _known(model, detail['loc']))}"
        return [Problem(path, told)]
    if detail["type"] == "missing":
        return [Problem(path, f"{key_name(path)} is missing")]
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, KeyProblemsError):
        return [
            Problem.at((*path, *below), _with_value(text, _value_at(table, (*path, *below))))
            for below, text in cause.problems
        ]
    return [Problem.at(path, _text(detail))]


def _text(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    message = _PLAIN.get(detail["type"], message[0].lower() + message[1:])
    return _with_value(message.replace("input should be", "must be", 1), detail["input"])


def _with_value(message: str, value: Any) -> str:  # noqa: ANN401
    """Add what came, unless the message has it, or it is long."""
    parts = value if isinstance(value, list | tuple) else [value]
    is_told = any(repr(part) in message for part in (value, *parts))
    is_long = isinstance(value, dict) or len(repr(value)) > _SHORT
    is_clear = value is None or is_told or is_long or message.startswith("unknown")
    return message if is_clear else f"{message}, got {value!r}"


def _value_at(table: dict[str, Any], path: KeyPath) -> Any:  # noqa: ANN401
    """Value under a path; None where there is none."""
    here: Any = table
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return None
    return here


def _path_in(table: dict[str, Any], detail: ErrorDetails) -> KeyPath:
    """Path of a problem as the file has it, without the marks of the checker in it."""
    path: list[str | int] = []
    here: Any = table
    for part in detail["loc"]:
        is_there = isinstance(here, dict) and part in here
        if is_there or (isinstance(here, list) and isinstance(part, int) and part < len(here)):
            here = here[part]
            path.append(part)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _known(model: type[Strict], path: Sequence[int | str]) -> list[str]:
    """Keys that are allowed where an unknown one was found."""
    current: Any = model
    for part in path[:-1]:
        if isinstance(part, str):
            current = _model_of(current, part)
    fields = getattr(current, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _model_of(model: Any, key: str) -> Any:  # noqa: ANN401
    """Model behind a key, looked for inside lists, mappings and unions."""
    for name, field in getattr(model, "model_fields", {}).items():
        if key in {name, field.alias}:
            return _innermost(field.annotation)
    # The key of a mapping from names to models stays with the model.
    return model


def _innermost(annotation: Any) -> Any:  # noqa: ANN401
    for argument in getattr(annotation, "__args__", ()):
        found = _innermost(argument)
        if found is not None:
            return found
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None
