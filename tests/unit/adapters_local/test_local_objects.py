"""The object folder: nothing or everything after a kill, notifications with the object or not at all."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rightscan.adapters.local import objects as objects_module
from rightscan.adapters.local.clock import ManualClock, SystemClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.objects import LocalObjects
from rightscan.adapters.local.queues import LocalQueue
from rightscan.adapters.local.wiring import Notification, QueueSettings, Wiring, apply
from rightscan.errors import PermanentError
from rightscan.ports import ObjectMissing
from rightscan.records.messages import parse_s3_notification
from rightscan.records.objects import ObjectRef

NOON = datetime(2026, 11, 23, 3, 4, 5, 678901, tzinfo=UTC)
QUEUES = {name: QueueSettings(name, 30, 5, None) for name in ("All", "Sheets", "Removed")}
NOTIFICATIONS = (
    Notification("uploads", "All", "s3:ObjectCreated:*", "", ""),
    Notification("uploads", "Sheets", "s3:ObjectCreated:*", "in/", ".csv"),
    Notification("uploads", "Sheets", "s3:ObjectCreated:*", "in/", ".xlsx"),
    Notification("uploads", "Sheets", "s3:ObjectCreated:Put", "in/deep/", ""),
    Notification("uploads", "Removed", "s3:ObjectRemoved:*", "", ""),
)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "store.sqlite", durable=False)
    apply(Wiring({}, QUEUES, (), (), NOTIFICATIONS, ()), database)
    yield database
    database.close()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "buckets"


@pytest.fixture
def store(root, database):
    return LocalObjects(root, database, clock=ManualClock(NOON))


def told(database, queue, clock=ManualClock(NOON)):  # noqa: B008 (it is not moved)
    queue = LocalQueue(queue, database, clock)
    messages = queue.receive(1000)
    for message in messages:
        queue.acknowledge(message)
    return [event for message in messages for event in parse_s3_notification(message.body)]


def files(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


# ---- notifications --------------------------------------------------------------------------------------
def test_a_notification_is_what_s3_writes(store, database):
    info = store.put("uploads", "in/한 글+x%.mp3", b"abc")
    (message,) = LocalQueue("All", database, ManualClock(NOON)).receive(10)
    (record,) = json.loads(message.body)["Records"]
    assert record["s3"]["object"]["key"] == "in/%ED%95%9C+%EA%B8%80%2Bx%25.mp3"
    assert record["eventTime"] == "2026-11-23T03:04:05.678Z"
    assert (record["eventSource"], record["eventVersion"]) == ("aws:s3", "2.1")
    (event,) = parse_s3_notification(message.body)
    assert event.ref == info.ref
    assert event.created
    assert (event.size, event.name) == (3, "ObjectCreated:Put")


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_key_comes_through_its_notification(store, database, key):
    told(database, "All")
    ref = store.put("uploads", key, b"x").ref
    assert [event.ref for event in told(database, "All")] == [ref]


@pytest.mark.parametrize(
    ("key", "times"),
    [
        ("in/a.csv", 1),
        ("in/a.xlsx", 1),
        ("in/deep/a.csv", 1),
        ("in/a.CSV", 0),
        ("a.csv", 0),
        ("in/deep/x", 1),
    ],
)
def test_a_queue_is_told_once_of_what_its_filters_let_pass(store, database, key, times):
    store.put("uploads", key, b"x")
    store.put("work", key, b"x")
    assert [event.ref.key for event in told(database, "Sheets")] == [key] * times
    assert [event.ref.bucket for event in told(database, "All")] == ["uploads"]


def test_sequencers_grow_as_text(store, database):
    for number in range(40):
        store.put("uploads", f"k{number % 3}", b"x")
    sequencers = [event.sequencer for event in told(database, "All")]
    assert len(set(sequencers)) == 40
    assert {len(sequencer) for sequencer in sequencers} == {16}


def test_a_delete_marker_is_told_as_a_removal(store, database):
    store.put("uploads", "k", b"x")
    store.delete(ObjectRef(bucket="uploads", key="k"))
    store.delete(ObjectRef(bucket="uploads", key="k"))
    store.delete(ObjectRef(bucket="uploads", key="never"))
    (event,) = told(database, "Removed")
    assert (event.ref.key, event.created) == ("k", False)


# ---- names ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("bucket", "key", "code"),
    [
        ("uploads", "", "bad_object_key"),
        ("uploads", "x" * 1025, "bad_object_key"),
        ("uploads", "가" * 342, "bad_object_key"),
        ("uploads", "\udcff.mp3", "bad_object_key"),
        ("../uploads", "k", "bad_bucket_name"),
        (".incoming", "k", "bad_bucket_name"),
        ("", "k", "bad_bucket_name"),
    ],
)
def test_a_name_that_s3_would_refuse_is_refused(store, root, bucket, key, code):
    for write in (store.put, store.put_if_absent):
        with pytest.raises(PermanentError) as caught:
            write(bucket, key, b"x")
        assert caught.value.code == code
    assert files(root) == []


def test_a_key_that_is_no_text_is_missing(store):
    ref = ObjectRef.model_construct(bucket="uploads", key="\udcff.mp3", version="null")
    with pytest.raises(ObjectMissing):
        store.head(ref)


def test_no_key_leaves_the_folder(store, root, tmp_path):
    before = set(tmp_path.iterdir())
    for key in ("../../../outside", "/etc/passwd", "..", ".", "a/../../../b"):
        store.put("uploads", key, b"x")
    assert set(tmp_path.iterdir()) == before | {root}
    assert all(path.is_relative_to(root / "uploads") for path in files(root))


def test_the_same_writes_give_the_same_versions(tmp_path):
    def versions(name):
        database = Database(tmp_path / name / "store.sqlite", durable=False)
        store = LocalObjects(tmp_path / name, database)
        refs = [store.put("b-1", key, data).ref for key in "ab" for data in (b"1", b"2", b"1")]
        store.delete(refs[-1])
        return [*refs, store.put("b-1", "b", b"1").ref]

    assert versions("one") == versions("two")
    assert len(set(versions("three"))) == 7


def test_a_long_listing_is_read_page_by_page(store, monkeypatch):
    monkeypatch.setattr(objects_module, "_PAGE", 7)
    for number in range(40):
        store.put("work", f"k{number:02d}", b"")
    for key in ("k", "k1", "l"):
        store.put("work", key, b"")
    assert [info.ref.key for info in store.list("work", "k1")] == ["k1", *(f"k1{n}" for n in range(10))]
    assert len(list(store.list("work"))) == 43
    assert [info.ref.key for info in store.list("work", after="k38")] == ["k39", "l"]


# ---- kills ----------------------------------------------------------------------------------------------
class Killed(BaseException):
    """Stands for the end of the process."""


STEPS = [
    ("os", "fsync"),
    ("objects", "insert_message"),
    ("path", "rename 1"),
    ("path", "rename 2"),
    ("sql", "COMMIT"),
]


def die_at(monkeypatch, step):
    """Let the process end at a step of a write: no clean-up code of the writer takes effect after it."""
    dead = False

    def die(*_, **__):
        nonlocal dead
        dead = True
        raise Killed

    real_rename, real_unlink, renames = Path.rename, Path.unlink, []

    def rename(path, target):
        renames.append(path)
        if step == ("path", f"rename {len(renames)}"):
            die()
        return real_rename(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(Path, "unlink", lambda path, **how: None if dead else real_unlink(path, **how))
    if step == ("os", "fsync"):
        monkeypatch.setattr(objects_module.os, "fsync", die)
    if step == ("objects", "insert_message"):
        monkeypatch.setattr(objects_module, "insert_message", die)
    if step == ("sql", "COMMIT"):
        monkeypatch.setattr(objects_module, "_flush_folder", die)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_a_write_stopped_at_any_step_is_whole_or_nothing(tmp_path, monkeypatch, step):
    def open_store():
        database = Database(tmp_path / "store.sqlite")
        apply(Wiring({}, QUEUES, (), (), NOTIFICATIONS, ()), database)
        return database, LocalObjects(tmp_path / "buckets", database, clock=ManualClock(NOON))

    _, store = open_store()
    store.put("uploads", "before", b"before")
    with monkeypatch.context() as patch:
        die_at(patch, step)
        with pytest.raises(Killed):
            store.put("uploads", "k", b"data")

    database, store = open_store()
    listed = [info.ref.key for info in store.list("uploads")]
    written = step == ("path", "rename 2")  # the commit stands before it
    assert listed == (["before", "k"] if written else ["before"])
    assert [event.ref.key for event in told(database, "All")] == listed
    for info in store.list("uploads"):
        with store.open(info.ref) as file:
            assert hashlib.sha256(file.read()).hexdigest() == info.sha256
    assert len(files(tmp_path / "buckets")) == len(listed)
    assert list((tmp_path / "buckets" / ".incoming").iterdir()) == []


def test_a_committed_object_can_be_read_before_it_is_in_its_place(store, root, database, monkeypatch):
    monkeypatch.setattr(LocalObjects, "_settle", lambda *_: None)
    ref = store.put("uploads", "k", b"data").ref
    with store.open(ref) as file:
        assert file.read() == b"data"
    monkeypatch.undo()
    again = LocalObjects(root, database)
    assert list((root / ".incoming").iterdir()) == []
    with again.open(ref) as file:
        assert file.read() == b"data"


def test_a_failed_write_leaves_nothing(store, root, database, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.put("uploads", "k", tmp_path / "missing")
    database.connection().execute("DROP TABLE messages")
    with pytest.raises(sqlite3.OperationalError):
        store.put("uploads", "k", b"data")
    assert list(store.list("uploads")) == []
    assert files(root) == []


def test_the_clean_up_spares_a_living_writer(store, root, database):
    with store._write(b"data") as written:
        LocalObjects(root, database)
        assert written.path.exists()
    assert files(root) == []


WRITER = """
import sys, os
from pathlib import Path
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.objects import LocalObjects
folder = Path(sys.argv[1])
store = LocalObjects(folder / "buckets", Database(folder / "store.sqlite"))
number = 0
while True:
    number += 1
    store.put("uploads", f"{os.getpid()}/{number}", os.urandom(30_000))
    print(number, flush=True)
"""


@pytest.mark.kill
def test_killed_writers_lose_nothing_and_leave_nothing(tmp_path, database, root):
    for round_ in range(3):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        for writer in writers:
            writer.stdout.readline()
        time.sleep(0.05 + 0.031 * round_)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            with writer.stdout:
                confirmed = writer.stdout.read().split()
            writer.wait()
            store = LocalObjects(root, database)
            keys = {info.ref.key for info in store.list("uploads", f"{writer.pid}/")}
            assert {f"{writer.pid}/{int(number)}" for number in confirmed} <= keys
    listed = list(store.list("uploads"))
    for info in listed:
        with store.open(info.ref) as file:
            assert hashlib.sha256(file.read()).hexdigest() == info.sha256
    announced = told(database, "All", SystemClock())
    assert sorted(event.ref.key for event in announced) == sorted(info.ref.key for info in listed)
    assert len(files(root)) == len(listed)
    assert list((root / ".incoming").iterdir()) == []
