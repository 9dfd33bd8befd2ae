"""Laws of the event log: what it holds depends on what was told, never on how it came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.core.schema import EVENTS
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.ingest import IngestReport, ingest
from sla_sniper.eventlog.mapping import Mapping
from sla_sniper.eventlog.reading import read_events
from sla_sniper.eventlog.store import EventStore

COLUMNS = {
    "ticket_id": "id",
    "occurred_at": "at",
    "created_at": "opened",
    "status": "status",
    "group": "group",
}
COUNTED = Mapping(shape="events", timezone="UTC", columns=COLUMNS, keep=("note",))
NUMBERED = replace(COUNTED, columns=COLUMNS | {"sequence": "number"})
DAYS = st.sampled_from(["2024-01-01", "2024-01-02T08:00", "2024-01-02T09:00", "", "soon"])

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["1", "2", "3", ""]),
            "at": DAYS,
            "opened": DAYS,
            "status": st.sampled_from(["new", "open", "resolved", "closed", ""]),
            "group": st.sampled_from(["a", "b", ""]),
        }
    ),
    min_size=1,
    max_size=25,
)
"""Few values, so that moments, events and refusals coincide."""


def as_file(rows: list[dict[str, str]]) -> pl.DataFrame:
    """Rows with a readable first one, numbered, each with a note of its own."""
    first = {"id": "9", "at": "2024-01-01", "opened": "2024-01-01", "status": "new", "group": "a"}
    frame = pl.DataFrame([first, *rows])
    return frame.with_row_index("number").with_columns(note=pl.format("n{}", "number"))


def take(folder: str, *files: pl.DataFrame, mapping: Mapping = COUNTED) -> list[IngestReport]:
    """Ingest files one call after the other."""
    path = Path(folder) / "file.csv"
    reports = []
    for file in files:
        file.write_csv(path)
        reports.append(ingest([path], mapping, EventStore(Path(folder)), key=b"k" * 32))
    return reports


def read(folder: str) -> pl.DataFrame:
    return read_events(EventStore(Path(folder)))


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_ingesting_twice_adds_nothing(rows):
    file = as_file(rows).drop("note").with_columns(note=pl.lit("same"))
    with TemporaryDirectory() as folder:
        take(folder, file)
        once = read(folder)

        (again,) = take(folder, file)

        assert again.events_written == 0
        assert read(folder).equals(once)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, cut=st.integers(2, 20), mapping=st.sampled_from([COUNTED, NUMBERED]))
def test_two_parts_of_a_file_are_the_whole(rows, cut, mapping):
    file = as_file(rows)
    head = file.head(1)
    with TemporaryDirectory() as parts, TemporaryDirectory() as whole:
        take(parts, file[:cut], pl.concat([head, file[cut:]]), mapping=mapping)
        take(whole, file, mapping=mapping)

        assert read(parts).equals(read(whole))


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, more=ROWS)
def test_a_grown_file_adds_only_new_rows(rows, more):
    with TemporaryDirectory() as folder:
        file, grown = as_file(rows), as_file(rows + more)

        first, second = take(folder, file, grown)

        assert second.duplicates == first.events_written
        assert first.events_written + second.events_written == second.rows_read - sum(
            second.refused.values()
        )


EVENT = st.fixed_dictionaries(
    {
        "ticket_id": st.sampled_from(["1", "2"]),
        "occurred_at": st.integers(0, 3),
        "recorded_at": st.integers(0, 3),
        "created_at": st.none() | st.integers(0, 3),
        "sequence": st.integers(0, 2),
        "activity": st.sampled_from([None, None, "created", "public_reply"]),
        # A row without a status takes that of the row before, which may be told later.
        "status": st.sampled_from(["new", "open", "resolved", "closed"]),
        "group": st.sampled_from(["a", "b", None]),
    }
)


def as_stored(events: list[dict]) -> pl.DataFrame:
    frame = (
        pl.DataFrame(events)
        .with_row_index("event_id")
        .with_columns(pl.col("event_id").cast(pl.String), source=pl.lit("desk"))
    )
    absent = [pl.lit(None, EVENTS[name]).alias(name) for name in EVENTS if name not in frame]
    return frame.with_columns(absent).select(pl.col(name).cast(EVENTS[name]) for name in EVENTS)


@settings(max_examples=100, deadline=None)
@given(events=st.lists(EVENT, min_size=1, max_size=20), seed=st.integers(0, 2**16))
def test_the_order_of_storage_never_matters(events, seed):
    stored = as_stored(events)

    shuffled = derive(stored.sample(fraction=1, shuffle=True, seed=seed))

    assert shuffled.equals(derive(stored))


@settings(max_examples=100, deadline=None)
@given(events=st.lists(EVENT, min_size=1, max_size=20))
def test_each_ticket_is_created_once(events):
    derived = derive(as_stored(events))

    creations = derived.filter(activity="created")
    assert creations["ticket_id"].is_unique().all()
    assert creations.height == derived["ticket_id"].n_unique()


@settings(max_examples=200, deadline=None)
@given(events=st.lists(EVENT, min_size=1, max_size=12), now=st.integers(0, 3))
def test_what_was_known_never_depends_on_later_records(events, now):
    # A creation told after other rows of its ticket replaces the derived one from then on.
    is_first = pl.col("recorded_at").dt.epoch("us") == 0
    stored = as_stored(events).with_columns(activity=pl.when(is_first).then(pl.col("activity")))
    instant = pl.lit(now).cast(EVENTS["recorded_at"])
    is_known = (pl.col("recorded_at") <= instant) & (pl.col("occurred_at") <= instant)
    values = ["event_id", "occurred_at", "recorded_at", "sequence", "status", "group"]

    then = derive(stored.filter(pl.col("recorded_at") <= instant)).filter(is_known)
    later = derive(stored).filter(is_known)

    assert later.select(values).equals(then.select(values))
