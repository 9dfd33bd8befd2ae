"""Fields of a Tableau workbook: what an extract has, and what is calculated from it.

A *pill* is a field as a sheet uses it, with its aggregation. Tableau names it
``[avg:p_breach:qk]``: how it is derived, the field, and whether it is nominal (`nk`), ordinal
(`ok`) or a quantity (`qk`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.outputs.tables import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PARAMETERS: Final = "Parameters"
"""Name that Tableau demands of the datasource of parameters."""
DERIVATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"none": "None", "avg": "Avg", "sum": "Sum", "twk": "Week-Trunc", "usr": "User"}
)
"""Derivations by their sign in the name of a pill; a calculation that aggregates is `usr`."""
_KINDS: Final = {"nominal": "nk", "ordinal": "ok", "quantitative": "qk"}
_COUNTED: Final = frozenset({"slack_s", "wall_slack_s", "target_us", "elapsed_us", "paused_us"})
"""Whole numbers that are amounts, not names."""
_FORMATS: Final = {
    "p_breach": "p0%",
    "cost": "n#,##0",
    "cost_incurred": "n#,##0",
    "expected_saving": "n#,##0",
}
_WHEN: Final = {"backtest": "at the forecast"}
"""Which value of a ticket's property an extract has, where it is not the last known."""
_CAPTIONS: Final = {
    "p_breach": "P(breach)",
    "is_breach": "Breached",
    "priority_applied": "Priority of the target",
    "applied_on": "Clock started on",
    "applied_month": "Month of start",
    "applied_weekday": "Weekday of start (1 = Monday)",
    "applied_hour": "Hour of start",
    "decided_on": "Decided on",
    "policy": "Policy",
    "is_first": "First forecast of its clock",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a datasource.

    Attributes
    ----------
    name : str
        Column of the extract, or name of a calculation.
    datatype : str
        Tableau's: string, integer, real, boolean, date or datetime.
    role, type : str
        Dimension or measure; nominal, ordinal or quantitative.
    caption : str
        What people read.
    form : str
        Format of its numbers.
    formula : str
        Of a calculation; empty for a column of the extract.
    """

    name: str
    datatype: str
    role: str
    type: str
    caption: str
    form: str = ""
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Pill:
    """A field of a datasource as a sheet uses it.

    Examples
    --------
    >>> Pill("p_breach", "avg").derivation
    'Avg'
    """

    field: str
    sign: str = "none"

    @property
    def derivation(self) -> str:
        """Tableau's name of the derivation."""
        return DERIVATIONS[self.sign]


@dataclass(frozen=True, slots=True)
class Source:
    """A datasource: one extract and its calculations.

    Attributes
    ----------
    name : str
        Name of the extract's file without ending.
    caption : str
        What people read.
    fields : mapping of str to Field
        By name.
    """

    name: str
    caption: str
    fields: Mapping[str, Field]

    @property
    def datasource(self) -> str:
        """Tableau's name of it."""
        return f"federated.{self.name}"

    @property
    def connection(self) -> str:
        """Tableau's name of the connection to the extract."""
        return f"hyper.{self.name}"

    @property
    def table(self) -> str:
        """Tableau's name of the extract's table among its objects."""
        return f"Extract_{self.name}"

    @property
    def columns(self) -> tuple[Field, ...]:
        """Fields that the extract has."""
        return tuple(field for field in self.fields.values() if not field.formula)

    def kind(self, pill: Pill) -> str:
        """Type of a pill: an aggregate and a truncated date are quantities."""
        return self.fields[pill.field].type if pill.sign == "none" else "quantitative"

    def instance(self, pill: Pill) -> str:
        """Tableau's name of a pill within this datasource."""
        return f"[{pill.sign}:{pill.field}:{_KINDS[self.kind(pill)]}]"

    def ref(self, pill: Pill) -> str:
        """Tableau's name of a pill within the workbook."""
        return f"[{self.datasource}].{self.instance(pill)}"


def source_of(
    name: str, caption: str, schema: pl.Schema, calculations: Iterable[Field] = ()
) -> Source:
    """Describe an extract's columns and what is calculated from them."""
    when = _WHEN.get(name, "last known")
    columns = (_column(column, kind, when) for column, kind in schema.items())
    fields = {field.name: field for field in (*columns, *calculations)}
    return Source(name, caption, fields)


def calculation(name: str, caption: str, formula: str, *, form: str = "") -> Field:
    """A calculation that aggregates."""
    return Field(name, "real", "measure", "quantitative", caption, form, formula)


def _column(name: str, kind: pl.DataType, when: str) -> Field:
    caption = _CAPTIONS.get(name, name.replace("_", " ").capitalize())
    role, type_ = "dimension", "nominal"
    if name in DIMENSIONS:
        caption = f"{caption} ({when})"
    datatype = _datatype(kind)
    if datatype == "datetime":
        # A timestamp of an extract has no zone, and people read the caption.
        caption = f"{caption} (UTC)"
    if datatype == "real" or name in _COUNTED:
        role, type_ = "measure", "quantitative"
    elif datatype not in {"string", "boolean"}:
        type_ = "ordinal"
    return Field(name, datatype, role, type_, caption, _FORMATS.get(name, ""))


def _datatype(kind: pl.DataType) -> str:
    if kind.is_float():
        return "real"
    if kind.is_integer():
        return "integer"
    names = {pl.Boolean: "boolean", pl.Date: "date", pl.String: "string"}
    return next((name for each, name in names.items() if kind == each), "datetime")
