"""sniper verify: every number of a deck, computed anew from the log.

Nothing that was kept is believed: the diagnosis is made again, and the past days are replayed
again with the settings that the deck was made with. What is compared is what the slides say.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.core.errors import InputError, SlaSniperError, UnreadableFileError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.words import count
from sla_sniper.outputs.deck_comparison import Comparison, compare
from sla_sniper.outputs.deck_reading import BadDeckError, read_deck
from sla_sniper.panels.report import executive_report
from sla_sniper.usecases.backtest import Plan, replay_desk
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.report import facts_of, rendered, replayed_with
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from pathlib import Path

    from sla_sniper.outputs.deck_reading import Slide
    from sla_sniper.outputs.deck_record import Record
    from sla_sniper.usecases.desk import Desk

_NAMED: Final = 3


class ForeignDeckError(InputError):
    """A deck that was made from another workspace."""

    exit_code = 17

    def __init__(self, path: str, theirs: tuple[str, ...], ours: tuple[str, ...]) -> None:
        super().__init__(path, theirs, ours)
        self.path, self.theirs, self.ours = path, theirs, ours

    def __str__(self) -> str:
        return (
            f"{self.path} was made from the log of {', '.join(self.theirs) or 'nothing'}, this "
            f"workspace holds that of {', '.join(self.ours)}; name its own with --workspace."
        )


class DeckDiffersError(SlaSniperError):
    """Numbers of a deck, or texts that tell them, do not hold any more."""

    exit_code = 29

    def __init__(self, path: str, names: tuple[str, ...], n_checked: int, n_texts: int) -> None:
        super().__init__(path, names, n_checked, n_texts)
        self.path, self.names = path, names
        self.n_checked, self.n_texts = n_checked, n_texts

    def __str__(self) -> str:
        rest = len(self.names) - _NAMED
        more = f" and {rest:,} more" if rest > 0 else ""
        n_numbers = len(self.names) - self.n_texts
        advice = "make the deck anew, or correct it"
        if n_numbers == self.n_checked:
            advice = "none holds: is this the workspace that it was made from?"
        told = f"{n_numbers:,} of {count(self.n_checked, 'number')}"
        if self.n_texts:
            told += f" and {count(self.n_texts, 'other text')}"
        return (
            f"{told} in {self.path} no longer hold{'s' if len(self.names) == 1 else ''}: "
            f"{', '.join(self.names[:_NAMED])}{more}; {advice}."
        )


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What became of everything that a deck says.

    Attributes
    ----------
    path : Path
    as_of : datetime
        Of the deck: nothing recorded later was read.
    found : Comparison
        With the deck that the workspace gives now.
    """

    path: Path
    as_of: datetime
    found: Comparison

    @property
    def names(self) -> frozenset[str]:
        """Ids of the different numbers checked; many stand in several places."""
        return frozenset(name for names in self.found.numbers.values() for name in names)

    @property
    def n_checked(self) -> int:
        """Different numbers checked."""
        return len(self.names)

    def wrong_on(self, slide: int) -> int:
        """Count the different numbers of a slide that do not hold."""
        wrong = {each.id for each in self.found.differences if each.slide == slide}
        return len(wrong & set(self.found.numbers[slide]))

    def require(self) -> None:
        """Insist that everything holds.

        Raises
        ------
        DeckDiffersError
            If a number does not, or a text that tells one.
        """
        if self.found.differences:
            names = tuple(dict.fromkeys(each.id for each in self.found.differences))
            n_texts = sum(name not in self.names for name in names)
            raise DeckDiffersError(str(self.path), names, self.n_checked, n_texts)

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper verify`."""
        return header("verify", self.as_of) | {
            "file": str(self.path),
            "checked": self.n_checked,
            "holds": not self.found.differences,
            "left_out": len(self.found.left_out),
            "unread": self.found.n_unread,
            "slides": [
                {"slide": slide, "numbers": len(names)}
                for slide, names in self.found.numbers.items()
            ],
            "differences": [asdict(each) for each in self.found.differences],
            "edited": [asdict(each) for each in self.found.edits],
        }


def verify_deck(
    path: Path, folder: Path, *, now: datetime, progress: Progress = silent
) -> VerifyReport:
    """Recompute a deck from the log of a workspace, and compare everything that it says.

    Parameters
    ----------
    path : Path
        A deck that `sniper report --format pptx` made, as it is now.
    folder : Path
        The workspace.
    now : datetime
        The machine's clock.

    Raises
    ------
    UnreadableFileError
        If the file is damaged, is a notebook, or sla-sniper did not make it.
    ForeignDeckError
        If it was made from other sources than the workspace has.
    """
    progress("reading the deck")
    record, slides = _read(path)
    as_of, replayed_at = (
        datetime.fromisoformat(each) for each in (record.as_of, record.replayed["as_of"])
    )
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    _require_own(path, record, desk)
    replayed = desk
    if replayed_at != as_of:
        replayed = open_desk(folder, asked=replayed_at, now=now, progress=progress)
    backtest = replay_desk(replayed, _plan(record)).as_dict()
    # As a report reads it: from the file that a backtest keeps.
    told = json.loads(json.dumps(backtest, allow_nan=False))
    document = executive_report(facts_of(desk, told))
    progress("reading the deck as it would be now")
    fresh = read_deck(io.BytesIO(rendered(document, "pptx", replayed_with(desk, told))))
    figures = {each.id: each for each in document.figures()}
    return VerifyReport(path, as_of, compare((record, slides), fresh, figures))


def _read(path: Path) -> tuple[Record, tuple[Slide, ...]]:
    again = "make one with `sniper report --format pptx`"
    if not path.is_file():
        raise UnreadableFileError(str(path), "there is no such file", again)
    if path.suffix.lower() == ".ipynb":
        reason = "only decks are verified, the cells of a notebook compute its numbers themselves"
        raise UnreadableFileError(
            str(path), reason, "execute the notebook again by `sniper report --format ipynb`"
        )
    try:
        record, slides = read_deck(path)
        datetime.fromisoformat(record.as_of)
        _plan(record)
    except BadDeckError as error:
        raise UnreadableFileError(str(path), str(error), again) from error
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadableFileError(str(path), "its record is damaged", again) from error
    return record, slides


def _plan(record: Record) -> Plan:
    told = record.replayed
    return Plan(
        start=datetime.fromisoformat(told["from"]),
        end=datetime.fromisoformat(told["to"]),
        capacities=tuple(told["capacities"]),
        epoch=told["epoch"],
        model=told["model_asked"],
        refit=told["refit"],
    )


def _require_own(path: Path, record: Record, desk: Desk) -> None:
    theirs = tuple(record.replayed.get("sources", ()))
    ours = tuple(sorted(desk.stored["source"].unique()))
    if not set(theirs) & set(ours):
        raise ForeignDeckError(str(path), theirs, ours)
