"""The in-process runtime: the same deliveries in a set order, with the clock moved on by itself."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest

from rightscan.adapters.items import Item, Put
from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.items import SqliteItems
from rightscan.adapters.local.objects import LocalObjects
from rightscan.adapters.local.queues import LocalDeadLetters, LocalQueue
from rightscan.adapters.local.wiring import read_wiring
from rightscan.errors import TransientError
from rightscan.localrun.inline import InlineRuntime

FIXTURE = Path(__file__).parent / "fixture" / "template.yaml"
NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


class World:
    """A store with an inline runtime whose handlers this test writes."""

    def __init__(self, folder, work, **options):
        self.clock = ManualClock(NOON)
        self.database = Database(folder / "rightscan.sqlite3", durable=False)
        self.runtime = InlineRuntime(read_wiring(FIXTURE), folder, self.database, self.clock, **options)
        self.runtime.handlers["WorkFunction"] = work
        self.queue = LocalQueue("WorkQueue", self.database, self.clock)

    @property
    def dead(self):
        return [json.loads(letter.body) for letter in LocalDeadLetters(self.database, self.clock).show()]


def bodies(event):
    return [json.loads(record["body"]) for record in event["Records"]]


def test_the_functions_of_the_template_run_under_their_environment(tmp_path):
    database, clock = Database(tmp_path / "rightscan.sqlite3", durable=False), ManualClock(NOON)
    before = dict(os.environ)
    runtime = InlineRuntime(read_wiring(FIXTURE), tmp_path, database, clock)
    LocalObjects(tmp_path / "buckets", database, clock=clock).put("incoming", "in/a.txt", b"x")
    LocalObjects(tmp_path / "buckets", database, clock=clock).put("incoming", "a.txt", b"x")
    assert runtime.pump() == 1
    (done,) = (tmp_path / "out").glob("*.done")
    told = json.loads(done.read_text())
    assert told["body"]["Records"][0]["s3"]["object"]["key"] == "in/a.txt"
    assert told["environment"]["RIGHTSCAN_BACKEND"] == "local"
    assert told["environment"]["RIGHTSCAN_DONE_QUEUE"] == "DoneQueue"
    assert dict(os.environ) == before
    assert runtime.errors == []


def test_it_waits_for_what_is_invisible(tmp_path):
    seen = []
    world = World(tmp_path, lambda event, _: seen.extend(bodies(event)))
    world.queue.send({"n": 1}, delay_s=3600)
    world.queue.send({"n": 2})
    assert world.runtime.pump() == 2
    assert seen == [{"n": 2}, {"n": 1}]
    assert world.clock.now() > NOON.replace(hour=4)


def test_what_fails_every_time_becomes_a_dead_letter(tmp_path):
    def work(event, _):
        if {"n": 2} in bodies(event):
            raise ValueError("no")

    world = World(tmp_path, work)
    for n in range(4):
        world.queue.send({"n": n})
    world.runtime.pump()
    # Its neighbours in the batch fail with it; the second time they may be in another batch.
    assert {"n": 2} in world.dead
    assert {name for name, _ in world.runtime.errors} == {"WorkFunction"}


def test_a_killed_process_loses_nothing(tmp_path):
    done, kills = [], iter([True, True])

    def work(event, _):
        if next(kills, False):
            raise SystemExit  # no Exception: as if the process had ended here
        done.extend(bodies(event))

    world = World(tmp_path, work)
    world.queue.send({"n": 1})
    with pytest.raises(SystemExit):
        world.runtime.pump()
    assert world.runtime.restart() == 1
    with pytest.raises(SystemExit):
        world.runtime.pump()
    world.runtime.pump()  # without a restart its visibility must end first
    assert done == [{"n": 1}]
    assert world.dead == []
    assert world.clock.now() > NOON


def run(folder, **options):
    folder.mkdir()
    seen = []

    def work(event, _):
        seen.append([body["n"] for body in bodies(event)])
        for body in bodies(event):
            if body["n"] < 100:
                LocalQueue("WorkQueue", world.database, world.clock).send({"n": body["n"] + 100})

    world = World(folder, work, **options)
    for n in range(12):
        world.queue.send({"n": n})
    world.runtime.pump()
    return seen


def test_a_run_is_repeatable(tmp_path):
    assert run(tmp_path / "a") == run(tmp_path / "b")
    assert run(tmp_path / "c", seed=5, duplicate=True) == run(tmp_path / "d", seed=5, duplicate=True)


def test_deliveries_are_shuffled_and_doubled_by_the_seed(tmp_path):
    runs = [run(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    assert runs[0] != runs[1]
    for seen in runs:
        assert sorted(chain.from_iterable(seen)) == [*range(12), *range(100, 112)]
    doubled = sorted(chain.from_iterable(run(tmp_path / "double", seed=1, duplicate=True)))
    # Each of twelve comes twice and causes one each time, and each of those comes twice.
    assert doubled == sorted([*range(12)] * 2 + [*range(100, 112)] * 4)


def test_changes_reach_their_function_twice_if_told_to(tmp_path):
    for folder, options, times in ((tmp_path / "a", {}, 1), (tmp_path / "b", {"duplicate": True}, 2)):
        folder.mkdir()
        seen = []
        world = World(folder, None, **options)
        world.runtime.handlers["ChangesFunction"] = lambda event, _, seen=seen: seen.append(
            [record["dynamodb"]["Keys"]["SK"]["S"] for record in event["Records"]]
        )
        for pk, sk in (("M#1", "a"), ("R#1", "not wanted"), ("M#1", "b")):
            SqliteItems(world.database).write([Put(Item(pk, sk, "k", {}))])
        world.runtime.pump()
        assert seen == [["a", "b"]] * times


def test_a_stream_that_fails_waits_and_goes_on(tmp_path):
    fails = iter([True, True])

    def changes(event, _):
        if next(fails, False):
            raise ValueError("not yet")

    world = World(tmp_path, None)
    world.runtime.handlers["ChangesFunction"] = changes
    SqliteItems(world.database).write([Put(Item("M#1", "a", "k", {}))])
    assert world.runtime.pump() == 3
    assert world.dead == []


def test_schedules_fire_by_the_clock(tmp_path):
    seen = []
    world = World(tmp_path, lambda event, _: seen.extend(bodies(event)))
    assert world.runtime.send_due() == 0
    world.clock.advance(86_400)
    assert world.runtime.send_due() == 1
    world.runtime.pump()
    assert seen == [{"kind": "nightly", "at": "2026-11-23T18:00:00Z"}]


def test_messages_that_cause_each_other_are_noticed(tmp_path):
    world = World(tmp_path, lambda event, _: world.queue.send({"n": 1}))
    world.queue.send({"n": 1})
    with pytest.raises(TransientError) as caught:
        world.runtime.pump(most=50)
    assert caught.value.code == "not_settled"
