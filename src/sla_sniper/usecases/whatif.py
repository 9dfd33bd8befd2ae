"""sniper whatif: the whole history under another policy file, and what that changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from sla_sniper.config.service_levels import read_sla
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.core.schema import TICKET_KEY, VALUE_COLUMNS
from sla_sniper.core.words import count, percent
from sla_sniper.engine.local import in_buckets
from sla_sniper.escalation.costs import money
from sla_sniper.eventlog.deriving import derive
from sla_sniper.sla.clock import cycles
from sla_sniper.sla.comparison import changes, is_breached, tally
from sla_sniper.sla.conditions import value_of
from sla_sniper.usecases.desk import open_desk, require_known_fields
from sla_sniper.usecases.files import require_ending, write_table
from sla_sniper.usecases.results import header, records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from sla_sniper.config.service_levels import SlaSettings
    from sla_sniper.escalation.costs import CostTable
    from sla_sniper.usecases.desk import Desk

LIMITS: Final = (
    "A replay of what happened, not a sample, so no figure has an interval; behaviour is held "
    "fixed: agents would have worked differently under another promise"
)
DIMENSIONS: Final = ("metric", "priority", "group", "month")
FLIPS: Final = (("met", "breached"), ("breached", "met"))
N_EXAMPLES: Final = 20
_FIRST: Final = "first_"
"""Prefix of the columns with a ticket's first known values: no other column begins so."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the breaches cost by one cost table.

    Attributes
    ----------
    by : str
        The file whose `[costs]` are used.
    costs : CostTable
        Assumed, not measured.
    before, after : float
        Sum over the breaches under either promise, in the table's currency.
    n_unlisted : int
        Breaches, of both, whose value the table does not list.
    """

    by: str
    costs: CostTable
    before: float
    after: float
    n_unlisted: int

    @property
    def assumption(self) -> str:
        """The assumption behind the amounts, in words."""
        currency = self.costs.currency
        listed = ", ".join(f"{name} {money(c, currency)}" for name, c in self.costs.breach.items())
        fallback = money(self.costs.fallback, currency)
        unlisted = f" ({self.n_unlisted:,} here)" if self.n_unlisted else ""
        told = f"{listed} and {fallback} for any other{unlisted}"
        return f"assuming that a breach costs, by {self.costs.by}, {told}"

    def sentence(self) -> str:
        """Write the two amounts, their difference and the assumption."""
        currency, difference = self.costs.currency, self.after - self.before
        more = f"{money(abs(difference), currency)} {'more' if difference > 0 else 'less'}"
        told = more if round(difference) else "the same"
        return (
            f"By the costs of {self.by} the breaches cost {money(self.after, currency)} instead of "
            f"{money(self.before, currency)}: {told}, {self.assumption}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "costs_of": self.by,
            "currency": self.costs.currency,
            "before": self.before,
            "after": self.after,
            "difference": self.after - self.before,
            "unlisted": self.n_unlisted,
            "assumption": self.assumption,
        }


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The same history under two policy files.

    Attributes
    ----------
    old, new : str
        The policy files.
    n_tickets : int
        Tickets known by `as_of`.
    n_untimed : tuple of int
        Tickets that no policy covers, before and after.
    tables : mapping of str to DataFrame
        For each of `DIMENSIONS` what `sla.comparison.tally` counts.
    bills : tuple of Bill
        By the old cost table and, where it is another one, by the new one; none where neither
        file has one.
    changed : DataFrame
        Clocks whose verdict changes, see `sla.comparison.changes`, and the ticket's `group`.
    """

    old: str
    new: str
    as_of: datetime
    why: str
    n_tickets: int
    n_untimed: tuple[int, int]
    tables: Mapping[str, pl.DataFrame]
    bills: tuple[Bill, ...]
    changed: pl.DataFrame

    def total(self, name: str) -> int:
        """Sum of a count, such as ``breaches_after``, over all metrics."""
        return int(self.tables["metric"][name].sum())

    def largest(self, name: str, n_rows: int) -> pl.DataFrame:
        """Rows of a table that change most, in the table's order; of months all."""
        rows = self.tables[name]
        if name == "month":
            return rows
        change = (pl.col("breaches_after") - pl.col("breaches_before")).abs()
        return (
            rows.with_row_index("place")
            .sort(change, "breaches_after", "place", descending=[True, True, False])
            .head(n_rows)
            .sort("place")
            .drop("place")
        )

    def transitions(self) -> pl.DataFrame:
        """Number of clocks and tickets for each change of verdict, most first."""
        return (
            self.changed.group_by("metric", "before", "after")
            .agg(
                pl.len().cast(pl.Int64).alias("clocks"),
                pl.struct(TICKET_KEY).n_unique().cast(pl.Int64).alias("tickets"),
            )
            .sort("clocks", "metric", "before", "after", descending=[True, False, False, False])
        )

    def flips(self, before: str, after: str) -> pl.DataFrame:
        """Clocks that change from one verdict to another, in order of ticket."""
        return self.changed.filter(before=before, after=after)

    def sentences(self) -> tuple[str, ...]:
        """What changes, in words; the limits come last."""
        if self.changed.is_empty() and self._are_breaches_equal():
            told: tuple[str, ...] = ("No clock comes to another verdict",)
        else:
            told = (self._breaches_told(), self._flips_told(), self._clocks_told())
        money = tuple(bill.sentence() for bill in self.bills) or (self._no_money_told(),)
        return (*told, *money, LIMITS)

    def as_dict(self) -> dict[str, Any]:
        """JSON object of `sniper whatif`."""
        counts = ("clocks", "breaches")
        return header("whatif", self.as_of) | {
            "why": self.why,
            "old": self.old,
            "new": self.new,
            "tickets": self.n_tickets,
            "untimed": dict(zip(("before", "after"), self.n_untimed, strict=True)),
            **{
                name: {end: self.total(f"{name}_{end}") for end in ("before", "after")}
                for name in counts
            },
            **{f"by_{name}": records(self.tables[name].to_dicts()) for name in DIMENSIONS},
            "money": [bill.as_dict() for bill in self.bills],
            "changes": records(self.transitions().to_dicts()),
            "examples": {
                f"{before}_to_{after}": records(
                    self.flips(before, after).head(N_EXAMPLES).to_dicts()
                )
                for before, after in FLIPS
            },
            "sentences": list(self.sentences()),
            "limits": LIMITS,
        }

    def _no_money_told(self) -> str:
        return f"Amounts of money are left out: neither {self.old} nor {self.new} has [costs]"

    def _are_breaches_equal(self) -> bool:
        return self.total("breaches_before") == self.total("breaches_after")

    def _breaches_told(self) -> str:
        before, after = self.total("breaches_before"), self.total("breaches_after")
        more = f"{abs(after - before):,} {'more' if after > before else 'fewer'}"
        return (
            f"Under {self.new} {self._share('after')} breach, under {self.old} "
            f"{self._share('before')}: {'as many' if after == before else more}"
        )

    def _share(self, end: str) -> str:
        part, whole = self.total(f"breaches_{end}"), self.total(f"clocks_{end}")
        share = f" ({percent(part / whole)})" if whole else ""
        return f"{part:,} of {count(whole, 'clock')}{share}"

    def _flips_told(self) -> str:
        late, saved = (self._tickets(self.flips(*pair)) for pair in FLIPS)
        return (
            f"Tickets that flip from met to breached: {late:,}, from breached to met: {saved:,}; "
            f"{self._tickets(self.changed):,} of {self.n_tickets:,} change in any way"
        )

    def _clocks_told(self) -> str:
        gained = self._tickets(self.changed.filter(before="none"))
        lost = self._tickets(self.changed.filter(after="none"))
        before, after = self.n_untimed
        return (
            f"Tickets that gain a clock: {gained:,}, that lose one: {lost:,}; no policy covers "
            f"{after:,} of {self.n_tickets:,} (before: {before:,})"
        )

    @staticmethod
    def _tickets(frame: pl.DataFrame) -> int:
        return frame.select(TICKET_KEY).n_unique()


