"""Laws that hold wherever the time of a clock went."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sla_sniper.core.schema import METRICS
from sla_sniper.diagnosis.courses import LEGS, ON_CLOCK, courses
from sla_sniper.diagnosis.ripeness import are_ripe
from sla_sniper.sla.clock import cycles
from tests.property.test_clock_laws import all_rows, known_by
from tests.property.test_clock_twin import moments, service_levels, tickets

few = settings(max_examples=40, deadline=None)
metrics = st.sampled_from(METRICS)


@few
@given(drawn=tickets, as_of=moments, data=st.data(), metric=metrics, known=st.booleans())
def test_legs_sum_to_the_wall_time_of_every_clock(
    drawn, as_of, data, metric, known, make_event, make_events
):
    levels = data.draw(service_levels(metric))
    events = make_events(known_by(all_rows(drawn, make_event), as_of))

    found = courses(events, levels, metric, as_of=as_of, assigning={"desk"} if known else ())

    legs = [f"{leg}_us" for leg in LEGS]
    assert found.filter(pl.sum_horizontal(legs) != pl.col("wall_us")).is_empty()
    assert found.filter(pl.min_horizontal(legs) < 0).is_empty()
    ended = pl.col("fulfilled_at").is_not_null()
    wall = (pl.col("fulfilled_at") - pl.col("applied_at")).dt.total_microseconds()
    assert found.filter(ended & (wall != pl.col("wall_us"))).is_empty()
    assert found.filter(pl.col("n_short_pauses") > pl.col("n_pauses")).is_empty()


@few
@given(drawn=tickets, as_of=moments, data=st.data(), metric=metrics)
def test_what_ran_in_legs_sums_to_what_the_clock_counted(
    drawn, as_of, data, metric, make_event, make_events
):
    levels = data.draw(service_levels(metric))
    events = make_events(known_by(all_rows(drawn, make_event), as_of))

    found = courses(events, levels, metric, as_of=as_of, assigning={"desk"})

    ran = [f"{leg}_ran_us" for leg in ON_CLOCK]
    assert found.filter(pl.sum_horizontal(ran) != pl.col("elapsed_us")).is_empty()
    by_wall = any(rule.pause_unit == "wall" for each in levels.policies for rule in each.targets)
    if not by_wall:
        assert found.filter(pl.min_horizontal(ran) < 0).is_empty()


@few
@given(drawn=tickets, as_of=moments, data=st.data(), metric=metrics)
def test_courses_show_what_the_clock_shows(drawn, as_of, data, metric, make_event, make_events):
    levels = data.draw(service_levels(metric))
    events = make_events(known_by(all_rows(drawn, make_event), as_of))

    found = courses(events, levels, metric, as_of=as_of, assigning={"desk"})

    shown = cycles(events, levels, as_of=as_of)
    key = ["source", "ticket_id", "metric", "policy", "cycle"]
    assert_frame_equal(found.select(shown.columns).sort(key), shown.sort(key))


@few
@given(drawn=tickets, as_of=moments, data=st.data(), metric=metrics)
def test_a_clock_is_ripe_by_its_start_and_target_alone(
    drawn, as_of, data, metric, make_event, make_events
):
    levels = data.draw(service_levels(metric))
    found = cycles(make_events(known_by(all_rows(drawn, make_event), as_of)), levels, as_of=as_of)

    is_ripe = are_ripe(found, levels.calendars, as_of=as_of)

    names = ("applied_at", "target_us", "calendar")
    for ripe, (start, target, name) in zip(is_ripe, found.select(names).iter_rows(), strict=True):
        calendar = levels.calendars[name]
        assert ripe == (calendar.elapsed(start, as_of) > timedelta(microseconds=target))
        assert not ripe or calendar.add(start, timedelta(microseconds=target)) <= as_of
