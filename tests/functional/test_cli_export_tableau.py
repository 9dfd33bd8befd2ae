"""`sniper export tableau`: extracts read back through Tableau's engine, and what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import polars as pl
import pytest
from deltalake import write_deltalake
from lxml import etree

from sla_sniper.outputs.hyper import flat
from sla_sniper.outputs.tableau_package import write_package

from .conftest import desk_rows, succeed, write_desk
from .test_cli_bad_input import fail
from .test_cli_export import STRANGE

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

api = pytest.importorskip("tableauhyperapi", reason="Tableau has no engine for this machine")

EXTRACTS = ("cycles", "predictions", "backtest")
TYPES = {"string": "TEXT", "integer": "BIG_INT", "real": "DOUBLE", "boolean": "BOOL",
         "date": "DATE", "datetime": "TIMESTAMP"}  # fmt: skip


def rows_of(*paths: Path) -> list[tuple[dict[str, str], list[tuple[Any, ...]]]]:
    """Types by column, and rows in Python's own values, of each extract."""
    found = []
    silent = api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU
    with api.HyperProcess(silent, parameters={"log_config": ""}) as hyper:
        for path in paths:
            with api.Connection(hyper.endpoint, path) as connection:
                (table,) = connection.catalog.get_table_names("Extract")
                assert str(table) == '"Extract"."Extract"'
                columns = connection.catalog.get_table_definition(table).columns
                types = {column.name.unescaped: str(column.type) for column in columns}
                rows = connection.execute_list_query(f"SELECT * FROM {table}")
                found.append((types, [tuple(map(plain, row)) for row in rows]))
    return found


def plain(value: object) -> object:
    """A value of the engine as Python has it."""
    if isinstance(value, api.Timestamp):
        return value.to_datetime()
    return value.to_date() if isinstance(value, api.Date) else value


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=str)


