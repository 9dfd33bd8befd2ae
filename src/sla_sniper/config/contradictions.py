"""What the sections of sla.toml say against each other.

Asked of the table as it is in the file, so that it is told together with what is wrong
inside single keys; a part that is not as it should be is left to those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sla_sniper.config.documents import Problem, key_name
from sla_sniper.config.values import instant
from sla_sniper.core.schema import METRICS, STOPPED_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from sla_sniper.config.positions import KeyPath

    Placed: TypeAlias = tuple[KeyPath, dict[str, Any]]

_REPLY: Final = ("first_reply_time", "next_reply_time", "periodic_update_time")
_OUTERMOST: Final = ("Pacific/Kiritimati", "Etc/GMT+12")
MEANT_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "include_first": ("next_reply_time",),
    "starts_at_creation": ("periodic_update_time",),
    "reset_by": ("periodic_update_time",),
    "until": ("periodic_update_time",),
    "reply_statuses": _REPLY,
    "on_close": (*_REPLY, "ownership_time"),
    "on_reopen": ("requester_wait_time", "agent_work_time", "resolution_time"),
}
"""Keys of a target that mean something for some metrics only."""


def contradictions(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what is wrong between keys.

    Examples
    --------
    >>> twice = [{"name": "all"}, {"name": "all"}]
    >>> next(contradictions({"policies": twice})).sentence
    "policies[2].name: policies[1] is called 'all' as well"
    """
    policies = [(("policies", n), policy) for n, policy in _tables(table.get("policies"))]
    yield from _repeated("name", "is called {!r} as well", policies)
    yield from _defaults(policies)
    if policies and all(policy.get("enabled") is False for _, policy in policies):
        yield Problem(("policies",), "no policy is enabled")
    for path, policy in policies:
        yield from _period(path, policy)
        targets = [((*path, "targets", n), each) for n, each in _tables(policy.get("targets"))]
        yield from _repeated("metric", "times {!r} as well; write two policies instead", targets)
        for where, target in targets:
            yield from _unknown_calendars(where, target, table.get("calendars"))
            yield from _without_target(where, target, policy.get("when"))
            yield from _both_ways(where, target)


def without_effect(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Find keys of targets that mean nothing where they are: accepted, and worth saying.

    Examples
    --------
    >>> target = {"metric": "resolution_time", "include_first": True}
    >>> next(without_effect({"policies": [{"targets": [target]}]})).path
    ('policies', 0, 'targets', 0, 'include_first')
    """
    for n, policy in _tables(table.get("policies")):
        for m, target in _tables(policy.get("targets")):
            yield from _meaningless(("policies", n, "targets", m), target)


def _tables(value: object) -> list[tuple[int, dict[str, Any]]]:
    listed = value if isinstance(value, list) else []
    return [(n, each) for n, each in enumerate(listed) if isinstance(each, dict)]


def _repeated(key: str, told: str, tables: Sequence[Placed]) -> Iterator[Problem]:
    first: dict[str, KeyPath] = {}
    for path, each in tables:
        value = each.get(key)
        if isinstance(value, str):
            if value in first:
                yield Problem.at((*path, key), f"{key_name(first[value])} {told.format(value)}")
            first.setdefault(value, path)


def _defaults(policies: Sequence[Placed]) -> Iterator[Problem]:
    paths = [path for path, policy in policies if policy.get("default") is True]
    for path in paths[1:]:
        told = f"only one policy may be the default, and {key_name(paths[0])} is"
        yield Problem.at((*path, "default"), told)


def _period(path: KeyPath, policy: dict[str, Any]) -> Iterator[Problem]:
    try:
        ends_early = [
            instant(policy["valid_to"], timezone=zone)
            <= instant(policy["valid_from"], timezone=zone)
            for zone in _OUTERMOST
        ]
    except (KeyError, ValueError):
        return
    if all(ends_early):
        yield Problem.at((*path, "valid_to"), "it ends before it begins, or at once")


def _unknown_calendars(path: KeyPath, target: dict[str, Any], known: object) -> Iterator[Problem]:
    names = list(known) if isinstance(known, dict) else []
    for below, name in _named(target.get("calendar")):
        if name not in names:
            told = f"no calendar is called {name!r}, only {', '.join(names) or 'none'}"
            yield Problem.at((*path, "calendar", *below), told)


def _named(calendar: object) -> Iterator[tuple[KeyPath, str]]:
    """Every name of a calendar, and where it stands below `calendar`."""
    if isinstance(calendar, str):
        yield (), calendar
    elif isinstance(calendar, dict):
        for key, value in calendar.items():
            yield from (((key, *below), name) for below, name in _named(value))


def _without_target(path: KeyPath, target: dict[str, Any], when: object) -> Iterator[Problem]:
    """Priorities that the policy asks for and the target does not know."""
    allowed = target.get("target")
    if not isinstance(allowed, dict) or {"default", "days"} & set(allowed):
        return
    wanted = when.get("priority", []) if isinstance(when, dict) else []
    for name in map(str, wanted if isinstance(wanted, list) else [wanted]):
        if name not in allowed:
            told = f"priority {name!r} has no target; add it or a default"
            yield Problem.at((*path, "target"), told)


def _meaningless(path: KeyPath, target: dict[str, Any]) -> Iterator[Problem]:
    metric = target.get("metric")
    if metric not in METRICS:
        return
    for key, metrics in MEANT_FOR.items():
        if key in target and metric not in metrics:
            told = f"it means nothing for {metric}, only for {', '.join(metrics)}; it has no effect"
            yield Problem.at((*path, key), told)
    if "on_leave" in target and target.get("start", "created") == "created":
        told = 'it means nothing for a clock that starts with the ticket; write start = "attached"'
        yield Problem.at((*path, "on_leave"), told)


def _both_ways(path: KeyPath, target: dict[str, Any]) -> Iterator[Problem]:
    """Statuses that would both pause and stop a clock."""
    pauses, stops = target.get("pause_in"), target.get("stop_in", [*STOPPED_STATUSES])
    if isinstance(pauses, list) and isinstance(stops, list):
        for name in pauses:
            if name in stops:
                told = f"{name!r} ends the work as well (stop_in); leave it out of one of the two"
                yield Problem.at((*path, "pause_in"), told)
