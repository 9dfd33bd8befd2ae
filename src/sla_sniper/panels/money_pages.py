"""The pages of a report about money: what is saved, what it hangs on, a year of it, the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sla_sniper.escalation.costs import SYMBOLS
from sla_sniper.panels import theme
from sla_sniper.panels.capacities import capacity_bars, not_shown
from sla_sniper.panels.document import Note, Page, Sentence
from sla_sniper.panels.drawings import Bar, Bars, Line, Lines, Point
from sla_sniper.panels.facts import pick, title_of
from sla_sniper.panels.footnotes import Code, Figure, amount, counted
from sla_sniper.panels.phrases import (
    because,
    behind,
    break_even,
    drawn_amount,
    money_bars,
    short_gain,
    short_saving,
    small_print,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Text

WORKING_DAYS: Final = 250
"""Working days a year in the projection."""


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


def hinges_page(facts: Facts) -> Page:
    """Where escalating begins to pay, and which assumption moves it most."""
    found = facts.backtest["sensitivity"]
    note = facts.replayed(
        "hinges.curve",
        "Net saving if effectiveness is this share, with the tickets chosen anew; no interval.",
        facts.currency,
    )
    swings = [
        Sentence(
            (f"{swing_name(each)}, ", _moved(facts, each, place), ": net saving of the forecast ",
             *swing_ends(facts, each, place), ".")
        )
        for place, each in enumerate(found["swings"][:2], start=1)
    ]  # fmt: skip
    names = {"sniper": ("sniper", theme.SNIPER), "rule": (found["rule"], theme.RULE)}
    return Page(
        ("Escalating begins to pay once it prevents ", break_even(facts, facts.policy),
         " of the breaches it treats"),
        (
            *swings,
            Sentence(
                ("As assumed: ", facts.saving(facts.policy), " by ", Code(facts.policy),
                 "; the simplest rival, ", Code(facts.rival), ", ", facts.saving(facts.rival), ".")
            ),
            Lines(
                id="break-even",
                title=f"Net saving by effectiveness, at {found['capacity']} escalations a day",
                x_axis="Share of escalated breaches that are prevented",
                y_axis=f"Net saving, {facts.currency}",
                x_scale="share",
                y_scale="money",
                footnote=note,
                lines=tuple(
                    Line(
                        name,
                        colour,
                        tuple(
                            Point(
                                each["effectiveness"],
                                amount(note, {"estimate": each[key]},
                                       row=f"{key}.{each['effectiveness']:.1f}"),
                            )
                            for each in found["curve"]
                        ),
                    )
                    for key, (name, colour) in names.items()
                ),
                symbol=SYMBOLS.get(facts.currency, f"{facts.currency} "),
            ),
            Note(small_print(facts)),
        ),
    )  # fmt: skip


def projection_page(facts: Facts) -> Page:
    """A year like the replayed days, as a range."""
    result = facts.result(facts.policy)
    scale = WORKING_DAYS / facts.backtest["n_days"]
    saving = scaled(result["net_saving"], scale)
    low, high = (scale * each for each in result["net_saving_range"])
    known = [each for each in (saving["low"], saving["high"], low, high) if each is not None]
    ends = [
        amount(
            facts.replayed(f"year.{name}", definition, facts.currency), {"estimate": pick_of(known)}
        )
        for name, definition, pick_of in (
            ("least", "The least of the ends of both ranges of the year.", min),
            ("most", "The greatest of the ends of both ranges of the year.", max),
        )
    ]
    extra: Text = ("No advantage of the forecast is projected, because none is claimed.",)
    if facts.is_claimed:
        gained = facts.verdict["advantage"]
        yearly = scaled({"estimate": gained["difference"], **pick(gained, "low", "high")}, scale)
        note = facts.replayed(
            "year.gained", f"The difference gained, in {WORKING_DAYS} working days.", facts.currency
        )
        extra = ("Of that, against the simplest rival: ", amount(note, yearly), ".")
    year = facts.replayed(
        "year.saving",
        f"Net saving of the replayed days in {WORKING_DAYS} working days like them; brackets: "
        "95 % interval over days.",
        facts.currency,
    )
    days = facts.configured("year.days", "Working days of a year: a convention.", "days")
    rival = facts.replayed(
        "year.rival",
        f"The amount saving.{facts.rival}, in {WORKING_DAYS} working days.",
        facts.currency,
    )
    return Page(
        ("A year like these days saves between ", ends[0], " and ", ends[1],
         "" if facts.is_claimed else ", by a simple rule"),
        (
            Sentence(
                (amount(year, saving), " a year against escalating nobody, by ",
                 Code(facts.policy), ": that range comes from the days.")
            ),
            Sentence(
                ("Over the assumed range of effectiveness alone: ",
                 _yearly_effect(facts, "low", low), " to ", _yearly_effect(facts, "high", high),
                 " a year.")
            ),
            Sentence(
                ("That rule is the simplest rival itself, ", Code(facts.rival), ".")
                if facts.policy == facts.rival
                else ("The simplest rival, ", Code(facts.rival), ", comes to ",
                      amount(rival, scaled(facts.result(facts.rival)["net_saving"], scale)), ".")
            ),
            Sentence(extra),
            Sentence(
                ("Assumes ", counted(days, WORKING_DAYS), " working days like the ", facts.days(),
                 " replayed, the same capacity, costs and mix of tickets.")
            ),
            _year_bars(facts, saving, (low, high), scale),
            Note((facts.assumed_fully(),)),
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


def swing_name(swing: Mapping[str, Any]) -> str:
    """Name an assumption that is moved."""
    names = {
        "effectiveness": "Share prevented",
        "intervention": "Cost of an escalation",
        "breach": "Every breach cost",
        "falls_over": "Effect falls in the last hours, over",
    }
    return names.get(swing["name"]) or f"Cost of a {swing['name'].removeprefix('breach.')} breach"


def swing_ends(facts: Facts, swing: Mapping[str, Any], place: int) -> Text:
    """Print the net saving of the forecast at both ends of an assumption."""
    ends = [
        amount(
            facts.replayed(
                f"hinges.{end}.{place}",
                f"Net saving of sniper at the {end} end of the assumption in place {place}.",
                facts.currency,
            ),
            {"estimate": swing[f"net_{end}"]},
        )
        for end in ("low", "high")
    ]
    return (ends[0], " to ", ends[1])


def _moved(facts: Facts, swing: Mapping[str, Any], place: int) -> Figure:
    note = facts.configured(
        f"hinges.range.{place}",
        f"Ends of the assumption in place {place}: its interval, else half and double.",
        "setting",
    )
    return Figure(note, f"{swing['low']} to {swing['high']}")


def scaled(interval: Mapping[str, Any], scale: float) -> dict[str, float | None]:
    """Multiply an amount and its interval."""
    return {
        key: None if interval[key] is None else interval[key] * scale
        for key in ("estimate", "low", "high")
    }


def _year_bars(
    facts: Facts, saving: Mapping[str, Any], at_effect: tuple[float, float], scale: float
) -> Bars:
    note = facts.replayed(
        "year.bars", "A year's net saving: its lines are the 95 % interval over days, or the "
        "assumed range of effectiveness, as the bar says.", facts.currency,
    )  # fmt: skip
    rival = scaled(facts.result(facts.rival)["net_saving"], scale)
    ranged = {"estimate": saving["estimate"], "low": at_effect[0], "high": at_effect[1]}
    told = {
        "days": ("range from the days", saving, theme.SNIPER),
        "effect": ("range of effectiveness", ranged, theme.SNIPER),
    }
    if facts.policy != facts.rival:
        told["rival"] = (f"rival: {title_of(facts.rival)}", rival, theme.RULE)
    return money_bars(
        facts, "year", f"Net saving in a year by {title_of(facts.policy)}",
        [Bar(name, drawn_amount(note, saved, row), colour)
         for row, (name, saved, colour) in told.items()],
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


def _yearly_effect(facts: Facts, end: str, value: float) -> Figure:
    note = facts.replayed(
        f"year.effect_{end}",
        f"The amount saving.effect_{end}, in {WORKING_DAYS} working days.", facts.currency,
    )  # fmt: skip
    return amount(note, {"estimate": value})
