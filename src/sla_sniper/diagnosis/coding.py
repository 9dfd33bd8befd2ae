"""Properties of tickets as codes: every count of the diagnosis is one `bincount` of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NO_LEVEL: Final = "(none)"
REST: Final = "(rest)"
MAX_LEVELS: Final = 50


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One property of every row, as the index of its level.

    Attributes
    ----------
    dimension : str
    levels : tuple of str
        The most frequent first; "(none)" for rows without one, "(rest)" for the levels beyond
        the most that are told apart.
    code : ndarray of int of shape (n_rows,)
        Index into `levels`.
    """

    dimension: str
    levels: tuple[str, ...]
    code: Ints

    def __len__(self) -> int:
        return len(self.levels)

    def counts(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Rows, or the sum of their weights, of each level."""
        return np.bincount(self.code, weights, minlength=len(self)).astype(np.float64)

    def crossed(self, other: Coded) -> Ints:
        """Index of each row's cell in the table of two dimensions, row by row."""
        return self.code * len(other) + other.code


def encode(frame: pl.DataFrame, dimension: str, *, most: int = MAX_LEVELS) -> Coded:
    """Encode one column, with the rarest levels put together.

    Parameters
    ----------
    frame : DataFrame
        Has the column `dimension`; null is a level of its own.
    most : int
        Levels told apart, "(rest)" included.

    Examples
    --------
    >>> groups = encode(pl.DataFrame({"group": ["b", "a", "b", "c", None]}), "group", most=3)
    >>> groups.levels, groups.code.tolist()
    (('b', '(none)', '(rest)'), [0, 2, 0, 2, 1])
    """
    values = frame[dimension].cast(pl.String).fill_null(NO_LEVEL)
    sizes = values.alias("level").value_counts().sort(["count", "level"], descending=[True, False])
    if sizes.height > most:
        sizes = sizes.head(most - 1)
    levels = [name for name in sizes["level"].to_list() if name != REST]
    is_rest_there = len(levels) < int(values.n_unique())
    ranks = {name: place for place, name in enumerate(levels)}
    code = values.replace_strict(ranks, default=len(levels), return_dtype=pl.Int64)
    names = (*levels, REST) if is_rest_there else tuple(levels)
    return Coded(dimension, names, code.to_numpy().astype(np.int64))


def combine(coded: Sequence[Coded], *, n_rows: int) -> tuple[Ints, int]:
    """Number of each row's combination of levels, and how many combinations occur.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": ["x", "y", "x"], "b": ["u", "u", "u"]})
    >>> combine([encode(frame, "a"), encode(frame, "b")], n_rows=3)
    (array([0, 1, 0]), 2)
    """
    found = np.zeros(n_rows, dtype=np.int64)
    n_found = 1
    for each in coded:
        _, found = np.unique(found * len(each) + each.code, return_inverse=True)
        n_found = int(found.max(initial=-1)) + 1
    return found.astype(np.int64), n_found
