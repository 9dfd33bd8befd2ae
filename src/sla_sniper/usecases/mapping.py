"""sniper map: propose a mapping for a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sla_sniper.eventlog.guess import Guess, guess_mapping
from sla_sniper.sources import open_source
from sla_sniper.usecases.files import write_text
from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Proposal:
    """A commented `map.toml`, and what was guessed."""

    guess: Guess

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper map`."""
        return as_json(header("map", None) | self.guess.as_dict())


def propose_mapping(file: Path, *, delimiter: str = ",", out: Path | None = None) -> Proposal:
    """Read the beginning of a file and propose how it becomes an event log."""
    guess = guess_mapping(open_source(file, delimiter=delimiter), delimiter=delimiter)
    if out is not None:
        write_text(guess.text, out)
    return Proposal(guess)
