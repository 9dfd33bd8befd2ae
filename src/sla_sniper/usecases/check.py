"""sniper check: what is wrong with the log, before any number is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sla_sniper.core.progress import Progress, silent
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.quality import QualityReport, check
from sla_sniper.eventlog.reading import count
from sla_sniper.eventlog.store import EventStore
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.leaks import scan
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.usecases.leaks import Leak


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The findings, and what is worth saying of the settings.

    `leaks` is None where they were not asked for.
    """

    quality: QualityReport
    as_of: datetime
    why: str
    recorded_later: int
    notes: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper check`."""
        return (
            header("check", self.as_of)
            | {
                "why": self.why,
                "recorded_later": self.recorded_later,
                "notes": list(self.notes),
            }
            | self.quality.as_dict()
            | ({} if self.leaks is None else {"leaks": [leak.as_dict() for leak in self.leaks]})
        )


def check_log(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    leaks: bool = False,
    progress: Progress = silent,
) -> CheckReport:
    """Look through the whole log of a workspace, and with `leaks` for what knows the future."""
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    progress("checking the log")
    levels = desk.workspace.sla.levels
    quality = check(derive(desk.stored), desk.mappings, known_priorities=levels.priorities)
    # Who asks for an instant is told nothing of what came after it, not even how much.
    later = 0 if as_of else count(EventStore(folder)) - desk.stored.height
    found = scan(desk) if leaks else None
    return CheckReport(quality, desk.as_of, desk.why, later, desk.notes(), found)
