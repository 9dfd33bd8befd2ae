"""What the answer hangs on: the tornado and the break-even chart, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from sla_sniper.core.words import percent
from sla_sniper.escalation.costs import SYMBOLS, money
from sla_sniper.panels import theme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.escalation.costs import Effectiveness
    from sla_sniper.escalation.sensitivity import Sensitivity, Swing

_ROW: Final = 34
_HEIGHT: Final = 300
_NAMES: Final[Mapping[str, str]] = {
    "effectiveness": "Effectiveness",
    "intervention": "Cost of an escalation",
    "breach": "Every breach cost",
    "falls_over": "Effectiveness falls over",
}


@dataclass(frozen=True, slots=True)
class TornadoPanel:
    """Net saving at both ends of every assumption, the widest first.

    Attributes
    ----------
    title, caption : str
        What it shows; what turns the comparison with the rule round.
    symbol : str
        Sign of the currency.
    net : float
        Net saving as assumed.
    rows : tuple of dict
        ``assumption, low, high`` (the ends in words)``, net_low, net_high, gain_low, gain_high``
        and the amounts in words.
    """

    title: str
    caption: str
    symbol: str
    net: float
    rows: tuple[dict[str, Any], ...]

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        return _tornado(self)


@dataclass(frozen=True, slots=True)
class BreakEvenPanel:
    """Net saving of the forecast and of the rule by effectiveness.

    Attributes
    ----------
    title, caption : str
        What it shows; where each begins to pay.
    symbol : str
        Sign of the currency.
    rows : tuple of dict
        ``policy, effectiveness, net`` and the amount in words.
    assumed : dict
        ``low, value, high`` of the effectiveness that is assumed.
    """

    title: str
    caption: str
    symbol: str
    rows: tuple[dict[str, Any], ...]
    assumed: dict[str, float]

    def chart(self) -> alt.LayerChart:
        """Draw it."""
        return _break_even(self)


def tornado_panel(found: Sensitivity, currency: str) -> TornadoPanel:
    """Describe the tornado."""
    turned = [
        _name(swing)
        for swing in found.swings
        if min(swing.gain_low, swing.gain_high) <= 0 < max(swing.gain_low, swing.gain_high)
    ]
    caption = (
        f"sniper minus {found.rule} changes its sign with: {', '.join(turned)}."
        if turned
        else f"Nothing here changes the sign of sniper minus {found.rule}."
    )
    return TornadoPanel(
        title=f"Net saving of sniper at {found.capacity} a day if one assumption is moved",
        caption=caption,
        symbol=_symbol(currency),
        net=found.net,
        rows=tuple(_bar(swing, currency) for swing in found.swings),
    )


def break_even_panel(
    found: Sensitivity, effectiveness: Effectiveness, currency: str
) -> BreakEvenPanel:
    """Describe the break-even chart."""
    rows = [
        {
            "policy": policy,
            "effectiveness": point.effectiveness,
            "net": net,
            "amount": money(net, currency),
        }
        for point in found.curve
        for policy, net in (("sniper", point.sniper), (found.rule, point.rule))
    ]
    begins = [
        f"{policy} {_first_positive(rows, policy)}"
        for policy in dict.fromkeys(("sniper", found.rule))
    ]
    return BreakEvenPanel(
        title=f"Net saving at {found.capacity} a day by effectiveness",
        caption=f"Escalating begins to pay: {', '.join(begins)}.",
        symbol=_symbol(currency),
        rows=tuple(rows),
        assumed={
            "low": effectiveness.low, "value": effectiveness.value, "high": effectiveness.high
        },
    )  # fmt: skip


def _bar(swing: Swing, currency: str) -> dict[str, Any]:
    return {
        "assumption": f"{_name(swing)}: {swing.low} to {swing.high}",
        "low": swing.low,
        "high": swing.high,
        "net_low": swing.net_low,
        "net_high": swing.net_high,
        "gain_low": swing.gain_low,
        "gain_high": swing.gain_high,
        "amount_low": money(swing.net_low, currency),
        "amount_high": money(swing.net_high, currency),
    }


def _name(swing: Swing) -> str:
    return _NAMES.get(swing.name) or f"Cost of a {swing.name.removeprefix('breach.')} breach"


def _first_positive(rows: list[dict[str, Any]], policy: str) -> str:
    """Say between which steps a policy begins to pay."""
    points = [(row["effectiveness"], row["net"]) for row in rows if row["policy"] == policy]
    above = next((step for step, net in points if net > 0), None)
    if above is None:
        return "never"
    below = max((step for step, _ in points if step < above), default=above)
    return f"between {percent(below)} and {percent(above)}"


def _symbol(currency: str) -> str:
    return SYMBOLS.get(currency, f"{currency} ")


def _tornado(panel: TornadoPanel) -> alt.LayerChart:
    y = alt.Y(
        "assumption:N",
        title=None,
        sort=[row["assumption"] for row in panel.rows],
        axis=alt.Axis(domain=False, ticks=False, labelColor=theme.INK, labelLimit=260),
    )
    tooltip = [
        alt.Tooltip("assumption:N", title="Assumption"),
        alt.Tooltip("amount_low:N", title="At its low end"),
        alt.Tooltip("amount_high:N", title="At its high end"),
    ]
    bars = (
        alt.Chart(alt.InlineData(values=[dict(row) for row in panel.rows]))
        .mark_bar(color=theme.SNIPER, height=_ROW / 2)
        .encode(x=_money_axis(panel.symbol, "net_low:Q"), x2="net_high:Q", y=y, tooltip=tooltip)
    )
    now = (
        alt.Chart(alt.InlineData(values=[{"net": panel.net}]))
        .mark_rule(color=theme.INK, strokeWidth=1)
        .encode(x="net:Q")
    )
    return _finished([bars, now], height=_ROW * max(1, len(panel.rows)))


def _break_even(panel: BreakEvenPanel) -> alt.LayerChart:
    x = alt.X(
        "effectiveness:Q",
        title="Effectiveness: share of escalated breaches that are prevented",
        axis=alt.Axis(format=".0%", grid=False),
    )
    names = list(dict.fromkeys(row["policy"] for row in panel.rows))
    colour = alt.Color(
        "policy:N",
        scale=alt.Scale(domain=names, range=[theme.SNIPER, theme.RULE][: len(names)]),
        legend=alt.Legend(title=None, orient="top-left"),
    )
    lines = (
        alt.Chart(alt.InlineData(values=[dict(row) for row in panel.rows]))
        .mark_line(strokeWidth=2.5, point=True)
        .encode(
            x=x,
            y=_money_axis(panel.symbol, "net:Q", channel=alt.Y),
            color=colour,
            tooltip=["policy:N", alt.Tooltip("effectiveness:Q", format=".0%"), "amount:N"],
        )
    )
    band = (
        alt.Chart(alt.InlineData(values=[panel.assumed]))
        .mark_rect(opacity=0.12, color=theme.MUTED)
        .encode(x=alt.X("low:Q"), x2="high:Q")
    )
    zero = (
        alt.Chart(alt.InlineData(values=[{"net": 0}]))
        .mark_rule(color=theme.INK, strokeWidth=1)
        .encode(y="net:Q")
    )
    return _finished([band, zero, lines], height=_HEIGHT)


def _money_axis(symbol: str, field: str, *, channel: Any = alt.X) -> Any:  # noqa: ANN401
    axis = alt.Axis(labelExpr=f"'{symbol}' + format(datum.value, '~s')", tickCount=5)
    return channel(field, title="Net saving", axis=axis, scale=alt.Scale(zero=True))


def _finished(layers: list[alt.Chart], *, height: int) -> alt.LayerChart:
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(
        height=height, width="container"
    )
    dressed: alt.LayerChart = chart.configure(**theme.chart_config())
    return dressed
