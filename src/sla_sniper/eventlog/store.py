"""The stored event log: a Delta table that one writer appends to, a commit at a time."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from sla_sniper.core.errors import DiskFullError
from sla_sniper.core.schema import ATTRIBUTES, EVENTS
from sla_sniper.eventlog.locking import workspace_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sla_sniper.eventlog.mapping import Mapping

_MAP: Final = pl.Map(pl.String, pl.String)
_BATCH_ROWS: Final = 65_536
_ARROW_TYPES: Final = {
    pl.String(): pa.string(),
    pl.Int64(): pa.int64(),
    pl.Boolean(): pa.bool_(),
    pl.Datetime("us", "UTC"): pa.timestamp("us", "UTC"),
    ATTRIBUTES: pa.map_(pa.string(), pa.string()),
}
_ARROW: Final = pa.schema([(name, _ARROW_TYPES[dtype]) for name, dtype in EVENTS.items()])


class EventStore:
    """The event log of one workspace, under ``tables/events``.

    Rows are only ever added, all of one call in one commit: a process killed at any moment
    leaves the table as it was before or as it is after, and readers never wait.

    Parameters
    ----------
    workspace
        The folder of the workspace; it must exist before anything is written.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.table = workspace / "tables" / "events"

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Hold the workspace as its one writer and lend a folder for files on the way.

        What a killed writer left behind is removed first.

        Raises
        ------
        WorkspaceBusyError
            If another process is writing.
        DiskFullError
            If there is no room; the table is as before.
        """
        with workspace_lock(self.workspace):
            staging = self.workspace / ".staging"
            self._clean_up_after_killed(staging)
            staging.mkdir()
            (staging / "started").touch()
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def append(self, frames: Iterable[pl.DataFrame], *, room: int = 0) -> None:
        """Add rows in one commit; none at all makes no commit. Only while `writing`.

        Parameters
        ----------
        frames
            Rows in the columns of `core.schema.EVENTS`; they are taken one frame at a time.
        room
            Bytes that must be free before the writing starts: a disk that fills up while the
            Delta writer runs makes it print a trace of its own.
        """
        batches = chain.from_iterable(map(_record_batches, frames))
        first = next(batches, None)
        if first is None:
            return
        if shutil.disk_usage(self.workspace).free < room:
            raise DiskFullError(str(self.workspace))
        before = self._files()
        failures: list[BaseException] = []
        guarded = _guarded(chain([first], batches), failures)
        self.table.mkdir(parents=True, exist_ok=True)
        try:
            reader = pa.RecordBatchReader.from_batches(_ARROW, guarded)
            write_deltalake(self.table, reader, mode="append")
        except Exception:
            self._remove_unreferenced(self._files() - before)
            if failures:
                raise failures[0] from None
            raise
        _flush(self._files() - before)

    def scan(self) -> pl.LazyFrame:
        """Read the stored rows lazily, in no order, in the columns of `core.schema.EVENTS`."""
        if not DeltaTable.is_deltatable(str(self.table)):
            return pl.LazyFrame(schema=EVENTS)
        # Not `scan_delta`: in a folder whose name has a space it looks for "%20".
        files = [self.table / name for name in sorted(self._committed())]
        rows = pl.scan_parquet(files) if files else pl.LazyFrame(schema=EVENTS)
        return rows.with_columns(pl.col("attributes").cast(ATTRIBUTES))

    def save_mapping(self, mapping: Mapping) -> None:
        """Keep the mapping that rows came through, as ``maps/SOURCE.toml``."""
        path = self.workspace / "maps" / f"{mapping.source}.toml"
        path.parent.mkdir(exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(mapping.as_toml(), encoding="utf-8")
        draft.replace(path)

    def _clean_up_after_killed(self, staging: Path) -> None:
        if not staging.exists():
            return
        marker = staging / "started"
        if marker.exists():
            started = marker.stat().st_mtime_ns
            since = {path for path in self._files() if path.stat().st_mtime_ns >= started}
            self._remove_unreferenced(since)
        shutil.rmtree(staging)

    def _files(self) -> set[Path]:
        return {path for path in self.table.rglob("*") if path.is_file()}

    def _committed(self) -> set[str]:
        """Names of the data files that the table consists of, all in its own folder."""
        return {uri.rpartition("/")[2] for uri in DeltaTable(self.table).file_uris()}

    def _remove_unreferenced(self, candidates: set[Path]) -> None:
        """Remove data files of a commit that never happened."""
        used = self._committed() if DeltaTable.is_deltatable(str(self.table)) else set()
        for path in candidates:
            if path.suffix == ".parquet" and path.name not in used and path.parent == self.table:
                path.unlink(missing_ok=True)


def _record_batches(frame: pl.DataFrame) -> Iterator[pa.RecordBatch]:
    rows = frame.select(list(EVENTS)).with_columns(pl.col("attributes").cast(_MAP))
    yield from rows.to_arrow().cast(_ARROW).to_batches(max_chunksize=_BATCH_ROWS)


def _guarded(
    batches: Iterator[pa.RecordBatch], failures: list[BaseException]
) -> Iterator[pa.RecordBatch]:
    """Remember what went wrong: the Delta writer passes on nothing but its text."""
    try:
        yield from batches
    except BaseException as error:
        failures.append(error)
        raise


def _flush(files: Iterable[Path]) -> None:
    """Wait until files and their folders are on the disk, so that a power cut cannot lose them."""
    for path in {*files, *(path.parent for path in files)}:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
