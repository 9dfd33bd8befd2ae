"""What amounts of money stand on, as values and in the one wording that every surface uses.

A figure that names one of its assumptions and keeps quiet about another is worse than a figure
without any: so there is one function for the whole sentence, and one for a caption.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from sla_sniper.core.instants import HOUR_US, SECOND_US
from sla_sniper.escalation.costs import money
from sla_sniper.escalation.replay import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.escalation.attainment import Contract
    from sla_sniper.escalation.costs import CostTable

CENSORING: Final = "A clock whose end is not known counts as not breached."
RELEASE: Final = (
    "A day's slots are released evenly over its landmarks, unused ones carry on through the day; "
    "a ticket is escalated at most once. sniper holds slots back for better tickets of the same "
    "day at the capacities where that saved more on training days: `held_back` lists them."
)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the amounts of money stand on.

    Attributes
    ----------
    currency, intervention, breach, unlisted_breach : str, float, dict, float
        The cost table; `unlisted_breach` is the cost of a value that it does not list.
    effectiveness, effectiveness_low, effectiveness_high : float
        Assumed share of escalated breaches that are prevented; not measured.
    falls_over_us : int or None
        Slack below which it falls, in working microseconds.
    n_resamples, n_seeds : int
        Of the bootstrap over days; of ``random``.
    point_of_no_return_us : int
        Slack below which nothing is prevented, in working microseconds; zero for none.
    contracts : tuple of str
        Contracts on attainment, a few words each: their credits rank tickets, and are in no
        saving or total.
    limits, censoring, release : str
        What replay cannot show, what an open end counts as, when slots may be used.
    """

    currency: str
    intervention: float
    breach: dict[str, float]
    unlisted_breach: float
    effectiveness: float
    effectiveness_low: float
    effectiveness_high: float
    falls_over_us: int | None
    n_resamples: int
    n_seeds: int
    point_of_no_return_us: int = 0
    contracts: tuple[str, ...] = ()
    limits: str = LIMITS
    censoring: str = CENSORING
    release: str = RELEASE

    @classmethod
    def of(cls, costs: CostTable, *, n_resamples: int, n_seeds: int) -> Self:
        """Read them from a cost table."""
        effect = costs.effectiveness
        return cls(
            currency=costs.currency,
            intervention=costs.intervention,
            breach=dict(costs.breach),
            unlisted_breach=costs.fallback,
            effectiveness=effect.value,
            effectiveness_low=effect.low,
            effectiveness_high=effect.high,
            falls_over_us=effect.falls_over_us,
            point_of_no_return_us=effect.point_of_no_return_us,
            contracts=tuple(_promise(contract, costs.currency) for contract in costs.attainment),
            n_resamples=n_resamples,
            n_seeds=n_seeds,
        )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read them from the JSON object that a backtest has kept."""
        known = [field.name for field in fields(cls) if field.name in stored]
        return cls(**{name: stored[name] for name in known})


def assumed(given: Assumptions) -> str:
    """Word everything that an amount of money stands on, in sentences.

    Examples
    --------
    >>> from sla_sniper.escalation import CostTable
    >>> costs = CostTable("USD", {"high": 200}, intervention=2.5)
    >>> print(assumed(Assumptions.of(costs, n_resamples=1000, n_seeds=30)))
    Assumes that an escalation prevents 50 % [30 %, 70 %] of the breaches it treats and costs \
$2.50; that share is an input, not a measurement.
    """
    bounds = f"[{_percent(given.effectiveness_low)}, {_percent(given.effectiveness_high)}]"
    falls, ends = given.falls_over_us, given.point_of_no_return_us
    less = [] if falls is None else [f"in proportion less under {_span(falls)} of working time"]
    none = [f"none under {_span(ends)} of working time"] if ends else []
    limits = "".join(f", {limit}" for limit in (*less, *none))
    credits_told = (
        f" Credits under contracts on attainment ({'; '.join(given.contracts)}) rank tickets, but "
        "are in no saving, total or projection: several breaches risk one and the same credit."
        if given.contracts
        else ""
    )
    return (
        f"Assumes that an escalation prevents {_percent(given.effectiveness)} {bounds} of the "
        f"breaches it treats{limits}{',' if limits else ''} and costs {_fee(given)}; that share "
        f"is an input, not a measurement.{credits_told}"
    )


def assumed_briefly(given: Assumptions) -> str:
    """Word the same for the caption of a figure.

    Examples
    --------
    >>> from sla_sniper.escalation import CostTable, Effectiveness
    >>> late = Effectiveness(0.5, 0.3, 0.7, point_of_no_return_us=2 * HOUR_US)
    >>> costs = CostTable("USD", {"high": 200}, intervention=2, effectiveness=late)
    >>> assumed_briefly(Assumptions.of(costs, n_resamples=1000, n_seeds=30))
    '50 % effectiveness (none under 2 h), $2 an escalation'
    """
    without = ", no credits counted" if given.contracts else ""
    return f"{effect_assumed(given)}, {_fee(given)} an escalation{without}"


def effect_assumed(given: Assumptions) -> str:
    """Word the effectiveness alone, with the working time under which it falls and ends."""
    falls, ends = given.falls_over_us, given.point_of_no_return_us
    less = [] if falls is None else [f"less under {_span(falls)}"]
    limits = ", ".join([*less, *([f"none under {_span(ends)}"] if ends else [])])
    return f"{_percent(given.effectiveness)} effectiveness{f' ({limits})' if limits else ''}"


def price(amount: float, currency: str) -> str:
    """Write a price, with cents where it has some.

    Examples
    --------
    >>> price(2.0, "USD"), price(2.5, "USD")
    ('$2', '$2.50')
    """
    whole, rest = divmod(round(100 * amount), 100)
    return money(whole, currency) + (f".{rest:02}" if rest else "")


def _fee(given: Assumptions) -> str:
    return price(given.intervention, given.currency)


def _promise(contract: Contract, currency: str) -> str:
    whose = ", ".join(contract.accounts) or f"each {contract.by}"
    what = "clocks" if contract.metric is None else f"clocks of {contract.metric}"
    return (
        f"{money(contract.credit, currency)} to {whose} under {_percent(contract.at_least)} of "
        f"{what} met in a {contract.period}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _span(us: int) -> str:
    return f"{us / HOUR_US:.3g} h" if us >= HOUR_US else f"{us / (60 * SECOND_US):.3g} min"
