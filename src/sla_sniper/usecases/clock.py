"""sniper clock: every cycle as of an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import count
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import overwrite_table, require_ending, write_table
from sla_sniper.usecases.results import header, records

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.sla.merges import Merges

_NAMED: Final = 5
_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class ClockReport:
    """Cycles and how they stand.

    Attributes
    ----------
    frame : DataFrame
        Schema `core.schema.CYCLES`.
    n_tickets : int
        Tickets known by `as_of`.
    untimed : DataFrame
        Source and id of the tickets without any clock, in order.
    merges : Merges
        Tickets that were merged into others.
    notes : tuple of str
        What the settings ask for and the log cannot give.
    """

    frame: pl.DataFrame
    as_of: datetime
    why: str
    n_tickets: int
    untimed: pl.DataFrame
    merges: Merges
    notes: tuple[str, ...] = ()

    def states(self) -> pl.DataFrame:
        """Number of cycles in each state, by metric and priority."""
        return (
            self.frame.group_by("metric", "priority_applied", "state")
            .agg(pl.len().alias("cycles"))
            .sort("metric", "priority_applied", "state")
        )

    @property
    def n_cancelled(self) -> int:
        """Tickets that leave every rate: cancelled, merged, spam and tests."""
        return self._cancelled().select(TICKET_KEY).n_unique()

    @property
    def n_merged(self) -> tuple[int, int]:
        """Those of them that were merged into a ticket of the log, and into one it has not."""
        merged = self.merges.elsewhere.join(self._cancelled(), on=TICKET_KEY, how="semi")
        n_known = int(merged["is_known"].sum())
        return n_known, merged.height - n_known

    def _cancelled(self) -> pl.DataFrame:
        return self.frame.filter(pl.col("state") == "cancelled")

    def warnings(self) -> pl.DataFrame:
        """Open cycles that are to be warned about, the soonest first."""
        told = self.frame.filter(pl.col("next_warning_at").is_not_null())
        columns = (*TICKET_KEY, "metric", "next_warning", "next_warning_at", "due_at")
        return told.select(columns).sort("next_warning_at", *TICKET_KEY, "metric")

    def sentences(self) -> list[str]:
        """Counts in words: nothing that was read is left out of them."""
        told = [f"{count(self.frame.height, 'cycle')} of {count(self.n_tickets, 'ticket')}."]
        if self.n_cancelled:
            told.append(self._cancelled_told())
        if self.untimed.height:
            ids = self.untimed["ticket_id"].head(_NAMED).to_list()
            more = ", ..." if self.untimed.height > _NAMED else ""
            told.append(
                f"{count(self.untimed.height, 'ticket')} without a clock "
                f"({', '.join(ids)}{more}); "
                "`sniper explain TICKET` says why."
            )
        soonest = self.warnings().head(1)
        if soonest.height:
            row = soonest.row(0, named=True)
            told.append(
                f"Next warning: ticket {row['ticket_id']}, {row['metric']}, {row['next_warning']}, "
                f"at {row['next_warning_at']:%Y-%m-%d %H:%M} UTC; "
                f"to come on {count(self.warnings().height, 'open cycle')}."
            )
        return [*told, *self.notes]

    def _cancelled_told(self) -> str:
        known, unknown = self.n_merged
        parts = (
            (self.n_cancelled - known - unknown, "cancelled, spam or tests"),
            (known, "merged into another ticket of the log"),
            (unknown, "merged into one that it does not have"),
        )
        told = ", ".join(f"{count(number)} {what}" for number, what in parts if number)
        return f"{count(self.n_cancelled, 'ticket')} whose cycles count in no rate: {told}."

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper clock`."""
        return header("clock", self.as_of) | {
            "why": self.why,
            "tickets": self.n_tickets,
            "untimed": self.untimed.height,
            "untimed_tickets": self.untimed["ticket_id"].head(_LISTED).to_list(),
            "cancelled_tickets": self.n_cancelled,
            "merged_tickets": dict(zip(("known", "unknown"), self.n_merged, strict=True)),
            "cycles": self.frame.height,
            "states": records(self.states().to_dicts()),
            "next_warnings": records(self.warnings().head(_LISTED).to_dicts()),
            "notes": list(self.notes),
        }


def read_clocks(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    out: Path | None = None,
    progress: Progress = silent,
) -> ClockReport:
    """Compute every cycle, keep them in the workspace and write them to `out` where asked."""
    if out is not None:
        require_ending(out)
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    found = desk.cycles(as_of=desk.as_of)
    with workspace_lock(folder):
        overwrite_table(found, folder / "tables" / "cycles")
    if out is not None:
        write_table(found, out)
    tickets = desk.stored.select(TICKET_KEY).unique(maintain_order=True)
    untimed = tickets.join(found, on=list(TICKET_KEY), how="anti", maintain_order="left")
    return ClockReport(
        found, desk.as_of, desk.why, tickets.height, untimed, desk.merges(), desk.notes()
    )
