"""The prototype's recipe, step by step, as pure functions.

Nothing here is meant to be right: it is what the prototype did, with the choices that
matter (an invented creation time, a dropped third of the tickets, a random split) kept as
they were, so that its published figures can be checked and judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.core.errors import NotEnoughHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

FIRST_RESPONSE: Final = "First Response Time"
RESOLUTION: Final = "Time to Resolution"
PRIORITY: Final = "Ticket Priority"
CATEGORIES: Final = ("Ticket Type", PRIORITY, "Ticket Channel", "Product Purchased")
COLUMNS: Final = (*CATEGORIES, FIRST_RESPONSE, RESOLUTION)

TARGET_HOURS: Final = {"Critical": 4, "High": 8, "Normal": 24, "Low": 72}
OTHER_TARGET_HOURS: Final = 24
BREACH_COST: Final = {"Critical": 500, "High": 200, "Normal": 50, "Low": 10}
SEED: Final = 42
TEST_SHARE: Final = 0.2
MIN_TICKETS: Final = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """The tickets that the recipe keeps, and how many it lost on the way.

    Attributes
    ----------
    n_rows, n_timed, n_negative : int
        Rows in the file, rows with both times, and those of them that the invented
        creation time turned into a duration of zero or less.
    n_free : int
        Kept tickets whose priority has no cost in the recipe, so that a breach is free.
    categories : ndarray of str of shape (n_tickets, 4)
    invented : ndarray of float of shape (n_tickets, 3)
        Hour, weekend and day of the week of the invented creation time.
    cost, loss : ndarray of float of shape (n_tickets,)
        What a breach of each ticket would cost, and what it did cost, in dollars.
    is_breach : ndarray of bool of shape (n_tickets,)
    day : ndarray of int of shape (n_tickets,)
        Date of the invented creation, as days since 1970.
    """

    n_rows: int
    n_timed: int
    n_negative: int
    n_free: int
    categories: NDArray[np.object_]
    invented: NDArray[np.float64]
    cost: NDArray[np.float64]
    loss: NDArray[np.float64]
    is_breach: NDArray[np.bool_]
    day: NDArray[np.int64]

    def features(
        self, learned_on: NDArray[np.int64], *, with_times: bool = True
    ) -> NDArray[np.float64]:
        """One column for each category level seen in `learned_on`, then the invented times."""
        from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415 - slow to import

        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        levels = encoder.fit(self.categories[learned_on]).transform(self.categories)
        return np.hstack([levels, self.invented]) if with_times else np.asarray(levels)


def read_sample(frame: pl.DataFrame) -> Sample:
    """Keep, date, price and label the tickets as the prototype did.

    Parameters
    ----------
    frame : polars.DataFrame
        The file as text, with at least `COLUMNS`.

    Raises
    ------
    NotEnoughHistoryError
        If fewer than 50 tickets, or only one outcome, are left.
    """
    timed = frame.with_columns(instant(FIRST_RESPONSE), instant(RESOLUTION)).drop_nulls(
        [FIRST_RESPONSE, RESOLUTION]
    )
    # The legacy generator, drawn over the rows with both times: another gives another sample.
    hours = np.random.RandomState(SEED).randint(1, 6, timed.height)
    created = timed.with_columns(
        created_at=pl.col(FIRST_RESPONSE) - pl.duration(hours=pl.lit(pl.Series(hours)))
    )
    kept = created.filter(pl.col(RESOLUTION) > pl.col("created_at")).with_columns(_verdict())
    _refuse_too_few(kept)
    return Sample(
        n_rows=frame.height,
        n_timed=timed.height,
        n_negative=timed.height - kept.height,
        n_free=int((~kept[PRIORITY].is_in(list(BREACH_COST))).sum()),
        categories=kept.select(pl.col(CATEGORIES).fill_null("Unknown")).to_numpy(),
        invented=kept.select(_invented()).to_numpy(),
        cost=kept["cost"].to_numpy(),
        loss=(kept["cost"] * kept["is_breach"]).to_numpy(),
        is_breach=kept["is_breach"].to_numpy(),
        day=kept["created_at"].dt.epoch("d").cast(pl.Int64).to_numpy(),
    )


def own_split(sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the prototype's training and test set: random, stratified, 80 to 20."""
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - slow to import

    rows = np.arange(len(sample.is_breach))
    train, test = train_test_split(
        rows, test_size=TEST_SHARE, random_state=SEED, stratify=sample.is_breach
    )
    return np.asarray(train), np.asarray(test)


