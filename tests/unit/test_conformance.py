"""Vectors that no peer's suite holds: what the schema asks for at its edges."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sla_sniper.usecases.conformance import run_vectors

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
OFFICE = {
    "tz": "UTC",
    "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
SATURDAY, MONDAY = "2024-01-06T10:00:00Z", "2024-01-08T10:00:00Z"


@pytest.fixture
def ask(tmp_path):
    """Put one vector to the clock; what it answers."""

    def asking(op: str, given: dict, **more: object) -> dict:
        vector = {"id": "own-001", "op": op, "calendar": OFFICE, "input": given, **more}
        path = tmp_path / "own.json"
        path.write_text(json.dumps({"vectors": [vector]}), encoding="utf-8")
        (answer,) = run_vectors(path, now=NOW).answers
        return answer

    return asking


@pytest.mark.parametrize(
    ("start", "target", "pauses", "deadline", "remaining"),
    [
        pytest.param(MONDAY, 0, [], MONDAY, -7200, id="nothing is used up at once"),
        pytest.param(SATURDAY, 0, [], "2024-01-08T09:00:00Z", -10800, id="at the next opening"),
        pytest.param(
            MONDAY,
            0,
            [[MONDAY, "2024-01-08T11:30:00Z"]],
            "2024-01-08T11:30:00Z",
            -1800,
            id="not during a pause",
        ),
        pytest.param(MONDAY, -7200, [], "2024-01-05T16:00:00Z", -14400, id="before the start"),
    ],
)
def test_a_target_of_nothing_has_a_deadline(ask, start, target, pauses, deadline, remaining):
    given = {"start": start, "target_seconds": target, "pauses": pauses}

    actual = ask("deadline", given | {"now": "2024-01-08T12:00:00Z"})["actual"]

    assert (actual["deadline"], actual["remaining_seconds"]) == (deadline, remaining)
    assert actual["breached"] is True


def test_a_target_of_nothing_is_refused_where_a_peer_does(ask):
    given = {"start": MONDAY, "target_seconds": 0, "pauses": [], "now": MONDAY}

    answer = ask("deadline", given, profile={"nonpositive_target": "error"})

    assert answer["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("pausing", "status"),
    [(("a",), "resolution_due"), (("b",), "resolution_due"), (("a", "b"), "paused")],
)
def test_status_is_the_same_for_any_order_of_clocks(ask, pausing, status):
    clocks = {
        name: {
            "kind": "resolution",
            "target_seconds": 36_000,
            "pause": ["pending"] if name in pausing else [],
        }
        for name in ("a", "b")
    }
    events = [
        {"at": MONDAY, "type": "created", "status": "open"},
        {"at": "2024-01-08T11:00:00Z", "type": "status", "to": "pending"},
    ]

    actual = ask("ticket", {"policy": {"clocks": clocks}, "events": events})["actual"]

    assert actual["status"] == status
