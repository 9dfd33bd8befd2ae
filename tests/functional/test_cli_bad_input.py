"""What a user can do wrong: one clear line, its own exit code, nothing half-written."""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from .conftest import MAP, SLA, fingerprint, sniper, succeed

EXIT_CODES = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"
PROTOTYPE = Path(__file__).parents[3] / "shared" / "data" / "synthetic_support_tickets.csv.gz"
WHEN = 'when = { priority = ["critical", "high", "moderate", "low"] }'
BREACH = "breach = { critical = 500, high = 200, moderate = 50, low = 10 }"
PROTOTYPE_MAP = """
[log]
shape = "tickets"
timezone = "UTC"

[columns]
ticket_id = "Ticket ID"
created_at = "First Response Time"
resolved_at = "Time to Resolution"
priority = "Ticket Priority"

[values.priority]
Critical = "critical"
High = "high"
Medium = "moderate"
Low = "low"
"""


def fail(code: int, *words: object) -> str:
    """Run the command, insist on one line and its documented code, and return the line."""
    outcome = sniper(*words)
    told = [line for line in outcome.err.splitlines() if not line.endswith(" ...")]
    assert outcome.code == code, outcome.err
    assert len(told) == 1, outcome.err
    assert told[0].startswith("error: ")
    assert told[0].endswith((".", ")")), told[0]
    assert outcome.out == ""
    assert f"| {code} |" in EXIT_CODES.read_text(encoding="utf-8")
    return told[0]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def log(tmp_path, rows):
    rows.head(500).write_csv(tmp_path / "log.csv")
    return tmp_path / "log.csv"


@pytest.fixture
def untouched(workspace):
    """The workspace, which the test must leave as it found it."""
    before = fingerprint(workspace)
    yield workspace
    assert fingerprint(workspace) == before


@pytest.mark.parametrize(
    "words",
    [
        ("monitor", "--weeks", "200000"),
        ("queue", "--capacity", str(10**20)),
        ("queue", "--capacity", str(10**18)),
        ("backtest", "--capacity", str(10**20)),
        ("backtest", "--capacity", f"10,{10**18}"),
    ],
)
def test_numbers_beyond_any_desk_are_a_usage_error(untouched, words):
    outcome = sniper(*words, "-w", untouched)

    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert outcome.err.startswith("error: Invalid value for")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("per_day = 10", f"per_day = {10**18}"),
        ("[capacity]\nper_day = 10", f'[[capacity]]\nname = "all"\nper_day = {10**18}'),
    ],
)
def test_a_capacity_beyond_any_desk_is_refused(workspace, old, new):
    edit(workspace / "sla.toml", old, new)

    assert "100000" in fail(20, "queue", "-w", workspace)


def test_text_that_looks_like_markup_is_printed_as_it_is(tmp_path, rows):
    """A priority and a currency that a terminal would take for the end of a colour."""
    odd = rows.with_columns(pl.col("prio").replace("P1", "[/P1]"), team=pl.lit("[/team]"))
    folder = tmp_path / "desk"
    succeed("init", folder)
    (folder / "map.toml").write_text(MAP.format(source="desk").replace("P1 =", '"[/P1]" ='))
    text = SLA.replace("critical", '"[/P1]"').replace('"EUR"', '"[/EUR]"')
    text = text.replace('""[/P1]""', '"[/P1]"')
    (folder / "sla.toml").write_text(text)
    (folder / "map.toml").write_text(
        (folder / "map.toml").read_text().replace('= "critical"', '= "[/P1]"')
    )
    odd.write_csv(tmp_path / "log.csv")
    succeed("ingest", tmp_path / "log.csv", "-w", folder)
    replay = ("backtest", "--model", "logistic", "--epoch", "day", "--from", "2025-10-20")

    said = [succeed(*words, "-w", folder).out for words in (("clock",), replay, ("queue",))]

    assert "[/P1]" in said[0]
    assert "breach.[/P1]" in said[1]
    assert "[/EUR]" in said[1]
    assert "[/team]" in said[2]


def test_missing_column_is_named(untouched, tmp_path, rows):
    rows.drop("state").write_csv(tmp_path / "log.csv")

    assert "'state'" in fail(13, "ingest", tmp_path / "log.csv", "-w", untouched)


