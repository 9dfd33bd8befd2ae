"""Policies, targets, conditions, replies and void of sla.toml: what is read, what is refused."""

from __future__ import annotations

import pytest

from sla_sniper.config.documents import key_name, open_document
from sla_sniper.config.fields import named_fields
from sla_sniper.config.service_levels import read_sla
from sla_sniper.config.targets import WAITS
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.schema import METRICS
from sla_sniper.sla.conditions import OPERATORS, Condition, Conditions
from sla_sniper.sla.policy import (
    OFF,
    CalendarChoice,
    Replies,
    Target,
    WarningPoint,
    WorkingDays,
)

HOUR = 3600 * 1_000_000
DAY = 24 * HOUR
TEXT = """[calendars.office]
timezone = "Europe/Amsterdam"
hours = { mon = ["09:00-17:00"] }
[calendars.night]
hours = "24x7"
[[policies]]
name = "all"
POLICY
  [[policies.targets]]
  metric = "METRIC"
  calendar = CALENDAR
  target = TARGET
  EXTRA
[costs]
breach = { default = 50 }
intervention = 2
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }
MORE
"""
PARTS = {
    "POLICY": "",
    "METRIC": "resolution_time",
    "CALENDAR": '"office"',
    "TARGET": '"8h"',
    "EXTRA": "",
    "MORE": "",
}


@pytest.fixture
def read(tmp_path):
    def reading(**parts: str):
        text = TEXT
        for part, written in (PARTS | parts).items():
            text = text.replace(part, written)
        path = tmp_path / "sla.toml"
        path.write_text(text, encoding="utf-8")
        return read_sla(path)

    return reading


@pytest.fixture
def target(read):
    def reading(**parts: str) -> Target:
        return read(**parts).levels.policies[0].targets[0]

    return reading


@pytest.fixture
def refused(read):
    def refusal(**parts: str) -> tuple[str, ...]:
        with pytest.raises(ConfigurationError) as caught:
            read(**parts)
        return caught.value.problems

    return refusal


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"8h"', Target("", "", default=8 * HOUR)),
        ('"off"', Target("", "", default=OFF)),
        ('"vendor"', Target("", "", is_vendor=True)),
        ("{ days = 3 }", Target("", "", default=WorkingDays(3))),
        (
            "{ days = 3, end_of_day = true }",
            Target("", "", default=WorkingDays(3, is_end_of_day=True)),
        ),
        ('{ high = "4h", default = "8h" }', Target("", "", {"high": 4 * HOUR}, 8 * HOUR)),
        (
            '{ high = { days = 1 }, low = "off", default = "8h" }',
            Target("", "", {"high": WorkingDays(1), "low": OFF}, 8 * HOUR),
        ),
        ('{ high = "4h" }', Target("", "", {"high": 4 * HOUR})),
    ],
)
def test_a_target_has_several_forms(target, written, expected):
    rule = target(TARGET=written)

    assert rule.by_priority == expected.by_priority
    assert (rule.default, rule.is_vendor) == (expected.default, expected.is_vendor)


@pytest.mark.parametrize(("written", "unit"), [('"8h"', "wall"), ('"vendor"', "working")])
def test_pauses_move_no_deadline_of_the_help_desk(target, written, unit):
    assert target(TARGET=written, EXTRA='pause_unit = "wall"').pause_unit == unit


def test_a_calendar_may_depend_on_the_ticket(read):
    written = '{ organization = { Acme = "office" }, group = { L1 = "night" }, default = "night" }'

    sla = read(CALENDAR=written)

    rule = sla.levels.policies[0].targets[0]
    assert rule.calendar == CalendarChoice(
        (("organization", {"Acme": "office"}), ("group", {"L1": "night"})), "night"
    )
    assert sla.calendar.name == "night"


@pytest.mark.parametrize(
    ("written", "field", "expected"),
    [
        ('start = "attached"', "start", "attached"),
        ('pause_in = ["on_hold"]', "pause_in", ("on_hold",)),
        ("pause_awaiting_requester = true", "pause_awaiting_requester", True),
        ('pause_until = "follow_up_at"', "pause_until", "follow_up_at"),
        ('pause_mode = "hide"', "pause_mode", "hide"),
        ('pause_unit = "wall"', "pause_unit", "wall"),
        ('stop_in = ["closed"]', "stop_in", ("closed",)),
        ('on_reopen = "final"', "on_reopen", "final"),
        ('on_priority_change = "restart"', "on_priority_change", "restart"),
        ('on_calendar_change = "keep"', "on_calendar_change", "keep"),
        ('ledger = "keep"', "keeps_ledger", True),
        ('ledger = "recompute"', "keeps_ledger", False),
    ],
)
def test_a_rule_of_any_clock_is_read(target, written, field, expected):
    assert getattr(target(EXTRA=written), field) == expected


