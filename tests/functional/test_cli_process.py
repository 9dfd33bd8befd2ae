"""The installed command in a process of its own: what CliRunner cannot show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import succeed

SNIPER = Path(sys.executable).with_name("sniper")
VERBS = (
    "demo", "init", "map", "ingest", "check", "clock", "diagnose", "train", "backtest", "queue",
    "export", "report", "prototype", "serve",
)  # fmt: skip


def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SNIPER), *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def test_json_leaves_nothing_else_on_stdout(trained):
    done = run("queue", "--json", cwd=trained)

    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["schema"] == "sniper.queue/1"
    assert "ranking the tickets" in done.stderr


def test_table_is_not_cut_in_a_pipe(trained):
    done = run("queue", cwd=trained, env={**os.environ, "COLUMNS": "40"})

    assert "…" not in done.stdout
    assert "\x1b" not in done.stdout


def test_error_is_one_line_without_traceback(tmp_path):
    done = run("queue", cwd=tmp_path)

    assert done.returncode == 33
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_reader_that_leaves_early_sees_no_traceback(trained):
    words = f"'{SNIPER}' queue --json | head -c 10"

    done = subprocess.run(
        words, shell=True, cwd=trained, capture_output=True, text=True, check=False
    )

    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["demo", "serve"])
def test_help_of_long_verbs_is_quick_and_plain(verb):
    done = run(verb, "--help")

    assert done.returncode == 0
    assert "--workspace" in done.stdout
    assert done.stderr == ""


def test_every_verb_has_help_and_common_options():
    for verb in VERBS:
        text = succeed(verb, "--help").out
        assert "--workspace" in text
        assert "--json" in text


def test_version_and_bare_command_answer():
    assert run("--version").stdout.strip() == version("sla-sniper")
    assert "Usage" in run("--help").stdout


def test_serve_refuses_before_it_announces(tmp_path):
    done = run("serve", "--json", "-w", tmp_path)

    assert done.returncode == 33
    assert done.stdout == ""
