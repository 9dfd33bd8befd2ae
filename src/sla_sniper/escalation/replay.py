"""Walk the landmarks of past days as every policy would have, with what was known at each.

Each ticket is escalated at most once in a whole replay. The slots of a day are released evenly
over its landmarks and those left over carry on through the day, for every policy alike,
so that none is punished for having spent the day's capacity at 08:00; `escalation.slots` has
this rule and the exception to it.

A replay cannot show what pulling one ticket forward does to the others; `LIMITS` says so
and goes into every report.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.escalation.candidates import Candidates, candidates_from
from sla_sniper.escalation.gate import total_interval
from sla_sniper.escalation.oracle import best_escalations
from sla_sniper.escalation.policies import (
    POLICIES,
    Ordering,
    Policy,
    by_keys,
    chance,
    ordering,
    policy_named,
)
from sla_sniper.escalation.slots import Paced, Priced, Slots
from sla_sniper.escalation.staffing import Staff, Staffed
from sla_sniper.stats.bootstrap import day_weights

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from sla_sniper.escalation.candidates import Floats, Ints
    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.staffing import Staffing

LIMITS: Final = (
    "Replay cannot show queue effects of pulling a ticket forward, what escalated tickets would "
    "have done otherwise, or how people adapt to the list."
)
N_SEEDS: Final = 30
PRICED: Final = "sniper"
"""The policy that may hold slots back by price."""


@dataclass(frozen=True, slots=True)
class SlotRule:
    """How the slots of a day may be used.

    Attributes
    ----------
    priced : frozenset of int
        Slots a day at which ``sniper`` holds slots back by price; see `worth_pricing`.
    staffing : Staffing or None
        Who can take which ticket when; the slots a day are then the most in all, and nothing
        is held back by price.
    """

    priced: frozenset[int] = frozenset()
    staffing: Staffing | None = None


DECIDED: Final = 0.98
"""Forecast from which on a breach is as good as a fact, whatever anybody does about it."""


@dataclass(frozen=True, slots=True, eq=False)
class DayTotals:
    """What the choices of one policy at one capacity came to, day by day.

    Every array has the shape (n_days,); those of `random` are means over its seeds.

    Attributes
    ----------
    chosen : ndarray of float
        Tickets escalated.
    caught : ndarray of float
        Of these, tickets with a clock that breached.
    captured : ndarray of float
        Breach cost of the escalated tickets, in currency.
    exposure : ndarray of float
        `captured`, weighted by the part of the effect that was left at their slack.
    preventable : ndarray of float
        `caught`, weighted likewise.
    censored : ndarray of float
        Escalated tickets with a clock whose end is not known; it counts as not breached.
    undecided : ndarray of float
        `exposure` of the tickets whose breach is not as good as a fact: below `DECIDED`.
    """

    chosen: Floats
    caught: Floats
    captured: Floats
    exposure: Floats
    preventable: Floats
    censored: Floats
    undecided: Floats

    def net(self, costs: CostTable, *, effectiveness: float | None = None) -> Floats:
        """Subtract the cost of escalating from what it saved, by day, in currency."""
        share = costs.effectiveness.value if effectiveness is None else effectiveness
        return share * self.exposure - costs.intervention * self.chosen

    def net_of_undecided(self, costs: CostTable) -> Floats:
        """The same if nothing can prevent a breach that is as good as a fact."""
        return costs.effectiveness.value * self.undecided - costs.intervention * self.chosen


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """Every choice of every policy at every capacity.

    Attributes
    ----------
    candidates : Candidates
        What could be chosen.
    costs : CostTable
        The stakes they were chosen by.
    capacities : tuple of int
        Slots a day.
    chosen : mapping of (policy, capacity) to ndarray of int of shape (n_chosen,)
        Candidates in the order in which they were chosen; `random` has those of seed 0.
    totals : mapping of (policy, capacity) to DayTotals
        What they came to; `backtest` adds what the gate compares at the desk's own capacity.
    one_more : mapping of (policy, capacity) to DayTotals
        The same rule with one slot a day more: slots are held back by price there if they are
        at the capacity itself.
    captured_by_seed : mapping of int to ndarray of float of shape (n_seeds,)
        Breach cost that `random` captured at each capacity, seed by seed.
    priced : frozenset of int
        Slots a day at which ``sniper`` held slots back by their shadow price.
    staff : Staff or None
        Who could take which candidate.
    """

    candidates: Candidates
    costs: CostTable
    capacities: tuple[int, ...]
    chosen: Mapping[tuple[str, int], Ints]
    totals: Mapping[tuple[str, int], DayTotals]
    one_more: Mapping[tuple[str, int], DayTotals]
    captured_by_seed: Mapping[int, Floats]
    priced: frozenset[int] = frozenset()
    staff: Staff | None = None

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of the policies that were replayed, in the order of reports."""
        done = {name for name, _ in self.totals}
        return tuple(name for name in POLICIES if name in done)


