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

VERSION_KEY: Final = (*TICKET_KEY, "known_from")
"""What names one version of one ticket."""


def known_histories(
    stored: pl.DataFrame, derive: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Canonical events of every version of every ticket, with the time each was valid.

    Parameters
    ----------
    stored : DataFrame
        Stored rows of whole tickets, as told.
    derive : callable
        `eventlog.derive`: turns stored rows into canonical events.

    Returns
    -------
    DataFrame
        Canonical events with `known_from` and `known_to` (Int64 microseconds, half-open: the
        version's validity), the rows of one `VERSION_KEY` together.
    """
    events = derive(stored).with_columns(_is_late().alias("_late"))
    ordinary = events.filter(~pl.col("_late")).drop("_late")
    ordinary = ordinary.with_columns(
        pl.lit(_FIRST).alias("known_from"), pl.lit(_NEVER).alias("known_to")
    )
    late = events.filter("_late").select(TICKET_KEY).unique()
    if late.is_empty():
        return ordinary
    rest = stored.join(late, on=TICKET_KEY, how="semi")
    return pl.concat([ordinary, _versions(rest, derive)])


def _is_late() -> pl.Expr:
    """Whether an event was told before one that happened earlier, or the creation late.

    Until a source tells the creation it is derived, so that telling it rewrites the history.
    """
    told = pl.col("recorded_at")
    is_created = pl.col("activity").str.contains("created", literal=True)
    is_late = (told < told.shift(1).over(TICKET_KEY)) | (
        is_created & (told > told.min().over(TICKET_KEY))
    )
    return is_late.fill_null(value=False).any().over(TICKET_KEY)


def _versions(rows: pl.DataFrame, derive: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    told = pl.col("recorded_at").to_physical()
    validity = (
        rows.select(*TICKET_KEY, told.alias("known_from"))
        .unique()
        .sort(VERSION_KEY)
        .with_columns(
            pl.col("known_from").shift(-1).over(TICKET_KEY).fill_null(_NEVER).alias("known_to"),
            pl.int_range(pl.len()).over(TICKET_KEY).cast(pl.String).alias("_version"),
        )
        # Versions are derived apart, as if they were tickets of several sources.
        .with_columns(pl.concat_str("source", pl.lit(_MARK), "_version").alias("_marked"))
    )
    seen = (
        rows.join(validity, on=TICKET_KEY)
        .filter(told <= pl.col("known_from"))
        .with_columns(pl.col("_marked").alias("source"))
    )
    names = validity.select(
        pl.col("source").alias("_source"), pl.col("_marked").alias("source"), "ticket_id",
        "known_from", "known_to",
    )  # fmt: skip
    events = derive(seen.select(rows.columns))
    found = events.join(names, on=TICKET_KEY, maintain_order="left")
    return found.with_columns(pl.col("_source").alias("source")).drop("_source")
