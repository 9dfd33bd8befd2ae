"""Which policy covers each row, and in which calendar each of its targets is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.sla.runs import any_since, before, latest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import CalendarChoice, ServiceLevels

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

NO_POLICY = -1


def match(events: pl.DataFrame, facts: Facts, levels: ServiceLevels) -> Ints:
    """Index of the policy in force at each row, `NO_POLICY` for none.

    It is the first one that covers the row, unless the ticket keeps the one that it had.
    """
    matched = _first_match(events, facts, levels)
    keeps = np.array([p.on_policy_change == "keep" for p in levels.policies] + [False])
    return _kept(matched, keeps[matched], facts.first)


def choose_calendar(events: pl.DataFrame, choice: CalendarChoice) -> Ints:
    """Index into `choice.names` of the calendar of each row."""
    ranks = {name: rank for rank, name in enumerate(choice.names)}
    named = events.with_columns(choice.expression().alias("calendar"))["calendar"]
    return named.replace_strict(ranks).to_numpy()


def _first_match(events: pl.DataFrame, facts: Facts, levels: ServiceLevels) -> Ints:
    started = pl.Series("started", facts.start).cast(events["occurred_at"].dtype)
    chain = pl.lit(NO_POLICY)
    for index, policy in reversed(list(enumerate(levels.policies))):
        chosen = policy.expression(pl.col("_started"))
        chain = pl.when(chosen).then(pl.lit(index)).otherwise(chain)
    frame = events.with_columns(started.alias("_started")).with_columns(chain.alias("_policy"))
    return frame["_policy"].to_numpy().astype(np.int64)


def _kept(matched: Ints, keeps: Flags, first: Flags) -> Ints:
    """Let the first policy of a ticket that keeps it stay in force to the end."""
    is_bound = any_since(keeps, first)
    binds = is_bound & ~before(is_bound, first=first)
    return np.where(is_bound, matched[latest(binds | first)], matched)
