"""sniper report: the executive report, written into the workspace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sla_sniper.core.errors import UnreadableFileError, WorkspaceError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.model.bundle import read_manifest
from sla_sniper.panels.facts import Facts, nearest_capacity
from sla_sniper.panels.report import executive_report
from sla_sniper.usecases.bundles import known_bundle
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.diagnose import diagnose_desk
from sla_sniper.usecases.files import require_folder, write_bytes, write_text
from sla_sniper.usecases.fingerprint import is_of_log, log_facts
from sla_sniper.usecases.kept import latest_backtest
from sla_sniper.usecases.notebook import executed_notebook, require_notebook
from sla_sniper.usecases.results import header
from sla_sniper.usecases.verdicts import (
    InForce,
    in_force,
    is_of_another_model,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sla_sniper.panels.document import Document
    from sla_sniper.usecases.desk import Desk

Format = Literal["md", "html", "pdf", "pptx", "ipynb"]
Rendered = Literal["md", "html", "pdf", "pptx"]
"""Formats that show the document as it is; a notebook tells it anew."""
_IS_TOLD: Final = frozenset({"sensitivity", "model_asked", "log"})
"""What a backtest of an older version has not kept."""


class NoBacktestError(WorkspaceError):
    """Nothing was replayed yet under the present settings, so that there is nothing to report."""

    exit_code = 37

    def __init__(self, folder: str, lacking: str) -> None:
        super().__init__(folder, lacking)
        self.folder, self.lacking = folder, lacking

    def __str__(self) -> str:
        return (
            f"The workspace {self.folder} has no backtest {self.lacking}; "
            "run `sniper backtest` first."
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Where the report is."""

    path: Path
    as_of: datetime
    verdict: str
    fmt: Format
    n_pages: int
    n_figures: int

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper report`."""
        return header("report", self.as_of) | {
            "file": str(self.path),
            "format": self.fmt,
            "pages": self.n_pages,
            "figures": self.n_figures,
            "verdict": self.verdict,
        }


def write_report(
    folder: Path,
    *,
    now: datetime,
    fmt: Format = "md",
    out: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Write the executive report from the latest backtest and the diagnosis.

    A notebook computes everything once more by itself, in its own cells; what is missing is found
    before they run.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs, or no effectiveness.
    NoBacktestError
        If nothing was replayed yet, or under other promises, costs or kinds of capacity, by
        another estimator than that of the model in use, or on a log that has changed since.
    UnreadableFileError
        If what was replayed is of an older version, without what the report tells.
    NotebookMissingError, NotebookFailedError
        If a notebook cannot be executed.
    """
    if fmt == "ipynb":
        require_notebook()
    desk = open_desk(folder, asked=None, now=now, progress=progress)
    backtest = told_backtest(desk)
    facts = facts_of(desk, backtest)
    document = executive_report(facts)
    progress("writing the report")
    path = out or desk.workspace.outputs / f"executive_slides.{fmt}"
    if fmt == "ipynb":
        _write_notebook(desk, path, progress)
    else:
        write_bytes(rendered(document, fmt, replayed_with(desk, backtest)), path)
    n_figures = len({figure.id for figure in document.figures()})
    return Report(path, desk.as_of, facts.sentence, fmt, len(document.pages), n_figures)


def _write_notebook(desk: Desk, path: Path, progress: Progress) -> None:
    """Write the executed notebook; it names the workspace by the way there from its own place."""
    place = path.resolve().parent
    require_folder(place)
    parameters = {
        "WORKSPACE": os.path.relpath(desk.workspace.folder.resolve(), place),
        "AS_OF": desk.as_of.isoformat(),
    }
    write_text(executed_notebook(parameters, place, progress=progress), path)


def told_backtest(desk: Desk) -> dict[str, Any]:
    """Return the latest backtest, if it may be told.

    Raises
    ------
    NoCostsError, NoBacktestError, UnreadableFileError
        As `write_report`.
    """
    folder = desk.workspace.folder
    desk.workspace.sla.require_costs()
    backtest = latest_backtest(desk.workspace.outputs)
    if backtest is None or datetime.fromisoformat(backtest["as_of"]) > desk.as_of:
        raise NoBacktestError(str(folder), f"that was known by {desk.as_of.isoformat()}")
    if backtest.get("stakes") != desk.workspace.sla.stakes:
        raise NoBacktestError(str(folder), "under the promises and costs that sla.toml has now")
    if not set(backtest) >= _IS_TOLD:
        raise UnreadableFileError(
            str(desk.workspace.outputs / "backtest" / "summary.json"),
            "an older version wrote it",
            "run `sniper backtest` again",
        )
    if not is_of_log(backtest, desk):
        raise NoBacktestError(str(folder), "of the log as it is now")
    return backtest


def facts_of(desk: Desk, backtest: Mapping[str, Any]) -> Facts:
    """Gather what a report is made of: the diagnosis anew, and a backtest.

    Parameters
    ----------
    backtest : mapping
        JSON object of a backtest, kept or just replayed: its verdicts alone count.
    """
    bundle = known_bundle(desk)
    manifest = None if bundle is None else read_manifest(bundle)
    if manifest is not None and is_of_another_model(backtest, manifest):
        lacking = f"of the model in use, {manifest['estimator']}"
        raise NoBacktestError(str(desk.workspace.folder), lacking)
    found = diagnose_desk(desk)
    capacity = nearest_capacity(backtest, desk.workspace.sla.capacity_per_day)
    verdict = _in_force(desk, capacity, manifest, backtest)
    return Facts(
        backtest=backtest,
        diagnosis=found.diagnosis,
        metric=found.metric,
        capacity=capacity,
        as_of=desk.as_of.isoformat(),
        policy=verdict.policy,
        sentence=verdict.sentence,
        log=log_facts(desk),
        per_day=desk.workspace.sla.capacity_per_day,
        why=verdict.why,
        detail=found.detail,
    )


def rendered(document: Document, fmt: Rendered, replayed: Mapping[str, Any]) -> bytes:
    """Render a report in one of its formats; each renderer is loaded only where it is used.

    Parameters
    ----------
    replayed : mapping
        See `replayed_with`; a deck keeps it.
    """
    match fmt:
        case "md":
            from sla_sniper.outputs.markdown import as_markdown  # noqa: PLC0415

            return as_markdown(document).encode()
        case "html":
            from sla_sniper.outputs.html import as_html  # noqa: PLC0415

            return as_html(document).encode()
        case "pdf":
            from sla_sniper.outputs.pdf import as_pdf  # noqa: PLC0415

            return as_pdf(document)
        case "pptx":
            from sla_sniper.outputs.slides import as_slides  # noqa: PLC0415

            return as_slides(document, replayed=replayed)


def replayed_with(desk: Desk, backtest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with which a backtest was made and the sources, to replay it anew."""
    names = ("as_of", "from", "to", "capacities", "epoch", "model_asked", "refit")
    sources = sorted(desk.stored["source"].unique())
    return {name: backtest[name] for name in names} | {"sources": sources}


def _in_force(
    desk: Desk, capacity: int, manifest: Mapping[str, Any] | None, backtest: Mapping[str, Any]
) -> InForce:
    """The verdict in force; a claim is only that of the backtest, whose numbers are told."""

    def ask(known: Mapping[str, Any] | None) -> InForce:
        return in_force(
            desk.workspace, capacity, as_of=desk.as_of, manifest=known, backtest=backtest
        )

    verdict = ask(manifest)
    return ask(None) if verdict.is_claimed else verdict