@pytest.mark.parametrize(
    ("metric", "written", "field", "expected"),
    [
        ("next_reply_time", "include_first = true", "include_first", True),
        ("ownership_time", 'on_close = "ignore"', "on_close", "ignore"),
        ("first_reply_time", 'on_close = "pause"', "on_close", "pause"),
        ("first_reply_time", 'reply_statuses = ["on_hold"]', "reply_statuses", ("on_hold",)),
        ("periodic_update_time", "starts_at_creation = false", "starts_at_creation", False),
        ("periodic_update_time", 'reset_by = ["requester"]', "reset_by", ("requester",)),
        ("periodic_update_time", 'until = "requester"', "until", "requester"),
        ("ownership_time", 'start = "attached"\non_leave = "satisfy"', "on_leave", "satisfy"),
    ],
)
def test_a_rule_of_one_metric_is_read(target, metric, written, field, expected):
    assert getattr(target(METRIC=metric, EXTRA=written), field) == expected


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_pauses_by_its_definition(target, metric):
    """Zendesk: requester wait stops in pending, agent work in pending and on hold."""
    rule = target(METRIC=metric)

    assert rule == Target(metric, "office", default=8 * HOUR, pause_in=WAITS.get(metric, ()))


def test_explicit_pauses_replace_the_metrics_own(target):
    assert target(METRIC="agent_work_time", EXTRA="pause_in = []").pause_in == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("75", [WarningPoint("75%", percent=75)]),
        ('"75 %"', [WarningPoint("75%", percent=75)]),
        (
            '["50%", "-60m", "+2d", "+0"]',
            [
                WarningPoint("50%", percent=50),
                WarningPoint("-60m", offset_us=-HOUR),
                WarningPoint("+2d", offset_us=2 * DAY),
                WarningPoint("+0"),
            ],
        ),
        (
            '[{ at = "75%", repeat = "1h", only_in_hours = true }, { at = 120 }]',
            [
                WarningPoint("75%", 75, 0, HOUR, is_only_in_hours=True),
                WarningPoint("120%", percent=120),
            ],
        ),
    ],
)
def test_warnings_have_several_forms(target, written, expected):
    assert target(EXTRA=f"warn_at = {written}").warn_at == tuple(expected)


@pytest.mark.parametrize(
    ("operator", "written", "values"),
    [
        ("is", '"a"', ("a",)),
        ("is_not", "2", ("2",)),
        ("in", '["a", 2, true]', ("a", "2", "true")),
        ("not_in", '"a"', ("a",)),
        ("contains", '"a"', ("a",)),
        ("contains_not", "2016-02-29", ("2016-02-29",)),
        ("has_any", '["vip", "gold"]', ("vip", "gold")),
        ("lt", "3", ("3",)),
        ("gt", '"0.5"', ("0.5",)),
    ],
)
def test_each_operator_is_read(read, operator, written, values):
    sla = read(POLICY=f'when = {{ any = [{{ field = "x", {operator} = {written} }}] }}')

    assert operator in OPERATORS
    assert sla.levels.policies[0].when == Conditions(any_of=(Condition("x", operator, values),))


def test_what_is_a_reply_can_be_set(read):
    sla = read(
        MORE='[replies]\nroles = ["agent", "system"]\nnotes = true\n'
        'unless = { channel = ["forum"], any = [{ field = "tags", has_any = ["auto"] }] }'
    )

    assert sla.levels.replies == Replies(
        ("agent", "system"),
        are_notes=True,
        unless=Conditions(
            (Condition("channel", "in", ("forum",)),), (Condition("tags", "has_any", ("auto",)),)
        ),
    )


def test_void_tickets_are_chosen_by_conditions(read):
    sla = read(MORE='[void]\nwhen = { any = [{ field = "tags", has_any = ["spam", "test"] }] }')

    assert sla.levels.void.any_of == (Condition("tags", "has_any", ("spam", "test")),)
    assert sla.levels.fields == ("tags",)


