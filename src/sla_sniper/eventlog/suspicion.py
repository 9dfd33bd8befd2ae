"""What a column's name and values give away: people, and stamps from a ticket's end.

Both `sniper map` (which proposes) and `sniper check` (which warns) ask here, so that they
never disagree.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sla_sniper.eventlog.times import read_instants

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

PersonalKind: TypeAlias = Literal["e-mail addresses", "phone numbers", "people"]

EMAIL: Final = r"[\w.+-]+@[\w-]+\.[\w.-]*\w"
PHONE: Final = r"^(?:\+\d[\d ().-]{6,16}\d|\(?\d{3,5}\)?[ .-]\d{3,4}[ .-]\d{3,4})$"
_EMAILS_AT_LEAST: Final = 0.01
_PHONES_AT_LEAST: Final = 0.5
_INSTANTS_AT_LEAST: Final = 0.95
_PEOPLE: Final = re.compile(
    r"\b(email|mail|phone|mobile|telephone|fax|address|gender|age|birth|birthday|dob|username|"
    r"login|caller|requester|requestor|assignee|submitter|owner|author|agent|resource|customer|"
    r"client|employee|person|user|reporter)\b"
)
_NOT_PEOPLE: Final = re.compile(
    r"\b(type|kind|role|count|organi[sz]ation|company|group|team|queue|segment|tier|plan|"
    r"satisfaction|rating|score|time|minutes|hours|days|date|at|priority|status)\b"
)
_PEOPLE_ENDINGS: Final = re.compile(
    r"\b(opened|created|updated|resolved|closed|assigned|caused) (by|to)$"
)
_STAMPED_NAMES: Final = re.compile(
    r"^(resolved|resolution|closed|closure|close|solved|ended|completion|completed)_?"
    r"(by|code|notes?|at|reason|time|date|dt|on|type|category)?$"
)


def words(name: str) -> tuple[str, ...]:
    """Split a column's name into its words in lower case.

    Examples
    --------
    >>> words("Customer E-mail"), words("sysUpdatedAt"), words("org:resource")
    (('customer', 'email'), ('sys', 'updated', 'at'), ('org', 'resource'))
    """
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"(?i)e-mail", "email", name))
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word)


def names_people(column: str) -> bool:
    """Whether a column's name says that it holds people.

    Examples
    --------
    >>> [names_people(name) for name in ("Customer Name", "caller_id", "opened_by")]
    [True, True, True]
    >>> [names_people(name) for name in ("contact_type", "requester_organization", "group")]
    [False, False, False]
    """
    parts = words(column)
    text = " ".join(parts)
    if _NOT_PEOPLE.search(text):
        return False
    is_name = parts in {("name",), ("full", "name"), ("first", "name"), ("last", "name")}
    return is_name or bool(_PEOPLE.search(text) or _PEOPLE_ENDINGS.search(text))


def names_an_ending(column: str) -> bool:
    """Whether a column's name says that it is only known at a ticket's end.

    Examples
    --------
    >>> [names_an_ending(name) for name in ("closed_code", "resolved_by", "Closure Reason")]
    [True, True, True]
    >>> names_an_ending("reopen_count")
    False
    """
    return bool(_STAMPED_NAMES.match("_".join(words(column))))


def personal_kind(column: str, values: pl.Series) -> PersonalKind | None:
    """Say which personal data a column seems to hold, by its distinct values, then its name.

    Parameters
    ----------
    column : str
    values : Series of String
        Some of its values; hashes of them betray nothing.

    Examples
    --------
    >>> import polars as pl
    >>> personal_kind("contact", pl.Series(["ada@example.com", "bob@example.com"]))
    'e-mail addresses'
    >>> personal_kind("impact", pl.Series(["1 - High"])) is None
    True
    """
    known = values.drop_nulls()
    if known.is_empty():
        return None
    if known.str.contains(EMAIL).sum() > _EMAILS_AT_LEAST * known.len():
        return "e-mail addresses"
    if known.str.contains(PHONE).sum() > _PHONES_AT_LEAST * known.len():
        return "phone numbers"
    return "people" if names_people(column) else None


def instants_in(
    values: pl.Series, *, formats: Sequence[str | None], timezone: str = "UTC"
) -> pl.Series | None:
    """Read texts as instants in UTC, or say that they are none (under 95 % can be read).

    Parameters
    ----------
    values : Series of String of shape (n_values,)
    formats : sequence of str or None
        Tried in order; None is ISO 8601.
    timezone : str
        Zone of times without an offset.

    Examples
    --------
    >>> import polars as pl
    >>> instants_in(pl.Series(["Group 56", "Group 1"]), formats=[None]) is None
    True
    """
    n_known = values.len() - values.null_count()
    for pattern in formats:
        read = read_instants(values, timezone=timezone, timestamp_format=pattern).at
        if n_known and read.len() - read.null_count() >= _INSTANTS_AT_LEAST * n_known:
            return read
    return None
