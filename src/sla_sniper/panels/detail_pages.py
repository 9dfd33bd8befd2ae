"""Appendix pages of the diagnosis in detail: findings by money, the course of work, its legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.panels import theme
from sla_sniper.panels.decision_pages import prices
from sla_sniper.panels.diagnosis_pages import known
from sla_sniper.panels.document import Column, Note, Page, Sentence, Table
from sla_sniper.panels.drawings import Bar, Bars, Line, Lines, Point
from sla_sniper.panels.footnotes import Code, Figure, amount, counted, hours, named, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_sniper.diagnosis import Detail
    from sla_sniper.diagnosis.curves import Curves
    from sla_sniper.panels.facts import Facts
    from sla_sniper.stats import Interval

MOST_FINDINGS: Final = 6
_COLOURS: Final = (theme.SNIPER, theme.RULE, theme.INK, theme.MUTED)
_PARTS: Final = 8
"""Points of a curve up to twice its target."""


def detail_pages(facts: Facts) -> tuple[Page, ...]:
    """Findings, the course of the clocks and where their time went; none without a diagnosis."""
    found = facts.detail
    return () if found is None else tuple(_pages(facts, found))


def _pages(facts: Facts, found: Detail) -> Iterator[Page]:
    if found.findings:
        yield _findings(facts, found)
    if found.curves:
        yield _when(facts, found)
    if any(leg.missed > 0 for leg in found.legs):
        yield _legs(facts, found)


def _findings(facts: Facts, found: Detail) -> Page:
    sentence = facts.diagnosed(
        "finding.sentence", "A finding as `sniper diagnose` tells it; 95 % interval.", "sentence"
    )
    money = facts.diagnosed(
        "finding.money",
        "What the finding amounts to, in the sense of the last column; 95 % interval. Findings "
        "overlap and do not add up.",
        facts.currency,
    )
    # People are compared at a desk, by those who know them, and not on a slide.
    findings = [each for each in found.findings if not each.id.startswith("team:assignee=")]
    shown = findings[:MOST_FINDINGS]
    number = facts.diagnosed("finding.n", "Findings in all.", "findings")
    return Page(
        ("What costs most, of ", counted(number, len(findings)), " findings"),
        (
            Table(
                "findings",
                (Column("Finding", sentence), Column("Amount", money), Column("An amount")),
                tuple(
                    (
                        Figure(sentence, named(each.sentence, most=170), row=str(place)),
                        amount(money, known(each.money), row=str(place)),
                        each.meaning,
                    )
                    for place, each in enumerate(shown, start=1)
                ),
            ),
            Note(
                (
                    (
                        "Each is a place to look first, not a cause, and no saving. Tickets of the "
                        f"first: {named(shown[0].check, most=160)}. "
                    ),
                    *prices(facts),
                    " What the simplest rival, ",
                    Code(facts.rival),
                    ", saves in the replayed days: ",
                    facts.saving(facts.rival),
                    ".",
                )
            ),
        ),
        is_appendix=True,
    )


def _when(facts: Facts, found: Detail) -> Page:
    note = facts.diagnosed(
        "when.done",
        "Share of the clocks whose work was done by then, in time or late; clocks still open count "
        "as seen until the instant read. 95 % interval.",
        "share",
    )
    curves = found.curves[: len(_COLOURS)]
    told = (
        Figure(
            facts.diagnosed(f"when.{place}", "As `sniper diagnose` tells it.", "sentence"),
            curve.sentence,
        )
        for place, curve in enumerate(curves, start=1)
    )
    return Page(
        ("When work gets done, by priority",),
        (
            *(Sentence((each,)) for each in told),
            Lines(
                id="when",
                title="Share of tickets done, by how much of their target has passed",
                x_axis="Open time since the start, as a share of the target",
                y_axis="Share done",
                x_scale="share",
                y_scale="share",
                footnote=note,
                lines=tuple(
                    Line(
                        named(curve.level),
                        colour,
                        tuple(
                            Point(part, share(note, known(at), row=f"{curve.level} {part:g}"))
                            for part, at in _course(curve)
                        ),
                    )
                    for curve, colour in zip(curves, _COLOURS, strict=False)
                ),
                is_step=False,
            ),
        ),
        is_appendix=True,
    )


def _course(curve: Curves) -> Iterator[tuple[float, Interval]]:
    for part in np.linspace(0, 2, _PARTS + 1).tolist():
        yield part, curve.done.by(part * curve.target_hours)


def _legs(facts: Facts, found: Detail) -> Page:
    note = facts.diagnosed(
        "legs.hours",
        "Hours more that a missed target spent there than a met one, on average; open hours, but "
        "for those outside them. Of one still open: up to the instant read. 95 % interval.",
        "hours",
    )
    ends = facts.diagnosed("legs.cut", "As `sniper diagnose` tells it.", "sentence")
    shown = [leg for leg in found.legs if np.isfinite(leg.difference.estimate)]
    largest = sorted(found.legs, key=lambda leg: -leg.share_of_missed)[:3]
    parts = [
        facts.diagnosed(
            f"legs.share.{place}",
            f"Part of all wall time of missed targets, up to the instant read, that they spent "
            f"{leg.words}.",
            "share",
        )
        for place, leg in enumerate(largest, start=1)
    ]
    return Page(
        ("Where the time of missed targets went",),
        (
            *(
                Sentence(
                    (
                        f"{leg.words.capitalize()}: ",
                        share(part, {"estimate": leg.share_of_missed}),
                        " of their time.",
                    )
                )
                for leg, part in zip(largest, parts, strict=True)
            ),
            Sentence((Figure(ends, found.cut.sentence),)),
            Bars(
                id="legs",
                title="Hours more of a missed target than of a met one, with 95 % interval",
                axis="Hours",
                scale="number",
                footnote=note,
                rows=tuple(
                    Bar(
                        leg.words,
                        hours(note, known(leg.difference), row=leg.leg),
                        theme.SNIPER if place == 0 else theme.MUTED,
                    )
                    for place, leg in enumerate(shown)
                ),
            ),
        ),
        is_appendix=True,
    )
