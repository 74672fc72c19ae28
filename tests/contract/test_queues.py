"""Queues and dead letters, on SQLite and on SQS."""

from __future__ import annotations

import json

import pytest

from rightscan.errors import PermanentError, UsageError
from rightscan.records.messages import MAX_EVENT_BYTES


@pytest.fixture
def queue(backend):
    return backend.queue("Work")


def bodies(backend, name="Work"):
    return [json.loads(body) for body in backend.receive(name)]


# ---- queues ---------------------------------------------------------------------------------------------
def test_what_is_sent_arrives(backend, queue):
    sent = [
        {"kind": "scan", "n": 1, "f": 0.1, "none": None, "list": [True, {}]},
        {"title": "김민수 🎵 \x00\x1f\ufffe\n", "": "empty name"},
        {},
    ]
    for body in sent:
        queue.send(body)
    got = bodies(backend)
    assert sorted(map(repr, got)) == sorted(map(repr, sent))
    assert bodies(backend) == []


def test_a_lone_surrogate_of_a_file_name_survives(backend, queue):
    queue.send({"key": "\udcff.mp3"})
    assert bodies(backend) == [{"key": "\udcff.mp3"}]


def test_equal_messages_are_several(backend, queue):
    for _ in range(3):
        queue.send({"same": 1})
    assert bodies(backend) == [{"same": 1}] * 3


def test_queues_do_not_mix(backend, queue):
    other = backend.queue("Other")
    queue.send({"for": "Work"})
    other.send({"for": "Other"})
    assert bodies(backend) == [{"for": "Work"}]
    assert bodies(backend, "Other") == [{"for": "Other"}]


def test_a_delayed_message_is_not_seen_at_once(backend, queue):
    queue.send({"later": 1}, delay_s=60)
    queue.send({"now": 1})
    assert bodies(backend) == [{"now": 1}]


def test_the_limit_is_on_the_bytes_of_the_message(backend, queue):
    fits = {"text": "x" * (MAX_EVENT_BYTES - len('{"text":""}'))}
    queue.send(fits)
    for too_large in ({"text": fits["text"] + "x"}, {"text": "가" * (MAX_EVENT_BYTES // 3)}):
        with pytest.raises(PermanentError) as caught:
            queue.send(too_large)
        assert caught.value.code == "message_too_large"
    assert bodies(backend) == [fits]


# ---- dead letters ---------------------------------------------------------------------------------------
@pytest.fixture
def letters(backend, queue):
    backend.queue("Other").send({"n": "other"})
    for n in range(3):
        queue.send({"n": n})
    backend.bury("Work")
    backend.bury("Other")
    queue.send({"n": "alive"})
    return backend.dead_letters()


def shown(letters, **arguments):
    return sorted((letter.queue, json.loads(letter.body)["n"]) for letter in letters.show(**arguments))


def ids(letters):
    return {str(json.loads(letter.body)["n"]): letter.message_id for letter in letters.show()}


DEAD = [("Work", 0), ("Work", 1), ("Work", 2)]


def test_dead_letters_are_shown_and_stay(letters):
    for _ in range(2):
        found = letters.show()
        assert sorted((x.queue, str(json.loads(x.body)["n"])) for x in found) == [
            ("Other", "other"),
            ("Work", "0"),
            ("Work", "1"),
            ("Work", "2"),
        ]
        assert all(letter.receives >= 1 for letter in found)
        assert all(letter.dead_since.utcoffset().total_seconds() == 0 for letter in found)
    assert len(letters.show(limit=2)) == 2
    assert letters.show(limit=0) == []


def test_all_go_back_to_their_queues(backend, letters):
    assert letters.redrive() == 4
    assert letters.show() == []
    assert sorted(str(body["n"]) for body in bodies(backend)) == ["0", "1", "2", "alive"]
    assert bodies(backend, "Other") == [{"n": "other"}]
    assert letters.redrive() == 0


def test_those_of_one_queue_go_back(backend, letters):
    assert letters.redrive("Other") == 1
    assert shown(letters) == DEAD
    assert bodies(backend, "Other") == [{"n": "other"}]


def test_one_goes_back(backend, letters):
    one = ids(letters)["1"]
    assert letters.redrive("Other", message_id=one) == 0
    assert letters.redrive("Work", message_id=one) == 1
    assert sorted(str(body["n"]) for body in bodies(backend)) == ["1", "alive"]
    assert letters.redrive(message_id=one) == 0


def test_what_was_redriven_has_all_its_attempts_again(backend, letters):
    letters.redrive("Other")
    assert bodies(backend, "Other") == [{"n": "other"}]
    assert shown(letters) == DEAD


def test_a_queue_that_does_not_exist_is_told(letters):
    with pytest.raises(UsageError) as caught:
        letters.redrive("Wrok")
    assert caught.value.code == "unknown_queue"
    assert "Work" in caught.value.remedy


def test_one_is_dropped_for_good(letters):
    one = ids(letters)["1"]
    assert letters.drop(one)
    assert not letters.drop(one)
    assert sorted(ids(letters)) == ["0", "2", "other"]


def test_a_live_message_cannot_be_dropped(backend, letters):
    assert not letters.drop("no-such-message")
    assert bodies(backend) == [{"n": "alive"}]
