"""[costs] and [capacity] of sla.toml, read into `escalation.costs`."""

from __future__ import annotations

from math import isfinite

from pydantic import Field, field_validator, model_validator

from sla_sniper.config.documents import Strict
from sla_sniper.config.values import duration_us
from sla_sniper.escalation.costs import CostTable, Effectiveness


class _Effectiveness(Strict):
    value: float
    low: float
    high: float
    falls_over: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> _Effectiveness:
        self.effectiveness()
        return self

    def effectiveness(self) -> Effectiveness:
        falls = None if self.falls_over is None else duration_us(self.falls_over)
        return Effectiveness(self.value, self.low, self.high, falls)


class CostsSpec(Strict):
    """[costs] as `sla.toml` writes it."""

    currency: str = "USD"
    by: str = "priority"
    breach: dict[str, float]
    intervention: float = Field(ge=0, allow_inf_nan=False)
    effectiveness: _Effectiveness

    @field_validator("breach")
    @classmethod
    def _breach(cls, value: dict[str, float]) -> dict[str, float]:
        if not value or any(not (isfinite(amount) and amount >= 0) for amount in value.values()):
            raise ValueError("breach costs are amounts of zero or more, at least one")
        return value

    @model_validator(mode="after")
    def _adds_up(self) -> CostsSpec:
        self.table()
        return self

    def table(self) -> CostTable:
        """Read it into the table of costs."""
        breach = dict(self.breach)
        default = breach.pop("default", None)
        return CostTable(
            currency=self.currency,
            by=self.by,
            breach=breach,
            default=default,
            intervention=self.intervention,
            effectiveness=self.effectiveness.effectiveness(),
        )


class CapacitySpec(Strict):
    """[capacity] as `sla.toml` writes it."""

    per_day: int = Field(50, ge=1)
