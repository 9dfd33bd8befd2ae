from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
import zipfile
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sla_sniper.core.errors import DiskFullError, NotEnoughHistoryError, WorkspaceError
from sla_sniper.core.schema import INSTANT
from sla_sniper.model import bundle as bundle_module
from sla_sniper.model.bundle import Evidence, load_bundle, read_manifest, save_bundle
from sla_sniper.model.estimators import ESTIMATORS, make_estimator
from sla_sniper.model.evaluation import EvaluationRows, evaluate
from sla_sniper.model.forecast import EdfValue, train_model
from sla_sniper.model.metrics import auc
from sla_sniper.model.probability import expit, logit
from sla_sniper.model.split import training_rows
from sla_sniper.snapshots.features import FEATURES, Feature

NAMES = tuple(ESTIMATORS)
START = datetime(2016, 2, 1, tzinfo=UTC)
CUT = datetime(2016, 3, 28, tzinfo=UTC)  # the Monday after the clocks change
ALL = (*FEATURES, Feature("group", "category", "group"))
N = 3000


def make_snapshots(seed=0, n=N):
    """Draw a desk whose breaches depend on slack, silence and the group, and on chance."""
    generator = np.random.default_rng(seed)
    numbers = {one.name: generator.gamma(2.0, 4.0, n) for one in FEATURES if one.kind == "number"}
    numbers["hours_since_reply"][generator.random(n) < 0.3] = np.nan
    groups = generator.integers(0, 8, n)
    words = {one.name: np.char.add("level ", generator.integers(0, 5, n).astype(str))
             for one in ALL if one.kind == "category"}  # fmt: skip
    words["group"] = np.char.add("group ", groups.astype(str))
    landmark = np.sort(generator.integers(0, 60 * 24, n))
    log_odds = 1.5 - 0.35 * numbers["slack_h"] + 0.12 * numbers["hours_since_event"]
    breached = generator.random(n) < expit(log_odds + 1.5 * (groups == 3) - 0.5)
    due = landmark + np.ceil(numbers["slack_h"])
    known = np.where(breached, due, landmark + np.ceil(numbers["slack_h"] * generator.random(n)))
    return pl.DataFrame({
        **{name: pl.Series(values).fill_nan(None) for name, values in numbers.items()},
        **words,
        "landmark": _instants(landmark),
        "decidable_at": _instants(due),
        "label_known_at": _instants(known),
        "source": ["desk"] * n,
        "ticket_id": [f"INC{at % (n // 2):07d}" for at in range(n)],
        "metric": ["resolution_time"] * n,
        "policy": ["standard"] * n,
        "cycle": [1] * n,
        "slack_us": (numbers["slack_h"] * 3.6e9).astype(np.int64),
        "breached": breached,
        "observed_h": np.minimum(known - landmark, numbers["slack_h"]),
    })  # fmt: skip


def _instants(hours):
    microseconds = (np.asarray(hours) * 3_600_000_000).astype(np.int64)
    return pl.Series(microseconds).cast(pl.Duration("us")) + pl.Series([START], dtype=INSTANT)


SNAPSHOTS = make_snapshots()
TEST = SNAPSHOTS.filter(pl.col("landmark") >= CUT)


def train(name, snapshots=SNAPSHOTS, **changes):
    return train_model(
        snapshots, **{"name": name, "features": ALL, "as_of": CUT, "num_threads": 1, **changes}
    )


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return train(request.param)


@pytest.fixture(scope="module")
def logistic():
    return train("logistic")


@pytest.fixture(scope="module")
def evidence(logistic):
    rows = EvaluationRows(
        TEST["breached"].to_numpy(),
        TEST["landmark"].dt.date().to_numpy(),
        TEST["landmark"].to_numpy(),
        n_resamples=50,
    )
    scores = {"edf": -TEST["slack_us"].cast(pl.Float64).to_numpy(), "p": logistic.predict(TEST)}
    table = evaluate(rows, scores, probabilities={"p"}, reference="edf")
    return Evidence(table, CUT, CUT + timedelta(days=4))


# What an estimator promises


def test_probabilities_lie_between_zero_and_one(model):
    p = model.predict(TEST)

    assert p.shape == (TEST.height,)
    assert ((p >= 0) & (p <= 1)).all()


def test_a_planted_signal_is_found(model):
    assert auc(TEST["breached"].to_numpy(), model.predict(TEST)) > 0.75


def test_contributions_sum_to_the_log_odds(model):
    log_odds = logit(model.estimator.predict_proba(TEST))

    explained = model.estimator.bias + model.contributions(TEST).sum(axis=1)

    assert np.allclose(explained, log_odds, atol=1e-6)


def test_planted_features_contribute_most(model):
    strength = np.abs(model.contributions(TEST)).mean(axis=0)

    strongest = [ALL[at].name for at in np.argsort(-strength)[:2]]

    assert strongest == ["slack_h", "hours_since_event"]


def test_predictions_do_not_depend_on_row_order(model):
    shuffled = np.random.default_rng(1).permutation(TEST.height)

    assert np.array_equal(model.predict(TEST[shuffled]), model.predict(TEST)[shuffled])


