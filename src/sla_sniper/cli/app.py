"""The commands. Heavy imports are inside each, so that `sniper --help` is quick."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from sla_sniper.cli import (
    clock,
    conformance,
    diagnose,
    evaluate,
    explain,
    exposure,
    monitor,
    policy,
    reconcile,
    verify,
    whatif,
)
from sla_sniper.cli.surface import (
    AsJson,
    AsOf,
    EpochName,
    Export,
    Model,
    Out,
    RefitName,
    ReportFormat,
    Workspace,
    instant,
    now,
    reported,
    run,
    slots,
)
from sla_sniper.cli.usage import Commands
from sla_sniper.core.limits import MOST_SLOTS

app = typer.Typer(
    name="sniper",
    cls=Commands,
    help="A verified SLA clock, an honest breach forecast and the escalations worth taking.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
HERE = Path()


def main() -> None:
    """Run the command line."""
    # OpenMP threads that spin while they wait make two busy cores many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app()


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(version("sla-sniper"))
        raise typer.Exit


VERSION = typer.Option(
    "--version", callback=_print_version, is_eager=True, help="Print the version."
)


@app.callback()
def _options(
    *,
    version: Annotated[bool, VERSION] = False,
) -> None:
    del version  # its callback answers before a missing command is noticed


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Workspace.")] = Path("demo"),
    *,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Print only.")] = False,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Same as DIR.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do the whole job on the bundled ServiceNow log, then open the command center."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.demo import run_demo  # noqa: PLC0415

    folder = workspace or directory
    run(
        lambda tell: run_demo(folder, now=now(), progress=tell),
        as_json=as_json,
        show=present.demo,
    )
    if not (no_serve or as_json or os.environ.get("CI", "") in {"true", "1"}):
        serve(workspace=folder)


@app.command()
def init(
    directory: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Workspace.")] = None,
    *,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="Rules of a help desk, such as zendesk.")
    ] = "",
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a workspace with commented configuration; asks nothing."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.init import init_workspace  # noqa: PLC0415

    run(
        lambda _: init_workspace(directory or workspace, preset=preset),
        as_json=as_json,
        show=present.new_workspace,
    )


@app.command("map")
def map_(
    file: Annotated[Path, typer.Argument(help="A file of your help desk.")],
    *,
    delimiter: Annotated[str, typer.Option(help="Of a CSV file.")] = ",",
    out: Annotated[Path | None, typer.Option("--out", help="Write map.toml here.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Propose a commented map.toml for a file, and say what was guessed."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.mapping import propose_mapping  # noqa: PLC0415

    del workspace
    run(
        lambda _: propose_mapping(file, delimiter=delimiter, out=out),
        as_json=as_json,
        show=lambda result, console: present.proposal(result, console, is_written=out is not None),
    )


@app.command()
def ingest(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to read.")],
    *,
    mapping: Annotated[Path | None, typer.Option("--map", help="How they are read.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Append files to the event log; the same file twice adds nothing."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.ingest import ingest_files  # noqa: PLC0415

    run(
        lambda tell: ingest_files(workspace, files, mapping=mapping, progress=tell),
        as_json=as_json,
        show=present.ingested,
    )


@app.command()
def check(
    *,
    as_of: AsOf = None,
    leaks: Annotated[bool, typer.Option("--leaks", help="Also look for leaks.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Check the quality of the log, in words with counts; also what knows the future."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.check import check_log  # noqa: PLC0415

    run(
        lambda tell: check_log(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            leaks=leaks,
            progress=tell,
        ),
        as_json=as_json,
        show=present.check,
    )


for part in (
    clock, conformance, explain, reconcile, whatif, policy, diagnose, evaluate, exposure, monitor,
    verify,
):  # fmt: skip
    app.add_typer(part.commands)


@app.command()
def train(
    *,
    as_of: AsOf = None,
    model: Annotated[Model, typer.Option(help="Estimator.")] = Model.lightgbm,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Fit, calibrate, evaluate and save a model of what was known at an instant."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.train import train as fit  # noqa: PLC0415

    run(
        lambda tell: fit(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            name=model.value,
            progress=tell,
        ),
        as_json=as_json,
        show=present.trained,
    )


@app.command()
def backtest(
    *,
    start: Annotated[str | None, typer.Option("--from", metavar="T", help="Included.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Excluded.")] = None,
    capacity: Annotated[str, typer.Option(help="Slots a day, several by commas.")] = "10,25,50,100",
    epoch: Annotated[EpochName, typer.Option(help="How often to decide.")] = EpochName.hour,
    model: Annotated[Model, typer.Option(help="Estimator.")] = Model.lightgbm,
    refit: Annotated[RefitName, typer.Option(help="How often to fit.")] = RefitName.weekly,
    out: Out = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Replay every policy over past days, with intervals and the honesty gate."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.backtest import Plan, run_backtest  # noqa: PLC0415

    capacities = slots(capacity)
    run(
        lambda tell: run_backtest(
            workspace,
            Plan(
                instant(start, workspace, option="--from"),
                instant(end, workspace, option="--to"),
                capacities,
                epoch.value,
                model.value,
                refit.value,
            ),
            now=now(),
            out=out,
            progress=tell,
        ),
        as_json=as_json,
        show=present.backtest,
    )


@app.command()
def queue(
    *,
    as_of: AsOf = None,
    capacity: Annotated[
        int | None, typer.Option(min=0, max=MOST_SLOTS, help="Slots today.")
    ] = None,
    out: Out = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Print the kill list: which tickets to escalate now, and why."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.queue import make_queue  # noqa: PLC0415

    run(
        lambda tell: make_queue(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            capacity=capacity,
            out=out,
            progress=tell,
        ),
        as_json=as_json,
        show=present.queue,
    )


@app.command()
def export(
    kind: Annotated[Export, typer.Argument(help="Format.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")],
    *,
    as_of: AsOf = None,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Also assignees and requesters.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Write predictions, clocks and a mart for Tableau, Excel, dbt and others."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.export import Form  # noqa: PLC0415
    from sla_sniper.usecases.export import export as write  # noqa: PLC0415

    run(
        lambda tell: write(
            workspace,
            directory,
            Form(kind.value, with_names),
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            progress=tell,
        ),
        as_json=as_json,
        show=present.exported,
    )


@app.command()
def report(
    *,
    fmt: Annotated[ReportFormat, typer.Option("--format", help="Format.")] = ReportFormat.md,
    out: Annotated[Path | None, typer.Option("--out", help="Another place.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Write the executive report from the latest backtest."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.report import write_report  # noqa: PLC0415

    run(
        lambda tell: write_report(workspace, now=now(), fmt=fmt.value, out=out, progress=tell),
        as_json=as_json,
        show=present.report,
    )


@app.command()
def prototype(
    file: Annotated[Path, typer.Argument(help="synthetic_support_tickets.csv")],
    *,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Reproduce the prototype's recipe and judge it against sorting by priority."""
    from sla_sniper.cli import present  # noqa: PLC0415
    from sla_sniper.usecases.prototype import judge_prototype  # noqa: PLC0415

    del workspace

    def judge(tell: object) -> object:
        tell("fitting the prototype's forests")  # type: ignore[operator]
        return judge_prototype(file)

    run(judge, as_json=as_json, show=present.prototype)  # type: ignore[arg-type]


@app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8501,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Serve the command center."""
    from sla_sniper.ui.serve import serve as start  # noqa: PLC0415

    def ready() -> None:
        url = f"http://{host}:{port}"
        if as_json:
            typer.echo(json.dumps({"schema": "sniper.serve/1", "as_of": None, "url": url}))
        typer.echo(f"The command center is at {url} (Ctrl+C ends it).", err=True)

    with reported():
        start(workspace, host=host, port=port, ready=ready)
