"""The shape of a replay's results: plain frozen values that go to JSON as they are."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sla_sniper.escalation.assumptions import Assumptions
    from sla_sniper.escalation.gate import Advantage, Verdict
    from sla_sniper.stats.intervals import Interval

SCHEMA: Final = "sla-sniper/replay/1"


@dataclass(frozen=True, slots=True)
class OneMoreSlot:
    """What one more slot a day would add over the replayed days.

    Attributes
    ----------
    tickets : Interval
        More breaching tickets caught.
    saving : Interval
        More net saving, in currency.
    """

    tickets: Interval
    saving: Interval


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One policy at one capacity. Counts of ``random`` are means over its seeds.

    Attributes
    ----------
    policy, capacity : str, int
        Its name; slots a day.
    n_chosen, breaches_caught : float
        Tickets escalated; of these, tickets with a clock that breached.
    breaches_prevented : float
        Breaching tickets caught x effectiveness at their slack.
    rescued_cost : Interval
        Breach cost of the escalated tickets x effectiveness at their slack, in currency.
    n_censored : float
        Tickets escalated whose end is not known; they count as not breached.
    captured_cost : float
        Breach cost of the escalated tickets, in currency.
    captured_share : Interval
        `captured_cost` by what one escalation a ticket could catch at all; the interval ends at 1.
    precision : Interval
        `breaches_caught` by `n_chosen`.
    net_saving : Interval
        Cost of prevented breaches minus the cost of escalating, in currency.
    net_saving_range : (float, float)
        `net_saving` at the low and the high end of effectiveness, for the same choices.
    roi : Interval
        `net_saving` by the cost of escalating.
    oracle_share : Interval
        `captured_cost` by the most that anybody could capture at this capacity; nothing for
        a policy that ignores the capacity.
    gap_closed : Interval
        How much of the way from the best simple rule to that most; nothing where the rule
        already captures it.
    break_even_effectiveness : Interval
        Effectiveness at which the escalations pay for themselves; above 1 they never do.
    one_more_slot : OneMoreSlot
        The same with one more slot a day.
    captured_share_sd : float
        Standard deviation of the captured share over seeds; NaN for all but ``random``.
    """

    policy: str
    capacity: int
    n_chosen: float
    breaches_caught: float
    breaches_prevented: float
    n_censored: float
    captured_cost: float
    rescued_cost: Interval
    captured_share: Interval
    precision: Interval
    net_saving: Interval
    net_saving_range: tuple[float, float]
    roi: Interval
    oracle_share: Interval
    gap_closed: Interval
    break_even_effectiveness: Interval
    one_more_slot: OneMoreSlot
    captured_share_sd: float


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A policy with a forecast minus a rule without, on the same resamples of days.

    Attributes
    ----------
    policy, rule, capacity : str, str, int
        What is compared.
    net_saving : Interval
        In currency.
    captured_share : Interval
        In shares of the catchable cost.
    """

    policy: str
    rule: str
    capacity: int
    net_saving: Interval
    captured_share: Interval


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """A replay in numbers, ready for a table, a slide or JSON.

    Attributes
    ----------
    policies : tuple of PolicyResult
        Every policy at every capacity.
    differences : tuple of PairedDifference
        Every policy with a forecast against every rule and chance.
    verdicts : tuple of Verdict
        What may be claimed; one a capacity.
    assumptions : Assumptions
        What the money stands on.
    capacities : tuple of int
        Slots a day.
    first_day, last_day : str
        ISO dates of the replayed days; empty without a day.
    n_days, n_landmarks, n_tickets, n_clocks : int
        What was replayed; a clock is a row of the pool.
    catchable_tickets, catchable_cost : int, float
        Tickets that breached and could have been escalated before; their breach cost.
    censored_tickets : int
        Tickets with a clock whose end is not known.
    held_back : tuple of int
        Capacities at which ``sniper`` held slots back by their shadow price, because that had
        saved more on training days; that of the desk among them also where it is not printed.
    own_verdict : Verdict or None
        At the capacity that the desk has, asked first, also where it is not among `capacities`;
        None where it is not known.
    """

    policies: tuple[PolicyResult, ...]
    differences: tuple[PairedDifference, ...]
    verdicts: tuple[Verdict, ...]
    assumptions: Assumptions
    capacities: tuple[int, ...]
    first_day: str
    last_day: str
    n_days: int
    n_landmarks: int
    n_tickets: int
    n_clocks: int
    catchable_tickets: int
    catchable_cost: float
    censored_tickets: int
    held_back: tuple[int, ...] = ()
    own_verdict: Verdict | None = None

    @property
    def advantage(self) -> tuple[Advantage, ...]:
        """The gate's numbers, one a capacity."""
        return tuple(verdict.advantage for verdict in self.verdicts)

    def result(self, policy: str, capacity: int) -> PolicyResult:
        """Return one policy at one capacity; LookupError if it was not replayed."""
        for found in self.policies:
            if (found.policy, found.capacity) == (policy, capacity):
                return found
        raise LookupError(f"{policy} was not replayed at a capacity of {capacity}.")

    def verdict(self, capacity: int) -> Verdict:
        """Return what may be claimed at one capacity; LookupError if it was not replayed."""
        for found in self.verdicts:
            if found.advantage.capacity == capacity:
                return found
        raise LookupError(f"A capacity of {capacity} was not replayed.")

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON: whole counts as int, what is undefined as None."""
        advantage = [dataclasses.asdict(row) for row in self.advantage]
        plain = {"schema": SCHEMA, **dataclasses.asdict(self), "advantage": advantage}
        return {key: _json_safe(value) for key, value in plain.items()}


def _json_safe(value: object) -> object:
    """Return the value with None for what is no number, and whole numbers whole."""
    if isinstance(value, dict):
        return {key: _json_safe(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_safe(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
