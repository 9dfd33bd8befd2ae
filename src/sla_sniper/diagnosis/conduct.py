"""Gaming and blind spots: how a good rate can come about without good service.

Each is a count with examples and says nothing about intentions: a reopening is often the
requester's, and a pause just before the deadline may be a question that had to be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import count, percent
from sla_sniper.stats import Interval, wilson_interval

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

JUST: Final = 0.98
"""Share of the target from which a met one was met just so."""
LATE: Final = 0.9
"""Share of the target used from which a change comes just before the deadline."""
REOPENED_WITHIN: Final = 48
"""Hours after an end within which a reopening undoes it."""
MANY_PAUSES: Final = 3
AT_ONCE: Final = 60
"""Seconds within which nobody reads and answers."""
RECENT_DAYS: Final = 30
N_EXAMPLES: Final = 5
_OPEN: Final = ("running", "paused", "overdue")
_LOOKED_AT: Final = (
    "state", "elapsed_us", "target_us", "breached_at", "fulfilled_at", "reopened_after",
    "n_short_pauses", "paused_at", "relaxed_at", "first_reply_by", "first_reply_after",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Conduct:
    """One way in which a rate may look better than the service was.

    Attributes
    ----------
    name : str
        Its id: ``reopened``, ``just_met``, ``short_pauses``, ``late_pause``, ``robot_replies``,
        ``relaxed_late`` or ``old_overdue``.
    n, of : int
        Clocks found, and those that could have been; 0 of 0 where the log cannot tell.
    share : Interval
        With Wilson's interval.
    sentence, definition : str
        What was found, in neutral words; what exactly was counted.
    rows : ndarray of int
        The clocks found, as rows of those that were asked about.
    examples : tuple of str
        A few of their tickets, in order; with their source where there are several.
    """

    name: str
    n: int
    of: int
    share: Interval
    sentence: str
    definition: str
    rows: NDArray[np.int64] = field(repr=False)
    examples: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "name": self.name,
            "n": self.n,
            "of": self.of,
            "share": {
                "estimate": self.share.estimate,
                "low": self.share.low,
                "high": self.share.high,
            },
            "sentence": self.sentence,
            "definition": self.definition,
            "examples": list(self.examples),
        }


def histories(events: pl.DataFrame) -> pl.DataFrame:
    """Read from the events of whole tickets what `conduct` asks of them, one row a ticket.

    Returns
    -------
    DataFrame
        `TICKET_KEY`, `first_reply_by` and `first_reply_after` (seconds from the creation); null
        where the desk has not replied.
    """
    activity = pl.col("activity").fill_null("").str.split("+")
    replied = activity.list.contains("public_reply") & (
        pl.col("actor_role").fill_null("") != "requester"
    )
    marked = events.with_columns(_reply=replied)
    start = pl.col("occurred_at").filter(activity.list.contains("created")).first()
    waited = (pl.col("occurred_at").filter("_reply").first() - start).dt.total_microseconds() / 1e6
    return marked.group_by(TICKET_KEY, maintain_order=True).agg(
        first_reply_by=pl.col("actor_role").filter("_reply").first(),
        first_reply_after=waited,
    )


def conduct(clocks: pl.DataFrame, *, as_of: datetime) -> tuple[Conduct, ...]:
    """Look for what makes a rate look better than the service.

    Parameters
    ----------
    clocks : DataFrame
        One metric's courses (`courses.courses`) joined with `histories`, none cancelled.
    as_of : datetime
        Where the log is read.
    """
    clocks = clocks.select(
        *_LOOKED_AT, _row=pl.int_range(pl.len(), dtype=pl.Int64), _ticket=_ticket_name(clocks)
    )
    met = clocks.filter(pl.col("state") == "met")
    stopped = clocks.filter(pl.col("state").is_in(["met", "missed"]))
    used = pl.col("elapsed_us") / pl.col("target_us")
    return (
        _reopened(met),
        _just_met(met.filter(used <= 1)),
        _short_pauses(clocks),
        _late_pause(stopped),
        _robots(clocks),
        _relaxed(clocks),
        _old_overdue(clocks, as_of=as_of),
    )


def _ticket_name(clocks: pl.DataFrame) -> pl.Expr:
    is_alone = clocks["source"].n_unique() <= 1
    return pl.col("ticket_id") if is_alone else pl.format("{} {}", *TICKET_KEY)


def _reopened(met: pl.DataFrame) -> Conduct:
    found = met.filter(pl.col("reopened_after") <= REOPENED_WITHIN)
    return _conduct(
        "reopened",
        found,
        met,
        f"were reopened within {REOPENED_WITHIN} hours",
        "Met targets whose clock was stopped by the ticket's end, which was undone within "
        f"{REOPENED_WITHIN} hours of wall time.",
        noun="met target",
    )


def _just_met(met: pl.DataFrame) -> Conduct:
    """Met in the last two hundredths, against half of what the four before them saw."""
    used = pl.col("elapsed_us") / pl.col("target_us")
    found = met.filter(used >= JUST)
    width = 1 - JUST
    before = met.filter(used.is_between(JUST - 2 * width, JUST, closed="left")).height
    usual = before / 2
    return _conduct(
        "just_met",
        found,
        met,
        f"used {100 * JUST:.0f} to 100 % of it; the {200 * width:.0f} points "
        f"before that hold {count(before)}, so about {count(usual)} were to be expected",
        f"Met targets of which at least {100 * JUST:.0f} % was used, beside the two bands of the "
        "same width before it.",
        noun="met target",
    )


def _short_pauses(clocks: pl.DataFrame) -> Conduct:
    found = clocks.filter(pl.col("n_short_pauses") >= MANY_PAUSES)
    return _conduct(
        "short_pauses",
        found,
        clocks,
        f"had {MANY_PAUSES} pauses or more of under a quarter of an hour",
        "Clocks that a status stopped and started again within 15 minutes, three times or more.",
    )


def _late_pause(stopped: pl.DataFrame) -> Conduct:
    found = stopped.filter(pl.col("paused_at").is_between(LATE, 1))
    return _conduct(
        "late_pause",
        found,
        stopped,
        f"were last paused when {100 * LATE:.0f} % of the target or more had been used",
        f"Ended clocks whose last pause began between {100 * LATE:.0f} and 100 % of the target.",
    )


def _robots(clocks: pl.DataFrame) -> Conduct:
    replied = clocks.drop_nulls("first_reply_after")
    by_system = pl.col("first_reply_by").fill_null("") == "system"
    found = replied.filter(by_system | (pl.col("first_reply_after") <= AT_ONCE))
    return _conduct(
        "robot_replies",
        found,
        replied,
        f"got their first reply from a robot, or within {AT_ONCE} seconds",
        f"First public replies by the role `system`, or within {AT_ONCE} seconds of the creation.",
        nothing="The log has no public replies, so robots' first replies cannot be told.",
    )


def _relaxed(clocks: pl.DataFrame) -> Conduct:
    found = clocks.filter(pl.col("relaxed_at").is_between(LATE, 1))
    return _conduct(
        "relaxed_late",
        found,
        clocks,
        f"got a longer target when {100 * LATE:.0f} % of the old one or more had been used",
        "Clocks whose target grew, by a lower priority or another policy, between "
        f"{100 * LATE:.0f} and 100 % of the old one.",
    )


def _old_overdue(clocks: pl.DataFrame, *, as_of: datetime) -> Conduct:
    """A green rate of what was ended lately, beside tickets that are open and long past due."""
    since = pl.lit(as_of) - pl.duration(days=RECENT_DAYS)
    lately = clocks.filter(
        pl.col("state").is_in(["met", "missed"]) & (pl.col("fulfilled_at") > since)
    )
    n_met = lately.filter(pl.col("state") == "met").height
    ended = f"the {count(lately.height, 'clock')} ended in the last {RECENT_DAYS} days"
    rate = percent(n_met / lately.height) if lately.height else "none"
    lately_met = f"of {ended} {rate} were met"
    still_open = clocks.filter(pl.col("state").is_in(_OPEN))
    old = still_open.filter((pl.col("state") == "overdue") & (pl.col("breached_at") < since))
    return _conduct(
        "old_overdue",
        old,
        still_open,
        f"have been past their deadline for more than {RECENT_DAYS} days; {lately_met}",
        f"Open clocks whose target was used up more than {RECENT_DAYS} days ago: no rate of ended "
        "tickets holds them.",
        noun="open clock",
    )


def _conduct(  # noqa: PLR0913 - a finding has that many parts
    name: str,
    found: pl.DataFrame,
    among: pl.DataFrame,
    words: str,
    definition: str,
    *,
    noun: str = "clock",
    nothing: str = "",
) -> Conduct:
    n, of = found.height, among.height
    share = wilson_interval(n, of)
    told = f"{count(n)} of {count(of, noun)} ({percent(share.estimate)}) {words}."
    return Conduct(
        name=name,
        n=n,
        of=of,
        share=share,
        sentence=told if of else nothing or "No clock could show it.",
        definition=definition,
        rows=found["_row"].to_numpy(),
        examples=tuple(found["_ticket"].unique().bottom_k(N_EXAMPLES).sort().to_list()),
    )
