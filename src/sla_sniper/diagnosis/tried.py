"""Everything that is tried in the search for dear places and teams: what of it chance explains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from sla_sniper.diagnosis.case_mix import Compared, Fit, Precision, fit, precision, read
from sla_sniper.diagnosis.cells import FEW, cells
from sla_sniper.diagnosis.coding import NO_LEVEL, REST
from sla_sniper.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sla_sniper.diagnosis.cells import Stakes
    from sla_sniper.diagnosis.coding import Coded

WHO: Final = ("group", "assignee")
"""Who is compared with the mix of their tickets."""
PERSON: Final = "assignee"
"""Who is no place."""
LEVEL: Final = 0.05
"""Share of false finds among those told, and of intervals of theirs that miss the truth."""


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """All that was tried: cells, and levels of `WHO`.

    Attributes
    ----------
    coded : mapping of str to Coded
        All dimensions over n_rows decided clocks.
    stakes : Stakes
    cells : DataFrame
        As of `cells.cells`, but for agents with fewer than `FEW` clocks, and with `p_adjusted`,
        null for what is no place: few clocks, agents, what sets the target alone, and levels that
        stand for nobody or for many.
    fits : mapping of str to (Fit, Precision)
    compared : mapping of str to tuple of Compared
        With `p_adjusted`.
    n_tests : int
        Cells and levels that were tried.
    """

    coded: Mapping[str, Coded]
    stakes: Stakes
    cells: pl.DataFrame
    fits: Mapping[str, tuple[Fit, Precision]]
    compared: Mapping[str, tuple[Compared, ...]]
    n_tests: int

    def level(self, n_told: int) -> float:
        """Level of the intervals of `n_told` findings, so that of those told few are wrong [1]_.

        References
        ----------
        .. [1] Y. Benjamini, D. Yekutieli (2005), "False discovery rate-adjusted multiple
           confidence intervals for selected parameters", JASA 100(469), 71-81.
           doi:10.1198/016214504000001907
        """
        return 1 - LEVEL * n_told / max(self.n_tests, n_told, 1)


def try_all(
    coded: Sequence[Coded], mix: Sequence[Coded], stakes: Stakes, mechanical: Collection[str]
) -> Tried:
    """Count every cell, compare every team, and adjust their p values as one family.

    Parameters
    ----------
    coded : sequence of Coded
        All dimensions over n_rows decided clocks.
    mix : sequence of Coded
        What tickets bring along; see `case_mix.compare`.
    stakes : Stakes
        Of the same clocks.
    mechanical : collection of str
        Dimensions that set the target.
    """
    is_person = pl.any_horizontal(
        pl.col("dimension", "dimension_2").eq(PERSON).fill_null(value=False)
    )
    # Nobody is shown by a handful of tickets, not even in a table.
    table = cells(coded, stakes).filter(~is_person | (pl.col("n") >= FEW))
    has_both = bool(len(stakes.missed)) and 0 < stakes.missed.mean() < 1
    fits = {
        each.dimension: (found, precision(found))
        for each in coded
        if each.dimension in WHO and has_both
        for found in [fit(each, mix, stakes.missed, stakes.price)]
    }
    compared = {name: read(*each) for name, each in fits.items()}
    is_place = table.select(_is_place(mechanical)).to_series().to_numpy()
    p = np.r_[table["p"].to_numpy()[is_place],
              [each.p for levels in compared.values() for each in levels]]  # fmt: skip
    adjusted = benjamini_hochberg(p.astype(np.float64))
    of_cells = np.full(table.height, np.nan)
    of_cells[is_place] = adjusted[: is_place.sum()]
    rest = iter(adjusted[is_place.sum() :].tolist())
    return Tried(
        coded={each.dimension: each for each in coded},
        stakes=stakes,
        cells=table.with_columns(pl.Series("p_adjusted", of_cells).fill_nan(None)),
        fits=fits,
        compared={
            name: tuple(replace(each, p_adjusted=next(rest)) for each in levels)
            for name, levels in compared.items()
        },
        n_tests=len(p),
    )


def _is_place(mechanical: Collection[str]) -> pl.Expr:
    """Cells of enough clocks that are a place: no person, not only what sets the target."""
    named, many = list(mechanical), [REST, NO_LEVEL]
    first, second = pl.col("dimension"), pl.col("dimension_2")
    is_alone = second.is_null()
    is_mechanical = first.is_in(named) & (is_alone | second.is_in(named))
    is_many = pl.col("level").is_in(many) | pl.col("level_2").is_in(many).fill_null(value=False)
    is_person = (first == PERSON) | (second == PERSON).fill_null(value=False)
    return (pl.col("n") >= FEW) & ~is_mechanical & ~is_many & ~is_person
