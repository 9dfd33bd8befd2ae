"""Clock vectors taken from the tests of twenty products, put to `sniper conformance`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from sla_sniper.core.instants import parse_instant
from sla_sniper.usecases.conformance import run_vectors

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FILES = sorted(path for path in FOLDER.glob("*.json") if path.name != "vector.schema.json")
pytestmark = pytest.mark.skipif(not FILES, reason=f"no conformance vectors in {FOLDER}")


@cache
def suite(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def vectors() -> list:
    """Every vector that its own suite does not hold to be wrong."""
    return [
        pytest.param(path, vector, id=vector["id"])
        for path in FILES
        for vector in suite(path)["vectors"]
        if "oracle" not in vector
    ]


@pytest.fixture
def ask(tmp_path):
    """Put some vectors of a suite to the clock."""

    def asking(path: Path, asked: list[dict]) -> tuple[dict, ...]:
        alone = tmp_path / path.name
        alone.write_text(json.dumps(suite(path) | {"vectors": asked}), encoding="utf-8")
        return run_vectors(alone, now=NOW).answers

    return asking


def differences(expected, actual, *, tolerance: float, at: str = "") -> list[str]:
    """Where the answer is not what was asserted; instants as instants, numbers to 1e-6."""
    if isinstance(expected, Mapping):
        told = actual if isinstance(actual, Mapping) else {}
        return [
            line
            for key, value in expected.items()
            for line in differences(
                value, told.get(key, "nothing"), tolerance=tolerance, at=f"{at}.{key}"
            )
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = zip(expected, actual, strict=True)
        return [
            line
            for place, (one, other) in enumerate(pairs)
            for line in differences(one, other, tolerance=tolerance, at=f"{at}[{place}]")
        ]
    is_same = _is_same(expected, actual, tolerance)
    return [] if is_same else [f"{at}: expected {expected!r}, got {actual!r}"]


def _is_same(expected, actual, tolerance: float) -> bool:
    is_number = isinstance(expected, (int, float)) and not isinstance(expected, bool)
    if is_number and isinstance(actual, (int, float)):
        return abs(expected - actual) <= max(tolerance, 1e-6)
    if isinstance(expected, str) and isinstance(actual, str) and "T" in expected[10:11]:
        apart = parse_instant(expected) - parse_instant(actual)
        return abs(apart.total_seconds()) <= tolerance
    return bool(expected == actual)


@pytest.mark.parametrize(("path", "vector"), vectors())
def test_every_vector_of_the_suites_agrees(path, vector, ask):
    expected = dict(vector["expected"])
    tolerance = expected.pop("tolerance_seconds", 0)
    (answer,) = ask(path, [vector])
    actual = {"error": answer["error"]} if "error" in answer else answer["actual"]

    assert differences(expected, actual, tolerance=tolerance) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_answers_never_read_what_is_expected(path, ask):
    told = suite(path)["vectors"]
    blind = [{key: value for key, value in each.items() if key != "expected"} for each in told]

    assert ask(path, blind) == run_vectors(path, now=NOW).answers
