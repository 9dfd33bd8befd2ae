"""What a backtest and a monitor have kept for the honesty gate, checked as it is read."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import UnreadableFileError
from sla_sniper.escalation.gate import Advantage, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def latest_backtest(outputs: Path) -> dict[str, Any] | None:
    """JSON object of the latest backtest, None where there is none.

    Raises
    ------
    UnreadableFileError
        If it is damaged, of another kind, or without what the gate reads.
    """
    return _kept(outputs, "backtest", _check_backtest, "run `sniper backtest` again")


def latest_monitor(outputs: Path) -> dict[str, Any] | None:
    """JSON object of the latest monitor, None where there is none.

    Raises
    ------
    UnreadableFileError
        As `latest_backtest`. Nothing writes over it unasked: it may hold what closed the gate.
    """
    remedy = "delete it, with what it may have closed, and run `sniper monitor` again"
    return _kept(outputs, "monitor", _check_monitor, remedy)


def digests(folder: Path) -> dict[str, str]:
    """Fingerprint of each Parquet file of a backtest: what its summary was made with."""
    return {path.name: _sha256(path) for path in sorted(folder.glob("*.parquet"))}


def require_whole(outputs: Path, backtest: Mapping[str, Any]) -> None:
    """Refuse forecasts that are not those of the summary beside them.

    A backtest that was cut short between its files leaves new forecasts under an old summary.
    One that an older version kept says nothing of its files and passes.

    Raises
    ------
    UnreadableFileError
        If a file has another fingerprint than the summary keeps.
    """
    for name, digest in backtest.get("files", {}).items():
        path = outputs / "backtest" / name
        if not path.is_file() or _sha256(path) != digest:
            raise UnreadableFileError(
                str(path),
                "it is not of the same backtest as the summary beside it",
                "run `sniper backtest` again",
            )


def read_verdict(told: Mapping[str, Any]) -> Verdict:
    """Read a verdict as it was kept; what is undefined is null there."""
    told_of = told["advantage"]
    difference, low, high = (
        math.nan if told_of[key] is None else told_of[key] for key in ("difference", "low", "high")
    )
    return Verdict(
        advantage=Advantage(
            told_of["capacity"], told_of["rule"], difference, low, high, told_of["claimed"]
        ),
        policy=told["policy"],
        sentence=told["sentence"],
        chosen_on=told.get("chosen_on", "training days"),
        n_days=told.get("n_days", 0),
        withheld=told.get("withheld", ""),
        is_sure=told.get("is_sure", False),
        caveat=told.get("caveat", ""),
    )


def verdicts_of(backtest: Mapping[str, Any]) -> list[Verdict]:
    """Every verdict of a backtest, that of the desk's own capacity among them."""
    told = [backtest.get("own_verdict"), *backtest["verdicts"]]
    return [read_verdict(each) for each in told if each is not None]


def _check_backtest(found: Mapping[str, Any]) -> None:
    datetime.fromisoformat(found["as_of"])
    verdicts_of(found)
    dict(found.get("files", {}))


def _check_monitor(found: Mapping[str, Any]) -> None:
    closed = found["closed"]
    if closed is not None:
        datetime.fromisoformat(closed["as_of"])
        read_verdict(closed["verdict"])
        _ = closed["version"], closed["stakes"]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kept(
    outputs: Path, verb: str, check: Callable[[Mapping[str, Any]], None], remedy: str
) -> dict[str, Any] | None:
    path = outputs / verb / "summary.json"
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check(found)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"it is not what `sniper {verb}` wrote"
        raise UnreadableFileError(str(path), reason, remedy) from error
    return found
