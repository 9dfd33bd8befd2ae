"""sniper reconcile: our clock against the help desk's own word, and the rules behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY
from sla_sniper.core.words import count, percent
from sla_sniper.engine.local import in_buckets
from sla_sniper.eventlog.deriving import derive
from sla_sniper.eventlog.outages import find_outages
from sla_sniper.sla.inference import infer as search
from sla_sniper.sla.inference_evidence import gather
from sla_sniper.sla.inference_words import duration_text, proposal, rule_words
from sla_sniper.sla.reconcile import Comparison, compare
from sla_sniper.stats.intervals import wilson_interval
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.files import require_ending, write_table
from sla_sniper.usecases.results import header, json_safe, records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from sla_sniper.eventlog.outages import Outage
    from sla_sniper.sla.inference import Finding, Trial
    from sla_sniper.sla.inference_evidence import Evidence
    from sla_sniper.stats.intervals import Interval
    from sla_sniper.usecases.desk import Desk

N_EXAMPLES: Final = 5
_SENTENCES: Final = {
    "rounding": "the help desk rounds the time used to the minute, or counts exactly at target "
    "as late",
    "pause_ignored": "the help desk does not stop its clock where ours pauses",
    "wall_time": "the help desk counts wall time where ours counts open hours",
    "other_calendar": "the help desk counts in other hours",
    "current_priority": "the help desk takes the target of another moment's priority",
    "closure": "the help desk's clock ends at another status",
    "resolved_stamp": "the help desk goes by its own resolved_at; the events say another instant",
    "closed_stamp": "the help desk goes by its own closed_at",
    "stale": "the help desk's value was right when it was written and never refreshed, or is only "
    "judged at the end",
    "unexplained": "no single change makes both sides agree; `sniper reconcile --infer` looks "
    "for another target",
}


class NothingToReconcileError(SlaSniperError):
    """The log holds nothing of the help desk's own to hold our clock against."""

    exit_code: ClassVar[int] = 23


