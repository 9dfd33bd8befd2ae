"""The numbers that stand on the slides of a deck, wherever somebody may have changed them."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from pptx import Presentation
from pptx.exc import PythonPptxError
from pptx.oxml.ns import qn

from sla_sniper.outputs.deck_record import NoRecordError, Record
from sla_sniper.panels.footnotes import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DIGITS: Final = re.compile(r"\d+")
_MOST: Final = 60
_UNREADABLE: Final = (
    KeyError, ValueError, AttributeError, TypeError, OSError, zipfile.BadZipFile,
    NotImplementedError, PythonPptxError, etree.XMLSyntaxError,
)  # fmt: skip
"""What a damaged file makes zipfile, lxml and python-pptx raise."""


class BadDeckError(ValueError):
    """A file that is no deck of ours; its argument says why."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One number as a deck tells it.

    Attributes
    ----------
    id : str
        Of the figure.
    slide : int
        From 1.
    text : str
        What stands before the number of its footnote, in its cell, or as the label of its bar;
        nothing where it is gone, or of a point of a line.
    drawn : tuple of float
        Value, low and high end as a chart draws them, the ends at the value where it draws no
        interval; empty elsewhere.
    is_whole : bool
        Whether `text` is nothing but the number; else it only ends with it.
    """

    id: str
    slide: int
    text: str
    drawn: tuple[float, ...] = ()
    is_whole: bool = False

    @property
    def told(self) -> str:
        """What is read on the slide, short enough to name it."""
        said = self.text[-_MOST:].strip()
        if not self.drawn:
            return said
        value, low, high = (f"{part:,.10g}" for part in self.drawn)
        return f"{said} (drawn at {value}, from {low} to {high})".strip()


def read_deck(path: Path) -> tuple[Record, tuple[Printed, ...]]:
    """Read the record of a deck and every number on its slides.

    Raises
    ------
    BadDeckError
        If the file is no presentation, or none that sla-sniper made.
    """
    try:
        deck = Presentation(str(path))
        record = Record.of(deck)
        return record, tuple(numbers_on(deck, record))
    except NoRecordError as error:
        raise BadDeckError("sla-sniper did not make it, or its record is gone") from error
    except _UNREADABLE as error:
        raise BadDeckError("it is no whole PowerPoint presentation") from error


def numbers_on(deck: Any, record: Record) -> Iterator[Printed]:  # noqa: ANN401
    """Find every number on the slides of a presentation, and those that stood there and are gone.

    A number whose footnote is gone is found by its text with the number of the footnote behind
    it, as it reads once somebody has typed over the line.
    """
    for number, slide in enumerate(deck.slides, start=1):
        found = [each for shape in slide.shapes for each in _shape(shape, number, record)]
        yield from found
        gone = Counter(record.placed.get(str(slide.slide_id), []))
        gone.subtract(each.id for each in found)
        said = " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        for name in gone.elements():
            note = _footnote_of(name, record)
            typed = f"{one_line(record.printed[name])}{note}"
            is_there = bool(note) and re.search(rf"(?<![\w.,-]){re.escape(typed)}(?!\d)", said)
            yield Printed(name, number, record.printed[name] if is_there else "")


def _footnote_of(name: str, record: Record) -> int:
    return record.footnotes.index(name) + 1 if name in record.footnotes else 0


def _shape(shape: Any, number: int, record: Record) -> Iterator[Printed]:  # noqa: ANN401
    if getattr(shape, "has_chart", False):
        yield from _chart(shape, number, record)
    elif getattr(shape, "has_table", False):
        yield from _table(shape, number, record)
    elif shape.has_text_frame:
        for paragraph in shape.text_frame.paragraphs:
            yield from _paragraph(paragraph, number, record)


def _paragraph(paragraph: Any, slide: int, record: Record) -> Iterator[Printed]:  # noqa: ANN401
    """Find the text before each raised number."""
    said = ""
    for run in paragraph.runs:
        properties = run._r.rPr  # noqa: SLF001
        raised = properties is not None and int(properties.get("baseline", "0") or 0) > 0
        if not (raised and _DIGITS.fullmatch(run.text.strip())):
            said += run.text
            continue
        place = int(run.text)
        name = record.footnotes[place - 1] if 0 < place <= len(record.footnotes) else ""
        if name in record.printed:
            yield Printed(name, slide, said)
        said = ""


def _table(shape: Any, slide: int, record: Record) -> Iterator[Printed]:  # noqa: ANN401
    for ids, row in zip(record.cells.get(shape.name, []), list(shape.table.rows)[1:], strict=False):
        for name, cell in zip(ids, row.cells, strict=False):
            if name in record.printed:
                yield Printed(name, slide, _unmarked(cell), is_whole=True)


def _unmarked(cell: Any) -> str:  # noqa: ANN401
    return "".join(
        run.text
        for paragraph in cell.text_frame.paragraphs
        for run in paragraph.runs
        if run._r.rPr is None or run._r.rPr.get("baseline") is None  # noqa: SLF001
    )


def _chart(shape: Any, slide: int, record: Record) -> Iterator[Printed]:  # noqa: ANN401
    plots = shape.chart.plots
    for plot in plots:
        labels = [str(label) for label in plot.categories]
        named = list(zip(record.points.get(shape.name, []), plot.series, strict=False))
        for number, (ids, series) in enumerate(named):
            ends = _band(ids, named[number + 1 : number + 3]) or _bars(series)
            for place, (name, value) in enumerate(zip(ids, series.values, strict=False)):
                if name not in record.printed or value is None:
                    continue
                label = labels[place] if place < len(labels) else ""
                low, high = (end.get(place, value) for end in ends)
                yield Printed(name, slide, label, (value, low, high))


Ends = tuple[dict[int, float], dict[int, float]]
"""Where the intervals of a series begin and end, by place."""


def _band(ids: list[str], after: list[tuple[list[str], Any]]) -> Ends | None:
    """Return the two lines that are drawn beside one; nothing where there are none."""
    if len(after) < 2 or any(others for others, _ in after):  # noqa: PLR2004 - low and high
        return None
    low, high = (dict(enumerate(series.values)) for _, series in after)
    return (low, high) if len(low) == len(high) == len(ids) else None


def _bars(series: Any) -> Ends:  # noqa: ANN401
    """Return where the error bars of a series begin and end."""
    up, down = (_lengths(series, tag) for tag in ("plus", "minus"))
    values = dict(enumerate(series.values))
    return (
        {place: values[place] - length for place, length in down.items() if place in values},
        {place: values[place] + length for place, length in up.items() if place in values},
    )


def _lengths(series: Any, tag: str) -> dict[int, float]:  # noqa: ANN401
    """Return how far the error bars reach, by place; nothing where there are none."""
    points = series._element.iterfind(f"{qn('c:errBars')}/{qn(f'c:{tag}')}//{qn('c:pt')}")  # noqa: SLF001
    return {int(point.get("idx")): float(point.findtext(qn("c:v"))) for point in points}
