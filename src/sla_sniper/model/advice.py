"""One thing that a person could do about a ticket, and what the forecast would then be.

Each action changes the features that it would change in the log, and nothing else; the model
scores the snapshot again. That is what the model expects of a ticket that looks like this one after
the action. It is no measured effect: tickets on which somebody acted differ from those on which
nobody did, in ways that no feature tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from sla_sniper.snapshots.features import FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Predict = Callable[[pl.DataFrame], NDArray[np.float64]]

LEAST_DROP: Final = 0.05
"""Fall of p_breach below which an action is not worth a sentence: a calibration error's size."""

LABEL: Final = "the model's estimate, not a measured effect"

_WAITING: Final = ("waiting_requester", "waiting_vendor", "on_hold")
_AGENT, _GROUP = (
    tuple(one.name for one in FEATURES if one.cause in {f"{who} load", f"{who} history"})
    for who in ("assignee", "group")
)
"""What a snapshot says of the agent and of the group that a ticket is with."""
_ENOUGH: Final = 3


class Action(NamedTuple):
    """Something a person can do now.

    Attributes
    ----------
    words : str
        What would have been done, as the advice begins.
    applies : Expr
        To which snapshots.
    changes : sequence of Expr
        The features after it, by their names; those that a frame lacks are left out.
    """

    words: str
    applies: pl.Expr
    changes: Sequence[pl.Expr]


def advise(frame: pl.DataFrame, peers: pl.DataFrame, *, predict: Predict, before: str) -> pl.Series:
    """Tell for each snapshot the action that lowers its p_breach most.

    Parameters
    ----------
    frame : DataFrame
        Snapshots with all feature columns and `p_breach`; words cost time for each row, so pass
        only those that will be shown.
    peers : DataFrame
        All snapshots of the same landmark: whoever could take a ticket over is among them.
    predict : callable
        p_breach of snapshots, of shape (n_snapshots,).
    before : str
        Until when the action counts as taken at this landmark, such as ``14:00``.

    Returns
    -------
    Series of String, `advice`
        Null where no action lowers p_breach by five points or more.
    """
    placed = _with_takers(frame, peers).with_row_index("_row")
    best = np.asarray(frame["p_breach"].cast(pl.Float64).to_numpy(), dtype=np.float64) - LEAST_DROP
    chosen: list[str | None] = [None] * frame.height
    for action in _actions(peers):
        rows = placed.filter(action.applies.fill_null(value=False))
        changes = [each for each in action.changes if each.meta.output_name() in frame.columns]
        if rows.is_empty() or not changes:
            continue
        after = predict(rows.with_columns(changes))
        for at, chance in zip(rows["_row"].to_list(), after.tolist(), strict=True):
            if chance <= best[at]:
                best[at] = chance
                chosen[at] = action.words
    shown = zip(chosen, frame["p_breach"].to_list(), best.tolist(), strict=True)
    said = [_sentence(words, now, then, before) for words, now, then in shown]
    return pl.Series("advice", said, dtype=pl.String)


def _sentence(words: str | None, now: float, then: float, before: str) -> str | None:
    if words is None:
        return None
    return f"{words} before {before}: {100 * now:.0f} % -> {100 * then:.0f} % ({LABEL})"


def _actions(peers: pl.DataFrame) -> tuple[Action, ...]:
    touched = (
        pl.lit(0.0).alias("hours_since_event"),
        pl.col("n_events") + 1,
        pl.col("n_events_24h") + 1,
    )
    taken = [pl.col(f"_taker_{name}").alias(name) for name in _AGENT]
    moved = [pl.col(f"_owner_{name}").alias(name) for name in _GROUP]
    answers = "hours_since_reply" in peers.columns and peers["hours_since_reply"].count() > 0
    return (
        Action(
            "assigned",
            (pl.col("is_unassigned") == 1) & pl.col("_taker_assignee_open").is_not_null(),
            (*touched, *taken, pl.lit(0).alias("is_unassigned")),
        ),
        Action(
            "given to an agent of its group with the usual load",
            (pl.col("is_unassigned") == 0)
            & (pl.col("assignee_open") > pl.col("_taker_assignee_open")),
            (*touched, *taken, pl.col("n_assignee_changes") + 1),
        ),
        Action("answered", pl.lit(answers), (*touched, pl.lit(0.0).alias("hours_since_reply"))),
        Action(
            "resumed from waiting",
            pl.col("status").is_in(_WAITING),
            (*touched, pl.lit("open").alias("status"), pl.lit(0.0).alias("hours_in_status")),
        ),
        Action(
            "taken out of the ping-pong by the group that has most tickets like it",
            (pl.col("n_ping_pong") > 0) & pl.col("_owner_group_open").is_not_null(),
            (
                *touched,
                *moved,
                pl.col("n_group_changes") + 1,
                pl.lit(0.0).alias("hours_in_group"),
            ),
        ),
    )


def _with_takers(frame: pl.DataFrame, peers: pl.DataFrame) -> pl.DataFrame:
    """Add the usual agent of each group, and the group that has most tickets of a category."""
    read = ("source", "group", "assignee", "category", *_AGENT, *_GROUP)
    peers = peers.select(name for name in read if name in peers.columns)
    held = peers.drop_nulls(["group", "assignee"]).unique(("source", "group", "assignee"))
    usual = (
        held.group_by("source", "group")
        .agg(pl.len().alias("_n"), *(_named("_taker_", name, held) for name in _AGENT))
        .filter(pl.col("_n") >= _ENOUGH)
        .drop("_n")
    )
    owners = (
        peers.drop_nulls(["group", "category"])
        .group_by("source", "category", "group")
        .agg(pl.len().alias("_n"), *(_named("_owner_", name, peers) for name in _GROUP))
        .sort(["_n", "group"], descending=[True, False])
        .group_by("source", "category", maintain_order=True)
        .agg(pl.all().first())
        .rename({"group": "_owner"})
        .drop("_n")
    )
    joined = frame.join(usual, on=["source", "group"], how="left", maintain_order="left").join(
        owners, on=["source", "category"], how="left", maintain_order="left"
    )
    is_own = pl.col("_owner") == pl.col("group")
    return joined.with_columns(
        pl.when(~is_own).then(pl.col(f"_owner_{name}")).alias(f"_owner_{name}") for name in _GROUP
    )


def _named(prefix: str, name: str, frame: pl.DataFrame) -> pl.Expr:
    value = pl.col(name).median() if name in frame.columns else pl.lit(None, pl.Float64)
    return value.alias(f"{prefix}{name}")
