"""What a native chart on a slide shows: series, ends of intervals, axes, and its workbook."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import python_calamine as calamine
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml.ns import qn

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSED: Final = frozenset(
    {"dispUnits", "trendline", "dTable", "datalabelsRange", "logBase", "userShapes", "stockChart"}
)
"""What can make a chart say another number than its data, and what we never draw."""
_FORMATS: Final = ("formatCode", "numFmt")
_OF_NAMES: Final = ("catAx", "dateAx", "serAx")
_AXES: Final = (*_OF_NAMES, "valAx")
_ESCAPED: Final = re.compile(r"\\(.)")
_GENERAL: Final = "General"
_CELLS: Final = re.compile(r"!\$([A-Z])\$(\d+):")

Book = Mapping[str, str]
"""Text of every cell that is not empty, by sheet and place."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One bar, or one point of a line.

    Attributes
    ----------
    label : str
        Of a bar; empty elsewhere.
    x, value, low, high : float
        The place from left to right, zero for a bar; the number; the ends of its error bar, the
        number itself where none is drawn. NaN where there is nothing, or nothing that can be read.
    """

    label: str
    x: float
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        place = self.label or f"at {self.x:,.9g}"
        return f"{place}: drawn at {self.value:,.9g}, from {self.low:,.9g} to {self.high:,.9g}"


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its name, its points in order, and where the first is in the workbook."""

    name: str
    marks: tuple[Mark, ...]
    column: int = 0
    row: int = 0

    def told(self, mark: Mark) -> str:
        """Tell one of its points."""
        return f"{self.name}: {mark}"


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows.

    Attributes
    ----------
    name : str
        Of its shape.
    series : tuple of Series
    facts : tuple of str
        How it is drawn: kind, ends and formats of its axes, texts, and whatever we never draw.
    book : mapping of str to str, or None
        The workbook behind it; None where somebody's program has dropped it.
    """

    name: str
    series: tuple[Series, ...]
    facts: tuple[str, ...]
    book: Book | None

    def told(self) -> Iterator[str]:
        """Everything it says, a line each."""
        for series in self.series:
            yield series.name
            yield from map(series.told, series.marks)
        yield from self.facts
        yield from (f"{place} {text}" for place, text in (self.book or {}).items())


def read_chart(name: str, part: Any) -> Chart:  # noqa: ANN401
    """Read a chart part.

    Parameters
    ----------
    name : str
        Of its shape.
    part : pptx.parts.chart.ChartPart
    """
    root = part._element  # noqa: SLF001
    series = tuple(_series(each) for each in root.iter(qn("c:ser")))
    return Chart(name, series, tuple(sorted(_facts(root))), _book(part))


def place_in_book(column: int, row: int, *, sheet: str = "Sheet1") -> str:
    """Name a cell of a workbook, both counted from 1."""
    return f"{sheet}!R{row}C{column}"


def _series(element: Any) -> Series:  # noqa: ANN401
    name = "".join(each.text or "" for each in element.iterfind(f"{qn('c:tx')}//{qn('c:v')}"))
    labels = _cached(element, "c:cat")
    places = _numbers(element, "c:xVal")
    values = _numbers(element, "c:val") or _numbers(element, "c:yVal")
    up, down = _bars(element, "plus"), _bars(element, "minus")
    marks = tuple(
        Mark(
            labels.get(place, ""),
            places.get(place, 0.0 if not places else math.nan),
            values.get(place, math.nan),
            values.get(place, math.nan) - down.get(place, 0.0),
            values.get(place, math.nan) + up.get(place, 0.0),
        )
        for place in sorted({*labels, *places, *values})
    )
    found = None
    for tag in ("c:val", "c:yVal"):
        found = found or _CELLS.search(element.findtext(f"{qn(tag)}//{qn('c:f')}") or "")
    if found is None:
        return Series(name, marks)
    return Series(name, marks, ord(found[1]) - ord("A") + 1, int(found[2]))


def _cached(element: Any, tag: str) -> dict[int, str]:  # noqa: ANN401
    points = element.iterfind(f"{qn(tag)}//{qn('c:pt')}")
    return {int(point.get("idx")): point.findtext(qn("c:v")) or "" for point in points}


def _numbers(element: Any, tag: str) -> dict[int, float]:  # noqa: ANN401
    return {place: float(text) for place, text in _cached(element, tag).items()}


def _bars(series: Any, tag: str) -> dict[int, float]:  # noqa: ANN401
    """Return how far the error bars reach, by place; NaN where they are not of our kind."""
    lengths: dict[int, float] = {}
    for bars in series.iterfind(qn("c:errBars")):
        kinds = {
            setting: bars.find(qn(f"c:{setting}")).get("val", default)
            for setting, default in (("errBarType", "both"), ("errValType", "fixedVal"))
            if bars.find(qn(f"c:{setting}")) is not None
        }
        is_ours = kinds == {"errBarType": "both", "errValType": "cust"} and not lengths
        for place, length in _numbers(bars, f"c:{tag}").items():
            lengths[place] = length if is_ours else math.nan
    return lengths


def _facts(root: Any) -> Iterator[str]:  # noqa: ANN401
    area = root.find(f"{qn('c:chart')}/{qn('c:plotArea')}")
    of_names = {each for each in area if _local(each) in _OF_NAMES}
    for plot in area:
        kind = _local(plot)
        if kind.endswith("Chart"):
            grouping = plot.find(qn("c:grouping"))
            yield f"drawn as {kind} {'' if grouping is None else grouping.get('val')}".strip()
        elif kind in _AXES:
            across = _setting(plot, "axPos", "l") in {"b", "t"}
            # Programs differ in how they tell the sides of lying bars.
            side = kind if of_names else "x axis" if across else "y axis"
            yield from _axis(plot, side, is_of_names=plot in of_names)
    for paragraph in root.iter(qn("a:p")):
        said = "".join(each.text or "" for each in paragraph.iter(qn("a:t")))
        if said:
            yield f"says {said}"
    found = {_local(each) for each in root.iter() if isinstance(each.tag, str)}
    yield from (f"has {each}" for each in found & _REFUSED)
    written = {
        _format(each)
        for each in root.iter()
        if isinstance(each.tag, str)
        and _local(each) in _FORMATS
        and each.getparent() not in of_names
    }
    yield from (f"numbers written as {each}" for each in written - {_GENERAL})


def _axis(axis: Any, side: str, *, is_of_names: bool) -> Iterator[str]:  # noqa: ANN401
    for name, usual in (
        ("scaling/c:min", "auto"),
        ("scaling/c:max", "auto"),
        ("scaling/c:orientation", "minMax"),
        ("crosses", "autoZero"),
        ("crossesAt", ""),
    ):
        told = _setting(axis, name, usual)
        if told != usual:
            written = told if told.isalpha() else f"{float(told):.9g}"
            yield f"{side} {name.removeprefix('scaling/c:')} {written}"
    numbers = axis.find(qn("c:numFmt"))
    if numbers is not None and not is_of_names and _format(numbers) != _GENERAL:
        yield f"{side} written as {_format(numbers)}"


def _format(element: Any) -> str:  # noqa: ANN401
    """Return how numbers are written; a sign is in quotes, or behind a backslash."""
    told = element.get("formatCode") or element.text or _GENERAL
    return _ESCAPED.sub(r'"\1"', told).replace('""', "")


def _setting(axis: Any, path: str, usual: str) -> str:  # noqa: ANN401
    found = axis.find("/".join(qn(f"c:{part.removeprefix('c:')}") for part in path.split("/")))
    return usual if found is None else str(found.get("val", usual))


def _local(element: Any) -> str:  # noqa: ANN401
    return str(element.tag).rpartition("}")[2]


def _book(part: Any) -> Book | None:  # noqa: ANN401
    packed = [
        relation.target_part.blob
        for relation in part.rels.values()
        if relation.reltype == RELATIONSHIP_TYPE.PACKAGE and not relation.is_external
    ]
    if not packed:
        return None
    try:
        with calamine.load_workbook(io.BytesIO(packed[0])) as book:
            sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
            return {
                place_in_book(column, row, sheet=name): _told(cell)
                for name, sheet in sheets.items()
                for row, cells in enumerate(sheet.to_python(skip_empty_area=False), start=1)
                for column, cell in enumerate(cells, start=1)
                if str(cell).strip()
            }
    except calamine.CalamineError:
        return {"": "a workbook that cannot be read"}


def _told(cell: object) -> str:
    return f"{cell:.9g}" if isinstance(cell, float) else str(cell)
