"""sniper export: the predictions, for Tableau and everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sla_sniper.core.progress import Progress, silent
from sla_sniper.outputs.tables import predictions_table
from sla_sniper.usecases.files import write_table
from sla_sniper.usecases.queue import make_queue
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Exported:
    """Files written and their rows."""

    files: dict[str, int]
    as_of: datetime

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper export`."""
        return header("export", self.as_of) | {"files": self.files}


def export(
    folder: Path,
    target: Path,
    *,
    kind: Literal["csv", "parquet"],
    as_of: datetime | None,
    now: datetime,
    progress: Progress = silent,
) -> Exported:
    """Write the predictions of the present queue into the folder `target`."""
    queue = make_queue(folder, as_of=as_of, now=now, progress=progress)
    path = target / f"predictions.{kind}"
    write_table(predictions_table(queue.frame), path)
    return Exported({str(path): queue.frame.height}, queue.as_of)
