import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.core.words import percent
from sla_sniper.escalation import Advantage, CostTable, Effectiveness, Verdict, replay, summarise
from sla_sniper.panels import theme
from sla_sniper.panels.charts import capture_panel, net_panel, spread
from sla_sniper.panels.figures import Compared, figures
from sla_sniper.panels.kill_list import MOST_ROWS, kill_list_panel
from sla_sniper.panels.verdict import verdict_banner
from sla_sniper.panels.words import amounts, period, working_time
from sla_sniper.stats import Interval

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
EFFECT = Effectiveness(0.5, 0.3, 0.7)
NAN = float("nan")


def pool():
    """Ten days of four new tickets; the model knows which breach, the rule does not."""
    rows = [
        {
            "landmark": START + timedelta(days=day),
            "ticket_id": f"T{day}{number}",
            "breached": number % 2 == 0,
            "p_breach": 0.8 if number % 2 == 0 else 0.1,
            "slack_us": (4 - number) * HOUR,
        }
        for day in range(10)
        for number in range(4)
    ]
    return pl.DataFrame(rows).with_columns(
        pl.col("landmark").dt.cast_time_unit("us"),
        day=pl.col("landmark").dt.date(),
        source=pl.lit("desk"),
        metric=pl.lit("resolution_time"),
        age_us=pl.lit(HOUR),
        target_us=pl.lit(8 * HOUR),
        cost=pl.lit(100.0),
        p_logistic=pl.lit(0.5),
        p_edf=pl.lit(0.5),
    )


def summary(*, intervention=2.0, effectiveness=EFFECT, capacity=2):
    costs = CostTable(
        "USD", breach={"high": 100}, intervention=intervention, effectiveness=effectiveness
    )
    return summarise(replay(pool(), costs, capacities=[capacity], n_seeds=1), n_resamples=200)


def compared(found):
    return Compared(
        chosen=found.result("sniper", 2),
        rival=found.result("priority_edf", 2),
        prevented=Interval(10.0, 10.0, 10.0),
        assumptions=found.assumptions,
    )


SUMMARY = summary()
CURVE = pl.DataFrame(
    {
        "policy": ["sniper", "sniper", "edf", "edf", "oracle", "oracle"],
        "capacity": [0, 200] * 3,
        "captured_share": [0.0, 0.9, 0.0, 0.88, 0.0, 1.0],
    }
)


def queue(n_rows=3, **columns):
    frame = pl.DataFrame(
        {
            "as_of": [START] * n_rows,
            "source": ["desk"] * n_rows,
            "ticket_id": [f"INC{number}" for number in range(n_rows)],
            "metric": ["resolution_time"] * n_rows,
            "slack_s": [22_800] * n_rows,
            "wall_slack_s": [130_000] * n_rows,
            "p_breach": [0.42] * n_rows,
            "expected_saving": [19.6] * n_rows,
            "rank": list(range(1, n_rows + 1)),
            "recommended": [number < 2 for number in range(n_rows)],
            "policy": ["sniper"] * n_rows,
            "reason_1": ["no answer for 9 h"] * n_rows,
        }
    )
    absent = [name for name in PREDICTIONS if name not in frame.columns]
    return frame.with_columns(
        *(pl.lit(None, PREDICTIONS[name]).alias(name) for name in absent), **columns
    ).cast(dict(PREDICTIONS))


def verdict(*, claimed, low=500.0, n_days=21):
    policy = "sniper" if claimed else "edf"
    advantage = Advantage(50, "edf", 1234.0, low, 2000.0, claimed=claimed)
    return Verdict(advantage, policy, "sniper saves $1,234", "training days", n_days)


def test_negative_durations_read_as_nothing_left():
    assert working_time(-60) == "0 min"


def test_period_names_each_year_once():
    first, last = datetime(2015, 12, 30).date(), datetime(2016, 1, 8).date()

    assert period(first, last) == "30 Dec 2015 to 8 Jan 2016"


