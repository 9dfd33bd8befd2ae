"""Laws: what was written is read back, whatever the format, the batch and the damage."""

import csv
import gzip
import io
import json
from itertools import chain

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_sniper.sources import open_source
from sla_sniper.sources.cells import unique_names

VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(VALUES, min_size=width, max_size=width), min_size=1, max_size=12
    )
)
BATCH_ROWS = st.integers(1, 15)
UNEVEN_ROWS = st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=30)


def csv_bytes(rows):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def names_of(rows):
    return [f"c{n}" for n in range(len(rows[0]))]


def as_csv(rows):
    return csv_bytes([names_of(rows), *rows])


def as_json_lines(rows):
    return "\n".join(json.dumps(dict(zip(names_of(rows), row, strict=True))) for row in rows)


def as_json_array(rows):
    return json.dumps([dict(zip(names_of(rows), row, strict=True)) for row in rows], indent=1)


def as_parquet(rows):
    buffer = io.BytesIO()
    pl.DataFrame(rows, schema=dict.fromkeys(names_of(rows), pl.String), orient="row").write_parquet(
        buffer
    )
    return buffer.getvalue()


def zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


WRITERS = {
    "log.csv": as_csv,
    "log.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "log.csv.zst": lambda rows: zstd(as_csv(rows)),
    "log.jsonl": lambda rows: as_json_lines(rows).encode(),
    "log.ndjson.zst": lambda rows: zstd(as_json_lines(rows).encode()),
    "log.json": lambda rows: as_json_array(rows).encode(),
    "log.json.gz": lambda rows: gzip.compress(as_json_array(rows).encode()),
    "log.parquet": as_parquet,
    "log.parquet.gz": lambda rows: gzip.compress(as_parquet(rows)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("laws")


@pytest.mark.parametrize("name", WRITERS)
@given(rows=TABLES, batch_rows=BATCH_ROWS)
def test_a_table_of_text_reads_back_equal(folder, name, rows, batch_rows):
    (folder / name).write_bytes(WRITERS[name](rows))

    batches = list(open_source(folder / name).batches(rows=batch_rows))

    frame = pl.concat(batch.frame for batch in batches)
    expected = [(*(value or None for value in row), n) for n, row in enumerate(rows, start=1)]
    assert frame.rows() == expected
    assert max(batch.frame.height for batch in batches) <= batch_rows


@given(rows=UNEVEN_ROWS, batch_rows=BATCH_ROWS)
def test_rows_in_are_rows_out_and_refused(folder, rows, batch_rows):
    path = folder / "uneven.csv"
    path.write_bytes(csv_bytes([["a", "b"], *rows]))

    batches = list(open_source(path).batches(rows=batch_rows))

    accepted = list(chain.from_iterable(batch.frame["_row"] for batch in batches))
    refused = [refusal.row for batch in batches for refusal in batch.refused]
    assert accepted == [n for n, row in enumerate(rows, start=1) if len(row) == 2]
    assert refused == [n for n, row in enumerate(rows, start=1) if len(row) != 2]


@given(st.lists(st.sampled_from(["a", " a", "a_2", "a_3", "", "column_1", "_row"]), max_size=8))
def test_names_are_unique_and_first_holders_keep_theirs(names):
    unique = unique_names(names)

    assert len(set(unique)) == len(names)
    kept = {name.strip() for name in names} - {"", "_row"}
    assert all(unique[[n.strip() for n in names].index(name)] == name for name in kept)


@pytest.mark.parametrize("name", ["log.csv.gz", "log.csv.zst", "log.ndjson.zst", "log.json.gz"])
@given(data=st.data())
def test_a_cut_file_is_never_read_as_whole(folder, name, data):
    rows = [["INC1", "New"], ["INC2", "Active"], ["INC3", "Closed"]]
    whole = WRITERS[name](rows)
    cut = data.draw(st.integers(1, len(whole) - 1))
    (folder / name).write_bytes(whole[:cut])

    with pytest.raises(Exception, match=r"cannot be read: its (gzip|zstd) data is corrupt"):
        list(open_source(folder / name).batches())
