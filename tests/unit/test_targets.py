"""Working time of targets, where there is nothing to ask for."""

from __future__ import annotations

import numpy as np

from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.targets import open_between


def test_nothing_to_measure_is_no_time_at_all():
    nothing = np.zeros(0, dtype=np.int64)

    found = open_between(nothing, nothing, Calendar("always", is_always_open=True))

    assert (found.shape, found.dtype) == ((0,), np.int64)
