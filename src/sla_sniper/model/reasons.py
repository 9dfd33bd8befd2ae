"""Reasons in words: what pushes a ticket's p_breach up, told with the ticket's own facts.

The contributions of an estimator are exact; features that speak for one cause are summed, the
causes that push up most are named, and each is told by one template. A template that lacks
its facts says nothing, and the next cause is told instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sla_sniper.snapshots.features import Feature

N_REASONS = 3
LEAST = 0.01
"""Log-odds below which a cause is no reason: a quarter of a point at one half."""

Row = Mapping[str, Any]

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_CARDINALS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TIMES = ("never", "once", "twice")
_LONGEST = 100
_ENOUGH = 10
_PEER = "peer_"
_PEER_FACTS = ("n_group_changes", "wall_age_h", "hours_since_event", "n_events_24h", "paused_h")
_LOADS = ("group", "assignee")
_RATE, _LIFT = "_breach_rate", "_breach_lift"
_SAID = {"assignee": "agent"}
_ALWAYS_ASKED = ("deadline", "silence", "age", "priority")
_SHARED = ("calendar",)
"""Causes that all tickets of a moment share: true, but no reason to take this one first."""


def reasons(
    frame: pl.DataFrame, contributions: NDArray[np.float64], features: Sequence[Feature]
) -> pl.DataFrame:
    """Tell the three strongest reasons of each row, strongest first.

    Parameters
    ----------
    frame : DataFrame
        The snapshots to explain, with all feature columns; words cost time for each row, so
        pass only those that will be shown.
    contributions : ndarray of shape (n_snapshots, n_features)
        Of the same rows, in log-odds.
    features : sequence of Feature
        In the order of the columns of `contributions`.

    Returns
    -------
    DataFrame
        `reason_1`, `reason_2`, `reason_3`: short sentences, null where there are fewer. A
        ticket that nothing pushes up has one: what moved it most.

    Examples
    --------
    >>> from sla_sniper.snapshots.features import Feature
    >>> features = [Feature("slack_h", "number", "deadline")]
    >>> frame = pl.DataFrame({"slack_h": [6.5], "target_h": [40.0]})
    >>> reasons(frame, np.array([[0.8]]), features)["reason_1"].item()
    '6.5 h of working time left of 40 h'
    """
    causes, summed = by_cause(contributions, features)
    told = [
        _tell(row, dict(zip(causes, pushes.tolist(), strict=True)), _leads(features, parts))
        for row, pushes, parts in zip(
            frame.iter_rows(named=True), summed, contributions, strict=True
        )
    ]
    schema = [f"reason_{at + 1}" for at in range(N_REASONS)]
    return pl.DataFrame(told, schema=dict.fromkeys(schema, pl.String), orient="row")


def with_peers(frame: pl.DataFrame, peers: pl.DataFrame) -> pl.DataFrame:
    """Add what is usual among the tickets that compete now, for reasons to compare with.

    Parameters
    ----------
    frame : DataFrame
        Snapshots that will be told.
    peers : DataFrame
        All snapshots of the same landmark: what is known at it, and nothing later.

    Returns
    -------
    DataFrame
        With `peer_<fact>`, the median of the open tickets of the same group where it has ten or
        more; `peer_group_open` and `peer_assignee_open`, the median of the groups and agents;
        and `peer_<rate>`, the median of all.
    """
    both = [name for name in frame.columns if name in peers.columns]
    facts = [name for name in _PEER_FACTS if name in both]
    medians = [pl.col(name).median().alias(f"{_PEER}{name}") for name in facts]
    rates = [name for name in both if name.endswith(_RATE)]
    usual = [pl.lit(peers[name].median()).alias(f"{_PEER}{name}") for name in rates]
    for owner in _LOADS:
        if {owner, f"{owner}_open"} <= set(peers.columns):
            held = peers.select("source", owner, f"{owner}_open").drop_nulls(owner)
            held = held.unique(("source", owner))
            median = held[f"{owner}_open"].median() if held.height >= _ENOUGH else None
            usual.append(pl.lit(median, pl.Float64).alias(f"{_PEER}{owner}_open"))
    if not {"source", "group"} <= set(frame.columns):
        return frame.with_columns(usual)
    groups = (
        peers.select("source", "group", *facts)
        .drop_nulls("group")
        .group_by("source", "group")
        .agg(pl.len().alias("_n"), *medians)
    )
    groups = groups.filter(pl.col("_n") >= _ENOUGH).drop("_n")
    joined = frame.join(groups, on=["source", "group"], how="left", maintain_order="left")
    return joined.with_columns(usual)


def by_cause(
    contributions: NDArray[np.float64], features: Sequence[Feature]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Sum the contributions of the features that speak for the same cause.

    Returns
    -------
    causes : tuple of str
        In the order in which the features name them first.
    summed : ndarray of shape (n_snapshots, n_causes)
        In log-odds; each row keeps its total.
    """
    causes = tuple(dict.fromkeys(feature.cause for feature in features))
    belongs = np.array([[feature.cause == cause for cause in causes] for feature in features])
    return causes, contributions @ belongs.reshape(len(features), len(causes)).astype(np.float64)


