"""Our clock against the help desk's own word, ticket by ticket, and why they part.

A disagreement gets a cause by trying: which single change to our rules, or which property of
the help desk's value, makes both say the same. A verdict is one bit, so an alternative also
makes tickets agree by chance; hence each is held against the tickets that agree already as
well, and those it would break are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.schema import INSTANT, TICKET_KEY
from sla_sniper.sla.reconcile_alternatives import CAUSES, alternatives, only_metric
from sla_sniper.sla.reconcile_facts import as_known, vendor_facts
from sla_sniper.sla.reconcile_readings import TOLERANCE, explained, judged, read_ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sla_sniper.sla.policy import ServiceLevels

STANDINGS: Final = ("compared", "nothing_told", "no_clock")
"""A ticket is compared; the help desk told nothing of it; or we time nothing on it."""
_MINUTE_US: Final = 60_000_000
_KEY: Final = list(TICKET_KEY)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Every ticket with both sides, and what each alternative would do to agreement.

    Attributes
    ----------
    tickets : DataFrame of n_tickets rows
        ``source, ticket_id, priority, standing`` (one of `STANDINGS`), ``state, our_breached,
        their_breached, our_due_at, their_due_at, verdict_agrees, due_agrees, agrees, cause,
        detail, explained_by`` (all causes that would make it agree). Null where there is
        nothing to say.
    tried : DataFrame
        ``cause, detail, explains, breaks``: tickets that an alternative brings to agreement,
        and tickets that agree now and would not.
    """

    tickets: pl.DataFrame
    tried: pl.DataFrame

    @classmethod
    def joined(cls, parts: Sequence[Comparison]) -> Comparison:
        """Join comparisons of different tickets."""
        tried = pl.concat([part.tried for part in parts])
        summed = tried.group_by("cause", "detail", maintain_order=True).sum()
        return cls(pl.concat([part.tickets for part in parts]).sort(_KEY), summed)


def compare(
    events: pl.DataFrame,
    levels: ServiceLevels,
    *,
    as_of: datetime,
    metric: str = "resolution_time",
) -> Comparison:
    """Compare the verdicts and deadlines of one metric with the help desk's own.

    Parameters
    ----------
    events : DataFrame
        Canonical events of whole tickets that were recorded by `as_of`, in order.
    levels : ServiceLevels
        Calendars and policies.
    as_of : datetime
        Aware instant.
    metric : str
        One of `core.schema.METRICS`; its latest cycle on each ticket is compared.

    Notes
    -----
    The verdict is compared where the help desk tells one, the deadline where both know one and
    it is not the help desk's by definition (``target = "vendor"``). Causes are tried in the
    order of `CAUSES`; the first that makes everything agree that was compared is taken.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from sla_sniper.core.schema import EVENTS
    >>> from sla_sniper.sla.policy import ServiceLevels
    >>> nothing = compare(
    ...     pl.DataFrame(schema=dict(EVENTS)), ServiceLevels({}, ()), as_of=datetime.now(UTC)
    ... )
    >>> nothing.tickets.height
    0
    """
    known, asked = as_known(events, as_of=as_of), only_metric(levels, metric)
    both = _both(known, asked, as_of=as_of)
    compared = both.filter(pl.col("standing") == "compared")
    # Also where all agree: what would break is summed over parts of a large log.
    columns = list(_tried(known, asked, compared, as_of=as_of))
    tried = pl.DataFrame([_tally(*each, compared["agrees"]) for each in columns])
    caused = _caused(compared, columns)
    rest = both.filter(pl.col("standing") != "compared")
    found = pl.concat([caused, rest], how="diagonal").sort(_KEY)
    return Comparison(_presented(found), tried)


def _both(known: pl.DataFrame, asked: ServiceLevels, *, as_of: datetime) -> pl.DataFrame:
    """Facts of the help desk beside ours, one row a ticket, and whether they agree."""
    ours = read_ours(known, asked, as_of=as_of)
    by_vendor = [p.name for p in asked.policies if any(t.is_vendor for t in p.targets)]
    is_own = pl.col("policy").is_in(by_vendor)
    facts = vendor_facts(known).rename({"vendor_breached": "their_breached"})
    rows = facts.join(ours, on=_KEY, how="left").with_columns(
        their_due=pl.when(~is_own).then("vendor_due_at")
    )
    either = pl.col("verdict_agrees").is_not_null() | pl.col("due_agrees").is_not_null()
    return judged(rows).with_columns(
        standing=pl.when(pl.col("breached").is_null())
        .then(pl.lit("no_clock"))
        .when(either)
        .then(pl.lit("compared"))
        .otherwise(pl.lit("nothing_told")),
        agrees=pl.all_horizontal(pl.col("verdict_agrees", "due_agrees").fill_null(value=True)),
        due_compared=pl.col("due_agrees").is_not_null(),
    )


def _tried(
    known: pl.DataFrame, asked: ServiceLevels, compared: pl.DataFrame, *, as_of: datetime
) -> Iterator[tuple[str, str, pl.Series]]:
    """Cause, detail, and whether each compared ticket agrees under it."""
    events = known.join(compared.select(_KEY), on=_KEY, how="semi", maintain_order="left")
    yield from _rounded(compared)
    for each in alternatives(asked):
        reading = read_ours(each.rewrite(events), each.levels, as_of=as_of)
        yield each.cause, each.detail, _agreement(reading, compared)
    yield "stale", "not refreshed", _is_stale(events, asked, compared, as_of=as_of)
    yield "stale", "not judged before the end", _is_early(compared)


