"""Ranking the running clocks of one landmark, with reasons and advice in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.core.instants import SECOND_US, zone
from sla_sniper.core.schema import CLOCK_KEY, PREDICTIONS
from sla_sniper.escalation import rank_now
from sla_sniper.escalation.act_by import act_by
from sla_sniper.model.advice import advise
from sla_sniper.model.bundle import load_bundle
from sla_sniper.model.reasons import reasons, with_peers
from sla_sniper.usecases.forecasting import POOL_COLUMNS, rule_chance

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sla_sniper.model.forecast import BreachModel
    from sla_sniper.usecases.desk import Desk

MOST_TOLD = 1_000
"""Rows of the queue, best first, that get their reasons and advice in words."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How to rank.

    Attributes
    ----------
    policy : str
        The escalation policy.
    capacity : int
        Its slots.
    prices : ndarray of float of shape (capacity,), optional
        What each slot is worth later today, the cheapest first; see `escalation.slots`.
    """

    policy: str
    capacity: int
    prices: NDArray[np.float64] | None = None


def rank(desk: Desk, snapshots: pl.DataFrame, bundle: Path, ranking: Ranking) -> pl.DataFrame:
    """Rank the running clocks of one landmark, with reasons and advice.

    Parameters
    ----------
    snapshots : DataFrame
        See `running_now`; none past its point of no return.
    bundle : Path
        The model.

    Returns
    -------
    DataFrame
        Schema `core.schema.PREDICTIONS`, by rank.
    """
    if snapshots.is_empty():
        return pl.DataFrame(schema=dict(PREDICTIONS))
    model, sla = load_bundle(bundle), desk.workspace.sla
    pool = snapshots.with_columns(
        pl.Series("p_breach", model.predict(snapshots)),
        pl.Series("p_edf", rule_chance(model.edf_value, snapshots)),
        pl.lit(None, pl.Boolean).alias("breached"),
        pl.lit(value=True).alias("is_censored"),
    )
    pool = pool.with_columns(act_by(pool, sla.levels.calendars, sla.costs))
    # A list needs few of the columns; sorting all of them takes most of the time on large desks.
    read = [name for name in (*POOL_COLUMNS, "p_breach", "p_edf", "act_by") if name in pool.columns]
    ranked = rank_now(
        pool.select(read).with_row_index("_at"),
        ranking.policy,
        capacity=ranking.capacity,
        costs=sla.costs,
        prices=ranking.prices,
        staffing=desk.staffing,
    )
    told = _told(ranked, pool, model, before=before(desk))
    return told.with_columns(
        pl.lit(desk.as_of).cast(PREDICTIONS["as_of"]).alias("as_of"),
        (pl.col("slack_us") // SECOND_US).alias("slack_s"),
        (pl.col("wall_slack_us") // SECOND_US).alias("wall_slack_s"),
        pl.lit(bundle.name).alias("model_version"),
    ).select(pl.col(name).cast(dtype) for name, dtype in PREDICTIONS.items())


def _told(
    ranked: pl.DataFrame, pool: pl.DataFrame, model: BreachModel, *, before: str
) -> pl.DataFrame:
    """Add reasons and advice in words to the first `MOST_TOLD` rows; the others have none.

    `_at` of `ranked` is the row of `pool`, which has the features.
    """
    shown = pool[ranked["_at"].head(MOST_TOLD)]
    words = in_words(shown, pool, model, before=before)
    blank = pl.DataFrame(schema=words.schema).clear(n=ranked.height - shown.height)
    return pl.concat([ranked, pl.concat([words, blank])], how="horizontal")


def in_words(
    shown: pl.DataFrame, peers: pl.DataFrame, model: BreachModel, *, before: str
) -> pl.DataFrame:
    """Reasons and advice of the snapshots `shown`, which have their `p_breach`.

    Parameters
    ----------
    peers : DataFrame
        All snapshots of that landmark, to compare with.
    before : str
        Until when an action counts as taken at it.
    """
    told = with_peers(shown, peers)
    words = reasons(told, model.contributions(shown), model.features)
    advice = advise(shown, peers, predict=model.predict, before=before)
    return words.with_columns(advice)


def before(desk: Desk) -> str:
    """The next full hour: what the forecast of this landmark still holds for."""
    local = desk.as_of.astimezone(zone(desk.workspace.landmarks.timezone))
    return f"{(local + timedelta(hours=1)).replace(minute=0):%H:%M}"


def moment_of(desk: Desk) -> pl.DataFrame:
    """The instant of the queue as the one landmark of a table of landmarks."""
    local = desk.as_of.astimezone(zone(desk.workspace.landmarks.timezone))
    return pl.DataFrame(
        {
            "landmark": pl.Series([desk.as_of], dtype=PREDICTIONS["as_of"]),
            "day": [local.date()],
            "hour_of_day": [local.hour],
            "day_of_week": [local.isoweekday()],
        }
    )


def running_now(desk: Desk, cycles: pl.DataFrame) -> pl.DataFrame:
    """Snapshots of the clocks that run at the instant of the queue, with their ``calendar``.

    `cycles` are all clocks at that instant; see `Desk.cycles`.
    """
    snapshots = desk.snapshots_at(moment_of(desk))
    if snapshots.is_empty():
        return snapshots
    calendars = cycles.select(*CLOCK_KEY, "calendar")
    return snapshots.join(calendars, on=CLOCK_KEY, how="left", maintain_order="left")
