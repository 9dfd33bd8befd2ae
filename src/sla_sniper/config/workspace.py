"""The workspace: a folder with its settings, its tables and its models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from sla_sniper.config.documents import Strict, read_document
from sla_sniper.config.service_levels import SlaSettings, read_sla
from sla_sniper.config.values import Moment, instant, is_instant, span_seconds, time_seconds
from sla_sniper.core.errors import WorkspaceError
from sla_sniper.core.instants import zone
from sla_sniper.snapshots.landmarks import LandmarkRule

if TYPE_CHECKING:
    from pathlib import Path

STALE_AFTER = timedelta(days=7)


class NotAWorkspaceError(WorkspaceError):
    """The folder has no configuration."""

    exit_code = 33

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"{self.folder} is no workspace: it has no sla.toml. "
            f"Create one with `sniper init {self.folder}`, or name one with --workspace."
        )


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A period that training or diagnosis leaves out, with its reason."""

    start: datetime
    end: datetime
    reason: str
    use: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder and what its configuration says."""

    folder: Path
    sla: SlaSettings
    landmarks: LandmarkRule
    as_of: datetime | Literal["now", "log_end"]
    exclusions: tuple[Exclusion, ...]

    @property
    def tables(self) -> Path:
        """Delta tables."""
        return self.folder / "tables"

    @property
    def models(self) -> Path:
        """Bundles, one folder each."""
        return self.folder / "models"

    @property
    def outputs(self) -> Path:
        """Reports and the latest backtest."""
        return self.folder / "outputs"

    def moment(
        self, asked: datetime | None, *, now: datetime, log_end: datetime
    ) -> tuple[datetime, str]:
        """Decide `as_of`, and say why in a few words.

        A log whose last event is older than seven days is read as of its end, unless an
        instant was asked for.
        """
        if asked is not None:
            return asked, "as asked"
        if isinstance(self.as_of, datetime):
            return self.as_of, "set in sniper.toml"
        if self.as_of == "log_end":
            return log_end, "end of the log, set in sniper.toml"
        if now - log_end > STALE_AFTER:
            return log_end, "end of the log, which is older than 7 days"
        return now, "now"


def open_workspace(folder: Path) -> Workspace:
    """Read the configuration of a workspace.

    Raises
    ------
    NotAWorkspaceError
        If the folder has no `sla.toml`.
    ConfigurationError
        If a file says something impossible.
    """
    if not (folder / "sla.toml").is_file():
        raise NotAWorkspaceError(str(folder))
    sla = read_sla(folder / "sla.toml")
    path = folder / "sniper.toml"
    settings = read_document(path, _Document) if path.is_file() else _Document()
    landmarks = settings.landmarks.rule(sla.timezone)
    return Workspace(
        folder=folder,
        sla=sla,
        landmarks=landmarks,
        as_of=settings.moment(landmarks.timezone),
        exclusions=tuple(each.exclusion(sla.timezone) for each in settings.exclusions),
    )


class _Landmarks(Strict):
    timezone: str | None = None
    hours: str = "08:00-18:00"
    day_at: str = "08:00"

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone(value)
        return value

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        begin, end = span_seconds(value)
        if end < begin:
            raise ValueError("hours of landmarks cannot run past midnight")
        if -(-begin // 3600) * 3600 >= end:
            raise ValueError("hours of landmarks must hold a full hour")
        return value

    @field_validator("day_at")
    @classmethod
    def _day_at(cls, value: str) -> str:
        time_seconds(value)
        return value

    def rule(self, timezone: str) -> LandmarkRule:
        opens, closes = span_seconds(self.hours)
        return LandmarkRule(self.timezone or timezone, opens, closes, time_seconds(self.day_at))


class _Exclusion(Strict):
    from_: Moment = Field(alias="from")
    to: Moment
    reason: str
    use: tuple[Literal["training", "diagnosis"], ...] = ("training", "diagnosis")

    @field_validator("to")
    @classmethod
    def _ordered(cls, value: date | datetime | str, info: ValidationInfo) -> object:
        if "from_" in info.data and instant(value) <= instant(info.data["from_"]):
            raise ValueError("`to` must be later than `from`")
        return value

    def exclusion(self, timezone: str) -> Exclusion:
        start, end = (instant(value, timezone=timezone) for value in (self.from_, self.to))
        return Exclusion(start, end, self.reason, self.use)


class _Document(Strict):
    as_of: date | datetime | str = "now"
    landmarks: _Landmarks = _Landmarks()
    exclusions: tuple[_Exclusion, ...] = ()

    @field_validator("as_of", mode="before")
    @classmethod
    def _as_of(cls, value: Any) -> Any:  # noqa: ANN401
        return value if value in {"now", "log_end"} else is_instant(value)

    def moment(self, timezone: str) -> datetime | Literal["now", "log_end"]:
        if self.as_of == "now":
            return "now"
        if self.as_of == "log_end":
            return "log_end"
        return instant(self.as_of, timezone=timezone)
