"""On which line of a TOML text each key stands; `tomllib` does not say."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]

_GAP: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]+")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)


def lines_of(text: str) -> Mapping[KeyPath, int]:
    r"""Find the line of every key of a TOML text.

    Parameters
    ----------
    text : str
        A text that `tomllib` accepts.

    Returns
    -------
    mapping of tuple of (str or int) to int
        Path of a key, with the place in the list (from 0) for each list in it, to its first
        line (from 1). A table has the line of its header, or of the first key below it.

    Examples
    --------
    >>> lines = lines_of('[[policies]]\nname = "all"\nwhen = { priority = ["high"] }')
    >>> lines["policies", 0, "when", "priority", 0]
    3
    """
    return _Scanner(text).scan()


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Line of a key, or of the nearest one around it that the text has; None if there is none.

    Examples
    --------
    >>> line_of(("costs", "currency"), {("costs",): 7})
    7
    """
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


class _Scanner:
    """Walks over a valid text and notes where each key begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ends = [found.start() for found in re.finditer("\n", text)]
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.n_tables: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()
        return self.lines

    def _header(self) -> KeyPath:
        is_list = self.text.startswith("[[", self.at)
        began = self.at
        self.at += 1 + is_list
        *around, last = self._keys()
        self.at += 1 + is_list
        path: KeyPath = ()
        for key in around:
            self._note((*path, key), began)
            path = self._current((*path, key))
        path = (*path, last)
        self._note(path, began)
        if is_list:
            self.n_tables[path] = self.n_tables.get(path, 0) + 1
        path = self._current(path)
        self._note(path, began)
        return path

    def _current(self, path: KeyPath) -> KeyPath:
        """Path of the table that a name means now: the last one of a list of tables."""
        return (*path, self.n_tables[path] - 1) if path in self.n_tables else path

    def _pair(self, table: KeyPath) -> None:
        began = self.at
        keys = self._keys()
        path = (*table, *keys)
        for n in range(len(table) + 1, len(path) + 1):
            self._note(path[:n], began)
        self.at += 1  # the equals sign
        self._skip()
        self._value(path)

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self.text.startswith(".", self.at):
            self.at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self._skip()
        bare = _BARE.match(self.text, self.at)
        if bare:
            key = bare.group()
            self.at = bare.end()
        else:
            written = self._take(_STRING)
            key = str(tomllib.loads(f"key = {written}")["key"])
        self._skip()
        return key

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.at]
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._inline(path)
        else:
            self._take(_STRING if opening in "\"'" else _SCALAR)

    def _list(self, path: KeyPath) -> None:
        n = 0
        self.at += 1
        self._skip()
        while self.text[self.at] != "]":
            self._note((*path, n), self.at)
            self._value((*path, n))
            n += 1
            self._skip_comma()
        self.at += 1

    def _inline(self, path: KeyPath) -> None:
        self.at += 1
        self._skip()
        while self.text[self.at] != "}":
            self._pair(path)
            self._skip_comma()
        self.at += 1

    def _skip_comma(self) -> None:
        self._skip()
        if self.text[self.at] == ",":
            self.at += 1
            self._skip()

    def _skip(self) -> None:
        """Go over white space, line ends and comments."""
        self._take(_GAP)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"This is not TOML at character {self.at}.")
        self.at = found.end()
        return found.group()

    def _note(self, path: KeyPath, at: int) -> None:
        self.lines.setdefault(path, bisect_left(self.ends, at) + 1)
