"""The documentation and the house rules that a machine can hold."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import typer

from sla_sniper.cli.app import app
from sla_sniper.core.schema import STATUSES, VALUE_COLUMNS
from sla_sniper.data import demo_files, master_notebook, template_files
from sla_sniper.outputs.marts import SLA_POLICY_COLUMNS
from sla_sniper.outputs.tableau_sheets import SHEETS
from sla_sniper.outputs.tables import (
    BACKTEST,
    CYCLE_COLUMNS,
    DIMENSIONS,
    PEOPLE,
    PREDICTION_COLUMNS,
)
from sla_sniper.usecases.notebook import read_notebook, written
from tools import lock, pages

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "SLA_Optimization_Master.ipynb"
CELLS = master_notebook().resolve()
SOURCES = sorted(set((ROOT / "src").rglob("*.py")) - {CELLS})
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ERRORS = pages.error_classes()
CONFIGURED = (*template_files(), *sorted(demo_files().mapping.parent.glob("*.toml")))
CONFIGURATION = (ROOT / "docs" / "reference" / "configuration.md").read_text()
DOCUMENTED = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", CONFIGURATION))))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def keys(settings: object) -> set[str]:
    if isinstance(settings, list):
        return set().union(*map(keys, settings))
    if not isinstance(settings, dict):
        return set()
    return set(settings).union(*map(keys, settings.values()))


def link_targets(page: Path) -> list[Path]:
    found = re.findall(r"\]\((?!\w+:|#)([^)#]+)", page.read_text())
    return [page.parent / target for target in found]


def test_every_error_has_its_own_code():
    codes = [error.code for error in ERRORS]

    assert None not in codes
    assert len(set(codes)) == len(codes)


def test_notebook_in_git_is_written_from_its_cells():
    assert NOTEBOOK.read_text(encoding="utf-8") == written(read_notebook())


def test_notebook_in_git_has_no_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]

    assert len(code) > 20
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_text_of_the_notebook_holds_no_numbers():
    told = [cell.source for cell in read_notebook().cells if cell.cell_type == "markdown"]

    assert [line for text in told for line in text.splitlines() if re.search(r"\d", line)] == []


def test_codes_stay_clear_of_the_reserved_ones():
    own = {error.code for error in ERRORS if error.name != pages.BASE}

    assert own.isdisjoint({0, 1, 2})
    assert max(own) < 126


def test_table_of_exit_codes_is_current():
    assert pages.table(ERRORS) in pages.EXIT_CODES.read_text()


@pytest.mark.parametrize("path", LOCKS, ids=short)
def test_lock_file_names_no_address(path):
    assert lock.addresses(path.read_text()) == []


@pytest.mark.parametrize("path", LOCKS, ids=short)
def test_lock_file_pins_and_hashes_everything(path):
    packages = re.findall(r"^[a-z].*(?:\n    .*)*", path.read_text(), re.MULTILINE)

    assert packages
    assert all("==" in package and "--hash=sha256:" in package for package in packages)


def test_lock_files_belong_to_the_project():
    found = lock.problems(
        (ROOT / "pyproject.toml").read_text(), {path.name: path.read_text() for path in LOCKS}
    )

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "--find-links /srv/wheels",
        "polars @ file:///srv/polars.whl",
        "# from https://example.org",
        "    # via -r /srv/requirements.in",
    ],
)
def test_any_address_in_a_lock_is_found(line):
    assert lock.addresses(f"polars==2.1.0 \\\n    --hash=sha256:ab\n{line}") == [line]


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_module_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", DECISIONS, ids=short)
def test_decision_has_context_ruling_consequences(path):
    headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)

    assert headings == ["Context", "Ruling", "Consequences"]


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_links_between_pages_lead_somewhere(page):
    assert [target for target in link_targets(page) if not target.exists()] == []


def test_readme_keeps_its_length():
    assert 80 <= len((ROOT / "README.md").read_text().splitlines()) <= 140


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_shows_both_commands_early(command):
    assert command in (ROOT / "README.md").read_text().splitlines()[:40]


def test_readme_attributes_the_bundled_log():
    readme = (ROOT / "README.md").read_text()

    assert "CC BY 4.0" in readme
    assert "10.24432/C57S4H" in readme


@pytest.mark.parametrize("path", CONFIGURED, ids=short)
def test_every_key_of_a_configuration_is_documented(path):
    settings = tomllib.loads(path.read_text())
    settings.pop("values", None)
    names = {"weekdays", "critical", "high", "moderate", "low"}

    assert keys(settings) - names - DOCUMENTED == set()


@pytest.mark.parametrize("word", [*STATUSES, *VALUE_COLUMNS])
def test_canonical_words_are_all_documented(word):
    assert word in DOCUMENTED


def test_demo_log_is_small_enough():
    assert demo_files().log.stat().st_size < 3 * 1024 * 1024


def test_demo_statuses_map_to_known_ones():
    mapping = tomllib.loads(demo_files().mapping.read_text())

    assert set(mapping["values"]["status"].values()) <= set(STATUSES)


def test_attribution_lies_beside_the_log():
    attribution = demo_files().attribution

    assert attribution.parent == demo_files().log.parent
    assert "CC BY 4.0" in attribution.read_text()


@pytest.mark.parametrize(
    ("page", "columns"),
    [
        (
            "export",
            (*CYCLE_COLUMNS, *DIMENSIONS, *PEOPLE, *SLA_POLICY_COLUMNS, *PREDICTION_COLUMNS),
        ),
        ("tableau", tuple(BACKTEST)),
    ],
)
def test_every_exported_column_is_documented(page, columns):
    pages = (f"reference/{page}.md", "reference/commands.md")
    text = " ".join((ROOT / "docs" / name).read_text() for name in pages)
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", text))))

    assert set(columns) - told == set()


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_sheet_is_documented(sheet):
    assert f"| {sheet.name} |" in (ROOT / "docs" / "reference" / "tableau.md").read_text()


def test_every_command_is_documented():
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `sniper (\w+)", page, flags=re.MULTILINE))

    assert documented == set(typer.main.get_command(app).commands)
