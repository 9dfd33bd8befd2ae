"""What a use case gives back: one documented JSON object, and the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Result(Protocol):
    """Everything a surface needs of the outcome of a verb."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with `schema` and `as_of`."""
        ...


def header(verb: str, as_of: datetime | None) -> dict[str, Any]:
    """Begin the JSON object of a verb: its schema and the instant it speaks for.

    Examples
    --------
    >>> header("queue", None)
    {'schema': 'sniper.queue/1', 'as_of': None}
    """
    return {"schema": f"sniper.{verb}/1", "as_of": None if as_of is None else as_of.isoformat()}


def json_safe(value: Any) -> Any:  # noqa: ANN401
    """Replace what JSON cannot say: instants become ISO text, NaN becomes null.

    Examples
    --------
    >>> json_safe({"p": float("nan"), "n": (1, 2)})
    {'p': None, 'n': [1, 2]}
    """
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN alone differs
        return None
    if isinstance(value, dict):
        return {key: json_safe(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(inner) for inner in value]
    return value


def records(rows: list[dict[str, Any]] | tuple[Mapping[str, Any], ...]) -> list[dict[str, Any]]:
    """Rows of a table as JSON-safe dictionaries."""
    return [json_safe(dict(row)) for row in rows]


def as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """One JSON object from facts of any kind; see `json_safe`."""
    return {key: json_safe(value) for key, value in facts.items()}
