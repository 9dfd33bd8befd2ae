"""Texts, sheets and marts of an export: what strangers wrote, and what others expect."""

from __future__ import annotations

import errno
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from unicodedata import category

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from sla_sniper.core.schema import CYCLES, PREDICTIONS
from sla_sniper.outputs import sheets
from sla_sniper.outputs.marts import SLA_POLICY_COLUMNS, zendesk_sla_policies
from sla_sniper.outputs.sheets import TooManyRowsError, write_workbook
from sla_sniper.outputs.tableau_fields import source_of
from sla_sniper.outputs.tables import (
    BACKTEST,
    CYCLE_COLUMNS,
    backtest_table,
    cycles_table,
    risk_bucket,
)
from sla_sniper.outputs.texts import FORMULA, INNER, cleaned, guarded
from sla_sniper.usecases.files import write_table

AT = datetime(2025, 10, 27, 9, tzinfo=UTC)
HOUR_US = 3_600_000_000
NASTY = [
    "=cmd|'/c calc'!A1", "+1", "-1", "@x", "\ttab", " =1", "'=1", "\uff1d1",
    "\u200b=1", "\ufeff=1", "\u200e=1", "\u202e=1", "\ufe661", "\ufe621", "\ufe631", "\ufe6b1",
    "<script>alert(1)</script>", "مرحبا بالعالم", "🔥 on fire", "'s-Hertogenbosch", "a,b\"c\nd",
]  # fmt: skip
DANGEROUS = NASTY[:16]


def column(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"group": values}, schema={"group": pl.String})


def sheet_rows(path, name="t"):
    return CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python()


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_may_run_gets_one_apostrophe(text):
    assert guarded(column(text))["group"].to_list() == ["'" + text]


@pytest.mark.parametrize("text", NASTY[16:])
def test_harmless_text_is_left_alone(text):
    assert guarded(column(text))["group"].to_list() == [text]


def test_numbers_are_never_guarded():
    frame = pl.DataFrame({"slack_s": [-1, 2], "cost": [-0.5, None]})

    assert guarded(frame).equals(frame)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("x\t=1+1", "x\t'=1+1"),
        ("x| \u200b@y", "x| \u200b'@y"),
        ('x;"=1+1"', 'x;"\'=1+1"'),
        ("x\n-1;-1", "x\n'-1;'-1"),
        ("\t=1", "'\t'=1"),
        ("x; 1-1", "x; 1-1"),
    ],
)
def test_a_sign_behind_another_separator_does_not_run(text, told):
    assert guarded(column(text))["group"].to_list() == [told]


STRANGE = st.text(st.sampled_from("=+-@\uff1d\ufe66 ;|\t\n'\"\u200bax")) | st.text()


@given(STRANGE)
def test_guard_can_be_undone(text):
    found = guarded(column(text))

    begun = found["group"].str.contains(FORMULA)[0]
    outer = found.select(pl.col("group").str.slice(int(begun)))
    inner = INNER.replace(")(", ")'(")
    assert outer.select(pl.col("group").str.replace_all(inner, "${1}${2}")).item() == text


@given(STRANGE)
def test_no_cell_of_a_guarded_text_begins_with_a_formula(text):
    found = guarded(column(text))["group"][0]

    for cell in re.split("[;|\t\r\n]", found):
        shown = "".join(char for char in cell if category(char) != "Cf").strip().strip('"')
        assert shown[:1] not in set("=+-@\uff1d\ufe66")


def test_control_characters_are_taken_out():
    frame = column("a\x00b\x07\x1f\x7f\ufffe", "keeps\ttab\nline", None)

    assert cleaned(frame)["group"].to_list() == ["ab", "keeps\ttab\nline", None]


