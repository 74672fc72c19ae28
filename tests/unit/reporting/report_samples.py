"""Small reports for the tests: rows as a use case would build them."""

import datetime as dt

from rightscan.reporting.export import ReportInput

CREATED = dt.datetime(2026, 11, 3, 1, 2, 3, tzinfo=dt.UTC)


def usage_row(number=1, **changes):
    row = {
        "row_id": f"R000123-{number:07d}",
        "line_type": "original",
        "use_id": f"use-{number:04d}",
        "period": "2026-10",
        "use_period": "2026-10",
        "ledger": "licence_fee",
        "use_type": "on_demand",
        "territory": "KR",
        "platform": "유튜브",
        "channel": "소리마을",
        "url": "https://example.org/watch?v=1",
        "posted_at": dt.datetime(2026, 10, 5, 3, 0, tzinfo=dt.UTC),
        "media_start": 12.5,
        "media_end": 42.75,
        "seconds_used": 30.25,
        "use_count": 1,
        "title": "새타령",
        "display_artist": "김민수",
        "recording_id": "REC-000001",
        "isrc": "KRA012300001",
        "name_ko": "김민수",
        "member_no": "0000123",
        "ipn": "00012345",
        "mandate": "member",
        "category": "vocal",
        "featured": True,
        "code": "U1",
        "claim_basis": "fixation",
        "axis_a": "exact",
        "coverage": 0.93125,
        "modification": ["speed", "pitch"],
        "lr_band": "very_strong",
        "log10_lr": 5.321,
        "weight_num": 1,
        "weight_den": 2,
        "rule": "KR-5050@1",
    }
    return row | changes


def other_sheets():
    return {
        "04": [
            {
                "recording_id": "REC-000002",
                "title": "밀양아리랑",
                "lineup_size": 4,
                "known": 3,
                "lineup_pct": 75,
                "uses": 2,
                "seconds_used": 61.5,
                "held": 0.25,
            }
        ],
        "05": [{"media_id": "ab" * 32, "platform": "유튜브", "tested": ("a", "c"), "code": "N1"}],
        "07": [
            {
                "source_kind": "upload",
                "source_ref": "노래.mp3",
                "code": "not_media",
                "cause": "소리가 없습니다",
                "remedy": "원본을 다시 올려 주십시오",
                "first_seen": dt.datetime(2026, 10, 31, 15, 30, tzinfo=dt.UTC),
                "attempts": 1,
            }
        ],
    }


def report(usage=None, **changes):
    rows = {"02": [usage_row(1), usage_row(2)] if usage is None else usage, **other_sheets()}
    arguments = {
        "report_id": "R000123",
        "period": "2026-10",
        "version": 1,
        "created_at": CREATED,
        "rows": rows,
        "filters": {"ledger": "사용료"},
        "versions": {"engine": "fp1-abc", "index": "idx-1"},
        "counts": {"files_received": 12, "hours_scanned": 1234.5},
        "code_lists": {},
    }
    return ReportInput(**(arguments | changes))
