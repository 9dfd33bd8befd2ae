"""The vectorised clock against a slow, obvious one that steps through every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.sla.calendar import Calendar, Holidays
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

MINUTE = timedelta(minutes=1)
# The Friday before the clocks change in Berlin.
START = datetime(2024, 3, 29, 6, 0, tzinfo=UTC)
OFFICE = Calendar(
    "office",
    "Europe/Berlin",
    (
        ((8 * 3600, 12 * 3600), (13 * 3600, 17 * 3600)),
        ((22 * 3600, 6 * 3600),),
        ((8 * 3600, 17 * 3600),),
        (),
        ((8 * 3600, 16 * 3600),),
        (),
        ((1 * 3600, 4 * 3600),),
    ),
    Holidays(dates=(datetime(2024, 4, 3).date(),)),
)
TARGETS = {"high": 4 * 3600_000_000, "low": 11 * 3600_000_000}
STATUS = {"open": "running", "waiting_requester": "paused", "resolved": "stopped"}


def is_open(at: datetime, calendar: Calendar) -> bool:
    """Straight from the definition: some shift that started today or yesterday is on."""
    local = at.astimezone(ZoneInfo(calendar.timezone))
    if local.date() in calendar.holidays.dates:
        return False
    for days_ago in (0, 1):
        owner = local.date() - timedelta(days=days_ago)
        second = local.hour * 3600 + local.minute * 60 + days_ago * 86_400
        for begin, end in calendar.hours[owner.weekday()]:
            if begin <= second < (end if end > begin else end + 86_400):
                return True
    return False


def slow_clock(history, *, rule: Target, as_of: datetime) -> dict:
    """Step through the minutes of one ticket from its creation on."""
    elapsed = paused = 0
    stopped_since = over_since = None
    segments = [*history, (as_of, None, None)]
    first_priority = history[0][2]
    stops = 0
    last_priority = history[0][2]
    pending = 0
    cycle = 1
    for (begin, status, told), (end, _, _) in pairwise(segments):
        state = STATUS[status]
        if rule.on_reopen == "final" and stops:
            state = "stopped"
        # A stopped clock keeps its target.
        is_still = state == "stopped" and stopped_since is not None
        priority = last_priority if is_still else told
        if state == "stopped":
            stops += 1
        if state != "stopped" and stopped_since is not None:
            if rule.on_reopen == "restart":
                elapsed = paused = 0
                over_since = None
                cycle += 1
                first_priority = priority
            if rule.on_reopen == "count":
                elapsed += pending
            stopped_since = None
        pending = 0 if state != "stopped" else pending
        if rule.on_priority_change == "restart" and priority != last_priority:
            elapsed = paused = 0
            over_since = None
        last_priority = priority
        counted = first_priority if rule.on_priority_change == "keep" else priority
        target = TARGETS[counted] // 60_000_000
        if elapsed <= target:
            over_since = None
        elif over_since is None:
            over_since = begin
        if state == "stopped" and stopped_since is None:
            stopped_since = begin
        at, used_up = begin, None
        while at < end:
            open_now = is_open(at, OFFICE)
            if state == "running" and open_now:
                elapsed += 1
                if elapsed == target:
                    used_up = at + MINUTE
                if elapsed == target + 1:
                    over_since = used_up or at
            paused += state == "paused" and open_now
            pending += state == "stopped" and open_now
            at += MINUTE
    is_over = elapsed > target
    if state == "stopped":
        name = "missed" if is_over else "met"
    else:
        name = "overdue" if is_over else state
    return {
        "cycle": cycle, "state": name, "elapsed": elapsed, "paused": paused, "target": target,
        "stopped_since": stopped_since, "over_since": over_since if is_over else None,
    }  # fmt: skip


histories = st.lists(
    st.tuples(
        st.integers(1, 30 * 60),
        st.sampled_from(sorted(STATUS)),
        st.sampled_from(sorted(TARGETS)),
    ),
    min_size=0,
    max_size=5,
)
rules = st.builds(
    Target,
    metric=st.just("resolution_time"),
    calendar=st.just("office"),
    by_priority=st.just(TARGETS),
    pause_in=st.just(("waiting_requester",)),
    on_reopen=st.sampled_from(["exclude", "restart", "final"]),
    on_priority_change=st.sampled_from(["recompute", "restart", "keep"]),
)


@pytest.mark.parametrize("size", [1, 3])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_clock_equals_the_minute_stepper(data, size, make_event, make_events):
    rule = data.draw(rules)
    tickets, rows = {}, []
    for number in range(size):
        at, history = START, [(START, "open", data.draw(st.sampled_from(sorted(TARGETS))))]
        for gap, status, priority in data.draw(histories):
            at += gap * MINUTE
            history.append((at, status, priority))
        tickets[str(number)] = history
        for index, (when, status, priority) in enumerate(history):
            activity = "status" if index else "created"
            rows.append(make_event(str(number), when, activity, status=status, priority=priority))
    as_of = START + timedelta(days=7, minutes=17)
    levels = ServiceLevels({"office": OFFICE}, (SlaPolicy("standard", (rule,)),))

    read = cycles(make_events(rows), levels, as_of=as_of)

    found = read.unique("ticket_id", keep="last").sort("ticket_id")

    for row, history in zip(found.iter_rows(named=True), tickets.values(), strict=True):
        twin = slow_clock(history, rule=rule, as_of=as_of)
        assert {
            "cycle": row["cycle"],
            "state": row["state"],
            "elapsed": row["elapsed_us"] // 60_000_000,
            "paused": row["paused_us"] // 60_000_000,
            "target": row["target_us"] // 60_000_000,
            "stopped_since": row["fulfilled_at"],
            "over_since": row["breached_at"],
        } == twin
