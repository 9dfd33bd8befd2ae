"""The charts as values: rows with their words, and the Vega-Lite that draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from sla_sniper.core.words import percent
from sla_sniper.escalation.costs import SYMBOLS, money
from sla_sniper.panels import theme
from sla_sniper.panels.words import DASH, amounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from sla_sniper.escalation.results import PolicyResult

HEIGHT: Final = 330
_LABEL_GAP: Final = 0.062
"""Least distance of two line labels, as a share of the height of the chart."""


@dataclass(frozen=True, slots=True)
class Line:
    """One policy's line: its label and how it is drawn."""

    policy: str
    label: str
    colour: str
    width: float = 2.0
    dash: tuple[int, ...] = (1, 0)


@dataclass(frozen=True, slots=True)
class CapturePanel:
    """The risk capture curve: what share of the catchable breach cost each policy catches.

    Attributes
    ----------
    title, caption : str
        What it shows; what it says at this capacity.
    capacity, most : int
        Slots a day now; the largest shown.
    lines : tuple of Line
        Policies, the most important last (it is drawn on top).
    rows : tuple of dict
        ``policy, capacity, share`` and the words of the tooltip.
    now : tuple of dict
        The same at `capacity`.
    """

    title: str
    caption: str
    capacity: int
    most: int
    lines: tuple[Line, ...]
    rows: tuple[dict[str, Any], ...]
    now: tuple[dict[str, Any], ...]

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        return _capture_chart(self)


@dataclass(frozen=True, slots=True)
class NetPanel:
    """Net saving of every policy at one capacity, with its interval.

    Attributes
    ----------
    title, caption : str
        What it shows; what is not on it.
    symbol : str
        Sign of the currency.
    rows : tuple of dict
        ``policy, net, low, high, colour`` and words, the greatest first.
    """

    title: str
    caption: str
    symbol: str
    rows: tuple[dict[str, Any], ...]

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        return _net_chart(self)


def capture_panel(
    curve: pl.DataFrame, results: Mapping[str, PolicyResult], *, rule: str, capacity: int
) -> CapturePanel:
    """Describe the capture curve of the model, the best simple rule, the oracle and chance.

    Parameters
    ----------
    curve : polars.DataFrame
        ``policy, capacity, captured_share``, as of `escalation.capture_curve`.
    results : mapping of str to PolicyResult
        Every policy at `capacity`.
    rule : str
        The best simple rule.
    capacity : int
        Slots a day now.
    """
    known = set(curve["policy"]) & set(results)
    lines = tuple(line for line in _lines(rule) if line.policy in known)
    labels = {line.policy: line.label for line in lines}
    wanted = curve.drop_nulls().filter(curve.drop_nulls()["policy"].is_in(list(labels)))
    rows = tuple(
        _point(labels[policy], share, slots)
        for policy, slots, share in wanted.select("policy", "capacity", "captured_share").rows()
    )
    shares = {name: results[name].captured_share.estimate for name in labels}
    now = tuple(
        _point(labels[name], share, capacity)
        for name, share in shares.items()
        if math.isfinite(share)
    )
    return CapturePanel(
        title="Risk capture: share of the catchable breach cost that is escalated in time",
        caption=f"At {capacity} a day: {_said(now)}.",
        capacity=capacity,
        most=int(curve["capacity"].cast(int).max() or capacity),  # type: ignore[arg-type]
        lines=lines,
        rows=rows,
        now=now,
    )


def net_panel(
    results: Sequence[PolicyResult], *, rule: str, currency: str, n_days: int
) -> NetPanel:
    """Describe the net saving of the policies that obey the capacity; others go to the caption."""
    shown = [r for r in results if r.policy != "nuke" and math.isfinite(r.net_saving.estimate)]
    shown.sort(key=lambda result: -result.net_saving.estimate)
    return NetPanel(
        title=f"Net saving over {n_days} days by policy, with its 95 % interval",
        caption=" ".join(_everything(r, currency) for r in results if r.policy == "nuke"),
        symbol=SYMBOLS.get(currency, f"{currency} "),
        rows=tuple(_whisker(result, rule, currency) for result in shown),
    )


