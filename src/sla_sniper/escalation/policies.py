"""Who comes first: the policies that the replay compares.

A policy orders the candidates of a landmark; some also gate, which means that they leave a
slot empty rather than spend it at an expected loss. Ties go to least working slack, then
ticket id as text, then source, for every policy. `priority` therefore chooses as
`priority_edf` does; both names exist because both are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sla_sniper.escalation.candidates import Candidates
from sla_sniper.escalation.costs import CostTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.escalation.candidates import Floats, Ints

Keys = tuple[NDArray[Any], ...]
"""Scores of shape (n_candidates,), most important first; the higher comes first."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to choose.

    Attributes
    ----------
    name : str
        As in files and commands.
    kind : {"chance", "rule", "model", "bound"}
        Whether it is chance, needs no forecast, needs one, or is no policy that a desk could run.
    words : str
        What it does, for a reader.
    keys : callable
        Gives the scores of the candidates.
    gates : bool
        Whether only a first score above zero may take a slot.
    has_limit : bool
        Whether the capacity holds for it.
    saves : bool
        Whether its first score is an expected saving in currency, so that sums of it mean
        something: only then may a solver or a price choose by it.
    """

    name: str
    kind: Literal["chance", "rule", "model", "bound"]
    words: str
    keys: Callable[[Candidates, CostTable], Keys]
    gates: bool = False
    has_limit: bool = True
    saves: bool = False


def expected_saving(candidates: Candidates, costs: CostTable) -> Floats:
    """Return what escalating each candidate now would save, by the model, in currency.

    The sum over the ticket's clocks of cost x probability x effectiveness at its slack, minus
    the cost of one escalation. Shape (n_candidates,); may be negative; NaN without a forecast.
    """
    return costs.effectiveness.value * candidates.stake_model - costs.intervention


def _logistic_saving(candidates: Candidates, costs: CostTable) -> Keys:
    return (costs.effectiveness.value * candidates.stake_logistic - costs.intervention,)


def _by_chance(candidates: Candidates, _: CostTable) -> Keys:
    return (chance(candidates, seed=0),)


def _by_cost(candidates: Candidates, _: CostTable) -> Keys:
    return candidates.cost, -candidates.target_us


def _by_alarm(candidates: Candidates, _: CostTable) -> Keys:
    """First come, first served among those that ring now: by the landmark of the first alarm."""
    rings = candidates.p_breach >= ALARM
    n_landmarks = len(candidates.landmarks)
    first = np.full(candidates.n_tickets, n_landmarks, dtype=np.int64)
    np.minimum.at(first, candidates.ticket[rings], candidates.landmark[rings])
    waited = np.where(rings, n_landmarks - first[candidates.ticket], 0).astype(np.float64)
    waited[np.isnan(candidates.p_breach)] = np.nan
    return waited, candidates.age_us


def _nobody(candidates: Candidates, _: CostTable) -> Keys:
    return (np.zeros(candidates.landmark.size),)


def chance(candidates: Candidates, *, seed: int) -> Floats:
    """Draw a score for each candidate, the same for the same pool and seed."""
    return np.random.default_rng(seed).random(candidates.landmark.size)


ALARM: Final = 0.5
"""Probability of breach from which the policy `alarm` rings."""

_ALL: Final = (
    Policy("random", "chance", "by chance", _by_chance),
    Policy("oldest", "rule", "longest open first", lambda pool, _: (pool.age_us,)),
    Policy("priority", "rule", "highest breach cost first, then shortest target", _by_cost),
    Policy("edf", "rule", "least working time left first", lambda pool, _: (-pool.slack_us,)),
    Policy(
        "priority_edf",
        "rule",
        "highest priority first, then least working time left",
        lambda pool, _: (*_by_cost(pool, _), -pool.slack_us),
    ),
    Policy(
        "edf_value",
        "rule",
        "breach cost x chance of a breach given the working time left",
        lambda pool, _: (pool.stake_edf,),
    ),
    Policy(
        "logistic",
        "model",
        "expected saving by logistic regression, only where positive",
        _logistic_saving,
        gates=True,
        saves=True,
    ),
    Policy(
        "risk", "model", "highest probability of breach first", lambda pool, _: (pool.p_breach,)
    ),
    Policy(
        "sniper",
        "model",
        "expected saving by the model, only where positive",
        lambda pool, costs: (expected_saving(pool, costs),),
        gates=True,
        saves=True,
    ),
    Policy(
        "alarm",
        "model",
        f"probability of breach of {ALARM:g} or more, first come, first served",
        _by_alarm,
        gates=True,
    ),
    Policy("nobody", "bound", "escalate nobody", _nobody, gates=True),
    Policy("nuke", "bound", "escalate everything", lambda *_: (), has_limit=False),
    Policy(
        "oracle",
        "bound",
        "knows the future",
        lambda pool, costs: (costs.effectiveness.value * pool.exposure - costs.intervention,),
        gates=True,
        saves=True,
    ),
)
POLICIES: Final[Mapping[str, Policy]] = MappingProxyType({policy.name: policy for policy in _ALL})
"""Every policy by name, in the order of reports."""

RULES: Final = ("priority_edf", "priority", "edf", "oldest", "edf_value")
"""The simple rules that a claim has to beat; the earlier one is named where two are equal."""

MODELS: Final = ("sniper", "risk", "logistic")


@dataclass(frozen=True, slots=True, eq=False)
class Ordering:
    """The candidates that a policy would take, landmark by landmark, best first.

    Attributes
    ----------
    rows : ndarray of int of shape (n_ordered,)
        Candidates; those behind the gate are left out.
    starts : ndarray of int of shape (n_landmarks + 1,)
        Where each landmark begins in `rows`.
    """

    rows: Ints
    starts: Ints


def policy_named(name: str) -> Policy:
    """Return a policy by its name.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> policy_named("edf").words
    'least working time left first'
    """
    if name not in POLICIES:
        raise ValueError(f"There is no policy {name!r}; there are {', '.join(POLICIES)}.")
    return POLICIES[name]


def ordering(policy: Policy, candidates: Candidates, costs: CostTable) -> Ordering:
    """Order the candidates of every landmark by a policy.

    Raises
    ------
    ValueError
        If the pool lacks the probabilities that the policy ranks by.
    """
    return by_keys(candidates, scores(policy, candidates, costs), gates=policy.gates)


def scores(policy: Policy, candidates: Candidates, costs: CostTable) -> Keys:
    """Score the candidates by a policy.

    Raises
    ------
    ValueError
        If the pool lacks the probabilities that the policy ranks by.
    """
    keys = policy.keys(candidates, costs)
    if any(np.isnan(key).any() for key in keys):
        raise ValueError(
            f"The policy {policy.name} needs a probability of breach that the pool does not have."
        )
    return keys


def by_keys(candidates: Candidates, keys: Keys, *, gates: bool = False) -> Ordering:
    """Order the candidates of every landmark by scores; see `Keys`."""
    descending = [-key for key in reversed(keys)]
    rows = np.lexsort((*descending, candidates.landmark))
    if gates:
        rows = rows[keys[0][rows] > 0]
    edges = np.arange(len(candidates.landmarks) + 1)
    return Ordering(rows, np.searchsorted(candidates.landmark[rows], edges))
