"""Queues: visibility, receipts, holders and dead letters, also under any order of calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.queues import (
    LocalDeadLetters,
    LocalQueue,
    insert_dead_letter,
    release_held,
)
from rightscan.adapters.local.wiring import QueueSettings, Wiring, apply
from rightscan.errors import PermanentError, UsageError

NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)
VISIBILITY_S, MAX_RECEIVES = 30.0, 3
QUEUES = {
    "WorkQueue": QueueSettings("WorkQueue", VISIBILITY_S, MAX_RECEIVES, "WorkDeadLetterQueue"),
    "WorkDeadLetterQueue": QueueSettings("WorkDeadLetterQueue", 30, 0, None),
    "StreamDeadLetterQueue": QueueSettings("StreamDeadLetterQueue", 30, 0, None),
}


def open_store(folder):
    database = Database(folder / "store.sqlite", durable=False)
    apply(Wiring({}, QUEUES, (), (), (), ()), database)
    return database


@pytest.fixture
def database(tmp_path):
    database = open_store(tmp_path)
    yield database
    database.close()


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def queue(database, clock):
    return LocalQueue("WorkQueue", database, clock)


@pytest.fixture
def letters(database, clock):
    return LocalDeadLetters(database, clock)


def test_a_message_in_hand_is_invisible_until_its_visibility_ends(queue, clock):
    queue.send({})
    (first,) = queue.receive(10)
    clock.advance(VISIBILITY_S - 0.1)
    assert queue.receive(10) == []
    clock.advance(0.1)
    (second,) = queue.receive(10)
    assert (first.message_id, first.receives, second.receives) == (second.message_id, 1, 2)


def test_the_receipt_of_an_earlier_holding_does_nothing(queue, clock):
    queue.send({})
    (first,) = queue.receive(1)
    clock.advance(VISIBILITY_S)
    (second,) = queue.receive(1)
    assert not queue.acknowledge(first)
    assert not queue.release(first, delay_s=0)
    assert queue.receive(1) == []
    assert queue.acknowledge(second)
    assert not queue.acknowledge(second)


def test_a_released_message_comes_after_its_delay(queue, clock):
    queue.send({})
    (message,) = queue.receive(1)
    assert queue.release(message, delay_s=5)
    assert queue.receive(1) == []
    clock.advance(5)
    assert [again.receives for again in queue.receive(1)] == [2]


def test_the_delay_of_a_message_is_kept(queue, clock):
    queue.send({}, delay_s=60)
    clock.advance(59.9)
    assert queue.receive(1) == []
    clock.advance(0.1)
    assert len(queue.receive(1)) == 1


def test_older_messages_come_first(queue, clock):
    for n in range(5):
        queue.send({"n": n})
        clock.advance(1)
    assert [message.body for message in queue.receive(3)] == ['{"n":0}', '{"n":1}', '{"n":2}']


def test_the_last_failure_makes_a_dead_letter_at_once(queue, letters, clock):
    queue.send({"n": 1})
    for _ in range(MAX_RECEIVES):
        (message,) = queue.receive(1)
        queue.release(message, delay_s=0)
    (letter,) = letters.show()
    assert (letter.queue, letter.body, letter.receives) == ("WorkQueue", '{"n":1}', MAX_RECEIVES)
    assert letter.dead_since == NOON
    assert queue.receive(1) == []
    assert letters.redrive(message_id=letter.message_id) == 1
    assert [message.receives for message in queue.receive(1)] == [1]


def test_a_message_whose_holders_all_vanished_is_a_dead_letter(queue, letters, clock):
    queue.send({})
    for _ in range(MAX_RECEIVES):
        assert len(queue.receive(1)) == 1
        assert letters.show() == []
        clock.advance(VISIBILITY_S)
    assert queue.receive(1) == []
    assert len(letters.show()) == 1


def test_the_messages_of_a_dead_holder_are_given_back(queue, database, clock, letters):
    for n in range(4):
        queue.send({"n": n})
    queue.receive(2, holder="a")
    (kept,) = queue.receive(1, holder="b")
    assert release_held(database, clock, "a", delay_s=lambda receives: 7.0 * receives) == 2
    assert [message.body for message in queue.receive(10)] == ['{"n":3}']
    clock.advance(7)
    assert [message.receives for message in queue.receive(10, holder="a")] == [2, 2]
    assert queue.acknowledge(kept)
    # The whole runtime was killed, for which no message is to blame: that receive is not counted.
    for _ in range(MAX_RECEIVES + 1):
        assert release_held(database, clock, None) == 3
        assert sorted(message.receives for message in queue.receive(10, holder="a")) == [1, 2, 2]
    assert release_held(database, clock, "a") == 3
    assert letters.show() == []
    assert sorted(message.receives for message in queue.receive(10, holder="a")) == [2, 3, 3]
    assert release_held(database, clock, "a") == 3
    assert len(letters.show()) == 2


def test_a_queue_that_nobody_made_is_told(database, clock):
    for call in (lambda queue: queue.send({}), lambda queue: queue.receive(1)):
        queue = LocalQueue("WrokQueue", database, clock)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO messages (queue, body, sent_at, visible_at) VALUES (?,'{}',0,0)", ("WrokQueue",)
            )
        with pytest.raises(PermanentError) as caught:
            call(queue)
        assert caught.value.code == "unknown_queue"


def test_the_notice_of_a_stream_cannot_go_back(database, letters):
    with database.transaction() as connection:
        insert_dead_letter(connection, "StreamDeadLetterQueue", "{}", now=NOON.timestamp())
    (letter,) = letters.show()
    assert letter.queue == "Stream"
    assert letters.redrive() == 0
    with pytest.raises(UsageError) as caught:
        letters.redrive("Stream")
    assert caught.value.code == "not_redrivable"
    assert letters.drop(letter.message_id)


class QueueMachine(RuleBasedStateMachine):
    """Whatever is called in whatever order: each message is in one place, and in one pair of hands."""

    @initialize()
    def start(self):
        self.folder = TemporaryDirectory()
        self.database = open_store(Path(self.folder.name))
        self.clock = ManualClock(NOON)
        self.queue = LocalQueue("WorkQueue", self.database, self.clock)
        self.letters = LocalDeadLetters(self.database, self.clock)
        self.sent, self.done = 0, 0
        self.hands = []  # (message, held until)

    def teardown(self):
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

    def now(self):
        return self.clock.now().timestamp()

    def held(self, message):
        return any(other.receipt == message.receipt and until > self.now() for other, until in self.hands)

    @rule(delay_s=st.sampled_from([0, 0, 7]))
    def send(self, delay_s):
        self.queue.send({"n": self.sent}, delay_s=delay_s)
        self.sent += 1

    @rule(count=st.integers(1, 4))
    def receive(self, count):
        in_hand = {message.message_id for message, until in self.hands if until > self.now()}
        messages = self.queue.receive(count)
        assert len(messages) <= count
        for message in messages:
            assert message.message_id not in in_hand
            assert 1 <= message.receives <= MAX_RECEIVES
            self.hands.append((message, self.now() + VISIBILITY_S))

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), ack=st.booleans(), delay_s=st.sampled_from([0.0, 5.0]))
    def settle(self, data, ack, delay_s):
        message, _ = self.hands.pop(data.draw(st.integers(0, len(self.hands) - 1)))
        if ack:
            self.done += self.queue.acknowledge(message)
        else:
            self.queue.release(message, delay_s=delay_s)

    @rule(seconds=st.sampled_from([1.0, 7.0, VISIBILITY_S]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def restart(self):
        release_held(self.database, self.clock, None)
        self.hands.clear()

    @rule()
    def redrive(self):
        dead = len(self.letters.show())
        assert self.letters.redrive() == dead
        assert self.letters.show() == []

    @invariant()
    def nothing_is_lost(self):
        if hasattr(self, "database"):
            (there,) = self.database.connection().execute("SELECT count(*) FROM messages").fetchone()
            assert there + self.done == self.sent


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
