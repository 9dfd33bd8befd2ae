"""What each format makes of its own peculiarities."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
import xlsxwriter

from sla_sniper.sources import Refusal, open_source

XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xmlns="http://www.xes-standard.org/">
  <global scope="event"><string key="concept:name" value="unknown"/></global>
  <!-- two traces, then an event without one -->
  <trace>
    <string key="concept:name" value="Case 1"/>
    <event><string key="concept:name" value="Assign"/><!-- by hand -->
      <date key="time:timestamp" value="2010-01-13T08:40:25.000+02:00"/></event>
    <event><string key="concept:name" value="Resolve"/>
      <list key="tags"><values><string key="tag" value="vip"/></values></list></event>
  </trace>
  <trace>
    <string key="concept:name" value="Case 2"/>
    <event><string key="concept:name" value=""/></event>
  </trace>
  <event><string key="concept:name" value="Import"/></event>
</log>
"""


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def workbook(tmp_path):
    def write(*rows):
        path = tmp_path / "log.xlsx"
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
            sheet = book.add_worksheet()
            for n, row in enumerate(rows):
                sheet.write_row(n, 0, row)
        return path

    return write


def read(path, **options):
    """Rows of a small file, `_row` last."""
    (batch,) = open_source(path, **options).batches()
    return batch.frame.rows()


class TestDelimited:
    @pytest.mark.parametrize(
        ("name", "options", "text"),
        [
            pytest.param("a.csv", {}, "id,state\n1,New\n", id="comma"),
            pytest.param("a.csv", {"delimiter": ";"}, "id;state\n1;New\n", id="semicolon"),
            pytest.param("a.tsv", {}, "id\tstate\n1\tNew\n", id="tab by ending"),
            pytest.param("a.txt", {"delimiter": "|"}, "id|state\n1|New", id="no last line end"),
            pytest.param("a.csv", {}, "\ufeffid,state\r\n1,New\r\n", id="BOM and CRLF"),
            pytest.param("A.CSV", {}, "\n\n id , state\n\n1,New\n\n", id="blank lines and spaces"),
            pytest.param("a.csv", {}, "id,state\r1,New\r", id="old Mac"),
        ],
    )
    def test_dialects_read_as_the_same_table(self, file, name, options, text):
        source = open_source(file(name, text), **options)

        assert source.columns() == ("id", "state")
        assert next(source.batches()).frame.rows() == [("1", "New", 1)]

    def test_values_keep_spaces_zeros_and_lines(self, file):
        path = file("a.csv", 'id,text\n007," two\n\nlines, ""quoted"" "\n')

        assert read(path) == [("007", ' two\n\nlines, "quoted" ', 1)]

    def test_null_values_and_empty_become_null(self, file):
        path = file("a.csv", 'id,group,note\n1,?,""\n2, ?,n/a\n')

        assert read(path, null_values=("?", "n/a")) == [("1", None, None, 1), ("2", " ?", None, 2)]

    def test_repeated_names_are_told_apart(self, file):
        path = file("a.csv", "Variant,Variant,Variant_2,,_row\n1,2,3,4,5\n")

        columns = open_source(path).columns()

        assert columns == ("Variant", "Variant_3", "Variant_2", "column_4", "_row_2")

    def test_a_header_name_may_hold_a_line_break(self, file):
        path = file("a.csv", '"opened\nat",id\n1,2\n')

        assert open_source(path).columns() == ("opened\nat", "id")
        assert read(path) == [("1", "2", 1)]

    def test_wrong_column_counts_are_refused_with_their_row(self, file):
        path = file("a.csv", 'a,b\n"1\n",2\n3\n4,5\n6,7,8\n')

        (batch,) = open_source(path).batches()

        assert batch.frame["_row"].to_list() == [1, 3]
        assert batch.refused == (
            Refusal(2, "wrong_column_count", "1 values instead of 2"),
            Refusal(4, "wrong_column_count", "3 values instead of 2"),
        )

    def test_only_refused_rows_still_make_a_batch(self, file):
        (batch,) = open_source(file("a.csv", "a,b\n1\n")).batches()

        assert batch.frame.schema == {"a": pl.String, "b": pl.String, "_row": pl.Int64}
        assert batch.refused == (Refusal(1, "wrong_column_count", "1 values instead of 2"),)

    def test_row_numbers_hold_over_many_blocks(self, file, monkeypatch):
        monkeypatch.setattr("sla_sniper.sources.delimited.BLOCK_BYTES", 512)
        lines = [f'{n},"x\n{n}"' if n % 7 else str(n) for n in range(1, 2001)]
        path = file("a.csv", "\n".join(["a,b", *lines]))

        batches = list(open_source(path).batches(rows=300))

        frame = pl.concat(batch.frame for batch in batches)
        assert frame["a"].cast(pl.Int64).to_list() == frame["_row"].to_list()
        assert sum(len(batch.refused) for batch in batches) + frame.height == 2000

    @pytest.mark.parametrize("end", ["", "\n"])
    @pytest.mark.parametrize("cell", ['""""', '""""""', '"a"""', '"x\n"', '5" disk', '""'])
    def test_odd_last_cells_are_no_open_quotes(self, file, cell, end):
        rows = read(file("a.csv", f"id,text\n1,{cell}{end}"))

        assert len(rows) == 1

    def test_a_quote_inside_a_value_is_itself(self, file):
        assert read(file("a.csv", 'id,text\n1,5" disk\n2,x\n'))[0] == ("1", '5" disk', 1)


