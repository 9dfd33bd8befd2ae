"""The parts a calendar is compiled with: look-ups, offsets of zones, sets of spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sla_sniper.core.instants import HOUR_US, from_us, localize, to_us
from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.compiled import FAR, compile_spans, lookup
from sla_sniper.sla.compiling import some_years
from sla_sniper.sla.spans import as_spans, intersect, subtract, union
from sla_sniper.sla.zones import offsets_between

ZONES = (
    "UTC",
    "Africa/Casablanca",
    "Africa/Freetown",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Europe/Amsterdam",
    "Pacific/Apia",
)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [5],
        [0, 1],
        [0, 1, 2, 3, 10**15],
        [0, 100, 101, 102, 103, 104, 105],
        [*range(0, 10**9, 10**6)],
        [0, 10**9, 10**9 + 1, 10**9 + 2, 10**9 + 3, 10**9 + 4, 10**15],
    ],
)
def test_a_lookup_counts_like_a_search(keys):
    draw = np.random.default_rng(1)
    known = np.array(keys, dtype=np.int64)
    near = np.concatenate([known - 1, known, known + 1, [-(10**17), 10**17]])
    values = np.concatenate([near, draw.integers(-10, 10**9 + 10, 5000)])

    found = lookup(known).count(values)

    assert found.tolist() == np.searchsorted(known, values, side="right").tolist()


@pytest.mark.parametrize(
    ("keys", "bits", "most"),
    [
        pytest.param([0, 1, 2, 3], 0, 1, id="neighbours"),
        pytest.param([*range(0, 10**9, 10**6)], 19, 1, id="less than 2**20 apart"),
        pytest.param([7], 61, 1, id="alone"),
        pytest.param([0, 1, 2, 2**40 - 1], 21, 3, id="at most 2**19 bins"),
    ],
)
def test_bins_are_the_longest_with_one_key(keys, bits, most):
    found = lookup(np.array(keys, dtype=np.int64))

    assert (found.bits, found.most) == (bits, most)
    assert len(found.table) <= 2**19 + 1


def test_crowded_bins_are_searched_instead():
    assert lookup(np.array([0, 1, 2, 3, 2**40 - 1], dtype=np.int64)).table is None


@pytest.mark.parametrize(
    "answer", ["open_until", "instant", "latest", "next_open", "next_close", "prev_close"]
)
def test_no_instants_give_whole_microseconds(answer):
    found = getattr(compile_spans(as_spans([(10, 20)])), answer)([])

    assert (found.dtype, found.shape) == (np.int64, (0,))


def test_many_instants_are_looked_up_like_few():
    office = Calendar("office", "Europe/Berlin", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
    first, last = (to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in (2014, 2024))
    compiled = office.compiled(first, last)
    at = np.random.default_rng(2).integers(first, last, 70_000)
    spent = compiled.open_until(at)

    few = [compiled.open_until(at[n : n + 100]) for n in range(0, len(at), 100)]
    back = [compiled.instant(spent[n : n + 100]) for n in range(0, len(at), 100)]

    assert (spent == np.concatenate(few)).all()
    assert (compiled.instant(spent) == np.concatenate(back)).all()
    assert compiled.open_until(at.reshape(7, -1)).tolist() == spent.reshape(7, -1).tolist()


def test_open_time_counts_from_the_first_opening():
    compiled = compile_spans(as_spans([(10, 20), (30, 35)]))

    assert compiled.open_until([0, 10, 15, 20, 25, 31, 99]).tolist() == [0, 0, 5, 10, 10, 11, 15]
    assert compiled.instant([1, 10, 11, 15]).tolist() == [11, 20, 31, 35]
    assert compiled.latest([0, 9, 10, 14]).tolist() == [10, 19, 30, 34]
    assert compiled.is_open([9, 10, 19, 20, 34, 35]).tolist() == [0, 1, 1, 0, 1, 0]
    assert compiled.before.tolist() == [0, 10]


def test_what_lies_beyond_is_far():
    compiled = compile_spans(as_spans([(10, 20)]))

    assert compiled.instant([11])[0] >= FAR
    assert compiled.latest([-1])[0] <= -FAR
    assert compiled.next_open([20])[0] >= FAR
    assert compiled.next_close([20])[0] >= FAR
    assert compiled.next_period_start([10])[0] >= FAR
    assert compiled.prev_open([10])[0] <= -FAR
    assert compiled.prev_close([10])[0] <= -FAR


def test_ends_of_what_is_known_are_no_edges():
    compiled = compile_spans(as_spans([(10, 20), (30, 40)]), (10, 40))

    assert compiled.next_close([15]).tolist() == [20]
    assert compiled.next_close([35])[0] >= FAR
    assert compiled.prev_open([15])[0] <= -FAR
    assert compiled.between(0, 50).tolist() == [[0, 20], [30, 50]]


def test_a_calendar_without_hours_spends_nothing():
    compiled = compile_spans(as_spans([]))

    assert compiled.open_until([1, 2]).tolist() == [0, 0]
    assert compiled.instant([1])[0] >= FAR
    assert not compiled.is_open([1])[0]


@pytest.mark.parametrize("zone", ZONES)
def test_wall_times_become_what_the_library_says(zone):
    tz, offsets = ZoneInfo(zone), offsets_between(zone, 1930, 2030)
    near = [to_us(datetime(1930, 1, 1, tzinfo=UTC)) + n * 5_000_000_000_000 for n in range(600)]
    around = [
        int(us) + shift
        for us in offsets.changes
        for shift in (*range(-(10**10), 10**10, 10**9), -1, -(10**6), 10**6)
    ]
    instants = np.array([*near, *around], dtype=np.int64)
    local = [from_us(int(us)).replace(tzinfo=None) for us in instants]

    placed = offsets.to_utc(instants)
    shown = offsets.to_wall(instants)

    assert placed.tolist() == [to_us(localize(wall, tz)) for wall in local]
    assert shown.tolist() == [
        to_us(from_us(int(us)).astimezone(tz).replace(tzinfo=UTC)) for us in instants
    ]


def test_every_change_of_a_zone_is_found():
    apia = offsets_between("Pacific/Apia", 2011, 2012)

    changes = [from_us(int(us)).isoformat() for us in apia.changes]

    assert "2011-12-30T10:00:00+00:00" in changes
    assert all(a < b for a, b in pairwise(changes))


@pytest.mark.parametrize(
    ("zone", "change", "hours"),
    [
        ("America/Lima", datetime(1990, 1, 1, 5, tzinfo=UTC), [-5, -4]),
        ("Asia/Dhaka", datetime(2009, 12, 31, 17, tzinfo=UTC), [7, 6]),
    ],
)
def test_clocks_may_change_on_the_edge_of_a_decade(zone, change, hours):
    offsets = offsets_between(zone, change.year, change.year)
    instants = np.array([to_us(change) - 1, to_us(change)])

    found = offsets.to_wall(instants) - instants

    assert found.tolist() == [n * HOUR_US for n in hours]


def test_an_unknown_zone_is_refused():
    with pytest.raises(ValueError, match="unknown zone 'Mars/Olympus'"):
        offsets_between("Mars/Olympus", 2020, 2021)


@pytest.mark.parametrize(
    ("operation", "first", "second", "expected"),
    [
        (subtract, [(0, 10)], [(2, 4), (6, 12)], [[0, 2], [4, 6]]),
        (subtract, [(0, 10)], [(0, 10)], []),
        (subtract, [(0, 10)], [], [[0, 10]]),
        (subtract, [], [(0, 10)], []),
        (intersect, [(0, 10), (20, 30)], [(5, 25)], [[5, 10], [20, 25]]),
        (intersect, [(0, 10)], [(10, 20)], []),
        (intersect, [(0, 10)], [], []),
    ],
)
def test_spans_are_sets_of_instants(operation, first, second, expected):
    assert operation(as_spans(first), as_spans(second)).tolist() == expected


def test_a_union_merges_what_touches():
    spans = as_spans([(5, 9), (0, 2), (2, 3), (6, 7), (9, 9), (12, 11), (14, 14)])

    assert union(spans).tolist() == [[0, 3], [5, 9]]


@pytest.mark.parametrize(
    ("first_year", "last_year", "years"),
    [(2021, 2023, (2020, 2024)), (2020, 2024, (2015, 2029)), (2, 9997, (2, 9996))],
)
def test_blocks_of_five_years_leave_a_margin(first_year, last_year, years):
    first = to_us(datetime(first_year, 1, 1, tzinfo=UTC))
    last = to_us(datetime(last_year, 12, 31, tzinfo=UTC))

    assert some_years(first, last) == years


def test_compiling_is_done_once():
    office = Calendar("once", "Europe/Berlin", (((9 * 3600, 17 * 3600),),) * 7)
    at = to_us(datetime(2024, 5, 1, tzinfo=UTC))
    week = timedelta(days=7) // timedelta(microseconds=1)

    assert office.compiled(at, at) is office.compiled(at - week, at + week)
