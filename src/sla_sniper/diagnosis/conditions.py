"""Confounding: what a dimension still has to do with missing once the others are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from sla_sniper.diagnosis.coding import combine
from sla_sniper.diagnosis.regression import regress, without
from sla_sniper.diagnosis.strata import within
from sla_sniper.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from sla_sniper.diagnosis.coding import Coded
    from sla_sniper.diagnosis.strata import ChiSquare

    Floats = NDArray[np.float64]

Verdict: TypeAlias = Literal["matters", "negligible", "unknown"]
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
    p_adjusted, p_adjusted_all : float
        p of `given_mechanical` and `given_all` among those of all dimensions.
    """

    dimension: str
    given: Mapping[str, ChiSquare]
    given_mechanical: ChiSquare
    given_all: ChiSquare
    mechanical: tuple[str, ...]
    p_adjusted: float
    p_adjusted_all: float

    @property
    def verdict(self) -> Verdict:
        """Whether it still goes with missing once what sets the target is known."""
        return _verdict(self.given_mechanical, self.p_adjusted)

    @property
    def verdict_beside_all(self) -> Verdict:
        """The same once every other dimension is known."""
        return _verdict(self.given_all, self.p_adjusted_all)

    @property
    def matters(self) -> bool:
        """Whether it still goes with missing beyond chance, and enough to be of use."""
        return self.verdict == "matters"

    @property
    def matters_beside_all(self) -> bool:
        """The same once every other dimension is known."""
        return self.verdict_beside_all == "matters"

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        name, setting = self.dimension.capitalize(), " and ".join(self.mechanical)
        once = f" once {setting} is known" if setting else ""
        found, among = self.given_mechanical, setting or "all tickets"
        if found.df == 0:
            return (
                f"{name} cannot be told apart from {setting or 'the rest'}: no two values of it "
                f"share tickets that ended differently."
            )
        strength = f"V within {among} {_strength(found, self.p_adjusted)}"
        if self.verdict == "negligible":
            return f"{name} does not matter{once} ({strength})."
        if self.verdict == "unknown" and self.p_adjusted < LEVEL:
            return (
                f"{name} goes with missing{once}, but whether enough to be of use the data cannot "
                f"tell ({strength})."
            )
        if self.verdict == "unknown":
            return f"Whether {name.lower()} matters{once} the data cannot tell ({strength})."
        return self._beside(f"{name} matters", once, strength)

    def _beside(self, matters: str, once: str, strength: str) -> str:
        """The verdict on what matters, beside all the other dimensions."""
        told = _strength(self.given_all, self.p_adjusted_all)
        rest = f"beside all the others together V {told}"
        if self.verdict_beside_all == "negligible":
            return (
                f"{matters}{once} ({strength}), but what it tells the other dimensions tell as "
                f"well ({rest})."
            )
        if self.verdict_beside_all == "unknown":
            return (
                f"{matters}{once} ({strength}); whether the other dimensions tell as much the data "
                f"cannot tell ({rest})."
            )
        known = f"{' and '.join([*self.mechanical, 'the rest'])} {'are' if once else 'is'}"
        return f"{matters}, also once {known} known ({strength}; {rest})."

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "dimension": self.dimension,
            "verdict": self.verdict,
            "verdict_beside_all": self.verdict_beside_all,
            "matters": self.matters,
            "matters_beside_all": self.matters_beside_all,
            "given": {name: _as_dict(test) for name, test in self.given.items()},
            "given_mechanical": _as_dict(self.given_mechanical) | {"p_adjusted": self.p_adjusted},
            "given_all": _as_dict(self.given_all) | {"p_adjusted": self.p_adjusted_all},
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
    places = [place for place, each in enumerate(tells) if each.dimension not in mechanical]
    tests = [
        (within(tells[place], missed, stratum, n_strata), without(tells, missed, full, place))
        for place in places
    ]
    p = [test.p if test.df else np.nan for pair in tests for test in pair]
    adjusted = np.nan_to_num(benjamini_hochberg(np.array(p)), nan=1.0).reshape(-1, 2).tolist()
    return tuple(
        Conditional(
            dimension=tells[place].dimension,
            given={
                other.dimension: within(tells[place], missed, other.code, len(other))
                for other in tells
                if other is not tells[place]
            },
            given_mechanical=alone,
            given_all=beside,
            mechanical=names,
            p_adjusted=p_alone,
            p_adjusted_all=p_beside,
        )
        for place, (alone, beside), (p_alone, p_beside) in zip(places, tests, adjusted, strict=True)
    )


def _verdict(test: ChiSquare, p: float) -> Verdict:
    if p < LEVEL and test.v >= NEGLIGIBLE:
        return "matters"
    return "negligible" if test.v_high < NEGLIGIBLE else "unknown"


def _strength(test: ChiSquare, p: float) -> str:
    return f"{test.v:.2f}, at most {test.v_high:.2f}, p {_p(p)}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - as papers print it


def _as_dict(test: ChiSquare) -> dict[str, Any]:
    return {"statistic": test.statistic, "df": test.df, "p": test.p, "n": test.n,
            "v": test.v, "v_high": test.v_high}  # fmt: skip
