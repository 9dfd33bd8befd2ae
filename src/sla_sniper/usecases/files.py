"""Tables and texts written whole or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import polars as pl
from deltalake import write_deltalake

from sla_sniper.core.errors import UnreadableFileError, WorkspaceError
from sla_sniper.eventlog.locking import full_disk_told
from sla_sniper.outputs.texts import cleaned, guarded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ENDINGS: Final = (".csv", ".parquet", ".json")


class UnknownEndingError(WorkspaceError):
    """An output file whose ending names no format."""

    exit_code = 34

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} has no ending that can be written; use {', '.join(ENDINGS)}."


class NotWritableError(WorkspaceError):
    """A place where nothing can be written."""

    exit_code = 35

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} cannot be written: {self.reason}; name another place."


def require_ending(path: Path) -> None:
    """Refuse an output file whose format is unknown, before any work is done.

    Raises
    ------
    UnknownEndingError
        If the ending is none of `ENDINGS`.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UnknownEndingError(str(path))


def require_folder(folder: Path) -> None:
    """Insist that files can be written into a folder, before any work is done; make it.

    Raises
    ------
    NotWritableError
        If it cannot be made, or nothing can be written into it.
    """
    with replaced(folder / ".probe") as draft:
        draft.touch()
    (folder / ".probe").unlink()


def require_table(path: Path | None) -> None:
    """Insist that a table can be written to a path, if one is given, before any work is done.

    Raises
    ------
    UnknownEndingError
        If the ending is none of `ENDINGS`.
    NotWritableError
        If nothing can be written there.
    """
    if path is None:
        return
    require_ending(path)
    if path.is_dir():
        raise NotWritableError(str(path), os.strerror(errno.EISDIR))
    require_folder(path.parent)


def write_table(frame: pl.DataFrame, path: Path, *, about: Mapping[str, str] | None = None) -> None:
    """Write a table in the format of the path's ending, whole or not at all.

    In a CSV file texts are `cleaned` and `guarded` against being run as formulas. What `about`
    says of the table goes into the same file, where that is Parquet.
    """
    require_ending(path)
    with replaced(path) as draft:
        write_draft(frame, draft, ending=path.suffix.lower(), about=about)


def write_draft(
    frame: pl.DataFrame, draft: Path, *, ending: str, about: Mapping[str, str] | None = None
) -> None:
    """Write a table into a draft that `replaced` lends; see `write_table`."""
    match ending:
        case ".csv":
            guarded(cleaned(frame)).write_csv(draft)
        case ".parquet":
            frame.write_parquet(draft, metadata=None if about is None else dict(about))
        case _:
            frame.write_json(draft)


def read_table(path: Path, columns: Sequence[str], *, command: str) -> pl.DataFrame:
    """Read a Parquet table that a command has kept.

    Raises
    ------
    UnreadableFileError
        If it is damaged, or a column is missing.
    """
    again = f"run `{command}` again"
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableFileError(str(path), "it is no whole Parquet file", again) from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise UnreadableFileError(str(path), f"it has no column {', '.join(missing)}", again)
    return frame


def write_text(text: str, path: Path) -> None:
    """Write a text, whole or not at all."""
    with replaced(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_bytes(content: bytes, path: Path) -> None:
    """Write bytes, whole or not at all."""
    with replaced(path) as draft:
        draft.write_bytes(content)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Lend a draft beside `path` that takes its place when the block ends well.

    Raises
    ------
    NotWritableError
        If the folder cannot be made or written.
    DiskFullError
        If there is no room; what was there is untouched.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with full_disk_told(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield draft
            draft.replace(path)
    except OSError as error:
        raise NotWritableError(str(path), error.strerror or str(error)) from error
    finally:
        # The folder may be what could not be made.
        with suppress(OSError):
            draft.unlink()


def overwrite_table(frame: pl.DataFrame, table: Path) -> None:
    """Replace the rows of a Delta table in one commit.

    Raises
    ------
    DiskFullError
        If there is no room; readers see the rows from before.
    """
    with full_disk_told(table.parent):
        write_deltalake(table, frame, mode="overwrite", schema_mode="overwrite")
