"""The report in its four formats, read back with other programs' eyes."""

from __future__ import annotations

import html.parser
import io
import itertools
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake import write_deltalake
from lxml import etree
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from sla_sniper.diagnosis import Association, Level, diagnose
from sla_sniper.outputs import fitting
from sla_sniper.outputs.html import as_html
from sla_sniper.outputs.markdown import as_markdown
from sla_sniper.outputs.pdf import as_pdf, values
from sla_sniper.outputs.slides import HEIGHT, WIDTH, as_slides, split
from sla_sniper.outputs.texts import MONEY
from sla_sniper.panels.document import Column, Document, Page, Table
from sla_sniper.panels.drawings import Bar, Bars, Heatmap, Line, Lines, Point, Range
from sla_sniper.panels.footnotes import Footnote, amount, share, words
from sla_sniper.panels.report import executive_report
from sla_sniper.stats import Interval
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.report import facts_of
from sla_sniper.usecases.verdicts import latest_backtest
from tests.functional.conftest import sniper, succeed

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 1, tzinfo=UTC)
EVIL = (
    "<script>alert(1)</script>",
    '=cmd("calc")',
    "\u202e\u05e9\u05dc\u05d5\u05dd",
    "🔥 vpn & 'mail'",
    "a\x00b",
)
POINT = 12_700


@pytest.fixture(scope="module")
def facts(backtested):
    desk = open_desk(backtested, asked=None, now=NOW)
    backtest = latest_backtest(desk.workspace.outputs)
    assert backtest is not None
    return facts_of(desk, backtest)


@pytest.fixture(scope="module")
def claimed(facts):
    return executive_report(replace(facts, policy="sniper", sentence="sniper saves more"))


@pytest.fixture(scope="module")
def closed(facts):
    rule = facts.rival
    return executive_report(
        replace(facts, policy=rule, sentence=f"no measurable advantage over {rule}", why="too few")
    )


@pytest.fixture(scope="module")
def hostile(facts):
    """The report of a desk whose names are attacks."""
    half = Interval(0.5, 0.4, 0.6)
    levels = tuple(Level(name, 10, 5, half, 0.2) for name in EVIL)
    found = Association(EVIL[0], is_mechanical=False, v=half, levels=levels)
    other = replace(found, dimension=EVIL[1])
    diagnosis = replace(facts.diagnosis, associations=(found, other))
    return executive_report(replace(facts, diagnosis=diagnosis))


def deck_of(document: Document):
    return Presentation(io.BytesIO(as_slides(document, replayed={})))


@pytest.fixture(scope="module")
def deck(claimed):
    return deck_of(claimed)


@pytest.fixture(scope="module")
def page(claimed):
    return as_html(claimed)


@pytest.fixture(scope="module")
def pdf(claimed):
    return as_pdf(claimed)


def shapes(deck, kind):
    return [shape for slide in deck.slides for shape in slide.shapes if getattr(shape, kind, False)]


def all_text(deck) -> str:
    parts = []
    for slide in deck.slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                parts.append(unraised(shape.text_frame))
            if getattr(shape, "has_table", False):
                parts += [unraised(cell.text_frame) for row in shape.table.rows
                          for cell in row.cells]  # fmt: skip
            if getattr(shape, "has_chart", False):
                parts += [str(label) for plot in shape.chart.plots for label in plot.categories]
    return "\n".join(parts)


def unraised(frame) -> str:
    """Text without the raised numbers of footnotes."""
    return broken_again(
        "\n".join(
            "".join(run.text for run in line.runs if not (run._r.rPr.get("baseline") or ""))
            for line in frame.paragraphs
        )
    )


def broken_again(text: str) -> str:
    """Text as it was before lines were kept from breaking within a number."""
    return text.replace("\xa0", " ").replace("\u2011", "-")


