import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import ConfigurationError, UnreadableFileError
from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.data import demo_files
from sla_sniper.escalation import (
    CostTable,
    Effectiveness,
    candidates_from,
    capture_curve,
    replay,
    summarise,
)
from sla_sniper.escalation.replay import Work
from sla_sniper.panels.kill_list import KillListPanel
from sla_sniper.stats import Interval
from sla_sniper.ui import notices, views
from sla_sniper.usecases.command_center import Evaluation, Period, Walks
from sla_sniper.usecases.kill_list import Scenario, StoredQueue, Terms

HOUR = 3_600_000_000
START = datetime(2016, 4, 4, 8, tzinfo=UTC)
END = START + timedelta(days=9)
COSTS = CostTable(
    "USD", breach={"high": 100}, intervention=2, effectiveness=Effectiveness(0.5, 0.3, 0.7)
)
SCENARIO = Scenario(2, 2.0, 0.5)


def pool():
    rows = [
        {
            "landmark": START + timedelta(days=day),
            "ticket_id": f"T{day}{number}",
            "breached": number % 2 == 0 if day else None,
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


def queue(**columns):
    frame = pl.DataFrame(
        {
            "as_of": [END] * 3,
            "source": ["desk"] * 3,
            "ticket_id": ["A", "B", "C"],
            "metric": ["resolution_time"] * 3,
            "slack_s": [3600] * 3,
            "wall_slack_s": [3600] * 3,
            "p_breach": [0.9, 0.5, 0.1],
            "expected_saving": [43.0, 23.0, 3.0],
            "rank": [1, 2, 3],
            "recommended": [True, True, False],
            "policy": ["sniper"] * 3,
        }
    )
    absent = [name for name in PREDICTIONS if name not in frame.columns]
    full = frame.with_columns(*(pl.lit(None, PREDICTIONS[n]).alias(n) for n in absent), **columns)
    return StoredQueue(full.cast(dict(PREDICTIONS)), END, END, Terms("", 2))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    (folder / "sla.toml").write_text((demo_files().mapping.parent / "sla.toml").read_text())
    return open_workspace(folder)


@pytest.fixture(scope="module")
def replayed():
    result = replay(pool(), COSTS, capacities=[2], n_seeds=1)
    evaluation = Evaluation(summarise(result, n_resamples=200), Interval(9.0, 7.0, 11.0))
    curve = capture_curve(
        result.candidates, COSTS, capacities=[0, 2, 4], policies=["sniper", "priority_edf"]
    )
    return views.replay_view(evaluation, curve, listed_by="sniper")


def priced(costs=COSTS):
    demo = open_workspace(demo_files().mapping.parent)
    return dataclasses.replace(demo, sla=dataclasses.replace(demo.sla, breach_costs=costs))


def listed(
    stored, *, costs=COSTS, scenario=SCENARIO, ranked_by="sniper", show_all=False, slot_price=None
):
    """The view of a list that was made at two a day under `costs`."""
    workspace = priced(costs)
    made = dataclasses.replace(stored, terms=Terms(workspace.sla.stakes, 2, slot_price))
    return views.queue_view(
        made, workspace=workspace, scenario=scenario, ranked_by=ranked_by, show_all=show_all
    )


def tickets(panel):
    return panel.rows["Ticket"].to_list()


def test_controls_start_at_the_workspace(workspace):
    controls = views.controls(workspace)

    assert (controls.capacity, controls.intervention, controls.effectiveness) == (50, 2.0, 50)
    assert controls.effectiveness_label == "Effectiveness, % (range 30 to 70)"


def test_replay_says_what_it_replayed(replayed):
    assert replayed.heading == (
        "4 to 13 Apr 2016 replayed, 2 escalations a day at most, chosen by sniper"
    )


def test_replay_compares_with_the_best_rule(replayed):
    assert replayed.banner.is_claimed
    assert replayed.figures[0].rival.startswith("Simplest rival, priority_edf: ")


def test_equal_policies_are_shown_once(replayed):
    shown = [row["policy"] for row in replayed.net.rows]

    assert "priority_edf" in shown
    assert "priority" not in shown


def test_footnotes_say_what_replay_cannot_show(replayed):
    assert replayed.footnotes[0].startswith("Replay cannot show queue effects")
    assert any("4 tickets of 40" in note for note in replayed.footnotes)


def test_footnotes_name_every_assumption(replayed):
    assert any(
        note.startswith("Assumes that an escalation prevents 50 % [30 %, 70 %]")
        and "an input, not a measurement" in note
        for note in replayed.footnotes
    )


def test_capacity_limits_the_list():
    assert tickets(listed(queue(), scenario=Scenario(1, 2.0, 0.5))) == ["A"]


def test_all_open_tickets_on_request():
    panel = listed(queue(), show_all=True)

    assert tickets(panel) == ["A", "B", "C"]
    assert panel.headline == "Escalate 2 of 3 open tickets before their deadline"


def test_savings_follow_the_scenario():
    panel = listed(queue(), scenario=Scenario(3, 6.0, 1.0))

    assert panel.rows["Saving"].to_list() == [84, 44, 4]


def test_dear_escalations_leave_slots_empty():
    panel = listed(queue(), scenario=Scenario(3, 30.0, 0.5))

    assert tickets(panel) == ["A"]


def test_rules_take_slots_without_a_gate():
    by_rule = queue(policy=pl.lit("edf"))

    panel = listed(by_rule, scenario=Scenario(3, 30.0, 0.5), ranked_by="edf")

    assert tickets(panel) == ["A", "B", "C"]
    assert "the rule does not use them" in panel.note


def test_list_of_another_policy_says_so():
    panel = listed(queue(), ranked_by="edf_value")

    assert "would rank by edf_value: run `sniper queue --capacity 2`" in panel.note


def test_nothing_worth_escalating_is_said():
    notice = listed(queue(), scenario=Scenario(3, 500.0, 0.5))

    assert notice.headline == "No escalation pays for itself"


def test_empty_queue_is_said():
    empty = StoredQueue(queue().frame.clear(), None, END, None)

    assert listed(empty).headline == "Nothing to escalate"
    assert views.listed_by(empty.frame) == ""


def test_list_without_effect_keeps_its_savings():
    powerless = CostTable("USD", breach={"high": 100}, effectiveness=Effectiveness(0, 0, 0))

    panel = listed(queue(), costs=powerless, scenario=Scenario(2, 0.0, 0.5), ranked_by="")

    assert isinstance(panel, KillListPanel)
    assert panel.rows["Saving"].to_list() == [43, 23]


HELD_BACK = {"recommended": pl.Series([True, False, False])}


def test_list_is_shown_as_it_was_made():
    panel = listed(queue(**HELD_BACK), slot_price=25.0)

    assert tickets(panel) == ["A"]
    assert panel.note.endswith(
        "Slots are kept for better tickets expected later today: one more ticket now would have "
        "to save more than $25."
    )


@pytest.mark.parametrize(
    ("scenario", "command"),
    [
        (Scenario(3, 2.0, 0.5), "decided, run `sniper queue --capacity 3`."),
        (
            Scenario(2, 1.0, 0.5),
            "put these costs into sla.toml and run `sniper queue --capacity 2`",
        ),
        (
            Scenario(2, 2.0, 0.6),
            "put these costs into sla.toml and run `sniper queue --capacity 2`",
        ),
    ],
)
def test_other_scenarios_say_that_kept_slots_need_a_new_list(scenario, command):
    panel = listed(queue(**HELD_BACK), scenario=scenario, slot_price=25.0)

    assert "No slot is kept here for better tickets expected later today" in panel.note
    assert command in panel.note
    assert "$25" not in panel.note


def test_day_whose_slots_are_all_kept_says_so():
    notice = listed(queue(recommended=pl.lit(value=False)), slot_price=50.0)

    assert notice.headline == "Every slot is kept for later today"
    assert "$50" in notice.detail


def test_tickets_that_nobody_can_take_are_no_bad_bargain():
    notice = listed(queue(recommended=pl.lit(value=False)))

    assert notice.headline == "No slot for a ticket now"


@pytest.mark.parametrize(
    "changes",
    [
        {"breach": {"high": 900}},
        {"effectiveness": Effectiveness(0.25, 0.1, 0.7)},
        {"effectiveness": Effectiveness(0.5, 0.3, 0.7, 8 * HOUR)},
        {"intervention": 9.0},
    ],
)
def test_list_of_other_costs_is_not_shown(changes):
    made = dataclasses.replace(queue(), terms=Terms(priced().sla.stakes, 2))

    notice = views.queue_view(
        made, workspace=priced(dataclasses.replace(COSTS, **changes)), scenario=SCENARIO,
        ranked_by="sniper", show_all=False,
    )  # fmt: skip

    assert notice.headline == "sla.toml has changed since the last sniper queue"
    assert notice.commands[0].startswith("sniper queue --workspace ")


def test_list_without_terms_is_not_shown():
    older = dataclasses.replace(queue(), terms=None)

    notice = views.queue_view(
        older, workspace=priced(), scenario=SCENARIO, ranked_by="sniper", show_all=False
    )

    assert notice.headline == "sla.toml has changed since the last sniper queue"


def test_replay_of_other_costs_is_not_shown(workspace):
    walks = Walks(Work(candidates_from(pool(), COSTS.effectiveness), COSTS), {})
    absent = notices.no_backtest(workspace.folder)
    same, other = (Period(walks, None, {"stakes": s}, 50) for s in (workspace.sla.stakes, "other"))

    assert notices.still_true(workspace, (same, absent)) == (same, absent)
    found, notice = notices.still_true(workspace, (other, absent))
    assert found is None
    assert notice.headline == "sla.toml has changed since the last sniper backtest"
    assert notices.still_true(workspace, (None, absent)) == (None, absent)


def test_untouched_inputs_stand_for_the_exact_share(workspace):
    third = dataclasses.replace(COSTS, effectiveness=Effectiveness(1 / 3, 0.3, 0.7))
    controls = views.controls(priced(third))

    assert controls.scenario(2, 2.0, controls.effectiveness) == Scenario(2, 2.0, 1 / 3)
    assert controls.scenario(2, 2.0, 34) == Scenario(2, 2.0, 0.34)


def test_stamps_tell_list_and_replay(workspace):
    walks = Walks(Work(candidates_from(pool(), COSTS.effectiveness), COSTS), {})
    period = Period(walks, None, {"epoch": "day", "as_of": "2016-05-01T10:00:00+02:00"}, 50)

    found = views.stamps(workspace, queue(), period)

    assert [(stamp.label, stamp.value) for stamp in found] == [
        ("As of", "13 Apr 2016, 08:00 UTC (end of the log)"),
        ("Replayed", "4 to 13 Apr 2016, 10 working days, once a day; 40 tickets at 10 landmarks"),
        ("Outcomes known by", "1 May 2016, 08:00 UTC"),
    ]


def test_list_older_than_the_log_warns(workspace):
    stale = StoredQueue(queue().frame, END, END + timedelta(hours=3), None)

    stamp = views.stamps(workspace, stale, None)[0]

    assert stamp.is_warning
    assert stamp.value == "13 Apr 2016, 08:00 UTC (end of log 13 Apr 2016, 11:00 UTC)"


@pytest.mark.parametrize(("days", "is_old"), [(90, False), (91, True)])
def test_a_replay_long_before_the_end_of_the_log_warns(workspace, days, is_old):
    walks = Walks(Work(candidates_from(pool(), COSTS.effectiveness), COSTS), {})
    period = Period(walks, None, {}, 50, log_end=END + timedelta(days=days))

    (stamp,) = [s for s in views.stamps(workspace, None, period) if s.label == "Replayed"]

    assert stamp.is_warning == is_old
    assert stamp.value.endswith("91 days old at the end of the log") == is_old


@pytest.mark.parametrize(("in_use", "is_said"), [("v2", True), ("v1", False), ("", False)])
def test_list_of_another_model_than_the_one_in_use_warns(workspace, in_use, is_said):
    made = dataclasses.replace(queue(), terms=Terms("", 2, None, "v1"), model_in_use=in_use)

    told = [s.value for s in views.stamps(workspace, made, None) if s.label == "Listed by"]

    assert told == ["not the model in use, v2: run sniper queue again"] * is_said


def test_stamps_of_an_empty_workspace(workspace):
    values = [stamp.value for stamp in views.stamps(workspace, None, None)]

    assert values == ["no kill list to show", "nothing to show"]


def test_oldest_is_compared_with_chance():
    assert views.simplest_rival("oldest", "oldest") == "random"


def test_commands_quote_odd_folders():
    notice = notices.no_backtest(Path("/my desk"))

    assert notice.commands == ("sniper backtest --workspace '/my desk'",)


@pytest.mark.parametrize(
    ("error", "headline"),
    [
        (ConfigurationError("sla.toml", ("costs is missing",)), "The configuration needs repair"),
        (UnreadableFileError("q", "it is empty", "run it again"), "This cannot be shown"),
    ],
)
def test_problem_repeats_the_error(error, headline):
    notice = notices.problem(error)

    assert (notice.kind, notice.headline, notice.detail) == ("error", headline, str(error))
