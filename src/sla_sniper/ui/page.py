"""The command center's page: it asks, and draws.

Run by Streamlit, through `sniper serve` or `streamlit run dashboard_app.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.ui import answers, drawing, notices, overview, ticket, ticket_drawing, views

if TYPE_CHECKING:
    from sla_sniper.config.workspace import Workspace


def show(folder: Path) -> None:
    """Draw the command center of a workspace; an error is one sentence in a box."""
    drawing.draw_frame()
    try:
        _show(open_workspace(folder))
    except SlaSniperError as error:
        drawing.draw_top(())
        drawing.draw_notices(notices.refusal(folder, error))


def _show(workspace: Workspace) -> None:
    folder = workspace.folder
    replayed = notices.still_true(
        workspace, answers.read(answers.period, workspace, notices.no_backtest(folder))
    )
    queued = answers.read(answers.queue, workspace, notices.no_queue(folder))
    drawing.draw_top(views.stamps(workspace, queued[0], replayed[0]))
    if ticket_drawing.draw_pages() == ticket_drawing.TICKET:
        ticket.show(workspace, queued[0])
    else:
        overview.show(workspace, replayed, queued)


if __name__ == "__main__":
    show(Path(os.environ.get("SNIPER_WORKSPACE", ".")))
