"""A saved forecast: a folder of text, its manifest and its card; never a pickle.

::

    models/20160401T060000Z-lightgbm-1f0c9a3b/
        manifest.json   what it is, what it learnt from, how good it was, a hash of each file
        card.md         the same for people
        model.txt, encoding.json | logistic.json | forest.skops, encoding.json

The version is made of the cut, the estimator and a hash of the contents, so that training
twice on the same data gives the same folder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import DiskFullError, WorkspaceError
from sla_sniper.model.calibration import Calibrator
from sla_sniper.model.card import model_card
from sla_sniper.model.estimators import ESTIMATORS
from sla_sniper.model.forecast import BreachModel, EdfValue, TrainingFacts
from sla_sniper.snapshots.features import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

SCHEMA = "sla_sniper.bundle/1"
MANIFEST, CARD = "manifest.json", "card.md"

_LIBRARIES = {
    "hazard": (),
    "lightgbm": ("lightgbm",),
    "logistic": ("scikit-learn",),
    "random_forest": ("scikit-learn", "skops"),
}
_UNREPEATABLE = ".skops"
"""A zip with the hour of writing in it: its hash guards the file but cannot name a version."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the recipe did on days it had not seen.

    Attributes
    ----------
    metrics : DataFrame
        As `evaluation.evaluate` returns it.
    cut, until : datetime
        The recipe was fitted at `cut` and tested on the days from there to `until`, excluded.
    verdict : mapping
        What the honesty gate lets the queue claim and rank by.
    """

    metrics: pl.DataFrame
    cut: datetime
    until: datetime
    verdict: Mapping[str, Any] = field(default_factory=dict)


def save_bundle(model: BreachModel, models: Path, *, evidence: Evidence) -> Path:
    """Write a forecast into its own folder under `models`, whole or not at all.

    Returns
    -------
    folder : Path
        ``models/<version>``; one that is there already and intact is left as it is.

    Raises
    ------
    DiskFullError
        If there is no room; nothing is left behind.
    """
    with _room_in(models):
        models.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".writing-", dir=models))
        try:
            manifest = _write(model, staged, evidence)
            return _publish(staged, models / manifest["version"])
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def load_bundle(folder: Path) -> BreachModel:
    """Read a saved forecast after checking every file against the manifest.

    Raises
    ------
    WorkspaceError
        If the folder is no bundle, of a newer schema, or any file was changed.
    """
    manifest = read_manifest(folder)
    estimator = ESTIMATORS[manifest["estimator"]].load(folder)
    return BreachModel(
        manifest["estimator"],
        tuple(Feature(*one) for one in manifest["features"]),
        estimator,
        Calibrator.from_state(manifest["calibrator"]),
        EdfValue.from_state(manifest["edf_value"]),
        TrainingFacts(**_with_instants(manifest["training"])),
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and verify the manifest of a bundle, and the hash of each file it names.

    Raises
    ------
    WorkspaceError
        As `load_bundle`.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["schema"] != SCHEMA:
            raise _refusal(folder, f"it is of schema {manifest['schema']!r}, not {SCHEMA!r}")
        if manifest["version"] != _version(manifest):
            raise _refusal(folder, f"{MANIFEST} was changed after training")
        for name, expected in manifest["files"].items():
            if _sha256(folder / name) != expected:
                raise _refusal(folder, f"{name} was changed after training")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _refusal(folder, f"it is no complete bundle ({type(error).__name__})") from error
    return manifest


def _write(model: BreachModel, staged: Path, evidence: Evidence) -> dict[str, Any]:
    model.estimator.save(staged)
    manifest = _manifest(model, evidence)
    manifest["files"] = {path.name: _sha256(path) for path in sorted(staged.iterdir())}
    manifest["version"] = _version(manifest)
    (staged / CARD).write_text(model_card(manifest), encoding="utf-8")
    manifest["files"][CARD] = _sha256(staged / CARD)
    text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False)
    (staged / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def _manifest(model: BreachModel, evidence: Evidence) -> dict[str, Any]:
    libraries = ("numpy", "polars", *_LIBRARIES[model.name])
    return {
        "schema": SCHEMA,
        "estimator": model.name,
        "features": [[one.name, one.kind, one.cause] for one in model.features],
        "training": _with_text(asdict(model.training)),
        "calibrator": model.calibrator.state(),
        "edf_value": model.edf_value.state(),
        "evaluation": {
            "cut": _text(evidence.cut),
            "until": _text(evidence.until),
            "metrics": evidence.metrics.fill_nan(None).to_dicts(),
            "verdict": dict(evidence.verdict),
        },
        "libraries": {name: installed(name) for name in libraries},
    }


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Hash what forecasts, whatever it was evaluated under: equal for the same forecasts."""
    contents = {key: manifest[key] for key in ("estimator", "features", "calibrator")}
    text = json.dumps({**contents, "files": _repeatable(manifest)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _repeatable(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: digest
        for name, digest in manifest["files"].items()
        if name != CARD and not name.endswith(_UNREPEATABLE)
    }


def _version(manifest: Mapping[str, Any]) -> str:
    contents = {key: value for key, value in manifest.items() if key != "version"}
    text = json.dumps({**contents, "files": _repeatable(manifest)}, sort_keys=True, allow_nan=False)
    cut = datetime.fromisoformat(manifest["training"]["cut"])
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{cut:%Y%m%dT%H%M%SZ}-{manifest['estimator']}-{digest}"


def _publish(staged: Path, folder: Path) -> Path:
    """Make the staged folder visible under its version in one step."""
    for path in staged.iterdir():
        _to_disk(path)
    staged.chmod(0o755)
    if folder.exists():
        try:
            read_manifest(folder)
        except WorkspaceError:
            shutil.rmtree(folder)  # damaged: nothing can read it any more
        else:
            return folder
    staged.rename(folder)
    _to_disk(folder.parent)
    return folder


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(str(folder)) from error
        raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refusal(folder: Path, reason: str) -> WorkspaceError:
    return WorkspaceError(
        f"The model {folder} was refused: {reason}; train it again with `sniper train`."
    )


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


_INSTANTS = ("cut", "first_landmark", "last_landmark")


def _with_text(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, **{name: _text(facts[name]) for name in _INSTANTS}}


def _with_instants(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, **{name: datetime.fromisoformat(facts[name]) for name in _INSTANTS}}
