"""Deliveries: events of AWS's shapes, answers by Lambda's rules, retries, dead letters, the stream."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent, SQSEvent
from hypothesis import given
from hypothesis import strategies as st

from rightscan.adapters.aws.items import item_of
from rightscan.adapters.items import Add, Item, Put
from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.items import SqliteItems
from rightscan.adapters.local.queues import LocalDeadLetters, LocalQueue
from rightscan.adapters.local.wiring import Function, QueueSource, StreamSource, apply, read_wiring
from rightscan.errors import PermanentError
from rightscan.localrun.delivery import (
    Context,
    QueueConsumer,
    StreamConsumer,
    failed_items,
    load_handler,
    retry_delay,
)

FIXTURE = Path(__file__).parent / "fixture" / "template.yaml"
NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def database(tmp_path, clock):
    database = Database(tmp_path / "store.sqlite", durable=False)
    apply(read_wiring(FIXTURE), database, clock=clock)
    yield database
    database.close()


class Recorder:
    """A handler that writes down its events and answers what it is told to."""

    def __init__(self, answer=None):
        self.events = []
        self.answer = answer

    def __call__(self, event):
        self.events.append(event)
        return self.answer(event) if callable(self.answer) else self.answer

    @property
    def bodies(self):
        return [[json.loads(record["body"])["n"] for record in event["Records"]] for event in self.events]

    @property
    def keys(self):
        return [
            [record["dynamodb"]["Keys"]["SK"]["S"] for record in event["Records"]] for event in self.events
        ]


def failing(*numbers):
    def answer(event):
        bad = [r["messageId"] for r in event["Records"] if json.loads(r["body"])["n"] in numbers]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in bad]}

    return answer


# ---- answers --------------------------------------------------------------------------------------------
KNOWN = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, ""),
        ({}, ""),
        ({"batchItemFailures": []}, ""),
        ({"batchItemFailures": None}, ""),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, "b"),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "c"}]}, "bc"),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "x"}]}, "abc"),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, "abc"),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, "abc"),
        ({"batchItemFailures": [{"identifier": "b"}]}, "abc"),
        ({"batchItemFailures": ["b"]}, "abc"),
        ({"batchItemFailures": "b"}, "abc"),
        ({"statusCode": 200}, "abc"),
        ("OK", "abc"),
        ([], "abc"),
    ],
)
def test_an_answer_means_what_lambda_says_it_means(answer, failed):
    assert failed_items(answer, KNOWN) == set(failed)


@given(st.integers(1, 20))
def test_each_attempt_waits_no_less_than_the_one_before(receives):
    assert 1 <= retry_delay(receives) <= retry_delay(receives + 1) <= 60


# ---- queues ---------------------------------------------------------------------------------------------
SOURCE = QueueSource("WorkFunction", "WorkQueue", 10, None, partial_failures=True)


def send(database, clock, *numbers):
    for n in numbers:
        LocalQueue("WorkQueue", database, clock).send({"n": n})


def pump(consumer, invoke, clock, seconds=0.0, errors=None):
    clock.advance(seconds)
    errors = [] if errors is None else errors
    return consumer.step(invoke, errors.append)


def test_the_event_is_that_of_sqs(database, clock):
    send(database, clock, 1, 2)
    handler = Recorder()
    consumer = QueueConsumer(SOURCE, database, clock)
    assert pump(consumer, handler, clock)
    records = list(SQSEvent(handler.events[0]).records)
    assert [record.json_body for record in records] == [{"n": 1}, {"n": 2}]
    assert records[0].attributes.approximate_receive_count == "1"
    assert records[0].attributes.sent_timestamp == str(int(NOON.timestamp() * 1000))
    assert records[0].event_source == "aws:sqs"
    assert records[0].queue_url.endswith("/WorkQueue")
    assert len({record.receipt_handle for record in records}) == 2
    assert len(records[0].md5_of_body) == 32
    assert not pump(consumer, handler, clock, 10_000)  # all were acknowledged


def test_a_batch_is_no_larger_than_the_mapping_says(database, clock):
    send(database, clock, *range(5))
    handler = Recorder()
    consumer = QueueConsumer(QueueSource("F", "WorkQueue", 2, None, partial_failures=True), database, clock)
    while pump(consumer, handler, clock):
        pass
    assert handler.bodies == [[0, 1], [2, 3], [4]]


def test_what_is_reported_as_failed_comes_again_and_the_rest_does_not(database, clock):
    send(database, clock, 1, 2, 3)
    handler = Recorder(failing(2))
    consumer = QueueConsumer(SOURCE, database, clock)
    assert pump(consumer, handler, clock)
    assert not pump(consumer, handler, clock, 0.9)
    assert pump(consumer, handler, clock, 0.1)
    assert handler.bodies == [[1, 2, 3], [2]]
    assert handler.events[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_without_the_contract_the_answer_counts_for_nothing(database, clock):
    send(database, clock, 1, 2)
    consumer = QueueConsumer(QueueSource("F", "WorkQueue", 10, None, partial_failures=False), database, clock)
    assert pump(consumer, Recorder(failing(1)), clock)
    assert not pump(consumer, Recorder(), clock, 10_000)


def test_an_exception_fails_the_whole_batch(database, clock):
    send(database, clock, 1, 2)
    errors = []

    def handler(_):
        raise ValueError("broken")

    consumer = QueueConsumer(SOURCE, database, clock)
    assert pump(consumer, handler, clock, errors=errors)
    assert [type(error) for error in errors] == [ValueError]
    again = Recorder()
    assert pump(consumer, again, clock, 1)
    assert again.bodies == [[1, 2]]


def test_what_fails_every_time_is_a_dead_letter_and_nothing_else_is(database, clock):
    send(database, clock, 1, 2, 3)
    handler = Recorder(failing(2))
    consumer = QueueConsumer(SOURCE, database, clock)
    for seconds in (0, 1, 4):
        assert pump(consumer, handler, clock, seconds)
    assert not pump(consumer, handler, clock, 10_000)
    letters = LocalDeadLetters(database, clock)
    assert [(letter.queue, letter.body, letter.receives) for letter in letters.show()] == [
        ("WorkQueue", '{"n":2}', 3)
    ]
    letters.redrive()
    assert pump(consumer, handler, clock)
    assert handler.bodies[-1] == [2]


def test_a_process_that_ends_in_the_middle_keeps_nothing_for_ever(database, clock):
    send(database, clock, 1)

    def handler(_):
        raise KeyboardInterrupt  # no Exception: nobody may settle the batch after it

    consumer = QueueConsumer(SOURCE, database, clock)
    with pytest.raises(KeyboardInterrupt):
        pump(consumer, handler, clock)
    assert not pump(consumer, Recorder(), clock, 29)
    again = Recorder()
    assert pump(consumer, again, clock, 1)
    assert again.bodies == [[1]]


# ---- the stream -----------------------------------------------------------------------------------------
def stream(**changes):
    facts = {
        "function": "ChangesFunction",
        "table": "RecordsTable",
        "batch_size": 4,
        "max_retries": 2,
        "bisect": True,
        "partial_failures": True,
        "on_failure": "ChangesDeadLetterQueue",
        "patterns": (),
    }
    return StreamSource(**{**facts, **changes})


def put(database, *keys, version=0, kind="media", pk="M#1"):
    for key in keys:
        SqliteItems(database).write([Put(Item(pk, key, kind, {"n": [1, 2.0, None], "새": key}, version))])


def settle(consumer, handler, clock, most=100):
    """Deliver until nothing waits, moving the clock; returns how often."""
    for step in range(most):
        due = consumer.due_in()
        if due is None:
            return step
        clock.advance(due + 0.001)
        assert consumer.step(handler, lambda _: None)
    raise AssertionError("it does not end")


def test_the_event_is_that_of_a_dynamodb_stream(database, clock):
    put(database, "a")
    put(database, "a", version=1)
    handler = Recorder()
    settle(StreamConsumer(stream(), database, clock), handler, clock)
    first, second = DynamoDBStreamEvent(handler.events[0]).records
    assert (first.event_name.name, second.event_name.name) == ("INSERT", "MODIFY")
    assert int(first.dynamodb.sequence_number) < int(second.dynamodb.sequence_number)
    raw = [record["dynamodb"] for record in handler.events[0]["Records"]]
    assert "OldImage" not in raw[0]
    for image in (raw[0]["NewImage"], raw[1]["OldImage"], raw[1]["NewImage"]):
        item = item_of(image)
        assert (item.pk, item.sk, item.kind) == ("M#1", "a", "media")
        assert item.body == {"n": [1, 2.0, None], "새": "a"}


def test_changes_come_once_in_order_and_by_batches(database, clock):
    put(database, *"abcdefghi")
    handler = Recorder()
    settle(StreamConsumer(stream(), database, clock), handler, clock)
    assert handler.keys == [list("abcd"), list("efgh"), ["i"]]
    assert settle(StreamConsumer(stream(), database, clock), handler, clock) == 0
    put(database, "j")
    settle(StreamConsumer(stream(), database, clock), handler, clock)
    assert handler.keys[-1] == ["j"]


def test_counters_are_not_in_the_stream(database, clock):
    SqliteItems(database).write([Add("C#1", "V", "counter", 1)])
    assert StreamConsumer(stream(), database, clock).due_in() is None


def test_only_what_the_pattern_wants_is_delivered(database, clock):
    put(database, "a", kind="upload")
    put(database, "b")
    put(database, "c", "d", "e", "f", "g", kind="upload")
    wanted = ({"dynamodb": {"NewImage": {"kind": {"S": ["media"]}}}},)
    handler = Recorder()
    consumer = StreamConsumer(stream(patterns=wanted), database, clock)
    settle(consumer, handler, clock)
    assert handler.keys == [["b"]]
    assert consumer.due_in() is None


def test_the_position_moves_after_the_work_is_done(database, clock):
    put(database, "a", "b")

    def killed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        StreamConsumer(stream(), database, clock).step(killed, lambda _: None)
    handler = Recorder()
    settle(StreamConsumer(stream(bisect=False), database, clock), handler, clock)
    assert handler.keys == [["a", "b"]]


def test_from_the_first_reported_failure_on_all_comes_again(database, clock):
    put(database, *"abcd")
    failures = ["c"]

    def answer(event):
        for record in event["Records"]:
            if record["dynamodb"]["Keys"]["SK"]["S"] in failures:
                failures.clear()
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        return None

    handler = Recorder(answer)
    settle(StreamConsumer(stream(), database, clock), handler, clock)
    assert handler.keys == [list("abcd"), list("cd")]


def poisoned(event):
    keys = [record["dynamodb"]["Keys"]["SK"]["S"] for record in event["Records"]]
    if "poison" in keys:
        raise ValueError("poison")


def reported(event):
    for record in event["Records"]:
        if record["dynamodb"]["Keys"]["SK"]["S"] == "poison":
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return None


@pytest.mark.parametrize("answer", [poisoned, reported])
def test_one_change_that_cannot_be_read_is_given_up_alone(database, clock, answer):
    put(database, "a", "poison", "b", "c", "d")
    good = []

    def handler(event):
        result = answer(event)
        stop = {item["itemIdentifier"] for item in (result or {}).get("batchItemFailures", [])}
        for record in event["Records"]:
            if record["dynamodb"]["SequenceNumber"] in stop:
                break
            good.append(record["dynamodb"]["Keys"]["SK"]["S"])
        return result

    settle(StreamConsumer(stream(), database, clock), handler, clock)
    assert good == ["a", "b", "c", "d"]
    (letter,) = LocalDeadLetters(database, clock).show()
    notice = json.loads(letter.body)
    assert letter.queue == "Changes"
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 1
    assert (
        notice["DDBStreamBatchInfo"]["startSequenceNumber"]
        == notice["DDBStreamBatchInfo"]["endSequenceNumber"]
    )


def test_without_bisection_the_batch_is_given_up_after_the_retries(database, clock):
    put(database, "a", "poison", "b", "c", "d")
    handler = Recorder(poisoned)
    settle(StreamConsumer(stream(bisect=False), database, clock), handler, clock)
    assert handler.keys == [["a", "poison", "b", "c"]] * 3 + [["d"]]
    (letter,) = LocalDeadLetters(database, clock).show()
    assert json.loads(letter.body)["DDBStreamBatchInfo"]["batchSize"] == 4


def test_a_change_that_kills_its_worker_is_given_up_too(database, clock):
    put(database, "poison", "b")
    done = []

    def handler(event):
        for record in event["Records"]:
            if record["dynamodb"]["Keys"]["SK"]["S"] == "poison" and len(event["Records"]) == 1:
                raise ValueError("the attempt that is counted out")
            if record["dynamodb"]["Keys"]["SK"]["S"] == "poison":
                raise KeyboardInterrupt
            done.append(record["dynamodb"]["Keys"]["SK"]["S"])

    kills = 0
    for _ in range(20):
        try:
            settle(StreamConsumer(stream(), database, clock), handler, clock)
            break
        except KeyboardInterrupt:
            kills += 1
    # Attempts are counted before they are made: the batch was halved although no worker lived to say so.
    assert kills == 2
    assert done == ["b"]
    assert len(LocalDeadLetters(database, clock).show()) == 1


def test_without_a_limit_a_change_is_tried_for_ever(database, clock):
    put(database, "poison")
    handler = Recorder(poisoned)
    consumer = StreamConsumer(stream(max_retries=None), database, clock)
    for _ in range(50):
        clock.advance(consumer.due_in() + 0.001)
        assert consumer.step(handler, lambda _: None)
    assert LocalDeadLetters(database, clock).show() == []


# ---- handlers -------------------------------------------------------------------------------------------
def function(folder, handler="app.handler"):
    return Function("F", folder, handler, 3.0, 128, {}, image=False)


def test_a_handler_is_found_by_its_path(tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return event, context\n")
    assert load_handler(function(tmp_path))("e", "c") == ("e", "c")
    for missing in (
        function(tmp_path / "nowhere"),
        function(tmp_path, "app.other"),
        function(tmp_path, "x.handler"),
    ):
        with pytest.raises(PermanentError) as caught:
            load_handler(missing)
        assert caught.value.code == "no_handler"


def test_functions_whose_modules_have_one_name_live_side_by_side(tmp_path):
    handlers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(f"def handler(event, context):\n    return {name!r}\n")
        handlers.append(
            load_handler(Function(name, tmp_path / name, "app.handler", 3.0, 128, {}, image=False))
        )
    assert [handler(None, None) for handler in handlers] == ["one", "two"]


def test_a_context_has_what_handlers_ask_it_for(tmp_path):
    context = Context(function(tmp_path))
    assert 0 < context.get_remaining_time_in_millis() <= 3000
    assert context.function_name == "F"
    assert context.memory_limit_in_mb == 128
    assert context.aws_request_id != Context(function(tmp_path)).aws_request_id
