"""sniper explain: parse, ask the use case, tell the ticket's clocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sla_sniper.cli.surface import AsJson, AsOf, Workspace, instant, now, run

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.explain import ExplainReport

commands = typer.Typer()
_HERE: Final = Path()


@commands.command()
def explain(
    ticket: Annotated[str, typer.Argument(help="Id of the ticket, as in the file.")],
    *,
    as_of: AsOf = None,
    metric: Annotated[str, typer.Option(metavar="M", help="Only this metric.")] = "",
    source: Annotated[str, typer.Option(help="Where several sources have this id.")] = "",
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Tell one ticket's clocks: every transition, the rule behind it, and what comes next."""
    from sla_sniper.usecases.explain import explain_ticket  # noqa: PLC0415

    run(
        lambda tell: explain_ticket(
            workspace,
            ticket,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            source=source,
            metric=metric,
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: ExplainReport, console: Console) -> None:
    """Print the explanation, a paragraph a moment."""
    from sla_sniper.panels.story import forecast_words, merged_words, story_lines  # noqa: PLC0415

    for line in story_lines(result.explanation, result.clocks):
        console.print(line.text, style=line.style, highlight=False, markup=False)
    if result.merged:
        told = merged_words(result.merged, result.explanation.timezone)
        console.print(told, highlight=False, markup=False)
    for forecast in result.forecasts:
        console.print(
            forecast_words(
                forecast.metric,
                forecast.p_breach,
                forecast.reasons,
                forecast.advice,
                forecast.done_in_h,
            ),
            highlight=False,
            markup=False,
        )
    if not result.has_model:
        console.print(
            "There is no forecast: no model was trained on these policies by then.", highlight=False
        )