class _Page(html.parser.HTMLParser):
    """Text and tags of a page, without raised numbers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.parts: list[str] = []
        self.raised = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.raised += tag == "sup"

    def handle_endtag(self, tag):
        self.raised -= tag == "sup"

    def handle_data(self, data):
        self.parts += [] if self.raised else [data]

    @property
    def text(self) -> str:
        return "".join(self.parts)


@pytest.mark.parametrize("fmt", ["md", "html", "pdf", "pptx"])
def test_each_format_is_written_where_it_belongs(trained, fmt):
    facts = succeed("report", "--format", fmt, "-w", trained, "--json").json

    path = trained / "outputs" / f"executive_slides.{fmt}"
    assert facts["file"] == str(path)
    assert facts["format"] == fmt
    assert facts["figures"] > 100
    assert path.stat().st_size > 5_000


def test_two_runs_write_the_same_bytes(claimed, page, pdf):
    assert as_html(claimed) == page
    assert as_pdf(claimed) == pdf
    assert as_slides(claimed, replayed={"a": 1}) == as_slides(claimed, replayed={"a": 1})


def test_a_folder_that_cannot_be_written_is_one_line(trained, tmp_path):
    (tmp_path / "file").write_text("")

    outcome = sniper("report", "--format", "pptx", "--out", tmp_path / "file" / "a.pptx",
                     "-w", trained)  # fmt: skip

    assert outcome.code == 35
    assert outcome.err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("fmt", ["html", "pdf", "pptx"])
def test_every_format_needs_a_backtest_first(workspace, fmt):
    assert sniper("report", "--format", fmt, "-w", workspace).code == 37


def without_some_tickets(log: pl.DataFrame) -> pl.DataFrame:
    return log.filter(~pl.col("ticket_id").str.ends_with("7"))


def with_a_later_event(log: pl.DataFrame) -> pl.DataFrame:
    later = pl.col("occurred_at", "recorded_at") + pl.duration(days=90)
    return pl.concat([log, log.tail(1).with_columns(later, pl.lit("later").alias("event_id"))])


@pytest.mark.parametrize(("change", "code"), [(without_some_tickets, 37), (with_a_later_event, 0)])
def test_a_backtest_of_another_log_is_not_told(trained, change, code):
    events = trained / "tables" / "events"
    write_deltalake(str(events), change(pl.read_delta(str(events))), mode="overwrite")

    outcome = sniper("report", "-w", trained)

    assert outcome.code == code
    assert ("no backtest of the log as it is now" in outcome.err) is (code == 37)


def test_a_backtest_that_does_not_tell_its_log_is_refused(trained):
    path = trained / "outputs" / "backtest" / "summary.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({name: told[name] for name in told if name != "log"}))

    outcome = sniper("report", "-w", trained)

    assert outcome.code == 11
    assert "an older version wrote it" in outcome.err


def test_all_formats_print_the_same_figures(claimed, deck, page):
    texts = {"md": as_markdown(claimed), "html": _Page(page).text,
             "pptx": all_text(deck)}  # fmt: skip
    drawn = {figure.id for page in claimed.pages if isinstance(page.exhibit, (Bars, Lines))
             for figure in page.exhibit.figures()}  # fmt: skip
    told = {figure.text for figure in claimed.figures() if figure.id not in drawn}

    for name, text in texts.items():
        plain = broken_again(re.sub(r"\[\^\d+\]", "", text))
        assert [each for each in told if each not in plain] == [], name


def test_the_pdf_sets_the_same_figures(claimed):
    told = broken_again("\n".join(texts_in(values(claimed))))
    drawn = {figure.id for page in claimed.pages if isinstance(page.exhibit, (Bars, Lines))
             for figure in page.exhibit.figures()}  # fmt: skip

    figures = {figure.text for figure in claimed.figures() if figure.id not in drawn}
    assert [each for each in figures if each not in told] == []


def texts_in(value: object) -> list[str]:
    """Every text in nested values."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_in(each)]
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in texts_in(each)]
    return [value] if isinstance(value, str) else []


def test_every_footnote_leads_to_its_row(claimed, page):
    numbers = [number for number, _ in claimed.footnotes().values()]

    assert set(re.findall(r'href="#n(\d+)"', page)) == {str(number) for number in numbers}
    assert re.findall(r'id="n(\d+)"', page) == [str(number) for number in numbers]


