"""Intervals: the bootstrap over days, percentiles of it, and Wilson's for one share."""

from __future__ import annotations

from sla_sniper.stats.bootstrap import day_weights, ratio_draws, ratio_interval
from sla_sniper.stats.intervals import (
    Interval,
    paired_difference,
    percentile_interval,
    wilson_interval,
)

__all__ = [
    "Interval",
    "day_weights",
    "paired_difference",
    "percentile_interval",
    "ratio_draws",
    "ratio_interval",
    "wilson_interval",
]
