"""A report as Markdown: one slide a section, every number with its footnote."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.panels.document import Note, Sentence, Table
from sla_sniper.panels.drawings import Bars, Heatmap, Lines
from sla_sniper.panels.footnotes import Code, Figure, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_sniper.panels.document import Block, Document, Page
    from sla_sniper.panels.drawings import Drawing
    from sla_sniper.panels.footnotes import Footnote, Text

_LARGE: Final = 1000
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


def page_parts(page: Page) -> tuple[str | Drawing, ...]:
    r"""Split a page into Markdown without footnotes and its chart, as a notebook shows them.

    Returns
    -------
    tuple of (str or Drawing)
        In reading order; a dollar sign is escaped, because notebooks set mathematics between two.

    Examples
    --------
    >>> from sla_sniper.panels.document import Note, Page, Sentence
    >>> parts = page_parts(Page(("It pays",), (Sentence(("By $5.",)), Note(("Assumed.",)))))
    >>> print(*parts)
    ### It pays
    <BLANKLINE>
    - By \$5.
    <BLANKLINE>
    *Assumed.*
    """
    drawing = page.exhibit if isinstance(page.exhibit, (Bars, Heatmap, Lines)) else None
    place = page.blocks.index(drawing) if drawing else len(page.blocks)
    plain = replace(page, blocks=page.blocks[:place], is_appendix=False)
    told = f"#{_page(plain, _unmarked, {})}"
    if drawing is None:
        return (_for_notebook(told),)
    before = _for_notebook(f"{told}\n\n**{_plain(drawing.title)}**")
    after = "\n\n".join(_block(block, _unmarked, {}) for block in page.blocks[place + 1 :])
    return (before, drawing, *((_for_notebook(after),) if after else ()))


def text_markdown(text: Text) -> str:
    r"""Write a text without footnotes for a notebook.

    Examples
    --------
    >>> print(text_markdown(("Saves $5 by ", Code("edf"), ".")))
    Saves \$5 by `edf`.
    """
    return _for_notebook(_unmarked(text))


def table_markdown(frame: pl.DataFrame) -> str:
    r"""Write a small table for a notebook: no cell can be markup, numbers have three digits.

    Examples
    --------
    >>> print(table_markdown(pl.DataFrame({"group": ["a|b"], "n": [1200], "V": [0.12345]})))
    | group | n | V |
    | --- | --- | --- |
    | a\|b | 1,200 | 0.123 |
    """
    rows = [[_for_notebook(_plain(_written(cell))) for cell in row] for row in frame.rows()]
    return _table([_plain(name) for name in frame.columns], rows)


def _unmarked(text: Text) -> str:
    return "".join(_span(span, {}) for span in text)


def _for_notebook(told: str) -> str:
    return told.replace("$", "\\$")


def _written(cell: object) -> str:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:,.3g}" if abs(cell) < _LARGE else f"{cell:,.0f}"
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return "" if cell is None else str(cell)


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
    rows = [
        [_place(place, drawing), *(_plain(line.get(place, "")) for line in known)]
        for place in places
    ]
    return _table([drawing.x_axis, *(_plain(line.name) for line in drawing.lines)], rows)


def _place(place: float, drawing: Lines) -> str:
    """Write where a point lies, a share to a tenth of a per cent."""
    return (
        f"{100 * place:.1f}".removesuffix(".0") + "%"
        if drawing.x_scale == "share"
        else f"{place:g}"
    )


def _span(span: str | Code | Figure, footnotes: Mapping[str, tuple[int, Footnote]]) -> str:
    if isinstance(span, Code):
        return f"`{span.text}`"
    if isinstance(span, Figure):
        return _plain(span.text) + _mark(span.footnote, footnotes)
    return _plain(span)


def _mark(footnote: Footnote, footnotes: Mapping[str, tuple[int, Footnote]]) -> str:
    """Refer to a footnote; where none are listed there is nothing to refer to."""
    return f"[^{footnotes[footnote.id][0]}]" if footnotes else ""


def _plain(text: str) -> str:
    """Write what is no markup as it is read, also a name that looks like markup."""
    return one_line(text).translate(_MEANT).replace("](", "]\\(")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
