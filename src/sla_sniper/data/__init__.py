"""Files that come with the package: the demo log, templates of a workspace, the notebook."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the files of the demo are.

    Attributes
    ----------
    log : Path
        ServiceNow incidents of March and April 2016, gzipped CSV, one row an update (CC BY 4.0).
    mapping : Path
        Its `map.toml`.
    service_levels : Path
        Its `sla.toml`: the resolution promise, the costs and the capacity of the demo.
    settings : Path
        Its `sniper.toml`.
    attribution : Path
        Who made the log, its licence and what was changed.
    """

    log: Path
    mapping: Path
    service_levels: Path
    settings: Path
    attribution: Path


def demo_files() -> DemoFiles:
    """Return the files of the demo, from a checkout or an installed wheel.

    Examples
    --------
    >>> demo_files().log.name
    'servicenow_incidents_2016.csv.gz'
    """
    folder = _folder("servicenow")
    return DemoFiles(
        log=folder / "servicenow_incidents_2016.csv.gz",
        mapping=folder / "map.toml",
        service_levels=folder / "sla.toml",
        settings=folder / "sniper.toml",
        attribution=folder / "ATTRIBUTION.md",
    )


def template_files() -> tuple[Path, ...]:
    """Return the commented configuration that `sniper init` copies; each is valid as it stands.

    Examples
    --------
    >>> [path.name for path in template_files()]
    ['sniper.toml', 'sla.toml', 'map.toml']
    """
    folder = _folder("templates")
    return tuple(folder / name for name in ("sniper.toml", "sla.toml", "map.toml"))


def master_notebook() -> Path:
    """Return the cells of the master notebook, as a script in jupytext's percent format.

    Examples
    --------
    >>> master_notebook().name
    'SLA_Optimization_Master.py'
    """
    return _folder("notebook") / "SLA_Optimization_Master.py"


def _folder(name: str) -> Path:
    # An installed wheel is always unpacked, so that a resource is a file with a path.
    return Path(str(files(__name__))) / name
