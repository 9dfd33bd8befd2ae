"""A report as slides: 16 to 9, native charts and tables, every number with its footnote.

Two runs give the same bytes: the metadata tell the instant of the report, not that of the run.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from pptx import Presentation
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Pt

from sla_sniper.outputs import fitting
from sla_sniper.outputs.deck_reading import digest, read_slides
from sla_sniper.outputs.deck_record import Record
from sla_sniper.outputs.slide_charts import FONT, add_bars, add_lines, colour
from sla_sniper.outputs.slide_text import (
    CELL_SIZES,
    Area,
    Ink,
    add_table,
    add_texts,
    cell_texts,
    column_widths,
    dress,
    fill_frame,
    mark,
    row_heights,
)
from sla_sniper.outputs.texts import kept_together
from sla_sniper.panels import theme
from sla_sniper.panels.document import Column, Page, Sentence, Table
from sla_sniper.panels.drawings import Bars, Heatmap, Lines, shade
from sla_sniper.panels.footnotes import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sla_sniper.panels.document import Document
    from sla_sniper.panels.footnotes import Footnote, Text

    Numbers = Mapping[str, tuple[int, Footnote]]

WIDTH, HEIGHT = 960.0, 540.0
"""Of a slide, in points."""
_SIDE: Final = 44.0
_TITLE: Final = Area(_SIDE, 24.0, WIDTH - 2 * _SIDE, 68.0)
_TOP: Final = 104.0
_NOTES_END: Final = 502.0
_FOOT: Final = Area(_SIDE, 512.0, 600.0, 16.0)
_PAGE: Final = Area(WIDTH - _SIDE - 100.0, 512.0, 100.0, 16.0)
_TALKING: Final = 312.0
"""Width of the sentences beside a chart."""
_GAP: Final = 14.0
_CAPTION: Final = 20.0
_TITLE_SIZES: Final = (28.0, 26.0, 24.0, 22.0, 20.0, 18.0)
_SIZES: Final = (22.0, 20.0, 18.0, 17.0, 16.0, 15.0, 14.0, 13.0, 12.0)
_NOTE_SIZE: Final = 11.0
_LAYOUT: Final = 5  # Title Only
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def as_slides(document: Document, *, replayed: Mapping[str, Any]) -> bytes:
    """Make the deck.

    Parameters
    ----------
    document : Document
    replayed : mapping
        Settings with which its numbers were computed; kept in the deck for `sniper verify`.

    Returns
    -------
    bytes
        A .pptx file.
    """
    deck = _blank(document)
    numbers = document.footnotes()
    record = Record(document.as_of, dict(replayed), list(numbers))
    n_talks = 0
    for page in (*document.pages, *document.footnote_pages()):
        n_talks += page.exhibit is None
        key = f"talk:{n_talks}" if page.exhibit is None else page.exhibit.id
        for number, part in enumerate(split(page), start=1):
            _slide(deck, part, number, record, numbers, document)
            record.slides[str(deck.slides[-1].slide_id)] = f"{key}:{number}"
    for slide in read_slides(deck, record):
        record.made[slide.id] = sorted({digest(text) for text in slide.told()})
    record.attach(deck)
    stream = io.BytesIO()
    deck.save(stream)
    return _fixed(stream.getvalue())


def split(page: Page) -> Iterator[Page]:
    """Cut a page into as many as a slide has room for, each with the same title."""
    room = _notes_top(page) - _TOP
    exhibit = page.exhibit
    if isinstance(exhibit, Table):
        head = _talk_height(page.sentences, _SIZES[-1], WIDTH - 2 * _SIDE)
        yield from _split_table(page, exhibit, room - head)
    elif exhibit is None:
        yield from _split_sentences(page, room)
    else:
        yield page


def _split_table(page: Page, table: Table, room: float) -> Iterator[Page]:
    told = cell_texts(table)
    widths = column_widths(told, CELL_SIZES[-1], WIDTH - 2 * _SIDE)
    head, *heights = row_heights(told, CELL_SIZES[-1], widths)
    kept: list[tuple[Any, ...]] = []
    used = head
    for row, height in zip(table.rows, heights, strict=True):
        if kept and used + height > room:
            yield _with_rows(page, table, kept)
            kept, used = [], head
        kept.append(row)
        used += height
    yield _with_rows(page, table, kept)


def _with_rows(page: Page, table: Table, rows: Sequence[tuple[Any, ...]]) -> Page:
    part = replace(table, rows=tuple(rows))
    return replace(page, blocks=tuple(part if each is table else each for each in page.blocks))


def _split_sentences(page: Page, room: float) -> Iterator[Page]:
    kept: list[Sentence] = []
    for sentence in page.sentences:
        if kept and _talk_height([*kept, sentence], _SIZES[-2], WIDTH - 2 * _SIDE) > room:
            yield replace(page, blocks=(*kept, *page.notes))
            kept = []
        kept.append(sentence)
    yield replace(page, blocks=(*kept, *page.notes))


def _slide(
    deck: Any,  # noqa: ANN401
    page: Page,
    number: int,
    record: Record,
    numbers: Numbers,
    document: Document,
) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    title: Text = (*page.title, " (continued)") if number > 1 else page.title
    if page.is_appendix:
        title = ("Appendix: ", *title)
    size = fitting.largest([_room(title)], _TITLE_SIZES, (_TITLE.width, _TITLE.height))
    slide.shapes.title.name = "title"
    frame = slide.shapes.title.text_frame
    fill_frame(frame, [title], Ink(size, is_bold=True), numbers)
    frame.vertical_anchor, frame.paragraphs[0].alignment = MSO_ANCHOR.MIDDLE, PP_ALIGN.LEFT
    _body(slide, page, number, record, numbers)
    if page.notes:
        top = _notes_top(page)
        area = Area(_SIDE, top, WIDTH - 2 * _SIDE, _NOTES_END - top)
        texts = [note.text for note in page.notes]
        add_texts(slide, "notes", texts, area, Ink(_NOTE_SIZE, theme.MUTED, gap=2), numbers)
    foot = f"{document.title} · as of {_minute(document.as_of)}"
    add_texts(slide, "foot", [(foot,)], _FOOT, Ink(10, theme.FAINT), {})
    _page_number(slide)
    slide.notes_slide.notes_text_frame.text = _spoken(page, numbers)


def _body(slide: Any, page: Page, number: int, record: Record, numbers: Numbers) -> None:  # noqa: ANN401
    exhibit, room = page.exhibit, _notes_top(page) - _GAP - _TOP
    talk = [sentence.text for sentence in page.sentences]
    whole = WIDTH - 2 * _SIDE
    if exhibit is None:
        _talk(slide, talk, Area(_SIDE, _TOP, whole, room), numbers)
    elif isinstance(exhibit, Table):
        size = _SIZES[4] if len(exhibit.rows) < 9 else _SIZES[-1]  # noqa: PLR2004
        height = _talk_height(page.sentences, size, whole)
        if talk:
            _talk(slide, talk, Area(_SIDE, _TOP, whole, height), numbers)
        area = Area(_SIDE, _TOP + height, whole, room - height)
        name = exhibit.id if number == 1 else f"{exhibit.id}:{number}"
        record.cells[f"table:{name}"] = add_table(slide, name, exhibit, area, numbers)
    else:
        _talk(slide, talk, Area(_SIDE, _TOP, _TALKING, room), numbers)
        left = _SIDE + _TALKING + 2 * _GAP
        _drawing(slide, exhibit, Area(left, _TOP, WIDTH - _SIDE - left, room), record, numbers)


def _talk(slide: Any, talk: Sequence[Text], area: Area, numbers: Numbers) -> None:  # noqa: ANN401
    told = [_room(text) for text in talk]
    box = (area.width - _SIZES[0], area.height)
    size = fitting.largest(told, _SIZES, box, gap=_gap(_SIZES[0]))
    ink = Ink(size, is_point=True, gap=_gap(size))
    add_texts(slide, "sentences", talk, area, ink, numbers)


def _drawing(
    slide: Any,  # noqa: ANN401
    exhibit: Bars | Lines | Heatmap,
    area: Area,
    record: Record,
    numbers: Numbers,
) -> None:
    caption = Area(area.left, area.top, area.width, _CAPTION)
    box = slide.shapes.add_textbox(*caption.emu())
    box.name = "caption"
    ink = Ink(12, is_bold=True)
    fill_frame(box.text_frame, [(exhibit.title,)], ink, numbers)
    mark(box.text_frame.paragraphs[0], numbers[exhibit.footnote.id][0], ink)
    top = area.top + _CAPTION
    below = Area(area.left, top, area.width, area.height - _CAPTION)
    if isinstance(exhibit, Heatmap):
        record.cells[f"table:{exhibit.id}"] = _shaded(slide, exhibit, below)
        return
    at = below.emu()
    ids = (
        add_bars(slide, exhibit, at) if isinstance(exhibit, Bars) else add_lines(slide, exhibit, at)
    )
    record.points[f"chart:{exhibit.id}"] = ids


def _shaded(slide: Any, heatmap: Heatmap, area: Area) -> list[list[str]]:  # noqa: ANN401
    """Draw a heatmap as a native table; return the ids of its cells."""
    corner = Column(f"{heatmap.y_axis} / {heatmap.x_axis}")
    rows = tuple(
        (name, *("" if cell is None else cell for cell in cells))
        for name, cells in zip(heatmap.rows, heatmap.cells, strict=True)
    )
    columns = (corner, *(Column(name) for name in heatmap.columns))
    ids = add_table(slide, heatmap.id, Table(heatmap.id, columns, rows), area, {})
    native = slide.shapes[-1].table
    values = [figure.value for figure in heatmap.figures() if figure.value is not None]
    least, most = min(values, default=0.0), max(values, default=0.0)
    for line, cells in enumerate(heatmap.cells, start=1):
        for place, cell in enumerate(cells, start=1):
            if cell is not None and cell.value is not None:
                ground, ink = shade(cell.value, least, most)
                for run in dress(native.cell(line, place), ground).runs:
                    run.font.color.rgb = colour(ink)
    return ids


def _spoken(page: Page, numbers: Numbers) -> str:
    """Tell in the speaker notes what stands behind the numbers of a slide."""
    notes = {figure.footnote.id: numbers[figure.footnote.id] for figure in page.figures()}
    told = [
        f"{number}. {note.id}: {note.definition} Recompute: {note.command}"
        for number, note in notes.values()
    ]
    return "\n".join([words(page.title), *told])


def _notes_top(page: Page) -> float:
    texts = [_room(note.text) for note in page.notes]
    used = fitting.height(texts, _NOTE_SIZE, WIDTH - 2 * _SIDE, gap=2)
    return _NOTES_END - used


def _talk_height(sentences: Iterable[Sentence], size: float, room: float) -> float:
    told = [_room(sentence.text) for sentence in sentences]
    return fitting.height(told, size, room - _SIZES[0], gap=_gap(size)) + (_GAP if told else 0)


def _gap(size: float) -> float:
    return 0.5 * size


def _room(text: Text) -> str:
    """Text with room for the numbers of footnotes, which are smaller than digits."""
    told = (
        span if isinstance(span, str) else span.text + ("00" if hasattr(span, "footnote") else "")
        for span in text
    )
    return kept_together("".join(told))


def _minute(as_of: str) -> str:
    return f"{datetime.fromisoformat(as_of).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _page_number(slide: Any) -> None:  # noqa: ANN401
    """Write the number of the slide as a field, so that it follows when slides are moved."""
    box = slide.shapes.add_textbox(*_PAGE.emu())
    box.name = "page"
    fill_frame(box.text_frame, [("0",)], Ink(10, theme.FAINT), {})
    paragraph = box.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT
    run = paragraph._p.r_lst[0]  # noqa: SLF001
    made = etree.SubElement(paragraph._p, qn("a:fld"))  # noqa: SLF001
    made.set("id", "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}")
    made.set("type", "slidenum")
    run.addprevious(made)
    made.extend(list(run))
    run.getparent().remove(run)


def _blank(document: Document) -> Any:  # noqa: ANN401
    """Return an empty presentation with one layout of ours and fixed metadata."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Pt(WIDTH), Pt(HEIGHT)
    kept = deck.slide_layouts[_LAYOUT]
    for layout in list(deck.slide_layouts):
        if layout is not kept and layout.name != kept.name:
            deck.slide_layouts.remove(layout)
    kept.name = "One point"
    for holder in (*kept.placeholders, *deck.slide_master.placeholders):
        if holder.placeholder_format.type is not None and holder.placeholder_format.idx == 0:
            holder.left, holder.top, holder.width, holder.height = _TITLE.emu()
            holder.text_frame.paragraphs[0].font.name = FONT
        else:
            holder._element.getparent().remove(holder._element)  # noqa: SLF001
    properties = deck.core_properties
    at = datetime.fromisoformat(document.as_of).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties.title, properties.author = document.title, "sla-sniper"
    properties.created = properties.modified = at
    properties.last_modified_by, properties.revision = "sla-sniper", 1
    return deck


def _fixed(blob: bytes) -> bytes:
    """Pack a file anew with fixed dates, so that the same deck is the same bytes."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(blob)) as given,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in given.namelist():
            part = given.read(name)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, _fixed(part) if name.endswith(".xlsx") else part)
    return stream.getvalue()
