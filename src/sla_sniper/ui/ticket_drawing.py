"""Streamlit calls of the ticket page, and of the way to it; every text is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

from sla_sniper.ui.ticket_view import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from sla_sniper.panels.story import Line
    from sla_sniper.panels.timeline import TimelinePanel
    from sla_sniper.ui.ticket_view import TicketView

OVERVIEW: Final = "Overview"
TICKET: Final = "Ticket"
_ANY: Final = "any"


def draw_pages() -> str:
    """Draw the choice of pages and return the chosen one."""
    chosen = st.segmented_control(
        "Page",
        (OVERVIEW, TICKET),
        default=None if "page" in st.session_state else OVERVIEW,
        key="page",
        label_visibility="collapsed",
    )
    return chosen or OVERVIEW


def draw_ticket_input(sources: Sequence[str]) -> Asked:
    """Draw where an id is typed, and the desk where there are several."""
    # A widget that was not drawn forgets its value: the click is kept beside it.
    clicked = st.session_state.pop("clicked_ticket", None)
    if clicked is not None:
        st.session_state["ticket"], st.session_state["desk"] = clicked
    name, desk = st.columns([2, 3])
    ticket_id = name.text_input("Ticket", key="ticket", placeholder="its id, as in your file")
    if not sources:
        return Asked(ticket_id.strip())
    with desk:
        source = st.selectbox("Desk", (_ANY, *sources), key="desk")
    return Asked(ticket_id.strip(), "" if source == _ANY else source)


def draw_ticket(view: TicketView) -> None:
    """Draw the picture and the words."""
    if view.timeline is not None:
        _draw_picture(view.timeline)
    st.html(f'<div class="story">{"".join(_paragraphs(view.lines))}</div>')


def open_ticket(rows: pl.DataFrame) -> None:
    """Go to the ticket of the row of the kill list that was clicked."""
    chosen = st.session_state["kill_list"]["selection"]["rows"]
    if chosen:
        row = rows.row(chosen[0], named=True)
        st.session_state["clicked_ticket"] = (row["Ticket"], row.get("Desk", _ANY))
        st.session_state["page"] = TICKET


def _draw_picture(panel: TimelinePanel) -> None:
    title, caption = escape(panel.title), escape(panel.caption)
    st.html(f'<div class="section"><h2>{title}</h2><p>{caption}</p></div>')
    with st.container(key="timeline"):
        st.altair_chart(panel.chart(), width="stretch", theme=None)


def _paragraphs(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        kind = line.style.replace("bold red", "bold late")
        depth = (len(line.text) - len(line.text.lstrip())) // 2
        yield f'<p class="{kind or "plain"} depth{depth}">{escape(line.text.strip())}</p>'
