from __future__ import annotations

import subprocess
import sys

import pytest

import sla_sniper as ss


def test_public_names_stay_few():
    assert len(ss.__all__) <= 20


@pytest.mark.parametrize("name", ss.__all__)
def test_public_name_has_an_example(name):
    assert ">>>" in getattr(ss, name).__doc__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        ss.nonsense  # noqa: B018


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from sla_sniper.cli.app import app; import typer.main;"
        "typer.main.get_command(app);"
        "print(sorted({'polars', 'lightgbm', 'sklearn', 'streamlit', 'scipy'} & set(sys.modules)))"
    )

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"
