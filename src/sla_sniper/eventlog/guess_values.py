"""What texts seem to mean: missing, a time, a status, a priority, true or false."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from sla_sniper.eventlog.mapping import BOOLEANS
from sla_sniper.eventlog.suspicion import instants_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NULL_TOKENS: Final = ("?", "NULL", "null", "N/A", "n/a", "#N/A", "-", "--", "\\N", "NaN", "nan")
_SAMPLE: Final = 500

_CLOCKS: Final = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_DATES: Final = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y")
FORMATS: Final = (None, *(f"{date} {clock}" for date in _DATES for clock in _CLOCKS))
"""Formats that are tried, ISO 8601 (None) first and day-first before month-first."""

_STATUS_RULES: Final = (
    ("cancelled", r"cancel|withdrawn|reject|duplicate|spam|deleted|merged"),
    ("waiting_vendor", r"(await|wait|pend|hold).*(vendor|supplier|third|3rd)"),
    (
        "waiting_requester",
        r"(await|wait|pend|hold).*(user|customer|caller|requester|client|info|response)|^pending$",
    ),
    ("on_hold", r"await|wait|pend|hold|paused|suspended|require upgrade"),
    ("closed", r"\bclos|archiv"),
    ("resolved", r"resolv|\bsolved|fixed|\bdone\b|complete"),
    ("new", r"^new$|submitted|^created$|^logged$|insert"),
    (
        "open",
        r"active|\bopen|progress|assign|work|take in charge|verif|schedul|triag|reopen|charge",
    ),
)
_PRIORITY_RULES: Final = (
    ("critical", r"critical|urgent|blocker|highest|emergency|very high"),
    ("low", r"lowest|\blow|trivial|planning|very low"),
    ("high", r"\bhigh|major"),
    ("moderate", r"moderate|medium|normal|minor|average"),
    ("critical", r"^(p|prio|priority|sev|s)?[ -]*1\b"),
    ("high", r"^(p|prio|priority|sev|s)?[ -]*2\b"),
    ("moderate", r"^(p|prio|priority|sev|s)?[ -]*3\b"),
    ("low", r"^(p|prio|priority|sev|s)?[ -]*[45]\b"),
)
_TRUE: Final = r"^(on ?time|met|within|ok|achieved|breached|violated|missed|t|y)\b"
_FALSE: Final = r"^(over ?due|late|out|f|n)\b"
_RULES: Final = {"status": _STATUS_RULES, "priority": _PRIORITY_RULES}


def null_tokens(frame: pl.DataFrame) -> dict[str, int]:
    """Count the texts that mean "missing", over all columns; those that never occur are left out.

    Examples
    --------
    >>> null_tokens(pl.DataFrame({"group": ["?", "A"], "agent": ["?", None]}))
    {'?': 2}
    """
    counts = frame.select(
        pl.sum_horizontal(pl.all().str.strip_chars().eq(token).sum()).alias(token)
        for token in NULL_TOKENS
    ).row(0, named=True)
    return {token: int(count) for token, count in counts.items() if count}


def time_formats(values: pl.Series) -> tuple[str | None, ...]:
    """Return all formats in which a column reads as times; none at all where it is no time.

    Examples
    --------
    >>> time_formats(pl.Series(["29/2/2016 01:16"])), time_formats(pl.Series(["7", "1"]))
    (('%d/%m/%Y %H:%M',), ())
    """
    sample = values.drop_nulls().unique(maintain_order=True).head(_SAMPLE)
    if sample.is_empty() or not sample.str.contains(r"\d[-/.]\d").any():
        return ()
    return tuple(form for form in FORMATS if instants_in(sample, formats=[form]) is not None)


def log_format(columns: Iterable[Sequence[str | None]]) -> tuple[str | None, bool]:
    """Choose one format for all time columns, and say whether day and month may be swapped.

    Parameters
    ----------
    columns : iterable of sequence of (str or None)
        `time_formats` of each time column.

    Examples
    --------
    >>> log_format([("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"), ("%d/%m/%Y %H:%M",)])
    ('%d/%m/%Y %H:%M', False)
    >>> log_format([("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")])
    ('%d/%m/%Y %H:%M', True)
    """
    readable = [set(formats) for formats in columns]
    votes = {form: sum(form in formats for formats in readable) for form in FORMATS}
    best = max(FORMATS, key=lambda form: votes[form])
    swapped = _swapped(best)
    return best, swapped is not None and votes[swapped] == votes[best]


def canonical_value(column: str, text: str) -> str | None:
    """Propose the canonical status or priority of a text, or None.

    Examples
    --------
    >>> canonical_value("status", "Awaiting User Info"), canonical_value("priority", "Normal")
    ('waiting_requester', 'moderate')
    >>> canonical_value("priority", "1 - Critical"), canonical_value("status", "-100")
    ('critical', None)
    """
    lowered = text.strip().lower().replace("_", " ")
    matches = (name for name, rule in _RULES[column] if re.search(rule, lowered))
    return next(matches, None)


def truth_value(text: str) -> str | None:
    """Propose ``true`` or ``false`` for a help desk's own verdict, or None.

    Examples
    --------
    >>> truth_value("ONTIME"), truth_value("OVERDUE"), truth_value("FALSE"), truth_value("7.5")
    ('true', 'false', 'false', None)
    """
    lowered = text.strip().lower()
    if lowered in BOOLEANS:
        return str(BOOLEANS[lowered]).lower()
    if re.search(_TRUE, lowered):
        return "true"
    return "false" if re.search(_FALSE, lowered) else None


def _swapped(form: str | None) -> str | None:
    if form is None or form.startswith("%Y"):
        return None
    other = form.translate(str.maketrans("dm", "md"))
    return other if other in FORMATS else None
