"""The store: one writer, whole commits, a full disk, leftovers; the workspace's key."""

from __future__ import annotations

import errno
import os

import polars as pl
import pytest
from deltalake.exceptions import DeltaError

from sla_sniper.core.errors import DiskFullError, WorkspaceBusyError, WorkspaceError
from sla_sniper.core.schema import EVENTS
from sla_sniper.eventlog import store as store_module
from sla_sniper.eventlog.locking import is_disk_full, workspace_lock
from sla_sniper.eventlog.personal import hashed, workspace_key
from sla_sniper.eventlog.reading import count, log_end, read_events
from sla_sniper.eventlog.store import EventStore

ROW = dict.fromkeys(EVENTS) | {"event_id": "0" * 32, "ticket_id": "1", "attributes": []}
ROWS = pl.DataFrame([ROW], schema=dict(EVENTS))


@pytest.fixture
def store(tmp_path):
    return EventStore(tmp_path)


def add(store: EventStore, frames) -> None:
    with store.writing():
        store.append(frames)


def test_an_empty_log_reads_as_the_schema(store):
    assert read_events(store).schema == pl.Schema(EVENTS)
    assert (count(store), log_end(store)) == (0, None)


@pytest.mark.parametrize("name", ["my desk", "Größe", "a+b & c"])
def test_a_workspace_may_be_called_anything(tmp_path, name):
    (tmp_path / name).mkdir()
    store = EventStore(tmp_path / name)

    add(store, [ROWS])

    assert read_events(store)["ticket_id"].to_list() == ["1"]


def test_stored_rows_read_back_equal(store):
    pairs = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    rows = pl.concat([ROWS, pl.DataFrame([ROW | {"attributes": pairs}], schema=dict(EVENTS))])

    add(store, [rows])

    assert store.scan().collect().sort("attributes").equals(rows.sort("attributes"))


def test_frames_of_one_call_are_one_commit(store):
    add(store, [ROWS, ROWS])

    assert count(store) == 2
    assert len(list(store.table.glob("_delta_log/*.json"))) == 1


def test_no_rows_make_no_commit(store):
    add(store, [])

    assert not store.table.exists()


def test_a_second_writer_is_told_who_writes(store, tmp_path):
    with (
        store.writing(),
        pytest.raises(WorkspaceBusyError, match=f"process {os.getpid()}"),
        workspace_lock(tmp_path),
    ):
        pass


def test_the_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(KeyError), workspace_lock(tmp_path):
        raise KeyError

    with workspace_lock(tmp_path):
        pass


def test_a_missing_workspace_is_named(tmp_path):
    with (
        pytest.raises(WorkspaceError, match="nowhere cannot be written"),
        workspace_lock(tmp_path / "nowhere"),
    ):
        pass


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="system"),
        pytest.param(OSError(errno.EDQUOT, "Disk quota exceeded"), id="quota"),
        pytest.param(DeltaError("Generic: No space left on device (os error 28)"), id="delta"),
    ],
)
def test_a_full_disk_leaves_the_log_as_it_was(store, monkeypatch, error):
    add(store, [ROWS])

    def fail(*_, **__):
        (store.table / "part-orphan.parquet").touch()
        raise error

    monkeypatch.setattr(store_module, "write_deltalake", fail)

    with pytest.raises(DiskFullError):
        add(store, [ROWS])

    assert count(store) == 1
    assert not (store.table / "part-orphan.parquet").exists()


def test_too_little_room_is_told_before_writing(store):
    with pytest.raises(DiskFullError), store.writing():
        store.append([ROWS], room=2**62)

    assert not store.table.exists()


def test_an_error_behind_another_is_found():
    error = RuntimeError("the writer failed")
    error.__cause__ = OSError(errno.ENOSPC, "")

    assert is_disk_full(error)


def test_other_errors_of_the_writer_pass(store, monkeypatch):
    def fail(*_, **__):
        raise DeltaError("something else")

    monkeypatch.setattr(store_module, "write_deltalake", fail)

    with pytest.raises(DeltaError, match="something else"):
        add(store, [ROWS])


def test_an_error_while_making_rows_comes_through_whole(store):
    def frames():
        yield ROWS
        raise LookupError("the reason")

    with pytest.raises(LookupError, match=r"^the reason$"):
        add(store, frames())

    assert list(store.table.glob("*.parquet")) == []


def test_leftovers_of_a_killed_writer_are_removed(store, tmp_path):
    add(store, [ROWS])
    (tmp_path / ".staging").mkdir()
    (tmp_path / ".staging" / "started").touch()
    (store.table / "part-orphan.parquet").touch()

    add(store, [ROWS])

    assert count(store) == 2
    assert len(list(store.table.glob("*.parquet"))) == 2


def test_the_key_of_a_workspace_is_made_once(tmp_path):
    key = workspace_key(tmp_path)

    assert workspace_key(tmp_path) == key
    assert (len(key), (tmp_path / ".hash-key").stat().st_mode & 0o777) == (32, 0o600)


def test_a_damaged_key_is_refused(tmp_path):
    (tmp_path / ".hash-key").write_text("not hexadecimal\n")

    with pytest.raises(WorkspaceError, match="restore it from a backup"):
        workspace_key(tmp_path)


def test_another_key_gives_other_names():
    names = pl.Series(["Ann", "Bob", "Ann", None])

    first, second = (hashed(names, key=key * 32) for key in (b"a", b"b"))

    assert first.n_unique() == 3
    assert not set(first.drop_nulls()) & set(second.drop_nulls())
