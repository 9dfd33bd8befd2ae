"""The whole backtest in one call, and the risk capture curve."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.escalation.candidates import Candidates, candidates_from
from sla_sniper.escalation.policies import RULES
from sla_sniper.escalation.replay import SlotRule, replay, worth_pricing
from sla_sniper.escalation.summary import catchable, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.replay import Replay
    from sla_sniper.escalation.results import ReplaySummary
    from sla_sniper.escalation.staffing import Staffing


def backtest(
    pool: pl.DataFrame,
    costs: CostTable,
    *,
    capacities: Sequence[int],
    training: pl.DataFrame | None = None,
    own: int | None = None,
    staffing: Staffing | None = None,
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
        Training days, on which the simple rule is chosen and, where they have a `p_breach` of
        a model that had not learnt them, whether holding slots back by price pays.
    own : int, optional
        The capacity that the desk has, at which the gate asks first: where it is not among
        `capacities`, what the gate compares is replayed there as well.
    staffing : Staffing, optional
        Who can take which ticket when.

    Returns
    -------
    replay, summary : Replay, ReplaySummary
        Every choice, and what they came to.
    """
    trained, priced = None, frozenset[int]()
    if training is not None and training.height:
        earlier = candidates_from(training, costs.effectiveness)
        rule = SlotRule(staffing=staffing)
        trained = replay(earlier, costs, capacities=capacities, policies=RULES, rule=rule)
        trained = _with_own(trained, own, RULES, rule)
        if staffing is None:
            asked = set(capacities) if own is None else {*capacities, own}
            priced = worth_pricing(earlier, costs, asked)
    rule = SlotRule(priced, staffing)
    tested = replay(pool, costs, capacities=capacities, rule=rule)
    tested = _with_own(tested, own, ("sniper", *RULES), rule)
    return tested, summarise(tested, training=trained, own=own)


def _with_own(result: Replay, own: int | None, policies: Sequence[str], rule: SlotRule) -> Replay:
    """Add to a replay what the gate compares at the desk's own capacity, where it is not there."""
    if own is None or own in result.capacities:
        return result
    there = replay(result.candidates, result.costs, capacities=[own], policies=policies, rule=rule)
    return dataclasses.replace(result, totals={**there.totals, **result.totals})


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
