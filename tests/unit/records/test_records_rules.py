"""What holds for every record, the state machine of media, the custody chain."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from rightscan.errors import CancelledError
from rightscan.records import findings, media, messages, money, objects, operations, registers, reviews
from rightscan.records.base import Record, canonical_json, content_hash
from rightscan.records.media import DECIDED, FINISHED, Media, MediaState, may_follow
from rightscan.records.objects import (
    GENESIS,
    CustodyEntry,
    ObjectRef,
    Upload,
    UploadState,
    first_broken,
    link,
)

NOW = datetime(2026, 11, 3, 4, 5, 6, 789012, tzinfo=UTC)
REF = ObjectRef(bucket="uploads", key="a.mp3", version="v1")
MODULES = (findings, media, messages, money, objects, operations, registers, reviews)
RECORDS = sorted(
    {
        cls
        for module in MODULES
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Record) and cls is not Record
    },
    key=lambda cls: cls.__name__,
)


def upload(**changes):
    values = {
        "ref": REF,
        "state": UploadState.LINKED,
        "event_time": NOW,
        "received_at": NOW,
        "use_period": "2026-11",
    }
    return Upload(**{**values, **changes})


def a_media(state=MediaState.RECEIVED, **changes):
    values = {"media_id": "a" * 64, "state": state, "size": 1, "first_seen": NOW}
    return Media(**{**values, **changes})


# ---- every record ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)
def test_a_record_is_immutable_closed_and_has_a_schema(cls):
    assert cls.model_config["frozen"]
    # Only what lies in queues is read by another version than wrote it.
    assert cls.model_config["extra"] == ("ignore" if issubclass(cls, messages.Message) else "forbid")
    assert cls.model_json_schema()["type"] == "object"


@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)
def test_every_time_of_a_record_needs_a_zone(cls):
    for name, field in cls.model_fields.items():
        if "datetime" in str(field.annotation):
            # The marker that UtcDatetime carries; a bare datetime has none
            assert field.metadata or "AfterValidator" in str(field.annotation), f"{cls.__name__}.{name}"


def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError):
        upload().size = 5


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError):
        Upload.model_validate({**upload().to_json(), "colour": "red"})


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValidationError):
        upload(event_time=NOW.replace(tzinfo=None))
    with pytest.raises(ValidationError):
        Upload.model_validate({**upload().to_json(), "event_time": "2026-11-03T04:05:06"})


def test_a_time_outside_the_calendar_is_refused():
    for moment in (
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
        datetime(9999, 12, 31, 23, tzinfo=UTC),  # next year in Seoul
    ):
        with pytest.raises(ValidationError):
            upload(event_time=moment)


def test_times_are_kept_in_utc():
    seoul = NOW.astimezone(timezone(timedelta(hours=9)))
    stored = upload(event_time=seoul)
    assert stored == upload(event_time=NOW)
    assert stored.to_json()["event_time"] == "2026-11-03T04:05:06.789012Z"


def test_absent_and_none_are_the_same():
    assert "media_id" not in upload().to_json()
    assert Upload.model_validate({**upload().to_json(), "media_id": None}) == upload()


def test_text_that_is_no_unicode_is_refused():
    with pytest.raises(ValidationError):
        ObjectRef(bucket="uploads", key="a\udc80")


# ---- canonical JSON -------------------------------------------------------------------------------------
def test_the_same_value_has_the_same_text():
    assert canonical_json({"b": [1, 2.0], "가": None}) == canonical_json({"가": None, "b": (1, 2.0)})
    assert canonical_json({"b": 1, "a": "가"}) == '{"a":"가","b":1}'
    assert canonical_json(1) != canonical_json(1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": float("-inf")}])
def test_what_is_no_json_has_no_text(value):
    with pytest.raises(ValueError):
        canonical_json(value)


def test_a_content_hash_is_as_long_as_asked():
    assert len(content_hash({})) == 16
    assert content_hash({}, 32).startswith(content_hash({}))
    assert content_hash({"a": 1}) != content_hash({"a": 2})


# ---- the state machine ----------------------------------------------------------------------------------
STEPS = {
    ("received", "claimed"),
    ("received", "rejected"),
    ("claimed", "claimed"),
    ("claimed", "analysed"),
    ("claimed", "rejected"),
    ("claimed", "failed"),
    ("analysed", "matched"),
    ("analysed", "clear"),
    ("analysed", "partial"),
    ("analysed", "failed"),
    *((before.value, after.value) for before in DECIDED for after in DECIDED),
}


@pytest.mark.parametrize("before", MediaState)
@pytest.mark.parametrize("after", MediaState)
def test_these_steps_and_no_others(before, after):
    allowed = (before.value, after.value) in STEPS
    assert may_follow(before, after) is allowed
    if allowed:
        moved = a_media(before).moved(after, codec="aac")
        assert (moved.state, moved.codec) == (after, "aac")
    else:
        with pytest.raises(CancelledError) as caught:
            a_media(before).moved(after)
        assert caught.value.code == "state_backward"


def test_what_is_finished_owes_no_work():
    assert DECIDED | {MediaState.REJECTED, MediaState.FAILED} == FINISHED
    for state in FINISHED:
        assert not any(may_follow(state, after) for after in set(MediaState) - FINISHED)


@pytest.mark.parametrize("media_id", ["", "A" * 64, "a" * 63, "a" * 65, "g" * 64])
def test_bytes_are_named_by_their_sha_256(media_id):
    with pytest.raises(ValidationError):
        a_media(media_id=media_id)


# ---- custody --------------------------------------------------------------------------------------------
def chain(length, *, detail=None):
    entries: list[CustodyEntry] = []
    for number in range(length):
        entries.append(
            link(
                entries[-1] if entries else None,
                ref=REF,
                at=NOW + timedelta(seconds=number),
                actor="ingest",
                action="received",
                subject=f"{number}",
                detail=detail or {"n": number},
            )
        )
    return entries


def test_a_chain_begins_with_nothing_before_it():
    (first,) = chain(1)
    assert (first.seq, first.previous, len(first.digest)) == (1, GENESIS, 64)
    assert first_broken([]) is None
    assert first_broken([first]) is None


def test_a_digest_never_changes_between_releases():
    # Written down: a changed digest breaks every chain that was ever stored
    assert chain(2)[1].digest == "4d40fd5a56ad63e93d4f631571fd9c1b96a9367acecdacd79c761d2e7d149eec"


def test_a_chain_survives_storage():
    detail = {
        "none": None,
        "float": 1.0,
        "tiny": 1e-300,
        "text": "가🎵\n",
        "nested": {"": [True, {"b": 1, "a": 2}]},
    }
    stored = [CustodyEntry.model_validate(entry.to_json()) for entry in chain(3, detail=detail)]
    assert first_broken(stored) is None


def test_the_first_broken_entry_is_named():
    for position in range(4):
        entries = chain(4)
        entries[position] = entries[position].model_copy(update={"actor": "somebody"})
        assert first_broken(entries) == entries[position]


def test_an_entry_recomputed_after_a_change_breaks_the_next():
    entries = chain(3)
    forged = entries[1].model_copy(update={"actor": "somebody"})
    forged = forged.model_copy(update={"digest": objects.custody_digest(forged)})
    assert first_broken([entries[0], forged, entries[2]]) == entries[2]


def test_an_entry_of_another_upload_does_not_fit():
    entries = chain(3)
    other = entries[1].model_copy(update={"ref": REF.model_copy(update={"version": "v2"})})
    assert first_broken([entries[0], other, entries[2]]) == other


def test_an_entry_is_found_in_the_log_by_its_index():
    entry = chain(2)[1]
    assert entry.log_index == f"{REF.object_id}/v1/2"
    assert "a.mp3" not in entry.log_index
