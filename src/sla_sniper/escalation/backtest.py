"""The whole backtest in one call, and the risk capture curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.escalation.candidates import Candidates, candidates_from
from sla_sniper.escalation.policies import RULES
from sla_sniper.escalation.replay import N_SEEDS, replay
from sla_sniper.escalation.summary import catchable, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.replay import Replay
    from sla_sniper.escalation.results import ReplaySummary


def backtest(
    pool: pl.DataFrame,
    costs: CostTable,
    *,
    capacities: Sequence[int],
    training: pl.DataFrame | None = None,
    n_seeds: int = N_SEEDS,
    n_resamples: int = 1000,
) -> tuple[Replay, ReplaySummary]:
    """Replay every policy on test days and judge the model against the best simple rule.

    Parameters
    ----------
    pool : polars.DataFrame
        Test days; see `candidates_from`. With `p_breach`, `p_logistic` and `p_edf`.
    costs : CostTable
        Cost of an escalation and its effect.
    capacities : sequence of int
        Slots a day.
    training : polars.DataFrame, optional
        Training days, on which the simple rule is chosen; needs `p_edf` only.
    n_seeds, n_resamples : int
        Of ``random``; of the bootstrap over days.

    Returns
    -------
    replay, summary : Replay, ReplaySummary
        Every choice, and what they came to.
    """
    tested = replay(pool, costs, capacities=capacities, n_seeds=n_seeds)
    trained = None
    if training is not None and training.height:
        trained = replay(training, costs, capacities=capacities, policies=RULES)
    return tested, summarise(tested, training=trained, n_resamples=n_resamples)


def capture_curve(
    pool: pl.DataFrame | Candidates,
    costs: CostTable,
    *,
    capacities: Sequence[int],
    policies: Sequence[str],
) -> pl.DataFrame:
    """Draw the captured share of the catchable cost against capacity, for a chart.

    Returns
    -------
    curve : polars.DataFrame
        ``policy, capacity, captured_share, net_saving``; the share is null where nothing could
        be caught.
    """
    known = pool if isinstance(pool, Candidates) else candidates_from(pool, costs.effectiveness)
    could_catch = catchable(known)[0].sum()
    result = replay(known, costs, capacities=capacities, policies=policies, n_seeds=1)
    rows = [
        {
            "policy": policy,
            "capacity": capacity,
            "captured_share": days.captured.sum() / could_catch if could_catch else None,
            "net_saving": days.net(costs).sum(),
        }
        for policy in policies
        for capacity in capacities
        for days in [result.totals[policy, capacity]]
    ]
    schema = {
        "policy": pl.String,
        "capacity": pl.Int64,
        "captured_share": pl.Float64,
        "net_saving": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema)
