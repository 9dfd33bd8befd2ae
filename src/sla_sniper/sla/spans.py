"""Sets of instants as sorted disjoint spans: arrays of int64 of shape (n, 2), half-open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spans = NDArray[np.int64]


def as_spans(rows: object) -> Spans:
    """Spans of any rows of two, also of none."""
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def union(spans: Spans) -> Spans:
    """Merge overlapping and touching spans in any order; empty and reversed ones vanish.

    Examples
    --------
    >>> union(as_spans([(5, 9), (1, 3), (2, 5), (7, 7)])).tolist()
    [[1, 9]]
    """
    spans = spans[spans[:, 1] > spans[:, 0]]
    if not len(spans):
        return spans
    # Weekdays come as sorted runs, which a stable sort merges many times as fast.
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    starts = np.r_[True, spans[1:, 0] > reach[:-1]]
    return np.column_stack([spans[starts, 0], reach[np.r_[starts[1:], True]]])


def subtract(spans: Spans, closed: Spans) -> Spans:
    """Take disjoint sorted `closed` spans out of disjoint sorted `spans`.

    Examples
    --------
    >>> subtract(as_spans([(0, 9)]), as_spans([(2, 3)])).tolist()
    [[0, 2], [3, 9]]
    """
    if not len(closed) or not len(spans):
        return spans
    pieces = _pieces(spans, closed)
    return union(pieces[_within(pieces, spans) & ~_within(pieces, closed)])


def intersect(first: Spans, second: Spans) -> Spans:
    """Instants in both of two sets of disjoint sorted spans.

    Examples
    --------
    >>> intersect(as_spans([(0, 5), (6, 9)]), as_spans([(4, 7)])).tolist()
    [[4, 5], [6, 7]]
    """
    if not len(first) or not len(second):
        return as_spans([])
    pieces = _pieces(first, second)
    return union(pieces[_within(pieces, first) & _within(pieces, second)])


def _pieces(first: Spans, second: Spans) -> Spans:
    cuts = np.unique(np.r_[first.ravel(), second.ravel()])
    return np.column_stack([cuts[:-1], cuts[1:]])


def _within(pieces: Spans, spans: Spans) -> NDArray[np.bool_]:
    i = np.searchsorted(spans[:, 0], pieces[:, 0], side="right") - 1
    return np.asarray((i >= 0) & (pieces[:, 0] < spans[i, 1]))
