"""What every verb starts from: the workspace, its log as of an instant, its clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl

from sla_sniper.config.documents import Problem, nearest, open_document
from sla_sniper.config.fields import named_fields
from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import ConfigurationError, NotEnoughHistoryError, SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import CLOCK_KEY, TICKET_KEY, VALUE_COLUMNS
from sla_sniper.engine.local import in_buckets
from sla_sniper.escalation import Staffing
from sla_sniper.escalation.candidates import CREDIT, PLACE
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.mapping import read_mapping
from sla_sniper.eventlog.reading import log_end
from sla_sniper.eventlog.store import EventStore
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.merges import Merges, read_merges
from sla_sniper.sla.segments import NEVER
from sla_sniper.snapshots.build import assemble, bucket_part
from sla_sniper.snapshots.landmarks import landmarks
from sla_sniper.usecases.contracts import credits_at_risk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.eventlog.mapping import Mapping
    from sla_sniper.snapshots.landmarks import Epoch


_BY_MESSAGE = ("first_reply_time", "next_reply_time", "periodic_update_time")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)
"""Instants between which a day can be added or taken."""
LEARNT_ROWS = 400_000
"""Snapshots beyond which training takes only some of the landmarks."""
LEARNT_STEP = 3
"""Of several landmarks a day, training takes every third."""
PART_ROWS = 1_000_000
"""Snapshots that are held in memory at a time where all of them are needed."""
_STEP = timedelta(microseconds=1)


class UnknownMetricError(SlaSniperError):
    """No policy times a metric that was asked for."""

    exit_code: ClassVar[int] = 26

    def __init__(self, metric: str, known: tuple[str, ...]) -> None:
        super().__init__(metric, known)
        self.metric, self.known = metric, known

    def __str__(self) -> str:
        return f"No policy in sla.toml times {self.metric!r}; it times {', '.join(self.known)}."


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
    def active(self) -> tuple[datetime, datetime]:
        """From the first event to the day after the last opening, or `as_of` if that is sooner.

        What comes later is no desk any more, but a remnant that waits for its end: some logs
        tell closings of years after their last opening.
        """
        first = self.stored["occurred_at"].min()
        opened = self.stored.group_by(TICKET_KEY).agg(
            pl.coalesce(pl.col("created_at").min(), pl.col("occurred_at").min())
        )
        last = opened["created_at"].max()
        if not (isinstance(first, datetime) and isinstance(last, datetime)):
            raise TypeError(f"The log begins at {first!r}, which is no instant.")
        return first, min(self.as_of, max(last, first) + timedelta(days=1)) + _STEP

    @property
    def keep(self) -> tuple[str, ...]:
        """Kept attributes that may become features: none that is stamped."""
        return kept_by(self.mappings)

    @property
    def staffing(self) -> Staffing | None:
        """Who can take which ticket; None where anybody can."""
        kinds = self.workspace.sla.kinds
        return Staffing(kinds, self.workspace.landmarks.timezone) if kinds else None

    def notes(self) -> tuple[str, ...]:
        """What the settings ask for and no source of the log tells, a sentence each."""
        told = {name for mapping in self.mappings for name in mapping.columns}
        unmapped = [
            f"The policies look at {name!r}, which no map.toml maps: it is always missing."
            for name in self.workspace.sla.levels.fields
            if name in VALUE_COLUMNS and name not in told
        ]
        own = self.workspace.sla.notes
        return (*own, *unmapped, *self._silent_metrics(told), *self.merges().notes())

    def merges(self) -> Merges:
        """Which tickets were merged into others; see `sla.merges`."""
        return read_merges(self.stored, self.workspace.sla.levels.merged_into)

    def _silent_metrics(self, told: set[str]) -> tuple[str, ...]:
        """Metrics that wait for messages in a log that has none."""
        waits = [name for name in self.workspace.sla.levels.metrics if name in _BY_MESSAGE]
        hears = pl.col("activity").str.contains("public_reply|requester_message").any()
        if not waits or bool(self.stored.select(hears.fill_null(value=False)).item()):
            return ()
        sentence = (
            f"The log has no replies and no messages of requesters, but {', '.join(waits)} "
            "goes by them; map activity and actor_role, or first_response_at."
        )
        return (sentence,)

    def require_timed(self, metric: str) -> None:
        """Insist that some policy times a metric.

        Raises
        ------
        UnknownMetricError
            If none does.
        """
        timed = self.workspace.sla.levels.metrics
        if metric not in timed:
            raise UnknownMetricError(metric, timed)

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
        return pl.concat(parts).sort(CLOCK_KEY)

    def landmarks(self, start: datetime, end: datetime, epoch: Epoch) -> pl.DataFrame:
        """Landmarks of a period with their place in their day; see `snapshots.landmarks`.

        `landmark_number` counts from 1, `landmarks_of_day` is how many the day has: of the whole
        day, also where the period begins or ends within it.
        """
        workspace, day = self.workspace, timedelta(days=1)
        found = landmarks(
            workspace.landmarks,
            workspace.sla.calendar,
            start=max(start, EARLIEST) - day,
            end=min(end, LATEST) + day,
            epoch=epoch,
        )
        return found.with_columns(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("day").alias("landmark_number"),
            pl.len().cast(pl.Int64).over("day").alias("landmarks_of_day"),
        ).filter(pl.col("landmark").is_between(start, end, closed="left"))

    def thinned(self, moments: pl.DataFrame) -> pl.DataFrame:
        """Every so manieth landmark, so that their snapshots are few enough to learn from.

        An hour later most tickets look the same and end the same: of hourly landmarks a third
        teaches as much as all. The step has no common divisor with the landmarks of a day, so
        that every hour of the day keeps its share.
        """
        n_rows, per_day = int(self._loads(moments).sum()), _per_day(moments)
        step = max(LEARNT_STEP if per_day > LEARNT_STEP else 1, -(-n_rows // LEARNT_ROWS))
        while gcd(step, per_day) > 1:
            step += 1
        return moments.gather_every(step)

    def in_parts(self, moments: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Landmarks in runs whose snapshots fit into memory, in order of time."""
        part = np.cumsum(self._loads(moments)) // PART_ROWS
        yield from moments.with_columns(_part=part).partition_by("_part", include_key=False)

    def _loads(self, moments: pl.DataFrame) -> NDArray[np.int64]:
        """About how many clocks run before their deadline at each landmark."""
        us = pl.col("applied_at", "breached_at", "fulfilled_at", "due_at").to_physical()
        spans = self.cycles(as_of=self.as_of).select(us)
        until = spans.select(pl.min_horizontal("breached_at", "fulfilled_at", "due_at"))
        at = moments["landmark"].to_physical().to_numpy()
        begins = np.searchsorted(at, spans["applied_at"].to_numpy())
        ends = np.searchsorted(at, until.to_series().fill_null(int(NEVER)).to_numpy())
        n = len(at) + 1
        runs = ends > begins
        change = np.bincount(begins[runs], minlength=n) - np.bincount(ends[runs], minlength=n)
        return np.cumsum(change)[:-1].astype(np.int64)

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
        """Snapshots at landmarks, maybe none at all: then without columns.

        Without ``[costs]`` they have no breach costs; `credit` is the part of `cost` that is a
        credit at risk.
        """
        levels = self.workspace.sla.levels
        parts = in_buckets(
            self.stored,
            lambda rows: bucket_part(rows, levels, moments, keep=self.keep),
            progress=self.progress,
            step="taking snapshots",
        )
        found = assemble(parts, keep=self.keep)
        costs = self.workspace.sla.breach_costs
        if found.is_empty() or costs is None:
            return found
        places = [name for name in PLACE if name in moments.columns]
        placed = found.join(moments.select("landmark", *places), on="landmark", how="left")
        credit = credits_at_risk(self, found, costs.attainment).alias(CREDIT)
        return placed.with_columns((self.breach_costs(found) + credit).alias("cost"), credit)

    def breach_costs(self, found: pl.DataFrame) -> pl.Series:
        """What one breach of each ticket costs, in currency, without credits of contracts.

        Raises
        ------
        ConfigurationError
            If no ticket has what the costs go by.
        """
        costs = self.workspace.sla.require_prices()
        if costs.by in self.keep:
            found = found.with_columns(pl.col(f"attr_{costs.by}").alias(costs.by))
        if costs.by not in found.columns:
            known = ", ".join(name for name in VALUE_COLUMNS if name in found.columns)
            problem = f"costs.by: no ticket has {costs.by!r}; use one of {known}"
            raise ConfigurationError(str(self.workspace.folder / "sla.toml"), (problem,))
        return costs.breach_cost(found)


