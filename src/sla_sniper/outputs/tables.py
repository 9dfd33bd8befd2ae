"""Tables that leave the workspace: the public contract of their columns."""

from __future__ import annotations

from typing import Final

import polars as pl

PREDICTION_COLUMNS: Final = (
    "as_of",
    "ticket_id",
    "metric",
    "p_breach",
    "due_at",
    "slack_s",
    "cost",
    "expected_saving",
    "rank",
    "recommended",
    "reason_1",
    "reason_2",
    "reason_3",
    "model_version",
    "policy",
    "source",
    "priority",
    "group",
    "wall_slack_s",
    "act_by",
    "advice",
)
"""The contract's columns in its order, then what was added since; none is ever taken away."""


def predictions_table(predictions: pl.DataFrame) -> pl.DataFrame:
    """Predictions in the public order: by rank, then ticket and metric.

    Parameters
    ----------
    predictions : DataFrame
        Schema `core.schema.PREDICTIONS`.
    """
    return predictions.select(PREDICTION_COLUMNS).sort("rank", "ticket_id", "metric")
