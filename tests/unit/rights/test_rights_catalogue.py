"""Catalogue files: what is read, what is refused, and what each problem says."""

import datetime as dt
import io
import json
import unicodedata
import zipfile
from decimal import Decimal

import openpyxl
import pytest
import xlsxwriter

from rightscan.errors import PermanentError
from rightscan.rights.catalogue import (
    CatalogueRow,
    ConsentRow,
    LicenceRow,
    LineupRow,
    MandateRow,
    PerformerRow,
    RecordingRow,
    Severity,
    check_audio_path,
    parse_catalogue,
    parse_row,
    read_catalogue,
    sheets,
)
from rightscan.rights.catalogue_templates import write_catalogue_templates
from rightscan.rights.identifiers import IdentifierOutcome
from rightscan.rights.ledgers import Ledger, MandateKind
from rightscan.rights.lineup import Category
from rightscan.rights.problems import problem_words
from rightscan.rights.tables import WorkbookLimits
from rightscan.rights.vocabulary import load_toml


def csv_rows(text, name="recordings.csv", encoding="utf-8"):
    return list(read_catalogue(name, text.encode(encoding)))


def workbook(sheets_, **options):
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, **options}) as book:
        for title, rows in sheets_.items():
            page = book.add_worksheet(title)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    page.write(number, column, value)
    return data.getvalue()


def parsed(text, name):
    return parse_catalogue(csv_rows(text, name))


def codes(rows):
    return [[problem.code for problem in row.problems] for row in rows]


# --- reading


def test_korean_and_english_headers_mean_the_same():
    korean = csv_rows("음원ID,곡명,음원 파일\nR1,아리랑,a.wav\n", "음원.csv")
    english = csv_rows("recording_id,Title,AUDIO\nR1,아리랑,a.wav\n", "recordings.csv")
    assert korean[0].cells == english[0].cells == {"recording_id": "R1", "title": "아리랑", "audio": "a.wav"}
    assert (korean[0].sheet, korean[0].row) == ("recordings", 2)


def test_a_remark_in_brackets_does_not_hide_a_header():
    (row,) = csv_rows("recording_id,ISWC(참고),주/부 (메모)\nR1,T-034.524.680-1,x\n")
    assert row.cells == {"recording_id": "R1", "iswc": "T-034.524.680-1"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_encodings(encoding):
    (row,) = csv_rows("음원ID,곡명\nR1,밤편지\n", encoding=encoding)
    assert row.cells["title"] == "밤편지"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_separators(separator):
    (row,) = csv_rows(separator.join(["recording_id", "title"]) + "\r\n" + separator.join(["R1", '"a,b"']))
    assert row.cells == {"recording_id": "R1", "title": "a,b"}


def test_text_is_nfc_and_unknown_columns_and_long_rows_are_kept():
    nfd = unicodedata.normalize("NFD", "음원ID,곡명,비고\nR1,아리랑,메모,남는 칸\n")
    (row,) = csv_rows(nfd)
    assert row.cells == {"recording_id": "R1", "title": "아리랑"}
    assert row.extra == {"비고": "메모", "column 4": "남는 칸"}


def test_row_numbers_count_every_row_of_the_file():
    rows = csv_rows('\nrecording_id,title\n\nR1,"two\nlines"\n,\nR2,b\n')
    assert [(row.row, row.cells["recording_id"]) for row in rows] == [(4, "R1"), (6, "R2")]


def test_the_stem_tells_the_sheet():
    assert csv_rows("실연자ID\nP1\n", "참여/실연자.csv")[0].sheet == "performers"
    assert csv_rows("recording_id\nR1\n", "2026-10 납품.csv")[0].sheet == "recordings"
    nfd = unicodedata.normalize("NFD", "참여정보.csv")
    assert csv_rows("음원ID\nR1\n", nfd)[0].sheet == "lineups"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"%PDF", "unknown_catalogue_format"),
        ("a.csv", b"\xff\xfe\xff", "unknown_encoding"),
        ("a.csv", b"\x81\x00\xff\xff", "unknown_encoding"),
        ("a.csv", "가,나\n1,2\n".encode(), "no_header"),
        ("a.csv", b"title,Title\na,b\n", "duplicate_column"),
        ("a.csv", b"recording_id\n" + b"x" * 200_000, "bad_csv"),
        ("a.xls", b"\xd0\xcf\x11\xe0 old", "old_workbook"),
        ("a.xlsx", b"not a zip", "not_a_workbook"),
        ("a.xlsx", b"PK\x03\x04 broken", "not_a_workbook"),
    ],
)
def test_files_that_cannot_be_read(name, data, code):
    with pytest.raises(PermanentError) as caught:
        list(read_catalogue(name, data))
    assert caught.value.code == code
    assert caught.value.remedy


