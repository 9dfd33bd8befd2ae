"""sniper conformance: clock vectors of other products, put to our own clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import InputError, UnreadableFileError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.sla.calendar import NoWorkingTimeError
from sla_sniper.usecases.conformance_calendar import (
    OPERATIONS,
    NotConformingError,
    answer,
    usable_calendar,
)
from sla_sniper.usecases.conformance_deadline import read_deadline
from sla_sniper.usecases.conformance_faces import TIMED, off_the_wall, on_the_wall
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
    unreadable : tuple of str
        Vectors that lack what their operation needs, a sentence each; they are answered with the
        error ``unreadable``.
    """

    answers: tuple[dict[str, Any], ...]
    now: datetime
    unreadable: tuple[str, ...] = ()

    def require_all(self) -> None:
        """Insist that every vector could be read.

        Raises
        ------
        InputError
            With what is wrong, the vectors named; the others have been answered.
        """
        if self.unreadable:
            raise InputError(f"{'; '.join(self.unreadable)}; {_REMEDY}.")

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper conformance --json`."""
        return header("conformance", self.now) | {"answers": list(self.answers)}


def run_vectors(path: Path, *, now: datetime, progress: Progress = silent) -> Conformance:
    """Answer every vector of a file in the schema ``sla-vectors/1``.

    Raises
    ------
    UnreadableFileError
        If it is no such file.
    """
    vectors = _read(path)
    answers, unreadable = [], []
    for done, vector in enumerate(vectors):
        progress("reading vectors", done / len(vectors))
        name = vector.get("id") if isinstance(vector, dict) else None
        name = name or f"number {done + 1}"
        try:
            answers.append({"id": name, **_answer(vector)})
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            answers.append({"id": name, "error": "unreadable"})
            unreadable.append(f"{path}, vector {name}: {type(error).__name__} {error}")
    return Conformance(tuple(answers), now, tuple(unreadable))


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


def _answer(vector: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"actual": _actual(vector)}
    except NotConformingError as refusal:
        return {"error": str(refusal)}
    except NoWorkingTimeError:
        return {"error": "no_working_time"}


def _actual(vector: Mapping[str, Any]) -> dict[str, Any]:
    operation, profile = vector["op"], vector.get("profile") or {}
    if profile.get("clock") == "wall" and operation in TIMED and vector["calendar"]:
        found: dict[str, Any] = off_the_wall(_computed(on_the_wall(vector), profile), vector)
        return found
    return _computed(vector, profile)


def _computed(vector: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[str, Any]:
    operation = vector["op"]
    if operation == "ticket":
        return read_ticket(vector, partial(usable_calendar, profile=profile))
    if operation == "deadline":
        return read_deadline(vector, partial(usable_calendar, profile=profile))
    if operation == "target":
        return read_target(vector)
    if operation not in OPERATIONS:
        raise ValueError(f"no operation is called {operation!r}")
    return answer(vector)
