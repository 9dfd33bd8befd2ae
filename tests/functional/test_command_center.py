"""The command center from stored files to a page in a browser."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import expect, sync_playwright
from streamlit.testing.v1 import AppTest

from sla_sniper.config.workspace import NotAWorkspaceError, open_workspace
from sla_sniper.core.errors import UnreadableFileError
from sla_sniper.core.schema import PREDICTIONS
from sla_sniper.data import demo_files
from sla_sniper.escalation import (
    RULES,
    CostTable,
    SlotRule,
    capture_curve,
    rank_now,
    replay,
    summarise,
)
from sla_sniper.panels.story import story_lines
from sla_sniper.panels.theme import STREAMLIT
from sla_sniper.ui import serve as serving
from sla_sniper.ui.ticket_drawing import TICKET
from sla_sniper.usecases import command_center as center
from sla_sniper.usecases.explain import explain_ticket
from sla_sniper.usecases.ingest import ingest_files
from sla_sniper.usecases.kill_list import Terms, keep_queue, stored_queue

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3_600_000_000
START = datetime(2016, 4, 4, tzinfo=UTC)
COSTS = CostTable(
    "USD", breach={"critical": 500, "high": 200, "moderate": 50, "low": 10}, intervention=2
)


def generated_pool(*, seed: int, n_days: int = 12, n_tickets: int = 900) -> pl.DataFrame:
    """Running clocks at 08:00, 12:00 and 16:00 of a desk whose breaches the model half knows."""
    generator = np.random.default_rng(seed)
    kind = generator.choice(4, n_tickets, p=[0.03, 0.07, 0.7, 0.2])
    target = np.array([4, 8, 40, 80])[kind] * HOUR
    opened = generator.uniform(-30, 24 * n_days, n_tickets) * HOUR
    risk = generator.beta(0.7, 1.6, n_tickets)
    breached = generator.random(n_tickets) < risk
    life = np.where(breached, target, target * generator.uniform(0.05, 1, n_tickets))
    hours = np.array([24 * day + hour for day in range(n_days) for hour in (8, 12, 16)])
    mark, ticket = np.nonzero(
        (opened <= hours[:, None] * HOUR) & (hours[:, None] * HOUR < opened + life)
    )
    age = (hours[mark] * HOUR - opened[ticket]).astype(np.int64)
    slack = target[ticket] - age
    urgency = age / target[ticket]
    landmark = pl.Series([START + timedelta(hours=int(hour)) for hour in hours])
    return pl.DataFrame(
        {
            "landmark": landmark.gather(mark).dt.cast_time_unit("us"),
            "source": ["desk"] * mark.size,
            "ticket_id": [f"INC{number:05d}" for number in ticket],
            "metric": ["resolution_time"] * mark.size,
            "policy": ["standard"] * mark.size,
            "slack_us": slack,
            "wall_slack_us": slack,
            "age_us": age,
            "target_us": target[ticket],
            "priority": np.array(["critical", "high", "moderate", "low"])[kind[ticket]],
            "group": np.array(["Network", "Database", "Desktop"])[ticket % 3],
            "cost": np.array([500.0, 200.0, 50.0, 10.0])[kind[ticket]],
            "breached": breached[ticket],
            "p_breach": np.clip(0.75 * risk[ticket] + 0.2 * urgency, 0.01, 0.99),
            "p_logistic": np.clip(0.5 * risk[ticket] + 0.3 * urgency, 0.01, 0.99),
            "p_edf": np.clip(0.2 + 0.4 * urgency, 0.01, 0.99),
        }
    ).with_columns(
        day=pl.col("landmark").dt.date(),
        due_at=pl.col("landmark") + pl.duration(microseconds="slack_us"),
        is_censored=pl.lit(value=False),
    )


def generated_queue(pool: pl.DataFrame) -> pl.DataFrame:
    now = pool.filter(pl.col("landmark") == pool["landmark"].max())
    ranked = rank_now(now, "sniper", capacity=50, costs=COSTS)
    return ranked.with_columns(
        as_of="landmark",
        slack_s=pl.col("slack_us") // 1_000_000,
        wall_slack_s=pl.col("wall_slack_us") // 1_000_000,
        reason_1=pl.lit("only <b>6 h</b> of working time is left"),
        reason_2=pl.lit("reassigned 4 times"),
        reason_3=pl.lit(None, pl.String),
        advice=pl.lit(None, pl.String),
        model_version=pl.lit("lightgbm-test"),
        act_by=pl.lit(None),
    ).select(pl.col(name).cast(kind) for name, kind in PREDICTIONS.items())


POOL = generated_pool(seed=0)
TRAINING = generated_pool(seed=1)
QUEUE = generated_queue(POOL)


def make_workspace(folder: Path) -> Path:
    (folder / "outputs" / "backtest").mkdir(parents=True)
    (folder / "sla.toml").write_text((demo_files().mapping.parent / "sla.toml").read_text())
    return folder


def store_backtest(folder: Path) -> None:
    stored = folder / "outputs" / "backtest"
    POOL.write_parquet(stored / "predictions.parquet")
    TRAINING.drop("p_breach").write_parquet(stored / "training.parquet")
    facts = {
        "as_of": START.isoformat(),
        "epoch": "hour",
        "last_day": "2016-04-15",
        "stakes": stakes_of(folder),
        "verdicts": [],
    }
    (stored / "summary.json").write_text(json.dumps(facts))


def stakes_of(folder: Path) -> str:
    return open_workspace(folder).sla.stakes


def store_queue(
    folder: Path, frame: pl.DataFrame = QUEUE, *, slot_price: float | None = None
) -> None:
    keep_queue(frame, open_workspace(folder), Terms(stakes_of(folder), 50, slot_price))


@pytest.fixture
def empty(tmp_path):
    return make_workspace(tmp_path / "desk")


@pytest.fixture
def full(empty):
    store_backtest(empty)
    store_queue(empty)
    return empty


@pytest.fixture
def page(monkeypatch):
    def run(folder: Path) -> AppTest:
        monkeypatch.setenv("SNIPER_WORKSPACE", str(folder))
        return AppTest.from_file(str(ROOT / "dashboard_app.py"), default_timeout=60).run()

    return run


def texts(app: AppTest) -> str:
    """Everything that the page writes in its own markup, but for the stylesheet."""
    assert not app.exception, [error.value for error in app.exception]
    bodies = [element.proto.body for element in app.get("html")]
    return " ".join(body for body in bodies if not body.startswith("<style>"))


def net_saving(app: AppTest) -> str:
    return re.search(r'net-saving"><h3>[^<]*</h3><strong>([^<]*)', texts(app)).group(1)


@pytest.mark.parametrize("own", [1, 20])
def test_page_agrees_with_the_backtest(full, own):
    period = dataclasses.replace(center.stored_period(open_workspace(full)), own=own)
    found = center.evaluate(center.price(period, COSTS), 20).summary
    names = [result.policy for result in found.policies]

    tested = replay(POOL, COSTS, capacities=[*{20, own}], policies=names, n_seeds=1)
    trained = replay(TRAINING, COSTS, capacities=[*{20, own}], policies=RULES)
    expected = summarise(tested, training=trained, own=own)

    assert found.verdict(20) == expected.verdict(20)
    at_twenty = [row for row in expected.as_dict()["policies"] if row["capacity"] == 20]
    assert found.as_dict()["policies"] == at_twenty


REASON = "the monitor of 5 Apr 2016 found no measurable advantage in 8 days at 20 a day"


def store_monitor(folder: Path, **changes: object) -> None:
    """A monitor, a day after the backtest, that has closed the gate at 20 a day."""
    advantage = {
        "capacity": 20, "rule": "oldest", "difference": -7.0, "low": -20.0, "high": 6.0,
        "claimed": False,
    }  # fmt: skip
    verdict = {
        "policy": "oldest", "sentence": "no measurable advantage over oldest at 20 a day",
        "chosen_on": "training days", "n_days": 8, "withheld": "", "advantage": advantage,
    }  # fmt: skip
    facts = {
        "as_of": (START + timedelta(days=1)).isoformat(), "version": "lightgbm-test",
        "stakes": open_workspace(folder).sla.stakes, "verdict": verdict, "last_day": "2016-04-01",
    }  # fmt: skip
    (folder / "outputs" / "monitor").mkdir(exist_ok=True)
    (folder / "outputs" / "monitor" / "summary.json").write_text(
        json.dumps({"closed": facts | changes})
    )


@pytest.fixture
def claiming(full):
    """A desk of 20 a day whose forecast knows so much that the replay claims an advantage."""
    path = full / "sla.toml"
    path.write_text(path.read_text().replace("per_day = 50", "per_day = 20"))
    sharp = POOL.with_columns(p_breach=pl.when("breached").then(0.9).otherwise(0.1))
    sharp.write_parquet(full / "outputs" / "backtest" / "predictions.parquet")
    return full


def test_page_says_and_ranks_by_what_monitor_found(page, claiming):
    before = texts(page(claiming))
    store_monitor(claiming)

    written = texts(page(claiming))

    assert "No measurable advantage" not in before
    assert "No measurable advantage over oldest at 20 a day: rank by oldest" in written
    assert "sniper minus oldest is -$7" in written
    assert "paired over 8 days" in written
    assert REASON in written
    assert "20 escalations a day at most, chosen by oldest" in written


@pytest.mark.parametrize("other", [{"stakes": "x"}, {"as_of": "2016-04-03T00Z"}])
def test_page_ignores_what_monitor_found_elsewhere(full, other):
    store_monitor(full, **other)

    assert center.stored_period(open_workspace(full)).closed is None


@pytest.mark.parametrize(("capacity", "intervention"), [(10, 2), (20, 3)])
def test_closed_gate_stays_closed_whatever_the_reader_sets(claiming, capacity, intervention):
    costs = dataclasses.replace(COSTS, intervention=intervention)
    open_gate = center.stored_period(open_workspace(claiming))
    store_monitor(claiming)
    closed = center.stored_period(open_workspace(claiming))

    before, after = (
        center.evaluate(center.price(period, costs), capacity).summary.verdict(capacity)
        for period in (open_gate, closed)
    )

    assert before.advantage.claimed
    assert (after.policy, after.withheld) == (before.advantage.rule, REASON)


def test_new_verdict_of_monitor_reaches_the_next_run(full):
    before = center.stamp(open_workspace(full))
    store_monitor(full)

    assert center.stamp(open_workspace(full)) != before


def test_page_values_one_more_slot_by_the_same_rule(full, monkeypatch):
    monkeypatch.setattr(center, "worth_pricing", lambda *_: frozenset([20]))
    period = dataclasses.replace(center.stored_period(open_workspace(full)), own=20)

    found = center.evaluate(center.price(period, COSTS), 20).summary

    rule = SlotRule(frozenset([20, 21]))
    tested = replay(POOL, COSTS, capacities=[20, 21], policies=["sniper"], rule=rule)
    now, then = (tested.totals["sniper", slot].net(COSTS).sum() for slot in (20, 21))
    assert found.result("sniper", 20).one_more_slot.saving.estimate == pytest.approx(then - now)
    assert found.held_back == (20,)


def test_curve_agrees_with_escalation(full):
    priced = center.price(center.stored_period(open_workspace(full)), COSTS)

    names = ["edf", "sniper", "oracle"]
    expected = capture_curve(POOL, COSTS, capacities=[10, 50], policies=names)

    found = priced.curve.join(expected, on=["policy", "capacity"])
    assert found.height == 6
    assert found["captured_share"].to_list() == pytest.approx(found["captured_share_right"])


def test_page_shows_verdict_figures_and_list(page, full):
    app = page(full)

    written = texts(app)
    assert app.slider(key="capacity").value == 50
    assert "50 a day" in written
    assert "What replay cannot show" in written
    assert app.dataframe[0].value.shape[0] == QUEUE["recommended"].sum()


def test_slider_changes_savings_and_list(page, full):
    app = page(full)
    before = net_saving(app)

    app.slider(key="capacity").set_value(5).run()

    assert net_saving(app) != before
    assert app.dataframe[0].value.shape[0] == 5


def test_costs_change_savings(page, full):
    app = page(full)
    before = net_saving(app)

    app.number_input(key="intervention").set_value(10.0).run()
    dearer = net_saving(app)
    app.number_input(key="effectiveness").set_value(90).run()

    assert len({before, dearer, net_saving(app)}) == 3


def test_toggle_shows_every_ticket(page, full):
    app = page(full)

    app.toggle(key="show_all").set_value(True).run()

    assert app.dataframe[0].value.shape[0] == QUEUE.height


def test_new_files_reach_the_next_run(page, full):
    app = page(full)
    shorter = QUEUE.filter(pl.col("rank") <= 3)

    store_queue(full, shorter)
    app.run()

    assert app.dataframe[0].value.shape[0] == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [("critical = 500", "critical = 9000"), ("value = 0.5", 'value = 0.4, falls_over = "8h"')],
)
def test_edited_costs_never_meet_stored_savings(page, full, before, after):
    path = full / "sla.toml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))

    app = page(full)

    assert "sla.toml has changed since the last sniper backtest" in texts(app)
    assert "sla.toml has changed since the last sniper queue" in texts(app)
    assert "net-saving" not in texts(app)
    assert not app.dataframe


def test_slots_that_the_list_keeps_stay_kept(page, full):
    held = QUEUE.with_columns(recommended=pl.col("rank") <= 7)
    store_queue(full, held, slot_price=120.0)

    app = page(full)

    assert app.dataframe[0].value.shape[0] == 7
    assert "one more ticket now would have to save more than $120" in texts(app)
    app.slider(key="capacity").set_value(9).run()
    assert app.dataframe[0].value.shape[0] == 9
    assert "run <code>sniper queue --capacity 9</code>" in texts(app)


def test_list_keeps_its_terms_in_its_own_file(empty):
    store_queue(empty, slot_price=1.5)

    found = stored_queue(open_workspace(empty))

    assert found.terms == Terms(stakes_of(empty), 50, 1.5)
    QUEUE.write_parquet(empty / "outputs" / "queue.parquet")
    assert stored_queue(open_workspace(empty)).terms is None


def test_pool_that_sums_credits_is_refused(full):
    path = full / "sla.toml"
    contract = '[[costs.attainment]]\nby = "group"\nperiod = "month"\nat_least = 0.9\ncredit = 1\n'
    path.write_text(path.read_text().replace("[capacity]", contract + "\n[capacity]"))

    with pytest.raises(UnreadableFileError, match="it has no column credit"):
        center.stored_period(open_workspace(full))


def test_no_workspace_says_how_to_begin(page, tmp_path):
    written = texts(page(tmp_path / "nowhere"))

    assert "No workspace here yet" in written
    assert "sniper init" in written


def test_empty_workspace_says_what_to_run(page, empty):
    app = page(empty)

    assert "No replay yet" in texts(app)
    assert "No kill list yet" in texts(app)
    assert not app.slider


def test_list_without_replay_is_shown(page, empty):
    store_queue(empty)

    app = page(empty)

    assert "No replay yet" in texts(app)
    assert app.dataframe


def test_replay_without_list_is_shown(page, empty):
    store_backtest(empty)

    written = texts(page(empty))

    assert "No kill list yet" in written
    assert "net-saving" in written


def test_empty_list_is_said(page, full):
    store_queue(full, QUEUE.clear())

    assert "Nothing to escalate" in texts(page(full))


def test_damaged_file_is_one_sentence(page, full):
    (full / "outputs" / "backtest" / "predictions.parquet").write_text("no table")

    app = page(full)

    assert 'class="notice error"' in texts(app)
    assert "run <code>sniper backtest</code> again" in texts(app)
    assert app.dataframe


def test_impossible_configuration_is_one_sentence(page, full):
    path = full / "sla.toml"
    path.write_text(path.read_text().replace("per_day", "perday"))

    assert "did you mean" in texts(page(full))


def test_names_from_the_log_never_become_markup(page, full):
    named = QUEUE.with_columns(policy=pl.lit("<img src=x>"))
    store_queue(full, named)

    assert "<img" not in texts(page(full))


@pytest.mark.parametrize("frame", [POOL.drop("cost"), POOL.drop("p_breach"), POOL.clear()])
def test_pool_of_another_kind_is_refused(full, frame):
    frame.write_parquet(full / "outputs" / "backtest" / "predictions.parquet")

    with pytest.raises(UnreadableFileError, match="run `sniper backtest` again"):
        center.stored_period(open_workspace(full))


def test_damaged_summary_is_refused(full):
    (full / "outputs" / "backtest" / "summary.json").write_text("{")

    with pytest.raises(UnreadableFileError, match="run `sniper backtest` again"):
        center.stored_period(open_workspace(full))


def test_pool_without_logistic_leaves_it_out(full):
    bare = POOL.with_columns(p_logistic=pl.lit(None, pl.Float64))
    bare.write_parquet(full / "outputs" / "backtest" / "predictions.parquet")

    priced = center.price(center.stored_period(open_workspace(full)), COSTS)

    assert "logistic" not in priced.walks.orders


def test_nothing_to_catch_draws_no_share(full):
    calm = POOL.with_columns(breached=pl.lit(value=False))
    calm.write_parquet(full / "outputs" / "backtest" / "predictions.parquet")

    priced = center.price(center.stored_period(open_workspace(full)), COSTS)

    assert priced.curve["captured_share"].is_null().all()


@pytest.fixture
def replaced(monkeypatch):
    """What this process would have become."""
    calls = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    return calls


def test_serve_becomes_the_server_of_its_workspace(replaced, empty):
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]

    serving.serve(empty, port=port)

    ((_, command, environment),) = replaced
    assert command == serving.command("127.0.0.1", port)
    assert environment["SNIPER_WORKSPACE"] == str(empty)


@pytest.mark.usefixtures("replaced")
def test_serve_refuses_what_is_no_workspace(tmp_path):
    with pytest.raises(NotAWorkspaceError):
        serving.serve(tmp_path)


@pytest.mark.usefixtures("replaced")
def test_serve_refuses_a_port_in_use(empty):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(serving.NoSuchAddressError, match=f"{port}: address already in use"):
            serving.serve(empty, port=port)


@pytest.mark.usefixtures("replaced")
@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 8501), ("127.0.0.1", 70_000)])
def test_serve_refuses_an_address_of_others(empty, host, port):
    with pytest.raises(serving.NoSuchAddressError, match="name another"):
        serving.serve(empty, host=host, port=port)


def test_server_sends_nothing_anywhere():
    command = serving.command("127.0.0.1", 8501)

    assert "--browser.gatherUsageStats=false" in command
    assert "--server.address=127.0.0.1" in command


def test_both_ways_to_start_share_their_options():
    sections = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())

    written = {f"{s}.{key}": value for s, keys in sections.items() for key, value in keys.items()}
    assert {key: str(value).lower() for key, value in written.items()} == dict(STREAMLIT)


TICKET_MAP = """
[log]
timezone = "UTC"
[columns]
ticket_id = "id"
occurred_at = "at"
status = "status"
priority = "priority"
"""
LISTED = QUEUE.filter("recommended").sort("rank")["ticket_id"].to_list()
"""Tickets of the kill list, the first row first."""


def store_log(folder: Path) -> None:
    """A log in which the first tickets of the kill list were opened, and taken up an hour later."""
    opened = QUEUE["as_of"][0] - timedelta(hours=3)
    rows = [
        f"{ticket},{opened + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S},{status},high"
        for ticket in LISTED[:3]
        for hours, status in ((0, "new"), (1, "open"))
    ]
    (folder / "log.csv").write_text("\n".join(["id,at,status,priority", *rows, ""]))
    (folder / "map.toml").write_text(TICKET_MAP)
    ingest_files(folder, [folder / "log.csv"], mapping=None)


@pytest.fixture
def logged(full):
    store_log(full)
    return full


@pytest.fixture
def ticket_page(page):
    def run(folder: Path, ticket: str) -> AppTest:
        app = page(folder)
        app.session_state["page"] = TICKET
        app.run()
        app.text_input(key="ticket").set_value(ticket).run()
        return app

    return run


def test_ticket_page_tells_as_the_command_does(ticket_page, logged):
    moment = QUEUE["as_of"][0]

    written = texts(ticket_page(logged, LISTED[1]))

    told = explain_ticket(logged, LISTED[1], as_of=moment, now=moment)
    lines = [line.text.strip() for line in story_lines(told.explanation, told.clocks)]
    assert lines
    assert [line for line in lines if escape(line) not in written] == []
    assert f"The clocks of ticket {LISTED[1]}" in written


def test_ticket_page_asks_for_a_ticket(page, logged):
    app = page(logged)
    app.session_state["page"] = TICKET

    assert "Which ticket?" in texts(app.run())


def test_unknown_ticket_names_the_nearest(ticket_page, logged):
    written = texts(ticket_page(logged, f"{LISTED[0]}0"))

    assert 'class="notice error"' in written
    assert LISTED[0] in written


def test_typed_markup_stays_text(ticket_page, logged):
    assert "<img" not in texts(ticket_page(logged, "<img src=x>"))


def test_ticket_page_without_a_log_is_one_sentence(ticket_page, empty):
    assert "sniper ingest" in texts(ticket_page(empty, "INC1"))


START_SERVER = (
    "import sys; from pathlib import Path; from sla_sniper.ui.serve import serve; "
    "serve(Path(sys.argv[1]), port=int(sys.argv[2]))"
)
CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


@contextmanager
def served(folder: Path):
    """Serve a workspace on a free port of this machine; the address of its page."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", START_SERVER, str(folder), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        said = iter(process.stdout.readline, "")
        assert any(f"127.0.0.1:{port}" in line for line in said), "the server did not start"
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