def test_json_lines():
    lines = [
        {"recording_id": "R1", "lineup_size": 3, "title": None, "note": 5.0, "audio": "a.wav"},
        {
            "_sheet": "참여정보",
            "_file": "원본.xlsx",
            "_row": 17,
            "음원ID": "R1",
            "performer_id": "P1",
            "featured": True,
        },
        "nonsense",
        {"_sheet": "설명", "a": 1},
        {"_sheet": "mandates", "performer_id": "P1", "kind": "member", "ledger": ["사용료", "보상금"]},
    ]
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    rows = list(read_catalogue("recordings.jsonl", text.encode()))
    assert [row.fault for row in rows] == ["", "", "bad_json", "unknown_sheet", ""]
    assert rows[0].cells == {"recording_id": "R1", "lineup_size": "3", "title": "", "audio": "a.wav"}
    assert rows[0].extra == {"note": "5"}
    assert (rows[1].sheet, rows[1].file, rows[1].row) == ("lineups", "원본.xlsx", 17)
    result = parse_catalogue(rows)
    assert codes(result) == [[], [], ["bad_json"], ["unknown_sheet"], []]
    assert result[1].record.featured is True
    assert result[4].record.ledgers == (Ledger.LICENCE_FEE, Ledger.REMUNERATION)


@pytest.mark.parametrize(
    "line", [b"[1]", b'"x"', b"[" * 100_000, b'{"a": 1e9999999999999999999}', b"{" * 9, b"NaN"]
)
def test_hostile_json_lines_are_rows_with_a_fault_or_plain_text(line):
    for row in read_catalogue("recordings.jsonl", line):
        assert row.fault == "bad_json" or row.extra


# --- workbooks


def test_workbook_sheets_in_korean_and_english():
    data = workbook(
        {
            "음원": [["음원ID", "곡명", "음원파일"], ["R1", "아리랑", "a.wav"]],
            "읽어보기": [["아무 말"]],
            "performers": [["performer_id", "ipn"], ["P1", "00012345"]],
        }
    )
    rows = list(read_catalogue("납품.xlsx", data))
    assert [(row.sheet, row.row, row.file) for row in rows] == [
        ("recordings", 2, "납품.xlsx"),
        ("performers", 2, "납품.xlsx"),
    ]
    assert rows[1].cells["ipn"] == "00012345"


def test_a_single_sheet_of_any_name_is_recordings():
    (row,) = read_catalogue("a.xlsx", workbook({"Sheet1": [["recording_id"], ["R1"]]}))
    assert row.sheet == "recordings"
    with pytest.raises(PermanentError, match="no_known_sheet"):
        list(read_catalogue("a.xlsx", workbook({"Sheet1": [["recording_id"]], "Sheet2": [["x"]]})))


def test_cells_become_text_without_losing_or_inventing_anything():
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        page = book.add_worksheet("lineups")
        page.write_row(0, 0, ["음원ID", "실연자ID", "적용일", "지분", "비고", "메모", "날짜", "참"])
        page.write_string(1, 0, "007")
        page.write_number(1, 1, 42, book.add_format({"num_format": "00000000"}))
        page.write_datetime(1, 2, dt.datetime(2026, 10, 31), book.add_format({"num_format": "yyyy-mm-dd"}))  # noqa: DTZ001
        page.write_number(1, 3, 0.125, book.add_format({"num_format": "0.0%"}))
        page.write_number(1, 4, 12345678901.0)
        page.write_number(1, 5, 2.5)
        minutes = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        page.write_datetime(1, 6, dt.datetime(2026, 10, 31, 15, 30), minutes)  # noqa: DTZ001
        page.write_boolean(1, 7, True)
    (row,) = read_catalogue("a.xlsx", data.getvalue())
    assert row.cells == {"recording_id": "007", "performer_id": "00000042", "valid_from": "2026-10-31"}
    assert row.extra == {
        "지분": "12.5%", "비고": "12345678901", "메모": "2.5", "날짜": "2026-10-31T15:30:00", "참": "true",
    }  # fmt: skip


