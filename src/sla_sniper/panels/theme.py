"""One theme for charts and pages: the palette, and what Vega-Lite and Streamlit make of it.

The hues are those of Okabe and Ito, told apart with every common colour blindness
(https://jfly.uni-koeln.de/color/); text keeps a contrast of 4.5 to 1 or more on its ground.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

INK: Final = "#1c2430"
MUTED: Final = "#5a6675"
FAINT: Final = "#6b7684"
PALE: Final = "#aab3be"
LINE: Final = "#dfe3e8"
GROUND: Final = "#ffffff"
PANEL: Final = "#f6f7f9"
SNIPER: Final = "#0072b2"
SNIPER_GROUND: Final = "#eaf4fa"
RULE: Final = "#c2410c"
RULE_GROUND: Final = "#fdf3ec"
ORACLE: Final = INK
FONT: Final = '"Source Sans", "Source Sans 3", system-ui, "Segoe UI", sans-serif'

VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ink": INK,
        "muted": MUTED,
        "faint": FAINT,
        "line": LINE,
        "ground": GROUND,
        "panel": PANEL,
        "sniper": SNIPER,
        "sniper-ground": SNIPER_GROUND,
        "rule": RULE,
        "rule-ground": RULE_GROUND,
    }
)
"""The palette as CSS custom properties; ``--ink`` is the first of them."""

STREAMLIT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "type",
        "client.toolbarMode": "minimal",
        "server.fileWatcherType": "none",
        "server.headless": "true",
        "theme.base": "light",
        "theme.backgroundColor": GROUND,
        "theme.baseFontSize": "15",
        "theme.baseRadius": "6px",
        "theme.borderColor": LINE,
        "theme.dataframeBorderColor": LINE,
        "theme.dataframeHeaderBackgroundColor": PANEL,
        "theme.primaryColor": SNIPER,
        "theme.secondaryBackgroundColor": PANEL,
        "theme.showWidgetBorder": "true",
        "theme.textColor": INK,
    }
)
"""Streamlit's options by name: nothing is sent anywhere, and the page wears the palette."""


def stylesheet_variables() -> str:
    """Return the palette as one CSS rule."""
    rules = "".join(f"--{name}:{value};" for name, value in VARIABLES.items())
    return f":root{{{rules}}}"


def chart_config() -> dict[str, Any]:
    """Return the Vega-Lite configuration that every chart carries."""
    axis = {
        "domainColor": LINE,
        "gridColor": LINE,
        "tickColor": LINE,
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "titlePadding": 10,
    }
    return {
        "font": FONT,
        "background": GROUND,
        "view": {"stroke": None},
        "axis": axis,
        "text": {"fontSize": 12, "color": INK},
    }