def test_undefined_bounds_of_money_read_as_dash():
    assert amounts(Interval(1.0, NAN, NAN), "USD") == "-"


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0, 0.2))
def test_spread_labels_never_overlap(values, gap):
    moved = sorted(spread(values, gap, most=3))

    assert all(high - low >= gap - 1e-9 for low, high in itertools.pairwise(moved))


def test_spread_stays_below_the_top():
    assert spread([0.98, 1.0, 1.0], 0.1, most=1.0) == pytest.approx((0.8, 0.9, 1.0))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8, unique=True))
def test_spread_keeps_order_and_mean(values):
    moved = spread(values, 0.1, most=3)

    assert sorted(range(len(values)), key=values.__getitem__) == sorted(
        range(len(values)), key=moved.__getitem__
    )
    assert sum(moved) == pytest.approx(sum(values))


@pytest.mark.parametrize("figure", figures(compared(SUMMARY)), ids=lambda figure: figure.key)
def test_each_figure_has_interval_and_rival(figure):
    assert figure.interval.startswith("95 % interval")
    assert figure.rival.startswith("Simplest rival, priority_edf: ")


def test_net_saving_names_assumption_and_range():
    saving = figures(compared(SUMMARY))[0]

    assert saving.value == "$960"
    assert saving.assumption == (
        "Assumes 50 % effectiveness, $2 an escalation; $560 to $1,360 at 30 % to 70 %"
    )


def test_figures_of_money_name_when_the_effect_ends():
    late = Effectiveness(0.5, 0.3, 0.7, 24 * HOUR, HOUR)

    saving, _, returned, even = figures(compared(summary(effectiveness=late)))

    for figure in (saving, returned, even):
        assert "50 % effectiveness (less under 24 h, none under 1 h)" in figure.assumption


def test_prevented_breaches_scale_with_effectiveness():
    prevented = figures(compared(SUMMARY))[1]

    assert prevented.assumption == (
        "20 caught in 20 escalations; 6 to 14 prevented at 30 % to 70 %"
    )


def test_cents_of_an_escalation_are_written():
    saving = figures(compared(summary(intervention=2.5)))[0]

    assert "$2.50 an escalation" in saving.assumption


def test_free_escalations_have_no_return():
    returned = figures(compared(summary(intervention=0.0)))[2]

    assert returned.value == "no cost"


def test_no_effect_leaves_nothing_prevented():
    powerless = compared(summary(effectiveness=Effectiveness(0.0, 0.0, 0.7)))

    assert "0 prevented" in figures(powerless)[1].assumption


def test_claimed_verdict_repeats_the_gate():
    banner = verdict_banner(verdict(claimed=True), "USD", listed_by="sniper")

    assert banner.headline == "sniper saves $1,234"
    assert "so the list is ranked by sniper" in banner.detail


def test_unclaimed_verdict_names_the_rule():
    banner = verdict_banner(verdict(claimed=False, low=-700.0), "USD", listed_by="edf")

    assert banner.headline == (
        "No measurable advantage over edf at 50 a day: the list is ranked by edf"
    )
    assert "is -$700 to $2,000" in banner.detail


def test_withheld_claim_says_why():
    reason = "none is shown at 50 a day, which is asked first"
    held = dataclasses.replace(verdict(claimed=False, low=75.0), withheld=reason)

    assert verdict_banner(held, "USD").detail.startswith(
        "sniper minus edf is $1,234; its 95 % interval, paired over 21 days, is $75 to $2,000; "
        f"{reason}."
    )


def test_banner_says_that_the_rule_does_not_pay():
    told = "escalating by edf is not shown to pay: net saving -$9 [-12, -6]"
    held = dataclasses.replace(verdict(claimed=False, low=-700.0), caveat=told)

    assert verdict_banner(held, "USD").detail.endswith(f" E{told[1:]}.")


def test_verdict_never_misnames_another_list():
    banner = verdict_banner(verdict(claimed=False, low=-700.0), "USD", listed_by="sniper")

    assert banner.headline.endswith(": rank by edf")


def test_too_few_days_are_said():
    banner = verdict_banner(verdict(claimed=False, low=NAN, n_days=4), "USD")

    assert "4 days are too few to tell" in banner.detail


