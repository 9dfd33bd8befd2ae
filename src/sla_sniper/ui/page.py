"""The command center's page: it asks, and draws.

Run by Streamlit, through `sniper serve` or `streamlit run dashboard_app.py`.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.ui import answers, drawing, views

if TYPE_CHECKING:
    from sla_sniper.config.workspace import Workspace


def show(folder: Path) -> None:
    """Draw the command center of a workspace; an error is one sentence in a box."""
    drawing.draw_frame()
    try:
        _show(open_workspace(folder))
    except SlaSniperError as error:
        drawing.draw_top(())
        drawing.draw_notices(views.refusal(folder, error))


def _show(workspace: Workspace) -> None:
    folder, costs = workspace.folder, workspace.sla.costs
    replayed, no_replay = answers.read(answers.period, workspace, views.no_backtest(folder))
    queue, no_queue = answers.read(answers.queue, workspace, views.no_queue(folder))
    drawing.draw_top(views.stamps(workspace, queue, replayed))
    if replayed is None and queue is None:
        drawing.draw_notices(no_replay, no_queue)
        return
    scenario = drawing.draw_controls(views.controls(workspace))
    replay = None
    if replayed is None:
        drawing.draw_notices(no_replay)
    else:
        evaluation, curve = answers.outcome(workspace, replayed, scenario)
        listed_by = views.listed_by(None if queue is None else queue.frame)
        replay = views.replay_view(evaluation, curve, listed_by=listed_by)
        drawing.draw_replay(replay)
    if queue is None:
        drawing.draw_notices(no_queue)
    else:
        ranked_by = "" if replay is None else replay.ranked_by
        drawing.draw_kill_list(
            partial(views.queue_view, queue, costs=costs, scenario=scenario, ranked_by=ranked_by)
        )
    drawing.draw_footnotes(() if replay is None else replay.footnotes)


if __name__ == "__main__":
    show(Path(os.environ.get("SNIPER_WORKSPACE", ".")))