@dataclass(frozen=True, slots=True)
class Inference:
    """The rules under which the help desk's verdicts come out.

    Attributes
    ----------
    findings : tuple of Finding
        One a priority, the most frequent first.
    n_tickets, n_unfinished : int
        Finished tickets with a verdict, and those whose verdict may still change.
    proposal : str
        Lines of `sla.toml`; empty where nothing may be claimed.
    warnings : tuple of str
        Outages in the log, each a sentence.
    """

    findings: tuple[Finding, ...]
    n_tickets: int
    n_unfinished: int
    proposal: str
    warnings: tuple[str, ...]

    def sentences(self) -> list[str]:
        """Each finding in words."""
        return [_finding_words(finding) for finding in self.findings]

    def as_dict(self) -> dict[str, Any]:
        """Part of the JSON object of `sniper reconcile --infer`."""
        return {
            "tickets": self.n_tickets,
            "unfinished": self.n_unfinished,
            "findings": [_finding_facts(finding) for finding in self.findings],
            "warnings": list(self.warnings),
            "proposal": self.proposal,
        }


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """Agreement of two clocks, and what keeps them apart.

    Attributes
    ----------
    frame : DataFrame
        Every ticket; see `sla.reconcile.Comparison`.
    tried : DataFrame
        What each alternative rule would do to agreement.
    """

    frame: pl.DataFrame
    tried: pl.DataFrame
    as_of: datetime
    why: str
    metric: str
    inference: Inference | None = None

    @property
    def compared(self) -> pl.DataFrame:
        """Tickets with something to compare, one row each."""
        return self.frame.filter(pl.col("standing") == "compared")

    def n_standing(self, standing: str) -> int:
        """Tickets of one of `sla.reconcile.STANDINGS`."""
        return self.frame.filter(pl.col("standing") == standing).height

    def agreement(
        self, column: str = "agrees", *, is_finished: bool = False
    ) -> tuple[int, int, Interval]:
        """Tickets that agree, tickets compared, and the share with its Wilson interval.

        Parameters
        ----------
        column : {"agrees", "verdict_agrees", "due_agrees"}
            In everything that was compared, in the verdict, in the deadline.
        is_finished : bool
            Only tickets whose clock has stopped: many help desks judge at the end.
        """
        rows = self.compared
        if is_finished:
            rows = rows.filter(pl.col("state").is_in(("met", "missed")))
        told = rows[column].drop_nulls()
        n_agree = int(told.sum())
        return n_agree, len(told), wilson_interval(n_agree, len(told))

    def causes(self) -> list[dict[str, Any]]:
        """Causes of the disagreements, the most frequent first, with example tickets."""
        apart = self.compared.filter(~pl.col("agrees"))
        counts = apart["cause"].value_counts().sort("count", "cause", descending=[True, False])
        return [self._cause(apart, *row) for row in counts.iter_rows()]

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper reconcile`."""
        return header("reconcile", self.as_of) | {
            "why": self.why,
            "metric": self.metric,
            "tickets": self.frame.height,
            "compared": self.compared.height,
            "nothing_told": self.n_standing("nothing_told"),
            "no_clock": self.n_standing("no_clock"),
            "agreement": _share(*self.agreement()),
            "verdicts": _share(*self.agreement("verdict_agrees")),
            "deadlines": _share(*self.agreement("due_agrees")),
            "finished": _share(*self.agreement(is_finished=True)),
            "causes": json_safe(self.causes()),
            "inference": None if self.inference is None else self.inference.as_dict(),
        }

    def _cause(self, apart: pl.DataFrame, cause: str, n_tickets: int) -> dict[str, Any]:
        could = apart.filter(pl.col("explained_by").list.contains(cause)).height
        tried = self.tried.filter(pl.col("cause") == cause).drop("cause")
        examples = apart.filter(pl.col("cause") == cause).head(N_EXAMPLES)
        return {
            "cause": cause,
            "tickets": n_tickets,
            "could_explain": could,
            "sentence": _cause_words(cause, n_tickets, tried),
            "alternatives": records(tried.to_dicts()),
            "examples": records(examples.select(_EXAMPLE).to_dicts()),
        }


_EXAMPLE: Final = (
    *TICKET_KEY,
    "priority",
    "detail",
    "our_breached",
    "their_breached",
    "our_due_at",
    "their_due_at",
)


def reconcile(  # noqa: PLR0913 - one keyword an option
    folder: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    metric: str = "resolution_time",
    infer: bool = False,
    out: Path | None = None,
    progress: Progress = silent,
) -> ReconcileReport:
    """Hold our clock against the help desk's own verdicts and deadlines.

    Parameters
    ----------
    folder : Path
        The workspace.
    as_of : datetime, optional
        The instant asked for; without one the settings decide.
    now : datetime
        The machine's clock, read by the surface.
    metric : str
        Whose latest cycle on each ticket is compared.
    infer : bool
        Look for the rules behind the help desk's verdicts as well.
    out : Path, optional
        Write every compared ticket here, one row each.

    Raises
    ------
    UnknownMetricError
        If no policy times the metric.
    NothingToReconcileError
        If the log tells nothing of the help desk's own.
    """
    if out is not None:
        require_ending(out)
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    desk.require_timed(metric)
    _require_told(desk, infer=infer)
    levels = desk.workspace.sla.levels
    parts = in_buckets(
        desk.known_by(desk.as_of),
        lambda rows: compare(derive(rows), levels, as_of=desk.as_of, metric=metric),
        progress=progress,
        step="comparing the clocks",
    )
    found = Comparison.joined(parts)
    inference = _infer(desk, progress) if infer else None
    report = ReconcileReport(found.tickets, found.tried, desk.as_of, desk.why, metric, inference)
    if out is not None:
        rows = report.compared.drop("standing")
        write_table(rows.with_columns(pl.col("explained_by").list.join("+")), out)
    return report


def _cause_words(cause: str, n_tickets: int, tried: pl.DataFrame) -> str:
    """One sentence on a cause; one that would do more harm than good as a rule says so."""
    if cause == "unexplained":
        return f"{count(n_tickets, 'ticket')}: {_SENTENCES[cause]}"
    noun = "ticket agrees" if n_tickets == 1 else "tickets agree"
    words = f"{n_tickets:,} {noun} if {_SENTENCES[cause]}"
    if (tried["breaks"] >= tried["explains"]).all():
        return f"{words}; as a rule for all it would break at least as many, so it may be chance"
    return words


def _require_told(desk: Desk, *, infer: bool) -> None:
    wanted = ["vendor_breached"] if infer else ["vendor_breached", "vendor_due_at"]
    if all(desk.stored[name].is_null().all() for name in wanted):
        what = "verdict" if infer else "verdict and no deadline"
        columns = "`breached` or `met`" if infer else "`breached`, `met` or `due_at`"
        raise NothingToReconcileError(
            f"The log has no {what} of the help desk's own; map {columns} in [columns] of "
            "map.toml and ingest into a new workspace."
        )


def _infer(desk: Desk, progress: Progress) -> Inference:
    progress("inferring the rules")
    events = derive(desk.known_by(desk.as_of))
    evidence = gather(events, as_of=desk.as_of)
    outages = find_outages(events, "closed" if "closed" in evidence.stops else "resolved")
    calendars = desk.workspace.sla.levels.calendars
    findings = search(evidence, calendars, is_doubtful=_ended_in(evidence, outages))
    return Inference(
        findings=findings,
        n_tickets=evidence.tickets.height,
        n_unfinished=evidence.n_unfinished,
        proposal=proposal(findings, known=calendars),
        warnings=tuple(_warning(outage, evidence) for outage in outages),
    )


def _ended_in(evidence: Evidence, outages: Sequence[Outage]) -> NDArray[Any]:
    """Tickets that ended on the day on which everything ended at once."""
    days = [outage.spike_on for outage in outages]
    return evidence.tickets["ended_at"].dt.date().is_in(days).to_numpy()


def _warning(outage: Outage, evidence: Evidence) -> str:
    is_in = _ended_in(evidence, [outage])
    late_in, late_out = evidence.is_breached[is_in], evidence.is_breached[~is_in]
    if not len(late_in) or not len(late_out):
        return outage.sentence
    return (
        f"{outage.sentence} Of the tickets that ended that day {percent(late_in.mean())} carry a "
        f"breach, of all others {percent(late_out.mean())}; the rules were searched without them."
    )


def _finding_words(finding: Finding) -> str:
    name = finding.priority or "(no priority)"
    if not finding.is_identified:
        return f"{name}: not identifiable: {finding.doubt}"
    usual, found = finding.chosen.threshold, finding.threshold
    words = (
        f"{name}: {rule_words(finding.chosen.candidate)}, breached after "
        f"{duration_text(finding.target_us)}: agrees with {found.n_agree:,} of "
        f"{count(found.n, 'ticket')} ({found.agreement:.1%})"
    )
    if usual.n < found.n:
        words += f", outside of outages {finding.n_agree:,} of {usual.n:,}"
    low, high = duration_text(usual.noise_low_us), duration_text(usual.noise_high_us)
    return f"{words}; from {low} to {high} is as good but for noise"


def _finding_facts(finding: Finding) -> dict[str, Any]:
    usual, found = finding.chosen.threshold, finding.threshold
    return {
        "priority": finding.priority,
        "identified": finding.is_identified,
        "doubt": finding.doubt or None,
        **_trial_facts(finding.chosen),
        "target_us": finding.target_us,
        "target": duration_text(finding.target_us),
        "same_from_us": found.low_us,
        "same_below_us": found.high_us,
        "noise_from_us": usual.noise_low_us,
        "noise_below_us": usual.noise_high_us,
        "agreement": _share(found.n_agree, found.n, wilson_interval(found.n_agree, found.n)),
        "outside_outages": _share(
            finding.n_agree, usual.n, wilson_interval(finding.n_agree, usual.n)
        ),
        "constant": usual.n_constant,
        "runners_up": [
            _trial_facts(each)
            | {"target": duration_text(each.threshold.target_us), "agree": each.threshold.n_agree}
            for each in finding.runners_up
        ],
        "sentence": _finding_words(finding),
    }


def _trial_facts(trial: Trial) -> dict[str, Any]:
    candidate = trial.candidate
    return {
        "calendar": candidate.calendar.name,
        "stop": candidate.stop,
        "pause_in": list(candidate.pause_in),
        "rule": rule_words(candidate),
    }


def _share(n_agree: int, n: int, interval: Interval) -> dict[str, Any]:
    bounds = {name: getattr(interval, name) for name in ("estimate", "low", "high")}
    return json_safe({"agree": n_agree, "compared": n} | bounds)  # type: ignore[no-any-return]
