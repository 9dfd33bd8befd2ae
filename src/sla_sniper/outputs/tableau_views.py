"""Worksheets and dashboards of a Tableau workbook as elements of its document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sla_sniper.outputs.elements import element
from sla_sniper.outputs.tableau_fields import PARAMETERS, Pill
from sla_sniper.outputs.tableau_sheets import IN_TOP_N, TOP_N
from sla_sniper.panels.theme import GROUND, INK, MUTED, SNIPER, SNIPER_GROUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lxml import etree

    from sla_sniper.outputs.tableau_fields import Field, Source
    from sla_sniper.outputs.tableau_sheets import Dashboard, Place, Sheet

MEASURES: Final = "[:Measure Names]"
VALUES: Final = "[Multiple Values]"
_USER: Final = "{http://www.tableausoftware.com/xml/user}"
_WHOLE: Final = 100_000
_WIDTH, _HEIGHT = 1400, 900
_HEAD: Final = 8_000
_CONTROLS: Final = 82_000
_LINE_END: Final = "Æ\n"
"""How Tableau writes the end of a line within a text."""


def column(field: Field) -> etree._Element:
    """Declare a field."""
    told = {
        "caption": field.caption,
        "datatype": field.datatype,
        "default-format": field.form,
        "name": f"[{field.name}]",
        "role": field.role,
        "type": field.type,
    }
    declared = element("column", {name: text for name, text in told.items() if text})
    if field.formula:
        declared.append(element("calculation", {"class": "tableau", "formula": field.formula}))
    return declared


def measure_names() -> etree._Element:
    """Declare the field that names measures side by side; their values need no declaration."""
    told = {"datatype": "string", "name": MEASURES, "role": "dimension", "type": "nominal"}
    return element("column", told)


def instances(source: Source, pills: Iterable[Pill]) -> Iterator[etree._Element]:
    """Declare pills of a datasource."""
    for pill in pills:
        yield element(
            "column-instance",
            column=f"[{pill.field}]",
            derivation=pill.derivation,
            name=source.instance(pill),
            pivot="key",
            type=source.kind(pill),
        )


def worksheet_element(sheet: Sheet, source: Source, top_n: etree._Element) -> etree._Element:
    """A worksheet without its identifier."""
    title = element(
        "formatted-text",
        element("run", sheet.name, bold="true", fontcolor=INK, fontsize="12"),
        element("run", _LINE_END),
        element("run", sheet.definition, fontcolor=MUTED, fontsize="9"),
    )
    table = element(
        "table",
        _view(sheet, source, top_n),
        _style(sheet, source),
        element("panes", _pane(sheet, source)),
        element("rows", _shelf(source, sheet.rows, values=bool(sheet.series))),
        element("cols", _shelf(source, sheet.cols, names=bool(sheet.series))),
    )
    return element(
        "worksheet", element("layout-options", element("title", title)), table, name=sheet.name
    )


def _view(sheet: Sheet, source: Source, top_n: etree._Element) -> etree._Element:
    """Datasources, declarations, filters and order of a worksheet."""
    has_parameter = any(pill.field == IN_TOP_N.name for pill in sheet.pills)
    linked = [element("datasource", caption=source.caption, name=source.datasource)]
    declared = [_dependencies(source, sheet.pills)]
    if sheet.series:
        declared[0].insert(0, measure_names())
    if has_parameter:
        linked.append(element("datasource", name=PARAMETERS))
        declared.insert(0, element("datasource-dependencies", top_n, datasource=PARAMETERS))
    only = sheet.only or {}
    sliced = [source.ref(Pill(name)) for name in (*sheet.filters, *only)]
    if sheet.series:
        sliced.insert(0, f"[{source.datasource}].{MEASURES}")
    return element(
        "view",
        element("datasources", *linked),
        *declared,
        *([_measures(source, sheet.series)] if sheet.series else []),
        *(_all_values(source, name, at) for at, name in enumerate(sheet.filters)),
        *(_one_value(source, name, value) for name, value in only.items()),
        *_order(sheet, source),
        element("slices", *(element("column", name) for name in sliced)),
        element("aggregation", value="true"),
    )


def _dependencies(source: Source, pills: Sequence[Pill]) -> etree._Element:
    """Declare every field of some pills, those of their formulas included, then the pills."""
    used = dict.fromkeys(pill.field for pill in pills)
    for name in tuple(used):
        formula = source.fields[name].formula
        used |= dict.fromkeys(other for other in source.fields if f"[{other}]" in formula)
    columns = (column(source.fields[name]) for name in used)
    return element(
        "datasource-dependencies",
        *columns,
        *instances(source, pills),
        datasource=source.datasource,
    )


def _all_values(source: Source, name: str, at: int) -> etree._Element:
    """A filter that lets everything through; its group acts on every sheet of the source."""
    pill = Pill(name)
    members = element(
        "groupfilter",
        {f"{_USER}ui-enumeration": "all", f"{_USER}ui-marker": "enumerate"},
        function="level-members",
        level=source.instance(pill),
    )
    group = str(1 + at + 100 * ("cycles", "predictions", "backtest").index(source.name))
    return element(
        "filter", members, {"class": "categorical", "filter-group": group}, column=source.ref(pill)
    )


def _one_value(source: Source, name: str, value: str) -> etree._Element:
    pill = Pill(name)
    member = element(
        "groupfilter",
        {
            f"{_USER}ui-domain": "database",
            f"{_USER}ui-enumeration": "inclusive",
            f"{_USER}ui-marker": "enumerate",
        },
        function="member",
        level=source.instance(pill),
        member=value,
    )
    return element("filter", member, {"class": "categorical"}, column=source.ref(pill))


def _measures(source: Source, series: Mapping[Pill, str]) -> etree._Element:
    """Which measures stand side by side."""
    members = (
        element("groupfilter", function="member", level=MEASURES, member=f'"{source.ref(pill)}"')
        for pill in series
    )
    return element(
        "filter",
        element("groupfilter", *members, {f"{_USER}op": "manual"}, function="union"),
        {"class": "categorical"},
        column=f"[{source.datasource}].{MEASURES}",
    )


def _order(sheet: Sheet, source: Source) -> Iterator[etree._Element]:
    if sheet.order is not None:
        name, by = sheet.order
        yield element(
            "computed-sort",
            column=source.ref(Pill(name)),
            direction="DESC",
            using=source.ref(by),
        )


def _style(sheet: Sheet, source: Source) -> etree._Element:
    """Shares and amounts from pale to full, as on every other surface."""
    if sheet.color is None:
        return element("style")
    palette = element(
        "color-palette",
        element("color", SNIPER_GROUND),
        element("color", SNIPER),
        custom="true",
        name="",
        type="ordered-sequential",
    )
    encoding = element(
        "encoding",
        palette,
        attr="color",
        field=source.ref(sheet.color),
        max="1",
        min="0",
        type="custom-interpolated",
    )
    return element("style", element("style-rule", encoding, element="mark"))


def _pane(sheet: Sheet, source: Source) -> etree._Element:
    encodings = element("encodings")
    if sheet.series:
        encodings.append(element("color", column=f"[{source.datasource}].{MEASURES}"))
        encodings.append(element("text", column=f"[{source.datasource}].{VALUES}"))
    if sheet.color is not None:
        encodings.append(element("color", column=source.ref(sheet.color)))
    if sheet.label is not None:
        encodings.append(element("text", column=source.ref(sheet.label)))
    formats = [("mark-labels-show", "true"), ("mark-labels-cull", "true")]
    if sheet.color is None and not sheet.series:
        formats.append(("mark-color", SNIPER))
    return element(
        "pane",
        element("view", element("breakdown", value="auto")),
        element("mark", {"class": sheet.mark}),
        encodings,
        element(
            "style", element("style-rule", *(_format(*each) for each in formats), element="mark")
        ),
        {"selection-relaxation-option": "selection-relaxation-allow"},
    )


def _format(name: str, value: str) -> etree._Element:
    return element("format", attr=name, value=value)


def _shelf(
    source: Source, pills: Sequence[Pill], *, values: bool = False, names: bool = False
) -> str:
    """A shelf in Tableau's notation: dimensions nest, measures stand side by side."""
    refs = [source.ref(pill) for pill in pills]
    if values:
        refs.append(f"[{source.datasource}].{VALUES}")
    if names:
        refs.append(f"[{source.datasource}].{MEASURES}")
    nested = refs.pop()
    while refs:
        nested = f"({refs.pop()} / {nested})"
    return nested


