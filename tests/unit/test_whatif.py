"""The same history under two promises: verdicts, counts, money, and where they part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.schema import CYCLES
from sla_sniper.escalation.costs import CostTable
from sla_sniper.eventlog.store import EventStore
from sla_sniper.sla.comparison import changes, tally, verdicts
from sla_sniper.sla.policy import UnknownTargetError
from sla_sniper.usecases.files import UnknownEndingError
from sla_sniper.usecases.whatif import LIMITS, Bill, ask_whatif

START = datetime(2024, 3, 31, 22, 30, tzinfo=UTC)
"""Half past midnight of 1 April in Amsterdam: another month than in UTC."""
HOUR_US = 3_600_000_000
NOW = START + timedelta(days=300)
SLA = """
[calendars.always]
timezone = "Europe/Amsterdam"
hours = "24x7"
[[policies]]
name = "standard"
{when}
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "always"
  target = {target}
[costs]
currency = "EUR"
{costs}
intervention = 2
effectiveness = {{ value = 0.5, low = 0.3, high = 0.7 }}
"""
COSTS = "breach = { high = 100, low = 10 }"


def cycle(ticket: str, state: str, *, number: int = 1, **values: object) -> dict:
    told = {"source": "desk", "ticket_id": ticket, "metric": "resolution_time", "policy": "all"}
    return dict.fromkeys(CYCLES) | told | {"cycle": number, "state": state} | values


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(CYCLES))


def sla(target: str, *, when: str = "", costs: str = COSTS) -> str:
    return SLA.format(target=target, when=when, costs=costs)


@pytest.fixture
def lab(tmp_path, make_event, make_events):
    """Ask what changes when a workspace of three tickets gets another policy file."""
    rows = [
        make_event("a", START, "created", status="new", priority="high", group="L1"),
        make_event("a", START + timedelta(hours=3), status="resolved", priority="high", group="L2"),
        make_event("b", START, "created", status="new", priority="low", group="L2"),
        make_event("b", START + timedelta(hours=5), status="resolved", priority="low", group="L2"),
        make_event("c", START, "created", status="new", priority="P9"),
    ]
    store = EventStore(tmp_path)
    with store.writing():
        store.append([make_events(rows)])
    (tmp_path / "sla.toml").write_text(sla('"4h"'), encoding="utf-8")

    def ask(text: str, **options: object):
        other = tmp_path / "new.toml"
        other.write_text(text, encoding="utf-8")
        asked = {"as_of": START + timedelta(hours=6), "now": NOW} | options
        return ask_whatif(tmp_path, other, **asked)

    return ask


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (["met"], "met"),
        (["missed", "met"], "breached"),
        (["met", "overdue"], "breached"),
        (["met", "running"], "open"),
        (["paused"], "open"),
        (["cancelled", "met"], "met"),
        (["cancelled"], "cancelled"),
    ],
)
def test_many_cycles_have_one_verdict(states, verdict):
    rows = [cycle("1", state, number=n) for n, state in enumerate(states, start=1)]

    assert verdicts(frame(*rows))["verdict"].to_list() == [verdict]


def test_first_breach_decides_the_figures():
    rows = [
        cycle("1", "met", number=1, elapsed_us=1),
        cycle("1", "missed", number=2, elapsed_us=2),
        cycle("1", "missed", number=3, elapsed_us=3),
    ]

    assert verdicts(frame(*rows))["elapsed_us"].to_list() == [2]


def test_latest_cycle_decides_without_a_breach():
    rows = [cycle("1", "met", number=n, elapsed_us=n) for n in (1, 2)]
    rows.append(cycle("1", "cancelled", number=3, elapsed_us=3))

    assert verdicts(frame(*rows))["elapsed_us"].to_list() == [2]


def test_only_what_changes_is_listed():
    before = frame(cycle("1", "met"), cycle("2", "met"), cycle("3", "missed"))
    after = frame(cycle("1", "met"), cycle("2", "overdue"), cycle("4", "running"))

    found = changes(before, after)

    assert found.select("ticket_id", "before", "after").rows() == [
        ("2", "met", "breached"),
        ("3", "breached", "none"),
        ("4", "none", "open"),
    ]


def test_equal_promises_change_nothing():
    both = frame(cycle("1", "met"), cycle("2", "overdue"))

    assert changes(both, both).is_empty()


def test_cancelled_cycles_count_nowhere():
    before = frame(cycle("1", "missed"), cycle("2", "cancelled"))

    found = tally(before, frame(), by=["metric"])

    assert found.rows() == [("resolution_time", 1, 0, 1, 0)]


def test_tickets_without_a_group_are_counted():
    was = pl.DataFrame({"group": [None, "L1"], "state": ["missed", "met"]})

    found = tally(was, was, by=["group"])

    assert found.rows() == [("L1", 1, 1, 0, 0), (None, 1, 1, 1, 1)]


def test_bill_names_costs_and_assumption():
    bill = Bill("new.toml", CostTable("EUR", {"high": 100, "low": 10}), 500.0, 620.0, 3)

    assert bill.sentence() == (
        "By the costs of new.toml the breaches cost €620 instead of €500: €120 more, assuming "
        "that a breach costs, by priority, high €100, low €10 and €10 for any other (3 here)"
    )


@pytest.mark.parametrize(
    ("after", "told"), [(500.0, "the same"), (400.0, "€100 less"), (501.0, "€1 more")]
)
def test_bill_says_which_way_money_goes(after, told):
    bill = Bill("new.toml", CostTable("EUR", {"high": 100}), 500.0, after, 0)

    assert f": {told}, assuming" in bill.sentence()


def test_counts_follow_the_new_promise(lab):
    found = lab(sla('{ high = "2h", default = "10h" }'))

    assert found.tables["priority"].rows() == [
        ("resolution_time", "P9", 1, 1, 1, 0),
        ("resolution_time", "high", 1, 1, 0, 1),
        ("resolution_time", "low", 1, 1, 1, 0),
    ]


def test_group_is_the_first_known_one(lab):
    found = lab(sla('"2h"'))

    assert found.tables["group"]["group"].to_list() == ["L1", "L2", None]
    assert found.changed["group"].to_list() == ["L1"]


def test_month_is_local_to_the_desk(lab):
    found = lab(sla('"2h"'))

    assert found.tables["month"]["month"].to_list() == ["2024-04"]


def test_flips_and_open_clocks_are_apart(lab):
    found = lab(sla('{ high = "2h", default = "10h" }'))

    assert found.transitions().drop("metric").rows() == [
        ("breached", "met", 1, 1),
        ("breached", "open", 1, 1),
        ("met", "breached", 1, 1),
    ]


def test_tickets_that_lose_their_clock_are_told(lab):
    found = lab(sla('"4h"', when='when = { priority = ["low"] }'))

    assert found.n_untimed == (0, 2)
    assert found.sentences()[2] == (
        "Tickets that gain a clock: 0, that lose one: 2; no policy covers 2 of 3 (before: 0)"
    )


def test_money_is_told_by_both_cost_tables(lab):
    found = lab(sla('"2h"', costs="breach = { high = 300, low = 10 }"))

    assert [(bill.before, bill.after) for bill in found.bills] == [(20.0, 120.0), (20.0, 320.0)]
    assert [bill.n_unlisted for bill in found.bills] == [2, 2]


def test_equal_cost_tables_are_told_once(lab):
    assert len(lab(sla('"2h"')).bills) == 1


def test_costs_may_go_by_another_field(lab):
    costs = 'by = "group"\nbreach = { L1 = 7, L2 = 70, default = 1 }'

    found = lab(sla('"2h"', costs=costs))

    assert (found.bills[1].before, found.bills[1].after) == (71.0, 78.0)


def test_costs_by_an_unknown_field_are_refused(lab):
    with pytest.raises(ConfigurationError, match=r"new\.toml: costs\.by: no ticket has 'team'"):
        lab(sla('"2h"', costs='by = "team"\nbreach = { L1 = 7 }'))


def test_a_rule_on_an_unknown_field_is_refused(lab):
    told = r"new\.toml: line 7, policies\[1\]\.when\.tier: a rule looks at 'tier'"

    with pytest.raises(ConfigurationError, match=told):
        lab(sla('"2h"', when='when = { tier = "gold" }'))


def test_same_promise_says_that_nothing_changes(lab):
    found = lab(sla('"4h"'))

    assert found.sentences()[0] == "No clock comes to another verdict"
    assert found.changed.is_empty()


def test_limits_are_always_told_last(lab):
    assert lab(sla('"2h"')).sentences()[-1] == LIMITS


def test_nothing_recorded_later_is_read(lab):
    found = lab(sla('"2h"'), as_of=START + timedelta(hours=1))

    assert found.total("breaches_after") == 0


def test_largest_changes_keep_their_order(lab):
    found = lab(sla('{ high = "2h", default = "10h" }'))

    assert found.largest("priority", 2)["priority"].to_list() == ["P9", "high"]


def test_priority_without_a_target_is_refused(lab):
    with pytest.raises(UnknownTargetError):
        lab(sla('{ high = "2h", low = "4h" }'))


def test_unknown_ending_is_refused_before_work(lab, tmp_path):
    with pytest.raises(UnknownEndingError):
        lab("not even TOML", out=tmp_path / "changes.xls")


def test_json_object_adds_up(lab):
    told = lab(sla('{ high = "2h", default = "10h" }')).as_dict()

    assert told["schema"] == "sniper.whatif/1"
    assert told["breaches"] == {"before": 2, "after": 1}
    assert sum(row["breaches_after"] for row in told["by_month"]) == 1
    assert [row["ticket_id"] for row in told["examples"]["breached_to_met"]] == ["b"]


def test_without_costs_money_is_left_out_and_said(lab, tmp_path):
    path = tmp_path / "sla.toml"
    path.write_text(path.read_text(encoding="utf-8").split("[costs]")[0], encoding="utf-8")

    found = lab(sla('"2h"').split("[costs]")[0])

    assert found.bills == ()
    assert any("Amounts of money are left out: neither" in each for each in found.sentences())


def test_one_file_with_costs_prices_both(lab):
    found = lab(sla('"2h"').split("[costs]")[0])

    assert [bill.by.endswith("sla.toml") for bill in found.bills] == [True]
