"""Where sla.toml names a field of tickets, so that a wrong name is told with its line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_sniper.config.positions import KeyPath


def named_fields(table: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Find every field that a rule in force looks at, and where the file names it.

    Parameters
    ----------
    table : mapping
        A document that `read_sla` accepts; policies that are not enabled are left out.

    Yields
    ------
    path : tuple of (str or int)
        The key.
    name : str
        The field; one that several rules look at comes several times.

    Examples
    --------
    >>> rules = {"policies": [{"when": {"all": [{"field": "site", "is": "Rome"}]}, "targets": []}]}
    >>> next(named_fields(rules))
    (('policies', 0, 'when', 'all', 0, 'field'), 'site')
    """
    void = table.get("void", {})
    yield from _asked(("void", "when"), void.get("when", {}))
    if void.get("merged_into"):
        yield ("void", "merged_into"), void["merged_into"]
    yield from _asked(("replies", "unless"), table.get("replies", {}).get("unless", {}))
    for n, policy in enumerate(table.get("policies", ())):
        if policy.get("enabled", True):
            yield from _of_policy(("policies", n), policy)


def _of_policy(path: KeyPath, policy: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    yield from _asked((*path, "when"), policy.get("when", {}))
    for n, target in enumerate(policy["targets"]):
        where = (*path, "targets", n)
        if isinstance(target["calendar"], dict):
            for name in target["calendar"]:
                if name != "default":
                    yield (*where, "calendar", name), name
        if target.get("pause_until"):
            yield (*where, "pause_until"), target["pause_until"]


def _asked(path: KeyPath, conditions: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Fields of conditions, plain ones and those in lists."""
    for key, value in conditions.items():
        if key in {"all", "any"}:
            for n, condition in enumerate(value):
                yield (*path, key, n, "field"), condition["field"]
        else:
            yield (*path, key), key
