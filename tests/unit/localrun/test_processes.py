"""The runtime as real processes: kills of workers and of the whole, timeouts, the lock, clean stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rightscan.adapters.items import Item, Put
from rightscan.adapters.local.clock import SystemClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.items import SqliteItems
from rightscan.adapters.local.objects import LocalObjects
from rightscan.adapters.local.queues import LocalDeadLetters, LocalQueue
from rightscan.adapters.local.wiring import QueueSource, apply, read_wiring
from rightscan.errors import PermanentError
from rightscan.localrun import lock
from rightscan.localrun.session import LocalSession, default_template
from rightscan.localrun.supervisor import RUNNING_ALREADY, Supervisor, worker_limit
from rightscan.localrun.worker import BROKEN, Assignment
from rightscan.runtime import LocalPaths

FIXTURE = Path(__file__).parent / "fixture" / "template.yaml"
PATIENCE_S = 120.0  # a machine under load is slow; nothing here depends on being quick


class Store:
    def __init__(self, home):
        self.home = home
        self.paths = LocalPaths(home)
        self.database = Database(self.paths.database)
        self.queue = LocalQueue("WorkQueue", self.database, SystemClock())
        apply(read_wiring(FIXTURE), self.database)

    def session(self):
        return LocalSession(self.home, FIXTURE, cores=2)

    def done(self, name):
        path = self.home / "out" / f"{name}.done"
        return json.loads(path.read_text()) if path.exists() else None

    def starts(self, name):
        """The worker processes that took the message, in order."""
        path = self.home / "out" / f"{name}.started"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    @property
    def dead(self):
        return LocalDeadLetters(self.database, SystemClock()).show()

    @property
    def log(self):
        return (self.paths.logs / "runtime.log").read_text()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "home")


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(predicate):
    deadline = time.monotonic() + PATIENCE_S
    while not predicate():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return True


# ---- one run with every trouble in it -------------------------------------------------------------------
@pytest.mark.kill
def test_every_message_is_done_whatever_happens_to_its_worker(store, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "must not reach a worker")
    with store.session() as session:
        LocalObjects(store.paths.objects, store.database).put("incoming", "in/각.txt", b"x")
        SqliteItems(store.database).write([Put(Item("M#1", "a", "media", {}))])
        for n in range(6):
            store.queue.send({"name": f"plain{n}"})
        store.queue.send({"name": "reported", "do": "report-once"})
        store.queue.send({"name": "killed", "do": "die-once"})
        store.queue.send({"name": "hung", "do": "hang-once"})
        assert not session.wait_until(lambda: False, 0.05)
        assert session.wait_until(session.idle, PATIENCE_S)
        workers = [pid for path in (store.home / "out").glob("*.started") for pid in store.starts(path.stem)]
    for name in (*(f"plain{n}" for n in range(6)), "reported", "killed", "hung"):
        assert store.done(name), name
    assert len(list((store.home / "out").glob("*.done"))) == 10
    assert store.dead == []
    assert (store.home / "changes.txt").read_text() == "INSERT a\n"

    told = store.done("plain0")
    assert "AWS_SECRET_ACCESS_KEY" not in told["environment"]
    assert told["environment"]["OMP_NUM_THREADS"] == "1"
    assert told["environment"]["RIGHTSCAN_HOME"] == str(store.home)
    assert told["environment"]["RIGHTSCAN_INDEX_CACHE"] == str(store.paths.index_cache)
    assert told["environment"]["RIGHTSCAN_DONE_QUEUE"] == "DoneQueue"
    assert told["function"] == "WorkFunction"
    assert 0 < told["left_ms"] <= 2000

    assert len(store.starts("killed")) >= 2
    assert store.starts("hung")[0] != store.starts("hung")[1]  # it was ended, not waited for
    assert '"reason":"timeout"' in store.log
    assert not any(is_alive(pid) for pid in workers)
    assert not lock.is_running(store.home)
    assert list(store.paths.workspaces.iterdir()) == []


@pytest.mark.kill
def test_a_killed_runtime_takes_its_workers_along_and_the_next_one_goes_on(store):
    for n in range(4):
        store.queue.send({"name": f"slow{n}", "do": "slow"})
    with store.session() as session:
        until(lambda: store.starts("slow0"))
        (worker, *_) = store.starts("slow0")
        session._child.send_signal(signal.SIGKILL)
        session._child.wait()
        until(lambda: not is_alive(worker))
        assert session.pending() > 0
        # The session sees that its runtime is gone and starts another.
        assert session.wait_until(session.idle, PATIENCE_S)
    assert all(store.done(f"slow{n}") for n in range(4))
    assert store.dead == []


def test_a_stopped_runtime_finishes_the_batch_in_hand_and_leaves_the_rest(store):
    with store.session():
        store.queue.send({"name": "first", "do": "slow"})
        until(lambda: store.starts("first"))
    assert store.done("first")["receives"] == "1"
    assert LocalSession(store.home, FIXTURE).pending() == 0


# ---- the lock -------------------------------------------------------------------------------------------
def test_a_store_has_one_runtime(store):
    command = [sys.executable, "-m", "rightscan.localrun.supervisor"]
    command += ["--home", str(store.home), "--template", str(FIXTURE)]
    with store.session() as first:
        assert subprocess.run(command, timeout=PATIENCE_S).returncode == RUNNING_ALREADY
        with store.session() as second:
            store.queue.send({"name": "shared"})
            assert second.wait_until(second.idle, PATIENCE_S)
        assert store.done("shared")
        assert lock.is_running(store.home)
        first._child.terminate()
        first._child.wait()
        # Another command stopped it: whoever still waits starts a new one.
        store.queue.send({"name": "later"})
        assert first.wait_until(first.idle, PATIENCE_S)
        assert store.done("later")
    assert not lock.is_running(store.home)


def test_a_runtime_that_does_not_start_is_told(store, tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(FIXTURE.read_text().replace("cron(0 3 * * ? *)", "cron(0 3 * *)"))
    with pytest.raises(PermanentError) as caught, LocalSession(store.home, template):
        pass
    assert caught.value.code == "runtime_failed"
    assert "bad_schedule" in store.log


def test_the_lock_is_told_by_its_holder(store):
    assert not lock.is_running(store.home)
    with lock.take(store.home):
        assert lock.is_running(store.home)
        with pytest.raises(PermanentError) as caught:
            lock.take(store.home)
        assert caught.value.code == "runtime_running"
        assert str(os.getpid()) in caught.value.cause
    assert not lock.is_running(store.home)


# ---- workers --------------------------------------------------------------------------------------------
def run_worker(store, function, parent):
    assignment = Assignment(
        function=function,
        queues=(QueueSource("WorkFunction", "WorkQueue", 10, None, partial_failures=True),),
        streams=(),
        database=store.paths.database,
        holder="h",
        parent=parent,
    )
    return subprocess.run(
        [sys.executable, "-m", "rightscan.localrun.worker", "--function", function.name],
        input=assignment.to_json().encode(),
        timeout=PATIENCE_S,
        stdout=subprocess.PIPE,
    )


def test_a_function_that_cannot_be_imported_fails_its_messages(store, tmp_path):
    (tmp_path / "app.py").write_text("raise ValueError('a name that no log may show')")
    broken = read_wiring(FIXTURE).functions["WorkFunction"]
    broken = type(broken)(**{**vars(broken), "folder": tmp_path})
    store.queue.send({"n": 1})
    ended = run_worker(store, broken, os.getpid())
    assert ended.returncode == BROKEN
    assert b"ValueError" in ended.stdout
    assert b"a name" not in ended.stdout
    row = store.database.connection().execute("SELECT receives, receipt FROM messages").fetchone()
    assert tuple(row) == (1, None)  # given back, counted


def test_a_worker_without_its_parent_ends_at_once(store):
    function = read_wiring(FIXTURE).functions["WorkFunction"]
    store.queue.send({"name": "never"})
    assert run_worker(store, function, parent=1).returncode == -signal.SIGKILL
    assert store.starts("never") == []


def test_workers_are_as_many_as_the_work_allows():
    wiring = read_wiring(default_template())
    limits = {name: worker_limit(wiring, function, 8) for name, function in wiring.functions.items()}
    assert limits == {
        "IngestFunction": 2,
        "ScanFunction": 8,
        "MatchFunction": 8,
        "RegisterFunction": 2,
        "ReportFunction": 2,
        "CountersFunction": 1,
        "LikenessFunction": 1,
    }
    assert {worker_limit(wiring, function, 1) for function in wiring.functions.values()} == {1}


# ---- starting -------------------------------------------------------------------------------------------
def test_a_start_clears_away_what_a_killed_runtime_left(store):
    store.queue.send({"name": "x"})
    store.queue.receive(1, holder="gone")
    left = store.paths.workspaces / "left"
    left.mkdir(parents=True)
    (left / "decoded").write_bytes(b"x" * 100)
    (store.paths.objects / ".incoming").mkdir(parents=True)
    (store.paths.objects / ".incoming" / "half").write_bytes(b"x")
    Supervisor(store.home, FIXTURE)._recover(store.database)
    assert not left.exists()
    assert list((store.paths.objects / ".incoming").iterdir()) == []
    assert len(store.queue.receive(1)) == 1


def test_a_bad_schedule_stops_the_start(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(FIXTURE.read_text().replace("cron(0 3 * * ? *)", "cron(0 3 * *)"))
    with pytest.raises(PermanentError) as caught:
        Supervisor(tmp_path / "home", template)
    assert caught.value.code == "bad_schedule"
