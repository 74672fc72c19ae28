"""The files of a report: names, bytes, what staff see, and what happens when something fails."""

import datetime as dt
import hashlib
import json
import random
import unicodedata
import zipfile

import openpyxl
import pytest
from report_samples import CREATED, report, usage_row

from rightscan.errors import PermanentError, UsageError
from rightscan.reporting import workbook
from rightscan.reporting.columns import WRITTEN, Words, sheets
from rightscan.reporting.csv_twin import read_twin
from rightscan.reporting.export import write_report
from rightscan.reporting.verify import verify_report


@pytest.fixture
def written(tmp_path):
    return write_report(report(), tmp_path / "out")


def sheet_values(path, title):
    book = openpyxl.load_workbook(path)
    return [[cell.value for cell in row] for row in book[title].iter_rows()]


def usage_cell(files, name, row=0):
    _header, *rows = read_twin(files.twins["02"])
    position = sheets()["02"].positions[name]
    return rows[row][position]


def test_names(written, tmp_path):
    assert written.folder == tmp_path / "out" / "kmpu_usage_2026-10_v1_R000123"
    assert written.workbook.name == "음실련_이용보고_2026-10_v1_R000123.xlsx"
    assert written.storage_keys[written.workbook.name] == "kmpu_usage_2026-10_v1_R000123.xlsx"
    assert written.twins["02"].name == "음실련_이용보고_2026-10_v1_R000123_02_이용내역.csv"
    assert {path.name for path in written.folder.iterdir()} == set(written.storage_keys)
    assert all(unicodedata.is_normalized("NFC", path.name) for path in written.folder.iterdir())
    assert all(key.isascii() for key in written.storage_keys.values())
    assert len(set(written.storage_keys.values())) == len(written.storage_keys)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [written.folder.name]


