"""What a monitor finds, as values and as one JSON object."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.usecases.results import as_json, header

if TYPE_CHECKING:
    from sla_sniper.escalation import Verdict
    from sla_sniper.model.drift import Drift
    from sla_sniper.stats.intervals import Interval
    from sla_sniper.usecases.leaks import Leak

MIN_CLOSING_DAYS: Final = 15
"""Whole days from which an interval around zero closes the gate; of fewer only a loss does."""


@dataclass(frozen=True, slots=True)
class Ripe:
    """What the ripe days say: those whose clocks would have run out by now.

    Attributes
    ----------
    n_days, n_rows : int
    last_day : str
        ISO date of the last of them.
    auc, brier_skill : float
        NaN where every clock came to the same: money can be replayed without them.
    forecast, observed : float
        Mean p_breach and share that breached.
    miscalibration : Interval
        Mean p_breach minus the share, over days.
    captured, captured_by_rule : float
        Share of the catchable cost at today's capacity; NaN where nothing could be caught.
    verdict : Verdict
        Of the honesty gate on these days; see `closes`.
    lost : Interval, optional
        Net saving that a model trained when these days began would have had more, in currency.
    leaks : tuple of Leak
        Warnings of the leak scanner about what that model learnt from.
    n_whole_days : int
        Ripe days nearly all of whose clocks are ripe; of the newest only the short ones are.
    """

    n_days: int
    n_rows: int
    last_day: str
    auc: float
    brier_skill: float
    forecast: float
    observed: float
    miscalibration: Interval
    captured: float
    captured_by_rule: float
    verdict: Verdict
    lost: Interval | None
    leaks: tuple[Leak, ...] = ()
    n_whole_days: int = 0

    @property
    def closes(self) -> bool:
        """Whether these days say enough against the forecast to close the gate."""
        says = self.verdict.advantage.difference <= 0 or self.n_whole_days >= MIN_CLOSING_DAYS
        return says and self.verdict.policy != "sniper"


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """How the model in use has fared since it was trained.

    Attributes
    ----------
    status : {"quiet", "waiting", "drift", "decayed"}
        Nothing to say; labels have yet to ripen; inputs moved; the forecast or its value fell.
    sentences : tuple of str
        What was found, the worst first.
    proposal : str
        What to do; empty where there is nothing to do.
    """

    status: str
    sentences: tuple[str, ...]
    proposal: str
    version: str
    estimator: str
    start: datetime
    as_of: datetime
    why: str
    n_recent: int
    n_ripe: int
    inputs: tuple[Drift, ...]
    ripe: Ripe | None
    policy: str
    currency: str
    stakes: str

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper monitor`."""
        facts: dict[str, Any] = {
            "why": self.why,
            "status": self.status,
            "sentences": self.sentences,
            "proposal": self.proposal,
            "version": self.version,
            "model": self.estimator,
            "from": self.start,
            "snapshots": self.n_recent,
            "ripe": self.n_ripe,
            "inputs": [each.as_dict() for each in self.inputs],
            "policy": self.policy,
            "currency": self.currency,
            "stakes": self.stakes,
            "leaks": [leak.as_dict() for leak in self.ripe.leaks] if self.ripe else [],
            "outcomes": None,
            "verdicts": [],
        }
        if self.ripe:
            facts |= _outcomes(self.ripe)
        return as_json(header("monitor", self.as_of) | facts)


def _outcomes(ripe: Ripe) -> dict[str, Any]:
    advantage = ripe.verdict.advantage
    return {
        "outcomes": {
            "days": ripe.n_days,
            "last_day": ripe.last_day,
            "whole_days": ripe.n_whole_days,
            "auc": ripe.auc,
            "brier_skill": ripe.brier_skill,
            "forecast": ripe.forecast,
            "observed": ripe.observed,
            "closes": ripe.closes,
            "miscalibration": _bounds(ripe.miscalibration),
            "captured_share": ripe.captured,
            "captured_share_of_rule": ripe.captured_by_rule,
            "rule": advantage.rule,
            "lost_by_decay": None if ripe.lost is None else _bounds(ripe.lost),
        },
        "verdicts": [dataclasses.asdict(ripe.verdict)],
    }


def _bounds(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
