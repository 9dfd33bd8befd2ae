"""The page of a report that tells what the saving hangs on, and where it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sla_sniper.core.words import percent
from sla_sniper.escalation.assumptions import price
from sla_sniper.escalation.costs import SYMBOLS
from sla_sniper.panels import theme
from sla_sniper.panels.document import Note, Page, Sentence
from sla_sniper.panels.drawings import Line, Lines, Point, Range
from sla_sniper.panels.footnotes import Code, Figure, amount
from sla_sniper.panels.moved import Moved
from sla_sniper.panels.phrases import break_even, small_print

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Footnote, Text
    from sla_sniper.panels.moved import End

_STEPS: Final = tuple(n / 10 for n in range(11))


def hinges_page(facts: Facts) -> Page:
    """Where escalating begins to pay, and which assumption moves it most."""
    swings = [
        Sentence(
            (f"{swing_name(each)}, ", _moved(facts, each, place), ": net saving of the forecast ",
             *swing_ends(facts, each, place), ".")
        )
        for place, each in enumerate(facts.backtest["sensitivity"]["swings"][:2], start=1)
    ]  # fmt: skip
    return Page(
        ("Escalating begins to pay once it prevents ", break_even(facts, facts.policy),
         " of the breaches it treats"),
        (
            *swings,
            Sentence(
                ("As assumed: ", facts.saving(facts.policy), " by ", Code(facts.policy),
                 "; the simplest rival, ", Code(facts.rival), ", ", facts.saving(facts.rival), ".")
            ),
            _by_effect(facts),
            Note(small_print(facts)),
        ),
    )  # fmt: skip


def _by_effect(facts: Facts) -> Lines:
    """Draw the net saving of the tickets that were chosen by the share that is prevented."""
    note = facts.replayed(
        "hinges.curve",
        "Net saving if effectiveness were this share, of the tickets chosen as assumed; zero at "
        "break-even. Band: 95 % interval over days, of the policy in force.",
        facts.currency,
    )
    given = facts.assumptions
    known = facts.result(facts.policy)["break_even_effectiveness"]
    ends = [known[end] if known[end] is not None else known["estimate"] for end in ("low", "high")]
    ranges = [Range("assumed", given.effectiveness_low, given.effectiveness_high)]
    if None not in ends and ends[1] <= 1:
        ranges.insert(0, Range("break-even", *ends))
    names = dict.fromkeys(("sniper", facts.rival))
    return Lines(
        id="break-even",
        title="Net saving by effectiveness, of the tickets chosen as assumed",
        x_axis="Share of escalated breaches that are prevented",
        y_axis=f"Net saving, {facts.currency}",
        x_scale="share",
        y_scale="money",
        footnote=note,
        lines=tuple(
            Line(name, colour, _points(facts, note, name))
            for name, colour in zip(names, (theme.SNIPER, theme.RULE), strict=False)
        ),
        symbol=SYMBOLS.get(facts.currency, f"{facts.currency} "),
        ranges=tuple(ranges),
    )


def _points(facts: Facts, note: Footnote, policy: str) -> tuple[Point, ...]:
    """Points at every tenth and where either line crosses zero."""
    moved = Moved.of(facts, policy)
    begins = {
        facts.result(each)["break_even_effectiveness"]["estimate"]: f"break_even_{each}"
        for each in ("sniper", facts.rival)
    }
    steps = {step: f"{step:.1f}" for step in _STEPS}
    steps |= {at: name for at, name in begins.items() if at is not None and at < 1}
    has_band = policy == facts.policy and facts.result(policy)["rescued_cost"]["low"] is not None
    ends: tuple[End, ...] = ("low", "high") if has_band else ()
    return tuple(
        Point(
            step,
            amount(
                note,
                {"estimate": moved.net(step)} | {end: moved.net(step, end=end) for end in ends},
                row=f"{policy}.{steps[step]}",
            ),
        )
        for step in sorted(steps)
    )


def swing_name(swing: Mapping[str, Any]) -> str:
    """Name an assumption that is moved."""
    names = {
        "effectiveness": "Share prevented",
        "intervention": "Cost of an escalation",
        "breach": "Every breach cost",
        "falls_over": "Working time before the deadline under which the effect falls",
    }
    return names.get(swing["name"]) or f"Cost of a {swing['name'].removeprefix('breach.')} breach"


def swing_range(facts: Facts, swing: Mapping[str, Any]) -> str:
    """Write both ends of an assumption with their unit."""
    ends = (swing["low"], swing["high"])
    if swing["name"] == "effectiveness":
        low, high = (percent(float(end)) for end in ends)
    elif swing["name"] == "intervention":
        low, high = (price(float(end), facts.currency) for end in ends)
    else:
        low, high = ends
    return f"{low}, or {high}" if high == "never" else f"{low} to {high}"


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
    return Figure(note, swing_range(facts, swing))
