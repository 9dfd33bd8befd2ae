"""The same ticket vectors as a user would have them: sla.toml, a file of events, `sniper clock`."""

from __future__ import annotations

import csv
import json
from datetime import UTC
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from sla_sniper.cli.app import app
from sla_sniper.core.instants import SECOND_US, from_us, parse_instant
from sla_sniper.sla.calendar import WEEKDAYS
from sla_sniper.sla.policy import WorkingDays
from sla_sniper.usecases.conformance_calendar import read_calendar
from sla_sniper.usecases.conformance_ticket import METRICS, ClockOf, Ticket

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
FILES = sorted(path for path in FOLDER.glob("*.json") if path.name != "vector.schema.json")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILES, reason=f"no conformance vectors in {FOLDER}"),
]
COLUMNS = ("status", "priority", "assignee", "actor_role", "activity")
MAP = """
[log]
[columns]
ticket_id = "ticket_id"
occurred_at = "occurred_at"
sequence = "sequence"
{columns}
[attributes]
keep = ["attached", "version", "calendar"]
"""
COSTS = """
[costs]
breach = { default = 100 }
intervention = 2
effectiveness = { value = 0.5, low = 0.3, high = 0.7 }
"""


def vectors() -> list:
    return [
        pytest.param(vector, id=vector["id"])
        for path in FILES
        for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]
        if vector["op"] == "ticket" and vector["level"] == "core"
    ]


def toml(value) -> str:
    """Write a TOML value."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def clock_text(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


def spans(listed) -> list[str]:
    return ["-".join(map(clock_text, span)) for span in listed if span[0] != span[1]]


def calendar_section(name, calendar) -> str:
    settings = {"timezone": calendar.timezone, "boundary": calendar.boundary}
    if calendar.is_always_open:
        settings["hours"] = "24x7"
    else:
        hours = {day: spans(told) for day, told in zip(WEEKDAYS, calendar.hours, strict=True)}
        settings["hours"] = {day: told for day, told in hours.items() if told}
    days = calendar.holidays
    dates = [day.isoformat() for day in days.dates]
    dates += [f"*-{month:02}-{day:02}" for month, day in days.yearly]
    dates += [f"{first.isoformat()}/{last.isoformat()}" for first, last in days.ranges]
    settings["holidays"] = {"dates": dates}
    for key in ("shifts", "breaks"):
        settings[key] = {day.isoformat(): spans(told) for day, told in getattr(calendar, key)}
    settings["closures"] = [[at.isoformat() for at in pair] for pair in calendar.closures]
    return section(f'[calendars."{name}"]', settings)


def section(head: str, settings: dict) -> str:
    return "\n".join([head, *(f"{key} = {toml(value)}" for key, value in settings.items()), ""])


def allowance(allowed):
    if isinstance(allowed, WorkingDays):
        return {"days": allowed.days, "end_of_day": allowed.is_end_of_day}
    return f"{allowed / SECOND_US:f}s" if allowed else "off"


def calendar_choice(rule):
    if isinstance(rule.calendar, str):
        return rule.calendar
    return {**{field: dict(names) for field, names in rule.calendar.by}, "default": "calendar 0"}


def target_section(rule) -> str:
    by_priority = {name: allowance(each) for name, each in rule.by_priority.items()}
    settings = {
        "metric": rule.metric,
        "calendar": calendar_choice(rule),
        "target": {**by_priority, "default": allowance(rule.default)},
        "start": rule.start,
        "pause_in": rule.pause_in,
        "pause_awaiting_requester": rule.pause_awaiting_requester,
        "pause_mode": rule.pause_mode,
        "pause_unit": rule.pause_unit,
        "stop_in": rule.stop_in,
    }
    if rule.metric == "resolution_time":
        settings["on_reopen"] = rule.on_reopen
    else:
        settings["on_close"] = rule.on_close
    if rule.metric == "next_reply_time":
        settings["include_first"] = rule.include_first
    if rule.metric == "periodic_update_time":
        settings |= {"reset_by": rule.reset_by, "starts_at_creation": rule.starts_at_creation}
        settings["until"] = rule.until
    if rule.reply_statuses:
        settings["reply_statuses"] = rule.reply_statuses
    return section("[[policies.targets]]", settings)


def policy_section(policy) -> str:
    wanted = [{"field": c.field, c.operator: c.values[0]} for c in policy.when.all_of]
    head = section("[[policies]]", {"name": policy.name, "when": {"all": wanted}})
    return head + "".join(map(target_section, policy.targets))


def write_workspace(clock: ClockOf, folder: Path) -> None:
    """Write what `ClockOf` made of a vector as configuration and as a file of events."""
    folder.mkdir()
    parts = [calendar_section(name, each) for name, each in clock.levels.calendars.items()]
    parts += map(policy_section, clock.levels.policies)
    (folder / "sla.toml").write_text("\n".join([*parts, COSTS]), encoding="utf-8")
    (folder / "sniper.toml").write_text('as_of = "log_end"\n', encoding="utf-8")
    columns = "\n".join(f'{name} = "{name}"' for name in COLUMNS)
    (folder / "map.toml").write_text(MAP.format(columns=columns), encoding="utf-8")
    with (folder / "events.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = ("ticket_id", "occurred_at", "sequence", *COLUMNS)
        writer.writerow((*names, "attached", "version", "calendar"))
        for row in clock.events.iter_rows(named=True):
            kept = {each["key"]: each["value"] for each in row["attributes"]}
            told = [row[name] for name in names]
            told[1] = row["occurred_at"].isoformat()
            writer.writerow([*told, kept["attached"], kept["version"], kept["calendar"]])


def sniper(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


def read_clock(clock: ClockOf, ticket: Ticket, folder: Path) -> pl.DataFrame:
    write_workspace(clock, folder)
    sniper("ingest", folder / "events.csv", "--map", folder / "map.toml", "--workspace", folder)
    as_of = from_us(ticket.now).isoformat()
    sniper("clock", "--as-of", as_of, "--out", folder / "cycles.parquet", "--workspace", folder)
    return pl.read_parquet(folder / "cycles.parquet")


@pytest.mark.parametrize("vector", vectors())
def test_a_workspace_gives_what_the_vector_gives(vector, tmp_path):
    ticket = Ticket(vector, read_calendar)

    for name, clock in vector["input"]["policy"]["clocks"].items():
        told = ticket.clock(name)
        expected = told.figures()
        cycles = read_clock(told, ticket, tmp_path / name)
        found = cycles.filter(pl.col("metric") == METRICS[clock["kind"]]).sort("cycle")

        assert figures(found) == {
            "state": expected["state"],
            "elapsed": expected["elapsed_seconds"],
            "paused": expected["paused_seconds"],
            "breaches": expected["breaches"],
        }
        due = None if found.is_empty() else found["due_at"][-1]
        if due is not None and expected["deadline"] is not None:
            assert due.astimezone(UTC) == parse_instant(expected["deadline"])


def figures(found: pl.DataFrame) -> dict:
    """Figures of the latest cycle, and how many breached."""
    if found.is_empty():
        return {"state": "none", "elapsed": None, "paused": None, "breaches": 0}
    latest = found.row(-1, named=True)
    return {
        "state": latest["state"],
        "elapsed": latest["elapsed_us"] / SECOND_US,
        "paused": latest["paused_us"] / SECOND_US,
        "breaches": found.filter(pl.col("elapsed_us") > pl.col("target_us")).height,
    }
