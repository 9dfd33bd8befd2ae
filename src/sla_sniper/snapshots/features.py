"""The features of a snapshot: their names, kinds and the cause each one speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a snapshot.

    Attributes
    ----------
    name : str
        Column in the snapshots table.
    kind : {"number", "category"}
        How an estimator reads it. Durations are in hours, counts are whole, shares in [0, 1].
    cause : str
        The named cause under which reasons group it.
    """

    name: str
    kind: Literal["number", "category"]
    cause: str


def _numbers(cause: str, *names: str) -> tuple[Feature, ...]:
    return tuple(Feature(name, "number", cause) for name in names)


def _categories(cause: str, *names: str) -> tuple[Feature, ...]:
    return tuple(Feature(name, "category", cause) for name in names)


FEATURES: Final[tuple[Feature, ...]] = (
    *_numbers("deadline", "slack_h", "wall_slack_h", "share_used", "target_h"),
    *_numbers("age", "elapsed_h", "wall_age_h"),
    *_numbers("calendar", "open_next_8h", "open_next_24h", "hour_of_day", "day_of_week"),
    *_numbers("pauses", "paused_h", "paused_share", "n_pauses"),
    *_numbers(
        "silence",
        "hours_since_event",
        "hours_in_status",
        "hours_since_reply",
        "hours_since_requester",
    ),
    *_numbers(
        "hand-overs",
        "n_group_changes",
        "n_assignee_changes",
        "n_ping_pong",
        "hours_in_group",
        "is_unassigned",
    ),
    *_numbers("reopenings", "n_reopenings"),
    *_numbers("activity", "n_events", "n_events_24h", "n_priority_changes"),
    *_numbers(
        "group load",
        "group_open",
        "group_resolved_7d",
        "group_days_of_work",
        "group_arrivals_24h",
        "group_resolved_24h",
        "group_events_24h",
    ),
    *_numbers(
        "assignee load",
        "assignee_open",
        "assignee_resolved_7d",
        "assignee_resolved_24h",
        "assignee_events_24h",
    ),
    *_numbers("group history", "group_breach_lift"),
    *_numbers("assignee history", "assignee_breach_lift"),
    *_numbers("category history", "category_breach_lift", "product_breach_lift"),
    *_numbers("requester history", "requester_breach_lift", "organization_breach_lift"),
    *_numbers("priority", "priority_breach_rate"),
    *_categories("status", "status"),
    *_categories("priority", "priority"),
    *_categories("channel", "channel"),
)
"""Every feature, in the order of the model's columns; rates of kept attributes come after.

Groups, categories and people enter by their breach rate so far, shrunk towards the desk's own
(DESIGN section 5): as plain categories a tree learns their names by heart. What enters is the
lift, how far that rate lies above the desk's: a desk whose every rate falls from month to month
would otherwise be forecast by the calendar. For the same reason nothing enters that all tickets
of a landmark share, save the hours ahead: a few dozen days teach a tree their dates.
See docs/decisions/0014.
"""


def kept_features(names: Iterable[str]) -> tuple[Feature, ...]:
    """Features of kept attributes: by how much their value breaches more often so far."""
    return _numbers("attributes", *(f"attr_{name}_breach_lift" for name in names))
