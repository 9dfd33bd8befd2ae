"""The report as a value: footnotes, pages, drawings."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from sla_sniper.outputs import fitting
from sla_sniper.outputs.html import as_html
from sla_sniper.outputs.markdown import as_markdown
from sla_sniper.outputs.pictures import as_svg
from sla_sniper.panels import theme
from sla_sniper.panels.document import Column, Document, Note, Page, Sentence, Table
from sla_sniper.panels.drawings import (
    Bar,
    Bars,
    Heatmap,
    Line,
    Lines,
    Point,
    shade,
    step_of,
    values_of,
)
from sla_sniper.panels.footnotes import (
    Code,
    Figure,
    Footnote,
    amount,
    figures_of,
    hours,
    ratio,
    share,
)

NOTE = Footnote("saving", "What is saved.", "USD", "sniper backtest --json")
RATE = Footnote("rate", "What is missed.", "share", "sniper diagnose --json")


def bars(*triples: tuple[float, float | None, float | None]) -> Bars:
    rows = [
        Bar(
            f"bar {place}", amount(NOTE, {"estimate": at, "low": low, "high": high}, row=str(place))
        )
        for place, (at, low, high) in enumerate(triples)
    ]
    return Bars("bars", "Bars", "USD", "money", NOTE, tuple(rows), "$")


def document(*pages: Page) -> Document:
    return Document("Report", "2026-03-30T08:00:00+00:00", pages)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ({"estimate": 900.4, "low": 75.0, "high": 1700.0}, "$900 [$75, $1,700]"),
        ({"estimate": -900.0}, "-$900"),
        ({"estimate": 900.0, "low": None, "high": None}, "$900 (too few days for an interval)"),
        ({"estimate": None, "low": None, "high": None}, "-"),
    ],
    ids=["interval", "without", "too few days", "undefined"],
)
def test_an_amount_is_printed_with_its_interval(interval, text):
    assert amount(NOTE, interval).text == text


def test_a_share_without_interval_prints_none():
    assert share(RATE, {"estimate": 0.6321}).text == "63.2 %"


def test_a_signed_difference_keeps_its_sign_everywhere():
    told = ratio(RATE, {"estimate": 0.05, "low": 0.01, "high": 0.09}, sign="+")

    assert told.text == "+0.050 [+0.010, +0.090]"


@pytest.mark.parametrize("low", [75.0, None])
def test_the_estimate_is_the_text_without_its_interval(low):
    assert amount(NOTE, {"estimate": 900.0, "low": low, "high": 1700.0}).estimate == "$900"


def test_a_figure_of_a_row_has_an_id_of_its_own():
    assert amount(NOTE, {"estimate": 1.0}, row="edf").id == "saving.edf"


def test_a_figure_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        amount(NOTE, {"estimate": 1.0}).text = "$2"  # type: ignore[misc]


def test_footnotes_are_numbered_as_they_appear():
    rate, saved = share(RATE, {"estimate": 0.5}), amount(NOTE, {"estimate": 1.0})
    told = document(Page(("Half: ", rate), (Sentence((saved, " and ", rate)),)))

    assert [(name, n) for name, (n, _) in told.footnotes().items()] == [("rate", 1), ("saving", 2)]


def test_one_id_with_two_meanings_is_refused():
    other = Footnote("rate", "Something else.", "share", "sniper check")
    told = document(Page((share(RATE, {"estimate": 0.5}), share(other, {"estimate": 0.5})), ()))

    with pytest.raises(ValueError, match="rate"):
        told.footnotes()


def test_one_number_printed_in_two_ways_is_refused():
    told = document(Page((share(RATE, {"estimate": 0.5}), share(RATE, {"estimate": 0.4})), ()))

    with pytest.raises(ValueError, match="two ways"):
        told.footnotes()


def test_a_page_has_room_for_one_exhibit():
    with pytest.raises(ValueError, match="one table or chart"):
        Page(("Two",), (bars((1.0, None, None)), Table("t", (Column("A"),), (("x",),))))


def test_a_row_with_too_few_cells_is_refused():
    with pytest.raises(ValueError, match="2 cells"):
        Table("t", (Column("A"), Column("B")), (("x",),))


def test_commands_get_letters_in_order_of_appearance():
    told = document(Page((share(RATE, {"estimate": 0.5}), amount(NOTE, {"estimate": 1.0})), ()))

    assert told.commands() == {"sniper diagnose --json": "A", "sniper backtest --json": "B"}


@pytest.mark.parametrize(
    "triples",
    [
        [(32_650.0, 28_276.0, 37_137.0)],
        [(-400.0, -1218.0, 218.0), (0.0, None, None)],
        [(0.0, 0.0, 0.0)],
        [(1e-12, None, None)],
    ],
)
def test_no_interval_is_cut_at_the_end_of_an_axis(triples):
    least, most = values_of(bars(*triples)).ends
    known = [part for triple in triples for part in triple if part is not None]

    assert least <= min(known)
    assert max(known) <= most
    assert least <= 0 <= most
    assert least < most


def test_ticks_begin_at_zero():
    axis = values_of(bars((100.0, -2100.0, 67_000.0)))

    assert 0.0 in axis.ticks
    assert (axis.ticks[0], axis.ticks[-1]) == axis.ends


def test_a_widened_axis_keeps_the_step_it_was_made_with():
    axis = values_of(bars((99.0, -1.0, 99.0)))

    assert step_of((-1.0, 99.0)) != step_of(axis.ends)
    assert axis.ticks == (-20.0, 0.0, 20.0, 40.0, 60.0, 80.0, 100.0)


def test_what_is_too_near_to_zero_moves_no_axis():
    assert values_of(bars((80.0, -0.05, 82.0))).ends[0] == 0.0


@pytest.mark.parametrize(("step_ends", "decimals"), [((0.0, 0.4), 1), ((0.0, 600.0), 0)])
def test_ticks_have_the_decimals_that_tell_them_apart(step_ends, decimals):
    drawn = Bars("b", "B", "h", "number", NOTE,
                 (Bar("one", ratio(NOTE, {"estimate": step_ends[1]}, row="1")),))  # fmt: skip
    axis = values_of(drawn)

    assert axis.decimals == decimals
    ticks = drawn.chart().to_dict()["layer"][0]["encoding"]["x"]["axis"]
    assert ticks == {"values": list(axis.ticks), "format": f",.{decimals}f"}


def test_money_on_an_axis_has_its_sign_before_the_currency():
    ticks = bars((1.0, -20_000.0, 2.0)).chart().to_dict()["layer"][0]["encoding"]["x"]["axis"]

    assert ticks["labelExpr"] == (
        "(datum.value < 0 ? '-' : '') + '$' + format(abs(datum.value), ',.0f')"
    )


def test_no_number_is_a_negative_zero():
    told = {"estimate": -0.0, "low": -0.00001, "high": 0.0}

    assert [write(RATE, told).text for write in (share, ratio, hours)] == [
        "0.0 % [0.0 %, 0.0 %]", "0.000 [0.000, 0.000]", "0.0 h [0.0 h, 0.0 h]"
    ]  # fmt: skip


@pytest.mark.parametrize("part", [n / 20 for n in range(21)])
def test_every_cell_of_a_heatmap_can_be_read(part):
    ground, ink = shade(part, 0.0, 1.0)

    assert contrast(ground, ink) >= 4.5


def test_a_heatmap_of_equal_values_is_light():
    assert shade(0.4, 0.4, 0.4) == shade(0.0, 0.0, 1.0)


def contrast(first: str, second: str) -> float:
    """Contrast by WCAG 2.2."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
              for part in parts]  # fmt: skip
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_band_is_drawn_where_intervals_are_known():
    def drawn(low: float | None) -> list[str]:
        points = [
            Point(x, share(RATE, {"estimate": 0.5, "low": low, "high": 0.6}, row=str(x)))
            for x in (0.0, 1.0)
        ]
        lines = Lines("l", "L", "h", "share", "number", "share", RATE,
                      (Line("one", "#0072b2", tuple(points)),), is_step=True)  # fmt: skip
        return [layer["mark"]["type"] for layer in lines.chart().to_dict()["layer"]]

    assert drawn(0.4) == ["area", "line", "text", "text"]
    assert drawn(None) == ["line", "text", "text"]


