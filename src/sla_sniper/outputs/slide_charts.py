"""Native charts of a slide: bars with error bars, lines, and a heatmap as a shaded table."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.chart.xlsx import CategoryWorkbookWriter, XyWorkbookWriter
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.dml import MSO_LINE
from pptx.oxml.ns import qn
from pptx.util import Pt
from xlsxwriter import Workbook

from sla_sniper.panels import theme
from sla_sniper.panels.drawings import places_of, values_of
from sla_sniper.panels.footnotes import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pptx.chart.chart import Chart
    from pptx.slide import Slide
    from pptx.util import Emu

    from sla_sniper.panels.drawings import Axis, Bars, Line, Lines
    from sla_sniper.panels.footnotes import Figure

FONT: Final = "Arial"
LABELS: Final = 11
"""Size of the letters in a chart, in points."""
_FEW: Final = 4
"""Bars up to which a chart has wide gaps."""
_BELOW: Final = 0.05
"""Part of an axis by which the name of a range stands below its end, clear of the grid."""
Box = tuple["Emu", "Emu", "Emu", "Emu"]


def colour(hexadecimal: str) -> RGBColor:
    """Return a colour of the theme as python-pptx takes it."""
    found: RGBColor = RGBColor.from_string(hexadecimal.removeprefix("#").upper())
    return found


class _Plain:
    """Open the workbook of a chart so that no label is a formula or a link, and no date is today's.

    A group named ``=cmd()`` would else be a formula for whoever edits the chart's data.
    """

    @contextmanager
    def _open_worksheet(self, xlsx_file: Any) -> Iterator[tuple[Workbook, Any]]:  # noqa: ANN401
        book = Workbook(
            xlsx_file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        yield book, book.add_worksheet()
        book.close()


class _CategoryWriter(_Plain, CategoryWorkbookWriter):
    pass


class _XyWriter(_Plain, XyWorkbookWriter):
    pass


class _CategoryData(CategoryChartData):
    @property
    def _workbook_writer(self) -> CategoryWorkbookWriter:
        return _CategoryWriter(self)


class _XyData(XyChartData):
    @property
    def _workbook_writer(self) -> XyWorkbookWriter:
        return _XyWriter(self)


def add_bars(slide: Slide, bars: Bars, box: Box) -> list[list[str]]:
    """Draw bars from top to bottom; return the ids of their figures, as the chart holds them."""
    # A horizontal bar chart begins at the bottom.
    rows = [row for row in reversed(bars.rows) if row.figure.value is not None]
    data = _CategoryData(number_format="General")
    data.categories = [one_line(row.told) for row in rows]
    data.add_series(one_line(bars.title), [row.figure.value for row in rows])
    chart = _add(slide, bars.id, XL_CHART_TYPE.BAR_CLUSTERED, box, data)
    plot = chart.plots[0]
    plot.gap_width, plot.vary_by_categories = 55 if len(rows) > _FEW else 130, False
    series = plot.series[0]
    for place, row in enumerate(rows):
        fill = series.points[place].format.fill
        fill.solid()
        fill.fore_color.rgb = colour(row.colour)
    if any(row.figure.low is not None for row in rows):
        _error_bars(series, [row.figure for row in rows])
    _axes(chart, (None, values_of(bars)))
    chart.category_axis.format.line.fill.background()
    return [[row.figure.id for row in rows]]


def add_lines(slide: Slide, lines: Lines, box: Box) -> list[list[str]]:
    """Draw lines with their names at their ends; return the ids of their figures by series."""
    data = _XyData(number_format="General")
    shown = [
        replace(line, points=tuple(at for at in line.points if at.figure.value is not None))
        for line in lines.lines
    ]
    shown = [line for line in shown if line.points]
    drawn: list[tuple[Line, str]] = []
    for line in shown:
        known = any(point.figure.low is not None for point in line.points)
        for end in ("value", *(("low", "high") if known else ())):
            drawn.append((line, end))
            series = data.add_series(
                one_line(line.name if end == "value" else f"{line.name} {end}")
            )
            for x, y in _points(line, end, is_step=lines.is_step):
                series.add_data_point(x, y)
    _add_ranges(data, lines)
    chart = _add(slide, lines.id, XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, box, data)
    tops = sorted(shown, key=lambda line: -(line.points[-1].figure.value or 0.0))
    made = list(chart.plots[0].series)
    for name, series in zip(lines.ranges, made[len(drawn) :], strict=True):
        _range(series, name.name)
    for (line, end), series in zip(drawn, made, strict=False):
        series.smooth = False
        pen = series.format.line
        pen.color.rgb = colour(line.colour)
        pen.width = Pt(2.25 if end == "value" else 0.75)
        if end == "value":
            _name_end(series, line, is_above=line is tops[0])
    _axes(chart, (places_of(lines), values_of(lines)))
    ids = [_ids(line, is_step=lines.is_step) if end == "value" else [] for line, end in drawn]
    return [*ids, *([] for _ in lines.ranges)]


def _add_ranges(data: XyChartData, lines: Lines) -> None:
    """Add a series for each named part of the axis: up, to where its name stands, over and down."""
    least, most = values_of(lines).ends
    named = most - _BELOW * (most - least)
    for each in lines.ranges:
        series = data.add_series(one_line(each.name))
        for x, y in (
            (each.low, least), (each.low, named), (each.low, most), (each.high, most),
            (each.high, least),
        ):  # fmt: skip
            series.add_data_point(x, y)


def _range(series: Any, name: str) -> None:  # noqa: ANN401
    """Draw a named part of the axis as two dashed lines, joined above, with its name there."""
    series.smooth = False
    pen = series.format.line
    pen.color.rgb, pen.width, pen.dash_style = colour(theme.PALE), Pt(1), MSO_LINE.DASH
    label = series.points[1].data_label
    label.text_frame.text = one_line(name)
    run = label.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.name = Pt(LABELS), FONT
    run.font.color.rgb = colour(theme.MUTED)
    label.position = XL_LABEL_POSITION.RIGHT


def _ids(line: Line, *, is_step: bool) -> list[str]:
    """Ids of the points that are drawn: a step has its value twice, but for the last."""
    ids = [point.figure.id for point in line.points]
    return [name for name in ids for _ in range(2)][:-1] if is_step else ids


def _points(line: Line, end: str, *, is_step: bool) -> list[tuple[float, float]]:
    """Points of a line; a step has a corner more between each two."""
    found = [(point.x, getattr(point.figure, end)) for point in line.points]
    if not is_step:
        return [(x, y) for x, y in found if y is not None]
    corners = [
        corner for (_, y), (x, after) in itertools.pairwise(found)
        for corner in ((x, y), (x, after))
    ]  # fmt: skip
    return [(x, y) for x, y in (found[0], *corners) if y is not None]


def _name_end(series: Any, line: Line, *, is_above: bool) -> None:  # noqa: ANN401
    """Write a line's name near its end, on the side where the other lines are not."""
    values = [value for value in series.values if value is not None]
    label = series.points[max(0, len(values) - 3)].data_label
    label.text_frame.text = one_line(line.name)
    run = label.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.bold, run.font.name = Pt(LABELS + 1), True, FONT
    run.font.color.rgb = colour(line.colour)
    label.position = XL_LABEL_POSITION.ABOVE if is_above else XL_LABEL_POSITION.BELOW


