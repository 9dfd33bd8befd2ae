"""The kill list as a table in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.core.words import count
from sla_sniper.escalation.costs import SYMBOLS, money
from sla_sniper.panels.words import short_moment, wall_time, working_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_ROWS: Final = 5_000
"""Rows that a page draws at most; the rest is in the file."""


@dataclass(frozen=True, slots=True, eq=False)
class KillListPanel:
    """The tickets to escalate, in order.

    Attributes
    ----------
    headline : str
        How many are recommended, of how many.
    note : str
        What the reader has to know about the rows; empty where there is nothing.
    rows : polars.DataFrame
        ``Rank, Ticket, Priority, Group, Due in, Wall clock, p_breach`` (percent)``, Saving,
        Act by, Reason 1`` to ``3``, ``Would help``, ``Desk`` where there are several sources and
        ``Metric`` where there are several.
    saving_label : str
        Heading of ``Saving``, with the currency.
    act_by_label : str
        Heading of ``Act by``, with the zone.
    """

    headline: str
    note: str
    rows: pl.DataFrame
    saving_label: str
    act_by_label: str


def kill_list_panel(
    queue: pl.DataFrame,
    *,
    currency: str,
    timezone: str,
    show_all: bool,
    notes: Sequence[str] = (),
) -> KillListPanel:
    """Describe a kill list.

    Parameters
    ----------
    queue : polars.DataFrame
        Columns of `core.schema.PREDICTIONS`.
    currency : str
        Of the expected savings.
    timezone : str
        IANA name of the zone in which to write when to act.
    show_all : bool
        Whether to show the tickets beyond the recommended ones.
    notes : sequence of str
        Sentences that belong under the headline.
    """
    n_recommended = queue.filter("recommended")["rank"].n_unique()
    n_tickets = count(queue["rank"].n_unique(), "open ticket")
    shown = queue if show_all else queue.filter("recommended")
    cut = [f"The first {MOST_ROWS:,} rows are shown."] if shown.height > MOST_ROWS else []
    return KillListPanel(
        headline=f"Escalate {n_recommended:,} of {n_tickets} before their deadline",
        note=" ".join([*notes, *cut]),
        rows=_in_words(shown.sort("rank", "metric").head(MOST_ROWS), timezone),
        saving_label=f"Saving, {SYMBOLS.get(currency, currency)}",
        act_by_label=f"Act by, {timezone}",
    )


def slots_kept(price: float, currency: str) -> str:
    """Say that slots are left empty now, and what a ticket would have to save to take one.

    Examples
    --------
    >>> slots_kept(90, "USD").split(": ")[1]
    'one more ticket now would have to save more than $90.'
    """
    return (
        "Slots are kept for better tickets expected later today: one more ticket now would have "
        f"to save more than {money(price, currency)}."
    )


def _in_words(shown: pl.DataFrame, timezone: str) -> pl.DataFrame:
    several = shown["source"].n_unique() > 1
    metrics = shown["metric"].n_unique() > 1
    act_by = [short_moment(instant, timezone) for instant in shown["act_by"]]
    return shown.select(
        pl.col("rank").alias("Rank"),
        pl.col("ticket_id").alias("Ticket"),
        *([pl.col("source").alias("Desk")] if several else []),
        *([pl.col("metric").alias("Metric")] if metrics else []),
        pl.col("priority").fill_null("none").alias("Priority"),
        pl.col("group").fill_null("none").alias("Group"),
        _duration(shown["slack_s"], working_time).alias("Due in"),
        _duration(shown["wall_slack_s"], wall_time).alias("Wall clock"),
        (100 * pl.col("p_breach")).alias("p_breach"),
        pl.col("expected_saving").round().cast(pl.Int64).alias("Saving"),
        pl.Series("Act by", act_by, dtype=pl.String),
        *(_reason(f"reason_{n}").alias(f"Reason {n}") for n in (1, 2, 3)),
        _reason("advice").alias("Would help"),
    )


def _reason(name: str) -> pl.Expr:
    """Keep numbers and their units on one line."""
    return pl.col(name).fill_null("").str.replace_all(r"(\d) (%|(?:h|min|d|days)\b)", "$1\u00a0$2")


def _duration(seconds: pl.Series, words: Callable[[int], str]) -> pl.Series:
    """Write each duration; a clock without a deadline has none."""
    texts = ["" if value is None else words(value) for value in seconds]
    return pl.Series(seconds.name, texts, dtype=pl.String)
