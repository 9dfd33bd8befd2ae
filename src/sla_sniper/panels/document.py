"""A report as a value: pages of sentences, tables and charts that every format renders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_sniper.panels.drawings import Bars, Drawing, Heatmap, Lines
from sla_sniper.panels.footnotes import Code, Figure, figures_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_sniper.panels.footnotes import Footnote, Text

__all__ = ["Bars", "Block", "Code", "Column", "Document", "Figure", "Heatmap", "Lines", "Note",
           "Page", "Sentence", "Table"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a page says, a point each."""

    text: Text


@dataclass(frozen=True, slots=True)
class Note:
    """Small print: what an amount assumes, what a word means."""

    text: Text


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a column; numbers in it share the footnote."""

    title: str
    footnote: Footnote | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the row.

    Attributes
    ----------
    id : str
        Stable name.
    columns : tuple of Column
    rows : tuple of tuple of (str or Figure)
        As many cells as columns; the figures of a column with a footnote carry that one.
    """

    id: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Figure, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"Every row of table {self.id!r} needs {len(self.columns)} cells.")

    def figures(self) -> tuple[Figure, ...]:
        """Every number of it, row by row."""
        return tuple(cell for row in self.rows for cell in row if isinstance(cell, Figure))


Block = Sentence | Note | Table | Drawing


@dataclass(frozen=True, slots=True)
class Page:
    """One point, told by its title and shown by its blocks.

    Attributes
    ----------
    title : Text
        One sentence that says the point, without a full stop.
    blocks : tuple of Block
        At most one table or chart, so that a slide has room for it.
    is_appendix : bool
    """

    title: Text
    blocks: tuple[Block, ...]
    is_appendix: bool = False

    def __post_init__(self) -> None:
        if sum(not isinstance(block, (Sentence, Note)) for block in self.blocks) > 1:
            raise ValueError("A page has room for one table or chart; make another page.")

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """What it says."""
        return tuple(block for block in self.blocks if isinstance(block, Sentence))

    @property
    def notes(self) -> tuple[Note, ...]:
        """Its small print."""
        return tuple(block for block in self.blocks if isinstance(block, Note))

    @property
    def exhibit(self) -> Table | Drawing | None:
        """Its table or chart, if it has one."""
        found = [block for block in self.blocks if not isinstance(block, (Sentence, Note))]
        return found[0] if found else None

    def figures(self) -> Iterator[Figure]:
        """Every number of it in reading order."""
        yield from figures_of(self.title)
        for block in self.blocks:
            if isinstance(block, (Sentence, Note)):
                yield from figures_of(block.text)
            else:
                yield from block.figures()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Attributes
    ----------
    title : str
    as_of : str
        ISO instant for which every number holds.
    pages : tuple of Page
        Those of the appendix last.
    """

    title: str
    as_of: str
    pages: tuple[Page, ...]

    def figures(self) -> tuple[Figure, ...]:
        """Every number, page by page."""
        return tuple(figure for page in self.pages for figure in page.figures())

    def footnotes(self) -> dict[str, tuple[int, Footnote]]:
        """Every footnote by its id, with its number in order of appearance.

        Raises
        ------
        ValueError
            If two footnotes have one id, or one figure is printed in two ways.
        """
        numbered: dict[str, tuple[int, Footnote]] = {}
        printed: dict[str, str] = {}
        for figure in self.figures():
            note = figure.footnote
            if numbered.setdefault(note.id, (len(numbered) + 1, note))[1] != note:
                raise ValueError(f"Two footnotes have the id {note.id!r}.")
            if printed.setdefault(figure.id, figure.text) != figure.text:
                raise ValueError(f"{figure.id} is printed in two ways.")
        return numbered

    def commands(self) -> dict[str, str]:
        """Every command that recomputes something, by a letter to refer to it."""
        found = dict.fromkeys(note.command for _, note in self.footnotes().values())
        return {command: chr(ord("A") + place) for place, command in enumerate(found)}

    def footnote_pages(self) -> tuple[Page, ...]:
        """List every footnote, with a letter for the command that recomputes it."""
        letters = self.commands()
        columns = tuple(map(Column, ("No.", "Number", "What it is", "Unit", "By")))
        rows = tuple(
            (str(number), note.id, note.definition, note.unit, letters[note.command])
            for number, note in self.footnotes().values()
        )
        listed = tuple(
            Sentence((f"{letter}: ", Code(command))) for command, letter in letters.items()
        )
        return (
            Page(("Commands that recompute the numbers",), listed, is_appendix=True),
            Page(("Footnotes",), (Table("footnotes", columns, rows),), is_appendix=True),
        )
