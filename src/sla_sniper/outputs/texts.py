"""Texts of strangers in files that people open: without control characters, never a formula.

A ticket may be called ``=cmd|'/c calc'!A1``. Excel, LibreOffice and Tableau's text reader take
a text that begins so for a formula when it comes from a CSV file. A workbook or an extract says
of each cell what it is, so that a text stays one; there only characters that no cell can hold
are taken out.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

_SIGNS: Final = r"=+\-@＝＋－＠﹦﹢﹣﹫"  # noqa: RUF001 - full-width and small signs count, too
_UNSEEN: Final = r"\s\p{Cf}'\""
"""What stands before a sign and hides it: spaces, marks without width, quotes."""
FORMULA: Final = rf"^[{_UNSEEN}]*[{_SIGNS}]|^[\p{{Cf}}']*[\t\r\n]"
"""Beginning of a text that a spreadsheet may run; one with apostrophes before it is of its kind."""
INNER: Final = rf"([;|\t\r\n][{_UNSEEN}]*)([{_SIGNS}])"
"""Sign that begins a cell where the file is opened with another separator than the comma."""
_CONTROL: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{FFFE}\x{FFFF}]"
_TEXTS: Final = pl.col(pl.String)
MONEY: Final = re.compile(r"(-?(?:[$€£]|[A-Z]{3} )\d[\d,]*(?:\.\d+)?)")
"""An amount of money as `escalation.costs.money` writes it."""
NO_BREAK: Final = "\N{NON-BREAKING HYPHEN}"
"""Stands for the minus of an amount where lines break; read back as one."""
_NO_SPACE: Final = "\N{NO-BREAK SPACE}"


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
    """Keep a spreadsheet from running a text as a formula.

    An apostrophe goes before a text that begins like one, and before each sign that would begin a
    cell where the file is opened with another separator.

    It can be undone: what stands before a sign, in either place, ends in one apostrophe too many.
    Numbers are no texts and stay as they are.

    References
    ----------
    OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection

    Examples
    --------
    >>> guarded(pl.DataFrame({"ticket_id": ["=1+1", "-1", "'@x", "T-1"]}))["ticket_id"].to_list()
    ["'=1+1", "'-1", "''@x", 'T-1']
    >>> guarded(pl.DataFrame({"group": ["north;=1+1"]}))["group"].to_list()
    ["north;'=1+1"]
    """
    inside = _TEXTS.str.replace_all(INNER, "${1}'${2}")
    return frame.with_columns(
        pl.when(_TEXTS.str.contains(FORMULA))
        .then(pl.lit("'") + inside)
        .otherwise(inside)
        .name.keep()
    )


def kept_together(text: str) -> str:
    r"""Keep shares and amounts in one line with their signs: at its end a minus is not seen.

    Examples
    --------
    >>> kept_together("3.5 % of all, -CHF 1,075"), kept_together("-$312")
    ('3.5\xa0% of all, \u2011CHF\xa01,075', '\u2011$312')
    """
    return MONEY.sub(_unbroken, text).replace(" %", f"{_NO_SPACE}%")


def _unbroken(amount: re.Match[str]) -> str:
    return amount[0].replace("-", NO_BREAK).replace(" ", _NO_SPACE)
