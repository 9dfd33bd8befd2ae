"""Every number of a deck, recomputed from the log; what was changed is named."""

from __future__ import annotations

import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from pptx import Presentation

from sla_sniper.usecases import verify
from sla_sniper.usecases.backtest import replay_desk
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.fingerprint import log_facts

from .conftest import fingerprint, sniper, succeed

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(backtested, tmp_path_factory) -> Path:
    """A workspace with a deck in its outputs."""
    folder = shutil.copytree(backtested, tmp_path_factory.mktemp("made") / "desk")
    succeed("report", "--format", "pptx", "-w", folder)
    return folder


@pytest.fixture
def desk(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "desk")


@pytest.fixture
def replayed_once(monkeypatch, made):
    """Replay only once for all tests that change nothing but the deck."""

    def replay(desk, plan):
        if "report" not in _KEPT:
            _KEPT["report"] = replay_desk(desk, plan)
        return _KEPT["report"]

    monkeypatch.setattr(verify, "replay_desk", replay)


_KEPT: dict[str, object] = {}


def deck_in(folder: Path) -> Path:
    return folder / "outputs" / "executive_slides.pptx"


def rewrite(folder: Path, change) -> Path:
    """Change a deck and save it as a presentation program would."""
    path = deck_in(folder)
    deck = Presentation(str(path))
    change(deck)
    deck.save(str(path))
    return path


def runs(deck):
    return [run for slide in deck.slides for shape in slide.shapes if shape.has_text_frame
            for line in shape.text_frame.paragraphs for run in line.runs]  # fmt: skip


def charts(deck):
    return [shape.chart for slide in deck.slides for shape in slide.shapes
            if getattr(shape, "has_chart", False)]  # fmt: skip


def tables(deck):
    return {shape.name: shape.table for slide in deck.slides for shape in slide.shapes
            if getattr(shape, "has_table", False)}  # fmt: skip


def differing(outcome) -> dict[str, dict[str, object]]:
    return {each["id"]: each for each in outcome.json["differences"]}


def check(folder: Path):
    return sniper("verify", deck_in(folder), "-w", folder, "--json")


def test_a_fresh_deck_holds_and_nothing_is_written(desk):
    before = fingerprint(desk)

    outcome = sniper("verify", deck_in(desk), "-w", desk, "--json")

    assert outcome.code == 0, outcome.err
    assert outcome.json["holds"] is True
    assert outcome.json["schema"] == "sniper.verify/1"
    assert outcome.json["checked"] > 150
    assert outcome.json["left_out"] == 0
    assert fingerprint(desk) == before


def test_the_kept_backtest_is_not_believed(desk):
    shutil.rmtree(desk / "outputs" / "backtest")

    assert check(desk).code == 0


@pytest.mark.usefixtures("replayed_once")
def test_a_changed_amount_is_named(desk):
    def change(deck):
        first = next(run for run in runs(deck) if run.text.startswith("€"))
        first.text = "€99,999"

    rewrite(desk, change)

    outcome = check(desk)

    assert outcome.code == 29
    (found,) = outcome.json["differences"]
    assert found["id"] == "saving.short"
    assert found["slide"] == 1
    assert found["cause"] == "deck"
    assert found["printed"] == "€99,999"
    assert found["recomputed"].startswith("€")
    assert "1 of " in outcome.err
    assert "saving.short" in outcome.err


@pytest.mark.usefixtures("replayed_once")
def test_a_digit_put_before_a_number_is_named(desk):
    def change(deck):
        part = next(run for run in runs(deck) if "\xa0%" in run.text and run.text[0].isdigit())
        part.text = f"1{part.text}"

    rewrite(desk, change)

    assert check(desk).code == 29


@pytest.mark.usefixtures("replayed_once")
def test_an_interval_that_was_changed_is_named(desk):
    def change(deck):
        amounts = [run for run in runs(deck) if run.text.startswith("€")]
        after = next(n for n, run in enumerate(amounts) if run.text != amounts[0].text) + 1
        amounts[after].text = "€1"

    rewrite(desk, change)

    assert check(desk).code == 29


@pytest.mark.usefixtures("replayed_once")
def test_a_line_that_was_typed_over_is_read_all_the_same(desk):
    """Typed over, a line loses its runs and raised numbers: only what changed is named."""

    def change(deck):
        frame = next(s for s in deck.slides[6].shapes if s.name == "sentences").text_frame
        line = frame.paragraphs[0]
        line.text = line.text.replace("€", "€9", 1)

    rewrite(desk, change)

    found = differing(check(desk))
    assert len(found) == 1
    assert next(iter(found)).startswith("saving.")


