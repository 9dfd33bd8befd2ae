"""Leaks that only an outcome shows: columns and features too good to be true, and broken splits.

Like every screen it can be fooled; what it finds is measured on later tickets than it learnt
from, with thresholds far above what honest columns of public logs reach.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from sla_sniper.core.schema import CLOCK_KEY, TICKET_KEY
from sla_sniper.core.words import count
from sla_sniper.eventlog.first_rows import level_means, older_and_newer, told_columns
from sla_sniper.eventlog.foretelling import as_numbers
from sla_sniper.model.metrics import auc, auc_within, concordance
from sla_sniper.stats.bootstrap import day_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

    Floats = NDArray[np.float64]

Severity: TypeAlias = Literal["error", "warning"]

MIN_TICKETS: Final = 200
AUC_ERROR, AUC_WARNING = 0.97, 0.92
"""AUC of one column alone on later tickets. The best honest one of three public logs reaches 0.84,
a final value in Boston's 0.88, a stamped `resolved_at` 0.9999; the time left to the deadline, which
may come close, is the clock's own and is not screened."""

JUMP_ERROR, JUMP_WARNING = 0.02, 0.01
"""What AUC loses without one column that others nearly determine: 0.05 for the final queue in
Boston, at most 0.001 for its honest columns of that kind."""

DETERMINED: Final = 0.8
"""Share of a value's tickets that have the usual value of another column, from which the first
determines the second."""

CLOCKS_OWN: Final = ("deadline", "age", "calendar", "pauses")
"""Causes whose features the clock computes from its past: pure functions that tests hold."""

UNSEEN_AUC, RARE = 0.75, 5
"""AUC within a landmark from which a rate knows what nobody has seen end; by chance 0.5. Clocks
that a value may have to be rare."""

MAX_LEVELS: Final = 250
_MAX_TICKETS: Final = 20_000
_DEVIATIONS: Final = 50
_ROUNDS: Final = 50
_LATER: Final = 0.05


class TooGood(NamedTuple):
    """A column or feature that outcomes give away."""

    kind: str
    severity: Severity
    column: str
    n_tickets: int
    sentence: str


def columns_too_good(
    tickets: pl.DataFrame, *, skip: Sequence[str] = (), is_history: bool
) -> Iterator[TooGood]:
    """Look for columns of first rows that tell the outcome better than any honest one can.

    Parameters
    ----------
    tickets : DataFrame
        `eventlog.first_rows` with `breached` (null where not known) and `target_h`.
    skip : sequence of str
        Columns found out already: what they tell is not put on others.
    is_history : bool
        Whether the file has a row a change. Where it has one row a ticket, nothing tells a
        first value from a last one, and the jump of the AUC is tried too.
    """
    known = tickets.drop_nulls("breached")
    names = [n for n in told_columns(known) if n not in skip and known[n].n_unique() > 1]
    older, newer = older_and_newer(known)
    if newer.height < MIN_TICKETS or newer["breached"].n_unique() < 2:  # noqa: PLR2004
        return
    obvious = []
    for name in names:
        found = _alone(older, newer, name)
        if found is not None:
            obvious.append(name)
            yield found
    if not is_history:
        yield from _jumps(tickets, [name for name in names if name not in obvious])


def features_too_good(learnt: pl.DataFrame, features: Sequence[Feature]) -> Iterator[TooGood]:
    """Look for features that alone tell nearly every outcome of the newest days.

    Parameters
    ----------
    learnt : DataFrame
        Labelled snapshots, as a model would learn from them. Only those of one landmark are
        compared: what merely drifts, as the whole desk's load does, is no leak.
    features : sequence of Feature
        The clock's own are not screened.
    """
    older, newer = older_and_newer(learnt.sort("landmark", *CLOCK_KEY))
    y, landmark = newer["breached"].to_numpy(), newer["landmark"].to_numpy()
    n_clocks = newer.select(CLOCK_KEY).n_unique()
    if n_clocks < MIN_TICKETS or y.all() or not y.any():
        return
    for feature in features:
        if feature.cause in CLOCKS_OWN:
            continue
        score = _score(older, newer, feature)
        alone = abs(auc_within(y, score, landmark) - 0.5) + 0.5
        if alone >= AUC_WARNING:
            yield TooGood(
                "too_good_feature",
                "error" if alone >= AUC_ERROR else "warning",
                feature.name,
                n_clocks,
                f"Feature {feature.name!r} alone tells the outcome of {n_clocks:,} newer clocks "
                f"with an AUC of {alone:.3f} within a landmark: too good to be known beforehand. "
                "Find the column it comes from and declare that in [stamped] of the mapping.",
            )


