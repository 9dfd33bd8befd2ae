"""sniper policy test: parse, play the examples, present them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from sla_sniper.cli.surface import AsJson, Workspace, reported, run

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.policy_test import PolicyTest

commands = typer.Typer()
_group = typer.Typer(
    name="policy", help="Work on policy files: `sniper policy test`.", no_args_is_help=True
)
commands.add_typer(_group)
_HERE: Final = Path()


@_group.callback()
def _policy() -> None:
    """Work on policy files."""


@_group.command("test")
def run_file(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Default: the workspace's sla.toml.")
    ] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail without any example.")] = False,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Run the worked examples written inside a policy file."""
    from sla_sniper.usecases.policy_test import run_examples  # noqa: PLC0415

    with reported():
        found = run_examples(workspace, file)
    run(lambda _: found, as_json=as_json, show=show)
    with reported():
        found.require(is_strict=strict)


def show(result: PolicyTest, console: Console) -> None:
    """Print every example, and below it what is not as expected, a value a line."""
    for outcome in result.outcomes:
        mark = "[green]ok[/]  " if outcome.is_as_expected else "[red]FAIL[/]"
        console.print(f"{mark} {escape(outcome.example.name)}", highlight=False)
        for line in result.lines(outcome):
            console.print(f"       {escape(line)}", highlight=False)
    for note in result.notes:
        console.print(f"[cyan]note[/] {escape(note)}", highlight=False)
    console.print(result.sentence(), highlight=False, markup=False)
