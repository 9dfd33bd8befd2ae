"""A report as PDF, set by Typst: pages with numbers and footers, and the charts as vectors."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import typst

from sla_sniper.outputs import fitting
from sla_sniper.outputs.pictures import as_svg
from sla_sniper.outputs.texts import kept_together
from sla_sniper.panels import theme
from sla_sniper.panels.document import Page, Table
from sla_sniper.panels.footnotes import Code, Figure, one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.panels.document import Document
    from sla_sniper.panels.drawings import Drawing
    from sla_sniper.panels.footnotes import Footnote, Text

    Numbers = Mapping[str, tuple[int, Footnote]]

_FONTS: Final = ("Arial", "Liberation Sans", "Helvetica", "DejaVu Sans", "Libertinus Serif")
"""The last is inside Typst, so that a machine without any font makes a PDF as well."""
_COLUMN, _TALLEST = 468.0, 340.0
"""Width of a picture's column and its greatest height, in points."""
_SIZE: Final = re.compile(r'width="(\d+)" height="(\d+)"')
_FILLED: Final = 440
"""Height of a picture that fills its page, in pixels."""
_POINTS: Final = {
    "picture": ((16.0, 15.0, 14.0, 13.0, 12.0, 11.0), (230.0, 330.0)),
    "text": ((20.0, 18.0, 16.0, 14.0, 12.5, 11.0, 10.0), (690.0, 330.0)),
}
"""Sizes of the sentences, and the room for them in points: beside a picture, or alone."""
_GAP: Final = 12.0
_SHORT: Final = 9
"""Rows up to which a table is set in large letters."""
_LONG: Final = 14
"""Rows beyond which a table is set in small letters."""


def as_pdf(document: Document) -> bytes:
    """Set a report; two runs give the same bytes."""
    source = (files("sla_sniper.outputs") / "report.typ").read_bytes()
    inputs = {"report": json.dumps(values(document))}
    made: bytes = typst.compile(source, format="pdf", sys_inputs=inputs)
    return made


def values(document: Document) -> dict[str, Any]:
    """Return everything that the template sets, as plain values: it holds no text of its own."""
    pages = [*document.pages, *document.footnote_pages()]
    numbers = document.footnotes()
    return {
        "title": one_line(document.title),
        "foot": one_line(f"{document.title} · as of {document.as_of}"),
        "fonts": _FONTS,
        "colours": dict(theme.VARIABLES),
        "pages": [_page(page, numbers) for page in pages],
    }


def _page(page: Page, numbers: Numbers) -> dict[str, Any]:
    title: Text = ("Appendix: ", *page.title) if page.is_appendix else page.title
    exhibit = page.exhibit
    shown = []
    if isinstance(exhibit, Table):
        shown = [_table(exhibit, numbers)]
    elif exhibit is not None:
        shown = [_picture(exhibit, numbers)]
    told = [kept_together(words(each.text)) for each in page.sentences]
    sizes, room = _POINTS["picture" if shown and shown[0]["kind"] == "picture" else "text"]
    return {
        "title": _spans(title, numbers),
        "size": fitting.largest(told, sizes, room, gap=_GAP),
        "points": [_spans(each.text, numbers) for each in page.sentences],
        "notes": [_spans(each.text, numbers) for each in page.notes],
        "exhibits": shown,
    }


def _picture(drawing: Drawing, numbers: Numbers) -> dict[str, Any]:
    svg = as_svg(drawing, tall=_FILLED)
    found = _SIZE.search(svg)
    wide, high = (float(each) for each in found.groups()) if found else (1.0, 1.0)
    return {
        "kind": "picture",
        "title": [*_spans((drawing.title,), numbers), _number(drawing.footnote, numbers)],
        "alt": one_line(drawing.title),
        "svg": svg,
        "width": min(1.0, _TALLEST * wide / (high * _COLUMN)),
    }


def _table(table: Table, numbers: Numbers) -> dict[str, Any]:
    marked = {column.footnote.id for column in table.columns if column.footnote}
    head = [
        _spans((each.title,), numbers)
        + ([_number(each.footnote, numbers)] if each.footnote else [])
        for each in table.columns
    ]
    rows = [
        [
            {"parts": _spans((words((cell,)),) if isinstance(cell, str)
                             or cell.footnote.id in marked else (cell,), numbers)}
            for cell in row
        ]
        for row in table.rows
    ]  # fmt: skip
    told = [[column.title for column in table.columns],
            *([words((cell,)) for cell in row] for row in table.rows)]  # fmt: skip
    widths = [
        min(max(fitting.width(cell, 10.0) for cell in cells) + 16, 360)
        for cells in zip(*told, strict=True)
    ]
    return {
        "kind": "table",
        "head": head,
        "rows": rows,
        "widths": widths,
        "size": 9 if len(rows) > _LONG else 12.5 if len(rows) <= _SHORT else 10.5,
    }


def _spans(text: Text, numbers: Numbers) -> list[dict[str, Any]]:
    return [
        {
            "text": kept_together(one_line(span if isinstance(span, str) else span.text)),
            "code": isinstance(span, Code),
            "number": numbers[span.footnote.id][0] if isinstance(span, Figure) else None,
        }
        for span in text
    ]


def _number(footnote: Footnote, numbers: Numbers) -> dict[str, Any]:
    return {"text": "", "code": False, "number": numbers[footnote.id][0]}
