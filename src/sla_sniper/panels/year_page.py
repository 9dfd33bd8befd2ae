"""The page of a report that tells a year like the replayed days, as a range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sla_sniper.panels import theme
from sla_sniper.panels.document import Note, Page, Sentence
from sla_sniper.panels.drawings import Bar
from sla_sniper.panels.facts import pick, title_of
from sla_sniper.panels.footnotes import Code, Figure, amount, counted
from sla_sniper.panels.moved import DOUBLE, HALF, Moved
from sla_sniper.panels.phrases import drawn_amount, money_bars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.panels.drawings import Bars
    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Footnote, Text

WORKING_DAYS: Final = 250
"""Working days a year in the projection."""
_TOGETHER: Final = (
    "all at their {end} end together: the 95 % interval over days, the assumed range of "
    "effectiveness, and the costs of breaches and of an escalation from half to double"
)


def projection_page(facts: Facts) -> Page:
    """A year like the replayed days, as a range."""
    scale = WORKING_DAYS / facts.backtest["n_days"]
    ranges = _ranges(facts, scale)
    days = facts.configured("year.days", "Working days of a year: a convention.", "days")
    rival = facts.replayed(
        "year.rival",
        f"The amount saving.{facts.rival}, in {WORKING_DAYS} working days.",
        facts.currency,
    )
    ends = [
        amount(
            facts.replayed(f"year.{name}", f"A year with {_TOGETHER.format(end=end)}.",
                           facts.currency),
            {"estimate": ranges["together"][at]},
        )
        for name, end, at in (("least", "worse", "low"), ("most", "better", "high"))
    ]  # fmt: skip
    return Page(
        ("A year like these days saves between ", ends[0], " and ", ends[1],
         *_beyond(facts, scale)),
        (
            Sentence(
                (amount(_yearly(facts), ranges["days"]), " a year against escalating nobody, by ",
                 Code(facts.policy), ": that range comes from the days.")
            ),
            Sentence(
                ("Moved alone: effectiveness over its assumed range ",
                 *_two(facts, "effect", ranges["effect"]),
                 "; prices of breaches, half to double, ",
                 *_two(facts, "prices", ranges["prices"]), ".")
            ),
            Sentence(
                (("The title moves the days, effectiveness, prices of breaches and the cost of an "
                  "escalation together, with the tickets chosen as assumed."),)
            ),
            Sentence(
                ("That rule is the simplest rival itself, ", Code(facts.rival), ".")
                if facts.policy == facts.rival
                else ("The simplest rival, ", Code(facts.rival), ", comes to ",
                      amount(rival, scaled(facts.result(facts.rival)["net_saving"], scale)), ".")
            ),
            Sentence(_against(facts, scale)),
            Sentence(
                ("Assumes ", counted(days, WORKING_DAYS), " working days like the ", facts.days(),
                 " replayed, the same capacity and mix of tickets.")
            ),
            _year_bars(facts, ranges, scale),
            Note((facts.assumed_fully(),)),
        ),
    )  # fmt: skip


def scaled(interval: Mapping[str, Any], scale: float) -> dict[str, float | None]:
    """Multiply an amount and its interval."""
    return {
        key: None if interval[key] is None else interval[key] * scale
        for key in ("estimate", "low", "high")
    }


def _ranges(facts: Facts, scale: float) -> dict[str, dict[str, Any]]:
    """A year's net saving with each assumption moved alone, and with all of them together."""
    moved, given = Moved.of(facts, facts.policy), facts.assumptions
    value, least, most = given.effectiveness, given.effectiveness_low, given.effectiveness_high
    net = scaled(facts.result(facts.policy)["net_saving"], scale)
    low, high = facts.result(facts.policy)["net_saving_range"]

    def between(at_worse: float, at_better: float) -> dict[str, Any]:
        return net | {"low": scale * at_worse, "high": scale * at_better}

    return {
        "days": net,
        "effect": between(low, high),
        "prices": between(moved.net(value, prices=HALF), moved.net(value, prices=DOUBLE)),
        "together": between(
            moved.net(least, prices=HALF, fee=DOUBLE, end="low"),
            moved.net(most, prices=DOUBLE, fee=HALF, end="high"),
        ),
    }


def _beyond(facts: Facts, scale: float) -> Text:
    if not facts.is_claimed:
        return (", by a simple rule",)
    note = facts.replayed("year.beyond", "The amount year.gained without its interval.",
                          facts.currency)  # fmt: skip
    gained = {"estimate": facts.verdict["advantage"]["difference"] * scale}
    return (", as assumed ", amount(note, gained), " more than a simple rule")


def _against(facts: Facts, scale: float) -> Text:
    if not facts.is_claimed:
        return ("No advantage of the forecast is projected, because none is claimed.",)
    gained = facts.verdict["advantage"]
    yearly = scaled({"estimate": gained["difference"], **pick(gained, "low", "high")}, scale)
    note = facts.replayed(
        "year.gained", f"The difference gained, in {WORKING_DAYS} working days.", facts.currency
    )
    return ("Of that, against the simplest rival: ", amount(note, yearly), ".")


def _yearly(facts: Facts) -> Footnote:
    return facts.replayed(
        "year.saving",
        f"Net saving of the replayed days in {WORKING_DAYS} working days like them; brackets: "
        "95 % interval over days.",
        facts.currency,
    )


def _two(facts: Facts, name: str, range_: Mapping[str, Any]) -> tuple[Figure, str, Figure]:
    """Print both ends of a range."""
    what = {
        "effect": "effectiveness at the {end} end of its range",
        "prices": "every breach cost at its {end} end, half or double",
    }[name]
    least, most = (
        amount(
            facts.replayed(
                f"year.{name}_{end}",
                f"A year of {WORKING_DAYS} working days with {what.format(end=end)} and the "
                "tickets chosen as assumed.",
                facts.currency,
            ),
            {"estimate": range_[end]},
        )
        for end in ("low", "high")
    )
    return (least, " to ", most)


def _year_bars(facts: Facts, ranges: Mapping[str, Mapping[str, Any]], scale: float) -> Bars:
    note = facts.replayed(
        "year.bars", "A year's net saving; its line is the 95 % interval over days, or the range "
        "of what the bar names.", facts.currency,
    )  # fmt: skip
    told = {
        "days": ("the days alone", ranges["days"], theme.SNIPER),
        "effect": ("effectiveness alone", ranges["effect"], theme.SNIPER),
        "prices": ("prices of breaches alone", ranges["prices"], theme.SNIPER),
        "together": ("all together", ranges["together"], theme.SNIPER),
    }
    if facts.policy != facts.rival:
        rival = scaled(facts.result(facts.rival)["net_saving"], scale)
        told["rival"] = (f"rival: {title_of(facts.rival)}, the days", rival, theme.RULE)
    return money_bars(
        facts, "year", f"Net saving in a year by {title_of(facts.policy)}, and its range by",
        [Bar(name, drawn_amount(note, saved, row), colour)
         for row, (name, saved, colour) in told.items()],
    )  # fmt: skip
