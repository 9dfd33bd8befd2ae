"""sniper verify: parse, recompute a deck, present what holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from sla_sniper.cli.surface import AsJson, Workspace, now, reported, run
from sla_sniper.core.words import count

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.verify import VerifyReport

commands = typer.Typer()
_HERE: Final = Path()


@commands.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE.pptx", help="A deck of `sniper report`.")],
    *,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Recompute every number of a deck from the log, and name each that no longer holds."""
    from sla_sniper.usecases.verify import verify_deck  # noqa: PLC0415

    kept: list[VerifyReport] = []

    def work(tell: object) -> VerifyReport:
        kept.append(verify_deck(file, workspace, now=now(), progress=tell))  # type: ignore[arg-type]
        return kept[0]

    run(work, as_json=as_json, show=show)
    with reported():
        kept[0].require()


def show(result: VerifyReport, console: Console) -> None:
    """Print how many numbers of each slide hold, and each that does not."""
    wrong = {each.slide: 0 for each in result.differences}
    for each in result.differences:
        wrong[each.slide] += 1
    table = Table("slide", "numbers", "hold")
    for slide, n in result.slides.items():
        table.add_row(str(slide), f"{n:,}", f"{n - wrong.get(slide, 0):,}")
    console.print(table)
    for each in result.differences:
        now_told = each.recomputed or "nothing: it is not computed any more"
        told = each.printed or "nothing: it is gone from the slide"
        console.print(
            f"FAIL slide {each.slide}, {each.id}: the deck says {told}; the workspace gives "
            f"{now_told}.",
            highlight=False,
            markup=False,
        )
    if result.n_left_out:
        console.print(f"{count(result.n_left_out, 'number')} left out with their slides.")
    if not result.differences:
        console.print(f"All {count(result.n_checked, 'number')} hold as of {result.as_of}.")
