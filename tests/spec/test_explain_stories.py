"""Whole explanations, compared with texts that were read aloud: tickets a team lead meets."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from sla_sniper.sla.explain import explain

from .explained import lines, ticket
from .stories_of_answers import STORIES as OF_ANSWERS
from .stories_of_pauses import STORIES as OF_PAUSES
from .stories_of_policies import STORIES as OF_POLICIES
from .stories_of_work import STORIES as OF_WORK

GOLDEN = Path(__file__).parents[1] / "golden" / "explain"
STORIES = OF_WORK | OF_PAUSES | OF_ANSWERS | OF_POLICIES


@pytest.fixture(scope="module")
def tell(make_event, make_events):
    """Explain a story, once for all tests."""

    @cache
    def told(name):
        story = STORIES[name]
        events = ticket(story, make_event, make_events)
        return explain(events, story.levels, as_of=story.as_of, timezone=story.timezone)

    return told


@pytest.mark.parametrize("name", STORIES)
def test_a_ticket_is_told_word_for_word(tell, name):
    text = "\n".join(lines(tell(name))) + "\n"

    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STORIES)
def test_legs_add_up_to_the_wall_time(tell, name):
    for clock in tell(name).clocks:
        legs = [moment.leg for moment in clock.moments if moment.leg is not None]
        assert sum(leg.wall_us for leg in legs) == clock.totals.wall_us
        assert clock.totals.end - clock.totals.start == timedelta(microseconds=clock.totals.wall_us)


def test_every_told_text_has_its_ticket():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(STORIES)
