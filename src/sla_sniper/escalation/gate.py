"""The honesty gate: no claim of an advantage that the days do not show.

The rival is the best simple rule, chosen on training days: chosen on the test days, the best of
five would be lucky, and any other would be a straw man. The claim stands only if the whole
paired interval of the difference in net saving lies above zero. Otherwise the product says so,
and recommends by the rule.

A desk has one capacity, and a replay shows several: where the model adds nothing, the luckiest
of them would still be claimed oftener than one time in twenty. So the desk's own capacity is
asked first; where it is not shown there, another one needs more days and a wider interval.

Nor is an advantage claimed on tickets that are lost already. Under a promise that a robot breaks,
five days after the work, nearly every choice breaches for certain; that an escalation prevents
half of those is no assumption any more, but known to be wrong. So the interval has to lie above
zero as well if nothing can prevent a breach that is as good as a fact.

Nor does it do to lose less than a rule that fills every slot: the choice's own net saving has to
lie above zero, too. Where the rule ranks instead and its own does not, that is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from sla_sniper.core.words import count
from sla_sniper.escalation.costs import money
from sla_sniper.escalation.policies import RULES
from sla_sniper.stats.intervals import Interval, percentile_interval

if TYPE_CHECKING:
    from sla_sniper.escalation.candidates import Floats
    from sla_sniper.escalation.replay import DayTotals, Replay

MIN_DAYS: Final = 6
"""Days below which nothing is claimed: six days in a row won by chance are the fewest that a
two-sided test at 5 % would believe, and a bootstrap of one day has no width at all. A day on which
nothing differs is won by nobody and does not count, or four days would do of any number."""

SURE: Final = 0.99
"""Level at which an advantage is claimed also if the desk's own capacity shows none."""
MIN_SURE_DAYS: Final = 20
"""Days below which `SURE` is not what it says: over 6 normal days a lower bound at 99 % lies above
the truth 2.4 times in a hundred instead of 0.5, over 20 days 0.7 times."""

_TIED: Final = 1e-6
"""Difference of a day, in currency, that sums in another order may leave."""


