"""A slow, obvious clock for one ticket and one metric, to hold the vectorised one against.

It walks over the facts of a ticket in order and counts open minutes one by one. Written from the
conformance README and the rulings of the design, not from the kernel. Every instant is a whole
minute. All policies of a history share the rules of the metric: only times and calendars differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sla_sniper.sla.calendar import Calendar
from sla_sniper.sla.conditions import Conditions
from sla_sniper.sla.policy import ServiceLevels, SlaPolicy, Target

FIRST_DAY = date(2024, 3, 1)
N_DAYS = 420
ZERO = datetime(2024, 3, 1, tzinfo=UTC)
MINUTE_US = 60_000_000
RESOLVING = ("resolution_time", "requester_wait_time", "agent_work_time")
OPERATORS = {
    "is": lambda value, wanted: value == wanted[0],
    "in": lambda value, wanted: value in wanted,
}


@dataclass(frozen=True)
class Reading:
    """What one cycle shows; instants and durations in minutes."""

    policy: str
    calendar: str
    started: int
    target: int
    state: str
    elapsed: int
    paused: int
    due: int | None
    breached: int | None
    fulfilled: int | None
    recorded: int | None


@dataclass(frozen=True)
class Fact:
    """A row of the log and how long it holds."""

    at: int
    until: int
    status: str
    tells_status: bool
    is_reply: bool
    is_request: bool
    is_awaiting: bool
    is_assigned: bool
    hold_until: int
    priority: str | None
    policy: SlaPolicy | None
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Cycle:
    """From one fact to another one, which may be open."""

    first: int
    stop: int | None = None
    is_cancelled: bool = False
    is_left: bool = False


@dataclass(frozen=True)
class Terms:
    """What is measured, with what and from when."""

    policy: str
    calendar: str
    target: int
    counted_from: int
    is_wall: bool


@dataclass(frozen=True)
class Piece:
    """A stretch of a cycle with the terms in force; `terms` is None without a target."""

    begin: int
    end: int
    kind: str
    terms: Terms | None
    is_still: bool
    is_stop: bool = False


def minute(at: datetime) -> int:
    """Whole minutes since 1 March 2024 in UTC."""
    return (at - ZERO) // timedelta(minutes=1)


@lru_cache(maxsize=64)
def open_minutes(calendar: Calendar) -> bytes:
    """One byte for each minute: 1 where open. Straight from the definition of the hours."""
    tz = ZoneInfo(calendar.timezone)

    def place(day: date, second: int) -> int:
        local = datetime.combine(day, time()) + timedelta(seconds=second)
        return max(0, minute(local.replace(tzinfo=tz, fold=0).astimezone(UTC)))

    table = bytearray(N_DAYS * 1440)
    days = [FIRST_DAY + timedelta(days=n) for n in range(-2, N_DAYS - 3)]
    for day in days:
        for begin, end in calendar.hours[day.weekday()]:
            a, b = place(day, begin), place(day, end if end >= begin else end + 86_400)
            table[a:b] = b"\1" * (b - a)
    if calendar.is_always_open:
        table = bytearray(b"\1") * len(table)
    for day in calendar.holidays.dates:
        a, b = place(day, 0), place(day, 86_400)
        table[a:b] = bytes(b - a)
    return bytes(table)


def read_twin(
    rows: Sequence[Mapping[str, Any]], levels: ServiceLevels, *, metric: str, as_of: datetime
) -> list[Reading]:
    """Every cycle of one metric on one ticket, in order."""
    now = minute(as_of)
    rule = next(t for p in levels.policies for t in p.targets if t.metric == metric)
    facts = read_facts(rows, rule, levels, now=now)
    is_void = bool(facts) and facts[-1].status == "cancelled"
    found = []
    for cycle in _cycles(facts, rule):
        pieces = _pieces(facts, cycle, rule)
        reading = _reading(pieces, facts, cycle, rule, levels)
        if reading is not None:
            void = replace(reading, state="cancelled", due=None, fulfilled=None)
            found.append(void if is_void else reading)
    return found


# What happened


def read_facts(
    rows: Sequence[Mapping[str, Any]], rule: Target, levels: ServiceLevels, *, now: int = 0
) -> list[Fact]:
    """What each row says to the clock."""
    facts: list[Fact] = []
    is_awaiting = False
    bound: SlaPolicy | None = None
    for number, row in enumerate(rows):
        following = rows[number + 1]["occurred_at"] if number + 1 < len(rows) else None
        activities = (row["activity"] or "").split("+")
        is_reply = _is_reply(row, activities, levels)
        is_request = "requester_message" in activities
        is_awaiting = (is_awaiting or is_reply) and not is_request
        attributes = {each["key"]: each["value"] for each in row["attributes"]}
        hold = attributes.get(rule.pause_until)
        policy = next((p for p in levels.policies if _holds(p.when, row)), None)
        before = facts[-1].policy if facts else None
        if bound is None and before is not None and policy is not before:
            # On leaving a policy that stays in force.
            bound = before if before.on_policy_change == "keep" else None
        facts.append(
            Fact(
                at=minute(row["occurred_at"]),
                until=minute(following) if following else now,
                status=row["status"],
                tells_status=bool(
                    {"created", "status", "resolved", "reopened", "closed"} & set(activities)
                ),
                is_reply=is_reply,
                is_request=is_request,
                is_awaiting=is_awaiting,
                is_assigned=row["assignee"] is not None,
                hold_until=minute(datetime.fromisoformat(hold)) if hold else 0,
                priority=row["priority"],
                policy=bound or policy,
                values=row,
            )
        )
    return facts


def _is_reply(row: Mapping[str, Any], activities: list[str], levels: ServiceLevels) -> bool:
    replies = levels.replies
    if not replies.unless.is_empty and _holds(replies.unless, row):
        return False
    by_desk = row["actor_role"] is None or row["actor_role"] in replies.roles
    is_note = replies.are_notes and "internal_note" in activities
    return by_desk and ("public_reply" in activities or is_note)


def _holds(conditions: Conditions, row: Mapping[str, Any]) -> bool:
    def is_true(condition: Any) -> bool:
        value = row[condition.field]
        return value is not None and OPERATORS[condition.operator](value, condition.values)

    any_of = conditions.any_of
    return all(map(is_true, conditions.all_of)) and (not any_of or any(map(is_true, any_of)))


# Where cycles begin and end


def _cycles(facts: list[Fact], rule: Target) -> list[Cycle]:
    if rule.start == "created":
        return _cycles_within(facts, 0, len(facts), rule)
    found: list[Cycle] = []
    begin = 0
    while begin < len(facts):
        end = begin + 1
        while end < len(facts) and facts[end].policy is facts[begin].policy:
            end += 1
        is_covered = facts[begin].policy is not None
        for cycle in _cycles_within(facts, begin, end, rule) if is_covered else []:
            is_left = cycle.stop is None and end < len(facts)
            left = Cycle(cycle.first, end, is_cancelled=rule.on_leave == "cancel", is_left=True)
            if not is_left:
                found.append(cycle)
            elif rule.on_leave == "satisfy":
                found.append(left)
        begin = end
    return found


def _cycles_within(facts: list[Fact], begin: int, end: int, rule: Target) -> list[Cycle]:
    walks = {
        "first_reply_time": _first_reply,
        "next_reply_time": _next_replies,
        "periodic_update_time": _updates,
        "ownership_time": _ownership,
    }
    return walks.get(rule.metric, _resolutions)(facts, begin, end, rule)


def _closes(fact: Fact, rule: Target) -> bool:
    """A status that is told now, ends the work and by that the wait."""
    return fact.tells_status and rule.on_close == "satisfy" and fact.status in rule.stop_in


def _needs_none(fact: Fact, rule: Target) -> bool:
    """A ticket that is closed when the clock starts."""
    return rule.on_close == "satisfy" and fact.status in rule.stop_in


def _answers(fact: Fact, rule: Target) -> bool:
    return fact.is_reply or (fact.tells_status and fact.status in rule.reply_statuses)


def _first_reply(facts: list[Fact], begin: int, end: int, rule: Target) -> list[Cycle]:
    if _needs_none(facts[begin], rule):
        return [Cycle(begin, begin)]
    for place in range(begin, end):
        if _answers(facts[place], rule) or _closes(facts[place], rule):
            return [Cycle(begin, place)]
    return [Cycle(begin)]


def _ownership(facts: list[Fact], begin: int, end: int, rule: Target) -> list[Cycle]:
    if _needs_none(facts[begin], rule):
        return [Cycle(begin, begin)]
    for place in range(begin, end):
        if facts[place].is_assigned or _closes(facts[place], rule):
            return [Cycle(begin, place)]
    return [Cycle(begin)]


def _next_replies(facts: list[Fact], begin: int, end: int, rule: Target) -> list[Cycle]:
    found: list[Cycle] = []
    opened: int | None = None
    may_start = rule.include_first
    for place in range(end):
        fact = facts[place]
        is_settled = _answers(fact, rule) or _closes(fact, rule)
        if fact.is_request and may_start and opened is None and not is_settled:
            opened = max(place, begin)
        may_start = may_start or _answers(fact, rule)
        if is_settled:
            if opened is not None and place >= begin:
                found.append(Cycle(opened, place))
            opened = None
    return found if opened is None else [*found, Cycle(opened)]


def _updates(facts: list[Fact], begin: int, end: int, rule: Target) -> list[Cycle]:
    found: list[Cycle] = []
    opened = begin if rule.starts_at_creation else None
    for place in range(begin, end):
        fact = facts[place]
        is_contact = ("agent" in rule.reset_by and _answers(fact, rule)) or (
            "requester" in rule.reset_by and fact.is_request
        )
        is_ended = is_contact or (rule.until == "requester" and fact.is_request)
        if is_ended and opened is not None and not (is_contact and place == begin):
            found.append(Cycle(opened, place))
            opened = None
        is_closing = _closes(fact, rule) or (place == begin and _needs_none(fact, rule))
        if is_contact and not is_closing:
            opened = place
        if is_closing and opened is not None:
            found.append(Cycle(opened, place))
            opened = None
    return found if opened is None else [*found, Cycle(opened)]


def _resolutions(facts: list[Fact], begin: int, end: int, rule: Target) -> list[Cycle]:
    found: list[Cycle] = []
    opened, closed = begin, None
    for place in range(begin, end):
        status = facts[place].status
        if status in rule.stop_in:
            closed = place if closed is None else closed
            if rule.on_reopen == "final":
                return [Cycle(opened, closed)]
        elif closed is not None and status != "cancelled":
            if rule.on_reopen == "restart":
                found.append(Cycle(opened, closed))
                opened = place
            closed = None
    return [*found, Cycle(opened, closed)]


# What a cycle is made of


def _kind(fact: Fact, rule: Target, at: int) -> str:
    if fact.status == "cancelled":
        return "void"
    if fact.status in rule.stop_in and rule.metric in RESOLVING:
        return "closed"
    if not _stands_still(fact, rule, at):
        return "running"
    return "hidden" if rule.pause_mode == "hide" else "paused"


def _stands_still(fact: Fact, rule: Target, at: int) -> bool:
    is_parked = fact.status in rule.stop_in and rule.metric not in RESOLVING
    return (
        fact.status in rule.pause_in
        or (rule.pause_awaiting_requester and fact.is_awaiting)
        or (is_parked and rule.on_close == "pause")
        or at < fact.hold_until
    )


def _pieces(facts: list[Fact], cycle: Cycle, rule: Target) -> list[Piece]:
    """Stretches of a cycle up to its stop; the last one is empty and has the terms there."""
    last = len(facts) if cycle.stop is None else cycle.stop
    own = facts[cycle.first : last + 1]
    pieces = []
    for fact, terms in zip(own, _terms(own, rule), strict=True):
        is_stop = cycle.stop is not None and fact is own[-1]
        for begin, end in _halves(fact, is_stop=is_stop):
            is_still = _stands_still(fact, rule, begin)
            pieces.append(Piece(begin, end, _kind(fact, rule, begin), terms, is_still, is_stop))
    if cycle.is_left:
        # What the policy leaves keeps the terms under which it was left.
        pieces[-1] = replace(pieces[-1], terms=pieces[-2].terms)
    return pieces


def _halves(fact: Fact, *, is_stop: bool) -> list[tuple[int, int]]:
    if is_stop:
        return [(fact.at, fact.at)]
    if fact.at < fact.hold_until <= fact.until:
        return [(fact.at, fact.hold_until), (fact.hold_until, fact.until)]
    return [(fact.at, fact.until)]


def _told(
    fact: Fact, kept: dict[str, tuple[str, int]], counted_from: int, rule: Target
) -> Terms | None:  # fmt: skip
    """Terms that a fact asks for; `kept` are the first calendar and target of each policy."""
    if fact.policy is None:
        return None
    allowed = fact.policy.targets[0]
    told = allowed.by_priority.get(fact.priority or "", allowed.default) // MINUTE_US
    calendar, target = kept.setdefault(fact.policy.name, (told_calendar(fact), told))
    return Terms(
        fact.policy.name,
        calendar if rule.on_calendar_change == "keep" else told_calendar(fact),
        target if rule.on_priority_change == "keep" else told,
        counted_from,
        rule.pause_unit == "wall",
    )


def told_calendar(fact: Fact) -> str:
    """Calendar that the policy in force chooses."""
    calendar = fact.policy.targets[0].calendar
    if isinstance(calendar, str):
        return calendar
    for field, names in calendar.by:
        if fact.values[field] in names:
            return names[fact.values[field]]
    return calendar.default


def _terms(facts: list[Fact], rule: Target) -> list[Terms | None]:
    """Terms after each fact of a cycle: a change recomputes, restarts or is ignored."""
    found: list[Terms | None] = []
    counted_from = facts[0].at
    kept: dict[str, tuple[str, int]] = {}
    covered: Fact | None = None
    was_closed = False
    for fact in facts:
        kind = _kind(fact, rule, fact.at)
        is_closed = kind == "closed" or (kind == "void" and was_closed)
        if is_closed and was_closed:
            # What changes while the ticket is closed is in force when it is open again.
            found.append(found[-1])
            continue
        if covered and fact.policy and _restarts(fact, covered, rule):
            counted_from = fact.at
        found.append(_told(fact, kept, counted_from, rule))
        covered = fact if fact.policy else covered
        was_closed = is_closed
    return found


def _restarts(fact: Fact, before: Fact, rule: Target) -> bool:
    """Whether the clock counts anew from a fact; `before` is the last one under a policy."""
    if fact.priority != before.priority and rule.on_priority_change == "restart":
        return True
    if fact.policy is not before.policy:
        return before.policy.on_policy_change == "restart"
    has_moved = told_calendar(fact) != told_calendar(before)
    return has_moved and rule.on_calendar_change == "restart"


# What it shows


def _used(pieces: list[Piece], terms: Terms, until: int, levels: ServiceLevels) -> int:
    """Open minutes that run up to an instant."""
    if terms.is_wall:
        return _used_by_wall(pieces, terms, until, levels)
    return _open(pieces, ("running", "hidden"), terms, until, levels)


def _open(
    pieces: list[Piece], kinds: tuple[str, ...], terms: Terms, until: int, levels: ServiceLevels
) -> int:
    table = open_minutes(levels.calendars[terms.calendar])
    if terms.is_wall:
        table = b"\1" * len(table)
    return sum(
        sum(table[max(piece.begin, terms.counted_from) : min(piece.end, until)])
        for piece in pieces
        if piece.kind in kinds and max(piece.begin, terms.counted_from) < min(piece.end, until)
    )


def _used_up(pieces: list[Piece], terms: Terms, levels: ServiceLevels) -> int:
    """First instant at which the target is used up, if the clock runs on after the pieces."""
    if terms.is_wall:
        return _used_up_by_wall(pieces, terms, levels)
    table = open_minutes(levels.calendars[terms.calendar])
    end = pieces[-1].end
    left = terms.target
    runs_on = Piece(end, len(table), "running", terms, is_still=False)
    for piece in (*pieces, runs_on):
        if piece.kind not in {"running", "hidden"}:
            continue
        for at in range(max(piece.begin, terms.counted_from), piece.end):
            left -= table[at]
            if left == 0:
                return at + 1
    raise AssertionError("the table of open minutes is too short")


def _used_by_wall(pieces: list[Piece], terms: Terms, until: int, levels: ServiceLevels) -> int:
    """What is left until a deadline that standing still moves by wall time."""
    table = open_minutes(levels.calendars[terms.calendar])
    # It shows what was used when it began to stand still.
    place = max(place for place, piece in enumerate(pieces) if piece.begin <= until)
    while place >= 0 and _stands(pieces[place]):
        until = max(pieces[place].begin, terms.counted_from)
        place -= 1
    due = _deadline_by_wall(pieces, terms, until, levels)
    return max(0, terms.target - sum(table[until:due]) + sum(table[due:until]))


def _stands(piece: Piece) -> bool:
    return piece.is_stop or piece.kind in {"paused", "void", "closed"}


def _used_up_by_wall(pieces: list[Piece], terms: Terms, levels: ServiceLevels) -> int:
    """The deadline that passed; an end that was undone may have moved it beyond the present."""
    is_over = _used(pieces, terms, pieces[-1].end, levels) > terms.target
    passed = None
    for piece in pieces if is_over else ():
        if passed is not None and _used(pieces, terms, piece.begin, levels) <= terms.target:
            passed = None
        due = _deadline_by_wall(pieces, terms, piece.begin, levels)
        if passed is None and piece.kind in {"running", "hidden"} and due < piece.end:
            passed = due
    return _deadline_by_wall(pieces, terms, pieces[-1].end, levels) if passed is None else passed


def _deadline_by_wall(pieces: list[Piece], terms: Terms, until: int, levels: ServiceLevels) -> int:
    straight = Piece(terms.counted_from, terms.counted_from, "running", terms, is_still=False)
    due = _used_up([straight], replace(terms, is_wall=False), levels)
    return due + _open(pieces, ("paused", "void"), terms, until, levels)


def _over_since(
    pieces: list[Piece], rule: Target, levels: ServiceLevels
) -> tuple[int | None, int | None]:  # fmt: skip
    """Since when the clock is over time at the end; when it was for the first time."""
    over = first = None
    for place, piece in enumerate(pieces):
        terms = piece.terms
        if terms is None or not terms.target:
            over = None
            continue
        so_far = _reopened(pieces[: place + 1], rule)
        if _used(so_far, terms, piece.begin, levels) > terms.target:
            over = piece.begin if over is None else over
        else:
            is_over = _used(so_far, terms, piece.end, levels) > terms.target
            over = max(_used_up(so_far, terms, levels), terms.counted_from) if is_over else None
        first = over if first is None else first
    return over, first


def _reopened(pieces: list[Piece], rule: Target) -> list[Piece]:
    """What time spent closed counts as, once the ticket is open again."""
    is_open = [piece.kind in {"running", "paused", "hidden"} for piece in pieces]
    last = max((n for n, each in enumerate(is_open) if each), default=-1)
    found = list(pieces)
    for place, piece in enumerate(pieces[: last + 1]):
        if piece.kind == "closed":
            is_paused = piece.is_still and rule.pause_mode == "stop"
            counts = rule.on_reopen == "count" and not is_paused
            found[place] = replace(piece, kind="running" if counts else "paused")
    return found


def _reading(
    pieces: list[Piece], facts: list[Fact], cycle: Cycle, rule: Target, levels: ServiceLevels
) -> Reading | None:
    over, first = _over_since(pieces, rule, levels)
    pieces = _reopened(pieces, rule)
    terms = pieces[-1].terms
    if terms is None or not terms.target:
        return None
    end = pieces[-1].end
    stop = None if cycle.stop is None else facts[cycle.stop].at
    if stop is not None:
        end = stop
    elapsed = _used(pieces, terms, end, levels)
    is_over = elapsed > terms.target
    if rule.keeps_ledger:
        over, is_over = first, first is not None
    kind = pieces[-1].kind
    if cycle.is_cancelled:
        state = "cancelled"
    elif stop is not None:
        state = "missed" if is_over else "met"
    else:
        state = "overdue" if is_over else "paused" if kind == "paused" else "running"
    is_waiting = kind == "paused" and elapsed <= terms.target
    is_shown = stop is not None or (kind != "hidden" and not is_waiting)
    return Reading(
        policy=terms.policy,
        calendar=terms.calendar,
        started=facts[cycle.first].at,
        target=terms.target,
        state=state,
        elapsed=elapsed,
        paused=_open(pieces, ("paused",), terms, end, levels),
        due=_used_up(pieces, terms, levels) if is_shown and not cycle.is_cancelled else None,
        breached=over,
        fulfilled=stop if state in {"met", "missed"} else None,
        recorded=first,
    )
