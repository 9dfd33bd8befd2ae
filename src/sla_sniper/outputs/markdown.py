"""A report as Markdown: one slide a section, every number with its footnote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_sniper.panels.document import Note, Sentence, Table
from sla_sniper.panels.drawings import Bars, Heatmap
from sla_sniper.panels.footnotes import Code, Figure, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_sniper.panels.document import Block, Document, Page
    from sla_sniper.panels.drawings import Drawing, Lines
    from sla_sniper.panels.footnotes import Footnote, Text

_MEANT = str.maketrans({"<": "&lt;", "|": "\\|", "`": "\\`"})
"""What would be markup within a text; no name begins a line."""


def as_markdown(document: Document) -> str:
    """Write a report.

    Returns
    -------
    str
        Markdown; slides are separated by ``---``, charts are tables, footnotes stand at the end.
    """
    footnotes = document.footnotes()

    def write(text: Text) -> str:
        return "".join(_span(span, footnotes) for span in text)

    head = f"# {_plain(document.title)}\n\nAs of {document.as_of}."
    pages = [_page(page, write, footnotes) for page in document.pages]
    notes = "\n".join(
        f"[^{number}]: `{note.id}`: {_plain(note.definition)} Unit: {_plain(note.unit)}. "
        f"Recompute: `{note.command}`."
        for number, note in footnotes.values()
    )
    return "\n\n---\n\n".join([head, *pages, f"## Footnotes\n\n{notes}"]) + "\n"


def _page(
    page: Page, write: Callable[[Text], str], footnotes: Mapping[str, tuple[int, Footnote]]
) -> str:
    parts = [f"## {'Appendix: ' if page.is_appendix else ''}{write(page.title)}"]
    is_list = False
    for block in page.blocks:
        told = _block(block, write, footnotes)
        # Points of one list follow each other without a gap.
        parts.append(f"{chr(10) if is_list and isinstance(block, Sentence) else 2 * chr(10)}{told}")
        is_list = isinstance(block, Sentence)
    return "".join(parts)


def _block(
    block: Block, write: Callable[[Text], str], footnotes: Mapping[str, tuple[int, Footnote]]
) -> str:
    if isinstance(block, Sentence):
        return f"- {write(block.text)}"
    if isinstance(block, Note):
        return f"*{write(block.text)}*"
    if isinstance(block, Table):
        head = [
            column.title + (_mark(column.footnote, footnotes) if column.footnote else "")
            for column in block.columns
        ]
        marked = {note.footnote.id for note in block.columns if note.footnote}
        rows = [
            [
                _plain(cell) if isinstance(cell, str)
                else _plain(cell.text) if cell.footnote.id in marked
                else write((cell,))
                for cell in row
            ]
            for row in block.rows
        ]  # fmt: skip
        return _table(head, rows)
    return f"{_plain(block.title)}{_mark(block.footnote, footnotes)}\n\n{_drawn(block)}"


def _drawn(drawing: Drawing) -> str:
    if isinstance(drawing, Bars):
        rows = [[_plain(row.label), _plain(row.figure.text)] for row in drawing.rows]
        return _table(["", drawing.axis], rows)
    if isinstance(drawing, Heatmap):
        cells = [
            [_plain(name), *("" if cell is None else _plain(cell.text) for cell in row)]
            for name, row in zip(drawing.rows, drawing.cells, strict=True)
        ]
        return _table(
            [f"{drawing.y_axis} / {drawing.x_axis}", *map(_plain, drawing.columns)], cells
        )
    return _lines(drawing)


def _lines(drawing: Lines) -> str:
    places = sorted({point.x for line in drawing.lines for point in line.points})
    known = [{point.x: point.figure.text for point in line.points} for line in drawing.lines]
    written = "{:.0%}" if drawing.x_scale == "share" else "{:g}"
    rows = [
        [written.format(place), *(_plain(line.get(place, "")) for line in known)]
        for place in places
    ]
    return _table([drawing.x_axis, *(_plain(line.name) for line in drawing.lines)], rows)


def _span(span: str | Code | Figure, footnotes: Mapping[str, tuple[int, Footnote]]) -> str:
    if isinstance(span, Code):
        return f"`{span.text}`"
    if isinstance(span, Figure):
        return _plain(span.text) + _mark(span.footnote, footnotes)
    return _plain(span)


def _mark(footnote: Footnote, footnotes: Mapping[str, tuple[int, Footnote]]) -> str:
    return f"[^{footnotes[footnote.id][0]}]"


def _plain(text: str) -> str:
    """Write what is no markup as it is read, also a name that looks like markup."""
    return one_line(text).translate(_MEANT).replace("](", "]\\(")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
