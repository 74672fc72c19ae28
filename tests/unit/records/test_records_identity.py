"""Ids: the same thing gets the same id everywhere, another thing another."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rightscan.records import identity

M = "a" * 64

CALLS = {
    "scan": lambda **k: identity.scan_id(k.get("media", M), k.get("pipeline", "p1")),
    "use": lambda **k: identity.use_id(
        "b", k.get("key", "k"), k.get("version", "v"), k.get("recording", "R"), "o"
    ),
    "match": lambda **k: identity.match_id(
        k.get("media", M), k.get("recording", "R"), k.get("occurrence", "o")
    ),
    "occurrence": lambda **k: identity.occurrence_id(
        k.get("media", M), k.get("recording", "R"), k.get("at", 1.0), 2.0
    ),
    "finding": lambda **k: identity.finding_id(k.get("media", M), k.get("subject", "whole")),
    "incident": lambda **k: identity.incident_id(k.get("kind", "upload"), "ref", k.get("code", "gone")),
    "registration": lambda **k: identity.registration_id("b", k.get("key", "k"), k.get("version", "v")),
}


def test_ids_never_change_between_releases():
    # Written down: a changed id makes every use a second use, and a second use a second payment
    assert identity.object_id("uploads", "노래.mp3") == "0168017e08c1d579db8fe431cd09bdc8aaa93a28"
    assert CALLS["scan"]() == "a0e04c0e-4a89-5f29-ae1c-d81f7dcc5db9"
    assert CALLS["use"]() == "378daf53-388b-531a-9f44-26d48c2a6a31"
    assert CALLS["match"]() == "c10eb5a6-ded5-53c8-822a-7291155bc403"
    assert CALLS["occurrence"]() == "d13377c9-ab87-5dc4-8378-eacf996ec34b"


def test_ids_do_not_depend_on_the_process():
    # PYTHONHASHSEED differs from run to run
    code = f"from rightscan.records import identity; print(identity.scan_id({M!r}, 'p1'), identity.shard_of('x'))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert out == [CALLS["scan"](), str(identity.shard_of("x"))]


@pytest.mark.parametrize("name", CALLS)
def test_each_part_of_an_id_counts(name):
    call = CALLS[name]
    variants = [
        call(),
        call(media="b" * 64),
        call(pipeline="p2"),
        call(key="k2"),
        call(version="v2"),
        call(recording="R2"),
        call(occurrence="o2"),
        call(at=1.01),
        call(subject="o"),
        call(kind="media"),
        call(code="late"),
    ]
    changed = {variant for variant in variants[1:] if variant != variants[0]}
    parts = {"scan": 2, "use": 3, "match": 3, "occurrence": 3, "finding": 2, "incident": 2, "registration": 2}
    assert len(changed) == parts[name]


def test_the_same_parts_in_other_kinds_of_ids_differ():
    assert len({call() for call in CALLS.values()}) == len(CALLS)
    assert identity.finding_id(M, "p1") != identity.scan_id(M, "p1")


def test_where_one_part_ends_and_the_next_begins_counts():
    assert identity.finding_id("ab", "c") != identity.finding_id("a", "bc")
    assert identity.match_id("a", "1:b", "c") != identity.match_id("a", "1", "b:c")


def test_an_occurrence_minted_twice_within_ten_milliseconds_is_one():
    assert identity.occurrence_id(M, "R", 12.3449, 1.0) == identity.occurrence_id(M, "R", 12.3401, 1.0)
    assert identity.occurrence_id(M, "R", 12.34, 1.0) != identity.occurrence_id(M, "R", 12.35, 1.0)


def test_an_object_id_shows_no_name_and_takes_any():
    for key in ("노래.mp3", "a" * 1024, "../x", "a\udc80"):
        assert len(identity.object_id("uploads", key)) == 40


def test_shards_are_used_evenly():
    counts = [0] * 16
    for number in range(1600):
        counts[identity.shard_of(f"id-{number}")] += 1
    assert min(counts) > 60
    assert {identity.shard_of(f"{n}", 4) for n in range(50)} == {0, 1, 2, 3}
