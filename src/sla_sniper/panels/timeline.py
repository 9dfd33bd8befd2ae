"""One ticket's clocks as a picture: spans over open hours, deadlines, warnings and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from sla_sniper.core.instants import zone
from sla_sniper.panels import theme
from sla_sniper.panels.story import leg_words, verdict
from sla_sniper.sla.explain_words import METRIC_WORDS, when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sla_sniper.sla.explain_values import ClockStory, Explanation, Leg

EVENTS_LANE: Final = "Ticket"
_COLOURS: Final[Mapping[str, str]] = {
    "running": theme.SNIPER,
    "over time": theme.RULE,
    "paused": "#aab4c0",
    "stopped": theme.LINE,
}
_MARKS: Final[Mapping[str, str]] = {
    "deadline": "diamond",
    "earlier deadline": "circle",
    "warning": "triangle-up",
}
_HOURS: Final = "#e6eef5"
_LANE_HEIGHT: Final = 42
_AROUND: Final = 96
"""Height of the legends above the lanes and of the axis below them."""
_CLOCK: Final = (
    "utchours(datum.value) + utcminutes(datum.value) == 0"
    " ? utcFormat(datum.value, '%a %-d %b') : utcFormat(datum.value, '%H:%M')"
)
"""The day at midnight, else the time of day in 24 hours."""
_MOST_DAYS: Final = 90
"""Beyond it a day is too narrow for its open hours to be seen."""
_LABEL_GAP: Final = 0.2
"""Least distance of two labels, as a share of the picture's width."""


@dataclass(frozen=True, slots=True)
class TimelinePanel:
    """The picture of one ticket's clocks. Instants are local times of the desk, as ISO text.

    Attributes
    ----------
    title, caption : str
        Whose clocks; how to read the picture.
    lanes : tuple of str
        From top to bottom: the events of the ticket, then one a metric.
    spans : tuple of dict
        ``lane, start, end, state`` and words: running, over time, paused, stopped.
    hours : tuple of dict
        ``lane, start, end`` of the open hours behind the spans.
    marks : tuple of dict
        ``lane, at, kind`` and words: deadlines, now and earlier, and the next warning.
    ticks : tuple of dict
        ``lane, at, text, label``; the label is empty where there is no room for it.
    first, last, as_of : str
        What is shown, and the instant of the reading.
    """

    title: str
    caption: str
    lanes: tuple[str, ...]
    spans: tuple[dict[str, Any], ...]
    hours: tuple[dict[str, Any], ...]
    marks: tuple[dict[str, Any], ...]
    ticks: tuple[dict[str, Any], ...]
    first: str
    last: str
    as_of: str

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        return _chart(self)


def timeline_panel(
    explanation: Explanation, clocks: Sequence[ClockStory] | None = None
) -> TimelinePanel:
    """Describe an explanation as a picture.

    Parameters
    ----------
    explanation : Explanation
    clocks : sequence of ClockStory, optional
        Those to show; all where not given.
    """
    shown = explanation.clocks if clocks is None else tuple(clocks)
    first, last = _reach(explanation, shown)
    is_wide = (last - first).days > _MOST_DAYS
    local = _Local(explanation.timezone, first, last)
    lanes = tuple(dict.fromkeys(METRIC_WORDS[clock.metric] for clock in shown))
    return TimelinePanel(
        title=f"The clocks of ticket {explanation.ticket_id}",
        caption=_caption(explanation, is_wide=is_wide),
        lanes=(EVENTS_LANE, *lanes),
        spans=tuple(row for clock in shown for row in _spans(clock, local)),
        hours=() if is_wide else tuple(_hours(explanation, shown, local)),
        marks=tuple(row for clock in shown for row in _marks(clock, local)),
        ticks=tuple(_ticks(explanation, local)),
        first=local.text(first),
        last=local.text(last),
        as_of=local.text(explanation.as_of),
    )


