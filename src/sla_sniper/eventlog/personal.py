"""Personal data never enters the log: it is hashed with a key of the workspace's own.

The key makes a hash useless elsewhere: without it nobody can try all known names. Hashes name,
they never rank: no number, order or tie may depend on them.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.errors import WorkspaceError
from sla_sniper.eventlog.locking import full_disk_told

if TYPE_CHECKING:
    from pathlib import Path

_KEY_FILE: Final = ".hash-key"
_KEY_BYTES: Final = 32


def workspace_key(folder: Path) -> bytes:
    """Return the workspace's own key of 32 bytes; make it at first use, for its owner's eyes only.

    Raises
    ------
    WorkspaceError
        If the key's file is damaged: another key would give every person a second name.
    """
    path = folder / _KEY_FILE
    if not path.exists():
        with full_disk_told(folder):
            _create_key(path)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise WorkspaceError(
            f"{path} does not hold {2 * _KEY_BYTES} hexadecimal digits; restore it from a backup."
        )
    return key


def hashed(column: pl.Series, *, key: bytes) -> pl.Series:
    """Replace each text by 16 hexadecimal characters that only `key` can reproduce.

    The same person has the same hash in every column. Null stays null; an empty text becomes it.

    Examples
    --------
    >>> hashed(pl.Series("requester", ["Ada", "", None]), key=b"k" * 32).to_list()
    ['79e6c88da37214ff', None, None]
    """
    distinct = column.unique().drop_nulls().to_list()
    names = [_name(text, key) for text in distinct]
    return column.replace_strict(distinct, names, return_dtype=pl.String)


def _name(text: str, key: bytes) -> str | None:
    return blake2b(text.encode(), digest_size=8, key=key).hexdigest() if text else None


def _create_key(path: Path) -> None:
    """Write a new key whole or not at all; the first of two writers wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
