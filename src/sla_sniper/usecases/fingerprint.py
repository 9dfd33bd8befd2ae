"""Which event log something was measured on."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.core.schema import EVENTS, TICKET_KEY
from sla_sniper.eventlog.store import EventStore
from sla_sniper.panels.facts import LogFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.usecases.desk import Desk

_PERSONAL: Final = ("requester", "assignee")
_SLICE: Final = 100_000
_DIGITS: Final = 16


def log_facts(desk: Desk, *, by: datetime | None = None) -> LogFacts:
    """Count the events that were known, and take their fingerprint.

    Hashed names are left out of it: no number depends on the workspace's own key. Neither does it
    depend on the order in which the rows are stored.

    Parameters
    ----------
    by : datetime, optional
        Instant by which they were recorded; that of the desk where not given.
    """
    hashed = {name for mapping in desk.mappings for name in mapping.hash}
    names = [name for name in sorted(EVENTS) if name not in {*_PERSONAL, *hashed, "event_id"}]
    key, value = (pl.element().struct.field(name) for name in ("key", "value"))
    told = pl.concat_str(key, pl.lit("="), value.fill_null("")).filter(~key.is_in(list(hashed)))
    kept = pl.col("attributes").list.eval(told).list.sort().list.join("\x1f")
    stored = _known(desk, by or desk.as_of).select(names).with_columns(kept).sort(names)
    digest = hashlib.sha256()
    for part in stored.iter_slices(_SLICE):
        digest.update(part.write_ndjson().encode())
    n_tickets = stored.select(pl.struct(TICKET_KEY).n_unique()).item()
    return LogFacts(stored.height, n_tickets, digest.hexdigest()[:_DIGITS])


def is_of_log(measured: Mapping[str, Any], desk: Desk) -> bool:
    """Whether the log still says what it said as something was measured.

    Parameters
    ----------
    measured : mapping
        With ``as_of``, and ``log``: the fingerprint of what was known by then. What was recorded
        later does not matter.
    """
    by = datetime.fromisoformat(measured["as_of"])
    return bool(measured.get("log") == log_facts(desk, by=by).fingerprint)


def _known(desk: Desk, by: datetime) -> pl.DataFrame:
    if by <= desk.as_of:
        return desk.known_by(by)
    events = EventStore(desk.workspace.folder).scan()
    return events.filter(pl.col("recorded_at") <= by).collect()
