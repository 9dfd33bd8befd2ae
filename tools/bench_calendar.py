"""Measure the calendar: look-ups a second, compiling, and the ratio to a calendar that walks.

``python -m tools.bench_calendar`` prints a table. Every figure is the median of several runs in one
process; the ratios compare two medians of the same process on the same pairs of instants.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from sla_sniper.core.instants import DAY_US, from_us, to_us
from sla_sniper.sla.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Instants = NDArray[np.int64]

ROWS: Final = 1_000_000
PAIRS: Final = 10_000
RUNS: Final = 5
HOUR_US: Final = 3_600_000_000
FIRST: Final = to_us(datetime(2015, 1, 1, tzinfo=UTC))
LAST: Final = to_us(datetime(2024, 12, 31, tzinfo=UTC))
HOURS: Final = ((9 * 3600, 12 * 3600), (13 * 3600, 17 * 3600))
OFFICE: Final = Calendar("office", "Europe/Berlin", (HOURS,) * 5 + ((), ()))


class Ratio(NamedTuple):
    """Seconds of both for the same pairs, and how many times as fast ours is."""

    days: int
    ours: float
    theirs: float

    @property
    def times(self) -> float:
        """How many times as fast ours is."""
        return self.theirs / self.ours


def rates() -> tuple[float, float]:
    """Elapsed times and deadlines a second over ten years of breakpoints, in random order."""
    draw = np.random.default_rng(0)
    start = draw.integers(FIRST, LAST, ROWS)
    end = draw.integers(FIRST, LAST, ROWS)
    amount = draw.integers(1, 40 * HOUR_US, ROWS)
    compiled = OFFICE.compiled(FIRST, LAST + 400 * DAY_US)

    def elapsed() -> Instants:
        return compiled.open_until(end) - compiled.open_until(start)

    elapsed_s = median(_seconds(elapsed) for _ in range(RUNS))
    add_s = median(_seconds(lambda: OFFICE.add_us(start, amount)) for _ in range(RUNS))
    return ROWS / elapsed_s, ROWS / add_s


def compiling() -> float:
    """Seconds to compile ten years of a calendar that was not asked for before."""
    fresh = [_fresh(n) for n in range(RUNS)]
    return median(_seconds(partial(each.compiled, FIRST, LAST)) for each in fresh)


def ratio(days: int) -> Ratio:
    """Elapsed time of the same pairs, up to so many days apart, by us and by businesstimedelta."""
    # A package that walks from shift to shift; only this comparison needs it.
    import businesstimedelta  # noqa: PLC0415

    draw = np.random.default_rng(days)
    start = draw.integers(FIRST, LAST - days * DAY_US, PAIRS) // 1_000_000 * 1_000_000
    end = start + draw.integers(0, days * 86_400, PAIRS) * 1_000_000
    utc = Calendar("utc", "UTC", (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
    rule = businesstimedelta.WorkDayRule(
        start_time=clock_time(9), end_time=clock_time(17), working_days=[0, 1, 2, 3, 4]
    )
    hours = businesstimedelta.Rules([rule])
    pairs = [(from_us(int(a)), from_us(int(b))) for a, b in zip(start, end, strict=True)]
    began = time.perf_counter()
    theirs = [hours.difference(a, b).timedelta for a, b in pairs]
    their_seconds = time.perf_counter() - began
    compiled = utc.compiled(FIRST, LAST)

    def ours() -> Instants:
        return compiled.open_until(end) - compiled.open_until(start)

    if any(timedelta(microseconds=int(a)) != b for a, b in zip(ours(), theirs, strict=True)):
        raise AssertionError("The two calendars do not agree; the ratio would mean nothing.")
    return Ratio(days, median(_seconds(ours) for _ in range(RUNS)), their_seconds)


def _fresh(number: int) -> Calendar:
    """Make a calendar that no cache knows."""
    return Calendar(
        f"fresh {number} {time.perf_counter_ns()}", "Europe/Berlin", (HOURS,) * 5 + ((), ())
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print every figure as a Markdown table."""
    elapsed, add = rates()
    year, weeks = ratio(365), ratio(20)
    rows = (
        ("elapsed, a second", f"{elapsed:,.0f}", "5,000,000"),
        ("add, a second", f"{add:,.0f}", "5,000,000"),
        ("businesstimedelta, pairs up to 365 days apart", f"{year.times:,.0f} times", "10,000"),
        ("businesstimedelta, pairs up to 20 days apart", f"{weeks.times:,.0f} times", "800"),
        ("compiling ten years", f"{1000 * compiling():.0f} ms", ""),
    )
    sys.stdout.write("| calendar | measured | at least |\n|---|---|---|\n")
    for row in rows:
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    sys.stdout.flush()
    is_enough = elapsed >= 5e6 and add >= 5e6 and year.times >= 1e4 and weeks.times >= 800  # noqa: PLR2004
    raise SystemExit(not is_enough)


if __name__ == "__main__":
    main()
