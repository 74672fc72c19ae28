"""Schedules: EventBridge Scheduler's cron and rate expressions, and sending what is due.

A schedule that was missed while nothing ran is sent once at the next start, with the last time it was due.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rightscan.adapters.local.database import Database
from rightscan.adapters.local.queues import insert_message
from rightscan.adapters.local.wiring import Schedule
from rightscan.errors import PermanentError
from rightscan.ports import Clock

_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\(([^)]+)\)")
_LOOK_BACK_DAYS = 400
"""How far back a missed time is looked for: a yearly schedule is found, a longer stop is not made up for."""


@dataclass(frozen=True)
class _Rate:
    period: timedelta

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        periods = (until - after) // self.period
        return after + periods * self.period if periods else None


@dataclass(frozen=True)
class _Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    zone: ZoneInfo

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        today = until.astimezone(self.zone).date()
        for back in range(_LOOK_BACK_DAYS):
            day = today - timedelta(days=back)
            if day < after.astimezone(self.zone).date():
                return None
            if not self._on(day):
                continue
            for hour in sorted(self.hours, reverse=True):
                for minute in sorted(self.minutes, reverse=True):
                    due = datetime.combine(day, time(hour, minute), self.zone).astimezone(UTC)
                    if after < due <= until:
                        return due
        return None

    def _on(self, day: date) -> bool:
        is_last = (day + timedelta(days=1)).day == 1
        return (
            (day.day in self.days or (self.last_day and is_last))
            and day.month in self.months
            and day.isoweekday() % 7 + 1 in self.weekdays
            and day.year in self.years
        )


def parse(expression: str, timezone: str = "UTC") -> _Rate | _Cron:
    """Read an expression.

    Args:
        expression: ``rate(5 minutes)`` or ``cron(minutes hours day-of-month month day-of-week year)``, with
            lists, ranges, steps, names of months and days, ``?`` and ``L`` for the last day of a month.
        timezone: an IANA name; what a cron expression's times mean.

    Raises:
        PermanentError: code ``bad_schedule`` where it is anything else.
    """
    if found := _RATE.fullmatch(expression):
        period = timedelta(**{f"{found[2]}s": int(found[1])})
        if period:
            return _Rate(period)
    elif (found := _CRON.fullmatch(expression)) and len(fields := found[1].split()) == 6:
        try:
            minutes, hours, days, months, weekdays, years = fields
            return _Cron(
                minutes=_field(minutes, 0, 59),
                hours=_field(hours, 0, 23),
                days=frozenset() if days == "L" else _field(days, 1, 31),
                last_day=days == "L",
                months=_field(months, 1, 12, _MONTHS),
                weekdays=_field(weekdays, 1, 7, _DAYS),
                years=_field(years, 1970, 2199),
                zone=ZoneInfo(timezone),
            )
        except (KeyError, ValueError) as error:
            raise _bad(expression, timezone) from error
    raise _bad(expression, timezone)


def latest_due(expression: str, timezone: str, after: datetime, until: datetime) -> datetime | None:
    """The last time in ``after < time <= until`` at which a schedule is due, UTC; ``None`` if there is none.

    A rate counts from ``after``.
    """
    return parse(expression, timezone).latest(after, until)


def check(schedules: Iterable[Schedule]) -> None:
    """Read all of them once, so that a bad one is told at the start.

    Raises:
        PermanentError: code ``bad_schedule``.
    """
    for schedule in schedules:
        parse(schedule.expression, schedule.timezone)
        if "<aws." in schedule.input.replace(_SCHEDULED_TIME, ""):
            raise PermanentError(
                "bad_schedule",
                f"{schedule.name}.Input: {schedule.input}",
                f"Only {_SCHEDULED_TIME} is known here.",
            )


def send_due(schedules: Iterable[Schedule], database: Database, clock: Clock) -> int:
    """Send the messages of the schedules that are due, each in one transaction with its new ``last_run``.

    Returns:
        How many were sent.
    """
    sent = 0
    now = clock.now()
    for schedule in schedules:
        row = database.connection().execute(_LAST_RUN, (schedule.name,)).fetchone()
        if row is None or _due(schedule, row["last_run"], now) is None:
            continue
        with database.transaction() as connection:
            due = _due(schedule, connection.execute(_LAST_RUN, (schedule.name,)).fetchone()["last_run"], now)
            if due is None:
                continue
            at = due.strftime("%Y-%m-%dT%H:%M:%SZ")
            body = schedule.input.replace(_SCHEDULED_TIME, at)
            insert_message(connection, schedule.queue, body, now=now.timestamp(), delay_s=0)
            connection.execute(
                "UPDATE schedules SET last_run=? WHERE name=?", (due.timestamp(), schedule.name)
            )
            sent += 1
    return sent


_LAST_RUN = "SELECT last_run FROM schedules WHERE name=?"


def _due(schedule: Schedule, last_run: float, now: datetime) -> datetime | None:
    return latest_due(schedule.expression, schedule.timezone, datetime.fromtimestamp(last_run, UTC), now)


def _field(text: str, low: int, high: int, names: list[str] | None = None) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            start, _, end = span.partition("-")
            first = _number(start, low, names)
            last = _number(end, low, names) if end else (high if step else first)
        # An end before its start (FRI-MON) would silently be an empty range.
        if not low <= first <= last <= high:
            raise ValueError(text)
        values.update(range(first, last + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, low: int, names: list[str] | None) -> int:
    if names is not None and text.upper() in names:
        return low + names.index(text.upper())
    return int(text)


def _bad(expression: str, timezone: str) -> PermanentError:
    return PermanentError(
        "bad_schedule",
        f"{expression} in {timezone}",
        "Use rate(n minutes|hours|days) or a six-field cron expression, and an IANA time zone.",
    )