def _tell(
    row: Row, pushes: Mapping[str, float], leads: Mapping[str, str]
) -> tuple[str | None, ...]:
    """Put one row's causes into words, the strongest push first."""
    own = (cause for cause in pushes if cause not in _SHARED)
    pushing = sorted((c for c in own if pushes[c] > LEAST), key=lambda cause: -pushes[cause])
    # Fewer than three pushes: what everybody asks about any ticket fills the rest.
    causes = dict.fromkeys((*pushing, *(c for c in _ALWAYS_ASKED if c in pushes)))
    sentences = (_sentence(row, cause, leads[cause]) for cause in causes)
    said = [sentence for sentence in sentences if sentence][:N_REASONS]
    return (*said, *[None] * (N_REASONS - len(said)))


def _leads(features: Sequence[Feature], parts: NDArray[np.float64]) -> dict[str, str]:
    """For each cause the feature that pushes up most, or pulls down least."""
    weakest_first = np.argsort(parts, kind="stable")
    return {features[at].cause: features[at].name for at in weakest_first}


def _sentence(row: Row, cause: str, lead: str) -> str:
    template = TEMPLATES.get(cause)
    said = template(row) if template else _fact(row, lead)
    return said if len(said) < _LONGEST else f"{said[: _LONGEST - 4].rstrip()}..."


def _fact(row: Row, feature: str) -> str:
    """Tell one feature by its name: how a cause without a template is told."""
    # A lift is told by the rate behind it, which needs no other number to be read.
    feature = feature.removesuffix(_LIFT) + _RATE if feature.endswith(_LIFT) else feature
    if not _knows(row, feature):
        return ""
    subject, is_rate = feature.removesuffix(_RATE), feature.endswith(_RATE)
    name = subject.removeprefix("attr_").replace("_", " ")
    if not is_rate:
        shown = row[feature] if isinstance(row[feature], str) else f"{row[feature]:.4g}"
        return f"{name} is {shown.replace('_', ' ')}"
    share = f"{100 * row[feature]:.0f} %"
    usual = _against(row, feature, lambda rate: f" ({100 * rate:.0f} % is usual)")
    if _lacks(row, subject):
        return f"{share} of tickets without {_SAID.get(name, name)} breach{usual}"
    if subject.startswith("attr_"):
        value = row[subject] if _knows(row, subject) else "as here"
        return f"{share} of tickets with {name} {value} breach{usual}"
    return f"{share} of this {_SAID.get(name, name)}'s tickets breach{usual}"


def _deadline(row: Row) -> str:
    if not _knows(row, "slack_h", "target_h"):
        return ""
    return f"{_hours(row['slack_h'])} of working time left of {_hours(row['target_h'])}"


def _age(row: Row) -> str:
    if not _knows(row, "wall_age_h"):
        return ""
    return f"open for {_span(row['wall_age_h'])}{_median(row, 'wall_age_h', _span)}"


def _pauses(row: Row) -> str:
    if not _knows(row, "paused_h", "n_pauses"):
        return ""
    if row["n_pauses"] == 0:
        return "its clock was never paused"
    paused = f"paused {_times(row['n_pauses'])}, {_span(row['paused_h'])} in all"
    return f"{paused}{_median(row, 'paused_h', _span)}"


def _silence(row: Row) -> str:
    if not _knows(row, "hours_since_event"):
        return ""
    silent = f"no update for {_span(row['hours_since_event'])}"
    return f"{silent}{_median(row, 'hours_since_event', _span)}"


def _hand_overs(row: Row) -> str:
    if _knows(row, "n_group_changes", "wall_age_h") and row["n_group_changes"] > 0:
        nth = f"{_ordinal(row['n_group_changes'])} group in {_span(row['wall_age_h'])}"
        return f"{nth}{_median(row, 'n_group_changes', lambda changes: _cardinal(changes + 1))}"
    if _knows(row, "is_unassigned") and row["is_unassigned"]:
        return "nobody is assigned"
    if _knows(row, "n_assignee_changes", "wall_age_h") and row["n_assignee_changes"] > 0:
        return f"{_ordinal(row['n_assignee_changes'])} agent in {_span(row['wall_age_h'])}"
    if _knows(row, "hours_in_group"):
        return f"with its group for {_span(row['hours_in_group'])}"
    return ""


