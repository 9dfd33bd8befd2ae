"""sniper diagnose: parse, ask the use case, present where targets are missed and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from sla_sniper.cli.surface import AsJson, AsOf, Out, Workspace, instant, now, run

commands = typer.Typer()
_HERE: Final = Path()


@commands.command()
def diagnose(
    *,
    metric: Annotated[
        str | None,
        typer.Option(help="What is timed; the first metric of the policies if not given."),
    ] = None,
    tickets: Annotated[
        str | None, typer.Option(metavar="ID", help="List the tickets of one finding, by its id.")
    ] = None,
    out: Out = None,
    as_of: AsOf = None,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Say where targets are missed, when and why, with effect sizes, intervals and money."""
    from sla_sniper.cli.diagnosis_tables import show, show_tickets  # noqa: PLC0415
    from sla_sniper.usecases.diagnose import diagnose_log, list_tickets  # noqa: PLC0415

    moment = instant(as_of, workspace, option="--as-of")
    if tickets is None:
        run(
            lambda tell: diagnose_log(
                workspace, as_of=moment, now=now(), metric=metric, out=out, progress=tell
            ),
            as_json=as_json,
            show=show,
        )
        return
    run(
        lambda tell: list_tickets(
            workspace, tickets, as_of=moment, now=now(), metric=metric, out=out, progress=tell
        ),
        as_json=as_json,
        show=show_tickets,
    )
