"""The diagnosis' formulas, read side by side with independent calculations."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from sla_sniper.diagnosis.case_mix import compare
from sla_sniper.diagnosis.cells import FEW, Stakes, cells, shrunken_rates
from sla_sniper.diagnosis.coding import MAX_LEVELS, NO_LEVEL, REST, combine, encode
from sla_sniper.diagnosis.conditions import conditions
from sla_sniper.diagnosis.curves import CENSORED, MET, MISSED, bins, cumulative_incidence, hazard
from sla_sniper.diagnosis.invented import even_over_the_day, invented
from sla_sniper.diagnosis.ranks import rank_difference
from sla_sniper.diagnosis.regression import regress, without
from sla_sniper.diagnosis.strata import chi_square, explained, independence, within
from sla_sniper.stats import Interval, wilson_interval
from sla_sniper.stats.multiplicity import benjamini_hochberg

N = 1_500


@pytest.fixture(scope="module")
def desk():
    """Group, channel and priority; missing goes with group and priority, not with channel."""
    rng = np.random.default_rng(5)
    frame = pl.DataFrame(
        {
            "group": rng.choice(list("abcde"), N),
            "channel": rng.choice(["web", "mail", None], N).tolist(),
            "priority": rng.choice(["high", "low"], N),
        }
    )
    chance = 0.25 + 0.2 * (frame["group"] == "a") + 0.25 * (frame["priority"] == "high")
    missed = (rng.random(N) < chance.to_numpy()).astype(float)
    return frame, {name: encode(frame, name) for name in frame.columns}, missed


def crossed(coded, missed):
    """Levels by met and missed, counted one by one."""
    return np.array(
        [[((coded.code == k) & (missed == m)).sum() for m in (0, 1)] for k in range(len(coded))]
    )


def test_share_of_a_spread_that_is_explained_equals_statsmodels(desk):
    frame, coded, missed = desk
    values = missed + np.where((frame["group"] == "b").to_numpy(), 3.0, 0.0)
    expected = sm.OLS(values, design([coded["group"]])).fit()

    found = explained(coded["group"], values)

    assert found == pytest.approx(expected.rsquared_adj, abs=1e-12)


def test_nothing_is_explained_by_rounding_or_by_a_ticket_a_level():
    rng = np.random.default_rng(15)
    hour = encode(pl.DataFrame({"hour": rng.integers(0, 24, 500)}), "hour")
    one_each = encode(pl.DataFrame({"x": range(25)}), "x")

    for target in (1, 4, 8, 40):
        assert explained(hour, np.log(np.full(500, target * 3.6e9))) == 0
    assert explained(one_each, rng.normal(size=25)) == 0


def test_chi_square_equals_scipys(desk):
    _, coded, missed = desk
    for each in coded.values():
        expected = scipy_stats.chi2_contingency(crossed(each, missed), correction=False)

        found = independence(each, missed)

        assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
        assert (found.df, found.p) == (expected.dof, pytest.approx(expected.pvalue, abs=1e-9))


def test_stratified_test_of_two_levels_equals_statsmodels(desk):
    frame, coded, missed = desk
    two = encode(frame.with_columns(group=pl.col("group") == "a"), "group")
    strata = coded["channel"]
    tables = np.stack(
        [crossed(two, np.where(strata.code == k, missed, -1)) for k in range(len(strata))], axis=2
    )
    expected = sm.stats.StratifiedTable(tables.astype(float)).test_null_odds(correction=False)

    found = within(two, missed, strata.code, len(strata))

    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)


def slow_within(coded, missed, stratum):
    """The generalised test as its authors write it, stratum by stratum and cell by cell."""
    k = len(coded) - 1
    total, covariance = np.zeros(k), np.zeros((k, k))
    for s in np.unique(stratum):
        rows = stratum == s
        n, m = rows.sum(), missed[rows].sum()
        if n < 2:
            continue
        sizes = np.array([(rows & (coded.code == level)).sum() for level in range(k)])
        hits = np.array([missed[rows & (coded.code == level)].sum() for level in range(k)])
        total += hits - sizes * m / n
        for a in range(k):
            for b in range(k):
                spread = sizes[a] * (n * (a == b) - sizes[b])
                covariance[a, b] += spread * m * (n - m) / (n * n * (n - 1))
    return total @ np.linalg.inv(covariance) @ total


def test_stratified_test_of_many_levels_equals_a_slow_twin(desk):
    _, coded, missed = desk
    stratum, n_strata = combine([coded["priority"], coded["channel"]], n_rows=N)

    found = within(coded["group"], missed, stratum, n_strata)

    assert found.statistic == pytest.approx(slow_within(coded["group"], missed, stratum), abs=1e-9)
    assert (found.df, found.n) == (4, N)


@given(st.lists(st.tuples(*[st.integers(0, 400)] * 4), min_size=1, max_size=6))
@settings(deadline=None)
def test_two_levels_leave_one_degree_of_freedom(strata):
    """Rounding may not add a second one, however uneven the strata are."""
    cells_of = [(s, level, m) for s in range(len(strata)) for level in "ab" for m in (0.0, 1.0)]
    sizes = np.array(strata).ravel()
    rows = [cell for cell, n in zip(cells_of, sizes, strict=True) for _ in range(n)]
    frame = pl.DataFrame({"x": [level for _, level, _ in rows]}, schema={"x": pl.String})
    missed, stratum = (np.array([row[k] for row in rows], dtype=float) for k in (2, 0))

    found = within(encode(frame, "x"), missed, stratum.astype(np.int64), len(strata))

    assert found.df in {0, 1}


def design(coded):
    return np.column_stack(
        [np.ones(N)] + [(c.code == k).astype(float) for c in coded for k in range(1, len(c))]
    )


def test_regression_equals_statsmodels(desk):
    _, coded, missed = desk
    fitted = list(coded.values())
    expected = sm.Logit(missed, design(fitted)).fit(disp=0, method="newton", tol=1e-14, maxiter=99)

    found = regress(fitted, missed)

    ours = np.r_[found.intercept, *(effects[1:] for effects in found.effects)]
    np.testing.assert_allclose(ours, expected.params, atol=1e-9)
    assert found.deviance == pytest.approx(-2 * expected.llf, abs=1e-9)


def test_what_a_dimension_adds_equals_the_likelihood_ratio(desk):
    _, coded, missed = desk
    all_of, rest = list(coded.values()), [coded["channel"], coded["priority"]]
    llf = [sm.Logit(missed, design(each)).fit(disp=0, tol=1e-14).llf for each in (all_of, rest)]

    found = without(all_of, missed, regress(all_of, missed), 0)

    assert found.statistic == pytest.approx(2 * (llf[0] - llf[1]), abs=1e-8)
    assert found.df == 4


def test_a_dimension_told_twice_adds_nothing(desk):
    frame, coded, missed = desk
    again = encode(frame.with_columns(team="group"), "team")
    both = [coded["group"], again]

    found = without(both, missed, regress(both, missed), 1)

    assert (found.df, found.p) == (0, 1.0)


def test_a_level_that_is_always_missed_does_not_break_the_fit(desk):
    frame, coded, missed = desk
    always = np.where((frame["group"] == "b").to_numpy(), 1.0, missed)

    found = regress([coded["group"]], always)

    rates = coded["group"].counts(always) / coded["group"].counts()
    fitted = [1 / (1 + np.exp(-found.logit[coded["group"].code == k][0])) for k in range(5)]
    np.testing.assert_allclose(fitted, rates, atol=1e-6)


@given(st.integers(0, 10_000), st.integers(2, 9))
def test_what_a_dimension_adds_does_not_depend_on_where_the_fit_begins(seed, n_levels):
    draw = np.random.default_rng(seed)
    frame = pl.DataFrame({name: draw.integers(0, n_levels, 60) for name in "abc"})
    coded = [encode(frame, name) for name in frame.columns]
    # Few tickets a level: many a one is missed always or never, alone or with another.
    missed = (draw.random(60) < 0.3 + 0.6 * (frame["a"].to_numpy() == 0)).astype(float)
    full, rest = regress(coded, missed), regress(coded[1:], missed)

    found = without(coded, missed, full, 0)

    assert found.statistic == pytest.approx(rest.deviance - full.deviance, abs=1e-7)
    assert found.df == full.rank - rest.rank


def test_a_regression_on_nothing_is_the_rate_of_all():
    found = regress([], np.array([1.0, 0.0, 0.0, 0.0]))

    np.testing.assert_allclose(found.logit, np.log(1 / 3) * np.ones(4), atol=1e-9)
    assert (found.effects, found.rank) == ((), 1)


@pytest.mark.parametrize(
    "varies", [(), ("group",), ("priority",)], ids=["none", "one", "mechanical"]
)
def test_a_desk_where_at_most_one_dimension_varies_is_tested(varies):
    missed = np.arange(40) % 4 == 0
    frame = pl.DataFrame(
        {
            name: [f"{k % 3}" if name in varies else "same" for k in range(40)]
            for name in ("group", "channel", "priority")
        }
    )
    coded = [encode(frame, name) for name in frame.columns]

    found = conditions(coded, missed.astype(float), {"priority"})

    assert [each.dimension for each in found] == [name for name in varies if name != "priority"]
    assert all(each.given_all.df == 2 for each in found)


def test_adjusted_p_values_equal_scipys():
    p = np.random.default_rng(0).random(40) ** 3

    expected = scipy_stats.false_discovery_control(p)

    np.testing.assert_allclose(benjamini_hochberg(p), expected, atol=1e-12)
    with_gap = benjamini_hochberg(np.r_[p, np.nan])
    np.testing.assert_allclose(with_gap[:-1], expected, atol=1e-12)
    assert np.isnan(with_gap[-1])


def test_rank_differences_equal_scipys():
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=600), 1)
    missed = (rng.random(600) < 0.3 + 0.1 * (values > 0)).astype(float)
    expected = scipy_stats.mannwhitneyu(values[missed > 0], values[missed == 0])

    found = rank_difference("x", values, missed)

    share = expected.statistic / (missed.sum() * (600 - missed.sum()))
    assert found.r.estimate == pytest.approx(2 * share - 1, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)


def test_interval_of_a_rank_difference_covers_as_often_as_said():
    rng = np.random.default_rng(2)
    truth = 2 * scipy_stats.norm.cdf(0.5 / np.sqrt(2)) - 1
    draws = (np.r_[rng.normal(0.5, 1, 60), rng.normal(0, 1, 90)] for _ in range(600))
    label = np.r_[np.ones(60), np.zeros(90)]

    found = [rank_difference("x", draw, label).r for draw in draws]

    assert 0.925 <= np.mean([each.low <= truth <= each.high for each in found]) <= 0.975


@pytest.fixture(scope="module")
def ends():
    rng = np.random.default_rng(3)
    hours = np.ceil(rng.exponential(5, 400) * 4) / 4
    return hours, rng.choice([CENSORED, MET, MISSED], 400, p=[0.2, 0.5, 0.3])


@pytest.mark.parametrize("kind", [MET, MISSED])
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning:statsmodels")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning:statsmodels")
def test_cumulative_incidence_equals_statsmodels(ends, kind):
    hours, end = ends
    expected = CumIncidenceRight(hours, end)
    there = np.isin(expected.times, hours[end != CENSORED])

    found = cumulative_incidence(hours, end, kind)

    np.testing.assert_allclose(found.estimate, expected.cinc[kind - 1][there], atol=1e-9)
    # Their standard errors are ours where they are defined; the bounds are log(-log) of both.
    inside = (found.estimate > 0) & (found.estimate < 1)
    spread = np.abs(np.log(np.log(found.low) / np.log(found.estimate)))
    spread = spread / 1.959964 * np.abs(found.estimate * np.log(found.estimate))
    theirs = expected.cinc_se[kind - 1][there]
    known = inside & np.isfinite(theirs)
    assert known.sum() > 30
    np.testing.assert_allclose(spread[known], theirs[known], rtol=1e-5)


@pytest.mark.parametrize(("kind", "low", "high"), [(MISSED, 0.0, 0.0713), (MET, 0.9287, 1.0)])
def test_a_share_of_none_or_all_of_fifty_is_not_certain(kind, low, high):
    hours = np.linspace(1, 4, 50)

    found = cumulative_incidence(hours, np.full(50, MET), kind).by(4)

    assert found.estimate == pytest.approx(float(kind == MET), abs=1e-12)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_before_the_first_end_a_share_is_known_of_what_is_still_seen():
    hours, end = np.array([1.0] * 10 + [3.0] * 20), np.array([CENSORED] * 10 + [MET] * 20)

    found = cumulative_incidence(hours, end, MET)

    assert found.by(0) == Interval(0, 0, 0)
    assert found.by(2) == Interval(0, 0, wilson_interval(0, 20).high)


def test_one_kind_of_end_is_kaplan_and_meiers(ends):
    hours, end = ends
    expected = SurvfuncRight(hours, (end != CENSORED).astype(int))

    found = cumulative_incidence(hours, (end != CENSORED).astype(int), 1)

    np.testing.assert_allclose(1 - found.estimate, expected.surv_prob, atol=1e-9)
    assert found.by(0.0).estimate == 0


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=30))
@settings(deadline=None)
def test_all_kinds_of_end_and_what_is_left_make_one(drawn):
    hours, end = (np.array(column) for column in zip(*drawn, strict=True))
    ended = cumulative_incidence(hours.astype(float), (end > 0).astype(int), 1).by(12).estimate

    parts = [cumulative_incidence(hours.astype(float), end, kind).by(12) for kind in (MET, MISSED)]

    assert sum(part.estimate for part in parts) == pytest.approx(ended, abs=1e-12)
    assert all(0 <= part.low <= part.estimate <= part.high <= 1 for part in parts)


def test_hazard_counts_time_at_risk_bin_by_bin():
    hours, is_end = np.array([0.5, 1.5, 2.5, 4.0]), np.array([True, True, False, True])

    found = hazard(hours, is_end, np.arange(4.0))

    assert found.events.tolist() == [1, 1, 0]
    assert found.exposure.tolist() == [0.5 + 3, 0.5 + 2, 0.5 + 1]
    assert found.rate.tolist() == pytest.approx([1 / 3.5, 1 / 2.5, 0])


def test_an_hour_stands_out_only_beyond_chance():
    rng = np.random.default_rng(4)
    edges, steady = np.linspace(0, 10, 11), rng.exponential(8, 3_000)
    rushed = np.where(rng.random(3_000) < 0.3, rng.uniform(3, 4, 3_000), steady)

    calm, peaked = (hazard(each, np.ones(3_000, bool), edges) for each in (steady, rushed))

    assert (calm.peak, peaked.peak) == (-1, 3)
    assert peaked.ratio.low > 1.5


def test_steady_work_seldom_shows_an_hour():
    rng = np.random.default_rng(6)
    edges = np.linspace(0, 10, 25)
    found = [hazard(rng.exponential(8, 800), np.ones(800, bool), edges) for _ in range(200)]

    assert np.mean([each.peak >= 0 for each in found]) <= 0.05


@pytest.mark.parametrize("step", [1, 0.25, 1 / 3])
def test_steady_work_stamped_by_the_hour_shows_no_hour(step):
    """A chance of a fifth for each step: bins finer than the step, or uneven ones, show a peak."""
    hours = np.random.default_rng(7).geometric(step / 5, 5_000) * step
    ends = np.rint(hours * 3_600_000_000).astype(np.int64)

    found = hazard(ends / 3_600_000_000, np.ones(5_000, bool), bins(ends, 8.0))

    assert found.peak == -1
    assert found.events.min() > 30
    assert hazard(hours, np.ones(5_000, bool), np.linspace(0, 8, 25)).peak >= (
        0 if step == 1 else -1
    )


def test_stamps_coarser_than_the_target_tell_no_hour():
    ends = np.repeat([24, 48, 72], 40) * 3_600_000_000
    edges = bins(ends, 16.0)

    found = hazard(ends / 3_600_000_000, np.ones(120, bool), edges)

    assert edges.tolist() == [0, 24]
    assert found.peak == -1


def test_an_end_on_an_edge_belongs_to_the_bin_that_it_closes():
    found = hazard(np.array([0.0, 1.0, 2.0]), np.ones(3, bool), np.arange(3.0))

    assert found.events.tolist() == [2, 1]


def test_cells_count_every_clock_once_in_each_table(desk):
    _, coded, missed = desk
    table = cells(list(coded.values()), Stakes(missed, np.full(N, 10.0), np.full(N, 0.4)))

    sums = table.group_by("dimension", "dimension_2").agg(pl.col("n", "n_missed", "cost").sum())
    assert sums.height == 3 + 3
    assert set(sums["n"]) == {N}
    assert set(sums["n_missed"]) == {int(missed.sum())}
    assert set(sums["cost"]) == {10 * missed.sum()}
    assert table["cost"].is_sorted(descending=True)


def test_the_money_of_a_cell_has_an_interval_within_what_its_tickets_can_cost(desk):
    _, coded, missed = desk
    price = np.where(coded["priority"].code == 0, 500.0, 10.0)

    table = cells(list(coded.values()), Stakes(missed, price, np.full(N, 0.4)))

    names = ("cost", "cost_low", "cost_high", "excess", "excess_low", "excess_high", "n")
    cost, low, high, excess, low2, high2, n = (table[name].to_numpy() for name in names)
    assert (low <= cost).all()
    assert (cost <= high).all()
    assert (high <= 500 * n + 1e-9).all()
    np.testing.assert_allclose(excess - low2, cost - low)
    np.testing.assert_allclose(high2 - excess, high - cost)
    alike = table.filter(pl.col("dimension") == "priority", pl.col("dimension_2").is_null())
    for row in alike.iter_rows(named=True):
        assert row["cost_high"] == pytest.approx(row["high"] * row["cost"] / row["rate"])
        assert row["cost_low"] == pytest.approx(row["low"] * row["cost"] / row["rate"])


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "expected"), [(0.5, 0.05), (0.9, 0.4), (0.2, 0.4), (0.05, 0.3)])
@pytest.mark.parametrize("dear", [10.0, 500.0], ids=["one price", "two prices"])
def test_interval_of_an_excess_covers_as_often_as_said(rate, expected, dear):
    rng = np.random.default_rng(13)
    price = np.tile([10.0, 10.0, 10.0, dear], 25)
    cell = encode(pl.DataFrame({"x": ["a"] * 100}), "x")
    truth = (rate - expected) * price.sum()

    found = [
        cells([cell], Stakes(drawn, price, np.full(100, expected))).row(0, named=True)
        for drawn in (rng.random((500, 100)) < rate).astype(float)
    ]

    inside = [each["excess_low"] <= truth <= each["excess_high"] for each in found]
    assert np.mean(inside) >= 0.92


def test_p_of_an_excess_is_seldom_small_by_chance():
    rng = np.random.default_rng(14)
    chances, prices = rng.beta(1, 20, 40_000), rng.choice([10.0, 500.0], 40_000, p=[0.95, 0.05])
    cell = encode(pl.DataFrame({"x": rng.integers(0, 1_000, 40_000)}), "x", most=2_000)
    drawn = (rng.random(40_000) < chances).astype(float)

    p = cells([cell], Stakes(drawn, prices, chances))["p"].to_numpy()

    for level in (0.05, 0.01, 0.001):
        assert np.mean(p < level) <= level


def test_small_cells_are_drawn_towards_the_rate_of_all_and_marked(desk):
    n = np.array([2.0, 1_000, 1_000])
    rate, low, high = shrunken_rates(np.array([2.0, 200, 300]), n)

    assert 0.2 < rate[0] < 0.5
    assert rate[1:] == pytest.approx([0.2, 0.3], abs=0.01)
    assert (low < rate).all()
    assert (rate < high).all()
    frame = pl.DataFrame({"x": ["a"] * (FEW - 1) + ["b"] * FEW})
    missed = np.zeros(frame.height)
    table = cells([encode(frame, "x")], Stakes(missed, missed, missed))
    assert dict(table.select("level", "is_few").iter_rows()) == {"a": True, "b": False}


@pytest.mark.slow
@pytest.mark.parametrize("base", [-0.6, -3.0], ids=["often", "rare"])
@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n", [20, 200])
@pytest.mark.parametrize("k", [1, 2, 4, 10, 30])
def test_intervals_of_shrunken_rates_hold_also_where_cells_are_few_or_alike(k, n, spread, base):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        rate = chance(base + spread * rng.normal(size=k))
        _, low, high = shrunken_rates(rng.binomial(n, rate).astype(float), np.full(k, float(n)))
        held.append(np.mean((low <= rate) & (rate <= high)))

    assert np.mean(held) >= 0.86
    if k * n * chance(base) > 100:
        assert np.mean(held) >= 0.90


def test_cells_that_differ_by_chance_alone_get_nearly_one_rate():
    rng = np.random.default_rng(8)
    n = np.full(40, 50.0)

    rate, _, _ = shrunken_rates(rng.binomial(50, 0.3, 40).astype(float), n)

    assert rate.max() - rate.min() < 0.1


def test_a_hundred_thousand_levels_are_counted_not_shown():
    frame = pl.DataFrame({"x": [str(k % 100_000) for k in range(120_000)]})

    found = encode(frame, "x")

    assert len(found) == MAX_LEVELS
    assert found.levels[-1] == REST
    assert found.counts().sum() == frame.height


def test_missing_values_are_a_level(desk):
    assert NO_LEVEL in desk[1]["channel"].levels


def test_channel_that_only_follows_priority_does_not_matter_once_it_is_known():
    rng = np.random.default_rng(9)
    is_high = rng.random(6_000) < 0.5
    frame = pl.DataFrame(
        {
            "priority": np.where(is_high, "high", "low"),
            "channel": np.where(rng.random(6_000) < np.where(is_high, 0.8, 0.2), "phone", "web"),
            "team": np.where(rng.random(6_000) < 0.5, "a", "b"),
        }
    )
    bad_team = (frame["team"] == "a").to_numpy()
    missed = (rng.random(6_000) < np.where(is_high, 0.6, 0.2) + 0.15 * bad_team).astype(float)
    coded = [encode(frame, name) for name in frame.columns]

    found = {each.dimension: each for each in conditions(coded, missed, {"priority"})}

    assert independence(coded[1], missed).v > 0.2
    assert set(found) == {"channel", "team"}
    assert not found["channel"].matters
    assert "Channel does not matter once priority is known" in found["channel"].sentence
    assert found["team"].matters
    assert found["team"].matters_beside_all


def test_what_cannot_be_compared_is_not_said_to_be_of_no_matter():
    rng = np.random.default_rng(16)
    frame = pl.DataFrame(
        {"group": ["duty"] * 200 + ["desk"] * 200, "priority": ["critical"] * 200 + ["low"] * 200}
    )
    missed = (rng.random(400) < np.repeat([0.8, 0.2], 200)).astype(float)

    (found,) = conditions([encode(frame, name) for name in frame.columns], missed, {"priority"})

    assert (found.verdict, found.given_mechanical.v_high) == ("unknown", 1)
    assert found.sentence.startswith("Group cannot be told apart from priority:")
    assert not found.matters


def few_tickets(seed, rates=(0.75, 0.35), n=24):
    """The verdict on a group whose two values miss at these rates."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {"priority": rng.choice(["a", "b"], n), "group": rng.choice(["x", "y"], n)}
    )
    chance = np.where((frame["group"] == "x").to_numpy(), *rates)
    missed = (rng.random(n) < chance).astype(float)
    coded = [encode(frame, name) for name in frame.columns]
    return [each.verdict for each in conditions(coded, missed, {"priority"})]