@pytest.mark.usefixtures("replayed_once")
def test_a_changed_cell_is_named(desk):
    def change(deck):
        cell = tables(deck)["table:policies"].cell(2, 1)
        cell.text_frame.paragraphs[0].runs[0].text = "7,777"

    rewrite(desk, change)

    assert list(differing(check(desk))) == ["policies.chosen.oldest"]


@pytest.mark.usefixtures("replayed_once")
@pytest.mark.parametrize("path", [".//{*}ser/{*}val//{*}v", ".//{*}errBars/{*}plus//{*}v"])
def test_a_changed_bar_or_interval_is_named(desk, path):
    def change(deck):
        chart = next(chart for chart in charts(deck) if len(list(chart.plots[0].categories)) > 8)
        point = chart._chartSpace.findall(path)[0]
        point.text = str(float(point.text) + 1.0)

    rewrite(desk, change)

    (name,) = differing(check(desk))
    assert name.startswith(("decision.net.", "why.v.", "where."))


@pytest.mark.usefixtures("replayed_once")
def test_a_number_that_was_taken_away_is_named(desk):
    def change(deck):
        frame = next(s for s in deck.slides[6].shapes if s.name == "sentences").text_frame
        frame.paragraphs[0].text = "Everything is fine."

    rewrite(desk, change)

    found = differing(check(desk))
    assert {"days"} < set(found)
    assert {each["printed"] for each in found.values()} == {""}


@pytest.mark.usefixtures("replayed_once")
def test_prose_may_be_edited_and_slides_taken_out(desk):
    def change(deck):
        for run in runs(deck):
            run.text = run.text.replace("cannot", "can not")
        identifiers = deck.slides._sldIdLst
        deck.part.drop_rel(identifiers[8].rId)
        identifiers.remove(identifiers[8])

    rewrite(desk, change)

    outcome = check(desk)
    assert outcome.code == 0, outcome.json["differences"]
    assert outcome.json["left_out"] > 0
    assert "can not" in outcome.json["edited"][0]["printed"]


@pytest.mark.usefixtures("replayed_once")
def test_words_around_a_number_are_named_with_it(desk):
    def change(deck):
        for run in runs(deck):
            run.text = run.text.replace("would have saved", "would not have saved")

    rewrite(desk, change)

    assert "saving.short" in differing(check(desk))


@pytest.mark.usefixtures("replayed_once")
def test_a_text_without_a_number_is_told_apart(desk):
    def change(deck):
        deck.slides[0].shapes.add_textbox(0, 0, 99, 99).text_frame.text = "It saves €9,000,000."
        deck.slides[0].shapes.add_textbox(0, 0, 99, 99).text_frame.text = "Thank you."

    rewrite(desk, change)

    outcome = sniper("verify", deck_in(desk), "-w", desk)

    assert outcome.code == 29
    assert "Edited, without a number: slide 1 now says: Thank you." in outcome.out
    assert "error: 0 of " in outcome.err
    assert " and 1 other text in " in outcome.err


@pytest.mark.usefixtures("replayed_once")
def test_what_differs_is_said_in_words(desk):
    def change(deck):
        next(run for run in runs(deck) if run.text.startswith("€")).text = "€99,999"

    rewrite(desk, change)

    outcome = sniper("verify", deck_in(desk), "-w", desk)

    assert outcome.code == 29
    assert "FAIL slide 1, saving.short: the deck says" in outcome.out
    assert outcome.err.splitlines()[-1].startswith("error: 1 of ")


def events(folder: Path) -> pl.DataFrame:
    return pl.read_delta(str(folder / "tables" / "events"))


def test_an_event_that_ends_later_changes_numbers(desk):
    """The log is corrected: one ticket that was resolved in time was not."""
    log = events(desk)
    place = pl.int_range(pl.len())
    ended = log.with_row_index().filter(status="resolved").row(40, named=True)["index"]
    later = pl.col("occurred_at", "recorded_at") + pl.duration(days=30)
    changed = log.with_columns(
        pl.when(place == ended).then(later).otherwise(pl.col("occurred_at", "recorded_at"))
    )
    write_deltalake(str(desk / "tables" / "events"), changed, mode="overwrite")

    found = differing(check(desk))

    assert "log.fingerprint" in found
    assert {each["cause"] for each in found.values()} == {"workspace"}


