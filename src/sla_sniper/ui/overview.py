"""The overview: what the replay says, and the kill list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sla_sniper.ui import answers, drawing, views

if TYPE_CHECKING:
    from sla_sniper.config.workspace import Workspace
    from sla_sniper.ui.notices import Notice
    from sla_sniper.usecases.command_center import Period
    from sla_sniper.usecases.kill_list import StoredQueue


def show(
    workspace: Workspace,
    replayed: tuple[Period | None, Notice],
    queued: tuple[StoredQueue | None, Notice],
) -> None:
    """Draw it, or what to run where something is missing."""
    (period, no_replay), (queue, no_queue) = replayed, queued
    if period is None and queue is None:
        drawing.draw_notices(no_replay, no_queue)
        return
    scenario = drawing.draw_controls(views.controls(workspace))
    replay = None
    if period is None:
        drawing.draw_notices(no_replay)
    else:
        evaluation, curve = answers.outcome(workspace, period, scenario)
        listed_by = views.listed_by(None if queue is None else queue.frame)
        replay = views.replay_view(evaluation, curve, listed_by=listed_by)
        drawing.draw_replay(replay)
    if queue is None:
        drawing.draw_notices(no_queue)
    else:
        ranked_by = "" if replay is None else replay.ranked_by
        drawing.draw_kill_list(
            partial(
                views.queue_view,
                queue,
                workspace=workspace,
                scenario=scenario,
                ranked_by=ranked_by,
            )
        )
    drawing.draw_footnotes(() if replay is None else replay.footnotes)