def test_file_of_another_shape_is_refused(untouched, tmp_path):
    path = tmp_path / "tickets.csv"
    path.write_text("id,opened_on,solved_on\n1,2025-10-01,2025-10-02\n")

    assert "has no column" in fail(13, "ingest", path, "-w", untouched)


def test_events_file_with_tickets_map_is_refused(untouched, tmp_path, log):
    text = MAP.format(source="desk").replace('"events"', '"tickets"')
    (tmp_path / "map.toml").write_text(text)

    line = fail(20, "ingest", log, "--map", tmp_path / "map.toml", "-w", untouched)

    assert "occurred_at" in line


def test_unknown_zone_in_map_is_named(untouched, tmp_path, log):
    (tmp_path / "map.toml").write_text(MAP.format(source="desk").replace("Amsterdam", "Atlantis"))

    line = fail(20, "ingest", log, "--map", tmp_path / "map.toml", "-w", untouched)

    assert "'Europe/Atlantis'" in line


def test_unknown_zone_in_sla_is_named(workspace, log):
    edit(workspace / "sla.toml", "Europe/Amsterdam", "Mars/Olympus")
    before = fingerprint(workspace)

    assert "'Mars/Olympus'" in fail(20, "clock", "-w", workspace)
    assert "'Mars/Olympus'" in fail(20, "ingest", log, "-w", workspace)
    assert fingerprint(workspace) == before


def test_unreadable_times_name_row_and_column(untouched, tmp_path, rows):
    bad = rows.head(50).with_columns(updated=pl.lit("the day before"))
    bad.write_csv(tmp_path / "bad.csv")

    line = fail(14, "ingest", tmp_path / "bad.csv", "-w", untouched)

    assert "row 1" in line
    assert "'updated'" in line
    assert "the day before" in line


@pytest.mark.parametrize(
    "text", ["", "number,opened,prio,team,channel,category,caller,site,updated,state,agent\n"]
)
def test_file_without_rows_is_refused(untouched, tmp_path, text):
    (tmp_path / "empty.csv").write_text(text)

    assert "no rows" in fail(12, "ingest", tmp_path / "empty.csv", "-w", untouched)


def test_one_bad_file_of_several_stops_all(untouched, tmp_path, rows):
    rows.with_columns(number="number" + pl.lit("x")).write_csv(tmp_path / "good.csv")
    rows.drop("state").write_csv(tmp_path / "bad.csv")

    fail(13, "ingest", tmp_path / "good.csv", tmp_path / "bad.csv", "-w", untouched)


def test_corrupt_gzip_is_told(untouched, tmp_path, log):
    packed = bytearray(gzip.compress(log.read_bytes()))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\x00" * 40
    (tmp_path / "log.csv.gz").write_bytes(packed)

    fail(11, "ingest", tmp_path / "log.csv.gz", "-w", untouched)


