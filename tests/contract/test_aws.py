"""What the AWS adapters do beyond the ports' contracts: failures, ranges, parts, stacks, attribute values."""

from __future__ import annotations

import hashlib
import json
import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest import mock

import pytest
from backends_aws import AwsBackend, aws
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from rightscan.adapters.aws import attributes, objects
from rightscan.adapters.aws.clients import shared_client, translate
from rightscan.adapters.aws.events import EventBridgeBus
from rightscan.adapters.aws.items import DynamoItems
from rightscan.adapters.aws.stack import OUTPUTS, read_stack
from rightscan.adapters.items import Add, ConditionFailed, Item, Put
from rightscan.adapters.ledger import RecordLedger
from rightscan.errors import PermanentError, TransientError, UsageError
from rightscan.ports import ObjectMissing
from rightscan.records.base import canonical_json
from rightscan.records.messages import FindingRecorded
from rightscan.records.objects import ObjectRef

__all__ = ["aws"]  # a fixture

# ---- attribute values -----------------------------------------------------------------------------------
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
@example({"": 1, "\0": 2, "\0\0": 3})
@example(
    [1.0, 1, -0.0, 0, 5e-324, 1e-130, 1e126, 10**38, 10**38 - 1, -(10**40), 1.7976931348623157e308, 2.0**53]
)
def test_a_json_value_comes_back_as_the_same_json_text(value):
    stored = json.loads(json.dumps(attributes.encode(value)))
    # canonical_json tells 1 from 1.0 and 0.0 from -0.0, as a custody digest does
    assert canonical_json(attributes.decode(stored)) == canonical_json(value)


@given(json_values)
def test_what_is_sent_as_a_number_is_one_that_dynamodb_holds_exactly(value):
    def numbers(attribute):
        ((letter, inner),) = attribute.items()
        if letter == "N":
            yield inner
        for child in inner if letter == "L" else inner.values() if letter == "M" else ():
            yield from numbers(child)

    for number in numbers(attributes.encode(value)):
        assert len(number.strip("-").replace(".", "").partition("e")[0].strip("0")) <= 38
        assert number in ("0", "-0") or 1e-130 <= abs(float(number)) < 1e126


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not value.is_integer()))
def test_a_number_survives_the_services_own_spelling_of_it(value):
    encoded = attributes.encode(value)
    if "N" in encoded:
        plain = f"{Decimal(encoded['N']):f}"
        assert attributes.decode({"N": plain}) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_json_number_is_refused(value):
    with pytest.raises(ValueError, match="no JSON number"):
        attributes.encode(value)


def test_what_is_no_json_value_is_refused():
    with pytest.raises(TypeError):
        attributes.encode(b"bytes")
    with pytest.raises(TypeError):
        attributes.decode({"B": b"bytes"})


def test_an_items_size_follows_the_published_rules():
    # names and UTF-8 text by the byte, 1 for a flag, 3 for a container and 1 for each of its elements
    assert attributes.size({"PK": {"S": "김"}}) == 2 + 3
    assert attributes.size({"a": {"BOOL": True}, "b": {"NULL": True}}) == 4
    assert attributes.size({"m": {"M": {"ab": {"L": [{"S": "x"}, {"S": "y"}]}}}}) == 1 + 3 + (
        1 + 2
    ) + 3 + 2 * (1 + 1)


# ---- DynamoDB -------------------------------------------------------------------------------------------
@pytest.fixture
def events_of_client(aws):
    """Registers botocore handlers and takes them off again: the client outlives the test."""
    registered = []

    def register(service, name, handler):
        shared_client(service).meta.events.register_first(name, handler)
        registered.append((service, name, handler))

    yield register
    for service, name, handler in registered:
        shared_client(service).meta.events.unregister(name, handler)


def lose_first_answer(attempts, **_):
    return 0.0 if attempts == 1 else None


@pytest.fixture
def small_pages(events_of_client):
    """Makes every page of a query or scan hold two items, as 1 MB would."""

    def limit(params, **_):
        params["Limit"] = 2

    for operation in ("Query", "Scan"):
        events_of_client("dynamodb", f"provide-client-params.dynamodb.{operation}", limit)


