"""Confounding: what a dimension still has to do with missing once the others are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.diagnosis.coding import combine
from sla_sniper.diagnosis.regression import regress, without
from sla_sniper.diagnosis.strata import within

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sla_sniper.diagnosis.coding import Coded
    from sla_sniper.diagnosis.strata import ChiSquare

    Floats = NDArray[np.float64]

LEVEL: Final = 0.05
NEGLIGIBLE: Final = 0.05
"""Effect size below which an association is of no use, however certain it is."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """One dimension within strata of the others.

    Attributes
    ----------
    dimension : str
    given : mapping of str to ChiSquare
        Within the levels of each other dimension alone (generalised Mantel-Haenszel).
    given_mechanical : ChiSquare
        Within all combinations of the dimensions that set the target.
    given_all : ChiSquare
        What it adds to all others together in a logistic regression (likelihood ratio).
    mechanical : tuple of str
        Dimensions that set the target.
    """

    dimension: str
    given: Mapping[str, ChiSquare]
    given_mechanical: ChiSquare
    given_all: ChiSquare
    mechanical: tuple[str, ...]

    @property
    def matters(self) -> bool:
        """Whether it still goes with missing beyond chance, and enough to be of use."""
        return _matters(self.given_mechanical)

    @property
    def matters_beside_all(self) -> bool:
        """The same once every other dimension is known."""
        return _matters(self.given_all)

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        name, once = self.dimension.capitalize(), " and ".join(self.mechanical)
        found = self.given_mechanical
        strength = f"V within {once or 'all tickets'} {found.v:.2f}, p {_p(found.p)}"
        if not self.matters:
            return f"{name} does not matter once {once} is known ({strength})."
        beside = self.given_all
        rest = f"beside all the others together V {beside.v:.2f}, p {_p(beside.p)}"
        if not self.matters_beside_all:
            return (
                f"{name} matters once {once} is known ({strength}), but what it tells the other "
                f"dimensions tell as well ({rest})."
            )
        return f"{name} matters, also once {once} and the rest are known ({strength}; {rest})."

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "dimension": self.dimension,
            "matters": self.matters,
            "matters_beside_all": self.matters_beside_all,
            "given": {name: _as_dict(test) for name, test in self.given.items()},
            "given_mechanical": _as_dict(self.given_mechanical),
            "given_all": _as_dict(self.given_all),
            "sentence": self.sentence,
        }


def conditions(
    coded: Sequence[Coded], missed: Floats, mechanical: Collection[str]
) -> tuple[Conditional, ...]:
    """Test each dimension that does not set the target within strata of the others.

    Parameters
    ----------
    coded : sequence of Coded
        All dimensions over the same n_rows decided clocks.
    missed : ndarray of shape (n_rows,)
        1 for a missed target, 0 for a met one.
    mechanical : collection of str
        Those that set the target: they are strata, never a finding.
    """
    tells = [each for each in coded if len(each) > 1]
    if not len(missed) or not 0 < missed.mean() < 1:
        return ()
    setting = [each for each in tells if each.dimension in mechanical]
    stratum, n_strata = combine(setting, n_rows=len(missed))
    full = regress(tells, missed)
    names = tuple(each.dimension for each in setting)
    return tuple(
        Conditional(
            dimension=each.dimension,
            given={
                other.dimension: within(each, missed, other.code, len(other))
                for other in tells
                if other is not each
            },
            given_mechanical=within(each, missed, stratum, n_strata),
            given_all=without(tells, missed, full, place),
            mechanical=names,
        )
        for place, each in enumerate(tells)
        if each.dimension not in mechanical
    )


def _matters(test: ChiSquare) -> bool:
    return test.p < LEVEL and test.v >= NEGLIGIBLE


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - as papers print it


def _as_dict(test: ChiSquare) -> dict[str, Any]:
    return {"statistic": test.statistic, "df": test.df, "p": test.p, "n": test.n, "v": test.v}
