"""What the command center shows, as values: no Streamlit here, so every word can be tested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sla_sniper.core.instants import parse_instant, zone
from sla_sniper.core.words import count
from sla_sniper.escalation.assumptions import assumed
from sla_sniper.escalation.policies import POLICIES, RULES
from sla_sniper.escalation.replay import PRICED
from sla_sniper.panels.charts import CapturePanel, NetPanel, capture_panel, net_panel
from sla_sniper.panels.figures import Compared, Figure, figures
from sla_sniper.panels.kill_list import KillListPanel, kill_list_panel, slots_kept
from sla_sniper.panels.verdict import Banner, verdict_banner
from sla_sniper.panels.words import age_of_claim, moment, period
from sla_sniper.ui.notices import Notice, changed, nobody
from sla_sniper.usecases.command_center import MOST
from sla_sniper.usecases.kill_list import Scenario, repriced

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.results import ReplaySummary
    from sla_sniper.usecases.command_center import Evaluation, Period
    from sla_sniper.usecases.kill_list import StoredQueue, Terms


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
    exactly : float
        The same as `sla.toml` has it, in [0, 1].
    money_label, effectiveness_label : str
        With currency and range.
    """

    capacity: int
    most: int
    intervention: float
    effectiveness: int
    exactly: float
    money_label: str
    effectiveness_label: str

    def scenario(self, capacity: int, intervention: float, effectiveness: int) -> Scenario:
        """Return what the inputs say; the per cent they start at stand for the exact share."""
        is_moved = effectiveness != self.effectiveness
        share = effectiveness / 100 if is_moved else self.exactly
        return Scenario(capacity, intervention, share)


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
        exactly=effect.value,
        money_label=f"Cost of an escalation, {costs.currency}",
        effectiveness_label=f"Effectiveness, % (range {100 * effect.low:.0f} to "
        f"{100 * effect.high:.0f})",
    )


def stamps(
    workspace: Workspace, queue: StoredQueue | None, replayed: Period | None
) -> tuple[Stamp, ...]:
    """Say what instant the page speaks for, and which period was replayed."""
    timezone = workspace.landmarks.timezone
    told = (
        *_list_stamps(queue, timezone),
        *_model_stamps(queue),
        *_period_stamps(replayed, timezone),
    )
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
    """Describe the kill list under a scenario; a notice where there is nothing to show.

    In the scenario that the list was made in, it is shown as it was made.

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
    terms = queue.terms
    if terms is None or not queue.holds_for(workspace):
        return changed(workspace.folder, "queue")
    if queue.frame.is_empty():
        return Notice("empty", "Nothing to escalate", "No clock was running before its deadline.")
    costs, is_staffed = workspace.sla.costs, bool(workspace.sla.kinds)
    is_as_made = queue.is_as_made(scenario, costs)
    frame = queue.frame
    if not is_as_made:
        frame = repriced(
            frame,
            stored=costs,
            scenario=scenario.costs(costs),
            capacity=scenario.capacity,
            is_staffed=is_staffed,
        )
    kept = _kept_slots(terms, costs) if is_as_made else ""
    if not show_all and not frame["recommended"].any():
        return nobody(frame, kept)
    notes = _queue_notes(frame, ranked_by, scenario)
    if not is_as_made and not is_staffed and listed_by(frame) == PRICED:
        kept = _not_kept(scenario, costs)
    return kill_list_panel(
        frame,
        currency=costs.currency,
        timezone=workspace.landmarks.timezone,
        show_all=show_all,
        notes=[*notes, *([kept] if kept else [])],
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


def _model_stamps(queue: StoredQueue | None) -> tuple[Stamp, ...]:
    """Say that the list is not by the model in use, where it is not."""
    if queue is None or not queue.outdated_by:
        return ()
    told = f"not the model in use, {queue.outdated_by}: run sniper queue again"
    return (Stamp("Listed by", told, is_warning=True),)


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
    end = replayed.log_end
    age = age_of_claim(last, end.astimezone(zone(timezone)).date()) if end else 0
    old = f"; what it claims is {age} days old at the end of the log" if age else ""
    return [Stamp("Replayed", f"{span}; {size}{old}", is_warning=bool(age))]


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


def _kept_slots(terms: Terms, costs: CostTable) -> str:
    return "" if terms.slot_price is None else slots_kept(terms.slot_price, costs.currency)


def _not_kept(scenario: Scenario, costs: CostTable) -> str:
    """Say that only a new list knows which slots are worth keeping."""
    is_dear = (scenario.intervention, scenario.effectiveness) != (
        costs.intervention,
        costs.effectiveness.value,
    )
    first = "put these costs into sla.toml and run" if is_dear else "run"
    return (
        "No slot is kept here for better tickets expected later today: to have that decided, "
        f"{first} `sniper queue --capacity {scenario.capacity}`."
    )


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
