"""Which calendar, end, pauses and targets bring out the verdicts that a help desk gave.

A verdict is one bit, so one ticket proves nothing and many can be explained by anything. Hence
three rules: all candidates are held against the same tickets; of those that agree equally well
but for noise the simplest is taken; and nothing is claimed where one and the same verdict for
everybody would do, or where the best agrees badly.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from sla_sniper.core.words import count
from sla_sniper.sla.inference_evidence import Candidate
from sla_sniper.sla.inference_threshold import Threshold, best_threshold, exceeds
from sla_sniper.sla.reconcile_calendars import known_calendars, office_hours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sla_sniper.sla.calendar import Calendar
    from sla_sniper.sla.inference_evidence import Evidence

    Flags = NDArray[np.bool_]

LEAST_AGREEMENT: Final = 0.9
"""Below this share nothing is claimed."""
LEAST_TICKETS: Final = 30
"""Fewer finished tickets of a priority say nothing."""
OFFICE_HOURS_BELOW: Final = 0.98
"""Agreement of the whole desk below which office hours are tried as well."""
_OFFICE_EFFORT: Final = 24
_N_RUNNERS_UP: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One candidate held against the tickets of one priority.

    Attributes
    ----------
    threshold : Threshold
        Best target of this candidate.
    is_right : ndarray of bool of shape (n_tickets,)
        Whether it agrees with each verdict.
    """

    candidate: Candidate
    threshold: Threshold
    is_right: Flags

    def is_beaten_by(self, other: Trial) -> bool:
        """Whether another trial agrees with more of the tickets, beyond noise."""
        n_different = int((self.is_right != other.is_right).sum())
        return exceeds(other.threshold.n_agree - self.threshold.n_agree, n_different)


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What was found for one priority.

    Attributes
    ----------
    priority : str or None
    chosen : Trial
        The simplest of the best, on tickets that did not end in an outage.
    threshold : Threshold
        On all tickets, the best target among those that are the chosen trial's but for noise.
    n_agree : int
        Tickets outside of outages whose verdict comes out under that target.
    runners_up : tuple of Trial
        The next ones by agreement, other than the chosen.
    doubt : str
        Why nothing can be claimed; empty where it can.
    """

    priority: str | None
    chosen: Trial
    threshold: Threshold
    n_agree: int
    runners_up: tuple[Trial, ...]
    doubt: str

    @property
    def is_identified(self) -> bool:
        """Whether a rule may be claimed."""
        return not self.doubt

    @property
    def target_us(self) -> int:
        """Proposed target, in microseconds of open time."""
        return self.threshold.target_us


def infer(
    evidence: Evidence, calendars: Mapping[str, Calendar], *, is_doubtful: Flags | None = None
) -> tuple[Finding, ...]:
    """Search for the rules under which the help desk's verdicts come out.

    Parameters
    ----------
    evidence : Evidence
        Finished tickets with verdicts.
    calendars : mapping of str to Calendar
        Those of `sla.toml`; 24x7 and Monday to Friday in the zone of the first are tried too.
    is_doubtful : ndarray of bool of shape (n_tickets,), optional
        Tickets that ended in an outage. They say little about people and may bend the search:
        the rule is chosen without them, and they only decide between targets that the others
        cannot tell apart.

    Returns
    -------
    tuple of Finding
        One a priority, the most frequent first.
    """
    if not evidence.tickets.height:
        return ()
    tried = candidates(calendars, stops=evidence.stops, waiting=evidence.waiting)
    found = _search(evidence, tried, is_doubtful)
    if _overall(found) < OFFICE_HOURS_BELOW:
        # None of them is simpler than another: among equals the one that agrees best is taken.
        hours = [(each, _OFFICE_EFFORT) for each in office_hours(calendars)]
        tried = (*tried, *_combined(hours, evidence.stops, evidence.waiting))
        found = _search(evidence, tried, is_doubtful)
    return found


def candidates(
    calendars: Mapping[str, Calendar], *, stops: Sequence[str], waiting: Sequence[str]
) -> tuple[Candidate, ...]:
    """Combine every calendar, end and pause, the simplest first.

    Examples
    --------
    >>> found = candidates({}, stops=("closed",), waiting=("on_hold",))
    >>> [(each.calendar.name, each.pause_in) for each in found]
    [('24x7', ()), ('weekdays24h', ()), ('24x7', ('on_hold',)), ('weekdays24h', ('on_hold',))]
    """
    hours = [(each, 2 * place) for place, each in enumerate(known_calendars(calendars))]
    return tuple(sorted(_combined(hours, stops, waiting), key=lambda each: each.effort))


def _combined(
    hours: Sequence[tuple[Calendar, int]], stops: Sequence[str], waiting: Sequence[str]
) -> Iterator[Candidate]:
    """Combine calendars, each with the effort of believing it, with every end and pause."""
    pauses = [(), *((name,) for name in waiting)]
    if len(waiting) > 1:
        pauses.append(tuple(waiting))
    for (calendar, effort), (s, stop), (p, pause) in product(
        hours, enumerate(stops), enumerate(pauses)
    ):
        yield Candidate(calendar, stop, pause, effort=10 * bool(pause) + p + effort + s)


def _overall(found: Sequence[Finding]) -> float:
    trials = [each.chosen.threshold for each in found]
    return sum(each.n_agree for each in trials) / max(1, sum(each.n for each in trials))


def _search(
    evidence: Evidence, tried: Sequence[Candidate], is_doubtful: Flags | None
) -> tuple[Finding, ...]:
    """Hold every candidate against every priority, and choose."""
    doubtful = np.zeros(evidence.tickets.height, bool) if is_doubtful is None else is_doubtful
    priority = evidence.tickets["priority"]
    counts = priority.value_counts().sort("count", "priority", descending=[True, False])
    masks = {name: priority.eq_missing(name).to_numpy() for name in counts["priority"]}
    trials = _trials(evidence, tried, {name: mask & ~doubtful for name, mask in masks.items()})
    common = _common(trials)
    return tuple(
        _finding(name, trials[name], _choice(trials[name], common), (evidence, mask, doubtful))
        for name, mask in masks.items()
    )


def _trials(
    evidence: Evidence, tried: Sequence[Candidate], masks: Mapping[str | None, Flags]
) -> dict[str | None, list[Trial]]:
    trials: dict[str | None, list[Trial]] = {name: [] for name in masks}
    for candidate in tried:
        elapsed = evidence.elapsed(candidate)
        for name, mask in masks.items():
            used, late = elapsed[mask], evidence.is_breached[mask]
            threshold = best_threshold(used, late)
            is_right = (used > threshold.target_us) == late
            trials[name].append(Trial(candidate, threshold, is_right))
    return trials


def _common(trials: Mapping[str | None, list[Trial]]) -> Candidate | None:
    """Candidate that is among the best of most tickets that tell anything, simple, and agrees."""
    votes, agrees = Counter[Candidate](), Counter[Candidate]()
    for tried in trials.values():
        if not _doubt(_best(tried)):
            for trial in _equals(tried):
                votes[trial.candidate] += trial.threshold.n
                agrees[trial.candidate] += trial.threshold.n_agree
    return max(votes, key=lambda each: (votes[each], -each.effort, agrees[each]), default=None)


def _best(tried: Sequence[Trial]) -> Trial:
    return max(tried, key=lambda each: (each.threshold.n_agree, -each.candidate.effort))


def _equals(tried: Sequence[Trial]) -> list[Trial]:
    """Trials that the best one does not beat beyond noise."""
    best = _best(tried)
    return [each for each in tried if not each.is_beaten_by(best)]


def _choice(tried: Sequence[Trial], common: Candidate | None) -> Trial:
    """The common candidate where it is as good as the best here, else the simplest that is."""
    equals = _equals(tried)
    simple = min(equals, key=lambda t: (t.candidate.effort, -t.threshold.n_agree))
    return next((each for each in equals if each.candidate == common), simple)


def _finding(
    priority: str | None,
    tried: Sequence[Trial],
    chosen: Trial,
    of: tuple[Evidence, Flags, Flags],
) -> Finding:
    evidence, mask, doubtful = of
    elapsed, is_late = evidence.elapsed(chosen.candidate), evidence.is_breached
    first = chosen.threshold
    within = (first.noise_low_us, first.noise_high_us)
    threshold = best_threshold(elapsed[mask], is_late[mask], within=within)
    is_right = (elapsed > threshold.target_us) == is_late
    ranked = sorted(tried, key=lambda t: (-t.threshold.n_agree, t.candidate.effort))
    return Finding(
        priority=priority,
        chosen=chosen,
        threshold=threshold,
        n_agree=int(is_right[mask & ~doubtful].sum()),
        runners_up=tuple(each for each in ranked if each is not chosen)[:_N_RUNNERS_UP],
        doubt=_doubt(chosen),
    )


def _doubt(trial: Trial) -> str:
    """Why a trial may not be claimed; empty where it may."""
    found = trial.threshold
    if found.n < LEAST_TICKETS:
        return f"only {count(found.n, 'finished ticket')}"
    if not found.is_better_than_constant:
        verdict = "breached" if found.is_mostly_late else "met"
        return f"'always {verdict}' agrees with {found.n_constant:,} of {found.n:,} as well"
    if found.agreement < LEAST_AGREEMENT:
        return f"the best rule agrees with only {found.n_agree:,} of {found.n:,}"
    return ""
