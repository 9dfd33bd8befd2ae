"""sla.toml: calendars, policies, costs and capacity, read into the parts that use them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from sla_sniper.config.calendars import CalendarSpec
from sla_sniper.config.documents import Strict, read_document
from sla_sniper.config.values import Moment, duration_us, instant
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.schema import STATUSES
from sla_sniper.escalation.costs import CostTable, Effectiveness
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.policy import OPERATORS, Condition, ServiceLevels, SlaPolicy, Target

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class SlaSettings:
    """What `sla.toml` says."""

    levels: ServiceLevels
    costs: CostTable
    capacity_per_day: int

    @property
    def promise(self) -> str:
        """Fingerprint of calendars and policies: what a model has learnt to forecast."""
        return sha256(repr(self.levels).encode()).hexdigest()[:16]

    @property
    def stakes(self) -> str:
        """Fingerprint of promise and costs: what a claim about money holds for."""
        return sha256(f"{self.promise}{self.costs!r}".encode()).hexdigest()[:16]

    @property
    def timezone(self) -> str:
        """Zone of the first calendar: the desk's own."""
        return next(iter(self.levels.calendars.values())).timezone

    @property
    def calendar(self) -> Calendar:
        """Calendar that the first policy's first target is counted in: the desk's own."""
        return self.levels.calendars[self.levels.policies[0].targets[0].calendar]


def read_sla(path: Path) -> SlaSettings:
    """Read and check `sla.toml`.

    Raises
    ------
    ConfigurationError
        With every problem of the file.
    """
    document = read_document(path, _Document)
    problems = document.problems()
    if problems:
        raise ConfigurationError(str(path), tuple(problems))
    calendars = {name: spec.calendar(name) for name, spec in document.calendars.items()}
    closed = [name for name, calendar in calendars.items() if not calendar.is_ever_open()]
    if closed:
        told = (f"calendars.{name}: its holidays leave it never open" for name in closed)
        raise ConfigurationError(str(path), tuple(told))
    desk_zone = next(iter(calendars.values())).timezone
    ordered = sorted(enumerate(document.policies), key=lambda pair: pair[1].rank(pair[0]))
    policies = tuple(spec.policy(desk_zone) for _, spec in ordered if spec.enabled)
    return SlaSettings(
        ServiceLevels(calendars, policies), document.costs.table(), document.capacity.per_day
    )


class _Target(Strict):
    metric: Literal["resolution_time"]
    calendar: str
    target: dict[str, str] | str
    pause_in: tuple[str, ...] = ()
    on_reopen: Literal["exclude", "count", "restart", "final"] = "exclude"
    on_priority_change: Literal["recompute", "restart", "keep"] = "recompute"

    @field_validator("metric", mode="before")
    @classmethod
    def _metric(cls, value: Any) -> Any:  # noqa: ANN401
        if value != "resolution_time":
            raise ValueError("this version times resolution_time")
        return value

    @field_validator("target")
    @classmethod
    def _target(cls, value: dict[str, str] | str) -> dict[str, str] | str:
        if value == "vendor":
            return value
        if isinstance(value, str):
            value = {"default": value}
        if not value:
            raise ValueError("a target needs at least one priority, or a default")
        for text in value.values():
            duration_us(text)
        return value

    @field_validator("pause_in")
    @classmethod
    def _statuses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in STATUSES]
        if unknown:
            raise ValueError(f"no status is called {unknown[0]!r}; known are {', '.join(STATUSES)}")
        return value

    def rule(self) -> Target:
        allowed = {} if isinstance(self.target, str) else dict(self.target)
        durations = {name: duration_us(text) for name, text in allowed.items()}
        return Target(
            metric=self.metric,
            calendar=self.calendar,
            default=durations.pop("default", None),
            by_priority=durations,
            is_vendor=self.target == "vendor",
            pause_in=self.pause_in,
            on_reopen=self.on_reopen,
            on_priority_change=self.on_priority_change,
        )


