"""Every way to change what a deck says that a hostile reader found, and what people may change."""

from __future__ import annotations

import copy
import io
import re
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime

import pytest
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml.ns import qn
from pptx.util import Pt

from sla_sniper.outputs.deck_comparison import Comparison, compare
from sla_sniper.outputs.deck_reading import BadDeckError, read_deck
from sla_sniper.outputs.slides import as_slides
from sla_sniper.panels.report import executive_report
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.report import facts_of
from sla_sniper.usecases.verdicts import latest_backtest

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 1, tzinfo=UTC)
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "606060000000050001a5f645400000000049454e44ae426082"
)
"""A picture of one point."""


@pytest.fixture(scope="module")
def report(backtested):
    desk = open_desk(backtested, asked=None, now=NOW)
    backtest = latest_backtest(desk.workspace.outputs)
    assert backtest is not None
    return executive_report(facts_of(desk, backtest))


@pytest.fixture(scope="module")
def made(report) -> bytes:
    return as_slides(report, replayed={"as_of": NOW.isoformat()})


@pytest.fixture(scope="module")
def verified(report, made):
    """Compare a changed deck with the report as it is."""
    fresh = read_deck(io.BytesIO(made))
    figures = {each.id: each for each in report.figures()}

    def run(blob: bytes) -> Comparison:
        return compare(read_deck(io.BytesIO(blob)), fresh, figures)

    return run


@pytest.fixture
def tampered(made, verified):
    def run(change) -> Comparison:
        deck = Presentation(io.BytesIO(made))
        change(deck)
        stream = io.BytesIO()
        deck.save(stream)
        return verified(stream.getvalue())

    return run


def shape(deck, name: str, *, slide: int = 0):
    """First shape of a name, or that of one slide."""
    return next(
        each for number, page in enumerate(deck.slides, start=1) for each in page.shapes
        if each.name == name and slide in {0, number}
    )  # fmt: skip


def chart(deck, name: str):
    return shape(deck, f"chart:{name}").chart


def cell(deck, table: str, row: int, column: int):
    return shape(deck, f"table:{table}").table.cell(row, column)


def retype(frame, old: str, new: str) -> None:
    """Replace within runs, so that every run keeps its look."""
    found = [run for line in frame.paragraphs for run in line.runs if old in run.text]
    assert found
    for run in found:
        run.text = run.text.replace(old, new)


def saved(deck):
    """The amount in the title of the slide that tells the saving, and the runs beside it."""
    for page in deck.slides:
        for each in page.shapes:
            if each.has_text_frame and each.name == "sentences":
                for line in each.text_frame.paragraphs:
                    runs = list(line.runs)
                    for place, run in enumerate(runs[:-1]):
                        if run.text.startswith("€") and is_mark(runs[place + 1]):
                            return runs[place : place + 3]
    raise AssertionError


def is_mark(run) -> bool:
    return run._r.rPr is not None and run._r.rPr.get("baseline") == "30000"


def before(sign: str):
    def change(deck):
        run = saved(deck)[0]
        run.text = sign + run.text

    return change


def inside(sign: str):
    def change(deck):
        run = saved(deck)[0]
        run.text = f"€9{sign}{run.text[1:]}"

    return change


def behind(text: str):
    def change(deck):
        run = saved(deck)[2]
        run.text = text + run.text

    return change


def not_raised(deck):
    saved(deck)[1]._r.rPr.set("baseline", "0")


def in_a_group(deck):
    slide = next(page for page in deck.slides for each in page.shapes if each.name == "caption")
    group = slide.shapes.add_group_shape()
    for each in [each for each in slide.shapes if each.name in {"caption", "sentences"}]:
        group._element.append(each._element)
    for each in [each for each in slide.shapes if each.name.startswith("chart:")]:
        group._element.append(each._element)


def changed_in_a_group(deck):
    before("9")(deck)
    for page in deck.slides:
        group = page.shapes.add_group_shape()
        for each in [each for each in page.shapes if each.name == "sentences"]:
            group._element.append(each._element)


