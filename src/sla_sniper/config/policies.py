"""[[policies]], [replies] and [void] of sla.toml, read into `sla.policy`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, PlainValidator, StrictBool, StrictInt

from sla_sniper.config.conditions import read_conditions
from sla_sniper.config.documents import Strict
from sla_sniper.config.targets import Change, TargetSpec
from sla_sniper.config.values import Moment, instant
from sla_sniper.sla.conditions import EVERY_TICKET, Conditions
from sla_sniper.sla.policy import Replies, SlaPolicy

ROLES: Final = ("agent", "requester", "system")
"""Canonical values of `actor_role`; a log may have others."""

_Conditions = Annotated[Conditions, PlainValidator(read_conditions)]


class PolicySpec(Strict):
    """One policy as `sla.toml` writes it."""

    name: Annotated[str, Field(min_length=1)]
    targets: Annotated[tuple[TargetSpec, ...], Field(min_length=1)]
    when: _Conditions = Conditions()
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    on_policy_change: Change = "recompute"
    order: StrictInt | None = None
    default: StrictBool = False
    enabled: StrictBool = True

    def rank(self, position: int) -> tuple[bool, float, int]:
        """Place in the order in which policies are tried; the default comes last."""
        return self.default, position if self.order is None else self.order, position

    def policy(self, timezone: str) -> SlaPolicy:
        """Read it into a policy; instants without an offset are in `timezone`."""
        since, until = (
            None if moment is None else instant(moment, timezone=timezone)
            for moment in (self.valid_from, self.valid_to)
        )
        return SlaPolicy(
            name=self.name,
            targets=tuple(target.rule() for target in self.targets),
            when=self.when,
            valid_from=since,
            valid_to=until,
            on_policy_change=self.on_policy_change,
        )

    def is_catch_all(self) -> bool:
        """Whether no policy after it is ever tried."""
        return self.when.is_empty and self.valid_from is None and self.valid_to is None


class RepliesSpec(Strict):
    """[replies]: which messages of the desk count as a reply."""

    roles: Annotated[tuple[str, ...], Field(min_length=1)] = ("agent",)
    notes: StrictBool = False
    unless: _Conditions = EVERY_TICKET

    def replies(self) -> Replies:
        """Read it into the rule of all clocks that wait for a reply."""
        return Replies(self.roles, self.notes, self.unless)


class VoidSpec(Strict):
    """[void]: tickets that leave every rate."""

    when: _Conditions = EVERY_TICKET
    merged_into: str = ""


def in_order(policies: tuple[PolicySpec, ...]) -> tuple[PolicySpec, ...]:
    """Return the policies that are on, in the order in which they are tried."""
    ranked = sorted(enumerate(policies), key=lambda pair: pair[1].rank(pair[0]))
    return tuple(policy for _, policy in ranked if policy.enabled)


def remarks(policies: tuple[PolicySpec, ...], replies: RepliesSpec) -> tuple[str, ...]:
    """Say what is accepted but probably not meant."""
    ordered = in_order(policies)
    covering = next((n for n, each in enumerate(ordered) if each.is_catch_all()), len(ordered))
    told = [
        f"policy {each.name!r} is never tried: {ordered[covering].name!r} before it covers "
        "every ticket"
        for each in ordered[covering + 1 :]
    ]
    told += [
        f"replies.roles: {role!r} is none of {', '.join(ROLES)}; it counts where the log says so"
        for role in replies.roles
        if role not in ROLES
    ]
    return tuple(told)
