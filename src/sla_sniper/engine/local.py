"""Work on whole tickets here, on one machine: in buckets, as many at a time as there are cores."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROWS_PER_BUCKET = 125_000
Item = TypeVar("Item")
Result = TypeVar("Result")


def bucket_count(n_rows: int) -> int:
    """Buckets of about `ROWS_PER_BUCKET` rows each."""
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

    def told() -> Iterator[pl.DataFrame]:
        for done, bucket in enumerate(buckets(stored, total)):
            progress(step, done / total)
            yield bucket

    return in_threads(told(), work)


def in_threads(parts: Iterable[Item], work: Callable[[Item], Result]) -> list[Result]:
    """Run `work` on each part, as many at a time as there are cores; results keep the order.

    NumPy and Polars let go of the interpreter while they compute. Parts are only asked for
    when a thread is free, so that no more of them are in memory than are worked on.
    """
    threads = os.cpu_count() or 1
    results: list[Future[Result]] = []
    with ThreadPoolExecutor(threads) as pool:
        for part in parts:
            running = [each for each in results if not each.done()]
            if len(running) >= threads:
                wait(running, return_when=FIRST_COMPLETED)
            results.append(pool.submit(work, part))
        return [each.result() for each in results]
