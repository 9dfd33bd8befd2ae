"""Everything that the slides of a deck say, wherever somebody may have changed it.

Raised numbers are read as the ids of their footnotes, so that a sentence is the same sentence
where a footnote more stands before it.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from pptx import Presentation
from pptx.exc import PythonPptxError
from pptx.oxml.ns import qn

from sla_sniper.outputs.deck_charts import Chart, read_chart
from sla_sniper.outputs.deck_record import NoRecordError, Record
from sla_sniper.outputs.texts import NO_BREAK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import IO

OPEN, CLOSE = "\ue000", "\ue001"
"""Stand around the id of a footnote where a raised number was."""
MARKS: Final = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
_FOOTNOTES: Final = "table:footnotes"
_NUMBERED: Final = re.compile(r"(\d+)(\. )")
_SPACE: Final = re.compile(r"\s+")
_CHOICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_UNREADABLE: Final = (
    KeyError, ValueError, AttributeError, TypeError, OSError, zipfile.BadZipFile,
    NotImplementedError, PythonPptxError, etree.XMLSyntaxError,
)  # fmt: skip
"""What a damaged file makes zipfile, lxml and python-pptx raise."""


class BadDeckError(ValueError):
    """A file that is no deck of ours; its argument says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph: the name of its shape and its text, raised numbers as `MARKS`."""

    place: str
    text: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Footnotes that it names, in order."""
        return tuple(MARKS.findall(self.text))


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the name of its shape and the texts of its cells, the head first."""

    name: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def base(self) -> str:
        """Name of the table, which may go on on another slide under a number."""
        return ":".join(self.name.split(":")[:2])


@dataclass(frozen=True, slots=True)
class Slide:
    """What one slide says.

    Attributes
    ----------
    number : int
        From 1.
    key : str
        Which page of the report it is, as its record tells; empty for a slide of somebody else.
    id : str
    lines, spoken : tuple of Line
        Paragraphs on the slide; those of the speaker notes.
    grids : tuple of Grid
    charts : tuple of Chart
    n_unread : int
        Pictures and other objects, which nobody reads here.
    """

    number: int
    key: str
    id: str
    lines: tuple[Line, ...]
    spoken: tuple[Line, ...]
    grids: tuple[Grid, ...]
    charts: tuple[Chart, ...]
    n_unread: int

    def told(self) -> Iterator[str]:
        """Everything it says, a text each."""
        yield from (line.text for line in (*self.lines, *self.spoken))
        yield from (as_text(row) for grid in self.grids for row in grid.rows)
        for chart in self.charts:
            yield from chart.told()


def as_text(row: tuple[str, ...]) -> str:
    """Return a row of a table as one text."""
    return " | ".join(row)


def digest(text: str) -> str:
    """Return a short fingerprint of what a slide says."""
    return hashlib.blake2s(text.encode(), digest_size=5).hexdigest()


def read_deck(path: Path | IO[bytes]) -> tuple[Record, tuple[Slide, ...]]:
    """Read the record of a deck and everything on its slides.

    Raises
    ------
    BadDeckError
        If the file is no presentation, or none that sla-sniper made.
    """
    try:
        deck = Presentation(str(path) if isinstance(path, Path) else path)
        record = Record.of(deck)
        return record, read_slides(deck, record)
    except NoRecordError as error:
        raise BadDeckError("sla-sniper did not make it, or its record is gone") from error
    except _UNREADABLE as error:
        raise BadDeckError("it is no whole PowerPoint presentation") from error


def read_slides(deck: Any, record: Record) -> tuple[Slide, ...]:  # noqa: ANN401
    """Read every slide of a presentation, and what its layouts write on them."""
    known: set[str] = set()
    slides = []
    for number, slide in enumerate(deck.slides, start=1):
        found = _Found(slide.part, record)
        found.walk(slide.element.find(f"{qn('p:cSld')}/{qn('p:spTree')}"))
        for under in (slide.slide_layout, slide.slide_layout.slide_master):
            if under.part.partname not in known:
                known.add(under.part.partname)
                found.walk(_painted(under))
        name = str(slide.slide_id)
        slides.append(
            Slide(
                number=number,
                key=record.slides.get(name, ""),
                id=name,
                lines=tuple(found.lines),
                spoken=tuple(_spoken(slide, record)),
                grids=tuple(found.grids),
                charts=tuple(found.charts),
                n_unread=found.n_unread,
            )
        )
    return tuple(slides)


class _Found:
    """Walk through the shapes of a slide, into groups as well.

    It reads the XML: python-pptx has no eyes for what newer programs put beside its shapes.
    """

    def __init__(self, part: Any, record: Record) -> None:  # noqa: ANN401
        self._part, self._record = part, record
        self.lines: list[Line] = []
        self.grids: list[Grid] = []
        self.charts: list[Chart] = []
        self.n_unread = 0

    def walk(self, shapes: Iterable[Any]) -> None:
        for shape in shapes:
            if shape.tag in {qn("p:grpSp"), _CHOICE}:
                self.walk(shape if shape.tag == qn("p:grpSp") else next(iter(shape), ()))
            elif shape.tag == qn("p:graphicFrame"):
                self._frame(shape)
            elif shape.tag in {qn("p:pic"), qn("p:contentPart")}:
                self.n_unread += 1
            else:
                texts = (_text(each, self._record) for each in shape.iter(qn("a:p")))
                self.lines.extend(Line(_name(shape), text) for text in texts if text)

    def _frame(self, frame: Any) -> None:  # noqa: ANN401
        chart, table = (next(frame.iter(qn(tag)), None) for tag in ("c:chart", "a:tbl"))
        if chart is not None:
            part = self._part.related_part(chart.get(qn("r:id")))
            self.charts.append(read_chart(_name(frame), part))
        elif table is not None:
            name = _name(frame)
            rows = tuple(tuple(self._cells(row, name)) for row in table.iter(qn("a:tr")))
            self.grids.append(Grid(name, rows))
        else:
            self.n_unread += 1

    def _cells(self, row: Any, name: str) -> Iterator[str]:  # noqa: ANN401
        for place, cell in enumerate(row.iter(qn("a:tc"))):
            told = " ".join(_text(each, self._record) for each in cell.iter(qn("a:p"))).strip()
            is_number = place == 0 and name.startswith(_FOOTNOTES) and told.isdecimal()
            yield _marked(told, self._record) if is_number else told


def _painted(layout: Any) -> list[Any]:  # noqa: ANN401
    """Shapes that a layout shows on every slide; its placeholders it does not."""
    shapes = layout.element.find(f"{qn('p:cSld')}/{qn('p:spTree')}")
    return [shape for shape in shapes if next(shape.iter(qn("p:ph")), None) is None]


def _spoken(slide: Any, record: Record) -> Iterator[Line]:  # noqa: ANN401
    if not slide.has_notes_slide or slide.notes_slide.notes_text_frame is None:
        return
    for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
        text = _text(paragraph._p, record)  # noqa: SLF001
        if text:
            yield Line(
                "speaker notes",
                _NUMBERED.sub(lambda found: _marked(found[1], record) + found[2], text, count=1)
                if _NUMBERED.match(text)
                else text,
            )


def _name(shape: Any) -> str:  # noqa: ANN401
    found = next(shape.iter(qn("p:cNvPr")), None)
    return "" if found is None else str(found.get("name", ""))


def _text(paragraph: Any, record: Record) -> str:  # noqa: ANN401
    """Return the text of a paragraph on one line, with the ids of its footnotes."""
    parts: list[tuple[bool, str]] = []
    for child in paragraph:
        if child.tag == qn("a:br"):
            parts.append((False, " "))
        elif child.tag != qn("a:fld") or child.get("type") != "slidenum":
            told = "".join(each.text or "" for each in child.iter() if _is_text(each))
            parts.append((_is_raised(child), told))
    return _SPACE.sub(" ", "".join(_joined(parts, record))).replace(NO_BREAK, "-").strip()


def _is_text(element: Any) -> bool:  # noqa: ANN401
    return isinstance(element.tag, str) and element.tag.endswith("}t")


def _is_raised(run: Any) -> bool:  # noqa: ANN401
    properties = run.find(qn("a:rPr"))
    return properties is not None and int(properties.get("baseline", "0") or 0) > 0


def _joined(parts: Sequence[tuple[bool, str]], record: Record) -> Iterator[str]:
    raised = ""
    for is_raised, text in (*parts, (False, "")):
        if is_raised:
            raised += text
            continue
        if raised:
            yield _marked(raised, record)
            raised = ""
        yield text


def _marked(number: str, record: Record) -> str:
    told = number.strip()
    place = int(told) if told.isdecimal() else 0
    is_known = 0 < place <= len(record.footnotes)
    return f"{OPEN}{record.footnotes[place - 1] if is_known else told}{CLOSE}"
