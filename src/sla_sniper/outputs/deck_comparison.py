"""A deck beside the one that its workspace gives now: every text, cell, point and axis."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.outputs.deck_chart_comparison import compared_charts
from sla_sniper.outputs.deck_reading import MARKS, as_text, digest
from sla_sniper.outputs.deck_words import amounts, names_in, plain, reads
from sla_sniper.outputs.texts import NO_BREAK
from sla_sniper.panels.footnotes import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_sniper.outputs.deck_reading import Grid, Line, Slide
    from sla_sniper.outputs.deck_record import Record
    from sla_sniper.panels.footnotes import Figure

_ALIKE: Final = 0.5
"""From here on two texts are one that was edited."""
_SHORTEST: Final = 3
"""Letters of the shortest name that is looked for in a sentence."""
_FOOTNOTES: Final = "table:footnotes"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a deck says and its workspace does not.

    Attributes
    ----------
    id : str
        Of the number; where it has none, the name of the shape: ``title``, ``table:policies``.
    slide : int
        From 1.
    printed, recomputed : str
        What the slide says; what the workspace gives. Empty where there is nothing.
    cause : {"deck", "workspace"}
        Whether the slide says something else than when it was made.
    """

    id: str
    slide: int
    printed: str
    recomputed: str
    cause: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A sentence without a number that somebody has worded anew, added or taken out."""

    slide: int
    printed: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of everything that a deck says.

    Attributes
    ----------
    differences : tuple of Difference
        In the order of the slides.
    edits : tuple of Edit
    numbers : mapping of int to tuple of str
        Ids of the numbers of each slide.
    left_out : frozenset of str
        Ids of the numbers that stood only on slides that are no longer in the deck.
    n_unread : int
        Pictures and other objects on the slides, which nobody reads.
    """

    differences: tuple[Difference, ...]
    edits: tuple[Edit, ...]
    numbers: Mapping[int, tuple[str, ...]]
    left_out: frozenset[str]
    n_unread: int


@dataclass(slots=True)
class Ledger:
    """Collects what differs on the slides of one deck.

    Attributes
    ----------
    record : Record
        Of the deck; asked only whether a text is as it was made.
    figures : mapping of str to Figure
        What the workspace gives.
    """

    record: Record
    figures: Mapping[str, Figure]
    differences: dict[Difference, None] = field(default_factory=dict)
    edits: dict[Edit, None] = field(default_factory=dict)

    def note(
        self, slide: Slide, name: str, told: tuple[str, str], *, within: tuple[str, str] = ("", "")
    ) -> None:
        """Note a difference.

        Parameters
        ----------
        told : tuple of str
            What the slide says, and what the workspace gives.
        within : tuple of str
            The whole texts that these are parts of, as `Slide.told` gives them.
        """
        made = self.record.made.get(slide.id, ())
        said, given = (whole or part for whole, part in zip(within, told, strict=True))
        # Of what is gone: was it ever there?
        is_as_made = digest(said) in made if said else digest(given) not in made
        cause = "workspace" if is_as_made else "deck"
        printed, recomputed = map(plain, told)
        self.differences[Difference(name, slide.number, printed, recomputed, cause)] = None

    def told(self, name: str, otherwise: str = "") -> str:
        """Return what the workspace prints for a number."""
        figure = self.figures.get(name)
        return otherwise if figure is None else one_line(figure.text)


def compare(
    deck: tuple[Record, Sequence[Slide]],
    fresh: tuple[Record, Sequence[Slide]],
    figures: Mapping[str, Figure],
) -> Comparison:
    """Compare a deck with the one that its workspace gives now.

    Parameters
    ----------
    deck, fresh : tuple of Record and sequence of Slide
        As `read_deck` gives them.
    figures : mapping of str to Figure
        Every number of the fresh one by its id.
    """
    record, slides = deck
    truth, made = fresh
    ledger = Ledger(record, figures)
    pairs = [(slide, _page_of(slide, made)) for slide in slides]
    names = _names(made)
    for slide, page in pairs:
        _lines(ledger, slide, slide.lines, () if page is None else page.lines, names)
        if slide.spoken:
            _lines(ledger, slide, slide.spoken, () if page is None else page.spoken, names)
    _tables(ledger, pairs, truth)
    compared_charts(ledger, pairs, truth)
    numbers = {
        slide.number: tuple(() if page is None else _numbers(page, truth, figures))
        for slide, page in pairs
    }
    here = {name for found in numbers.values() for name in found}
    kept = {slide.key for slide in slides}
    gone = [page for page in made if page.key in record.slides.values() and page.key not in kept]
    left_out = {name for page in gone for name in _numbers(page, truth, figures)} - here
    return Comparison(
        tuple(sorted(ledger.differences, key=lambda each: each.slide)),
        tuple(ledger.edits),
        numbers,
        frozenset(left_out),
        sum(slide.n_unread for slide in slides),
    )


