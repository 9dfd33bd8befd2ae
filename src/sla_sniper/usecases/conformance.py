"""sniper conformance: clock vectors of other products, put to our own clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import InputError, UnreadableFileError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.sla.calendar import NoWorkingTimeError
from sla_sniper.usecases.conformance_calendar import (
    OPERATIONS,
    NotConformingError,
    answer,
    read_calendar,
)
from sla_sniper.usecases.conformance_deadline import read_deadline
from sla_sniper.usecases.conformance_policy import read_target
from sla_sniper.usecases.conformance_ticket import read_ticket
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Conformance:
    """What our clock says to each vector of a file.

    Attributes
    ----------
    answers : tuple of dict
        ``{"id", "actual"}``, or ``{"id", "error"}`` where the vector asks for a refusal.
    """

    answers: tuple[dict[str, Any], ...]
    now: datetime

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper conformance --json`."""
        return header("conformance", self.now) | {"answers": list(self.answers)}


def run_vectors(path: Path, *, now: datetime, progress: Progress = silent) -> Conformance:
    """Answer every vector of a file in the schema ``sla-vectors/1``.

    Raises
    ------
    UnreadableFileError
        If it is no such file.
    InputError
        If a vector lacks what its operation needs; the vector is named.
    """
    vectors = _read(path)
    answers = []
    for done, vector in enumerate(vectors):
        progress("reading vectors", done / len(vectors))
        answers.append(_answer(vector, str(path), done))
    return Conformance(tuple(answers), now)


def _read(path: Path) -> list[Mapping[str, Any]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise UnreadableFileError(str(path), reason, "name a file of vectors") from error
    except ValueError as error:
        raise UnreadableFileError(str(path), f"this is not JSON: {error}", _REMEDY) from error
    if not isinstance(told, dict) or not isinstance(told.get("vectors"), list):
        raise UnreadableFileError(str(path), "it has no list of vectors", _REMEDY)
    return list(told["vectors"])


_REMEDY = "use the schema sla-vectors/1"


def _answer(vector: Mapping[str, Any], path: str, place: int) -> dict[str, Any]:
    name = vector.get("id", f"number {place + 1}") if isinstance(vector, dict) else place + 1
    try:
        return {"id": name, "actual": _actual(vector)}
    except NotConformingError as refusal:
        return {"id": name, "error": str(refusal)}
    except NoWorkingTimeError:
        return {"id": name, "error": "no_working_time"}
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}, vector {name}: {type(error).__name__} {error}; {_REMEDY}."
        ) from error


def _actual(vector: Mapping[str, Any]) -> dict[str, Any]:
    operation = vector["op"]
    if operation == "ticket":
        return read_ticket(vector, read_calendar)
    if operation == "deadline":
        return read_deadline(vector, read_calendar)
    if operation == "target":
        return read_target(vector)
    if operation not in OPERATIONS:
        raise ValueError(f"no operation is called {operation!r}")
    return answer(vector)
