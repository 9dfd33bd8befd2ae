"""sniper exposure: parse, ask the use case, present what is at risk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from sla_sniper.cli.surface import AsJson, AsOf, Out, Workspace, instant, now, run

if TYPE_CHECKING:
    from rich.console import Console

    from sla_sniper.usecases.exposure import ExposureReport

commands = typer.Typer()
_HERE: Final = Path()
_SHOWN: Final = 30


@commands.command()
def exposure(
    *,
    as_of: AsOf = None,
    out: Out = None,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Say what credits are at risk in contracts that pay on attainment."""
    from sla_sniper.usecases.exposure import measure_exposure  # noqa: PLC0415

    run(
        lambda tell: measure_exposure(
            workspace,
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            out=out,
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: ExposureReport, console: Console) -> None:
    """Print the accounts that put most at risk."""
    # Imported late: `sniper --help` shall not wait for them.
    from rich.markup import escape  # noqa: PLC0415

    from sla_sniper.cli.tables import table as empty_table  # noqa: PLC0415
    from sla_sniper.core.words import percent  # noqa: PLC0415
    from sla_sniper.escalation.costs import money  # noqa: PLC0415

    console.print(f"As of {result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})", style="italic")
    if not result.contracts:
        told = "No contract pays on attainment: sla.toml has no [[costs.attainment]]."
        console.print(escape(told), highlight=False)
        return
    table = empty_table(
        "Account", "Period from", ">Promise", ">So far", ">Missed", ">Allowed", ">To come",
        ">P(below)", ">Expected credit", ">One more breach",
    )  # fmt: skip
    ranked = result.frame.sort("expected_credit", "contract", descending=[True, False])
    for row in ranked.head(_SHOWN).iter_rows(named=True):
        table.add_row(
            escape(row["account"]),
            f"{row['period']}",
            percent(row["promise"]),
            "" if row["attainment"] is None else percent(row["attainment"]),
            str(row["missed"]),
            str(row["allowed"]),
            f"{row['running'] + row['expected']:.0f}",
            percent(row["p_below"]),
            escape(money(row["expected_credit"], result.currency)),
            escape(money(row["next_breach"], result.currency)),
        )
    console.print(table)
    total = escape(money(float(result.frame["expected_credit"].sum()), result.currency))
    console.print(
        f"Expected credits of {result.frame.height:,} accounts and periods: {total}. The rest of a "
        "period is taken to breach at the account's own rate, shrunk towards that of all.",
        highlight=False,
    )
