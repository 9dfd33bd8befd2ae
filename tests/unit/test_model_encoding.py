from __future__ import annotations

import json

import numpy as np
import polars as pl

from sla_sniper.model.encoding import Encoding
from sla_sniper.snapshots.features import Feature

FEATURES = (
    Feature("slack_h", "number", "deadline"),
    Feature("group", "category", "group"),
    Feature("attr_impact", "category", "impact"),
)
FRAME = pl.DataFrame(
    {
        "slack_h": [1.0, None, float("inf"), 4.0],
        "group": ["B", "A", "B", None],
        "attr_impact": [1, 2, 2, 3],
        "untold": ["x", "y", "z", "w"],
    }
)


def test_missing_and_infinite_numbers_are_nan():
    matrix = Encoding.fit(FRAME, FEATURES).transform(FRAME)

    assert np.array_equal(matrix[:, 0], [1.0, np.nan, np.nan, 4.0], equal_nan=True)


def test_frequent_levels_come_first():
    matrix = Encoding.fit(FRAME, FEATURES).transform(FRAME)

    assert np.array_equal(matrix[:, 1], [0.0, 1.0, 0.0, np.nan], equal_nan=True)


def test_unseen_levels_read_as_missing():
    encoding = Encoding.fit(FRAME, FEATURES)

    matrix = encoding.transform(FRAME.with_columns(group=pl.lit("C")))

    assert np.isnan(matrix[:, 1]).all()


def test_only_the_most_frequent_levels_stay():
    encoding = Encoding.fit(FRAME, FEATURES, max_levels=1)

    assert encoding.levels == {"group": ("B",), "attr_impact": ("2",)}


def test_row_order_does_not_change_the_codes():
    assert Encoding.fit(FRAME.reverse(), FEATURES) == Encoding.fit(FRAME, FEATURES)


def test_a_category_without_any_level_is_missing():
    empty = FRAME.with_columns(group=pl.lit(None, pl.String))

    assert np.isnan(Encoding.fit(empty, FEATURES).transform(FRAME)[:, 1]).all()


def test_an_encoding_survives_json():
    encoding = Encoding.fit(FRAME, FEATURES)

    assert Encoding.from_state(json.loads(json.dumps(encoding.state()))) == encoding


def test_no_rows_make_an_empty_matrix():
    assert Encoding.fit(FRAME, FEATURES).transform(FRAME.head(0)).shape == (0, 3)
