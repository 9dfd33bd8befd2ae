"""The model card: what a forecast is, learnt from, was measured at, and cannot know [1]_.

References
----------
.. [1] M. Mitchell et al. (2019), "Model cards for model reporting", FAT*, 220-229.
   doi:10.1145/3287560.3287596
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sla_sniper.core.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_METRICS = {
    "auc": "AUC",
    "auc_within_landmark": "AUC within landmark",
    "average_precision": "average precision",
    "brier": "Brier score",
    "brier_skill": "Brier skill",
    "calibration_intercept": "calibration intercept",
    "calibration_slope": "calibration slope",
    "ece": "calibration error (10 bins of equal mass)",
    "ece_width": "calibration error (10 bins of equal width)",
}

_CALIBRATION = {
    "none": "None: neither Platt's line nor isotonic regression was better by 1 % on newer days.",
    "platt": "Platt's line between log-odds, chosen and fitted on the newest training days.",
    "isotonic": "Isotonic regression, chosen and fitted on the newest training days.",
}

_LIMITS = """\
- It forecasts what happens if nobody intervenes differently from the past. Tickets that were
  escalated in the training days are in there with the outcome they had.
- It knows only what the log recorded by each landmark: no absences, no incidents elsewhere, no
  work that is done outside the help desk.
- After a change of process, policy or staff it is wrong until it is trained again.
- Chance that a ticket breaches is not chance that escalating it helps; that is a separate,
  stated assumption until an experiment has measured it.
- Intervals come from resampling the test days; days that resemble none of them are not covered."""


def model_card(manifest: Mapping[str, Any]) -> str:
    """Write the card of a bundle as Markdown, from its manifest alone.

    Parameters
    ----------
    manifest : mapping
        See `bundle`; needs `version`, `estimator`, `features`, `training`, `calibrator`,
        `evaluation` and `libraries`.
    """
    sections = (
        ("Use", _use(manifest)),
        ("Data", _data(manifest["training"])),
        ("Evaluation", _evaluation(manifest)),
        ("Calibration", _CALIBRATION[manifest["calibrator"]["name"]]),
        ("Limits", _LIMITS),
        ("Made with", _made_with(manifest)),
    )
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return f"# Breach forecast {manifest['version']}\n\n{body}\n"


def _use(manifest: Mapping[str, Any]) -> str:
    return (
        f"Probability that a running SLA clock breaches before it is fulfilled, by "
        f"{manifest['estimator'].replace('_', ' ')} on {len(manifest['features'])} features known "
        "at the landmark.\nMeant for ranking open tickets for escalation under limited capacity; "
        "not for judging people\nor groups, and not for promises to a requester."
    )


def _data(training: Mapping[str, Any]) -> str:
    return (
        f"{count(training['n_rows'], 'snapshot')} of "
        f"{count(training['n_tickets'], 'ticket')} at landmarks from "
        f"{_minute(training['first_landmark'])} to {_minute(training['last_landmark'])}; "
        f"{100 * training['breach_share']:.1f} % breached.\n"
        f"Cut: {_minute(training['cut'])}. A snapshot was learnt from only if its clock would "
        "have run out by the cut and its outcome was known then (label-time embargo); "
        f"{training['n_embargoed']:,} were left out.\nSHA-256 of the rows: "
        f"`{training['data_hash']}`."
    )


def _evaluation(manifest: Mapping[str, Any]) -> str:
    evaluation = manifest["evaluation"]
    metrics = evaluation["metrics"]
    if not metrics:
        return "Not evaluated: no later days with known outcomes."
    lead = (
        f"Split in time, never at random: the recipe was fitted at {_minute(evaluation['cut'])} "
        f"and tested on {count(metrics[0]['n_days'], 'day')} up to {_minute(evaluation['until'])}, "
        f"{count(metrics[0]['n_rows'], 'snapshot')}.\n95 % intervals by bootstrap over days; "
        f"differences are paired, against `{metrics[0]['reference']}`."
    )
    return f"{lead}\n\n" + "\n".join(_table(metrics))


def _table(metrics: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    yield "| metric | forecast | value | difference |"
    yield "|---|---|---|---|"
    rank = {name: at for at, name in enumerate(_METRICS)}
    for line in sorted(metrics, key=lambda line: rank[line["metric"]]):
        value = _interval(line["estimate"], line["low"], line["high"])
        difference = "-"
        if line["score"] != line["reference"]:
            bounds = (line["difference_low"], line["difference_high"])
            difference = _interval(line["difference"], *bounds, sign="+")
        yield f"| {_METRICS[line['metric']]} | {line['score']} | {value} | {difference} |"


def _interval(
    estimate: float | None, low: float | None, high: float | None, *, sign: str = ""
) -> str:
    if estimate is None:
        return "-"
    if low is None or high is None:
        return f"{estimate:{sign}.3f}"
    return f"{estimate:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _made_with(manifest: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in manifest["libraries"].items())
    return f"{libraries}; seed {manifest['training']['seed']}."


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ") + " UTC"
