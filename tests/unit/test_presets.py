"""Presets: each loads, says what its product does, and becomes a workspace."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from sla_sniper.config.service_levels import read_sla
from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.core.schema import METRICS
from sla_sniper.data import template_files
from sla_sniper.usecases.init import CONFIGURATION, WorkspaceExistsError, init_workspace, presets
from sla_sniper.usecases.policy_test import run_examples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "presets.md"
NAMES = (
    "chatwoot",
    "frappe",
    "freshdesk",
    "glpi",
    "jira",
    "rt",
    "servicenow",
    "zammad",
    "zammad_legacy",
    "zendesk",
)
PENDING = ("waiting_requester", "waiting_vendor", "on_hold")


@pytest.fixture(scope="module")
def rules():
    """Targets of a preset by metric."""
    folder = files("sla_sniper.data") / "presets"

    def rules_of(name: str):
        policies = read_sla(Path(str(folder / f"{name}.toml"))).levels.policies
        return {target.metric: target for policy in policies for target in policy.targets}

    return rules_of


def text_of(name: str) -> str:
    return (files("sla_sniper.data") / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def test_every_product_has_a_preset():
    assert presets() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_becomes_a_workspace(tmp_path, name):
    made = init_workspace(tmp_path, preset=name)

    assert made.written == CONFIGURATION
    assert (tmp_path / "sla.toml").read_text(encoding="utf-8") == text_of(name)
    assert open_workspace(tmp_path).sla.notes == ()


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_preset_hold(tmp_path, name):
    init_workspace(tmp_path, preset=name)

    found = run_examples(tmp_path)

    found.require(is_strict=True)
    assert [found.lines(outcome) for outcome in found.outcomes] == [()]


@pytest.mark.parametrize(
    ("written", "name"), [("zammad-legacy", "zammad_legacy"), ("request-tracker", "rt")]
)
def test_a_preset_may_be_written_in_another_way(tmp_path, written, name):
    init_workspace(tmp_path, preset=written)

    assert (tmp_path / "sla.toml").read_text(encoding="utf-8") == text_of(name)


def test_without_a_preset_the_template_is_written(tmp_path):
    init_workspace(tmp_path)

    written = [(tmp_path / name).read_text(encoding="utf-8") for name in CONFIGURATION]
    assert written == [path.read_text(encoding="utf-8") for path in template_files()]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "zendsk",
            r"no preset is called 'zendsk' \(did you mean 'zendesk'\?\); known are chatwoot",
        ),
        ("../templates/sla", r"no preset is called '../templates/sla'.*known are chatwoot, frappe"),
        ("remedy", r"known are chatwoot, .*, zendesk\.$"),
    ],
)
def test_an_unknown_preset_is_one_line(tmp_path, name, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        init_workspace(tmp_path / "new", preset=name)

    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_workspace_is_never_written_over(tmp_path):
    init_workspace(tmp_path)

    with pytest.raises(WorkspaceExistsError):
        init_workspace(tmp_path, preset="zendesk")

    assert (tmp_path / "sla.toml").read_text(encoding="utf-8") != text_of("zendesk")


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("chatwoot", {"first_reply_time", "next_reply_time", "resolution_time"}),
        ("frappe", {"first_reply_time", "resolution_time"}),
        ("freshdesk", {"first_reply_time", "next_reply_time", "resolution_time"}),
        ("glpi", {"ownership_time", "resolution_time"}),
        ("jira", {"first_reply_time", "resolution_time"}),
        ("rt", {"next_reply_time", "periodic_update_time", "resolution_time"}),
        ("servicenow", {"resolution_time"}),
        ("zammad", {"first_reply_time", "next_reply_time", "resolution_time"}),
        ("zammad_legacy", {"first_reply_time", "periodic_update_time", "resolution_time"}),
        ("zendesk", set(METRICS) - {"ownership_time"}),
    ],
)
def test_a_preset_times_what_its_product_times(rules, name, metrics):
    assert set(rules(name)) == metrics


@pytest.mark.parametrize(
    ("name", "metric", "key", "expected"),
    [
        ("zendesk", "first_reply_time", "pause_in", ()),
        ("zendesk", "first_reply_time", "on_close", "satisfy"),
        ("zendesk", "next_reply_time", "include_first", False),
        ("zendesk", "periodic_update_time", "starts_at_creation", False),
        ("zendesk", "requester_wait_time", "pause_in", ("waiting_requester",)),
        ("zendesk", "agent_work_time", "pause_in", PENDING),
        ("zendesk", "resolution_time", "pause_in", ()),
        ("zammad", "first_reply_time", "pause_in", PENDING),
        ("zammad", "first_reply_time", "on_close", "pause"),
        ("zammad", "next_reply_time", "include_first", True),
        ("zammad", "resolution_time", "on_reopen", "exclude"),
        ("zammad_legacy", "first_reply_time", "on_close", "ignore"),
        ("zammad_legacy", "periodic_update_time", "reset_by", ("agent", "requester")),
        ("zammad_legacy", "periodic_update_time", "starts_at_creation", True),
        ("glpi", "ownership_time", "pause_in", ()),
        ("glpi", "ownership_time", "on_close", "ignore"),
        ("glpi", "resolution_time", "pause_unit", "working"),
        ("rt", "next_reply_time", "include_first", True),
        ("rt", "periodic_update_time", "pause_mode", "hide"),
        ("rt", "periodic_update_time", "until", "requester"),
        ("rt", "periodic_update_time", "starts_at_creation", False),
        ("frappe", "first_reply_time", "reply_statuses", PENDING),
        ("frappe", "first_reply_time", "pause_in", ()),
        ("frappe", "resolution_time", "pause_in", PENDING),
        ("chatwoot", "next_reply_time", "include_first", False),
        ("chatwoot", "resolution_time", "pause_in", ()),
        ("jira", "resolution_time", "on_reopen", "restart"),
        ("servicenow", "resolution_time", "on_priority_change", "restart"),
        ("servicenow", "resolution_time", "on_reopen", "restart"),
        ("freshdesk", "resolution_time", "on_priority_change", "recompute"),
    ],
)
def test_a_preset_rules_as_its_product(rules, name, metric, key, expected):
    assert getattr(rules(name)[metric], key) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_deadline_at_closing_time_is_ruled(name):
    """zendesk/biz and current Zammad move it to the next opening; the others do not."""
    calendars = tomllib.loads(text_of(name))["calendars"].values()

    boundaries = {calendar.get("boundary", "close") for calendar in calendars}
    assert boundaries == {"next_open" if name in {"zendesk", "zammad"} else "close"}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_on_the_reference_page(name):
    assert re.search(rf"^\| `{name}` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["jira", "servicenow", "freshdesk"])
def test_a_ruling_from_documentation_cites_its_page(name):
    assert text_of(name).count("https://") >= 2
