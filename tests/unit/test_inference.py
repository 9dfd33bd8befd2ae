"""Rules inferred from verdicts: found where they are there, not claimed where they are not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.inference import infer
from sla_sniper.sla.inference_evidence import Candidate, gather
from sla_sniper.sla.inference_words import duration_text, proposal, rule_words
from sla_sniper.sla.reconcile_calendars import known_calendars, office_hours

HOUR_US = 3_600_000_000
MONDAY = datetime(2024, 4, 8, 9, tzinfo=UTC)
AS_OF = MONDAY + timedelta(days=400)
WEEKDAYS = Calendar("weekdays", "UTC", (((0, 86_400),),) * 5 + ((), ()))
ALWAYS = Calendar("always", is_always_open=True)
N_TICKETS = 400


@pytest.fixture
def desk(make_event, make_events):
    """Tickets that are resolved and closed, each with the verdict of a rule."""

    def build(is_breached, *, pause=False, priority="high"):
        draw = np.random.default_rng(7)
        rows = []
        for number in range(N_TICKETS):
            start = MONDAY + timedelta(hours=float(draw.integers(0, 60 * 24)))
            worked, waited, closing = (
                timedelta(minutes=int(draw.integers(1, most))) for most in (6000, 3000, 9000)
            )
            waits = waited if pause else timedelta(0)
            resolved, closed = start + worked + waits, start + worked + waits + closing
            late = is_breached(start, worked, resolved, closed)
            name = f"{number:04}"
            rows.append(make_event(name, start, "created", status="new", priority=priority))
            if pause:
                at = start + worked / 2
                rows.append(make_event(name, at, status="on_hold", priority=priority))
                rows.append(make_event(name, at + waited, status="open", priority=priority))
            rows.append(make_event(name, resolved, status="resolved", priority=priority))
            rows.append(
                make_event(
                    name, closed, status="closed", priority=priority, vendor_breached=bool(late)
                )
            )
        return gather(make_events(rows), as_of=AS_OF)

    return build


def only(findings):
    (finding,) = findings
    return finding


def test_a_resolution_clock_is_told_from_a_closure_clock(desk):
    limit = timedelta(hours=40)
    resolved = desk(lambda start, _, resolved, __: resolved - start > limit)
    closed = desk(lambda start, _, __, closed: closed - start > limit)

    found = [only(infer(each, {"always": ALWAYS})) for each in (resolved, closed)]

    assert [finding.chosen.candidate.stop_in for finding in found] == [
        ("resolved", "closed"),
        ("closed",),
    ]
    limits = [finding.chosen.threshold for finding in found]
    assert all(each.noise_low_us <= 40 * HOUR_US <= each.noise_high_us for each in limits)


def test_the_hours_of_a_week_are_found(desk):
    limit = timedelta(hours=40)
    evidence = desk(lambda start, _, resolved, __: WEEKDAYS.elapsed(start, resolved) > limit)

    finding = only(infer(evidence, {"always": ALWAYS, "weekdays": WEEKDAYS}))

    assert finding.is_identified
    assert finding.chosen.candidate.calendar == WEEKDAYS
    assert abs(finding.target_us / HOUR_US - 40) < 1


def test_a_status_that_pauses_is_found(desk):
    limit = timedelta(hours=40)
    evidence = desk(lambda _, worked, __, ___: worked > limit, pause=True)

    finding = only(infer(evidence, {"always": ALWAYS}))

    assert finding.chosen.candidate.pause_in == ("on_hold",)
    assert "on_hold" in rule_words(finding.chosen.candidate)


@pytest.mark.parametrize("verdict", [True, False])
def test_a_constant_verdict_identifies_nothing(desk, verdict):
    finding = only(infer(desk(lambda *_: verdict), {"always": ALWAYS}))

    assert not finding.is_identified
    assert finding.doubt


def test_verdicts_by_chance_identify_nothing(desk):
    draw = np.random.default_rng(11)

    finding = only(infer(desk(lambda *_: draw.random() < 0.5), {"always": ALWAYS}))

    assert not finding.is_identified


def test_a_proposal_names_the_closing_status_and_the_target(desk):
    limit = timedelta(hours=40)
    findings = infer(desk(lambda start, _, __, closed: closed - start > limit), {"always": ALWAYS})

    text = proposal(findings, known={"always": ALWAYS})

    assert 'stop_in = ["closed"]' in text
    assert '"high" = "' in text or 'high = "' in text


@pytest.mark.parametrize(
    ("us", "text"), [(4 * HOUR_US, "4h"), (HOUR_US // 2, "30m"), (HOUR_US * 3 // 2, "1h30m")]
)
def test_durations_are_written_as_the_file_wants_them(us, text):
    assert duration_text(us) == text


def test_standard_hours_are_named_by_the_calendars_that_equal_them():
    found = known_calendars({"weekdays": WEEKDAYS, "again": WEEKDAYS, "always": ALWAYS})

    assert found == (ALWAYS, WEEKDAYS)


def test_standard_hours_never_take_the_name_of_others():
    nights = Calendar("24x7", "Europe/Berlin", (((0, 3600),),) * 7)
    calendars = dict.fromkeys(("24x7", "plain_24x7", "weekdays24h", "office_9_to_17"), nights)

    names = [each.name for each in (*known_calendars(calendars), *office_hours(calendars))]

    assert names[:3] == ["plain_plain_24x7", "plain_weekdays24h", "24x7"]
    assert names[-3:] == ["plain_office_9_to_17", "office_9_to_18", "office_9_to_21"]


def test_round_the_clock_but_for_holidays_is_other_hours():
    closed = Calendar(
        "shop", "Europe/Berlin", holidays=Holidays(dates=(date(2024, 5, 1),)), is_always_open=True
    )

    first, _, last = known_calendars({"shop": closed})

    assert (first.name, first.timezone, last) == ("24x7", "Europe/Berlin", closed)
    assert rule_words(Candidate(closed, "resolved")) == (
        "hours of 'shop', from created to resolved, no pauses"
    )


def test_round_the_clock_is_one_in_every_zone():
    berlin = Calendar("berlin", "Europe/Berlin", is_always_open=True)

    assert [each.name for each in known_calendars({"o": WEEKDAYS, "b": berlin})] == [
        "berlin",
        "weekdays",
    ]


def test_office_hours_are_those_of_working_days_in_the_desks_zone():
    found = office_hours({"berlin": Calendar("berlin", "Europe/Berlin"), "always": ALWAYS})

    assert [(each.name, each.hours[0], each.hours[4:], each.timezone) for each in found[:2]] == [
        ("office_7_to_19", ((25_200, 68_400),), (((25_200, 68_400),), (), ()), "Europe/Berlin"),
        ("office_8_to_16", ((28_800, 57_600),), (((28_800, 57_600),), (), ()), "Europe/Berlin"),
    ]
    assert office_hours({})[0].timezone == "UTC"