@pytest.fixture(scope="session")
def exported(backtested: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a desk with a backtest, and the same tables as Parquet."""
    folder = tmp_path_factory.mktemp("tableau")
    desk = shutil.copytree(backtested, folder / "desk")
    facts = succeed("export", "tableau", folder / "out", "-w", desk, "--json").json
    assert facts["notes"] == []
    succeed("export", "parquet", folder / "parquet", "-w", desk)
    return folder


@pytest.fixture(scope="session")
def read(exported: Path) -> dict[str, tuple[dict[str, str], list[tuple[Any, ...]]]]:
    paths = [exported / "out" / f"{name}.hyper" for name in EXTRACTS]
    return dict(zip(EXTRACTS, rows_of(*paths), strict=True))


@pytest.fixture(scope="session")
def document(exported: Path) -> etree._Element:
    with ZipFile(exported / "out" / "sla_sniper.twbx") as package:
        return etree.fromstring(package.read("sla_sniper.twb"))


def test_extract_of_cycles_equals_the_table(exported, read):
    frame = flat(pl.read_parquet(exported / "parquet" / "cycles.parquet"))

    types, rows = read["cycles"]
    assert list(types) == frame.columns
    assert in_order(rows) == in_order(frame.rows())
    assert any(value is None for row in rows for value in row)


def test_extract_of_predictions_begins_with_the_contract(exported, read):
    frame = flat(pl.read_parquet(exported / "parquet" / "predictions.parquet"))

    types, rows = read["predictions"]
    assert list(types)[: frame.width] == frame.columns
    assert in_order([row[: frame.width] for row in rows]) == in_order(frame.rows())


def test_predictions_have_their_ticket_and_bucket(exported, read):
    tickets = pl.read_parquet(exported / "parquet" / "cycles.parquet")
    channels = dict(tickets.select("ticket_id", "channel").iter_rows())

    types, rows = read["predictions"]
    frame = pl.DataFrame(rows, schema=list(types), orient="row", infer_schema_length=None)
    assert [channels[ticket] for ticket in frame["ticket_id"]] == frame["channel"].to_list()
    for row in frame.select("p_breach", "risk_bucket").iter_rows():
        low = min(int(row[0] * 10), 9) * 10
        assert row[1] == f"{low:02d}-{low + 10} %"


def test_backtest_joins_forecasts_with_outcomes_of_the_clocks(exported, read, backtested):
    pool = pl.read_parquet(backtested / "outputs" / "backtest" / "predictions.parquet")
    cycles = pl.read_parquet(exported / "parquet" / "cycles.parquet")
    became = {
        (ticket, metric, cycle): {"met": False, "missed": True, "overdue": True}.get(state)
        for ticket, metric, cycle, state in cycles.select(
            "ticket_id", "metric", "cycle", "state"
        ).iter_rows()
    }
    keys = pool.select("ticket_id", "metric", "cycle").iter_rows()
    expected = [
        (at.replace(tzinfo=None), key[0], p, became[key])
        for at, p, key in zip(pool["landmark"], pool["p_breach"], keys, strict=True)
    ]

    types, rows = read["backtest"]
    at = [list(types).index(name) for name in ("landmark", "ticket_id", "p_breach", "breached")]
    assert in_order([tuple(row[each] for each in at) for row in rows]) == in_order(expected)


def test_no_forecast_of_the_backtest_knew_its_days(backtested, read):
    fits = json.loads((backtested.parent / "backtest.json").read_text())["fits"]
    first_cut = min(fit["cut"] for fit in fits)

    types, rows = read["backtest"]
    landmarks = [row[list(types).index("landmark")].isoformat() for row in rows]
    assert min(landmarks) >= first_cut[:19]


def test_every_field_of_the_workbook_is_in_its_extract_with_that_type(document, read):
    for source in document.xpath("datasources/datasource[connection]"):
        types, _ = read[source.get("name").removeprefix("federated.")]
        records = {
            record.findtext("remote-name"): TYPES[record.findtext("local-type")]
            for record in source.iter("metadata-record")
        }
        columns = {
            column.get("name").strip("[]"): TYPES[column.get("datatype")]
            for column in source.xpath("column[not(calculation)][@datatype!='table']")
            if column.get("name") != "[:Measure Names]"
        }
        assert records == columns == types


def test_package_opens_its_own_extracts(document, exported):
    with ZipFile(exported / "out" / "sla_sniper.twbx") as package:
        for path in document.xpath("//connection[@class='hyper']/@dbname"):
            name = path.rpartition("/")[2]
            assert package.read(path) == (exported / "out" / name).read_bytes()
        assert len(package.namelist()) == 1 + len(EXTRACTS)


def test_readme_tells_every_sheet_and_what_was_not_tried(exported, document):
    page = (exported / "out" / "README.md").read_text(encoding="utf-8")

    for name in document.xpath("worksheets/worksheet/@name"):
        assert f"| {name} |" in page
    assert "tabcmd publish sla_sniper.twbx" in page
    assert "It was not opened in Tableau Desktop" in page
    assert "Missing." not in page


def test_only_whole_files_are_left(exported):
    found = {path.name for path in (exported / "out").iterdir()}

    assert found == {*(f"{name}.hyper" for name in EXTRACTS), "sla_sniper.twbx", "README.md"}
    assert not list(exported.glob("**/hyperd*.log"))


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk without a channel, with one priority, strange names, no model and no backtest."""
    rows = desk_rows(seed=5, n_tickets=500).with_columns(
        pl.col("team").replace_strict(STRANGE), prio=pl.lit("P3"), channel=pl.lit(None, pl.String)
    )
    folder = write_desk(tmp_path_factory.mktemp("odd") / "desk", rows)
    outcome = succeed("export", "tableau", folder.parent / "out", "--json", "-w", folder)
    (folder.parent / "told.json").write_text(outcome.out)
    return folder.parent


def test_odd_desk_reads_back_whole(odd):
    (types, rows), *_ = rows_of(odd / "out" / "cycles.hyper")

    names = list(types)
    assert {row[names.index("group")] for row in rows} == set(STRANGE.values())
    assert {row[names.index("channel")] for row in rows} == {None}
    assert {row[names.index("priority_applied")] for row in rows} == {"moderate"}


def test_without_a_backtest_nothing_is_compared(odd):
    ((types, rows),) = rows_of(odd / "out" / "backtest.hyper")

    assert rows == []
    assert types["breached"] == "BOOL"
    assert "sniper backtest" in (odd / "told.json").read_text()
    assert "**Missing.** There is no backtest" in (odd / "out" / "README.md").read_text()


def test_backtest_of_other_promises_is_not_used(trained, tmp_path):
    text = (trained / "sla.toml").read_text()
    (trained / "sla.toml").write_text(text.replace("critical = 500", "critical = 501"))

    facts = succeed("export", "tableau", tmp_path / "out", "-w", trained, "--json").json

    assert facts["files"][str(tmp_path / "out" / "backtest.hyper")] == 0
    assert "run `sniper backtest`" in facts["notes"][0]


def test_backtest_of_another_log_is_not_used(trained, tmp_path):
    events = trained / "tables" / "events"
    log = pl.read_delta(str(events)).filter(~pl.col("ticket_id").str.ends_with("7"))
    write_deltalake(str(events), log, mode="overwrite")

    facts = succeed("export", "tableau", tmp_path / "out", "-w", trained, "--json").json

    assert facts["files"][str(tmp_path / "out" / "backtest.hyper")] == 0
    assert "and of this log" in facts["notes"][0]


def test_export_as_of_a_past_instant_compares_nothing_later(trained, tmp_path):
    moment = "2025-10-20T11:30"
    succeed("export", "tableau", tmp_path / "out", "--as-of", moment, "-w", trained)

    ((types, rows),) = rows_of(tmp_path / "out" / "backtest.hyper")
    names = list(types)
    assert rows
    for name in ("landmark", "label_known_at"):
        told = [row[names.index(name)] for row in rows if row[names.index(name)] is not None]
        assert max(told).isoformat() <= "2025-10-20T09:30:00"  # in UTC


def test_people_are_in_extracts_only_when_asked_for(trained, tmp_path, read):
    succeed("export", "tableau", tmp_path / "out", "--with-names", "-w", trained)

    named = rows_of(*(tmp_path / "out" / f"{name}.hyper" for name in EXTRACTS))
    for (types, _), name, added in zip(named, EXTRACTS, (2, 2, 0), strict=True):
        assert len(types) == len(read[name][0]) + added
    assert "assignee" not in read["cycles"][0]


def test_missing_engine_is_one_line_with_its_remedy(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tableauhyperapi", None)

    told = fail(39, "export", "tableau", tmp_path / "out", "-w", trained)

    assert "pip install 'sla-sniper[tableau]'" in told
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written_is_told_before_any_work(trained, tmp_path):
    (tmp_path / "taken").write_text("mine")

    fail(35, "export", "tableau", tmp_path / "taken", "-w", trained)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_told_before_any_work(trained, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)

    fail(35, "export", "tableau", tmp_path / "out", "-w", trained)


def test_package_is_the_same_each_time():
    made = [BytesIO(), BytesIO()]
    for each in made:
        write_package(b"<workbook/>", {}, each)

    assert made[0].getvalue() == made[1].getvalue()
