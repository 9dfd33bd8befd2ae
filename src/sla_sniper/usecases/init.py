"""sniper init: a workspace with commented configuration."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sla_sniper.config.documents import nearest
from sla_sniper.core.errors import ConfigurationError, WorkspaceError
from sla_sniper.usecases.files import write_text
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

_ALIASES = {"request_tracker": "rt"}
CONFIGURATION = ("sniper.toml", "sla.toml", "map.toml")


class WorkspaceExistsError(WorkspaceError):
    """The folder has configuration already."""

    exit_code = 36

    def __init__(self, folder: str, found: tuple[str, ...]) -> None:
        super().__init__(folder, found)
        self.folder, self.found = folder, found

    def __str__(self) -> str:
        return (
            f"{self.folder} already has {', '.join(self.found)}; "
            "nothing was changed. Name another folder, or edit those files."
        )


@dataclass(frozen=True, slots=True)
class NewWorkspace:
    """Where the workspace is and what was written."""

    folder: Path
    written: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper init`."""
        return header("init", None) | {"workspace": str(self.folder), "written": [*self.written]}


def presets() -> tuple[str, ...]:
    """Names of the help desks whose rules `init_workspace` can write as `sla.toml`.

    Examples
    --------
    >>> "zendesk" in presets()
    True
    """
    found = (file.name for file in (files("sla_sniper.data") / "presets").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def init_workspace(folder: Path, *, package: str = "templates", preset: str = "") -> NewWorkspace:
    """Write commented configuration into a folder that has none.

    Parameters
    ----------
    folder : Path
        The workspace to be.
    package : str
        Which configuration of the package to copy.
    preset : str
        One of `presets`, whose rules become `sla.toml`; a hyphen is as good as an underscore.
        Empty for the one of `package`.

    Raises
    ------
    WorkspaceExistsError
        If any of the files is there already.
    ConfigurationError
        If there is no such preset.
    """
    service_levels = _preset(preset) if preset else None
    found = tuple(name for name in CONFIGURATION if (folder / name).exists())
    if found:
        raise WorkspaceExistsError(str(folder), found)
    templates = files("sla_sniper.data") / package
    for name in CONFIGURATION:
        source = service_levels if service_levels and name == "sla.toml" else templates / name
        write_text(source.read_text(encoding="utf-8"), folder / name)
    return NewWorkspace(folder, CONFIGURATION)


def _preset(name: str) -> Traversable:
    known = presets()
    written = name.strip().lower().replace("-", "_")
    meant_by = _ALIASES.get(written, written)
    if meant_by not in known:
        meant = nearest(name, known)
        listed = f"{meant}; known are {', '.join(known)}" if meant.startswith(" ") else meant
        raise ConfigurationError("--preset", (f"no preset is called {name!r}{listed}",))
    return files("sla_sniper.data") / "presets" / f"{meant_by}.toml"
