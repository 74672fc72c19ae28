"""What S3 sends: every key comes out as the uploader named it, and whatever else comes is refused in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest

from rightscan.errors import PermanentError
from rightscan.records.messages import TestEvent, UploadEvent, parse_s3_notification
from rightscan.records.objects import ObjectRef


def notification(
    key="a.mp3", *, encode=True, name="ObjectCreated:Put", time="2026-10-31T15:30:00.123Z", **of_object
):
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "ap-northeast-2",
        "eventTime": time,
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AROA"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "uploads", "arn": "arn:aws:s3:::uploads"},
            "object": {"key": quote_plus(key, safe="/") if encode else key, "eTag": "d41d8", **of_object},
        },
    }


def parse(*records, **more):
    events = parse_s3_notification(json.dumps({"Records": list(records), **more}))
    assert isinstance(events, list)
    return events


def test_a_notification_is_read():
    (event,) = parse(notification("a b.mp3", size=5, versionId="v1", sequencer="0055"))
    assert event == UploadEvent(
        ref=ObjectRef(bucket="uploads", key="a b.mp3", version="v1"),
        name="ObjectCreated:Put",
        event_time=datetime(2026, 10, 31, 15, 30, 0, 123000, tzinfo=UTC),
        size=5,
        sequencer="0055",
    )
    assert event.created
    assert event.origin == "live"


@pytest.mark.parametrize(
    "key",
    [
        "a+b c.mp3",
        "100%.mp3",
        "%2F%2b.mp3",
        "\uac01.mp3",  # NFC
        "\u1100\u1161\u11a8.mp3",  # NFD
        "🎵/🎤.flac",
        "../../etc/passwd",
        "folder/",
        "노" * 341 + "x",  # 1,024 bytes
        "quote\"'\\.wav",
        "line\nbreak\t.wav",
        "=cmd()",
    ],
)
def test_a_key_comes_out_as_it_was_named(key):
    (event,) = parse(notification(key))
    assert event.ref.key == key


def test_a_key_of_broken_escapes_is_a_key_still():
    for raw, key in [("%ff.mp3", "\ufffd.mp3"), ("100%", "100%"), ("%zz", "%zz")]:
        (event,) = parse(notification(raw, encode=False))
        assert event.ref.key == key


def test_an_unversioned_bucket_names_no_version():
    (event,) = parse(notification())
    assert (event.ref.version, event.size, event.sequencer) == ("null", None, "")


def test_several_records_in_one_message_are_several_events():
    assert [event.ref.key for event in parse(notification("a"), notification("b"))] == ["a", "b"]


def test_event_names_have_one_spelling():
    assert parse(notification(name="s3:ObjectCreated:CompleteMultipartUpload"))[0].created
    assert not parse(notification(name="ObjectRemoved:DeleteMarkerCreated"))[0].created


def test_a_backfill_says_so():
    body = json.dumps({"Records": [notification()]})
    assert parse_s3_notification(body, "backfill")[0].origin == "backfill"


def test_the_test_event_is_known():
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads", "HostId": "x"})
    assert parse_s3_notification(body) == TestEvent(bucket="uploads")


def without(*path):
    record = notification()
    inner = record
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return json.dumps({"Records": [record]})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "null",
        "[]",
        "3",
        '"text"',
        "{}",
        '{"Records": []}',
        '{"Records": {}}',
        '{"Records": [null]}',
        '{"kind": "scan", "media_id": "a"}',
        "[" * 100_000,
        without("s3"),
        without("eventName"),
        without("eventTime"),
        without("s3", "bucket"),
        without("s3", "object", "key"),
        json.dumps({"Records": [notification("")]}),
        json.dumps({"Records": [notification(versionId="")]}),
        json.dumps({"Records": [notification(versionId=None)]}),
        json.dumps({"Records": [notification(size="many")]}),
        json.dumps({"Records": [notification(time="yesterday")]}),
        json.dumps({"Records": [notification(time="2026-10-31T15:30:00")]}),  # no zone
        json.dumps({"Records": [notification(time="0001-01-01T00:00:00+14:00")]}),  # before time began
        json.dumps({"Records": [notification("a\\udc80", encode=False)]}).replace("\\\\", "\\"),
        json.dumps({"Records": [notification(), {"eventName": "ObjectCreated:Put"}]}),
    ],
)
def test_what_is_no_notification_is_refused_in_words(body):
    with pytest.raises(PermanentError) as caught:
        parse_s3_notification(body)
    assert caught.value.code == "event_shape"
    assert caught.value.remedy
    assert "uploads" not in str(caught.value)  # names and keys stay out of what a log may quote
