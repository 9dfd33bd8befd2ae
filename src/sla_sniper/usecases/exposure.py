"""sniper exposure: what contracts that pay on attainment put at risk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.progress import Progress, silent
from sla_sniper.escalation.attainment import exposure
from sla_sniper.usecases.contracts import standing_of
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import require_ending, write_table
from sla_sniper.usecases.results import header, records

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.escalation.attainment import Contract


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """What each account puts at risk.

    Attributes
    ----------
    frame : DataFrame
        ``contract`` (its number in `sla.toml`, from 1), ``by, promise`` and the columns of
        `escalation.attainment.exposure`; within a contract the greatest expected credit first.
    contracts : tuple of Contract
        As `sla.toml` has them.
    as_of, why : datetime, str
        The instant it speaks for, and why this one.
    currency : str
        Of the credits.
    """

    frame: pl.DataFrame
    contracts: tuple[Contract, ...]
    as_of: datetime
    why: str
    currency: str

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper exposure`."""
        return header("exposure", self.as_of) | {
            "why": self.why,
            "currency": self.currency,
            "expected_credit": float(self.frame["expected_credit"].sum()),
            "accounts": records(self.frame.to_dicts()),
        }


_SCHEMA: Final = pl.Schema(
    {
        "contract": pl.Int64,
        "by": pl.String,
        "promise": pl.Float64,
        "account": pl.String,
        "period": pl.Date,
        "met": pl.Int64,
        "missed": pl.Int64,
        "running": pl.Int64,
        "expected": pl.Float64,
        "rate": pl.Float64,
        "attainment": pl.Float64,
        "allowed": pl.Int64,
        "p_below": pl.Float64,
        "expected_credit": pl.Float64,
        "next_breach": pl.Float64,
    }
)


def measure_exposure(
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    out: Path | None = None,
    progress: Progress = silent,
) -> ExposureReport:
    """Measure what every contract puts at risk in the periods that are not over.

    Parameters
    ----------
    out : Path, optional
        Where the table is written.

    Raises
    ------
    NoCostsError
        If `sla.toml` has no costs; effectiveness changes no credit.
    NotEnoughHistoryError
        If nothing had been recorded by then.
    """
    if out is not None:
        require_ending(out)
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    costs = desk.workspace.sla.require_prices()
    parts = [
        exposure(standing_of(desk, contract, as_of=desk.as_of), contract).select(
            pl.lit(number).alias("contract"),
            pl.lit(contract.by).alias("by"),
            pl.lit(contract.at_least).alias("promise"),
            pl.all(),
        )
        for number, contract in enumerate(costs.attainment, start=1)
    ]
    frame = pl.concat(
        [
            pl.DataFrame(schema=_SCHEMA),
            *(part.select(list(_SCHEMA)).cast(_SCHEMA) for part in parts),
        ]
    )
    if out is not None:
        write_table(frame, out)
    return ExposureReport(frame, costs.attainment, desk.as_of, desk.why, costs.currency)
