"""Streamlit calls that draw one panel each; every text is escaped."""

from __future__ import annotations

import re
from functools import partial
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

import streamlit as st

from sla_sniper.panels.theme import stylesheet_variables
from sla_sniper.ui.notices import Notice
from sla_sniper.ui.ticket_drawing import open_ticket
from sla_sniper.usecases.kill_list import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamlit.elements.lib.column_types import ColumnConfig

    from sla_sniper.panels.figures import Figure
    from sla_sniper.panels.kill_list import KillListPanel
    from sla_sniper.panels.verdict import Banner
    from sla_sniper.ui.views import Controls, ReplayView, Stamp

_ROW_HEIGHT = 62  # Streamlit wraps text in rows above 4 rem, 60 pixels in this theme
_TABLE_HEIGHT = 686  # ten rows and a half: the cut one says that there is more


def draw_frame() -> None:
    """Set the page up: its title, its width, its stylesheet."""
    st.set_page_config(page_title="sla-sniper", layout="wide")
    stylesheet = (files("sla_sniper.ui") / "page.css").read_text(encoding="utf-8")
    st.html(f"<style>{stylesheet_variables()}{stylesheet}</style>")


def draw_top(stamps: Sequence[Stamp]) -> None:
    """Draw the title and how fresh the page is."""
    facts = "".join(
        f"<div><dt>{_html(stamp.label)}</dt>"
        f'<dd class="{"stale" if stamp.is_warning else "fresh"}">{_html(stamp.value)}</dd></div>'
        for stamp in stamps
    )
    title = "<h1>sla-sniper <span>command center</span></h1>"
    st.html(f'<div class="top">{title}<dl>{facts}</dl></div>')


def draw_controls(controls: Controls) -> Scenario:
    """Draw the inputs and return what they say."""
    with st.container(key="controls"):
        slots, price, effect = st.columns([5, 2, 2], gap="large", vertical_alignment="bottom")
    capacity = slots.slider(
        "Capacity: escalations a day", 1, controls.most, controls.capacity, key="capacity"
    )
    intervention = price.number_input(
        controls.money_label,
        min_value=0.0,
        value=controls.intervention,
        step=1.0,
        format="%.2f",
        key="intervention",
        help="What one escalation costs in agents' time. sla.toml sets where this starts.",
    )
    effectiveness = effect.number_input(
        controls.effectiveness_label,
        min_value=0,
        max_value=100,
        value=controls.effectiveness,
        step=5,
        key="effectiveness",
        help="Share of escalated breaches that are prevented: an assumption until measured.",
    )
    return controls.scenario(capacity, float(intervention), effectiveness)


def draw_replay(view: ReplayView) -> None:
    """Draw the verdict, the figures and the charts."""
    _draw_banner(view.banner)
    _draw_figures(view.heading, view.figures)
    curve, net = st.columns([3, 2], gap="large")
    with curve:
        _draw_heading(view.capture.title, view.capture.caption)
        st.altair_chart(view.capture.chart(), width="stretch", theme=None)
    with net:
        _draw_heading(view.net.title, view.net.caption)
        st.altair_chart(view.net.chart(), width="stretch", theme=None)


def draw_kill_list(describe: Callable[..., KillListPanel | Notice]) -> None:
    """Draw the kill list; `describe` takes ``show_all``."""
    heading, switch = st.columns([5, 1])
    with switch.container(key="toggle"):
        show_all = st.toggle("Show every ticket", key="show_all")
    panel = describe(show_all=show_all)
    if isinstance(panel, Notice):
        draw_notices(panel)
        return
    with heading:
        _draw_heading(panel.headline, panel.note)
    st.dataframe(
        panel.rows,
        width="stretch",
        height=min(_TABLE_HEIGHT, _ROW_HEIGHT * panel.rows.height + 37),
        hide_index=True,
        row_height=_ROW_HEIGHT,
        column_config=_columns(panel),
        key="kill_list",
        selection_mode="single-row",
        on_select=partial(open_ticket, panel.rows),
    )


def draw_notices(*notices: Notice) -> None:
    """Draw boxes in the place of what cannot be shown."""
    for notice in notices:
        commands = _html("\n".join(notice.commands))
        code = f"<pre>{commands}</pre>" if commands else ""
        st.html(
            f'<div class="notice {notice.kind}" role="status"><b>{_html(notice.headline)}</b>'
            f"<p>{_html(notice.detail)}</p>{code}</div>"
        )


def draw_footnotes(footnotes: Sequence[str]) -> None:
    """Draw what replay cannot show."""
    if not footnotes:
        return
    items = "".join(f"<li>{_html(text)}</li>" for text in footnotes)
    st.html(f'<div class="notes"><h2>What replay cannot show</h2><ul>{items}</ul></div>')


def _columns(panel: KillListPanel) -> dict[str, ColumnConfig]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    bar = st.column_config.ProgressColumn
    return {
        "Rank": number("#", width=40),
        "Ticket": text(width=98),
        "Priority": text(width=76),
        "Group": text(width=88),
        "Due in": text("Due in, working", width=102),
        "Wall clock": text("Due in, wall", width=84),
        "p_breach": bar(
            "Chance of breach", min_value=0, max_value=100, format="%.0f %%", width=112
        ),
        "Saving": number(panel.saving_label, format="localized", width=72),
        "Act by": text(panel.act_by_label, width=110),
        **{f"Reason {n}": text(width=169) for n in (1, 2, 3)},
        "Would help": text("Would help, by the model", width=230),
    }


def _draw_heading(title: str, text: str) -> None:
    st.html(f'<div class="section"><h2>{_html(title)}</h2><p>{_html(text)}</p></div>')


def _draw_banner(banner: Banner) -> None:
    kind = "yes" if banner.is_claimed else "no"
    st.html(
        f'<div class="verdict {kind}" role="status"><div><b>{_html(banner.headline)}</b>'
        f"<p>{_html(banner.detail)}</p></div></div>"
    )


def _draw_figures(heading: str, figures: Sequence[Figure]) -> None:
    row = "".join(map(_figure, figures))
    st.html(f'<p class="figures-of">{_html(heading)}</p><div class="figures">{row}</div>')


def _figure(figure: Figure) -> str:
    return (
        f'<div class="figure {figure.key}"><h3>{_html(figure.label)}</h3>'
        f"<strong>{_html(figure.value)}</strong><em>{_html(figure.interval)}</em>"
        f'<span>{_html(figure.assumption)}</span><span class="rival">{_html(figure.rival)}</span>'
        "</div>"
    )


def _html(text: str) -> str:
    """Escape a text; numbers keep their unit on the same line, backticks become code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text).replace(" %", "&nbsp;%"))
