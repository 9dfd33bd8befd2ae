"""The two dashboards for Tableau: every sheet, its definition and its filters, as values.

The workbook draws them, the README of the export tells them; neither knows anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sla_sniper.outputs.tableau_fields import (
    PARAMETERS,
    Field,
    Pill,
    Source,
    calculation,
    source_of,
)
from sla_sniper.panels.theme import RULE, SNIPER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

TOP_N: Final = "Parameter 1"
TOP_N_CAPTION: Final = "Top N"
TOP_N_VALUE, TOP_N_MOST = 25, 1000

CYCLE_FILTERS: Final = (
    "priority_applied",
    "channel",
    "group",
    "category",
    "product",
    "organization",
    "metric",
    "policy",
    "applied_month",
    "applied_weekday",
    "applied_hour",
)
"""Dimensions by which the operational dashboard is filtered."""
FORECAST_FILTERS: Final = ("priority", "channel", "group", "category", "product", "metric")
"""Those of each half of the risk dashboard."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet.

    Attributes
    ----------
    name, definition : str
        Its title, and what it shows in a sentence or two.
    source : str
        Name of the datasource.
    mark : str
        Tableau's class of marks.
    rows, cols : tuple of Pill
        Of the shelves, dimensions first.
    color, label : Pill or None
        Encodings of the marks.
    series : mapping of Pill to str
        Several measures side by side, with their colours; they take the place of measures on
        `rows`.
    filters : tuple of str
        Fields that people filter by; all values at first.
    only : mapping of str to str
        Fields that keep one value, written as Tableau does.
    order : tuple of (str, Pill) or None
        Field whose values are ordered by a measure, the largest first.
    """

    name: str
    definition: str
    source: str
    mark: str
    rows: tuple[Pill, ...]
    cols: tuple[Pill, ...]
    color: Pill | None = None
    label: Pill | None = None
    series: Mapping[Pill, str] | None = None
    filters: tuple[str, ...] = ()
    only: Mapping[str, str] | None = None
    order: tuple[str, Pill] | None = None

    @property
    def pills(self) -> tuple[Pill, ...]:
        """Every field that the sheet uses, as it uses it, each once."""
        marks = [pill for pill in (self.color, self.label) if pill is not None]
        order = () if self.order is None else (Pill(self.order[0]), self.order[1])
        named = [Pill(name) for name in (*self.filters, *(self.only or {}))]
        found = (*self.rows, *self.cols, *marks, *(self.series or {}), *order, *named)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sheet lies on its dashboard, in hundredths of its width and height."""

    sheet: str
    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Controls:
    """Filters beside a dashboard's sheets; each acts on every sheet of its source.

    Attributes
    ----------
    title : str
        What they act on.
    sheet : str
        One of the sheets that have them.
    fields : tuple of str
        By which people filter.
    """

    title: str
    sheet: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: its sheets, and the filters and parameters beside them.

    Attributes
    ----------
    places : tuple of Place
        Its sheets.
    controls : tuple of Controls
        Its filters, a group a source.
    has_top_n : bool
        Whether the parameter is shown.
    """

    name: str
    places: tuple[Place, ...]
    controls: tuple[Controls, ...]
    has_top_n: bool = False


BREACH_RATE: Final = calculation(
    "Calculation_breach_rate", "Breach rate", "AVG(IIF([is_breach], 1.0, 0.0))", form="p0%"
)
CLOCKS: Final = calculation("Calculation_clocks", "Clocks", "COUNT([ticket_id])", form="n#,##0")
COST: Final = calculation(
    "Calculation_cost", "Cost of breaches", "SUM([cost_incurred])", form="n#,##0"
)
ACTUAL: Final = calculation(
    "Calculation_actual", "Actual: share breached", "AVG(IIF([breached], 1.0, 0.0))", form="p0%"
)
EXPECTED: Final = calculation(
    "Calculation_expected",
    "Model: mean P(breach)",
    "AVG(IIF(ISNULL([breached]), NULL, [p_breach]))",
    form="p0%",
)
IN_TOP_N: Final = Field(
    "Calculation_in_top_n",
    "boolean",
    "dimension",
    "nominal",
    "Among the top N",
    formula=f"[rank] <= [{PARAMETERS}].[{TOP_N}]",
)
_AGAINST: Final = {Pill(EXPECTED.name, "usr"): SNIPER, Pill(ACTUAL.name, "usr"): RULE}
_PRIORITY: Final = ("priority_applied", Pill("cost", "avg"))
_DEAREST: Final = ("priority", Pill("cost", "avg"))

SHEETS: Final = (
    Sheet(
        name="Breach risk by priority and channel",
        definition=(
            "Mean forecast P(breach) of the clocks that run now, before their deadline. Clocks "
            "that stand, and those already overdue, have no forecast."
        ),
        source="cycles",
        mark="Square",
        rows=(Pill("priority_applied"),),
        cols=(Pill("channel"),),
        color=Pill("p_breach", "avg"),
        label=Pill("p_breach", "avg"),
        filters=CYCLE_FILTERS,
        only={"state": '"running"'},
        order=_PRIORITY,
    ),
    Sheet(
        name="Breach rate by priority and channel",
        definition=(
            "Breached clocks over decided ones (met, missed, or overdue and still open), over "
            "the whole log."
        ),
        source="cycles",
        mark="Square",
        rows=(Pill("priority_applied"),),
        cols=(Pill("channel"),),
        color=Pill(BREACH_RATE.name, "usr"),
        label=Pill(BREACH_RATE.name, "usr"),
        filters=CYCLE_FILTERS,
        order=_PRIORITY,
    ),
    Sheet(
        name="Breach trend",
        definition=(
            "Breached clocks over decided ones, by the week in which each was decided: at its "
            "deadline where that was missed, else when it was met."
        ),
        source="cycles",
        mark="Line",
        rows=(Pill(BREACH_RATE.name, "usr"),),
        cols=(Pill("decided_on", "twk"),),
        filters=CYCLE_FILTERS,
    ),
    Sheet(
        name="Cost by channel",
        definition=(
            "Sum of the breach costs that sla.toml sets, of the clocks that breached: an "
            "assumption about money, not a bill."
        ),
        source="cycles",
        mark="Bar",
        rows=(Pill("channel"),),
        cols=(Pill(COST.name, "usr"),),
        label=Pill(COST.name, "usr"),
        filters=CYCLE_FILTERS,
        order=("channel", Pill(COST.name, "usr")),
    ),
    Sheet(
        name="Histogram of predictions",
        definition="How many of the clocks that run now have a forecast in each tenth.",
        source="predictions",
        mark="Bar",
        rows=(Pill(CLOCKS.name, "usr"),),
        cols=(Pill("risk_bucket"),),
        label=Pill(CLOCKS.name, "usr"),
        filters=FORECAST_FILTERS,
    ),
    Sheet(
        name="Risk bucket against actual breaches",
        definition=(
            "Forecasts of the latest backtest, made by models that had not seen those days: the "
            "mean forecast of each tenth against the share that breached. A clock counts once "
            "for each landmark at which it ran; those whose outcome is not known are left out."
        ),
        source="backtest",
        mark="Bar",
        rows=(),
        cols=(Pill("risk_bucket"),),
        series=_AGAINST,
        filters=FORECAST_FILTERS,
    ),
    Sheet(
        name="Kill list",
        definition=(
            "The first N tickets of today's queue, by rank; the bar is the expected saving of "
            "escalating the ticket now, its colour P(breach)."
        ),
        source="predictions",
        mark="Bar",
        rows=tuple(
            map(Pill, ("rank", "ticket_id", "metric", "priority", "group", "reason_1", "act_by"))
        ),
        cols=(Pill("expected_saving", "avg"),),
        color=Pill("p_breach", "avg"),
        label=Pill("p_breach", "avg"),
        filters=FORECAST_FILTERS,
        only={IN_TOP_N.name: "true"},
    ),
    Sheet(
        name="Breach rate by priority and the model's",
        definition=(
            "First forecast of each clock in the latest backtest, so that a clock counts once: "
            "the mean forecast of each priority against the share that breached."
        ),
        source="backtest",
        mark="Bar",
        rows=(),
        cols=(Pill("priority"),),
        series=_AGAINST,
        filters=FORECAST_FILTERS,
        only={"is_first": "true"},
        order=_DEAREST,
    ),
)

DASHBOARDS: Final = (
    Dashboard(
        "Operational Monitoring",
        places=(
            Place("Breach risk by priority and channel", 0, 8, 41, 46),
            Place("Breach rate by priority and channel", 41, 8, 41, 46),
            Place("Breach trend", 0, 54, 50, 46),
            Place("Cost by channel", 50, 54, 32, 46),
        ),
        controls=(Controls("Clocks", "Breach rate by priority and channel", CYCLE_FILTERS),),
    ),
    Dashboard(
        "SLA Risk Intelligence",
        places=(
            Place("Histogram of predictions", 0, 8, 27, 40),
            Place("Risk bucket against actual breaches", 27, 8, 28, 40),
            Place("Breach rate by priority and the model's", 55, 8, 27, 40),
            Place("Kill list", 0, 48, 82, 52),
        ),
        controls=(
            Controls("Clocks that run now", "Kill list", FORECAST_FILTERS),
            Controls("Backtest", "Risk bucket against actual breaches", FORECAST_FILTERS),
        ),
        has_top_n=True,
    ),
)


def sources(extracts: Mapping[str, pl.DataFrame], currency: str) -> dict[str, Source]:
    """Datasources of the workbook by the name of their extract.

    Parameters
    ----------
    extracts : mapping of str to DataFrame
        `cycles`, `predictions` and `backtest`; see `outputs.tables`.
    currency : str
        Of the amounts.
    """
    in_currency = calculation(
        COST.name, f"{COST.caption} ({currency})", COST.formula, form=COST.form
    )
    told = {
        "cycles": ("SLA clocks", (BREACH_RATE, CLOCKS, in_currency)),
        "predictions": ("Clocks that run now", (CLOCKS, IN_TOP_N)),
        "backtest": ("Forecasts of the backtest", (ACTUAL, EXPECTED)),
    }
    return {
        name: source_of(name, caption, extracts[name].schema, calculations)
        for name, (caption, calculations) in told.items()
    }
