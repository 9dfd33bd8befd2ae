"""A verified SLA clock, an honest breach forecast and the escalations that are worth it.

The names below are what a program may rely on; each is documented with an example that runs.

Examples
--------
>>> import sla_sniper as ss
>>> always = ss.Calendar("always", is_always_open=True)
>>> target = ss.Target("resolution_time", "always", default=4 * 3600 * 1_000_000)
>>> ss.ServiceLevels({"always": always}, (ss.SlaPolicy("all", (target,)),)).metrics
('resolution_time',)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sla_sniper.core.errors import SlaSniperError
    from sla_sniper.escalation.costs import CostTable, Effectiveness
    from sla_sniper.sla.calendar import Calendar, Holidays
    from sla_sniper.sla.clock import cycles
    from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

__all__ = [
    "Calendar",
    "CostTable",
    "Effectiveness",
    "Holidays",
    "ServiceLevels",
    "SlaPolicy",
    "SlaSniperError",
    "Target",
    "cycles",
]

_HOMES = {
    "Calendar": "sla.calendar",
    "CostTable": "escalation.costs",
    "Effectiveness": "escalation.costs",
    "Holidays": "sla.calendar",
    "ServiceLevels": "sla.policy",
    "SlaPolicy": "sla.policy",
    "SlaSniperError": "core.errors",
    "Target": "sla.policy",
    "cycles": "sla.clock",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: `sniper --help` asks for none."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sla_sniper' has no attribute {name!r}")
    return getattr(import_module(f"sla_sniper.{_HOMES[name]}"), name)
