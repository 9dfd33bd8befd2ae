"""The diagnosis in a terminal: a few short tables of everything that its JSON object holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from rich.markup import escape

from sla_sniper.cli.tables import table
from sla_sniper.core.words import command, count, percents, visible
from sla_sniper.diagnosis.tried import PERSON
from sla_sniper.panels.words import between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from sla_sniper.diagnosis import Detail
    from sla_sniper.diagnosis.flow import Hour, Recovery
    from sla_sniper.stats import Interval
    from sla_sniper.usecases.diagnose import DiagnosisReport, FindingTickets

_MOST_CELLS: Final = 10
_MOST_COMPARED: Final = 5
_MOST_WEEKS: Final = 12
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LEAST_P: Final = 0.001


def show(result: DiagnosisReport, console: Console) -> None:
    """Print the overview, the findings with their ids, and a short table of each other part."""
    moment = f"{result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})"
    console.print(f"{result.metric} as of {moment}", style="italic", highlight=False, markup=False)
    found = result.detail
    _say(console, result.sentences())
    _findings(result, console)
    _say(console, (_habit(each.sentence, each.examples) for each in found.conduct))
    _cells(result, console)
    _tests(found, console)
    _compared(found, console)
    _say(console, (curve.sentence for curve in found.curves))
    _legs(found, console)
    _flow(found, console)
    if found.recovery.n:
        _say(console, [_recovery(found.recovery)])


def show_tickets(result: FindingTickets, console: Console) -> None:
    """Print a finding and its tickets, with their source where the log has several."""
    console.print(visible(result.finding.sentence), highlight=False, markup=False)
    for source, ticket in result.tickets.select("source", "ticket_id").iter_rows():
        name = f"{source} {ticket}" if result.has_sources else ticket
        console.print(visible(name), highlight=False, markup=False)


def _say(console: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(f"- {_shown(sentence)}", highlight=False)


def _shown(text: str) -> str:
    return escape(visible(text))


def _findings(result: DiagnosisReport, console: Console) -> None:
    found = result.detail.findings
    if not found:
        return
    listed = table("Id", ">Money", "[95 %]", "Finding", "Meaning")
    listed.columns[0].no_wrap = True
    for each in found:
        low, high = (result.amount(bound) for bound in (each.money.low, each.money.high))
        listed.add_row(
            escape(command([each.id])), _shown(result.amount(each.money.estimate)),
            _shown(between(low, high)), _shown(each.sentence), _shown(each.meaning),
        )  # fmt: skip
    console.print(listed)
    console.print(
        f"{count(len(found), 'finding')} by money; they overlap and do not add up. Tickets of one, "
        f"by its id: {escape(found[0].check)}",
        highlight=False,
    )


def _habit(sentence: str, examples: Sequence[str]) -> str:
    return f"{sentence} Such as {', '.join(examples)}." if examples else sentence


def _cells(result: DiagnosisReport, console: Console) -> None:
    cells = result.detail.cells
    is_place = pl.col("dimension_2").is_null() & (pl.col("dimension") != PERSON)
    shown = cells.filter(is_place, ~pl.col("is_few")).head(_MOST_CELLS)
    if shown.is_empty():
        return
    listed = table("Dearest values", "", ">Targets", ">Missed", ">Rate", "[95 %]", ">Cost")
    for row in shown.iter_rows(named=True):
        listed.add_row(
            _shown(row["dimension"]), _shown(row["level"]), f"{row['n']:,}", f"{row['n_missed']:,}",
            f"{row['rate']:.0%}", between(f"{row['low']:.0%}", f"{row['high']:.0%}"),
            _shown(result.amount(row["cost"])),
        )  # fmt: skip
    console.print(listed)
    console.print(
        f"{count(cells.height)} values and pairs of values in all: --out FILE writes them.",
        highlight=False,
    )


def _tests(found: Detail, console: Console) -> None:
    if not (found.tests or found.numbers):
        return
    listed = table("Goes with missing", ">Statistic", ">Degrees", ">p adjusted")
    for each in found.tests:
        listed.add_row(
            _shown(each.name), f"chi-square {each.test.statistic:,.1f}", f"{each.test.df:,}",
            _p(each.p_adjusted),
        )  # fmt: skip
    for ranks, p in found.numbers:
        listed.add_row(_shown(ranks.name), f"rank-biserial {_interval(ranks.r, '.2f')}", "", _p(p))
    console.print(listed)


def _compared(found: Detail, console: Console) -> None:
    for dimension, levels in found.compared.items():
        if not levels:
            continue
        listed = table(
            f"{dimension.capitalize()}, with everybody's tickets", ">Targets", ">Missed",
            ">Expected", ">Rate [95 %]",
        )  # fmt: skip
        for each in levels[:_MOST_COMPARED]:
            listed.add_row(
                _shown(each.level), f"{each.n:,}", f"{each.n_missed:,}", f"{each.expected:,.0f}",
                _interval(each.adjusted, ".0%"),
            )  # fmt: skip
        console.print(listed)
        console.print(f"{count(len(levels))} compared, those first that cost most.")


def _legs(found: Detail, console: Console) -> None:
    if not found.legs:
        return
    listed = table(
        "Where the time went", ">Met, h", ">Missed, h", ">of it on the clock", ">Of missed",
        ">More, h [95 %]",
    )  # fmt: skip
    for leg in found.legs:
        listed.add_row(
            leg.words, _number(leg.met, ".1f"), _number(leg.missed, ".1f"),
            _number(leg.ran_missed, ".1f"), _number(leg.share_of_missed, ".0%"),
            _interval(leg.difference, ".1f"),
        )  # fmt: skip
    console.print(listed)
    console.print(found.cut.sentence, highlight=False)


def _flow(found: Detail, console: Console) -> None:
    if not found.weeks:
        return
    _say(console, [_rush(found.hours)])
    listed = table("Week of", ">Came in", ">Done", ">Open at its end", ">Missed of those that came")
    for week in found.weeks[-_MOST_WEEKS:]:
        listed.add_row(
            f"{week.monday}", f"{week.came:,}", f"{week.done:,}", f"{week.open:,}",
            f"{week.missed:,}",
        )  # fmt: skip
    console.print(listed)
    console.print(
        f"{count(len(found.weeks), 'week')} in all; every one, and every hour of the week: --json.",
        highlight=False,
    )


def _rush(hours: Sequence[Hour]) -> str:
    came, done, most = (
        max(hours, key=lambda hour: getattr(hour, name)) for name in ("came", "done", "open")
    )
    return (
        f"In the mean of the weeks most comes in on {_at(came)} ({came.came:,.1f}), most gets done "
        f"on {_at(done)} ({done.done:,.1f}), most lies open on {_at(most)} ({most.open:,.0f})."
    )


def _at(hour: Hour) -> str:
    return f"{_WEEKDAYS[hour.weekday - 1]} from {hour.hour:02}:00"


def _recovery(found: Recovery) -> str:
    half = (
        f"half of them ended within {found.median_days:,.1f} days"
        if np.isfinite(found.median_days)
        else "less than half of them have ended"
    )
    still = ", ".join(
        f"{percents(share.estimate, share.low, share.high)} after {count(days, 'day')}"
        for days, share in found.after
    )
    return (
        f"After the breach: of {count(found.n, 'missed target')} {count(found.n_open)} "
        f"{'is' if found.n_open == 1 else 'are'} still open; {half}; still open {still}."
    )


def _interval(value: Interval, form: str) -> str:
    if np.isnan(value.estimate):
        return "-"
    return f"{value.estimate:{form}} \\[{value.low:{form}}, {value.high:{form}}]"


def _number(value: float, form: str) -> str:
    return "-" if np.isnan(value) else f"{value:{form}}"


def _p(p: float) -> str:
    if np.isnan(p):
        return "-"
    return f"< {_LEAST_P}" if p < _LEAST_P else f"{p:.3f}"
