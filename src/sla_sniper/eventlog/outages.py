"""Days on which closing stalled and then caught up at once: an outage, not slow people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPIKE: Final = 4.0
"""A day is a spike from this many times the usual count."""

STALLED: Final = 0.5
"""A day stalls below this share of what its weekday usually sees."""

MIN_DAYS, MIN_USUAL, CAUGHT_UP = 3, 5.0, 0.3
_DAYS_IN_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Outage:
    """Days from `start` up to the day before `spike_on` without a status, then all at once.

    Attributes
    ----------
    status : str
        What stalled: ``resolved`` or ``closed``.
    n_stalled, n_expected, n_spike : int
        Tickets that reached the status during the stall, that usually would have, and that
        did on the day of the spike.
    """

    status: str
    start: date
    spike_on: date
    n_stalled: int
    n_expected: int
    n_spike: int

    @property
    def words(self) -> str:
        """What was seen, without what to make of it."""
        last = self.spike_on - timedelta(days=1)
        return (
            f"From {self.start} to {last} only {count(self.n_stalled, 'ticket')} became "
            f"{self.status} where about {self.n_expected:,} usually do, then {self.n_spike:,} on "
            f"{self.spike_on}: this looks like an outage"
        )

    @property
    def sentence(self) -> str:
        """The outage in words."""
        return f"{self.words}, so its breaches say nothing about people; consider excluding it."

    @property
    def proposal(self) -> str:
        """An ``[[exclusions]]`` block; its `to` is the first day that counts again."""
        end = self.spike_on + timedelta(days=1)
        return (
            f"[[exclusions]]\nfrom = {self.start}\nto = {end}\n"
            f'reason = "{self.status} stalled, then {self.n_spike} at once on {self.spike_on}"\n'
            'use = ["training", "diagnosis"]\n'
        )


def find_outages(rows: pl.DataFrame, status: str) -> list[Outage]:
    """Find stalls of a status that end in a spike.

    Parameters
    ----------
    rows : DataFrame
        Canonical events; days are those of UTC.
    status : str
        ``resolved`` or ``closed``; each ticket counts on the day it first reached it.

    Notes
    -----
    Usual is the median over the log's days of the same weekday, which a stall of two weeks
    in two months leaves alone. A spike must make up for at least 30 % of what was missing.
    """
    first_day, counts = _daily(rows, status)
    usual = _usual(counts)
    typical = float(np.median(counts)) if len(counts) else 0.0
    if typical < MIN_USUAL:
        return []
    spikes = np.flatnonzero(counts >= SPIKE * np.maximum(usual, typical))
    found = [(_stall_start(counts, usual, int(spike)), int(spike)) for spike in spikes]
    return [
        Outage(
            status=status,
            start=first_day + timedelta(days=start),
            spike_on=first_day + timedelta(days=spike),
            n_stalled=int(counts[start:spike].sum()),
            n_expected=round(float(usual[start:spike].sum())),
            n_spike=int(counts[spike]),
        )
        for start, spike in found
        if spike - start >= MIN_DAYS
        and counts[spike] >= CAUGHT_UP * (usual[start:spike] - counts[start:spike]).sum()
    ]


def _daily(rows: pl.DataFrame, status: str) -> tuple[date, NDArray[np.int64]]:
    """First day and the number of tickets that first reached the status on each day."""
    reached = (
        rows.filter(pl.col("status") == status)
        .group_by(TICKET_KEY)
        .agg(pl.col("occurred_at").min().dt.date().alias("day"))
    )
    if reached.is_empty():
        return date(1970, 1, 1), np.zeros(0, dtype=np.int64)
    days = reached["day"].dt.epoch("d").to_numpy()
    first = int(days.min())
    return date(1970, 1, 1) + timedelta(days=first), np.bincount(days - first)


def _usual(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median of each day's weekday, of shape (n_days,)."""
    usual = np.zeros(len(counts))
    for weekday in range(min(_DAYS_IN_WEEK, len(counts))):
        usual[weekday::_DAYS_IN_WEEK] = np.median(counts[weekday::_DAYS_IN_WEEK])
    return usual


def _stall_start(counts: NDArray[np.int64], usual: NDArray[np.float64], spike: int) -> int:
    """First stalled day of the run of stalled or usually quiet days before the spike."""
    stalled = counts < STALLED * usual
    quiet = usual < STALLED * np.median(usual)
    busy = np.flatnonzero(~(stalled | quiet)[:spike])
    run_start = int(busy[-1]) + 1 if len(busy) else 0
    inside = np.flatnonzero(stalled[run_start:spike])
    return run_start + int(inside[0]) if len(inside) else spike
