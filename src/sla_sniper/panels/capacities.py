"""What came of the comparison with the best simple rule at every number of escalations a day.

One replayed capacity of four at which an advantage shows is another message than four of four. So
whoever reads the claim reads beside it what came of the others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.panels import theme
from sla_sniper.panels.drawings import Bar, Bars
from sla_sniper.panels.facts import pick
from sla_sniper.panels.footnotes import Figure, amount
from sla_sniper.panels.phrases import drawn_amount, money_bars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Text

_GAINED: Final = (
    "Net saving of sniper minus that of the best simple rule at so many escalations a day; 95 % "
    "interval over the same days."
)


def by_capacity(facts: Facts) -> Text:
    """Print the difference against the best simple rule at every replayed capacity."""
    parts: list[str | Figure] = ["Forecast minus the best simple rule: "]
    for place, told in enumerate(_advantages(facts)):
        # In a sentence a number is found again by its footnote, so each has its own.
        note = facts.replayed(f"gained_at.{told['capacity']}", _GAINED, facts.currency)
        gained = amount(note, _difference(told))
        # One number, since a raised mark right behind 10 reads as a power of it.
        joint = ["; "] if place else []
        parts += [*joint, replace(gained, text=f"at {told['capacity']:,} a day {gained.text}")]
    return (*parts, ".")


def not_shown(facts: Facts) -> Text:
    """Name the other replayed capacities without an advantage; empty where there are none.

    Only a claim needs it: without one no page says that there is an advantage.
    """
    others = [
        told["capacity"]
        for told in _advantages(facts)
        if told["capacity"] != facts.capacity and not told["claimed"]
    ]
    if not others or not facts.is_claimed:
        return ()
    note = facts.replayed(
        "not_shown", "Other replayed escalations a day without an advantage.", "tickets"
    )
    *first, last = (f"{each:,}" for each in others)
    listed = f"{', '.join(first)} and {last}" if first else last
    return ("At ", Figure(note, f"{listed} a day"), " no advantage is shown.")


def own_capacity(facts: Facts) -> Text:
    """Say which capacity the desk has, where another is told; empty where it is the one told."""
    if facts.per_day == facts.capacity:
        return ()
    note = facts.configured("capacity.own", "Escalations a day: [capacity] of sla.toml.", "tickets")
    own = Figure(note, f"{facts.per_day:,}", float(facts.per_day))
    return ("sla.toml has ", own, " escalations a day; told is ", facts.slots(),
            ", the nearest that was replayed.")  # fmt: skip


def capacity_bars(facts: Facts) -> Bars:
    """Draw the difference against the best simple rule, a bar for each replayed capacity."""
    note = facts.replayed("compared", _GAINED, facts.currency)
    return money_bars(
        facts, "compared", "Net saving of the forecast minus that of the best simple rule",
        [
            Bar(
                _named(told, facts),
                drawn_amount(note, _difference(told), str(told["capacity"])),
                theme.SNIPER if told["capacity"] == facts.capacity else theme.PALE,
            )
            for told in _advantages(facts)
        ],
    )  # fmt: skip


def _advantages(facts: Facts) -> Sequence[Mapping[str, Any]]:
    told = [verdict["advantage"] for verdict in facts.backtest["verdicts"]]
    return sorted(told, key=lambda advantage: int(advantage["capacity"]))


def _named(told: Mapping[str, Any], facts: Facts) -> str:
    """Name a bar; the rule too, where another than the one told is the best."""
    rule = "" if told["rule"] == facts.rival else f", minus {told['rule']}"
    return f"{told['capacity']:,} a day{rule}"


def _difference(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"estimate": told["difference"], **pick(told, "low", "high")}
