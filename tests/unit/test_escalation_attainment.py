import itertools
from datetime import UTC, date, datetime

import polars as pl
import pytest

from sla_sniper.escalation.attainment import Contract, exposure, marginal_credit, standings

NOW = datetime(2016, 4, 16, tzinfo=UTC)
"""Half of April is over: of 30 days 15 are left."""
MONTHLY = Contract("organization", "month", 0.9, 1000.0)


def at(day, month=4):
    return datetime(2016, month, day, 12, tzinfo=UTC)


def cycles(*rows):
    """Each row: ticket, state, end (met, breached or due), applied."""
    frame = pl.DataFrame(
        [
            {
                "source": "desk",
                "ticket_id": ticket,
                "metric": "resolution_time",
                "state": state,
                "applied_at": applied,
                "fulfilled_at": end if state in {"met", "missed"} else None,
                "breached_at": end if state in {"missed", "overdue"} else None,
                "due_at": None if state == "paused" else end,
            }
            for ticket, state, end, applied in rows
        ],
        schema_overrides={
            name: pl.Datetime("us", "UTC") for name in ("fulfilled_at", "breached_at", "due_at")
        },
    )
    return frame.with_columns(pl.col("applied_at").dt.cast_time_unit("us"))


def accounts(**names):
    return pl.DataFrame(
        {"source": "desk", "ticket_id": list(names), "account": list(names.values())},
        schema={"source": pl.String, "ticket_id": pl.String, "account": pl.String},
    )


def standing(**values):
    row = {"account": "ACME", "period": date(2016, 4, 1), "met": 0, "missed": 0, "running": 0,
           "expected": 0.0, "rate": 0.1, **values}  # fmt: skip
    return pl.DataFrame([row])


def credit(table, contract=MONTHLY, **clock):
    clocks = pl.DataFrame(
        [{"account": "ACME", "metric": "resolution_time", "due_at": at(20), **clock}]
    )
    return marginal_credit(clocks, table, contract, timezone="UTC")[0]


def test_standing_counts_each_clock_in_its_period():
    old = at(1, month=1)
    found = standings(
        cycles(
            ("a", "met", at(2), old),
            ("b", "missed", at(3), old),
            ("c", "overdue", at(4), old),
            ("d", "running", at(20), old),
            ("e", "running", at(2, month=5), old),
            ("f", "paused", at(1), old),
            ("g", "met", at(31, month=3), old),
            ("h", "cancelled", at(5), old),
        ),
        accounts(**dict.fromkeys("abcdefgh", "ACME")),
        MONTHLY,
        as_of=NOW,
        timezone="UTC",
    )

    columns = ["period", "met", "missed", "running"]
    assert found.select(columns).rows() == [
        (date(2016, 4, 1), 1, 2, 2), (date(2016, 5, 1), 0, 0, 1),
    ]  # fmt: skip
    # Two of four were missed: the account's own rate and that of all are the same.
    assert found["rate"].to_list() == [0.5, 0.5]


def test_arrivals_of_four_weeks_are_expected_to_go_on():
    recent = [(f"t{n}", "met", at(10), at(1)) for n in range(14)]

    found = standings(
        cycles(*recent), accounts(**{t: "ACME" for t, *_ in recent}), MONTHLY,
        as_of=NOW, timezone="UTC",
    )  # fmt: skip

    assert found["expected"].to_list() == [14 / 28 * 15]


def test_rate_of_a_small_account_leans_on_all():
    rows = [("a", "missed", at(2), at(1)), *((f"b{n}", "met", at(2), at(1)) for n in range(79))]

    found = standings(
        cycles(*rows), accounts(a="small", **{f"b{n}": "big" for n in range(79)}), MONTHLY,
        as_of=NOW, timezone="UTC",
    )  # fmt: skip

    rate = dict(found.select("account", "rate").rows())
    assert rate["small"] == pytest.approx((1 + 20 / 80) / (1 + 20))
    assert rate["big"] == pytest.approx((0 + 20 / 80) / (79 + 20))


def test_contract_holds_for_its_accounts_alone():
    rows = [("a", "met", at(2), at(1)), ("b", "met", at(2), at(1)), ("c", "met", at(2), at(1))]
    only = Contract("organization", "month", 0.9, 1000.0, accounts=("ACME",))

    found = standings(
        cycles(*rows), accounts(a="ACME", b="other", c=None), only, as_of=NOW, timezone="UTC"
    )

    assert found["account"].to_list() == ["ACME"]


def test_periods_begin_at_local_midnight():
    late = datetime(2016, 3, 31, 23, tzinfo=UTC)  # in Amsterdam it is April already

    found = standings(
        cycles(("a", "met", late, at(1, month=3))), accounts(a="ACME"), MONTHLY,
        as_of=NOW, timezone="Europe/Amsterdam",
    )  # fmt: skip

    assert found.select("period", "met").rows() == [(date(2016, 4, 1), 1)]


@pytest.mark.parametrize(
    ("met", "missed", "running"), [(5, 0, 5), (4, 1, 6), (0, 0, 10), (9, 0, 1)]
)
def test_marginal_credit_equals_every_way_the_rest_can_end(met, missed, running):
    table = standing(met=met, missed=missed, running=running, rate=0.3)

    def lost(outcomes):
        return (met + len(outcomes) - sum(outcomes)) < 0.9 * (met + missed + len(outcomes)) - 1e-9

    def expected(own):
        ways = itertools.product([0, 1], repeat=running - 1)
        return sum(
            0.3 ** sum(way) * 0.7 ** (running - 1 - sum(way)) * lost((*way, own)) for way in ways
        )

    assert credit(table) == pytest.approx(1000 * (expected(1) - expected(0)))


def test_worked_example_of_the_decision_record():
    promise = Contract("organization", "month", 0.95, 5000.0)
    edge = standing(met=19, missed=1, running=19, rate=0.05)
    over = standing(met=18, missed=2, running=19, rate=0.05)

    assert credit(edge, promise) == pytest.approx(5000 * 0.95**18)
    assert credit(over, promise) == 0.0


def test_breach_costs_nothing_without_a_contract():
    table = standing(met=8, missed=1, running=1)

    assert credit(table) == 1000.0
    assert credit(table, account="other") == 0.0
    assert credit(table, account=None) == 0.0
    assert credit(table, due_at=at(2, month=5)) == 0.0
    assert credit(table, Contract("organization", "month", 0.9, 1000.0, "next_reply_time")) == 0.0


def test_exposure_puts_the_most_at_risk_first():
    tables = [
        standing(account="safe", met=100, running=10, rate=0.1),
        standing(account="lost", met=5, missed=9, running=10, rate=0.1),
        standing(account="edge", met=9, running=1, rate=0.5),
    ]

    found = exposure(pl.concat(tables), MONTHLY)

    assert found["account"][0] == "lost"
    rows = {row["account"]: row for row in found.to_dicts()}
    assert (rows["lost"]["p_below"], rows["lost"]["next_breach"]) == (1.0, 0.0)
    assert rows["edge"]["allowed"] == 1
    assert (rows["edge"]["p_below"], rows["edge"]["next_breach"]) == (0.0, 0.0)
    assert rows["safe"]["attainment"] == 1.0
    assert found["expected_credit"].is_sorted(descending=True)
