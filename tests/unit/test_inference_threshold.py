"""The duration that separates verdicts: held against a slow twin, and at its borders."""

from __future__ import annotations

from itertools import pairwise, product
from math import isnan, sqrt

import numpy as np
import pytest

from sla_sniper.sla.inference_threshold import Threshold, best_threshold, exceeds, roundest

HOUR = 3_600_000_000
MINUTE = 60_000_000
SECOND = 1_000_000
FOREVER = 2**62


def twin(elapsed: list[int], late: list[bool], within: tuple[int, int]) -> dict[str, int | bool]:
    """Try every target that makes a difference, one after the other."""
    edges = [0, *sorted(set(elapsed)), FOREVER]
    spans = [(max(low, within[0]), min(high, within[1])) for low, high in pairwise(edges)]
    spans = [(low, high) for low, high in spans if low < high]
    right = [
        sum((used > low) == is_late for used, is_late in zip(elapsed, late, strict=True))
        for low, _ in spans
    ]
    before = [sum(used <= low for used in elapsed) for low, _ in spans]
    runs: list[list[int]] = []
    for place, n_right in enumerate(right):
        if n_right == max(right):
            if runs and runs[-1][-1] == place - 1:
                runs[-1].append(place)
            else:
                runs.append([place])
    run = max(runs, key=lambda places: spans[places[-1]][1] - spans[places[0]][0])
    best = run[0]
    is_close = [
        max(right) - n_right <= 2 * sqrt(abs(n_before - before[best]))
        for n_right, n_before in zip(right, before, strict=True)
    ]
    first = last = best
    while first > 0 and is_close[first - 1]:
        first -= 1
    while last < len(spans) - 1 and is_close[last + 1]:
        last += 1
    n, n_late = len(elapsed), sum(late)
    is_mostly_late = n_late >= n - n_late
    return {
        "low_us": spans[best][0],
        "high_us": spans[run[-1]][1],
        "noise_low_us": spans[first][0],
        "noise_high_us": spans[last][1],
        "n": n,
        "n_agree": max(right),
        "n_constant": max(n_late, n - n_late),
        "n_other": before[best] if is_mostly_late else n - before[best],
        "is_mostly_late": is_mostly_late,
    }


@pytest.mark.parametrize(
    "hours",
    [(), (3,), (0, 0, 2, 5), (1, 2, 3, 4, 5), (7, 1, 1, 4, 4), (0, 1, 2, 20, 21, 22, 22)],
)
@pytest.mark.parametrize(
    "within", [(0, FOREVER), (2 * HOUR, 5 * HOUR), (3 * HOUR, 4 * HOUR), (3 * HOUR, FOREVER)]
)
def test_every_pattern_of_verdicts_has_the_target_of_the_slow_way(hours, within):
    elapsed = np.array(hours, dtype=np.int64) * HOUR

    for late in product([False, True], repeat=len(hours)):
        found = best_threshold(elapsed, np.array(late, dtype=bool), within=within)

        wanted = twin(elapsed.tolist(), list(late), within)
        assert {name: getattr(found, name) for name in wanted} == wanted
        assert found.target_us == roundest(found.low_us, found.high_us)


def test_noise_grows_with_the_tickets_between_two_targets():
    draw = np.random.default_rng(3)
    elapsed = draw.integers(0, 60, 80) * HOUR
    late = (elapsed > 30 * HOUR) ^ (draw.random(80) < 0.25)

    found = best_threshold(elapsed, late)

    wanted = twin(elapsed.tolist(), late.tolist(), (0, FOREVER))
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert found.noise_low_us < found.low_us < found.high_us < found.noise_high_us


@pytest.mark.parametrize(
    ("low", "high", "target"),
    [
        (23 * HOUR, 49 * HOUR, 24 * HOUR),
        (24 * HOUR, 24 * HOUR + 1, 24 * HOUR),
        (23 * HOUR, 24 * HOUR, 23 * HOUR),
        (24 * HOUR + 1, 25 * HOUR, 24 * HOUR + HOUR // 2),
        (HOUR + 31 * MINUTE, HOUR + 40 * MINUTE, HOUR + 36 * MINUTE),
        (HOUR + 37 * MINUTE, HOUR + 38 * MINUTE, HOUR + 37 * MINUTE),
        (HOUR + 37 * MINUTE + 1, HOUR + 38 * MINUTE, HOUR + 37 * MINUTE + SECOND),
        (HOUR + 1, HOUR + SECOND, HOUR + 1),
        (0, HOUR, 0),
    ],
)
def test_a_target_is_as_round_as_it_can_be(low, high, target):
    assert roundest(low, high) == target


@pytest.mark.parametrize(
    ("difference", "n_different", "options", "is_more"),
    [
        (4, 4, {}, False),
        (5, 5, {}, True),
        (9, 9, {"times": 3.0}, False),
        (10, 10, {"times": 3.0}, True),
        (0, 0, {}, False),
        (1, 0, {}, True),
    ],
)
def test_more_is_more_than_some_standard_errors(difference, n_different, options, is_more):
    assert exceeds(difference, n_different, **options) is is_more


def of_counts(n: int, n_agree: int, n_constant: int, n_other: int) -> Threshold:
    return Threshold(0, 0, 1, 0, 1, n, n_agree, n_constant, n_other, is_mostly_late=True)


def test_a_target_beats_the_constant_by_three_standard_errors():
    found = [of_counts(100, 80 + n, 80, n).is_better_than_constant for n in (9, 10)]

    assert found == [False, True]


def test_agreement_is_a_share_and_undefined_without_tickets():
    assert of_counts(40, 30, 20, 20).agreement == 0.75
    assert isnan(of_counts(0, 0, 0, 0).agreement)
