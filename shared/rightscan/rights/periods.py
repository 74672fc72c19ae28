"""Korean months: period boundaries are KST, storage is UTC. A use at 2026-10-31T15:30Z is November's."""

from __future__ import annotations

import datetime as dt
import re

from rightscan.errors import UsageError

KST = dt.timezone(dt.timedelta(hours=9), "KST")
"""Korea has had no daylight saving time since 1988; a fixed offset needs no zone database."""

_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def kst_day(moment: dt.datetime) -> dt.date:
    """The Korean calendar day of ``moment``.

    Raises:
        UsageError: ``moment`` has no time zone (``naive_time``).
    """
    if moment.tzinfo is None:
        raise UsageError("naive_time", f"{moment.isoformat()} has no time zone", "Pass aware datetimes.")
    return moment.astimezone(KST).date()


def kst_month(moment: dt.datetime) -> str:
    """The Korean month of ``moment`` as ``"2026-11"``; raises as ``kst_day`` does."""
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
    """The period a use belongs to: KST month of ``posted_at``, else ``captured_at``, else the first event."""
    return kst_month(posted_at or captured_at or first_event)
