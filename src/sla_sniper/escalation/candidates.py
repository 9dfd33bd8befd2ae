"""The tickets that could be escalated at each landmark, as arrays.

One slot is one ticket, but the pool has one row a running clock: here the clocks of a
ticket at a landmark become one candidate, whose stakes are the sums over its clocks.
Without this step a ticket with two clocks would be escalated, paid for and counted twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.escalation.costs import Effectiveness

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Number = TypeVar("Number", bound=np.generic)

NEEDED: Final = (
    "landmark",
    "day",
    "source",
    "ticket_id",
    "metric",
    "slack_us",
    "age_us",
    "target_us",
    "cost",
)
CREDIT: Final = "credit"
"""Optional column: the part of `cost` that is a credit at risk under a contract on attainment."""
PROBABILITIES: Final = ("p_breach", "p_logistic", "p_edf")
PLACE: Final = ("landmark_number", "landmarks_of_day")
"""Optional columns: the place of a landmark in its day, from 1, and how many the day has."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Every ticket that could be escalated, at every landmark.

    Candidates are in the order of their landmark, then of the common tie rule: least
    working slack, ticket id, source. A stable sort by a score therefore breaks ties by the rule.

    Attributes
    ----------
    clocks : polars.DataFrame of n_clocks rows
        The clocks before their point of no return, in the order of `candidate` (a column of
        it: its row in the arrays below).
    landmarks : polars.Series of shape (n_landmarks,)
        Instants, in order of time.
    days : polars.Series of shape (n_days,)
        Capacity days, in order of time.
    day_of_landmark : ndarray of int of shape (n_landmarks,)
        Index into `days`.
    landmark_number, landmarks_of_day : ndarray of int of shape (n_landmarks,)
        Place of each landmark in its day, from 1, and how many that day has: also those at
        which no clock ran.
    landmark, ticket : ndarray of int of shape (n_candidates,)
        Index into `landmarks`; number of the ticket in order of id, then source.
    slack_us, age_us, target_us : ndarray of int of shape (n_candidates,)
        Least working slack, greatest age and least target over the clocks, in microseconds.
    cost : ndarray of float of shape (n_candidates,)
        Greatest breach cost over the clocks: a ticket's rank by priority does not depend on
        how many clocks it has.
    p_breach : ndarray of float of shape (n_candidates,)
        Greatest probability of breach over the clocks; NaN where the pool has no forecast.
    stake_model, stake_logistic : ndarray of float of shape (n_candidates,)
        Sum of cost x probability x the part of the effect that is left, at full effectiveness.
    stake_edf : ndarray of float of shape (n_candidates,)
        Sum of cost x P(breach | working slack): a simple rule knows no effect.
    loss : ndarray of float of shape (n_candidates,)
        Sum of the costs of the clocks that did breach, without credits at risk: each of several
        breaches puts the same credit at risk, and it is due once.
    exposure : ndarray of float of shape (n_candidates,)
        `loss` weighted by the part of the effect that is left: saved at full effectiveness.
    breached, censored : ndarray of bool of shape (n_candidates,)
        Whether a clock breached; whether one has no known end (it counts as not breached).
    preventable : ndarray of float of shape (n_candidates,)
        Greatest part of the effect that is left on a clock that breached; zero without one.
    """

    clocks: pl.DataFrame
    landmarks: pl.Series
    days: pl.Series
    day_of_landmark: Ints
    landmark_number: Ints
    landmarks_of_day: Ints
    landmark: Ints
    ticket: Ints
    slack_us: Ints
    age_us: Ints
    target_us: Ints
    cost: Floats
    p_breach: Floats
    stake_model: Floats
    stake_logistic: Floats
    stake_edf: Floats
    loss: Floats
    exposure: Floats
    breached: NDArray[np.bool_]
    censored: NDArray[np.bool_]
    preventable: Floats

    @property
    def n_tickets(self) -> int:
        """Number of different tickets."""
        return int(self.ticket.max(initial=-1)) + 1

    @property
    def n_days(self) -> int:
        """Number of capacity days."""
        return len(self.days)

    @property
    def day(self) -> Ints:
        """Capacity day of each candidate, an index of shape (n_candidates,)."""
        return self.day_of_landmark[self.landmark]


def candidates_from(pool: pl.DataFrame, effectiveness: Effectiveness) -> Candidates:
    """Gather the running clocks of a pool into candidates.

    Parameters
    ----------
    pool : polars.DataFrame
        One row a running clock before its deadline at every landmark. The probabilities
        `p_breach`, `p_logistic`, `p_edf` and the labels `breached` (null: censored) may be
        absent, or null in some rows; a policy that needs an absent one refuses. Without
        `landmark_number` and `landmarks_of_day` a day has the landmarks that the pool holds.
        `credit` is the part of `cost` that ranks but is never settled; zero where absent.
    effectiveness : Effectiveness
        Gives the part of the effect that is left at each slack, and the point of no return:
        clocks past it are no candidates, and nothing of theirs can be caught.

    Returns
    -------
    candidates : Candidates
        The same for every order of the rows of `pool`.

    Raises
    ------
    ValueError
        If a column is missing, a needed value is null, a probability is outside [0, 1], a
        cost or a credit of it is negative, or a landmark lies on two days.
    """
    _check(pool)
    every = _coded(pool)
    landmarks = _landmarks(every)
    clocks = every.filter(pl.col("slack_us") >= effectiveness.point_of_no_return_us)
    group = _Group.of(clocks)
    slack, cost = clocks["slack_us"].to_numpy(), clocks["cost"].cast(pl.Float64).to_numpy()
    breached = clocks["breached"].fill_null(value=False).to_numpy()
    settled = cost - clocks[CREDIT].to_numpy()
    model, logistic, edf = (_probability(clocks, name) for name in PROBABILITIES)
    left = effectiveness.shape(slack)
    return Candidates(
        clocks=group.number(clocks),
        landmarks=landmarks["landmark"],
        days=landmarks["day"].unique().sort(),
        day_of_landmark=landmarks["day"].rank("dense").cast(pl.Int64).to_numpy() - 1,
        landmark_number=landmarks["landmark_number"].to_numpy(),
        landmarks_of_day=landmarks["landmarks_of_day"].to_numpy(),
        landmark=group.least(clocks["_landmark"].to_numpy()),
        ticket=group.least(clocks["_ticket"].to_numpy()),
        slack_us=group.least(slack),
        age_us=group.greatest(clocks["age_us"].to_numpy()),
        target_us=group.least(clocks["target_us"].to_numpy()),
        cost=group.greatest(cost),
        p_breach=group.greatest(model),
        stake_model=group.total(cost * model * left),
        stake_logistic=group.total(cost * logistic * left),
        stake_edf=group.total(cost * edf),
        loss=group.total(settled * breached),
        exposure=group.total(settled * breached * left),
        breached=group.greatest(breached),
        censored=group.greatest(clocks["breached"].is_null().to_numpy()),
        preventable=group.greatest(breached * left),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The clocks of each candidate, and the order in which candidates come.

    `starts` is the first sorted clock of each group, `order` the groups as candidates.
    """

    starts: Ints
    order: Ints

    @classmethod
    def of(cls, clocks: pl.DataFrame) -> _Group:
        landmark, ticket = clocks["_landmark"].to_numpy(), clocks["_ticket"].to_numpy()
        is_first = np.ones(clocks.height, dtype=bool)
        is_first[1:] = (landmark[1:] != landmark[:-1]) | (ticket[1:] != ticket[:-1])
        starts = np.flatnonzero(is_first)
        unordered = cls(starts, np.arange(starts.size))
        slack = unordered.least(clocks["slack_us"].to_numpy())
        # Clocks come by landmark, then ticket; the sort is stable, so ties stay in that order.
        return cls(starts, np.lexsort((slack, landmark[starts])))

    def least(self, values: NDArray[Number]) -> NDArray[Number]:
        return self._reduced(np.minimum, values)

    def greatest(self, values: NDArray[Number]) -> NDArray[Number]:
        return self._reduced(np.maximum, values)

    def total(self, values: Floats) -> Floats:
        return self._reduced(np.add, values)

    def _reduced(self, reduce: np.ufunc, values: NDArray[Number]) -> NDArray[Number]:
        # Most desks time one metric: there is nothing to reduce, and much to save.
        is_single = self.starts.size == values.size
        found = values if is_single else reduce.reduceat(values, self.starts)
        return np.asarray(found[self.order])

    def number(self, clocks: pl.DataFrame) -> pl.DataFrame:
        """Give each clock the number of its candidate, and follow their order."""
        place = np.empty_like(self.order)
        place[self.order] = np.arange(self.order.size)
        numbers = np.repeat(place, np.diff(self.starts, append=clocks.height))
        return (
            clocks.drop("_landmark", "_ticket")
            .with_columns(pl.Series("candidate", numbers, dtype=pl.Int64))
            .sort("candidate", maintain_order=True)
        )


