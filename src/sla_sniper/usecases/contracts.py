"""Contracts that pay on attainment, read from a desk: standings and marginal credits."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sla_sniper.core.instants import localize, zone
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.escalation.attainment import marginal_credit, standings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sla_sniper.escalation.attainment import Contract
    from sla_sniper.usecases.desk import Desk


def standing_of(desk: Desk, contract: Contract, *, as_of: datetime) -> pl.DataFrame:
    """How each account stood at an instant, by what was recorded by then."""
    known = pl.col(contract.by).drop_nulls().last().alias("account")
    accounts = desk.known_by(as_of).group_by(*TICKET_KEY, maintain_order=True).agg(known)
    return standings(
        desk.cycles(as_of=as_of),
        accounts,
        contract,
        as_of=as_of,
        timezone=desk.workspace.landmarks.timezone,
    )


def credits_at_risk(
    desk: Desk, snapshots: pl.DataFrame, contracts: Sequence[Contract]
) -> pl.Series:
    """Credit that the breach of each snapshot's clock puts at risk, all contracts together.

    Accounts are read once a day, as of its local midnight; a single landmark, as the queue has
    it, is read as of itself.
    """
    found = np.zeros(snapshots.height)
    if not contracts:
        return pl.Series("credit", found)
    is_single = snapshots["landmark"].n_unique() == 1
    for (day,), rows in snapshots.with_row_index("_row").group_by("day"):
        as_of = snapshots["landmark"][0] if is_single else _midnight(desk, day)
        for contract in contracts:
            clocks = rows.select(pl.col(contract.by).alias("account"), "metric", "due_at")
            found[rows["_row"].to_numpy()] += marginal_credit(
                clocks,
                standing_of(desk, contract, as_of=as_of),
                contract,
                timezone=desk.workspace.landmarks.timezone,
            ).to_numpy()
    return pl.Series("credit", found)


def _midnight(desk: Desk, day: date) -> datetime:
    tz = zone(desk.workspace.landmarks.timezone)
    return localize(datetime.combine(day, datetime.min.time()), tz)