def test_predictions_do_not_depend_on_neighbours(model):
    assert np.array_equal(model.predict(TEST[:7]), model.predict(TEST)[:7])


def test_no_rows_get_no_predictions(model):
    nothing = TEST.head(0)

    assert model.predict(nothing).shape == (0,)
    assert model.contributions(nothing).shape == (0, len(ALL))


def test_a_saved_model_predicts_the_same_to_the_bit(model, evidence, tmp_path):
    loaded = load_bundle(save_bundle(model, tmp_path, evidence=evidence))

    assert np.array_equal(loaded.predict(TEST), model.predict(TEST))
    assert np.array_equal(loaded.contributions(TEST), model.contributions(TEST))


def test_nothing_saved_is_a_pickle(model, evidence, tmp_path):
    folder = save_bundle(model, tmp_path, evidence=evidence)

    assert {path.suffix for path in folder.iterdir()} <= {".json", ".md", ".txt", ".skops"}


def test_missing_values_are_predicted(model):
    blank = TEST.with_columns(
        pl.lit(None).cast(TEST.schema[one.name]).alias(one.name) for one in ALL
    )

    assert np.isfinite(model.predict(blank)).all()


def test_unknown_estimators_are_refused():
    with pytest.raises(ValueError, match="lightgbm, logistic, random_forest"):
        make_estimator("oracle", ALL)


# What training promises


@pytest.mark.parametrize("name", ["lightgbm", "logistic"])
def test_training_does_not_depend_on_row_order(name):
    model = train(name, SNAPSHOTS.sample(fraction=1.0, shuffle=True, seed=2))

    assert np.array_equal(model.predict(TEST), train(name).predict(TEST))


@pytest.mark.parametrize("name", ["lightgbm", "logistic"])
def test_shuffled_labels_forecast_nothing(name):
    shuffled = SNAPSHOTS.with_columns(pl.col("breached").shuffle(seed=3))
    model = train(name, shuffled)

    assert auc(TEST["breached"].shuffle(seed=4).to_numpy(), model.predict(TEST)) == pytest.approx(
        0.5, abs=0.1
    )


def test_labels_shuffled_within_days_forecast_nothing():
    many, cut = make_snapshots(n=20_000), datetime(2016, 3, 14, tzinfo=UTC)
    day = pl.col("landmark").dt.date()
    shuffled = many.with_columns(pl.col("breached").shuffle(seed=5).over(day))
    later = shuffled.filter(pl.col("landmark") >= cut)

    p = train("lightgbm", shuffled, as_of=cut).predict(later)

    assert 0.47 <= auc(later["breached"].to_numpy(), p) <= 0.53


def test_a_small_desk_is_forecast_the_same_with_any_number_of_threads():
    one, four = (train("lightgbm", num_threads=threads) for threads in (1, 4))

    np.testing.assert_array_equal(one.predict(TEST), four.predict(TEST))


def test_models_fitted_side_by_side_leave_the_filters_of_warnings_alone(logistic):
    before = list(warnings.filters)

    again = train("logistic")

    assert warnings.filters == before
    np.testing.assert_array_equal(again.predict(TEST), logistic.predict(TEST))


def test_the_same_seed_forecasts_the_same_to_the_bit(model):
    again = train(model.name).predict(TEST)

    assert np.array_equal(again, model.predict(TEST))


@pytest.mark.parametrize("name", ["lightgbm", "logistic"])
def test_labels_after_the_cut_change_nothing(name):
    chosen = training_rows(SNAPSHOTS, cut=CUT)
    other = SNAPSHOTS.with_columns(
        pl.when(pl.Series(chosen)).then("breached").otherwise(~pl.col("breached")).alias("breached")
    )

    assert np.array_equal(train(name, other).predict(TEST), train(name).predict(TEST))


def test_newest_labels_never_reach_the_earlier_fit(monkeypatch):
    fitted = []
    original = ESTIMATORS["logistic"].fit

    def spying(self, X, y):
        fitted.append((X["landmark"].max(), X["label_known_at"].max()))
        return original(self, X, y)

    monkeypatch.setattr(ESTIMATORS["logistic"], "fit", spying)
    train("logistic")

    _, (last_landmark, last_label) = fitted
    assert last_landmark < last_label <= datetime(2016, 3, 14, tzinfo=UTC)


def test_distorted_forecasts_get_calibrated(monkeypatch):
    estimator = ESTIMATORS["logistic"]
    original = estimator.predict_proba
    monkeypatch.setattr(
        estimator, "predict_proba", lambda self, X: expit(4 * logit(original(self, X)) + 2)
    )

    assert train("logistic").calibrator.name != "none"


def test_training_facts_count_what_was_left_out(logistic):
    facts = logistic.training
    n_before = SNAPSHOTS.filter(pl.col("landmark") < CUT).height

    assert facts.n_rows + facts.n_embargoed == n_before
    assert facts.n_embargoed > 0


