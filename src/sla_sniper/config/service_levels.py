"""sla.toml: calendars, policies, costs and capacity, read into the parts that use them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field

from sla_sniper.config.calendars import CalendarSpec, read_calendars
from sla_sniper.config.contradictions import contradictions, without_effect
from sla_sniper.config.costs import (
    Capacity,
    CapacitySpec,
    CostsSpec,
    NoCostsError,
    kinds_of,
    slots_a_day,
)
from sla_sniper.config.documents import (
    Document,
    KeyProblemsError,
    Problem,
    Strict,
    open_document,
)
from sla_sniper.config.policies import PolicySpec, RepliesSpec, VoidSpec, in_order, remarks
from sla_sniper.sla.policy import ServiceLevels

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.escalation.staffing import Kind
    from sla_sniper.sla.calendar import Calendar


@dataclass(frozen=True, slots=True)
class SlaSettings:
    """What `sla.toml` says.

    Attributes
    ----------
    levels : ServiceLevels
        Calendars and policies.
    path : str
        The file.
    breach_costs : CostTable or None
        What a breach costs, where the file says it.
    capacity_per_day : int
        Tickets that can be escalated on one local date, all kinds of capacity together.
    has_effectiveness : bool
        Whether the file says how much an escalation helps.
    kinds : tuple of Kind
        Who can take which ticket, where ``[[capacity]]`` tells; empty where anybody can.
    examples : tuple of dict
        The tables of ``[[examples]]`` as they are in the file, for `sniper policy test`.
    notes : tuple of str
        What was accepted and is worth saying, a sentence each.
    """

    path: str
    levels: ServiceLevels
    breach_costs: CostTable | None
    capacity_per_day: int
    has_effectiveness: bool
    kinds: tuple[Kind, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def costs(self) -> CostTable:
        """Costs and effectiveness, for what is about money; see `require_costs`."""
        return self.require_costs()

    def require_prices(self) -> CostTable:
        """Insist on costs, with or without an effectiveness.

        Raises
        ------
        NoCostsError
            If the file has none.
        """
        if self.breach_costs is None:
            raise NoCostsError(self.path, "[costs]")
        return self.breach_costs

    def require_costs(self) -> CostTable:
        """Insist on costs and effectiveness.

        Raises
        ------
        NoCostsError
            If the file leaves either out.
        """
        costs = self.require_prices()
        if not self.has_effectiveness:
            raise NoCostsError(self.path, "effectiveness in [costs]")
        return costs

    @property
    def promise(self) -> str:
        """Fingerprint of all that changes a clock: what a model has learnt to forecast."""
        return sha256(repr(_without_warnings(self.levels)).encode()).hexdigest()[:16]

    @property
    def stakes(self) -> str:
        """Fingerprint of promise, costs and kinds: what a claim about money holds for."""
        told = f"{self.promise}{self.breach_costs!r}{self._kinds_told()}"
        return sha256(told.encode()).hexdigest()[:16]

    def _kinds_told(self) -> str:
        """Tell the kinds in one order; the order of a set is not the same in every process."""
        return "".join(
            f"{each.name}{each.amount}{sorted((k, sorted(v)) for k, v in each.when.items())}"
            f"{sorted(each.weekdays)}{each.opens}{each.closes}{sorted((each.effort or {}).items())}"
            f"{each.default_effort}"
            for each in self.kinds
        )

    @property
    def timezone(self) -> str:
        """Zone of the first calendar: the desk's own."""
        return next(iter(self.levels.calendars.values())).timezone

    @property
    def calendar(self) -> Calendar:
        """Calendar that the first policy's first target is counted in: the desk's own."""
        return self.levels.calendars[self.levels.policies[0].targets[0].calendars[-1]]


class _Calendars(Strict):
    model_config = ConfigDict(extra="ignore")

    calendars: Annotated[dict[str, CalendarSpec], Field(min_length=1)]


class _Document(_Calendars):
    model_config = ConfigDict(extra="forbid")

    policies: Annotated[tuple[PolicySpec, ...], Field(min_length=1)]
    costs: CostsSpec | None = None
    capacity: Capacity = CapacitySpec(per_day=50)
    replies: RepliesSpec = RepliesSpec()
    void: VoidSpec = VoidSpec()
    examples: tuple[dict[str, Any], ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Say what is accepted but probably not meant."""
        told = [
            f"calendars.{name}: {note}"
            for name, spec in self.calendars.items()
            for note in spec.notes()
        ]
        return (*told, *remarks(self.policies, self.replies))


def read_sla(path: Path) -> SlaSettings:
    """Read and check `sla.toml`.

    Raises
    ------
    ConfigurationError
        With every problem of the file, each with its line and key.
    """
    document = open_document(path)
    read, problems = document.parse(_Document)
    calendars, unusable = _calendars(document)
    document.refuse([*problems, *unusable, *contradictions(document.table)])
    if read is None:
        raise ValueError("A document that cannot be read has problems.")
    desk_zone = next(iter(calendars.values())).timezone
    policies = tuple(spec.policy(desk_zone) for spec in in_order(read.policies))
    return SlaSettings(
        path=str(path),
        levels=ServiceLevels(
            calendars,
            policies,
            read.replies.replies(),
            void=read.void.when,
            merged_into=read.void.merged_into,
        ),
        breach_costs=None if read.costs is None else read.costs.table(),
        capacity_per_day=slots_a_day(read.capacity),
        has_effectiveness=read.costs is not None and read.costs.effectiveness is not None,
        kinds=kinds_of(read.capacity),
        examples=read.examples,
        notes=(*read.notes(), *(each.sentence for each in without_effect(document.table))),
    )


def _calendars(document: Document) -> tuple[dict[str, Calendar], list[Problem]]:
    """Calendars of a file whose other sections may be wrong, and what is wrong between them."""
    read, _ = document.parse(_Calendars)
    if read is None:
        return {}, []
    try:
        return read_calendars(read.calendars, folder=document.path.parent), []
    except KeyProblemsError as error:
        told = [Problem.at(("calendars", *path), text) for path, text in error.problems]
        return {}, told


def _without_warnings(levels: ServiceLevels) -> ServiceLevels:
    """The same promise without its warnings, which change no clock."""
    policies = tuple(
        replace(policy, targets=tuple(replace(target, warn_at=()) for target in policy.targets))
        for policy in levels.policies
    )
    return replace(levels, policies=policies)
