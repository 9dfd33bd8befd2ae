"""Files that cannot be read: one clear sentence each, from the original error."""

import gzip
import io
import os
import pickle
import zipfile

import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter

from sla_sniper.core.errors import (
    ConfigurationError,
    DiskFullError,
    EmptyFileError,
    UnreadableFileError,
)
from sla_sniper.sources import open_source
from sla_sniper.sources.compression import plain_file, reading

CSV = "number,state\n" + "".join(f"INC{n},New {n * n}\n" for n in range(5000))


def parquet_bytes():
    buffer = io.BytesIO()
    pl.DataFrame({"number": ["INC1"]}).write_parquet(buffer)
    return buffer.getvalue()


def broken(data):
    """Flip the bits in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 255 for byte in data[middle : middle + 8]) + data[middle:]


def workbook_bytes(*rows):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return buffer.getvalue()


def zip_bytes():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("a.txt", "no workbook")
    return buffer.getvalue()


PACKED = gzip.compress(CSV.encode())
ZSTD = pa.compress(CSV.encode(), "zstd", asbytes=True)
TRACE = '<trace><event><string key="a" value="1"/></event></trace>'

UNREADABLE = {
    "unknown ending": ("a.xls", b"x", r"ending '.xls' names no format; use .csv, .tsv"),
    "no ending": ("a", b"x", "ending '' names no format"),
    "cut gzip": ("a.csv.gz", PACKED[:-20], "its gzip data is corrupt or cut off"),
    "broken gzip": ("a.csv.gz", broken(PACKED), "its gzip data is corrupt or cut off"),
    "no gzip": ("a.csv.gz", CSV.encode(), "its gzip data is corrupt or cut off"),
    "cut zstd": ("a.csv.zst", ZSTD[:-20], "its zstd data is corrupt or cut off"),
    "cut gzip of JSON": ("a.jsonl.gz", PACKED[:-20], "its gzip data is corrupt or cut off"),
    "cut gzip of XES": ("a.xes.gz", gzip.compress(b"<log/>")[:-4], "its gzip data is corrupt"),
    "cut gzip of Parquet": ("a.parquet.gz", PACKED[:-20], "its gzip data is corrupt or cut off"),
    "gzip as csv": ("a.csv", PACKED, "its content is gzip"),
    "zstd as xes": ("a.xes", ZSTD, "its content is zstd"),
    "Parquet as csv": ("a.csv", parquet_bytes(), "its content is Parquet"),
    "workbook as csv": ("a.csv", workbook_bytes(["a"]), "its content is a zip archive"),
    "binary as csv": ("a.csv", b"ab\x00\x01\n", "its content is binary"),
    "UTF-16": ("a.csv", "a,b\n1,2\n".encode("utf-16"), "not UTF-8 near row 1; save it as UTF-8"),
    "Latin 1": ("a.csv", 'a,b\n"1\n\n",2\n3,ü\n'.encode("latin-1"), "not UTF-8 near row 2; save"),
    "Latin 1 refused": ("a.csv", "a,b\nü\n".encode("latin-1"), "not UTF-8 near row 1; save it"),
    "Latin 1 header": ("a.csv", "ü,b\n1,2\n".encode("latin-1"), "not UTF-8 in its header; save"),
    "cut UTF-8": ("a.csv", "a,b\n1,ü".encode()[:-1], "not UTF-8 near row 1; save it as UTF-8"),
    "open quote": ("a.csv", b'a,b\n1,2\n3,"x\n5,6\n', "a quote in row 2 is never closed"),
    "open quote refused": ("a.csv", b'a,b\n1,2\n"3,4\n5,6\n', "a quote in row 2 is never closed"),
    "open header": ("a.csv", b'a,"b\n1,2\n', "its header is no line of column names"),
    "row too long": ("a.csv", b'a,b\n1,"' + b"x" * (5 << 20) + b'"\n', "a row is longer than"),
    "Latin 1 JSON": ("a.jsonl", '{"a": 1}\n{"a": "ü"}'.encode("latin-1"), "not UTF-8 near row 2"),
    "Latin 1 array": ("a.json", '[{"a": "ü"}]'.encode("latin-1"), "not UTF-8 near row 1"),
    "no objects": ("a.jsonl", b"[1]\n[2]\n", "it holds no JSON object with a key"),
    "pretty object": ("a.json", b'{\n"a": 1\n}', "it holds no JSON object with a key"),
    "cut array": ("a.json", b'[{"a": 1}, {"a": 2', "malformed or cut off after row 1"),
    "array and more": ("a.json", b'[{"a": 1}] [{"a": 2}]', "malformed or cut off after row 1"),
    "no Parquet": ("a.parquet", CSV.encode(), "it is no sound Parquet file"),
    "cut Parquet": ("a.parquet", parquet_bytes()[:-20], "it is no sound Parquet file"),
    "no workbook": ("a.xlsx", CSV.encode(), "it is no sound .xlsx workbook"),
    "another zip": ("a.xlsx", zip_bytes(), "it is no sound .xlsx workbook"),
    "cut XML": ("a.xes", f"<log>{TRACE}".encode(), "it is no well-formed XES"),
    "other XML": ("a.xes", b"<html><body/></html>", "its root is <html>, not <log>"),
}

EMPTY = {
    "no bytes": ("a.csv", b""),
    "no bytes, unpacked": ("a.csv.gz", gzip.compress(b"")),
    "only line ends": ("a.csv", b"\xef\xbb\xbf\r\n\r\n"),
    "only a header": ("a.csv", b"a,b\n\n"),
    "only a cut header": ("a.csv.gz", gzip.compress(b"a,b")),
    "blank lines": ("a.jsonl", b"\n \n"),
    "empty array": ("a.json", b" [ ] "),
    "no traces": ("a.xes", b"<log/>"),
    "empty sheet": ("a.xlsx", workbook_bytes()),
    "only a header row": ("a.xlsx", workbook_bytes(["a"])),
}


def read(path):
    return list(open_source(path).batches())


@pytest.mark.parametrize(("name", "content", "sentence"), UNREADABLE.values(), ids=UNREADABLE)
def test_damage_is_named_in_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UnreadableFileError, match=sentence):
        read(tmp_path / name)


@pytest.mark.parametrize(("name", "content"), EMPTY.values(), ids=EMPTY)
def test_a_file_without_rows_is_empty(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(EmptyFileError):
        read(tmp_path / name)


def test_a_parquet_file_without_rows_is_empty(tmp_path):
    pl.DataFrame(schema={"a": pl.String}).write_parquet(tmp_path / "a.parquet")

    with pytest.raises(EmptyFileError):
        read(tmp_path / "a.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"a\.csv cannot be read: there is no such file"):
        open_source(tmp_path / "a.csv")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UnreadableFileError, match="it is a folder"):
        open_source(tmp_path)


def test_a_pipe_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "a.csv")

    with pytest.raises(UnreadableFileError, match="it is no regular file"):
        open_source(tmp_path / "a.csv")


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "→"])
def test_an_impossible_delimiter_is_refused(tmp_path, delimiter):
    with pytest.raises(ConfigurationError, match="a delimiter is one ASCII character"):
        open_source(tmp_path / "a.csv", delimiter=delimiter)


def test_the_original_error_stays_attached(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(PACKED[:-20])

    with pytest.raises(UnreadableFileError) as caught:
        read(tmp_path / "a.csv.gz")

    assert isinstance(caught.value.__cause__, OSError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_file_of_misfits_stops_early(tmp_path, monkeypatch):
    monkeypatch.setattr("sla_sniper.sources.delimited.MAX_REFUSED_TOGETHER", 10)
    (tmp_path / "a.csv").write_text("a,b\n" + "1\n" * 11, encoding="utf-8")

    with pytest.raises(UnreadableFileError, match="rows together do not fit the header"):
        read(tmp_path / "a.csv")


def test_a_giant_workbook_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sla_sniper.sources.spreadsheet.MAX_UNPACKED_BYTES", 100)
    (tmp_path / "a.xlsx").write_bytes(workbook_bytes(["a"], ["1"]))

    with pytest.raises(UnreadableFileError, match="it unpacks to"):
        read(tmp_path / "a.xlsx")


def test_a_giant_json_line_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sla_sniper.sources.jsonlines.MAX_RECORD", 100)
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n' + "x" * 101, encoding="utf-8")

    with pytest.raises(UnreadableFileError, match="row 2 is longer than"):
        read(tmp_path / "a.jsonl")


def test_a_trace_never_gains_attributes_after_its_events(tmp_path):
    events = '<event><string key="a" value="1"/></event>' * 5000
    late = f'<log><trace>{events}<string key="b" value="2"/></trace></log>'
    (tmp_path / "a.xes").write_text(late, encoding="utf-8")

    with pytest.raises(UnreadableFileError, match="a trace has attributes after its events"):
        read(tmp_path / "a.xes")


def test_a_temporary_copy_is_gone_afterwards(tmp_path):
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(parquet_bytes()))

    with plain_file(tmp_path / "a.parquet.gz") as plain:
        copied = plain.read_bytes()

    assert copied == parquet_bytes()
    assert not plain.exists()


@pytest.mark.parametrize(
    ("error", "translated"),
    [
        pytest.param(OSError(28, "No space left"), DiskFullError, id="disk full"),
        pytest.param(PermissionError(13, "denied"), UnreadableFileError, id="permission"),
        pytest.param(EOFError(), UnreadableFileError, id="end of file"),
    ],
)
def test_errors_of_the_disk_are_translated(tmp_path, error, translated):
    with pytest.raises(translated), reading(tmp_path / "a.csv", "broken"):
        raise error
