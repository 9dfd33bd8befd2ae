"""The public logs, where the shared folder has them."""

from pathlib import Path

import polars as pl
import pytest

from sla_sniper.sources import open_source

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"SKIPPED, NOT PASSED: the logs are read from {DATA}, which is absent"
)


@pytest.mark.parametrize(
    ("name", "n_rows", "n_columns"),
    [
        ("servicenow_incidents_2016.csv.gz", 94_074, 36),
        ("boston311_2011h2.csv.gz", 58_251, 22),
        ("italian_helpdesk.csv.gz", 21_348, 16),
        ("italian_helpdesk.xes.gz", 21_348, 10),
        ("synthetic_support_tickets.csv.gz", 8_469, 17),
        ("fivetran_zendesk_ticket_metrics.csv.gz", 5_849, 23),
        ("fivetran_zendesk_sla_policies.csv.gz", 3_450, 16),
    ],
)
def test_a_public_log_is_read_whole(name, n_rows, n_columns):
    source = open_source(DATA / name)

    batches = list(source.batches(rows=10_000))

    numbers = pl.concat(batch.frame["_row"] for batch in batches)
    assert len(source.columns()) == n_columns
    assert numbers.equals(pl.int_range(1, n_rows + 1, eager=True))
    assert not any(batch.refused for batch in batches)


def test_both_italian_files_tell_the_same_events():
    table = open_source(DATA / "italian_helpdesk.csv.gz").batches()
    log = open_source(DATA / "italian_helpdesk.xes.gz").batches()

    activities = pl.concat(batch.frame["Activity"] for batch in table).value_counts()
    names = pl.concat(batch.frame["concept:name"] for batch in log).value_counts()

    assert dict(activities.rows()) == dict(names.rows())


def test_question_marks_in_servicenow_become_null():
    source = open_source(DATA / "servicenow_incidents_2016.csv.gz", null_values=("?",))

    frame = pl.concat(batch.frame for batch in source.batches())

    assert 0.18 < frame["assigned_to"].null_count() / frame.height < 0.20
    assert not (frame["assignment_group"] == "?").any()