def test_an_interval_is_visible_on_a_bar_of_its_own_colour():
    layers = bars((900.0, 75.0, 1700.0)).chart().to_dict()["layer"]

    marks = [layer["mark"] for layer in layers[1:]]
    assert [mark["color"] for mark in marks] == [theme.GROUND, theme.INK]
    assert marks[0]["strokeWidth"] > marks[1]["strokeWidth"] + 1


def test_names_of_two_lines_stand_on_either_side_of_them():
    two = [
        Line(name, "#0072b2", tuple(
            Point(x, share(RATE, {"estimate": top * x}, row=f"{name}{x}")) for x in (0.0, 1.0)
        ))
        for name, top in (("upper", 0.9), ("lower", 0.8))
    ]  # fmt: skip
    lines = Lines("l", "L", "h", "share", "number", "share", RATE, tuple(two))

    marks = [layer["mark"] for layer in lines.chart().to_dict()["layer"]
             if layer["mark"]["type"] == "text"]  # fmt: skip
    assert [mark["baseline"] for mark in marks] == ["bottom"] * 2 + ["top"] * 2
    assert [mark.get("stroke") for mark in marks] == [theme.GROUND, None] * 2


def test_a_heatmap_draws_only_what_is_known():
    known = share(RATE, {"estimate": 0.5}, row="a")
    heatmap = Heatmap("h", "H", "x", "y", ("=cmd()", "b"), ("r",), RATE, ((known, None),))

    drawn = heatmap.chart().to_dict()

    assert heatmap.figures() == (known,)
    assert len(drawn["datasets"][drawn["data"]["name"]]) == 1
    assert drawn["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 1]


def test_markdown_keeps_names_from_becoming_markup():
    name = "<script>|`x`](http://a.example)"
    told = document(Page((name,), (Table("t", (Column("A"),), ((name,),)),)))

    text = as_markdown(told)

    assert "<script>" not in text
    assert "](http" not in text
    assert r"\|" in text


def test_markdown_writes_a_heatmap_and_lines_as_tables():
    cell = share(RATE, {"estimate": 0.5}, row="a")
    line = Line("one", "#0072b2", (Point(0.1, amount(NOTE, {"estimate": 7.0}, row="0")),))
    lines = Lines("l", "L", "Share", "USD", "share", "money", NOTE, (line,), "$")
    heatmap = Heatmap("h", "H", "x", "y", ("c",), ("r",), RATE, ((cell,),))

    text = as_markdown(document(Page(("One",), (heatmap,)), Page(("Two",), (lines,))))

    assert "| r | 50.0 % |" in text
    assert "| 10% | $7 |" in text


def test_markdown_writes_a_share_between_whole_per_cents():
    points = tuple(Point(at, amount(NOTE, {"estimate": 7.0}, row=f"{at}")) for at in (0.03, 0.031))
    lines = Lines("l", "L", "Share", "USD", "share", "money", NOTE,
                  (Line("one", "#0072b2", points),), "$")  # fmt: skip

    text = as_markdown(document(Page(("Two",), (lines,))))

    assert "| 3% | $7 |" in text
    assert "| 3.1% | $7 |" in text


def test_every_footnote_is_told_once_in_markdown():
    told = document(Page(("A ", share(RATE, {"estimate": 0.5})), (Note((Code("x"), ".")),)))

    text = as_markdown(told)

    assert text.count("[^1]: ") == 1
    assert "50.0 %[^1]" in text
    assert "`sniper diagnose --json`" in text


def height_of(svg: str) -> int:
    return int(re.findall(r'height="(\d+)"', svg)[0])


def test_a_picture_fills_its_page_but_a_bar_does_not():
    few, many = bars((1.0, 0.5, 2.0)), bars(*[(1.0, 0.5, 2.0)] * 12)

    assert height_of(as_svg(few, tall=440)) == height_of(as_svg(few))
    assert height_of(as_svg(many, tall=440)) >= 440 > height_of(as_svg(many)) - 60


def test_what_is_wider_than_a_phone_scrolls_within_its_page():
    table = Table("t", (Column("A"), Column("B")), (("x", "y"),))
    text = as_html(document(Page(("One",), (bars((1.0, 0.5, 2.0)),)), Page(("Two",), (table,))))

    exhibits = text.count("<table") + text.count("<svg")
    assert exhibits == 3
    assert len(re.findall(r'<div class="wide" tabindex="0"><(?:table|svg)', text)) == exhibits


def test_figures_of_a_text_come_in_order():
    first, second = share(RATE, {"estimate": 0.5}), amount(NOTE, {"estimate": 1.0})

    assert figures_of((first, " of ", Code("x"), second)) == (first, second)


@pytest.mark.parametrize("room", [60.0, 100.0, 300.0])
def test_a_longer_text_never_takes_less_room(room):
    text = "Escalating by priority_edf would have saved $31,750 in 21 days of a_very_long_name"
    heights = [fitting.height([text[:end]], 12, room) for end in range(len(text))]

    assert heights == sorted(heights)


def test_the_largest_size_that_fits_is_chosen():
    assert fitting.largest(["short"], (10, 20, 30), (300, 40)) == 30
    assert fitting.largest(["long " * 200], (10, 20, 30), (300, 40)) == 10


def test_a_figure_without_value_is_no_bar():
    nothing = Bar("none", Figure(NOTE, "-", row="x"))
    drawn = Bars("b", "B", "USD", "money", NOTE, (nothing, *bars((1.0, 0.5, 2.0)).rows), "$")

    told = drawn.chart().to_dict()
    assert len(told["datasets"][told["data"]["name"]]) == 1
