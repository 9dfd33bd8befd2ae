"""The charts of a deck beside those that its workspace gives now."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from sla_sniper.outputs.deck_charts import place_in_book

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_sniper.outputs.deck_charts import Chart, Mark, Series
    from sla_sniper.outputs.deck_comparison import Ledger
    from sla_sniper.outputs.deck_reading import Slide
    from sla_sniper.outputs.deck_record import Record

_NEAR: Final = 1e-9
"""Relative difference of a drawn value that is rounding of the file, not another number."""


def compared_charts(
    ledger: Ledger, pairs: Sequence[tuple[Slide, Slide | None]], truth: Record
) -> None:
    """Compare every chart with that of its name: series, points, axes and the workbook behind it.

    Parameters
    ----------
    ledger : Ledger
        Where differences are noted.
    pairs : sequence of (Slide, Slide or None)
        The slides, each with its page as it is now.
    truth : Record
        Of the deck as it is now: which number a point is.
    """
    for slide, page in pairs:
        given = {} if page is None else {chart.name: chart for chart in page.charts}
        found = {chart.name for chart in slide.charts}
        free = [chart for name, chart in given.items() if name not in found]
        for chart in slide.charts:
            other = given.get(chart.name) or (free.pop(0) if free else None)
            if other is None:
                ledger.note(slide, chart.name, ("; ".join(chart.told()), ""))
            else:
                _chart(ledger, slide, (chart, other), _ids(other, truth))
        for chart in free:
            for name in dict.fromkeys(name for row in _ids(chart, truth) for name in row):
                within = ("", chart.series[0].name)
                ledger.note(slide, name, ("", ledger.told(name)), within=within)


def _ids(chart: Chart, truth: Record) -> list[list[str]]:
    """Ids of the points of every series; the ends of a band are parts of the line before them."""
    rows: list[list[str]] = []
    for ids in truth.points.get(chart.name, []):
        rows.append(ids or (rows[-1] if rows else []))
    return rows


def _chart(
    ledger: Ledger, slide: Slide, charts: tuple[Chart, Chart], ids: Sequence[Sequence[str]]
) -> None:
    said, given = charts
    for series, other, names in _series(said, given, ids):
        if series is None or other is None:
            before, now = (
                "" if each is None else f"series {each.name}" for each in (series, other)
            )
            ledger.note(slide, said.name, (before, now))
            continue
        if series.name != other.name:
            ledger.note(slide, said.name, (series.name, other.name))
        for mark, point, number in _marks(series, other, names):
            if not _is_same(mark, point):
                before, now = ("" if each is None else str(each) for each in (mark, point))
                within = ("" if mark is None else series.told(mark),
                          "" if point is None else other.told(point))  # fmt: skip
                ledger.note(slide, number or said.name, (before, now), within=within)
    more, less = (
        "; ".join(sorted(set(one.facts) - set(other.facts)))
        for one, other in ((said, given), (given, said))
    )
    if more or less:
        ledger.note(slide, said.name, (more, less))
    _book(ledger, slide, (said, given), ids)


def _book(
    ledger: Ledger, slide: Slide, charts: tuple[Chart, Chart], ids: Sequence[Sequence[str]]
) -> None:
    """Compare the cells of the workbook, which whoever edits the chart gets to see."""
    said, given = charts
    if said.book is None or given.book is None:
        return
    cells = _cells(given, ids)
    for place in sorted({*said.book, *given.book}):
        cell, other = said.book.get(place, ""), given.book.get(place, "")
        if cell != other and not _is_near_text(cell, other):
            before, now = (f"{place} {text}" if text else "" for text in (cell, other))
            ledger.note(slide, cells.get(place, said.name), (before, now))


def _series(
    said: Chart, given: Chart, ids: Sequence[Sequence[str]]
) -> Iterator[tuple[Series | None, Series | None, Sequence[str]]]:
    """Pair the series by name; those with a name of nobody's in their order."""
    known = {series.name: place for place, series in enumerate(given.series)}
    names = {series.name for series in said.series}
    free = [place for place, series in enumerate(given.series) if series.name not in names]
    taken: set[int] = set()
    for series in said.series:
        place = known.get(series.name, -1)
        if place < 0 or place in taken:
            place = free.pop(0) if free else -1
        taken.add(place)
        is_known = 0 <= place < len(given.series)
        yield (
            series,
            given.series[place] if is_known else None,
            ids[place] if is_known and place < len(ids) else [],
        )
    for place in free:
        yield None, given.series[place], ids[place] if place < len(ids) else []


def _marks(
    said: Series, given: Series, ids: Sequence[str]
) -> Iterator[tuple[Mark | None, Mark | None, str]]:
    """Pair the bars by their names, and points by their order."""
    names = [*ids, *("" for _ in given.marks)]
    named = list(zip(given.marks, names, strict=False))
    bars = {mark.label.rpartition("  ")[0]: (mark, name) for mark, name in named if mark.label}
    if len(bars) != len(given.marks):
        for mark, pair in zip_longest(said.marks, named):
            yield (mark, *(pair or (None, "")))
        return
    free = dict(bars)
    others = []
    for mark in said.marks:
        found = free.pop(mark.label.rpartition("  ")[0], None)
        if found is None:
            others.append(mark)
        else:
            yield (mark, *found)
    for mark, pair in zip_longest(others, free.values()):
        yield (mark, *(pair or (None, "")))


def _is_same(one: Mark | None, other: Mark | None) -> bool:
    if one is None or other is None:
        return False
    pairs = ((getattr(each, end) for each in (one, other)) for end in ("x", "value", "low", "high"))
    return one.label == other.label and all(_near(*pair) for pair in pairs)


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_NEAR, abs_tol=_NEAR)


def _is_near_text(one: str, other: str) -> bool:
    try:
        return _near(float(one), float(other))
    except ValueError:
        return False


def _cells(chart: Chart, ids: Sequence[Sequence[str]]) -> Mapping[str, str]:
    """Which number stands in which cell of the workbook."""
    return {
        place_in_book(series.column, series.row + at): name
        for series, names in zip(chart.series, ids, strict=False)
        for at, name in enumerate(names)
    }