@contextmanager
def browser_page(address: str):
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, "--disable-component-update"]
        )
        try:
            tab = chromium.new_page(viewport={"width": 1280, "height": 800})
            tab.goto(address)
            yield tab
        finally:
            chromium.close()


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
def test_moving_the_slider_changes_savings_in_a_browser(full):
    with served(full) as address, browser_page(address) as tab:
        saving = tab.locator(".net-saving strong")
        expect(saving).to_have_text(re.compile(r"\$"), timeout=60_000)
        expect(tab.locator(".notes")).to_be_visible(timeout=60_000)
        before = saving.inner_text()

        for width in (1280, 1920):
            tab.set_viewport_size({"width": width, "height": 900})
            main = "document.querySelector('[data-testid=stMain]')"
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert tab.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")

        slider = tab.get_by_role("slider")
        slider.focus()
        for _ in range(45):
            slider.press("ArrowLeft")

        expect(slider).to_have_value("5", timeout=30_000)
        expect(saving).not_to_have_text(before, timeout=30_000)
        expect(tab.locator(".verdict b")).to_contain_text("at 5 a day", timeout=30_000)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
def test_clicked_ticket_is_drawn_and_told_in_a_browser(logged):
    with served(logged) as address, browser_page(address) as tab:
        kill_list = tab.get_by_test_id("stDataFrame")
        expect(kill_list).to_be_visible(timeout=60_000)
        expect(tab.locator(".notes")).to_be_visible(timeout=60_000)

        kill_list.scroll_into_view_if_needed()
        kill_list.click(position={"x": 18, "y": 66})

        expect(tab.get_by_label("Ticket", exact=True).last).to_have_value(LISTED[0], timeout=30_000)
        expect(tab.locator(".story")).to_contain_text(f"Ticket {LISTED[0]}", timeout=60_000)
        drawn = tab.locator(".st-key-timeline canvas, .st-key-timeline svg").first
        expect(drawn).to_be_visible(timeout=30_000)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
