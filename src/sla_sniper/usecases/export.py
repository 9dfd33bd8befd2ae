"""sniper export: the predictions, the clocks and a mart, as files for everybody else."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sla_sniper.core.progress import Progress, silent
from sla_sniper.outputs.hyper import require_hyper
from sla_sniper.outputs.sheets import require_room, write_workbook
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.export_tableau import About, write_tableau
from sla_sniper.usecases.export_tables import export_tables
from sla_sniper.usecases.files import replaced, require_folder, write_draft
from sla_sniper.usecases.queue import queue_of
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import polars as pl

Kind = Literal["csv", "parquet", "xlsx", "tableau"]
WORKBOOK = "sla_sniper.xlsx"


@dataclass(frozen=True, slots=True)
class Form:
    """What an export looks like.

    Attributes
    ----------
    kind : {"csv", "parquet", "xlsx", "tableau"}
        Format.
    with_names : bool
        Whether assignees and requesters leave the workspace, as it has them.
    """

    kind: Kind
    with_names: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """Files written and their rows.

    Attributes
    ----------
    files : dict of str to int or None
        Rows by path; None where a file is no table.
    notes : tuple of str
        What is missing and how to get it.
    """

    files: dict[str, int | None]
    as_of: datetime
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper export`."""
        return header("export", self.as_of) | {"files": self.files, "notes": list(self.notes)}


def export(
    folder: Path,
    target: Path,
    form: Form,
    *,
    as_of: datetime | None,
    now: datetime,
    progress: Progress = silent,
) -> Exported:
    """Write the desk as of an instant into the folder `target`, all files or none.

    Parameters
    ----------
    form : Form
        Format, and whether people are named.

    Raises
    ------
    NotWritableError
        If nothing can be written there.
    TooManyRowsError
        If a table does not fit into a sheet.
    TableauMissingError
        If Tableau's Hyper API is not installed.
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NotEnoughHistoryError
        If there is no model, and too little history to train one.
    """
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    desk.workspace.sla.require_costs()
    if form.kind == "tableau":
        require_hyper()
    require_folder(target)
    tables = export_tables(desk, queue_of(desk), with_names=form.with_names)
    progress("writing the files")
    match form.kind:
        case "tableau":
            about = About(desk.as_of, desk.workspace.sla.require_prices().currency)
            return Exported(write_tableau(tables, target, about), desk.as_of, tables.notes)
        case "xlsx":
            return Exported(_write_book(tables.public, target), desk.as_of)
        case kind:
            return Exported(_write_files(tables.public, target, kind), desk.as_of)


def _write_files(
    tables: dict[str, pl.DataFrame], target: Path, kind: Kind
) -> dict[str, int | None]:
    paths = {target / f"{name}.{kind}": frame for name, frame in tables.items()}
    with ExitStack() as stack:
        for path, frame in paths.items():
            write_draft(frame, stack.enter_context(replaced(path)), ending=path.suffix)
    return {str(path): frame.height for path, frame in paths.items()}


def _write_book(tables: dict[str, pl.DataFrame], target: Path) -> dict[str, int | None]:
    path = target / WORKBOOK
    require_room(tables)
    with replaced(path) as draft:
        write_workbook(tables, draft)
    return {str(path): sum(frame.height for frame in tables.values())}
