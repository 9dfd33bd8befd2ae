"""TOML documents, read into checked models with all their problems in one message."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sla_sniper.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails


class Strict(BaseModel):
    """Base of every configuration model: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Model = TypeVar("Model", bound=Strict)


def read_document(path: Path, model: type[Model]) -> Model:
    """Read a TOML file into a model.

    Raises
    ------
    ConfigurationError
        With every problem of the file: its key, what came and what would do.
    """
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except ValidationError as error:
        problems = tuple(_sentence(detail, model) for detail in _causes(error.errors()))
        raise ConfigurationError(str(path), problems) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), (f"this is not TOML: {error}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), ("this is not UTF-8 text",)) from error
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}; name an existing file"
        raise ConfigurationError(str(path), (problem,)) from error


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out lists that are only too short because their items are wrong."""
    paths = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(path[: len(detail["loc"])] == detail["loc"] != path for path in paths)
    ]


def _sentence(detail: ErrorDetails, model: type[Strict]) -> str:
    key = _key(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {key}{_nearest(str(detail['loc'][-1]), _known(model, detail['loc']))}"
    if detail["type"] == "missing":
        return f"{key} is missing"
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{key}: {message[0].lower()}{message[1:]}, got {detail['input']!r}"


def _key(path: Sequence[int | str]) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


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


def _nearest(name: str, known: Sequence[str]) -> str:
    match = get_close_matches(name, known, n=1, cutoff=0.5)
    if match:
        return f" (did you mean {match[0]!r}?)"
    return f"; known are {', '.join(known)}" if known else ""
