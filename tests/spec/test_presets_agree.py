"""Presets against the vectors of the products they are named after: the same rules in both."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from sla_sniper.config.service_levels import read_sla
from sla_sniper.usecases.conformance_ticket import METRICS

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
PEERS = {
    "zammad": "zammad.json",
    "zammad_legacy": "zammad_legacy.json",
    "rt": "rt_sla.json",
    "glpi": "glpi_sla.json",
    "frappe": "frappe_helpdesk.json",
    "chatwoot": "chatwoot_sla.json",
}
RULES = {
    "start": "start",
    "pause_awaiting_requester": "pause_awaiting_requester",
    "pause_mode": "pause_mode",
    "pause_unit": "pause_unit",
    "on_close": "on_close",
    "reopen": "on_reopen",
    "include_first": "include_first",
    "reset_by": "reset_by",
    "until": "until",
    "start_at_creation": "starts_at_creation",
}
"""What a clock of a vector may say beside its time, calendar and statuses, and our key for it."""
INTERNAL = ("glpi:ola-tomorrow",)
"""Scenarios about agreements within the desk, which the preset leaves to a second policy."""
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no conformance vectors in {FOLDER}")


def preset(name: str):
    return read_sla(Path(str(files("sla_sniper.data") / "presets" / f"{name}.toml"))).levels


def vectors(peer: str) -> list:
    told = json.loads((FOLDER / PEERS[peer]).read_text(encoding="utf-8"))["vectors"]
    return [
        vector["input"]["policy"]
        for vector in told
        if (vector["op"], vector["level"]) == ("ticket", "core") and vector["group"] not in INTERNAL
    ]


@pytest.mark.parametrize("peer", PEERS)
def test_a_preset_has_the_rules_of_its_vectors(peer):
    own = {target.metric: target for policy in preset(peer).policies for target in policy.targets}

    different = {
        (clock["kind"], key, str(value))
        for policy in vectors(peer)
        for clock in policy["clocks"].values()
        for key, value in clock.items()
        if key in RULES and METRICS[clock["kind"]] in own
        if _plain(getattr(own[METRICS[clock["kind"]]], RULES[key])) != value
    }

    assert different == set()


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("peer", PEERS)
def test_a_preset_has_the_boundary_of_its_vectors(peer):
    own = {calendar.boundary for calendar in preset(peer).calendars.values()}

    assert own == {policy.get("boundary", "close") for policy in vectors(peer)}


@pytest.mark.parametrize("peer", PEERS)
def test_a_preset_times_what_its_vectors_time(peer):
    own = {target.metric for policy in preset(peer).policies for target in policy.targets}

    timed = {METRICS[c["kind"]] for policy in vectors(peer) for c in policy["clocks"].values()}

    assert timed <= own
