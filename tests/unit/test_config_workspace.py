"""sniper.toml: the moment, the landmarks and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sla_sniper.config.workspace import NotAWorkspaceError, open_workspace
from sla_sniper.core.errors import ConfigurationError
from sla_sniper.snapshots.landmarks import LandmarkRule

SLA = """
[calendars.office]
timezone = "Europe/Berlin"
hours = { mon = ["09:00-17:00"] }
[[policies]]
name = "standard"
  [[policies.targets]]
  metric = "resolution_time"
  calendar = "office"
  target = "8h"
[costs]
breach = { default = 50 }
intervention = 2
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }
"""
NOW = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def opened(tmp_path):
    def opening(text: str | None):
        (tmp_path / "sla.toml").write_text(SLA, encoding="utf-8")
        if text is not None:
            (tmp_path / "sniper.toml").write_text(text, encoding="utf-8")
        return open_workspace(tmp_path)

    return opening


def test_without_sniper_toml_defaults_hold(opened):
    workspace = opened(None)

    assert workspace.as_of == "now"
    assert workspace.landmarks == LandmarkRule("Europe/Berlin")
    assert workspace.exclusions == ()


def test_a_folder_without_sla_toml_is_none(tmp_path):
    with pytest.raises(NotAWorkspaceError, match="sniper init"):
        open_workspace(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"now"', "now"),
        ('"log_end"', "log_end"),
        ("2016-04-01", datetime(2016, 3, 31, 22, tzinfo=UTC)),
        ("2016-04-01T10:00:00", datetime(2016, 4, 1, 8, tzinfo=UTC)),
        ('"2016-04-01T10:00:00Z"', datetime(2016, 4, 1, 10, tzinfo=UTC)),
    ],
)
def test_as_of_has_several_forms(opened, text, expected):
    assert opened(f"as_of = {text}").as_of == expected


@pytest.mark.parametrize(
    ("text", "asked", "log_age", "expected"),
    [
        ("", None, 6, NOW),
        ("", None, 8, NOW - timedelta(days=8)),
        ('as_of = "log_end"', None, 1, NOW - timedelta(days=1)),
        ('as_of = "log_end"', NOW - timedelta(days=3), 1, NOW - timedelta(days=3)),
        ("as_of = 2020-01-01T00:00:00Z", None, 1, datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_moment_follows_its_rule(opened, text, asked, log_age, expected):
    log_end = NOW - timedelta(days=log_age)

    moment, why = opened(text).moment(asked, now=NOW, log_end=log_end)

    assert moment == expected
    assert why


def test_landmarks_are_read(opened):
    text = '[landmarks]\ntimezone = "UTC"\nhours = "07:30-24:00"\nday_at = "06:15"'

    assert opened(text).landmarks == LandmarkRule("UTC", 27_000, 86_400, 22_500)


def test_exclusions_are_local_to_the_desk(opened):
    text = (
        '[[exclusions]]\nfrom = 2016-03-01\nto = 2016-03-31\nreason = "export"\nuse = ["training"]'
    )

    (found,) = opened(text).exclusions

    assert found.start == datetime(2016, 2, 29, 23, tzinfo=UTC)
    assert found.end == datetime(2016, 3, 30, 22, tzinfo=UTC)
    assert (found.reason, found.use) == ("export", ("training",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('as_of = "yesterday"', r"'yesterday' is no instant"),
        ("as_of = 10:00:00", r"is no instant"),
        ("as_off = 2016-01-01", r"unknown key as_off \(did you mean 'as_of'\?\)"),
        ('[landmarks]\nday_at = "25:00"', r"'25:00' is no time of day"),
        ('[landmarks]\nday_at = "8"', r"'8' is no time of day"),
        ('[landmarks]\nhours = "22:00-06:00"', r"cannot run past midnight"),
        ('[landmarks]\nhours = "09:10-09:50"', r"must hold a full hour"),
        ('[landmarks]\ntimezone = "Mars"', r"unknown zone 'Mars'"),
        ('[[exclusions]]\nfrom = 2016-01-02\nto = 2016-01-01\nreason = "x"', r"later than `from`"),
        ('[[exclusions]]\nfrom = "x"\nto = 2016-01-01\nreason = "x"', r"'x' is no instant"),
        ('[[exclusions]]\nfrm = 2016-01-01\nto = 2016-01-02\nreason = "x"', r"did you mean 'from'"),
    ],
)
def test_a_mistake_is_named_where_it_is(opened, text, told):
    with pytest.raises(ConfigurationError, match=told):
        opened(text)


def test_problems_of_an_exclusion_come_in_one_message(opened):
    text = '[[exclusions]]\nfrom = 2016-01-02\nto = 2016-01-01\nuse = ["training", "sleep"]'

    with pytest.raises(ConfigurationError) as caught:
        opened(text)

    told = "; ".join(caught.value.problems)
    assert "exclusions[1].reason is missing" in told
    assert "`to` must be later than `from`" in told
    assert "exclusions[1].use" in told
