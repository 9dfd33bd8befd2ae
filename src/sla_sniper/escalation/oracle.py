"""The exact best choice of somebody who knows the future.

Each day has `capacity` slots, and a ticket can take one slot on one of the days on which it
is a candidate. What it saves may depend on the day: its effectiveness falls, its priority
changes, its clocks stop. Where it does not depend, the sets of tickets that fit are the
independent sets of a transversal matroid and greedy by weight with augmenting paths is exact
[1]_; where it does, the assignment is a linear programme whose vertices are whole numbers.
Slots are counted by day, not by landmark, so no policy of the replay can do better.

References
----------
.. [1] J. Edmonds and D. R. Fulkerson (1965), "Transversals and matroid partition", Journal of
   Research of the National Bureau of Standards 69B, 147-153. doi:10.6028/jres.069B.016
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.escalation.staffing import best_pairs

if TYPE_CHECKING:
    from sla_sniper.escalation.candidates import Candidates, Floats, Ints
    from sla_sniper.escalation.staffing import Staff


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The ways to spend a slot: one for each ticket and day on which it would save something.

    Attributes
    ----------
    ticket, day : ndarray of int of shape (n_edges,)
        Numbered from 0 without gaps for tickets; sorted by ticket, then day.
    saving : ndarray of float of shape (n_edges,)
        Positive, in currency.
    row : ndarray of int of shape (n_edges,)
        The candidate that gives it: the best, then the earliest landmark of that day.
    """

    ticket: Ints
    day: Ints
    saving: Floats
    row: Ints

    @property
    def is_constant(self) -> bool:
        """Whether no ticket's saving depends on the day."""
        same_ticket = self.ticket[1:] == self.ticket[:-1]
        return not np.any(self.saving[1:][same_ticket] != self.saving[:-1][same_ticket])


def best_escalations(
    candidates: Candidates, saving: Floats, capacity: int, staff: Staff | None = None
) -> Ints:
    """Choose the candidates whose savings add up to the most that is possible.

    Parameters
    ----------
    candidates : Candidates
        What can be chosen.
    saving : ndarray of float of shape (n_candidates,)
        What each would truly save, in currency; those at or below zero are never chosen.
    capacity : int
        Slots a day.
    staff : Staff, optional
        Who can take which candidate; minutes are counted by day, too.

    Returns
    -------
    rows : ndarray of int of shape (n_chosen,)
        Candidates by landmark, then by saving, greatest first; no ticket twice.
    """
    if capacity == 0 or not np.any(saving > 0):
        return np.empty(0, dtype=np.int64)
    if staff is None:
        edges = _edges(candidates, saving)
        solve = _greedy if edges.is_constant else _assignment
        rows = edges.row[solve(edges, candidates.n_days, capacity)]
    else:
        rows = _staffed(candidates, saving, capacity, staff)
    return rows[np.lexsort((rows, -saving[rows], candidates.landmark[rows]))]


def _edges(candidates: Candidates, saving: Floats) -> Edges:
    """Keep the best candidate of each ticket on each day."""
    row = np.flatnonzero(saving > 0)
    ticket, day = candidates.ticket[row], candidates.day[row]
    order = np.lexsort((row, -saving[row], day, ticket))
    row, ticket, day = row[order], ticket[order], day[order]
    is_best = np.ones(row.size, dtype=bool)
    is_best[1:] = (ticket[1:] != ticket[:-1]) | (day[1:] != day[:-1])
    row, day = row[is_best], day[is_best]
    numbers = np.unique(ticket[is_best], return_inverse=True)[1]
    return Edges(numbers, day, saving[row], row)


def _greedy(edges: Edges, n_days: int, capacity: int) -> Ints:
    """Take tickets by saving wherever the tickets already taken can still be placed."""
    starts = np.flatnonzero(np.diff(edges.ticket, prepend=-1))
    days = np.split(edges.day, starts[1:])
    placement = _Placement([choice.tolist() for choice in days], n_days, capacity)
    for ticket in np.argsort(-edges.saving[starts], kind="stable").tolist():
        placement.add(ticket)
    return np.array(
        [starts[ticket] + days[ticket].searchsorted(day) for ticket, day in placement.pairs()],
        dtype=np.int64,
    )


class _Placement:
    """Tickets on days, moved about as new ones come; a placed ticket stays placed.

    Days from which no chain of moves leads to a free slot are closed for good: the tickets on
    them can go nowhere else. Each failed search closes a day or more, so at most `n_days` fail.
    """

    def __init__(self, choices: list[list[int]], n_days: int, capacity: int) -> None:
        self.choices = choices
        self.capacity = capacity
        self.on_day: list[dict[int, None]] = [{} for _ in range(n_days)]  # ordered sets
        self.closed: set[int] = set()

    def add(self, ticket: int) -> None:
        """Place a ticket if it fits."""
        moved_by: dict[int, tuple[int, int]] = {}  # day -> (ticket that would move there, from)
        queue = [day for day in self.choices[ticket] if day not in self.closed]
        moved_by.update((day, (ticket, -1)) for day in queue)
        for day in queue:  # grows while it is read
            if len(self.on_day[day]) < self.capacity:
                self._move(day, moved_by)
                return
            for other in self.on_day[day]:
                for target in self.choices[other]:
                    if target not in moved_by and target not in self.closed:
                        moved_by[target] = (other, day)
                        queue.append(target)
        self.closed.update(queue)

    def pairs(self) -> list[tuple[int, int]]:
        """List each placed ticket with its day."""
        return [(ticket, day) for day, tickets in enumerate(self.on_day) for ticket in tickets]

    def _move(self, day: int, moved_by: dict[int, tuple[int, int]]) -> None:
        """Carry out the chain of moves that ends on `day`."""
        while day >= 0:
            ticket, origin = moved_by[day]
            self.on_day[day][ticket] = None
            if origin >= 0:
                del self.on_day[origin][ticket]
            day = origin


def _assignment(edges: Edges, n_days: int, capacity: int) -> Ints:
    """Solve the assignment of tickets to days as a linear programme.

    Its matrix is that of a bipartite graph, which is totally unimodular: the simplex method
    ends on a vertex, and every vertex is a set of whole choices.
    """
    number = np.arange(edges.row.size)
    return best_pairs(
        edges.saving,
        [
            (edges.ticket, np.ones(number.size), np.ones(int(edges.ticket.max()) + 1)),
            (edges.day, np.ones(number.size), np.full(n_days, float(capacity))),
        ],
    )


def _staffed(candidates: Candidates, saving: Floats, capacity: int, staff: Staff) -> Ints:
    """Also choose who takes each ticket: an assignment with a knapsack for each kind and day."""
    can = np.isfinite(staff.effort) & staff.works[candidates.landmark] & (saving > 0)[:, None]
    row, kind = np.nonzero(can)
    if not row.size:
        return row
    ticket, day = candidates.ticket[row], candidates.day[row]
    minutes = staff.effort[row, kind]
    order = np.lexsort((row, -saving[row], minutes, kind, day, ticket))
    same = [values[order][1:] == values[order][:-1] for values in (ticket, day, kind, minutes)]
    best = order[np.r_[True, ~np.logical_and.reduce(same)]]
    row, kind, ticket, day = row[best], kind[best], ticket[best], day[best]
    n_kinds = staff.amount.size
    return row[
        best_pairs(
            saving[row],
            [
                (ticket, np.ones(row.size), np.ones(candidates.n_tickets)),
                (day, np.ones(row.size), np.full(candidates.n_days, float(capacity))),
                (day * n_kinds + kind, minutes[best], np.tile(staff.amount, candidates.n_days)),
            ],
        )
    ]
