"""Snapshots are blind to the future, equal to the clock, and equal on any buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sla_sniper.core.instants import MICROSECOND
from sla_sniper.core.schema import EVENTS, INSTANT, TICKET_KEY
from sla_sniper.engine.local import buckets, in_buckets
from sla_sniper.eventlog.deriving import derive
from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.conditions import Condition, Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target
from sla_sniper.snapshots.build import assemble, bucket_part

# Everything lies on half hours, landmarks on full ones, so that instants often coincide.
HALF_HOUR = timedelta(minutes=30)
HOUR_US = 3_600_000_000
START = datetime(2024, 3, 29, 6, 0, tzinfo=UTC)  # the Friday before Berlin's clocks change
MOMENTS = [START + timedelta(hours=n) for n in range(110)]
LANDMARKS = pl.DataFrame(
    {
        "landmark": pl.Series(MOMENTS, dtype=INSTANT),
        "day": [moment.date() for moment in MOMENTS],
        "hour_of_day": [moment.hour for moment in MOMENTS],
        "day_of_week": [moment.isoweekday() for moment in MOMENTS],
    }
)
SPLIT = ((8 * 3600, 12 * 3600), (13 * 3600, 17 * 3600))
OFFICE = Calendar(
    "office",
    "Europe/Berlin",
    (SPLIT, ((22 * 3600, 6 * 3600),), SPLIT, SPLIT, SPLIT, (), ()),
    Holidays(dates=(datetime(2024, 4, 1).date(),)),
)
ALWAYS = Calendar("always", is_always_open=True)
KEEP = ("area",)
STATUSES = ("new", "open", "open", "waiting_requester", "resolved", "closed", "cancelled", None)

rows = st.fixed_dictionaries(
    {
        "gap": st.one_of(st.integers(0, 8), st.integers(0, 40)),
        "delay": st.sampled_from([0, 0, 0, 0, 1, 3, 30]),
        "status": st.sampled_from([*STATUSES, None]),
        "priority": st.sampled_from(["high", "low", None]),
        "group": st.sampled_from(["a", "b", None]),
        "assignee": st.sampled_from(["x", "y", None]),
        "area": st.sampled_from(["p", "q", None]),
        "due": st.sampled_from([None, 10, 60]),
    }
)
tickets = st.tuples(
    st.sampled_from(["desk", "shop"]),
    st.sampled_from([None, -6, 0, 5]),  # created_at, in half hours from the first row
    st.booleans(),  # whether the first row says that it is the creation
    st.lists(rows, min_size=1, max_size=5),
)
logs = st.lists(tickets, min_size=1, max_size=6)
targets = st.builds(
    Target,
    metric=st.just("resolution_time"),
    calendar=st.sampled_from(["office", "always"]),
    by_priority=st.just({"high": 2 * HOUR_US}),
    default=st.just(9 * HOUR_US),
    is_vendor=st.sampled_from([False, False, True]),
    pause_in=st.just(("waiting_requester",)),
    on_reopen=st.sampled_from(["exclude", "count", "restart", "final"]),
    on_priority_change=st.sampled_from(["recompute", "restart", "keep"]),
)


def stored_log(log) -> pl.DataFrame:
    made = [row for number, ticket in enumerate(log) for row in stored_ticket(number, *ticket)]
    return in_order(pl.DataFrame(made, schema=dict(EVENTS)))


def stored_ticket(number, source, created, is_told, changes) -> list[dict]:
    at, made = START + number * HALF_HOUR, []
    created_at = None if created is None else at + created * HALF_HOUR
    for index, change in enumerate(changes):
        at += change["gap"] * HALF_HOUR
        made.append(
            dict.fromkeys(EVENTS)
            | {
                "event_id": f"{number}-{index}",
                "source": source,
                "ticket_id": str(number),
                "occurred_at": at,
                "recorded_at": at + change["delay"] * HALF_HOUR,
                "sequence": index % 2,
                "activity": "created" if is_told and index == 0 else None,
                "created_at": created_at,
                "attributes": [{"key": "area", "value": change["area"]}],
                "vendor_due_at": None
                if change["due"] is None
                else START + change["due"] * HALF_HOUR,
                **{name: change[name] for name in ("status", "priority", "group", "assignee")},
            }
        )
    return made


def in_order(stored: pl.DataFrame) -> pl.DataFrame:
    return stored.sort(*TICKET_KEY, "occurred_at", "sequence", "recorded_at")


def levels_of(rule: Target) -> ServiceLevels:
    """Two policies, the first for one source alone."""
    fixed = Target("resolution_time", "office", default=5 * HOUR_US)
    shop = SlaPolicy("shop", (fixed,), Conditions((Condition("source", "in", ("shop",)),)))
    calendars = {"office": OFFICE, "always": ALWAYS}
    return ServiceLevels(calendars, (shop, SlaPolicy("standard", (rule,))))


def some_moment(stored: pl.DataFrame, share: int) -> datetime:
    """Return a landmark between the first and the last row, or a while after."""
    told = stored["recorded_at"]
    hours = (told.max() - told.min()) // timedelta(hours=1) + 2
    return MOMENTS[min(hours * share // 100, len(MOMENTS) - 1)]


def take(stored, levels, *, landmarks=LANDMARKS, n_buckets=1, backwards=False) -> pl.DataFrame:
    parts = in_buckets(
        stored,
        lambda part: bucket_part(part, levels, landmarks, keep=KEEP),
        n_buckets=n_buckets,
    )
    return assemble(reversed(parts) if backwards else parts, keep=KEEP)


def corrupted(stored: pl.DataFrame, after: datetime, chance: Random) -> pl.DataFrame:
    """Other values, instants and order in every row recorded after `after`."""
    made = stored.to_dicts()
    for row in made:
        if row["recorded_at"] > after:
            row["occurred_at"] += chance.randint(-60, 60) * HALF_HOUR
            row["recorded_at"] = after + chance.randint(1, 90) * HALF_HOUR
            row["created_at"] = START + chance.randint(-20, 90) * HALF_HOUR
            row["vendor_due_at"] = START + chance.randint(-20, 90) * HALF_HOUR
            row["sequence"] = chance.randint(0, 3)
            row["activity"] = chance.choice([None, "created", "public_reply"])
            row["status"] = chance.choice(STATUSES)
            row["attributes"] = [{"key": "area", "value": chance.choice("pqr")}]
            for name in ("priority", "group", "assignee", "category", "requester", "channel"):
                row[name] = chance.choice(["a", "b", "high", None])
    return in_order(pl.DataFrame(made, schema=dict(EVENTS)))


def restamped(stored: pl.DataFrame, chance: Random) -> pl.DataFrame:
    made = stored.to_dicts()
    for row in made:
        row["vendor_resolved_at"] = START + chance.randint(-20, 90) * HALF_HOUR
        row["vendor_closed_at"] = START + chance.randint(-20, 90) * HALF_HOUR
        row["vendor_breached"] = chance.choice([True, False, None])
    return pl.DataFrame(made, schema=dict(EVENTS))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(log=logs, rule=targets, share=st.integers(0, 99), seed=st.integers(0, 2**32))
def test_snapshots_never_see_the_future(log, rule, share, seed):
    stored, levels, chance = stored_log(log), levels_of(rule), Random(seed)
    moment = some_moment(stored, share)
    so_far = LANDMARKS.filter(pl.col("landmark") <= moment)
    whole = take(stored, levels)
    if not whole.is_empty():
        whole = whole.filter(pl.col("landmark") <= moment)

    for other in (
        stored.filter(pl.col("recorded_at") <= moment),
        corrupted(stored, moment, chance),
        restamped(stored, chance),
    ):
        found = take(other, levels, landmarks=so_far)
        if found.is_empty():
            assert whole.is_empty()
        else:
            assert_frame_equal(found, whole, check_exact=True)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(log=logs, rule=targets, shares=st.lists(st.integers(0, 130), min_size=4, max_size=4))
def test_snapshots_show_what_the_clock_shows(log, rule, shares):
    stored, levels = stored_log(log), levels_of(rule)
    found = take(stored, levels)

    for moment in (some_moment(stored, share) for share in shares):
        known = derive(stored.filter(pl.col("recorded_at") <= moment))
        clock = cycles(known, levels, as_of=moment)
        running = clock.filter(
            pl.col("state") == "running", pl.col("due_at") > moment, pl.col("applied_at") <= moment
        )
        shown = [] if found.is_empty() else clock_of_snapshots(found, moment)
        assert shown == clock_of_cycles(running, moment, levels)


def clock_of_snapshots(found: pl.DataFrame, moment: datetime) -> list[tuple]:
    return (
        found.filter(pl.col("landmark") == moment)
        .sort(*TICKET_KEY, "metric", "policy", "cycle")
        .select(
            *TICKET_KEY, "metric", "policy", "cycle", "due_at", "slack_us", "target_us", "age_us",
            (pl.col("elapsed_h") * HOUR_US).round().cast(pl.Int64),
            (pl.col("paused_h") * HOUR_US).round().cast(pl.Int64),
        )
        .rows()
    )  # fmt: skip


def clock_of_cycles(running: pl.DataFrame, moment: datetime, levels: ServiceLevels) -> list[tuple]:
    slack = [
        levels.calendars[calendar].elapsed(moment, due) // MICROSECOND
        for calendar, due in running.select("calendar", "due_at").iter_rows()
    ]
    return running.with_columns(pl.Series("slack", slack, dtype=pl.Int64)).select(
        *TICKET_KEY, "metric", "policy", "cycle", "due_at",
        "slack", pl.col("target_us").alias("target"),
        (pl.lit(moment, INSTANT) - pl.col("applied_at")).dt.total_microseconds().alias("age"),
        "elapsed_us", "paused_us",
    ).rows()  # fmt: skip


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(log=logs, rule=targets)
def test_results_equal_on_any_buckets(log, rule):
    stored, levels = stored_log(log), levels_of(rule)
    end = MOMENTS[-1]

    def read(part):
        return cycles(derive(part), levels, as_of=end)

    once, whole = read(stored), take(stored, levels)

    by_bucket = pl.concat(in_buckets(stored, read, n_buckets=7))
    assert_frame_equal(
        by_bucket.sort(*TICKET_KEY, "metric", "policy", "cycle"), once, check_exact=True
    )
    assert_frame_equal(take(stored, levels, n_buckets=7), whole, check_exact=True)
    assert_frame_equal(take(stored, levels, n_buckets=3, backwards=True), whole, check_exact=True)


@given(log=logs, n=st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_buckets_hold_every_ticket_whole(log, n):
    stored = stored_log(log)

    parts = list(buckets(stored, n))

    assert pl.concat(parts).sort("event_id").equals(stored.sort("event_id"))
    homes = [set(part.select(TICKET_KEY).rows()) for part in parts]
    assert sum(map(len, homes)) == len(set().union(*homes))


def slow_desk(stored: pl.DataFrame, levels: ServiceLevels, moment: datetime) -> dict:
    """Count the desk as of an instant from what was recorded by then, ticket by ticket."""
    stored = stored.filter(pl.col("recorded_at") <= moment)
    desk = {"open": [], "resolved_7d": [], "resolved_24h": []}
    desk |= {"arrivals_24h": [], "events_24h": [], "decided": []}
    last = {}
    for (source, ticket), history in derive(stored).group_by(TICKET_KEY, maintain_order=True):
        events = history.to_dicts()
        last[source, ticket] = events[-1]
        ended = [event["status"] in {"resolved", "closed", "cancelled"} for event in events]
        if not ended[-1]:
            desk["open"].append((source, events[-1]["group"]))
        told = min(event["recorded_at"] for event in events)
        if moment - told < timedelta(days=1):
            desk["arrivals_24h"].append((source, events[0]["group"]))
        for event, was, now in zip(events, [False, *ended], ended, strict=False):
            for kind, days in (("resolved_7d", 7), ("resolved_24h", 1)):
                if now and not was and moment - event["recorded_at"] < timedelta(days=days):
                    desk[kind].append((source, event["group"]))
        for event in events[1:]:
            if moment - event["recorded_at"] < timedelta(days=1):
                desk["events_24h"].append((source, event["group"]))
    for row in cycles(derive(stored), levels, as_of=moment).iter_rows(named=True):
        if row["state"] in {"met", "missed", "overdue"}:
            now = last[row["source"], row["ticket_id"]]
            desk["decided"].append(
                (row["source"], now["priority"], now["group"], row["state"] != "met")
            )
    return desk


def overall(desk: dict, source: str) -> float:
    everyone = [row for row in desk["decided"] if row[0] == source]
    return (sum(row[3] for row in everyone) + 1) / (len(everyone) + 2)


def rate(desk: dict, source: str, place: int, value: str | None) -> float:
    own = [row for row in desk["decided"] if row[0] == source and row[place] == value]
    return (sum(row[3] for row in own) + 20 * overall(desk, source)) / (len(own) + 20)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(log=logs, rule=targets, shares=st.lists(st.integers(0, 130), min_size=4, max_size=4))
def test_desk_counts_equal_the_loops(log, rule, shares):
    stored, levels = stored_log(log), levels_of(rule)
    found = take(stored, levels)
    if found.is_empty():
        return

    for moment in (some_moment(stored, share) for share in shares):
        desk = slow_desk(stored, levels, moment)
        for row in found.filter(pl.col("landmark") == moment).iter_rows(named=True):
            source, group = row["source"], row["group"]
            for kind in desk.keys() - {"decided"}:
                assert row[f"group_{kind}"] == desk[kind].count((source, group)), kind
            if rule.on_reopen != "restart":  # then a ticket has outcomes of older days too
                for place, level in ((1, "priority"), (2, "group")):
                    expected = rate(desk, source, place, row[level])
                    assert row[f"{level}_breach_rate"] == pytest.approx(expected), level
                    lift = expected - overall(desk, source)
                    assert row[f"{level}_breach_lift"] == pytest.approx(lift), level