def test_every_drawn_figure_is_in_the_data_of_its_chart(claimed, deck):
    figures = [
        (figure, isinstance(page.exhibit, Lines))
        for page in claimed.pages
        if isinstance(page.exhibit, (Bars, Lines))
        for figure in page.exhibit.figures()
    ]
    # A line has its interval as two lines beside it, a bar as its error bars.
    drawn = [value for figure, is_line in figures
             for value in (figure.value, *((figure.low, figure.high) if is_line else ()))
             if value is not None]  # fmt: skip
    values = [value for shape in shapes(deck, "has_chart") for plot in shape.chart.plots
              for series in plot.series if series.name not in {"assumed", "break-even"}
              for value in series.values]  # fmt: skip

    assert sorted(values) == pytest.approx(sorted(drawn), rel=1e-12)


def test_bars_are_native_with_their_labels_and_intervals(claimed, deck):
    page = next(p for p in claimed.pages if getattr(p.exhibit, "id", "") == "decision")
    chart = next(s.chart for s in shapes(deck, "has_chart") if s.name == "chart:decision")

    assert list(chart.plots[0].categories) == [row.told for row in reversed(page.exhibit.rows)]
    assert chart._chartSpace.findall(".//{*}errBars/{*}plus//{*}v")
    assert chart.part.chart_workbook.xlsx_part is not None


def test_tables_are_native(claimed, deck):
    found = {shape.name: shape.table for shape in shapes(deck, "has_table")}
    page = next(p for p in claimed.pages if getattr(p.exhibit, "id", "") == "proof")

    told = [[unraised(cell.text_frame) for cell in row.cells]
            for row in found["table:proof"].rows][1:]  # fmt: skip
    assert told == [[words((cell,)) for cell in row] for row in page.exhibit.rows]


def test_no_picture_stands_for_a_chart(deck):
    kinds = {shape.shape_type for slide in deck.slides for shape in slide.shapes}

    assert MSO_SHAPE_TYPE.PICTURE not in kinds


@pytest.mark.parametrize("name", ["claimed", "closed", "hostile"])
def test_nothing_overlaps_or_leaves_the_slide(request, name):
    for slide in deck_of(request.getfixturevalue(name)).slides:
        boxes = [(s.left, s.top, s.left + s.width, s.top + s.height, s.name) for s in slide.shapes]
        for left, top, right, bottom, shape in boxes:
            assert left >= 0, shape
            assert top >= 0, shape
            assert right <= WIDTH * POINT + 1, shape
            assert bottom <= HEIGHT * POINT, shape
        for one, two in itertools.combinations(boxes, 2):
            apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
            assert apart, (one, two)


@pytest.mark.parametrize("name", ["claimed", "closed", "hostile"])
def test_every_text_fits_into_its_box(request, name):
    for slide in deck_of(request.getfixturevalue(name)).slides:
        for shape in slide.shapes:
            if not shape.has_text_frame or shape.name == "page":
                continue
            size = max(run.font.size.pt for line in shape.text_frame.paragraphs
                       for run in line.runs)  # fmt: skip
            lines = [line.text for line in shape.text_frame.paragraphs]
            used = fitting.height(lines, size, shape.width.pt)
            assert used <= shape.height.pt + 1, (slide.shapes.title.text, shape.name)
            assert size >= 10


def test_every_slide_has_a_title_that_says_something(deck):
    titles = [slide.shapes.title.text for slide in deck.slides]

    assert all(len(title) > 8 for title in titles)
    assert 8 <= sum(not title.startswith("Appendix") for title in titles) <= 10


def test_every_amount_is_a_run_of_its_own(deck):
    runs = [broken_again(run.text) for slide in deck.slides for shape in slide.shapes
            if shape.has_text_frame for line in shape.text_frame.paragraphs
            for run in line.runs]  # fmt: skip

    money = [run for run in runs if MONEY.search(run)]
    assert money
    assert all(MONEY.fullmatch(run) for run in money)


@pytest.mark.parametrize("name", ["claimed", "closed"])
def test_money_never_stands_without_assumption_and_rival(request, facts, name):
    for page in request.getfixturevalue(name).pages:
        figures = tuple(page.figures())
        if not any(figure.footnote.unit == facts.currency for figure in figures):
            continue
        ids = {figure.footnote.id for figure in figures}
        told = " ".join(words(block.text) for block in (*page.sentences, *page.notes))
        assert ids & {"assumption.full", "assumption.brief", "prices"}, words(page.title)
        assert facts.rival in told, words(page.title)


