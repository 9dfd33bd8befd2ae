"""The ticket page: one ticket's clocks as a picture and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.ui import answers, drawing, notices, ticket_drawing
from sla_sniper.ui.ticket_view import ask_for_ticket, sources_of, ticket_view

if TYPE_CHECKING:
    from sla_sniper.config.workspace import Workspace
    from sla_sniper.usecases.kill_list import StoredQueue


def show(workspace: Workspace, queue: StoredQueue | None) -> None:
    """Ask for a ticket and draw it as of the kill list, else as of the end of the log."""
    asked = ticket_drawing.draw_ticket_input(sources_of(queue))
    if not asked.ticket_id:
        drawing.draw_notices(ask_for_ticket())
        return
    try:
        report = answers.ticket(workspace, queue, asked)
    except SlaSniperError as error:
        drawing.draw_notices(notices.problem(error))
        return
    ticket_drawing.draw_ticket(ticket_view(report))