def test_few_tickets_never_show_that_something_does_not_matter():
    verdicts = {each for seed in range(200) for each in few_tickets(seed)}

    assert verdicts == {"matters", "unknown"}


def test_many_tickets_seldom_hide_what_matters():
    strong = [few_tickets(seed, rates=(0.40, 0.30), n=2_000) for seed in range(60)]
    nothing = [few_tickets(seed, rates=(0.35, 0.35), n=8_000) for seed in range(60)]

    assert np.mean([each == ["negligible"] for each in strong]) <= 0.025
    assert np.mean([each == ["matters"] for each in nothing]) <= 0.05
    assert np.mean([each == ["negligible"] for each in nothing]) > 0.9


def test_without_anything_that_sets_the_target_the_sentence_is_whole():
    rng = np.random.default_rng(17)
    frame = pl.DataFrame({name: rng.choice(["x", "y"], 9_000) for name in ("group", "channel")})
    missed = (rng.random(9_000) < 0.3 + 0.2 * (frame["group"] == "x").to_numpy()).astype(float)

    told = [each.sentence for each in
            conditions([encode(frame, name) for name in frame.columns], missed, ())]  # fmt: skip

    assert told[0].startswith("Group matters, also once the rest is known (V within all tickets 0.")
    assert told[1].startswith("Channel does not matter (V within all tickets 0.0")