def _page_of(slide: Slide, made: Sequence[Slide]) -> Slide | None:
    """Return the page that a slide is; a copy is the one with which it has most in common."""
    known = next((page for page in made if slide.key and page.key == slide.key), None)
    if known is not None:
        return known
    texts = set(slide.told())
    shared = [len(texts & set(page.told())) for page in made]
    most = max(shared, default=0)
    return made[shared.index(most)] if most > 1 else None


def _numbers(page: Slide, truth: Record, figures: Mapping[str, Figure]) -> Iterator[str]:
    """Ids of the numbers of a page, as often as they stand there."""
    yield from (name for line in page.lines for name in line.ids if name in figures)
    for grid in page.grids:
        yield from (name for row in truth.cells.get(grid.name, ()) for name in row if name)
    for chart in page.charts:
        yield from (name for row in truth.points.get(chart.name, ()) for name in row)


def _names(made: Sequence[Slide]) -> set[str]:
    """Names that tables and charts give to what they tell."""
    rows = {
        row[0]
        for page in made for grid in page.grids if not grid.base.endswith(":footnotes")
        for row in grid.rows[1:]
    }  # fmt: skip
    lines = {series.name for page in made for chart in page.charts for series in chart.series}
    bars = {
        mark.label.rpartition("  ")[0]
        for page in made for chart in page.charts for series in chart.series
        for mark in series.marks
    }  # fmt: skip
    return {plain(name.replace(NO_BREAK, "-")) for name in rows | lines | bars
            if len(name) >= _SHORTEST}  # fmt: skip


def _lines(
    ledger: Ledger, slide: Slide, said: Sequence[Line], given: Sequence[Line], names: set[str]
) -> None:
    """Compare paragraphs, in whatever order they stand."""
    known, found = {line.text for line in given}, {line.text for line in said}
    others = [line for line in said if line.text not in known]
    missing = [line for line in given if line.text not in found]
    for line in missing:
        other = _closest(line, others)
        if other is None:
            _gone(ledger, slide, line)
            continue
        others.remove(other)
        _edited(ledger, slide, (other, line), names)
    for line in others:
        if line.ids or amounts(line.text):
            ledger.note(slide, line.place, (line.text, ""))
        else:
            ledger.edits[Edit(slide.number, line.text, "")] = None


def _closest(line: Line, others: Sequence[Line]) -> Line | None:
    def likeness(other: Line) -> float:
        one, two = (plain(each.text).casefold() for each in (line, other))
        return float(difflib.SequenceMatcher(None, one, two, autojunk=False).ratio())

    found = max(others, key=likeness, default=None)
    return found if found is not None and likeness(found) >= _ALIKE else None


def _gone(ledger: Ledger, slide: Slide, line: Line) -> None:
    """Note what stood in a line that is no longer there."""
    for name in line.ids:
        told = ("", ledger.told(name, line.text))
        ledger.note(slide, name, told, within=("", line.text))
    if not line.ids and amounts(line.text):
        ledger.note(slide, line.place, ("", line.text))
    elif not line.ids:
        ledger.edits[Edit(slide.number, "", line.text)] = None


def _edited(ledger: Ledger, slide: Slide, pair: tuple[Line, Line], names: set[str]) -> None:
    """Note what somebody has changed in a line: the numbers that differ, else the line."""
    said, line = pair
    if not line.ids and not said.ids:
        is_same = amounts(said.text) == amounts(line.text)
        if is_same and names_in(said.text, names) == names_in(line.text, names):
            ledger.edits[Edit(slide.number, said.text, line.text)] = None
        else:
            ledger.note(slide, line.place, (said.text, line.text))
        return
    wrong = list(_misread(ledger, said, line))
    for name, told in wrong:
        within = (said.text, line.text)
        ledger.note(slide, name, (told, ledger.told(name)), within=within)
    if not wrong:
        name = _nearest(said.text, line.text) or line.place
        ledger.note(slide, name, (said.text, line.text))


