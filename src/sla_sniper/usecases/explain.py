"""sniper explain: the clocks of one ticket in words, and what is forecast for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.eventlog.deriving import derive
from sla_sniper.model.bundle import load_bundle
from sla_sniper.model.hazard import HazardEstimator
from sla_sniper.sla.explain import explain
from sla_sniper.usecases.bundles import known_bundle
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.ranking import before, in_words, moment_of
from sla_sniper.usecases.results import header, json_safe

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.model.forecast import BreachModel
    from sla_sniper.sla.explain_values import ClockStory, Explanation
    from sla_sniper.sla.merges import Merge
    from sla_sniper.usecases.desk import Desk

_NEAREST: Final = 3
_SAME_START: Final = 2
_MOST_LIKE: Final = 10_000


class UnknownTicketError(SlaSniperError):
    """No ticket has this id, or several sources have one."""

    exit_code: ClassVar[int] = 25

    def __init__(self, ticket_id: str, near: tuple[str, ...], sources: tuple[str, ...]) -> None:
        super().__init__(ticket_id, near, sources)
        self.ticket_id, self.near, self.sources = ticket_id, near, sources

    def __str__(self) -> str:
        if self.sources:
            listed = ", ".join(self.sources)
            return (
                f"Ticket {self.ticket_id!r} is in several sources, {listed}; name one by --source."
            )
        meant = f"; near are {', '.join(self.near)}" if self.near else ""
        return f"No ticket has the id {self.ticket_id!r} by then{meant}. Ids are as in the file."


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the newest model that may be used says of one running clock.

    Attributes
    ----------
    p_breach : float
        Chance that the clock breaches before it is fulfilled, in [0, 1].
    reasons : tuple of str
        What moved it most.
    advice : str
        What a person could do, and what the model would then expect; empty where nothing helps.
    done_in_h : tuple of float, optional
        Working hours from now by which 10 %, 50 % and 90 % of such tickets are done: a median
        with an 80 % interval. Only a hazard tells it; it is the model's estimate, uncalibrated.
    """

    metric: str
    p_breach: float
    reasons: tuple[str, ...]
    model_version: str
    advice: str = ""
    done_in_h: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """One ticket explained.

    Attributes
    ----------
    metric : str
        The one asked for; empty for all.
    forecasts : tuple of Forecast
        Of the clocks that run before their deadline; empty where there is no model.
    merged : tuple of Merge
        Tickets that were merged into this one, the first merge first.
    """

    explanation: Explanation
    why: str
    metric: str
    forecasts: tuple[Forecast, ...]
    has_model: bool
    merged: tuple[Merge, ...] = ()

    @property
    def clocks(self) -> tuple[ClockStory, ...]:
        """The clocks asked for."""
        wanted = self.metric
        return tuple(each for each in self.explanation.clocks if wanted in {"", each.metric})

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper explain`."""
        told = asdict(self.explanation)
        told["clocks"] = [asdict(clock) for clock in self.clocks]
        told |= {"why": self.why, "forecasts": [asdict(each) for each in self.forecasts]}
        told["merged"] = [asdict(each) for each in self.merged]
        as_of = told.pop("as_of")
        return header("explain", as_of) | {key: json_safe(value) for key, value in told.items()}


def explain_ticket(  # noqa: PLR0913 - one keyword an option
    folder: Path,
    ticket_id: str,
    *,
    as_of: datetime | None,
    now: datetime,
    source: str = "",
    metric: str = "",
    progress: Progress = silent,
) -> ExplainReport:
    """Explain the clocks of one ticket as of an instant.

    Raises
    ------
    UnknownTicketError
        If no ticket has this id by then, or several sources have one.
    UnknownMetricError
        If no policy times the metric asked for.
    """
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    if metric:
        desk.require_timed(metric)
    rows = _rows(desk, ticket_id, source)
    levels = desk.workspace.sla.levels
    explanation = explain(
        derive(rows), levels, as_of=desk.as_of, timezone=desk.workspace.sla.timezone
    )
    bundle = known_bundle(desk)
    forecasts: tuple[Forecast, ...] = ()
    if bundle is not None and any(clock.is_open for clock in explanation.clocks):
        progress("forecasting")
        forecasts = _forecasts(desk, bundle, explanation)
    merged = desk.merges().into(explanation.source, explanation.ticket_id)
    return ExplainReport(explanation, desk.why, metric, forecasts, bundle is not None, merged)


def _rows(desk: Desk, ticket_id: str, source: str) -> pl.DataFrame:
    known = desk.known_by(desk.as_of)
    found = known.filter(pl.col("ticket_id") == ticket_id)
    if source:
        found = found.filter(pl.col("source") == source)
    sources = tuple(found["source"].unique().sort().to_list())
    if len(sources) == 1:
        return found
    alike = known["ticket_id"].unique()
    alike = alike.filter(alike.str.starts_with(ticket_id[:_SAME_START]))
    ids = alike.sort().head(_MOST_LIKE).to_list()
    near = get_close_matches(ticket_id, ids, n=_NEAREST, cutoff=0.6)
    raise UnknownTicketError(ticket_id, tuple(sorted(near)), sources)


def _forecasts(desk: Desk, bundle: Path, explanation: Explanation) -> tuple[Forecast, ...]:
    snapshots = desk.snapshots_at(moment_of(desk))
    if snapshots.is_empty():
        return ()
    key = (explanation.source, explanation.ticket_id)
    mine = snapshots.filter(
        *(pl.col(name) == value for name, value in zip(TICKET_KEY, key, strict=True))
    )
    if mine.is_empty():
        return ()
    model = load_bundle(bundle)
    mine = mine.with_columns(pl.Series("p_breach", model.predict(mine)))
    words = in_words(mine, snapshots, model, before=before(desk))
    return tuple(
        Forecast(metric, chance, tuple(filter(None, said)), bundle.name, advice or "", hours)
        for metric, chance, (*said, advice), hours in zip(
            mine["metric"], mine["p_breach"], words.iter_rows(), _done_in(model, mine), strict=True
        )
    )


def _done_in(model: BreachModel, mine: pl.DataFrame) -> list[tuple[float, float, float] | None]:
    """When each clock is expected to be fulfilled; None by a model that knows no time."""
    if not isinstance(model.estimator, HazardEstimator):
        return [None] * mine.height
    low, middle, high = model.estimator.hours_to_fulfilment(mine).T.tolist()
    return list(zip(low, middle, high, strict=True))
