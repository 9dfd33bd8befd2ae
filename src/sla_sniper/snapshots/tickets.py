"""Ticket by ticket: one row for each running clock at each landmark before its deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.instants import DAY_US, HOUR_US
from sla_sniper.core.schema import INSTANT
from sla_sniper.sla.conditions import value_of
from sla_sniper.sla.segments import NEVER, NO_TARGET, PAUSED
from sla_sniper.snapshots.histories import LATEST, PREFIX_FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.sla.segments import Segments

    Ints = NDArray[np.int64]

_STATE: Final = (
    "status",
    "priority",
    "group",
    "assignee",
    "category",
    "channel",
    "product",
    "requester",
    "organization",
)


def ticket_snapshots(
    history: pl.DataFrame, segments: Segments, landmarks: pl.DataFrame, *, keep: Sequence[str]
) -> pl.DataFrame:
    """Snapshots of one target's clocks, with what each ticket's own history tells.

    Parameters
    ----------
    history : DataFrame
        `histories` of whole tickets, with the validity of each version.
    segments : Segments
        One target's clocks over the same rows.
    landmarks : DataFrame of n_landmarks rows
        See `landmarks`.
    keep : sequence of str
        Names of kept attributes that become categories `attr_<name>`.

    Returns
    -------
    DataFrame
        Keys, decision columns and the ticket's features; `_at` is the index of the landmark.
    """
    at = landmarks["landmark"].to_physical().to_numpy().astype(np.int64)
    chosen, index = _pairs(history, segments, at)
    row, now = segments.row[chosen], at[index]
    clock = _clock_columns(segments, chosen, index, at)
    state = history.select(
        "source", "ticket_id", *_STATE, *PREFIX_FEATURES, *LATEST,
        pl.col("occurred_at").alias("_event_at"),
        *(value_of(name).alias(f"attr_{name}") for name in keep),
    )[row]  # fmt: skip
    moment = pl.Series("landmark", now).cast(INSTANT)
    return (
        pl.concat([state, clock], how="horizontal")
        .with_columns(
            moment,
            pl.Series("_at", index),
            landmarks["day"][index],
            landmarks["hour_of_day"][index],
            landmarks["day_of_week"][index],
            pl.Series("n_events_24h", _recent(history, row, now)),
        )
        .with_columns(_hours_since())
        .drop(*LATEST, "_event_at", "_start")
    )


def _pairs(history: pl.DataFrame, segments: Segments, at: Ints) -> tuple[Ints, Ints]:
    """Segments and landmark indices at which a clock is known to run before its deadline."""
    told = history["recorded_at"].to_physical().to_numpy().astype(np.int64)
    ticket = history["_ticket"].to_numpy()
    following = np.where(np.r_[ticket[1:] == ticket[:-1], False], np.r_[told[1:], 0], NEVER)
    valid_from = history["known_from"].to_numpy()
    valid_to = history["known_to"].to_numpy()
    row = segments.row
    # A clock that is held until a known instant runs from there.
    can = (segments.state <= PAUSED) & (segments.resumes != NEVER)
    can &= (segments.target != NO_TARGET) & (segments.over_since == NEVER)
    begins = np.maximum(np.maximum(told[row], valid_from[row]), segments.start)
    begins = np.maximum(begins, np.where(can, segments.resumes, 0))
    ends = np.minimum(np.minimum(following[row], valid_to[row]), segments.due)
    first = np.searchsorted(at, begins, side="left")
    n = np.where(can, np.maximum(np.searchsorted(at, ends, side="left") - first, 0), 0)
    chosen = np.repeat(np.arange(len(row)), n)
    offset = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
    return chosen, first[chosen] + offset


def _clock_columns(segments: Segments, chosen: Ints, index: Ints, at: Ints) -> pl.DataFrame:
    now = at[index]
    elapsed, paused = segments.elapsed_at(now, chosen), segments.paused_at(now, chosen)
    target, due, start = segments.target[chosen], segments.due[chosen], segments.start[chosen]
    slack = _open_between(segments, now, due)
    ahead = _open_ahead(segments, at)
    return pl.DataFrame(
        {
            "policy": pl.repeat(segments.policy.name, len(chosen), eager=True),
            "metric": pl.repeat(segments.rule.metric, len(chosen), eager=True),
            "cycle": segments.cycle[chosen],
            "due_at": pl.Series(due).cast(INSTANT),
            "slack_us": slack,
            "wall_slack_us": due - now,
            "age_us": now - start,
            "target_us": target,
            "slack_h": slack / HOUR_US,
            "wall_slack_h": (due - now) / HOUR_US,
            "share_used": elapsed / np.maximum(target, 1),
            "target_h": target / HOUR_US,
            "elapsed_h": elapsed / HOUR_US,
            "wall_age_h": (now - start) / HOUR_US,
            "paused_h": paused / HOUR_US,
            "paused_share": paused / np.maximum(paused + elapsed, 1),
            "open_next_8h": ahead[0][index] / HOUR_US,
            "open_next_24h": ahead[1][index] / HOUR_US,
            "_start": pl.Series(start).cast(INSTANT),
        }
    )


def _open_between(segments: Segments, start: Ints, end: Ints) -> Ints:
    """Open time from one array of instants to another, both of shape (n,)."""
    if not len(start):
        return start
    compiled = segments.calendar.compiled(int(start.min()), int(end.max()))
    return compiled.open_until(end) - compiled.open_until(start)


def _open_ahead(segments: Segments, at: Ints) -> tuple[Ints, Ints]:
    """Open time in the 8 and 24 hours after each landmark."""
    if not len(at):
        return at, at
    compiled = segments.calendar.compiled(int(at[0]), int(at[-1]) + DAY_US)
    now = compiled.open_until(at)
    return (
        compiled.open_until(at + 8 * HOUR_US) - now,
        compiled.open_until(at + DAY_US) - now,
    )


def _recent(history: pl.DataFrame, row: Ints, now: Ints) -> Ints:
    """Events of the ticket in the 24 hours before each landmark, `created` not counted."""
    second = history["occurred_at"].to_physical().to_numpy() // 1_000_000
    base = int(second.min()) if len(second) else 0
    span = int(second.max()) - base + 2 if len(second) else 1
    ticket = history["_ticket"].to_numpy().astype(np.int64)
    place = ticket * span + (second - base)
    since = np.clip((now - DAY_US) // 1_000_000 - base, -1, span - 1)
    earlier = np.searchsorted(place, ticket[row] * span + since, side="right")
    is_event = (history["activity"] != "created").fill_null(value=True).to_numpy()
    counted = np.r_[0, np.cumsum(is_event)]
    return np.asarray(np.maximum(counted[row + 1] - counted[np.minimum(earlier, row + 1)], 0))


def _hours_since() -> list[pl.Expr]:
    """Wall hours from instants of the ticket's past to the landmark."""
    sources = {
        "hours_since_event": pl.col("_event_at"),
        "hours_in_status": pl.col("_status_at").fill_null(pl.col("_start")),
        "hours_in_group": pl.col("_group_at").fill_null(pl.col("_start")),
        "hours_since_reply": pl.col("_reply_at"),
        "hours_since_requester": pl.col("_requester_at"),
    }
    return [
        ((pl.col("landmark") - at).dt.total_microseconds() / HOUR_US).alias(name)
        for name, at in sources.items()
    ]