def _misread(ledger: Ledger, said: Line, line: Line) -> Iterator[tuple[str, str]]:
    """Find the numbers of a line that do not stand before their mark, and what stands there."""
    pieces = MARKS.split(said.text)
    before: dict[str, list[str]] = {}
    for text, name in zip(pieces[::2], pieces[1::2], strict=False):
        before.setdefault(name, []).append(text)
    for name in line.ids:
        told = ledger.told(name)
        if not told:
            continue
        n_words = len(told.split())
        if before.get(name):
            text = before[name].pop(0)
            if not reads(text, told):
                yield name, " ".join(text.split()[-n_words:])
        elif not _is_typed(ledger.record, name, told, said.text):
            yield name, ""


def _is_typed(record: Record, name: str, told: str, text: str) -> bool:
    """Whether a number stands in a line that was typed over, its mark a number like others."""
    number = record.footnotes.index(name) + 1 if name in record.footnotes else 0
    place = text.find(f"{told}{number}")
    return place >= 0 and reads(text[: place + len(told)], told)


def _nearest(said: str, given: str) -> str:
    """Return the footnote next to the first change of a line; empty where it has none."""
    same = next((at for at, (one, other) in enumerate(zip_longest(said, given)) if one != other), 0)
    found = [(min(abs(mark.start() - same), abs(mark.end() - same)), mark[1])
             for mark in MARKS.finditer(given)]  # fmt: skip
    return min(found, default=(0, ""))[1]


Row = tuple[str, ...]


def _tables(ledger: Ledger, pairs: Sequence[tuple[Slide, Slide | None]], truth: Record) -> None:
    """Compare the tables row by row, wherever a row stands."""
    given: dict[str, dict[tuple[str, int], tuple[Row, Row]]] = {}
    for _, page in pairs:
        for grid in () if page is None else page.grids:
            rows = given.setdefault(grid.base, {})
            for row, ids in zip(grid.rows[1:], truth.cells.get(grid.name, ()), strict=True):
                told = _told(row, grid.base)
                rows.setdefault(_label(told, rows), (told, _told(tuple(ids), grid.base)))
    for slide, page in pairs:
        grids = {} if page is None else {grid.name: grid for grid in page.grids}
        found = {grid.name for grid in slide.grids}
        free = [grid for name, grid in grids.items() if name not in found]
        for grid in slide.grids:
            other = grids.get(grid.name) or (free.pop(0) if free else None)
            _table(ledger, slide, (grid, other), {} if other is None else given[other.base])
        for grid in free:
            for row in grid.rows:
                ledger.note(slide, grid.name, ("", as_text(row)))


def _label(row: Row, known: Mapping[tuple[str, int], Any]) -> tuple[str, int]:
    label = row[0] if row else ""
    return label, sum(1 for name, _ in known if name == label)


def _told(row: Row, table: str) -> Row:
    """Leave out what only refers to other places of the deck: they move with what else changed."""
    return row[1:4] if table == _FOOTNOTES else row


def _labelled(grid: Grid) -> dict[tuple[str, int], Row]:
    rows: dict[tuple[str, int], Row] = {}
    for row in grid.rows[1:]:
        told = _told(row, grid.base)
        rows[_label(told, rows)] = told
    return rows


def _table(
    ledger: Ledger, slide: Slide, pair: tuple[Grid, Grid | None],
    given: Mapping[tuple[str, int], tuple[Row, Row]],
) -> None:  # fmt: skip
    grid, other = pair
    if other is None:
        for row in grid.rows:
            ledger.note(slide, grid.name, (as_text(row), ""))
        return
    _row(ledger, slide, grid.name, (grid.rows[0] if grid.rows else (), other.rows[0], ()))
    kept = _labelled(grid)
    missing = [label for label in _labelled(other) if label not in kept]
    for label, row in kept.items():
        known = label if label in given else (missing.pop(0) if missing else None)
        if known is not None:
            _row(ledger, slide, grid.name, (row, *given[known]))
        elif row not in (each for each, _ in given.values()):
            ledger.note(slide, grid.name, (as_text(row), ""))
    for label in missing:
        _row(ledger, slide, grid.name, ((), *given[label]))


def _row(ledger: Ledger, slide: Slide, name: str, rows: tuple[Row, Row, Row]) -> None:
    """Compare a row cell by cell, with the ids of what it should be."""
    said, given, ids = rows
    within = as_text(said), as_text(given)
    noted = MARKS.findall(given[0]) if given and not any(ids) else []
    for cell, other, number in zip_longest(said, given, ids, fillvalue=""):
        if cell != other:
            found = number or next(iter(MARKS.findall(other) or noted), "") or name
            ledger.note(slide, found, (cell, other), within=within)