def all_baselines_told(deck):
    for run in deck.slides[0].part.package.iter_parts():
        if hasattr(run, "_element"):
            for found in run._element.iter(qn("a:rPr")):
                if found.get("baseline") is None:
                    found.set("baseline", "0")


def first_of(path: str, name: str, text: str):
    def change(deck):
        chart(deck, name)._chartSpace.findall(path)[0].text = text

    return change


def each_of(path: str, name: str, **settings: str):
    def change(deck):
        found = chart(deck, name)._chartSpace.findall(path)
        assert found
        for each in found:
            for setting, value in settings.items():
                each.set(setting, value)

    return change


def taken_from(path: str, name: str):
    def change(deck):
        found = chart(deck, name)._chartSpace.findall(path)
        assert found
        for each in found:
            each.getparent().remove(each)

    return change


def halved_places(deck):
    for each in chart(deck, "break-even")._chartSpace.iterfind(".//{*}xVal//{*}v"):
        each.text = str(float(each.text) / 2)


def swapped_bars(deck):
    names = chart(deck, "decision")._chartSpace.findall(".//{*}cat//{*}v")
    first, last = (each.text.rpartition("  ") for each in (names[0], names[-1]))
    names[0].text = f"{last[0]}  {first[2]}"
    names[-1].text = f"{first[0]}  {last[2]}"


def swapped_lines(deck):
    found = chart(deck, "break-even")
    one, two, *_ = found._chartSpace.findall(".//{*}ser/{*}tx//{*}v")
    one.text, two.text = two.text, one.text


def axis_from(least: float):
    def change(deck):
        chart(deck, "compared").value_axis.minimum_scale = least

    return change


def axis_written(deck):
    labels = chart(deck, "compared").value_axis.tick_labels
    labels.number_format, labels.number_format_is_linked = '"€"#,##0",000"', False


def axis_titled(deck):
    chart(deck, "compared").value_axis.axis_title.text_frame.text = "Net saving, thousand EUR"


def display_units(deck):
    axis = chart(deck, "compared").value_axis._element
    units = etree.SubElement(etree.SubElement(axis, qn("c:dispUnits")), qn("c:builtInUnit"))
    units.set("val", "thousands")


def label_of_a_bar(deck):
    label = chart(deck, "compared").plots[0].series[0].points[0].data_label
    label.has_text_frame = True
    label.text_frame.text = "€99,999"


def format_of_labels(deck):
    plot = chart(deck, "compared").plots[0]
    plot.has_data_labels = True
    plot.data_labels.show_value = True
    plot.data_labels.number_format = '#,##0",000"'


def chart_of_somebody(deck):
    data = CategoryChartData()
    data.categories = ["saved"]
    data.add_series("saved", [9e6])
    deck.slides[6].shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, Pt(99), Pt(99), data)


def swapped_rows(deck):
    one, two = (cell(deck, "policies", row, 0).text_frame.paragraphs[0].runs[0] for row in (1, 3))
    one.text, two.text = two.text, one.text


def row_more(deck):
    table = shape(deck, "table:policies").table
    table._tbl.append(copy.deepcopy(table._tbl.tr_lst[2]))
    last = table.cell(len(table.rows) - 1, 4)
    last.text_frame.paragraphs[0].runs[0].text = "€999,999"


def row_less(deck):
    table = shape(deck, "table:policies").table
    table._tbl.remove(table._tbl.tr_lst[2])


def rows_in_another_order(deck):
    table = shape(deck, "table:policies").table
    table._tbl.append(table._tbl.tr_lst[2])


def in_cell(table: str, row: int, column: int, text: str):
    def change(deck):
        cell(deck, table, row, column).text_frame.paragraphs[0].runs[0].text = text

    return change


def in_shape(name: str, old: str, new: str):
    def change(deck):
        frames = [each.text_frame for page in deck.slides for each in page.shapes
                  if each.name == name and old in each.text_frame.text]  # fmt: skip
        assert frames
        retype(frames[0], old, new)

    return change


