"""Files into the event log: read, refuse with reasons, deduplicate, append in one commit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from sla_sniper.core.errors import EmptyFileError, MissingColumnError
from sla_sniper.eventlog.staging import NewRows, Staging
from sla_sniper.eventlog.values import convert, refuse_unreadable
from sla_sniper.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from sla_sniper.eventlog.mapping import Mapping
    from sla_sniper.eventlog.store import EventStore
    from sla_sniper.eventlog.values import Converted
    from sla_sniper.sources.interface import RawBatch, Source

    Progress: TypeAlias = Callable[[str, int], None]

_BATCH_ROWS: Final = 100_000
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one call read, stored, left out and why; numbers of rows of the files.

    Attributes
    ----------
    rows_read
        ``events_written + duplicates + sum(refused.values())``, always.
    events_written
        Accepted rows that told something new.
    duplicates
        Accepted rows that the log had already.
    refused
        Rows left out, by reason.
    examples
        The first three refusals of each reason, in words.
    tickets
        Tickets that were not in the log before.
    created
        Events of creation: derived on reading for a log of changes, stored for one of tickets.
    derived
        Rows stored beyond one for each row written: the stages of the tickets shape.
    missing_local_times, doubled_local_times
        Accepted rows with a local time that the zone skips, or has twice.
    warnings
        Accepted rows with another peculiarity, by its key.
    unmapped_statuses
        Accepted rows by a status that the mapping does not name, the most frequent first.
    columns
        All columns of the files.
    """

    rows_read: int
    events_written: int
    duplicates: int
    refused: dict[str, int]
    examples: dict[str, list[str]]
    tickets: int
    created: int
    derived: int
    missing_local_times: int
    doubled_local_times: int
    warnings: dict[str, int]
    unmapped_statuses: dict[str, int]
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        accounted = self.events_written + self.duplicates + sum(self.refused.values())
        if self.rows_read != accounted:
            raise ValueError(f"{self.rows_read} rows were read, but {accounted} are accounted for.")


def ingest(
    files: Sequence[Source | Path],
    mapping: Mapping,
    store: EventStore,
    *,
    key: bytes,
    progress: Progress | None = None,
) -> IngestReport:
    """Append what is new in `files` to the event log, in one commit or not at all.

    Parameters
    ----------
    files
        Paths, or sources already open.
    key
        The workspace's key, which personal data is hashed with.
    progress
        Called with ``"read"`` or ``"write"`` and the number of rows so far.

    Raises
    ------
    MissingColumnError
        If a file has not all columns of the mapping; nothing was written.
    BadValueError
        If a time column of a file cannot be read at all.
    EmptyFileError, UnreadableFileError
        If a file has no rows, or is damaged.
    WorkspaceBusyError, DiskFullError
        If another process is writing, or there is no room.
    """
    tell = progress or _silent
    sources = [_opened(file, mapping) for file in files]
    columns = dict.fromkeys(name for source in sources for name in _checked(source, mapping))
    tally = _Tally(is_one_file=len(sources) == 1)
    with store.writing() as folder:
        staging = Staging(folder)
        for number, source in enumerate(sources):
            for converted in _read(source, mapping, key, tally):
                staging.add(converted.rows, file=number)
                tell("read", tally.n_read)
        new = NewRows(mapping, store.scan())
        store.append(_new_frames(staging, new, tell), room=2 * staging.n_bytes)
        store.save_mapping(mapping)
    return tally.report(new, tuple(columns))


def _silent(step: str, rows: int) -> None:
    """Report progress to nobody."""


def _opened(file: Source | Path, mapping: Mapping) -> Source:
    if not isinstance(file, Path):
        return file
    return open_source(file, delimiter=mapping.delimiter, null_values=mapping.null_values)


def _checked(source: Source, mapping: Mapping) -> tuple[str, ...]:
    columns = source.columns()
    missing = tuple(name for name in mapping.file_columns() if name not in columns)
    if missing:
        raise MissingColumnError(str(source.path), missing, columns)
    return columns


def _read(source: Source, mapping: Mapping, key: bytes, tally: _Tally) -> Iterator[Converted]:
    n_before = tally.n_read
    is_first = True
    for batch in source.batches(rows=_BATCH_ROWS):
        if is_first:
            refuse_unreadable(batch.frame, mapping, path=source.path)
            is_first = False
        converted = convert(batch.frame, mapping, key=key)
        tally.add(source.path, batch, converted)
        yield converted
    if tally.n_read == n_before:
        raise EmptyFileError(str(source.path))


def _new_frames(staging: Staging, new: NewRows, tell: Progress) -> Iterator[pl.DataFrame]:
    for bucket in staging.buckets():
        rows = new.among(bucket)
        tell("write", new.n_rows)
        if not rows.is_empty():
            yield rows


@dataclass(slots=True)
class _Tally:
    """Counts while reading."""

    is_one_file: bool
    n_read: int = 0
    n_accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: Path, batch: RawBatch, converted: Converted) -> None:
        self.n_read += batch.frame.height + len(batch.refused)
        self.n_accepted += converted.n_accepted
        self.counts.update(converted.counts)
        self.unmapped.update(converted.unmapped)
        for refusal in batch.refused:
            self._refuse(path, refusal.reason, f"row {refusal.row}: {refusal.example}")
        reasons = converted.refused["reason"].value_counts().iter_rows()
        self.refused.update(dict(reasons))
        firsts = converted.refused.group_by("reason", maintain_order=True).head(_EXAMPLES)
        for reason, example in firsts.select("reason", "example").iter_rows():
            self._show(path, reason, example)

    def report(self, new: NewRows, columns: tuple[str, ...]) -> IngestReport:
        missing, doubled = "missing_local_times", "doubled_local_times"
        return IngestReport(
            rows_read=self.n_read,
            events_written=new.n_file_rows,
            duplicates=self.n_accepted - new.n_file_rows,
            refused=dict(sorted(self.refused.items())),
            examples=dict(sorted(self.examples.items())),
            tickets=new.n_tickets,
            created=new.n_created,
            derived=new.n_rows - new.n_file_rows,
            missing_local_times=self.counts[missing],
            doubled_local_times=self.counts[doubled],
            warnings={
                name: count
                for name, count in sorted(self.counts.items())
                if count and name not in (missing, doubled)
            },
            unmapped_statuses=dict(sorted(self.unmapped.items(), key=_most_frequent)),
            columns=columns,
        )

    def _refuse(self, path: Path, reason: str, example: str) -> None:
        self.refused[reason] += 1
        self._show(path, reason, example)

    def _show(self, path: Path, reason: str, example: str) -> None:
        shown = self.examples.setdefault(reason, [])
        if len(shown) < _EXAMPLES:
            shown.append(example if self.is_one_file else f"{path.name}, {example}")


def _most_frequent(pair: tuple[str, int]) -> tuple[int, str]:
    """Put the largest count first, and equal ones in order of their names."""
    name, count = pair
    return -count, name
