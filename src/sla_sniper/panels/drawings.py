"""The few kinds of chart of a report, as values: rows, axes with units, and their Vega-Lite.

The app, the page and the PDF draw `chart()`; the slides draw the same rows as native charts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sla_sniper.panels import theme

if TYPE_CHECKING:
    import altair as alt

    from sla_sniper.panels.footnotes import Figure, Footnote

_NOTHING: Final = 1e-9
_RELATIVE: Final = 1e-3
"""Part of the largest value below which one is drawn as zero: less than a line is wide."""
_DIGITS: Final = 12
_DARK: Final = 0.93
_BLACK: Final = "#000000"
Scale = Literal["share", "money", "number"]
"""How the ticks of an axis are written; money goes by the unit of the footnote."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its number with interval, and its colour."""

    label: str
    figure: Figure
    colour: str = theme.MUTED

    @property
    def told(self) -> str:
        """The label with its number, which the drawn interval makes whole."""
        return f"{self.label}  {self.figure.estimate}"


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars with their intervals, each labelled with its number.

    Attributes
    ----------
    id : str
        Stable name.
    title : str
        What is shown, with the unit.
    axis : str
        Title of the axis of values, with the unit.
    scale : {"share", "money", "number"}
        How its ticks are written.
    footnote : Footnote
        Of every bar.
    rows : tuple of Bar
        From top to bottom.
    symbol : str
        Sign of the currency, for money.
    """

    id: str
    title: str
    axis: str
    scale: Scale
    footnote: Footnote
    rows: tuple[Bar, ...]
    symbol: str = ""

    def figures(self) -> tuple[Figure, ...]:
        """Every number of it."""
        return tuple(row.figure for row in self.rows)

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        from sla_sniper.panels.vega import bars_chart  # noqa: PLC0415 - Altair is slow to load

        return bars_chart(self)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line: the place and the number there, with its interval."""

    x: float
    figure: Figure


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, colour and points from left to right."""

    name: str
    colour: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A part of the axis from left to right that has a name, such as what is assumed."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines or steps over a number, each named at its end, with a band where intervals are known.

    Attributes
    ----------
    id, title : str
    x_axis, y_axis : str
        Titles of the axes, with their units.
    x_scale, y_scale : {"share", "money", "number"}
    footnote : Footnote
        Of every point.
    lines : tuple of Line
    symbol : str
        Sign of the currency, for money.
    is_step : bool
        Whether a value holds until the next point.
    ranges : tuple of Range
        Behind the lines.
    """

    id: str
    title: str
    x_axis: str
    y_axis: str
    x_scale: Scale
    y_scale: Scale
    footnote: Footnote
    lines: tuple[Line, ...]
    symbol: str = ""
    is_step: bool = False
    ranges: tuple[Range, ...] = ()

    def figures(self) -> tuple[Figure, ...]:
        """Every number of it."""
        return tuple(point.figure for line in self.lines for point in line.points)

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        from sla_sniper.panels.vega import lines_chart  # noqa: PLC0415 - Altair is slow to load

        return lines_chart(self)


@dataclass(frozen=True, slots=True)
class Heatmap:
    """A number for every pair of two properties, shaded by its size.

    Attributes
    ----------
    id, title : str
    x_axis, y_axis : str
        The two properties.
    columns, rows : tuple of str
        Their values.
    footnote : Footnote
        Of every cell.
    cells : tuple of tuple of (Figure or None)
        One tuple a row; None where nothing is known, or too little.
    """

    id: str
    title: str
    x_axis: str
    y_axis: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    footnote: Footnote
    cells: tuple[tuple[Figure | None, ...], ...]

    def figures(self) -> tuple[Figure, ...]:
        """Every number of it."""
        return tuple(cell for row in self.cells for cell in row if cell is not None)

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        from sla_sniper.panels.vega import heatmap_chart  # noqa: PLC0415 - Altair is slow to load

        return heatmap_chart(self)


Drawing = Bars | Lines | Heatmap


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of numbers.

    Attributes
    ----------
    title : str
        With the unit.
    scale : {"share", "money", "number"}
        How ticks are written.
    symbol : str
        Sign of the currency, for money.
    ends : tuple of (float, float)
    step : float
        Distance of the ticks; the ends may lie a step beyond the values, so it is not theirs.
    """

    title: str
    scale: Scale
    symbol: str
    ends: tuple[float, float]
    step: float

    @property
    def ticks(self) -> tuple[float, ...]:
        """Every multiple of the step between the ends."""
        least, most = (end / self.step for end in self.ends)
        first, last = math.ceil(least - _NOTHING), math.floor(most + _NOTHING)
        return tuple(round(place * self.step, _DIGITS) for place in range(first, last + 1))

    @property
    def decimals(self) -> int:
        """How many decimals tell one tick from the next; of per cents for a share."""
        step = self.step * (100 if self.scale == "share" else 1)
        return max(0, -math.floor(math.log10(step) + _NOTHING))


def values_of(drawing: Bars | Lines) -> Axis:
    """Return the axis of values, with round ends that hold zero, every value and every interval.

    No interval is cut at the end of an axis, whichever program draws it. What is too near to zero
    to be seen does not move the axis.
    """
    known = [
        part
        for figure in drawing.figures()
        for part in (figure.value, figure.low, figure.high)
        if part is not None
    ]
    none = max(_NOTHING, _RELATIVE * max(map(abs, known), default=0.0))
    parts = [0.0 if abs(part) < none else part for part in known]
    least, most = min(0.0, *parts, 0.0), max(0.0, *parts, 0.0)
    if least == most:
        most = 1.0
    step = step_of((least, most))
    ends = (math.floor(least / step) * step, math.ceil(most / step) * step)
    if isinstance(drawing, Lines):
        return Axis(drawing.y_axis, drawing.y_scale, drawing.symbol, ends, step)
    return Axis(drawing.axis, drawing.scale, drawing.symbol, ends, step)


def places_of(lines: Lines) -> Axis:
    """Return the axis from left to right; it ends where the lines end."""
    places = [point.x for line in lines.lines for point in line.points]
    ends = (min(places, default=0.0), max(places, default=1.0))
    if ends[0] == ends[1]:
        ends = (ends[0], ends[0] + 1.0)
    return Axis(lines.x_axis, lines.x_scale, lines.symbol, ends, step_of(ends))


def step_of(ends: tuple[float, float]) -> float:
    """Return a round distance of ticks: about five to an axis.

    Examples
    --------
    >>> step_of((0.0, 600_000.0)), step_of((0.0, 0.4))
    (200000.0, 0.1)
    """
    rough = (ends[1] - ends[0]) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * (1 - 1e-9))


def shade(value: float, least: float, most: float) -> tuple[str, str]:
    """Return the ground and the ink of a heatmap's cell: lighter is less.

    Examples
    --------
    >>> shade(0.0, 0.0, 1.0), shade(1.0, 0.0, 1.0)
    (('#eaf4fa', '#000000'), ('#0072b2', '#ffffff'))
    """
    part = 0.0 if most <= least else (value - least) / (most - least)
    pairs = zip(_channels(theme.SNIPER_GROUND), _channels(theme.SNIPER), strict=True)
    mixed = [round(light + part * (dark - light)) for light, dark in pairs]
    ink = theme.GROUND if part > _DARK else _BLACK
    return "#" + "".join(f"{channel:02x}" for channel in mixed), ink


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
