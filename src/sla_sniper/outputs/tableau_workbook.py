"""A Tableau workbook (`.twb`) written by hand: datasources, parameter, windows, document.

The grammar is that of Tableau's published schema for 2026.2 (tableau/tableau-document-schemas);
what it does not say, because a schema cannot, is here by rule: every pill of a sheet is declared
with its field, a table's object is named alike in metadata and object graph, and identifiers are
made from names. The manifest is the one that Tableau asks of documents written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from lxml import etree

from sla_sniper.outputs.elements import element
from sla_sniper.outputs.tableau_fields import PARAMETERS
from sla_sniper.outputs.tableau_sheets import (
    DASHBOARDS,
    SHEETS,
    TOP_N,
    TOP_N_CAPTION,
    TOP_N_MOST,
    TOP_N_VALUE,
)
from sla_sniper.outputs.tableau_views import (
    column,
    dashboard_element,
    instances,
    measure_names,
    worksheet_element,
)
from sla_sniper.panels.theme import RULE, SNIPER, SNIPER_GROUND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_sniper.outputs.tableau_fields import Field, Pill, Source
    from sla_sniper.outputs.tableau_sheets import Dashboard, Sheet

VERSION: Final = "26.2"
BUILD: Final = "0.0.0 (0000.0.0.0)"
"""What a document says that no build of Tableau has written."""
EXTRACTS: Final = "Data/Extracts"
"""Folder of the extracts within the package, by which the workbook finds them."""
_USER: Final = "http://www.tableausoftware.com/xml/user"
_NAMES: Final = UUID("6f0a3c52-6a0e-4c53-9d8b-2f6f6f1f4a6e")
_REMOTE_TYPES: Final = {
    "string": "129",
    "integer": "20",
    "real": "5",
    "boolean": "11",
    "date": "133",
    "datetime": "135",
}


def workbook(sources: Mapping[str, Source], *, about: str) -> bytes:
    """Write the workbook with both dashboards.

    Parameters
    ----------
    sources : mapping of str to Source
        See `tableau_sheets.sources`.
    about : str
        For when and in which currency it speaks, in a few words.

    Returns
    -------
    bytes
        The same for the same arguments.
    """
    told = {
        "original-version": VERSION,
        "source-build": BUILD,
        "source-platform": "win",
        "version": VERSION,
    }
    root = etree.Element("workbook", told, nsmap={"user": _USER})
    # Every feature of the version may be used, and no older Tableau will open it.
    root.append(element("document-format-change-manifest", element("ManifestByVersion")))
    root.append(_preferences())
    root.append(element("style"))
    root.append(
        element("datasources", _parameters(), *(_datasource(each) for each in sources.values()))
    )
    sheets = [worksheet_element(sheet, sources[sheet.source], top_n()) for sheet in SHEETS]
    root.append(element("worksheets", *map(_identified, sheets)))
    drawn = [
        dashboard_element(each, SHEETS, sources, about=about, top_n=top_n()) for each in DASHBOARDS
    ]
    root.append(element("dashboards", *map(_identified, drawn)))
    windows = (*map(_dashboard_window, DASHBOARDS), *map(_sheet_window, SHEETS))
    root.append(element("windows", *map(_identified, windows)))
    root.append(_explanations())
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _identified(part: etree._Element) -> etree._Element:
    """Give a part the identifier that its kind and name always have."""
    kind = f"{part.tag}/{part.get('class', '')}/{part.get('name')}"
    part.append(element("simple-id", uuid=f"{{{uuid5(_NAMES, kind)}}}".upper()))
    return part


def _preferences() -> etree._Element:
    """The palette of every other surface, for sheets that people add."""
    palettes = {
        "SLA Sniper": ("regular", (SNIPER, RULE)),
        "SLA Sniper risk": ("ordered-sequential", (SNIPER_GROUND, SNIPER)),
    }
    return element(
        "preferences",
        *(
            element(
                "color-palette", *(element("color", each) for each in colors), name=name, type=kind
            )
            for name, (kind, colors) in palettes.items()
        ),
    )


def _explanations() -> etree._Element:
    """Explain Data is off: what it finds by itself is tested against nothing."""
    told = {"enabled-for-viewer": "false", "extreme-values-enabled-for-all": "false"}
    return element("explain-data", element("explanation-types"), told)


def _parameters() -> etree._Element:
    return element(
        "datasource",
        element("aliases", enabled="yes"),
        top_n(),
        hasconnection="false",
        inline="true",
        name=PARAMETERS,
        version=VERSION,
    )


def top_n() -> etree._Element:
    """The parameter of the kill list."""
    value = str(TOP_N_VALUE)
    return element(
        "column",
        element("calculation", {"class": "tableau", "formula": value}),
        element("range", granularity="1", max=str(TOP_N_MOST), min="1"),
        {"param-domain-type": "range"},
        caption=TOP_N_CAPTION,
        datatype="integer",
        name=f"[{TOP_N}]",
        role="measure",
        type="quantitative",
        value=value,
    )


def _datasource(source: Source) -> etree._Element:
    colored = [sheet.series for sheet in SHEETS if sheet.source == source.name and sheet.series]
    series = {pill: color for each in colored for pill, color in each.items()}
    table = element(
        "column",
        caption=source.caption,
        datatype="table",
        name=f"[__tableau_internal_object_id__].[{source.table}]",
        role="measure",
        type="quantitative",
    )
    parts = [
        _connection(source),
        element("aliases", enabled="yes"),
        *map(column, source.fields.values()),
        table,
        *([measure_names()] if series else []),
        *instances(source, series),
        element(
            "layout",
            {
                "dim-ordering": "alphabetic",
                "measure-ordering": "alphabetic",
                "show-structure": "true",
            },
        ),
        *([_colors(source, series)] if series else []),
    ]
    if any(PARAMETERS in field.formula for field in source.fields.values()):
        parts.append(element("datasource-dependencies", top_n(), datasource=PARAMETERS))
    graph = element(
        "object",
        element("properties", _relation(source), context=""),
        caption=source.caption,
        id=source.table,
    )
    parts.append(element("object-graph", element("objects", graph)))
    return element(
        "datasource",
        *parts,
        caption=source.caption,
        inline="true",
        name=source.datasource,
        version=VERSION,
    )


def _connection(source: Source) -> etree._Element:
    """How the extract is found: by its path within the package."""
    extract = {
        "authentication": "auth-none",
        "author-locale": "en_US",
        "class": "hyper",
        "dbname": f"{EXTRACTS}/{source.name}.hyper",
        "default-settings": "yes",
        "schema": "Extract",
        "sslmode": "",
        "tablename": "Extract",
        "username": "tableau_internal_user",
    }
    named = element(
        "named-connection",
        element("connection", extract),
        caption=f"{source.name}.hyper",
        name=source.connection,
    )
    records = (_record(source, field, at) for at, field in enumerate(source.columns))
    return element(
        "connection",
        element("named-connections", named),
        _relation(source),
        element("metadata-records", *records),
        {"class": "federated"},
    )


def _relation(source: Source) -> etree._Element:
    return element(
        "relation",
        connection=source.connection,
        name="Extract",
        table="[Extract].[Extract]",
        type="table",
    )


def _record(source: Source, field: Field, ordinal: int) -> etree._Element:
    """What the extract says of one of its columns."""
    told = {
        "remote-name": field.name,
        "remote-type": _REMOTE_TYPES[field.datatype],
        "local-name": f"[{field.name}]",
        "parent-name": "[Extract]",
        "remote-alias": field.name,
        "ordinal": str(ordinal),
        "local-type": field.datatype,
        "aggregation": "Sum" if field.role == "measure" else "Count",
        "contains-null": "true",
        "object-id": f"[{source.table}]",
    }
    parts = (element(name, text) for name, text in told.items())
    return element("metadata-record", *parts, {"class": "column"})


def _colors(source: Source, series: Mapping[Pill, str]) -> etree._Element:
    """Colours of measures side by side: they belong to the datasource, not to a sheet."""
    maps = (
        element("map", element("bucket", f'"{source.ref(pill)}"'), to=color)
        for pill, color in series.items()
    )
    encoding = element("encoding", *maps, attr="color", field="[:Measure Names]", type="palette")
    return element("style", element("style-rule", encoding, element="mark"))


def _sheet_window(sheet: Sheet) -> etree._Element:
    left = [element("card", type=kind) for kind in ("pages", "filters", "marks")]
    top = [
        element("strip", element("card", type=kind), size="2147483647")
        for kind in ("columns", "rows", "title")
    ]
    cards = element(
        "cards",
        element("edge", element("strip", *left, size="160"), name="left"),
        element("edge", *top, name="top"),
    )
    return element("window", cards, {"class": "worksheet"}, name=sheet.name)


def _dashboard_window(dashboard: Dashboard) -> etree._Element:
    views = (
        element("viewpoint", element("zoom", type="entire-view"), name=place.sheet)
        for place in dashboard.places
    )
    return element(
        "window",
        element("viewpoints", *views),
        element("active", id="-1"),
        {"class": "dashboard", "maximized": str(dashboard == DASHBOARDS[0]).lower()},
        name=dashboard.name,
    )