def _reopenings(row: Row) -> str:
    return f"reopened {_times(row['n_reopenings'])}" if _knows(row, "n_reopenings") else ""


def _activity(row: Row) -> str:
    if not _knows(row, "n_events_24h"):
        return ""
    recent = f"{_count(row['n_events_24h'], 'update')} in the last 24 h"
    return f"{recent}{_median(row, 'n_events_24h', lambda number: f'{number:g}')}"


def _group_load(row: Row) -> str:
    if not _knows(row, "group_open"):
        return ""
    has = f"{_count(row['group_open'], 'ticket')} open"
    if _lacks(row, "group"):
        return f"no group has it yet, with {has} like it"
    if _knows(row, "group_resolved_7d"):
        has = f"{has}, resolved {row['group_resolved_7d']:.0f} in 7 days"
    usual = _against(row, "group_open", lambda number: f" (the median group has {number:.0f})")
    return f"its group has {has}{usual}"


def _assignee_load(row: Row) -> str:
    if not _knows(row, "assignee_open"):
        return ""
    has = f"{_count(row['assignee_open'], 'ticket')} open"
    if _lacks(row, "assignee"):
        return f"nobody has it yet, with {has}"
    usual = _against(row, "assignee_open", lambda number: f" (the median agent has {number:.0f})")
    return f"its agent has {has}{usual}"


def _priority(row: Row) -> str:
    if not _knows(row, "priority"):
        return ""
    if not _knows(row, "priority_breach_rate"):
        return f"priority is {row['priority']}"
    rate = "priority_breach_rate"
    usual = _against(row, rate, lambda share: f" ({100 * share:.0f} % is usual)")
    return f"{100 * row[rate]:.0f} % of {row['priority']} tickets breach{usual}"


TEMPLATES: Final[Mapping[str, Callable[[Row], str]]] = MappingProxyType(
    {
        "deadline": _deadline,
        "age": _age,
        "pauses": _pauses,
        "silence": _silence,
        "hand-overs": _hand_overs,
        "reopenings": _reopenings,
        "activity": _activity,
        "group load": _group_load,
        "assignee load": _assignee_load,
        "priority": _priority,
    }
)
"""One sentence a cause; a cause without one is told by the feature that leads it."""


def _median(row: Row, fact: str, said: Callable[[float], str]) -> str:
    """Compare with the open tickets of the same group; nothing where both are told the same."""
    if not _knows(row, "group", f"{_PEER}{fact}"):
        return ""
    usual = said(row[f"{_PEER}{fact}"])
    return "" if usual == said(row[fact]) else f" (median for {row['group']} tickets: {usual})"


def _against(row: Row, fact: str, said: Callable[[float], str]) -> str:
    """Compare with what is usual; nothing where both are told the same."""
    if not _knows(row, f"{_PEER}{fact}"):
        return ""
    usual = said(row[f"{_PEER}{fact}"])
    return "" if usual == said(row[fact]) else usual


def _knows(row: Row, *columns: str) -> bool:
    return all(row.get(column) is not None for column in columns)


def _lacks(row: Row, column: str) -> bool:
    """Whether the ticket has no such value, as far as the row tells."""
    return column in row and row[column] is None


def _hours(hours: float) -> str:
    """Hours of working time; never days, whose length depends on the calendar."""
    if abs(hours) < 1:
        return f"{60 * hours:.0f} min"
    return f"{round(hours, 1):g} h"


def _span(hours: float) -> str:
    """Wall time, in the unit that reads best."""
    if hours < 10:  # noqa: PLR2004 - below, a tenth of an hour still says something
        return _hours(hours)
    if hours < 48:  # noqa: PLR2004 - up to two days, hours are clearer
        return f"{hours:.0f} h"
    return f"{hours / 24:.0f} days"


def _count(number: float, thing: str) -> str:
    return f"{number:.0f} {thing}" if round(number) == 1 else f"{number:.0f} {thing}s"


def _ordinal(changes: float) -> str:
    """Which one it is by now, after so many changes."""
    at = int(changes)
    return _ORDINALS[at] if at < len(_ORDINALS) else f"{at + 1}th"


def _cardinal(number: float) -> str:
    """A small whole number in words."""
    at = round(number)
    return _CARDINALS[at] if at == number and at < len(_CARDINALS) else f"{number:g}"


def _times(number: float) -> str:
    at = int(number)
    return _TIMES[at] if at < len(_TIMES) else f"{at} times"
