"""The executive report as Markdown: one slide a section, every number from its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.core.words import count
from sla_sniper.escalation import money
from sla_sniper.escalation.assumptions import Assumptions, assumed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_sniper.diagnosis import Diagnosis

WORKING_DAYS: Final = 250
"""Working days a year in the projection."""
_RULE_TITLE: Final = {
    "oldest": "oldest first",
    "priority": "priority first",
    "edf": "earliest deadline first",
    "priority_edf": "priority, then earliest deadline",
    "edf_value": "breach chance by slack, times cost",
    "random": "random order",
    "logistic": "logistic regression",
    "risk": "highest risk first",
    "sniper": "sniper: expected saving with its gate",
    "alarm": "alarm at 50 %, first come, first served",
    "nobody": "escalate nobody",
    "nuke": "escalate everything",
    "oracle": "oracle that knows the future",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report is made of.

    Attributes
    ----------
    backtest : mapping
        JSON object of the latest `sniper backtest`.
    diagnosis : Diagnosis
        Where targets are missed.
    metric : str
        The metric diagnosed.
    capacity : int
        Slots a day to report on; one of the capacities of the backtest.
    as_of : str
        ISO instant.
    policy : str
        What the gate lets rank at the capacity: ``sniper``, or a simple rule.
    sentence : str
        The only claim that may be printed.
    why : str
        Why a measured advantage is not claimed; empty where there is no other reason than its
        interval.
    """

    backtest: Mapping[str, Any]
    diagnosis: Diagnosis
    metric: str
    capacity: int
    as_of: str
    policy: str
    sentence: str
    why: str = ""

    @property
    def currency(self) -> str:
        """Of every amount."""
        return str(self.backtest["assumptions"]["currency"])

    @property
    def verdict(self) -> Mapping[str, Any]:
        """What the gate found in the backtest at the capacity."""
        return next(
            each
            for each in self.backtest["verdicts"]
            if each["advantage"]["capacity"] == self.capacity
        )

    @property
    def is_claimed(self) -> bool:
        """Whether an advantage of the forecast may be claimed."""
        return self.policy == "sniper"

    def result(self, policy: str) -> Mapping[str, Any]:
        """One policy at the capacity."""
        return next(
            each
            for each in self.backtest["policies"]
            if each["policy"] == policy and each["capacity"] == self.capacity
        )

    def metric_of(self, score: str, name: str) -> Mapping[str, Any]:
        """One metric of one score."""
        return next(
            each
            for each in self.backtest["metrics"]
            if each["score"] == score and each["metric"] == name
        )


def executive_report(facts: Facts) -> str:
    """Write the report.

    Returns
    -------
    str
        Markdown; slides are separated by ``---``.
    """
    slides = (
        _title(facts),
        _problem(facts),
        _diagnosis(facts),
        _forecast(facts),
        _decision(facts),
        _saving(facts),
        _sensitivity(facts),
        _rival(facts),
        _projection(facts),
        _limits(facts),
    )
    return "\n\n---\n\n".join(slides) + "\n"


def nearest_capacity(backtest: Mapping[str, Any], wanted: int) -> int:
    """Replayed capacity nearest to the one in force."""
    return int(min(backtest["capacities"], key=lambda each: abs(each - wanted)))


def _title(facts: Facts) -> str:
    replayed = facts.backtest
    return (
        "# Which tickets to escalate, and what it saves\n\n"
        f"As of {facts.as_of}. Replay of {replayed['n_days']} days, "
        f"{replayed['first_day']} to {replayed['last_day']}, "
        f"{facts.capacity} escalations a day."
    )


def _problem(facts: Facts) -> str:
    rate, replayed = facts.diagnosis.rate, facts.backtest
    cost = money(replayed["catchable_cost"], facts.currency)
    return (
        "## The problem\n\n"
        f"- {facts.diagnosis.n_missed:,} of {count(facts.diagnosis.n, 'decided target')} of "
        f"`{facts.metric}` missed: {_percent(rate.estimate)} "
        f"[{_percent(rate.low)}, {_percent(rate.high)}].\n"
        f"- In the replayed days {count(replayed['catchable_tickets'], 'ticket')} breached that "
        f"could have been escalated before; at the listed prices of breaches that is {cost}."
    )


def _diagnosis(facts: Facts) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in facts.diagnosis.sentences())
    return f"## Diagnosis\n\n{lines}"


def _forecast(facts: Facts) -> str:
    rows = [
        (
            _title_of(score),
            _interval(facts.metric_of(score, "auc"), digits=3),
            _interval(facts.metric_of(score, "auc_within_landmark"), digits=3),
            _difference(facts.metric_of(score, "auc")),
        )
        for score in ("random", "oldest", "priority", "edf", "priority_edf", "logistic", "sniper")
    ]
    head = ("Ranking by", "AUC, pooled", "AUC within an hour", "AUC minus earliest deadline")
    brier = facts.metric_of("sniper", "brier")
    return (
        "## Forecast\n\n"
        "How well each ranks the clocks that will breach above those that will not; "
        "0.5 is chance.\n\n"
        f"{_table(head, rows)}\n\n"
        f"Brier score of the forecast: {_interval(brier, digits=3)}. Intervals: 95 %, over days."
    )


def _decision(facts: Facts) -> str:
    rows = [
        (
            _title_of(each["policy"]),
            f"{each['n_chosen']:,.0f}",
            _share(each["captured_share"]),
            _share(each["precision"]),
            money(each["net_saving"]["estimate"], facts.currency),
        )
        for each in facts.backtest["policies"]
        if each["capacity"] == facts.capacity
    ]
    head = ("Policy", "Escalated", "Breach cost captured", "Of these breaching", "Net saving")
    return (
        f"## Decision at {facts.capacity} a day\n\n{_table(head, rows)}\n\n"
        f"Verdict: {_because(facts.sentence, facts)}."
    )


