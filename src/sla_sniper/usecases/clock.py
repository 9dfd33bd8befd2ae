"""sniper clock: every cycle as of an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.eventlog.locking import workspace_lock
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import overwrite_table, require_ending, write_table
from sla_sniper.usecases.results import header, records

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClockReport:
    """Cycles and how they stand.

    Attributes
    ----------
    frame : DataFrame
        Schema `core.schema.CYCLES`.
    n_tickets, n_untimed : int
        Tickets known by `as_of`, and those that no policy covers.
    """

    frame: pl.DataFrame
    as_of: datetime
    why: str
    n_tickets: int
    n_untimed: int

    def states(self) -> pl.DataFrame:
        """Number of cycles in each state, by metric and priority."""
        return (
            self.frame.group_by("metric", "priority_applied", "state")
            .agg(pl.len().alias("cycles"))
            .sort("metric", "priority_applied", "state")
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper clock`."""
        return header("clock", self.as_of) | {
            "why": self.why,
            "tickets": self.n_tickets,
            "untimed": self.n_untimed,
            "cycles": self.frame.height,
            "states": records(self.states().to_dicts()),
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
    n_tickets = desk.stored.select(TICKET_KEY).n_unique()
    n_timed = found.select(TICKET_KEY).n_unique()
    return ClockReport(found, desk.as_of, desk.why, n_tickets, n_tickets - n_timed)
