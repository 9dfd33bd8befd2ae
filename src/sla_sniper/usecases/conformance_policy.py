"""Vectors about which policy covers a ticket, told as the product's own policies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.instants import SECOND_US, parse_instant
from sla_sniper.core.schema import EVENTS, TICKET_KEY, VALUE_COLUMNS
from sla_sniper.sla.conditions import OPERATORS, Condition, Conditions
from sla_sniper.sla.facts import read_facts
from sla_sniper.sla.matching import NO_POLICY, match
from sla_sniper.sla.policy import OFF, ServiceLevels, SlaPolicy, Target
from sla_sniper.sla.targets import allowances, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    Told = Mapping[str, Any]

_SOME_TIME: Final = datetime(2024, 1, 1, tzinfo=UTC)
_EVERY_TICKET: Final = "all"
"""Value of `blank_condition` with which a policy without conditions covers every ticket."""
_NEVER_TRUE: Final = Condition("ticket_id", "in", ())


def read_target(vector: Told) -> dict[str, Any]:
    """Name of the policy that covers the ticket, and its targets in seconds."""
    given = vector["input"]
    at = parse_instant(given["at"]) if "at" in given else _SOME_TIME
    told = sorted((each for each in given["policies"] if each.get("enabled", True)), key=_rank)
    event = _event(given["ticket"], at)
    policies = tuple(
        _policy(each, at, given.get("blank_condition", _EVERY_TICKET)) for each in told
    )
    levels = ServiceLevels({}, policies)
    facts = read_facts(event, levels, TICKET_KEY)
    place = int(match(event, facts, levels)[0])
    if place == NO_POLICY:
        return {"policy": None, "targets": {}}
    chosen = policies[place]
    seconds = {}
    for rule, name in zip(chosen.targets, told[place].get("clocks", {}), strict=True):
        found = allowances(event, facts, facts.first, policy=chosen.name, rule=rule)[0]
        allowed = table(rule)[found] if found >= 0 else OFF
        seconds[name] = allowed / SECOND_US if isinstance(allowed, int) and allowed else None
    return {"policy": chosen.name, "targets": seconds}


def _rank(told: Told) -> tuple[object, ...]:
    """Default last, then by order; of equals the narrower one, then by name."""
    order = told.get("order")
    is_default = bool(told.get("default", False))
    place = (1, 0) if order is None else (0, order)
    return (is_default, place, -len(told.get("when") or {}), told["name"])


def _policy(told: Told, at: datetime, blank: str) -> SlaPolicy:
    when = _conditions(told.get("when") or {})
    if when.is_empty and not told.get("default") and blank != _EVERY_TICKET:
        when = Conditions((_NEVER_TRUE,))
    clocks = told.get("clocks", {})
    targets = tuple(_target(versions, at) for versions in clocks.values())
    return SlaPolicy(told["name"], targets, when=when)


def _target(versions: list[Told] | Told, at: datetime) -> Target:
    """Targets of the version in force when the clock was applied."""
    listed: list[Told] = list(versions) if isinstance(versions, list) else [versions]
    in_force: Told = {}
    for version in sorted(listed, key=_since):
        if _since(version) <= at:
            in_force = version
    by_priority = {
        name: round((seconds or 0) * SECOND_US)
        for name, seconds in (in_force.get("by_priority") or {}).items()
    }
    seconds = in_force.get("target_seconds") or 0
    return Target("resolution_time", "", by_priority, round(seconds * SECOND_US))


def _since(version: Told) -> datetime:
    return parse_instant(version["from"]) if "from" in version else datetime.min.replace(tzinfo=UTC)


def _conditions(when: Told) -> Conditions:
    plain = [
        _condition(field, wanted) for field, wanted in when.items() if field not in {"all", "any"}
    ]
    all_of = [each for told in when.get("all") or () for each in _listed(told)]
    any_of = [_listed(told) for told in when.get("any") or ()]
    if any(len(told) != 1 for told in any_of):
        raise ValueError("an entry of `any` is one condition")
    return Conditions((*plain, *all_of), tuple(told[0] for told in any_of))


def _listed(told: Told) -> list[Condition]:
    """Conditions of an entry: ``field`` with an operator, or the short form ``{"a": 1}``."""
    if "field" not in told:
        return [_condition(field, wanted) for field, wanted in told.items()]
    wanted = {key: value for key, value in told.items() if key != "field"}
    return [_condition(told["field"], wanted)]


def _condition(field: str, wanted: object) -> Condition:
    operator, value = "is", wanted
    if isinstance(wanted, dict):
        named = [name for name in OPERATORS if name in wanted]
        operator = named[0] if named else wanted.get("op", "is")
        value = wanted[operator] if named else wanted.get("value")
    if isinstance(value, list):
        return Condition(field, _OF_LISTS.get(operator, operator), tuple(map(_text, value)))
    return Condition(field, operator, (_text(value),))


_OF_LISTS: Final = {"is": "in", "is_not": "not_in"}
"""What these mean where several values are given: any of them, none of them."""


def _event(ticket: Told, at: datetime) -> pl.DataFrame:
    """One `created` row with the ticket's values; lists become one text."""
    columns = {name: _text(ticket[name]) for name in VALUE_COLUMNS if ticket.get(name) is not None}
    kept = [
        {"key": name, "value": _text(value)}
        for name, value in ticket.items()
        if name not in VALUE_COLUMNS and value is not None
    ]
    row = dict.fromkeys(EVENTS) | columns | {"attributes": kept, "activity": "created"}
    row |= {"source": "vector", "ticket_id": "1", "occurred_at": at, "recorded_at": at}
    return pl.DataFrame([row], schema=dict(EVENTS), orient="row")


def _text(value: object) -> str:
    if isinstance(value, list):
        return json.dumps([_text(each) for each in value], ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
