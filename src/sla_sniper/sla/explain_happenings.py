"""What happened in a ticket, row by row, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.sla.explain_words import status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    Row = Mapping[str, Any]

_MOVED: Final = ("organization", "channel", "category", "product")
SHOWN: Final = ("status", "priority", "group", *_MOVED)
"""Values of a ticket that an explanation tells; people are left out."""


@dataclass(frozen=True, slots=True)
class History:
    """The rows of one ticket, and the fields that its rules look at.

    Attributes
    ----------
    rows : tuple of dict
        Canonical events; `attributes` is a dictionary.
    watched : tuple of str
        Kept attributes that some rule reads.
    """

    rows: tuple[dict[str, Any], ...]
    watched: tuple[str, ...] = ()

    @classmethod
    def of(cls, events: pl.DataFrame, fields: Sequence[str]) -> History:
        """Read the events of one ticket."""
        rows = tuple(row | {"attributes": _attributes(row)} for row in events.to_dicts())
        watched = tuple(name for name in fields if name not in events.columns)
        return cls(rows, watched)

    def value(self, row: int, field: str) -> str | None:
        """Value of a field, canonical or kept, after a row."""
        found = self.rows[row]
        value = found[field] if field in found else found["attributes"].get(field)
        return None if value is None else str(value)

    def tells(self, row: int, word: str) -> bool:
        """Whether a row tells of an activity."""
        return word in _words(self.rows[row])

    def told(self, first: int, last: int) -> tuple[str, ...]:
        """Say what happened in the rows from `first` to `last`, a sentence each."""
        said: list[str] = []
        for row in range(first, last + 1):
            said += _created(self.rows[row]) or self._changed(row)
        return tuple(dict.fromkeys(said)) or ("The ticket was updated.",)

    def _changed(self, row: int) -> list[str]:
        if row == 0:
            return ["The log begins with the ticket as it was."]
        now, before = self.rows[row], self.rows[row - 1]
        said = [*_messages(now), *_moves(before, now), *_assigned(before, now)]
        for name in self.watched:
            old, new = before["attributes"].get(name), now["attributes"].get(name)
            said += [f"{name} went from {_text(old)} to {_text(new)}."] if old != new else []
        return said


def _attributes(row: Row) -> dict[str, str]:
    return {each["key"]: each["value"] for each in row["attributes"] or ()}


def _words(row: Row) -> set[str]:
    return set(str(row["activity"]).split("+"))


def _created(row: Row) -> list[str]:
    if "created" not in _words(row):
        return []
    by = {"requester": " by the requester", "agent": " by the desk"}.get(row["actor_role"], "")
    known = [f"{name} {row[name]}" for name in ("priority", "group") if row[name]]
    return [f"The ticket was created{by}{' with ' if known else ''}{' and '.join(known)}."]


def _is_derived(row: Row) -> bool:
    """Whether a creation was derived from the rows after it, with the status "new"."""
    return row["status"] == "new" and str(row["event_id"]).endswith("-created")


def _messages(row: Row) -> list[str]:
    words, role = _words(row), row["actor_role"]
    said = []
    if "requester_message" in words or ("public_reply" in words and role == "requester"):
        said.append("The requester wrote.")
    if "public_reply" in words and role != "requester":
        said.append("An automatic message went out." if role == "system" else "The desk replied.")
    if "internal_note" in words:
        said.append("An internal note was added.")
    return said


def _moves(before: Row, now: Row) -> list[str]:
    said = []
    if now["status"] != before["status"] and _is_derived(before):
        # The log tells no status before this one; a derived creation has "new" by assumption.
        is_later = now["occurred_at"] > before["occurred_at"]
        until = "; until then the ticket counts as new" if is_later else ""
        said.append(f"The first status in the log is {status(now['status'])}{until}.")
    elif now["status"] != before["status"]:
        said.append(f"The status went from {status(before['status'])} to {status(now['status'])}.")
    moved = [name for name in ("priority", "group", *_MOVED) if now[name] != before[name]]
    return said + [
        f"The {name} went from {_text(before[name])} to {_text(now[name])}." for name in moved
    ]


def _assigned(before: Row, now: Row) -> list[str]:
    if now["assignee"] == before["assignee"]:
        return []
    if now["assignee"] is None:
        return ["Nobody is assigned any more."]
    return ["An agent was assigned." if before["assignee"] is None else "Another agent took over."]


def _text(value: str | None) -> str:
    return "none" if value is None else value