def capture():
    results = {found.policy: found for found in SUMMARY.policies}
    return capture_panel(CURVE, results, rule="edf", capacity=2)


def test_capture_panel_draws_sniper_on_top():
    panel = capture()

    assert [line.policy for line in panel.lines] == ["oracle", "edf", "sniper"]
    assert panel.caption == "At 2 a day: sniper 100 %, edf 50 %, oracle 100 %."


def test_capture_chart_marks_the_capacity():
    chart = capture().chart().to_dict()

    assert [{"capacity": 2, "text": "2 a day"}] in chart["datasets"].values()
    assert chart["config"]["font"] == theme.FONT


def test_nothing_to_catch_still_draws():
    empty = CURVE.with_columns(captured_share=pl.lit(None, pl.Float64))
    results = {found.policy: found for found in SUMMARY.policies}

    panel = capture_panel(empty, results, rule="edf", capacity=2)

    assert panel.chart().to_dict()["layer"]


def test_net_panel_orders_by_saving():
    panel = net_panel(SUMMARY.policies, rule="edf", currency="USD", n_days=10)

    savings = [row["net"] for row in panel.rows]
    assert savings == sorted(savings, reverse=True)
    assert "nuke" not in {row["policy"] for row in panel.rows}
    assert panel.caption.startswith("Escalating all 40 tickets (nuke)")


def test_net_chart_carries_the_currency():
    panel = net_panel(SUMMARY.policies, rule="edf", currency="EUR", n_days=10)

    assert "'€' + format" in str(panel.chart().to_dict())


def test_kill_list_shows_the_recommended_in_words():
    panel = kill_list_panel(queue(), currency="USD", timezone="Europe/Amsterdam", show_all=False)

    assert panel.headline == "Escalate 2 of 3 open tickets before their deadline"
    assert panel.rows.row(0, named=True) == {
        "Rank": 1,
        "Ticket": "INC0",
        "Priority": "none",
        "Group": "none",
        "Due in": "6 h 20 min",
        "Wall clock": "1 d 12 h",
        "p_breach": 42.0,
        "Saving": 20,
        "Act by": "",
        "Reason 1": "no answer for 9\u00a0h",
        "Reason 2": "",
        "Reason 3": "",
        "Would help": "",
    }


def test_kill_list_tells_in_desk_time_until_when_to_act_and_what_would_help():
    told = queue().with_columns(
        act_by=datetime(2016, 3, 28, 8, tzinfo=UTC),
        advice=pl.lit("answered before 14:00: 71 % -> 38 %"),
    )

    panel = kill_list_panel(told, currency="USD", timezone="Europe/Amsterdam", show_all=False)

    assert panel.act_by_label == "Act by, Europe/Amsterdam"
    assert panel.rows["Act by"].to_list() == ["28 Mar, 10:00"] * 2
    assert panel.rows["Would help"][0] == "answered before 14:00: 71\u00a0% -> 38\u00a0%"


def test_kill_list_names_desks_where_several():
    several = queue(source=pl.Series(["north", "south", "south"]))

    panel = kill_list_panel(several, currency="USD", timezone="Europe/Amsterdam", show_all=True)

    assert panel.rows["Desk"].to_list() == ["north", "south", "south"]


def test_kill_list_stops_at_most_rows():
    panel = kill_list_panel(
        queue(MOST_ROWS + 1), currency="USD", timezone="Europe/Amsterdam", show_all=True
    )

    assert panel.rows.height == MOST_ROWS
    assert "first 5,000 rows" in panel.note


def contrast(first, second):
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", [theme.GROUND, theme.PANEL, theme.SNIPER_GROUND])
@pytest.mark.parametrize("text", [theme.INK, theme.MUTED, theme.SNIPER, theme.RULE])
def test_text_stands_out_from_its_ground(text, ground):
    assert contrast(text, ground) >= 4.5


def test_quietest_label_stands_out_from_the_page():
    assert contrast(theme.FAINT, theme.GROUND) >= 4.5


def test_percent_of_nothing_is_unknown():
    assert percent(NAN) == "unknown"
