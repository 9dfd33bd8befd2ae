"""The executive report: its pages in order, and the appendix that lets a reader check them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_sniper.panels import decision_pages as decision
from sla_sniper.panels import money_pages as money
from sla_sniper.panels.detail_pages import detail_pages
from sla_sniper.panels.diagnosis_pages import diagnosis_appendix, diagnosis_pages
from sla_sniper.panels.document import Column, Document, Note, Page, Sentence, Table
from sla_sniper.panels.facts import title_of
from sla_sniper.panels.footnotes import Code, Figure, Footnote, amount, coded, counted, share
from sla_sniper.panels.hinges_page import hinges_page, swing_name, swing_range
from sla_sniper.panels.year_page import projection_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sla_sniper.panels.facts import Facts

TITLE = "Which tickets to escalate, and what it saves"


def executive_report(facts: Facts) -> Document:
    """Write the report as a value; every format renders this one.

    Examples
    --------
    Every page says its point in its title, and every number has a footnote::

        document = executive_report(facts)
        for page in document.pages:
            print(words(page.title))
    """
    return Document(
        TITLE,
        facts.as_of,
        (
            decision.summary_page(facts),
            decision.problem_page(facts),
            *diagnosis_pages(facts),
            decision.proof_page(facts),
            decision.decision_page(facts),
            money.saving_page(facts),
            hinges_page(facts),
            projection_page(facts),
            money.ask_page(facts),
            limits_page(facts),
            policies_page(facts),
            swings_page(facts),
            *detail_pages(facts),
            *diagnosis_appendix(facts),
            made_of_page(facts),
        ),
    )


def limits_page(facts: Facts) -> Page:
    """What no replay can show."""
    given = facts.assumptions
    told = (given.limits, given.censoring, given.release)
    return Page(
        ("What this cannot show",),
        tuple(Sentence(coded(sentence)) for sentence in told),
        is_appendix=True,
    )


def policies_page(facts: Facts) -> Page:
    """Every way to choose, at the capacity."""
    columns = (
        Column("Policy"),
        Column("Escalated",
               facts.replayed("policies.chosen", "Tickets escalated, each once.", "tickets")),
        Column("Breach cost captured",
               facts.replayed("policies.captured",
                              "Share of the catchable breach cost that was escalated in time; "
                              "95 % interval over days, cut at 100 %.", "share")),
        Column("Of these breaching",
               facts.replayed("policies.precision",
                              "Share of the escalated tickets that would have breached; 95 % "
                              "interval over days.", "share")),
        Column("Net saving",
               facts.replayed("policies.net",
                              "Breach costs prevented minus costs of escalations; 95 % interval "
                              "over days.", facts.currency)),
    )  # fmt: skip
    return Page(
        ("Every way to choose, at ", facts.slots(), " escalations a day"),
        (
            Table("policies", columns, tuple(_policy(each, columns) for each in facts.results())),
            Note(
                ("Assumed, not measured: ", facts.assumed_briefly(), ". Simplest rival: ",
                 Code(facts.rival), (f" ({title_of(facts.rival)}). A ticket may be caught on "
                 "one day and breach on another, so the interval of a share is cut at 100 %."))
            ),
        ),
        is_appendix=True,
    )  # fmt: skip


def _policy(result: Mapping[str, Any], columns: tuple[Column, ...]) -> tuple[str | Figure, ...]:
    name = result["policy"]
    chosen, captured, precision, net = (each.footnote for each in columns if each.footnote)
    number = counted(chosen, result["n_chosen"])
    return (
        title_of(name),
        Figure(chosen, number.text, number.value, row=name),
        share(captured, result["captured_share"], row=name),
        share(precision, result["precision"], row=name),
        amount(net, result["net_saving"], row=name),
    )


def swings_page(facts: Facts) -> Page:
    """What each assumption moves."""
    found = facts.backtest["sensitivity"]
    keys = ("net_low", "net_high", "gain_low", "gain_high")
    rule = f"minus {found['rule']}"
    titles = ("Net saving at the low end", "at the high end", f"{rule}, low end", "high end")
    columns = (
        Column("Assumption"),
        *(
            Column(
                title,
                facts.replayed(
                    f"swings.{key}",
                    "Net saving of sniper with the assumption there and the tickets chosen anew"
                    + (f", minus that of {found['rule']}." if key.startswith("gain") else "."),
                    facts.currency,
                ),
            )
            for title, key in zip(titles, keys, strict=True)
        ),
    )
    notes = [column.footnote for column in columns if column.footnote]
    rows: tuple[tuple[str | Figure, ...], ...] = tuple(
        (
            f"{swing_name(each)}: {swing_range(facts, each)}",
            *(
                amount(note, {"estimate": each[key]}, row=each["name"])
                for note, key in zip(notes, keys, strict=True)
            ),
        )
        for each in found["swings"]
    )
    slots = facts.replayed("swings.capacity", "Escalations a day there.", "tickets")
    net = facts.replayed("swings.net", "Net saving of sniper as assumed there.", facts.currency)
    return Page(
        ("What the saving hangs on: one assumption moved at a time",),
        (
            Table("swings", columns, rows),
            Note(
                ("Net saving of the forecast at ", counted(slots, found["capacity"]),
                 " a day. As assumed it is ", amount(net, {"estimate": found["net"]}), "; ",
                 facts.assumed_briefly(), ". Simplest rival: ", Code(facts.rival), ", ",
                 facts.saving(facts.rival), ".")
            ),
        ),
        is_appendix=True,
    )  # fmt: skip


def made_of_page(facts: Facts) -> Page:
    """From which log and settings the numbers come."""
    told, log = facts.backtest, facts.log
    settings = {
        "replayed": ("Days replayed", f"{told['from']} to {told['to']}"),
        "epoch": ("A decision each", str(told["epoch"])),
        "model": ("Model, fitted anew", f"{told['model']}, {told['refit']}"),
        "stakes": ("Settings of promises and costs (fingerprint)", str(told["stakes"])),
    }
    known: dict[str, tuple[str, Figure]] = {
        "log.events": ("Events known", counted(_log("events"), log.n_events)),
        "log.tickets": ("Tickets known", counted(_log("tickets"), log.n_tickets)),
        "log.fingerprint": (
            "Event log (fingerprint)", Figure(_log("fingerprint"), log.fingerprint)
        ),
    }  # fmt: skip
    told_with = {
        name: (title, Figure(_setting(name), text)) for name, (title, text) in settings.items()
    }
    return Page(
        ("What this was made from",),
        (
            Table("made", (Column("What"), Column("Value")), tuple((known | told_with).values())),
            Note(
                ((f"Every number holds as of {facts.as_of}: nothing that was recorded later was "
                 "read. sniper verify recomputes all of them."),)
            ),
        ),
        is_appendix=True,
    )  # fmt: skip


def _log(name: str) -> Footnote:
    definitions = {
        "events": "Events recorded by the instant of the report.",
        "tickets": "Tickets with at least one of them.",
        "fingerprint": "SHA-256 over those events without hashed names, its first 16 digits.",
    }
    return Footnote(f"log.{name}", definitions[name], name, "sniper verify FILE.pptx")


def _setting(name: str) -> Footnote:
    definition = "Setting with which the past days were replayed."
    return Footnote(f"setting.{name}", definition, "setting", "sniper backtest --json")