def sentence_more(text: str):
    def change(deck):
        shape(deck, "sentences").text_frame.add_paragraph().text = text

    return change


def spoken(old: str, new: str):
    def change(deck):
        frame = next(
            page.notes_slide.notes_text_frame for page in deck.slides
            if old in page.notes_slide.notes_text_frame.text
        )  # fmt: skip
        retype(frame, old, new)

    return change


def spoken_more(text: str):
    def change(deck):
        deck.slides[6].notes_slide.notes_text_frame.add_paragraph().text = text

    return change


def title_typed_over(deck):
    title = shape(deck, "title", slide=7)
    title.text_frame.text = "The forecast saves €9,000 more than the best simple rule"


def title_typed_over_beside_a_copy(deck):
    told = shape(deck, "title", slide=7).text_frame.text
    title_typed_over(deck)
    deck.slides[6].shapes.add_textbox(0, 0, 100, 100).text_frame.text = told


def text_on_the_layout(deck):
    box = copy.deepcopy(shape(deck, "foot")._element)
    deck.slide_layouts[0].shapes._spTree.append(box)
    next(box.iter(qn("a:t"))).text = "all amounts in thousands"


def slide_more(text: str):
    def change(deck):
        page = deck.slides.add_slide(deck.slide_layouts[0])
        page.shapes.title.text_frame.text = text

    return change


def cell_behind_a_chart(made: bytes, pattern: bytes, new: bytes) -> bytes:
    """Change the workbook of the first chart that has such a cell, and nothing else."""
    stream, is_changed = io.BytesIO(), False
    with (
        zipfile.ZipFile(io.BytesIO(made)) as given,
        zipfile.ZipFile(stream, "w") as deck,
    ):
        for name in given.namelist():
            part = given.read(name)
            if name.endswith(".xlsx") and not is_changed:
                book = io.BytesIO()
                with zipfile.ZipFile(io.BytesIO(part)) as old, zipfile.ZipFile(book, "w") as put:
                    for each in old.namelist():
                        told = old.read(each)
                        if each == "xl/worksheets/sheet1.xml":
                            other = re.sub(pattern, new, told, count=1)
                            is_changed, told = other != told, other
                        put.writestr(each, told)
                part = book.getvalue()
            deck.writestr(name, part)
    assert is_changed
    return stream.getvalue()


