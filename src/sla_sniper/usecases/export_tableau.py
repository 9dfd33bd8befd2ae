"""sniper export tableau: the extracts, the workbook and the page that explains them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_sniper.outputs.hyper import write_extracts
from sla_sniper.outputs.tableau_package import PACKAGE, readme, write_package
from sla_sniper.outputs.tableau_sheets import sources
from sla_sniper.outputs.tableau_workbook import workbook
from sla_sniper.outputs.texts import cleaned_text
from sla_sniper.usecases.files import replaced

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.usecases.export_tables import Tables


@dataclass(frozen=True, slots=True)
class About:
    """For when and in which currency an export speaks."""

    as_of: datetime
    currency: str

    def __str__(self) -> str:
        currency = cleaned_text(self.currency)
        return f"As of {self.as_of:%Y-%m-%d %H:%M} UTC; amounts in {currency}"


def write_tableau(tables: Tables, target: Path, about: About) -> dict[str, int | None]:
    """Write the extracts, the packaged workbook and the README into a folder, all or none.

    Raises
    ------
    NotWritableError
        If they cannot be written there.
    """
    document = workbook(sources(tables.extracts, cleaned_text(about.currency)), about=str(about))
    rows = {name: frame.height for name, frame in tables.extracts.items()}
    page = readme(rows, about=str(about), notes=tables.notes)
    paths = {name: target / f"{name}.hyper" for name in tables.extracts}
    with ExitStack() as stack:
        drafts = {name: stack.enter_context(replaced(path)) for name, path in paths.items()}
        write_extracts({drafts[name]: frame for name, frame in tables.extracts.items()})
        write_package(document, drafts, stack.enter_context(replaced(target / PACKAGE)))
        stack.enter_context(replaced(target / "README.md")).write_text(page, encoding="utf-8")
    files: dict[str, int | None] = {str(paths[name]): rows[name] for name in paths}
    return files | {str(target / PACKAGE): None, str(target / "README.md"): None}
