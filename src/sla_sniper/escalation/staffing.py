"""Capacity of more than one kind: who may take which ticket, when, and for how many minutes.

Each `Kind` is a group, shift or skill with so many minutes or tickets a day. Which ticket goes
to which kind is an assignment with a knapsack for each kind. It is solved exactly by HiGHS [1]_;
taking tickets by saving until nothing fits is not exact as soon as two kinds overlap or efforts
differ. A rule that knows no saving is served in its own order, as a desk would work down a list.

References
----------
.. [1] Q. Huangfu and J. A. J. Hall (2018), "Parallelizing the dual revised simplex method",
   Mathematical Programming Computation 10, 119-142. doi:10.1007/s12532-017-0130-5
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.escalation.slots import Paced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sla_sniper.escalation.candidates import Candidates, Floats, Ints

FIELDS: Final = ("priority", "group", "category", "product", "channel")
"""What a kind may choose its tickets by."""
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of capacity.

    Attributes
    ----------
    name : str
        For messages.
    amount : float
        Minutes, or tickets where `effort` is 1 for all, on each local date on which it works.
    when : mapping of str to frozenset of str
        Values of `FIELDS` that it can take; every ticket where empty.
    weekdays : frozenset of int
        1 is Monday; every day where empty.
    opens, closes : int
        Its shift: seconds since local midnight, `closes` excluded.
    effort : mapping of str to float
        Minutes that a ticket of a priority takes, positive.
    default_effort : float
        Of a priority that `effort` does not list.
    """

    name: str
    amount: float
    when: Mapping[str, frozenset[str]]
    weekdays: frozenset[int] = frozenset()
    opens: int = 0
    closes: int = _DAY_S
    effort: Mapping[str, float] | None = None
    default_effort: float = 1.0

    def efforts(self, tickets: pl.DataFrame) -> Floats:
        """Minutes that each ticket would take, of shape (n_tickets,); infinite if it cannot."""
        takes = [pl.col(name).is_in(list(values)) for name, values in self.when.items()]
        minutes = pl.col("priority").replace_strict(
            dict(self.effort or {}), default=self.default_effort, return_dtype=pl.Float64
        )
        can = pl.all_horizontal(pl.lit(value=True), *takes).fill_null(value=False)
        chosen = tickets.select(pl.when(can).then(minutes).otherwise(float("inf")))
        return chosen.to_series().to_numpy()

    def works(self, landmarks: pl.Series, timezone: str) -> NDArray[np.bool_]:
        """Whether each landmark lies in its shift, of shape (n_landmarks,)."""
        local = landmarks.dt.convert_time_zone(timezone)
        seconds = local.dt.hour().cast(pl.Int64) * 3600 + local.dt.minute().cast(pl.Int64) * 60
        inside = (seconds >= self.opens) & (seconds < self.closes)
        if self.weekdays:
            inside &= local.dt.weekday().is_in(list(self.weekdays))
        return inside.to_numpy()


