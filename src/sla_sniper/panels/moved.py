"""What the tickets that a policy chose would have saved, had an assumption been another.

The choices stay as they are, so that an amount is a straight line in each assumption and the
intervals over days can be carried along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.panels.facts import Facts

End = Literal["estimate", "low", "high"]
HALF, DOUBLE = 0.5, 2.0
"""Ends of a price that nobody gave a range."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The escalations of one policy, of which every amount is made.

    Attributes
    ----------
    exposed : mapping of {"estimate", "low", "high"} to float
        Breach costs that they would prevent if each prevented its breach; 95 % interval over days,
        its ends those of the estimate where the days are too few for one.
    spent : float
        What they cost at the listed price.
    """

    exposed: Mapping[End, float]
    spent: float

    @classmethod
    def of(cls, facts: Facts, policy: str) -> Moved:
        """Read them from the backtest."""
        result, given = facts.result(policy), facts.assumptions
        spent = given.intervention * result["n_chosen"]
        rescued, effect = result["rescued_cost"], given.effectiveness
        if effect > 0:
            return cls({end: _or_estimate(rescued, end) / effect for end in _ENDS}, spent)
        # An effect of zero rescues nothing, but the upper end of its range does.
        most, high = given.effectiveness_high, result["net_saving_range"][1]
        exposed = (high + spent) / most if most > 0 else 0.0
        return cls(dict.fromkeys(_ENDS, exposed), spent)

    def net(
        self, effect: float, *, prices: float = 1.0, fee: float = 1.0, end: End = "estimate"
    ) -> float:
        """Net saving if the assumptions were these.

        Parameters
        ----------
        effect : float
            Share of the treated breaches that is prevented.
        prices, fee : float
            By what the costs of breaches, and that of an escalation, are multiplied.
        end : {"estimate", "low", "high"}
            Of the interval over days.
        """
        return effect * prices * self.exposed[end] - fee * self.spent


_ENDS: tuple[End, ...] = ("estimate", "low", "high")


def _or_estimate(interval: Mapping[str, Any], end: End) -> float:
    return float(interval["estimate"] if interval[end] is None else interval[end])
