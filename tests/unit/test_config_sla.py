"""sla.toml: every key works, and every mistake is told in one message."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sla_sniper.config.costs import NoCostsError
from sla_sniper.config.service_levels import read_sla
from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.sla.calendar import Holidays
from sla_sniper.sla.conditions import Condition

GOOD = """
[calendars.weekdays]
timezone = "Europe/Amsterdam"
hours = { mon = ["09:00-17:00"], tue = ["22:00-06:00", "12:00-24:00"] }
holidays = { country = "NL", dates = ["2026-12-24", "*-05-05", "2026-08-01/2026-08-14"] }
[calendars.always]
hours = "24x7"
[[policies]]
name = "standard"
valid_from = 2016-01-01
valid_to = 2030-01-01T12:00:00+02:00
  [policies.when]
  priority = ["critical", "low"]
  all = [{ field = "group", is_not = "spam" }]
  any = [{ field = "impact", in = ["1", "2"] }]
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "weekdays"
  target = { critical = "4h", low = "1h30m" }
  pause_in = ["waiting_requester"]
  on_reopen = "count"
  on_priority_change = "keep"
[costs]
currency = "EUR"
by = "priority"
breach = { critical = 500, low = 10, default = 5 }
intervention = 2
effectiveness = { value = 0.5, low = 0.3, high = 0.7, falls_over = "24h" }
[capacity]
per_day = 30
"""
POLICY = """
[[policies]]
name = "{name}"
{extra}
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "always"
  target = "8h"
