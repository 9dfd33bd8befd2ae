"""The one look of tables in a terminal."""

from __future__ import annotations

from rich.table import Table


def table(*columns: str) -> Table:
    """Empty table; a column whose name begins with > is flush right."""
    empty = Table(header_style="bold", pad_edge=False)
    for name in columns:
        is_right = name.startswith(">")
        empty.add_column(name.removeprefix(">"), justify="right" if is_right else "left")
    return empty
