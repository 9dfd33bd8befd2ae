"""The pages of a report that come from the diagnosis: the one place where more are added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.words import count
from sla_sniper.diagnosis.association import REST
from sla_sniper.diagnosis.summary import NEGLIGIBLE
from sla_sniper.panels import theme
from sla_sniper.panels.document import Note, Page, Sentence
from sla_sniper.panels.drawings import Bar, Bars
from sla_sniper.panels.footnotes import Figure, counted, named, ratio, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_sniper.diagnosis import Association, Diagnosis, Level
    from sla_sniper.panels.facts import Facts
    from sla_sniper.panels.footnotes import Footnote, Text
    from sla_sniper.stats import Interval

MOST_BARS: Final = 10
_EFFECT: Final = (
    "V measures how strongly a property goes with missed targets: 0 is not at all, 1 is entirely "
    "(Cramér's V, corrected for the number of values). It shows no cause. Each property as it was "
    "first recorded of the ticket."
)


def diagnosis_pages(facts: Facts) -> tuple[Page, ...]:
    """Where targets are missed and what goes with it, a page each."""
    return (where_page(facts), why_page(facts))


def diagnosis_appendix(facts: Facts) -> tuple[Page, ...]:
    """Everything that the diagnosis says, in its own sentences."""
    sentences = facts.diagnosis.sentences()
    told = tuple(
        Sentence((Figure(_sentence_note(facts, number), sentence),))
        for number, sentence in enumerate(sentences, start=1)
    )
    return (Page(("Diagnosis: every property that was looked at",), told, is_appendix=True),)


def missed_share(facts: Facts) -> Figure:
    """Print the share of decided targets that were missed."""
    definition = (
        f"Share of the targets of {facts.metric} that could have been missed by now and are "
        "decided that were missed or are overdue; Wilson's 95 % interval."
    )
    return share(facts.diagnosed("missed.share", definition, "share"), known(facts.diagnosis.rate))


def months_chart(facts: Facts) -> Bars | None:
    """Share missed by month of opening; None where there is nothing to compare."""
    months = facts.diagnosis.months[-MOST_BARS:]
    if len(months) < 2:  # noqa: PLR2004 - one month shows no course
        return None
    note = facts.diagnosed(
        "missed.month",
        "Share missed of the decided targets whose clock started in the month, in the zone of "
        "`[landmarks]`; Wilson's 95 % interval. Part of a month is what the log holds of its first "
        "or last one.",
        "share",
    )
    return Bars(
        id="missed-by-month",
        title="Share of targets missed, by month in which the clock started",
        axis="Share of targets missed",
        scale="share",
        footnote=note,
        rows=tuple(
            Bar(
                f"{each.month}{', part of it' if each.is_partial else ''}: "
                f"{count(each.n, 'target')}",
                share(note, known(each.rate), row=each.month),
                theme.PALE if each.is_partial else theme.MUTED,
            )
            for each in months
        ),
    )


def where_page(facts: Facts) -> Page:
    """On which values most misses fall, and how often each misses."""
    found = _strongest(facts.diagnosis)
    if found is None:
        said = "Nothing that is recorded of a ticket at its start tells where targets are missed."
        title = "No property of the tickets singles out where targets are missed"
        return Page((title,), (Sentence((said,)), *_empty(facts)))
    levels = _beyond(facts.diagnosis, found.levels)[:MOST_BARS]
    rates = facts.diagnosed(
        "where.rate",
        f"Share missed of the decided targets whose ticket was first recorded with this value of "
        f"{found.dimension}; exports have the last known one. Wilson's 95 % interval.",
        "share",
    )
    first = levels[0]
    beyond = facts.diagnosed(
        "where.beyond",
        "Targets that it missed, minus those it would have missed at the rate of all decided "
        "targets.",
        "targets",
    )
    largest = found.levels[0]
    places = {level: f"{place}" for place, level in enumerate(levels[:3], start=1)}
    told = [Sentence(_parts(facts, found, *each)) for each in places.items()]
    if largest not in places:
        of_largest = _parts(facts, found, largest, "most")
        told.append(Sentence((*of_largest[:-1], " of the targets: the most misses.")))
    return Page(
        (
            f"{named(first.level)} ({named(found.dimension)}) missed ",
            counted(beyond, _excess(facts.diagnosis, first)),
            " targets more than at the average rate",
        ),
        (
            *told,
            Sentence(
                (
                    (
                        "Ordered by misses beyond the average rate, for many misses can mean many "
                        "tickets. The bars show how often each value misses; over all tickets it "
                        "is "
                    ),
                    missed_share(facts),
                    ".",
                )
            ),
            Bars(
                id="where",
                title=f"Share of targets missed, by {named(found.dimension)} as first recorded",
                axis="Share of targets missed",
                scale="share",
                footnote=rates,
                rows=tuple(
                    Bar(
                        named(level.level),
                        share(rates, known(level.rate), row=str(place)),
                        theme.SNIPER if place == 1 else theme.MUTED,
                    )
                    for place, level in enumerate(levels, start=1)
                ),
            ),
        ),
    )


def _excess(diagnosis: Diagnosis, level: Level) -> float:
    """Targets missed beyond those that the rate of all targets would make of as many."""
    return level.n_missed - level.n * diagnosis.rate.estimate


def _beyond(diagnosis: Diagnosis, levels: Sequence[Level]) -> list[Level]:
    """Order values by their misses beyond the average; what was put together is no place to look.

    The largest group has the most misses also where it misses least often.
    """
    missing = [level for level in levels if level.n_missed]
    kept = [level for level in missing if level.level != REST] or missing
    return sorted(kept, key=lambda level: -_excess(diagnosis, level))


def _parts(facts: Facts, found: Association, level: Level, place: str) -> Text:
    """Print the share of all misses that fall on a value beside its share of all targets."""
    of_misses = facts.diagnosed(
        f"where.share.{place}",
        f"Share of all misses that fall on the value of {found.dimension} in this place.",
        "share",
    )
    of_targets = facts.diagnosed(
        f"where.targets.{place}",
        f"Share of all decided targets that fall on the value of {found.dimension} in this place.",
        "share",
    )
    return (
        f"{named(level.level)}: ",
        share(of_misses, {"estimate": level.share_of_misses}),
        " of all misses on ",
        share(of_targets, {"estimate": level.n / facts.diagnosis.n}),
        " of the targets.",
    )


def why_page(facts: Facts) -> Page:
    """How strongly each property goes with missing."""
    shown = [each for each in facts.diagnosis.associations if not np.isnan(each.v.estimate)]
    if not shown:
        title = "Nothing can be compared: all targets ended alike, or nothing is known of them"
        return Page((title,), _empty(facts) or (Sentence(("Nothing to compare.",)),))
    strongest = _strongest(facts.diagnosis)
    mechanical = [named(each.dimension) for each in shown if each.is_mechanical]
    weak = [each for each in shown if not each.v.is_above(NEGLIGIBLE)]
    small = [named(each.dimension) for each in weak if each.v.estimate < NEGLIGIBLE]
    unsure = [named(each.dimension) for each in weak if each.v.estimate >= NEGLIGIBLE]
    title = "Nothing goes more than negligibly with missing, apart from what sets the target"
    if strongest is not None:
        title = f"What goes with missing most is {named(strongest.dimension)}"
    note = facts.diagnosed("why.v", _EFFECT, "V, from 0 to 1")
    least = Figure(
        facts.diagnosed("why.negligible", "V below which a property is negligible.", "V"),
        f"V below {NEGLIGIBLE}",
    )
    sentences: list[Text] = [
        (
            (
                f"{', '.join(mechanical).capitalize()} sets the target itself: that it goes with "
                "missing is built in and says nothing about the teams (mechanical)."
            ),
        ),
        ("Negligible (", least, f"): {', '.join(small)}."),
        ("Not measurably more than that (", least, f"): {', '.join(unsure)}."),
        ("What goes together need not be a cause; each is a place to look first.",),
    ]
    keep = (bool(mechanical), bool(small), bool(unsure), True)
    rows = shown[:MOST_BARS] + [each for each in shown[MOST_BARS:] if each.is_mechanical]
    return Page(
        (title,),
        (
            *(Sentence(told) for told, is_kept in zip(sentences, keep, strict=True) if is_kept),
            Bars(
                id="why",
                title="How strongly each property goes with missed targets, with 95 % interval",
                axis="V: 0 not at all, 1 entirely",
                scale="number",
                footnote=note,
                rows=tuple(_strength(note, each, is_first=each is strongest) for each in rows),
            ),
            Note((_EFFECT,)),
        ),
    )


def _strength(note: Footnote, each: Association, *, is_first: bool) -> Bar:
    label = f"{named(each.dimension)}{' (mechanical)' if each.is_mechanical else ''}"
    colour = theme.PALE if each.is_mechanical else theme.MUTED
    figure = ratio(note, known(each.v), row=each.dimension)
    return Bar(label, figure, theme.SNIPER if is_first else colour)


def _strongest(diagnosis: Diagnosis) -> Association | None:
    """Return the property that goes most with missing and does not set the target."""
    for each in diagnosis.associations:
        if not each.is_mechanical and each.v.is_above(NEGLIGIBLE):
            return each
    return None


def _empty(facts: Facts) -> tuple[Sentence, ...]:
    if facts.diagnosis.n:
        return ()
    return (Sentence(("No target has been decided yet.",)),)


def _sentence_note(facts: Facts, number: int) -> Footnote:
    definition = "A sentence of the diagnosis as it is printed there; brackets: 95 % interval."
    return facts.diagnosed(f"diagnosis.{number}", definition, "sentence")


def known(interval: Interval) -> Mapping[str, float | None]:
    """Return an interval with None for what is undefined."""
    parts = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
    return {name: None if np.isnan(part) else float(part) for name, part in parts.items()}
