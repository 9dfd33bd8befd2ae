"""Drawings as Vega-Lite, for the app, the page and the PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt

from sla_sniper.panels import theme
from sla_sniper.panels.drawings import places_of, shade, values_of
from sla_sniper.panels.footnotes import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_sniper.panels.drawings import Axis, Bars, Heatmap, Lines, Scale

_BAR_STEP: Final = 30
_LEAST_HEIGHT: Final = 170
_LINE_HEIGHT: Final = 330
_CELL_STEP: Final = 34
_WIDTH: Final = 620
"""Of a whole chart with its labels, so that every chart is scaled alike."""


def bars_chart(bars: Bars) -> alt.LayerChart:
    """Draw bars."""
    rows = [
        {
            "label": f"{number}",
            "value": row.figure.value,
            "low": row.figure.low,
            "high": row.figure.high,
            "colour": row.colour,
        }
        for number, row in enumerate(bars.rows)
        if row.figure.value is not None
    ]
    names = {str(number): row.told for number, row in enumerate(bars.rows)}
    y = alt.Y(
        "label:N",
        title=None,
        sort=[str(row["label"]) for row in rows],
        scale=alt.Scale(paddingInner=0.4),
        axis=alt.Axis(
            domain=False,
            ticks=False,
            labelColor=theme.INK,
            labelLimit=420,
            labelExpr=_lookup(names),
        ),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    colour = alt.Color("colour:N", scale=None, legend=None)
    x = _axis(alt.X, "value:Q", values_of(bars))
    layers = [base.mark_bar().encode(x=x, color=colour)]
    if any(row["low"] is not None for row in rows):
        # A white line beneath keeps the interval visible on a bar of any colour.
        for colour_of, width in ((theme.GROUND, 4), (theme.INK, 1.5)):
            whisker = base.mark_rule(color=colour_of, strokeWidth=width)
            layers.append(whisker.encode(x=alt.X("low:Q"), x2="high:Q"))
    return _finished(layers, height=max(_LEAST_HEIGHT, _BAR_STEP * len(rows)))


def _lookup(names: dict[str, str]) -> str:
    """Vega expression from a row's number to its label: labels may repeat and hold any sign."""
    listed = ", ".join(_quoted(name) for name in names.values())
    return f"[{listed}][toNumber(datum.value)]"


def _quoted(name: str) -> str:
    """Write a text as a literal of a Vega expression."""
    return "'" + one_line(name).replace("\\", "\\\\").replace("'", "\\'") + "'"


def lines_chart(lines: Lines) -> alt.LayerChart:
    """Draw lines."""
    rows = [
        {"name": line.name, "x": at.x, "y": at.figure.value, "low": at.figure.low,
         "high": at.figure.high}
        for line in lines.lines
        for at in line.points
        if at.figure.value is not None
    ]  # fmt: skip
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(
            domain=[line.name for line in lines.lines], range=[line.colour for line in lines.lines]
        ),
        legend=None,
    )
    mark: dict[str, Any] = {"interpolate": "step-after"} if lines.is_step else {}
    x = _axis(alt.X, "x:Q", places_of(lines))
    y = _axis(alt.Y, "y:Q", values_of(lines))
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x, color=colour)
    layers = list(_ranges(lines, x, y))
    if any(row["low"] is not None for row in rows):
        band = base.mark_area(opacity=0.15, **mark)
        layers.append(band.encode(y=alt.Y("low:Q"), y2="high:Q"))
    layers.append(base.mark_line(strokeWidth=2.5, **mark).encode(y=y))
    layers += _names(lines, x, y, colour)
    return _finished(layers, height=_LINE_HEIGHT)


def _ranges(lines: Lines, x: alt.X, y: alt.Y) -> Iterator[alt.Chart]:
    """Draw named parts of the axis as grounds, their names above."""
    least, most = values_of(lines).ends
    for each in lines.ranges:
        row = {"x": each.low, "x2": each.high, "y": least, "y2": most, "name": each.name}
        base = alt.Chart(alt.InlineData(values=[row]))
        yield base.mark_rect(color=theme.MUTED, opacity=0.14).encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
        name = base.mark_text(align="left", baseline="bottom", dy=-3, color=theme.MUTED)
        yield name.encode(x=x, y=alt.Y("y2:Q"), text="name:N")


