"""Results in words and tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from sla_sniper.cli.clock import show as show_clock
from sla_sniper.cli.tables import table as empty_table
from sla_sniper.core.words import count, percent
from sla_sniper.escalation.assumptions import assumed
from sla_sniper.escalation.costs import money
from sla_sniper.panels.kill_list import slots_kept
from sla_sniper.panels.words import short_moment, wall_time, working_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from sla_sniper.usecases.backtest import BacktestReport
    from sla_sniper.usecases.check import CheckReport
    from sla_sniper.usecases.demo import DemoReport
    from sla_sniper.usecases.export import Exported
    from sla_sniper.usecases.ingest import Ingested
    from sla_sniper.usecases.init import NewWorkspace
    from sla_sniper.usecases.leaks import Leak
    from sla_sniper.usecases.mapping import Proposal
    from sla_sniper.usecases.prototype import PrototypeReport
    from sla_sniper.usecases.queue import QueueReport
    from sla_sniper.usecases.report import Report
    from sla_sniper.usecases.train import TrainReport
    from sla_sniper.usecases.verdicts import InForce

_COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_SHOWN = 50
_SHOWN_LOST = 10
"""The list of what can be saved is the one to read."""
_WARNINGS = {
    "unreadable_verdict": "verdicts of the help desk that are neither true nor false, left out",
    "closed_without_time": "ended tickets of which nothing tells when; they leave every rate",
}


def new_workspace(result: NewWorkspace, console: Console) -> None:
    """Say what was written and what comes next."""
    console.print(f"Wrote {', '.join(result.written)} into {escape(str(result.folder))}.")
    console.print("Edit them, then: sniper ingest FILE --map map.toml")


def proposal(result: Proposal, console: Console, *, is_written: bool) -> None:
    """Print the mapping, or only its doubts where it was written to a file."""
    if is_written:
        for doubt in result.guess.doubts:
            console.print(f"[yellow]check[/] {escape(doubt)}")
        return
    console.file.write(result.guess.text)


def ingested(result: Ingested, console: Console) -> None:
    """Print the counts, which add up, and examples of what was refused."""
    report = result.report
    refused = sum(report.refused.values())
    console.print(
        f"Read {count(report.rows_read, 'row')} of {escape(result.source)}: "
        f"{count(report.events_written, 'event')} written, {report.duplicates:,} known already, "
        f"{refused:,} refused. {count(report.tickets, 'new ticket')}."
    )
    for reason, number in report.refused.items():
        console.print(f"[yellow]refused[/] {number:,} {escape(reason)}")
        for example in report.examples.get(reason, []):
            console.print(f"    {escape(example)}", highlight=False)
    peculiar = {
        "local times that do not exist, moved forward": report.missing_local_times,
        "local times that exist twice, read as the first": report.doubled_local_times,
        **{_WARNINGS[name]: number for name, number in report.warnings.items()},
    }
    for name, number in peculiar.items():
        if number:
            console.print(f"[yellow]note[/] {number:,} {escape(name)}")
    unmapped = result.unmapped_note()
    if unmapped:
        console.print(f"[yellow]note[/] {escape(unmapped)}.")


def check(result: CheckReport, console: Console) -> None:
    """Print the findings, the worst first."""
    quality = result.quality
    console.print(
        f"{count(quality.n_events, 'event')} of {count(quality.n_tickets, 'ticket')}, "
        f"as of {_stamp(result)}."
    )
    if result.recorded_later:
        console.print(
            f"[yellow]warning[/] {count(result.recorded_later, 'row')} recorded after that, not "
            "read: times in the future, or an --as-of in the past."
        )
    for note in result.notes:
        console.print(f"[cyan]note[/] {escape(note)}", highlight=False)
    if not quality.findings:
        console.print("[green]Nothing to report.[/]")
    for finding in quality.findings:
        colour = _COLOURS[finding.severity]
        console.print(f"[{colour}]{finding.severity}[/] {escape(finding.sentence)}")
        if finding.examples:
            console.print(f"    e.g. {escape(', '.join(finding.examples))}", highlight=False)
        if finding.proposal:
            console.print(escape(finding.proposal), style="dim", highlight=False)
    if result.leaks is not None:
        _leaks(result.leaks, console)


def _leaks(leaks: Sequence[Leak], console: Console) -> None:
    if not leaks:
        console.print(
            "[green]No leak was found.[/] A screen finds what later tickets show, no more."
        )
    leak_warnings(leaks, console)


def leak_warnings(leaks: Sequence[Leak], console: Console) -> None:
    """Print what the leak scanner found before something was fitted; nothing where it did not."""
    for leak in leaks:
        colour = _COLOURS[leak.severity]
        console.print(f"[{colour}]leak {leak.severity}[/] {escape(leak.sentence)}")


def trained(result: TrainReport, console: Console) -> None:
    """Print the evaluation and where the bundle is."""
    leak_warnings(result.leaks, console)
    _metrics(result.trial.metric_records(), console)
    console.print(f"Tested on the days from {result.cut:%Y-%m-%d %H:%M} UTC; then fitted on all.")
    console.print(f"{escape(result.manifest['evaluation']['verdict']['sentence'])}.")
    console.print(f"Saved {escape(str(result.folder))} (its card.md tells what it can and cannot).")


def backtest(result: BacktestReport, console: Console) -> None:
    """Print the evaluation, every policy at every capacity, and what may be claimed."""
    leak_warnings(result.leaks, console)
    facts = result.as_dict()
    _metrics(facts["metrics"], console)
    currency = facts["assumptions"]["currency"]
    title = (
        f"Replay of {count(facts['n_days'], 'day')}, {facts['first_day']} to {facts['last_day']}"
    )
    console.print(title, style="italic", highlight=False)
    table = empty_table(
        ">Capacity", "Policy", ">Escalated", ">Cost captured", ">Precision", ">Of the oracle",
        ">Net saving", ">95 % interval", ">Break-even",
    )  # fmt: skip
    for row in facts["policies"]:
        table.add_row(*_policy_cells(row, currency), end_section=row["policy"] == "oracle")
    console.print(table)
    _tornado(facts["sensitivity"], currency, console)
    for verdict in facts["verdicts"]:
        mark = "[green]claimed[/]" if verdict["advantage"]["claimed"] else "[yellow]no claim[/]"
        console.print(f"{mark} {escape(verdict['sentence'])}", highlight=False)
        if verdict["advantage"]["claimed"]:
            _not_in_force(result.in_force.get(verdict["advantage"]["capacity"]), console)
    given = result.trial.summary.assumptions
    console.print(
        f"{escape(assumed(given))} {escape(given.limits)}",
        style="dim",
        highlight=False,
    )


def _not_in_force(found: InForce | None, console: Console) -> None:
    """Say what the gate says instead, where something since takes the claim of a replay back."""
    if found is None or found.is_claimed:
        return
    why = f": {found.why}" if found.why not in found.sentence else ""
    console.print(f"[yellow]not in force[/] {escape(found.sentence + why)}", highlight=False)


def _tornado(found: Mapping[str, Any], currency: str, console: Console) -> None:
    title = f"Net saving of sniper at {found['capacity']} a day if one assumption is moved"
    console.print(title, style="italic", highlight=False)
    table = empty_table("Assumption", "From .. to", ">Net saving", f">Minus {found['rule']}")
    for each in found["swings"]:
        table.add_row(
            escape(each["name"]),
            f"{each['low']} .. {each['high']}",
            f"{_money(each['net_low'], currency)} .. {_money(each['net_high'], currency)}",
            f"{_money(each['gain_low'], currency)} .. {_money(each['gain_high'], currency)}",
        )
    console.print(table)


def queue(result: QueueReport, console: Console) -> None:
    """Print the kill list."""
    leak_warnings(result.leaks, console)
    title = (
        f"Kill list as of {_stamp(result)}: {count(result.capacity, 'slot')}, by {result.policy}"
    )
    console.print(title, style="italic", highlight=False)
    has_metrics = result.frame["metric"].n_unique() > 1
    metric = ["Metric"] if has_metrics else []
    table = empty_table(
        ">#", "Ticket", *metric, "Priority", "Group", ">Due in (working)", ">Due in (wall)",
        ">P(breach)", ">Saving", f"Act by ({result.timezone})", "Why",
    )  # fmt: skip
    chosen = result.recommended.head(_SHOWN)
    for row in chosen.iter_rows(named=True):
        rank, ticket, *rest = _queue_cells(row, result.currency, result.timezone)
        table.add_row(rank, ticket, *([row["metric"]] if has_metrics else []), *rest)
    console.print(table)
    tickets, known = result.recommended["rank"].n_unique(), result.frame["rank"].n_unique()
    more = f"; the first {_SHOWN} clocks are shown" if result.recommended.height > _SHOWN else ""
    console.print(
        f"{tickets:,} of {count(known, 'ticket')} with a running clock to escalate{more}. "
        f"{escape(result.sentence)}.",
        highlight=False,
    )
    if result.slot_price is not None:
        console.print(escape(slots_kept(result.slot_price, result.currency)), highlight=False)
    _lost(result, console)


def _lost(result: QueueReport, console: Console) -> None:
    """Print the tickets that nothing can save any more, apart from the list."""
    if result.paused:
        console.print(f"{count(result.paused, 'clock')} paused: without a deadline, not ranked.")
    if result.lost.is_empty():
        return
    tickets = result.lost.select("source", "ticket_id").n_unique()
    has_more = result.lost.height > _SHOWN_LOST
    more = f"; the first {_SHOWN_LOST} clocks are shown, --json has all" if has_more else ""
    console.print(
        f"Lost: {count(tickets, 'ticket')} past the point of no return, not ranked; "
        f"{count(result.overdue, 'clock')} of theirs overdue and still open{more}."
    )
    table = empty_table(
        "Ticket", "Metric", "Priority", "Group", ">Due in (working)", ">Breach cost"
    )
    for row in result.lost.head(_SHOWN_LOST).iter_rows(named=True):
        table.add_row(
            escape(row["ticket_id"]),
            row["metric"],
            escape(row["priority"] or ""),
            escape(row["group"] or ""),
            _left(row["slack_s"]),
            _money(row["cost"], result.currency),
        )
    console.print(table)


def _left(slack_s: int) -> str:
    """Working time to the deadline, or since it."""
    return working_time(slack_s) if slack_s >= 0 else f"{working_time(-slack_s)} over"


def exported(result: Exported, console: Console) -> None:
    """Say which files were written."""
    for path, rows in result.files.items():
        told = "" if rows is None else f": {count(rows, 'row')}"
        console.print(f"Wrote {escape(path)}{told}.")
    for note in result.notes:
        console.print(f"[cyan]note[/] {escape(note)}", highlight=False)


def report(result: Report, console: Console) -> None:
    """Say where the report is and what it may claim."""
    console.print(f"Wrote {escape(str(result.path))}: {escape(result.verdict)}.", highlight=False)


def prototype(result: PrototypeReport, console: Console) -> None:
    """Print the prototype's figures beside ours, and the verdict."""
    console.print(escape(result.as_text()), highlight=False)


