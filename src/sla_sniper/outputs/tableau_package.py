"""The packaged workbook (`.twbx`) and the page that says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sla_sniper.outputs.tableau_sheets import DASHBOARDS, SHEETS, TOP_N_CAPTION, TOP_N_VALUE
from sla_sniper.outputs.tableau_workbook import EXTRACTS, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PACKAGE: Final = "sla_sniper.twbx"
WORKBOOK: Final = "sla_sniper.twb"
_MADE: Final = (1980, 1, 1, 0, 0, 0)
"""When every part of the package was made: the same document gives the same bytes."""


def write_package(document: bytes, extracts: Mapping[str, Path], path: Path) -> None:
    """Put a workbook and its extracts into one file, as Tableau expects them.

    Parameters
    ----------
    document : bytes
        See `tableau_workbook.workbook`.
    extracts : mapping of str to Path
        Files by the name that the workbook knows, without ending.
    """
    with ZipFile(path, "w") as package:
        package.writestr(_part(WORKBOOK), document)
        for name, file in extracts.items():
            with (
                package.open(_part(f"{EXTRACTS}/{name}.hyper"), "w") as part,
                file.open("rb") as at,
            ):
                while block := at.read(1 << 20):
                    part.write(block)


def _part(name: str) -> ZipInfo:
    part = ZipInfo(name, _MADE)
    part.compress_type = ZIP_DEFLATED
    return part


def readme(rows: Mapping[str, int], *, about: str, notes: Iterable[str]) -> str:
    """Say what the export holds, how to open, refresh and publish it, and what was not tried.

    Parameters
    ----------
    rows : mapping of str to int
        Rows of each extract by name.
    about : str
        For when and in which currency it speaks.
    notes : iterable of str
        What is missing, a sentence each.
    """
    missing = "".join(f"\n**Missing.** {note}\n" for note in notes)
    dashboards = "\n".join(
        f"- *{board.name}*: {', '.join(place.sheet for place in board.places)}."
        for board in DASHBOARDS
    )
    files = "\n".join(f"| `{name}.hyper` | {count:,} |" for name, count in rows.items())
    sheets = "\n".join(
        f"| {sheet.name} | {sheet.source} | {sheet.definition} |" for sheet in SHEETS
    )
    return _PAGE.format(
        about=about,
        dashboards=dashboards,
        files=files,
        missing=missing,
        length=TOP_N_VALUE,
        package=PACKAGE,
        parameter=TOP_N_CAPTION,
        sheets=sheets,
        version=f"20{VERSION}",
    )


_PAGE: Final = """# SLA Sniper for Tableau

{about}. Made by `sniper export tableau`.
{missing}
## Files

`{package}` has both dashboards and its own copy of the extracts. Each extract is also here, to be
published as a datasource of its own; its one table is `"Extract"."Extract"`.

| extract | rows |
|---|---|
{files}

Instants are UTC without a zone; days, months and hours of the clocks are those of the desk. Empty
is null. Assignees and requesters are in it only with `--with-names`.

## Dashboards

{dashboards}

Filters of *Operational Monitoring* act on all of its sheets. On *SLA Risk Intelligence* the first
filters act on the clocks that run now, the others on the backtest; the parameter *{parameter}*
(at first {length}) sets the length of the kill list.

| sheet | extract | shows |
|---|---|---|
{sheets}

Forecasts are compared with what became of them only where they were made by models that had not
seen those days. A model's forecasts of the days it learnt from are in no extract.

## Open

Open `{package}` in Tableau Desktop {version} or newer, or in Tableau Reader. It needs no
connection: the extracts are inside.

## Refresh

Run `sniper export tableau DIR` again and open, or publish, the new files. Nothing refreshes
itself: the extracts have no connection to the workspace.

## Publish

With [tabcmd](https://tableau.github.io/tabcmd/), after `tabcmd login`:

    tabcmd publish {package} --name "SLA Sniper" --project "Support" --overwrite
    tabcmd publish cycles.hyper --name "SLA clocks" --project "Support" --overwrite

With the [REST API](https://help.tableau.com/current/api/rest_api/en-us/REST/rest_api_ref.htm),
after signing in, for a file of up to 64 MB; `workbook.xml` says where to:
`<tsRequest><workbook name="SLA Sniper"><project id="PROJECT"/></workbook></tsRequest>`.

    curl "https://SERVER/api/VERSION/sites/SITE/workbooks?overwrite=true" -X POST \\
      -H "X-Tableau-Auth: $TOKEN" -H "Content-Type: multipart/mixed;" \\
      -F "request_payload=@workbook.xml" -F "tableau_workbook=@{package}"

## What was checked

The workbook follows Tableau's published schema for {version}, and every field of a sheet is in its
extract with that type: tests of sla-sniper read both back. It was not opened in Tableau Desktop:
none was available. A schema cannot promise that it opens; Tableau Server from 2026.2 on tells it
without publishing, by *Validate Workbook* of its REST API.
"""
