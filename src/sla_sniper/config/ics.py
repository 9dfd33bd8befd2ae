"""Holidays from an iCalendar file: its all-day events, single or every year.

The part of RFC 5545 that holiday lists use; anything else is refused rather than guessed.
https://www.rfc-editor.org/rfc/rfc5545
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from sla_sniper.sla.holidays import Holidays, exists

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINE: Final = re.compile(r'([\w-]+)((?:;[^=:;]+=(?:"[^"]*"|[^":;])*)*):(.*)')
# Midnight by the clock is an all-day event as well; midnight in UTC is none.
_DATE: Final = re.compile(r"(\d{8})(?:T000000)?")
_DAYS: Final = re.compile(r"\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T0+[HMS])?")
_RULE_KEYS: Final = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "WKST"}
)
_UNKNOWN: Final = ("EXDATE", "RDATE", "EXRULE", "RECURRENCE-ID")
_LAST_YEAR: Final = 9990


@dataclass(frozen=True, slots=True)
class _Rule:
    """How an event comes again: every so many years, at most so often, until a date."""

    interval: int = 1
    count: int | None = 1
    until: date | None = None

    @property
    def is_endless(self) -> bool:
        return self.count is None and self.until is None


def read_ics(text: str) -> Holidays:
    r"""Read the all-day events of an iCalendar text.

    Raises
    ------
    ValueError
        With the event that is not all-day, or comes again in a way that is not understood.

    Examples
    --------
    >>> event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20241226\nRRULE:FREQ=YEARLY\nEND:VEVENT"
    >>> calendar = f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR"
    >>> read_ics(calendar).recurring
    ((datetime.date(2024, 12, 26), datetime.date(2024, 12, 26)),)
    """
    if "BEGIN:VCALENDAR" not in text.upper():
        raise ValueError("is no iCalendar file: it has no BEGIN:VCALENDAR")
    ranges: list[tuple[date, date]] = []
    recurring: list[tuple[date, date]] = []
    for event in _events(text):
        if event.get("STATUS", "").upper() == "CANCELLED":
            continue
        first, last, rule = _read(event)
        if rule.is_endless:
            recurring.append((first, last))
        else:
            ranges += _occurrences(first, last, rule)
    return Holidays(
        dates=tuple(sorted({first for first, last in ranges if first == last})),
        ranges=tuple(sorted({span for span in ranges if span[0] != span[1]})),
        recurring=tuple(sorted(set(recurring))),
    )


def _events(text: str) -> Iterator[dict[str, str]]:
    """Properties of each event, without those of the alarms inside it."""
    inside: list[str] = []
    event: dict[str, str] = {}
    # A line that starts with a blank goes on with the one before.
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        name, value = match[1].upper(), match[3].strip()
        if name == "BEGIN":
            inside.append(value.upper())
            event = {} if inside[-1] == "VEVENT" else event
        elif name == "END" and inside:
            if inside.pop() == "VEVENT":
                yield event
        elif inside and inside[-1] == "VEVENT":
            event[name] = value


def _read(event: Mapping[str, str]) -> tuple[date, date, _Rule]:
    title = repr(event.get("SUMMARY", "without a title"))
    unknown = [name for name in _UNKNOWN if name in event]
    if unknown:
        raise ValueError(f"event {title} has {unknown[0]}, which is not understood; write it out")
    if "DTSTART" not in event:
        raise ValueError(f"event {title} has no DTSTART")
    first = _date(event["DTSTART"], title)
    last = _last(event, first, title)
    if last < first:
        raise ValueError(f"event {title} ends before it begins")
    return first, last, _rule(event, first, title)


def _last(event: Mapping[str, str], first: date, title: str) -> date:
    if "DTEND" in event:
        end = _date(event["DTEND"], title)
        # The end is the day after; some write the same day for one day.
        return end if end == first else end - timedelta(days=1)
    if "DURATION" not in event:
        return first
    match = _DAYS.fullmatch(event["DURATION"])
    days = int(match[1] or 0) * 7 + int(match[2] or 0) if match else 0
    if days == 0:
        raise ValueError(f"event {title} has a duration that is no whole days")
    return first + timedelta(days=days - 1)


def _rule(event: Mapping[str, str], first: date, title: str) -> _Rule:
    if "RRULE" not in event:
        return _Rule()
    told = event["RRULE"]
    parts = dict(part.partition("=")[::2] for part in told.upper().split(";") if part)
    same = {"BYMONTH": first.month, "BYMONTHDAY": first.day}
    moves = any(parts.get(key, str(value)) != str(value) for key, value in same.items())
    if parts.get("FREQ") != "YEARLY" or not parts.keys() <= _RULE_KEYS or moves:
        raise ValueError(
            f"event {title} comes again by {told!r}; only FREQ=YEARLY on the same date is "
            "understood, write the others out"
        )
    until = _until(parts["UNTIL"], title) if "UNTIL" in parts else None
    interval, count = (_number(parts, key, title) for key in ("INTERVAL", "COUNT"))
    rule = _Rule(interval or 1, count, until)
    if rule.is_endless and rule.interval > 1:
        raise ValueError(f"event {title} comes every {interval} years without an end; add UNTIL")
    return rule


def _number(parts: Mapping[str, str], key: str, title: str) -> int | None:
    text = parts.get(key)
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"event {title} has {key}={text}; write a whole number from 1 on")
    return int(text)


def _until(text: str, title: str) -> date:
    return _date(text[:8], title)


def _occurrences(first: date, last: date, rule: _Rule) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    for year in range(first.year, _LAST_YEAR, rule.interval):
        if exists(year, first.month, first.day):
            begin = first.replace(year=year)
            is_over = rule.until is not None and begin > rule.until
            if is_over or len(found) == rule.count:
                break
            found.append((begin, begin + (last - first)))
    return found


def _date(text: str, title: str) -> date:
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError as error:
        raise ValueError(
            f"event {title} is at {text!r}; a holiday is a whole day, such as 20241225"
        ) from error