def dashboard_element(
    dashboard: Dashboard,
    sheets: Sequence[Sheet],
    sources: Mapping[str, Source],
    *,
    about: str,
    top_n: etree._Element,
) -> etree._Element:
    """A dashboard without its identifier."""
    owners = {sheet.name: sources[sheet.source] for sheet in sheets}
    used = dict.fromkeys(owners[place.sheet].name for place in dashboard.places)
    linked = [
        element("datasource", caption=sources[name].caption, name=sources[name].datasource)
        for name in used
    ]
    declared = [
        _dependencies(owners[each.sheet], [Pill(name) for name in each.fields])
        for each in dashboard.controls
    ]
    if dashboard.has_top_n:
        linked.insert(0, element("datasource", name=PARAMETERS))
        declared.insert(0, element("datasource-dependencies", top_n, datasource=PARAMETERS))
    size = {"height": str(_HEIGHT), "width": str(_WIDTH)}
    extent = {f"{end}{name}": value for name, value in size.items() for end in ("min", "max")}
    return element(
        "dashboard",
        element("style"),
        element("size", extent, {"sizing-mode": "fixed"}),
        element("datasources", *linked),
        *declared,
        element("zones", _zones(dashboard, owners, about)),
        name=dashboard.name,
    )


def _zones(dashboard: Dashboard, owners: Mapping[str, Source], about: str) -> etree._Element:
    """The title, the sheets, and the filters in a column on the right."""
    ids = iter(range(2, 1000))
    title = element(
        "formatted-text",
        element("run", dashboard.name, bold="true", fontcolor=INK, fontsize="18"),
        element("run", f"   {about}", fontcolor=MUTED, fontsize="10"),
    )
    head = _zone(next(ids), (0, 0, _WHOLE, _HEAD), {"type-v2": "text"}, title)
    views = [_sheet_zone(next(ids), place) for place in dashboard.places]
    controls = [*_controls(dashboard, owners)]
    step = (_WHOLE - _HEAD) // len(controls)
    beside = [
        _zone(next(ids), (_CONTROLS, _HEAD + at * step, _WHOLE - _CONTROLS, step), *parts)
        for at, parts in enumerate(controls)
    ]
    return _zone(1, (0, 0, _WHOLE, _WHOLE), {"type-v2": "layout-basic"}, head, *views, *beside)


