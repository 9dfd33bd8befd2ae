"""Snapshots of a whole desk: ticket by ticket in buckets, then the desk around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from sla_sniper.core.schema import CLOCK_KEY
from sla_sniper.eventlog.deriving import derive
from sla_sniper.sla.segments import fold
from sla_sniper.snapshots.desk import add_up, count_desk, with_desk
from sla_sniper.snapshots.histories import histories
from sla_sniper.snapshots.knowledge import VERSION_KEY, known_histories
from sla_sniper.snapshots.tickets import ticket_snapshots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_sniper.sla.policy import ServiceLevels

_ORDER = ("landmark", *CLOCK_KEY)


class Part(NamedTuple):
    """What one bucket of whole tickets contributes."""

    snapshots: pl.DataFrame
    desk: pl.DataFrame


def bucket_part(
    stored: pl.DataFrame, levels: ServiceLevels, landmarks: pl.DataFrame, *, keep: Sequence[str]
) -> Part:
    """Work on one bucket of whole tickets: a pure function of its rows.

    Parameters
    ----------
    stored : DataFrame
        Stored rows of whole tickets.
    levels : ServiceLevels
        Calendars and policies.
    landmarks : DataFrame
        See `landmarks`.
    keep : sequence of str
        Kept attributes that become features.
    """
    history = histories(known_histories(stored, derive))
    folded = fold(history, levels, keys=VERSION_KEY)
    parts = [ticket_snapshots(history, segments, landmarks, keep=keep) for segments in folded]
    desk = count_desk(history, folded, landmarks["landmark"], keep=keep)
    return Part(pl.concat(parts) if parts else pl.DataFrame(), desk)


def assemble(parts: Iterable[Part], *, keep: Sequence[str] = ()) -> pl.DataFrame:
    """Put the parts of all buckets together and add the desk to every snapshot.

    Returns
    -------
    DataFrame
        Sorted by landmark, source, ticket, metric, policy and cycle; equal to the bit
        whatever the buckets were.
    """
    found = list(parts)
    rows = [part.snapshots for part in found if not part.snapshots.is_empty()]
    if not rows:
        return pl.DataFrame()
    counts = add_up([part.desk for part in found])
    snapshots = with_desk(pl.concat(rows), counts, keep=keep)
    return snapshots.sort(_ORDER).drop("_at")