def test_truncated_gzip_is_told(untouched, tmp_path, log):
    packed = gzip.compress(log.read_bytes())
    (tmp_path / "log.csv.gz").write_bytes(packed[: len(packed) * 2 // 3])

    line = fail(11, "ingest", tmp_path / "log.csv.gz", "-w", untouched)

    assert "cut off" in line


def test_gzip_in_name_only_is_told(untouched, tmp_path, log):
    shutil.copy(log, tmp_path / "plain.csv.gz")

    fail(11, "ingest", tmp_path / "plain.csv.gz", "-w", untouched)


def test_missing_file_is_told(untouched, tmp_path):
    assert "no such file" in fail(11, "ingest", tmp_path / "nowhere.csv", "-w", untouched)


def test_folder_in_place_of_file_is_told(untouched, tmp_path):
    assert "folder" in fail(11, "ingest", tmp_path, "-w", untouched)


def test_unknown_ending_of_input_is_told(untouched, tmp_path):
    (tmp_path / "log.docx").write_text("x")

    assert ".csv" in fail(11, "ingest", tmp_path / "log.docx", "-w", untouched)


def test_priority_without_target_is_refused(workspace):
    edit(workspace / "sla.toml", ', moderate = "24h"', "")
    before = fingerprint(workspace)

    assert "'moderate'" in fail(20, "clock", "-w", workspace)
    assert fingerprint(workspace) == before


def test_priority_that_came_without_target_is_refused(workspace):
    edit(
        workspace / "sla.toml", 'when = { priority = ["critical", "high", "moderate", "low"] }', ""
    )
    edit(workspace / "sla.toml", ', moderate = "24h"', "")
    before = fingerprint(workspace)

    assert "moderate" in fail(21, "clock", "-w", workspace)
    assert fingerprint(workspace) == before


def test_calendar_without_hours_is_refused(workspace):
    text = (workspace / "sla.toml").read_text()
    for day in ("mon", "tue", "wed", "thu", "fri"):
        text = "\n".join(
            f"{day} = []" if line.startswith(f"{day} =") else line for line in text.splitlines()
        )
    (workspace / "sla.toml").write_text(text)
    before = fingerprint(workspace)

    assert "never open" in fail(20, "clock", "-w", workspace)
    assert fingerprint(workspace) == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("currency", "curency", "did you mean 'currency'"),
        (BREACH, "breach = { high = 0 }", "breach"),
        ("breach = { critical = 500", "breach = { critical = inf", "breach"),
        ("intervention = 2", "intervention = -1", "intervention"),
        ("intervention = 2", "intervention = nan", "intervention"),
        ("intervention = 2", "intervention = inf", "intervention"),
        ('name = "standard"', 'name = "standard"\nvalid_from = "last week"', "valid_from"),
        (WHEN, "when = { priority = 1 }", "priority"),
        (WHEN, 'when = { all = "x" }', "all"),
        ('critical = "4h"', 'critical = "4 parsecs"', "4h"),
        ('calendar = "office"', 'calendar = "ofice"', "ofice"),
        ('"2025-09-17"', '"2025-09-31"', "2025-09-31"),
        ('"2025-09-17"', '"2025-09-20/2025-09-10"', "2025-09-20/2025-09-10"),
        ('country = "NL"', 'country = "XX"', "XX"),
        ("value = 0.5", "value = 0.9", "0.9"),
        ('thu = ["09:00-17:00"]', 'thu = ["9-17"]', "9-17"),
        ("per_day = 10", "per_day = 0", "per_day"),
        ("[costs]", "[costs", "TOML"),
    ],
)  # fmt: skip
def test_impossible_configuration_is_one_line(workspace, old, new, said):
    edit(workspace / "sla.toml", old, new)

    assert said in fail(20, "clock", "-w", workspace)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('as_of = "someday"', "as_of"),
        ('[landmarks]\ntimezone = "Nowhere"', "Nowhere"),
        ('[landmarks]\nhours = "18:00-08:00"', "midnight"),
        ('[[exclusions]]\nfrom = "x"\nto = 2025-09-05\nreason = "robot"', "from"),
        ('[[exclusions]]\nfrom = 2025-09-08\nto = 2025-09-05\nreason = "robot"', "from"),
    ],
)
def test_impossible_settings_are_one_line(workspace, text, said):
    (workspace / "sniper.toml").write_text(text)

    assert said in fail(20, "clock", "-w", workspace)


def test_costs_by_an_unknown_column_are_refused(workspace):
    edit(workspace / "sla.toml", 'currency = "EUR"', 'currency = "EUR"\nby = "mood"')

    assert "mood" in fail(20, "train", "--model", "logistic", "-w", workspace)


@pytest.fixture
def without_costs(workspace):
    """A workspace whose policy file says calendars and policies and nothing else."""
    path = workspace / "sla.toml"
    path.write_text(path.read_text(encoding="utf-8").split("[costs]")[0], encoding="utf-8")
    return workspace


@pytest.mark.parametrize(
    "words",
    [
        ("train",),
        ("backtest",),
        ("evaluate",),
        ("monitor",),
        ("queue",),
        ("exposure",),
        ("report",),
        ("export", "csv", "out"),
    ],
)
def test_commands_about_money_ask_for_costs(without_costs, words):
    told = fail(27, *words, "-w", without_costs)

    assert "sla.toml has no [costs]" in told
    assert "breach = { default = 50 }" in told


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "test"),
        ("clock",),
        ("check",),
        ("explain", "T00001"),
        ("diagnose",),
        ("whatif", "sla.toml"),
        ("ingest", "log.csv"),
    ],
)
def test_commands_about_clocks_need_no_costs(without_costs, log, words):
    files = {"sla.toml": without_costs / "sla.toml", "log.csv": log}

    outcome = succeed(*(files.get(word, word) for word in words), "-w", without_costs)

    assert "costs" not in outcome.err


