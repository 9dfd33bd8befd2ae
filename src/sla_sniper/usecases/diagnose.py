"""sniper diagnose: where targets are missed, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.diagnosis import Diagnosis, diagnose
from sla_sniper.eventlog.deriving import derive
from sla_sniper.sla.conditions import value_of
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.usecases.desk import Desk

DIMENSIONS = ("priority", "group", "category", "channel", "product", "organization")


@dataclass(frozen=True, slots=True)
class DiagnosisReport:
    """The diagnosis of the first metric, as of an instant."""

    diagnosis: Diagnosis
    metric: str
    as_of: datetime
    why: str

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper diagnose`."""
        facts = {"why": self.why, "metric": self.metric} | self.diagnosis.as_dict()
        return as_json(header("diagnose", self.as_of) | facts)


def diagnose_log(
    folder: Path, *, as_of: datetime | None, now: datetime, progress: Progress = silent
) -> DiagnosisReport:
    """Say where targets are missed, by what was known of each ticket at its creation."""
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    return diagnose_desk(desk)


def diagnose_desk(desk: Desk) -> DiagnosisReport:
    """Diagnose an opened desk; see `diagnose_log`."""
    metric = desk.workspace.sla.levels.metrics[0]
    cycles = desk.cycles(as_of=desk.as_of).filter(metric=metric)
    cycles = cycles.filter(~_is_excluded(desk))
    desk.progress("looking for what goes with misses")
    dimensions = _dimensions(desk)
    opened = (
        derive(desk.stored)
        .group_by(*TICKET_KEY)
        .agg(
            *(pl.col(name).drop_nulls().first() for name in dimensions if name != "priority"),
            *(value_of(name).drop_nulls().first().alias(name) for name in desk.keep),
        )
    )
    frame = cycles.with_columns(pl.col("priority_applied").alias("priority")).join(
        opened, on=TICKET_KEY, how="left"
    )
    found = diagnose(frame, [*dimensions, *desk.keep], mechanical=("priority",))
    return DiagnosisReport(found, metric, desk.as_of, desk.why)


def _dimensions(desk: Desk) -> list[str]:
    """Dimensions that no source stamps at the end: a stamp tells who ended, not why late."""
    return [name for name in DIMENSIONS if not any(m.is_stamped(name) for m in desk.mappings)]


def _is_excluded(desk: Desk) -> pl.Expr:
    spans = [
        pl.col("applied_at").is_between(each.start, each.end, closed="left")
        for each in desk.workspace.exclusions
        if "diagnosis" in each.use
    ]
    return pl.any_horizontal(*spans) if spans else pl.lit(value=False)
