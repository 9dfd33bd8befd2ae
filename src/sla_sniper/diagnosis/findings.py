"""Findings, ranked by money: one sentence, the figure, its interval and how to check it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.words import count, percents
from sla_sniper.diagnosis.case_mix import read
from sla_sniper.diagnosis.cells import cost_bounds
from sla_sniper.diagnosis.legs import WAITS, WORDS, met_without
from sla_sniper.diagnosis.tried import LEVEL
from sla_sniper.stats import Interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.case_mix import Compared
    from sla_sniper.diagnosis.coding import Coded
    from sla_sniper.diagnosis.conduct import Conduct
    from sla_sniper.diagnosis.tried import Tried

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Parts = tuple[tuple[str, str], ...]

MOST_PLACES: Final = 5
_MORE: Final = 1.1
"""Times what one of its levels costs beyond the expected that a pair has to cost."""
_OVERLAP: Final = 0.5
"""Share of a cell's misses that lie in one already found: then it says nothing new."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """Something that costs money.

    Attributes
    ----------
    id : str
        By which its tickets can be listed: ``where:group=L2``, ``leg:between_groups``.
    sentence : str
        What was found, with its figure.
    money : Interval
        In currency, or misses where nothing is priced; what it is an amount of, `meaning` says.
    meaning : str
    rows : ndarray of int
        Its clocks, as rows of the frame that was asked about.
    check : str
        The command that lists its tickets; whoever knows metric and instant writes it.
    n_tickets : int
        How many that lists: a ticket may have several clocks.
    """

    id: str
    sentence: str
    money: Interval
    meaning: str
    rows: Ints = field(repr=False)
    check: str = ""
    n_tickets: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "id": self.id,
            "sentence": self.sentence,
            "money": {
                "estimate": self.money.estimate,
                "low": self.money.low,
                "high": self.money.high,
            },
            "meaning": self.meaning,
            "tickets": self.n_tickets,
            "clocks": len(self.rows),
            "check": self.check,
        }


def where_and_who(tried: Tried, amount: Callable[[float], str]) -> list[Finding]:
    """Cells and teams that cost more than expected, beyond what so many tries find by chance.

    Parameters
    ----------
    tried : Tried
    amount : callable
        Writes an amount: ``$1,234``, or ``12 misses`` where nothing is priced.

    Returns
    -------
    list of Finding
        `MOST_PLACES` cells at most, the dearest first, none of which mostly repeats another, and
        as many levels of each of `tried.WHO`. All have an adjusted p below `tried.LEVEL`, and an
        interval above zero at the level that is left to so many told of so many tried.
    """
    places, teams = _places(tried), _teams(tried)
    n_told = len(places) + len(teams)
    while n_told:
        level = tried.level(n_told)
        by_name = {
            (name, each.level): each
            for name in {name for name, _ in teams}
            for each in read(*tried.fits[name], level=level)
        }
        found = [_place(tried, parts, amount, level) for parts in places]
        found += [_team(tried, name, by_name[name, at]) for name, at in teams]
        kept = [each for each in found if each.money.is_above(0)]
        if len(kept) == n_told:
            return kept
        # Fewer are told: each has to be surer.
        ids = {each.id for each in kept}
        places = [parts for parts in places if _place_id(parts) in ids]
        teams = [each for each in teams if _team_id(*each) in ids]
        n_told = len(kept)
    return []


def _places(tried: Tried) -> list[Parts]:
    """Dearest cells beyond chance, of which none mostly repeats another."""
    names = ("dimension", "level", "dimension_2", "level_2")
    dear = (
        _beside_its_parts(tried.cells)
        .filter(pl.col("excess") > 0, pl.col("p_adjusted") < LEVEL)
        .sort(["excess", *names], descending=[True, *(False,) * len(names)])
    )
    found: list[Parts] = []
    seen = np.zeros(len(tried.stakes.missed), dtype=bool)
    for d, level, d2, level2 in dear.select(*names).iter_rows():
        parts = ((d, level), *([(d2, level2)] if d2 else []))
        if len(found) == MOST_PLACES:
            break
        rows = _rows_of(parts, tried.coded)
        of_them = rows[tried.stakes.missed[rows] > 0]
        if seen[of_them].mean() <= _OVERLAP:
            seen[of_them] = True
            found.append(parts)
    return found


def _beside_its_parts(table: pl.DataFrame) -> pl.DataFrame:
    """Cells but pairs that cost hardly more than one of their two levels does by itself."""
    alone = table.filter(pl.col("dimension_2").is_null()).select("dimension", "level", "excess")
    second = alone.rename({"dimension": "dimension_2", "level": "level_2"})
    parts = table.join(alone, on=["dimension", "level"], how="left", suffix="_1").join(
        second, on=["dimension_2", "level_2"], how="left", suffix="_2"
    )
    whole = pl.max_horizontal("excess_1", "excess_2")
    is_alone = pl.col("dimension_2").is_null()
    return parts.filter(is_alone | (pl.col("excess") > _MORE * whole))


def _rows_of(parts: Parts, coded: Mapping[str, Coded]) -> Ints:
    chosen = [coded[name].code == coded[name].levels.index(at) for name, at in parts]
    return np.flatnonzero(np.logical_and.reduce(chosen)).astype(np.int64)


def _place(tried: Tried, parts: Parts, amount: Callable[[float], str], level: float) -> Finding:
    stakes, rows = tried.stakes, _rows_of(parts, tried.coded)
    missed, price = rows[stakes.missed[rows] > 0], stakes.price[rows]
    cost, expected = float(stakes.price[missed].sum()), float(stakes.expected[rows] @ price)
    sums = (np.array([each]) for each in (cost, price.sum(), (price**2).sum()))
    low, high = (float(bound[0]) - expected for bound in cost_bounds(*sums, level=level))
    rate = wilson_interval(len(missed), len(rows), level=level)
    where = " and ".join(f"{name} {at!r}" for name, at in parts)
    return Finding(
        id=_place_id(parts),
        sentence=(
            f"{where[:1].upper()}{where[1:]}: {len(missed):,} of {count(len(rows), 'target')} "
            f"missed, {percents(rate.estimate, rate.low, rate.high)}; they cost "
            f"{amount(cost)}."
        ),
        money=Interval(cost - expected, low, high),
        meaning="beyond what the dimensions that set the target explain",
        rows=missed,
    )


def _place_id(parts: Parts) -> str:
    return "where:" + ",".join(f"{name}={level}" for name, level in parts)


def _teams(tried: Tried) -> list[tuple[str, str]]:
    """Teams and agents that miss more than others would have with their tickets."""
    return [
        (name, each.level)
        for name, levels in tried.compared.items()
        for each in [
            each for each in levels if each.p_adjusted < LEVEL and each.excess_cost.estimate > 0
        ][:MOST_PLACES]
    ]


def _team(tried: Tried, name: str, each: Compared) -> Finding:
    who, rate = tried.coded[name], each.adjusted
    is_theirs = who.code == who.levels.index(each.level)
    return Finding(
        id=_team_id(name, each.level),
        sentence=(
            f"{name.capitalize()} {each.level!r} missed {each.n_missed:,} of "
            f"{count(each.n, 'target')} where {each.expected:,.0f} were to be expected of its "
            f"tickets; with everybody's tickets it would miss "
            f"{percents(rate.estimate, rate.low, rate.high)}."
        ),
        money=each.excess_cost,
        meaning="beyond what all together would have missed with the same tickets",
        rows=np.flatnonzero(is_theirs & (tried.stakes.missed > 0)),
    )


def _team_id(name: str, level: str) -> str:
    return f"team:{name}={level}"


def waits(clocks: pl.DataFrame, price: Floats) -> list[Finding]:
    """Legs without which missed targets would have been met, by arithmetic."""
    if "wall_us" not in clocks.columns:
        return []
    n_missed = int(clocks["is_missed"].sum())
    found = []
    for leg in WAITS:
        rows = met_without(clocks, leg)
        if not len(rows):
            continue
        share = wilson_interval(len(rows), n_missed)
        mean = float(price[rows].mean())
        money = (mean * n_missed * at for at in (share.estimate, share.low, share.high))
        found.append(
            Finding(
                id=f"leg:{leg}",
                sentence=(
                    f"{len(rows):,} of {count(n_missed, 'missed target')} "
                    f"({percents(share.estimate, share.low, share.high)}) would have been "
                    f"met without the time {WORDS[leg]}."
                ),
                money=Interval(*money),
                meaning="of misses that would have been met without it, all else being equal",
                rows=rows,
            )
        )
    return found


def habits(found: Sequence[Conduct], clocks: pl.DataFrame) -> list[Finding]:
    """Ways in which a rate looks better than the service, and what that hides.

    Parameters
    ----------
    found : sequence of Conduct
        With rows of `clocks`.
    clocks : DataFrame
        Clocks of any state, with `state` and `price`.
    """
    state, price = clocks["state"], clocks["price"].to_numpy()
    is_met = (state == "met").to_numpy()
    told = []
    for each in found:
        if each.n == 0:
            continue
        is_hidden = each.name == "old_overdue"
        # What is a miss already costs nothing more by being counted as one.
        priced = each.rows if is_hidden else each.rows[is_met[each.rows]]
        share = wilson_interval(len(priced), each.of)
        mean = float(price[priced].mean()) if len(priced) else 0.0
        money = (mean * each.of * at for at in (share.estimate, share.low, share.high))
        told.append(
            Finding(
                id=f"conduct:{each.name}",
                sentence=each.sentence,
                money=Interval(*money),
                meaning=(
                    "of misses that no rate of ended tickets holds"
                    if is_hidden
                    else "if each of them that was met counted as a miss"
                ),
                rows=each.rows,
            )
        )
    return told


def ranked(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings by money, the dearest first; those of equal money by their ids."""
    return tuple(sorted(found, key=lambda each: (-each.money.estimate, each.id)))
