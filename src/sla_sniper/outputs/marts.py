"""Our clocks in the columns of other people's models."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.instants import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Mapping

SLA_POLICIES: Final = "zendesk__sla_policies"
"""Name of the model in Fivetran's package `dbt_zendesk`."""
SLA_POLICY_COLUMNS: Final = (
    "sla_event_id",
    "source_relation",
    "ticket_id",
    "sla_policy_name",
    "metric",
    "sla_applied_at",
    "target",
    "in_business_hours",
    "priority_applied",
    "sla_breach_at",
    "sla_elapsed_time",
    "is_active_sla",
    "is_sla_breach",
)
"""Columns of the model in its order, as of version 1.7.0."""
_MINUTE_US: Final = 60 * SECOND_US
_DIGITS: Final = 4
_NULL: Final = "_dbt_utils_surrogate_key_null_"
_KEY: Final = ("source", "ticket_id", "metric", "applied_at", "policy", "cycle")


def zendesk_sla_policies(
    cycles: pl.DataFrame, *, in_business_hours: Mapping[str, bool]
) -> pl.DataFrame:
    """Clocks in the columns of Fivetran's ``zendesk__sla_policies``.

    Cancelled clocks are left out: the model has no row for what counts in no rate.

    Parameters
    ----------
    cycles : DataFrame
        Schema `core.schema.CYCLES`.
    in_business_hours : mapping of str to bool
        For each calendar, whether it ever closes.

    Returns
    -------
    DataFrame
        `SLA_POLICY_COLUMNS`. `target` and `sla_elapsed_time` are minutes; `sla_breach_at` is
        when the target was missed or met, the deadline of a clock that runs, null of one that
        stands. `is_active_sla` is true before the deadline; then `is_sla_breach` is null.

    References
    ----------
    https://github.com/fivetran/dbt_zendesk, ``models/zendesk__sla_policies.sql`` of 1.7.0
    """
    state = pl.col("state")
    is_active = state.is_in(["running", "paused"])
    is_missed = state.is_in(["missed", "overdue"])
    decided_at = pl.when(is_missed).then("breached_at").when(~is_active).then("fulfilled_at")
    shown = cycles.filter(state != "cancelled")
    calendars = dict(in_business_hours)
    return shown.select(
        _event_ids(shown),
        source_relation="source",
        ticket_id="ticket_id",
        sla_policy_name="policy",
        metric="metric",
        sla_applied_at="applied_at",
        target=pl.col("target_us") / _MINUTE_US,
        in_business_hours=pl.col("calendar").replace_strict(
            list(calendars), list(calendars.values()), default=None, return_dtype=pl.Boolean
        ),
        priority_applied="priority_applied",
        sla_breach_at=pl.when(is_active).then("due_at").otherwise(decided_at),
        sla_elapsed_time=(pl.col("elapsed_us") / _MINUTE_US).round(_DIGITS),
        is_active_sla=is_active,
        is_sla_breach=pl.when(~is_active).then(is_missed),
    ).select(SLA_POLICY_COLUMNS)


def _event_ids(cycles: pl.DataFrame) -> pl.Series:
    """Surrogate keys made as `dbt_utils` makes them, of the whole key of a clock."""
    parts = (pl.col(name).cast(pl.String).fill_null(_NULL) for name in _KEY)
    keys = cycles.select(pl.concat_str(*parts, separator="-")).to_series()
    ids = [md5(key.encode(), usedforsecurity=False).hexdigest() for key in keys]
    return pl.Series("sla_event_id", ids, dtype=pl.String)
