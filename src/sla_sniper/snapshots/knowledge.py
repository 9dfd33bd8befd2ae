"""What was known when: a ticket whose rows arrived late has more than one history.

Most tickets were recorded in the order in which things happened; what was known of them at an
instant is the rows so far. Where a row arrived late, every instant before its arrival must see
the ticket without it. Such a ticket becomes several versions, each valid for the time in which
it was all that was known, so that nothing downstream needs to know about lateness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import TICKET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK: Final = "\x1f"
_FIRST: Final = -(2**62)
_NEVER: Final = 2**62


def known_histories(
    stored: pl.DataFrame, derive: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Canonical events of every version of every ticket, with the time each was valid.

    Parameters
    ----------
    stored : DataFrame
        Stored rows of whole tickets, as told, sorted by ticket, instant and sequence.
    derive : callable
        `eventlog.derive`: turns stored rows into canonical events.

    Returns
    -------
    DataFrame
        Canonical events with `known_from` and `known_to` (Int64 microseconds, half-open: the
        version's validity). Versions after the first carry a mark in `source`, which
        `source_of` removes.
    """
    late = _is_late()
    marked = stored.with_columns(late.alias("_late"))
    ordinary = derive(marked.filter(~pl.col("_late")).drop("_late")).with_columns(
        pl.lit(_FIRST).alias("known_from"), pl.lit(_NEVER).alias("known_to")
    )
    rest = marked.filter("_late").drop("_late")
    if rest.is_empty():
        return ordinary
    return pl.concat([ordinary, _versions(rest, derive)])


def source_of(column: str = "source") -> pl.Expr:
    """Source without the mark of a version."""
    return pl.col(column).str.split(_MARK).list.first()


def _is_late() -> pl.Expr:
    before = pl.col("recorded_at").shift(1).over(TICKET_KEY)
    return (pl.col("recorded_at") < before).fill_null(value=False).any().over(TICKET_KEY)


def _versions(rows: pl.DataFrame, derive: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    told = pl.col("recorded_at").to_physical()
    validity = (
        rows.select(*TICKET_KEY, told.alias("known_from"))
        .unique()
        .sort(*TICKET_KEY, "known_from")
        .with_columns(
            pl.col("known_from").shift(-1).over(TICKET_KEY).fill_null(_NEVER).alias("known_to"),
            pl.int_range(pl.len()).over(TICKET_KEY).alias("_version"),
        )
    )
    marked = pl.concat_str("source", pl.lit(_MARK), pl.col("_version").cast(pl.String))
    validity = validity.with_columns(marked.alias("_marked"))
    seen = (
        rows.join(validity, on=TICKET_KEY)
        .filter(told <= pl.col("known_from"))
        .with_columns(pl.col("_marked").alias("source"))
    )
    events = derive(seen.select(rows.columns))
    return events.join(
        validity.select(pl.col("_marked").alias("source"), "ticket_id", "known_from", "known_to"),
        on=TICKET_KEY,
        maintain_order="left",
    )