FALSE = [
    pytest.param(before("\u2212"), "catchable.cost", id="minus before an amount"),
    pytest.param(before("\u2013"), "catchable.cost", id="dash before an amount"),
    pytest.param(before("-"), "catchable.cost", id="hyphen before an amount"),
    pytest.param(inside("'"), "catchable.cost", id="apostrophe for thousands"),
    pytest.param(inside("\u202f"), "catchable.cost", id="narrow space for thousands"),
    pytest.param(behind(" million"), "catchable.cost", id="million behind an amount"),
    pytest.param(behind(",000"), "catchable.cost", id="zeros behind an amount"),
    pytest.param(behind(" not"), "catchable.cost", id="not behind an amount"),
    pytest.param(not_raised, "catchable.cost", id="number of a footnote made large"),
    pytest.param(changed_in_a_group, "catchable.cost", id="changed inside a group"),
    pytest.param(title_typed_over, "", id="title typed over"),
    pytest.param(title_typed_over_beside_a_copy, "", id="title typed over beside a copy"),
    pytest.param(sentence_more("It saves €9,000,000 a year."), "sentences", id="sentence added"),
    pytest.param(sentence_more("It saves millions a year."), "sentences", id="words added"),
    pytest.param(text_on_the_layout, "foot", id="text on the layout"),
    pytest.param(slide_more("It saves €9,000,000"), "Title 1", id="slide added"),
    pytest.param(in_shape("foot", "as of 2025", "as of 2024"), "foot", id="instant in the foot"),
    pytest.param(in_shape("notes", "95\xa0%", "50 %"), "", id="level of the intervals"),
    pytest.param(in_shape("caption", "95\xa0%", "50 %"), "", id="level in a caption"),
    pytest.param(spoken("saved", "9,000,000 saved"), "", id="title in the notes"),
    pytest.param(spoken("Net saving", "Thousands"), "", id="definition in the notes"),
    pytest.param(spoken_more("That is €9,000,000."), "speaker notes", id="amount in the notes"),
    pytest.param(in_cell("policies", 1, 4, "€1"), "policies.net.", id="amount in a cell"),
    pytest.param(in_cell("policies", 2, 0, "magic"), "table:policies", id="name in a cell"),
    pytest.param(in_cell("policies", 0, 4, "Net saving a week"), "policies.net", id="head"),
    pytest.param(in_cell("swings", 1, 0, "Share: 0.1 to 0.9"), "table:swings", id="range"),
    pytest.param(in_cell("footnotes", 2, 2, "Something else."), "", id="definition of a footnote"),
    pytest.param(in_cell("footnotes", 2, 3, "thousand EUR"), "", id="unit of a footnote"),
    pytest.param(swapped_rows, "policies.", id="names of rows swapped"),
    pytest.param(row_more, "table:policies", id="row added"),
    pytest.param(row_less, "policies.", id="row taken out"),
    pytest.param(
        first_of(".//{*}val//{*}v", "compared", "65000"), "compared.", id="value of a bar"
    ),
    pytest.param(
        first_of(".//{*}errBars//{*}pt/{*}v", "compared", "1"), "compared.", id="error bar"
    ),
    pytest.param(taken_from(".//{*}errBars", "compared"), "compared.", id="error bars gone"),
    pytest.param(
        each_of(".//{*}errValType", "compared", val="percentage"), "compared.", id="error bars of %"
    ),
    pytest.param(
        each_of(".//{*}errBarType", "compared", val="plus"), "compared.", id="half error bars"
    ),
    pytest.param(swapped_bars, "decision.", id="names of bars swapped"),
    pytest.param(
        first_of(".//{*}cat//{*}v", "compared", "difference  €9"), "compared.", id="name of a bar"
    ),
    pytest.param(swapped_lines, "hinges.curve.", id="names of lines swapped"),
    pytest.param(halved_places, "hinges.curve.", id="places of a line"),
    pytest.param(axis_from(3000), "chart:compared", id="axis cut"),
    pytest.param(axis_written, "chart:compared", id="format of an axis"),
    pytest.param(axis_titled, "chart:compared", id="title of an axis"),
    pytest.param(display_units, "chart:compared", id="display units"),
    pytest.param(label_of_a_bar, "chart:compared", id="label of a bar"),
    pytest.param(format_of_labels, "chart:compared", id="format of labels"),
    pytest.param(
        each_of(".//{*}grouping", "compared", val="percentStacked"), "chart:compared", id="stacked"
    ),
    pytest.param(chart_of_somebody, "Chart", id="chart added"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name"), FALSE)
def test_what_was_changed_is_named(tampered, change, name):
    found = tampered(change).differences

    assert found
    assert any(each.id.startswith(name) for each in found), found
    assert {each.cause for each in found} == {"deck"}


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        pytest.param(rb"(<c r=\"B3\"[^>]*><v>)[^<]+", rb"\g<1>932650", id="amount"),
        pytest.param(
            rb"</sheetData>",
            rb'<row r="90"><c r="D90"><v>9000000</v></c></row></sheetData>',
            id="cell added",
        ),
    ],
)
def test_a_workbook_behind_a_chart_is_read(made, verified, pattern, new):
    found = verified(cell_behind_a_chart(made, pattern, new)).differences

    assert [each.cause for each in found] == ["deck"]


def no_change(_deck):
    """Leave a deck as it is, but for saving it."""


def moved_and_dressed(deck):
    for page in deck.slides:
        for each in page.shapes:
            each.left, each.width = each.left + Pt(5), each.width - Pt(5)
            if each.has_text_frame:
                for line in each.text_frame.paragraphs:
                    for run in line.runs:
                        run.font.bold, run.font.size = True, Pt(9)


