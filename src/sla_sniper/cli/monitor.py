"""sniper monitor: parse, ask the use case, tell what has moved and what it costs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sla_sniper.cli.surface import AsJson, AsOf, Workspace, instant, now, run

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.monitored import MonitorReport, Ripe

commands = typer.Typer()
_HERE: Final = Path()
_MOST_WEEKS: Final = 1_000
"""Nineteen years: further back no desk is the same."""


@commands.command()
def monitor(
    *,
    as_of: AsOf = None,
    weeks: Annotated[
        int, typer.Option(min=1, max=_MOST_WEEKS, help="Weeks to look back at most.")
    ] = 4,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Say whether the desk has moved away from the model, and what that costs."""
    from sla_sniper.usecases.monitor import monitor as watch  # noqa: PLC0415

    run(
        lambda tell: watch(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            weeks=weeks,
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: MonitorReport, console: Console) -> None:
    """Print the findings, the figures of the ripe days, and what to do."""
    from sla_sniper.cli.present import leak_warnings  # noqa: PLC0415

    if result.ripe:
        leak_warnings(result.ripe.leaks, console)
    console.print(
        f"Model {result.version}, watched from {result.start:%Y-%m-%d %H:%M} to "
        f"{result.as_of:%Y-%m-%d %H:%M} UTC: {result.n_ripe:,} of {result.n_recent:,} snapshots "
        f"have ripe labels. Status: {result.status}.",
        highlight=False,
        markup=False,
    )
    for sentence in result.sentences:
        console.print(f"- {sentence}", highlight=False, markup=False)
    if result.ripe:
        ripe = result.ripe
        console.print(
            f"On {ripe.n_days} ripe days: {_skill(ripe)}; {_captured(ripe)}. {_gate(ripe)}",
            highlight=False,
            markup=False,
        )
    if result.proposal:
        console.print(result.proposal, highlight=False, markup=False)


def _skill(ripe: Ripe) -> str:
    """Say how well the forecast ranks and how sharp it is, where both outcomes occur."""
    if math.isnan(ripe.auc):
        return f"{'every' if ripe.observed else 'no'} clock breached, so no AUC or Brier skill"
    return f"AUC {ripe.auc:.3f}, Brier skill {ripe.brier_skill:.3f}"


def _captured(ripe: Ripe) -> str:
    if math.isnan(ripe.captured):
        return "no cost to capture"
    return (
        f"captured {100 * ripe.captured:.0f} % of the cost, {ripe.verdict.advantage.rule} "
        f"{100 * ripe.captured_by_rule:.0f} %"
    )


def _gate(ripe: Ripe) -> str:
    """Say what the gate finds on the ripe days: it can be closed by them, not opened."""
    verdict = ripe.verdict
    if ripe.closes:
        return f"The gate is closed, the queue ranks by {verdict.policy}: {verdict.sentence}."
    return f"The gate stays as it is: {verdict.sentence}."