def ask_whatif(
    folder: Path,
    new: Path,
    *,
    as_of: datetime | None,
    now: datetime,
    out: Path | None = None,
    progress: Progress = silent,
) -> WhatIf:
    """Replay the history under another policy file and say what changes; nothing is kept.

    Parameters
    ----------
    folder : Path
        The workspace.
    new : Path
        The other policy file, complete: calendars and policies, and costs where it has any.
    as_of : datetime, optional
        Nothing recorded later is read; the settings decide where it is not given.
    now : datetime
        The machine's clock, read by the surface.
    out : Path, optional
        Where every clock that changes is written to.

    Raises
    ------
    ConfigurationError
        If the new file says something impossible, or names a field that no ticket has.
    UnknownTargetError
        If one of its policies covers a priority without a target.
    NotEnoughHistoryError
        If there is no event by `as_of`.
    """
    if out is not None:
        require_ending(out)
    settings = read_sla(new)
    desk = open_desk(folder, asked=as_of, now=now, progress=progress)
    require_known_fields(new, desk.mappings)
    found = _compare(desk, settings, new)
    if out is not None:
        write_table(found.changed, out)
    return found


def _compare(desk: Desk, settings: SlaSettings, new: Path) -> WhatIf:
    tables = _cost_tables(desk, settings, new)
    fields = ("group", *(costs.by for costs in tables.values()))
    before, after, tickets = _replay(desk, settings, tuple(dict.fromkeys(fields)))
    changed = changes(before, after).join(
        tickets.select(*TICKET_KEY, group=f"{_FIRST}group"),
        on=TICKET_KEY,
        how="left",
        maintain_order="left",
    )
    return WhatIf(
        old=desk.workspace.sla.path,
        new=settings.path,
        as_of=desk.as_of,
        why=desk.why,
        n_tickets=tickets.height,
        n_untimed=(_untimed(tickets, before), _untimed(tickets, after)),
        tables={name: _tally(before, after, name) for name in DIMENSIONS},
        bills=tuple(_bill(path, costs, before, after) for path, costs in tables.items()),
        changed=changed,
    )