def test_a_forecast_is_explained_without_costs(trained):
    path = trained / "sla.toml"
    path.write_text(path.read_text(encoding="utf-8").split("[costs]")[0], encoding="utf-8")
    clocks = succeed("clock", "--out", trained / "cycles.csv", "-w", trained)
    open_ticket = pl.read_csv(trained / "cycles.csv").filter(state="running")["ticket_id"][0]

    told = succeed("explain", open_ticket, "-w", trained).out

    assert "There is no forecast" not in told
    assert clocks.code == 0


@contextmanager
def another_writer(folder: Path):
    """Hold the workspace from another process, as a running ingest does."""
    code = (
        "import fcntl, os, sys;"
        "held = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(held, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(folder / ".lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield
        other.communicate("")


def test_workspace_in_use_is_told_at_once(untouched, log):
    with another_writer(untouched):
        fail(31, "ingest", log, "-w", untouched)
        fail(31, "clock", "-w", untouched)
    with (untouched / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_readers_do_not_need_the_lock(untouched):
    with another_writer(untouched):
        succeed("check", "-w", untouched)
        succeed("diagnose", "-w", untouched)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("NO SMALL DISK: mounting a tmpfs needs root and was refused")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_leaves_the_log_as_it_was(ingested, small_disk, tmp_path, rows):
    folder = shutil.copytree(ingested, small_disk / "desk")
    many = pl.concat([rows.with_columns(number="number" + pl.lit(f"-{n}")) for n in range(12)])
    many.write_parquet(tmp_path / "many.parquet")
    before = fingerprint(folder)

    line = fail(32, "ingest", tmp_path / "many.parquet", "-w", folder)

    assert "No space left" in line
    assert fingerprint(folder) == before
    succeed("check", "-w", folder)


@pytest.mark.parametrize(
    "words",
    [
        ("clock",),
        ("clock", "--out"),
        ("queue",),
        ("queue", "--out"),
        ("export", "csv"),
        ("export", "xlsx"),
        ("export", "tableau"),
        ("report",),
    ],
)
def test_full_disk_stops_every_writer(backtested, small_disk, tmp_path, words):
    folder = shutil.copytree(backtested, tmp_path / "desk")
    verb, *rest = words
    if rest:
        target = small_disk / ("d" if verb == "export" else "out.parquet")
        options = [*rest, target]
    else:
        name = "outputs" if verb == "report" else "tables"
        shutil.move(folder / name, small_disk / name)
        (folder / name).symlink_to(small_disk / name)
        options = []
    _fill(small_disk)

    fail(32, verb, *options, "-w", folder)

    assert not list(small_disk.rglob(".*"))


def _fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"\x00" * 4096) == 4096:
                pass
        except OSError:
            return


def test_no_workspace_is_told_by_every_verb(tmp_path, log):
    nowhere = tmp_path / "nowhere"

    for words in (
        ("check",), ("clock",), ("diagnose",), ("train",), ("backtest",), ("queue",), ("report",),
        ("ingest", log), ("export", "csv", tmp_path / "out"), ("serve",),
    ):  # fmt: skip
        assert "sniper init" in fail(33, *words, "-w", nowhere)
    assert not nowhere.exists()


@pytest.mark.parametrize("verb", ["clock", "backtest", "queue"])
@pytest.mark.parametrize("name", ["out.docx", "out", "out.csv.gz"])
def test_unknown_ending_of_output_is_told(untouched, tmp_path, verb, name):
    assert ".parquet" in fail(34, verb, "--out", tmp_path / name, "-w", untouched)
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "--as-of", "yesterday"),
        ("clock", "--as-of", "2025-13-01"),
        ("clock", "--as-of", "0001-01-01"),
        ("check", "--as-of", "9999-12-31T23:59"),
        ("backtest", "--from", "soon"),
        ("backtest", "--capacity", "ten"),
        ("backtest", "--capacity", "0"),
        ("backtest", "--capacity", "5,,10"),
        ("backtest", "--epoch", "week"),
        ("queue", "--capacity", "-1"),
        ("train", "--model", "oracle"),
        ("report", "--format", "docx"),
        ("export", "xml", "out"),
        ("serve", "--port", "0"),
    ],
)
def test_usage_errors_end_in_two(untouched, words):
    outcome = sniper(*words, "-w", untouched)

    assert outcome.code == 2
    assert outcome.out == ""
    assert words[1].lstrip("-") in outcome.err.replace("KIND", "xml")


