"""Until when escalating a ticket pays: the last instant at which its saving is above its cost.

With the present forecast a ticket saves cost x probability x effectiveness, and effectiveness
falls as the deadline comes near. The instant at which that meets the cost of an escalation
is the ticket's "act by" time, counted on each clock's own calendar. It is no forecast of the
forecast: as soon as something happens to the ticket, both change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.instants import SECOND_US
from sla_sniper.core.schema import INSTANT, TICKET_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.escalation.candidates import Floats, Ints
    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.sla.calendar import Calendar

NEVER_PAYS: Final = -1


def act_by(clocks: pl.DataFrame, calendars: Mapping[str, Calendar], costs: CostTable) -> pl.Series:
    """Find the last instant at which escalating each ticket still pays.

    Parameters
    ----------
    clocks : polars.DataFrame of n_clocks rows
        Running clocks of one landmark: ``landmark, source, ticket_id, due_at, slack_us, cost,
        p_breach, calendar``; none past its point of no return.
    calendars : mapping of str to Calendar
        By the names in `calendar`.
    costs : CostTable
        Cost of an escalation and its effect.

    Returns
    -------
    act_by : polars.Series of Datetime of shape (n_clocks,)
        Of the whole ticket: its clocks repeat it. Exact where a ticket has one clock, to the
        second before where it has several; null where escalating does not pay even now.
    """
    if clocks.is_empty():
        return pl.Series("act_by", [], dtype=INSTANT)
    found = np.full(clocks.height, NEVER_PAYS, dtype=np.int64)
    is_shared = clocks.select(pl.struct(TICKET_KEY).is_duplicated()).to_series()
    alone, shared = (~is_shared).arg_true().to_numpy(), is_shared.arg_true().to_numpy()
    found[alone] = _alone(clocks[alone] if shared.size else clocks, calendars, costs)
    if shared.size:
        some = clocks[shared]
        ticket = some.select(pl.struct(TICKET_KEY).rank("dense")).to_series().to_numpy() - 1
        found[shared] = _shared(some, ticket.astype(np.int64), calendars, costs)
    instants = pl.Series("act_by", found, dtype=pl.Int64)
    return instants.set(instants == NEVER_PAYS, None).cast(INSTANT)


def _alone(clocks: pl.DataFrame, calendars: Mapping[str, Calendar], costs: CostTable) -> Ints:
    """Count back from the deadline by the least slack at which it pays."""
    effect = costs.effectiveness
    stake = effect.value * (clocks["cost"] * clocks["p_breach"]).to_numpy()
    least = np.full(stake.size, float(effect.point_of_no_return_us))
    if effect.falls_over_us is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            pays_from = effect.falls_over_us * costs.intervention / stake
        least = np.fmax(least, pays_from)
    pays = (stake > costs.intervention) & (clocks["slack_us"].to_numpy() >= least)
    back = np.zeros(stake.size, dtype=np.int64)
    back[pays] = np.ceil(least[pays]).astype(np.int64)
    due = clocks["due_at"].to_physical().to_numpy().astype(np.int64)
    found = np.full(stake.size, NEVER_PAYS, dtype=np.int64)
    for name, rows in _by_calendar(clocks):
        some = rows[pays[rows]]
        found[some] = due[some]
        moved = some[back[some] > 0]
        if moved.size:
            found[moved] = calendars[name].add_us(due[moved], -back[moved])
    return found


def _shared(
    clocks: pl.DataFrame, ticket: Ints, calendars: Mapping[str, Calendar], costs: CostTable
) -> Ints:
    """Halve the time between now and the last deadline of each ticket; `ticket` from 0 on."""
    due = clocks["due_at"].to_physical().to_numpy().astype(np.int64)
    now = clocks["landmark"].to_physical().to_numpy().astype(np.int64)
    groups = _by_calendar(clocks)
    stake = costs.effectiveness.value * (clocks["cost"] * clocks["p_breach"]).to_numpy()
    compiled = {
        name: calendars[name].compiled(int(now.min()), int(due.max())) for name, _ in groups
    }
    spent_by_due = np.zeros(due.size, dtype=np.int64)
    for name, rows in groups:
        spent_by_due[rows] = compiled[name].open_until(due[rows])

    def pays(at: Ints) -> Floats:
        """What each ticket would save at an instant of its own, above the cost."""
        slack = np.zeros(due.size, dtype=np.int64)
        for name, rows in groups:
            slack[rows] = spent_by_due[rows] - compiled[name].open_until(at[ticket[rows]])
        left = costs.effectiveness.shape(slack) * (at[ticket] < due)
        saved = np.bincount(ticket, weights=stake * left)
        return np.asarray(saved - costs.intervention, dtype=np.float64)

    low, high = (np.zeros(int(ticket.max()) + 1, dtype=np.int64) for _ in range(2))
    np.maximum.at(low, ticket, now)
    np.maximum.at(high, ticket, due)
    does_pay = pays(low) > 0
    while int((high - low).max()) > SECOND_US:
        middle = (low + high) // 2
        is_later = pays(middle) > 0
        low, high = np.where(is_later, middle, low), np.where(is_later, high, middle)
    return np.where(does_pay, low, NEVER_PAYS)[ticket]


def _by_calendar(clocks: pl.DataFrame) -> list[tuple[str, Ints]]:
    """Rows of each calendar."""
    names = clocks["calendar"]
    return [
        (str(name), (names == name).arg_true().to_numpy().astype(np.int64))
        for name in names.unique().sort()
    ]
