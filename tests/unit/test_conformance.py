"""Vectors that no peer's suite holds: what the schema asks for at its edges."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sla_sniper.sla.conditions import Condition
from sla_sniper.usecases.conformance import run_vectors

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
OFFICE = {
    "tz": "UTC",
    "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
SATURDAY, MONDAY = "2024-01-06T10:00:00Z", "2024-01-08T10:00:00Z"


@pytest.fixture
def ask(tmp_path):
    """Put one vector to the clock; what it answers."""

    def asking(op: str, given: dict, **more: object) -> dict:
        vector = {"id": "own-001", "op": op, "calendar": OFFICE, "input": given, **more}
        path = tmp_path / "own.json"
        path.write_text(json.dumps({"vectors": [vector]}), encoding="utf-8")
        (answer,) = run_vectors(path, now=NOW).answers
        return answer

    return asking


@pytest.mark.parametrize(
    ("start", "target", "pauses", "deadline", "remaining"),
    [
        pytest.param(MONDAY, 0, [], MONDAY, -7200, id="nothing is used up at once"),
        pytest.param(SATURDAY, 0, [], "2024-01-08T09:00:00Z", -10800, id="at the next opening"),
        pytest.param(
            MONDAY,
            0,
            [[MONDAY, "2024-01-08T11:30:00Z"]],
            "2024-01-08T11:30:00Z",
            -1800,
            id="not during a pause",
        ),
        pytest.param(MONDAY, -7200, [], "2024-01-05T16:00:00Z", -14400, id="before the start"),
    ],
)
def test_a_target_of_nothing_has_a_deadline(ask, start, target, pauses, deadline, remaining):
    given = {"start": start, "target_seconds": target, "pauses": pauses}

    actual = ask("deadline", given | {"now": "2024-01-08T12:00:00Z"})["actual"]

    assert (actual["deadline"], actual["remaining_seconds"]) == (deadline, remaining)
    assert actual["breached"] is True


def test_a_target_of_nothing_is_refused_where_a_peer_does(ask):
    given = {"start": MONDAY, "target_seconds": 0, "pauses": [], "now": MONDAY}

    answer = ask("deadline", given, profile={"nonpositive_target": "error"})

    assert answer["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("pausing", "status"),
    [(("a",), "resolution_due"), (("b",), "resolution_due"), (("a", "b"), "paused")],
)
def test_status_is_the_same_for_any_order_of_clocks(ask, pausing, status):
    clocks = {
        name: {
            "kind": "resolution",
            "target_seconds": 36_000,
            "pause": ["pending"] if name in pausing else [],
        }
        for name in ("a", "b")
    }
    events = [
        {"at": MONDAY, "type": "created", "status": "open"},
        {"at": "2024-01-08T11:00:00Z", "type": "status", "to": "pending"},
    ]

    actual = ask("ticket", {"policy": {"clocks": clocks}, "events": events})["actual"]

    assert actual["status"] == status


def event(at: str, kind: str, **told: object) -> dict:
    return {"at": f"2024-01-08T{at}:00Z", "type": kind, **told}


CREATED = event("10:00", "created", status="open", priority="high")


def resolution(ask, allowance: dict, *events: dict, **more: object) -> dict:
    """The one clock of a ticket that is always open."""
    clocks = {"r": {"kind": "resolution", **allowance, **more}}
    given = {"policy": {"clocks": clocks}, "events": [CREATED, *events]}
    return ask("ticket", given, calendar=None)["actual"]["clocks"]["r"]


@pytest.mark.parametrize(
    ("before", "change", "deadline"),
    [
        ({"by_priority": {"high": 3600}}, {"target_seconds": 7200}, "2024-01-08T12:00:00Z"),
        ({"by_priority": {"high": 3600}}, {"target_days": 1}, "2024-01-09T10:00:00Z"),
        ({"target_days": 1}, {"by_priority": {"high": 7200}}, "2024-01-08T12:00:00Z"),
        (
            {"target_days": 1, "end_of_day": True},
            {"target_seconds": 7200},
            "2024-01-08T12:00:00Z",
        ),
        ({"target_seconds": 3600}, {"target_seconds": None}, None),
    ],
)
def test_another_kind_of_target_replaces_the_one_before(ask, before, change, deadline):
    clock = resolution(ask, before, event("10:10", "policy", set={"r": change}))

    assert clock["deadline"] == deadline


def test_a_clock_that_comes_back_counts_from_creation(ask):
    clock = resolution(
        ask,
        {"target_seconds": 3600, "pause": ["pending"]},
        event("10:10", "policy", set={"r": None}),
        event("10:20", "policy", set={"r": {"target_seconds": 7200}}),
    )

    assert (clock["deadline"], clock["elapsed_seconds"]) == ("2024-01-08T12:00:00Z", 1200)


def test_many_changes_of_policy_tell_any_number_of_statuses_apart(ask):
    names = [f"s{n}" for n in range(8)]
    changes = [
        event(
            f"10:0{n}",
            "policy",
            set={"r": {"pause": [name for place, name in enumerate(names) if place >> n & 1]}},
        )
        for n in range(3)
    ]
    statuses = [event(f"10:1{n}", "status", to=name) for n, name in enumerate(names)]

    clock = resolution(ask, {"target_seconds": 7200}, *changes, *statuses)

    assert (clock["state"], clock["elapsed_seconds"]) == ("paused", 14 * 60)


@pytest.mark.parametrize(
    ("when", "is_covered"),
    [
        pytest.param({"tags": ["one"]}, True, id="a list has one in common"),
        pytest.param({"tags": "one"}, True, id="a single value is in it"),
        pytest.param({"tags": ["two", "three"]}, False, id="none in common"),
        pytest.param({"tags": "on"}, False, id="a part of a value"),
        pytest.param({"tags": {"op": "is_not", "value": "one"}}, False, id="is_not"),
        pytest.param({"tags": {"op": "not_in", "value": ["two"]}}, True, id="not_in"),
        pytest.param({"tags": {"op": "is", "value": ["two", "one"]}}, True, id="is, of several"),
        pytest.param({"all": [{"tags": "one"}, {"a": 1}]}, True, id="short entries of all"),
        pytest.param({"any": [{"a": 2}, {"tags": {"in": ["x"]}}]}, True, id="short ones of any"),
        pytest.param({"any": [{"a": 2}, {"b": 1}]}, False, id="none of any"),
    ],
)
def test_conditions_hold_for_lists_and_in_every_form(ask, when, is_covered):
    policies = [{"name": "own", "when": when, "clocks": {}}]

    actual = ask("target", {"policies": policies, "ticket": {"tags": ["one", "x"], "a": 1}})

    assert actual["actual"]["policy"] == ("own" if is_covered else None)


@pytest.mark.parametrize(("blank", "policy"), [("all", "own"), ("none", None), ("never", None)])
def test_a_blank_condition_covers_all_only_where_it_says_so(ask, blank, policy):
    given = {"policies": [{"name": "own"}], "ticket": {"a": 1}, "blank_condition": blank}

    assert ask("target", given)["actual"]["policy"] == policy


def test_periods_go_forward_unless_told_otherwise(ask):
    actual = ask("periods", {"from": SATURDAY, "count": 1})["actual"]

    assert actual["periods"] == [["2024-01-08T09:00:00Z", "2024-01-08T17:00:00Z"]]


NO_HOURS = {"tz": "UTC", "hours": {}, "holidays": ["2024-01-08"]}


@pytest.mark.parametrize(
    ("op", "given", "actual"),
    [
        ("elapsed", {"from": SATURDAY, "to": MONDAY}, {"seconds": 0, "hours_floor": 0}),
        ("in_hours", {"at": MONDAY}, {"value": False}),
        ("on_holiday", {"at": MONDAY}, {"value": True}),
        ("is_holiday", {"date": "2024-01-08"}, {"value": True}),
        ("working_day", {"date": "2024-01-09"}, {"value": False}),
        ("periods", {"from": MONDAY, "count": 1}, {"periods": []}),
    ],
)
def test_a_calendar_without_hours_still_answers(ask, op, given, actual):
    assert ask(op, given, calendar=NO_HOURS)["actual"] == actual


def test_an_instant_in_a_calendar_without_hours_is_an_error(ask):
    answer = ask("add", {"from": MONDAY, "seconds": 60}, calendar=NO_HOURS)

    assert answer["error"] == "no_working_time"


def test_a_deadline_read_before_the_start_is_as_it_starts(ask):
    given = {"start": MONDAY, "target_seconds": 3600, "pauses": [], "now": SATURDAY}

    actual = ask("deadline", given)["actual"]

    assert (actual["elapsed_seconds"], actual["remaining_seconds"]) == (0, 3600)
    assert actual["deadline"] == "2024-01-08T11:00:00Z"


SUNDAY = {"tz": "Europe/Berlin", "hours": {"sun": [["00:00", "24:00"]]}}
WALL = {"clock": "wall"}


@pytest.mark.parametrize(
    ("op", "given", "actual"),
    [
        pytest.param(
            "add",
            {"from": "2024-03-30T23:00:00Z", "seconds": 14_400},
            {"at": "2024-03-31T02:00:00Z", "date": "2024-03-31"},
            id="four o'clock although an hour is left out",
        ),
        pytest.param(
            "add",
            {"from": "2024-10-27T01:30:00Z", "seconds": 600},
            {"at": "2024-10-27T01:40:00Z", "date": "2024-10-27"},
            id="never back into the hour that comes twice",
        ),
        pytest.param(
            "add",
            {"from": "2024-03-31T02:00:00Z", "seconds": -14_400},
            {"at": "2024-03-30T23:00:00Z", "date": "2024-03-31"},
            id="back to midnight",
        ),
        pytest.param(
            "elapsed",
            {"from": "2024-03-30T23:00:00Z", "to": "2024-03-31T22:00:00Z"},
            {"seconds": 86_400, "hours_floor": 24},
            id="a whole day",
        ),
        pytest.param(
            "deadline",
            {
                "start": "2024-03-30T23:00:00Z",
                "target_seconds": 14_400,
                "now": "2024-03-31T03:00:00Z",
            },
            {
                "elapsed_seconds": 18_000,
                "paused_seconds": 0,
                "deadline": "2024-03-31T02:00:00Z",
                "remaining_seconds": -3600,
                "breached": True,
            },
            id="a deadline",
        ),
    ],
)
def test_wall_time_counts_the_clock_face(ask, op, given, actual):
    assert ask(op, given, calendar=SUNDAY, profile=WALL)["actual"] == actual


def test_a_ticket_may_count_the_clock_face(ask):
    clocks = {"r": {"kind": "resolution", "target_seconds": 14_400}}
    events = [{"at": "2024-03-30T23:00:00Z", "type": "created", "status": "open"}]
    given = {"policy": {"clocks": clocks}, "events": events, "now": "2024-03-31T01:00:00Z"}

    actual = ask("ticket", given, calendar=SUNDAY, profile=WALL)["actual"]

    assert actual["next_deadline"] == "2024-03-31T02:00:00Z"
    assert actual["clocks"]["r"]["elapsed_seconds"] == 3 * 3600


@pytest.mark.parametrize(
    ("begin", "end", "day", "endpoint", "member"),
    [
        pytest.param("02:15", "02:45", "2024-10-27", 1800, 3600, id="twice in autumn"),
        pytest.param("02:15", "02:45", "2024-03-31", 1800, 0, id="left out in spring"),
        pytest.param("02:30", "04:00", "2024-10-27", 9000, 7200, id="twice half an hour, and on"),
        pytest.param("01:30", "02:30", "2024-03-31", 3600, 1800, id="as far as it is shown"),
        pytest.param("02:30", "05:00", "2024-03-31", 5400, 7200, id="from when it is shown"),
        pytest.param("00:00", "24:00", "2024-03-31", 82_800, 82_800, id="a whole day"),
        pytest.param("00:00", "24:00", "2024-10-27", 90_000, 90_000, id="a longer day"),
        pytest.param("09:00", "17:00", "2024-10-27", 28_800, 28_800, id="hours elsewhere"),
    ],
)
def test_members_of_hours_are_what_the_clock_shows(ask, begin, end, day, endpoint, member):
    calendar = {"tz": "Europe/Berlin", "hours": {"sun": [[begin, end]]}}
    given = {"from": f"{day}T00:00:00+03:00", "to": f"{day}T23:59:59-01:00"}

    found = [
        ask("elapsed", given, calendar=calendar, profile={"dst": rule})["actual"]["seconds"]
        for rule in ("endpoint", "member")
    ]

    assert found == [endpoint, member]


def test_members_count_in_the_tail_of_a_night(ask):
    calendar = {"tz": "Europe/Berlin", "hours": {"sat": [["22:00", "02:30"]]}}
    given = {"from": "2024-10-26T12:00:00Z", "to": "2024-10-27T12:00:00Z"}

    actual = ask("elapsed", given, calendar=calendar, profile={"dst": "member"})["actual"]

    assert actual["seconds"] == 5 * 3600


def test_a_kept_list_meets_plain_conditions(make_event, make_events):
    told = ['["vip", "beta"]', "vip", "[vip] laptops", '["vips"]']
    events = make_events(
        [
            make_event(str(n), NOW, attributes=[{"key": "tags", "value": text}])
            for n, text in enumerate(told)
        ]
    )

    held = events.select(Condition("tags", "in", ("vip", "x")).expression().alias("held"))["held"]

    assert held.to_list() == [True, True, False, False]


@pytest.mark.parametrize(
    ("count", "breaches", "mean"),
    [("per_cycle", 1, (18_000 + 1_800) / 2), ("per_message", 2, (18_000 + 14_400 + 1_800) / 3)],
)
def test_messages_may_count_one_by_one(ask, count, breaches, mean):
    clock = {"kind": "next_response", "target_seconds": 3600, "calendar": None, "count": count}
    told = [("06:00", "requester"), ("06:30", "agent"), ("07:00", "requester")]
    told += [("08:00", "requester"), ("12:00", "agent"), ("12:30", "requester"), ("13:00", "agent")]
    given = {
        "policy": {"clocks": {"reply": clock}},
        "events": [
            {"at": "2024-01-10T06:00:00Z", "type": "created", "status": "open"},
            *(
                {"at": f"2024-01-10T{at}:00Z", "type": "message", "from": who}
                for at, who in told
            ),
        ],
        "now": "2024-01-10T14:00:00Z",
    }  # fmt: skip

    figures = ask("ticket", given)["actual"]["clocks"]["reply"]

    assert figures["breaches"] == breaches
    assert figures["mean_elapsed_seconds"] == pytest.approx(mean)
    assert (figures["state"], figures["worst_elapsed_seconds"]) == ("met", 18000)
