"""Lines of keys in a TOML text, against what tomllib reads from it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_sniper.config.positions import line_of, lines_of

DATA = Path(__file__).resolve().parents[2] / "src" / "sla_sniper" / "data"
FILES = sorted(DATA.rglob("*.toml"))
HARD = r'''# x = 1 and [no] = [[table]]
a.b."c.d" = 1 # [neither]
"q\"]" = 'it # is "not" ]'
[t] # a comment [with brackets]
list = [ # ]
  "a]", # , ]
  { x = [1,
     2], y = """
]"" \""" z""" },
  QQQ
[[no]] = 1 QQQ,
]
when = 2016-01-01 10:00:00
none = []
empty = {}
[[p]]
name = 1
  [[p.t]]
  m = -1.5e3
  [p.t.w.'x y']
  z = true
  [[p.t]]
  m = QQQ#QQQ
  n = "a#b]"
[[ p ]]
[p.sub]
k.l = 1
k.m = { deep.er = [ [1], [2, { z = 3 }] ] }
'''.replace("QQQ", "'''")


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(each, (*path, key))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a", "b", "c.d"), 2),
        (('q"]',), 3),
        (("t",), 4),
        (("t", "list", 0), 6),
        (("t", "list", 1, "x", 1), 8),
        (("t", "list", 1, "y"), 8),
        (("t", "list", 2), 10),
        (("t", "when"), 13),
        (("t", "empty"), 15),
        (("p",), 16),
        (("p", 0, "name"), 17),
        (("p", 0, "t", 0, "m"), 19),
        (("p", 0, "t", 0, "w", "x y", "z"), 21),
        (("p", 0, "t", 1), 22),
        (("p", 0, "t", 1, "n"), 24),
        (("p", 1), 25),
        (("p", 1, "sub", "k", "m", "deep", "er", 1, 1, "z"), 28),
    ],
)
def test_a_key_has_its_own_line(path, line):
    assert lines_of(HARD)[path] == line


@pytest.mark.parametrize("text", [HARD, HARD.replace("\n", "\r\n"), "", "# only\n", "a = 1"])
def test_every_key_that_is_read_has_a_line(text):
    assert set(lines_of(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_bundled_files_are_walked_over_whole(file):
    text = file.read_text(encoding="utf-8")

    assert set(lines_of(text)) == set(paths(tomllib.loads(text)))


NAMES = st.sampled_from(["a", "b-c", '"d e"', "'f]'", '"g.#"'])
VALUES = st.recursive(
    st.sampled_from(["1", '"x # ]"', "'}'", "true", '"""a\n]\n"""', "1979-05-27", "'''\n[b]'''"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[\n# ]\n{', '.join(each)}\n]")
        | st.dictionaries(NAMES, inner, max_size=3).map(
            lambda each: "{" + ", ".join(f"{key} = {value}" for key, value in each.items()) + "}"
        )
    ),
    max_leaves=6,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=4).map(
    lambda each: "".join(f"{key} = {value} # [x]\n" for key, value in each.items())
)


@given(st.lists(TABLES, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_lines_cover_any_list_of_tables(tables):
    text = "".join(f"[[ t . u ]]\n{table}" for table in tables)

    found = lines_of(text)

    assert set(found) == set(paths(tomllib.loads(text)))
    headers = [n for n, line in enumerate(text.split("\n"), 1) if line == "[[ t . u ]]"]
    assert [found["t", "u", n] for n in range(len(tables))] == headers


@pytest.mark.parametrize(
    ("path", "line"), [(("a", "b", "c.d", "e"), 2), (("a",), 2), (("nowhere", 3), None), ((), None)]
)
def test_a_missing_key_has_the_line_around_it(path, line):
    assert line_of(path, lines_of(HARD)) == line