def _controls(
    dashboard: Dashboard, owners: Mapping[str, Source]
) -> Iterator[tuple[dict[str, str] | etree._Element, ...]]:
    """What each zone of the column says of itself, from the top."""
    if dashboard.has_top_n:
        param = f"[{PARAMETERS}].[{TOP_N}]"
        yield ({"mode": "type_in", "param": param, "type-v2": "paramctrl"},)
    for each in dashboard.controls:
        title = element("run", each.title, bold="true", fontcolor=INK, fontsize="10")
        yield {"type-v2": "text"}, element("formatted-text", title)
        for name in each.fields:
            told = {"mode": "checkdropdown", "name": each.sheet, "type-v2": "filter"}
            yield (told | {"param": owners[each.sheet].ref(Pill(name))},)


def _sheet_zone(number: int, place: Place) -> etree._Element:
    thousandth = _WHOLE // 100
    box = (place.x, place.y, place.w, place.h)
    x, y, w, h = (each * thousandth for each in box)
    return _zone(number, (x, y, w, h), {"name": place.sheet})


def _zone(
    number: int,
    box: tuple[int, int, int, int],
    *parts: Mapping[str, str] | etree._Element,
) -> etree._Element:
    x, y, w, h = map(str, box)
    style = element("zone-style", _format("background-color", GROUND), _format("margin", "4"))
    return element("zone", *parts, style, h=h, id=str(number), w=w, x=x, y=y)
