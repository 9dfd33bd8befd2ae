"""Texts of strangers in files that people open: without control characters, never a formula.

A ticket may be called ``=cmd|'/c calc'!A1``. Excel, LibreOffice and Tableau's text reader take
a text that begins so for a formula when it comes from a CSV file. A workbook or an extract says
of each cell what it is, so that a text stays one; there only characters that no cell can hold
are taken out.
"""

from __future__ import annotations

from typing import Final

import polars as pl

FORMULA: Final = r"^[\s']*[=+\-@＝＋－＠]|^'*[\t\r\n]"  # noqa: RUF001 - full-width signs count, too
"""Beginning of a text that a spreadsheet may run; one with apostrophes before it is of its kind."""
_CONTROL: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{FFFE}\x{FFFF}]"
_TEXTS: Final = pl.col(pl.String)


def cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    r"""Take control characters out of every text, but line ends and tabs.

    Right-to-left texts and emoji stay as they are.

    Examples
    --------
    >>> cleaned(pl.DataFrame({"group": ["a\x00b", "مرحبا", "🔥", None]}))["group"].to_list()
    ['ab', 'مرحبا', '🔥', None]
    """
    return frame.with_columns(_TEXTS.str.replace_all(_CONTROL, ""))


def cleaned_text(text: str) -> str:
    """Take control characters out of one text; see `cleaned`."""
    return str(cleaned(pl.DataFrame({"text": [text]}))["text"][0])


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before every text that a spreadsheet may run as a formula.

    It can be undone: whatever matches `FORMULA` then begins with one apostrophe too many.
    Numbers are no texts and stay as they are.

    References
    ----------
    OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection

    Examples
    --------
    >>> guarded(pl.DataFrame({"ticket_id": ["=1+1", "-1", "'@x", "T-1"]}))["ticket_id"].to_list()
    ["'=1+1", "'-1", "''@x", 'T-1']
    """
    is_formula = _TEXTS.str.contains(FORMULA)
    return frame.with_columns(
        pl.when(is_formula).then(pl.lit("'") + _TEXTS).otherwise(_TEXTS).name.keep()
    )
