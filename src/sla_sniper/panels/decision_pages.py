"""The pages of a report about the problem, the forecast and the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from sla_sniper.escalation.costs import money
from sla_sniper.panels import theme
from sla_sniper.panels.capacities import by_capacity, not_shown, own_capacity
from sla_sniper.panels.diagnosis_pages import missed_share, months_chart
from sla_sniper.panels.document import Column, Note, Page, Sentence, Table
from sla_sniper.panels.drawings import Bar
from sla_sniper.panels.facts import title_of
from sla_sniper.panels.footnotes import DASH, Code, Figure, amount, counted, ratio, share
from sla_sniper.panels.phrases import (
    because,
    behind,
    drawn_amount,
    money_bars,
    short_saving,
    small_print,
)
from sla_sniper.panels.words import age_of_claim, period

if TYPE_CHECKING:
    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Text

_SCORES: Final = ("random", "oldest", "priority", "edf", "priority_edf", "logistic", "sniper")
_UNBOUND: Final = ("nuke", "nobody")
_MOST_PRICES: Final = 6


def summary_page(facts: Facts) -> Page:
    """Return the one page for who reads one page."""
    title: Text = (
        "Escalating ", facts.slots(), " tickets a day by the forecast would have saved ",
        short_saving(facts), " in ", facts.days(), " days",
    )  # fmt: skip
    if not facts.is_claimed:
        title = (
            "The forecast shows no measurable advantage: rank by the rule ", Code(facts.policy),
            ", which would have saved ", short_saving(facts),
        )  # fmt: skip
    return Page(
        title,
        (
            Sentence(
                ("Of all decided targets ", missed_share(facts), " were missed.")
            ),
            Sentence(
                ("Replayed: ", facts.days(), " days, ", _period(facts), ", ", facts.slots(),
                 " escalations a day."),
            ),
            Sentence(("Net saving against escalating nobody: ", facts.saving(facts.policy), ".")),
            Sentence(_against(facts)),
            *(Sentence(told) for told in (not_shown(facts), own_capacity(facts)) if told),
            Sentence(("What we ask for: ", *_ask_briefly(facts), ".")),
            Note(small_print(facts)),
        ),
    )  # fmt: skip


def problem_page(facts: Facts) -> Page:
    """How many targets are missed, and what those cost that could have been escalated."""
    told, n = facts.backtest, facts.diagnosis
    missed = facts.diagnosed("missed.n", "Targets missed or overdue.", "targets")
    decided = facts.diagnosed("decided.n", "Targets met, missed or overdue.", "targets")
    tickets = facts.replayed(
        "catchable.tickets",
        "Tickets that breached in the replayed days and were running before.", "tickets",
    )  # fmt: skip
    cost = facts.replayed(
        "catchable.cost", "Their breaches at the prices of sla.toml: a total, not a sample.",
        facts.currency,
    )  # fmt: skip
    chart = months_chart(facts)
    title: Text = (missed_share(facts), " of the targets for ", facts.metric.replace("_", " "),
                   " were missed")  # fmt: skip
    if not n.n:
        title = ("No target has been decided yet",)
    return Page(
        title,
        (
            Sentence(
                (counted(missed, n.n_missed), " of ", counted(decided, n.n),
                 " decided targets of ", Code(facts.metric), " were missed.")
            ),
            Sentence(
                ("In the ", facts.days(), " replayed days ",
                 counted(tickets, told["catchable_tickets"]),
                 (" tickets breached that could have been escalated before; at the listed prices "
                 "of breaches that is "), amount(cost, {"estimate": told["catchable_cost"]}), ".")
            ),
            Sentence(
                ("At ", facts.slots(), " escalations a day the simplest rule, ",
                 Code(facts.rival), ", reaches ", _captured(facts, facts.rival),
                 " of that cost in time, the forecast ", _captured(facts, "sniper"), ".")
            ),
            *((chart,) if chart else ()),
            Note(prices(facts)),
        ),
    )  # fmt: skip


def proof_page(facts: Facts) -> Page:
    """How well the forecast ranks, beside every simple rule."""
    brier = facts.metric_of("sniper", "brier")
    note = facts.replayed(
        "proof.brier",
        "Mean squared error of the forecast probabilities: 0 is perfect, 0.25 is a coin.", "score",
    )  # fmt: skip
    told = ratio(note, brier)
    columns = _proof_columns(facts)
    return Page(
        _proof_title(facts),
        (
            Sentence(
                (("Take two running clocks, one that will breach and one that will not. How often "
                 "is the first ranked higher? Half the time by chance, always by an oracle."),)
            ),
            Sentence(
                ("Brier score of the forecast: ", told if told.value is not None else DASH,
                 ". It is the error of its probabilities: less is better.")
            ),
            Table("proof", columns, tuple(_proof_row(facts, columns, name) for name in _SCORES)),
            Note(
                (("In brackets: 95 % interval over days. The share is the area under the ROC curve "
                 "(AUC). A better ranking need not save money; that is judged apart."),)
            ),
        ),
    )  # fmt: skip


def decision_page(facts: Facts) -> Page:
    """What each way to choose would have saved."""
    note = facts.replayed(
        "decision.net",
        "Net saving of each policy over the replayed days against escalating nobody; 95 % "
        "interval over days.",
        facts.currency,
    )
    shown = [each for each in facts.results() if each["policy"] not in _UNBOUND]
    shown.sort(key=lambda each: -(each["net_saving"]["estimate"] or 0.0))
    colours = {"sniper": theme.SNIPER, facts.rival: theme.RULE, "oracle": theme.PALE}
    title: Text = ("At ", facts.slots(), (" escalations a day the forecast chooses better than "
                   "the best simple rule"))  # fmt: skip
    if not facts.is_claimed:
        title = (
            "At ", facts.slots(), (" escalations a day the forecast chooses not measurably better "
            "than a simple rule"),
        )  # fmt: skip
    everything = facts.replayed(
        "decision.nuke", "Net saving of escalating everything, whatever the capacity.",
        facts.currency,
    )  # fmt: skip
    nuke = facts.result("nuke")["net_saving"]
    return Page(
        title,
        (
            Sentence(("Verdict: ", _verdict(facts), *behind(not_shown(facts)))),
            Sentence(by_capacity(facts)),
            *((Sentence(own_capacity(facts)),) if own_capacity(facts) else ()),
            *_age(facts),
            Sentence(
                ("The oracle knows the future: no list can save more with as many slots.",)
            ),
            Sentence(
                ("Escalating everything would ignore the capacity and net ",
                 amount(everything, nuke), ".")
            ),
            replace(
                money_bars(
                    facts, "decision", "Net saving by way to choose, with 95 % interval over days",
                    [Bar(title_of(each["policy"]),
                         drawn_amount(note, each["net_saving"], each["policy"]),
                         colours.get(each["policy"], theme.FAINT)) for each in shown],
                ),
                axis=f"Net saving, {facts.currency}, over the replayed days",
            ),
            Note(small_print(facts)),
        ),
    )  # fmt: skip


def _proof_title(facts: Facts) -> Text:
    told = facts.metric_of("sniper", "auc")
    reference = title_of(told["reference"])
    is_better = told["difference_low"] is not None and told["difference_low"] > 0
    if not is_better:
        return (f"The forecast ranks tickets not measurably better than {reference}",)
    if facts.is_claimed:
        return (f"The forecast tells which tickets will breach, better than {reference}",)
    return (f"The forecast ranks better than {reference}, but that saves nothing measurable",)


def _proof_columns(facts: Facts) -> tuple[Column, ...]:
    ranked = "Share of pairs, one that breaches and one that does not, ranked rightly"
    told = facts.metric_of("sniper", "auc")
    return (
        Column("Ranking by"),
        Column("All days (AUC, pooled)",
               facts.replayed("proof.auc", f"{ranked}, over all landmarks.", "AUC")),
        Column("Within the same hour",
               facts.replayed("proof.auc_within", f"{ranked}, within a landmark.", "AUC")),
        Column(f"All days, minus {title_of(told['reference'])}",
               facts.replayed("proof.difference", "Paired difference of the pooled AUC.", "AUC")),
    )  # fmt: skip


def _proof_row(facts: Facts, columns: tuple[Column, ...], score: str) -> tuple[str | Figure, ...]:
    auc, within = (facts.metric_of(score, name) for name in ("auc", "auc_within_landmark"))
    notes = [column.footnote for column in columns if column.footnote]
    apart: str | Figure = ""
    if score != auc["reference"] and auc["difference"] is not None:
        told = {"estimate": auc["difference"], "low": auc["difference_low"],
                "high": auc["difference_high"]}  # fmt: skip
        apart = ratio(notes[2], told, row=score, sign="+")
    return (
        title_of(score), ratio(notes[0], auc, row=score), ratio(notes[1], within, row=score), apart
    )  # fmt: skip


def _verdict(facts: Facts) -> Figure:
    told = because(facts.sentence, facts)
    note = facts.replayed("verdict", "The only claim that the honesty gate lets print.", "sentence")
    return Figure(note, f"{told}.")


def _age(facts: Facts) -> tuple[Sentence, ...]:
    """Say how old a claim is, where it is old."""
    last = date.fromisoformat(facts.backtest["last_day"])
    age = age_of_claim(last, datetime.fromisoformat(facts.as_of).date())
    if not age or not facts.is_claimed:
        return ()
    note = facts.replayed(
        "claim.age", "Days from the last replayed day to the instant of the report.", "days"
    )
    return (
        Sentence(
            ("That claim is ", counted(note, age), " days old: replay later days to renew it.")
        ),
    )


def _against(facts: Facts) -> Text:
    told = (Code(facts.rival), f" ({title_of(facts.rival)})")
    if facts.policy == facts.rival:
        return ("That rule, ", *told, ", is the simplest rival itself; the forecast minus it: ",
                facts.gained(), ".")  # fmt: skip
    return ("The simplest rival, ", *told, ", would have saved ", facts.saving(facts.rival),
            "; the forecast minus that rule: ", facts.gained(), ".")  # fmt: skip


def _ask_briefly(facts: Facts) -> Text:
    if facts.is_claimed:
        return (facts.slots(), (" escalations a day, chosen by the forecast, and a trial of their "
                "effect"))  # fmt: skip
    return ("nothing on the forecast's account; escalate by ", Code(facts.policy),
            " and measure the effect")  # fmt: skip


def prices(facts: Facts) -> Text:
    """Say what a breach is assumed to cost, where amounts are such costs."""
    given = facts.assumptions
    listed = [
        f"{name} {money(cost, given.currency)}"
        for name, cost in list(given.breach.items())[:_MOST_PRICES]
    ]
    told = f"{', '.join(listed)}; any other {money(given.unlisted_breach, given.currency)}"
    note = facts.configured("prices", "Price of one breach: [costs] of sla.toml.", given.currency)
    return ("Assumed price of one breach: ", Figure(note, told), (". Brackets and lines on "
            "bars show 95 % intervals; the total of the prices is counted, not "
            "estimated."))  # fmt: skip


def _captured(facts: Facts, policy: str) -> Figure:
    note = facts.replayed(
        f"captured.{policy}",
        f"Share of the catchable breach cost that {policy} escalates in time; 95 % interval, cut "
        "at 100 %.",
        "share",
    )
    return share(note, facts.result(policy)["captured_share"])


def _period(facts: Facts) -> Figure:
    first, last = (date.fromisoformat(facts.backtest[key]) for key in ("first_day", "last_day"))
    note = facts.replayed("period", "First and last replayed day.", "dates")
    return Figure(note, period(first, last))