def test_without_these_sections_defaults_hold(read):
    levels = read().levels

    assert levels.replies == Replies()
    assert levels.void.is_empty
    assert levels.policies[0].on_policy_change == "recompute"


def test_examples_are_kept_as_they_are(read):
    sla = read(MORE='[[examples]]\nname = "late"\nevents = [{ at = "x" }]\n[[examples]]\nany = 1')

    assert sla.examples == ({"name": "late", "events": [{"at": "x"}]}, {"any": 1})


@pytest.mark.parametrize(
    ("parts", "is_same"),
    [
        ({"EXTRA": 'warn_at = ["50%", "-60m"]'}, True),
        ({"MORE": "[[examples]]\na = 1"}, True),
        ({"MORE": '[replies]\nroles = ["agent", "robot"]'}, False),
        ({"MORE": '[void]\nwhen = { status = ["new"] }'}, False),
        ({"EXTRA": 'ledger = "keep"'}, False),
        ({"EXTRA": 'pause_unit = "wall"'}, False),
        ({"TARGET": "{ days = 1 }"}, False),
        ({"CALENDAR": '{ default = "office" }'}, False),
        ({"POLICY": 'on_policy_change = "keep"'}, False),
        ({"POLICY": 'when = { group = ["a"] }'}, False),
    ],
)
def test_the_promise_is_what_changes_a_clock(read, parts, is_same):
    assert (read(**parts).promise == read().promise) is is_same


def test_odd_settings_are_accepted_and_said(read):
    later = '[[policies]]\nname = "later"\n[[policies.targets]]\nmetric = "ownership_time"\n'
    later += 'calendar = "night"\ntarget = "1h"\n[replies]\nroles = ["agnet"]'

    sla = read(MORE=later)

    policy, role = sla.notes
    assert policy == "policy 'later' is never tried: 'all' before it covers every ticket"
    assert role.startswith("replies.roles: 'agnet' is none of agent, requester, system")


def test_a_sound_file_needs_no_notes(read):
    assert read(POLICY='when = { group = ["a"] }').notes == ()


