"""Boxes in the place of what cannot be shown, as values."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sla_sniper.config.workspace import NotAWorkspaceError
from sla_sniper.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.core.errors import SlaSniperError
    from sla_sniper.usecases.command_center import Period


@dataclass(frozen=True, slots=True)
class Notice:
    """A box in the place of what cannot be shown.

    Attributes
    ----------
    kind : {"empty", "error"}
        Nothing there yet; something wrong.
    headline, detail : str
        What is so; why or what follows.
    commands : tuple of str
        What to run, in order.
    """

    kind: Literal["empty", "error"]
    headline: str
    detail: str
    commands: tuple[str, ...] = ()


def refusal(folder: Path, error: SlaSniperError) -> Notice:
    """Say why a workspace cannot be opened, and how to get one where there is none."""
    if not isinstance(error, NotAWorkspaceError):
        return problem(error)
    where = shlex.quote(str(folder))
    return Notice(
        "empty",
        "No workspace here yet",
        str(error),
        (
            f"sniper demo {where}    # the whole job on the bundled log",
            f"sniper init {where}    # commented configuration for your own log",
        ),
    )


def no_backtest(folder: Path) -> Notice:
    """Say how to get the replay."""
    return Notice(
        "empty",
        "No replay yet",
        "What escalating saves is measured by replaying past days with what was known on each.",
        (f"sniper backtest --workspace {shlex.quote(str(folder))}",),
    )


def no_queue(folder: Path) -> Notice:
    """Say how to get a kill list."""
    return Notice(
        "empty",
        "No kill list yet",
        "The list ranks the tickets that are open now.",
        (f"sniper queue --workspace {shlex.quote(str(folder))}",),
    )


def changed(folder: Path, verb: str) -> Notice:
    """Say that what a verb has kept was priced by other settings, and how to get it anew."""
    return Notice(
        "error",
        f"sla.toml has changed since the last sniper {verb}",
        "Its savings were made under other promises, costs or capacities, or by an older version; "
        "put together with what sla.toml says now they would be wrong.",
        (f"sniper {verb} --workspace {shlex.quote(str(folder))}",),
    )


def still_true(
    workspace: Workspace, replayed: tuple[Period | None, Notice]
) -> tuple[Period | None, Notice]:
    """Return a stored replay, or None and a notice where it says nothing of the list shown.

    `sla.toml` has changed since, or another estimator was replayed than the one that ranks.
    """
    period = replayed[0]
    if period is None:
        return replayed
    if not period.holds_for(workspace):
        return None, changed(workspace.folder, "backtest")
    if period.model is not None and period.is_of_another_model:
        return None, of_another_model(workspace.folder, period.about, period.model)
    return replayed


def of_another_model(folder: Path, about: Mapping[str, Any], model: Mapping[str, Any]) -> Notice:
    """Say that what was replayed is not what ranks the list."""
    estimator = model["estimator"]
    return Notice(
        "error",
        f"The last backtest replayed {about.get('model')}, the model that ranks is {estimator}",
        "What one of them saved says nothing about the other.",
        (f"sniper backtest --model {estimator} --workspace {shlex.quote(str(folder))}",),
    )


def nobody(frame: pl.DataFrame, kept: str) -> Notice:
    """Say why nobody is recommended."""
    if kept:
        return Notice("empty", "Every slot is kept for later today", kept)
    if (frame["expected_saving"] > 0).any():
        return Notice(
            "empty",
            "No slot for a ticket now",
            "Escalating some tickets would pay for itself, but nobody is free who can take them.",
        )
    return Notice(
        "empty",
        "No escalation pays for itself",
        "Every open ticket's expected saving is below the cost of an escalation.",
    )


def problem(error: SlaSniperError) -> Notice:
    """Show an error that the reader can repair."""
    headline = (
        "The configuration needs repair"
        if isinstance(error, ConfigurationError)
        else "This cannot be shown"
    )
    return Notice("error", headline, str(error))
