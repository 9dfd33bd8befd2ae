"""[costs] and [capacity] of sla.toml, read into `escalation.costs`."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from sla_sniper.config.documents import Strict
from sla_sniper.config.values import duration_us
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.escalation.costs import CostTable, Effectiveness

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

    @field_validator("high")
    @classmethod
    def _ordered(cls, high: float, info: ValidationInfo) -> float:
        low, value = info.data.get("low", 0.0), info.data.get("value")
        if not low <= (high if value is None else value) <= high:
            told = f"low {low:g}, value {value:g}, high {high:g}" if value is not None else ""
            raise ValueError(f"must be low <= value <= high, got {told or f'{low:g} and {high:g}'}")
        return high

    @field_validator("falls_over")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        if value is not None:
            duration_us(value)
        return value

    def effectiveness(self) -> Effectiveness:
        falls = None if self.falls_over is None else duration_us(self.falls_over)
        return Effectiveness(self.value, self.low, self.high, falls)


class CostsSpec(Strict):
    """[costs] as `sla.toml` writes it.

    What is wrong in one key does not keep what is wrong in another from being told.
    """

    currency: str = "USD"
    by: str = "priority"
    breach: dict[str, float]
    intervention: float = Field(ge=0, allow_inf_nan=False)
    effectiveness: _Effectiveness | None = None

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
        )
        if self.effectiveness is None:
            return table
        return replace(table, effectiveness=self.effectiveness.effectiveness())


class CapacitySpec(Strict):
    """[capacity] as `sla.toml` writes it."""

    per_day: int = Field(50, ge=1)