def demo(result: DemoReport, console: Console) -> None:
    """Print every step of the main job, ending in the kill list."""
    _heading("1. The log", console)
    ingested(result.ingested, console)
    _heading("2. What is wrong with it", console)
    check(result.check, console)
    _heading("3. The clock", console)
    show_clock(result.clock, console)
    _heading("4. The forecast and the decision, replayed", console)
    backtest(result.backtest, console)
    _heading("5. The model for today", console)
    trained(result.trained, console)
    _heading("6. Today's kill list", console)
    queue(result.queue, console)
    _heading("7. The report", console)
    report(result.report, console)
    console.print(f"Workspace: {escape(str(result.folder))}", highlight=False)


def _heading(title: str, console: Console) -> None:
    console.rule(f"[bold]{title}", align="left")


def _metrics(metrics: Sequence[Mapping[str, Any]], console: Console) -> None:
    by_score: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in metrics:
        by_score.setdefault(row["score"], {})[row["metric"]] = row
    title = "Forecast on days it had not seen (95 % intervals over days)"
    console.print(title, style="italic", highlight=False)
    table = empty_table(
        "Ranking by", ">AUC", ">Against edf", ">AUC within landmark", ">Average precision",
        ">Brier", ">Calibration slope",
    )  # fmt: skip
    for score, found in by_score.items():
        table.add_row(
            score,
            _bounds(found.get("auc"), "estimate", "low", "high"),
            "" if score == "edf" else _bounds(found.get("auc"), *_DIFFERENCE, sign="+"),
            _bounds(found.get("auc_within_landmark"), "estimate", "low", "high"),
            _bounds(found.get("average_precision"), "estimate", "low", "high"),
            _bounds(found.get("brier"), "estimate", "low", "high"),
            _bounds(found.get("calibration_slope"), "estimate", "low", "high"),
        )
    console.print(table)


