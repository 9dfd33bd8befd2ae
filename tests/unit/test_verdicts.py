"""The verdict in force, from what a backtest, a training and a monitor have kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from sla_sniper.core.errors import UnreadableFileError
from sla_sniper.escalation import CostTable
from sla_sniper.model.bundle import fingerprint
from sla_sniper.usecases import monitor, verdicts
from sla_sniper.usecases.kept import read_verdict
from sla_sniper.usecases.kill_list import Terms
from sla_sniper.usecases.verdicts import closed_since, in_force, listing_model

NOON = datetime(2016, 5, 1, 12, tzinfo=UTC)
LATER, EARLIER = NOON.replace(hour=13).isoformat(), NOON.replace(hour=11).isoformat()
MODEL = {
    "version": "v1",
    "estimator": "lightgbm",
    "features": [],
    "calibrator": {},
    "files": {"model.txt": "first"},
    "training": {"cut": NOON.isoformat()},
    "evaluation": {
        "verdict": {
            "policy": "sniper",
            "sentence": "training says so",
            "capacity": 50,
            "rule": "edf",
            "stakes": "ours",
        }
    },
}


def verdict(capacity, *, claims):
    return {
        "policy": "sniper" if claims else "oldest",
        "sentence": f"{capacity} a day: {claims}",
        "chosen_on": "training days",
        "n_days": 20,
        "withheld": "",
        "advantage": {
            "capacity": capacity,
            "rule": "oldest",
            "difference": 7.0,
            "low": 5.0 if claims else None,
            "high": 9.0 if claims else None,
            "claimed": claims,
        },
    }


@pytest.fixture
def desk(tmp_path):
    sla = SimpleNamespace(costs=CostTable("USD", {"high": 1}), stakes="ours", capacity_per_day=50)
    rule = SimpleNamespace(timezone="UTC")
    return SimpleNamespace(folder=tmp_path, outputs=tmp_path, sla=sla, landmarks=rule)


def store(desk, verb, *verdicts, **changes):
    facts = {"as_of": NOON.isoformat(), "stakes": "ours", "model": "lightgbm", "version": "v1"}
    path = desk.outputs / verb / "summary.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(facts | {"verdicts": verdicts} | changes))


def close(desk, capacity=50, **changes):
    """A monitor has found no advantage, as an older version kept it."""
    store(desk, "monitor", closed=closing(capacity, **changes))


def closing(capacity=50, **changes):
    facts = {"as_of": NOON.isoformat(), "stakes": "ours", "version": "v1", "last_day": "2016-04-20"}
    return facts | {"verdict": verdict(capacity, claims=False)} | changes


def watch(desk, *, as_of=NOON, closes=True, stakes="ours", version="v1", files=None):
    """Keep what a monitor finds, by the verb's own means."""
    manifest = MODEL | {"files": files or MODEL["files"]}
    found = read_verdict(verdict(50, claims=not closes))
    facts = {"as_of": as_of.isoformat(), "stakes": stakes, "version": version, "verdicts": []}
    report = SimpleNamespace(
        as_of=as_of, stakes=stakes, version=version, as_dict=lambda: facts,
        ripe=SimpleNamespace(closes=closes, last_day="2016-04-20", verdict=found),
    )  # fmt: skip
    monitor._keep(report, SimpleNamespace(workspace=desk), model=fingerprint(manifest))


def trained(*, claims, version="v2", **changes):
    """Another model, trained later and tested on a day more than most backtests here."""
    changes = {"last_day": "2016-04-30"} | changes
    told = MODEL["evaluation"]["verdict"] | {"policy": "sniper" if claims else "edf"} | changes
    files = {"model.txt": "second"}
    facts = {"version": version, "files": files, "training": {"cut": LATER}}
    return MODEL | facts | {"evaluation": {"verdict": told}}


def told(desk, capacity=50, manifest=MODEL, as_of=NOON):
    return in_force(desk, capacity, as_of=as_of, manifest=manifest)


def test_training_counts_until_something_was_replayed(desk):
    assert told(desk).sentence == "training says so"
    store(desk, "backtest", verdict(50, claims=False))
    assert told(desk).policy == "oldest"


@pytest.mark.parametrize("other", [{"stakes": "x"}, {"model": "hazard"}, {"as_of": LATER}])
def test_a_backtest_counts_for_its_model_and_settings_when_known(desk, other):
    store(desk, "backtest", verdict(50, claims=False), **other)

    assert told(desk).sentence == "training says so"


def test_training_claims_at_the_desks_own_capacity_alone(desk):
    desk.sla.capacity_per_day = 30

    assert told(desk).policy == "edf"
    assert told(desk).sentence.endswith("sniper backtest --capacity 50 measures it")


