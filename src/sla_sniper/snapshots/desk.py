"""The desk at each landmark: how much is open, done and arriving, and how it went so far.

Every such figure is a count of intervals: a ticket is open from one instant to another, counts
as resolved in the last seven days for seven days, is known to have breached from some instant
on. Counting intervals at landmarks needs no table of ticket times landmark, is exact, and adds
up over buckets of tickets: each bucket counts its own, the sums are the desk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.instants import DAY_US
from sla_sniper.sla.conditions import value_of
from sla_sniper.sla.segments import CANCELLED, NEVER, NO_TARGET, PAUSED, RUNNING, STOPPED
from sla_sniper.snapshots.histories import is_stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.sla.segments import Segments

    Ints = NDArray[np.int64]

_LOADS: Final = ("group", "assignee")
_RATES: Final = (
    "priority",
    "group",
    "assignee",
    "category",
    "product",
    "requester",
    "organization",
)
_COUNTS: Final = ("open", "resolved_7d", "resolved_24h", "arrivals_24h", "events_24h")
_PRIOR_WEIGHT: Final = 20.0
"""Tickets that the desk's own rate counts for when a level has seen few of its own."""


def count_desk(
    history: pl.DataFrame,
    folded: list[Segments],
    landmarks: pl.Series,
    *,
    keep: Sequence[str] = (),
) -> pl.DataFrame:
    """Count the desk at each landmark, as changes, from one bucket of whole tickets.

    Parameters
    ----------
    history : DataFrame
        `histories` of the bucket's events, with the validity of each version.
    folded : list of Segments
        Their clocks.
    landmarks : Series of n_landmarks instants
        Sorted.
    keep : sequence of str
        Kept attributes whose values have a breach rate too.

    Returns
    -------
    DataFrame
        `kind`, `key`, `at` (index of the landmark from which on the change holds) and
        `delta` (Int64). Results of several buckets are put together by `add_up`.
    """
    at = landmarks.to_physical().to_numpy().astype(np.int64)
    parts = _loads(history, at)
    levels = _levels(keep)
    known = history.select(
        "source", "recorded_at", "_ticket", "known_from", "known_to", *levels.values()
    )
    for segments in folded:
        parts += _outcomes(segments, known, list(levels), at)
    return add_up(parts)


