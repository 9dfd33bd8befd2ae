"""`sniper report --format ipynb`: the master notebook, executed, read back by nbformat."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import jupyter_client
import nbformat
import polars as pl
import pytest

from sla_sniper.model.metrics import reliability_curve
from sla_sniper.outputs.markdown import table_markdown
from sla_sniper.panels.drawings import Bars, Lines
from sla_sniper.panels.report import executive_report
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.notebook import (
    NotebookFailedError,
    executed_notebook,
    read_notebook,
    written,
)
from sla_sniper.usecases.report import facts_of, told_backtest
from tests.functional.conftest import BACKTEST, sniper, succeed

NOW = datetime(2025, 11, 1, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


def outputs(notebook) -> list:
    return [out for cell in notebook.cells for out in cell.get("outputs", ())]


def told(notebook) -> str:
    """Every text that the cells computed, as it is read."""
    texts = [out.data["text/markdown"] for out in outputs(notebook) if "text/markdown" in out.data]
    return "\n".join(texts).replace("\\$", "$")


def pictures(notebook) -> list[bytes]:
    found = (out.data.get("image/png") for out in outputs(notebook))
    return [base64.b64decode(each) for each in found if each]


def document_of(folder: Path, as_of: str):
    desk = open_desk(folder, asked=datetime.fromisoformat(as_of), now=NOW)
    return executive_report(facts_of(desk, told_backtest(desk)))


@pytest.fixture(scope="module")
def desk(backtested, tmp_path_factory):
    return shutil.copytree(backtested, tmp_path_factory.mktemp("notebook") / "desk")


@pytest.fixture(scope="module")
def made(desk):
    return succeed("report", "--format", "ipynb", "-w", desk, "--json").json


@pytest.fixture(scope="module")
def notebook(made):
    return nbformat.read(made["file"], as_version=4)


@pytest.mark.slow
def test_the_notebook_lies_with_the_other_reports(desk, made, notebook):
    assert made["file"] == str(desk / "outputs" / "executive_slides.ipynb")
    assert made["format"] == "ipynb"
    nbformat.validate(notebook)


@pytest.mark.slow
def test_every_cell_ran_and_none_complained(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {out.output_type for out in outputs(notebook)} == {"display_data"}


@pytest.mark.slow
def test_plots_are_pictures_that_need_no_network(notebook):
    drawn = pictures(notebook)

    assert len(drawn) >= 15
    assert all(each.startswith(PNG) and len(each) > 2_000 for each in drawn)
    assert {kind for out in outputs(notebook) for kind in out.data} == {
        "text/plain", "text/markdown", "image/png",
    }  # fmt: skip
    assert not re.search(r"https?://", told(notebook))


@pytest.mark.slow
def test_its_numbers_are_those_of_the_report(desk, made, notebook):
    document = document_of(desk, made["as_of"])
    drawn = {figure.id for page in document.pages if isinstance(page.exhibit, (Bars, Lines))
             for figure in page.exhibit.figures()}  # fmt: skip
    text = told(notebook).replace("&lt;", "<").replace("\\|", "|").replace("\\`", "`")

    figures = {each.text for each in document.figures() if each.id not in drawn}
    assert len(figures) > 80
    assert [each for each in figures if each not in text] == []
    assert made["figures"] == len({figure.id for figure in document.figures()})


@pytest.mark.slow
def test_calibration_is_that_of_the_clocks_with_an_outcome(desk, notebook):
    pool = pl.read_parquet(desk / "outputs" / "backtest" / "predictions.parquet")
    known = pool.filter(pl.col("breached").is_not_null())
    bins = reliability_curve(known["breached"], known["p_breach"])

    text = told(notebook)

    assert known.height < pool.height
    assert bins.height > 2
    assert [
        row for row in bins.rows() if "| {:.1%} | {:.1%} | {:,} |".format(*row) not in text
    ] == []


@pytest.mark.slow
def test_no_cell_tells_of_nothing(notebook):
    text = told(notebook)

    assert "nan" not in re.findall(r"[a-z]+", text.lower())
    assert "Nothing to draw" not in text


@pytest.mark.slow
def test_it_names_workspace_and_instant_from_where_it_lies(made, notebook):
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))

    assert cell.source.splitlines() == ["WORKSPACE = '..'", f"AS_OF = {made['as_of']!r}"]
    assert str(Path(made["file"]).parent.parent.parent) not in Path(made["file"]).read_text()


@pytest.mark.slow
def test_another_workspace_gives_other_numbers(desk, notebook, tmp_path):
    other = shutil.copytree(desk, tmp_path / "desk")
    late = tmp_path / "late.csv"
    late.write_text(
        "number,updated,opened,state,prio,team,agent,channel,category,caller,site\n"
        "X1,2025-10-01 09:30:00,2025-10-01 09:30:00,New,P1,desk,,mail,vpn,caller 1,AMS\n"
        "X1,2025-10-20 09:30:00,2025-10-01 09:30:00,Resolved,P1,desk,a,mail,vpn,caller 1,AMS\n"
    )
    succeed("ingest", late, "-w", other)
    succeed(*BACKTEST, "-w", other)
    out = tmp_path / "elsewhere" / "again.ipynb"

    facts = succeed("report", "--format", "ipynb", "--out", out, "-w", other, "--json").json

    again = nbformat.read(out, as_version=4)
    document = document_of(other, facts["as_of"])
    fingerprint, missed = (
        next(each.text for each in document.figures() if each.id == name)
        for name in ("log.fingerprint", "missed.n")
    )
    assert fingerprint in told(again)
    assert fingerprint not in told(notebook)
    assert f"- {missed} of " in told(again)
    assert f"- {missed} of " not in told(notebook)
    assert "WORKSPACE = '../desk'" in out.read_text()


@pytest.mark.parametrize(
    "name", ["<script>", "a\n# b", "a|b", "![x](http://e.org/x)", "$a$", "`a`", "\u202eabc"]
)
def test_a_name_in_a_table_is_no_markup(name):
    head, rule, row = table_markdown(pl.DataFrame({"group": [name]})).splitlines()

    assert (head, rule) == ("| group |", "| --- |")
    assert not re.search(r"<|(?<!\\)[`$]|\]\(|\u202e|(?<!\\)\|.*(?<!\\)\|.*(?<!\\)\|", row)


def test_before_a_backtest_it_says_what_is_missing_like_the_others(workspace, tmp_path):
    out = tmp_path / "a.ipynb"

    found, other = (sniper("report", "--format", fmt, "--out", out, "-w", workspace)
                    for fmt in ("ipynb", "md"))  # fmt: skip

    assert (found.code, found.err.splitlines()[-1]) == (37, other.err.splitlines()[-1])
    assert not out.exists()


@pytest.mark.parametrize("package", ["ipykernel", "jupytext", "nbclient"])
def test_without_the_extra_one_line_names_it(package, workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)

    outcome = sniper("report", "--format", "ipynb", "-w", workspace)

    assert outcome.code == 48
    assert outcome.err == (
        f"error: The notebook needs the package {package}: "
        "run `pip install 'sla-sniper[notebook]'`.\n"
    )


def test_a_place_that_cannot_be_written_is_one_line(trained, tmp_path):
    (tmp_path / "file").write_text("")

    outcome = sniper("report", "--format", "ipynb", "--out", tmp_path / "file" / "a.ipynb",
                     "-w", trained)  # fmt: skip

    assert outcome.code == 35
    assert outcome.err.splitlines()[-1].startswith("error: ")


def test_verify_refuses_a_notebook_in_one_line(trained, tmp_path):
    (tmp_path / "a.ipynb").write_text(written(read_notebook()))

    outcome = sniper("verify", tmp_path / "a.ipynb", "-w", trained)

    assert outcome.code == 11
    assert "execute the notebook again" in outcome.err.splitlines()[-1]


def script(folder: Path, *cells: str) -> Path:
    path = folder / "cells.py"
    path.write_text("\n".join(f"# %%\n{cell}" for cell in cells))
    return path


@pytest.fixture
def kernels(monkeypatch):
    """Every kernel that was started, with what it was started as."""
    started = []
    launch = jupyter_client.AsyncKernelManager._async_launch_kernel

    async def kept(self, command, **options):
        await launch(self, command, **options)
        started.append((self.provisioner.process, command, self.ip))

    monkeypatch.setattr(jupyter_client.AsyncKernelManager, "_async_launch_kernel", kept)
    return started


def test_a_failing_cell_is_one_line_and_leaves_nothing(trained, tmp_path, monkeypatch, kernels):
    cells = script(tmp_path, "1", "raise ValueError('first\\nsecond')")
    monkeypatch.setattr("sla_sniper.usecases.notebook.master_notebook", lambda: cells)
    out = tmp_path / "out" / "a.ipynb"

    outcome = sniper("report", "--format", "ipynb", "--out", out, "-w", trained)

    assert outcome.code == 49
    assert outcome.err.splitlines()[-1] == (
        "error: Cell 2 of the notebook failed: ValueError: first second; nothing was written. "
        "`sniper check` looks for a cause in the log."
    )
    assert list(out.parent.iterdir()) == []
    assert [process.poll() is not None for process, *_ in kernels] == [True]


@pytest.mark.slow
def test_a_kernel_that_dies_is_one_line(tmp_path, kernels):
    cells = script(tmp_path, "import os; os._exit(3)")

    with pytest.raises(NotebookFailedError, match="Cell 1 of the notebook failed"):
        executed_notebook({}, tmp_path, source=cells)

    assert all(process.poll() is not None for process, *_ in kernels)


@pytest.mark.slow
def test_the_kernel_is_this_interpreter_alone_on_loopback(tmp_path, kernels, monkeypatch):
    (tmp_path / "polars.py").write_text("raise SystemExit('a file beside the notebook')")
    profile = tmp_path / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "a.py").write_text("import os; os._exit(4)")
    own = tmp_path / "jupyter" / "kernels" / "python3"
    own.mkdir(parents=True)
    (own / "kernel.json").write_text(json.dumps({"argv": ["false"], "language": "python"}))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    cells = script(
        tmp_path, "import os, sys, polars, sla_sniper",
        "print(sys.executable, sla_sniper.__file__, os.getcwd(), sep='\\n')",
    )  # fmt: skip

    notebook = nbformat.reads(executed_notebook({}, tmp_path, source=cells), as_version=4)

    import sla_sniper  # noqa: PLC0415

    [out] = outputs(notebook)
    assert out.text.splitlines() == [
        sys.executable,
        sla_sniper.__file__,
        os.path.realpath(tmp_path),
    ]
    [(process, command, address)] = kernels
    assert command[0] == sys.executable
    assert address == "127.0.0.1"
    assert process.poll() is not None


@pytest.mark.slow
def test_two_runs_write_the_same_notebook(tmp_path):
    cells = script(tmp_path, "from IPython.display import Markdown, display",
                   "display(Markdown('a'))")  # fmt: skip

    first, second = (executed_notebook({}, tmp_path, source=cells) for _ in range(2))

    assert first == second