@dataclass(frozen=True, slots=True)
class Staffing:
    """All kinds of capacity of a desk, with the zone of their shifts."""

    kinds: tuple[Kind, ...]
    timezone: str

    def of(self, candidates: Candidates) -> Staff:
        """Read it for some candidates."""
        fields = [name for name in FIELDS if name in candidates.clocks.columns]
        wanted = {name for kind in self.kinds for name in kind.when} | {"priority"}
        if missing := wanted - set(fields):
            raise ValueError(f"The pool has no column {', '.join(sorted(missing))}.")
        tickets = candidates.clocks.unique("candidate", keep="first", maintain_order=True)
        return Staff(
            effort=np.column_stack([kind.efforts(tickets) for kind in self.kinds]),
            works=np.column_stack(
                [kind.works(candidates.landmarks, self.timezone) for kind in self.kinds]
            ),
            amount=np.array([kind.amount for kind in self.kinds], dtype=np.float64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Staff:
    """A staffing as arrays.

    Attributes
    ----------
    effort : ndarray of float of shape (n_candidates, n_kinds)
        Minutes; infinite where a kind cannot take the ticket.
    works : ndarray of bool of shape (n_landmarks, n_kinds)
        Whether the shift of a kind is on.
    amount : ndarray of float of shape (n_kinds,)
        Minutes a day.
    """

    effort: Floats
    works: NDArray[np.bool_]
    amount: Floats


class Staffed(Paced):
    """Slots that also need somebody who can do the work.

    A day's total is paced as ever; the minutes of a kind are there as soon as its shift is on.
    """

    def __init__(
        self, candidates: Candidates, capacity: int, staff: Staff, saving: Floats | None
    ) -> None:
        super().__init__(candidates, capacity)
        self.staff = staff
        self.saving = saving
        self.spent = np.zeros((candidates.n_days, staff.amount.size))

    def take(self, landmark: int, rows: Ints) -> Ints:
        """Give slots to the best set that the kinds at work can do."""
        day = self.days[landmark]
        left = np.where(self.staff.works[landmark], self.staff.amount - self.spent[day], 0.0)
        n = min(self.room[landmark] - self.used[day], rows.size)
        effort = np.where(self.staff.works[landmark], self.staff.effort[rows], np.inf)
        saving = None if self.saving is None else self.saving[rows]
        places, kinds = assign(effort, left, most=n, saving=saving)
        np.add.at(self.spent[day], kinds, effort[places, kinds])
        self.used[day] += places.size
        return places


def assign(
    effort: Floats, left: Floats, *, most: int, saving: Floats | None = None
) -> tuple[Ints, Ints]:
    """Choose tickets and the kind that does each.

    Parameters
    ----------
    effort : ndarray of shape (n_tickets, n_kinds)
        Minutes, the best ticket first; infinite where impossible.
    left : ndarray of shape (n_kinds,)
        Minutes that each kind has left.
    most : int
        Tickets in all.
    saving : ndarray of shape (n_tickets,), optional
        Positive, greatest first: the set with the greatest sum is chosen. Without it tickets
        are served in order, each by the kind that needs least time for it.

    Returns
    -------
    places, kinds : ndarray of int of shape (n_chosen,)
        Places of the chosen tickets, ascending; the kind of each.

    Examples
    --------
    >>> effort = np.array([[30.0, np.inf], [20.0, np.inf], [20.0, np.inf]])
    >>> assign(effort, np.array([40.0, 0.0]), most=3)[0]
    array([0])
    >>> assign(effort, np.array([40.0, 0.0]), most=3, saving=np.array([5.0, 4.0, 3.0]))[0]
    array([1, 2])
    """
    places, kinds, is_whole = _in_order(effort, left.copy(), most)
    # Nobody was turned away: no other set of that size saves more, and no larger one fits.
    if saving is None or is_whole or most <= 0:
        return places, kinds
    return _best(effort, left, most, saving)


def _in_order(effort: Floats, left: Floats, most: int) -> tuple[Ints, Ints, bool]:
    """Serve tickets in order; also tell whether none that could be done at all was skipped."""
    chosen: list[tuple[int, int]] = []
    is_whole = True
    for place in np.flatnonzero((effort <= left).any(axis=1)):
        if len(chosen) >= most:
            break
        minutes = np.where(effort[place] <= left, effort[place], np.inf)
        kind = int(minutes.argmin())
        if minutes[kind] == np.inf:
            is_whole = False
            continue
        left[kind] -= minutes[kind]
        chosen.append((int(place), kind))
    pairs = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], is_whole


def _best(effort: Floats, left: Floats, most: int, saving: Floats) -> tuple[Ints, Ints]:
    """Solve the assignment of tickets to kinds exactly."""
    place, kind = np.nonzero(effort <= left)
    keep = _could_matter(effort, left, most)[place]
    place, kind = place[keep], kind[keep]
    number = np.arange(place.size)
    solution = best_pairs(
        saving[place],
        [
            (place, np.ones(place.size), np.ones(effort.shape[0])),
            (kind, effort[place, kind], left),
            (np.zeros_like(number), np.ones(place.size), np.array([float(most)])),
        ],
    )
    return place[solution], kind[solution]


def _could_matter(effort: Floats, left: Floats, most: int) -> NDArray[np.bool_]:
    """Whether each ticket is among the best `most` of those that take the same minutes."""
    usable = np.where(effort <= left, effort, np.inf)
    alike = np.unique(usable, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.argsort(alike, kind="stable")
    start = np.searchsorted(alike[order], alike[order])
    matters = np.empty(alike.size, dtype=bool)
    matters[order] = np.arange(alike.size) - start < most
    return matters


def best_pairs(saving: Floats, limits: list[tuple[Ints, Floats, Floats]]) -> Ints:
    """Choose the columns with the greatest sum of savings within sums of limits.

    Parameters
    ----------
    saving : ndarray of shape (n_pairs,)
        What choosing a pair saves.
    limits : list of (row, weight, bound)
        Each pair adds `weight` to the sum of its `row`, which is at most ``bound[row]``.

    Returns
    -------
    chosen : ndarray of int of shape (n_chosen,)
        Ascending.

    Raises
    ------
    RuntimeError
        If HiGHS finds no solution; choosing nothing always is one.
    """
    # Slow to import, and only what cannot be done greedily needs it.
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415
    from scipy.sparse import csr_array, vstack  # noqa: PLC0415

    number = np.arange(saving.size)
    parts = [
        csr_array((weight, (row, number)), shape=(bound.size, saving.size))
        for row, weight, bound in limits
    ]
    solution = milp(
        -saving,
        integrality=np.ones(saving.size, dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(
            vstack(parts), ub=np.concatenate([bound for *_, bound in limits])
        ),
        options={"mip_rel_gap": 0.0},
    )
    if solution.x is None:
        raise RuntimeError(f"HiGHS gave no assignment: {solution.message}")
    chosen: Ints = np.flatnonzero(np.round(solution.x))
    return chosen
