"""Worked examples of a policy: a small history, and what its clocks have to show.

An example is played by the same clock as every ticket; nothing here computes time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.schema import EVENTS, VALUE_COLUMNS
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.comparison import BREACHED
from sla_sniper.sla.policy import UnknownTargetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sla_sniper.sla.policy import ServiceLevels

    Value = str | int | bool | datetime | None

TEXTS: Final = ("state", "policy", "calendar", "priority")
SPANS: Final = ("target", "elapsed", "paused", "remaining")
INSTANTS: Final = ("applied_at", "due", "breached_at", "fulfilled_at")
READINGS: Final = (*TEXTS, *SPANS, *INSTANTS, "breached", "cycle")
"""What an example may expect of a cycle."""

_COLUMNS: Final = {
    "priority": "priority_applied",
    "target": "target_us",
    "elapsed": "elapsed_us",
    "paused": "paused_us",
    "due": "due_at",
}
_DERIVED: Final = ("remaining", "breached")


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an example.

    Attributes
    ----------
    at : datetime
        Aware instant.
    values : mapping of str to str or None
        What the event sets: canonical fields, and any other name as an attribute.
    activities : tuple of str
        What happened beside that, of `core.schema.ACTIVITIES`.
    role : str or None
        Who did it: ``agent``, ``requester`` or ``system``.
    due_at : datetime or None
        The help desk's own deadline, as told by this event.
    """

    at: datetime
    values: Mapping[str, str | None]
    activities: tuple[str, ...] = ()
    role: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the cycles of one metric have to show.

    Attributes
    ----------
    metric : str
    cycles : tuple of mapping of str to value
        Expected readings, see `READINGS`; durations in microseconds, None for "none".
    is_latest : bool
        They speak of the latest cycle alone; otherwise of every cycle in order, so that an
        empty tuple says that there is no clock.
    """

    metric: str
    cycles: tuple[Mapping[str, Value], ...]
    is_latest: bool = True


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A history of one ticket, and what is expected of its clocks as of an instant."""

    name: str
    steps: tuple[Step, ...]
    as_of: datetime
    expected: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as expected.

    Attributes
    ----------
    metric, key : str
        Which reading of which metric; the key ``cycles`` counts the cycles.
    cycle : int
        Which cycle the example speaks of, from 1; 0 for the latest.
    expected, actual : str, int, bool, datetime or None
        Durations in microseconds; None where there is none.
    """

    metric: str
    cycle: int
    key: str
    expected: Value
    actual: Value


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an example went.

    Attributes
    ----------
    refusal : str
        Why the clock cannot be read at all; empty where it can.
    """

    example: WorkedExample
    differences: tuple[Difference, ...] = ()
    refusal: str = ""

    @property
    def is_as_expected(self) -> bool:
        """Whether everything that the example says holds."""
        return not (self.differences or self.refusal)


def play(example: WorkedExample, levels: ServiceLevels) -> Outcome:
    """Play an example and compare every expected value, exactly.

    Parameters
    ----------
    example : WorkedExample
        Events after its `as_of` are not read.
    levels : ServiceLevels
        The policies to try.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sla_sniper.sla.calendar import Calendar
    >>> from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
    >>> target = Target("resolution_time", "always", default=4 * 3600 * 1_000_000)
    >>> always = Calendar("always", is_always_open=True)
    >>> levels = ServiceLevels({"always": always}, (SlaPolicy("all", (target,)),))
    >>> opened = datetime(2024, 4, 1, 9, tzinfo=UTC)
    >>> expected = (Expectation("resolution_time", ({"state": "met", "breached": False},)),)
    >>> example = WorkedExample("open", (Step(opened, {}),), opened, expected)
    >>> play(example, levels).differences[0].actual
    'running'
    """
    try:
        found = cycles(events_of(example), levels, as_of=example.as_of)
    except UnknownTargetError as error:
        return Outcome(example, refusal=str(error))
    told = [_compare(expectation, found) for expectation in example.expected]
    return Outcome(example, tuple(difference for part in told for difference in part))


def events_of(example: WorkedExample) -> pl.DataFrame:
    """Canonical events of an example up to its `as_of`, schema `core.schema.EVENTS`."""
    values: dict[str, str | None] = {"status": "new"}
    rows = []
    for number, step in enumerate(example.steps):
        if step.at <= example.as_of:
            values = values | dict(step.values)
            rows.append(_row(number, step, values, example.steps[0].at))
    return pl.DataFrame(rows, schema=dict(EVENTS))


def _row(
    number: int, step: Step, values: Mapping[str, str | None], created_at: datetime
) -> dict[str, Any]:
    changed = [name for name in ("status", "priority", "group", "assignee") if name in step.values]
    activities = (*(["created"] if number == 0 else changed), *step.activities)
    kept = {name: value for name, value in values.items() if name not in VALUE_COLUMNS}
    return dict.fromkeys(EVENTS) | {
        "event_id": str(number),
        "source": "example",
        "ticket_id": "example",
        "occurred_at": step.at,
        "recorded_at": step.at,
        "sequence": number,
        "activity": "+".join(activities) or "attribute",
        "actor_role": step.role,
        **{name: values.get(name) for name in VALUE_COLUMNS},
        "attributes": [{"key": name, "value": text} for name, text in kept.items()],
        "created_at": created_at,
        "vendor_due_at": step.due_at,
    }


def _compare(expectation: Expectation, found: pl.DataFrame) -> list[Difference]:
    rows = found.filter(metric=expectation.metric).sort("applied_at", "cycle").to_dicts()
    readings = [_reading(row) for row in rows]
    if expectation.is_latest:
        latest = readings[-1] if readings else {}
        return _differences(expectation.metric, 0, expectation.cycles[0], latest)
    wanted = expectation.cycles
    if len(readings) != len(wanted):
        return [Difference(expectation.metric, 0, "cycles", len(wanted), len(readings))]
    return [
        difference
        for number, pair in enumerate(zip(wanted, readings, strict=True), start=1)
        for difference in _differences(expectation.metric, number, *pair)
    ]


def _differences(
    metric: str, cycle: int, wanted: Mapping[str, Value], reading: Mapping[str, Value]
) -> list[Difference]:
    return [
        Difference(metric, cycle, key, value, reading.get(key))
        for key, value in wanted.items()
        if reading.get(key) != value
    ]


def _reading(row: Mapping[str, Any]) -> dict[str, Value]:
    """Everything that can be expected of one cycle."""
    told = {key: row[_COLUMNS.get(key, key)] for key in READINGS if key not in _DERIVED}
    remaining = row["target_us"] - row["elapsed_us"]
    return told | {"remaining": remaining, "breached": row["state"] in BREACHED}