def _per_day(moments: pl.DataFrame) -> int:
    """Most landmarks of any one day."""
    return int(moments["day"].value_counts()["count"].max() or 1)  # type: ignore[arg-type]


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
    ConfigurationError
        If the settings say something impossible, or a rule looks at what no ticket has.
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
    known = store.scan().filter(pl.col("recorded_at") <= as_of)
    stored = known.sort(*TICKET_KEY, "occurred_at", "sequence", "recorded_at").collect()
    if stored.is_empty():
        raise NotEnoughHistoryError(
            f"Nothing was recorded by {as_of.isoformat()}; the log begins later."
        )
    mappings = read_mappings(folder)
    require_known_fields(folder / "sla.toml", mappings)
    return Desk(workspace, as_of, why, end, stored, mappings, progress)


def read_mappings(folder: Path) -> tuple[Mapping, ...]:
    """Read how each source of a workspace was ingested."""
    return tuple(read_mapping(path) for path in sorted((folder / "maps").glob("*.toml")))


def kept_by(mappings: tuple[Mapping, ...]) -> tuple[str, ...]:
    """Name the attributes that mappings keep and that may become features: none is stamped."""
    names = (name for m in mappings for name in m.attributes() if name not in m.stamped)
    return tuple(dict.fromkeys(names))


def require_known_fields(path: Path, mappings: tuple[Mapping, ...]) -> None:
    """Refuse rules on attributes that no source keeps: they could never hold.

    Parameters
    ----------
    path : Path
        A policy file that `read_sla` accepts.
    mappings : tuple of Mapping
        How each source of the log was read.

    Raises
    ------
    ConfigurationError
        With every such rule, its line and key.
    """
    kept = [name for mapping in mappings for name in mapping.attributes()]
    known = tuple(dict.fromkeys((*VALUE_COLUMNS, *kept)))
    document = open_document(path)
    document.refuse(
        Problem.at(
            key,
            f"a rule looks at {name!r}, which no ticket has{nearest(name, known)}; "
            "correct it, or keep the column with [attributes] keep in map.toml",
        )
        for key, name in named_fields(document.table)
        if name not in known and name not in TICKET_KEY
    )
