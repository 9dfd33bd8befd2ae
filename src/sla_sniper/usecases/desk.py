"""What every verb starts from: the workspace, its log as of an instant, its clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import NotEnoughHistoryError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.engine.local import in_buckets
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.mapping import read_mapping
from sla_sniper.eventlog.reading import log_end
from sla_sniper.eventlog.store import EventStore
from sla_sniper.sla.clock import cycles
from sla_sniper.snapshots.build import assemble, bucket_part
from sla_sniper.snapshots.landmarks import landmarks

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.eventlog.mapping import Mapping
    from sla_sniper.snapshots.landmarks import Epoch


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace and what its log held as of an instant.

    Attributes
    ----------
    workspace : Workspace
        The folder and its settings.
    as_of : datetime
        Nothing recorded later is in `stored`.
    why : str
        Why this instant, in a few words.
    log_end : datetime
        Last recorded instant of the whole log.
    stored : DataFrame
        Stored rows, sorted by ticket, instant and sequence.
    mappings : tuple of Mapping
        How each source was read.
    """

    workspace: Workspace
    as_of: datetime
    why: str
    log_end: datetime
    stored: pl.DataFrame
    mappings: tuple[Mapping, ...]
    progress: Progress = silent

    @property
    def keep(self) -> tuple[str, ...]:
        """Kept attributes that may become features: none that is stamped."""
        names = (name for m in self.mappings for name in m.attributes() if name not in m.stamped)
        return tuple(dict.fromkeys(names))

    def known_by(self, moment: datetime) -> pl.DataFrame:
        """Stored rows that were recorded by `moment`."""
        return self.stored.filter(pl.col("recorded_at") <= moment)

    def cycles(self, *, as_of: datetime) -> pl.DataFrame:
        """Every clock as of an instant; see `sla.clock.cycles`."""
        levels = self.workspace.sla.levels
        parts = in_buckets(
            self.known_by(as_of),
            lambda rows: cycles(derive(rows), levels, as_of=as_of),
            progress=self.progress,
            step="reading the clocks",
        )
        return pl.concat(parts).sort(*TICKET_KEY, "metric", "policy", "cycle")

    def landmarks(self, start: datetime, end: datetime, epoch: Epoch) -> pl.DataFrame:
        """Landmarks of a period; see `snapshots.landmarks`."""
        workspace = self.workspace
        return landmarks(
            workspace.landmarks, workspace.sla.calendar, start=start, end=end, epoch=epoch
        )

    def snapshots(self, moments: pl.DataFrame) -> pl.DataFrame:
        """Snapshots at landmarks, with breach costs; see `snapshots.build.assemble`.

        Raises
        ------
        NotEnoughHistoryError
            If no clock was running at any of them.
        """
        found = self.snapshots_at(moments)
        if found.is_empty():
            raise NotEnoughHistoryError(
                "No clock was running at any landmark of the period asked for; "
                "ask for another one, or check [landmarks] and the policies in sla.toml."
            )
        return found

    def snapshots_at(self, moments: pl.DataFrame) -> pl.DataFrame:
        """Snapshots at landmarks, maybe none at all: then without columns."""
        levels = self.workspace.sla.levels
        parts = in_buckets(
            self.stored,
            lambda rows: bucket_part(rows, levels, moments, keep=self.keep),
            progress=self.progress,
            step="taking snapshots",
        )
        found = assemble(parts, keep=self.keep)
        if found.is_empty():
            return found
        return found.with_columns(self.workspace.sla.costs.breach_cost(found).alias("cost"))


def open_desk(
    folder: Path, *, asked: datetime | None, now: datetime, progress: Progress = silent
) -> Desk:
    """Open a workspace and read its log as of an instant.

    Parameters
    ----------
    folder : Path
        The workspace.
    asked : datetime, optional
        The instant asked for; without one the settings decide.
    now : datetime
        The machine's clock, read by the surface.

    Raises
    ------
    NotEnoughHistoryError
        If nothing has been ingested, or nothing was recorded by the instant asked for.
    """
    workspace = open_workspace(folder)
    store = EventStore(folder)
    end = log_end(store)
    if end is None:
        raise NotEnoughHistoryError(
            f"The workspace {folder} has no events yet; "
            "run `sniper ingest FILE --map map.toml` first."
        )
    as_of, why = workspace.moment(asked, now=now, log_end=end)
    progress("reading the event log")
    known = store.scan().filter(pl.col("recorded_at") <= as_of).collect()
    stored = known.sort(*TICKET_KEY, "occurred_at", "sequence", "recorded_at")
    if stored.is_empty():
        raise NotEnoughHistoryError(
            f"Nothing was recorded by {as_of.isoformat()}; the log begins later."
        )
    mappings = tuple(read_mapping(path) for path in sorted((folder / "maps").glob("*.toml")))
    return Desk(workspace, as_of, why, end, stored, mappings, progress)
