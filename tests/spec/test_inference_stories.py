"""Rules inferred from the verdicts of small desks, compared with texts that were checked by hand.

Each desk follows a rule that is known here, so a reader sees at once whether it was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.inference import infer
from sla_sniper.sla.inference_evidence import gather
from sla_sniper.sla.inference_words import duration_text, proposal, rule_words
from sla_sniper.usecases.reconcile import Inference

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "inference"
MONDAY = datetime(2024, 4, 8, 7, tzinfo=UTC)
AS_OF = MONDAY + timedelta(days=200)
HOUR = timedelta(hours=1)
ZONE = "Europe/Amsterdam"
ALWAYS = Calendar("always", ZONE, is_always_open=True)
WEEKDAYS = Calendar("weekdays", ZONE, (((0, 86_400),),) * 5 + ((), ()))
NINE_TO_FIVE = Calendar("nine", ZONE, (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
EIGHT_TO_EIGHT = Calendar("eight", ZONE, (((8 * 3600, 20 * 3600),),) * 5 + ((), ()))
NIGHTS = Calendar("nights", ZONE, (((20 * 3600, 30 * 3600),),) * 7)
OURS = {"always": ALWAYS}


@dataclass(frozen=True)
class Life:
    """How one ticket went."""

    number: int
    start: datetime
    waits: datetime
    goes_on: datetime
    resolved: datetime
    closed: datetime

    @property
    def worked(self) -> timedelta:
        return self.resolved - self.start - (self.goes_on - self.waits)


@dataclass(frozen=True)
class Tickets:
    """Tickets of one priority: how many, and which of them are late."""

    priority: str | None
    n: int
    is_late: Callable[[Life], bool]
    waiting: str = ""
    pace: float = 1
    closed_stamp: Callable[[Life], datetime] | None = None
    resolved_stamp: Callable[[Life], datetime] | None = None


def lives(n: int, seed: int, *, pace: float) -> list[Life]:
    """Invent tickets that start in five weeks and take up to four days, times a pace."""
    draw = np.random.default_rng(seed)
    found = []
    for number in range(n):
        start = MONDAY + timedelta(minutes=int(draw.integers(0, 35 * 24 * 60)))
        first, waited, second, closing = (
            timedelta(minutes=int(draw.integers(1, most * pace)))
            for most in (2000, 1500, 2500, 9000)
        )
        waits, goes_on = start + first, start + first + waited
        resolved = goes_on + second
        found.append(Life(number, start, waits, goes_on, resolved, resolved + closing))
    return found


def rows_of(make_event, tickets: Tickets, seed: int) -> list[dict]:
    rows = []
    for life in lives(tickets.n, seed, pace=tickets.pace):
        steps = [(life.start, "new"), (life.resolved, "resolved"), (life.closed, "closed")]
        if tickets.waiting:
            steps[1:1] = [(life.waits, tickets.waiting), (life.goes_on, "open")]
        told = {"vendor_breached": bool(tickets.is_late(life))}
        if tickets.closed_stamp:
            told["vendor_closed_at"] = tickets.closed_stamp(life)
        if tickets.resolved_stamp:
            told["vendor_resolved_at"] = tickets.resolved_stamp(life)
        for place, (at, status) in enumerate(steps):
            activity = "created" if place == 0 else "status"
            values = {"status": status, "priority": tickets.priority, "sequence": place}
            last = told if place == len(steps) - 1 else {}
            name = f"{tickets.priority}-{life.number:03}"
            rows.append(make_event(name, at, activity, **values, **last))
    return rows


def within(hours: float, calendar: Calendar = ALWAYS) -> Callable[[Life], bool]:
    """Late after so many open hours until resolved."""
    return lambda life: calendar.elapsed(life.start, life.resolved) > hours * HOUR


def until_closed(hours: float) -> Callable[[Life], bool]:
    return lambda life: life.closed - life.start > hours * HOUR


def by_chance(life: Life) -> bool:
    return life.number * 7 % 11 < 5


def mostly(rule: Callable[[Life], bool], *, wrong_every: int) -> Callable[[Life], bool]:
    """Follow a rule, but tell each so-many-th ticket wrong."""
    return lambda life: rule(life) != (life.number % wrong_every == 0)


def stamped(life: Life) -> datetime:
    """The help desk's own end: ten hours before the event, after it where the number is odd."""
    return life.resolved + (10 * HOUR if life.number % 2 else -10 * HOUR)


def until_stamp(hours: float) -> Callable[[Life], bool]:
    return lambda life: stamped(life) - life.start > hours * HOUR