def rates_that_know(learnt: pl.DataFrame, features: Sequence[Feature]) -> Iterator[TooGood]:
    """Look for history rates, or lifts, that hold the ticket's own outcome (label in the encoder).

    The rate of a value of which no ticket had a known outcome yet can only be the rate of all:
    within a landmark it cannot tell tickets apart. One that does has seen what it foretells,
    as an encoder does that was fitted on the rows it encodes. Only rare values are looked at:
    of others some ticket ended between two landmarks, unseen here and known to the rate.
    """
    for feature in features:
        level = feature.name.removesuffix("_breach_rate").removesuffix("_breach_lift")
        if level == feature.name or level not in learnt.columns:
            continue
        value = ("source", "metric", level)
        is_rare = pl.struct(CLOCK_KEY).n_unique().over(value) <= RARE
        first_known = pl.col("label_known_at").min().over(value)
        is_unseen = pl.col(level).is_not_null() & (pl.col("landmark") < first_known)
        unseen = learnt.filter(is_rare & is_unseen)
        score = unseen[feature.name].cast(pl.Float64).fill_null(0.0).to_numpy()
        moment = unseen.select(pl.struct("landmark", "metric", "source").rank("dense")).to_series()
        wins, pairs = concordance(unseen["breached"].to_numpy(), score, moment.to_numpy())
        within = float(wins.sum() / pairs.sum()) if pairs.sum() >= MIN_TICKETS else 0.0
        if within >= UNSEEN_AUC:
            n_clocks = unseen.select(CLOCK_KEY).n_unique()
            yield TooGood(
                "label_in_encoder",
                "error",
                feature.name,
                n_clocks,
                f"Feature {feature.name!r} tells apart {n_clocks:,} clocks whose value nobody "
                f"had seen end (AUC {within:.2f} within a landmark): it holds their own outcomes.",
            )


def clocks_on_both_sides(learnt: pl.DataFrame, tested: pl.DataFrame) -> Iterator[TooGood]:
    """Look for clocks whose outcome was learnt before it was known, and is then asked for.

    A ticket may be on both sides: while it was open it could be known. So may one of its clocks,
    whose breach was known at the cut and taken back after it, by a new priority or a reopening.
    What may not be is a clock that is asked for at a landmark before what was learnt of it was
    known: who learnt that knows the answer.
    """
    known = learnt.group_by(CLOCK_KEY).agg(pl.col("label_known_at").max())
    asked = tested.group_by(CLOCK_KEY).agg(pl.col("landmark").min())
    both = asked.join(known, on=CLOCK_KEY).filter(pl.col("label_known_at") > pl.col("landmark"))
    if both.height:
        first = both.sort(CLOCK_KEY)["ticket_id"][0]
        yield TooGood(
            "clock_on_both_sides",
            "error",
            "ticket_id",
            both.height,
            f"{count(both.height, 'clock')} tested on before the outcome that was learnt was "
            f"known, the first of ticket {first}: the split is none.",
        )


def _alone(older: pl.DataFrame, newer: pl.DataFrame, name: str) -> TooGood | None:
    y = newer["breached"].to_numpy()
    # Tickets of one week: what merely drifts tells the week, not the ticket.
    week = newer["first_at"].dt.truncate("1w")
    within = newer.select(week, pl.col("target_h").fill_null(0.0))
    groups = (
        week.to_numpy(),
        within.select(pl.struct(pl.all()).rank("dense")).to_series().to_numpy(),
    )
    scores = [level_means(older, newer, name, "breached")["foretold"].to_numpy()]
    number = as_numbers(newer[name])
    scores += [] if number is None else [number, -number]
    alone = max(
        each
        for score in scores
        for group in groups
        if not math.isnan(each := auc_within(y, score, group))
    )
    if alone < AUC_WARNING:
        return None
    return TooGood(
        "too_good_column",
        "error" if alone >= AUC_ERROR else "warning",
        name,
        newer.height,
        f"alone tells the outcome of {newer.height:,} newer tickets with an AUC of {alone:.3f}: "
        "too good to be known beforehand.",
    )


def _jumps(tickets: pl.DataFrame, names: Sequence[str]) -> Iterator[TooGood]:
    """Columns that others nearly determine, whose exceptions end later and are worth much AUC.

    A type of request goes to its usual queue; the ones found elsewhere were sent on, and took
    longer. An honest column that another one implies adds next to nothing to it.
    """
    doubtful = {name: z for name in names if (z := _exceptions_are_late(tickets, names, name))}
    if not doubtful:
        return
    known = tickets.drop_nulls("breached")
    if known.height > 2 * _MAX_TICKETS:
        known = known.sample(2 * _MAX_TICKETS, seed=0).sort("first_at", *TICKET_KEY)
    older, newer = older_and_newer(known)
    y, day = newer["breached"].to_numpy(), newer["first_at"].dt.date().to_numpy()
    matrix = {name: _codes(older, newer, name) for name in names}
    whole = _forecast(older, newer, list(matrix.values()))
    for name, other in doubtful.items():
        without = _forecast(older, newer, [matrix[each] for each in names if each != name])
        jump, low = _paired(y, whole, without, day)
        if jump < JUMP_WARNING or low <= 0:
            continue
        yield TooGood(
            "final_value",
            "error" if jump >= JUMP_ERROR and low >= JUMP_WARNING else "warning",
            name,
            newer.height,
            f"is mostly implied by {other!r}, tickets where it differs end later, and without it "
            f"the AUC on {newer.height:,} newer tickets falls by {jump:.3f}: the file has the "
            "value that a ticket ended with, not the one it began with.",
        )


