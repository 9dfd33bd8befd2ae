"""What a log tells about the help desk's own clock: its verdicts, and time under any rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.schema import INSTANT, STOPPED_STATUSES, TICKET_KEY
from sla_sniper.sla.reconcile_facts import as_known

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

STOPS: Final = ("closed", "resolved", "closed_stamp", "resolved_stamp")
"""What may end a clock: the ticket's events, or the help desk's own `closed_at`, `resolved_at`."""
WAITING: Final = ("waiting_requester", "waiting_vendor", "on_hold")
"""Statuses in which a clock may stand still."""
_OVER: Final = list(TICKET_KEY)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way in which a help desk may count: in which hours, until when, without what.

    Attributes
    ----------
    calendar : Calendar
        Hours that count.
    stop : str
        One of `STOPS`.
    pause_in : tuple of str
        Statuses that do not count.
    effort : int
        How much has to be believed for it; 0 for the simplest.

    Examples
    --------
    >>> from sla_sniper.sla.calendar import Calendar
    >>> Candidate(Calendar("24x7", is_always_open=True), "resolved").stop_in
    ('resolved', 'closed')
    """

    calendar: Calendar
    stop: str
    pause_in: tuple[str, ...] = ()
    effort: int = 0

    @property
    def stop_in(self) -> tuple[str, ...]:
        """Statuses that end it, as `stop_in` of a target names them."""
        return ("closed",) if self.stop.startswith("closed") else STOPPED_STATUSES

    @property
    def is_stamped(self) -> bool:
        """Whether it ends at the help desk's own instant rather than at an event."""
        return self.stop.endswith("_stamp")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Finished tickets with a verdict, and the rows that tell how their time was spent.

    Only tickets whose work has ended: on the others the verdict may still change. All rules
    are held against the same tickets, or the best would be the one with the easiest tickets.

    Attributes
    ----------
    tickets : DataFrame of n_tickets rows
        The key, `priority`, `is_breached` (the help desk's verdict) and `ended_at`.
    rows : DataFrame of n_rows rows
        For each row the `status` and from when to when it holds (`begins`, `ends`,
        microseconds since 1970), and for each stamp its instant on the ticket.
    first : ndarray of int of shape (n_tickets,)
        First row of each ticket.
    n_unfinished : int
        Tickets with a verdict that have not ended.
    """

    tickets: pl.DataFrame
    rows: pl.DataFrame
    first: Ints
    n_unfinished: int

    @property
    def is_breached(self) -> Flags:
        """The help desk's verdicts, of shape (n_tickets,)."""
        return self.tickets["is_breached"].to_numpy()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Waiting statuses that occur."""
        found = set(self.rows["status"].unique())
        return tuple(name for name in WAITING if name in found)

    @property
    def stops(self) -> tuple[str, ...]:
        """Ends that the log tells, the simplest first."""
        found = set(self.rows["status"].unique()) | set(self.rows.columns)
        return tuple(stop for stop in STOPS if stop in found)

    def elapsed(self, candidate: Candidate) -> Ints:
        """Time that each ticket used, as a candidate counts it.

        Returns
        -------
        ndarray of int of shape (n_tickets,)
            Open time in microseconds; zero or more.
        """
        begins, ends = self._numbers("begins"), self._numbers("ends")
        ignored = candidate.pause_in
        if candidate.is_stamped:
            stop = self._numbers(candidate.stop)
            ends = np.minimum(np.where(self._is_last(), stop, ends), stop)
        else:
            ignored = (*ignored, *candidate.stop_in)
        lowest, highest = int(begins.min()), max(int(begins.max()), int(ends.max()))
        compiled = candidate.calendar.compiled(lowest, highest)
        spent = compiled.open_until(np.maximum(begins, ends)) - compiled.open_until(begins)
        counts = ~self.rows["status"].is_in(ignored).fill_null(value=False).to_numpy()
        return np.asarray(np.add.reduceat(np.where(counts, spent, 0), self.first))

    def _numbers(self, name: str) -> Ints:
        return self.rows[name].to_numpy()

    def _is_last(self) -> Flags:
        last = np.zeros(self.rows.height, dtype=bool)
        last[np.r_[self.first[1:] - 1, self.rows.height - 1]] = True
        return last


def gather(events: pl.DataFrame, *, as_of: datetime) -> Evidence:
    """Gather the finished tickets that carry a verdict.

    Parameters
    ----------
    events : DataFrame
        Canonical events of whole tickets that were recorded by `as_of`, in order.
    as_of : datetime
        Aware instant; later stamps are not read.

    Notes
    -----
    A ticket has ended when its last status is ``closed``; where no ticket is ever closed, when
    it is ``resolved``. A ticket without a stamp takes the event in its place.
    """
    told = _told(as_known(events, as_of=as_of))
    ends_in = ("closed",) if (told["status"] == "closed").any() else STOPPED_STATUSES
    has_ended = pl.col("last_status").is_in(ends_in).fill_null(value=False)
    n_unfinished = told.filter(~has_ended).select(TICKET_KEY).n_unique()
    rows = _spans(told.filter(has_ended), ends_in)
    ticket = rows.select(pl.struct(TICKET_KEY).rle_id()).to_series().to_numpy()
    first = np.flatnonzero(np.r_[True, ticket[1:] != ticket[:-1]][: len(ticket)])
    tickets = rows[first].select(*TICKET_KEY, "priority", "is_breached", "ended_at")
    return Evidence(tickets, rows, first.astype(np.int64), n_unfinished)


def _told(known: pl.DataFrame) -> pl.DataFrame:
    """Rows of tickets with a verdict, with the ticket's last status, priority and stamps."""
    latest = {
        "last_status": "status",
        "priority": "priority",
        "is_breached": "vendor_breached",
        "closed_stamp": "vendor_closed_at",
        "resolved_stamp": "vendor_resolved_at",
    }
    windows = {name: _last(column) for name, column in latest.items()}
    is_created = pl.col("activity").str.contains("created", literal=True)
    created = pl.col("occurred_at").filter(is_created).first().over(_OVER)
    found = known.select(
        *TICKET_KEY,
        "status",
        begins=pl.max_horizontal("occurred_at", created),
        **windows,
    )
    return found.filter(pl.col("is_breached").is_not_null())


def _last(column: str) -> pl.Expr:
    return pl.col(column).drop_nulls().last().over(_OVER)


def _spans(rows: pl.DataFrame, ends_in: tuple[str, ...]) -> pl.DataFrame:
    """From when to when each row holds, when its ticket ended, and the stamps that are told."""
    stamps = [n for n in STOPS if n in rows.columns and rows[n].is_not_null().any()]
    ends = pl.col("begins").shift(-1).over(_OVER).fill_null(pl.col("begins"))
    spans = rows.with_columns(ends=ends)
    # The last row before the end stays until the end; a ticket may have none.
    goes_on = ~pl.col("status").is_in(ends_in).fill_null(value=False)
    ended = pl.coalesce(pl.col("ends").filter(goes_on).max(), pl.col("begins").first())
    spans = spans.with_columns(ended_at=ended.over(_OVER))
    return spans.select(
        *TICKET_KEY,
        "status",
        "priority",
        "is_breached",
        pl.col("ended_at").cast(INSTANT),
        pl.col("begins", "ends").to_physical(),
        *(pl.coalesce(name, "ended_at").to_physical().alias(name) for name in stamps),
    )
