"""sniper conformance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_sniper.cli.surface import AsJson, Workspace, now, reported, run

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.conformance import Conformance

commands = typer.Typer()
HERE = Path()


@commands.command()
def conformance(
    file: Annotated[Path, typer.Argument(help="Vectors in the schema sla-vectors/1.")],
    *,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Put clock vectors of other products to this clock: one JSON object a line."""
    from sla_sniper.usecases.conformance import run_vectors  # noqa: PLC0415

    del workspace
    with reported():
        found = run_vectors(file, now=now())
    run(lambda _: found, as_json=as_json, show=_show)
    with reported():
        found.require_all()


def _show(found: Conformance, _: Console) -> None:
    for answer in found.answers:
        typer.echo(json.dumps(answer, allow_nan=False))
