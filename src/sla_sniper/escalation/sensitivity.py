"""How much an answer hangs on each assumption: tornado and break-even, chosen anew each time.

An assumption that is wrong changes both what an escalation is worth and which tickets the
policy would have escalated. Every line is therefore a replay of its own, not the old choices at
new prices. The same change is made for the simple rival, so that it also shows what would turn
the comparison round.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.instants import HOUR_US
from sla_sniper.escalation.candidates import CREDIT, Candidates, candidates_from
from sla_sniper.escalation.replay import SlotRule, replay

if TYPE_CHECKING:
    from sla_sniper.escalation.costs import CostTable

STEPS: Final = tuple(n / 10 for n in range(11))
"""Effectiveness at which the break-even chart is drawn."""
FALLING_US: Final = 24 * HOUR_US
"""Fall of effectiveness that is tried where none is configured."""


@dataclass(frozen=True, slots=True)
class Swing:
    """One assumption moved to both ends of its range.

    Attributes
    ----------
    name : str
        What is moved: ``effectiveness``, ``intervention``, ``breach.<value>``, ``breach``
        (all of them) or ``falls_over``.
    low, high : str
        The two ends in words.
    net_low, net_high : float
        Net saving of ``sniper`` there, in currency.
    gain_low, gain_high : float
        The same minus that of the rule.
    """

    name: str
    low: str
    high: str
    net_low: float
    net_high: float
    gain_low: float
    gain_high: float

    @property
    def width(self) -> float:
        """How far the net saving moves, in currency."""
        return abs(self.net_high - self.net_low)


@dataclass(frozen=True, slots=True)
class BreakEvenPoint:
    """Net saving at one effectiveness in [0, 1], in currency."""

    effectiveness: float
    sniper: float
    rule: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How the answer at one capacity hangs on the assumptions.

    Attributes
    ----------
    capacity, rule : int, str
        Slots a day; the simple rival.
    net, gain : float
        Net saving of ``sniper`` as assumed, and minus that of the rule.
    swings : tuple of Swing
        The assumption that moves most first.
    curve : tuple of BreakEvenPoint
        By effectiveness.
    """

    capacity: int
    rule: str
    net: float
    gain: float
    swings: tuple[Swing, ...]
    curve: tuple[BreakEvenPoint, ...]


def sensitivity(
    pool: pl.DataFrame, costs: CostTable, *, capacity: int, rule: str, slot_rule: SlotRule
) -> Sensitivity:
    """Replay ``sniper`` and its rival under other assumptions.

    Parameters
    ----------
    pool : polars.DataFrame
        Test days with `p_breach`; see `candidates_from`.
    costs : CostTable
        The assumptions.
    capacity : int
        Slots a day.
    rule : str
        The simple rival.
    slot_rule : SlotRule
        As in the replay that is explained.
    """
    ask = _Question(capacity, rule, slot_rule)
    known = candidates_from(pool, costs.effectiveness)
    net, rival = ask.nets(known, costs)
    swings = [ask.swing(*each) for each in _ends(pool, known, costs)]
    steps = [(step, *ask.nets(known, _at(costs, step))) for step in STEPS]
    return Sensitivity(
        capacity=capacity,
        rule=rule,
        net=net,
        gain=net - rival,
        swings=tuple(sorted(swings, key=lambda swing: -swing.width)),
        curve=tuple(BreakEvenPoint(*step) for step in steps),
    )


_End = tuple[str, pl.DataFrame | Candidates, "CostTable"]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is replayed again and again."""

    capacity: int
    rule: str
    slot_rule: SlotRule

    def nets(self, pool: pl.DataFrame | Candidates, costs: CostTable) -> tuple[float, float]:
        """Net saving of the policy and of the rule."""
        names = ("sniper", self.rule)
        found = replay(pool, costs, capacities=[self.capacity], policies=names, rule=self.slot_rule)
        first, second = (
            float(found.totals[name, self.capacity].net(costs).sum()) for name in names
        )
        return first, second

    def swing(self, name: str, low: _End, high: _End) -> Swing:
        """Replay both ends of one assumption."""
        (net_low, rule_low), (net_high, rule_high) = (
            self.nets(pool, costs) for _, pool, costs in (low, high)
        )
        gains = net_low - rule_low, net_high - rule_high
        return Swing(name, low[0], high[0], net_low, net_high, *gains)


def _ends(pool: pl.DataFrame, known: Candidates, costs: CostTable) -> list[tuple[str, _End, _End]]:
    """List every assumption with both its ends: its own interval, else half and double."""
    effect, fee = costs.effectiveness, costs.intervention
    ends: list[tuple[str, _End, _End]] = [
        (
            "effectiveness",
            (f"{effect.low:g}", known, _at(costs, effect.low)),
            (f"{effect.high:g}", known, _at(costs, effect.high)),
        ),
        (
            "intervention",
            (f"{fee / 2:g}", known, dataclasses.replace(costs, intervention=fee / 2)),
            (f"{fee * 2:g}", known, dataclasses.replace(costs, intervention=fee * 2)),
        ),
        ("breach", *_scaled(pool, costs, pl.lit(value=True))),
    ]
    if costs.by in pool.columns:
        is_one = {value: pl.col(costs.by) == value for value in costs.breach}
        ends += [
            (f"breach.{value}", *_scaled(pool, costs, each))
            for value, each in is_one.items()
            if not pool.filter(each).is_empty()
        ]
    falls = effect.falls_over_us
    fast, slow = (FALLING_US, None) if falls is None else (falls // 2, falls * 2)
    return [*ends, ("falls_over", _falling(pool, costs, fast), _falling(pool, costs, slow))]


def _at(costs: CostTable, value: float) -> CostTable:
    """The same costs with another effectiveness; its interval widens to hold it."""
    known = costs.effectiveness
    effect = dataclasses.replace(
        known, value=value, low=min(known.low, value), high=max(known.high, value)
    )
    return dataclasses.replace(costs, effectiveness=effect)


def _scaled(pool: pl.DataFrame, costs: CostTable, which: pl.Expr) -> tuple[_End, _End]:
    """Half and double the breach cost of some clocks; credits at risk stay as they are."""
    own = pl.col("cost") - (pl.col(CREDIT) if CREDIT in pool.columns else 0.0)
    change = pl.when(which.fill_null(value=False)).then(own).otherwise(0.0)
    halved, doubled = (
        pool.with_columns((pl.col("cost") + by * change).alias("cost")) for by in (-0.5, 1.0)
    )
    return ("half", halved, costs), ("double", doubled, costs)


def _falling(pool: pl.DataFrame, costs: CostTable, span_us: int | None) -> _End:
    effect = dataclasses.replace(costs.effectiveness, falls_over_us=span_us)
    words = "never" if span_us is None else f"{span_us / HOUR_US:g} h"
    return words, pool, dataclasses.replace(costs, effectiveness=effect)
