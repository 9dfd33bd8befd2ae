"""The verdict in force: what the honesty gate lets every surface claim and rank by.

A backtest or a training opens the gate; where a training was tested on later days than the backtest
replayed, both have to.
A `monitor` that finds no advantage closes it until a newer backtest of later days, or a later
training of another model, claims one; read as of the same instant, `monitor` counts, for it judges
the very model on later days. No later `monitor` opens the gate again: looked at every week, chance
alone would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from sla_sniper.core.errors import WorkspaceError
from sla_sniper.core.instants import zone
from sla_sniper.core.words import count
from sla_sniper.escalation.gate import take_back, withhold
from sla_sniper.model.bundle import fingerprint, read_manifest
from sla_sniper.panels.words import day
from sla_sniper.usecases.kept import closings_of, latest_backtest, latest_monitor, verdicts_of
from sla_sniper.usecases.kill_list import Terms, list_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sla_sniper.config.workspace import Workspace
    from sla_sniper.escalation.gate import Verdict
    from sla_sniper.usecases.kept import Closing


@dataclass(frozen=True, slots=True)
class InForce:
    """What may be claimed at one capacity.

    Attributes
    ----------
    policy : str
        What ranks: ``sniper`` where its advantage is claimed, else the best simple rule.
    sentence : str
        The only claim that may be printed.
    why : str
        Why a measured advantage is not claimed; empty where it is, or where none was measured.
    """

    policy: str
    sentence: str
    why: str = ""

    @property
    def is_claimed(self) -> bool:
        """Whether an advantage of the forecast is claimed."""
        return self.policy == "sniper"


@dataclass(frozen=True, slots=True)
class Denial:
    """What a training that finds no advantage takes back.

    Attributes
    ----------
    reason : str
        Said where a claim is taken back.
    capacity : int
        Slots a day at which it was tested.
    is_own : bool
        Whether that is the desk's own capacity, which is asked first: then every claim falls.
    """

    reason: str
    capacity: int
    is_own: bool

    def at(self, capacity: int) -> str:
        """Return the reason why nothing is claimed at a capacity; empty where none is given."""
        return self.reason if self.is_own or capacity == self.capacity else ""


def in_force(
    workspace: Workspace,
    capacity: int,
    *,
    as_of: datetime,
    manifest: Mapping[str, Any] | None,
    backtest: Mapping[str, Any] | None = None,
) -> InForce:
    """Return the verdict in force at one capacity.

    A verdict counts if it was known by `as_of` and measured with this estimator, these costs and
    promises, at this capacity, and if one is shown at the desk's own capacity as well. Without
    one the best simple rule ranks.

    Parameters
    ----------
    capacity : int
        Slots a day.
    manifest : mapping or None
        Of the model in use; None where there is none yet, and then the backtest alone counts.
    backtest : mapping, optional
        JSON object of a backtest; the latest that the workspace keeps where not given.

    Raises
    ------
    LookupError
        If there is neither a verdict nor a model.
    """
    if backtest is None:
        backtest = latest_backtest(workspace.outputs)
    if backtest is not None and not _counts(backtest, workspace, as_of, manifest):
        backtest = None
    closed = None
    if manifest is not None:
        closed = closed_by_monitor(workspace, manifest=manifest, since=backtest, as_of=as_of)
    if closed is not None and closed.advantage.capacity == capacity:
        return InForce(closed.policy, closed.sentence, closed.withheld)
    denial = denied_by_training(workspace, backtest, manifest)
    reason = closed.withheld if closed else denial.at(capacity) if denial else ""
    found = _held(workspace, _by_capacity(backtest), reason).get(capacity)
    if found is not None:
        return InForce(found.policy, found.sentence, found.withheld)
    if manifest is None:
        raise LookupError(f"Nothing was measured at {capacity} a day, and there is no model yet.")
    trained, sla = manifest["evaluation"]["verdict"], workspace.sla
    is_own = capacity == sla.capacity_per_day
    if closed is None and is_own and _training_claims(workspace, manifest) is not None:
        return InForce(trained["policy"], trained["sentence"])
    rule = trained["rule"]
    return InForce(
        rule,
        f"no advantage over {rule} was measured at {capacity} a day with these settings: "
        f"sniper backtest --capacity {capacity} measures it",
    )


def closed_by_monitor(
    workspace: Workspace,
    *,
    manifest: Mapping[str, Any] | None,
    since: Mapping[str, Any] | None,
    as_of: datetime | None = None,
) -> Verdict | None:
    """Return the verdict by which a `monitor` has closed the gate; None where none has.

    Parameters
    ----------
    manifest : mapping or None
        Of the model in use: where it is another than the one that was watched and was trained
        since, its own training may claim what that one lost. None for any.
    since : mapping or None
        A backtest: a closing is outdated by one that was read later and replayed later days.
    as_of : datetime, optional
        What was read after it is not known yet.
    """
    standing = [
        each
        for each in closings_of(latest_monitor(workspace.outputs))
        if each.stakes == workspace.sla.stakes
        and (as_of is None or each.as_of <= as_of)
        and not _is_outdated(each, since)
        and not _is_replaced(workspace, manifest, each)
    ]
    if not standing:
        return None
    verdict, read_at = standing[-1].verdict, standing[-1].as_of
    advantage = verdict.advantage
    read_on = day(_local(workspace, read_at))
    return replace(
        verdict,
        withheld=f"the monitor of {read_on} found no measurable advantage in "
        f"{count(verdict.n_days, 'day')} at {advantage.capacity} a day",
    )


def closed_since(
    workspace: Workspace, backtest: Mapping[str, Any], manifest: Mapping[str, Any] | None
) -> Verdict | None:
    """Return `closed_by_monitor` for the model in use, since a backtest."""
    return closed_by_monitor(workspace, manifest=manifest, since=backtest or None)


def denied_by_training(
    workspace: Workspace,
    backtest: Mapping[str, Any] | None,
    manifest: Mapping[str, Any] | None,
) -> Denial | None:
    """Return how the training of the model in use takes back what a backtest claims, or None.

    It does if it was tested on later whole days than the backtest replayed, whichever ran first:
    up to the same day the backtest stands, for it replays more of them.
    """
    if backtest is None or manifest is None:
        return None
    told = manifest["evaluation"]["verdict"]
    trained_at = _local(workspace, datetime.fromisoformat(manifest["training"]["cut"]))
    is_later = told.get("last_day", trained_at.isoformat()) > backtest.get("last_day", "")
    if not is_later or told["stakes"] != workspace.sla.stakes or told["policy"] == "sniper":
        return None
    is_own = told["capacity"] == workspace.sla.capacity_per_day
    there = "" if is_own else f" at {told['capacity']} a day"
    reason = f"the training of {day(trained_at)} found none{there}"
    return Denial(reason, told["capacity"], is_own)


def listing_model(workspace: Workspace) -> dict[str, Any] | None:
    """Manifest of the model that made the kill list; None where there is no such list or model."""
    path = list_path(workspace)
    try:
        terms = Terms.read(path)
        version = terms.model_version if terms else ""
        if not version:
            version = str(pl.read_parquet(path, columns=["model_version"]).item(0, 0))
        return read_manifest(workspace.models / version)
    except (pl.exceptions.PolarsError, OSError, IndexError, WorkspaceError):
        return None


def is_of_another_model(backtest: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> bool:
    """Whether a backtest replayed another estimator than the one in use."""
    return manifest is not None and backtest.get("model") != manifest["estimator"]


def withdrawn(verdict: Verdict, closed: Verdict, currency: str, *, is_same: bool) -> Verdict:
    """Return the verdict that closed the gate in the place of another, or that without a claim.

    Parameters
    ----------
    verdict, closed : Verdict
        Of a replay; of `closed_by_monitor`.
    currency : str
        Of the sentence.
    is_same : bool
        Whether both were judged under the same costs: then, at the same capacity, the later counts.
    """
    if is_same and verdict.advantage.capacity == closed.advantage.capacity:
        return closed
    return take_back(verdict, closed.withheld, currency)


def holds_for(found: Mapping[str, Any], workspace: Workspace, as_of: datetime | None) -> bool:
    """Whether a measurement was known by then, and under the workspace's costs and promises."""
    is_known = as_of is None or datetime.fromisoformat(found["as_of"]) <= as_of
    return is_known and found.get("stakes") == workspace.sla.stakes


