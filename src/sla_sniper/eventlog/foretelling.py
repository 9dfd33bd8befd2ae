"""Columns that foretell what their row could not know: time travel between rows of a file.

Found by what the values do, not by what the columns are called. Every test learns on the older
tickets and is put to the newer ones; what is found holds there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.eventlog.first_rows import (
    MOVING,
    column_name,
    constant_share,
    level_means,
    older_and_newer,
    told_columns,
)
from sla_sniper.eventlog.mapping import BOOLEANS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sla_sniper.eventlog.mapping import Mapping

    Floats = NDArray[np.float64]

Severity: TypeAlias = Literal["error", "warning"]

MIN_TICKETS: Final = 50
"""Newer tickets below which nothing is found: a rank correlation of 0.9 among fewer is luck."""

RANK_ERROR, RANK_WARNING = 0.9, 0.8
"""Rank correlation with a ticket's future from which a column knows it. The best honest column
of the three public logs reaches 0.55 (the type of a request in Boston), a column computed from
the whole course of a ticket 1; two honest groups of quite different speed cannot pass 0.87."""

FILLED_ERROR, FILLED_WARNING = 0.1, 0.3
"""Share of tickets without an end that have a value, for each share of those with one. Columns
written at the end reach 0.01 at most; the least of the honest ones is 0.6: requests in Boston
without an address stay open longer."""

FILLED_AT_LEAST: Final = 0.2
MAPS_AT_LEAST, EQUALS_AT_LEAST = 0.9, 0.8
CONSTANT_AT_LEAST: Final = 0.985
_FLAG_SHARE: Final = 0.01
_SEEN: Final = 3
_NUMBERS: Final = 0.95


class Foretelling(NamedTuple):
    """A column that seems to know the future, and what shows it.

    Attributes
    ----------
    kind : str
        Stable name of the test.
    column : str
        As in the file.
    """

    kind: str
    severity: Severity
    column: str
    n_tickets: int
    sentence: str
    examples: tuple[str, ...] = ()


def foretellings(
    tickets: pl.DataFrame, rows: pl.DataFrame, mapping: Mapping
) -> Iterator[Foretelling]:
    """Look for columns whose first values foretell the course of their tickets.

    Parameters
    ----------
    tickets : DataFrame
        See `first_rows`.
    rows : DataFrame
        The rows they come from.
    mapping : Mapping
        How that source was read.
    """
    names = [name for name in told_columns(tickets) if tickets[name].n_unique() > 1]
    has_history = mapping.shape == "events"
    constant = constant_share(rows, names) if has_history else {}
    for name in (*names, *_filled_once(tickets, names)):
        column = column_name(name, mapping)
        found = [_filled_at_the_end(tickets, name, column)]
        if name in names:
            found.append(_knows_the_time(tickets, name, column))
        if name in names and has_history:
            found.append(_knows_the_rows(tickets, name, column))
        if constant.get(name, 0.0) >= CONSTANT_AT_LEAST:
            found += [_knows_who(tickets, name, column, moving) for moving in MOVING]
            found.append(_unchanging_flag(tickets, name, column))
        told = sorted(filter(None, found), key=lambda each: each.severity)
        yield from told[:1]  # one column, one finding: an error before a warning


def knowledge_of(values: pl.Series, foretold: Floats, future: Floats) -> float:
    """Rank correlation of a column with something to come, by its levels or as a number.

    Parameters
    ----------
    values : Series of String of shape (n,)
    foretold, future : ndarray of shape (n,)
        Mean of each value's older tickets, and what came.

    Examples
    --------
    >>> hours = np.array([1.0, 2.0, 3.0, 4.0])
    >>> knowledge_of(pl.Series(["1.5", "2.5", "3.5", "4.5"]), np.zeros(4), hours)
    1.0
    """
    by_level = abs(_spearman(foretold, future)) if np.ptp(foretold) > 0 else 0.0
    number = as_numbers(values)
    return by_level if number is None else max(by_level, abs(_spearman(number, future)))


def as_numbers(values: pl.Series) -> Floats | None:
    """Read texts as numbers; None where under 95 % of the filled ones are or all are equal."""
    read = values.cast(pl.Float64, strict=False)
    n_filled = values.len() - values.null_count()
    if not n_filled or read.len() - read.null_count() < _NUMBERS * n_filled or read.n_unique() < 2:  # noqa: PLR2004
        return None
    return read.fill_null(read.median()).fill_nan(0.0).to_numpy()


def _filled_once(tickets: pl.DataFrame, names: list[str]) -> list[str]:
    """Columns with one value and nulls: only whether they are filled can tell anything."""
    return [
        name
        for name in told_columns(tickets)
        if name not in names and tickets[name].null_count() > 0
    ]


def _filled_at_the_end(tickets: pl.DataFrame, name: str, column: str) -> Foretelling | None:
    """Filled from the first row on, but only in tickets that were to end.

    Compared among tickets that began in the same week, so that a column that came into use, or
    went out of it, is no leak.
    """
    filled, ended = pl.col(name).is_not_null(), pl.col("has_ended")
    weeks = (
        tickets.group_by(pl.col("first_at").dt.truncate("1w").alias("week"))
        .agg(
            ended.sum().cast(pl.Float64).alias("n1"),
            (~ended).sum().cast(pl.Float64).alias("n0"),
            (filled & ended).sum().cast(pl.Float64).alias("f1"),
            (filled & ~ended).sum().cast(pl.Float64).alias("f0"),
        )
        .filter((pl.col("n1") > 0) & (pl.col("n0") > 0))
        .sort("week")
    )
    if weeks["n0"].sum() < MIN_TICKETS // 2:
        return None
    weight = weeks["n1"] * weeks["n0"] / (weeks["n1"] + weeks["n0"])
    among_ended = float(np.average(weeks["f1"] / weeks["n1"], weights=weight))
    among_open = float(np.average(weeks["f0"] / weeks["n0"], weights=weight))
    if among_ended < FILLED_AT_LEAST or among_open > FILLED_WARNING * among_ended:
        return None
    is_sure = among_open <= FILLED_ERROR * among_ended
    sentence = (
        f"Column {column!r} is filled on the first row of {100 * among_ended:.0f} % of the tickets "
        f"that have ended and of {100 * among_open:.0f} % of those that have not, begun in the "
        f"same weeks: it is written when a ticket ends. {_remedy(column)}"
    )
    shown = tickets.filter(filled & ended)
    return _found("filled_at_the_end", "error" if is_sure else "warning", column, shown, sentence)


def _knows_the_time(tickets: pl.DataFrame, name: str, column: str) -> Foretelling | None:
    ended = tickets.filter(pl.col("hours_left").is_not_null())
    return _foretells(ended, name, column, ("hours_left", "how long the ticket would take"))


def _knows_the_rows(tickets: pl.DataFrame, name: str, column: str) -> Foretelling | None:
    return _foretells(tickets, name, column, ("n_after", "how many changes were still to come"))


def _foretells(
    tickets: pl.DataFrame, name: str, column: str, future: tuple[str, str]
) -> Foretelling | None:
    """Rank correlation of the first value with the future, on newer tickets."""
    outcome, words = future
    ranked = tickets.with_columns(pl.col(outcome).rank().cast(pl.Float64).alias("_rank"))
    older, newer = older_and_newer(ranked)
    told = level_means(older, newer, name, "_rank", weight=0.0)
    is_number = as_numbers(newer[name]) is not None
    # A value that no older ticket had says nothing, unless it is a number.
    seen = pl.Series((told["n_seen"] >= _SEEN).to_numpy() | is_number)
    tested, told = newer.filter(seen), told.filter(seen)
    if tested.height < MIN_TICKETS or tested["_rank"].n_unique() < 2:  # noqa: PLR2004
        return None
    rank = knowledge_of(
        tested[name], told["foretold"].fill_nan(0.0).to_numpy(), tested["_rank"].to_numpy()
    )
    if rank < RANK_WARNING:
        return None
    sentence = (
        f"Column {column!r} knows on a ticket's first row {words} (rank correlation {rank:.2f} "
        f"on {tested.height:,} newer tickets): it is computed from the whole course. "
        f"{_remedy(column)}"
    )
    severity: Severity = "error" if rank >= RANK_ERROR else "warning"
    return _found(f"knows_{outcome}", severity, column, tested, sentence)


def _knows_who(tickets: pl.DataFrame, name: str, column: str, moving: str) -> Foretelling | None:
    """Names, from the first row on, who has the ticket in the end."""
    if name == moving or moving not in tickets.columns:
        return None
    last = f"last_{moving}"
    pairs = tickets.drop_nulls([name, last])
    moved = pl.col(moving).ne_missing(pl.col(last))
    older, newer = older_and_newer(pairs)
    newer = newer.filter(moved)
    if newer.height < MIN_TICKETS:
        return None
    equals = float((newer[name] == newer[last]).mean() or 0.0)  # type: ignore[arg-type]
    modes = (
        older.group_by(name, last)
        .len()
        .sort([name, "len", last], descending=[False, True, False])
        .group_by(name, maintain_order=True)
        .agg(pl.col(last).first().alias("_mode"), pl.col("len").sum().alias("_n"))
    )
    known = newer.join(modes.filter(pl.col("_n") >= _SEEN), on=name)
    maps = 0.0
    if known.height >= MIN_TICKETS and known["_mode"].n_unique() > 2:  # noqa: PLR2004
        maps = float((known["_mode"] == known[last]).mean() or 0.0)  # type: ignore[arg-type]
    if equals < EQUALS_AT_LEAST and maps < MAPS_AT_LEAST:
        return None
    sentence = (
        f"Column {column!r} names on a ticket's first row the {moving} that it comes to later "
        f"({100 * max(equals, maps):.0f} % of {newer.height:,} newer tickets that move). "
        f"{_remedy(column)}"
    )
    severity: Severity = "error" if equals >= EQUALS_AT_LEAST else "warning"
    return _found(f"knows_last_{moving}", severity, column, newer, sentence)


def _unchanging_flag(tickets: pl.DataFrame, name: str, column: str) -> Foretelling | None:
    """A yes or no that never changes says perhaps what was done, not what is to be done."""
    shares = tickets[name].drop_nulls().str.to_lowercase().value_counts(normalize=True)
    is_flag = shares.height == 2 and set(shares[name]) <= set(BOOLEANS)  # noqa: PLR2004
    if not is_flag or float(shares["proportion"].min()) < _FLAG_SHARE:  # type: ignore[arg-type]
        return None
    sentence = (
        f"Column {column!r} is a yes or no that never changes within a ticket: if it tells what "
        "was done in the end, declare it in [stamped]."
    )
    shown = tickets.filter(pl.col(name).is_not_null())
    return _found("unchanging_flag", "warning", column, shown, sentence)


def _found(
    kind: str, severity: Severity, column: str, tickets: pl.DataFrame, sentence: str
) -> Foretelling:
    examples = tuple(tickets[TICKET_KEY[1]].head(3))
    return Foretelling(kind, severity, column, tickets.height, sentence, examples)


def _remedy(column: str) -> str:
    return f"Declare {column!r} in [stamped] of the mapping, or leave it out."


def _spearman(first: Floats, second: Floats) -> float:
    """Rank correlation, ties by their middle rank; 0 where one of both is constant."""
    ranks = [pl.Series(each).rank().to_numpy() for each in (first, second)]
    if np.ptp(ranks[0]) == 0 or np.ptp(ranks[1]) == 0:
        return 0.0
    return round(float(np.corrcoef(ranks[0], ranks[1])[0, 1]), 12)
