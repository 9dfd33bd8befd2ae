"""Charts as pictures, drawn on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import vl_convert

if TYPE_CHECKING:
    from sla_sniper.panels.drawings import Drawing


def as_svg(drawing: Drawing) -> str:
    """Draw a chart as SVG; nothing is fetched, and two runs give the same text."""
    spec = json.loads(drawing.chart().to_json())
    svg: str = vl_convert.vegalite_to_svg(spec)
    return svg
