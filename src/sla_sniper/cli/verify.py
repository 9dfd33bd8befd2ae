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
    """Print how many numbers of each slide hold, and everything that does not."""
    table = Table("slide", "numbers", "hold")
    found = result.found
    for slide, names in found.numbers.items():
        n = len(set(names))
        table.add_row(str(slide), f"{n:,}", f"{n - result.wrong_on(slide):,}")
    console.print(table)
    lines = []
    for each in found.differences:
        now_told = each.recomputed.rstrip(".") or "nothing there"
        told = each.printed or "nothing: it is gone from the slide"
        lines.append(
            f"FAIL slide {each.slide}, {each.id}: the deck says {told}; the workspace gives "
            f"{now_told}."
        )
    for edit in found.edits:
        told = f"now says: {edit.printed}" if edit.printed else f"no longer says: {edit.recomputed}"
        lines.append(f"Edited, without a number: slide {edit.slide} {told}")
    for line in lines:
        console.print(line, highlight=False, markup=False)
    if found.left_out:
        console.print(f"{count(len(found.left_out), 'number')} left out with their slides.")
    if found.n_unread:
        console.print(f"{count(found.n_unread, 'picture or other object')} nobody reads here.")
    if not found.differences:
        console.print(f"All {count(result.n_checked, 'number')} hold as of {result.as_of}.")