@dataclass(frozen=True, slots=True)
class Advantage:
    """What the model saves more than the best simple rule, at one capacity.

    Attributes
    ----------
    capacity : int
        Slots a day.
    rule : str
        The best simple rule; see `best_rule`.
    difference, low, high : float
        Net saving of ``sniper`` minus that of `rule` over all test days, in currency, with its
        95 % interval over days; NaN bounds where there are too few days.
    claimed : bool
        Whether `low` is above zero, also without the tickets that are lost already, as is the
        net saving of ``sniper`` itself, and at the desk's own capacity as well or else at `SURE`.
    """

    capacity: int
    rule: str
    difference: float
    low: float
    high: float
    claimed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate lets the product say and do at one capacity.

    Attributes
    ----------
    advantage : Advantage
        The numbers behind it.
    policy : str
        What the queue ranks by: ``sniper`` if the advantage is claimed, else the rule.
    sentence : str
        The only claim that may be printed.
    chosen_on : {"training days", "test days"}
        Where the rule was chosen. Without training days it is the best on the test days, the
        stricter rival.
    n_days : int
        Test days.
    withheld : str
        Why nothing is claimed although `advantage.low` is above zero; empty otherwise.
    is_sure : bool
        Whether all that a claim needs is shown at `SURE` as well, over `MIN_SURE_DAYS` or more.
    caveat : str
        Said besides where the rule ranks: that escalating by it is not shown to pay either; empty
        where it is.
    """

    advantage: Advantage
    policy: str
    sentence: str
    chosen_on: Literal["training days", "test days"]
    n_days: int
    withheld: str = ""
    is_sure: bool = False
    caveat: str = ""


def best_rule(result: Replay, capacity: int) -> str:
    """Name the simple rule with the greatest net saving; the earlier of `RULES` where equal."""
    tried = _rules(result, capacity)
    if not tried:
        raise ValueError(f"No simple rule was replayed at a capacity of {capacity}.")
    return max(tried, key=lambda name: result.totals[name, capacity].net(result.costs).sum())


def paired_net(result: Replay, pair: tuple[str, str], capacity: int, weights: Floats) -> Interval:
    """Net saving of one policy minus another's, resampled on the same days.

    Parameters
    ----------
    result : Replay
        Holds both policies.
    pair : (str, str)
        The policy and its rival.
    capacity : int
        Slots a day.
    weights : ndarray of shape (n_resamples, n_days)
        As of `sla_sniper.stats.bootstrap.day_weights`.
    """
    first, second = (result.totals[name, capacity] for name in pair)
    return total_interval(_net_difference(first, second, result), weights)


def total_interval(per_day: Floats, weights: Floats, *, level: float = 0.95) -> Interval:
    """Sum over days with its bootstrap interval; `per_day` of shape (n_days,)."""
    draws = weights @ per_day
    return percentile_interval(float(per_day.sum()), draws, n_units=per_day.size, level=level)


def judge(
    result: Replay, weights: Floats, *, training: Replay | None = None, own: int | None = None
) -> tuple[Verdict, ...]:
    """Judge the model at every capacity, that of the desk first.

    Parameters
    ----------
    result : Replay
        Test days, with ``sniper`` and at least one simple rule.
    weights : ndarray of shape (n_resamples, n_days)
        Resamples of the test days.
    training : Replay, optional
        Training days at the same capacities, on which the rival is chosen.
    own : int, optional
        The desk's capacity; see `asked_first`.

    Returns
    -------
    verdicts : tuple of Verdict
        One a capacity, in their order.
    """
    first = asked_first(result, weights, training=training, own=own).advantage
    alone = [_verdict(result, weights, training, capacity) for capacity in result.capacities]
    return tuple(withhold(each, first, result.costs.currency) for each in alone)


def asked_first(
    result: Replay, weights: Floats, *, training: Replay | None = None, own: int | None = None
) -> Verdict:
    """Judge the model at the capacity that the desk has.

    Parameters
    ----------
    result, weights, training
        As in `judge`.
    own : int, optional
        The desk's capacity; where it was not replayed, the nearest that was stands for it. The
        first one if not given.
    """
    wanted = result.capacities[0] if own is None else own
    is_replayed = ("sniper", wanted) in result.totals and bool(_rules(training or result, wanted))
    if not is_replayed:
        wanted = min(result.capacities, key=lambda each: abs(each - wanted))
    return _verdict(result, weights, training, wanted)


def withhold(verdict: Verdict, own: Advantage, currency: str) -> Verdict:
    """Take a claim back that is not shown at the capacity which the desk has, unless it is sure.

    Parameters
    ----------
    verdict : Verdict
        At any capacity, judged alone.
    own : Advantage
        At the desk's own capacity, of the same days and costs.
    currency : str
        Of the sentence.
    """
    if own.claimed or verdict.is_sure:
        return verdict
    reason = f"none is shown at {own.capacity} a day, which is asked first"
    return take_back(verdict, reason, currency)


def take_back(verdict: Verdict, reason: str, currency: str) -> Verdict:
    """Take a claim back for a reason; a verdict that claims nothing stays as it is."""
    if not verdict.advantage.claimed:
        return verdict
    held = replace(verdict.advantage, claimed=False)
    taken = replace(verdict, advantage=held, policy=held.rule, withheld=reason)
    return replace(taken, sentence=_sentence(taken, currency))


def _rules(result: Replay, capacity: int) -> list[str]:
    return [name for name in RULES if (name, capacity) in result.totals]


def _verdict(result: Replay, weights: Floats, training: Replay | None, capacity: int) -> Verdict:
    n_days = result.candidates.n_days
    rule = best_rule(training or result, capacity)
    ours, theirs = (result.totals[name, capacity] for name in ("sniper", rule))
    difference = _net_difference(ours, theirs, result)
    gain = _bounded(difference, weights)
    advantage = Advantage(capacity, rule, gain.estimate, gain.low, gain.high, gain.is_above(0))
    undecided = ours.net_of_undecided(result.costs) - theirs.net_of_undecided(result.costs)
    is_sure = all(
        _is_shown(each, weights, level=SURE, least=MIN_SURE_DAYS)
        for each in (difference, undecided, ours.net(result.costs))
    )
    currency = result.costs.currency
    verdict = Verdict(
        advantage=advantage,
        policy="sniper" if advantage.claimed else rule,
        sentence="",
        chosen_on="training days" if training else "test days",
        n_days=n_days,
        is_sure=advantage.claimed and is_sure,
        caveat=_unpaid(rule, theirs.net(result.costs), weights, currency),
    )
    verdict = replace(verdict, sentence=_sentence(verdict, currency))
    if not _is_shown(difference, weights):
        return take_back(verdict, f"they differ{_alone(difference)}", currency)
    if unpaid := _unpaid("sniper", ours.net(result.costs), weights, currency):
        return take_back(verdict, unpaid, currency)
    if _is_shown(undecided, weights):
        return verdict
    held = f"{_amount(_bounded(undecided, weights), currency)}{_alone(undecided)}"
    return take_back(verdict, f"{held} without tickets that are as good as breached", currency)


def _unpaid(policy: str, net: Floats, weights: Floats, currency: str) -> str:
    """Say that what a policy saves by itself is not shown to lie above zero, or nothing.

    Of too few days nothing is shown; only a loss is said.
    """
    saved = _bounded(net, weights)
    if saved.estimate > 0 if np.isnan(saved.low) else _is_shown(net, weights):
        return ""
    told = f"{_amount(saved, currency)}{_alone(net)}"
    return f"escalating by {policy} is not shown to pay: net saving {told}"


def _bounded(per_day: Floats, weights: Floats) -> Interval:
    """Sum over days with its interval; of too few days its bounds are NaN."""
    found = total_interval(per_day, weights)
    return Interval(found.estimate, np.nan, np.nan) if per_day.size < MIN_DAYS else found


def _is_shown(
    per_day: Floats, weights: Floats, *, level: float = 0.95, least: int = MIN_DAYS
) -> bool:
    """Whether a total lies above zero, and not on a few days alone."""
    return _deciding(per_day) >= least and total_interval(per_day, weights, level=level).is_above(0)


def _deciding(per_day: Floats) -> int:
    """Count the days that are not zero."""
    return int(np.count_nonzero(np.abs(per_day) > _TIED))


def _alone(per_day: Floats) -> str:
    """Say on how many days a total rests where these are too few; else nothing."""
    n_days = _deciding(per_day)
    return f" on {count(n_days, 'day')} alone" if n_days < MIN_DAYS <= per_day.size else ""


def _sentence(verdict: Verdict, currency: str) -> str:
    advantage, n_days = verdict.advantage, verdict.n_days
    rival = f"{advantage.rule} at {advantage.capacity} a day"
    gain = _amount(Interval(advantage.difference, advantage.low, advantage.high), currency)
    if advantage.claimed:
        return f"sniper saves {gain} more than {rival}"
    told = ", ".join(filter(None, (f"difference {gain}", verdict.withheld)))
    if np.isnan(advantage.low):
        told = f"{count(n_days, 'day')} {'is' if n_days == 1 else 'are'} too few to tell"
    said = f"no measurable advantage over {rival} ({told})"
    return "; ".join(filter(None, (said, verdict.caveat)))


def _amount(saved: Interval, currency: str) -> str:
    told = money(saved.estimate, currency)
    is_bounded = not np.isnan(saved.low)
    return f"{told} [{round(saved.low):,}, {round(saved.high):,}]" if is_bounded else told


def _net_difference(first: DayTotals, second: DayTotals, result: Replay) -> Floats:
    return first.net(result.costs) - second.net(result.costs)