def _cost_tables(desk: Desk, settings: SlaSettings, new: Path) -> dict[str, CostTable]:
    """Cost tables by their file, each once; those of files that have one."""
    found: dict[str, CostTable] = {}
    for sla, path in ((desk.workspace.sla, desk.workspace.folder / "sla.toml"), (settings, new)):
        if sla.breach_costs is not None:
            _require_known(sla.breach_costs, desk, path)
            if sla.breach_costs not in found.values():
                found[sla.path] = sla.breach_costs
    return found


def _require_known(costs: CostTable, desk: Desk, path: Path) -> None:
    known = (*VALUE_COLUMNS, *desk.keep)
    if costs.by not in known:
        problem = f"costs.by: no ticket has {costs.by!r}; use one of {', '.join(known)}"
        raise ConfigurationError(str(path), (problem,))


def _replay(
    desk: Desk, settings: SlaSettings, fields: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cycles under the old and the new promise, and what is known of each ticket."""
    both = (desk.workspace.sla.levels, settings.levels)

    def work(rows: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
        events = derive(rows)
        old, new = (cycles(events, levels, as_of=desk.as_of) for levels in both)
        return old, new, _tickets_of(events, fields)

    parts = in_buckets(desk.stored, work, progress=desk.progress, step="replaying both promises")
    old, new, tickets = (pl.concat(part) for part in zip(*parts, strict=True))
    timezone = desk.workspace.landmarks.timezone
    return _described(old, tickets, timezone), _described(new, tickets, timezone), tickets


def _tickets_of(events: pl.DataFrame, fields: tuple[str, ...]) -> pl.DataFrame:
    """First known value of each field, as `diagnose` takes it: no promise changes that one."""
    names = {name: f"{_FIRST}{name}" for name in fields}
    values = [value_of(name).alias(column) for name, column in names.items()]
    first = pl.col(list(names.values())).drop_nulls().first()
    return events.select(*TICKET_KEY, *values).group_by(TICKET_KEY).agg(first)


def _described(found: pl.DataFrame, tickets: pl.DataFrame, timezone: str) -> pl.DataFrame:
    local = pl.col("applied_at").dt.convert_time_zone(timezone)
    return found.join(tickets, on=TICKET_KEY, how="left").with_columns(
        priority="priority_applied", group=f"{_FIRST}group", month=local.dt.strftime("%Y-%m")
    )


def _untimed(tickets: pl.DataFrame, found: pl.DataFrame) -> int:
    return tickets.height - found.select(TICKET_KEY).n_unique()


def _tally(before: pl.DataFrame, after: pl.DataFrame, name: str) -> pl.DataFrame:
    return tally(before, after, by=["metric"] if name == "metric" else ["metric", name])


def _bill(by: str, costs: CostTable, before: pl.DataFrame, after: pl.DataFrame) -> Bill:
    value = "priority_applied" if costs.by == "priority" else f"{_FIRST}{costs.by}"
    late = [
        part.filter(is_breached()).select(pl.col(value).alias(costs.by)) for part in (before, after)
    ]
    amounts = [float(costs.breach_cost(part).sum()) for part in late]
    unlisted = sum(int(costs.unpriced(part)["n_rows"].sum()) for part in late)
    return Bill(by, costs, amounts[0], amounts[1], unlisted)