def test_a_formula_is_text_and_is_not_calculated():
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        page = book.add_worksheet("recordings")
        page.write_row(0, 0, ["recording_id", "title", "display_artist", "audio"])
        page.write_string(1, 0, "R1")
        page.write_formula(1, 1, '=HYPERLINK("http://evil.example","x")', value="harmless")
        page.write_array_formula(1, 2, 1, 2, "{=SUM(A1:A2)}", value=3)
        page.write_string(1, 3, "a.wav")
    (row,) = parse_catalogue(read_catalogue("a.xlsx", data.getvalue()))
    assert row.record.title == '=HYPERLINK("http://evil.example","x")'
    assert row.record.display_artist == "=SUM(A1:A2)"
    assert codes([row]) == [["formula_text", "formula_text"]]


def bomb(parts):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        bomb({"xl/worksheets/sheet1.xml": b"\0" * (8 << 20)}),  # thousandfold
        bomb({f"part{i}": b"" for i in range(2_001)}),
    ],
)
def test_zip_bombs_are_not_opened(data, monkeypatch):
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("the bomb was opened"))
    with pytest.raises(PermanentError, match="workbook_too_large"):
        list(read_catalogue("a.xlsx", data))


def test_total_size_is_limited():
    data = workbook({"recordings": [["recording_id"], *([f"R{i}"] for i in range(100))]})
    with pytest.raises(PermanentError, match="workbook_too_large"):
        list(read_catalogue("a.xlsx", data, limits=WorkbookLimits(total_bytes=2_000)))


