"""A report as one HTML file that needs nothing else: styles and pictures stand inside it."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from sla_sniper.outputs.pictures import as_svg
from sla_sniper.outputs.texts import kept_together
from sla_sniper.panels import theme
from sla_sniper.panels.document import Note, Sentence, Table
from sla_sniper.panels.footnotes import Code, Figure, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.panels.document import Block, Document, Page
    from sla_sniper.panels.footnotes import Footnote, Text

    Numbers = Mapping[str, tuple[int, Footnote]]

_NAMESPACES: Final = re.compile(r' xmlns(?::xlink)?="[^"]*"')
"""Needless inside a page, and the only addresses in a picture."""
_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;background:var(--panel);color:var(--ink);font:16px/1.5 system-ui,Arial,sans-serif}
main{max-width:1000px;margin:0 auto;padding:24px}
section{background:var(--ground);border:1px solid var(--line);border-radius:6px;
padding:28px 36px;margin:0 0 20px}
h1{font-size:24px;margin:8px 0}h2{font-size:23px;line-height:1.25;margin:0 0 16px}
h3{font-size:14px;margin:16px 0 4px}
li{margin:6px 0}sup{font-size:.62em;line-height:0}
sup a{color:var(--faint);text-decoration:none;font-weight:400}
table{border-collapse:collapse;width:100%;margin:12px 0;font-size:14px}
th{background:var(--panel);text-align:left}
th,td{padding:6px 8px;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:break-word}
svg{width:100%;min-width:500px;max-width:800px;height:auto;display:block}
.wide{overflow-x:auto}
.note{color:var(--muted);font-size:13px}
code{font-size:.92em;overflow-wrap:anywhere}
:target{background:var(--sniper-ground)}
@media (max-width:600px){main{padding:10px}section{padding:16px 14px}h1{font-size:21px}
h2{font-size:19px}ul{padding-left:20px}th,td{min-width:88px}}
@page{size:A4 landscape;margin:14mm}
@media print{body{background:none;font-size:13px}main{max-width:none;padding:0}
section{border:0;padding:0;break-after:page}.wide{overflow:visible}svg{min-width:0}tr,svg,li{break-inside:avoid}
thead{display:table-header-group}}
"""


def as_html(document: Document) -> str:
    """Write a report as one file without any reference to another."""
    numbers = document.footnotes()
    pages = "\n".join(_page(page, numbers) for page in document.pages)
    title = escape(one_line(document.title))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{title}</title>\n"
        f"<style>{theme.stylesheet_variables()}{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{title}</h1>\n<p class="note">As of {escape(document.as_of)}</p>\n'
        f"{pages}\n{_footnotes(document)}\n</main>\n</body>\n</html>\n"
    )


def _page(page: Page, numbers: Numbers) -> str:
    lead = "Appendix: " if page.is_appendix else ""
    parts = [f"<h2>{lead}{_text(page.title, numbers)}</h2>"]
    if page.sentences:
        points = "\n".join(f"<li>{_text(each.text, numbers)}</li>" for each in page.sentences)
        parts.append(f"<ul>\n{points}\n</ul>")
    parts += [_block(each, numbers) for each in page.blocks if not isinstance(each, Sentence)]
    inside = "\n".join(parts)
    return f"<section>\n{inside}\n</section>"


def _block(block: Block, numbers: Numbers) -> str:
    if isinstance(block, (Note, Sentence)):
        return f'<p class="note">{_text(block.text, numbers)}</p>'
    if isinstance(block, Table):
        return _table(block, numbers)
    caption = f"<h3>{_plain(block.title)}{_mark(block.footnote, numbers)}</h3>"
    return f"{caption}\n{_wide(_NAMESPACES.sub('', as_svg(block)))}"


def _table(table: Table, numbers: Numbers) -> str:
    marked = {column.footnote.id for column in table.columns if column.footnote}
    head = "".join(
        f"<th>{_plain(each.title)}{_mark(each.footnote, numbers) if each.footnote else ''}</th>"
        for each in table.columns
    )
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_cell(cell, marked, numbers)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    return _wide(f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>")


def _wide(exhibit: str) -> str:
    """Let what is wider than a narrow screen be moved within its page."""
    return f'<div class="wide" tabindex="0">{exhibit}</div>'


def _cell(cell: str | Figure, marked: set[str], numbers: Numbers) -> str:
    if isinstance(cell, str):
        return _plain(cell)
    return _plain(cell.text) if cell.footnote.id in marked else _text((cell,), numbers)


def _text(text: Text, numbers: Numbers) -> str:
    parts = []
    for span in text:
        if isinstance(span, Code):
            parts.append(f"<code>{_plain(span.text)}</code>")
        elif isinstance(span, Figure):
            parts.append(_plain(span.text) + _mark(span.footnote, numbers))
        else:
            parts.append(_plain(span))
    return "".join(parts)


def _mark(footnote: Footnote, numbers: Numbers) -> str:
    number = numbers[footnote.id][0]
    return f'<sup><a href="#n{number}" title="{_plain(footnote.definition)}">{number}</a></sup>'


def _footnotes(document: Document) -> str:
    """List the commands and the footnotes; the number of each leads to its row."""
    commands, footnotes = document.footnote_pages()
    numbers = document.footnotes()
    listed = _page(footnotes, numbers)
    for number, _ in numbers.values():
        listed = listed.replace(f"<tr><td>{number}</td>", f'<tr id="n{number}"><td>{number}</td>')
    return f"{_page(commands, numbers)}\n{listed}"


def _plain(text: str) -> str:
    return escape(kept_together(one_line(text)))
