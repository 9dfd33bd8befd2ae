"""The four figures of a replay: each with its interval, its assumption and its simplest rival."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_sniper.core.words import count, percent
from sla_sniper.escalation.assumptions import assumed_briefly, effect_assumed
from sla_sniper.escalation.costs import money
from sla_sniper.panels.words import DASH, amounts, between, money_or_dash, times

if TYPE_CHECKING:
    from sla_sniper.escalation.assumptions import Assumptions
    from sla_sniper.escalation.results import PolicyResult
    from sla_sniper.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that nobody may read alone.

    Attributes
    ----------
    key : str
        Its stable name, for a page's markup.
    label, value : str
        What it is; the number with its unit.
    interval : str
        The 95 % interval over days, in words.
    assumption : str
        What it stands on.
    rival : str
        What the simplest alternative would have come to.
    """

    key: str
    label: str
    value: str
    interval: str
    assumption: str
    rival: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The policy that the list is ranked by, the simplest one it has to beat, and the stakes.

    Attributes
    ----------
    chosen, rival : PolicyResult
        Both at the same capacity.
    prevented : Interval
        Breaches that `chosen` prevented, with their interval over days.
    assumptions : Assumptions
        Effectiveness and the cost of an escalation.
    """

    chosen: PolicyResult
    rival: PolicyResult
    prevented: Interval
    assumptions: Assumptions

    @property
    def currency(self) -> str:
        """Currency of every amount."""
        return self.assumptions.currency

    @property
    def is_free(self) -> bool:
        """Whether an escalation costs nothing, so that there is no return on it."""
        return self.assumptions.intervention == 0


def figures(compared: Compared) -> tuple[Figure, ...]:
    """Return net saving, breaches prevented, return and break-even effectiveness."""
    return (
        _net_saving(compared),
        _prevented(compared),
        _return(compared),
        _break_even(compared),
    )


def _net_saving(compared: Compared) -> Figure:
    chosen, currency = compared.chosen, compared.currency
    low, high = (money_or_dash(amount, currency) for amount in chosen.net_saving_range)
    return Figure(
        key="net-saving",
        label="Net saving",
        value=money_or_dash(chosen.net_saving.estimate, currency),
        interval=_interval(amounts(chosen.net_saving, currency), chosen.net_saving),
        assumption=(
            f"Assumes {assumed_briefly(compared.assumptions)}; "
            f"{between(low, high)} at {_range(compared)}"
        ),
        rival=_rival(compared, money_or_dash(compared.rival.net_saving.estimate, currency)),
    )


def _prevented(compared: Compared) -> Figure:
    chosen, prevented, stakes = compared.chosen, compared.prevented, compared.assumptions
    caught = f"{count(chosen.breaches_caught)} caught in {count(chosen.n_chosen, 'escalation')}"
    share = stakes.effectiveness
    low, high = (
        count(prevented.estimate * bound / share if share else 0)
        for bound in (stakes.effectiveness_low, stakes.effectiveness_high)
    )
    return Figure(
        key="prevented",
        label="Breaches prevented",
        value=count(prevented.estimate),
        interval=_interval(
            between(count_or_dash(prevented.low), count_or_dash(prevented.high)), prevented
        ),
        assumption=f"{caught}; {between(low, high)} prevented at {_range(compared)}",
        rival=_rival(compared, count(compared.rival.breaches_prevented)),
    )


def _return(compared: Compared) -> Figure:
    roi, rival = compared.chosen.roi, compared.rival.roi
    one = money(1, compared.currency)
    if compared.is_free:
        value, interval, against = "no cost", "an escalation costs nothing here", "no cost either"
    else:
        value, against = f"{times(roi.estimate)} : 1", f"{times(rival.estimate)} : 1"
        interval = _interval(between(times(roi.low), times(roi.high)), roi)
    return Figure(
        key="return",
        label="Return on investment",
        value=value,
        interval=interval,
        assumption=f"Net saving for each {one} spent; {assumed_briefly(compared.assumptions)}",
        rival=_rival(compared, against),
    )


def _break_even(compared: Compared) -> Figure:
    needed, share = compared.chosen.break_even_effectiveness, compared.assumptions.effectiveness
    rival = compared.rival.break_even_effectiveness
    margin = ""
    if needed.estimate > 0:
        margin = f", {times(share / needed.estimate)} times this"
    return Figure(
        key="break-even",
        label="Break-even effectiveness",
        value=percent(needed.estimate),
        interval=_interval(between(percent(needed.low), percent(needed.high)), needed),
        assumption=(
            "Below it escalating loses money; assumed is "
            f"{effect_assumed(compared.assumptions)}{margin}"
        ),
        rival=_rival(compared, percent(rival.estimate)),
    )


def count_or_dash(number: float) -> str:
    """Write a count, or a dash where it is undefined."""
    return count(number) if math.isfinite(number) else DASH


def _interval(bounds: str, interval: Interval) -> str:
    if not math.isfinite(interval.low):
        return "no interval: nothing to resample"
    return f"95 % interval {bounds}"


def _range(compared: Compared) -> str:
    stakes = compared.assumptions
    return between(percent(stakes.effectiveness_low), percent(stakes.effectiveness_high))


def _rival(compared: Compared, value: str) -> str:
    return f"Simplest rival, {compared.rival.policy}: {value}"