def test_every_number_of_a_sentence_has_a_footnote(claimed):
    """Digits outside of figures are only names, levels of intervals and instants."""
    allowed = re.compile(r"95 %|20\d\d-\d\d-\d\dT\S+|\b0\.5\b|SHA-256|from 0|to 1\b|0 is|1 is")
    for page in claimed.pages:
        if page.is_appendix:
            continue
        for text in (page.title, *(block.text for block in (*page.sentences, *page.notes))):
            loose = "".join(span for span in text if isinstance(span, str))
            assert not re.search(r"\d", allowed.sub("", loose)), loose


def test_a_closed_gate_asks_for_nothing_and_says_so_in_titles(closed):
    titles = [words(page.title) for page in closed.pages]

    assert titles[0].startswith("The forecast shows no measurable advantage")
    assert "We ask for nothing on the forecast's account: a simple rule does as well" in titles
    assert "No advantage of the forecast is projected" in as_markdown(closed)
    assert not any("forecast saves" in title for title in titles)


def test_an_open_gate_asks_and_projects(claimed):
    titles = [words(page.title) for page in claimed.pages]

    assert any(title.startswith("We ask for 10 escalations a day") for title in titles)
    assert "Of that, against the simplest rival" in as_markdown(claimed)


def test_the_projection_is_a_range_that_holds_both_ranges(facts):
    page = next(p for p in executive_report(facts).pages if words(p.title).startswith("A year"))
    least, most = (figure.value for figure in page.figures() if figure.id in
                   {"year.least", "year.most"})  # fmt: skip

    known = [part for figure in page.exhibit.figures() if figure.row != "rival"
             for part in (figure.low, figure.high) if part is not None]  # fmt: skip
    assert (least, most) == (min(known), max(known))


def test_the_page_refers_to_nothing_outside(page):
    assert "http" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "@import" not in page
    assert "url(" not in page
    assert _Page(page).tags.count("svg") == 9


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_names_cannot_be_markup(hostile, render):
    assert "<script" not in render(hostile)
    assert "\u202e" not in render(hostile)
    assert "\x00" not in render(hostile)


def test_a_page_of_hostile_names_still_shows_them(hostile):
    page = _Page(as_html(hostile))

    assert "<script>alert(1)</script>" in page.text
    assert "script" not in page.tags


def test_a_pdf_of_hostile_names_has_every_page(hostile):
    assert n_pages(as_pdf(hostile)) >= len(hostile.pages) + 2


def test_each_page_begins_a_page_of_the_pdf(claimed, pdf):
    assert n_pages(pdf) >= len(claimed.pages) + 2


def n_pages(pdf: bytes) -> int:
    assert pdf.startswith(b"%PDF-")
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


