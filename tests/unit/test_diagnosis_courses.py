"""Where the time of a clock went, and what was done with it, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.diagnosis.conduct import conduct, histories
from sla_sniper.diagnosis.courses import LEGS, ON_CLOCK, courses
from sla_sniper.diagnosis.detail import curves_by_priority
from sla_sniper.diagnosis.findings import habits
from sla_sniper.diagnosis.flow import by_hour, by_week, recovery
from sla_sniper.diagnosis.legs import cut, legs, met_without
from sla_sniper.diagnosis.ripeness import are_ripe
from sla_sniper.diagnosis.summary import diagnose
from sla_sniper.eventlog.outages import Outage
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from sla_sniper.usecases.diagnose import outage_told

HOUR = 3_600_000_000
NINE_TO_FIVE = (((9 * 3600, 17 * 3600),),) * 5 + ((), ())
CALENDARS = {
    "office": Calendar("office", "UTC", NINE_TO_FIVE),
    "always": Calendar("always", is_always_open=True),
}


def at(hour: float) -> datetime:
    """Hours after midnight of Monday, the day after the clocks of Europe went forward."""
    return datetime(2024, 4, 1, tzinfo=UTC) + timedelta(hours=hour)


TUESDAY = at(24)


@pytest.fixture
def course(make_event, make_events):
    """Read the clocks of one ticket of rows of instant, activity and changed values."""

    def reading(*rows, as_of=TUESDAY, target=None, assigning=("desk",)):
        target = target or Target("resolution_time", "office", {"high": 8 * HOUR, "low": 16 * HOUR},
                                  pause_in=("waiting_requester",))  # fmt: skip
        levels = ServiceLevels(CALENDARS, (SlaPolicy("standard", (target,)),))
        values = {"status": "new", "priority": "high", "group": "L1"}
        told = []
        for number, (moment, changed) in enumerate(rows):
            values |= changed
            activity = changed.get("activity", "status" if number else "created")
            told.append(make_event("T1", moment, **values | {"activity": activity}))
        return courses(make_events(told), levels, target.metric, as_of=as_of, assigning=assigning)

    return reading


def hours(frame: pl.DataFrame, legs=LEGS, suffix="us") -> dict[str, float]:
    (row,) = frame.iter_rows(named=True)
    return {leg: row[f"{leg}_{suffix}"] / HOUR for leg in legs if row[f"{leg}_{suffix}"]}


def ran(frame: pl.DataFrame) -> dict[str, float]:
    return hours(frame, ON_CLOCK, "ran_us")


def test_time_goes_to_whoever_has_the_ticket(course):
    found = course(
        (at(9), {}),
        (at(10), {"status": "open", "assignee": "ann"}),
        (at(12), {"status": "waiting_requester"}),
        (at(15), {"status": "open"}),
        (at(16), {"status": "resolved"}),
    )

    assert hours(found) == {"unassigned": 1, "in_work": 3, "waiting_requester": 3}
    assert found["wall_us"].item() == 7 * HOUR
    assert found["elapsed_us"].item() == 4 * HOUR


@pytest.mark.parametrize(("ended_after", "read_after"), [(3, 7), (3, 8), (3, 9), (9, 7), (9, 9)])
def test_a_clock_counts_once_its_target_would_be_used_up(course, ended_after, read_after):
    target = Target("resolution_time", "always", default=8 * HOUR)
    ended = at(9 + ended_after)
    rows = [
        (at(9), {}),
        *([(ended, {"status": "resolved"})] if ended <= at(9 + read_after) else []),
    ]
    now = at(9 + read_after)
    found = course(*rows, as_of=now, target=target)

    is_ripe = are_ripe(found, CALENDARS, as_of=now).item()

    assert is_ripe == (read_after > 8)
    told = diagnose(found.with_columns(is_ripe=pl.lit(is_ripe)), [])
    assert (told.n, told.n_early) == (int(is_ripe), int(not is_ripe and ended_after < read_after))


def test_the_share_missed_is_read_at_the_longest_of_several_targets():
    frame = pl.DataFrame(
        {
            "priority": ["low"] * 40,
            "target_us": [4 * HOUR] * 21 + [24 * HOUR] * 19,
            "elapsed_us": [30 * HOUR] * 40,
            "is_missed": [True] * 40,
            "fulfilled_at": [at(50)] * 40,
        }
    )

    (found,) = curves_by_priority(frame)

    assert found.missed.by(24).estimate == 1
    assert found.sentence.startswith("Low: 100 % [91 %, 100 %] of 40 clocks missed")
    assert "its target of 4 to 24 h is used up" in found.sentence
    assert found.as_dict()["missed"][-1]["estimate"] == 1


def test_a_paused_clock_that_would_be_used_up_is_said_to_stand_still(course):
    found = course((at(9), {}), (at(10), {"status": "waiting_requester"}), as_of=at(48))

    is_ripe = are_ripe(found, CALENDARS, as_of=at(48))

    told = diagnose(found.with_columns(is_ripe), [])
    assert (told.n, told.n_left_out, told.n_held_up) == (0, 1, 1)


def test_the_share_missed_of_recent_clocks_is_that_of_the_older_ones():
    """Half of all take 30 hours of a target of 24: read at any hour, the share must be a half."""
    starts = [at(hour) for hour in range(200)]
    taken = [timedelta(hours=30 if k % 2 else 2) for k in range(200)]
    now = at(200)
    state = [
        "overdue" if now < start + it and now - start > timedelta(hours=24)
        else "running" if now < start + it
        else "missed" if it > timedelta(hours=24) else "met"
        for start, it in zip(starts, taken, strict=True)
    ]  # fmt: skip
    frame = pl.DataFrame(
        {"applied_at": starts, "target_us": 24 * HOUR, "calendar": "always", "state": state}
    )

    told = diagnose(frame.with_columns(are_ripe(frame, CALENDARS, as_of=now)), [])

    assert (told.n, told.n_missed, told.n_early) == (176, 88, 12)
    assert "too young to have been missed: 12" in told.sentences()[0]


def test_nights_are_outside_open_hours_also_while_the_ticket_waits(course):
    found = course(
        (at(16), {"assignee": "ann", "status": "open"}), (at(24 + 9), {"status": "waiting_vendor"}),
        (at(48 + 9), {"status": "open"}), as_of=at(48 + 10),
    )  # fmt: skip

    assert hours(found) == {"in_work": 2, "after_hours": 32, "waiting_vendor": 8}


def test_a_ticket_passed_on_lies_between_groups_until_anything_is_done(course):
    found = course(
        (at(9), {"assignee": "ann", "status": "open"}),
        (at(10), {"group": "L2"}),
        (at(13), {"category": "network"}),
        (at(14), {"group": "L3", "assignee": "bob"}),
        as_of=at(15),
    )

    assert hours(found) == {"in_work": 3, "between_groups": 3}


def test_without_assignees_a_new_ticket_is_the_unassigned_one(course):
    rows = (at(9), {}), (at(11), {"status": "open"}), (at(12), {"status": "resolved"})

    assert hours(course(*rows, assigning=())) == {"unassigned": 2, "in_work": 1}


def test_each_source_tells_by_itself_whether_it_knows_who_works(make_event, make_events):
    rule = Target("resolution_time", "office", default=8 * HOUR)
    levels = ServiceLevels(CALENDARS, (SlaPolicy("standard", (rule,)),))
    events = make_events([
        make_event("T1", at(9), "created", status="open", priority="high", source=source)
        for source in ("a", "b")
    ])  # fmt: skip

    found = courses(events, levels, "resolution_time", as_of=at(11), assigning={"a"})

    by_source = {name: hours(part) for (name,), part in found.group_by("source")}
    assert by_source == {"a": {"unassigned": 2}, "b": {"in_work": 2}}


def test_an_end_that_was_undone_is_time_resolved(course):
    found = course(
        (at(9), {"assignee": "ann", "status": "open"}), (at(10), {"status": "resolved"}),
        (at(12), {"status": "open"}), (at(13), {"status": "resolved"}),
    )  # fmt: skip

    assert hours(found) == {"in_work": 2, "resolved": 2}


WAITED = (
    (at(9), {"assignee": "ann", "status": "open"}), (at(10), {"status": "waiting_requester"}),
    (at(13), {"status": "open"}), (at(14), {"status": "resolved"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("pause_in", "counted"),
    [((), {"in_work": 2, "waiting_requester": 3}), (("waiting_requester",), {"in_work": 2})],
    ids=["counts on while it waits", "stands while it waits"],
)
def test_a_wait_takes_from_the_clock_only_where_the_clock_runs(course, pause_in, counted):
    target = Target("resolution_time", "office", default=8 * HOUR, pause_in=pause_in)

    found = course(*WAITED, target=target)

    assert hours(found) == {"in_work": 2, "waiting_requester": 3}
    assert ran(found) == counted


def test_nothing_is_taken_in_the_queue_by_a_clock_that_stands_there(course):
    target = Target("resolution_time", "office", default=HOUR, pause_in=("new",))

    found = course(
        (at(9), {}), (at(15), {"status": "open", "assignee": "ann"}),
        (at(16.5), {"status": "resolved"}), target=target,
    )  # fmt: skip

    assert hours(found) == {"unassigned": 6, "in_work": 1.5}
    assert ran(found) == {"in_work": 1.5}
    missed = found.with_columns(is_missed=pl.col("state") == "missed")
    assert missed["is_missed"].all()
    assert not len(met_without(missed, "unassigned"))


def test_a_reopening_that_counts_the_end_takes_it_from_the_clock(course):
    target = Target("resolution_time", "office", default=8 * HOUR, on_reopen="count")

    found = course(
        (at(9), {"assignee": "ann", "status": "open"}), (at(10), {"status": "resolved"}),
        (at(12), {"status": "open"}), (at(13), {"status": "resolved"}), target=target,
    )  # fmt: skip

    assert ran(found) == {"in_work": 2, "resolved": 2}


def test_of_a_clock_that_counts_anew_only_what_it_counts_is_told(course):
    target = Target(
        "resolution_time", "office", {"high": 8 * HOUR, "low": 16 * HOUR},
        on_priority_change="restart",
    )  # fmt: skip

    found = course(
        (at(9), {}), (at(11), {"priority": "low", "status": "open", "assignee": "ann"}),
        (at(14), {"status": "resolved"}), target=target,
    )  # fmt: skip

    assert found["elapsed_us"].item() == 3 * HOUR
    assert ran(found) == {"in_work": 3}


UNDONE = (
    (at(9), {"assignee": "ann", "status": "open"}), (at(10), {"status": "resolved"}),
    (at(11), {"status": "closed"}), (at(13), {"status": "open"}), (at(14), {"status": "resolved"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "hours_after"),
    [
        ({}, [3.0]),
        ({"on_reopen": "count"}, [3.0]),
        ({"on_reopen": "final"}, [3.0]),
        ({"on_reopen": "restart"}, [3.0, None]),
        ({"stop_in": ("closed",)}, [2.0]),
        ({"metric": "first_reply_time"}, [3.0]),
        ({"metric": "first_reply_time", "on_close": "ignore"}, [None]),
    ],
)
def test_a_reopening_undoes_the_clock_that_the_end_had_stopped(course, changes, hours_after):
    target = Target(**{"metric": "resolution_time", "calendar": "office", "default": 8 * HOUR}
                    | changes)  # fmt: skip

    found = course(*UNDONE, target=target)

    assert found.sort("cycle")["reopened_after"].to_list() == hours_after


@pytest.mark.parametrize(
    ("metric", "stop_in", "status"),
    [
        ("resolution_time", ("resolved", "closed"), "resolved"),
        ("resolution_time", ("closed",), "closed"),
        ("first_reply_time", ("resolved", "closed"), None),
    ],
)
def test_a_clock_tells_by_which_status_it_was_ended(course, metric, stop_in, status):
    target = Target(metric, "office", default=8 * HOUR, stop_in=stop_in)

    found = course(
        (at(9), {"assignee": "ann", "status": "open"}), (at(9.5), {"activity": "public_reply"}),
        (at(10), {"status": "resolved"}), (at(15), {"status": "closed"}), target=target,
    )  # fmt: skip

    assert found["ended_by"].to_list() == [status]


def test_many_open_clocks_before_one_that_ended_name_its_status(make_event, make_events):
    rule = Target("resolution_time", "office", default=8 * HOUR)
    levels = ServiceLevels(CALENDARS, (SlaPolicy("standard", (rule,)),))
    opened = [make_event(f"T{k:04}", at(9), "created", status="open") for k in range(1200)]
    events = make_events([*opened, make_event("T1199", at(10), "resolved", status="resolved")])

    found = courses(events, levels, "resolution_time", as_of=at(11), assigning=())

    assert found["ended_by"].drop_nulls().to_list() == ["resolved"]


def test_a_ticket_that_is_cancelled_after_its_end_was_not_reopened(course):
    found = course(*UNDONE[:2], (at(12), {"status": "cancelled"}))

    assert found["reopened_after"].to_list() == [None]


def test_pauses_are_counted_with_their_length_and_place(course):
    found = course(
        (at(9), {"assignee": "ann", "status": "open"}),
        (at(11), {"status": "waiting_requester"}), (at(11.1), {"status": "open"}),
        (at(13.1), {"status": "waiting_requester"}), (at(15), {"status": "open"}),
    )  # fmt: skip

    assert found.select("n_pauses", "n_short_pauses").row(0) == (2, 1)
    assert found["paused_at"].item() == pytest.approx(4 / 8)


def test_a_longer_target_is_told_with_what_was_used_of_the_old_one(course):
    found = course((at(9), {"assignee": "ann", "status": "open"}), (at(16.5), {"priority": "low"}))

    assert found["relaxed_at"].item() == pytest.approx(7.5 / 8)
    assert (
        course((at(9), {"priority": "low"}), (at(12), {"priority": "high"}))["relaxed_at"]
        .is_null()
        .all()
    )


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [("8h", "80h", 7.6 / 8), ("80h", "8h", None)],
    ids=["longer", "shorter"],
)
def test_a_longer_target_of_another_policy_is_told_as_well(
    make_event, make_events, first, second, share
):
    def policy(name, target):
        hours = int(target.removesuffix("h"))
        rule = Target("resolution_time", "office", default=hours * HOUR)
        return SlaPolicy(name, (rule,), when=Conditions((Condition("group", "is", (name,)),)))

    levels = ServiceLevels(CALENDARS, (policy("fast", first), policy("slow", second)))
    rows = [(at(9), "created", "fast"), (at(16.6), "group", "slow")]
    events = make_events([
        make_event("T1", when, activity, status="open", priority="high", group=group)
        for when, activity, group in rows
    ])  # fmt: skip

    found = courses(events, levels, "resolution_time", as_of=TUESDAY, assigning={"desk"})

    assert found["relaxed_at"].to_list() == [share if share is None else pytest.approx(share)]


def test_courses_are_the_cycles_of_their_metric(course, make_event, make_events):
    found = course((at(9), {}), (at(10), {"status": "resolved"}))

    levels = ServiceLevels(
        CALENDARS, (SlaPolicy("standard", (Target("resolution_time", "office", default=HOUR),)),)
    )
    events = make_events([make_event("T1", at(9), "created", status="new", priority="high")])
    names = cycles(events, levels, as_of=at(24)).columns
    assert found.columns[: len(names)] == names


def clocks_of(**columns):
    """A frame of decided clocks with what the diagnosis asks for."""
    n = len(next(iter(columns.values())))
    zero = np.zeros(n, dtype=np.int64)
    frame = {
        "ticket_id": [f"T{k}" for k in range(n)], "source": ["desk"] * n,
        "applied_at": [at(0)] * n, "fulfilled_at": [at(5)] * n, "breached_at": [None] * n,
        "target_us": [4 * HOUR] * n, "elapsed_us": zero, "wall_us": zero, "n_short_pauses": zero,
        "paused_at": [None] * n, "relaxed_at": [None] * n, "reopened_after": [None] * n,
        "first_reply_by": [None] * n, "first_reply_after": [None] * n, "state": ["met"] * n,
    }  # fmt: skip
    frame |= {f"{leg}_us": zero for leg in LEGS} | {f"{leg}_ran_us": zero for leg in ON_CLOCK}
    found = pl.DataFrame(frame | columns).with_columns(
        pl.col("applied_at", "fulfilled_at", "breached_at").cast(pl.Datetime("us", "UTC")),
        pl.col("paused_at", "relaxed_at", "reopened_after", "first_reply_after").cast(pl.Float64),
        pl.col("first_reply_by").cast(pl.String),
    )
    return found.with_columns(is_missed=pl.col("state").is_in(["missed", "overdue"]))


def test_legs_compare_missed_with_met():
    frame = clocks_of(
        state=["met", "met", "missed", "missed"],
        in_work_us=np.array([1, 1, 1, 3]) * HOUR,
        between_groups_us=np.array([0, 0, 4, 6]) * HOUR,
        wall_us=np.array([1, 1, 5, 9]) * HOUR,
    )

    first, second = legs(frame)

    assert (first.leg, first.met, first.missed, first.share_of_missed) == (
        "between_groups", 0, 5, 10 / 14,
    )  # fmt: skip
    assert (second.difference.estimate, second.words) == (1, "in work")
    assert first.difference.low < 5 < first.difference.high


def test_time_that_has_no_end_yet_is_told():
    frame = clocks_of(
        state=["met", "missed", "overdue", "overdue"],
        fulfilled_at=[at(1), at(6), None, None],
        wall_us=np.array([1, 6, 12, 6]) * HOUR,
    )

    found = cut(frame)

    assert (found.n, found.of, found.share) == (2, 3, 18 / 24)
    assert found.sentence.startswith("2 of 3 missed clocks are still open")
    assert cut(frame.head(2)).sentence == "Every missed clock has ended, so its time is told whole."


def test_what_a_leg_cost_is_told_by_arithmetic():
    frame = clocks_of(
        state=["missed", "missed", "met"],
        elapsed_us=np.array([6, 9, 3]) * HOUR,
        between_groups_us=np.array([9, 9, 9]) * HOUR,
        between_groups_ran_us=np.array([2, 2, 2]) * HOUR,
    )

    assert met_without(frame, "between_groups").tolist() == [0]


def found_in(frame, name):
    return next(each for each in conduct(frame, as_of=at(24 * 90)) if each.name == name)


@pytest.mark.parametrize(
    ("name", "columns", "tickets"),
    [
        ("reopened", {"reopened_after": [1.0, 48.0, 49.0, None]}, ("T0", "T1")),
        ("just_met", {"elapsed_us": np.array([3.92, 4.0, 3.8, 1.0]) * HOUR // 1}, ("T0", "T1")),
        ("short_pauses", {"n_short_pauses": [3, 2, 0, 7]}, ("T0", "T3")),
        ("late_pause", {"paused_at": [0.9, 1.0, 0.89, 1.01]}, ("T0", "T1")),
        ("relaxed_late", {"relaxed_at": [0.95, 0.5, None, 1.2]}, ("T0",)),
        (
            "robot_replies",
            {
                "first_reply_by": ["system", "agent", "agent", None],
                "first_reply_after": [900.0, 60.0, 61.0, None],
            },
            ("T0", "T1"),
        ),
        (
            "old_overdue",
            {
                "state": ["overdue", "overdue", "running", "met"],
                "breached_at": [at(24 * 59), at(24 * 61), None, None],
            },
            ("T0",),
        ),
    ],
)
def test_conduct_counts_exactly_what_it_defines(name, columns, tickets):
    found = found_in(clocks_of(**columns), name)

    assert found.examples == tickets
    assert [f"T{row}" for row in found.rows] == list(tickets)
    assert found.n == len(tickets)
    assert found.sentence.startswith(f"{len(tickets)} of {found.of} ")
    assert found.definition.endswith(".")


def test_a_ticket_of_one_source_is_not_one_of_the_same_id_of_another():
    frame = clocks_of(
        source=["a", "b"], ticket_id=["T1", "T1"], reopened_after=[1.0, None], price=[5.0, 5.0]
    )

    found = found_in(frame, "reopened")
    (finding,) = habits([found], frame)

    assert found.examples == ("a T1",)
    assert finding.rows.tolist() == [0]
    assert finding.money.estimate == pytest.approx(5)


def test_money_of_a_habit_is_of_those_that_count_as_met_until_now():
    frame = clocks_of(
        state=["met", "missed", "running", "met"], n_short_pauses=[3, 3, 3, 0],
        price=[10.0, 20.0, 40.0, 80.0],
    )  # fmt: skip

    (finding,) = habits([found_in(frame, "short_pauses")], frame)

    assert finding.rows.tolist() == [0, 1, 2]
    assert finding.money.estimate == pytest.approx(10)
    assert finding.money.low < 10 < finding.money.high
    assert finding.meaning == "if each of them that was met counted as a miss"


def test_money_of_old_open_misses_is_of_misses_that_rates_leave_out():
    frame = clocks_of(
        state=["overdue", "running"], breached_at=[at(0), None], price=[10.0, 20.0],
        fulfilled_at=[None, None],
    )  # fmt: skip

    (finding,) = habits([found_in(frame, "old_overdue")], frame)

    assert finding.money.estimate == pytest.approx(10)
    assert finding.meaning == "of misses that no rate of ended tickets holds"


def test_a_log_without_replies_tells_nothing_of_robots():
    found = found_in(clocks_of(state=["met"]), "robot_replies")

    assert (found.n, found.of) == (0, 0)
    assert (
        found.sentence == "The log has no public replies, so robots' first replies cannot be told."
    )


def test_histories_tell_first_replies(make_event, make_events):
    rows = [
        ("A", 0, "created", "new", "requester"), ("A", 2, "public_reply", "open", "agent"),
        ("B", 0, "created", "new", "requester"), ("B", 1, "public_reply", "new", "requester"),
        ("B", 4, "resolved", "closed", "agent"),
    ]  # fmt: skip
    events = make_events(
        [make_event(t, at(h), activity, status=status, actor_role=role)
         for t, h, activity, status, role in rows]
    )  # fmt: skip

    found = histories(events)

    assert found.select("ticket_id", "first_reply_by", "first_reply_after").rows() == [
        ("A", "agent", 2 * 3600.0),
        ("B", None, None),
    ]


def test_the_flow_is_counted_by_local_hour_and_week():
    frame = clocks_of(
        applied_at=[at(7.5), at(8.5), at(24 * 8)],
        fulfilled_at=[at(9.25), None, None],
        state=["met", "overdue", "running"],
    )

    by = by_hour(frame, timezone="Europe/Berlin", end=at(24 * 14))
    monday = {each.hour: each for each in by if each.weekday == 1}

    assert len(by) == 168
    assert (monday[9].came, monday[10].came, monday[11].done) == (0.5, 0.5, 0.5)
    # Of two Mondays at 11:00, the first had two open tickets and the second one.
    assert monday[11].open == 1.5
    weeks = by_week(frame, timezone="Europe/Berlin")
    assert [(w.came, w.done, w.open, w.missed) for w in weeks] == [(2, 1, 1, 1), (1, 0, 2, 0)]


def test_an_outage_says_something_of_the_clocks_that_its_status_ended():
    outage = Outage("closed", at(0).date(), at(72).date(), n_stalled=1, n_expected=90, n_spike=80)
    frame = clocks_of(
        fulfilled_at=[at(-1), at(1), at(95), at(97)], ended_by=["closed"] * 4,
    )  # fmt: skip

    told = outage_told(outage, frame, "resolution_time")

    assert told.startswith(outage.words)
    assert "ended 2 clocks of resolution_time: their breaches say nothing about people" in told
    by_another = frame.with_columns(ended_by=pl.lit("resolved"))
    assert "changes nothing here" in outage_told(outage, by_another, "resolution_time")


def test_recovery_counts_those_still_open_as_seen_until_now():
    frame = clocks_of(
        state=["missed", "missed", "overdue", "overdue"],
        breached_at=[at(0)] * 4,
        fulfilled_at=[at(12), at(24 * 3), None, None],
    )

    found = recovery(frame, end=at(24 * 10))

    assert (found.n, found.n_open, found.median_days) == (4, 2, 3.0)
    assert [round(share.estimate, 2) for _, share in found.after] == [0.75, 0.5, 0.5]
