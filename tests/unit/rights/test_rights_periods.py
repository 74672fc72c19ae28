"""KST months."""

import datetime as dt

import pytest

from rightscan.errors import UsageError
from rightscan.rights.periods import kst_day, kst_month, month_bounds, parse_day, parse_moment, use_period

UTC = dt.UTC


def test_half_past_three_utc_on_the_31st_is_november():
    assert kst_month(dt.datetime(2026, 10, 31, 15, 30, tzinfo=UTC)) == "2026-11"
    assert kst_month(dt.datetime(2026, 10, 31, 14, 59, 59, tzinfo=UTC)) == "2026-10"
    assert kst_day(dt.datetime(2026, 10, 31, 15, 0, tzinfo=UTC)) == dt.date(2026, 11, 1)


def test_bounds_are_half_open_and_meet():
    start, end = month_bounds("2026-12")
    assert start == dt.datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert end == month_bounds("2027-01")[0] == dt.datetime(2026, 12, 31, 15, tzinfo=UTC)
    assert kst_month(start) == "2026-12"
    assert kst_month(end - dt.timedelta(microseconds=1)) == "2026-12"


@pytest.mark.parametrize("period", ["2026-13", "2026-1", "26-01", "", "2026-11-01", "0001-01"])
def test_bad_periods(period):
    with pytest.raises(UsageError):
        month_bounds(period)


def test_naive_times_are_refused():
    with pytest.raises(UsageError):
        kst_month(dt.datetime(2026, 10, 31, 15, 30))  # noqa: DTZ001


def test_use_period_prefers_posted_then_captured_then_the_first_event():
    posted, captured, event = (dt.datetime(2026, month, 5, tzinfo=UTC) for month in (1, 2, 3))
    assert use_period(posted, captured, event) == "2026-01"
    assert use_period(None, captured, event) == "2026-02"
    assert use_period(None, None, event) == "2026-03"


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-31",
        "2026.10.31",
        "2026. 10. 31.",
        "2026/10/31",
        "20261031",
        "2026년 10월 31일",
        "2026-10-31T12:00Z",
    ],
)
def test_days_are_read_year_first(text):
    assert parse_day(text) == dt.date(2026, 10, 31)


@pytest.mark.parametrize(
    "text", ["10/31/2026", "31.10.2026", "2026-02-30", "내일", "0001-01-01", "45961", ""]
)
def test_other_texts_are_no_days(text):
    assert parse_day(text) is None


def test_a_time_without_zone_is_korean():
    assert parse_moment("2026-11-01 00:30") == dt.datetime(2026, 10, 31, 15, 30, tzinfo=UTC)
    assert parse_moment("2026-11-01") == dt.datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
    assert parse_moment("2026-10-31T15:30:00Z") == dt.datetime(2026, 10, 31, 15, 30, tzinfo=UTC)