def folds(
    sample: Sample, *, n_splits: int, n_repeats: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of training and test sets of repeated stratified folds."""
    from sklearn.model_selection import RepeatedStratifiedKFold  # noqa: PLC0415 - slow to import

    plan = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=SEED)
    yield from plan.split(sample.categories, sample.is_breach)


def forest_p_breach(
    sample: Sample,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    *,
    with_times: bool = True,
) -> NDArray[np.float64]:
    """Probability of a breach by the prototype's forest, of shape (n_test,)."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - slow to import

    features = sample.features(train, with_times=with_times).astype(np.float32)
    forest = RandomForestClassifier(
        n_estimators=300,
        min_samples_leaf=3,
        class_weight="balanced_subsample",
        random_state=SEED,
        n_jobs=-1,
    )
    forest.fit(features[train], sample.is_breach[train])
    forest.set_params(n_jobs=1)  # threads add up the trees in any order: other last digits
    return np.asarray(forest.predict_proba(features[test])[:, 1], dtype=np.float64)


def auc(is_breach: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Share of pairs of a breached and a kept ticket that `score` puts in order; ties half.

    Examples
    --------
    >>> auc(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]))
    0.5
    """
    levels, rank = np.unique(score, return_inverse=True)
    breached = np.bincount(rank[is_breach], minlength=len(levels))
    kept = np.bincount(rank[~is_breach], minlength=len(levels))
    below = np.cumsum(kept) - kept
    return float((breached * (below + kept / 2)).sum() / (breached.sum() * kept.sum()))


def captured(
    score: NDArray[np.float64],
    loss: NDArray[np.float64],
    day: NDArray[np.int64],
    *,
    per_day: int,
) -> float:
    """Loss of the `per_day` tickets with the highest `score` of each day, in dollars.

    Ties fall as the prototype's own unstable descending sort leaves them
    (``DataFrame.sort_values``): it is its figure that is to be reproduced.
    `captured_over_ties` says what other orders of the ties give.
    """
    order = np.arange(len(score))[::-1][np.argsort(score[::-1], kind="quicksort")][::-1]
    first = [order[day[order] == date][:per_day] for date in np.unique(day)]
    return float(loss[np.concatenate(first)].sum())


@dataclass(frozen=True, slots=True)
class TieRange:
    """What a sort with ties captures: over all orders of the ties, in dollars."""

    mean: float
    low: float
    high: float


def captured_over_ties(
    score: NDArray[np.float64],
    loss: NDArray[np.float64],
    day: NDArray[np.int64],
    *,
    per_day: int,
) -> TieRange:
    """Mean, least and most that the top `per_day` of each day capture, over orders of ties.

    Examples
    --------
    >>> tied, loss, day = np.ones(4), np.array([8.0, 0.0, 4.0, 0.0]), np.zeros(4, dtype=np.int64)
    >>> captured_over_ties(tied, loss, day, per_day=2)
    TieRange(mean=6.0, low=0.0, high=12.0)
    """
    total = np.zeros(3)
    for date in np.unique(day):
        today, free = day == date, per_day
        for level in np.unique(score[today])[::-1]:
            tied = np.sort(loss[today & (score == level)])
            taken = min(free, len(tied))
            total += (
                tied.mean() * taken,
                tied[:taken].sum(),
                tied[len(tied) - taken :].sum(),
            )
            free -= taken
    return TieRange(*(float(value) for value in total))


def instant(column: str) -> pl.Expr:
    """Read a wall time to the second or the minute; anything else is missing, as there."""
    text = pl.col(column).str.strip_chars().str.replace("T", " ").str.replace(r" (\d):", " 0$1:")
    return pl.coalesce(
        text.str.to_datetime(pattern, strict=False, time_unit="us")
        for pattern in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
    ).alias(column)


def _verdict() -> list[pl.Expr]:
    target = _by_priority(TARGET_HOURS, otherwise=OTHER_TARGET_HOURS)
    elapsed = (pl.col(RESOLUTION) - pl.col("created_at")).dt.total_seconds() / 3600
    return [
        _by_priority(BREACH_COST, otherwise=0).alias("cost"),
        (elapsed > target).alias("is_breach"),
    ]


def _by_priority(table: Mapping[str, int], *, otherwise: int) -> pl.Expr:
    return pl.col(PRIORITY).replace_strict(table, default=otherwise, return_dtype=pl.Float64)


def _invented() -> list[pl.Expr]:
    weekday = pl.col("created_at").dt.weekday() - 1
    return [
        pl.col("created_at").dt.hour().cast(pl.Float64).alias("hour"),
        (weekday >= 5).cast(pl.Float64).alias("is_weekend"),  # noqa: PLR2004 - Saturday
        weekday.cast(pl.Float64).alias("weekday"),
    ]


def _refuse_too_few(kept: pl.DataFrame) -> None:
    if kept.height < MIN_TICKETS or kept["is_breach"].n_unique() == 1:
        raise NotEnoughHistoryError(
            f"The recipe leaves {kept.height} tickets, {int(kept['is_breach'].sum())} of them "
            f"breached; judging it needs at least {MIN_TICKETS}, with both outcomes."
        )
