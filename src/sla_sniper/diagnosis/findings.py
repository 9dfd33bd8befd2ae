"""Findings, ranked by money: one sentence, the figure, its interval and how to check it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from sla_sniper.core.words import count
from sla_sniper.diagnosis.cells import FEW
from sla_sniper.diagnosis.coding import NO_LEVEL, REST
from sla_sniper.diagnosis.legs import WAITS, WORDS, met_without
from sla_sniper.stats import Interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.case_mix import Compared
    from sla_sniper.diagnosis.cells import Stakes
    from sla_sniper.diagnosis.coding import Coded
    from sla_sniper.diagnosis.conduct import Conduct

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_PLACES: Final = 5
_LEVEL: Final = 0.05
PERSON: Final = "assignee"
"""Who is compared with the mix of their tickets, and is no place."""
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


def places(
    coded: Mapping[str, Coded],
    stakes: Stakes,
    table: pl.DataFrame,
    mechanical: Collection[str],
    amount: Callable[[float], str],
) -> list[Finding]:
    """Cells that cost more than the dimensions which set the target explain.

    Parameters
    ----------
    coded : mapping of str to Coded
        All dimensions over n_rows decided clocks.
    table : DataFrame
        As of `cells.cells`.
    amount : callable
        Writes an amount: ``$1,234``, or ``12 misses`` where nothing is priced.

    Returns
    -------
    list of Finding
        `MOST_PLACES` at most: cells of `FEW` clocks or more whose excess is above zero beyond
        chance, the dearest first, none of which mostly repeats another.
    """
    names = ("dimension", "level", "dimension_2", "level_2")
    dear = (
        _beside_its_parts(table)
        .filter(pl.col("n") >= FEW, pl.col("excess") > 0, pl.col("p") < _LEVEL)
        .sort(["excess", *names], descending=[True, *(False,) * len(names)])
    )
    found: list[Finding] = []
    seen = np.zeros(len(stakes.missed), dtype=bool)
    for d, level, d2, level2, *gain in dear.select(
        *names, "excess", "excess_low", "excess_high"
    ).iter_rows():
        parts = [(d, level), *([(d2, level2)] if d2 else [])]
        if len(found) == MOST_PLACES:
            break
        if not _is_place(parts, mechanical):
            continue
        rows = _rows_of(parts, coded)
        of_them = rows[stakes.missed[rows] > 0]
        if seen[of_them].mean() > _OVERLAP:
            continue
        seen[of_them] = True
        cost = amount(float(stakes.price[of_them].sum()))
        rate = wilson_interval(len(of_them), len(rows))
        found.append(_place(parts, (of_them, len(rows)), rate, cost, Interval(*gain)))
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


def _rows_of(parts: Sequence[tuple[str, str]], coded: Mapping[str, Coded]) -> Ints:
    chosen = [coded[name].code == coded[name].levels.index(at) for name, at in parts]
    return np.flatnonzero(np.logical_and.reduce(chosen)).astype(np.int64)


def _is_place(parts: Sequence[tuple[str, str]], mechanical: Collection[str]) -> bool:
    """Whether a cell is a place: no person, not only what sets the target, not many in one."""
    dimensions = {name for name, _ in parts}
    if PERSON in dimensions:
        return False
    return not dimensions <= set(mechanical) and not {REST, NO_LEVEL} & {at for _, at in parts}


def _place(
    parts: Sequence[tuple[str, str]],
    rows: tuple[Ints, int],
    rate: Interval,
    cost: str,
    money: Interval,
) -> Finding:
    missed, n = rows
    where = " and ".join(f"{name} {level!r}" for name, level in parts)
    return Finding(
        id="where:" + ",".join(f"{name}={level}" for name, level in parts),
        sentence=(
            f"{where[:1].upper()}{where[1:]}: {len(missed):,} of {count(n, 'target')} missed, "
            f"{rate.estimate:.0%} [{rate.low:.0%}, {rate.high:.0%}]; they cost {cost}."
        ),
        money=money,
        meaning="beyond what the dimensions that set the target explain",
        rows=missed,
    )


def teams(
    compared: Mapping[str, Sequence[Compared]], coded: Mapping[str, Coded], missed: Floats
) -> list[Finding]:
    """Teams and agents that miss more than others would have with their tickets."""
    found = []
    for dimension, levels in compared.items():
        for each in [each for each in levels if each.is_worse][:MOST_PLACES]:
            who = coded[dimension]
            at = who.levels.index(each.level)
            rate = each.adjusted
            found.append(
                Finding(
                    id=f"team:{dimension}={each.level}",
                    sentence=(
                        f"{dimension.capitalize()} {each.level!r} missed {each.n_missed:,} of "
                        f"{count(each.n, 'target')} where {each.expected:,.0f} were to be expected "
                        f"of its tickets; with everybody's tickets it would miss "
                        f"{rate.estimate:.0%} [{rate.low:.0%}, {rate.high:.0%}]."
                    ),
                    money=each.excess_cost,
                    meaning="beyond what others would have missed with the same tickets",
                    rows=np.flatnonzero((who.code == at) & (missed > 0)),
                )
            )
    return found


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
                    f"({share.estimate:.0%} [{share.low:.0%}, {share.high:.0%}]) would have been "
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
