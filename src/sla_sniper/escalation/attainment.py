"""Contracts that pay on attainment: what one more breach would cost, and what is at risk.

A contract promises that at least a share of an account's clocks is met in a period, else a
credit is due. A breach then costs more than its own price where the account stands on the edge,
and nothing more where the period is already lost or safe. With `M` misses so far, `A` allowed
and `X` further ones among the rest, a breach loses the credit exactly if ``X = A - M``. `X` is
taken as binomial: the rest breach apart from each other at the account's own rate, shrunk
towards that of all accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from sla_sniper.core.instants import DAY_US
from sla_sniper.core.schema import TICKET_KEY

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

PERIODS: Final = {"week": "1w", "month": "1mo", "quarter": "1q"}
ARRIVAL_DAYS: Final = 28
"""Days before `as_of` from which arrivals in the rest of a period are expected."""
PRIOR_CLOCKS: Final = 20
"""Clocks that the rate of all accounts weighs against those of one account."""
_EDGE: Final = 1e-9  # 5 % of 40 clocks is two of them, whatever the floating point says


@dataclass(frozen=True, slots=True)
class Contract:
    """A credit that is due where too few clocks of an account are met in a period.

    Attributes
    ----------
    by : str
        Column that names the account, such as ``organization``.
    period : {"week", "month", "quarter"}
        Of the local date on which a clock ends: fulfilled, or due where it was not.
    at_least : float
        Share that has to be met, in (0, 1).
    credit : float
        What is due below it, in the currency of the cost table.
    metric : str or None
        The metric that counts; every one where None.
    accounts : tuple of str
        Accounts it holds for; every known one where empty.
    """

    by: str
    period: Literal["week", "month", "quarter"]
    at_least: float
    credit: float
    metric: str | None = None
    accounts: tuple[str, ...] = ()


def standings(
    cycles: pl.DataFrame,
    accounts: pl.DataFrame,
    contract: Contract,
    *,
    as_of: datetime,
    timezone: str,
) -> pl.DataFrame:
    """Count how each account stands in each period that is not over.

    Parameters
    ----------
    cycles : polars.DataFrame
        Every clock as of the instant; see `sla.clock.cycles`.
    accounts : polars.DataFrame
        ``source, ticket_id, account`` as known at the instant; null for none.
    contract : Contract
        What was promised.
    as_of : datetime
        Aware; nothing recorded later is in the other two.
    timezone : str
        Zone in which periods begin.

    Returns
    -------
    standings : polars.DataFrame
        ``account, period, met, missed, running, expected, rate``: the local date on which the
        period begins; clocks that ended in it and those that are due in it; arrivals still
        expected; the chance that one of the rest breaches. Cancelled clocks do not count.
    """
    zoned, every = pl.col("end").dt.convert_time_zone(timezone), PERIODS[contract.period]
    state = pl.col("state")
    counted = (
        _covered(cycles.join(accounts, on=TICKET_KEY), contract)
        .filter(state != "cancelled")
        .with_columns(
            met=state == "met",
            missed=state.is_in(["missed", "overdue"]),
            # A clock that stands still has no due date: it is expected to end in this period.
            end=pl.when(state == "met")
            .then("fulfilled_at")
            .otherwise(pl.coalesce("breached_at", "due_at"))
            .fill_null(as_of),
        )
        .with_columns(period=zoned.dt.truncate(every).dt.date())
    )
    local = as_of.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    now = pl.select(pl.lit(local).dt.truncate(every).dt.date().alias("period"))
    still = counted.filter(pl.col("period") >= now.item())
    is_rest = ~pl.col("met") & ~pl.col("missed")
    counts = still.group_by("account", "period").agg(
        pl.col("met").sum(), pl.col("missed").sum(), is_rest.sum().alias("running")
    )
    starts = pl.col("period").cast(pl.Datetime("us"))
    left = starts.dt.offset_by(every) - pl.max_horizontal(starts, pl.lit(local))
    days = left.dt.total_microseconds() / DAY_US
    return (
        _rates(counted, as_of)
        .join(pl.concat([now, still.select("period")]).unique(), how="cross")
        .join(counts, on=["account", "period"], how="left")
        .with_columns(
            pl.col("met", "missed", "running").fill_null(0).cast(pl.Int64),
            expected=pl.col("arrivals_a_day") * days,
        )
        .select("account", "period", "met", "missed", "running", "expected", "rate")
        .sort("period", "account")
    )


def exposure(standing: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Say what each account puts at risk.

    Returns
    -------
    exposure : polars.DataFrame
        The columns of `standings`, ``attainment`` (share met so far; null before any),
        ``allowed`` (misses that the whole period allows), ``p_below`` (chance to end below the
        promise), ``expected_credit`` and ``next_breach`` (credit that one more breach puts at
        risk), in currency; the greatest expected credit first.
    """
    rest = _rest(standing)
    allowed, room = _room(standing, rest, contract)
    rate = standing["rate"].to_numpy()
    # Imported late: only contracts need it.
    from scipy.stats import binom  # noqa: PLC0415

    below = np.where(room < 0, 1.0, binom.sf(np.maximum(room, 0), rest, rate))
    ended = pl.col("met") + pl.col("missed")
    return standing.with_columns(
        attainment=pl.when(ended > 0).then(pl.col("met") / ended),
        allowed=pl.Series(allowed),
        p_below=pl.Series(below),
        expected_credit=pl.Series(contract.credit * below),
        next_breach=pl.Series(contract.credit * _pivotal(room, np.maximum(rest - 1, 0), rate)),
    ).sort("expected_credit", "account", descending=[True, False])


