"""Write the pages that are made from the code; the test of the documentation compares them.

``python -m tools.pages`` writes docs/reference/exit-codes.md and the notebook again.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from sla_sniper.usecases.notebook import read_notebook, written

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "SLA_Optimization_Master.ipynb"
EXIT_CODES = ROOT / "docs" / "reference" / "exit-codes.md"
BASE = "SlaSniperError"
MARK = "<!-- made by `make docs` from the classes of errors -->"


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One class of the error tree, as its source says; `code` is None where it has none."""

    name: str
    bases: tuple[str, ...]
    code: int | None
    meaning: str


def error_classes(source: Path = ROOT / "src") -> tuple[ErrorClass, ...]:
    """Return every class that derives from the base of the tree, itself included, by code."""
    found = [_read(node) for path in sorted(source.rglob("*.py")) for node in _classes(path)]
    tree = {BASE}
    while more := {c.name for c in found if tree.intersection(c.bases)} - tree:
        tree |= more
    return tuple(sorted((c for c in found if c.name in tree), key=lambda c: (c.code or 0, c.name)))


def table(classes: tuple[ErrorClass, ...]) -> str:
    """Return the Markdown table of the codes; the class named in brackets is for searching."""
    rows = [f"| {c.code} | {c.meaning} (`{c.name}`) |" for c in classes if c.name != BASE]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _classes(path: Path) -> list[ast.ClassDef]:
    return [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ClassDef)]


def _read(node: ast.ClassDef) -> ErrorClass:
    bases = tuple(base.id for base in node.bases if isinstance(base, ast.Name))
    codes = [
        item.value.value
        for item in node.body
        if isinstance(item, ast.AnnAssign | ast.Assign)
        and ast.unparse(item).startswith("exit_code")
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, int)
    ]
    sentence = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    return ErrorClass(node.name, bases, codes[0] if codes else None, sentence)


def write() -> None:
    """Write the table of exit codes below its mark, and the notebook without outputs."""
    head = EXIT_CODES.read_text().split(MARK)[0]
    EXIT_CODES.write_text(f"{head}{MARK}\n\n{table(error_classes())}\n")
    NOTEBOOK.parent.mkdir(exist_ok=True)
    NOTEBOOK.write_text(written(read_notebook()), encoding="utf-8")


if __name__ == "__main__":
    write()
