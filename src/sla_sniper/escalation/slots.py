"""When the slots of a day may be used: paced evenly, or held back for better tickets.

Every policy is paced: by landmark j of the J of a day ceil(capacity (j + 1) / J) slots have been
released, so that none has spent the day by 08:00. `sniper` may hold slots back by price instead:
the bid price of revenue management [1]_, what the ticket that will want the slot later would save.

References
----------
.. [1] K. Talluri and G. van Ryzin (1998), "An analysis of bid-price controls for network revenue
   management", Management Science 44(11), 1577-1593. doi:10.1287/mnsc.44.11.1577
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from sla_sniper.escalation.candidates import Candidates, Floats, Ints

TRAILING_DAYS: Final = 20
"""Past days from which a price is read."""
LEAST_DAYS: Final = 5
"""Past days without which there is no price: slots are paced until then."""


class Slots(Protocol):
    """The slots of a replay, used up landmark after landmark."""

    def take(self, landmark: int, rows: Ints) -> Ints:
        """Give slots at a landmark to some of the candidates `rows`, which come best first.

        Returns
        -------
        places : ndarray of int of shape (n_taken,)
            Places in `rows`, in order; their slots are used from now on.
        """
        ...


def released(candidates: Candidates, capacity: int) -> Ints:
    """Slots that a day has released in all by each landmark, of shape (n_landmarks,).

    By landmark j of the J of its day, counted from 0: ceil(capacity (j + 1) / J). Landmarks at
    which nothing could be escalated count: nobody knew at 08:00 that 09:00 would be quiet.
    """
    slots: Ints = -(-capacity * candidates.landmark_number // candidates.landmarks_of_day)
    return slots


class Paced:
    """Slots that are released evenly over the landmarks of a day; see `released`."""

    def __init__(self, candidates: Candidates, capacity: int) -> None:
        self.capacity = capacity
        self.days: list[int] = candidates.day_of_landmark.tolist()
        self.room: list[int] = released(candidates, capacity).tolist()
        self.used = [0] * candidates.n_days

    def take(self, landmark: int, rows: Ints) -> Ints:
        """Give the slots that have been released and not been used."""
        left = max(0, self.room[landmark] - self.used[self.days[landmark]])
        return self._give(landmark, min(left, rows.size))

    def _give(self, landmark: int, n: int) -> Ints:
        self.used[self.days[landmark]] += n
        return np.arange(n)


class Priced(Paced):
    """All slots of the day at once, each at its shadow price."""

    def __init__(self, candidates: Candidates, capacity: int, saving: Floats) -> None:
        super().__init__(candidates, capacity)
        self.saving = saving
        self.arrivals = Arrivals.of(candidates, saving)
        self.left: list[int] = (candidates.landmarks_of_day - candidates.landmark_number).tolist()

    def take(self, landmark: int, rows: Ints) -> Ints:
        """Give slots to tickets that save more than those expected later would."""
        day = self.days[landmark]
        if day < LEAST_DAYS:
            return super().take(landmark, rows)
        prices = self.arrivals.prices(
            day, landmarks_left=self.left[landmark], slots=self.capacity - self.used[day]
        )
        return self._give(landmark, n_worth(self.saving[rows], prices))


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The tickets that came during past days, and what escalating each would have saved.

    Only forecasts of the day itself are in it, no outcome: it may be read the day after.

    Attributes
    ----------
    day : ndarray of int of shape (n_arrivals,)
        Index of the capacity day.
    landmarks_left : ndarray of int of shape (n_arrivals,)
        Landmarks of that day after the first at which the ticket was a candidate.
    saving : ndarray of float of shape (n_arrivals,)
        Expected saving at that landmark, in currency; positive, greatest first.
    """

    day: Ints
    landmarks_left: Ints
    saving: Floats

    @classmethod
    def of(cls, candidates: Candidates, saving: Floats) -> Arrivals:
        """Find the first candidate of each ticket on each day; `saving` of (n_candidates,)."""
        day = candidates.day
        order = np.lexsort((candidates.landmark, day, candidates.ticket))
        ticket, of_day = candidates.ticket[order], day[order]
        is_first = np.ones(order.size, dtype=bool)
        is_first[1:] = (ticket[1:] != ticket[:-1]) | (of_day[1:] != of_day[:-1])
        rows = order[is_first]
        rows = rows[saving[rows] > 0]
        rows = rows[np.lexsort((rows, -saving[rows]))]
        left = candidates.landmarks_of_day - candidates.landmark_number
        return cls(day[rows], left[candidates.landmark[rows]], saving[rows])

    def prices(self, day: int, *, landmarks_left: int, slots: int) -> Floats:
        """Price of each slot that is left, the cheapest first.

        Parameters
        ----------
        day : int
            Today; the up to `TRAILING_DAYS` days before it count.
        landmarks_left : int
            Landmarks of today that are still to come.
        slots : int
            Slots that are left today.

        Returns
        -------
        prices : ndarray of float of shape (slots,)
            The b-th last: on an average day b tickets that save more than this come later. Zero
            where so many do not come.

        Examples
        --------
        >>> past = Arrivals(np.array([0, 1, 0]), np.array([0, 0, 0]), np.array([9.0, 5.0, 4.0]))
        >>> past.prices(2, landmarks_left=1, slots=2)
        array([0., 5.])
        """
        first = max(0, day - TRAILING_DAYS)
        counts = (self.day >= first) & (self.day < day) & (self.landmarks_left < landmarks_left)
        later = self.saving[counts]
        place = np.arange(slots, 0, -1) * (day - first) - 1
        prices = np.zeros(slots)
        comes = place < later.size
        prices[comes] = later[place[comes]]
        return prices


def n_worth(saving: Floats, prices: Floats) -> int:
    """Count the tickets, best first, that save more than the slots they would take cost."""
    n = min(saving.size, prices.size)
    return int(np.count_nonzero(saving[:n] > prices[:n]))
