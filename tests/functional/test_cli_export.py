"""`sniper export csv|parquet|xlsx`: tables that other people's tools read."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from sla_sniper.outputs import sheets
from sla_sniper.outputs.marts import SLA_POLICY_COLUMNS
from sla_sniper.outputs.tables import CYCLE_COLUMNS, DIMENSIONS, PREDICTION_COLUMNS

from .conftest import desk_rows, sniper, succeed, write_desk
from .test_cli_bad_input import fail

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("predictions", "cycles", "zendesk__sla_policies")
SCRIPT, COMMAND, ARABIC, FIRE = "<script>alert(1)</script>", "=cmd()", "دعم فني", "🔥 line"
STRANGE = {"desk": SCRIPT, "network": COMMAND, "apps": ARABIC, "field": FIRE}


@pytest.fixture(scope="session")
def parquet(backtested: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """The three tables as Parquet files say them."""
    folder = tmp_path_factory.mktemp("marts")
    desk = shutil.copytree(backtested, folder / "desk")
    succeed("export", "parquet", folder / "out", "-w", desk)
    return {name: pl.read_parquet(folder / "out" / f"{name}.parquet") for name in TABLES}


@pytest.fixture(scope="session")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk whose groups have names that somebody's parser may trip over."""
    rows = desk_rows(seed=3, n_tickets=500).with_columns(pl.col("team").replace_strict(STRANGE))
    return write_desk(tmp_path_factory.mktemp("strange") / "desk", rows)


def test_tables_have_their_documented_columns(parquet):
    assert tuple(parquet["predictions"].columns) == PREDICTION_COLUMNS
    assert tuple(parquet["cycles"].columns) == (*CYCLE_COLUMNS, *DIMENSIONS)
    assert tuple(parquet["zendesk__sla_policies"].columns) == SLA_POLICY_COLUMNS


def test_csv_says_what_parquet_says(parquet, trained, tmp_path):
    succeed("export", "csv", tmp_path / "out", "-w", trained)

    for name, frame in parquet.items():
        found = pl.read_csv(tmp_path / "out" / f"{name}.csv", schema=frame.schema)
        assert found.equals(frame), name


def test_xlsx_says_what_parquet_says(parquet, trained, tmp_path):
    facts = succeed("export", "xlsx", tmp_path / "out", "-w", trained, "--json").json

    path = tmp_path / "out" / "sla_sniper.xlsx"
    book = CalamineWorkbook.from_path(path)
    assert facts["files"] == {str(path): sum(frame.height for frame in parquet.values())}
    assert book.sheet_names == list(TABLES)
    for name, frame in parquet.items():
        head, *rows = book.get_sheet_by_name(name).to_python()
        assert head == frame.columns
        for at, series in enumerate(frame):
            found = [row[at] for row in rows]
            assert [*map(digits, found)] == [*map(digits, in_cells(series))], series.name


def in_cells(series: pl.Series) -> list[object]:
    """What a reader of sheets gives for a column: no nulls, no integers, no zones."""
    if series.dtype.is_integer():
        series = series.cast(pl.Float64)
    if isinstance(series.dtype, pl.Datetime):
        series = series.dt.replace_time_zone(None).dt.round("1ms")
    return ["" if value is None else value for value in series.to_list()]


def digits(value: object) -> object:
    """A number as far as a sheet keeps it."""
    return f"{value:.14g}" if isinstance(value, float) else value


def test_every_known_outcome_is_in_the_cycles(parquet):
    frame = parquet["cycles"]

    decided = frame.filter(pl.col("state").is_in(["met", "missed", "overdue"]))
    assert decided["is_breach"].null_count() == decided["decided_at"].null_count() == 0
    assert frame.filter(pl.col("is_breach"))["cost_incurred"].min() == 10
    assert frame.filter(~pl.col("is_breach"))["cost_incurred"].max() == 0
    assert frame.filter(pl.col("p_breach").is_not_null())["state"].unique().to_list() == ["running"]