class _Condition(Strict):
    field: str
    is_: str | None = Field(None, alias="is")
    is_not: str | None = None
    in_: tuple[str, ...] | None = Field(None, alias="in")
    not_in: tuple[str, ...] | None = None
    contains: str | None = None
    contains_not: str | None = None
    lt: float | None = None
    gt: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no condition")  # noqa: TRY004 - a user's value
        unknown = [key for key in value if key not in {"field", *OPERATORS}]
        if unknown:
            near = get_close_matches(unknown[0], ("field", *OPERATORS), n=1, cutoff=0.0)
            raise ValueError(f"unknown key {unknown[0]!r} (did you mean {near[0]!r}?)")
        return value

    @model_validator(mode="after")
    def _one(self) -> _Condition:
        if len(self.model_fields_set) != 2:  # noqa: PLR2004
            raise ValueError(f"a condition is a field and one of {', '.join(OPERATORS)}")
        return self

    def condition(self) -> Condition:
        (name,) = self.model_fields_set - {"field"}
        value = getattr(self, name)
        values = value if isinstance(value, tuple) else (str(value),)
        return Condition(self.field, name.removesuffix("_"), values)


class _Policy(Strict):
    name: str
    targets: tuple[_Target, ...] = Field(min_length=1)
    when: dict[str, Any] = Field(default_factory=dict)
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    order: int | None = None
    default: bool = False
    enabled: bool = True

    @field_validator("when")
    @classmethod
    def _when(cls, value: dict[str, Any]) -> dict[str, Any]:
        _conditions(value)
        return value

    def rank(self, position: int) -> tuple[bool, float, int]:
        """Place in the order in which policies are tried; the default comes last."""
        return self.default, position if self.order is None else self.order, position

    def policy(self, timezone: str) -> SlaPolicy:
        all_of, any_of = _conditions(self.when)
        since, until = (
            None if moment is None else instant(moment, timezone=timezone)
            for moment in (self.valid_from, self.valid_to)
        )
        return SlaPolicy(
            name=self.name,
            targets=tuple(target.rule() for target in self.targets),
            all_of=all_of,
            any_of=any_of,
            valid_from=since,
            valid_to=until,
        )


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


class _Costs(Strict):
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
    def _adds_up(self) -> _Costs:
        self.table()
        return self

    def table(self) -> CostTable:
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


class _Capacity(Strict):
    per_day: int = Field(50, ge=1)


class _Document(Strict):
    calendars: dict[str, CalendarSpec] = Field(min_length=1)
    policies: tuple[_Policy, ...] = Field(min_length=1)
    costs: _Costs
    capacity: _Capacity = _Capacity(per_day=50)

    def problems(self) -> list[str]:
        """Contradictions between the sections."""
        names = [policy.name for policy in self.policies]
        problems = [f"two policies are called {n!r}" for n in set(names) if names.count(n) > 1]
        problems += [
            f"policy {policy.name!r} times {metric} twice; write two policies instead"
            for policy in self.policies
            for metric in {target.metric for target in policy.targets}
            if [target.metric for target in policy.targets].count(metric) > 1
        ]
        if sum(policy.default for policy in self.policies) > 1:
            problems.append("only one policy may be the default")
        if not any(policy.enabled for policy in self.policies):
            problems.append("no policy is enabled")
        for policy in self.policies:
            problems += self._missing(policy)
        return problems

    def _missing(self, policy: _Policy) -> list[str]:
        problems = []
        for target in policy.targets:
            where = f"policy {policy.name!r}, {target.metric}"
            if target.calendar not in self.calendars:
                known = ", ".join(self.calendars)
                problems.append(f"{where}: no calendar is called {target.calendar!r}, only {known}")
            wanted = policy.when.get("priority", [])
            allowed = target.target if isinstance(target.target, dict) else {"default": ""}
            problems += [
                f"{where}: priority {name!r} has no target; add it or a default"
                for name in map(str, wanted if isinstance(wanted, list) else [wanted])
                if name not in allowed and "default" not in allowed
            ]
        return problems


def _conditions(when: dict[str, Any]) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Read `when`: ``field = values`` for each, or lists `all` and `any` of conditions."""
    found: dict[str, tuple[Condition, ...]] = {}
    for name in ("all", "any"):
        listed = when.get(name, [])
        if not isinstance(listed, list):
            raise ValueError(f"{name} is a list of conditions")  # noqa: TRY004 - a user's value
        found[name] = tuple(_Condition.model_validate(each).condition() for each in listed)
    plain = tuple(
        Condition(name, "in", tuple(map(str, value if isinstance(value, list) else [value])))
        for name, value in when.items()
        if name not in {"all", "any"}
    )
    return (*plain, *found["all"]), found["any"]
