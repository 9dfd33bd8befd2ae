"""Tickets that were merged into another one: which, into which, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import count
from sla_sniper.sla.conditions import value_of

if TYPE_CHECKING:
    from datetime import datetime

_NAMED: Final = 3
_INTO: Final = ("source", "into")


@dataclass(frozen=True, slots=True)
class Merge:
    """A ticket that was merged into the one that is looked at."""

    ticket_id: str
    merged_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Merges:
    """What the last row of each ticket says of a merge.

    Attributes
    ----------
    field : str
        That names the other ticket; empty where no rule asks for one.
    frame : DataFrame
        ``source``, ``ticket_id``, ``into``, ``merged_at`` and ``is_known``: whether the log has
        the other ticket.
    """

    field: str
    frame: pl.DataFrame

    @property
    def elsewhere(self) -> pl.DataFrame:
        """Tickets that were merged into another one: one that names itself was not."""
        return self.frame.filter(pl.col("into") != pl.col("ticket_id"))

    def into(self, source: str, ticket_id: str) -> tuple[Merge, ...]:
        """Tickets that were merged into one, the first merge first."""
        found = self.elsewhere.filter(source=source, into=ticket_id).sort("merged_at", "ticket_id")
        return tuple(Merge(*row) for row in found.select("ticket_id", "merged_at").iter_rows())

    def notes(self) -> tuple[str, ...]:
        """What is said of merges and cannot be meant, a sentence each."""
        own = self.frame.filter(pl.col("into") == pl.col("ticket_id"))["ticket_id"]
        there = self.elsewhere.select(*_INTO, back="ticket_id")
        circle = self.elsewhere.join(
            there,
            left_on=["source", "ticket_id", "into"],
            right_on=["source", "into", "back"],
            how="semi",
        )["ticket_id"]
        told = []
        if own.len():
            has, it = ("names", "itself") if own.len() == 1 else ("name", "themselves")
            told.append(
                f"{count(own.len(), 'ticket')} ({_listed(own)}) {has} {it} in {self.field!r}: "
                "that is no merge."
            )
        if circle.len():
            told.append(
                f"{count(circle.len(), 'ticket')} ({_listed(circle)}) were merged into each "
                "other: none of them counts."
            )
        return tuple(told)


def read_merges(stored: pl.DataFrame, field: str) -> Merges:
    """Read the merges of a log; none where `field` is empty.

    Parameters
    ----------
    stored : DataFrame
        Rows of whole tickets in order, as they are stored.
    field : str
        `ServiceLevels.merged_into`.
    """
    rows = stored if field else stored.clear()
    told = rows.select(*TICKET_KEY, "occurred_at", value_of(field).alias("into"))
    last = pl.col("into").last()
    merged = (
        told.group_by(TICKET_KEY, maintain_order=True)
        .agg(last, merged_at=pl.col("occurred_at").filter(pl.col("into") == last).first())
        .filter(pl.col("into").is_not_null())
    )
    tickets = stored.select(*TICKET_KEY).unique().with_columns(is_known=pl.lit(value=True))
    known = merged.join(
        tickets, left_on=_INTO, right_on=TICKET_KEY, how="left", maintain_order="left"
    )
    return Merges(field, known.with_columns(pl.col("is_known").fill_null(value=False)))


def _listed(ids: pl.Series) -> str:
    more = ", ..." if ids.len() > _NAMED else ""
    return ", ".join(ids.head(_NAMED)) + more
