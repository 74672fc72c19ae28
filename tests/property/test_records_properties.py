"""What holds for any record: it survives storage, its chain shows any change, its state never goes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.errors import CancelledError, PermanentError
from rightscan.records import identity
from rightscan.records.base import canonical_json, content_hash
from rightscan.records.findings import Match, Modification
from rightscan.records.media import DECIDED, Media, MediaState
from rightscan.records.messages import parse_s3_notification
from rightscan.records.objects import (
    CustodyEntry,
    ErrorInfo,
    ObjectRef,
    Upload,
    UploadFactsRecord,
    UploadState,
    first_broken,
    link,
)
from rightscan.records.operations import Pointer

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = text.filter(bool)
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones())  # noqa: DTZ001
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
periods = st.dates().map(lambda day: f"{day:%Y-%m}").filter(lambda period: len(period) == 7)
sizes = st.none() | st.integers(0, 2**60)
refs = st.builds(ObjectRef, bucket=names, key=names, version=names)
errors = st.none() | st.builds(ErrorInfo, code=text, cause=text, remedy=text)
facts = st.builds(
    UploadFactsRecord,
    platform=st.none() | text,
    url=st.none() | text,
    posted_at=st.none() | moments,
    captured_at=st.none() | moments,
)
records = st.one_of(
    st.builds(
        Upload,
        ref=refs,
        state=st.sampled_from(UploadState),
        media_id=st.none() | hashes,
        size=sizes,
        event_time=moments,
        sequencer=text,
        received_at=moments,
        use_period=periods,
        facts=facts,
        origin=st.sampled_from(["live", "backfill"]),
        error=errors,
    ),
    st.builds(
        Media,
        media_id=hashes,
        state=st.sampled_from(MediaState),
        size=st.integers(0, 2**60),
        first_seen=moments,
        kind=st.sampled_from(["audio", "video", "unknown"]),
        lease_until=st.none() | moments,
        duration_s=st.none() | finite,
        error=errors,
    ),
    st.builds(
        Match,
        match_id=text,
        media_id=hashes,
        recording_id=text,
        occurrence_id=text,
        media_start=finite,
        media_end=finite,
        reference_start=finite,
        reference_end=finite,
        log10_lr=finite,
        stated_log10_lr=finite,
        coverage=st.floats(0, 1),
        modification=st.builds(
            Modification,
            kinds=st.lists(text, max_size=2).map(tuple),
            speed=st.floats(1e-300, 1e300),
            pitch_semitones=finite,
        ),
        border_uncertainty_s=st.floats(0, 1e300),
        index_version=text,
        found_at=moments,
        status=st.sampled_from(["active", "ended"]),
        ended_at=st.none() | moments,
    ),
    st.builds(
        Pointer,
        name=text,
        value=st.dictionaries(text, json_values, max_size=3),
        revision=st.integers(1, 2**31),
        moved_at=moments,
    ),
)


@given(records)
def test_a_record_survives_storage(record):
    stored = canonical_json(record.to_json())
    again = type(record).model_validate(json.loads(stored))
    assert again == record
    assert canonical_json(again.to_json()) == stored
    assert content_hash(again.to_json()) == content_hash(record.to_json())


# ---- S3's notifications ---------------------------------------------------------------------------------
@given(names, st.sampled_from(["", "/", "/*()!'"]))
def test_any_key_comes_out_of_a_notification_as_it_was_named(key, safe):
    # whichever characters S3 chooses to leave unescaped
    s3 = {"bucket": {"name": "uploads"}, "object": {"key": quote_plus(key, safe=safe)}}
    record = {"eventName": "ObjectCreated:Put", "eventTime": "2026-11-03T00:00:00Z", "s3": s3}
    (event,) = parse_s3_notification(json.dumps({"Records": [record]}))
    assert event.ref.key == key


@given(json_values.map(json.dumps) | text | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_no_message_whatsoever_makes_the_parser_fail_otherwise(body):
    with pytest.raises(PermanentError):
        parse_s3_notification(body)


# ---- ids ------------------------------------------------------------------------------------------------
parts = st.tuples(names, names, names)


@given(parts, parts)
def test_ids_are_equal_for_equal_parts_only(a, b):
    assert (identity.match_id(*a) == identity.match_id(*b)) is (a == b)
    assert (identity.incident_id(*a) == identity.incident_id(*b)) is (a == b)


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_object_has_one_id(key, other):
    # surrogates included: a file name that is no valid text must not stop a batch
    assert (identity.object_id("b", key) == identity.object_id("b", other)) is (key == other)


@given(names, st.integers(1, 64))
def test_a_shard_is_one_of_those_asked_for(name, shards):
    assert 0 <= identity.shard_of(name, shards) < shards


# ---- the state machine ----------------------------------------------------------------------------------
RANK = {MediaState.RECEIVED: 0, MediaState.CLAIMED: 1, MediaState.ANALYSED: 2, **dict.fromkeys(DECIDED, 3)}
RANK |= {MediaState.REJECTED: 4, MediaState.FAILED: 4}


@given(st.lists(st.sampled_from(MediaState), max_size=12))
def test_no_sequence_of_moves_takes_media_back(states):
    first_seen = datetime(2026, 11, 3, tzinfo=UTC)
    media = Media(media_id="a" * 64, state=MediaState.RECEIVED, size=1, first_seen=first_seen)
    for state in states:
        before = media.state
        try:
            media = media.moved(state)
        except CancelledError:
            assert media.state is before
        assert RANK[media.state] >= RANK[before]
        if RANK[before] == 4:
            assert media.state is before


# ---- custody --------------------------------------------------------------------------------------------
REF = ObjectRef(bucket="uploads", key="a.mp3", version="v1")
steps = st.lists(
    st.tuples(moments, names, names, names, st.dictionaries(text, json_values, max_size=3)),
    min_size=1,
    max_size=5,
)


def chain_of(entries):
    chain: list[CustodyEntry] = []
    for at, actor, action, subject, detail in entries:
        previous = chain[-1] if chain else None
        chain.append(
            link(previous, ref=REF, at=at, actor=actor, action=action, subject=subject, detail=detail)
        )
    return chain


@settings(max_examples=30)
@given(steps)
def test_a_chain_holds_before_and_after_storage(entries):
    chain = chain_of(entries)
    assert first_broken(chain) is None
    stored = [CustodyEntry.model_validate(json.loads(canonical_json(entry.to_json()))) for entry in chain]
    assert first_broken(stored) is None


@settings(max_examples=30)
@given(steps, st.data())
def test_any_change_of_any_entry_is_noticed_at_it(entries, data):
    chain = chain_of(entries)
    position = data.draw(st.integers(0, len(chain) - 1))
    entry = chain[position]
    changes = {
        "ref": entry.ref.model_copy(update={"version": entry.ref.version + "x"}),
        "seq": entry.seq + 1,
        "at": entry.at + timedelta(microseconds=1),
        "actor": entry.actor + "x",
        "action": entry.action + "x",
        "subject": entry.subject + "x",
        "detail": {**entry.detail, "forged": True},
        "previous": entry.previous[::-1] + "0",
        "digest": entry.digest[::-1] + "0",
    }
    field = data.draw(st.sampled_from(sorted(changes)))
    chain[position] = entry.model_copy(update={field: changes[field]})
    assert first_broken(chain) == chain[position]


@settings(max_examples=30)
@given(steps, st.data())
def test_an_entry_left_out_or_moved_is_noticed(entries, data):
    chain = chain_of(entries)
    position = data.draw(st.integers(0, len(chain) - 1))
    without = chain[:position] + chain[position + 1 :]
    # The last one is missed by nothing that follows: that is what the hourly root is for
    assert (first_broken(without) is None) is (position == len(chain) - 1)
    turned = chain[::-1]
    assert (first_broken(turned) is None) is (len(chain) == 1)