class TestJson:
    def test_values_become_text_and_nested_json(self, file):
        record = {"s": "ü", "i": 7, "f": 2.5, "w": 3.0, "b": True, "n": None, "l": [1, {"a": "ü"}]}
        path = file("a.jsonl", json.dumps(record))

        assert read(path) == [("ü", "7", "2.5", "3", "true", None, '[1, {"a": "ü"}]', 1)]

    def test_columns_are_the_keys_of_all_lines(self, file):
        path = file("a.ndjson", '{"a": 1}\n{"b": 2, "a": 3}\n')

        assert open_source(path).columns() == ("a", "b")
        assert read(path) == [("1", None, 1), ("3", "2", 2)]

    def test_lines_that_are_no_objects_are_refused(self, file):
        path = file("a.jsonl", '\ufeff{"a": 1}\n\n{"a": \n[1]\n{"a": "\\ud83d"}\n{"a": 2}\n')

        (batch,) = open_source(path).batches()

        assert batch.frame.rows() == [("1", 1), ("2", 6)]
        assert [(refusal.row, refusal.reason) for refusal in batch.refused] == [
            (3, "not_json"),
            (4, "not_an_object"),
            (5, "not_json"),
        ]

    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    def test_bottomless_nesting_is_refused(self, file, opening):
        path = file("a.jsonl", '{"a": 1}\n' + opening * 100_000)

        (batch,) = open_source(path).batches()

        assert [refusal.reason for refusal in batch.refused] == ["not_json"]

    def test_an_array_refuses_what_is_no_object(self, file):
        path = file("a.json", ' [ {"a": NaN} , 5, {"a": "]"}\n]\n')

        (batch,) = open_source(path).batches()

        assert batch.frame.rows() == [(None, 1), ("]", 3)]
        assert batch.refused == (Refusal(2, "not_an_object", "a value that is no object"),)

    def test_lines_may_be_called_json(self, file):
        assert read(file("a.json", '{"a": 1}\n{"a": 2}\n')) == [("1", 1), ("2", 2)]

    def test_an_array_is_read_through_a_small_window(self, file, monkeypatch):
        monkeypatch.setattr("sla_sniper.sources.jsonlines.CHUNK", 3)
        path = file("a.json", json.dumps([{"a": n, "text": "]},[{" * n} for n in range(50)]))

        assert [row[0] for row in read(path)] == [str(n) for n in range(50)]


class TestParquet:
    def test_typed_columns_become_iso_text(self, tmp_path):
        moment = datetime(2024, 3, 31, 1, 30, 0, 500_000)
        frame = pl.DataFrame(
            {
                "naive": [moment],
                "aware": pl.Series([moment.replace(tzinfo=UTC)]).dt.convert_time_zone(
                    "Europe/Amsterdam"
                ),
                "date": [date(2024, 3, 31)],
                "time": [time(8, 30)],
                "length": [timedelta(hours=1)],
                "whole": [7.0],
                "part": [2.5],
                "missing": [float("nan")],
                "vast": [1e300],
                "money": [Decimal("3.00")],
                "flag": [True],
                "label": pl.Series(["high"], dtype=pl.Categorical),
                "raw": [b"text"],
                "nested": [{"a": [1, 2]}],
            }
        )
        frame.write_parquet(tmp_path / "a.parquet")

        assert read(tmp_path / "a.parquet") == [
            (
                "2024-03-31T01:30:00.500",
                "2024-03-31T03:30:00.500+02:00",
                "2024-03-31",
                "08:30:00",
                "PT1H",
                "7",
                "2.5",
                None,
                "1e+300",
                "3",
                "true",
                "high",
                "text",
                '{"a": [1, 2]}',
                1,
            )
        ]

    def test_row_numbers_run_on_over_batches(self, tmp_path):
        pl.DataFrame({"id": range(10)}).write_parquet(tmp_path / "a.parquet", row_group_size=4)

        batches = open_source(tmp_path / "a.parquet").batches(rows=3)

        rows = [row for batch in batches for row in batch.frame.rows()]
        assert rows == [(str(n), n + 1) for n in range(10)]


class TestSpreadsheet:
    def test_cells_become_iso_text(self, workbook):
        path = workbook(
            ["id", "opened", "n", "part", "flag", "note"],
            ["007", datetime(2024, 3, 31, 1, 30), 3, 2.5, True, " x "],
        )

        assert read(path) == [("007", "2024-03-31T01:30:00", "3", "2.5", "true", " x ", 1)]

    def test_blank_rows_are_counted_and_left_out(self, workbook):
        path = workbook([], ["id", "state"], ["1", "?"], [], ["2", "New"])

        assert read(path, null_values=("?",)) == [("1", None, 1), ("2", "New", 3)]


class TestXes:
    def test_each_event_is_a_row(self, file):
        source = open_source(file("a.xes", XES))

        (batch,) = source.batches()

        assert source.columns() == ("case:concept:name", "concept:name", "time:timestamp", "tags")
        assert batch.frame.rows() == [
            ("Case 1", "Assign", "2010-01-13T08:40:25.000+02:00", None, 1),
            ("Case 1", "Resolve", None, '[{"tag": "vip"}]', 2),
            ("Case 2", None, None, None, 3),
            (None, "Import", None, None, 4),
        ]

    def test_external_entities_are_never_read(self, file, tmp_path):
        (tmp_path / "secret").write_text("secret", encoding="utf-8")
        doctype = f'<!DOCTYPE log [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
        event = '<event><string key="a" value="1"><string key="b">&e;</string></string></event>'
        path = file("a.xes", f"{doctype}<log><trace>{event}</trace></log>")

        assert read(path) == [("1", 1)]
