"""sniper whatif: parse, ask the use case, present what changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from sla_sniper.cli.surface import AsJson, AsOf, Out, Workspace, instant, now, run
from sla_sniper.cli.tables import table as empty_table

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from sla_sniper.usecases.whatif import WhatIf

commands = typer.Typer()
_HERE: Final = Path()
_SHOWN: Final = 15
_N_EXAMPLES: Final = 20
_COUNTS: Final = (">Clocks before", ">after", ">Breaches before", ">after", ">Change")


@commands.command()
def whatif(
    new: Annotated[Path, typer.Argument(metavar="NEW_SLA.TOML", help="The other policy file.")],
    *,
    as_of: AsOf = None,
    out: Out = None,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Replay the whole history under another policy file and say what changes."""
    from sla_sniper.usecases.whatif import ask_whatif  # noqa: PLC0415

    run(
        lambda tell: ask_whatif(
            workspace,
            new,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            out=out,
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: WhatIf, console: Console) -> None:
    """Print the sentences, the tables and the first tickets that flip."""
    console.print(f"As of {result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})", style="italic")
    for sentence in result.sentences():
        console.print(f"- {escape(sentence)}.", highlight=False)
    for name in result.tables:
        _counts(name, result, console)
    _transitions(result.transitions(), console)
    for before, after in (("met", "breached"), ("breached", "met")):
        _examples(before, after, result.flips(before, after), console)


def _counts(name: str, result: WhatIf, console: Console) -> None:
    rows, n_all = result.largest(name, _SHOWN), result.tables[name].height
    keys = ["metric"] if name == "metric" else ["metric", name]
    table = empty_table(*(key.capitalize() for key in keys), *_COUNTS)
    for row in rows.iter_rows(named=True):
        table.add_row(*(_text(row[key]) for key in keys), *_cells(row))
    console.print(table)
    if rows.height < n_all:
        console.print(f"The {rows.height} of {n_all:,} that change most; --json has all.")


def _cells(row: dict[str, int]) -> tuple[str, ...]:
    change = row["breaches_after"] - row["breaches_before"]
    counts = ("clocks_before", "clocks_after", "breaches_before", "breaches_after")
    return (*(f"{row[name]:,}" for name in counts), f"{change:+,}" if change else "0")


def _transitions(rows: pl.DataFrame, console: Console) -> None:
    if rows.is_empty():
        return
    table = empty_table("Metric", "Before", "After", ">Clocks", ">Tickets")
    for metric, before, after, n_clocks, n_tickets in rows.iter_rows():
        table.add_row(_text(metric), before, after, f"{n_clocks:,}", f"{n_tickets:,}")
    console.print(table)


def _examples(before: str, after: str, rows: pl.DataFrame, console: Console) -> None:
    if rows.is_empty():
        return
    tickets = rows["ticket_id"].unique(maintain_order=True)
    named = ", ".join(tickets.head(_N_EXAMPLES))
    more = "" if tickets.len() <= _N_EXAMPLES else f" and {tickets.len() - _N_EXAMPLES:,} more"
    console.print(f"From {before} to {after}: {_text(named)}{more}", highlight=False)


def _text(value: str | None) -> str:
    return "(none)" if value is None else escape(value)
