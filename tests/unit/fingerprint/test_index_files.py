"""The index on disk: what is written, and that nothing damaged is ever searched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rightscan.errors import PermanentError, UsageError
from rightscan.fingerprint import PARAMETERS, PIPELINE, Fingerprint
from rightscan.index import Index, index_version
from unit.fingerprint.catalogue import cut, items, of, registered, sound


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index") / "base"
    Index.build(items(1, 2, 3), folder)
    return folder


def test_the_manifest_says_what_is_there(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_bytes())
    assert manifest["format"] == "rightscan-index-2"
    assert manifest["pipeline"] == PIPELINE
    assert manifest["parameters"]["hop"] == PARAMETERS.hop
    assert manifest["recording_ids"] == ["R1", "R2", "R3"]
    assert manifest["durations_s"] == [40.0, 40.0, 40.0]
    assert {f"{name}.bin" for name in manifest["sha256"]} | {"manifest.json"} == set(content(built))
    assert manifest["counts"]["posting_hop"] == sum(registered(s).keys.size for s in (1, 2, 3))


def test_no_file_is_a_pickle(built: Path) -> None:
    for name, data in content(built).items():
        assert name.endswith((".bin", ".json"))
        assert not data.startswith(b"\x80")


def test_building_again_changes_nothing(built: Path) -> None:
    before = content(built)
    manifest = Index.build(reversed(items(1, 2, 3)), built)
    assert content(built) == before
    assert manifest.version == Index.build(items(1, 2, 3), built.parent / "again").version
    assert content(built.parent / "again") == before


def test_another_content_is_not_written_over(built: Path) -> None:
    before = content(built)
    with pytest.raises(UsageError) as caught:
        Index.build(items(1), built)
    assert caught.value.code == "segment_exists"
    assert content(built) == before


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield from items(1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Index.build(broken(), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Index.build([*items(1, 2), *items(1)], tmp_path / "new")
    assert caught.value.code == "duplicate_recording"
    assert list(tmp_path.iterdir()) == []


def test_foreign_fingerprints_are_refused(tmp_path: Path, built: Path) -> None:
    fp = registered(1)
    foreign = Fingerprint("fp9-000000000000", fp.duration_s, fp.level_dbfs, fp.keys, fp.times, fp.robust)
    with pytest.raises(PermanentError) as caught:
        Index.build([("R1", foreign)], tmp_path / "new")
    assert caught.value.code == "unknown_pipeline"
    with pytest.raises(PermanentError) as caught:
        Index.open([built]).search(foreign)
    assert caught.value.code == "unknown_pipeline"


def test_a_merge_has_the_bytes_of_one_build(tmp_path: Path, built: Path) -> None:
    Index.build(items(4), tmp_path / "small")
    Index.build(items(5, 6), tmp_path / "middle")
    merged = Index.merge([built, tmp_path / "small", tmp_path / "middle"], tmp_path / "merged")
    straight = Index.build(items(1, 2, 3, 4, 5, 6), tmp_path / "straight")
    assert merged == straight
    assert content(tmp_path / "merged") == content(tmp_path / "straight")


def test_a_merge_drops_and_replaces(tmp_path: Path, built: Path) -> None:
    Index.build([("R2", registered(7))], tmp_path / "newer")
    merged = Index.merge([built, tmp_path / "newer"], tmp_path / "merged", drop=["R3", "R99"])
    straight = Index.build([("R1", registered(1)), ("R2", registered(7))], tmp_path / "straight")
    assert merged == straight


def test_the_last_segment_wins(tmp_path: Path, built: Path) -> None:
    Index.build([("R2", registered(7))], tmp_path / "newer")
    index = Index.open([built, tmp_path / "newer"])
    assert index.search(of(cut(sound(2), 10, 20))) == []
    assert [s.recording_id for s in index.search(of(cut(sound(7), 10, 20)))] == ["R2"]
    assert index.recording_ids == {"R1", "R2", "R3"}


def test_many_segments_find_what_one_finds(tmp_path: Path, built: Path) -> None:
    for seed in (1, 2, 3):
        Index.build(items(seed), tmp_path / str(seed))
    query = of(np.concatenate([cut(sound(1), 5, 14), cut(sound(3), 20, 27)]))
    one = Index.open([built]).search(query)
    many = Index.open([tmp_path / "1", tmp_path / "2", tmp_path / "3"]).search(query)
    assert one == many
    assert [s.recording_id for s in one] == ["R1", "R3"]


def test_an_empty_catalogue_finds_nothing(tmp_path: Path) -> None:
    Index.build([], tmp_path / "empty")
    assert Index.open([tmp_path / "empty"]).search(registered(1)) == []
    assert Index.open([]).search(registered(1), deep=True) == []


def test_silent_recordings_can_be_registered(tmp_path: Path) -> None:
    silent = of(np.zeros(30000))
    manifest = Index.build([("S", silent), ("Z", of(np.zeros(0))), *items(1)], tmp_path / "new")
    index = Index.open([tmp_path / "new"])
    assert index.search(silent) == []
    assert [s.recording_id for s in index.search(of(cut(sound(1), 10, 20)))] == ["R1"]
    assert Index.merge([tmp_path / "new"], tmp_path / "same") == manifest


def test_the_version_is_of_content_and_order(tmp_path: Path, built: Path) -> None:
    other = Index.build(items(4), tmp_path / "4")
    base = Index.build(items(1, 2, 3), tmp_path / "base")
    assert index_version([base]) == Index.open([built]).version
    assert len({index_version(m) for m in ([], [base], [other], [base, other], [other, base])}) == 5


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


def refused(folder: Path, *, verify: bool = True) -> str:
    with pytest.raises(PermanentError) as caught:
        Index.open([folder], verify=verify)
    assert caught.value.remedy
    return caught.value.code


NAMES = [
    "posting_start",
    "posting_low",
    "posting_hop",
    "block_start",
    "peak_start",
    "peak_time",
    "peak_cents",
    "band_sign",
]


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_never_searched(copy: Path, name: str) -> None:
    path = copy / f"{name}.bin"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert refused(copy) == "corrupt_index"
    path.write_bytes(data[:-4])
    assert refused(copy, verify=False) == "corrupt_index"
    path.unlink()
    assert refused(copy, verify=False) == "missing_segment"


def test_a_missing_segment_is_never_passed_over(built: Path, tmp_path: Path) -> None:
    with pytest.raises(PermanentError) as caught:
        Index.open([built, tmp_path / "nowhere"])
    assert caught.value.code == "missing_segment"
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == "missing_segment"
    (tmp_path / "file").write_text("x")
    assert refused(tmp_path / "file") == "missing_segment"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pipeline": "fp1-000000000000"}, "unknown_pipeline"),
        ({"format": "rightscan-index-9"}, "corrupt_index"),
        ({"recording_ids": ["R1"]}, "corrupt_index"),
        ({"counts": {}}, "corrupt_index"),
        ({"sha256": 3}, "corrupt_index"),
        ({"more": 1}, "corrupt_index"),
        ({"key_shift": "4"}, "corrupt_index"),
    ],
)
def test_other_manifests_are_refused(copy: Path, change: dict[str, object], code: str) -> None:
    path = copy / "manifest.json"
    body = json.loads(path.read_bytes()) | change
    path.write_bytes(json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    assert refused(copy) == code


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format":"rightscan-index-2"}'])
def test_no_manifest_at_all(copy: Path, data: bytes) -> None:
    (copy / "manifest.json").write_bytes(data)
    assert refused(copy) == "corrupt_index"


def test_a_merge_reads_nothing_damaged(copy: Path, tmp_path: Path) -> None:
    path = copy / "peak_cents.bin"
    data = bytearray(path.read_bytes())
    data[7] ^= 8
    path.write_bytes(data)
    with pytest.raises(PermanentError) as caught:
        Index.merge([copy], tmp_path / "out")
    assert caught.value.code == "corrupt_index"
    assert not (tmp_path / "out").exists()
