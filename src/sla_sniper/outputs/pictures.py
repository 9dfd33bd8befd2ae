"""Charts as pictures, drawn on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import vl_convert

from sla_sniper.panels.drawings import Bars

if TYPE_CHECKING:
    from sla_sniper.panels.drawings import Drawing

_BROADEST: Final = 80
"""Height of a bar with its gap, in pixels."""


def as_svg(drawing: Drawing, *, tall: int = 0) -> str:
    """Draw a chart as SVG; nothing is fetched, and two runs give the same text.

    Parameters
    ----------
    tall : int
        Height to fill, in pixels of a chart 620 wide; bars grow to a limit.
    """
    spec = json.loads(drawing.chart().to_json())
    if isinstance(drawing, Bars):
        tall = min(tall, _BROADEST * len(drawing.rows))
    spec["height"] = max(spec["height"], tall)
    svg: str = vl_convert.vegalite_to_svg(spec)
    return svg