def test_forecasts_of_cycles_are_those_of_the_queue(parquet):
    queue, cycles = parquet["predictions"], parquet["cycles"]

    told = cycles.filter(pl.col("p_breach").is_not_null()).sort("ticket_id", "metric")
    assert told["p_breach"].equals(queue.sort("ticket_id", "metric")["p_breach"])


def test_people_leave_only_when_asked_for(trained, tmp_path):
    succeed("export", "csv", tmp_path / "plain", "-w", trained)
    succeed("export", "csv", tmp_path / "named", "--with-names", "-w", trained)

    plain, named = (
        pl.read_csv(tmp_path / each / "cycles.csv", n_rows=1) for each in ("plain", "named")
    )
    assert not {"assignee", "requester"} & set(plain.columns)
    assert named.columns == [*plain.columns, "assignee", "requester"]


def test_names_never_reach_predictions_or_mart(trained, tmp_path):
    succeed("export", "csv", tmp_path, "--with-names", "-w", trained)

    for name in ("predictions", "zendesk__sla_policies"):
        assert "assignee" not in (tmp_path / f"{name}.csv").read_text().partition("\n")[0]


def test_export_as_of_a_past_instant_knows_nothing_later(trained, tmp_path):
    succeed("export", "parquet", tmp_path, "--as-of", "2025-10-20T11:30", "-w", trained)

    cycles = pl.read_parquet(tmp_path / "cycles.parquet")
    moment = cycles["as_of"][0]
    for name in ("applied_at", "breached_at", "fulfilled_at", "decided_at"):
        assert cycles[name].max() <= moment
    assert pl.read_parquet(tmp_path / "predictions.parquet")["as_of"].unique().to_list() == [moment]


def test_export_without_a_model_trains_one_as_queue_does(strange, tmp_path):
    folder = shutil.copytree(strange, tmp_path / "desk")

    facts = succeed("export", "csv", tmp_path / "out", "-w", folder, "--json").json

    assert list(folder.glob("models/*/manifest.json"))
    assert [path.rpartition("/")[2] for path in facts["files"]] == [
        f"{name}.csv" for name in TABLES
    ]


@pytest.fixture(scope="session")
def strange_export(strange: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of the strange desk in every format."""
    folder = tmp_path_factory.mktemp("strange_out")
    desk = shutil.copytree(strange, folder / "desk")
    for kind in ("csv", "parquet", "xlsx"):
        succeed("export", kind, folder, "-w", desk)
    return folder


def test_strange_names_survive_in_parquet(strange_export):
    found = pl.read_parquet(strange_export / "cycles.parquet")["group"]

    assert set(found.unique()) == set(STRANGE.values())


def test_strange_names_are_guarded_in_csv(strange_export):
    found = pl.read_csv(strange_export / "cycles.csv")["group"]

    assert set(found.unique()) == {SCRIPT, "'" + COMMAND, ARABIC, FIRE}


def test_strange_names_are_plain_texts_in_xlsx(strange_export):
    sheet = CalamineWorkbook.from_path(strange_export / "sla_sniper.xlsx").get_sheet_by_name(
        "cycles"
    )

    head, *rows = sheet.to_python()
    at = head.index("group")
    assert {row[at] for row in rows} == set(STRANGE.values())


def test_too_many_rows_for_a_sheet_are_told(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 100)

    told = fail(38, "export", "xlsx", tmp_path / "out", "-w", trained)

    assert "The table cycles has" in told
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_folder_that_is_a_file_is_told_before_any_work(trained, tmp_path, kind):
    (tmp_path / "taken").write_text("mine")

    outcome = sniper("export", kind, tmp_path / "taken", "-w", trained)

    assert outcome.code == 35
    assert "ranking" not in outcome.err
    assert (tmp_path / "taken").read_text() == "mine"


def test_export_prints_one_documented_object(trained, tmp_path):
    facts = succeed("export", "parquet", tmp_path, "-w", trained, "--json").json

    assert facts["schema"] == "sniper.export/1"
    assert facts["notes"] == []
    assert json.dumps(facts["files"])
    assert set(facts) == {"schema", "as_of", "files", "notes"}