OWN = "policies[1].targets[1]"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"TARGET": '"0h"'}, f"line 12, {OWN}.target: a duration must be longer than zero"),
        ({"TARGET": '"-4h"'}, f"line 12, {OWN}.target: a duration must be longer than zero"),
        ({"TARGET": "-4"}, f"line 12, {OWN}.target: a duration must be longer than zero"),
        ({"TARGET": "4"}, f'line 12, {OWN}.target: write it as text such as "4h"'),
        ({"TARGET": "true"}, f'line 12, {OWN}.target: write "4h", {{ days = 3 }}, "off"'),
        ({"TARGET": '"999999w"'}, f"line 12, {OWN}.target: a duration is at most a hundred years"),
        ({"TARGET": "{}"}, f"line 12, {OWN}.target: a target needs at least one priority"),
        ({"TARGET": "{ days = 0 }"}, f"line 12, {OWN}.target: working days are a whole number"),
        ({"TARGET": "{ end_of_day = true }"}, f"line 12, {OWN}.target: working days are a whole"),
        ({"TARGET": "{ days = 1, end_of_day = 1 }"}, f"line 12, {OWN}.target: end_of_day must be"),
        (
            {"TARGET": "{ high = { days = 1, dys = 2 } }"},
            f"line 12, {OWN}.target.high.dys: unknown key (did you mean 'days'?)",
        ),
        (
            {"TARGET": '{ high = "vendor" }'},
            f'line 12, {OWN}.target.high: write a duration as "4h"',
        ),
        ({"METRIC": "resolution"}, f"line 10, {OWN}.metric: no metric is called 'resolution' (did"),
        ({"METRIC": "happiness"}, f"line 10, {OWN}.metric: no metric is called 'happiness'; known"),
        ({"EXTRA": 'pause_in = ["waiting"]'}, f"line 13, {OWN}.pause_in: no status is called"),
        ({"EXTRA": 'stop_in = ["done"]'}, f"line 13, {OWN}.stop_in: no status is called 'done'"),
        ({"EXTRA": "stop_in = []"}, f"line 13, {OWN}.stop_in: needs at least one entry"),
        (
            {"METRIC": "first_reply_time", "EXTRA": 'reply_statuses = ["answered"]'},
            f"line 13, {OWN}.reply_statuses: no status is called 'answered'",
        ),
        ({"EXTRA": 'pause_in = "new"'}, f"line 13, {OWN}.pause_in: must be a list, got 'new'"),
        ({"EXTRA": 'pause_in = ["closed"]'}, f"line 13, {OWN}.pause_in: 'closed' ends the work"),
        ({"EXTRA": 'pause_unit = "days"'}, f"line 13, {OWN}.pause_unit: must be 'working' or"),
        ({"EXTRA": "ledger = true"}, f"line 13, {OWN}.ledger: must be 'recompute' or 'keep'"),
        (
            {"EXTRA": 'pause_awaiting_requester = "yes"'},
            f"line 13, {OWN}.pause_awaiting_requester: must be true or false, got 'yes'",
        ),
        ({"EXTRA": 'warn_at = "soon"'}, f"line 13, {OWN}.warn_at: 'soon' is no moment to warn at"),
        ({"EXTRA": 'warn_at = "60m"'}, f"line 13, {OWN}.warn_at: '60m' is no moment to warn at"),
        ({"EXTRA": "warn_at = -75"}, f"line 13, {OWN}.warn_at: '-75%' is no share of a target"),
        ({"EXTRA": 'warn_at = ["-0%"]'}, f"line 13, {OWN}.warn_at[1]: '-0%' is no share of a"),
        ({"EXTRA": "warn_at = 7.5"}, f"line 13, {OWN}.warn_at: warn at a whole percentage"),
        ({"EXTRA": 'warn_at = [50, "50%"]'}, f"line 13, {OWN}.warn_at: warns at '50%' twice"),
        ({"EXTRA": 'warn_at = ["+2x"]'}, f"line 13, {OWN}.warn_at[1]: '+2x' is no moment"),
        ({"EXTRA": 'warn_at = [{ repeat = "1h" }]'}, f"line 13, {OWN}.warn_at[1].at: say when"),
        (
            {"EXTRA": 'warn_at = [{ at = 5, repeat = "0h" }]'},
            f"line 13, {OWN}.warn_at[1].repeat: a duration must be longer than zero",
        ),
        (
            {"EXTRA": 'warn_at = [{ at = 5, repet = "1h" }]'},
            f"line 13, {OWN}.warn_at[1].repet: unknown key (did you mean 'repeat'?)",
        ),
        ({"CALENDAR": '"week"'}, f"line 11, {OWN}.calendar: no calendar is called 'week', only"),
        (
            {"CALENDAR": '{ group = { L1 = "week" }, default = "night" }'},
            f"line 11, {OWN}.calendar.group.L1: no calendar is called 'week'",
        ),
        (
            {"CALENDAR": '{ group = { L1 = "night" } }'},
            f"line 11, {OWN}.calendar.default: name the calendar of all other tickets",
        ),
        (
            {"CALENDAR": '{ group = "night", default = "night" }'},
            f"line 11, {OWN}.calendar.group: write which value has which calendar",
        ),
        ({"CALENDAR": "3"}, f"line 11, {OWN}.calendar: write the name of a calendar"),
        ({"POLICY": "when = 3"}, "line 8, policies[1].when: conditions are a table such as"),
        ({"POLICY": "when = { x = [] }"}, "line 8, policies[1].when.x: needs at least one value"),
        ({"POLICY": "when = { x = {} }"}, "line 8, policies[1].when.x: {} is no text, number"),
        ({"POLICY": "when = { any = [] }"}, "line 8, policies[1].when.any: a list of conditions"),
        ({"POLICY": "when = { all = 3 }"}, "line 8, policies[1].when.all: write a list of"),
        (
            {"POLICY": 'when = { all = [{ field = "x", like = "y" }] }'},
            "line 8, policies[1].when.all[1].like: unknown operator 'like'",
        ),
        (
            {"POLICY": 'when = { any = [{ is = "y" }] }'},
            "line 8, policies[1].when.any[1]: a condition is a field and one of is, is_not",
        ),
        (
            {"POLICY": 'when = { any = [{ field = "x", lt = "many" }] }'},
            "line 8, policies[1].when.any[1].lt: compares with a number, not 'many'",
        ),
        (
            {"POLICY": 'when = { any = [{ field = "x", is = ["y"] }] }'},
            "line 8, policies[1].when.any[1].is: takes one value, not a list",
        ),
        (
            {"POLICY": "valid_from = 2026-03-29\nvalid_to = 2026-03-29"},
            "line 9, policies[1].valid_to: it ends before it begins",
        ),
        ({"POLICY": 'on_policy_change = "x"'}, "line 8, policies[1].on_policy_change: must be"),
        ({"POLICY": 'default = "yes"'}, "line 8, policies[1].default: must be true or false"),
        ({"POLICY": 'order = "1"'}, "line 8, policies[1].order: must be a whole number, got '1'"),
        ({"POLICY": "enabled = false"}, "line 6, no policy is enabled"),
        ({"POLICY": "orders = 1"}, "line 8, unknown key policies[1].orders (did you mean 'order'"),
        ({"MORE": "[replies]\nroles = []"}, "line 19, replies.roles: needs at least one entry"),
        ({"MORE": "[replies]\nnotes = 1"}, "line 19, replies.notes: must be true or false, got 1"),
        ({"MORE": "[replis]"}, "line 18, unknown key replis (did you mean 'replies'?)"),
    ],
)
def test_a_mistake_has_its_line_and_key(refused, parts, told):
    (problem,) = refused(**parts)

    assert problem.startswith(told)


