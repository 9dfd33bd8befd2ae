"""The leak scanner on real logs: every stamp that they are known for, and no honest column."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from sla_sniper.data import demo_files
from sla_sniper.usecases.check import check_log
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.ingest import ingest_files
from sla_sniper.usecases.leaks import scan_columns

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMPED = re.compile(r"\[stamped\].*?\n\n", re.DOTALL)


def example(name: str, file: str) -> tuple[Path, Path]:
    log = DATA / file
    if not log.exists():
        pytest.skip(f"{log.name} is not here: it may not be copied into the project")
    return ROOT / "examples" / name, log


def scanned(folder: Path, settings: Path, log: Path, *, forget: str = "") -> dict[str, str]:
    """Severity by column; with `forget`, of a mapping that keeps these columns and no stamp."""
    text = (settings / "map.toml").read_text(encoding="utf-8")
    if forget:
        text = STAMPED.sub("", text, count=1).replace("keep = [", f"keep = [{forget}, ", 1)
    (folder / "sla.toml").write_text((settings / "sla.toml").read_text(encoding="utf-8"))
    (folder / "map.toml").write_text(text, encoding="utf-8")
    ingest_files(folder, [log], mapping=folder / "map.toml")
    return {
        leak.column: leak.severity for leak in scan_columns(open_desk(folder, asked=None, now=NOW))
    }


def test_stamps_of_the_demo_log_are_found_when_forgotten(tmp_path):
    demo = demo_files()

    found = scanned(
        tmp_path, demo.mapping.parent, demo.log, forget='"closed_code", "resolved_by", "knowledge"'
    )

    assert found == {
        "resolved_at": "error",
        "closed_at": "error",
        "closed_code": "error",
        "resolved_by": "error",
        "knowledge": "warning",
    }


def test_stamps_of_the_demo_log_are_found_whatever_their_name(tmp_path):
    demo = demo_files()
    log = tmp_path / "renamed.csv"
    rows = pl.read_csv(demo.log, infer_schema_length=0)
    rows.rename({"closed_code": "outcome", "resolved_by": "hero"}).write_csv(log)

    found = scanned(tmp_path, demo.mapping.parent, log, forget='"outcome", "hero"')

    assert (found["outcome"], found["hero"]) == ("error", "error")


def test_the_demo_log_as_it_is_mapped_has_no_leak(tmp_path):
    demo = demo_files()

    assert scanned(tmp_path, demo.mapping.parent, demo.log) == {}


def test_the_variant_of_the_italian_log_is_found(tmp_path):
    settings, log = example("italian", "italian_helpdesk.csv.gz")

    found = scanned(tmp_path, settings, log, forget='"Variant", "Variant index"')

    assert found == {"Variant": "error", "Variant index": "error"}


def test_the_italian_log_as_it_is_mapped_has_no_leak(tmp_path):
    settings, log = example("italian", "italian_helpdesk.csv.gz")
    assert scanned(tmp_path, settings, log) == {}

    report = check_log(tmp_path, as_of=None, now=NOW, leaks=True)

    assert report.leaks == ()


def test_final_values_of_boston_are_found(tmp_path):
    settings, log = example("boston311", "boston311_2011h2.csv.gz")

    found = scanned(tmp_path, settings, log, forget='"queue", "closure_reason"')

    assert found == {"queue": "error", "closure_reason": "error"}


def test_boston_as_it_is_mapped_has_no_leak(tmp_path):
    settings, log = example("boston311", "boston311_2011h2.csv.gz")
    assert scanned(tmp_path, settings, log) == {}

    report = check_log(tmp_path, as_of=None, now=NOW, leaks=True)

    assert report.leaks == ()