def add_up(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Put the counts of several buckets together; the order does not matter."""
    counts = pl.concat(parts).group_by("kind", "key", "at").agg(pl.col("delta").sum())
    return counts.filter(pl.col("delta") != 0).sort("kind", "key", "at")


def with_desk(
    snapshots: pl.DataFrame, counts: pl.DataFrame, *, keep: Sequence[str] = ()
) -> pl.DataFrame:
    """Add the desk's features to snapshots that have `_at`, the index of their landmark."""
    totals = counts.with_columns(pl.col("delta").cum_sum().over("kind", "key").alias("count"))
    snapshots = snapshots.sort("_at", maintain_order=True)
    for load in _LOADS:
        for kind in _COUNTS:
            name = f"{load}_{kind}"
            snapshots = _look_up(snapshots, totals, kind=name, key=_key(load), name=name)
    snapshots = _look_up(snapshots, totals, kind="all_n", key=_metric_key(), name="_all_n")
    snapshots = _look_up(snapshots, totals, kind="all_b", key=_metric_key(), name="_all_b")
    for level in _levels(keep):
        key = _rate_key(level)
        snapshots = _look_up(snapshots, totals, kind=f"{level}_n", key=key, name="_n")
        snapshots = _look_up(snapshots, totals, kind=f"{level}_b", key=key, name="_b")
        snapshots = snapshots.with_columns(
            _rate().alias(f"{level}_breach_rate"),
            (_rate() - _overall_rate()).alias(f"{level}_breach_lift"),
        ).drop("_n", "_b")
    days_of_work = pl.col("group_open") / ((pl.col("group_resolved_7d") + 1) / 7)
    return snapshots.with_columns(days_of_work.alias("group_days_of_work")).drop("_all_n", "_all_b")


def _levels(keep: Sequence[str]) -> dict[str, pl.Expr]:
    """Columns whose values have a breach rate, and where they come from in the events."""
    own = {name: pl.col(name) for name in _RATES}
    return own | {f"attr_{name}": value_of(name).alias(f"attr_{name}") for name in keep}


def _overall_rate() -> pl.Expr:
    return (pl.col("_all_b") + 1) / (pl.col("_all_n") + 2)


def _rate() -> pl.Expr:
    return (pl.col("_b") + _PRIOR_WEIGHT * _overall_rate()) / (pl.col("_n") + _PRIOR_WEIGHT)


def _look_up(
    snapshots: pl.DataFrame, totals: pl.DataFrame, *, kind: str, key: pl.Expr, name: str
) -> pl.DataFrame:
    held = totals.filter(kind=kind).select("key", "at", pl.col("count").alias(name)).sort("at")
    return (
        snapshots.with_columns(key.alias("key"))
        .join_asof(held, left_on="_at", right_on="at", by="key", check_sortedness=False)
        .with_columns(pl.col(name).fill_null(0))
        .drop("key", "at", strict=False)
    )


def _joined(*parts: pl.Expr) -> pl.Expr:
    return pl.concat_str(*parts, separator="\x1f", ignore_nulls=False)


def _key(load: str) -> pl.Expr:
    return _joined(pl.col("source"), pl.col(load).fill_null(""))


def _metric_key() -> pl.Expr:
    return _joined(pl.col("source"), pl.col("metric"))


def _rate_key(level: str) -> pl.Expr:
    return _joined(pl.col("source"), pl.col("metric"), pl.col(level).fill_null(""))


def _loads(history: pl.DataFrame, at: Ints) -> list[pl.DataFrame]:
    """Changes by tickets that are open, were resolved lately, or arrived lately."""
    told = pl.col("recorded_at").to_physical()
    following = told.shift(-1).over("_ticket").fill_null(int(NEVER))
    stopped, before = is_stopped(), is_stopped().shift(1).over("_ticket").fill_null(value=False)
    first = pl.int_range(pl.len()).over("_ticket") == 0
    spans = history.select(
        "source",
        "group",
        "assignee",
        "known_from",
        "known_to",
        told.alias("_from"),
        told.min().over("_ticket").alias("_heard"),
        following.alias("_to"),
        (~stopped).alias("open"),
        (stopped & ~before).alias("resolved_7d"),
        (stopped & ~before).alias("resolved_24h"),
        first.alias("arrivals_24h"),
        (~first).alias("events_24h"),
    )
    lasting = dict.fromkeys(_COUNTS, DAY_US) | {"open": None, "resolved_7d": 7 * DAY_US}
    found = []
    for kind, lasts in lasting.items():
        part = spans.filter(kind)
        if lasts is not None:
            since = pl.col("_heard" if kind == "arrivals_24h" else "_from")
            part = part.with_columns(since.alias("_from"), (since + lasts).alias("_to"))
        landed = _landed(part, at)
        found += [_changes(landed, kind=f"{load}_{kind}", key=_key(load)) for load in _LOADS]
    return found


def _outcomes(
    segments: Segments, known: pl.DataFrame, levels: Sequence[str], at: Ints
) -> list[pl.DataFrame]:
    """Changes by clocks that are known to have been met, or to have breached."""
    told = known["recorded_at"].to_physical().to_numpy().astype(np.int64)
    ticket = known["_ticket"].to_numpy()
    following = np.where(np.r_[ticket[1:] == ticket[:-1], False], np.r_[told[1:], 0], NEVER)
    row = segments.row
    has_target = (segments.target != NO_TARGET) & (segments.state != CANCELLED)
    over = has_target & (segments.over_since != NEVER)
    runs = PAUSED if segments.rule.is_vendor else RUNNING
    crosses = has_target & ~over & (segments.state <= runs) & (segments.due != NEVER)
    # A cycle that the next one cuts off was met there, unless its deadline came before.
    is_cut = has_target & ~over & segments.is_cut & (segments.state <= PAUSED)
    is_cut &= ~(crosses & (segments.due < segments.ends))
    crosses &= ~is_cut
    met = is_cut | (has_target & ~over & (segments.state == STOPPED))
    begins = np.where(is_cut, following[row], told[row])
    ends = np.where(segments.ends_cycle, NEVER, following[row])
    begins[crosses] = np.maximum(begins[crosses], _breaks(segments, crosses))
    decided = known[row].with_columns(
        pl.lit(segments.rule.metric).alias("metric"),
        pl.Series("_from", begins),
        pl.Series("_to", ends),
        pl.Series("_is_breach", over | crosses),
    )
    landed = _landed(decided.filter(pl.Series(over | crosses | met)), at)
    counted = {"n": landed, "b": landed.filter("_is_breach")}
    keys = {"all": _metric_key(), **{level: _rate_key(level) for level in levels}}
    return [
        _changes(part, kind=f"{level}_{count}", key=key)
        for count, part in counted.items()
        for level, key in keys.items()
    ]


def _breaks(segments: Segments, chosen: NDArray[np.bool_]) -> Ints:
    """First instant at which more than the target has been used, of the chosen segments."""
    if segments.rule.is_vendor:
        return segments.due[chosen] + 1
    return segments.calendar.add_us(
        segments.due[chosen], np.ones(int(chosen.sum()), dtype=np.int64)
    )


def _landed(spans: pl.DataFrame, at: Ints) -> pl.DataFrame:
    """Intervals that hold some landmark, with the first one inside and the first one after.

    An interval is cut to the time in which its version was all that was known.
    """
    begins = np.maximum(spans["_from"].to_numpy(), spans["known_from"].to_numpy())
    ends = np.minimum(spans["_to"].to_numpy(), spans["known_to"].to_numpy())
    first = np.searchsorted(at, begins, side="left")
    after = np.searchsorted(at, ends, side="left")
    placed = spans.with_columns(pl.Series("_first", first), pl.Series("_after", after))
    return placed.filter(pl.col("_first") < pl.col("_after"))


def _changes(landed: pl.DataFrame, *, kind: str, key: pl.Expr) -> pl.DataFrame:
    """Intervals as +1 at their first landmark and -1 at the first one after."""
    named = landed.select(key.alias("key"), "_first", "_after")
    return pl.concat(
        [
            named.select("key", pl.col(place).alias("at"), pl.lit(delta).alias("delta"))
            for place, delta in (("_first", 1), ("_after", -1))
        ]
    ).select(
        pl.lit(kind).alias("kind"),
        "key",
        pl.col("at").cast(pl.Int64),
        pl.col("delta").cast(pl.Int64),
    )