def test_an_event_that_moves_no_number_is_named_by_the_fingerprint(desk, replayed_once):
    log = events(desk)
    first = pl.int_range(pl.len()) == 0
    actor = pl.when(first).then(pl.lit("system")).otherwise("actor_role").alias("actor_role")
    write_deltalake(str(desk / "tables" / "events"), log.with_columns(actor), mode="overwrite")

    outcome = check(desk)

    assert outcome.code == 29
    assert list(differing(outcome)) == ["log.fingerprint"]


def test_the_order_of_the_stored_rows_does_not_matter(desk, replayed_once):
    log = events(desk)
    write_deltalake(str(desk / "tables" / "events"), log.reverse(), mode="overwrite")

    assert check(desk).code == 0


@pytest.mark.parametrize(
    ("column", "is_same"), [("requester", True), ("assignee", True), ("attributes", False)]
)
def test_the_fingerprint_leaves_out_hashed_names(workspace, column, is_same):
    def fingerprint_now() -> str:
        return log_facts(open_desk(workspace, asked=None, now=NOW)).fingerprint

    before = fingerprint_now()
    log = events(workspace)
    write_deltalake(
        str(workspace / "tables" / "events"),
        log.with_columns(pl.col(column).reverse()),
        mode="overwrite",
    )

    assert (fingerprint_now() == before) is is_same


def test_changed_costs_change_the_amounts(desk):
    told = (desk / "sla.toml").read_text()
    (desk / "sla.toml").write_text(told.replace("intervention = 2", "intervention = 3"))

    outcome = check(desk)

    found = differing(outcome)
    assert outcome.code == 29
    assert {"saving.sniper", "assumption.full", "setting.stakes"} <= set(found)
    assert "log.fingerprint" not in found


@pytest.mark.parametrize(
    "content", [b"", b"no deck", b"PK\x03\x04 broken"], ids=["empty", "text", "broken"]
)
def test_a_damaged_file_is_one_line(ingested, tmp_path, content):
    (tmp_path / "deck.pptx").write_bytes(content)

    outcome = sniper("verify", tmp_path / "deck.pptx", "-w", ingested)

    assert outcome.code == 11
    assert outcome.err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in outcome.err


def test_a_truncated_deck_is_one_line(desk):
    path = deck_in(desk)
    path.write_bytes(path.read_bytes()[:-20_000])

    assert check(desk).code == 11


def test_a_deck_of_somebody_else_is_one_line(ingested, tmp_path):
    Presentation().save(str(tmp_path / "other.pptx"))

    outcome = sniper("verify", tmp_path / "other.pptx", "-w", ingested)

    assert outcome.code == 11
    assert "sla-sniper did not make it" in outcome.err


def test_a_damaged_record_is_one_line(desk):
    path = deck_in(desk)
    with zipfile.ZipFile(path) as deck:
        parts = {name: deck.read(name) for name in deck.namelist()}
    record = parts["customXml/item1.xml"].decode()
    parts["customXml/item1.xml"] = record.replace('"from"', '"since"').encode()
    with zipfile.ZipFile(path, "w") as deck:
        for name, content in parts.items():
            deck.writestr(name, content)

    assert check(desk).code == 11


def test_a_deck_of_a_desk_that_outgrows_its_estimator_holds(workspace):
    """Trees are asked for; the first weeks are too few tickets for them."""
    succeed("backtest", "--model", "lightgbm", "--capacity", "10", "--epoch", "day",
            "--from", "2025-10-06", "--to", "2025-10-31", "-w", workspace)  # fmt: skip
    succeed("report", "--format", "pptx", "-w", workspace)

    outcome = check(workspace)

    assert outcome.code == 0, outcome.json["differences"]


def test_a_missing_file_is_one_line(ingested, tmp_path):
    assert sniper("verify", tmp_path / "none.pptx", "-w", ingested).code == 11


def test_a_deck_of_another_workspace_is_one_line(desk, tmp_path):
    log = events(desk).with_columns(source=pl.lit("elsewhere"))
    write_deltalake(str(desk / "tables" / "events"), log, mode="overwrite")

    outcome = check(desk)

    assert outcome.code == 17
    assert "elsewhere" in outcome.err
