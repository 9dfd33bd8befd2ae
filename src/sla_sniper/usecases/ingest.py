"""sniper ingest: files into the event log of a workspace."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.words import count
from sla_sniper.eventlog.ingest import IngestReport, ingest
from sla_sniper.eventlog.mapping import read_mapping
from sla_sniper.eventlog.personal import workspace_key
from sla_sniper.eventlog.reading import log_end
from sla_sniper.eventlog.store import EventStore
from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.eventlog.mapping import Mapping


_N_NAMED: Final = 5


class MappingChangedError(ConfigurationError):
    """The mapping reads the same rows as other events than those that are stored."""

    exit_code = 22

    def __init__(self, source: str, changed: tuple[str, ...]) -> None:
        super().__init__(source, changed)
        self.source, self.changed = source, changed

    def __str__(self) -> str:
        return (
            f"The mapping of {self.source!r} differs in {', '.join(self.changed)} from the one its "
            "stored rows came through, so every row would be stored a second time; ingest into "
            "a new workspace, or name another `source` in [log]."
        )


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came in, and the last instant of the log after it."""

    report: IngestReport
    source: str
    as_of: datetime | None

    def unmapped_note(self) -> str:
        """Say which statuses the mapping does not name; empty where it names all."""
        unmapped = self.report.unmapped_statuses
        if not unmapped:
            return ""
        named = [f"{name!r} ({count(n)})" for name, n in islice(unmapped.items(), _N_NAMED)]
        more = f" and {count(len(unmapped) - _N_NAMED)} more" if len(unmapped) > _N_NAMED else ""
        return (
            f"{count(sum(unmapped.values()), 'row')} with a status that the mapping does not "
            f"name: {', '.join(named)}{more}; they count as open. Map them in [values.status]"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper ingest`."""
        return as_json(header("ingest", self.as_of) | {"source": self.source} | asdict(self.report))


def ingest_files(
    folder: Path, files: Sequence[Path], *, mapping: Path | None, progress: Progress = silent
) -> Ingested:
    """Append what is new in `files` to the event log, in one commit or not at all.

    Parameters
    ----------
    folder : Path
        The workspace.
    files : sequence of Path
        CSV, Parquet, JSON lines, XLSX or XES; gzip and zstd are undone.
    mapping : Path, optional
        How the files are read; `map.toml` of the workspace where not given.
    """
    workspace = open_workspace(folder)
    read = read_mapping(mapping or workspace.folder / "map.toml")
    store = EventStore(folder)
    _require_same_reading(folder, read, is_empty=log_end(store) is None)
    report = ingest(
        files,
        read,
        store,
        key=workspace_key(folder),
        progress=lambda step, rows: progress(f"{_DOING[step]}: {rows:,} rows"),
    )
    return Ingested(report, read.source, log_end(store))


def _require_same_reading(folder: Path, mapping: Mapping, *, is_empty: bool) -> None:
    path = folder / "maps" / f"{mapping.source}.toml"
    if is_empty or not path.is_file():
        return
    before, now = read_mapping(path).identity(), mapping.identity()
    if before != now:
        changed = tuple(name for name in now if now[name] != before[name])
        raise MappingChangedError(mapping.source, changed)


_DOING = {"read": "reading", "write": "writing"}