def _exceptions_are_late(tickets: pl.DataFrame, names: Sequence[str], name: str) -> str:
    """Name of a column that implies `name` but for exceptions that end later; empty if none."""
    late = pl.when("has_ended").then(pl.col("hours_left")).otherwise(math.inf)
    for other in names:
        if other == name:
            continue
        usual = (
            tickets.drop_nulls([name, other])
            .group_by(other, name)
            .len()
            .sort([other, "len", name], descending=[False, True, False])
            .group_by(other, maintain_order=True)
            .agg(
                pl.col(name).first().alias("_usual"),
                pl.col("len").first().alias("_n_usual"),
                pl.col("len").sum().alias("_n"),
            )
            .filter(pl.col("_n") >= MIN_TICKETS // 10)
            .filter(pl.col("_n_usual") >= DETERMINED * pl.col("_n"))
        )
        placed = (
            tickets.drop_nulls([name, other])
            .join(usual, on=other)
            .with_columns(
                (pl.col(name) != pl.col("_usual")).alias("_is_exception"),
                ((late.rank() - 0.5) / pl.len()).over(other).alias("_late"),
            )
        )
        exceptions = placed.filter("_is_exception")
        if exceptions.height >= _DEVIATIONS and float(exceptions["_late"].mean()) >= 0.5 + _LATER:  # type: ignore[arg-type]
            return other.removeprefix("attribute:")
    return ""


def _codes(older: pl.DataFrame, newer: pl.DataFrame, name: str) -> tuple[Floats, Floats]:
    counts = older[name].drop_nulls().value_counts().sort(["count", name], descending=[True, False])
    levels = pl.Enum(counts[name].head(MAX_LEVELS))
    coded = [part[name].cast(levels, strict=False).to_physical() for part in (older, newer)]
    first, second = (each.cast(pl.Float64).fill_null(math.nan).to_numpy() for each in coded)
    return first, second


def _forecast(
    older: pl.DataFrame, newer: pl.DataFrame, columns: Sequence[tuple[Floats, Floats]]
) -> Floats:
    """Forecast newer tickets from older ones by a small forest of boosted trees."""
    import lightgbm  # noqa: PLC0415 - seconds to import, and only this test needs it

    at = pl.col("first_at")
    plain = [
        frame.select(
            at.dt.hour().cast(pl.Float64), at.dt.weekday().cast(pl.Float64).alias("day"), "target_h"
        ).to_numpy()
        for frame in (older, newer)
    ]
    matrices = [
        np.column_stack([*(column[part] for column in columns), plain[part]]) for part in (0, 1)
    ]
    settings = {
        "objective": "binary", "num_leaves": 15, "learning_rate": 0.1, "min_child_samples": 50,
        "deterministic": True, "force_row_wise": True, "num_threads": 2, "verbosity": -1, "seed": 0,
    }  # fmt: skip
    data = lightgbm.Dataset(
        matrices[0],
        label=older["breached"].cast(pl.Float64).to_numpy(),
        categorical_feature=list(range(len(columns))),
        params=settings,
    )
    booster = lightgbm.train(settings, data, num_boost_round=_ROUNDS)
    return np.asarray(booster.predict(matrices[1]), dtype=np.float64)


def _paired(
    y: NDArray[np.bool_], whole: Floats, without: Floats, day: NDArray[np.generic]
) -> tuple[float, float]:
    """Loss of AUC within opening days, and the lower end of its 95 % interval over days."""
    days = np.unique(day, return_inverse=True)[1]
    won, pairs = concordance(y, whole, days)
    lost, _ = concordance(y, without, days)
    weights = day_weights(len(pairs), n_resamples=500)
    total = np.maximum(weights @ pairs, 1.0)
    draws = (weights @ (won - lost)) / total
    return auc(y, whole) - auc(y, without), float(np.quantile(draws, 0.025))


def _score(older: pl.DataFrame, newer: pl.DataFrame, feature: Feature) -> Floats:
    if feature.kind == "category":
        return level_means(older, newer, feature.name, "breached")["foretold"].to_numpy()
    values = newer[feature.name].cast(pl.Float64).fill_nan(None)
    return values.fill_null(strategy="mean").fill_null(0.0).to_numpy()
