"""The kill list: whom to escalate at one landmark, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.escalation.candidates import candidates_from
from sla_sniper.escalation.policies import by_keys, expected_saving, policy_named, scores
from sla_sniper.escalation.slots import n_worth
from sla_sniper.escalation.staffing import Staffed

if TYPE_CHECKING:
    from sla_sniper.escalation.candidates import Candidates, Floats, Ints
    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.policies import Policy
    from sla_sniper.escalation.staffing import Staffing


def rank_now(
    frame: pl.DataFrame,
    policy_name: str,
    *,
    capacity: int,
    costs: CostTable,
    prices: Floats | None = None,
    staffing: Staffing | None = None,
) -> pl.DataFrame:
    """Rank the tickets of one landmark and say which to escalate.

    Parameters
    ----------
    frame : polars.DataFrame
        The running clocks of one landmark, as in `candidates_from`; may be empty. Those past
        their point of no return are left out.
    policy_name : str
        Any policy but ``oracle``, which needs the future.
    capacity : int
        Slots that are left, zero or more.
    costs : CostTable
        Cost of an escalation and its effect.
    prices : ndarray of float of shape (capacity,), optional
        Shadow price of each slot, the cheapest first, for a policy whose score is a saving.
    staffing : Staffing, optional
        Who can take which ticket now; rules out `prices`.

    Returns
    -------
    ranked : polars.DataFrame
        The rows and columns of `frame` by rank, then metric, with ``expected_saving`` (by the
        model, of the whole ticket: its clocks repeat it), ``rank`` (of the ticket, from 1),
        ``recommended`` (within capacity, and for a policy that gates a positive saving above
        the price of its slot) and
        ``policy``, the name of the escalation policy; a ``policy`` of `frame` is that of the SLA
        and becomes ``sla_policy``. The order of the rows of `frame` has no influence.

    Raises
    ------
    ValueError
        If there is more than one landmark, the capacity is negative, or the policy cannot rank.
    """
    policy = policy_named(policy_name)
    _check(frame, policy, capacity)
    candidates = candidates_from(frame, costs.effectiveness)
    keys = scores(policy, candidates, costs)
    best_first = by_keys(candidates, keys).rows
    saving = keys[0] if policy.saves else None
    gate = best_first[keys[0][best_first] > 0] if policy.gates else best_first
    taken = gate[:capacity] if policy.has_limit else gate
    if staffing is not None and policy.has_limit and gate.size:
        slots = Staffed(candidates, capacity, staffing.of(candidates), saving)
        taken = gate[slots.take(0, gate)]
    elif prices is not None and saving is not None:
        taken = gate[: n_worth(saving[gate], prices)]
    places = _places(candidates, best_first).with_columns(
        expected_saving=expected_saving(candidates, costs),
        recommended=pl.col("candidate").is_in(taken.tolist()),
        policy=pl.lit(policy_name),
    )
    names = {"policy": "sla_policy"} if "policy" in frame.columns else {}
    clocks = candidates.clocks.select(*frame.columns).rename(names)
    of_clock = places.drop("candidate")[candidates.clocks["candidate"]]
    return (
        pl.concat([clocks.drop(of_clock.columns, strict=False), of_clock], how="horizontal")
        .sort("rank", "metric", maintain_order=True)
        .with_columns(pl.col("expected_saving").fill_nan(None))
    )


def _places(candidates: Candidates, best_first: Ints) -> pl.DataFrame:
    """Give each candidate its rank, the best 1."""
    rank = np.empty_like(best_first)
    rank[best_first] = np.arange(1, best_first.size + 1)
    return pl.DataFrame({"candidate": np.arange(candidates.landmark.size), "rank": rank})


def _check(frame: pl.DataFrame, policy: Policy, capacity: int) -> None:
    if policy.name == "oracle":
        raise ValueError("The oracle ranks by what has not happened yet; it can only be replayed.")
    if capacity < 0:
        raise ValueError(f"A capacity is zero or more slots, got {capacity}.")
    if frame["landmark"].n_unique() > 1:
        raise ValueError("A kill list is of one landmark; the frame has several.")
