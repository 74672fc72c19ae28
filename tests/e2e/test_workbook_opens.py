"""The workbook as a spreadsheet program shows it: LibreOffice headless makes a PDF, and the PDF is read.

To look at the pages: RIGHTSCAN_KEEP_PAGES=folder pytest tests/e2e/test_workbook_opens.py
"""

import datetime as dt
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rightscan.reporting.columns import WRITTEN, sheets
from rightscan.reporting.export import ReportInput, write_report

pytestmark = pytest.mark.skipif(
    not (shutil.which("soffice") and shutil.which("pdftotext") and shutil.which("pdftoppm")),
    reason="needs LibreOffice Calc and poppler (packages libreoffice-calc, fonts-nanum, poppler-utils)",
)

LATE = dt.datetime(2026, 10, 31, 15, 30, tzinfo=dt.UTC)


def usage(number):
    return {
        "row_id": f"R000123-{number:07d}",
        "line_type": "original",
        "use_id": f"5f0c2a11-7d3e-5b7e-9a10-{number // 2:012d}",
        "period": "2026-10",
        "use_period": "2026-11",
        "ledger": "remuneration" if number % 2 else "licence_fee",
        "use_type": "broadcast",
        "territory": "KR",
        "platform": "한국방송공사 제1라디오",
        "channel": "밤을 잊은 그대에게",
        "url": "https://example.org/programme?id=20261101",
        "posted_at": LATE,
        "captured_at": LATE,
        "media_start": 3599.125,
        "media_end": 3812.75,
        "reference_start": 0,
        "reference_end": 213.625,
        "seconds_used": 213.625,
        "use_count": 1,
        "title": '=HYPERLINK("http://x") 진도아리랑 🎵',
        "display_artist": "국악단 소리마을",
        "recording_id": "REC-000777",
        "isrc": "KRA012300001",
        "name_ko": "남궁민수",
        "name_roman": "Namgung Min-su",
        "member_no": "0000123",
        "ipn": "00012345",
        "isni": "000000012146438X",
        "mandate": "member",
        "category": "vocal",
        "featured": True,
        "lineup_pct": 87.5,
        "code": "U2",
        "claim_basis": "fixation",
        "axis_a": "modified",
        "coverage": 0.9312,
        "modification": ["speed", "pitch"],
        "lr_band": "very_strong",
        "log10_lr": 5.32,
        "weight_num": 123456789,
        "weight_den": 999999999,
        "rule": "KR-5050@1",
        "est_amount": 1_234_567_890_123,
        "currency": "KRW",
        "sha256": "ab" * 32,
    }


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The PDF's text and its pages as pictures."""
    folder = tmp_path_factory.mktemp("opened")
    report = ReportInput(
        report_id="R000123",
        period="2026-10",
        version=1,
        created_at=dt.datetime(2026, 11, 3, tzinfo=dt.UTC),
        rows={
            "02": [usage(number) for number in range(12)],
            "04": [
                {
                    "recording_id": "REC-000777",
                    "isrc": "KRA012300001",
                    "title": "진도아리랑",
                    "lineup_size": 8,
                    "known": 7,
                    "lineup_pct": 87.5,
                    "uses": 1_234_567,
                    "seconds_used": 263_746_123.875,
                    "held": 0.125,
                }
            ],
            "05": [{"media_id": "cd" * 32, "platform": "유튜브", "tested": ("a", "c"), "code": "N1"}],
            "07": [
                {
                    "source_kind": "upload",
                    "source_ref": "새 노래 (라이브).mp3",
                    "code": "not_media",
                    "cause": "파일에 소리가 없습니다",
                    "remedy": "원본을 다시 올려 주십시오",
                    "first_seen": LATE,
                    "attempts": 3,
                }
            ],
        },
        versions={"engine": "fp1-abcdef", "index": "idx-000123"},
        counts={"files_received": 1234, "hours_scanned": 98.5},
    )
    workbook = shutil.copy(write_report(report, folder / "report").workbook, folder / "workbook.xlsx")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        "soffice",
        profile,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        str(workbook),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    pdf = folder / "workbook.pdf"
    subprocess.run(["pdftoppm", "-r", "70", "-png", str(pdf), str(folder / "page")], check=True, timeout=120)
    text = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, timeout=120
    ).stdout.decode()
    pages = sorted(folder.glob("page*.png"))
    if keep := os.environ.get("RIGHTSCAN_KEEP_PAGES"):
        Path(keep).mkdir(parents=True, exist_ok=True)
        for page in pages:
            shutil.copy(page, keep)
    return text, pages


def test_it_opens_and_every_sheet_is_there(opened):
    text, pages = opened
    assert len(pages) >= len(WRITTEN)
    squeezed = re.sub(r"\s+", "", text)
    for number in WRITTEN:
        for header in sheets()[number].headers("ko"):
            assert header.replace(" ", "") in squeezed, header


def test_no_number_is_too_wide_for_its_column(opened):
    assert "##" not in opened[0]


def test_dates_are_korean_dates_and_identifiers_keep_their_zeros(opened):
    text, _ = opened
    assert "2026-11-01 00:30:00" in text
    for shown in ("0000123", "00012345", "1,234,567,890,123", "263,746,123.875", "999,999,999"):
        assert shown in text, shown


def test_formulas_from_data_are_shown_as_text(opened):
    assert '=HYPERLINK("http://x") 진도아리랑' in opened[0]
    assert "Err:" not in opened[0]
    assert "#NAME?" not in opened[0]
