"""Open a file as its ending says, and turn damage into one clear error.

Decompression is Arrow's, which notices a cut-off stream in gzip and zstd alike.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from sla_sniper.core.errors import DiskFullError, SlaSniperError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}


def compression_of(path: Path) -> str | None:
    """Return the codec that the ending of `path` names, or None.

    Examples
    --------
    >>> compression_of(Path("log.csv.gz"))
    'gzip'
    """
    return COMPRESSIONS.get(path.suffix.lower())


def format_ending(path: Path) -> str:
    """Return the ending that names the format, without that of the compression.

    Examples
    --------
    >>> format_ending(Path("Log.CSV.zst"))
    '.csv'
    """
    bare = path if compression_of(path) is None else path.with_suffix("")
    return bare.suffix.lower()


def open_stream(path: Path) -> pa.NativeFile:
    """Open `path` for reading its decompressed bytes; the caller closes it."""
    return pa.input_stream(str(path), compression=compression_of(path))


@contextmanager
def plain_file(path: Path) -> Iterator[Path]:
    """Give a decompressed file for formats that cannot be read front to back.

    `path` itself where it is not compressed, else a temporary copy that is gone afterwards.
    """
    if compression_of(path) is None:
        yield path
        return
    with TemporaryDirectory(prefix="sla-sniper-") as folder:
        plain = Path(folder) / path.stem
        with open_stream(path) as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
        yield plain


@contextmanager
def reading(path: Path, reason: str, *vendor: type[Exception]) -> Iterator[None]:
    """Translate what a reader raises, once, into an error of ours.

    Parameters
    ----------
    path : Path
        The file to blame.
    reason : str
        What is wrong where the reader (and not the disk or the decompression) complains.
    *vendor : type of Exception
        What the reader raises beside Arrow's errors.

    Raises
    ------
    UnreadableFileError
        From the original.
    DiskFullError
        If there was no room for a temporary copy.
    """
    try:
        yield
    except (OSError, EOFError) as error:
        raise _disk_error(path, error) from error
    except (pa.ArrowException, *vendor) as error:
        raise UnreadableFileError(
            str(path), reason, "export it again, or give it the ending of its format"
        ) from error


def _disk_error(path: Path, error: OSError | EOFError) -> SlaSniperError:
    """Say what the disk or the decompression met."""
    if isinstance(error, PermissionError):
        return UnreadableFileError(str(path), "permission denied", "ask for the right to read it")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DiskFullError(gettempdir())
    codec = compression_of(path)
    reason = f"its {codec} data is corrupt or cut off" if codec else "it is corrupt or cut off"
    return UnreadableFileError(str(path), reason, "copy or export it again")
