"""Two readings of the same tickets under two promises, held against each other.

Nothing here looks at time or money: it takes cycles as `sla.clock.cycles` returns them and says
where the verdicts part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import TICKET_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

BREACHED: Final = ("missed", "overdue")
"""States of a cycle that has used more than its target, open or not."""
VERDICTS: Final = ("none", "open", "met", "breached", "cancelled")
"""What became of one metric of one ticket; `none`: it has no clock."""

_CLOCK: Final = (*TICKET_KEY, "metric")
_TOLD: Final = ("policy", "priority_applied", "target_us", "elapsed_us", "due_at")


def is_breached() -> pl.Expr:
    """Whether each cycle is a breach: missed or overdue."""
    return pl.col("state").is_in(BREACHED)


def verdicts(cycles: pl.DataFrame) -> pl.DataFrame:
    """Reduce the cycles of each clock to one verdict.

    Parameters
    ----------
    cycles : DataFrame
        Schema `core.schema.CYCLES`.

    Returns
    -------
    DataFrame
        One row for each ticket and metric: ``source, ticket_id, metric, verdict``, one of
        `VERDICTS` but ``none``, and ``policy, priority_applied, target_us, elapsed_us, due_at``
        of the cycle that decides it: the first breach, else the latest one not cancelled.

    Examples
    --------
    >>> from datetime import datetime
    >>> key = {"source": "desk", "ticket_id": "1", "metric": "next_reply_time"}
    >>> told = dict.fromkeys(("policy", "priority_applied", "target_us", "elapsed_us", "due_at"))
    >>> told |= {"applied_at": datetime(2024, 4, 1)}
    >>> rows = [key | told | {"cycle": 1, "state": "missed"}]
    >>> rows += [key | told | {"cycle": 2, "state": "met"}]
    >>> verdicts(pl.DataFrame(rows))["verdict"].to_list()
    ['breached']
    """
    state = pl.col("state")
    is_open = state.is_in(["running", "paused"])
    verdict = (
        pl.when(is_breached().any())
        .then(pl.lit("breached"))
        .when(is_open.any())
        .then(pl.lit("open"))
        .when((state == "met").any())
        .then(pl.lit("met"))
        .otherwise(pl.lit("cancelled"))
    )
    # Breaches come first, the earliest ahead; of the rest the latest, cancelled ones behind.
    # Each policy may count its cycles anew, so the number alone does not tell which is later.
    sign = pl.when(is_breached()).then(1).otherwise(-1)
    begins = pl.col("applied_at").to_physical()
    ordered = cycles.sort(
        ~is_breached(), state == "cancelled", sign * begins, sign * pl.col("cycle"), "policy"
    )
    grouped = ordered.group_by(_CLOCK).agg(verdict.alias("verdict"), pl.col(_TOLD).first())
    return grouped.sort(_CLOCK)


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """List the clocks whose verdict is another one under the second promise.

    Parameters
    ----------
    before, after : DataFrame
        Cycles of the same tickets as of the same instant, schema `core.schema.CYCLES`.

    Returns
    -------
    DataFrame
        One row for each ticket and metric that changes, sorted by them: ``source, ticket_id,
        metric, before, after`` (verdicts, `VERDICTS`), then ``policy, priority_applied, target_us,
        elapsed_us, due_at`` with the endings ``_before`` and ``_after``; null without a clock.

    Examples
    --------
    >>> from sla_sniper.core.schema import CYCLES
    >>> none = pl.DataFrame(schema=dict(CYCLES))
    >>> changes(none, none).columns[:5]
    ['source', 'ticket_id', 'metric', 'before', 'after']
    """
    old, new = (
        _renamed(verdicts(part), end) for part, end in ((before, "before"), (after, "after"))
    )
    both = old.join(new, on=_CLOCK, how="full", coalesce=True)
    found = both.with_columns(pl.col("before", "after").fill_null("none"))
    told = [f"{name}_{end}" for name in _TOLD for end in ("before", "after")]
    return (
        found.filter(pl.col("before") != pl.col("after"))
        .select(*_CLOCK, "before", "after", *told)
        .sort(_CLOCK)
    )


def tally(before: pl.DataFrame, after: pl.DataFrame, *, by: Sequence[str]) -> pl.DataFrame:
    """Count clocks and breaches under both promises, by columns of the cycles.

    Parameters
    ----------
    before, after : DataFrame
        Cycles with the columns `by`.
    by : sequence of str
        What to count by.

    Returns
    -------
    DataFrame
        `by`, then ``clocks_before, clocks_after, breaches_before, breaches_after``: cycles
        that were not cancelled, and those of them that are breaches; sorted by `by`.

    Examples
    --------
    >>> was = pl.DataFrame({"group": ["L1", "L1"], "state": ["met", "missed"]})
    >>> tally(was, was.with_columns(state=pl.lit("missed")), by=["group"]).rows()
    [('L1', 2, 2, 1, 2)]
    """
    old, new = (_counted(part, by, end) for part, end in ((before, "before"), (after, "after")))
    both = old.join(new, on=list(by), how="full", coalesce=True, nulls_equal=True)
    counts = [f"{name}_{end}" for name in ("clocks", "breaches") for end in ("before", "after")]
    return both.select(*by, pl.col(counts).fill_null(0)).sort(by, nulls_last=True)


def _renamed(found: pl.DataFrame, end: str) -> pl.DataFrame:
    names = {name: f"{name}_{end}" for name in _TOLD}
    return found.rename({"verdict": end} | names)


def _counted(cycles: pl.DataFrame, by: Sequence[str], end: str) -> pl.DataFrame:
    live = cycles.filter(pl.col("state") != "cancelled")
    return live.group_by(*by).agg(
        pl.len().cast(pl.Int64).alias(f"clocks_{end}"),
        is_breached().sum().cast(pl.Int64).alias(f"breaches_{end}"),
    )
