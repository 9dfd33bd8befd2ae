"""What a breach costs, what an escalation costs, and how much an escalation helps.

Effectiveness is an assumption until an experiment has measured it: it is carried with its
own interval, and every amount of money computed from it names it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sla_sniper.escalation.attainment import Contract

SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class Effectiveness:
    """The share of escalated breaches that an escalation prevents.

    Attributes
    ----------
    value, low, high : float
        Best guess and its interval, each in [0, 1].
    falls_over_us : int or None
        Working microseconds before the deadline under which the effect falls in proportion
        to the slack that is left; None for an effect that never falls.
    point_of_no_return_us : int
        Working microseconds before the deadline below which nothing can be prevented any more:
        the least work or lag that is left, whatever is done. Zero for none.

    Examples
    --------
    >>> half = Effectiveness(0.5, 0.3, 0.7, falls_over_us=100)
    >>> half.at(np.array([400, 50, 0]))
    array([0.5 , 0.25, 0.  ])
    """

    value: float
    low: float
    high: float
    falls_over_us: int | None = None
    point_of_no_return_us: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high <= 1:
            raise ValueError(
                "Effectiveness needs 0 <= low <= value <= high <= 1, "
                f"got low {self.low}, value {self.value}, high {self.high}."
            )
        if self.falls_over_us is not None and self.falls_over_us <= 0:
            raise ValueError(
                f"effectiveness.falls_over must be longer than zero, got {self.falls_over_us} us."
            )
        if self.point_of_no_return_us < 0:
            raise ValueError(
                "effectiveness.point_of_no_return must be zero or longer, "
                f"got {self.point_of_no_return_us} us."
            )

    def shape(self, slack_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Part of the full effect that is left at a slack, in [0, 1]; same shape as given."""
        can_help = slack_us >= self.point_of_no_return_us
        if self.falls_over_us is None:
            return can_help.astype(np.float64)
        return np.clip(slack_us / self.falls_over_us, 0.0, 1.0) * can_help

    def at(self, slack_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of breaches prevented at a working slack, in [0, `value`]."""
        return self.value * self.shape(slack_us)


@dataclass(frozen=True, slots=True)
class CostTable:
    """What is at stake, in one currency.

    Attributes
    ----------
    currency : str
        ISO 4217 code; it only labels amounts.
    by : str
        Column whose value selects the cost of a breach.
    breach : mapping of str to float
        Cost of one breach for each value of `by`, zero or more.
    default : float or None
        Cost for a value that `breach` does not list. None: the lowest listed positive cost,
        so that an unknown value is never worth nothing by accident and never outranks a
        known one.
    intervention : float
        Cost of one escalation, zero or more.
    effectiveness : Effectiveness
        The assumed effect of an escalation.
    attainment : tuple of Contract
        Contracts whose credit a breach puts at risk, on top of its own cost.

    Examples
    --------
    >>> costs = CostTable("USD", breach={"high": 200, "low": 10}, intervention=2)
    >>> costs.breach_cost(pl.DataFrame({"priority": ["high", "P9", None]})).to_list()
    [200.0, 10.0, 10.0]
    >>> costs.unpriced(pl.DataFrame({"priority": ["high", "P9", None]})).rows()
    [(None, 1), ('P9', 1)]
    """

    currency: str
    breach: Mapping[str, float]
    by: str = "priority"
    default: float | None = None
    intervention: float = 0.0
    effectiveness: Effectiveness = field(default_factory=lambda: Effectiveness(0.5, 0.3, 0.7))
    attainment: tuple[Contract, ...] = ()

    def __post_init__(self) -> None:
        named = {f"breach.{value}": cost for value, cost in self.breach.items()}
        named["intervention"] = self.intervention
        if self.default is not None:
            named["default"] = self.default
        wrong = [f"{name} = {cost}" for name, cost in named.items() if not 0 <= cost < math.inf]
        if wrong:
            raise ValueError(f"A cost must be a number of zero or more, got {', '.join(wrong)}.")
        if self.default is None and not any(self.breach.values()):
            raise ValueError(
                "The cost table lists no positive breach cost and no default; "
                "every breach would be free."
            )

    @property
    def fallback(self) -> float:
        """Cost of a value that the table does not list."""
        if self.default is not None:
            return float(self.default)
        return float(min(cost for cost in self.breach.values() if cost > 0))

    def breach_cost(self, frame: pl.DataFrame) -> pl.Series:
        """Cost of a breach for each row of `frame`: a Float64 series named ``cost``."""
        return frame.select(
            self._key(frame)
            .replace_strict(dict(self.breach), default=self.fallback, return_dtype=pl.Float64)
            .alias("cost")
        ).to_series()

    def unpriced(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the values that the table does not list, as ``value, n_rows``, most first."""
        value = self._key(frame)
        unlisted = value.is_null() | ~value.is_in(list(self.breach))
        return (
            frame.filter(unlisted)
            .group_by(value.alias("value"))
            .agg(pl.len().cast(pl.Int64).alias("n_rows"))
            .sort("n_rows", "value", descending=[True, False])
        )

    def _key(self, frame: pl.DataFrame) -> pl.Expr:
        if self.by not in frame.columns:
            raise ValueError(
                f"Costs are set by {self.by!r}, but the tickets have no such column; "
                f"they have {', '.join(frame.columns)}."
            )
        return pl.col(self.by).cast(pl.String)


def money(amount: float, currency: str = "USD") -> str:
    """Write an amount as one piece of text, without cents.

    Examples
    --------
    >>> money(-1075.4), money(20, "CHF")
    ('-$1,075', 'CHF 20')
    """
    whole = round(amount)
    sign = "-" if whole < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{abs(whole):,}"