def test_one_metric_twice_is_refused(refused):
    again = '[[policies.targets]]\nmetric = "resolution_time"\ncalendar = "night"\ntarget = "1h"'

    (problem,) = refused(EXTRA=again)

    assert problem == (
        "line 14, policies[1].targets[2].metric: policies[1].targets[1] times 'resolution_time' "
        "as well; write two policies instead"
    )


def test_problems_of_all_kinds_come_together(refused):
    problems = refused(
        POLICY='default = true\nwhen = { priority = ["high"], any = [{ field = "x", lik = 1 }] }',
        CALENDAR='"week"',
        TARGET='{ low = "0h" }',
        EXTRA='pause_in = ["waiting"]\non_reopn = "count"',
        MORE='[[policies]]\nname = "all"\ndefault = true\ntargets = []',
    )

    assert [problem.split(":")[0].split(" (")[0] for problem in problems] == [
        "line 9, policies[1].when.any[1].lik",
        f"line 12, {OWN}.calendar",
        f"line 13, {OWN}.target.low",
        f"line 13, {OWN}.target",
        f"line 14, {OWN}.pause_in",
        f"line 15, unknown key {OWN}.on_reopn",
        "line 21, policies[2].name",
        "line 22, policies[2].default",
        "line 23, policies[2].targets",
    ]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"EXTRA": "include_first = true"}, f"{OWN}.include_first: it means nothing for"),
        ({"EXTRA": 'on_close = "pause"'}, f"{OWN}.on_close: it means nothing for resolution_time"),
        (
            {"METRIC": "next_reply_time", "EXTRA": 'on_reopen = "count"'},
            f"{OWN}.on_reopen: it means nothing for next_reply_time",
        ),
        ({"EXTRA": 'on_leave = "satisfy"'}, f"{OWN}.on_leave: it means nothing for a clock"),
    ],
)
def test_keys_without_effect_are_accepted_and_told(read, parts, told):
    notes = read(**parts).notes

    assert [note for note in notes if told in note]


def test_merged_tickets_are_named_by_a_field(read):
    sla = read(MORE='[void]\nmerged_into = "parent"')

    assert sla.levels.merged_into == "parent"


def test_every_field_a_rule_names_has_its_key(read, tmp_path):
    settings = read(
        POLICY='when = { site = ["Rome"], any = [{ field = "tier", is = "gold" }] }',
        CALENDAR='{ group = { L2 = "night" }, default = "office" }',
        EXTRA='pause_until = "promised"',
        MORE="""[[policies]]
name = "off"
enabled = false
when = { unused = "x" }
targets = [{ metric = "resolution_time", calendar = "night", target = "1h" }]
[replies]
unless = { all = [{ field = "channel", is = "chat" }] }
[void]
when = { spam = true }
merged_into = "parent"
""",
    )

    found = list(named_fields(open_document(tmp_path / "sla.toml").table))

    assert {name for _, name in found} == set(settings.levels.fields)
    assert [key_name(path) for path, _ in found] == [
        "void.when.spam",
        "void.merged_into",
        "replies.unless.all[1].field",
        "policies[1].when.site",
        "policies[1].when.any[1].field",
        "policies[1].targets[1].calendar.group",
        "policies[1].targets[1].pause_until",
    ]