def test_csv_is_guarded_and_parquet_is_not(tmp_path):
    write_table(column("=1", "a\x00"), tmp_path / "t.csv")
    write_table(column("=1", "a\x00"), tmp_path / "t.parquet")

    assert pl.read_csv(tmp_path / "t.csv")["group"].to_list() == ["'=1", "a"]
    assert pl.read_parquet(tmp_path / "t.parquet")["group"].to_list() == ["=1", "a\x00"]


def test_sheet_reads_back_as_written(tmp_path):
    frame = pl.DataFrame(
        {
            "group": [*NASTY, None],
            "n": [*range(len(NASTY)), None],
            "p_breach": [0.25] * len(NASTY) + [float("nan")],
            "is_breach": [True] * len(NASTY) + [None],
            "due_at": [AT] * len(NASTY) + [None],
            "day": [date(2025, 10, 26)] * len(NASTY) + [None],
        }
    )

    write_workbook({"t": frame}, tmp_path / "t.xlsx")

    head, *rows = sheet_rows(tmp_path / "t.xlsx")
    assert head == frame.columns
    assert [row[0] for row in rows[: len(NASTY)]] == NASTY
    assert rows[0][1:] == [0.0, 0.25, True, AT.replace(tzinfo=None), date(2025, 10, 26)]
    assert set(rows[-1]) <= {""} if len(rows) > len(NASTY) else True


def test_every_instant_of_a_sheet_says_its_zone(tmp_path):
    write_workbook({"t": pl.DataFrame({"act_by": [AT]})}, tmp_path / "t.xlsx")

    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        styles, sheet = (book.read(f"xl/{name}.xml") for name in ("styles", "worksheets/sheet1"))
    assert b"yyyy-mm-dd hh:mm:ss &quot;UTC&quot;" in styles
    assert b'r="A2" s="2"' in sheet
    assert sheet_rows(tmp_path / "t.xlsx")[1] == [AT.replace(tzinfo=None)]


def test_fields_of_instants_say_their_zone_and_dates_do_not():
    schema = pl.Schema({"act_by": pl.Datetime("us", "UTC"), "decided_on": pl.Date()})

    fields = source_of("t", "T", schema).fields

    assert fields["act_by"].caption == "Act by (UTC)"
    assert fields["decided_on"].caption == "Decided on"


@pytest.mark.parametrize(
    ("table", "when"), [("cycles", "last known"), ("backtest", "at the forecast")]
)
def test_a_field_of_a_ticket_says_which_of_its_values_it_is(table, when):
    fields = source_of(table, "T", pl.Schema({"group": pl.String(), "metric": pl.String()})).fields

    assert fields["group"].caption == f"Group ({when})"
    assert fields["metric"].caption == "Metric"


def test_sheet_never_holds_a_formula(tmp_path):
    write_workbook({"t": column(*NASTY)}, tmp_path / "t.xlsx")

    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b'state="frozen"' in sheet


def test_too_long_text_is_cut_visibly(tmp_path):
    write_workbook({"t": column("x" * 40_000)}, tmp_path / "t.xlsx")

    (text,) = sheet_rows(tmp_path / "t.xlsx")[1]
    assert len(text) == 32_767
    assert text.endswith("x…")


def test_instant_before_1900_is_an_empty_cell(tmp_path):
    frame = pl.DataFrame({"at": [datetime(1850, 1, 1, tzinfo=UTC), AT], "n": [1, 2]})

    write_workbook({"t": frame}, tmp_path / "t.xlsx")

    assert sheet_rows(tmp_path / "t.xlsx")[1] == ["", 1.0]


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)

    with pytest.raises(TooManyRowsError, match=r"table t has 3 rows .* holds 2; use `sniper exp"):
        write_workbook({"t": column("a", "b", "c")}, tmp_path / "t.xlsx")

    assert not (tmp_path / "t.xlsx").exists()


