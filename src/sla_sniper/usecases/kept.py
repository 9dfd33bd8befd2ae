"""What a backtest and a monitor have kept for the honesty gate, checked as it is read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sla_sniper.core.errors import UnreadableFileError
from sla_sniper.escalation.gate import Advantage, Verdict
from sla_sniper.usecases.results import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Closing:
    """That a monitor found no advantage, and closed the gate.

    Attributes
    ----------
    as_of : datetime
        When the monitor was read.
    version, model : str
        Of the model that it watched, and the fingerprint of what forecasts; the latter is empty
        where an older version kept it.
    stakes : str
        Fingerprint of the promises and costs that it holds for.
    last_day : str
        ISO date of the last ripe day; that of `as_of` where an older version kept it.
    verdict : Verdict
        Of the ripe days.
    """

    as_of: datetime
    version: str
    stakes: str
    last_day: str
    model: str
    verdict: Verdict

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """Read one as it was kept."""
        as_of, verdict = datetime.fromisoformat(told["as_of"]), read_verdict(told["verdict"])
        last_day, model = told.get("last_day", told["as_of"][:10]), told.get("model", "")
        return cls(as_of, told["version"], told["stakes"], last_day, model, verdict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return as_json(dataclasses.asdict(self))


def closings_of(monitor: Mapping[str, Any] | None) -> tuple[Closing, ...]:
    """Return every closing that a monitor has kept, the earliest first."""
    if monitor is None:
        return ()
    last = monitor["closed"]
    told = monitor.get("closings", [] if last is None else [last])
    return tuple(sorted(map(Closing.read, told), key=lambda each: each.as_of))


def with_closing(known: Sequence[Closing], new: Closing) -> tuple[Closing, ...]:
    """Add a closing; of the same model and stakes it takes the place only of one of its instant.

    None of another instant falls out: a monitor read as of an earlier one knows less, and a later
    one was not known by then.
    """
    own = new.stakes, new.version, new.as_of
    others = [each for each in known if (each.stakes, each.version, each.as_of) != own]
    return tuple(sorted([*others, new], key=lambda each: each.as_of))


def _check_backtest(found: Mapping[str, Any]) -> None:
    datetime.fromisoformat(found["as_of"])
    verdicts_of(found)
    dict(found.get("files", {}))


def _check_monitor(found: Mapping[str, Any]) -> None:
    closings_of(found)


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
