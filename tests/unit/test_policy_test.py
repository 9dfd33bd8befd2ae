"""Worked examples of a policy file: what they can say, and how they fail."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sla_sniper.config.workspace import NotAWorkspaceError
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.usecases.policy_test import ExamplesFailedError, duration_text, run_examples

SLA = """
[calendars.office]
timezone = "Europe/Amsterdam"
hours = { mon = ["09:00-17:00"], tue = ["09:00-17:00"], fri = ["09:00-17:00"] }
[calendars.always]
hours = "24x7"
[replies.unless]
channel = ["autoreply"]
[[policies]]
name = "vendor"
when = { tier = ["vendor"] }
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "always"
  target = "vendor"
[[policies]]
name = "standard"
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "office"
  target = { high = "2h", low = "8h" }
  pause_in = ["waiting_requester"]
  pause_until = "hold_until"
  [[policies.targets]]
  metric = "first_reply_time"
  calendar = "office"
  target = "1h"
  [[policies.targets]]
  metric = "next_reply_time"
  calendar = "office"
  target = "1h"
  [[policies.targets]]
  metric = "ownership_time"
  calendar = "office"
  target = "30m"
[costs]
breach = { high = 200, low = 10 }
intervention = 2
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }
"""
EXAMPLE = """
[[examples]]
name = "{name}"
ticket = {{ {ticket} }}
events = [{events}]
{at}
expect = {{ {expect} }}
"""
OPENED = '{ at = 2024-03-29T16:30:00, status = "open" }'
"""A Friday, half an hour before closing; the clocks change on Sunday."""


def written(expect: str, *events: str, ticket: str = 'priority = "high"', **keys: str) -> str:
    told = ", ".join(events or (OPENED,))
    at = f"at = {keys['at']}" if "at" in keys else ""
    name = keys.get("name", "it")
    return EXAMPLE.format(name=name, ticket=ticket, events=told, at=at, expect=expect)


@pytest.fixture
def tried(tmp_path):
    def run(*examples: str):
        path = tmp_path / "sla.toml"
        path.write_text(SLA + "".join(examples), encoding="utf-8")
        return run_examples(tmp_path)

    return run


@pytest.fixture
def refused(tried):
    def run(*examples: str) -> str:
        with pytest.raises(ConfigurationError) as caught:
            tried(*examples)
        return str(caught.value)

    return run


@pytest.mark.parametrize(
    "expected",
    [
        'state = "overdue"',
        "due = 2024-04-01T10:30:00",
        "due = 2024-04-01T08:30:00Z",
        'due = "2024-04-01T10:30:00+02:00"',
        'elapsed = "2h30m"',
        'paused = "0m"',
        'remaining = "-30m"',
        'target = "2h"',
        "breached = true",
        "breached_at = 2024-04-01T10:30:00",
        'fulfilled_at = "none"',
        "applied_at = 2024-03-29T16:30:00",
        'policy = "standard"',
        'calendar = "office"',
        'priority = "high"',
        "cycle = 1",
    ],
)
def test_every_reading_can_be_expected(tried, expected):
    found = tried(written(f"resolution_time = {{ {expected} }}", at="2024-04-01T11:00:00"))

    assert found.failed == ()


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ('state = "met"', "resolution_time.state: expected met, got running"),
        ('elapsed = "31m"', "resolution_time.elapsed: expected 31m, got 30m"),
        ("breached = true", "resolution_time.breached: expected true, got false"),
        (
            "due = 2024-04-01T10:30:01",
            (
                "resolution_time.due: expected 2024-04-01T10:30:01+02:00, "
                "got 2024-04-01T10:30:00+02:00"
            ),
        ),
        ('due = "none"', "resolution_time.due: expected none, got 2024-04-01T10:30:00+02:00"),
        ("cycle = 2", "resolution_time.cycle: expected 2, got 1"),
    ],
)
def test_each_wrong_value_is_one_line(tried, expected, line):
    found = tried(written(f"resolution_time = {{ {expected} }}", at="2024-03-29T17:00:00"))

    assert found.lines(found.failed[0]) == (line,)


def test_clock_is_read_at_the_last_event(tried):
    resolved = '{ at = 2024-04-01T09:15:00, status = "resolved" }'

    found = tried(written('resolution_time = { state = "met", elapsed = "45m" }', OPENED, resolved))

    assert found.failed == ()


def test_events_after_the_instant_are_not_read(tried):
    resolved = '{ at = 2024-04-01T09:15:00, status = "resolved" }'
    expected = 'resolution_time = { state = "running" }'

    found = tried(written(expected, OPENED, resolved, at="2024-04-01T09:00:00"))

    assert found.failed == ()


def test_paused_clock_has_no_deadline(tried):
    waits = '{ at = 2024-04-01T09:15:00, status = "waiting_requester" }'
    expected = 'resolution_time = { state = "paused", due = "none" }'

    assert tried(written(expected, OPENED, waits)).failed == ()


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ("reply = true", "met"),
        ("note = true", "running"),
        ('reply = true, by = "system"', "running"),
        ('reply = true, by = "requester"', "running"),
        ('reply = true, channel = "autoreply"', "running"),
        ("requester = true", "running"),
        ("reply = false", "running"),
    ],
)
def test_only_an_agents_public_message_replies(tried, message, state):
    event = f"{{ at = 2024-03-29T16:40:00, {message} }}"

    found = tried(written(f'first_reply_time = {{ state = "{state}" }}', OPENED, event))

    assert found.failed == ()


def test_list_speaks_of_every_cycle(tried):
    events = [
        "{ at = 2024-04-01T09:00:00, requester = true }",
        "{ at = 2024-04-01T09:10:00, reply = true }",
        "{ at = 2024-04-01T10:00:00, requester = true }",
        "{ at = 2024-04-01T11:30:00, reply = true }",
        "{ at = 2024-04-01T12:00:00, requester = true }",
    ]
    cycles = '[{ state = "missed", elapsed = "1h30m" }, { state = "running", cycle = 2 }]'

    assert tried(written(f"next_reply_time = {cycles}", *events)).failed == ()


def test_wrong_value_names_its_cycle(tried):
    cycles = '[{ state = "met" }]'

    found = tried(written(f"resolution_time = {cycles}"))

    assert found.lines(found.failed[0]) == ("resolution_time[1].state: expected met, got running",)


def test_number_of_cycles_has_to_agree(tried):
    found = tried(written('resolution_time = [{ state = "met" }, { state = "met" }]'))

    assert found.lines(found.failed[0]) == ("resolution_time.cycles: expected 2, got 1",)


def test_no_clock_can_be_expected(tried):
    found = tried(written('next_reply_time = "none", resolution_time = "none"'))

    assert found.lines(found.failed[0]) == ("resolution_time.cycles: expected 0, got 1",)


def test_missing_clock_is_told_as_none(tried):
    found = tried(written('next_reply_time = { state = "met" }'))

    assert found.lines(found.failed[0]) == ("next_reply_time.state: expected met, got none",)


def test_changed_priority_comes_into_force(tried):
    lowered = '{ at = 2024-03-29T16:45:00, priority = "low" }'

    found = tried(written('resolution_time = { priority = "low", target = "8h" }', OPENED, lowered))

    assert found.failed == ()


def test_empty_text_clears_a_field(tried):
    events = [
        '{ at = 2024-04-01T09:00:00, status = "open", assignee = "" }',
        '{ at = 2024-04-01T09:10:00, assignee = "ann" }',
    ]
    expected = 'ownership_time = { state = "met", elapsed = "10m" }'

    found = tried(written(expected, *events, ticket='priority = "low", assignee = "bob"'))

    assert found.failed == ()


def test_attribute_of_a_rule_is_read(tried):
    ticket = 'tier = "vendor", due_at = 2024-03-29T18:00:00, priority = "high"'

    found = tried(written("resolution_time = { due = 2024-03-29T18:00:00 }", ticket=ticket))

    assert found.failed == ()


def test_attribute_may_hold_an_instant(tried):
    held = "{ at = 2024-03-29T16:40:00, hold_until = 2024-04-01T09:30:00 }"
    expected = 'resolution_time = { state = "running", elapsed = "40m", paused = "50m" }'

    found = tried(written(expected, OPENED, held, at="2024-04-01T10:00:00"))

    assert found.failed == ()


def test_priority_without_a_target_fails_its_example(tried):
    found = tried(
        written('resolution_time = { state = "met" }', ticket='priority = "P9"'),
        written('resolution_time = { state = "running" }'),
    )

    assert [each.example.name for each in found.failed] == ["it"]
    assert "has no resolution_time target for priority 'P9'" in found.lines(found.failed[0])[0]


def test_file_without_examples_holds(tried):
    found = tried()

    assert found.sentence().endswith("sla.toml has no examples.")
    found.require()


def test_strict_asks_for_examples(tried):
    with pytest.raises(ExamplesFailedError, match="write \\[\\[examples\\]\\]"):
        tried().require(is_strict=True)


def test_error_counts_and_names_what_failed(tried):
    found = tried(
        written('resolution_time = { state = "met" }', name="first"),
        written('resolution_time = { state = "running" }', name="second"),
    )

    with pytest.raises(ExamplesFailedError, match="1 of 2 examples do not hold: 'first'"):
        found.require()


def test_json_object_tells_every_value(tried):
    told = tried(written("resolution_time = { breached = true }")).as_dict()

    assert told["schema"] == "sniper.policy_test/1"
    assert (told["n_examples"], told["n_failed"]) == (1, 1)
    assert told["examples"][0]["differences"] == [
        {
            "metric": "resolution_time",
            "cycle": None,
            "key": "breached",
            "expected": "true",
            "actual": "false",
        }
    ]


def test_folder_without_a_file_is_no_workspace(tmp_path):
    with pytest.raises(NotAWorkspaceError):
        run_examples(tmp_path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"other\.toml: it cannot be read"):
        run_examples(tmp_path, tmp_path / "other.toml")


GOOD = 'resolution_time = { state = "met" }'


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        (
            written(GOOD).replace("events", "evnets"),
            "examples[1].evnets ('it'): unknown key (did you mean 'events'?)",
        ),
        (written(GOOD, name=""), "examples[1].name (''): every example needs a name"),
        (
            written(GOOD, '{ at = "tomorrow" }'),
            "examples[1].events[1].at ('it'): 'tomorrow' is no instant",
        ),
        (written(GOOD, '{ status = "open" }'), "examples[1].events[1].at ('it'): '' is no instant"),
        (written(GOOD, at='"soon"'), "examples[1].at ('it'): 'soon' is no instant"),
        (written(GOOD, at="2020-01-01"), "examples[1].at ('it'): is before the ticket is created"),
        (
            written(GOOD, OPENED, "{ at = 2024-03-29T16:00:00, reply = true }"),
            "examples[1].events[2].at ('it'): is earlier than the event before it",
        ),
        (
            written(GOOD, '{ at = 2024-03-29, prioritiy = "low" }'),
            "prioritiy ('it'): unknown key (did you mean 'priority'?)",
        ),
        (
            written(GOOD, '{ at = 2024-03-29, status = "pending" }'),
            "status ('it'): no status is called 'pending'",
        ),
        (
            written(GOOD, '{ at = 2024-03-29, reply = "yes" }'),
            "reply ('it'): must be true or false, got 'yes'",
        ),
        (
            written(GOOD, '{ at = 2024-03-29, reply = true, by = "bot" }'),
            "by ('it'): no role is called 'bot'",
        ),
        (
            written(GOOD, "{ at = 2024-03-29, group = { a = 1 } }"),
            "group ('it'): must be a single value",
        ),
        (written(GOOD, ticket="requester = true"), "ticket.requester ('it'): belongs into"),
        (written(GOOD, ticket="reply = true"), "ticket.reply ('it'): belongs into `events`"),
        (written(GOOD).replace("events = [", "events = []\nx = ["), "needs a list of events"),
        (written(GOOD, '"open"'), "examples[1].events[1] ('it'): must be a table"),
        (written(""), "examples[1].expect ('it'): needs at least one metric"),
        (
            written('resolution = { state = "met" }'),
            "no metric is called 'resolution' (did you mean 'resolution_time'?)",
        ),
        (
            written('resolution_time = { stat = "met" }'),
            "resolution_time.stat ('it'): unknown key (did you mean 'state'?)",
        ),
        (written("resolution_time = {}"), "resolution_time ('it'): needs a table of state, policy"),
        (
            written('resolution_time = { state = "late" }'),
            "resolution_time.state ('it'): no state is called 'late'",
        ),
        (
            written('resolution_time = { breached = "no" }'),
            "breached ('it'): must be true or false, got 'no'",
        ),
        (
            written("resolution_time = { policy = 3 }"),
            "policy ('it'): must be text, got 3",
        ),
        (
            written('resolution_time = { elapsed = "soon" }'),
            "elapsed ('it'): write a duration as \"4h\"",
        ),
        (
            written('resolution_time = [{ due = "soon" }]'),
            "resolution_time[1].due ('it'): 'soon' is no instant",
        ),
    ],
)
def test_unreadable_example_names_key_and_example(refused, example, problem):
    assert problem in refused(example)


def test_problems_of_all_examples_come_together(refused):
    told = refused(
        written('resolution_time = { stat = "met" }', name="one", at='"soon"'),
        written(GOOD, name="two", ticket='status = "pending"'),
    )

    assert told.count("('one')") == 2
    assert told.count("('two')") == 1


def test_problem_names_its_line(refused):
    example = written(GOOD, at='"soon"')
    line = (SLA + example).split("\n").index('at = "soon"') + 1

    assert f"line {line}, examples[1].at" in refused(example)


def test_other_attributes_are_welcome(tried):
    event = '{ at = 2024-03-29T16:30:00, status = "open", urgency = 1, tags = ["vip", "beta"] }'

    assert tried(written('resolution_time = { state = "running" }', event)).failed == ()


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0m"),
        (1, "0.000001s"),
        (60_000_000, "1m"),
        (3_600_000_000, "1h"),
        (100 * 3_600_000_000 + 1_500_000, "100h1.5s"),
        (-90 * 60_000_000, "-1h30m"),
    ],
)
def test_durations_are_written_exactly(us, text):
    assert duration_text(us) == text


def test_as_of_is_told_in_utc(tried):
    told = tried(written(GOOD)).as_dict()["examples"][0]

    assert datetime.fromisoformat(told["as_of"]) == datetime(2024, 3, 29, 15, 30, tzinfo=UTC)
