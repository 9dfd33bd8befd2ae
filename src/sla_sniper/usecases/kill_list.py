"""The kill list as it is kept, with the terms it was made under, and under a reader's scenario."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.escalation.policies import POLICIES
from sla_sniper.eventlog.reading import log_end
from sla_sniper.eventlog.store import EventStore
from sla_sniper.usecases.bundles import model_in_use
from sla_sniper.usecases.files import read_table, write_table

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.escalation.costs import CostTable

_TERMS: Final = "sla-sniper.terms"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the reader of the page sets.

    Attributes
    ----------
    capacity : int
        Slots a day.
    intervention : float
        Cost of one escalation, in the currency of the cost table.
    effectiveness : float
        Share of escalated breaches that are prevented, in [0, 1].

    Examples
    --------
    >>> from sla_sniper.escalation import CostTable
    >>> costs = Scenario(50, 3.0, 0.8).costs(CostTable("USD", breach={"high": 200}))
    >>> costs.intervention, costs.effectiveness.value, costs.effectiveness.high
    (3.0, 0.8, 0.8)
    """

    capacity: int
    intervention: float
    effectiveness: float

    def costs(self, table: CostTable) -> CostTable:
        """Return the table with this scenario's values; the range widens to hold the value."""
        known, value = table.effectiveness, self.effectiveness
        effect = dataclasses.replace(
            known, value=value, low=min(known.low, value), high=max(known.high, value)
        )
        return dataclasses.replace(table, intervention=self.intervention, effectiveness=effect)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a list was made under; it is kept in the file of the list itself.

    Without it a page would divide savings by an effectiveness that they were not made with.

    Attributes
    ----------
    stakes : str
        Fingerprint of promises, costs and kinds of capacity.
    capacity : int
        Slots of the day.
    slot_price : float or None
        What one more ticket would have to save to take a slot that is kept for later today, in
        currency; None where no slot is kept.
    model_version : str
        Of the model that made it, also where nobody is listed; empty in an older list.
    """

    stakes: str
    capacity: int
    slot_price: float | None = None
    model_version: str = ""

    def about(self) -> dict[str, str]:
        """Key and value for the file of the list."""
        return {_TERMS: json.dumps(dataclasses.asdict(self))}

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read them from the file of a list; None where an older version wrote it."""
        found = pl.read_parquet_metadata(path).get(_TERMS)
        return None if found is None else cls(**json.loads(found))


@dataclass(frozen=True, slots=True, eq=False)
class StoredQueue:
    """The latest kill list, and how fresh it is.

    Attributes
    ----------
    frame : polars.DataFrame
        Schema `core.schema.PREDICTIONS`.
    as_of, log_end : datetime or None
        What the list speaks for; the last instant recorded by now. None for an empty list or log.
    terms : Terms or None
        What it was made under; None where an older version made it.
    model_in_use : str
        Version of the model by which a list made now would be ranked; empty where there is none.
    """

    frame: pl.DataFrame
    as_of: datetime | None
    log_end: datetime | None
    terms: Terms | None
    model_in_use: str = ""

    @property
    def outdated_by(self) -> str:
        """Version of the model in use, where another one made the list; else empty."""
        made_by = self.terms.model_version if self.terms else ""
        return self.model_in_use if made_by and made_by != self.model_in_use else ""

    def holds_for(self, workspace: Workspace) -> bool:
        """Whether it was made under what `sla.toml` says now."""
        return self.terms is not None and self.terms.stakes == workspace.sla.stakes

    def is_as_made(self, scenario: Scenario, costs: CostTable) -> bool:
        """Whether a scenario is that of the list, priced by `costs`."""
        share = costs.effectiveness.value
        return self.terms is not None and scenario == Scenario(
            self.terms.capacity, costs.intervention, share
        )


def list_path(workspace: Workspace) -> Path:
    """Where the latest list is kept."""
    return workspace.outputs / "queue.parquet"


def keep_queue(frame: pl.DataFrame, workspace: Workspace, terms: Terms) -> None:
    """Keep a list together with its terms, in one file."""
    write_table(frame, list_path(workspace), about=terms.about())


def stored_queue(workspace: Workspace) -> StoredQueue | None:
    """Read the latest kill list; None where there is none.

    Raises
    ------
    UnreadableFileError
        If it is damaged or of another kind.
    """
    path = list_path(workspace)
    if not path.is_file():
        return None
    frame = read_table(path, tuple(PREDICTIONS), command="sniper queue")
    as_of = None if frame.is_empty() else frame["as_of"][0]
    end, manifest = log_end(EventStore(workspace.folder)), model_in_use(workspace)
    in_use = manifest["version"] if manifest else ""
    return StoredQueue(frame, as_of, end, Terms.read(path), in_use)


def repriced(
    queue: pl.DataFrame,
    *,
    stored: CostTable,
    scenario: CostTable,
    capacity: int,
    is_staffed: bool = False,
) -> pl.DataFrame:
    """Return a kill list under a scenario: savings and what is recommended; ranks stay.

    The expected saving is effectiveness times a stake that no scenario changes, less the cost
    of an escalation, so the stored one tells the stake exactly and every order stays. Slots that
    the stored list keeps for later today are not kept: only a new list can price them.

    Parameters
    ----------
    queue : polars.DataFrame
        Schema `core.schema.PREDICTIONS`, priced by `stored`.
    stored, scenario : CostTable
        Of the workspace; of the scenario.
    capacity : int
        Slots.
    is_staffed : bool
        Whether who can take which ticket decided what is recommended: then nothing is added.
    """
    share = stored.effectiveness.value
    if share > 0:
        stake = (pl.col("expected_saving") + stored.intervention) / share
        saving = scenario.effectiveness.value * stake - scenario.intervention
        queue = queue.with_columns(saving.alias("expected_saving"))
    gates = [name for name, policy in POLICIES.items() if policy.gates]
    pays = ~pl.col("policy").is_in(gates) | (pl.col("expected_saving") > 0)
    has_slot = pl.col("rank") <= capacity
    if is_staffed:
        has_slot &= pl.col("recommended")
    return queue.with_columns((has_slot & pays).fill_null(value=False).alias("recommended"))
