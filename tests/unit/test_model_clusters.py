from __future__ import annotations

import numpy as np
import pytest

from sla_sniper.model.clusters import N_RESAMPLES, ticket_intervals
from sla_sniper.model.metrics import auc, brier_skill
from sla_sniper.stats import percentile_interval

RNG = np.random.default_rng(3)
TICKET = np.repeat(np.arange(150), 4)
Y = np.repeat(RNG.random(150) < 0.5, 4)
P = np.clip(0.5 + 0.2 * np.where(Y, 1, -1) + 0.3 * RNG.standard_normal(600), 0.01, 0.99).round(2)


def table(ticket=TICKET, **scores):
    scores = {"edf": -P, "model": P, **scores}
    return ticket_intervals(Y, ticket, scores, probabilities={"model"}, reference="edf")


def drawn_rows():
    """Row numbers of each resample, every ticket as often as it was drawn."""
    draws = np.random.default_rng(0).multinomial(150, np.full(150, 1 / 150), size=N_RESAMPLES)
    return [np.repeat(np.arange(600), row[TICKET]) for row in draws]


@pytest.mark.parametrize(("metric", "measure"), [("auc", auc), ("brier_skill", brier_skill)])
def test_intervals_equal_those_of_repeated_rows(metric, measure):
    draws = np.array([measure(Y[rows], P[rows]) for rows in drawn_rows()])
    slow = percentile_interval(0.0, draws, n_units=np.unique(TICKET).size)

    found = table().filter(score="model", metric=metric).select("ticket_low", "ticket_high").row(0)

    assert found == pytest.approx((slow.low, slow.high))


def test_a_score_never_differs_from_itself():
    found = table(same=-P).filter(score="same", metric="auc")

    assert found.select("ticket_difference_low", "ticket_difference_high").row(0) == (0.0, 0.0)


def test_tickets_seen_often_make_intervals_wider():
    def width(found):
        low, high = found.filter(score="same", metric="auc").select("^ticket_(low|high)$").row(0)
        return high - low

    same = np.repeat(P[::4], 4)  # a ticket's forecasts hardly change from day to day
    apart = table(ticket=np.arange(600), same=same)

    assert width(table(same=same)) > 1.5 * width(apart)


def test_a_mere_ranking_has_no_brier_score():
    assert table().filter(score="edf")["metric"].to_list() == ["auc"]
