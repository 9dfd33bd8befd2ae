"""Stable 128-bit identities of rows, the same on every machine and in every version.

Each distinct text is hashed once with BLAKE2b; columns are then combined in NumPy. No hash of
a frame library takes part, because those may change from one release to the next.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words: TypeAlias = NDArray[np.uint64]

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


def row_ids(frame: pl.DataFrame) -> pl.Series:
    """Identify each row by its values: 32 hexadecimal characters.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        String, integer and Datetime columns; their order does not matter, their names do.
        A null adds nothing, so a column of nulls changes no identity.

    Returns
    -------
    ids : Series of String of shape (n_rows,)

    Examples
    --------
    >>> row_ids(pl.DataFrame({"ticket_id": ["INC1"], "sequence": [0]})).item()
    '34facd750a88690ce0c6819b11ac9171'
    """
    return as_ids(row_words(frame))


def row_words(frame: pl.DataFrame) -> Words:
    """Sum two salted words a value over the columns, shape (n_rows, 2).

    The words of two frames add up to those of the frames side by side.
    """
    words = np.zeros((frame.height, 2), dtype=np.uint64)
    for column in frame.iter_columns():
        words += _column_words(column)
    return words


def as_ids(words: Words) -> pl.Series:
    """Finish the words of rows into 32 hexadecimal characters each."""
    low = _mixed(words[:, 0] ^ (words[:, 1] >> np.uint64(32)))
    return _as_hex(np.stack([low, _mixed(words[:, 1] + low)], axis=1))


def text_words(texts: list[str]) -> Words:
    """Hash texts with BLAKE2b into two words each, shape (n_texts, 2)."""
    digests = b"".join(blake2b(text.encode(), digest_size=16).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2).astype(np.uint64)


def _column_words(column: pl.Series) -> Words:
    """Two words for each value, salted by the column's name; zeros where null."""
    values = _text_column(column) if column.dtype == pl.String else _number_column(column)
    salted = _mixed(values + _mixed(text_words([column.name]) + _STEP))
    salted[column.is_null().to_numpy()] = 0
    return salted


def _text_column(column: pl.Series) -> Words:
    distinct = column.unique().drop_nulls()
    words = text_words(distinct.to_list())
    lookup = pl.DataFrame({"text": distinct, "low": words[:, 0], "high": words[:, 1]})
    joined = (
        column.alias("text").to_frame().join(lookup, on="text", how="left", maintain_order="left")
    )
    return joined.select(pl.col("low", "high").fill_null(0)).to_numpy()


def _number_column(column: pl.Series) -> Words:
    numbers = column.cast(pl.Int64).fill_null(0).to_numpy().astype(np.int64).view(np.uint64)
    low = _mixed(numbers)
    return np.stack([low, _mixed(low ^ _STEP)], axis=1)


def _mixed(words: Words) -> Words:
    """Spread every bit over all 64: the finaliser of SplitMix64.

    References
    ----------
    G. L. Steele, D. Lea, C. H. Flood (2014), "Fast splittable pseudorandom number
    generators", OOPSLA. doi:10.1145/2660193.2660195
    """
    words = words + _STEP
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    mixed: Words = words ^ (words >> np.uint64(31))
    return mixed


def _as_hex(words: Words) -> pl.Series:
    data = pa.py_buffer(np.ascontiguousarray(words, dtype=">u8"))
    fixed = pa.Array.from_buffers(pa.binary(16), len(words), [None, data])
    return pl.Series("event_id", fixed).bin.encode("hex")
