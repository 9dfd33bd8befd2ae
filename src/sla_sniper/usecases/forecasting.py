"""Fit on what was known at a cut, predict after it: shared by train, backtest and queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.escalation.candidates import CREDIT
from sla_sniper.model.forecast import train_model
from sla_sniper.model.split import require_history, training_rows
from sla_sniper.snapshots.features import FEATURES, Feature, kept_features
from sla_sniper.snapshots.labels import with_labels

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from sla_sniper.config.workspace import Exclusion
    from sla_sniper.model.forecast import BreachModel, EdfValue
    from sla_sniper.usecases.desk import Desk

POOL_COLUMNS = (
    "landmark",
    "day",
    "landmark_number",
    "landmarks_of_day",
    *TICKET_KEY,
    "metric",
    "policy",
    "cycle",
    "due_at",
    "slack_us",
    "wall_slack_us",
    "age_us",
    "target_us",
    "priority",
    "group",
    "category",
    "product",
    "channel",
    "cost",
    CREDIT,
    "breached",
    "label_known_at",
    "is_censored",
)
"""What replay reads of a snapshot, beside the forecasts."""


SMALL_DESK = 1000
"""Tickets with a known outcome below which trees give way to logistic regression."""
FOR_LARGE_DESKS = ("lightgbm", "random_forest")


@dataclass(frozen=True, slots=True)
class Forecasters:
    """The model and its plain rival, both fitted at one cut."""

    model: BreachModel
    logistic: BreachModel

    def pool(self, snapshots: pl.DataFrame) -> pl.DataFrame:
        """Snapshots with their forecasts, as replay and the predictions file have them."""
        return snapshots.select(
            *POOL_COLUMNS,
            pl.Series("p_breach", self.model.predict(snapshots)),
            pl.Series("p_logistic", self.logistic.predict(snapshots)),
            pl.Series("p_edf", rule_chance(self.model.edf_value, snapshots)),
        )


def features_of(desk: Desk) -> tuple[Feature, ...]:
    """Features of this desk: the product's own and the kept attributes."""
    return (*FEATURES, *kept_features(desk.keep))


def require_openings(desk: Desk, *, until: datetime) -> None:
    """Refuse a log too short for a split in time.

    Raises
    ------
    NotEnoughHistoryError
        In words, with the days there are and the days it takes.
    """
    opened = (
        desk.known_by(until)
        .group_by(*TICKET_KEY)
        .agg(pl.col("created_at").min().fill_null(pl.col("occurred_at").min()))
    )
    require_history(opened["created_at"])


def learnable(desk: Desk, snapshots: pl.DataFrame, *, cut: datetime) -> pl.DataFrame:
    """Snapshots from before `cut`, labelled by what was recorded by then, also the censored.

    Excluded periods are left out. Which rows have a label that counts, `decided` says.
    """
    labelled = with_labels(snapshots.filter(pl.col("landmark") < cut), desk.cycles(as_of=cut))
    return labelled.filter(~excluded(desk.workspace.exclusions, use="training"))


def decided(learnt: pl.DataFrame, *, cut: datetime) -> pl.DataFrame:
    """Rows with a label that a model fitted at `cut` may learn; see `training_rows`."""
    return learnt.filter(pl.Series(training_rows(learnt, cut=cut)))


def excluded(exclusions: tuple[Exclusion, ...], *, use: str) -> pl.Expr:
    """Whether a landmark lies in an excluded period."""
    spans = [
        pl.col("landmark").is_between(each.start, each.end, closed="left")
        for each in exclusions
        if use in each.use
    ]
    return pl.any_horizontal(*spans) if spans else pl.lit(value=False)


def fit_model(desk: Desk, learnt: pl.DataFrame, *, cut: datetime, name: str) -> BreachModel:
    """Fit the model called `name` on learnable snapshots.

    A desk with fewer than `SMALL_DESK` decided tickets gets logistic regression instead of
    trees, which would learn its tickets by heart.

    Raises
    ------
    NotEnoughHistoryError
        If there are too few tickets, or too few of one outcome.
    """
    n_tickets = decided(learnt, cut=cut).select(TICKET_KEY).n_unique()
    is_small = name in FOR_LARGE_DESKS and n_tickets < SMALL_DESK
    chosen, why = (
        ("logistic", f", {n_tickets} tickets being too few for {name}") if is_small else (name, "")
    )
    desk.progress(f"training {chosen}{why}")
    return train_model(learnt, name=chosen, features=features_of(desk), as_of=cut)


def fit(desk: Desk, learnt: pl.DataFrame, *, cut: datetime, name: str) -> Forecasters:
    """Fit the model called `name`, and logistic regression as its plain rival."""
    model = fit_model(desk, learnt, cut=cut, name=name)
    is_plain = model.name == "logistic"
    return Forecasters(
        model, model if is_plain else fit_model(desk, learnt, cut=cut, name="logistic")
    )


def rule_chance(rule: EdfValue, snapshots: pl.DataFrame) -> NDArray[np.float64]:
    """P(breach) by working slack alone, of shape (n_snapshots,)."""
    return rule.predict(snapshots["slack_us"].cast(pl.Float64).to_numpy())


def scores(pool: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Score every row by each rule and model: higher means "sooner breached".

    `priority` orders by breach cost, then the shorter target; `priority_edf` by breach cost,
    then the least slack.
    """
    cost, slack = pl.col("cost").rank("dense"), -pl.col("slack_us")
    tie = pl.col("slack_us").max() + 1
    expressions = {
        "random": pl.int_range(pl.len()).shuffle(seed=0),
        "oldest": pl.col("age_us"),
        "priority": cost * 2 - pl.col("target_us").rank("dense") / (pl.len() + 1),
        "edf": slack,
        "priority_edf": cost * tie + slack,
        "edf_value": pl.col("p_edf"),
        "logistic": pl.col("p_logistic"),
        "sniper": pl.col("p_breach"),
    }
    frame = pool.select(**{name: each.cast(pl.Float64) for name, each in expressions.items()})
    return {name: frame[name].to_numpy() for name in frame.columns}