def _saving(facts: Facts) -> str:
    policy = facts.policy
    result = facts.result(policy)
    saving, (low, high) = result["net_saving"], result["net_saving_range"]
    return (
        "## Net saving\n\n"
        f"Escalating by `{policy}` would have saved "
        f"{money(saving['estimate'], facts.currency)} net in {facts.backtest['n_days']} days, "
        f"95 % interval {_amounts(saving, facts)} over days.\n\n"
        f"- {_assumption(facts)}\n"
        f"- Over that range of effectiveness alone: {money(low, facts.currency)} to "
        f"{money(high, facts.currency)}.\n"
        f"- Break-even effectiveness: {_share(result['break_even_effectiveness'])}.\n"
        f"- One more slot a day: {_amount(result['one_more_slot']['saving'], facts)} "
        "over the period."
    )


def _sensitivity(facts: Facts) -> str:
    found = facts.backtest["sensitivity"]
    rows = [
        (
            f"{each['name']}: {each['low']} to {each['high']}",
            *(money(each[key], facts.currency) for key in ("net_low", "net_high")),
            *(money(each[key], facts.currency) for key in ("gain_low", "gain_high")),
        )
        for each in found["swings"]
    ]
    rule = f"minus `{found['rule']}`"
    head = ("Assumption", "Net saving, low", "high", f"{rule}, low", "high")
    return (
        f"## What it hangs on, at {found['capacity']} a day\n\n"
        "Net saving of `sniper` if one assumption is moved and the tickets are chosen anew; "
        f"as assumed it is {money(found['net'], facts.currency)}.\n\n{_table(head, rows)}"
    )


def _rival(facts: Facts) -> str:
    gained = facts.verdict["advantage"]
    rival = facts.result(gained["rule"])["net_saving"]
    return (
        "## The simplest rival\n\n"
        f"The best simple rule, chosen on {facts.verdict['chosen_on']}, is `{gained['rule']}` "
        f"({_title_of(gained['rule'])}): it saves {money(rival['estimate'], facts.currency)} "
        f"{_amounts(rival, facts)}.\n\n"
        f"Forecast minus rule: {_amount(_as_interval(gained), facts)}. "
        f"{'That lies above zero' if facts.is_claimed else _unclaimed(facts)}."
    )


def _unclaimed(facts: Facts) -> str:
    return _because("No advantage is claimed", facts)


def _because(told: str, facts: Facts) -> str:
    """Add why a measured advantage is not claimed, unless that was said."""
    return f"{told}: {facts.why}" if facts.why and facts.why not in told else told


def _projection(facts: Facts) -> str:
    policy = facts.policy
    saving = facts.result(policy)["net_saving"]
    scale = WORKING_DAYS / facts.backtest["n_days"]
    year = {key: saving[key] * scale for key in ("estimate", "low", "high")}
    extra = "No advantage of the forecast is projected, because none is claimed."
    if facts.is_claimed:
        gained = _as_interval(facts.verdict["advantage"])
        yearly = {key: amount * scale for key, amount in gained.items()}
        extra = f"Of that, against the simplest rival: {_amount(yearly, facts)}."
    return (
        "## Annual projection\n\n"
        f"- {money(year['estimate'], facts.currency)} {_amounts(year, facts)} a year against "
        f"escalating nobody, by `{policy}`.\n"
        f"- {extra}\n"
        f"- Assumes {WORKING_DAYS} working days like the {facts.backtest['n_days']} replayed, "
        f"the same capacity, costs and mix of tickets. {_assumption(facts)}"
    )


def _limits(facts: Facts) -> str:
    assumptions = facts.backtest["assumptions"]
    said = (assumptions["limits"], assumptions["censoring"], assumptions["release"])
    lines = "\n".join(f"- {sentence}" for sentence in said)
    return f"## What this cannot show\n\n{lines}"


def _assumption(facts: Facts) -> str:
    return assumed(Assumptions.read(facts.backtest["assumptions"]))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _title_of(policy: str) -> str:
    return _RULE_TITLE.get(policy, policy)


def _as_interval(advantage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "estimate": advantage["difference"],
        "low": advantage["low"],
        "high": advantage["high"],
    }


def _amount(interval: Mapping[str, Any], facts: Facts) -> str:
    return f"{money(interval['estimate'], facts.currency)} {_amounts(interval, facts)}"


def _amounts(interval: Mapping[str, Any], facts: Facts) -> str:
    if interval["low"] is None or interval["high"] is None:
        return "(too few days for an interval)"
    bounds = (money(interval[key], facts.currency) for key in ("low", "high"))
    return f"[{', '.join(bounds)}]"


def _interval(value: Mapping[str, Any], *, digits: int) -> str:
    if value["estimate"] is None:
        return "-"
    if value["low"] is None:
        return f"{value['estimate']:.{digits}f}"
    return f"{value['estimate']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"


def _difference(value: Mapping[str, Any]) -> str:
    low, high = value["difference_low"], value["difference_high"]
    if value["score"] == value["reference"] or low is None or value["difference"] is None:
        return ""
    return f"{value['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"


def _share(interval: Mapping[str, Any]) -> str:
    if interval["estimate"] is None:
        return ""
    if interval["low"] is None:
        return _percent(interval["estimate"])
    bounds = f"{_percent(interval['low'])}, {_percent(interval['high'])}"
    return f"{_percent(interval['estimate'])} [{bounds}]"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
