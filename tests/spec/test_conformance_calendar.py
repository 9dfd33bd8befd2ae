"""Shared conformance vectors of calendars: every `core` row that a `Calendar` can express."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from sla_sniper.config.values import span_seconds
from sla_sniper.core.instants import from_us, to_us
from sla_sniper.sla.calendar import WEEKDAYS, Calendar, Holidays

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
OPERATIONS = {"elapsed", "add", "in_hours", "next_open"}


def expressible(vector: dict) -> bool:
    return (
        vector["op"] in OPERATIONS
        and vector["level"] == "core"
        and not vector.get("profile")
        and "oracle" not in vector
        and "direction" not in vector["input"]  # a backward zero
        and (vector["calendar"] or {}).keys() <= {"tz", "hours", "holidays"}
        and "error" not in vector["expected"]
    )


def vectors() -> list:
    found = [
        vector
        for path in sorted(FOLDER.glob("*.json"))
        if path.name != "vector.schema.json"
        for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]
        if expressible(vector)
    ]
    return [pytest.param(vector, id=vector["id"]) for vector in found]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def calendar_of(spec: dict | None) -> Calendar:
    if spec is None:
        return Calendar("always", is_always_open=True)
    hours = tuple(
        tuple(
            span_seconds("-".join(span))
            for span in spec["hours"].get(day, ())
            if span[0] != span[1]
        )
        for day in WEEKDAYS
    )
    return Calendar("vector", spec["tz"], hours, holidays_of(spec.get("holidays", ())))


def holidays_of(listed) -> Holidays:
    yearly = [day for day in listed if day.startswith("*-")]
    ranges = [day.split("/") for day in listed if "/" in day]
    single = [day for day in listed if day not in yearly and "/" not in day]
    return Holidays(
        dates=tuple(map(date.fromisoformat, single)),
        yearly=tuple((int(day[2:4]), int(day[5:7])) for day in yearly),
        ranges=tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in ranges),
    )


def answer(calendar: Calendar, op: str, asked: dict) -> dict:
    """Do the operation in our own terms; keys as in the vector's `expected`."""
    if op == "elapsed":
        spent = calendar.elapsed(instant(asked["from"]), instant(asked["to"])).total_seconds()
        return {"seconds": spent, "hours_floor": spent // 3600}
    if op == "add":
        due = calendar.add(instant(asked["from"]), timedelta(seconds=asked["seconds"]))
        return {"at": due}
    at = to_us(instant(asked["at"]))
    compiled = calendar.compiled(at, at)
    if op == "in_hours":
        return {"value": bool(compiled.is_open(at))}
    return {"at": from_us(int(compiled.next_open(np.array([at]))[0]))}


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no conformance vectors in {FOLDER}")
@pytest.mark.parametrize("vector", vectors())
def test_vector_of_the_shared_suite_agrees(vector):
    found = answer(calendar_of(vector["calendar"]), vector["op"], vector["input"])

    expected = dict(vector["expected"])
    widened = expected.pop("tolerance_seconds", 0)
    for key, value in expected.items():
        if key == "at":
            assert abs((found[key] - instant(value)).total_seconds()) <= widened, key
        else:
            assert found[key] == pytest.approx(value, abs=widened + 1e-6), key