"""


@pytest.fixture
def read(tmp_path):
    def reading(text: str):
        path = tmp_path / "sla.toml"
        path.write_text(text, encoding="utf-8")
        return read_sla(path)

    return reading


def test_every_documented_key_is_read(read):
    sla = read(GOOD)

    policy = sla.levels.policies[0]
    target = policy.targets[0]
    assert sla.timezone == "Europe/Amsterdam"
    assert sla.capacity_per_day == 30
    assert sla.levels.calendars["always"].is_always_open
    assert sla.calendar.hours[:2] == (((32400, 61200),), ((79200, 21600), (43200, 86400)))
    assert sla.calendar.holidays == Holidays(
        "NL",
        dates=(date(2026, 12, 24),),
        yearly=((5, 5),),
        ranges=((date(2026, 8, 1), date(2026, 8, 14)),),
    )
    assert policy.valid_from == datetime(2015, 12, 31, 23, tzinfo=UTC)
    assert policy.valid_to == datetime(2030, 1, 1, 10, tzinfo=UTC)
    assert policy.when.all_of == (
        Condition("priority", "in", ("critical", "low")),
        Condition("group", "is_not", ("spam",)),
    )
    assert policy.when.any_of == (Condition("impact", "in", ("1", "2")),)
    assert target.by_priority == {"critical": 4 * 3600_000_000, "low": 5400_000_000}
    assert (target.on_reopen, target.on_priority_change) == ("count", "keep")
    assert (sla.costs.currency, sla.costs.default) == ("EUR", 5)


def test_the_default_policy_is_tried_last(read):
    text = POLICY.format(name="any", extra="default = true")
    text += POLICY.format(name="late", extra="order = 2") + POLICY.format(
        name="soon", extra="order = 1"
    )
    text += POLICY.format(name="off", extra="enabled = false")

    sla = read(GOOD.replace("[costs]", text + "[costs]"))

    assert [policy.name for policy in sla.levels.policies] == ["standard", "soon", "late", "any"]


def test_vendor_targets_need_no_priorities(read):
    sla = read(GOOD.replace('{ critical = "4h", low = "1h30m" }', '"vendor"'))

    assert sla.levels.policies[0].targets[0].is_vendor


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("timezone =", "timezon =", r"unknown key calendars.weekdays.timezon .*'timezone'"),
        (
            "on_reopen =",
            "on_reopn =",
            r"unknown key policies\[1\].targets\[1\].on_reopn .*'on_reopen'",
        ),
        ("per_day =", "perday =", r"unknown key capacity.perday .*'per_day'"),
        ("[costs]", "[cost]", r"line 23, unknown key cost .*'costs'"),
        ("country =", "land =", r"unknown key calendars.weekdays.holidays.land"),
        ("is_not =", "isnt =", r"unknown operator 'isnt' \(did you mean 'is_not'\?\)"),
        ("mon =", "monday =", r"no day is called 'monday' \(did you mean 'mon'\?\)"),
        ("Europe/Amsterdam", "Europe/Amsterdm", r"unknown zone 'Europe/Amsterdm'"),
        ("09:00-17:00", "09:00-25:00", r"'09:00-25:00' is no time of day"),
        ("09:00-17:00", "09:00-09:00", r"is empty"),
        ("09:00-17:00", "nine to five", r'write open hours as "09:00-17:00"'),
        ('["09:00-17:00"]', '"09:00-17:00"', r"hours of mon are a list"),
        ('"24x7"', '"24/7"', r'a table of days, or "24x7"'),
        ('"24x7"', "{}", r"this one is never open"),
        ('"24x7"', "{ mon = [] }", r"this one is never open"),
        ('country = "NL"', 'country = "XX"', r"no holidays are known for 'XX'"),
        ("2026-12-24", "2026-13-24", r"'2026-13-24' is no date"),
        ("2026-08-14", "2026-07-14", r"ends before it begins"),
        ('"4h"', '"0h"', r"target.critical: a duration must be longer than zero, got '0h'"),
        ('"4h"', '"4 parsecs"', r"write a duration"),
        ('low = "1h30m"', 'moderate = "1h"', r"priority 'low' has no target"),
        ('calendar = "weekdays"', 'calendar = "week"', r"no calendar is called 'week'"),
        ('"waiting_requester"', '"waiting"', r"no status is called 'waiting'"),
        ("resolution_time", "happiness", r"metric: no metric is called 'happiness'"),
        ("2016-01-01", '"soon"', r"valid_from: 'soon' is no instant"),
        ('[{ field = "group", is_not = "spam" }]', "3", r"when.all: write a list of cond"),
        ('{ field = "group", is_not = "spam" }', '"group"', r"'group' is no condition"),
        ('is_not = "spam"', 'is_not = "spam", is = "x"', r"a condition is a field and one of"),
        ("critical = 500", "critical = -1", r"zero or more"),
        ("critical = 500", "critical = inf", r"zero or more"),
        ("intervention = 2", "intervention = nan", r"finite number"),
        ("low = 0.3", "low = 0.9", r"low <= value <= high"),
        ("per_day = 30", "per_day = 0", r"greater than or equal to 1"),
    ],
)
def test_a_mistake_is_named_where_it_is(read, right, wrong, told):
    assert right in GOOD

    with pytest.raises(ConfigurationError, match=told) as caught:
        read(GOOD.replace(right, wrong, 1))

    assert "sla.toml" in str(caught.value)
    assert "should have at least 1 item" not in str(caught.value)


def test_all_problems_come_in_one_message(read):
    text = GOOD.replace("Europe/Amsterdam", "Mars").replace('"4h"', '"0h"').replace("= 30", "= 0")

    with pytest.raises(ConfigurationError) as caught:
        read(text)

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("default = true", "only one policy may be the default"),
        ("", r"policies\[3\].name: policies\[2\] is called 'any' as well"),
    ],
)
def test_two_policies_may_not_contradict(read, extra, told):
    text = 2 * POLICY.format(name="any", extra=extra)

    with pytest.raises(ConfigurationError, match=told):
        read(GOOD.replace("[costs]", text + "[costs]"))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("Europe/Amsterdam", "Mars", "line 3, calendars.weekdays.timezone: unknown zone 'Mars'"),
        ("22:00-06:00", "22:00-25:00", "line 4, calendars.weekdays.hours.tue: '22:00-25:00' is no"),
        ('"24x7"', "{ mon = [] }", "line 7, calendars.always.hours: a calendar needs open hours"),
        (
            '"*-05-05"',
            '"*-05-55"',
            "line 5, calendars.weekdays.holidays.dates: '*-05-55' is no date",
        ),
        ("critical = 500", "critical = -1", "line 26, costs.breach: breach costs are amounts of"),
        ("per_day =", "perday =", "line 30, unknown key capacity.perday (did you mean 'per_day'?)"),
        ("breach =", "breeches =", "line 23, costs.breach is missing"),
    ],
)
def test_a_mistake_has_its_line(read, right, wrong, told):
    with pytest.raises(ConfigurationError) as caught:
        read(GOOD.replace(right, wrong, 1))

    assert caught.value.problems[0].startswith(told)


def test_problems_of_costs_come_in_one_message(read):
    text = GOOD.replace("critical = 500", "critical = -1").replace("low = 0.3", "low = 0.9")
    text = text.replace('"24h"', '"soon"').replace("intervention = 2", "intervention = -2")

    with pytest.raises(ConfigurationError) as caught:
        read(text)

    keys = [problem.split(": ")[0] for problem in caught.value.problems]
    assert sorted(keys) == [
        "line 26, costs.breach",
        "line 27, costs.intervention",
        "line 28, costs.effectiveness.falls_over",
        "line 28, costs.effectiveness.high",
    ]


def test_costs_that_make_every_breach_free_are_refused(read):
    text = GOOD.replace("critical = 500, low = 10, default = 5", "critical = 0")

    with pytest.raises(ConfigurationError, match=r"line 26, costs\.breach: every breach would"):
        read(text)


def test_a_file_without_costs_tells_everything_else(read):
    sla = read(GOOD[: GOOD.index("[costs]")])

    assert sla.breach_costs is None
    assert sla.levels.metrics == ("resolution_time",)
    assert sla.capacity_per_day == 50


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (GOOD[: GOOD.index("[costs]")], r"sla\.toml has no \[costs\], and this command is about"),
        (
            GOOD.replace(
                'effectiveness = { value = 0.5, low = 0.3, high = 0.7, falls_over = "24h" }', ""
            ),
            r"sla\.toml has no effectiveness in \[costs\]",
        ),
    ],
)
def test_what_is_about_money_says_what_to_write(read, text, missing):
    with pytest.raises(NoCostsError, match=missing) as caught:
        read(text).require_costs()

    assert "effectiveness = { value = 0.5, low = 0.3, high = 0.7 }" in str(caught.value)


def test_breaches_are_priced_without_an_effectiveness(read):
    sla = read(GOOD.split("effectiveness", maxsplit=1)[0])

    assert sla.breach_costs is not None
    assert sla.breach_costs.breach == {"critical": 500, "low": 10}


def test_wrong_kinds_of_capacity_and_contracts_are_all_told_together(read):
    kinds = """