def test_own_capacity_counts_though_nobody_asked_for_it(desk):
    store(desk, "backtest", verdict(25, claims=True), own_verdict=verdict(50, claims=False))

    assert not told(desk, 25).is_claimed
    assert told(desk, 25).why == "none is shown at 50 a day, which is asked first"
    assert told(desk, 50).sentence == "50 a day: False"


@pytest.mark.parametrize(
    ("read_at", "policy"), [(NOON.isoformat(), "oldest"), (EARLIER, "sniper"), (LATER, "sniper")]
)
def test_of_monitor_and_backtest_the_later_counts_and_monitor_where_equal(desk, read_at, policy):
    store(desk, "backtest", verdict(50, claims=True), last_day="2016-04-30")
    close(desk, as_of=read_at)

    assert told(desk).policy == policy


@pytest.mark.parametrize(("last_day", "is_claimed"), [("2016-04-20", False), ("2016-04-21", True)])
def test_a_later_backtest_opens_only_by_later_days(desk, last_day, is_claimed):
    watch(desk)
    store(desk, "backtest", verdict(50, claims=True), as_of=LATER, last_day=last_day)

    assert told(desk, as_of=datetime.fromisoformat(LATER)).is_claimed == is_claimed


@pytest.mark.parametrize(
    "again",
    [
        {"as_of": NOON - timedelta(days=15)},
        {"as_of": NOON - timedelta(days=15), "closes": False},
        {"stakes": "others"},
        {"version": "v9"},
        {"closes": False},
    ],
    ids=["earlier", "earlier, open", "other costs", "other model", "open"],
)
def test_no_other_monitor_forgets_what_one_has_closed(desk, again):
    store(desk, "backtest", verdict(50, claims=True), as_of=EARLIER, last_day="2016-04-30")
    watch(desk)
    watch(desk, **again)

    assert not told(desk).is_claimed
    found = json.loads((desk.outputs / "monitor" / "summary.json").read_text())
    assert found["closed"] == found["closings"][-1]
    assert NOON.isoformat() in {each["as_of"] for each in found["closings"]}


def test_the_same_monitor_again_takes_its_own_place(desk):
    watch(desk)
    watch(desk)

    found = json.loads((desk.outputs / "monitor" / "summary.json").read_text())
    assert found["closings"] == [found["closed"]]


@pytest.mark.parametrize(
    ("changes", "is_claimed"),
    [
        ({"cut": LATER}, True),
        ({"cut": NOON.isoformat()}, True),
        ({"cut": EARLIER}, False),
        ({"cut": LATER, "files": MODEL["files"]}, False),
    ],
    ids=["trained since", "at that instant", "trained before", "the same model"],
)
def test_only_another_model_that_was_trained_since_opens(desk, changes, is_claimed):
    watch(desk)
    manifest = trained(claims=True)
    manifest |= {"training": {"cut": changes["cut"]}, "files": changes.get("files", {})}

    assert told(desk, manifest=manifest).is_claimed == is_claimed


def test_monitor_closes_every_capacity_also_one_that_is_the_desks_now(desk):
    store(desk, "backtest", verdict(25, claims=True), verdict(50, claims=True))
    close(desk)
    desk.sla.capacity_per_day = 25

    found = told(desk, 25)

    assert not found.is_claimed
    assert found.why == (
        "the monitor of 1 May 2016 found no measurable advantage in 20 days at 50 a day"
    )
    assert found.sentence == (
        f"no measurable advantage over oldest at 25 a day (difference $7 [5, 9], {found.why})"
    )


def test_a_claim_taken_back_says_as_well_that_the_rule_does_not_pay(desk):
    caveat = "escalating by oldest is not shown to pay: net saving -$9 [-12, -6]"
    store(desk, "backtest", verdict(25, claims=True) | {"caveat": caveat}, verdict(50, claims=True))
    close(desk)

    assert told(desk, 25).sentence.endswith(f"{told(desk, 25).why}); {caveat}")


def test_monitor_closes_what_training_opened(desk):
    close(desk)

    assert told(desk).policy == "oldest"


@pytest.mark.parametrize("kept", [(), (verdict(50, claims=True),)])
def test_monitor_without_a_finding_closes_nothing(desk, kept):
    store(desk, "monitor", *kept, closed=None)

    assert told(desk).sentence == "training says so"


@pytest.mark.parametrize(("claims", "policy"), [(True, "sniper"), (False, "oldest")])
def test_another_models_training_opens_what_monitor_closed_only_if_it_claims(desk, claims, policy):
    close(desk)

    assert told(desk, manifest=trained(claims=claims)).policy == policy


def test_a_training_on_later_days_takes_a_claim_back(desk):
    store(desk, "backtest", verdict(50, claims=True), last_day="2016-04-29")

    assert told(desk, manifest=trained(claims=True)).is_claimed
    found = told(desk, manifest=trained(claims=False))
    assert (found.policy, found.why) == ("oldest", "the training of 1 May 2016 found none")


