"""sniper verify: every number of a deck, computed anew from the log.

Nothing that was kept is believed: the diagnosis is made again, and the past days are replayed
again with the settings that the deck was made with. What is compared is what the slides say.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.core.errors import InputError, SlaSniperError, UnreadableFileError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.words import count
from sla_sniper.outputs.deck_reading import BadDeckError, Printed, read_deck
from sla_sniper.panels.footnotes import Figure, Footnote, one_line
from sla_sniper.panels.report import executive_report
from sla_sniper.usecases.backtest import Plan, replay_desk
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.report import facts_of
from sla_sniper.usecases.results import header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sla_sniper.outputs.deck_record import Record
    from sla_sniper.usecases.desk import Desk

_GLUED: Final = "$€£.,-+"
_NEAR: Final = 1e-9
"""Relative difference of a drawn value that is rounding of the file, not another number."""
_NAMED: Final = 3
_NO_NOTE: Final = Footnote("", "", "", "")


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
    """Numbers of a deck do not hold any more."""

    exit_code = 29

    def __init__(self, path: str, names: tuple[str, ...], n_checked: int) -> None:
        super().__init__(path, names, n_checked)
        self.path, self.names, self.n_checked = path, names, n_checked

    def __str__(self) -> str:
        rest = len(self.names) - _NAMED
        more = f" and {rest:,} more" if rest > 0 else ""
        advice = "make the deck anew, or correct it"
        if len(self.names) == self.n_checked:
            advice = "none holds: is this the workspace that it was made from?"
        return (
            f"{len(self.names):,} of {count(self.n_checked, 'number')} in {self.path} no longer "
            f"hold{'s' if len(self.names) == 1 else ''}: {', '.join(self.names[:_NAMED])}{more}; "
            f"{advice}."
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that does not hold.

    Attributes
    ----------
    id : str
    slide : int
        From 1.
    printed, recomputed : str
        What the slide says; what the workspace gives. Empty where there is nothing.
    cause : {"deck", "workspace"}
        Whether the slide says something else than when it was made.
    """

    id: str
    slide: int
    printed: str
    recomputed: str
    cause: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What became of every number of a deck.

    Attributes
    ----------
    path : Path
    as_of : datetime
        Of the deck: nothing recorded later was read.
    slides : mapping of int to int
        How many numbers were checked on each slide.
    differences : tuple of Difference
        In the order of the slides.
    n_left_out : int
        Numbers whose slides are no longer in the deck.
    """

    path: Path
    as_of: datetime
    slides: Mapping[int, int]
    differences: tuple[Difference, ...]
    n_left_out: int
    names: frozenset[str]

    @property
    def n_checked(self) -> int:
        """Different numbers checked; many stand in several places."""
        return len(self.names)

    def require(self) -> None:
        """Insist that every number holds.

        Raises
        ------
        DeckDiffersError
            If one does not.
        """
        if self.differences:
            names = tuple(dict.fromkeys(each.id for each in self.differences))
            raise DeckDiffersError(str(self.path), names, self.n_checked)

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper verify`."""
        return header("verify", self.as_of) | {
            "file": str(self.path),
            "checked": self.n_checked,
            "holds": not self.differences,
            "left_out": self.n_left_out,
            "slides": [{"slide": slide, "numbers": n} for slide, n in self.slides.items()],
            "differences": [
                {name: getattr(each, name) for name in Difference.__slots__}
                for each in self.differences
            ],
        }


def verify_deck(
    path: Path, folder: Path, *, now: datetime, progress: Progress = silent
) -> VerifyReport:
    """Recompute every number of a deck from the log of a workspace.

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
    record, printed = _read(path)
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
    figures = {each.id: each for each in executive_report(facts_of(desk, told)).figures()}
    differences = [_compared(each, figures.get(each.id), record) for each in printed]
    names = frozenset(each.id for each in printed)
    return VerifyReport(
        path=path,
        as_of=as_of,
        slides=dict(sorted(Counter(each.slide for each in printed).items())),
        differences=tuple(each for each in differences if each is not None),
        n_left_out=len(set(record.printed) - names),
        names=names,
    )


def _read(path: Path) -> tuple[Record, tuple[Printed, ...]]:
    again = "make one with `sniper report --format pptx`"
    if not path.is_file():
        raise UnreadableFileError(str(path), "there is no such file", again)
    if path.suffix.lower() == ".ipynb":
        reason = "only decks are verified, the cells of a notebook compute its numbers themselves"
        raise UnreadableFileError(
            str(path), reason, "execute the notebook again by `sniper report --format ipynb`"
        )
    try:
        record, printed = read_deck(path)
        datetime.fromisoformat(record.as_of)
        _plan(record)
    except BadDeckError as error:
        raise UnreadableFileError(str(path), str(error), again) from error
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadableFileError(str(path), "its record is damaged", again) from error
    return record, printed


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


def _compared(printed: Printed, figure: Figure | None, record: Record) -> Difference | None:
    """Compare what a slide says with what the workspace gives."""
    if figure is not None and _holds(printed, figure):
        return None
    now = "" if figure is None else figure.text
    cause = "workspace" if _is_as_made(printed, record) else "deck"
    return Difference(printed.id, printed.slide, _said(printed, record), now, cause)


def _said(printed: Printed, record: Record) -> str:
    """What the slide says of the number: of a sentence as many words as were printed."""
    if printed.drawn or printed.is_whole:
        return printed.told
    n_words = len(record.printed[printed.id].split())
    return " ".join(printed.text.split()[-n_words:])


def _is_as_made(printed: Printed, record: Record) -> bool:
    made = Figure(_NO_NOTE, record.printed[printed.id])
    if not printed.drawn:
        return _reads(printed, made.text)
    drawn = record.drawn.get(printed.id, ())
    is_near = len(drawn) == len(printed.drawn) and all(map(_near, drawn, printed.drawn))
    return is_near and _labels(printed, made)


def _holds(printed: Printed, figure: Figure) -> bool:
    if not printed.drawn:
        return _reads(printed, figure.text)
    if figure.value is None:
        return False
    # Where there is no interval, none is drawn.
    ends = (figure.value if end is None else end for end in (figure.low, figure.high))
    is_near = all(map(_near, printed.drawn, (figure.value, *ends)))
    return is_near and _labels(printed, figure)


def _labels(printed: Printed, figure: Figure) -> bool:
    """Whether the label of a bar tells the figure; a point of a line has none."""
    return not printed.text or printed.text.endswith(f"  {one_line(figure.estimate)}")


def _reads(printed: Printed, text: str) -> bool:
    told = one_line(text)
    if printed.is_whole:
        return printed.text == told
    before = printed.text.removesuffix(told)
    # "7.1 %" is the end of "17.1 %" as well.
    is_glued = bool(before) and (before[-1].isalnum() or before[-1] in _GLUED)
    return printed.text.endswith(told) and not is_glued


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_NEAR, abs_tol=_NEAR)
