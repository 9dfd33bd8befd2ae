"""Which saved model is in use: for a command as of an instant, and for the page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sla_sniper.model.bundle import read_manifest
from sla_sniper.snapshots.features import FEATURES, kept_features
from sla_sniper.usecases.desk import kept_by, read_mappings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.usecases.desk import Desk


def known_bundle(desk: Desk) -> Path | None:
    """Newest bundle that knows nothing after `as_of` and forecasts today's promises.

    Of several with the same cut the one trained last counts.

    A bundle trained under other calendars or policies, or on columns that the log no longer
    keeps, does not count.
    """
    found = _newest(desk.workspace, desk.keep, until=desk.as_of)
    return None if found is None else found[0]


def model_in_use(workspace: Workspace) -> dict[str, Any] | None:
    """Manifest of the bundle by which a list made now would be ranked; None where there is none.

    Raises
    ------
    WorkspaceError
        If a bundle is damaged.
    """
    until = workspace.as_of if isinstance(workspace.as_of, datetime) else None
    found = _newest(workspace, kept_by(read_mappings(workspace.folder)), until=until)
    return None if found is None else found[1]


def _newest(
    workspace: Workspace, keep: Sequence[str], *, until: datetime | None
) -> tuple[Path, dict[str, Any]] | None:
    features = {feature.name for feature in (*FEATURES, *kept_features(keep))}
    known = []
    for path in sorted(workspace.models.glob("*/manifest.json")):
        manifest = read_manifest(path.parent)
        cut = datetime.fromisoformat(manifest["training"]["cut"])
        is_of_promise = manifest["evaluation"]["verdict"].get("promise") == workspace.sla.promise
        is_readable = {name for name, *_ in manifest["features"]} <= features
        if is_of_promise and is_readable and (until is None or cut <= until):
            known.append((cut, path.stat().st_mtime_ns, path.parent, manifest))
    if not known:
        return None
    *_, folder, manifest = max(known, key=lambda each: each[:3])
    return folder, manifest