def _names(lines: Lines, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    """Write each line's name near its end, above or below it, with a white edge."""
    drawn = [
        [(at.x, at.figure.value) for at in line.points if at.figure.value is not None]
        for line in lines.lines
    ]
    ends = [points[-1][1] for points in drawn if points]
    layers = []
    for line, points in zip(lines.lines, drawn, strict=True):
        if not points:
            continue
        is_above = points[-1][1] == max(ends)
        at = points[max(0, len(points) - 3)]
        row = {"name": line.name, "x": at[0], "y": at[1]}
        mark: dict[str, Any] = (
            {"align": "right", "baseline": "bottom", "dy": -6}
            if is_above
            else {"align": "left", "baseline": "top", "dy": 6}
        )
        base = alt.Chart(alt.InlineData(values=[row])).encode(x=x, y=y, text="name:N")
        halo: dict[str, Any] = {"stroke": theme.GROUND, "strokeWidth": 4, "strokeOpacity": 0.9}
        layers += [
            base.mark_text(fontWeight=600, color=theme.GROUND, **halo, **mark),
            base.mark_text(fontWeight=600, **mark).encode(color=colour),
        ]
    return layers


def heatmap_chart(heatmap: Heatmap) -> alt.LayerChart:
    """Draw a heatmap."""
    found = heatmap.figures()
    values = [figure.value for figure in found if figure.value is not None]
    least, most = min(values, default=0.0), max(values, default=0.0)
    rows = []
    for row, cells in enumerate(heatmap.cells):
        for column, cell in enumerate(cells):
            if cell is None or cell.value is None:
                continue
            ground, ink = shade(cell.value, least, most)
            rows.append(
                {"x": column, "y": row, "text": cell.text, "ground": ground, "ink": ink}
            )  # fmt: skip
    labels = {"x": heatmap.columns, "y": heatmap.rows}
    axes = {
        name: alt.Axis(
            domain=False,
            ticks=False,
            labelAngle=0,
            labelColor=theme.INK,
            labelExpr=_lookup({str(place): label for place, label in enumerate(labels[name])}),
        )
        for name in labels
    }
    scales = {name: alt.Scale(domain=list(range(len(labels[name])))) for name in labels}
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("x:O", title=heatmap.x_axis, axis=axes["x"], scale=scales["x"]),
        y=alt.Y("y:O", title=heatmap.y_axis, axis=axes["y"], scale=scales["y"]),
    )
    shaded = base.mark_rect().encode(color=alt.Color("ground:N", scale=None, legend=None))
    written = base.mark_text(fontSize=11).encode(
        text="text:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    return _finished([shaded, written], height=_CELL_STEP * max(1, len(heatmap.rows)))


def _axis(channel: Any, field: str, axis: Axis) -> Any:  # noqa: ANN401 - of x or y
    signed = f"(datum.value < 0 ? '-' : '') + {_quoted(axis.symbol)}"
    written: dict[Scale, dict[str, Any]] = {
        "share": {"format": f".{axis.decimals}%"},
        "money": {"labelExpr": f"{signed} + format(abs(datum.value), ',.{axis.decimals}f')"},
        "number": {"format": f",.{axis.decimals}f"},
    }
    return channel(
        field,
        title=axis.title,
        axis=alt.Axis(values=list(axis.ticks), **written[axis.scale]),
        scale=alt.Scale(domain=list(axis.ends), nice=False),
    )


def _finished(layers: Sequence[alt.Chart], *, height: int) -> alt.LayerChart:
    chart: alt.LayerChart = alt.LayerChart(layer=list(layers)).properties(
        height=height, width=_WIDTH, autosize=alt.AutoSizeParams(type="fit", contains="padding")
    )
    dressed: alt.LayerChart = chart.configure(**theme.chart_config())
    return dressed