@dataclass(frozen=True, slots=True)
class _Local:
    """Writes instants as local times of a zone, and cuts what lies outside the picture."""

    timezone: str
    first: datetime
    last: datetime

    def text(self, at: datetime) -> str:
        # The chart's axis is in UTC, so that no zone of the reader's machine comes in.
        local = at.astimezone(zone(self.timezone)).replace(tzinfo=None, microsecond=0)
        return f"{local.isoformat()}Z"

    def words(self, at: datetime) -> str:
        return when(at, self.timezone)

    def shows(self, at: datetime) -> bool:
        return self.first <= at <= self.last

    def cut(self, at: datetime) -> datetime:
        return min(max(at, self.first), self.last)


def _reach(explanation: Explanation, clocks: Sequence[ClockStory]) -> tuple[datetime, datetime]:
    """From the beginning of the ticket to the last event, deadline or reading that matters."""
    ends = [tick.at for tick in explanation.ticks]
    for clock in clocks:
        ends.append(clock.totals.end)
        ends += [clock.due_at] if clock.due_at is not None else []
        ends += [ahead.at for ahead in clock.ahead if ahead.kind == "warning" and ahead.at]
    last = max([explanation.opened_at, *ends])
    # A little room, so that a mark at the end is not cut.
    return explanation.opened_at, last + (last - explanation.opened_at) / 40


def _caption(explanation: Explanation, *, is_wide: bool) -> str:
    bands = (
        "Open hours are left out of so long a picture."
        if is_wide
        else "Open hours are tinted; outside them no working time passes."
    )
    moment = when(explanation.as_of, explanation.timezone)
    return f"As of {moment} ({explanation.timezone}). {bands}"


def _spans(clock: ClockStory, local: _Local) -> Iterator[dict[str, Any]]:
    turn = f", {clock.cycle} of {clock.n_cycles}" if clock.n_cycles > 1 else ""
    name = METRIC_WORDS[clock.metric]
    for moment in clock.moments:
        leg = moment.leg
        if leg is None:
            continue
        yield {
            "lane": name,
            "start": local.text(leg.start),
            "end": local.text(leg.end),
            "state": _state(leg),
            "clock": f"{name}{turn}: {verdict(clock, local.timezone)}",
            "from": local.words(leg.start),
            "to": local.words(leg.end),
            "words": leg_words(leg),
        }


def _state(leg: Leg) -> str:
    """A leg never lies on both sides of a deadline: its end says on which."""
    is_over = leg.state == "running" and leg.left_us is not None and leg.left_us < 0
    return "over time" if is_over else leg.state


def _hours(
    explanation: Explanation, clocks: Sequence[ClockStory], local: _Local
) -> Iterator[dict[str, Any]]:
    """Open hours of the calendar of each lane's latest clock."""
    calendars = {METRIC_WORDS[clock.metric]: clock.calendar for clock in clocks}
    for lane, calendar in calendars.items():
        for start, end in explanation.hours.get(calendar, ()):
            begin, until = local.cut(start), local.cut(end)
            if begin < until:
                yield {"lane": lane, "start": local.text(begin), "end": local.text(until)}


def _marks(clock: ClockStory, local: _Local) -> Iterator[dict[str, Any]]:
    lane = METRIC_WORDS[clock.metric]
    told = [("earlier deadline", move.before) for move in clock.moves]
    told += [("deadline", clock.due_at)] if clock.due_at is not None else []
    told += [("warning", each.at) for each in clock.ahead if each.kind == "warning" and each.at]
    for kind, at in told:
        if local.shows(at):
            words = f"{kind.capitalize()}: {local.words(at)}"
            yield {"lane": lane, "at": local.text(at), "kind": kind, "words": words}


def _ticks(explanation: Explanation, local: _Local) -> Iterator[dict[str, Any]]:
    """Events, labelled where there is room."""
    gap = (local.last - local.first) * _LABEL_GAP
    free = local.first
    for tick in explanation.ticks:
        has_room = tick.at >= free and tick.at <= local.last - gap
        free = tick.at + gap if has_room else free
        yield {
            "lane": EVENTS_LANE,
            "at": local.text(tick.at),
            "text": tick.text,
            "label": _short(tick.text) if has_room else "",
            "when": local.words(tick.at),
        }


def _short(text: str) -> str:
    """First sentence, without its full stop."""
    return text.split(". ", maxsplit=1)[0].rstrip(".")


