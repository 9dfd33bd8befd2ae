"""What the ticket page shows, as values: no Streamlit here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_sniper.panels.story import Line, forecast_words, story_lines
from sla_sniper.panels.timeline import TimelinePanel, timeline_panel
from sla_sniper.ui.notices import Notice

if TYPE_CHECKING:
    from sla_sniper.usecases.explain import ExplainReport
    from sla_sniper.usecases.kill_list import StoredQueue


@dataclass(frozen=True, slots=True)
class Asked:
    """The ticket that the reader wants; `source` is empty where any will do."""

    ticket_id: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket.

    Attributes
    ----------
    timeline : TimelinePanel or None
        The picture; None where no clock has started.
    lines : tuple of Line
        The explanation, as `sniper explain` prints it.
    """

    timeline: TimelinePanel | None
    lines: tuple[Line, ...]


def ticket_view(report: ExplainReport) -> TicketView:
    """Describe an explained ticket."""
    forecasts = [
        Line(forecast_words(each.metric, each.p_breach, each.reasons, each.advice, each.done_in_h))
        for each in report.forecasts
    ]
    if not report.has_model:
        forecasts = [Line("There is no forecast: no model was trained on these policies by then.")]
    return TicketView(
        timeline=timeline_panel(report.explanation, report.clocks) if report.clocks else None,
        lines=(*story_lines(report.explanation, report.clocks), *forecasts),
    )


def sources_of(queue: StoredQueue | None) -> tuple[str, ...]:
    """List the sources to choose from; none where there is only one."""
    found = [] if queue is None else queue.frame["source"].unique().sort().to_list()
    return tuple(found) if len(found) > 1 else ()


def ask_for_ticket() -> Notice:
    """Say how to choose a ticket."""
    return Notice(
        "empty",
        "Which ticket?",
        "Type its id above, as in your file, or click its row in the kill list.",
    )
