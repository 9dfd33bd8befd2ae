"""The pages of a report about money: what is saved and what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_sniper.panels.capacities import capacity_bars, not_shown
from sla_sniper.panels.document import Note, Page, Sentence
from sla_sniper.panels.facts import title_of
from sla_sniper.panels.footnotes import Code, Figure, amount
from sla_sniper.panels.phrases import (
    because,
    behind,
    break_even,
    short_gain,
    short_saving,
    small_print,
)

if TYPE_CHECKING:
    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Text


def saving_page(facts: Facts) -> Page:
    """What is saved, on which assumption, and what the simplest rival saves."""
    result = facts.result(facts.policy)
    low, high = result["net_saving_range"]
    title: Text = (
        "The forecast saves ", short_gain(facts), " more than the best simple rule, at ",
        facts.slots(), " escalations a day",
    )  # fmt: skip
    if not facts.is_claimed:
        title = ("A simple rule saves ", short_saving(facts), ("; the forecast adds nothing "
                 "measurable"))  # fmt: skip
    return Page(
        title,
        (
            Sentence(
                ("Escalating by ", Code(facts.policy), " would have saved ",
                 facts.saving(facts.policy), " net in ", facts.days(), " days.")
            ),
            Sentence(_rival_saves(facts)),
            Sentence(
                ("Forecast minus rule: ", facts.gained(), ". ", *_judged(facts),
                 *behind(not_shown(facts)))
            ),
            Sentence((facts.assumed_fully(),)),
            Sentence(
                ("Over that range of effectiveness alone: ", _at_effect(facts, "low", low), " to ",
                 _at_effect(facts, "high", high), ".")
            ),
            Sentence(
                ("Break-even effectiveness: ", break_even(facts, facts.policy),
                 ". One more slot a day: ", _one_more(facts), " over the period.")
            ),
            capacity_bars(facts),
            Note(("In brackets and as lines on the bars: 95 % interval over days.",)),
        ),
    )  # fmt: skip


def ask_page(facts: Facts) -> Page:
    """What is to be decided."""
    spent = facts.configured(
        "ask.a_day", "Slots a day times the cost of an escalation.", facts.currency
    )
    a_day = facts.capacity * facts.assumptions.intervention
    title: Text = ("We ask for ", facts.slots(), " escalations a day, chosen by the forecast")
    how: Text = ("Choose them by the forecast, as sniper queue lists them.",)
    if not facts.is_claimed:
        title = ("We ask for nothing on the forecast's account: a simple rule does as well",)
        how = ("If you escalate, choose by ", Code(facts.policy), (f" ({title_of(facts.policy)}): "
               "it needs no forecast."))  # fmt: skip
    return Page(
        title,
        (
            Sentence(how),
            Sentence(
                ("Set aside ", facts.slots(), " escalations a day: ",
                 amount(spent, {"estimate": a_day}), " a day at the listed price.")
            ),
            Sentence(
                (("Measure the effect: leave a few listed tickets alone, chosen by lot. What an "
                 "escalation prevents is assumed today, and it pays from "),
                 break_even(facts, facts.policy), " on.")
            ),
            Sentence(
                ("Look again: sniper monitor tells when the forecast no longer holds; ",
                 Code("sniper verify"), " recomputes every number of this report.")
            ),
            Sentence(
                ("Expected for it: ", facts.saving(facts.policy), " in ", facts.days(),
                 " days; ", *_rival_of(facts), ".")
            ),
            Note(small_print(facts)),
        ),
    )  # fmt: skip


def _rival_saves(facts: Facts) -> Text:
    chosen = f" ({title_of(facts.rival)}), chosen on {facts.verdict['chosen_on']}"
    if facts.policy == facts.rival:
        return ("That rule is the simplest rival itself, ", Code(facts.rival), f"{chosen}.")
    return ("The simplest rival, ", Code(facts.rival), f"{chosen}, would have saved ",
            facts.saving(facts.rival), ".")  # fmt: skip


def _judged(facts: Facts) -> Text:
    if facts.is_claimed:
        return ("That lies above zero.",)
    note = facts.replayed("unclaimed", "Why no advantage is claimed.", "sentence")
    told = f"{because('No advantage is claimed', facts)}."
    return (Figure(note, told) if facts.why else told,)


def _rival_of(facts: Facts) -> Text:
    return ("the simplest rival, ", Code(facts.rival), ", ", facts.saving(facts.rival))


def _one_more(facts: Facts) -> Figure:
    note = facts.replayed(
        "one_more_slot", f"Net saving of one more slot a day by {facts.policy}.", facts.currency
    )
    return amount(note, facts.result(facts.policy)["one_more_slot"]["saving"])


def _at_effect(facts: Facts, end: str, value: float) -> Figure:
    note = facts.replayed(
        f"saving.effect_{end}", f"Net saving at the {end} end of effectiveness.", facts.currency
    )
    return amount(note, {"estimate": value})
