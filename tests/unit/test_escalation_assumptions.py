import dataclasses
import json

import pytest

from sla_sniper.escalation import CostTable, Effectiveness
from sla_sniper.escalation.assumptions import (
    Assumptions,
    assumed,
    assumed_briefly,
    effect_assumed,
)
from sla_sniper.escalation.attainment import Contract

HOUR = 3_600_000_000
CONTRACT = Contract("organization", "month", 0.95, 5000.0)


def given(*, falls=None, ends=0, contracts=(), intervention=2.0):
    effect = Effectiveness(0.5, 0.3, 0.7, falls, ends)
    costs = CostTable(
        "USD", {"high": 100}, intervention=intervention, effectiveness=effect, attainment=contracts
    )
    return Assumptions.of(costs, n_resamples=1000, n_seeds=30)


def test_plain_assumption_is_one_sentence():
    assert assumed(given()) == (
        "Assumes that an escalation prevents 50 % [30 %, 70 %] of the breaches it treats and costs "
        "$2; that share is an input, not a measurement."
    )


@pytest.mark.parametrize(
    ("settings", "sentence", "caption"),
    [
        pytest.param(
            {"falls": 24 * HOUR}, "in proportion less under 24 h", "less under 24 h", id="falls"
        ),
        pytest.param(
            {"ends": 2 * HOUR}, "none under 2 h", "none under 2 h", id="point of no return"
        ),
        pytest.param({"ends": HOUR // 4}, "none under 15 min", "none under 15 min", id="minutes"),
        pytest.param(
            {"contracts": (CONTRACT,)},
            "($5,000 to each organization under 95 % of clocks met in a month)",
            "no credits counted",
            id="contract",
        ),
        pytest.param({"intervention": 2.5}, "costs $2.50;", "$2.50 an escalation", id="cents"),
        pytest.param({"intervention": 2.999}, "costs $3;", "$3 an escalation", id="rounded cents"),
    ],
)
def test_every_wording_names_every_assumption(settings, sentence, caption):
    assert sentence in assumed(given(**settings))
    assert caption in assumed_briefly(given(**settings))


def test_credits_are_said_to_be_in_no_total():
    words = assumed(given(contracts=(CONTRACT,)))

    assert "rank tickets, but are in no saving, total or projection" in words


def test_contract_of_some_accounts_and_one_metric_says_so():
    narrow = dataclasses.replace(CONTRACT, metric="first_reply_time", accounts=("ACME", "Initech"))

    assert (
        "$5,000 to ACME, Initech under 95 % of clocks of first_reply_time met in a month"
        in assumed(given(contracts=(narrow,)))
    )


def test_effect_names_both_ends():
    both = given(falls=24 * HOUR, ends=2 * HOUR)

    assert effect_assumed(both) == "50 % effectiveness (less under 24 h, none under 2 h)"


def test_what_a_backtest_kept_reads_as_it_was():
    full = given(falls=24 * HOUR, ends=2 * HOUR, contracts=(CONTRACT,))

    stored = json.loads(json.dumps(dataclasses.asdict(full)))

    assert assumed(Assumptions.read(stored)) == assumed(full)
    older = {name: stored[name] for name in stored if name not in {"contracts", "limits"}}
    assert Assumptions.read(older | {"of_a_later_version": 1}).contracts == ()
