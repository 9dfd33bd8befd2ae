"""What a clock needs to know about each row of the events, read once for all targets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.schema import STATUSES
from sla_sniper.sla.conditions import value_of
from sla_sniper.sla.runs import latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.sla.policy import Replies, ServiceLevels

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

NEVER: Final = np.int64(2**62)
"""Stands for "not yet": later than every instant."""
_STATUS_ACTIVITIES: Final = ("status", "resolved", "reopened", "closed")


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Facts of every row, in the order of the events; all arrays have shape (n_rows,).

    Attributes
    ----------
    row : ndarray of int
        Row in the events frame.
    ticket : ndarray of int
        Number of the ticket, ascending.
    first, last : ndarray of bool
        First and last row of its ticket.
    start : ndarray of int
        When the ticket began, in microseconds.
    begins, ends : ndarray of int
        From when to when the row's values hold, cut at `start`; `ends` is `NEVER` for the last.
    status : ndarray of int
        Index into `core.schema.STATUSES`, -1 for any other.
    is_status_row : ndarray of bool
        Whether the row tells of its status, new or again.
    is_void : ndarray of bool
        Cancelled, spam, test, merged: the ticket leaves every rate.
    priority : ndarray of int
        Index into `priorities`.
    priorities : tuple of str or None
        The priorities that occur.
    is_reply, is_request : ndarray of bool
        A public answer of the desk that counts as a reply; a message of the requester.
    is_assigned : ndarray of bool
        Whether somebody owns the ticket.
    """

    row: Ints
    ticket: Ints
    first: Flags
    last: Flags
    start: Ints
    begins: Ints
    ends: Ints
    status: Ints
    is_status_row: Flags
    is_void: Flags
    priority: Ints
    priorities: tuple[str | None, ...]
    is_reply: Flags
    is_request: Flags
    is_assigned: Flags

    @property
    def is_awaiting(self) -> Flags:
        """Whether the last public message was the desk's."""
        spoke = self.is_reply | self.is_request
        by_desk = self.is_reply & ~self.is_request
        return np.asarray(by_desk[latest(spoke | self.first)])

    def is_in(self, statuses: Sequence[str]) -> Flags:
        """Whether each row's status is one of `statuses`."""
        wanted = np.zeros(len(STATUSES) + 1, dtype=bool)
        wanted[[STATUSES.index(name) for name in statuses]] = True
        return np.asarray(wanted[self.status])

    def take(self, chosen: Flags) -> Facts:
        """Keep the chosen rows, whole tickets."""
        if chosen.all():
            return self
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {k: v[chosen] if isinstance(v, np.ndarray) else v for k, v in values.items()}
        return Facts(**kept)  # type: ignore[arg-type]  # one loop over fields of two kinds


def read_facts(events: pl.DataFrame, levels: ServiceLevels, keys: Sequence[str]) -> Facts:
    """Read the facts of canonical events, whole tickets in order; see `Facts`."""
    ticket = events.select(pl.struct(keys).rle_id()).to_series().to_numpy().astype(np.int64)
    first = np.empty(len(ticket), dtype=bool)
    first[:1] = True
    np.not_equal(ticket[1:], ticket[:-1], out=first[1:])
    last = np.r_[first[1:], True]
    occurred = events["occurred_at"].to_physical().to_numpy().astype(np.int64)
    tells = _tells(events)
    start = _starts(first, ticket, occurred, tells["created"])
    begins = np.maximum(occurred, start)
    status = _status(events)
    priorities, priority = _codes(events["priority"])
    changed = first | np.r_[True, status[1:] != status[:-1]]
    is_reply = _is_reply(events, tells, levels.replies)
    return Facts(
        row=np.arange(len(ticket), dtype=np.int64),
        ticket=ticket,
        first=first,
        last=last,
        start=start,
        begins=begins,
        ends=np.where(last, NEVER, np.r_[begins[1:], 0]),
        status=status,
        is_status_row=changed | tells["status"],
        is_void=_is_void(events, status, levels),
        priority=priority,
        priorities=priorities,
        is_reply=is_reply,
        is_request=_is_request(events, tells),
        is_assigned=events["assignee"].is_not_null().to_numpy(),
    )


def _tells(events: pl.DataFrame) -> dict[str, Flags]:
    """Which rows name an activity: the few distinct texts are looked at, not every row."""
    texts, code = _codes(events["activity"])
    words = [set((text or "").split("+")) for text in texts]
    wanted = {
        "created": {"created"},
        "status": set(_STATUS_ACTIVITIES),
        "public_reply": {"public_reply"},
        "internal_note": {"internal_note"},
        "requester_message": {"requester_message"},
    }
    return {
        name: np.array([bool(names & listed) for listed in words], dtype=bool)[code]
        for name, names in wanted.items()
    }


def _codes(column: pl.Series) -> tuple[tuple[str | None, ...], Ints]:
    """Distinct values of a column in order of appearance, and the index of each row's."""
    names = column.unique(maintain_order=True)
    ranks = pl.Series(range(len(names)), dtype=pl.Int64)
    code = column.replace_strict(names, ranks, return_dtype=pl.Int64)
    return tuple(names.to_list()), code.to_numpy().astype(np.int64)


def _starts(first: Flags, ticket: Ints, occurred: Ints, created: Flags) -> Ints:
    """When each row's ticket began: at its creation, else at its first row."""
    by_ticket = occurred[first].copy()
    rows = np.flatnonzero(created)[::-1]
    number = ticket - ticket[:1]
    by_ticket[number[rows]] = occurred[rows]
    return np.asarray(by_ticket[number])


def _status(events: pl.DataFrame) -> Ints:
    ranks = {name: rank for rank, name in enumerate(STATUSES)}
    code = events["status"].replace_strict(ranks, default=-1, return_dtype=pl.Int64)
    return code.fill_null(-1).to_numpy().astype(np.int64)


def _is_void(events: pl.DataFrame, status: Ints, levels: ServiceLevels) -> Flags:
    cancelled = np.asarray(status == STATUSES.index("cancelled"))
    if not levels.void.is_empty:
        cancelled = cancelled | _holds(events, levels.void.expression())
    if levels.merged_into:
        # A ticket that names itself was not merged; one that names none is not held to be either.
        cancelled = cancelled | _holds(events, value_of(levels.merged_into) != pl.col("ticket_id"))
    return np.asarray(cancelled)


def _is_reply(events: pl.DataFrame, tells: dict[str, Flags], replies: Replies) -> Flags:
    wrote = tells["public_reply"] | (tells["internal_note"] & replies.are_notes)
    role = pl.col("actor_role")
    found = wrote & _holds(events, role.is_null() | role.is_in(replies.roles))
    if replies.unless.is_empty:
        return np.asarray(found)
    return np.asarray(found & ~_holds(events, replies.unless.expression()))


def _is_request(events: pl.DataFrame, tells: dict[str, Flags]) -> Flags:
    by_requester = _holds(events, pl.col("actor_role") == "requester")
    return np.asarray(tells["requester_message"] | (tells["public_reply"] & by_requester))


def _holds(events: pl.DataFrame, condition: pl.Expr) -> Flags:
    held = events.select(condition.fill_null(value=False).alias("held")).to_series()
    if len(held) == 1 and events.height != 1:
        held = held.new_from_index(0, events.height)
    return np.asarray(held.to_numpy().astype(bool))