def _counts(
    backtest: Mapping[str, Any],
    workspace: Workspace,
    as_of: datetime,
    manifest: Mapping[str, Any] | None,
) -> bool:
    """Whether a backtest says something of this model under these settings."""
    is_of_model = not is_of_another_model(backtest, manifest)
    return holds_for(backtest, workspace, as_of) and is_of_model


def _is_outdated(closing: Closing, backtest: Mapping[str, Any] | None) -> bool:
    """Whether a backtest was read later and replayed later days than the ripe ones."""
    if backtest is None:
        return False
    is_later = datetime.fromisoformat(backtest["as_of"]) > closing.as_of
    return is_later and backtest.get("last_day", "") > closing.last_day


def _is_replaced(
    workspace: Workspace, manifest: Mapping[str, Any] | None, closing: Closing
) -> bool:
    """Whether another model, trained since, is in use and its training claims.

    The same one evaluated under other settings is no other model, and an earlier one was not
    tested on the days that closed the gate.
    """
    if manifest is None or manifest["version"] == closing.version:
        return False
    if fingerprint(manifest) == closing.model:
        return False
    is_since = datetime.fromisoformat(manifest["training"]["cut"]) >= closing.as_of
    return is_since and bool(_training_claims(workspace, manifest))


def _training_claims(workspace: Workspace, manifest: Mapping[str, Any]) -> bool | None:
    """Whether a model's training claims an advantage; None where it measured something else."""
    told, sla = manifest["evaluation"]["verdict"], workspace.sla
    if told["stakes"] != sla.stakes or told["capacity"] != sla.capacity_per_day:
        return None
    return bool(told["policy"] == "sniper")


def _local(workspace: Workspace, moment: datetime) -> date:
    return moment.astimezone(zone(workspace.landmarks.timezone)).date()


def _by_capacity(backtest: Mapping[str, Any] | None) -> dict[int, Verdict]:
    """Every verdict of a backtest, that of the desk's own capacity among them."""
    if backtest is None:
        return {}
    return {verdict.advantage.capacity: verdict for verdict in verdicts_of(backtest)}


def _held(workspace: Workspace, verdicts: Mapping[int, Verdict], reason: str) -> dict[int, Verdict]:
    """Take claims back for a reason, or because the desk's own capacity does not show them."""
    own, currency = workspace.sla.capacity_per_day, workspace.sla.costs.currency
    if not reason and own not in verdicts:
        reason = f"none was measured at {own} a day, which is asked first"
    elif not reason:
        first = verdicts[own].advantage
        return {slots: withhold(each, first, currency) for slots, each in verdicts.items()}
    return {slots: take_back(each, reason, currency) for slots, each in verdicts.items()}
