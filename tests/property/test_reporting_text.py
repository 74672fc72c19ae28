"""No text, however hostile, is lost, run or shown other than it is; sums tie for any ledger."""

import datetime as dt
import tempfile
import unicodedata
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.reporting.columns import sheets
from rightscan.reporting.csv_twin import neutralise, read_twin, restore
from rightscan.reporting.export import ReportInput, write_report
from rightscan.reporting.rows import EXCEL_TEXT_LIMIT, clean_text
from rightscan.reporting.verify import verify_report

STARTS = [
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "'",
    "''=",
    "＝",
    "<r>",
    "_x0041_",
    "&amp;",
    "\ufeff",
    " ",
    "\u200f",
]
ANY_TEXT = st.builds(
    lambda start, body, end, times: (start + body + end) * times,
    st.sampled_from(["", *STARTS]),
    st.text(st.characters(), max_size=40),
    st.sampled_from(["", "</r>", "🎵", "\ud83d", "\u202e", "각", "\uffff", ',"', " "]),
    st.sampled_from([1, 1, 1, 3]),
) | st.sampled_from(["가" * 40_000, "🎵" * 40_000, "=" * 40_000])


def report(rows):
    created = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
    return ReportInput(
        report_id="R000001", period="2026-10", version=1, created_at=created, rows={"02": rows}
    )


@given(ANY_TEXT)
def test_cleaning(text):
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert len(clean.encode("utf-16-le")) // 2 <= EXCEL_TEXT_LIMIT
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in clean)


@given(ANY_TEXT)
def test_neutralising_is_undone_exactly(text):
    assert restore(neutralise(text)) == text
    assert not neutralise(text).startswith(tuple("=+-@\t\r\n＝＋－＠"))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=8))
def test_workbook_csv_and_input_say_the_same(texts):
    rows = [
        {
            "row_id": f"row-{number}",
            "use_id": f"use-{number}",
            "seconds_used": 1,
            "use_count": 1,
            "code": "U1",
            "title": title,
            "isrc": isrc,
        }
        for number, (title, isrc) in enumerate(texts)
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = write_report(report(rows), Path(folder))
        assert verify_report(files.folder) == []
        _, *twin = read_twin(files.twins["02"])
        book = openpyxl.load_workbook(files.workbook, read_only=True)
        _, *shown = book["02_이용내역"].iter_rows(values_only=True)
        book.close()
    positions = sheets()["02"].positions
    for (title, isrc), fields, cells in zip(texts, twin, shown, strict=True):
        for text, position in ((title, positions["title"]), (isrc, positions["isrc"])):
            assert fields[position] == clean_text(text)
            # openpyxl leaves Excel's escape of texts like _x0041_ as it is stored.
            assert (cells[position] or "").replace("_x005F", "") == clean_text(text).replace("_x005F", "")


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["KBS", "멜론", None]),
            st.sampled_from(["U1", "U2"]),
            st.decimals(0, 10_000, places=3),
            st.integers(1, 3),
            st.integers(1, 4),
            st.none() | st.integers(-(10**12), 10**12),
        ),
        max_size=12,
    )
)
def test_sums_tie_for_any_ledger(uses):
    rows = []
    expected = defaultdict(lambda: [0, Decimal(0)])
    for number, (platform, code, seconds, count, performers, amount) in enumerate(uses):
        expected[platform, code][0] += count
        expected[platform, code][1] += seconds
        rows += [
            {
                "row_id": f"{number}-{performer}",
                "use_id": f"use-{number}",
                "platform": platform,
                "code": code,
                "seconds_used": seconds,
                "use_count": count,
                "name_ko": f"실연자 {performer}",
                "est_amount": amount,
            }
            for performer in range(performers)
        ]
    with tempfile.TemporaryDirectory() as folder:
        files = write_report(report(rows), Path(folder))
        assert verify_report(files.folder) == []
        _, *summary = read_twin(files.twins["01"])
        cover = dict(read_twin(files.twins["00"]))
    found = {(row[2] or None, row[1]): [int(row[3]), Decimal(row[4])] for row in summary}
    assert found == expected
    assert cover["이용건수(이용 한 건은 한 번)"] == f"{sum(count for count, _ in expected.values()):,}"
    amounts = [row["est_amount"] for row in rows if row["est_amount"] is not None]
    assert sum(int(row[7] or 0) for row in summary) == sum(amounts)