@pytest.mark.parametrize("projection", ["ALL", "KEYS_ONLY"])
@pytest.mark.usefixtures("small_pages")
def test_all_pages_are_read(aws, projection):
    items = aws.items(projection=projection)
    for number in range(7):
        items.write([Put(Item("P", f"{number}", "k", {"n": number}, 0, {"work": ("W", f"{number}")}))])
    assert [item.body["n"] for item in items.query("P")] == list(range(7))
    assert [item.body["n"] for item in items.query_index("work", "W", since="1", until="6")] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert sorted(item.body["n"] for item in items.scan("k")) == list(range(7))


def test_an_index_that_holds_keys_only_gives_whole_items_in_order_beyond_one_batch(aws, events_of_client):
    items = aws.items(projection="KEYS_ONLY")
    for number in range(0, 120, 40):
        items.write(
            [
                Put(Item("P", f"{n}", "k", {"n": n}, 0, {"work": ("W", f"{n:03d}")}))
                for n in range(number, number + 40)
            ]
        )
    rounds = []

    def leave_most(parsed, **_):
        """The service does only ten of the keys at a time."""
        rounds.append(1)
        taken = parsed["Responses"]["records"]
        parsed["Responses"]["records"] = taken[:10]
        left = [{"PK": item["PK"], "SK": item["SK"]} for item in taken[10:]]
        parsed["UnprocessedKeys"] = {"records": {"Keys": left}} if left else {}

    events_of_client("dynamodb", "after-call.dynamodb.BatchGetItem", leave_most)
    assert [item.body["n"] for item in items.query_index("work", "W")] == list(range(120))
    assert len(rounds) == 12


def test_an_index_that_lags_behind_shows_no_item_that_has_left_it(aws):
    items = aws.items(projection="KEYS_ONLY")
    items.write([Put(Item("P", "1", "k", {}, 0, {"work": ("W", "1")}))])
    stale = shared_client("dynamodb").query(
        TableName="records",
        IndexName="work",
        KeyConditionExpression="work_pk = :w",
        ExpressionAttributeValues={":w": {"S": "W"}},
    )
    items.write([Put(Item("P", "1", "k", {}, 1, {}))])
    with mock.patch.object(shared_client("dynamodb"), "query", return_value=stale):
        assert list(items.query_index("work", "W")) == []


def test_a_put_whose_first_answer_was_lost_has_been_written_once(aws, events_of_client):
    items = aws.items()
    events_of_client("dynamodb", "needs-retry.dynamodb.PutItem", lose_first_answer)
    items.write([Put(Item("P", "1", "k", {"by": "me"}))])
    assert items.get("P", "1").version == 1
    with pytest.raises(ConditionFailed):
        items.write([Put(Item("P", "1", "k", {"by": "another"}))])


def test_without_a_lost_answer_an_equal_item_is_still_somebody_elses(aws):
    items = aws.items()
    items.write([Put(Item("P", "1", "k", {"by": "?"}))])
    with pytest.raises(ConditionFailed):
        items.write([Put(Item("P", "1", "k", {"by": "?"}))])


def test_every_add_goes_by_a_transaction_whose_token_makes_it_repeatable(aws, events_of_client):
    items = aws.items()
    tokens = []
    events_of_client(
        "dynamodb",
        "before-call.dynamodb.TransactWriteItems",
        lambda params, **_: tokens.append(json.loads(params["body"])["ClientRequestToken"]),
    )
    for _ in range(2):
        items.write([Add("C", "V", "counter", 3)])
    assert items.get("C", "V").body == {"value": 6}
    assert len(set(tokens)) == 2


def cancelled(*codes):
    answer = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": code} for code in codes],
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return shared_client("dynamodb").exceptions.TransactionCanceledException(answer, "TransactWriteItems")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.usefixtures("quick")
def test_a_transaction_in_conflict_is_tried_again_and_then_given_back(aws):
    items = aws.items()
    dynamodb = shared_client("dynamodb")
    writes = [Add("C", "V", "counter", 1)]
    conflict = cancelled("None", "TransactionConflict")
    with mock.patch.object(dynamodb, "transact_write_items", side_effect=[conflict, conflict, {}]) as call:
        items.write(writes)
    assert call.call_count == 3
    with (
        mock.patch.object(dynamodb, "transact_write_items", side_effect=conflict),
        pytest.raises(TransientError) as caught,
    ):
        items.write(writes)
    assert caught.value.code == "transaction_cancelled"
    lost = cancelled("TransactionConflict", "ConditionalCheckFailed")
    with (
        mock.patch.object(dynamodb, "transact_write_items", side_effect=lost),
        pytest.raises(ConditionFailed),
    ):
        items.write(writes)


