"""Conditions on tickets: operators, missing values and kept attributes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import CalendarChoice, Replies, ServiceLevels, SlaPolicy, Target

START = datetime(2024, 4, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("is", ("alpha",), [True, False, False]),
        ("is_not", ("alpha",), [False, True, False]),
        ("in", ("alpha", "Beta 2"), [True, True, False]),
        ("in", (), [False, False, False]),
        ("not_in", ("alpha",), [False, True, False]),
        ("contains", ("BETA",), [False, True, False]),
        ("contains", ("gamma", "alp"), [True, False, False]),
        ("contains_not", ("beta",), [True, False, False]),
        ("lt", ("3",), [False, False, False]),
        ("lt", ("three",), [False, False, False]),
    ],
)
def test_operators_hold_and_missing_is_false(make_event, make_events, operator, values, expected):
    events = make_events(
        [
            make_event(str(n), START, group=group)
            for n, group in enumerate(["alpha", "Beta 2", None])
        ]
    )

    found = events.select(Condition("group", operator, values).expression()).to_series()

    assert found.to_list() == expected


@pytest.mark.parametrize(("operator", "expected"), [("lt", [True, False]), ("gt", [False, True])])
def test_attributes_compare_as_numbers(make_event, make_events, operator, expected):
    events = make_events(
        [
            make_event(value, START, attributes=[{"key": "impact", "value": value}])
            for value in ("2", "10")
        ]
    ).sort("ticket_id", descending=True)

    found = events.select(Condition("impact", operator, ("3.5",)).expression()).to_series()

    assert found.to_list() == expected


def test_levels_name_their_metrics_and_priorities():
    target = Target("resolution_time", "always", {"high": 1, "low": 2})
    levels = ServiceLevels({}, (SlaPolicy("a", (target,)), SlaPolicy("b", (target,))))

    assert levels.metrics == ("resolution_time",)
    assert levels.priorities == ("high", "low")


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("vip", ("vip",), True),
        ("vip,beta", ("beta",), True),
        ("vip; beta", ("beta",), True),
        ("vip | beta", ("beta",), True),
        ("vip beta", ("beta", "gamma"), True),
        ('["vip", "beta"]', ("vip",), True),
        ("['vip', 'beta']", ("beta",), True),
        ("vips", ("vip",), False),
        ("not-vip", ("vip",), False),
        ("VIP", ("vip",), False),
        ("v.p", ("vip",), False),
        ("vip", ("v.p",), False),
        ("XL, vip", ("XL",), True),
        ("['XL', 'vip']", ("XL",), True),
        ("vip, XL", ("XL",), True),
        ("vip", (), False),
        (None, ("vip",), False),
    ],
)
def test_has_any_looks_for_whole_entries(make_event, make_events, value, wanted, expected):
    kept = [] if value is None else [{"key": "tags", "value": value}]
    events = make_events([make_event("1", START, attributes=kept)])

    found = events.select(Condition("tags", "has_any", wanted).expression()).to_series()

    assert found.to_list() == [expected]


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ('["vip", "café"]', ("café",), True),
        ('["vip", "café"]', ("gold", "vip"), True),
        ('["vip"]', ("vi",), False),
        ("café", ("café",), True),
        ("[]", ("vip",), False),
    ],
)
def test_is_looks_into_lists(make_event, make_events, value, wanted, expected):
    events = make_events([make_event("1", START, attributes=[{"key": "tags", "value": value}])])

    found = events.select(Condition("tags", "is", wanted).expression()).to_series()

    assert found.to_list() == [expected]


def test_an_attribute_comes_before_the_name_of_the_desk(make_event, make_events):
    kept = [{"key": "source", "value": "mail"}]
    events = make_events([make_event("1", START), make_event("2", START, attributes=kept)])

    for wanted, expected in (("mail", [False, True]), ("desk", [True, False])):
        found = events.select(Condition("source", "is", (wanted,)).expression()).to_series()

        assert found.to_list() == expected


def test_rules_name_every_field_they_look_at():
    looks = Conditions((Condition("group", "is", ("a",)),), (Condition("tags", "is", ("b",)),))
    target = Target(
        "resolution_time",
        CalendarChoice((("organization", {"Acme": "night"}),), "office"),
        default=1,
        pause_until="held_until",
    )
    levels = ServiceLevels(
        {},
        (SlaPolicy("one", (target,), when=looks),),
        replies=Replies(unless=Conditions((Condition("via", "is", ("rule",)),))),
        void=Conditions((Condition("spam", "is", ("yes",)),)),
        merged_into="parent",
    )

    assert set(levels.fields) == {
        *("group", "tags", "organization", "held_until", "via", "spam", "parent"),
    }
    assert target.calendars == ("night", "office")
