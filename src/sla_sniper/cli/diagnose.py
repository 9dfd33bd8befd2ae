"""sniper diagnose: parse, ask the use case, present where targets are missed and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sla_sniper.cli.surface import AsJson, AsOf, Out, Workspace, instant, now, run

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.diagnose import DiagnosisReport, FindingTickets

commands = typer.Typer()
_HERE: Final = Path()
_SHOWN: Final = 10


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


def show(result: DiagnosisReport, console: Console) -> None:
    """Print the findings by money, the overview, the curves and where the time went."""
    from rich.markup import escape  # noqa: PLC0415

    from sla_sniper.cli.tables import table as empty_table  # noqa: PLC0415
    from sla_sniper.panels.words import between  # noqa: PLC0415

    moment = f"{result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})"
    console.print(f"{result.metric} as of {moment}", style="italic", highlight=False, markup=False)
    for sentence in result.sentences():
        console.print(f"- {escape(sentence)}", highlight=False)
    found = result.detail
    if found.findings:
        table = empty_table(">Money", "[95 %]", "Finding", "Meaning")
        for each in found.findings[:_SHOWN]:
            low, high = (result.amount(bound) for bound in (each.money.low, each.money.high))
            table.add_row(
                escape(result.amount(each.money.estimate)), escape(between(low, high)),
                escape(each.sentence), escape(each.meaning),
            )  # fmt: skip
        console.print(table)
        console.print(
            f"{len(found.findings):,} findings by money; they overlap and do not add up. Tickets "
            f"of the first: {escape(found.findings[0].check)}",
            highlight=False,
        )
    for curve in found.curves:
        console.print(f"- {escape(curve.sentence)}", highlight=False)
    if found.legs:
        table = empty_table(
            "Where the time went", ">Met, h", ">Missed, h", ">Of missed", ">More [95 %], h"
        )
        for leg in found.legs:
            gap = leg.difference
            table.add_row(
                leg.words, f"{leg.met:.1f}", f"{leg.missed:.1f}", f"{leg.share_of_missed:.0%}",
                f"{gap.estimate:.1f} {between(f'{gap.low:.1f}', f'{gap.high:.1f}')}",
            )  # fmt: skip
        console.print(table)
        console.print(found.cut.sentence, highlight=False)


def show_tickets(result: FindingTickets, console: Console) -> None:
    """Print a finding and its tickets."""
    console.print(result.finding.sentence, highlight=False, markup=False)
    for ticket in result.tickets["ticket_id"].to_list():
        console.print(ticket, highlight=False, markup=False)
