"""A use counts once, whatever its rows say beside."""

from decimal import Decimal

import pytest
from report_samples import usage_row

from rightscan.errors import PermanentError
from rightscan.reporting.columns import sheets
from rightscan.reporting.rows import normalise
from rightscan.reporting.summary import UsageFold


def fold(*rows):
    folded = UsageFold()
    for number, row in enumerate(rows):
        folded.add(normalise(sheets()["02"], {"row_id": f"row-{number}", **row}))
    folded.finish()
    return folded


def row(use_id, **changes):
    values = usage_row(use_id=use_id) | changes
    return (
        values if "row_id" in changes else {name: value for name, value in values.items() if name != "row_id"}
    )


def test_a_use_counts_once_however_many_performers_it_has():
    performers = [
        row("u1", name_ko=name, member_no=number) for name, number in (("가", "1"), ("나", "2"), ("다", "3"))
    ]
    folded = fold(*performers, row("u2", name_ko="가", member_no="1"))
    (group,) = folded.summary_rows()
    assert (group["uses"], group["seconds_used"]) == (2, Decimal("60.500"))
    assert (group["recordings"], group["performers"]) == (1, 3)
    assert group["est_amount"] is None


def test_a_use_in_two_ledgers_counts_in_each_and_once_in_all():
    folded = fold(row("u1", ledger="licence_fee"), row("u1", ledger="remuneration", name_ko="나"))
    assert [group["uses"] for group in folded.summary_rows()] == [1, 1]
    assert folded.whole.uses == 1
    assert folded.whole.seconds_used == Decimal("30.250")


def test_two_people_of_one_name_are_two():
    folded = fold(row("u1", name_ko="김민수", member_no="1"), row("u1", name_ko="김민수", member_no="2"))
    assert len(folded.whole.performers) == 2


def test_reversal_and_replacement_net_to_the_correction():
    folded = fold(
        row("u1", est_amount=1000),
        row("u1", line_type="reversal", use_count=-1, seconds_used=-30.25, est_amount=-1000),
        row("u1", line_type="replacement", seconds_used=20, est_amount=700),
    )
    assert (folded.whole.uses, folded.whole.seconds_used) == (1, Decimal("20.000"))
    assert folded.whole.est_amount == 700


def test_missing_facts_are_counted():
    folded = fold(row("u1", platform=None, isrc=""), row("u2", platform=None))
    assert folded.missing["platform"] == 2
    assert folded.missing["isrc"] == 1
    assert folded.missing["url"] == 0
    assert folded.missing["captured_at"] == 2


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([row("u1"), row("u1", seconds_used=1, name_ko="나")], "use_rows_disagree"),
        ([row("u1"), row("u2"), row("u1", name_ko="나")], "use_rows_apart"),
        ([row("u1", row_id="same"), row("u2", row_id="same")], "repeated_row_id"),
        ([row("u1", est_amount=5, currency="USD")], "foreign_currency"),
    ],
)
def test_what_would_count_wrongly_is_refused(rows, code):
    with pytest.raises(PermanentError) as refused:
        fold(*rows)
    assert refused.value.code == code


def test_order_of_groups_does_not_depend_on_order_of_rows():
    rows = [row("u1", platform="나"), row("u2", platform="가"), row("u3", platform=None)]
    first, second = fold(*rows), fold(*reversed(rows))
    assert list(first.summary_rows()) == list(second.summary_rows())
    assert [group["platform"] for group in first.summary_rows()] == [None, "가", "나"]
