"""sniper clock: parse, read the clocks, present how they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape

from sla_sniper.cli.surface import AsJson, AsOf, Out, Workspace, instant, now, run
from sla_sniper.cli.tables import table as empty_table

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.clock import ClockReport

commands = typer.Typer()
_HERE: Final = Path()


@commands.command()
def clock(
    *, as_of: AsOf = None, out: Out = None, workspace: Workspace = _HERE, as_json: AsJson = False
) -> None:
    """Compute the cycles of every SLA clock."""
    from sla_sniper.usecases.clock import read_clocks  # noqa: PLC0415

    run(
        lambda tell: read_clocks(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            out=out,
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: ClockReport, console: Console) -> None:
    """Print how the cycles stand, who has none, and what to be warned about next."""
    moment = f"{result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})"
    console.print(f"Clocks as of {moment}", style="italic", highlight=False)
    table = empty_table("Metric", "Priority", "State", ">Cycles")
    for metric, priority, state, count in result.states().iter_rows():
        table.add_row(metric, escape(priority or "(none)"), state, f"{count:,}")
    console.print(table)
    for sentence in result.sentences():
        console.print(sentence, highlight=False, markup=False)
