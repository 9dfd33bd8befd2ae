"""Where a change of policy, calendar or priority makes a clock count anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sla_sniper.sla.runs import before, sum_since
from sla_sniper.sla.stages import read_stages
from sla_sniper.sla.targets import allowance_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sla_sniper.sla.coverage import Share
    from sla_sniper.sla.facts import Facts

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


def find_restarts(shares: Sequence[Share], facts: Facts) -> Flags:
    """Mark the rows from which the clock of one metric counts anew.

    A covered row is compared with the last covered one before it in the same cycle, by the rule
    in force: `on_policy_change` of the policy that was left, `on_calendar_change` within one
    policy, `on_priority_change` of the target that now holds. What changes while the clock has
    stopped takes effect when it goes on.

    Parameters
    ----------
    shares : sequence of Share
        Every target of the metric, in the order of the policies.
    facts : Facts
        Of all rows of the events.

    Returns
    -------
    ndarray of bool of shape (n_rows,)
    """
    restarts = np.zeros(len(facts.row), dtype=bool)
    if not any(_may_restart(share) for share in shares):
        return restarts
    owner = np.full(len(facts.row), -1)
    cycle, calendar = np.zeros_like(owner), np.zeros_like(owner)
    for number, share in enumerate(shares):
        rows = share.rows
        stages = read_stages(rows.events, rows.facts, rows.attached, share.rule)
        first = rows.facts.first
        stays = stages.is_stopped & before(stages.is_stopped, first=first) & ~stages.opens
        counts = rows.attached & ~stays
        at = rows.facts.row[counts]
        owner[at] = number
        cycle[at] = (sum_since(stages.opens.astype(np.int64), first) + stages.opens)[counts]
        calendar[at] = share.calendar[counts]
    covered = np.flatnonzero(owner >= 0)
    earlier, later = covered[:-1], covered[1:]
    is_same = (facts.ticket[earlier] == facts.ticket[later]) & (cycle[earlier] == cycle[later])
    # A clock that starts by its policy ends with it.
    is_bound = np.array([share.rule.start == "attached" for share in shares])[owner[later]]
    goes_on = is_same & ((owner[earlier] == owner[later]) | ~is_bound)
    earlier, later = earlier[goes_on], later[goes_on]
    is_left = owner[earlier] != owner[later]
    is_moved = ~is_left & (calendar[earlier] != calendar[later])
    for number, share in enumerate(shares):
        if share.rows.policy.on_policy_change == "restart":
            restarts[later[is_left & (owner[earlier] == number)]] = True
        own = owner[later] == number
        if share.rule.on_calendar_change == "restart":
            restarts[later[is_moved & own]] = True
        if share.rule.on_priority_change == "restart":
            code = allowance_codes(facts, share.rule)
            restarts[later[own & (code[earlier] != code[later])]] = True
    return restarts


def _may_restart(share: Share) -> bool:
    rule = share.rule
    changes = (share.rows.policy.on_policy_change, rule.on_calendar_change, rule.on_priority_change)
    return "restart" in changes
