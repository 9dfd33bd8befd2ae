"""Work on whole tickets here, on one machine: in buckets, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import polars as pl

from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS_PER_BUCKET = 500_000
Result = TypeVar("Result")


def bucket_count(n_rows: int) -> int:
    """Buckets that keep each at about half a million rows."""
    return max(1, -(-n_rows // ROWS_PER_BUCKET))


def buckets(stored: pl.DataFrame, n_buckets: int) -> Iterator[pl.DataFrame]:
    """Split rows into buckets of whole tickets, keeping their order inside each.

    Which ticket falls into which bucket is of no consequence: results must be equal to the
    bit for every number of buckets.
    """
    if n_buckets == 1:
        yield stored
        return
    bucket = stored.select(pl.struct(*TICKET_KEY).rle_id() % n_buckets).to_series()
    for number in range(n_buckets):
        yield stored.filter(bucket == number)


def in_buckets(
    stored: pl.DataFrame,
    work: Callable[[pl.DataFrame], Result],
    *,
    n_buckets: int | None = None,
    progress: Progress = silent,
    step: str = "",
) -> list[Result]:
    """Run `work` on each bucket of whole tickets.

    Parameters
    ----------
    stored : DataFrame
        Rows sorted by ticket.
    work : callable
        A pure function of a bucket's rows.
    n_buckets : int, optional
        As many as the rows ask for where it is not given.
    progress : Progress
        Told `step` and the share done.
    """
    total = n_buckets or bucket_count(stored.height)
    results = []
    for done, bucket in enumerate(buckets(stored, total)):
        progress(step, done / total)
        results.append(work(bucket))
    return results
