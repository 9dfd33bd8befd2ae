"""Numbers that can be recomputed: each printed one has a footnote with its definition.

A number on a slide outlives the run that made it. So what is printed is a value that carries what
it means, in which unit, and the command that computes it anew; every format prints the same text,
and `sniper verify` finds it again by its id.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sla_sniper.core.words import TO_THE_RIGHT, apart
from sla_sniper.escalation.costs import money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NO_INTERVAL: Final = "(too few days for an interval)"
DASH: Final = "-"


@dataclass(frozen=True, slots=True)
class Footnote:
    """What stands behind a number, or behind all numbers of a column or chart.

    Attributes
    ----------
    id : str
        Stable name, such as ``saving.net``.
    definition : str
        One sentence.
    unit : str
        Of the raw value.
    command : str
        What recomputes it.
    """

    id: str
    definition: str
    unit: str
    command: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One printed number, with its interval where it has one.

    Attributes
    ----------
    footnote : Footnote
    text : str
        As printed, the interval included: ``$900 [$75, $1,700]``.
    value, low, high : float or None
        The raw number and the ends of its interval, in the unit of the footnote.
    row : str
        Which row of a column or chart; empty where the footnote is of this figure alone.
    """

    footnote: Footnote
    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    row: str = ""

    @property
    def estimate(self) -> str:
        """As printed without the interval, for where that is drawn."""
        return self.text.partition(" [")[0].removesuffix(f" {NO_INTERVAL}")

    @property
    def id(self) -> str:
        """Stable name of this one number."""
        return f"{self.footnote.id}.{self.row}" if self.row else self.footnote.id


@dataclass(frozen=True, slots=True)
class Code:
    """A name of the product's own, such as that of a policy."""

    text: str


Span = str | Code | Figure
Text = tuple[Span, ...]


def coded(sentence: str) -> Text:
    """Read a sentence in which names of the product's own stand in backticks.

    Examples
    --------
    >>> coded("Run `sniper check` first.")
    ('Run ', Code(text='sniper check'), ' first.')
    """
    parts = sentence.split("`")
    return tuple(Code(part) if place % 2 else part for place, part in enumerate(parts) if part)


def words(text: Iterable[Span]) -> str:
    """Return the text without its footnotes.

    Examples
    --------
    >>> words(("Escalating by ", Code("edf"), " pays."))
    'Escalating by edf pays.'
    """
    return "".join(span if isinstance(span, str) else span.text for span in text)


def one_line(text: str) -> str:
    r"""Replace what cannot be printed: control signs, and those that turn the reading direction.

    Examples
    --------
    >>> one_line("north\x00 \u202eeast")
    'north   east'
    """
    kept = (char if char.isprintable() or char == TO_THE_RIGHT else " " for char in text)
    return "".join(kept)


def named(name: str, *, most: int = 32) -> str:
    """Cut a name of the help desk's own, and keep one of another script from turning what follows.

    Examples
    --------
    >>> named("a name that is much longer than any chart has room for", most=12)
    'a name that…'
    """
    short = name if len(name) <= most else f"{name[: most - 1]}…"
    return apart(short)


def figures_of(text: Iterable[Span]) -> tuple[Figure, ...]:
    """Return the figures of a text in order."""
    return tuple(span for span in text if isinstance(span, Figure))


def counted(footnote: Footnote, number: float) -> Figure:
    """Print a whole number.

    Examples
    --------
    >>> counted(Footnote("days", "Days.", "days", "sniper backtest"), 1234).text
    '1,234'
    """
    return Figure(footnote, f"{number:,.0f}", float(number))


def amount(footnote: Footnote, interval: Mapping[str, float | None], *, row: str = "") -> Figure:
    """Print an amount of money with its interval; the footnote's unit is the currency.

    Parameters
    ----------
    interval : mapping
        ``estimate, low, high``; None where undefined. Without the keys of an interval none is
        printed, with None in them it is said that there is none.
    """
    estimate, (low, high) = interval["estimate"], _bounds(interval)
    if estimate is None:
        return Figure(footnote, DASH, row=row)
    text = money(estimate, footnote.unit)
    if low is not None and high is not None:
        text += f" [{money(low, footnote.unit)}, {money(high, footnote.unit)}]"
    elif "low" in interval:
        text += f" {NO_INTERVAL}"
    return Figure(footnote, text, estimate, low, high, row)


def share(footnote: Footnote, interval: Mapping[str, float | None], *, row: str = "") -> Figure:
    """Print a share in per cent with one decimal, with its interval."""
    return _printed(footnote, interval, row, lambda part: f"{part * 100:z.1f} %")


def ratio(
    footnote: Footnote, interval: Mapping[str, float | None], *, row: str = "", sign: str = ""
) -> Figure:
    """Print a number between -1 and 1 with three decimals, with its interval."""
    return _printed(footnote, interval, row, lambda part: f"{part:{sign}z.3f}")


def hours(footnote: Footnote, interval: Mapping[str, float | None], *, row: str = "") -> Figure:
    """Print hours with one decimal, with their interval."""
    return _printed(footnote, interval, row, lambda part: f"{part:z,.1f} h")


def _printed(
    footnote: Footnote,
    interval: Mapping[str, float | None],
    row: str,
    write: Callable[[float], str],
) -> Figure:
    estimate, (low, high) = interval["estimate"], _bounds(interval)
    if estimate is None or math.isnan(estimate):
        return Figure(footnote, DASH, row=row)
    text = write(estimate)
    if low is not None and high is not None:
        text += f" [{write(low)}, {write(high)}]"
    return Figure(footnote, text, estimate, low, high, row)


def _bounds(interval: Mapping[str, float | None]) -> tuple[float | None, float | None]:
    low, high = interval.get("low"), interval.get("high")
    is_known = low is not None and high is not None and not (math.isnan(low) or math.isnan(high))
    return (low, high) if is_known else (None, None)