def _chart(panel: TimelinePanel) -> alt.LayerChart:
    scale = alt.Scale(type="utc", domain=[panel.first, panel.last], nice=False)
    axis = alt.Axis(grid=False, labelOverlap="greedy", tickCount=8, labelExpr=_CLOCK)
    lanes = alt.Y(
        "lane:N",
        title=None,
        sort=list(panel.lanes),
        scale=alt.Scale(domain=list(panel.lanes), paddingInner=0, paddingOuter=0),
        axis=alt.Axis(
            domain=False, ticks=False, labelColor=theme.INK, labelLimit=150, labelFontSize=13
        ),
    )
    start = alt.X("start:T", title=None, scale=scale, axis=axis)
    at = alt.X("at:T", title=None, scale=scale, axis=axis)
    layers = [
        _bar(panel.hours, lanes, start, _LANE_HEIGHT).encode(color=alt.value(_HOURS)),
        _span_layer(panel, lanes, start),
        *_now(panel, at),
        _mark_layer(panel, lanes, at),
        *_event_layers(panel, lanes, at),
    ]
    chart: alt.LayerChart = (
        alt.LayerChart(layer=layers)
        .resolve_scale(color="independent")
        .properties(width="container", height=_LANE_HEIGHT * len(panel.lanes) + _AROUND)
        .configure(**theme.chart_config())
    )
    return chart


def _bar(rows: Sequence[Mapping[str, Any]], lanes: alt.Y, start: alt.X, size: int) -> alt.Chart:
    bar: alt.Chart = (
        alt.Chart(_data(rows)).mark_bar(height=size).encode(x=start, x2="end:T", y=lanes)
    )
    return bar


def _span_layer(panel: TimelinePanel, lanes: alt.Y, start: alt.X) -> alt.Chart:
    shown = {row["state"] for row in panel.spans}
    states = [state for state in _COLOURS if state in shown]
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=states, range=[_COLOURS[state] for state in states]),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    tooltip = [
        alt.Tooltip(f"{field}:N", title=title)
        for field, title in (
            ("clock", "Clock"), ("state", "State"), ("from", "From"), ("to", "To"), ("words", "So"),
        )
    ]  # fmt: skip
    spans = _bar(panel.spans, lanes, start, 20)
    layer: alt.Chart = spans.encode(color=colour, tooltip=tooltip)
    return layer


def _mark_layer(panel: TimelinePanel, lanes: alt.Y, at: alt.X) -> alt.Chart:
    shown = {row["kind"] for row in panel.marks}
    kinds = [kind for kind in _MARKS if kind in shown]
    shape = alt.Shape(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[_MARKS[kind] for kind in kinds]),
        legend=alt.Legend(title=None, orient="top", symbolFillColor=theme.INK) if kinds else None,
    )
    layer: alt.Chart = (
        alt.Chart(_data(panel.marks))
        .mark_point(size=110, filled=True, opacity=1, color=theme.INK, stroke=theme.GROUND)
        .encode(x=at, y=lanes, shape=shape, tooltip=alt.Tooltip("words:N", title="Mark"))
    )
    return layer


def _event_layers(panel: TimelinePanel, lanes: alt.Y, at: alt.X) -> tuple[alt.Chart, alt.Chart]:
    tooltip = [alt.Tooltip("when:N", title="When"), alt.Tooltip("text:N", title="What")]
    base = alt.Chart(_data(panel.ticks)).encode(x=at, y=lanes, tooltip=tooltip)
    # The words stand above the ticks, so that no tick runs through them.
    labels = base.mark_text(align="left", dy=-9, limit=200, color=theme.INK)
    return (
        base.mark_tick(thickness=2, size=14, yOffset=9, color=theme.INK),
        labels.encode(text="label:N"),
    )


def _now(panel: TimelinePanel, at: alt.X) -> tuple[alt.Chart, ...]:
    """The instant of the reading, where the picture reaches it."""
    if not panel.first <= panel.as_of <= panel.last:
        return ()
    base = alt.Chart(_data([{"at": panel.as_of, "text": "as of"}])).encode(x=at)
    words = base.mark_text(align="right", baseline="top", dx=-4, dy=3, color=theme.MUTED)
    return (
        base.mark_rule(color=theme.MUTED, strokeDash=[4, 3]),
        words.encode(text="text:N", y=alt.value(0)),
    )


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])
