from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sla_sniper.model.reasons import TEMPLATES, by_cause, reasons, with_peers
from sla_sniper.snapshots.features import FEATURES, Feature

FACTS = {
    "slack_h": 6.5,
    "target_h": 40.0,
    "wall_age_h": 50.0,
    "open_next_24h": 0.0,
    "paused_h": 12.0,
    "n_pauses": 2,
    "hours_since_event": 31.2,
    "n_group_changes": 2,
    "n_reopenings": 1,
    "n_events_24h": 1,
    "group_open": 21,
    "group_resolved_7d": 6,
    "assignee_open": 14,
    "group_breach_rate": 0.44,
    "priority_breach_rate": 0.7,
    "status": "waiting_vendor",
    "priority": "high",
    "channel": None,
}

TOLD = {
    "deadline": "6.5 h of working time left of 40 h",
    "age": "open for 2 days",
    "pauses": "paused twice, 12 h in all",
    "silence": "no update for 31 h",
    "hand-overs": "third group in 2 days",
    "reopenings": "reopened once",
    "activity": "1 update in the last 24 h",
    "group load": "its group has 21 tickets open, resolved 6 in 7 days",
    "assignee load": "its agent has 14 tickets open",
    "priority": "70 % of high tickets breach",
}


def told(pushes, features=FEATURES, **facts):
    firsts = {one.cause: one.name for one in reversed(features)}
    contributions = np.array(
        [[pushes.get(one.cause, 0.0) * (firsts[one.cause] == one.name) for one in features]]
    )
    row = pl.DataFrame([{**FACTS, **facts}])
    return [reason for reason in reasons(row, contributions, features).row(0) if reason]


OWN = [one for one in FEATURES if one.cause != "calendar"]


@pytest.mark.parametrize("feature", OWN, ids=lambda feature: feature.name)
def test_every_feature_can_be_told(feature):
    word = "word" if feature.kind == "category" else 1.0
    behind = feature.name.replace("_lift", "_rate")
    row = pl.DataFrame([{**FACTS, feature.name: word, behind: word}])

    assert reasons(row, np.array([[1.0]]), [feature])["reason_1"].item()


@pytest.mark.parametrize("cause", TEMPLATES)
def test_causes_are_told_with_the_tickets_facts(cause):
    assert TEMPLATES[cause](FACTS) == TOLD[cause]


@pytest.mark.parametrize("cause", TEMPLATES)
def test_missing_facts_are_not_told(cause):
    assert TEMPLATES[cause]({}) == ""


def test_the_strongest_push_comes_first():
    assert told({"deadline": 0.2, "silence": 0.3, "status": 0.1}) == [
        TOLD["silence"],
        TOLD["deadline"],
        "status is waiting vendor",
    ]


def test_at_most_three_are_told():
    assert len(told(dict.fromkeys(TEMPLATES, 1.0))) == 3


def test_what_pushes_up_comes_before_plain_facts():
    assert told({"deadline": -2.0, "hand-overs": 0.3}) == [
        TOLD["hand-overs"],
        TOLD["deadline"],
        TOLD["silence"],
    ]


def test_a_safe_ticket_tells_plain_facts():
    assert told({"group history": -0.5}) == [TOLD["deadline"], TOLD["silence"], TOLD["age"]]


def test_what_all_tickets_share_is_no_reason():
    assert told({"calendar": 1.0, "silence": 0.3})[0] == TOLD["silence"]


@pytest.mark.parametrize(
    ("cause", "facts", "sentence"),
    [
        ("assignee load", {"assignee": None}, "nobody has it yet, with 14 tickets open"),
        ("group load", {"group": None}, "no group has it yet, with 21 tickets open like it"),
        (
            "assignee history",
            {"assignee": None, "assignee_breach_rate": 0.5},
            "50 % of tickets without agent breach",
        ),
    ],
)
def test_missing_people_are_told_as_missing(cause, facts, sentence):
    assert told({cause: 1.0}, **facts)[0] == sentence


def test_a_cause_without_facts_makes_way():
    assert told({"channel": 1.0, "silence": 0.3})[0] == TOLD["silence"]


