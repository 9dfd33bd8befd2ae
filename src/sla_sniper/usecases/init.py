"""sniper init: a workspace with commented configuration."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sla_sniper.core.errors import WorkspaceError
from sla_sniper.usecases.files import write_text
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from pathlib import Path

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


def init_workspace(folder: Path, *, package: str = "templates") -> NewWorkspace:
    """Write commented configuration into a folder that has none.

    Raises
    ------
    WorkspaceExistsError
        If any of the files is there already.
    """
    found = tuple(name for name in CONFIGURATION if (folder / name).exists())
    if found:
        raise WorkspaceExistsError(str(folder), found)
    templates = files("sla_sniper.data") / package
    for name in CONFIGURATION:
        write_text((templates / name).read_text(encoding="utf-8"), folder / name)
    return NewWorkspace(folder, CONFIGURATION)