def test_a_sheet_that_cannot_be_written_says_why(tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        write_workbook({"t": column("a")}, tmp_path / "nowhere" / "t.xlsx")


def test_full_scratch_disk_is_the_systems_error(tmp_path, monkeypatch):
    def no_room(_book: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Workbook, "_store_workbook", no_room)

    with pytest.raises(OSError, match="No space left") as told:
        write_workbook({"t": column("a")}, tmp_path / "t.xlsx")

    assert told.value.errno == errno.ENOSPC


def clock(ticket: str, state: str, **more: object) -> dict[str, object]:
    row = dict.fromkeys(CYCLES) | {
        "source": "desk",
        "ticket_id": ticket,
        "policy": "gold",
        "metric": "first_reply_time",
        "cycle": 1,
        "applied_at": AT,
        "target_us": 2 * HOUR_US,
        "calendar": "office",
        "state": state,
        "elapsed_us": HOUR_US,
        "priority_applied": "high",
    }
    return row | more


CLOCKS = pl.DataFrame(
    [
        clock("running", "running", due_at=AT + timedelta(hours=2)),
        clock("paused", "paused"),
        clock("met", "met", fulfilled_at=AT + timedelta(hours=1), calendar="always"),
        clock("missed", "missed", breached_at=AT + timedelta(hours=2),
              fulfilled_at=AT + timedelta(hours=9), elapsed_us=9 * HOUR_US),
        clock("overdue", "overdue", breached_at=AT + timedelta(hours=2)),
        clock("cancelled", "cancelled"),
    ],
    schema=dict(CYCLES),
)  # fmt: skip


def mart() -> dict[str, dict[str, object]]:
    found = zendesk_sla_policies(CLOCKS, in_business_hours={"office": True, "always": False})
    return {row["ticket_id"]: row for row in found.to_dicts()}


def test_mart_has_the_columns_of_the_model():
    # The select of models/zendesk__sla_policies.sql in fivetran/dbt_zendesk 1.7.0.
    assert SLA_POLICY_COLUMNS == (
        "sla_event_id", "source_relation", "ticket_id", "sla_policy_name", "metric",
        "sla_applied_at", "target", "in_business_hours", "priority_applied", "sla_breach_at",
        "sla_elapsed_time", "is_active_sla", "is_sla_breach",
    )  # fmt: skip


def test_mart_counts_in_minutes_of_its_calendar():
    row = mart()["met"]

    assert (row["target"], row["sla_elapsed_time"]) == (120.0, 60.0)
    assert row["in_business_hours"] is False
    assert mart()["missed"]["in_business_hours"] is True


@pytest.mark.parametrize(
    ("ticket", "is_active", "is_breach", "hours"),
    [
        ("running", True, None, 2),
        ("paused", True, None, None),
        ("met", False, False, 1),
        ("missed", False, True, 2),
        ("overdue", False, True, 2),
    ],
)
def test_mart_tells_state_as_the_model_does(ticket, is_active, is_breach, hours):
    row = mart()[ticket]

    assert (row["is_active_sla"], row["is_sla_breach"]) == (is_active, is_breach)
    assert row["sla_breach_at"] == (None if hours is None else AT + timedelta(hours=hours))


def test_mart_leaves_cancelled_clocks_out():
    assert "cancelled" not in mart()


def test_event_ids_name_each_clock_of_a_ticket():
    twice = pl.concat([CLOCKS, CLOCKS.with_columns(pl.lit(2, pl.Int64).alias("cycle"))])

    ids = zendesk_sla_policies(twice, in_business_hours={})["sla_event_id"]

    assert ids.n_unique() == ids.len() == 10
    assert ids.equals(zendesk_sla_policies(twice, in_business_hours={})["sla_event_id"])


def test_mart_of_no_clock_keeps_its_types():
    found = zendesk_sla_policies(CLOCKS.clear(), in_business_hours={})

    assert found.schema == zendesk_sla_policies(CLOCKS, in_business_hours={}).schema


TICKETS = pl.DataFrame(
    {
        "source": "desk",
        "ticket_id": ["running", "met", "missed"],
        "group": ["network", None, "apps"],
        "assignee": ["Ada", "Bob", "Eve"],
    }
)
PREDICTED = pl.DataFrame(
    {"source": ["desk"], "ticket_id": ["running"], "metric": ["first_reply_time"],
     "due_at": [AT + timedelta(hours=2)], "p_breach": [0.4]},
).cast({"due_at": PREDICTIONS["due_at"]}).pipe(
    lambda frame: frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in PREDICTIONS.items()
        if name not in frame.columns
    )
)  # fmt: skip


