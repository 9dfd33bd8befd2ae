"""Text on a slide: runs with the numbers of their footnotes, and native tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.util import Pt

from sla_sniper.outputs import fitting
from sla_sniper.outputs.slide_charts import FONT, colour
from sla_sniper.outputs.texts import MONEY, kept_together
from sla_sniper.panels import theme
from sla_sniper.panels.footnotes import Figure, one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pptx.slide import Slide

    from sla_sniper.panels.document import Table
    from sla_sniper.panels.footnotes import Footnote, Text

RAISED: Final = "30000"
"""Baseline of the number of a footnote, in thousandths of a per cent."""
_PAD: Final = 5.0
_SIDE: Final = 6.0
CELL_SIZES: Final = (14.0, 13.0, 12.0, 11.0, 10.0)
_NARROWEST: Final = 40.0


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle on a slide, in points."""

    left: float
    top: float
    width: float
    height: float

    def emu(self) -> tuple[Any, Any, Any, Any]:
        """Return left, top, width and height as python-pptx takes them."""
        return Pt(self.left), Pt(self.top), Pt(self.width), Pt(self.height)


@dataclass(frozen=True, slots=True)
class Ink:
    """How a paragraph is written.

    Attributes
    ----------
    size, gap : float
        Of the letters, and after the paragraph, in points.
    colour : str
    is_bold, is_point : bool
        Whether it is set in bold, or as a point of a list.
    """

    size: float
    colour: str = theme.INK
    is_bold: bool = False
    is_point: bool = False
    gap: float = 0.0


def add_texts(
    slide: Slide, name: str, texts: Sequence[Text], area: Area, ink: Ink,
    numbers: Mapping[str, tuple[int, Footnote]],
) -> None:  # fmt: skip
    """Add a text box with a paragraph for each text."""
    box = slide.shapes.add_textbox(*area.emu())
    box.name = name
    fill_frame(box.text_frame, texts, ink, numbers)


def fill_frame(
    frame: Any, texts: Sequence[Text], ink: Ink,  # noqa: ANN401
    numbers: Mapping[str, tuple[int, Footnote]],
) -> None:  # fmt: skip
    """Write paragraphs into a frame without margins of its own."""
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    for place, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.space_after = Pt(ink.gap)
        paragraph.line_spacing = 1.0
        if ink.is_point:
            _as_point(paragraph, ink.size)
        write(paragraph, text, ink, numbers)


def write(
    paragraph: Any,  # noqa: ANN401
    text: Text,
    ink: Ink,
    numbers: Mapping[str, tuple[int, Footnote]],
) -> None:
    """Write a text as runs: each amount of money one, each figure followed by its number."""
    for span in text:
        told = span if isinstance(span, str) else span.text
        for part in MONEY.split(one_line(told)):
            if part:
                _run(paragraph, part, ink)
        if isinstance(span, Figure) and span.footnote.id in numbers:
            mark(paragraph, numbers[span.footnote.id][0], ink)


def mark(paragraph: Any, number: int, ink: Ink) -> None:  # noqa: ANN401
    """Write the number of a footnote."""
    run = _run(paragraph, str(number), Ink(ink.size, theme.FAINT))
    run._r.get_or_add_rPr().set("baseline", RAISED)  # noqa: SLF001


def _run(paragraph: Any, text: str, ink: Ink) -> Any:  # noqa: ANN401
    run = paragraph.add_run()
    run.text = kept_together(text)
    run.font.size, run.font.bold, run.font.name = Pt(ink.size), ink.is_bold, FONT
    run.font.color.rgb = colour(ink.colour)
    return run


def _as_point(paragraph: Any, size: float) -> None:  # noqa: ANN401
    properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001
    properties.set("marL", str(Pt(size)))
    properties.set("indent", str(-Pt(size)))
    bullet = etree.SubElement(properties, qn("a:buChar"))
    bullet.set("char", "•")