def edited(data, part, old, new):
    """The workbook ``data`` with ``old`` replaced by ``new`` in one part."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new)
            target.writestr(name, content)
    return result.getvalue()


@pytest.fixture(scope="module")
def small_workbook():
    return workbook({"recordings": [["recording_id", "title"], ["R1", "곡"], ["R2", "곡"]]})


def test_a_stray_cell_far_away_is_refused_quickly(small_workbook):
    sheet = "xl/worksheets/sheet1.xml"
    for old, new in ((b'<row r="3"', b'<row r="99999999999"'), (b'r="B2"', b'r="ZZZ2"')):
        with pytest.raises(PermanentError, match="workbook_too_large"):
            list(read_catalogue("a.xlsx", edited(small_workbook, sheet, old, new)))


def test_claimed_dimensions_are_not_believed(small_workbook):
    data = edited(small_workbook, "xl/worksheets/sheet1.xml", b'ref="A1:B3"', b'ref="A1:XFD1048576"')
    assert [row.row for row in read_catalogue("a.xlsx", data)] == [2, 3]


def test_entities_are_not_expanded(small_workbook):
    lol = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    data = edited(small_workbook, "xl/sharedStrings.xml", b"<sst", lol + b"<sst")
    with pytest.raises(PermanentError, match="not_a_workbook"):
        list(read_catalogue("a.xlsx", data))


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"]
)
def test_truncated_parts_are_a_named_error(small_workbook, part):
    with zipfile.ZipFile(io.BytesIO(small_workbook)) as archive:
        content = archive.read(part)
    data = edited(small_workbook, part, content, content[: len(content) // 2])
    with pytest.raises(PermanentError, match="not_a_workbook"):
        list(read_catalogue("a.xlsx", data))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_templates_read_back(tmp_path, language):
    written = write_catalogue_templates(tmp_path, language)
    assert len(written) == 1 + len(sheets())
    book = parse_catalogue(read_catalogue(written[0].name, written[0].read_bytes()))
    files = [parse_catalogue(read_catalogue(path.name, path.read_bytes()))[0] for path in written[1:]]
    assert [row.problems for row in (*book, *files)] == [()] * 12
    assert [row.record for row in book] == [row.record for row in files]
    assert [row.row.sheet for row in book] == list(sheets())
    for path in written:
        assert unicodedata.is_normalized("NFC", path.name)
    assert "\r\n" in written[1].read_bytes().decode("utf-8-sig")


# --- rows


def test_typed_rows():
    (recording,) = parsed("음원ID,ISRC,참여인원,음원파일\nR1,kr-a01-26-12345,3,음악\\a.wav\n", "음원.csv")
    assert recording.record == RecordingRow(
        "R1", recording.record.isrc, recording.record.uci, recording.record.iswc, "", "", 3, "음악/a.wav"
    )
    assert recording.record.isrc.value == "KRA012612345"
    assert recording.record.uci.outcome is IdentifierOutcome.ABSENT

    (performer,) = parsed(
        "실연자ID,실연자명,출생연도,ISNI\nP1,김민수,1990,0000 0001 2146 438X\n", "실연자.csv"
    )
    assert isinstance(performer.record, PerformerRow)
    assert (performer.record.birth_year, performer.record.isni.value) == (1990, "000000012146438X")

    (entry,) = parsed(
        '음원ID,실연자ID,구분,역할,악기,주/부,적용일\nR1,P1,,"판소리, rap",북,부실연,2026.11.1\n',
        "참여정보.csv",
    )
    assert entry.record == LineupRow(
        "R1", "P1", False, ("국악 가창", "랩"), (Category.VOCAL,), ("북",), dt.date(2026, 11, 1)
    )

    (mandate,) = parsed(
        "실연자ID,회원구분,징수구분,국가,시작일,종료일\nP1,해외,보상금,한국;jp,2026-01-01,\n", "위임.csv"
    )
    assert mandate.record == MandateRow(
        "P1", MandateKind.RECIPROCAL, (Ledger.REMUNERATION,), ("KR", "JP"), dt.date(2026, 1, 1), None
    )

    digest = "a" * 64
    (consent,) = parsed(
        f"performer_id,kind,text_version,text_sha256,from,withdrawn_at\nP1,c1,v1,{digest.upper()},2026-01-01,2026-11-01\n",
        "consents.csv",
    )
    assert isinstance(consent.record, ConsentRow)
    assert (consent.record.kind, consent.record.text_sha256) == ("C1", digest)
    assert consent.record.withdrawn_at == dt.datetime(2026, 10, 31, 15, tzinfo=dt.UTC)

    (licence,) = parsed(
        '허락번호,음원ID,허락범위,허락부분,국가,시작일,종료일,금액,통화\nL1,R1,AI생성,보컬/영상,전세계,2026-01-01,2026-12-31,"1,000,000원",krw\n',
        "이용허락.csv",
    )
    assert isinstance(licence.record, LicenceRow)
    assert (licence.record.scope, licence.record.parts) == (("ai_generation",), ("vocals", "video"))
    assert (licence.record.territories, licence.record.price) == ((), Decimal(1_000_000))
    assert licence.record.currency == "KRW"
    for row in (recording, performer, entry, mandate, consent, licence):
        assert row.problems == ()


@pytest.mark.parametrize(
    ("text", "featured"),
    [
        *((text, True) for text in ("주실연", "Y", "true", "Featured", "1")),
        *((text, False) for text in ("부실연", "N", "false", "non-featured")),
        ("", None),
    ],
)
def test_featured(text, featured):
    (row,) = parsed(f"recording_id,performer_id,featured\nR1,P1,{text}\n", "lineups.csv")
    assert row.record.featured is featured
    assert row.problems == ()


BAD_ROWS = [
    ("recordings", "recording_id,audio\n,a.wav\n", "missing_value", "recording_id", False),
    ("recordings", "recording_id,audio\nR1,\n", "missing_value", "audio", False),
    ("recordings", "recording_id,audio\nR1,/a.wav\n", "audio_absolute", "audio", False),
    ("recordings", "recording_id,audio\nR1,C:\\a.wav\n", "audio_absolute", "audio", False),
    ("recordings", "recording_id,audio\nR1,x/../../a.wav\n", "audio_parent", "audio", False),
    ("recordings", "recording_id,audio\nR1,..\\a.wav\n", "audio_parent", "audio", False),
    ("recordings", "recording_id,audio\nR1,https://x.example/a.wav\n", "audio_link", "audio", False),
    ("recordings", f"recording_id,audio\n{'가' * 43},a.wav\n", "id_too_long", "recording_id", False),
    ("recordings", "recording_id,audio,isrc\nR1,a.wav,KR-123\n", "identifier_invalid", "isrc", True),
    ("recordings", "recording_id,audio,lineup_size\nR1,a.wav,셋\n", "bad_number", "lineup_size", True),
    ("recordings", "recording_id,audio,lineup_size\nR1,a.wav,0\n", "bad_number", "lineup_size", True),
    ("recordings", "recording_id,audio,title\nR1,a.wav,=1+1\n", "formula_text", "title", True),
    ("performers", "performer_id,birth_year\nP1,90\n", "bad_number", "birth_year", True),
    ("performers", "performer_id\nmodel:voice-7\n", "payee_not_a_person", "performer_id", False),
    ("lineups", "recording_id,performer_id,role\nR1,P1,톱 연주자\n", "unknown_role", "role", True),
    ("lineups", "recording_id,performer_id,featured\nR1,P1,글쎄\n", "unknown_word", "featured", True),
    ("lineups", "recording_id,performer_id,valid_from\nR1,P1,10/31/2026\n", "bad_date", "valid_from", False),
    ("lineups", "recording_id,performer_id,share\nR1,P1,반\n", "bad_share", "share", True),
    ("mandates", "performer_id,kind\nP1,친구\n", "unknown_kind", "kind", False),
    ("mandates", "performer_id,kind\nP1,\n", "missing_value", "kind", False),
    ("mandates", "performer_id,kind,territory\nP1,회원,화성\n", "bad_territory", "territory", False),
    (
        "mandates",
        "performer_id,kind,from,to\nP1,회원,2026-02-01,2026-01-01\n",
        "period_reversed",
        "to",
        False,
    ),
    ("consents", "performer_id,kind\nP1,C1\n", "consent_without_text_hash", "text_sha256", False),
    (
        "consents",
        f"performer_id,kind,text_sha256,signer\nP1,C1,{'0' * 64},법정대리인\n",
        "consent_without_proof",
        "proof",
        False,
    ),
    (
        "recordings",
        "recording_id,audio,stem\nR1,a.wav,보컬\n",
        "stem_without_its_recording",
        "stem_of",
        False,
    ),
    ("recordings", "recording_id,audio,stem_of\nR1,a.wav,R0\n", "stem_without_its_recording", "stem", False),
    ("recordings", "recording_id,audio,stem,stem_of\nR1,a.wav,MR,R1\n", "stem_of_itself", "stem_of", False),
    ("licences", "licence_id\nL1\n", "no_subject", "performer_id", False),
    ("licences", "licence_id,performer_id,price\nL1,P1,무료\n", "bad_number", "price", True),
    ("licences", "licence_id,performer_id,parts\nL1,P1,코\n", "unknown_kind", "parts", False),
]


@pytest.mark.parametrize(("sheet", "text", "code", "column", "taken"), BAD_ROWS)
def test_a_bad_row_says_what_where_and_what_to_do(sheet, text, code, column, taken):
    (row,) = parsed(text, f"{sheet}.csv")
    (problem,) = row.problems
    assert (problem.code, problem.column, problem.file, problem.sheet, problem.row) == (
        code, column, f"{sheet}.csv", sheet, 2,
    )  # fmt: skip
    assert (row.record is not None) is taken
    assert problem.severity is (Severity.WARNING if taken else Severity.ERROR)
    assert problem.remedy
    assert problem.remedy_ko
    assert problem.cause
    assert problem.cause_ko


def test_one_name_and_birth_year_under_two_ids_is_listed_and_taken():
    rows = parsed(
        "performer_id,name_ko,birth_year\nP1,김민수,1979\nP2,김 민수,1979\nP3,김민수,1998\n", "performers.csv"
    )
    assert [[p.code for p in row.problems] for row in rows] == [["same_person_twice"]] * 2 + [[]]
    assert all(row.record is not None for row in rows)


def test_a_bad_isrc_is_kept_verbatim():
    (row,) = parsed("recording_id,audio,isrc\nR1,a.wav,kr 12\n", "recordings.csv")
    assert (row.record.isrc.value, row.record.isrc.outcome) == ("kr 12", IdentifierOutcome.INVALID)
    assert row.problems[0].value == "kr 12"


def test_absolute_audio_is_for_the_command_line_only():
    assert check_audio_path("/srv/a.wav", allow_absolute=True) == "/srv/a.wav"
    assert check_audio_path("../음원/a.wav", allow_absolute=True) == "../음원/a.wav"
    assert check_audio_path("./x//a.wav") == "x/a.wav"
    for text in ("file:///a.wav", "s3://bucket/a.wav"):
        with pytest.raises(PermanentError, match="audio_link"):
            check_audio_path(text, allow_absolute=True)
    row = CatalogueRow("recordings", "a.csv", 2, {"recording_id": "R1", "audio": "/srv/a.wav"})
    assert parse_row(row, allow_absolute_audio=True).record.audio == "/srv/a.wav"
    assert parse_row(row).record is None


def test_personal_numbers_are_refused_and_repeated_nowhere():
    rows = parsed(
        "performer_id,name_ko,비고,ipn\nP1,김민수,971013-1234567,00012345\nP2,010-2345-6789,,\n"
        "P3,박민수,,01023456789\n",
        "performers.csv",
    )
    assert codes(rows) == [["personal_number"]] * 3
    assert [row.problems[0].column for row in rows] == ["비고", "name_ko", "ipn"]
    assert [row.record for row in rows] == [None] * 3
    for secret in ("971013", "2345", "김민수"):
        assert secret not in repr(rows)


def test_barcodes_and_ids_are_no_personal_numbers():
    (row,) = parsed(
        "recording_id,audio,바코드,isrc\n9710131234567,8801011234567_01.wav,8801011234567,KRA012612345\n",
        "recordings.csv",
    )
    assert row.problems == ()


# --- between rows


def test_rows_with_one_id_that_differ_are_all_refused():
    rows = parsed("recording_id,audio,title\nR1,a.wav,가\nR2,b.wav,나\nR1,a.wav,다\n", "recordings.csv")
    assert codes(rows) == [["duplicate_id"], [], ["duplicate_id"]]
    assert [row.record is not None for row in rows] == [False, True, False]
    assert rows[0].problems[0].value == "R1"


def test_a_repetition_is_taken_once():
    rows = parsed("recording_id,audio\nR1,a.wav\nR1,a.wav\n", "recordings.csv")
    assert codes(rows) == [[], ["repeated_row"]]
    assert [row.record is not None for row in rows] == [True, False]
    differing_extra = parsed("recording_id,audio,비고\nR1,a.wav,x\nR1,a.wav,y\n", "recordings.csv")
    assert codes(differing_extra) == [["duplicate_id"]] * 2


def test_the_same_performer_twice_is_merged():
    rows = parsed(
        "recording_id,performer_id,role,instrument,featured\nR1,P1,가창,,Y\nR1,P2,연주,,N\nR1,P1,연주,기타,Y\n",
        "lineups.csv",
    )
    assert codes(rows) == [[], [], []]
    assert (rows[0].record.roles, rows[0].record.instruments) == (("가창", "연주"), ("기타",))
    assert rows[0].record.featured is True
    assert rows[2].record is None


def test_the_same_performer_featured_and_not_is_a_conflict():
    rows = parsed("recording_id,performer_id,role,featured\nR1,P1,가창,Y\nR1,P1,연주,N\n", "lineups.csv")
    assert codes(rows) == [["performer_twice"], ["performer_twice"]]
    assert rows[0].record.featured is None
    assert rows[1].record is None


def test_a_later_line_up_row_of_a_performer_is_no_conflict():
    rows = parsed(
        "recording_id,performer_id,featured,valid_from\nR1,P1,Y,\nR1,P1,N,2026-11-01\n", "lineups.csv"
    )
    assert codes(rows) == [[], []]
    assert all(row.record for row in rows)


@pytest.mark.parametrize("header", ["share", "지분", "지분 (%)"])
def test_shares_above_100(header):
    rows = parsed(
        f"recording_id,performer_id,{header}\nR1,P1,60\nR1,P2,40.5%\nR2,P1,60\nR2,P2,40\n", "lineups.csv"
    )
    assert codes(rows) == [["shares_above_100"], ["shares_above_100"], [], []]
    assert [row.record is not None for row in rows] == [False, False, True, True]
    assert rows[1].problems[0].value == "40.5%"


def test_one_isrc_on_two_recordings_is_listed():
    rows = parsed(
        "recording_id,audio,isrc\nR1,a.wav,KRA012612345\nR2,b.wav,KR-A01-26-12345\nR3,c.wav,bad\nR4,d.wav,bad\n",
        "recordings.csv",
    )
    assert codes(rows) == [["identifier_shared"]] * 2 + [["identifier_invalid"]] * 2
    assert all(row.record for row in rows)


def test_every_problem_code_has_its_words():
    words = load_toml("problems.toml")
    for code, entry in words.items():
        assert set(entry) == {"severity", "ko", "en", "remedy_ko", "remedy_en"}, code
        assert problem_words(code)["severity"] in set(Severity)