def slides_in_another_order(deck):
    slides = deck.slides._sldIdLst
    slides.insert(0, slides[5])


def text_in_more_runs(deck):
    """A presentation program cuts runs wherever a spelling is checked."""
    for run in saved(deck)[:1]:
        other = copy.deepcopy(run._r)
        run._r.addnext(other)
        run.text, next(other.iter(qn("a:t"))).text = run.text[:2], run.text[2:]


def copy_of_a_slide(deck):
    """Copy the shapes of a slide that has no chart into a new one."""
    page = deck.slides.add_slide(deck.slide_layouts[0])
    for each in list(page.shapes):
        each._element.getparent().remove(each._element)
    for each in deck.slides[0].shapes:
        page.shapes._spTree.append(copy.deepcopy(each._element))


def notes_gone(deck):
    for page in deck.slides:
        page.notes_slide.notes_text_frame.text = ""


@pytest.mark.parametrize(
    "change",
    [no_change, in_a_group, all_baselines_told, moved_and_dressed, slides_in_another_order,
     rows_in_another_order, text_in_more_runs, copy_of_a_slide, notes_gone],
)  # fmt: skip
def test_what_people_may_change_holds(tampered, change):
    found = tampered(change)

    assert found.differences == ()
    assert found.edits == ()
    assert found.left_out == frozenset()
    assert found.n_unread == 0


def test_a_slide_that_was_deleted_is_left_out(tampered):
    def change(deck):
        slides = deck.slides._sldIdLst
        deck.part.drop_rel(slides[6].rId)
        slides.remove(slides[6])

    found = tampered(change)

    assert found.differences == ()
    assert any(name.startswith("compared.") for name in found.left_out)


@pytest.mark.parametrize(
    "change",
    [sentence_more("Thank you for reading."), slide_more("Questions"),
     spoken_more("Pause here."), in_shape("sentences", "cannot", "can not")],
    ids=["sentence", "slide", "notes", "edited"],
)  # fmt: skip
def test_words_without_a_number_are_told_as_edited(tampered, change):
    found = tampered(change)

    assert found.differences == ()
    assert len(found.edits) == 1


def without_the_part(deck):
    for name, relation in deck.part.rels.items():
        if relation.reltype == RELATIONSHIP_TYPE.CUSTOM_XML:
            deck.part.rels.pop(name)
            return


def test_a_deck_without_the_part_of_its_record_holds(tampered):
    assert tampered(without_the_part).differences == ()


def test_a_deck_without_any_record_is_refused(tampered):
    def change(deck):
        without_the_part(deck)
        rels = deck.part.package._rels
        (found,) = [name for name, each in rels.items()
                    if each.reltype == RELATIONSHIP_TYPE.CUSTOM_PROPERTIES]  # fmt: skip
        rels.pop(found)

    with pytest.raises(BadDeckError, match="its record is gone"):
        tampered(change)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(
    ("change", "is_same"), [(no_change, True), (before("9"), False), (axis_from(3000), False)]
)
def test_a_deck_that_libreoffice_saved_is_verified(made, verified, tmp_path, change, is_same):
    deck = Presentation(io.BytesIO(made))
    change(deck)
    deck.save(str(tmp_path / "deck.pptx"))

    subprocess.run(
        ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless",
         "--convert-to", "pptx", "--outdir", tmp_path / "saved", tmp_path / "deck.pptx"],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    found = verified((tmp_path / "saved" / "deck.pptx").read_bytes())

    assert (found.differences == ()) is is_same, found.differences


def test_a_picture_is_counted(tampered):
    found = tampered(lambda deck: deck.slides[0].shapes.add_picture(io.BytesIO(DOT), 0, 0))

    assert found.differences == ()
    assert found.n_unread == 1


def test_a_line_in_which_another_number_differs_names_that_one_alone(tampered):
    found = tampered(before("9")).differences

    assert [each.id for each in found] == [found[0].id]
    assert found[0].recomputed.startswith("€")
    assert found[0].printed == f"9{found[0].recomputed}"
