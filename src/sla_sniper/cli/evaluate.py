"""sniper evaluate: parse, ask the use case, present the folds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from sla_sniper.cli.surface import (
    AsJson,
    AsOf,
    EpochName,
    Model,
    Workspace,
    instant,
    now,
    run,
)
from sla_sniper.cli.tables import table as empty_table
from sla_sniper.core.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from sla_sniper.usecases.evaluate import EvaluateReport

commands = typer.Typer()
_HERE: Final = Path()


@commands.command()
def evaluate(
    *,
    folds: Annotated[int, typer.Option(min=1, help="Origins.")] = 4,
    test_days: Annotated[int, typer.Option(min=1, help="Days each is tested on.")] = 5,
    epoch: Annotated[EpochName, typer.Option(help="How often to decide.")] = EpochName.day,
    model: Annotated[Model, typer.Option(help="Estimator.")] = Model.lightgbm,
    ablate: Annotated[bool, typer.Option("--ablate", help="Leave each cause out.")] = False,
    as_of: AsOf = None,
    workspace: Workspace = _HERE,
    as_json: AsJson = False,
) -> None:
    """Test the forecast on rolling origins, by segment, and without each cause."""
    from sla_sniper.usecases.evaluate import Folds, run_evaluate  # noqa: PLC0415

    run(
        lambda tell: run_evaluate(
            workspace,
            Folds(folds, test_days, epoch.value, model.value, ablate),
            as_of=instant(as_of, workspace, option="--as-of"),
            now=now(),
            progress=tell,
        ),
        as_json=as_json,
        show=show,
    )


def show(result: EvaluateReport, console: Console) -> None:
    """Print the folds, all of them together, the segments and the ablation."""
    from sla_sniper.cli.present import leak_warnings  # noqa: PLC0415

    leak_warnings(result.leaks, console)
    console.print(f"As of {result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})", style="italic")
    table = empty_table(
        "Fitted at", ">Clocks", ">Breached", ">AUC", ">of edf", ">Difference", ">Brier skill",
        ">Calibration error", ">Captured", ">priority_edf", ">edf_value", ">oracle",
    )  # fmt: skip
    for row in result.folds.iter_rows(named=True):
        table.add_row(
            f"{row['cut']:%Y-%m-%d}", f"{row['n_rows']:,}", _number(row["breach_share"]),
            _number(row["auc"]), _number(row["auc_edf"]), _difference(row),
            *(_number(row[name]) for name in (
                "brier_skill", "ece_width", "captured", "captured_priority_edf",
                "captured_edf_value", "captured_oracle",
            )),
        )  # fmt: skip
    console.print(table)
    if n_empty := result.empty_folds.height:
        console.print(
            f"On the days of {count(n_empty, 'fold')} of {result.folds.height} no clock ran: "
            "measured on nothing, and in none of the figures below.",
            highlight=False,
        )
    _metrics(result, console)
    _segments(result, console)
    if not result.ablation.is_empty():
        table = empty_table("Without", ">Features", "Metric", ">Difference")
        for row in result.ablation.iter_rows(named=True):
            table.add_row(
                escape(row["without"]), f"{row['n_features']}", row["metric"], _difference(row)
            )
        console.print(table)


def _metrics(result: EvaluateReport, console: Console) -> None:
    table = empty_table("Score", "Metric", ">Value", ">over days", ">over tickets", ">Against edf")
    for row in result.metrics.iter_rows(named=True):
        table.add_row(
            row["score"],
            row["metric"],
            _number(row["estimate"]),
            _bounds(row["low"], row["high"]),
            _bounds(row["ticket_low"], row["ticket_high"]),
            "" if row["score"] == "edf" else _difference(row),
        )
    console.print(table)


def _segments(result: EvaluateReport, console: Console) -> None:
    table = empty_table("By", "Value", ">Tickets", ">AUC", ">Against edf")
    if result.segments.is_empty():
        return
    for row in result.segments.filter(score="sniper", metric="auc").iter_rows(named=True):
        table.add_row(
            row["by"],
            escape(row["value"]),
            f"{row['n_tickets']:,}",
            f"{_number(row['estimate'])} {_bounds(row['low'], row['high'])}",
            _difference(row),
        )
    console.print(table)


def _difference(row: Mapping[str, Any]) -> str:
    if row["difference"] is None:
        return ""
    return f"{row['difference']:+.3f} {_bounds(row['difference_low'], row['difference_high'])}"


def _bounds(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None or low != low else f"[{low:.3f}, {high:.3f}]"  # noqa: PLR0124 - NaN


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