_DIFFERENCE = ("difference", "difference_low", "difference_high")


def _bounds(
    row: Mapping[str, Any] | None, value: str, low: str, high: str, *, sign: str = ""
) -> str:
    if row is None or row[value] is None:
        return ""
    text = f"{row[value]:{sign}.3f}"
    return text if row[low] is None else f"{text} [{row[low]:{sign}.3f}, {row[high]:{sign}.3f}]"


def _policy_cells(row: Mapping[str, Any], currency: str) -> tuple[str, ...]:
    net = row["net_saving"]
    return (
        str(row["capacity"]),
        row["policy"],
        f"{row['n_chosen']:,.0f}",
        _share(row["captured_share"]),
        _share(row["precision"]),
        _share(row["oracle_share"]),
        _money(net["estimate"], currency),
        ""
        if net["low"] is None
        else f"{_money(net['low'], currency)} .. {_money(net['high'], currency)}",
        _share(row["break_even_effectiveness"]),
    )


def _queue_cells(row: Mapping[str, Any], currency: str, timezone: str) -> tuple[str, ...]:
    advice = f"if {row['advice']}" if row["advice"] else ""
    said = (row["reason_1"], row["reason_2"], row["reason_3"], advice)
    return (
        str(row["rank"]),
        escape(row["ticket_id"]),
        escape(row["priority"] or ""),
        escape(row["group"] or ""),
        working_time(row["slack_s"]),
        wall_time(row["wall_slack_s"]),
        percent(row["p_breach"]),
        _money(row["expected_saving"], currency),
        short_moment(row["act_by"], timezone),
        escape("; ".join(reason for reason in said if reason)),
    )


def _share(interval: Mapping[str, Any]) -> str:
    return "" if interval["estimate"] is None else percent(interval["estimate"])


def _money(amount: float, currency: str) -> str:
    """Write an amount; the currency is whatever the settings call it."""
    return escape(money(amount, currency))


def _stamp(result: CheckReport | QueueReport) -> str:
    return f"{result.as_of:%Y-%m-%d %H:%M} UTC ({result.why})"