EDGES = {
    "nothing decided": pl.DataFrame({"state": ["running"], "group": ["a"]}),
    "everything missed": pl.DataFrame({"state": ["missed"] * 9, "group": ["a", "b", "c"] * 3}),
    "nothing missed": pl.DataFrame({"state": ["met"] * 9, "group": ["a", "b", "c"] * 3}),
    "one value": pl.DataFrame({"state": ["met", "missed"] * 9, "group": ["a"] * 18}),
    "no property": pl.DataFrame({"state": ["met", "missed"] * 9}),
    "a month of three": pl.DataFrame(
        {
            "state": ["met", "missed", "met"] * 20,
            "group": ["a", "b", "a"] * 20,
            "applied_at": [NOW.replace(month=9 + (n > 2)) for n in range(60)],
        }
    ),
    "very many values": pl.DataFrame(
        {"state": ["met", "missed"] * 3000, "group": [f"group {n}" for n in range(6000)]}
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_diagnosis_at_the_edge_makes_a_deck(facts, name):
    document = executive_report(replace(facts, diagnosis=diagnose(EDGES[name], ["group"])))

    titles = [slide.shapes.title.text for slide in deck_of(document).slides]

    assert len(document.footnotes()) > 50
    assert all("nan" not in title.lower() for title in titles)
    assert "nan" not in re.findall(r"[a-z]+", as_markdown(document).lower())


def test_no_label_behind_a_chart_is_a_formula(hostile):
    with zipfile.ZipFile(io.BytesIO(as_slides(hostile, replayed={}))) as deck:
        books = [name for name in deck.namelist() if name.endswith(".xlsx")]
        told = ""
        for name in books:
            with zipfile.ZipFile(io.BytesIO(deck.read(name))) as book:
                sheet = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
                assert sheet.findall(".//{*}f") == []
                told += book.read("xl/sharedStrings.xml").decode()

    assert "=cmd(" in told


def test_a_long_table_goes_on_on_the_next_slide():
    note = Footnote("n", "N.", "tickets", "sniper check")
    rows = tuple((f"row {n}", share(note, {"estimate": n / 100}, row=str(n))) for n in range(90))
    page = Page(("Many rows",), (Table("many", (Column("Row"), Column("Share", note)), rows),))

    parts = list(split(page))
    deck = deck_of(Document("T", "2026-03-30T08:00:00+00:00", (page,)))

    assert len(parts) > 1
    assert [row for part in parts for row in part.exhibit.rows] == list(rows)
    assert deck.slides[1].shapes.title.text == "Many rows (continued)"


def test_a_heatmap_is_a_shaded_native_table():
    note = Footnote("n", "N.", "share", "sniper diagnose")
    one, two, three = (share(note, {"estimate": at}, row=str(at)) for at in (0.1, 0.9, 0.5))
    cells = ((one, None), (two, three))
    page = Page(("Where",), (Heatmap("h", "H", "x", "y", ("p", "q"), ("r", "s"), note, cells),))

    deck = deck_of(Document("T", "2026-03-30T08:00:00+00:00", (page,)))

    table = shapes(deck, "has_table")[0].table
    assert unraised(table.cell(2, 1).text_frame) == "90.0 %"
    assert str(table.cell(2, 1).fill.fore_color.rgb) == "0072B2"
    assert str(table.cell(1, 1).fill.fore_color.rgb) == "EAF4FA"
    assert table.cell(1, 2).text == ""


@pytest.mark.parametrize("is_step", [False, True])
def test_lines_are_native_with_their_band(is_step):
    note = Footnote("n", "N.", "USD", "sniper backtest")
    points = tuple(
        Point(float(x), amount(note, {"estimate": 2.0 * x, "low": x - 1.0, "high": 3.0 * x},
                               row=str(x)))
        for x in range(4)
    )  # fmt: skip
    lines = Lines("l", "L", "h", "USD", "number", "money", note,
                  (Line("one", "#0072b2", points),), "$", is_step=is_step)  # fmt: skip

    deck = deck_of(Document("T", "2026-03-30T08:00:00+00:00", (Page(("P",), (lines,)),)))

    value, low, high = shapes(deck, "has_chart")[0].chart.plots[0].series
    steps = [0.0, 0.0, 2.0, 2.0, 4.0, 4.0, 6.0]
    assert list(value.values) == (steps if is_step else [0.0, 2.0, 4.0, 6.0])
    assert (min(low.values), max(high.values)) == (-1.0, 9.0)


def test_a_named_range_is_a_native_line_behind_the_others():
    note = Footnote("n", "N.", "USD", "sniper backtest")
    points = tuple(Point(x, amount(note, {"estimate": 2.0 * x}, row=str(x))) for x in (0.0, 1.0))
    lines = Lines("l", "L", "h", "USD", "share", "money", note,
                  (Line("one", "#0072b2", points),), "$",
                  ranges=(Range("assumed", 0.3, 0.7),))  # fmt: skip

    deck = deck_of(Document("T", "2026-03-30T08:00:00+00:00", (Page(("P",), (lines,)),)))

    one, assumed = shapes(deck, "has_chart")[0].chart.plots[0].series
    assert list(one.values) == [0.0, 2.0]
    assert assumed.name == "assumed"
    assert [float(each.text) for each in assumed._element.findall(".//{*}xVal//{*}v")] == [
        0.3, 0.3, 0.3, 0.7, 0.7
    ]  # fmt: skip


def test_a_bar_without_interval_has_no_error_bar():
    note = Footnote("n", "N.", "USD", "sniper backtest")
    rows = (Bar("one", amount(note, {"estimate": 5.0}, row="one")),)
    page = Page(("P",), (Bars("b", "B", "USD", "money", note, rows, "$"),))

    deck = deck_of(Document("T", "2026-03-30T08:00:00+00:00", (page,)))

    assert not shapes(deck, "has_chart")[0].chart._chartSpace.findall(".//{*}errBars")
