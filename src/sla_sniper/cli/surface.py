"""What every command shares: options, progress, errors as one line, JSON or words."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.instants import parse_instant
from sla_sniper.core.limits import MOST_SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sla_sniper.core.progress import Progress as Tell
    from sla_sniper.usecases.results import Result

Workspace = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder of the workspace.", show_default="here")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="T", help="As if it were T: nothing recorded later is read."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Also write to FILE: .csv, .parquet or .json."),
]


class Model(StrEnum):
    """Estimators by name."""

    lightgbm = "lightgbm"
    logistic = "logistic"
    random_forest = "random_forest"
    hazard = "hazard"


class EpochName(StrEnum):
    """How often a decision is taken."""

    hour = "hour"
    day = "day"


class RefitName(StrEnum):
    """How often a replayed model is fitted again."""

    weekly = "weekly"
    never = "never"


class Export(StrEnum):
    """Formats of `sniper export`."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"
    tableau = "tableau"


class ReportFormat(StrEnum):
    """Formats of `sniper report`."""

    md = "md"
    html = "html"
    pdf = "pdf"
    pptx = "pptx"
    ipynb = "ipynb"


_PIPED_WIDTH = 200
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_stderr = Console(stderr=True)


def now() -> datetime:
    """Ask the machine for the time; nothing else does."""
    return datetime.now(UTC)


def instant(text: str | None, folder: Path, *, option: str) -> datetime | None:
    """Read an instant given on the command line; without an offset it is local to the desk."""
    if text is None:
        return None
    try:
        moment = parse_instant(text, timezone=_zone(folder))
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not _EARLIEST <= moment < _LATEST:
        raise typer.BadParameter(
            f"{text!r} is no date or time of 1970 to 2199; write 2016-04-01 or 2016-04-01T08:00.",
            param_hint=option,
        )
    return moment


def slots(text: str) -> tuple[int, ...]:
    """Read capacities given on the command line, each once."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1 or max(found) > MOST_SLOTS:
        raise typer.BadParameter(
            f"{text!r} is no list of whole numbers from 1 to {MOST_SLOTS:,}; write 10,25,50.",
            param_hint="--capacity",
        )
    return tuple(dict.fromkeys(found))


def _zone(folder: Path) -> str:
    # Read late: configuration is slow to import, and most calls give no instant.
    from sla_sniper.config.workspace import NotAWorkspaceError, open_workspace  # noqa: PLC0415

    try:
        return open_workspace(folder).landmarks.timezone
    except NotAWorkspaceError:
        return "UTC"


def run(
    work: Callable[[Tell], Result], *, as_json: bool, show: Callable[[Any, Console], None]
) -> None:
    """Run a use case with progress on stderr and present what it gives."""
    with reported(), _progress() as tell:
        result = work(tell)
    if as_json:
        typer.echo(json.dumps(result.as_dict(), allow_nan=False))
    else:
        # A pipe or a file has no width of its own: a table must not be cut there.
        show(result, Console() if sys.stdout.isatty() else Console(width=_PIPED_WIDTH))


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error a user can repair into one line on stderr and its exit code."""
    try:
        yield
    except SlaSniperError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show the running step and its time; on a terminal as a live line, else a line a step."""
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_stderr, disable=not _stderr.is_terminal) as bars:
        yield _Steps(bars)


class _Steps:
    """Turn steps into progress bars: a new step finishes the one before."""

    def __init__(self, bars: Progress) -> None:
        self.bars = bars
        self.name = ""
        self.task: TaskID | None = None

    def __call__(self, step: str, share: float | None = None) -> None:
        name = step.partition(":")[0]
        if name != self.name:
            self._finish()
            self.name = name
            self.task = self.bars.add_task(step, total=None if share is None else 1.0)
            if not self.bars.console.is_terminal:
                self.bars.console.print(f"{name} ...", highlight=False)
        if self.task is not None:
            self.bars.update(self.task, description=step, completed=share)

    def _finish(self) -> None:
        if self.task is not None:
            self.bars.update(self.task, total=1.0, completed=1.0)
