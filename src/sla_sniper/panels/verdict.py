"""The honesty gate's verdict as a banner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_sniper.core.words import count
from sla_sniper.escalation.costs import money

if TYPE_CHECKING:
    from sla_sniper.escalation.gate import Verdict


@dataclass(frozen=True, slots=True)
class Banner:
    """What may be claimed, and why.

    Attributes
    ----------
    is_claimed : bool
        Whether an advantage of the model is claimed.
    headline, detail : str
        The claim in one sentence; what it rests on.
    """

    is_claimed: bool
    headline: str
    detail: str


def verdict_banner(verdict: Verdict, currency: str, *, listed_by: str = "") -> Banner:
    """Word the verdict at one capacity.

    Parameters
    ----------
    verdict : Verdict
        What the gate lets the product say.
    currency : str
        Of the difference.
    listed_by : str
        Policy that ranks the list that is shown; empty where there is none.
    """
    so = "the list is ranked by" if listed_by == verdict.policy else "rank by"
    if verdict.advantage.claimed:
        return Banner(
            is_claimed=True,
            headline=verdict.sentence,
            detail=f"The whole 95 % interval, paired over {count(verdict.n_days, 'day')}, is above "
            f"zero, so {so} sniper. {_chosen(verdict)}",
        )
    rule = verdict.advantage.rule
    return Banner(
        is_claimed=False,
        headline=f"No measurable advantage over {rule} at {verdict.advantage.capacity} a day: "
        f"{so} {rule}",
        detail=" ".join(
            filter(None, (_difference(verdict, currency), _chosen(verdict), _caveat(verdict)))
        ),
    )


def _difference(verdict: Verdict, currency: str) -> str:
    advantage = verdict.advantage
    gain = money(advantage.difference, currency)
    if math.isnan(advantage.low):
        days = f"{count(verdict.n_days, 'day')} {'is' if verdict.n_days == 1 else 'are'}"
        return f"sniper minus {advantage.rule} is {gain}; {days} too few to tell."
    low, high = (money(bound, currency) for bound in (advantage.low, advantage.high))
    return (
        f"sniper minus {advantage.rule} is {gain}; its 95 % interval, paired over "
        f"{count(verdict.n_days, 'day')}, is {low} to {high}"
        f"{verdict.withheld and f'; {verdict.withheld}'}."
    )


def _chosen(verdict: Verdict) -> str:
    return f"{verdict.advantage.rule} is the best simple rule on the {verdict.chosen_on}."


def _caveat(verdict: Verdict) -> str:
    return verdict.caveat and f"{verdict.caveat[0].upper()}{verdict.caveat[1:]}."
