"""Walk the landmarks of past days as every policy would have, with what was known at each.

Each ticket is escalated at most once in a whole replay. The slots of a day are released evenly
over its landmarks and those left over carry on through the day, for every policy alike,
so that none is punished for having spent the day's capacity at 08:00.

A replay cannot show what pulling one ticket forward does to the others; `LIMITS` says so
and goes into every report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.escalation.candidates import Candidates, candidates_from
from sla_sniper.escalation.oracle import best_escalations
from sla_sniper.escalation.policies import (
    POLICIES,
    Ordering,
    Policy,
    by_keys,
    chance,
    expected_saving,
    ordering,
    policy_named,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sla_sniper.escalation.candidates import Floats, Ints
    from sla_sniper.escalation.costs import CostTable

LIMITS: Final = (
    "Replay cannot show queue effects of pulling a ticket forward, what escalated tickets would "
    "have done otherwise, or how people adapt to the list."
)
N_SEEDS: Final = 30


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
    """

    chosen: Floats
    caught: Floats
    captured: Floats
    exposure: Floats
    preventable: Floats
    censored: Floats

    def net(self, costs: CostTable, *, effectiveness: float | None = None) -> Floats:
        """Subtract the cost of escalating from what it saved, by day, in currency."""
        share = costs.effectiveness.value if effectiveness is None else effectiveness
        return share * self.exposure - costs.intervention * self.chosen


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
        Also at each capacity plus one, for the value of one more slot.
    captured_by_seed : mapping of int to ndarray of float of shape (n_seeds,)
        Breach cost that `random` captured at each capacity, seed by seed.
    """

    candidates: Candidates
    costs: CostTable
    capacities: tuple[int, ...]
    chosen: Mapping[tuple[str, int], Ints]
    totals: Mapping[tuple[str, int], DayTotals]
    captured_by_seed: Mapping[int, Floats]

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
    chosen: dict[tuple[str, int], Ints] = {}
    totals: dict[tuple[str, int], DayTotals] = {}
    for name in policies:
        for capacity, rows in _choices(policy_named(name), known, costs, slots):
            chosen[name, capacity] = rows
            totals[name, capacity] = day_totals(known, rows)
    by_seed = _by_seed(known, slots, n_seeds) if "random" in policies else {}
    return Replay(
        candidates=known,
        costs=costs,
        capacities=tuple(capacities),
        chosen={key: rows for key, rows in chosen.items() if key[1] in capacities},
        totals=totals | {("random", slot): _mean(days) for slot, days in by_seed.items()},
        captured_by_seed={
            slot: np.array([day.captured.sum() for day in days]) for slot, days in by_seed.items()
        },
    )


def _check(capacities: Sequence[int], n_seeds: int) -> None:
    if not capacities or min(capacities) < 0:
        raise ValueError(f"A capacity is zero or more slots a day, got {list(capacities)}.")
    if n_seeds < 1:
        raise ValueError(f"random needs at least one seed, got {n_seeds}.")


def _choices(
    policy: Policy, candidates: Candidates, costs: CostTable, slots: Sequence[int]
) -> list[tuple[int, Ints]]:
    """Choose by one policy at several capacities."""
    if policy.name == "oracle":
        saving = policy.keys(candidates, costs)[0]
        return [(slot, best_escalations(candidates, saving, slot)) for slot in slots]
    order = ordering(policy, candidates, costs)
    if not policy.has_limit:
        everything = walk(candidates, order, candidates.landmark.size)
        return [(slot, everything) for slot in slots]
    return [(slot, walk(candidates, order, slot)) for slot in slots]


def _by_seed(
    candidates: Candidates, slots: Sequence[int], n_seeds: int
) -> dict[int, list[DayTotals]]:
    """Replay chance with several seeds."""
    orders = [by_keys(candidates, (chance(candidates, seed=seed),)) for seed in range(n_seeds)]
    return {
        slot: [day_totals(candidates, walk(candidates, order, slot)) for order in orders]
        for slot in slots
    }


def _mean(days: Sequence[DayTotals]) -> DayTotals:
    fields = DayTotals.__slots__
    return DayTotals(*(np.mean([getattr(day, name) for day in days], axis=0) for name in fields))


def released(candidates: Candidates, capacity: int) -> Ints:
    """Slots that a day has released in all by each landmark, of shape (n_landmarks,).

    By landmark j of the J of its day, counted from 0: ceil(capacity (j + 1) / J).
    """
    day = candidates.day_of_landmark
    per_day = np.bincount(day, minlength=candidates.n_days)
    number = np.arange(day.size) - np.searchsorted(day, day) + 1
    slots: Ints = -(-capacity * number // per_day[day])
    return slots


def walk(candidates: Candidates, order: Ordering, capacity: int) -> Ints:
    """Choose, landmark after landmark, the best that are left and that slots are left for.

    Returns
    -------
    rows : ndarray of int of shape (n_chosen,)
        Candidates in the order in which they were chosen; at most `capacity` a day, and no
        ticket twice.
    """
    tickets = candidates.ticket[order.rows]
    is_escalated = np.zeros(candidates.n_tickets, dtype=bool)
    used = [0] * candidates.n_days
    days, room = candidates.day_of_landmark.tolist(), released(candidates, capacity).tolist()
    edges = order.starts.tolist()
    chosen = []
    for landmark, day in enumerate(days):
        here = slice(edges[landmark], edges[landmark + 1])
        left = room[landmark] - used[day]
        if left <= 0 or here.start == here.stop:
            continue
        best = np.flatnonzero(~is_escalated[tickets[here]])[:left] + here.start
        is_escalated[tickets[best]] = True
        used[day] += best.size
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
    )


def _by_day(candidates: Candidates, rows: Ints, values: NDArray[np.generic]) -> Floats:
    weights = values[rows].astype(np.float64)
    days = np.bincount(candidates.day[rows], weights=weights, minlength=candidates.n_days)
    return days.astype(np.float64)


def decisions_frame(result: Replay) -> pl.DataFrame:
    """Every decision of a replay, one row for each chosen ticket and running clock.

    Returns
    -------
    decisions : polars.DataFrame
        ``policy, capacity, landmark, ticket_id, metric, p_breach, expected_saving, rank,
        source``. `expected_saving` is that of the ticket, by the model, whichever policy chose
        it, and is repeated on each of its clocks; `rank` counts from 1 within a landmark.
    """
    saving = expected_saving(result.candidates, result.costs)
    clocks = result.candidates.clocks.select(
        "candidate", "landmark", "source", "ticket_id", "metric", "p_breach"
    )
    parts = [
        _ranked(result.candidates, rows, saving)
        .join(clocks, on="candidate", how="left")
        .sort("landmark", "rank", "metric")
        .select(
            pl.lit(policy).alias("policy"),
            pl.lit(capacity, pl.Int64).alias("capacity"),
            "landmark",
            "ticket_id",
            "metric",
            "p_breach",
            "expected_saving",
            "rank",
            "source",
        )
        for (policy, capacity), rows in result.chosen.items()
    ]
    return pl.concat(parts)


def _ranked(candidates: Candidates, rows: Ints, saving: Floats) -> pl.DataFrame:
    """Give the chosen numbers within their landmark, in the order in which they were chosen."""
    landmark = candidates.landmark[rows]
    rank = np.arange(rows.size) - np.searchsorted(landmark, landmark) + 1
    return pl.DataFrame({"candidate": rows, "rank": rank, "expected_saving": saving[rows]})
