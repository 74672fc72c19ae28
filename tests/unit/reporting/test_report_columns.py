"""The sheets and columns are those of the domain page, word for word."""

import re

import pytest

from rightscan.reporting.codes import Codebook
from rightscan.reporting.columns import DATA, STREAMED, WRITTEN, Kind, dictionary_rows, display_width, sheets

# The domain page, section 6, as it stands there.
USAGE = """보고행번호 row_id · 행구분 line_type (원본/취소/대체) · 대체대상 supersedes · 이용번호 use_id ·
정산기간 period · 이용기간 use_period · 징수구분 ledger · 이용형태 use_type · 국가 territory · 플랫폼 platform ·
채널/프로그램 channel · 게시자ID(가명) uploader_ref · URL url · 게시일시(KST) posted_at · 수집일시(KST) captured_at ·
이용시작 media_start · 이용종료 media_end · 원곡시작 reference_start · 원곡종료 reference_end · 사용초 seconds_used ·
사용횟수 use_count · 주/배경 prominence · 곡명 title · 표시가수 display_artist · 음원ID recording_id · ISRC isrc ·
UCI uci · ISWC(참고) iswc · 실연자명 name_ko · 로마자 name_roman · 활동명 stage_name · 회원번호 member_no · IPN ipn ·
ISNI isni · 회원구분 mandate · 구분 category · 역할 role · 악기 instrument · 주/부 featured ·
참여정보완성도 lineup_pct · 판정코드 code · 판정 code_ko · 근거권리 claim_basis · 녹음일치 axis_a · 일치율 coverage ·
변형 modification · 실연자유사 axis_b · 증거강도 lr_band · log10LR log10_lr · 합성근거 axis_c · AI표시 declared_ai ·
이용허락 axis_d · 허락번호 licence_id · 분석조건 conditions · 확인상태 review_state · 확인자 reviewer_ref ·
확인일시(KST) reviewed_at · 사유코드 reason_code · 이의상태 dispute_state · 지분분자 weight_num ·
지분분모 weight_den · 분배규칙 rule · 추정액 est_amount · 통화 currency · 원본해시 sha256 · 증거ID evidence_id ·
감사로그 log_index · 엔진버전 engine · 모델 models · 색인 index_version"""

OTHERS = {
    "00": "key, value",
    "01": "ledger, code, platform, uses, seconds_used, recordings, performers, est_amount",
    "03": "case_id, media_id, code, claim_basis, subject_kind, subject_id, media_start, media_end, lr_band, "
    "axis_c, axis_d, conditions, review_state, deadline, evidence_id",
    "04": "recording_id, isrc, title, display_artist, lineup_size, known, lineup_pct, uses, seconds_used, held",
    "05": "media_id, platform, channel, url, media_start, media_end, tested, code",
    "06": "row_id, supersedes, line_type, reason_code, old, new, difference",
    "07": "source_kind, source_ref, code, cause, remedy, first_seen, attempts",
    "08": "recording_id, title, performer_id, member_no, name_ko, mandate, ledger, units, weight_num, "
    "weight_den, gross, fee, withholding, held, hold_reason, carried_in, carried_out, payable, rule, row_ids",
    "90": "list, code, ko, en",
    "91": "sheet, column_ko, column_en, meaning, unit, source",
}
TITLES = "00_표지 01_요약 02_이용내역 03_AI의심 04_참여정보부족 05_미확인 06_조정 07_오류 08_분배 90_코드표 91_열설명"


def test_usage_columns_are_the_domain_pages():
    expected = [
        tuple(re.sub(r" \(.*\)$", "", entry.strip()).rsplit(" ", 1))
        for entry in USAGE.replace("\n", " ").split("·")
    ]
    assert len(expected) == 70
    assert [(column.header.ko, column.name) for column in sheets()["02"].columns] == expected


@pytest.mark.parametrize("number", OTHERS)
def test_columns_of_the_other_sheets(number):
    assert [column.name for column in sheets()[number].columns] == OTHERS[number].split(", ")


def test_tabs_in_order():
    assert [sheet.title("ko") for sheet in sheets().values()] == TITLES.split()
    assert list(WRITTEN) == sorted(WRITTEN)
    assert set(STREAMED) < set(WRITTEN) <= set(sheets())


def test_the_korean_header_of_a_column_is_sheet_02s_where_it_means_the_same():
    usage = {column.name: column for column in sheets()["02"].columns}
    others = [column for number in OTHERS for column in sheets()[number].columns if column.name in usage]
    # A kind of error and a code of the code table share a name with the finding's code, not a meaning.
    own = {(sheet.number, column.name) for sheet in sheets().values() for column in sheet.columns} & {
        ("07", "code"),
        ("90", "code"),
    }
    assert len([column for column in others if column.header != usage[column.name].header]) == len(own) == 2


@pytest.mark.parametrize("language", ["ko", "en"])
def test_headers_of_a_sheet_are_distinct(language):
    for sheet in sheets().values():
        assert len(set(sheet.headers(language))) == len(sheet.columns)


def test_dictionary_describes_every_column_of_every_written_sheet():
    rows = list(dictionary_rows("ko"))
    assert len(rows) == sum(len(sheets()[number].columns) for number in WRITTEN)
    assert all(row["meaning"] and row["source"] for row in rows)
    seconds = next(
        row for row in rows if row["sheet"] == "02_이용내역" and row["column_en"] == "seconds_used"
    )
    assert (seconds["column_ko"], seconds["unit"]) == ("사용초", "초")


def test_decimals_have_places_and_only_they():
    for sheet in sheets().values():
        for column in sheet.columns:
            assert (column.places > 0) == (column.kind is Kind.DECIMAL), column.name


@pytest.mark.parametrize("language", ["ko", "en"])
def test_words_of_a_shown_list_are_distinct_so_that_a_cell_leads_back_to_its_code(language):
    shown = {column.codes for sheet in sheets().values() for column in sheet.columns if column.show_word}
    for name, words in Codebook("ko", {}).lists.items():
        if name in shown:
            assert len({word[language] for word in words.values()}) == len(words), name


def test_every_code_column_that_needs_a_list_has_one():
    lists = Codebook("ko", {}).lists
    open_lists = {"error", "reason_code"}  # the report brings their words
    for number in WRITTEN:
        for column in sheets()[number].columns:
            if column.codes:
                assert lists[column.codes] or column.codes in open_lists, column.name
    assert list(lists["code"]) != []
    assert lists["code"]["U1"].ko == "등록 실연 이용"


def test_no_word_of_accusation():
    for path in DATA.iterdir():
        assert "침해" not in path.read_text("utf-8")


def test_display_width_counts_hangul_twice():
    assert display_width("KBS 아리랑") == 10
