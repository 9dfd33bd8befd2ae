"""Answers that may lie years away: look near first, then ever further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.instants import DAY_US
from sla_sniper.sla.compiled import FAR
from sla_sniper.sla.compiling import FIRST_US, LAST_US, NoWorkingTimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Instants = NDArray[np.int64]

_YEAR_US: Final = 366 * DAY_US
_MORE_YEARS: Final = (0, 2, 8, 32, 128, 400)


def reaching(
    start: Instants, ask: Callable[[int, int], Instants], never: int | None = None
) -> Instants:
    """Answer of `ask` for the first span of time around `start` that it does not go beyond.

    Parameters
    ----------
    start : ndarray of int64 of shape (n,)
        Microseconds since 1970.
    ask : callable
        Given the first and the last instant that is looked at: instants of shape (n,), `FAR` or
        `-FAR` where they lie beyond.
    never : int, optional
        The answer where there is none within 400 years.

    Raises
    ------
    NoWorkingTimeError
        If there is none within 400 years and no `never`.
    """
    if not len(start):
        return start
    for first, last in widening(int(start.min()), int(start.max())):
        found = ask(first, last)
        if int(found.min()) > -FAR and int(found.max()) < FAR:
            return found
    if never is not None:
        return np.where(np.abs(found) < FAR, found, never)
    raise NoWorkingTimeError("The calendar is not open long enough to reach this deadline.")


def widening(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Spans of time around two instants, each wider, up to 400 years.

    Examples
    --------
    >>> next(widening(20, 10))
    (10, 20)
    """
    ends = sorted((first, last))
    for years in _MORE_YEARS:
        more = years * _YEAR_US
        yield max(FIRST_US, ends[0] - more), min(LAST_US, ends[1] + more)
