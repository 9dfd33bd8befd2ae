"""Phrases and bars that several pages of a report share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sla_sniper.escalation.costs import SYMBOLS
from sla_sniper.panels.drawings import Bars
from sla_sniper.panels.facts import pick
from sla_sniper.panels.footnotes import Code, Figure, amount, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_sniper.panels.drawings import Bar
    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Footnote, Text


def small_print(facts: Facts) -> Text:
    """Say what the amounts of a page stand on, and what the simplest rival saves."""
    return (
        "Assumed, not measured: ", facts.assumed_briefly(), (". In brackets: 95 % interval over "
        "days. Simplest rival: "), Code(facts.rival), ", ", facts.saving(facts.rival), ".",
    )  # fmt: skip


def because(told: str, facts: Facts) -> str:
    """Add why a measured advantage is not claimed, unless that was said."""
    return f"{told}: {facts.why}" if facts.why and facts.why not in told else told


def behind(told: Text) -> Text:
    """Put a space before a sentence that follows another; nothing where there is none."""
    return (" ", *told) if told else ()


def break_even(facts: Facts, policy: str) -> Figure:
    """Print the share that has to be prevented for a policy to pay."""
    note = facts.replayed(
        f"break_even.{policy}",
        f"Share of treated breaches that {policy} has to prevent to pay for itself.", "share",
    )  # fmt: skip
    return share(note, facts.result(policy)["break_even_effectiveness"])


def short_saving(facts: Facts) -> Figure:
    """Print the net saving of what ranks, without its interval, for a title."""
    note = facts.replayed(
        "saving.short", f"Net saving of {facts.policy}, without its interval.", facts.currency
    )
    return amount(note, {"estimate": facts.result(facts.policy)["net_saving"]["estimate"]})


def short_gain(facts: Facts) -> Figure:
    """Print what the forecast saves more than the rule, without its interval."""
    note = facts.replayed(
        "gained.short", "The difference gained, without its interval.", facts.currency
    )
    return amount(note, {"estimate": facts.verdict["advantage"]["difference"]})


def money_bars(facts: Facts, name: str, title: str, rows: Sequence[Bar]) -> Bars:
    """Draw amounts of money as bars."""
    return Bars(
        id=name, title=title, axis=f"Net saving, {facts.currency}", scale="money",
        footnote=rows[0].figure.footnote, rows=tuple(rows),
        symbol=SYMBOLS.get(facts.currency, f"{facts.currency} "),
    )  # fmt: skip


def drawn_amount(note: Footnote, interval: Mapping[str, Any], row: str) -> Figure:
    """Print an amount for a bar: its interval is drawn where it is known."""
    return amount(note, {"estimate": interval["estimate"], **ends(interval)}, row=row)


def ends(interval: Mapping[str, Any]) -> dict[str, Any]:
    """Keep an interval only where it is known: a bar says nothing of one that is not."""
    return pick(interval, "low", "high") if interval["low"] is not None else {}