@pytest.mark.parametrize(
    ("word", "status", "kind", "code"),
    [
        ("KeyTooLongError", 400, PermanentError, "aws_refused"),
        ("ValidationException", 400, TransientError, "aws_failed"),
        ("ProvisionedThroughputExceededException", 400, TransientError, "aws_throttled"),
        ("ThrottlingException", 400, TransientError, "aws_throttled"),
        ("TransactionConflictException", 400, TransientError, "aws_throttled"),
        ("SlowDown", 503, TransientError, "aws_throttled"),
        ("InternalServerError", 500, TransientError, "aws_unavailable"),
        ("AccessDeniedException", 400, TransientError, "aws_denied"),
        ("AccessDenied", 403, TransientError, "aws_denied"),
        ("ResourceNotFoundException", 400, TransientError, "aws_failed"),
    ],
)
def test_only_what_the_data_causes_is_permanent(word, status, kind, code):
    error = translate(
        ClientError({"Error": {"Code": word}, "ResponseMetadata": {"HTTPStatusCode": status}}, "X"), "it"
    )
    assert (type(error), error.code) == (kind, code)


def test_a_missing_table_is_an_outage(aws):
    with pytest.raises(TransientError) as caught:
        DynamoItems("nowhere").get("P", "S")
    assert caught.value.code == "aws_failed"


# ---- S3 -------------------------------------------------------------------------------------------------
@pytest.fixture
def store(aws):
    return aws.objects("uploads")


def test_a_probe_of_a_large_object_fetches_little(store):
    content = random.Random(1).randbytes(8 << 20)
    ref = store.put("uploads", "big", content).ref
    with store.open(ref) as file:
        assert file.read(4096) == content[:4096]
        file.seek(-128, 2)
        assert file.read() == content[-128:]
        file.seek(1 << 20)
        assert file.read(10) == content[1 << 20 : (1 << 20) + 10]
        assert file.raw.bytes_fetched < 600_000
        assert file.raw.requests == 3


def test_a_reading_from_end_to_end_fetches_each_byte_once_in_few_requests(store):
    content = random.Random(2).randbytes(8 << 20)
    ref = store.put("uploads", "big", content).ref
    with store.open(ref) as file:
        assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(content).digest()
        assert file.raw.bytes_fetched == len(content)
        assert file.raw.requests <= 7  # 128 KB, doubled each time, sum up to 8 MB after 7


@pytest.mark.parametrize("seed", range(5))
def test_a_reader_reads_as_a_local_file_does(store, tmp_path, seed):
    chance = random.Random(seed)
    content = chance.randbytes(chance.choice([0, 1, 200_000, 400_000]))
    ref = store.put("uploads", "file", content).ref
    (tmp_path / "file").write_bytes(content)
    with store.open(ref) as remote, (tmp_path / "file").open("rb") as local:
        for _ in range(40):
            offset, length = chance.randrange(500_000), chance.choice([0, 1, 100, 150_000])
            assert remote.seek(offset) == local.seek(offset)
            assert remote.read(length) == local.read(length)
            assert remote.tell() == local.tell()


def test_a_connection_that_breaks_in_the_middle_is_taken_up_again(store):
    content = random.Random(3).randbytes(300_000)
    ref = store.put("uploads", "file", content).ref
    with store.open(ref) as file:
        file.raw.readinto(bytearray(1000))
        broken = mock.Mock(read=mock.Mock(side_effect=ReadTimeoutError(endpoint_url="s3")), close=mock.Mock())
        file.raw._body = broken
        assert content[1000:] == file.read()
        broken.close.assert_called_once()


def test_a_connection_that_breaks_each_time_is_an_outage(store):
    ref = store.put("uploads", "file", b"0" * 1000).ref
    broken = {"Body": mock.Mock(read=mock.Mock(side_effect=ReadTimeoutError(endpoint_url="s3")))}
    with (
        store.open(ref) as file,
        mock.patch.object(shared_client("s3"), "get_object", return_value=broken),
        pytest.raises(TransientError) as caught,
    ):
        file.read()
    assert caught.value.code == "aws_unreachable"


