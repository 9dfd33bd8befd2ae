"""What the command center shows, as values: no Streamlit here, so every word can be tested."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from sla_sniper.config.workspace import NotAWorkspaceError
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.instants import parse_instant
from sla_sniper.core.words import count
from sla_sniper.escalation.assumptions import assumed
from sla_sniper.escalation.policies import POLICIES, RULES
from sla_sniper.panels.charts import CapturePanel, NetPanel, capture_panel, net_panel
from sla_sniper.panels.figures import Compared, Figure, figures
from sla_sniper.panels.kill_list import KillListPanel, kill_list_panel
from sla_sniper.panels.verdict import Banner, verdict_banner
from sla_sniper.panels.words import moment, period
from sla_sniper.usecases.command_center import MOST, Scenario, repriced

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.core.errors import SlaSniperError
    from sla_sniper.escalation.results import ReplaySummary
    from sla_sniper.usecases.command_center import Evaluation, Period, StoredQueue


@dataclass(frozen=True, slots=True)
class Notice:
    """A box in the place of what cannot be shown.

    Attributes
    ----------
    kind : {"empty", "error"}
        Nothing there yet; something wrong.
    headline, detail : str
        What is so; why or what follows.
    commands : tuple of str
        What to run, in order.
    """

    kind: Literal["empty", "error"]
    headline: str
    detail: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """One fact about how fresh the page is."""

    label: str
    value: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Controls:
    """Where the inputs start and end.

    Attributes
    ----------
    capacity, most : int
        Slots a day, of `sla.toml`; the largest that is offered.
    intervention : float
        Cost of one escalation, of `sla.toml`.
    effectiveness : int
        In per cent.
    money_label, effectiveness_label : str
        With currency and range.
    """

    capacity: int
    most: int
    intervention: float
    effectiveness: int
    money_label: str
    effectiveness_label: str


@dataclass(frozen=True, slots=True)
class ReplayView:
    """Everything that the replay says at one capacity."""

    banner: Banner
    ranked_by: str
    heading: str
    figures: tuple[Figure, ...]
    capture: CapturePanel
    net: NetPanel
    footnotes: tuple[str, ...]


def controls(workspace: Workspace) -> Controls:
    """Describe the inputs of a workspace."""
    costs, effect = workspace.sla.costs, workspace.sla.costs.effectiveness
    return Controls(
        capacity=min(workspace.sla.capacity_per_day, MOST),
        most=MOST,
        intervention=float(costs.intervention),
        effectiveness=round(100 * effect.value),
        money_label=f"Cost of an escalation, {costs.currency}",
        effectiveness_label=f"Effectiveness, % (range {100 * effect.low:.0f} to "
        f"{100 * effect.high:.0f})",
    )


def stamps(
    workspace: Workspace, queue: StoredQueue | None, replayed: Period | None
) -> tuple[Stamp, ...]:
    """Say what instant the page speaks for, and which period was replayed."""
    timezone = workspace.landmarks.timezone
    told = (*_list_stamps(queue, timezone), *_period_stamps(replayed, timezone))
    return told if replayed is None else (*told, *_known_by(replayed.about, queue, timezone))


def replay_view(evaluation: Evaluation, curve: pl.DataFrame, *, listed_by: str = "") -> ReplayView:
    """Describe a replay at one capacity.

    Parameters
    ----------
    evaluation : Evaluation
        Every policy at that capacity.
    curve : polars.DataFrame
        ``policy, capacity, captured_share``.
    listed_by : str
        Policy that ranks the list that is shown; empty where there is none.
    """
    summary = evaluation.summary
    capacity, currency = summary.capacities[0], summary.assumptions.currency
    verdict = summary.verdict(capacity)
    rule = verdict.advantage.rule
    results = {r.policy: r for r in summary.policies}
    compared = Compared(
        chosen=results[verdict.policy],
        rival=results[simplest_rival(verdict.policy, rule)],
        prevented=evaluation.prevented,
        assumptions=summary.assumptions,
    )
    distinct = [r for r in summary.policies if r.policy not in _twins(rule)]
    return ReplayView(
        banner=verdict_banner(verdict, currency, listed_by=listed_by),
        ranked_by=verdict.policy,
        heading=_heading(summary, verdict.policy),
        figures=figures(compared),
        capture=capture_panel(curve, results, rule=rule, capacity=capacity),
        net=net_panel(distinct, rule=rule, currency=currency, n_days=summary.n_days),
        footnotes=_footnotes(summary),
    )


def queue_view(
    queue: StoredQueue,
    *,
    workspace: Workspace,
    scenario: Scenario,
    ranked_by: str,
    show_all: bool,
) -> KillListPanel | Notice:
    """Describe the kill list under a scenario; a notice where there is nothing to escalate.

    Parameters
    ----------
    queue : StoredQueue
        The latest list.
    workspace : Workspace
        Its costs priced the list, its kinds of capacity filled it; see `repriced`.
    scenario : Scenario
        Capacity and costs now.
    ranked_by : str
        What the gate lets rank at this capacity; empty where nothing was replayed.
    show_all : bool
        Whether to show tickets beyond the recommended ones.
    """
    if queue.frame.is_empty():
        return Notice("empty", "Nothing to escalate", "No clock was running before its deadline.")
    costs = workspace.sla.costs
    frame = repriced(
        queue.frame,
        stored=costs,
        scenario=scenario.costs(costs),
        capacity=scenario.capacity,
        is_staffed=bool(workspace.sla.kinds),
    )
    if not show_all and not frame["recommended"].any():
        return Notice(
            "empty",
            "No escalation pays for itself",
            "Every open ticket's expected saving is below the cost of an escalation.",
        )
    notes = _queue_notes(frame, ranked_by, scenario)
    return kill_list_panel(
        frame,
        currency=costs.currency,
        timezone=workspace.landmarks.timezone,
        show_all=show_all,
        notes=notes,
    )


def simplest_rival(policy: str, rule: str) -> str:
    """Name the policy that a figure is shown against: the rule, or what needs no rule at all.

    Examples
    --------
    >>> simplest_rival("sniper", "edf_value"), simplest_rival("edf", "edf")
    ('edf_value', 'oldest')
    """
    if policy != rule:
        return rule
    return "oldest" if policy != "oldest" else "random"


def listed_by(queue: pl.DataFrame | None) -> str:
    """Name the policy that a kill list is ranked by; empty where there is no list."""
    return "" if queue is None or queue.is_empty() else str(queue["policy"][0])


def refusal(folder: Path, error: SlaSniperError) -> Notice:
    """Say why a workspace cannot be opened, and how to get one where there is none."""
    if not isinstance(error, NotAWorkspaceError):
        return problem(error)
    where = shlex.quote(str(folder))
    return Notice(
        "empty",
        "No workspace here yet",
        str(error),
        (
            f"sniper demo {where}    # the whole job on the bundled log",
            f"sniper init {where}    # commented configuration for your own log",
        ),
    )


def no_backtest(folder: Path) -> Notice:
    """Say how to get the replay."""
    return Notice(
        "empty",
        "No replay yet",
        "What escalating saves is measured by replaying past days with what was known on each.",
        (f"sniper backtest --workspace {shlex.quote(str(folder))}",),
    )


def no_queue(folder: Path) -> Notice:
    """Say how to get a kill list."""
    return Notice(
        "empty",
        "No kill list yet",
        "The list ranks the tickets that are open now.",
        (f"sniper queue --workspace {shlex.quote(str(folder))}",),
    )


def problem(error: SlaSniperError) -> Notice:
    """Show an error that the reader can repair."""
    headline = (
        "The configuration needs repair"
        if isinstance(error, ConfigurationError)
        else "This cannot be shown"
    )
    return Notice("error", headline, str(error))


def _heading(summary: ReplaySummary, policy: str) -> str:
    first, last = (date.fromisoformat(text) for text in (summary.first_day, summary.last_day))
    slots = count(summary.capacities[0], "escalation")
    return f"{period(first, last)} replayed, {slots} a day at most, chosen by {policy}"


def _twins(rule: str) -> set[str]:
    """`priority` chooses as `priority_edf` does: of the two, one is shown."""
    return {"priority_edf"} if rule == "priority" else {"priority"}


def _list_stamps(queue: StoredQueue | None, timezone: str) -> list[Stamp]:
    if queue is None or queue.as_of is None:
        return [Stamp("As of", "no kill list to show")]
    end = queue.log_end
    told = f" (end of log {moment(end, timezone)})" if end and end != queue.as_of else ""
    if end == queue.as_of:
        told = " (end of the log)"
    is_stale = end is not None and end > queue.as_of
    return [Stamp("As of", moment(queue.as_of, timezone) + told, is_warning=is_stale)]


def _period_stamps(replayed: Period | None, timezone: str) -> list[Stamp]:
    if replayed is None:
        return [Stamp("Replayed", "nothing to show")]
    pool = replayed.test.candidates
    first, last = pool.days[0], pool.days[-1]
    epoch = {"hour": ", every hour", "day": ", once a day"}.get(
        str(replayed.about.get("epoch")), ""
    )
    span = f"{period(first, last)}, {count(pool.n_days, 'working day')}{epoch}"
    size = f"{count(pool.n_tickets, 'ticket')} at {count(len(pool.landmarks), 'landmark')}"
    return [Stamp("Replayed", f"{span}; {size}")]


def _known_by(
    about: Mapping[str, Any], queue: StoredQueue | None, timezone: str
) -> tuple[Stamp, ...]:
    """Say when the replay's outcomes were read, where that is not when the list was made."""
    text = about.get("as_of")
    if not isinstance(text, str):
        return ()
    known_at = parse_instant(text)
    if queue is not None and queue.as_of == known_at:
        return ()
    return (Stamp("Outcomes known by", moment(known_at, timezone)),)


def _queue_notes(frame: pl.DataFrame, ranked_by: str, scenario: Scenario) -> list[str]:
    policy = listed_by(frame)
    words = POLICIES[policy].words if policy in POLICIES else policy
    notes = [f"Ranked by {policy}: {words}."]
    if ranked_by and ranked_by != policy:
        notes.append(
            f"At {scenario.capacity} a day the replay would rank by {ranked_by}: run "
            f"`sniper queue --capacity {scenario.capacity}` to rank again."
        )
    if policy in RULES:
        notes.append("Savings are the model's estimate; the rule does not use them.")
    return notes


def _footnotes(summary: ReplaySummary) -> tuple[str, ...]:
    stakes = summary.assumptions
    censored = f"{count(summary.censored_tickets, 'ticket')} of {count(summary.n_tickets)}"
    return (
        stakes.limits,
        assumed(stakes),
        stakes.release,
        f"{stakes.censoring} Here: {censored}.",
        "Intervals are 95 % bootstraps over whole days.",
    )