def _landmarks(clocks: pl.DataFrame) -> pl.DataFrame:
    """List the landmarks in order of time, each with its place in its day."""
    if all(name in clocks.columns for name in PLACE):
        return clocks.select(
            "landmark", "day", *(pl.col(name).cast(pl.Int64) for name in PLACE)
        ).unique(["landmark"]).sort("landmark")  # fmt: skip
    return (
        clocks.select("landmark", "day")
        .unique()
        .sort("landmark")
        .with_columns(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("day").alias("landmark_number"),
            pl.len().cast(pl.Int64).over("day").alias("landmarks_of_day"),
        )
    )


def _probability(clocks: pl.DataFrame, name: str) -> Floats:
    return clocks[name].cast(pl.Float64).fill_null(math.nan).to_numpy()


def _check(pool: pl.DataFrame) -> None:
    """Refuse a pool from which no honest number could come."""
    missing = [name for name in NEEDED if name not in pool.columns]
    if missing:
        raise ValueError(f"The pool has no column {', '.join(missing)}.")
    holes = [name for name in NEEDED if pool[name].null_count()]
    if holes:
        raise ValueError(f"The pool has empty values in {', '.join(holes)}.")
    _check_costs(pool)
    for name in PROBABILITIES:
        if name in pool.columns and not pool[name].cast(pl.Float64).is_between(0, 1).all():
            raise ValueError(f"The pool has a {name} that is no probability in [0, 1].")
    per_landmark = pool.group_by("landmark").agg(pl.col("day").n_unique())
    if (per_landmark["day"] > 1).any():
        raise ValueError("The pool has a landmark that lies on two capacity days.")