def _agreement(reading: pl.DataFrame, compared: pl.DataFrame) -> pl.Series:
    """Whether each compared ticket agrees under another reading of it."""
    theirs = compared.select(*_KEY, "their_breached", "their_due", "due_compared")
    rows = theirs.join(reading, on=_KEY, how="left", maintain_order="left")
    return explained(judged(rows)) & rows["breached"].is_not_null()


def _rounded(compared: pl.DataFrame) -> Iterator[tuple[str, str, pl.Series]]:
    used, target = pl.col("elapsed_us"), pl.col("target_us")
    ways = {
        "down to the minute": used // _MINUTE_US * _MINUTE_US > target,
        "up to the minute": -(-used // _MINUTE_US) * _MINUTE_US > target,
        "exactly at target is late": used >= target,
    }
    for detail, is_late in ways.items():
        yield "rounding", detail, explained(judged(compared.with_columns(breached=is_late)))


def _is_stale(
    events: pl.DataFrame, asked: ServiceLevels, compared: pl.DataFrame, *, as_of: datetime
) -> pl.Series:
    """Whether the help desk's value was right when it was written.

    A deadline: equal to ours as of the row that brought it, with a verdict that follows from
    either. A verdict without a deadline in doubt: ours was the same when it was last told.
    """
    early = _until_deadline(events)
    reading = read_ours(early, asked, as_of=as_of).select(*_KEY, early_due="due_at")
    rows = compared.join(reading, on=_KEY, how="left", maintain_order="left")
    now = pl.lit(as_of, INSTANT)
    follows = pl.coalesce("fulfilled_at", now) > pl.col("their_due")
    theirs = pl.col("their_breached")
    was_due = (pl.col("early_due") - pl.col("their_due")).abs() <= TOLERANCE
    by_due = was_due & (theirs.is_null() | (theirs == follows) | (theirs == pl.col("breached")))
    was_met = ~theirs & pl.col("breached") & (pl.col("breached_at") >= pl.col("told_at"))
    was_late = theirs & ~pl.col("breached") & (pl.col("recorded_breach_at") <= pl.col("told_at"))
    by_verdict = pl.col("due_agrees").fill_null(value=True) & (was_met | was_late)
    is_apart = pl.col("due_agrees").fill_null(value=True).not_()
    found = pl.when(is_apart).then(by_due).otherwise(by_verdict | (was_due & (theirs == follows)))
    return rows.select(found=found.fill_null(value=False) | pl.col("agrees"))["found"]


def _is_early(compared: pl.DataFrame) -> pl.Series:
    """Whether ours is over time on an open ticket that the help desk has not judged yet."""
    is_early = (pl.col("state") == "overdue") & ~pl.col("their_breached")
    found = is_early & pl.col("due_agrees").fill_null(value=True)
    return compared.select(found=found.fill_null(value=False) | pl.col("agrees"))["found"]


def _until_deadline(events: pl.DataFrame) -> pl.DataFrame:
    """Rows of each ticket up to the one that brought the deadline now told."""
    due = pl.col("vendor_due_at").forward_fill().over(_KEY)
    is_new = due.is_not_null() & due.ne_missing(due.shift(1).over(_KEY))
    set_at = pl.col("recorded_at").filter(is_new).last().over(_KEY)
    return events.filter(pl.col("recorded_at") <= set_at)


def _tally(cause: str, detail: str, found: pl.Series, agrees: pl.Series) -> dict[str, object]:
    return {
        "cause": cause,
        "detail": detail,
        "explains": int((found & ~agrees).sum()),
        "breaks": int((~found & agrees).sum()),
    }


def _caused(compared: pl.DataFrame, columns: list[tuple[str, str, pl.Series]]) -> pl.DataFrame:
    """Add to each disagreeing ticket its first cause, which alternative, and all causes."""
    flags = [each[2].alias(f"_{number}") for number, each in enumerate(columns)]
    by_cause = {
        cause: [f"_{number}" for number, each in enumerate(columns) if each[0] == cause]
        for cause in CAUSES
    }
    is_apart = ~pl.col("agrees")
    causes = [
        pl.when(pl.any_horizontal(names) & is_apart).then(pl.lit(cause))
        for cause, names in by_cause.items()
        if names
    ]
    details = [
        pl.when((pl.col("cause") == cause) & pl.col(f"_{number}")).then(pl.lit(detail))
        for number, (cause, detail, _) in enumerate(columns)
    ]
    return (
        compared.with_columns(flags)
        .with_columns(
            cause=pl.coalesce(*causes, pl.when(is_apart).then(pl.lit("unexplained"))),
            explained_by=pl.concat_list(causes).list.drop_nulls(),
        )
        .with_columns(detail=pl.coalesce(details))
    )


def _presented(found: pl.DataFrame) -> pl.DataFrame:
    return found.select(
        *_KEY,
        "priority",
        "standing",
        "state",
        pl.col("breached").alias("our_breached"),
        "their_breached",
        pl.col("due_at").alias("our_due_at"),
        pl.col("vendor_due_at").alias("their_due_at"),
        "verdict_agrees",
        "due_agrees",
        pl.when(pl.col("standing") == "compared").then("agrees"),
        "cause",
        "detail",
        "explained_by",
    )