[[capacity]]
name = "nothing"
minutes = 60

[[capacity]]
name = "both"
per_day = 9
minutes = 60
effort = 0
when = { mood = ["x"] }
hours = "22:00-06:00"

[[costs.attainment]]
by = "colour"
period = "month"
at_least = 1.5
credit = 0
metric = "mood"
"""
    text = GOOD[: GOOD.index("[capacity]")]
    text = text.replace('falls_over = "24h"', 'falls_over = "0h", point_of_no_return = "soon"')

    with pytest.raises(ConfigurationError) as caught:
        read(text + kinds)

    told = [problem.split(", ", 1)[1].split(":")[0] for problem in caught.value.problems]
    assert sorted(told) == [
        "capacity[1]",
        "capacity[2].effort",
        "capacity[2].hours",
        "capacity[2].minutes",
        "capacity[2].when",
        "costs.attainment[1].at_least",
        "costs.attainment[1].by",
        "costs.attainment[1].credit",
        "costs.attainment[1].metric",
        "costs.effectiveness.falls_over",
        "costs.effectiveness.point_of_no_return",
    ]
    assert all(problem.startswith("line ") for problem in caught.value.problems)


def test_a_kind_without_tickets_and_minutes_is_told(read):
    text = GOOD[: GOOD.index("[capacity]")]

    with pytest.raises(ConfigurationError, match=r"line 30, capacity\[1\]: give either"):
        read(text + '\n[[capacity]]\nname = "a"\n')


def test_contracts_are_read_without_an_effectiveness(read):
    text = GOOD.split("effectiveness", maxsplit=1)[0]
    text += '[[costs.attainment]]\nby = "channel"\nperiod = "week"\nat_least = 0.9\ncredit = 1\n'

    sla = read(text)

    assert [each.by for each in sla.require_prices().attainment] == ["channel"]
    with pytest.raises(NoCostsError):
        sla.require_costs()


def test_a_calendar_that_never_opens_is_told_with_the_rest(read):
    text = GOOD.replace('["2026-12-24", "*-05-05", ', '["1970-01-01/2099-12-31", ')
    text = text.replace('"22:00-06:00", ', "")

    with pytest.raises(ConfigurationError) as caught:
        read(text.replace('"keep"', '"kept"'))

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "line 2, calendars.weekdays",
        "line 22, policies[1].targets[1].on_priority_change",
    ]


def test_overlapping_hours_are_said(read):
    assert read(GOOD).notes == (
        "calendars.weekdays: tue 12:00-24:00 and tue 22:00-06:00 overlap and count once",
    )


def test_problems_of_sniper_toml_have_lines(tmp_path):
    (tmp_path / "sla.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "sniper.toml").write_text('[landmarks]\n\nday_at = "25:00"\nday = 1\n')

    with pytest.raises(ConfigurationError) as caught:
        open_workspace(tmp_path)

    assert caught.value.problems == (
        "line 3, landmarks.day_at: '25:00' is no time of day; write it as \"08:00\"",
        "line 4, unknown key landmarks.day (did you mean 'day_at'?)",
    )


def test_a_syntax_error_keeps_its_line(read):
    with pytest.raises(ConfigurationError, match=r"this is not TOML: .*line 7, column"):
        read(GOOD.replace('hours = "24x7"', 'hours = "24x7'))


@pytest.mark.parametrize(("content", "told"), [(b"a = ", "not TOML"), (b"\xff\xfe", "not UTF-8")])
def test_an_unreadable_file_says_so(tmp_path, content, told):
    path = tmp_path / "sla.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=told):
        read_sla(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="name an existing file"):
        read_sla(tmp_path / "sla.toml")
