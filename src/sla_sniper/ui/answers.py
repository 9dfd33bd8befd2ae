"""What the page asks the use case, remembered until a file or an input changes.

Answers are frozen values that sessions may share, so Streamlit keeps them as they are
(`cache_resource`) rather than as pickled copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from sla_sniper.core.errors import NotEnoughHistoryError, SlaSniperError
from sla_sniper.eventlog.reading import log_end
from sla_sniper.eventlog.store import EventStore
from sla_sniper.ui.notices import problem
from sla_sniper.usecases import command_center as center
from sla_sniper.usecases.explain import explain_ticket
from sla_sniper.usecases.kill_list import Scenario, StoredQueue, stored_queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import polars as pl

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.ui.notices import Notice
    from sla_sniper.ui.ticket_view import Asked
    from sla_sniper.usecases.explain import ExplainReport

Stored = TypeVar("Stored")
Key = tuple[str, tuple[int, ...]]


def key_of(workspace: Workspace) -> Key:
    """Return what every answer about a workspace depends on beside its inputs."""
    return str(workspace.folder.resolve()), center.stamp(workspace)


@st.cache_resource(max_entries=2, show_spinner="Reading the replay ...")
def period(_workspace: Workspace, key: Key) -> center.Period | None:
    """Remember the stored replay."""
    return center.stored_period(_workspace)


@st.cache_resource(max_entries=2, show_spinner="Reading the kill list ...")
def queue(_workspace: Workspace, key: Key) -> StoredQueue | None:
    """Remember the stored kill list."""
    return stored_queue(_workspace)


def read(
    answer: Callable[[Workspace, Key], Stored | None], workspace: Workspace, absent: Notice
) -> tuple[Stored | None, Notice]:
    """Return what is stored, or None and the notice that takes its place."""
    try:
        return answer(workspace, key_of(workspace)), absent
    except SlaSniperError as error:
        return None, problem(error)


def outcome(
    workspace: Workspace, replayed: center.Period, scenario: Scenario
) -> tuple[center.Evaluation, pl.DataFrame]:
    """Return a scenario's outcome and the capture curve under its costs."""
    key = key_of(workspace)
    stakes = scenario.intervention, scenario.effectiveness
    priced = _priced(workspace, replayed, key, *stakes)
    return _evaluated(priced, key, scenario.capacity, *stakes), priced.curve


def ticket(workspace: Workspace, queue: StoredQueue | None, asked: Asked) -> ExplainReport:
    """Return one ticket explained as of the kill list, else as of the end of the log.

    Raises
    ------
    SlaSniperError
        If there is no such ticket, or no log.
    """
    as_of = _told_until(workspace, queue)
    if as_of is None:
        raise NotEnoughHistoryError("The workspace has no events yet; run `sniper ingest` first.")
    return _explained(workspace, key_of(workspace), as_of, asked)


def _told_until(workspace: Workspace, queue: StoredQueue | None) -> datetime | None:
    """The instant that the page speaks for: that of the kill list, else the end of the log."""
    listed = None if queue is None else queue.as_of
    return listed or log_end(EventStore(workspace.folder))


@st.cache_resource(max_entries=64, show_spinner="Reading the ticket ...")
def _explained(_workspace: Workspace, key: Key, as_of: datetime, asked: Asked) -> ExplainReport:
    return explain_ticket(
        _workspace.folder, asked.ticket_id, as_of=as_of, now=as_of, source=asked.source
    )


@st.cache_resource(max_entries=8, show_spinner="Drawing the capture curve ...")
def _priced(
    _workspace: Workspace,
    _replayed: center.Period,
    key: Key,
    intervention: float,
    effectiveness: float,
) -> center.Priced:
    """Remember what depends on costs but not on the capacity."""
    scenario = Scenario(0, intervention, effectiveness)
    return center.price(_replayed, scenario.costs(_workspace.sla.costs))


@st.cache_resource(max_entries=256, show_spinner=False)
def _evaluated(
    _priced: center.Priced,
    key: Key,
    capacity: int,
    intervention: float,
    effectiveness: float,
) -> center.Evaluation:
    return center.evaluate(_priced, capacity)