def test_other_data_have_another_hash(logistic):
    changed = SNAPSHOTS.with_columns(slack_h=pl.col("slack_h") + 1)

    assert train("logistic", changed).training.data_hash != logistic.training.data_hash


def test_too_few_tickets_are_not_trained_on():
    with pytest.raises(NotEnoughHistoryError):
        train("logistic", SNAPSHOTS.head(150))


def test_one_long_day_leaves_probabilities_alone():
    one_day = SNAPSHOTS.with_columns(landmark=pl.lit(START, INSTANT))

    assert train("lightgbm", one_day).calibrator.name == "none"


def test_the_value_of_slack_never_rises(logistic):
    p = logistic.edf_value.predict(np.linspace(-1e9, 1e11, 500))

    assert (np.diff(p) <= 0).all()
    assert p[0] > p[-1]


def test_the_value_of_slack_survives_json(logistic):
    state = json.loads(json.dumps(logistic.edf_value.state()))

    assert EdfValue.from_state(state) == logistic.edf_value


def test_importing_the_model_loads_no_learner():
    code = (
        "import sys, sla_sniper.model.bundle, sla_sniper.model.evaluation, "
        "sla_sniper.model.reasons;"
        "print({'lightgbm', 'sklearn', 'scipy', 'skops'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


# What a bundle promises


@pytest.fixture
def folder(logistic, evidence, tmp_path):
    return save_bundle(logistic, tmp_path, evidence=evidence)


def test_the_same_training_has_the_same_version(folder, evidence, tmp_path):
    again = save_bundle(train("logistic"), tmp_path / "elsewhere", evidence=evidence)

    assert again.name == folder.name


def test_a_version_names_cut_and_estimator(folder):
    assert folder.name.startswith("20160328T000000Z-logistic-")


def test_another_seed_has_another_version(folder, evidence, tmp_path):
    other = save_bundle(train("logistic", seed=1), tmp_path, evidence=evidence)

    assert other != folder


def test_saving_twice_leaves_one_bundle(folder, logistic, evidence):
    save_bundle(logistic, folder.parent, evidence=evidence)

    assert list(folder.parent.iterdir()) == [folder]


def test_a_damaged_bundle_is_replaced(folder, logistic, evidence):
    (folder / "logistic.json").write_text("{}")

    save_bundle(logistic, folder.parent, evidence=evidence)

    assert load_bundle(folder).name == "logistic"


@pytest.mark.parametrize("name", ["logistic.json", "card.md"])
def test_a_changed_file_is_refused(folder, name):
    with (folder / name).open("a") as file:
        file.write(" ")

    with pytest.raises(WorkspaceError, match=f"{name} was changed"):
        load_bundle(folder)


def test_a_missing_file_is_refused(folder):
    (folder / "logistic.json").unlink()

    with pytest.raises(WorkspaceError, match="no complete bundle"):
        load_bundle(folder)


def test_a_changed_manifest_is_refused(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 9'))

    with pytest.raises(WorkspaceError, match=r"manifest\.json was changed"):
        load_bundle(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}"], ids=["empty", "list", "bare"])
def test_what_is_no_bundle_is_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)

    with pytest.raises(WorkspaceError, match="no complete bundle"):
        load_bundle(tmp_path)


def test_a_newer_schema_is_refused(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("bundle/1", "bundle/2"))

    with pytest.raises(WorkspaceError, match="schema"):
        load_bundle(folder)


def test_a_forest_with_foreign_types_is_not_opened(tmp_path, evidence):
    folder = save_bundle(train("random_forest"), tmp_path, evidence=evidence)
    schema = {"__class__": "system", "__module__": "os", "__loader__": "TypeNode", "__id__": 1}
    schema |= {"content": None, "protocol": 2, "_skops_version": "0.16.0"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("schema.json", json.dumps(schema))
    (folder / "forest.skops").write_bytes(archive.getvalue())

    with pytest.raises(WorkspaceError, match=r"os\.system"):
        ESTIMATORS["random_forest"].load(folder)


def test_a_full_disk_leaves_nothing_behind(logistic, evidence, tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(bundle_module, "_to_disk", full)

    with pytest.raises(DiskFullError):
        save_bundle(logistic, tmp_path / "models", evidence=evidence)
    assert list((tmp_path / "models").iterdir()) == []


def test_the_manifest_tells_metrics_with_intervals(folder):
    line = read_manifest(folder)["evaluation"]["metrics"][0]

    assert {"score", "metric", "estimate", "low", "high", "difference"} <= line.keys()


@pytest.mark.parametrize(
    "words",
    ["label-time embargo", "bootstrap over days", "| AUC | p |", "## Limits", "not for judging"],
)
def test_the_card_says_what_matters(folder, words):
    assert words in (folder / "card.md").read_text()


def test_an_untested_model_says_so(logistic, evidence, tmp_path):
    untested = Evidence(evidence.metrics.clear(), CUT, CUT)

    folder = save_bundle(logistic, tmp_path, evidence=untested)

    assert "Not evaluated" in (folder / "card.md").read_text()