def test_features_of_one_cause_add_up():
    features = [
        Feature("a", "number", "x"),
        Feature("b", "number", "y"),
        Feature("c", "number", "x"),
    ]

    causes, summed = by_cause(np.array([[1.0, 2.0, -3.0]]), features)

    assert (causes, summed.tolist()) == (("x", "y"), [[-2.0, 2.0]])


@pytest.mark.parametrize(
    ("name", "facts", "sentence"),
    [
        ("group_breach_lift", {}, "44 % of this group's tickets breach"),
        (
            "assignee_breach_lift",
            {"assignee_breach_rate": 0.125},
            "12 % of this agent's tickets breach",
        ),
        (
            "attr_impact_breach_lift",
            {"attr_impact_breach_rate": 0.6, "attr_impact": "2 - Medium"},
            "60 % of tickets with impact 2 - Medium breach",
        ),
        ("channel", {"channel": "Phone"}, "channel is Phone"),
        ("n_visits", {"n_visits": 3.0}, "n visits is 3"),
    ],
)
def test_causes_without_template_tell_their_lead(name, facts, sentence):
    assert told({"any": 1.0}, [Feature(name, "number", "any")], **facts) == [sentence]


def test_the_feature_that_pushes_most_leads():
    features = [Feature("group_breach_rate", "number", "x"), Feature("channel", "category", "x")]
    row = pl.DataFrame([{**FACTS, "channel": "Phone"}])

    led = reasons(row, np.array([[0.2, 0.3]]), features)

    assert led["reason_1"].item() == "channel is Phone"


def test_long_values_are_cut_short():
    features = [Feature("attr_site", "category", "site")]

    assert len(told({"site": 1.0}, features, attr_site="x" * 200)[0]) < 100


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"n_group_changes": 0, "is_unassigned": 1}, "nobody is assigned"),
        ({"n_group_changes": 0, "n_assignee_changes": 3}, "fourth agent in 2 days"),
        ({"n_group_changes": 0, "hours_in_group": 5.25}, "with its group for 5.2 h"),
        ({"n_group_changes": 11}, "12th group in 2 days"),
    ],
)
def test_hand_overs_tell_the_most_specific_fact(facts, sentence):
    assert TEMPLATES["hand-overs"]({**FACTS, **facts}) == sentence


def test_no_rows_have_no_reasons():
    empty = reasons(
        pl.DataFrame(schema={"slack_h": pl.Float64}), np.empty((0, len(FEATURES))), FEATURES
    )

    assert empty.shape == (0, 3)


def peers(**columns):
    return pl.DataFrame(
        {
            "source": "desk",
            "group": ["network"] * 10 + ["apps"] * 3,
            "assignee": [f"agent {at}" for at in range(13)],
            "n_group_changes": [0] * 10 + [5] * 3,
            "hours_since_event": [2.0] * 13,
            "assignee_open": [3] * 13,
            "group_open": [21] * 13,
            "priority_breach_rate": [0.4] * 13,
        }
        | columns
    )


def compared(cause, *, of, **facts):
    row = pl.DataFrame([{**FACTS, "source": "desk", "group": "network", **facts}])
    return TEMPLATES[cause](with_peers(row, of).row(0, named=True))


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("hand-overs", "third group in 2 days (median for network tickets: one)"),
        ("silence", "no update for 31 h (median for network tickets: 2 h)"),
        ("assignee load", "its agent has 14 tickets open (the median agent has 3)"),
        ("priority", "70 % of high tickets breach (40 % is usual)"),
    ],
)
def test_facts_are_compared_with_the_tickets_that_compete(cause, sentence):
    assert compared(cause, of=peers()) == sentence


def test_a_group_with_few_tickets_is_no_comparison():
    assert compared("hand-overs", of=peers(), group="apps") == TOLD["hand-overs"]


def test_what_is_usual_is_not_compared():
    same = peers(hours_since_event=[31.2] * 13)

    assert compared("silence", of=same) == TOLD["silence"]


def test_comparing_keeps_the_rows_in_order():
    rows = pl.DataFrame(
        [{**FACTS, "source": "desk", "group": name} for name in ("b", "network", "a")]
    )

    assert with_peers(rows, peers())["group"].to_list() == ["b", "network", "a"]