def spread(values: Sequence[float], gap: float, *, most: float) -> tuple[float, ...]:
    """Move labels apart until each two are a gap apart and none is above `most`.

    Their order is kept, and their mean where `most` allows it.

    Examples
    --------
    >>> spread([0.9, 0.5, 0.5], gap=0.25, most=1.0)
    (0.9, 0.375, 0.625)
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    # Pool adjacent violators on the values less their least places.
    blocks: list[list[float]] = []
    for number, place in enumerate(order):
        blocks.append([values[place] - number * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    ceiling = most - (len(values) - 1) * gap
    levels = [min(_mean(block), ceiling) for block in blocks for _ in block]
    moved = {place: levels[number] + number * gap for number, place in enumerate(order)}
    return tuple(moved[place] for place in range(len(values)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _lines(rule: str) -> tuple[Line, ...]:
    return (
        Line("random", "random, one draw", theme.FAINT, 1.0),
        Line("oracle", "oracle: knows the future", theme.ORACLE, 1.5, (5, 4)),
        Line(rule, f"best rule: {rule}", theme.RULE),
        Line("sniper", "sniper", theme.SNIPER, 3.0),
    )


def _point(label: str, share: float, capacity: int) -> dict[str, Any]:
    return {
        "policy": label,
        "capacity": capacity,
        "share": share,
        "slots": f"{capacity:,} a day",
        "captured": percent(share),
    }


def _said(now: Sequence[Mapping[str, Any]]) -> str:
    words = {str(row["policy"]).split(":")[-1].strip(): row["captured"] for row in reversed(now)}
    words = {("oracle" if "knows" in name else name): value for name, value in words.items()}
    return ", ".join(f"{name} {value}" for name, value in words.items()) or "nothing to catch"


def _whisker(result: PolicyResult, rule: str, currency: str) -> dict[str, Any]:
    net = result.net_saving
    bounds = {"low": net.low, "high": net.high} if math.isfinite(net.low) else {}
    colours = {"sniper": theme.SNIPER, rule: theme.RULE, "oracle": theme.ORACLE}
    return {
        "policy": result.policy,
        "net": net.estimate,
        "colour": colours.get(result.policy, theme.MUTED),
        "amount": money(net.estimate, currency),
        "interval": amounts(net, currency) if bounds else DASH,
        **bounds,
    }


def _everything(result: PolicyResult, currency: str) -> str:
    return (
        f"Escalating all {result.n_chosen:,.0f} tickets (nuke) ignores the capacity and would net "
        f"{money(result.net_saving.estimate, currency)}."
    )


def _capture_chart(panel: CapturePanel) -> alt.LayerChart:
    colour = alt.Color(
        "policy:N",
        scale=alt.Scale(
            domain=[line.label for line in panel.lines],
            range=[line.colour for line in panel.lines],
        ),
        legend=None,
    )
    # The labels stand inside the scale, to the right of the last capacity.
    x = alt.X(
        "capacity:Q",
        title="Escalations a day",
        scale=alt.Scale(domain=[0, panel.most * 1.34], nice=False),
        axis=alt.Axis(values=list(range(0, panel.most + 1, 50)), grid=False),
    )
    y = alt.Y(
        "share:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("policy:N", title="Policy"),
        alt.Tooltip("slots:N", title="Capacity"),
        alt.Tooltip("captured:N", title="Captured"),
    ]
    layers = [
        *_capacity_rule(panel, x),
        *(_curve(panel, line, x, y) for line in panel.lines),
        alt.Chart(_data(panel.rows))
        .mark_circle(size=160, opacity=0)
        .encode(x=x, y=y, tooltip=tooltip),
        alt.Chart(_data(panel.now))
        .mark_point(size=70, filled=True, opacity=1, stroke=theme.GROUND, strokeWidth=1.5)
        .encode(x=x, y=y, color=colour, tooltip=tooltip),
        *_end_labels(panel, x, y, colour),
    ]
    return _finished(layers)


def _curve(panel: CapturePanel, line: Line, x: alt.X, y: alt.Y) -> alt.Chart:
    rows = [row for row in panel.rows if row["policy"] == line.label]
    curve: alt.Chart = (
        alt.Chart(_data(rows))
        .mark_line(
            color=line.colour,
            strokeWidth=line.width,
            strokeDash=list(line.dash),
            interpolate="monotone",
        )
        .encode(x=x, y=y)
    )
    return curve


def _capacity_rule(panel: CapturePanel, x: alt.X) -> tuple[alt.Chart, alt.Chart]:
    row = {"capacity": panel.capacity, "text": f"{panel.capacity} a day"}
    base = alt.Chart(_data([row])).encode(x=x)
    words = base.mark_text(baseline="bottom", dy=-6, color=theme.INK, fontWeight=600).encode(
        text="text:N", y=alt.value(0)
    )
    return base.mark_rule(color=theme.MUTED, strokeWidth=1), words


def _end_labels(
    panel: CapturePanel, x: alt.X, y: alt.Y, colour: alt.Color
) -> tuple[alt.Chart, alt.Chart]:
    last = {row["policy"]: row for row in panel.rows if row["capacity"] == panel.most}
    ends = [last[line.label] for line in panel.lines if line.label in last]
    places = spread([row["share"] for row in ends], _LABEL_GAP, most=0.99)
    rows = [row | {"share": place} for row, place in zip(ends, places, strict=True)]
    base = alt.Chart(_data(rows)).encode(x=x, y=y, text="policy:N")
    return _haloed(base, colour, align="left", dx=8, fontWeight=600)


def _net_chart(panel: NetPanel) -> alt.LayerChart:
    x = alt.X(
        "net:Q",
        title="Net saving",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(labelExpr=f"'{panel.symbol}' + format(datum.value, '~s')", tickCount=5),
    )
    names = [row["policy"] for row in panel.rows]
    y = alt.Y(
        "policy:N",
        title=None,
        sort=names,
        axis=alt.Axis(domain=False, ticks=False, labelColor=theme.INK, labelLimit=120),
    )
    tooltip = [
        alt.Tooltip("policy:N", title="Policy"),
        alt.Tooltip("amount:N", title="Net saving"),
        alt.Tooltip("interval:N", title="95 % interval"),
    ]
    base = alt.Chart(_data(panel.rows)).encode(y=y, tooltip=tooltip)
    colour = alt.Color("colour:N", scale=None, legend=None)
    return _finished(
        [
            base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", color=colour),
            *_haloed(base.encode(x=x, text="amount:N"), colour, dy=-11, fontSize=11),
            base.mark_point(filled=True, size=80, opacity=1).encode(x=x, color=colour),
        ]
    )


def _haloed(base: alt.Chart, colour: alt.Color, **mark: float | str) -> tuple[alt.Chart, alt.Chart]:
    """Write text on a ground of its own, so that no line runs through it."""
    words: dict[str, Any] = dict(mark)
    halo = base.mark_text(**words, stroke=theme.GROUND, strokeWidth=5, strokeJoin="round")
    return halo, base.mark_text(**words).encode(color=colour)


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _finished(layers: Sequence[alt.Chart]) -> alt.LayerChart:
    chart: alt.LayerChart = alt.LayerChart(layer=list(layers)).properties(
        height=HEIGHT, width="container"
    )
    dressed: alt.LayerChart = chart.configure(**theme.chart_config())
    return dressed
