"""Why: where the time of missed tickets went, against that of met ones."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.words import count, percent
from sla_sniper.diagnosis.courses import LEGS, ON_CLOCK
from sla_sniper.stats import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOUR: Final = 3_600_000_000
WORDS: Final = {
    "in_work": "in work",
    "unassigned": "in the queue, with nobody assigned",
    "between_groups": "between groups, passed on and untouched",
    "waiting_requester": "waiting for the requester",
    "waiting_vendor": "waiting for a vendor",
    "on_hold": "on hold",
    "after_hours": "outside open hours",
    "resolved": "ended, before it was reopened",
}
WAITS: Final = tuple(leg for leg in ON_CLOCK if leg != "in_work")
"""Legs in which nobody works on a ticket, though its clock may run."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One place where time goes.

    Attributes
    ----------
    leg : str
        One of `courses.LEGS`.
    met, missed : float
        Mean hours a clock, open ones but for `after_hours`; NaN where there are none.
    share_of_missed : float
        Part of all wall time of missed clocks.
    difference : Interval
        Hours more of a missed clock, with a 95 % interval.
    ran_met, ran_missed : float
        Mean hours of it that the clock counted: none where it stood still.
    """

    leg: str
    met: float
    missed: float
    share_of_missed: float
    difference: Interval
    ran_met: float
    ran_missed: float

    @property
    def words(self) -> str:
        """The leg in words."""
        return WORDS[self.leg]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "leg": self.leg,
            "hours_met": self.met,
            "hours_missed": self.missed,
            "share_of_missed": self.share_of_missed,
            "difference": {
                "estimate": self.difference.estimate,
                "low": self.difference.low,
                "high": self.difference.high,
            },
            "ran_met": self.ran_met,
            "ran_missed": self.ran_missed,
        }


def legs(clocks: pl.DataFrame) -> tuple[Leg, ...]:
    """Compare where the time of met and missed clocks went.

    Parameters
    ----------
    clocks : DataFrame
        Decided clocks with the legs of `courses.courses` and `is_missed`.

    Returns
    -------
    tuple of Leg
        Of all legs that occur, the greatest difference first. Hours over legs sum to the mean
        wall time. The interval is Welch's, normal for so many tickets.

    References
    ----------
    .. [1] B. L. Welch (1947), "The generalization of Student's problem when several different
       population variances are involved", Biometrika 34(1-2), 28-35. doi:10.2307/2332510
    """
    is_missed = clocks["is_missed"].to_numpy()
    total = float(clocks["wall_us"].to_numpy()[is_missed].sum())
    found = []
    for name in LEGS:
        hours = clocks[f"{name}_us"].to_numpy() / _HOUR
        if not hours.any():
            continue
        missed, met = hours[is_missed], hours[~is_missed]
        ran = _ran(clocks, name)
        found.append(
            Leg(
                leg=name,
                met=_mean(met),
                missed=_mean(missed),
                share_of_missed=float(missed.sum() * _HOUR / total) if total else np.nan,
                difference=_difference(missed, met),
                ran_met=_mean(ran[~is_missed]),
                ran_missed=_mean(ran[is_missed]),
            )
        )
    return tuple(sorted(found, key=lambda each: -np.nan_to_num(each.difference.estimate)))


@dataclass(frozen=True, slots=True)
class Cut:
    """Missed clocks whose time has no end yet: it is counted up to the instant read.

    Attributes
    ----------
    n, of : int
        Missed clocks that are still open, and all missed ones.
    share : float
        Part of all wall time of missed clocks that is theirs; NaN where there is none.
    """

    n: int
    of: int
    share: float

    @property
    def sentence(self) -> str:
        """How many there are, in words."""
        if not self.n:
            return "Every missed clock has ended, so its time is told whole."
        are = "is" if self.n == 1 else "are"
        return (
            f"{count(self.n)} of {count(self.of, 'missed clock')} {are} still open: their time is "
            f"counted up to the instant read, {percent(self.share)} of all of it."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"n": self.n, "of": self.of, "share": self.share, "sentence": self.sentence}


def cut(clocks: pl.DataFrame) -> Cut:
    """Count the missed clocks that are still open, and the part of the time that is theirs."""
    missed = clocks.filter("is_missed").select("wall_us", is_open=pl.col("fulfilled_at").is_null())
    total = int(missed["wall_us"].sum())
    open_us = int(missed.filter("is_open")["wall_us"].sum())
    return Cut(
        n=int(missed["is_open"].sum()),
        of=missed.height,
        share=open_us / total if total else np.nan,
    )


def met_without(clocks: pl.DataFrame, leg: str) -> NDArray[np.int64]:
    """Rows of missed clocks that would have been met had they not run in a leg.

    Arithmetic, not an effect: it takes what the clock counted in the leg off what was used and
    leaves all else as it was. A clock that stood still there loses nothing by it, and of one that
    is missed by an instant without having used its target up nothing is said.
    """
    target, used, ran = pl.col("target_us"), pl.col("elapsed_us"), pl.col(f"{leg}_ran_us")
    is_saved = pl.col("is_missed") & (ran > 0) & (used > target) & (used - ran <= target)
    found = clocks.select(is_saved.fill_null(value=False)).to_series().to_numpy()
    return np.flatnonzero(found).astype(np.int64)


def _ran(clocks: pl.DataFrame, leg: str) -> NDArray[np.float64]:
    if leg not in ON_CLOCK:
        return np.zeros(clocks.height)
    return clocks[f"{leg}_ran_us"].to_numpy() / _HOUR


def _mean(hours: NDArray[np.float64]) -> float:
    return float(hours.mean()) if len(hours) else np.nan


def _difference(missed: NDArray[np.float64], met: NDArray[np.float64]) -> Interval:
    if len(missed) < 2 or len(met) < 2:  # noqa: PLR2004 - one value has no spread
        return Interval(np.nan, np.nan, np.nan)
    gap = float(missed.mean() - met.mean())
    spread = np.sqrt(missed.var(ddof=1) / len(missed) + met.var(ddof=1) / len(met))
    half = NormalDist().inv_cdf(0.975) * float(spread)
    return Interval(gap, gap - half, gap + half)
