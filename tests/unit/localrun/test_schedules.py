"""Schedules: the times of cron and rate expressions, what is sent for them, what was missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.queues import LocalQueue
from rightscan.adapters.local.wiring import QueueSettings, Schedule, Wiring, apply, read_wiring
from rightscan.errors import PermanentError
from rightscan.localrun.schedules import check, latest_due, parse, send_due

SEOUL = ZoneInfo("Asia/Seoul")
REAL = Path(__file__).parents[3] / "template.yaml"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "until", "due"),
    [
        ("cron(0 3 * * ? *)", "UTC", "2026-11-22 10:00", "2026-11-23 03:00", "2026-11-23 03:00"),
        ("cron(0 3 * * ? *)", "UTC", "2026-11-23 03:00", "2026-11-24 02:59", None),
        ("cron(0 3 * * ? *)", "Asia/Seoul", "2026-11-22 10:00", "2026-11-23 03:00", "2026-11-22 18:00"),
        # the 2nd of a month in Seoul begins on the 1st in UTC; here 1 December
        ("cron(0 3 2 * ? *)", "Asia/Seoul", "2026-11-15 00:00", "2026-12-01 18:00", "2026-12-01 18:00"),
        ("cron(0 3 2 * ? *)", "Asia/Seoul", "2026-11-15 00:00", "2026-12-01 17:59", None),
        ("cron(30 12 L * ? *)", "UTC", "2028-02-01 00:00", "2028-03-05 00:00", "2028-02-29 12:30"),
        ("cron(0 8 ? * MON-FRI *)", "UTC", "2026-11-20 08:00", "2026-11-23 07:59", None),
        ("cron(0 8 ? * MON-FRI *)", "UTC", "2026-11-20 08:00", "2026-11-23 08:00", "2026-11-23 08:00"),
        ("cron(0 8 ? * 1 *)", "UTC", "2026-11-16 00:00", "2026-11-23 00:00", "2026-11-22 08:00"),
        ("cron(0/15 * * * ? *)", "UTC", "2026-11-23 03:00", "2026-11-23 03:50", "2026-11-23 03:45"),
        (
            "cron(5,35 9-17/4 * JAN,NOV ? 2026)",
            "UTC",
            "2026-01-01 00:00",
            "2026-11-23 16:00",
            "2026-11-23 13:35",
        ),
        ("cron(0 0 1 JAN ? 2025)", "UTC", "2026-01-01 00:00", "2026-11-23 00:00", None),
        ("rate(5 minutes)", "UTC", "2026-11-23 03:00", "2026-11-23 03:04", None),
        ("rate(5 minutes)", "UTC", "2026-11-23 03:00", "2026-11-23 03:17", "2026-11-23 03:15"),
        ("rate(1 hour)", "UTC", "2026-11-23 03:30", "2026-11-23 05:29", "2026-11-23 04:30"),
        ("rate(1 day)", "UTC", "2026-11-20 03:30", "2026-11-23 05:29", "2026-11-23 03:30"),
    ],
)
def test_the_latest_time_at_which_it_was_due(expression, zone, after, until, due):
    assert latest_due(expression, zone, at(after), at(until)) == (None if due is None else at(due))


numbers = st.integers(0, 59).map(str) | st.just("*") | st.just("0/20") | st.just("10-40/7")


@given(
    minute=numbers,
    hour=st.sampled_from(["*", "3", "0-6/2", "22,23"]),
    day=st.sampled_from(["*", "1", "L", "15-20", "31"]),
    weekday=st.sampled_from(["?", "MON", "2-4", "SUN,SAT"]),
    zone=st.sampled_from(["UTC", "Asia/Seoul"]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 (made aware below)
    hours=st.integers(0, 40),
)
@settings(max_examples=60, deadline=None)
def test_it_is_the_last_minute_that_fits(minute, hour, day, weekday, zone, start, hours):
    """Against a look at every single minute of the span, by the fields' plain meaning."""
    expression = f"cron({minute} {hour} {day} * {weekday} *)"
    cron = parse(expression, zone)
    after = start.replace(tzinfo=UTC, microsecond=0)
    until = after + timedelta(hours=hours)
    expected = None
    moment = until.replace(second=0)
    while moment > after:
        local = moment.astimezone(ZoneInfo(zone))
        if local.minute in cron.minutes and local.hour in cron.hours and cron._on(local.date()):
            expected = moment
            break
        moment -= timedelta(minutes=1)
    assert latest_due(expression, zone, after, until) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "daily",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(-1 days)",
        "cron(0 3 * * ?)",
        "cron(60 3 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 3 0 * ? *)",
        "cron(0 3 ? * 8 *)",
        "cron(0 3 ? * FRI-MON *)",
        "cron(0 3 15W * ? *)",
        "cron(0 3 ? * MON#1 *)",
        "cron(x 3 * * ? *)",
        "cron(0/0 3 * * ? *)",
        "at(2026-11-23T00:00:00)",
    ],
)
def test_what_is_no_expression_is_told(expression):
    with pytest.raises(PermanentError) as caught:
        parse(expression)
    assert caught.value.code == "bad_schedule"


