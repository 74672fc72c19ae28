"""The item store: SQLite and DynamoDB must be the same to the ledger."""

from __future__ import annotations

import threading

import pytest
from backends_aws import aws

from rightscan.adapters.items import Add, ConditionFailed, Item, Put
from rightscan.errors import PermanentError

__all__ = ["aws"]  # a fixture


@pytest.fixture
def items(backend):
    return backend.items()


def put(items, sk, body=None, *, pk="P", version=0, kind="thing", **indexes):
    items.write([Put(Item(pk, sk, kind, body or {}, version, indexes))])


def keys(found):
    return [item.sk for item in found]


# ---- one item -------------------------------------------------------------------------------------------
def test_what_is_not_there_is_none(items):
    assert items.get("P", "S") is None


def test_an_item_comes_back_as_it_was_written(items):
    body = {
        "text": "김민수 노래 🎵 \x00\n",
        "empty": "",
        "whole": 3,
        "float": 0.1 + 0.2,
        "whole_float": 2.0,
        "tiny": 1e-300,
        "none": None,
        "flags": [True, False],
        "nested": {"": [], "$": {"deep": [{}, [1, [2.5]]]}},
    }
    put(items, "S", body)
    item = items.get("P", "S")
    assert (item.pk, item.sk, item.kind, item.version) == ("P", "S", "thing", 1)
    assert item.body == body
    assert repr(sorted(item.body.items())) == repr(sorted(body.items()))  # 2.0 stays 2.0


def test_a_new_version_takes_the_place_of_the_old_one(items):
    put(items, "S", {"a": 1, "b": 1})
    put(items, "S", {"a": 2}, version=1)
    assert (items.get("P", "S").body, items.get("P", "S").version) == ({"a": 2}, 2)


@pytest.mark.parametrize("version", [0, 2])
def test_a_write_against_another_version_changes_nothing(items, version):
    put(items, "S", {"a": 1})
    with pytest.raises(ConditionFailed):
        put(items, "S", {"a": 2}, version=version)
    assert items.get("P", "S").body == {"a": 1}


def test_a_version_of_what_does_not_exist_is_refused(items):
    with pytest.raises(ConditionFailed):
        put(items, "S", version=1)
    assert items.get("P", "S") is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_not_stored(items, value):
    with pytest.raises(ValueError):
        put(items, "S", {"a": value})
    assert items.get("P", "S") is None


# ---- several items --------------------------------------------------------------------------------------
def test_all_are_written(items):
    items.write([Put(Item("P", f"{n:02d}", "k", {"n": n})) for n in range(40)])
    assert [item.body["n"] for item in items.query("P")] == list(range(40))


def test_nothing_to_write_is_nothing(items):
    items.write([])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_refused_write_undoes_all(items, place):
    put(items, "taken")
    items.write([Add("C", "V", "counter", 5)])
    writes = [Put(Item("P", "new", "k", {})), Add("C", "V", "counter", 1)]
    writes.insert(place, Put(Item("P", "taken", "k", {})))
    with pytest.raises(ConditionFailed):
        items.write(writes)
    assert items.get("P", "new") is None
    assert items.get("C", "V").body == {"value": 5}
    assert items.get("P", "taken").version == 1


# ---- partitions -----------------------------------------------------------------------------------------
def test_a_partition_is_read_by_prefix_in_the_order_of_bytes(items):
    # U+FF21 sorts before an emoji by UTF-8, after it by UTF-16
    names = [
        "A#1",
        "A#10",
        "A#2",
        "B#1",
        "A%",
        "A_",
        "AB",
        "a#1",
        "가",
        "각",
        "나#1",
        "\uff21",
        "🎵",
        "가\u0300",
    ]
    for name in names:
        put(items, name)
    put(items, "A#1", pk="other")
    by_bytes = sorted(names, key=str.encode)
    assert keys(items.query("P")) == by_bytes
    for prefix in ["A", "A#", "A#1", "A%", "A_", "%", "_", "가", "나#", "🎵", "nothing", "A#1#"]:
        assert keys(items.query("P", prefix)) == [name for name in by_bytes if name.startswith(prefix)]
    assert keys(items.query("nobody")) == []


def test_a_whole_partition_of_large_items_is_read(items):
    # 12 x 150 KB: DynamoDB gives a page of 1 MB at a time
    for number in range(12):
        put(items, f"{number:02d}", {"text": "x" * 150_000})
    assert len(list(items.query("P"))) == 12


def test_all_items_of_a_kind_are_read_once(items):
    for number in range(30):
        put(items, "S", {"n": number}, pk=f"P{number}", kind="odd" if number % 2 else "even")
    assert sorted(item.body["n"] for item in items.scan("odd")) == list(range(1, 30, 2))
    assert list(items.scan("none")) == []


# ---- sparse indexes -------------------------------------------------------------------------------------
def test_an_index_is_read_by_range_in_order(items):
    for day in ("2026-10-30", "2026-11-02", "2026-11-01", "2026-12-01"):
        put(items, f"S{day}", {"day": day}, period=("P#1", day))
    put(items, "elsewhere", {}, period=("P#2", "2026-11-01"))
    put(items, "other-index", {}, work=("P#1", "2026-11-01"))
    put(items, "in-none")

    def days(**span):
        return [item.body["day"] for item in items.query_index("period", "P#1", **span)]

    assert days() == ["2026-10-30", "2026-11-01", "2026-11-02", "2026-12-01"]
    assert days(since="2026-11-01") == ["2026-11-01", "2026-11-02", "2026-12-01"]
    assert days(until="2026-11-02") == ["2026-10-30", "2026-11-01"]
    assert days(since="2026-11-01", until="2026-12-01") == ["2026-11-01", "2026-11-02"]
    assert days(since="2026-12", until="2026-11") == []
    assert days(since="2026-11-01", until="2026-11-01") == []
    assert list(items.query_index("period", "P#3")) == []


