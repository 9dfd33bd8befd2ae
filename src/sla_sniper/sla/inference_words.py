"""An inferred rule in words, and as the lines of `sla.toml` that promise it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sla_sniper.core.instants import SECOND_US
from sla_sniper.sla.calendar import WEEKDAYS
from sla_sniper.sla.reconcile_calendars import known_calendars

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.inference import Finding
    from sla_sniper.sla.inference_evidence import Candidate

_ENDS: Final = {
    "closed": "closed",
    "resolved": "resolved",
    "closed_stamp": "its closed_at",
    "resolved_stamp": "its resolved_at",
}


def duration_text(us: int) -> str:
    """Write a duration as `sla.toml` reads it, to the second.

    Examples
    --------
    >>> duration_text((153 * 3600 + 22 * 60) * SECOND_US), duration_text(90 * SECOND_US)
    ('153h22m', '1m30s')
    """
    minutes, seconds = divmod(us // SECOND_US, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "1s"


def rule_words(candidate: Candidate) -> str:
    """Say how a candidate counts.

    Examples
    --------
    >>> from sla_sniper.sla.calendar import Calendar
    >>> from sla_sniper.sla.inference_evidence import Candidate
    >>> rule_words(Candidate(Calendar("all", is_always_open=True), "closed", ("on_hold",)))
    'round the clock, from created to closed, paused in on_hold'
    """
    paused = ", ".join(candidate.pause_in)
    pauses = f"paused in {paused}" if paused else "no pauses"
    return f"{_hours_words(candidate.calendar)}, from created to {_ENDS[candidate.stop]}, {pauses}"


def proposal(findings: Iterable[Finding], *, known: Collection[str]) -> str:
    """Write the rules that may be claimed as lines of `sla.toml`; empty where there are none.

    Parameters
    ----------
    findings : iterable of Finding
    known : collection of str
        Names of the calendars that `sla.toml` has already.
    """
    groups: dict[tuple[bool, Candidate], list[Finding]] = {}
    for finding in findings:
        if finding.is_identified:
            group = (finding.priority is None, finding.chosen.candidate)
            groups.setdefault(group, []).append(finding)
    calendars = {each.calendar.name: each.calendar for _, each in groups}
    blocks = [_calendar(each) for name, each in calendars.items() if name not in known]
    # A policy without a priority covers every ticket: the first that matches wins, so it is last.
    in_order = sorted(groups.items(), key=lambda each: each[0][0])
    for number, ((_, candidate), members) in enumerate(in_order, 1):
        name = "inferred" if len(groups) == 1 else f"inferred_{number}"
        blocks.append(_policy(name, candidate, members))
    return "\n".join(blocks)


def _hours_words(calendar: Calendar) -> str:
    round_the_clock, workdays, *_ = known_calendars({"": calendar})
    if calendar == round_the_clock:
        return "round the clock"
    if calendar == workdays:
        return "Monday to Friday, 24 hours"
    return f"hours of {calendar.name!r}"


def _calendar(calendar: Calendar) -> str:
    lines = [f"[calendars.{calendar.name}]", f"timezone = {json.dumps(calendar.timezone)}"]
    if calendar.is_always_open:
        return "\n".join([*lines, 'hours = "24x7"', ""])
    lines += ["", f"[calendars.{calendar.name}.hours]"]
    for day, spans in zip(WEEKDAYS, calendar.hours, strict=True):
        if spans:
            lines.append(f"{day} = {json.dumps([_span(*span) for span in spans])}")
    return "\n".join([*lines, ""])


def _span(opens: int, closes: int) -> str:
    return "-".join(f"{at // 3600:02}:{at // 60 % 60:02}" for at in (opens, closes))


def _policy(name: str, candidate: Candidate, members: Sequence[Finding]) -> str:
    lines = ["[[policies]]", f'name = "{name}"']
    if members[0].priority is not None:
        lines.append(f"when = {{ priority = {json.dumps([each.priority for each in members])} }}")
    lines += [
        "",
        "  [[policies.targets]]",
        '  metric = "resolution_time"',
        f"  calendar = {json.dumps(candidate.calendar.name)}",
        f"  target = {_target(members)}",
        f"  pause_in = {json.dumps(list(candidate.pause_in))}",
        f"  stop_in = {json.dumps(list(candidate.stop_in))}",
    ]
    if candidate.is_stamped:
        lines.append(f"  # The help desk goes by {_ENDS[candidate.stop]}, our clock by events.")
    return "\n".join([*lines, ""])


def _target(members: Sequence[Finding]) -> str:
    if members[0].priority is None:
        return json.dumps(duration_text(members[0].target_us))
    pairs = (f"{json.dumps(each.priority)} = {_quoted(each)}" for each in members)
    return f"{{ {', '.join(pairs)} }}"


def _quoted(finding: Finding) -> str:
    return json.dumps(duration_text(finding.target_us))