def test_sheets_and_their_furniture(written):
    book = openpyxl.load_workbook(written.workbook)
    assert book.sheetnames == [sheets()[number].title("ko") for number in WRITTEN]
    for number in WRITTEN[1:]:
        tab = book[sheets()[number].title("ko")]
        assert tab.freeze_panes == "B2"
        assert tab.auto_filter.ref.startswith("A1:")
        assert [cell.value for cell in tab[1]] == list(sheets()[number].headers("ko"))
        assert tab["A1"].font.name == "맑은 고딕"
    tab = book["02_이용내역"]
    cells = {cell.value: tab.cell(2, cell.column) for cell in tab[1]}
    assert cells["게시일시(KST)"].value == dt.datetime(2026, 10, 5, 12)  # noqa: DTZ001
    assert cells["게시일시(KST)"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert (cells["회원번호"].value, cells["회원번호"].number_format) == ("0000123", "@")
    assert cells["사용초"].value == 30.25
    assert cells["행구분"].value == "원본"
    assert cells["주/부"].value == "주실연"
    assert cells["판정"].value == "등록 실연 이용"
    assert cells["변형"].value == "재생 속도, 음높이"
    assert tab.column_dimensions["N"].width >= 20  # 게시일시


def test_a_use_of_half_past_midnight_in_korea_shows_the_next_month(tmp_path):
    late = dt.datetime(2026, 10, 31, 15, 30, tzinfo=dt.UTC)
    files = write_report(report([usage_row(posted_at=late)]), tmp_path)
    assert usage_cell(files, "posted_at") == "2026-11-01 00:30:00"
    assert dt.datetime(2026, 11, 1, 0, 30) in sheet_values(files.workbook, "02_이용내역")[1]  # noqa: DTZ001


def test_csv_opens_in_korean_excel(written):
    content = written.twins["02"].read_bytes()
    assert content.startswith("\ufeff보고행번호,행구분".encode())
    assert content.count(b"\r\n") == content.count(b"\n") == 3


def test_formulas_and_links_stay_text(tmp_path):
    hostile = '=HYPERLINK("http://x","y")'
    row = usage_row(
        title=hostile, channel="<r><t>굵게</t></r>", stage_name="_x0041_", url="https://x.org/?a=1&b=<2>"
    )
    row["seconds_used"] = -30.25
    files = write_report(report([row]), tmp_path)
    raw = files.twins["02"].read_text("utf-8-sig")
    assert "\"'=HYPERLINK(" in raw
    assert ",-30.250," in raw
    with zipfile.ZipFile(files.workbook) as archive:
        xml = "".join(archive.read(name).decode() for name in archive.namelist() if "worksheets" in name)
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    book = openpyxl.load_workbook(files.workbook)
    cells = {cell.value: book["02_이용내역"].cell(2, cell.column) for cell in book["02_이용내역"][1]}
    assert (cells["곡명"].value, cells["곡명"].data_type) == (hostile, "s")
    assert cells["곡명"].quotePrefix
    assert cells["채널/프로그램"].value == "<r><t>굵게</t></r>"
    assert cells["URL"].value == row["url"]
    assert usage_cell(files, "title") == hostile
    assert verify_report(files.folder) == []


def test_digits_that_excel_would_lose_are_text(tmp_path):
    files = write_report(
        report([usage_row(weight_num=123456789012345678, weight_den=999_999_999_999_999)]), tmp_path
    )
    values = sheet_values(files.workbook, "02_이용내역")[1]
    assert "123456789012345678" in values
    assert 999_999_999_999_999 in values
    assert usage_cell(files, "weight_num") == "123456789012345678"
    assert verify_report(files.folder) == []


def test_days_before_excels_calendar_are_text(tmp_path):
    files = write_report(report([usage_row(posted_at=dt.datetime(1895, 1, 1, tzinfo=dt.UTC))]), tmp_path)
    assert usage_cell(files, "posted_at").startswith("1895-01-01")
    assert usage_cell(files, "posted_at") in sheet_values(files.workbook, "02_이용내역")[1]
    assert verify_report(files.folder) == []


def test_equal_input_gives_equal_bytes_wherever_and_whenever(tmp_path):
    first = write_report(report(), tmp_path / "a")
    second = write_report(report(), tmp_path / "b")
    assert first.sha256 == second.sha256
    with zipfile.ZipFile(first.workbook) as archive:
        assert {entry.date_time[:1] for entry in archive.infolist()} == {(1980,)}
        assert b"2026-11-03T01:02:03Z" in archive.read("docProps/core.xml")


def test_row_order_is_the_callers(tmp_path):
    rows = [usage_row(number) for number in range(1, 30)]
    random.Random(5).shuffle(rows)
    files = write_report(report(iter(rows)), tmp_path)
    _, *read = read_twin(files.twins["02"])
    assert [row[0] for row in read] == [row["row_id"] for row in rows]


def test_sums_tie(tmp_path):
    rows = [usage_row(n, use_id=f"u{n // 3}", seconds_used=n // 3 + 0.125, est_amount=n) for n in range(30)]
    files = write_report(report(lambda: rows), tmp_path)
    manifest = json.loads(files.manifest.read_text("utf-8"))
    by_sheet = {entry["sheets"][0]["sheet"]: entry["sheets"][0] for entry in manifest["files"][1:]}
    assert by_sheet["02"]["sums"] == {"seconds_used": "138.750", "use_count": "30", "est_amount": "435"}
    assert by_sheet["01"]["sums"] == {"uses": "10", "seconds_used": "46.250", "est_amount": "435"}
    assert (manifest["uses"], manifest["seconds_used"], manifest["est_amount"]) == (10, "46.250", 435)
    assert manifest["files"][0]["sheets"] == [by_sheet[number] for number in WRITTEN]
    cover = dict(read_twin(files.twins["00"]))
    assert cover["이용건수(이용 한 건은 한 번)"] == "10"
    assert cover["사용초(이용 한 건은 한 번)"] == "46.250"
    assert cover["추정액(원)"] == "435"


def test_manifest_states_what_lies_there(written):
    manifest = json.loads(written.manifest.read_text("utf-8"))
    for entry in manifest["files"]:
        content = (written.folder / entry["name"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest() == written.sha256[entry["name"]]
        assert entry["bytes"] == len(content)


def test_cover(tmp_path):
    files = write_report(report([usage_row(platform=None, use_type="karaoke", ledger="odd")]), tmp_path)
    assert ["징수구분", "사용료"] in list(read_twin(files.twins["00"]))  # the filter
    cover = dict(read_twin(files.twins["00"]))
    assert cover["보고서번호"] == "R000123"
    assert cover["작성일시(KST)"] == "2026-11-03 10:02:03"
    assert cover["기간 경계(KST)"] == "2026-10-01 00:00 ≤ … < 2026-11-01 00:00"
    assert cover["검사한 시간(시간)"] == "1,234.5"
    assert cover["02_이용내역 행 수"] == "1"
    assert cover["추정액(원)"] == "재원이나 요율이 주어지지 않음"
    assert (cover["플랫폼"], cover["징수구분"]) == ("1", "0")
    assert cover["코드표에 없는 값: 이용형태"] == "1"
    assert cover["코드표에 없는 값: 징수구분"] == "1"
    assert cover["U1"] == "등록 실연 이용"
    for number in WRITTEN[1:]:
        assert cover[files.twins[number].name] == hashlib.sha256(files.twins[number].read_bytes()).hexdigest()
    assert usage_cell(files, "use_type") == "karaoke"


def test_english(tmp_path):
    files = write_report(report(language="en"), tmp_path)
    assert files.workbook.name == "kmpu_usage_2026-10_v1_R000123_en.xlsx"
    book = openpyxl.load_workbook(files.workbook)
    assert book.sheetnames[2] == "02_Usage"
    assert [cell.value for cell in book["02_Usage"][1]] == [column.name for column in sheets()["02"].columns]
    assert usage_cell(files, "line_type") == "original"
    assert usage_cell(files, "featured") == "featured"
    assert dict(read_twin(files.twins["00"]))["Report id"] == "R000123"
    assert verify_report(files.folder) == []


def test_the_reports_own_words_come_first(tmp_path):
    lists = {
        "error": {"not_media": Words("매체 아님", "not media")},
        "line_type": {"original": Words("원", "orig")},
    }
    files = write_report(report(code_lists=lists), tmp_path)
    assert usage_cell(files, "line_type") == "원"
    assert ["오류코드", "not_media", "매체 아님", "not media"] in list(read_twin(files.twins["90"]))


def test_an_empty_period_is_a_report_too(tmp_path):
    files = write_report(report([], rows={}), tmp_path)
    assert len(list(read_twin(files.twins["02"]))) == 1
    assert verify_report(files.folder) == []


def test_writing_again_changes_nothing_and_a_different_report_is_refused(tmp_path):
    first = write_report(report(), tmp_path)
    stamps = {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert write_report(report(), tmp_path) == first
    assert {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()} == stamps
    with pytest.raises(PermanentError) as refused:
        write_report(report([usage_row(9)]), tmp_path)
    assert refused.value.code == "report_exists"
    assert verify_report(first.folder) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_nothing(tmp_path):
    def rows():
        yield usage_row(1)
        raise OSError("the ledger went away")

    with pytest.raises(OSError, match="went away"):
        write_report(report(rows), tmp_path)
    with pytest.raises(PermanentError):
        write_report(report([usage_row(1), usage_row(1)]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed(tmp_path):
    leftover = tmp_path / ".kmpu_usage_2026-10_v1_R000123.0123.partial"
    leftover.mkdir()
    (leftover / "half.csv").write_text("x")
    write_report(report(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kmpu_usage_2026-10_v1_R000123"]


def test_too_many_rows_are_an_error_not_a_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 400)  # sheet 91 has some hundred rows of its own
    write_report(report([usage_row(number) for number in range(399)]), tmp_path / "full")
    with pytest.raises(PermanentError) as refused:
        write_report(report([usage_row(number) for number in range(400)]), tmp_path / "over")
    assert refused.value.code == "sheet_full"
    assert list((tmp_path / "over").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"report_id": "../R1"},
        {"report_id": "R00012"},
        {"period": "2026-13"},
        {"version": 0},
        {"created_at": CREATED.replace(tzinfo=None)},
        {"rows": {"01": []}},
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_written(change):
    with pytest.raises(UsageError):
        report(**change)
