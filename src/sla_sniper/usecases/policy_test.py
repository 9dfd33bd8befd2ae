"""sniper policy test: the worked examples that a policy file carries, for CI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sla_sniper.config.service_levels import read_sla
from sla_sniper.config.worked_examples import NONE, read_examples
from sla_sniper.config.workspace import NotAWorkspaceError
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.instants import SECOND_US, zone
from sla_sniper.core.words import count
from sla_sniper.sla.worked_examples import SPANS, Outcome, play
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.sla.worked_examples import Difference, Value


class ExamplesFailedError(SlaSniperError):
    """Worked examples of a policy file that do not hold, or that are missing with --strict."""

    exit_code = 24

    def __init__(self, path: str, failed: tuple[str, ...], n_examples: int) -> None:
        super().__init__(path, failed, n_examples)
        self.path, self.failed, self.n_examples = path, failed, n_examples

    def __str__(self) -> str:
        if not self.n_examples:
            return f"{self.path} has no examples; write [[examples]], or leave out --strict."
        names = ", ".join(repr(name) for name in self.failed)
        return (
            f"{self.path}: {len(self.failed)} of {self.n_examples} examples do not hold: {names}; "
            "correct the policies, or what the examples expect."
        )


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """How the worked examples of a policy file went.

    Attributes
    ----------
    path : str
        The policy file.
    timezone : str
        Zone in which its times are read and written: that of its first calendar.
    outcomes : tuple of Outcome
        In the order of the file.
    notes : tuple of str
        What the file says and may not mean, a sentence each.
    """

    path: str
    timezone: str
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Examples that do not hold."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_as_expected)

    def lines(self, outcome: Outcome) -> tuple[str, ...]:
        """What is not as expected, a value a line."""
        if outcome.refusal:
            return (outcome.refusal,)
        return tuple(
            f"{_place(each)}: expected {self._text(each.key, each.expected)}, "
            f"got {self._text(each.key, each.actual)}"
            for each in outcome.differences
        )

    def sentence(self) -> str:
        """Say how many examples hold."""
        if not self.outcomes:
            return f"{self.path} has no examples."
        n_held = len(self.outcomes) - len(self.failed)
        return f"{n_held:,} of {count(len(self.outcomes), 'example')} of {self.path} hold."

    def require(self, *, is_strict: bool = False) -> None:
        """Raise unless everything holds.

        Raises
        ------
        ExamplesFailedError
            If an example does not hold, or there is none and `is_strict`.
        """
        if self.failed or (is_strict and not self.outcomes):
            names = tuple(outcome.example.name for outcome in self.failed)
            raise ExamplesFailedError(self.path, names, len(self.outcomes))

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper policy test`."""
        return header("policy_test", None) | {
            "file": self.path,
            "timezone": self.timezone,
            "n_examples": len(self.outcomes),
            "n_failed": len(self.failed),
            "examples": [self._told(outcome) for outcome in self.outcomes],
            "notes": list(self.notes),
        }

    def _told(self, outcome: Outcome) -> dict[str, Any]:
        return {
            "name": outcome.example.name,
            "as_of": outcome.example.as_of.isoformat(),
            "holds": outcome.is_as_expected,
            "refusal": outcome.refusal or None,
            "differences": [
                {
                    "metric": each.metric,
                    "cycle": each.cycle or None,
                    "key": each.key,
                    "expected": self._text(each.key, each.expected),
                    "actual": self._text(each.key, each.actual),
                }
                for each in outcome.differences
            ],
        }

    def _text(self, key: str, value: Value) -> str:
        """Write a value as an example writes it."""
        if value is None:
            return NONE
        if isinstance(value, datetime):
            return value.astimezone(zone(self.timezone)).isoformat()
        if isinstance(value, bool):
            return str(value).lower()
        return duration_text(int(value)) if key in SPANS else str(value)


def run_examples(folder: Path, file: Path | None = None) -> PolicyTest:
    """Play every worked example of a policy file.

    Parameters
    ----------
    folder : Path
        The workspace; its `sla.toml` is read where no file is named.
    file : Path, optional
        Another policy file.

    Raises
    ------
    NotAWorkspaceError
        If no file is named and the folder has none.
    ConfigurationError
        If the file, or any example in it, cannot be read; every problem at once.
    """
    path = folder / "sla.toml" if file is None else file
    if file is None and not path.is_file():
        raise NotAWorkspaceError(str(folder))
    settings = read_sla(path)
    played = (play(example, settings.levels) for example in read_examples(path, settings))
    return PolicyTest(str(path), settings.timezone, tuple(played), settings.notes)


def duration_text(us: int) -> str:
    """Write a duration as policies write it, exactly; a negative one has a sign.

    Examples
    --------
    >>> duration_text(5_400_000_000), duration_text(0), duration_text(-61_500_000)
    ('1h30m', '0m', '-1m1.5s')
    """
    minutes, rest = divmod(abs(us), 60 * SECOND_US)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // SECOND_US}.{rest % SECOND_US:06}".rstrip("0").rstrip(".")
    parts = ((str(hours), "h"), (str(minutes), "m"), (seconds, "s"))
    text = "".join(number + unit for number, unit in parts if number != "0")
    return ("-" if us < 0 else "") + (text or "0m")


def _place(difference: Difference) -> str:
    cycle = f"[{difference.cycle}]" if difference.cycle else ""
    return f"{difference.metric}{cycle}.{difference.key}"
