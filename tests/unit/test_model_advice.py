"""Advice changes what an action would change, lets the model score again, and says what it is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sla_sniper.model.advice import LABEL, advise

PEERS = pl.DataFrame(
    {
        "source": "desk",
        "group": ["network"] * 4 + ["apps"] * 2,
        "assignee": ["ann", "bob", "cem", None, "dee", "eve"],
        "category": ["vpn", "vpn", "mail", "vpn", "mail", "mail"],
        "status": ["open", "open", "open", "new", "on_hold", "open"],
        "is_unassigned": [0, 0, 0, 1, 0, 0],
        "assignee_open": [2, 4, 30, 50, 5, 6],
        "assignee_breach_lift": [0.2, 0.3, 0.4, 0.9, 0.5, 0.5],
        "n_assignee_changes": [0, 0, 1, 0, 0, 0],
        "n_group_changes": [0, 0, 0, 0, 3, 0],
        "n_ping_pong": [0, 0, 0, 0, 2, 0],
        "group_open": [4, 4, 4, 4, 2, 2],
        "group_breach_lift": [0.3, 0.3, 0.3, 0.3, 0.8, 0.8],
        "hours_since_event": [1.0, 2.0, 3.0, 40.0, 50.0, 6.0],
        "hours_since_reply": [None, 2.0, None, None, None, None],
        "hours_in_status": [1.0, 2.0, 3.0, 40.0, 50.0, 6.0],
        "hours_in_group": [1.0, 2.0, 3.0, 40.0, 50.0, 6.0],
        "n_events": [3, 4, 5, 1, 9, 2],
        "n_events_24h": [1, 1, 1, 0, 0, 1],
        "p_breach": [0.2, 0.2, 0.7, 0.9, 0.8, 0.3],
    }
)


def advice(predict, **changes):
    peers = PEERS.with_columns(**changes)
    return advise(peers, peers, predict=predict, before="14:00").to_list()


def constant(chance):
    return lambda frame: np.full(frame.height, chance)


def where(column, value):
    """A model to which only one feature after the action matters."""
    return lambda frame: np.where(frame[column].fill_null(-1).to_numpy() == value, 0.1, 0.99)


def test_the_unassigned_are_assigned_to_the_usual_agent():
    told = advice(where("assignee_open", 4.0))

    assert told[3] == f"assigned before 14:00: 90 % -> 10 % ({LABEL})"


def test_an_overloaded_agent_gives_a_ticket_away():
    told = advice(where("assignee_open", 4.0))

    assert told[2].startswith("given to an agent of its group with the usual load")
    assert told[0] is None


def test_an_answer_resets_the_silence():
    told = advice(where("hours_since_reply", 0.0))

    assert {words.split(" before")[0] for words in told} == {"answered"}


def test_no_answer_is_advised_where_the_log_has_none():
    told = advice(constant(0.0), hours_since_reply=pl.lit(None, pl.Float64))

    assert not any("answered" in (words or "") for words in told)


def test_the_waiting_are_resumed():
    told = advice(where("status", "open"), hours_since_reply=pl.lit(None, pl.Float64))

    assert told[4].startswith("resumed from waiting before 14:00: 80 % -> 10 %")


def test_a_ping_pong_ends_with_the_group_that_has_most_like_it():
    told = advice(where("group_breach_lift", 0.3), category=pl.lit("vpn"))

    assert told[4].startswith("taken out of the ping-pong")


@pytest.mark.parametrize(("drop", "is_told"), [(0.04, False), (0.06, True)])
def test_a_small_fall_is_not_worth_a_sentence(drop, is_told):
    told = advice(constant(0.7 - drop))

    assert (told[2] is not None) is is_told


def test_nothing_is_advised_that_raises_the_chance():
    assert advice(constant(1.0)) == [None] * PEERS.height


def test_the_best_of_several_actions_is_told():
    def prefers_status(frame):
        return np.where(frame["status"] == "open", 0.1, 0.2)

    told = advice(prefers_status)

    assert told[4].startswith("resumed from waiting before 14:00: 80 % -> 10 %")


def test_the_facts_that_no_person_changes_stay_as_they_are():
    seen = []

    def spy(frame):
        seen.append(frame)
        return np.zeros(frame.height)

    advice(spy)

    untouched = ["category", "group", "p_breach", "source"]
    assert all(
        after.select(untouched).rows()[-1] in PEERS.select(untouched).rows() for after in seen
    )


def test_no_rows_have_no_advice():
    assert advise(PEERS.clear(), PEERS, predict=constant(0.0), before="14:00").len() == 0
