"""What a log tells of the help desk's verdicts: which tickets count, and their time used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.core.schema import EVENTS
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.inference import Trial, candidates, infer
from sla_sniper.sla.inference_evidence import Candidate, Evidence, gather
from sla_sniper.sla.inference_threshold import best_threshold

FRIDAY = datetime(2024, 4, 12, 12, tzinfo=UTC)
"""Noon: the weekend begins 12 hours later, and ends after 60."""
AS_OF = FRIDAY + timedelta(days=100)
HOUR_US = 3_600_000_000
ALWAYS = Calendar("always", is_always_open=True)
WEEKDAYS = Calendar("weekdays", "UTC", (((0, 86_400),),) * 5 + ((), ()))
LATE, MET = {"vendor_breached": True}, {"vendor_breached": False}


def stamp(**hours: float) -> dict:
    return {f"vendor_{name}_at": FRIDAY + timedelta(hours=at) for name, at in hours.items()}


LOG = {
    "1 whole life": [
        (0, "new", {}), (2, "on_hold", LATE), (5, "open", {}), (20, "resolved", MET),
        (30, "closed", stamp(resolved=18, closed=33)),
    ],
    "2 told before it was created": [
        (-3, "new", {"activity": "attribute"}), (1, "new", {"activity": "created+priority"}),
        (4, "open", {"priority": "low"}), (9, "closed", LATE),
    ],
    "3 nobody judged it": [(0, "new", {}), (3, "closed", {})],
    "4 still open": [(0, "new", {}), (3, "waiting_requester", MET)],
    "4 with no status": [(0, None, LATE)],
    "5 resolved, never closed": [(0, "new", {}), (3, "resolved", MET)],
    "6 closed twice": [
        (0, "new", {}), (2, "closed", MET), (6, "open", {}), (7, "waiting_vendor", {}),
        (80, "closed", {}), (90, "closed", {}),
    ],
    "7 never open": [(4, "closed", LATE), (6, "closed", {})],
    "8 status not told": [(0, "new", {}), (3, None, {}), (8, "closed", LATE), (9, None, {})],
    "9 stamps still to come": [
        (0, "new", {}), (8, "closed", MET | stamp(closed=24 * 101, resolved=-2)),
    ],
    "90 ended on hold": [(0, "new", {}), (2, "on_hold", {}), (9, "closed", MET | stamp(closed=12))],
    "91 ended on hold": [(0, "new", {}), (1, "on_hold", {}), (9, "closed", MET | stamp(closed=13))],
}  # fmt: skip


@pytest.fixture
def evidence(make_event, make_events):
    def build(log: dict = LOG) -> Evidence:
        rows = []
        for name, steps in log.items():
            for place, (hours, status, values) in enumerate(steps):
                activity = "created" if place == 0 else "status"
                at = FRIDAY + timedelta(hours=hours)
                told = {"activity": activity, "priority": "high", "status": status} | values
                rows.append(make_event(name, at, sequence=place, **told))
        return gather(make_events(rows), as_of=AS_OF)

    return build


def hours_of(us: pl.Series) -> list[float | None]:
    start = int(FRIDAY.timestamp()) * 1_000_000
    return [None if each is None else (each - start) / HOUR_US for each in us]


def test_only_finished_tickets_with_a_verdict_count(evidence):
    found = evidence()

    rows = found.tickets.with_columns((pl.col("ended_at") - FRIDAY).dt.total_hours())
    assert rows.columns == ["source", "ticket_id", "priority", "is_breached", "ended_at"]
    assert rows.rows() == [
        ("desk", "1 whole life", "high", False, 30),
        ("desk", "2 told before it was created", "high", True, 9),
        ("desk", "6 closed twice", "high", False, 80),
        ("desk", "7 never open", "high", True, 4),
        ("desk", "8 status not told", "high", True, 9),
        ("desk", "9 stamps still to come", "high", False, 8),
        ("desk", "90 ended on hold", "high", False, 9),
        ("desk", "91 ended on hold", "high", False, 9),
    ]
    assert found.is_breached.tolist() == [False, True, False, True, True, False, False, False]
    assert found.n_unfinished == 3


def test_rows_hold_until_the_next_one(evidence):
    found = evidence()

    spans = [hours_of(found.rows[name]) for name in ("begins", "ends")]
    assert found.first.tolist() == [0, 5, 9, 15, 17, 21, 23, 26]
    assert list(zip(*spans, strict=True)) == [
        (0, 2), (2, 5), (5, 20), (20, 30), (30, 30),
        (1, 1), (1, 4), (4, 9), (9, 9),
        (0, 2), (2, 6), (6, 7), (7, 80), (80, 90), (90, 90),
        (4, 6), (6, 6),
        (0, 3), (3, 8), (8, 9), (9, 9),
        (0, 8), (8, 8),
        (0, 2), (2, 9), (9, 9),
        (0, 1), (1, 9), (9, 9),
    ]  # fmt: skip


def test_a_ticket_without_a_stamp_takes_the_event(evidence):
    rows = evidence().rows

    assert hours_of(rows["closed_stamp"].unique(maintain_order=True)) == [33, 9, 80, 4, 8, 12, 13]
    assert hours_of(rows["resolved_stamp"].unique(maintain_order=True)) == [18, 9, 80, 4, -2]


def test_only_what_the_log_tells_is_tried(evidence):
    found = evidence()
    bare = evidence({"1": [(0, "new", {}), (3, "closed", MET)]})

    assert found.waiting == ("waiting_vendor", "on_hold")
    assert found.stops == ("closed", "resolved", "closed_stamp", "resolved_stamp")
    assert (bare.waiting, bare.stops) == ((), ("closed",))


def test_where_nothing_is_closed_tickets_end_resolved(evidence):
    log = {"1": [(0, "new", {}), (3, "resolved", MET)], "2": [(0, "new", {}), (3, "open", LATE)]}

    found = evidence(log)

    assert (found.tickets["ticket_id"].to_list(), found.n_unfinished) == (["1"], 1)
    assert found.stops == ("resolved",)


@pytest.mark.parametrize(
    ("calendar", "stop", "pause_in", "hours"),
    [
        (ALWAYS, "closed", (), [30, 8, 76, 0, 8, 8, 9, 9]),
        (ALWAYS, "resolved", (), [20, 8, 76, 0, 8, 8, 9, 9]),
        (ALWAYS, "closed", ("on_hold",), [27, 8, 76, 0, 8, 8, 2, 1]),
        (ALWAYS, "resolved", ("on_hold", "waiting_vendor"), [17, 8, 3, 0, 8, 8, 2, 1]),
        (ALWAYS, "closed_stamp", (), [33, 8, 80, 0, 9, 8, 12, 13]),
        (ALWAYS, "closed_stamp", ("on_hold",), [30, 8, 80, 0, 9, 8, 5, 5]),
        (ALWAYS, "resolved_stamp", (), [18, 8, 80, 0, 9, 0, 9, 9]),
        (WEEKDAYS, "closed", (), [12, 8, 28, 0, 8, 8, 9, 9]),
        (WEEKDAYS, "closed_stamp", ("on_hold",), [9, 8, 32, 0, 9, 8, 5, 4]),
    ],
)
def test_time_used_follows_the_candidate(evidence, calendar, stop, pause_in, hours):
    used = evidence().elapsed(Candidate(calendar, stop, pause_in))

    assert (used / HOUR_US).tolist() == hours


def test_no_events_are_no_evidence():
    found = gather(pl.DataFrame(schema=dict(EVENTS)), as_of=AS_OF)

    assert (found.tickets.height, len(found.first), found.n_unfinished) == (0, 0, 0)
    assert infer(found, {}) == ()


def test_candidates_come_in_order_of_what_has_to_be_believed():
    waiting = ("waiting_vendor", "on_hold")

    found = candidates({"weekdays": WEEKDAYS}, stops=("closed", "resolved"), waiting=waiting)

    assert [(c.effort, c.calendar.name, c.stop, c.pause_in) for c in found] == [
        (0, "24x7", "closed", ()),
        (1, "24x7", "resolved", ()),
        (2, "weekdays", "closed", ()),
        (3, "weekdays", "resolved", ()),
        (11, "24x7", "closed", ("waiting_vendor",)),
        (12, "24x7", "closed", ("on_hold",)),
        (12, "24x7", "resolved", ("waiting_vendor",)),
        (13, "24x7", "closed", waiting),
        (13, "24x7", "resolved", ("on_hold",)),
        (13, "weekdays", "closed", ("waiting_vendor",)),
        (14, "24x7", "resolved", waiting),
        (14, "weekdays", "closed", ("on_hold",)),
        (14, "weekdays", "resolved", ("waiting_vendor",)),
        (15, "weekdays", "closed", waiting),
        (15, "weekdays", "resolved", ("on_hold",)),
        (16, "weekdays", "resolved", waiting),
    ]


def test_a_single_waiting_status_is_one_pause():
    found = candidates({}, stops=("closed",), waiting=("on_hold",))

    assert [(c.effort, c.pause_in) for c in found] == [
        (0, ()), (2, ()), (11, ("on_hold",)), (13, ("on_hold",)),
    ]  # fmt: skip


def trial(is_right: list[bool], effort: int = 0) -> Trial:
    """A trial by which tickets it is right about."""
    right = np.array(is_right)
    elapsed = np.where(right, 2, 0) * HOUR_US
    found = best_threshold(elapsed, np.ones(len(right), bool), within=(HOUR_US, 2 * HOUR_US))
    return Trial(Candidate(ALWAYS, "closed", effort=effort), found, right)


@pytest.mark.parametrize(("n_more", "is_beaten"), [(4, False), (5, True)])
def test_a_trial_is_beaten_beyond_noise(n_more, is_beaten):
    worse, better = trial([True] * 5 + [False] * n_more), trial([True] * (5 + n_more))

    assert worse.is_beaten_by(better) is is_beaten
    assert not better.is_beaten_by(worse)


def test_tickets_of_an_outage_alone_identify_nothing(evidence):
    found = evidence()

    (finding,) = infer(found, {}, is_doubtful=np.ones(found.tickets.height, bool))

    assert (finding.doubt, finding.n_agree) == ("only 0 finished tickets", 0)


def test_of_rules_that_nothing_tells_apart_the_simplest_is_taken(evidence):
    log = {
        f"{n:02}": [(0, "new", {}), (n / 4, "closed", LATE if n > 20 else MET)]
        for n in range(1, 41)
    }

    (finding,) = infer(evidence(log), {})

    # All of it is on a Friday, so weekends make no difference.
    assert [each.candidate.calendar.name for each in finding.runners_up] == ["weekdays24h"]
    assert finding.chosen.candidate.calendar.name == "24x7"
    assert (finding.target_us, finding.doubt) == (5 * HOUR_US, "")