DESKS = {
    "round_the_clock": [Tickets("high", 120, within(36)), Tickets("low", 90, within(48.5))],
    "weekdays": [Tickets("high", 150, within(30, WEEKDAYS))],
    "office_hours": [Tickets("high", 400, within(5, NINE_TO_FIVE), pace=0.2)],
    "two_office_hours": [
        Tickets("high", 400, within(5, NINE_TO_FIVE), pace=0.2),
        Tickets("low", 300, within(18, EIGHT_TO_EIGHT)),
    ],
    "many_office_hours": [Tickets("high", 400, within(12, NINE_TO_FIVE))],
    "night_shift_of_sla_toml": [Tickets("high", 150, within(16, NIGHTS))],
    "until_closed": [Tickets("high", 150, until_closed(96))],
    "paused_on_hold": [
        Tickets("high", 150, lambda life: life.worked > 36 * HOUR, waiting="on_hold"),
        Tickets("low", 60, lambda life: life.worked > 40 * HOUR, waiting="waiting_vendor"),
    ],
    "own_closed_at": [Tickets("high", 150, until_stamp(40), closed_stamp=stamped)],
    "own_resolved_at": [Tickets("high", 150, until_stamp(40), resolved_stamp=stamped)],
    "how_much_is_enough": [
        Tickets("by chance", 80, by_chance),
        Tickets("nearly always late", 120, within(24)),
        Tickets("never late", 70, lambda _: False),
        Tickets("always late", 60, lambda _: True),
        Tickets("a fifth wrong", 120, mostly(within(48), wrong_every=5)),
        Tickets("a tenth wrong", 120, mostly(within(48), wrong_every=10)),
        Tickets("just enough", 30, within(54)),
        Tickets("too few", 29, within(48)),
        Tickets("one", 1, within(36)),
    ],
    "no_priority": [Tickets(None, 120, within(36))],
    "two_in_a_hundred_wrong": [Tickets("high", 100, mostly(within(48), wrong_every=50))],
    "outage": [
        Tickets("high", 150, mostly(until_closed(96), wrong_every=5)),
        Tickets("that day", 40, until_closed(96)),
    ],
    "some_without_priority": [
        Tickets(None, 150, within(30)),
        Tickets("high", 140, until_closed(90)),
        Tickets("low", 130, within(40)),
    ],
    "two_rules": [Tickets("high", 150, within(30)), Tickets("low", 140, until_closed(90))],
}
CALENDARS = {
    "round_the_clock": {"nine": NINE_TO_FIVE},
    "night_shift_of_sla_toml": OURS | {"nights": NIGHTS},
}


def text_of(found: Inference) -> str:
    """Every finding with what else was looked at, and the proposal."""
    told = [f"{found.n_tickets} tickets, {found.n_unfinished} unfinished"]
    for sentence, finding in zip(found.sentences(), found.findings, strict=True):
        chosen = finding.chosen
        told += ["", sentence]
        for name, each in (("chosen", chosen.threshold), ("on all", finding.threshold)):
            low, high, least, most = (
                duration_text(us)
                for us in (each.low_us, each.high_us, each.noise_low_us, each.noise_high_us)
            )
            verdict = "breached" if each.is_mostly_late else "met"
            told.append(
                f"    {name}: {duration_text(each.target_us)} in [{low}, {high}), but for noise in "
                f"[{least}, {most}); {each.n_agree} of {each.n}, always {verdict} "
                f"{each.n_constant}, other than that on {each.n_other}"
            )
        told.append(f"    outside of outages: {finding.n_agree}")
        for trial in (chosen, *finding.runners_up):
            candidate, limit = trial.candidate, duration_text(trial.threshold.target_us)
            told.append(
                f"    {rule_words(candidate)}, effort {candidate.effort}: "
                f"{limit}, {trial.threshold.n_agree}"
            )
    return "\n".join([*told, "", found.proposal])


def inferred(events, name: str) -> Inference:
    evidence, calendars = gather(events, as_of=AS_OF), CALENDARS.get(name, OURS)
    is_fifth = evidence.tickets["ticket_id"].str.contains("^that day|[05]$").to_numpy()
    findings = infer(evidence, calendars, is_doubtful=is_fifth if name == "outage" else None)
    written = proposal(findings, known=calendars)
    return Inference(findings, evidence.tickets.height, evidence.n_unfinished, written, ())


def events_of(make_event, make_events, name: str):
    desk = enumerate(DESKS[name], start=1)
    return make_events(
        [row for seed, tickets in desk for row in rows_of(make_event, tickets, seed)]
    )


@pytest.mark.parametrize("name", DESKS)
def test_rules_are_told_word_for_word(make_event, make_events, name):
    found = inferred(events_of(make_event, make_events, name), name)

    assert text_of(found) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
