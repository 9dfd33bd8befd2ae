"""[costs] and [capacity] of sla.toml, read into `escalation.costs`."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from sla_sniper.config.documents import Strict
from sla_sniper.config.values import duration_us, span_seconds
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.limits import MOST_SLOTS
from sla_sniper.core.schema import METRICS, VALUE_COLUMNS
from sla_sniper.escalation.attainment import Contract
from sla_sniper.escalation.costs import CostTable, Effectiveness
from sla_sniper.escalation.staffing import FIELDS, Kind

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class NoCostsError(SlaSniperError):
    """A command about money, and a policy file that does not say what a breach costs."""

    exit_code: ClassVar[int] = 27

    def __init__(self, path: str, missing: str) -> None:
        super().__init__(path, missing)
        self.path, self.missing = path, missing

    def __str__(self) -> str:
        return (
            f"{self.path} has no {self.missing}, and this command is about money; write [costs] "
            "with your own figures for breach = { default = 50 }, intervention = 2 and "
            "effectiveness = { value = 0.5, low = 0.3, high = 0.7 }."
        )


class _Effectiveness(Strict):
    value: _Share
    low: _Share
    high: _Share
    falls_over: str | None = None
    point_of_no_return: str | None = None

    @field_validator("high")
    @classmethod
    def _ordered(cls, high: float, info: ValidationInfo) -> float:
        low, value = info.data.get("low", 0.0), info.data.get("value")
        if not low <= (high if value is None else value) <= high:
            told = f"low {low:g}, value {value:g}, high {high:g}" if value is not None else ""
            raise ValueError(f"must be low <= value <= high, got {told or f'{low:g} and {high:g}'}")
        return high

    @field_validator("falls_over", "point_of_no_return")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        if value is not None:
            duration_us(value)
        return value

    def effectiveness(self) -> Effectiveness:
        falls = None if self.falls_over is None else duration_us(self.falls_over)
        lost = 0 if self.point_of_no_return is None else duration_us(self.point_of_no_return)
        return Effectiveness(self.value, self.low, self.high, falls, lost)


class _Attainment(Strict):
    """One of [[costs.attainment]]: a credit that is due below a share of clocks met."""

    by: str
    period: Literal["week", "month", "quarter"]
    at_least: float = Field(gt=0, lt=1)
    credit: float = Field(gt=0, allow_inf_nan=False)
    metric: str | None = None
    accounts: tuple[str, ...] = ()

    @field_validator("by")
    @classmethod
    def _by(cls, value: str) -> str:
        if value not in VALUE_COLUMNS:
            raise ValueError(f"a contract goes by one of {', '.join(VALUE_COLUMNS)}")
        return value

    @field_validator("metric")
    @classmethod
    def _metric(cls, value: str | None) -> str | None:
        if value is not None and value not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}")
        return value

    def contract(self) -> Contract:
        return Contract(**self.model_dump())


class CostsSpec(Strict):
    """[costs] as `sla.toml` writes it.

    What is wrong in one key does not keep what is wrong in another from being told.
    """

    currency: str = "USD"
    by: str = "priority"
    breach: dict[str, float]
    intervention: float = Field(ge=0, allow_inf_nan=False)
    effectiveness: _Effectiveness | None = None
    attainment: tuple[_Attainment, ...] = ()

    @field_validator("breach")
    @classmethod
    def _breach(cls, value: dict[str, float]) -> dict[str, float]:
        if not value or any(not (isfinite(amount) and amount >= 0) for amount in value.values()):
            raise ValueError("breach costs are amounts of zero or more, at least one")
        if "default" not in value and not any(value.values()):
            raise ValueError("every breach would be free; list a positive cost, or a default")
        return value

    def table(self) -> CostTable:
        """Read it into the table of costs; without an effectiveness it prices breaches only."""
        breach = dict(self.breach)
        default = breach.pop("default", None)
        table = CostTable(
            currency=self.currency,
            by=self.by,
            breach=breach,
            default=default,
            intervention=self.intervention,
            attainment=tuple(each.contract() for each in self.attainment),
        )
        if self.effectiveness is None:
            return table
        return replace(table, effectiveness=self.effectiveness.effectiveness())


class CapacitySpec(Strict):
    """[capacity] as `sla.toml` writes it: so many tickets a day, whoever takes them."""

    per_day: int = Field(50, ge=1, le=MOST_SLOTS)


class KindSpec(Strict):
    """One of [[capacity]]: a group, shift or skill with its tickets or minutes a day.

    What is wrong in one key does not keep what is wrong in another from being told.
    """

    name: str
    per_day: int | None = Field(None, ge=0, le=MOST_SLOTS)
    minutes: float | None = Field(None, ge=0, allow_inf_nan=False, validate_default=True)
    effort: float | dict[str, float] | None = Field(None, validate_default=True)
    when: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    days: tuple[Weekday, ...] = ()
    hours: str = "00:00-24:00"

    @field_validator("when")
    @classmethod
    def _when(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if unknown := [name for name in value if name not in FIELDS]:
            raise ValueError(f"capacity can depend on {', '.join(FIELDS)}, not on {unknown[0]!r}")
        return value

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        begin, end = span_seconds(value)
        if end < begin:
            raise ValueError("a shift cannot run past midnight; write two")
        return value

    @field_validator("minutes")
    @classmethod
    def _one_unit(cls, value: float | None, info: ValidationInfo) -> float | None:
        if "per_day" in info.data and (info.data["per_day"] is None) == (value is None):
            raise ValueError("give either per_day (tickets) or minutes")
        return value

    @field_validator("effort")
    @classmethod
    def _effort(
        cls, value: float | dict[str, float] | None, info: ValidationInfo
    ) -> float | dict[str, float] | None:
        if "minutes" in info.data and (info.data["minutes"] is None) != (value is None):
            raise ValueError("minutes need effort, the minutes that a ticket takes; tickets do not")
        each = value.values() if isinstance(value, dict) else () if value is None else (value,)
        if value == {} or not all(0 < minutes < inf for minutes in each):
            raise ValueError("effort is in minutes, more than zero")
        return value

    def kind(self) -> Kind:
        """Read it into the kind that the decision uses."""
        efforts = self._efforts()
        default = efforts.pop("default", max(efforts.values(), default=1.0))
        opens, closes = span_seconds(self.hours)
        return Kind(
            name=self.name,
            amount=float(self.minutes if self.per_day is None else self.per_day),  # type: ignore[arg-type]
            when={name: frozenset(values) for name, values in self.when.items()},
            weekdays=frozenset(WEEKDAYS.index(day) + 1 for day in self.days),
            opens=opens,
            closes=closes,
            effort=efforts,
            default_effort=default,
        )

    def most(self) -> int:
        """Tickets that it could take in a day at the very most."""
        least = min(self._efforts().values(), default=1.0)
        return int((self.minutes or 0) // least) if self.per_day is None else self.per_day

    def _efforts(self) -> dict[str, float]:
        if isinstance(self.effort, dict):
            return dict(self.effort)
        return {} if self.effort is None else {"default": self.effort}


def _shape(value: object) -> str:
    return "kinds" if isinstance(value, list | tuple) else "plain"


Capacity = Annotated[
    Annotated[tuple[KindSpec, ...], Field(min_length=1), Tag("kinds")]
    | Annotated[CapacitySpec, Tag("plain")],
    Discriminator(_shape),
]
"""``[capacity]`` or ``[[capacity]]``."""


def slots_a_day(spec: CapacitySpec | tuple[KindSpec, ...]) -> int:
    """Tickets that can be escalated on one local date, all kinds together."""
    if isinstance(spec, CapacitySpec):
        return spec.per_day
    return min(MOST_SLOTS, max(1, sum(each.most() for each in spec)))


def kinds_of(spec: CapacitySpec | tuple[KindSpec, ...]) -> tuple[Kind, ...]:
    """Who can take which ticket; nothing where anybody can take any."""
    return () if isinstance(spec, CapacitySpec) else tuple(each.kind() for each in spec)