def cycles() -> dict[str, dict[str, object]]:
    priced = CLOCKS.with_columns(
        pl.lit(AT).cast(PREDICTIONS["as_of"]).alias("as_of"),
        pl.lit(200.0).alias("cost"),
        pl.lit("EUR").alias("currency"),
    )
    found = cycles_table(priced, TICKETS, PREDICTED, timezone="Pacific/Auckland")
    assert found.columns == [*CYCLE_COLUMNS, "group", "assignee"]
    return {row["ticket_id"]: row for row in found.to_dicts()}


@pytest.mark.parametrize(
    ("ticket", "is_breach", "cost", "p_breach"),
    [
        ("running", None, None, 0.4),
        ("paused", None, None, None),
        ("met", False, 0.0, None),
        ("missed", True, 200.0, None),
        ("overdue", True, 200.0, None),
        ("cancelled", None, None, None),
    ],
)
def test_cycles_tell_outcome_money_and_forecast(ticket, is_breach, cost, p_breach):
    row = cycles()[ticket]

    assert (row["is_breach"], row["cost_incurred"], row["p_breach"]) == (is_breach, cost, p_breach)


def test_days_of_cycles_are_local():
    row = cycles()["missed"]

    # 09:00 UTC on the Monday after Europe's change is 22:00 in Auckland, 13 hours ahead.
    assert (row["applied_on"], row["applied_hour"]) == (date(2025, 10, 27), 22)
    assert (row["applied_month"], row["applied_weekday"]) == ("2025-10", 1)
    assert row["decided_on"] == date(2025, 10, 28)


def test_ticket_of_a_clock_may_be_unknown():
    assert cycles()["overdue"]["group"] is None
    assert cycles()["missed"]["group"] == "apps"


POOL = pl.DataFrame(
    {
        "landmark": [AT, AT + timedelta(hours=1), AT],
        "day": [AT.date()] * 3,
        "source": "desk",
        "ticket_id": ["missed", "missed", "running"],
        "metric": "first_reply_time",
        "policy": "gold",
        "cycle": 1,
        "priority": "high",
        "group": None,
        "channel": None,
        "category": None,
        "product": None,
        "due_at": AT,
        "slack_us": 90_000_000,
        "cost": 200.0,
        "p_breach": [0.31, 1.0, 0.0],
        "breached": [False, False, True],
        "label_known_at": AT,
    }
)


def test_outcomes_of_forecasts_come_from_the_clocks_alone():
    found = backtest_table(POOL, CLOCKS)

    assert found.schema == BACKTEST
    assert found.sort("ticket_id", "landmark")["breached"].to_list() == [True, True, None]


def test_first_forecast_of_a_clock_is_marked():
    found = backtest_table(POOL, CLOCKS).sort("ticket_id", "landmark")

    assert found["is_first"].to_list() == [True, False, True]
    assert found["risk_bucket"].to_list() == ["30-40 %", "90-100 %", "00-10 %"]


def test_no_backtest_is_an_empty_table():
    found = backtest_table(None, CLOCKS)

    assert found.is_empty()
    assert found.schema == BACKTEST


@given(st.floats(0, 1))
def test_risk_bucket_holds_its_forecast(p):
    bucket = pl.DataFrame({"p_breach": [p]}).select(risk_bucket()).item()

    low, high = (int(part) / 100 for part in bucket.removesuffix(" %").split("-"))
    assert low <= p + 1e-12
    assert p < high + 1e-12 or high == 1
