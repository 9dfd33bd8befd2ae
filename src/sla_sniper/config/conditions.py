"""Conditions on tickets as sla.toml writes them: `when`, `unless`."""

from __future__ import annotations

from datetime import date, time
from math import isfinite
from typing import Any, Final

from sla_sniper.config.documents import Findings, KeyProblemsError, nearest
from sla_sniper.sla.conditions import OPERATORS, Condition, Conditions

_OF_LISTS: Final = ("in", "not_in", "has_any")
_OF_NUMBERS: Final = ("lt", "gt")


def read_conditions(value: object) -> Conditions:
    """Read conditions: ``field = values`` for each, or lists `all` and `any`.

    Parameters
    ----------
    value : object
        What the TOML file holds.

    Raises
    ------
    KeyProblemsError
        With everything that is wrong, each under its key.

    Examples
    --------
    >>> read_conditions({"any": [{"field": "tags", "has_any": ["vip", "gold"]}]}).any_of
    (Condition(field='tags', operator='has_any', values=('vip', 'gold')),)
    """
    if not isinstance(value, dict):
        raise ValueError('conditions are a table such as { priority = ["high"] }')  # noqa: TRY004
    findings = Findings()
    listed = {
        name: findings.read(name, _listed, value[name]) for name in ("all", "any") if name in value
    }
    plain = [
        Condition(name, "in", texts)
        for name, each in value.items()
        if name not in {"all", "any"} and (texts := findings.read(name, _texts, each))
    ]
    findings.settle()
    return Conditions((*plain, *(listed.get("all") or ())), listed.get("any") or ())


def _listed(value: object) -> tuple[Condition, ...]:
    if not isinstance(value, list):
        raise ValueError(f"write a list of conditions, not {value!r}")  # noqa: TRY004
    if not value:
        raise ValueError("a list of conditions needs at least one")
    findings = Findings()
    read = [findings.read(n, _condition, each) for n, each in enumerate(value)]
    findings.settle()
    return tuple(condition for condition in read if condition is not None)


def _condition(value: object) -> Condition:
    if not isinstance(value, dict):
        raise ValueError(f'{value!r} is no condition; write {{ field = "...", is = "..." }}')  # noqa: TRY004
    unknown = [key for key in value if key not in {"field", *OPERATORS}]
    if unknown:
        known = ("field", *OPERATORS)
        raise KeyProblemsError(
            tuple(((key,), f"unknown operator {key!r}{nearest(key, known)}") for key in unknown)
        )
    operators = [key for key in value if key != "field"]
    if len(operators) != 1 or not isinstance(value.get("field"), str) or not value["field"]:
        raise ValueError(f"a condition is a field and one of {', '.join(OPERATORS)}")
    (operator,) = operators
    findings = Findings()
    values = findings.read(operator, _VALUES.get(operator, _one_text), value[operator])
    findings.settle()
    return Condition(value["field"], operator, values or ())


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("needs at least one value")
    return tuple(_text(each) for each in values)


def _one_text(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        raise ValueError(f"takes one value, not a list; use one of {', '.join(_OF_LISTS)}")  # noqa: TRY004
    return (_text(value),)


def _text(value: object) -> str:
    """Text of a value as files write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise ValueError(f"{value!r} is no text, number or date")


def _number(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    try:
        is_number = isfinite(float(value)) and not isinstance(value, bool)
    except (TypeError, ValueError):
        is_number = False
    if not is_number:
        raise ValueError(f"compares with a number, not {value!r}")
    return (str(value),)


_VALUES: Final = {**dict.fromkeys(_OF_LISTS, _texts), **dict.fromkeys(_OF_NUMBERS, _number)}
