"""The object store: what the use cases rely on, on files and on S3."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from rightscan.ports import ObjectMissing
from rightscan.records.objects import ObjectRef

NFC, NFD = "각", "\u1100\u1161\u11a8"
HOSTILE = [
    "plain.mp3",
    "with space + plus & percent %2F.mp3",
    f"{NFC}.mp3",
    f"{NFD}.mp3",
    "../../../etc/passwd",
    "a//b/../c/./d",
    ".incoming/x",
    "🎵" * 256,
    "ㅏ" * 341 + "x",
    "new\nline\ttab",
    "quote\"'<&>\\",
    "folder/",
    "~",
]


@pytest.fixture
def objects(backend):
    return backend.objects("uploads", "work")


def read(objects, ref):
    with objects.open(ref) as file:
        return file.read()


def latest(key, bucket="uploads"):
    return ObjectRef(bucket=bucket, key=key)


# ---- writing and reading --------------------------------------------------------------------------------
@pytest.mark.parametrize("key", HOSTILE)
def test_any_key_holds_its_own_object(objects, key):
    other = objects.put("uploads", key + "2" if len(key.encode()) < 1024 else key[:-1], b"other")
    info = objects.put("uploads", key, key.encode())
    assert info.ref.key == key
    assert read(objects, info.ref) == key.encode()
    assert read(objects, latest(key)) == key.encode()
    assert read(objects, other.ref) == b"other"
    assert next(objects.list("uploads", key)).ref.key == key


def test_what_is_written_is_described(objects, tmp_path):
    data = bytes(range(256)) * 5000
    path = tmp_path / "upload"
    path.write_bytes(data)
    for source in (data, path):
        info = objects.put(
            "uploads", "k", source, metadata={"source-url": "https%3A//x"}, content_type="audio/mpeg"
        )
        assert (info.size, info.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        found = objects.head(info.ref)
        assert (found.ref, found.size, found.sha256) == (info.ref, info.size, info.sha256)
        assert dict(found.metadata) == {"source-url": "https%3A//x"}
        assert abs(found.modified_at - info.modified_at) <= timedelta(seconds=2)
        assert found.modified_at.utcoffset() == timedelta(0)
        assert read(objects, info.ref) == data
    assert path.read_bytes() == data


def test_an_empty_object_is_an_object(objects):
    info = objects.put("uploads", "empty", b"")
    assert objects.head(info.ref).size == 0
    assert read(objects, info.ref) == b""


def test_each_write_is_a_version_of_its_own(objects):
    versions = [objects.put("uploads", "k", data).ref for data in (b"one", b"two", b"one")]
    assert len({ref.version for ref in versions}) == 3
    assert [read(objects, ref) for ref in versions] == [b"one", b"two", b"one"]
    assert objects.head(latest("k")).ref == versions[-1]


def test_a_reader_seeks_and_reads_ranges(objects):
    data = bytes(n % 251 for n in range(400_000))
    with objects.open(objects.put("uploads", "k", data).ref) as file:
        assert file.seekable()
        for start, length in ((0, 10), (399_990, 100), (200_000, 150_000), (5, 1), (400_000, 5)):
            assert file.seek(start) == start
            assert file.read(length) == data[start : start + length]
        assert file.seek(-3, 2) == 399_997
        assert file.read() == data[-3:]
        assert file.tell() == 400_000


def test_a_reader_keeps_its_version_when_another_is_written(objects):
    ref = objects.put("uploads", "k", b"old").ref
    with objects.open(latest("k")) as file:
        objects.put("uploads", "k", b"new")
        assert file.read() == b"old"
    assert read(objects, ref) == b"old"


def test_a_download_is_a_copy(objects, tmp_path):
    data = b"x" * 300_000
    ref = objects.put("uploads", "k", data).ref
    objects.download(ref, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    (tmp_path / "copy").write_bytes(b"changed")
    assert read(objects, ref) == data


# ---- immutable objects ----------------------------------------------------------------------------------
def test_what_is_there_is_not_written_again(objects, tmp_path):
    first = objects.put_if_absent("work", "features/a", b"first")
    (tmp_path / "second").write_bytes(b"second")
    second = objects.put_if_absent("work", "features/a", tmp_path / "second")
    assert second.ref == first.ref
    assert read(objects, latest("features/a", "work")) == b"first"


def test_of_several_at_once_one_writes_and_all_get_that_one(objects):
    barrier = threading.Barrier(6)

    def write(number):
        barrier.wait()
        return objects.put_if_absent("work", "k", f"{number}".encode()).ref

    with ThreadPoolExecutor(6) as pool:
        refs = set(pool.map(write, range(6)))
    assert len(refs) == 1
    assert refs == {objects.head(latest("k", "work")).ref}


def test_what_was_deleted_can_be_written_again(backend, objects):
    first = objects.put_if_absent("work", "k", b"first").ref
    backend.delete_object(latest("k", "work"))
    second = objects.put_if_absent("work", "k", b"second").ref
    assert second != first
    assert [read(objects, ref) for ref in (first, second)] == [b"first", b"second"]


# ---- what is not there ----------------------------------------------------------------------------------
def is_missing(objects, ref, tmp_path):
    for look in (objects.head, objects.open, lambda missing: objects.download(missing, tmp_path / "x")):
        with pytest.raises(ObjectMissing) as caught:
            look(ref)
        assert caught.value.code == "object_missing"
    return True


def test_what_was_never_there_is_missing(objects, tmp_path):
    ref = objects.put("uploads", "k", b"x").ref
    assert is_missing(objects, latest("other"), tmp_path)
    assert is_missing(objects, ref.model_copy(update={"key": "other"}), tmp_path)
    assert is_missing(objects, latest("k", "nosuchbucket"), tmp_path)


def test_a_deleted_object_is_missing_and_its_versions_are_not(backend, objects, tmp_path):
    ref = objects.put("uploads", "k", b"x").ref
    backend.delete_object(latest("k"))
    assert is_missing(objects, latest("k"), tmp_path)
    assert read(objects, ref) == b"x"
    assert list(objects.list("uploads")) == []


def test_a_deleted_version_is_missing_and_the_one_before_it_is_the_latest(backend, objects, tmp_path):
    first, second = (objects.put("uploads", "k", data).ref for data in (b"1", b"2"))
    backend.delete_object(second)
    assert is_missing(objects, second, tmp_path)
    assert objects.head(latest("k")).ref == first
    assert [info.ref for info in objects.list("uploads")] == [first]
    backend.delete_object(first)
    assert is_missing(objects, latest("k"), tmp_path)
    assert objects.put("uploads", "k", b"2").ref not in (first, second)


# ---- listings -------------------------------------------------------------------------------------------
def test_a_listing_has_the_latest_versions_in_the_order_of_bytes(objects):
    keys = ["b", "a/1", "a/10", "a/2", "a", "A", "가", "\uff21", "🎵", "a0", "각/x", "a/%", "a/_"]
    refs = {}
    for key in keys:
        objects.put("uploads", key, b"old")
        refs[key] = objects.put("uploads", key, key.encode()).ref
    objects.put("work", "a/3", b"elsewhere")
    by_bytes = sorted(keys, key=str.encode)

    def listed(**span):
        return [info.ref for info in objects.list("uploads", **span)]

    assert listed() == [refs[key] for key in by_bytes]
    for prefix in ("a", "a/", "a/1", "a/%", "a/_", "가", "각", "🎵", "nothing"):
        wanted = [key for key in by_bytes if key.startswith(prefix)]
        assert listed(prefix=prefix) == [refs[key] for key in wanted]
        for after in ("a", "a/1", "b", "가"):
            assert listed(prefix=prefix, after=after) == [
                refs[key] for key in wanted if key.encode() > after.encode()
            ]
    assert [info.size for info in objects.list("uploads", "a/1")] == [3, 4]
