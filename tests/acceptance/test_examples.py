"""The examples run through the same commands as the demo, with their own two files alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sla_sniper.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def sniper(folder: Path, *words: str) -> dict:
    """Run a command on a workspace and read the object that it prints."""
    result = CliRunner().invoke(app, [*words, "--json", "--workspace", str(folder)])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "n_tickets"),
    [
        ("italian", "italian_helpdesk.csv.gz", 4_580),
        ("boston311", "boston311_2011h2.csv.gz", 58_251),
    ],
)
def test_example_runs_from_its_own_two_files(tmp_path, name, file, n_tickets):
    log = DATA / file
    if not log.exists():
        pytest.skip(f"{log.name} is not here: it may not be copied into the project")
    folder = shutil.copytree(ROOT / "examples" / name, tmp_path / name)

    ingested = sniper(folder, "ingest", str(log), "--map", str(folder / "map.toml"))
    trained = sniper(folder, "train", "--model", "logistic")
    replayed = sniper(folder, "backtest", "--epoch", "day", "--model", "logistic")
    queued = sniper(folder, "queue")

    assert ingested["tickets"] == n_tickets
    assert trained["leaks"] == []
    assert replayed["verdicts"]
    assert queued["policy"]
