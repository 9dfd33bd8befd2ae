"""What a report is made of, and the words for policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sla_sniper.escalation.assumptions import Assumptions, assumed, assumed_briefly
from sla_sniper.panels.footnotes import Figure, Footnote, amount, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.diagnosis import Detail, Diagnosis

_TITLES: Final = {
    "oldest": "oldest first",
    "priority": "priority first",
    "edf": "earliest deadline first",
    "priority_edf": "priority, then earliest deadline",
    "edf_value": "breach chance by time left, times cost",
    "random": "random order",
    "logistic": "logistic regression",
    "risk": "highest risk first",
    "sniper": "the forecast (sniper)",
    "alarm": "alarm at 50 %, first come, first served",
    "nobody": "escalate nobody",
    "nuke": "escalate everything",
    "oracle": "oracle that knows the future",
}


@dataclass(frozen=True, slots=True)
class LogFacts:
    """What the report was made from: events and tickets known by its instant, and their hash."""

    n_events: int
    n_tickets: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report is made of.

    Attributes
    ----------
    backtest : mapping
        JSON object of a `sniper backtest`.
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
    log : LogFacts
        What it was made from.
    why : str
        Why a measured advantage is not claimed; empty where there is no other reason than its
        interval.
    per_day : int
        Slots a day that the desk has; what is told is the nearest that was replayed.
    detail : Detail or None
        The diagnosis in detail; None where it is not told.
    """

    backtest: Mapping[str, Any]
    diagnosis: Diagnosis
    metric: str
    capacity: int
    as_of: str
    policy: str
    sentence: str
    log: LogFacts
    per_day: int
    why: str = ""
    detail: Detail | None = None

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
    def rival(self) -> str:
        """The best simple rule, chosen on training days."""
        return str(self.verdict["advantage"]["rule"])

    @property
    def is_claimed(self) -> bool:
        """Whether an advantage of the forecast may be claimed."""
        return self.policy == "sniper"

    @property
    def assumptions(self) -> Assumptions:
        """What the amounts stand on."""
        return Assumptions.read(self.backtest["assumptions"])

    def result(self, policy: str) -> Mapping[str, Any]:
        """One policy at the capacity."""
        return next(each for each in self.results() if each["policy"] == policy)

    def results(self) -> tuple[Mapping[str, Any], ...]:
        """Every policy at the capacity."""
        found = self.backtest["policies"]
        return tuple(each for each in found if each["capacity"] == self.capacity)

    def metric_of(self, score: str, name: str) -> Mapping[str, Any]:
        """One metric of one score."""
        return next(
            each
            for each in self.backtest["metrics"]
            if each["score"] == score and each["metric"] == name
        )

    def replayed(self, name: str, definition: str, unit: str) -> Footnote:
        """Footnote of a number that `sniper backtest` computes."""
        told = self.backtest
        slots = ",".join(str(each) for each in told["capacities"])
        command = (
            f"sniper backtest --from {told['from']} --to {told['to']} --capacity {slots} "
            f"--epoch {told['epoch']} --model {told['model_asked']} --refit {told['refit']} --json"
        )
        return Footnote(name, definition, unit, command)

    def diagnosed(self, name: str, definition: str, unit: str) -> Footnote:
        """Footnote of a number that `sniper diagnose` computes."""
        return Footnote(name, definition, unit, f"sniper diagnose --as-of {self.as_of} --json")

    def configured(self, name: str, definition: str, unit: str) -> Footnote:
        """Footnote of a number that the settings hold."""
        return Footnote(name, definition, unit, "sniper backtest --json")

    def slots(self) -> Figure:
        """Print the capacity."""
        definition = "Escalations a day that are replayed: the capacity nearest to sla.toml's."
        return counted(self.configured("capacity", definition, "tickets"), self.capacity)

    def days(self) -> Figure:
        """Print the number of replayed days."""
        note = self.replayed("days", "Days replayed on which the calendar opens.", "days")
        return counted(note, self.backtest["n_days"])

    def saving(self, policy: str) -> Figure:
        """Print the net saving of a policy with its interval, the same on every page."""
        definition = (
            f"Net saving of {policy} over the replayed days against escalating nobody: breach "
            "costs prevented minus the costs of its escalations; 95 % interval over days."
        )
        note = self.replayed(f"saving.{policy}", definition, self.currency)
        return amount(note, self.result(policy)["net_saving"])

    def gained(self) -> Figure:
        """Print the net saving of the forecast minus that of the simplest rival."""
        told = self.verdict["advantage"]
        note = self.replayed(
            "gained",
            f"Net saving of sniper minus that of {self.rival}, the best simple rule chosen on "
            f"{self.verdict['chosen_on']}; 95 % interval over the same days.",
            self.currency,
        )
        return amount(note, {"estimate": told["difference"], **pick(told, "low", "high")})

    def assumed_fully(self) -> Figure:
        """Print everything that an amount stands on, in one sentence."""
        return Figure(self._assumption(".full"), assumed(self.assumptions))

    def assumed_briefly(self) -> Figure:
        """Print the same for small print."""
        return Figure(self._assumption(".brief"), assumed_briefly(self.assumptions))

    def _assumption(self, form: str) -> Footnote:
        return self.configured(
            f"assumption{form}",
            "What an escalation is assumed to prevent and to cost: [costs] of sla.toml, not "
            "measured.",
            self.currency,
        )


def title_of(policy: str) -> str:
    """Say what a policy does.

    Examples
    --------
    >>> title_of("edf")
    'earliest deadline first'
    """
    return _TITLES.get(policy, policy)


def nearest_capacity(backtest: Mapping[str, Any], wanted: int) -> int:
    """Replayed capacity nearest to the one in force."""
    return int(min(backtest["capacities"], key=lambda each: abs(each - wanted)))


def pick(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some keys of an object."""
    return {name: told[name] for name in names}
