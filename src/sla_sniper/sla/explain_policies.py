"""Why a policy covers a ticket or not, and why a metric has no clock on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sla_sniper.core.instants import from_us
from sla_sniper.sla.explain_values import PolicyCheck, Untimed
from sla_sniper.sla.explain_words import listed, when
from sla_sniper.sla.policy import OFF

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from sla_sniper.sla.conditions import Condition
    from sla_sniper.sla.explain_happenings import History
    from sla_sniper.sla.facts import Facts
    from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

_ASKS: Final[Mapping[str, str]] = {
    "is": "to be {}",
    "is_not": "to be anything but {}",
    "in": "to be {}",
    "not_in": "to be none of {}",
    "contains": "to contain {}",
    "contains_not": "not to contain {}",
    "has_any": "to have {}",
    "lt": "to be less than {}",
    "gt": "to be more than {}",
}


def check_policies(
    events: pl.DataFrame,
    history: History,
    facts: Facts,
    levels: ServiceLevels,
    *,
    covering: str,
    timezone: str,
) -> tuple[PolicyCheck, ...]:
    """Say of each policy, in the order in which they are tried, whether it covers the ticket.

    Parameters
    ----------
    covering : str
        Name of the one that does, empty for none: the first that fits, unless the ticket keeps
        the one that it had.
    """
    last, found = events.tail(1), []
    is_tried = True
    for policy in levels.policies:
        holds, reasons = _reasons(last, history, facts, policy, timezone=timezone)
        is_covering = policy.name == covering
        if is_tried and holds != is_covering:
            reasons = (*reasons, f"The ticket keeps policy {covering!r}, which it had before.")
        found.append(PolicyCheck(policy.name, is_covering, is_tried, reasons))
        is_tried = is_tried and not is_covering
    return tuple(found)


def _reasons(
    last: pl.DataFrame, history: History, facts: Facts, policy: SlaPolicy, *, timezone: str
) -> tuple[bool, tuple[str, ...]]:
    told = [_condition(each, last, history) for each in policy.when.all_of]
    held = [holds for holds, _ in told]
    sentences = [text for _, text in told]
    if policy.when.any_of:
        any_of = [_condition(each, last, history) for each in policy.when.any_of]
        held.append(any(holds for holds, _ in any_of))
        sentences += [text for holds, text in any_of if holds == held[-1]]
    started = from_us(int(facts.start[-1]))
    for bound, is_late in ((policy.valid_from, False), (policy.valid_to, True)):
        if bound is not None and (started >= bound) == is_late:
            held.append(False)
            word = "until" if is_late else "from"
            sentences.append(f"It holds for tickets {word} {when(bound, timezone)}.")
    return all(held), tuple(sentences) or ("It covers every ticket.",)


def _condition(
    condition: Condition, last: pl.DataFrame, history: History
) -> tuple[bool, str]:  # fmt: skip
    holds = bool(last.select(condition.expression().alias("holds"))["holds"][0])
    value = history.value(len(history.rows) - 1, condition.field)
    wanted = listed([repr(each) for each in condition.values]).replace(" and ", " or ")
    asks = _ASKS[condition.operator].format(wanted)
    has = "it has none" if value is None else f"it is {value!r}"
    mark = "Yes" if holds else "No"
    return holds, f"{mark}: it asks {condition.field} {asks}; {has}."


def why_untimed(
    history: History, facts: Facts, levels: ServiceLevels, policy: SlaPolicy | None, metric: str
) -> Untimed:
    """Say why a metric has no clock on the ticket."""
    if policy is None:
        return Untimed(metric, "", "No policy covers the ticket.")
    target = next((each for each in policy.targets if each.metric == metric), None)
    if target is None:
        others = [p.name for p in levels.policies if metric in {t.metric for t in p.targets}]
        text = f"Policy {policy.name!r} has no such target; {listed(others)} would have."
        return Untimed(metric, policy.name, text)
    return Untimed(metric, policy.name, _missing(history, facts, target))


def _missing(  # noqa: PLR0911 - one return a rule
    history: History, facts: Facts, target: Target
) -> str:
    if target.is_vendor:
        return "The help desk tells no deadline of its own for this ticket."
    told = [history.value(row, "priority") or "" for row in range(len(history.rows))]
    counting = told if target.on_priority_change == "keep" else told[-1:]
    off = [name for name in counting if target.by_priority.get(name, target.default) == OFF]
    if off:
        return f"Its target is off for priority {off[0] or 'none'}."
    if target.metric == "next_reply_time":
        if not bool(facts.is_request.any()):
            return "The requester has not written, so nobody waits for an answer."
        if not target.include_first and not bool(facts.is_reply.any()):
            return "Before the first reply there is no clock for the next one."
        return "The requester has not written since the desk answered."
    if target.metric == "periodic_update_time":
        return "The requester has not heard from the desk yet, and the first update starts then."
    return "The policy came to cover the ticket only after this clock had stopped."