def replay(
    pool: pl.DataFrame | Candidates,
    costs: CostTable,
    *,
    capacities: Sequence[int],
    policies: Sequence[str] = tuple(POLICIES),
    n_seeds: int = N_SEEDS,
    rule: SlotRule | None = None,
) -> Replay:
    """Replay past days for several policies and capacities.

    Parameters
    ----------
    pool : polars.DataFrame or Candidates
        Every running clock before its deadline at every landmark; see `candidates_from`.
        Candidates must come from the same `falls_over` as `costs`.
    costs : CostTable
        Cost of an escalation and its effect; costs of breaches are in the pool.
    capacities : sequence of int
        Slots a day, zero or more.
    policies : sequence of str
        Names; see `POLICIES`.
    n_seeds : int
        Permutations over which `random` is averaged, at least one.
    rule : SlotRule, optional
        How slots may be used; evenly over the day by anybody where not given.

    Returns
    -------
    replay : Replay
        Independent of the order of the rows of the pool.

    Raises
    ------
    ValueError
        If a capacity is negative, a policy unknown, or the pool does not hold what it needs.
    """
    _check(capacities, n_seeds)
    known = pool if isinstance(pool, Candidates) else candidates_from(pool, costs.effectiveness)
    slots = sorted({slot for capacity in capacities for slot in (capacity, capacity + 1)})
    work = Work.of(known, costs, rule or SlotRule())
    chosen: dict[tuple[str, int], Ints] = {}
    totals: dict[tuple[str, int], DayTotals] = {}
    for name in policies:
        for slot, rows in _choices(policy_named(name), work, slots):
            chosen[name, slot] = rows
            totals[name, slot] = day_totals(known, rows)
    by_seed = _by_seed(work, slots, n_seeds) if "random" in policies else {}
    totals |= {("random", slot): _mean(days) for slot, days in by_seed.items()}
    one_more = {(name, slot - 1): days for (name, slot), days in totals.items()}
    if PRICED in policies:
        one_more |= _alike(work, capacities)
    keys = [(name, slot) for name in policies for slot in slots if slot in capacities]
    return Replay(
        candidates=known,
        costs=costs,
        capacities=tuple(capacities),
        chosen={key: chosen[key] for key in keys},
        totals={key: totals[key] for key in keys},
        one_more={key: one_more[key] for key in keys},
        captured_by_seed={
            slot: np.array([day.captured.sum() for day in days]) for slot, days in by_seed.items()
        },
        priced=work.priced,
        staff=work.staff,
    )


def _alike(work: Work, capacities: Sequence[int]) -> dict[tuple[str, int], DayTotals]:
    """One more slot where holding back is decided otherwise there than at the capacity itself."""
    found = {}
    for capacity in capacities:
        is_priced, slot = capacity in work.priced, capacity + 1
        if is_priced != (slot in work.priced):
            same = replace(work, priced=frozenset([slot] if is_priced else []))
            ((_, rows),) = _choices(policy_named(PRICED), same, [slot])
            found[PRICED, capacity] = day_totals(work.candidates, rows)
    return found


