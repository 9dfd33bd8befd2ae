"""One writer a workspace, and a full disk told in one sentence."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sla_sniper.core.errors import DiskFullError, WorkspaceBusyError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK_FILE: Final = ".lock"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXT: Final = (
    "No space left on device",
    "Disk quota exceeded",
    "Invalid thrift: transport error",  # Polars, where the last bytes of a file find no room
    "growing the database file failed",  # Tableau's engine
)


@contextmanager
def workspace_lock(folder: Path) -> Iterator[None]:
    """Hold the workspace for one writer; the end of the process releases it, however it comes.

    Raises
    ------
    WorkspaceBusyError
        If another process, or this one elsewhere, holds it.
    WorkspaceError
        If `folder` does not exist or cannot be written.
    """
    with full_disk_told(folder):
        descriptor = _open(folder)
        try:
            _lock(descriptor, folder)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Turn any sign of a full disk into a `DiskFullError`."""
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            raise DiskFullError(str(folder)) from error
        raise


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one behind it, says that there is no room left.

    Delta Lake and Arrow wrap the system's error in their own, which keep its text alone; so
    the text is read, here and nowhere else.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(text in str(error) for text in _FULL_TEXT):
            return True
        error = error.__cause__ or error.__context__
    return False


def _open(folder: Path) -> int:
    try:
        return os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise WorkspaceError(
            f"The workspace {folder} cannot be written: {error.strerror}; "
            "name an existing folder, `sniper init DIR` makes one."
        ) from error


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        holder = f"process {pid}" if pid else "another process"
        raise WorkspaceBusyError(str(folder), holder) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
