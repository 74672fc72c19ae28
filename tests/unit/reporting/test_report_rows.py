"""Values become cells of the column's type, or are refused with their place named."""

import datetime as dt
import unicodedata
from decimal import Decimal

import pytest
from report_samples import usage_row

from rightscan.errors import PermanentError
from rightscan.reporting.columns import sheets
from rightscan.reporting.rows import CUT_MARK, EXCEL_TEXT_LIMIT, cell_text, clean_text, normalise

USAGE = sheets()["02"]
NOVEMBER = dt.datetime(2026, 11, 1, 0, 30)  # noqa: DTZ001  as a cell has it


def cell(name, value):
    return normalise(USAGE, usage_row(**{name: value}))[USAGE.positions[name]]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (unicodedata.normalize("NFD", "김민수"), "김민수"),
        ("한 줄\r\n두 줄\t끝", "한 줄 두 줄 끝"),
        ("a\x00b\x07c\x9f", "abc"),
        ("위\u202e아래\u2066\u2069", "위아래"),
        ("\u200fשלום", "\u200fשלום"),
        ("가족 👨\u200d👩\u200d👧", "가족 👨\u200d👩\u200d👧"),
        ("반쪽 \ud83d 끝", "반쪽 \ufffd 끝"),
        ("\ud83c\udfb5", "🎵"),
        ("<r>굵게</r>", "<r>굵게</r>"),
    ],
)
def test_clean_text(raw, clean):
    assert clean_text(raw) == clean


@pytest.mark.parametrize("letter", ["a", "가", "🎵"])
def test_a_text_too_long_for_excel_is_cut_visibly(letter):
    cut = clean_text(letter * 40_000)
    units = len(cut.encode("utf-16-le")) // 2
    assert EXCEL_TEXT_LIMIT - 1 <= units <= EXCEL_TEXT_LIMIT
    assert cut.endswith(letter + CUT_MARK)
    whole = "a" * EXCEL_TEXT_LIMIT
    assert clean_text(whole) == whole


def test_times_are_korean_and_rounded_down():
    assert cell("posted_at", dt.datetime(2026, 10, 31, 15, 30, tzinfo=dt.UTC)) == NOVEMBER
    last = dt.datetime(2026, 10, 31, 14, 59, 59, 999_999, tzinfo=dt.UTC)
    assert cell_text(cell("posted_at", last)) == "2026-10-31 23:59:59"
    assert cell("posted_at", dt.datetime.max.replace(tzinfo=dt.UTC)).startswith("9999-12-31T23:59:59")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seconds_used", 30.25, "30.250"),
        ("seconds_used", -0.0001, "0.000"),
        ("seconds_used", Decimal("-30.25"), "-30.250"),
        ("coverage", 0.93125, "0.9312"),
        ("use_count", -1, "-1"),
        ("weight_den", 10**20, "1" + "0" * 20),
        ("member_no", "0000123", "0000123"),
        ("modification", ["speed", "pitch"], "speed, pitch"),
        ("modification", [], ""),
        ("title", "", ""),
        ("featured", False, "no"),
    ],
)
def test_values(name, value, expected):
    assert cell_text(cell(name, value)) == expected


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("seconds_used", "30", "bad_cell"),
        ("seconds_used", float("nan"), "bad_cell"),
        ("seconds_used", float("inf"), "bad_cell"),
        ("seconds_used", True, "bad_cell"),
        ("use_count", 1.5, "bad_cell"),
        ("use_count", True, "bad_cell"),
        ("posted_at", NOVEMBER, "bad_cell"),
        ("posted_at", "2026-10-01", "bad_cell"),
        ("member_no", 123, "bad_cell"),
        ("title", b"bytes", "bad_cell"),
        ("use_id", None, "empty_cell"),
        ("use_id", "\x00", "empty_cell"),
        ("이용번호", "x", "unknown_column"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(name, value, code):
    with pytest.raises(PermanentError) as refused:
        normalise(USAGE, usage_row(**{name: value}), 7)
    assert refused.value.code == code
    assert f"sheet 02 row 7 column {name}" in refused.value.cause


def test_a_row_without_any_value_is_refused():
    with pytest.raises(PermanentError) as refused:
        normalise(sheets()["90"], {"code": "\x00", "ko": None})
    assert refused.value.code == "empty_row"
