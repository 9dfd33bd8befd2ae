"""Turn the JSON of a backtest into the tables of ``docs/results.md``.

``sniper backtest ... --json | python -m tools.results``
"""

from __future__ import annotations

import json
import sys
from typing import Any

SCORES = ("edf", "edf_value", "logistic", "sniper")
POLICIES = ("random", "oldest", "edf", "priority_edf", "edf_value", "logistic", "sniper", "oracle")
METRICS = ("auc", "brier_skill", "ece_width")


def tables(found: dict[str, Any]) -> str:
    """Write forecast, replay and verdicts of one backtest as Markdown."""
    return "\n\n".join((_forecast(found), _replay(found), _verdicts(found)))


def _forecast(found: dict[str, Any]) -> str:
    by_key = {(row["score"], row["metric"]): row for row in found["metrics"]}
    rows = [
        [f"`{score}`", *(_interval(by_key.get((score, metric))) for metric in METRICS)]
        for score in SCORES
    ]
    return _table(["forecast", "AUC", "Brier skill", "calibration error"], rows)


def _replay(found: dict[str, Any]) -> str:
    by_key = {(row["policy"], row["capacity"]): row for row in found["policies"]}
    capacities = list(dict.fromkeys(row["capacity"] for row in found["policies"]))
    rows = [
        [f"`{policy}`", *(_captured(by_key.get((policy, each))) for each in capacities)]
        for policy in POLICIES
    ]
    head = ["captured share of the cost", *(f"K = {each}" for each in capacities)]
    return _table(head, rows)


def _verdicts(found: dict[str, Any]) -> str:
    return "\n".join(f"- {each['sentence']}" for each in found["verdicts"])


def _interval(row: dict[str, Any] | None) -> str:
    if row is None or row["estimate"] is None:
        return "-"
    return f"{row['estimate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _captured(row: dict[str, Any] | None) -> str:
    share = None if row is None else row["captured_share"]["estimate"]
    return "-" if share is None else f"{100 * share:.1f} %"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    sys.stdout.write(tables(json.load(sys.stdin)) + "\n")