@pytest.mark.parametrize(
    ("n", "shift", "words"),
    [
        (6_000, 0.045, "Channel goes with missing, but whether enough to be of use the data"),
        (200, 0.0, "Whether channel matters the data cannot tell"),
    ],
)
def test_an_effect_that_may_be_too_small_is_told_as_such(n, shift, words):
    is_web = np.arange(n) % 2 == 0
    rank = np.argsort(np.argsort(np.random.default_rng(18).random(n // 2))) / (n // 2)
    missed = (np.repeat(rank, 2) < 0.3 + shift * is_web).astype(float)
    frame = pl.DataFrame({"channel": np.where(is_web, "web", "mail")})

    (found,) = conditions([encode(frame, "channel")], missed, ())

    assert found.sentence.startswith(words)


def test_upper_bound_of_an_effect_is_where_so_little_is_seldom_found():
    for statistic, df, n in ((12.0, 3, 400), (4.0, 1, 50), (0.2, 5, 1_000)):
        high = chi_square(statistic, df, n).v_high

        found = scipy_stats.ncx2.cdf(max(statistic, df), df, n * high**2)
        assert found == pytest.approx(0.025, abs=1e-6)


def test_a_team_with_hard_tickets_is_not_worse_for_them():
    rng = np.random.default_rng(10)
    is_hard = np.r_[rng.random(2_000) < 0.9, rng.random(2_000) < 0.1]
    frame = pl.DataFrame(
        {"team": ["hard"] * 2_000 + ["easy"] * 2_000, "kind": np.where(is_hard, "x", "y")}
    )
    missed = (rng.random(4_000) < np.where(is_hard, 0.6, 0.2)).astype(float)
    team, mix = encode(frame, "team"), [encode(frame, "kind")]

    by_team = {each.level: each for each in compare(team, mix, missed, np.full(4_000, 5.0))}

    raw = team.counts(missed) / team.counts()
    assert abs(raw[0] - raw[1]) > 0.25
    assert all(each.p > 0.05 for each in by_team.values())
    for each in by_team.values():
        assert each.adjusted.low < missed.mean() < each.adjusted.high


def test_without_a_mix_the_adjusted_rate_is_the_teams_own(desk):
    _, coded, missed = desk

    for each in compare(coded["group"], [], missed, np.ones(N)):
        assert each.adjusted.estimate == pytest.approx(each.n_missed / each.n, abs=1e-6)


def test_nobody_is_compared_by_fewer_than_thirty():
    frame = pl.DataFrame({"who": ["few"] * 29 + ["enough"] * 30 + [None] * 100})
    missed = (np.arange(frame.height) % 3 == 0).astype(float)

    found = compare(encode(frame, "who"), [], missed, np.ones(frame.height))

    assert [each.level for each in found] == ["enough"]


def test_adjusted_rates_equal_those_of_statsmodels(desk):
    _, coded, missed = desk
    fitted = [coded["group"], coded["channel"], coded["priority"]]
    model = sm.Logit(missed, design(fitted)).fit(disp=0, method="newton", tol=1e-14, maxiter=99)

    found = {each.level: each for each in compare(*_who_and_mix(fitted), missed, np.ones(N))}

    for k, level in enumerate(coded["group"].levels):
        as_if = design(fitted)
        as_if[:, 1:5] = np.eye(5)[k, 1:]
        p = model.predict(as_if)
        slope = (p * (1 - p)) @ as_if / N
        spread = np.sqrt(slope @ model.cov_params() @ slope)
        rate = found[level].adjusted
        assert rate.estimate == pytest.approx(p.mean(), abs=1e-8)
        # Score bounds are not symmetric, but as wide to the first order.
        assert rate.high - rate.low == pytest.approx(2 * 1.959964 * spread, rel=0.03)


def _who_and_mix(fitted):
    return fitted[0], fitted[1:]


def two_teams(seed, *, share, hard, effect, n=2_000, base=-1.0):
    """Team "A" has `share` of the tickets and the `hard` ones of two kinds; `effect` log odds."""
    rng = np.random.default_rng(seed)
    is_a = rng.random(n) < share
    is_hard = rng.random(n) < np.where(is_a, hard, 1 - hard)
    easy = base + is_hard
    missed = (rng.random(n) < chance(easy + effect * is_a)).astype(float)
    frame = pl.DataFrame(
        {"team": np.where(is_a, "A", "B"), "kind": np.where(is_hard, "hard", "easy")}
    )
    own, others = chance(easy + effect)[is_a].sum(), chance(easy)[is_a].sum()
    excess = own - is_a.mean() * own - (1 - is_a.mean()) * others
    mix = [encode(frame, "kind")]
    by_team = {each.level: each for each in compare(encode(frame, "team"), mix, missed, missed + 1)}
    return by_team["A"], chance(easy + effect).mean(), excess * (1 + missed[is_a].mean())


def chance(logit):
    return 1 / (1 + np.exp(-logit))


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.0, 1.0])
@pytest.mark.parametrize("base", [-4.0, -1.0], ids=["rare", "often"])
@pytest.mark.parametrize("hard", [0.5, 0.9])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_intervals_of_a_team_with_hard_tickets_cover_as_said(share, hard, base, effect):
    drawn = [two_teams(s, share=share, hard=hard, effect=effect, base=base) for s in range(200)]

    rates = [each.adjusted.low <= rate <= each.adjusted.high for each, rate, _ in drawn]
    excess = [each.excess_cost.low <= money <= each.excess_cost.high for each, _, money in drawn]
    assert np.mean(rates) >= 0.915  # of 200 with 95 %: 0.915 or more with probability 0.98
    assert np.mean(excess) >= 0.915
    if not effect:
        assert np.mean([each.p < 0.05 for each, _, _ in drawn]) <= 0.085


def test_a_team_that_shares_no_tickets_with_the_desk_is_not_compared():
    rng = np.random.default_rng(12)
    frame = pl.DataFrame(
        {
            "team": ["duty"] * 100 + ["one"] * 150 + ["two"] * 150,
            "priority": ["critical"] * 100 + ["low"] * 300,
        }
    )
    missed = (rng.random(400) < np.repeat([0.8, 0.2], [100, 300])).astype(float)

    found = compare(encode(frame, "team"), [encode(frame, "priority")], missed, np.ones(400))

    assert {each.level for each in found} == {"one", "two"}
    assert all(each.adjusted.high < 0.4 for each in found)


def test_a_team_that_missed_nothing_is_not_known_exactly():
    frame = pl.DataFrame({"team": ["a"] * 50 + ["b"] * 500, "kind": ["x", "y"] * 275})
    missed = np.r_[np.zeros(50), np.tile([1.0, 0.0, 0.0, 0.0], 125)]

    found = compare(encode(frame, "team"), [encode(frame, "kind")], missed, np.ones(550))

    spotless = next(each for each in found if each.level == "a")
    assert spotless.adjusted.estimate < 1e-6
    assert 0.04 < spotless.adjusted.high < 0.15


def test_interval_of_a_team_covers_as_often_as_said():
    rng = np.random.default_rng(11)
    frame = pl.DataFrame({"who": ["a"] * 60 + ["b"] * 600, "kind": ["x", "y"] * 330})
    who, mix = encode(frame, "who"), [encode(frame, "kind")]
    chance = np.tile([0.5, 0.2], 330)

    rates = [
        next(each.adjusted for each in compare(who, mix, drawn, drawn) if each.level == "a")
        for drawn in ((rng.random(660) < chance).astype(float) for _ in range(400))
    ]

    assert 0.93 <= np.mean([each.low <= chance.mean() <= each.high for each in rates]) <= 0.97


def test_times_without_day_and_night_look_invented():
    rng = np.random.default_rng(12)
    hours = rng.uniform(0, 24 * 90, 2_000)
    start = pl.Series([0]).cast(pl.Datetime("us", "UTC"))[0]
    frame = pl.DataFrame({"h": hours}).select(
        began=pl.lit(start) + pl.duration(minutes=pl.col("h") * 60),
        ended=pl.lit(start) + pl.duration(minutes=pl.col("h") * 60 + rng.uniform(-600, 600, 2_000)),
    )
    by_day = frame.filter(pl.col("began").dt.hour().is_between(8, 17))

    told = invented(frame["began"], frame["ended"])

    assert "end before they begin" in told[0]
    assert "as often at night as by day" in told[1]
    assert even_over_the_day(by_day["began"]).p < 1e-9
    assert len(invented(by_day["began"], by_day["ended"])) == 1
    assert invented(frame["began"].head(100), frame["ended"].head(100)) == ()
