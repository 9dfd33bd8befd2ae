"""Identities of rows: stable, and sensitive to what matters."""

from __future__ import annotations

import polars as pl

from sla_sniper.eventlog.identity import row_ids

ROWS = pl.DataFrame(
    {
        "ticket_id": ["INC1", "INC1", "INC2", "INC2"],
        "status": ["open", None, "", "open"],
        "group": [None, "open", "open", None],
        "sequence": [0, 0, 0, 0],
    }
)


def test_identities_are_the_same_for_ever():
    assert row_ids(ROWS).to_list() == [
        "3265d0f7111a460780199c1070d4b6cf",
        "6ac0fb6add3ee0c156e8634a94bdcc86",
        "9e86f337be2c87e1745d056cce8486b2",
        "5158530bbfb6c173348c1fb299e9b334",
    ]


def test_identities_tell_null_empty_and_column_apart():
    rows = pl.DataFrame({"a": [None, "", "x", None], "b": ["x", "x", None, None]})

    assert row_ids(rows).n_unique() == 4


def test_identities_depend_on_no_other_row():
    parts = [row_ids(ROWS[number]) for number in (3, 1, 0, 2)]

    assert pl.concat(parts).to_list() == row_ids(ROWS)[[3, 1, 0, 2]].to_list()


def test_identities_ignore_the_order_of_columns():
    assert row_ids(ROWS.select(reversed(ROWS.columns))).to_list() == row_ids(ROWS).to_list()


def test_a_column_of_nulls_changes_no_identity():
    wider = ROWS.with_columns(later=pl.lit(None, pl.String))

    assert row_ids(wider).to_list() == row_ids(ROWS).to_list()


def test_many_rows_have_distinct_identities():
    rows = pl.DataFrame({"ticket_id": [f"INC{n % 97}" for n in range(9_700)]}).with_row_index()

    assert row_ids(rows).n_unique() == 9_700
