"""The live index: what a pointer can list, what a function's disk keeps, what is refused before it fills either."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rightscan.errors import TransientError
from rightscan.jobs import index_build, live_index, register
from rightscan.jobs.live_index import LiveIndex
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.media.limits import Limits
from rightscan.records.messages import ReferenceRequested
from system import RememberedAnalysis, System, make_files, quiet


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upkeep")
    return make_files(folder / "files"), RememberedAnalysis(folder / "analysis")


@pytest.fixture
def system(material, tmp_path: Path) -> System:
    return System(tmp_path / "store", material[1])


def reader(system: System, cache: Path) -> LiveIndex:
    ports = system.ports
    return LiveIndex(ports.ledger, ports.objects, ports.settings.buckets.work, ports.clock, cache, 0)


def states(system: System) -> dict[str, str]:
    ledger = system.ports.ledger
    return {
        recording.recording_id: ledger.reference(recording.recording_id, fingerprint_pipeline()).state.value
        for recording in ledger.recordings()
    }


def test_more_recordings_than_one_pointer_can_list_come_in_portions(
    system: System, material, monkeypatch
) -> None:
    moves = []
    extend = index_build._extend

    def noted(pointer, waiting, ports):
        moves.append(sorted(waiting))
        return extend(pointer, waiting, ports)

    monkeypatch.setattr(index_build, "_extend", noted)
    monkeypatch.setattr(index_build, "MAX_BATCH_BYTES", 100)
    system.register(material[0])
    system.pump()
    assert moves == [["REC-1"], ["REC-2"]]
    assert states(system) == {"REC-1": "indexed", "REC-2": "indexed"}
    pointer = system.ports.ledger.pointer("index")
    assert [segment["recordings"] for segment in pointer.value["segments"]] == [2]


def test_a_full_pointer_fits_a_record() -> None:
    # 64 digits of a hash and DynamoDB's bytes per entry of a map, beside the id that is counted.
    entries = index_build.MAX_BATCH_BYTES // (64 + 8 + 1)
    assert entries * (1 + 64 + 3 + 1) + 100_000 < 400 * 1024


def test_segments_that_are_no_longer_named_leave_the_disk(
    system: System, material, tmp_path: Path, monkeypatch
) -> None:
    system.register(material[0])
    system.pump()
    cache = tmp_path / "cache"
    live = reader(system, cache)
    before = live.current()
    (old,) = cache.iterdir()
    system.register_more(material[0])
    system.pump()
    monkeypatch.setattr(live_index, "KEEP_S", -1.0)
    after = live.current()
    assert after.version != before.version
    pointer = system.ports.ledger.pointer("index")
    named = {segment["id"] for segment in pointer.value["segments"]}
    assert {folder.name for folder in cache.iterdir()} == named
    assert old.name in named or not old.exists()
    # Whoever had it mapped goes on.
    assert before.index.recording_ids == {"REC-1", "REC-2"}
    assert after.index.recording_ids == {"REC-1", "REC-2", "REC-3"}


def test_a_segment_fetched_just_now_stays(system: System, tmp_path: Path, material) -> None:
    system.register(material[0])
    system.pump()
    cache = tmp_path / "cache"
    ages = {"young": 10, "old": 100, ".arriving-young": 100, ".arriving-old": 1000}
    for name, age in ages.items():
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (time.time() - age,) * 2)
    reader(system, cache).current()
    left = {folder.name for folder in cache.iterdir()} & set(ages)
    assert left == {"young", ".arriving-young"}


def test_a_damaged_copy_of_a_segment_is_fetched_anew(system: System, material, tmp_path: Path) -> None:
    system.register(material[0])
    system.pump()
    cache = tmp_path / "cache"
    reader(system, cache).current()
    (folder,) = cache.iterdir()
    largest = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(b"\xff" * largest.stat().st_size)
    live = reader(system, cache)
    with pytest.raises(TransientError) as told:
        live.current()
    assert told.value.code == "corrupt_index"
    assert live.current().index.recording_ids == {"REC-1", "REC-2"}


# ---- what is refused ----------------------------------------------------------------------------------------
def test_a_catalogue_whose_ids_no_record_holds_is_refused_before_a_row_is_written(
    system: System, material, monkeypatch
) -> None:
    monkeypatch.setattr(register, "MAX_ID_BYTES", 11)
    system.register(material[0])
    system.pump()
    assert [(i.source_kind, i.code) for i in system.ports.ledger.incidents_in_period("2026-11")] == [
        ("catalogue", "catalogue_too_large")
    ]
    assert list(system.ports.ledger.recordings()) == []


def test_as_many_rows_as_a_file_may_have_fit_with_ids_of_usual_length() -> None:
    assert register.MAX_ROWS * len("KRA012300001") < register.MAX_ID_BYTES < 400 * 1024


def test_audio_that_would_fill_the_disk_is_refused_by_its_size(system: System, material) -> None:
    world = replace(
        system.ports, settings=replace(system.ports.settings, limits=Limits(hash_limit_bytes=1000))
    )
    system.register(material[0])
    with quiet():
        system.runtime.pump_once()  # the catalogue's rows
    for recording_id in ("REC-1", "REC-2"):
        request = ReferenceRequested(recording_id=recording_id, registration_id="x")
        assert register.fingerprint_reference(request, world) == "failed"
    assert states(system) == {"REC-1": "failed", "REC-2": "failed"}
    troubles = {(i.source_kind, i.code) for i in system.ports.ledger.incidents_in_period("2026-11")}
    assert troubles == {("reference", "too_large")}
    assert system.left_over()["folders"] == 0