def _check_costs(pool: pl.DataFrame) -> None:
    if not pool["cost"].cast(pl.Float64).is_between(0, np.finfo(np.float64).max).all():
        raise ValueError("The pool has a breach cost that is negative or no number.")
    if CREDIT in pool.columns:
        is_part = pool[CREDIT].cast(pl.Float64).is_between(0, pool["cost"])
        if not is_part.fill_null(value=False).all():
            raise ValueError("The pool has a credit that is no part of its breach cost.")


def _coded(pool: pl.DataFrame) -> pl.DataFrame:
    """Give landmarks and tickets numbers and sort: the order of the rows is no input."""
    absent = {"breached": pl.Boolean, **dict.fromkeys(PROBABILITIES, pl.Float64)}
    coded = pool.with_columns(
        *(pl.lit(None, of).alias(name) for name, of in absent.items() if name not in pool.columns),
        (pl.col(CREDIT).cast(pl.Float64) if CREDIT in pool.columns else pl.lit(0.0)).alias(CREDIT),
        *(pl.col(name).cast(pl.Int64) for name in ("slack_us", "age_us", "target_us")),
        _landmark=pl.col("landmark").rank("dense").cast(pl.Int64) - 1,
        _ticket=pl.Series(_ticket_numbers(pool)),
    )
    metric = pool["metric"].rank("dense").to_numpy()
    keys = (metric, coded["_ticket"].to_numpy(), coded["_landmark"].to_numpy())
    order = np.lexsort(keys)
    is_twice = np.logical_and.reduce([key[order][1:] == key[order][:-1] for key in keys])
    if not is_twice.any():
        return coded[order]
    ties = [name for name in ("policy", "due_at") if name in pool.columns]
    return coded.sort(
        "_landmark", "_ticket", "metric", "slack_us", "cost", CREDIT, *absent, "age_us", *ties
    )


def _ticket_numbers(pool: pl.DataFrame) -> Ints:
    """Number the tickets in order of id, then source, without gaps."""
    name, source = (
        pool[column].rank("dense").cast(pl.Int64).to_numpy() for column in ("ticket_id", "source")
    )
    if source.max(initial=1) == 1:
        return name - 1
    codes = name * (source.max(initial=0) + 1) + source
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