def column_widths(rows: Sequence[Sequence[str]], size: float, room: float) -> list[float]:
    """Share the width of a table among its columns by their longest texts, in points."""
    wanted = [
        max(fitting.width(cell, size) for cell in cells) + 2 * _SIDE + size
        for cells in zip(*rows, strict=True)
    ]
    spare = room - sum(wanted)
    if spare >= 0:
        return [each + spare / len(wanted) for each in wanted]
    # Short columns keep what they need; the long ones share the rest.
    widths = list(wanted)
    even = room / len(wanted)
    short = [each for each in wanted if each <= even]
    left = room - sum(short)
    long = sum(each for each in wanted if each > even)
    return [each if each <= even else max(_NARROWEST, each * left / long) for each in widths]


def row_heights(rows: Sequence[Sequence[str]], size: float, widths: Sequence[float]) -> list[float]:
    """Return the height of every row in points."""
    return [
        max(
            fitting.height([cell], size, width - 2 * _SIDE)
            for cell, width in zip(row, widths, strict=True)
        )
        + 2 * _PAD
        for row in rows
    ]


def cell_texts(table: Table) -> list[list[str]]:
    """Return what the cells say, the head first; footnotes take the room of two digits."""
    marked = _marked(table)
    head = [column.title + ("00" if column.footnote else "") for column in table.columns]
    return [
        head,
        *(
            [
                kept_together(cell) if isinstance(cell, str)
                else kept_together(cell.text) + ("" if cell.footnote.id in marked else "00")
                for cell in row
            ]
            for row in table.rows
        ),
    ]  # fmt: skip


def add_table(
    slide: Slide, name: str, table: Table, area: Area,
    numbers: Mapping[str, tuple[int, Footnote]],
) -> list[list[str]]:  # fmt: skip
    """Add a native table in the largest letters that fit; return the ids of its cells."""
    told, marked = cell_texts(table), _marked(table)
    sizes = {size: column_widths(told, size, area.width) for size in CELL_SIZES}
    fitting_sizes = [
        size
        for size, widths in sizes.items()
        if sum(row_heights(told, size, widths)) <= area.height
    ]
    size = fitting_sizes[0] if fitting_sizes else CELL_SIZES[-1]
    widths = sizes[size]
    heights = row_heights(told, size, widths)
    shape = slide.shapes.add_table(
        len(told), len(table.columns),
        *Area(area.left, area.top, area.width, sum(heights)).emu(),
    )  # fmt: skip
    shape.name = f"table:{name}"
    native = shape.table
    native.first_row = native.horz_banding = False
    for place, width in enumerate(widths):
        native.columns[place].width = Pt(width)
    for place, height in enumerate(heights):
        native.rows[place].height = Pt(height)
    for place, column in enumerate(table.columns):
        cell = native.cell(0, place)
        ink = Ink(size, theme.INK, is_bold=True)
        paragraph = dress(cell, theme.PANEL)
        write(paragraph, (column.title,), ink, numbers)
        if column.footnote:
            mark(paragraph, numbers[column.footnote.id][0], ink)
    ids = []
    for line, row in enumerate(table.rows, start=1):
        for place, said in enumerate(row):
            paragraph = dress(native.cell(line, place), theme.GROUND)
            is_marked = isinstance(said, str) or said.footnote.id in marked
            text: Text = (words((said,)),) if is_marked else (said,)
            write(paragraph, text, Ink(size), numbers)
        ids.append([said.id if isinstance(said, Figure) else "" for said in row])
    return ids


def dress(cell: Any, ground: str) -> Any:  # noqa: ANN401
    """Give a cell its ground and margins; return its paragraph."""
    cell.fill.solid()
    cell.fill.fore_color.rgb = colour(ground)
    cell.margin_left = cell.margin_right = Pt(_SIDE)
    cell.margin_top = cell.margin_bottom = Pt(_PAD / 2)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.line_spacing = 1.0
    return paragraph


def _marked(table: Table) -> set[str]:
    """Ids of the footnotes whose number stands in the head."""
    return {column.footnote.id for column in table.columns if column.footnote}
