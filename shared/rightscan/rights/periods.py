"""Korean months: period boundaries are KST, storage is UTC. A use at 2026-10-31T15:30Z is November's."""

from __future__ import annotations

import datetime as dt
import re

from rightscan.errors import UsageError

KST = dt.timezone(dt.timedelta(hours=9), "KST")
"""Korea has had no daylight saving time since 1988; a fixed offset needs no zone database."""

_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def kst_day(moment: dt.datetime) -> dt.date:
    """Return the Korean calendar day of ``moment``.

    Raises:
        UsageError: ``moment`` has no time zone (``naive_time``).

    """
    if moment.tzinfo is None:
        raise UsageError("naive_time", f"{moment.isoformat()} has no time zone", "Pass aware datetimes.")
    return moment.astimezone(KST).date()


def kst_month(moment: dt.datetime) -> str:
    """Return the Korean month of ``moment`` as ``"2026-11"``; raises as ``kst_day`` does."""
    return f"{kst_day(moment):%Y-%m}"


def month_bounds(period: str) -> tuple[dt.datetime, dt.datetime]:
    """First moment of the Korean month ``period`` and of the next one, in UTC: a half-open interval.

    Raises:
        UsageError: ``period`` is not written ``YYYY-MM`` (``bad_period``).

    """
    match = _PERIOD.fullmatch(period)
    if match is None or not 1900 <= int(match[1]) <= 2999:
        raise UsageError("bad_period", f"{period!r} is not a month", "Write it as 2026-11.")
    year, month = int(match[1]), int(match[2])
    start = dt.datetime(year, month, 1, tzinfo=KST)
    end = dt.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=KST)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def use_period(
    posted_at: dt.datetime | None, captured_at: dt.datetime | None, first_event: dt.datetime
) -> str:
    """Return the period of a use: KST month of ``posted_at``, else ``captured_at``, else the first event."""
    return kst_month(posted_at or captured_at or first_event)


_DAY = re.compile(r"([0-9]{4})\s*[-./년]\s*([0-9]{1,2})\s*[-./월]\s*([0-9]{1,2})\s*[일.]?")


def parse_day(text: str) -> dt.date | None:
    """Read the Korean day that a cell names, None where it names none for certain.

    Year first, in the usual forms: ``2026-10-31``, ``2026.10.31.``, ``2026/10/31``, ``20261031``,
    ``2026년 10월 31일``; an ISO 8601 time gives its Korean day. ``10/31/2026`` is not read: which of the
    two comes first differs by country.
    """
    moment = parse_moment(text)
    return moment and kst_day(moment)


def parse_moment(text: str) -> dt.datetime | None:
    """Read the moment that a cell names, in UTC, None where it names none for certain (years 1900 to 2999).

    ISO 8601 or one of the days that ``parse_day`` knows; a day is its first moment in Korea, and a time
    without a zone is Korean time, since people in Korea write it.
    """
    match = _DAY.fullmatch(text)
    try:
        if match:
            moment = dt.datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=KST)
        else:
            moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1900 <= moment.year <= 2999:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=KST)).astimezone(dt.UTC)
