"""sniper reconcile: parse, ask the use case, present where two clocks part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from sla_sniper.cli.surface import AsJson, AsOf, Out, Workspace, instant, now, run
from sla_sniper.cli.tables import table as empty_table
from sla_sniper.core.words import count

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.stats.intervals import Interval
    from sla_sniper.usecases.reconcile import Inference, ReconcileReport

commands = typer.Typer()
_HERE: Final = Path()
_WHAT: Final = {
    "agrees": "agree in all that was compared",
    "verdict_agrees": "agree in the verdict",
    "due_agrees": "agree in the deadline, to the minute",
}


@commands.command()
def reconcile(
    *,
    metric: Annotated[str, typer.Option(metavar="M", help="Which clock.")] = "resolution_time",
    infer: Annotated[
        bool, typer.Option("--infer", help="Propose the rules behind the help desk's verdicts.")
    ] = False,
    as_of: AsOf = None,
    out: Out = None,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Hold our clock against the help desk's own verdicts, ticket by ticket."""
    from sla_sniper.usecases.reconcile import reconcile as hold_against  # noqa: PLC0415

    run(
        lambda tell: hold_against(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            metric=metric,
            infer=infer,
            out=out,
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: ReconcileReport, console: Console) -> None:
    """Print the agreement, the causes of disagreement and the inferred rules."""
    stamp = f"{result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})"
    console.print(f"[bold]{result.metric}[/] as of {stamp}", highlight=False)
    _say(
        console,
        f"{count(result.compared.height, 'ticket')} compared; the help desk tells nothing of "
        f"{result.n_standing('nothing_told'):,}, no clock of ours runs on "
        f"{result.n_standing('no_clock'):,}.",
    )
    for column, words in _WHAT.items():
        _agreement(*result.agreement(column), words, console)
    stopped = "agree in all, of those whose clock has stopped"
    _agreement(*result.agreement(is_finished=True), stopped, console)
    causes = result.causes()
    if causes:
        _causes(causes, console)
    for cause in causes:
        _cause(cause, console)
    if result.inference is not None:
        _inference(result.inference, console)


def _agreement(n_agree: int, n: int, interval: Interval, words: str, console: Console) -> None:
    if n:
        bounds = f"[{interval.low:.1%}, {interval.high:.1%}]"
        _say(console, f"{n_agree:,} of {n:,} {words}: {interval.estimate:.1%} {bounds}.")


def _causes(causes: list[dict[str, Any]], console: Console) -> None:
    table = empty_table("Cause", ">Tickets", ">Could explain")
    for row in causes:
        table.add_row(row["cause"], f"{row['tickets']:,}", f"{row['could_explain']:,}")
    console.print(table)


def _cause(cause: dict[str, Any], console: Console) -> None:
    _say(console, f"- {cause['sentence']}.")
    for each in cause["alternatives"]:
        if each["explains"]:
            _say(
                console,
                f"    {each['detail']}: {each['explains']:,} would come to agree, "
                f"{each['breaks']:,} that agree now would not",
            )
    for row in cause["examples"]:
        ours, theirs = _side(row, "our"), _side(row, "their")
        _say(console, f"    {row['ticket_id']}: ours {ours}; theirs {theirs}")


def _side(row: dict[str, Any], whose: str) -> str:
    verdict = {None: "", True: "breached", False: "not breached"}[row[f"{whose}_breached"]]
    due = row[f"{whose}_due_at"]
    parts = (verdict, f"due {due[:16].replace('T', ' ')} UTC" if due else "")
    return ", ".join(part for part in parts if part) or "nothing"


def _inference(found: Inference, console: Console) -> None:
    console.rule("[bold]The rules behind the help desk's verdicts", align="left")
    _say(
        console,
        f"From {count(found.n_tickets, 'finished ticket')}; left out, because not finished: "
        f"{found.n_unfinished:,}.",
    )
    for warning in found.warnings:
        console.print(f"[yellow]warning[/] {escape(warning)}", highlight=False)
    for sentence in found.sentences():
        _say(console, f"- {sentence}.")
    if not found.proposal:
        _say(console, "Nothing can be proposed.")
        return
    _say(console, "For sla.toml, in place of the policy that covers these priorities:")
    console.file.write(f"\n{found.proposal}")


def _say(console: Console, text: str) -> None:
    console.print(escape(text), highlight=False)
