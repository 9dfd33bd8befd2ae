"""Conditions on tickets: the usual operators on any field, missing values included."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

import polars as pl

from sla_sniper.core.schema import TICKET_KEY, VALUE_COLUMNS

OPERATORS: Final = (
    "is",
    "is_not",
    "in",
    "not_in",
    "contains",
    "contains_not",
    "has_any",
    "lt",
    "gt",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on an attribute of a ticket; a missing value is false.

    ``is`` and ``in`` hold for a list in a text, ``["vip", "beta"]``, that has any of the values;
    ``is_not`` and ``not_in`` are their contraries.
    """

    field: str
    operator: str
    values: tuple[str, ...]

    def expression(self) -> pl.Expr:
        """Boolean column: whether each event row satisfies the condition."""
        column = value_of(self.field)
        return _OPERATIONS[self.operator](column, self.values).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of some conditions and, where there are any, one of others.

    Examples
    --------
    >>> Conditions().is_empty
    True
    """

    all_of: tuple[Condition, ...] = ()
    any_of: tuple[Condition, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return not (self.all_of or self.any_of)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field it looks at."""
        return tuple(dict.fromkeys(c.field for c in (*self.all_of, *self.any_of)))

    def expression(self) -> pl.Expr:
        """Boolean column: whether each event row satisfies them; an empty one is true."""
        parts = [condition.expression() for condition in self.all_of]
        if self.any_of:
            parts.append(reduce(operator.or_, [c.expression() for c in self.any_of]))
        return reduce(operator.and_, parts, pl.lit(value=True))


EVERY_TICKET: Final = Conditions()
"""Conditions that ask for nothing."""


def value_of(name: str) -> pl.Expr:
    """Column of a field of the ticket: a canonical value, or a kept attribute by its name."""
    if name in VALUE_COLUMNS:
        return pl.col(name)
    kept = _attribute(name)
    return pl.coalesce(kept, pl.col(name)).alias(name) if name in TICKET_KEY else kept


def _attribute(name: str) -> pl.Expr:
    entry = pl.element().struct
    picked = entry.field("value").filter(entry.field("key") == name)
    return pl.col("attributes").list.eval(picked).list.first().alias(name)


def _number(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64, strict=False)


def _wanted_number(values: tuple[str, ...]) -> pl.Expr:
    """The number to compare with; nothing compares with what is none."""
    return pl.lit(values[0]).cast(pl.Float64, strict=False)


def _is_any(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    """Whether a field is one of the values, or a list of texts such as ``["vip"]`` has one."""
    quoted = (re.escape(json.dumps(value, ensure_ascii=False)) for value in values)
    listed = rf"^\[(?:.*,)?\s*(?:{'|'.join(quoted)})\s*(?:,.*)?\]$"
    return column.is_in(values) | column.str.contains(listed)


def _contains(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    """Whether a text has one of the values in it, whatever their case."""
    wanted = "|".join(re.escape(value.lower()) for value in values)
    return column.str.to_lowercase().str.contains(wanted)


def _has_any(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    """Whether a list in a text, such as ``vip, beta`` or ``["vip"]``, has one of the values.

    Spaces separate the entries only where nothing else does.
    """
    text = column.str.strip_chars()
    inner = text.str.strip_chars("[] ").str.strip_chars("\"'")
    quoted = inner.str.replace_all(r"[\"']\s*,\s*[\"']", _MARK)
    listed = inner.str.replace_all(r"\s*[,;|]\s*", _MARK)
    spaced = inner.str.replace_all(r"\s+", _MARK)
    parts = (
        pl.when(text.str.contains(r"^\[\s*[\"']"))
        .then(quoted)
        .when(text.str.contains(r"^\[|[,;|]"))
        .then(listed)
        .otherwise(spaced)
    )
    wanted = "|".join(re.escape(value) for value in values)
    return (_MARK + parts + _MARK).str.contains(f"{_MARK}(?:{wanted}){_MARK}")


_MARK: Final = "\u001f"
_OPERATIONS: Final[Mapping[str, Callable[[pl.Expr, tuple[str, ...]], pl.Expr]]] = {
    "is": _is_any,
    "is_not": lambda column, values: ~_is_any(column, values),
    "in": _is_any,
    "not_in": lambda column, values: ~_is_any(column, values),
    "contains": _contains,
    "contains_not": lambda column, values: ~_contains(column, values),
    "has_any": _has_any,
    "lt": lambda column, values: _number(column) < _wanted_number(values),
    "gt": lambda column, values: _number(column) > _wanted_number(values),
}
