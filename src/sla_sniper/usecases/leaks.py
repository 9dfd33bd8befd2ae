"""The leak scanner: what would let a model see how a ticket ended, found before it trains."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.instants import HOUR_US
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.eventlog import stored_columns
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.first_rows import column_name, first_rows
from sla_sniper.eventlog.foretelling import foretellings
from sla_sniper.model.leaks import (
    clocks_on_both_sides,
    columns_too_good,
    features_too_good,
    rates_that_know,
)
from sla_sniper.usecases.forecasting import decided, features_of, learnable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sla_sniper.eventlog.mapping import Mapping
    from sla_sniper.model.leaks import TooGood
    from sla_sniper.usecases.desk import Desk

_MOST_TOLD = 3
_MOST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Leak:
    """One way in which the future could reach a model.

    Attributes
    ----------
    key : str
        Stable name of the test.
    severity : {"error", "warning"}
        Whether training is refused, or the reader is told.
    column : str
        Column of the file, or the feature.
    n_tickets : int
        Tickets (or clocks) that show it.
    sentence : str
        In words, with the evidence and what to do.
    examples : tuple of str
        Up to three ticket ids.
    """

    key: str
    severity: str
    column: str
    n_tickets: int
    sentence: str
    examples: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON object of one finding."""
        return asdict(self)


class LeakError(SlaSniperError):
    """What would be learnt from knows how tickets ended."""

    exit_code: ClassVar[int] = 41

    def __init__(self, columns: tuple[str, ...], sentences: tuple[str, ...]) -> None:
        super().__init__(columns, sentences)
        self.columns, self.sentences = columns, sentences

    def __str__(self) -> str:
        told = " ".join(self.sentences[:_MOST_TOLD])
        return (
            f"Training was refused: {', '.join(map(repr, self.columns))} would leak the outcome. "
            f"{told} After a change of the mapping ingest into a new workspace; "
            "`sniper check --leaks` tells all."
        )


def scan_columns(desk: Desk) -> tuple[Leak, ...]:
    """Scan the columns of every source for what only the end of a ticket could tell.

    Nothing recorded after `as_of` is read: a stamp that shows only by its later rows is found
    when they are there.
    """
    desk.progress("looking for leaks")
    rows = derive(desk.stored).filter(pl.col("sequence") >= 0)
    outcomes = _outcomes(desk)
    found = [
        leak
        for mapping in desk.mappings
        for leak in _scan_source(rows.filter(pl.col("source") == mapping.source), mapping, outcomes)
    ]
    return tuple(sorted(found, key=lambda leak: leak.severity))


def scan_features(desk: Desk, learnt: pl.DataFrame) -> tuple[Leak, ...]:
    """Scan what a model would learn from; `learnt` are labelled snapshots."""
    features = features_of(desk)
    found = (*features_too_good(learnt, features), *rates_that_know(learnt, features))
    return tuple(Leak(*each) for each in found)


def scan(desk: Desk) -> tuple[Leak, ...]:
    """Scan the columns, and the features at some landmarks."""
    columns = scan_columns(desk)
    moments = desk.landmarks(*desk.active, "day")
    moments = desk.thinned(moments.gather_every(max(1, moments.height // _MOST_DAYS)))
    snapshots = desk.snapshots_at(moments)
    if snapshots.is_empty():
        return columns
    learnt = decided(learnable(desk, snapshots, cut=desk.as_of), cut=desk.as_of)
    return (*columns, *scan_features(desk, learnt))


def refuse(leaks: Iterable[Leak]) -> tuple[Leak, ...]:
    """Return the warnings, or refuse.

    Raises
    ------
    LeakError
        If any finding is an error.
    """
    found = tuple(leaks)
    errors = [leak for leak in found if leak.severity == "error"]
    if errors:
        columns = tuple(dict.fromkeys(leak.column for leak in errors))
        raise LeakError(columns, tuple(leak.sentence for leak in errors))
    return found


def refuse_split(training: pl.DataFrame, tested: pl.DataFrame) -> None:
    """Refuse a split that tests on clocks whose outcome was learnt.

    Raises
    ------
    LeakError
        With the count and a ticket.
    """
    refuse(Leak(*each) for each in clocks_on_both_sides(training, tested))


def _scan_source(rows: pl.DataFrame, mapping: Mapping, outcomes: pl.DataFrame) -> Iterator[Leak]:
    is_history = mapping.shape == "events"
    seen: set[str] = set()
    if is_history:
        for column, suspect in stored_columns.stamped(rows, mapping):
            if column in seen:
                continue
            seen.add(column)
            yield Leak("stamped_column", "error", column, *suspect[1:])
    tickets = first_rows(rows, mapping)
    if tickets.is_empty():
        return
    for each in foretellings(tickets, rows, mapping):
        if each.column not in seen:
            seen.add(each.column if each.severity == "error" else "")
            yield Leak(*each)
    known = [name for name in tickets.columns if column_name(name, mapping) in seen]
    labelled = tickets.join(outcomes, on=TICKET_KEY, how="left", maintain_order="left")
    for good in columns_too_good(labelled, skip=known, is_history=is_history):
        yield _named(good, column_name(good.column, mapping))


def _named(found: TooGood, column: str) -> Leak:
    sentence = (
        f"Column {column!r} {found.sentence} Declare {column!r} in [stamped] of the mapping, or "
        "leave it out."
    )
    return Leak(found.kind, found.severity, column, found.n_tickets, sentence)


def _outcomes(desk: Desk) -> pl.DataFrame:
    """Whether any clock of each ticket breached, as far as known, and its longest target."""
    state = pl.col("state")
    return (
        desk.cycles(as_of=desk.as_of)
        .group_by(TICKET_KEY)
        .agg(
            state.is_in(["missed", "overdue"]).any().alias("_any"),
            (state == "met").all().alias("_none"),
            (pl.col("target_us").max() / HOUR_US).alias("target_h"),
        )
        .select(
            *TICKET_KEY,
            pl.when("_any").then(True).when("_none").then(False).alias("breached"),  # noqa: FBT003
            "target_h",
        )
    )
