from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sla_sniper.core.errors import NotEnoughHistoryError
from sla_sniper.core.schema import INSTANT
from sla_sniper.model.split import (
    newest_days_cut,
    older_and_newer,
    require_history,
    require_labels,
    rolling_origins,
    training_rows,
)

CUT = datetime(2016, 3, 28, tzinfo=UTC)
BEFORE, AFTER = CUT - timedelta(days=1), CUT + timedelta(microseconds=1)


def snapshots(**columns):
    row = {"landmark": BEFORE, "decidable_at": BEFORE, "label_known_at": BEFORE, "breached": True}
    instants = dict.fromkeys(("landmark", "decidable_at", "label_known_at"), INSTANT)
    return pl.DataFrame([{**row, **columns}], schema={**instants, "breached": pl.Boolean})


@pytest.mark.parametrize(
    ("columns", "is_learnt"),
    [
        pytest.param({}, True, id="known"),
        pytest.param({"label_known_at": CUT, "decidable_at": CUT}, True, id="known at the cut"),
        pytest.param({"landmark": CUT}, False, id="landmark at the cut"),
        pytest.param({"label_known_at": AFTER}, False, id="known too late"),
        pytest.param({"decidable_at": AFTER}, False, id="met early, due later"),
        pytest.param({"breached": None, "label_known_at": None}, False, id="censored"),
    ],
)
def test_only_labels_due_and_known_are_learnt(columns, is_learnt):
    assert training_rows(snapshots(**columns), cut=CUT).tolist() == [is_learnt]


def days(n, first=datetime(2016, 3, 1, 9, tzinfo=UTC)):
    return pl.Series("landmark", [first + timedelta(days=at) for at in range(n)], dtype=INSTANT)


def test_newest_days_leave_older_ones():
    assert newest_days_cut(days(2), share=0.9) == datetime(2016, 3, 2, tzinfo=UTC)


def test_a_single_day_cannot_be_split():
    older, newer = older_and_newer(snapshots(), share=0.2)

    assert not older.any()
    assert not newer.any()


def test_labels_known_later_stay_out_of_the_older_part():
    frame = pl.concat([snapshots(label_known_at=AFTER), snapshots(landmark=CUT)])

    older, newer = older_and_newer(frame, share=0.5)

    assert (older.tolist(), newer.tolist()) == ([False, False], [False, True])


def test_a_short_log_is_refused_in_words():
    with pytest.raises(NotEnoughHistoryError) as refusal:
        require_history(days(9))

    assert str(refusal.value).startswith(
        "8 days of openings: an honest temporal evaluation needs at least 28 days"
    )


def test_an_empty_log_is_refused_in_words():
    with pytest.raises(NotEnoughHistoryError, match="0 days of openings"):
        require_history(days(0))


def test_four_weeks_of_openings_suffice():
    require_history(days(29))


def outcomes(n_breached, n_met):
    n = n_breached + n_met
    return pl.DataFrame(
        {
            "source": ["desk"] * n,
            "ticket_id": [str(at) for at in range(n)],
            "breached": [True] * n_breached + [False] * n_met,
        }
    )


@pytest.mark.parametrize(("n_breached", "n_met"), [(29, 171), (171, 29), (100, 99)])
def test_too_few_tickets_are_refused(n_breached, n_met):
    with pytest.raises(NotEnoughHistoryError, match=f"{n_breached} breached and {n_met} met"):
        require_labels(outcomes(n_breached, n_met))


def test_enough_tickets_of_both_outcomes_pass():
    require_labels(outcomes(30, 170))


def test_many_snapshots_of_few_tickets_are_refused():
    one = outcomes(1, 1)

    with pytest.raises(NotEnoughHistoryError, match="2 tickets"):
        require_labels(pl.concat([one] * 500))


def test_origins_never_overlap():
    origins = rolling_origins(days(60), n_origins=3, test_days=10)

    assert [origin.until for origin in origins[:-1]] == [origin.cut for origin in origins[1:]]


def test_the_last_origin_ends_with_the_log():
    landmarks = days(60)

    tested = rolling_origins(landmarks, n_origins=3, test_days=10)[-1].test_rows(
        landmarks.to_frame()
    )

    assert tested.tolist() == [False] * 50 + [True] * 10


@pytest.mark.parametrize("n", [0, 5])
def test_too_few_days_have_no_origin(n):
    assert rolling_origins(days(n), n_origins=1, test_days=10) == ()