def test_items_of_one_place_in_an_index_are_all_found(items):
    for number in range(3):
        put(items, f"{number}", {"n": number}, period=("P", "now"))
    assert sorted(item.body["n"] for item in items.query_index("period", "P", since="now", until="now!")) == [
        0,
        1,
        2,
    ]


def test_an_item_leaves_an_index_and_moves_within_it(items):
    put(items, "S", {"state": "open"}, work=("open", "1"), recording=("R", "1"))
    put(items, "S", {"state": "moved"}, version=1, work=("open", "2"), recording=("R", "1"))
    assert [item.body["state"] for item in items.query_index("work", "open")] == ["moved"]
    assert list(items.query_index("work", "open", until="2")) == []
    put(items, "S", {"state": "done"}, version=2, recording=("R", "1"))
    assert list(items.query_index("work", "open")) == []
    (item,) = items.query_index("recording", "R")
    assert (item.body, item.version) == ({"state": "done"}, 3)


def test_a_refused_write_leaves_the_indexes_alone(items):
    put(items, "S", {}, work=("open", "1"))
    with pytest.raises(ConditionFailed):
        put(items, "S", {}, work=("done", "1"))
    assert len(list(items.query_index("work", "open"))) == 1
    assert list(items.query_index("work", "done")) == []


# ---- counters -------------------------------------------------------------------------------------------
def test_a_counter_is_made_added_to_and_taken_from(items):
    for amount in (1, 5, -2):
        items.write([Add("C", "V", "counter", amount)])
    item = items.get("C", "V")
    assert (item.kind, item.body, item.version) == ("counter", {"value": 4}, 3)
    assert [found.body for found in items.scan("counter")] == [{"value": 4}]


def test_a_counter_can_be_set_and_added_to_again(items):
    items.write([Add("C", "V", "counter", 4)])
    put(items, "V", {"value": 10}, pk="C", version=1, kind="counter")
    items.write([Add("C", "V", "counter", 1)])
    assert items.get("C", "V").body == {"value": 11}


# ---- several writers ------------------------------------------------------------------------------------
def run(threads, work):
    barrier, failures = threading.Barrier(threads), []

    def one(number):
        barrier.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 (shown by the assertion)
            failures.append(error)

    running = [threading.Thread(target=one, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert failures == []


def test_of_several_who_create_one_item_one_succeeds(items):
    won = []

    def create(number):
        for sk in ("a", "b", "c", "d", "e"):
            try:
                put(items, sk, {"by": number})
            except ConditionFailed:
                continue
            won.append((sk, number))

    run(4, create)
    assert sorted((item.sk, item.body["by"]) for item in items.query("P")) == sorted(won)
    assert len(won) == 5


def test_no_increment_of_two_writers_is_lost(items):
    put(items, "S", {"n": 0})

    def increment(_):
        for _ in range(10):
            while True:
                item = items.get("P", "S")
                try:
                    put(items, "S", {"n": item.body["n"] + 1}, version=item.version)
                except ConditionFailed:
                    continue
                break

    run(2, increment)
    assert items.get("P", "S").body == {"n": 20}


def test_no_addition_of_several_writers_is_lost(items):
    run(4, lambda number: [items.write([Add("C", "V", "counter", number)]) for _ in range(10)])
    assert items.get("C", "V").body == {"value": 60}


def test_one_of_two_transactions_over_the_same_items_wins_whole(items):
    won = []

    def both(number):
        order = ("a", "b") if number else ("b", "a")
        try:
            items.write([Put(Item("P", sk, "k", {"by": number})) for sk in order])
        except ConditionFailed:
            return
        won.append(number)

    run(2, both)
    assert len(won) == 1
    assert [item.body for item in items.query("P")] == [{"by": won[0]}] * 2


# ---- limits ---------------------------------------------------------------------------------------------
LIMITS = {
    "too_many_writes": lambda items: items.write([Put(Item("P", f"{n}", "k", {})) for n in range(101)]),
    "record_too_large": lambda items: put(items, "S", {"text": "노" * (137 << 10)}),
    "key_too_large": lambda items: put(items, "노" * 342),
    "not_unicode": lambda items: put(items, "S", {"text": "a\udc80"}),
}


@pytest.mark.parametrize("code", LIMITS)
def test_what_a_table_cannot_hold_is_refused_before_it_is_sent(aws, code):
    items = aws.items()
    with pytest.raises(PermanentError) as caught:
        LIMITS[code](items)
    assert caught.value.code == code
    assert list(items.scan("thing")) == []


def test_keys_of_any_kind_are_refused_where_they_cannot_be(aws):
    items = aws.items()
    for pk, sk in [("노" * 700, "S"), ("P", "x" * 1025), ("a\udc80", "S"), ("P", "\udfff")]:
        with pytest.raises(PermanentError):
            items.get(pk, sk)
    for index in [("x" * 2049, "1"), ("W", "x" * 1025)]:
        with pytest.raises(PermanentError):
            put(items, "S", {}, work=index)


def test_the_largest_keys_are_held(aws):
    items = aws.items()
    put(items, "s" * 1024, pk="p" * 2048, work=("w" * 2048, "v" * 1024))
    assert len(list(items.query_index("work", "w" * 2048))) == 1