def test_a_reader_keeps_to_its_version(store, aws):
    first = store.put("uploads", "file", b"1" * 300_000).ref
    latest = store.open(ObjectRef(bucket="uploads", key="file"))
    store.put("uploads", "file", b"2" * 300_000)
    assert latest.read() == b"1" * 300_000
    again = store.open(first)
    aws.delete_object(first)
    with pytest.raises(ObjectMissing):
        again.read()


def test_a_large_file_goes_up_in_parts_and_its_hash_is_known(store, tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "MULTIPART_BYTES", 6 << 20)
    monkeypatch.setattr(objects, "PART_BYTES", 5 << 20)  # S3's least
    content = random.Random(4).randbytes((11 << 20) + 7)
    (tmp_path / "big").write_bytes(content)
    info = store.put(
        "uploads", "big", tmp_path / "big", metadata={"rs-platform": "tv"}, content_type="audio/flac"
    )
    assert info.sha256 == hashlib.sha256(content).hexdigest()
    head = store.head(info.ref)
    assert (head.size, head.metadata, head.ref) == (len(content), {"rs-platform": "tv"}, info.ref)
    store.download(info.ref, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    again = store.put_if_absent("uploads", "big", tmp_path / "big")
    assert again.ref == info.ref


def test_a_failed_upload_leaves_no_parts(store, tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "MULTIPART_BYTES", 1 << 20)
    (tmp_path / "big").write_bytes(b"0" * (2 << 20))
    failure = ClientError(
        {"Error": {"Code": "InternalError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "UploadPart"
    )
    s3 = shared_client("s3")
    with mock.patch.object(s3, "upload_part", side_effect=failure), pytest.raises(TransientError):
        store.put("uploads", "big", tmp_path / "big")
    assert s3.list_multipart_uploads(Bucket="uploads").get("Uploads", []) == []


def test_a_version_that_s3_never_gave_out_is_missing_but_an_old_token_is_an_outage(store):
    ref = ObjectRef(bucket="uploads", key="file", version="forged")
    s3 = shared_client("s3")

    def answer(word, status):
        return ClientError({"Error": {"Code": word}, "ResponseMetadata": {"HTTPStatusCode": status}}, "X")

    with mock.patch.object(s3, "head_object", side_effect=answer("400", 400)):
        with (
            mock.patch.object(s3, "get_object", side_effect=answer("InvalidArgument", 400)),
            pytest.raises(ObjectMissing),
        ):
            store.head(ref)
        with (
            mock.patch.object(s3, "get_object", side_effect=answer("ExpiredToken", 400)),
            pytest.raises(TransientError),
        ):
            store.head(ref)


def test_s3_checks_the_hash(store):
    info = store.put("uploads", "file", b"content")
    assert info.sha256 == store.head(info.ref).sha256 == hashlib.sha256(b"content").hexdigest()


def test_a_checksum_of_parts_is_not_taken_for_a_hash_of_the_bytes(store):
    ref = store.put("uploads", "file", b"content").ref
    s3 = shared_client("s3")
    answer = {**s3.head_object(Bucket="uploads", Key="file"), "ChecksumSHA256": "Zm9v-3"}
    with mock.patch.object(s3, "head_object", return_value=answer):
        assert store.head(ref).sha256 is None


def test_a_key_that_s3_cannot_hold_is_refused(store):
    for key in ("a\udc80", "노" * 342, ""):
        with pytest.raises(PermanentError) as caught:
            store.put("uploads", key, b"x")
        assert caught.value.code == "bad_object_key"


def test_a_listing_names_the_versions(store):
    for key in ("a", "b", "a"):
        info = store.put("uploads", key, b"x")
    assert [(entry.ref.key, entry.ref == info.ref) for entry in store.list("uploads")] == [
        ("a", True),
        ("b", False),
    ]


# ---- EventBridge, stack ---------------------------------------------------------------------------------
EVENT = FindingRecorded(media_id="m", verdict_id="v", state="clear", codes=("N1",))


def test_an_entry_that_the_bus_refuses_is_an_outage(aws):
    bus = aws.events()
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
    with (
        mock.patch.object(shared_client("events"), "put_events", return_value=answer),
        pytest.raises(TransientError) as caught,
    ):
        bus.publish(EVENT)
    assert caught.value.code == "event_not_taken"


def deploy(outputs):
    resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
    template = {
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    shared_client("cloudformation").create_stack(StackName="rightscan-dev", TemplateBody=json.dumps(template))


def test_a_stacks_outputs_become_the_functions_settings(aws):
    dead = {
        "IngestDeadLetterQueue": "https://sqs/ingest-dead",
        "CountersDeadLetterQueue": "https://sqs/counters-dead",
    }
    deploy({**{name: f"value-of-{name}" for name in OUTPUTS}, **dead, "Other": "x"})
    stack = read_stack("rightscan-dev")
    assert stack.environment["RIGHTSCAN_BACKEND"] == "aws"
    assert stack.environment["RIGHTSCAN_UPLOADS_BUCKET"] == "value-of-UploadsBucket"
    assert stack.environment["RIGHTSCAN_UPLOADER_KEY_SECRET"] == "value-of-UploaderKeySecret"
    assert stack.environment["RIGHTSCAN_TABLE"] == "value-of-Table"
    assert len(stack.environment) == len(OUTPUTS) + 1
    ingest = stack.dead_letters["IngestQueue"]
    assert (ingest.url, ingest.source_url) == ("https://sqs/ingest-dead", "value-of-IngestQueue")
    assert stack.dead_letters["Counters"].source_url is None


def test_a_missing_and_an_incomplete_stack_are_told_apart(aws):
    with pytest.raises(UsageError) as caught:
        read_stack("rightscan-dev")
    assert caught.value.code == "stack_missing"
    deploy({name: "x" for name in OUTPUTS if name != "EventBus"})
    with pytest.raises(UsageError) as caught:
        read_stack("rightscan-dev")
    assert caught.value.code == "stack_incomplete"
    assert "EventBus" in caught.value.cause


def test_a_bus_that_is_not_there_is_an_outage(aws):
    with pytest.raises(TransientError):
        EventBridgeBus("nowhere").publish(EVENT)


# ---- SQS, Batch -----------------------------------------------------------------------------------------
def test_a_message_carries_any_text(aws: AwsBackend):
    queue = aws.queue("ingest")
    body = {"key": "a\0b\ufffe\uffff노래 🎵\x1b"}
    queue.send(body)
    (received,) = aws.receive("ingest")
    assert received.isascii()
    assert json.loads(received) == body


def test_looking_at_many_dead_letters_takes_none(aws: AwsBackend):
    queue = aws.queue("ingest")
    for number in range(12):
        queue.send({"n": number})
    aws.bury("ingest")
    letters = aws.dead_letters()
    for _ in range(2):
        assert sorted(json.loads(letter.body)["n"] for letter in letters.show()) == list(range(12))
    assert len(letters.show(7)) == 7
    assert letters.drop(letters.show(1)[0].message_id)
    assert letters.redrive() == 11
    assert letters.show() == []
    assert len(aws.receive("ingest")) == 11


def test_jobs_of_any_name_are_found_again_while_they_run(aws: AwsBackend):
    jobs = aws.jobs("video")
    for name in ("rep-1", "영상/1", "x" * 300):
        first = jobs.submit("video", {"media_id": "m"}, name=name)
        aws.hold_job(first)
        assert jobs.submit("video", {"media_id": "m"}, name=name) == first
    assert jobs.submit("video", {}, name="영상/2") != jobs.submit("video", {}, name="영상/3")


# ---- time to live ---------------------------------------------------------------------------------------
def test_that_an_event_was_counted_is_forgotten_after_a_month_and_the_count_is_not(aws):
    at = datetime(2026, 11, 1, tzinfo=UTC)
    items = aws.items()
    assert RecordLedger(items).count_once("units", event_id="a", at=at)
    stored = shared_client("dynamodb").scan(TableName=items._table)["Items"]
    expires = {item["kind"]["S"]: item.get("expires") for item in stored}
    assert expires == {"counted": {"N": str(int((at + timedelta(days=30)).timestamp()))}, "counter": None}


def test_time_to_live_is_no_part_of_what_is_read_back(aws):
    items = aws.items()
    items.write([Put(Item("A", "B", "counted", {"x": 1}, expires=datetime(2026, 11, 1, tzinfo=UTC)))])
    assert items.get("A", "B") == Item("A", "B", "counted", {"x": 1}, 1)


def test_a_bucket_that_the_deployment_forgot_is_an_outage(store):
    with pytest.raises(TransientError) as caught:
        store.put_if_absent("", "features/x.npz", b"x")
    assert caught.value.code == "aws_failed"