def worth_pricing(
    pool: pl.DataFrame | Candidates, costs: CostTable, slots: Collection[int]
) -> frozenset[int]:
    """Tell at which slots a day holding slots back by price saves more than pacing them.

    Parameters
    ----------
    pool : polars.DataFrame or Candidates
        Training days; only rows with a `p_breach` count, which has to be a forecast: what a model
        says of days that it learnt would make waiting for better tickets look sure.
    costs : CostTable
        As in `replay`.
    slots : collection of int
        Slots a day to try.

    Returns
    -------
    worth : frozenset of int
        Those at which the net saving is greater by an interval over days that lies above zero.
    """
    clocks = pool.clocks if isinstance(pool, Candidates) else pool
    if "p_breach" not in clocks.columns or clocks["p_breach"].count() == 0:
        return frozenset()
    known = candidates_from(clocks.drop_nulls("p_breach"), costs.effectiveness)
    weights, sniper = day_weights(known.n_days), policy_named(PRICED)
    order = ordering(sniper, known, costs)

    def net(slot: int, *, is_priced: bool) -> Floats:
        work = Work(known, costs, frozenset([slot] if is_priced else []), None)
        return day_totals(known, walk(known, order, work.slots(sniper, slot))).net(costs)

    gains = {slot: net(slot, is_priced=True) - net(slot, is_priced=False) for slot in set(slots)}
    return frozenset(slot for slot, gain in gains.items() if total_interval(gain, weights).low > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What is replayed, and the rules by which slots may be used.

    Attributes
    ----------
    candidates, costs : Candidates, CostTable
        As in `Replay`.
    priced : frozenset of int
        Slots a day at which ``sniper`` holds slots back by price.
    staff : Staff or None
        Who can take which candidate.
    """

    candidates: Candidates
    costs: CostTable
    priced: frozenset[int] = frozenset()
    staff: Staff | None = None

    @classmethod
    def of(cls, candidates: Candidates, costs: CostTable, rule: SlotRule) -> Work:
        """Read a rule for some candidates."""
        staff = None if rule.staffing is None else rule.staffing.of(candidates)
        return cls(candidates, costs, rule.priced, staff)

    def slots(self, policy: Policy, capacity: int) -> Slots:
        """Return the unused slots of every day for a policy."""
        saving = policy.keys(self.candidates, self.costs)[0] if policy.saves else None
        if self.staff is not None:
            return Staffed(self.candidates, capacity, self.staff, saving)
        if policy.name == PRICED and saving is not None and capacity in self.priced:
            return Priced(self.candidates, capacity, saving)
        return Paced(self.candidates, capacity)


def _check(capacities: Sequence[int], n_seeds: int) -> None:
    if not capacities or min(capacities) < 0:
        raise ValueError(f"A capacity is zero or more slots a day, got {list(capacities)}.")
    if n_seeds < 1:
        raise ValueError(f"random needs at least one seed, got {n_seeds}.")


def _choices(policy: Policy, work: Work, slots: Sequence[int]) -> list[tuple[int, Ints]]:
    """Choose by one policy at several capacities."""
    candidates, costs = work.candidates, work.costs
    if policy.name == "oracle":
        saving = policy.keys(candidates, costs)[0]
        return [(slot, best_escalations(candidates, saving, slot, work.staff)) for slot in slots]
    order = ordering(policy, candidates, costs)
    if not policy.has_limit:
        everything = walk(candidates, order, Paced(candidates, candidates.landmark.size))
        return [(slot, everything) for slot in slots]
    return [(slot, walk(candidates, order, work.slots(policy, slot))) for slot in slots]


def _by_seed(work: Work, slots: Sequence[int], n_seeds: int) -> dict[int, list[DayTotals]]:
    """Replay chance with several seeds."""
    known, by_chance = work.candidates, policy_named("random")
    orders = [by_keys(known, (chance(known, seed=seed),)) for seed in range(n_seeds)]
    return {
        slot: [
            day_totals(known, walk(known, order, work.slots(by_chance, slot))) for order in orders
        ]
        for slot in slots
    }


def _mean(days: Sequence[DayTotals]) -> DayTotals:
    fields = DayTotals.__slots__
    return DayTotals(*(np.mean([getattr(day, name) for day in days], axis=0) for name in fields))


def walk(candidates: Candidates, order: Ordering, slots: Slots) -> Ints:
    """Choose, landmark after landmark, the best that are left and that slots are left for.

    Returns
    -------
    rows : ndarray of int of shape (n_chosen,)
        Candidates in the order in which they were chosen; no ticket twice.
    """
    tickets = candidates.ticket[order.rows]
    is_escalated = np.zeros(candidates.n_tickets, dtype=bool)
    edges = order.starts.tolist()
    chosen = []
    for landmark, (begin, end) in enumerate(itertools.pairwise(edges)):
        if begin == end:
            continue
        free = np.flatnonzero(~is_escalated[tickets[begin:end]]) + begin
        best = free[slots.take(landmark, order.rows[free])]
        is_escalated[tickets[best]] = True
        chosen.append(best)
    places = np.concatenate([np.empty(0, dtype=np.int64), *chosen])
    rows: Ints = order.rows[places]
    return rows


def day_totals(candidates: Candidates, rows: Ints) -> DayTotals:
    """Add up, by day, what a set of chosen candidates came to; `rows` of shape (n_chosen,)."""
    every = np.ones(candidates.landmark.size)
    return DayTotals(
        chosen=_by_day(candidates, rows, every),
        caught=_by_day(candidates, rows, candidates.breached),
        captured=_by_day(candidates, rows, candidates.loss),
        exposure=_by_day(candidates, rows, candidates.exposure),
        preventable=_by_day(candidates, rows, candidates.preventable),
        censored=_by_day(candidates, rows, candidates.censored),
        undecided=_by_day(
            candidates, rows, np.where(candidates.p_breach < DECIDED, candidates.exposure, 0.0)
        ),
    )


def _by_day(candidates: Candidates, rows: Ints, values: NDArray[np.generic]) -> Floats:
    weights = values[rows].astype(np.float64)
    days = np.bincount(candidates.day[rows], weights=weights, minlength=candidates.n_days)
    return days.astype(np.float64)