@pytest.mark.parametrize("run_at", [EARLIER, NOON.isoformat(), LATER])
@pytest.mark.parametrize(("last_day", "is_claimed"), [("2016-04-29", True), ("2016-04-30", False)])
def test_days_tested_decide_and_not_what_ran_first(desk, run_at, last_day, is_claimed):
    store(desk, "backtest", verdict(50, claims=True), as_of=run_at, last_day="2016-04-29")
    manifest = trained(claims=False, last_day=last_day) | {"training": {"cut": NOON.isoformat()}}

    found = told(desk, manifest=manifest, as_of=datetime.fromisoformat(LATER))

    assert found.is_claimed == is_claimed


def test_an_older_training_was_tested_up_to_its_cut(desk):
    old = trained(claims=False)
    del old["evaluation"]["verdict"]["last_day"]
    store(desk, "backtest", verdict(50, claims=True), last_day="2016-04-30")
    assert not told(desk, manifest=old).is_claimed
    store(desk, "backtest", verdict(50, claims=True), last_day="2016-05-01")

    assert told(desk, manifest=old).is_claimed


def test_a_training_takes_back_what_is_claimed_at_its_capacity(desk):
    store(desk, "backtest", *(verdict(n, claims=True) for n in (25, 40, 50)), last_day="2016-04-29")
    desk.sla.capacity_per_day = 25
    manifest = trained(claims=False)

    assert [told(desk, n, manifest).is_claimed for n in (25, 40, 50)] == [True, True, False]
    assert told(desk, 50, manifest).why == "the training of 1 May 2016 found none at 50 a day"
    desk.sla.capacity_per_day = 50
    assert not any(told(desk, n, manifest).is_claimed for n in (25, 40, 50))


@pytest.mark.parametrize("other", [{"stakes": "x"}, {"capacity": 30}])
def test_training_of_something_else_takes_nothing_back(desk, other):
    store(desk, "backtest", verdict(50, claims=True), last_day="2016-04-29")

    assert told(desk, manifest=trained(claims=False, **other)).is_claimed


def test_a_later_training_opens_nothing_that_a_backtest_closed(desk):
    store(desk, "backtest", verdict(50, claims=False))

    assert not told(desk, manifest=trained(claims=True)).is_claimed


CLAIM, CLOSED = verdict(50, claims=True), verdict(50, claims=False)


@pytest.mark.parametrize(
    ("verb", "kept"),
    [
        ("backtest", {}),
        ("backtest", []),
        ("backtest", None),
        ("backtest", {"as_of": NOON.isoformat()}),
        ("backtest", {"as_of": "yesterday", "verdicts": []}),
        ("backtest", {"as_of": NOON.isoformat(), "verdicts": [{}]}),
        ("backtest", {"as_of": NOON.isoformat(), "verdicts": [CLAIM | {"advantage": []}]}),
        ("monitor", {}),
        ("monitor", []),
        ("monitor", {"closed": {}}),
        ("monitor", {"closed": {"as_of": NOON.isoformat(), "verdict": CLOSED}}),
    ],
)
def test_what_no_verb_has_kept_is_refused(desk, verb, kept):
    store(desk, verb)
    (desk.outputs / verb / "summary.json").write_text(json.dumps(kept))

    with pytest.raises(UnreadableFileError, match=f"not what `sniper {verb}` wrote"):
        told(desk)


def test_without_a_model_the_backtest_alone_counts(desk):
    store(desk, "backtest", verdict(50, claims=True))
    close(desk)

    assert told(desk, manifest=None).is_claimed
    with pytest.raises(LookupError, match="Nothing was measured at 25 a day"):
        told(desk, 25, manifest=None)


def test_page_knows_no_model_where_its_list_names_none(desk):
    desk.models = desk.outputs / "models"
    assert listing_model(desk) is None
    pl.DataFrame({"model_version": ["v1"]}).write_parquet(desk.outputs / "queue.parquet")

    assert listing_model(desk) is None


def test_an_empty_list_names_its_model_by_its_terms(desk, monkeypatch):
    desk.models = desk.outputs / "models"
    monkeypatch.setattr(verdicts, "read_manifest", lambda folder: {"version": folder.name})
    nobody = pl.DataFrame({"model_version": []}, schema={"model_version": pl.String})
    nobody.write_parquet(
        desk.outputs / "queue.parquet", metadata=Terms("ours", 50, None, "v7").about()
    )

    assert listing_model(desk) == {"version": "v7"}


def test_any_models_decay_counts_where_the_one_in_use_is_unknown(desk):
    close(desk)

    later = {"as_of": LATER, "last_day": "2016-04-30"}
    assert closed_since(desk, later | {"as_of": NOON.isoformat()}, None) is not None
    assert closed_since(desk, later, None) is None