def test_period_that_ends_before_it_begins(untouched):
    words = ("--from", "2025-10-20", "--to", "2025-10-10")

    assert "--to must be later" in fail(15, "backtest", *words, "-w", untouched)


@pytest.mark.parametrize("words", [("train",), ("backtest",), ("queue",)])
def test_short_log_is_refused_in_words(tmp_path, ingested, rows, words):
    folder = tmp_path / "short"
    succeed("init", folder)
    for name in ("map.toml", "sla.toml"):
        shutil.copy(ingested / name, folder / name)
    rows.filter(pl.col("updated") < "2025-09-10").write_csv(tmp_path / "short.csv")
    succeed("ingest", tmp_path / "short.csv", "-w", folder)
    before = fingerprint(folder)

    line = fail(40, *words, "-w", folder)

    assert "8 days of openings: an honest temporal evaluation needs at least" in line
    assert fingerprint(folder) == before


@pytest.mark.skipif(not PROTOTYPE.is_file(), reason=f"THE PROTOTYPE'S FILE IS ABSENT: {PROTOTYPE}")
def test_prototypes_own_file_is_too_short(tmp_path):
    succeed("init", tmp_path / "desk")
    (tmp_path / "desk" / "map.toml").write_text(PROTOTYPE_MAP)

    facts = succeed("ingest", PROTOTYPE, "-w", tmp_path / "desk", "--json").json

    assert facts["rows_read"] == 8469
    for verb in ("train", "backtest", "queue"):
        line = fail(40, verb, "-w", tmp_path / "desk")
        assert "an honest temporal evaluation needs at least" in line


def test_prototype_refuses_another_file(tmp_path, log):
    fail(13, "prototype", log)


def test_as_of_before_the_log_is_told(untouched):
    assert "begins later" in fail(40, "clock", "--as-of", "2020-01-01", "-w", untouched)


def test_backtest_outside_the_log_is_told(untouched):
    words = ("--model", "logistic", "--from", "2027-01-04", "--to", "2027-01-08")

    fail(40, "backtest", *words, "-w", untouched)


def test_init_below_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("here first")

    fail(35, "init", tmp_path / "file" / "desk")


@pytest.mark.parametrize("name", ["sealed/out.csv", "taken.csv"])
def test_output_that_cannot_be_written_is_told(workspace, tmp_path, name):
    (tmp_path / "sealed").write_text("a file where a folder is wanted")
    (tmp_path / "taken.csv").mkdir()

    fail(35, "clock", "--out", tmp_path / name, "-w", workspace)


def test_forbidden_output_is_told(workspace, tmp_path):
    sealed = Path("/proc/nowhere") if os.getuid() == 0 else tmp_path / "sealed"
    if os.getuid() != 0:
        sealed.mkdir(mode=0o555)

    fail(35, "clock", "--out", sealed / "out.csv", "-w", workspace)


def test_damaged_backtest_is_told(trained):
    (trained / "outputs" / "backtest" / "summary.json").write_text("{")

    assert "run `sniper backtest` again" in fail(11, "report", "-w", trained)
    assert "run `sniper backtest` again" in fail(11, "queue", "-w", trained)


def test_damaged_closing_of_the_gate_is_told_and_kept(trained):
    kept = trained / "outputs" / "monitor" / "summary.json"
    kept.parent.mkdir()
    kept.write_text('{"closed": {}}')

    assert "delete it, with what it may have closed" in fail(11, "queue", "-w", trained)
    assert "delete it, with what it may have closed" in fail(11, "monitor", "-w", trained)
    assert kept.read_text() == '{"closed": {}}'


def test_damaged_model_is_told(trained):
    (manifest,) = trained.glob("models/*/manifest.json")
    manifest.write_text("{}")

    assert "sniper train" in fail(30, "queue", "-w", trained)


def test_export_below_a_file_is_told(trained, tmp_path):
    (tmp_path / "file").write_text("here first")

    fail(35, "export", "csv", tmp_path / "file", "-w", trained)


def test_errors_with_json_leave_stdout_empty(untouched, tmp_path):
    fail(34, "clock", "--out", tmp_path / "x.doc", "--json", "-w", untouched)
    fail(11, "ingest", tmp_path / "nowhere.csv", "--json", "-w", untouched)