def _add(slide: Slide, name: str, kind: Any, box: Box, data: Any) -> Chart:  # noqa: ANN401
    frame: Any = slide.shapes.add_chart(kind, *box, data)
    frame.name = f"chart:{name}"
    chart: Chart = frame.chart
    chart.has_legend = chart.has_title = False
    chart.font.size, chart.font.name = Pt(LABELS), FONT
    chart.font.color.rgb = colour(theme.INK)
    return chart


def _axes(chart: Chart, axes: tuple[Axis | None, Axis]) -> None:
    line = colour(theme.LINE)
    for native, axis in zip((chart.category_axis, chart.value_axis), axes, strict=True):
        native.has_title = axis is not None
        native.format.line.color.rgb = line
        # Names and ticks stand beside the chart, not on bars below zero.
        native.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        native.has_major_gridlines = native.has_minor_gridlines = False
        if axis is None:
            continue
        native.axis_title.text_frame.text = axis.title
        run = native.axis_title.text_frame.paragraphs[0].runs[0]
        run.font.size, run.font.bold, run.font.name = Pt(LABELS), False, FONT
        native.tick_labels.number_format = _number_format(axis)
        native.tick_labels.number_format_is_linked = False
        native.minimum_scale, native.maximum_scale = axis.ends
        native.major_unit = axis.step
    chart.value_axis.has_major_gridlines = True
    chart.value_axis.major_gridlines.format.line.color.rgb = line


def _number_format(axis: Axis) -> str:
    """Write how ticks are told, as a spreadsheet takes it."""
    parts = f".{'0' * axis.decimals}" if axis.decimals else ""
    if axis.scale == "share":
        return f"0{parts}%"
    symbol = axis.symbol.replace('"', "") if axis.scale == "money" else ""
    return f'"{symbol}"#,##0{parts}' if symbol else f"#,##0{parts}"


def _error_bars(series: Any, figures: Sequence[Figure]) -> None:  # noqa: ANN401
    """Draw the interval of each bar; one without has none."""
    value, low, high = (
        [getattr(figure, name) for figure in figures] for name in ("value", "low", "high")
    )
    up = [0 if top is None else top - at for at, top in zip(value, high, strict=True)]
    down = [0 if least is None else at - least for at, least in zip(value, low, strict=True)]
    bars = etree.SubElement(series._element, qn("c:errBars"))  # noqa: SLF001
    for tag, setting in (("errBarType", "both"), ("errValType", "cust"), ("noEndCap", "0")):
        etree.SubElement(bars, qn(f"c:{tag}")).set("val", setting)
    for tag, lengths in (("plus", up), ("minus", down)):
        literal = etree.SubElement(etree.SubElement(bars, qn(f"c:{tag}")), qn("c:numLit"))
        etree.SubElement(literal, qn("c:formatCode")).text = "General"
        etree.SubElement(literal, qn("c:ptCount")).set("val", str(len(lengths)))
        for place, length in enumerate(lengths):
            point = etree.SubElement(literal, qn("c:pt"))
            point.set("idx", str(place))
            etree.SubElement(point, qn("c:v")).text = repr(float(length))
    shape = etree.SubElement(bars, qn("c:spPr"))
    pen = etree.SubElement(shape, qn("a:ln"))
    pen.set("w", str(Pt(1.25)))
    fill = etree.SubElement(etree.SubElement(pen, qn("a:solidFill")), qn("a:srgbClr"))
    fill.set("val", theme.INK.removeprefix("#").upper())
    # The schema wants them before the categories.
    series._element.find(qn("c:cat")).addprevious(bars)  # noqa: SLF001
