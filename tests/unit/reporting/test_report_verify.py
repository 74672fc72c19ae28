"""The verifier finds one changed cell, wherever it is, and says where."""

import json

import openpyxl
import pytest
from report_samples import report, usage_row

from rightscan.errors import PermanentError
from rightscan.reporting.export import MANIFEST, sha256_of, write_report
from rightscan.reporting.read_back import sheet_rows
from rightscan.reporting.verify import verify_report


@pytest.fixture
def files(tmp_path):
    return write_report(report([usage_row(n, est_amount=100 * n) for n in range(1, 6)]), tmp_path)


def accept_hash(files, path):
    """What a forger would do too: state the new hash in the manifest."""
    manifest = json.loads(files.manifest.read_text("utf-8"))
    for entry in manifest["files"]:
        if entry["name"] == path.name:
            entry["sha256"] = sha256_of(path)
    files.manifest.write_text(json.dumps(manifest), "utf-8")


def change_workbook(files, sheet, cell, value):
    book = openpyxl.load_workbook(files.workbook)
    book[sheet][cell] = value
    book.save(files.workbook)


def change_twin(files, number, old, new):
    path = files.twins[number]
    text = path.read_bytes().decode("utf-8")
    assert text.count(old) >= 1
    path.write_bytes(text.replace(old, new, 1).encode("utf-8"))
    return path


def test_a_good_report(files):
    assert verify_report(files.folder) == []


def test_one_changed_cell_of_the_workbook(files):
    change_workbook(files, "02_이용내역", "T4", 30.251)
    found = verify_report(files.folder)
    assert [difference.problem for difference in found] == ["hash", "cell"]
    assert found[1].file == files.workbook.name
    assert (found[1].sheet, found[1].row, found[1].column) == ("02", 4, "사용초")
    assert (found[1].expected, found[1].found) == ("30.250", "30.251")


def test_a_workbook_saved_by_another_program_differs_in_bytes_only(files):
    change_workbook(files, "02_이용내역", "T4", 30.25)
    assert [difference.problem for difference in verify_report(files.folder)] == ["hash"]


def test_a_changed_date_header_or_extra_row(files):
    change_workbook(files, "07_오류", "F2", "2026-11-01")
    change_workbook(files, "05_미확인", "A1", "매체")
    change_workbook(files, "04_참여정보부족", "B4", "x")
    accept_hash(files, files.workbook)
    found = {(d.sheet, d.row, d.column) for d in verify_report(files.folder)}
    assert found == {("07", 2, "최초발생일시(KST)"), ("05", 1, "매체ID"), ("04", 4, "ISRC")}


def test_a_changed_sum_in_a_twin_is_found_although_the_hash_was_forged(files):
    path = change_twin(files, "02", ",300,", ",900,")
    accept_hash(files, path)
    found = verify_report(files.folder)
    assert {d.problem for d in found} == {"sums", "cell", "summary"}
    cell = next(d for d in found if d.problem == "cell")
    assert (cell.sheet, cell.row, cell.column, cell.expected, cell.found) == (
        "02",
        4,
        "추정액",
        "900",
        "300.0",
    )


def test_a_summary_that_is_not_the_fold_of_the_rows(files):
    accept_hash(files, change_twin(files, "01", ",1,1,1500", ",2,1,1500"))
    found = verify_report(files.folder)
    assert ("summary", "01") in {(d.problem, d.sheet) for d in found}


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        ("02", ",30.250,", ",viel,"),
        ("02", "R000123-0000002", "\udcff"),
        ("04", ",0.2500", ",0.2500,1"),
        ("00", "항목", "x"),
    ],
)
def test_a_twin_that_cannot_be_read_is_named(files, number, old, new):
    path = files.twins[number]
    content = path.read_bytes().replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1)
    path.write_bytes(content)
    unreadable = [d for d in verify_report(files.folder) if d.problem == "unreadable"]
    assert path.name in {difference.file for difference in unreadable}
    assert {difference.sheet for difference in unreadable} == {number}


def test_missing_rows_and_files(files):
    path = files.twins["05"]
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    files.twins["07"].unlink()
    (files.folder / "notes.txt").write_text("x")
    problems = {(d.problem, d.sheet or d.file) for d in verify_report(files.folder)}
    assert ("rows", "05") in problems
    assert ("missing_file", files.twins["07"].name) in problems
    assert ("unknown_file", "notes.txt") in problems


def test_a_broken_workbook_is_named(files):
    files.workbook.write_bytes(b"not a zip")
    assert {d.problem for d in verify_report(files.folder)} == {"hash", "unreadable"}


def test_a_folder_without_manifest_is_no_report(files, tmp_path):
    with pytest.raises(PermanentError) as refused:
        verify_report(tmp_path)
    assert refused.value.code == "no_manifest"
    assert files.folder.name in refused.value.remedy
    files.manifest.write_text("{", "utf-8")
    with pytest.raises(PermanentError):
        verify_report(files.folder)
    assert files.manifest.name == MANIFEST


def test_both_ways_of_reading_a_sheet_give_the_same(files, tmp_path):
    ours = list(sheet_rows(files.workbook, "01_요약", 8))
    book = openpyxl.load_workbook(files.workbook)
    resaved = tmp_path / "resaved.xlsx"
    book.save(resaved)
    assert list(sheet_rows(resaved, "01_요약", 8)) == ours
    with pytest.raises(KeyError):
        list(sheet_rows(files.workbook, "99_없음", 8))