def marginal_credit(
    clocks: pl.DataFrame, standing: pl.DataFrame, contract: Contract, *, timezone: str
) -> pl.Series:
    """Credit that the breach of each running clock would put at risk.

    Parameters
    ----------
    clocks : polars.DataFrame of n_clocks rows
        ``account, metric, due_at``.
    standing : polars.DataFrame
        See `standings`.

    Returns
    -------
    credit : polars.Series of shape (n_clocks,)
        Expected change of the credit, zero or more, in currency; zero without a contract.
    """
    zoned = pl.col("due_at").dt.convert_time_zone(timezone)
    place = pl.int_range(pl.len()).alias("_place")
    known = (
        _covered(clocks.with_columns(place, pl.col("account").cast(pl.String)), contract)
        .with_columns(period=zoned.dt.truncate(PERIODS[contract.period]).dt.date())
        .join(standing, on=["account", "period"])
    )
    rest = np.maximum(_rest(known) - 1, 0)
    room = _room(known, rest + 1, contract)[1]
    found = np.zeros(clocks.height)
    found[known["_place"].to_numpy()] = contract.credit * _pivotal(
        room, rest, known["rate"].to_numpy()
    )
    return pl.Series("credit", found)


def _covered(clocks: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Keep the clocks for which the contract holds."""
    kept = clocks.filter(pl.col("account").is_not_null())
    if contract.metric is not None:
        kept = kept.filter(pl.col("metric") == contract.metric)
    return kept.filter(pl.col("account").is_in(contract.accounts)) if contract.accounts else kept


def _rates(counted: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Arrivals a day and chance of a miss of each account, by all that is known of it."""
    ended = (pl.col("met") | pl.col("missed")).sum()
    missed = pl.col("missed").sum()
    totals = counted.select(missed=missed, ended=ended).row(0)
    overall = totals[0] / totals[1] if totals[1] else 0.0
    is_recent = pl.col("applied_at") > as_of - timedelta(days=ARRIVAL_DAYS)
    return counted.group_by("account").agg(
        arrivals_a_day=is_recent.sum() / ARRIVAL_DAYS,
        rate=(missed + PRIOR_CLOCKS * overall) / (ended + PRIOR_CLOCKS),
    )


def _rest(standing: pl.DataFrame) -> NDArray[np.int64]:
    """Clocks of the period that have not ended, those still expected included."""
    rest = standing["running"] + standing["expected"].round().cast(pl.Int64)
    return rest.to_numpy().astype(np.int64)


def _room(
    standing: pl.DataFrame, rest: NDArray[np.int64], contract: Contract
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Misses that a period allows in all, and those that are left of them."""
    total = (standing["met"] + standing["missed"]).to_numpy() + rest
    allowed = np.floor(total * (1 - contract.at_least) + _EDGE).astype(np.int64)
    return allowed, allowed - standing["missed"].to_numpy()


def _pivotal(
    room: NDArray[np.int64], others: NDArray[np.int64], rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Chance that exactly as many of the others miss as are allowed: one more then decides."""
    from scipy.stats import binom  # noqa: PLC0415

    return np.where(room < 0, 0.0, binom.pmf(np.maximum(room, 0), others, rate))