def test_a_zone_that_does_not_exist_is_told():
    with pytest.raises(PermanentError):
        parse("cron(0 3 * * ? *)", "Asia/Pyeongchang")


def test_an_input_with_an_unknown_placeholder_is_told():
    with pytest.raises(PermanentError):
        check([Schedule("S", "rate(1 day)", "UTC", "Q", '"<aws.scheduler.execution-id>"')])


# ---- sending --------------------------------------------------------------------------------------------
MONTHLY = Schedule(
    "Monthly",
    "cron(0 3 2 * ? *)",
    "Asia/Seoul",
    "Q",
    '{"request_id":"monthly-<aws.scheduler.scheduled-time>"}',
)


def store(tmp_path, clock, *schedules):
    database = Database(tmp_path / "store.sqlite", durable=False)
    wiring = Wiring({}, {"Q": QueueSettings("Q", 30, 5, None)}, (), (), (), schedules)
    apply(wiring, database, clock=clock)
    return database


def received(database, clock):
    queue = LocalQueue("Q", database, clock)
    messages = queue.receive(100)
    for message in messages:
        queue.acknowledge(message)
    return [json.loads(message.body) for message in messages]


def test_a_new_schedule_waits_for_its_first_time(tmp_path):
    clock = ManualClock(datetime(2026, 11, 23, tzinfo=SEOUL))
    database = store(tmp_path, clock, MONTHLY)
    assert send_due([MONTHLY], database, clock) == 0
    clock.advance(9 * 86_400 + 3 * 3600)
    assert [send_due([MONTHLY], database, clock) for _ in range(3)] == [1, 0, 0]
    assert received(database, clock) == [{"request_id": "monthly-2026-12-01T18:00:00Z"}]


def test_what_was_missed_is_sent_once_with_its_last_time(tmp_path):
    clock = ManualClock(datetime(2026, 11, 23, tzinfo=SEOUL))
    store(tmp_path, clock, MONTHLY).close()
    clock.advance(70 * 86_400)  # 1 February
    database = store(tmp_path, clock, MONTHLY)
    assert send_due([MONTHLY], database, clock) == 1
    assert received(database, clock) == [{"request_id": "monthly-2027-01-01T18:00:00Z"}]
    clock.advance(3 * 86_400)
    assert send_due([MONTHLY], database, clock) == 1
    assert received(database, clock) == [{"request_id": "monthly-2027-02-01T18:00:00Z"}]


def test_a_rate_keeps_its_beat(tmp_path):
    rate = Schedule("Hourly", "rate(1 hour)", "UTC", "Q", '{"at":"<aws.scheduler.scheduled-time>"}')
    clock = ManualClock(at("2026-11-23 03:30"))
    database = store(tmp_path, clock, rate)
    clock.advance(2.4 * 3600)
    assert send_due([rate], database, clock) == 1
    clock.advance(0.7 * 3600)
    assert send_due([rate], database, clock) == 1
    assert received(database, clock) == [{"at": "2026-11-23T05:30:00Z"}, {"at": "2026-11-23T06:30:00Z"}]


def test_the_schedules_of_the_template_are_understood():
    schedules = read_wiring(REAL).schedules
    assert schedules
    check(schedules)
