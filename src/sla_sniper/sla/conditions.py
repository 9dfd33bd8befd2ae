"""Conditions on tickets: the usual operators on any field, missing values included."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

import polars as pl

from sla_sniper.core.schema import EVENTS

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
    """One condition on an attribute of a ticket; a missing value is false."""

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
    """Column of an event field: a canonical one, or a kept attribute by its name."""
    if name in EVENTS:
        return pl.col(name)
    entry = pl.element().struct
    picked = entry.field("value").filter(entry.field("key") == name)
    return pl.col("attributes").list.eval(picked).list.first().alias(name)


def _number(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64, strict=False)


def _has_any(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    """Whether a list in a text, such as ``vip, beta`` or ``["vip"]``, has one of the values."""
    parts = column.str.replace_all(r"[\[\]\"',;|\s]+", "\u001f")
    wanted = "|".join(re.escape(re.sub(r"[\[\]\"',;|\s]+", "\u001f", value)) for value in values)
    return ("\u001f" + parts + "\u001f").str.contains(f"\u001f(?:{wanted})\u001f")


_OPERATIONS: Final[Mapping[str, Callable[[pl.Expr, tuple[str, ...]], pl.Expr]]] = {
    "is": lambda column, values: column == values[0],
    "is_not": lambda column, values: column != values[0],
    "in": lambda column, values: column.is_in(values),
    "not_in": lambda column, values: ~column.is_in(values),
    "contains": lambda column, values: column.str.to_lowercase().str.contains(
        values[0].lower(), literal=True
    ),
    "contains_not": lambda column, values: (
        ~column.str.to_lowercase().str.contains(values[0].lower(), literal=True)
    ),
    "has_any": _has_any,
    "lt": lambda column, values: _number(column) < float(values[0]),
    "gt": lambda column, values: _number(column) > float(values[0]),
}
